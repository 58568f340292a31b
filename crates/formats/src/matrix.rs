//! Matrix, as Element exports a room: JSON, alone or in a zip with its files.
//!
//! | in the export | becomes |
//! |---|---|
//! | `room_id` of the events | group, called `room_name`; single chat with `chat = "direct"` |
//! | `m.text`, `m.notice`, `m.emote` | 101, or 106 with `m.mentions` |
//! | `m.image` · `m.audio` (with `org.matrix.msc3245.voice`) · `m.video` · `m.file` | 102 · 103 · 104 · 105 |
//! | `m.location`, `m.sticker`, polls | by `[policy]` |
//! | `m.in_reply_to` | quote, without the lines that repeat it |
//! | `m.replace` of the same writer | the new words in the place of the old ones, `editedAt` in `ex` |
//! | `m.annotation` | left out (`reaction`) |
//! | redacted | left out (`recalled`), or by `[policy]` |
//! | what could not be decrypted | left out (`unsupported-by-export`) |
//! | members, names, topics and other state | left out (`system-row`) |
//!
//! Traps: an edit is an event of its own: **so files are read twice** · the body of an answer begins with the answered
//! words · nothing says whether two or many talk · dates at the top are words · files are `mxc:` links, which open with
//! a server's help only, or lie in folders of the zip.
//!
//! Learnt from element-hq/element-web (`JSONExport`) and the specification of Matrix.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Mentions, Odd, Part, Reply, What, refuse};
use super::media::{self, Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{At, Ordinary, Tools};
use super::pairs::Pairs;
use super::recognise::Begins;
use super::settings::{ChatKind, Edited};
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// A room as Element exports it.
#[derive(Default)]
pub(super) struct Matrix {
    pairs: Pairs,
    /// The last words of events that were edited, and when, by event and writer: nobody edits what another wrote.
    edits: OnceLock<HashMap<(String, String), (i64, String)>>,
}

/// Whether a file begins as a room does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.text.starts_with('{') && begins.has(&["room_name"]) && begins.has(&["export_date", "exported_by"])
}

impl Ordinary for Matrix {
    const ENDINGS: &'static str = ".json";
    const MESSAGES: &'static [&'static str] = &["messages[]"];

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut edits: HashMap<(String, String), (i64, String)> = HashMap::new();
        for file in &*found {
            tools.survey(self, file, &mut |text, _| {
                if memchr::memmem::find(text.as_bytes(), b"m.replace").is_none() {
                    return;
                }
                let Ok(event) = serde_json::from_str::<Node<'_>>(text) else { return };
                let relates = event.at(&["content", "m.relates_to"]);
                if relates.str("rel_type") != "m.replace" {
                    return;
                }
                let time = event.get("origin_server_ts").int().unwrap_or(0);
                let words = event.at(&["content", "m.new_content", "body"]).text().into_owned();
                let edit = edits.entry(whose(&relates.str("event_id"), event.str("sender"))).or_default();
                if edit.0 <= time {
                    *edit = (time, words);
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.edits.get_or_init(|| edits);
        if tools.composer.settings().about.chat != Some(ChatKind::Direct) {
            return Ok(());
        }
        self.pairs.read(self, found, tools, &|event, _, _| {
            let written = event.str("type") == "m.room.message";
            written.then(|| (event.str("room_id").into_owned(), event.str("sender").into_owned()))
        })
    }

    fn record(&self, event: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let (kind, sender, room) = (event.str("type"), event.str("sender"), event.str("room_id"));
        let content = event.get("content");
        let relates = content.get("m.relates_to");
        match (&*kind, &*relates.str("rel_type")) {
            ("m.room.message" | "m.sticker", "m.replace")
                if tools.composer.policy().edited == Edited::Last =>
            {
                return sink.left_out(at.place, reason::EDITED_VERSION);
            }
            ("m.room.message" | "m.sticker", _) => {}
            ("m.reaction", _) | (_, "m.annotation") => return sink.left_out(at.place, reason::REACTION),
            ("m.room.encrypted", _) => return sink.left_out(at.place, reason::UNSUPPORTED_BY_EXPORT),
            (poll, _) if poll.ends_with("poll.start") => {}
            ("m.room.member", _) => {
                if content.str("membership") == "join" {
                    let who = if event.get("state_key").is_empty() {
                        sender.clone()
                    } else {
                        event.str("state_key")
                    };
                    sink.person(Person::new(PersonKind::User, &who, &content.str("displayname"), ""));
                }
                return sink.left_out(at.place, reason::SYSTEM_ROW);
            }
            _ => return sink.left_out(at.place, reason::SYSTEM_ROW),
        }
        let peer = if tools.composer.settings().about.chat == Some(ChatKind::Direct) {
            match self.pairs.other(&room, &sender, tools.me()) {
                Some(other) => Peer::User(Cow::Borrowed(other)),
                None => return refuse(sink, &codes::PEER_UNKNOWN, at.place, at.around("room_name")),
            }
        } else {
            sink.person(Person::new(PersonKind::Group, &room, at.around("room_name"), ""));
            Peer::Group(room)
        };
        let time = event.get("origin_server_ts").int();
        let id = event.str("event_id");
        let edit = self.edits.get().and_then(|edits| edits.get(&whose(&id, sender.clone())));
        let Some(mut draft) = Tools::draft(at, id, sender, peer, time, sink) else { return };
        let target = relates.at(&["m.in_reply_to", "event_id"]).text();
        // In a thread the answer to the one before is made up for old clients.
        let made_up = relates.get("is_falling_back").is_true();
        if !target.is_empty() && !made_up {
            draft.reply = Some(Reply { target, quoted: None });
        }
        let mentioned = content.get("m.mentions");
        draft.mentions = Mentions {
            all: mentioned.get("room").is_true(),
            users: mentioned.get("user_ids").list().iter().map(Node::text).collect(),
        };
        if content.members().is_empty() || event.at(&["unsigned", "redacted_because"]).is_object() {
            return tools.composer.recalled(draft, "[message deleted]", sink);
        }
        let mut body = Cow::Owned(without_answer(&content.str("body"), draft.reply.is_some()).to_owned());
        if let Some((when, words)) = edit.filter(|_| tools.composer.policy().edited == Edited::Last) {
            draft.extras.edited_at = Some(*when);
            body = Cow::Borrowed(words.as_str());
        }
        let parts = parts(&kind, content, body, at);
        tools.composer.send(draft, parts, sink);
    }
}

/// An event and who wrote it.
fn whose(event: &str, sender: Cow<'_, str>) -> (String, String) {
    (event.to_owned(), sender.into_owned())
}

/// The body without the lines at its beginning that repeat what is answered.
fn without_answer(body: &str, is_answer: bool) -> &str {
    if !is_answer || !body.starts_with("> <") {
        return body;
    }
    let mut rest = body;
    while let Some(line) = rest.strip_prefix("> ").or_else(|| rest.strip_prefix(">\n")) {
        rest = line.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

fn parts<'a>(kind: &str, content: &'a Node<'_>, body: Cow<'a, str>, at: &At<'_>) -> Vec<Part<'a>> {
    let odd = |what, word: &str| {
        vec![Part::Special(Odd {
            what,
            text: format!("[{word}] {body}").into(),
            data: json!({ "content": content.value() }),
        })]
    };
    if kind == "m.sticker" {
        return odd(What::Sticker, "sticker");
    }
    if kind != "m.room.message" {
        let question = content.members().iter().map(|(_, poll)| poll.get("question")).find(|q| q.is_object());
        let words =
            question.map_or(Cow::Borrowed(""), |q| q.any(&["body", "org.matrix.msc1767.text"]).text());
        return vec![Part::Special(Odd {
            what: What::Poll,
            text: format!("[poll] {words}").into(),
            data: content.value(),
        })];
    }
    let kind = match &*content.str("msgtype") {
        "m.image" => Kind::Picture,
        "m.audio" if !matches!(content.get("org.matrix.msc3245.voice"), Node::Nothing) => Kind::Voice,
        "m.audio" | "m.file" => Kind::File,
        "m.video" => Kind::Video,
        "m.location" => return odd(What::Location, "location"),
        "m.emote" => return vec![Part::Text(format!("* {body}").into())],
        _ => return vec![Part::Text(body)],
    };
    let info = content.get("info");
    let url = match content.any(&["url"]).text() {
        url if url.is_empty() => content.at(&["file", "url"]).text(),
        url => url,
    };
    let name = content.any(&["filename", "body"]).text();
    // Beside the words that go with it, since the name has its own field.
    let caption = !content.get("filename").is_empty() && content.str("filename") != body;
    // In the zip, folders are named after kinds; where a file is there, only its name can be told.
    let path =
        if media::is_link(&url) { Cow::Borrowed("") } else { Cow::Owned(format!("{}{name}", beside(at))) };
    let mut parts = vec![Part::Medium(Medium {
        kind,
        key: Cow::Owned(url.clone().into_owned()),
        path,
        link: media::is_link(&url).then_some(Link { url, reach: Reach::Open }),
        name,
        mime: info.str("mimetype"),
        size: info.get("size").size(),
        width: info.get("w").size(),
        height: info.get("h").size(),
        seconds: info.get("duration").size().div_ceil(1000),
        ..Medium::default()
    })];
    if caption {
        parts.push(Part::Text(body));
    }
    parts
}

/// The folder of the export.
fn beside(at: &At<'_>) -> String {
    match at.around("@folder") {
        "" => String::new(),
        folder => format!("{folder}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::super::{ChatKind, Format, Settings};
    use super::*;

    #[test]
    fn a_room_and_a_chat_of_two() {
        let mut settings = Settings::default();
        insta::assert_snapshot!(fixture(Format::Matrix, &settings, "matrix").text());
        settings.about.chat = Some(ChatKind::Direct);
        let got = fixture(Format::Matrix, &settings, "matrix");
        assert!(got.messages[0].contains("@ann:example.org->@@bob:example.org"), "{}", got.text());
    }

    #[test]
    fn answers_are_freed_of_what_they_answer() {
        assert_eq!(without_answer("> <@a:b> old\n> words\n\nnew", true), "new");
        assert_eq!(without_answer("> <@a:b> old\n\n> mine", true), "> mine");
        assert_eq!(without_answer("> <@a:b> old", false), "> <@a:b> old");
    }

    #[test]
    fn nobody_edits_what_another_wrote() {
        let event = |id: &str, who: &str, at: i64, more: &str| {
            format!(
                r#"{{"type":"m.room.message","sender":"{who}","event_id":"{id}","origin_server_ts":{at},"room_id":"!r","content":{{"msgtype":"m.text","body":"* x"{more}}}}}"#
            )
        };
        let edit = |words: &str| {
            format!(
                r#","m.new_content":{{"msgtype":"m.text","body":"{words}"}},"m.relates_to":{{"rel_type":"m.replace","event_id":"$1"}}"#
            )
        };
        let events = [
            event("$1", "@ann:x", 1, ""),
            event("$2", "@ann:x", 2, &edit("by Ann")),
            event("$3", "@eve:x", 3, &edit("by Eve")),
        ];
        let file = format!(
            r#"{{"room_name":"r","export_date":"x","exported_by":"a","messages":[{}]}}"#,
            events.join(",")
        );
        let got = super::super::testing::folder(Format::Matrix, &Settings::default(), &[("r.json", &file)]);
        assert_eq!(got.messages.len(), 1, "{}", got.text());
        assert!(got.messages[0].contains("by Ann"), "{}", got.text());
    }
}
