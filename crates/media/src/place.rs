//! Where a message's file is: beside the export, inside its archive, or in a folder that was named.
//!
//! What the export calls a file is a claim. No path with `..` is followed, no absolute one; a link counts by where it
//! really leads, and only regular files are opened.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipArchive;

use super::Bytes;

/// Entries of an archive up to that size are held in memory, larger ones in a file that goes away; bytes.
const IN_MEMORY: u64 = 6 << 20;

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
    /// A file of its own.
    File(PathBuf),
    /// An entry of a zip archive.
    Entry {
        /// The archive.
        archive: PathBuf,
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
    Read(#[from] io::Error),
    /// The archive says something that is not so.
    #[error("cannot be unpacked: {0}")]
    Zip(String),
}

/// An archive as it was when it was opened, also where another file has its name now.
#[derive(Debug, Clone)]
struct Archive {
    zip: ZipArchive<Shared>,
    /// By how an export writes them.
    names: Arc<HashMap<String, String>>,
}

/// Looks for files.
#[derive(Debug, Default)]
pub struct Places {
    /// Folders and files that were named as sources, where they really are.
    sources: Vec<PathBuf>,
    /// A folder that has the files.
    files: Option<PathBuf>,
    /// What messages and people are read from, entries of archives with `/`. Whoever sends a file called `users.json` does not
    /// mean that.
    own: HashSet<Place>,
    /// Archives, whose lists are read once.
    archives: Mutex<HashMap<PathBuf, Archive>>,
    /// Where files of the source may be that was asked for last: they come source by source.
    last: Mutex<(String, Arc<[Base]>)>,
}

impl Places {
    /// For these sources, and a folder of files if there is one.
    pub fn new(sources: &[String], files: Option<&Path>) -> Self {
        let real = |path: &Path| fs_err::canonicalize(path).ok();
        Self {
            sources: sources.iter().filter_map(|source| real(Path::new(source))).collect(),
            files: files.and_then(real),
            own: HashSet::new(),
            archives: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The same, of an export that is read from these files, as its findings call them.
    #[must_use]
    pub fn without<'a>(mut self, read: impl IntoIterator<Item = &'a str>) -> Self {
        self.own.extend(read.into_iter().filter_map(|source| {
            let (outer, inside) = outer(source)?;
            Some(if inside.is_empty() {
                Place::File(outer)
            } else {
                Place::Entry { archive: outer, name: inside.join("/") }
            })
        }));
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
        for base in &*self.bases_of(&wanted.source) {
            let is_of_files = matches!(base, Base::Folder { root, .. } if Some(root) == self.files.as_ref());
            for name in names.iter().chain(by_name.as_ref().filter(|_| is_of_files)) {
                match self.at(base, name) {
                    Ok(place) => return Ok(place),
                    Err(PlaceError::Missing) => {}
                    Err(error) => worst = error,
                }
            }
        }
        Err(worst)
    }

    /// Where a source's files may be.
    fn bases_of(&self, source: &str) -> Arc<[Base]> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.is_empty() || last.0 != source {
            let mut bases = self.bases(source);
            bases.extend(
                self.files.iter().map(|files| Base::Folder { folder: files.clone(), root: files.clone() }),
            );
            *last = (source.to_owned(), bases.into());
        }
        Arc::clone(&last.1)
    }

    /// Where they may be in the export: beside it, and in the folders above it up to the one that was named.
    fn bases(&self, source: &str) -> Vec<Base> {
        let Some((outer, mut inside)) = outer(source) else { return Vec::new() };
        let mut bases = Vec::new();
        if !inside.is_empty() {
            inside.pop();
            for n in (0..=inside.len()).rev() {
                bases.push(Base::Archive { archive: outer.clone(), folder: inside[..n].join("/") });
            }
        }
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
                let place = Place::File(real);
                if self.own.contains(&place) { Err(PlaceError::Missing) } else { Ok(place) }
            }
            Base::Archive { archive, folder } => {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                let names = self.archive(archive)?.names;
                let name = names.get(&path).ok_or(PlaceError::Missing)?;
                if self.own.contains(&Place::Entry { archive: archive.clone(), name: path }) {
                    return Err(PlaceError::Missing);
                }
                Ok(Place::Entry { archive: archive.clone(), name: name.clone() })
            }
        }
    }

    fn archive(&self, path: &Path) -> Result<Archive, PlaceError> {
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(archive) = archives.get(path) {
            return Ok(archive.clone());
        }
        let zip = ZipArchive::new(Shared::open(path)?).map_err(|error| PlaceError::Zip(error.to_string()))?;
        let names = zip.file_names().filter_map(Result::ok);
        let names = names.map(|name| (name.replace('\\', "/"), name.into_owned())).collect();
        let archive = Archive { zip, names: Arc::new(names) };
        archives.insert(path.to_owned(), archive.clone());
        Ok(archive)
    }

    /// Opens it. An entry of an archive is unpacked, into memory or into a file in `scratch` that nobody sees; more
    /// than `most` bytes of it are not, whatever the archive says.
    pub fn open(&self, place: &Place, scratch: &Path, most: u64) -> Result<Box<dyn Bytes>, PlaceError> {
        match place {
            Place::File(path) => {
                if !fs_err::metadata(path)?.is_file() {
                    return Err(PlaceError::NoFile);
                }
                Ok(Box::new(fs_err::File::open(path)?))
            }
            Place::Entry { archive, name } => {
                let mut zip = self.archive(archive)?.zip;
                let entry = zip.by_name(name).map_err(|error| PlaceError::Zip(error.to_string()))?;
                let said = entry.size();
                let limit = most.saturating_add(1);
                let must_be_whole = |read: u64| {
                    let why = "the entry is longer or shorter than the archive says";
                    if read == said.min(limit) { Ok(()) } else { Err(PlaceError::Zip(why.to_owned())) }
                };
                if said <= IN_MEMORY {
                    let mut bytes = Vec::new();
                    entry.take(limit.min(IN_MEMORY + 1)).read_to_end(&mut bytes).map_err(packed)?;
                    must_be_whole(bytes.len() as u64)?;
                    return Ok(Box::new(Cursor::new(bytes)));
                }
                let mut file = tempfile::tempfile_in(scratch)?;
                let copied = io::copy(&mut entry.take(limit), &mut file).map_err(packed)?;
                must_be_whole(copied)?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
        }
    }

    /// How many bytes it has, as far as that is said without reading it.
    pub fn size(&self, place: &Place) -> Result<u64, PlaceError> {
        match place {
            Place::File(path) => Ok(fs_err::metadata(path)?.len()),
            Place::Entry { archive, name } => {
                let mut zip = self.archive(archive)?.zip;
                let entry = zip.by_name(name);
                entry.map(|entry| entry.size()).map_err(|error| PlaceError::Zip(error.to_string()))
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
    Folder { folder: PathBuf, root: PathBuf },
    Archive { archive: PathBuf, folder: String },
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

impl Place {
    /// How it is named to people.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Entry { archive, name } => format!("{}/{name}", archive.display()),
        }
    }
}

fn packed(error: io::Error) -> PlaceError {
    match error.raw_os_error() {
        None => PlaceError::Zip(error.to_string()),
        Some(_) => PlaceError::Read(error),
    }
}

/// An open file that several read from, each from where it is.
#[derive(Debug, Clone)]
struct Shared {
    file: Arc<Mutex<fs_err::File>>,
    at: u64,
}

impl Shared {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Arc::new(Mutex::new(fs_err::File::open(path)?)), at: 0 })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn wanted(source: &Path, path: &str) -> Wanted {
        let path = path.to_owned();
        let name = path.rsplit('/').next().unwrap().to_owned();
        Wanted { source: source.display().to_string(), key: path.clone(), name, path }
    }

    #[test]
    fn beside_the_export_and_above_it_up_to_what_was_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("export");
        for folder in ["export/chat/photos", "export/all", "elsewhere"] {
            fs_err::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in [
            "export/chat/result.json",
            "export/chat/photos/a.jpg",
            "export/all/b.jpg",
            "elsewhere/c.jpg",
            "d.jpg",
        ] {
            fs_err::write(dir.path().join(file), file).unwrap();
        }
        let source = root.join("chat/result.json");
        let places = Places::new(&[root.display().to_string()], None);
        assert!(matches!(places.find(&wanted(&source, "photos/a.jpg")), Ok(Place::File(_))));
        assert!(matches!(
            places.find(&wanted(&source, "./photos/../photos/a.jpg")),
            Err(PlaceError::Missing) | Ok(_)
        ));
        assert!(matches!(places.find(&wanted(&source, "all/b.jpg")), Ok(Place::File(_))));
        // Above what was named, nothing is looked for, and nothing is climbed to.
        for outside in ["d.jpg", "../d.jpg", "../../d.jpg", "/etc/hostname", "c.jpg"] {
            assert!(places.find(&wanted(&source, outside)).is_err(), "{outside}");
        }
        let with_files = Places::new(&[root.display().to_string()], Some(&dir.path().join("elsewhere")));
        assert!(matches!(with_files.find(&wanted(&source, "somewhere/c.jpg")), Ok(Place::File(_))));
    }

    #[test]
    fn what_is_read_is_no_file_of_a_message() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("export");
        fs_err::create_dir_all(root.join("all")).unwrap();
        for file in ["export/users.json", "export/all/1.json", "export/canvases.json", "export/note.txt"] {
            fs_err::write(dir.path().join(file), file).unwrap();
        }
        let source = root.join("all/1.json");
        let of = |name: &str| root.join(name).display().to_string();
        let places = Places::new(&[root.display().to_string()], None);
        let places = places.without([of("users.json").as_str(), &of("all/1.json")]);
        assert!(matches!(places.find(&wanted(&source, "users.json")), Err(PlaceError::Missing)));
        assert!(matches!(places.find(&wanted(&source, "note.txt")), Ok(Place::File(_))));
        // By its sender's name alone, only what lies among files.
        let named =
            |name: &str| Wanted { path: String::new(), key: "F1".to_owned(), ..wanted(&source, name) };
        for name in ["users.json", "canvases.json", "note.txt"] {
            assert!(matches!(places.find(&named(name)), Err(PlaceError::Missing)), "{name}");
            let below = wanted(&source, &format!("__uploads/F1/{name}"));
            assert!(matches!(places.find(&below), Err(PlaceError::Missing)), "{name}");
        }
        let places = Places::new(&[root.display().to_string()], Some(&root));
        assert!(places.find(&named("note.txt")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_counts_by_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("export");
        fs_err::create_dir_all(&root).unwrap();
        fs_err::write(root.join("chat.txt"), "").unwrap();
        fs_err::write(root.join("real.jpg"), "x").unwrap();
        fs_err::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(root.join("real.jpg"), root.join("in.jpg")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), root.join("out.jpg")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", root.join("zero.jpg")).unwrap();
        let places = Places::new(&[root.display().to_string()], None);
        let source = root.join("chat.txt");
        assert!(places.find(&wanted(&source, "in.jpg")).is_ok());
        for (name, why) in [("out.jpg", "leads out of the export"), ("zero.jpg", "leads out of the export")] {
            assert_eq!(places.find(&wanted(&source, name)).unwrap_err().to_string(), why);
        }
        fs_err::create_dir(root.join("folder.jpg")).unwrap();
        assert!(matches!(places.find(&wanted(&source, "folder.jpg")), Err(PlaceError::NoFile)));
    }

    #[test]
    fn inside_an_archive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chat.zip");
        let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for (name, bytes) in [
            ("in/_chat.txt", b"text".as_slice()),
            ("in/a.jpg", b"picture"),
            ("../up.jpg", b"evil"),
            ("top.jpg", b"top"),
        ] {
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        let places = Places::new(&[path.display().to_string()], None);
        let source = path.join("in/_chat.txt");
        let mut read = String::new();
        let place = places.find(&wanted(&source, "a.jpg")).unwrap();
        places.open(&place, dir.path(), 100).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, "picture");
        assert!(places.find(&wanted(&source, "top.jpg")).is_ok());
        assert!(places.find(&wanted(&source, "../up.jpg")).is_err());
        // More than was asked for is not unpacked.
        let mut few = Vec::new();
        places.open(&place, dir.path(), 3).unwrap().read_to_end(&mut few).unwrap();
        assert_eq!(few.len(), 4);
        // An archive that changed: the entry is not what its sum says.
        let mut bytes = fs_err::read(&path).unwrap();
        let at = bytes.windows(7).position(|window| window == b"picture");
        if let Some(at) = at {
            bytes[at] = b'P';
            fs_err::write(&path, bytes).unwrap();
            assert!(places.open(&place, dir.path(), 100).is_err());
        }
    }
}
