//! `verify` finds every kind of damage that the rehearsal server can do, and `--repair` mends what can be
//! mended: a test for each kind, judged by what stands in the server's log.

use predicates::str::contains;
use serde_json::{Value, json};

use super::world::World;

/// One difference in the file.
fn the_one(world: &World) -> Value {
    let mut all = world.differences();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn nothing_differs_after_a_run_and_the_store_has_it_all() {
    let world = World::imported(120);
    world.json(&["verify"]).is(0, &json!({"confirmed": 120, "stored": null, "missing": 0}));
    world.json(&["verify", "--store"]).is(0, &json!({"confirmed": 120, "stored": 120, "store_checked": 120}));
    world.ask(&["verify", "--store", "--sample", "10"]).code(0).stdout(
        contains("All 120 messages in 3 conversations are confirmed").and(contains("all are stored")),
    );
    assert_eq!(world.server.audit()["total"]["hidden"], 0, "law 3");
}

#[test]
fn deleted() {
    let world = World::imported(90);
    world.delete("si_a_b", &[7, 30]);
    world.delete("sg_g", &[1]);
    let found = world.json(&["verify"]);
    found.is(8, &json!({"missing": 3, "confirmed": 87}));
    assert!(
        found.err.contains("missing sg_g seq 1, chat.jsonl:3 (id m1500000002000): deleted"),
        "{}",
        found.err
    );
    // The first slot of a group stays empty: there is nothing that could be in it, and apps show its neighbours twice.
    let repaired = world.json(&["verify", "--repair"]);
    repaired.is(8, &json!({"confirmed": 90, "repaired_sent": 3, "missing": 0, "not_scrollable": 1}));
    let judgement = world.judge_and_verify(&["chat.jsonl"]);
    // Behind what is there, with times after the newest; one of them was the last, and is in its place again.
    assert_eq!((judgement.lost, judgement.doubled, judgement.moved), (0, 0, 3), "{judgement:?}");
    assert_eq!(judgement.out_of_order, 2, "{judgement:?}");
    world.json(&["verify", "--store"]).is(0, &json!({"confirmed": 90, "stored": 90}));
    let run = world.run(&[]);
    run.is(8, &json!({"confirmed": 90, "messages": 90}));
    assert!(
        run.json["verdict"].as_str().unwrap().contains("2 of 3 conversations can be scrolled"),
        "{}",
        run.err
    );
    world.run(&["chat.jsonl"]).is(8, &json!({"confirmed": 90}));
}

#[test]
fn hidden() {
    let world = World::imported(90);
    world.damage("si_a_c", 5, &json!({"kind": "hide"}));
    world.json(&["verify"]).is(8, &json!({"hidden": 1, "missing": 0, "confirmed": 89}));
    assert_eq!(the_one(&world)["kind"], "hidden");
    // It comes back by itself: sent again, it would be there twice tomorrow.
    world.json(&["verify", "--repair"]).is(8, &json!({"hidden": 1, "repaired_sent": 0}));
    world.server.control("/_rehearsal/clock", Some(&json!({"advance_ms": 25 * 3_600_000})));
    world.json(&["verify"]).is(0, &json!({"confirmed": 90}));
}

#[test]
fn changed() {
    let world = World::imported(90);
    world.damage("si_a_b", 9, &json!({"kind": "change", "content": r#"{"content":"I never said that"}"#}));
    world.damage("sg_g", 2, &json!({"kind": "redate", "send_time": 1_400_000_000_000_u64}));
    world.json(&["verify"]).is(8, &json!({"changed": 2, "confirmed": 88}));
    let mut details: Vec<String> =
        world.differences().iter().map(|one| one["detail"].as_str().unwrap().to_owned()).collect();
    details.sort();
    assert_eq!(details[0], "its content is another");
    assert_eq!(details[1], "its sendTime is 1400000000000, not 1500000005000");
    // Whoever changed it may have had his reasons.
    world
        .json(&["verify", "--repair"])
        .is(8, &json!({"changed": 2, "repaired_sent": 0, "repaired_deleted": 0}));
}

#[test]
fn doubled() {
    let world = World::imported(90);
    world.write("hello");
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    world.server.control("/_rehearsal/now", Some(&json!({"kind": "repeat-queue", "last": 21})));
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    world.json(&["verify"]).is(8, &json!({"doubled": 20, "foreign": 2, "confirmed": 90}));
    world.json(&["verify", "--repair"]).is(0, &json!({"doubled": 0, "foreign": 2, "repaired_deleted": 20}));
    assert_eq!(world.ours().len(), 90);
    let hello = world.texts("si_a_b").iter().filter(|text| *text == "hello").count();
    assert_eq!(hello, 2, "others' messages are nobody's business, not even twice");
}

#[test]
fn swapped() {
    let world = World::imported(90);
    world.damage("si_a_b", 3, &json!({"kind": "swap", "with": 8}));
    world.json(&["verify"]).is(8, &json!({"out_of_place": 2, "missing": 0, "doubled": 0}));
    let found = world.differences();
    assert_eq!((&found[0]["seq"], &found[0]["detail"]), (&json!(3), &json!("it was confirmed at seq 8")));
    world.json(&["verify", "--repair"]).is(8, &json!({"repaired_deleted": 0, "repaired_sent": 0}));
    assert_eq!(world.ours().len(), 90);
}

#[test]
fn a_foreign_one_among_ours() {
    let world = World::imported(90);
    // With a time in the middle of the history, and right among those that were imported.
    world.damage("si_a_b", 30, &json!({"kind": "swap", "with": 29}));
    world.damage("si_a_b", 30, &json!({"kind": "swap", "with": 29}));
    world.write("I was here too");
    world.damage("si_a_b", 31, &json!({"kind": "redate", "send_time": 1_500_000_030_500_u64}));
    let found = world.json(&["verify"]);
    found.is(0, &json!({"foreign": 1, "confirmed": 90}));
    assert!(found.json["verdict"].as_str().unwrap().contains("Besides: 1 foreign"), "{}", found.json);
    assert_eq!((&the_one(&world)["kind"], &the_one(&world)["seq"]), (&json!("foreign"), &json!(31)));
    world.json(&["verify", "--repair"]).is(0, &json!({"repaired_deleted": 0}));
    assert!(world.texts("si_a_b").contains(&"I was here too".to_owned()));
}

#[test]
fn the_cache_is_right_and_the_store_is_empty() {
    let world = World::imported(90);
    for seq in 11..=15 {
        world.damage("si_a_b", seq, &json!({"kind": "unstore"}));
    }
    // Reading back shows the cache.
    world.json(&["verify"]).is(0, &json!({"confirmed": 90, "stored": null}));
    let found = world.json(&["verify", "--store"]);
    found.is(8, &json!({"not_stored": 5, "stored": 85, "confirmed": 90}));
    assert!(found.json["verdict"].as_str().unwrap().contains("85 are stored, 5 are not"), "{}", found.json);
    let slots: Vec<i64> = world.differences().iter().map(|one| one["seq"].as_i64().unwrap()).collect();
    assert_eq!(slots, [11, 12, 13, 14, 15]);
    // Sent again; what is left of them in the cache is deleted, or they would be there twice for a day.
    world
        .json(&["verify", "--store", "--repair"])
        .is(0, &json!({"not_stored": 0, "stored": 90, "repaired_sent": 5, "repaired_deleted": 5}));
    world.server.control("/_rehearsal/clock", Some(&json!({"advance_ms": 25 * 3_600_000})));
    world.json(&["verify", "--store"]).is(0, &json!({"confirmed": 90, "stored": 90}));
    assert_eq!(world.ours().len(), 90);
}

#[test]
fn what_users_do_is_counted_and_is_no_difference() {
    let world = World::imported(90);
    for (act, body) in [
        ("revoke", json!({"user": "a", "conversation": "si_a_b", "seq": 3})),
        ("delete", json!({"user": "a", "conversation": "si_a_b", "seq": 4})),
        ("clear", json!({"user": "c", "conversation": "si_a_c"})),
    ] {
        world.server.control(&format!("/_rehearsal/{act}"), Some(&body));
    }
    world.json(&["verify"]).is(0, &json!({"revoked": 1, "confirmed": 89, "missing": 0}));
}

/// The last numbers were lost with Redis and handed out again: others' messages stand where ours were.
#[test]
fn overwritten() {
    let world = World::imported(90);
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    let fall = json!({"kind": "fall-back-seq", "by": 3, "conversation": "si_a_b"});
    world.server.control("/_rehearsal/now", Some(&fall));
    for n in 0..3 {
        world.write(&format!("mine {n}"));
    }
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    world.json(&["verify"]).is(8, &json!({"missing": 3, "foreign": 3}));
    // They go behind those of today, which stand in their slots, behind messages of 2017 and before messages of 2017.
    let repaired = world.json(&["verify", "--repair"]);
    repaired.is(8, &json!({"missing": 0, "repaired_sent": 3, "not_scrollable": 1}));
    assert_eq!(world.judge_and_verify(&["chat.jsonl"]).unscrollable, 1);
    assert_eq!(world.ours().len(), 90);
}

#[test]
fn a_server_that_has_nothing_of_it_is_not_filled_by_a_repair() {
    let world = World::imported(30);
    let other = World::new(&["--users", "auto"]);
    let api = ["--api", &other.server.url];
    world
        .command(&[&["verify", "--quiet"][..], &api].concat())
        .code(8)
        .stderr(contains("and http://").and(contains("is asked")))
        .stdout(contains("30 missing"));
    world
        .command(&[&["verify", "--quiet", "--repair"][..], &api].concat())
        .code(8)
        .stdout(contains("is it the right server?"));
    assert_eq!(other.server.audit()["total"]["received"], 0);
}

use predicates::prelude::PredicateBooleanExt as _;

/// A second stage that is killed leaves messages in the cache alone, and stores the copies that it makes afterwards.
#[test]
fn a_copy_that_is_all_the_store_has() {
    let world = World::imported(90);
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    world.server.control("/_rehearsal/now", Some(&json!({"kind": "repeat-queue", "last": 4})));
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    let doubled = world.json(&["verify"]).json["doubled"].as_u64().unwrap();
    assert!(doubled >= 4, "{doubled}");
    // The last ones of each conversation, of which some were repeated.
    for conversation in ["si_a_b", "si_a_c", "sg_g"] {
        for seq in 29..=30 {
            world.damage(conversation, seq, &json!({"kind": "unstore"}));
        }
    }
    let repaired = world.json(&["verify", "--repair"]);
    let left = repaired.json["doubled"].as_u64().unwrap();
    repaired.is(8, &json!({"confirmed": 90}));
    assert!((1..=doubled).contains(&left), "{left} of {doubled}");
}

/// A message is gone from its slot, and the server's copies of it stand further behind: the first of them is the message
/// now, in a wrong place, and the others are copies of it.
#[test]
fn copies_of_a_message_that_is_gone_from_its_slot() {
    let world = World::imported(90);
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    for _ in 0..3 {
        world.server.control("/_rehearsal/now", Some(&json!({"kind": "repeat-queue", "last": 4})));
        world.server.control("/_rehearsal/settle", Some(&Value::Null));
    }
    let doubled = world.json(&["verify"]).json["doubled"].as_u64().unwrap();
    for conversation in ["si_a_b", "si_a_c", "sg_g"] {
        world.delete(conversation, &[29, 30]);
    }
    let before = world.json(&["verify"]).json;
    let moved = before["out_of_place"].as_u64().unwrap();
    assert!(moved > 0 && before["doubled"].as_u64().unwrap() == doubled - moved, "{before}");
    let expected =
        json!({"doubled": 0, "missing": 0, "out_of_place": moved, "repaired_deleted": doubled - moved});
    world.json(&["verify", "--repair"]).is(8, &expected);
    assert_eq!(world.ours().len(), 90);
}

/// The repair meets the same server as the import did: it loses answers, is killed, and repeats what it had.
#[test]
fn repaired_while_the_server_falls_over() {
    let world = World::imported(900);
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    world.server.control("/_rehearsal/now", Some(&json!({"kind": "repeat-queue", "last": 30})));
    // None of those that are repeated: whether a copy stands in a message's stead would depend on who is first.
    world.delete("si_a_b", &(1..=200).step_by(7).collect::<Vec<i64>>());
    world.delete("sg_g", &(100..=140).collect::<Vec<i64>>());
    for seq in 20..=29 {
        world.damage("si_a_c", seq, &json!({"kind": "unstore"}));
    }
    for fault in [
        json!({"kind": "lose-answer", "chance": 0.05}),
        json!({"kind": "restart", "kill": true, "down-ms": 100, "every": 25, "times": 3}),
        json!({"kind": "proxy-error", "chance": 0.02, "path": "/msg/pull_msg_by_seq"}),
        json!({"kind": "proxy-error", "chance": 0.2, "path": "/msg/delete_msg_phsical_by_seq", "processed": true}),
        json!({"kind": "hang", "ms": 100, "chance": 0.1, "path": "/statistics/user/active"}),
    ] {
        world.server.control("/_rehearsal/faults", Some(&fault));
    }
    let repaired = world.json(&["verify", "--store", "--repair", "--rate", "5000/s"]);
    let judgement = world.judge_and_verify(&["chat.jsonl"]);
    // What was deleted leaves holes, which may be dated before the store has what is below them.
    let code = if judgement.unscrollable > 0 { 8 } else { 0 };
    repaired.is(code, &json!({"confirmed": 900, "stored": 900, "missing": 0, "not_stored": 0, "doubled": 0}));
    assert_eq!((judgement.lost, judgement.doubled, judgement.hidden), (0, 0, 0), "{judgement:?}");
}
