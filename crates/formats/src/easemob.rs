//! Easemob (环信): the hourly files of `chatmessages`, as they are and as they were in 2014, and saved pages of REST.
//!
//! | in the export | becomes |
//! |---|---|
//! | `chat_type` `chat` · `groupchat` · `chatroom` | single chat · group · left out (`chat-room`) |
//! | bodies `txt` · `img` · `audio` · `video` · `file` | 101 · 102 · 103 · 104 · 105 |
//! | `loc`, a body of `sub_combine`, unknown ones | by `[policy]` |
//! | `custom` | 110 |
//! | `cmd` | left out (`signal`) |
//! | `ext.msgQuote` | quote, with the words it repeats |
//!
//! Traps: `from` and `to` beside `payload` are internal, and the only ones in old files · the kind of chat stands in the
//! body there · a forwarded bundle has no `type` · names like `org#app_ann@easemob.com` · **files open only with the
//! `secret`** · recalls and names of people are not in it.
//!
//! Learnt from doc.easemob.com (`message_historical`), the old pages kept in 1052419956/developer.easemob.com, and a
//! user's reader of real files.

use std::borrow::Cow;

use serde_json::json;

use super::codes::{self, reason};
use super::compose::{Odd, Part, Reply, What, refuse};
use super::media::{self, Kind, Link, Medium, Reach, Resized};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, lines_or_json};
use super::recognise::Begins;
use crate::mapping::Sink;
use crate::message::Peer;

/// Hourly files.
pub(super) struct Easemob;

/// Whether a file begins as an hour does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.is_json() && begins.has(&["msg_id"]) && begins.has(&["bodies"]) && begins.has(&["payload"])
}

impl Ordinary for Easemob {
    const ENDINGS: &'static str = ".gz or .json";

    fn belongs(&self, inside: &str) -> bool {
        super::unpacked(inside).len() < inside.len()
            || matches!(&*super::ending(inside), "json" | "jsonl" | "txt" | "log" | "")
    }

    fn cut(&self, _: &str, head: &[u8]) -> Cut {
        match memchr::memmem::find(head, b"\"entities\"") {
            Some(at) if memchr::memmem::find(head, b"\"msg_id\"").is_none_or(|first| at < first) => {
                Cut::Json(&["entities[]"])
            }
            _ => lines_or_json(head),
        }
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let payload = record.get("payload");
        let bodies = payload.get("bodies").list();
        let side = |key: &str| {
            let inner = payload.str(key);
            let id = if inner.is_empty() { record.str(key) } else { inner };
            Cow::Owned(user(&id).to_owned())
        };
        let kind = [record.get("chat_type"), payload.get("chat_type")]
            .into_iter()
            .chain(bodies.first().map(|body| body.get("chat_type")))
            .find(|kind| !kind.is_empty())
            .map_or(Cow::Borrowed(""), Node::text);
        let peer = match &*kind {
            "chat" => Peer::User(side("to")),
            "groupchat" => Peer::Group(side("to")),
            "chatroom" => return sink.left_out(at.place, reason::CHAT_ROOM),
            _ => return refuse(sink, &codes::CONVERSATION_UNKNOWN, at.place, &kind),
        };
        let time = record.get("timestamp").int();
        let Some(mut draft) = Tools::draft(at, record.str("msg_id"), side("from"), peer, time, sink) else {
            return;
        };
        let quote = payload.at(&["ext", "msgQuote"]).unwrapped();
        if !quote.get("msgID").is_empty() {
            let own = |key: &str| Cow::Owned(quote.str(key).into_owned());
            let quoted = (!quote.get("msgPreview").is_empty()).then(|| (own("msgSender"), own("msgPreview")));
            draft.reply = Some(Reply { target: own("msgID"), quoted });
        }
        let mut parts = Vec::new();
        for body in bodies {
            match &*body.str("type") {
                "cmd" if bodies.len() == 1 => return sink.left_out(at.place, reason::SIGNAL),
                "cmd" => {}
                kind => {
                    let known = KNOWN.contains(&kind) || body.str("subType") == "sub_combine";
                    if !known {
                        refuse(sink, &codes::ELEMENT_UNKNOWN, at.place, kind);
                    }
                    parts.push(part(kind, body));
                }
            }
        }
        tools.composer.send(draft, parts, sink);
    }
}

const KNOWN: [&str; 7] = ["txt", "img", "audio", "video", "file", "loc", "custom"];

/// `ann` of `org#app_ann@easemob.com`; anything else as it is.
fn user(id: &str) -> &str {
    let jid = id.strip_suffix("@easemob.com").or_else(|| id.split_once("@easemob.com/").map(|(id, _)| id));
    jid.and_then(|id| id.split_once('#')?.1.split_once('_')).map_or(id, |(_, user)| user)
}

fn part<'a>(kind: &str, body: &'a Node<'_>) -> Part<'a> {
    let odd = |what, text: String| {
        Part::Special(Odd { what, text: text.into(), data: json!({ "body": body.value() }) })
    };
    match kind {
        "txt" => Part::Text(body.str("msg")),
        "img" => Part::Medium(Medium {
            width: body.at(&["size", "width"]).size(),
            height: body.at(&["size", "height"]).size(),
            ..medium(Kind::Picture, body)
        }),
        "audio" => Part::Medium(medium(Kind::Voice, body)),
        "video" => {
            // `size` is that of the preview.
            let preview = Resized {
                url: body.str("thumb"),
                width: body.at(&["size", "width"]).size(),
                height: body.at(&["size", "height"]).size(),
                ..Resized::default()
            };
            let open = media::is_link(&preview.url) && body.get("thumb_secret").is_empty();
            Part::Medium(Medium { preview: Some(preview).filter(|_| open), ..medium(Kind::Video, body) })
        }
        "file" => Part::Medium(medium(Kind::File, body)),
        "loc" => {
            let [name, lat, lng] = ["addr", "lat", "lng"].map(|key| body.str(key));
            odd(What::Location, format!("[location] {name} {lat}, {lng}"))
        }
        "custom" => {
            let data = json!({ "customEvent": body.get("customEvent").value(),
                "customExts": body.any(&["v2:customExts", "customExts"]).value() });
            Part::Custom([data.to_string().into(), body.str("customEvent"), Cow::Borrowed("")])
        }
        _ if body.str("subType") == "sub_combine" => {
            odd(What::Merged, format!("[merged] {}\n{}", body.str("title"), body.str("summary")))
        }
        kind => odd(What::Other, format!("[{kind}]")),
    }
}

fn medium<'a>(kind: Kind, body: &'a Node<'_>) -> Medium<'a> {
    let url = body.str("url");
    let reach = if body.get("secret").is_empty() { Reach::Expires } else { Reach::Secret };
    Medium {
        kind,
        key: Cow::Owned(media::bare(&url).to_owned()),
        name: body.str("filename"),
        size: body.get("file_length").size(),
        seconds: body.get("length").size(),
        link: media::is_link(&url).then_some(Link { url, reach }),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::super::{Format, Settings};
    use super::*;

    #[test]
    fn hours_of_three_ages() {
        insta::assert_snapshot!(fixture(Format::Easemob, &Settings::default(), "easemob").text());
    }

    #[test]
    fn names_of_the_inside_become_those_of_people() {
        let cases = [
            ("org#app_ann_b@easemob.com", "ann_b"),
            ("org#app_ann@easemob.com/ios", "ann"),
            ("ann#1", "ann#1"),
        ];
        for (id, expected) in cases {
            assert_eq!(user(id), expected);
        }
    }
}
