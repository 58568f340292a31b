//! WeChat (微信): the JSON of WeFlow and echotrace, and the tables of WeChatMsg and PyWxDump.
//!
//! | in the export | becomes |
//! |---|---|
//! | `session.wxid`, `TalkerId`, `talker` that ends in `@chatroom` · others | group · single chat with whose export it is |
//! | `isSend`, `IsSender`, `is_sender` 1 | from whose export it is |
//! | 文本消息, 引用消息; type 1 | 101 |
//! | pictures, voices, videos, files | 102–105, without a link where the export has no file |
//! | stickers, locations, cards, red packets, merged messages, links, calls | by `[policy]` |
//! | 系统消息, type 10000 | left out (`system-row`) |
//!
//! Traps: times are seconds, or local ones that a spreadsheet has changed · the words of everything but texts are XML or
//! a placeholder · `localType` is not reliable, the name of the type is · **`avatars` are megabytes of pictures on one
//! line**: each is a record of its own · who exported is named only where he wrote: `self` says it.
//!
//! Learnt from ChatLab's parsers of WeFlow and echotrace, LC044/WeChatMsg, xming521/WeClone.

mod csv;

use std::borrow::Cow;

use serde_json::json;

pub(super) use self::csv::{WeChatCsv, is_csv};
use super::codes::{self, reason};
use super::compose::{Draft, Odd, Part, What, refuse};
use super::media::{Kind, Medium};
use super::node::Node;
use super::ordinary::{AVATARS, At, Ordinary, Tools, last};
use super::pairs::Pairs;
use super::recognise::Begins;
use crate::export::{ExportError, Found};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role, Sink};
use crate::message::Peer;

/// The JSON of `WeFlow` and `echotrace`.
#[derive(Default)]
pub(super) struct WeChat {
    pairs: Pairs,
}

/// Whether a file begins as a session does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.text.starts_with('{') && begins.has(&["session"]) && begins.has(&["wxid"])
}

impl Ordinary for WeChat {
    const ENDINGS: &'static str = ".json";
    const MESSAGES: &'static [&'static str] = &["messages[]", AVATARS];

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        // Whoever sent is whose export it is.
        self.pairs.read(self, found, tools, &|record, context, _| {
            let chat = context.value("session.wxid")?;
            let sent = record.get("isSend").int() == Some(1) && !chat.ends_with("@chatroom");
            sent.then(|| (chat.to_owned(), record.str("senderUsername").into_owned()))
        })
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let kind = record.str("type");
        let sent = record.get("isSend").int();
        if kind == "系统消息" || sent.is_none() && record.get("senderUsername").is_empty() {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        let (chat, name) = (at.around("session.wxid"), shown(at));
        let group = chat.ends_with("@chatroom");
        if at.is_first() {
            let kind = if group { PersonKind::Group } else { PersonKind::User };
            let face = tools.composer.face(at.around("session.avatar"), at.place, sink);
            sink.person(Person::new(kind, chat, name, &face));
        }
        let writer = record.str("senderUsername");
        let (sender, peer) = if group {
            sink.relation(Relation::Member { group: chat.into(), user: writer.clone(), role: Role::Member });
            (writer, Peer::Group(Cow::Borrowed(chat)))
        } else {
            let known = self.pairs.other(chat, chat, None).or_else(|| self.pairs.only(chat));
            let me =
                if sent == Some(1) && !writer.is_empty() { Some(&*writer) } else { known.or(tools.me()) };
            let Some(me) = me.map(str::to_owned) else {
                return refuse(sink, &codes::PEER_UNKNOWN, at.place, name);
            };
            if sent == Some(1) {
                (Cow::Owned(me), Peer::User(Cow::Borrowed(chat)))
            } else {
                (Cow::Borrowed(chat), Peer::User(Cow::Owned(me)))
            }
        };
        let id = record.any(&["platformMessageId", "serverId", "localId"]).text();
        let id = if id.is_empty() { id } else { Cow::Owned(format!("{chat}/{id}")) };
        let time = record.get("createTime").int().map(|time| time.saturating_mul(1000));
        let Some(mut draft) = Tools::draft(at, id, sender, peer, time, sink) else { return };
        draft.nickname = record.str("senderDisplayName");
        let part = part(kinds(&kind), &kind, &record.str("content"), &draft, at, sink);
        tools.composer.send(draft, vec![part], sink);
    }
}

/// What the chat is called.
fn shown<'a>(at: &'a At<'_>) -> &'a str {
    let names = ["session.displayName", "session.remark", "session.nickname"].map(|key| at.around(key));
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Words,
    Medium(Kind),
    Odd(What),
    Unknown,
}

/// By the name of its type: that of `WeFlow`, or that of `PyWxDump`.
fn kinds(name: &str) -> Said {
    match name {
        "文本消息" | "文本" | "引用消息" | "引用回复" | "卡片式链接" | "图文消息" => {
            Said::Words
        }
        "图片消息" | "图片" => Said::Medium(Kind::Picture),
        "语音消息" | "语音" => Said::Medium(Kind::Voice),
        "视频消息" | "视频" => Said::Medium(Kind::Video),
        "文件消息" | "文件" => Said::Medium(Kind::File),
        "动画表情" => Said::Odd(What::Sticker),
        "名片消息" | "名片" => Said::Odd(What::Card),
        "位置消息" | "位置" => Said::Odd(What::Location),
        "聊天记录合并转发" | "合并转发的聊天记录" => Said::Odd(What::Merged),
        "红包卡片" | "转账卡片" | "转账" | "红包封面" | "小程序分享" | "小程序" | "分享链接" | "通话消息"
        | "音视频通话" => Said::Odd(What::Other),
        _ => Said::Unknown,
    }
}

fn part<'a>(
    said: Said,
    kind: &str,
    content: &str,
    draft: &Draft<'_>,
    at: &At<'_>,
    sink: &mut dyn Sink,
) -> Part<'a> {
    let xml = content.trim_start().starts_with('<');
    let words =
        |fallback: &str| if xml || content.is_empty() { fallback.to_owned() } else { content.to_owned() };
    match said {
        Said::Words => Part::Text(words(&format!("[{kind}]")).into()),
        Said::Medium(kind) => {
            // A placeholder such as `[图片]`, XML, or the path of a file that was exported as well.
            let is_path = !xml && content.contains('.') && content.contains(['/', '\\']);
            let path = if is_path { content.replace('\\', "/") } else { String::new() };
            let name = last(&path).to_owned();
            let key = if is_path { path.clone() } else { draft.id.clone().unwrap_or_default().into_owned() };
            Part::Medium(Medium {
                kind,
                key: key.into(),
                path: path.into(),
                name: name.into(),
                ..Medium::default()
            })
        }
        Said::Odd(what) => {
            let text = format!("[{kind}] {}", words("")).trim_end().to_owned();
            Part::Special(Odd { what, text: text.into(), data: json!({ "kind": kind, "content": content }) })
        }
        Said::Unknown => {
            refuse(sink, &codes::ELEMENT_UNKNOWN, at.place, kind);
            let text = words(&format!("[{kind}]"));
            Part::Special(Odd {
                what: What::Other,
                text: text.into(),
                data: json!({ "kind": kind, "content": content }),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn sessions_of_weflow() {
        insta::assert_snapshot!(fixture(Format::WeChat, &Settings::default(), "wechat/weflow").text());
    }

    #[test]
    fn tables_of_two_tools() {
        let mut settings = Settings::default();
        settings.about.me = Some("wxid_me".to_owned());
        settings.about.zone = Some("+08:00".to_owned());
        insta::assert_snapshot!(fixture(Format::WeChatCsv, &settings, "wechat/csv").text());
    }

    #[test]
    fn a_group_in_which_one_writes_never_joins_his_own_chat() {
        let head = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n";
        let row = |n: usize, chat: &str, name: &str, who: &str| {
            format!(
                "{n},{chat},1,0,{},{},,words {n},x,{name},{name},{who}\n",
                u8::from(who == "me"),
                1_700_000_000 + n
            )
        };
        let rows = [
            row(1, "12", "小王", "wang"),
            row(2, "12", "小王", "me"),
            row(3, "30", "家人", "wang"),
            row(4, "30", "家人", "me"),
            row(5, "40", "小李", "li"),
        ];
        let got = folder(
            Format::WeChatCsv,
            &Settings::default(),
            &[("m.csv", &(head.to_owned() + &rows.concat()))],
        );
        let chats: Vec<&str> = got.messages.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(chats, ["wang->#12", "me->#12", "wang->#30", "me->#30", "li->@me"], "{}", got.text());
    }
}
