//! Tencent Cloud IM: the hourly files of `get_history`, and what people made of them.
//!
//! | in the export | becomes |
//! |---|---|
//! | `GroupId`, on the record or beside `MsgList` | group |
//! | `From_Account`, `To_Account` | single chat |
//! | `TIMTextElem`, `TIMFaceElem` side by side | one 101, or 106 with `GroupAtInfo` |
//! | `TIMImageElem` · `TIMSoundElem` · `TIMVideoFileElem` · `TIMFileElem` | 102 · 103 · 104 · 105 |
//! | `TIMCustomElem` | 110; without data 101 |
//! | `TIMLocationElem`, `TIMRelayElem`, unknown elements | by `[policy]` |
//! | `TIMGroupTipElem`, `TIMGroupSystemNoticeElem`, … | left out (`system-row`) |
//! | recalled (`MsgFlagBits` 8, `IsPlaceMsg`) | left out (`recalled`), or by `[policy]` |
//! | `CloudCustomData.messageReply` | quote, with the words it repeats |
//! | `MsgFromPlatform` | `senderPlatformID` |
//!
//! Traps: hundreds of `.gz`, one an hour and kind of chat; the hour is in the name alone · a file is one JSON
//! document and lines that end in a comma at once · a group's id may stand beside `MsgList` · the body of a
//! system message is an object and no list · times are seconds, with two spellings of the key · one message has
//! several elements · `MsgSeq` repeats in chats of two, so that five fields tell messages apart · there are no
//! names in it · links of media end with the account · `Data` of custom elements is JSON written as a text.
//!
//! Learnt from cloud.tencent.com/document/product/269/1650 and 269/2720, downloaders in Go and Java that read
//! these files, TencentCloud/TIMSDK issue 979, doocs/qcloud-im-server-sdk-java issue 190.

mod element;
mod record;

use std::borrow::Cow;

use serde::Deserialize;

use self::element::Made;
use self::record::{Element, Record};
use super::codes::{self, reason};
use super::compose::{Composer, Draft, Extras, Mentions, Part, Platform, Reply, invalid, refuse};
use super::loose::{Object, Text};
use super::settings::Recalled;
use crate::export::cut::{Cutter, Json, Lines};
use crate::export::{Chunk, ExportError, Found, Input, Layout, RecordPath};
use crate::mapping::{Mapper, Record as Raw, Sink, each};
use crate::message::{Peer, Place, SendTime};

/// Both halves of the format.
pub(super) struct Tencent {
    composer: Composer,
    max_record: usize,
}

/// What clients put beside an answer.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Cloud<'a> {
    #[serde(borrow)]
    message_reply: Object<Answered<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answered<'a> {
    #[serde(borrow, rename = "messageID")]
    id: Text<'a>,
    #[serde(borrow, rename = "messageSender")]
    sender: Text<'a>,
    #[serde(borrow, rename = "messageAbstract")]
    words: Text<'a>,
}

impl Tencent {
    pub(super) fn new(composer: Composer, max_record: usize) -> Self {
        Self { composer, max_record }
    }

    fn record(&self, record: &Record<'_>, around: &str, place: Place, sink: &mut dyn Sink) {
        let group = if record.to.is_empty() { record.group.or(around) } else { &record.group.0 };
        if record.system.whole() > 0 {
            return sink.left_out(place, reason::SYSTEM_ROW);
        }
        let mut unwrapped = String::new();
        let elements = match record::body(record.body, &mut unwrapped) {
            Ok(elements) => elements,
            Err(error) => return invalid(sink, place, &error),
        };
        let parts = match parts(&elements, place, sink) {
            Ok(Some(parts)) => parts,
            Ok(None) => return,
            Err(error) => return invalid(sink, place, &error),
        };
        let Some(sender) = record.from.some() else {
            return refuse(sink, &codes::SENDER_MISSING, place, &record.seq.0);
        };
        let Some(time) = millis(&record.time.0) else {
            return refuse(sink, &codes::TIME_INVALID, place, &record.time.0);
        };
        let peer = match (group, &*record.to.0) {
            ("", "") => return refuse(sink, &codes::CONVERSATION_UNKNOWN, place, &record.seq.0),
            ("", to) => Peer::User(Cow::Borrowed(to)),
            (group, _) => Peer::Group(Cow::Borrowed(group)),
        };
        let draft = Draft {
            place,
            id: id(record, group),
            sender: Cow::Borrowed(sender),
            nickname: Cow::Borrowed(""),
            face_url: Cow::Borrowed(""),
            peer,
            platform: Platform::by_name(&record.platform.0),
            time: SendTime(time),
            mentions: Mentions {
                all: record.at.0.iter().any(|at| at.all.whole() > 0),
                users: record.at.0.iter().filter_map(|at| at.account.some()).map(Cow::Borrowed).collect(),
            },
            reply: answered(&record.cloud.0),
            extras: Extras::default(),
        };
        let recalled = record.flags.whole() & 8 != 0 || record.place_only.whole() > 0;
        if recalled && (self.composer.policy().recalled != Recalled::Keep || parts.is_empty()) {
            return self.composer.recalled(draft, "[message recalled]", sink);
        }
        self.composer.send(draft, parts, sink);
    }
}

impl Mapper for Tencent {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        // The record of a group has no `GroupId` of its own in some files.
        let around = ["GroupId", "GroupID", "groupId"].into_iter().find_map(|name| chunk.context.value(name));
        let about = &self.composer.settings().about;
        let around = around.or(about.chat_name.as_deref()).unwrap_or_default();
        each(chunk, sink, &mut |place, raw, sink| {
            let Raw::Json(text) = raw else { return };
            match serde_json::from_str::<Record<'_>>(text) {
                // The brackets around the list, where the lines are taken one by one.
                Ok(record) if record.body.is_none() && record.from.is_empty() => {
                    refuse(sink, &codes::RECORD_INVALID, place, "it has neither From_Account nor MsgBody");
                }
                Ok(record) => self.record(&record, around, place, sink),
                Err(error) => invalid(sink, place, &error),
            }
        });
    }
}

impl Layout for Tencent {
    fn belongs(&self, inside: &str) -> bool {
        if inside.split('/').any(|part| part.starts_with('.') || part == "__MACOSX") {
            return false;
        }
        let name = inside.rsplit('/').next().unwrap_or(inside);
        // Some keep the files without an ending.
        super::unpacked(name).len() < name.len()
            || matches!(&*super::ending(name), "json" | "jsonl" | "txt" | "log" | "")
    }

    fn endings(&self) -> String {
        ".gz or .json".to_owned()
    }

    fn cutter(&self, input: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        let head = input.head();
        let start = head.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
        // A document begins with a list, or has its list before the first record; otherwise each line is one.
        let list = memchr::memmem::find(head, b"\"MsgList\"");
        let first = ["From_Account", "fromAccount", "from_account", "MsgBody", "msgBody"]
            .iter()
            .filter_map(|key| memchr::memmem::find(head, format!("\"{key}\"").as_bytes()))
            .min();
        Ok(match (head.get(start), list, first) {
            (Some(b'{'), Some(list), first) if first.is_none_or(|first| list < first) => {
                let path = RecordPath::parse("MsgList[]").expect("a constant that is a path");
                Box::new(Json::new(self.max_record, vec![path]))
            }
            (Some(b'['), ..) => Box::new(Json::new(self.max_record, Vec::new())),
            _ => Box::new(Lines::new(self.max_record)),
        })
    }
}

/// What becomes of the elements; `None` where the record is no message, which was said.
fn parts(
    elements: &[Element<'_>],
    place: Place,
    sink: &mut dyn Sink,
) -> Result<Option<Vec<Part<'static>>>, serde_json::Error> {
    let mut parts: Vec<Part<'static>> = Vec::new();
    let mut left_out = None;
    for element in elements {
        let mut unwrapped = String::new();
        let content = match element.content {
            Some(content) => record::inner(content, &mut unwrapped)?,
            None => "{}",
        };
        match element::make(&element.kind.0, content)? {
            Made::Words(words) => match parts.last_mut() {
                Some(Part::Text(before)) => *before.to_mut() += &words,
                _ => parts.push(Part::Text(Cow::Owned(words))),
            },
            Made::Part(part) => parts.push(part),
            Made::Unknown(part) => {
                refuse(sink, &codes::ELEMENT_UNKNOWN, place, &element.kind.0);
                parts.push(part);
            }
            Made::System => left_out = Some(reason::SYSTEM_ROW),
            Made::Signal => left_out = Some(reason::SIGNAL),
        }
    }
    if let Some(reason) = left_out.filter(|_| parts.is_empty()) {
        sink.left_out(place, reason);
        return Ok(None);
    }
    Ok(Some(parts))
}

/// Seconds; files that somebody made anew can have milliseconds, which no second of this millennium is.
fn millis(time: &str) -> Option<i64> {
    let time: i64 = time.trim().parse().ok()?;
    if time.unsigned_abs() >= 100_000_000_000 { Some(time) } else { Some(time * 1000) }
}

/// In a group the sequence number is unique; between two people these five are (document 269/2720).
fn id<'a>(record: &Record<'_>, group: &str) -> Option<Cow<'a, str>> {
    let seq = record.seq.some()?;
    if !group.is_empty() {
        return Some(Cow::Owned(format!("{group}/{seq}")));
    }
    let (from, to, random, time) = (&record.from.0, &record.to.0, &record.random.0, &record.time.0);
    Some(Cow::Owned(format!("{from}/{to}/{seq}/{random}/{time}")))
}

fn answered<'a>(cloud: &str) -> Option<Reply<'a>> {
    if !cloud.contains("\"messageReply\"") {
        return None;
    }
    let cloud: Cloud<'_> = serde_json::from_str(cloud).ok()?;
    let reply = cloud.message_reply.0?;
    let own = |text: Text<'_>| Cow::Owned(text.0.into_owned());
    // The client's own id of the message; no file has it, so that the words it repeats are what is left.
    Some(Reply { target: own(reply.id), quoted: Some((own(reply.sender), own(reply.words))) })
}

#[cfg(test)]
mod tests;
