//! Rejects go out again: provisioned or mended, behind the rest or in their places, as the policy says.

use predicates::str::contains;
use serde_json::{Value, json};

use super::support::history;
use super::world::World;
use crate::support::as_admin;
use crate::support::scroll::entries_shown;

/// A world in which b, who is somebody's receiver, is not registered.
fn without_b(args: &[&str]) -> World {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(30));
    fs_err::write(world.path("users.csv"), "userID,nickname\na,A\nc,C\n").unwrap();
    fs_err::write(world.path("groups.csv"), "groupID,ownerUserID,memberUserIDs\ng,a,c\n").unwrap();
    world.ask(&["provision", "--users", "users.csv", "--groups", "groups.csv"]).code(0);
    let allow = ["--allow", "missing-users", "--allow", "not-members"];
    world.run(&[&["chat.jsonl"][..], &allow, args].concat()).is(3, &json!({}));
    world
}

fn rejected(world: &World) -> Vec<Value> {
    let text = fs_err::read_to_string(world.path("import.job/rejected.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write_rejected(world: &World, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs_err::write(world.path("import.job/rejected.jsonl"), lines.join("\n") + "\n").unwrap();
}

#[test]
fn provisioned_they_go_out_with_their_own_time_behind_the_rest() {
    let world = without_b(&[]);
    // Five messages to b, and five of his own in the group.
    assert_eq!(rejected(&world).len(), 10);
    // Whom the server doesn't let in loses nothing.
    crate::support::importer()
        .current_dir(world.dir.path())
        .env("OPENIM_SECRET", "hush-hush")
        .args(["retry", "--quiet", "--api", &world.server.url])
        .assert()
        .code(7);
    assert_eq!(rejected(&world).len(), 10);
    // Nothing has changed: refused again, for the same reasons, and still there once.
    let skip = ["--on-reject", "skip", "--behind"];
    let again = world.json(&[&["retry"][..], &skip].concat());
    again.is(3, &json!({"confirmed": 20, "rejected": 10}));
    assert_eq!(rejected(&world).len(), 10);
    world.ask(&["provision"]).code(0);
    world.json(&["retry", "--behind"]).is(0, &json!({"confirmed": 30, "rejected": 0, "messages": 30}));
    assert_eq!(rejected(&world).len(), 0);
    let judgement = world.judge(&["chat.jsonl"]);
    assert_eq!((judgement.lost, judgement.doubled), (0, 0), "{judgement:?}");
    world.json(&["verify"]).is(0, &json!({"confirmed": 30, "missing": 0}));
    world.json(&["retry"]).is(0, &json!({"confirmed": 30}));
    world.run(&["chat.jsonl"]).is(0, &json!({"confirmed": 30}));
}

#[test]
fn held_a_conversation_goes_on_in_order() {
    let world = without_b(&["--on-reject", "hold"]);
    let status = world.run(&["--on-reject", "hold", "--allow", "missing-users", "--allow", "not-members"]);
    assert_eq!(status.code, 3, "{}", status.json);
    let verdict = status.json["verdict"].as_str().unwrap();
    assert!(
        verdict.contains("2 conversations wait at a refused message") && verdict.contains("si_a_b"),
        "{verdict}"
    );
    world.json(&["verify"]).is(3, &json!({"missing": 0}));
    world.ask(&["provision"]).code(0);
    world.json(&["retry", "--on-reject", "hold"]).is(0, &json!({"confirmed": 30, "rejected": 0}));
    let judgement = world.judge(&["chat.jsonl"]);
    assert!(judgement.is_exact(), "{judgement:?}");
}

#[test]
fn held_and_mended_it_goes_out_in_its_place() {
    let world = without_b(&["--on-reject", "hold"]);
    let mut lines = rejected(&world);
    let line = lines.iter_mut().find(|line| line["message"]["groupID"] == "g").unwrap();
    line["message"]["sendID"] = "c".into();
    line["message"]["content"]["content"] = "for b".into();
    // As an editor of another world leaves it.
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = format!("\u{feff}{}\r\n", text.join("\r\n"));
    fs_err::write(world.path("import.job/rejected.jsonl"), text).unwrap();
    world.json(&["retry", "--on-reject", "hold", "--only", "sg_g"]).is(3, &json!({}));
    // Up to the next one of b's.
    assert_eq!(world.texts("sg_g"), ["message 2", "for b", "message 8"]);
    world.json(&["verify"]).is(3, &json!({"missing": 0, "changed": 0, "out_of_place": 0}));
    fs_err::remove_file(world.path("import.job/rejected.jsonl")).unwrap();
    world.json(&["retry"]).is(3, &json!({}));
}

#[test]
fn mended_in_the_file() {
    let world = without_b(&[]);
    let mut lines = rejected(&world);
    let b_in_g = lines.iter_mut().filter(|line| line["message"]["groupID"] == "g");
    for line in b_in_g {
        // c says it for him.
        line["message"]["sendID"] = "c".into();
        line["message"]["content"]["content"] = format!("for b: {}", line["id"].as_str().unwrap()).into();
    }
    write_rejected(&world, &lines);
    world.json(&["retry", "--only", "sg_g", "--behind"]).is(3, &json!({"confirmed": 25, "rejected": 5}));
    let said: Vec<String> = world.texts("sg_g");
    assert_eq!(said.iter().filter(|text| text.starts_with("for b: m15")).count(), 5, "{said:?}");
    // The others are still there, untouched.
    let left = rejected(&world);
    assert_eq!(left.len(), 5);
    assert!(left.iter().all(|line| line["message"]["recvID"] == "b"), "{left:?}");
    // What was mended is what is expected now.
    world.json(&["verify"]).is(3, &json!({"missing": 0, "changed": 0, "confirmed": 25}));
}

#[test]
fn lines_that_are_still_wrong_stay_and_are_named() {
    let world = without_b(&[]);
    let mut lines = rejected(&world);
    lines.retain(|line| line["message"]["recvID"] == "b");
    lines[0]["message"]["recvID"] = "c".into();
    lines[1]["message"]["sendTime"] = 1_600_000_000_000_u64.into();
    lines[2]["message"]["content"] = "plain words".into();
    // Nobody wants the fourth any more; the fifth is as it was.
    lines.remove(3);
    write_rejected(&world, &lines);
    let retried = world.json(&["retry", "--behind", "--on-reject", "skip"]);
    retried.is(3, &json!({"rejected": 10}));
    for said in [
        "rejected.jsonl:1: it belongs to `si_a_b` and not to `si_a_c`",
        "rejected.jsonl:2: its sendTime was",
        "rejected.jsonl:3: content-not-object",
    ] {
        assert!(retried.err.contains(said), "{}", retried.err);
    }
    // The fifth was refused again.
    assert_eq!(rejected(&world).len(), 4);
    fs_err::write(world.path("import.job/rejected.jsonl"), "{\"source\":\n").unwrap();
    world.ask(&["retry"]).code(2).stderr(contains("rejected.jsonl:1: this is no JSON object"));
}

#[test]
fn what_the_export_had_wrong_comes_when_it_is_mended() {
    let world = World::new(&["--users", "auto"]);
    world.export("chat.jsonl", &history(30));
    let mut text = fs_err::read_to_string(world.path("chat.jsonl")).unwrap();
    text += "\n{\"id\":\"x1\",\"sendID\":\"a\",\"recvID\":\"b\",\"sendTime\":1500000100000,\"content\":{\"content\":\"\"}}";
    text += "\n{\"id\":\"x2\",\"sendID\":\"a\",\"recvID\":\"b\",\"sendTime\":1500000101000,\"content\":{\"content\":\"\"}}";
    text += "\nnot json\n";
    fs_err::write(world.path("chat.jsonl"), text).unwrap();
    world
        .run(&["chat.jsonl", "--skip-invalid", "--provision"])
        .is(3, &json!({"confirmed": 30, "rejected": 3}));
    let mut lines = rejected(&world);
    assert_eq!(lines.len(), 3);
    world.json(&["retry"]).is(3, &json!({"confirmed": 30, "rejected": 3}));
    let x1 = lines.iter_mut().find(|line| line["id"] == "x1").unwrap();
    x1["message"]["content"]["content"] = "mended".into();
    write_rejected(&world, &lines);
    let retried = world.json(&["retry"]);
    retried.is(3, &json!({"confirmed": 31, "messages": 31, "rejected": 2}));
    assert_eq!(world.texts("si_a_b").last().unwrap(), "mended");
    assert_eq!(rejected(&world).len(), 2);
    // It is known: the export, mended as well, brings nothing new.
    let text = fs_err::read_to_string(world.path("chat.jsonl")).unwrap();
    let mended = text.lines().filter(|line| !line.contains("x2") && !line.contains("not json"));
    let mended: Vec<String> =
        mended.map(|line| line.replace(r#"{"content":""}"#, r#"{"content":"mended"}"#)).collect();
    fs_err::write(world.path("again.jsonl"), mended.join("\n")).unwrap();
    world.run(&["--add", "again.jsonl"]).is(3, &json!({"confirmed": 31, "already_there": 31, "rejected": 2}));
    world.json(&["verify"]).is(3, &json!({"confirmed": 31}));
}

#[test]
fn a_group_that_was_muted() {
    let world = World::new(&["--users", "auto"]);
    world.export("chat.jsonl", &history(60));
    world.run(&["chat.jsonl", "--provision", "--only", "si_a_b"]).is(0, &json!({}));
    as_admin(&world.server.url, "/group/mute_group", &json!({"groupID": "g"}));
    world.run(&["--on-reject", "hold"]).is(3, &json!({}));
    as_admin(&world.server.url, "/group/cancel_mute_group", &json!({"groupID": "g"}));
    // The notice that says so may come between ours; then they are taken back, and the next run sends them anew.
    let retried = world.json(&["retry"]);
    if retried.code == 5 {
        assert!(retried.json["verdict"].as_str().unwrap().contains("sg_g"), "{}", retried.json);
        world.run(&[]).is(0, &json!({"confirmed": 60}));
    } else {
        retried.is(0, &json!({"confirmed": 60}));
    }
    let judgement = world.judge(&["chat.jsonl"]);
    assert!(judgement.is_exact(), "{judgement:?}");
}

/// The texts of a conversation that can be read by who comes now.
fn shown(world: &World, conversation: &str) -> Vec<String> {
    let log = world.server.log(conversation);
    assert!(entries_shown(&log).scrolls(), "{conversation}");
    let seen = log.iter().filter(|entry| entry["state"] == "readable" && entry["cut"] != true);
    seen.map(|entry| {
        let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
        content["content"].as_str().unwrap().to_owned()
    })
    .collect()
}

/// What was passed over goes into its place: its conversation is taken back and sent anew, which is asked first.
#[test]
fn passed_over_and_mended_it_goes_into_its_place() {
    let world = without_b(&[]);
    let before = shown(&world, "sg_g");
    let mut lines = rejected(&world);
    for line in lines.iter_mut().filter(|line| line["message"]["groupID"] == "g") {
        line["message"]["sendID"] = "c".into();
        line["message"]["content"]["content"] = format!("for b, {}", line["id"].as_str().unwrap()).into();
    }
    write_rejected(&world, &lines);
    // Nobody is at a terminal to be asked, and nothing is done.
    world
        .ask(&["retry", "--only", "sg_g"])
        .code(2)
        .stderr(contains("1 conversation is taken back and sent anew (sg_g)"));
    assert_eq!((shown(&world, "sg_g"), rejected(&world).len()), (before.clone(), 10));
    let done = world.json(&["retry", "--only", "sg_g", "--yes"]);
    done.is(3, &json!({"confirmed": 25, "rejected": 5}));
    let verdict = done.json["verdict"].as_str().unwrap();
    assert!(verdict.contains("can be scrolled to the start"), "{verdict}");
    let after = shown(&world, "sg_g");
    assert_eq!(after.len(), before.len() + 5);
    assert!(after[1].starts_with("for b, "), "in its place: {after:?}");
    assert_eq!(after.iter().filter(|text| !text.starts_with("for b")).cloned().collect::<Vec<_>>(), before);
    world.json(&["verify", "--client"]).is(3, &json!({"missing": 0, "changed": 0, "out_of_place": 0}));
    // Where somebody else has written it stays, and the other way is named.
    world.write("today");
    world.server.control("/_rehearsal/settle", Some(&json!({})));
    let refused = world.json(&["retry", "--yes"]);
    refused.is(3, &json!({"rejected": 5}));
}

/// Killed at any moment, the same command goes on, and nothing else sends meanwhile.
#[test]
fn killed_while_it_takes_back() {
    for after_ms in [150, 900, 5_500] {
        let world = without_b(&[]);
        world.ask(&["provision"]).code(0);
        let mut child = crate::support::importer_process()
            .current_dir(world.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(["retry", "--yes", "--quiet", "--api", &world.server.url])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(after_ms));
        drop(child.kill());
        child.wait().unwrap();
        world.json(&["retry", "--yes"]).is(0, &json!({"confirmed": 30, "rejected": 0}));
        assert!(rejected(&world).is_empty());
        let mut all = Vec::new();
        for conversation in ["sg_g", "si_a_b", "si_a_c"] {
            let texts = shown(&world, conversation);
            let numbers: Vec<u64> =
                texts.iter().map(|text| text.trim_start_matches("message ").parse().unwrap()).collect();
            assert!(numbers.is_sorted(), "{after_ms} ms: {conversation} {numbers:?}");
            all.extend(numbers);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 30, "{after_ms} ms");
    }
}

/// What users can't scroll goes out anew where everything is ours, which is asked first; elsewhere the ways are named.
#[test]
fn what_can_not_be_scrolled_is_taken_back_and_sent_anew() {
    let world = World::new(&[]);
    let said = history(90);
    world.export("one.jsonl", &said[..60]);
    world.export("two.jsonl", &said[60..]);
    world.run(&["one.jsonl", "--provision"]).is(0, &json!({"confirmed": 60}));
    // Newer than the second half: somebody's message in the one, the server's notices in the other.
    world.write("of somebody else");
    for act in ["mute_group", "cancel_mute_group"] {
        as_admin(&world.server.url, &format!("/group/{act}"), &json!({"groupID": "g"}));
    }
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    let run = world.run(&["--add", "two.jsonl", "--allow", "would-not-scroll"]);
    run.is(8, &json!({"confirmed": 90}));
    let asked = world.json(&["verify", "--client", "--repair"]);
    assert!(asked.err.contains("1 conversation is taken back and sent anew (sg_g)"), "{}", asked.err);
    assert!(asked.err.contains("such as si_a_b: these can't be sent anew"), "{}", asked.err);
    assert_eq!(asked.code, 2);
    let done = world.json(&["verify", "--client", "--repair", "--yes"]);
    let texts = shown(&world, "sg_g");
    let meant: Vec<&str> =
        said.iter().filter(|one| one.conversation == "sg_g").map(|one| one.text.as_str()).collect();
    assert_eq!(texts, meant, "{}\n{}", done.json, done.err);
    // The one into which somebody has written stays, and is named.
    done.is(8, &json!({"missing": 0, "doubled": 0}));
    assert!(done.err.contains("si_a_b: can't be scrolled to the start"), "{}", done.err);
    assert_eq!((world.texts("si_a_b").len(), world.texts("si_a_c").len()), (31, 30));
}

/// A message that is missing can't go behind what somebody has written since: that is said, and no other command is named.
#[test]
fn what_is_missing_does_not_go_behind_what_people_wrote() {
    let world = World::imported(90);
    world.write("of somebody else");
    world.delete("si_a_b", &[7]);
    for _ in 0..2 {
        let repaired = world.json(&["verify", "--repair"]);
        repaired.is(5, &json!({"confirmed": 89}));
        let verdict = repaired.json["verdict"].as_str().unwrap();
        assert!(verdict.contains("si_a_b (b wrote)") && verdict.contains("`run --behind"), "{verdict}");
        assert!(!verdict.contains("`run` goes on"), "{verdict}");
    }
    world.run(&["--behind", "all"]).is(0, &json!({"confirmed": 90}));
    shown(&world, "si_a_b");
    world.json(&["verify", "--client"]).is(0, &json!({"missing": 0, "confirmed": 90}));
}
