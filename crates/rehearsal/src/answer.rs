//! The envelope, and the ways in which the server refuses a call.

use super::json;
use super::release::Traits;
use std::borrow::Cow;
use std::sync::Arc;

/// What a call comes to: the JSON text of `data`, or a refusal.
pub(super) type Outcome = Result<Data, Refusal>;

/// The JSON text of an answer's `data`.
#[derive(Debug, PartialEq)]
pub(super) enum Data {
    /// The answer has no `data` at all.
    Absent,
    /// Its text.
    Json(String),
    /// The text after a message was queued, and the conversation whose message was acknowledged by it.
    Sent { text: String, conversation: Arc<str> },
}

impl From<serde_json::Value> for Data {
    fn from(value: serde_json::Value) -> Self {
        Self::Json(value.to_string())
    }
}

/// A call that was refused: contract, sections 1 and 4.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// 400 where the body could not be read, 200 for everything that the application itself refuses.
    pub(super) status: u16,
    pub(super) code: i32,
    pub(super) name: Cow<'static, str>,
    pub(super) detail: String,
}

impl Refusal {
    fn with(code: i32, name: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 200, code, name: Cow::Borrowed(name), detail: detail.into() }
    }

    /// The body could not be read into the call's structure.
    pub(super) fn body(detail: impl Into<String>) -> Self {
        Self { status: 400, ..Self::args(detail) }
    }

    pub(super) fn args(detail: impl Into<String>) -> Self {
        Self::with(1001, "ArgsError", detail)
    }

    pub(super) fn no_permission(detail: impl Into<String>) -> Self {
        Self::with(1002, "NoPermissionError", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::with(1004, "RecordNotFoundError", detail)
    }

    pub(super) fn internal(detail: impl Into<String>) -> Self {
        Self::with(500, "ServerInternalError", detail)
    }

    pub(super) fn named(code: i32, name: &'static str, detail: impl Into<String>) -> Self {
        Self::with(code, name, detail)
    }

    /// An error without detail.
    pub(super) fn bare(traits: &Traits, code: i32, name: &'static str) -> Self {
        Self::with(code, name, if traits.repeats_names { name } else { "" })
    }

    /// The rate limiter of main.
    pub(super) fn too_many() -> Self {
        Self::with(429, "too many requests, please try again later", "")
    }

    /// The envelope's text.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{{\"errCode\":{},\"errMsg\":", self.code);
        json::write_string(&self.name, &mut out);
        out.push_str(",\"errDlt\":");
        json::write_string(&self.detail, &mut out);
        out.push('}');
        out
    }
}

/// The envelope of a call that succeeded.
pub(super) fn success(data: &Data) -> String {
    match data {
        Data::Absent => r#"{"errCode":0,"errMsg":"","errDlt":""}"#.to_owned(),
        Data::Json(text) | Data::Sent { text, .. } => {
            let mut out = String::with_capacity(text.len() + 50);
            out.push_str(r#"{"errCode":0,"errMsg":"","errDlt":"","data":"#);
            out.push_str(text);
            out.push('}');
            out
        }
    }
}
