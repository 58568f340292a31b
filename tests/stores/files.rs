//! Pictures and files beside the messages, read from the store as they are from a disk.

use std::path::Path;

use serde_json::{Value, json};

use super::read::{asks, told};
use super::server::{Faults, Store};
use crate::objects::{media, objects, opened, samples};
use crate::support::Rehearsal;

/// Files of an export, by their paths in it.
type Files = Vec<(&'static str, Vec<u8>)>;

/// A chat of Telegram: a picture, a recording, and a file of three parts.
fn telegram() -> Files {
    let message = |id: u64, more: &Value| {
        let mut message = json!({ "id": id, "type": "message", "date": "2024-03-01T10:00:00",
            "date_unixtime": (1_709_280_000 + id).to_string(), "from": "Ann", "from_id": "user1", "text": "" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let messages = json!([
        message(1, &json!({ "photo": "photos/p 1+é.png", "width": 9, "height": 9 })),
        message(
            2,
            &json!({ "file": "voice/v.ogg", "media_type": "voice_message", "mime_type": "audio/ogg" })
        ),
        message(3, &json!({ "file": "files/large.bin", "file_name": "large.bin" })),
        message(4, &json!({ "photo": "photos/none.png", "width": 9, "height": 9 })),
        message(5, &json!({ "file": "result.json", "file_name": "result.json" })),
    ]);
    let chat = format!(r#"{{"name":"Ann","type":"personal_chat","id":1,"messages":{messages}}}"#);
    vec![
        ("result.json", chat.into_bytes()),
        ("photos/p 1+é.png", samples::png(30, 40, 1)),
        ("voice/v.ogg", samples::opus(2)),
        ("files/large.bin", samples::noise(27, 11 << 20)),
    ]
}

/// Puts them into the store below `tg/` and as `zips/tg.zip`, and into a folder here.
fn put(store: &Store, dir: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = dir.join("tg").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
        store.put(&format!("tg/{name}"), bytes.clone());
    }
    let packed: Vec<_> = files.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    samples::zip(&dir.join("tg.zip"), &packed);
    store.put("zips/tg.zip", fs_err::read(dir.join("tg.zip")).unwrap());
    store.put("elsewhere/p.png", "of somebody else");
}

/// A folder with a configuration, and the key that gives files their names.
fn configured(sources: &str, more: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("sources = [{sources:?}]\n{more}[format]\nself = \"user2\"\nzone = \"UTC\"\n");
    fs_err::write(dir.path().join("import.toml"), text).unwrap();
    let key = dir.path().join("media.key");
    fs_err::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    #[cfg(unix)]
    fs_err::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    dir
}

/// How a whole import with files ended, and what it said.
fn whole(store: &Store, dir: &Path, server: &Rehearsal, more: &[&str]) -> (i32, String) {
    let mut run = asks(store, dir);
    run.args(["run", "--media", "--provision", "--allow", "retention", "--quiet", "--api", &server.url]);
    told(run.args(more))
}

fn server() -> Rehearsal {
    Rehearsal::start(&["--answer-time", "0s", "--batch-interval", "20ms", "--store-lag", "50ms"])
}

/// What the object storage holds, and what the messages show: names and bytes, without the address of the server.
fn shown(server: &Rehearsal) -> (Value, Vec<String>) {
    let mut all = objects(server)["objects"].clone();
    for object in all.as_array_mut().unwrap() {
        object.as_object_mut().unwrap().retain(|key, _| matches!(&**key, "name" | "size" | "hash" | "type"));
    }
    let messages = media(server).into_iter();
    let without = |(kind, content): (u64, Value)| format!("{kind} {content}").replace(&server.url, "");
    let mut messages: Vec<String> = messages.map(without).collect();
    messages.sort();
    (all, messages)
}

#[test]
fn files_of_folders_and_archives_are_those_of_a_disk() {
    let (store, here) = (Store::start(), tempfile::tempdir().unwrap());
    let files = telegram();
    put(&store, here.path(), &files);
    let local = server();
    let dir = configured(here.path().join("tg").to_str().unwrap(), "");
    let (code, said) = whole(&store, dir.path(), &local, &[]);
    assert_eq!(code, 0, "{said}");
    let (all, messages) = shown(&local);
    assert_eq!(messages.len(), 3, "{messages:?}");
    store.faults(Faults { cut: Some(2_500_000), page: Some(2), ..Faults::default() });
    for source in
        ["s3://chats/tg", "s3://chats/zips/tg.zip", "s3://chats/zips/*.zip", "s3://chats/tg/result.json"]
    {
        let (dir, server) = (configured(source, ""), server());
        let (code, said) = whole(&store, dir.path(), &server, &[]);
        assert_eq!(code, 0, "{source}: {said}");
        assert_eq!(shown(&server), (all.clone(), messages.clone()), "{source}: {said}");
        // What messages are read from is no file of theirs, and what is nowhere is said to be.
        assert!(
            said.contains("none.png (missing)") && said.contains("result.json (missing)"),
            "{source}: {said}"
        );
        let verified =
            told(asks(&store, dir.path()).args(["verify", "--media", "--quiet", "--api", &server.url]));
        assert!(
            verified.0 == 0 && verified.1.contains("3 are what they must be"),
            "{source}: {}",
            verified.1
        );
    }
    let of_large = media(&local).into_iter().find(|(kind, _)| *kind == 105).unwrap().1;
    assert!(opened(of_large["sourceUrl"].as_str().unwrap()) == files[3].1);
}

#[test]
fn a_folder_of_files_can_be_in_a_store() {
    let (store, here) = (Store::start(), tempfile::tempdir().unwrap());
    put(&store, here.path(), &telegram());
    fs_err::remove_dir_all(here.path().join("tg/photos")).unwrap();
    let (dir, server) = (
        configured(here.path().join("tg").to_str().unwrap(), "[media]\nfiles = \"s3://chats/tg\"\n"),
        server(),
    );
    let (code, said) = whole(&store, dir.path(), &server, &[]);
    assert_eq!(code, 0, "{said}");
    // There `result.json` is no file that messages are read from.
    assert_eq!(shown(&server).1.len(), 4, "{said}");
}

#[test]
fn what_a_store_does_not_give_is_no_missing_file() {
    let (store, here) = (Store::start(), tempfile::tempdir().unwrap());
    put(&store, here.path(), &telegram());
    let (dir, server) = (configured("s3://chats/tg", ""), server());
    // Busy for longer than is waited: nothing is sent in place of the files, and the same command goes on.
    let busy = Some((1000, 503));
    store.faults(Faults { status: busy, of: "voice".to_owned(), ..Faults::default() });
    let (code, said) = whole(&store, dir.path(), &server, &[]);
    assert!(code == 5 && said.contains("tg/voice/v.ogg") && said.contains("given up after"), "{code} {said}");
    assert_eq!(server.audit()["conversations"], json!({}));
    // Not for us: that file alone.
    store.faults(Faults { status: Some((1000, 403)), of: "voice".to_owned(), ..Faults::default() });
    let (code, said) = told(asks(&store, dir.path()).args(["media", "--quiet", "--api", &server.url]));
    assert!(code == 3 && said.contains("may not be read"), "{code} {said}");
    // Replaced while it was read.
    let other = Some((6 << 20, samples::noise(1, 11 << 20)));
    store.faults(Faults { replace: other, cut: Some(2_500_000), ..Faults::default() });
    let (code, said) = told(asks(&store, dir.path()).args(["media", "--quiet", "--api", &server.url]));
    assert!(
        code == 3 && said.contains("large.bin (unreadable): changed since it was looked at"),
        "{code} {said}"
    );
    store.faults(Faults::default());
    let (code, said) = whole(&store, dir.path(), &server, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(shown(&server).1.len(), 3, "{said}");
}

/// A canary's files go up with it, the others with their messages, by another process that knows only where they are.
#[test]
fn files_that_wait_for_their_messages_are_read_when_those_are_sent() {
    let store = Store::start();
    let line = |room: u64| {
        let at = format!("2024-03-01T09:0{room}:00Z");
        let (path, text) = (format!("pictures/{room}.png"), format!("in {room}"));
        json!({ "id": format!("m{room}"), "room": format!("r{room}"), "from": if room % 2 == 0 { "ann" } else { "bo" }, "sent_at": at, "text": text,
            "file": [{ "path": path }] })
        .to_string()
    };
    let lines: Vec<String> = (0..4).map(line).collect();
    store.put("own/chat.jsonl", lines.join("\n"));
    for room in 0..4 {
        store.put(&format!("own/pictures/{room}.png"), samples::png(40, 30, room));
    }
    let packed: Vec<(String, Vec<u8>)> =
        (0..4).map(|room| (format!("pictures/{room}.png"), samples::png(40, 30, room))).collect();
    let mut packed: Vec<(&str, &[u8])> = packed.iter().map(|(name, bytes)| (&**name, &bytes[..])).collect();
    let text = lines.join("\n");
    packed.push(("chat.jsonl", text.as_bytes()));
    let zip = tempfile::tempdir().unwrap();
    samples::zip(&zip.path().join("x.zip"), &packed);
    store.put("own.zip", fs_err::read(zip.path().join("x.zip")).unwrap());
    for source in ["s3://chats/own", "s3://chats/own.zip"] {
        let (dir, server) = (tempfile::tempdir().unwrap(), server());
        let (code, said) = told(asks(&store, dir.path()).args(["init", source]));
        assert_eq!(code, 0, "{said}");
        let (code, said) = whole(&store, dir.path(), &server, &["--canary", "1"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(media(&server).len(), 1, "{said}");
        let mut run = asks(&store, dir.path());
        run.args(["run", "--allow", "retention", "--provision", "--quiet", "--api", &server.url]);
        let (code, said) = told(&mut run);
        assert_eq!(code, 0, "{said}");
        let shown = media(&server);
        assert_eq!(shown.len(), 4, "{said}");
        let mut read: Vec<Vec<u8>> = shown
            .iter()
            .map(|(_, content)| opened(content["sourcePicture"]["url"].as_str().unwrap()))
            .collect();
        let mut pictures: Vec<Vec<u8>> = (0..4).map(|room| samples::png(40, 30, room)).collect();
        read.sort();
        pictures.sort();
        assert!(read == pictures);
    }
}
