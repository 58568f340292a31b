//! Bytes to records: files, globs, folders, compression, encodings, formats.
//!
//! A [`Chunk`] is the unit of work between the rooms: some hundred kilobytes of whole records that one
//! thread can map without knowing its neighbours. Cutting chunks is the only sequential part of a pass.

mod chunk;

pub use chunk::{Chunk, Context};
