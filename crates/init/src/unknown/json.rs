//! JSON of any shape: what is in it, and where in it the records are.

use std::collections::HashSet;
use std::io::{self, Read};

use super::csv::plain_text;
use super::{CHUNKS, ENOUGH, Kinds, Tick, Unknown, WHOLE, keep_only, narrowed, ranked, sample, score};
use crate::document::{Document, string};
use crate::export::{ExportError, Format, Input, Plain, Reader, Settings, discover};
use crate::finding::shorten;
use crate::guess::{Answers, guess};
use crate::mask::mask;
use crate::message::SourceNo;
use crate::numbers::plural;
use crate::records::texts;
use crate::shape::Shape;

/// Files and bytes that are looked at for the shape.
const FILES: usize = 20;
const BYTES: u64 = 4 << 20;
/// Lists that are tried.
const LISTS: usize = 8;

pub(super) fn look(
    (sources, common): (&[String], &Settings),
    lines: bool,
    answers: &Answers,
    tick: Tick<'_>,
) -> Result<Unknown, ExportError> {
    let (mut shape, broken) =
        if lines { (shape_of_lines(sources, common)?, None) } else { shape(sources, common)? };
    if shape.is_empty() || (broken.is_some() && !shape.has_objects()) {
        return text(sources);
    }
    shape.fold();
    let mut notes = Vec::new();
    if let Some(broken) = broken {
        notes.push(format!("not all of it is JSON: {broken}"));
    }
    // Records at the top: one a line, or the elements of one list.
    let at_top = shape.objects + shape.element.as_ref().map_or(0, |element| element.objects);
    let mut paths: Vec<(u64, String)> = Vec::new();
    if at_top > 0 {
        paths.push((at_top, String::new()));
    }
    let lists = shape.lists_of_objects().into_iter().map(|(path, shape)| (shape.objects, path));
    paths.extend(lists.filter(|(_, path)| path != "[]").take(LISTS));
    let mut best: Option<((u32, u64), String)> = None;
    let mut like_messages: Vec<(u64, String)> = Vec::new();
    for (objects, path) in paths {
        let settings = settings(common, &path);
        let score = sample(sources, &settings, None)?.map_or(0, |table| score(&guess(&table, answers)));
        if score >= WHOLE {
            like_messages.push((objects, path.clone()));
        }
        if best.as_ref().is_none_or(|(most, _)| (score, objects) > *most) {
            best = Some(((score, objects), path));
        }
    }
    let Some((_, path)) = best else {
        return Ok(Unknown {
            title: "JSON without any objects".to_owned(),
            shape: Some(shape.to_string()),
            notes,
            ..Unknown::default()
        });
    };
    let to_do = like_messages
        .iter()
        .filter(|(_, other)| *other != path)
        .map(|(objects, other)| {
            format!(
                "`{other}` looks like messages too ({}), and is not read: name it in `records`, or leave it out",
                plural(*objects, "record", "records")
            )
        })
        .collect();
    let settings = settings(common, &path);
    let whole = Kinds::read(Reader::open(&settings, sources, SourceNo(0))?, None, tick)?;
    let ranked_whole = ranked(&whole, answers);
    let Some(of_all) = ranked_whole.first() else { return Ok(Unknown::default()) };
    let part = narrowed(sources, &settings, of_all, answers)?;
    let found = match &part {
        None => of_all.guess.clone(),
        Some((column, value)) => {
            let reader = Reader::open(&settings, sources, SourceNo(0))?;
            let part = Kinds::read(reader, Some((column, value)), tick)?;
            let mut guess =
                ranked(&part, answers).into_iter().next().map(|ranked| ranked.guess).unwrap_or_default();
            keep_only(&mut guess, column, value);
            guess
        }
    };
    let (records, files) = (of_all.kind.table.records, of_all.kind.count);
    if score(&found) < ENOUGH {
        notes.push("too little was recognised: fill in what is MISSING, by the keys above".to_owned());
    }
    let place = if path.is_empty() { String::new() } else { format!(" under `{path}`") };
    let title = format!(
        "JSON, {}{place} in {}",
        plural(records, "record", "records"),
        plural(files, "file", "files")
    );
    let mut export = Document::default();
    if !path.is_empty() {
        export.set("records", &string(&path));
    }
    Ok(Unknown { title, export, guess: Some(found), shape: Some(shape.to_string()), notes, to_do })
}

fn settings(common: &Settings, path: &str) -> Settings {
    let mut settings = common.clone();
    if !path.is_empty() {
        settings.records = vec![path.to_owned()];
        settings.format = Format::Json;
    }
    settings
}

/// Begins like JSON and is none: lines of a log with `[12:30]`.
fn text(sources: &[String]) -> Result<Unknown, ExportError> {
    let layout = Plain::new(&Settings::default())?;
    let found = discover(sources, &layout)?;
    let mut lines = Vec::new();
    if let Some(found) = found.first() {
        let input = Input::open(found, SourceNo(0), None)?;
        let head = String::from_utf8_lossy(input.head()).into_owned();
        lines = head
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(3)
            .map(|line| shorten(&mask(line)))
            .collect();
    }
    Ok(plain_text(found.len() as u64, &lines))
}

/// The shape of the first files, and what was wrong with them.
fn shape(sources: &[String], common: &Settings) -> Result<(Shape, Option<String>), ExportError> {
    let layout = Plain::new(&Settings::default())?;
    let found = discover(sources, &layout)?;
    let mut shape = Shape::default();
    let mut broken = None;
    let mut seen = HashSet::new();
    for (n, found) in found.iter().enumerate() {
        // Of a great many files a few of each folder will do.
        let folder = found.inside.rsplit_once('/').map_or("", |(folder, _)| folder);
        if n >= FILES && (seen.len() >= FILES || !seen.insert(folder)) {
            continue;
        }
        let input = Input::open(found, SourceNo(0), common.encoding()?)?;
        let path = input.path().to_owned();
        let (_, error) = shape.read(io::BufReader::new(Text { input }).take(BYTES));
        if let Some(error) = error {
            broken.get_or_insert(format!("{path}: {error}"));
        }
    }
    Ok((shape, broken))
}

/// The shape of the first lines: by record, because there may be commas and comments between them.
fn shape_of_lines(sources: &[String], common: &Settings) -> Result<Shape, ExportError> {
    let mut reader = Reader::open(common, sources, SourceNo(0))?;
    let mut shape = Shape::default();
    for _ in 0..CHUNKS {
        let Some(chunk) = reader.next_chunk()? else { break };
        texts(&chunk, &mut |text| {
            // What is broken is a finding of the check.
            let (_whole, _error) = shape.read(text.as_bytes());
        });
    }
    Ok(shape)
}

/// The text of an input.
struct Text {
    input: Input,
}

impl Read for Text {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.input.read(buf).map_err(|error| io::Error::other(error.to_string()))
    }
}
