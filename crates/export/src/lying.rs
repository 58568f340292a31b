//! What lies side by side in a folder, here or in an object store.

use std::path::Path;

use importer_buckets::{Address, BucketError, below, find};

use super::{ExportError, is_address};

/// A file or a folder in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// How it is named as a source.
    pub path: String,
    /// It is a folder.
    pub is_folder: bool,
}

/// What is in a folder itself, sorted by name; `None`: the source is no folder.
///
/// # Errors
/// A folder that can't be read.
pub fn lying(source: &str) -> Result<Option<Vec<Lying>>, ExportError> {
    let mut all = if is_address(source) {
        let Some(all) = in_store(&Address::parse(source)?)? else { return Ok(None) };
        all
    } else if Path::new(source).is_dir() {
        on_disk(source).map_err(|error| ExportError::Read { path: source.to_owned(), source: error })?
    } else {
        return Ok(None);
    };
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Some(all))
}

fn on_disk(folder: &str) -> std::io::Result<Vec<Lying>> {
    let entries = fs_err::read_dir(folder)?;
    let of = |entry: fs_err::DirEntry| {
        let path = entry.path();
        Lying { path: path.to_string_lossy().into_owned(), is_folder: path.is_dir() }
    };
    entries.map(|entry| entry.map(of)).collect()
}

/// A store has no folders, only keys with slashes.
fn in_store(folder: &Address) -> Result<Option<Vec<Lying>>, BucketError> {
    if !folder.is_folder() {
        match find(folder) {
            Ok(Some(_)) => return Ok(None),
            // Who may list a folder alone may not ask for its name.
            Ok(None) | Err(BucketError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut all: Vec<Lying> = Vec::new();
    for object in below(folder)? {
        let key = object.address.key();
        let inside = key.get(folder.key().len()..).unwrap_or(key).trim_start_matches('/');
        let (name, is_folder) = inside.split_once('/').map_or((inside, false), |(name, _)| (name, true));
        let key = if folder.key().is_empty() { name.to_owned() } else { format!("{}/{name}", folder.key()) };
        let mut path = folder.with_key(&key).to_string();
        // An object can be called as a folder beside it is, which comes right behind it.
        if is_folder && all.last().is_some_and(|last| !last.is_folder && last.path == path) {
            path.push('/');
        }
        let is_known = all.last().is_some_and(|last| {
            last.is_folder && last.path.trim_end_matches('/') == path.trim_end_matches('/')
        });
        if !is_folder || !is_known {
            all.push(Lying { path, is_folder });
        }
    }
    Ok((!all.is_empty()).then_some(all))
}
