//! One conversation's log against the export alone: which of its messages are there, and where.
//!
//! Pure: slots come in as they were read, what was found goes out. `align` says what a slot is; what it can't
//! know is whether a message that is missing was still to come when the earlier import ended, or had been
//! passed over by it. That one never has more than [`MOST_UNCONFIRMED`] messages behind one that is not
//! confirmed. So where more of ours stand behind it, it was refused or deleted, and what comes after is in its
//! place; where fewer do, the earlier import had not settled it: that is left to `run`, which can.

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::import::{MOST_UNCONFIRMED, Receipts};
use crate::job::{Double, Receipt, Withdrawn};
use crate::log::{Alignment, Book, Due, Fate, Past, Sighting, Who, align};
use crate::message::{Ids, MsgId, Ordinal, Seq};

/// What was found, in order.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Messages in their places.
    pub(super) receipts: Vec<Receipt>,
    /// Messages that stand behind later ones.
    pub(super) late: Vec<Receipt>,
    /// Copies that the server made.
    pub(super) doubles: Vec<Double>,
    /// Second copies under names of their own: `run` deletes them.
    pub(super) strays: Vec<Withdrawn>,
}

/// Where the conversation stands, once its log is read to the end.
#[derive(Debug)]
pub(super) struct End {
    /// The first message that is not accounted for.
    pub(super) cursor: Ordinal,
    /// Slots up to here are.
    pub(super) read_to: Seq,
    /// Messages that stand behind one that is missing: `run` takes them back and sends them in order.
    pub(super) behind: u64,
    /// Messages that are not there although many later ones are.
    pub(super) passed: BTreeSet<Ordinal>,
}

/// A conversation being read.
#[derive(Debug)]
pub(super) struct Walk {
    /// The next message to be found in its place; everything before is found, or passed over.
    cursor: Ordinal,
    end: Ordinal,
    /// The last slot that was looked at.
    read_to: Seq,
    /// The message that is missing before what is open.
    hole: Option<Ordinal>,
    /// So many more of ours have to come before that can change, unless it is the missing one.
    idle: usize,
    /// Slots that can't be judged yet; those of others are left out.
    open: Vec<Sighting>,
    passed: BTreeSet<Ordinal>,
    /// Of these, what turned up behind later ones.
    late: BTreeSet<Ordinal>,
    strays: HashSet<MsgId>,
    /// Names of the last messages found: what the caller may not have in the job yet.
    recent: VecDeque<(Ordinal, Ids)>,
}

/// So many names are remembered; older receipts have to be in the job.
pub(super) const RECENT: usize = 4_096;
/// So many empty slots are kept that can still turn out to be ours. More are none of ours: numbers were
/// skipped (law 4), or a night job has deleted what stood there (law 6).
const EMPTY: usize = 100_000;

impl Walk {
    pub(super) fn new(end: Ordinal) -> Self {
        Self {
            cursor: Ordinal(0),
            end,
            read_to: Seq(0),
            hole: None,
            idle: 0,
            open: Vec::new(),
            passed: BTreeSet::new(),
            late: BTreeSet::new(),
            strays: HashSet::new(),
            recent: VecDeque::new(),
        }
    }

    /// Takes slots, from the one behind the last on, without a gap. `known` has the receipts of messages that
    /// were found long ago.
    pub(super) fn take(&mut self, known: &dyn Receipts, slots: Vec<Sighting>) -> Found {
        let mut found = Found::default();
        for slot in slots {
            self.read_to = slot.seq;
            let worth_it = match &slot.who {
                // A job that adopts has given no message another time yet.
                Who::Foreign | Who::Newer { .. } | Who::Former { .. } => continue,
                Who::Empty { .. } => false,
                Who::Ours { ordinals, .. } => {
                    self.idle = self.idle.saturating_sub(1);
                    self.idle == 0 || self.hole.is_some_and(|hole| ordinals.contains(&hole))
                }
            };
            self.open.push(slot);
            // As early as it can be: what is found does not depend on how many were read at once.
            while worth_it && self.judge(known, &mut found) {}
        }
        self.drop_skipped();
        found
    }

    /// A message whose slot seemed to be empty is not in the store either.
    pub(super) fn is_not_there(&mut self, ordinal: Ordinal) {
        self.passed.insert(ordinal);
    }

    /// The log is read to its end: what is found by that.
    pub(super) fn finish(&mut self, known: &dyn Receipts) -> Found {
        let mut found = Found::default();
        let empty = self.open.iter().filter(|slot| !is_ours(slot)).count();
        if self.cursor >= self.end || empty > MOST_UNCONFIRMED {
            // Nothing of ours is missing there, or they are too many to be ours.
            self.open.retain(is_ours);
            while self.judge(known, &mut found) {}
        }
        found
    }

    /// Where it stands then.
    pub(super) fn end(self) -> End {
        End {
            cursor: self.cursor,
            // What is open is read again by `run`, in the light of what it sends.
            read_to: self.open.first().map_or(self.read_to, |slot| Seq(slot.seq.0 - 1)),
            behind: self.open.iter().filter(|slot| is_ours(slot)).count() as u64,
            passed: self.passed.difference(&self.late).copied().collect(),
        }
    }

    /// Decides what can be decided; whether a message was passed over, and more may be decided now.
    fn judge(&mut self, known: &dyn Receipts, found: &mut Found) -> bool {
        let Alignment { fates, cursor, keep_from, .. } =
            align(&Known { walk: self, known }, self.cursor, self.end, &self.open);
        // What stands behind a hole that is still open there.
        let undecided = |fate: &Fate| matches!(fate, Fate::Early(ordinal) if *ordinal >= cursor);
        let first = fates.iter().position(undecided);
        let until = first.unwrap_or(keep_from).min(self.open.len());
        let rest = self.open.split_off(until);
        let decided = std::mem::replace(&mut self.open, rest);
        for (slot, fate) in decided.into_iter().zip(&fates) {
            self.decide(slot, fate, found);
        }
        if first.is_none() {
            self.cursor = self.cursor.max(cursor);
            (self.hole, self.idle) = (None, 0);
            return false;
        }
        let behind: BTreeSet<Ordinal> = fates
            .iter()
            .filter_map(|fate| match fate {
                Fate::Early(ordinal) if *ordinal > cursor => Some(*ordinal),
                _ => None,
            })
            .collect();
        match behind.first() {
            Some(next) if behind.len() > MOST_UNCONFIRMED => {
                self.passed.extend((cursor.0..next.0).map(Ordinal));
                true
            }
            _ => {
                (self.hole, self.idle) = (Some(cursor), MOST_UNCONFIRMED + 1 - behind.len());
                false
            }
        }
    }

    fn decide(&mut self, slot: Sighting, fate: &Fate, found: &mut Found) {
        let Sighting { seq, who } = slot;
        match (who, fate) {
            (Who::Ours { ids, readable, .. }, Fate::InPlace(ordinal)) => {
                self.found(*ordinal, Some(ids.clone()));
                found.receipts.push(Receipt { ordinal: *ordinal, seq, ids: Some(ids), hidden: !readable });
            }
            (Who::Empty { .. }, Fate::Hidden(ordinal)) => {
                self.found(*ordinal, None);
                found.receipts.push(Receipt { ordinal: *ordinal, seq, ids: None, hidden: true });
            }
            (
                Who::Ours { ids, readable, .. },
                Fate::Early(ordinal) | Fate::Surplus(ordinal) | Fate::Copy(ordinal),
            ) if self.passed.contains(ordinal) && self.late.insert(*ordinal) => {
                self.remember(*ordinal, ids.clone());
                found.late.push(Receipt { ordinal: *ordinal, seq, ids: Some(ids), hidden: !readable });
            }
            (Who::Ours { ids, .. }, Fate::Copy(ordinal)) => {
                found.doubles.push(Double { seq, ordinal: *ordinal, server: ids.server });
            }
            (Who::Ours { ids, .. }, Fate::Early(ordinal) | Fate::Surplus(ordinal)) => {
                self.strays.insert(ids.server.clone());
                found.strays.push(Withdrawn { seq, ordinal: *ordinal, ids });
            }
            (Who::Ours { ids, ordinals, .. }, Fate::Returned) => {
                let ordinal = ordinals.first().copied().unwrap_or(self.cursor);
                found.strays.push(Withdrawn { seq, ordinal, ids });
            }
            _ => {}
        }
    }

    fn found(&mut self, ordinal: Ordinal, ids: Option<Ids>) {
        self.cursor = self.cursor.max(Ordinal(ordinal.0 + 1));
        if let Some(ids) = ids {
            self.remember(ordinal, ids);
        }
    }

    fn remember(&mut self, ordinal: Ordinal, ids: Ids) {
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((ordinal, ids));
    }

    fn drop_skipped(&mut self) {
        if self.open.len() > EMPTY && !self.open.iter().any(is_ours) {
            self.open.drain(..self.open.len() - EMPTY);
        }
    }
}

fn is_ours(slot: &Sighting) -> bool {
    matches!(slot.who, Who::Ours { .. })
}

/// What is known besides the log.
struct Known<'a> {
    walk: &'a Walk,
    known: &'a dyn Receipts,
}

impl Book for Known<'_> {
    fn due(&self, ordinal: Ordinal) -> Due {
        if self.walk.passed.contains(&ordinal) { Due::Nothing } else { Due::Message }
    }

    fn past(&self, ordinal: Ordinal) -> Past {
        if self.walk.passed.contains(&ordinal) && !self.walk.late.contains(&ordinal) {
            // It may still turn up, behind later ones.
            return Past::Unknown;
        }
        let recent = self.walk.recent.iter().rev().find(|(known, _)| *known == ordinal);
        recent.map_or_else(|| self.known.past(ordinal), |(_, ids)| Past::Confirmed(ids.clone()))
    }

    fn is_withdrawn(&self, server: &MsgId) -> bool {
        self.walk.strays.contains(server)
    }
}

#[cfg(test)]
mod tests;
