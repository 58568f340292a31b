//! How far each conversation is: what a process that takes over has to know, and no more.
//!
//! The state may lag behind the server by some commits: what is missing is read in the server's log again.
//! Two things may not lag: that a conversation is activated, with its baseline, before its first call; and
//! that a message is sent or deleted a second time, before that call.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::error::{InJob, JobError};
use super::overtaken::{self, Overtaken};
use super::read::{from_sql, to_sql};
use super::receipts::{self, Receipt};
use super::rejects::{self, Reject};
use super::unseen::{self, Unseen};
use super::withdrawn::{self, Double, Withdrawn};
use super::{ConvNo, JobReader};
use crate::message::{Ordinal, Seq};

/// How far a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// `maxSeq` when it was activated: what lies below is not ours.
    pub baseline: Seq,
    /// Messages below it are confirmed or rejected.
    pub cursor: Ordinal,
    /// How many of them are rejected.
    pub rejected: u64,
    /// Slots up to here are decided.
    pub read_to: Seq,
    /// What may be under way.
    pub state: Under,
    /// The last run that worked on it.
    pub run: u32,
}

/// What may be under way in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// Nothing.
    Nothing,
    /// Something may be.
    Way {
        /// A message was sent a second time: a copy can surface behind the last.
        doubt: bool,
        /// How the last call ended, where it is not known whether it was processed.
        lost: Option<LostCall>,
    },
}

/// How a call ended of which we don't know whether it was processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostCall {
    /// Its connection was cut, or a proxy answered.
    Cut,
    /// Our patience ended.
    TimedOut,
}

/// A step of a conversation: all of it is committed, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which conversation.
    pub conv: ConvNo,
    /// See [`Progress`].
    pub cursor: Ordinal,
    /// See [`Progress`].
    pub read_to: Seq,
    /// See [`Progress`].
    pub state: Under,
    /// See [`Progress`].
    pub run: u32,
    /// What was confirmed, in order.
    pub receipts: Vec<Receipt>,
    /// What was refused for good.
    pub rejects: Vec<Reject>,
    /// Slots that are to be deleted.
    pub withdrawn: Vec<Withdrawn>,
    /// Copies that the server made.
    pub doubles: Vec<Double>,
    /// Empty slots of which nobody knew anything.
    pub unseen: Vec<Unseen>,
    /// Somebody has written what is newer than the rest.
    pub overtaken: Option<Overtaken>,
}

/// Sums over all conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Conversations that were begun.
    pub activated: u64,
    /// Messages below the cursors.
    pub passed: u64,
    /// Of these, rejected ones.
    pub rejected: u64,
    /// Conversations in which something may be under way.
    pub open: u64,
    /// Messages of conversations that were undone, or are being undone.
    pub undone: u64,
}

/// Begins conversations with their baselines.
pub(super) fn activate(
    transaction: &Transaction<'_>,
    run: u32,
    conversations: &[(ConvNo, Seq)],
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO progress (conv, baseline, read_to, state, run) VALUES (?1, ?2, ?2, 1, ?3)
         ON CONFLICT (conv) DO UPDATE SET state = max(state, 1), run = ?3",
    )?;
    for (conv, baseline) in conversations {
        statement.execute(params![conv.0, baseline.0, run])?;
    }
    Ok(())
}

/// Takes a step.
pub(super) fn step(transaction: &Transaction<'_>, step: &Step) -> rusqlite::Result<()> {
    let (state, lost) = match step.state {
        Under::Nothing => (0, 0),
        Under::Way { doubt, lost } => (
            if doubt { 2 } else { 1 },
            match lost {
                None => 0,
                Some(LostCall::Cut) => 1,
                Some(LostCall::TimedOut) => 2,
            },
        ),
    };
    let passed = step.rejects.iter().filter(|reject| !reject.held).count() as u64;
    transaction
        .prepare_cached(
            "UPDATE progress SET confirmed = ?2, rejected = rejected + ?3, read_to = ?4, state = ?5, lost = ?6, run = ?7
             WHERE conv = ?1",
        )?
        .execute(params![
            step.conv.0,
            to_sql(step.cursor.0),
            to_sql(passed),
            step.read_to.0,
            state,
            lost,
            step.run
        ])?;
    receipts::insert(transaction, step.conv, &step.receipts)?;
    // A conversation that waited at a refused message goes on: it was taken after all.
    transaction
        .prepare_cached("DELETE FROM rejects WHERE conv = ?1 AND ordinal < ?2 AND held = 1")?
        .execute(params![step.conv.0, to_sql(step.cursor.0)])?;
    rejects::insert(transaction, step.conv, &step.rejects)?;
    unseen::insert(transaction, step.conv, &step.unseen)?;
    if let Some(one) = &step.overtaken {
        overtaken::insert(transaction, step.conv, one)?;
    }
    withdrawn::insert(transaction, step.conv, &step.withdrawn, &step.doubles)
}

impl JobReader {
    /// How far a conversation is; `None` if it was never begun.
    pub fn progress(&self, conv: ConvNo) -> Result<Option<Progress>, JobError> {
        self.db
            .prepare_cached(&format!("SELECT {COLUMNS} FROM progress WHERE conv = ?1"))
            .and_then(|mut statement| statement.query_row([conv.0], |row| progress(row, 0)).optional())
            .in_job(self.dir())
    }

    /// Conversations that this run or a later one worked on, by number, from the one after `after`.
    pub fn touched_since(
        &self,
        run: u32,
        after: Option<ConvNo>,
        limit: usize,
    ) -> Result<Vec<(ConvNo, Progress)>, JobError> {
        let sql = format!(
            "SELECT conv, {COLUMNS} FROM progress WHERE run >= ?3 AND conv > ?1 ORDER BY conv LIMIT ?2"
        );
        self.rows(&sql, params![number(after), to_sql(limit as u64), run], |row| {
            Ok((ConvNo(row.get(0)?), progress(row, 1)?))
        })
    }

    /// How many those are.
    pub fn touched_in_all(&self, run: u32) -> Result<u64, JobError> {
        self.db
            .query_row("SELECT count(*) FROM progress WHERE run >= ?1", [run], |row| row.get(0).map(from_sql))
            .in_job(self.dir())
    }

    /// Sums over all conversations but those that were undone. A message that went out once more counts as the
    /// later one.
    pub fn standing(&self) -> Result<Standing, JobError> {
        self.db
            .query_row(
                "WITH kept AS (SELECT * FROM progress WHERE conv NOT IN (SELECT conv FROM undo)),
                      again AS (SELECT * FROM superseded WHERE conv NOT IN (SELECT conv FROM undo))
                 SELECT (SELECT count(*) FROM kept),
                        (SELECT coalesce(sum(confirmed), 0) FROM kept) - (SELECT count(*) FROM again),
                        (SELECT coalesce(sum(rejected), 0) FROM kept)
                          - (SELECT coalesce(sum(rejected), 0) FROM again),
                        (SELECT coalesce(sum(state > 0), 0) FROM kept),
                        (SELECT coalesce(sum(messages), 0) FROM segments WHERE conv IN (SELECT conv FROM undo))
                          - (SELECT count(*) FROM superseded WHERE conv IN (SELECT conv FROM undo))",
                [],
                |row| {
                    let number = |at| row.get(at).map(|number: i64| from_sql(number.max(0)));
                    Ok(Standing {
                        activated: number(0)?,
                        passed: number(1)?,
                        rejected: number(2)?,
                        open: number(3)?,
                        undone: number(4)?,
                    })
                },
            )
            .in_job(self.dir())
    }
}

const COLUMNS: &str = "baseline, confirmed, rejected, read_to, state, lost, run";

fn progress(row: &Row<'_>, at: usize) -> rusqlite::Result<Progress> {
    let state: i64 = row.get(at + 4)?;
    let lost = match row.get::<_, i64>(at + 5)? {
        0 => None,
        1 => Some(LostCall::Cut),
        _ => Some(LostCall::TimedOut),
    };
    Ok(Progress {
        baseline: Seq(row.get(at)?),
        cursor: Ordinal(from_sql(row.get(at + 1)?)),
        rejected: from_sql(row.get(at + 2)?),
        read_to: Seq(row.get(at + 3)?),
        state: if state == 0 { Under::Nothing } else { Under::Way { doubt: state == 2, lost } },
        run: row.get(at + 6)?,
    })
}

pub(super) fn number(after: Option<ConvNo>) -> i64 {
    after.map_or(-1, |conv| i64::from(conv.0))
}
