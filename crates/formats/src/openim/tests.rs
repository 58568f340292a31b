use super::super::testing::{fixture, folder, sources};
use super::super::{Format, Policy, Recalled, Settings, recognise};
use crate::message::Release;

#[test]
fn collections_as_mongoexport_writes_them() {
    insta::assert_snapshot!(fixture(Format::OpenIm, &Settings::default(), "openim/relaxed").text());
}

#[test]
fn canonical_json_and_a_dump_say_the_same() {
    let messages = |path: &str| {
        let got = fixture(Format::OpenIm, &Settings::default(), path);
        let line = |message: &String| message.split_once('#').map(|(_, rest)| rest.to_owned());
        got.messages.iter().map(line).collect::<Vec<_>>()
    };
    let relaxed = messages("openim/relaxed");
    assert!(relaxed.len() > 10);
    assert_eq!(messages("openim/canonical").len(), relaxed.len());
    // Numbers in contents stay texts, and places are those of the file: everything else is the same.
    assert_eq!(messages("openim/canonical"), relaxed);
    assert_eq!(messages("openim/dump"), relaxed);
    assert_eq!(messages("openim/archive/backup.gz"), relaxed);
}

#[test]
fn an_archive_of_mongodump_is_known_by_what_is_in_it() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/openim/archive/backup.gz");
    let packed = fs_err::read(fixture).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut plain).unwrap();
    let read = |path: &std::path::Path| {
        let named = [path.to_string_lossy().into_owned()];
        let format = recognise(&named).unwrap().map(|(format, _)| format);
        assert_eq!(format, Some(Format::OpenIm), "{named:?}");
        sources(Format::OpenIm, &Settings::default(), &named, crate::export::CHUNK).unwrap().messages.len()
    };
    for name in ["backup.gz", "backup", "nightly.2024-11-30", "openim.archive", "a/dump.bin.gz", "photo.jpg"]
    {
        for bytes in [&packed, &plain] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, bytes).unwrap();
            let all = read(&path);
            assert!(all > 10, "{name}");
            assert_eq!(read(folder.path()), all, "{name} in a folder");
            // Beside what an operator keeps there.
            for beside in ["README", "backup.log", "notes.txt", "cat.jpg", "checksums.sha256.gz"] {
                fs_err::write(folder.path().join(beside), "of the backup\n").unwrap();
            }
            assert_eq!(read(folder.path()), all, "{name} among others");
        }
    }
}

#[test]
fn chat_logs_of_version_2() {
    let mut settings = Settings::default();
    settings.about.zone = Some("Asia/Shanghai".to_owned());
    insta::assert_snapshot!(fixture(Format::OpenIm, &settings, "openim/v2").text());
}

#[test]
fn what_the_next_release_takes_goes_as_it_is() {
    let settings = Settings { release: Release::Main, ..Settings::default() };
    let got = fixture(Format::OpenIm, &settings, "openim/relaxed");
    assert!(got.messages.iter().any(|m| m.contains(" 118 {\"content\": \"# title\"}")), "{}", got.text());
}

#[test]
fn recalled_messages_are_kept_if_asked() {
    let policy = Policy { recalled: Recalled::Keep, ..Policy::default() };
    let got = fixture(Format::OpenIm, &Settings { policy, ..Settings::default() }, "openim/relaxed");
    assert!(got.messages.iter().any(|m| m.contains("taken back")), "{}", got.text());
}

#[test]
fn an_answer_does_not_say_what_was_taken_back() {
    let answer = |n: u32, target: &str| {
        let quoted = format!(
            r#"{{"clientMsgID":"{target}","sendID":"b","textElem":{{"content":"words of {target}"}}}}"#
        );
        serde_json::json!({ "content_type": 114, "content": format!(r#"{{"text":"answer {n}","quoteMessage":{quoted}}}"#) })
    };
    let slots = [
        serde_json::json!({ "content": "{\"content\":\"words of c1\"}" }),
        serde_json::json!({ "content": "{\"content\":\"words of c2\"}", "status": 4 }),
        answer(3, "c1"),
        answer(4, "c2"),
    ];
    for (recalled, told) in [(Recalled::LeaveOut, 0), (Recalled::Text, 0), (Recalled::Keep, 2)] {
        let policy = Policy { recalled, ..Policy::default() };
        let got = block_with(&slots, &Settings { policy, ..Settings::default() });
        assert_eq!(got.text().matches("words of c2").count(), told, "{recalled:?} {}", got.text());
        assert_eq!(got.text().matches("words of c1").count(), 2, "{recalled:?} {}", got.text());
        assert!(got.text().contains("answer 4"), "{}", got.text());
    }
}

/// One message after another, in a block of which only these values differ.
fn block(slots: &[serde_json::Value]) -> crate::mapping::testing::Got {
    block_with(slots, &Settings::default())
}

fn block_with(slots: &[serde_json::Value], settings: &Settings) -> crate::mapping::testing::Got {
    let slots: Vec<_> = (1..)
        .zip(slots)
        .map(|(seq, own)| {
            let mut message = serde_json::json!({
                "send_id": "a", "recv_id": "b", "client_msg_id": format!("c{seq}"), "session_type": 1, "seq": seq,
                "content_type": 101, "content": "{\"content\":\"hi\"}", "send_time": 1_700_000_000_000_i64 + seq, "status": 2,
            });
            for (key, value) in own.as_object().unwrap() {
                message[key] = value.clone();
            }
            serde_json::json!({ "msg": message, "revoke": null })
        })
        .collect();
    let document = serde_json::json!({ "doc_id": "si_a_b:0", "msgs": slots }).to_string();
    folder(Format::OpenIm, settings, &[("msg.json", &document)])
}

#[test]
fn numbers_in_every_spelling() {
    let got = block(&[
        serde_json::json!({}),
        serde_json::json!({ "seq": "2", "send_time": "1700000001000", "content_type": "101", "session_type": "1" }),
        serde_json::json!({ "seq": { "$numberLong": "3" }, "send_time": { "$numberLong": "1700000002000" } }),
        serde_json::json!({ "seq": 4.0, "send_time": 1.700_000_003e12, "content_type": { "$numberInt": "101" } }),
        serde_json::json!({ "send_time": { "$date": "2023-11-14T22:13:24Z" } }),
        serde_json::json!({ "send_time": 1_700_000_005_000_i64, "content": { "content": "unfolded" } }),
    ]);
    assert_eq!(got.messages.len(), 6, "{}", got.text());
    assert!(got.text().contains("unfolded") && got.findings.is_empty(), "{}", got.text());
}

#[test]
fn a_wrong_clock_is_in_nobodys_way() {
    let far = 4_000_000_000_000_i64;
    let got = block(&[
        serde_json::json!({}),
        serde_json::json!({ "send_time": far, "create_time": 1_700_000_000_500_i64 }),
        serde_json::json!({ "send_time": 1_700_000_001_000_i64 }),
        serde_json::json!({ "send_time": far }),
        serde_json::json!({ "send_time": 1_700_000_002_000_i64 }),
    ]);
    let text = got.text();
    assert_eq!(
        (text.matches("time-of-arrival").count(), text.matches("time-raised").count()),
        (1, 0),
        "{text}"
    );
    // One is refused later, because it lies in the future; the others keep their times.
    for time in ["1700000000500", "1700000001000", "4000000000000", "1700000002000"] {
        assert!(text.contains(time), "{time}\n{text}");
    }
}

#[test]
fn what_apps_may_leave_out_is_stood_in_for() {
    let got = block(&[
        serde_json::json!({ "content_type": 103, "content": "{\"sourceUrl\":\"https://o.example/v.m4a\",\"dataSize\":9,\"duration\":0}" }),
        serde_json::json!({ "content_type": 102, "content": "{\"sourcePicture\":{\"url\":\"https://o.example/p.png\",\"type\":\"png\",\"width\":0,\"height\":0},\"bigPicture\":null}" }),
        serde_json::json!({ "content_type": 106, "content": "{\"text\":\"@nobody\",\"atUserList\":null}" }),
        serde_json::json!({ "content_type": 110, "content": "{\"data\":{\"order\":7},\"description\":\"d\",\"extension\":\"\"}" }),
        serde_json::json!({ "content": "{\"content\":\"\"}" }),
        serde_json::json!({ "content": null }),
        serde_json::json!({ "content_type": 105, "content": "{\"sourceUrl\":\"\",\"fileName\":\"a.pdf\",\"fileSize\":9}" }),
    ]);
    let text = got.text();
    assert_eq!((got.messages.len(), text.matches("empty-message").count()), (5, 2), "{text}");
    for words in [
        "\"duration\":1",
        "\"width\":640",
        "101 {\"content\":\"@nobody\"}",
        "{\\\"order\\\":7}",
        "media-incomplete",
        "[file] a.pdf",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn links_to_the_old_server_are_moved() {
    let mut settings = Settings::default();
    settings.media.base_url = Some("https://new.example.com".to_owned());
    let text = fixture(Format::OpenIm, &settings, "openim/relaxed").text();
    let messages = text.split("\nperson:").next().unwrap();
    assert!(messages.contains("https://new.example.com/object/ann/1.png"), "{text}");
    assert!(!messages.contains("https://old.example.com"), "{text}");
}
