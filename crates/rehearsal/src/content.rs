//! What a message of each type must contain (contract, table 2), checked as the real server does: the
//! object is decoded weakly into the type's structure, then each field is validated.

mod decode;
mod held;
mod tables;

use super::json::Value;
use crate::message::{ContentType, Release};

/// A Go structure.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of it.
#[derive(Debug)]
pub(super) struct Field {
    /// What Go calls it: the validator's errors name it so.
    name: &'static str,
    /// Its key in the content: decoding errors name it so.
    key: &'static str,
    /// Its key when the structure is written (quotes only).
    json: &'static str,
    /// It is left out when it is zero.
    omit: bool,
    kind: Kind,
    rule: Rule,
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Int32,
    Int64,
    Float,
    Flag,
    Texts,
    Inner(&'static Structure),
    /// Absent unless it is given.
    Pointer(&'static Structure),
}

/// What the validator asks of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Any,
    Required,
    /// `required,min=1`
    AtLeastOne,
    /// `required,max=1000`
    AtMostThousand,
    /// `gte=0,lte=5`
    ZeroToFive,
}

/// What is wrong with the content, in the words of `errDlt`.
pub(super) fn check(structure: &'static Structure, content: &Value<'_>) -> Result<(), String> {
    let held = decode::decode(structure, content)?;
    held::validate(structure, &held)
}

/// A quote (114) is stored as its whole structure, in the structure's order; everything else as it came.
pub(super) fn filled(content_type: i32, content: &Value<'_>) -> Option<String> {
    if content_type != ContentType::Quote.code() {
        return None;
    }
    let held = decode::decode(&tables::QUOTE, content).ok()?;
    let mut out = String::new();
    held::write(&tables::QUOTE, &held, &mut out);
    Some(out)
}

/// The structure of a type's content; `None` where the release does not take the type.
pub(super) fn structure(release: Release, content_type: i32) -> Option<&'static Structure> {
    Some(match ContentType::from_code(content_type)? {
        ContentType::Text => &tables::TEXT,
        ContentType::Picture => &tables::PICTURE,
        ContentType::Voice => &tables::SOUND,
        ContentType::Video => &tables::VIDEO,
        ContentType::File => &tables::FILE,
        ContentType::At => &tables::AT,
        ContentType::Custom => &tables::CUSTOM,
        ContentType::Quote if release.takes_quotes() => &tables::QUOTE,
        ContentType::Markdown if release.takes_quotes() => &tables::MARKDOWN,
        ContentType::OaNotification => &tables::OA,
        ContentType::Quote | ContentType::Markdown => return None,
    })
}
