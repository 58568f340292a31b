//! All of it, for hours if need be: `CHAOS_SCALE` (default 1) says how much; the table goes to standard output and
//! to the file that `CHAOS_TABLE` names. `CHAOS_ONLY` plays one row, `CHAOS_RELEASE` one release, `CHAOS_SEED` one
//! seed.

#![expect(clippy::print_stdout, reason = "the table, for who runs it with --nocapture")]
#![expect(clippy::disallowed_methods, reason = "how much, and whereto: these tests are run by hand")]

use std::time::Duration;

use serde_json::json;

use super::table::Table;
use super::{Scenario, Step};

fn releases() -> Vec<&'static str> {
    let wanted = std::env::var("CHAOS_RELEASE");
    ["3.8.3", "main"].into_iter().filter(|one| wanted.as_ref().map_or(true, |wanted| wanted == one)).collect()
}

/// Others write, revoke, delete and clear all the while, in the same conversations.
fn among_people(scenario: Scenario) -> Scenario {
    scenario.fault("live-traffic:per-second=2").fault("users-act:per-second=20")
}

/// Every fault of the rehearsal server that an import can survive, as it is tried alone.
const FAULTS: [&str; 17] = [
    "lose-answer:chance=0.01",
    "close-before-body:chance=0.01",
    "close-after-body:chance=0.01",
    "proxy-error:chance=0.01,processed=true",
    "proxy-error:chance=0.01,status=504",
    "too-many:chance=0.002,retry-after=1",
    "rate-limit:per-second=700",
    "error-500:chance=0.01",
    "hang:chance=0.0005,ms=3000,processed=true",
    "expire-token:after=300,every=400,times=3",
    "kick-token:after=300,every=400,times=3",
    "lose-queue:chance=0.02",
    "repeat-queue:chance=0.02,last=40",
    "jump-seq:chance=0.05,by=66",
    "read-gap:chance=0.1,ms=400",
    "live-traffic:per-second=10",
    "users-act:per-second=40",
];

/// So many, times `CHAOS_SCALE`; or the one that `CHAOS_SEED` names.
fn seeds(some: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    match number("CHAOS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..some * number("CHAOS_SCALE").unwrap_or(1),
    }
}

/// `CHAOS_ONLY` names one row.
fn is_wanted(name: &str) -> bool {
    std::env::var("CHAOS_ONLY").map_or(true, |only| only == name)
}

fn report(table: &Table) {
    let text = table.text();
    println!("{text}");
    if let Ok(path) = std::env::var("CHAOS_TABLE") {
        let before = fs_err::read_to_string(&path).unwrap_or_default();
        fs_err::write(path, before + &text + "\n").unwrap();
    }
    assert_eq!(table.inexact(), 0, "runs that were not exact");
}

#[test]
#[ignore = "takes long: CHAOS_SCALE=3 makes it 300 kills"]
fn kills() {
    let mut table = Table::default();
    for release in releases() {
        for seed in seeds(1) {
            let named = |name: &str| Scenario {
                kills: 50,
                ..Scenario::new(name, release, seed).sized(20_000, 50).option(&["--rate", "400/s"])
            };
            table.play_if(is_wanted, &named("importer killed"));
            table.play_if(is_wanted, &among_people(named("importer killed, among people")));
        }
    }
    report(&table);
}

#[test]
#[ignore = "takes long"]
fn servers() {
    let mut table = Table::default();
    let strikes = [
        ("queue lost", json!({"kind": "lose-queue"})),
        ("queue repeated", json!({"kind": "repeat-queue", "last": 89})),
        ("killed and restarted", json!({"kind": "restart", "down-ms": 300, "kill": true})),
        ("restarted", json!({"kind": "restart", "down-ms": 300, "kill": false})),
    ];
    for release in releases() {
        for (name, strike) in &strikes {
            for seed in seeds(1) {
                let named = |name: &str| Scenario {
                    strikes: (50, strike.clone()),
                    longest: Duration::from_millis(1_200),
                    ..Scenario::new(name, release, seed)
                        .sized(20_000, 50)
                        .option(&["--rate", "800/s", "--repair"])
                };
                table.play_if(is_wanted, &named(name));
                table.play_if(is_wanted, &among_people(named(&format!("{name}, among people"))));
            }
        }
    }
    report(&table);
}

#[test]
#[ignore = "takes long"]
fn alone() {
    let mut table = Table::default();
    for release in releases() {
        for fault in FAULTS.into_iter().filter(|fault| is_wanted(fault)) {
            for seed in seeds(1) {
                table.play(
                    &Scenario::new(fault, release, seed).sized(5_000, 50).fault(fault).option(&["--repair"]),
                );
            }
        }
    }
    report(&table);
}

#[test]
#[ignore = "takes long"]
fn mixtures() {
    let mut table = Table::default();
    for release in releases() {
        for seed in seeds(5) {
            let mut rng = fastrand::Rng::with_seed(1_000 + seed);
            let five = rng.choose_multiple(FAULTS, 5);
            let mut scenario = Scenario {
                kills: 5,
                ..Scenario::new("five at random, and kills", release, seed).sized(5_000, 50)
            };
            for fault in five {
                scenario = scenario.fault(fault);
            }
            table.play(&scenario.option(&["--repair", "--rate", "800/s"]));
        }
    }
    report(&table);
}

#[test]
#[ignore = "takes long"]
fn slowness() {
    let mut table = Table::default();
    for release in releases() {
        let mut late = Scenario::new("stored 30 s late", release, 1).sized(800, 100);
        late.server = vec!["--storing-lag", "30s"];
        table.play_if(is_wanted, &late);
        let mut late =
            Scenario { kills: 3, ..Scenario::new("stored 10 s late, and kills", release, 1).sized(800, 100) };
        late.server = vec!["--storing-lag", "10s"];
        late.longest = Duration::from_secs(20);
        table.play_if(is_wanted, &late);
        // Slower than usual: the other partitions still flow when this one does again.
        let stall = Scenario {
            script: vec![
                (Duration::from_secs(3), Step::On(json!({"kind": "stall", "of": 8}))),
                (Duration::from_mins(1), Step::AllOff),
            ],
            ..Scenario::new("a partition stands still for 60 s", release, 1)
                .sized(20_000, 50)
                .option(&["--rate", "300/s"])
        };
        table.play_if(is_wanted, &stall);
        table.play_if(is_wanted, &all_at_once(release));
    }
    report(&table);
}

/// Nothing is stored any more until every conversation waits; then everything that was queued is lost, and no
/// conversation moves that could be a sign for another.
fn all_at_once(release: &'static str) -> Scenario {
    let once = [
        (Duration::from_secs(2), Step::On(json!({"kind": "stall", "of": 1}))),
        (Duration::from_secs(6), Step::Now(json!({"kind": "lose-queue"}))),
        (Duration::ZERO, Step::AllOff),
    ];
    Scenario {
        script: [once.clone(), once.clone(), once].concat(),
        ..Scenario::new("all in flight lost at once", release, 1)
            .sized(20_000, 50)
            .option(&["--rate", "800/s"])
    }
}
