//! `check --probe`: what a server can store, measured, and nothing left of it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Rehearsal, importer_process};

/// Where the admin writes to himself.
const OWN: &str = "si_imAdmin_imAdmin";

struct Place {
    server: Rehearsal,
    dir: tempfile::TempDir,
}

impl Place {
    fn new(release: &str, answer_time: &str) -> Self {
        let server = Rehearsal::start(&["--answer-time", answer_time, "--release", release]);
        let dir = tempfile::tempdir().unwrap();
        let line = r#"{"id":"m","sendID":"a","recvID":"b","text":"hi","sendTime":1700000000000}"#;
        fs_err::write(dir.path().join("chat.jsonl"), line).unwrap();
        Self { server, dir }
    }

    fn command(&self) -> std::process::Command {
        self.command_at(&self.server.url)
    }

    fn command_at(&self, api: &str) -> std::process::Command {
        let mut command = importer_process();
        command
            .current_dir(self.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(["check", "chat.jsonl", "--json", "--quiet", "--probe", "--api", api])
            .args(["--allow", "missing-users", "--allow", "retention"]);
        command
    }

    fn probe(&self) -> Value {
        let output = self.command().output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// How many messages of the probe somebody could read, and how many slots there are.
    fn left(&self) -> (usize, usize) {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let log = self.server.log(OWN);
        (log.iter().filter(|slot| slot["state"] == "readable").count(), log.len())
    }
}

/// Killed in its midst, the next one clears up, and measures where the first one was.
#[test]
fn it_measures_and_leaves_nothing_also_after_a_kill() {
    let place = Place::new("3.8.3", "4ms");
    let mut process = place.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while place.server.audit()["total"]["written"].as_u64().unwrap_or(0) < 40 {
        assert!(process.try_wait().unwrap().is_none(), "it ended before it was struck");
        std::thread::sleep(Duration::from_millis(5));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let (readable, slots) = place.left();
    assert!(readable > 0);

    // What stands on one server can't be taken back from another.
    let other = Rehearsal::start(&[]);
    let refused = place.command_at(&other.url).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("check --api {} --probe", place.server.url)), "{said}");
    assert_eq!(other.audit()["total"]["received"], 0);

    let said = place.probe();
    let by = said["forecast"]["by"].as_str().unwrap();
    assert!(by.starts_with("measured on this server with 2,000 messages in one conversation; "), "{by}");
    assert_eq!(said["messages"], 1, "the probe is no part of the history");
    assert_eq!(place.left(), (0, slots + 2_000));
    assert!(!place.dir.path().join("import.job/probe.job").exists());
    // It was the only thing that was sent.
    let audit = place.server.audit();
    assert_eq!(audit["conversations"].as_object().unwrap().len(), 1, "{audit}");
}
