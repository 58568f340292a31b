//! How long the server takes to store messages, as a run saw it last.
//!
//! A process that takes over has to wait at least so long before it sends a message a second time: of 500 messages
//! 51 went out again while they were on their way, where it did not know.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction};

use super::JobReader;
use super::error::{InJob, JobError};
use super::read::{from_sql, to_sql};
use super::schema::Table;

/// One row, in µs, once a message was read back.
pub(super) const TABLE: Table = Table {
    name: "lag",
    version: 1,
    sql: "CREATE TABLE lag (id INTEGER PRIMARY KEY, micros INTEGER NOT NULL);",
};

pub(super) fn set(transaction: &Transaction<'_>, lag: Duration) -> rusqlite::Result<()> {
    let micros = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO lag VALUES (1, ?1)")?
        .execute([to_sql(micros)])
        .map(|_| ())
}

impl JobReader {
    /// How long messages took from their answer to being read back, as a run saw it last; zero if none was.
    pub fn lag(&self) -> Result<Duration, JobError> {
        let micros = self
            .db
            .query_row("SELECT micros FROM lag", [], |row| row.get(0))
            .optional()
            .in_job(self.dir())?;
        Ok(Duration::from_micros(micros.map_or(0, from_sql)))
    }
}
