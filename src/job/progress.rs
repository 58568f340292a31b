//! How far each conversation is, what was refused, what was withdrawn: what a process that takes over has to
//! know.

use rusqlite::{OptionalExtension, Row, params};

use super::error::{InJob, JobError};
use super::read::{from_sql, to_sql};
use super::receipts::unpack_ids;
use super::{ConvNo, JobReader};
use crate::message::{Ids, Ordinal, Seq};

/// How far a conversation is. There is none before its activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The first message that is neither confirmed nor a reject.
    pub cursor: Ordinal,
    /// `maxSeq` when it was activated: what lies below is not ours.
    pub baseline: Seq,
    /// Slots up to here are decided.
    pub settled: Seq,
    /// A process may have left something under way: the last one did not end this conversation in peace.
    pub open: bool,
    /// A message was sent a second time since the conversation was last settled whole.
    pub doubt: bool,
}

/// A message that the server refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// Of which conversation.
    pub conv: ConvNo,
    /// Which message.
    pub ordinal: Ordinal,
    /// The server's code.
    pub code: i32,
    /// A stable word for it.
    pub reason: String,
    /// The server's own words, fit to show.
    pub detail: String,
}

/// What a slot that we deleted, or want to delete, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message of ours under names of its own, not in its place.
    Stray,
    /// A second copy that the server made (law 5), with the names of a confirmed message.
    Copy,
}

/// How far a deletion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deletion {
    /// Seen, and not to be deleted unless asked.
    Seen,
    /// It will be deleted: committed before the call.
    Intended,
    /// The server said it was; it can come back (law 14).
    Deleted,
}

/// A message of ours that should not stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Of which conversation.
    pub conv: ConvNo,
    /// In which slot.
    pub seq: Seq,
    /// Which message it is.
    pub ordinal: Ordinal,
    /// Its names.
    pub ids: Ids,
    /// Ours or the server's doing.
    pub kind: Kind,
    /// How far its deletion is.
    pub state: Deletion,
}

/// How far the whole job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Messages that were read back, id for id.
    pub confirmed: u64,
    /// Messages that the server refused for good.
    pub rejected: u64,
    /// Conversations with nothing left to send.
    pub conversations: u64,
    /// Conversations that were activated.
    pub activated: u64,
    /// Copies made by the server that stand there still, as far as was seen.
    pub doubled: u64,
    /// Confirmed messages in slots that read as empty.
    pub hidden: u64,
}

impl JobReader {
    /// How far a conversation is; `None` before its activation.
    pub fn progress(&self, conv: ConvNo) -> Result<Option<Progress>, JobError> {
        self.db
            .prepare_cached("SELECT confirmed, baseline, settled, open, doubt FROM progress WHERE conv = ?1")
            .and_then(|mut statement| {
                let read = |r: &Row<'_>| {
                    Ok(Progress {
                        cursor: Ordinal(from_sql(r.get(0)?)),
                        baseline: Seq(r.get(1)?),
                        settled: Seq(r.get(2)?),
                        open: r.get(3)?,
                        doubt: r.get(4)?,
                    })
                };
                statement.query_row([conv.0], read).optional()
            })
            .in_job(self.dir())
    }

    /// How far the whole job is.
    pub fn done(&self) -> Result<Done, JobError> {
        let one = |sql: &str| self.db.query_row(sql, [], |r| r.get(0).map(from_sql)).in_job(self.dir());
        let passed = one("SELECT coalesce(sum(confirmed), 0) FROM progress")?;
        let below = one(
            "SELECT count(*) FROM rejects r JOIN progress p ON p.conv = r.conv AND r.ordinal < p.confirmed",
        )?;
        Ok(Done {
            confirmed: passed.saturating_sub(below),
            rejected: one("SELECT count(*) FROM rejects")?,
            conversations: one("SELECT count(*) FROM progress p WHERE p.confirmed >=
                   (SELECT coalesce(sum(messages), 0) FROM segments s WHERE s.conv = p.conv)")?,
            activated: one("SELECT count(*) FROM progress")?,
            doubled: one("SELECT count(*) FROM withdrawn WHERE kind = 1 AND state < 2")?,
            hidden: one("SELECT coalesce(sum(hidden), 0) FROM progress")?,
        })
    }

    /// Rejects after that one, in order of conversation and ordinal.
    pub fn rejects(&self, after: Option<(ConvNo, Ordinal)>, max: usize) -> Result<Vec<RejectRow>, JobError> {
        let (conv, ordinal) =
            after.map_or((-1, -1), |(conv, ordinal)| (i64::from(conv.0), to_sql(ordinal.0)));
        self.rows(
            "SELECT conv, ordinal, code, reason, detail FROM rejects
             WHERE (conv, ordinal) > (?1, ?2) ORDER BY conv, ordinal LIMIT ?3",
            params![conv, ordinal, to_sql(max as u64)],
            |r| {
                Ok(RejectRow {
                    conv: ConvNo(r.get(0)?),
                    ordinal: Ordinal(from_sql(r.get(1)?)),
                    code: r.get(2)?,
                    reason: r.get(3)?,
                    detail: r.get(4)?,
                })
            },
        )
    }

    /// What was withdrawn in a conversation, and copies that were seen there.
    pub fn withdrawn(&self, conv: ConvNo) -> Result<Vec<Withdrawn>, JobError> {
        self.withdrawn_rows("WHERE conv = ?1 ORDER BY seq", params![conv.0])
    }

    /// The same over all conversations, by pages.
    pub fn all_withdrawn(
        &self,
        after: Option<(ConvNo, Seq)>,
        max: usize,
    ) -> Result<Vec<Withdrawn>, JobError> {
        let (conv, seq) = after.map_or((-1, -1), |(conv, seq)| (i64::from(conv.0), seq.0));
        self.withdrawn_rows(
            "WHERE (conv, seq) > (?1, ?2) ORDER BY conv, seq LIMIT ?3",
            params![conv, seq, to_sql(max as u64)],
        )
    }

    fn withdrawn_rows(&self, which: &str, args: impl rusqlite::Params) -> Result<Vec<Withdrawn>, JobError> {
        let rows: Vec<Option<Withdrawn>> = self.rows(
            &format!("SELECT conv, seq, ordinal, ids, kind, state FROM withdrawn {which}"),
            args,
            |r| {
                let ids: Vec<u8> = r.get(3)?;
                let (conv, seq, ordinal) = (ConvNo(r.get(0)?), Seq(r.get(1)?), Ordinal(from_sql(r.get(2)?)));
                let kind = if r.get::<_, i64>(4)? == 0 { Kind::Stray } else { Kind::Copy };
                let state = match r.get::<_, i64>(5)? {
                    0 => Deletion::Seen,
                    1 => Deletion::Intended,
                    _ => Deletion::Deleted,
                };
                Ok(unpack_ids(&ids).map(|ids| Withdrawn { conv, seq, ordinal, ids, kind, state }))
            },
        )?;
        rows.into_iter().map(|row| row.ok_or_else(|| self.damaged("a withdrawn message"))).collect()
    }

    /// A figure that is counted over all runs; 0 if it never was.
    pub fn counter(&self, name: &str) -> Result<u64, JobError> {
        self.db
            .query_row("SELECT coalesce(sum(value), 0) FROM counters WHERE name = ?1", [name], |r| {
                r.get(0).map(from_sql)
            })
            .in_job(self.dir())
    }
}
