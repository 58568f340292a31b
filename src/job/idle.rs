//! Connections of readers that are done, for the next ones: opening a database means reading its whole schema.
//! A life in the simulator, nearly four runs and a `verify` on average, opened its database 59 times and spent a quarter of
//! its time on that; since, 37 times (opens of the file counted over 50 lives).

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::error::JobError;
use super::schema;

/// Idle connections of one job, shared by all who read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Idle(Arc<Mutex<Vec<Connection>>>);

impl Idle {
    /// A connection to the job in that folder, whose idle ones these are.
    pub(super) fn take(&self, dir: &Path) -> Result<Lent, JobError> {
        let idle = self.list().pop();
        let db = idle.map_or_else(|| schema::observe(dir), Ok)?;
        Ok(Lent { db: Some(db), to: self.clone() })
    }

    /// Closes them. Whoever writes does so before his own is closed, since the last to close empties the WAL, and these
    /// can't: they only read.
    pub(super) fn close(&self) {
        self.list().clear();
    }

    fn list(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that becomes idle when its reader is done.
#[derive(Debug)]
pub(super) struct Lent {
    /// Is there until it is dropped.
    db: Option<Connection>,
    to: Idle,
}

impl Lent {
    /// The idle ones that it will be one of.
    pub(super) fn idle(&self) -> &Idle {
        &self.to
    }
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        let Some(db) = &self.db else { unreachable!("it is taken out when it is dropped") };
        db
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.to.list().extend(self.db.take());
    }
}
