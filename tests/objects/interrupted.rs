//! Files that are on their way: messages wait for them, whichever command comes next.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::faults::folder_of;
use super::{Ended, media, objects, run_in, whole};
use crate::support::{Rehearsal, importer_process};

/// Messages that the server has, of any kind.
fn messages(server: &Rehearsal) -> usize {
    let audit = server.audit();
    let talks = audit["conversations"].as_object().unwrap();
    talks.keys().map(|talk| server.log(talk).len()).sum()
}

fn bare(dir: &Path, server: &Rehearsal, more: &[&str]) -> Ended {
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
