//! What enclosing objects say, as names and texts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Adds a value of an enclosing object: a scalar under its name, an object as its members (`channel.id`), a
/// list as its JSON text. `null` is no value.
pub(super) fn flatten(name: &str, json: &[u8], out: &mut Vec<(String, String)>) {
    let Ok(text) = std::str::from_utf8(json) else {
        return;
    };
    add(name, text, 0, out);
}

fn add(name: &str, text: &str, depth: usize, out: &mut Vec<(String, String)>) {
    let value = match text.as_bytes().first() {
        None => return,
        Some(b'"') => serde_json::from_str::<String>(text).ok(),
        Some(b'{') if depth < 8 => {
            let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else {
                return;
            };
            for (key, value) in members {
                add(&format!("{name}.{key}"), value.get(), depth + 1, out);
            }
            return;
        }
        Some(b'n') => None,
        Some(_) => serde_json::from_str::<&RawValue>(text).ok().map(|raw| raw.get().to_owned()),
    };
    if let Some(value) = value {
        out.push((name.to_owned(), value));
    }
}
