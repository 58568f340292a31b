//! A job that is rebuilt from the server: what was found there becomes its progress, whole or not at all.
//!
//! Half of it would be worse than nothing: a conversation that was not looked at yet would pass for one that
//! was never begun, and its messages would be sent a second time. So an adoption that was cut short is taken
//! out when the job is opened next, as if it had never begun.

use super::again::BECAME;
use super::error::{InJob, JobError};
use super::schema::Table;
use super::{Job, JobReader};

/// One row while an adoption is under way.
pub(super) const TABLE: Table =
    Table { name: "adoption", version: 1, sql: "CREATE TABLE adoption (begun INTEGER NOT NULL);" };

impl Job {
    /// Notes that what is written from now on was found on the server; on the disk when it returns. `now` is
    /// ms since 1970.
    pub fn begin_adopting(&mut self, now: i64) -> Result<(), JobError> {
        self.db.execute("INSERT INTO adoption VALUES (?1)", [now]).map(|_| ()).in_job(&self.dir)
    }

    /// Everything that is there was found; on the disk when it returns.
    pub fn end_adopting(&mut self) -> Result<(), JobError> {
        self.db.execute("DELETE FROM adoption", []).map(|_| ()).in_job(&self.dir)
    }

    /// Takes out an adoption that was cut short.
    pub(super) fn forget_half_adopted(&mut self) -> Result<bool, JobError> {
        let half: bool = self
            .db
            .query_row("SELECT EXISTS (SELECT 1 FROM adoption)", [], |row| row.get(0))
            .in_job(&self.dir)?;
        if half {
            let transaction = self.db.transaction().in_job(&self.dir)?;
            for table in BECAME.into_iter().chain(["receipts", "lag", "runs", "adoption"]) {
                transaction.execute(&format!("DELETE FROM {table}"), []).in_job(&self.dir)?;
            }
            // Nothing was sent from it.
            transaction.execute("UPDATE passes SET begun = 0", []).in_job(&self.dir)?;
            transaction.commit().in_job(&self.dir)?;
        }
        Ok(half)
    }
}

impl JobReader {
    /// Whether an adoption is under way, or was cut short.
    pub fn is_half_adopted(&self) -> Result<bool, JobError> {
        self.db.query_row("SELECT EXISTS (SELECT 1 FROM adoption)", [], |row| row.get(0)).in_job(self.dir())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;
    use crate::prepare::few;

    #[test]
    fn half_an_adoption_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        few(&mut job, &[message()]).unwrap();
        let adopt = |job: &mut Job| {
            job.begin_adopting(1).unwrap();
            job.begin_sending().unwrap();
            job.begin_run(1, "x", "{}").unwrap();
            job.db
                .execute_batch(
                    "INSERT INTO progress (conv, confirmed) VALUES (0, 1);
                     INSERT INTO overtaken VALUES (0, 1, 'x', 1, 0);",
                )
                .unwrap();
        };
        adopt(&mut job);
        assert!(job.reader().unwrap().is_half_adopted().unwrap());
        drop(job);
        let mut job = Job::open(dir.path()).unwrap();
        assert!(!job.is_started().unwrap());
        assert_eq!(job.reader().unwrap().standing().unwrap().activated, 0);
        assert_eq!(job.reader().unwrap().overtaken(crate::job::ConvNo(0)).unwrap(), None);
        adopt(&mut job);
        job.end_adopting().unwrap();
        drop(job);
        let job = Job::open(dir.path()).unwrap();
        let reader = job.reader().unwrap();
        assert_eq!((reader.standing().unwrap().activated, reader.runs().unwrap().len()), (1, 1));
    }
}
