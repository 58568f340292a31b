//! What holds the bytes of an export: a disk, or an object store, where `s3://`, `gs://` and `az://` are found, listed, and
//! read as streams that go on where a connection broke.
//!
//! What an object is called is [`Address`], which object it was is told by its [`Object::etag`]: another one under the same
//! name is never read on. Without the feature `object-store` every address is refused, with the way out.

// The rooms below, by the names that the whole house uses.
use importer_words::secrets;

mod address;
mod error;
mod holder;
#[cfg(not(feature = "object-store"))]
mod off;
#[cfg(feature = "object-store")]
mod patience;
#[cfg(feature = "object-store")]
mod store;
#[cfg(feature = "object-store")]
mod stream;

pub use address::{Address, is_address};
pub use error::BucketError;
pub use holder::{Holder, Parts, ReadSeek};
#[cfg(not(feature = "object-store"))]
pub use off::{below, find, open};
#[cfg(feature = "object-store")]
pub use store::{below, find};
#[cfg(feature = "object-store")]
pub use stream::open;

/// An object as its store told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// Where it is.
    pub address: Address,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970: by the second where a header says it, else exactly, so it tells of
    /// no change.
    pub modified: i64,
    /// Another content has another one, in all stores that say one; without the quotes that lists and headers put around
    /// it or not.
    pub etag: Option<String>,
}
