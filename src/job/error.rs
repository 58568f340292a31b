//! What can go wrong with a job folder, in words for the person at the keyboard.

use std::io;
use std::path::PathBuf;

/// Why a job can't be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Another process has it.
    #[error(
        "the job `{}` is in use by {}; wait for it, or choose another folder with --job",
        dir.display(),
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The job folder.
        dir: PathBuf,
        /// Who holds the lock, where it could be read.
        pid: Option<u32>,
    },
    /// There is nothing.
    #[error("there is no job in `{}`: `run SOURCE…` or `check SOURCE…` makes one", .0.display())]
    NoJob(PathBuf),
    /// The folder holds other things.
    #[error("`{}` is not empty and holds no job; choose another folder with --job", .0.display())]
    NotAJob(PathBuf),
    /// Written by a later release.
    #[error(
        "{what} in `{}` has version {found}, this program knows {known}: it was made by a newer release; \
         use that one",
        dir.display()
    )]
    Newer {
        /// The job folder.
        dir: PathBuf,
        /// Which table or file.
        what: String,
        /// The version it has.
        found: i64,
        /// The newest version we read.
        known: i64,
    },
    /// Something in it is not what we wrote.
    #[error(
        "`{}` is damaged: {what}; nothing more is sent from it. Put the folder back from a copy, or rebuild \
         the job with `adopt`",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, a lower-case clause.
        what: String,
    },
    /// A line of a file that people edit is none any more.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong, a clause.
        what: String,
    },
    /// No room left.
    #[error(
        "no room left for `{}`, or its disk fails: nothing was lost; make room and give the same command again",
        .0.display()
    )]
    Full(PathBuf),
    /// May not be written.
    #[error("`{}` may not be written: {cause}", path.display())]
    Denied {
        /// The folder or file.
        path: PathBuf,
        /// The system's or SQLite's words.
        cause: String,
    },
    /// The thread that writes it died of a defect.
    #[error(
        "the thread that writes the job `{}` has panicked: that is a defect, please report it. What was confirmed up to \
         then is in the job; the same command goes on",
        .0.display()
    )]
    WriterPanicked(PathBuf),
    /// `purge` removed the texts.
    #[error(
        "the texts of the job in `{}` were removed by `purge`: its verdict and receipts are all that is left",
        .0.display()
    )]
    Purged(PathBuf),
    /// Undone, and in an order that can't be restored.
    #[error(
        "the conversation `{conversation}` can't start anew in `{}`: messages of it were sent once more before a \
         later pass was added; make a new job with --job and --only {conversation}",
        dir.display()
    )]
    CannotStartAgain {
        /// The job folder.
        dir: PathBuf,
        /// The server's name of it.
        conversation: String,
    },
    /// Two names have the same hash: practically impossible, and never passed over in silence.
    #[error("`{0}` and `{1}` have the same 80-bit hash; report this, and rename one of them")]
    HashCollision(String, String),
    /// The system refused something else.
    #[error("the job in `{}`: {source}", dir.display())]
    Io {
        /// The job folder.
        dir: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite refused something else.
    #[error("the job in `{}`: {source}", dir.display())]
    Sql {
        /// The job folder.
        dir: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl JobError {
    /// A refusal of the system about a file of the job.
    pub fn io(dir: &std::path::Path, source: io::Error) -> Self {
        let dir = dir.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full(dir)
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { path: dir, cause: source.to_string() }
            }
            _ => Self::Io { dir, source },
        }
    }
}

/// Adds the job folder to errors that know only what happened.
pub(super) trait InJob<T> {
    fn in_job(self, dir: &std::path::Path) -> Result<T, JobError>;
}

impl<T> InJob<T> for io::Result<T> {
    fn in_job(self, dir: &std::path::Path) -> Result<T, JobError> {
        self.map_err(|source| JobError::io(dir, source))
    }
}

impl<T> InJob<T> for rusqlite::Result<T> {
    fn in_job(self, dir: &std::path::Path) -> Result<T, JobError> {
        use rusqlite::{ErrorCode, ffi};
        self.map_err(|source| {
            let dir = dir.to_owned();
            match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => JobError::Full(dir),
                // So SQLite calls a quota, and a limit on the size of files.
                _ if source
                    .sqlite_error()
                    .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE) =>
                {
                    JobError::Full(dir)
                }
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                    JobError::Denied { path: dir, cause: source.to_string() }
                }
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    JobError::Damaged { path: dir.join(super::schema::DATABASE), what: source.to_string() }
                }
                _ => JobError::Sql { dir, source },
            }
        })
    }
}
