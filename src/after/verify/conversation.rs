//! One conversation, from its first slot to the safe bound: what stood there before the job began may be its own
//! history as well, imported by another job.

use std::collections::{BTreeMap, HashMap};

use super::expected::Ahead;
use super::walk::{Finding, Slot, Standing, Walk};
use super::{Checked, Event, Shared};
use crate::after::book::{JobBook, Memory};
use crate::after::difference::{Counts, Difference, Kind};
use crate::after::repair::{self, Double, Moved};
use crate::after::visit::AfterError;
use crate::job::{Conversation, JobError, JobReader, SharedReader};
use crate::log::{Log, Lookup, PAGE, Seen, look_for};
use crate::message::{MsgId, Ordinal, Seq, SourceId};
use crate::openim::pages;

/// Verifies it; `None`: nothing of it was sent yet, or it was undone.
pub(super) async fn verify(
    shared: &Shared,
    desk: &SharedReader,
    conversation: &Conversation,
) -> Result<Option<Checked>, AfterError> {
    let Some(progress) = desk.read(|reader| reader.progress(conversation.no))? else { return Ok(None) };
    if desk.read(|reader| reader.undone(conversation.no))?.is_some() {
        return Ok(None);
    }
    let mut log = Log::open(&shared.server, desk, conversation).await?;
    let mut reading = Reading {
        shared,
        desk,
        conversation,
        ahead: desk.read(|reader| Ahead::new(reader, conversation.no))?,
        walk: Walk::new(Standing { baseline: progress.baseline, cursor: progress.cursor }),
        memory: Memory::default(),
        found: Vec::new(),
        counts: Counts::default(),
        missing: Vec::new(),
        doubles: Vec::new(),
        moved: Moved::new(),
        copies: desk.read(|reader| reader.doubles_of(conversation.no))?.into_iter().collect(),
        gone: Vec::new(),
        shown: Vec::new(),
    };
    reading.read(&mut log).await?;
    let expected = reading.ahead.count;
    let equal = reading.end(&log).await?;
    let deleted = if shared.extras.repair {
        let mend = (&reading.doubles[..], &reading.moved);
        repair::delete(&mut log, &shared.server, desk, conversation, mend).await?
    } else {
        0
    };
    Ok(Some(Checked {
        conv: conversation.no,
        name: conversation.id().0,
        expected,
        equal,
        unsent: conversation.messages.saturating_sub(progress.cursor.0),
        unread: (log.max_seq.0 - log.bound.0).max(0).unsigned_abs(),
        counts: reading.counts,
        deleted,
        missing: reading.missing,
        gone: reading.gone,
        shown: reading.shown,
        fell_back: log.max_seq < progress.read_to,
    }))
}

struct Reading<'a> {
    shared: &'a Shared,
    desk: &'a SharedReader,
    conversation: &'a Conversation,
    ahead: Ahead,
    walk: Walk,
    memory: Memory,
    found: Vec<Finding>,
    counts: Counts,
    /// Messages that have to be sent again.
    missing: Vec<Ordinal>,
    /// Second copies that may be deleted.
    doubles: Vec<Double>,
    /// Messages that stand elsewhere than where they were confirmed.
    moved: Moved,
    /// Copies that the server made, as the job knows them.
    copies: BTreeMap<Seq, MsgId>,
    /// Of these, the slots of those that stand there no more.
    gone: Vec<Seq>,
    /// Messages that nobody was shown when they were confirmed, and that can be read by now.
    shown: Vec<Ordinal>,
}

impl Reading<'_> {
    async fn read(&mut self, log: &mut Log<'_>) -> Result<(), AfterError> {
        for (from, to) in pages(Seq(1), log.bound, PAGE) {
            let ahead = &mut self.ahead;
            self.desk.read(|reader| ahead.up_to(reader, to))?;
            let mut wanted = self.ahead.slots(from, to);
            let compared = u64::try_from(wanted.len()).unwrap_or(0);
            wanted.extend(self.copies.range(from..=to).map(|(seq, _)| *seq));
            let seen = log.page(from, to, &wanted).await?;
            self.look_for_copies(from, to, &seen);
            self.take(from, to, seen)?;
            self.shared.say(Event::Compared(compared)).await?;
            self.tell().await?;
        }
        // A message confirmed out of its turn, whose receipt was met when its slot had been passed.
        let ahead = &mut self.ahead;
        self.desk.read(|reader| ahead.up_to(reader, Seq(i64::MAX)))?;
        for seq in self.ahead.slots(Seq(1), log.bound) {
            let seen = log.page(seq, seq, &[seq]).await?;
            self.take(seq, seq, seen)?;
        }
        Ok(())
    }

    /// Which copies that the job knows stand in these slots no more.
    fn look_for_copies(&mut self, from: Seq, to: Seq, seen: &[Seen]) {
        let stands = |seq: Seq, server: &MsgId| {
            seen.binary_search_by_key(&seq, |one| one.seq).is_ok_and(|at| seen[at].ids.server == *server)
        };
        let gone = self.copies.range(from..=to).filter(|(seq, server)| !stands(**seq, server));
        self.gone.extend(gone.map(|(seq, _)| *seq));
    }

    /// Puts slots before the walk.
    fn take(&mut self, from: Seq, to: Seq, seen: Vec<Seen>) -> Result<(), JobError> {
        let mut seen: HashMap<Seq, Seen> = seen.into_iter().map(|one| (one.seq, one)).collect();
        let Self { desk, conversation, ahead, walk, memory, found, shown, .. } = self;
        desk.read(|reader| {
            let mut book = JobBook { reader, conversation, memory };
            for seq in (from.0..=to.0).map(Seq) {
                let record = seen.remove(&seq).map(|one| (one.ids, one.stored));
                let expected = ahead.take(seq);
                if let (Some(expected), Some((ids, _))) = (&expected, &record)
                    && expected.ids.as_ref().is_some_and(|known| known.server == ids.server)
                    && ahead.was_hidden(expected.ordinal)
                {
                    shown.push(expected.ordinal);
                }
                walk.slot(&mut book, expected, Slot { seq, record }, found)?;
            }
            Ok(())
        })
    }

    async fn end(&mut self, log: &Log<'_>) -> Result<u64, AfterError> {
        let Self { desk, conversation, memory, found, walk, ahead, .. } = self;
        let equal = desk.read(|reader| {
            let mut book = JobBook { reader, conversation, memory };
            walk.end(&mut book, found)
        })?;
        // What is left stands behind the safe bound: lost if the log doesn't reach so far, else unknown.
        for expected in ahead.left() {
            if expected.seq > log.max_seq {
                let detail =
                    format!("it was confirmed at seq {}, the log ends at {}", expected.seq, log.max_seq);
                let (ordinal, ids) = (Some(expected.ordinal), expected.ids);
                found.push(Finding { kind: Kind::Missing, ordinal, seq: None, ids, detail });
            }
        }
        self.tell().await?;
        Ok(equal)
    }

    /// Tells what was found since the last time.
    async fn tell(&mut self) -> Result<(), AfterError> {
        for mut finding in std::mem::take(&mut self.found) {
            if finding.kind == Kind::Empty {
                self.look_into_the_store(&mut finding).await?;
            }
            self.counts.add(finding.kind, 1);
            if self.shared.extras.repair {
                self.note(&finding);
            }
            let difference = self.desk.read(|reader| describe(reader, self.conversation, &finding))?;
            self.shared.say(Event::Difference(difference)).await?;
        }
        Ok(())
    }

    /// The log alone does not say whether an empty slot is hidden or deleted; the store does.
    async fn look_into_the_store(&self, finding: &mut Finding) -> Result<(), AfterError> {
        let Some(ordinal) = finding.ordinal.filter(|_| self.shared.may_ask_the_store()) else {
            return Ok(());
        };
        let message = self.desk.read(|reader| {
            let mut memory = Memory::default();
            JobBook { reader, conversation: self.conversation, memory: &mut memory }.message(ordinal)
        })?;
        match look_for(&self.shared.server, &message, finding.ids.as_ref()).await? {
            Lookup::There => finding.kind = Kind::Hidden,
            Lookup::Absent => {
                finding.kind = Kind::Missing;
                "deleted: its slot is empty, and the store doesn't have it".clone_into(&mut finding.detail);
            }
            Lookup::Unsure => {}
        }
        Ok(())
    }

    /// What has to be mended.
    fn note(&mut self, finding: &Finding) {
        match (finding.kind, finding.ordinal, finding.seq, &finding.ids) {
            (Kind::Missing, Some(ordinal), ..) => self.missing.push(ordinal),
            (Kind::Doubled, ordinal, Some(seq), Some(ids)) => {
                self.doubles.push(Double { seq, ids: ids.clone(), ordinal });
            }
            (Kind::OutOfPlace, Some(ordinal), Some(seq), Some(ids)) => {
                self.moved.insert(ordinal, (seq, ids.clone()));
            }
            _ => {}
        }
    }
}

/// A finding with the names that people know.
fn describe(
    reader: &JobReader,
    conversation: &Conversation,
    finding: &Finding,
) -> Result<Difference, JobError> {
    let mut difference = Difference {
        kind: finding.kind,
        conversation: conversation.id().0,
        seq: finding.seq.map(|seq| seq.0),
        place: None,
        id: None,
        detail: finding.detail.clone(),
    };
    if let Some(ordinal) = finding.ordinal {
        let mut memory = Memory::default();
        let message = JobBook { reader, conversation, memory: &mut memory }.message(ordinal)?;
        difference.place = Some(reader.name_of(message.place)?);
        difference.id = message.source_id.map(|SourceId(id)| id);
    }
    Ok(difference)
}
