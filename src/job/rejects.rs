//! Messages that the server refused for good.

use std::io::Write;

use rusqlite::{Transaction, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::{InJob, JobError};
use super::folder::private;
use super::progress::number;
use super::read::{from_sql, to_sql};
use super::{ConvNo, JobReader};
use crate::message::Ordinal;

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Which message of its conversation.
    pub ordinal: Ordinal,
    /// Stable name of the reason.
    pub reason: &'static str,
    /// The server's code.
    pub code: i32,
    /// The server's words, fit to show.
    pub detail: String,
    /// Its conversation waits at it instead of passing over it.
    pub held: bool,
}

/// A refused message, as the job knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its conversation.
    pub conv: ConvNo,
    /// Which message of it.
    pub ordinal: Ordinal,
    /// Stable name of the reason.
    pub reason: String,
    /// The server's code.
    pub code: i32,
    /// The server's words.
    pub detail: String,
    /// Its conversation waits at it.
    pub held: bool,
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    conv: ConvNo,
    rejects: &[Reject],
) -> rusqlite::Result<()> {
    for reject in rejects {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO rejects (conv, ordinal, reason, code, detail, held) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                conv.0,
                to_sql(reject.ordinal.0),
                reject.reason,
                reject.code,
                reject.detail,
                reject.held
            ])?;
    }
    Ok(())
}

impl JobReader {
    /// Rejects by conversation and ordinal, from the one after `after`.
    pub fn rejects(&self, after: Option<(ConvNo, Ordinal)>, limit: usize) -> Result<Vec<Rejected>, JobError> {
        self.some_rejects("", after, limit)
    }

    /// Some rejects at which conversations wait.
    pub fn held(&self, limit: usize) -> Result<Vec<Rejected>, JobError> {
        self.some_rejects("AND held = 1", None, limit)
    }

    /// Whether a message is a reject.
    pub fn is_rejected(&self, conv: ConvNo, ordinal: Ordinal) -> Result<bool, JobError> {
        self.db
            .prepare_cached("SELECT 1 FROM rejects WHERE conv = ?1 AND ordinal = ?2")
            .and_then(|mut statement| statement.exists(params![conv.0, to_sql(ordinal.0)]))
            .in_job(self.dir())
    }

    /// How many rejects there are, by reason.
    pub fn reject_counts(&self) -> Result<Vec<(String, u64)>, JobError> {
        self.rows("SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY 2 DESC, 1", [], |row| {
            Ok((row.get(0)?, from_sql(row.get(1)?)))
        })
    }

    fn some_rejects(
        &self,
        only: &str,
        after: Option<(ConvNo, Ordinal)>,
        limit: usize,
    ) -> Result<Vec<Rejected>, JobError> {
        let sql = format!(
            "SELECT conv, ordinal, reason, code, detail, held FROM rejects
             WHERE (conv, ordinal) > (?1, ?2) {only} ORDER BY conv, ordinal LIMIT ?3"
        );
        let (conv, ordinal) =
            after.map_or((number(None), -1), |(conv, ordinal)| (number(Some(conv)), to_sql(ordinal.0)));
        self.rows(&sql, params![conv, ordinal, to_sql(limit as u64)], |row| {
            Ok(Rejected {
                conv: ConvNo(row.get(0)?),
                ordinal: Ordinal(from_sql(row.get(1)?)),
                reason: row.get(2)?,
                code: row.get(3)?,
                detail: row.get(4)?,
                held: row.get(5)?,
            })
        })
    }
}

/// What `rejected.jsonl` says about a message that the server refused; the same names as for those that were
/// refused while preparing.
#[derive(Serialize)]
struct Noted<'a> {
    reasons: [Reason<'a>; 1],
    source: &'a str,
    line: u64,
    byte: u64,
    part: u16,
    id: Option<&'a str>,
    message: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    means: &'a str,
    value: &'a str,
}

impl super::Job {
    /// Adds to `rejected.jsonl` what it does not hold yet; `means` explains a reason. After a kill a line can
    /// stand there twice.
    pub fn write_rejects(&mut self, means: &dyn Fn(&str) -> &'static str) -> Result<(), JobError> {
        const PAGE: usize = 500;
        let reader = self.reader()?;
        let mut file = private(std::fs::OpenOptions::new().append(true).create(true))
            .open(self.dir().join(super::lines::REJECTED))
            .in_job(self.dir())?;
        let mut after = None;
        loop {
            let page = reader.some_rejects("AND written = 0", after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.conv, last.ordinal));
            let mut lines = Vec::new();
            for reject in &page {
                let entry = reader.entries(reject.conv, reject.ordinal, 1)?.pop();
                let Some(entry) = entry.filter(|entry| entry.ordinal == reject.ordinal) else { continue };
                let message = reader.message(&entry)?;
                let name = reader.name_of(message.place)?;
                let line = Noted {
                    reasons: [Reason {
                        code: &reject.reason,
                        means: means(&reject.reason),
                        value: &reject.detail,
                    }],
                    source: name.rsplit_once(':').map_or(name.as_str(), |(source, _)| source),
                    line: message.place.line,
                    byte: message.place.byte,
                    part: message.place.part,
                    id: message.source_id.as_ref().map(crate::message::SourceId::as_str),
                    message: serde_json::from_slice(&message.body).ok(),
                };
                serde_json::to_writer(&mut lines, &line).map_err(std::io::Error::from).in_job(self.dir())?;
                lines.push(b'\n');
            }
            file.write_all(&lines).in_job(self.dir())?;
            let mark =
                self.db.prepare_cached("UPDATE rejects SET written = 1 WHERE conv = ?1 AND ordinal = ?2");
            let mut mark = mark.in_job(&self.dir)?;
            for reject in &page {
                mark.execute(params![reject.conv.0, to_sql(reject.ordinal.0)]).in_job(&self.dir)?;
            }
        }
    }
}
