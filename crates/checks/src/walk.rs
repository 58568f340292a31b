//! One walk over a content: which of the fields we know are there, and what the server will change.
//!
//! The server decodes `content` into a struct with "weak typing" (measured: the recordings `text-number`,
//! `picture-string-width`, `picture-float-width`): a number is taken for a text, a text that is a number for
//! a number, a single value for a list. Then it wants some fields not to be zero. Names match exactly, or
//! else without regard to case; of repeated keys the last counts.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A field that the server decodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// It must not be zero or empty.
    pub(super) needed: bool,
}

/// What a field is decoded into.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Int32,
    Int64,
    Flag,
    Texts,
    Object(&'static [Field]),
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Fields that must not be zero and are: `sourcePicture.width`.
    pub(super) missing: Vec<String>,
    /// Fields of a type that can't be decoded.
    pub(super) wrong: Vec<String>,
    /// The first integer that a 64-bit float can't hold.
    pub(super) big: Option<String>,
    /// Whether a text has U+FFFD.
    pub(super) damaged: bool,
    /// Length of the longest list of texts.
    pub(super) longest_list: usize,
}

/// Walks over the text of a JSON object.
///
/// # Errors
/// The parser's words, if it is none.
pub(super) fn walk(content: &str, fields: &'static [Field]) -> Result<Seen, serde_json::Error> {
    let mut seen = Seen::default();
    let mut parser = serde_json::Deserializer::from_str(content);
    Top { fields, seen: &mut seen }.deserialize(&mut parser)?;
    parser.end()?;
    Ok(seen)
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Good,
    Zero,
    Wrong,
}

const fn zero_if(zero: bool) -> Value {
    if zero { Value::Zero } else { Value::Good }
}

/// The content itself: an object and nothing else.
struct Top<'s> {
    fields: &'static [Field],
    seen: &'s mut Seen,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        object(self.fields, "", self.seen, map)
    }
}

/// Most fields of any struct of the server's.
const MOST_FIELDS: usize = 16;

fn object<'de, A: MapAccess<'de>>(
    fields: &'static [Field],
    prefix: &str,
    seen: &mut Seen,
    mut map: A,
) -> Result<(), A::Error> {
    debug_assert!(fields.len() <= MOST_FIELDS);
    let mut exact = [None; MOST_FIELDS];
    let mut folded = [None; MOST_FIELDS];
    while let Some(key) = map.next_key::<Cow<'de, str>>()? {
        if key.contains('\u{fffd}') {
            seen.damaged = true;
        }
        let exactly = fields.iter().position(|field| field.name == key);
        let like = || fields.iter().position(|field| field.name.eq_ignore_ascii_case(&key));
        let (slot, field) = if let Some(n) = exactly {
            (&mut exact[n], &fields[n])
        } else if let Some(n) = like() {
            (&mut folded[n], &fields[n])
        } else {
            map.next_value_seed(Any { kind: None, path: "", seen })?;
            continue;
        };
        let path = if prefix.is_empty() {
            Cow::Borrowed(field.name)
        } else {
            format!("{prefix}.{}", field.name).into()
        };
        if slot.is_some() {
            // Repeated: what the earlier one lacked doesn't matter.
            let inside = format!("{path}.");
            seen.missing.retain(|missing| !missing.starts_with(&inside));
            seen.wrong.retain(|wrong| !wrong.starts_with(&inside));
        }
        *slot = Some(map.next_value_seed(Any { kind: Some(field.kind), path: &path, seen })?);
    }
    for (n, field) in fields.iter().enumerate() {
        let path =
            || if prefix.is_empty() { field.name.to_owned() } else { format!("{prefix}.{}", field.name) };
        match (exact[n].or(folded[n]).unwrap_or(Value::Zero), field.kind) {
            (Value::Wrong, _) => seen.wrong.push(path()),
            // An object that isn't there: name what is needed in it.
            (Value::Zero, Kind::Object(inner)) if field.needed => {
                let needed = inner.iter().filter(|field| field.needed);
                seen.missing.extend(needed.map(|inner| format!("{}.{}", path(), inner.name)));
            }
            (Value::Zero, _) if field.needed => seen.missing.push(path()),
            _ => {}
        }
    }
    Ok(())
}

/// A value: of a known field, or any (`kind` is `None`).
struct Any<'s> {
    kind: Option<Kind>,
    path: &'s str,
    seen: &'s mut Seen,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

/// Integers up to here survive a 64-bit float.
const EXACT: u64 = 1 << 53;

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Zero)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(match self.kind {
            // "0" is a text that is not empty.
            None | Some(Kind::Text | Kind::Texts) => Value::Good,
            Some(Kind::Int32 | Kind::Int64 | Kind::Flag) => zero_if(!flag),
            Some(Kind::Object(_)) => Value::Wrong,
        })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        if number > EXACT {
            self.seen.big.get_or_insert_with(|| number.to_string());
        }
        #[expect(clippy::cast_precision_loss, reason = "as the server does")]
        let float = number as f64;
        Ok(number_as(self.kind, float))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        if number.unsigned_abs() > EXACT {
            self.seen.big.get_or_insert_with(|| number.to_string());
        }
        #[expect(clippy::cast_precision_loss, reason = "as the server does")]
        let float = number as f64;
        Ok(number_as(self.kind, float))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
        if number.abs() > EXACT as f64 {
            // Its digits are gone already.
            self.seen.big.get_or_insert_with(|| format!("{number:e}"));
        }
        Ok(number_as(self.kind, number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        if text.contains('\u{fffd}') {
            self.seen.damaged = true;
        }
        Ok(match self.kind {
            // One value is taken for a list of one.
            None | Some(Kind::Texts) => Value::Good,
            Some(Kind::Text) => zero_if(text.is_empty()),
            Some(Kind::Int32) => text_as_int(text, 32),
            Some(Kind::Int64) => text_as_int(text, 64),
            Some(Kind::Flag) => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Good,
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Zero,
                _ => Value::Wrong,
            },
            Some(Kind::Object(_)) => Value::Wrong,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        if let Some(Kind::Object(fields)) = self.kind {
            object(fields, self.path, self.seen, map)?;
            return Ok(Value::Good);
        }
        let mut empty = true;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            empty = false;
            if key.contains('\u{fffd}') {
                self.seen.damaged = true;
            }
            map.next_value_seed(Any { kind: None, path: "", seen: self.seen })?;
        }
        Ok(match self.kind {
            None => Value::Good,
            // `{}` is taken for an empty list.
            Some(Kind::Texts) if empty => Value::Good,
            Some(_) => Value::Wrong,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let is_texts = matches!(self.kind, Some(Kind::Texts));
        let item = if is_texts { Some(Kind::Text) } else { None };
        let (mut len, mut wrong) = (0, false);
        while let Some(value) = list.next_element_seed(Any { kind: item, path: "", seen: self.seen })? {
            len += 1;
            wrong |= value == Value::Wrong;
        }
        if is_texts {
            self.seen.longest_list = self.seen.longest_list.max(len);
        }
        Ok(match self.kind {
            // A list is there even if nothing is in it.
            None | Some(Kind::Texts) if !wrong => Value::Good,
            _ => Value::Wrong,
        })
    }
}

/// Every number is a 64-bit float to the server, cut to an integer where one is wanted.
fn number_as(kind: Option<Kind>, number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "as the server does: 4.5 is 4, 2^32 is 0 in 32 bits")]
    let (wide, narrow) = (number as i64, number as i64 as i32);
    match kind {
        None | Some(Kind::Text | Kind::Texts) => Value::Good,
        Some(Kind::Int32) => zero_if(narrow == 0),
        Some(Kind::Int64) => zero_if(wide == 0),
        Some(Kind::Flag) => zero_if(number == 0.0),
        Some(Kind::Object(_)) => Value::Wrong,
    }
}

/// Go's `strconv.ParseInt` with base 0: decimal, or 0x, 0o, 0b; no blanks. An empty text is 0.
fn text_as_int(text: &str, bits: u32) -> Value {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (base, digits) = match digits.as_bytes() {
        [] if text.is_empty() => return Value::Zero,
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['-', '+']) {
        return Value::Wrong;
    }
    match i64::from_str_radix(digits, base) {
        Ok(number) if bits == 32 && i32::try_from(number).is_err() => Value::Wrong,
        Ok(number) => zero_if(number == 0),
        Err(_) => Value::Wrong,
    }
}

/// Whether a text is one JSON object with these members of the right kind, strictly: what the server reads
/// with its JSON decoder and not with the weak one.
pub(super) fn is_strict_object(text: &str, texts: &[&str], flags: &[&str]) -> bool {
    struct Strict<'a>(&'a [&'a str], &'a [&'a str]);
    impl<'de> Visitor<'de> for Strict<'_> {
        type Value = bool;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut good = true;
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                let one_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(&key));
                if one_of(self.0) {
                    good &= matches!(
                        map.next_value::<serde_json::Value>()?,
                        serde_json::Value::String(_) | serde_json::Value::Null
                    );
                } else if one_of(self.1) {
                    good &= matches!(
                        map.next_value::<serde_json::Value>()?,
                        serde_json::Value::Bool(_) | serde_json::Value::Null
                    );
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(good)
        }
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.deserialize_map(Strict(texts, flags)).is_ok_and(|good| good) && parser.end().is_ok()
}
