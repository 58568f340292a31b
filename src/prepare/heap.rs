//! Texts that rows point to: appended to a nameless file, read again when the rows are sorted.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::job::{JobError, read_at};

/// A file of texts.
#[derive(Debug)]
pub(super) struct Heap {
    file: Option<File>,
    end: u64,
    dir: PathBuf,
}

/// Where a text lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) offset: u64,
    pub(super) len: u32,
}

impl Spot {
    /// The same text with all before it moved up.
    pub(super) fn moved(self, by: u64) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

impl Heap {
    /// A heap in that folder: on the disk whose room the job needs anyway, and gone with the process.
    pub(super) fn new(dir: &Path) -> Self {
        Self { file: None, end: 0, dir: dir.to_owned() }
    }

    /// Adds texts; gives the offset of the first.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, JobError> {
        let at = self.end;
        if bytes.is_empty() {
            return Ok(at);
        }
        let failed = |e| JobError::io(&self.dir, e);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.dir).map_err(failed)?),
        };
        file.write_all(bytes).map_err(failed)?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Reads the text there.
    pub(super) fn read(&self, spot: Spot) -> Result<Vec<u8>, JobError> {
        let mut bytes = vec![0; spot.len as usize];
        let read = match &self.file {
            Some(file) => read_at(file, &mut bytes, spot.offset),
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        };
        read.map_err(|e| JobError::io(&self.dir, e))?;
        Ok(bytes)
    }
}

/// Stands between texts: no UTF-8 has it.
const BETWEEN: u8 = 0xff;

/// Appends several texts as one.
pub(super) fn put_texts(out: &mut Vec<u8>, texts: &[&str]) -> Spot {
    let start = out.len();
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            out.push(BETWEEN);
        }
        out.extend_from_slice(text.as_bytes());
    }
    // Texts of a message, whose record has at most 4 GiB.
    Spot { offset: start as u64, len: u32::try_from(out.len() - start).unwrap_or(u32::MAX) }
}

/// The way back: as many texts as were put in.
pub(super) fn texts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split(|byte| *byte == BETWEEN).map(|text| std::str::from_utf8(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut heap = Heap::new(dir.path());
        for base in [0, 8] {
            let mut bytes = Vec::new();
            let first = put_texts(&mut bytes, &["ü", "", "x"]);
            let second = put_texts(&mut bytes, &["yz"]);
            assert_eq!(heap.append(&bytes).unwrap(), base);
            assert_eq!(texts(&heap.read(first.moved(base)).unwrap()).collect::<Vec<_>>(), ["ü", "", "x"]);
            assert_eq!(texts(&heap.read(second.moved(base)).unwrap()).collect::<Vec<_>>(), ["yz"]);
            heap.append(b".").unwrap();
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it has no name");
    }
}
