//! The records of a chunk, one after the other, whatever their shape.

use std::borrow::Cow;

use csv::{ByteRecord, StringRecord};

use super::{Sink, codes};
use crate::export::{BrokenText, Chunk, Context, Shape, ShortRows, Table};
use crate::finding::Finding;
use crate::message::Place;

/// One record, as it lies in the export.
#[derive(Debug, Clone, Copy)]
pub enum Record<'r> {
    /// The text of a JSON value; not yet known to be valid.
    Json(&'r str),
    /// The cells of a row, with what they are called.
    Row(Row<'r>),
}

impl<'r> Record<'r> {
    /// The text it is told by in a finding.
    pub fn text(self) -> &'r str {
        match self {
            Self::Json(text) => text,
            Self::Row(row) => row.cells.get(0).unwrap_or_default(),
        }
    }
}

/// The cells of a row, with what they are called.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// The CSV it belongs to.
    pub table: &'r Table,
    cells: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// The cell in that column; `None` if it is empty, absent, or says that there is no value.
    pub fn cell(&self, column: usize) -> Option<&'r str> {
        self.cells.get(column).filter(|cell| !cell.is_empty() && *cell != self.table.null)
    }
}

/// Calls `take` for every record of the chunk. What is no record is passed over (blank lines, the brackets
/// around a list, comments) or reported (broken text, ragged rows).
pub fn each(chunk: &Chunk, sink: &mut dyn Sink, take: &mut dyn FnMut(Place, Record<'_>, &mut dyn Sink)) {
    let walk = Walk { chunk, whole: std::str::from_utf8(&chunk.text).ok() };
    match chunk.shape {
        Shape::Lines => walk.lines(sink, take),
        Shape::Values => walk.values(sink, take),
        Shape::Rows => walk.rows(sink, take),
    }
}

type Take<'t> = &'t mut dyn FnMut(Place, Record<'_>, &mut dyn Sink);

struct Walk<'c> {
    chunk: &'c Chunk,
    /// The text, where all of it is UTF-8: looked at once, not record by record.
    whole: Option<&'c str>,
}

impl Walk<'_> {
    fn lines(&self, sink: &mut dyn Sink, take: Take<'_>) {
        let text = &self.chunk.text;
        let comment = self.chunk.context.comment.as_bytes();
        let mut start = 0;
        let mut number = self.chunk.first_line;
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
            let line = &text[start..end];
            let skipped = line.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let mut from = start + skipped;
            let mut to = from + line[skipped..].trim_ascii_end().len();
            let place = self.place(number, from);
            (number, start) = (number + 1, end + 1);
            if !comment.is_empty() && text[from..to].starts_with(comment) {
                continue;
            }
            // Files that were put together have byte order marks inside.
            if text[from..to].starts_with("\u{feff}".as_bytes()) {
                from += 3;
            }
            // A list with an element a line: brackets at its ends, commas between.
            if text[from..to].ends_with(b",") || text[from..to].ends_with(b"}]") {
                to -= 1;
            }
            if text[from..to].starts_with(b"[{") {
                from += 1;
            }
            match &text[from..to] {
                b"" | b"[" | b"]" => {}
                line if line.iter().all(|b| *b == 0 || b.is_ascii_whitespace()) => {
                    let value = format!("{} zero bytes", line.len());
                    sink.finding(Finding::new(&codes::NUL_BYTES, place, &value));
                }
                _ => self.json(place, from..to, sink, take),
            }
        }
    }

    fn values(&self, sink: &mut dyn Sink, take: Take<'_>) {
        for span in &self.chunk.spans {
            let place = self.place(self.chunk.first_line + u64::from(span.line), span.start as usize);
            self.json(place, span.start as usize..span.end as usize, sink, take);
        }
    }

    fn json(&self, place: Place, range: std::ops::Range<usize>, sink: &mut dyn Sink, take: Take<'_>) {
        if let Some(whole) = self.whole {
            take(place, Record::Json(&whole[range]), sink);
            return;
        }
        let bytes = &self.chunk.text[range];
        let text = String::from_utf8_lossy(bytes);
        let fine = matches!(text, Cow::Borrowed(_));
        if fine || broken(&self.chunk.context, place, &text, sink) {
            take(place, Record::Json(&text), sink);
        }
    }

    fn rows(&self, sink: &mut dyn Sink, take: Take<'_>) {
        let Some(table) = &self.chunk.context.table else { return };
        let mut reader = table.dialect.reader(self.chunk.text.as_slice());
        let mut bytes = ByteRecord::new();
        let columns = table.columns.len();
        // Rows begin behind line ends that ended others, which count as theirs.
        let (mut counted, mut line) = (0, self.chunk.first_line);
        while reader.read_byte_record(&mut bytes).unwrap_or(false) {
            let from = bytes.position().map_or(0, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
            let text = &self.chunk.text;
            let start = row_start(text, from, table.dialect.comment);
            line += memchr::memchr_iter(b'\n', &text[counted..start]).count() as u64;
            counted = start;
            let place = self.place(line, start);
            // A row of blanks alone is a blank line.
            if bytes.len() == 1 && columns > 1 && bytes[0].trim_ascii().is_empty() {
                continue;
            }
            if let Some(value) = ragged(&bytes, table) {
                sink.finding(Finding::new(&codes::CSV_RAGGED, place, &value));
                continue;
            }
            match StringRecord::from_byte_record(std::mem::take(&mut bytes)) {
                Ok(cells) => {
                    take(place, Record::Row(Row { table, cells: &cells }), sink);
                    bytes = cells.into_byte_record();
                }
                Err(e) => {
                    let cells = StringRecord::from_byte_record_lossy(e.into_byte_record());
                    let text = cells.iter().find(|cell| cell.contains('\u{fffd}')).unwrap_or_default();
                    if broken(&self.chunk.context, place, text, sink) {
                        take(place, Record::Row(Row { table, cells: &cells }), sink);
                    }
                    bytes = cells.into_byte_record();
                }
            }
        }
    }

    fn place(&self, line: u64, offset: usize) -> Place {
        let byte = self.chunk.first_byte + offset as u64;
        Place { source: self.chunk.source, line, byte, part: 0 }
    }
}

/// Says that a record is no text; true if it counts all the same.
fn broken(context: &Context, place: Place, lossy: &str, sink: &mut dyn Sink) -> bool {
    // What is shown begins a little before the place.
    let at = lossy.find('\u{fffd}').unwrap_or(0);
    let from = lossy[..at].char_indices().rev().nth(20).map_or(0, |(n, _)| n);
    let code = match context.broken_text {
        BrokenText::Refuse => &codes::ENCODING_BROKEN,
        BrokenText::Replace => &codes::ENCODING_REPLACED,
    };
    sink.finding(Finding::new(code, place, &lossy[from..]));
    context.broken_text == BrokenText::Replace
}

/// Where a row begins that the reader found from `from` on: behind line ends and comments.
fn row_start(text: &[u8], from: usize, comment: Option<u8>) -> usize {
    let mut at = from.min(text.len());
    loop {
        at += text[at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if comment.is_none() || text.get(at).copied() != comment {
            return at;
        }
        at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
    }
}

/// What is wrong with the width of a row, if anything.
fn ragged(row: &ByteRecord, table: &Table) -> Option<String> {
    let (cells, columns) = (row.len(), table.columns.len());
    let longer = cells > columns && row.iter().skip(columns).any(|cell| !cell.is_empty());
    let shorter = cells < columns && table.short_rows == ShortRows::Refuse;
    let of = |n: usize, one: &str, many: &str| crate::numbers::plural(n as u64, one, many);
    (longer || shorter)
        .then(|| format!("{}, {}", of(cells, "cell", "cells"), of(columns, "column", "columns")))
}

#[cfg(test)]
mod tests;
