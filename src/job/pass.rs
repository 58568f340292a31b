//! Adding a pass to a job: all of it or nothing.
//!
//! First the messages go to the end of the spool and findings to their file, with nothing in the database but
//! where these files ended before. Then everything that goes into the database goes in one transaction, which
//! also declares the pass ready, after the files were synced. Killed before that, the job is as it was:
//! the next to open it cuts the files back.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::block::{Packer, Reply, Unpacker};
use super::error::{InJob, JobError};
use super::folder::private;
use super::key::{ConvKey, UserKey};
use super::keys::{self, KeyWriter, KnownKeys};
use super::packed::put;
use super::read::{Peers, block_id, from_sql, spool_end, to_sql};
use super::spool::{self, Spool, SpoolWriter};
use super::{ConvNo, Job, PassNo};
use crate::message::{GroupId, Ordinal, SendTime, SourceNo, UserId};

pub(super) const FINDINGS: &str = "findings.jsonl";
pub(super) const REJECTED: &str = "rejected.jsonl";

/// A pass being added.
#[derive(Debug)]
pub struct Pass<'j> {
    job: &'j mut Job,
    no: PassNo,
    spool: SpoolWriter,
    lines: Lines,
    finished: bool,
}

/// The two files of lines that a pass adds to.
#[derive(Debug)]
pub struct Lines {
    dir: PathBuf,
    findings: LineFile,
    rejected: LineFile,
}

impl Lines {
    /// Adds a line to `findings.jsonl`.
    pub fn finding(&mut self, line: &impl serde::Serialize) -> Result<(), JobError> {
        self.findings.add(line).in_job(&self.dir)
    }

    /// Adds a line to `rejected.jsonl`.
    pub fn reject(&mut self, line: &impl serde::Serialize) -> Result<(), JobError> {
        self.rejected.add(line).in_job(&self.dir)
    }

    /// Adds lines to `rejected.jsonl` that were made elsewhere.
    pub fn rejects(&mut self, lines: &[u8]) -> Result<(), JobError> {
        self.rejected.bytes.extend_from_slice(lines);
        self.rejected.write_some().in_job(&self.dir)
    }

    fn write(&mut self) -> Result<(), JobError> {
        self.findings.write().and_then(|()| self.rejected.write()).in_job(&self.dir)
    }
}

/// Gathers lines before it writes. Unlike a `BufWriter` it writes nothing when it is dropped: the pass has
/// failed then, and the file was cut back.
#[derive(Debug)]
struct LineFile {
    file: File,
    bytes: Vec<u8>,
}

impl LineFile {
    fn open(dir: &Path, name: &str) -> std::io::Result<Self> {
        let file = private(OpenOptions::new().append(true).create(true)).open(dir.join(name))?;
        Ok(Self { file, bytes: Vec::new() })
    }

    fn add(&mut self, line: &impl serde::Serialize) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.bytes, line)?;
        self.bytes.push(b'\n');
        self.write_some()
    }

    fn write_some(&mut self) -> std::io::Result<()> {
        if self.bytes.len() < 64 << 10 { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

impl<'j> Pass<'j> {
    pub(super) fn begin(job: &'j mut Job, settings: &str) -> Result<Self, JobError> {
        take_out_unfinished(job)?;
        let dir = job.dir.clone();
        if job.is_purged()? {
            return Err(JobError::Purged(dir));
        }
        // A pass is one transaction, and commits without waiting for the disk: see `finish`.
        job.db.pragma_update(None, "synchronous", "NORMAL").in_job(&dir)?;
        job.db.pragma_update(None, "wal_autocheckpoint", 0).in_job(&dir)?;
        job.leave_in_wal(true)?;
        let spool_from = spool_end(&job.db).in_job(&dir)?;
        let spool = SpoolWriter::open(&dir, spool_from)?;
        let findings = LineFile::open(&dir, FINDINGS).in_job(&dir)?;
        let rejected = LineFile::open(&dir, REJECTED).in_job(&dir)?;
        let len = |lines: &LineFile| Ok(to_sql(lines.file.metadata().in_job(&dir)?.len()));
        let (findings_from, rejected_from) = (len(&findings)?, len(&rejected)?);
        let no = job
            .db
            .query_row(
                "INSERT INTO passes (no, state, spool_from, findings_from, rejected_from, settings)
                 VALUES ((SELECT coalesce(max(no), 0) + 1 FROM passes), 'preparing', ?1, ?2, ?3, ?4)
                 RETURNING no",
                params![to_sql(spool_from), findings_from, rejected_from, settings],
                |row| row.get(0).map(PassNo),
            )
            .in_job(&dir)?;
        Ok(Self { job, no, spool, lines: Lines { dir, findings, rejected }, finished: false })
    }

    /// Its number.
    pub fn no(&self) -> PassNo {
        self.no
    }

    /// How earlier passes named their sources, by number.
    pub fn source_names(&self) -> Result<Vec<String>, JobError> {
        let mut statement =
            self.job.db.prepare("SELECT path FROM sources ORDER BY no").in_job(&self.job.dir)?;
        let rows = statement.query_map([], |row| row.get(0)).in_job(&self.job.dir)?;
        rows.collect::<Result<_, _>>().in_job(&self.job.dir)
    }

    /// Adds whole records, made by [`super::write_record`], to the spool; gives the offset of the first.
    pub fn append(&mut self, records: &[u8]) -> Result<u64, JobError> {
        self.spool.append(records)
    }

    /// The files of findings and rejects.
    pub fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Reads what was added so far.
    pub fn spool(&self) -> Result<Spool, JobError> {
        self.spool.reader()
    }

    /// Begins the transaction that puts the pass into the index.
    pub fn load(&mut self) -> Result<(Loader<'_>, &mut Lines), JobError> {
        Ok((Loader::begin(&self.job.db, &self.job.dir, self.no)?, &mut self.lines))
    }

    /// The job folder; files that the pass needs for a while belong there.
    pub fn dir(&self) -> &Path {
        &self.job.dir
    }

    /// Declares the pass ready and commits it.
    ///
    /// Nothing waits for the disk here: `check` is not to take as long as writing everything out does (ten
    /// million messages: 13 s at 300 MB/s). [`Job::begin_sending`] does, before anything depends on it; until
    /// then a pass that did not reach the disk whole is noticed and read again.
    pub fn finish(mut self, summary: &str) -> Result<(), JobError> {
        let dir = self.job.dir.clone();
        self.lines.write()?;
        if self.job.db.is_autocommit() {
            self.job.db.execute_batch("BEGIN IMMEDIATE").in_job(&dir)?;
        }
        self.job
            .db
            .execute(
                "UPDATE passes SET state = 'ready', spool_to = ?2, summary = ?3, boot = ?4 WHERE no = ?1",
                params![self.no.0, to_sql(self.spool.end()), summary, boot_id()],
            )
            .in_job(&dir)?;
        self.job.db.execute_batch("COMMIT").in_job(&dir)?;
        self.finished = true;
        Ok(())
    }
}

/// What the machine calls the time since it was switched on; `None` where that can't be known.
pub(super) fn boot_id() -> Option<String> {
    fs_err::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// Everything that passes wrote is on the disk when it returns.
pub(super) fn sync(job: &Job) -> Result<(), JobError> {
    let dir = &job.dir;
    for name in [spool::FILE, FINDINGS, REJECTED] {
        OpenOptions::new().append(true).open(dir.join(name)).and_then(|file| file.sync_data()).in_job(dir)?;
    }
    // Their names as well.
    #[cfg(unix)]
    OpenOptions::new().read(true).open(dir).and_then(|folder| folder.sync_all()).in_job(dir)?;
    // What readers hold open stays in the WAL; it is synced all the same.
    job.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).in_job(dir)
}

/// Takes out passes that were not sent yet and did not reach the disk whole before the machine went down.
pub(super) fn take_out_lost(job: &mut Job) -> Result<bool, JobError> {
    let unsure: Vec<(u32, i64, i64)> = {
        let mut statement = job
            .db
            .prepare(
                "SELECT no, spool_from, spool_to FROM passes
                 WHERE state = 'ready' AND NOT begun AND (boot IS NULL OR boot IS NOT ?1) ORDER BY no",
            )
            .in_job(&job.dir)?;
        let rows = statement
            .query_map([boot_id()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .in_job(&job.dir)?;
        rows.collect::<Result<_, _>>().in_job(&job.dir)?
    };
    for (no, from, to) in unsure {
        if !spool::is_whole(&job.dir, from_sql(from), from_sql(to)) {
            take_out_from(job, PassNo(no))?;
            return Ok(true);
        }
    }
    Ok(false)
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Whatever fails here is done by the next to open the job.
            let _later = self.job.db.execute_batch("ROLLBACK");
            let _later = take_out_unfinished(self.job);
        }
    }
}

/// Takes passes out of a job, from this one on. Killed in the middle, the job is either as before or without
/// them.
pub(super) fn take_out_from(job: &mut Job, pass: PassNo) -> Result<(), JobError> {
    let transaction = job.db.transaction().in_job(&job.dir)?;
    let from = pass.0;
    for (sql, from) in [
        ("DELETE FROM conversations WHERE pass >= ?1", from.into()),
        (
            "DELETE FROM blocks WHERE id IN (
               SELECT b.id FROM segments s
               JOIN blocks b ON b.id BETWEEN (s.conv << 32) + s.first AND (s.conv << 32) + 4294967295
               WHERE s.pass >= ?1)",
            from.into(),
        ),
        ("DELETE FROM segments WHERE pass >= ?1", from.into()),
        ("DELETE FROM users WHERE pass >= ?1", from.into()),
        ("DELETE FROM people WHERE pass >= ?1", from.into()),
        ("DELETE FROM keys WHERE id >= ?1", keys::first_block(pass)),
        ("DELETE FROM sources WHERE pass >= ?1", from.into()),
        ("DELETE FROM passes WHERE no > ?1", from.into()),
        // The rest is done by whoever comes next, if we are killed.
        ("UPDATE passes SET state = 'preparing' WHERE no = ?1", i64::from(from)),
    ] {
        transaction.execute(sql, [from]).in_job(&job.dir)?;
    }
    transaction.commit().in_job(&job.dir)?;
    take_out_unfinished(job).map(|_| ())
}

/// Cuts the files back to where they were before a pass that never became ready.
pub(super) fn take_out_unfinished(job: &mut Job) -> Result<bool, JobError> {
    let dir = &job.dir;
    let unfinished: Option<(u32, i64, i64, i64)> = job
        .db
        .query_row(
            "SELECT no, spool_from, findings_from, rejected_from FROM passes WHERE state <> 'ready'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .in_job(dir)?;
    let Some((no, spool, findings, rejected)) = unfinished else { return Ok(false) };
    for (file, len) in [(spool::FILE, spool), (FINDINGS, findings), (REJECTED, rejected)] {
        let file = OpenOptions::new().write(true).open(dir.join(file));
        if let Ok(file) = file
            && file.metadata().in_job(dir)?.len() > from_sql(len)
        {
            file.set_len(from_sql(len)).in_job(dir)?;
        }
    }
    job.db.execute("DELETE FROM passes WHERE no = ?1", [no]).in_job(dir)?;
    Ok(true)
}

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
    /// Time of the latest of them.
    pub last_time: SendTime,
}

impl<'p> Loader<'p> {
    fn begin(db: &'p Connection, dir: &'p Path, pass: PassNo) -> Result<Self, JobError> {
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
    ) -> Result<(), JobError> {
        self.execute(
            "INSERT INTO sources VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![no.0, self.pass.0, path, to_sql(bytes), modified, sha256],
        )
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
                    last_time: SendTime(row.get(4)?),
                })
            },
        )
    }

    /// The latest `sendTime` that earlier passes gave a conversation: their spread is in it.
    pub fn last_sent(&self, earlier: &Earlier) -> Result<SendTime, JobError> {
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
        let mut latest = earlier.last_time;
        for block in blocks {
            let last = Unpacker::new(Ordinal(0), &block.in_job(self.dir)?).last();
            latest = latest.max(last.map_or(latest, |entry| entry.send_time));
        }
        Ok(latest)
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
        spread: u32,
        reply: Reply,
    ) -> Result<(), JobError> {
        self.packer.push(offset, len, send_time, spread, reply);
        if let Some(open) = &mut self.open {
            open.messages += 1;
            open.bytes += u64::from(len);
            open.first_time = open.first_time.min(send_time);
            open.last_time = open.last_time.max(send_time);
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
