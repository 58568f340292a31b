//! Text of somebody else where people look: what a terminal, a browser or a reader would obey is made visible.
//!
//! An export names its files, columns and people as it likes. An escape sequence in such a name moves the cursor,
//! a bidi mark turns the rest of the line around, a line break makes a line of its own that looks like one of ours.

use std::borrow::Cow;

/// A text for one line: control characters, line breaks and marks that change how the rest is shown become
/// escapes such as `\n`, `\u{1b}` and `\u{202e}`. Joiners stay, which letters and emoji are made with.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// A text of several lines: the same, and its line breaks and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !matches!(c, '\n' | '\t') && acts(c))
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&acts) else { return Cow::Borrowed(text) };
    let (before, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(before);
    for c in rest.chars() {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// JSON in which nothing acts on a terminal either: the same value, other characters escaped.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    // Outside its strings JSON has line breaks, tabs and nothing else that acts; inside, these are escaped already.
    let acts = |c: char| !matches!(c, '\n' | '\r' | '\t') && acts(c);
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let code = format!("\\u{unit:04x}");
                out.push_str(&code);
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A cell for a table that people open in a spreadsheet: what it would take for a formula gets a `'` in front.
/// [`cell_as_it_was`] takes it off again.
pub fn cell(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What stood in a cell before [`cell`].
pub fn cell_as_it_was(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

/// How formulas begin; the wide ones count where people write Chinese or Japanese.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// Whether a character does something instead of being seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_seen() {
        for (text, seen) in [
            ("plain, ü, 你好, 👩‍👩‍👧, می‌خواهم", "plain, ü, 你好, 👩‍👩‍👧, می‌خواهم"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb\tc\0", "a\\r\\nb\\tc\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("invoice\u{202e}gpj.exe", "invoice\\u{202e}gpj.exe"),
            ("\u{feff}\u{2066}\u{2029}", "\\u{feff}\\u{2066}\\u{2029}"),
        ] {
            assert_eq!(visible(text), seen);
        }
        assert_eq!(visible_lines("a\n\tb\r\u{1b}"), "a\n\tb\\r\\u{1b}");
    }

    #[test]
    fn json_stays_the_same_value() {
        let json = "{\"a\":\"x\u{202e}y\u{e0041}\u{9b}\"}\n";
        let shown = visible_json(json);
        assert_eq!(shown, "{\"a\":\"x\\u202ey\\udb40\\udc41\\u009b\"}\n");
    }

    #[test]
    fn cells_come_back_as_they_were() {
        for text in [
            "", "a", "=1+1", "+49 30", "-5", "@ann", "'=1", "''@", "'quoted'", "\t=x", "'", "＝1+1", "\n=1",
            "'＠x",
        ] {
            let written = cell(text);
            assert!(!written.starts_with(FORMULA), "{written}");
            assert_eq!(cell_as_it_was(&written), text);
        }
    }

    #[test]
    fn no_character_that_acts_is_left() {
        for c in ('\0'..=char::MAX).filter(|c| acts(*c)) {
            assert!(visible(&c.to_string()).is_ascii(), "{c:?}");
        }
    }
}
