//! Is a message of the log the one we meant to send? Compared as values where no names tell: the server
//! writes contents anew (contract, section 2: keys sorted, numbers through a 64-bit float, invalid text
//! replaced, a quote filled up).

use std::borrow::Cow;

use serde_json::Value;

use crate::job::{Conversation, JobError, JobReader, Spooled};
use crate::message::{Ordinal, SendTime};
use crate::openim::{Found, LogRecord};

/// A message as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<'a> {
    /// `sendID`.
    pub sender: Cow<'a, str>,
    /// `sendTime`.
    pub time: SendTime,
    /// `contentType`.
    pub content_type: i32,
    /// `content`.
    pub content: Cow<'a, [u8]>,
    /// `ex`.
    pub ex: Cow<'a, str>,
}

impl<'a> Stored<'a> {
    /// What was read back from the log.
    pub fn of(record: &'a LogRecord<'_>) -> Self {
        Self {
            sender: Cow::Borrowed(&record.sender),
            time: record.time(),
            content_type: record.content_type,
            content: Cow::Owned(record.content()),
            ex: Cow::Borrowed(&record.ex),
        }
    }

    /// What it says is known: not to a reader who deleted it for himself (law 13). All of that sender and time are the
    /// same then.
    pub fn is_shown(&self) -> bool {
        !self.content.is_empty()
    }

    /// What was found in the store.
    pub fn found(found: &'a Found) -> Self {
        Self {
            sender: Cow::Borrowed(&found.sender),
            time: found.send_time,
            content_type: found.content_type,
            content: Cow::Borrowed(found.content.as_bytes()),
            ex: Cow::Borrowed(&found.ex),
        }
    }

    /// The same, standing for itself.
    pub fn into_owned(self) -> Stored<'static> {
        Stored {
            sender: Cow::Owned(self.sender.into_owned()),
            time: self.time,
            content_type: self.content_type,
            content: Cow::Owned(self.content.into_owned()),
            ex: Cow::Owned(self.ex.into_owned()),
        }
    }
}

/// `contentType` of a message that its sender took back (law 13): the content is another, the rest is not.
const REVOKED: i32 = 2101;

/// Whether that is a notice of the server: friends (1201 to 1299) and groups (1501 to 1599).
pub fn is_notice(content_type: i32) -> bool {
    matches!(content_type, 1201..=1299 | 1501..=1599)
}

/// Whether that can be this message.
pub fn is_same(message: &Spooled, record: &Stored<'_>) -> bool {
    if record.time != message.send_time || record.sender != message.sender.as_str() {
        return false;
    }
    if record.content_type == REVOKED {
        return true;
    }
    if record.ex != message.ex() {
        return false;
    }
    if record.content_type == message.content_type.code() {
        return is_same_content(message.content().as_bytes(), &record.content, message.quote.is_some());
    }
    // A reply whose quoted message could not be named went out as text.
    message.quote.is_some() && {
        let text = message.clone().as_text();
        record.content_type == text.content_type.code()
            && is_same_content(text.content().as_bytes(), &record.content, false)
    }
}

/// Messages of the conversation that this can be.
pub fn candidates(
    reader: &JobReader,
    conversation: &Conversation,
    stored: &Stored<'_>,
) -> Result<Vec<Ordinal>, JobError> {
    let mut ordinals = Vec::new();
    if is_too_old_or_new(conversation, stored) {
        return Ok(ordinals);
    }
    for entry in reader.written_at(conversation.no, stored.time)? {
        if is_same(&reader.message(&entry)?, stored) {
            ordinals.push(entry.ordinal);
        }
    }
    Ok(ordinals)
}

/// Which message of the conversation this is as it was to be sent before it went behind what people wrote: wherever it
/// stands now, it is one too many. Looked for where [`candidates`] has none.
pub fn formerly(
    reader: &JobReader,
    conversation: &Conversation,
    stored: &Stored<'_>,
) -> Result<Option<Ordinal>, JobError> {
    if is_too_old_or_new(conversation, stored) {
        return Ok(None);
    }
    for entry in reader.formerly_at(conversation.no, stored.time)? {
        if is_same(&reader.message(&entry)?, stored) {
            return Ok(Some(entry.ordinal));
        }
    }
    Ok(None)
}

/// What users write today is none of ours: none of the job is asked about it.
fn is_too_old_or_new(conversation: &Conversation, stored: &Stored<'_>) -> bool {
    !(conversation.first_time..=conversation.last_time).contains(&stored.time)
}

/// Whether that is one of the conversation's messages, by its time, this or a former one, and what it says.
pub fn is_ours(
    reader: &JobReader,
    conversation: &Conversation,
    stored: &Stored<'_>,
) -> Result<bool, JobError> {
    Ok(!candidates(reader, conversation, stored)?.is_empty()
        || formerly(reader, conversation, stored)?.is_some())
}

/// Whether what is stored can come from what was sent. What neither side can read as JSON is left to sender,
/// time and type.
fn is_same_content(sent: &[u8], stored: &[u8], filled_up: bool) -> bool {
    match (parse(sent), parse(stored)) {
        (Some(sent), Some(stored)) => is_same_value(&sent, &stored, filled_up),
        _ => true,
    }
}

fn is_same_value(sent: &Value, stored: &Value, filled_up: bool) -> bool {
    match (sent, stored) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_value(a, b, filled_up))
        }
        (Value::Object(a), Value::Object(b)) => {
            // In a quote the server adds fields, and we add names of which the spool knows nothing; a null or
            // empty one may be left out.
            (filled_up || a.len() == b.len())
                && a.iter().all(|(key, a)| match b.get(key) {
                    Some(b) => is_same_value(a, b, filled_up),
                    None => filled_up && is_nothing(a),
                })
        }
        (a, b) => a == b || (filled_up && is_nothing(a) && is_nothing(b)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Bool(true) => false,
    }
}

/// Reads JSON as the server does: bytes that are no UTF-8 and halves of surrogate pairs become U+FFFD.
fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok().or_else(|| {
        let text = String::from_utf8_lossy(bytes);
        serde_json::from_str(&without_lone_surrogates(&text)).ok()
    })
}

/// Replaces `\ud83d` without a second half, and second halves without a first.
fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let high = unit(escape);
        let low = high.and_then(|_| escape.get(6..)).and_then(unit);
        let take = match (high, low) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            // A backslash and the character it escapes.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&escape[..take]);
        rest = &escape[take..];
    }
    out.push_str(rest);
    out
}

/// The number in `\uXXXX` at the beginning of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(sent: &str, stored: &str) -> bool {
        is_same_content(sent.as_bytes(), stored.as_bytes(), false)
    }

    #[test]
    fn contents_are_compared_as_values() {
        assert!(same(r#"{"b":1,"a":"<"}"#, r#"{"a":"<","b":1.0}"#));
        assert!(same(r#"{"n":12345678901234567890}"#, r#"{"n":12345678901234567000}"#));
        assert!(same(r#"{"n":1e21}"#, r#"{"n":1e+21}"#));
        assert!(!same(r#"{"n":1}"#, r#"{"n":2}"#));
        assert!(!same(r#"{"n":1}"#, r#"{"n":1,"m":0}"#));
        assert!(!same(r#"{"n":"1"}"#, r#"{"n":1}"#));
        assert!(!same(r#"{"n":[1,2]}"#, r#"{"n":[1]}"#));
    }

    #[test]
    fn what_the_server_replaces_is_equal() {
        assert!(same(r#"{"t":"a\ud83d"}"#, "{\"t\":\"a\u{fffd}\"}"));
        assert!(same(r#"{"t":"\udc00\\ud83d"}"#, "{\"t\":\"\u{fffd}\\\\ud83d\"}"));
        assert!(same(r#"{"t":"\ud83d\ude00"}"#, "{\"t\":\"😀\"}"));
        assert!(is_same_content(b"{\"t\":\"\xff\"}", "{\"t\":\"\u{fffd}\"}".as_bytes(), false));
        assert!(!same(r#"{"t":"a\ud83d"}"#, r#"{"t":"a"}"#));
    }

    #[test]
    fn a_quote_is_filled_up_by_the_server() {
        let sent = r#"{"text":"re","quoteMessage":{"sendID":"u2","content":"x"}}"#;
        let stored = r#"{"messageEntityList":null,"quoteMessage":{"clientMsgID":"c","serverMsgID":"s","seq":3,
            "sendID":"u2","content":"x","recvID":""},"text":"re"}"#;
        assert!(is_same_content(sent.as_bytes(), stored.as_bytes(), true));
        assert!(!is_same_content(sent.as_bytes(), stored.as_bytes(), false));
        let other = stored.replace("\"re\"", "\"other\"");
        assert!(!is_same_content(sent.as_bytes(), other.as_bytes(), true));
    }

    #[test]
    fn what_nobody_can_read_is_left_to_sender_time_and_type() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert!(same(&deep, &deep));
    }

    proptest::proptest! {
        #[test]
        fn strange_bytes_are_no_panic(sent: Vec<u8>, stored: Vec<u8>, text in "[\\\\udDcC8-f0-9\"]{0,30}") {
            is_same_content(&sent, &stored, false);
            is_same_content(text.as_bytes(), &stored, true);
        }
    }
}
