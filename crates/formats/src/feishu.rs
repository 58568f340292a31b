//! Feishu (飞书) and Lark: message lists of the API, saved as pages, lists or lines; `chats.json` beside them.
//!
//! | in the export | becomes |
//! |---|---|
//! | `chat_id` whose `chat_mode` in a list of chats is `p2p` · others | single chat of its two writers · group |
//! | `text`, `post` | 101, or 106 with `mentions` |
//! | `image` · `audio` · `media` · `file` | 102 · 103 · 104 · 105, without a link |
//! | `sticker` · `location` · `share_user`, `share_chat` · `vote` · `interactive`, `merge_forward`, others | by `[policy]` |
//! | `system` | left out (`system-row`) |
//! | `deleted` | left out (`recalled`), or by `[policy]` |
//! | `upper_message_id` | left out: it stands in a forwarded bundle (`forwarded-within`) |
//! | `parent_id` | quote |
//!
//! Traps: the content is JSON written as a text · `@_user_1` in it stands for a name in `mentions` · times are ms as
//! texts · whether two or many talk is in the list of chats alone (`/im/v1/chats`, saved anywhere beside): without it
//! a chat counts as a group unless `chat = "direct"` · files come by key through the API.
//!
//! Learnt from open.feishu.cn (im-v1 message list, message content).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Mentions, Odd, Part, Reply, What, refuse};
use super::media::{Kind, Medium};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, lines_or_json};
use super::pairs::Pairs;
use super::recognise::Begins;
use super::settings::{ChatKind, Recalled};
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// Message lists.
#[derive(Default)]
pub(super) struct Feishu {
    pairs: Pairs,
    /// Chats of a list of chats: whether two talk.
    direct: OnceLock<HashMap<String, bool>>,
}

/// Whether a file begins as a message list does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.is_json() && ["message_id", "msg_type", "chat_id"].iter().all(|key| begins.has(&[key]))
}

impl Ordinary for Feishu {
    const ENDINGS: &'static str = ".json or .jsonl";

    fn cut(&self, _: &str, head: &[u8]) -> Cut {
        let before = |key: &[u8]| memchr::memmem::find(head, key).unwrap_or(usize::MAX);
        let pages = before(b"\"items\"") < before(b"\"message_id\"").min(before(b"\"chat_mode\""));
        match (pages, before(b"\"data\"") < before(b"\"items\"")) {
            (true, true) => Cut::Json(&["data.items[]"]),
            (true, false) => Cut::Json(&["items[]"]),
            _ => lines_or_json(head),
        }
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut direct = HashMap::new();
        for file in &*found {
            tools.survey(self, file, &mut |text, _| {
                if text.contains("\"chat_mode\"")
                    && let Ok(chat) = serde_json::from_str::<Node<'_>>(text)
                {
                    direct.insert(chat.str("chat_id").into_owned(), chat.str("chat_mode") == "p2p");
                }
            })?;
        }
        // A second reading of the same files finds the same.
        let direct = self.direct.get_or_init(|| direct);
        let all = tools.composer.settings().about.chat == Some(ChatKind::Direct);
        if !all && !direct.values().any(|direct| *direct) {
            return Ok(());
        }
        self.pairs.read(self, found, tools, &|record, _, _| {
            let chat = record.str("chat_id").into_owned();
            let two = all || direct.get(&chat).copied().unwrap_or(false);
            let written = !record.get("sender").is_empty() && record.str("msg_type") != "system";
            (two && written).then(|| (chat, record.at(&["sender", "id"]).text().into_owned()))
        })
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let chat = record.str("chat_id");
        if !record.get("chat_mode").is_empty() {
            if record.str("chat_mode") != "p2p" {
                sink.person(Person::new(
                    PersonKind::Group,
                    &chat,
                    &record.str("name"),
                    &record.str("avatar"),
                ));
            }
            return sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
        let kind = record.str("msg_type");
        if kind == "system" {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        if !record.get("upper_message_id").is_empty() {
            return sink.left_out(at.place, reason::FORWARDED_WITHIN);
        }
        let sender = record.at(&["sender", "id"]).text();
        let listed = self.direct.get().and_then(|direct| direct.get(&*chat)).copied();
        let two = listed.unwrap_or(tools.composer.settings().about.chat == Some(ChatKind::Direct));
        let peer = if two {
            match self.pairs.other(&chat, &sender, tools.me()) {
                Some(other) => Peer::User(Cow::Borrowed(other)),
                None => return refuse(sink, &codes::PEER_UNKNOWN, at.place, &chat),
            }
        } else {
            Peer::Group(chat)
        };
        let time = record.get("create_time").int();
        let Some(mut draft) = Tools::draft(at, record.str("message_id"), sender, peer, time, sink) else {
            return;
        };
        let mentions = record.get("mentions").list();
        for one in mentions {
            sink.person(Person::new(PersonKind::User, &one.str("id"), &one.str("name"), ""));
        }
        draft.reply =
            Some(Reply { target: record.str("parent_id"), quoted: None }).filter(|r| !r.target.is_empty());
        if record.get("updated").is_true() {
            draft.extras.edited_at = record.get("update_time").int();
        }
        if record.get("deleted").is_true() && tools.composer.policy().recalled != Recalled::Keep {
            return tools.composer.recalled(draft, "[message deleted]", sink);
        }
        let content = record.at(&["body", "content"]).unwrapped();
        let all = content.str("text").contains("@_all");
        draft.mentions = Mentions {
            all,
            users: mentions.iter().map(|one| one.str("id")).filter(|id| !id.is_empty()).collect(),
        };
        let parts = parts(&kind, &content, mentions, at, sink);
        tools.composer.send(draft, parts, sink);
    }
}

/// The words with names where keys stood.
fn named(words: &str, mentions: &[Node<'_>]) -> String {
    let mut words = words.replace("@_all", "@all");
    // The longest first: `@_user_1` begins `@_user_12` as well.
    let mut keys: Vec<_> = mentions.iter().map(|one| (one.str("key"), one.str("name"))).collect();
    keys.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
    for (key, name) in keys.iter().filter(|(key, _)| !key.is_empty()) {
        words = words.replace(&**key, &format!("@{name}"));
    }
    words
}

fn parts<'a>(
    kind: &str,
    content: &Node<'_>,
    mentions: &[Node<'_>],
    at: &At<'_>,
    sink: &mut dyn Sink,
) -> Vec<Part<'a>> {
    let text = |key: &str| content.str(key);
    let odd = |what, words: String| {
        Part::Special(Odd {
            what,
            text: words.trim_end().to_owned().into(),
            data: json!({ "msg_type": kind, "content": content.value() }),
        })
    };
    let part = match kind {
        "text" => Part::Text(named(&text("text"), mentions).into()),
        "post" => return post(content, mentions),
        "image" => file(Kind::Picture, &text("image_key"), "", 0),
        "file" => file(Kind::File, &text("file_key"), &text("file_name"), 0),
        "audio" => file(Kind::Voice, &text("file_key"), "", content.get("duration").size()),
        "media" => file(Kind::Video, &text("file_key"), &text("file_name"), content.get("duration").size()),
        "sticker" => odd(What::Sticker, "[sticker]".to_owned()),
        "location" => odd(
            What::Location,
            format!("[location] {} {}, {}", text("name"), text("latitude"), text("longitude")),
        ),
        "share_user" => odd(What::Card, format!("[card] {}", text("user_id"))),
        "share_chat" => odd(What::Card, format!("[card] {}", text("chat_id"))),
        "vote" => odd(What::Poll, format!("[poll] {}", text("topic"))),
        "merge_forward" => odd(What::Merged, "[merged]".to_owned()),
        "interactive"
        | "todo"
        | "hongbao"
        | "share_calendar_event"
        | "calendar"
        | "general_calendar"
        | "video_chat"
        | "folder" => {
            odd(What::Other, format!("[{kind}] {}", content.any(&["title", "summary", "topic"]).text()))
        }
        kind => {
            refuse(sink, &codes::ELEMENT_UNKNOWN, at.place, kind);
            odd(What::Other, format!("[{kind}]"))
        }
    };
    vec![part]
}

/// A text with its pictures: the words, then the files.
fn post<'a>(content: &Node<'_>, mentions: &[Node<'_>]) -> Vec<Part<'a>> {
    // Sent by an application, it can stand under its language.
    let content = match content.members() {
        [(_, inner)] if inner.is_object() => inner,
        _ => content,
    };
    let mut words = content.str("title").into_owned();
    let mut files = Vec::new();
    for line in content.get("content").list() {
        if !words.is_empty() {
            words.push('\n');
        }
        for piece in line.list() {
            match &*piece.str("tag") {
                "at" => {
                    let name = piece.any(&["user_name", "user_id"]).text();
                    if name.starts_with("@_") {
                        words += &named(&name, mentions);
                    } else {
                        words.extend(["@", &*name]);
                    }
                }
                "a" => words.extend([&*piece.str("text"), " ", &*piece.str("href")]),
                "img" => files.push(file(Kind::Picture, &piece.str("image_key"), "", 0)),
                "media" => files.push(file(Kind::Video, &piece.str("file_key"), "", 0)),
                "emotion" => words.extend(["[", &*piece.str("emoji_type"), "]"]),
                _ => words += &named(&piece.str("text"), mentions),
            }
        }
    }
    let mut parts = vec![Part::Text(words.into())];
    parts.append(&mut files);
    parts
}

/// A file that the API gives for its key.
fn file<'a>(kind: Kind, key: &str, name: &str, ms: u64) -> Part<'a> {
    let key: Cow<'a, str> = Cow::Owned(key.to_owned());
    Part::Medium(Medium {
        kind,
        key: key.clone(),
        path: key,
        name: Cow::Owned(name.to_owned()),
        seconds: ms.div_ceil(1000),
        ..Medium::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::super::{Format, Settings};

    #[test]
    fn pages_and_lines_with_a_list_of_chats() {
        insta::assert_snapshot!(fixture(Format::Feishu, &Settings::default(), "feishu").text());
    }
}
