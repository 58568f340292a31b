//! The script in `examples/`: a whole migration there and back, judged on the server's side.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::support::text;
use crate::support::truth::Expected;
use crate::support::{Rehearsal, as_admin, fixture, importer_process};

struct Migration {
    server: Rehearsal,
    folder: tempfile::TempDir,
}

impl Migration {
    fn new() -> Self {
        let server = Rehearsal::start(&["--answer-time", "0s", "--store-lag", "50ms"]);
        Self { server, folder: tempfile::tempdir().unwrap() }
    }

    fn script(&self, way: &str) -> Output {
        let program = importer_process().get_program().to_owned();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/whole-migration.sh");
        let output = Command::new("sh")
            .arg(script)
            .arg(way)
            .env("OPENIM_IMPORT", program)
            .env("OPENIM_API", &self.server.url)
            .env("OPENIM_SECRET", "openIM123")
            .env("MIGRATION", self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{way}: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Somebody else writes, now.
    fn write(&self, sender: &str, to: &Value, text: &str) {
        let mut body = json!({
            "sendID": sender, "senderPlatformID": 1, "content": { "content": text }, "contentType": 101,
            "sessionType": 1,
        });
        for (key, value) in to.as_object().unwrap() {
            body[key] = value.clone();
        }
        as_admin(&self.server.url, "/msg/send_msg", &body);
    }

    /// What can be read in a conversation, besides what the server itself says.
    fn texts(&self, conversation: &str) -> Vec<String> {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let log = self.server.control(&format!("/_rehearsal/log?conversation={conversation}"), None);
        let sent = log.as_array().unwrap().iter();
        let sent = sent.filter(|entry| entry["origin"] == "sent" && entry["state"] == "readable");
        sent.map(|entry| text(entry["content"].as_str().unwrap())).collect()
    }
}

#[test]
fn there_and_back() {
    let migration = Migration::new();
    // They are there already, and have written to each other.
    let users = json!({"users": [
        {"userID": "a17", "nickname": "A", "faceURL": ""}, {"userID": "b17", "nickname": "B", "faceURL": ""},
    ]});
    as_admin(&migration.server.url, "/user/user_register", &users);
    // Before the history begins: where it is newer, the run is refused.
    migration.write("b17", &json!({"recvID": "a17", "sendTime": 1_500_000_000_000_u64}), "before");

    let out = migration.script("there");
    let out = String::from_utf8_lossy(&out.stdout);
    assert!(out.contains("All 3,000 messages in 40 conversations are confirmed: read back"), "{out}");
    assert_eq!(out.matches("all are stored").count(), 2, "{out}");
    let judgement = Expected::of(&[&fixture("company-chat.jsonl")]).judge(&migration.server);
    assert!(judgement.is_exact(), "{judgement:?}");
    assert_eq!((judgement.messages, judgement.foreign), (3_000, 1));
    let receipts = fs_err::read_to_string(migration.folder.path().join("receipts.csv")).unwrap();
    assert_eq!(receipts.lines().count(), 3_001);

    migration.write("b17", &json!({"recvID": "a17"}), "after");
    migration.write("u67", &json!({"groupID": "g9", "sessionType": 3}), "in the group");
    let out = migration.script("back");
    let out = String::from_utf8_lossy(&out.stdout);
    assert!(out.contains("3,000 messages deleted in "), "{out}");
    let judgement = Expected::of(&[&fixture("company-chat.jsonl")]).judge_and_count(&migration.server);
    assert_eq!((judgement.lost, judgement.unscrollable), (3_000, 1), "{judgement:?}");
    assert!(out.contains(" 1 conversation (sg_g9) can't be scrolled to the start"), "{out}");
    assert_eq!(migration.texts("si_a17_b17"), ["before", "after"]);
    assert_eq!(migration.texts("sg_g9"), ["in the group"]);
    let audit = migration.server.audit();
    assert_eq!((&audit["total"]["messages"], &audit["total"]["hidden"]), (&json!(3), &json!(0)), "{audit}");
}
