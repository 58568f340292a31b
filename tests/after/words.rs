//! What is said is so: verdicts, exit codes and counts.

use serde_json::{Value, json};

use super::support::history;
use super::world::World;

fn verdict(answer: &super::world::Answer) -> &str {
    answer.json["verdict"].as_str().unwrap()
}

/// `--skip-invalid` left most of it out: that is not "all", in no command.
#[test]
fn what_was_left_out_is_said_everywhere() {
    let world = World::new(&["--users", "auto"]);
    let mut lines = vec![
        json!({"id": "m1", "sendID": "a", "recvID": "b", "sendTime": 1_500_000_000_000_u64, "content": {"content": "x"}}),
    ];
    lines.extend((0..9).map(|n| json!({"id": format!("x{n}"), "sendID": "a", "recvID": "b", "sendTime": 1_500_000_001_000_u64 + n, "content": {"content": ""}})));
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs_err::write(world.path("chat.jsonl"), lines.join("\n")).unwrap();
    for args in [&["chat.jsonl", "--skip-invalid", "--provision"][..], &["--skip-invalid"]] {
        let run = world.run(args);
        run.is(3, &json!({"confirmed": 1, "rejected": 9}));
        assert!(!verdict(&run).to_lowercase().contains("all 1"), "{}", verdict(&run));
        assert!(verdict(&run).contains("9 records of the export can't be sent"), "{}", verdict(&run));
    }
    let status = world.local(&["status"]);
    status.is(3, &json!({"confirmed": 1, "rejected": 9}));
    assert!(!verdict(&status).contains("All"), "{}", verdict(&status));
    let html = fs_err::read_to_string(world.path("import.job/report.html")).unwrap();
    assert!(!html.contains("verdict good\""), "the report is green");
}

/// Refused messages that went out later stand behind others.
#[test]
fn what_went_out_later_is_not_in_order() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(60));
    fs_err::write(world.path("users.csv"), "userID,nickname\na,A\nc,C\n").unwrap();
    fs_err::write(world.path("groups.csv"), "groupID,ownerUserID,memberUserIDs\ng,a,c\n").unwrap();
    world.ask(&["provision", "--users", "users.csv", "--groups", "groups.csv"]).code(0);
    let allow = ["chat.jsonl", "--allow", "missing-users", "--allow", "not-members"];
    world.run(&allow).is(3, &json!({"confirmed": 40, "rejected": 20}));
    world.ask(&["provision"]).code(0);
    let retried = world.json(&["retry", "--behind"]);
    retried.is(0, &json!({"confirmed": 60}));
    let late = world.judge(&["chat.jsonl"]).out_of_order;
    let said = format!("{late} of them behind messages that were written later");
    let expected = if late == 0 { "once, in order".to_owned() } else { said };
    for answer in [&retried, &world.run(&[])] {
        assert!(verdict(answer).contains(&expected), "{}", verdict(answer));
    }
}

/// Everybody has cleared it: nobody was shown anything, and nothing was read back.
#[test]
fn what_nobody_is_shown_was_not_read_back() {
    let world = World::new(&["--fault", "users-act:act=clear,per-second=2000"]);
    world.export("chat.jsonl", &history(90));
    let run = world.run(&["chat.jsonl", "--provision"]);
    let unread = run.json["hidden"].as_u64().unwrap();
    if unread == 90 {
        assert!(!verdict(&run).contains("read back from the server's log"), "{}", verdict(&run));
    } else if unread > 0 {
        assert!(verdict(&run).contains("nobody who takes part is shown"), "{}", verdict(&run));
    }
    // Also by the process that comes after.
    let again = world.run(&[]);
    assert_eq!(again.json["hidden"], unread, "{}", again.json);
    assert_eq!(verdict(&again).contains("nobody who takes part is shown"), unread > 0, "{}", verdict(&again));
}

/// Copies that the server made are counted while they stand there, and no longer.
#[test]
fn copies_that_verify_has_deleted_are_counted_no_more() {
    let world = World::new(&["--release", "3.8.3"]);
    world.export("chat.jsonl", &history(300));
    world.server.control(
        "/_rehearsal/faults",
        Some(&json!({"kind": "repeat-queue", "after": 2, "every": 4, "last": 20})),
    );
    let run = world.run(&["chat.jsonl", "--provision"]);
    world.server.turn_all_off();
    assert!(run.json["doubled"].as_u64().unwrap() > 0, "{}", run.json);
    assert!(!verdict(&run).contains("clients fold them"), "{}", verdict(&run));
    assert!(verdict(&run).contains("`verify --watch` looks until"), "{}", verdict(&run));
    world.json(&["verify", "--repair"]).is(0, &json!({"doubled": 0, "confirmed": 300}));
    let after = world.run(&[]);
    after.is(0, &json!({"doubled": 0}));
    assert!(!verdict(&after).contains("copies"), "{}", verdict(&after));
    world.local(&["status"]).is(0, &json!({"doubled": 0}));
}

/// A server that asks for more time than anybody has: `--give-up` counts.
#[test]
fn verify_is_not_kept_waiting_for_ever() {
    let world = World::imported(30);
    for asked in [86_400_u64, 1 << 63] {
        let fault = json!({"kind": "too-many", "retry-after": asked, "path": "/msg/pull_msg_by_seq"});
        world.server.control("/_rehearsal/faults", Some(&fault));
        let verified = world.json(&["verify", "--give-up", "1s"]);
        assert_eq!(verified.code, 5, "{}\n{}", verified.json, verified.err);
        world.server.turn_all_off();
    }
    world.json(&["verify"]).is(0, &json!({"confirmed": 30}));
}
