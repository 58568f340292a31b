//! Exports of three messengers with their files: everything once, and again nothing.

use std::path::Path;

use serde_json::json;

use super::{media, objects, opened, run_in, samples, whole};
use crate::support::Rehearsal;

/// A zip as WhatsApp makes it: two pictures of one content, a recording, a film, a document.
fn whatsapp(dir: &Path) {
    let chat = "28/02/2024, 23:58 - Ann Lee: Good evening\n\
                01/03/2024, 00:00 - Ann Lee: \u{200e}IMG-20240301-WA0001.png (file attached)\n\
                01/03/2024, 00:01 - Bob Jones: \u{200e}IMG-20240301-WA0002.png (file attached)\n\
                01/03/2024, 00:04 - Ann Lee: PTT-20240301-WA0003.opus (file attached)\n\
                01/03/2024, 00:05 - Bob Jones: VID-20240301-WA0004.mp4 (file attached)\n\
                01/03/2024, 00:06 - Bob Jones: DOC-20240301-WA0005.pdf (file attached)\n\
                13/03/2024, 00:07 - Bob Jones: IMG-20240301-WA0006.jpg (file attached)\n";
    samples::zip(
        &dir.join("chat.zip"),
        &[
            ("WhatsApp Chat with Ann Lee.txt", chat.as_bytes()),
            ("IMG-20240301-WA0001.png", &samples::png(1280, 720, 90)),
            ("IMG-20240301-WA0002.png", &samples::png(1280, 720, 90)),
            ("PTT-20240301-WA0003.opus", &samples::opus(4)),
            ("VID-20240301-WA0004.mp4", &samples::mp4(2500)),
            ("DOC-20240301-WA0005.pdf", b"words"),
        ],
    );
    let text =
        "sources = [\"chat.zip\"]\n[format]\nname = \"whatsapp\"\nzone = \"UTC\"\nself = \"Bob Jones\"\n";
    fs_err::write(dir.join("import.toml"), text).unwrap();
}

#[test]
fn a_zip_of_whatsapp() {
    let dir = tempfile::tempdir().unwrap();
    whatsapp(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    // First a look: nothing is sent.
    let dry = run_in(dir.path(), &["media", "--dry-run", "--quiet"]);
    assert_eq!(dry.code, 3, "{}", dry.said);
    assert!(dry.said.contains("6 files, 4 different ones"), "{}", dry.said);
    assert!(dry.said.contains("IMG-20240301-WA0006.jpg (missing)"), "{}", dry.said);
    assert_eq!(objects(&server)["objects"], json!([]));

    let ended = whole(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let all = media(&server);
    let kinds: Vec<u64> = all.iter().map(|(kind, _)| *kind).collect();
    // A film without a picture of it goes as a file, and what is nowhere as a text.
    assert_eq!(kinds, [102, 102, 103, 105, 105], "{all:?}");
    let picture = &all[0].1["sourcePicture"];
    assert_eq!(
        (&picture["width"], &picture["height"], &picture["type"]),
        (&json!(1280), &json!(720), &json!("image/png"))
    );
    assert_eq!(opened(picture["url"].as_str().unwrap()), samples::png(1280, 720, 90));
    let snapshot = &all[0].1["snapshotPicture"];
    assert_eq!((&snapshot["width"], &snapshot["height"]), (&json!(640), &json!(360)));
    assert!(opened(snapshot["url"].as_str().unwrap()).starts_with(b"\x89PNG"));
    assert_eq!(all[1].1["sourcePicture"]["url"], picture["url"], "one content is one object");
    assert_eq!(
        (&all[2].1["duration"], opened(all[2].1["sourceUrl"].as_str().unwrap())),
        (&json!(4), samples::opus(4))
    );
    assert_eq!(opened(all[3].1["sourceUrl"].as_str().unwrap()), samples::mp4(2500));
    assert_eq!(all[4].1["fileName"], "DOC-20240301-WA0005.pdf");

    let stored = objects(&server);
    // Four contents, and the one that was written to try it.
    assert_eq!(stored["objects"].as_array().unwrap().len(), 5, "{stored}");
    assert_eq!(
        (&stored["nameless"], &stored["temporary"], &stored["open_uploads"]),
        (&json!([]), &json!(0), &json!(0))
    );
    for object in stored["objects"].as_array().unwrap() {
        assert_eq!(object["group"], "openim-import", "nothing that the server cleans away");
        let name = object["name"].as_str().unwrap();
        assert!(name.starts_with("import/") && name.len() >= "import/".len() + 32, "{name}");
    }
    // Again: nothing.
    let puts = stored["puts"].clone();
    let again = whole(dir.path(), &server, &[]);
    assert_eq!(again.code, 0, "{}", again.said);
    let verified = run_in(dir.path(), &["verify", "--media", "--quiet", "--api", &server.url]);
    assert_eq!(verified.code, 0, "{}", verified.said);
    assert!(verified.said.contains("4 are what they must be"), "{}", verified.said);
    assert_eq!(objects(&server)["puts"], puts);
    // A lost job: the key beside the configuration gives the same names.
    let names = |stored: &serde_json::Value| -> Vec<String> {
        stored["objects"].as_array().unwrap().iter().map(|object| object["name"].to_string()).collect()
    };
    fs_err::remove_dir_all(dir.path().join("import.job")).unwrap();
    let lost = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
    assert_eq!(lost.code, 3, "{}", lost.said);
    assert_eq!((&objects(&server)["puts"], names(&objects(&server))), (&puts, names(&stored)));
}

/// What is not as it was when it was uploaded is found, named, and uploaded again.
#[test]
fn an_object_that_is_lost_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    whatsapp(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    assert_eq!(whole(dir.path(), &server, &[]).code, 0);
    let url = media(&server)[0].1["sourcePicture"]["url"].as_str().unwrap().to_owned();
    let name = url.split("/object/").nth(1).unwrap();
    server.control("/_rehearsal/lose-object", Some(&json!({ "name": name })));
    // As often as somebody looks; in words, in the object, and in what the job keeps of it.
    for _ in 0..2 {
        let verified = run_in(dir.path(), &["verify", "--media", "--quiet", "--api", &server.url]);
        assert_eq!(verified.code, 8, "{}", verified.said);
        assert!(verified.said.contains(name) && verified.said.contains("NoSuchKey"), "{}", verified.said);
        assert!(verified.said.contains("3 are what they must be, 1 is not"), "{}", verified.said);
    }
    let json = run_in(dir.path(), &["verify", "--media", "--json", "--quiet", "--api", &server.url]);
    let answer: serde_json::Value =
        serde_json::from_str(json.said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    let figures = [&answer["exit_code"], &answer["files_good"], &answer["files_differ"]];
    assert_eq!(figures, [&json!(8), &json!(3), &json!(1)], "{answer}");
    let report = run_in(dir.path(), &["report", "--quiet"]);
    assert!(report.said.contains("3 are what they must be, 1 is not"), "{}", report.said);
    // The server remembers what its storage has lost.
    let media = |words: &str, code| {
        let ended = run_in(dir.path(), &["media", "--quiet", "--api", &server.url]);
        assert!(ended.said.contains(words), "{}", ended.said);
        assert_eq!(ended.code, code, "{}", ended.said);
    };
    media("Of 1 file that was lost 0 are there again", 3);
    media("its object storage has lost it", 3);
    assert_eq!(run_in(dir.path(), &["verify", "--media", "--quiet", "--api", &server.url]).code, 8);
    server.control("/_rehearsal/forget-objects", Some(&json!(null)));
    media("Of 1 file that was lost 1 is there again", 0);
    assert_eq!(opened(&url), samples::png(1280, 720, 90));
    assert_eq!(run_in(dir.path(), &["verify", "--media", "--quiet", "--api", &server.url]).code, 0);
    media("--add takes more", 0);
}

/// What was uploaded can be looked at before anything is sent for which it was uploaded.
#[test]
fn files_are_verified_before_the_first_message() {
    let dir = tempfile::tempdir().unwrap();
    whatsapp(dir.path());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let verify = || run_in(dir.path(), &["verify", "--media", "--quiet", "--api", &server.url]);
    assert_eq!(run_in(dir.path(), &["check", "--quiet"]).code, 0);
    let nothing = verify();
    assert_eq!(nothing.code, 2, "{}", nothing.said);
    assert_eq!(run_in(dir.path(), &["media", "--quiet", "--api", &server.url]).code, 3);
    let verified = verify();
    assert_eq!(verified.code, 0, "{}", verified.said);
    let words = "No message was sent yet: `run` begins. 4 files were read back";
    assert!(verified.said.contains(words), "{}", verified.said);
    let objects = objects(&server)["objects"].clone();
    for object in objects.as_array().unwrap() {
        server.control("/_rehearsal/lose-object", Some(&json!({ "name": object["name"] })));
    }
    server.control("/_rehearsal/forget-objects", Some(&json!(null)));
    let verified = verify();
    assert_eq!(verified.code, 8, "{}", verified.said);
    assert_eq!(run_in(dir.path(), &["media", "--quiet", "--api", &server.url]).code, 3);
    assert_eq!(verify().code, 0);
}

/// A disk without room is no fault of the files: nothing is sent in their place.
#[cfg(target_os = "linux")]
#[test]
fn no_room_to_unpack_a_file_is_no_reason_to_send_its_name_instead() {
    let dir = tempfile::tempdir().unwrap();
    whatsapp(dir.path());
    let job = dir.path().join("small");
    fs_err::create_dir(&job).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(&job)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no small file system can be made here");
        return;
    }
    let chat = "28/02/2024, 23:58 - Ann Lee: \u{200e}big.bin (file attached)\n";
    samples::zip(
        &dir.path().join("chat.zip"),
        &[("WhatsApp Chat with Ann Lee.txt", chat.as_bytes()), ("big.bin", &vec![7; 9 << 20])],
    );
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = whole(dir.path(), &server, &["--job", "small/job"]);
    assert!(std::process::Command::new("umount").arg(&job).status().unwrap().success());
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("no room left"), "{}", ended.said);
    assert_eq!(server.audit()["conversations"], json!({}));
}

#[test]
fn a_folder_of_telegram() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export");
    for (path, bytes) in [
        ("photos/p.png", samples::png(30, 40, 1)),
        ("voice_messages/v.ogg", samples::opus(2)),
        ("video_files/c.mp4", samples::mp4(7000)),
        ("video_files/c.mp4_thumb.jpg", samples::png(320, 240, 3)),
        ("files/empty.bin", Vec::new()),
    ] {
        fs_err::create_dir_all(export.join(path).parent().unwrap()).unwrap();
        fs_err::write(export.join(path), bytes).unwrap();
    }
    let message = |id: u64, more: serde_json::Value| {
        let mut message = json!({ "id": id, "type": "message", "date": "2024-03-01T10:00:00",
            "date_unixtime": (1_709_280_000 + id).to_string(), "from": "Ann", "from_id": "user1", "text": "" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let messages = json!([
        message(1, json!({ "photo": "photos/p.png", "width": 999, "height": 999 })),
        message(
            2,
            json!({ "file": "voice_messages/v.ogg", "media_type": "voice_message", "mime_type": "audio/ogg" })
        ),
        message(
            3,
            json!({ "file": "video_files/c.mp4", "thumbnail": "video_files/c.mp4_thumb.jpg", "media_type": "video_file",
            "mime_type": "video/mp4", "duration_seconds": 3 })
        ),
        message(4, json!({ "file": "files/empty.bin", "file_name": "empty.bin" })),
    ]);
    // As Telegram writes it: what kind of chat it is stands before its messages.
    let chat = format!(r#"{{"name":"Ann","type":"personal_chat","id":1,"messages":{messages}}}"#);
    fs_err::write(export.join("result.json"), chat).unwrap();
    fs_err::write(dir.path().join("import.toml"), "sources = [\"export\"]\n[format]\nself = \"user2\"\n")
        .unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s", "--release", "3.8.3"]);
    let ended = whole(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(ended.said.contains("empty.bin (empty): has no bytes"), "{}", ended.said);
    let all = media(&server);
    assert_eq!(all.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [102, 103, 104], "{all:?}");
    // The file knows better than the export.
    assert_eq!(all[0].1["sourcePicture"]["width"], 30);
    assert_eq!(all[1].1["duration"], 2);
    let video = &all[2].1;
    assert_eq!(
        (&video["duration"], &video["snapshotWidth"], &video["videoType"]),
        (&json!(7), &json!(320), &json!("video/mp4"))
    );
    assert_eq!(opened(video["snapshotUrl"].as_str().unwrap()), samples::png(320, 240, 3));
    assert_eq!(opened(video["videoUrl"].as_str().unwrap()), samples::mp4(7000));
    // What can't be taken back is said, and listed.
    let undo = run_in(dir.path(), &["undo", "--yes", "--quiet", "--api", &server.url]);
    assert_eq!(undo.code, 0, "{}", undo.said);
    assert!(undo.said.contains("nothing is deleted in the storage"), "{}", undo.said);
    let list = fs_err::read_to_string(dir.path().join("import.job/media.csv")).unwrap();
    assert!(list.contains("photos/p.png") && list.contains("import/") && list.contains("empty"), "{list}");
}

#[test]
fn a_folder_of_slack_with_the_files_that_a_tool_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export");
    let put = |path: &str, bytes: &[u8]| {
        fs_err::create_dir_all(export.join(path).parent().unwrap()).unwrap();
        fs_err::write(export.join(path), bytes).unwrap();
    };
    put(
        "users.json",
        json!([{ "id": "U1", "name": "ann" }, { "id": "U2", "name": "bob" }]).to_string().as_bytes(),
    );
    put(
        "channels.json",
        json!([{ "id": "C1", "name": "general", "members": ["U1", "U2"] }]).to_string().as_bytes(),
    );
    let file = |id: &str, name: &str, mime: &str| {
        json!({ "id": id, "name": name, "mimetype": mime, "mode": "hosted", "size": 5,
            "url_private": format!("https://files.slack.com/files-pri/T1-{id}/{name}?t=xoxe-secret") })
    };
    let day = json!([{ "type": "message", "user": "U1", "text": "two files", "ts": "1709280400.000500",
        "files": [file("F1", "cat.png", "image/png"), file("F2", "notes.txt", "text/plain"), file("F3", "users.json", "text/plain")] }]);
    put("general/2024-03-01.json", day.to_string().as_bytes());
    put("__uploads/F1/cat.png", &samples::png(64, 48, 7));
    put("attachments/F2-notes.txt", b"my notes");
    fs_err::write(dir.path().join("import.toml"), "sources = [\"export\"]\n").unwrap();
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let ended = whole(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(ended.said.contains("F3 (missing): lies behind a link"), "{}", ended.said);
    assert!(!ended.said.contains("xoxe"), "{}", ended.said);
    let all = media(&server);
    assert_eq!(all.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [102, 105], "{all:?}");
    assert_eq!(opened(all[0].1["sourcePicture"]["url"].as_str().unwrap()), samples::png(64, 48, 7));
    assert_eq!((&all[1].1["fileSize"], &all[1].1["fileName"]), (&json!(8), &json!("notes.txt")));
}

/// A table of one's own, and a list of objects: their files go the same way as those of the formats.
#[test]
fn tables_of_ones_own() {
    let picture = samples::png(80, 60, 21);
    let csv = "id,room,from,sent_at,text,file\n\
               m1,lab,ann,2024-03-01T09:00:00Z,look,pictures/cat.png\n\
               m2,lab,bo,2024-03-01T09:01:00Z,,plan.pdf\n\
               m3,lab,ann,2024-03-01T09:02:00Z,gone,pictures/none.png\n";
    let json = r#"{"id":"m1","room":"lab","from":"ann","sent_at":"2024-03-01T09:00:00Z","text":"look","file":[{"path":"pictures/cat.png","name":"cat.png"}]}
{"id":"m2","room":"lab","from":"bo","sent_at":"2024-03-01T09:01:00Z","text":"","file":[{"path":"plan.pdf"}]}
{"id":"m3","room":"lab","from":"ann","sent_at":"2024-03-01T09:02:00Z","text":"gone","file":[{"path":"pictures/none.png"}]}
"#;
    for (name, text) in [("chat.csv", csv), ("chat.jsonl", json)] {
        let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
        fs_err::create_dir(dir.path().join("pictures")).unwrap();
        fs_err::write(dir.path().join("pictures/cat.png"), &picture).unwrap();
        fs_err::write(dir.path().join("plan.pdf"), b"words").unwrap();
        fs_err::write(dir.path().join(name), text).unwrap();
        let init = run_in(dir.path(), &["init", name]);
        assert_eq!(init.code, 0, "{name}: {}", init.said);
        let ended = whole(dir.path(), &server, &[]);
        assert_eq!(ended.code, 0, "{name}: {}", ended.said);
        let all = media(&server);
        let kinds: Vec<u64> = all.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [102, 105], "{name}: {all:?} {}", ended.said);
        let shown = &all[0].1["sourcePicture"];
        assert_eq!((&shown["width"], &shown["height"]), (&json!(80), &json!(60)), "{name}");
        assert_eq!(opened(shown["url"].as_str().unwrap()), picture, "{name}");
        assert_eq!(opened(all[1].1["sourceUrl"].as_str().unwrap()), b"words", "{name}");
        // What is nowhere stands there as words.
        assert_eq!(server.log("sg_lab").len(), 5, "{name}: {}", ended.said);
    }
}
