//! Removing the texts of a job that is finished: what is left proves what was done, and says nothing of what
//! people wrote.

use serde_json::Value;

use super::error::{InJob, JobError};
use super::read::JobReader;
use super::schema::Table;
use super::{Job, lines, spool};

/// One row once the texts are to be gone.
pub(super) const TABLE: Table =
    Table { name: "purged", version: 1, sql: "CREATE TABLE purged (at INTEGER NOT NULL);" };

/// Files with texts of messages in them.
const FILES: &[&str] =
    &[spool::FILE, lines::FINDINGS, lines::REJECTED, lines::UPLOADS, "media.csv", DIFFERENCES, "report.html"];

/// How the last `verify` ended: it names nobody, and stays.
pub const VERIFIED: &str = "verified.json";

/// Conversations that users can't scroll, as the last `verify --client` saw them: no texts, it stays.
pub const UNSCROLLABLE: &str = "not-scrollable.jsonl";

/// What `verify` found.
pub const DIFFERENCES: &str = "differences.jsonl";

impl Job {
    /// Removes the texts; `now` is ms since 1970. Gives how many bytes that were. Killed in the middle, the
    /// next to open the job goes on.
    pub fn purge(&mut self, now: i64) -> Result<u64, JobError> {
        // What is deleted is overwritten, in the database and in its log.
        self.db.pragma_update(None, "secure_delete", true).in_job(&self.dir)?;
        let transaction = self.db.transaction().in_job(&self.dir)?;
        transaction
            .execute("INSERT INTO purged SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM purged)", [now])
            .and_then(|_| forget_values(&transaction))
            .and_then(|()| forget_names(&transaction))
            .in_job(&self.dir)?;
        transaction.commit().in_job(&self.dir)?;
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).in_job(&self.dir)?;
        self.remove_texts()
    }

    /// Whether its texts are gone, or to be removed.
    pub(super) fn is_purged(&self) -> Result<bool, JobError> {
        is_purged(&self.db).in_job(&self.dir)
    }

    pub(super) fn remove_texts(&self) -> Result<u64, JobError> {
        let mut bytes = 0;
        for file in FILES {
            let path = self.dir.join(file);
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            bytes += metadata.len();
            std::fs::remove_file(&path).in_job(&self.dir)?;
        }
        Ok(bytes)
    }
}

impl JobReader {
    /// Whether its texts were removed.
    pub fn is_purged(&self) -> Result<bool, JobError> {
        is_purged(&self.db).in_job(self.dir())
    }
}

/// The summaries of passes show the first value of each finding, which can be a message.
fn forget_values(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT no, summary FROM passes")?;
    let passes: Vec<(u32, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (no, summary) in passes {
        let mut summary: Value = serde_json::from_str(&summary).unwrap_or_default();
        for finding in summary.get_mut("findings").and_then(Value::as_array_mut).into_iter().flatten() {
            finding["first_value"] = Value::from("");
        }
        db.execute("UPDATE passes SET summary = ?2 WHERE no = ?1", (no, summary.to_string()))?;
    }
    Ok(())
}

/// What files were called says what they are of; how many there were, and their objects, are known still.
fn forget_names(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "UPDATE media SET key = hex(randomblob(16)), place = '', why = ''; DELETE FROM media_later;",
    )
}

fn is_purged(db: &rusqlite::Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM purged)", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use crate::job::record::tests::message;
    use crate::job::{Job, JobError};
    use crate::message::{Message, Ordinal};
    use crate::prepare::few;

    #[test]
    fn no_text_is_left_and_the_job_can_still_be_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        let secret = r#"{"content":"nobody may read this"}"#;
        few(&mut job, &[Message { content: secret.into(), ..message() }]).unwrap();
        let file = crate::job::MediaFile {
            source: crate::message::SourceNo(0),
            key: "nobody may read.pdf".to_owned(),
            kind: "file".to_owned(),
            place: "/home/nobody may read.pdf".to_owned(),
            object: None,
            problem: Some("missing".to_owned()),
            why: "nobody may read".to_owned(),
        };
        let book = job.media().unwrap();
        book.plan_later(None, &file).and_then(|()| book.flush()).unwrap();
        drop(book);
        let summary = format!(r#"{{"findings":[{{"first_value":{secret:?}}}]}}"#);
        job.db.execute("UPDATE passes SET summary = ?1", [summary]).unwrap();
        fs_err::write(dir.path().join("rejected.jsonl"), secret).unwrap();
        assert!(job.purge(1).unwrap() > secret.len() as u64);
        // As if it had been killed in the middle.
        fs_err::write(dir.path().join("findings.jsonl"), secret).unwrap();
        drop(job);
        let mut job = Job::open(dir.path()).unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = fs_err::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("nobody may read"));
        }
        let reader = job.reader().unwrap();
        assert_eq!(reader.totals().unwrap().messages, 1);
        assert_eq!(reader.media_files().unwrap()[0].problem, file.problem);
        let conv = reader.conversations(None, 1).unwrap()[0].no;
        let entry = reader.entries(conv, Ordinal(0), 1).unwrap()[0];
        assert!(matches!(reader.message(&entry), Err(JobError::Purged(_))));
        assert!(matches!(
            few(&mut job, &[message()]),
            Err(crate::prepare::PrepareError::Job(JobError::Purged(_)))
        ));
    }
}
