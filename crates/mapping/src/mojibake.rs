//! UTF-8 that somebody read as Latin-1 or Windows-1252 and wrote again: `cafÃ©`, `itâ€™s`. Found and mended character by
//! character, because sound ones stand beside: `“cafÃ©”`, an answer from a broken program that quotes a sound one.

mod sure;
#[cfg(test)]
mod tests;

/// What Windows-1252 has from 0x80 on; the five it lacks are the control characters of Latin-1.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// What a text is, as far as characters that were read wrongly are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing in it could have been read wrongly.
    Plain,
    /// It has letters such as `é` that are what they look like.
    Right,
    /// It was read wrongly; this was meant.
    Wrong(String),
    /// Some of it was read wrongly, beside letters that are what they look like; this was meant.
    Mixed(String),
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// A character that is what it looks like: Latin-1 has none such, or it is ASCII.
    Other(char),
    /// One that Latin-1 or Windows-1252 has above ASCII, and that can't have been read wrongly.
    Sound(char),
    /// Characters of Latin-1, or Windows-1252, whose bytes are one of UTF-8.
    Sequence {
        /// What they look like; the rest is NUL.
        shown: [char; 4],
        /// What the bytes mean.
        meant: char,
    },
}

/// Looks whether a text was read wrongly. `Ã©` hardly ever stands in words of any language, but `É»` does at the end of a
/// quotation, and `à …` at the end of a sentence. So it counts whether a letter with these signs behind it could have been
/// written. Where something can't, and nothing in the text is surely sound, all was read wrongly: by one program at one time.
pub fn read(text: &str) -> Reading {
    if text.is_ascii() {
        return Reading::Plain;
    }
    if !has_lead(text) {
        let letters = text.chars().any(|c| !c.is_ascii() && byte_of(c).is_some());
        return if letters { Reading::Right } else { Reading::Plain };
    }
    let parts = parts(text);
    let is_sequence = |part: &Part| matches!(part, Part::Sequence { .. });
    let mut wrong = sure::wrong(&parts);
    let mut right = parts.iter().any(|part| matches!(part, Part::Sound(_)));
    if !wrong.contains(&true) {
        let doubtful = right || parts.iter().any(is_sequence);
        return if doubtful { Reading::Right } else { Reading::Plain };
    }
    if !right {
        wrong = parts.iter().map(is_sequence).collect();
    }
    let mut out = String::with_capacity(text.len());
    for (part, wrong) in parts.iter().zip(wrong) {
        match part {
            Part::Other(c) | Part::Sound(c) => out.push(*c),
            Part::Sequence { meant, .. } if wrong => out.push(*meant),
            Part::Sequence { shown, .. } => {
                right = true;
                out.extend(shown.iter().filter(|c| **c != '\0'));
            }
        }
    }
    if right { Reading::Mixed(out) } else { Reading::Wrong(out) }
}

/// What was meant, where some of a text was read wrongly.
pub fn meant(text: &str) -> Option<String> {
    match read(text) {
        Reading::Wrong(meant) | Reading::Mixed(meant) => Some(meant),
        Reading::Plain | Reading::Right => None,
    }
}

/// The first word that was read wrongly, and what was meant by it.
pub fn first_word<'t>(text: &'t str, meant: &str) -> (&'t str, String) {
    let words = || text.split_inclusive([' ', '\n']);
    let found = words().map(str::trim_end).find_map(|word| Some((word, self::meant(word)?)));
    found.unwrap_or_else(|| (text, meant.to_owned()))
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        parts.push(if byte_of(c).is_none() {
            Part::Other(c)
        } else if let Some((shown, meant)) = sequence(c, rest.as_str()) {
            for _ in 1..meant.len_utf8() {
                rest.next();
            }
            Part::Sequence { shown, meant }
        } else {
            Part::Sound(c)
        });
    }
    parts
}

/// The characters from `first` on whose bytes are one character of UTF-8, and that character.
fn sequence(first: char, rest: &str) -> Option<([char; 4], char)> {
    let length = match first {
        '\u{c2}'..='\u{df}' => 2,
        '\u{e0}'..='\u{ef}' => 3,
        '\u{f0}'..='\u{f4}' => 4,
        _ => return None,
    };
    let (mut shown, mut bytes) = (['\0'; 4], [0; 4]);
    for (at, c) in std::iter::once(first).chain(rest.chars()).take(length).enumerate() {
        (shown[at], bytes[at]) = (c, byte_of(c)?);
    }
    let meant = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
    // Where the text ends before the character does.
    (meant.len_utf8() == length).then_some((shown, meant))
}

/// Whether somewhere a character stands that could begin one of UTF-8, and behind it one that could go on with it: quick,
/// because every text is looked at.
fn has_lead(text: &str) -> bool {
    let mut lead = false;
    text.chars().any(|c| {
        let found = lead && matches!(byte_of(c), Some(0x80..=0xbf));
        lead = matches!(c, '\u{c2}'..='\u{f4}');
        found
    })
}

/// The byte above ASCII that was read as this.
fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0x80..=0xff => u8::try_from(code).ok(),
        // The last of them is `™`: most scripts are not looked up.
        0..=0x7f | 0x2123.. => None,
        _ => WINDOWS.chars().position(|known| known == c).and_then(|at| u8::try_from(0x80 + at).ok()),
    }
}
