//! Picks what a mapping needs out of records: columns of a row, values in a JSON object, inherited values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::Name;
use super::records::{Record, Row};
use super::value::Value;
use crate::export::{Context, Table};

/// All that a mapping picks, each under a number.
#[derive(Debug, Default)]
pub(super) struct Picks {
    wanted: Vec<Wanted>,
    tree: Node,
}

/// Something picked from a record or from what it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Column(String),
    Inherited(String),
}

/// What was picked from one record, by number.
#[derive(Debug)]
pub(super) struct Picked<'r> {
    pub(super) values: Vec<Option<Value<'r>>>,
    /// A text had half a character in it.
    pub(super) halves: bool,
}

/// The picks of one CSV or of one chunk: where each of them is.
pub(super) struct Located<'c> {
    /// Columns by position; `None` where the file has no such column.
    columns: Vec<Option<usize>>,
    inherited: Vec<Option<&'c str>>,
}

/// What a step of a path leads to.
#[derive(Debug, Default)]
struct Node {
    /// The number of the pick that ends here.
    pick: Option<usize>,
    keys: Vec<(String, Node)>,
}

impl Picks {
    /// The number of a pick; the same for equal ones.
    pub(super) fn want(&mut self, wanted: Wanted) -> usize {
        if let Some(n) = self.wanted.iter().position(|w| *w == wanted) {
            return n;
        }
        let n = self.wanted.len();
        if let Wanted::Column(column) = &wanted {
            let mut node = &mut self.tree;
            for step in steps(column) {
                let at = node.keys.iter().position(|(key, _)| *key == step).unwrap_or_else(|| {
                    node.keys.push((step, Node::default()));
                    node.keys.len() - 1
                });
                node = &mut node.keys[at].1;
            }
            node.pick = Some(n);
        }
        self.wanted.push(wanted);
        n
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Finds the picks in what a chunk has in common.
    pub(super) fn locate<'c>(&self, context: &'c Context) -> Located<'c> {
        let position = |column: &str| context.table.as_ref().and_then(|table| table.position(column));
        Located {
            columns: self
                .wanted
                .iter()
                .map(|w| if let Wanted::Column(c) = w { position(c) } else { None })
                .collect(),
            inherited: self
                .wanted
                .iter()
                .map(|w| if let Wanted::Inherited(name) = w { context.value(name) } else { None })
                .collect(),
        }
    }

    /// The first column that the table lacks.
    pub(super) fn missing(&self, table: &Table) -> Option<&str> {
        self.wanted.iter().find_map(|wanted| match wanted {
            Wanted::Column(column) if table.position(column).is_none() => Some(column.as_str()),
            _ => None,
        })
    }

    /// Picks from one record.
    ///
    /// # Errors
    /// Text that is no JSON object.
    pub(super) fn pick<'r>(
        &self,
        located: &Located<'r>,
        record: Record<'r>,
    ) -> Result<Picked<'r>, serde_json::Error> {
        let inherited = located.inherited.iter().map(|value| value.map(|text| Value::Text(text.into())));
        let mut picked = Picked { values: inherited.collect(), halves: false };
        match record {
            // Nobody asks: then nobody needs to know whether it is JSON either.
            Record::Json(_) if self.tree.keys.is_empty() => {}
            Record::Row(row) => located.cells(row, &mut picked.values),
            Record::Json(text) => {
                let mut deserializer = serde_json::Deserializer::from_str(text);
                deserializer.deserialize_any(Members { node: &self.tree, picked: &mut picked })?;
                deserializer.end()?;
            }
        }
        Ok(picked)
    }
}

impl Located<'_> {
    fn cells<'r>(&self, row: Row<'r>, found: &mut [Option<Value<'r>>]) {
        for (value, column) in found.iter_mut().zip(&self.columns) {
            if let Some(cell) = column.and_then(|n| row.cell(n)) {
                *value = Some(Value::Text(Cow::Borrowed(cell)));
            }
        }
    }
}

/// `author.id`, `files[0].url`, `"a.b".c`: the steps of a path. An element of a list is called by its number.
/// What is no path (`Amount [USD]`) is one name.
fn steps(path: &str) -> Vec<String> {
    try_steps(path).unwrap_or_else(|| vec![path.to_owned()])
}

fn try_steps(path: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        if let Some(quoted) = rest.strip_prefix('"')
            && let Some((key, after)) = quoted.split_once('"')
        {
            steps.push(key.to_owned());
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']')?;
            number.parse::<usize>().ok()?;
            steps.push(number.to_owned());
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        if rest.is_empty() {
            return Some(steps);
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
}

/// Walks an object or a list along the tree.
struct Members<'w, 'r> {
    node: &'w Node,
    picked: &'w mut Picked<'r>,
}

impl<'r> Members<'_, 'r> {
    fn next(&mut self, at: Option<usize>) -> Option<Members<'_, 'r>> {
        let node = &self.node.keys[at?].1;
        Some(Members { node, picked: self.picked })
    }

    /// Of a value that is picked itself, and may have picks inside.
    fn raw(self, raw: &'r RawValue) {
        if let Some(n) = self.node.pick {
            self.picked.values[n] = Value::from_json(raw.get(), &mut self.picked.halves);
        }
        if !self.node.keys.is_empty() && raw.get().starts_with(['{', '[']) {
            let mut inner = serde_json::Deserializer::from_str(raw.get());
            let inside = Members { node: self.node, picked: &mut *self.picked };
            // It was read as JSON before; only a key with half a character can still fail.
            self.picked.halves |= inner.deserialize_any(inside).is_err();
        }
    }
}

impl<'r> Visitor<'r> for Members<'_, 'r> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'r>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(key)) = map.next_key()? {
            let at = self.node.keys.iter().position(|(name, _)| *name == key);
            match self.next(at) {
                Some(next) => map.next_value_seed(next)?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'r>>(mut self, mut list: A) -> Result<(), A::Error> {
        for n in 0.. {
            let at = self.node.keys.iter().position(|(name, _)| name.parse() == Ok(n));
            let more = match self.next(at) {
                Some(next) => list.next_element_seed(next)?.is_some(),
                None => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

impl<'r> DeserializeSeed<'r> for Members<'_, 'r> {
    type Value = ();

    fn deserialize<D: Deserializer<'r>>(self, deserializer: D) -> Result<(), D::Error> {
        let raw = <&'r RawValue as serde::Deserialize>::deserialize(deserializer)?;
        self.raw(raw);
        Ok(())
    }
}
