//! The report: each number is the job's, nothing in it is secret, and what an export calls its people stays text.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::history;
use super::world::World;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| [text, format!("{byte:02x}")].concat())
}

fn sum(list: &Value, name: &str) -> u64 {
    list.as_array().unwrap().iter().map(|one| one[name].as_u64().unwrap()).sum()
}

fn of<'a>(report: &'a Value, list: &str, name: &str, value: &str) -> &'a Value {
    let found = report[list].as_array().unwrap().iter().find(|one| one[name] == value);
    found.unwrap_or_else(|| panic!("no {value} among {}", report[list]))
}

/// Records that can't be sent, a server that asks for fewer calls, a night in two parts, read positions, and a file with a
/// name that would like to be markup.
#[test]
fn a_night_with_everything_is_told_as_it_was() {
    let world = World::new(&[]);
    let file = "<img src=x onerror=alert(1)>.jsonl";
    world.export(file, &history(90));
    let mut export = fs_err::read_to_string(world.path(file)).unwrap();
    for n in 0..9 {
        let line = json!({"id": format!("x{n}"), "sendID": "a", "recvID": "b", "sendTime": 1_500_000_001_000_u64 + n, "content": {"content": ""}});
        export = [export, line.to_string()].join("\n");
    }
    fs_err::write(world.path(file), export).unwrap();
    world.run(&[file, "--skip-invalid", "--provision", "--only", "sg_g"]).is(3, &json!({"confirmed": 30}));
    let busy = json!({"kind": "too-many", "retry-after": 0, "path": "/msg/send_msg", "after": 3, "times": 1});
    world.server.control("/_rehearsal/faults", Some(&busy));
    world.run(&["--skip-invalid", "--mark-read"]).is(3, &json!({"confirmed": 90, "rejected": 9}));
    world.server.turn_all_off();

    let told = world.local(&["report"]);
    told.is(0, &json!({"messages": 90, "confirmed": 90, "rejected": 9}));
    let report = &told.json["report"];
    assert_eq!(report["kinds"][0], json!({"name": "messages", "before": 90, "after": 90}));
    assert_eq!(
        *of(report, "kinds", "name", "messages in groups"),
        json!({"name": "messages in groups", "before": 30, "after": 30})
    );
    assert_eq!(of(report, "kinds", "name", "texts")["after"], 90);
    assert_eq!(of(report, "kinds", "name", "group conversations")["after"], 1);
    assert_eq!(of(report, "kinds", "name", "conversations between two people")["after"], 2);
    assert_eq!((sum(&report["days"], "before"), sum(&report["days"], "after")), (90, 90));
    assert_eq!((sum(&report["longest"], "before"), sum(&report["longest"], "after")), (90, 90));
    assert_eq!(
        report["records"],
        json!({"read": 99, "prepared": 90, "left_out": 0, "duplicates": 0, "known": 0, "invalid": 9})
    );
    let invalid: Vec<&Value> =
        report["set_aside"].as_array().unwrap().iter().filter(|one| one["fate"] == "invalid").collect();
    assert_eq!(invalid.iter().map(|one| one["count"].as_u64().unwrap()).sum::<u64>(), 9, "{invalid:?}");
    assert!(invalid.iter().all(|one| one["means"] != "" && one["mend"] != ""), "{invalid:?}");
    assert_eq!(sum(&report["runs"], "confirmed"), 90);
    assert!(sum(&report["runs"], "limited") > 0, "{}", report["runs"]);
    for run in report["runs"].as_array().unwrap() {
        let course = run["course"]["confirmed"].as_array().unwrap();
        let columns: u64 = course.iter().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(columns, run["confirmed"].as_u64().unwrap(), "{run}");
    }
    let made = of(report, "deeds", "command", "provision")["said"].as_str().unwrap();
    assert!(made.contains("users: 3 made") && made.contains("groups: 1 made"), "{made}");
    assert!(of(report, "deeds", "command", "mark-read")["said"].as_str().unwrap().contains("moved forward"));
    let receipts = world.command(&["receipts"]).success().get_output().stdout.clone();
    let digest = sha256(&receipts);
    assert_eq!(report["proof"]["receipts_sha256"], digest);
    let source = sha256(&fs_err::read(world.path(file)).unwrap());
    assert_eq!(of(report, "sources", "sha256", &source)["path"], file);

    world.command(&["report", "--html", "report.html"]).code(0);
    let html = fs_err::read_to_string(world.path("report.html")).unwrap();
    let at_the_end = fs_err::read_to_string(world.path("import.job/report.html")).unwrap();
    for html in [&html, &at_the_end] {
        for secret in ["openIM123", "eyJ"] {
            assert!(!html.contains(secret), "{secret}");
        }
        assert!(
            !html.contains("<img") && !html.contains("<script") && html.contains("&lt;img src=x"),
            "{html}"
        );
        assert!(
            html.contains("default-src 'none'") && html.contains("9 records of the export can&#39;t be sent")
        );
        assert!(
            html.contains("<td class=\"n\">90</td><td class=\"n\">90</td><td class=\"n\">0</td>"),
            "{html}"
        );
        assert!(html.contains(&digest) && html.contains(&source));
        assert!(html.contains("not since the last run"), "nobody has verified");
    }
    // What people read on a terminal has the same.
    let text = String::from_utf8(world.command(&["report"]).code(0).get_output().stdout.clone()).unwrap();
    assert!(text.contains(&digest) && text.contains("What the server did"), "{text}");
}

/// Without its texts a job still tells what it knows, and says what it does not.
#[test]
fn a_job_without_texts_says_what_it_no_longer_knows() {
    let world = World::imported(30);
    world.json(&["verify"]).is(0, &json!({"confirmed": 30}));
    let before = world.local(&["report"]).json["report"].clone();
    assert!(before["proof"]["verified"]["verdict"].as_str().unwrap().starts_with("All 30"));
    world.local(&["purge", "--yes"]);
    let after = world.local(&["report"]).json["report"].clone();
    assert_eq!(after["proof"]["sent_sha256"], Value::Null);
    assert_eq!(after["proof"]["receipts_sha256"], before["proof"]["receipts_sha256"]);
    assert_eq!((&after["days"], &after["kinds"][0]), (&before["days"], &before["kinds"][0]));
    let html = fs_err::read_to_string({
        world.command(&["report", "--html", "purged.html"]).code(0);
        world.path("purged.html")
    });
    assert!(html.unwrap().contains("not known: the texts were removed"));
}

/// A job of which nothing was sent says so.
#[test]
fn before_the_first_message_nothing_is_claimed() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(9));
    world.local(&["check", "chat.jsonl"]).is(0, &json!({"messages": 9}));
    let report = world.local(&["report"]).json["report"].clone();
    assert_eq!(report["kinds"][0], json!({"name": "messages", "before": 9, "after": 0}));
    assert_eq!(
        (&report["runs"], &report["deeds"], &report["settings"]),
        (&json!([]), &json!([]), &json!([]))
    );
}
