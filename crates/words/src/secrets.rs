//! The secrets in use, and the one function that takes them out of what is shown, logged or written.
//!
//! A server that we log in to knows our secret, and may say it back in any form: as it is, as JSON, in an address, in
//! base64. So every form is known from the moment that a secret is, and whatever goes to people passes
//! [`without`].

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// What stands where a secret was.
pub const HIDDEN: &str = "<secret>";

/// Shorter ones are found in every text, and no secret.
const SHORTEST: usize = 4;

static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// From now on this is not shown, in no form.
pub fn hide(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms(secret) {
        if form.len() >= SHORTEST && !known.contains(&form) {
            known.push(form);
        }
    }
    // The longest first: a form may be a part of another.
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// From now on user, password and what stands behind `?` in this address are not shown.
pub fn hide_parts(address: &str) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if let Some((user, _)) = rest.rsplit_once('@') {
        hide(user);
        if let Some((_, password)) = user.split_once(':') {
            hide(password);
            hide(&percent_decoded(password));
        }
    }
    for value in query.split(['&', '#']).filter_map(|pair| pair.split_once('=')) {
        hide(value.1);
        hide(&percent_decoded(value.1));
    }
}

/// The text without any secret in use.
pub fn without(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    // As in every answer without an error.
    if text.is_empty() {
        return text;
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if known.is_empty() {
        return text;
    }
    // Letters keep their length: positions are the same in both.
    let mut lower = text.to_ascii_lowercase();
    for form in known.iter() {
        // Most answers are shorter than most forms, and a search is expensive to begin.
        if form.len() > lower.len() {
            continue;
        }
        let mut from = 0;
        while let Some(at) = lower[from..].find(form.as_str()).map(|at| from + at) {
            text.to_mut().replace_range(at..at + form.len(), HIDDEN);
            lower.replace_range(at..at + form.len(), HIDDEN);
            from = at + HIDDEN.len();
        }
    }
    text
}

/// All ways to write a secret, in small letters.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|b| hex_of(*b)).collect();
    let units = secret.encode_utf16().flat_map(u16::to_be_bytes);
    let unicode: String = units
        .enumerate()
        .flat_map(|(n, b)| [if n % 2 == 0 { "\\u" } else { "" }.to_owned(), hex_of(b)])
        .collect();
    let percent = |plain: fn(&u8) -> bool| -> String {
        bytes
            .iter()
            .map(|b| if plain(b) { char::from(*b).to_string() } else { format!("%{b:02x}") })
            .collect()
    };
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let mut forms = vec![
        secret.to_owned(),
        secret.escape_default().to_string(),
        secret.escape_debug().to_string(),
        secret.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"),
        secret.replace('\\', "\\\\").replace('"', "\\\""),
        percent(u8::is_ascii_alphanumeric),
        percent(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(b)),
        percent(|b| b.is_ascii_alphanumeric() || b"-_.~!*'();:@&=+$,/?".contains(b)),
        percent(|_| false),
        percent(|b| b.is_ascii_alphanumeric() || b"-_.~ ".contains(b)).replace(' ', "+"),
        html,
        hex,
        unicode,
        secret.chars().rev().collect(),
    ];
    forms.extend((0..3).flat_map(|before| base64(bytes, before)));
    for form in &mut forms {
        form.make_ascii_lowercase();
    }
    forms
}

/// What all base64 of texts have in common that hold this one behind `before` (mod 3) other bytes: in the usual
/// alphabet and in that of addresses.
fn base64(bytes: &[u8], before: usize) -> [String; 2] {
    const USUAL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1)).collect();
    // The first whole sextet that has only bits of ours.
    let skip = (6 - before * 8 % 6) % 6;
    let text: String = bits
        .get(skip..)
        .unwrap_or_default()
        .chunks_exact(6)
        .map(|sextet| char::from(USUAL[sextet.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))]))
        .collect();
    [text.replace('+', "-").replace('/', "_"), text]
}

fn hex_of(b: u8) -> String {
    [hex_digit(b >> 4), hex_digit(b & 15)].iter().collect()
}

fn hex_digit(n: u8) -> char {
    char::from_digit(u32::from(n), 16).unwrap_or('0')
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_same_behind_anything() {
        // "a:opensesame!", "ab:…", "abc:…" in base64.
        for (text, before) in
            [("YTpvcGVuc2VzYW1lIQ==", 2), ("YWI6b3BlbnNlc2FtZSE=", 0), ("YWJjOm9wZW5zZXNhbWUh", 1)]
        {
            let [url, usual] = base64(b"opensesame!", before);
            assert!(text.contains(&usual) && usual.len() >= 12, "{usual}");
            assert_eq!(url, usual);
        }
    }

    #[test]
    fn parts_of_addresses() {
        hide_parts("http://mary:pass%77ord-1@proxy:3128/?key=k-12345&x=1");
        let said = without("proxy pass%77ord-1, password-1 and K-12345 at proxy:3128");
        assert_eq!(said, "proxy <secret>, <secret> and <secret> at proxy:3128");
    }

    #[test]
    fn short_ones_would_hide_everything() {
        hide("ab");
        assert_eq!(without("ab"), "ab");
    }
}
