//! What the reader hands to the mappers.

use std::sync::Arc;

use crate::message::SourceNo;

/// Whole records of one source, cut so that they can be mapped on any thread.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The file they come from.
    pub source: SourceNo,
    /// Line of the first byte, from 1.
    pub first_line: u64,
    /// Offset of the first byte in the decompressed source, from 0.
    pub first_byte: u64,
    /// The records, UTF-8.
    pub text: Vec<u8>,
    /// What the records inherit: a CSV header, fields of enclosing objects, values of the path.
    pub context: Option<Arc<Context>>,
}

/// What records inherit from around them.
#[derive(Debug, Default)]
pub struct Context {
    /// Column names of a CSV; empty elsewhere.
    pub header: Vec<String>,
    /// Named values from enclosing objects, file names and folders.
    pub values: Vec<(String, String)>,
}
