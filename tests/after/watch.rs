//! `verify --watch`: what comes between two looks is found by the next one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::world::World;
use crate::support::{importer, importer_process};

/// The first look finds nothing; then a message goes, and a later look says so.
#[test]
fn what_goes_between_two_looks_is_found() {
    let world = World::imported(30);
    let output = world.path("watched.txt");
    let watching = importer_process()
        .current_dir(world.dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .args(["verify", "--watch", "--every", "200ms", "--json", "--api", &world.server.url])
        .stdout(std::process::Stdio::piped())
        .stderr(fs_err::File::create(&output).unwrap().into_parts().0)
        .spawn()
        .unwrap();
    let said = || fs_err::read_to_string(&output).unwrap();
    let wait_for = |what: &str| {
        let patience = Instant::now() + Duration::from_mins(2);
        while !said().contains(what) {
            assert!(Instant::now() < patience, "{what}: {}", said());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("All 30 messages");
    world.delete("si_a_b", &[3]);
    wait_for("1 difference");
    // It is asked to stop, and says what it saw last.
    let id = watching.id().to_string();
    let stopped = std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
    assert!(stopped.success());
    let ended = watching.wait_with_output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (ended.status.code(), &told["missing"], &told["exit_code"]),
        (Some(8), &json!(1), &json!(8)),
        "{told}"
    );
}

#[test]
fn what_makes_no_sense_is_said() {
    importer().args(["verify", "--until", "06:00"]).assert().code(2);
    let world = World::imported(3);
    let answer = world.json(&["verify", "--watch", "--until", "2001-01-01 06:00"]);
    assert_eq!(answer.code, 2, "{}", answer.err);
    assert!(answer.err.contains("past"), "{}", answer.err);
}
