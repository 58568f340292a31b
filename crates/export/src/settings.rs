//! How the sources are to be read: the `[export]` section of the configuration.

use serde::{Deserialize, Deserializer};

use super::{Encoding, ExportError};

/// How the sources are to be read. Everything has a default that looks at the file itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How records lie in the files; `auto` looks at each file.
    pub format: Format,
    /// `auto`, or the name of an encoding: `utf-8`, `utf-16le`, `utf-16be`, `gb18030`, or another label of
    /// the WHATWG list.
    pub encoding: String,
    /// What becomes of records with bytes that are no text in that encoding.
    pub broken_text: BrokenText,
    /// Where the records are in a JSON document: `messages[]`, `chats.list[].messages[]`. Empty: each value
    /// at the top is a record (objects one after another, or the elements of one list). One path or a list
    /// of them.
    #[serde(deserialize_with = "one_or_many")]
    pub records: Vec<String>,
    /// The longest record, in bytes; a longer one is left out and reported.
    pub max_record: usize,
    /// Lines that begin with this are no records. Empty: there are none such.
    pub comment: String,
    /// In folders and archives, only files whose path there matches one of these globs count. Empty: files
    /// whose names end as exports do.
    pub include: Vec<String>,
    /// How CSV is written.
    pub csv: Csv,
}

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Look at the name and the first bytes of each file.
    #[default]
    Auto,
    /// One JSON object a line.
    Jsonl,
    /// Rows of cells.
    Csv,
    /// JSON of any layout: one list, objects one after another, lists inside objects (see `records`).
    Json,
}

/// What becomes of a record whose bytes are no text in the encoding of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokenText {
    /// It is an error.
    #[default]
    Refuse,
    /// What can't be read becomes `U+FFFD`, and that is a warning.
    Replace,
}

/// How CSV is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Csv {
    /// `auto`, `tab`, or one ASCII character. `auto` tries `,`, `;`, tab and `|`.
    pub delimiter: String,
    /// The quote character; empty: cells are never quoted.
    pub quote: String,
    /// The character that takes away the meaning of a quote in a quoted cell, besides doubling it; empty:
    /// there is none.
    pub escape: String,
    /// `true`: the first row has the names. `false`: columns are called `1`, `2`, … A list: these are the
    /// names, and the first row is a record.
    pub header: Header,
    /// What stands for "no value" in a cell, such as `\N`; empty: nothing does.
    pub null: String,
    /// What becomes of rows that are shorter than the header.
    pub short_rows: ShortRows,
}

/// Where the names of the columns come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Header {
    /// `true`: the first row. `false`: the columns are called `1`, `2`, …
    Row(bool),
    /// These, in this order.
    Names(Vec<String>),
}

/// What becomes of rows that are shorter than the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortRows {
    /// An error: a row that was cut off is no message.
    #[default]
    Refuse,
    /// The missing cells are empty.
    Fill,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            encoding: "auto".to_owned(),
            broken_text: BrokenText::Refuse,
            records: Vec::new(),
            max_record: 64 << 20,
            comment: String::new(),
            include: Vec::new(),
            csv: Csv::default(),
        }
    }
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            delimiter: "auto".to_owned(),
            quote: "\"".to_owned(),
            escape: String::new(),
            header: Header::Row(true),
            null: String::new(),
            short_rows: ShortRows::Refuse,
        }
    }
}

impl Settings {
    /// Refuses what can't be.
    pub(super) fn check(&self) -> Result<(), ExportError> {
        if (1..=1 << 30).contains(&self.max_record) {
            return Ok(());
        }
        Err(ExportError::BadSetting {
            key: "max_record",
            value: self.max_record.to_string(),
            why: "it is a number of bytes from 1 to 1073741824".to_owned(),
        })
    }

    /// The encoding that was set; `None` where it is told by looking.
    pub fn encoding(&self) -> Result<Option<Encoding>, ExportError> {
        if self.encoding == "auto" {
            return Ok(None);
        }
        Encoding::by_name(&self.encoding).map(Some).ok_or_else(|| ExportError::BadSetting {
            key: "encoding",
            value: self.encoding.clone(),
            why:
                "it is \"auto\", \"utf-8\", \"utf-16le\", \"utf-16be\", \"gb18030\", or another name of the \
                  WHATWG list of encodings"
                    .to_owned(),
        })
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) if one.is_empty() => Vec::new(),
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}
