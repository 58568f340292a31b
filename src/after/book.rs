//! What the job knows about a conversation, for comparing it with the log.

use std::collections::HashMap;

use super::verify::{Book, Comparison, Withdrawal};
use crate::job::{Conversation, Entry, JobError, JobReader, Spooled};
use crate::log::{Seen, Stored, candidates, formerly, is_same};
use crate::message::{Ids, MsgId, Ordinal};

/// One conversation of the job, being compared.
pub(super) struct JobBook<'a> {
    pub(super) reader: &'a JobReader,
    pub(super) conversation: &'a Conversation,
    pub(super) memory: &'a mut Memory,
}

/// What need not be looked up again for every message.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Entries of the index around the last one asked for.
    entries: Vec<Entry>,
    /// Names of what was withdrawn, once somebody asked.
    withdrawn: Option<HashMap<MsgId, Withdrawal>>,
}

impl JobBook<'_> {
    /// The entry of a message.
    pub(super) fn entry(&mut self, ordinal: Ordinal) -> Result<Entry, JobError> {
        const PAGE: usize = 256;
        let first = self.memory.entries.first().map_or(0, |entry| entry.ordinal.0);
        let known = |entries: &[Entry], first: u64| {
            let at = ordinal.0.checked_sub(first)?;
            entries.get(usize::try_from(at).ok()?).copied().filter(|entry| entry.ordinal == ordinal)
        };
        if let Some(entry) = known(&self.memory.entries, first) {
            return Ok(entry);
        }
        self.memory.entries = self.reader.entries(self.conversation.no, ordinal, PAGE)?;
        known(&self.memory.entries, ordinal.0).ok_or_else(|| JobError::Damaged {
            path: self.reader.dir().to_owned(),
            what: format!("message {} of `{}` is not in the index", ordinal.0, self.conversation.id()),
        })
    }

    /// The message.
    pub(super) fn message(&mut self, ordinal: Ordinal) -> Result<Spooled, JobError> {
        let entry = self.entry(ordinal)?;
        self.reader.message(&entry)
    }
}

impl Book for JobBook<'_> {
    type Record = Stored<'static>;
    type Error = JobError;

    fn compare(&mut self, ordinal: Ordinal, record: &Self::Record) -> Result<Comparison, JobError> {
        let message = self.message(ordinal)?;
        if record.content_type == REVOKED {
            return Ok(Comparison::Revoked);
        }
        Ok(if is_same(&message, record) {
            Comparison::Equal
        } else {
            Comparison::Differs(difference(&message, record))
        })
    }

    fn equals(&mut self, record: &Self::Record) -> Result<Vec<Ordinal>, JobError> {
        candidates(self.reader, self.conversation, record)
    }

    fn formerly(&mut self, record: &Self::Record) -> Result<Option<Ordinal>, JobError> {
        formerly(self.reader, self.conversation, record)
    }

    fn named(&mut self, ids: &[&Ids]) -> Result<Vec<Option<Ordinal>>, JobError> {
        const PAGE: usize = 4096;
        let mut wanted: HashMap<&MsgId, Option<Ordinal>> = HashMap::with_capacity(ids.len());
        wanted.extend(ids.iter().map(|ids| (&ids.client, None)));
        let mut from = Ordinal(0);
        loop {
            let page = self.reader.receipts(self.conversation.no, from, PAGE)?;
            let Some(last) = page.last() else { break };
            from = Ordinal(last.ordinal.0 + 1);
            for receipt in &page {
                // Clients fold copies by this one (law 5).
                if let Some(known) = receipt.ids.as_ref().and_then(|ids| wanted.get_mut(&ids.client)) {
                    *known = Some(receipt.ordinal);
                }
            }
        }
        Ok(ids.iter().map(|ids| wanted.get(&ids.client).copied().flatten()).collect())
    }

    fn withdrawal(&mut self, ids: &Ids) -> Result<Option<Withdrawal>, JobError> {
        if self.memory.withdrawn.is_none() {
            let conv = self.conversation.no;
            let done = self.reader.withdrawn(conv)?.into_iter().map(|one| (one.ids.server, Withdrawal::Done));
            let mut withdrawn: HashMap<MsgId, Withdrawal> = done.collect();
            let open = self.reader.withdrawn_open(conv)?.into_iter();
            withdrawn.extend(open.map(|server| (server, Withdrawal::Open)));
            self.memory.withdrawn = Some(withdrawn);
        }
        Ok(self.memory.withdrawn.as_ref().and_then(|withdrawn| withdrawn.get(&ids.server)).copied())
    }
}

/// `contentType` of a message that its sender took back (law 13).
const REVOKED: i32 = 2101;

/// What differs, the most telling first.
fn difference(message: &Spooled, record: &Stored<'_>) -> String {
    let sender = message.sender.as_str();
    if record.sender != sender {
        return format!("its sender is `{}`, not `{sender}`", record.sender);
    }
    if record.time != message.send_time {
        return format!("its sendTime is {}, not {}", record.time.0, message.send_time.0);
    }
    if record.content_type != message.content_type.code() && message.quote.is_none() {
        let (is, was) = (record.content_type, message.content_type.code());
        return format!("its contentType is {is}, not {was}");
    }
    if record.ex != message.ex() {
        return "its `ex` is another".to_owned();
    }
    "its content is another".to_owned()
}

impl From<Seen> for (Ids, Stored<'static>) {
    fn from(seen: Seen) -> Self {
        (seen.ids, seen.stored)
    }
}
