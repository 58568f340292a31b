//! What the log holds of what we meant to send: one pure function for confirming, settling, resuming,
//! `verify` and `adopt`.
//!
//! The log is read slot by slot in the order of seqs, beside the messages in the order in which they are to
//! stand there. A slot is *in place* if it is the next message that is still to come. Everything else of ours
//! is not: it stands behind a hole ([`Fate::Early`]), or its message has its place already, as the server's
//! copy under the same ids ([`Fate::Copy`]) or as one of our own under others ([`Fate::Surplus`]). Taking the
//! first slot that fits gives the longest gapless beginning there can be: messages that can stand for each
//! other are equal in everything.

use std::collections::HashMap;

use crate::message::{Ids, MsgId, Ordinal, SendTime, Seq, UserId};

/// A slot of the log, already compared with what we meant to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its number.
    pub seq: Seq,
    /// What stands there.
    pub who: Who,
}

/// What stands in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nothing. `examined`: another participant sees nothing either, and the store has nothing.
    Empty {
        /// See above.
        examined: bool,
    },
    /// Somebody else's message, or a slot that was dealt with before.
    Foreign,
    /// Somebody else's message, and newer than some of ours, which must not come to stand behind it (law 15).
    Newer {
        /// Ours below that ordinal are not newer than it.
        older: Ordinal,
        /// Who wrote it.
        by: UserId,
        /// Its `sendTime`.
        time: SendTime,
    },
    /// A message of ours, sent under a time that it had before it went behind what people wrote.
    Former {
        /// Its names.
        ids: Ids,
        /// Which.
        ordinal: Ordinal,
    },
    /// A message of ours.
    Ours {
        /// Its names.
        ids: Ids,
        /// Which it can be: one, or several that are equal in everything; rising.
        ordinals: Vec<Ordinal>,
        /// False where only the store shows it: it was read too early by somebody (law 3).
        readable: bool,
    },
}

/// What a slot means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// This message, in its place.
    InPlace(Ordinal),
    /// Empty, and must be this message: deleted, or hidden (law 3).
    Hidden(Ordinal),
    /// A second copy that the server made of this message (law 5): the same ids.
    Copy(Ordinal),
    /// Ours, behind a hole.
    Early(Ordinal),
    /// Ours, a second time, under ids of its own, or under a time that it has no more.
    Surplus(Ordinal),
    /// Withdrawn before, and there again (law 14).
    Returned,
    /// Not ours.
    Foreign,
    /// Empty, and none of ours is missing there.
    Empty,
}

/// What is to come at an ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The message.
    Message,
    /// Nothing: it is a reject.
    Nothing,
    /// Perhaps nothing: it was refused after an attempt that may have been queued.
    Perhaps,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// Confirmed under these names.
    Confirmed(Ids),
    /// Refused, or left out: it should not be in the log.
    Rejected,
    /// Not known any more, or hidden before its names were seen.
    Unknown,
}

/// What is known besides the log.
pub trait Book {
    /// What is to come at that ordinal, which is not below the cursor.
    fn due(&self, ordinal: Ordinal) -> Due;
    /// What became of a message below the cursor.
    fn past(&self, ordinal: Ordinal) -> Past;
    /// Whether we withdrew what has that name.
    fn is_withdrawn(&self, server: &MsgId) -> bool;
}

/// What the slots mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// One fate for each slot; where something has to be examined first, for those before.
    pub fates: Vec<Fate>,
    /// The next message to come.
    pub cursor: Ordinal,
    /// From which slot on they have to be shown again together with what comes next: the first empty one
    /// behind the last message in place, which can still turn out to be one of ours.
    pub keep_from: usize,
    /// Empty slots that have to be examined before it can go on.
    pub examine: Vec<Seq>,
    /// Which slot is newer than what was still to come: from there on none of ours is in its place.
    pub overtaken: Option<usize>,
}

/// So many more empty slots than missing messages still count as ours: others delete theirs as well. Above
/// that, numbers were skipped (law 4).
const SPARE: usize = 4;

/// Reads `log`, which begins right behind the slot of the message before `cursor`.
pub fn align(book: &impl Book, cursor: Ordinal, end: Ordinal, log: &[Sighting]) -> Alignment {
    let cursor = settle_rejects(book, cursor, end);
    let mut a = Aligner {
        book,
        start: cursor,
        end,
        cursor,
        fates: Vec::with_capacity(log.len()),
        empties: Vec::new(),
        seen: HashMap::with_capacity(log.len()),
    };
    let mut overtaken = None;
    let mut examine = Vec::new();
    for (at, sighting) in log.iter().enumerate() {
        let fate = match &sighting.who {
            Who::Empty { .. } => {
                a.empties.push(at);
                Fate::Empty
            }
            Who::Foreign => Fate::Foreign,
            Who::Newer { older, .. } => {
                if a.cursor < *older {
                    a.end = a.cursor;
                    overtaken.get_or_insert(at);
                }
                Fate::Foreign
            }
            Who::Former { ids, .. } if book.is_withdrawn(&ids.server) => Fate::Returned,
            Who::Former { ordinal, .. } => Fate::Surplus(*ordinal),
            Who::Ours { ids, ordinals, .. } => match a.ours(ids, ordinals, log) {
                Ok(fate) => fate,
                Err(unexamined) => {
                    examine = unexamined;
                    break;
                }
            },
        };
        a.fates.push(fate);
    }
    let keep_from = a.empties.first().copied().unwrap_or(a.fates.len());
    Alignment { fates: a.fates, cursor: a.cursor, keep_from, examine, overtaken }
}

struct Aligner<'a, B> {
    book: &'a B,
    /// Where the cursor was before.
    start: Ordinal,
    end: Ordinal,
    cursor: Ordinal,
    fates: Vec<Fate>,
    /// Indices of empty slots since the last message in place.
    empties: Vec<usize>,
    /// Names seen in this slice, and what they were taken for.
    seen: HashMap<MsgId, Fate>,
}

impl<B: Book> Aligner<'_, B> {
    fn ours(&mut self, ids: &Ids, ordinals: &[Ordinal], log: &[Sighting]) -> Result<Fate, Vec<Seq>> {
        if self.book.is_withdrawn(&ids.server) {
            return Ok(Fate::Returned);
        }
        match self.seen.get(&ids.server) {
            Some(Fate::InPlace(ordinal)) => return Ok(Fate::Copy(*ordinal)),
            // What is not in its place is no better the second time.
            Some(fate) => return Ok(fate.clone()),
            None => {}
        }
        // A name with a receipt is never another message, though one that is equal be due.
        let copied = ordinals
            .iter()
            .filter(|ordinal| **ordinal < self.start)
            .find(|ordinal| matches!(self.book.past(**ordinal), Past::Confirmed(known) if known.server == ids.server));
        if let Some(ordinal) = copied {
            return Ok(Fate::Copy(*ordinal));
        }
        let fate = self.place(ordinals, log)?;
        self.seen.insert(ids.server.clone(), fate.clone());
        Ok(fate)
    }

    fn place(&mut self, ordinals: &[Ordinal], log: &[Sighting]) -> Result<Fate, Vec<Seq>> {
        if let Some(ordinal) = self.next_in(ordinals) {
            self.advance_to(Ordinal(ordinal.0 + 1));
            return Ok(Fate::InPlace(ordinal));
        }
        let Some(ahead) = ordinals.iter().copied().find(|ordinal| *ordinal >= self.cursor) else {
            return Ok(self.behind(ordinals));
        };
        if ahead >= self.end {
            return Ok(Fate::Early(ahead));
        }
        let missing: Vec<Ordinal> = (self.cursor.0..ahead.0)
            .map(Ordinal)
            .filter(|ordinal| self.book.due(*ordinal) == Due::Message)
            .collect();
        let unexamined: Vec<Seq> = self
            .empties
            .iter()
            .map(|at| &log[*at])
            .filter(|slot| slot.who == Who::Empty { examined: false })
            .map(|slot| slot.seq)
            .collect();
        if !unexamined.is_empty() {
            return Err(unexamined);
        }
        // What stands somewhere is not hidden.
        let stands = self.seen.values().any(|fate| matches!(fate, Fate::Early(o) if missing.contains(o)));
        let enough = (missing.len()..=missing.len() + SPARE).contains(&self.empties.len());
        if !missing.is_empty() && enough && !stands {
            // "An empty slot between matched neighbours is a hidden or deleted one of ours."
            for (at, ordinal) in self.empties.iter().zip(missing) {
                self.fates[*at] = Fate::Hidden(ordinal);
            }
            self.advance_to(Ordinal(ahead.0 + 1));
            return Ok(Fate::InPlace(ahead));
        }
        Ok(Fate::Early(ahead))
    }

    /// The one of these that is the next to come.
    fn next_in(&self, ordinals: &[Ordinal]) -> Option<Ordinal> {
        let mut next = self.cursor;
        while next < self.end {
            if ordinals.contains(&next) {
                return Some(next);
            }
            if self.book.due(next) != Due::Perhaps {
                return None;
            }
            next.0 += 1;
        }
        None
    }

    fn advance_to(&mut self, cursor: Ordinal) {
        self.cursor = settle_rejects(self.book, cursor, self.end);
        self.empties.clear();
    }

    /// All it can be has its place already.
    fn behind(&self, ordinals: &[Ordinal]) -> Fate {
        // What was placed in this very slice has another name than this, see `seen`; what has a receipt was
        // compared with it. Of the rest nothing is known, and without a receipt a copy of the server can't be
        // told from one of ours: nothing is called surplus, and so withdrawn, on content alone. One that was
        // refused, and was not there when what comes after it was, is no longer to come.
        let is_settled = |ordinal: Ordinal| {
            ordinal >= self.start
                && (self.book.due(ordinal) == Due::Perhaps
                    || self.seen.values().any(|fate| *fate == Fate::InPlace(ordinal)))
        };
        let unknown = ordinals
            .iter()
            .find(|ordinal| !is_settled(**ordinal) && self.book.past(**ordinal) == Past::Unknown);
        match unknown {
            Some(ordinal) => Fate::Copy(*ordinal),
            None => Fate::Surplus(ordinals.last().copied().unwrap_or(self.cursor)),
        }
    }
}

/// The first ordinal from there on that something is to come for, or may.
fn settle_rejects(book: &impl Book, mut cursor: Ordinal, end: Ordinal) -> Ordinal {
    while cursor < end && book.due(cursor) == Due::Nothing {
        cursor.0 += 1;
    }
    cursor
}

#[cfg(test)]
mod tests;
