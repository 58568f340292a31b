//! Judges a log by hand: lines of `seq time id` on standard input, `-` as the id of an empty slot.
//!
//!     cargo run -p importer-shown --example judge < log.txt
//!
//! Prints the verdict, and what each client sees now, with pages of 20 and 40.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use importer_shown::{Dates, Log, Setting, Slot, Version, judge, view};
use std::io::BufRead as _;

fn main() {
    let slots: Vec<Slot<String>> =
        std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|line| slot(&line)).collect();
    let (first, last) = (slots.first().map_or(1, |slot| slot.seq), slots.last().map_or(0, |slot| slot.seq));
    let log = Log::new(slots, first, last);
    println!("{}", judge(&log));
    for version in [Version::Patch14, Version::Patch13] {
        for page in [20, 40] {
            println!("{}", view(&log, Setting { version, page, newer: 0, dates: Dates::AsRead }));
        }
    }
}

fn slot(line: &str) -> Option<Slot<String>> {
    let mut words = line.split_whitespace();
    let (seq, time) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let id = words.next()?.to_owned();
    Some(Slot { seq, time, id: (id != "-").then_some(id) })
}
