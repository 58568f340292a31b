//! WhatsApp: "Export chat", the text file of Android or the zip of iOS.
//!
//! | in the export | becomes |
//! |---|---|
//! | `[31/12/24, 23:59:59] Name: text`, `12/31/24, 11:59 PM - Name: text`, … | 101; lines without a head go on with it |
//! | `@Name` between U+2068 and U+2069, in a group | 106 |
//! | two writers, one of them named as the chat | single chat |
//! | more writers, or the app speaks of a group | group with the name of the chat |
//! | `<attached: …>`, `… (file attached)` | 102–105; the words with it a second message |
//! | `<Media omitted>`, `image omitted` | a medium without a link: by `[media]` |
//! | `location: https://maps.google.com/…`, `POLL:`, `.vcf`, stickers | by `[policy]` |
//! | "This message was deleted" | left out (`recalled`), or by `[policy]` |
//! | "Waiting for this message", `null` | left out (`unsupported-by-export`) |
//! | `<This message was edited>` | `ex` |
//! | lines of the app's own: no name, or the name of the group; calls | left out (`system-row`) |
//!
//! Traps: no ids, and names as in the phone book of who exported · local times without a zone, to the minute on
//! Android, in the shape of the phone's locale · **day and month are told by the whole file, or asked**; so each
//! file is read twice · marks of writing direction anywhere, blanks of several kinds · iOS lets the app speak under
//! the name of the chat, with U+200E in front · file names are the only place where the chat is named.
//!
//! Learnt from `starkdmi/whats_json` (429 files, their shapes counted), joweich/chat-miner, many parsers, and the
//! app's own words in their tests.

mod body;
mod header;
mod survey;
mod words;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::DateTime;
use serde_json::json;

use self::body::{Body, clean, split};
use self::header::{Header, Shape, is_mark};
use self::survey::{Chat, Facts, FileName, Survey};
use self::words::Omitted;
use super::codes::{self, reason};
use super::compose::{Composer, Draft, Extras, Mentions, Odd, Part, Platform, What, refuse};
use super::local::Local;
use super::media::{Kind, Medium, mime_by_name};
use super::namesakes::{Namesakes, Sample};
use super::settings::{DateOrder, SameName};
use crate::export::cut::{Begins, Cutter, Lines};
use crate::export::{BrokenText, CHUNK, Chunk, Context, ExportError, Found, Input, Layout, Origin, Pool};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Sink, codes as mapping_codes};
use crate::message::{Peer, Place, SendTime, SourceNo};

/// Both halves of the format.
pub(super) struct WhatsApp {
    composer: Composer,
    local: Local,
    max_record: usize,
    namesakes: Namesakes,
}

impl WhatsApp {
    pub(super) fn new(composer: Composer, local: Local, max_record: usize) -> Self {
        Self { composer, local, max_record, namesakes: Namesakes::default() }
    }

    fn message(
        &self,
        text: &str,
        header: &Header,
        chunk: &View<'_>,
        told: &mut HashSet<String>,
        place: Place,
        sink: &mut dyn Sink,
    ) {
        let lines;
        // Behind the dash there may be nothing, and the blank before that is trimmed.
        let rest = match text.get(header.rest..).unwrap_or_default() {
            rest if rest.contains('\r') => {
                lines = rest.replace("\r\n", "\n");
                &lines
            }
            rest => rest,
        };
        let Some((name, words)) = split(rest) else {
            return sink.left_out(place, reason::SYSTEM_ROW);
        };
        let sender = clean(name);
        let body = Body::read(words);
        match &body {
            _ if chunk.app.iter().any(|app| *app == &*sender) => {
                return sink.left_out(place, reason::SYSTEM_ROW);
            }
            Body::Call | Body::System => return sink.left_out(place, reason::SYSTEM_ROW),
            Body::Lost => return sink.left_out(place, reason::UNSUPPORTED_BY_EXPORT),
            Body::App(text) => {
                refuse(sink, &codes::APP_TEXT_UNKNOWN, place, text);
                return sink.left_out(place, reason::APP_TEXT_UNKNOWN);
            }
            _ => {}
        }
        let Some(time) = self.time(header, chunk.order, &text[..header.rest], place, sink) else { return };
        let Some(peer) = chunk.peer(&sender, place, sink) else { return };
        if !told.contains(&*sender) {
            sink.person(Person::new(PersonKind::User, &sender, &sender, ""));
            told.insert(sender.to_string());
        }
        let mut mentions = Mentions::default();
        let mut edited = false;
        let parts = match &body {
            Body::Text(text, was) => {
                edited = *was;
                vec![Part::Text(called(text, &mut mentions))]
            }
            Body::Attached { file, caption, edited: was } => {
                edited = *was;
                vec![medium(file, chunk.folder), Part::Text(called(caption, &mut mentions))]
            }
            Body::Omitted(what, caption) => vec![omitted(*what), Part::Text(called(caption, &mut mentions))],
            Body::Location(link) => vec![location(link)],
            Body::Poll(lines) => vec![poll(lines)],
            Body::Deleted(_) | Body::Call | Body::Lost | Body::System | Body::App(_) => Vec::new(),
        };
        let draft = Draft {
            place,
            id: None,
            nickname: sender.clone(),
            sender,
            face_url: Cow::Borrowed(""),
            peer,
            platform: if header.shape == Shape::Dash { Platform::Android } else { Platform::Ios },
            time,
            mentions,
            reply: None,
            extras: Extras { edited, ..Extras::default() },
        };
        match body {
            Body::Deleted(words) => self.composer.recalled(draft, words, sink),
            _ => self.composer.send(draft, parts, sink),
        }
    }

    fn time(
        &self,
        header: &Header,
        order: Option<DateOrder>,
        shown: &str,
        place: Place,
        sink: &mut dyn Sink,
    ) -> Option<SendTime> {
        let Some(order) = order else {
            refuse(sink, &codes::DATE_ORDER_UNKNOWN, place, shown.trim());
            return None;
        };
        let Some(local): Option<DateTime> = header.local(order) else {
            refuse(sink, &codes::TIME_INVALID, place, shown.trim());
            return None;
        };
        self.local.time(local, place, sink)
    }
}

/// What a chunk inherits from the first reading.
struct View<'c> {
    shape: Shape,
    crlf: bool,
    order: Option<DateOrder>,
    chat: Chat,
    /// The id of a group.
    group: &'c str,
    app: Vec<&'c str>,
    folder: &'c str,
    path: &'c str,
}

impl<'c> View<'c> {
    fn of(context: &'c Context) -> Self {
        let value = |name| context.value(name).unwrap_or_default();
        let order = match value("@order") {
            "dmy" => Some(DateOrder::Dmy),
            "mdy" => Some(DateOrder::Mdy),
            "ymd" => Some(DateOrder::Ymd),
            _ => None,
        };
        let (one, other) = (value("@one").to_owned(), value("@other").to_owned());
        let chat = match value("@chat") {
            "direct" => Chat::Direct(one, other),
            "group" => Chat::Group(one),
            "namesake" => Chat::Namesake(one),
            "alone" => Chat::Alone(one),
            "nameless" => Chat::Nameless,
            _ => Chat::Unknown,
        };
        Self {
            shape: Shape::ALL
                .into_iter()
                .find(|shape| shape.name() == value("@shape"))
                .unwrap_or(Shape::Dash),
            crlf: value("@crlf") == "true",
            order,
            chat,
            group: value("@other"),
            app: value("@app").split('\n').filter(|name| !name.is_empty()).collect(),
            folder: value("@folder"),
            path: value("@path"),
        }
    }

    fn peer(&self, sender: &str, place: Place, sink: &mut dyn Sink) -> Option<Peer<'_>> {
        let code = match &self.chat {
            Chat::Group(_) => return Some(Peer::Group(Cow::Borrowed(self.group))),
            Chat::Direct(one, other) if sender == one => return Some(Peer::User(Cow::Borrowed(other))),
            Chat::Direct(one, other) if sender == other => return Some(Peer::User(Cow::Borrowed(one))),
            Chat::Direct(..) => {
                refuse(sink, &codes::OUTSIDER, place, sender);
                sink.left_out(place, reason::OUTSIDER);
                return None;
            }
            Chat::Alone(_) => &codes::PEER_UNKNOWN,
            Chat::Nameless => &codes::CONVERSATION_UNKNOWN,
            Chat::Namesake(_) => &codes::GROUPS_OF_ONE_NAME,
            Chat::Unknown => &codes::CHAT_KIND_UNKNOWN,
        };
        refuse(sink, code, place, self.path);
        None
    }
}

impl Mapper for WhatsApp {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let view = View::of(&chunk.context);
        if let (true, Chat::Group(name)) = (chunk.first, &view.chat) {
            sink.person(Person::new(PersonKind::Group, view.group, name, ""));
        }
        let place = |line: u64, offset: usize| Place {
            source: chunk.source,
            line: chunk.first_line + line,
            byte: chunk.first_byte + offset as u64,
            part: 0,
        };
        let text = readable(chunk, place(0, 0), sink);
        let mut told = HashSet::new();
        // Where a message begins: in the text, in the file (what was no text is longer here), in lines.
        let mut open: Option<(Header, usize, usize, u64)> = None;
        let (mut start, mut there, mut line) = (0, 0, 0);
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
            let behind = !view.crlf || start < 2 || text.as_bytes()[start - 2] == b'\r';
            match Header::read(&text[start..end]).filter(|h| behind && h.shape == view.shape) {
                Some(header) => {
                    if let Some((header, from, at, number)) = open.replace((header, start, there, line)) {
                        self.message(
                            text[from..start].trim_end(),
                            &header,
                            &view,
                            &mut told,
                            place(number, at),
                            sink,
                        );
                    }
                }
                None if open.is_none()
                    && !text[start..end]
                        .trim_matches(|c: char| c.is_whitespace() || is_mark(c))
                        .is_empty() =>
                {
                    refuse(
                        sink,
                        &codes::RECORD_INVALID,
                        place(line, there),
                        "no date and time stand in front of it",
                    );
                }
                None => {}
            }
            let rest = chunk.text.get(there..).unwrap_or_default();
            there += memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            (start, line) = (end + 1, line + 1);
        }
        if let Some((header, from, at, number)) = open {
            self.message(text[from..].trim_end(), &header, &view, &mut told, place(number, at), sink);
        }
    }
}

/// The text of a chunk. What is no text in it becomes U+FFFD, and is said.
fn readable<'c>(chunk: &'c Chunk, place: Place, sink: &mut dyn Sink) -> Cow<'c, str> {
    let text = String::from_utf8_lossy(&chunk.text);
    if let Cow::Owned(lossy) = &text {
        let code = match chunk.context.broken_text {
            BrokenText::Refuse => &mapping_codes::ENCODING_BROKEN,
            BrokenText::Replace => &mapping_codes::ENCODING_REPLACED,
        };
        let mut at = 0;
        for (line, (bytes, text)) in chunk.text.split(|b| *b == b'\n').zip(lossy.split('\n')).enumerate() {
            if std::str::from_utf8(bytes).is_err() {
                let place = Place { line: place.line + line as u64, byte: place.byte + at as u64, ..place };
                refuse(sink, code, place, text.trim_end_matches('\r'));
            }
            at += bytes.len() + 1;
        }
    }
    text
}

impl Layout for WhatsApp {
    fn belongs(&self, inside: &str) -> bool {
        let file = inside.rsplit('/').next().unwrap_or(inside);
        let name = FileName::of(file);
        let text = super::ending(file) == "txt";
        // Texts that users sent lie beside it.
        text && !inside.starts_with("__MACOSX/")
            && (name.sure || file == "_chat.txt" || !inside.contains('/'))
    }

    fn endings(&self) -> String {
        ".txt, as _chat.txt and \"WhatsApp Chat with Ann.txt\"".to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        let about = &self.composer.settings().about;
        let told = found.iter().filter(|file| file.origin != Origin::Stdin);
        let files: HashMap<&str, &Found> = told.map(|file| (&*file.path, file)).collect();
        // The app's own name of a group stands in the file, where neither that nor a folder is called so.
        let mut named = Vec::new();
        for file in files.values().filter(|_| about.chat_name.is_none()) {
            let name = match clean(FileName::of(&file.path).chat).into_owned() {
                name if name.is_empty() => self.group_of(file)?,
                name => Some(name),
            };
            named.extend(name.map(|name| (file.path.clone(), name)));
        }
        // Of two chats of two that are called the same there is nothing to ask.
        let mut often = HashMap::new();
        for (_, name) in &named {
            *often.entry(name.clone()).or_insert(0) += 1;
        }
        let mut groups = Vec::new();
        for (path, name) in named {
            let asked = often[&name] > 1 || about.same_name == Some(SameName::Apart);
            if asked && self.group_of(files[&*path])?.is_some_and(|group| group == name) {
                groups.push((path, name));
            }
        }
        self.namesakes.settle(groups, about.same_name, &mut |path| {
            let mut sample = Sample::default();
            each_line(files[path], self.max_record, &mut |line| {
                if Header::read(line).is_some_and(|header| split(&line[header.rest..]).is_some()) {
                    sample.add(line.trim_end());
                }
            })?;
            Ok(sample)
        })
    }

    fn cutter(&self, input: &mut Input, found: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        let mut survey = Survey::default();
        if found.origin == Origin::Stdin {
            // Standard input can be read only once: what is not told at its beginning is asked.
            String::from_utf8_lossy(input.head()).lines().for_each(|line| survey.line(line));
        } else {
            each_line(found, self.max_record, &mut |line| survey.line(line))?;
        }
        let facts = survey.facts(&self.composer.settings().about, &FileName::of(&found.path));
        if let Some((times, line)) = facts.as_ref().and_then(|facts| facts.back) {
            input.note(&codes::HEADER_DOUBTFUL, &format!("{times} ×, the first in line {line}"));
        }
        let begins: Begins = match facts.as_ref().map(|f| (f.shape, f.crlf)) {
            Some((Shape::Bracket, false)) => |line, _| begins(line, Shape::Bracket),
            Some((Shape::Bracket, true)) => |line, crlf| crlf && begins(line, Shape::Bracket),
            Some((Shape::Colon, false)) => |line, _| begins(line, Shape::Colon),
            Some((Shape::Colon, true)) => |line, crlf| crlf && begins(line, Shape::Colon),
            Some((Shape::Dash, true)) => |line, crlf| crlf && begins(line, Shape::Dash),
            Some((Shape::Dash, false)) | None => |line, _| begins(line, Shape::Dash),
        };
        let group = |name: &str| self.namesakes.group(&found.path, Cow::Owned(name.to_owned()));
        let values = facts.map(|facts| values(facts, group)).unwrap_or_default();
        Ok(Box::new(Surveyed { lines: Lines::grouped(self.max_record, begins), values, context: None }))
    }
}

/// Cuts in front of messages, and lets them inherit what the first reading told.
struct Surveyed {
    lines: Lines,
    values: Vec<(String, String)>,
    context: Option<Arc<Context>>,
}

impl Cutter for Surveyed {
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError> {
        let context = self.context.get_or_insert_with(|| {
            let mut context = Context::clone(context);
            context.values.append(&mut self.values);
            Arc::new(context)
        });
        self.lines.next(input, context, pool)
    }
}

/// What the first reading told, as [`View::of`] reads it.
fn values(facts: Facts, group: impl Fn(&str) -> Option<Cow<'static, str>>) -> Vec<(String, String)> {
    let (chat, one, other) = match facts.chat {
        Chat::Direct(one, other) => ("direct", one, other),
        Chat::Group(name) => match group(&name) {
            Some(id) => ("group", name, id.into_owned()),
            None => ("namesake", name, String::new()),
        },
        Chat::Namesake(name) => ("namesake", name, String::new()),
        Chat::Alone(one) => ("alone", one, String::new()),
        Chat::Nameless => ("nameless", String::new(), String::new()),
        Chat::Unknown => ("unknown", String::new(), String::new()),
    };
    let order = match facts.order {
        Some(DateOrder::Dmy) => "dmy",
        Some(DateOrder::Mdy) => "mdy",
        Some(DateOrder::Ymd) => "ymd",
        None => "",
    };
    let crlf = if facts.crlf { "true" } else { "false" };
    let texts = [("@shape", facts.shape.name()), ("@crlf", crlf), ("@order", order), ("@chat", chat)]
        .map(|(name, value)| (name, value.to_owned()));
    let names = [("@one", one), ("@other", other), ("@app", facts.app.join("\n"))];
    texts.into_iter().chain(names).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn begins(line: &[u8], shape: Shape) -> bool {
    std::str::from_utf8(line).ok().and_then(Header::read).is_some_and(|h| h.shape == shape)
}

/// Whether a text is such an export: one of its first lines begins a message.
pub(super) fn is_export(head: &str) -> bool {
    head.lines().take(20).any(|line| {
        Header::read(line).is_some_and(|h| split(&line[h.rest..]).is_some() || h.shape != Shape::Bracket)
    })
}

impl WhatsApp {
    /// What the group of a file is called; `None`: it is no group, or has no name.
    fn group_of(&self, file: &Found) -> Result<Option<String>, ExportError> {
        let mut survey = Survey::default();
        each_line(file, self.max_record, &mut |line| survey.line(line))?;
        let facts = survey.facts(&self.composer.settings().about, &FileName::of(&file.path));
        Ok(facts.and_then(|facts| if let Chat::Group(name) = facts.chat { Some(name) } else { None }))
    }
}

fn each_line(found: &Found, max: usize, take: &mut dyn FnMut(&str)) -> Result<(), ExportError> {
    let mut input = Input::open(found, SourceNo(0), None)?;
    let (mut cutter, mut pool) = (Lines::new(max), Pool::new(CHUNK));
    let context = Arc::new(Context::default());
    while let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
        let text = String::from_utf8_lossy(&chunk.text);
        text.strip_suffix('\n').unwrap_or(&text).split('\n').for_each(&mut *take);
        drop(text);
        pool.give(chunk.text);
    }
    Ok(())
}

/// A file name without its ending; `.zip` counts for archives in a path.
fn stem(file: &str) -> &str {
    let file = super::unpacked(file);
    [".txt", ".zip"].iter().find_map(|e| file.strip_suffix(e)).unwrap_or(file)
}

/// The words without the signs around names that are called, and whom they call.
fn called<'a>(text: &'a str, mentions: &mut Mentions<'_>) -> Cow<'a, str> {
    if !text.contains('\u{2068}') {
        return Cow::Borrowed(text);
    }
    for (at, _) in text.match_indices("@\u{2068}") {
        let name = &text[at + "@\u{2068}".len()..];
        if let Some(end) = name.find('\u{2069}') {
            mentions.users.push(Cow::Owned(clean(&name[..end]).into_owned()));
        }
    }
    Cow::Owned(text.replace(['\u{2068}', '\u{2069}'], ""))
}

fn medium<'a>(file: &'a str, folder: &str) -> Part<'a> {
    let mime = mime_by_name(file);
    let is = |words: [&str; 2]| file.starts_with(words[0]) || file.contains(words[1]);
    if let Some(name) = file.strip_suffix(".vcf") {
        let data = json!({ "name": name, "path": file });
        return Part::Special(Odd { what: What::Card, text: Cow::Owned(format!("[contact] {name}")), data });
    }
    if is(["STK-", "-STICKER-"]) {
        let data = json!({ "path": file });
        return Part::Special(Odd { what: What::Sticker, text: Cow::Borrowed("[sticker]"), data });
    }
    let kind = match mime {
        "audio/opus" => Kind::Voice,
        _ if is(["PTT-", "-AUDIO-"]) => Kind::Voice,
        mime => Kind::of(mime, file),
    };
    let path = if folder.is_empty() { Cow::Borrowed(file) } else { Cow::Owned(format!("{folder}/{file}")) };
    Part::Medium(Medium {
        kind,
        key: path.clone(),
        path,
        name: Cow::Borrowed(file),
        mime: Cow::Borrowed(mime),
        ..Medium::default()
    })
}

fn omitted(what: Omitted) -> Part<'static> {
    let odd = |what, text| Part::Special(Odd { what, text: Cow::Borrowed(text), data: json!({}) });
    let kind = match what {
        Omitted::Sticker => return odd(What::Sticker, "[sticker]"),
        Omitted::Card => return odd(What::Card, "[contact]"),
        Omitted::Picture => Kind::Picture,
        Omitted::Video => Kind::Video,
        Omitted::Audio => Kind::Voice,
        Omitted::File => Kind::File,
        Omitted::Any => Kind::Any,
    };
    Part::Medium(Medium { kind, ..Medium::default() })
}

fn location(link: &str) -> Part<'static> {
    let data = json!({ "link": link });
    Part::Special(Odd { what: What::Location, text: Cow::Owned(format!("[location] {link}")), data })
}

fn poll(lines: &str) -> Part<'static> {
    let lines: String = lines.chars().filter(|c| !is_mark(*c)).collect();
    let data = json!({ "lines": lines.lines().collect::<Vec<_>>() });
    Part::Special(Odd { what: What::Poll, text: Cow::Owned(format!("[poll] {lines}")), data })
}

#[cfg(test)]
mod tests;
