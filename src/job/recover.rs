//! What is done about passes that were cut short, or that did not reach the disk; and how they do reach it.

use std::fs::OpenOptions;

use rusqlite::OptionalExtension;

use super::error::{InJob, JobError};
use super::lines::{FINDINGS, REJECTED};
use super::read::from_sql;
use super::{Job, PassNo, keys, spool};

/// Takes passes out of a job, from this one on. Killed in the middle, the job is either as before or without
/// them.
pub(super) fn take_out_from(job: &mut Job, pass: PassNo) -> Result<(), JobError> {
    let transaction = job.db.transaction().in_job(&job.dir)?;
    let from = pass.0;
    for (sql, from) in [
        ("DELETE FROM conversations WHERE pass >= ?1", from.into()),
        (
            "DELETE FROM blocks WHERE id IN (
               SELECT b.id FROM segments s
               JOIN blocks b ON b.id BETWEEN (s.conv << 32) + s.first AND (s.conv << 32) + 4294967295
               WHERE s.pass >= ?1)",
            from.into(),
        ),
        ("DELETE FROM segments WHERE pass >= ?1", from.into()),
        ("DELETE FROM users WHERE pass >= ?1", from.into()),
        ("DELETE FROM people WHERE pass >= ?1", from.into()),
        ("DELETE FROM keys WHERE id >= ?1", keys::first_block(pass)),
        ("DELETE FROM etags WHERE pass >= ?1", from.into()),
        ("DELETE FROM sources WHERE pass >= ?1", from.into()),
        ("DELETE FROM passes WHERE no > ?1", from.into()),
        // The rest is done by whoever comes next, if we are killed.
        ("UPDATE passes SET state = 'preparing' WHERE no = ?1", i64::from(from)),
    ] {
        transaction.execute(sql, [from]).in_job(&job.dir)?;
    }
    transaction.commit().in_job(&job.dir)?;
    take_out_unfinished(job).map(|_| ())
}

/// Cuts the files back to where they were before a pass that never became ready.
pub(super) fn take_out_unfinished(job: &mut Job) -> Result<bool, JobError> {
    let dir = &job.dir;
    let unfinished: Option<(u32, i64, i64, i64)> = job
        .db
        .query_row(
            "SELECT no, spool_from, findings_from, rejected_from FROM passes WHERE state <> 'ready'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .in_job(dir)?;
    let Some((no, spool, findings, rejected)) = unfinished else { return Ok(false) };
    for (file, len) in [(spool::FILE, spool), (FINDINGS, findings), (REJECTED, rejected)] {
        let file = OpenOptions::new().write(true).open(dir.join(file));
        if let Ok(file) = file
            && file.metadata().in_job(dir)?.len() > from_sql(len)
        {
            file.set_len(from_sql(len)).in_job(dir)?;
        }
    }
    job.db.execute("DELETE FROM passes WHERE no = ?1", [no]).in_job(dir)?;
    Ok(true)
}

/// What the machine calls the time since it was switched on; `None` where that can't be known.
pub(super) fn boot_id() -> Option<String> {
    fs_err::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// Everything that passes wrote is on the disk when it returns.
pub(super) fn sync(job: &Job) -> Result<(), JobError> {
    let dir = &job.dir;
    for name in [spool::FILE, FINDINGS, REJECTED] {
        OpenOptions::new().append(true).open(dir.join(name)).and_then(|file| file.sync_data()).in_job(dir)?;
    }
    // Their names as well.
    #[cfg(unix)]
    OpenOptions::new().read(true).open(dir).and_then(|folder| folder.sync_all()).in_job(dir)?;
    // What readers hold open stays in the WAL; it is synced all the same.
    job.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).in_job(dir)
}

/// Takes out passes that were not sent yet and did not reach the disk whole before the machine went down.
pub(super) fn take_out_lost(job: &mut Job) -> Result<bool, JobError> {
    let unsure: Vec<(u32, i64, i64)> = {
        let mut statement = job
            .db
            .prepare(
                "SELECT no, spool_from, spool_to FROM passes
                 WHERE state = 'ready' AND NOT begun AND (boot IS NULL OR boot IS NOT ?1) ORDER BY no",
            )
            .in_job(&job.dir)?;
        let rows = statement
            .query_map([boot_id()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .in_job(&job.dir)?;
        rows.collect::<Result<_, _>>().in_job(&job.dir)?
    };
    for (no, from, to) in unsure {
        if !spool::is_whole(&job.dir, from_sql(from), from_sql(to)) {
            take_out_from(job, PassNo(no))?;
            return Ok(true);
        }
    }
    Ok(false)
}
