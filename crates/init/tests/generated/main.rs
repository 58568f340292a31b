//! Exports made at random, with the truth known: what `init` writes for them either gives the true conversations,
//! writers, words and times, or it asks. Never anything else in silence.
//!
//!     cargo test -p importer-init --test generated                              # a few hundred
//!     GENERATED=2000 cargo test -p importer-init --test generated -- --nocapture
//!
//! `GENERATED_ONLY=17` plays one seed and shows all of it; `GENERATED_FROM` begins with another.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod decoys;
mod dice;
mod export;
mod judge;
mod world;

use std::collections::BTreeMap;

use dice::Dice;
use export::{Besides, Export};
use judge::{Verdict, judge};
use world::World;

#[expect(clippy::disallowed_methods, reason = "how many a test plays is no setting of the program")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
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
        let mut dice = Dice::new(seed);
        let mut world = World::new(&mut dice);
        let besides = Besides::draw(&mut world, &mut Dice::new(seed ^ 0x5eed_0fbe_51de));
        let export = Export::of(&world, besides, &mut dice);
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in &export.files {
            let path = dir.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        let (verdict, config) = judge(&world, &export, dir.path());
        if only.is_some() {
            println!("{}\n{config}\n{verdict:?}", export.made);
        }
        clear += u32::from(export.clear);
        match verdict {
            Verdict::Right => right += 1,
            Verdict::Asked(reason) => {
                asked += 1;
                nuisance += u32::from(export.clear);
                let reason = if export.clear { format!("CLEAR {reason}") } else { reason };
                let entry = why.entry(reason).or_insert((0, seed));
                entry.0 += 1;
            }
            Verdict::Wrong(reason) => {
                let kind = reason.split(':').next().unwrap_or_default();
                why.entry(format!("WRONG {kind}")).or_insert((0, seed)).0 += 1;
                wrong.push(format!("seed {seed}: {reason}; {}", export.made));
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
