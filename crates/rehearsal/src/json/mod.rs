//! JSON as Go's `encoding/json` reads and writes it, which is what the real server does to every message.
//!
//! `serde_json` can't stand in: it refuses lone surrogates, bytes that are no UTF-8 and numbers beyond a
//! 64-bit float where Go takes or names them, and its error texts are not those of `errDlt`.

mod parse;
mod scan;
mod write;

pub(super) use parse::{first_value, is_blank};
pub(super) use scan::syntax_error;
pub(super) use write::{write_compact, write_float, write_string};

use std::borrow::Cow;

/// A value, borrowed from the body where it can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// The digits as they stood there.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    /// In the order of the body, repeated keys included.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// What Go calls this kind of value in an error.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The member with exactly that name; of repeated ones the last, as in a Go map.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }
}
