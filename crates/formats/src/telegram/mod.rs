//! Telegram Desktop: `result.json`, one chat or a whole account.
//!
//! | in the export | becomes |
//! |---|---|
//! | `personal_chat`, `bot_chat` | single chat with `user<chat id>`; `saved_messages` with oneself |
//! | `private_group`, `…_supergroup`, `…_channel` | group `chat<id>` or `channel<id>` |
//! | `replies`, `verify_codes` | left out (`service-chat`) |
//! | type `service` · `unsupported` | left out (`system-row` · `unsupported-by-export`) |
//! | `text` as text or list, with links, with `mention_name` | 101, or 106 in groups |
//! | `photo` · `voice_message` · `video_file`, `video_message`, `animation` · other `file` | 102 · 103 · 104 · 105; the caption a second message |
//! | sticker, location, contact, poll, game, invoice | by `[policy]` |
//! | `reply_to_message_id` | quote; of the message that began a topic of a forum: `[topic]` in front of the words |
//! | `reactions`, `edited_unixtime`, `forwarded_from` | `ex` |
//!
//! Traps: `date` is the exporter's local time without a zone, `date_unixtime` is not, and is absent from old
//! exports · `from_id` was a bare number then, shifted by 2^32 for users and 2^33 for chats, like `chat.id` ·
//! message ids are unique in their chat alone · who "I" am stands in `personal_information` of a whole account
//! only · control characters are written as `\x1F`, which is no JSON · paths of files are relative to
//! `result.json`, and `(File not included…)` stands where there is none · the export can have gigabytes.
//!
//! Learnt from telegramdesktop/tdesktop `export_output_json.cpp` and `export_data_types.cpp`, old and new, and
//! from samples of mlomb/chat-analytics and joweich/chat-miner.

mod me;
mod record;
mod text;
mod topics;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::json;

use self::record::Record;
use self::topics::Topics;
use super::codes::{self, reason};
use super::compose::{
    Composer, Draft, Extras, Mentions, Odd, Part, Platform, Reaction, Reply, What, invalid, refuse,
};
use super::local::Local;
use super::media::{Kind as MediaKind, Medium};
use super::settings::ChatKind;
use crate::export::cut::{Cutter, Json};
use crate::export::{Chunk, Context, ExportError, Found, Input, Layout, RecordPath};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Record as Raw, Sink, each};
use crate::message::{Peer, Place, SendTime};

/// Both halves of the format.
pub(super) struct Telegram {
    composer: Composer,
    local: Local,
    max_record: usize,
    /// For files whose chat of two does not say who "I" am: who it is, by their paths.
    me: OnceLock<HashMap<String, String>>,
    topics: OnceLock<Topics>,
}

/// The chat around a record.
struct Chat<'c> {
    id: &'c str,
    kind: Kind,
    name: &'c str,
    me: Option<Cow<'c, str>>,
    folder: &'c str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Direct,
    /// Saved messages.
    Own,
    /// With the prefix that tells its id from others'.
    Group(&'static str),
    Service,
    Unknown,
}

impl Telegram {
    pub(super) fn new(composer: Composer, local: Local, max_record: usize) -> Self {
        Self { composer, local, max_record, me: OnceLock::new(), topics: OnceLock::new() }
    }

    fn record(&self, record: &Record<'_>, chat: &Chat<'_>, place: Place, sink: &mut dyn Sink) {
        match (&*record.kind.0, chat.kind) {
            ("service", _) => return sink.left_out(place, reason::SYSTEM_ROW),
            ("unsupported", _) => return sink.left_out(place, reason::UNSUPPORTED_BY_EXPORT),
            (_, Kind::Service) => return sink.left_out(place, reason::SERVICE_CHAT),
            (_, Kind::Unknown) => return refuse(sink, &codes::CHAT_KIND_UNKNOWN, place, chat.name),
            _ => {}
        }
        let Some(sender) = sender(record) else {
            return refuse(sink, &codes::SENDER_MISSING, place, &record.id.0);
        };
        let Some(time) = self.time(record, place, sink) else { return };
        let old = is_digits(&record.from_id.0);
        let key = chat.key(old);
        let peer = match chat.kind {
            Kind::Group(_) => Peer::Group(Cow::Borrowed(&*key)),
            Kind::Own => Peer::User(sender.clone()),
            _ if sender == key => match &chat.me {
                Some(me) => Peer::User(Cow::Borrowed(me)),
                None => return refuse(sink, &codes::PEER_UNKNOWN, place, chat.name),
            },
            _ if chat.me.as_ref().is_some_and(|me| **me != *sender) => {
                refuse(sink, &codes::OUTSIDER, place, &sender);
                return sink.left_out(place, reason::OUTSIDER);
            }
            _ => Peer::User(Cow::Borrowed(&*key)),
        };
        let id = |chat: &str, id: &str| Cow::Owned(format!("{chat}/{id}"));
        let topic = self.topics.get().and_then(|topics| topics.of(chat.id, &record.reply_to_message_id.0));
        let reply = record
            .reply_to_message_id
            .some()
            .filter(|_| topic.is_none())
            .map(|target| Reply { target: id(record.reply_to_peer_id.or(&key), target), quoted: None });
        let extras = Extras {
            edited_at: record.edited_unixtime.0.parse::<i64>().ok().map(|s| s.saturating_mul(1000)),
            forwarded_from: Cow::Borrowed(record.forwarded_from.or(&record.saved_from.0)),
            reactions: record.reactions.0.iter().map(reaction).collect(),
            topic: Cow::Borrowed(topic.unwrap_or_default()),
            ..Extras::default()
        };
        let draft = Draft {
            place,
            id: record.id.some().map(|n| id(&key, n)),
            sender,
            nickname: record.from.share(),
            face_url: Cow::Borrowed(""),
            peer,
            platform: Platform::default(),
            time,
            mentions: Mentions {
                all: false,
                users: record.text.called.iter().map(|u| Cow::Borrowed(u.as_str())).collect(),
            },
            reply,
            extras,
        };
        self.composer.send(draft, parts(record, chat, topic), sink);
    }

    fn time(&self, record: &Record<'_>, place: Place, sink: &mut dyn Sink) -> Option<SendTime> {
        if let Ok(seconds) = record.date_unixtime.0.parse::<i64>() {
            return Some(SendTime(seconds.saturating_mul(1000)));
        }
        // Written by other programs: with an offset, or `Z`. It counts, and no zone is needed.
        if let Ok(time) = record.date.0.parse::<jiff::Timestamp>() {
            return Some(SendTime(time.as_millisecond()));
        }
        if let Ok(local) = record.date.0.parse() {
            return self.local.time(local, place, sink);
        }
        refuse(sink, &codes::TIME_INVALID, place, record.date.or(&record.date_unixtime.0));
        None
    }
}

impl Mapper for Telegram {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let chat = Chat::of(&chunk.context, self.composer.settings().about.chat);
        let mut told = HashSet::new();
        each(chunk, sink, &mut |place, raw, sink| {
            let Raw::Json(text) = raw else { return };
            let repaired;
            let result = match serde_json::from_str::<Record<'_>>(text) {
                Err(error) => match text::repaired(text) {
                    None => Err(error),
                    Some(new) => {
                        repaired = new;
                        serde_json::from_str(&repaired)
                    }
                },
                fine => fine,
            };
            match result {
                Ok(record) => {
                    if let Some(id) = sender(&record)
                        && !record.from.is_empty()
                        && record.kind.0 != "service"
                        && !told.contains(&*id)
                    {
                        sink.person(Person::new(PersonKind::User, &id, &record.from.0, ""));
                        told.insert(id.into_owned());
                    }
                    self.record(&record, &chat, place, sink);
                }
                Err(error) => invalid(sink, place, &error),
            }
        });
        if let (Kind::Group(_), false) = (chat.kind, chat.name.is_empty()) {
            sink.person(Person::new(PersonKind::Group, &chat.key(false), chat.name, ""));
        }
    }
}

impl Layout for Telegram {
    /// Only `result.json`: the folders next to it hold files that users sent, `.json` among them.
    fn belongs(&self, inside: &str) -> bool {
        let name = inside.rsplit('/').next().unwrap_or(inside).to_ascii_lowercase();
        name.starts_with("result") && super::ending(&name) == "json"
    }

    fn endings(&self) -> String {
        "result.json, packed as .gz or .zst or not".to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        let topics = Topics::find(found, self.max_record)?;
        // A second reading of the same files finds the same.
        self.topics.get_or_init(|| topics);
        if self.composer.settings().about.me.is_some() {
            return Ok(());
        }
        let mut all = HashMap::new();
        for file in found {
            if let Some(me) = me::find(file)? {
                all.insert(file.path.clone(), me);
            }
        }
        self.me.get_or_init(|| all);
        Ok(())
    }

    fn values(&self, found: &Found) -> Vec<(String, String)> {
        let told = self.composer.settings().about.me.as_ref();
        let me = told.or_else(|| self.me.get()?.get(&found.path));
        me.map(|me| ("@self".to_owned(), me.clone())).into_iter().collect()
    }

    fn cutter(&self, _: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        Ok(Box::new(cutter(self.max_record)))
    }
}

/// Cuts where the messages are.
fn cutter(max_record: usize) -> Json {
    let paths = ["messages[]", "chats.list[].messages[]", "left_chats.list[].messages[]"];
    let paths = paths.map(|path| RecordPath::parse(path).expect("a constant that is a path"));
    Json::new(max_record, paths.to_vec())
}

impl<'c> Chat<'c> {
    fn of(context: &'c Context, told: Option<ChatKind>) -> Self {
        let lists = ["chats.list[].", "left_chats.list[]."];
        let inside =
            lists.iter().find(|list| context.values.iter().any(|(name, _)| name.starts_with(**list)));
        let prefix = inside.copied().unwrap_or_default();
        let value = |name: &str| context.value(&format!("{prefix}{name}")).unwrap_or_default();
        let kind = match value("type") {
            "personal_chat" | "bot_chat" => Kind::Direct,
            "saved_messages" => Kind::Own,
            "private_group" => Kind::Group("chat"),
            "private_supergroup" | "public_supergroup" | "private_channel" | "public_channel" => {
                Kind::Group("channel")
            }
            "replies" | "verify_codes" => Kind::Service,
            _ => match told {
                Some(ChatKind::Direct) => Kind::Direct,
                Some(ChatKind::Group) => Kind::Group("chat"),
                None => Kind::Unknown,
            },
        };
        let me = match context.value("personal_information.user_id") {
            _ if context.value("@self").is_some() => context.value("@self").map(Cow::Borrowed),
            Some(id) => Some(Cow::Owned(peer_id("user", id))),
            None => None,
        };
        let folder = context.value("@folder").unwrap_or_default();
        Self { id: value("id"), kind, name: value("name"), me, folder }
    }

    /// How its users or group are called: `user5`, `channel7`. `old`: its id is shifted.
    fn key(&self, old: bool) -> String {
        let prefix = match self.kind {
            Kind::Group(prefix) => prefix,
            _ => "user",
        };
        match (self.id, old) {
            ("", _) => self.name.to_owned(),
            (id, false) => peer_id(prefix, id),
            (id, true) => peer_id(prefix, &unshifted(id).1),
        }
    }
}

/// `user5` of 5 and of `user5`.
fn peer_id(prefix: &str, id: &str) -> String {
    if is_digits(id) { format!("{prefix}{id}") } else { id.to_owned() }
}

/// Who sent it: by id, or by name where a tool has left the ids out.
fn sender<'a>(record: &'a Record<'_>) -> Option<Cow<'a, str>> {
    match record.from_id.some() {
        Some(id) if is_digits(id) => {
            let (prefix, id) = unshifted(id);
            Some(Cow::Owned(format!("{prefix}{id}")))
        }
        Some(id) => Some(Cow::Borrowed(id)),
        None => record.from.some().map(Cow::Borrowed),
    }
}

/// Takes the shift off an id of an old export: 2^32 for users, 2^33 for chats of all kinds.
fn unshifted(id: &str) -> (&'static str, String) {
    match id.parse::<u64>() {
        Ok(n) if n >> 32 == 1 => ("user", (n - (1 << 32)).to_string()),
        Ok(n) if n >> 32 == 2 => ("chat", (n - (2 << 32)).to_string()),
        _ => ("user", id.to_owned()),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn reaction<'a>(reaction: &'a record::Reaction<'_>) -> Reaction<'a> {
    Reaction {
        emoji: Cow::Borrowed(reaction.emoji.or(&reaction.kind.0)),
        count: reaction.count.whole(),
        users: reaction.recent.0.iter().filter_map(|r| r.from_id.some()).map(Cow::Borrowed).collect(),
    }
}

/// What is in a message: its medium or oddity, then its words.
fn parts<'a>(record: &'a Record<'_>, chat: &Chat<'_>, topic: Option<&str>) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = odd(record).map(Part::Special).into_iter().collect();
    if parts.is_empty() {
        parts.extend(medium(record, chat.folder).map(Part::Medium));
    }
    let words = &record.text.text;
    parts.push(Part::Text(match topic {
        Some(topic) if !words.is_empty() => Cow::Owned(format!("[{topic}] {words}")),
        _ => Cow::Borrowed(words),
    }));
    parts
}

fn odd<'a>(record: &'a Record<'_>) -> Option<Odd<'a>> {
    let odd = |what, text: String, data| Some(Odd { what, text: Cow::Owned(text), data });
    if record.media_type.0 == "sticker" {
        let emoji = &record.sticker_emoji.0;
        let data = json!({ "emoji": emoji, "path": present(&record.file.0) });
        return odd(What::Sticker, format!("[sticker] {emoji}").trim_end().to_owned(), data);
    }
    if let Some(at) = &record.location_information.0 {
        let (name, address) = (&record.place_name.0, &record.address.0);
        let (latitude, longitude) = (&at.latitude.0, &at.longitude.0);
        let place: Vec<&str> = [&**name, address].into_iter().filter(|t| !t.is_empty()).collect();
        let text = format!("[location] {} {latitude}, {longitude}", place.join(", "));
        let data = json!({ "name": name, "address": address, "latitude": latitude, "longitude": longitude });
        return odd(What::Location, text.replace("  ", " "), data);
    }
    if let Some(contact) = &record.contact_information.0 {
        let name = format!("{} {}", contact.first_name.0, contact.last_name.0);
        let (name, phone) = (name.trim(), &contact.phone_number.0);
        let data = json!({ "name": name, "phone": phone });
        return odd(What::Card, format!("[contact] {name} {phone}").trim_end().to_owned(), data);
    }
    if let Some(poll) = &record.poll.0 {
        let mut lines = vec![format!("[poll] {}", poll.question.0)];
        let mut answers = Vec::new();
        for answer in &poll.answers.0 {
            lines.push(format!("- {} ({})", answer.text.0, answer.voters.whole()));
            answers.push(json!({ "text": answer.text.0, "voters": answer.voters.whole() }));
        }
        let data = json!({
            "question": poll.question.0,
            "answers": answers,
            "voters": poll.total_voters.whole(),
            "closed": poll.closed.whole() > 0,
        });
        return odd(What::Poll, lines.join("\n"), data);
    }
    if let Some(invoice) = &record.invoice_information.0 {
        let (title, amount, currency) = (&invoice.title.0, &invoice.amount.0, &invoice.currency.0);
        let data = json!({ "title": title, "description": invoice.description.0, "amount": amount, "currency": currency });
        return odd(What::Other, format!("[invoice] {title} {amount} {currency}"), data);
    }
    let game = record.game_title.some()?;
    let link = &record.game_link.0;
    odd(
        What::Other,
        format!("[game] {game} {link}").trim_end().to_owned(),
        json!({ "game": game, "link": link }),
    )
}

fn medium<'a>(record: &'a Record<'_>, folder: &str) -> Option<Medium<'a>> {
    let (kind, file, size) = if let Some(photo) = record.photo.some() {
        (MediaKind::Picture, photo, record.photo_file_size)
    } else {
        let file = record.file.some()?;
        let kind = match &*record.media_type.0 {
            "voice_message" => MediaKind::Voice,
            "video_message" | "video_file" | "animation" => MediaKind::Video,
            "audio_file" => MediaKind::File,
            _ => MediaKind::of(&record.mime_type.0, record.file_name.or(file)),
        };
        (kind, file, record.file_size)
    };
    let file = present(file);
    let path = match (file, folder) {
        ("", _) => Cow::Borrowed(""),
        (file, "") => Cow::Borrowed(file),
        (file, folder) => Cow::Owned(format!("{folder}/{file}")),
    };
    let name = record.file_name.or(file.rsplit('/').next().unwrap_or(file));
    let still = match (present(&record.thumbnail.0), folder) {
        ("", _) => Cow::Borrowed(""),
        (still, "") => Cow::Borrowed(still),
        (still, folder) => Cow::Owned(format!("{folder}/{still}")),
    };
    Some(Medium {
        still: if kind == MediaKind::Video { still } else { Cow::Borrowed("") },
        kind,
        key: path.clone(),
        path,
        name: Cow::Borrowed(name),
        mime: record.mime_type.share(),
        size: size.whole(),
        width: record.width.whole(),
        height: record.height.whole(),
        seconds: record.duration_seconds.whole(),
        ..Medium::default()
    })
}

/// The path of a file, if the export has the file: `(File not included. …)` is no path.
fn present(file: &str) -> &str {
    // A name can stand in front of the bracket.
    let absent = ["(File not included", "(File exceeds", "(File unavailable", "(Photo "];
    if absent.iter().any(|a| file.contains(a)) { "" } else { file }
}

#[cfg(test)]
mod tests;
