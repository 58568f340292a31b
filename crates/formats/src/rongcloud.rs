//! RongCloud (融云): the hourly log of an app, and full-message callbacks that somebody kept.
//!
//! **No file of this has been seen by those who wrote this**: the frame is documented, message types are those of the
//! SDK, the names of fields are from documentation of callbacks. A warning says so (`shape-unconfirmed`).
//!
//! | in the export | becomes |
//! |---|---|
//! | `targetType` 1, `channelType` `PERSON` | single chat |
//! | 2, 3, `GROUP` … · 10 with `busChannel` | group · group `targetId/busChannel` |
//! | 4 · 5, 6 and others | left out (`chat-room` · `system-row`) |
//! | `RC:TxtMsg` · `RC:ImgMsg`, `RC:GIFMsg` · `RC:HQVCMsg`, `RC:VcMsg` · `RC:SightMsg` · `RC:FileMsg` | 101 · 102 · 103 · 104 · 105 |
//! | `RC:ReferenceMsg` | quote |
//! | `RC:ImgTextMsg` | 101 |
//! | `RC:LBSMsg`, `RC:CombineMsg` | by `[policy]` |
//! | a message that a `RC:RcCmd` names | left out (`recalled`), or by `[policy]` |
//! | `RC:…Ntf`, `RC:CmdMsg`, `RC:TypSts` and the like | left out (`system-row`, `signal`) |
//! | types of the app's own | 110 |
//! | `user`, `mentionedInfo` in the content | name and picture, 106 |
//!
//! Traps: a date stands in front of the JSON · `dateTime` is Beijing's, without a zone · `content` is an object or a text
//! of JSON, and the `content` in it again · previews and short recordings are base64 within, megabytes of it · a recall
//! is a record of its own, behind its message: **so files are read twice** · all kinds of chats are in one file.
//!
//! Learnt from docs.rongcloud.cn (get-message-history-log, callbacks) and RongCloud's SDKs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Mentions, Odd, Part, Platform, Reply, What, refuse};
use super::media::{self, Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, lines_or_json};
use super::recognise::Begins;
use super::settings::Recalled;
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// The hourly log.
#[derive(Default)]
pub(super) struct RongCloud {
    /// Ids of messages that were recalled.
    recalled: OnceLock<HashSet<String>>,
}

/// Whether a file begins as a log does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let line = begins.text.lines().next().unwrap_or_default();
    let type_known = begins.has(&["classname", "objectName", "className"]);
    type_known && begins.has(&["fromUserId"]) && (begins.is_json() || trimmed(line).starts_with('{'))
}

/// A line from its first `{` on.
fn trimmed(line: &str) -> &str {
    line.find('{').map_or(line, |at| &line[at..])
}

impl Ordinary for RongCloud {
    const ENDINGS: &'static str = ".log, .txt, .json or .gz";

    fn belongs(&self, inside: &str) -> bool {
        super::unpacked(inside).len() < inside.len()
            || matches!(&*super::ending(inside), "json" | "jsonl" | "txt" | "log" | "")
    }

    fn cut(&self, _: &str, head: &[u8]) -> Cut {
        if head.trim_ascii_start().starts_with(b"{") || head.trim_ascii_start().starts_with(b"[") {
            lines_or_json(head)
        } else {
            Cut::Lines
        }
    }

    fn trim<'t>(&self, line: &'t str) -> &'t str {
        trimmed(line)
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut recalled = HashSet::new();
        for file in &*found {
            tools.survey(self, file, &mut |text, _| {
                if memchr::memmem::find(text.as_bytes(), b"RC:RcCmd").is_none() {
                    return;
                }
                let Ok(record) = serde_json::from_str::<Node<'_>>(text) else { return };
                if kind(&record) == "RC:RcCmd" {
                    recalled.insert(
                        record
                            .get("content")
                            .unwrapped()
                            .any(&["messageUId", "messageUid"])
                            .text()
                            .into_owned(),
                    );
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.recalled.get_or_init(|| recalled);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        if at.place.line == 1 {
            refuse(sink, &codes::SHAPE_UNCONFIRMED, at.place, "");
        }
        let kind = kind(record);
        match &*kind {
            "RC:CmdMsg" | "RC:TypSts" | "RC:ReadNtf" | "RC:RcCmd" | "RC:SRSMsg" | "RC:RRReqMsg"
            | "RC:RRRspMsg" => {
                return sink.left_out(at.place, reason::SIGNAL);
            }
            kind if kind.starts_with("RC:") && kind.ends_with("Ntf") => {
                return sink.left_out(at.place, reason::SYSTEM_ROW);
            }
            _ => {}
        }
        let target = record.any(&["targetId", "toUserId"]).text().into_owned();
        let group = Some(record.any(&["GroupId", "groupId"]).text().into_owned()).filter(|id| !id.is_empty());
        let channel = record.str("busChannel");
        let peer = match &*record.any(&["targetType", "channelType", "conversationType"]).text() {
            "1" | "PERSON" => Peer::User(Cow::Owned(target)),
            "2" | "3" | "GROUP" | "TEMPGROUP" => Peer::Group(Cow::Owned(group.unwrap_or(target))),
            "10" | "ULTRAGROUP" if channel.is_empty() => Peer::Group(Cow::Owned(target)),
            "10" | "ULTRAGROUP" => Peer::Group(Cow::Owned(format!("{target}/{channel}"))),
            "4" | "CHATROOM" | "TEMPCHATROOM" => return sink.left_out(at.place, reason::CHAT_ROOM),
            "" => return refuse(sink, &codes::CONVERSATION_UNKNOWN, at.place, &target),
            _ => return sink.left_out(at.place, reason::SYSTEM_ROW),
        };
        let content = record.get("content").unwrapped();
        let content = match content.get("content").unwrapped() {
            // Wrapped once more.
            inner if inner.is_object() && !content.get("content").is_object() => {
                Cow::Owned(inner.into_owned())
            }
            _ => content.clone(),
        };
        let id = record.any(&["msgUID", "msgUid", "messageUId"]).text();
        let sender = record.str("fromUserId");
        let Some(mut draft) = Tools::draft(at, id.clone(), sender.clone(), peer, time(record), sink) else {
            return;
        };
        let user = content.get("user");
        if !user.get("name").is_empty() && user.str("id") == sender {
            draft.nickname = user.str("name").into_owned().into();
            draft.face_url = user.any(&["portrait", "portraitUri"]).text().into_owned().into();
            sink.person(Person::new(PersonKind::User, &sender, &draft.nickname, &draft.face_url));
        }
        draft.platform = Platform::by_name(&record.any(&["source", "os"]).text());
        let mentioned = content.get("mentionedInfo");
        draft.mentions = Mentions {
            all: mentioned.get("type").int() == Some(1),
            users: mentioned
                .get("userIdList")
                .list()
                .iter()
                .map(|id| id.text().into_owned().into())
                .collect(),
        };
        if kind == "RC:ReferenceMsg" && !content.get("referMsgUid").is_empty() {
            let words = content.get("referMsg").unwrapped();
            let words =
                if words.is_object() { words.str("content").into_owned() } else { words.text().into_owned() };
            draft.reply = Some(Reply {
                target: content.str("referMsgUid").into_owned().into(),
                quoted: Some((content.str("referMsgUserId").into_owned().into(), words.into())),
            });
        }
        let gone = self.recalled.get().is_some_and(|recalled| recalled.contains(&*id));
        if gone && tools.composer.policy().recalled != Recalled::Keep {
            return tools.composer.recalled(draft, "[message recalled]", sink);
        }
        tools.composer.send(draft, vec![part(&kind, &content)], sink);
    }
}

fn kind<'a>(record: &'a Node<'_>) -> Cow<'a, str> {
    record.any(&["classname", "objectName", "className"]).text()
}

/// `msgTimestamp` in ms, or else `dateTime`, which is Beijing's.
fn time(record: &Node<'_>) -> Option<i64> {
    if let Some(time) = record.any(&["msgTimestamp", "timestamp"]).int() {
        return Some(time);
    }
    let local: DateTime =
        record.str("dateTime").trim().replace('/', "-").replacen(' ', "T", 1).parse().ok()?;
    Some(local.to_zoned(TimeZone::fixed(offset(8))).ok()?.timestamp().as_millisecond())
}

fn part<'a>(kind: &str, content: &'a Node<'_>) -> Part<'a> {
    let text = |key: &str| content.str(key);
    let odd = |what, text: String| {
        Part::Special(Odd {
            what,
            text: text.into(),
            data: json!({ "objectName": kind, "content": content.value() }),
        })
    };
    match kind {
        "RC:TxtMsg" | "RC:ReferenceMsg" => Part::Text(text("content")),
        "RC:ImgMsg" => Part::Medium(medium(Kind::Picture, content, &["imageUri", "remoteUrl"])),
        "RC:GIFMsg" => Part::Medium(Medium {
            mime: "image/gif".into(),
            ..medium(Kind::Picture, content, &["remoteUrl"])
        }),
        "RC:HQVCMsg" | "RC:VcMsg" => Part::Medium(medium(Kind::Voice, content, &["remoteUrl"])),
        "RC:SightMsg" => Part::Medium(medium(Kind::Video, content, &["sightUrl"])),
        "RC:FileMsg" => Part::Medium(medium(Kind::File, content, &["fileUrl"])),
        "RC:ImgTextMsg" => {
            let lines = ["title", "content", "url"].map(text);
            Part::Text(
                lines
                    .iter()
                    .filter(|line| !line.is_empty())
                    .map(|line| &**line)
                    .collect::<Vec<_>>()
                    .join("\n")
                    .into(),
            )
        }
        "RC:LBSMsg" => odd(
            What::Location,
            format!("[location] {} {}, {}", text("poi"), text("latitude"), text("longitude")),
        ),
        kind if kind.starts_with("RC:Combine") => {
            let lines = content.get("summaryList").list().iter().map(|line| format!("\n{}", line.text()));
            odd(What::Merged, format!("[merged]{}", lines.collect::<String>()))
        }
        kind if kind.starts_with("RC:") => odd(What::Other, format!("[{kind}]")),
        kind => Part::Custom([content.value().to_string().into(), kind.to_owned().into(), Cow::Borrowed("")]),
    }
}

fn medium<'a>(kind: Kind, content: &'a Node<'_>, links: &[&str]) -> Medium<'a> {
    let url = content.any(links).text();
    Medium {
        kind,
        key: Cow::Owned(media::bare(&url).to_owned()),
        name: content.str("name"),
        size: content.any(&["size", "fileSize"]).size(),
        width: content.get("width").size(),
        height: content.get("height").size(),
        seconds: content.get("duration").size(),
        // RongCloud keeps files for half a year.
        link: media::is_link(&url).then_some(Link { url, reach: Reach::Expires }),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::super::{Format, Settings};

    #[test]
    fn logs_with_dates_in_front_and_callbacks() {
        insta::assert_snapshot!(fixture(Format::RongCloud, &Settings::default(), "rongcloud").text());
    }
}
