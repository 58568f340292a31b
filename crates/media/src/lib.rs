//! The files of messages: where their bytes are, what they are, and what they will be called.
//!
//! Nothing here knows a job, or a network but that of the stores which exports are in. What an export names is not to be trusted: no path leads out of the
//! folders that were given, no size is believed before it was read, no picture is opened.

mod digest;
mod look;
mod name;
mod place;
mod places;
mod raw;
mod sound;
mod stores;
mod video;

pub use digest::{Digest, Sum, digest, digest_of};
pub use look::{Look, look};
pub use name::{Key, KeyError};
pub use place::{Place, PlaceError, Wanted};
pub use places::Places;

/// Something that can be read from any place.
pub trait Bytes: std::io::Read + std::io::Seek + Send {}
impl<T: std::io::Read + std::io::Seek + Send> Bytes for T {}
