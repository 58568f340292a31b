//! A reply on its way out: the quoted message is put into its slot just before it is sent.

use std::borrow::Cow;

use serde::Serialize;

use super::record::{Fields, Spooled, put_json};
use crate::message::{Peer, Seq};

/// By what a server knows a message.
#[derive(Debug, Clone, Copy)]
pub struct QuotedIds<'a> {
    /// `clientMsgID`.
    pub client_msg_id: &'a str,
    /// `serverMsgID`.
    pub server_msg_id: &'a str,
    /// `seq`.
    pub seq: Seq,
}

impl Spooled {
    /// A reply that quotes `target`, which the server knows by these ids; any other message as it is.
    ///
    /// `target` is to be given in the form in which it was sent.
    #[must_use]
    pub fn quoting(mut self, target: &Self, ids: &QuotedIds<'_>) -> Self {
        if self.quote.is_some()
            && let Some(content) = self.body.strip_suffix(b"}}")
        {
            let mut body = Vec::with_capacity(self.body.len() + target.body.len() + 512);
            body.extend_from_slice(content);
            if !content.trim_ascii_end().ends_with(b"{") {
                body.push(b',');
            }
            body.extend_from_slice(b"\"quoteMessage\":");
            put_json(&mut body, &Quoted::of(target, ids));
            body.extend_from_slice(b"}}");
            self.body = body.into();
        }
        self
    }
}

/// What clients show of a quoted message; the server fills in the rest of the struct.
#[derive(Serialize)]
struct Quoted<'a> {
    #[serde(rename = "clientMsgID")]
    client_msg_id: &'a str,
    #[serde(rename = "serverMsgID")]
    server_msg_id: &'a str,
    seq: i64,
    #[serde(rename = "sendID")]
    send_id: &'a str,
    #[serde(rename = "recvID")]
    recv_id: &'a str,
    #[serde(rename = "groupID")]
    group_id: &'a str,
    #[serde(rename = "senderNickname")]
    nickname: Cow<'a, str>,
    #[serde(rename = "senderFaceURL")]
    face_url: Cow<'a, str>,
    #[serde(rename = "sessionType")]
    session_type: u8,
    #[serde(rename = "contentType")]
    content_type: i32,
    /// As text, like in a stored message.
    content: &'a str,
    #[serde(rename = "sendTime")]
    send_time: i64,
    #[serde(rename = "createTime")]
    create_time: i64,
}

impl<'a> Quoted<'a> {
    fn of(target: &'a Spooled, ids: &QuotedIds<'a>) -> Self {
        let (recv_id, group_id, session_type) = match &target.peer {
            Peer::User(to) => (to.as_ref(), "", 1),
            Peer::Group(group) => ("", group.as_ref(), 3),
        };
        let Fields { nickname, face_url, .. } = target.field();
        Self {
            client_msg_id: ids.client_msg_id,
            server_msg_id: ids.server_msg_id,
            seq: ids.seq.0,
            send_id: target.sender.as_str(),
            recv_id,
            group_id,
            nickname,
            face_url,
            session_type,
            content_type: target.content_type.code(),
            content: target.content(),
            send_time: target.send_time.0,
            create_time: target.send_time.0,
        }
    }
}
