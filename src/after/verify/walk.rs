//! One conversation's log against the receipts, slot by slot: what stands where, and what does not.
//!
//! Pure: slots come in as they were read, findings go out. A receipt names the slot of its message, so each
//! is looked for where it was confirmed. What is not there may stand elsewhere, and what stands elsewhere may
//! be a copy: both are kept until the log is read to its end, up to a limit.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Kind;
use crate::message::{Ids, Ordinal, Seq};

/// A message that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::after) struct Expected {
    /// Which.
    pub(in crate::after) ordinal: Ordinal,
    /// Its slot.
    pub(in crate::after) seq: Seq,
    /// Its names; unknown where it could not be read when it was confirmed.
    pub(in crate::after) ids: Option<Ids>,
}

/// A slot as it was read; `None`: nobody sees anything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::after) struct Slot<R> {
    /// Its number.
    pub(in crate::after) seq: Seq,
    /// The message in it.
    pub(in crate::after) record: Option<(Ids, R)>,
}

/// A message in the log compared with one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::after) enum Comparison {
    /// The same.
    Equal,
    /// A user took it back (law 13).
    Revoked,
    /// Something differs: what, a lower-case clause.
    Differs(String),
}

/// What is known besides the log.
pub(in crate::after) trait Book {
    /// A message as it stands in the log.
    type Record;
    /// What goes wrong.
    type Error;

    /// Compares a record with that message.
    fn compare(&mut self, ordinal: Ordinal, record: &Self::Record) -> Result<Comparison, Self::Error>;
    /// All messages that the record is equal to, rising. For those written at its time only, so it is cheap.
    fn equals(&mut self, record: &Self::Record) -> Result<Vec<Ordinal>, Self::Error>;
    /// Which message the record is under a time that it had before it went behind what people wrote.
    fn formerly(&mut self, record: &Self::Record) -> Result<Option<Ordinal>, Self::Error>;
    /// Which messages were confirmed under these names. Reads all receipts of the conversation.
    fn named(&mut self, ids: &[&Ids]) -> Result<Vec<Option<Ordinal>>, Self::Error>;
    /// Whether we withdrew what has these names.
    fn withdrawal(&mut self, ids: &Ids) -> Result<Option<Withdrawal>, Self::Error>;
}

/// How far a message is that was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::after) enum Withdrawal {
    /// It is to be deleted, or looked for again: the run that began with it has not ended.
    Open,
    /// It stayed away.
    Done,
}

/// What the job knows of a conversation as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::after) struct Standing {
    /// What stands up to here was there before the job: of it, only what equals our own matters.
    pub(in crate::after) baseline: Seq,
    /// Messages from here on are not confirmed yet.
    pub(in crate::after) cursor: Ordinal,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::after) struct Finding {
    /// What.
    pub(in crate::after) kind: Kind,
    /// Which message; of somebody else's, none.
    pub(in crate::after) ordinal: Option<Ordinal>,
    /// Where.
    pub(in crate::after) seq: Option<Seq>,
    /// Under which names it stands there.
    pub(in crate::after) ids: Option<Ids>,
    /// What exactly.
    pub(in crate::after) detail: String,
}

/// A conversation being compared.
#[derive(Debug)]
pub(in crate::after) struct Walk {
    standing: Standing,
    /// Not confirmed yet, and seen.
    unsettled: BTreeSet<Ordinal>,
    /// Not in their slots. `true`: the slot is empty.
    absent: BTreeMap<Ordinal, (Expected, bool)>,
    /// Messages in slots that no receipt names.
    strays: Vec<Stray>,
    /// The latest message in its slot so far.
    latest: Option<Ordinal>,
    /// In their slots and equal, of all.
    pub(in crate::after) equal: u64,
    keep: usize,
}

#[derive(Debug)]
struct Stray {
    seq: Seq,
    ids: Ids,
    equals: Vec<Ordinal>,
    /// Where it is equal to none: which it was under a former time.
    former: Option<Ordinal>,
}

/// So many of each are kept: about 10 MB a conversation at worst.
const KEEP: usize = 50_000;

impl Walk {
    pub(in crate::after) fn new(standing: Standing) -> Self {
        let (absent, strays, unsettled) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { standing, unsettled, absent, strays, latest: None, equal: 0, keep: KEEP }
    }

    /// A slot, and the message that was confirmed in it.
    pub(in crate::after) fn slot<B: Book>(
        &mut self,
        book: &mut B,
        expected: Option<Expected>,
        slot: Slot<B::Record>,
        found: &mut Vec<Finding>,
    ) -> Result<(), B::Error> {
        match (expected, slot.record) {
            (None, None) => {}
            (None, Some((ids, record))) => self.stray(book, slot.seq, ids, &record)?,
            (Some(expected), None) => {
                self.absent.insert(expected.ordinal, (expected, true));
            }
            (Some(expected), Some((ids, record))) => {
                self.both(book, expected, (slot.seq, ids, &record), found)?;
            }
        }
        if self.strays.len() >= self.keep || self.absent.len() >= self.keep {
            self.resolve(book, found)?;
        }
        Ok(())
    }

    /// The log is read to its end.
    pub(in crate::after) fn end<B: Book>(
        &mut self,
        book: &mut B,
        found: &mut Vec<Finding>,
    ) -> Result<u64, B::Error> {
        self.resolve(book, found)?;
        Ok(self.equal)
    }

    fn both<B: Book>(
        &mut self,
        book: &mut B,
        expected: Expected,
        (seq, ids, record): (Seq, Ids, &B::Record),
        found: &mut Vec<Finding>,
    ) -> Result<(), B::Error> {
        let same_names =
            expected.ids.as_ref().map(|known| known.server == ids.server || known.client == ids.client);
        let comparison = match same_names {
            Some(false) => None,
            Some(true) => Some(book.compare(expected.ordinal, record)?),
            // The content has to tell.
            None => Some(book.compare(expected.ordinal, record)?).filter(|c| *c == Comparison::Equal),
        };
        let Some(comparison) = comparison else {
            self.absent.insert(expected.ordinal, (expected, false));
            return self.stray(book, seq, ids, record);
        };
        let mut say = |kind, detail| {
            let (ordinal, seq, ids) = (Some(expected.ordinal), Some(seq), Some(ids.clone()));
            found.push(Finding { kind, ordinal, seq, ids, detail });
        };
        match comparison {
            Comparison::Equal => self.equal += 1,
            Comparison::Revoked => say(Kind::Revoked, String::new()),
            Comparison::Differs(what) => say(Kind::Changed, what),
        }
        if self.latest > Some(expected.ordinal) {
            say(Kind::Late, String::new());
        }
        self.latest = self.latest.max(Some(expected.ordinal));
        Ok(())
    }

    fn stray<B: Book>(
        &mut self,
        book: &mut B,
        seq: Seq,
        ids: Ids,
        record: &B::Record,
    ) -> Result<(), B::Error> {
        let equals = book.equals(record)?;
        let former = if equals.is_empty() { book.formerly(record)? } else { None };
        if equals.is_empty() && former.is_none() && seq <= self.standing.baseline {
            return Ok(());
        }
        self.strays.push(Stray { seq, ids, equals, former });
        Ok(())
    }

    /// Which of these messages this is, where one of them was sent by a run that was cut off before it was confirmed:
    /// each is so once.
    fn on_its_way(&mut self, equals: &[Ordinal]) -> Option<Ordinal> {
        let mut unconfirmed = equals.iter().copied().filter(|ordinal| *ordinal >= self.standing.cursor);
        let ordinal = unconfirmed.find(|ordinal| !self.unsettled.contains(ordinal))?;
        self.unsettled.insert(ordinal);
        Some(ordinal)
    }

    /// Brings together what is missed and what stands elsewhere.
    fn resolve<B: Book>(&mut self, book: &mut B, found: &mut Vec<Finding>) -> Result<(), B::Error> {
        let strays = std::mem::take(&mut self.strays);
        let asked: Vec<&Ids> = strays.iter().map(|stray| &stray.ids).collect();
        let named = if asked.is_empty() { Vec::new() } else { book.named(&asked)? };
        for (stray, named) in strays.into_iter().zip(named) {
            let withdrawn = if named.is_none() { book.withdrawal(&stray.ids)? } else { None };
            let Stray { seq, ids, equals, former } = stray;
            let missed = match named {
                Some(ordinal) => Some(ordinal).filter(|ordinal| self.absent.contains_key(ordinal)),
                None if withdrawn.is_some() => None,
                None => equals.iter().copied().find(|ordinal| self.absent.contains_key(ordinal)),
            };
            let (kind, ordinal, detail) = match (missed, named.or(equals.first().copied()).or(former)) {
                (Some(ordinal), _) => {
                    let was = self.absent.remove(&ordinal).map_or(seq, |(expected, _)| expected.seq);
                    let other = if named.is_none() { ", under other names" } else { "" };
                    (Kind::OutOfPlace, Some(ordinal), format!("it was confirmed at seq {was}{other}"))
                }
                (None, Some(ordinal)) if named.is_some() => {
                    (Kind::Doubled, Some(ordinal), "a copy that the server made".to_owned())
                }
                (None, ordinal) if withdrawn == Some(Withdrawal::Open) => {
                    (Kind::Unsettled, ordinal, "it stands out of its place and is to be deleted".to_owned())
                }
                (None, ordinal) if withdrawn.is_some() => {
                    (Kind::Doubled, ordinal, "it was withdrawn and came back".to_owned())
                }
                (None, Some(ordinal)) if former.is_some() && ordinal >= self.standing.cursor => {
                    let detail = "it stands there under its former time, and is to be deleted";
                    (Kind::Unsettled, Some(ordinal), detail.to_owned())
                }
                (None, Some(first)) => match self.on_its_way(&equals) {
                    Some(ordinal) => (Kind::Unsettled, Some(ordinal), "not confirmed yet".to_owned()),
                    None if seq <= self.standing.baseline => {
                        (Kind::Doubled, Some(first), "it stood there before this job began".to_owned())
                    }
                    None => (Kind::Doubled, Some(first), "sent twice, under names of its own".to_owned()),
                },
                (None, None) => (Kind::Foreign, None, String::new()),
            };
            found.push(Finding { kind, ordinal, seq: Some(seq), ids: Some(ids), detail });
        }
        for (ordinal, (expected, empty)) in std::mem::take(&mut self.absent) {
            let kind = if empty { Kind::Empty } else { Kind::Missing };
            let (seq, detail) = if empty {
                (Some(expected.seq), String::new())
            } else {
                (None, format!("at seq {}, where it was confirmed, stands another message", expected.seq))
            };
            found.push(Finding { kind, ordinal: Some(ordinal), seq, ids: expected.ids, detail });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
