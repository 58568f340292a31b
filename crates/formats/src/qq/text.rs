//! The text that QQ itself exports: a header, then a line with time, name and number, and the words behind it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use jiff::fmt::strtime::BrokenDownTime;

use super::super::codes::{self, reason};
use super::super::compose::{Part, refuse};
use super::super::namesakes::{Namesakes, Sample};
use super::super::node::Node;
use super::super::ordinary::{At, Cut, Ordinary, Tools, last};
use super::super::recognise::Begins;
use super::super::settings::ChatKind;
use crate::export::cut::Lines;
use crate::export::{BrokenText, CHUNK, Chunk, Context, Cutter, ExportError, Found, Input, Origin, Pool};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Sink, codes as mapping_codes};
use crate::message::{Peer, Place, SourceNo};

/// QQ's own text.
#[derive(Default)]
pub(in super::super) struct QqText {
    /// The chats of each file, in their order.
    chats: OnceLock<HashMap<String, Vec<Chat>>>,
    namesakes: Namesakes,
}

/// A chat of a file: QQ writes all of them into one, if it is asked to.
#[derive(Debug, Default)]
struct Chat {
    /// Where its head begins, and what is said behind it.
    begin: u64,
    body: u64,
    name: String,
    /// Numbers of those who write, three at most.
    writers: Vec<String>,
    /// Whether there is a message at all.
    any: bool,
    sample: Sample,
}

impl Chat {
    /// What it is called among the files.
    fn key(&self, path: &str) -> String {
        if self.begin == 0 { path.to_owned() } else { format!("{path}:{}", self.begin) }
    }
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
        let (mut chats, mut samples, mut named) = (HashMap::new(), HashMap::new(), Vec::new());
        for file in found.iter().filter(|file| file.origin != Origin::Stdin) {
            let mut of_file = survey(file, tools)?;
            let kind = tools.composer.settings().about.chat;
            let is_group = |chat: &Chat| kind.map_or(chat.writers.len() > 2, |kind| kind == ChatKind::Group);
            for chat in of_file.iter_mut().filter(|chat| is_group(chat)) {
                named.push((chat.key(&file.path), chat.name.clone()));
                samples.insert(chat.key(&file.path), std::mem::take(&mut chat.sample));
            }
            chats.insert(file.path.clone(), of_file);
        }
        let how = tools.composer.settings().about.same_name;
        self.namesakes.settle(named, how, &mut |key| Ok(samples.remove(key).unwrap_or_default()))?;
        // A second reading of the same files finds the same.
        self.chats.get_or_init(|| chats);
        Ok(())
    }

    fn record(&self, _: &Node<'_>, _: &At<'_>, _: &Tools, _: &mut dyn Sink) {}

    fn text(&self, chunk: &Chunk, tools: &Tools, sink: &mut dyn Sink) {
        let path = chunk.context.value("@path").unwrap_or_default();
        let nothing = [Chat::default()];
        let chats = self.chats.get().and_then(|chats| chats.get(path)).map_or(&nothing[..], Vec::as_slice);
        let chat_at = |byte: u64| chats.iter().rev().find(|chat| chat.begin <= byte).unwrap_or(&nothing[0]);
        // Nothing behind the last head: the file ends there, or was cut off.
        let breaks_off = |chat: &Chat| !chat.any && chats.last().is_some_and(|last| last.begin == chat.begin);
        let mut told = HashSet::new();
        let mut write = |said: Said<'_>, sink: &mut dyn Sink| {
            let chat = chat_at(said.0.byte);
            self.message(said, chat, chunk, tools, &mut told, sink);
        };
        let lines: Vec<(usize, Cow<'_, str>)> = chunk
            .text
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| (line.len(), String::from_utf8_lossy(line)))
            .collect();
        let mut open: Option<Said<'_>> = None;
        let (mut byte, mut line_no) = (chunk.first_byte, chunk.first_line);
        // Where the chat begins of which that was said.
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
            let chat = chat_at(place.byte);
            if chat.begin == place.byte
                && let Some(done) = open.take()
            {
                write(done, sink);
            }
            if let Some((time, name, id)) = header(words) {
                if let Some(done) = open.replace((place, time, name, id, String::new())) {
                    write(done, sink);
                }
            } else if let Some((.., said)) = &mut open {
                said.push_str(words);
                said.push('\n');
            } else if (place.byte >= chat.body || breaks_off(chat))
                && !(chat.any && chat.body == 0)
                && !words.trim().is_empty()
                && stray.replace(chat.begin) != Some(chat.begin)
            {
                refuse(sink, &codes::RECORD_INVALID, place, "no line with time, name and number");
            }
        }
        if let Some(done) = open {
            write(done, sink);
        }
    }
}

/// Place, time, name and number of a message, and its words.
type Said<'l> = (Place, &'l str, &'l str, &'l str, String);

/// Reads a file: its chats, who writes in them, and some of what they write.
fn survey(file: &Found, tools: &Tools) -> Result<Vec<Chat>, ExportError> {
    let mut input = Input::open(file, SourceNo(0), tools.export.encoding()?)?;
    let (mut lines, mut pool) = (Lines::new(tools.export.max_record), Pool::new(CHUNK));
    let context = std::sync::Arc::new(Context::default());
    let mut chats = vec![Chat::default()];
    let (mut head, mut name) = (None, None);
    let mut open: Option<(String, String)> = None;
    while let Some(chunk) = lines.next(&mut input, &context, &mut pool)? {
        let mut byte = chunk.first_byte;
        for line in chunk.text.split_inclusive(|byte| *byte == b'\n') {
            let (begin, text) = (byte, String::from_utf8_lossy(line));
            byte += line.len() as u64;
            let words = text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
            let rule = words.len() >= 16 && words.bytes().all(|byte| byte == b'=');
            let about =
                words.strip_prefix("消息对象").map(|name| name.trim_start_matches([':', '：']).trim());
            let first = chats.len() == 1 && !chats[0].any && chats[0].name.is_empty();
            match (rule, about) {
                // The head of a chat stands between such lines.
                (true, _) => match (head, name.take()) {
                    (Some(_), Some(name)) if first => {
                        (chats[0].name, chats[0].body, head) = (name, byte, None);
                    }
                    (Some(begin), Some(name)) => {
                        chats.push(Chat { begin, body: byte, name, ..Chat::default() });
                        head = None;
                    }
                    _ => head = head.or(Some(begin)),
                },
                (_, Some(about)) if head.is_some() => name = Some(about.to_owned()),
                (_, Some(about)) if first => about.clone_into(&mut chats[0].name),
                _ if words.starts_with("消息分组") => {}
                _ => (head, name) = (None, None),
            }
            if let Some(chat) = chats.last_mut() {
                chat.line(words, &mut open);
            }
        }
        pool.give(chunk.text);
    }
    Ok(chats)
}

impl Chat {
    /// Takes a line of it in; `open` is the message that waits for its first one.
    fn line(&mut self, words: &str, open: &mut Option<(String, String)>) {
        if let Some((time, _, id)) = header(words) {
            self.any = true;
            if id != SYSTEM && self.writers.len() < 3 && !self.writers.iter().any(|known| known == id) {
                self.writers.push(id.to_owned());
            }
            *open = Some((time.to_owned(), id.to_owned()));
        } else if let Some((time, id)) = open.take() {
            self.sample.add((time, id, words));
        }
    }
}

impl QqText {
    fn message(
        &self,
        (place, time, name, id, said): Said<'_>,
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
        let others: Vec<&str> =
            chat.writers.iter().map(String::as_str).filter(|other| *other != id).collect();
        let me = tools.me();
        let peer = match (tools.composer.settings().about.chat, &others[..]) {
            (Some(ChatKind::Group), _) | (None, [_, _, ..]) => {
                let path = chunk.context.value("@path").unwrap_or_default();
                let Some(group) = self.namesakes.group(&chat.key(path), Cow::Borrowed(&chat.name)) else {
                    return refuse(sink, &codes::GROUPS_OF_ONE_NAME, place, &chat.name);
                };
                sink.person(Person::new(PersonKind::Group, &group, &chat.name, ""));
                Peer::Group(group)
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
        let Some(mut draft) = Tools::draft(&at, "".into(), id.into(), peer, Some(time.0), sink) else {
            return;
        };
        draft.nickname = Cow::Borrowed(name);
        tools.composer.send(draft, vec![Part::Text(said.trim_end().to_owned().into())], sink);
    }
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
