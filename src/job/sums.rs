//! What a job holds and what of it is confirmed, added up for the report: one walk over index, receipts and spool side
//! by side, in constant memory.

use std::collections::{BTreeMap, HashSet};

use rusqlite::Rows;
use sha2::{Digest, Sha256};

use super::ConvNo;
use super::block::Unpacker;
use super::error::{InJob, JobError};
use super::read::{JobReader, from_sql};
use super::receipts::unpack;
use crate::message::Ordinal;

/// So many in the job, so many of them confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// In the job.
    pub held: u64,
    /// Of these, confirmed and not undone.
    pub confirmed: u64,
}

/// A job, added up. What went out once more counts once, as everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Messages.
    pub messages: Pair,
    /// Messages between two users.
    pub in_singles: Pair,
    /// Messages in groups.
    pub in_groups: Pair,
    /// Conversations between two users; "confirmed" are those of which every message is.
    pub singles: Pair,
    /// Groups; the same.
    pub groups: Pair,
    /// By the day on which they were written, in days since 1970 (UTC).
    pub by_day: BTreeMap<i64, Pair>,
    /// By `contentType`; `None`: the texts were removed.
    pub by_type: Option<BTreeMap<i32, Pair>>,
    /// The longest conversations, the longest first.
    pub longest: Vec<(ConvNo, Pair)>,
    /// SHA-256 over the bodies of all confirmed messages, conversation by conversation in the order of sending; `None`: the
    /// texts were removed.
    pub sent: Option<[u8; 32]>,
}

/// Conversations of [`Sums::longest`].
const LONGEST: usize = 20;
const DAY: i64 = 86_400_000;

impl JobReader {
    /// Adds the job up.
    pub fn sums(&self) -> Result<Sums, JobError> {
        let spool = if self.is_purged()? { None } else { Some(self.spool()?) };
        let undone: HashSet<u32> =
            self.rows("SELECT conv FROM undo", [], |row| row.get(0))?.into_iter().collect();
        let superseded = self.all_superseded()?;
        let prepared = |sql: &str| self.db.prepare_cached(sql).in_job(self.dir());
        let (mut of_receipts, mut of_blocks, mut of_kinds) = (
            prepared("SELECT id, data FROM receipts ORDER BY id")?,
            prepared("SELECT id, data FROM blocks ORDER BY id")?,
            prepared("SELECT no, b IS NULL FROM conversations ORDER BY no")?,
        );
        let mut receipts = Confirmed { rows: of_receipts.query([]).in_job(self.dir())?, page: Vec::new() };
        let mut blocks = of_blocks.query([]).in_job(self.dir())?;
        let mut kinds = of_kinds.query([]).in_job(self.dir())?;
        let (mut sums, mut digest) = (Sums::default(), Sha256::new());
        let mut by_type: BTreeMap<i32, Pair> = BTreeMap::new();
        let mut current: Option<(u32, Pair)> = None;
        while let Some(row) = blocks.next().in_job(self.dir())? {
            let (conv, first) = split(row.get(0).in_job(self.dir())?);
            let data: Vec<u8> = row.get(1).in_job(self.dir())?;
            if current.is_none_or(|(known, _)| known != conv) {
                self.conversation_ends(&mut sums, current.replace((conv, Pair::default())), &mut kinds)?;
            }
            let again = superseded.get(&conv);
            for entry in Unpacker::new(first, &data) {
                let is_confirmed = receipts.has(self, conv, entry.ordinal)? && !undone.contains(&conv);
                if again.is_some_and(|again| again.contains(&entry.ordinal)) {
                    continue;
                }
                if let Some((_, pair)) = &mut current {
                    pair.add(is_confirmed);
                }
                sums.messages.add(is_confirmed);
                let day = entry.written().0.div_euclid(DAY);
                sums.by_day.entry(day).or_default().add(is_confirmed);
                if let Some(spool) = spool {
                    let message = spool.message(&entry)?;
                    let message =
                        if entry.reply == super::Reply::AsText { message.as_text() } else { message };
                    by_type.entry(message.content_type.code()).or_default().add(is_confirmed);
                    if is_confirmed {
                        digest.update(&message.body);
                    }
                }
            }
        }
        self.conversation_ends(&mut sums, current, &mut kinds)?;
        if spool.is_some() {
            (sums.by_type, sums.sent) = (Some(by_type), Some(digest.finalize().into()));
        }
        Ok(sums)
    }

    /// Counts a conversation that was walked through. Conversations come in the order of their rows.
    fn conversation_ends(
        &self,
        sums: &mut Sums,
        ended: Option<(u32, Pair)>,
        kinds: &mut Rows<'_>,
    ) -> Result<(), JobError> {
        let Some((conv, pair)) = ended else { return Ok(()) };
        let mut is_group = false;
        while let Some(row) = kinds.next().in_job(self.dir())? {
            if row.get::<_, u32>(0).in_job(self.dir())? == conv {
                is_group = row.get(1).in_job(self.dir())?;
                break;
            }
        }
        let (conversations, messages) = if is_group {
            (&mut sums.groups, &mut sums.in_groups)
        } else {
            (&mut sums.singles, &mut sums.in_singles)
        };
        conversations.add(pair.held == pair.confirmed);
        messages.held += pair.held;
        messages.confirmed += pair.confirmed;
        let at = sums.longest.partition_point(|(_, other)| other.held >= pair.held);
        if at < LONGEST {
            sums.longest.insert(at, (ConvNo(conv), pair));
            sums.longest.truncate(LONGEST);
        }
        Ok(())
    }
}

impl Pair {
    fn add(&mut self, is_confirmed: bool) {
        self.held += 1;
        self.confirmed += u64::from(is_confirmed);
    }
}

/// Walks over the receipts as somebody walks over the index: asked in that order, never back.
struct Confirmed<'a> {
    rows: Rows<'a>,
    /// What a row holds, the last one first.
    page: Vec<(u32, Ordinal)>,
}

impl Confirmed<'_> {
    fn has(&mut self, job: &JobReader, conv: u32, ordinal: Ordinal) -> Result<bool, JobError> {
        loop {
            while self.page.last().is_some_and(|next| *next < (conv, ordinal)) {
                self.page.pop();
            }
            if let Some(next) = self.page.last() {
                return Ok(*next == (conv, ordinal));
            }
            let Some(row) = self.rows.next().in_job(job.dir())? else { return Ok(false) };
            let (of, first) = split(row.get(0).in_job(job.dir())?);
            let data: Vec<u8> = row.get(1).in_job(job.dir())?;
            let receipts = unpack(first, &data).ok_or_else(|| job.damaged("a receipt"))?;
            self.page.extend(receipts.iter().rev().map(|receipt| (of, receipt.ordinal)));
        }
    }
}

/// Conversation and ordinal of a row of blocks or receipts.
fn split(id: i64) -> (u32, Ordinal) {
    let conv = u32::try_from(id >> 32).unwrap_or(u32::MAX);
    (conv, Ordinal(from_sql(id) & u64::from(u32::MAX)))
}
