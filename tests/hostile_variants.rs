//! Variants of every format's fixture, made by rule: a value of another type, a value without end, a file that breaks off, a
//! file of another format beside it. None may panic, none may cost more than its own record, none may go unsaid.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use openim_importer::export::{self, ExportError, Reader};
use openim_importer::finding::{Finding, Severity};
use openim_importer::formats::{self, Format, Settings};
use openim_importer::mapping::Sink;
use openim_importer::message::{Message, Place, SourceNo};
use serde_json::Value;

use crate::support::formats::sample;

/// What came of an export: messages, whatever was said, and of how many records something was said or made.
#[derive(Debug, Default)]
struct Outcome {
    messages: usize,
    records: BTreeSet<(SourceNo, u64)>,
    /// Errors and warnings about files, which have no place.
    of_files: usize,
    errors: usize,
}

impl Sink for Outcome {
    fn message(&mut self, message: Message<'_>) {
        self.messages += 1;
        let place = message.place;
        self.records.insert((place.source, place.byte));
        // Whatever came in, what goes out is an object.
        serde_json::from_str::<serde_json::Map<String, Value>>(&message.content).unwrap();
    }

    fn left_out(&mut self, place: Place, _: &'static str) {
        self.records.insert((place.source, place.byte));
    }

    fn finding(&mut self, finding: Finding) {
        self.errors += usize::from(finding.code.severity == Severity::Error);
        match finding.place {
            Some(place) => drop(self.records.insert((place.source, place.byte))),
            None => self.of_files += 1,
        }
    }
}

/// Reads a folder; a record may have `max_record` bytes.
fn read(format: Format, folder: &Path, max_record: usize) -> Result<Outcome, ExportError> {
    let export = export::Settings { max_record, ..export::Settings::default() };
    let mut settings = Settings::default();
    settings.about.zone = Some("UTC".to_owned());
    let preset = formats::open(format, &export, settings).unwrap();
    let mut reader =
        Reader::with(&export, preset.layout, &[folder.to_string_lossy().into_owned()], SourceNo(0))?;
    let mut outcome = Outcome::default();
    while let Some(chunk) = reader.next_chunk()? {
        chunk.findings.iter().for_each(|finding| outcome.finding(finding.clone()));
        preset.mapper.map(&chunk, &mut outcome);
        reader.recycle(chunk.text);
    }
    // What was not read is counted by reason, and said by `check`.
    outcome.of_files += usize::try_from(reader.unread().count()).unwrap();
    Ok(outcome)
}

fn fixture(format: Format) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(sample(format).1);
    fs_err::read_to_string(path).unwrap()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
}

/// A fixture taken apart: JSON with the places of its values, rows of CSV, or lines.
enum Parts {
    Json(String, Vec<Range<usize>>),
    Rows(Vec<csv::StringRecord>),
    Lines(Vec<String>),
}

impl Parts {
    fn of(format: Format) -> Self {
        let text = fixture(format);
        let text = text.trim_start_matches('\u{feff}');
        let name = sample(format).0;
        if Path::new(name).extension().is_some_and(|ending| ending == "csv") {
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            return Self::Rows(reader.records().map(Result::unwrap).collect());
        }
        if text.starts_with(['{', '[']) {
            return Self::Json(text.to_owned(), values(text));
        }
        Self::Lines(text.lines().map(str::to_owned).collect())
    }

    /// How many values it has that can be another.
    fn values(&self) -> usize {
        match self {
            Self::Json(_, values) => values.len(),
            Self::Rows(rows) => rows.iter().map(csv::StringRecord::len).sum(),
            Self::Lines(lines) => lines.len(),
        }
    }

    /// The whole as a file, with the n-th value replaced.
    fn with(&self, n: usize, value: &Value) -> String {
        let mut n = Some(n);
        match self {
            Self::Json(text, values) => {
                let mut text = text.clone();
                if let Some(at) = n.and_then(|n| values.get(n)) {
                    text.replace_range(at.clone(), &value.to_string());
                }
                text
            }
            Self::Rows(rows) => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                for row in rows {
                    for cell in row {
                        let is_it = n == Some(0);
                        n = n.and_then(|n| n.checked_sub(1));
                        writer.write_field(if is_it { &text } else { cell }).unwrap();
                    }
                    writer.write_record(None::<&[u8]>).unwrap();
                }
                String::from_utf8(writer.into_inner().unwrap()).unwrap()
            }
            Self::Lines(lines) => {
                let mut lines = lines.clone();
                if let Some(line) = n.and_then(|n| lines.get_mut(n)) {
                    *line = match value {
                        Value::String(text) => format!("{line}{text}"),
                        other => other.to_string(),
                    };
                }
                lines.join("\n") + "\n"
            }
        }
    }

    /// Whether the n-th value is a name of a column, or the first line, behind comments.
    fn is_first(&self, n: usize) -> bool {
        match self {
            Self::Rows(rows) => n < rows[0].len(),
            Self::Lines(lines) => lines[..n.min(lines.len())].iter().all(|line| line.starts_with('#')),
            Self::Json(..) => false,
        }
    }

    /// Whether the n-th value is one that says what the file is: names of columns, a first line, what stands in front of
    /// the first record.
    fn is_head(&self, n: usize, whole: &Outcome) -> bool {
        match self {
            Self::Json(_, values) => {
                let first = whole.records.first().map_or(0, |(_, byte)| usize::try_from(*byte).unwrap());
                values[n].end <= first
            }
            _ => self.is_first(n),
        }
    }
}

/// Where the texts, numbers and words of some JSON stand that are values and no keys.
fn values(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        at += 1;
        match bytes[start] {
            b'"' => {
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if !text[at..].trim_start().starts_with(':') {
                    found.push(start..at);
                }
            }
            byte if byte == b'-' || byte.is_ascii_alphanumeric() => {
                while at < bytes.len() && (b"+-.".contains(&bytes[at]) || bytes[at].is_ascii_alphanumeric()) {
                    at += 1;
                }
                found.push(start..at);
            }
            _ => {}
        }
    }
    found
}

/// What may stand where something else is expected.
fn odd_values() -> Vec<Value> {
    [
        "null",
        "true",
        "-1",
        "0",
        "1e300",
        "18446744073709551616",
        "-9223372036854775808",
        "\"\"",
        "\"x\\u0000\\ud83d\\ude00\"",
        "\"18446744073709551616\"",
        "[]",
        "{}",
        "[[{}],null]",
        "{\"$numberLong\":\"1700000000000\"}",
        "{\"$numberLong\":{}}",
        "{\"text\":{\"text\":[]}}",
    ]
    .iter()
    .map(|text| serde_json::from_str(text).unwrap())
    .collect()
}

/// So many variants of each format, or all.
fn other_types(of_each: usize) {
    let mut random = fastrand::Rng::with_seed(24);
    let odd = odd_values();
    for format in Format::ALL {
        let parts = Parts::of(*format);
        let name = sample(*format).0;
        let folder = tempfile::tempdir().unwrap();
        let (values, all) = (parts.values(), parts.values() * odd.len());
        // The same text, put together anew: that is what the variants are compared with.
        put(folder.path(), name, parts.with(values, &Value::Null).as_bytes());
        let whole = read(*format, folder.path(), 1 << 20).unwrap();
        assert!(!whole.records.is_empty(), "{}: {whole:?}", format.name());
        for step in 0..of_each.min(all) {
            let pick = if of_each >= all { step } else { random.usize(..all) };
            let (at, value) = (pick / odd.len(), &odd[pick % odd.len()]);
            put(folder.path(), name, parts.with(at, value).as_bytes());
            let about = || format!("{}, value {at} is {value}", format.name());
            match read(*format, folder.path(), 1 << 20) {
                // All records rest on it: either none is missed, or an error says what is wrong.
                Ok(got) if parts.is_head(at, &whole) && got.errors > whole.errors => {}
                // One record can say less (a list of users, an edit that names its message), but it can't be silent, and
                // neither can its neighbours.
                Ok(got) => assert!(
                    got.records.len() + got.of_files + 1 >= whole.records.len(),
                    "{}: of {} records {} are left\n{got:?}",
                    about(),
                    whole.records.len(),
                    got.records.len()
                ),
                Err(error) => assert!(!error.to_string().is_empty(), "{}", about()),
            }
        }
    }
}

#[test]
fn a_value_of_another_type_costs_no_more_than_its_record() {
    other_types(30);
}

#[test]
#[ignore = "full size: each of 16 values at each place of each fixture; `cargo test --test tests hostile_variants -- --ignored`"]
fn every_value_of_every_type() {
    other_types(usize::MAX);
}

#[test]
fn a_file_that_breaks_off_says_so_or_gives_what_is_whole() {
    for format in Format::ALL {
        let text = fixture(*format);
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), sample(*format).0, text.as_bytes());
        let whole = read(*format, folder.path(), 1 << 20).unwrap();
        for part in 1..12 {
            let mut end = text.len() * part / 12;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            put(folder.path(), sample(*format).0, &text.as_bytes()[..end]);
            match read(*format, folder.path(), 1 << 20) {
                Ok(got) => {
                    assert!(got.messages <= whole.messages, "{} at {end}: {got:?}", format.name());
                    assert!(
                        got.records.len() + got.of_files > 0,
                        "{} at {end}: nothing is said",
                        format.name()
                    );
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn what_is_too_long_is_named_and_costs_no_other_record() {
    // Three times what a record may have here.
    let long = Value::String("a".repeat(3 << 16));
    for format in Format::ALL {
        let parts = Parts::of(*format);
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), sample(*format).0, parts.with(parts.values(), &Value::Null).as_bytes());
        let whole = read(*format, folder.path(), 1 << 16).unwrap();
        // What is in front of all records is told by how the file begins: that is `hostile_formats`' matter.
        for at in places(&parts).into_iter().filter(|at| !parts.is_head(*at, &whole)) {
            put(folder.path(), sample(*format).0, parts.with(at, &long).as_bytes());
            match read(*format, folder.path(), 1 << 16) {
                Ok(got) => assert!(
                    got.records.len() + got.of_files + 1 >= whole.records.len(),
                    "{}, value {at}: {got:?}\nwhole: {whole:?}",
                    format.name()
                ),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// Some places of a fixture: the first, the last, and what lies between.
fn places(parts: &Parts) -> BTreeSet<usize> {
    let all = parts.values();
    (0..7).map(|part| part * (all - 1) / 6).collect()
}

#[test]
fn a_file_of_another_format_beside_it_changes_nothing_or_is_named() {
    for (n, format) in Format::ALL.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), sample(*format).0, fixture(*format).as_bytes());
        let whole = read(*format, folder.path(), 1 << 20).unwrap();
        for away in [1, 5, 11] {
            let other = Format::ALL[(n + away) % Format::ALL.len()];
            let name = format!("zz-{}", Path::new(sample(other).0).file_name().unwrap().to_string_lossy());
            put(folder.path(), &name, fixture(other).as_bytes());
            let about = || format!("{} beside {}", other.name(), format.name());
            match read(*format, folder.path(), 1 << 20) {
                Ok(got) => {
                    assert_eq!(got.messages, whole.messages, "{}", about());
                    let said = got.records.len() + got.of_files > whole.records.len() + whole.of_files;
                    assert!(said, "{}: nothing is said of it", about());
                }
                Err(error) => assert!(error.to_string().contains("zz-"), "{}: {error}", about()),
            }
            fs_err::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

/// Each format through the binary, with a value of 200 MB in front of the messages, in the middle and at the end.
#[test]
#[ignore = "full size: 70 files of 200 MB, some minutes; `cargo test --test tests hostile_variants -- --ignored`"]
#[cfg(target_os = "linux")]
fn a_value_of_200_mb_is_read_within_200_mb() {
    let mark = "@LONG@";
    for format in Format::ALL {
        let parts = Parts::of(*format);
        let all = parts.values();
        for at in [0, all / 2, all - 1].into_iter().filter(|at| !parts.is_first(*at)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("export").join(sample(*format).0);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            let text = parts.with(at, &Value::String(mark.to_owned()));
            let (front, behind) = text.split_once(mark).unwrap();
            let mut file = fs_err::File::create(&path).unwrap();
            std::io::Write::write_all(&mut file, front.as_bytes()).unwrap();
            for _ in 0..200 {
                std::io::Write::write_all(&mut file, &vec![b'a'; 1 << 20]).unwrap();
            }
            std::io::Write::write_all(&mut file, behind.as_bytes()).unwrap();
            drop(file);
            let ended = crate::hostile_runs::check(
                folder.path(),
                &["export", "--format", format.name(), "--zone", "UTC", "--skip-invalid"],
            );
            println!("{} at {at} of {all}: exit {}, {} MB", format.name(), ended.code, ended.peak);
            assert!(ended.peak < 200, "{} at {at}: {} MB\n{}", format.name(), ended.peak, ended.said);
            assert!(!ended.said.contains("panicked"), "{}", ended.said);
        }
    }
}
