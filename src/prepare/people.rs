//! Who is who: gathered while mapping, sorted by what OpenIM calls them, put into the job; and two that would
//! become one are found.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::ledger::Ledger;
use super::rows::PersonRow;
use super::sort::Sorter;
use crate::checks::codes;
use crate::finding::{Finding, shorten};
use crate::job::{JobError, Loader, Person as Known, person_hashes, read_at};
use crate::mapping::people::{Kind, Person};

/// Whom a thread was told of lately: mappers tell of the same people chunk after chunk.
#[derive(Debug, Default)]
pub(super) struct Lately {
    told: Vec<u64>,
    scratch: Vec<u8>,
}

/// So many are remembered, each in the place that its hash says.
const LATELY: usize = 1 << 15;

impl Lately {
    /// The person, unless the thread was told the same lately.
    pub(super) fn news(&mut self, person: &Person<'_>) -> Option<Known> {
        self.scratch.clear();
        let is_group = person.kind == Kind::Group;
        self.scratch.push(u8::from(is_group) << 1 | u8::from(person.listed));
        for text in [person.openim_id, person.source_id, person.nickname, person.face_url] {
            self.scratch.extend_from_slice(text.as_bytes());
            self.scratch.push(0xff);
        }
        let hash = xxh3_64(&self.scratch);
        self.told.resize(LATELY, 0);
        let place = usize::try_from(hash % LATELY as u64).unwrap_or(0);
        (std::mem::replace(&mut self.told[place], hash) != hash).then(|| Known {
            is_group,
            openim_id: person.openim_id.to_owned(),
            source_id: person.source_id.to_owned(),
            nickname: person.nickname.to_owned(),
            face_url: person.face_url.to_owned(),
            listed: person.listed,
        })
    }
}

/// People of a pass: rows to sort, and the people themselves in a nameless file.
#[derive(Debug)]
pub(super) struct People {
    rows: Sorter<PersonRow>,
    file: Option<File>,
    end: u64,
    dir: PathBuf,
}

impl People {
    pub(super) fn new(dir: &Path, run: usize) -> Self {
        Self { rows: Sorter::new(dir, run), file: None, end: 0, dir: dir.to_owned() }
    }

    /// Takes what a thread was told.
    pub(super) fn take(&mut self, told: &[Known]) -> Result<(), JobError> {
        if told.is_empty() {
            return Ok(());
        }
        let failed = |e| JobError::io(&self.dir, e);
        let mut bytes = Vec::new();
        for person in told {
            let start = bytes.len();
            serde_json::to_writer(&mut bytes, person).expect("texts are JSON");
            let (openim, source) = person_hashes(person.is_group, &person.openim_id, &person.source_id);
            let len = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
            self.rows.push(PersonRow { openim, source, offset: self.end + start as u64, len })?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.dir).map_err(failed)?),
        };
        file.write_all(&bytes).map_err(failed)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Puts them into the job, each once; reports who would become one with somebody else.
    pub(super) fn file(self, loader: &Loader<'_>, ledger: &mut Ledger<'_>) -> Result<(), JobError> {
        let Self { rows, file, dir, .. } = self;
        let Some(file) = file else { return Ok(()) };
        let mut rows = rows.sorted()?;
        let mut next = rows.next()?;
        // The one before it, as long as OpenIM calls it the same.
        let mut namesake: Option<(PersonRow, Known)> = None;
        while let Some(first) = next {
            let mut person = read(&file, first, &dir)?;
            while let Some(row) = next
                && (row.openim, row.source) == (first.openim, first.source)
            {
                next = rows.next()?;
                if person.nickname.is_empty() || person.face_url.is_empty() {
                    let more = read(&file, row, &dir)?;
                    better(&mut person.nickname, more.nickname);
                    better(&mut person.face_url, more.face_url);
                }
            }
            let other = match namesake.take() {
                Some((row, other)) if row.openim == first.openim => Some(other),
                _ => loader.namesake(&person)?,
            };
            if let Some(other) = other.as_ref().filter(|other| !(other.listed && person.listed)) {
                let (a, b, id) = (&other.source_id, &person.source_id, &person.openim_id);
                let value = shorten(&format!("`{a}` and `{b}` would both be `{id}`"));
                ledger.note(&Finding { code: &codes::PEOPLE_COLLISION, place: None, value })?;
            }
            loader.person(&person)?;
            namesake = Some((first, person));
        }
        Ok(())
    }
}

fn better(known: &mut String, more: String) {
    if known.is_empty() {
        *known = more;
    }
}

fn read(file: &File, row: PersonRow, dir: &Path) -> Result<Known, JobError> {
    let mut bytes = vec![0; row.len as usize];
    read_at(file, &mut bytes, row.offset).map_err(|e| JobError::io(dir, e))?;
    serde_json::from_slice(&bytes).map_err(|e| JobError::io(dir, e.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_told_once() {
        let mut lately = Lately::default();
        let ann = Person::new(Kind::User, "ann", "Ann", "");
        assert_eq!(lately.news(&ann).unwrap().nickname, "Ann");
        assert!(lately.news(&ann).is_none());
        assert!(lately.news(&Person { nickname: "Annie", ..ann }).is_some());
        assert!(lately.news(&Person { kind: Kind::Group, ..ann }).is_some());
    }
}
