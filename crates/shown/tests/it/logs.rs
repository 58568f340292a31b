//! Logs to judge, made by hand.

use importer_shown::{Log, Slot};

/// 14 November 2023.
pub(crate) const BEGIN: i64 = 1_700_000_000_000;

pub(crate) type Slots = Vec<Slot<u32>>;

/// A sound log: a second apart, ids as the seqs.
pub(crate) fn sound(count: i64) -> Slots {
    (1..=count).map(|seq| message(seq, second(seq), id(seq))).collect()
}

pub(crate) fn message(seq: i64, time: i64, id: u32) -> Slot<u32> {
    Slot { seq, time, id: Some(id) }
}

/// The time of the n-th message of a sound log.
pub(crate) fn second(n: i64) -> i64 {
    BEGIN + n * 1000
}

pub(crate) fn id(n: i64) -> u32 {
    u32::try_from(n).unwrap()
}

/// Behind a log: messages with these times.
pub(crate) fn behind(mut slots: Slots, times: impl IntoIterator<Item = i64>) -> Slots {
    for time in times {
        let seq = i64::try_from(slots.len()).unwrap() + 1;
        slots.push(message(seq, time, id(seq)));
    }
    slots
}

/// Behind a log: the messages of these slots once more, with their ids.
pub(crate) fn copied(mut slots: Slots, seqs: impl IntoIterator<Item = i64>) -> Slots {
    for seq in seqs {
        let of = slots[usize::try_from(seq - 1).unwrap()];
        let seq = i64::try_from(slots.len()).unwrap() + 1;
        slots.push(Slot { seq, ..of });
    }
    slots
}

/// The same log with these slots empty, dated as the server does if it is read in ranges that end there.
pub(crate) fn emptied(mut slots: Slots, holes: &[(i64, i64)], range_ends: &[i64]) -> Slots {
    for (from, to) in holes {
        for slot in slots.iter_mut().filter(|slot| (*from..=*to).contains(&slot.seq)) {
            slot.id = None;
        }
    }
    let mut from = 1;
    let last = i64::try_from(slots.len()).unwrap();
    for end in range_ends.iter().copied().filter(|end| *end < last).chain([last]) {
        date(&mut slots, from, end);
        from = end + 1;
    }
    slots
}

/// The server's search, once more: highest first, a multiple of 100 never in its own document.
fn date(slots: &mut Slots, from: i64, to: i64) {
    let message_below = |slots: &Slots, seq: i64| {
        let below = slots.iter().filter(|slot| slot.seq <= seq && slot.id.is_some());
        below.max_by_key(|slot| slot.seq).map(|slot| (slot.seq, slot.time))
    };
    let empty: Vec<i64> = slots
        .iter()
        .filter(|slot| slot.id.is_none() && (from..=to).contains(&slot.seq))
        .map(|slot| slot.seq)
        .rev()
        .collect();
    let mut found: Option<(i64, i64)> = None;
    let mut gave_up = false;
    for seq in empty {
        let reaches = found.is_some_and(|(below, _)| below <= seq);
        if !gave_up && !reaches {
            found = message_below(slots, if seq % 100 == 0 { seq - 100 } else { seq });
            gave_up = found.is_none();
        }
        let time = if gave_up { 0 } else { found.unwrap().1 };
        slots[usize::try_from(seq - 1).unwrap()].time = time;
    }
}

/// A log that nothing was cut off from.
pub(crate) fn log(slots: &Slots) -> Log {
    Log::new(slots.iter().copied(), 1, i64::try_from(slots.len()).unwrap())
}
