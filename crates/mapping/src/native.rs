//! The native format: records whose keys are the fields of `send_msg`, plus `id`, `text`, `quote` and
//! `quoteText`. Needs no configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attach::Files;
use super::draft::{Draft, Key};
use super::object::{is_no_object, members};
use super::records::{Record, Row, each};
use super::sieve::Sieve;
use super::value::Value;
use super::{Mapper, Sink, codes};
use crate::export::{Chunk, Table};
use crate::finding::Finding;
use crate::message::Place;

/// Maps records in the native format that have no files.
#[derive(Debug, Clone, Copy)]
pub struct Native;

impl Mapper for Native {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let mut read = Read::new(chunk, None, sink);
        each(chunk, sink, &mut |place, record, sink| read.record(place, record, sink));
    }
}

/// Maps records in the native format, with their files.
pub(super) struct WithFiles(pub(super) Arc<dyn Files>);

impl Mapper for WithFiles {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let mut read = Read::new(chunk, Some(&*self.0), sink);
        each(chunk, sink, &mut |place, record, sink| read.record(place, record, sink));
    }
}

/// Maps records in the native format, but for those that a sieve holds back.
pub(super) struct Sieved(pub(super) Sieve, pub(super) Arc<dyn Files>);

impl Mapper for Sieved {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let mut read = Read::new(chunk, Some(&*self.1), sink);
        self.0.each(chunk, sink, &mut |place, record, _, sink| read.record(place, record, sink));
    }
}

/// What is known of a chunk while it is read.
struct Read<'f> {
    files: Option<&'f dyn Files>,
    columns: Option<Columns>,
    /// Keys that were reported already.
    unknown: BTreeSet<String>,
}

impl<'f> Read<'f> {
    fn new(chunk: &Chunk, files: Option<&'f dyn Files>, sink: &mut dyn Sink) -> Self {
        let columns = chunk.context.table.as_ref().map(Columns::new);
        if let (Some(columns), true) = (&columns, chunk.first) {
            columns.report(chunk, sink);
        }
        Self { files, columns, unknown: BTreeSet::new() }
    }

    fn record(&mut self, place: Place, record: Record<'_>, sink: &mut dyn Sink) {
        match (record, &self.columns) {
            (Record::Json(text), _) => {
                if let Some(draft) = parse(text, place, &mut self.unknown, sink) {
                    draft.send(place, self.files, sink);
                }
            }
            (Record::Row(row), Some(columns)) => {
                columns.draft(row).send(place, self.files, sink);
            }
            (Record::Row(_), None) => unreachable!("rows come with their table"),
        }
    }
}

/// Reads an object in the native format. `unknown` holds the keys that were reported already.
pub(super) fn parse<'a>(
    text: &'a str,
    place: Place,
    unknown: &mut BTreeSet<String>,
    sink: &mut dyn Sink,
) -> Option<Draft<'a>> {
    let mut draft = Draft::default();
    let result = members(text, &mut |name, raw| match Key::by_name(&name) {
        Some(key) => {
            let mut halves = false;
            let value = Value::from_json(raw, &mut halves);
            if halves {
                sink.finding(Finding::new(&codes::HALF_CHARACTER, place, &format!("{} = {raw}", key.name())));
            }
            if draft.set(key, value) {
                sink.finding(Finding::new(&codes::KEY_REPEATED, place, key.name()));
            }
        }
        None if unknown.contains(&*name) => {}
        None => {
            sink.finding(Finding::new(&codes::KEY_UNKNOWN, place, &name));
            unknown.insert(name.into_owned());
        }
    });
    match result {
        Ok(()) => Some(draft),
        Err(e) => {
            sink.finding(not_json(place, text, &e));
            None
        }
    }
}

/// The finding about a record that is no JSON object.
pub(super) fn not_json(place: Place, text: &str, error: &serde_json::Error) -> Finding {
    if is_no_object(error) {
        return Finding::new(&codes::NOT_AN_OBJECT, place, text);
    }
    // The line that the parser counts is one of the record; its column is what helps.
    let why = error.to_string();
    let why = why.split(" at line").next().unwrap_or(&why);
    let column = error.column();
    let start: String = text.chars().take(60).collect();
    Finding::new(&codes::JSON_BROKEN, place, &format!("{why} at column {column}: {start}"))
}

/// Reads one message in the native format, which somebody may have mended by hand. `id` is its source id where
/// it names none. A content must be an object: what was no JSON stands there as text, and would become words.
pub fn read_message(text: &str, id: Option<&str>, place: Place, sink: &mut dyn Sink) {
    let Some(mut draft) = parse(text, place, &mut BTreeSet::new(), sink) else { return };
    if let Some(Value::Text(content)) = draft.get(Key::Content) {
        sink.finding(Finding::new(&codes::CONTENT_NOT_OBJECT, place, content));
        return;
    }
    if let (None, Some(id)) = (draft.get(Key::Id), id) {
        draft.set(Key::Id, Some(Value::Text(id.into())));
    }
    draft.send(place, None, sink);
}

/// Which column holds which field.
struct Columns {
    keys: Vec<(usize, Key)>,
    unknown: Vec<String>,
    twice: Vec<String>,
}

impl Columns {
    fn new(table: &Table) -> Self {
        let mut columns = Self { keys: Vec::new(), unknown: Vec::new(), twice: Vec::new() };
        for (n, name) in table.columns.iter().enumerate() {
            match Key::by_name(name) {
                None => columns.unknown.push(name.clone()),
                Some(key) if columns.keys.iter().any(|(_, k)| *k == key) => columns.twice.push(name.clone()),
                Some(key) => columns.keys.push((n, key)),
            }
        }
        columns
    }

    fn report(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let place = Place { source: chunk.source, line: 1, byte: 0, part: 0 };
        for name in &self.unknown {
            sink.finding(Finding::new(&codes::KEY_UNKNOWN, place, name));
        }
        for name in &self.twice {
            sink.finding(Finding::new(&codes::KEY_REPEATED, place, name));
        }
    }

    fn draft<'r>(&self, row: Row<'r>) -> Draft<'r> {
        let mut draft = Draft::of_cells();
        for (n, key) in &self.keys {
            if let Some(cell) = row.cell(*n) {
                draft.set(*key, Some(Value::Text(cell.into())));
            }
        }
        draft
    }
}

#[cfg(test)]
mod tests;
