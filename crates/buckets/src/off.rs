//! Without the feature `object-store`: every address is refused.

use std::io;
use std::ops::Range;

use crate::{Address, BucketError, Object};

fn not_built<T>(address: &Address) -> Result<T, BucketError> {
    Err(BucketError::NotBuilt { address: address.to_string() })
}

/// The object of that address.
pub fn find(address: &Address) -> Result<Option<Object>, BucketError> {
    not_built(address)
}

/// All objects in that folder.
pub fn below(address: &Address) -> Result<Vec<Object>, BucketError> {
    not_built(address)
}

/// Those bytes of an object.
pub fn open(object: &Object, _bytes: Range<u64>) -> Result<Box<dyn io::Read + Send>, BucketError> {
    not_built(&object.address)
}
