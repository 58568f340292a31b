//! Where a message's file is: beside the export, inside its archive, or in a folder that was named; on a disk or in an
//! object store.
//!
//! What the export calls a file is a claim. No path with `..` is followed, no absolute one; a link counts by where it
//! really leads, and only regular files are opened.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use importer_buckets::{Address, Holder, Parts, is_address};
use zip::ZipArchive;

use super::raw::Raw;
use super::stores::{Bucket, Stores};
use super::{Bytes, Place, PlaceError, Wanted};

/// Entries of an archive up to that size are held in memory, larger ones in a file that goes away; objects of stores that
/// are larger are read here and there; bytes.
const IN_MEMORY: u64 = 6 << 20;

/// An archive as it was when it was opened, also where another file has its name now.
#[derive(Debug, Clone)]
struct Archive {
    zip: ZipArchive<Raw>,
    /// By how an export writes them.
    names: Arc<HashMap<String, String>>,
}

/// Looks for files.
#[derive(Debug, Default)]
pub struct Places {
    /// Folders and files that were named as sources, where they really are.
    sources: Vec<PathBuf>,
    /// Those in object stores.
    stores: Stores,
    /// A folder that has the files.
    files: Option<Files>,
    /// What messages and people are read from, entries of archives with `/`. Whoever sends a file called `users.json` does not
    /// mean that.
    own: HashSet<Place>,
    /// The same in stores, by name.
    own_in_stores: HashSet<String>,
    /// Archives, whose lists are read once.
    archives: Mutex<HashMap<Holder, Archive>>,
    /// Where files of the source may be that was asked for last: they come source by source.
    last: Mutex<(String, Arc<[Base]>)>,
}

/// A folder that was named as having the files.
#[derive(Debug)]
enum Files {
    Folder(PathBuf),
    Bucket(Address),
}

impl Places {
    /// For these sources, and a folder of files if there is one.
    pub fn new(sources: &[String], files: Option<&Path>) -> Self {
        let real = |path: &Path| fs_err::canonicalize(path).ok();
        Self {
            sources: sources.iter().filter_map(|source| real(Path::new(source))).collect(),
            stores: Stores::new(sources),
            files: files.and_then(|files| match files.to_str().filter(|files| is_address(files)) {
                Some(address) => Address::parse(address).ok().map(Files::Bucket),
                None => real(files).map(Files::Folder),
            }),
            own: HashSet::new(),
            own_in_stores: HashSet::new(),
            archives: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The same, of an export that is read from these files, as its findings call them.
    #[must_use]
    pub fn without<'a>(mut self, read: impl IntoIterator<Item = &'a str>) -> Self {
        for source in read {
            if is_address(source) {
                self.own_in_stores.insert(source.to_owned());
            } else if let Some((outer, inside)) = outer(source) {
                let outer = Holder::Disk(outer);
                self.own.insert(if inside.is_empty() {
                    Place::File(outer)
                } else {
                    Place::Entry { archive: outer, name: inside.join("/") }
                });
            }
        }
        self
    }

    /// Finds a file.
    pub fn find(&self, wanted: &Wanted) -> Result<Place, PlaceError> {
        let names = candidates(wanted);
        // A bare name is one that a sender gave: it is looked for among files alone, not among what the export is made of.
        let bare = wanted.path.rsplit(['/', '\\']).next().unwrap_or_default();
        let by_name = inside(if bare.is_empty() { &wanted.name } else { bare });
        if names.is_empty() && by_name.is_none() {
            return Err(if wanted.path.is_empty() { PlaceError::Missing } else { PlaceError::Outside });
        }
        let mut worst = PlaceError::Missing;
        for base in &*self.bases_of(&wanted.source)? {
            for name in names.iter().chain(by_name.as_ref().filter(|_| self.is_of_files(base))) {
                match self.at(base, name) {
                    Ok(place) => return Ok(place),
                    Err(PlaceError::Missing) => {}
                    Err(error @ PlaceError::Store(_)) => return Err(error),
                    Err(error) => worst = error,
                }
            }
        }
        Err(worst)
    }

    /// Whether it is the folder that was named as having the files.
    fn is_of_files(&self, base: &Base) -> bool {
        match (base, &self.files) {
            (Base::Folder { root, .. }, Some(Files::Folder(files))) => root == files,
            (Base::Bucket(_, is_of_files), _) => *is_of_files,
            _ => false,
        }
    }

    /// Where a source's files may be.
    fn bases_of(&self, source: &str) -> Result<Arc<[Base]>, PlaceError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.is_empty() || last.0 != source {
            let mut bases = match Address::parse(source) {
                Ok(address) => self.bases_in_store(&address)?,
                Err(_) => self.bases(source),
            };
            match &self.files {
                Some(Files::Folder(files)) => {
                    bases.push(Base::Folder { folder: files.clone(), root: files.clone() });
                }
                Some(Files::Bucket(files)) => {
                    bases.push(Base::Bucket(self.stores.folder(files).map_err(PlaceError::Store)?, true));
                }
                None => {}
            }
            *last = (source.to_owned(), bases.into());
        }
        Ok(Arc::clone(&last.1))
    }

    fn bases_in_store(&self, source: &Address) -> Result<Vec<Base>, PlaceError> {
        let Some(beside) = self.stores.beside(source).map_err(PlaceError::Store)? else {
            return Ok(Vec::new());
        };
        let mut bases = archives(&Holder::Bucket(beside.outer), beside.inside);
        bases.extend(beside.folders.into_iter().map(|bucket| Base::Bucket(bucket, false)));
        Ok(bases)
    }

    /// Where they may be in the export: beside it, and in the folders above it up to the one that was named.
    fn bases(&self, source: &str) -> Vec<Base> {
        let Some((outer, inside)) = outer(source) else { return Vec::new() };
        let mut bases = archives(&Holder::Disk(outer.clone()), inside);
        let root = self
            .sources
            .iter()
            .filter(|root| outer.starts_with(root))
            .min_by_key(|root| root.as_os_str().len());
        // A file that was named itself has what lies beside it.
        let root = match root {
            Some(root) if root.is_dir() => root.clone(),
            _ => match outer.parent() {
                Some(parent) => parent.to_owned(),
                None => return bases,
            },
        };
        let mut folder = outer.parent();
        while let Some(here) = folder.filter(|here| here.starts_with(&root)) {
            bases.push(Base::Folder { folder: here.to_owned(), root: root.clone() });
            folder = here.parent();
        }
        bases
    }

    fn at(&self, base: &Base, name: &str) -> Result<Place, PlaceError> {
        match base {
            Base::Folder { folder, root } => {
                let real = match fs_err::canonicalize(folder.join(name)) {
                    Ok(real) => real,
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error.into()),
                    Err(_) => return Err(PlaceError::Missing),
                };
                if !real.starts_with(root) {
                    return Err(PlaceError::Outside);
                }
                if !fs_err::metadata(&real)?.is_file() {
                    return Err(PlaceError::NoFile);
                }
                self.unless_own(Place::File(Holder::Disk(real)))
            }
            Base::Bucket(bucket, _) => match bucket.at(name) {
                Ok(Some(object)) => self.unless_own(Place::File(Holder::Bucket(object))),
                Ok(None) => Err(PlaceError::Missing),
                Err(error) => Err(io::Error::from(error).into()),
            },
            Base::Archive { archive, folder } => {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                let names = self.archive(archive)?.names;
                let name = names.get(&path).ok_or(PlaceError::Missing)?;
                self.unless_own(Place::Entry { archive: archive.clone(), name: path })?;
                Ok(Place::Entry { archive: archive.clone(), name: name.clone() })
            }
        }
    }

    /// What messages are read from is none of their files.
    fn unless_own(&self, place: Place) -> Result<Place, PlaceError> {
        let is_own = if place.is_in_store() {
            self.own_in_stores.contains(&place.shown())
        } else {
            self.own.contains(&place)
        };
        if is_own { Err(PlaceError::Missing) } else { Ok(place) }
    }

    fn archive(&self, holder: &Holder) -> Result<Archive, PlaceError> {
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(archive) = archives.get(holder) {
            return Ok(archive.clone());
        }
        let raw = Raw::open(holder)?;
        let zip = ZipArchive::new(raw).map_err(PlaceError::of_zip)?;
        let names = zip.file_names().filter_map(Result::ok);
        let names = names.map(|name| (name.replace('\\', "/"), name.into_owned())).collect();
        let archive = Archive { zip, names: Arc::new(names) };
        archives.insert(holder.clone(), archive.clone());
        Ok(archive)
    }

    /// Opens it. An entry of an archive is unpacked, into memory or into a file in `scratch` that nobody sees; more
    /// than `most` bytes of it are not, whatever the archive says.
    pub fn open(&self, place: &Place, scratch: &Path, most: u64) -> Result<Box<dyn Bytes>, PlaceError> {
        match place {
            Place::File(Holder::Disk(path)) => {
                if !fs_err::metadata(path)?.is_file() {
                    return Err(PlaceError::NoFile);
                }
                Ok(Box::new(fs_err::File::open(path)?))
            }
            Place::File(holder @ Holder::Bucket(object)) => {
                if object.bytes > IN_MEMORY {
                    return Ok(Box::new(Parts::new(object.clone())));
                }
                let mut bytes = Vec::new();
                holder.open()?.read_to_end(&mut bytes)?;
                Ok(Box::new(Cursor::new(bytes)))
            }
            Place::Entry { archive, name } => {
                let mut zip = self.archive(archive)?.zip;
                let entry = zip.by_name(name).map_err(PlaceError::of_zip)?;
                let said = entry.size();
                let limit = most.saturating_add(1);
                let must_be_whole = |read: u64| {
                    let why = "the entry is longer or shorter than the archive says";
                    if read == said.min(limit) { Ok(()) } else { Err(PlaceError::Zip(why.to_owned())) }
                };
                if said <= IN_MEMORY {
                    let mut bytes = Vec::new();
                    entry
                        .take(limit.min(IN_MEMORY + 1))
                        .read_to_end(&mut bytes)
                        .map_err(PlaceError::packed)?;
                    must_be_whole(bytes.len() as u64)?;
                    return Ok(Box::new(Cursor::new(bytes)));
                }
                let mut file = tempfile::tempfile_in(scratch)?;
                let copied = io::copy(&mut entry.take(limit), &mut file).map_err(PlaceError::packed)?;
                must_be_whole(copied)?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
        }
    }

    /// How many bytes it has, as far as that is said without reading it.
    pub fn size(&self, place: &Place) -> Result<u64, PlaceError> {
        match place {
            Place::File(holder) => Ok(holder.bytes()?),
            Place::Entry { archive, name } => {
                let mut zip = self.archive(archive)?.zip;
                let entry = zip.by_name(name);
                entry.map(|entry| entry.size()).map_err(PlaceError::of_zip)
            }
        }
    }
}

/// The file that a source is or lies in, and the parts of its path in there.
fn outer(source: &str) -> Option<(PathBuf, Vec<String>)> {
    let mut outer = PathBuf::from(source);
    let mut inside: Vec<String> = Vec::new();
    while !outer.is_file() {
        inside.insert(0, outer.file_name()?.to_string_lossy().into_owned());
        if !outer.pop() || outer.as_os_str().is_empty() {
            return None;
        }
    }
    Some((fs_err::canonicalize(&outer).ok()?, inside))
}

#[derive(Debug)]
enum Base {
    Folder {
        folder: PathBuf,
        root: PathBuf,
    },
    Archive {
        archive: Holder,
        folder: String,
    },
    /// Of a store; whether it was named as having the files.
    Bucket(Bucket, bool),
}

/// Where the files of a source in an archive may be in there: beside it, and in the folders above.
fn archives(archive: &Holder, mut inside: Vec<String>) -> Vec<Base> {
    if inside.pop().is_none() {
        return Vec::new();
    }
    let folders = (0..=inside.len()).rev().map(|n| inside[..n].join("/"));
    folders.map(|folder| Base::Archive { archive: archive.clone(), folder }).collect()
}

/// Under which names a file may lie, the likeliest first: its path, and what tools that fetch Slack's files call it.
fn candidates(wanted: &Wanted) -> Vec<String> {
    let Wanted { key, path, name, .. } = wanted;
    let mut all = Vec::new();
    let mut add = |path: String| {
        if let Some(path) = inside(&path)
            && !all.contains(&path)
        {
            all.push(path);
        }
    };
    add(path.clone());
    // Mattermost's paths begin below that folder.
    if !path.is_empty() {
        add(format!("data/{path}"));
    }
    if !key.is_empty() && key != path && !name.is_empty() {
        for pattern in [
            format!("__uploads/{key}/{name}"),
            format!("attachments/{key}-{name}"),
            format!("{key}/{name}"),
            format!("{key}-{name}"),
        ] {
            add(pattern);
        }
    }
    all
}

/// A path that stays inside, with `/`; `None` for any other.
fn inside(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    if path.contains('\0') {
        return None;
    }
    let mut parts = Vec::new();
    for part in Path::new(&path).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?.to_owned()),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests;
