//! What was changed while runs were under way: when, by whom or what, and what held from then on. A line each.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::JobReader;
use super::error::{InJob, JobError};
use super::lines::{line_of, open_to_add, read_all};

/// The file in the job's folder.
const CHANGES: &str = "changes.jsonl";

/// A setting of a run was changed while it was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, RFC 3339.
    pub time: String,
    /// `operator`, `file`, `timetable`, `deadline`.
    pub by: String,
    /// What was asked for: `rate 200/s`.
    pub what: String,
    /// What holds from then on, all causes together.
    pub holds: String,
}

/// Adds changes to the list of a job.
#[derive(Debug)]
pub struct ChangeLog(File);

impl ChangeLog {
    /// Opens the list of the job in that folder, which this process holds.
    pub fn open(dir: &Path) -> Result<Self, JobError> {
        open_to_add(dir, CHANGES).in_job(dir).map(Self)
    }

    /// Adds one.
    pub fn note(&mut self, change: &Change) -> std::io::Result<()> {
        self.0.write_all(&line_of(change)?)
    }
}

impl JobReader {
    /// The last `most` changes, the first one first. A line that a full disk cut off is left out.
    pub fn changes(&self, most: usize) -> Result<Vec<Change>, JobError> {
        let all: Vec<Change> = read_all(self.dir(), CHANGES)?;
        Ok(all[all.len().saturating_sub(most)..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    #[test]
    fn the_last_ones_come_back_and_half_a_line_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::create(dir.path()).unwrap();
        let reader = job.reader().unwrap();
        assert_eq!(reader.changes(5).unwrap(), []);
        let change = |n: usize| Change {
            time: format!("2026-11-30T0{n}:00:00Z"),
            by: "operator".into(),
            what: format!("rate {n}/s"),
            holds: "…".into(),
        };
        let mut log = ChangeLog::open(dir.path()).unwrap();
        for n in 0..7 {
            log.note(&change(n)).unwrap();
        }
        log.0.write_all(b"{\"time\":").unwrap();
        assert_eq!(reader.changes(2).unwrap(), [change(5), change(6)]);
    }
}
