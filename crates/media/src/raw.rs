//! The bytes of an archive as they were when it was opened, for several who read at once.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use importer_buckets::{Holder, Parts};

/// An open archive; a clone of it reads from where it is.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    /// Of a disk, also where another file has its name now.
    Disk(Shared),
    /// Of a store, that object and no other.
    Bucket(Parts),
}

impl Raw {
    pub(super) fn open(holder: &Holder) -> io::Result<Self> {
        Ok(match holder {
            Holder::Disk(path) => {
                Self::Disk(Shared { file: Arc::new(Mutex::new(fs_err::File::open(path)?)), at: 0 })
            }
            Holder::Bucket(object) => Self::Bucket(Parts::new(object.clone())),
        })
    }
}

impl Read for Raw {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(buf),
            Self::Bucket(parts) => parts.read(buf),
        }
    }
}

impl Seek for Raw {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Disk(file) => file.seek(to),
            Self::Bucket(parts) => parts.seek(to),
        }
    }
}

/// An open file that several read from, each from where it is.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    file: Arc<Mutex<fs_err::File>>,
    at: u64,
}

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buf)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.at = match to {
            SeekFrom::Current(by) => {
                let at = self.at.checked_add_signed(by);
                at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?
            }
            to => file.seek(to)?,
        };
        Ok(self.at)
    }
}
