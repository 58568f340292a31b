//! Discord, as DiscordChatExporter writes it: JSON, a file a channel or several; and its two kinds of CSV.
//!
//! | in the export | becomes |
//! |---|---|
//! | channel of any kind but `DirectTextChat` | group `channel.id`; a thread is one of its own, called "parent / thread" |
//! | `DirectTextChat` | single chat of its two writers |
//! | types `Default`, `Reply`, and those of commands | 101, or 106 with `mentions`, `@everyone`, `@here` |
//! | all other types: joins, pins, calls, … | left out (`system-row`) |
//! | `attachments` | 102, 104 or 105, after the words |
//! | `embeds`, where there are no words | their words |
//! | `stickers` | by `[policy]` |
//! | `reference` of a `Reply` | quote |
//! | `reactions`, `timestampEdited`, `forwardedMessage` | `ex`; the words of what was forwarded |
//!
//! Traps: `content` of joins and pins is made up by the tool · times have the offset of who exported · a thread's
//! `category` is its parent channel · parts (`… [part 2].json`) are documents of one channel · a direct chat does not say
//! who the other is: **so files of direct chats are read twice**; with one writer, `self` says who exported · an export
//! that was stopped ends in the middle · links of files are signed and end after a day.
//!
//! Learnt from Tyrrrz/DiscordChatExporter (`JsonMessageWriter`, `CsvMessageWriter`) and gcharang/discord-archive-komodo.

mod csv;

use std::borrow::Cow;

use serde_json::json;

pub(super) use self::csv::{DiscordCsv, is_csv};
use super::codes::{self, reason};
use super::compose::{Draft, Mentions, Odd, Part, Reaction, Reply, What, refuse};
use super::media::{self, Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{At, Ordinary, Tools, last};
use super::pairs::Pairs;
use super::recognise::Begins;
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// The JSON of DiscordChatExporter.
#[derive(Default)]
pub(super) struct Discord {
    pairs: Pairs,
}

/// Whether a file begins as a channel does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.text.starts_with('{') && ["guild", "channel", "dateRange"].iter().all(|key| begins.has(&[key]))
}

/// The chat of two of a file.
const DIRECT: &str = "DirectTextChat";

/// Types of messages that people write; commands are asked for by them.
const WRITTEN: [&str; 8] = [
    "Default",
    "Reply",
    "ChatInputCommand",
    "ApplicationCommand",
    "ContextMenuCommand",
    "ThreadStarterMessage",
    "20",
    "23",
];

impl Ordinary for Discord {
    const ENDINGS: &'static str = ".json";
    const MESSAGES: &'static [&'static str] = &["messages[]"];

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut direct = Vec::new();
        for file in &*found {
            let head = super::recognise::head(file)?;
            if head.split("\"messages\"").next().is_some_and(|head| head.contains(DIRECT)) {
                direct.push(file.clone());
            }
        }
        self.pairs.read(self, &direct, tools, &|record, context, _| {
            (context.value("channel.type") == Some(DIRECT)).then(|| {
                let chat = context.value("channel.id").unwrap_or_default();
                (chat.to_owned(), record.at(&["author", "id"]).text().into_owned())
            })
        })
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let kind = record.str("type");
        if !WRITTEN.contains(&&*kind) {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let (channel, author) = (at.around("channel.id"), record.get("author"));
        let sender = author.str("id");
        let peer = if at.around("channel.type") == DIRECT {
            let Some(other) = self.pairs.other(channel, &sender, tools.me()) else {
                return refuse(sink, &codes::PEER_UNKNOWN, at.place, at.around("channel.name"));
            };
            Peer::User(Cow::Borrowed(other))
        } else {
            let name = at.around("channel.name");
            // The category of a thread is the channel in which it was opened.
            let name = match at.around("channel.category") {
                parent if at.around("channel.type").contains("Thread") && !parent.is_empty() => {
                    Cow::Owned(format!("{parent} / {name}"))
                }
                _ => Cow::Borrowed(name),
            };
            let icon = [at.around("channel.iconUrl"), at.around("guild.iconUrl")];
            let icon = icon.into_iter().find(|icon| !icon.is_empty()).unwrap_or_default();
            let face = tools.composer.face(icon, at.place, sink);
            sink.person(Person::new(PersonKind::Group, channel, &name, &face));
            Peer::Group(Cow::Borrowed(channel))
        };
        let time = millis(&record.str("timestamp"));
        let Some(mut draft) = Tools::draft(at, record.str("id"), sender, peer, time, sink) else { return };
        draft.nickname = author.any(&["nickname", "name"]).text();
        let avatar = author.str("avatarUrl");
        draft.face_url = tools.composer.face(&avatar, at.place, sink).into_owned().into();
        sink.person(Person::new(PersonKind::User, &draft.sender, &draft.nickname, &draft.face_url));
        fill(record, &kind, &mut draft);
        let parts = parts(record, &mut draft);
        tools.composer.send(draft, parts, sink);
    }
}

/// Whom it calls on, what it answers, reactions and edits.
fn fill<'a>(record: &'a Node<'_>, kind: &str, draft: &mut Draft<'a>) {
    let content = record.str("content");
    draft.mentions = Mentions {
        all: content.contains("@everyone") || content.contains("@here"),
        users: record
            .get("mentions")
            .list()
            .iter()
            .map(|user| user.str("id"))
            .filter(|id| !id.is_empty())
            .collect(),
    };
    let target = record.at(&["reference", "messageId"]);
    if kind == "Reply" && !target.is_empty() {
        draft.reply = Some(Reply { target: target.text(), quoted: None });
    }
    draft.extras.edited_at = millis(&record.str("timestampEdited"));
    let reaction = |one: &'a Node<'_>| Reaction {
        emoji: one.get("emoji").any(&["name", "code"]).text(),
        count: one.get("count").size(),
        users: one.get("users").list().iter().map(|user| user.str("id")).collect(),
    };
    draft.extras.reactions = record.get("reactions").list().iter().map(reaction).collect();
}

fn parts<'a>(record: &'a Node<'_>, draft: &mut Draft<'_>) -> Vec<Part<'a>> {
    let forwarded = record.get("forwardedMessage");
    let content = record.str("content");
    let words = match (&*content, forwarded.is_object()) {
        ("", true) => {
            draft.extras.forwarded_from =
                Cow::Owned(record.at(&["reference", "channelId"]).text().into_owned());
            forwarded.str("content")
        }
        ("", false) => Cow::Owned(embedded(record)),
        _ => content,
    };
    let mut parts = vec![Part::Text(words)];
    let files = record.get("attachments").list().iter().chain(forwarded.get("attachments").list());
    parts.extend(files.map(|file| {
        let (id, url, name) = (file.str("id"), file.str("url"), file.str("fileName"));
        Part::Medium(attachment(id, url, name, file.get("fileSizeBytes").size()))
    }));
    parts.extend(record.get("stickers").list().iter().map(|sticker| {
        let name = sticker.str("name");
        Part::Special(Odd {
            what: What::Sticker,
            text: format!("[sticker] {name}").into(),
            data: json!({ "name": name, "url": sticker.str("sourceUrl") }),
        })
    }));
    parts
}

/// What applications write.
fn embedded(record: &Node<'_>) -> String {
    let embeds = record.get("embeds").list().iter();
    let lines: Vec<String> = embeds
        .flat_map(|embed| ["title", "description", "url"].map(|key| embed.str(key).into_owned()))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// A file: in Discord's store, or beside the export.
fn attachment<'a>(id: Cow<'a, str>, url: Cow<'a, str>, name: Cow<'a, str>, size: u64) -> Medium<'a> {
    let name = if name.is_empty() { Cow::Owned(last(media::bare(&url)).to_owned()) } else { name };
    let kind = Kind::of("", &name);
    let is_link = media::is_link(&url);
    // Signed since 2023.
    let reach = if url.contains("discordapp.") { Reach::Expires } else { Reach::Open };
    let path = if is_link { Cow::Borrowed("") } else { url.clone() };
    let key = if id.is_empty() { Cow::Owned(media::bare(&url).to_owned()) } else { id };
    Medium { kind, key, path, name, size, link: is_link.then_some(Link { url, reach }), ..Medium::default() }
}

/// A time with its offset.
fn millis(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn channels_threads_parts_and_direct_chats() {
        insta::assert_snapshot!(fixture(Format::Discord, &Settings::default(), "discord/json").text());
    }

    #[test]
    fn both_kinds_of_tables() {
        let mut settings = Settings::default();
        settings.about.zone = Some("UTC".to_owned());
        insta::assert_snapshot!(fixture(Format::DiscordCsv, &settings, "discord/csv").text());
    }

    #[test]
    fn who_never_was_answered_is_asked_for() {
        let file = r#"{"guild":{"id":"0"},"channel":{"id":"1","type":"DirectTextChat","name":"ann"},"dateRange":{},"messages":[{"id":"2","type":"Default","timestamp":"2024-01-01T00:00:00+00:00","content":"x","author":{"id":"3"}}],"messageCount":1}"#;
        let mut settings = Settings::default();
        let read = |settings: &Settings| folder(Format::Discord, settings, &[("ann.json", file)]);
        assert_eq!(read(&settings).findings, ["1 peer-unknown ann"]);
        settings.about.me = Some("4".to_owned());
        assert!(read(&settings).messages[0].contains("3->@4"));
    }
}
