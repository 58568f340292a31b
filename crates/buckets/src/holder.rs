//! What holds the bytes of a file or an archive: a disk, or a bucket of an object store.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::{Object, open};

/// What holds the bytes of a file or an archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A file here.
    Disk(PathBuf),
    /// An object in a store.
    Bucket(Object),
}

/// Something that can be read anywhere.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// What a store fails with is a [`BucketError`](crate::BucketError) within the error.
impl Holder {
    /// As the user would write it.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Disk(path) => path.to_string_lossy(),
            Self::Bucket(object) => Cow::Owned(object.address.to_string()),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Disk(path) => Box::new(fs_err::File::open(path)?),
            Self::Bucket(object) => open(object, 0..object.bytes)?,
        })
    }

    /// So many bytes from there on.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn part(&self, from: u64, bytes: u64) -> io::Result<io::Take<Box<dyn Read + Send>>> {
        let raw: Box<dyn Read + Send> = match self {
            Self::Disk(path) => {
                let mut file = fs_err::File::open(path)?;
                file.seek(SeekFrom::Start(from))?;
                Box::new(file)
            }
            Self::Bucket(object) => open(object, from..from.saturating_add(bytes))?,
        };
        Ok(raw.take(bytes))
    }

    /// To be read here and there: what stands in an archive is told at its end.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn seekable(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Self::Disk(path) => Box::new(fs_err::File::open(path)?),
            Self::Bucket(object) => Box::new(Parts::new(object.clone())),
        })
    }

    /// Its size.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn bytes(&self) -> io::Result<u64> {
        match self {
            Self::Disk(path) => Ok(fs_err::metadata(path)?.len()),
            Self::Bucket(object) => Ok(object.bytes),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Less than this is read and thrown away rather than asked for anew: what stands in front of an archive's entries, each
/// behind the data of the one before.
const STEP: u64 = 1 << 20;

/// An object read here and there: a call for each place that is not near behind the last.
pub struct Parts {
    object: Object,
    at: u64,
    /// What is being read, and where that is.
    now: Option<(u64, Box<dyn Read + Send>)>,
}

impl Parts {
    /// From its beginning.
    pub fn new(object: Object) -> Self {
        Self { object, at: 0, now: None }
    }
}

/// Reads from the same place on, over a connection of its own.
impl Clone for Parts {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), at: self.at, now: None }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("object", &self.object).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Read for Parts {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let near = self.now.take().filter(|(here, _)| (*here..=*here + STEP).contains(&self.at));
        let (here, mut raw) = match near {
            Some(near) => near,
            None => (self.at, open(&self.object, self.at..self.object.bytes)?),
        };
        let over = self.at - here;
        if over > 0 && io::copy(&mut (&mut raw).take(over), &mut io::sink())? < over {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let n = raw.read(buf)?;
        self.at += n as u64;
        self.now = Some((self.at, raw));
        Ok(n)
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
