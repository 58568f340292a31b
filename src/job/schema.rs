//! Tables, their versions, and how the database is opened.
//!
//! Rows that grow with the history are blobs of about 2,000 bytes holding many packed items: two of them
//! fill a page of 4,096 bytes, they are written in key order, and a message costs about 10 bytes instead of
//! the 60 to 100 of a row of its own. Everything a pass adds comes in one transaction, so there is never
//! half a pass to be seen.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::error::{InJob, JobError};
use super::folder::private;

/// The database's file name.
pub(super) const DATABASE: &str = "job.sqlite";

/// `OIMJ`: tells a job from other SQLite databases.
const APPLICATION_ID: i32 = 0x4f49_4d4a;

/// A table, or several that only make sense together.
pub(super) struct Table {
    /// Under which name its version is kept.
    pub(super) name: &'static str,
    /// Version that this program writes and reads.
    pub(super) version: i64,
    /// Statements that make it.
    pub(super) sql: &'static str,
}

/// All tables.
const TABLES: &[Table] = &[
    Table {
        name: "passes",
        version: 1,
        // `state`: 'preparing' until everything of the pass is on the disk, then 'ready'. The `_from` columns
        // say how long the files were before; `begun`: something of it may have been sent, and it
        // is on the disk; `boot`: else, what the machine called the time since it was switched on.
        sql: "CREATE TABLE passes (
                no INTEGER PRIMARY KEY,
                state TEXT NOT NULL,
                spool_from INTEGER NOT NULL,
                findings_from INTEGER NOT NULL,
                rejected_from INTEGER NOT NULL,
                settings TEXT NOT NULL,
                summary TEXT NOT NULL DEFAULT '{}',
                spool_to INTEGER,
                begun INTEGER NOT NULL DEFAULT 0,
                boot TEXT
              );
              CREATE TABLE sources (
                no INTEGER PRIMARY KEY,
                pass INTEGER NOT NULL,
                path TEXT NOT NULL,
                bytes INTEGER NOT NULL,
                modified INTEGER,
                sha256 BLOB NOT NULL
              );",
    },
    Table {
        name: "index",
        version: 1,
        // `key`: see `key::ConvKey`. `b` is NULL for a group. A segment is what one pass adds to a
        // conversation; a block holds packed entries, its id is `conv << 32 | ordinal of the first`.
        sql: "CREATE TABLE conversations (
                no INTEGER PRIMARY KEY,
                pass INTEGER NOT NULL,
                key BLOB NOT NULL UNIQUE,
                a TEXT NOT NULL,
                b TEXT
              );
              CREATE TABLE segments (
                conv INTEGER NOT NULL,
                pass INTEGER NOT NULL,
                first INTEGER NOT NULL,
                messages INTEGER NOT NULL,
                first_time INTEGER NOT NULL,
                last_time INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                members BLOB NOT NULL,
                PRIMARY KEY (conv, pass)
              ) WITHOUT ROWID;
              CREATE TABLE blocks (id INTEGER PRIMARY KEY, data BLOB NOT NULL);",
    },
    Table {
        name: "users",
        version: 1,
        // By hash of the id: a pass brings them sorted so, and a group's members are a list of hashes.
        sql: "CREATE TABLE users (
                hash INTEGER PRIMARY KEY,
                pass INTEGER NOT NULL,
                id TEXT NOT NULL,
                nickname TEXT NOT NULL,
                face_url TEXT NOT NULL
              );",
    },
    Table {
        name: "people",
        version: 1,
        sql: "CREATE TABLE people (
                openim INTEGER NOT NULL,
                source INTEGER NOT NULL,
                pass INTEGER NOT NULL,
                is_group INTEGER NOT NULL,
                openim_id TEXT NOT NULL,
                source_id TEXT NOT NULL,
                nickname TEXT NOT NULL,
                face_url TEXT NOT NULL,
                listed INTEGER NOT NULL,
                PRIMARY KEY (openim, source)
              ) WITHOUT ROWID;",
    },
    Table {
        name: "keys",
        version: 1,
        // id is `pass << 40 | number of the block`: within a pass in order of key.
        sql: "CREATE TABLE keys (id INTEGER PRIMARY KEY, data BLOB NOT NULL);",
    },
    Table {
        name: "progress",
        version: 1,
        // A row is made when a conversation is activated. `confirmed` is its cursor: messages below it are
        // confirmed or rejected. `state`: 0 nothing under way, 1 something may be, 2 a message was sent twice.
        // `lost`: how the last call ended, where that is not known: 0 it is, 1 cut, 2 timeout.
        // `run`: the last that worked on it.
        sql: "CREATE TABLE progress (
                conv INTEGER PRIMARY KEY,
                baseline INTEGER NOT NULL DEFAULT 0,
                confirmed INTEGER NOT NULL DEFAULT 0,
                rejected INTEGER NOT NULL DEFAULT 0,
                read_to INTEGER NOT NULL DEFAULT 0,
                state INTEGER NOT NULL DEFAULT 0,
                lost INTEGER NOT NULL DEFAULT 0,
                run INTEGER NOT NULL DEFAULT 0
              );",
    },
    Table {
        name: "receipts",
        version: 1,
        // Packed, up to 256 messages a row; its id is `conv << 32 | ordinal of the first`.
        sql: "CREATE TABLE receipts (id INTEGER PRIMARY KEY, data BLOB NOT NULL);",
    },
    Table {
        name: "rejects",
        version: 1,
        // `held`: the conversation waits there. `written`: its line stands in rejected.jsonl.
        sql: "CREATE TABLE rejects (
                conv INTEGER NOT NULL,
                ordinal INTEGER NOT NULL,
                reason TEXT NOT NULL,
                code INTEGER NOT NULL,
                detail TEXT NOT NULL,
                held INTEGER NOT NULL DEFAULT 0,
                written INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (conv, ordinal)
              ) WITHOUT ROWID;",
    },
    Table {
        name: "withdrawn",
        version: 1,
        // Slots with a message of ours that has its place elsewhere. `state`: 0 to be deleted, 1 deleted and
        // to be looked for again, 2 stayed away.
        sql: "CREATE TABLE withdrawn (
                conv INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                ordinal INTEGER NOT NULL,
                server_id TEXT NOT NULL,
                client_id TEXT NOT NULL,
                state INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (conv, seq)
              ) WITHOUT ROWID;
              CREATE INDEX withdrawn_open ON withdrawn (conv, seq) WHERE state < 2;",
    },
    Table {
        name: "doubled",
        version: 1,
        // Slots with a copy that the server made (law 5). `repaired`: it was deleted.
        sql: "CREATE TABLE doubled (
                conv INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                ordinal INTEGER NOT NULL,
                server_id TEXT NOT NULL,
                repaired INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (conv, seq)
              ) WITHOUT ROWID;",
    },
    Table {
        name: "unseen",
        version: 1,
        // Empty slots of which neither readers nor the store knew anything, and the first message missing then:
        // they are looked at once more at the end of a run, and forgotten.
        sql: "CREATE TABLE unseen (
                conv INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                ordinal INTEGER NOT NULL,
                PRIMARY KEY (conv, seq)
              ) WITHOUT ROWID;",
    },
    Table {
        name: "runs",
        version: 1,
        // Times in ms since 1970; `ended` is NULL while it runs and where it was killed. `counts` is JSON.
        sql: "CREATE TABLE runs (
                no INTEGER PRIMARY KEY,
                started INTEGER NOT NULL,
                ended INTEGER,
                api TEXT NOT NULL,
                counts TEXT NOT NULL DEFAULT '{}'
              );",
    },
    super::etags::TABLE,
    super::lag::TABLE,
    super::adopt::TABLE,
    super::again::TABLE,
    super::again::TAKEN_BACK,
    super::undo::TABLE,
    super::overtaken::TABLE,
    super::overtaken::FORMER_TIMES,
    super::purge::TABLE,
    super::media::TABLE,
    super::media::ORPHANED,
    super::media_later::TABLE,
    super::media_lost::TABLE,
    super::media_sources::TABLE,
    super::media_sources::OPEN,
    super::shard::TABLE,
];

/// Makes the database, or opens one that is there; brings a half-made one to its end.
pub(super) fn create(dir: &Path) -> Result<Connection, JobError> {
    let path = dir.join(DATABASE);
    // Made by us and not by SQLite so that it is private from its first moment; the -wal and -shm files
    // take its permissions.
    private(std::fs::OpenOptions::new().write(true).create(true).truncate(false)).open(&path).in_job(dir)?;
    let mut db = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .in_job(dir)?;
    tune(&db).in_job(dir)?;
    check_versions(&db, dir)?;
    set_up(&db).in_job(dir)?;
    make_tables(&mut db).in_job(dir)?;
    Ok(db)
}

/// What every connection needs.
fn tune(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    // Else a prepared statement is planned anew whenever a bound value could make another plan better, which
    // is with nearly every one: 8 % of all instructions of an import, measured.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Opens the database of a job for writing.
pub(super) fn open(dir: &Path) -> Result<Connection, JobError> {
    if !dir.join(DATABASE).exists() {
        return Err(JobError::NoJob(dir.to_owned()));
    }
    create(dir)
}

/// Opens the database for reading only; another process may be writing.
pub(super) fn observe(dir: &Path) -> Result<Connection, JobError> {
    let path = dir.join(DATABASE);
    if !path.exists() {
        return Err(JobError::NoJob(dir.to_owned()));
    }
    let db = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .in_job(dir)?;
    tune(&db).in_job(dir)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    check_versions(&db, dir)?;
    Ok(db)
}

/// Readers are never blocked in WAL but for moments of recovery and checkpointing.
const BUSY: Duration = Duration::from_secs(10);
const STATEMENTS: usize = 64;

fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // WAL: `status` reads while `run` writes. FULL: a commit is on the disk when it returns; the few
    // writers that can do without (the bulk of a pass, lazy progress) say so on their own connection.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // 8 MiB of pages; the default of 2 MB is less than the interior pages of a large index.
    db.pragma_update(None, "cache_size", -8192)?;
    // Without a limit the WAL keeps the size of the largest pass.
    db.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
}

fn make_tables(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
    )?;
    for table in TABLES {
        let there: Option<i64> = transaction
            .query_row("SELECT version FROM versions WHERE name = ?1", [table.name], |row| row.get(0))
            .optional()?;
        if there.is_none() {
            transaction.execute_batch(table.sql)?;
            transaction
                .execute("INSERT INTO versions VALUES (?1, ?2)", params![table.name, table.version])?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}

/// Refuses what a newer release wrote, and databases that are no job.
fn check_versions(db: &Connection, dir: &Path) -> Result<(), JobError> {
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).in_job(dir)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).in_job(dir)?;
    if tables == 0 {
        return Ok(());
    }
    if id != APPLICATION_ID {
        return Err(JobError::NotAJob(dir.to_owned()));
    }
    let mut statement = db.prepare("SELECT name, version FROM versions").in_job(dir)?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).in_job(dir)?;
    for row in rows {
        let (name, found) = row.in_job(dir)?;
        // A table we don't know at all was added by a newer release: it may well matter.
        let known = TABLES.iter().find(|table| table.name == name).map_or(0, |table| table.version);
        if found > known {
            return Err(JobError::Newer {
                dir: dir.to_owned(),
                what: format!("table `{name}`"),
                found,
                known,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_table_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path())
            .unwrap()
            .execute("UPDATE versions SET version = 7 WHERE name = 'keys'", [])
            .unwrap();
        for error in [open(dir.path()).unwrap_err(), observe(dir.path()).unwrap_err()] {
            assert!(error.to_string().contains("table `keys`"), "{error}");
            assert!(error.to_string().contains("version 7, this program knows 1"), "{error}");
        }
    }

    #[test]
    fn an_unknown_table_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path()).unwrap().execute("INSERT INTO versions VALUES ('moods', 1)", []).unwrap();
        assert!(matches!(open(dir.path()), Err(JobError::Newer { .. })));
    }

    #[test]
    fn another_database_is_not_taken_for_a_job() {
        let dir = tempfile::tempdir().unwrap();
        Connection::open(dir.path().join(DATABASE)).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(open(dir.path()), Err(JobError::NotAJob(_))));
    }

    #[test]
    fn text_in_place_of_the_database_is_called_damage() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join(DATABASE), "not a database, but long enough for a header. ".repeat(9))
            .unwrap();
        assert!(matches!(open(dir.path()), Err(JobError::Damaged { .. })));
    }

    #[test]
    fn opening_what_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(open(dir.path()), Err(JobError::NoJob(_))));
        assert!(matches!(observe(dir.path()), Err(JobError::NoJob(_))));
    }
}
