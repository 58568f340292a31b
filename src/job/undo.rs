//! What `undo` has done so far: so that it goes on where it was, and `run` knows what was undone.

use rusqlite::{OptionalExtension, params};

use super::error::{InJob, JobError};
use super::read::{JobReader, from_sql, to_sql};
use super::schema::Table;
use super::{ConvNo, Job};
use crate::message::{Ordinal, Seq};

/// A row for each conversation that `undo` has begun; `left` names what it did not delete.
pub(super) const TABLE: Table = Table {
    name: "undo",
    version: 1,
    sql: "CREATE TABLE undo (
            conv INTEGER PRIMARY KEY,
            next INTEGER NOT NULL,
            is_done INTEGER NOT NULL,
            deleted INTEGER NOT NULL,
            kept INTEGER NOT NULL,
            failed INTEGER NOT NULL
          );
          CREATE TABLE undo_left (
            conv INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            is_kept INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (conv, ordinal, seq)
          ) WITHOUT ROWID;",
};

/// How far a conversation is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// Messages below it were deleted for the first time.
    pub next: Ordinal,
    /// They were looked for again, and stay away.
    pub is_done: bool,
    /// Messages that are gone.
    pub deleted: u64,
    /// Messages that were left: they are not ours any more.
    pub kept: u64,
    /// Messages that could not be deleted.
    pub failed: u64,
}

impl Default for Undone {
    fn default() -> Self {
        Self { next: Ordinal(0), is_done: false, deleted: 0, kept: 0, failed: 0 }
    }
}

/// A message that `undo` did not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub ordinal: Ordinal,
    /// Its slot.
    pub seq: Seq,
    /// It is not ours any more; otherwise, it could not be deleted.
    pub is_kept: bool,
    /// Why, a lower-case clause.
    pub reason: String,
}

impl Job {
    /// Notes how far conversations are undone, and what was left of them; on the disk when it returns.
    pub fn undo(&mut self, steps: &[(ConvNo, Undone, Vec<Left>)]) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        {
            let mut step = transaction
                .prepare_cached("INSERT OR REPLACE INTO undo VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                .in_job(&self.dir)?;
            let mut leave = transaction
                .prepare_cached("INSERT OR REPLACE INTO undo_left VALUES (?1, ?2, ?3, ?4, ?5)")
                .in_job(&self.dir)?;
            for (conv, undone, left) in steps {
                let Undone { next, is_done, deleted, kept, failed } = *undone;
                let [next, deleted, kept, failed] = [next.0, deleted, kept, failed].map(to_sql);
                step.execute(params![conv.0, next, is_done, deleted, kept, failed]).in_job(&self.dir)?;
                for one in left {
                    let ordinal = to_sql(one.ordinal.0);
                    leave
                        .execute(params![conv.0, ordinal, one.seq.0, one.is_kept, one.reason])
                        .in_job(&self.dir)?;
                }
            }
        }
        transaction.commit().in_job(&self.dir)
    }
}

impl Job {
    /// Begins anew where messages could not be deleted: they are looked at again. Gives how many conversations.
    pub fn undo_failed_again(&mut self) -> Result<u64, JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        let again = transaction
            .execute("DELETE FROM undo_left WHERE conv IN (SELECT conv FROM undo WHERE failed > 0)", [])
            .and_then(|_| {
                transaction.execute(
                    "UPDATE undo SET next = 0, is_done = 0, deleted = 0, kept = 0, failed = 0 WHERE failed > 0",
                    [],
                )
            })
            .in_job(&self.dir)?;
        transaction.commit().in_job(&self.dir)?;
        Ok(again as u64)
    }
}

impl JobReader {
    /// How far that conversation is undone; `None`: not begun.
    pub fn undone(&self, conv: ConvNo) -> Result<Option<Undone>, JobError> {
        self.db
            .prepare_cached("SELECT next, is_done, deleted, kept, failed FROM undo WHERE conv = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([conv.0], |row| {
                        Ok(Undone {
                            next: Ordinal(from_sql(row.get(0)?)),
                            is_done: row.get(1)?,
                            deleted: from_sql(row.get(2)?),
                            kept: from_sql(row.get(3)?),
                            failed: from_sql(row.get(4)?),
                        })
                    })
                    .optional()
            })
            .in_job(self.dir())
    }

    /// How many conversations `undo` has begun with, and the figures of all of them together.
    pub fn undone_in_all(&self) -> Result<(u64, Undone), JobError> {
        self.db
            .query_row(
                "SELECT count(*), coalesce(min(is_done), 0), coalesce(sum(deleted), 0), coalesce(sum(kept), 0),
                        coalesce(sum(failed), 0) FROM undo",
                [],
                |row| {
                    let undone = Undone {
                        next: Ordinal(0),
                        is_done: row.get(1)?,
                        deleted: from_sql(row.get(2)?),
                        kept: from_sql(row.get(3)?),
                        failed: from_sql(row.get(4)?),
                    };
                    Ok((from_sql(row.get(0)?), undone))
                },
            )
            .in_job(self.dir())
    }

    /// Slots of a conversation in which `undo` found messages that are not ours any more.
    pub fn kept_by_undo(&self, conv: ConvNo) -> Result<Vec<Seq>, JobError> {
        self.rows("SELECT seq FROM undo_left WHERE conv = ?1 AND is_kept ORDER BY seq", [conv.0], |row| {
            row.get(0).map(Seq)
        })
    }

    /// Messages of a conversation that `undo` could not delete: they are there still. In order.
    pub fn not_undone(&self, conv: ConvNo) -> Result<Vec<Ordinal>, JobError> {
        let sql = "SELECT DISTINCT ordinal FROM undo_left WHERE conv = ?1 AND NOT is_kept ORDER BY ordinal";
        self.rows(sql, [conv.0], |row| row.get(0).map(from_sql).map(Ordinal))
    }

    /// What `undo` did not delete, a page from the one behind `after`.
    pub fn left_by_undo(
        &self,
        after: Option<(ConvNo, Ordinal, Seq)>,
        max: usize,
    ) -> Result<Vec<(ConvNo, Left)>, JobError> {
        let (conv, ordinal, seq) = after.unwrap_or((ConvNo(0), Ordinal(0), Seq(i64::MIN)));
        self.rows(
            "SELECT conv, ordinal, seq, is_kept, reason FROM undo_left
             WHERE (conv, ordinal, seq) > (?1, ?2, ?3) ORDER BY conv, ordinal, seq LIMIT ?4",
            params![conv.0, to_sql(ordinal.0), seq.0, to_sql(max as u64)],
            |row| {
                let left = Left {
                    ordinal: Ordinal(from_sql(row.get(1)?)),
                    seq: Seq(row.get(2)?),
                    is_kept: row.get(3)?,
                    reason: row.get(4)?,
                };
                Ok((ConvNo(row.get(0)?), left))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_undone_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        let reader = job.reader().unwrap();
        assert_eq!(reader.undone_in_all().unwrap(), (0, Undone::default()));
        let left = |n, is_kept| Left {
            ordinal: Ordinal(n),
            seq: Seq(n.cast_signed() + 1),
            is_kept,
            reason: "somebody else's".to_owned(),
        };
        let some = Undone { next: Ordinal(9), deleted: 7, kept: 1, failed: 1, is_done: false };
        let all = Undone { next: Ordinal(5), deleted: 5, is_done: true, ..Undone::default() };
        let steps =
            [(ConvNo(2), some, vec![left(3, true), left(1, false)]), (ConvNo(1), all, vec![left(0, true)])];
        for _ in 0..2 {
            job.undo(&steps).unwrap();
        }
        assert_eq!(reader.undone(ConvNo(2)).unwrap(), Some(some));
        assert_eq!(reader.undone(ConvNo(3)).unwrap(), None);
        let sum = Undone { next: Ordinal(0), deleted: 12, kept: 1, failed: 1, is_done: false };
        assert_eq!(reader.undone_in_all().unwrap(), (2, sum));
        let (mut seen, mut after) = (Vec::new(), None);
        while let Some((conv, left)) = reader.left_by_undo(after, 1).unwrap().pop() {
            after = Some((conv, left.ordinal, left.seq));
            seen.push((conv.0, left.ordinal.0, left.is_kept));
        }
        assert_eq!(seen, [(1, 0, true), (2, 1, false), (2, 3, true)]);
    }
}
