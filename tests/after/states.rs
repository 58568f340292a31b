//! Every state of a job, and every command that may meet it there.

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::json;

use super::support::history;
use super::world::World;

/// The configuration names the first export and knows nothing of what was added since.
#[test]
fn after_a_further_pass_the_first_command_still_means_the_job() {
    let world = World::new(&[]);
    let said = history(120);
    world.export("one.jsonl", &said[..60]);
    world.export("two.jsonl", &said[60..90]);
    world.export("three.jsonl", &said[90..]);
    fs_err::write(world.path("import.toml"), "sources = [\"one.jsonl\"]\n").unwrap();
    world.run(&["--provision"]).is(0, &json!({"confirmed": 60}));
    world.run(&["--add", "two.jsonl"]).is(0, &json!({"confirmed": 90}));
    world.run(&["--add", "three.jsonl"]).is(0, &json!({"confirmed": 120}));
    for args in
        [&[][..], &["one.jsonl"], &["one.jsonl", "two.jsonl"], &["one.jsonl", "two.jsonl", "three.jsonl"]]
    {
        world.run(args).is(0, &json!({"confirmed": 120}));
        world.command(&[&["check"], args].concat()).code(0);
    }
    // Others are others.
    fs_err::copy(world.path("two.jsonl"), world.path("four.jsonl")).unwrap();
    world.ask(&["run", "one.jsonl", "four.jsonl"]).code(2);
    fs_err::write(world.path("one.jsonl"), "").unwrap();
    world.ask(&["run"]).code(2);
    world.export("one.jsonl", &said[..60]);
    world.json(&["undo", "--yes"]).is(0, &json!({"deleted": 120}));
    world.run(&["--again"]).is(0, &json!({"confirmed": 120}));
    let judgement = world.judge(&["one.jsonl", "two.jsonl", "three.jsonl"]);
    assert!(judgement.is_exact(), "{judgement:?}");
}

/// Without its texts nothing can be sent anew: that is said, and nothing is lost by it.
#[test]
fn a_purged_job_does_not_start_again() {
    let world = World::imported(60);
    world.command(&["purge", "--yes"]).code(0);
    world.json(&["undo", "--yes"]).is(0, &json!({"deleted": 60}));
    let before = world.local(&["status"]);
    world.ask(&["run", "--allow", "retention", "--again"]).code(2).stderr(contains("removed by `purge`"));
    let after = world.local(&["status"]);
    assert_eq!(after.json, before.json);
    world.json(&["undo", "--yes"]).is(0, &json!({"deleted": 60}));
}

/// `receipts` lists what is there: not what `undo` has deleted.
#[test]
fn receipts_after_an_undo() {
    let world = World::imported(90);
    let receipts = |world: &World| {
        let output = world.command(&["receipts", "--format", "jsonl"]).code(0).get_output().stdout.clone();
        String::from_utf8(output).unwrap()
    };
    assert_eq!(receipts(&world).lines().count(), 90);
    world.json(&["undo", "--yes", "--only", "si_a_b"]).is(0, &json!({"deleted": 30}));
    let left = receipts(&world);
    assert_eq!(left.lines().count(), 60);
    assert!(!left.contains("si_a_b"));
    world.run(&["--again"]).is(0, &json!({"confirmed": 90}));
    assert_eq!(receipts(&world).lines().count(), 90);
}

/// A job that another process is reading an export into has a pass without a summary.
#[test]
fn status_while_a_pass_is_prepared() {
    let world = World::imported(30);
    let db = rusqlite::Connection::open(world.path("import.job/job.sqlite")).unwrap();
    db.execute(
        "INSERT INTO passes (no, state, spool_from, findings_from, rejected_from, settings)
         VALUES (2, 'preparing', 0, 0, 0, '')",
        [],
    )
    .unwrap();
    world.local(&["status"]).is(0, &json!({"confirmed": 30}));
    world.command(&["report", "--html", "r.html"]).code(0);
}

/// A damaged job in mid-run: what it says of what was sent is not made up.
#[test]
fn damage_is_not_said_to_be_harmless() {
    let world = World::imported(30);
    let spool = world.path("import.job/messages.spool");
    let bytes = fs_err::read(&spool).unwrap();
    fs_err::write(&spool, &bytes[..bytes.len() / 2]).unwrap();
    world
        .ask(&["verify"])
        .code(1)
        .stderr(contains("is damaged").and(contains("nothing was sent from it").not()));
}
