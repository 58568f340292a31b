//! Conversations into which somebody has written while their history was being sent, or before: what is left of that is
//! older, and behind newer messages nobody could scroll it (law 15). They are left alone until it is decided what
//! becomes of them.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::block::{Entry, Packer, Unpacker};
use super::error::{InJob, JobError};
use super::read::{JobReader, block_id, from_sql, to_sql};
use super::schema::Table;
use super::{ConvNo, Job};
use crate::message::{ConversationId, Ordinal, SendTime, Seq, UserId};

/// A row for each; the first message that was newer than what was left.
pub(super) const TABLE: Table = Table {
    name: "overtaken",
    version: 1,
    sql: "CREATE TABLE overtaken (
            conv INTEGER PRIMARY KEY,
            seq INTEGER NOT NULL,
            by TEXT NOT NULL,
            time INTEGER NOT NULL,
            keeps INTEGER NOT NULL
          );",
};

/// Under which times messages were to be sent, or were, before they went behind what people wrote, `moved` as in an entry:
/// one that was under way then can come afterwards, and is not in its place.
pub(super) const FORMER_TIMES: Table = Table {
    name: "former_times",
    version: 1,
    sql: "CREATE TABLE former_times (
            conv INTEGER NOT NULL,
            time INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            moved INTEGER NOT NULL,
            PRIMARY KEY (conv, time, ordinal)
          ) WITHOUT ROWID;",
};

/// Whose message overtook a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaken {
    /// Its slot.
    pub seq: Seq,
    /// Who wrote it.
    pub by: UserId,
    /// Its `sendTime`.
    pub time: SendTime,
    /// Messages of ours that an earlier job sent stand behind it, and stay.
    pub keeps: bool,
}

impl Overtaken {
    /// Keeps it where it is the newest of what others wrote.
    pub fn keep_newest(newest: &mut Option<Self>, seq: Seq, by: &str, time: SendTime) {
        if newest.as_ref().is_none_or(|newest| newest.time < time) {
            *newest = Some(Self { seq, by: UserId(by.to_owned()), time, keeps: false });
        }
    }
}

/// All of them together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OvertakenInAll {
    /// How many conversations.
    pub conversations: u64,
    /// What is left of them.
    pub messages: u64,
    /// Some of them, each with who wrote.
    pub some: Vec<(String, String)>,
}

pub(super) fn insert(transaction: &Transaction<'_>, conv: ConvNo, one: &Overtaken) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO overtaken (conv, seq, by, time, keeps) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![conv.0, one.seq.0, one.by.as_str(), one.time.0, one.keeps])
        .map(|_| ())
}

impl OvertakenInAll {
    /// Adds those of another shard.
    pub fn merge(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.messages += other.messages;
        self.some.extend(other.some);
    }
}

impl JobReader {
    /// Whose message overtook that conversation.
    pub fn overtaken(&self, conv: ConvNo) -> Result<Option<Overtaken>, JobError> {
        self.db
            .prepare_cached("SELECT seq, by, time, keeps FROM overtaken WHERE conv = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([conv.0], |row| {
                        Ok(Overtaken {
                            seq: Seq(row.get(0)?),
                            by: UserId(row.get(1)?),
                            time: SendTime(row.get(2)?),
                            keeps: row.get(3)?,
                        })
                    })
                    .optional()
            })
            .in_job(self.dir())
    }

    /// Messages of a conversation that were to be sent at that time before they went behind what people wrote, as they were.
    pub fn formerly_at(&self, conv: ConvNo, time: SendTime) -> Result<Vec<Entry>, JobError> {
        // A job of an earlier version, which is only looked at.
        if self.lacks(FORMER_TIMES.name)? {
            return Ok(Vec::new());
        }
        let sql = "SELECT ordinal, moved FROM former_times WHERE conv = ?1 AND time = ?2 ORDER BY ordinal";
        let former =
            self.rows(sql, params![conv.0, time.0], |row| Ok((Ordinal(from_sql(row.get(0)?)), row.get(1)?)))?;
        let mut entries = Vec::with_capacity(former.len());
        for (ordinal, moved) in former {
            entries.extend(self.entries(conv, ordinal, 1)?.into_iter().map(|entry| Entry {
                send_time: time,
                spread: time.0.abs_diff(entry.written().0),
                moved,
                ..entry
            }));
        }
        Ok(entries)
    }

    /// The first time that a message got which went behind what people wrote: from there on, people may have written beside
    /// ours.
    pub fn behind_since(&self) -> Result<Option<SendTime>, JobError> {
        if self.lacks(FORMER_TIMES.name)? {
            return Ok(None);
        }
        let sql = "SELECT conv, min(ordinal) FROM former_times GROUP BY conv";
        let moved = self.rows(sql, [], |row| Ok((ConvNo(row.get(0)?), Ordinal(from_sql(row.get(1)?)))))?;
        let mut first: Option<SendTime> = None;
        for (conv, ordinal) in moved {
            let time = self.entries(conv, ordinal, 1)?.first().map(|entry| entry.send_time);
            first = [first, time].into_iter().flatten().min();
        }
        Ok(first)
    }

    /// Conversations that were overtaken and not undone since, by number, from the one after `after`.
    pub fn all_overtaken(&self, after: Option<ConvNo>, limit: usize) -> Result<Vec<ConvNo>, JobError> {
        let sql = "SELECT conv FROM overtaken WHERE conv > ?1 AND conv NOT IN (SELECT conv FROM undo)
                   ORDER BY conv LIMIT ?2";
        let after = after.map_or(-1, |conv| i64::from(conv.0));
        self.rows(sql, params![after, to_sql(limit as u64)], |row| Ok(ConvNo(row.get(0)?)))
    }

    /// How many of the wanted ones were overtaken, how much is left of them, and some of them by name.
    pub fn overtaken_in_all(
        &self,
        is_wanted: &dyn Fn(&ConversationId) -> bool,
    ) -> Result<OvertakenInAll, JobError> {
        const SOME: usize = 20;
        const PAGE: usize = 500;
        let (mut all, mut after) = (OvertakenInAll::default(), None);
        loop {
            let page = self.all_overtaken(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(*last);
            for conv in page {
                let known = self.conversation(conv)?.zip(self.overtaken(conv)?);
                let Some((conversation, one)) = known.filter(|(known, _)| is_wanted(&known.id())) else {
                    continue;
                };
                let passed = self.progress(conv)?.map_or(0, |progress| progress.cursor.0);
                all.conversations += 1;
                all.messages += conversation.messages.saturating_sub(passed);
                if all.some.len() < SOME {
                    all.some.push((conversation.id().0, one.by.0));
                }
            }
        }
    }
}

impl Job {
    /// Forgets it of conversations of which nothing stands on the server, or can come there: they are looked at again when
    /// their first message is to go out. Of `all`: what is left is sent whatever people have written.
    pub fn look_again_at_overtaken(&mut self, all: bool) -> Result<(), JobError> {
        let sql = "DELETE FROM overtaken
                   WHERE ?1 OR (NOT keeps
                     AND conv NOT IN (SELECT conv FROM progress WHERE confirmed > 0 OR state > 0))";
        self.db.execute(sql, [all]).in_job(&self.dir).map(|_| ())
    }

    /// What is left of these conversations goes behind what people wrote: each message gets a time after that,
    /// rising, and has its own in `ex`. On the disk when it returns.
    pub fn send_behind(&mut self, conversations: &[(ConvNo, Ordinal, SendTime)]) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        for (conv, from, after) in conversations {
            move_behind(&transaction, *conv, *from, *after).in_job(&self.dir)?;
        }
        transaction.commit().in_job(&self.dir)
    }
}

/// Gives the messages from that one on times after `after`.
fn move_behind(db: &Connection, conv: ConvNo, from: Ordinal, after: SendTime) -> rusqlite::Result<()> {
    let blocks: Vec<(i64, Vec<u8>)> = {
        let mut statement =
            db.prepare_cached("SELECT id, data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let all = [block_id(conv, 0), block_id(conv, u64::from(u32::MAX))];
        let rows = statement.query_map(all, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut former = db.prepare_cached("INSERT OR IGNORE INTO former_times VALUES (?1, ?2, ?3, ?4)")?;
    let mut last = after.0;
    for (id, data) in blocks {
        let first = Ordinal(from_sql(id) & u64::from(u32::MAX));
        let mut packer = Packer::default();
        for mut entry in Unpacker::new(first, &data) {
            if entry.ordinal >= from {
                former.execute(params![conv.0, entry.send_time.0, to_sql(entry.ordinal.0), entry.moved])?;
                let written = entry.written();
                last = entry.send_time.0.max(last.saturating_add(1));
                entry.moved |= last > entry.send_time.0;
                (entry.send_time, entry.spread) = (SendTime(last), last.abs_diff(written.0));
            }
            packer.entry(&entry);
        }
        db.prepare_cached("UPDATE blocks SET data = ?2 WHERE id = ?1")?
            .execute(params![id, packer.data()])?;
    }
    // By the times that they have now it is told whether something in the log can be theirs.
    db.prepare_cached(
        "UPDATE segments SET last_time = max(last_time, ?2) WHERE conv = ?1 AND first + messages > ?3",
    )?
    .execute(params![conv.0, last, to_sql(from.0)])?;
    db.prepare_cached("DELETE FROM overtaken WHERE conv = ?1")?.execute([conv.0]).map(|_| ())
}
