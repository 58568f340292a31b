//! A slot of a block, or a row of version 2, and what becomes of its content; of media in `medium`.

use std::borrow::Cow;

use serde_json::json;

use super::super::codes::{self, reason};
use super::super::compose::{Draft, Odd, Part, Platform, Reply, What, refuse};
use super::super::content::Content;
use super::super::node::Node;
use super::super::ordinary::{At, Tools};
use super::super::settings::{Policy, Recalled};
use super::medium::medium;
use super::survey::{Survey, conversation};
use crate::finding::Finding;
use crate::mapping::Sink;
use crate::message::{ContentType, Peer, Place};

/// What becomes of a message, before its content is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    LeftOut(&'static str),
    Recalled,
}

/// By its conversation, type, status, and whether it was revoked.
pub(super) fn fate(
    conversation: &str,
    kind: i64,
    status: Option<i64>,
    revoked: bool,
    policy: Policy,
) -> Fate {
    let notices = conversation.starts_with("n_") || conversation.starts_with("sn_");
    match (kind, status) {
        _ if notices => Fate::LeftOut(reason::SYSTEM_ROW),
        (113 | 119 | 120, _) => Fate::LeftOut(reason::SIGNAL),
        // 1400 goes out from notification accounts alone, and stands in their conversations.
        (111 | 200..=203 | 1000.., _) => Fate::LeftOut(reason::SYSTEM_ROW),
        (_, Some(5)) => Fate::LeftOut(reason::FILTERED),
        (_, Some(4)) => Fate::Recalled,
        _ if revoked => Fate::Recalled,
        _ => Fate::Sent,
    }
    .unless_kept(policy)
}

/// Whether somebody has taken it back.
pub(super) fn is_recalled(status: Option<i64>, revoked: bool) -> bool {
    revoked || status == Some(4)
}

impl Fate {
    fn unless_kept(self, policy: Policy) -> Self {
        if self == Self::Recalled && policy.recalled != Recalled::LeaveOut { Self::Sent } else { self }
    }
}

/// How much later than its arrival a message may say that it was sent.
const AHEAD_MS: i64 = 3_600_000;

/// When it was sent. That is the time of whoever sent it: one that is long after the server had got it comes from a clock
/// that was wrong, and would be in the way of all later messages. Then it is the time at which it came.
pub(super) fn sent_at(send_time: &Node<'_>, create_time: &Node<'_>) -> Option<i64> {
    let sent = send_time.int().or_else(|| send_time.moment())?;
    let came = create_time.moment().filter(|came| sent.saturating_sub(*came) > AHEAD_MS);
    Some(came.unwrap_or(sent))
}

/// A document of `msg`: its slots in the order of `seq`, each with a time no earlier than the one before.
pub(super) fn block(record: &Node<'_>, survey: &Survey, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
    let doc_id = record.str("doc_id");
    if doc_id.is_empty() {
        return refuse(sink, &codes::RECORD_INVALID, at.place, "messages without a `doc_id`");
    }
    let name = conversation(&doc_id);
    // A slot that was never filled, and one whose message was deleted for good, are the same: `null`.
    let mut slots: Vec<(i64, usize, &Node<'_>)> = record
        .get("msgs")
        .list()
        .iter()
        .enumerate()
        .filter(|(_, slot)| !slot.get("msg").members().is_empty())
        .map(|(n, slot)| (slot.at(&["msg", "seq"]).int().unwrap_or(i64::MAX), n, slot))
        .collect();
    slots.sort_by_key(|(seq, n, _)| (*seq, *n));
    let mut floor = i64::MIN;
    let mut begun = false;
    for (seq, n, slot) in slots {
        let message = slot.get("msg");
        let place = Place { part: u16::try_from(n).unwrap_or(u16::MAX), ..at.place };
        let at = At { place, ..*at };
        let revoked = slot.get("revoke").is_object();
        let kind = message.get("content_type").int().unwrap_or(0);
        let fate = fate(name, kind, message.get("status").int(), revoked, *tools.composer.policy());
        if fate == Fate::Sent && !std::mem::replace(&mut begun, true) {
            floor = survey.floor(name, seq);
        }
        let time = sent_at(message.get("send_time"), message.get("create_time"));
        let raised = time.map(|time| time.max(floor));
        if fate == Fate::Sent {
            let said = message.get("send_time");
            if said.int().is_some_and(|said| time.is_some_and(|time| time < said)) {
                sink.finding(Finding::new(&codes::TIME_OF_ARRIVAL, place, &said.text()));
            }
            if raised != time {
                sink.finding(Finding::new(&codes::TIME_RAISED, place, &said.text()));
            }
            floor = raised.filter(|time| survey.believes(*time)).unwrap_or(floor);
        }
        send(message, fate, revoked, raised, survey, &at, tools, sink);
    }
}

/// A row of `chat_logs`.
pub(super) fn one(record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
    let kind = record.get("content_type").int().unwrap_or(0);
    let fate = fate("", kind, record.get("status").int(), false, *tools.composer.policy());
    let text = record.str("send_time");
    let time = match record.get("send_time").int() {
        Some(time) => Some(time),
        None if fate != Fate::Sent => None,
        None => match text.trim().replacen(' ', "T", 1).parse() {
            Ok(local) => match tools.local.time(local, at.place, sink) {
                Some(time) => Some(time.0),
                None => return,
            },
            Err(_) => None,
        },
    };
    send(record, fate, false, time, &Survey::default(), at, tools, sink);
}

#[expect(clippy::too_many_arguments, reason = "what is known of a message, and where it goes")]
fn send(
    message: &Node<'_>,
    fate: Fate,
    revoked: bool,
    time: Option<i64>,
    survey: &Survey,
    at: &At<'_>,
    tools: &Tools,
    sink: &mut dyn Sink,
) {
    if let Fate::LeftOut(reason) = fate {
        return sink.left_out(at.place, reason);
    }
    let own = |key: &str| -> Cow<'static, str> { Cow::Owned(message.str(key).into_owned()) };
    let id = message.any(&["client_msg_id", "server_msg_id"]).text();
    let peer = match (message.get("session_type").int(), message.str("group_id")) {
        (Some(1), _) => Peer::User(own("recv_id")),
        (Some(2 | 3), group) if group.is_empty() => Peer::Group(own("recv_id")),
        (Some(2 | 3), _) => Peer::Group(own("group_id")),
        (Some(4), _) => return sink.left_out(at.place, reason::SYSTEM_ROW),
        (other, _) => {
            let value = other.map_or_else(String::new, |n| format!("session_type = {n}"));
            return refuse(sink, &codes::CONVERSATION_UNKNOWN, at.place, &value);
        }
    };
    let Some(mut draft) = Tools::draft(at, id, own("send_id"), peer, time, sink) else { return };
    draft.nickname = message.any(&["sender_nickname", "sender_nick_name"]).text();
    draft.face_url = message.str("sender_face_url");
    draft.platform = Platform::of(message.get("sender_platform_id").int().unwrap_or(10));
    draft.extras.own = message.str("ex");
    let recalled = is_recalled(message.get("status").int(), revoked);
    if fate == Fate::Recalled || recalled && tools.composer.policy().recalled == Recalled::Text {
        return tools.composer.recalled(draft, "[message recalled]", sink);
    }
    let kind = message.get("content_type").int().unwrap_or(0);
    let content = message.get("content").unwrapped();
    // A text of JSON, or, where somebody has unfolded it, the object itself.
    let text = match message.get("content") {
        object @ Node::Object(_) => Cow::Owned(object.value().to_string()),
        other => other.text(),
    };
    match part(kind, &text, &content, &mut draft, tools, sink) {
        Some(part) => {
            // The server shows nobody what an answer repeats of such a message.
            if let Some(reply) = draft.reply.as_mut().filter(|reply| survey.is_recalled(&reply.target)) {
                reply.quoted = None;
            }
            tools.composer.send(draft, vec![part], sink);
        }
        None => refuse(sink, &codes::RECORD_INVALID, at.place, "its content is none of its type"),
    }
}

/// What becomes of the content; `None` where it is not what its type says.
fn part<'a>(
    kind: i64,
    text: &'a str,
    content: &Node<'_>,
    draft: &mut Draft<'_>,
    tools: &Tools,
    sink: &mut dyn Sink,
) -> Option<Part<'a>> {
    let words = |key: &str| Part::Text(Cow::Owned(content.str(key).into_owned()));
    let odd = |what, words: String| {
        Some(Part::Special(Odd {
            what,
            text: Cow::Owned(words),
            data: json!({ "contentType": kind, "content": content.value() }),
        }))
    };
    let own = |kind, text: Cow<'a, str>| Some(Part::Ready(Content { kind, json: text.into_owned() }));
    Some(match kind {
        // Version 2, and clients of it, have the bare words.
        101 if !content.is_object() => Part::Text(Cow::Borrowed(text)),
        // What has nothing in it, or calls nobody, is refused as its type.
        101 if content.get("content").is_empty() => words("content"),
        106 if content.get("atUserList").list().is_empty() => words("text"),
        110 if !matches!(content.get("data"), Node::Text(_)) => {
            let data = content.get("data");
            let data =
                if data.is_empty() { Cow::Borrowed("{}") } else { Cow::Owned(data.value().to_string()) };
            let own = |key: &str| Cow::Owned(content.str(key).into_owned());
            Part::Custom([data, own("description"), own("extension")])
        }
        101 | 106 | 110 if content.is_object() => {
            let kind = ContentType::from_code(i32::try_from(kind).ok()?)?;
            // The message that a call quotes has other ids from now on.
            if kind == ContentType::At && content.get("quoteMessage").is_object() {
                let mut value = content.value();
                if let Some(members) = value.as_object_mut() {
                    members.remove("quoteMessage");
                }
                return own(kind, Cow::Owned(value.to_string()));
            }
            return own(kind, Cow::Borrowed(text));
        }
        102..=105 if content.is_object() => return medium(kind, text, content, draft.place, tools, sink),
        114 => {
            let quoted = content.get("quoteMessage");
            let target = quoted.any(&["clientMsgID", "serverMsgID"]).text().into_owned();
            let inner = quoted.get("content").unwrapped().into_owned();
            let said = match &inner {
                Node::Object(_) => inner.any(&["content", "text"]).text(),
                other => other.text(),
            };
            let said = ["textElem", "quoteElem", "atTextElem"]
                .iter()
                .map(|elem| quoted.get(elem))
                .find_map(|elem| Some(elem.any(&["content", "text"]).text()).filter(|said| !said.is_empty()))
                .unwrap_or(said);
            let who = quoted.any(&["senderNickname", "sendID"]).text();
            if !target.is_empty() {
                let quoted =
                    (!said.is_empty()).then(|| (Cow::Owned(who.into_owned()), Cow::Owned(said.to_string())));
                draft.reply = Some(Reply { target: Cow::Owned(target), quoted });
            }
            words("text")
        }
        117 => words("text"),
        118 if tools.composer.settings().release.takes_quotes() => {
            return own(ContentType::Markdown, Cow::Borrowed(text));
        }
        118 => words("content"),
        107 => {
            let lines = content.get("abstractList").list().iter().map(|line| format!("\n{}", line.text()));
            return odd(
                What::Merged,
                format!("[merged] {}{}", content.str("title"), lines.collect::<String>()),
            );
        }
        108 => return odd(What::Card, format!("[card] {}", content.any(&["nickname", "userID"]).text())),
        109 => {
            let place = [content.str("description"), content.str("latitude"), content.str("longitude")];
            return odd(What::Location, format!("[location] {} {}, {}", place[0], place[1], place[2]));
        }
        115 => return odd(What::Sticker, format!("[face {}]", content.any(&["index", "data"]).text())),
        _ if (101..1000).contains(&kind) && content.is_object() => {
            sink.finding(Finding::new(&codes::ELEMENT_UNKNOWN, draft.place, &kind.to_string()));
            return odd(What::Other, format!("[{kind}]"));
        }
        _ => return None,
    })
}
