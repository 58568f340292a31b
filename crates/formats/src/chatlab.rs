//! ChatLab 0.0.2, JSON and JSON lines: what converters make of QQ, LINE, Instagram, iMessage and many others.
//!
//! | in the export | becomes |
//! |---|---|
//! | `meta.type` `group` · `private` | group `meta.groupId`, or else its name · single chat of the two |
//! | types 0, 7, 25 | 101 |
//! | 1 · 2 · 3 · 4 | 102 · 103 · 104 · 105, without a link |
//! | 5 · 8 · 27 · 26 · 20, 21, 22, 23, 24, 99 | sticker, location, card, merged, others: by `[policy]` |
//! | 80 · 81 | left out (`system-row` · `recalled`, or by `[policy]`) |
//! | `replyToMessageId` | quote |
//! | `members` | names, pictures and members |
//!
//! Traps: times are seconds · a group may have no id · `#` begins a comment, a line may be blank · **pictures of members
//! are megabytes in one line**; that of a group is taken up to 64 KiB of text · who the other of two is stands in the members, or in what the two
//! write: so private chats are read twice; `ownerId`, or else `self`, is whose export it is.
//!
//! Learnt from hellodigua/ChatLab (its format's documentation and parser).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Odd, Part, Reply, What, refuse};
use super::media::{Kind, Medium};
use super::namesakes::Namesakes;
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, last};
use super::pairs::Pairs;
use super::recognise::{Begins, head};
use super::settings::ChatKind;
use crate::export::{Context, ExportError, Found};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role, Sink};
use crate::message::Peer;

/// `ChatLab`'s format.
#[derive(Default)]
pub(super) struct ChatLab {
    pairs: Pairs,
    namesakes: Namesakes,
    /// What the header of each file of lines says, by its path.
    headers: OnceLock<HashMap<String, Header>>,
}

/// Which chat a file is.
#[derive(Debug, Clone, Default)]
struct Header {
    platform: String,
    name: String,
    /// `group` or `private`.
    kind: String,
    group_id: String,
    owner: String,
    avatar: String,
}

/// Whether a file begins as `ChatLab`'s do.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let text = begins.text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty());
    text.is_some_and(|text| text.starts_with('{')) && begins.has(&["chatlab"]) && begins.has(&["meta"])
}

impl Ordinary for ChatLab {
    const ENDINGS: &'static str = ".json or .jsonl";

    fn belongs(&self, inside: &str) -> bool {
        matches!(&*super::ending(last(inside)), "json" | "jsonl")
    }

    fn cut(&self, _: &str, head: &[u8]) -> Cut {
        let first = head.split(|b| *b == b'\n').find(|line| line.trim_ascii_start().starts_with(b"{"));
        let is_tagged = first.is_some_and(|line| memchr::memmem::find(line, b"\"_type\"").is_some());
        // A comment comes in front of lines alone, and may be longer than what is looked at here.
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let is_long_comment = first.is_none() && text.starts_with(b"#") && text.len() > 32 << 10;
        let lines = is_tagged || is_long_comment;
        if lines { Cut::Lines } else { Cut::Json(&["members[]", "messages[]"]) }
    }

    fn trim<'t>(&self, line: &'t str) -> &'t str {
        // A comment is read as an object that says nothing.
        if line.starts_with('#') { "{\"_type\":\"comment\"}" } else { line }
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut headers = HashMap::new();
        for file in &*found {
            let head = head(file)?;
            let line = head.lines().find(|line| line.contains("\"_type\"") && line.contains("\"header\""));
            if let Some(line) = line
                && let Ok(header) = serde_json::from_str::<Node<'_>>(line.trim_start_matches('\u{feff}'))
            {
                let meta = header.get("meta");
                headers.insert(
                    file.path.clone(),
                    Header {
                        platform: meta.str("platform").into_owned(),
                        name: meta.str("name").into_owned(),
                        kind: meta.str("type").into_owned(),
                        group_id: meta.str("groupId").into_owned(),
                        owner: meta.str("ownerId").into_owned(),
                        avatar: meta.str("groupAvatar").into_owned(),
                    },
                );
            }
        }
        // A second reading of the same files finds the same.
        let headers = self.headers.get_or_init(|| headers);
        let nameless = RefCell::new(HashMap::new());
        self.pairs.read(self, found, tools, &|record, context, file| {
            // Lines know their header; a document tells it around its records.
            let header = headers.get(&file.path);
            let said = |of_lines: fn(&Header) -> &String, around: &str| match header {
                Some(header) => of_lines(header).clone(),
                None => context.value(around).unwrap_or_default().to_owned(),
            };
            let group = is_group(&said(|header| &header.kind, "meta.type"), tools) != Some(false);
            if group
                && !nameless.borrow().contains_key(&file.path)
                && said(|header| &header.group_id, "meta.groupId").is_empty()
            {
                let name = said(|header| &header.name, "meta.name");
                nameless.borrow_mut().insert(file.path.clone(), name);
            }
            let who = record.any(&["sender", "platformId"]).text().into_owned();
            let kind = record.get("type").int().unwrap_or(0);
            // Two people can be called the same: each file is a chat of its own.
            (!group && kind < 80).then(|| (file.path.clone(), who))
        })?;
        let nameless = nameless.into_inner();
        let name = |file: &Found| nameless.get(&file.path).filter(|name| !name.is_empty()).cloned();
        self.namesakes.read(self, found, tools, &name, &["sender", "timestamp", "content"])
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let header = self.header(at.around);
        match &*record.str("_type") {
            "comment" => return,
            "header" => return sink.left_out(at.place, reason::DIRECTORY_ROW),
            _ => {}
        }
        // What stands behind the messages was not read when they are.
        let Some(is_group) = is_group(&header.kind, tools) else {
            return refuse(sink, &codes::CHAT_KIND_UNKNOWN, at.place, &header.name);
        };
        let group = match (&*header.group_id, &*header.name, at.around("@stem")) {
            ("", "", stem) => Some(Cow::Borrowed(stem)),
            ("", name, _) => self.namesakes.group(at.around("@path"), Cow::Borrowed(name)),
            (id, ..) => Some(Cow::Borrowed(id)),
        };
        let Some(group) = group else {
            return refuse(sink, &codes::GROUPS_OF_ONE_NAME, at.place, &header.name);
        };
        if !record.get("platformId").is_empty() {
            let id = record.str("platformId");
            let name = record.any(&["accountName", "groupNickname"]).text();
            let face = record.str("avatar");
            let face = tools.composer.face(&face, at.place, sink);
            sink.person(Person::new(PersonKind::User, &id, &name, &face));
            if is_group {
                let owner = record.get("roles").list().iter().any(|role| role.str("id") == "owner");
                let role = if owner { Role::Owner } else { Role::Member };
                sink.relation(Relation::Member { group, user: id, role });
            }
            return sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
        let sender = record.str("sender");
        let peer = if is_group {
            if at.is_first() {
                let face = tools.composer.face(self.avatar(at.around), at.place, sink);
                sink.person(Person::new(PersonKind::Group, &group, &header.name, &face));
            }
            Peer::Group(group.clone())
        } else {
            let me = Some(&*header.owner).filter(|me| !me.is_empty()).or(tools.me());
            let Some(other) = self.pairs.other(at.around("@path"), &sender, me) else {
                return refuse(sink, &codes::PEER_UNKNOWN, at.place, &header.name);
            };
            Peer::User(Cow::Owned(other.to_owned()))
        };
        let kind = record.get("type").int().unwrap_or(0);
        if kind == 80 {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let own = |key: &str| match record.str(key) {
            id if id.is_empty() => Cow::Borrowed(""),
            // Ids of one platform are unique in a chat alone; what that is called, others may be called too.
            id => Cow::Owned(format!("{}/{}/{id}", header.platform, chat(&peer, &sender))),
        };
        let time = record.get("timestamp").int().map(|time| time.saturating_mul(1000));
        let (id, target) = (own("platformMessageId"), own("replyToMessageId"));
        let Some(mut draft) = Tools::draft(at, id, sender, peer, time, sink) else { return };
        draft.nickname = record.any(&["groupNickname", "accountName"]).text();
        draft.reply = Some(Reply { target, quoted: None }).filter(|reply| !reply.target.is_empty());
        let words = record.str("content");
        if kind == 81 {
            return tools.composer.recalled(draft, "[message recalled]", sink);
        }
        let odd = |what, word: &str| {
            let text = if words.is_empty() { format!("[{word}]") } else { format!("[{word}] {words}") };
            Part::Special(Odd { what, text: text.into(), data: json!({ "kind": kind, "content": &*words }) })
        };
        let medium = |kind| {
            Part::Medium(Medium {
                kind,
                name: words.trim_matches(['[', ']']).to_owned().into(),
                ..Medium::default()
            })
        };
        let part = match kind {
            0 | 7 | 25 => Part::Text(words.clone()),
            1 => medium(Kind::Picture),
            2 => medium(Kind::Voice),
            3 => medium(Kind::Video),
            4 => medium(Kind::File),
            5 => odd(What::Sticker, "sticker"),
            8 => odd(What::Location, "location"),
            27 => odd(What::Card, "card"),
            26 => odd(What::Merged, "merged"),
            20..=24 | 99 => odd(What::Other, "other"),
            kind => {
                refuse(sink, &codes::ELEMENT_UNKNOWN, at.place, &kind.to_string());
                odd(What::Other, "other")
            }
        };
        tools.composer.send(draft, vec![part], sink);
    }
}

/// Whether many talk, by what the header says, or else the settings.
fn is_group(kind: &str, tools: &Tools) -> Option<bool> {
    match kind {
        "group" => Some(true),
        "private" => Some(false),
        _ => tools.composer.settings().about.chat.map(|kind| kind == ChatKind::Group),
    }
}

/// What stands in front of the ids of a chat's messages.
fn chat<'a>(peer: &'a Peer<'_>, sender: &'a str) -> Cow<'a, str> {
    match peer {
        Peer::Group(group) => Cow::Borrowed(group),
        Peer::User(other) if **other < *sender => Cow::Owned(format!("{other}+{sender}")),
        Peer::User(other) => Cow::Owned(format!("{sender}+{other}")),
    }
}

impl ChatLab {
    /// The header of a file of lines.
    fn of_lines(&self, around: &Context) -> Option<&Header> {
        self.headers.get()?.get(around.value("@path")?)
    }

    /// The header of lines, or what stands around the records of a document; without the picture, which is large.
    fn header<'h>(&'h self, around: &Context) -> Cow<'h, Header> {
        if let Some(header) = self.of_lines(around) {
            return Cow::Borrowed(header);
        }
        let value = |name| around.value(name).unwrap_or_default().to_owned();
        Cow::Owned(Header {
            platform: value("meta.platform"),
            name: value("meta.name"),
            kind: value("meta.type"),
            group_id: value("meta.groupId"),
            owner: value("meta.ownerId"),
            avatar: String::new(),
        })
    }

    /// The picture of the chat.
    fn avatar<'a>(&'a self, around: &'a Context) -> &'a str {
        match self.of_lines(around) {
            Some(header) => &header.avatar,
            None => around.value("meta.groupAvatar").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder, sources};
    use super::super::{Format, Settings};

    #[test]
    fn documents_and_lines() {
        insta::assert_snapshot!(fixture(Format::ChatLab, &Settings::default(), "chatlab").text());
    }

    #[test]
    fn where_nothing_says_who_reads_it_nothing_is_sent() {
        let said = r#"{"sender":"u1","timestamp":1,"type":0,"content":"hi"}"#;
        let meta = r#""chatlab":{"version":"0.0.2"},"meta":{"name":"c","platform":"qq","type":"group"}"#;
        let behind = format!(r#"{{"messages":[{said}],{meta}}}"#);
        let mut settings = Settings::default();
        settings.about.me = Some("me".to_owned());
        let got = folder(Format::ChatLab, &settings, &[("c.json", &behind)]);
        assert_eq!((got.messages.len(), &*got.findings), (0, &["1 chat-kind-unknown ".to_owned()][..]));
        settings.about.chat = Some(super::ChatKind::Group);
        assert_eq!(folder(Format::ChatLab, &settings, &[("c.json", &behind)]).messages.len(), 1);
    }

    #[test]
    fn files_of_one_name_are_chats_of_their_own() {
        let chat = |name: &str, kind: &str, who: &str| {
            let meta = format!(r#"{{"name":"{name}","platform":"line","type":"{kind}"}}"#);
            let said = format!(
                r#"{{"_type":"message","platformMessageId":"1","sender":"{who}","timestamp":1,"type":0,"content":"hi"}}"#
            );
            format!(
                "{{\"_type\":\"header\",\"chatlab\":{{\"version\":\"0.0.2\"}},\"meta\":{meta}}}\n{said}\n"
            )
        };
        let files = [
            ("a/1.jsonl", chat("Ann", "private", "ann1")),
            ("b/1.jsonl", chat("Ann", "private", "ann2")),
            ("c/1.jsonl", chat("Us", "group", "cem")),
        ];
        let mut settings = Settings::default();
        settings.about.me = Some("me".to_owned());
        let within = tempfile::tempdir().unwrap();
        let paths = files.each_ref().map(|(name, text)| {
            let path = within.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        });
        // Each named by itself: all are called the same where they lie.
        let got = sources(Format::ChatLab, &settings, &paths, 1 << 16).unwrap();
        let to: Vec<&str> = got.messages.iter().filter_map(|one| one.split_whitespace().nth(1)).collect();
        assert_eq!(to, ["ann1->@me", "ann2->@me", "cem->#Us"], "{:?}", got.findings);
        let ids: Vec<&str> =
            got.messages.iter().filter_map(|one| one.split_once("id=")).map(|(_, id)| id).collect();
        assert_eq!(ids, ["line/ann1+me/1", "line/ann2+me/1", "line/Us/1"]);
    }

    #[test]
    fn words_to_one_ann_never_reach_another() {
        let chat = |said: &[&str]| {
            let lines = said.iter().zip(1..).map(|(who, at)| {
                format!("{{\"_type\":\"message\",\"sender\":\"{who}\",\"timestamp\":{at},\"type\":0,\"content\":\"hi\"}}\n")
            });
            let head = r#"{"_type":"header","chatlab":{"version":"0.0.2"},"meta":{"name":"Ann","platform":"line","type":"private"}}"#;
            format!("{head}\n{}", lines.collect::<String>())
        };
        let files = [("1.jsonl", chat(&["ann1", "me"])), ("2.jsonl", chat(&["me"]))];
        let got = folder(
            Format::ChatLab,
            &Settings::default(),
            &files.each_ref().map(|(name, text)| (*name, &**text)),
        );
        assert_eq!(
            (got.messages.len(), &*got.findings),
            (2, &["2 peer-unknown Ann".to_owned()][..]),
            "{}",
            got.text()
        );
    }
}
