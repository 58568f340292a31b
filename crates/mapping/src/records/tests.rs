//! Records come out the same however the text was cut, and as a reader without any cleverness sees them.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Record, each};
use crate::Sink;
use crate::export::{Csv, Format, Found, Input, Layout, Origin, Plain, Pool, Settings};
use crate::finding::Finding;
use crate::message::{Message, Place, SourceNo};

/// A record with its line and byte.
type At = (u64, u64, String);

#[derive(Default)]
struct Findings(Vec<(u64, u64, &'static str)>);

impl Sink for Findings {
    fn message(&mut self, _: Message<'_>) {}
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, finding: Finding) {
        let place = finding.place.expect("findings of a file have a place");
        self.0.push((place.line, place.byte, finding.code.name));
    }
}

/// All records and findings of a text, cut into chunks of `size` bytes.
fn read(settings: &Settings, bytes: &[u8], size: usize) -> (Vec<At>, Vec<(u64, u64, &'static str)>) {
    let raw = Box::new(Cursor::new(bytes.to_vec()));
    let mut input =
        Input::from_reader("x".to_owned(), raw, SourceNo(7), settings.encoding().unwrap()).unwrap();
    let found = Found {
        path: "x".to_owned(),
        inside: "x".to_owned(),
        origin: Origin::Stdin,
        bytes: 0,
        modified: None,
    };
    let mut cutter = Plain::new(settings).unwrap().cutter(&mut input, &found).unwrap();
    let mut pool = Pool::new(size);
    let (mut records, mut findings) = (Vec::new(), Findings::default());
    while let Some(chunk) = cutter.next(&mut input, &Arc::default(), &mut pool).unwrap() {
        assert_eq!(chunk.source, SourceNo(7));
        for finding in &chunk.findings {
            findings.finding(finding.clone());
        }
        each(&chunk, &mut findings, &mut |place, record, _| {
            let text = match record {
                Record::Json(text) => text.to_owned(),
                Record::Row(row) => row.cells.iter().collect::<Vec<_>>().join("\u{1}"),
            };
            records.push((place.line, place.byte, text));
        });
        pool.give(chunk.text);
    }
    assert_eq!(input.consumed(), bytes.len() as u64);
    // Findings of a chunk come before those of its records.
    findings.0.sort_unstable();
    (records, findings.0)
}

/// The same records whatever the size of chunks; those are given back.
fn same(settings: &Settings, bytes: &[u8]) -> (Vec<At>, Vec<(u64, u64, &'static str)>) {
    let whole = read(settings, bytes, 1 << 20);
    for size in [1, 2, 3, 7, 16, 61, 256] {
        assert_eq!(read(settings, bytes, size), whole, "in chunks of {size}");
    }
    whole
}

fn of(format: Format) -> Settings {
    Settings { format, max_record: 1000, encoding: "utf-8".to_owned(), ..Settings::default() }
}

fn line_of(text: &str, byte: usize) -> u64 {
    text[..byte].matches('\n').count() as u64 + 1
}

/// Lines as they are, with blanks, brackets and commas around them.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\{\"a\":[0-9]{1,30}\\}",
        "\\{\"ä\":\"[a-zä{}\\[\\],]{0,40}\"\\},",
        "[ \t]{0,3}",
        Just("[".to_owned()),
        Just("]".to_owned()),
        "x[a-z\"\\\\]{0,20}",
    ];
    (prop::collection::vec((line, prop_oneof![Just("\n"), Just("\r\n")]), 0..40), any::<bool>()).prop_map(
        |(lines, end)| {
            let mut text: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect();
            if !end {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
            }
            text
        },
    )
}

/// What a reader without cleverness sees of lines.
fn naive_lines(text: &str) -> Vec<At> {
    let mut records = Vec::new();
    let mut at = 0;
    for (n, line) in text.split('\n').enumerate() {
        let record = line.trim().trim_end_matches(',');
        if !matches!(record, "" | "[" | "]") {
            let indent = line.len() - line.trim_start().len();
            records.push((n as u64 + 1, (at + indent) as u64, record.to_owned()));
        }
        at += line.len() + 1;
    }
    records
}

/// A CSV in any of its dialects, and the rows it should give.
fn table() -> impl Strategy<Value = (String, Csv, Vec<At>)> {
    let cell = prop_oneof![
        "[a-z ]{1,8}",
        "[a-z\"'\\\\;,|\t\r\n ä]{0,12}",
        Just("a\"b".to_owned()),
        Just("\"".to_owned()),
        Just("\n".to_owned()),
        Just(String::new()),
    ];
    let rows = prop::collection::vec(prop::collection::vec(cell, 3), 0..15);
    let dialect = (
        prop_oneof![Just(","), Just(";"), Just("tab"), Just("|")],
        prop_oneof![Just("\""), Just("'")],
        prop_oneof![Just(""), Just("\\")],
        prop_oneof![Just("\n"), Just("\r\n")],
        any::<bool>(),
    );
    (rows, dialect).prop_map(|(rows, (delimiter, quote, escape, end, always))| {
        let byte = if delimiter == "tab" { "\t" } else { delimiter };
        let mut text = ["a", "b", "c"].join(byte) + end;
        let mut expected = Vec::new();
        for row in rows {
            let at = (line_of(&text, text.len()), text.len() as u64);
            // The first cell is quoted if it is empty: an empty line is no row.
            let cells: Vec<String> = row
                .iter()
                .map(|cell| {
                    let needs = cell.contains([b'\n', b'\r'].map(char::from))
                        || cell.contains(byte)
                        || cell.contains(quote)
                        || cell.is_empty();
                    if !always && !needs {
                        return cell.clone();
                    }
                    let inner = if escape.is_empty() {
                        cell.replace(quote, &quote.repeat(2))
                    } else {
                        cell.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"))
                    };
                    format!("{quote}{inner}{quote}")
                })
                .collect();
            text += &cells.join(byte);
            text += end;
            expected.push((at.0, at.1, row.join("\u{1}")));
        }
        let csv = Csv {
            delimiter: delimiter.to_owned(),
            quote: quote.to_owned(),
            escape: escape.to_owned(),
            ..Csv::default()
        };
        (text, csv, expected)
    })
}

/// A JSON value of small size, as text with blanks anywhere.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?[0-9]{1,20}",
        "\"[a-z{}\\[\\]:, ä]{0,12}\"",
        Just(r#""a\"b\\""#.to_owned()),
        Just(r#""\u00e4\n""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(" ,\n "))),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\"\r\n:{v}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

/// A document with records in lists in chats, and what should come of it.
fn chats() -> impl Strategy<Value = (String, Vec<At>)> {
    let record = ("[a-z]{1,5}", json()).prop_map(|(k, v)| format!("{{\"{k}\": {v}}}"));
    let noise = prop::collection::vec(("[a-z]{1,3}_", json()), 0..3);
    let chat =
        (noise, prop::collection::vec(record, 0..6), prop_oneof![Just(","), Just(",\n"), Just("\n, ")]);
    (prop::collection::vec(chat, 0..5), json()).prop_map(|(chats, before)| {
        let mut text = format!("{{\"before\":{before},\n\"chats\":{{\"list\":[");
        let mut expected = Vec::new();
        for (n, (noise, records, between)) in chats.iter().enumerate() {
            text += if n > 0 { ",{" } else { "{" };
            for (key, value) in noise {
                text.extend(["\"", key, "\":", value, ","]);
            }
            text += "\"messages\":[";
            for (n, record) in records.iter().enumerate() {
                if n > 0 {
                    text += between;
                }
                expected.push((line_of(&text, text.len()), text.len() as u64, record.clone()));
                text += record;
            }
            text += "]}";
        }
        text += "]},\"after\":[{\"messages\":[{\"no\":1}]}]}";
        (text, expected)
    })
}

proptest! {
    #[test]
    fn lines_are_the_same_however_cut(text in lines()) {
        let (records, findings) = same(&of(Format::Jsonl), text.as_bytes());
        prop_assert_eq!(records, naive_lines(&text));
        prop_assert!(findings.is_empty() || text.is_empty());
    }

    #[test]
    fn rows_round_trip_in_every_dialect((text, csv, expected) in table()) {
        let (records, findings) = same(&Settings { csv, ..of(Format::Csv) }, text.as_bytes());
        prop_assert_eq!(findings, []);
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn records_in_nested_lists_are_found((text, expected) in chats()) {
        let settings = Settings {
            records: vec!["chats.list[].messages[]".to_owned()], max_record: 10_000, ..of(Format::Json)
        };
        let (records, findings) = same(&settings, text.as_bytes());
        prop_assert_eq!(findings, []);
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn values_one_after_the_other_are_found(values in prop::collection::vec(json(), 1..8), list in any::<bool>()) {
        let mut text = if list { "\n [".to_owned() } else { String::new() };
        let mut expected = Vec::new();
        for value in &values {
            // Without a list around, a list at the top is the list of records.
            if !list && value.starts_with('[') {
                continue;
            }
            expected.push((line_of(&text, text.len()), text.len() as u64, value.clone()));
            text += value;
            text += if list { "," } else { "\n" };
        }
        text += if list { "]" } else { " " };
        let (records, findings) = same(&Settings { max_record: 10_000, ..of(Format::Json) }, text.as_bytes());
        prop_assert_eq!(findings, []);
        prop_assert_eq!(records, expected);
    }

    /// Bytes that mean something in one format or another, in any order: no panic, an end, and the same
    /// however cut.
    #[test]
    fn garbage_is_the_same_however_cut(bytes in garbage(), format in formats(), records in paths()) {
        let records = if format == Format::Json { records } else { Vec::new() };
        let settings = Settings { records, max_record: 20, ..of(format) };
        same(&settings, &bytes);
    }
}

fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(b"{}[]\",:\\\n\r; \t#0a".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![Format::Jsonl, Format::Csv, Format::Json])
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(vec![]),
        Just(vec!["a[]".to_owned()]),
        Just(vec!["[]".to_owned()]),
        Just(vec!["*".to_owned(), "0[].a".to_owned()]),
    ]
}
