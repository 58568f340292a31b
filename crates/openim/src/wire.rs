//! JSON of both releases: `null`, absent and empty are the same; and texts of the server made fit to show.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// The envelope of every answer. Its data is left unread, or read along with it: looking for the end of a
/// large one and reading it afterwards costs twice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "D: Deserialize<'de>"))]
pub(super) struct Envelope<'a, D = &'a serde_json::value::RawValue> {
    pub(super) err_code: i32,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) err_msg: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) err_dlt: Cow<'a, str>,
    #[serde(default)]
    pub(super) data: Option<D>,
}

impl<'a> Envelope<'a> {
    /// Reads an answer; `None`: it is no OpenIM that speaks.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// The data of an answer that said 0; the default where there is none.
pub(super) fn data_of<'a, D: Deserialize<'a> + Default>(body: &'a [u8]) -> Result<D, serde_json::Error> {
    serde_json::from_slice::<Envelope<'a, D>>(body).map(|envelope| envelope.data.unwrap_or_default())
}

impl<D> Envelope<'_, D> {
    /// What it says about an error, fit to show.
    pub(super) fn said(&self) -> String {
        let (name, detail) = (redact(&self.err_msg), redact(&self.err_dlt));
        match (name.is_empty(), detail.is_empty()) {
            (_, true) => name,
            (true, false) => detail,
            // 3.8.3 repeats the name in the detail where main has nothing.
            (false, false) if detail.contains(&name) => detail,
            (false, false) => format!("{name}: {detail}"),
        }
    }
}

/// `null` reads as the default.
pub(super) fn null_is_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A text that is borrowed where it has no escapes, which serde does for a bare `Cow` only; `null` is empty.
pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Cow<'a, str>, D::Error> {
    struct Text;
    impl<'de> serde::de::Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text or null")
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(""))
        }
    }
    from.deserialize_any(Text)
}

/// A text of the server made fit to show: no secret in use, no token, no line breaks, not long.
///
/// 3.8.3 answers a bad token with `… jwt parse error, token=<the whole token>` (contract, section 1).
pub fn redact(text: &str) -> String {
    let text = crate::secrets::without(text);
    let text = text.split("token=").next().unwrap_or_default();
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        // What a JWT looks like: `{"` in base64, and at least one dot.
        out.push_str(if word.contains("eyJ") && word.contains('.') { "<token>" } else { word });
    }
    crate::finding::shorten(out.trim_end_matches([',', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_an_answer_is_not_shown() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJVc2VySUQiOiJpbUFkbWluIn0.zn-NdKrj";
        for text in [
            format!("1501 TokenExpiredError jwt parse error, token={token}"),
            format!("bad {token} here"),
            format!("\"{token}\""),
        ] {
            let shown = redact(&text);
            assert!(!shown.contains("eyJ"), "{shown}");
        }
        assert_eq!(
            redact("1501 TokenExpiredError jwt parse error, token=x"),
            "1501 TokenExpiredError jwt parse error"
        );
    }

    #[test]
    fn null_absent_and_empty_are_the_same() {
        for body in [
            r#"{"errCode":1,"errMsg":"","errDlt":"","data":null}"#,
            r#"{"errCode":1,"errMsg":null,"errDlt":null}"#,
            r#"{"errCode":1}"#,
        ] {
            let envelope = Envelope::read(body.as_bytes()).unwrap();
            assert_eq!((envelope.err_code, envelope.said().as_str()), (1, ""));
            assert!(envelope.data.is_none_or(|data| data.get() == "null"));
        }
        assert!(Envelope::read(b"<html>").is_none());
        assert!(Envelope::read(b"[]").is_none());
        assert!(Envelope::read(b"{}").is_none());
    }
}
