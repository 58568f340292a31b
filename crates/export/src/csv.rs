//! How a CSV is written, and what its columns are called.

use super::settings::{Csv, Header, ShortRows};
use super::{ExportError, Settings};
use crate::finding::shorten;

/// A CSV: how it is written, and what its columns are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns, in order.
    pub columns: Vec<String>,
    /// How cells are told apart.
    pub dialect: Dialect,
    /// What stands for "no value"; empty: nothing does.
    pub null: String,
    /// What becomes of rows shorter than the header.
    pub short_rows: ShortRows,
}

/// How cells are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    pub comment: Option<u8>,
}

impl Table {
    /// The position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }
}

impl Dialect {
    /// What the settings say, and what the beginning of the file shows where they say `auto`.
    pub fn new(settings: &Settings, head: &[u8]) -> Result<Self, ExportError> {
        let csv = &settings.csv;
        let mut dialect = Self {
            delimiter: b',',
            quote: byte("csv.quote", &csv.quote)?,
            escape: byte("csv.escape", &csv.escape)?,
            comment: byte("comment", &settings.comment)?,
        };
        let different = [dialect.escape, dialect.comment, Some(b'\n'), Some(b'\r')];
        for (key, value, others) in [
            ("csv.quote", dialect.quote, &different[..]),
            ("csv.escape", dialect.escape, &different[1..]),
            ("comment", dialect.comment, &different[2..]),
        ] {
            if value.is_some() && others.contains(&value) {
                return Err(ambiguous(key, value));
            }
        }
        dialect.delimiter = match csv.delimiter.as_str() {
            "auto" => dialect.guess_delimiter(head),
            "tab" => b'\t',
            other => byte("csv.delimiter", other)?.ok_or_else(|| ambiguous("csv.delimiter", None))?,
        };
        if different.contains(&Some(dialect.delimiter)) || dialect.quote == Some(dialect.delimiter) {
            return Err(ambiguous("csv.delimiter", Some(dialect.delimiter)));
        }
        Ok(dialect)
    }

    /// A reader for rows written so.
    pub fn reader<R: std::io::Read>(self, text: R) -> csv::Reader<R> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .escape(self.escape)
            .comment(self.comment)
            .buffer_capacity(1 << 16)
            .from_reader(text)
    }

    /// The candidate that gives the most rows of equal width; the widest of equals.
    fn guess_delimiter(self, head: &[u8]) -> u8 {
        let score = |delimiter: u8| {
            let mut reader = Self { delimiter, ..self }.reader(head);
            let mut row = csv::ByteRecord::new();
            let (mut width, mut equal, mut rows) = (0, 0, 0_usize);
            while rows < 200 && reader.read_byte_record(&mut row).is_ok_and(|more| more) {
                if rows == 0 {
                    width = row.len();
                }
                equal += usize::from(row.len() == width);
                rows += 1;
            }
            if width < 2 { (0, 0) } else { (equal * 100 / rows.max(1), width) }
        };
        // The first of equals in this order; `max_by_key` takes the last.
        [b'|', b'\t', b';', b','].into_iter().max_by_key(|d| score(*d)).unwrap_or(b',')
    }
}

/// The names of the columns: from the settings, from the first row, or numbers.
pub(super) fn columns(header: &Header, first_row: &csv::ByteRecord) -> Vec<String> {
    match header {
        Header::Names(names) => names.clone(),
        Header::Row(false) => (1..=first_row.len()).map(|n| n.to_string()).collect(),
        Header::Row(true) => {
            let mut names: Vec<String> =
                first_row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
            // A delimiter at the end of every line makes a column without a name.
            while names.last().is_some_and(String::is_empty) {
                names.pop();
            }
            names
        }
    }
}

fn ambiguous(key: &'static str, value: Option<u8>) -> ExportError {
    ExportError::BadSetting {
        key,
        value: value.map(|byte| shorten(&char::from(byte).to_string())).unwrap_or_default(),
        why: "it would mean two things in a CSV".to_owned(),
    }
}

fn byte(key: &'static str, text: &str) -> Result<Option<u8>, ExportError> {
    match text.as_bytes() {
        [] => Ok(None),
        [byte] if byte.is_ascii() => Ok(Some(*byte)),
        _ => Err(ExportError::BadSetting {
            key,
            value: text.to_owned(),
            why: "in a CSV it must be one ASCII character".to_owned(),
        }),
    }
}

impl Csv {
    /// Whether the first row has names and is no record.
    pub(super) fn header_row(&self) -> bool {
        self.header == Header::Row(true)
    }
}
