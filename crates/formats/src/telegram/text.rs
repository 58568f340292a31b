//! `text` of a message: a plain text, or a list of plain texts and marked ones.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::loose::Text;

/// A text with what is marked in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marked<'a> {
    pub(super) text: Cow<'a, str>,
    /// Ids of users whom it calls by name (`user123`). A call by `@name` says no id.
    pub(super) called: Vec<String>,
}

/// One piece of a list.
enum Piece<'a> {
    Plain(Cow<'a, str>),
    Marked(Mark<'a>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    href: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
}

struct MarkedVisitor;

impl<'de> Visitor<'de> for MarkedVisitor {
    type Value = Marked<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Marked<'de>, E> {
        Ok(Marked { text: Cow::Borrowed(text), called: Vec::new() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Marked<'de>, E> {
        Ok(Marked { text: Cow::Owned(text.to_owned()), called: Vec::new() })
    }

    fn visit_unit<E>(self) -> Result<Marked<'de>, E> {
        Ok(Marked::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Marked<'de>, A::Error> {
        let mut whole = String::new();
        let mut called = Vec::new();
        while let Some(piece) = list.next_element::<Piece<'de>>()? {
            match piece {
                Piece::Plain(text) => whole += &text,
                Piece::Marked(mark) => {
                    whole += &mark.text.0;
                    if mark.kind.0 == "text_link" && !mark.href.is_empty() && mark.href != mark.text {
                        whole.extend([" (", &mark.href.0, ")"]);
                    }
                    if mark.kind.0 == "mention_name" && !mark.user_id.is_empty() {
                        called.push(super::peer_id("user", &mark.user_id.0));
                    }
                }
            }
        }
        Ok(Marked { text: Cow::Owned(whole), called })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Marked<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Marked::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Marked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MarkedVisitor)
    }
}

struct PieceVisitor;

impl<'de> Visitor<'de> for PieceVisitor {
    type Value = Piece<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a marked text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Piece<'de>, E> {
        Ok(Piece::Plain(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Piece<'de>, E> {
        Ok(Piece::Plain(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Piece<'de>, E> {
        Ok(Piece::Plain(Cow::Borrowed("")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Piece<'de>, A::Error> {
        Mark::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Piece::Marked)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Piece<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PieceVisitor)
    }
}

/// The text of a record with `\x1F` written as `\u001F`: control characters come out of the app so, and that
/// is no JSON. `None` where there is nothing of the kind.
pub(super) fn repaired(record: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = record;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out += before;
        let hex = escape.get(2..4).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let taken = if let (true, Some(hex)) = (escape.starts_with("\\x"), hex) {
            out += "\\u00";
            out += hex;
            4
        } else {
            let taken = escape.char_indices().nth(2).map_or(escape.len(), |(n, _)| n);
            out += &escape[..taken];
            taken
        };
        rest = &escape[taken..];
    }
    out += rest;
    (out != record).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Marked<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_text_is_one_or_many() {
        assert!(matches!(read(r#""plain""#).text, Cow::Borrowed("plain")));
        assert_eq!(read(r#"["a ",{"type":"bold","text":"b"}," c",null]"#).text, "a b c");
        assert_eq!(read("[]").text, "");
        assert_eq!(read("null").text, "");
    }

    #[test]
    fn links_keep_where_they_lead_and_names_whom_they_call() {
        let marked = read(
            r#"[{"type":"text_link","text":"here","href":"https://a/"},{"type":"text_link","text":"https://b/","href":"https://b/"},
                {"type":"mention_name","text":"Ann","user_id":42},{"type":"mention","text":"@bob"}]"#,
        );
        assert_eq!(marked.text, "here (https://a/)https://b/Ann@bob");
        assert_eq!(marked.called, ["user42"]);
    }

    #[test]
    fn control_characters_that_the_app_wrote_as_no_json_are_repaired() {
        assert_eq!(repaired(r#"{"text":"a\x0Bb\\x0B\n"}"#).unwrap(), r#"{"text":"a\u000Bb\\x0B\n"}"#);
        assert_eq!(repaired(r#"{"text":"a\\x0B\u00e9"}"#), None);
        assert_eq!(repaired("\\"), None);
        assert_eq!(repaired("\\xé"), None);
    }
}
