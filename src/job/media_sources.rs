//! Of which sources the files are that the book has: they are told by number, and another source may get that number.

use rusqlite::params;

use super::error::{InJob, JobError};
use super::facts::SourceInfo;
use super::media::MediaBook;
use super::read::{JobReader, source, to_sql};
use super::schema::Table;
use crate::message::SourceNo;

/// The sources as they were when their files were looked at.
pub(super) const TABLE: Table = Table {
    name: "media_sources",
    version: 1,
    sql: "CREATE TABLE media_sources (
            no INTEGER PRIMARY KEY,
            path TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            modified INTEGER,
            sha256 BLOB NOT NULL
          );",
};

/// A row for each look at files that did not come to its end, with the first of its sources: some of them are still to be
/// looked at or uploaded.
pub(super) const OPEN: Table =
    Table { name: "media_open", version: 1, sql: "CREATE TABLE media_open (first INTEGER PRIMARY KEY);" };

impl MediaBook {
    /// Which files that source and later ones name is forgotten, the objects stay: from now on it is told of these sources.
    pub fn begin_anew(&self, first: SourceNo, sources: &[SourceInfo]) -> Result<(), JobError> {
        self.write_all(|db| {
            db.execute("DELETE FROM media WHERE source >= ?1", [first.0])?;
            db.execute(
                "DELETE FROM media_later WHERE name NOT IN (SELECT object FROM media WHERE object IS NOT NULL)",
                [],
            )?;
            db.execute("DELETE FROM media_sources WHERE no >= ?1", [first.0])?;
            db.execute("DELETE FROM media_open WHERE first >= ?1", [first.0])?;
            db.execute("INSERT INTO media_open VALUES (?1)", [first.0])?;
            let mut insert = db.prepare("INSERT INTO media_sources VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for SourceInfo { no, path, bytes, modified, sha256, .. } in sources {
                insert.execute(params![no.0, path, to_sql(*bytes), modified, sha256])?;
            }
            Ok(())
        })
    }

    /// What was begun anew has come to its end: all files were looked at, and those that can be are uploaded.
    pub fn ended(&self, first: SourceNo) -> Result<(), JobError> {
        self.write_all(|db| db.execute("DELETE FROM media_open WHERE first >= ?1", [first.0]).map(drop))
    }
}

impl JobReader {
    /// Whether a look at the files of sources from that number on was begun and did not come to its end.
    pub fn has_open_media(&self, first: SourceNo) -> Result<bool, JobError> {
        if self.lacks("media_open")? {
            return Ok(false);
        }
        self.db
            .query_row("SELECT EXISTS (SELECT 1 FROM media_open WHERE first >= ?1)", [first.0], |row| {
                row.get(0)
            })
            .in_job(self.dir())
    }

    /// The sources whose files were looked at, from that number on, as they were then.
    pub fn media_sources(&self, first: SourceNo) -> Result<Vec<SourceInfo>, JobError> {
        if self.lacks("media_sources")? {
            return Ok(Vec::new());
        }
        self.db
            .prepare(
                "SELECT no, 0, path, bytes, modified, sha256, NULL FROM media_sources WHERE no >= ?1 ORDER BY no",
            )
            .and_then(|mut statement| statement.query_map([first.0], source)?.collect())
            .in_job(self.dir())
    }
}
