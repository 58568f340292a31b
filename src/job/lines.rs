//! The two files of lines that passes add to.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::{InJob, JobError};
use super::folder::private;

pub(super) const FINDINGS: &str = "findings.jsonl";
/// Media that somebody has to put where everybody can read them.
pub const UPLOADS: &str = "media-to-upload.csv";
/// Groups with owner, administrators and members, as the export tells them; for `provision`.
pub const GROUPS: &str = "groups.jsonl";
/// Friends, as the export tells them; for `provision`.
pub const FRIENDS: &str = "friends.jsonl";
/// Block lists, as the export tells them; for `provision`.
pub const BLACKS: &str = "blacks.jsonl";
/// How far everybody has read, as the export tells it; for `mark-read`.
pub const READ: &str = "read-positions.jsonl";
/// E-mails, as the export tells them; for `users` and `provision --accounts`.
pub const EMAILS: &str = "emails.jsonl";
/// Groups and members that may not write, as the export tells it; for `provision`.
pub const MUTES: &str = "mutes.jsonl";
/// What people have set for their conversations, as the export tells it; for `provision`.
pub const KEPT: &str = "conversation-settings.jsonl";
pub(super) const REJECTED: &str = "rejected.jsonl";

/// Opens a file of lines in a job's folder, to add some.
pub(super) fn open_to_add(dir: &Path, name: &str) -> std::io::Result<File> {
    private(OpenOptions::new().append(true).create(true)).open(dir.join(name))
}

/// One object as a line.
pub(super) fn line_of(object: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    Ok(line)
}

/// The objects of such a file, the first one first; none where it is not there. A line that a full disk cut off is left
/// out.
pub(super) fn read_all<T: serde::de::DeserializeOwned>(dir: &Path, name: &str) -> Result<Vec<T>, JobError> {
    let text = match fs_err::read_to_string(dir.join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.in_job(dir)?,
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The two files of lines that a pass adds to.
#[derive(Debug)]
pub struct Lines {
    dir: PathBuf,
    findings: LineFile,
    rejected: LineFile,
}

impl Lines {
    pub(super) fn open(dir: &Path) -> Result<Self, JobError> {
        let open = |name| LineFile::open(dir, name).in_job(dir);
        Ok(Self { dir: dir.to_owned(), findings: open(FINDINGS)?, rejected: open(REJECTED)? })
    }

    /// How long the files are.
    pub(super) fn lens(&self) -> Result<(u64, u64), JobError> {
        let len = |lines: &LineFile| lines.file.metadata().map(|metadata| metadata.len()).in_job(&self.dir);
        Ok((len(&self.findings)?, len(&self.rejected)?))
    }

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

    /// Writes what was gathered.
    pub(super) fn write(&mut self) -> Result<(), JobError> {
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
        Ok(Self { file: open_to_add(dir, name)?, bytes: Vec::new() })
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
