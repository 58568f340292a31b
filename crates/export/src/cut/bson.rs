//! Documents of a database's dump (`mongodump`): BSON, one document after the other, each with its length in front.
//! They become a line of JSON each, as `mongoexport` would write them.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Chunk, Context, Cutter, ExportError, Input, Pool, Shape};
use crate::codes;
use crate::finding::Finding;
use crate::json::MAX_DEPTH;
use crate::message::Place;
use crate::window::Window;

/// Cuts behind documents, and makes JSON of them. Lines are counted as documents.
pub struct Bson {
    window: Option<Window>,
    max: usize,
    documents: u64,
    /// Bytes of JSON so far: records are told by where they stand in it.
    converted: u64,
    done: bool,
}

impl Bson {
    /// One record a document, none longer than `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { window: None, max, documents: 0, converted: 0, done: false }
    }
}

/// Whether bytes begin as a dump does: a document whose first member is `_id`.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.get(5..9) == Some(b"_id\0") && matches!(head[4], 0x01..=0x13)
}

impl Cutter for Bson {
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError> {
        if self.done {
            return Ok(None);
        }
        let window = self.window.get_or_insert_with(|| Window::new(input));
        let (mut text, mut findings) = (String::new(), Vec::new());
        let (first_line, first_byte) = (self.documents + 1, self.converted);
        while text.len() < pool.size() {
            // What is left moves to the front then: not for each document, of which a megabyte has thousands.
            if window.text().len() < 4 {
                window.fill(input, pool.size().max(4))?;
            }
            let place = Place { source: input.no(), line: self.documents + 1, byte: window.byte(), part: 0 };
            let mut broken = |why: &str| findings.push(Finding::new(&codes::JSON_STRUCTURE, place, why));
            let Some(len) = window.text().first_chunk().map(|len| u32::from_le_bytes(*len) as usize) else {
                self.done = true;
                if !window.text().is_empty() {
                    broken("the dump ends inside the length of a document");
                }
                break;
            };
            if len < 5 || len > self.max.min(1 << 30) {
                self.done = true;
                broken("no document begins here: its length can't be");
                break;
            }
            if window.text().len() < len {
                window.fill(input, len.max(pool.size()))?;
            }
            if window.text().len() < len {
                self.done = true;
                broken("the dump ends inside a document");
                break;
            }
            let before = text.len();
            if document(&mut Bytes(&window.text()[4..len]), false, 0, &mut text).is_none() {
                text.truncate(before);
                broken("this document is no BSON");
            }
            text.push('\n');
            window.skip(len);
            self.documents += 1;
        }
        self.converted += text.len() as u64;
        if text.is_empty() && findings.is_empty() {
            return Ok(None);
        }
        Ok(Some(Chunk {
            first: false,
            source: input.no(),
            shape: Shape::Lines,
            first_line,
            first_byte,
            text: text.into_bytes(),
            spans: Vec::new(),
            context: Arc::clone(context),
            findings,
        }))
    }
}

/// What is left of a document.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn len(&mut self) -> Option<usize> {
        usize::try_from(i32::from_le_bytes(self.array()?)).ok()
    }

    /// Up to the next zero.
    pub(crate) fn name(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(0, self.0)?;
        let name = std::str::from_utf8(self.take(end)?).ok()?;
        self.take(1)?;
        Some(name)
    }

    /// With its length in front and a zero behind.
    pub(crate) fn string(&mut self) -> Option<std::borrow::Cow<'a, str>> {
        let len = self.len()?.checked_sub(1)?;
        let text = String::from_utf8_lossy(self.take(len)?);
        self.take(1)?;
        Some(text)
    }
}

/// The members of a document, behind its length; `None` where it is none.
fn document(bytes: &mut Bytes<'_>, list: bool, depth: u32, out: &mut String) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    out.push(if list { '[' } else { '{' });
    let mut first = true;
    loop {
        let [kind] = bytes.array()?;
        if kind == 0 {
            break;
        }
        let name = bytes.name()?;
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        if !list {
            quoted(name, out);
            out.push(':');
        }
        value(kind, bytes, depth, out)?;
    }
    out.push(if list { ']' } else { '}' });
    Some(())
}

fn value(kind: u8, bytes: &mut Bytes<'_>, depth: u32, out: &mut String) -> Option<()> {
    let written = match kind {
        0x01 => match f64::from_le_bytes(bytes.array()?) {
            number if number.is_finite() => write!(out, "{number}"),
            _ => write!(out, "null"),
        },
        0x02 | 0x0d | 0x0e => {
            quoted(&bytes.string()?, out);
            return Some(());
        }
        0x03 | 0x04 => {
            bytes.len()?;
            return document(bytes, kind == 0x04, depth + 1, out);
        }
        // What is kept as bytes says nothing here.
        0x05 => {
            let len = bytes.len()?;
            bytes.take(len.checked_add(1)?)?;
            write!(out, "null")
        }
        0x07 => {
            let id: [u8; 12] = bytes.array()?;
            out.push_str("{\"$oid\":\"");
            id.iter().try_for_each(|byte| write!(out, "{byte:02x}")).and_then(|()| write!(out, "\"}}"))
        }
        0x08 => write!(out, "{}", bytes.array::<1>()? != [0]),
        0x09 => write!(out, "{{\"$date\":{{\"$numberLong\":\"{}\"}}}}", i64::from_le_bytes(bytes.array()?)),
        0x06 | 0x0a | 0x7f | 0xff => write!(out, "null"),
        0x0b => {
            bytes.name()?;
            bytes.name()?;
            write!(out, "null")
        }
        0x10 => write!(out, "{}", i32::from_le_bytes(bytes.array()?)),
        0x11 | 0x12 => write!(out, "{}", i64::from_le_bytes(bytes.array()?)),
        0x13 => {
            bytes.take(16)?;
            write!(out, "null")
        }
        _ => return None,
    };
    written.ok()
}

/// A text of JSON: of a dump they are most bytes.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x20.. => continue,
            _ => "",
        };
        out.push_str(&text[plain..at]);
        out.push_str(escaped);
        if escaped.is_empty() {
            write!(out, "\\u{byte:04x}").expect("a text takes everything");
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SourceNo;

    fn member(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
        [&[kind], name.as_bytes(), &[0], value].concat()
    }

    fn doc(members: &[Vec<u8>]) -> Vec<u8> {
        let inner = members.concat();
        let len = u32::try_from(inner.len() + 5).unwrap();
        [&len.to_le_bytes()[..], &inner, &[0]].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        let len = u32::try_from(text.len() + 1).unwrap();
        [&len.to_le_bytes()[..], text.as_bytes(), &[0]].concat()
    }

    fn read(bytes: &[u8], size: usize) -> (String, Vec<String>) {
        let from = Box::new(std::io::Cursor::new(bytes.to_vec()));
        let mut input = Input::from_reader("msg.bson".to_owned(), from, SourceNo(0), None).unwrap();
        let (mut cutter, mut pool) = (Bson::new(1 << 20), Pool::new(size));
        let (mut all, mut findings) = (String::new(), Vec::new());
        while let Some(chunk) = cutter.next(&mut input, &Arc::new(Context::default()), &mut pool).unwrap() {
            all += std::str::from_utf8(&chunk.text).unwrap();
            findings.extend(chunk.findings.iter().map(|f| format!("{} {}", f.place.unwrap().byte, f.value)));
        }
        assert!(input.take_findings().is_empty());
        (all, findings)
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        let all: String =
            (0..0x180_u32).chain([0x2028, 0xfeff, 0x1_f600]).filter_map(char::from_u32).collect();
        let mut out = String::new();
        quoted(&all, &mut out);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), all);
    }

    #[test]
    fn documents_become_lines_of_json() {
        let one = doc(&[
            member(0x07, "_id", &[0xab; 12]),
            member(0x02, "t", &text("a\"ü\n")),
            member(0x12, "n", &(1_i64 << 60).to_le_bytes()),
            member(0x10, "i", &(-3_i32).to_le_bytes()),
            member(0x01, "f", &1.5_f64.to_le_bytes()),
            member(0x08, "b", &[1]),
            member(0x0a, "z", &[]),
            member(0x09, "d", &1_700_000_000_000_i64.to_le_bytes()),
            member(0x04, "l", &doc(&[member(0x03, "0", &doc(&[])), member(0x0a, "1", &[])])),
            member(0x05, "x", &[2, 0, 0, 0, 0, 1, 2]),
        ]);
        assert!(begins(&one));
        let json = "{\"_id\":{\"$oid\":\"abababababababababababab\"},\"t\":\"a\\\"ü\\n\",\"n\":1152921504606846976,\"i\":-3,\"f\":1.5,\"b\":true,\"z\":null,\"d\":{\"$date\":{\"$numberLong\":\"1700000000000\"}},\"l\":[{},null],\"x\":null}\n";
        for size in [1, 1 << 16] {
            assert_eq!(read(&one.repeat(3), size), (json.repeat(3), Vec::new()));
        }
    }

    #[test]
    fn what_is_broken_is_named_with_its_byte() {
        let one = doc(&[member(0x0a, "_id", &[])]);
        let cut = [one.clone(), one[..one.len() - 3].to_vec()].concat();
        assert_eq!(read(&cut, 1).1, [format!("{} the dump ends inside a document", one.len())]);
        let odd = doc(&[member(0x0a, "_id", &[]), member(0x55, "a", &[])]);
        let (all, findings) = read(&[odd, one].concat(), 1 << 16);
        assert_eq!((all.as_str(), findings.len()), ("\n{\"_id\":null}\n", 1));
        let deep = (0..MAX_DEPTH + 10).fold(doc(&[]), |inner, _| doc(&[member(0x03, "_id", &inner)]));
        assert_eq!(read(&deep, 1).1, ["0 this document is no BSON"]);
        assert_eq!(
            read(&[0, 0, 0, 0, 7, b'_', b'i', b'd', 0], 1).1,
            ["0 no document begins here: its length can't be"]
        );
    }
}
