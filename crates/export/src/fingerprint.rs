//! Are these the sources the job was made of? By size and time first; by content where those differ.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::archive::EntryReader;
use super::discover::{Found, Origin, discover, held, read_error};
use super::layout::Layout;
use super::{ExportError, Source, mongo};

/// How a source differs from what the job was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added { path: String },
    /// It is not there any more.
    Removed { path: String },
    /// It has another size.
    Size { path: String, was: u64, is: u64 },
    /// It has the same size and other content.
    Content { path: String },
    /// Standard input can't be read a second time to compare it.
    Unknown { path: String },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { path } => write!(f, "`{path}` is new"),
            Self::Removed { path } => write!(f, "`{path}` is gone"),
            Self::Size { path, was, is } => write!(f, "`{path}` had {was} bytes and has {is} now"),
            Self::Content { path } => write!(f, "`{path}` has the same size but other content"),
            Self::Unknown { path } => write!(f, "`{path}` can't be compared: it can be read only once"),
        }
    }
}

/// Compares what the job was made of with what the sources are now; says every difference.
///
/// A file of the same size and time is taken as unchanged, and an object of the same `ETag`; of the same size and another
/// time or `ETag` it is read and its content decides.
///
/// # Errors
/// As [`discover`], and files that can't be read.
pub fn compare(
    stored: &[Source],
    sources: &[String],
    layout: &dyn Layout,
) -> Result<Vec<Change>, ExportError> {
    compare_all(stored, &[(sources, layout)])
}

/// The same for sources that lie in several ways.
///
/// # Errors
/// As [`compare`].
pub fn compare_all(
    stored: &[Source],
    sources: &[(&[String], &dyn Layout)],
) -> Result<Vec<Change>, ExportError> {
    let mut found = Vec::new();
    for (sources, layout) in sources {
        let mut of_one = discover(sources, *layout)?;
        layout.arrange(&mut of_one)?;
        found.append(&mut of_one);
    }
    let mut known: HashMap<&str, &Source> = stored.iter().map(|s| (s.path.as_str(), s)).collect();
    let mut changes = Vec::new();
    for found in &found {
        let path = found.path.clone();
        match known.remove(found.path.as_str()) {
            None => changes.push(Change::Added { path }),
            Some(_) if found.origin == Origin::Stdin => changes.push(Change::Unknown { path }),
            Some(source) => changes.extend(difference(source, found)?),
        }
    }
    let mut gone: Vec<_> = known.into_values().collect();
    gone.sort_by_key(|source| source.no);
    changes.extend(gone.into_iter().map(|source| Change::Removed { path: source.path.clone() }));
    Ok(changes)
}

fn difference(source: &Source, found: &Found) -> Result<Option<Change>, ExportError> {
    let path = found.path.clone();
    // The size of what lies in an archive is kept unpacked (what was read), and listed as the archive says.
    let is_file = matches!(found.origin, Origin::File(_));
    if is_file && source.bytes != found.bytes {
        return Ok(Some(Change::Size { path, was: source.bytes, is: found.bytes }));
    }
    let etags = source.etag.as_deref().zip(found.etag());
    if etags.is_some_and(|(was, is)| was == is) {
        return Ok(None);
    }
    if etags.is_none() && source.modified.is_some() && source.modified == found.modified {
        return Ok(None);
    }
    Ok((hash(found)? != source.sha256).then_some(Change::Content { path }))
}

fn hash(found: &Found) -> Result<[u8; 32], ExportError> {
    let mut raw: Box<dyn Read> = match &found.origin {
        Origin::Stdin => Box::new(std::io::empty()),
        Origin::File(holder) => held(holder, holder.open())?,
        Origin::Entry(entry) => Box::new(EntryReader::open(entry)?),
        Origin::Collection(collection) => Box::new(mongo::Reading::open(collection)?),
    };
    let mut hash = Sha256::new();
    let mut buf = vec![0; 256 << 10];
    loop {
        match raw.read(&mut buf).map_err(|e| read_error(&found.path, e))? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buf[..n]),
        }
    }
}
