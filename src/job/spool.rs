//! The spool file: records one after the other, only ever added to.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::block::Entry;
use super::error::{InJob, JobError};
use super::folder::private;
use super::record::{self, Spooled};

/// The file's name.
pub(super) const FILE: &str = "messages.spool";

/// Version of the file's layout and of the records in it.
const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"OIMSPOOL";
/// Magic, version, four bytes in reserve.
pub(super) const START: u64 = 16;

/// Adds records.
#[derive(Debug)]
pub(super) struct SpoolWriter {
    file: File,
    dir: PathBuf,
    end: u64,
}

impl SpoolWriter {
    /// Opens the spool to go on at `end`; what stands behind it belongs to a pass that never ended.
    pub(super) fn open(dir: &Path, end: u64) -> Result<Self, JobError> {
        let mut file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(dir.join(FILE))
            .in_job(dir)?;
        let len = file.metadata().in_job(dir)?.len();
        if len < START {
            file.set_len(0).in_job(dir)?;
            let mut head = MAGIC.to_vec();
            head.extend_from_slice(&VERSION.to_le_bytes());
            head.extend_from_slice(&[0; 4]);
            file.write_all(&head).in_job(dir)?;
        }
        check(dir, &file, end)?;
        file.set_len(end).in_job(dir)?;
        file.seek(SeekFrom::Start(end)).in_job(dir)?;
        Ok(Self { file, dir: dir.to_owned(), end })
    }

    /// Adds whole records; gives the offset of the first.
    pub(super) fn append(&mut self, records: &[u8]) -> Result<u64, JobError> {
        let at = self.end;
        self.file.write_all(records).in_job(&self.dir)?;
        self.end += records.len() as u64;
        Ok(at)
    }

    /// Where the next record will begin.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn reader(&self) -> Result<Spool, JobError> {
        Spool::open(&self.dir, START)
    }
}

/// Reads records; may be shared by threads.
#[derive(Debug, Clone)]
pub struct Spool {
    file: Arc<File>,
    path: Arc<Path>,
    #[cfg(test)]
    pub(super) reads: Arc<Reads>,
}

/// Two records that are no farther apart are read with one call: so much comes from a disk anyway.
const GAP: u64 = 4_096;
/// As much is read with one call at most, unless a single record is larger.
const AT_ONCE: u64 = 1 << 20;

impl Spool {
    /// Opens the spool of that folder, which must reach to `end`. A job does so itself; for the fuzzer.
    ///
    /// # Errors
    /// What can't be opened, is no spool, or ends earlier.
    pub fn open(dir: &Path, end: u64) -> Result<Self, JobError> {
        let path = dir.join(FILE);
        let file = OpenOptions::new().read(true).open(&path).in_job(dir)?;
        check(dir, &file, end)?;
        Ok(Self {
            file: Arc::new(file),
            path: path.into(),
            #[cfg(test)]
            reads: Arc::default(),
        })
    }

    /// Reads the message of an entry.
    pub(super) fn message(&self, entry: &Entry) -> Result<Spooled, JobError> {
        Ok(as_sent(self.read(entry.offset, entry.len)?, entry))
    }

    /// The message of an entry whose record was read.
    pub(super) fn message_in(&self, record: &Bytes, entry: &Entry) -> Result<Spooled, JobError> {
        let message = record::read(record).ok_or_else(|| self.damaged(entry.offset))?;
        Ok(as_sent(message, entry))
    }

    /// Reads the record of that length at that place.
    pub fn read(&self, offset: u64, len: u32) -> Result<Spooled, JobError> {
        let record = self.bytes(offset, len.into())?;
        record::read(&record).ok_or_else(|| self.damaged(offset))
    }

    /// Reads records in the order in which they lie, neighbours with one call; gives them in the order in which they were
    /// asked for.
    pub(super) fn records(&self, places: &[(u64, u32)]) -> Result<Vec<Bytes>, JobError> {
        let end_of = |&(offset, len): &(u64, u32)| offset.saturating_add(len.into());
        let mut wanted: Vec<(usize, &(u64, u32))> = places.iter().enumerate().collect();
        wanted.sort_unstable_by_key(|(_, (offset, _))| *offset);
        let mut records = vec![Bytes::new(); places.len()];
        let (mut rest, mut buffer) = (wanted.as_slice(), Vec::new());
        while let Some((_, first)) = rest.first() {
            let (start, mut end) = (first.0, end_of(first));
            let joins = |(_, place): &&(usize, &(u64, u32))| {
                let is_near = place.0 <= end.saturating_add(GAP) && end_of(place) - start <= AT_ONCE;
                end = if is_near { end.max(end_of(place)) } else { end };
                is_near
            };
            let (run, later) = rest.split_at(rest.iter().take_while(joins).count().max(1));
            if let [(at, (offset, len))] = run {
                records[*at] = self.bytes(*offset, (*len).into())?;
            } else {
                self.fill(&mut buffer, start, end - start)?;
                for (at, (offset, len)) in run {
                    let from = usize::try_from(offset - start).unwrap_or(usize::MAX);
                    // A copy: what lies between them is not held as long as they are.
                    records[*at] = Bytes::copy_from_slice(&buffer[from..from + *len as usize]);
                }
            }
            rest = later;
        }
        Ok(records)
    }

    fn bytes(&self, offset: u64, len: u64) -> Result<Bytes, JobError> {
        let mut bytes = Vec::new();
        self.fill(&mut bytes, offset, len)?;
        Ok(bytes.into())
    }

    fn fill(&self, bytes: &mut Vec<u8>, offset: u64, len: u64) -> Result<(), JobError> {
        #[cfg(test)]
        self.reads.count(len);
        bytes.resize(usize::try_from(len).map_err(|_| self.damaged(offset))?, 0);
        read_at(&self.file, bytes, offset).map_err(|_| self.damaged(offset))
    }

    /// Reads a record whose length isn't known.
    pub fn read_whole(&self, offset: u64) -> Result<Spooled, JobError> {
        let mut len = [0; 4];
        read_at(&self.file, &mut len, offset).map_err(|_| self.damaged(offset))?;
        let len = u32::from_le_bytes(len);
        // A length out of a damaged place must not make us ask for 4 GiB.
        let rest = self.file.metadata().map_or(0, |m| m.len().saturating_sub(offset));
        if u64::from(len) > rest {
            return Err(self.damaged(offset));
        }
        self.read(offset, len)
    }

    fn damaged(&self, offset: u64) -> JobError {
        let what = format!("the message at byte {offset} can't be read as it was written");
        JobError::Damaged { path: self.path.to_path_buf(), what }
    }
}

/// With the time under which it is sent.
fn as_sent(message: Spooled, entry: &Entry) -> Spooled {
    if entry.spread == 0 { message } else { message.at(entry.send_time) }
}

/// How often records were read, and how much.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) calls: std::sync::atomic::AtomicU64,
    pub(super) bytes: std::sync::atomic::AtomicU64,
}

#[cfg(test)]
impl Reads {
    fn count(&self, bytes: u64) {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.bytes.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Whether all records between the two places can be read as they were written.
pub(super) fn is_whole(dir: &Path, from: u64, to: u64) -> bool {
    let Ok(spool) = Spool::open(dir, to) else { return false };
    let mut window = Vec::new();
    let (mut at, mut have) = (from, 0);
    while at < to {
        let rest = window.get(have..).unwrap_or_default();
        match record::whole(rest) {
            record::Whole::Yes(len) => {
                have += len;
                at += len as u64;
            }
            record::Whole::No => return false,
            record::Whole::Needs(len) => {
                let left = usize::try_from(to - at).unwrap_or(usize::MAX);
                if len > left {
                    return false;
                }
                window.resize(left.min(len.max(1 << 20)), 0);
                have = 0;
                if read_at(&spool.file, &mut window, at).is_err() {
                    return false;
                }
            }
        }
    }
    true
}

fn check(dir: &Path, file: &File, end: u64) -> Result<(), JobError> {
    let damaged = |what: String| JobError::Damaged { path: dir.join(FILE), what };
    let mut head = [0; 12];
    read_at(file, &mut head, 0).map_err(|_| damaged("it has no beginning".to_owned()))?;
    let (magic, version) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(damaged("it does not begin as a spool does".to_owned()));
    }
    let version = version.iter().rev().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
    if version > VERSION {
        return Err(JobError::Newer {
            dir: dir.to_owned(),
            what: format!("`{FILE}`"),
            found: version.into(),
            known: VERSION.into(),
        });
    }
    let len = file.metadata().in_job(dir)?.len();
    if len < end {
        return Err(damaged(format!("it has {len} bytes, and the index knows messages up to byte {end}")));
    }
    Ok(())
}

/// Fills the buffer with what stands at that place of the file, whoever else reads it meanwhile.
///
/// # Errors
/// What the system says; the end of the file comes too early.
#[cfg(unix)]
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills the buffer with what stands at that place of the file.
///
/// # Errors
/// What the system says; the end of the file comes too early.
#[cfg(windows)]
pub fn read_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[n..];
        offset += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;

    fn spool_of(dir: &Path, messages: usize) -> (SpoolWriter, Vec<u64>, u32) {
        let mut writer = SpoolWriter::open(dir, START).unwrap();
        let mut record = Vec::new();
        let len = record::write(&message(), &mut record).unwrap();
        let offsets = (0..messages).map(|_| writer.append(&record).unwrap()).collect();
        (writer, offsets, len)
    }

    #[test]
    fn what_was_added_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let (writer, offsets, len) = spool_of(dir.path(), 3);
        let spool = writer.reader().unwrap();
        for offset in offsets {
            assert_eq!(spool.read(offset, len).unwrap().sender.as_str(), "u1");
            assert_eq!(spool.read_whole(offset).unwrap().sender.as_str(), "u1");
        }
        assert!(matches!(spool.read(START + 1, len), Err(JobError::Damaged { .. })));
        assert!(matches!(spool.read_whole(START + 1), Err(JobError::Damaged { .. })));
    }

    #[test]
    fn a_spool_that_lost_its_end_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (writer, ..) = spool_of(dir.path(), 3);
        let end = writer.end();
        let file = OpenOptions::new().write(true).open(dir.path().join(FILE)).unwrap();
        file.set_len(end - 1).unwrap();
        let error = Spool::open(dir.path(), end).unwrap_err().to_string();
        assert!(error.contains(&format!("{} bytes, and the index knows", end - 1)), "{error}");
        assert!(SpoolWriter::open(dir.path(), end).is_err());
    }

    #[test]
    fn what_an_interrupted_pass_wrote_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let (writer, offsets, _) = spool_of(dir.path(), 3);
        drop(writer);
        let writer = SpoolWriter::open(dir.path(), offsets[1]).unwrap();
        assert_eq!(writer.end(), offsets[1]);
        assert_eq!(std::fs::metadata(dir.path().join(FILE)).unwrap().len(), offsets[1]);
    }

    #[test]
    fn a_newer_spool_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        spool_of(dir.path(), 1);
        let mut bytes = fs_err::read(dir.path().join(FILE)).unwrap();
        bytes[8] = 2;
        fs_err::write(dir.path().join(FILE), bytes).unwrap();
        assert!(matches!(Spool::open(dir.path(), START), Err(JobError::Newer { found: 2, known: 1, .. })));
    }
}
