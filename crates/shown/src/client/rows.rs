//! The client's database of one conversation.

use super::Shown;
use crate::server::Answer;
use crate::slots::EMPTY;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// A row: a message, or a dead one in the place of something that is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// How many-th row it is: what its made-up id would tell apart.
    pub(super) key: u64,
    pub(super) seq: i64,
    pub(super) time: i64,
    pub(super) live: bool,
    /// Of a live row.
    pub(super) id: u32,
}

/// By time, then by seq, both falling, then as they came in.
type Place = (Reverse<i64>, Reverse<i64>, u64);

#[derive(Debug)]
pub(super) struct Rows {
    by_place: BTreeMap<Place, Row>,
    /// Which ids there is a live row of.
    held: Vec<bool>,
    next: u64,
}

impl Row {
    pub(super) fn shown(&self) -> Shown {
        Shown { seq: self.seq, time: self.time, id: self.id }
    }

    fn place(&self) -> Place {
        (Reverse(self.time), Reverse(self.seq), self.key)
    }
}

impl Rows {
    pub(super) fn new(ids: usize) -> Self {
        Self { by_place: BTreeMap::new(), held: vec![false; ids], next: 0 }
    }

    /// Keeps what the server gave. An id that is there already makes a dead row: existing ones are never
    /// overwritten.
    pub(super) fn insert(&mut self, answer: Answer) -> Row {
        let held = self.held.get_mut(answer.id as usize).filter(|_| answer.id != EMPTY);
        let live = held.is_some_and(|held| !std::mem::replace(held, true));
        let row = Row { key: self.next, seq: answer.seq, time: answer.time, live, id: answer.id };
        self.next += 1;
        self.by_place.insert(row.place(), row);
        row
    }

    /// The first `count` rows below a time and seq. A time of 0 is no limit.
    pub(super) fn below(&self, cursor: Option<(i64, i64)>, count: usize) -> Vec<Row> {
        let from = match cursor {
            Some((time, seq)) if time > 0 => Bound::Excluded((Reverse(time), Reverse(seq), u64::MAX)),
            _ => Bound::Unbounded,
        };
        self.by_place.range((from, Bound::Unbounded)).take(count).map(|(_, row)| *row).collect()
    }

    /// What the clean-up of patch 14 takes away: rows without a time, dead ones beside a live one of the same seq,
    /// and of several dead ones of a seq all but the one of lowest time.
    pub(super) fn to_clean(&self) -> Vec<Row> {
        let mut by_seq: HashMap<i64, Vec<&Row>> = HashMap::new();
        let mut gone: Vec<Row> = Vec::new();
        for row in self.by_place.values() {
            if row.time == 0 {
                gone.push(*row);
            } else {
                by_seq.entry(row.seq).or_default().push(row);
            }
        }
        for mut rows in by_seq.into_values().filter(|rows| rows.len() > 1) {
            let live = rows.iter().any(|row| row.live);
            rows.retain(|row| !row.live);
            rows.sort_by_key(|row| (row.time, row.key));
            gone.extend(rows.into_iter().skip(usize::from(!live)));
        }
        gone
    }

    pub(super) fn remove(&mut self, rows: &[Row]) {
        for row in rows {
            self.by_place.remove(&row.place());
            if row.live
                && let Some(held) = self.held.get_mut(row.id as usize)
            {
                *held = false;
            }
        }
    }
}

/// Whether a batch starts the clean-up of patch 14.
pub(super) fn want_cleaning(list: &[Row]) -> bool {
    let mut seqs: Vec<i64> = list.iter().map(|row| row.seq).collect();
    seqs.sort_unstable();
    list.iter().any(|row| row.time == 0) || seqs.windows(2).any(|pair| pair[0] == pair[1])
}
