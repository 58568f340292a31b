//! Names of objects: which are taken, and how they stand in addresses.

use crate::answer::Refusal;
use crate::api::Caller;
use crate::shared::Shared;

/// Longest name, bytes.
const LONGEST: usize = 1024;

/// Whether the caller may write that name.
pub(super) fn check(shared: &Shared, caller: &Caller<'_>, name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::args("name is empty"));
    }
    if name.starts_with('/') {
        return Err(Refusal::args("name cannot start with `/`"));
    }
    if name.trim().is_empty() {
        return Err(Refusal::args("object name cannot be empty"));
    }
    if name.len() > LONGEST {
        return Err(Refusal::args("object name cannot be longer than 1024 characters"));
    }
    let user = &caller.claims.user;
    if *user != shared.options.admin && !name.starts_with(&format!("{user}/")) {
        return Err(Refusal::no_permission(format!("name must start with `{user}/`")));
    }
    Ok(())
}

/// The last part of a path, as Go's `path.Base` takes it.
pub(super) fn base(name: &str) -> &str {
    let name = name.trim_end_matches('/');
    if name.is_empty() { "/" } else { name.rsplit('/').next().unwrap_or(name) }
}

/// As a part of a path: Go's `url.PathEscape`.
pub(super) fn path_escaped(text: &str) -> String {
    escaped(text, b"-_.~$&+:=@")
}

/// As a value of a query, with `%20` for a blank.
pub(super) fn query_escaped(text: &str) -> String {
    escaped(text, b"-_.~")
}

fn escaped(text: &str, kept: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// What escapes come to that are none, or that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoText;

/// Undoes `%41`.
pub(super) fn unescaped(text: &str) -> Result<String, NoText> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let code = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
            let Some(code) = code.and_then(|two| u8::from_str_radix(two, 16).ok()) else {
                return Err(NoText);
            };
            out.push(code);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|_| NoText)
}

/// The pairs of a query.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |text: &str| unescaped(&text.replace('+', " ")).unwrap_or_default();
            (plain(key), plain(value))
        })
        .collect()
}
