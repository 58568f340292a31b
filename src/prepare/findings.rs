//! Gathers findings: counted by code, the first of each kind kept to be shown, all of them in a file.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::summary::Counted;
use crate::finding::{Code, Finding, Severity, shorten};
use crate::job::{JobError, Lines, Spooled};
use crate::message::{Message, Peer, Place, SourceId, SourceNo};

/// Findings of a pass. What grows is the number of codes, and the names of files.
#[derive(Debug)]
pub(super) struct Findings {
    names: Names,
    counted: BTreeMap<&'static str, Counted>,
}

/// Names of the sources of all passes.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new(earlier: Vec<String>) -> Self {
        Self(earlier)
    }

    pub(super) fn note(&mut self, no: SourceNo, name: &str) {
        let at = no.0 as usize;
        // A file without a record was never heard of.
        if self.0.len() <= at {
            self.0.resize(at + 1, String::new());
            name.clone_into(&mut self.0[at]);
        }
    }

    fn get(&self, no: SourceNo) -> &str {
        self.0.get(no.0 as usize).map_or("", String::as_str)
    }

    /// `posts.csv:17`.
    pub(super) fn place(&self, place: Place) -> String {
        format!("{}:{}", self.get(place.source), place.line)
    }
}

/// A line of `findings.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    code: &'static str,
    severity: Severity,
    #[serde(flatten)]
    place: Option<PlaceLine<'a>>,
    value: &'a str,
}

#[derive(Serialize)]
struct PlaceLine<'a> {
    source: &'a str,
    line: u64,
    byte: u64,
    part: u16,
}

impl Findings {
    pub(super) fn new(names: Names) -> Self {
        Self { names, counted: BTreeMap::new() }
    }

    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Counts a finding and writes it down.
    pub(super) fn add(&mut self, lines: &mut Lines, finding: &Finding) -> Result<(), JobError> {
        let Finding { code, place, value } = finding;
        let entry = self.counted.entry(code.name).or_insert_with(|| Counted {
            code: code.name.to_owned(),
            severity: code.severity,
            means: code.means.to_owned(),
            mend: code.mend.to_owned(),
            count: 0,
            first_place: place.map_or_else(String::new, |place| self.names.place(place)),
            first_value: value.clone(),
        });
        entry.count += 1;
        let place = place.map(|place| PlaceLine {
            source: self.names.get(place.source),
            line: place.line,
            byte: place.byte,
            part: place.part,
        });
        lines.finding(&Line { code: code.name, severity: code.severity, place, value })
    }

    /// Writes down a message that was spooled and can't be sent after all.
    pub(super) fn reject(
        &self,
        lines: &mut Lines,
        message: &Spooled,
        code: &'static Code,
        value: &str,
    ) -> Result<(), JobError> {
        let id = message.source_id.as_ref().map(SourceId::as_str);
        // A reply would need the quoted message to be read again: its words are enough.
        let text = message.clone().as_text();
        let body = std::str::from_utf8(&text.body).ok().and_then(one_line);
        lines.reject(&Reject {
            reasons: &[Reason { code: code.name, means: code.means, value }],
            source: self.names.get(message.place.source),
            line: message.place.line,
            byte: message.place.byte,
            part: message.place.part,
            id,
            message: body,
        })
    }

    /// Errors first, then by count.
    pub(super) fn counted(self) -> Vec<Counted> {
        let mut counted: Vec<_> = self.counted.into_values().collect();
        counted.sort_by_key(|counted| (counted.severity, std::cmp::Reverse(counted.count)));
        counted
    }
}

/// A line of `rejected.jsonl`: why, where it came from, and what would have been sent.
#[derive(Serialize)]
pub(super) struct Reject<'a> {
    pub(super) reasons: &'a [Reason<'a>],
    pub(super) source: &'a str,
    pub(super) line: u64,
    pub(super) byte: u64,
    pub(super) part: u16,
    pub(super) id: Option<&'a str>,
    /// The `send_msg` body; `null` for a record of which none could be made.
    pub(super) message: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct Reason<'a> {
    pub(super) code: &'static str,
    pub(super) means: &'static str,
    pub(super) value: &'a str,
}

/// A message as it would be sent, however wrong it is: a content that is no JSON stands there as text.
pub(super) fn body_of(message: &Message<'_>) -> Option<Box<RawValue>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(rename = "sendID")]
        send_id: &'a str,
        #[serde(rename = "recvID")]
        recv_id: &'a str,
        #[serde(rename = "groupID", skip_serializing_if = "Option::is_none")]
        group_id: Option<&'a str>,
        #[serde(skip_serializing_if = "str::is_empty")]
        sender_nickname: &'a str,
        #[serde(rename = "senderFaceURL", skip_serializing_if = "str::is_empty")]
        sender_face_url: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        ex: &'a str,
        #[serde(rename = "senderPlatformID")]
        sender_platform_id: i32,
        session_type: u8,
        send_time: i64,
        not_offline_push: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_online_only: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        offline_push_info: Option<Json<'a>>,
        content_type: i32,
        content: Json<'a>,
    }
    let (peer, group) = match &message.peer {
        Peer::User(to) => (to, None),
        Peer::Group(group) => (group, Some(group.as_ref())),
    };
    let body = Body {
        send_id: &message.sender,
        recv_id: peer,
        group_id: group,
        sender_nickname: &message.nickname,
        sender_face_url: &message.face_url,
        ex: &message.ex,
        sender_platform_id: message.platform,
        session_type: if group.is_some() { 3 } else { 1 },
        send_time: message.send_time.0,
        not_offline_push: message.not_offline_push,
        is_online_only: message.online_only,
        offline_push_info: message.offline_push_info.as_deref().map(json),
        content_type: message.content_type,
        content: json(&message.content),
    };
    serde_json::value::to_raw_value(&body).ok()
}

#[derive(Serialize)]
#[serde(untagged)]
enum Json<'a> {
    Value(Box<RawValue>),
    Text(&'a str),
}

fn json(text: &str) -> Json<'_> {
    one_line(text).map_or(Json::Text(text), Json::Value)
}

/// A JSON value without line breaks: they can stand between its parts only.
fn one_line(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.replace(['\n', '\r'], " ")).ok()
}

/// A finding about a message in the spool.
pub(super) fn about(code: &'static Code, message: &Spooled, value: &str) -> Finding {
    Finding { code, place: Some(message.place), value: shorten(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_message_can_be_read_however_wrong_it_is() {
        let mut message = Message {
            sender: "a-b".into(),
            peer: Peer::Group("g".into()),
            nickname: "".into(),
            face_url: "".into(),
            platform: 10,
            content_type: 101,
            content: "{\"content\":".into(),
            send_time: crate::message::SendTime(-5),
            ex: "".into(),
            not_offline_push: true,
            online_only: true,
            offline_push_info: None,
            source_id: None,
            quote: None,
            place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
        };
        assert_eq!(
            body_of(&message).unwrap().get(),
            r#"{"sendID":"a-b","recvID":"g","groupID":"g","senderPlatformID":10,"sessionType":3,"sendTime":-5,"notOfflinePush":true,"isOnlineOnly":true,"contentType":101,"content":"{\"content\":"}"#
        );
        message.content = "{\n\"content\":1}".into();
        assert!(body_of(&message).unwrap().get().ends_with("\"content\":{ \"content\":1}}"));
        message.content = "\n".into();
        assert!(body_of(&message).unwrap().get().ends_with(r#""content":"\n"}"#));
        message.content = "{\"content\":12345678901234567890}".into();
        assert!(
            body_of(&message).unwrap().get().ends_with("\"content\":{\"content\":12345678901234567890}}")
        );
    }
}
