//! Who is who: gathered while mapping, sorted by what OpenIM calls them, put into the job; and two that would
//! become one are found.

use xxhash_rust::xxh3::xxh3_64;

use super::heap::{Heap, put_texts, texts};
use super::ledger::Ledger;
use super::rows::PersonRow;
use super::sort::Sorted;
use crate::checks::codes;
use crate::finding::{Finding, shorten};
use crate::job::{JobError, Loader, Person as Known, Renamed, person_hashes};
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
    /// The person as a row, unless the thread was told the same lately.
    pub(super) fn news(&mut self, person: &Person<'_>, heap: &mut Vec<u8>) -> Option<PersonRow> {
        self.scratch.clear();
        let is_group = person.kind == Kind::Group;
        self.scratch.push(u8::from(is_group) << 1 | u8::from(person.listed));
        let texts = [person.openim_id, person.source_id, person.nickname, person.face_url];
        put_texts(&mut self.scratch, &texts);
        if !self.is_new(xxh3_64(&self.scratch)) {
            return None;
        }
        let (openim, source) = person_hashes(is_group, person.openim_id, person.source_id);
        let [listed, is_group] = [person.listed, is_group].map(|flag| if flag { "1" } else { "" });
        let [openim_id, source_id, nickname, face_url] = texts;
        let spot = put_texts(heap, &[openim_id, source_id, nickname, face_url, listed, is_group]);
        Some(PersonRow { openim, source, spot })
    }

    /// Whether the thread was not told lately what these bytes say.
    pub(super) fn is_news(&mut self, parts: &[&[u8]]) -> bool {
        self.scratch.clear();
        for part in parts {
            self.scratch.extend_from_slice(part);
        }
        self.is_new(xxh3_64(&self.scratch))
    }

    fn is_new(&mut self, hash: u64) -> bool {
        self.told.resize(LATELY, 0);
        let place = usize::try_from(hash % LATELY as u64).unwrap_or(0);
        std::mem::replace(&mut self.told[place], hash) != hash
    }
}

/// Puts them into the job, each once; reports who would become one with somebody else.
pub(super) fn people(
    mut rows: Sorted<PersonRow>,
    heap: &Heap,
    loader: &Loader<'_>,
    ledger: &mut Ledger<'_>,
) -> Result<(), JobError> {
    let mut next = rows.next()?;
    // The one before it, as long as OpenIM calls it the same.
    let mut namesake: Option<(PersonRow, Known)> = None;
    while let Some(first) = next {
        let mut person = read(heap, first)?;
        while let Some(row) = next
            && (row.openim, row.source) == (first.openim, first.source)
        {
            next = rows.next()?;
            if person.nickname.is_empty() || person.face_url.is_empty() {
                let more = read(heap, row)?;
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
    loader.renamed(|renamed| {
        let Renamed { source_id, before, now } = renamed;
        let value = shorten(&format!("`{source_id}` was `{before}` and would now be `{now}`"));
        ledger.note(&Finding { code: &codes::PEOPLE_RENAMED, place: None, value })
    })
}

fn better(known: &mut String, more: String) {
    if known.is_empty() {
        *known = more;
    }
}

fn read(heap: &Heap, row: PersonRow) -> Result<Known, JobError> {
    let bytes = heap.read(row.spot)?;
    let mut texts = texts(&bytes).map(str::to_owned);
    let mut text = || texts.next().unwrap_or_default();
    let (openim_id, source_id, nickname, face_url) = (text(), text(), text(), text());
    let (listed, is_group) = (!text().is_empty(), !text().is_empty());
    Ok(Known { is_group, openim_id, source_id, nickname, face_url, listed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_told_once() {
        let (mut lately, mut heap) = (Lately::default(), Vec::new());
        let mut is_news = |person: &Person<'_>| lately.news(person, &mut heap).is_some();
        let ann = Person::new(Kind::User, "ann", "Ann", "");
        assert!(is_news(&ann) && !is_news(&ann));
        assert!(is_news(&Person { nickname: "Annie", ..ann }));
        assert!(is_news(&Person { kind: Kind::Group, ..ann }));
    }
}
