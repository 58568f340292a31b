//! Slots with a message of ours that has its place elsewhere, and slots with copies that the server made.
//!
//! That a slot is to be deleted is committed before it is deleted: a process that takes over has to know the
//! names, or it would take what is left for messages in their places. And what was deleted can come back
//! (law 14): it is looked for until it stays away.

use rusqlite::{Row, Transaction, params};

use super::error::{InJob, JobError};
use super::progress::number;
use super::read::{from_sql, to_sql};
use super::{ConvNo, Job, JobReader};
use crate::message::{Ids, MsgId, Ordinal, Seq};

/// A slot to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its number.
    pub seq: Seq,
    /// Which message stands there.
    pub ordinal: Ordinal,
    /// Under which names.
    pub ids: Ids,
}

/// A slot with a copy that the server made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Double {
    /// Its number.
    pub seq: Seq,
    /// Which message stands there a second time.
    pub ordinal: Ordinal,
    /// Its name.
    pub server: MsgId,
}

/// What became of a slot that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is deleted, and has to be looked for again.
    Once,
    /// It stayed away.
    ForGood,
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    conv: ConvNo,
    withdrawn: &[Withdrawn],
    doubles: &[Double],
) -> rusqlite::Result<()> {
    for one in withdrawn {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO withdrawn (conv, seq, ordinal, server_id, client_id) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                conv.0,
                one.seq.0,
                to_sql(one.ordinal.0),
                one.ids.server.to_string(),
                one.ids.client.to_string()
            ])?;
    }
    for one in doubles {
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO doubled (conv, seq, ordinal, server_id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![conv.0, one.seq.0, to_sql(one.ordinal.0), one.server.to_string()])?;
    }
    Ok(())
}

/// Writes down what became of slots that were to be deleted.
pub(super) fn deleted(
    transaction: &Transaction<'_>,
    conv: ConvNo,
    seqs: &[Seq],
    deleted: Deleted,
) -> rusqlite::Result<()> {
    let state = match deleted {
        Deleted::Once => 1,
        Deleted::ForGood => 2,
    };
    let mut statement =
        transaction.prepare_cached("UPDATE withdrawn SET state = ?3 WHERE conv = ?1 AND seq = ?2")?;
    for seq in seqs {
        statement.execute(params![conv.0, seq.0, state])?;
    }
    Ok(())
}

/// Writes down that copies were deleted.
pub(super) fn repaired(transaction: &Transaction<'_>, conv: ConvNo, seqs: &[Seq]) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare_cached("UPDATE doubled SET repaired = 1 WHERE conv = ?1 AND seq = ?2")?;
    for seq in seqs {
        statement.execute(params![conv.0, seq.0])?;
    }
    Ok(())
}

impl Job {
    /// Notes that copies of the server stand there no more: somebody has deleted them.
    pub fn copies_are_gone(&mut self, gone: &[(ConvNo, Vec<Seq>)]) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        for (conv, seqs) in gone {
            repaired(&transaction, *conv, seqs).in_job(&self.dir)?;
        }
        transaction.commit().in_job(&self.dir)
    }
}

impl JobReader {
    /// Everything withdrawn in a conversation.
    pub fn withdrawn(&self, conv: ConvNo) -> Result<Vec<Withdrawn>, JobError> {
        self.rows(
            "SELECT seq, ordinal, server_id, client_id FROM withdrawn WHERE conv = ?1 ORDER BY seq",
            [conv.0],
            |row| withdrawn(row, 0),
        )
    }

    /// The server's names of what was withdrawn in a conversation and has to be deleted or looked for again.
    pub fn withdrawn_open(&self, conv: ConvNo) -> Result<Vec<MsgId>, JobError> {
        let sql = "SELECT server_id FROM withdrawn WHERE conv = ?1 AND state < 2";
        self.rows(sql, [conv.0], |row| Ok(MsgId::new(&row.get::<_, String>(0)?)))
    }

    /// Copies that the server made in a conversation and that are still there, as far as the job knows.
    pub fn doubles_of(&self, conv: ConvNo) -> Result<Vec<(Seq, MsgId)>, JobError> {
        let sql = "SELECT seq, server_id FROM doubled WHERE conv = ?1 AND repaired = 0 ORDER BY seq";
        self.rows(sql, [conv.0], |row| Ok((Seq(row.get(0)?), MsgId::new(&row.get::<_, String>(1)?))))
    }

    /// What has to be deleted or looked for again, by conversation and seq, from the one after `after`.
    pub fn to_look_for(
        &self,
        after: Option<(ConvNo, Seq)>,
        limit: usize,
    ) -> Result<Vec<(ConvNo, Withdrawn)>, JobError> {
        let (conv, seq) = place(after);
        self.rows(
            "SELECT conv, seq, ordinal, server_id, client_id FROM withdrawn
             WHERE state < 2 AND (conv, seq) > (?1, ?2) ORDER BY conv, seq LIMIT ?3",
            params![conv, seq, to_sql(limit as u64)],
            |row| Ok((ConvNo(row.get(0)?), withdrawn(row, 1)?)),
        )
    }

    /// Copies that the server made and that are still there, by conversation and seq, from the one after
    /// `after`.
    pub fn doubles(
        &self,
        after: Option<(ConvNo, Seq)>,
        limit: usize,
    ) -> Result<Vec<(ConvNo, Double)>, JobError> {
        let (conv, seq) = place(after);
        self.rows(
            "SELECT conv, seq, ordinal, server_id FROM doubled
             WHERE repaired = 0 AND (conv, seq) > (?1, ?2) ORDER BY conv, seq LIMIT ?3",
            params![conv, seq, to_sql(limit as u64)],
            |row| {
                let double = Double {
                    seq: Seq(row.get(1)?),
                    ordinal: Ordinal(from_sql(row.get(2)?)),
                    server: MsgId::new(&row.get::<_, String>(3)?),
                };
                Ok((ConvNo(row.get(0)?), double))
            },
        )
    }

    /// How many slots were withdrawn, and how many copies of the server are still there.
    pub fn repair_counts(&self) -> Result<(u64, u64), JobError> {
        self.db
            .query_row(
                "SELECT (SELECT count(*) FROM withdrawn), (SELECT count(*) FROM doubled WHERE repaired = 0)",
                [],
                |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
            )
            .in_job(self.dir())
    }
}

/// Behind which slot a page begins: none is before all of them.
pub(super) fn place(after: Option<(ConvNo, Seq)>) -> (i64, i64) {
    after.map_or((number(None), -1), |(conv, seq)| (number(Some(conv)), seq.0))
}

fn withdrawn(row: &Row<'_>, at: usize) -> rusqlite::Result<Withdrawn> {
    Ok(Withdrawn {
        seq: Seq(row.get(at)?),
        ordinal: Ordinal(from_sql(row.get(at + 1)?)),
        ids: Ids {
            server: MsgId::new(&row.get::<_, String>(at + 2)?),
            client: MsgId::new(&row.get::<_, String>(at + 3)?),
        },
    })
}
