//! Reading a job: what there is to send, in which order.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{InJob, JobError};
use super::facts::{Conversation, PassInfo, Peers, SourceInfo, Totals, User};
use super::idle::{Idle, Lent};
use super::key::{ConvKey, UserKey};
use super::packed::Unpack;
use super::spool::{self, Spool};
use super::{ConvNo, PassNo, schema};
use crate::message::{ConversationId, GroupId, Place, SendTime, SourceNo, UserId};

/// Reads a job; each thread opens one of its own ([`Self::reopen`]).
#[derive(Debug)]
pub struct JobReader {
    dir: Arc<Path>,
    pub(super) db: Lent,
    /// Opened when it is asked for: a job without a pass has none.
    spool: OnceCell<Spool>,
}

impl JobReader {
    /// Over an idle connection to the job in that folder, or a new one.
    pub(super) fn open(dir: &Path, idle: &Idle) -> Result<Self, JobError> {
        Ok(Self { dir: dir.into(), db: idle.take(dir)?, spool: OnceCell::new() })
    }

    /// Another reader of the same job, for another thread; it sees passes that were added meanwhile.
    pub fn reopen(&self) -> Result<Self, JobError> {
        Self::open(&self.dir, self.db.idle())
    }

    /// The job folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Conversations by number, from the one after `after`.
    pub fn conversations(&self, after: Option<ConvNo>, limit: usize) -> Result<Vec<Conversation>, JobError> {
        let sql = format!("{CONVERSATIONS} WHERE c.no > ?1 GROUP BY c.no ORDER BY c.no LIMIT ?2");
        let after = after.map_or(-1, |conv| i64::from(conv.0));
        self.rows(&sql, params![after, to_sql(limit as u64)], conversation)
    }

    /// One conversation.
    pub fn conversation(&self, conv: ConvNo) -> Result<Option<Conversation>, JobError> {
        let sql = format!("{CONVERSATIONS} WHERE c.no = ?1 GROUP BY c.no");
        Ok(self.rows(&sql, params![conv.0], conversation)?.pop())
    }

    /// The conversation with that name. Two pairs can share one (law 11), but not in one job.
    pub fn find(&self, id: &ConversationId) -> Result<Option<Conversation>, JobError> {
        let Some(key) = ConvKey::named(id) else { return Ok(None) };
        let sql = format!("{CONVERSATIONS} WHERE c.key = ?1 GROUP BY c.no");
        Ok(self.rows(&sql, params![key.to_bytes()], conversation)?.pop())
    }

    /// Whether the conversation belongs to another shard.
    pub fn is_elsewhere(&self, id: &ConversationId) -> Result<bool, JobError> {
        let shard = self.shard()?;
        Ok(ConvKey::named(id).is_some_and(|key| !shard.has(key)))
    }

    /// Up to `max` users who can read the conversation: both of a pair, senders of a group.
    pub fn participants(&self, conv: &Conversation, max: usize) -> Result<Vec<UserId>, JobError> {
        match &conv.peers {
            Peers::Single(a, b) => Ok([a, b].into_iter().take(max).cloned().collect()),
            Peers::Group(_) => {
                let members = self.members(conv.no)?.into_iter().take(max);
                members.filter_map(|key| self.user(key).transpose()).collect()
            }
        }
    }

    /// Everybody who sends in the conversation.
    pub fn members(&self, conv: ConvNo) -> Result<Vec<UserKey>, JobError> {
        let blobs: Vec<Vec<u8>> = self.rows(
            "SELECT members FROM segments WHERE conv = ?1 ORDER BY pass",
            params![conv.0],
            |row| row.get(0),
        )?;
        let mut members = Vec::new();
        for blob in blobs {
            each_member(&blob, |user, _| members.push(user));
        }
        members.sort_unstable();
        members.dedup();
        Ok(members)
    }

    /// The same by name: whoever has to be a member of the group, or may not be blocked by the other.
    pub fn senders(&self, conv: ConvNo) -> Result<Vec<UserId>, JobError> {
        self.members(conv)?.into_iter().filter_map(|key| self.user(key).transpose()).collect()
    }

    /// Users in the order of their keys, from the one after `after`.
    pub fn users(&self, after: Option<UserKey>, limit: usize) -> Result<Vec<User>, JobError> {
        // No user has the lowest key but by a chance of one in 2^64.
        let after = after.map_or(i64::MIN, UserKey::to_sql);
        self.rows(
            "SELECT hash, id, nickname, face_url FROM users WHERE hash > ?1 ORDER BY hash LIMIT ?2",
            params![after, to_sql(limit as u64)],
            |row| {
                Ok(User {
                    key: UserKey::from_sql(row.get(0)?),
                    id: UserId(row.get(1)?),
                    nickname: row.get(2)?,
                    face_url: row.get(3)?,
                })
            },
        )
    }

    /// How much there is.
    pub fn totals(&self) -> Result<Totals, JobError> {
        let mut totals = self
            .db
            .query_row(
                "SELECT coalesce(sum(n), 0), count(*), coalesce(max(n), 0), coalesce(sum(b), 0)
                 FROM (SELECT sum(messages) AS n, sum(bytes) AS b FROM segments GROUP BY conv)",
                [],
                |row| {
                    Ok(Totals {
                        messages: from_sql(row.get(0)?),
                        conversations: from_sql(row.get(1)?),
                        longest: from_sql(row.get(2)?),
                        bytes: from_sql(row.get(3)?),
                        users: 0,
                    })
                },
            )
            .in_job(&self.dir)?;
        let users =
            self.db.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).in_job(&self.dir)?;
        totals.users = from_sql(users);
        // A message that goes out once more is still one message.
        totals.messages -= self.superseded_in_all()?.0;
        Ok(totals)
    }

    /// All passes.
    pub fn passes(&self) -> Result<Vec<PassInfo>, JobError> {
        self.rows("SELECT no, state, settings, summary FROM passes ORDER BY no", [], |row| {
            Ok(PassInfo {
                no: PassNo(row.get(0)?),
                ready: row.get::<_, String>(1)? == "ready",
                settings: row.get(2)?,
                summary: row.get(3)?,
            })
        })
    }

    /// The sources that a pass read.
    pub fn sources(&self, pass: PassNo) -> Result<Vec<SourceInfo>, JobError> {
        let etag =
            if self.lacks("etags")? { "NULL" } else { "(SELECT etag FROM etags WHERE source = sources.no)" };
        self.rows(
            &format!(
                "SELECT no, pass, path, bytes, modified, sha256, {etag} FROM sources WHERE pass = ?1 ORDER BY no"
            ),
            params![pass.0],
            source,
        )
    }

    /// A place in words: `posts.csv:17`.
    pub fn name_of(&self, place: Place) -> Result<String, JobError> {
        Ok(format!("{}:{}", self.source_name(place.source)?, place.line))
    }

    /// A source as it was given.
    pub fn source_name(&self, source: SourceNo) -> Result<String, JobError> {
        let path: Option<String> = self
            .db
            .prepare_cached("SELECT path FROM sources WHERE no = ?1")
            .and_then(|mut statement| statement.query_row([source.0], |row| row.get(0)).optional())
            .in_job(&self.dir)?;
        Ok(path.unwrap_or_else(|| format!("source {}", source.0)))
    }

    /// The user with that key.
    pub fn user(&self, key: UserKey) -> Result<Option<UserId>, JobError> {
        self.db
            .prepare_cached("SELECT id FROM users WHERE hash = ?1")
            .and_then(|mut statement| {
                statement.query_row([key.to_sql()], |row| row.get(0).map(UserId)).optional()
            })
            .in_job(&self.dir)
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JobError> {
        let mut statement = self.db.prepare_cached(sql).in_job(&self.dir)?;
        let rows = statement.query_map(params, row).in_job(&self.dir)?;
        rows.collect::<Result<_, _>>().in_job(&self.dir)
    }

    pub(super) fn spool(&self) -> Result<&Spool, JobError> {
        if let Some(spool) = self.spool.get() {
            return Ok(spool);
        }
        if self.is_purged()? {
            return Err(JobError::Purged(self.dir.to_path_buf()));
        }
        let end = spool_end(&self.db).in_job(&self.dir)?;
        let spool = Spool::open(&self.dir, end)?;
        Ok(self.spool.get_or_init(|| spool))
    }

    /// How many calls read texts so far, and how many bytes.
    #[cfg(test)]
    pub(crate) fn texts_read(&self) -> (u64, u64) {
        use std::sync::atomic::Ordering::Relaxed;
        self.spool
            .get()
            .map_or((0, 0), |spool| (spool.reads.calls.load(Relaxed), spool.reads.bytes.load(Relaxed)))
    }

    pub(super) fn damaged(&self, what: &str) -> JobError {
        let path = self.dir.join(schema::DATABASE);
        JobError::Damaged { path, what: format!("{what} can't be read as it was written") }
    }
}

/// A reader that tasks share; held only while something is looked up.
#[derive(Debug)]
pub struct SharedReader(Mutex<JobReader>);

impl SharedReader {
    /// Shares that reader.
    pub fn new(reader: JobReader) -> Self {
        Self(Mutex::new(reader))
    }

    /// Looks something up.
    pub fn read<T>(&self, look: impl FnOnce(&JobReader) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The members of a segment, each with how many messages he sent in it.
pub(super) fn each_member(blob: &[u8], mut take: impl FnMut(UserKey, u64)) {
    let (mut from, mut last) = (Unpack(blob), 0u64);
    while let (Some(step), Some(sent)) = (from.number(), from.number()) {
        last = last.wrapping_add(step);
        take(UserKey(last), sent);
    }
}

/// `WHERE` has to name conversations by row or key; nothing here may walk over all of them.
pub(super) const CONVERSATIONS: &str =
    "SELECT c.no, c.a, c.b, sum(s.messages), sum(s.bytes), min(s.first_time),
    max(s.last_time) FROM conversations c JOIN segments s ON s.conv = c.no ";

fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        no: ConvNo(row.get(0)?),
        peers: peers(row)?,
        messages: from_sql(row.get(3)?),
        bytes: from_sql(row.get(4)?),
        first_time: SendTime(row.get(5)?),
        last_time: SendTime(row.get(6)?),
    })
}

/// Of a row that begins with `no, a, b`.
pub(super) fn peers(row: &Row<'_>) -> rusqlite::Result<Peers> {
    let a: String = row.get(1)?;
    Ok(match row.get::<_, Option<String>>(2)? {
        Some(b) => Peers::Single(UserId(a), UserId(b)),
        None => Peers::Group(GroupId(a)),
    })
}

pub(super) fn source(row: &Row<'_>) -> rusqlite::Result<SourceInfo> {
    Ok(SourceInfo {
        no: SourceNo(row.get(0)?),
        pass: PassNo(row.get(1)?),
        path: row.get(2)?,
        bytes: from_sql(row.get(3)?),
        modified: row.get(4)?,
        sha256: row.get(5)?,
        etag: row.get(6)?,
    })
}

/// Where the spool ends as far as passes are ready.
pub(super) fn spool_end(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT max(spool_to) FROM passes WHERE state = 'ready'", [], |row| {
        row.get::<_, Option<i64>>(0).map(|end| end.map_or(spool::START, from_sql))
    })
}

/// Row of a block: conversations and ordinals both have 32 bits, so rows lie in the order of sending.
pub(super) fn block_id(conv: ConvNo, first: u64) -> i64 {
    i64::from(conv.0) << 32 | to_sql(first.min(u64::from(u32::MAX)))
}

/// `SQLite` numbers are signed.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back; what we wrote is never negative.
pub(super) fn from_sql(number: i64) -> u64 {
    number.unsigned_abs()
}
