//! Conversations in which people have written before their history came: what an operator types, what becomes of it, and
//! whether users can scroll.

use std::cell::Cell;
use std::path::PathBuf;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::{Value, json};

use crate::support::scroll::entries_shown;
use crate::support::{Rehearsal, as_admin, importer};

/// A server, a folder, a history of last month.
struct Town {
    server: Rehearsal,
    folder: tempfile::TempDir,
    /// When the history begins, ms.
    start: i64,
    /// When somebody writes next: an hour ago, and a second later each time.
    next: Cell<i64>,
}

impl Town {
    fn new(release: &str) -> Self {
        let server = Rehearsal::start(&["--answer-time", "0s", "--release", release]);
        let start = jiff::Timestamp::now().as_millisecond() - 30 * 24 * 3_600_000;
        let next = Cell::new(start + (30 * 24 - 1) * 3_600_000);
        let town = Self { server, folder: tempfile::tempdir().unwrap(), start, next };
        let users = ["anna", "otto", "eva", "uwe"].map(|id| json!({"userID": id, "nickname": title(id)}));
        as_admin(&town.server.url, "/user/user_register", &json!({ "users": users }));
        let group = json!({
            "memberUserIDs": ["otto", "uwe"], "adminUserIDs": [], "ownerUserID": "anna", "sendMessage": false,
            "groupInfo": { "groupID": "team", "groupName": "The Team", "groupType": 2 },
        });
        as_admin(&town.server.url, "/group/create_group", &group);
        town
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// So many messages from that place on: between anna and otto, in the team, and, fewer, between anna and eva.
    fn export(&self, name: &str, from: usize, to: usize) {
        let mut lines: Vec<Value> = Vec::new();
        for n in from..to {
            let time = self.start + i64::try_from(n).unwrap() * 60_000;
            let who = ["anna", "otto"];
            let (writer, other) = (who[n % 2], who[(n + 1) % 2]);
            let said = json!({"id": format!("p{n}"), "sendID": writer, "recvID": other, "sendTime": time, "text": format!("private {n}")});
            let group = json!({"id": format!("t{n}"), "sendID": writer, "groupID": "team", "sendTime": time, "contentType": 106,
                "content": {"text": format!("@Otto team {n}"), "atUserList": ["otto"], "isAtSelf": false}});
            lines.extend([said, group]);
            if n % 5 == 0 {
                let quote = json!({"id": format!("q{n}"), "sendID": other, "recvID": writer, "sendTime": time + 1, "text": "an answer", "quote": format!("p{n}")});
                let eva = json!({"id": format!("e{n}"), "sendID": "eva", "recvID": "anna", "sendTime": time, "text": format!("eva {n}")});
                lines.extend([quote, eva]);
            }
        }
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        fs_err::write(self.path(name), lines.join("\n")).unwrap();
    }

    /// People write, an hour ago.
    fn write(&self, conversation: &str, times: usize) {
        for n in 0..times {
            let mut body = json!({"sendID": if n % 2 == 0 { "otto" } else { "anna" }, "senderPlatformID": 1,
                "content": {"content": format!("today {n}")}, "contentType": 101, "sessionType": 1, "sendTime": self.next.get()});
            self.next.set(self.next.get() + 1_000);
            match conversation.strip_prefix("sg_") {
                Some(group) => (body["groupID"], body["sessionType"]) = (group.into(), 3.into()),
                None => body["recvID"] = if n % 2 == 0 { "anna" } else { "otto" }.into(),
            }
            as_admin(&self.server.url, "/msg/send_msg", &body);
        }
        self.server.control("/_rehearsal/settle", Some(&json!({})));
    }

    fn ask(&self, args: &[&str]) -> assert_cmd::assert::Assert {
        importer()
            .env("OPENIM_SECRET", "openIM123")
            .env("OPENIM_API", &self.server.url)
            .current_dir(self.folder.path())
            .args(args)
            .arg("--quiet")
            .assert()
    }

    /// The one object of a command.
    fn json(&self, args: &[&str], code: i32) -> Value {
        let done = self.ask(&[args, &["--json"]].concat()).code(code);
        serde_json::from_slice(&done.get_output().stdout).unwrap()
    }

    /// The archive of a conversation, as the table has it.
    fn archive(&self, conversation: &str) -> String {
        let table = fs_err::read_to_string(self.path("occupied.csv")).unwrap();
        let row = table.lines().find(|line| line.starts_with(&format!("{conversation},archive,")));
        let row = row.unwrap_or_else(|| panic!("{table}"));
        format!("sg_{}", row.split(',').nth(2).unwrap())
    }

    /// The texts of a conversation that can be read, in the order of the log; users can scroll it.
    fn texts(&self, conversation: &str) -> Vec<String> {
        let log = self.server.log(conversation);
        assert!(entries_shown(&log).scrolls(), "{conversation}");
        log.iter()
            .filter(|entry| entry["state"] == "readable" && entry["cut"] != true)
            .map(|entry| {
                let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
                let text = content["content"].as_str().or(content["text"].as_str());
                text.unwrap_or_default().to_owned()
            })
            .collect()
    }
}

fn title(id: &str) -> String {
    format!("{}{}", id[..1].to_uppercase(), &id[1..])
}

const BOTH: [&str; 2] = ["3.8.3", "main"];

#[test]
fn an_archive_beside_it_from_the_first_look_to_the_way_back() {
    for release in BOTH {
        let town = Town::new(release);
        town.export("chat.jsonl", 0, 60);
        town.write("si_anna_otto", 25);
        town.write("sg_team", 25);
        town.ask(&["check", "chat.jsonl"]).code(6).stderr(
            contains("refused would-not-scroll")
                .and(contains("--archive all"))
                .and(contains("si_anna_otto (newest from otto)")),
        );
        // Everything that the operator types.
        town.ask(&["check", "chat.jsonl", "--archive", "all"]).code(6).stderr(
            contains("2 histories go into archives of their own")
                .and(contains("occupied.csv, which import.toml names"))
                .and(contains("refused missing-groups")),
        );
        let table = fs_err::read_to_string(town.path("occupied.csv")).unwrap();
        assert!(table.contains("\"Anna and Otto, until ") && table.contains("\"The Team, until "), "{table}");
        let made = town.json(&["provision"], 0);
        assert_eq!((&made["groups"]["made"], &made["members"]["made"]), (&json!(2), &json!(5)), "{made}");
        let sent = town.json(&["run", "chat.jsonl"], 0);
        assert_eq!((&sent["confirmed"], &sent["rejected"]), (&json!(60 + 12 + 60 + 12), &json!(0)), "{sent}");

        let (pair, team) = (town.archive("si_anna_otto"), town.archive("sg_team"));
        let both = town.texts(&pair);
        assert_eq!((both.len(), both[0].as_str()), (72, "private 0"), "{both:?}");
        assert!(both[1].contains("an answer"), "{both:?}");
        assert_eq!(town.texts(&team).len(), 60);
        assert_eq!(
            (town.texts("si_anna_otto").len(), town.texts("sg_team").len()),
            (25, 25),
            "what people wrote stays"
        );
        assert_eq!(town.texts("si_anna_eva").len(), 12);
        let first = &town.server.log(&team)[0];
        assert_eq!(first["sendTime"], town.start, "with its own time");
        assert!(first["content"].as_str().unwrap().contains(r#""atUserList":["otto"]"#), "{first}");
        let members = as_admin(
            &town.server.url,
            "/group/get_full_group_member_user_ids",
            &json!({"groupID": team.strip_prefix("sg_"), "idHash": 0}),
        );
        assert_eq!(
            members["data"]["userIDs"].as_array().unwrap().len(),
            3,
            "also who wrote nothing: {members}"
        );

        // What comes after works on it like on any other.
        town.json(&["verify", "--client", "--store"], 0);
        town.json(&["mark-read"], 0);
        let receipts = town.ask(&["receipts"]).success();
        let receipts = String::from_utf8_lossy(&receipts.get_output().stdout).into_owned();
        assert_eq!(receipts.lines().filter(|line| line.contains(&pair)).count(), 72, "{receipts}");
        assert_eq!(town.json(&["run", "chat.jsonl"], 0)["confirmed"], 144, "a second time sends nothing");
        assert_eq!(town.texts(&pair).len(), 72);
        // A later pass finds the same archive.
        town.export("later.jsonl", 50, 80);
        town.json(&["run", "--add", "later.jsonl"], 0);
        assert_eq!((town.texts(&pair).len(), town.texts(&team).len()), (96, 80));
        // So does who has lost the job.
        fs_err::remove_dir_all(town.path("import.job")).unwrap();
        town.json(&["adopt", "chat.jsonl", "later.jsonl"], 0);
        town.json(&["run"], 0);
        assert_eq!((town.texts(&pair).len(), town.texts(&team).len()), (96, 80));
        town.ask(&["undo", "--yes"]).success();
        assert_eq!((town.texts(&pair).len(), town.texts("si_anna_otto").len()), (0, 25));
        town.json(&["run", "--again"], 0);
        assert_eq!((town.texts(&pair).len(), town.texts(&team).len()), (96, 80));
        town.json(&["verify", "--client"], 0);
    }
}

#[test]
fn an_archive_in_which_people_have_written_gets_an_archive() {
    let town = Town::new("3.8.3");
    town.export("chat.jsonl", 0, 30);
    town.write("si_anna_otto", 3);
    town.ask(&["check", "chat.jsonl", "--archive", "si_anna_otto"]).code(6);
    town.ask(&["provision"]).success();
    let first = town.archive("si_anna_otto");
    town.write(&first, 2);
    town.ask(&["check", "chat.jsonl"])
        .code(6)
        .stderr(contains("would-not-scroll").and(contains(first.as_str())));
    town.ask(&["check", "chat.jsonl", "--archive", "all"])
        .code(6)
        .stderr(contains("1 history goes into an archive"));
    town.ask(&["provision"]).success();
    town.json(&["run", "chat.jsonl"], 0);
    let second = town.archive(&first);
    assert_eq!((town.texts(&first).len(), town.texts(&second).len()), (2, 36));
    assert_eq!(town.texts("si_anna_otto").len(), 3);
}

#[test]
fn behind_what_people_wrote_with_its_own_time_in_ex() {
    for release in BOTH {
        let town = Town::new(release);
        town.export("chat.jsonl", 0, 60);
        town.write("si_anna_otto", 5);
        town.write("sg_team", 5);
        town.ask(&["check", "chat.jsonl", "--behind", "all"])
            .success()
            .stderr(contains("2 go behind what people wrote"))
            .stdout(contains("132 are sent behind what people have written already"));
        town.json(&["run", "chat.jsonl"], 0);
        for (conversation, of_people, ours) in [("si_anna_otto", 5, 72), ("sg_team", 5, 60)] {
            let texts = town.texts(conversation);
            assert_eq!(texts.len(), of_people + ours, "{texts:?}");
            let log = town.server.log(conversation);
            let ex: Value = serde_json::from_str(log[of_people]["ex"].as_str().unwrap()).unwrap();
            assert_eq!(ex, json!({ "writtenAt": town.start }));
        }
        // What is written from now on is newer than all of it.
        town.write("si_anna_otto", 30);
        assert_eq!(town.texts("si_anna_otto").len(), 107);
        town.json(&["verify", "--client"], 0);
        assert_eq!(town.json(&["run", "chat.jsonl"], 0)["confirmed"], 144);
    }
}

#[test]
fn written_on_between_the_choice_and_the_run() {
    let town = Town::new("3.8.3");
    town.export("chat.jsonl", 0, 20);
    town.write("si_anna_otto", 5);
    town.ask(&["check", "chat.jsonl", "--behind", "all"]).success();
    town.write("si_anna_otto", 1);
    town.ask(&["run", "chat.jsonl"]).code(6).stderr(contains("would-not-scroll"));
    town.ask(&["check", "chat.jsonl", "--behind", "si_anna_otto"]).success();
    town.json(&["run", "chat.jsonl"], 0);
    assert_eq!(town.texts("si_anna_otto").len(), 6 + 24);
}

#[test]
fn what_can_not_be_chosen() {
    let town = Town::new("3.8.3");
    town.export("chat.jsonl", 0, 10);
    town.write("si_anna_otto", 5);
    town.ask(&["check", "--archive", "all"]).code(2).stderr(contains("name the SOURCE"));
    town.ask(&["check", "chat.jsonl", "--archive", "si_anna_eva"])
        .code(2)
        .stderr(contains("`si_anna_eva` is none of the conversations in which people have written"));
    town.ask(&["check", "chat.jsonl", "--archive", "all", "--behind", "all"])
        .code(2)
        .stderr(contains("both ways"));
    assert!(!town.path("occupied.csv").exists() && !town.path("import.toml").exists());
    fs_err::write(town.path("import.toml"), "[occupied]\ntable = \"mine.csv\"\n").unwrap();
    fs_err::write(town.path("mine.csv"), "conversation,way\nsi_anna_otto,elsewhere\n").unwrap();
    town.ask(&["check", "chat.jsonl"]).code(2).stderr(contains("mine.csv:2: `elsewhere` is no way"));
    fs_err::remove_file(town.path("mine.csv")).unwrap();
    town.ask(&["check", "chat.jsonl"]).code(2).stderr(contains("mine.csv"));
    fs_err::remove_file(town.path("import.toml")).unwrap();
    // What has begun stays where it is.
    town.json(&["run", "chat.jsonl"], 6);
    town.json(&["run", "chat.jsonl", "--only", "si_anna_otto"], 6);
    // What stands in other conversations is in nobody's way.
    town.json(&["run", "chat.jsonl", "--only", "sg_team"], 0);
    town.ask(&["check", "chat.jsonl", "--archive", "all"])
        .code(2)
        .stderr(contains("has begun").and(contains("adopt SOURCE")));
    // The way that it names works.
    town.ask(&["check", "chat.jsonl", "--job", "new.job", "--archive", "all"]).code(6);
    town.ask(&["provision", "--job", "new.job"]).success();
    town.ask(&["adopt", "chat.jsonl", "--job", "new.job"]).success();
    town.json(&["run", "--job", "new.job"], 0);
    assert_eq!((town.texts("sg_team").len(), town.texts(&town.archive("si_anna_otto")).len()), (10, 12));
}

/// Friends made before: only a notice stands there. A proxy that hiccups when it is cut off ends no night.
#[test]
fn notices_are_cut_off_with_patience() {
    let town = Town::new("3.8.3");
    town.export("chat.jsonl", 0, 20);
    as_admin(
        &town.server.url,
        "/friend/import_friend",
        &json!({"ownerUserID": "anna", "friendUserIDs": ["otto"]}),
    );
    town.server.control("/_rehearsal/settle", Some(&json!({})));
    for kind in ["proxy-error", "too-many"] {
        let fault = json!({"kind": kind, "path": "/msg/clear_conversation_msg", "times": 1});
        town.server.control("/_rehearsal/faults", Some(&fault));
    }
    town.ask(&["run", "chat.jsonl"])
        .success()
        .stderr(contains("1 conversation in which only notices stood was cut off"));
    assert_eq!(town.texts("si_anna_otto").len(), 24);
}

/// Two nights, and people who write in between: nothing goes behind what they wrote, and each of the ways works.
#[test]
fn people_write_between_two_nights() {
    let town = Town::new("3.8.3");
    town.export("chat.jsonl", 0, 40);
    town.export("more.jsonl", 0, 80);
    town.json(&["run", "chat.jsonl"], 0);
    town.write("si_anna_otto", 3);
    town.write("sg_team", 2);
    // Said beforehand.
    let api = town.server.url.clone();
    town.ask(&["check", "more.jsonl", "--add", "--api", &api])
        .stderr(contains("warning written-since").and(contains("2 of").or(contains("2 conversations"))));
    let done = town.json(&["run"], 5);
    let verdict = done["verdict"].as_str().unwrap();
    assert!(verdict.contains("Into 2 conversations somebody has written"), "{verdict}");
    assert!(verdict.contains("si_anna_otto (otto wrote)") && verdict.contains("run --behind"), "{verdict}");
    // What was not written into is whole, the others end with what people wrote.
    assert_eq!(town.texts("si_anna_eva").len(), 16);
    assert_eq!(town.texts("sg_team")[39..], ["@Otto team 39", "today 0", "today 1"].map(str::to_owned)[..]);
    assert_eq!(town.texts("si_anna_otto").len(), 48 + 3);
    // The same command again sends nothing, and says the same.
    town.json(&["run"], 5);
    assert_eq!(town.texts("sg_team").len(), 42);
    town.ask(&["run", "--behind", "si_anna_eva"]).code(2).stderr(contains("none of the conversations"));
    // Behind, with its own times in `ex`.
    town.json(&["run", "--behind", "sg_team"], 5);
    let texts = town.texts("sg_team");
    assert_eq!((texts.len(), texts[81].as_str()), (82, "@Otto team 79"));
    let last = town.server.log("sg_team").pop().unwrap();
    assert_eq!(last["ex"], json!({"writtenAt": town.start + 79 * 60_000}).to_string());
    // In its place, which takes what people wrote.
    town.ask(&["undo", "--only", "si_anna_otto", "--cut", "--yes"]).success();
    town.json(&["run", "--again"], 0);
    assert_eq!(town.texts("si_anna_otto").len(), 96);
    town.json(&["verify", "--client"], 0);
}
