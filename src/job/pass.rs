//! Adding a pass to a job: all of it or nothing.
//!
//! First the messages go to the end of the spool and findings to their file, with nothing in the database but
//! where these files ended before. Then everything that goes into the database goes in one transaction, which
//! also declares the pass ready, after the files were synced. Killed before that, the job is as it was:
//! the next to open it cuts the files back.

use std::path::Path;

use rusqlite::params;

use super::error::{InJob, JobError};
use super::folder::NewFile;
use super::lines::Lines;
use super::loader::Loader;
use super::read::{spool_end, to_sql};
use super::recover::{boot_id, take_out_unfinished};
use super::spool::{Spool, SpoolWriter};
use super::{Job, PassNo};

/// A pass being added.
#[derive(Debug)]
pub struct Pass<'j> {
    job: &'j mut Job,
    no: PassNo,
    spool: SpoolWriter,
    lines: Lines,
    finished: bool,
}

impl<'j> Pass<'j> {
    pub(super) fn begin(job: &'j mut Job, settings: &str) -> Result<Self, JobError> {
        take_out_unfinished(job)?;
        let dir = job.dir.clone();
        if job.is_purged()? {
            return Err(JobError::Purged(dir));
        }
        // A pass is one transaction, and commits without waiting for the disk: see `finish`.
        job.db.pragma_update(None, "synchronous", "NORMAL").in_job(&dir)?;
        job.db.pragma_update(None, "wal_autocheckpoint", 0).in_job(&dir)?;
        job.leave_in_wal(true)?;
        let spool_from = spool_end(&job.db).in_job(&dir)?;
        let spool = SpoolWriter::open(&dir, spool_from)?;
        let lines = Lines::open(&dir)?;
        let (findings_from, rejected_from) = lines.lens()?;
        let no = job
            .db
            .query_row(
                "INSERT INTO passes (no, state, spool_from, findings_from, rejected_from, settings)
                 VALUES ((SELECT coalesce(max(no), 0) + 1 FROM passes), 'preparing', ?1, ?2, ?3, ?4)
                 RETURNING no",
                params![to_sql(spool_from), to_sql(findings_from), to_sql(rejected_from), settings],
                |row| row.get(0).map(PassNo),
            )
            .in_job(&dir)?;
        Ok(Self { job, no, spool, lines, finished: false })
    }

    /// Its number.
    pub fn no(&self) -> PassNo {
        self.no
    }

    /// How earlier passes named their sources, by number.
    pub fn source_names(&self) -> Result<Vec<String>, JobError> {
        let mut statement =
            self.job.db.prepare("SELECT path FROM sources ORDER BY no").in_job(&self.job.dir)?;
        let rows = statement.query_map([], |row| row.get(0)).in_job(&self.job.dir)?;
        rows.collect::<Result<_, _>>().in_job(&self.job.dir)
    }

    /// Adds whole records, made by [`super::write_record`], to the spool; gives the offset of the first.
    pub fn append(&mut self, records: &[u8]) -> Result<u64, JobError> {
        self.spool.append(records)
    }

    /// The files of findings and rejects.
    pub fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Reads what was added so far.
    pub fn spool(&self) -> Result<Spool, JobError> {
        self.spool.reader()
    }

    /// Begins the transaction that puts the pass into the index.
    pub fn load(&mut self) -> Result<(Loader<'_>, &mut Lines), JobError> {
        Ok((Loader::begin(&self.job.db, &self.job.dir, self.no)?, &mut self.lines))
    }

    /// A file of the folder that takes its place when it is whole.
    pub fn new_file(&self, name: &str) -> Result<NewFile, JobError> {
        NewFile::make(&self.job.dir, name)
    }

    /// The job folder; files that the pass needs for a while belong there.
    pub fn dir(&self) -> &Path {
        &self.job.dir
    }

    /// Declares the pass ready and commits it.
    ///
    /// Nothing waits for the disk here: `check` is not to take as long as writing everything out does (ten
    /// million messages: 13 s at 300 MB/s). [`Job::begin_sending`] does, before anything depends on it; until
    /// then a pass that did not reach the disk whole is noticed and read again.
    pub fn finish(mut self, summary: &str) -> Result<(), JobError> {
        let dir = self.job.dir.clone();
        self.lines.write()?;
        if self.job.db.is_autocommit() {
            self.job.db.execute_batch("BEGIN IMMEDIATE").in_job(&dir)?;
        }
        self.job
            .db
            .execute(
                "UPDATE passes SET state = 'ready', spool_to = ?2, summary = ?3, boot = ?4 WHERE no = ?1",
                params![self.no.0, to_sql(self.spool.end()), summary, boot_id()],
            )
            .in_job(&dir)?;
        self.job.db.execute_batch("COMMIT").in_job(&dir)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Whatever fails here is done by the next to open the job.
            let _later = self.job.db.execute_batch("ROLLBACK");
            let _later = take_out_unfinished(self.job);
        }
    }
}
