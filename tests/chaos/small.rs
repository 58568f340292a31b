//! What `cargo test` tries each time.

use std::time::Duration;

use serde_json::json;

use super::Scenario;

fn exact(scenario: &Scenario) {
    let outcome = scenario.play();
    assert!(outcome.is_exact(), "{}, {}: {outcome:?}", scenario.name, scenario.release);
    let blows = scenario.kills + scenario.strikes.0;
    assert!(blows == 0 || outcome.blows > 0, "{}: it was over before anything happened", scenario.name);
}

fn both(scenario: impl Fn(&'static str) -> Scenario) {
    exact(&scenario("3.8.3"));
    exact(&scenario("main"));
}

#[test]
fn killed_importers() {
    both(|release| Scenario { kills: 6, ..Scenario::new("kills", release, 1).option(&["--rate", "300/s"]) });
}

#[test]
fn servers_that_lose_their_queue() {
    both(|release| Scenario {
        strikes: (4, json!({"kind": "lose-queue"})),
        longest: Duration::from_secs(1),
        ..Scenario::new("lost queue", release, 2).option(&["--rate", "500/s"])
    });
}

#[test]
fn servers_that_are_killed_and_come_back() {
    both(|release| Scenario {
        strikes: (4, json!({"kind": "restart", "down-ms": 300, "kill": true})),
        longest: Duration::from_millis(1_500),
        ..Scenario::new("restart", release, 3).option(&["--rate", "400/s", "--repair"])
    });
}

#[test]
fn five_at_once() {
    both(|release| Scenario {
        kills: 2,
        ..Scenario::new("five at once", release, 4)
            .fault("lose-answer:chance=0.005")
            .fault("close-after-body:chance=0.005")
            .fault("lose-queue:chance=0.02")
            .fault("live-traffic:per-second=2")
            .fault("users-act:per-second=5")
            .option(&["--rate", "500/s"])
    });
}
