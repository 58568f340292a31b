//! A migration over the command line: the binary, a server in a process of its own, a history of a few words.

use std::path::PathBuf;

use assert_cmd::assert::Assert;
use serde_json::{Value, json};

use super::support::{Said, history};
use crate::support::truth::{Expected, Judgement};
use crate::support::{Rehearsal, as_admin, importer};

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) server: Rehearsal,
}

/// What a command with `--json` said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) json: Value,
    pub(super) err: String,
}

impl Answer {
    /// Ended so, with these figures.
    #[track_caller]
    pub(super) fn is(&self, code: i32, figures: &Value) {
        assert_eq!(self.code, code, "{}\n{}", self.json, self.err);
        for (name, figure) in figures.as_object().unwrap() {
            assert_eq!(self.json[name], *figure, "{name} of {}\n{}", self.json, self.err);
        }
        assert_eq!(self.json["exit_code"], code);
    }
}

impl World {
    pub(super) fn new(options: &[&str]) -> Self {
        let options = [&["--answer-time", "0s", "--store-lag", "50ms"], options].concat();
        Self { dir: tempfile::tempdir().unwrap(), server: Rehearsal::start(&options) }
    }

    /// So many messages between a and b, a and c, and in g, imported.
    pub(super) fn imported(messages: usize) -> Self {
        let world = Self::new(&[]);
        world.export("chat.jsonl", &history(messages));
        world.run(&["chat.jsonl", "--provision"]).is(0, &json!({ "confirmed": messages }));
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn export(&self, name: &str, said: &[Said]) {
        let lines: Vec<String> = said.iter().map(|said| line(said).to_string()).collect();
        fs_err::write(self.path(name), lines.join("\n")).unwrap();
    }

    /// A command, without anything of its own.
    pub(super) fn command(&self, args: &[&str]) -> Assert {
        importer().current_dir(self.dir.path()).env("OPENIM_SECRET", "openIM123").args(args).assert()
    }

    /// A command that talks to the server.
    pub(super) fn ask(&self, args: &[&str]) -> Assert {
        self.command(&[args, &["--quiet", "--api", &self.server.url]].concat())
    }

    /// The same with `--json`.
    pub(super) fn json(&self, args: &[&str]) -> Answer {
        self.local(&[args, &["--api", &self.server.url]].concat())
    }

    /// A command that needs no server, with `--json`.
    pub(super) fn local(&self, args: &[&str]) -> Answer {
        let output = self.command(&[args, &["--quiet", "--json"]].concat()).get_output().clone();
        let out = String::from_utf8(output.stdout).unwrap();
        Answer {
            code: output.status.code().unwrap(),
            json: serde_json::from_str(&out).unwrap_or(Value::String(out)),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `run`; the history is old, and 3.8.3 doesn't tell how long it keeps things.
    pub(super) fn run(&self, args: &[&str]) -> Answer {
        self.json(&[&["run", "--allow", "retention"], args].concat())
    }

    /// What stands in a conversation's log, in order; deleted and empty slots left out.
    pub(super) fn log(&self, conversation: &str) -> Vec<Value> {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let log = self.server.control(&format!("/_rehearsal/log?conversation={conversation}"), None);
        let there = |entry: &&Value| entry["state"] != "deleted" && entry["state"] != "empty";
        log.as_array().unwrap().iter().filter(there).cloned().collect()
    }

    /// The texts in a log, in order.
    pub(super) fn texts(&self, conversation: &str) -> Vec<String> {
        let text = |entry: &Value| super::support::text(entry["content"].as_str().unwrap());
        self.log(conversation).iter().map(text).collect()
    }

    /// All texts of ours that are there, whatever the conversation.
    pub(super) fn ours(&self) -> Vec<String> {
        let all = ["si_a_b", "si_a_c", "sg_g"].iter().flat_map(|conversation| self.texts(conversation));
        all.filter(|text| text.starts_with("message")).collect()
    }

    #[track_caller]
    pub(super) fn judge(&self, exports: &[&str]) -> Judgement {
        self.expected(exports).judge(&self.server)
    }

    /// Where some may be left that users can't scroll: `verify --client` says of as many that they can't.
    #[track_caller]
    pub(super) fn judge_and_verify(&self, exports: &[&str]) -> Judgement {
        let found = self.json(&["verify", "--client"]);
        let judgement = self.expected(exports).judge_and_count(&self.server);
        assert_eq!(found.json["not_scrollable"], judgement.unscrollable, "{}\n{}", found.json, found.err);
        assert!(judgement.unscrollable == 0 || found.code == 8, "{}\n{}", found.json, found.err);
        judgement
    }

    fn expected(&self, exports: &[&str]) -> Expected {
        let paths: Vec<PathBuf> = exports.iter().map(|name| self.path(name)).collect();
        let paths: Vec<&std::path::Path> = paths.iter().map(PathBuf::as_path).collect();
        Expected::of(&paths)
    }

    /// Somebody else writes between a and b, now.
    pub(super) fn write(&self, text: &str) {
        let body = json!({
            "sendID": "b", "recvID": "a", "senderPlatformID": 1, "content": { "content": text },
            "contentType": 101, "sessionType": 1,
        });
        as_admin(&self.server.url, "/msg/send_msg", &body);
    }

    /// Deletes slots as an admin does.
    pub(super) fn delete(&self, conversation: &str, seqs: &[i64]) {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let body = json!({ "conversationID": conversation, "seqs": seqs });
        as_admin(&self.server.url, "/msg/delete_msg_phsical_by_seq", &body);
    }

    /// Does to a slot what no call does.
    pub(super) fn damage(&self, conversation: &str, seq: i64, damage: &Value) {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let mut body = damage.clone();
        body["conversation"] = conversation.into();
        body["seq"] = seq.into();
        self.server.control("/_rehearsal/damage", Some(&body));
    }

    /// The lines of `differences.jsonl`.
    pub(super) fn differences(&self) -> Vec<Value> {
        let text = fs_err::read_to_string(self.path("import.job/differences.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A line of a native export.
fn line(said: &Said) -> Value {
    let mut line = json!({
        "id": format!("m{}", said.time), "sendID": said.sender, "sendTime": said.time,
        "content": { "content": said.text },
    });
    if let Some(group) = said.conversation.strip_prefix("sg_") {
        line["groupID"] = group.into();
    } else {
        let (a, b) = said.conversation.strip_prefix("si_").unwrap().split_once('_').unwrap();
        line["recvID"] = if said.sender == a { b } else { a }.into();
    }
    line
}
