//! Row by row: CSV, whose cells may hold line ends.

use std::sync::Arc;

use super::lines::pass_record;
use super::{Chunk, Context, Cutter, ExportError, Input, Pool, Shape};
use crate::codes;
use crate::csv::{Dialect, Table, columns};
use crate::finding::Finding;
use crate::message::Place;
use crate::settings::Csv;
use crate::window::Window;

/// Cuts behind rows.
///
/// A quote has a meaning only where a cell begins, as the `csv` crate sees it too; so looking at quotes and
/// line ends alone finds the ends of rows exactly.
pub struct Rows {
    window: Option<Window>,
    max: usize,
    csv: Csv,
    dialect: Dialect,
    scan: Scan,
    /// With the columns, once the first row was read.
    context: Option<Arc<Context>>,
}

/// How far the window was looked through.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    /// Up to here.
    at: usize,
    /// There, in a quoted cell.
    quoted: bool,
    /// Where the row begins in which `at` lies.
    row: usize,
    /// Behind the last whole row; 0 while there is none.
    end: usize,
}

impl Rows {
    /// Rows written so, none longer than `max` bytes.
    pub fn new(max: usize, csv: Csv, dialect: Dialect) -> Self {
        Self { window: None, max, csv, dialect, scan: Scan::default(), context: None }
    }

    /// The columns, from the first row if there is one yet; and the end of that row, if it has the names.
    fn header(&self, first: &[u8]) -> (Option<Table>, usize) {
        let mut row = csv::ByteRecord::new();
        let mut reader = self.dialect.reader(first);
        // Reading from memory can't fail, and rows of any width are taken.
        let more = reader.read_byte_record(&mut row).unwrap_or(false);
        let behind = usize::try_from(reader.position().byte()).expect("within the window");
        let table = more.then(|| Table {
            columns: columns(&self.csv.header, &row),
            dialect: self.dialect,
            null: self.csv.null.clone(),
            short_rows: self.csv.short_rows,
        });
        (table, if self.csv.header_row() { behind } else { 0 })
    }
}

impl Cutter for Rows {
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError> {
        let mut window = self.window.take().unwrap_or_else(|| Window::new(input));
        let mut findings = Vec::new();
        let mut size = pool.size().min(self.max + 1);
        let end = loop {
            window.fill(input, size)?;
            // No more than asked for, though there may be more since a cell without an end was looked for.
            let whole = window.text();
            let text = &whole[..whole.len().min(size)];
            let ended = window.ended() && text.len() == whole.len();
            self.scan.run(text, self.dialect, ended);
            let fits = text.len() - self.scan.end <= self.max;
            if ended && !self.scan.quoted && fits {
                break text.len();
            }
            if self.scan.end > 0 {
                break self.scan.end;
            }
            if !ended && size <= self.max {
                size = (size * 2).min(self.max + 1);
                continue;
            }
            // No row ends within what a row may have. A quoted cell that is never closed swallows all
            // that follows: leave out the line on which it begins and look at the rest anew.
            let code = if self.scan.quoted { &codes::CSV_QUOTE_OPEN } else { &codes::RECORD_TOO_LONG };
            let place = Place { source: input.no(), line: window.line(), byte: window.byte(), part: 0 };
            let start = String::from_utf8_lossy(&text[..text.len().min(200)]);
            findings.push(Finding::new(code, place, &start));
            size = pool.size().min(self.max + 1);
            pass_record(&mut window, input, None, size)?;
            self.scan = Scan::default();
        };
        self.scan = self.scan.moved(end);
        let mut end = end;
        let headless = self.context.is_none();
        if headless {
            let (table, behind) = self.header(&window.text()[..end]);
            window.skip(behind);
            end -= behind;
            if table.is_some() {
                self.context = Some(Arc::new(Context { table, ..Context::clone(context) }));
            }
        }
        let (first_line, first_byte) = (window.line(), window.byte());
        let text = window.take(end, pool);
        let ended = window.ended() && window.text().is_empty();
        self.window = Some(window);
        // A header alone is worth a chunk: it says which columns there are.
        let header = headless && self.context.is_some();
        if text.is_empty() && findings.is_empty() && ended && !header {
            return Ok(None);
        }
        Ok(Some(Chunk {
            first: false,
            source: input.no(),
            shape: Shape::Rows,
            first_line,
            first_byte,
            text,
            spans: Vec::new(),
            context: Arc::clone(self.context.as_ref().unwrap_or(context)),
            findings,
        }))
    }
}

impl Scan {
    /// Looks on from where it stopped. Only the byte before a quote says whether it opens a cell; a cell
    /// that was closed and goes on is an unquoted one.
    fn run(&mut self, text: &[u8], dialect: Dialect, ended: bool) {
        let quote = dialect.quote;
        let mut at = self.at;
        while at < text.len() {
            if self.quoted {
                let quote = quote.expect("only a quote opens a cell");
                let found = match dialect.escape {
                    Some(escape) => memchr::memchr2(quote, escape, &text[at..]),
                    None => memchr::memchr(quote, &text[at..]),
                };
                let Some(found) = found else {
                    at = text.len();
                    break;
                };
                let here = at + found;
                let is_quote = text[here] == quote;
                match text.get(here + 1) {
                    // A doubled quote, or something escaped.
                    Some(next) if !is_quote || *next == quote => at = here + 2,
                    Some(_) => {
                        self.quoted = false;
                        at = here + 1;
                    }
                    // Which of them it is shows with the next byte.
                    None if !ended => {
                        at = here;
                        break;
                    }
                    None => {
                        self.quoted = !is_quote;
                        at = text.len();
                    }
                }
                continue;
            }
            if at == self.row && dialect.comment == Some(text[at]) {
                let Some(found) = memchr::memchr(b'\n', &text[at..]) else {
                    break;
                };
                at += found + 1;
                (self.row, self.end) = (at, at);
                continue;
            }
            let found = match quote {
                Some(quote) => memchr::memchr2(quote, b'\n', &text[at..]),
                None => memchr::memchr(b'\n', &text[at..]),
            };
            let Some(found) = found else {
                at = text.len();
                break;
            };
            let here = at + found;
            at = here + 1;
            if text[here] == b'\n' {
                (self.row, self.end) = (at, at);
            } else {
                // `\r` alone ends a row for the `csv` crate as well.
                let before = here.checked_sub(1).map(|at| text[at]);
                self.quoted = here == self.row || before == Some(dialect.delimiter) || before == Some(b'\r');
            }
        }
        self.at = at;
    }

    /// The same after `by` bytes were taken from the front.
    fn moved(self, by: usize) -> Self {
        Self { at: self.at.saturating_sub(by), row: self.row.saturating_sub(by), quoted: self.quoted, end: 0 }
    }
}
