//! What was measured with real clients on real servers (28 November 2026), row by row.

use super::logs::{Slots, behind, copied, emptied, id, log, message, second, sound};
use Ended::{AtTheStart, Endless, Hang};
use Version::{Patch13, Patch14};
use importer_shown::{Dates, Ended, Judgement, Log, Setting, Version, View, judge, view};

fn look(slots: &Slots, version: Version, page: usize) -> View {
    later(slots, version, page, 0)
}

fn later(slots: &Slots, version: Version, page: usize, newer: u32) -> View {
    view(&log(slots), Setting { version, page, newer, dates: Dates::AsRead })
}

/// Every client, with both sizes of page.
fn all(slots: &Slots) -> Vec<View> {
    let each = [(Patch14, 20), (Patch14, 40), (Patch13, 20), (Patch13, 40)];
    each.map(|(version, page)| look(slots, version, page)).to_vec()
}

fn both(slots: &Slots, page: usize) -> [View; 2] {
    [look(slots, Patch14, page), look(slots, Patch13, page)]
}

/// Everything in it was written days later.
fn of_today(slots: &mut Slots) {
    for slot in slots {
        slot.time += 1_000_000_000;
    }
}

fn is_fine(slots: &Slots) {
    for seen in all(slots) {
        assert!(seen.is_whole(), "{seen}");
    }
}

#[test]
fn a_sound_log_needs_no_more_pages_than_it_has() {
    let slots = sound(300);
    is_fine(&slots);
    assert_eq!(look(&slots, Patch14, 20).pages, 16);
    assert_eq!(judge(&log(&slots)), Judgement::Sound);
    // Nothing at all, one message, one page.
    for count in [0, 1, 19, 20, 21, 40, 50, 51] {
        is_fine(&sound(count));
    }
}

#[test]
fn an_older_message_at_the_end() {
    for page in [20, 40] {
        for (d, ended) in [(1, AtTheStart), (19, AtTheStart), (45, if page == 20 { Endless } else { Hang })] {
            let slots = behind(sound(300), [second(300 - d) + 1]);
            for seen in both(&slots, page) {
                assert_eq!(seen.ended, ended, "d = {d}: {seen}");
                assert_eq!(seen.is_whole(), ended == AtTheStart, "d = {d}: {seen}");
            }
        }
    }
    for d in 20..40 {
        let seen = look(&behind(sound(300), [second(300 - d) + 1]), Patch14, 20);
        assert_eq!(seen.ended, Hang, "d = {d}: {seen}");
    }
    // One is enough in a log of 51 as in one of 300.
    let seen = look(&behind(sound(51), [second(1)]), Patch14, 20);
    assert_ne!(seen.ended, AtTheStart, "{seen}");
    // What looks fine today loses one 19 messages later.
    let slots = behind(sound(300), [second(299) + 1]);
    assert!(look(&slots, Patch14, 20).is_whole());
    assert_eq!(later(&slots, Patch14, 20, 19).lost, 1);
    assert!(!judge(&log(&slots)).scrolls());
}

#[test]
fn many_older_messages_at_the_end() {
    for count in [20, 40] {
        let slots = behind(sound(120), (0..count).map(|n| second(80) + 1 + n));
        for seen in all(&slots) {
            assert!(!seen.is_whole(), "{count}: {seen}");
        }
    }
    for count in [5, 60] {
        let slots = behind(sound(120), (0..count).map(|n| second(80) + 1 + n));
        assert!(both(&slots, 20).iter().all(|seen| !seen.is_whole()), "{count}");
    }
}

#[test]
fn an_older_history_behind_newer_messages() {
    for (newer, older) in [(110, 10), (60, 60)] {
        let mut slots = sound(newer);
        of_today(&mut slots);
        let slots = behind(slots, (1..=older).map(second));
        assert!(all(&slots).iter().all(|seen| !seen.is_whole()), "{older} behind {newer}");
        assert_eq!(look(&slots, Patch14, 20).ended, Endless);
    }
    let mut slots = sound(60);
    of_today(&mut slots);
    let seen = look(&behind(slots, (1..=60).map(second)), Patch14, 40);
    assert_eq!((seen.lost, seen.repeated), (20, 100), "{seen}");
}

#[test]
fn notices_of_today_in_front_of_the_history() {
    for notices in [1, 5] {
        let mut slots = sound(notices);
        of_today(&mut slots);
        let slots = behind(slots, (1..=120).map(|n| second(n + 10)));
        for seen in all(&slots) {
            let lost = usize::try_from(notices).unwrap();
            assert_eq!((seen.ended, seen.lost, seen.repeated), (AtTheStart, lost, 0), "{seen}");
        }
        // A month later the same: the history in order, and they are not shown, or elsewhere.
        for seen in [later(&slots, Patch14, 20, 30), later(&slots, Patch13, 40, 30)] {
            assert_eq!((seen.ended, seen.repeated), (AtTheStart, 0), "{seen}");
            assert!(!seen.is_whole(), "{seen}");
        }
        // Cut away, they take nothing with them.
        let count = i64::try_from(slots.len()).unwrap();
        assert_eq!(judge(&Log::new(slots.iter().copied(), notices + 1, count)), Judgement::Sound);
    }
}

#[test]
fn as_many_newer_ones_in_front_as_a_page_holds() {
    // All on one page: in order.
    let small = |notices: i64, history: i64| {
        let mut slots = sound(notices);
        of_today(&mut slots);
        behind(slots, (1..=history).map(|n| second(n + 40)))
    };
    assert!(look(&small(1, 15), Patch14, 20).is_whole());
    // A page of them or more.
    for notices in [20, 40] {
        for seen in both(&small(notices, 120), 20) {
            assert!(seen.lost >= 20 || seen.ended == Endless, "{seen}");
        }
    }
}

#[test]
fn places_that_are_shuffled() {
    let mut rng = fastrand::Rng::with_seed(15);
    for within in [3, 10] {
        for _ in 0..5 {
            let mut times: Vec<i64> = (1..=300).map(second).collect();
            times.chunks_mut(within).for_each(|some| rng.shuffle(some));
            let slots: Slots = (1..=300).zip(times).map(|(seq, time)| message(seq, time, id(seq))).collect();
            let found = judge(&log(&slots));
            let Judgement::Broken(_, seen) = &found else { panic!("within {within}: {found}") };
            assert!(seen.lost > 0 || seen.ended != AtTheStart, "within {within}: {found}");
        }
    }
}

#[test]
fn two_neighbours_that_changed_places() {
    let swapped = |place: usize| {
        let mut slots = sound(300);
        let time = slots[place].time;
        slots[place].time = slots[place + 1].time;
        slots[place + 1].time = time;
        slots
    };
    for page in [20, 40] {
        let lost = (0..299).filter(|place| look(&swapped(*place), Patch14, page).lost == 1).count();
        assert_eq!(lost, 6, "of 299 places, pages of {page}");
    }
    // Slots 260 and 261.
    assert_eq!(look(&swapped(259), Patch14, 40).lost, 1);
}

#[test]
fn equal_times() {
    let runs = |of: i64, count: i64| -> Slots {
        (1..=count).map(|seq| message(seq, second((seq - 1) / of * of), id(seq))).collect()
    };
    for (of, repeated) in [(2, 0..=0), (3, 0..=0), (5, 4..=19), (10, 4..=19), (20, 4..=19), (13, 18..=152)] {
        for seen in all(&runs(of, 300)) {
            assert!(seen.lost == 0 && seen.misplaced > 0, "runs of {of}: {seen}");
            assert!(repeated.contains(&seen.repeated), "runs of {of}: {seen}");
        }
    }
    for (of, page) in [(30, 20), (50, 20), (50, 40)] {
        assert!(both(&runs(of, 3_000), page).iter().all(|seen| seen.ended != AtTheStart), "runs of {of}");
    }
    let apart: Slots =
        (1..=3_000).map(|seq| message(seq, second((seq - 1) / 50 * 50) + seq % 50, id(seq))).collect();
    let apart = apart.into_iter().map(|mut slot| {
        slot.time = second((slot.seq - 1) / 50 * 50) + (slot.seq - 1) % 50;
        slot
    });
    is_fine(&apart.collect());
}

#[test]
fn copies_behind_their_originals_at_the_end() {
    let with = |k: i64| copied(sound(300), 301 - k..=300);
    for k in 1..=10 {
        is_fine(&with(k));
    }
    assert_eq!(look(&with(11), Patch14, 20).ended, Hang);
    assert_eq!(look(&with(11), Patch14, 20).pages, 0, "on the first page");
    assert_eq!(look(&with(20), Patch14, 20).ended, Hang);
    assert_eq!(look(&with(30), Patch14, 20).ended, Hang);
    let seen = look(&with(30), Patch14, 40);
    assert!((10..=11).contains(&seen.repeated), "{seen}");
    let seen = look(&with(40), Patch14, 40);
    assert!((9..=10).contains(&seen.lost), "{seen}");
    for k in [60, 120] {
        assert!(all(&with(k)).iter().all(|seen| seen.repeated >= 20), "{k} copies");
    }
    // One stays harmless when people write on; two lose one 18 messages later, ten hang two later.
    assert!(matches!(judge(&log(&with(1))), Judgement::Harmless(_)));
    assert_eq!(later(&with(2), Patch14, 20, 18).lost, 1);
    assert_eq!(later(&with(10), Patch14, 20, 2).ended, Hang);
}

#[test]
fn copies_in_the_middle() {
    let with = |k: i64, place: i64| -> Slots {
        let mut slots = copied(sound(place), place - k + 1..=place);
        slots.extend((place + 1..=300).map(|n| message(n + k, second(n), id(n))));
        slots
    };
    let harmed = |k: i64, page: usize| {
        (k..=299).filter(|place| !look(&with(k, *place), Patch14, page).is_whole()).count()
    };
    for page in [20, 40] {
        assert_eq!(harmed(1, page), 0);
        assert_eq!(harmed(2, page), 6, "of 298 places");
    }
    // Of 20 and of 40.
    assert!((100..=280).any(|place| look(&with(20, place), Patch14, 40).lost == 19));
    assert!((100..=280).any(|place| look(&with(40, place), Patch14, 40).ended == Hang));
    assert!((100..=280).any(|place| (19..=40).contains(&look(&with(40, place), Patch14, 20).repeated)));
    assert!((15..=30).contains(&harmed(3, 20)), "one place in 14");
    assert!((55..=95).contains(&harmed(5, 20)), "one place in 4");
}

#[test]
fn the_first_twenty_once_more_at_the_end() {
    let slots = copied(sound(100), 1..=20);
    assert_eq!(look(&slots, Patch14, 20).lost, 40);
    assert!(both(&slots, 40).iter().all(|seen| !seen.is_whole()));
}

#[test]
fn empty_slots_that_touch_no_multiple_of_100() {
    let ends: Vec<i64> = (0..4).map(|n| 50 + 100 * n).collect();
    for holes in
        [&[(150, 150)][..], &[(120, 180)], &[(101, 199)], &[(290, 300)], &[(10, 12), (140, 160), (201, 230)]]
    {
        let slots = emptied(sound(300), holes, &ends);
        is_fine(&slots);
        if holes != [(290, 300)] {
            assert_eq!(judge(&log(&slots)), Judgement::Sound, "{holes:?}");
        }
    }
}

#[test]
fn the_hundredth_slot() {
    for slots in [emptied(sound(300), &[(100, 100)], &[150]), emptied(sound(300), &[(95, 105)], &[100])] {
        assert!(look(&slots, Patch14, 20).is_whole() && look(&slots, Patch14, 40).is_whole());
        for page in [20, 40] {
            let seen = look(&slots, Patch13, page);
            assert_ne!(seen.ended, AtTheStart, "{seen}");
        }
        assert!(!judge(&log(&slots)).scrolls());
    }
}

#[test]
fn a_hole_whose_highest_slot_is_a_later_hundred() {
    for hole in [(200, 200), (190, 200)] {
        let slots = emptied(sound(300), &[hole], &[150, 250]);
        for seen in both(&slots, 40) {
            assert_eq!(seen.ended, Hang, "{hole:?}: {seen}");
        }
        for seen in both(&slots, 20) {
            assert_eq!(seen.ended, Endless, "{hole:?}: {seen}");
        }
        // Nothing breaks before a message follows it.
        let mut last = slots.clone();
        last.truncate(200);
        is_fine(&last);
        assert!(!judge(&log(&last)).scrolls(), "a message follows");
    }
}

#[test]
fn a_hole_across_a_hundred_depends_on_who_reads_first() {
    let broken = emptied(sound(300), &[(195, 205)], &[100, 200]);
    assert!(all(&broken).iter().all(|seen| !seen.is_whole()), "read as 101 to 200");
    let right = emptied(sound(300), &[(195, 205)], &[50, 150, 250]);
    is_fine(&right);
    // Read by the client itself: fine at most lengths, broken by itself at maxSeq 301 and 351.
    let afresh = |newer: u32, page: usize| {
        view(&log(&right), Setting { version: Patch14, page, newer, dates: Dates::Afresh }).is_whole()
    };
    for page in [20, 40] {
        assert!((0..60).all(|newer| afresh(newer, page) != matches!(newer, 1 | 51)), "pages of {page}");
    }
    assert!(matches!(judge(&log(&right)), Judgement::Fades(..)));
}

#[test]
fn a_hole_in_front() {
    for h in [20, 60, 206] {
        let slots = emptied(sound(h + 120), &[(1, h)], &[]);
        assert!(look(&slots, Patch14, 20).is_whole() && look(&slots, Patch14, 40).is_whole(), "{h}");
        assert_eq!(look(&slots, Patch13, 20).ended, Endless, "{h}");
    }
    let slots = emptied(sound(60 + 120), &[(1, 60)], &[]);
    assert_eq!(look(&slots, Patch13, 40).ended, Endless);
    // A smaller one repeats up to as many, some messages later.
    let slots = emptied(sound(10 + 120), &[(1, 10)], &[]);
    let repeated = |newer: u32| later(&slots, Patch13, 20, newer).repeated;
    assert_eq!((0..60).map(repeated).max(), Some(10));
}

#[test]
fn below_the_min_seq_nothing_harms() {
    // Deleted; broken by an old message and not deleted; a history behind a newer one.
    let deleted = emptied(sound(206), &[(1, 206)], &[100, 200]);
    let with_an_old_one = behind(sound(205), [second(1)]);
    for below in [deleted, with_an_old_one, sound(206)] {
        let slots = behind(below, (1..=120).map(second));
        for page in [20, 40] {
            let cut = Log::new(slots.iter().copied(), 207, 326);
            for version in [Patch14, Patch13] {
                let seen = view(&cut, Setting { version, page, newer: 0, dates: Dates::AsRead });
                assert!(seen.is_whole(), "{seen}");
            }
            assert_eq!(judge(&cut), Judgement::Sound);
        }
    }
    // Deleted and not cut: patch 13 does not get to the end of the 120.
    let slots = behind(emptied(sound(206), &[(1, 206)], &[100, 200]), (1..=120).map(second));
    assert!(look(&slots, Patch14, 20).is_whole());
    assert_eq!(look(&slots, Patch13, 20).ended, Endless);
    assert!(!judge(&log(&slots)).scrolls());
}
