//! A file that messages show: what the export calls it, where its bytes are, and why they can't be had.

use std::io;
use std::path::PathBuf;

use importer_buckets::{Address, BucketError, Holder, find};

/// A file that messages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The source that names it, as the export's findings call it.
    pub source: String,
    /// What the export calls it.
    pub key: String,
    /// Its path in the export; empty if the export has none.
    pub path: String,
    /// Its name.
    pub name: String,
}

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A file of its own, or an object.
    File(Holder),
    /// An entry of a zip archive.
    Entry {
        /// The archive.
        archive: Holder,
        /// Its name in there, as the archive has it.
        name: String,
    },
}

/// Why a file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It leads out of the folders of the export.
    #[error("leads out of the export")]
    Outside,
    /// It is nowhere.
    #[error("is not there")]
    Missing,
    /// A folder, a device, a pipe.
    #[error("is no file")]
    NoFile,
    /// The archive is damaged, or the disk is.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// The archive says something that is not so.
    #[error("cannot be unpacked: {0}")]
    Zip(String),
    /// Another object has its name now.
    #[error("was replaced in its store since it was found")]
    Replaced,
    /// Of its store nothing can be told: that is no fault of the file's.
    #[error(transparent)]
    Store(BucketError),
}

impl Place {
    /// What was written down of it: the file or archive, and the name in there. What is in a store is asked for, and has to be
    /// the same by its content alone.
    ///
    /// # Errors
    /// A store that tells nothing.
    pub fn again(holder: &str, name: Option<String>) -> Result<Self, PlaceError> {
        let holder = match Address::parse(holder) {
            Ok(address) => match find(&address) {
                Ok(Some(object)) => Holder::Bucket(object),
                Ok(None) => return Err(PlaceError::Missing),
                Err(error) => return Err(io::Error::from(error).into()),
            },
            Err(_) => Holder::Disk(PathBuf::from(holder)),
        };
        Ok(match name {
            Some(name) => Self::Entry { archive: holder, name },
            None => Self::File(holder),
        })
    }

    /// How it is named to people.
    pub fn shown(&self) -> String {
        match self {
            Self::File(holder) => holder.to_string(),
            Self::Entry { archive, name } => format!("{archive}/{name}"),
        }
    }

    /// Whether it is in an object store: reading it can take as long as a network does.
    pub fn is_in_store(&self) -> bool {
        let (Self::File(holder) | Self::Entry { archive: holder, .. }) = self;
        matches!(holder, Holder::Bucket(_))
    }
}

/// What reading failed with; of a store, whether that is about this file or about all.
impl From<io::Error> for PlaceError {
    fn from(error: io::Error) -> Self {
        match BucketError::of(&error) {
            Some(BucketError::Missing { .. }) => Self::Missing,
            Some(BucketError::Replaced { .. }) => Self::Replaced,
            Some(BucketError::Denied { .. } | BucketError::Refused { .. } | BucketError::Address { .. })
            | None => Self::Read(error),
            Some(store) => Self::Store(store.clone()),
        }
    }
}

impl PlaceError {
    /// The same of what is packed.
    pub(super) fn packed(error: io::Error) -> Self {
        if BucketError::of(&error).is_some() {
            return error.into();
        }
        match error.raw_os_error() {
            None => Self::Zip(error.to_string()),
            Some(_) => Self::Read(error),
        }
    }

    pub(super) fn of_zip(error: zip::result::ZipError) -> Self {
        match error {
            zip::result::ZipError::Io(error) => Self::packed(error),
            error => Self::Zip(error.to_string()),
        }
    }
}
