//! WeCom (企业微信): the archive of conversations, decrypted, one record a line or a list.
//!
//! | in the export | becomes |
//! |---|---|
//! | `roomid` · none, one in `tolist` | group, `from` and `tolist` its members · single chat |
//! | `text` · `markdown`, `link`, `docmsg`, `news` | 101 |
//! | `image`, · `voice` · `video` · `file` | 102 · 103 · 104 · 105, without a link |
//! | `mixed` | a message for each of its items |
//! | `emotion` · `location` · `card` · `vote` · `chatrecord`, all other types | by `[policy]` |
//! | a message that a `revoke` names | left out (`recalled`), or by `[policy]` |
//! | `revoke` itself, `switch`, `agree`, `disagree` | left out (`signal`, `system-row`) |
//!
//! Traps: the content stands under the name of its type, but `docmsg` under `doc`, `markdown` and `news` under `info` · a
//! recall is a record of its own: **so files are read twice** · items of `mixed` are JSON written as texts · files come
//! by `sdkfileid` through the SDK alone: they are named by `md5sum`, where there is one · no names of people or rooms ·
//! what was fetched may still stand around a record (`seq`, `publickey_ver` …, a list `chatdata`), with the record in it as
//! an object or as JSON written as a text.
//!
//! Learnt from developer.work.weixin.qq.com/document/path/91774 and linjicong/wx-work-finance.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Draft, Odd, Part, What, refuse};
use super::media::{Kind, Medium};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, lines_or_json};
use super::recognise::Begins;
use super::settings::Recalled;
use crate::export::{ExportError, Found};
use crate::mapping::{Relation, Role, Sink};
use crate::message::Peer;

/// The archive.
#[derive(Default)]
pub(super) struct WeCom {
    /// Ids of messages that were recalled.
    recalled: OnceLock<HashSet<String>>,
}

/// Whether a file begins as the archive does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let has = |key: &str| begins.has(&[key]) || begins.text.contains(&format!("\\\"{key}\\\""));
    // Still encrypted it is recognised as well, so that this is said.
    begins.is_json() && (["msgid", "msgtype", "tolist"].into_iter().all(has) || has("encrypt_chat_msg"))
}

impl Ordinary for WeCom {
    const ENDINGS: &'static str = ".json or .jsonl";

    fn cut(&self, _: &str, head: &[u8]) -> Cut {
        // As it was fetched: pages with a list in them.
        let page = memchr::memmem::find(head, b"\"chatdata\"")
            .is_some_and(|at| memchr::memmem::find(head, b"\"msgid\"").is_none_or(|first| at < first));
        if page { Cut::Json(&["chatdata[]"]) } else { lines_or_json(head) }
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut recalled = HashSet::new();
        for file in &*found {
            tools.survey(self, file, &mut |text, _| {
                if memchr::memmem::find(text.as_bytes(), b"pre_msgid").is_none() {
                    return;
                }
                if let Ok(record) = serde_json::from_str::<Node<'_>>(text) {
                    recalled.insert(inner(&record).at(&["revoke", "pre_msgid"]).text().into_owned());
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.recalled.get_or_init(|| recalled);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let record = &*inner(record);
        if is_encrypted(record) {
            let still = "it is still encrypted (`encrypt_chat_msg`): decrypt it with the SDK of WeCom";
            return refuse(sink, &codes::RECORD_INVALID, at.place, still);
        }
        let (action, kind) = (record.str("action"), record.str("msgtype"));
        match (&*action, &*kind) {
            ("switch", _) => return sink.left_out(at.place, reason::SYSTEM_ROW),
            ("recall", _) | (_, "revoke") => return sink.left_out(at.place, reason::SIGNAL),
            (_, "agree" | "disagree") => return sink.left_out(at.place, reason::SYSTEM_ROW),
            _ => {}
        }
        let (from, room) = (record.str("from"), record.str("roomid"));
        let to = record.get("tolist").list();
        let peer = if room.is_empty() {
            if let [_, _, ..] = to {
                return refuse(
                    sink,
                    &codes::CONVERSATION_UNKNOWN,
                    at.place,
                    "several in `tolist`, and no `roomid`",
                );
            }
            Peer::User(to.first().map_or(Cow::Borrowed(""), Node::text).into_owned().into())
        } else {
            for user in to.iter().map(Node::text).chain([from.clone()]).filter(|user| !user.is_empty()) {
                sink.relation(Relation::Member { group: room.clone(), user, role: Role::Member });
            }
            Peer::Group(Cow::Borrowed(&*room))
        };
        let id = record.str("msgid");
        let time = record.get("msgtime").int();
        let gone = self.recalled.get().is_some_and(|recalled| recalled.contains(&*id));
        let Some(draft) = Tools::draft(at, id, from, peer, time, sink) else { return };
        if gone && tools.composer.policy().recalled != Recalled::Keep {
            return tools.composer.recalled(draft, "[message recalled]", sink);
        }
        let key = match &*kind {
            "docmsg" => "doc",
            "markdown" | "news" => "info",
            kind => kind,
        };
        let mut parts = Vec::new();
        if kind == "mixed" {
            for item in record.at(&["mixed", "item"]).list() {
                let content = item.get("content").unwrapped();
                parts.push(part(&item.str("type"), &content, id_of(&draft)));
            }
        } else {
            parts.push(part(&kind, record.get(key), id_of(&draft)));
        }
        tools.composer.send(draft, parts, sink);
    }
}

/// The record itself, where what was fetched stands around it.
fn inner<'r>(record: &'r Node<'_>) -> Cow<'r, Node<'r>> {
    let is_one = |node: &Node<'_>| !node.get("from").is_empty() || node.str("action") == "switch";
    if is_one(record) {
        return Cow::Borrowed(record);
    }
    let mut within = record.members().iter().map(|(_, node)| node.unwrapped());
    within.find(|node| is_one(node)).unwrap_or(Cow::Borrowed(record))
}

/// Whether it is what the SDK has not decrypted.
fn is_encrypted(record: &Node<'_>) -> bool {
    record.get("from").is_empty() && !record.get("encrypt_chat_msg").is_empty()
}

/// The export's id of it.
fn id_of<'a>(draft: &'a Draft<'_>) -> &'a str {
    draft.id.as_deref().unwrap_or_default()
}

fn part(kind: &str, content: &Node<'_>, id: &str) -> Part<'static> {
    let text = |key: &str| content.str(key);
    let lines = |keys: &[&str]| {
        let lines: Vec<String> =
            keys.iter().map(|key| text(key).into_owned()).filter(|line| !line.is_empty()).collect();
        Part::Text(lines.join("\n").into())
    };
    let odd = |what, words: String| {
        Part::Special(Odd {
            what,
            text: words.into(),
            data: json!({ "msgtype": kind, "content": content.value() }),
        })
    };
    let medium = |kind, name: &str| {
        let md5 = text("md5sum");
        let path = if md5.is_empty() { id.to_owned() } else { md5.into_owned() };
        Part::Medium(Medium {
            kind,
            key: Cow::Owned(path.clone()),
            path: Cow::Owned(path),
            name: Cow::Owned(text(name).into_owned()),
            mime: Cow::Owned(text("fileext").into_owned()),
            size: content.any(&["filesize", "voice_size"]).size(),
            seconds: content.get("play_length").size(),
            ..Medium::default()
        })
    };
    match kind {
        "text" | "markdown" => lines(&["content"]),
        "link" => lines(&["title", "description", "link_url"]),
        "docmsg" => lines(&["title", "link_url"]),
        "news" => {
            let items = content.get("item").list().iter();
            let lines: Vec<String> =
                items.map(|item| format!("{} {}", item.str("title"), item.str("url"))).collect();
            Part::Text(lines.join("\n").into())
        }
        "image" => medium(Kind::Picture, "filename"),
        "voice" => medium(Kind::Voice, "filename"),
        "video" => medium(Kind::Video, "filename"),
        "file" => medium(Kind::File, "filename"),
        "emotion" => odd(What::Sticker, "[sticker]".to_owned()),
        "location" => odd(
            What::Location,
            format!(
                "[location] {} {} {}, {}",
                text("title"),
                text("address"),
                text("latitude"),
                text("longitude")
            ),
        ),
        "card" => odd(What::Card, format!("[card] {} {}", text("corpname"), text("userid"))),
        "vote" => odd(What::Poll, format!("[poll] {}", text("votetitle"))),
        "chatrecord" => {
            let said = |item: &Node<'_>| {
                let inner = item.get("content").unwrapped();
                let words = inner.str("content");
                if words.is_empty() { format!("\n[{}]", item.str("type")) } else { format!("\n{words}") }
            };
            let items: String = content.get("item").list().iter().map(said).collect();
            odd(What::Merged, format!("[merged] {}{items}", text("title")))
        }
        kind => {
            let words = content.any(&["title", "topic", "wish", "room_name"]).text();
            odd(What::Other, format!("[{kind}] {words}").trim_end().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn an_archive() {
        insta::assert_snapshot!(fixture(Format::WeCom, &Settings::default(), "wecom.jsonl").text());
    }

    #[test]
    fn what_was_fetched_may_stand_around_it() {
        let said = |id: &str, more: &str| {
            format!(
                r#"{{"msgid":"{id}","action":"send","from":"ann","tolist":["bob"],"roomid":"","msgtime":1700000000000,{more}}}"#
            )
        };
        let text = r#""msgtype":"text","text":{"content":"hi"}"#;
        let gone = r#""msgtype":"revoke","revoke":{"pre_msgid":"2"}"#;
        let around = |inner: &str| format!(r#"{{"seq":1,"msgid":"x","publickey_ver":3,"chat_msg":{inner}}}"#);
        let escaped = |inner: String| around(&serde_json::to_string(&inner).unwrap());
        let lines = [
            around(&said("1", text)),
            escaped(said("2", text)),
            around(&said("3", gone)),
            escaped(said("4", text)),
        ];
        let page =
            |lines: &[String]| format!(r#"{{"errcode":0,"errmsg":"ok","chatdata":[{}]}}"#, lines.join(","));
        for (name, export) in [
            ("lines.jsonl", lines.join("\n")),
            ("list.json", format!("[{}]", lines.join(",\n"))),
            ("pages.json", format!("{}\n{}", page(&lines[..2]), page(&lines[2..]))),
        ] {
            let got = folder(Format::WeCom, &Settings::default(), &[(name, &export)]);
            let sent: Vec<&str> =
                got.messages.iter().filter_map(|one| one.rsplit_once("id=")).map(|(_, id)| id).collect();
            assert_eq!((&*sent, &*got.findings), (&["1", "4"][..], &[][..]), "{name}: {:?}", got.left_out);
            assert_eq!(got.left_out.len(), 2, "{name}: {:?}", got.left_out);
            assert_eq!(super::super::recognise::by_content(name, &export), Some(Format::WeCom), "{name}");
        }
        let still =
            r#"{"seq":1,"msgid":"x","publickey_ver":3,"encrypt_random_key":"k","encrypt_chat_msg":"c"}"#;
        let got = folder(Format::WeCom, &Settings::default(), &[("a.jsonl", still)]);
        assert!(got.findings[0].contains("still encrypted") && got.findings.len() == 1, "{:?}", got.findings);
        assert_eq!(super::super::recognise::by_content("a.jsonl", still), Some(Format::WeCom));
    }

    #[test]
    fn what_went_to_several_without_a_room_is_not_sent_to_the_first_alone() {
        let line = r#"{"msgid":"1","action":"send","from":"ann","tolist":["bob","cem"],"roomid":"","msgtime":1700000000000,"msgtype":"text","text":{"content":"to both"}}"#;
        let got = folder(Format::WeCom, &Settings::default(), &[("a.jsonl", line)]);
        assert_eq!(got.findings, ["1 conversation-unknown several in `tolist`, and no `roomid`"]);
        assert!(got.messages.is_empty());
    }
}
