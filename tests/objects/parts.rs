//! Some conversations first: their files go up, those of the others with theirs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::faces::face;
use super::faults::is_exact;
use super::interrupted::{bare, messages, three_groups};
use super::{media, objects, opened, run_in, samples, whole};
use crate::support::{Rehearsal, importer_process};

/// What was put, without what is written to try the storage.
fn puts(server: &Rehearsal) -> u64 {
    objects(server)["puts"].as_u64().unwrap().saturating_sub(1)
}

/// Each message has a file, the one that lay in the export.
fn opens_all(server: &Rehearsal, chats: std::ops::Range<u64>) {
    let address = |content: &Value| content["sourceUrl"].as_str().unwrap().to_owned();
    let mut seen: Vec<Vec<u8>> = media(server).iter().map(|(_, content)| opened(&address(content))).collect();
    let mut all: Vec<Vec<u8>> =
        chats.flat_map(|chat| (1..3).map(move |n| samples::noise(chat * 10 + n, 900))).collect();
    seen.sort_unstable();
    all.sort_unstable();
    assert!(seen == all, "{} messages show files, {} must", seen.len(), all.len());
}

#[test]
fn only_the_files_of_the_conversation_go_up_and_the_others_with_theirs() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = whole(dir.path(), &server, &["--only", "sg_chat11"]);
    assert_eq!((ended.code, puts(&server)), (0, 2), "{}", ended.said);
    opens_all(&server, 11..12);
    let status = run_in(dir.path(), &["status"]);
    assert!(status.said.contains("6, 2 on the server, 4 to go up with their messages"), "{}", status.said);
    let report = run_in(dir.path(), &["report"]);
    assert!(
        report.said.contains("2 of 6 files can be opened on the server; 4 go up when"),
        "{}",
        report.said
    );
    let looked =
        run_in(dir.path(), &["verify", "--media", "--quiet", "--only", "sg_chat11", "--api", &server.url]);
    assert!(looked.said.contains("2 files were read back"), "{}", looked.said);
    assert!(
        looked.said.contains("4 files are not there yet, and go up when messages are sent"),
        "{}",
        looked.said
    );
    // The others follow, without being asked for, and from anywhere.
    let job = dir.path().join("import.job");
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::copy(dir.path().join("media.key"), elsewhere.path().join("media.key")).unwrap();
    let ended = bare(elsewhere.path(), &server, &["--job", job.to_str().unwrap(), "--only", "sg_chat10"]);
    assert_eq!((ended.code, puts(&server)), (0, 4), "{}", ended.said);
    let ended = bare(dir.path(), &server, &[]);
    assert_eq!((ended.code, puts(&server)), (0, 6), "{}", ended.said);
    opens_all(&server, 10..13);
    is_exact(dir.path(), &server, &[900; 6]);
    let status = run_in(dir.path(), &["status"]);
    assert!(status.said.contains("6, 6 on the server\n"), "{}", status.said);
}

#[test]
fn the_canary_takes_its_files_along_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = whole(dir.path(), &server, &["--canary", "1"]);
    assert_eq!((ended.code, puts(&server), media(&server).len()), (0, 2, 2), "{}", ended.said);
    let ended = whole(dir.path(), &server, &["--canary", "1", "--yes"]);
    assert_eq!((ended.code, puts(&server)), (0, 6), "{}", ended.said);
    opens_all(&server, 10..13);
}

#[test]
fn media_uploads_the_rest_ahead_of_its_messages() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    assert_eq!(whole(dir.path(), &server, &["--only", "sg_chat11"]).code, 0);
    let ended = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
    assert!(ended.code == 0 && ended.said.contains("4 files were uploaded ahead"), "{}", ended.said);
    assert_eq!((puts(&server), media(&server).len()), (6, 2));
    assert_eq!(bare(dir.path(), &server, &[]).code, 0);
    opens_all(&server, 10..13);
    assert_eq!(puts(&server), 6);
}

#[test]
fn killed_at_any_moment_no_message_is_ahead_of_its_file() {
    // Side by side: most of it is waiting for what may be under way still.
    std::thread::scope(|threads| {
        for round in 0..3 {
            threads.spawn(move || killed_and_gone_on(round));
        }
    });
}

fn killed_and_gone_on(round: u64) {
    let mut dice = fastrand::Rng::with_seed(23 + round);
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "5ms"]);
    server.control("/_rehearsal/faults", Some(&json!({ "kind": "slow-store", "ms": 20 })));
    for more in [["--only", "sg_chat11"].as_slice(), &["--only", "sg_chat12"], &[]] {
        let usual =
            ["run", "--media", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
        let mut process = importer_process()
            .current_dir(dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args([&usual, more].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // After so many puts, or messages.
        let is_far = match (dice.bool(), puts(&server), messages(&server)) {
            (true, before, _) => (before + dice.u64(1..=2), usize::MAX),
            (false, _, before) => (u64::MAX, before + dice.usize(1..=4)),
        };
        while puts(&server) < is_far.0
            && messages(&server) < is_far.1
            && process.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(3));
        }
        process.kill().ok();
        process.wait().unwrap();
        every_file_is_there(&server, round);
    }
    server.turn_all_off();
    let mut ended = bare(dir.path(), &server, &[]);
    if ended.said.contains("`run --media` goes on") {
        ended = whole(dir.path(), &server, &[]);
    }
    assert_eq!(ended.code, 0, "round {round}: {}", ended.said);
    assert_eq!(messages(&server), 12, "round {round}");
    opens_all(&server, 10..13);
    is_exact(dir.path(), &server, &[900; 6]);
}

fn every_file_is_there(server: &Rehearsal, round: u64) {
    for (_, content) in media(server) {
        assert_eq!(opened(content["sourceUrl"].as_str().unwrap()).len(), 900, "round {round}");
    }
}

fn file(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join("export/files").join(name)
}

#[test]
fn what_is_gone_before_the_first_message_becomes_what_the_settings_say() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    // Prepared, and stopped ahead of the first message: this group has no room.
    let ended = run_in(
        dir.path(),
        &["run", "--media", "--only", "sg_chat11", "--allow", "retention", "--quiet", "--api", &server.url],
    );
    assert_eq!((ended.code, messages(&server)), (6, 0), "{}", ended.said);
    fs_err::remove_file(file(dir.path(), "11-1.bin")).unwrap();
    fs_err::write(file(dir.path(), "11-2.bin"), b"another").unwrap();
    let ended = bare(dir.path(), &server, &["--only", "sg_chat11"]);
    assert!(
        ended.code == 6 && ended.said.contains("2 files that these messages show can't be uploaded"),
        "{}",
        ended.said
    );
    assert!(
        ended.said.contains("changed since it was looked at") && ended.said.contains("without_link"),
        "{}",
        ended.said
    );
    assert_eq!(messages(&server), 0);
    let ended = whole(dir.path(), &server, &["--only", "sg_chat11"]);
    assert_eq!((ended.code, messages(&server)), (0, 4), "{}", ended.said);
    let sent = media(&server);
    assert_eq!(sent.len(), 1);
    assert_eq!(opened(sent[0].1["sourceUrl"].as_str().unwrap()), b"another");
}

#[test]
fn what_is_gone_once_messages_are_sent_stops_only_its_own() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    assert_eq!(whole(dir.path(), &server, &["--only", "sg_chat11"]).code, 0);
    let gone = file(dir.path(), "12-1.bin");
    let bytes = fs_err::read(&gone).unwrap();
    fs_err::remove_file(&gone).unwrap();
    let ended = bare(dir.path(), &server, &[]);
    assert!(ended.code == 6 && ended.said.contains("`media` gives up what is gone"), "{}", ended.said);
    assert_eq!(messages(&server), 4);
    let ended = bare(dir.path(), &server, &["--only", "sg_chat10"]);
    assert_eq!((ended.code, messages(&server)), (0, 8), "{}", ended.said);
    let ended = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
    assert!(ended.code == 3 && ended.said.contains("is not there"), "{}", ended.said);
    let ended = bare(dir.path(), &server, &[]);
    assert_eq!((ended.code, messages(&server)), (0, 12), "{}", ended.said);
    // Found again, it comes to the address that its message has.
    fs_err::write(&gone, bytes).unwrap();
    assert_eq!(run_in(dir.path(), &["media", "--quiet", "--api", &server.url]).code, 0);
    opens_all(&server, 10..13);
}

#[test]
fn where_nothing_can_be_uploaded_a_part_goes_without_too() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    server.control("/_rehearsal/faults", Some(&json!({ "kind": "store-off" })));
    let refused = whole(dir.path(), &server, &["--only", "sg_chat11"]);
    assert!(refused.code == 6 && refused.said.contains("leave out --media"), "{}", refused.said);
    let ended = bare(dir.path(), &server, &["--only", "sg_chat11"]);
    assert_eq!((ended.code, messages(&server), media(&server).len()), (0, 4, 0), "{}", ended.said);
}

#[test]
fn faces_do_not_wait_for_messages() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    // The picture of a person, and a file of a message that waits.
    let picture = samples::png(8, 8, 1);
    fs_err::create_dir_all(dir.path().join("export/all_Files")).unwrap();
    fs_err::write(dir.path().join("export/all_Files/ann.png"), &picture).unwrap();
    for (chat, attachments) in [
        ("901", json!([])),
        (
            "902",
            json!([{ "id": "5", "url": "all_Files/ann.png", "fileName": "ann.png", "fileSizeBytes": picture.len() }]),
        ),
    ] {
        let export = json!({ "guild": { "id": "1", "name": "Acme" }, "dateRange": {},
            "channel": { "id": chat, "type": "GuildTextChat", "name": chat },
            "messages": [{ "id": format!("1{chat}"), "type": "Default", "timestamp": "2024-01-01T00:00:00+00:00", "content": "a",
                "author": { "id": "u1", "name": "u1", "avatarUrl": "all_Files/ann.png" }, "attachments": attachments }] });
        fs_err::write(dir.path().join("export").join(format!("{chat}.json")), export.to_string()).unwrap();
    }
    fs_err::write(dir.path().join("import.toml"), "sources = [\"export\"]\n[format]\nname = \"discord\"\n")
        .unwrap();
    let ended = whole(dir.path(), &server, &["--only", "sg_901"]);
    assert_eq!((ended.code, messages(&server)), (0, 1), "{}", ended.said);
    assert_eq!(opened(&face(&server, "u1")), picture);
    let ended = bare(dir.path(), &server, &[]);
    assert_eq!((ended.code, media(&server).len(), puts(&server)), (0, 1, 1), "{}", ended.said);
}

#[test]
fn another_public_address_counts_for_what_was_not_uploaded_yet() {
    let dir = tempfile::tempdir().unwrap();
    three_groups(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let toml = dir.path().join("import.toml");
    let public = server.url.replace("127.0.0.1", "localhost");
    let ended = run_in(
        dir.path(),
        &["run", "--media", "--only", "sg_chat11", "--allow", "retention", "--quiet", "--api", &server.url],
    );
    assert_eq!((ended.code, messages(&server)), (6, 0), "{}", ended.said);
    fs_err::write(&toml, format!("sources = [\"export\"]\n[media]\npublic_url = \"{public}\"\n")).unwrap();
    assert_eq!(whole(dir.path(), &server, &[]).code, 0);
    for (_, content) in media(&server) {
        assert!(content["sourceUrl"].as_str().unwrap().starts_with(&public), "{content}");
    }
}
