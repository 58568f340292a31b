//! Messages of a conversation, in the order of sending: page by page, and by what a reply quotes.

use std::ops::Range;

use rusqlite::{OptionalExtension, params};

use super::block::{Entry, Reply, Target, Unpacker};
use super::error::{InJob, JobError};
use super::read::{JobReader, block_id, from_sql};
use super::record::Spooled;
use super::{ConvNo, Conversation};
use crate::message::{Ordinal, SendTime};

impl JobReader {
    /// At most `max` entries of a conversation from the ordinal on, in the order of sending.
    pub fn entries(&self, conv: ConvNo, from: Ordinal, max: usize) -> Result<Vec<Entry>, JobError> {
        let mut entries = Vec::with_capacity(max.min(1024));
        let mut next = from.0;
        while entries.len() < max {
            let before = entries.len();
            let Some((first, data)) = self.block(conv, next)? else { break };
            let mut unpacker = Unpacker::new(first, &data);
            entries.extend(unpacker.by_ref().skip_while(|entry| entry.ordinal.0 < next).take(max - before));
            let Some(last) = entries.get(before..).and_then(<[Entry]>::last) else {
                if unpacker.is_done() {
                    break;
                }
                return Err(self.damaged(&format!("block {} of conversation {}", first.0, conv.0)));
            };
            next = last.ordinal.0 + 1;
        }
        Ok(entries)
    }

    /// The message of an entry, as it is sent. A reply that goes out as text is one, with the words it answers;
    /// one that quotes has its slot still open, and those words in the text that may have to stand for it.
    pub fn message(&self, entry: &Entry) -> Result<Spooled, JobError> {
        let mut message = self.spool()?.message(entry)?;
        if entry.moved {
            message = message.written_at(entry.written());
        }
        match entry.reply {
            Reply::No => return Ok(message),
            Reply::To(target) if message.lacks_words() => {
                message.put_words_of(&self.spool()?.read_whole(target.offset)?);
            }
            Reply::AsText if message.lacks_words() => {
                let target = message.quote.as_ref().map(|slot| self.spooled_as(&slot.target)).transpose()?;
                if let Some((_, target)) = target.flatten().filter(|(offset, _)| *offset != entry.offset) {
                    message.put_words_of(&target);
                }
            }
            Reply::To(_) | Reply::AsText => {}
        }
        Ok(if entry.reply == Reply::AsText { message.as_text() } else { message })
    }

    /// Which message of the conversation a reply quotes; `None` if it isn't in the job any more.
    pub fn ordinal_of(&self, conv: ConvNo, target: Target) -> Result<Option<Ordinal>, JobError> {
        for (first, messages) in self.segments_up_to(conv, target.send_time)? {
            // The first block that begins later than the target ends the search.
            let (mut low, mut high) = (first, first + messages);
            while low < high {
                let middle = low + (high - low) / 2;
                let Some((block, data)) = self.block(conv, middle)? else { break };
                let mut entries = Unpacker::new(block, &data).skip_while(|entry| entry.ordinal.0 < first);
                let at = |entry: &Entry| (entry.written(), entry.offset);
                let wanted = (target.send_time, target.offset);
                let Some(start) = entries.next() else { break };
                if at(&start) > wanted {
                    high = start.ordinal.0;
                    continue;
                }
                let mut last = start;
                for entry in std::iter::once(start).chain(entries) {
                    if at(&entry) == wanted {
                        return Ok(Some(entry.ordinal));
                    }
                    last = entry;
                }
                if at(&last) > wanted {
                    break;
                }
                low = last.ordinal.0 + 1;
            }
        }
        Ok(None)
    }

    /// Messages of a conversation that were written at that time, in the order of sending.
    pub fn written_at(&self, conv: ConvNo, time: SendTime) -> Result<Vec<Entry>, JobError> {
        let mut found = Vec::new();
        for (first, messages) in self.segments(conv, time)? {
            let end = first + messages;
            let mut next = self.first_where(conv, first..end, |entry| entry.send_time >= time)?;
            while next < end {
                let page = self.entries(conv, Ordinal(next), 64)?;
                let before = found.len();
                let same = |entry: &Entry| entry.send_time == time && entry.ordinal.0 < end;
                found.extend(page.iter().copied().take_while(same));
                let all = found.len() - before == page.len();
                match page.last() {
                    Some(last) if all => next = last.ordinal.0 + 1,
                    _ => break,
                }
            }
        }
        Ok(found)
    }

    /// The first message of a conversation that is sent under a later time, or one behind the last: times rise with the
    /// ordinals.
    pub fn first_later(&self, conversation: &Conversation, time: SendTime) -> Result<Ordinal, JobError> {
        let all = conversation.messages;
        if conversation.last_time <= time {
            return Ok(Ordinal(all));
        }
        self.first_where(conversation.no, 0..all, |entry| entry.send_time > time).map(Ordinal)
    }

    /// The first of these messages of which that is so, as of all behind it; the end, if it is so of none.
    fn first_where(
        &self,
        conv: ConvNo,
        Range { start: mut low, end: mut high }: Range<u64>,
        is_so: impl Fn(&Entry) -> bool,
    ) -> Result<u64, JobError> {
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(entry) = self.entries(conv, Ordinal(middle), 1)?.pop() else { break };
            if is_so(&entry) { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The block that holds the ordinal, or the last one before it.
    fn block(&self, conv: ConvNo, ordinal: u64) -> Result<Option<(Ordinal, Vec<u8>)>, JobError> {
        self.db
            .prepare_cached("SELECT id, data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")
            .and_then(|mut statement| {
                statement
                    .query_row([block_id(conv, 0), block_id(conv, ordinal)], |row| {
                        let first = from_sql(row.get(0)?) & u64::from(u32::MAX);
                        Ok((Ordinal(first), row.get(1)?))
                    })
                    .optional()
            })
            .in_job(self.dir())
    }

    /// First ordinal and count of the passes in which a message of that time can be.
    fn segments(&self, conv: ConvNo, time: SendTime) -> Result<Vec<(u64, u64)>, JobError> {
        self.rows(
            "SELECT first, messages FROM segments
             WHERE conv = ?1 AND first_time <= ?2 AND last_time >= ?2 ORDER BY pass",
            params![conv.0, time.0],
            |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
        )
    }

    /// The same of a message written then: none is sent earlier than it was written, some are sent later.
    fn segments_up_to(&self, conv: ConvNo, written: SendTime) -> Result<Vec<(u64, u64)>, JobError> {
        self.rows(
            "SELECT first, messages FROM segments WHERE conv = ?1 AND last_time >= ?2 ORDER BY pass",
            params![conv.0, written.0],
            |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
        )
    }
}
