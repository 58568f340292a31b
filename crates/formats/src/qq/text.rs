//! The text that QQ itself exports: a header, then a line with time, name and number, and the words behind it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use jiff::fmt::strtime::BrokenDownTime;

use super::super::codes::{self, reason};
use super::super::compose::{Part, refuse};
use super::super::node::Node;
use super::super::ordinary::{At, Cut, Ordinary, Tools, last};
use super::super::recognise::{Begins, head};
use super::super::settings::ChatKind;
use crate::export::cut::Lines;
use crate::export::{BrokenText, CHUNK, Chunk, Context, Cutter, ExportError, Found, Input, Origin, Pool};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Sink, codes as mapping_codes};
use crate::message::{Peer, Place, SourceNo};

/// QQ's own text.
#[derive(Default)]
pub(in super::super) struct QqText {
    chats: OnceLock<HashMap<String, Chat>>,
}

/// What a file is about.
#[derive(Debug, Clone, Default)]
struct Chat {
    name: String,
    /// Numbers of those who write, three at most.
    writers: Vec<String>,
    /// Whether there is a message at all.
    any: bool,
}

/// Whether a file begins as QQ's text does.
pub(in super::super) fn is_text(begins: &Begins<'_>) -> bool {
    let head: Vec<&str> = begins.text.lines().take(12).collect();
    head.iter().any(|line| line.starts_with("消息对象"))
        && head.iter().any(|line| line.starts_with("消息记录"))
}

/// Time, name and number of a line with which a message begins.
fn header(line: &str) -> Option<(&str, &str, &str)> {
    let (day, rest) = line.split_at_checked(10)?;
    let shape =
        day.bytes().enumerate().all(|(n, b)| if matches!(n, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let (clock, who) = rest.strip_prefix(' ')?.split_once(' ')?;
    if !shape || clock.matches(':').count() != 2 || !clock.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let time = &line[..10 + 1 + clock.len()];
    let who = who.trim_end();
    let (name, id) = match who.strip_suffix(')').and_then(|who| who.rsplit_once('(')) {
        Some(both) => both,
        None => who.strip_suffix('>').and_then(|who| who.rsplit_once('<'))?,
    };
    // The title that a group gives its member.
    let name = name.strip_prefix('【').and_then(|name| name.split_once('】')).map_or(name, |(_, name)| name);
    (!id.is_empty()).then_some((time, name, id))
}

fn begins(line: &[u8], _: bool) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| header(line.trim_end()).is_some())
}

/// The number of QQ itself.
const SYSTEM: &str = "10000";

impl Ordinary for QqText {
    const ENDINGS: &'static str = ".txt";
    const IS_TEXT: bool = true;

    fn belongs(&self, inside: &str) -> bool {
        super::super::ending(last(inside)) == "txt"
    }

    fn cut(&self, _: &str, _: &[u8]) -> Cut {
        Cut::Text(begins)
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut chats = HashMap::new();
        for file in found.iter().filter(|file| file.origin != Origin::Stdin) {
            let name = head(file)?.lines().take(20).find_map(|line| {
                Some(line.strip_prefix("消息对象")?.trim_start_matches([':', '：']).trim().to_owned())
            });
            let mut chat = Chat { name: name.unwrap_or_default(), ..Chat::default() };
            let mut input = Input::open(file, SourceNo(0), tools.export.encoding()?)?;
            let (mut lines, mut pool) = (Lines::new(tools.export.max_record), Pool::new(CHUNK));
            let context = std::sync::Arc::new(Context::default());
            while let Some(chunk) = lines.next(&mut input, &context, &mut pool)? {
                let text = String::from_utf8_lossy(&chunk.text);
                for (.., id) in text.lines().filter_map(header) {
                    chat.any = true;
                    if id != SYSTEM && chat.writers.len() < 3 && !chat.writers.iter().any(|known| known == id)
                    {
                        chat.writers.push(id.to_owned());
                    }
                }
            }
            chats.insert(file.path.clone(), chat);
        }
        // A second reading of the same files finds the same.
        self.chats.get_or_init(|| chats);
        Ok(())
    }

    fn record(&self, _: &Node<'_>, _: &At<'_>, _: &Tools, _: &mut dyn Sink) {}

    fn text(&self, chunk: &Chunk, tools: &Tools, sink: &mut dyn Sink) {
        let path = chunk.context.value("@path").unwrap_or_default();
        let chat = self.chats.get().and_then(|chats| chats.get(path)).cloned().unwrap_or_default();
        let mut told = HashSet::new();
        let lines: Vec<(usize, Cow<'_, str>)> = chunk
            .text
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| (line.len(), String::from_utf8_lossy(line)))
            .collect();
        let mut open: Option<(Place, &str, &str, &str, String)> = None;
        let (mut byte, mut line_no) = (chunk.first_byte, chunk.first_line);
        let mut stray = None;
        for (len, line) in &lines {
            let place = Place { source: chunk.source, line: line_no, byte, part: 0 };
            byte += *len as u64;
            line_no += 1;
            if matches!(line, Cow::Owned(_)) && chunk.context.broken_text == BrokenText::Refuse {
                refuse(sink, &mapping_codes::ENCODING_BROKEN, place, line);
                continue;
            }
            let words = line.trim_end_matches(['\n', '\r']);
            if let Some((time, name, id)) = header(words) {
                if let Some(done) = open.replace((place, time, name, id, String::new())) {
                    message(done, &chat, chunk, tools, &mut told, sink);
                }
            } else if let Some((.., said)) = &mut open {
                said.push_str(words);
                said.push('\n');
            } else if !words.trim().is_empty() {
                stray.get_or_insert(place);
            }
        }
        match open {
            Some(done) => message(done, &chat, chunk, tools, &mut told, sink),
            None => {
                // The lines in front of the first message tell of the chat.
                if let Some(place) = stray.filter(|_| !chat.any) {
                    refuse(sink, &codes::RECORD_INVALID, place, "no line with time, name and number");
                }
            }
        }
    }
}

fn message(
    (place, time, name, id, said): (Place, &str, &str, &str, String),
    chat: &Chat,
    chunk: &Chunk,
    tools: &Tools,
    told: &mut HashSet<String>,
    sink: &mut dyn Sink,
) {
    if id == SYSTEM {
        return sink.left_out(place, reason::SYSTEM_ROW);
    }
    let at = At::new(place, &chunk.context);
    if told.insert(id.to_owned()) {
        sink.person(Person::new(PersonKind::User, id, name, ""));
    }
    let others: Vec<&str> = chat.writers.iter().map(String::as_str).filter(|other| *other != id).collect();
    let me = tools.me();
    let peer = match (tools.composer.settings().about.chat, &others[..]) {
        (Some(ChatKind::Group), _) | (None, [_, _, ..]) => {
            sink.person(Person::new(PersonKind::Group, &chat.name, &chat.name, ""));
            Peer::Group(Cow::Borrowed(&*chat.name))
        }
        // Two write in many a group as well: what tells them apart is who exported.
        (Some(ChatKind::Direct), [other]) => Peer::User(Cow::Borrowed(*other)),
        (None, [other]) if me == Some(id) || me == Some(*other) => Peer::User(Cow::Borrowed(*other)),
        (Some(ChatKind::Direct) | None, []) if me.is_some_and(|me| me != id) => {
            Peer::User(Cow::Borrowed(me.unwrap_or_default()))
        }
        (None, [_]) => return refuse(sink, &codes::CHAT_KIND_UNKNOWN, place, &chat.name),
        _ => return refuse(sink, &codes::PEER_UNKNOWN, place, &chat.name),
    };
    let local = BrokenDownTime::parse("%Y-%m-%d %H:%M:%S", time).and_then(|time| time.to_datetime());
    let Ok(local) = local else { return refuse(sink, &codes::TIME_INVALID, place, time) };
    let Some(time) = tools.local.time(local, place, sink) else { return };
    let Some(mut draft) = Tools::draft(&at, "".into(), id.into(), peer, Some(time.0), sink) else { return };
    draft.nickname = Cow::Borrowed(name);
    tools.composer.send(draft, vec![Part::Text(said.trim_end().to_owned().into())], sink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_which_a_message_begins() {
        assert_eq!(header("2024-01-02 9:08:07 Ann(12345)"), Some(("2024-01-02 9:08:07", "Ann", "12345")));
        assert_eq!(
            header("2024-01-02 19:08:07 【群主】A (x)(1)"),
            Some(("2024-01-02 19:08:07", "A (x)", "1"))
        );
        assert_eq!(
            header("2024-01-02 9:08:07 Bob<b@x.example>"),
            Some(("2024-01-02 9:08:07", "Bob", "b@x.example"))
        );
        for line in [
            "2024-01-02 9:08:07 words",
            "2024-01-02",
            "2024-01-02 9 Ann(1)",
            "见 2024-01-02 9:08:07 A(1)",
            "",
        ] {
            assert_eq!(header(line), None, "{line}");
        }
    }
}
