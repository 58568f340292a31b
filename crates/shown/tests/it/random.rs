//! Two judges, the same logs.

use super::logs::{Slots, behind, copied, emptied, id, message, second, sound};
use super::plain::{Outcome, scroll};
use importer_shown::{Dates, Ended, Judgement, Log, Setting, Version, breaches, judge, view};

/// A log with up to three faults of any kind, in any place.
fn any(rng: &mut fastrand::Rng) -> (Slots, i64) {
    let mut slots = sound(rng.i64(1..130));
    for _ in 0..rng.usize(0..4) {
        let last = i64::try_from(slots.len()).unwrap();
        let place = rng.i64(1..=last);
        let most = if rng.bool() { 3 } else { 45 };
        let many = rng.i64(1..=most);
        slots = match rng.u8(0..8) {
            // Older ones at the end, anywhere in time.
            0 => behind(slots, (0..many).map(|n| second(place) + 1 + n)),
            // A run of equal times.
            1 => {
                let time = second(place);
                slots
                    .iter_mut()
                    .skip(id(place) as usize)
                    .take(id(many) as usize)
                    .for_each(|one| one.time = time);
                slots
            }
            2 => copied(slots, (place..place + many).take_while(|seq| *seq <= last)),
            // Copies in the middle.
            3 => {
                let mut left = slots.clone();
                left.truncate(id(place) as usize);
                let mut with = copied(left, (place - many + 1).max(1)..=place);
                let shift = i64::try_from(with.len()).unwrap() - place;
                with.extend(slots[id(place) as usize..].iter().map(|one| {
                    let mut moved = *one;
                    moved.seq += shift;
                    moved
                }));
                with
            }
            4 => {
                let ends: Vec<i64> = if rng.bool() { vec![100] } else { vec![50, 150] };
                emptied(slots, &[(place, (place + many).min(last))], &ends)
            }
            // Two that change places.
            5 if place < last => {
                let (a, b) = (id(place) as usize - 1, id(place) as usize);
                let time = slots[a].time;
                slots[a].time = slots[b].time;
                slots[b].time = time;
                slots
            }
            // Newer ones first.
            6 => {
                slots.iter_mut().take(id(many) as usize).for_each(|one| one.time += 1_000_000_000);
                slots
            }
            _ => {
                slots.push(message(last + 1, 0, id(last + 1)));
                slots
            }
        };
    }
    let last = i64::try_from(slots.len()).unwrap();
    let cut = if rng.u8(0..8) == 0 { rng.i64(1..=last) } else { 1 };
    (slots, cut)
}

#[test]
fn two_judges_agree_on_a_thousand_logs() {
    two_judges_agree(1_000, 15);
}

/// `cargo test -p importer-shown -- --ignored`: some minutes, most of them the plain one's.
#[test]
#[ignore = "minutes"]
fn two_judges_agree_on_100_000_logs() {
    two_judges_agree(100_000, 16);
}

fn two_judges_agree(logs: u32, from: u64) {
    let mut rng = fastrand::Rng::with_seed(from);
    let (mut broken, mut lawful) = (0, 0);
    for n in 0..logs {
        let (slots, cut) = any(&mut rng);
        let version = if rng.bool() { Version::Patch14 } else { Version::Patch13 };
        let (page, newer) = (if rng.bool() { 20 } else { 40 }, rng.u32(0..60));
        let log = Log::new(slots.iter().copied(), cut, i64::try_from(slots.len()).unwrap());
        let seen = view(&log, Setting { version, page, newer, dates: Dates::AsRead });
        let ended = match seen.ended {
            Ended::AtTheStart => "end",
            Ended::Hang => "hang",
            Ended::Endless => "endless",
        };
        let (lost, repeated, misplaced) = (seen.lost, seen.repeated, seen.misplaced);
        let first = Outcome { ended, pages: seen.pages, lost, repeated, misplaced };
        let second = scroll(&slots, cut, i64::from(newer), version, page);
        assert_eq!(first, second, "log {n}, {version}, pages of {page}, {newer} newer, cut {cut}: {slots:?}");
        broken += u32::from(!seen.is_whole());
        // The law is sufficient.
        if breaches(&log).is_none() {
            lawful += 1;
            assert!(seen.is_whole(), "log {n} keeps the law: {seen}, cut {cut}: {slots:?}");
        }
    }
    assert!(broken > logs / 10 && lawful > logs / 10, "{broken} broken, {lawful} lawful");
}

#[test]
fn long_stretches_change_no_verdict() {
    let mut rng = fastrand::Rng::with_seed(16);
    let mut broken = 0;
    for n in 0..8 {
        // Two small faults with long sound stretches below, between and above: often harmless, or harmful in a few
        // settings only.
        let mut slots = sound(rng.i64(4_000..6_000));
        let last = slots.len();
        for place in [rng.usize(1_200..last / 2), rng.usize(last / 2..last - 1_200)] {
            match if rng.u8(0..3) > 0 { 1 } else { rng.u8(0..4) } {
                0 => {
                    let time = slots[place].time;
                    slots[place].time = slots[place + 1].time;
                    slots[place + 1].time = time;
                }
                1 => {
                    let many = rng.usize(1..3);
                    for n in 0..many {
                        slots[place + many + n].id = slots[place + n].id;
                        slots[place + many + n].time = slots[place + n].time;
                    }
                }
                2 => slots[place + 1].time = second(1 + i64::try_from(place).unwrap() - rng.i64(2..15)) + 1,
                _ => {
                    let many = rng.i64(1..120);
                    let from = i64::try_from(place).unwrap();
                    slots = emptied(
                        slots,
                        &[(from, from + many)],
                        &(0..100).map(|n| 50 + n * 100).collect::<Vec<_>>(),
                    );
                }
            }
        }
        let log = Log::new(slots.iter().copied(), 1, i64::try_from(slots.len()).unwrap());
        let whole = (0..60).all(|newer| {
            [Version::Patch14, Version::Patch13].into_iter().all(|version| {
                [20, 40]
                    .into_iter()
                    .all(|page| view(&log, Setting { version, page, newer, dates: Dates::AsRead }).is_whole())
            })
        });
        assert_eq!(judge(&log).scrolls(), whole, "log {n}");
        broken += u32::from(!whole);
    }
    assert!((1..9).contains(&broken), "{broken}");
}

#[test]
fn a_hundred_thousand_messages_in_below_a_second() {
    let clock = std::time::Instant::now();
    assert_eq!(judge(&super::logs::log(&sound(100_000))), Judgement::Sound);
    let lawful = clock.elapsed();
    let mut slots = sound(100_000);
    let earlier = slots[49_999].time;
    slots[50_000].time = earlier;
    let clock = std::time::Instant::now();
    assert!(!judge(&super::logs::log(&slots)).scrolls());
    let broken = clock.elapsed();
    // One copy in the middle harms nobody: all settings are played.
    let clock = std::time::Instant::now();
    let mut slots = sound(100_000);
    slots[50_000].id = slots[49_999].id;
    slots[50_000].time = slots[49_999].time;
    assert!(matches!(judge(&super::logs::log(&slots)), Judgement::Harmless(_)));
    let harmless = clock.elapsed();
    println!("100,000 messages: sound {lawful:?}, broken {broken:?}, one copy {harmless:?}");
}
