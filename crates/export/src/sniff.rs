//! The format of a file, told from its first bytes and its name.

use super::json::{Skip, Skipped};
use super::settings::Format;

/// The format of a file. JSON begins with a bracket; whether it is one object a line shows in the first line.
/// Everything else is a CSV.
pub(super) fn sniff(name: &str, head: &[u8]) -> Format {
    let Some(first) = head.iter().position(|b| !b.is_ascii_whitespace() && *b != 0) else {
        return Format::Jsonl;
    };
    let name = name.to_ascii_lowercase();
    let lines = [".jsonl", ".ndjson"].iter().any(|ending| name.contains(ending));
    match head[first] {
        b'{' | b'[' if lines => Format::Jsonl,
        b'[' => Format::Json,
        b'{' => match Skip::default().piece(&head[first..]) {
            // Whole in the first line: one object a line, with a comma behind it or not.
            Skipped::At(len) => {
                let object = &head[first..first + len];
                let rest = &head[first + len..];
                let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
                let alone = line.iter().all(|b| b.is_ascii_whitespace() || *b == b',');
                if alone && !object.contains(&b'\n') { Format::Jsonl } else { Format::Json }
            }
            // Longer than what can be looked at: a line that long is rarer than a document.
            Skipped::Open => Format::Json,
        },
        // A comment line of JSONL formats that have them, or the beginning of a broken file.
        _ if lines => Format::Jsonl,
        _ => Format::Csv,
    }
}
