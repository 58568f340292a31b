//! One walk over a whole job, for whoever adds it up: index, receipts and spool side by side, each read once.
//!
//! Index and receipts lie by conversation, the spool as the sources did. So messages are taken in the order of the index, a
//! batch at a time, and the records of a batch are read in the order of the spool, neighbours with one call: what an export has
//! conversation by conversation is read as a stream, and what lies mixed in it in one sweep for each batch.

use std::rc::Rc;

use rusqlite::Rows;

use super::ConvNo;
use super::block::{Entry, Unpacker};
use super::error::{InJob, JobError};
use super::facts::Peers;
use super::read::{JobReader, from_sql, peers};
use super::receipts::{Receipt, unpack};
use super::record::Spooled;
use super::spool::Spool;
use crate::message::Ordinal;

/// Whom the walk meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every message.
    All,
    /// Those with a receipt: nothing of the others is read.
    Confirmed,
}

/// A message that the walk has come to.
#[derive(Debug)]
pub struct Met<'w> {
    /// Its conversation.
    pub conv: ConvNo,
    /// Between whom that is.
    pub peers: &'w Peers,
    /// Where it lies.
    pub entry: Entry,
    /// `None`: it is not confirmed.
    pub receipt: Option<&'w Receipt>,
    /// Without the words of what it answers; `None`: the texts were removed.
    pub message: Option<Spooled>,
}

/// What is read from the spool at once.
const BATCH: u64 = 16 << 20;
/// And of how many messages.
const MOST: usize = 1 << 15;

impl JobReader {
    /// Goes through the messages conversation by conversation, each in the order of sending. What went out once more is met
    /// where it went out last.
    pub fn walk<E: From<JobError>>(
        &self,
        which: Which,
        mut each: impl FnMut(&Met<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let spool = if self.is_purged()? { None } else { Some(self.spool()?) };
        let superseded = self.all_superseded()?;
        let prepared = |sql: &str| self.db.prepare_cached(sql).in_job(self.dir());
        let mut of_blocks = prepared("SELECT id, data FROM blocks ORDER BY id")?;
        let mut of_receipts = prepared("SELECT id, data FROM receipts ORDER BY id")?;
        let mut of_conversations = prepared("SELECT no, a, b FROM conversations ORDER BY no")?;
        let mut blocks = of_blocks.query([]).in_job(self.dir())?;
        let mut receipts = Receipts { rows: of_receipts.query([]).in_job(self.dir())?, page: Vec::new() };
        let mut conversations =
            Conversations { rows: of_conversations.query([]).in_job(self.dir())?, last: None };
        let mut batch = Batch::default();
        while let Some(row) = blocks.next().in_job(self.dir())? {
            let (conv, first) = split(row.get(0).in_job(self.dir())?);
            let data: Vec<u8> = row.get(1).in_job(self.dir())?;
            let peers = conversations.get(self, conv)?;
            let again = superseded.get(&conv.0);
            let mut entries = Unpacker::new(first, &data);
            for entry in entries.by_ref() {
                let receipt = receipts.get(self, conv, entry.ordinal)?;
                let is_wanted = which == Which::All || receipt.is_some();
                if is_wanted && !again.is_some_and(|again| again.contains(&entry.ordinal)) {
                    batch.push(Waiting { conv, peers: Rc::clone(&peers), entry, receipt });
                }
                if batch.is_full() {
                    batch.hand_out(spool, &mut each)?;
                }
            }
            if !entries.is_done() {
                return Err(self.damaged(&format!("block {} of conversation {}", first.0, conv.0)).into());
            }
        }
        batch.hand_out(spool, &mut each)
    }
}

/// Messages whose records are read together.
#[derive(Default)]
struct Batch {
    waiting: Vec<Waiting>,
    bytes: u64,
}

struct Waiting {
    conv: ConvNo,
    peers: Rc<Peers>,
    entry: Entry,
    receipt: Option<Receipt>,
}

impl Batch {
    fn push(&mut self, waiting: Waiting) {
        self.bytes += u64::from(waiting.entry.len);
        self.waiting.push(waiting);
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH || self.waiting.len() >= MOST
    }

    fn hand_out<E: From<JobError>>(
        &mut self,
        spool: Option<&Spool>,
        each: &mut impl FnMut(&Met<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let places: Vec<(u64, u32)> =
            self.waiting.iter().map(|waiting| (waiting.entry.offset, waiting.entry.len)).collect();
        let records = spool.map(|spool| spool.records(&places)).transpose()?;
        let mut records = records.into_iter().flatten();
        for Waiting { conv, peers, entry, receipt } in self.waiting.drain(..) {
            let message = match (spool, records.next()) {
                (Some(spool), Some(record)) => Some(spool.message_in(&record, &entry)?),
                _ => None,
            };
            each(&Met { conv, peers: &peers, entry, receipt: receipt.as_ref(), message })?;
        }
        self.bytes = 0;
        Ok(())
    }
}

/// Receipts in the order of the index: asked for in that order, never back.
struct Receipts<'a> {
    rows: Rows<'a>,
    /// What a row holds, the last one first.
    page: Vec<(ConvNo, Receipt)>,
}

impl Receipts<'_> {
    fn get(&mut self, job: &JobReader, conv: ConvNo, ordinal: Ordinal) -> Result<Option<Receipt>, JobError> {
        let at = |(conv, receipt): &(ConvNo, Receipt)| (*conv, receipt.ordinal);
        loop {
            // What a run read twice, around its end, stands in two rows.
            while self.page.last().is_some_and(|next| at(next) < (conv, ordinal)) {
                self.page.pop();
            }
            if let Some(next) = self.page.last() {
                let is_it = at(next) == (conv, ordinal);
                return Ok(if is_it { self.page.pop().map(|(_, receipt)| receipt) } else { None });
            }
            let Some(row) = self.rows.next().in_job(job.dir())? else { return Ok(None) };
            let (of, first) = split(row.get(0).in_job(job.dir())?);
            let data: Vec<u8> = row.get(1).in_job(job.dir())?;
            let receipts = unpack(first, &data).ok_or_else(|| job.damaged("a receipt"))?;
            self.page.extend(receipts.into_iter().rev().map(|receipt| (of, receipt)));
        }
    }
}

/// Conversations in the order of the index: asked for in that order, never back.
struct Conversations<'a> {
    rows: Rows<'a>,
    last: Option<(ConvNo, Rc<Peers>)>,
}

impl Conversations<'_> {
    fn get(&mut self, job: &JobReader, conv: ConvNo) -> Result<Rc<Peers>, JobError> {
        loop {
            if let Some((_, peers)) = self.last.as_ref().filter(|(last, _)| *last == conv) {
                return Ok(Rc::clone(peers));
            }
            let Some(row) = self.rows.next().in_job(job.dir())? else {
                return Err(job.damaged(&format!("the name of conversation {}", conv.0)));
            };
            let no = ConvNo(row.get(0).in_job(job.dir())?);
            self.last = Some((no, Rc::new(peers(row).in_job(job.dir())?)));
        }
    }
}

/// Conversation and ordinal of a row of blocks or receipts.
fn split(id: i64) -> (ConvNo, Ordinal) {
    let conv = u32::try_from(id >> 32).unwrap_or(u32::MAX);
    (ConvNo(conv), Ordinal(from_sql(id) & u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;
    use crate::job::{Adding, Job};
    use crate::message::{Message, Peer, SendTime, Seq};
    use crate::prepare::few;

    /// In turn in so many conversations, as an export in the order of time has them.
    fn in_turn(dir: &std::path::Path, messages: usize, conversations: usize) -> JobReader {
        let names: Vec<String> = (0..conversations).map(|n| format!("with{n}")).collect();
        let all: Vec<Message<'_>> = (0..messages)
            .map(|n| Message {
                send_time: SendTime(i64::try_from(n).unwrap()),
                source_id: Some(n.to_string().into()),
                peer: Peer::User(names[n % conversations].as_str().into()),
                ..message()
            })
            .collect();
        let mut job = Job::create(dir).unwrap();
        few(&mut job, &all).unwrap();
        job.reader().unwrap()
    }

    /// The second message of each conversation.
    fn confirm(job: &JobReader) {
        for conversation in job.conversations(None, usize::MAX >> 1).unwrap() {
            let mut db = rusqlite::Connection::open(job.dir().join("job.sqlite")).unwrap();
            let transaction = db.transaction().unwrap();
            let receipt = Receipt { ordinal: Ordinal(1), seq: Seq(9), ids: None, hidden: false };
            crate::job::receipts::insert(&transaction, conversation.no, &[receipt]).unwrap();
            transaction.commit().unwrap();
        }
    }

    #[test]
    fn the_walk_meets_what_the_index_has_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let job = in_turn(dir.path(), MOST + 1_000, 7);
        confirm(&job);
        let (mut met, mut confirmed) = (Vec::new(), Vec::new());
        let id = |message: &Spooled| message.source_id.clone().unwrap().0;
        job.walk(Which::All, |one| {
            let name = one.peers.conversation().0;
            met.push((name, one.entry.ordinal.0, id(one.message.as_ref().unwrap()), one.receipt.is_some()));
            Ok::<_, JobError>(())
        })
        .unwrap();
        job.walk(Which::Confirmed, |one| {
            confirmed.push((one.conv, one.entry.ordinal.0));
            Ok::<_, JobError>(())
        })
        .unwrap();
        let mut want = Vec::new();
        for conversation in job.conversations(None, 9).unwrap() {
            for entry in job.entries(conversation.no, Ordinal(0), usize::MAX).unwrap() {
                let message = job.message(&entry).unwrap();
                let ordinal = entry.ordinal.0;
                want.push((conversation.id().0, ordinal, id(&message), ordinal == 1));
            }
        }
        assert_eq!(want.len(), MOST + 1_000);
        assert!(met == want, "all of them, in order");
        assert_eq!(confirmed.len(), 7);
        assert!(confirmed.iter().all(|(_, ordinal)| *ordinal == 1), "{confirmed:?}");
    }

    /// One by one they were as many calls as messages.
    #[test]
    fn what_lies_mixed_is_read_once_and_many_with_one_call() {
        let dir = tempfile::tempdir().unwrap();
        let job = in_turn(dir.path(), 6_000, 60);
        let mut sums = Adding::up(&job).unwrap();
        job.walk(Which::All, |met| {
            sums.add(met);
            Ok::<_, JobError>(())
        })
        .unwrap();
        assert_eq!(sums.end().messages.held, 6_000);
        let size = fs_err::metadata(dir.path().join("messages.spool")).unwrap().len();
        let (calls, bytes) = job.texts_read();
        assert!(bytes <= size && size - bytes < 100, "{bytes} of {size}");
        assert!(calls * 100 < 6_000, "{calls}");
    }

    #[test]
    fn a_damaged_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let job = in_turn(dir.path(), 300, 3);
        let at = job.entries(ConvNo(1), Ordinal(5), 1).unwrap()[0].offset;
        let path = dir.path().join("messages.spool");
        let mut bytes = fs_err::read(&path).unwrap();
        bytes[usize::try_from(at).unwrap() + 20] ^= 1;
        fs_err::write(&path, bytes).unwrap();
        let error = job.walk(Which::All, |_| Ok::<_, JobError>(())).unwrap_err().to_string();
        assert!(error.contains(&format!("the message at byte {at} can't be read")), "{error}");
    }
}
