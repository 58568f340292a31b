//! A log without its long stretches in which nothing is wrong: what is left pages alike.
//!
//! In a stretch of rising times without holes and copies, that nothing from elsewhere falls into by time, a client's
//! state comes round every 200 slots: pages of 20 and 40, fetches of 50. So multiples of 200 slots can be cut out
//! of its middle, and what matters stays as far from multiples of 100 as it was. 60 logs of 100,000 slots are
//! then paged as fast as one.

use crate::slots::{Entry, Log};

/// What stays at each end of a stretch: some turns of the client's state.
const KEPT: usize = 600;
/// The client's state comes round.
const TURN: usize = 200;

/// The same log, shorter.
pub(crate) fn shortened(log: &Log) -> Log {
    let clean = clean_edges(&log.entries);
    let mut entries: Vec<Entry> = Vec::with_capacity(log.entries.len().min(1 << 16));
    let mut cut = 0;
    let mut from = 0;
    while from < log.entries.len() {
        let length = clean[from..].iter().take_while(|clean| **clean).count();
        let surplus = length.saturating_sub(2 * KEPT) / TURN * TURN;
        let stretch = &log.entries[from..=(from + length).min(log.entries.len() - 1)];
        let low = KEPT.min(stretch.len());
        let kept = stretch[..low].iter().map(|entry| (entry, cut)).chain(
            stretch[low + surplus.min(stretch.len() - low)..]
                .iter()
                .map(|entry| (entry, cut + i64::try_from(surplus).unwrap_or(0))),
        );
        entries.extend(kept.map(|(entry, cut)| Entry { seq: entry.seq - cut, ..*entry }));
        cut += i64::try_from(surplus).unwrap_or(0);
        from += stretch.len();
    }
    // Ids are numbered anew: those that were cut out are gone.
    let mut number: Vec<Option<u32>> = vec![None; log.messages()];
    let mut ids = 0;
    for entry in entries.iter_mut().filter(|entry| !entry.is_empty()) {
        entry.id = *number[entry.id as usize].get_or_insert_with(|| {
            ids += 1;
            ids - 1
        });
    }
    let mut short = Log { entries, min_seq: log.min_seq, max_seq: log.max_seq - cut, ids };
    short.look_down();
    short
}

/// For each slot: it and the next are neighbours in seq and in time, messages both, and nothing from elsewhere
/// stands between them in time.
fn clean_edges(entries: &[Entry]) -> Vec<bool> {
    let mut lowest_above = vec![i64::MAX; entries.len() + 1];
    for (n, entry) in entries.iter().enumerate().rev() {
        lowest_above[n] = entry.time.min(lowest_above[n + 1]);
    }
    let mut often: Vec<u32> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_empty()) {
        let id = entry.id as usize;
        if often.len() <= id {
            often.resize(id + 1, 0);
        }
        often[id] += 1;
    }
    let once = |entry: &Entry| !entry.is_empty() && often[entry.id as usize] == 1;
    let mut highest = i64::MIN;
    let mut clean = Vec::with_capacity(entries.len());
    for (n, entry) in entries.iter().enumerate() {
        highest = highest.max(entry.time);
        let next = entries.get(n + 1);
        clean.push(next.is_some_and(|next| {
            next.seq == entry.seq + 1 && once(entry) && once(next) && highest < lowest_above[n + 1]
        }));
    }
    clean
}
