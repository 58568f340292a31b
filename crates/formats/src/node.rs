//! A record as a tree, for formats whose fields are read here and there: what is missing, `null` or of another type
//! is as if it were not there, so that one odd field never costs a message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::mapping::Row;

/// A value of JSON, or a row with its cells as members. Borrows what stands in the record as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Node<'a> {
    #[default]
    Nothing,
    Flag(bool),
    Whole(i64),
    /// Above all `i64`.
    Large(u64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

static NOTHING: Node<'static> = Node::Nothing;

impl<'a> Node<'a> {
    /// The cells of a row by the names of their columns.
    pub(super) fn of_row(row: Row<'a>) -> Self {
        let names = row.table.columns.iter().enumerate();
        let cells =
            names.filter_map(|(n, name)| Some((Cow::Borrowed(&**name), Node::Text(row.cell(n)?.into()))));
        Self::Object(cells.collect())
    }

    /// A member of an object.
    pub(super) fn get(&self, key: &str) -> &Node<'a> {
        self.member(|name| name == key)
    }

    /// The same whatever the case of its letters, with `_` or without.
    pub(super) fn get_loosely(&self, key: &str) -> &Node<'a> {
        fn plain(name: &str) -> impl Iterator<Item = u8> {
            name.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase())
        }
        self.member(|name| plain(name).eq(plain(key)))
    }

    /// The first of these members that is something.
    pub(super) fn any(&self, keys: &[&str]) -> &Node<'a> {
        keys.iter().map(|key| self.get(key)).find(|node| !node.is_empty()).unwrap_or(&NOTHING)
    }

    /// A member of a member …
    pub(super) fn at(&self, path: &[&str]) -> &Node<'a> {
        path.iter().fold(self, |node, key| node.get(key))
    }

    fn member(&self, is: impl Fn(&str) -> bool) -> &Node<'a> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(name, _)| is(name)).map_or(&NOTHING, |(_, node)| node)
            }
            _ => &NOTHING,
        }
    }

    /// The members of an object.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> &[Node<'a>] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// Nothing, or a text without a character.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing) || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// As a text; a number as it is written, anything else empty. Extended JSON (`{"$oid": "…"}`) is what it means.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Whole(n) => Cow::Owned(n.to_string()),
            Self::Large(n) => Cow::Owned(n.to_string()),
            Self::Float(n) => Cow::Owned(n.to_string()),
            Self::Object(_) => self.extended().map_or(Cow::Borrowed(""), Node::text),
            _ => Cow::Borrowed(""),
        }
    }

    /// A member as a text.
    pub(super) fn str(&self, key: &str) -> Cow<'_, str> {
        self.get(key).text()
    }

    /// As a whole number, also one written as a text or in extended JSON.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Whole(n) => Some(*n),
            Self::Text(text) => {
                let text = text.trim();
                // `1.7E12` is how extended JSON writes a double.
                let double = || text.parse().ok().filter(|n: &f64| n.fract() == 0.0).map(Node::Float)?.int();
                text.parse().ok().or_else(double)
            }
            #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
            Self::Float(n) if n.is_finite() => Some(n.round() as i64),
            Self::Object(_) => self.extended()?.int(),
            _ => None,
        }
    }

    /// As a time of a database, ms since 1970: a number, or a date in one of its spellings. `None`: none, or the year 1.
    pub(super) fn moment(&self) -> Option<i64> {
        let date = || self.text().trim().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        self.int().or_else(date).filter(|ms| *ms > 0)
    }

    /// As a number with a fraction.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(n) => Some(*n),
            Self::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            #[expect(clippy::cast_precision_loss, reason = "times in seconds and sizes")]
            other => other.int().map(|n| n as f64),
        }
    }

    /// As a size or count: 0 where there is none.
    pub(super) fn size(&self) -> u64 {
        self.int().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    /// Whether it says yes: `true`, 1, `"true"`, `"1"`.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Flag(yes) => *yes,
            Self::Text(text) => matches!(&**text, "1" | "true" | "True" | "TRUE"),
            other => other.int().is_some_and(|n| n != 0),
        }
    }

    /// What `{"$numberLong": "1"}`, `{"$oid": "…"}` or `{"$date": …}` stands for.
    fn extended(&self) -> Option<&Node<'a>> {
        match self.members() {
            [(key, value)] if key.starts_with('$') => Some(value),
            _ => None,
        }
    }

    /// A value that is written as a text of JSON, or as it is.
    pub(super) fn unwrapped(&self) -> Cow<'_, Node<'_>> {
        match self {
            Self::Text(text) if text.trim_start().starts_with(['{', '[']) => {
                serde_json::from_str(text).map_or(Cow::Borrowed(self), Cow::Owned)
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// As a value of its own, for what is kept of something that OpenIM has no type for.
    pub(super) fn value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Nothing => Value::Null,
            Self::Flag(yes) => (*yes).into(),
            Self::Whole(n) => (*n).into(),
            Self::Large(n) => (*n).into(),
            Self::Float(n) => (*n).into(),
            Self::Text(text) => Value::String(text.to_string()),
            Self::List(list) => list.iter().map(Node::value).collect(),
            Self::Object(members) => members
                .iter()
                .map(|(key, node)| (key.to_string(), node.value()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

struct Visit;

impl<'de> Visitor<'de> for Visit {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Node<'de>, E> {
        Ok(Node::Flag(yes))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Node<'de>, E> {
        Ok(Node::Whole(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Node<'de>, E> {
        Ok(i64::try_from(n).map_or(Node::Large(n), Node::Whole))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Node<'de>, E> {
        Ok(Node::Float(n))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Node::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            all.push((key, value));
        }
        Ok(Node::Object(all))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visit)
    }
}

/// A key, borrowed where it can be.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_mean() {
        let node: Node<'_> = serde_json::from_str(
            r#"{"id":18446744073709551615,"n":{"$numberLong":"7"},"t":"12","f":true,"o":{"$oid":"ab"},"l":[1,null],"j":"{\"a\":[2]}","x":null,"Msg_ID":"m","s":"a\nb"}"#,
        )
        .unwrap();
        assert_eq!(node.str("id"), "18446744073709551615");
        assert_eq!(
            (node.get("n").int(), node.get("t").int(), node.get("x").int()),
            (Some(7), Some(12), None)
        );
        assert!(node.get("f").is_true() && !node.get("absent").is_true());
        assert_eq!((&*node.str("o"), node.get("l").list().len()), ("ab", 2));
        assert_eq!(node.get("j").unwrapped().get("a").list()[0].int(), Some(2));
        assert_eq!(node.get_loosely("msgid").text(), "m");
        assert!(matches!(node.get("t"), Node::Text(Cow::Borrowed(_))) && node.get("x").is_empty());
        assert_eq!(node.any(&["x", "absent", "t"]).text(), "12");
        assert_eq!(node.get("j").value(), serde_json::json!("{\"a\":[2]}"));
    }

    #[test]
    fn numbers_and_dates_of_a_database_in_all_their_spellings() {
        let node = |json: &'static str| serde_json::from_str::<Node<'_>>(json).unwrap();
        for time in [
            "1700000000000",
            r#""1700000000000""#,
            "1700000000000.0",
            "1.7e12",
            r#"{"$numberLong":"1700000000000"}"#,
            r#"{"$numberDouble":"1.7E12"}"#,
            r#"{"$date":"2023-11-14T22:13:20Z"}"#,
            r#"{"$date":"2023-11-14T22:13:20.000+00:00"}"#,
            r#"{"$date":{"$numberLong":"1700000000000"}}"#,
            r#""2023-11-14T22:13:20Z""#,
        ] {
            assert_eq!(node(time).moment(), Some(1_700_000_000_000), "{time}");
        }
        for none in [
            "null",
            "{}",
            "[]",
            "0",
            r#""x""#,
            r#"{"$date":{"$numberLong":"-62135596800000"}}"#,
            r#"{"$date":"0001-01-01T00:00:00Z"}"#,
            r#"{"$numberDouble":"NaN"}"#,
            r#"{"$date":null}"#,
        ] {
            assert_eq!(node(none).moment(), None, "{none}");
        }
        assert_eq!(
            (node(r#""1.5""#).int(), node(r#""x""#).int(), node(r#""inf""#).int()),
            (None, None, None)
        );
    }
}
