//! Objects that messages have, and that were not what they must be when somebody looked.

use std::collections::HashSet;

use rusqlite::params;

use super::error::{InJob, JobError};
use super::media::{MediaBook, ObjectState};
use super::schema::Table;

/// They stand here until they are there again, whatever an upload in between comes to.
pub(super) const TABLE: Table = Table {
    name: "lost_objects",
    version: 1,
    sql: "CREATE TABLE lost_objects (name TEXT PRIMARY KEY) WITHOUT ROWID;",
};

impl MediaBook {
    /// It is not what it must be, and has to be uploaded once more.
    pub fn lost(&self, name: &str, why: &str) -> Result<(), JobError> {
        self.settle(name, ObjectState::Planned, why)?;
        self.write_all(|db| {
            db.execute("INSERT OR IGNORE INTO lost_objects VALUES (?1)", params![name]).map(drop)
        })
    }

    /// The names of those that are lost.
    pub fn all_lost(&self) -> Result<HashSet<String>, JobError> {
        self.db
            .prepare("SELECT name FROM lost_objects")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .in_job(&self.dir)
    }
}
