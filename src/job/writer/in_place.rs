//! A writer without a thread: what a simulation has, in which time is not the machine's and a process is killed by
//! forgetting it. What was handed in and not committed is lost then, as it is with the thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{Commits, Durability, Entry, GATHER, Gone, JobError};

/// Is told of each commit.
#[derive(Clone)]
pub struct Committed(pub Arc<dyn Fn(Durability) + Send + Sync>);

impl std::fmt::Debug for Committed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Committed")
    }
}

/// Commits where it is called.
#[derive(Debug)]
pub(super) struct InPlace {
    commits: Commits,
    waiting: Vec<Entry>,
    /// When the oldest of them came.
    since: Instant,
    told: Committed,
    failed: Arc<Mutex<Option<JobError>>>,
    is_over: bool,
}

pub(super) fn lock(in_place: &Mutex<InPlace>) -> MutexGuard<'_, InPlace> {
    in_place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InPlace {
    pub(super) fn new(commits: Commits, told: Committed, failed: Arc<Mutex<Option<JobError>>>) -> Self {
        Self { commits, waiting: Vec::new(), since: Instant::now(), told, failed, is_over: false }
    }

    /// Takes an entry that nobody waits for.
    pub(super) fn take(&mut self, entry: Entry) -> Result<(), Gone> {
        if self.is_over {
            return Err(Gone);
        }
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        self.waiting.push(entry);
        if self.since.elapsed() >= GATHER { self.commit(Durability::Written) } else { Ok(()) }
    }

    /// Writes an entry, and all that were taken before.
    pub(super) fn write(&mut self, entry: Entry, durability: Durability) -> Result<(), Gone> {
        if self.is_over {
            return Err(Gone);
        }
        self.waiting.push(entry);
        self.commit(durability)
    }

    /// Writes what is left.
    pub(super) fn close(&mut self) {
        if !self.is_over && !self.waiting.is_empty() {
            self.commit(Durability::Written).ok();
        }
        self.is_over = true;
    }

    fn commit(&mut self, durability: Durability) -> Result<(), Gone> {
        match self.commits.commit(self.waiting.iter(), durability == Durability::Synced) {
            Ok(()) => {
                self.waiting.clear();
                (self.told.0)(durability);
                Ok(())
            }
            Err(error) => {
                self.is_over = true;
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(Gone)
            }
        }
    }
}
