//! One value of a record, whatever the format it came from.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::Visitor;

/// One value of a record. JSON `null` and an empty cell of a CSV are no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number as it was written: 19 digits stay 19 digits.
    Number(Cow<'a, str>),
    /// `true` or `false`.
    Bool(bool),
    /// The text of a JSON object.
    Object(Cow<'a, str>),
    /// The text of a JSON list.
    List(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Of the text of a JSON value that is known to be valid. Half a surrogate pair in a string is no
    /// character: it becomes `U+FFFD`, as it would on the server, and `halves` is set.
    pub fn from_json(raw: &'a str, halves: &mut bool) -> Option<Self> {
        match raw.as_bytes().first() {
            Some(b'"') => Some(Self::Text(unquote(raw, halves))),
            Some(b'{') => Some(Self::Object(Cow::Borrowed(raw))),
            Some(b'[') => Some(Self::List(Cow::Borrowed(raw))),
            Some(b't') => Some(Self::Bool(true)),
            Some(b'f') => Some(Self::Bool(false)),
            Some(b'n') | None => None,
            Some(_) => Some(Self::Number(Cow::Borrowed(raw))),
        }
    }

    /// Of a constant of the configuration.
    pub fn from_toml(value: &toml::Value) -> Value<'static> {
        match value {
            toml::Value::String(text) => Value::Text(Cow::Owned(text.clone())),
            toml::Value::Integer(n) => Value::Number(Cow::Owned(n.to_string())),
            toml::Value::Float(n) => Value::Number(Cow::Owned(n.to_string())),
            toml::Value::Boolean(yes) => Value::Bool(*yes),
            toml::Value::Datetime(time) => Value::Text(Cow::Owned(time.to_string())),
            toml::Value::Array(_) => Value::List(Cow::Owned(json(value))),
            toml::Value::Table(_) => Value::Object(Cow::Owned(json(value))),
        }
    }

    /// The same as a text: of a list or object, its JSON.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Object(text) | Self::List(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    /// The same as a text, owned by nobody new where that is possible.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Object(text) | Self::List(text) => text,
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    /// A value of the same content that can be kept as long as `self` is.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Number(text) => Value::Number(Cow::Borrowed(text)),
            Self::Bool(yes) => Value::Bool(*yes),
            Self::Object(text) => Value::Object(Cow::Borrowed(text)),
            Self::List(text) => Value::List(Cow::Borrowed(text)),
        }
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Value<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Text(text) => Value::Text(own(text)),
            Self::Number(text) => Value::Number(own(text)),
            Self::Bool(yes) => Value::Bool(yes),
            Self::Object(text) => Value::Object(own(text)),
            Self::List(text) => Value::List(own(text)),
        }
    }

    /// Whether it says nothing: an empty text.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// The text of a JSON string; borrowed where nothing in it is escaped.
fn unquote<'a>(raw: &'a str, halves: &mut bool) -> Cow<'a, str> {
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    if let Ok(text) = serde_json::from_str(raw) {
        return Cow::Owned(text);
    }
    *halves = true;
    // As bytes, serde_json gives half a pair as the three bytes that UTF-8 would have for it.
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    let bytes = deserializer.deserialize_bytes(Bytes).unwrap_or_default();
    Cow::Owned(String::from_utf8_lossy(&bytes).replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}"))
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

fn json(value: &toml::Value) -> String {
    serde_json::to_string(value).expect("TOML holds nothing that JSON does not")
}

/// The JSON string of a text.
pub(super) fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("every text is a JSON string")
}
