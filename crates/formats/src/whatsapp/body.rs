//! What stands behind date and time: who, and what; written by somebody, or by the app.

use std::borrow::Cow;

use super::header::is_mark;
use super::words::{self, Omitted};

/// What a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// Somebody wrote it; the second says whether it was edited.
    Text(&'a str, bool),
    /// A file next to the export, and what was written with it.
    Attached { file: &'a str, caption: Cow<'a, str>, edited: bool },
    /// A medium that was not exported, and what was written with it.
    Omitted(Omitted, &'a str),
    /// A place: its link, and its name.
    Location(&'a str),
    /// A poll, line by line.
    Poll(&'a str),
    /// It was deleted.
    Deleted(&'a str),
    /// A call and the like.
    Call,
    /// The app wrote it, in words that are known: who joined, that all is encrypted.
    System,
    /// It never arrived at the phone that exported, or was nothing the phone could write down.
    Lost,
    /// The app wrote it, in words not known here.
    App(&'a str),
}

/// Name and text; `None` for a line that the app wrote. Names of people have no colon with a blank behind it.
pub(super) fn split(rest: &str) -> Option<(&str, &str)> {
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let at = line.match_indices(':').map(|(at, _)| at).find(|at| {
        let behind = &line[at + 1..];
        behind.is_empty() || behind.starts_with([' ', '\u{200e}', '\u{200f}', '\u{202f}', '\r'])
    })?;
    let name = &rest[..at];
    // A line of the app's own can have a colon too: "Ann changed the subject to “Lunch: today”".
    if name.contains(['"', '“', '”', '«', '„']) && name.chars().count() > 25 {
        return None;
    }
    let text = &rest[at + 1..];
    Some((name, text.strip_prefix(' ').unwrap_or(text)))
}

/// A name without marks, and without the `~` in front of those that the phone book does not have.
pub(super) fn clean(name: &str) -> Cow<'_, str> {
    let trimmed = name.trim_matches(|c: char| c.is_whitespace() || is_mark(c));
    let trimmed = trimmed
        .strip_prefix('~')
        .map_or(trimmed, |rest| rest.trim_start_matches(|c: char| c.is_whitespace() || is_mark(c)));
    if trimmed.chars().any(|c| is_mark(c) || matches!(c, '\u{a0}' | '\u{202f}')) {
        let blank = |c| if matches!(c, '\u{a0}' | '\u{202f}') { ' ' } else { c };
        return Cow::Owned(trimmed.chars().filter(|c| !is_mark(*c)).map(blank).collect());
    }
    Cow::Borrowed(trimmed)
}

impl<'a> Body<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let app = text.starts_with(['\u{200e}', '\u{200f}']);
        let text = text.trim_start_matches(is_mark).trim_end();
        let (text, edited) = without_edited(text);
        if let Some((file, caption)) = attached(text) {
            return Self::Attached { file, caption, edited };
        }
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let first = first.trim_end().trim_start_matches(is_mark);
        if let Some(what) = words::omitted(first) {
            return Self::Omitted(what, rest.trim());
        }
        // iOS: `plan.pdf ‎document omitted`
        if let Some((file, mark)) = first.rsplit_once(['\u{200e}', '\u{200f}'])
            && words::omitted(mark).is_some()
            && is_file(file.trim())
        {
            return Self::Attached { file: file.trim(), caption: Cow::Borrowed(rest.trim()), edited };
        }
        // Android says so without a mark, and nothing else.
        if text.len() <= words::LONGEST && words::MISSED.contains(&&*text.to_lowercase()) {
            return Self::Call;
        }
        if is_one_of(text, words::DELETED) {
            return Self::Deleted(text);
        }
        if is_one_of(text, words::WAITING) || text == "null" {
            return Self::Lost;
        }
        if let Some((word, link)) = first.split_once(": ")
            && words::LOCATION.contains(&&*word.to_lowercase())
            && (link.contains("https://maps.google.com/") || link.contains("https://foursquare.com/"))
        {
            return Self::Location(
                text[text.len() - link.len() - rest.len() - usize::from(!rest.is_empty())..].trim(),
            );
        }
        if let Some(word) = first.strip_suffix(':')
            && words::POLL.contains(&word.trim_end())
        {
            return Self::Poll(rest);
        }
        if app {
            let lower = text.to_lowercase();
            if words::CALLS.iter().any(|call| lower.starts_with(call)) {
                return Self::Call;
            }
            if words::SYSTEM.iter().any(|words| lower.contains(words)) {
                return Self::System;
            }
            return Self::App(text);
        }
        Self::Text(text, edited)
    }
}

/// Whether a text is one of those, with a dot behind it or not.
fn is_one_of(text: &str, all: &[&str]) -> bool {
    all.contains(&text.trim_end_matches(['.', '。']))
}

/// Takes the mark of an edited message off its end.
fn without_edited(text: &str) -> (&str, bool) {
    let Some(inner) = text.strip_suffix('>') else { return (text, false) };
    match inner.rsplit_once('<') {
        Some((before, mark)) if is_one_of(mark, words::EDITED) => {
            (before.trim_end_matches(|c: char| c.is_whitespace() || is_mark(c)), true)
        }
        _ => (text, false),
    }
}

/// The file, and what was written with it.
fn attached(text: &str) -> Option<(&str, Cow<'_, str>)> {
    // iOS: `<attached: 00000042-PHOTO-2024.jpg>`, alone or behind the words.
    if let Some(inner) = text.strip_suffix('>')
        && let Some((caption, mark)) = inner.rsplit_once('<')
        && let Some((word, file)) = mark.split_once(": ")
        && word.chars().count() <= 24
        && is_file(file)
        // Either it is all there is, or the app's mark stands in front of it.
        && (caption.trim().is_empty() || caption.ends_with('\u{200e}'))
    {
        let caption = caption.trim_end_matches(|c: char| c.is_whitespace() || is_mark(c));
        return Some((file, Cow::Borrowed(caption)));
    }
    // Android: `IMG-20241231-WA0001.jpg (file attached)`, then the words.
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (file, word) = first.trim_end().strip_suffix(')')?.rsplit_once(" (")?;
    let file = file.trim_start_matches(is_mark);
    (is_file(file) && words::ATTACHED.contains(&word)).then(|| (file, Cow::Borrowed(rest.trim())))
}

fn is_file(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    (2..=5).contains(&ending.len())
        && ending.bytes().all(|b| b.is_ascii_alphanumeric())
        && !name.contains(['<', '>', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_first_colon_with_a_blank() {
        assert_eq!(split("Ann: hi: there"), Some(("Ann", "hi: there")));
        assert_eq!(split("Ann:\u{200e}image omitted"), Some(("Ann", "\u{200e}image omitted")));
        assert_eq!(split("Ann:"), Some(("Ann", "")));
        assert_eq!(split("Ann:\nsecond"), Some(("Ann", "\nsecond")));
        assert_eq!(split("Messages and calls are end-to-end encrypted."), None);
        assert_eq!(split("You were added\nsecond: line"), None);
        assert_eq!(split("Ann changed the subject from “Lunch” to “Lunch: today”"), None);
        assert_eq!(split("10:30 works"), None);
    }

    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean("\u{202a}+49 171\u{a0}1234567\u{202c}"), "+49 171 1234567");
        assert_eq!(clean("~\u{202f}Bob"), "Bob");
        assert_eq!(clean("~ Bob"), "Bob");
        assert_eq!(clean("Ann 🤓"), "Ann 🤓");
    }

    #[test]
    fn bodies() {
        let text = |t| Body::Text(t, false);
        let file = |file, caption: &'static str| Body::Attached {
            file,
            caption: Cow::Borrowed(caption),
            edited: false,
        };
        let cases = [
            ("hi\nthere", text("hi\nthere")),
            ("hi \u{200e}<This message was edited>", Body::Text("hi", true)),
            ("a <b>", text("a <b>")),
            ("\u{200e}<attached: 00000042-PHOTO-2024-12-31.jpg>", file("00000042-PHOTO-2024-12-31.jpg", "")),
            ("<adjunto: 00000042-PHOTO.jpg>", file("00000042-PHOTO.jpg", "")),
            ("look \u{200e}<attached: a.pdf>", file("a.pdf", "look")),
            ("see <note: a.b> and <more: x.pdf>", text("see <note: a.b> and <more: x.pdf>")),
            (
                "\u{200e}IMG-20241231-WA0001.jpg (file attached)\nlook",
                file("IMG-20241231-WA0001.jpg", "look"),
            ),
            ("report.pdf (Datei angehängt)", file("report.pdf", "")),
            ("report.pdf (see mail)", text("report.pdf (see mail)")),
            ("<Media omitted>", Body::Omitted(Omitted::Any, "")),
            ("<Media omitted>\nlook", Body::Omitted(Omitted::Any, "look")),
            ("\u{200e}video omitted", Body::Omitted(Omitted::Video, "")),
            ("This message was deleted", Body::Deleted("This message was deleted")),
            ("\u{200e}Diese Nachricht wurde gelöscht.", Body::Deleted("Diese Nachricht wurde gelöscht.")),
            ("I think this message was deleted", text("I think this message was deleted")),
            ("null", Body::Lost),
            (
                "location: https://maps.google.com/?q=1.5,2.5",
                Body::Location("https://maps.google.com/?q=1.5,2.5"),
            ),
            (
                "\u{200e}Location: Cafe (1 Main St): https://foursquare.com/v/1",
                Body::Location("Cafe (1 Main St): https://foursquare.com/v/1"),
            ),
            ("location: here", text("location: here")),
            (
                "\u{200e}POLL:\nLunch?\n\u{200e}OPTION: yes (1 vote)",
                Body::Poll("Lunch?\n\u{200e}OPTION: yes (1 vote)"),
            ),
            ("\u{200e}Missed voice call", Body::Call),
            ("Missed video call", Body::Call),
            ("Missed video call, sorry", text("Missed video call, sorry")),
            ("plan.pdf \u{200e}document omitted", file("plan.pdf", "")),
            ("\u{200f}\u{200f}كلام جديد", Body::App("كلام جديد")),
            ("\u{200f}لم يتم إدراج الصورة", Body::Omitted(Omitted::Picture, "")),
            ("\u{200e}\u{200e}Your security code with Gil changed. \u{200e}Tap to learn more.", Body::System),
            ("Your security code with Gil changed.", text("Your security code with Gil changed.")),
            ("\u{200e}Something new", Body::App("Something new")),
            ("", text("")),
        ];
        for (input, expected) in cases {
            assert_eq!(Body::read(input), expected, "{input}");
        }
    }
}
