//! Why nothing can be read from an object store.

use std::io;

/// Why an object can't be found or read. Names its address, what was seen, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// The program was built without object stores.
    #[error(
        "`{address}` is in an object store, and this program was built without them: releases and the image have them, \
         `cargo install --features object-store` builds them in; or copy it here and name the file"
    )]
    NotBuilt { address: String },
    /// An address that is none.
    #[error("`{address}` is no address in an object store: {why}")]
    Address { address: String, why: String },
    /// Settings from the environment that can't be.
    #[error("`{address}` can't be asked for: {why}")]
    Settings { address: String, why: String },
    /// The store said no.
    #[error("`{address}` may not be read: {why}")]
    Denied { address: String, why: String },
    /// There is no such bucket, or it went away.
    #[error("`{address}` is not there: {why}")]
    Missing { address: String, why: String },
    /// Another object has its name now.
    #[error(
        "`{address}` was replaced while it was read: its ETag was {was} and is {is}; nothing of the new one was read, and \
         nothing was sent. The same command reads it from its beginning"
    )]
    Replaced { address: String, was: String, is: String },
    /// The store did not give it, for as long as we waited.
    #[error("`{address}` can't be read{}: {why}; given up after {seconds} s without a byte", at(*byte))]
    GaveUp { address: String, byte: u64, seconds: u64, why: String },
    /// Something that trying again does not mend.
    #[error("`{address}` can't be read{}: {why}", at(*byte))]
    Refused { address: String, byte: u64, why: String },
}

fn at(byte: u64) -> String {
    if byte == 0 { String::new() } else { format!(" from byte {byte} on") }
}

impl From<BucketError> for io::Error {
    fn from(error: BucketError) -> Self {
        Self::other(error)
    }
}

impl BucketError {
    /// Whether this is what a reader of ours has failed with.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}
