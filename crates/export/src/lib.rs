//! Bytes to records: files, globs, folders, archives, compression, encodings, formats.
//!
//! A [`Chunk`] is the unit of work between the rooms: some hundred kilobytes of whole records that one
//! thread can map without knowing its neighbours. Cutting chunks is the only sequential part of a pass.
//!
//! A preset is a [`Layout`]: which files belong, what their paths say, which [`Cutter`] takes them apart.

// The rooms below, by the names that the whole house uses.
use importer_words::{finding, message};

mod archive;
mod chunk;
pub mod codes;
mod crc64;
mod csv;
pub mod cut;
mod decode;
mod discover;
mod error;
mod fingerprint;
mod input;
pub mod json;
mod layout;
mod lying;
mod mongo;
mod packing;
mod path;
mod reader;
mod settings;
mod sniff;
mod unpack;
pub mod unread;
mod window;

pub use archive::Entry;
pub use chunk::{Chunk, Context, Shape, Span};
pub use csv::{Dialect, Table};
pub use cut::Cutter;
pub use decode::Encoding;
pub use discover::{Found, Origin, discover};
pub use error::ExportError;
pub use fingerprint::{Change, compare, compare_all};
pub use importer_buckets::{Holder, is_address};
pub use input::{Input, Sum};
pub use layout::{Layout, Plain};
pub use lying::{Lying, lying};
pub use mongo::{Collection, is_archive as is_mongo_archive};
pub use path::RecordPath;
pub use reader::{CHUNK, Head, Reader, Source, Totals};
pub use settings::{BrokenText, Csv, Format, Header, Settings, ShortRows};
pub use unread::{Left, Unread};
pub use window::{Pool, Window};

#[cfg(test)]
mod tests;
