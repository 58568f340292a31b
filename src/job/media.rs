//! The files of messages and the objects they became: what is where, how far an upload is, how it was verified.
//!
//! Written without waiting for the disk, and some of it only with the next write: of a process that is killed, and of a
//! machine that is switched off, some steps are done again.

use std::cell::RefCell;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{InJob, JobError};
use super::media_later::At;
use super::read::{from_sql, to_sql};
use super::schema::{self, Table};
use super::{Job, JobReader};
use crate::message::SourceNo;

/// A file by the source that names it and what it calls it; an object by its name. `state`: see [`ObjectState`];
/// `parts`: digests, joined by commas; `done`: a bit for each part that was put.
pub(super) const TABLE: Table = Table {
    name: "media",
    version: 1,
    sql: "CREATE TABLE media (
            source INTEGER NOT NULL,
            key TEXT NOT NULL,
            kind TEXT NOT NULL,
            place TEXT NOT NULL,
            object TEXT,
            problem TEXT,
            why TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (source, key)
          ) WITHOUT ROWID;
          CREATE TABLE objects (
            name TEXT PRIMARY KEY,
            hash TEXT NOT NULL,
            parts TEXT NOT NULL,
            size INTEGER NOT NULL,
            mime TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            seconds INTEGER NOT NULL,
            url TEXT NOT NULL,
            state INTEGER NOT NULL,
            upload TEXT,
            done BLOB NOT NULL DEFAULT x'',
            why TEXT NOT NULL DEFAULT ''
          ) WITHOUT ROWID;",
};

/// Uploads of several parts that the server may have opened, and whose number nobody was told: how many, by object.
pub(super) const ORPHANED: Table = Table {
    name: "orphaned_uploads",
    version: 1,
    sql: "CREATE TABLE orphaned_uploads (name TEXT PRIMARY KEY, uploads INTEGER NOT NULL) WITHOUT ROWID;",
};

/// Stands for the upload of an object while the server is asked to open one.
const ANNOUNCED: &str = "?";

/// The kind of a [`MediaFile`] that no message shows: the picture of a user or group. It has an address already; where it
/// can't be had, it keeps that.
pub const FACE: &str = "face";

/// A file that messages show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// The source that names it.
    pub source: SourceNo,
    /// What it calls it.
    pub key: String,
    /// `picture`, `voice`, `video`, `file`; [`FACE`].
    pub kind: String,
    /// Where it was found, for people.
    pub place: String,
    /// The name of the object it became.
    pub object: Option<String>,
    /// Why it became none: `missing`, `empty`, `too-large`, `unreadable`.
    pub problem: Option<String>,
    /// The same in words.
    pub why: String,
}

/// An object of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaObject {
    /// Its name.
    pub name: String,
    /// The server's hash of its content.
    pub hash: String,
    /// Digests of its parts.
    pub parts: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// By its bytes.
    pub mime: String,
    /// Pixels; 0 if it has none.
    pub width: u64,
    /// Pixels; 0 if it has none.
    pub height: u64,
    /// Rounded up; 0 if it has none.
    pub seconds: u64,
    /// Where everybody opens it.
    pub url: String,
    /// How far it is.
    pub state: ObjectState,
    /// An upload that was begun, as whoever began it wrote it.
    pub upload: Option<String>,
    /// Why it is not there.
    pub why: String,
}

/// How far an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectState {
    /// Its content is known.
    Planned = 0,
    /// An upload was begun.
    Begun = 1,
    /// The server refused it for good.
    Refused = 2,
    /// The server says that it is there.
    Completed = 3,
    /// It was read back, digest for digest.
    Verified = 4,
}

/// The book of the files, to write in.
#[derive(Debug)]
pub struct MediaBook {
    pub(super) dir: PathBuf,
    pub(super) db: Connection,
    /// Goes with the next write: of a process that ends before, it is done again.
    later: RefCell<Vec<Later>>,
}

/// What may be written with something else.
#[derive(Debug)]
enum Later {
    Object(MediaObject),
    File(MediaFile),
    Completed(String, ObjectState),
    Waiting(String, At),
}

/// So much waits at most.
const MOST_LATER: usize = 256;
/// Pages written before they are moved out of the log, which waits for the disk: 64 MiB.
const CHECKPOINT: i64 = 16_384;

impl Job {
    /// The book of the files.
    pub fn media(&self) -> Result<MediaBook, JobError> {
        let db = schema::open(&self.dir)?;
        db.pragma_update(None, "synchronous", "NORMAL").in_job(&self.dir)?;
        db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).in_job(&self.dir)?;
        Ok(MediaBook { dir: self.dir.clone(), db, later: RefCell::default() })
    }
}

impl JobReader {
    /// All files of messages, by source and name.
    pub fn media_files(&self) -> Result<Vec<MediaFile>, JobError> {
        if self.has_no_media()? {
            return Ok(Vec::new());
        }
        files(&self.db).in_job(self.dir())
    }

    /// All objects, by name.
    pub fn media_objects(&self) -> Result<Vec<MediaObject>, JobError> {
        if self.has_no_media()? {
            return Ok(Vec::new());
        }
        objects(&self.db).in_job(self.dir())
    }

    /// How many files messages show, those counted that the server has.
    pub fn media_counts(&self) -> Result<(u64, u64), JobError> {
        if self.has_no_media()? {
            return Ok((0, 0));
        }
        self.db
            .query_row(
                "SELECT count(*), count(objects.name) FROM media
                 LEFT JOIN objects ON objects.name = media.object AND objects.state >= ?1 WHERE media.kind <> ?2",
                params![ObjectState::Completed as i64, FACE],
                |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))),
            )
            .in_job(self.dir())
    }

    /// Uploads of several parts that may lie open in the object storage, without bytes: nobody was told their number.
    pub fn orphaned_uploads(&self) -> Result<u64, JobError> {
        if self.lacks("orphaned_uploads")? {
            return Ok(0);
        }
        self.db
            .query_row("SELECT coalesce(sum(uploads), 0) FROM orphaned_uploads", [], |row| {
                row.get(0).map(from_sql)
            })
            .in_job(self.dir())
    }

    fn has_no_media(&self) -> Result<bool, JobError> {
        self.lacks("media")
    }

    /// A job of an earlier release, which nobody wrote in since, lacks this table.
    pub(super) fn lacks(&self, table: &str) -> Result<bool, JobError> {
        self.db
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM versions WHERE name = ?1)", [table], |row| {
                row.get(0)
            })
            .in_job(self.dir())
    }
}

impl MediaBook {
    /// All files of messages, by source and name.
    pub fn files(&self) -> Result<Vec<MediaFile>, JobError> {
        files(&self.db).in_job(&self.dir)
    }

    /// All objects, by name.
    pub fn objects(&self) -> Result<Vec<MediaObject>, JobError> {
        objects(&self.db).in_job(&self.dir)
    }

    /// One object, without what waits to be written.
    pub fn object(&self, name: &str) -> Result<Option<MediaObject>, JobError> {
        self.db
            .prepare_cached(&format!("SELECT {OBJECT} FROM objects WHERE name = ?1"))
            .and_then(|mut statement| statement.query_row([name], object).optional())
            .in_job(&self.dir)
    }

    /// Notes a file in place of what was known of it, and its object unless that is known; with the next write.
    pub fn plan_later(&self, object: Option<&MediaObject>, file: &MediaFile) -> Result<(), JobError> {
        let mut later = self.later.borrow_mut();
        later.extend(object.cloned().map(Later::Object));
        later.push(Later::File(file.clone()));
        let is_enough = later.len() >= MOST_LATER;
        drop(later);
        if is_enough { self.flush() } else { Ok(()) }
    }

    /// Its upload waits until messages that show it are sent; with the next write.
    pub fn wait_later(&self, name: &str, at: &At) -> Result<(), JobError> {
        self.later.borrow_mut().push(Later::Waiting(name.to_owned(), at.clone()));
        if self.waits() { self.flush() } else { Ok(()) }
    }

    /// It is there; with the next write. Until then its upload is only open, and can be completed once more.
    pub fn completed_later(&self, name: &str, state: ObjectState) {
        self.later.borrow_mut().push(Later::Completed(name.to_owned(), state));
    }

    /// Whether so much waits that it is to be written.
    pub fn waits(&self) -> bool {
        self.later.borrow().len() >= MOST_LATER
    }

    /// Writes what waits.
    pub fn flush(&self) -> Result<(), JobError> {
        self.after_what_waits(|| Ok(()))
    }

    /// What waits goes first: an object is known before its upload begins.
    fn after_what_waits(&self, write: impl FnOnce() -> Result<(), JobError>) -> Result<(), JobError> {
        let later = self.later.take();
        if later.is_empty() {
            return write();
        }
        let transaction = self.db.unchecked_transaction().in_job(&self.dir)?;
        for one in &later {
            match one {
                Later::Object(object) => self.put_object(object)?,
                Later::File(file) => self.put_file(file)?,
                Later::Completed(name, state) => self.settle(name, *state, "")?,
                Later::Waiting(name, at) => self.write(
                    "INSERT OR REPLACE INTO media_later VALUES (?1, ?2, ?3)",
                    params![name, at.archive, at.path],
                )?,
            }
        }
        write()?;
        transaction.commit().in_job(&self.dir)
    }

    fn put_file(&self, file: &MediaFile) -> Result<(), JobError> {
        let MediaFile { source, key, kind, place, object, problem, why } = file;
        self.write(
            "INSERT OR REPLACE INTO media VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![source.0, key, kind, place, object, problem, why],
        )
    }

    /// Notes an object, unless it is known.
    pub fn put_object(&self, object: &MediaObject) -> Result<(), JobError> {
        self.after_what_waits(|| self.insert(object, object.state, None))
    }

    /// Notes an object; of one that is known, its upload, if it has one.
    fn insert(&self, object: &MediaObject, state: ObjectState, upload: Option<&str>) -> Result<(), JobError> {
        let MediaObject { name, hash, parts, size, mime, width, height, seconds, url, .. } = object;
        let values = params![
            name,
            hash,
            parts.join(","),
            to_sql(*size),
            mime,
            to_sql(*width),
            to_sql(*height),
            to_sql(*seconds),
            url,
            state as i64,
            upload
        ];
        self.db
            .prepare_cached(
                "INSERT INTO objects (name, hash, parts, size, mime, width, height, seconds, url, state, upload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (name) DO UPDATE SET state = excluded.state, upload = excluded.upload, done = x'', why = ''
                 WHERE excluded.upload IS NOT NULL",
            )
            .and_then(|mut statement| statement.execute(values))
            .in_job(&self.dir)?;
        Ok(())
    }

    /// Its address is another one now.
    pub fn moved(&self, name: &str, url: &str) -> Result<(), JobError> {
        self.write("UPDATE objects SET url = ?2 WHERE name = ?1", params![name, url])
    }

    /// The server is about to be asked for an upload of several parts. A process that ends before its number is known leaves
    /// one that nobody can use: whoever takes over counts it among the orphaned.
    pub fn announced(&self, name: &str) -> Result<(), JobError> {
        let upload = self.object(name)?.and_then(|object| object.upload);
        if upload.as_deref() == Some(ANNOUNCED) {
            self.orphaned(name, 1)?;
        }
        self.begun(name, ANNOUNCED)
    }

    /// So many uploads may have been opened whose number nobody was told.
    pub fn orphaned(&self, name: &str, uploads: u64) -> Result<(), JobError> {
        self.write(
            "INSERT INTO orphaned_uploads VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET uploads = uploads + excluded.uploads",
            params![name, to_sql(uploads)],
        )
    }

    /// An upload was begun; no part of it was put yet.
    pub fn begun(&self, name: &str, upload: &str) -> Result<(), JobError> {
        self.write(
            "UPDATE objects SET state = ?2, upload = ?3, done = x'', why = '' WHERE name = ?1",
            params![name, ObjectState::Begun as i64, upload],
        )
    }

    /// The upload of an object of one part was begun. Nothing else is written with it: each write costs a page of the file for
    /// each object in it, because their names are random.
    pub fn begun_alone(&self, object: &MediaObject, upload: &str) -> Result<(), JobError> {
        self.insert(object, ObjectState::Begun, Some(upload))
    }

    /// These parts were put: a byte each, 1 or 0.
    pub fn parts_put(&self, name: &str, done: &[u8]) -> Result<(), JobError> {
        self.write("UPDATE objects SET done = ?2 WHERE name = ?1", params![name, done])
    }

    /// Which parts were put.
    pub fn parts_done(&self, name: &str) -> Result<Vec<u8>, JobError> {
        self.db
            .prepare_cached("SELECT done FROM objects WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
            .map(Option::unwrap_or_default)
            .in_job(&self.dir)
    }

    /// It came to that; the upload is over.
    pub fn settle(&self, name: &str, state: ObjectState, why: &str) -> Result<(), JobError> {
        if state >= ObjectState::Completed {
            self.write("DELETE FROM lost_objects WHERE name = ?1", [name])?;
            self.write("DELETE FROM media_later WHERE name = ?1", [name])?;
        }
        self.write(
            "UPDATE objects SET state = ?2, why = ?3, upload = NULL, done = x'' WHERE name = ?1",
            params![name, state as i64, why],
        )
    }

    /// Several writes that belong together.
    pub(super) fn write_all(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), JobError> {
        self.flush()?;
        let transaction = self.db.unchecked_transaction().in_job(&self.dir)?;
        write(&transaction).in_job(&self.dir)?;
        transaction.commit().in_job(&self.dir)
    }

    fn write(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JobError> {
        self.after_what_waits(|| {
            self.db
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(values))
                .in_job(&self.dir)?;
            Ok(())
        })
    }
}

pub(super) const OBJECT: &str =
    "name, hash, parts, size, mime, width, height, seconds, url, state, upload, why";

fn files(db: &Connection) -> rusqlite::Result<Vec<MediaFile>> {
    let mut statement =
        db.prepare("SELECT source, key, kind, place, object, problem, why FROM media ORDER BY source, key")?;
    let rows = statement.query_map([], |row| {
        Ok(MediaFile {
            source: SourceNo(row.get(0)?),
            key: row.get(1)?,
            kind: row.get(2)?,
            place: row.get(3)?,
            object: row.get(4)?,
            problem: row.get(5)?,
            why: row.get(6)?,
        })
    })?;
    rows.collect()
}

fn objects(db: &Connection) -> rusqlite::Result<Vec<MediaObject>> {
    let mut statement = db.prepare(&format!("SELECT {OBJECT} FROM objects ORDER BY name"))?;
    statement.query_map([], object)?.collect()
}

pub(super) fn object(row: &Row<'_>) -> rusqlite::Result<MediaObject> {
    let number = |at| row.get::<_, i64>(at).map(from_sql);
    let parts: String = row.get(2)?;
    Ok(MediaObject {
        name: row.get(0)?,
        hash: row.get(1)?,
        parts: parts.split(',').map(str::to_owned).collect(),
        size: number(3)?,
        mime: row.get(4)?,
        width: number(5)?,
        height: number(6)?,
        seconds: number(7)?,
        url: row.get(8)?,
        state: match row.get::<_, i64>(9)? {
            1 => ObjectState::Begun,
            2 => ObjectState::Refused,
            3 => ObjectState::Completed,
            4 => ObjectState::Verified,
            _ => ObjectState::Planned,
        },
        upload: row.get(10)?,
        why: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_also_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::create(dir.path()).unwrap();
        let book = job.media().unwrap();
        let object = MediaObject {
            name: "import/1".to_owned(),
            hash: "h".to_owned(),
            parts: vec!["a".to_owned(), "b".to_owned()],
            size: 7,
            mime: "image/png".to_owned(),
            width: 3,
            height: 4,
            seconds: 0,
            url: "http://x/object/import/1".to_owned(),
            state: ObjectState::Planned,
            upload: None,
            why: String::new(),
        };
        book.put_object(&object).unwrap();
        book.begun("import/1", "id").unwrap();
        book.parts_put("import/1", &[1, 0]).unwrap();
        // Planned again, it is what it was.
        book.put_object(&object).unwrap();
        let found = book.object("import/1").unwrap().unwrap();
        assert_eq!((found.state, found.upload.as_deref()), (ObjectState::Begun, Some("id")));
        assert_eq!(book.parts_done("import/1").unwrap(), [1, 0]);
        book.settle("import/1", ObjectState::Verified, "").unwrap();
        let file = MediaFile {
            source: SourceNo(2),
            key: "a.png".to_owned(),
            kind: "picture".to_owned(),
            place: "a.png".to_owned(),
            object: Some("import/1".to_owned()),
            problem: None,
            why: String::new(),
        };
        let other = MediaObject { name: "import/2".to_owned(), ..object.clone() };
        book.plan_later(Some(&other), &file).unwrap();
        let reader = job.reader().unwrap();
        assert_eq!(reader.media_files().unwrap(), []);
        // What waits goes with the next write, and before it.
        book.begun("import/2", "id").unwrap();
        book.completed_later("import/2", ObjectState::Completed);
        assert_eq!(reader.media_objects().unwrap()[1].state, ObjectState::Begun);
        book.flush().unwrap();
        assert_eq!(reader.media_objects().unwrap()[1].state, ObjectState::Completed);
        assert_eq!(reader.media_counts().unwrap(), (1, 1));
        assert_eq!(reader.media_files().unwrap(), [file]);
        assert_eq!(reader.media_objects().unwrap()[0].state, ObjectState::Verified);
    }
}
