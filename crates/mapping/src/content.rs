//! Words become the content of a message.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::value::quote;

/// The words of a text content: `content` (101) or `text` (114).
#[derive(Deserialize)]
pub(super) struct Words {
    pub(super) content: Option<String>,
    pub(super) text: Option<String>,
}

/// Words as the content of that type; `None` if the type has no place for words alone (contract, table 2).
pub(super) fn wrap(content_type: i32, words: &str) -> Option<String> {
    Some(match content_type {
        101 | 118 => object("content", words),
        106 => format!(r#"{{"text":{},"atUserList":[],"isAtSelf":false}}"#, quote(words)),
        110 => format!(r#"{{"data":{},"description":"","extension":""}}"#, quote(words)),
        114 => object("text", words),
        _ => return None,
    })
}

/// `{"key":"words"}`.
pub(super) fn object(key: &str, words: &str) -> String {
    format!(r#"{{"{key}":{}}}"#, quote(words))
}

/// The content of an answer where it can't be a quote: the quoted words in front, if they are known.
pub(super) fn answer<'a>(quoted: Option<&str>, words: &str) -> Cow<'a, str> {
    let Some(quoted) = quoted else { return Cow::Owned(object("content", words)) };
    let mut text = String::new();
    for line in quoted.lines() {
        text.push_str("> ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(words);
    Cow::Owned(object("content", &text))
}

/// Whether a text is a JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}
