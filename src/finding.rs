//! What is found about an export or a server before anything is sent: the shape all findings share.
//!
//! The codes themselves live where they are found (`mapping`, `checks`, `before`); each is a constant
//! [`Code`] so that its severity and its remedy stand in one place.

use crate::message::Place;

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

/// Text for a message: at most 120 characters, control characters escaped.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MOST {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
