//! Sorting more than fits into memory: rows are gathered, sorted and written as runs on a thread of their
//! own, and merged when they are asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::rows::Row;
use crate::job::{JobError, read_at};

/// Rows of a run. Two lots of them are in memory, one being filled and one being sorted: 20 MB for the index.
pub(super) const RUN: usize = 256 << 10;

/// What a merge reads at once from each run; a hundred million messages are 400 runs.
const READ: usize = 32 << 10;

/// Takes rows in any order.
#[derive(Debug)]
pub(super) struct Sorter<R> {
    rows: Vec<R>,
    run: usize,
    dir: PathBuf,
    side: Option<Side<R>>,
}

/// The thread that sorts and writes; made when the first run is full.
#[derive(Debug)]
struct Side<R> {
    full: SyncSender<Vec<R>>,
    empty: Receiver<Vec<R>>,
    thread: JoinHandle<io::Result<Runs>>,
}

/// Sorted runs, one after the other in a file that has no name.
#[derive(Debug)]
struct Runs {
    file: Arc<File>,
    /// Where each ends.
    ends: Vec<u64>,
}

impl<R: Row> Sorter<R> {
    /// Runs are written to a nameless file in that folder: on the disk whose room the job needs anyway, and
    /// gone with the process.
    pub(super) fn new(dir: &Path, run: usize) -> Self {
        Self { rows: Vec::new(), run: run.max(1), dir: dir.to_owned(), side: None }
    }

    #[inline]
    pub(super) fn push(&mut self, row: R) -> Result<(), JobError> {
        self.rows.push(row);
        if self.rows.len() < self.run {
            return Ok(());
        }
        self.hand_over().map_err(|e| JobError::io(&self.dir, e))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let side = match self.side.take() {
            Some(side) => side,
            None => Side::start(&self.dir, self.run)?,
        };
        let full = std::mem::take(&mut self.rows);
        // If the thread is gone, joining it says why.
        let handed = side.full.send(full).is_ok().then(|| side.empty.recv().ok()).flatten();
        let Some(empty) = handed else { return side.end().and(Err(io::ErrorKind::BrokenPipe.into())) };
        self.rows = empty;
        self.side = Some(side);
        Ok(())
    }

    /// All rows, in order.
    pub(super) fn sorted(mut self) -> Result<Sorted<R>, JobError> {
        self.rows.sort_unstable();
        let runs = self.side.take().map(Side::end).transpose().map_err(|e| JobError::io(&self.dir, e))?;
        Sorted::new(self.rows, runs, self.dir)
    }
}

impl<R: Row> Side<R> {
    fn start(dir: &Path, run: usize) -> io::Result<Self> {
        let file = tempfile::tempfile_in(dir)?;
        let (full, to_sort) = sync_channel::<Vec<R>>(0);
        // One lot of room is lent at the start, so that two are under way.
        let (lend, empty) = sync_channel(2);
        lend.send(Vec::with_capacity(run)).expect("there is room for two");
        let thread = std::thread::Builder::new().name("sort".to_owned()).spawn(move || {
            let mut file = file;
            let (mut ends, mut end) = (Vec::new(), 0);
            let mut bytes = Vec::new();
            for mut rows in to_sort {
                rows.sort_unstable();
                for some in rows.chunks(4096) {
                    bytes.clear();
                    for row in some {
                        row.put(&mut bytes);
                    }
                    file.write_all(&bytes)?;
                }
                end += (rows.len() * R::BYTES) as u64;
                ends.push(end);
                rows.clear();
                if lend.send(rows).is_err() {
                    break;
                }
            }
            Ok(Runs { file: Arc::new(file), ends })
        })?;
        Ok(Self { full, empty, thread })
    }

    fn end(self) -> io::Result<Runs> {
        drop(self.full);
        drop(self.empty);
        match self.thread.join() {
            Ok(runs) => runs,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Rows in order.
#[derive(Debug)]
pub(super) struct Sorted<R> {
    runs: Vec<RunReader>,
    last: std::vec::IntoIter<R>,
    heads: BinaryHeap<Reverse<(R, usize)>>,
    dir: PathBuf,
}

/// Number of the run that never left memory.
const IN_MEMORY: usize = usize::MAX;

impl<R: Row> Sorted<R> {
    fn new(last: Vec<R>, runs: Option<Runs>, dir: PathBuf) -> Result<Self, JobError> {
        let mut sorted = Self { runs: Vec::new(), last: last.into_iter(), heads: BinaryHeap::new(), dir };
        if let Some(Runs { file, ends }) = runs {
            let mut next = 0;
            for end in ends {
                sorted.runs.push(RunReader { file: Arc::clone(&file), next, end, bytes: Vec::new(), at: 0 });
                next = end;
            }
        }
        for run in (0..sorted.runs.len()).chain([IN_MEMORY]) {
            if let Some(row) = sorted.row_of(run)? {
                sorted.heads.push(Reverse((row, run)));
            }
        }
        Ok(sorted)
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<R>, JobError> {
        let Some(Reverse((row, run))) = self.heads.peek().copied() else { return Ok(None) };
        match self.row_of(run)? {
            Some(next) => {
                if let Some(mut head) = self.heads.peek_mut() {
                    *head = Reverse((next, run));
                }
            }
            None => {
                self.heads.pop();
            }
        }
        Ok(Some(row))
    }

    #[inline]
    fn row_of(&mut self, run: usize) -> Result<Option<R>, JobError> {
        match self.runs.get_mut(run) {
            Some(reader) => reader.row().map_err(|e| JobError::io(&self.dir, e)),
            None => Ok(self.last.next()),
        }
    }
}

/// Reads one run from the file.
#[derive(Debug)]
struct RunReader {
    file: Arc<File>,
    next: u64,
    end: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl RunReader {
    #[inline]
    fn row<R: Row>(&mut self) -> io::Result<Option<R>> {
        if self.at == self.bytes.len() && !self.fill::<R>()? {
            return Ok(None);
        }
        let row = R::get(&self.bytes[self.at..self.at + R::BYTES]);
        self.at += R::BYTES;
        Ok(Some(row))
    }

    #[cold]
    fn fill<R: Row>(&mut self) -> io::Result<bool> {
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let len = left.min(READ / R::BYTES * R::BYTES);
        self.bytes.resize(len, 0);
        self.at = 0;
        read_at(&self.file, &mut self.bytes, self.next)?;
        self.next += len as u64;
        Ok(len > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::UserKey;
    use crate::prepare::heap::Spot;
    use crate::prepare::rows::UserRow;
    use proptest::prelude::*;

    fn row(n: u64) -> UserRow {
        UserRow { user: UserKey::from_bits(n), nameless: false, spot: Spot { offset: n, len: 7 } }
    }

    fn sorted(numbers: &[u64], run: usize) -> Vec<u64> {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(dir.path(), run);
        for n in numbers {
            sorter.push(row(*n)).unwrap();
        }
        let mut rows = sorter.sorted().unwrap();
        let mut out = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            out.push(row.spot.offset);
        }
        assert!(rows.next().unwrap().is_none());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
        out
    }

    proptest! {
        #[test]
        fn as_in_memory(mut numbers: Vec<u64>, run in 1usize..40) {
            let out = sorted(&numbers, run);
            numbers.sort_unstable();
            prop_assert_eq!(out, numbers);
        }
    }

    #[test]
    fn runs_longer_than_what_is_read_at_once() {
        let numbers: Vec<u64> = (0..20_000).rev().collect();
        assert_eq!(sorted(&numbers, 6_000), (0..20_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_folder_that_takes_no_files_is_an_error() {
        let mut sorter = Sorter::new(Path::new("/nowhere/at/all"), 1);
        assert!(sorter.push(row(1)).is_err());
    }
}
