//! Empty slots of which neither a reader nor the store knew anything when they were judged.
//!
//! They count as numbers that were never used. But what stands in the cache alone, in a conversation that nobody
//! can read at that moment, looks the same: so they are looked at once more, at the end of the run, or of the next.

use rusqlite::{Transaction, params};

use super::error::JobError;
use super::read::{from_sql, to_sql};
use super::withdrawn::place;
use super::{ConvNo, JobReader};
use crate::message::{Ordinal, Seq};

/// Such a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// Its number.
    pub seq: Seq,
    /// The first message that was missing then.
    pub ordinal: Ordinal,
}

pub(super) fn insert(transaction: &Transaction<'_>, conv: ConvNo, unseen: &[Unseen]) -> rusqlite::Result<()> {
    for one in unseen {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO unseen (conv, seq, ordinal) VALUES (?1, ?2, ?3)")?
            .execute(params![conv.0, one.seq.0, to_sql(one.ordinal.0)])?;
    }
    Ok(())
}

/// They were looked at once more.
pub(super) fn forget(transaction: &Transaction<'_>, conv: ConvNo, seqs: &[Seq]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM unseen WHERE conv = ?1 AND seq = ?2")?;
    for seq in seqs {
        statement.execute(params![conv.0, seq.0])?;
    }
    Ok(())
}

impl JobReader {
    /// Slots to be looked at once more, by conversation and seq, from the one after `after`.
    pub fn unseen(
        &self,
        after: Option<(ConvNo, Seq)>,
        limit: usize,
    ) -> Result<Vec<(ConvNo, Unseen)>, JobError> {
        let (conv, seq) = place(after);
        self.rows(
            "SELECT conv, seq, ordinal FROM unseen WHERE (conv, seq) > (?1, ?2) ORDER BY conv, seq LIMIT ?3",
            params![conv, seq, to_sql(limit as u64)],
            |row| {
                let one = Unseen { seq: Seq(row.get(1)?), ordinal: Ordinal(from_sql(row.get(2)?)) };
                Ok((ConvNo(row.get(0)?), one))
            },
        )
    }
}
