//! The messages of a conversation that were confirmed, by slot: read ahead of the log, a page at a time.

use std::collections::{BTreeMap, HashSet};

use super::walk::Expected;
use crate::job::{ConvNo, JobError, JobReader};
use crate::message::{Ordinal, Seq};

/// Receipts, handed out by slot.
///
/// They lie in the order of messages, which is that of slots but for a few that were confirmed out of their
/// turn: those are met early and wait here for their slots.
#[derive(Debug)]
pub(in crate::after) struct Ahead {
    conv: ConvNo,
    superseded: HashSet<Ordinal>,
    by_slot: BTreeMap<Seq, Expected>,
    /// Messages that nobody was shown when they were confirmed.
    hidden: HashSet<Ordinal>,
    /// The next receipt to be read; `None`: all were.
    next: Option<Ordinal>,
    /// The lowest slot of the last page that was read.
    reached: Seq,
    /// How many were read.
    pub(in crate::after) count: u64,
}

/// Receipts read at once.
const PAGE: usize = 512;

impl Ahead {
    pub(in crate::after) fn new(reader: &JobReader, conv: ConvNo) -> Result<Self, JobError> {
        Ok(Self {
            conv,
            superseded: reader.superseded(conv)?.into_iter().collect(),
            by_slot: BTreeMap::new(),
            hidden: HashSet::new(),
            next: Some(Ordinal(0)),
            reached: Seq(i64::MIN),
            count: 0,
        })
    }

    /// Reads all receipts of slots up to that one.
    pub(in crate::after) fn up_to(&mut self, reader: &JobReader, slot: Seq) -> Result<(), JobError> {
        while let Some(from) = self.next
            && self.reached <= slot
        {
            let page = reader.receipts(self.conv, from, PAGE)?;
            self.next = page.last().map(|last| Ordinal(last.ordinal.0 + 1));
            self.reached = page.iter().map(|receipt| receipt.seq).min().unwrap_or(slot);
            for receipt in page {
                if !self.superseded.contains(&receipt.ordinal) {
                    let (ordinal, seq, ids) = (receipt.ordinal, receipt.seq, receipt.ids);
                    if receipt.hidden {
                        self.hidden.insert(ordinal);
                    }
                    self.by_slot.insert(seq, Expected { ordinal, seq, ids });
                    self.count += 1;
                }
            }
        }
        Ok(())
    }

    /// The slots from the one to the other in which something must stand.
    pub(in crate::after) fn slots(&self, from: Seq, to: Seq) -> Vec<Seq> {
        // A log can end before our first slot: another server, or one that lost its numbers.
        if from > to {
            return Vec::new();
        }
        self.by_slot.range(from..=to).map(|(seq, _)| *seq).collect()
    }

    /// What was confirmed in that slot; handed out once.
    pub(in crate::after) fn take(&mut self, slot: Seq) -> Option<Expected> {
        self.by_slot.remove(&slot)
    }

    /// Whether nobody was shown that message when it was confirmed; told once.
    pub(in crate::after) fn was_hidden(&mut self, ordinal: Ordinal) -> bool {
        self.hidden.remove(&ordinal)
    }

    /// What was not handed out: slots behind the last one that was read.
    pub(in crate::after) fn left(&mut self) -> impl Iterator<Item = Expected> + use<> {
        std::mem::take(&mut self.by_slot).into_values()
    }
}
