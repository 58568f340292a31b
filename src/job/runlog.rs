//! The runs of a job: when, against which server, with what result.

use rusqlite::params;

use super::error::{InJob, JobError};
use super::{Job, JobReader};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number, from 1.
    pub no: u32,
    /// When it began, ms since 1970.
    pub started: i64,
    /// When it ended, ms since 1970; `None` while it runs, and where it was killed.
    pub ended: Option<i64>,
    /// Address of the server.
    pub api: String,
    /// What it counted, as JSON.
    pub counts: String,
}

impl Job {
    /// Writes down that a run begins, with what is known of it by then (JSON); gives its number.
    pub fn begin_run(&mut self, started: i64, api: &str, known: &str) -> Result<u32, JobError> {
        self.db
            .query_row(
                "INSERT INTO runs (started, api, counts) VALUES (?1, ?2, ?3) RETURNING no",
                params![started, api, known],
                |row| row.get(0),
            )
            .in_job(&self.dir)
    }

    /// Writes down how it ended: what it counted comes to what was known when it began.
    pub fn end_run(&mut self, no: u32, ended: i64, counts: &str) -> Result<(), JobError> {
        self.db
            .execute(
                "UPDATE runs SET ended = ?2, counts = json_patch(counts, ?3) WHERE no = ?1",
                params![no, ended, counts],
            )
            .in_job(&self.dir)
            .map(|_| ())
    }
}

impl Job {
    /// Writes down that the store was asked and has all that was confirmed, whatever earlier runs saw. That there were signs
    /// of a crash stays known, for the report.
    pub fn store_has_all(&mut self) -> Result<(), JobError> {
        self.db
            .execute(
                "UPDATE runs SET counts = json_set(counts, '$.crash_suspected', json('false'), '$.crash_seen',
                   json(iif(json_extract(counts, '$.crash_suspected') OR json_extract(counts, '$.crash_seen'), 'true', 'false')))
                 WHERE no = (SELECT max(no) FROM runs) AND json_valid(counts)",
                [],
            )
            .in_job(&self.dir)
            .map(|_| ())
    }
}

impl JobReader {
    /// The first run after the last one whose `counts` say that it ended so.
    pub fn first_run_after(&self, ended: &str) -> Result<u32, JobError> {
        self.db
            .query_row(
                "SELECT coalesce(max(no), 0) + 1 FROM runs
                 WHERE json_valid(counts) AND json_extract(counts, '$.ended') = ?1",
                [ended],
                |row| row.get(0),
            )
            .in_job(self.dir())
    }

    /// All runs, the first one first.
    pub fn runs(&self) -> Result<Vec<Run>, JobError> {
        self.rows("SELECT no, started, ended, api, counts FROM runs ORDER BY no", [], |row| {
            Ok(Run {
                no: row.get(0)?,
                started: row.get(1)?,
                ended: row.get(2)?,
                api: row.get(3)?,
                counts: row.get(4)?,
            })
        })
    }
}
