//! The secrets in use, and the one function that takes them out of what is shown, logged or written.
//!
//! A server that we log in to knows our secret, and may say it back in any form: as it is, as JSON, in an address, in
//! base64, by numbers, a letter a line. So a text is read in each way in which it can be written, and whatever goes to people
//! passes [`without`].

mod look;
mod read;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use look::Secret;

/// What stands where a secret was.
pub const HIDDEN: &str = "<secret>";

/// Shorter ones are found in every text, and no secret.
const SHORTEST: usize = 4;

static KNOWN: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

/// From now on this is not shown, in no form.
pub fn hide(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !known.iter().any(|known| known.is(secret)) {
        known.push(Secret::new(secret));
    }
}

/// From now on user, password and what stands behind `?` in this address are not shown.
pub fn hide_parts(address: &str) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if let Some((user, _)) = rest.rsplit_once('@') {
        hide(user);
        if let Some((_, password)) = user.split_once(':') {
            hide(password);
            hide(&read::decoded(password));
        }
    }
    for value in query.split(['&', '#']).filter_map(|pair| pair.split_once('=')) {
        hide(value.1);
        hide(&read::decoded(value.1));
    }
}

/// The text without any secret in use.
pub fn without(text: &str) -> Cow<'_, str> {
    // As in every answer without an error.
    if text.is_empty() {
        return Cow::Borrowed(text);
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if known.is_empty() {
        return Cow::Borrowed(text);
    }
    replaced(text, look::find(text, &known))
}

/// The text with [`HIDDEN`] in place of these parts of it, which may overlap.
fn replaced(text: &str, mut parts: Vec<Range<usize>>) -> Cow<'_, str> {
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    parts.sort_by_key(|part| (part.start, part.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for part in parts {
        if part.end <= at {
            continue;
        }
        // Two that overlap are one.
        if part.start >= at {
            out.push_str(&text[at..part.start]);
            out.push_str(HIDDEN);
        }
        at = part.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
