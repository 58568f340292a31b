//! QQ: the JSON of qq-chat-exporter 5 (and 4), whole or in chunks; and the text that QQ itself exports.
//!
//! | in the export | becomes |
//! |---|---|
//! | `chatInfo.type` `group` · `private`, `temp` | group `peerUin` · single chat with `peerUin` |
//! | `content.text` | 101, or 106 with `mentions` |
//! | `content.resources`: image · audio · video · file | 102 · 103 · 104 · 105 |
//! | element `reply` | quote |
//! | `recalled` · `system` | left out (`recalled`, or by `[policy]` · `system-row`) |
//! | text export: `2024-01-02 9:08:07 NAME(12345)` and the lines behind it | 101; group `消息对象` where three or more write, or single chat |
//!
//! Traps: a user has a `uin` (his number) and a `uid` (`u_…`); one of them may be empty · version 4 has times as words ·
//! chunks are lines, their manifest says whose chat it is · **`avatars` are megabytes on one line**: each is a record of
//! its own · the text export has local times, `【title】` before names, no id for the chat, and may hold all chats.
//!
//! Learnt from shuakami/qq-chat-exporter (its types); the text export from public samples.

mod text;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

pub(super) use self::text::{QqText, is_text};
use super::codes::{self, reason};
use super::compose::{Mentions, Part, Reply, refuse};
use super::media::{self, Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{AVATARS, At, Cut, ONLY_AVATARS, Ordinary, Tools, file as file_name, last};
use super::recognise::{Begins, head};
use super::settings::Recalled;
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// The JSON of the exporter.
#[derive(Default)]
pub(super) struct Qq {
    /// What the manifest in a folder says of its chunks.
    manifests: OnceLock<HashMap<String, Chat>>,
}

/// Whose chat it is.
#[derive(Debug, Clone, Default)]
struct Chat {
    group: bool,
    name: String,
    peer: String,
    me: String,
    avatar: String,
}

/// Whether a file begins as the exporter's do.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.text.starts_with('{') && begins.has(&["chatInfo"]) && begins.has(&["metadata"])
}

impl Ordinary for Qq {
    const ENDINGS: &'static str = ".json, or manifest.json with chunks/*.jsonl";

    fn belongs(&self, inside: &str) -> bool {
        matches!(&*super::ending(last(inside)), "json" | "jsonl")
    }

    fn cut(&self, inside: &str, _: &[u8]) -> Cut {
        match file_name(inside) {
            "avatars.json" => Cut::Json(&[ONLY_AVATARS, AVATARS]),
            _ if super::ending(inside) == "jsonl" => Cut::Lines,
            _ => Cut::Json(&["messages[]", AVATARS]),
        }
    }

    fn arrange(&self, found: &mut Vec<Found>, _: &Tools) -> Result<(), ExportError> {
        let mut manifests = HashMap::new();
        for file in found.iter().filter(|file| file_name(&file.inside) == "manifest.json") {
            if let Ok(manifest) = serde_json::from_str::<Node<'_>>(&head(file)?) {
                let info = manifest.get("chatInfo");
                let chat = chat(&|key| info.str(key).into_owned());
                manifests.insert(folder(&file.inside).to_owned(), chat);
            }
        }
        found.retain(|file| file_name(&file.inside) != "manifest.json");
        // A second reading of the same files finds the same.
        self.manifests.get_or_init(|| manifests);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let chat = self.chat(at);
        if record.any(&["system", "isSystemMessage"]).is_true() {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let from = record.get("sender");
        let sender = from.any(&["uin", "uid"]).text();
        let peer = if chat.group {
            if at.is_first() {
                let face = tools.composer.face(self.avatar(at), at.place, sink);
                sink.person(Person::new(PersonKind::Group, &chat.peer, &chat.name, &face));
            }
            Peer::Group(Cow::Owned(chat.peer.clone()))
        } else if sender != chat.peer {
            Peer::User(Cow::Owned(chat.peer.clone()))
        } else {
            match Some(&*chat.me).filter(|me| !me.is_empty()).or(tools.me()) {
                Some(me) => Peer::User(Cow::Owned(me.to_owned())),
                None => return refuse(sink, &codes::PEER_UNKNOWN, at.place, &chat.name),
            }
        };
        // Version 4 writes times as words, with their zone.
        let time = record.get("timestamp");
        let time = time.int().or_else(|| Some(time.text().parse::<jiff::Timestamp>().ok()?.as_millisecond()));
        let id = |id: Cow<'_, str>| {
            Cow::Owned(if id.is_empty() { String::new() } else { format!("{}/{id}", chat.peer) })
        };
        let own = id(record.any(&["id", "messageId"]).text());
        let Some(mut draft) = Tools::draft(at, own, sender, peer, time, sink) else { return };
        let raw = record.get("rawMessage");
        let names =
            [from.any(&["groupCard", "name", "nickname"]), raw.any(&["sendMemberName", "sendNickName"])];
        draft.nickname =
            names.into_iter().find(|name| !name.is_empty()).map_or(Cow::Borrowed(""), Node::text);
        sink.person(Person::new(PersonKind::User, &draft.sender, &draft.nickname, ""));
        let content = record.get("content");
        let mut words = content.str("text");
        for element in content.get("elements").list().iter().filter(|element| element.str("type") == "reply")
        {
            let data = element.get("data");
            let target = data.any(&["messageId", "replyMsgId", "referencedMessageId"]).text();
            let said = data.str("content").into_owned();
            let who = data.any(&["senderName", "senderUin"]).text().into_owned();
            if !target.is_empty() {
                let quoted = (!said.is_empty()).then_some((Cow::Owned(who), Cow::Owned(said)));
                draft.reply = Some(Reply { target: id(target), quoted });
            }
        }
        let mentions = content.get("mentions").list();
        draft.mentions = Mentions {
            all: mentions.iter().any(|one| one.str("type") == "all"),
            users: mentions
                .iter()
                .map(|one| one.any(&["uin", "uid"]).text())
                .filter(|id| !id.is_empty())
                .collect(),
        };
        if record.any(&["recalled", "isRecalled"]).is_true()
            && tools.composer.policy().recalled != Recalled::Keep
        {
            return tools.composer.recalled(draft, "[message recalled]", sink);
        }
        let files = content.get("resources").list();
        // The words of a picture alone are a placeholder: `[图片: a.jpg]`.
        if !files.is_empty()
            && words.starts_with('[')
            && words.ends_with(']')
            && words.matches('[').count() == 1
        {
            words = Cow::Borrowed("");
        }
        let mut parts = vec![Part::Text(words)];
        parts.extend(files.iter().map(|file| Part::Medium(medium(file))));
        tools.composer.send(draft, parts, sink);
    }
}

impl Qq {
    /// What the manifest beside `chunks/` says.
    fn of_chunks(&self, at: &At<'_>) -> Option<&Chat> {
        let manifests = self.manifests.get()?;
        let near = [at.around("@folder"), folder(at.around("@folder"))];
        near.iter().find_map(|folder| manifests.get(*folder))
    }

    /// Whose chat it is; without the picture, which is large.
    fn chat(&self, at: &At<'_>) -> Cow<'_, Chat> {
        let around = |key: &str| match key {
            "avatar" => String::new(),
            key => at.around(&format!("chatInfo.{key}")).to_owned(),
        };
        self.of_chunks(at).map_or_else(|| Cow::Owned(chat(&around)), Cow::Borrowed)
    }

    /// The picture of the chat.
    fn avatar<'a>(&'a self, at: &'a At<'_>) -> &'a str {
        self.of_chunks(at).map_or_else(|| at.around("chatInfo.avatar"), |chat| &chat.avatar)
    }
}

fn chat(info: &dyn Fn(&str) -> String) -> Chat {
    let either =
        |a: &str, b: &str| Some(info(a)).filter(|id| !id.is_empty() && id != "0").unwrap_or_else(|| info(b));
    let peer = either("peerUin", "peerUid");
    let name = info("name");
    Chat {
        group: info("type") == "group",
        peer: if peer.is_empty() { name.clone() } else { peer },
        name,
        me: either("selfUin", "selfUid"),
        avatar: info("avatar"),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn medium<'a>(file: &'a Node<'_>) -> Medium<'a> {
    let kind = match &*file.str("type") {
        "image" => Kind::Picture,
        "audio" | "voice" => Kind::Voice,
        "video" => Kind::Video,
        _ => Kind::File,
    };
    let (url, path) = (file.str("url"), file.str("localPath"));
    let path: Cow<'_, str> = Cow::Owned(path.replace('\\', "/"));
    let link = media::is_link(&url).then(|| Link { url: url.clone(), reach: Reach::Expires });
    let key = if path.is_empty() { Cow::Owned(media::bare(&url).to_owned()) } else { path.clone() };
    Medium {
        kind,
        key,
        path,
        link,
        name: file.str("filename"),
        size: file.get("size").size(),
        width: file.get("width").size(),
        height: file.get("height").size(),
        seconds: file.get("duration").size(),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn whole_and_in_chunks() {
        insta::assert_snapshot!(fixture(Format::Qq, &Settings::default(), "qq/json").text());
    }

    #[test]
    fn text_of_qq_itself() {
        let mut settings = Settings::default();
        settings.about.zone = Some("Asia/Shanghai".to_owned());
        insta::assert_snapshot!(fixture(Format::QqText, &settings, "qq/text").text());
        settings.about.zone = None;
        let file = "消息记录\n\n消息对象:班级群\n\n2024-01-02 9:08:07 A(1)\nx\n\n2024-01-02 9:08:08 B(2)\ny\n\n2024-01-02 9:08:09 C(3)\nz\n";
        let got = folder(Format::QqText, &settings, &[("a.txt", file)]);
        assert_eq!((got.messages.len(), got.findings.len()), (0, 3), "{}", got.text());
    }
}
