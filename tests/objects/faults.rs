//! What goes wrong on the way: each file is there once, whole, and nothing lies there that the job does not know.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use openim_importer::job::Job;
use serde_json::json;

use super::{Ended, objects, run_in, samples};
use crate::support::{Rehearsal, importer_process};

/// A Telegram folder with so many files, some of them of several parts; their sizes.
fn folder(dir: &Path, small: usize, large: usize) -> Vec<u64> {
    let sizes: Vec<usize> = (0..small).map(|n| 1000 + n).chain((0..large).map(|n| (12 << 20) + n)).collect();
    folder_of(dir, &sizes)
}

/// A Telegram folder with files of these sizes.
pub(super) fn folder_of(dir: &Path, sizes: &[usize]) -> Vec<u64> {
    let export = dir.join("export/files");
    fs_err::create_dir_all(&export).unwrap();
    let mut messages = Vec::new();
    for (n, size) in (0..).zip(sizes) {
        fs_err::write(export.join(format!("{n}.bin")), samples::noise(n, *size)).unwrap();
        messages.push(json!({ "id": n + 1, "type": "message", "date_unixtime": (1_709_280_000 + n).to_string(),
            "date": "2024-03-01T10:00:00", "from": "Ann", "from_id": "user1", "text": "", "file": format!("files/{n}.bin"),
            "file_name": format!("{n}.bin") }));
    }
    // As Telegram writes it: what kind of chat it is stands before its messages.
    let chat = format!(r#"{{"name":"Ann","type":"personal_chat","id":1,"messages":{}}}"#, json!(messages));
    fs_err::write(dir.join("export/result.json"), chat).unwrap();
    fs_err::write(dir.join("import.toml"), "sources = [\"export\"]\n[format]\nself = \"user2\"\n").unwrap();
    sizes.iter().map(|size| *size as u64).collect()
}

fn upload(dir: &Path, server: &Rehearsal) -> Ended {
    run_in(dir, &["media", "--quiet", "--api", &server.url])
}

/// Every file is there, whole, under one name; nothing else is, but what was written to try.
pub(super) fn is_exact(dir: &Path, server: &Rehearsal, files: &[u64]) {
    let stored = objects(server);
    let list = stored["objects"].as_array().unwrap();
    let known = fs_err::read_to_string(dir.join("import.job/media.csv")).unwrap();
    for object in list {
        assert!(known.contains(object["name"].as_str().unwrap()), "the job doesn't know {object}");
        assert_eq!(object["size"], object["bytes"], "{object}");
    }
    let mut sizes: Vec<u64> = list.iter().map(|object| object["bytes"].as_u64().unwrap()).collect();
    sizes.retain(|size| ![64, (5 << 20) + 1].contains(size));
    sizes.sort_unstable();
    let mut expected = files.to_vec();
    expected.sort_unstable();
    assert_eq!(sizes, expected);
    for (what, none) in [("nameless", json!([])), ("temporary", json!(0))] {
        assert_eq!(stored[what], none, "{what}: {stored}");
    }
    // Whose answer was never seen, nobody can close: the job knows of them.
    let job = Job::observe(&dir.join("import.job")).unwrap();
    let open = stored["open_uploads"].as_u64().unwrap();
    let known = job.orphaned_uploads().unwrap();
    assert!(open <= known, "{open} uploads lie open, the job knows of {known}: {stored}");
}

#[test]
fn cut_lost_refused_and_wrong_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let files = folder(dir.path(), 30, 1);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    for fault in [
        json!({ "kind": "cut-upload", "chance": 0.15, "after": 4 }),
        json!({ "kind": "lose-put", "chance": 0.1, "after": 4 }),
        json!({ "kind": "wrong-digest", "chance": 0.1, "after": 4 }),
        json!({ "kind": "expired-signature", "chance": 0.05, "after": 4 }),
        json!({ "kind": "lose-answer", "path": "/object/complete_multipart_upload", "chance": 0.2 }),
        json!({ "kind": "close-after-body", "path": "/object/initiate_multipart_upload", "chance": 0.1, "after": 3 }),
    ] {
        server.control("/_rehearsal/faults", Some(&fault));
    }
    let ended = upload(dir.path(), &server);
    assert_eq!(ended.code, 0, "{}", ended.said);
    is_exact(dir.path(), &server, &files);
}

#[test]
fn killed_again_and_again_it_goes_on_in_the_midst_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let files = folder(dir.path(), 12, 2);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let slow = server.control("/_rehearsal/faults", Some(&json!({ "kind": "slow-store", "ms": 40 })));
    assert!(slow["id"].is_u64());
    for kill in 0..6 {
        let before = objects(&server)["puts"].as_u64().unwrap();
        let mut process = importer_process()
            .current_dir(dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(["media", "--quiet", "--api", &server.url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is struck down once it has put something more, at another moment each time.
        let struck = (0..12_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            objects(&server)["puts"].as_u64().unwrap() > before + kill
                || process.try_wait().unwrap().is_some()
        });
        assert!(struck, "it does nothing");
        process.kill().ok();
        process.wait().unwrap();
    }
    server.turn_all_off();
    let ended = upload(dir.path(), &server);
    assert_eq!(ended.code, 0, "{}", ended.said);
    is_exact(dir.path(), &server, &files);
    let puts = objects(&server)["puts"].clone();
    let again = upload(dir.path(), &server);
    assert!(again.said.contains("nothing was uploaded"), "{}", again.said);
    assert_eq!(objects(&server)["puts"], puts);
}

#[test]
fn each_way_in_which_storage_fails_has_its_own_sentence() {
    for (fault, words) in [
        (json!({ "kind": "store-off" }), "has no object storage"),
        (json!({ "kind": "store-unreachable" }), "`externalAddress`"),
        (json!({ "kind": "store-away", "ms": 1 }), "can't reach its object storage"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), 1, 0);
        let server = Rehearsal::start(&["--answer-time", "0s"]);
        server.control("/_rehearsal/faults", Some(&fault));
        let ended = upload(dir.path(), &server);
        assert_eq!(ended.code, 6, "{fault}: {}", ended.said);
        assert!(ended.said.contains(words), "{fault}: {}", ended.said);
    }
    // An address that phones would not get to.
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), 1, 0);
    let text = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    let public = "[media]\npublic_url = \"http://127.0.0.1:9/api\"\n";
    fs_err::write(dir.path().join("import.toml"), format!("{text}{public}")).unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = upload(dir.path(), &server);
    assert_eq!(ended.code, 6, "{}", ended.said);
    assert!(
        ended.said.contains("http://127.0.0.1:9/api/object/import/") && ended.said.contains("`public_url`"),
        "{}",
        ended.said
    );
}
