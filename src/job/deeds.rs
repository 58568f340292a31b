//! What commands changed on the server besides sending: a line each, for the report.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::JobReader;
use super::error::{InJob, JobError};
use super::lines::{line_of, open_to_add, read_all};

/// Its file; it names nobody.
const DEEDS: &str = "done.jsonl";

/// Something that a command did to the server. It is written when the command has done it: what a process that was
/// killed had done is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When it was done, ms since 1970.
    pub at: i64,
    /// `provision`, `mark-read` …
    pub command: String,
    /// What came of it, with its figures: a clause.
    pub said: String,
}

impl Deed {
    /// Adds it to the list in that folder.
    pub fn note(&self, dir: &Path) -> Result<(), JobError> {
        let line = line_of(self).in_job(dir)?;
        open_to_add(dir, DEEDS).and_then(|mut file| file.write_all(&line)).in_job(dir)
    }
}

impl JobReader {
    /// What commands did, the first one first. A line that a full disk cut off is left out.
    pub fn deeds(&self) -> Result<Vec<Deed>, JobError> {
        read_all(self.dir(), DEEDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    #[test]
    fn what_was_done_is_told_in_order_also_behind_half_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::create(dir.path()).unwrap();
        let reader = job.reader().unwrap();
        assert_eq!(reader.deeds().unwrap(), Vec::new());
        let deed = |at, said: &str| Deed { at, command: "provision".into(), said: said.into() };
        deed(1, "users: 3 made").note(dir.path()).unwrap();
        fs_err::write(
            dir.path().join(DEEDS),
            fs_err::read_to_string(dir.path().join(DEEDS)).unwrap() + "{\"at\":\n",
        )
        .unwrap();
        deed(2, "groups: 1 made").note(dir.path()).unwrap();
        let told: Vec<String> = reader.deeds().unwrap().into_iter().map(|deed| deed.said).collect();
        assert_eq!(told, ["users: 3 made", "groups: 1 made"]);
    }
}
