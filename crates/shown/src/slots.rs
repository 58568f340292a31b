//! A conversation's log, as the judge takes it.

use std::collections::HashMap;
use std::hash::Hash;

/// One slot as the server answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot<I> {
    /// Its number, from 1.
    pub seq: i64,
    /// `sendTime`, ms; of an empty slot the date that the server gives it.
    pub time: i64,
    /// `clientMsgID`, by which clients tell messages apart; `None`: the slot is empty.
    pub id: Option<I>,
}

/// What a conversation's log holds, from its min seq to its max seq.
#[derive(Debug, Clone)]
pub struct Log {
    /// Rising in seq, none below the min seq.
    pub(crate) entries: Vec<Entry>,
    pub(crate) min_seq: i64,
    pub(crate) max_seq: i64,
    /// How many different ids there are; they are numbered from 0.
    pub(crate) ids: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: i64,
    pub(crate) time: i64,
    /// Which id; [`EMPTY`]: none.
    pub(crate) id: u32,
    /// Seq and time of the nearest message at or below it; 0: there is none.
    pub(crate) below: (i64, i64),
}

pub(crate) const EMPTY: u32 = u32::MAX;

impl Entry {
    pub(crate) fn is_empty(&self) -> bool {
        self.id == EMPTY
    }
}

impl Log {
    /// A log of these slots, in any order; `min_seq` 0 or 1: nothing is cut off. A slot between the two seqs that is
    /// not among them counts as empty, and as dated by the message below it.
    pub fn new<I: Eq + Hash>(slots: impl IntoIterator<Item = Slot<I>>, min_seq: i64, max_seq: i64) -> Self {
        let min_seq = min_seq.max(1);
        let mut known: HashMap<I, u32> = HashMap::new();
        let mut entries: Vec<Entry> = slots
            .into_iter()
            .filter(|slot| (min_seq..=max_seq).contains(&slot.seq))
            .map(|slot| {
                let next = u32::try_from(known.len()).unwrap_or(EMPTY - 1);
                let id = slot.id.map_or(EMPTY, |id| *known.entry(id).or_insert(next));
                Entry { seq: slot.seq, time: slot.time, id, below: (0, 0) }
            })
            .collect();
        entries.sort_by_key(|entry| entry.seq);
        entries.dedup_by_key(|entry| entry.seq);
        let ids = u32::try_from(known.len()).unwrap_or(EMPTY - 1);
        let mut log = Self { entries, min_seq, max_seq, ids };
        log.look_down();
        log
    }

    /// How many different messages it holds.
    pub fn messages(&self) -> usize {
        self.ids as usize
    }

    /// Fills in `below`.
    pub(crate) fn look_down(&mut self) {
        let mut below = (0, 0);
        for entry in &mut self.entries {
            if !entry.is_empty() {
                below = (entry.seq, entry.time);
            }
            entry.below = below;
        }
    }

    /// The slot of that number, or the nearest one below it that is known.
    pub(crate) fn at_or_below(&self, seq: i64) -> Option<&Entry> {
        let first = self.entries.first()?.seq;
        // Where no slot is left out, its place follows from its number.
        let guess = usize::try_from(seq - first).ok()?;
        if let Some(entry) = self.entries.get(guess).filter(|entry| entry.seq == seq) {
            return Some(entry);
        }
        let above = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.get(above.checked_sub(1)?)
    }

    /// Seq and time of the nearest message at or below that number.
    pub(crate) fn message_at_or_below(&self, seq: i64) -> Option<(i64, i64)> {
        self.at_or_below(seq).map(|entry| entry.below).filter(|(seq, _)| *seq > 0)
    }

    /// The highest sendTime in it.
    pub(crate) fn latest(&self) -> i64 {
        self.entries.iter().map(|entry| entry.time).max().unwrap_or(0)
    }
}
