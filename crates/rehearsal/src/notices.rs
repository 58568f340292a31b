//! Messages that the server itself puts into conversations: somebody joined, a group is muted, two are
//! friends now. They pass the same queue as everybody's, share its batches (law 1), and move maxSeq.

use super::json;
use super::log::Revocation;
use super::record::{Extra, Record, Way};
use super::shared::Shared;
use super::world::{Queued, World};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// `contentType` of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    NowFriends = 1201,
    GroupCreated = 1501,
    MemberKicked = 1508,
    MemberInvited = 1509,
    GroupDismissed = 1511,
    MemberMuted = 1512,
    MemberUnmuted = 1513,
    GroupMuted = 1514,
    GroupUnmuted = 1515,
    /// `send_business_notification`
    Business = 2001,
}

/// What the notice says and where it goes.
pub(super) struct Note<'a> {
    pub(super) notice: Notice,
    pub(super) sender: &'a str,
    pub(super) to: &'a str,
    pub(super) way: Way,
    /// What stands in `detail`: the text of an object.
    pub(super) tips: String,
}

/// A notice goes into the first queue; its ids.
pub(super) fn post(shared: &Shared, world: &mut World, note: &Note<'_>) -> ([u8; 16], [u8; 16]) {
    let sender = world.name(note.sender);
    let route = world.routes.to(&sender, note.to, note.way);
    let [server_id, client_id] = shared.fresh_ids(world);
    let now = shared.now();
    let record = Record {
        route,
        server_id,
        client_id,
        send_time: now,
        create_time: now,
        content_type: note.notice as i32,
        platform: 0,
        content: detail(&note.tips),
        ex: "".into(),
        not_offline_push: false,
        extra: Some(Box::new(Extra {
            push_info: Some(push_info(note.notice)),
            options: Some(options(note.notice).into()),
            notice: true,
            ..Extra::default()
        })),
    };
    let conversation = Arc::clone(&record.route.conversation);
    world.conversation_mut(&conversation).tally.notices += 1;
    shared.enqueue(world, Queued::new(record));
    (server_id, client_id)
}

/// The content of a revoked message.
pub(super) fn revoked(record: &Record, seq: i64, by: &Revocation) -> Box<str> {
    let content = Revoked {
        revoker_id: &by.user,
        revoker_role: by.role,
        client_msg_id: super::record::hex(record.client_id),
        revoker_nickname: &by.nickname,
        revoke_time: by.time,
        source_message_send_time: record.send_time,
        source_message_send_id: &record.route.sender,
        source_message_sender_nickname: record.extra.as_deref().map_or("", |e| &e.nickname),
        session_type: record.route.session,
        seq,
        ex: &record.ex,
    };
    detail(&serde_json::to_string(&content).expect("plain data"))
}

/// In the order of the real server's structure, because the content is compared as text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked<'a> {
    #[serde(rename = "revokerID")]
    revoker_id: &'a str,
    revoker_role: i32,
    #[serde(rename = "clientMsgID")]
    client_msg_id: String,
    revoker_nickname: &'a str,
    revoke_time: i64,
    source_message_send_time: i64,
    #[serde(rename = "sourceMessageSendID")]
    source_message_send_id: &'a str,
    source_message_sender_nickname: &'a str,
    session_type: i32,
    seq: i64,
    ex: &'a str,
}

fn detail(tips: &str) -> Box<str> {
    let mut content = String::from("{\"detail\":");
    json::write_string(tips, &mut content);
    content.push('}');
    content.into()
}

const fn options(notice: Notice) -> &'static str {
    match notice {
        Notice::NowFriends => r#"{"offlinePush":true,"unreadCount":true}"#,
        _ => r#"{"offlinePush":false,"unreadCount":false}"#,
    }
}

fn push_info(notice: Notice) -> Box<str> {
    let text = match notice {
        Notice::NowFriends => "Someone applies to add your friend application",
        Notice::GroupCreated => "create group",
        Notice::MemberKicked => "memberKicked",
        Notice::MemberInvited => "memberInvited",
        Notice::GroupDismissed => "groupDismissed",
        Notice::MemberMuted => "groupMemberMuted",
        Notice::MemberUnmuted => "groupMemberCancelMuted",
        Notice::GroupMuted => "groupMuted",
        Notice::GroupUnmuted => "groupCancelMuted",
        Notice::Business => "",
    };
    let with = |kind: &str| match notice {
        Notice::NowFriends | Notice::Business => text.to_owned(),
        _ => format!("{text} {kind}"),
    };
    json!({
        "title": with("title"), "desc": with("desc"), "ex": with("ext"), "iOSPushSound": "",
        "iOSBadgeCount": false, "signalInfo": "",
    })
    .to_string()
    .into()
}
