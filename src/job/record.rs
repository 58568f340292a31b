//! One message in the spool: a finished `send_msg` body, and what is asked about it without parsing it.
//!
//! ```text
//! 4 bytes  length of the whole record
//! 4 bytes  low half of XXH3-64 over everything after these eight bytes
//! 1 byte   flags
//! packed   content type · time · source, line, byte, part · sender · peer · [source id]
//!          · where `"contentType"` stands in the body · [quoted source id · text content]
//! rest     body
//! ```

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::packed::{Unpack, put, put_signed, put_text};
use crate::message::{
    ContentType, ConversationId, Message, Peer, Place, SendTime, Seq, SourceId, SourceNo, UserId,
};

/// Length and checksum.
pub(super) const HEAD: usize = 8;

const GROUP: u8 = 1;
const SOURCE_ID: u8 = 2;
const QUOTE: u8 = 4;

/// A message as it lies in the spool.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The `send_msg` body. For a reply, the form without the quoted message: see [`Self::quoting`] and
    /// [`Self::as_text`].
    pub body: Bytes,
    /// `sendID`.
    pub sender: UserId,
    /// To whom.
    pub peer: Peer<'static>,
    /// `sendTime`.
    pub send_time: SendTime,
    /// `contentType`; 101 for what [`Self::as_text`] gives.
    pub content_type: ContentType,
    /// Where in the sources it came from.
    pub place: Place,
    /// The source's own id, if it has one.
    pub source_id: Option<SourceId>,
    /// For a reply, the message it quotes.
    pub quote: Option<QuoteSlot>,
    /// Where `"contentType"` stands in the body; the content follows it and ends before the last brace.
    type_at: usize,
}

/// The slot of a reply.
#[derive(Debug, Clone)]
pub struct QuoteSlot {
    /// Source id of the quoted message.
    pub target: SourceId,
    /// Content of the text that goes out where the target can't be named.
    fallback: String,
}

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
    /// The conversation it belongs to.
    pub fn conversation(&self) -> ConversationId {
        match &self.peer {
            Peer::User(to) => ConversationId::single(self.sender.as_str(), to),
            Peer::Group(group) => ConversationId::group(group),
        }
    }

    /// `content`: the text of a JSON object.
    pub fn content(&self) -> &str {
        let from = self.type_at + content_at(self.content_type);
        let inner = self.body.get(from..self.body.len().saturating_sub(1)).unwrap_or_default();
        std::str::from_utf8(inner).unwrap_or_default()
    }

    /// `ex`; empty where it isn't sent.
    pub fn ex(&self) -> Cow<'_, str> {
        self.field().ex
    }

    /// `senderNickname`; empty where it isn't sent.
    pub fn nickname(&self) -> Cow<'_, str> {
        self.field().nickname
    }

    /// `senderFaceURL`; empty where it isn't sent.
    pub fn face_url(&self) -> Cow<'_, str> {
        self.field().face_url
    }

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

    /// The same with another `sendTime`.
    pub(super) fn at(mut self, send_time: SendTime) -> Self {
        let head = self.body.get(..self.type_at).unwrap_or_default();
        // In a string the quotes would be escaped, and nothing else in the head has such a key.
        if let Some(start) = memchr::memmem::find(head, SEND_TIME).map(|at| at + SEND_TIME.len()) {
            let (before, after) = self.body.split_at(start);
            let digits = after.iter().take_while(|b| b.is_ascii_digit() || **b == b'-').count();
            let mut body = Vec::with_capacity(self.body.len() + 1);
            body.extend_from_slice(before);
            put_number(&mut body, send_time.0);
            body.extend_from_slice(&after[digits..]);
            self.type_at = self.type_at + body.len() - self.body.len();
            self.body = body.into();
        }
        self.send_time = send_time;
        self
    }

    /// A reply as plain text with the quoted words; any other message as it is.
    #[must_use]
    pub fn as_text(mut self) -> Self {
        if let Some(slot) = self.quote.take() {
            let mut body = self.body.get(..self.type_at).unwrap_or_default().to_vec();
            put_content(&mut body, ContentType::Text.code(), &slot.fallback);
            body.push(b'}');
            self.body = body.into();
            self.content_type = ContentType::Text;
        }
        self
    }

    fn field(&self) -> Fields<'_> {
        // The body is ours: if it can't be parsed, sending it will say more than we could here.
        serde_json::from_slice(&self.body).unwrap_or_default()
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

#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    ex: Cow<'a, str>,
    #[serde(borrow, default, rename = "senderNickname")]
    nickname: Cow<'a, str>,
    #[serde(borrow, default, rename = "senderFaceURL")]
    face_url: Cow<'a, str>,
}

/// The record would have more than 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Appends the record of a message; gives its length.
pub fn write(message: &Message<'_>, out: &mut Vec<u8>) -> Result<u32, TooLarge> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let (group, peer) = match &message.peer {
        Peer::User(to) => (0, to),
        Peer::Group(group) => (GROUP, group),
    };
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    out.push(group | flag(message.source_id.is_some(), SOURCE_ID) | flag(message.quote.is_some(), QUOTE));
    put_signed(out, i64::from(message.content_type));
    put_signed(out, message.send_time.0);
    let place = message.place;
    put(out, u64::from(place.source.0));
    put(out, place.line);
    put(out, place.byte);
    put(out, u64::from(place.part));
    put_text(out, &message.sender);
    put_text(out, peer);
    if let Some(id) = &message.source_id {
        put_text(out, id);
    }
    // The body comes last, but where its content begins is written first: it is put together behind a gap
    // of a fixed width.
    let type_at_gap = out.len();
    out.extend_from_slice(&[0; 4]);
    if let Some(quote) = &message.quote {
        put_text(out, &quote.target);
        put_text(out, &quote.fallback);
    }
    let body = out.len();
    put_head(out, message, peer);
    let type_at = u32::try_from(out.len() - body).map_err(|_| TooLarge)?;
    out[type_at_gap..type_at_gap + 4].copy_from_slice(&type_at.to_le_bytes());
    put_content(out, message.content_type, &message.content);
    out.push(b'}');

    let len = u32::try_from(out.len() - start).map_err(|_| TooLarge)?;
    let sum = checksum(&out[start + HEAD..]);
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    out[start + 4..start + HEAD].copy_from_slice(&sum);
    Ok(len)
}

/// Reads a record; `None` if it isn't whole, as it was written.
pub(super) fn read(record: &Bytes) -> Option<Spooled> {
    let (len, rest) = record.split_first_chunk::<4>()?;
    let (sum, payload) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*len) as usize != record.len() || checksum(payload) != *sum {
        return None;
    }
    let mut from = Unpack(payload);
    let flags = from.byte()?;
    let content_type = ContentType::from_code(i32::try_from(from.signed()?).ok()?)?;
    let send_time = SendTime(from.signed()?);
    let place = Place {
        source: SourceNo(from.small()?),
        line: from.number()?,
        byte: from.number()?,
        part: from.small()?,
    };
    let sender = UserId(from.text()?.to_owned());
    let peer = Cow::Owned(from.text()?.to_owned());
    let peer = if flags & GROUP == 0 { Peer::User(peer) } else { Peer::Group(peer) };
    let source_id = if flags & SOURCE_ID == 0 { None } else { Some(SourceId(from.text()?.to_owned())) };
    let type_at = u32::from_le_bytes(from.bytes(4)?.try_into().ok()?) as usize;
    let quote = if flags & QUOTE == 0 {
        None
    } else {
        Some(QuoteSlot { target: SourceId(from.text()?.to_owned()), fallback: from.text()?.to_owned() })
    };
    let body = record.slice(record.len() - from.0.len()..);
    if type_at >= body.len() {
        return None;
    }
    Some(Spooled { body, sender, peer, send_time, content_type, place, source_id, quote, type_at })
}

/// Whether bytes begin with a whole record.
pub(super) enum Whole {
    /// One of that length.
    Yes(usize),
    /// Something else.
    No,
    /// So many bytes are needed to say.
    Needs(usize),
}

/// Looks at the length and the checksum alone.
pub(super) fn whole(bytes: &[u8]) -> Whole {
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return Whole::Needs(HEAD) };
    let len = u32::from_le_bytes(*len) as usize;
    if len < HEAD {
        return Whole::No;
    }
    match (rest.split_first_chunk::<4>(), bytes.get(HEAD..len)) {
        (Some((sum, _)), Some(payload)) if checksum(payload) == *sum => Whole::Yes(len),
        (_, Some(_)) => Whole::No,
        (_, None) => Whole::Needs(len),
    }
}

fn checksum(payload: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(payload).to_le_bytes();
    [a, b, c, d]
}

/// Everything before the content type. Empty optional fields are left out, as are the ones whose absence
/// means the same (`isOnlineOnly`). A group's call carries both ids: old and new servers take that alike.
fn put_head(out: &mut Vec<u8>, message: &Message<'_>, peer: &str) {
    out.extend_from_slice(b"{\"sendID\":");
    put_json(out, &message.sender);
    out.extend_from_slice(b",\"recvID\":");
    put_json(out, peer);
    let session_type = match message.peer {
        Peer::User(_) => b'1',
        Peer::Group(_) => {
            out.extend_from_slice(b",\"groupID\":");
            put_json(out, peer);
            b'3'
        }
    };
    for (name, value) in [
        (&b",\"senderNickname\":"[..], &message.nickname),
        (b",\"senderFaceURL\":", &message.face_url),
        (b",\"ex\":", &message.ex),
    ] {
        if !value.is_empty() {
            out.extend_from_slice(name);
            put_json(out, value);
        }
    }
    out.extend_from_slice(b",\"senderPlatformID\":");
    put_number(out, i64::from(message.platform));
    out.extend_from_slice(b",\"sessionType\":");
    out.push(session_type);
    out.extend_from_slice(SEND_TIME);
    put_number(out, message.send_time.0);
    out.extend_from_slice(if message.not_offline_push {
        b",\"notOfflinePush\":true"
    } else {
        b",\"notOfflinePush\":false"
    });
    if let Some(info) = &message.offline_push_info {
        out.extend_from_slice(b",\"offlinePushInfo\":");
        out.extend_from_slice(info.as_bytes());
    }
    out.push(b',');
}

const SEND_TIME: &[u8] = b",\"sendTime\":";
const CONTENT_TYPE: &[u8] = b"\"contentType\":";
const CONTENT: &[u8] = b",\"content\":";

fn put_content(out: &mut Vec<u8>, content_type: i32, content: &str) {
    out.extend_from_slice(CONTENT_TYPE);
    put_number(out, i64::from(content_type));
    out.extend_from_slice(CONTENT);
    out.extend_from_slice(content.as_bytes());
}

/// How far the content stands behind `"contentType"`.
fn content_at(content_type: ContentType) -> usize {
    let digits = if content_type.code() < 1000 { 3 } else { 4 };
    CONTENT_TYPE.len() + digits + CONTENT.len()
}

fn put_number(out: &mut Vec<u8>, number: i64) {
    use std::io::Write;
    write!(out, "{number}").expect("writing to a Vec cannot fail");
}

fn put_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("texts and numbers can be written as JSON");
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::message::Quote;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    pub(in crate::job) fn message() -> Message<'static> {
        Message {
            sender: "u1".into(),
            peer: Peer::User("u2".into()),
            nickname: "".into(),
            face_url: "".into(),
            platform: 10,
            content_type: 101,
            content: r#"{"content":"hi"}"#.into(),
            send_time: SendTime(1_700_000_000_000),
            ex: "".into(),
            not_offline_push: true,
            online_only: false,
            offline_push_info: None,
            source_id: None,
            quote: None,
            place: Place { source: SourceNo(3), line: 7, byte: 700, part: 2 },
        }
    }

    fn there_and_back(message: &Message<'_>) -> Spooled {
        let mut out = b"before".to_vec();
        let len = write(message, &mut out).unwrap() as usize;
        assert_eq!(out.len(), 6 + len);
        read(&Bytes::from(out).slice(6..)).unwrap()
    }

    fn body(spooled: &Spooled) -> Value {
        serde_json::from_slice(&spooled.body).unwrap()
    }

    #[test]
    fn a_plain_message_as_it_is_sent() {
        let spooled = there_and_back(&message());
        insta::assert_snapshot!(
            std::str::from_utf8(&spooled.body).unwrap(),
            @r#"{"sendID":"u1","recvID":"u2","senderPlatformID":10,"sessionType":1,"sendTime":1700000000000,"notOfflinePush":true,"contentType":101,"content":{"content":"hi"}}"#
        );
        assert_eq!(spooled.content(), r#"{"content":"hi"}"#);
        assert_eq!(spooled.conversation().as_str(), "si_u1_u2");
        assert_eq!(spooled.place, message().place);
    }

    #[test]
    fn a_group_message_with_everything() {
        let spooled = there_and_back(&Message {
            peer: Peer::Group("g \"1\"".into()),
            nickname: "Ann\n".into(),
            face_url: "http://x/ü".into(),
            ex: "{\"a\":1}".into(),
            not_offline_push: false,
            offline_push_info: Some(r#"{"title":"T"}"#.into()),
            content_type: 1400,
            source_id: Some("99".into()),
            ..message()
        });
        assert_eq!(
            body(&spooled),
            json!({
                "sendID": "u1", "recvID": "g \"1\"", "groupID": "g \"1\"", "senderNickname": "Ann\n",
                "senderFaceURL": "http://x/ü", "ex": "{\"a\":1}", "senderPlatformID": 10, "sessionType": 3,
                "sendTime": 1_700_000_000_000_i64, "notOfflinePush": false, "offlinePushInfo": {"title": "T"},
                "contentType": 1400, "content": {"content": "hi"}
            })
        );
        assert_eq!(spooled.content(), r#"{"content":"hi"}"#);
        assert_eq!((spooled.ex(), spooled.nickname()), ("{\"a\":1}".into(), "Ann\n".into()));
        assert_eq!(spooled.face_url(), "http://x/ü");
        assert_eq!(spooled.source_id, Some(SourceId("99".into())));
        assert_eq!(spooled.conversation().as_str(), "sg_g \"1\"");
    }

    fn reply(content: &'static str) -> Message<'static> {
        Message {
            content_type: 114,
            content: content.into(),
            quote: Some(Quote { target: "m7".into(), fallback: r#"{"content":"> hi\nre"}"#.into() }),
            ..message()
        }
    }

    #[test]
    fn a_reply_quotes_or_goes_out_as_text() {
        let ids = QuotedIds { client_msg_id: "c\"", server_msg_id: "s", seq: Seq(8) };
        let target = there_and_back(&Message {
            sender: "u2".into(),
            peer: Peer::Group("g".into()),
            nickname: "Bob".into(),
            ..message()
        });
        for content in [r#"{"text":"re"}"#, "{}", "{ }", "{\"text\":\"re\" \n}"] {
            let spooled = there_and_back(&reply(content));
            assert_eq!(spooled.quote.as_ref().unwrap().target.as_str(), "m7");
            let quoting = body(&spooled.clone().quoting(&target, &ids));
            assert_eq!(
                quoting["content"]["quoteMessage"],
                json!({
                    "clientMsgID": "c\"", "serverMsgID": "s", "seq": 8, "sendID": "u2", "recvID": "",
                    "groupID": "g", "senderNickname": "Bob", "senderFaceURL": "", "sessionType": 3,
                    "contentType": 101, "content": "{\"content\":\"hi\"}",
                    "sendTime": 1_700_000_000_000_i64, "createTime": 1_700_000_000_000_i64
                })
            );
            assert_eq!(quoting["content"]["text"].as_str(), content.contains("re").then_some("re"));
            assert_eq!(quoting["contentType"], 114);
            let text = spooled.as_text();
            assert_eq!(body(&text)["content"], json!({"content": "> hi\nre"}));
            assert_eq!(body(&text)["contentType"], 101);
            assert_eq!(text.content(), r#"{"content":"> hi\nre"}"#);
        }
        let plain = there_and_back(&message());
        assert_eq!(plain.clone().quoting(&target, &ids).body, plain.body);
        assert_eq!(plain.clone().as_text().body, plain.body);
    }

    proptest! {
        #[test]
        fn any_message_comes_back(
            sender: String, peer: String, group: bool, text: String, id: Option<String>, time: i64,
            line: u64, byte: u64, part: u16, source: u32, platform: i32
        ) {
            let place = Place { source: SourceNo(source), line, byte, part };
            let original = Message {
                sender: sender.as_str().into(),
                peer: if group { Peer::Group(peer.as_str().into()) } else { Peer::User(peer.as_str().into()) },
                content: json!({ "content": text }).to_string().into(),
                send_time: SendTime(time),
                source_id: id.as_deref().map(Into::into),
                platform,
                place,
                ..message()
            };
            let spooled = there_and_back(&original);
            prop_assert_eq!(spooled.sender.as_str(), sender.as_str());
            prop_assert_eq!(&spooled.peer, &original.peer);
            prop_assert_eq!(spooled.send_time, original.send_time);
            prop_assert_eq!(spooled.place, place);
            prop_assert_eq!(spooled.source_id.as_ref().map(SourceId::as_str), id.as_deref());
            prop_assert_eq!(spooled.content(), original.content.as_ref());
            let body = body(&spooled);
            prop_assert_eq!(&body["sendID"], &json!(sender));
            prop_assert_eq!(&body["recvID"], &json!(peer));
            prop_assert_eq!(&body["content"]["content"], &json!(text));
            prop_assert_eq!(&body["sendTime"], &json!(time));
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..200, change in 1u8..) {
            let mut out = Vec::new();
            write(&message(), &mut out).unwrap();
            let at = at % out.len();
            out[at] ^= change;
            prop_assert!(read(&Bytes::from(out)).is_none());
        }

        #[test]
        fn a_cut_record_is_noticed(keep in 0usize..400) {
            let mut out = Vec::new();
            write(&message(), &mut out).unwrap();
            out.truncate(keep.min(out.len() - 1));
            prop_assert!(read(&Bytes::from(out)).is_none());
        }
    }
}
