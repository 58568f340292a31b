//! What is read: objects, folders, globs and archives, over connections that break.

use std::io::Write;
use std::path::Path;

use super::server::{Faults, Store};
use crate::chaos::export;
use crate::support::truth::Expected;
use crate::support::{Rehearsal, importer};

/// The importer, to read from that store.
pub(super) fn asks(store: &Store, dir: &Path) -> assert_cmd::Command {
    let mut command = importer();
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).env("OPENIM_SECRET", "openIM123").env("AWS_ENDPOINT_URL", &store.url);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}

pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";

/// How a command ended, and all it said.
pub(super) fn told(command: &mut assert_cmd::Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

/// The messages of a job as they lie there.
fn spool(dir: &Path) -> Vec<u8> {
    fs_err::read(dir.join("import.job/messages.spool")).unwrap()
}

/// What `check` makes of these sources, from this folder.
fn checked(store: &Store, sources: &[&str]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (code, said) =
        told(asks(store, dir.path()).arg("check").args(sources).args(["--allow", "would-not-scroll"]));
    assert_eq!(code, 0, "{said}");
    spool(dir.path())
}

fn zst(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

#[test]
fn a_connection_that_is_cut_over_and_over_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = export(dir.path(), 20_000, 20, 27);
    let text = fs_err::read(&file).unwrap();
    let store = Store::start();
    store.put("night/a b+é%20.jsonl", text.clone());
    store.put("night/packed.jsonl.zst", zst(&text));
    store.faults(Faults { cut: Some(150_000), ..Faults::default() });
    let local = checked(&store, &[file.to_str().unwrap()]);
    assert!(checked(&store, &["s3://chats/night/a b+é%20.jsonl"]) == local);
    let calls = store.calls();
    let (gets, first) =
        (calls.iter().filter(|call| call.method == "GET"), calls.iter().find(|call| call.range.is_none()));
    let again: Vec<_> = gets.filter(|call| call.range.is_some_and(|(from, _)| from > 0)).collect();
    assert!(again.len() >= text.len() / 170_000, "{} calls of {} bytes", again.len(), text.len());
    assert!(
        again.iter().all(|call| call.if_match.is_some()) && first.is_some_and(|call| !call.signed.is_empty())
    );
    assert!(checked(&store, &["s3://chats/night/packed.jsonl.zst"]) == local);

    // A whole import, judged by the server's own log.
    let server =
        Rehearsal::start(&["--answer-time", "0ms", "--batch-interval", "20ms", "--store-lag", "50ms"]);
    let mut run = asks(&store, dir.path());
    run.args(["run", "s3://chats/night/packed.jsonl.zst", "--api", &server.url, "--provision", "--quiet"]);
    run.args(["--allow", "retention", "--allow", "would-not-scroll"]);
    let (code, said) = told(&mut run);
    assert_eq!(code, 0, "{said}");
    let judgement = Expected::of(&[&file]).judge(&server);
    assert!(judgement.is_exact() && judgement.messages == 20_000, "{judgement:?}");
}

/// Three files in two folders, and what lies beside them.
fn folder(store: &Store, dir: &Path) {
    for (n, name) in ["a/1.jsonl", "a-b.jsonl", "a/2.jsonl", "c/3.csv.bak"].iter().enumerate() {
        let part = tempfile::tempdir().unwrap();
        let text = fs_err::read_to_string(export(part.path(), 50, 5, n as u64)).unwrap();
        let text =
            text.replace("\"id\":\"m", &format!("\"id\":\"{n}m")).replace("17000", &format!("170{n}0"));
        fs_err::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs_err::write(dir.join(name), &text).unwrap();
        store.put(&format!("export/{name}"), text);
    }
    // What consoles make of a folder.
    store.put("export/", "");
    store.put("export/a/", "");
    store.put("exports-of-others/1.jsonl", "{}");
}

#[test]
fn folders_and_globs_are_those_of_files() {
    let (store, dir) = (Store::start(), tempfile::tempdir().unwrap());
    folder(&store, dir.path());
    store.faults(Faults { page: Some(2), ..Faults::default() });
    let here = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let all = checked(&store, &[&here("")]);
    for (address, path) in [
        ("s3://chats/export", ""),
        ("s3://chats/export/", ""),
        ("s3://chats/export/*.jsonl", "*.jsonl"),
        ("s3://chats/export/**/*.jsonl", "**/*.jsonl"),
        ("s3://chats/export/a/[12].jsonl", "a/[12].jsonl"),
        ("s3://chats/export/?", "?"),
        ("s3://chats/export/a*", "a*"),
    ] {
        assert!(checked(&store, &[address]) == checked(&store, &[&here(path)]), "{address}");
    }
    // One object named twice is read once, and sources of both kinds go together.
    assert!(checked(&store, &["s3://chats/export", "s3://chats/export/a/1.jsonl"]) == all);
    let both = [here("a"), here("a-b.jsonl")];
    assert!(checked(&store, &["s3://chats/export/a", &both[1]]) == checked(&store, &[&both[0], &both[1]]));
}

#[test]
fn archives_are_read_by_ranges() {
    let (store, dir) = (Store::start(), tempfile::tempdir().unwrap());
    folder(&store, dir.path());
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let packed = zip::write::SimpleFileOptions::default();
    zip.start_file("photo.jpg", packed.compression_method(zip::CompressionMethod::Stored)).unwrap();
    zip.write_all(&vec![7; 8 << 20]).unwrap();
    for name in ["a/1.jsonl", "a-b.jsonl"] {
        zip.start_file(name, packed).unwrap();
        zip.write_all(&fs_err::read(dir.path().join(name)).unwrap()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    fs_err::write(dir.path().join("x.zip"), &bytes).unwrap();
    store.put("archives/x.zip", bytes);
    store.faults(Faults { cut: Some(3_000), ..Faults::default() });
    store.calls();
    let local = checked(&store, &[dir.path().join("x.zip").to_str().unwrap()]);
    for address in ["s3://chats/archives/x.zip", "s3://chats/archives", "s3://chats/archives/*"] {
        assert!(checked(&store, &[address]) == local, "{address}");
    }
}

#[test]
fn an_object_is_the_same_by_its_etag_or_else_by_its_content() {
    let (store, dir, server) = (Store::start(), tempfile::tempdir().unwrap(), Rehearsal::start(&[]));
    let text = fs_err::read(export(dir.path(), 300, 5, 1)).unwrap();
    store.put("x.jsonl", text.clone());
    store.call("x.jsonl", "one");
    let run = || {
        let mut run = asks(&store, dir.path());
        run.args([
            "run",
            "s3://chats/x.jsonl",
            "--api",
            &server.url,
            "--canary",
            "1",
            "--provision",
            "--quiet",
        ]);
        told(run.args(["--allow", "retention", "--allow", "would-not-scroll"]))
    };
    assert_eq!(run().0, 0);
    // Uploaded again.
    store.call("x.jsonl", "two");
    let (code, said) = run();
    assert_eq!(code, 0, "{said}");
    // No store gives the same name to other bytes: whoever accepts them has not read them.
    store.put("x.jsonl", text.iter().map(|b| if *b == b'7' { b'8' } else { *b }).collect::<Vec<_>>());
    store.call("x.jsonl", "one");
    let (code, said) = run();
    assert_eq!(code, 0, "{said}");
    store.call("x.jsonl", "two");
    let (code, said) = run();
    assert!(code == 2 && said.contains("has the same size but other content"), "{code} {said}");
}

/// What lies side by side is taken apart there as it is here, and each is read in its own way.
#[test]
fn several_formats_in_a_folder() {
    let (store, here) = (Store::start(), tempfile::tempdir().unwrap());
    let day = r#"[{"type":"message","user":"U1","text":"x","ts":"1433866202.000002"}]"#;
    for (name, text) in [
        ("slack/channels.json", r#"[{"id":"C1","name":"general","members":["U1"]}]"#),
        ("slack/general/2015-06-09.json", day),
        ("chats/WhatsApp Chat with Ann.txt", "12/31/24, 11:59 PM - Ann: hi\n12/31/24, 11:59 PM - Bo: ho\n"),
        (
            "crm.csv",
            "id,room,from,sent_at,text\nm1,lab,ann,2024-03-01T09:00:00Z,a\nm2,lab,bo,2024-03-01T09:01:00Z,b\n",
        ),
        ("photos/cat.jpg", "no messages"),
    ] {
        let path = here.path().join("mixed").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        store.put(&format!("mixed/{name}"), text);
    }
    let local = here.path().join("mixed").to_string_lossy().into_owned();
    let init = |source: &str| {
        let dir = tempfile::tempdir().unwrap();
        let mut init = asks(&store, dir.path());
        let (code, said) = told(init.args(["init", source, "--zone", "UTC", "--self", "Bo"]));
        let text = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
        let (checked, all) = told(asks(&store, dir.path()).args(["check", "--allow", "would-not-scroll"]));
        assert!(checked == 0, "{source}: {all}");
        let named = source.trim_end_matches('/');
        (code, said.replace(named, "mixed"), text.replace(named, "mixed"), spool(dir.path()))
    };
    let is = init(&local);
    assert!(is.2.matches("[[source]]").count() == 3 && is.1.contains("not read: `mixed/photos`"), "{}", is.1);
    for source in ["s3://chats/mixed", "s3://chats/mixed/"] {
        let there = init(source);
        let source_is = |said: &str| said.replace("mixed/`", "mixed`");
        assert_eq!((there.0, source_is(&there.1), &there.2), (is.0, source_is(&is.1), &is.2));
        assert!(there.3 == is.3);
    }
}

/// What no disk can hold: an object that is called as the folder beside it.
#[test]
fn an_object_and_a_folder_of_one_name() {
    let (store, dir) = (Store::start(), tempfile::tempdir().unwrap());
    let table = "id,room,from,sent_at,text\nm1,lab,ann,2024-03-01T09:00:00Z,a\n";
    let talk = "12/31/24, 11:59 PM - Ann: hi\n12/31/24, 11:59 PM - Bo: ho\n";
    store.put("both/2024.csv", table);
    store.put("both/2024.csv/WhatsApp Chat with Ann.txt", talk);
    store.put("both/2024.csv/WhatsApp Chat with Cy.txt", talk.replace("Ann", "Cy"));
    let (_, said) =
        told(asks(&store, dir.path()).args(["init", "s3://chats/both", "--zone", "UTC", "--self", "Bo"]));
    let text = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    assert!(text.matches("[[source]]").count() == 2 && text.contains("both/2024.csv/\""), "{said} {text}");
    let (code, said) = told(asks(&store, dir.path()).args(["check", "--allow", "would-not-scroll"]));
    assert!(code == 0 && said.contains("5 messages"), "{code} {said}");
}
