//! Which files messages show: all of the export is read for that, and nothing is kept of it but their names.

use std::collections::HashSet;

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
}

/// Gathers them, each once.
#[derive(Debug, Default)]
pub struct Wants {
    /// In the order of the export.
    pub all: Vec<Want>,
    /// Pictures of users and groups are wanted too: those behind links, which are fetched.
    pub faces: bool,
    seen: HashSet<u64>,
}

impl Wants {
    fn add(&mut self, want: Want) {
        let name = format!("{}\n{}", want.source.0, want.key);
        if !want.key.is_empty() && self.seen.insert(xxhash_rust::xxh3::xxh3_64(name.as_bytes())) {
            self.all.push(want);
        }
    }
}

impl Sink for Wants {
    fn message(&mut self, _: Message<'_>) {}
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, _: Finding) {}

    fn person(&mut self, person: Person<'_>) {
        let url = person.face_url;
        if self.faces && (url.starts_with("https://") || url.starts_with("http://")) {
            let name = url.rsplit('/').next().unwrap_or_default().to_owned();
            let (key, url) = (url.to_owned(), url.to_owned());
            self.add(Want { source: FACES, key, path: String::new(), name, kind: FACE, url });
        }
    }

    fn upload(&mut self, upload: Upload<'_>) {
        let (path, name) = (upload.path.to_owned(), upload.name.to_owned());
        let (key, url) = (upload.key.to_owned(), upload.url.to_owned());
        self.add(Want { source: upload.source, key, path, name, kind: upload.kind, url });
        if !upload.snapshot.is_empty() {
            let path = upload.snapshot.to_owned();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            let key = path.clone();
            self.add(Want { source: upload.source, key, path, name, kind: "picture", url: String::new() });
        }
    }
}
