//! Files that are on their way: messages wait for them, whichever command comes next.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::faults::folder_of;
use super::{Ended, is_there, media, objects, opened, run_in, samples, whole};
use crate::support::{Rehearsal, importer_process};

/// Messages that the server has, of any kind.
pub(super) fn messages(server: &Rehearsal) -> usize {
    let audit = server.audit();
    let talks = audit["conversations"].as_object().unwrap();
    talks.keys().map(|talk| server.log(talk).iter().filter(|entry| is_there(entry)).count()).sum()
}

pub(super) fn bare(dir: &Path, server: &Rehearsal, more: &[&str]) -> Ended {
    let usual = ["run", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
    run_in(dir, &[&usual, more].concat())
}

/// A job whose `media` was killed once two files were put.
fn interrupted(dir: &Path, server: &Rehearsal) {
    server.control("/_rehearsal/faults", Some(&json!({ "kind": "slow-store", "ms": 60 })));
    let mut process = importer_process()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .args(["media", "--quiet", "--uploads", "1", "--api", &server.url])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What is written to try the storage is the first.
    while objects(server)["puts"].as_u64().unwrap() < 3 {
        assert!(process.try_wait().unwrap().is_none(), "it has ended already");
        std::thread::sleep(Duration::from_millis(5));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    server.turn_all_off();
}

#[test]
fn messages_wait_for_files_whose_upload_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    folder_of(dir.path(), &(1000..1012).collect::<Vec<_>>());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    interrupted(dir.path(), &server);
    let refused = bare(dir.path(), &server, &[]);
    assert_eq!(refused.code, 2, "{}", refused.said);
    assert!(refused.said.contains("`run --media` goes on"), "{}", refused.said);
    assert_eq!(messages(&server), 0);
    let ended = whole(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(media(&server).len(), 12);
    // What is sent goes on without being asked for files again.
    let again = bare(dir.path(), &server, &[]);
    assert_eq!(again.code, 0, "{}", again.said);
    let status = run_in(dir.path(), &["status"]);
    assert!(status.said.contains("12, 12 on the server"), "{}", status.said);
}

#[test]
fn where_nothing_can_be_uploaded_messages_go_without() {
    let dir = tempfile::tempdir().unwrap();
    folder_of(dir.path(), &[1000, 1001]);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    server.control("/_rehearsal/faults", Some(&json!({ "kind": "store-off" })));
    let refused = whole(dir.path(), &server, &[]);
    assert!(refused.code == 6 && refused.said.contains("leave out --media"), "{}", refused.said);
    let ended = bare(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!((messages(&server), media(&server).len()), (2, 0));
}

/// Groups of one, each with two files.
pub(super) fn three_groups(dir: &Path) {
    fs_err::create_dir_all(dir.join("export/files")).unwrap();
    let chats = (10..13).map(|chat: u64| {
        let said = (1..3).map(|n| {
            let file = format!("files/{chat}-{n}.bin");
            fs_err::write(dir.join("export").join(&file), samples::noise(chat * 10 + n, 900)).unwrap();
            json!({ "id": n, "type": "message", "date_unixtime": (1_709_280_000 + n).to_string(), "date": "2024-03-01T10:00:00",
                "from": "Ann", "from_id": "user1", "text": "look", "file": file, "file_name": file })
        });
        let said: Vec<_> = said.collect();
        // As Telegram writes it: what kind of chat it is stands before its messages.
        format!(r#"{{"name":"C","type":"private_group","id":{chat},"messages":{}}}"#, json!(said))
    });
    let chats = chats.collect::<Vec<_>>().join(",");
    let account =
        format!(r#"{{"about":"x","personal_information":{{"user_id":1}},"chats":{{"list":[{chats}]}}}}"#);
    fs_err::write(dir.join("export/result.json"), account).unwrap();
    fs_err::write(dir.join("import.toml"), "sources = [\"export\"]\n").unwrap();
}

#[test]
fn what_was_refused_and_held_goes_out_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let gone = json!({ "kind": "remove-group", "group": "chat12", "path": "/msg/send_msg", "after": 2 });
    server.control("/_rehearsal/faults", Some(&gone));
    let ended = whole(dir.path(), &server, &["--on-reject", "hold"]);
    assert!(ended.code != 0 && ended.said.contains("waits at a refused message"), "{}", ended.said);
    let mended = run_in(dir.path(), &["provision", "--quiet", "--api", &server.url]);
    assert_eq!(mended.code, 0, "{}", mended.said);
    let ended = run_in(dir.path(), &["retry", "--quiet", "--api", &server.url]);
    assert_eq!((ended.code, media(&server).len()), (0, 6), "{}", ended.said);
    for (_, content) in media(&server) {
        assert_eq!(opened(content["sourceUrl"].as_str().unwrap()).len(), 900);
    }
}
