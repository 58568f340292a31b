//! The job folder: spool, index, progress, receipts, rejects, lock. The only SQL.
//!
//! | file | what |
//! |---|---|
//! | `job.sqlite` | passes and sources, index, users, keys of known messages, progress |
//! | `messages.spool` | the messages as they will be sent, in source order |
//! | `findings.jsonl` | everything found while preparing |
//! | `rejected.jsonl` | messages that can't be sent as they are, each with its reason |
//! | `job.lock` | who works with it |
//!
//! A pass adds to the first four and is taken out again whole if it was cut short; see [`Pass`].

mod adopt;
mod again;
mod block;
mod changes;
mod deeds;
mod entries;
mod error;
mod etags;
mod evidence;
mod facts;
mod folder;
mod idle;
mod key;
mod keys;
mod lag;
mod lines;
mod loader;
mod lock;
mod logins;
mod lookup;
mod media;
mod media_later;
mod media_lost;
mod media_sources;
mod mended;
mod overtaken;
mod packed;
mod pass;
mod people;
mod progress;
mod purge;
mod queue;
mod read;
mod receipts;
mod record;
mod recover;
mod rejects;
mod reply;
mod runlog;
mod schema;
mod shard;
mod spool;
mod sums;
#[cfg(test)]
mod tests;
mod undo;
mod unseen;
mod walk;
mod who;
mod withdrawn;
mod writer;

pub use again::Again;
pub use block::{Entry, Reply, Target};
pub use changes::{Change, ChangeLog};
pub use deeds::Deed;
pub use error::JobError;
pub use evidence::Evidence;
pub use facts::{Conversation, PassInfo, Peers, SourceInfo, Totals, User};
pub use folder::NewFile;
pub use key::{ConvKey, Position, UserKey};
pub use keys::{Key, KeyWriter, Known, KnownKeys};
pub use lines::{BLACKS, EMAILS, FRIENDS, GROUPS, KEPT, Lines, MUTES, READ, UPLOADS};
pub use loader::{Earlier, Loader};
pub use logins::{LOGINS, LoginRow, Logins};
pub use media::{FACE, MediaBook, MediaFile, MediaObject, ObjectState};
pub use media_later::At;
pub use mended::{RejectedLine, RejectedLines, RejectedPlaces};
pub use overtaken::{Overtaken, OvertakenInAll};
pub use pass::Pass;
pub use people::{Person, PersonKey, Renamed, person_hashes};
pub use progress::{LostCall, Progress, Standing, Step, Under};
pub use purge::{DIFFERENCES, UNSCROLLABLE, VERIFIED};
pub use queue::{LeftToDo, Order, Queue, Queued};
pub use read::{JobReader, SharedReader};
pub use receipts::Receipt;
pub use record::{QuoteSlot, Spooled, TooLarge, write as write_record};
pub use rejects::{Reject, Rejected};
pub use reply::QuotedIds;
pub use runlog::Run;
pub use shard::Shard;
pub use spool::{Spool, read_at};
pub use sums::{Adding, Pair, Sums};
pub use undo::{Left, Undone};
pub use unseen::Unseen;
pub use walk::{Met, Which};
pub use who::Who;
pub use withdrawn::{Deleted, Double, Withdrawn};
pub use writer::{Committed, Durability, Entry as Write, Gone, Writer, WriterHandle};

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use error::InJob;
use idle::Idle;
use lock::Lock;

use crate::message::SourceNo;

/// Number of a conversation in the job: its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvNo(pub u32);

/// Number of a pass, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassNo(pub u32);

/// A job, held by this process alone.
#[derive(Debug)]
pub struct Job {
    dir: PathBuf,
    db: Connection,
    idle: Idle,
    _lock: Lock,
    /// A simulation: see [`Self::write_in_place`].
    writes_in_place: Option<Committed>,
}

impl Job {
    /// Opens the job in that folder, or makes one in a folder that is empty or isn't there.
    ///
    /// A pass that was cut short is taken out, as if it had never begun.
    pub fn create(dir: &Path) -> Result<Self, JobError> {
        folder::make(dir)?;
        let lock = Lock::take(dir)?;
        let db = schema::create(dir)?;
        Self::recover(dir, db, lock)
    }

    /// Opens the job in that folder.
    pub fn open(dir: &Path) -> Result<Self, JobError> {
        if !dir.join(schema::DATABASE).exists() {
            return Err(JobError::NoJob(dir.to_owned()));
        }
        let lock = Lock::take(dir)?;
        let db = schema::open(dir)?;
        Self::recover(dir, db, lock)
    }

    /// Looks into the job in that folder, also while another process works with it.
    pub fn observe(dir: &Path) -> Result<JobReader, JobError> {
        JobReader::open(dir, &Idle::default())
    }

    /// Whether a process works with the job in that folder.
    pub fn is_held(dir: &Path) -> bool {
        lock::is_held(dir)
    }

    /// A reader with a connection of its own.
    pub fn reader(&self) -> Result<JobReader, JobError> {
        JobReader::open(&self.dir, &self.idle)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Number of the first source of the next pass: sources are numbered over all passes.
    pub fn next_source(&self) -> Result<SourceNo, JobError> {
        self.db
            .query_row("SELECT coalesce(max(no), -1) + 1 FROM sources", [], |row| row.get(0).map(SourceNo))
            .in_job(&self.dir)
    }

    /// Whether anything was sent from it, or might have been.
    pub fn is_started(&self) -> Result<bool, JobError> {
        self.db
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM passes WHERE begun) OR EXISTS (SELECT 1 FROM progress)",
                [],
                |row| row.get(0),
            )
            .in_job(&self.dir)
    }

    /// Notes that all it holds may have been sent from now on. When it returns, that and everything that was
    /// prepared is on the disk.
    pub fn begin_sending(&self) -> Result<(), JobError> {
        if self.has_unsent()? {
            recover::sync(self)?;
            self.db.pragma_update(None, "synchronous", "FULL").in_job(&self.dir)?;
            self.db.execute("UPDATE passes SET begun = 1", []).in_job(&self.dir)?;
            self.leave_in_wal(false)?;
        }
        Ok(())
    }

    /// Whether its last pass was not sent yet: none of it, surely.
    pub fn has_unsent(&self) -> Result<bool, JobError> {
        self.db
            .query_row("SELECT EXISTS (SELECT 1 FROM passes WHERE NOT begun)", [], |row| row.get(0))
            .in_job(&self.dir)
    }

    /// Writers have no thread of their own from now on: what is handed in is committed where somebody waits for it, or
    /// when the next entry comes a while later, and each commit is told. For simulations, in which threads have no place.
    pub fn write_in_place(&mut self, told: Committed) {
        self.writes_in_place = Some(told);
    }

    /// Whether what was committed stays in the WAL when this process has done with the job: what a pass
    /// brought is put from there into the database when sending begins, not whenever somebody looked at it.
    fn leave_in_wal(&self, leave: bool) -> Result<(), JobError> {
        self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave).map(|_| ()).in_job(&self.dir)
    }

    /// Takes out the passes of which nothing can have been sent; says how many.
    ///
    /// A pass with errors is replaced so by one over mended sources.
    pub fn take_out_unsent(&mut self) -> Result<u32, JobError> {
        let (first, count): (Option<u32>, u32) = self
            .db
            .query_row("SELECT min(no), count(*) FROM passes WHERE NOT begun", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .in_job(&self.dir)?;
        if let Some(first) = first {
            recover::take_out_from(self, PassNo(first))?;
        }
        Ok(count)
    }

    /// Takes out its last pass, if nothing of it can have been sent; says whether it did.
    pub fn take_out_last(&mut self) -> Result<bool, JobError> {
        let last: Option<(u32, bool)> = self
            .db
            .query_row("SELECT no, begun FROM passes ORDER BY no DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .in_job(&self.dir)?;
        let Some((last, false)) = last else { return Ok(false) };
        recover::take_out_from(self, PassNo(last))?;
        Ok(true)
    }

    /// Takes out all passes of a job from which nothing was sent, as if it were new. Killed in the middle, it
    /// is either as before or empty.
    pub fn empty(&mut self) -> Result<(), JobError> {
        recover::take_out_from(self, PassNo(1))
    }

    /// A file in the folder, readable by its owner alone, that takes its place when it is whole.
    pub fn new_file(&self, name: &str) -> Result<NewFile, JobError> {
        NewFile::make(&self.dir, name)
    }

    /// Begins a pass; `settings` is what shaped it and has to be the same when it is prepared again.
    pub fn begin_pass(&mut self, settings: &str) -> Result<Pass<'_>, JobError> {
        Pass::begin(self, settings)
    }

    fn recover(dir: &Path, db: Connection, lock: Lock) -> Result<Self, JobError> {
        let mut job =
            Self { dir: dir.to_owned(), db, idle: Idle::default(), _lock: lock, writes_in_place: None };
        if job.forget_half_adopted()? {
            tracing::info!(job = %dir.display(), "an adoption that was cut short was taken out");
        }
        if recover::take_out_unfinished(&mut job)? {
            tracing::info!(job = %dir.display(), "a pass that was cut short was taken out; it is read again");
        }
        if job.is_purged()? {
            job.remove_texts()?;
            return Ok(job);
        }
        if recover::take_out_lost(&mut job)? {
            tracing::warn!(
                job = %dir.display(),
                "a pass was not on the disk when the machine went down, and was taken out; it is read again"
            );
        }
        job.leave_in_wal(job.has_unsent()?)?;
        // Notices a spool that lost its end before anything is sent from it.
        let end = read::spool_end(&job.db).in_job(dir)?;
        if end > spool::START {
            spool::Spool::open(dir, end)?;
        }
        Ok(job)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.idle.close();
    }
}
