//! Where the records are in a JSON document: `chats.list[].messages[]`.

use std::fmt;

/// Where the records are in a JSON document.
///
/// Keys with a dot between; `[]` stands for every element of a list, `*` for every member of an object; a key
/// with special characters is written in quotes: `"a.b".messages[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPath(pub(super) Vec<Step>);

/// One step on the way to the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of that name.
    Key(String),
    /// Every member.
    AnyKey,
    /// Every element.
    Each,
}

impl RecordPath {
    /// Reads a path; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[]") {
                steps.push(Step::Each);
                rest = after.strip_prefix('.').unwrap_or(after);
                continue;
            }
            let key;
            (key, rest) = if let Some(quoted) = rest.strip_prefix('"') {
                let (key, after) = quoted.split_once('"').ok_or("a quote is never closed")?;
                (key, after)
            } else {
                rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()))
            };
            match key {
                "" => return Err("a key is missing between two dots".to_owned()),
                "*" => steps.push(Step::AnyKey),
                key => steps.push(Step::Key(key.to_owned())),
            }
            match rest.strip_prefix('.') {
                Some("") => return Err("it ends with a dot".to_owned()),
                Some(after) => rest = after,
                None if rest.is_empty() || rest.starts_with("[]") => {}
                None => return Err("`[` must be followed by `]`: every element counts".to_owned()),
            }
        }
        if steps.len() > 32 {
            return Err("it has more than 32 steps".to_owned());
        }
        Ok(Self(steps))
    }
}

impl fmt::Display for RecordPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            if n > 0 && *step != Step::Each {
                f.write_str(".")?;
            }
            match step {
                Step::Key(key) if key.contains(['.', '[', '"']) => write!(f, "\"{key}\"")?,
                Step::Key(key) => f.write_str(key)?,
                Step::AnyKey => f.write_str("*")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}
