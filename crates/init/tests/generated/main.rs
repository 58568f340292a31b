//! Exports made at random, with the truth known: what `init` writes for them either gives the true conversations,
//! writers, words and times, or it asks. Never anything else in silence.
//!
//!     cargo test -p importer-init --test generated                              # a few hundred
//!     GENERATED=2000 cargo test -p importer-init --test generated -- --nocapture
//!
//! `GENERATED_ONLY=17` plays one seed and shows all of it; `GENERATED_FROM` begins with another.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod besides;
mod decoys;
mod dice;
mod export;
mod judge;
mod world;

use std::collections::BTreeMap;

use besides::Besides;
use dice::Dice;
use export::{Export, Written};
use judge::{Verdict, judge};
use world::World;

#[expect(clippy::disallowed_methods, reason = "how many a test plays is no setting of the program")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What was said and how it was exported: by one program, or half of it as tables and half as JSON.
fn made(seed: u64) -> Vec<(World, Export)> {
    let mut dice = Dice::new(seed);
    let mut world = World::new(&mut dice);
    let mut others = Dice::new(seed ^ 0x5eed_0fbe_51de);
    let besides = Besides::draw(&mut world, &mut others);
    let two = besides.workspaces.is_none() && besides.phone.is_none() && others.percent(8);
    if !two || world.messages.len() < 16 {
        let export = Export::of(&world, besides, Written::Anyhow, &mut dice);
        return vec![(world, export)];
    }
    let flat = others.percent(50);
    let written = [(Written::Table, "tables"), (Written::Json, "json")];
    let halves = world.halves(&mut others).into_iter().zip(written);
    let all = halves.map(|(world, (written, folder))| {
        let mut export = Export::of(&world, besides, written, &mut dice);
        if !flat {
            let files = std::mem::take(&mut export.files).into_iter();
            export.files = files.map(|(path, bytes)| (format!("{folder}/{path}"), bytes)).collect();
        }
        (world, export)
    });
    all.collect()
}

#[test]
fn generated_exports_come_out_right_or_are_asked_about() {
    let only = number("GENERATED_ONLY");
    let from = number("GENERATED_FROM").unwrap_or(0);
    let seeds = only.map_or(from..from + number("GENERATED").unwrap_or(300), |seed| seed..seed + 1);
    let (mut right, mut asked, mut clear, mut nuisance) = (0, 0, 0, 0);
    let mut wrong: Vec<String> = Vec::new();
    let mut why: BTreeMap<String, (u32, u64)> = BTreeMap::new();
    for seed in seeds {
        let truths = made(seed);
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in truths.iter().flat_map(|(_, export)| &export.files) {
            let path = dir.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        let (verdict, config) = judge(&truths, dir.path());
        let made: Vec<&str> = truths.iter().map(|(_, export)| &*export.made).collect();
        let (made, is_clear) = (made.join("; "), truths.iter().all(|(_, export)| export.clear));
        if only.is_some() {
            println!("{made}\n{config}\n{verdict:?}");
        }
        clear += u32::from(is_clear);
        match verdict {
            Verdict::Right => right += 1,
            Verdict::Asked(reason) => {
                asked += 1;
                nuisance += u32::from(is_clear);
                let reason = if is_clear { format!("CLEAR {reason}") } else { reason };
                let entry = why.entry(reason).or_insert((0, seed));
                entry.0 += 1;
            }
            Verdict::Wrong(reason) => {
                let kind = reason.split(':').next().unwrap_or_default();
                why.entry(format!("WRONG {kind}")).or_insert((0, seed)).0 += 1;
                wrong.push(format!("seed {seed}: {reason}; {made}"));
            }
        }
    }
    println!(
        "right {right}, asked {asked} ({nuisance} of {clear} clear ones), silently wrong {}",
        wrong.len()
    );
    for (reason, (count, seed)) in why {
        println!("{count:6} × {reason} (seed {seed})");
    }
    for line in wrong.iter().take(12) {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} of them came out wrong, and nothing was said", wrong.len());
    assert!(nuisance * 10 <= clear, "{nuisance} of {clear} clear ones were asked about");
    assert!(right * 4 >= asked, "nearly everything is asked about: {right} right, {asked} asked");
}
