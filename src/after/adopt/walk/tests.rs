use std::collections::HashMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// Receipts that were written long ago: the test remembers them all.
#[derive(Default)]
struct Written(HashMap<Ordinal, Ids>);

impl Receipts for Written {
    fn past(&self, ordinal: Ordinal) -> Past {
        self.0.get(&ordinal).map_or(Past::Unknown, |ids| Past::Confirmed(ids.clone()))
    }
}

fn ids(n: i64) -> Ids {
    Ids { server: MsgId::new(&format!("{n:032x}")), client: MsgId::new(&format!("c{n}")) }
}

/// `7` message 7, `3-9` these in order, `7=2` message 7 under the name of slot 2, `.` empty, `f` somebody
/// else's. Slots count from 1.
fn log(text: &str) -> Vec<Sighting> {
    let mut slots = Vec::new();
    let mut add = |who: &dyn Fn(i64) -> Who| {
        let seq = i64::try_from(slots.len()).unwrap() + 1;
        slots.push(Sighting { seq: Seq(seq), who: who(seq) });
    };
    let ours = |n: u64, name: i64| Who::Ours { ids: ids(name), ordinals: vec![Ordinal(n)], readable: true };
    for word in text.split_whitespace() {
        match word {
            "." => add(&|_| Who::Empty { examined: true }),
            "f" => add(&|_| Who::Foreign),
            word => {
                if let Some((from, to)) = word.split_once('-') {
                    for n in from.parse().unwrap()..=to.parse().unwrap() {
                        add(&|seq| ours(n, seq));
                    }
                } else if let Some((n, name)) = word.split_once('=') {
                    add(&|_| ours(n.parse().unwrap(), name.parse().unwrap()));
                } else {
                    add(&|seq| ours(word.parse().unwrap(), seq));
                }
            }
        }
    }
    slots
}

struct Result {
    found: Found,
    end: End,
}

fn walk(messages: u64, slots: &[Sighting], page: usize) -> Result {
    let mut walk = Walk::new(Ordinal(messages));
    let mut written = Written::default();
    let mut all = Found::default();
    let mut add = |written: &mut Written, found: Found| {
        let both = found.receipts.iter().chain(&found.late);
        written.0.extend(both.filter_map(|receipt| Some((receipt.ordinal, receipt.ids.clone()?))));
        all.receipts.extend(found.receipts);
        all.late.extend(found.late);
        all.doubles.extend(found.doubles);
        all.strays.extend(found.strays);
    };
    for some in slots.chunks(page) {
        let found = walk.take(&written, some.to_vec());
        add(&mut written, found);
    }
    let found = walk.finish(&written);
    add(&mut written, found);
    Result { found: all, end: walk.end() }
}

fn show(messages: u64, text: &str) -> String {
    let shown: Vec<String> = [1, 7, 200, 10_000]
        .into_iter()
        .map(|page| {
            let Result { found, end } = walk(messages, &log(text), page);
            let mut out = format!("{} there", found.receipts.len());
            let hidden = found.receipts.iter().filter(|receipt| receipt.hidden).count();
            let mut say = |what: &str, all: Vec<String>| {
                if !all.is_empty() {
                    write!(out, ", {what} {}", all.join(" ")).unwrap();
                }
            };
            let slots = |all: &[Withdrawn]| all.iter().map(|one| one.seq.to_string()).collect();
            say("hidden", (hidden > 0).then(|| hidden.to_string()).into_iter().collect());
            say("late", found.late.iter().map(|one| format!("{}@{}", one.ordinal.0, one.seq)).collect());
            say("copies", found.doubles.iter().map(|one| one.seq.to_string()).collect());
            say("strays", slots(&found.strays));
            say("behind", (end.behind > 0).then(|| end.behind.to_string()).into_iter().collect());
            say("not there", end.passed.iter().map(|one| one.0.to_string()).collect());
            format!("{out} -> {} to {}", end.cursor.0, end.read_to)
        })
        .collect();
    assert!(shown.iter().all(|one| *one == shown[0]), "it depends on how it is read: {shown:#?}");
    shown[0].clone()
}

#[test]
fn what_is_there() {
    assert_eq!(show(300, ""), "0 there -> 0 to 0");
    assert_eq!(show(300, "f f"), "0 there -> 0 to 2");
    assert_eq!(show(300, "f 0-9 f 10-19"), "20 there -> 20 to 22");
    assert_eq!(show(20, "0-19"), "20 there -> 20 to 20");
}

#[test]
fn the_last_window_is_left_to_run() {
    // 10 was lost, and the earlier import ended before it had settled that.
    assert_eq!(show(300, "0-9 11-30"), "10 there, behind 20 -> 10 to 10");
    assert_eq!(show(300, "f 11-30"), "0 there, behind 20 -> 0 to 1");
    // It had begun to: 11 to 30 are second copies where they stand first.
    assert_eq!(show(300, "0-9 11-12 10-30"), "31 there, strays 11 12 -> 31 to 33");
    assert_eq!(show(300, "0-9 11-14 10-12"), "10 there, strays 11 12, behind 5 -> 10 to 12");
}

#[test]
fn what_is_missing_before_many_was_passed_over() {
    assert_eq!(show(300, "0-9 11-107"), "107 there, not there 10 -> 108 to 107");
    assert_eq!(show(300, "0-9 11-106"), "10 there, behind 96 -> 10 to 10");
    assert_eq!(show(300, "0-9 11-150 152-250"), "249 there, not there 10 151 -> 251 to 249");
    // It was there after all, behind later ones: what an earlier pass had not.
    assert_eq!(show(300, "0-9 11-200 10"), "200 there, late 10@201 -> 201 to 201");
    assert_eq!(show(300, "9 0-8 10-200"), "200 there, late 9@1 -> 201 to 201");
    // The newer part was sent and nothing of the older one.
    assert_eq!(show(3_000, "2500-2999"), {
        let missing: Vec<String> = (0..2500).map(|n| n.to_string()).collect();
        format!("500 there, not there {} -> 3000 to 500", missing.join(" "))
    });
}

#[test]
fn copies_of_the_server_and_of_ours() {
    assert_eq!(show(300, "0-9 8=9 9=10 10"), "11 there, copies 11 12 -> 11 to 13");
    assert_eq!(show(300, "0-9 9 10"), "11 there, strays 11 -> 11 to 12");
    // A stray is no better when the server repeats it.
    assert_eq!(show(300, "0-9 9 9=11 10"), "11 there, strays 11 12 -> 11 to 13");
    // Whole: what stands behind the last message is told as well.
    assert_eq!(show(10, "0-9 . 9=10 9"), "10 there, copies 12, strays 13 -> 10 to 13");
}

#[test]
fn empty_slots() {
    assert_eq!(show(300, "0-9 . . 12-20"), "21 there, hidden 2 -> 21 to 21");
    // Withdrawn by the earlier import, and sent again.
    assert_eq!(show(300, "0-9 . . . 10-20"), "21 there -> 21 to 24");
    // They can still turn out to be the next ones.
    assert_eq!(show(300, "0-9 . ."), "10 there -> 10 to 10");
    assert_eq!(show(10, "0-9 . ."), "10 there -> 10 to 12");
    // Numbers were skipped (law 4), or the night has deleted what stood there (law 6).
    assert_eq!(show(300, &format!("0-9 {}", ". ".repeat(97))), "10 there -> 10 to 107");
    assert_eq!(show(300, &format!("{} 97-110", ". ".repeat(97))), "111 there, hidden 97 -> 111 to 111");
    assert_eq!(show(300, &format!("0-9 {} 10-20", ". ".repeat(500))), "21 there -> 21 to 521");
}

/// What an importer that keeps to its window may leave behind.
#[derive(Debug, Clone)]
enum Event {
    Arrives,
    Refused,
    Foreign,
    Repeat(usize),
    /// So many are lost, so many arrive behind them and are withdrawn, still standing there or not.
    Hole(u64, u64, bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        60 => Just(Event::Arrives),
        2 => Just(Event::Refused),
        3 => Just(Event::Foreign),
        2 => (1usize..40).prop_map(Event::Repeat),
        1 => (1u64..4, 0u64..60, any::<bool>()).prop_map(|(lost, behind, left)| Event::Hole(lost, behind, left)),
    ];
    prop::collection::vec(event, 0..400)
}

proptest! {
    // Each is long; 5,000 were run when it was written.
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Everything that stands in its place is found there, whatever an importer was doing when it ended; and
    /// nothing of it is ever to be deleted.
    #[test]
    fn whatever_it_was_doing(events in events(), page in 1usize..300) {
        let (mut log, mut next) = (Vec::new(), 0u64);
        let mut place: HashMap<u64, i64> = HashMap::new();
        let (mut refused, mut name) = (BTreeSet::new(), 2_000_000);
        let (mut strays, mut copies) = (HashMap::new(), HashMap::new());
        for (n, event) in events.iter().enumerate() {
            // The first missing one goes out alone: nothing else arrives before it.
            let event = match n.checked_sub(1).map(|n| &events[n]) {
                Some(Event::Hole(..)) => &Event::Arrives,
                _ => event,
            };
            let mut add = |who: Who| {
                let seq = i64::try_from(log.len()).unwrap() + 1;
                log.push(Sighting { seq: Seq(seq), who });
                seq
            };
            let ours = |n: u64, name: i64| {
                Who::Ours { ids: ids(name), ordinals: vec![Ordinal(n)], readable: true }
            };
            match event {
                Event::Arrives => {
                    let seq = add(ours(next, 1_000_000 + i64::try_from(next).unwrap()));
                    place.insert(next, seq);
                    next += 1;
                }
                Event::Refused => {
                    refused.insert(next);
                    next += 1;
                }
                Event::Foreign => {
                    add(Who::Foreign);
                }
                Event::Repeat(last) => {
                    for n in (next.saturating_sub(*last as u64)..next).filter(|n| place.contains_key(n)) {
                        copies.insert(add(ours(n, 1_000_000 + i64::try_from(n).unwrap())), n);
                    }
                }
                Event::Hole(lost, behind, left) => {
                    for n in next + lost..next + lost + behind {
                        if *left {
                            name += 1;
                            strays.insert(add(ours(n, name)), n);
                        } else {
                            add(Who::Empty { examined: true });
                        }
                    }
                }
            }
        }
        let Result { found, end } = walk(next + 100, &log, page);
        // Where each message stands, under names of its own.
        let stands = |n: Ordinal, seq: Seq| {
            place.get(&n.0) == Some(&seq.0) || strays.get(&seq.0) == Some(&n.0)
        };
        let mut found_at = HashMap::new();
        for receipt in found.receipts.iter().chain(&found.late) {
            // A refused message beside the empty slot of a withdrawn one: only the store can tell.
            let unclear = receipt.ids.is_none() && refused.contains(&receipt.ordinal.0);
            prop_assert!(stands(receipt.ordinal, receipt.seq) || unclear, "{:?}", receipt);
            prop_assert!(found_at.insert(receipt.ordinal, receipt.seq).is_none(), "twice: {:?}", receipt);
        }
        for stray in &found.strays {
            // Never the last one.
            let copied = copies.get(&stray.seq.0) == Some(&stray.ordinal.0);
            prop_assert!(stands(stray.ordinal, stray.seq) || copied, "{:?}", stray);
            let elsewhere = found_at.get(&stray.ordinal).map_or_else(
                || place.get(&stray.ordinal.0).is_some_and(|seq| *seq > end.read_to.0 && *seq != stray.seq.0),
                |seq| *seq != stray.seq,
            );
            prop_assert!(elsewhere, "{:?}", stray);
        }
        prop_assert!(end.passed.iter().all(|ordinal| refused.contains(&ordinal.0)), "{:?}", end.passed);
        // Every message is found, passed over, or left to `run` with all that comes after it.
        let told: BTreeSet<u64> = found.receipts.iter().chain(&found.late).map(|one| one.ordinal.0)
            .chain(end.passed.iter().map(|one| one.0)).collect();
        prop_assert!((0..end.cursor.0).all(|n| told.contains(&n)));
        let after = place.iter().filter(|(n, _)| **n >= end.cursor.0);
        prop_assert!(after.clone().all(|(_, seq)| *seq > end.read_to.0), "{:?}", end);
        prop_assert!(after.count() <= 2 * MOST_UNCONFIRMED);
    }
}
