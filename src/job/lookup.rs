//! Finding messages by what is known of them: their time, their source id.

use rusqlite::OptionalExtension;

use super::block::Target;
use super::error::{InJob, JobError};
use super::keys::{Key, Known, find_in};
use super::read::{JobReader, from_sql};
use super::record::Spooled;
use super::{ConvNo, PassNo};
use crate::message::{ConversationId, Ordinal, SendTime, SourceId};

impl JobReader {
    /// How far somebody has read who read everything written up to that time: the last message before the
    /// first one that was written later, in the order of sending.
    pub fn last_until(&self, conv: ConvNo, time: SendTime) -> Result<Option<Ordinal>, JobError> {
        let segments: Vec<(u64, u64)> = self.rows(
            "SELECT first, messages FROM segments WHERE conv = ?1 ORDER BY pass",
            [conv.0],
            |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
        )?;
        let later = SendTime(time.0.saturating_add(1));
        let mut read = 0;
        for (first, messages) in segments {
            read = self.first_from(conv, (first, first + messages), later)?;
            if read < first + messages {
                break;
            }
        }
        Ok(read.checked_sub(1).map(Ordinal))
    }

    /// The message with that source id.
    pub fn by_source_id(&self, id: &SourceId) -> Result<Option<(ConversationId, Ordinal)>, JobError> {
        let Some((offset, message)) = self.spooled_as(id)? else { return Ok(None) };
        let conversation = message.conversation();
        let Some(conv) = self.find(&conversation)? else { return Ok(None) };
        let target = Target { send_time: message.send_time, offset };
        Ok(self.ordinal_of(conv.no, target)?.map(|ordinal| (conversation, ordinal)))
    }

    /// The record of the message with that source id, and where it begins in the spool; it may have been
    /// refused since.
    pub(super) fn spooled_as(&self, id: &SourceId) -> Result<Option<(u64, Spooled)>, JobError> {
        let key = Key::of(id.as_str().as_bytes());
        let passes: Vec<u32> =
            self.rows("SELECT no FROM passes WHERE state = 'ready' ORDER BY no", [], |row| row.get(0))?;
        for pass in passes {
            if let Some(Known::ById { offset, .. }) = self.known(PassNo(pass), key)? {
                return Ok(Some((offset, self.spool()?.read_whole(offset)?)));
            }
        }
        Ok(None)
    }

    /// The first ordinal in that stretch, which is one pass, whose message has that time or a later one; its
    /// end, if there is none.
    fn first_from(&self, conv: ConvNo, (first, end): (u64, u64), time: SendTime) -> Result<u64, JobError> {
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let page = self.entries(conv, Ordinal(middle), 1)?;
            let Some(entry) = page.first() else { break };
            if entry.written() < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// What a pass noted under a key: a binary search over its blocks.
    pub(super) fn known(&self, pass: PassNo, key: Key) -> Result<Option<Known>, JobError> {
        let block = |no: i64| -> Result<Option<Vec<u8>>, JobError> {
            self.db
                .prepare_cached("SELECT data FROM keys WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([no], |row| row.get(0)).optional())
                .in_job(self.dir())
        };
        let first = super::keys::first_block(pass);
        let last: Option<i64> = self
            .db
            .query_row(
                "SELECT max(id) FROM keys WHERE id BETWEEN ?1 AND ?2",
                [first, super::keys::first_block(PassNo(pass.0 + 1)) - 1],
                |row| row.get(0),
            )
            .in_job(self.dir())?;
        let Some(last) = last else { return Ok(None) };
        // The last block whose first key is not above ours.
        let (mut low, mut high) = (first, last);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            let Some(data) = block(middle)? else { break };
            match super::keys::first_in(&data) {
                Some(start) if start <= key => low = middle,
                _ => high = middle - 1,
            }
        }
        Ok(block(low)?.and_then(|data| find_in(&data, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::job::record::tests::message;
    use crate::message::Message;
    use crate::prepare::few;

    #[test]
    fn who_read_up_to_a_time_read_everything_before_the_first_later_message() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        let at = |id: i64, time| Message {
            send_time: SendTime(time),
            source_id: Some(format!("m{id}").into()),
            ..message()
        };
        let first: Vec<_> = (0..500).map(|n| at(n, n / 20 * 2)).collect();
        few(&mut job, &first).unwrap();
        few(&mut job, &[at(500, 8), at(501, 9)]).unwrap();
        let reader = job.reader().unwrap();
        let conv = reader.conversations(None, 1).unwrap()[0].no;
        let until = |time| reader.last_until(conv, SendTime(time)).unwrap().map(|ordinal| ordinal.0);
        assert_eq!([until(-1), until(0), until(1), until(7)], [None, Some(19), Some(19), Some(79)]);
        assert_eq!([until(8), until(48), until(99)], [Some(99), Some(501), Some(501)]);
        for n in 0..502 {
            let found = reader.by_source_id(&SourceId(format!("m{n}"))).unwrap();
            assert_eq!(found, Some((ConversationId::single("u1", "u2"), Ordinal(n))));
        }
        assert_eq!(reader.by_source_id(&SourceId("m502".into())).unwrap(), None);
    }
}
