use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

/// Receipts below the cursor, rejects, withdrawn names.
#[derive(Debug, Default)]
struct Known {
    receipts: HashMap<u64, u32>,
    rejects: HashSet<u64>,
    withdrawn: HashSet<u32>,
}

fn id(n: u32) -> MsgId {
    MsgId::new(&format!("{n:032x}"))
}

fn ids(n: u32) -> Ids {
    Ids { server: id(n), client: id(n + 1_000_000) }
}

impl Book for Known {
    fn due(&self, ordinal: Ordinal) -> Due {
        if self.rejects.contains(&ordinal.0) { Due::Nothing } else { Due::Message }
    }
    fn past(&self, ordinal: Ordinal) -> Past {
        match self.receipts.get(&ordinal.0) {
            Some(n) => Past::Confirmed(ids(*n)),
            None if self.rejects.contains(&ordinal.0) => Past::Rejected,
            None => Past::Unknown,
        }
    }
    fn is_withdrawn(&self, server: &MsgId) -> bool {
        self.withdrawn.iter().any(|n| id(*n) == *server)
    }
}

/// `.` empty and examined, `?` empty, `f` foreign, otherwise message and name: `7a`, `7|8b`; behind `-` under a former time.
fn log(text: &str) -> Vec<Sighting> {
    text.split_whitespace()
        .enumerate()
        .map(|(n, word)| {
            let who = match word {
                "." => Who::Empty { examined: true },
                "?" => Who::Empty { examined: false },
                "f" => Who::Foreign,
                former if former.starts_with('-') => {
                    let (n, name) = former[1..].split_at(former.len() - 2);
                    Who::Former {
                        ids: ids(u32::from(name.as_bytes()[0])),
                        ordinal: Ordinal(n.parse().unwrap()),
                    }
                }
                word => {
                    let name = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '|');
                    let ordinals =
                        word.trim_end_matches(name).split('|').map(|n| Ordinal(n.parse().unwrap()));
                    let name = name.bytes().fold(0, |n, b| n * 256 + u32::from(b));
                    Who::Ours { ids: ids(name), ordinals: ordinals.collect(), readable: true }
                }
            };
            Sighting { seq: Seq(i64::try_from(n).unwrap() + 1), who }
        })
        .collect()
}

fn show(known: &Known, cursor: u64, text: &str) -> String {
    let a = align(known, Ordinal(cursor), Ordinal(100), &log(text));
    let mut words: Vec<String> = a
        .fates
        .iter()
        .map(|fate| match fate {
            Fate::InPlace(n) => n.0.to_string(),
            Fate::Hidden(n) => format!("hidden{}", n.0),
            Fate::Copy(n) => format!("copy{}", n.0),
            Fate::Early(n) => format!("early{}", n.0),
            Fate::Surplus(n) => format!("surplus{}", n.0),
            Fate::Returned => "returned".into(),
            Fate::Foreign => "f".into(),
            Fate::Empty => ".".into(),
        })
        .collect();
    if !a.examine.is_empty() {
        words.push(format!("examine{:?}", a.examine.iter().map(|s| s.0).collect::<Vec<_>>()));
    }
    format!("{} -> {}", words.join(" "), a.cursor.0)
}

#[test]
fn the_plain_cases() {
    let known = Known::default();
    assert_eq!(show(&known, 5, "5a 6b f 7c"), "5 6 f 7 -> 8");
    // 7 was lost: 8 and 9 stand behind a hole; the fence is 7 again.
    assert_eq!(show(&known, 5, "5a 6b 8c 9d"), "5 6 early8 early9 -> 7");
    assert_eq!(show(&known, 5, "5a 6b 8c 9d 7e 8f 9g"), "5 6 early8 early9 7 8 9 -> 10");
    // The original of the fence was only late.
    assert_eq!(show(&known, 7, "7a 8b 7c 9d"), "7 8 surplus7 9 -> 10");
    // The second stage was restarted and repeated what it had.
    assert_eq!(show(&known, 5, "5a 6b 5a 6b 7c"), "5 6 copy5 copy6 7 -> 8");
    // It repeated strays: they are no better the second time.
    assert_eq!(show(&known, 7, "8a 9b 7c 8a 9b"), "early8 early9 7 early8 early9 -> 8");
}

#[test]
fn equal_messages_stand_for_each_other() {
    let known = Known::default();
    assert_eq!(show(&known, 7, "7|8a 7|8b 7|8c 9d"), "7 8 surplus8 9 -> 10");
    assert_eq!(show(&known, 6, "7|8a 6b 7|8c 7|8d"), "early7 6 7 8 -> 9");
}

#[test]
fn receipts_tell_the_servers_copies_from_ours() {
    let known = Known { receipts: [(3, 97), (4, 98)].into(), ..Known::default() };
    assert_eq!(show(&known, 5, "3a 4z 5c"), "copy3 surplus4 5 -> 6");
    // What was refused should not be there at all.
    let refused = Known { rejects: [4].into(), ..Known::default() };
    assert_eq!(show(&refused, 5, "4z 5c"), "surplus4 5 -> 6");
    // Without a receipt nothing is called ours to withdraw.
    assert_eq!(show(&known, 5, "2q 5c"), "copy2 5 -> 6");
    // A copy of what was confirmed is not the next one, though it be equal to it.
    assert_eq!(show(&Known { receipts: [(4, 97)].into(), ..Known::default() }, 5, "4|5a 5b"), "copy4 5 -> 6");
    // Equal messages, both confirmed: a third under a new name is surplus, a copy of one is not.
    assert_eq!(show(&known, 5, "3|4b 3|4q"), "copy4 surplus4 -> 5");
}

#[test]
fn withdrawn_names_are_never_taken_again() {
    let known = Known { withdrawn: [97].into(), ..Known::default() };
    assert_eq!(show(&known, 7, "7a 7b 8a"), "returned 7 returned -> 8");
}

/// It went behind what people wrote: what was under way then comes afterwards, and is one too many, also where the message
/// itself is the next to come.
#[test]
fn what_stands_under_a_former_time_is_never_in_its_place() {
    let known = Known { withdrawn: [98].into(), ..Known::default() };
    assert_eq!(show(&known, 5, "-5a -6b -6c 5d 6e"), "surplus5 returned surplus6 5 6 -> 7");
    assert_eq!(show(&known, 5, "5a . -6c 7d"), "5 hidden6 surplus6 7 -> 8");
}

#[test]
fn rejects_are_passed_over() {
    let known = Known { rejects: [6, 9].into(), ..Known::default() };
    assert_eq!(show(&known, 5, "5a 7b 8c"), "5 7 8 -> 10");
    assert_eq!(show(&known, 5, "5a 8c"), "5 early8 -> 7");
    assert_eq!(show(&known, 9, ""), " -> 10");
}

#[test]
fn a_refusal_after_an_unanswered_attempt_is_decided_by_the_log() {
    struct Perhaps(Known, u64);
    impl Book for Perhaps {
        fn due(&self, ordinal: Ordinal) -> Due {
            if ordinal.0 == self.1 { Due::Perhaps } else { self.0.due(ordinal) }
        }
        fn past(&self, ordinal: Ordinal) -> Past {
            self.0.past(ordinal)
        }
        fn is_withdrawn(&self, server: &MsgId) -> bool {
            self.0.is_withdrawn(server)
        }
    }
    let book = Perhaps(Known::default(), 6);
    let cursor = |text| align(&book, Ordinal(5), Ordinal(100), &log(text)).cursor.0;
    assert_eq!(cursor("5a"), 6);
    assert_eq!(cursor("5a 6b 7c"), 8);
    assert_eq!(cursor("5a 7c"), 8);
    assert_eq!(cursor("5a 8c"), 6);
    // 6 was not there when 7 was: what comes after that and is equal to both is a second 7, and no copy of 6.
    let fates = align(&book, Ordinal(5), Ordinal(100), &log("5a 7c 6|7d")).fates;
    assert_eq!(fates[2], Fate::Surplus(Ordinal(7)));
}

#[test]
fn empty_slots() {
    let known = Known::default();
    // Nothing of ours is missing.
    assert_eq!(show(&known, 5, "5a . . 6b"), "5 . . 6 -> 7");
    // They have to be examined before they may count.
    assert_eq!(show(&known, 5, "5a ? f 7b"), "5 . f examine[2] -> 6");
    assert_eq!(show(&known, 5, "5a . f 7b"), "5 hidden6 f 7 -> 8");
    assert_eq!(show(&known, 5, "5a . . 8b"), "5 hidden6 hidden7 8 -> 9");
    assert_eq!(show(&known, 5, "5a . . . 7b"), "5 hidden6 . . 7 -> 8");
    // What stands behind the hole is not hidden in it.
    assert_eq!(show(&known, 5, ". . . . . . 6a 7b"), ". . . . . . early6 early7 -> 5");
    // Fewer than are missing: which of them it was can't be known.
    assert_eq!(show(&known, 5, "5a . 8b"), "5 . early8 -> 6");
    // Numbers were skipped (law 4), and something was lost.
    let jump = format!("5a {} 7b", ". ".repeat(60));
    assert!(show(&known, 5, &jump).ends_with("early7 -> 6"));
    // Shown again until it is clear what they are.
    let a = align(&known, Ordinal(5), Ordinal(100), &log("5a . f ."));
    assert_eq!((a.keep_from, a.fates.len()), (1, 4));
    let a = align(&known, Ordinal(5), Ordinal(100), &log("5a . 6b f"));
    assert_eq!(a.keep_from, 4);
}

/// The longest beginning of what was meant that stands in the log in this order: by trying, not by rule.
fn naive_cursor(known: &Known, cursor: u64, end: u64, log: &[Sighting]) -> u64 {
    let mut first = HashSet::new();
    let usable: Vec<&Vec<Ordinal>> = log
        .iter()
        .filter_map(|s| match &s.who {
            Who::Ours { ids, ordinals, .. } => {
                // A name with a receipt is never another message.
                let is_confirmed = |n: &Ordinal| known.past(*n) == Past::Confirmed(ids.clone());
                let is_free = !known.is_withdrawn(&ids.server) && !ordinals.iter().any(is_confirmed);
                (is_free && first.insert(ids.server.clone())).then_some(ordinals)
            }
            _ => None,
        })
        .collect();
    // reach[n]: from how many slots the first n messages can be had at the earliest.
    let wanted: Vec<u64> = (cursor..end).filter(|n| !known.rejects.contains(n)).collect();
    let mut from = 0;
    for (done, want) in wanted.iter().enumerate() {
        match usable[from..].iter().position(|ordinals| ordinals.contains(&Ordinal(*want))) {
            Some(at) => from += at + 1,
            None => return wanted.get(done).copied().unwrap_or(end),
        }
    }
    end
}

fn arbitrary_log() -> impl Strategy<Value = Vec<Sighting>> {
    let who = prop_oneof![
        1 => Just(Who::Foreign),
        // What has a name is the same message wherever it stands.
        8 => (0u32..36).prop_map(|name| {
            let (n, more) = (u64::from(name) % 11, u64::from(name) / 22 % 2);
            Who::Ours { ids: ids(name), ordinals: (n..=n + more).map(Ordinal).collect(), readable: true }
        }),
    ];
    prop::collection::vec(who, 0..30)
        .prop_map(|all| (1..).zip(all).map(|(seq, who)| Sighting { seq: Seq(seq), who }).collect())
}

proptest! {
    /// Whatever stands in the log: the cursor is as far as it can be, each message is in place at most once
    /// and in order, and each name is judged once.
    #[test]
    fn the_longest_gapless_beginning(
        log in arbitrary_log(), cursor in 0u64..8,
        rejects: HashSet<u8>, withdrawn in prop::collection::hash_set(0u32..36, 0..3),
        receipts in prop::collection::hash_map(0u64..8, 0u32..36, 0..5)
    ) {
        let known = Known {
            receipts: receipts.into_iter().filter(|(n, _)| *n < cursor).collect(),
            withdrawn,
            rejects: rejects.into_iter().map(|n| u64::from(n) % 16).collect(),
        };
        let a = align(&known, Ordinal(cursor), Ordinal(12), &log);
        prop_assert_eq!(a.fates.len(), log.len());
        prop_assert_eq!(a.cursor.0, naive_cursor(&known, cursor, 12, &log));
        let placed: Vec<u64> = a.fates.iter().filter_map(|f| match f {
            Fate::InPlace(n) => Some(n.0),
            _ => None,
        }).collect();
        let want: Vec<u64> = (cursor..a.cursor.0).filter(|n| !known.rejects.contains(n)).collect();
        prop_assert_eq!(placed, want);
        let mut judged = HashMap::new();
        for (sighting, fate) in log.iter().zip(&a.fates) {
            let Who::Ours { ids, ordinals, .. } = &sighting.who else {
                prop_assert_eq!(fate, &Fate::Foreign);
                continue;
            };
            match fate {
                Fate::Returned => prop_assert!(known.is_withdrawn(&ids.server)),
                // Withdrawn later: only what has a name of its own, and, where it stands below the cursor,
                // only if the receipt says so.
                Fate::Early(n) | Fate::Surplus(n) => {
                    prop_assert!(ordinals.contains(n));
                    let before = judged.insert(ids.server.clone(), fate.clone());
                    prop_assert!(before.is_none_or(|before| before == *fate));
                    prop_assert_ne!(known.past(*n), Past::Confirmed(ids.clone()));
                }
                Fate::InPlace(_) => prop_assert!(judged.insert(ids.server.clone(), fate.clone()).is_none()),
                Fate::Copy(_) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

/// What may happen between sending and reading, with what each slot then is.
#[derive(Debug, Clone)]
enum Event {
    Arrives,
    Lost,
    ReadTooEarly,
    Foreign,
    Repeat(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => Just(Event::Arrives),
        1 => Just(Event::Lost),
        1 => Just(Event::ReadTooEarly),
        1 => Just(Event::Foreign),
        1 => (1usize..6).prop_map(Event::Repeat),
    ];
    prop::collection::vec(event, 1..40)
}

proptest! {
    /// One pass of sending whose truth is known by construction: everything before the first loss is in
    /// place or hidden, everything after it is early, a repetition is what the first was, or a copy.
    #[test]
    fn a_log_with_known_truth(events in events()) {
        let (mut log, mut truth, mut arrived) = (Vec::new(), Vec::new(), Vec::new());
        let (mut next, mut lost, mut since) = (0u64, false, 0u32);
        let mut early = HashSet::new();
        for event in events {
            let name = u32::try_from(log.len()).unwrap();
            let ours = |n: u64| Who::Ours { ids: ids(name), ordinals: vec![Ordinal(n)], readable: true };
            match event {
                Event::Arrives => {
                    truth.push(if lost { Fate::Early(Ordinal(next)) } else { Fate::InPlace(Ordinal(next)) });
                    if lost {
                        early.insert(next);
                    }
                    arrived.push((name, next));
                    log.push(ours(next));
                    next += 1;
                    since = 0;
                }
                Event::Lost => {
                    // Lost and hidden in one gap can't be told apart by the log alone: not meant here.
                    if since == 0 {
                        lost = true;
                        next += 1;
                    }
                }
                Event::ReadTooEarly => {
                    if !lost {
                        truth.push(Fate::Hidden(Ordinal(next)));
                        log.push(Who::Empty { examined: true });
                        next += 1;
                        since += 1;
                    }
                }
                Event::Foreign => {
                    truth.push(Fate::Foreign);
                    log.push(Who::Foreign);
                }
                Event::Repeat(back) => {
                    if let Some((name, n)) = arrived.iter().rev().nth(back - 1) {
                        let n = Ordinal(*n);
                        truth.push(if early.contains(&n.0) { Fate::Early(n) } else { Fate::Copy(n) });
                        log.push(Who::Ours { ids: ids(*name), ordinals: vec![n], readable: true });
                    }
                }
            }
        }
        // A last one decides about empty slots at the end.
        truth.push(if lost { Fate::Early(Ordinal(next)) } else { Fate::InPlace(Ordinal(next)) });
        log.push(Who::Ours { ids: ids(999), ordinals: vec![Ordinal(next)], readable: true });
        let log: Vec<Sighting> = (1..).zip(log).map(|(seq, who)| Sighting { seq: Seq(seq), who }).collect();
        let a = align(&Known::default(), Ordinal(0), Ordinal(100), &log);
        prop_assert_eq!(a.fates, truth);
    }
}
