//! Columns of a few values: what a record is, from which platform.

use super::{Guess, LeaveOut, plain, records, roles::Roles};
use crate::mapping::Key;
use crate::rule::{Condition, Of, Rule};
use crate::table::Table;
use crate::values::Column;

/// Leaves out what the app itself wrote, and says what would go as text.
pub(super) fn message_types(table: &Table, roles: &Roles, has_files: bool, guess: &mut Guess) {
    let Some(column) = roles.message_type.map(|at| &table.columns[at]) else { return };
    // What kind a file is says nothing of the record.
    if guess.fields.iter().any(|field| field.key == Key::Attachments && field.rule.reads(&column.name)) {
        return;
    }
    let Some(few) = &column.few else { return };
    let of = |wanted: Sort| -> Vec<(&String, &u64)> {
        few.iter().filter(|(value, _)| sort(value) == wanted).collect()
    };
    let (system, other) = (of(Sort::System), of(Sort::Other));
    if !system.is_empty() {
        let count: u64 = system.iter().map(|(_, count)| **count).sum();
        guess.leave_out.push(LeaveOut {
            column: column.name.clone(),
            condition: Condition::Is(system.iter().map(|(value, _)| (*value).clone()).collect()),
            reason: "system-row",
            note: format!("{} that the app wrote itself, not a user", records(count)),
        });
    }
    if !other.is_empty() {
        let values: Vec<String> = other.iter().map(|(value, count)| format!("`{value}` ({count})")).collect();
        let how = if has_files {
            "their words are sent as text, their files as what they are; leave them out with [[mapping.leave_out]]"
        } else {
            "all are sent as text, as their words stand; leave them out with [[mapping.leave_out]], or name what has their \
             files as `attachments`"
        };
        guess.notes.push(format!("`{}` has {}: {how}", column.name, values.join(", ")));
    }
}

/// Leaves out what somebody wrote who is the app itself.
pub(super) fn by_the_app(sender: &Column, guess: &mut Guess) {
    const APP: &str = "system system_message systemmessage 系统 系统消息 系統 система";
    let Some(few) = &sender.few else { return };
    let is = |who: &str| APP.split_whitespace().any(|app| app == who.trim().to_lowercase().replace(' ', "_"));
    let (names, counts): (Vec<&String>, Vec<u64>) =
        few.iter().filter(|(who, _)| is(who)).map(|(who, count)| (who, *count)).unzip();
    if names.is_empty() || names.len() == few.len() {
        return;
    }
    let note = format!("{} that the app wrote itself, by `{}`", records(counts.iter().sum()), sender.name);
    guess.notes.push(format!("left out: {note}; take [[mapping.leave_out]] out to send them as a user's"));
    guess.leave_out.push(LeaveOut {
        column: sender.name.clone(),
        condition: Condition::Is(names.into_iter().cloned().collect()),
        reason: "system-row",
        note,
    });
}

/// The values of the column of types that stand for what the app itself wrote.
pub(super) fn system_values(table: &Table, roles: &Roles) -> Vec<String> {
    let few = roles.message_type.and_then(|at| table.columns[at].few.as_ref());
    few.into_iter().flat_map(|few| few.keys()).filter(|value| sort(value) == Sort::System).cloned().collect()
}

/// Platforms by number, or by names that all are known.
pub(super) fn platform(column: &Column, guess: &mut Guess) {
    let Some(few) = &column.few else { return };
    let rule = if few.keys().all(|value| matches!(value.parse(), Ok(1..=10))) {
        plain(column)
    } else if let Some(table) =
        few.keys().map(|value| Some((value.clone(), number(value)?))).collect::<Option<Vec<_>>>()
    {
        Rule::Table(Of::Column(column.name.clone()), table, 10)
    } else {
        return;
    };
    guess.field(Key::SenderPlatformId, rule, "from which kind of device".to_owned());
}

/// Whether a value stands for what the app itself wrote.
pub(crate) fn is_by_app(value: &str) -> bool {
    sort(value) == Sort::System
}

/// Whether a value says that two people, or a group, talk.
pub(super) fn is_kind(value: &str) -> bool {
    kind_of(value).is_some() || value.to_lowercase() == "private"
}

/// 1: two people, 3: a group.
pub(super) fn kind_of(value: &str) -> Option<u8> {
    match value.to_lowercase().replace(['-', ' '], "_").as_str() {
        "direct" | "dm" | "d" | "im" | "single" | "p2p" | "c2c" | "person" | "personal" | "personal_chat"
        | "private_chat" | "one" | "1_1" | "1:1" | "1" | "chat" | "direct_message" | "directmessage"
        | "oneonone" | "one_on_one" | "单聊" | "私聊" | "單聊" | "個人" | "个人" | "私信" | "privat"
        | "privado" | "личный" => Some(1),
        "group" | "public" | "channel" | "room" | "team" | "g" | "c" | "o" | "p" | "mpim" | "multi"
        | "groupchat" | "group_chat" | "3" | "2" | "private_group" | "supergroup" | "public_supergroup"
        | "private_supergroup" | "chatroom" | "super_team" | "stream" | "群聊" | "群" | "群组" | "群組"
        | "gruppe" | "grupo" | "группа" => Some(3),
        _ => None,
    }
}

/// Media, roles and states: words that no conversation and nobody is called by.
pub(super) fn is_common_word(value: &str) -> bool {
    const WORDS: &str = "whatsapp telegram sms email e-mail mail web webchat app api slack wechat weixin line facebook \
         messenger instagram viber signal teams phone chat internal external voice widget mobile desktop ios android \
         twitter skype discord livechat site form call video \
         staff customer customers client clients agent agents admin admins administrator user users member members owner \
         guest guests operator operators bot bots visitor visitors employee employees manager moderator support_agent \
         end_user end-user system \
         open opened closed pending resolved new active inactive archived read unread sent delivered received failed seen \
         high low normal medium urgent true false yes no none null unknown default text in out incoming outgoing inbound \
         outbound 微信 客户 员工 客服 管理员 用户";
    let value = value.trim().to_lowercase();
    WORDS.split_whitespace().any(|word| word == value)
}

#[derive(PartialEq)]
enum Sort {
    Text,
    System,
    /// Left out, but not here.
    Reaction,
    Other,
}

fn sort(value: &str) -> Sort {
    let value = value.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| value.contains(word));
    if super::reactions::speaks_of_it(&value) {
        return Sort::Reaction;
    }
    if has(&[
        "join",
        "leave",
        "left",
        "system",
        "notif",
        "recall",
        "revoke",
        "previously",
        "added",
        "removed",
        "invite",
        "tips",
        "cmd",
        "header_change",
        "topic",
        "purpose",
        "pinned",
        "rename",
        "archive",
        "typing",
        "receipt",
        "presence",
        "heartbeat",
        "poll_vote",
        "系统",
        "撤回",
        "通知",
        "入群",
        "退群",
    ]) {
        return Sort::System;
    }
    if value.is_empty()
        || has(&["text", "txt", "文本"])
        || matches!(
            value.as_str(),
            "message" | "msg" | "normal" | "default" | "chat" | "plain" | "post" | "101" | "reply" | "文字"
        )
    {
        return Sort::Text;
    }
    Sort::Other
}

fn number(value: &str) -> Option<u8> {
    Some(match value.to_lowercase().as_str() {
        "ios" | "iphone" => 1,
        "android" | "aos" => 2,
        "windows" | "pc" => 3,
        "mac" | "macos" | "osx" => 4,
        "web" | "websocket" | "browser" => 5,
        "linux" => 7,
        "ipad" => 9,
        "server" | "rest" | "restapi" | "api" => 10,
        _ => return None,
    })
}
