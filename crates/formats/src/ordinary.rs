//! Formats of ordinary shape: records that stand each on their own, as values of JSON or rows of a CSV. Such a format
//! says which files are its own, how they are cut, and what becomes of a record; the rest is here.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use super::codes::{self, reason};
use super::compose::{Composer, Draft, invalid, refuse};
use super::local::Local;
use super::node::Node;
use crate::export::cut::{Begins, Bson, Cutter, Json, Lines, Rows};
use crate::export::{
    self, CHUNK, Chunk, Context, Dialect, ExportError, Found, Input, Layout, Origin, Pool, RecordPath,
};
use crate::mapping::{Mapper, Record as Raw, Sink, codes as mapping_codes, each};
use crate::message::{Peer, Place, SendTime, SourceNo};

/// What an ordinary format knows.
pub(super) trait Ordinary: Send + Sync + 'static {
    /// What its files are called, for the message when there are none.
    const ENDINGS: &'static str;

    /// Whether its records are plain text, for [`Ordinary::text`].
    const IS_TEXT: bool = false;

    /// Columns of its tables, where it has some: all of one of these sets must be there.
    const COLUMNS: &'static [&'static [&'static str]] = &[];

    /// Where messages are in documents that are all of one shape, and called `.json`; such a format needs neither
    /// `belongs` nor `cut`.
    const MESSAGES: &'static [&'static str] = &[];

    /// Whether a file of a folder or archive belongs to it. Hidden files and those of macOS are not asked about.
    fn belongs(&self, inside: &str) -> bool {
        if !Self::MESSAGES.is_empty() {
            return super::ending(last(inside)) == "json";
        }
        matches!(&*super::ending(last(inside)), "json" | "jsonl" | "ndjson")
            || super::unpacked(inside).len() < inside.len()
    }

    /// How a file is cut, by its name and how it begins.
    fn cut(&self, _inside: &str, _head: &[u8]) -> Cut {
        Cut::Json(Self::MESSAGES)
    }

    /// Looks at the files before they are read.
    fn arrange(&self, _found: &mut Vec<Found>, _tools: &Tools) -> Result<(), ExportError> {
        Ok(())
    }

    /// What stands in a line of JSON before the value itself is cut off here.
    fn trim<'t>(&self, line: &'t str) -> &'t str {
        line
    }

    /// What becomes of a record.
    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink);

    /// What becomes of the lines of a chunk that [`Cut::Text`] cut.
    fn text(&self, _chunk: &Chunk, _tools: &Tools, _sink: &mut dyn Sink) {}
}

/// Where pictures of people stand by their ids, each a record of its own: behind the messages, or in a file.
pub(super) const AVATARS: &str = "avatars.*";
/// The same in a file of nothing else.
pub(super) const ONLY_AVATARS: &str = "*";

/// How a file is cut.
pub(super) enum Cut {
    /// A value a line.
    Lines,
    /// Values where these paths lead; without a path every value at the top.
    Json(&'static [&'static str]),
    /// Rows, whose dialect is told by looking unless the settings say it.
    Csv(export::Csv),
    /// Documents of a database's dump.
    Bson,
    /// Lines, cut in front of those with which a record begins.
    Text(Begins),
}

/// Where a record stands.
pub(super) struct At<'c> {
    pub(super) place: Place,
    /// What the file and the objects around it say.
    pub(super) around: &'c Context,
    /// Whether what holds for all records of the chunk was told.
    pub(super) told: Option<&'c Cell<bool>>,
}

impl<'c> At<'c> {
    /// Of a record whose chunk nobody counts.
    pub(super) fn new(place: Place, around: &'c Context) -> Self {
        Self { place, around, told: None }
    }

    /// Whether it is asked for the first time in this chunk. What is said of a chat in front of all its messages, its
    /// picture of up to 64 KiB of text, is told then, and not for each of them.
    pub(super) fn is_first(&self) -> bool {
        self.told.is_none_or(|told| !told.replace(true))
    }

    /// What the file or an object around the record says; empty where nothing does.
    pub(super) fn around(&self, name: &str) -> &str {
        self.around.value(name).unwrap_or_default()
    }

    /// Whose picture it is, where the record is one.
    fn avatar_of(&self) -> &str {
        self.around.value(AVATARS).unwrap_or_else(|| self.around(ONLY_AVATARS))
    }
}

/// What every format works with.
pub(super) struct Tools {
    pub(super) composer: Composer,
    pub(super) local: Local,
    pub(super) export: export::Settings,
}

/// Both halves of an ordinary format.
pub(super) struct Ordinarily<F> {
    pub(super) format: F,
    pub(super) tools: Tools,
}

impl Tools {
    /// Who "me" is, if the settings say it.
    pub(super) fn me(&self) -> Option<&str> {
        self.composer.settings().about.me.as_deref()
    }

    /// Calls `take` for every record of a file: the first reading of formats that read twice. What is wrong with
    /// a record the second one says.
    pub(super) fn each_record<F: Ordinary>(
        &self,
        format: &F,
        file: &Found,
        take: &mut dyn FnMut(Raw<'_>, &Context),
    ) -> Result<(), ExportError> {
        if file.origin == Origin::Stdin {
            return Ok(());
        }
        let mut input = Input::open(file, SourceNo(0), self.export.encoding()?)?;
        let mut cutter = self.cutter(format, &mut input, file)?;
        let (mut pool, context) = (Pool::new(CHUNK), Arc::new(Context::default()));
        while let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
            each(&chunk, &mut super::Ignore, &mut |_, raw, _| take(raw, &chunk.context));
            pool.give(chunk.text);
        }
        Ok(())
    }

    /// The same, with the text of records of JSON.
    pub(super) fn survey<F: Ordinary>(
        &self,
        format: &F,
        file: &Found,
        take: &mut dyn FnMut(&str, &Context),
    ) -> Result<(), ExportError> {
        self.each_record(format, file, &mut |raw, context| {
            if let Raw::Json(text) = raw {
                take(format.trim(text), context);
            }
        })
    }

    fn cutter<F: Ordinary>(
        &self,
        format: &F,
        input: &mut Input,
        found: &Found,
    ) -> Result<Box<dyn Cutter>, ExportError> {
        let max = self.export.max_record;
        Ok(match format.cut(&found.inside, input.head()) {
            Cut::Lines => Box::new(Lines::new(max)),
            Cut::Text(begins) => Box::new(Lines::grouped(max, begins)),
            Cut::Bson => Box::new(Bson::new(max)),
            Cut::Json(paths) => {
                // Blanks and commas alone are no error of JSON, and no record either.
                let head = input.head();
                let nothing = input.head_is_all() && !head.iter().any(|byte| b"[{".contains(byte));
                if paths.is_empty() && nothing && !head.trim_ascii().is_empty() {
                    input.note(&codes::RECORD_INVALID, "nothing here is JSON");
                }
                let paths = paths.iter().map(|p| RecordPath::parse(p).expect("a constant that is a path"));
                Box::new(Json::new(max, paths.collect()))
            }
            Cut::Csv(csv) => {
                let settings = export::Settings { csv: csv.clone(), ..self.export.clone() };
                let dialect = Dialect::new(&settings, input.head())?;
                let (mut header, mut second) = (::csv::StringRecord::new(), ::csv::ByteRecord::new());
                let mut reader = dialect.reader(input.head());
                // From memory nothing fails but text that is no UTF-8, of which the records will speak.
                if !reader.read_record(&mut header).unwrap_or(false) {
                    header.clear();
                }
                let rows = reader.read_byte_record(&mut second).unwrap_or(true);
                if csv.header == export::Header::Row(true)
                    && input.head_is_all()
                    && !rows
                    && !header.is_empty()
                {
                    input.note(&export::codes::FILE_EMPTY, &found.inside);
                }
                let columns: Vec<String> = header.iter().map(str::to_owned).collect();
                if let Some(missing) = missing(&columns, F::COLUMNS).filter(|_| !input.head().is_empty()) {
                    input.note(&mapping_codes::COLUMN_MISSING, missing);
                }
                Box::new(Rows::new(max, csv, dialect))
            }
        })
    }

    /// A message as far as all formats have it; what is missing is said.
    pub(super) fn draft<'a>(
        at: &At<'_>,
        id: Cow<'a, str>,
        sender: Cow<'a, str>,
        peer: Peer<'a>,
        time: Option<i64>,
        sink: &mut dyn Sink,
    ) -> Option<Draft<'a>> {
        let peer_id = match &peer {
            Peer::User(id) | Peer::Group(id) => id,
        };
        let missing = match (sender.is_empty(), peer_id.is_empty(), time) {
            (true, ..) => &codes::SENDER_MISSING,
            (_, true, _) => &codes::CONVERSATION_UNKNOWN,
            (_, _, None) => &codes::TIME_INVALID,
            (_, _, Some(time)) => return Some(Draft::new(at.place, id, sender, peer, SendTime(time))),
        };
        refuse(sink, missing, at.place, &id);
        None
    }
}

/// A record as a tree.
pub(super) fn node<'r, F: Ordinary>(format: &F, raw: Raw<'r>) -> Result<Node<'r>, serde_json::Error> {
    match raw {
        Raw::Row(row) => Ok(Node::of_row(row)),
        Raw::Json(text) => serde_json::from_str(format.trim(text)),
    }
}

impl<F: Ordinary> Mapper for Ordinarily<F> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        if F::IS_TEXT {
            return self.format.text(chunk, &self.tools, sink);
        }
        // That a column is missing was said when the file was opened.
        let table = chunk.context.table.as_ref();
        if table.is_some_and(|table| missing(&table.columns, F::COLUMNS).is_some()) {
            return;
        }
        let told = Cell::new(false);
        each(chunk, sink, &mut |place, raw, sink| {
            let at = At { told: Some(&told), ..At::new(place, &chunk.context) };
            match node(&self.format, raw) {
                Ok(record) if record.is_object() => self.format.record(&record, &at, &self.tools, sink),
                Ok(Node::Text(face)) if !at.avatar_of().is_empty() => {
                    self.tools.composer.face_of(at.avatar_of(), &face, place, sink);
                    sink.left_out(place, reason::DIRECTORY_ROW);
                }
                Ok(_) => refuse(sink, &codes::RECORD_INVALID, place, "it is no object"),
                Err(error) => invalid(sink, place, &error),
            }
        });
    }
}

impl<F: Ordinary> Layout for Ordinarily<F> {
    fn belongs(&self, inside: &str) -> bool {
        let hidden = inside.split('/').any(|part| part.starts_with('.') || part.starts_with("__"));
        !hidden && self.format.belongs(inside)
    }

    fn endings(&self) -> String {
        F::ENDINGS.to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        self.format.arrange(found, &self.tools)
    }

    fn cutter(&self, input: &mut Input, found: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        self.tools.cutter(&self.format, input, found)
    }
}

/// A column that a table lacks: of the set of which most are there.
fn missing(columns: &[String], sets: &[&'static [&'static str]]) -> Option<&'static str> {
    let row = Node::Object(columns.iter().map(|name| ((&**name).into(), Node::Flag(true))).collect());
    let lacks = |name: &&&'static str| !row.get_loosely(name).is_true();
    let best = sets.iter().min_by_key(|set| set.iter().filter(lacks).count())?;
    best.iter().find(lacks).copied()
}

/// The name of a file without its folders and the ending of its packing.
pub(super) fn file(inside: &str) -> &str {
    super::unpacked(last(inside))
}

/// The name of a file without its folders.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Lines where each is a value; else one list, or values one after another.
pub(super) fn lines_or_json(head: &[u8]) -> Cut {
    let first = head.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let first = first.trim_ascii();
    let first = first.strip_suffix(b",").unwrap_or(first);
    // A line longer than what was looked at is a line all the same.
    let cut_off = first.len() + 2 >= head.len() && first.len() > 32 << 10;
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
    if first.starts_with(b"{") && (whole || cut_off) { Cut::Lines } else { Cut::Json(&[]) }
}

#[cfg(test)]
mod tests;
