//! How records become messages: the `[mapping]` section of the configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::draft::Key;

/// How records become messages. Without `fields` and `jq` the records are in the native format.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where each field of a message comes from.
    pub fields: BTreeMap<Key, Rule>,
    /// A jq program that makes objects in the native format of a record: none, one or several.
    pub jq: Option<String>,
    /// Records that are no messages. One that matches any of these is left out and counted.
    pub leave_out: Vec<LeaveOut>,
    /// The zone of times that do not say theirs: `Asia/Shanghai`, `+08:00`.
    pub zone: Option<String>,
    /// What becomes of UTF-8 that was read as Latin-1 (`cafÃ©`). Without it, it is sent as it stands and said.
    pub mojibake: Option<Mojibake>,
}

/// What becomes of UTF-8 that was read as Latin-1 when the export was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mojibake {
    /// What was meant, in all that the mapping reads.
    Repair,
    /// It is what they wrote.
    Keep,
}

impl Mojibake {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Keep => "keep",
        }
    }
}

/// Where a field comes from: a column, or more than that.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The column of that name.
    Column(String),
    /// As said in detail.
    Detail(Box<Detail>),
}

/// By hand, because serde's `untagged` hides which key was wrong.
impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Rule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a column, or a table such as { column = \"created\", time = \"ms\" }",
                )
            }

            fn visit_str<E: de::Error>(self, column: &str) -> Result<Rule, E> {
                Ok(Rule::Column(column.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
                Detail::deserialize(MapAccessDeserializer::new(map))
                    .map(|detail| Rule::Detail(Box::new(detail)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Where a field comes from, in detail.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detail {
    /// A column of a CSV, by its name; a value in a JSON object, by its path: `author.id`, `files[0].url`. A
    /// list of them: their texts, joined.
    pub column: Option<Columns>,
    /// What stands between the texts of several columns.
    pub join: Option<String>,
    /// Something that records inherit: `@folder`, `chats.list[].id`.
    pub inherited: Option<String>,
    /// The same value for every message.
    pub constant: Option<toml::Value>,
    /// What counts where there is nothing, or nothing in the table.
    pub default: Option<toml::Value>,
    /// Values in the export and what they become.
    pub table: BTreeMap<String, toml::Value>,
    /// How a time is written: `s`, `ms`, `us`, `ns`, `rfc3339`, or a pattern such as `%d.%m.%Y %H:%M`.
    pub time: Option<String>,
    /// The zone of times that do not say theirs, instead of the common one.
    pub zone: Option<String>,
    /// The column names both ends of a single chat with this text between them; the other end counts.
    pub pair: Option<String>,
    /// What counts where there is anything: `{ column = "to", filled = 1, default = 3 }`.
    pub filled: Option<toml::Value>,
    /// The value is a JSON list of those who take part: of their ids, or of objects with the id under this key. As
    /// `recvID` the other of two, and nothing of more; as `sessionType` 1 of two, 3 of more.
    pub members: Option<String>,
    /// The text is JSON.
    pub json: bool,
    /// The text is HTML: its words are taken (`true`), or it is sent as it stands (`false`); without it, what looks like
    /// HTML is sent as it stands and said. For `text`, `content`, `quoteText` and `senderNickname`.
    pub html: Option<bool>,
    /// What stands between several files in a text; without it line ends, and links are told apart by themselves. For
    /// `attachments`.
    pub split: Option<String>,
    /// Columns that tell more of the files, in the same order: `{ name = "file_name", size = "bytes", type = "mime" }`.
    /// For `attachments`.
    pub with: BTreeMap<More, String>,
}

/// What a column tells of the files that another one names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum More {
    /// Their names.
    Name,
    /// Their bytes.
    Size,
    /// `image/png`, or a word for it.
    Type,
}

impl More {
    /// As it is written, and as an attachment has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Size => "size",
            Self::Type => "type",
        }
    }
}

/// One column, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Columns {
    One(String),
    Many(Vec<String>),
}

/// Which records are no messages.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaveOut {
    /// The column that decides; see [`Detail::column`].
    pub column: Option<String>,
    /// Something inherited that decides; see [`Detail::inherited`].
    pub inherited: Option<String>,
    /// Left out if it is this, or one of these.
    pub is: Option<Values>,
    /// Left out if it is not this, or none of these.
    pub not: Option<Values>,
    /// Left out if it is empty or absent (`true`), or if it is not (`false`).
    pub empty: Option<bool>,
    /// Left out if this jq program says so.
    pub jq: Option<String>,
    /// Under which name they are counted; `filter` if none is given.
    pub reason: Option<String>,
}

/// One value, or several.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Values {
    Many(Vec<toml::Value>),
    One(toml::Value),
}
