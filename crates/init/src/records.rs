//! Records into a [`Table`], whatever they are: rows as they are, objects by the paths of their keys.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::step;
use super::table::Table;
use crate::export::Chunk;
use crate::finding::Finding;
use crate::mapping::{Record, Sink, each};
use crate::message::{Message, Place};

/// Deeper values are left to jq.
const DEPTH: usize = 4;
/// Elements of a list that are looked at.
const ELEMENTS: usize = 2;

/// Looks at every record of a chunk; `only`: those that have this value in this column.
pub(super) fn add(table: &mut Table, chunk: &Chunk, only: Option<(&str, &str)>) {
    table.begin_chunk();
    for (name, value) in &chunk.context.values {
        table.inherit(name, value);
    }
    let mut values: Vec<(String, String)> = Vec::new();
    each(chunk, &mut Nothing, &mut |_, record, _| match record {
        Record::Row(row) => {
            let cells =
                || row.table.columns.iter().zip(0..).map(|(name, n)| (name, row.cell(n).unwrap_or_default()));
            if only
                .is_none_or(|(column, wanted)| cells().any(|(name, value)| name == column && value == wanted))
            {
                cells().for_each(|(name, value)| table.value(name, value));
                table.end_record();
            }
        }
        Record::Json(text) => {
            values.clear();
            let flat = Flat { values: &mut values, path: &mut String::new(), depth: 0 };
            // What is broken is a finding of the check.
            let whole = flat.deserialize(&mut serde_json::Deserializer::from_str(text)).is_ok();
            let wanted =
                only.is_none_or(|(column, wanted)| values.iter().any(|(n, v)| n == column && v == wanted));
            if whole && wanted {
                for (name, value) in &values {
                    table.value(name, value);
                }
                table.end_record();
            }
        }
    });
}

/// The text of every JSON record of a chunk.
pub(super) fn texts(chunk: &Chunk, take: &mut dyn FnMut(&str)) {
    each(chunk, &mut Nothing, &mut |_, record, _| {
        if let Record::Json(text) = record {
            take(text);
        }
    });
}

/// Findings are the check's affair.
struct Nothing;

impl Sink for Nothing {
    fn message(&mut self, _: Message<'_>) {}
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, _: Finding) {}
}

/// Collects every scalar under its path.
struct Flat<'t> {
    values: &'t mut Vec<(String, String)>,
    path: &'t mut String,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Flat<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Flat<'_> {
    fn scalar(self, value: &str) {
        if !self.path.is_empty() {
            self.values.push((self.path.clone(), value.to_owned()));
        }
    }

    /// Goes one step down and comes back.
    fn down<T>(&mut self, step: &str, dot: bool, go: impl FnOnce(Flat<'_>) -> T) -> T {
        let length = self.path.len();
        if dot && length > 0 {
            self.path.push('.');
        }
        self.path.push_str(step);
        let result = go(Flat { values: self.values, path: self.path, depth: self.depth + 1 });
        self.path.truncate(length);
        result
    }
}

impl<'de> Visitor<'de> for Flat<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.scalar(text);
        Ok(())
    }

    fn visit_u64<E>(self, n: u64) -> Result<(), E> {
        self.scalar(&n.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, n: i64) -> Result<(), E> {
        self.scalar(&n.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, n: f64) -> Result<(), E> {
        self.scalar(&n.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, yes: bool) -> Result<(), E> {
        self.scalar(if yes { "true" } else { "false" });
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for n in 0..ELEMENTS {
            if self.depth >= DEPTH {
                break;
            }
            if self.down(&format!("[{n}]"), false, |flat| list.next_element_seed(flat))?.is_none() {
                return Ok(());
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.depth >= DEPTH {
                map.next_value::<IgnoredAny>()?;
            } else {
                self.down(&step(&key), true, |flat| map.next_value_seed(flat))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::export::{Reader, Settings};
    use crate::message::SourceNo;

    pub(crate) fn table(name: &str, text: &str) -> Table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs_err::write(&path, text).unwrap();
        let sources = [path.to_string_lossy().into_owned()];
        let mut reader = Reader::open(&Settings::default(), &sources, SourceNo(0)).unwrap();
        let mut table = Table::default();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            add(&mut table, &chunk, None);
        }
        table
    }

    fn names(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn rows_and_objects() {
        let rows = table("a.csv", "id,User Name\n1,ann\n2,\n");
        assert_eq!((names(&rows), rows.records), (vec!["id", "User Name"], 2));
        assert_eq!(rows.columns[1].filled, 1);
        let text = r#"{"id":12345678901234567890,"from":{"id":"a","a.b":1},"files":[{"url":"u"},{},{"url":"v"}],"deep":{"a":{"b":{"c":{"d":{"e":1}}}}},"no":null}
            broken
            {"id":2,"yes":true}"#;
        let objects = table("a.jsonl", text);
        assert_eq!(names(&objects), ["id", "from.id", "from.\"a.b\"", "files[0].url", "yes"]);
        assert_eq!(objects.columns[0].examples, ["12345678901234567890", "2"]);
        assert_eq!(objects.records, 2);
        assert_eq!(objects.inherited[2].examples, ["a"], "{:?}", objects.inherited);
    }
}
