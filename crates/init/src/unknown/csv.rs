//! Tables with columns of somebody's own, with names or without.

use super::{ENOUGH, Kinds, Ranked, Tick, Unknown, WHOLE, ranked};
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
    let (mut notes, mut to_do) = (Vec::new(), Vec::new());
    let others = ranked.get(1..).unwrap_or_default();
    if !others.is_empty() {
        let globs = globs(&kind.files);
        export.comment("files with other columns are left out");
        export.set("include", &strings(globs.iter().map(String::as_str)));
        for Ranked { columns, kind: other, score, .. } in others {
            if *score >= WHOLE {
                to_do.push(format!(
                    "other columns: {} looks like messages too ({}), and is not read: make a [[source]] of each kind, or take \
                     this line out",
                    other.files.first().map_or("", String::as_str),
                    plural(other.table.records, "row", "rows"),
                ));
                continue;
            }
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
    Unknown { title, export, guess: Some(guess.clone()), shape: None, notes, to_do }
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

#[cfg(test)]
mod tests {
    use crate::guess::Answers;

    #[test]
    fn a_second_kind_of_table_is_asked_about_where_it_has_messages_and_else_said() {
        let said = |other: &str| {
            let dir = tempfile::tempdir().unwrap();
            let messages = "id,room,from,at,text\n1,k,ann,2024-03-01T09:00:00Z,tea now?\n2,k,bo,2024-03-01T09:01:00Z,yes please\n";
            fs_err::write(dir.path().join("a.csv"), messages).unwrap();
            fs_err::write(dir.path().join("b.csv"), other).unwrap();
            let sources = [dir.path().to_string_lossy().into_owned()];
            let found = crate::look(&sources, &Answers::default(), &mut |_, _| {}).unwrap();
            (found.to_do.len(), found.notes.len())
        };
        let old = "author,sent_at,body,channel\nann,2023-03-01T09:00:00Z,the old ones,k\nbo,2023-03-01T09:05:00Z,have other columns,k\n";
        assert_eq!(said(old), (1, 0));
        assert_eq!(said("item,price\npen,3\nink,7\n"), (0, 1));
    }
}
