//! What is found about an export or a server before anything is sent: the shape all findings share.
//!
//! The codes themselves live where they are found (`mapping`, `checks`, `before`); each is a constant
//! [`Code`] so that its severity and its remedy stand in one place.

use crate::message::Place;
use crate::visible::visible;

/// A kind of finding. Its `name` is stable: scripts and documentation rely on it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// Kebab-case, stable for ever: `time-in-seconds`.
    pub name: &'static str,
    /// Whether it stops the run.
    pub severity: Severity,
    /// What it means, one lower-case clause: `the time looks like seconds, not milliseconds`.
    pub means: &'static str,
    /// How to mend it: a command, a setting, or what to change in the export.
    pub mend: &'static str,
}

/// Whether a finding stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The message can't be sent, or the run must not start.
    Error,
    /// It can be sent, and something is worth knowing.
    Warning,
}

/// One finding about one place of the source.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its kind.
    pub code: &'static Code,
    /// Where; `None` for findings about a whole source or a server.
    pub place: Option<Place>,
    /// The offending value or what was seen, shortened by [`shorten`]; never a secret.
    pub value: String,
}

impl Finding {
    /// A finding about a place; the value is shortened.
    pub fn new(code: &'static Code, place: Place, value: &str) -> Self {
        Self { code, place: Some(place), value: shorten(value) }
    }
}

/// Text for a message: at most 120 characters, as [`visible`] shows it, tokens of Slack (`xoxe-…`) cut off:
/// links in exports hold them, and what can't be read is shown as it stands there.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    let mut out = String::new();
    let (mut shown, mut rest) = (0, text);
    while let Some(c) = rest.chars().next() {
        if shown == MOST {
            out.push('…');
            break;
        }
        if let Some(token) = token(rest) {
            out += "xox…";
            rest = &rest[token..];
            continue;
        }
        shown += 1;
        rest = &rest[c.len_utf8()..];
        out.push_str(&visible(c.encode_utf8(&mut [0; 4])));
    }
    out
}

/// Length of a token of Slack at the beginning of a text: `xoxb-`, `xoxe.xoxp-` and their kin.
fn token(text: &str) -> Option<usize> {
    let kind = text.strip_prefix("xox")?;
    let is_token = kind.starts_with(|c: char| c.is_ascii_lowercase()) && kind[1..].starts_with(['-', '.']);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')));
    is_token.then(|| end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_escaped() {
        assert_eq!(shorten("a\nb"), "a\\nb");
        assert_eq!(shorten(&"é".repeat(121)), format!("{}…", "é".repeat(120)));
        assert_eq!(shorten(&"é".repeat(120)), "é".repeat(120));
    }

    #[test]
    fn tokens_are_not_shown() {
        assert_eq!(shorten("https://x/?t=xoxe-1-ab_c&y xoxb-2 xoxo"), "https://x/?t=xox…&y xox… xoxo");
        assert_eq!(shorten("xoxe.xoxp-1-abc"), "xox…");
        assert_eq!(shorten("xox"), "xox");
        assert_eq!(shorten("xoxé-"), "xoxé-");
    }
}
