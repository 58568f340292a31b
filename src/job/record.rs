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

#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::packed::{Unpack, put, put_signed, put_text};
use crate::message::{
    ContentType, ConversationId, Message, Peer, Place, Quote, SendTime, SourceId, SourceNo, UserId,
};
use crate::written::with_written_at;

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

    /// The same with the time at which it was written in `ex`; as it is, where `ex` holds something else of its own.
    pub(super) fn written_at(mut self, time: SendTime) -> Self {
        let Some(ex) = with_written_at(&self.ex(), time.0) else { return self };
        let head = self.body.get(..self.type_at).unwrap_or_default();
        // As above; what is pushed offline, which has an `ex` of its own, stands behind the time.
        let head = memchr::memmem::find(head, SEND_TIME).map_or(head, |at| &head[..at]);
        let (start, end) = if let Some(at) = memchr::memmem::find(head, EX) {
            let value = head.get(at + EX.len()..).unwrap_or_default();
            let mut values = serde_json::Deserializer::from_slice(value).into_iter::<Cow<'_, str>>();
            if !matches!(values.next(), Some(Ok(_))) {
                return self;
            }
            (at, at + EX.len() + values.byte_offset())
        } else {
            (head.len(), head.len())
        };
        let mut body = Vec::with_capacity(self.body.len() + EX.len() + ex.len() + 8);
        body.extend_from_slice(&self.body[..start]);
        body.extend_from_slice(EX);
        put_json(&mut body, &ex);
        body.extend_from_slice(&self.body[end..]);
        self.type_at = self.type_at + body.len() - self.body.len();
        self.body = body.into();
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

    /// Whether it is a reply whose text, which can stand for it, has nothing of what it answers.
    pub(super) fn lacks_words(&self) -> bool {
        self.quote
            .as_ref()
            .is_some_and(|slot| Said::of(&slot.fallback).content == Said::of(self.content()).text)
    }

    /// Puts the words of the message that a reply answers into that text.
    pub(super) fn put_words_of(&mut self, target: &Self) {
        let nickname = target.nickname();
        let who = if nickname.is_empty() { target.sender.as_str() } else { &nickname };
        let words = Quote::in_words(&Said::of(self.content()).text, who, &target.words());
        if let Some(slot) = &mut self.quote {
            slot.fallback = serde_json::json!({ "content": words }).to_string();
        }
    }

    /// What people read of it.
    fn words(&self) -> Cow<'_, str> {
        let said = Said::of(self.content());
        let (word, words) = match self.content_type {
            ContentType::Picture => ("[picture]", Cow::Borrowed("")),
            ContentType::Voice => ("[voice]", Cow::Borrowed("")),
            ContentType::Video => ("[video]", Cow::Borrowed("")),
            ContentType::File => ("[file]", said.file_name),
            ContentType::Quote | ContentType::At => ("", said.text),
            ContentType::Custom if said.description.is_empty() => ("[message]", said.description),
            ContentType::Custom => ("", said.description),
            _ => ("", said.content),
        };
        if word.is_empty() { words } else { Cow::Owned(format!("{word} {words}")) }
    }

    pub(super) fn field(&self) -> Fields<'_> {
        // The body is ours: if it can't be parsed, sending it will say more than we could here.
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Where words stand in contents.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    #[serde(borrow)]
    file_name: Cow<'a, str>,
}

impl<'a> Said<'a> {
    /// Nothing, where the content has other shapes than ours.
    fn of(content: &'a str) -> Self {
        serde_json::from_str(content).unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(borrow, default)]
    pub(super) ex: Cow<'a, str>,
    #[serde(borrow, default, rename = "senderNickname")]
    pub(super) nickname: Cow<'a, str>,
    #[serde(borrow, default, rename = "senderFaceURL")]
    pub(super) face_url: Cow<'a, str>,
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
const EX: &[u8] = b",\"ex\":";
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

pub(super) fn put_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("texts and numbers can be written as JSON");
}
