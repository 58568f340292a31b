//! Reading a job: what there is to send, in which order.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::block::{Entry, Target, Unpacker};
use super::error::{InJob, JobError};
use super::key::{ConvKey, UserKey};
use super::packed::Unpack;
use super::record::Spooled;
use super::spool::{self, Spool};
use super::{ConvNo, PassNo, schema};
use crate::message::{ConversationId, GroupId, Ordinal, Place, SendTime, SourceNo, UserId};

/// Reads a job; each thread opens one of its own ([`Self::reopen`]).
#[derive(Debug)]
pub struct JobReader {
    dir: Arc<Path>,
    pub(super) db: Connection,
    /// Opened when it is asked for: a job without a pass has none.
    spool: OnceCell<Spool>,
}

/// A conversation of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its number.
    pub no: ConvNo,
    /// Between whom.
    pub peers: Peers,
    /// How many messages all passes gave it.
    pub messages: u64,
    /// Bytes of their records in the spool.
    pub bytes: u64,
    /// Time of the earliest.
    pub first_time: SendTime,
    /// Time of the latest.
    pub last_time: SendTime,
}

/// Who talks in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// Two users, or one with himself; sorted as text.
    Single(UserId, UserId),
    /// A group.
    Group(GroupId),
}

/// A user who sends or receives in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Stands for the id; users are paged by it.
    pub key: UserKey,
    /// `userID`.
    pub id: UserId,
    /// `senderNickname` of one of his messages; empty if there was none.
    pub nickname: String,
    /// `senderFaceURL` of one of his messages; empty if there was none.
    pub face_url: String,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Messages to send, of all passes.
    pub messages: u64,
    /// Their conversations.
    pub conversations: u64,
    /// Users who send or receive.
    pub users: u64,
    /// Messages of the longest conversation.
    pub longest: u64,
    /// Bytes of all records.
    pub bytes: u64,
}

/// A pass that is in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassInfo {
    /// Its number.
    pub no: PassNo,
    /// Whether all of it is there; it isn't while it is being prepared.
    pub ready: bool,
    /// What shaped it.
    pub settings: String,
    /// What came out, as JSON.
    pub summary: String,
}

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its number.
    pub no: SourceNo,
    /// By which pass.
    pub pass: PassNo,
    /// As it was given.
    pub path: String,
    /// Size of the file.
    pub bytes: u64,
    /// When it was last changed, in ms since 1970.
    pub modified: Option<i64>,
    /// Fingerprint of its bytes.
    pub sha256: [u8; 32],
}

impl Peers {
    /// The server's name of the conversation.
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Single(a, b) => ConversationId::single(a.as_str(), b.as_str()),
            Self::Group(group) => ConversationId::group(group.as_str()),
        }
    }
}

impl Conversation {
    /// The server's name of it.
    pub fn id(&self) -> ConversationId {
        self.peers.conversation()
    }
}

impl JobReader {
    pub(super) fn open(dir: &Path) -> Result<Self, JobError> {
        let db = schema::observe(dir)?;
        Ok(Self { dir: dir.into(), db, spool: OnceCell::new() })
    }

    /// Another reader of the same job, for another thread; it sees passes that were added meanwhile.
    pub fn reopen(&self) -> Result<Self, JobError> {
        Self::open(&self.dir)
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
        let key = match (id.as_str().strip_prefix("si_"), id.as_str().strip_prefix("sg_")) {
            (Some(pair), _) => ConvKey::of_pair(pair),
            (_, Some(group)) => ConvKey::group(group),
            (None, None) => return Ok(None),
        };
        let sql = format!("{CONVERSATIONS} WHERE c.key = ?1 GROUP BY c.no");
        Ok(self.rows(&sql, params![key.to_bytes()], conversation)?.pop())
    }

    /// At most `max` entries of a conversation from the ordinal on, in the order of sending.
    pub fn entries(&self, conv: ConvNo, from: Ordinal, max: usize) -> Result<Vec<Entry>, JobError> {
        let mut entries = Vec::with_capacity(max.min(1024));
        let mut next = from.0;
        while entries.len() < max {
            let before = entries.len();
            let Some((first, data)) = self.block(conv, next)? else { break };
            let mut unpacker = Unpacker::new(first, &data);
            entries.extend(unpacker.by_ref().skip_while(|entry| entry.ordinal.0 < next).take(max - before));
            let Some(last) = entries.get(before..).and_then(<[Entry]>::last) else {
                if unpacker.is_done() {
                    break;
                }
                return Err(self.damaged(&format!("block {} of conversation {}", first.0, conv.0)));
            };
            next = last.ordinal.0 + 1;
        }
        Ok(entries)
    }

    /// The message of an entry.
    pub fn message(&self, entry: &Entry) -> Result<Spooled, JobError> {
        self.spool()?.message(entry)
    }

    /// Which message of the conversation a reply quotes; `None` if it isn't in the job any more.
    pub fn ordinal_of(&self, conv: ConvNo, target: Target) -> Result<Option<Ordinal>, JobError> {
        for (first, messages) in self.segments(conv, target.send_time)? {
            // The first block that begins later than the target ends the search.
            let (mut low, mut high) = (first, first + messages);
            while low < high {
                let middle = low + (high - low) / 2;
                let Some((block, data)) = self.block(conv, middle)? else { break };
                let mut entries = Unpacker::new(block, &data).skip_while(|entry| entry.ordinal.0 < first);
                let at = |entry: &Entry| (entry.written(), entry.offset);
                let wanted = (target.send_time, target.offset);
                let Some(start) = entries.next() else { break };
                if at(&start) > wanted {
                    high = start.ordinal.0;
                    continue;
                }
                let mut last = start;
                for entry in std::iter::once(start).chain(entries) {
                    if at(&entry) == wanted {
                        return Ok(Some(entry.ordinal));
                    }
                    last = entry;
                }
                if at(&last) > wanted {
                    break;
                }
                low = last.ordinal.0 + 1;
            }
        }
        Ok(None)
    }

    /// Messages of a conversation that were written at that time, in the order of sending.
    pub fn written_at(&self, conv: ConvNo, time: SendTime) -> Result<Vec<Entry>, JobError> {
        let mut found = Vec::new();
        for (first, messages) in self.segments(conv, time)? {
            let end = first + messages;
            let (mut low, mut high) = (first, end);
            // The first message of that time or later.
            while low < high {
                let middle = low + (high - low) / 2;
                let Some(entry) = self.entries(conv, Ordinal(middle), 1)?.pop() else { break };
                if entry.send_time < time { low = middle + 1 } else { high = middle }
            }
            let mut next = low;
            while next < end {
                let page = self.entries(conv, Ordinal(next), 64)?;
                let before = found.len();
                let same = |entry: &Entry| entry.send_time == time && entry.ordinal.0 < end;
                found.extend(page.iter().copied().take_while(same));
                let all = found.len() - before == page.len();
                match page.last() {
                    Some(last) if all => next = last.ordinal.0 + 1,
                    _ => break,
                }
            }
        }
        Ok(found)
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
        self.rows(
            "SELECT no, pass, path, bytes, modified, sha256 FROM sources WHERE pass = ?1 ORDER BY no",
            params![pass.0],
            source,
        )
    }

    /// A place in words: `posts.csv:17`.
    pub fn name_of(&self, place: Place) -> Result<String, JobError> {
        let path: Option<String> = self
            .db
            .prepare_cached("SELECT path FROM sources WHERE no = ?1")
            .and_then(|mut statement| statement.query_row([place.source.0], |row| row.get(0)).optional())
            .in_job(&self.dir)?;
        Ok(format!("{}:{}", path.unwrap_or_else(|| format!("source {}", place.source.0)), place.line))
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

    /// The block that holds the ordinal, or the last one before it.
    fn block(&self, conv: ConvNo, ordinal: u64) -> Result<Option<(Ordinal, Vec<u8>)>, JobError> {
        self.db
            .prepare_cached("SELECT id, data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")
            .and_then(|mut statement| {
                statement
                    .query_row([block_id(conv, 0), block_id(conv, ordinal)], |row| {
                        let first = from_sql(row.get(0)?) & u64::from(u32::MAX);
                        Ok((Ordinal(first), row.get(1)?))
                    })
                    .optional()
            })
            .in_job(&self.dir)
    }

    /// First ordinal and count of the passes in which a message of that time can be.
    fn segments(&self, conv: ConvNo, time: SendTime) -> Result<Vec<(u64, u64)>, JobError> {
        self.rows(
            "SELECT first, messages FROM segments
             WHERE conv = ?1 AND first_time <= ?2 AND last_time >= ?2 ORDER BY pass",
            params![conv.0, time.0],
            |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
        )
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

    pub(super) fn damaged(&self, what: &str) -> JobError {
        let path: PathBuf = self.dir.join(schema::DATABASE);
        JobError::Damaged { path, what: format!("{what} can't be read as it was written") }
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
    let a: String = row.get(1)?;
    let peers = match row.get::<_, Option<String>>(2)? {
        Some(b) => Peers::Single(UserId(a), UserId(b)),
        None => Peers::Group(GroupId(a)),
    };
    Ok(Conversation {
        no: ConvNo(row.get(0)?),
        peers,
        messages: from_sql(row.get(3)?),
        bytes: from_sql(row.get(4)?),
        first_time: SendTime(row.get(5)?),
        last_time: SendTime(row.get(6)?),
    })
}

fn source(row: &Row<'_>) -> rusqlite::Result<SourceInfo> {
    Ok(SourceInfo {
        no: SourceNo(row.get(0)?),
        pass: PassNo(row.get(1)?),
        path: row.get(2)?,
        bytes: from_sql(row.get(3)?),
        modified: row.get(4)?,
        sha256: row.get(5)?,
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
