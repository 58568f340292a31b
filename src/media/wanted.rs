//! Which files messages show: all of the export is read for that, and nothing is kept of it but their names.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::read::DecoderReader;
use tempfile::TempDir;

use super::fetch::scratch;
use crate::finding::Finding;
use crate::job::FACE;
use crate::mapping::people::{FACES, Person};
use crate::mapping::{Sink, Upload};
use crate::message::{Message, Place, SourceNo};

/// A file that messages show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The source that names it.
    pub source: SourceNo,
    /// What it calls it.
    pub key: String,
    /// Its path in the export, if the export has it.
    pub path: String,
    /// Its name.
    pub name: String,
    /// `picture`, `voice`, `video`, `file`; [`FACE`].
    pub kind: &'static str,
    /// Where it can be fetched; empty if nowhere. May hold a secret.
    pub url: String,
    /// Where its bytes were put, if they stood in a record.
    pub written: Option<PathBuf>,
    /// Where it was found; then its path and name are of no use any more, and empty.
    pub found: Option<importer_media::Place>,
}

impl Want {
    /// Whether its bytes lie where they stay: what was found in the export, and not what was fetched or stood in a record.
    pub(super) fn stays(&self) -> bool {
        self.found.is_some() && self.written.is_none()
    }
}

/// Gathers them, each once.
#[derive(Debug)]
pub struct Wants {
    /// In the order of the export.
    pub all: Vec<Want>,
    /// Pictures of users and groups behind links are wanted too: they are fetched.
    links: bool,
    /// Those that were fetched before: they stay where they are by now.
    fetched: HashSet<String>,
    seen: HashSet<u64>,
    /// For files that stand in records; goes away with this.
    folder: TempDir,
    /// The last file that could not be written there.
    failed: Option<io::Error>,
}

impl Wants {
    /// None yet. Files that stand in records go into a folder below `dir`; `fetched` are links to pictures of users and
    /// groups that an earlier look has fetched.
    pub fn new(dir: &Path, links: bool, fetched: HashSet<String>) -> io::Result<Self> {
        let folder = scratch(dir)?;
        Ok(Self { all: Vec::new(), links, fetched, seen: HashSet::new(), folder, failed: None })
    }

    /// Whether all that was told could be kept.
    pub fn checked(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn is_new(&mut self, source: SourceNo, key: &str) -> bool {
        let name = format!("{}\n{key}", source.0);
        !key.is_empty() && self.seen.insert(xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
    }

    fn add(&mut self, want: Want) {
        if self.is_new(want.source, &want.key) {
            self.all.push(want);
        }
    }

    /// A picture of a user or group that the export has.
    fn face(&mut self, upload: Upload<'_>) {
        let source = if upload.inline.is_empty() { upload.source } else { FACES };
        if !self.is_new(source, upload.key) {
            return;
        }
        let written = if upload.inline.is_empty() {
            None
        } else {
            let path = self.folder.path().join(self.all.len().to_string());
            match write(upload.inline, &path) {
                Ok(is_whole) => is_whole.then_some(path),
                Err(error) => return self.failed = Some(error),
            }
        };
        let (key, path, name) = (upload.key.to_owned(), upload.path.to_owned(), upload.name.to_owned());
        self.all.push(Want { source, key, path, name, kind: FACE, url: String::new(), written, found: None });
    }
}

/// Writes what a data URL holds; `false`: it is none, or damaged.
fn write(data: &str, path: &Path) -> io::Result<bool> {
    let Some((head, text)) = data.split_once(',') else { return Ok(false) };
    if !head.ends_with(";base64") {
        return Ok(false);
    }
    let mut bytes = DecoderReader::new(text.as_bytes(), &ANY_PADDING);
    let mut file = fs_err::File::create(path)?;
    match io::copy(&mut bytes, &mut file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// Some tools leave the `=` at the end out.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Sink for Wants {
    fn message(&mut self, _: Message<'_>) {}
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, _: Finding) {}

    fn person(&mut self, person: Person<'_>) {
        let url = person.face_url;
        let is_link = url.starts_with("https://") || url.starts_with("http://");
        if is_link && (self.links || self.fetched.contains(url)) {
            let name = url.rsplit('/').next().unwrap_or_default().to_owned();
            let (key, url) = (url.to_owned(), url.to_owned());
            self.add(Want {
                source: FACES,
                key,
                path: String::new(),
                name,
                kind: FACE,
                url,
                written: None,
                found: None,
            });
        }
    }

    fn upload(&mut self, upload: Upload<'_>) {
        if upload.kind == FACE {
            return self.face(upload);
        }
        let (source, path, name) = (upload.source, upload.path.to_owned(), upload.name.to_owned());
        let (key, url) = (upload.key.to_owned(), upload.url.to_owned());
        self.add(Want { source, key, path, name, kind: upload.kind, url, written: None, found: None });
        if !upload.snapshot.is_empty() {
            let path = upload.snapshot.to_owned();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            let (key, url) = (path.clone(), String::new());
            self.add(Want { source, key, path, name, kind: "picture", url, written: None, found: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_record_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for (data, is_whole) in [
            ("data:image/png;base64,AAEC", true),
            ("data:image/png;base64,AAECAw==", true),
            ("data:image/png;base64,AAECAw", true),
            ("data:image/png;base64,AA*C", false),
            ("data:image/svg+xml,<svg/>", false),
            ("data:", false),
        ] {
            assert_eq!(write(data, &path).unwrap(), is_whole, "{data}");
        }
        write("data:image/png;base64,AAECAw", &path).unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), [0, 1, 2, 3]);
        assert!(write("data:image/png;base64,AAEC", &dir.path().join("no/such")).is_err());
    }
}
