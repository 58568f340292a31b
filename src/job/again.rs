//! Messages that go out once more: rejects that were mended, and messages that the server has lost.
//!
//! They become entries of a further pass, behind everything else of their conversations, and the message they
//! stand for is *superseded*: nothing of it is expected on the server any more. A conversation that waits at
//! its reject gets the mended record in that very place instead.

use rusqlite::{OptionalExtension, Transaction, params};

use super::block::{Entry, Packer, Unpacker};
use super::error::{InJob, JobError};
use super::loader::Loader;
use super::read::{JobReader, block_id, from_sql, to_sql};
use super::schema::Table;
use super::{ConvKey, ConvNo, Job, Peers};
use crate::message::Ordinal;

/// `by` is the entry that goes out instead; `rejected`: it never was on the server.
pub(super) const TABLE: Table = Table {
    name: "superseded",
    version: 1,
    sql: "CREATE TABLE superseded (
            conv INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            by INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            PRIMARY KEY (conv, ordinal)
          ) WITHOUT ROWID;",
};

/// Conversations that are being taken back, to be sent anew: nothing else is done with them until that is done.
pub(super) const TAKEN_BACK: Table =
    Table { name: "taken_back", version: 1, sql: "CREATE TABLE taken_back (conv INTEGER PRIMARY KEY);" };

/// Tables of what became of conversations, besides the receipts: whoever forgets that forgets all of it.
pub(super) const BECAME: [&str; 10] = [
    "superseded",
    "progress",
    "rejects",
    "withdrawn",
    "doubled",
    "unseen",
    "undo",
    "undo_left",
    "overtaken",
    "taken_back",
];

/// A message that goes out once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// Which.
    pub ordinal: Ordinal,
    /// What goes out: the entry as it was, or with the mended record.
    pub entry: Entry,
}

impl Loader<'_> {
    /// Adds messages of a conversation once more; they come in the order in which they are to go out.
    ///
    /// Behind everything else, each gets a time after the newest: an older message behind newer ones makes what is
    /// beyond the first pages unreachable (law 15).
    pub fn again(&mut self, peers: &Peers, messages: &[Again]) -> Result<(), JobError> {
        let mut scratch = String::new();
        let key = match peers {
            Peers::Single(a, b) => ConvKey::single(a.as_str(), b.as_str(), &mut scratch),
            Peers::Group(group) => ConvKey::group(group.as_str()),
        };
        let Some(earlier) = self.earlier(key)? else { return Ok(()) };
        let conv = self.conversation(key, peers, Some(&earlier))?;
        let mut last = earlier.last_sent.0;
        for (by, Again { ordinal, entry }) in (earlier.messages..).zip(messages) {
            last = entry.send_time.0.max(last.saturating_add(1));
            let spread = last.abs_diff(entry.written().0);
            self.entry(entry.offset, entry.len, entry.written(), spread, entry.reply)?;
            let [ordinal, by] = [ordinal.0, by].map(to_sql);
            self.execute(
                "INSERT INTO superseded VALUES (?1, ?2, ?3,
                   EXISTS (SELECT 1 FROM rejects WHERE conv = ?1 AND ordinal = ?2))",
                params![conv.0, ordinal, by],
            )?;
            self.execute("DELETE FROM rejects WHERE conv = ?1 AND ordinal = ?2", params![conv.0, ordinal])?;
        }
        self.end()
    }

    /// Lets a conversation that waits at a reject try it again, with this record.
    pub fn release(&mut self, conv: ConvNo, again: &Again) -> Result<(), JobError> {
        replace(self.db(), conv, again.ordinal, &again.entry).in_job(self.dir())?;
        self.execute(
            "DELETE FROM rejects WHERE conv = ?1 AND ordinal = ?2 AND held",
            params![conv.0, to_sql(again.ordinal.0)],
        )
    }

    /// Notes that messages of this pass may be sent from its first moment: it is never taken out again, since
    /// what it stands for is superseded.
    pub fn begun(&self) -> Result<(), JobError> {
        self.execute("UPDATE passes SET begun = 1 WHERE no = ?1", [self.pass_no().0])
    }
}

/// Puts another record into the place of a message.
fn replace(db: &rusqlite::Connection, conv: ConvNo, ordinal: Ordinal, entry: &Entry) -> rusqlite::Result<()> {
    let block: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT id, data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")?
        .query_row([block_id(conv, 0), block_id(conv, ordinal.0)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, data)) = block else { return Ok(()) };
    let first = Ordinal(from_sql(id) & u64::from(u32::MAX));
    let mut packer = Packer::default();
    for old in Unpacker::new(first, &data) {
        let new = if old.ordinal == ordinal { entry } else { &old };
        // Its time stays: the order within the pass rests on it.
        packer.entry(&Entry { offset: new.offset, len: new.len, reply: new.reply, ..old });
    }
    db.prepare_cached("UPDATE blocks SET data = ?2 WHERE id = ?1")?.execute(params![id, packer.data()])?;
    Ok(())
}

impl Job {
    /// Forgets that undone conversations were ever sent: they start anew. Gives how many.
    ///
    /// What was sent once more behind the rest of its conversation goes back to its place in it.
    pub fn start_again(&mut self) -> Result<u64, JobError> {
        // Without their texts they can't be sent, and with their receipts the last that is known of them would go.
        if self.is_purged()? {
            return Err(JobError::Purged(self.dir.clone()));
        }
        let transaction = self.db.transaction().in_job(&self.dir)?;
        let undone: Vec<ConvNo> = {
            let mut statement =
                transaction.prepare("SELECT conv FROM undo WHERE is_done ORDER BY conv").in_job(&self.dir)?;
            let rows = statement.query_map([], |row| row.get(0).map(ConvNo)).in_job(&self.dir)?;
            rows.collect::<Result<_, _>>().in_job(&self.dir)?
        };
        drop(transaction);
        self.start_again_of(&undone)?;
        Ok(undone.len() as u64)
    }

    /// The same of some of them.
    pub fn start_again_of(&mut self, undone: &[ConvNo]) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        for conv in undone {
            if !forget(&transaction, *conv).in_job(&self.dir)? {
                drop(transaction);
                let conversation = self.reader()?.conversation(*conv)?;
                let name = conversation.map_or_else(String::new, |conversation| conversation.id().0);
                return Err(JobError::CannotStartAgain { dir: self.dir.clone(), conversation: name });
            }
        }
        transaction.commit().in_job(&self.dir)
    }

    /// Notes that these conversations are to be taken back and sent anew; on the disk when it returns.
    pub fn begin_taking_back(&mut self, conversations: &[ConvNo]) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        for conv in conversations {
            transaction
                .execute("INSERT OR IGNORE INTO taken_back (conv) VALUES (?1)", [conv.0])
                .in_job(&self.dir)?;
        }
        transaction.commit().in_job(&self.dir)
    }
}

/// `false`: messages that were sent once more stand before those of a later pass.
fn forget(transaction: &Transaction<'_>, conv: ConvNo) -> rusqlite::Result<bool> {
    let mut superseded: Vec<(u64, u64)> = {
        let mut statement = transaction
            .prepare_cached("SELECT ordinal, by FROM superseded WHERE conv = ?1 ORDER BY by DESC")?;
        let rows = statement.query_map([conv.0], |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))))?;
        rows.collect::<Result<_, _>>()?
    };
    // The last first: one can have been sent again more than once.
    superseded.sort_unstable_by_key(|(_, by)| std::cmp::Reverse(*by));
    for (ordinal, by) in &superseded {
        let block: (i64, Vec<u8>) = transaction
            .prepare_cached(
                "SELECT id, data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([block_id(conv, 0), block_id(conv, *by)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = Ordinal(from_sql(block.0) & u64::from(u32::MAX));
        if let Some(entry) = Unpacker::new(first, &block.1).find(|entry| entry.ordinal.0 == *by) {
            replace(transaction, conv, Ordinal(*ordinal), &entry)?;
        }
    }
    if let Some(first) = superseded.iter().map(|(_, by)| *by).min() {
        let in_all: i64 = transaction
            .prepare_cached("SELECT sum(messages) FROM segments WHERE conv = ?1")?
            .query_row([conv.0], |row| row.get(0))?;
        if from_sql(in_all) - first != superseded.len() as u64 {
            return Ok(false);
        }
        transaction
            .prepare_cached("DELETE FROM segments WHERE conv = ?1 AND first >= ?2")?
            .execute(params![conv.0, to_sql(first)])?;
        transaction
            .prepare_cached("DELETE FROM blocks WHERE id BETWEEN ?1 AND ?2")?
            .execute([block_id(conv, first), block_id(conv, u64::from(u32::MAX))])?;
    }
    transaction
        .prepare_cached("DELETE FROM receipts WHERE id BETWEEN ?1 AND ?2")?
        .execute([block_id(conv, 0), block_id(conv, u64::from(u32::MAX))])?;
    for table in BECAME {
        transaction.prepare_cached(&format!("DELETE FROM {table} WHERE conv = ?1"))?.execute([conv.0])?;
    }
    Ok(true)
}

impl JobReader {
    /// Conversations that are being taken back, to be sent anew.
    pub fn taken_back(&self) -> Result<Vec<ConvNo>, JobError> {
        self.rows("SELECT conv FROM taken_back ORDER BY conv", [], |row| row.get(0).map(ConvNo))
    }

    /// Whether a conversation can start anew: not where a later pass stands behind messages that went out once more.
    pub fn can_start_again(&self, conv: ConvNo) -> Result<bool, JobError> {
        self.db
            .query_row(
                "SELECT count(*) = 0 OR (SELECT sum(messages) FROM segments WHERE conv = ?1) - min(by) = count(*)
                 FROM superseded WHERE conv = ?1",
                [conv.0],
                |row| row.get(0),
            )
            .in_job(self.dir())
    }

    /// Messages of a conversation that went out once more as later ones, in order.
    pub fn superseded(&self, conv: ConvNo) -> Result<Vec<Ordinal>, JobError> {
        self.rows("SELECT ordinal FROM superseded WHERE conv = ?1 ORDER BY ordinal", [conv.0], |row| {
            row.get(0).map(from_sql).map(Ordinal)
        })
    }

    /// The message that stands for that one now: itself, unless it went out once more.
    pub fn latest(&self, conv: ConvNo, ordinal: Ordinal) -> Result<Ordinal, JobError> {
        let mut latest = ordinal;
        loop {
            let by = self
                .db
                .prepare_cached("SELECT by FROM superseded WHERE conv = ?1 AND ordinal = ?2")
                .and_then(|mut statement| {
                    statement
                        .query_row(params![conv.0, to_sql(latest.0)], |row| row.get(0).map(from_sql))
                        .optional()
                })
                .in_job(self.dir())?;
            match by {
                Some(by) => latest = Ordinal(by),
                None => return Ok(latest),
            }
        }
    }

    /// How many messages went out once more, and how many of these were refused the first time.
    pub fn superseded_in_all(&self) -> Result<(u64, u64), JobError> {
        self.db
            .query_row("SELECT count(*), coalesce(sum(rejected), 0) FROM superseded", [], |row| {
                Ok((from_sql(row.get(0)?), from_sql(row.get(1)?)))
            })
            .in_job(self.dir())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;
    use crate::job::undo::Undone;
    use crate::message::{Message, SendTime};
    use crate::prepare::few;

    fn at(time: i64) -> Message<'static> {
        Message {
            send_time: SendTime(time),
            ex: format!("x{time}").into(),
            source_id: Some(format!("m{time}").into()),
            ..message()
        }
    }

    fn said(reader: &JobReader, conv: ConvNo) -> Vec<String> {
        let entries = reader.entries(conv, Ordinal(0), usize::MAX).unwrap();
        entries.iter().map(|entry| reader.message(entry).unwrap().ex().into_owned()).collect()
    }

    /// Five messages, of which the second was refused and the fourth got lost; both go out again, the first of
    /// them mended.
    fn job(dir: &std::path::Path) -> (Job, ConvNo) {
        let mut job = Job::create(dir).unwrap();
        few(&mut job, &[at(1), at(2), at(3), at(4), at(5)]).unwrap();
        job.begin_sending().unwrap();
        let reader = job.reader().unwrap();
        let conv = reader.conversations(None, 1).unwrap().remove(0);
        let no = conv.no.0;
        job.db
            .execute_batch(&format!(
                "INSERT INTO progress (conv, confirmed, rejected) VALUES ({no}, 5, 1);
                 INSERT INTO rejects (conv, ordinal, reason, code, detail) VALUES ({no}, 1, 'blocked', 1302, '');"
            ))
            .unwrap();
        let standing = reader.standing().unwrap();
        assert_eq!((standing.passed, standing.rejected), (5, 1));

        let mut record = Vec::new();
        let mended = Message { ex: "mended".into(), ..at(2) };
        let len = crate::job::write_record(&mended, &mut record).unwrap();
        let entries = reader.entries(conv.no, Ordinal(0), 9).unwrap();
        let mut pass = job.begin_pass("again").unwrap();
        let offset = pass.append(&record).unwrap();
        let again = [
            Again { ordinal: Ordinal(1), entry: Entry { offset, len, ..entries[1] } },
            Again { ordinal: Ordinal(3), entry: entries[3] },
        ];
        let (mut loader, _) = pass.load().unwrap();
        loader.again(&conv.peers, &again).unwrap();
        loader.begun().unwrap();
        pass.finish("{}").unwrap();
        (job, conv.no)
    }

    #[test]
    fn a_message_that_goes_out_again_is_still_one_message() {
        let dir = tempfile::tempdir().unwrap();
        let (mut job, conv) = job(dir.path());
        assert_eq!(job.take_out_unsent().unwrap(), 0, "what was superseded must never be lost");
        let reader = job.reader().unwrap();
        assert_eq!(said(&reader, conv), ["x1", "x2", "x3", "x4", "x5", "mended", "x4"]);
        assert_eq!(reader.superseded(conv).unwrap(), [Ordinal(1), Ordinal(3)]);
        assert_eq!(reader.latest(conv, Ordinal(3)).unwrap(), Ordinal(6));
        assert_eq!(reader.latest(conv, Ordinal(2)).unwrap(), Ordinal(2));
        assert_eq!(reader.totals().unwrap().messages, 5);
        let standing = reader.standing().unwrap();
        // Three are confirmed, two are to be sent.
        assert_eq!((standing.passed, standing.rejected), (3, 0));
        assert!(reader.rejects(None, 9).unwrap().is_empty());
        assert_eq!(reader.queue().unwrap().messages(), 2);
    }

    #[test]
    fn undone_conversations_start_anew_in_their_first_order_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let (mut job, conv) = job(dir.path());
        assert_eq!(job.start_again().unwrap(), 0, "nothing was undone");
        job.undo(&[(conv, Undone { is_done: true, ..Undone::default() }, Vec::new())]).unwrap();
        assert_eq!(job.start_again().unwrap(), 1);
        let reader = job.reader().unwrap();
        assert_eq!(said(&reader, conv), ["x1", "mended", "x3", "x4", "x5"]);
        assert_eq!(reader.progress(conv).unwrap(), None);
        assert_eq!(reader.totals().unwrap().messages, 5);
        assert_eq!(reader.undone_in_all().unwrap().0, 0);
    }

    #[test]
    fn what_stands_before_a_later_pass_can_not_go_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut job, conv) = job(dir.path());
        few(&mut job, &[at(6)]).unwrap();
        job.undo(&[(conv, Undone { is_done: true, ..Undone::default() }, Vec::new())]).unwrap();
        let error = job.start_again().unwrap_err().to_string();
        assert!(error.contains("`si_u1_u2` can't start anew"), "{error}");
        assert!(job.reader().unwrap().progress(conv).unwrap().is_some(), "all or nothing");
    }

    #[test]
    fn a_conversation_that_waits_gets_the_mended_message_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        few(&mut job, &[at(1), at(2), at(3)]).unwrap();
        let reader = job.reader().unwrap();
        let conv = reader.conversations(None, 1).unwrap()[0].no;
        job.db
            .execute(
                "INSERT INTO rejects (conv, ordinal, reason, code, detail, held) VALUES (?1, 1, 'x', 1, '', 1)",
                [conv.0],
            )
            .unwrap();
        let mut record = Vec::new();
        let len = crate::job::write_record(&Message { ex: "mended".into(), ..at(2) }, &mut record).unwrap();
        let entry = reader.entries(conv, Ordinal(1), 1).unwrap()[0];
        let mut pass = job.begin_pass("again").unwrap();
        let offset = pass.append(&record).unwrap();
        let (mut loader, _) = pass.load().unwrap();
        loader.release(conv, &Again { ordinal: Ordinal(1), entry: Entry { offset, len, ..entry } }).unwrap();
        loader.begun().unwrap();
        pass.finish("{}").unwrap();
        let reader = job.reader().unwrap();
        assert_eq!(said(&reader, conv), ["x1", "mended", "x3"]);
        assert!(reader.rejects(None, 9).unwrap().is_empty());
    }
}
