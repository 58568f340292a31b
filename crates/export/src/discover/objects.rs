//! What is in object stores, found as files and folders are: an object, a folder of them, a glob.

use std::path::PathBuf;

use importer_buckets::{Address, BucketError, Object, below, find};

use super::{AS_A_SHELL, ExportError, Found, Holder, List, Origin, Passed, archive, mongo, unread};

impl List<'_> {
    /// A source that is an address.
    pub(super) fn address(&mut self, source: &str) -> Result<(), ExportError> {
        let address = Address::parse(source)?;
        let found = if address.is_folder() { Ok(None) } else { find(&address) };
        let (found, denied) = match found {
            // Who may list a folder alone may not ask for its name.
            Err(error @ BucketError::Denied { .. }) => (None, Some(error)),
            found => (found?, None),
        };
        if let Some(object) = found {
            return self.object(&object);
        }
        if denied.is_none() && source.contains(['*', '?', '[']) {
            return self.address_glob(source, &address);
        }
        let all = match (below(&address), denied) {
            (Ok(all), Some(denied)) if all.is_empty() => return Err(denied.into()),
            (Err(_), Some(denied)) => return Err(denied.into()),
            (all, _) => all?,
        };
        if all.is_empty() {
            return Err(ExportError::Missing { path: source.to_owned() });
        }
        self.objects(&address, all)?.map_or(Ok(()), Err)
    }

    /// An object that was named itself, or by a glob.
    fn object(&mut self, object: &Object) -> Result<(), ExportError> {
        if !self.is_new(object) {
            return Ok(());
        }
        let holder = Holder::Bucket(object.clone());
        if archive::is_zip(&holder)? {
            return self.archive(&holder);
        }
        if mongo::is_one(&holder) {
            return self.collections(&holder);
        }
        self.add(object, object.address.name());
        Ok(())
    }

    /// The objects of a folder, as the files of one: archives are read into where there is nothing else.
    fn objects(&mut self, folder: &Address, all: Vec<Object>) -> Result<Option<ExportError>, ExportError> {
        let before = self.found.len();
        let (mut passed, mut zips) = (Passed { fresh: true, ..Passed::default() }, Vec::new());
        for object in all {
            let inside = object.address.key();
            let inside =
                inside.strip_prefix(folder.key()).unwrap_or(inside).trim_start_matches('/').to_owned();
            if self.layout.belongs(&inside) {
                if self.is_new(&object) {
                    self.add(&object, &inside);
                } else {
                    passed.fresh = false;
                }
                continue;
            }
            passed.note(&inside);
            if inside.to_ascii_lowercase().ends_with(".zip") {
                zips.push((Holder::Bucket(object), inside));
            } else {
                self.unread.note(self.why_not(&inside), &object.address.to_string());
            }
        }
        self.archives_of(&folder.to_string(), before, zips, passed)
    }

    /// What a glob names: objects, and folders of them.
    fn address_glob(&mut self, source: &str, address: &Address) -> Result<(), ExportError> {
        let key = address.key();
        let pattern = glob::Pattern::new(key)
            .map_err(|e| ExportError::BadGlob { glob: source.to_owned(), why: e.msg.to_owned() })?;
        let plain = key.find(['*', '?', '[']).unwrap_or(key.len());
        let root = key[..plain].rsplit_once('/').map_or("", |(root, _)| root);
        // Objects, and the outermost folders that match with all that is below them.
        let mut all: Vec<(Option<String>, Vec<Object>)> = Vec::new();
        for object in below(&address.with_key(root))? {
            let key = object.address.key();
            if pattern.matches_with(key, AS_A_SHELL) && !address.is_folder() {
                all.push((None, vec![object]));
                continue;
            }
            // `**` names the objects themselves, as it does files.
            let mut above = key.match_indices('/').map(|(at, _)| &key[..at]);
            let folder =
                above.find(|folder| !source.contains("**") && pattern.matches_with(folder, AS_A_SHELL));
            let Some(folder) = folder.map(str::to_owned) else { continue };
            match all.last_mut().filter(|(last, _)| last.as_ref() == Some(&folder)) {
                Some((_, objects)) => objects.push(object),
                None => all.push((Some(folder), vec![object])),
            }
        }
        let (before, matched, mut nothing) = (self.found.len(), all.len(), None);
        for (folder, objects) in all {
            match folder {
                Some(folder) => nothing = nothing.or(self.objects(&address.with_key(&folder), objects)?),
                None => objects.iter().try_for_each(|object| self.object(object))?,
            }
        }
        if matched == 0 {
            return Err(ExportError::NoMatch { glob: source.to_owned() });
        }
        match nothing {
            Some(first) if self.found.len() == before => Err(ExportError::NothingInMatches {
                glob: source.to_owned(),
                matched,
                first: Box::new(first),
            }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, object: &Object, inside: &str) {
        self.found.push(Found {
            path: object.address.to_string(),
            inside: inside.to_owned(),
            origin: Origin::File(Holder::Bucket(object.clone())),
            bytes: object.bytes,
            modified: Some(object.modified),
        });
    }

    /// Whether it was not met before; notes it where it was.
    fn is_new(&mut self, object: &Object) -> bool {
        let address = object.address.to_string();
        let is_new = self.seen.insert(PathBuf::from(&address));
        if !is_new {
            self.unread.note(unread::SAME_FILE, &address);
        }
        is_new
    }
}
