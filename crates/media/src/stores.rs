//! Sources in object stores: which object a source is or lies in, and what lies beside it.
//!
//! A folder that was named is listed once, as it is for its messages. Beside an object that was named itself its store is
//! asked for each file: the folder that it is in may be a bucket of somebody's life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use importer_buckets::{Address, BucketError, Object, below, find};

/// Objects by their keys.
type Listed = Arc<HashMap<String, Object>>;

/// What a source is that was named.
#[derive(Debug, Clone)]
enum Named {
    Object(Object),
    Folder(Listed),
}

/// A folder of a store in which files are looked for.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    folder: Address,
    /// All that is there; `None`: it is asked for each.
    listed: Option<Listed>,
}

/// Where the files of a source may be.
pub(super) struct Beside {
    /// The object that it is, or lies in.
    pub(super) outer: Object,
    /// The parts of its path in there.
    pub(super) inside: Vec<String>,
    /// The folder that it is in, and those above it up to the one that was named.
    pub(super) folders: Vec<Bucket>,
}

/// The stores.
#[derive(Debug, Default)]
pub(super) struct Stores {
    named: Vec<Address>,
    known: Mutex<HashMap<Address, Named>>,
    /// Archives that a glob named.
    archives: Mutex<Vec<Object>>,
}

impl Stores {
    /// For those of these sources that are in a store. What can't be asked for is none: whoever reads messages says so.
    pub(super) fn new(sources: &[String]) -> Self {
        let named = sources.iter().filter_map(|source| Address::parse(source).ok()).collect();
        Self { named, ..Self::default() }
    }

    /// Where the files of that source may be; `None`: it is not there.
    pub(super) fn beside(&self, source: &Address) -> Result<Option<Beside>, BucketError> {
        let root = self.named.iter().filter(|named| holds(named, source));
        let root = root.min_by_key(|named| named.key().len());
        let (outer, listed, top) = match root.map(|root| self.is(root)).transpose()? {
            Some(Named::Folder(all)) => {
                let outer = prefixes(source.key()).find_map(|key| all.get(key).cloned());
                (outer, Some(all), root.map_or("", Address::key))
            }
            Some(Named::Object(object)) => (Some(object), None, ""),
            None => (self.archive(source)?, None, ""),
        };
        let Some(outer) = outer else { return Ok(None) };
        let key = outer.address.key();
        let rest = source.key().get(key.len()..).unwrap_or_default().trim_start_matches('/');
        let inside = rest.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut folders = Vec::new();
        let mut folder = above(key);
        loop {
            folders.push(Bucket { folder: outer.address.with_key(folder), listed: listed.clone() });
            // What was named itself has what lies beside it.
            if listed.is_none() || folder.len() <= top.len() {
                break;
            }
            folder = above(folder);
        }
        Ok(Some(Beside { outer, inside, folders }))
    }

    /// A folder that was named as having the files.
    pub(super) fn folder(&self, address: &Address) -> Result<Bucket, BucketError> {
        let listed = match self.is(address)? {
            Named::Folder(listed) => listed,
            Named::Object(_) => Listed::default(),
        };
        Ok(Bucket { folder: address.clone(), listed: Some(listed) })
    }

    fn is(&self, named: &Address) -> Result<Named, BucketError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is) = known.get(named) {
            return Ok(is.clone());
        }
        let object = match find(named) {
            _ if named.is_folder() => None,
            // Who may list a folder alone may not ask for its name.
            Err(BucketError::Denied { .. }) => None,
            found => found?,
        };
        let is = if let Some(object) = object {
            Named::Object(object)
        } else {
            let all = below(named)?.into_iter();
            let by_key = all.map(|object| (object.address.key().to_owned(), object)).collect();
            Named::Folder(Arc::new(by_key))
        };
        known.insert(named.clone(), is.clone());
        Ok(is)
    }

    /// The object that a source is which a glob named, or the archive that it is in.
    fn archive(&self, source: &Address) -> Result<Option<Object>, BucketError> {
        let mut known = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = known.iter().find(|object| holds(&object.address, source)) {
            return Ok(Some(object.clone()));
        }
        for key in prefixes(source.key()) {
            if let Some(object) = find(&source.with_key(key))? {
                known.push(object.clone());
                return Ok(Some(object));
            }
        }
        Ok(None)
    }
}

impl Bucket {
    /// The object of that name in there.
    pub(super) fn at(&self, name: &str) -> Result<Option<Object>, BucketError> {
        let folder = self.folder.key();
        let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        match &self.listed {
            Some(listed) => Ok(listed.get(&key).cloned()),
            // What an export says can be what no object is called.
            None => match Address::parse(&self.folder.with_key(&key).to_string()) {
                Ok(address) => find(&address),
                Err(_) => Ok(None),
            },
        }
    }
}

/// Whether a source is that, or lies in it.
fn holds(named: &Address, source: &Address) -> bool {
    let Some(rest) = source.key().strip_prefix(named.key()) else { return false };
    named.is_beside(source) && (named.key().is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// A key and the folders above it, the longest first.
fn prefixes(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |key| Some(above(key)).filter(|above| !above.is_empty()))
}

/// The folder that it is in.
fn above(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(above, _)| above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_source_lies_in_what_was_named() {
        let source = address("s3://b/x/y.zip/in/chat.txt");
        for (named, is) in [
            ("s3://b/", true),
            ("s3://b/x", true),
            ("s3://b/x/y.zip", true),
            ("s3://b/x/y", false),
            ("s3://c/x", false),
            ("gs://b/x", false),
        ] {
            assert_eq!(holds(&address(named), &source), is, "{named}");
        }
        let prefixes: Vec<_> = prefixes(source.key()).collect();
        assert_eq!(prefixes, ["x/y.zip/in/chat.txt", "x/y.zip/in", "x/y.zip", "x"]);
    }
}
