//! The rules of `[mapping.fields]`, ready to be applied.

use std::borrow::Cow;
use std::collections::HashMap;

use super::attach;
use super::codes;
use super::draft::{Key, Problem};
use super::error::MappingError;
use super::html;
use super::mojibake;
use super::pick::{Picks, Wanted};
use super::settings::{Columns, Detail, Mojibake, More, Rule, Settings};
use super::time::{Doubt, TimeFormat};
use super::value::Value;
use crate::finding::Code;

/// How one field is made.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) key: Key,
    from: Given,
    default: Option<Value<'static>>,
    table: Option<HashMap<String, Value<'static>>>,
    time: Option<TimeFormat>,
    pair: Option<String>,
    filled: Option<Value<'static>>,
    members: Option<String>,
    json: bool,
    /// `None`: nobody said whether it is HTML.
    html: Option<bool>,
    repair: bool,
    split: Option<String>,
    with: Vec<(More, usize)>,
}

#[derive(Debug)]
enum Given {
    Constant,
    Pick(usize),
    Joined { picks: Vec<usize>, join: String },
}

/// A warning about a value that was used all the same.
pub(super) type Warning = (&'static Code, String);

impl Recipe {
    pub(super) fn new(
        key: Key,
        rule: &Rule,
        common: &Settings,
        picks: &mut Picks,
    ) -> Result<Self, MappingError> {
        let bad = |why: String| MappingError::BadRule { key: format!("fields.{}", key.name()), why };
        let detail = match rule {
            Rule::Column(column) => {
                &Detail { column: Some(Columns::One(column.clone())), ..Detail::default() }
            }
            Rule::Detail(detail) => detail,
        };
        let from = match (&detail.column, &detail.inherited, &detail.constant) {
            (Some(Columns::One(column)), None, None) => {
                Given::Pick(picks.want(Wanted::Column(column.clone())))
            }
            (Some(Columns::Many(columns)), None, None) => Given::Joined {
                picks: columns.iter().map(|c| picks.want(Wanted::Column(c.clone()))).collect(),
                join: detail.join.clone().unwrap_or_else(|| ":".to_owned()),
            },
            (None, Some(name), None) => Given::Pick(picks.want(Wanted::Inherited(name.clone()))),
            (None, None, Some(_)) => Given::Constant,
            _ => return Err(bad("it takes one of `column`, `inherited` and `constant`".to_owned())),
        };
        let alone = detail.table.is_empty()
            && detail.time.is_none()
            && detail.pair.is_none()
            && detail.filled.is_none()
            && detail.members.is_none()
            && !detail.json
            && detail.html.is_none();
        if detail.constant.is_some() && !(alone && detail.default.is_none()) {
            return Err(bad("a `constant` stands alone".to_owned()));
        }
        if detail.join.is_some() && !matches!(from, Given::Joined { .. }) {
            return Err(bad("`join` is for a list of columns".to_owned()));
        }
        let kinds = [
            !detail.table.is_empty(),
            detail.time.is_some(),
            detail.pair.is_some(),
            detail.filled.is_some(),
            detail.members.is_some(),
            detail.json,
            detail.html.is_some(),
        ];
        if kinds.iter().filter(|set| **set).count() > 1 {
            return Err(bad(
                "it takes one of `table`, `time`, `pair`, `filled`, `members`, `json` and `html`".to_owned(),
            ));
        }
        of_files(key, detail, kinds.iter().any(|set| *set)).map_err(&bad)?;
        if detail.members.is_some() && !matches!(key, Key::RecvId | Key::SessionType) {
            return Err(bad("`members` is for `recvID` and `sessionType`".to_owned()));
        }
        let words = matches!(key, Key::Text | Key::Content | Key::QuoteText | Key::SenderNickname);
        if detail.html.is_some() && !words {
            return Err(bad("`html` is for `text`, `content`, `quoteText` and `senderNickname`".to_owned()));
        }
        if detail.time.is_some() && key != Key::SendTime {
            return Err(bad("`time` is for `sendTime`".to_owned()));
        }
        if detail.zone.is_some() && key != Key::SendTime {
            return Err(bad("`zone` is for `sendTime`".to_owned()));
        }
        if detail.pair.is_some() && key != Key::RecvId {
            return Err(bad("`pair` is for `recvID`".to_owned()));
        }
        if detail.pair.as_ref().is_some_and(String::is_empty) {
            return Err(bad("`pair` is what stands between the two ids, and can't be empty".to_owned()));
        }
        let zone = detail.zone.as_deref().or(common.zone.as_deref());
        let time = (key == Key::SendTime && !matches!(from, Given::Constant))
            .then(|| TimeFormat::new(detail.time.as_deref().unwrap_or("ms"), zone))
            .transpose()
            .map_err(bad)?;
        let table = detail.table.iter().map(|(k, v)| (k.clone(), Value::from_toml(v))).collect();
        Ok(Self {
            key,
            from,
            default: detail.constant.as_ref().or(detail.default.as_ref()).map(Value::from_toml),
            table: (!detail.table.is_empty()).then_some(table),
            time,
            pair: detail.pair.clone(),
            filled: detail.filled.as_ref().map(Value::from_toml),
            members: detail.members.clone(),
            json: detail.json,
            html: detail.html,
            repair: common.mojibake == Some(Mojibake::Repair),
            split: detail.split.clone(),
            with: detail
                .with
                .iter()
                .map(|(more, column)| (*more, picks.want(Wanted::Column(column.clone()))))
                .collect(),
        })
    }

    /// What it is made of.
    pub(super) fn wants<'p>(&self, picks: &'p Picks) -> Vec<&'p Wanted> {
        let of_itself = match &self.from {
            Given::Constant => &[][..],
            Given::Pick(n) => std::slice::from_ref(n),
            Given::Joined { picks, .. } => picks,
        };
        let more = self.with.iter().map(|(_, n)| n);
        of_itself.iter().chain(more).map(|n| &picks.all()[*n]).collect()
    }

    /// Whether it takes the words out of HTML, which may have none.
    pub(super) fn takes_words(&self) -> bool {
        self.html == Some(true) && matches!(self.key, Key::Text | Key::Content)
    }

    /// Makes the value of the field.
    pub(super) fn value<'r>(
        &'r self,
        found: &[Option<Value<'r>>],
        sender: Option<&str>,
    ) -> Result<(Option<Value<'r>>, Option<Warning>), Problem> {
        let default = || self.default.as_ref().map(Value::borrowed);
        if self.key == Key::Attachments {
            return Ok((self.files(found), None));
        }
        let picked = match &self.from {
            Given::Constant => None,
            Given::Pick(n) => found[*n].clone(),
            Given::Joined { picks, join } => joined(found, picks, join),
        };
        let Some(value) = picked.filter(|value| !value.is_empty()) else { return Ok((default(), None)) };
        let problem = |code, why: &str| Err(Problem::new(code, self.key, &format!("{}{why}", value.text())));
        if let Some(filled) = &self.filled {
            return Ok((Some(filled.borrowed()), None));
        }
        if let Some(key) = &self.members {
            let Some(members) = members(value.text(), key, self.repair) else {
                return problem(&codes::FIELD_NOT_JSON, "");
            };
            if self.key == Key::SessionType {
                let kind = if members.len() == 2 { "1" } else { "3" };
                return Ok((Some(Value::Number(Cow::Borrowed(kind))), None));
            }
            let [a, b] = &members[..] else { return Ok((None, None)) };
            let sender = sender.unwrap_or_default();
            let other = if a == sender { b } else { a };
            if a != sender && b != sender {
                return problem(&codes::PAIR_WITHOUT_SENDER, &format!(", sender {sender}"));
            }
            return Ok((Some(Value::Text(Cow::Owned(other.clone()))), None));
        }
        if let Some(table) = &self.table {
            return match table.get(value.text()).or(self.default.as_ref()) {
                Some(value) => Ok((Some(value.borrowed()), None)),
                None => problem(&codes::VALUE_NOT_IN_TABLE, ""),
            };
        }
        if let Some(time) = &self.time {
            return match time.read(value.text()) {
                Ok(read) => {
                    let code = match read.doubt {
                        Doubt::None => None,
                        Doubt::Twice => Some(&codes::TIME_AMBIGUOUS),
                        Doubt::Never => Some(&codes::TIME_SKIPPED),
                    };
                    let warning = code.map(|code| (code, value.text().to_owned()));
                    Ok((Some(Value::Number(Cow::Owned(read.millis.to_string()))), warning))
                }
                Err(why) => problem(&codes::TIME_UNREADABLE, &format!(" ({why})")),
            };
        }
        if let Some(between) = &self.pair {
            return match other_of_pair(value.text(), between, sender.unwrap_or_default()) {
                Some(other) => Ok((Some(Value::Text(Cow::Owned(other.to_owned()))), None)),
                None => {
                    problem(&codes::PAIR_WITHOUT_SENDER, &format!(", sender {}", sender.unwrap_or_default()))
                }
            };
        }
        if let (Some(true), Value::Text(text)) = (self.html, &value) {
            let words = html::text_of(text).map(|words| Value::Text(Cow::Owned(words)));
            return Ok((Some(words.unwrap_or(value)), None));
        }
        if self.json
            && let Value::Text(text) = &value
        {
            return match parsed(text) {
                Ok(value) => Ok((value, None)),
                Err(_) => problem(&codes::FIELD_NOT_JSON, ""),
            };
        }
        // An object as it stands is no text, and nobody asked about the texts in it.
        let unasked = self.html.is_none() && !self.json && matches!(self.key, Key::Text | Key::Content);
        let warning = match &value {
            Value::Text(text) if unasked && html::is_html(text) => {
                Some((&codes::HTML_AS_TEXT, text.to_string()))
            }
            _ => None,
        };
        Ok((Some(value), warning))
    }
}

impl Recipe {
    /// All files that the columns name, each with what others tell of it, as the native format has them.
    fn files<'r>(&self, found: &[Option<Value<'r>>]) -> Option<Value<'r>> {
        let of = |n: usize| {
            let value = found[n].as_ref().filter(|value| !value.is_empty());
            value.map(|value| attach::list(value, self.split.as_deref())).unwrap_or_default()
        };
        let mut files: Vec<serde_json::Value> = match &self.from {
            Given::Constant => Vec::new(),
            Given::Pick(n) => of(*n),
            Given::Joined { picks, .. } => picks.iter().flat_map(|n| of(*n)).collect(),
        };
        for (more, n) in &self.with {
            let told = of(*n);
            // Of another number of names nobody knows which is whose.
            if told.len() == files.len() {
                files.iter_mut().zip(told).for_each(|(file, told)| attach::tell(file, *more, told));
            }
        }
        (!files.is_empty()).then(|| Value::List(serde_json::Value::Array(files).to_string().into()))
    }
}

/// What only `attachments` takes, and what it does not; `kinds`: another kind of rule is set.
fn of_files(key: Key, detail: &Detail, kinds: bool) -> Result<(), String> {
    let more = detail.split.is_some() || !detail.with.is_empty();
    let others = kinds || detail.default.is_some() || detail.join.is_some() || detail.constant.is_some();
    match key {
        Key::Attachments if others => {
            Err("`attachments` takes `column` or `inherited`, and `split` and `with`".to_owned())
        }
        Key::Attachments if detail.split.as_ref().is_some_and(String::is_empty) => {
            Err("`split` is what stands between two files, and can't be empty".to_owned())
        }
        Key::Attachments => Ok(()),
        _ if more => Err("`split` and `with` are for `attachments`".to_owned()),
        _ => Ok(()),
    }
}

fn joined<'r>(found: &[Option<Value<'r>>], picks: &[usize], join: &str) -> Option<Value<'r>> {
    // An id made of several parts needs all of them.
    let mut parts = Vec::with_capacity(picks.len());
    for n in picks {
        parts.push(found[*n].as_ref()?.text());
    }
    Some(Value::Text(Cow::Owned(parts.join(join))))
}

/// `a__b` and `a` give `b`. The ids may hold the text between as well: that end counts at which the sender is.
fn other_of_pair<'t>(pair: &'t str, between: &str, sender: &str) -> Option<&'t str> {
    pair.match_indices(between).find_map(|(at, _)| {
        let (first, second) = (&pair[..at], &pair[at + between.len()..]);
        if first == sender {
            Some(second)
        } else if second == sender {
            Some(first)
        } else {
            None
        }
    })
}

/// The value that a text of JSON holds.
fn parsed(text: &str) -> Result<Option<Value<'static>>, serde_json::Error> {
    let raw: &serde_json::value::RawValue = serde_json::from_str(text)?;
    Ok(Value::from_json(raw.get(), &mut false).map(Value::into_owned))
}

/// Who is in a JSON list of texts, or of objects that have the id under this key; `None`: it is no such list.
fn members(list: &str, key: &str, repair: bool) -> Option<Vec<String>> {
    let all: Vec<serde_json::Value> = serde_json::from_str(list).ok()?;
    let id = |member: &serde_json::Value| {
        let id = if key.is_empty() { member } else { member.get(key)? };
        match id {
            serde_json::Value::String(text) => {
                let meant = repair.then(|| mojibake::meant(text)).flatten();
                Some(meant.unwrap_or_else(|| text.clone()))
            }
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    all.iter().map(id).collect()
}
