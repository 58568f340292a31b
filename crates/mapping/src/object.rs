//! The members of a JSON object, without building it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Calls `take` with every member of the object: its key, and its value as JSON text. In order; a key that
/// stands twice comes twice.
///
/// # Errors
/// Text that is no JSON, or no object.
pub(super) fn members<'a>(
    text: &'a str,
    take: &mut dyn FnMut(Cow<'a, str>, &'a str),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Members { take })?;
    deserializer.end()
}

/// Whether it is text of JSON that failed for being no object.
pub(super) fn is_no_object(error: &serde_json::Error) -> bool {
    error.is_data()
}

struct Members<'t, 'a> {
    take: &'t mut dyn FnMut(Cow<'a, str>, &'a str),
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(key)) = map.next_key()? {
            let value: &'a RawValue = map.next_value()?;
            (self.take)(key, value.get());
        }
        Ok(())
    }
}

/// A key, borrowed where nothing in it is escaped.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'a> Deserialize<'a> for Name<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Name<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
