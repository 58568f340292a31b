//! The one thread that writes progress: many steps in one transaction.
//!
//! A step costs microseconds, a commit on a disk that keeps its promises milliseconds. So steps are gathered
//! for a moment; whoever has to be certain before he goes on waits for the commit.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::{InJob, JobError};
use super::overtaken::{self, Overtaken};
use super::progress::{self, Step};
use super::receipts::{self, Receipt};
use super::withdrawn::{self, Deleted};
use super::{ConvNo, Job, lag, schema, unseen};
use crate::message::Seq;
pub use in_place::Committed;
use in_place::InPlace;

/// Something to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Conversations begin, each with its `maxSeq`.
    Activate {
        /// In which run.
        run: u32,
        /// Which, and where.
        conversations: Vec<(ConvNo, Seq)>,
    },
    /// A conversation takes a step.
    Step(Box<Step>),
    /// What became of slots that were to be deleted.
    Deleted(ConvNo, Vec<Seq>, Deleted),
    /// Copies of the server that were deleted.
    Repaired(ConvNo, Vec<Seq>),
    /// Slots that nobody had seen were looked at once more.
    LookedAt(ConvNo, Vec<Seq>),
    /// Conversations are not begun: what people have written there is newer.
    Overtaken(Vec<(ConvNo, Overtaken)>),
    /// How long the server takes to store messages.
    Lag(Duration),
    /// A message was confirmed out of its turn.
    Receipt(ConvNo, Receipt),
    /// Nothing: to wait for what was given before.
    Nothing,
}

/// When whoever writes can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The machine may lose power: it is on the disk.
    Synced,
    /// This process may be killed: the system has it.
    Written,
}

/// The writer has ended, because of an error that [`Writer::close`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job can't be written any more")]
pub struct Gone;

/// Hands entries to the writing thread. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WriterHandle {
    entries: Entries,
    dir: Arc<Path>,
}

#[derive(Debug, Clone)]
enum Entries {
    ToThread(mpsc::Sender<Message>),
    InPlace(Arc<Mutex<InPlace>>),
}

/// The writing thread.
#[derive(Debug)]
pub struct Writer {
    handle: WriterHandle,
    thread: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<JobError>>>,
    dir: PathBuf,
}

type Message = (Entry, Option<(Durability, oneshot::Sender<()>)>);

/// So long steps are gathered that nobody waits for: what a killed machine loses at most, and what is read in
/// the server's log again then.
const GATHER: Duration = Duration::from_millis(100);
const MOST_IN_ONE: usize = 2_000;
const WAITING: usize = 4_000;

impl Job {
    /// Starts the writing thread. Whoever wants one is going to send: see [`Self::begin_sending`].
    pub fn writer(&self) -> Result<Writer, JobError> {
        self.begin_sending()?;
        let commits = Commits { db: schema::open(&self.dir)?, dir: self.dir.clone(), is_loose: true };
        let failed = Arc::new(Mutex::new(None));
        if let Some(told) = &self.writes_in_place {
            let in_place = InPlace::new(commits, told.clone(), failed.clone());
            let entries = Entries::InPlace(Arc::new(Mutex::new(in_place)));
            let handle = WriterHandle { entries, dir: self.dir.as_path().into() };
            return Ok(Writer { handle, thread: None, failed, dir: self.dir.clone() });
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let failure = failed.clone();
        let work = move || {
            if let Err(error) = write(commits, receiver) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        };
        let thread = std::thread::Builder::new().name("job".to_owned()).spawn(work).in_job(&self.dir)?;
        Ok(Writer {
            handle: WriterHandle { entries: Entries::ToThread(sender), dir: self.dir.as_path().into() },
            thread: Some(thread),
            failed,
            dir: self.dir.clone(),
        })
    }
}

impl Writer {
    /// A way to hand it entries.
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Whether it works in a thread of its own: to close it then takes a while.
    pub fn has_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// Writes what was handed in and ends, once all handles are dropped. Gives the error that ended it
    /// earlier, if one did.
    pub fn close(self) -> Result<(), JobError> {
        if let Entries::InPlace(in_place) = &self.handle.entries {
            in_place.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
        drop(self.handle);
        if self.thread.is_some_and(|thread| thread.join().is_err()) {
            // It has said itself what happened. Whoever waited for it was only told that it is gone.
            return Err(JobError::WriterPanicked(self.dir));
        }
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl WriterHandle {
    /// The job's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Hands in an entry if there is room; otherwise gives it back, or nothing if the writer has ended.
    pub fn try_lazily(&self, entry: Entry) -> Result<(), Option<Entry>> {
        match &self.entries {
            Entries::ToThread(entries) => entries.try_send((entry, None)).map_err(|error| match error {
                mpsc::error::TrySendError::Full((entry, _)) => Some(entry),
                mpsc::error::TrySendError::Closed(_) => None,
            }),
            Entries::InPlace(in_place) => in_place::lock(in_place).take(entry).map_err(|Gone| None),
        }
    }

    /// Hands in an entry and goes on: it is written soon, and after everything handed in before.
    pub async fn lazily(&self, entry: Entry) -> Result<(), Gone> {
        match &self.entries {
            Entries::ToThread(entries) => entries.send((entry, None)).await.map_err(|_| Gone),
            Entries::InPlace(in_place) => in_place::lock(in_place).take(entry),
        }
    }

    /// Hands in an entry and waits until it, and everything handed in before, will survive.
    pub async fn surely(&self, entry: Entry, durability: Durability) -> Result<(), Gone> {
        match &self.entries {
            Entries::ToThread(entries) => {
                let (done, wait) = oneshot::channel();
                entries.send((entry, Some((durability, done)))).await.map_err(|_| Gone)?;
                wait.await.map_err(|_| Gone)
            }
            Entries::InPlace(in_place) => {
                let written = in_place::lock(in_place).write(entry, durability);
                // Others have their turn before whoever waited goes on.
                tokio::task::yield_now().await;
                written
            }
        }
    }
}

fn write(mut commits: Commits, mut entries: mpsc::Receiver<Message>) -> Result<(), JobError> {
    let mut batch = Vec::new();
    while let Some(first) = entries.blocking_recv() {
        gather(first, &mut entries, &mut batch);
        let synced = batch.iter().any(|(_, wait)| matches!(wait, Some((Durability::Synced, _))));
        commits.commit(batch.iter().map(|(entry, _)| entry), synced)?;
        tracing::trace!(entries = batch.len(), "committed");
        for (_, wait) in batch.drain(..) {
            if let Some((_, done)) = wait {
                // Whoever waited may have been stopped.
                done.send(()).ok();
            }
        }
    }
    Ok(())
}

/// Commits entries, many at once.
#[derive(Debug)]
struct Commits {
    db: Connection,
    dir: PathBuf,
    /// The disk may not have all that was committed.
    is_loose: bool,
}

impl Commits {
    fn commit<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>, synced: bool) -> Result<(), JobError> {
        let dir = &self.dir;
        // In WAL mode NORMAL does not wait for the disk at a commit, FULL does.
        self.db.pragma_update(None, "synchronous", if synced { "FULL" } else { "NORMAL" }).in_job(dir)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).in_job(dir)?;
        for entry in entries {
            apply(&transaction, entry).in_job(dir)?;
        }
        if synced && self.is_loose {
            stir(&transaction).in_job(dir)?;
        }
        transaction.commit().in_job(dir)?;
        self.is_loose = !synced;
        Ok(())
    }
}

/// Changes something: a commit that changes nothing syncs nothing either, and what was committed before without
/// being synced would be lost with the machine.
fn stir(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let number: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", number.wrapping_add(1))
}

/// Takes what is there, and waits a moment for more unless somebody waits for the commit.
fn gather(first: Message, entries: &mut mpsc::Receiver<Message>, batch: &mut Vec<Message>) {
    let until = Instant::now() + GATHER;
    let mut awaited = first.1.is_some();
    batch.push(first);
    while batch.len() < MOST_IN_ONE {
        match entries.try_recv() {
            Ok(message) => {
                awaited |= message.1.is_some();
                batch.push(message);
            }
            Err(mpsc::error::TryRecvError::Empty) if !awaited && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return,
        }
    }
}

fn apply(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::Activate { run, conversations } => progress::activate(transaction, *run, conversations),
        Entry::Step(step) => progress::step(transaction, step),
        Entry::Deleted(conv, seqs, deleted) => withdrawn::deleted(transaction, *conv, seqs, *deleted),
        Entry::LookedAt(conv, seqs) => unseen::forget(transaction, *conv, seqs),
        Entry::Repaired(conv, seqs) => withdrawn::repaired(transaction, *conv, seqs),
        Entry::Overtaken(all) => {
            all.iter().try_for_each(|(conv, one)| overtaken::insert(transaction, *conv, one))
        }
        Entry::Lag(lag) => lag::set(transaction, *lag),
        Entry::Receipt(conv, receipt) => {
            receipts::update(transaction, *conv, receipt)?;
            transaction
                .prepare_cached("DELETE FROM rejects WHERE conv = ?1 AND ordinal = ?2")?
                .execute([i64::from(conv.0), super::read::to_sql(receipt.ordinal.0)])
                .map(|_| ())
        }
        Entry::Nothing => Ok(()),
    }
}

mod in_place;
#[cfg(test)]
mod tests;
