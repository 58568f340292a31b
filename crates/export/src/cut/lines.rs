//! Line by line: JSONL, and text formats whose records are lines or begin with a certain line.

use std::sync::Arc;

use super::{Chunk, Context, Cutter, ExportError, Input, Pool, Shape};
use crate::codes;
use crate::finding::Finding;
use crate::message::Place;
use crate::window::Window;

/// Cuts at line ends.
pub struct Lines {
    window: Option<Window>,
    max: usize,
    begins: Option<Begins>,
}

/// Tells a line with which a record begins; the second says whether the line before ended with CRLF.
pub type Begins = fn(line: &[u8], crlf: bool) -> bool;

impl Lines {
    /// One record a line, none longer than `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { window: None, max, begins: None }
    }

    /// Records of several lines: a chunk is cut only in front of a line for which `begins` is true. The
    /// mapper takes the lines apart itself.
    pub fn grouped(max: usize, begins: Begins) -> Self {
        Self { begins: Some(begins), ..Self::new(max) }
    }
}

impl Cutter for Lines {
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError> {
        let window = self.window.get_or_insert_with(|| Window::new(input));
        let mut findings = Vec::new();
        let mut size = pool.size().min(self.max + 1);
        let end = loop {
            window.fill(input, size)?;
            let text = window.text();
            // The end of the text ends the last line, with or without a line end.
            if window.ended() && (text.len() <= self.max || text.ends_with(b"\n")) {
                break text.len();
            }
            if let Some(end) = last_end(text, self.begins) {
                break end;
            }
            if size <= self.max {
                size = (size * 2).min(self.max + 1);
                continue;
            }
            // The records in front of one that is too long are not.
            if let Some(end) = self.begins.and_then(|begins| open_end(text, begins)) {
                break end;
            }
            let place = Place { source: input.no(), line: window.line(), byte: window.byte(), part: 0 };
            let start = String::from_utf8_lossy(&text[..text.len().min(200)]);
            findings.push(Finding::new(&codes::RECORD_TOO_LONG, place, &start));
            size = pool.size().min(self.max + 1);
            pass_record(window, input, self.begins, size)?;
        };
        if end == 0 && findings.is_empty() {
            return Ok(None);
        }
        let (first_line, first_byte) = (window.line(), window.byte());
        Ok(Some(Chunk {
            first: false,
            source: input.no(),
            shape: Shape::Lines,
            first_line,
            first_byte,
            text: window.take(end, pool),
            spans: Vec::new(),
            context: Arc::clone(context),
            findings,
        }))
    }
}

/// Whether CRLF stands in front of this byte.
fn is_crlf(text: &[u8], at: usize) -> bool {
    text[..at].ends_with(b"\r\n")
}

/// Behind the last whole record, if there is one.
fn last_end(text: &[u8], begins: Option<Begins>) -> Option<usize> {
    let mut whole = memchr::memrchr(b'\n', text)?;
    let Some(begins) = begins else {
        return Some(whole + 1);
    };
    // What follows the last line end may be cut off: it is judged when it is whole.
    loop {
        let start = memchr::memrchr(b'\n', &text[..whole])? + 1;
        if begins(&text[start..whole], is_crlf(text, start)) {
            return Some(start);
        }
        whole = start - 1;
    }
}

/// Behind the last line end, if a record begins there, of which there is not all.
fn open_end(text: &[u8], begins: Begins) -> Option<usize> {
    const ENOUGH: usize = 200;
    let start = memchr::memrchr(b'\n', text)? + 1;
    let head = &text[start..text.len().min(start + ENOUGH)];
    // Cut where a character ends.
    let whole = std::str::from_utf8(head).map_or_else(|e| e.valid_up_to(), str::len);
    begins(&head[..whole], is_crlf(text, start)).then_some(start)
}

/// Drops the record at the start of the window, however long it is, reading `size` bytes at a time.
pub(super) fn pass_record(
    window: &mut Window,
    input: &mut Input,
    begins: Option<Begins>,
    size: usize,
) -> Result<(), ExportError> {
    loop {
        let Some(at) = memchr::memchr(b'\n', window.text()) else {
            window.skip(window.text().len());
            if window.ended() {
                return Ok(());
            }
            window.fill(input, size)?;
            continue;
        };
        let crlf = is_crlf(window.text(), at + 1);
        window.skip(at + 1);
        let Some(begins) = begins else { return Ok(()) };
        if memchr::memchr(b'\n', window.text()).is_none() {
            window.fill(input, size)?;
        }
        let text = window.text();
        let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
        if text.is_empty() || begins(line, crlf) {
            return Ok(());
        }
    }
}
