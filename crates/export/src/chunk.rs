//! What the reader hands to the mappers.

use std::sync::Arc;

use crate::finding::Finding;
use crate::message::SourceNo;

use super::csv::Table;
use super::settings::BrokenText;

/// Whole records of one source, cut so that they can be mapped on any thread.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The file they come from.
    pub source: SourceNo,
    /// Whether it is the first of its source.
    pub first: bool,
    /// How the records lie in `text`.
    pub shape: Shape,
    /// Line of the first byte, from 1.
    pub first_line: u64,
    /// Offset of the first byte in the decompressed source, from 0; for text that had to be converted
    /// (UTF-16, GB18030) the offset in the converted text.
    pub first_byte: u64,
    /// The records. UTF-8 but for broken ones: who takes a record apart must check.
    pub text: Vec<u8>,
    /// Where each record lies, for [`Shape::Values`]; empty elsewhere.
    pub spans: Vec<Span>,
    /// What the records inherit.
    pub context: Arc<Context>,
    /// What the reader noticed between the records of this chunk. The pass hands them on: a chunk with
    /// findings alone has an empty `text`.
    pub findings: Vec<Finding>,
}

/// How records lie in the text of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One record a line, ended by `\n` or the end of the text.
    Lines,
    /// CSV rows, as [`Context::table`] describes them; the header row is not among them.
    Rows,
    /// Values anywhere in the text, each where a [`Span`] says: JSON of any layout, or what a preset cuts.
    Values,
}

/// One record of a [`Shape::Values`] chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte in the text of the chunk.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// Line of the first byte, counted from the chunk's first line, from 0.
    pub line: u32,
}

/// What records inherit from around them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Context {
    /// Columns and dialect of a CSV.
    pub table: Option<Table>,
    /// Named values: `@path`, `@file`, `@stem`, `@folder` of the source, then what enclosing objects said,
    /// under the names that the `records` setting would use: `chats.list[].id`.
    pub values: Vec<(String, String)>,
    /// What becomes of records that are no UTF-8.
    pub broken_text: BrokenText,
    /// Lines that begin with this are no records; empty: there are none such. (CSV: see the table.)
    pub comment: String,
}

impl Context {
    /// The value of that name, if there is one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// What stands in front of the file's path inside what was named: the folder or the archive; empty where the file was
    /// named itself, and without a folder.
    pub fn root(&self) -> &str {
        let value = |name| self.value(name).unwrap_or_default();
        let (path, folder, file) = (value("@path"), value("@folder"), value("@file"));
        let rest = path.strip_suffix(file).unwrap_or_default();
        rest.strip_suffix('/')
            .and_then(|rest| rest.strip_suffix(folder))
            .unwrap_or(rest)
            .trim_end_matches('/')
    }
}
