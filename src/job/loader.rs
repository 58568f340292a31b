//! Puts what a pass brings into the database, in one transaction.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::block::{Packer, Reply, Unpacker};
use super::error::{InJob, JobError};
use super::key::{ConvKey, UserKey};
use super::keys::{KeyWriter, KnownKeys};
use super::packed::put;
use super::read::{block_id, from_sql, to_sql};
use super::{ConvNo, PassNo, Peers};
use crate::message::{GroupId, Ordinal, SendTime, SourceNo, UserId};

/// Puts conversations with their entries into the index.
#[derive(Debug)]
pub struct Loader<'p> {
    db: &'p Connection,
    dir: &'p Path,
    pass: PassNo,
    /// Nothing is known from earlier passes: nothing has to be looked up.
    is_first: bool,
    next_conv: u32,
    open: Option<Open>,
    packer: Packer,
    /// How many messages each sent in the conversation.
    members: HashMap<u64, u64, BuildHasherDefault<Same>>,
}

/// The conversation that entries are being added to.
#[derive(Debug)]
struct Open {
    no: ConvNo,
    first: u64,
    messages: u64,
    bytes: u64,
    first_time: SendTime,
    last_time: SendTime,
}

/// What the job already knows about a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its number.
    pub no: ConvNo,
    /// Between whom.
    pub peers: Peers,
    /// How many messages earlier passes gave it.
    pub messages: u64,
    /// `sendTime` of the latest of them, with its spread.
    pub last_sent: SendTime,
}

impl<'p> Loader<'p> {
    pub(super) fn begin(db: &'p Connection, dir: &'p Path, pass: PassNo) -> Result<Self, JobError> {
        db.execute_batch("BEGIN IMMEDIATE").in_job(dir)?;
        let next_conv = db
            .query_row("SELECT coalesce(max(no) + 1, 1) FROM conversations", [], |row| row.get::<_, u32>(0))
            .in_job(dir)?;
        Ok(Self {
            db,
            dir,
            pass,
            is_first: next_conv == 1,
            next_conv,
            open: None,
            packer: Packer::default(),
            members: HashMap::default(),
        })
    }

    /// The pass.
    pub(super) fn pass(&self) -> PassNo {
        self.pass
    }

    /// Notes a source of this pass.
    pub fn source(
        &self,
        no: SourceNo,
        path: &str,
        bytes: u64,
        modified: Option<i64>,
        sha256: &[u8; 32],
        etag: Option<&str>,
    ) -> Result<(), JobError> {
        self.execute(
            "INSERT INTO sources VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![no.0, self.pass.0, path, to_sql(bytes), modified, sha256],
        )?;
        let Some(etag) = etag else { return Ok(()) };
        self.execute("INSERT INTO etags VALUES (?1, ?2, ?3)", params![no.0, self.pass.0, etag])
    }

    /// The keys that earlier passes know.
    pub fn known_keys(&self) -> Result<KnownKeys<'p>, JobError> {
        KnownKeys::open(self.db, self.dir, self.pass)
    }

    /// Writes the keys of this pass.
    pub fn keys(&self) -> KeyWriter<'p> {
        KeyWriter::new(self.db, self.dir, self.pass)
    }

    /// What earlier passes left of the conversation with that key.
    pub fn earlier(&self, key: ConvKey) -> Result<Option<Earlier>, JobError> {
        if self.is_first {
            return Ok(None);
        }
        self.query(
            "SELECT c.no, c.a, c.b, sum(s.messages), max(s.last_time)
             FROM conversations c JOIN segments s ON s.conv = c.no WHERE c.key = ?1 GROUP BY c.no",
            [key.to_bytes()],
            |row| {
                let a: String = row.get(1)?;
                Ok(Earlier {
                    no: ConvNo(row.get(0)?),
                    peers: match row.get::<_, Option<String>>(2)? {
                        Some(b) => Peers::Single(UserId(a), UserId(b)),
                        None => Peers::Group(GroupId(a)),
                    },
                    messages: from_sql(row.get(3)?),
                    last_sent: SendTime(row.get(4)?),
                })
            },
        )
    }

    /// The latest time of a conversation's messages in earlier passes as their exports say it, without the spread.
    pub fn last_written(&self, earlier: &Earlier) -> Result<SendTime, JobError> {
        // The last of a pass is its latest.
        let mut statement = self
            .db
            .prepare_cached(
                "SELECT (SELECT data FROM blocks WHERE id BETWEEN ?1 AND ?1 + first + messages - 1
                         ORDER BY id DESC LIMIT 1)
                 FROM segments WHERE conv = ?2",
            )
            .in_job(self.dir)?;
        let blocks = statement
            .query_map(params![block_id(earlier.no, 0), earlier.no.0], |row| row.get::<_, Vec<u8>>(0))
            .in_job(self.dir)?;
        let mut latest = None;
        for block in blocks {
            let last = Unpacker::new(Ordinal(0), &block.in_job(self.dir)?).last();
            latest = latest.max(last.map(|entry| entry.written()));
        }
        Ok(latest.unwrap_or(earlier.last_sent))
    }

    /// Where in the spool the latest messages of a conversation stand that earlier passes gave it, and their lengths; so many
    /// at most, the latest last.
    pub fn last_records(&self, earlier: &Earlier, most: usize) -> Result<Vec<(u64, u32)>, JobError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT data FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC")
            .in_job(self.dir)?;
        let (first, last) = (block_id(earlier.no, 0), block_id(earlier.no, u64::MAX));
        let blocks = statement.query_map([first, last], |row| row.get::<_, Vec<u8>>(0)).in_job(self.dir)?;
        let mut records = Vec::new();
        for block in blocks {
            let block = block.in_job(self.dir)?;
            let of_block = Unpacker::new(Ordinal(0), &block).map(|entry| (entry.offset, entry.len));
            records.splice(..0, of_block);
            if records.len() >= most {
                records.drain(..records.len() - most);
                break;
            }
        }
        Ok(records)
    }

    /// Begins a conversation; its entries follow in order, then [`Self::end`].
    pub fn conversation(
        &mut self,
        key: ConvKey,
        peers: &Peers,
        earlier: Option<&Earlier>,
    ) -> Result<ConvNo, JobError> {
        let (no, first) = if let Some(earlier) = earlier {
            (earlier.no, earlier.messages)
        } else {
            let no = ConvNo(self.next_conv);
            self.next_conv += 1;
            let (a, b) = match peers {
                Peers::Single(a, b) => (a.as_str(), Some(b.as_str())),
                Peers::Group(group) => (group.as_str(), None),
            };
            self.execute(
                "INSERT INTO conversations VALUES (?1, ?2, ?3, ?4, ?5)",
                params![no.0, self.pass.0, key.to_bytes(), a, b],
            )?;
            (no, 0)
        };
        let (first_time, last_time) = (SendTime(i64::MAX), SendTime(i64::MIN));
        self.open = Some(Open { no, first, messages: 0, bytes: 0, first_time, last_time });
        Ok(no)
    }

    /// Adds the next message of the conversation; `send_time` is the export's, `spread` comes on top of it.
    pub fn entry(
        &mut self,
        offset: u64,
        len: u32,
        send_time: SendTime,
        spread: u64,
        reply: Reply,
    ) -> Result<(), JobError> {
        self.packer.push(offset, len, send_time, spread, reply);
        if let Some(open) = &mut self.open {
            open.messages += 1;
            open.bytes += u64::from(len);
            // As they are sent: what stands in the log is told by these, also by how late the last of them can be.
            let sent = SendTime(send_time.0.wrapping_add_unsigned(spread));
            open.first_time = open.first_time.min(sent);
            open.last_time = open.last_time.max(sent);
        }
        if self.packer.is_full() { self.close_block() } else { Ok(()) }
    }

    /// Counts a message of the user in the conversation.
    pub fn member(&mut self, user: UserKey) {
        *self.members.entry(user.0).or_default() += 1;
    }

    /// Ends the conversation.
    pub fn end(&mut self) -> Result<(), JobError> {
        if self.packer.len() > 0 {
            self.close_block()?;
        }
        if let Some(open) = self.open.take() {
            let mut members: Vec<(u64, u64)> = self.members.drain().collect();
            members.sort_unstable();
            let (mut blob, mut last) = (Vec::new(), 0);
            for (member, sent) in members {
                put(&mut blob, member - last);
                put(&mut blob, sent);
                last = member;
            }
            self.execute(
                "INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    open.no.0,
                    self.pass.0,
                    to_sql(open.first),
                    to_sql(open.messages),
                    open.first_time.0,
                    open.last_time.0,
                    to_sql(open.bytes),
                    blob
                ],
            )?;
        }
        Ok(())
    }

    /// Whether the job knows the user.
    pub fn knows_user(&self, user: UserKey) -> Result<bool, JobError> {
        if self.is_first {
            return Ok(false);
        }
        let known = self.query("SELECT 1 FROM users WHERE hash = ?1", [user.to_sql()], |_| Ok(()))?;
        Ok(known.is_some())
    }

    /// Adds a user who isn't known yet; best in the order of their keys.
    pub fn user(&mut self, id: &str, nickname: &str, face_url: &str) -> Result<(), JobError> {
        self.execute(
            "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5)",
            params![UserKey::of(id).to_sql(), self.pass.0, id, nickname, face_url],
        )
    }

    fn close_block(&mut self) -> Result<(), JobError> {
        let Some(open) = &self.open else { return Ok(()) };
        let first = open.first + open.messages - u64::from(self.packer.len());
        self.execute(
            "INSERT INTO blocks VALUES (?1, ?2)",
            params![block_id(open.no, first), self.packer.data()],
        )?;
        self.packer.clear();
        Ok(())
    }

    /// The row, if there is one.
    pub(super) fn db(&self) -> &'p Connection {
        self.db
    }

    pub(super) fn dir(&self) -> &'p Path {
        self.dir
    }

    pub(super) fn pass_no(&self) -> PassNo {
        self.pass
    }

    pub(super) fn query<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, JobError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, row).optional())
            .in_job(self.dir)
    }

    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), JobError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map(|_| ())
            .in_job(self.dir)
    }
}

/// Keys of users are hashes already.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys of users are numbers");
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
