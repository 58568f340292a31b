//! Writing progress: one thread, many changes a commit.
//!
//! What must be on the disk before a call goes out is committed synced and waited for; everything else is
//! committed when somebody asks or after [`EVERY`]. Losing the last lazy commits is harmless: they are learnt
//! from the server again. Changes take effect in the order in which they were handed in.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::error::{InJob, JobError};
use super::progress::{Deletion, Kind, Withdrawn};
use super::read::to_sql;
use super::receipts::{Receipt, pack, pack_ids, row};
use super::schema;
use super::{ConvNo, Job};
use crate::message::{Ordinal, Seq};

/// Something to be remembered.
#[derive(Debug, Clone)]
pub enum Change {
    /// Before the first call: nothing below the baseline is ours.
    Activate {
        /// Which conversation.
        conv: ConvNo,
        /// `maxSeq` now.
        baseline: Seq,
    },
    /// A process takes up a conversation that was activated before: what it sends is under way from now on.
    Reopen(ConvNo),
    /// Messages were read back.
    Confirm {
        /// Which conversation.
        conv: ConvNo,
        /// The first message that is neither confirmed nor a reject.
        cursor: Ordinal,
        /// Slots up to here are decided.
        settled: Seq,
        /// Of what was read.
        receipts: Vec<Receipt>,
    },
    /// A message goes out a second time.
    Doubt(ConvNo),
    /// Nothing of ours is under way any more, and nothing can surface.
    Peace(ConvNo),
    /// Refused for good.
    Reject {
        /// Which conversation.
        conv: ConvNo,
        /// Which message.
        ordinal: Ordinal,
        /// The server's code.
        code: i32,
        /// A stable word for it.
        reason: String,
        /// The server's own words, fit to show.
        detail: String,
    },
    /// A message of ours that should not stand where it stands, and how far its deletion is.
    Withdraw(Withdrawn),
    /// A figure that is counted over all runs.
    Count(&'static str, u64),
}

/// When a change has to be on the disk.
pub type Whence = Box<dyn FnOnce(Result<(), Arc<JobError>>) + Send>;

enum Request {
    Lazy(Vec<Change>),
    Synced(Vec<Change>, Whence),
}

/// The writing end. Dropping it writes what is left.
pub struct Ledger {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<Result<(), Arc<JobError>>>>,
}

/// How long lazy changes may wait for company.
const EVERY: Duration = Duration::from_millis(100);
/// Requests that may wait. A writer that can't keep up slows the run instead of filling the memory.
const WAITING: usize = 1024;

impl Ledger {
    /// Begins to write, on a connection of its own. The job's lock must be held as long.
    pub fn start(job: &Job) -> Result<Self, JobError> {
        let db = schema::open(job.dir())?;
        let dir = job.dir().to_owned();
        let (requests, waiting) = sync_channel(WAITING);
        let thread = std::thread::spawn(move || write_all(&db, &dir, &waiting));
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// To be written soon. Blocks where the writer can't keep up.
    ///
    /// # Errors
    /// Nothing says here that writing has failed; [`Self::finish`] does, and every synced change.
    pub fn lazy(&self, changes: Vec<Change>) {
        if let (false, Some(requests)) = (changes.is_empty(), &self.requests) {
            // A writer that has stopped has said why to whoever waits for it.
            drop(requests.send(Request::Lazy(changes)));
        }
    }

    /// To be written now, with everything handed in before; `done` is called when it is on the disk.
    pub fn synced(&self, changes: Vec<Change>, done: Whence) {
        let Some(requests) = &self.requests else { return };
        if let Err(std::sync::mpsc::SendError(Request::Synced(_, done))) =
            requests.send(Request::Synced(changes, done))
        {
            done(Err(Arc::new(JobError::WriterGone)));
        }
    }

    /// Writes what is left and ends.
    pub fn finish(mut self) -> Result<(), Arc<JobError>> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Arc<JobError>> {
        drop(self.requests.take());
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(written)) => written,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(self.end());
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}

/// Takes requests until nobody can hand in any more; several of them make one commit.
fn write_all(db: &Connection, dir: &Path, requests: &Receiver<Request>) -> Result<(), Arc<JobError>> {
    let mut failed: Option<Arc<JobError>> = None;
    let mut open = true;
    while open {
        let Ok(first) = requests.recv() else { break };
        let mut changes = Vec::new();
        let mut waiting = Vec::new();
        let mut take = |request| match request {
            Request::Lazy(more) => changes.extend(more),
            Request::Synced(more, done) => {
                changes.extend(more);
                waiting.push(done);
            }
        };
        let mut urgent = matches!(first, Request::Synced(..));
        take(first);
        let until = Instant::now() + EVERY;
        loop {
            let next = if urgent {
                requests.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            } else {
                requests.recv_timeout(until.saturating_duration_since(Instant::now()))
            };
            match next {
                Ok(request) => {
                    urgent |= matches!(request, Request::Synced(..));
                    take(request);
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        if failed.is_none() {
            // The end of a run is synced as well: what is said to be done has to be.
            failed = commit(db, dir, &changes, urgent || !open).err().map(Arc::new);
        }
        for done in waiting {
            done(failed.clone().map_or(Ok(()), Err));
        }
    }
    failed.map_or(Ok(()), Err)
}

fn commit(db: &Connection, dir: &Path, changes: &[Change], synced: bool) -> Result<(), JobError> {
    // In WAL mode FULL syncs the log at each commit, NORMAL only when it is emptied.
    db.pragma_update(None, "synchronous", if synced { "FULL" } else { "NORMAL" }).in_job(dir)?;
    db.execute_batch("BEGIN IMMEDIATE").in_job(dir)?;
    let written = changes.iter().try_for_each(|change| apply(db, change)).in_job(dir);
    let ended = db.execute_batch(if written.is_ok() { "COMMIT" } else { "ROLLBACK" }).in_job(dir);
    written.and(ended)
}

fn apply(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, args: &[&dyn rusqlite::ToSql]| db.prepare_cached(sql)?.execute(args).map(|_| ());
    match change {
        Change::Activate { conv, baseline } => run(
            "INSERT INTO progress (conv, confirmed, baseline, settled, open) VALUES (?1, 0, ?2, ?2, 1)",
            params![conv.0, baseline.0],
        ),
        Change::Reopen(conv) => run("UPDATE progress SET open = 1 WHERE conv = ?1", params![conv.0]),
        Change::Confirm { conv, cursor, settled, receipts } => {
            let hidden = receipts.iter().filter(|receipt| receipt.hidden).count();
            run(
                "UPDATE progress SET confirmed = ?2, settled = ?3, hidden = hidden + ?4 WHERE conv = ?1",
                params![conv.0, to_sql(cursor.0), settled.0, to_sql(hidden as u64)],
            )?;
            for neighbours in receipts.chunk_by(|a, b| a.ordinal.0 + 1 == b.ordinal.0) {
                run(
                    "INSERT OR REPLACE INTO receipts (id, data) VALUES (?1, ?2)",
                    params![row(*conv, neighbours[0].ordinal), pack(neighbours)],
                )?;
            }
            Ok(())
        }
        Change::Doubt(conv) => run("UPDATE progress SET doubt = 1 WHERE conv = ?1", params![conv.0]),
        Change::Peace(conv) => {
            run("UPDATE progress SET open = 0, doubt = 0 WHERE conv = ?1", params![conv.0])
        }
        Change::Reject { conv, ordinal, code, reason, detail } => run(
            "INSERT OR REPLACE INTO rejects (conv, ordinal, code, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![conv.0, to_sql(ordinal.0), code, reason, detail],
        ),
        Change::Withdraw(what) => run(
            "INSERT INTO withdrawn (conv, seq, ordinal, ids, kind, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (conv, seq) DO UPDATE SET state = ?6, ids = ?4, kind = ?5, ordinal = ?3",
            params![
                what.conv.0,
                what.seq.0,
                to_sql(what.ordinal.0),
                pack_ids(&what.ids),
                i64::from(what.kind == Kind::Copy),
                match what.state {
                    Deletion::Seen => 0_i64,
                    Deletion::Intended => 1,
                    Deletion::Deleted => 2,
                }
            ],
        ),
        Change::Count(name, by) => run(
            "INSERT INTO counters (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            params![name, to_sql(*by)],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Ids, MsgId};

    fn ids(n: u64) -> Ids {
        Ids { server: MsgId::new(&format!("{n:032x}")), client: MsgId::new(&format!("{:032x}", n + 1)) }
    }

    fn receipt(n: u64) -> Receipt {
        Receipt { ordinal: Ordinal(n), seq: Seq(n.cast_signed() + 11), ids: Some(ids(n)), hidden: false }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::create(&dir.path().join("x.job")).unwrap();
        let conv = ConvNo(3);
        let ledger = Ledger::start(&job).unwrap();
        let (tell, told) = sync_channel(1);
        let done: Whence = Box::new(move |written| tell.send(written.is_ok()).unwrap());
        ledger.synced(vec![Change::Activate { conv, baseline: Seq(10) }], done);
        assert!(told.recv().unwrap());
        let reader = job.reader().unwrap();
        let progress = reader.progress(conv).unwrap().unwrap();
        assert_eq!((progress.cursor, progress.baseline, progress.open), (Ordinal(0), Seq(10), true));

        // 2 is a reject: the receipts are not all neighbours.
        let receipts = vec![receipt(0), receipt(1), receipt(3)];
        ledger.lazy(vec![
            Change::Reject {
                conv,
                ordinal: Ordinal(2),
                code: 1302,
                reason: "blocked".into(),
                detail: String::new(),
            },
            Change::Confirm { conv, cursor: Ordinal(4), settled: Seq(14), receipts: receipts.clone() },
        ]);
        let stray = Withdrawn {
            conv,
            seq: Seq(20),
            ordinal: Ordinal(5),
            ids: ids(9),
            kind: Kind::Stray,
            state: Deletion::Intended,
        };
        ledger.lazy(vec![Change::Withdraw(stray.clone()), Change::Count("lost_and_resent", 2)]);
        let gone = Withdrawn { state: Deletion::Deleted, ..stray };
        ledger.lazy(vec![
            Change::Withdraw(gone.clone()),
            Change::Count("lost_and_resent", 1),
            Change::Peace(conv),
        ]);
        ledger.finish().unwrap();

        assert_eq!(reader.receipts(conv, Ordinal(0), 100).unwrap(), receipts);
        assert_eq!(reader.receipts(conv, Ordinal(1), 100).unwrap(), receipts[1..]);
        assert_eq!(reader.receipt(conv, Ordinal(3)).unwrap().as_ref(), receipts.last());
        assert_eq!(reader.receipt(conv, Ordinal(2)).unwrap(), None);
        assert_eq!(reader.receipt(ConvNo(4), Ordinal(0)).unwrap(), None);
        assert_eq!(reader.withdrawn(conv).unwrap(), [gone]);
        assert_eq!(reader.counter("lost_and_resent").unwrap(), 3);
        assert!(!reader.progress(conv).unwrap().unwrap().open);
        let done = reader.done().unwrap();
        assert_eq!((done.confirmed, done.rejected, done.activated), (3, 1, 1));
        assert_eq!(reader.rejects(None, 10).unwrap()[0].reason, "blocked");
    }
}
