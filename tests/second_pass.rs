//! The same export again, or a newer one: each message once, also where the export has no ids. Judged by what
//! stands in the server's log.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Rehearsal, importer};

/// What is asked for and what the server has, for one job.
struct Night {
    dir: tempfile::TempDir,
    server: Rehearsal,
}

/// What `run --json` said.
struct Run {
    code: i32,
    answer: Value,
    err: String,
}

impl Night {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), server: Rehearsal::start(&[]) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let output = importer()
            .current_dir(self.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(["run", "--api", &self.server.url, "--provision", "--json"])
            // 3.8.3 can't tell how long it keeps messages, and these are old.
            .args(["--allow", "retention"])
            .args(arguments)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        Run {
            code: output.status.code().unwrap(),
            answer: serde_json::from_str(&out).unwrap_or_default(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The texts of a conversation in the server's log, in its order.
    fn log(&self, conversation: &str) -> Vec<String> {
        self.server.control("/_rehearsal/settle", Some(&Value::Null));
        let name = conversation.replace('_', "%5F");
        let log = self.server.control(&format!("/_rehearsal/log?conversation={name}"), None);
        let sent = log.as_array().unwrap().iter().filter(|entry| entry["origin"] == "sent");
        sent.map(|entry| {
            assert_eq!(entry["state"], "readable", "{entry}");
            let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
            content["content"].as_str().unwrap().to_owned()
        })
        .collect()
    }
}

/// Done, with these figures: of the job, over all its passes.
#[track_caller]
fn done(run: &Run, figures: &Value) {
    assert_eq!(run.code, 0, "{}\n{}", run.answer, run.err);
    for (name, figure) in figures.as_object().unwrap() {
        assert_eq!(run.answer[name], *figure, "{name} of {}", run.answer);
    }
}

const WEEK_ONE: &str = "\
31/01/2024, 09:00 - Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. Learn more.
31/01/2024, 09:00 - Ann Lee: shall we?
31/01/2024, 09:01 - Bob Ray: ok
31/01/2024, 09:01 - Bob Ray: ok
31/01/2024, 09:02 - Ann Lee: see you
";
/// The same chat a week later: one more `ok` in the minute in which there were two, and two new ones.
const WEEK_TWO: &str = "\
31/01/2024, 09:00 - Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. Learn more.
31/01/2024, 09:00 - Ann Lee: shall we?
31/01/2024, 09:01 - Bob Ray: ok
31/01/2024, 09:01 - Bob Ray: ok
31/01/2024, 09:01 - Bob Ray: ok
31/01/2024, 09:02 - Ann Lee: see you
07/02/2024, 18:30 - Ann Lee: again?
07/02/2024, 18:31 - Bob Ray: ok
";

#[test]
fn a_chat_without_ids_exported_again_a_week_later() {
    let night = Night::new();
    let file = "WhatsApp Chat with Ann Lee.txt";
    night.write(&format!("one/{file}"), WEEK_ONE);
    night.write(&format!("two/{file}"), WEEK_TWO);
    night.write(
        "import.toml",
        "[format]\nzone = \"Europe/Berlin\"\nself = \"Bob Ray\"\n[users]\nfile = \"users.csv\"\n",
    );
    night.write("users.csv", "id,openim_id\nAnn Lee,ann\nBob Ray,bob\n");
    done(&night.run(&["one"]), &json!({"messages": 4}));
    assert_eq!(night.log("si_ann_bob"), ["shall we?", "ok", "ok", "see you"]);
    // The same again is nothing new.
    done(&night.run(&["one"]), &json!({"messages": 4}));
    done(&night.run(&["--add", "one"]), &json!({"already_there": 4}));
    assert_eq!(night.log("si_ann_bob").len(), 4);
    // The third `ok` is a minute older than what the conversation has: sent behind it, a millisecond after the newest.
    done(&night.run(&["--add", "two"]), &json!({"messages": 7, "already_there": 8, "older": 1}));
    assert_eq!(night.log("si_ann_bob"), ["shall we?", "ok", "ok", "see you", "ok", "again?", "ok"]);
    // Both together have nothing that is new: 7 and 4 more records that the job had.
    done(&night.run(&["--add", "two", "one"]), &json!({"messages": 7, "already_there": 19}));
    assert_eq!(night.log("si_ann_bob").len(), 7);
}

#[test]
fn the_same_chat_twice_in_one_pass_counts_as_often_as_one_file_has_it() {
    let night = Night::new();
    night.write("phone/WhatsApp Chat with Ann Lee.txt", WEEK_ONE);
    night.write("tablet/WhatsApp Chat with Ann Lee.txt", WEEK_TWO);
    night.write(
        "import.toml",
        "[format]\nzone = \"Europe/Berlin\"\nself = \"Bob Ray\"\n[users]\nfile = \"users.csv\"\n",
    );
    night.write("users.csv", "id,openim_id\nAnn Lee,ann\nBob Ray,bob\n");
    done(&night.run(&["phone", "tablet"]), &json!({"messages": 7, "duplicates_in_source": 4}));
    assert_eq!(night.log("si_ann_bob"), ["shall we?", "ok", "ok", "ok", "see you", "again?", "ok"]);
}

#[test]
fn overlapping_tables_without_ids_and_the_same_in_another_shape() {
    let night = Night::new();
    let row = |n: u64| format!("ann,bob,{},text {}\n", 1_700_000_000 + n / 2, n % 3);
    let rows = |range: std::ops::Range<u64>| -> String {
        std::iter::once("from,to,time,text\n".to_owned()).chain(range.map(row)).collect()
    };
    night.write("january.csv", &rows(0..400));
    night.write("february.csv", &rows(300..600));
    night.write(
        "import.toml",
        "[mapping.fields]\nsendID = \"from\"\nrecvID = \"to\"\ntext = \"text\"\n\
         sendTime = { column = \"time\", time = \"s\" }\n",
    );
    done(
        &night.run(&["january.csv", "february.csv"]),
        &json!({"messages": 600, "duplicates_in_source": 100}),
    );
    let expected: Vec<String> = (0..600).map(|n| format!("text {}", n % 3)).collect();
    assert_eq!(night.log("si_ann_bob"), expected);
    // The whole new export is JSON: the same messages, known by what they are.
    let lines: Vec<String> = (0..650_u64)
        .map(|n| {
            let content = json!({ "content": format!("text {}", n % 3) });
            json!({"sendID": "ann", "recvID": "bob", "sendTime": (1_700_000_000 + n / 2) * 1000, "content": content})
                .to_string()
        })
        .collect();
    night.write("all.jsonl", &lines.join("\n"));
    night.write("native.toml", "");
    done(
        &night.run(&["--config", "native.toml", "--add", "all.jsonl"]),
        &json!({"messages": 650, "already_there": 600, "older": 0}),
    );
    let expected: Vec<String> = (0..650).map(|n| format!("text {}", n % 3)).collect();
    assert_eq!(night.log("si_ann_bob"), expected);
}

#[test]
fn hourly_archives_until_the_day_of_the_switch() {
    let night = Night::new();
    let hour = |messages: &[(u64, u64, &str)]| {
        let list: Vec<Value> = messages
            .iter()
            .map(|(seconds, seq, text)| {
                json!({
                    "From_Account": "ann", "To_Account": "bob", "MsgTimestamp": 1_700_000_000 + seconds,
                    "MsgSeq": seq, "MsgRandom": seq * 7, "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]
                })
            })
            .collect();
        json!({ "MsgList": list }).to_string()
    };
    night.write("archive/C2C/2023111422.json", &hour(&[(0, 1, "one"), (0, 2, "two"), (9, 3, "three")]));
    done(&night.run(&["archive"]), &json!({"messages": 3}));
    // The next hours come into the same folder; the first was fetched again, when it was complete.
    night.write(
        "archive/C2C/2023111422.json",
        &hour(&[(0, 1, "one"), (0, 2, "two"), (9, 3, "three"), (9, 4, "four")]),
    );
    night.write("archive/C2C/2023111423.json", &hour(&[(4000, 5, "five")]));
    done(&night.run(&["--add", "archive"]), &json!({"messages": 5, "already_there": 3, "older": 0}));
    assert_eq!(night.log("si_ann_bob"), ["one", "two", "three", "four", "five"]);
}

#[test]
fn somebody_whom_openim_would_call_otherwise_than_before_is_an_error() {
    let night = Night::new();
    let file = "WhatsApp Chat with Ann Lee.txt";
    night.write(&format!("one/{file}"), WEEK_ONE);
    night.write(&format!("two/{file}"), WEEK_TWO);
    night.write("import.toml", "[format]\nzone = \"Europe/Berlin\"\nself = \"Bob Ray\"\n");
    done(&night.run(&["one"]), &json!({"messages": 4}));
    // With other ids, all of it would be new and go into another conversation.
    night.write("users.csv", "id,openim_id\nAnn Lee,ann\n");
    night.write(
        "import.toml",
        "[format]\nzone = \"Europe/Berlin\"\nself = \"Bob Ray\"\n[users]\nfile = \"users.csv\"\n",
    );
    let refused = night.run(&["--add", "two"]);
    assert_eq!(refused.code, 4, "{}", refused.answer);
    let said = findings(&night.path("import.job"));
    assert!(said.contains("people-renamed") && said.contains("would now be `ann`"), "{said}");
    let before = night.server.audit()["total"]["received"].clone();
    assert_eq!(before, 4);
    // Neither does the job go on with it by itself.
    assert_eq!(night.run(&[]).code, 4);
    assert_eq!(night.server.audit()["total"]["received"], before);
    // Mended, the same command replaces the refused pass.
    night.write("import.toml", "[format]\nzone = \"Europe/Berlin\"\nself = \"Bob Ray\"\n");
    done(&night.run(&["--add", "two"]), &json!({"messages": 7, "already_there": 4}));
}

#[test]
fn a_further_pass_can_be_looked_at_before_it_is_sent() {
    let night = Night::new();
    let line = |id: &str, to: &str, time: u64| {
        format!(
            "{{\"id\":\"{id}\",\"sendID\":\"ann\",\"recvID\":\"{to}\",\"sendTime\":{time},\"text\":\"{id}\"}}\n"
        )
    };
    let one = line("m1", "bob", 1_700_000_000_000);
    night.write("one.jsonl", &one);
    night.write(
        "two.jsonl",
        &[one, line("m2", "", 1_700_000_001_000), line("m3", "bob", 1_700_000_002_000)].concat(),
    );
    done(&night.run(&["one.jsonl"]), &json!({"messages": 1}));
    let check = |arguments: &[&str]| {
        let mut command = importer();
        command.current_dir(night.dir.path()).args(["check", "--add"]).args(arguments).assert()
    };
    let looked = check(&["two.jsonl"]).code(4);
    let said = String::from_utf8_lossy(&looked.get_output().stdout).into_owned();
    assert!(said.contains("two.jsonl:2") && said.contains("1 are known from an earlier pass"), "{said}");
    // With errors in it, it is not sent; mended, it takes the place of the one before.
    assert_eq!(night.run(&[]).code, 4);
    assert_eq!(night.server.audit()["total"]["received"], 1);
    let whole = fs_err::read_to_string(night.path("two.jsonl"))
        .unwrap()
        .replace("\"recvID\":\"\"", "\"recvID\":\"bob\"");
    night.write("two.jsonl", &whole);
    check(&["two.jsonl"]).code(0);
    done(&night.run(&[]), &json!({"messages": 3, "already_there": 1, "rejected": 0}));
    assert_eq!(night.log("si_ann_bob"), ["m1", "m2", "m3"]);
}

fn findings(job: &Path) -> String {
    fs_err::read_to_string(job.join("findings.jsonl")).unwrap()
}
