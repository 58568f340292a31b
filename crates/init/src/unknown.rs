//! Exports that nobody described: CSV with columns of somebody's own, JSON of any shape.

mod csv;
mod encoding;
mod json;

use std::collections::BTreeMap;

use super::document::{Document, string};
use super::guess::{Answers, Guess, LeaveOut, guess, is_by_app, speaks_of_it};
use super::names::{Role, fits};
use super::records::add;
use super::rule::Condition;
use super::table::Table;
use super::values::Column;
use crate::export::{Chunk, ExportError, Reader, Settings, Shape};
use crate::mapping::Key;
use crate::message::SourceNo;

/// What an export looks like that is in no known format.
#[derive(Debug, Default)]
pub struct Unknown {
    /// What it is, in a line.
    pub title: String,
    /// What stands under `[export]`.
    pub export: Document,
    /// A mapping, as far as it could be guessed; `None` if there are no records in it.
    pub guess: Option<Guess>,
    /// Keys, types and examples, of JSON.
    pub shape: Option<String>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// What has to be decided and is no field: written as `to_do`, which `check` refuses.
    pub to_do: Vec<String>,
}

/// Told now and then how many bytes were read, of how many.
pub type Tick<'t> = &'t mut dyn FnMut(u64, u64);

/// Looks at an export that is in no known format.
///
/// # Errors
/// What can't be read at all.
pub fn look(sources: &[String], answers: &Answers, tick: Tick<'_>) -> Result<Unknown, ExportError> {
    let like = if answers.encoding.is_none() { encoding::like(sources)? } else { None };
    let mut settings = Settings::default();
    let named = answers.encoding.as_ref().or(like.as_ref().map(|like| &like.name));
    settings.encoding = named.cloned().unwrap_or(settings.encoding);
    let reader = Reader::open(&settings, sources, SourceNo(0))?;
    let shape = reader.head()?.and_then(|head| head.chunk).map(|chunk| chunk.shape);
    let mut found = if shape == Some(Shape::Rows) {
        csv::look((sources, &settings), reader, answers, tick)?
    } else {
        // Of very many files the list alone is a megabyte.
        drop(reader);
        json::look((sources, &settings), shape == Some(Shape::Lines), answers, tick)?
    };
    if named.is_some() {
        found.export.set("encoding", &string(&settings.encoding));
    }
    found.to_do.extend(like.map(|like| like.to_do));
    found.to_do.extend(found.guess.iter().flat_map(|guess| guess.to_do.iter().cloned()));
    Ok(found)
}

/// Whether the first records have the names of the native format.
///
/// # Errors
/// What can't be read at all.
pub fn is_native(sources: &[String]) -> Result<bool, ExportError> {
    let Some(table) = sample(sources, &Settings::default(), None)? else { return Ok(false) };
    let has = |keys: &[Key]| {
        table.columns.iter().any(|column| {
            // `content.content` is in `content`.
            let name = column.name.split(['.', '[']).next().unwrap_or_default();
            Key::by_name(name).is_some_and(|key| keys.contains(&key))
        })
    };
    let needed: [&[Key]; 4] =
        [&[Key::SendId], &[Key::SendTime], &[Key::RecvId, Key::GroupId], &[Key::Content, Key::Text]];
    Ok(needed.into_iter().all(has))
}

/// All records of the sources, by what they have in common: the columns of a CSV.
struct Kinds {
    /// By columns and, where these have no names, by the look of their values; of JSON there is one, without
    /// any.
    tables: BTreeMap<(Vec<String>, String), OfKind>,
    /// Files whose kind found no room.
    more: u64,
}

/// Files whose records have the same columns.
#[derive(Default)]
struct OfKind {
    table: Table,
    /// Their paths, some of them.
    files: Vec<String>,
    count: u64,
    delimiter: Option<u8>,
}

impl Kinds {
    /// More kinds of files than an export has.
    const MOST: usize = 16;
    const FILES: usize = 20;

    /// Reads all; `only`: records that have this value in this column.
    fn read(mut reader: Reader, only: Option<(&str, &str)>, tick: Tick<'_>) -> Result<Self, ExportError> {
        let mut kinds = Self { tables: BTreeMap::new(), more: 0 };
        let mut looks = String::new();
        while let Some(chunk) = reader.next_chunk()? {
            let csv = chunk.context.table.as_ref();
            let columns = csv.map(|table| table.columns.clone()).unwrap_or_default();
            if chunk.first {
                let named = columns.first().is_none_or(|name| name != "1");
                looks = if named { String::new() } else { look_of_first(&chunk) };
            }
            let columns = (columns, looks.clone());
            if kinds.tables.len() == Self::MOST && !kinds.tables.contains_key(&columns) {
                kinds.more += u64::from(chunk.first);
            } else if !chunk.text.is_empty() {
                let kind = kinds.tables.entry(columns).or_default();
                kind.delimiter = csv.map(|table| table.dialect.delimiter);
                if chunk.first {
                    kind.count += 1;
                    if kind.files.len() < Self::FILES {
                        kind.files.push(chunk.context.value("@path").unwrap_or_default().to_owned());
                    }
                }
                add(&mut kind.table, &chunk, only);
            }
            reader.recycle(chunk.text);
            let totals = reader.totals();
            tick(totals.read, totals.bytes);
        }
        Ok(kinds)
    }
}

/// What kinds of values the first record of a chunk has: `t` for a time, `n` for a number, `-` for others.
fn look_of_first(chunk: &Chunk) -> String {
    let mut table = Table::default();
    add(&mut table, chunk, None);
    let of = |column: &Column| match column.times.written() {
        Some(_) => 't',
        None if column.is_numbers() => 'n',
        None => '-',
    };
    table.columns.iter().map(of).collect()
}

/// How much of a message is in the guess: what is best is what has a time, words and a writer.
fn score(guess: &Guess) -> u32 {
    let has = |key: Key| {
        let open = guess.open.iter().any(|open| open.key == key && !open.choices.is_empty());
        u32::from(open || guess.fields.iter().any(|field| field.key == key))
    };
    has(Key::SendTime) * 8 + has(Key::Text) * 4 + has(Key::SendId) * 2 + has(Key::Id)
}

/// Of this much a mapping can be made: a time, and words or a writer.
const ENOUGH: u32 = 10;

/// What scores so much has a time, words and a writer.
const WHOLE: u32 = 14;

/// A table with its guess.
struct Ranked<'k> {
    score: u32,
    columns: &'k [String],
    kind: &'k OfKind,
    guess: Guess,
}

/// The tables' guesses, the best first; of equals the one of more records.
fn ranked<'k>(kinds: &'k Kinds, answers: &Answers) -> Vec<Ranked<'k>> {
    let ranked = kinds.tables.iter().map(|((columns, _), kind)| {
        let guess = guess(&kind.table, answers);
        Ranked { score: score(&guess), columns, kind, guess }
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by_key(|ranked| std::cmp::Reverse((ranked.score, ranked.kind.table.records)));
    ranked
}

/// Where records of several kinds lie in one file, a column says which is which: the column and the value of
/// which a better guess can be made than of all of them.
fn narrowed(
    sources: &[String],
    settings: &Settings,
    whole: &Ranked<'_>,
    answers: &Answers,
) -> Result<Option<(String, String)>, ExportError> {
    let table = &whole.kind.table;
    let mut best: Option<(u32, String, String)> = None;
    for column in table
        .columns
        .iter()
        .filter(|column| fits(&column.name, Role::Type) >= TYPE && column.filled == table.records)
    {
        let Some(few) = column.few.as_ref().filter(|few| (2..=12).contains(&few.len())) else { continue };
        // What the app wrote and what is a reaction is no message, whatever it has.
        for value in few.keys().filter(|value| !is_by_app(value) && !speaks_of_it(value)) {
            let part = sample(sources, settings, Some((&column.name, value)))?;
            // What calls itself a message is one, even if something is missing in it.
            let named =
                if matches!(value.to_lowercase().as_str(), "message" | "msg" | "post") { 16 } else { 0 };
            let score = part.map_or(0, |table| score(&guess(&table, answers)) + named);
            if score > best.as_ref().map_or(whole.score, |(most, ..)| *most) {
                best = Some((score, column.name.clone(), value.clone()));
            }
        }
    }
    Ok(best.map(|(_, column, value)| (column, value)))
}

/// So well must a name fit that it may say what a record is.
const TYPE: u32 = 90;
/// Chunks that are read to see whether a part of the export is what we look for.
const CHUNKS: usize = 3;

/// The first records; `None` if they can't be read so.
fn sample(
    sources: &[String],
    settings: &Settings,
    only: Option<(&str, &str)>,
) -> Result<Option<Table>, ExportError> {
    let mut reader = match Reader::open(settings, sources, SourceNo(0)) {
        Ok(reader) => reader,
        Err(ExportError::BadSetting { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut table = Table::default();
    for _ in 0..CHUNKS {
        let Some(chunk) = reader.next_chunk()? else { break };
        add(&mut table, &chunk, only);
    }
    Ok(Some(table))
}

/// Leaves all others out, and says so.
fn keep_only(guess: &mut Guess, column: &str, value: &str) {
    guess.leave_out.retain(|rule| rule.column != column);
    let rule = LeaveOut {
        column: column.to_owned(),
        condition: Condition::Not(value.to_owned()),
        reason: "other-record",
        note: format!("of the records of several kinds, only `{value}` looks like messages"),
    };
    guess.leave_out.insert(0, rule);
}
