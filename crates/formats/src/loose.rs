//! Fields as exports have them, not as they are documented: a number where a text is meant, `null`, a list
//! that is an object once in a while. What can't be understood is as if it were not there, so that one odd
//! field never costs a message.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text, also one written as a number: ids stay as they are, digit for digit. Empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// A number, also one written as a text. 0 where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number(pub(super) f64);

/// An object; anything else is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object<T>(pub(super) Option<T>);

/// A list of objects, without what is none in it; anything else is an empty list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Objects<T>(pub(super) Vec<T>);

/// A list of texts, without what is none in it; anything else is an empty list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts<'a>(pub(super) Vec<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// Whether there is a text.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, if there is one.
    pub(super) fn some(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }

    /// The text, or else another.
    pub(super) fn or<'b>(&'b self, other: &'b str) -> &'b str {
        if self.0.is_empty() { other } else { &self.0 }
    }

    /// A copy that shares the record's bytes where it can.
    pub(super) fn share(&'a self) -> Cow<'a, str> {
        Cow::Borrowed(&self.0)
    }
}

impl Number {
    /// As a count of something: whole, not negative, 0 where there is none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and what is no size is 0"
    )]
    pub(super) fn whole(self) -> u64 {
        self.0.round() as u64
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

macro_rules! skip {
    ($value:expr; $($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, _: $type) -> Result<Self::Value, E> { Ok($value) })*
    };
}

fn drain_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    skip!(Text::default(); visit_bool(bool));

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Text<'de>, A::Error> {
        drain_list(list).map(|()| Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text<'de>, A::Error> {
        drain_map(map).map(|()| Text::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct NumberVisitor;

#[expect(clippy::cast_precision_loss, reason = "sizes, durations and flags; ids are read as Text")]
impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Number, E> {
        let number: f64 = text.trim().parse().unwrap_or_default();
        Ok(Number(if number.is_finite() { number } else { 0.0 }))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Number, E> {
        Ok(Number(f64::from(u8::from(yes))))
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(0.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Number, A::Error> {
        drain_list(list).map(|()| Number(0.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Number, A::Error> {
        drain_map(map).map(|()| Number(0.0))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Object(Some(object)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Object<T>, A::Error> {
        drain_list(list).map(|()| Object(None))
    }

    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    skip!(Object(None); visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_bool(bool));
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element::<T>()? {
            all.push(one);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        drain_map(map).map(|()| Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    skip!(Vec::new(); visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_bool(bool));
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = deserializer.deserialize_any(ListVisitor::<Object<T>>(PhantomData))?;
        Ok(Self(all.into_iter().filter_map(|one| one.0).collect()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = deserializer.deserialize_any(ListVisitor::<Text<'a>>(PhantomData))?;
        Ok(Self(all.into_iter().map(|one| one.0).filter(|text| !text.is_empty()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Record<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        size: Number,
        #[serde(borrow)]
        file: Object<Inner<'a>>,
        #[serde(borrow)]
        files: Objects<Inner<'a>>,
        #[serde(borrow)]
        names: Texts<'a>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Text<'a>,
    }

    #[test]
    fn ids_keep_their_digits() {
        let record: Record<'_> = serde_json::from_str(r#"{"id":18446744073709551615}"#).unwrap();
        assert_eq!(record.id.0, "18446744073709551615");
        let record: Record<'_> = serde_json::from_str(r#"{"id":"007"}"#).unwrap();
        assert!(matches!(record.id.0, Cow::Borrowed("007")));
    }

    #[test]
    fn whatever_stands_there_the_record_survives() {
        let values =
            ["null", "true", "1", "-1.5", "\"x\"", "[]", "[1,{}]", "{}", "{\"a\":[1]}", "\"\\u00e9\""];
        for field in ["id", "size", "file", "files", "names"] {
            for value in values {
                let text = format!("{{\"{field}\":{value},\"x\":1}}");
                serde_json::from_str::<Record<'_>>(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            }
        }
    }

    #[test]
    fn lists_keep_what_is_right_in_them() {
        let record: Record<'_> =
            serde_json::from_str(r#"{"files":[null,{"name":"a"},"b",{"name":7}],"names":["a",null,3,""]}"#)
                .unwrap();
        let names: Vec<&str> = record.files.0.iter().map(|f| f.name.or("-")).collect();
        assert_eq!(names, ["a", "7"]);
        assert_eq!(record.names.0, ["a", "3"]);
    }

    #[test]
    fn sizes_are_read_from_texts_and_never_negative() {
        let size = |text: &str| serde_json::from_str::<Record<'_>>(text).unwrap().size.whole();
        assert_eq!(size(r#"{"size":"120"}"#), 120);
        assert_eq!(size(r#"{"size":-3}"#), 0);
        assert_eq!(size(r#"{"size":"NaN"}"#), 0);
        assert_eq!(size(r#"{"size":1e300}"#), u64::MAX);
        assert_eq!(size(r#"{"size":2.6}"#), 3);
    }
}
