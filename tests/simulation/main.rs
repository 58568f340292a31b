//! Whole lives of an import in virtual time: the importer as it is, a rehearsal server within the process, and
//! everything that can happen to both between any two of their actions, drawn from one seed.
//!
//! ```text
//! dice ─▶ life: history, faults, kills, commands ─▶ importer ─▶ network ─▶ server     all of them on tokio's paused clock
//!                                                      ▼                      │
//!                                                     job ──(synced only)     ▼
//!                                                                           judge ◀── what was said
//! ```
//!
//! A kill forgets the process: what it had not handed to the system is lost. A power cut also takes what was not synced.
//! Calls under way at that moment still arrive. The judge looks at the server's log alone, and at whether what was said
//! of it is so.
//!
//! ```text
//! cargo test --test simulation                                              # a share, part of cargo test
//! SIM_LIVES=1000000 cargo test --release --test simulation many -- --ignored --nocapture
//! SIM_SEED=4711 cargo test --test simulation one -- --ignored --nocapture   # one life, with its story
//! ```
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod clock;
mod dice;
mod history;
mod judge;
#[path = "../support/judged.rs"]
mod judged;
mod life;
mod mutations;
mod network;
mod night;
mod overtaken;
mod pace;
mod scrolling;
mod store;
mod trouble;

use std::time::Duration;

use life::{Life, Story};
use scrolling::Scrolling;

/// Lives of `cargo test`.
const SHARE: u64 = 150;

#[test]
fn a_share_of_lives() {
    let mut told = Sums::default();
    for seed in 0..SHARE {
        told.add(seed, &Life::draw(seed).live(false));
    }
    println!("{told}");
    assert!(
        told.kills > SHARE / 4 && told.resent > 0 && told.overtaken > 0,
        "nothing happens any more: {told}"
    );
}

/// Lives that went wrong once, of kinds that the share above does not meet: a message that its sender had deleted for
/// himself was taken for a refused one of the same second, and sent again (the first three); a server fell over while a
/// resumed run was clearing up in what an earlier one had finished, and its copies were not looked for; a run with nothing left
/// to send looked at nothing, although the one before had been about some conversations alone; a fresh job began
/// where what another had sent a moment before had its numbers and could not be read yet, or looked at
/// what that one was just deleting (the last four). A seed tells another life once something else is drawn; then it is one life more.
#[test]
fn lives_that_once_went_wrong() {
    for seed in [
        9_807_910, 9_808_223, 20_001_643, 21_005_112, 21_001_227, 31_004_263, 61_008_931, 66_005_481,
        70_000_195, 70_000_370, 72_002_406, 72_100_274,
    ] {
        Sums::default().add(seed, &Life::draw(seed).live(false));
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    for seed in [3, 17, 40] {
        let (a, b) = (Life::draw(seed).live(true), Life::draw(seed).live(true));
        let differs = a.trace.iter().zip(&b.trace).position(|(a, b)| a != b);
        let around = |story: &Story| differs.map(|at| story.trace[at.saturating_sub(3)..=at].to_vec());
        assert_eq!(around(&a), around(&b), "seed {seed}");
        assert_eq!(a.trace.len(), b.trace.len(), "seed {seed}");
    }
}

#[test]
#[ignore = "as many lives as SIM_LIVES says, from SIM_FIRST on"]
fn many() {
    let (first, lives) = (number("SIM_FIRST").unwrap_or(0), number("SIM_LIVES").unwrap_or(10_000));
    let began = std::time::Instant::now();
    let (mut told, mut wrong) = (Sums::default(), Vec::new());
    for seed in first..first + lives {
        let story = Life::draw(seed).live(false);
        if !story.wrong.is_empty() {
            println!("seed {seed}: {}", story.wrong.join("; "));
            wrong.push(seed);
        }
        told.count(&story);
        if (seed - first + 1).is_multiple_of(1000) {
            println!("{:.0} s: {told}", began.elapsed().as_secs_f64());
        }
    }
    println!("{told}");
    assert!(wrong.is_empty(), "{} of {lives} lives went wrong: {wrong:?}", wrong.len());
}

/// For `mutations`: says how many lives it took.
#[test]
#[ignore = "lives until one goes wrong, SIM_LIVES at most"]
fn until_one_goes_wrong() {
    /// A life takes a part of a second; one that stands still for ever has gone wrong, too.
    const LONGEST: Duration = Duration::from_mins(2);
    let (first, lives) = (number("SIM_FIRST").unwrap_or(0), number("SIM_LIVES").unwrap_or(10_000));
    let (told, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for seed in first..first + lives {
            let wrong = std::panic::catch_unwind(|| Life::draw(seed).live(false).wrong);
            if told.send(wrong.unwrap_or_else(|_| vec!["it panicked".to_owned()])).is_err() {
                return;
            }
        }
    });
    for seed in first..first + lives {
        let wrong = hear.recv_timeout(LONGEST).unwrap_or_else(|_| vec!["it stands still".to_owned()]);
        if !wrong.is_empty() {
            println!("GONE WRONG {} | {}", seed - first + 1, wrong.join("; "));
            return;
        }
    }
}

#[test]
#[ignore = "the life of SIM_SEED, with its story"]
fn one() {
    let seed = number("SIM_SEED").expect("SIM_SEED is the seed of a life");
    let story = Life::draw(seed).live(true);
    story.trace.iter().for_each(|line| println!("{line}"));
    assert!(story.wrong.is_empty(), "seed {seed}: {}", story.wrong.join("; "));
}

#[expect(clippy::disallowed_methods, reason = "which lives, for those who want others")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

/// What happened in all lives together.
#[derive(Debug, Default)]
struct Sums {
    lives: u64,
    messages: u64,
    kills: u64,
    power_cuts: u64,
    runs: u64,
    resent: u64,
    withdrawn: u64,
    refused: u64,
    scrolling: Scrolling,
    /// The same where equal times are kept.
    scrolling_kept: Scrolling,
    repeated_late: u64,
    overtaken: u64,
}

impl Sums {
    fn add(&mut self, seed: u64, story: &Story) {
        assert!(
            story.wrong.is_empty(),
            "seed {seed}: {}\n(SIM_SEED={seed} tells its story)",
            story.wrong.join("; ")
        );
        self.count(story);
    }

    fn count(&mut self, story: &Story) {
        self.lives += 1;
        self.messages += story.messages;
        self.kills += story.kills;
        self.power_cuts += story.power_cuts;
        self.runs += story.runs;
        self.resent += story.resent;
        self.withdrawn += story.withdrawn;
        self.refused += story.refused;
        let scrolling = if story.spread { &mut self.scrolling } else { &mut self.scrolling_kept };
        scrolling.merge(story.scrolling);
        self.repeated_late += story.repeated_late;
        self.overtaken += story.overtaken;
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} lives, {} messages, {} runs, {} kills, {} power cuts, {} sent again, {} withdrawn, {} refused, {} overtaken, {} repeated after the end and then deleted; {}; where equal times are kept, {}",
            self.lives,
            self.messages,
            self.runs,
            self.kills,
            self.power_cuts,
            self.resent,
            self.withdrawn,
            self.refused,
            self.overtaken,
            self.repeated_late,
            self.scrolling,
            self.scrolling_kept
        )
    }
}
