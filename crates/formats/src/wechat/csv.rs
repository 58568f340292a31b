//! Tables of WeChat: those of `WeChatMsg` (`MemoTrace`) with numbers of types, and those of `PyWxDump` with their names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use jiff::fmt::strtime::BrokenDownTime;

use super::super::codes::{self, reason};
use super::super::compose::{What, refuse};
use super::super::media::Kind;
use super::super::node::Node;
use super::super::ordinary::{At, Cut, Ordinary, Tools};
use super::super::pairs::Pairs;
use super::super::recognise::Begins;
use super::super::settings::ChatKind;
use super::{Said, kinds, part};
use crate::export::{self, ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// Tables of WeChat.
#[derive(Default)]
pub(in super::super) struct WeChatCsv {
    /// Those who wrote to whose export it is, by chat; and whose export it is, under a name that is no chat's.
    pairs: Pairs,
    /// Those who alone wrote in several chats.
    several: OnceLock<HashSet<String>>,
}

/// No chat is called so.
const ME: &str = "\0me";

/// Whether a file begins as one of the tables does.
pub(in super::super) fn is_csv(begins: &Begins<'_>) -> bool {
    begins.is_csv(&["TalkerId", "IsSender", "CreateTime", "StrContent"])
        || begins.is_csv(&["type_name", "is_sender", "talker", "room_name", "msg"])
}

impl Ordinary for WeChatCsv {
    const ENDINGS: &'static str = ".csv";
    const COLUMNS: &'static [&'static [&'static str]] = &[
        &["TalkerId", "IsSender", "CreateTime", "StrContent", "Type"],
        &["type_name", "is_sender", "talker", "room_name", "msg", "CreateTime"],
    ];

    fn belongs(&self, inside: &str) -> bool {
        super::super::ending(inside) == "csv"
    }

    fn cut(&self, _: &str, _: &[u8]) -> Cut {
        Cut::Csv(export::Csv::default())
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let sent = |record: &Node<'_>| record.any(&["IsSender", "is_sender"]).is_true();
        let writer = |record: &Node<'_>| record.str("Sender").into_owned();
        self.pairs.read(self, found, tools, &|record, _, _| {
            if sent(record) {
                return Some((ME.to_owned(), writer(record)));
            }
            let system = record.str("Type") == "10000";
            (!system).then(|| (record.str("TalkerId").into_owned(), writer(record)))
        })?;
        let several = self.pairs.alone_in_several();
        self.several.get_or_init(|| several.into_iter().map(str::to_owned).collect());
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let memo = record.get("StrContent") != &Node::Nothing || record.get("TalkerId") != &Node::Nothing;
        let (kind, said) =
            if memo { by_number(record) } else { (record.str("type_name"), kinds(&record.str("type_name"))) };
        let system = matches!(&*kind, "10000" | "系统通知" | "系统消息");
        if system {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let (chat, sent) = if memo {
            (record.str("TalkerId"), record.get("IsSender").is_true())
        } else {
            let room = record.str("room_name");
            let chat = if room.is_empty() { record.str("talker") } else { room };
            (chat, record.get("is_sender").is_true())
        };
        let name = record.any(&["Remark", "NickName"]).text();
        let writer = if memo { record.str("Sender") } else { record.str("talker") };
        let Some(me) = tools.me().or_else(|| self.pairs.only(ME)) else {
            return refuse(sink, &codes::PEER_UNKNOWN, at.place, &chat);
        };
        // `WeChatMsg` numbers its chats. One in which several write to the one whose export it is, is a group, and so is one that is
        // called one; what the other of two is called stands with what he wrote.
        let others = if memo { self.pairs.writers(&chat) } else { &[] };
        // Of two chats in which the same one wrote alone, one at least is a group in which others are silent.
        let is_doubtful = |one: &String| self.several.get().is_some_and(|several| several.contains(one));
        let group = chat.ends_with("@chatroom")
            || others.len() > 1
            || matches!(others, [one] if is_doubtful(one))
            || memo && name.contains('群')
            || tools.composer.settings().about.chat == Some(ChatKind::Group);
        let chat = match others {
            [other] if !group => Cow::Borrowed(other.as_str()),
            _ => chat,
        };
        let (sender, peer) = match (group, sent) {
            (true, true) => (Cow::Borrowed(me), Peer::Group(chat.clone())),
            (true, false) => (writer.clone(), Peer::Group(chat.clone())),
            (false, true) => (Cow::Borrowed(me), Peer::User(chat.clone())),
            (false, false) => (chat.clone(), Peer::User(Cow::Borrowed(me))),
        };
        let told = if group { PersonKind::Group } else { PersonKind::User };
        sink.person(Person::new(told, &chat, &name, ""));
        let Some(time) = time(record, at, tools, sink) else { return };
        let id = record.any(&["MsgSvrID", "localId", "id"]).text();
        let id = if id.is_empty() { id } else { Cow::Owned(format!("{chat}/{id}")) };
        let Some(draft) = Tools::draft(at, id, sender, peer, Some(time), sink) else { return };
        let content = record.any(&["StrContent", "msg"]).text();
        let source = record.str("src");
        let content = if source.is_empty() { content } else { source };
        let part = part(said, &kind, &content, &draft, at, sink);
        tools.composer.send(draft, vec![part], sink);
    }
}

/// By the number of its type; 49 is many things, told apart by a second number.
fn by_number<'a>(record: &'a Node<'_>) -> (Cow<'a, str>, Said) {
    let (kind, sub) = (record.str("Type"), record.str("SubType"));
    let said = match (&*kind, &*sub) {
        ("1", _) | ("49", "57" | "5") => Said::Words,
        ("3", _) => Said::Medium(Kind::Picture),
        ("34", _) => Said::Medium(Kind::Voice),
        ("43", _) => Said::Medium(Kind::Video),
        ("49", "6") => Said::Medium(Kind::File),
        ("47", _) => Said::Odd(What::Sticker),
        ("48", _) => Said::Odd(What::Location),
        ("42", _) => Said::Odd(What::Card),
        ("49", "19") => Said::Odd(What::Merged),
        ("49" | "50", _) => Said::Odd(What::Other),
        _ => Said::Unknown,
    };
    (kind, said)
}

/// Seconds; or a local time, also one that a spreadsheet has written anew.
fn time(record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) -> Option<i64> {
    let text = record.str("CreateTime");
    if let Some(seconds) = record.get("CreateTime").int() {
        return Some(seconds.saturating_mul(1000));
    }
    let known = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M"];
    let local = known.iter().find_map(|shape| BrokenDownTime::parse(shape, &*text).ok()?.to_datetime().ok());
    let Some(local) = local else {
        refuse(sink, &codes::TIME_INVALID, at.place, &text);
        return None;
    };
    tools.local.time(local, at.place, sink).map(|time| time.0)
}
