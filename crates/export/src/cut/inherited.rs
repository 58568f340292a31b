//! What records inherit from the objects around them, as names and texts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The longest value that is inherited.
pub(super) const MAX_INHERITED: usize = 64 << 10;

/// The most values that are inherited at a time: objects around records say who and where, not what was said.
const MOST: usize = 1000;

/// What records inherit, in the order in which the document says it.
#[derive(Default)]
pub(super) struct Inherited {
    values: Vec<(String, String)>,
    changed: bool,
}

impl Inherited {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// All of them.
    pub(super) fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// Whether they changed since the last time this was asked.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Forgets all but the first `len`: an object was closed.
    pub(super) fn truncate(&mut self, len: usize) {
        self.changed |= len < self.values.len();
        self.values.truncate(len);
    }

    /// Adds a key that `*` stands for; of several that led to records themselves the last one counts.
    pub(super) fn key(&mut self, name: &str, key: String) {
        self.values.pop_if(|(last, _)| last == name);
        self.push(name, key);
    }

    /// Adds a value: a scalar under its name, an object as its members (`channel.id`), a list as its JSON
    /// text. `null` is no value.
    pub(super) fn add(&mut self, name: &str, json: &[u8]) {
        if let Ok(text) = std::str::from_utf8(json) {
            self.flatten(name, text, 0);
        }
    }

    fn flatten(&mut self, name: &str, text: &str, depth: usize) {
        match text.as_bytes().first() {
            Some(b'{') if depth < 8 => {
                let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else { return };
                for (key, value) in members {
                    self.flatten(&format!("{name}.{key}"), value.get(), depth + 1);
                }
            }
            Some(b'"') => {
                if let Ok(text) = serde_json::from_str::<String>(text) {
                    self.push(name, text);
                }
            }
            Some(b'n') | None => {}
            Some(_) => {
                if serde_json::from_str::<&RawValue>(text).is_ok() {
                    self.push(name, text.to_owned());
                }
            }
        }
    }

    fn push(&mut self, name: &str, value: String) {
        if self.values.len() < MOST {
            self.values.push((name.to_owned(), value));
            self.changed = true;
        }
    }
}
