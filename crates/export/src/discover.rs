//! What the user named becomes a list of files: single ones, globs, folders, archives, objects of stores, standard input.

mod objects;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::unread::{self, Unread};
use importer_buckets::{BucketError, is_address};

use super::{ExportError, Holder, Layout, archive, mongo};

/// A file that belongs to the export, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it is named in findings: as the user would write it, entries of an archive behind its path.
    pub path: String,
    /// Its path inside the folder or archive that was given; its name where it was given itself. Always
    /// with `/`.
    pub inside: String,
    /// Where its bytes are.
    pub origin: Origin,
    /// Its size in bytes as it lies there (of an archive's entry: compressed); 0 for standard input.
    pub bytes: u64,
    /// When it was last changed, in milliseconds since 1970; `None` where that is not known.
    pub modified: Option<i64>,
}

impl Found {
    /// Which version of an object it is, or is in.
    pub(super) fn etag(&self) -> Option<&str> {
        let holder = match &self.origin {
            Origin::File(holder) => holder,
            Origin::Entry(entry) => &entry.archive,
            Origin::Collection(collection) => &collection.archive,
            Origin::Stdin => return None,
        };
        match holder {
            Holder::Bucket(object) => object.etag.as_deref(),
            Holder::Disk(_) => None,
        }
    }
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of its own.
    File(Holder),
    /// An entry of a zip archive.
    Entry(archive::Entry),
    /// A collection in an archive of `mongodump`.
    Collection(mongo::Collection),
    /// Standard input.
    Stdin,
}

/// Finds all files of the sources, folders and archives sorted by path, each file once.
///
/// # Errors
/// A source that does not exist, matches nothing or has nothing in it that looks like an export.
pub fn discover(sources: &[String], layout: &dyn Layout) -> Result<Vec<Found>, ExportError> {
    discover_all(sources, layout).map(|(found, _)| found)
}

/// The same, and what else lies there.
pub(super) fn discover_all(
    sources: &[String],
    layout: &dyn Layout,
) -> Result<(Vec<Found>, Unread), ExportError> {
    if sources.is_empty() {
        return Err(ExportError::NoSource);
    }
    let mut list = List { found: Vec::new(), seen: HashSet::new(), unread: Unread::default(), layout };
    for source in sources {
        if source == "-" {
            list.stdin()?;
        } else if is_address(source) {
            list.address(source)?;
        } else if Path::new(source).exists() {
            if let Some(nothing) = list.path(Path::new(source))? {
                return Err(nothing);
            }
        } else if source.contains(['*', '?', '[']) {
            list.glob(source)?;
        } else {
            return Err(ExportError::Missing { path: source.clone() });
        }
    }
    Ok((list.found, list.unread))
}

struct List<'a> {
    found: Vec<Found>,
    /// Where files really are, so that one named twice, or reached over a link, is read once.
    seen: HashSet<PathBuf>,
    /// What was left out.
    unread: Unread,
    layout: &'a dyn Layout,
}

impl List<'_> {
    fn stdin(&mut self) -> Result<(), ExportError> {
        if self.found.iter().any(|f| f.origin == Origin::Stdin) {
            return Err(ExportError::StdinTwice);
        }
        self.found.push(Found {
            path: "-".to_owned(),
            inside: "-".to_owned(),
            origin: Origin::Stdin,
            bytes: 0,
            modified: None,
        });
        Ok(())
    }

    fn glob(&mut self, pattern: &str) -> Result<(), ExportError> {
        let bad = |why: &str| ExportError::BadGlob { glob: pattern.to_owned(), why: why.to_owned() };
        let paths = if pattern.contains("**") {
            deep_glob(pattern)
        } else {
            glob::glob_with(pattern, AS_A_SHELL).map(Iterator::collect)
        };
        let (before, mut matched, mut nothing) = (self.found.len(), 0_usize, None);
        for path in paths.map_err(|e| bad(e.msg))? {
            let path = path.map_err(|e| {
                let name = e.path().to_string_lossy().into_owned();
                read_error(&name, e.into())
            })?;
            matched += 1;
            // A folder that only a glob names may hold nothing: `2024/*` is no promise. One of them must hold something.
            nothing = nothing.or(self.path(&path)?);
        }
        if matched == 0 {
            return Err(ExportError::NoMatch { glob: pattern.to_owned() });
        }
        match nothing {
            Some(first) if self.found.len() == before => Err(ExportError::NothingInMatches {
                glob: pattern.to_owned(),
                matched,
                first: Box::new(first),
            }),
            _ => Ok(()),
        }
    }

    /// A path that exists; why a folder gives nothing.
    fn path(&mut self, path: &Path) -> Result<Option<ExportError>, ExportError> {
        let name = path.to_string_lossy();
        let meta = fs_err::metadata(path).map_err(|e| read_error(&name, e))?;
        if meta.is_dir() {
            return self.folder(path);
        }
        // A pipe (`<(zcat …)`) reads like a file once; anything else that isn't a file can't be read.
        if !meta.is_file() && !is_pipe(&meta) {
            return Err(ExportError::NotAFile { path: name.into_owned() });
        }
        if !self.first_time(path) {
            self.unread.note(unread::SAME_FILE, &name);
            return Ok(None);
        }
        let holder = Holder::Disk(path.to_owned());
        if meta.is_file() && archive::is_zip(&holder)? {
            return self.archive(&holder).map(|()| None);
        }
        if meta.is_file() && mongo::is_one(&holder) {
            return self.collections(&holder).map(|()| None);
        }
        let inside = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.found.push(Found {
            path: name.into_owned(),
            inside,
            origin: Origin::File(holder),
            bytes: meta.len(),
            modified: modified(&meta),
        });
        Ok(None)
    }

    /// The files of a folder. Its zips are read into where it has nothing else: each chat of WhatsApp comes in one, each
    /// batch of Mattermost. Beside other files they are what users sent, and stay shut.
    fn folder(&mut self, root: &Path) -> Result<Option<ExportError>, ExportError> {
        let before = self.found.len();
        let (mut passed, mut zips) = (Passed { fresh: true, ..Passed::default() }, Vec::new());
        for entry in files(root) {
            let entry = match entry? {
                Entry::File(entry) => entry,
                Entry::DeadLink(path) => {
                    self.leave_dead_link(root, &path);
                    continue;
                }
            };
            let path = entry.path();
            let inside = inside(root, path);
            if self.is_dump(&inside, path) {
                self.enter(&Holder::Disk(path.to_owned()), &mut passed, Self::collections)?;
                passed.note(&inside);
                continue;
            }
            if !self.layout.belongs(&inside) {
                passed.note(&inside);
                if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip")) {
                    zips.push((Holder::Disk(entry.into_path()), inside));
                } else {
                    self.unread.note(self.why_not(&inside), &path.to_string_lossy());
                }
                continue;
            }
            if !self.first_time(path) {
                self.unread.note(unread::SAME_FILE, &path.to_string_lossy());
                passed.fresh = false;
                continue;
            }
            let meta = entry.metadata().map_err(|e| read_error(&path.to_string_lossy(), e.into()))?;
            self.found.push(Found {
                path: path.to_string_lossy().into_owned(),
                inside,
                origin: Origin::File(Holder::Disk(path.to_owned())),
                bytes: meta.len(),
                modified: modified(&meta),
            });
        }
        self.archives_of(&root.to_string_lossy(), before, zips, passed)
    }

    /// The archives of a folder, which are read into where there is nothing else: nothing was found since `before`, and nothing
    /// was passed over that another source has. Gives the error if there is nothing in them either.
    fn archives_of(
        &mut self,
        folder: &str,
        before: usize,
        zips: Vec<(Holder, String)>,
        mut passed: Passed,
    ) -> Result<Option<ExportError>, ExportError> {
        let stay_shut = self.found.len() > before || !passed.fresh;
        for (holder, inside) in zips {
            if stay_shut || !archive::is_zip(&holder)? {
                self.unread.note(self.why_not(&inside), &holder.name());
            } else {
                self.enter(&holder, &mut passed, Self::archive)?;
            }
        }
        let is_nothing = self.found.len() == before && passed.fresh;
        Ok(is_nothing.then(|| passed.error(folder, self.layout)))
    }

    /// Whether a file of a folder is an archive of `mongodump`. What is called as texts are is none.
    fn is_dump(&self, inside: &str, path: &Path) -> bool {
        let takes_dumps = self.layout.belongs("database/collection.bson");
        let hidden = inside.split('/').any(|part| part.starts_with('.'));
        takes_dumps && !hidden && !unread::is_written(inside) && mongo::is_archive(path)
    }

    /// Reads into an archive that lies in a folder; another one may have what this one lacks.
    fn enter(
        &mut self,
        archive: &Holder,
        passed: &mut Passed,
        read: fn(&mut Self, &Holder) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        if !self.first_time(Path::new(&*archive.name())) {
            passed.fresh = false;
            self.unread.note(unread::SAME_FILE, &archive.name());
            return Ok(());
        }
        match read(self, archive) {
            Err(ExportError::NoExports { .. }) => {
                self.unread.note(unread::ARCHIVE, &archive.name());
                Ok(())
            }
            read => read,
        }
    }

    /// The collections of an archive of `mongodump`.
    fn collections(&mut self, archive: &Holder) -> Result<(), ExportError> {
        let all = mongo::list(archive)?.into_iter();
        let all = all.map(|one| (one.name.clone(), one.bytes, Origin::Collection(one)));
        self.contents(archive, all, Passed::default())
    }

    /// The entries of a zip archive.
    fn archive(&mut self, holder: &Holder) -> Result<(), ExportError> {
        let name = holder.name();
        let listed = archive::list(holder)?;
        let mut passed = Passed::default();
        for inside in listed.others {
            let why = if self.layout.belongs(&inside) { unread::NO_FILE } else { self.why_not(&inside) };
            self.unread.note(why, &format!("{name}/{inside}"));
            passed.note(&inside);
        }
        let packed_again = listed.files.iter().any(|entry| entry.name.to_ascii_lowercase().ends_with(".zip"));
        let all = listed.files.into_iter();
        let all = all.map(|one| (one.name.clone(), one.compressed, Origin::Entry(one)));
        match self.contents(holder, all, passed) {
            Err(ExportError::NoExports { .. }) if packed_again => Err(ExportError::Unrecognised {
                path: name.into_owned(),
                why: "it holds archives in turn; unpack it and name the folder".to_owned(),
            }),
            read => read,
        }
    }

    /// What an archive holds, as if each were a file in a folder.
    fn contents(
        &mut self,
        archive: &Holder,
        all: impl Iterator<Item = (String, u64, Origin)>,
        mut passed: Passed,
    ) -> Result<(), ExportError> {
        let name = archive.name();
        // That of the archive: many tools write no times of the entries, or always the same.
        let modified = match archive {
            Holder::Disk(path) => fs_err::metadata(path).ok().and_then(|meta| modified(&meta)),
            Holder::Bucket(object) => Some(object.modified),
        };
        let before = self.found.len();
        for (inside, bytes, origin) in all {
            let path = format!("{name}/{inside}");
            if self.layout.belongs(&inside) {
                self.found.push(Found { path, inside, origin, bytes, modified });
            } else {
                self.unread.note(self.why_not(&inside), &path);
                passed.note(&inside);
            }
        }
        if self.found.len() > before { Ok(()) } else { Err(passed.error(&name, self.layout)) }
    }

    /// Why a file that does not belong is left out.
    fn why_not(&self, inside: &str) -> &'static str {
        // It would belong to the export if it stood elsewhere.
        if plain_path(inside).is_some_and(|plain| self.layout.belongs(&plain)) {
            return unread::HIDDEN;
        }
        self.layout.known_besides(inside).unwrap_or_else(|| unread::by_name(inside))
    }

    /// A link to nothing that would be part of the export.
    fn leave_dead_link(&mut self, root: &Path, path: &Path) {
        if self.layout.belongs(&inside(root, path)) {
            self.unread.note(unread::DEAD_LINK, &path.to_string_lossy());
        }
    }

    /// Whether this file was not met before, under whatever name.
    fn first_time(&mut self, path: &Path) -> bool {
        let real = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(real)
    }
}

/// The path of a file or an entry without the dots at the beginning of its parts; `None` where it has none, and for what
/// macOS adds to archives.
fn plain_path(inside: &str) -> Option<String> {
    let mac = |part: &str| part == "__MACOSX" || part == ".DS_Store" || part.starts_with("._");
    if inside.split('/').any(mac) || !inside.split('/').any(|part| part.starts_with('.')) {
        return None;
    }
    let parts = inside.split('/').map(|part| part.trim_start_matches('.')).filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join("/"))
}

/// What stands in a folder.
enum Entry {
    File(walkdir::DirEntry),
    /// A link to nothing, or to itself.
    DeadLink(PathBuf),
}

/// A path as it is inside a folder, with `/`.
fn inside(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The files in a folder and in those below it, sorted. Links are followed, over loops only once.
fn files(root: &Path) -> impl Iterator<Item = Result<Entry, ExportError>> {
    let root_name = root.to_string_lossy().into_owned();
    walkdir::WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter().filter_map(move |entry| {
        match entry {
            Ok(entry) => entry.file_type().is_file().then_some(Ok(Entry::File(entry))),
            Err(e) if e.loop_ancestor().is_some() => None,
            Err(e) if leads_nowhere(&e) => e.path().map(|path| Ok(Entry::DeadLink(path.to_owned()))),
            Err(e) => {
                let path = e.path().map_or(root_name.clone(), |path| path.to_string_lossy().into_owned());
                Some(Err(read_error(&path, e.into())))
            }
        }
    })
}

/// A link whose end is not there, or that has none: what may not be read is another matter.
fn leads_nowhere(error: &walkdir::Error) -> bool {
    let Some(io) = error.io_error() else { return false };
    io.kind() == std::io::ErrorKind::NotFound
        || io.kind() != std::io::ErrorKind::PermissionDenied && error.path().is_some_and(Path::is_symlink)
}

/// `*` matches no `/`, and no `.` at the beginning of a name.
const AS_A_SHELL: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// `**` as `glob` means it, but never in circles: it follows a loop of links forty times over.
fn deep_glob(pattern: &str) -> Result<Vec<glob::GlobResult>, glob::PatternError> {
    let matcher = glob::Pattern::new(pattern)?;
    let special = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let root = match pattern[..special].rfind('/') {
        Some(0) => "/",
        Some(slash) => &pattern[..slash],
        None => ".",
    };
    Ok(files(Path::new(root))
        .filter_map(|entry| match entry {
            Ok(Entry::File(entry)) => Some(entry.into_path()),
            _ => None,
        })
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
        .filter(|path| matcher.matches_path_with(path, AS_A_SHELL))
        .map(Ok)
        .collect())
}

/// What a folder or archive had that does not count.
#[derive(Default)]
struct Passed {
    count: usize,
    examples: Vec<String>,
    /// No file was left out only because it was met before.
    fresh: bool,
}

impl Passed {
    fn note(&mut self, inside: &str) {
        self.count += 1;
        if self.examples.len() < 3 {
            self.examples.push(format!("`{inside}`"));
        }
    }

    fn error(&self, path: &str, layout: &dyn Layout) -> ExportError {
        let seen = match self.count {
            0 => "it is empty".to_owned(),
            1 => format!("there is one file, {}", self.examples[0]),
            n => format!("there are {n} files, among them {}", self.examples.join(", ")),
        };
        ExportError::NoExports { path: path.to_owned(), seen, endings: layout.endings() }
    }
}

fn modified(meta: &std::fs::Metadata) -> Option<i64> {
    let time = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(time.as_millis()).ok()
}

#[cfg(unix)]
fn is_pipe(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

/// What a holder gave, or why it did not, in our words.
pub(super) fn held<T>(holder: &Holder, got: std::io::Result<T>) -> Result<T, ExportError> {
    got.map_err(|error| read_error(&holder.name(), error))
}

/// What a reader of an object has failed with, rather than the wrapping of whoever unpacked it.
pub(super) fn of_bucket(error: &std::io::Error) -> Option<ExportError> {
    BucketError::of(error).cloned().map(ExportError::Bucket)
}

pub(super) fn read_error(path: &str, source: std::io::Error) -> ExportError {
    if let Some(error) = of_bucket(&source) {
        return error;
    }
    match source.kind() {
        std::io::ErrorKind::NotFound => ExportError::Missing { path: path.to_owned() },
        _ => ExportError::Read { path: path.to_owned(), source },
    }
}
