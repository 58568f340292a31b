//! Guessed rules, as values: what `[mapping]` will say of a field or of records to leave out.

use std::fmt;

use toml_edit::Value;

use super::document::{inline, string, strings};
use crate::mapping::More;

/// What a rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A column of the record.
    Column(String),
    /// What encloses the records, or says where they stand (`@stem`).
    Inherited(String),
}

impl Of {
    fn pair(&self) -> (&'static str, Value) {
        match self {
            Self::Column(name) => ("column", string(name)),
            Self::Inherited(name) => ("inherited", string(name)),
        }
    }
}

/// Stands between two ends that are joined to be told apart again.
const BETWEEN: &str = " | ";

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A value as it is.
    Value(Of),
    /// The other one of two ids, with this between them.
    Pair(Of, &'static str),
    /// Of two columns the one that has not written.
    Ends(String, String),
    /// The other one of two members in an inherited list, which stand under this key.
    Members(String, String),
    /// A column of times, and how they are written.
    Time(String, String),
    /// A column of words, and whether they are taken out of its HTML.
    Html(String, bool),
    /// Columns of files, what stands between several in one, and columns that tell more of them.
    Files(Vec<String>, Option<&'static str>, Vec<(More, String)>),
    /// Numbers for values, and the one for all others.
    Table(Of, Vec<(String, u8)>, u8),
    /// 1 where this column has something, else 3: a chat of two, or a group.
    Filled(String),
    /// The same for every message.
    Constant(u8),
}

impl Rule {
    /// A column as it is.
    pub fn of_column(name: &str) -> Self {
        Self::Value(Of::Column(name.to_owned()))
    }

    /// The column that it reads.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Value(Of::Column(column))
            | Self::Pair(Of::Column(column), _)
            | Self::Table(Of::Column(column), ..)
            | Self::Time(column, _)
            | Self::Html(column, _)
            | Self::Filled(column) => Some(column),
            Self::Files(columns, ..) => columns.first().map(String::as_str),
            Self::Value(_)
            | Self::Pair(..)
            | Self::Table(..)
            | Self::Ends(..)
            | Self::Members(..)
            | Self::Constant(_) => None,
        }
    }

    /// Whether it reads that column, or what stands in it.
    pub(super) fn reads(&self, name: &str) -> bool {
        if let Self::Ends(own, other) = self {
            return [own, other].into_iter().any(|column| column == name);
        }
        let Self::Files(columns, _, with) = self else { return self.column() == Some(name) };
        let within = |column: &String| {
            name.strip_prefix(column.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        columns.iter().any(within) || with.iter().any(|(_, column)| column == name)
    }

    /// As TOML.
    pub(super) fn value(&self) -> Value {
        let number = |n: &u8| Value::from(i64::from(*n));
        match self {
            Self::Value(Of::Column(column)) => string(column),
            Self::Value(of) => inline([of.pair()]),
            Self::Pair(of, between) => inline([of.pair(), ("pair", string(between))]),
            Self::Ends(own, other) => inline([
                ("column", strings([own.as_str(), other.as_str()])),
                ("join", string(BETWEEN)),
                ("pair", string(BETWEEN)),
            ]),
            Self::Members(name, key) => inline([("inherited", string(name)), ("members", string(key))]),
            Self::Time(column, how) => inline([("column", string(column)), ("time", string(how))]),
            Self::Html(column, words) => inline([("column", string(column)), ("html", (*words).into())]),
            Self::Files(columns, split, with) => {
                let column = match &columns[..] {
                    [one] if split.is_none() && with.is_empty() => return string(one),
                    [one] => string(one),
                    several => strings(several.iter().map(String::as_str)),
                };
                let with = inline(with.iter().map(|(more, column)| (more.name(), string(column))));
                let has_more = with.as_inline_table().is_some_and(|with| !with.is_empty());
                let split = split.map(|split| ("split", string(split)));
                let with = has_more.then_some(("with", with));
                inline([("column", column)].into_iter().chain(split).chain(with))
            }
            Self::Table(of, table, default) => {
                let table = inline(table.iter().map(|(value, n)| (value.as_str(), number(n))));
                inline([of.pair(), ("table", table), ("default", number(default))])
            }
            Self::Filled(column) => {
                inline([("column", string(column)), ("filled", number(&1)), ("default", number(&3))])
            }
            Self::Constant(n) => inline([("constant", number(n))]),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value().to_string().trim())
    }
}

/// Which records a rule of `[[mapping.leave_out]]` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Whose column is one of these.
    Is(Vec<String>),
    /// Whose column is not this.
    Not(String),
    /// Whose column is empty.
    Empty,
    /// Whose column is not empty.
    Filled,
}

impl Condition {
    /// Key and value.
    pub(super) fn value(&self) -> (&'static str, Value) {
        match self {
            Self::Is(values) => ("is", strings(values.iter().map(String::as_str))),
            Self::Not(value) => ("not", string(value)),
            Self::Empty => ("empty", true.into()),
            Self::Filled => ("empty", false.into()),
        }
    }
}
