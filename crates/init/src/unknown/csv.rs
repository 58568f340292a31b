//! Tables with columns of somebody's own, with names or without.

use super::{ENOUGH, Kinds, Ranked, Tick, Unknown, ranked};
use crate::document::{Document, strings};
use crate::export::{ExportError, Header, Reader, Settings};
use crate::guess::Answers;
use crate::message::SourceNo;
use crate::numbers::plural;
use crate::times::Times;

pub(super) fn look(
    (sources, common): (&[String], &Settings),
    reader: Reader,
    answers: &Answers,
    tick: Tick<'_>,
) -> Result<Unknown, ExportError> {
    let kinds = Kinds::read(reader, None, tick)?;
    if let Some(names) = kinds.tables.keys().map(|(columns, _)| columns).find(|columns| is_no_header(columns))
    {
        let mut found = headless((sources, common), answers, tick)?;
        let shown: Vec<String> =
            names.iter().map(|name| format!("`{}`", crate::finding::shorten(name))).collect();
        found.notes.insert(0, format!("the first row is no row of names but a record: {}", shown.join(", ")));
        return Ok(found);
    }
    Ok(describe(&kinds, Document::default(), answers))
}

fn headless(
    (sources, common): (&[String], &Settings),
    answers: &Answers,
    tick: Tick<'_>,
) -> Result<Unknown, ExportError> {
    let mut settings = common.clone();
    settings.csv.header = Header::Row(false);
    let kinds = Kinds::read(Reader::open(&settings, sources, SourceNo(0))?, None, tick)?;
    let mut export = Document::default();
    export.comment("the first row is a record: columns are called \"1\", \"2\", …");
    export.set("csv.header", &false.into());
    Ok(describe(&kinds, export, answers))
}

fn describe(kinds: &Kinds, mut export: Document, answers: &Answers) -> Unknown {
    let ranked = ranked(kinds, answers);
    let Some(Ranked { score, columns, kind, guess }) = ranked.first() else {
        return Unknown { title: "Nothing that can be read".to_owned(), ..Unknown::default() };
    };
    if columns.len() < 2 {
        let lines = kind.table.columns.first().map(|column| column.examples.clone()).unwrap_or_default();
        return plain_text(kind.count, &lines);
    }
    let delimiter = match kind.delimiter {
        Some(b'\t') => "tabs".to_owned(),
        Some(other) => format!("`{}`", char::from(other)),
        None => "commas".to_owned(),
    };
    let title = format!(
        "CSV with {delimiter} between {} columns: {} in {}",
        columns.len(),
        plural(kind.table.records, "row", "rows"),
        plural(kind.count, "file", "files")
    );
    let mut notes = Vec::new();
    let others = ranked.get(1..).unwrap_or_default();
    if !others.is_empty() {
        let globs = globs(&kind.files);
        export.comment("files with other columns are left out");
        export.set("include", &strings(globs.iter().map(String::as_str)));
        for Ranked { columns, kind: other, .. } in others {
            notes.push(format!(
                "{} other columns and {} left out: {} ({})",
                if other.count == 1 { "a file has" } else { "files have" },
                if other.count == 1 { "is" } else { "are" },
                other.files.first().map_or("", String::as_str),
                columns.iter().take(6).cloned().collect::<Vec<_>>().join(", "),
            ));
        }
    }
    if kinds.more > 0 {
        notes.push(format!(
            "{} with still other columns were not looked at",
            plural(kinds.more, "file", "files")
        ));
    }
    if *score < ENOUGH {
        notes.push("too little was recognised: fill in what is MISSING".to_owned());
    }
    Unknown { title, export, guess: Some(guess.clone()), shape: None, notes, to_do: Vec::new() }
}

/// Lines without columns: no CSV, and nothing that is known.
pub(super) fn plain_text(files: u64, lines: &[String]) -> Unknown {
    let shown: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
    Unknown {
        title: format!(
            "Lines of text in {}, in no format that is known here",
            plural(files, "file", "files")
        ),
        notes: vec![format!(
            "it begins so:\n{}\n  Make JSONL or CSV of it, with the names of `send_msg`: sendID, recvID or groupID, \
             sendTime, text",
            shown.join("\n")
        )],
        ..Unknown::default()
    }
}

/// Whether a row can't be one of names: one of its cells is a time or a number, or empty in most places.
fn is_no_header(columns: &[String]) -> bool {
    let is_time = |name: &String| {
        let mut times = Times::default();
        times.add(name);
        times.written().is_some()
    };
    columns.len() > 1
        && (columns.iter().any(is_time)
            || columns
                .iter()
                .any(|name| name.len() > 3 && name.bytes().all(|b| b.is_ascii_digit() || b == b'.')))
}

/// Globs that match these files of a folder and, as a rule, no others: their names, or what names have in
/// common.
fn globs(files: &[String]) -> Vec<String> {
    let mut names: Vec<String> = files
        .iter()
        .map(|path| format!("*{}", glob::Pattern::escape(path.rsplit('/').next().unwrap_or(path))))
        .collect();
    names.sort();
    names.dedup();
    names
}
