//! NetEase Yunxin (网易云信): message copies (抄送) that the app's own server kept, as lines, a list or a table, and
//! saved answers of its history API.
//!
//! | in the export | becomes |
//! |---|---|
//! | `convType` `PERSON`, `ope` 0 | single chat with `to` |
//! | `TEAM`, `SUPER_TEAM`, `ope` 1 | group `tid`, or `to` |
//! | `TEXT` · `PICTURE` · `AUDIO` · `VIDEO` · `FILE` | 101 · 102 · 103 · 104 · 105 |
//! | `CUSTOM` | 110 |
//! | `LOCATION`, unknown types | by `[policy]` |
//! | `TIPS`, `NOTIFICATION`, other events than conversations | left out (`system-row`) |
//! | `fromNick` | name |
//!
//! Traps: all values are texts · keys of tables differ in case and `_` (`toAccount`, `msgIdServer`) · `attach` is JSON
//! written as a text, `fullMsg` is the whole record so · `dur` is in ms · accounts are the same in any case: they are
//! made lower · a copy may come twice (`resendFlag`), with the same `msgidServer`.
//!
//! Learnt from handlers of these copies on GitHub and NetEase's documentation; the rarer fields are not confirmed.

use std::borrow::Cow;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Odd, Part, Platform, What, refuse};
use super::media::{self, Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, lines_or_json};
use super::recognise::Begins;
use crate::export;
use crate::mapping::Sink;
use crate::message::Peer;

/// Message copies.
pub(super) struct NetEase;

/// Whether a file begins as copies do.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let copies =
        begins.has(&["convType", "convtype", "conv_type"]) && begins.has(&["fromAccount", "from_account"]);
    let history = begins.has(&["ope"]) && begins.has(&["msgid"]) && begins.has(&["sendtime"]);
    begins.is_json() && (copies || history)
        || begins.is_csv(&["convType", "fromAccount", "msgType"])
        || begins.is_csv(&["conv_type", "from_account", "msg_type"])
}

impl Ordinary for NetEase {
    const ENDINGS: &'static str = ".json, .jsonl or .csv";
    const COLUMNS: &'static [&'static [&'static str]] =
        &[&["convType", "fromAccount", "toAccount", "msgType"], &["fullMsg"]];

    fn belongs(&self, inside: &str) -> bool {
        super::unpacked(inside).len() < inside.len()
            || matches!(&*super::ending(inside), "json" | "jsonl" | "csv" | "txt" | "log")
    }

    fn cut(&self, inside: &str, head: &[u8]) -> Cut {
        let json = head.trim_ascii_start().first().is_some_and(|byte| b"{[".contains(byte));
        match memchr::memmem::find(head, b"\"msgs\"") {
            _ if !json && super::ending(inside) == "csv" => Cut::Csv(export::Csv::default()),
            Some(at) if memchr::memmem::find(head, b"\"msgid\"").is_none_or(|first| at < first) => {
                Cut::Json(&["msgs[]"])
            }
            _ => lines_or_json(head),
        }
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let full = record.get_loosely("fullMsg").unwrapped();
        let record = if full.is_object() { &*full } else { record };
        let text = |key: &str| record.get_loosely(key).text();
        let account = |id: Cow<'_, str>| Cow::Owned(id.to_lowercase());
        if !matches!(&*text("eventType"), "" | "1") {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let to = [text("to"), text("toAccount")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        let peer = match (&*text("convType"), &*text("ope")) {
            ("PERSON", _) | ("", "0") => Peer::User(account(to)),
            ("TEAM" | "SUPER_TEAM", _) | ("", "1") => Peer::Group(Cow::Owned(
                Some(text("tid")).filter(|id| !id.is_empty()).unwrap_or(to).into_owned(),
            )),
            ("", other) => return refuse(sink, &codes::CONVERSATION_UNKNOWN, at.place, other),
            (room, _) if room.contains("ROOM") => return sink.left_out(at.place, reason::CHAT_ROOM),
            _ => return sink.left_out(at.place, reason::SYSTEM_ROW),
        };
        let from =
            [text("fromAccount"), text("from")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        let time = [record.get_loosely("msgTimestamp"), record.get_loosely("sendtime")]
            .into_iter()
            .find_map(Node::int);
        let id = ["msgidServer", "msgid", "msgidClient"].map(text).into_iter().find(|id| !id.is_empty());
        let kind =
            [text("msgType"), text("type")].into_iter().find(|kind| !kind.is_empty()).unwrap_or_default();
        if matches!(&*kind, "TIPS" | "NOTIFICATION" | "5" | "10") || kind.starts_with("TEAM_") {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let id = id.unwrap_or_default();
        let Some(mut draft) = Tools::draft(at, id, account(from), peer, time, sink) else { return };
        draft.nickname = text("fromNick");
        draft.platform = Platform::by_name(&text("fromClientType"));
        let body = record.get_loosely("body").unwrapped();
        let attach = record.get_loosely("attach").unwrapped();
        let attach = if attach.is_object() { &attach } else { &body };
        let odd = |what, words: String| {
            Part::Special(Odd {
                what,
                text: words.into(),
                data: json!({ "msgType": kind, "attach": attach.value() }),
            })
        };
        let part = match &*kind {
            "TEXT" | "0" if body.is_object() => Part::Text(body.str("msg")),
            "TEXT" | "0" => Part::Text(body.text()),
            "PICTURE" | "1" => Part::Medium(medium(Kind::Picture, attach)),
            "AUDIO" | "2" => Part::Medium(medium(Kind::Voice, attach)),
            "VIDEO" | "3" => Part::Medium(medium(Kind::Video, attach)),
            "FILE" | "6" => Part::Medium(medium(Kind::File, attach)),
            "LOCATION" | "4" => odd(
                What::Location,
                format!("[location] {} {}, {}", attach.str("title"), attach.str("lat"), attach.str("lng")),
            ),
            "CUSTOM" | "100" => {
                let data =
                    if attach.is_object() { attach.value().to_string() } else { text("attach").into_owned() };
                Part::Custom([data.into(), text("body"), Cow::Borrowed("")])
            }
            kind => {
                refuse(sink, &codes::ELEMENT_UNKNOWN, at.place, kind);
                odd(What::Other, format!("[{kind}]"))
            }
        };
        tools.composer.send(draft, vec![part], sink);
    }
}

fn medium<'a>(kind: Kind, attach: &'a Node<'_>) -> Medium<'a> {
    let url = attach.str("url");
    let key = media::bare(&url).to_owned();
    Medium {
        kind,
        key: Cow::Owned(key),
        name: attach.str("name"),
        mime: attach.str("ext"),
        size: attach.get("size").size(),
        width: attach.get("w").size(),
        height: attach.get("h").size(),
        seconds: attach.get("dur").size().div_ceil(1000),
        link: media::is_link(&url).then_some(Link { url, reach: Reach::Open }),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::super::{Format, Settings};

    #[test]
    fn copies_as_lines_as_a_table_and_answers_of_the_history() {
        insta::assert_snapshot!(fixture(Format::NetEase, &Settings::default(), "netease").text());
    }
}
