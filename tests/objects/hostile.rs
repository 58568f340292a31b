//! Files that were made to hurt, and links that lead where they must not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use super::{objects, run_in, samples};
use crate::support::Rehearsal;

/// A Telegram folder whose messages name these files.
fn naming(dir: &Path, files: &[&str]) {
    fs_err::create_dir_all(dir.join("export")).unwrap();
    let messages: Vec<_> = (1..)
        .zip(files)
        .map(|(n, file)| {
            json!({ "id": n, "type": "message", "date_unixtime": (1_709_280_000 + n).to_string(), "from": "Ann",
                "date": "2024-03-01T10:00:00", "from_id": "user1", "text": "", "file": file, "mime_type": "image/png" })
        })
        .collect();
    // As Telegram writes it: what kind of chat it is stands before its messages.
    let chat = format!(r#"{{"name":"Ann","type":"personal_chat","id":1,"messages":{}}}"#, json!(messages));
    fs_err::write(dir.join("export/result.json"), chat).unwrap();
    fs_err::write(dir.join("import.toml"), "sources = [\"export\"]\n[format]\nself = \"user2\"\n").unwrap();
}

#[cfg(unix)]
#[test]
fn files_that_are_none_and_names_that_climb() {
    let dir = tempfile::tempdir().unwrap();
    naming(
        dir.path(),
        &["../secret.txt", "/etc/hostname", "link.png", "pipe.png", "folder.png", "huge.png", "lies.png"],
    );
    let export = dir.path().join("export");
    fs_err::write(dir.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret.txt"), export.join("link.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(export.join("pipe.png")).status().unwrap().success());
    fs_err::create_dir(export.join("folder.png")).unwrap();
    // Ten gigabytes that take no room.
    fs_err::File::create(export.join("huge.png")).unwrap().set_len(10 << 30).unwrap();
    let mut lies = samples::png(3, 3, 3);
    lies[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
    fs_err::write(export.join("lies.png"), lies).unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
    assert_eq!(ended.code, 3, "{}", ended.said);
    for words in [
        "link.png (unreadable): leads out of the export",
        "pipe.png (unreadable): is no file",
        "folder.png (unreadable): is no file",
        "huge.png (too-large)",
    ] {
        assert!(ended.said.contains(words), "{words}: {}", ended.said);
    }
    // The one that lies is a file like any other; its size is not believed. And the one that was written to try.
    assert_eq!(objects(&server)["objects"].as_array().unwrap().len(), 2, "{}", ended.said);
}

/// Answers every call with the same head, and then with bytes until nobody takes them.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = [0; 1024];
                let n = stream.read(&mut head).unwrap_or_default();
                if String::from_utf8_lossy(&head[..n]).contains("/away") {
                    drop(stream.write_all(
                        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
                    ));
                    return;
                }
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"));
                while stream.write_all(&[7; 8_192]).is_ok() {}
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn an_address_of_phones_that_answers_without_end_is_not_listened_to() {
    let dir = tempfile::tempdir().unwrap();
    naming(dir.path(), &["a.png"]);
    fs_err::write(dir.path().join("export/a.png"), samples::png(3, 3, 3)).unwrap();
    let toml = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    let public = format!("{toml}[media]\npublic_url = \"{}\"\n", endless());
    fs_err::write(dir.path().join("import.toml"), public).unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
    assert!(ended.code == 6 && ended.said.contains("other bytes come back"), "{}", ended.said);
}

/// An export of Tencent, whose pictures lie behind links.
fn linking(dir: &Path, url: &str, settings: &str) {
    let message = json!({ "AppID": "1", "MsgList": [{ "CallbackCommand": "C2C.CallbackAfterSendMsg", "From_Account": "ann", "To_Account": "bob",
        "MsgTimestamp": 1_709_280_000, "MsgSeq": 1, "MsgRandom": 1, "MsgFromPlatform": "iOS", "MsgBody": [{ "MsgType": "TIMFileElem",
        "MsgContent": { "Url": url, "UUID": "u1", "FileSize": 5, "FileName": "a.bin" } }] }] });
    fs_err::write(dir.join("c2c.json"), message.to_string()).unwrap();
    let text = format!("sources = [\"c2c.json\"]\n[format]\nname = \"tencent\"\n{settings}");
    fs_err::write(dir.join("import.toml"), text).unwrap();
}

#[test]
fn links_are_fetched_when_asked_within_bounds_and_never_from_private_networks() {
    let address = endless();
    for (settings, url, flags, words) in [
        ("", "/file", &[][..], "which is fetched with --fetch"),
        ("", "/file", &["--fetch"][..], "into a private network"),
        (
            "[media]\nallow_private = true\nmax_size = 100000\n",
            "/file",
            &["--fetch"][..],
            "its link: more than 100000 bytes",
        ),
        ("[media]\nallow_private = true\n", "/away", &["--fetch"][..], "cannot be reached"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        linking(dir.path(), &format!("{address}{url}"), settings);
        let ended = run_in(dir.path(), &[&["media", "--dry-run", "--quiet"], flags].concat());
        assert!(ended.said.contains(words), "{settings} {flags:?}: {}", ended.said);
        assert!(!ended.said.contains(&address), "the link is not shown: {}", ended.said);
    }
}
