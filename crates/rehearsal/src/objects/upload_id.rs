//! The id of an upload: it carries all the server needs, so that a restart changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadId {
    /// 1: one signed address; 2: several parts.
    #[serde(rename = "a")]
    pub(super) kind: u8,
    /// The store's own id of an upload of several parts.
    #[serde(rename = "b", default)]
    pub(super) store: String,
    /// Where the bytes go.
    #[serde(rename = "c", default)]
    pub(super) key: String,
    /// As it was announced.
    #[serde(rename = "d", default)]
    pub(super) size: i64,
    #[serde(rename = "e", default)]
    pub(super) hash: String,
}

impl UploadId {
    pub(super) const ONE: u8 = 1;
    pub(super) const SEVERAL: u8 = 2;

    pub(super) fn text(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).expect("plain data"))
    }

    /// Reads it back; what is wrong in the words of Go's parsers.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|_| {
            let wrong = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
            let at = wrong.unwrap_or(text.len() / 4 * 4);
            format!("illegal base64 data at input byte {at}")
        })?;
        serde_json::from_slice(&bytes).map_err(|_| match crate::json::syntax_error(&bytes) {
            said if said == "EOF" || said == "unexpected EOF" => "unexpected end of JSON input".to_owned(),
            said => said,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let id = UploadId { kind: 2, store: "s".into(), key: "k".into(), size: 7, hash: "h".into() };
        assert_eq!(UploadId::read(&id.text()), Ok(id));
        assert_eq!(UploadId::read("x").unwrap_err(), "illegal base64 data at input byte 0");
        assert_eq!(UploadId::read("").unwrap_err(), "unexpected end of JSON input");
        assert!(UploadId::read("bm9wZQ==").unwrap_err().starts_with("invalid character 'o'"));
    }
}
