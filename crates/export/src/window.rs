//! The text between input and chunks: filled from the front, cut at the ends of records.

use super::{ExportError, Input};

/// A stretch of the text of one source that cutters look at, with its line and byte.
pub struct Window {
    buf: Vec<u8>,
    /// The text is `buf[start..end]`.
    start: usize,
    end: usize,
    line: u64,
    byte: u64,
    ended: bool,
}

/// Bytes that a buffer begins with.
const FIRST: usize = 64 << 10;

/// Larger ones grow where they lie.
const MOST_COPIED: usize = 1 << 20;

/// Buffers that were mapped and can be used again.
#[derive(Debug)]
pub struct Pool {
    free: Vec<Vec<u8>>,
    size: usize,
}

impl Pool {
    /// Of buffers for chunks of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self { free: Vec::new(), size }
    }

    /// What a chunk should have.
    pub fn size(&self) -> usize {
        self.size
    }

    fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Gives a buffer back. Those that grew for a giant record are let go.
    pub fn give(&mut self, buf: Vec<u8>) {
        if self.free.len() < 32 && buf.capacity() > 0 && buf.capacity() <= 4 * self.size {
            self.free.push(buf);
        }
    }
}

impl Window {
    /// Nothing yet, at the beginning of a source.
    pub fn new(input: &Input) -> Self {
        Self { buf: Vec::new(), start: 0, end: 0, line: 1, byte: input.first_byte(), ended: false }
    }

    /// The text in it.
    pub fn text(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Whether the text goes to the end of the source.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Line of its first byte, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Offset of its first byte in the source.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// Reads until there are `size` bytes or the source ends.
    pub fn fill(&mut self, input: &mut Input, size: usize) -> Result<(), ExportError> {
        if self.end - self.start >= size || self.ended {
            return Ok(());
        }
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end < size && !self.ended {
            // A new one with the system's zeros, as large as what was read calls for: of ten thousand small files, most of
            // the time went into filling a whole chunk with our own for each.
            if self.end == self.buf.len() {
                self.grow(size.min(self.end.max(FIRST / 2) * 2));
            }
            let room = self.buf.len().min(size);
            match input.read(&mut self.buf[self.end..room])? {
                0 => self.ended = true,
                n => self.end += n,
            }
        }
        Ok(())
    }

    fn grow(&mut self, len: usize) {
        // What is large is made larger where it lies: beside its copy a record of 64 MiB would be there twice.
        if self.buf.len() > MOST_COPIED {
            self.buf.reserve_exact(len - self.buf.len());
            self.buf.resize(len, 0);
            return;
        }
        let mut larger = vec![0; len];
        larger[..self.end].copy_from_slice(&self.buf);
        self.buf = larger;
    }

    /// Takes the first `len` bytes out as the text of a chunk; what follows them stays.
    pub fn take(&mut self, len: usize, pool: &mut Pool) -> Vec<u8> {
        let cut = self.start + len;
        // Of much that was read for a record without an end, little pieces are taken: they are what is copied.
        if self.end - cut > len.max(pool.size) {
            let mut text = pool.take();
            text.clear();
            text.extend_from_slice(&self.buf[self.start..cut]);
            self.start = cut;
            self.line += count_lines(&text);
            self.byte += text.len() as u64;
            return text;
        }
        // What it held before is written over; that it is there saves filling it with zeros.
        let mut next = pool.take();
        let rest = &self.buf[cut..self.end];
        self.end = rest.len();
        if next.len() < rest.len() {
            next.resize(rest.len(), 0);
        }
        next[..rest.len()].copy_from_slice(rest);
        let mut text = std::mem::replace(&mut self.buf, next);
        text.truncate(cut);
        text.drain(..self.start);
        self.start = 0;
        self.line += count_lines(&text);
        self.byte += text.len() as u64;
        text
    }

    /// Forgets the first `len` bytes.
    pub fn skip(&mut self, len: usize) {
        self.line += count_lines(&self.text()[..len]);
        self.byte += len as u64;
        self.start += len;
    }
}

/// How many line ends there are.
pub(super) fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}
