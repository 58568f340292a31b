//! The way through a JSON document to its records. Knows no input: it is shown a window of text, says what it
//! found there, and is told when the window moved.

use super::inherited::{Inherited, MAX_INHERITED};
use crate::Span;
use crate::json::{Skip, Skipped, next_token};
use crate::path::{RecordPath, Step};
use crate::window::count_lines;

/// Where in the document the window is.
pub(super) struct Walk {
    paths: Vec<RecordPath>,
    /// Everything before this byte of the window was looked at.
    at: usize,
    /// The lists and objects on the way to the records that are open.
    frames: Vec<Frame>,
    /// A value that was begun.
    begun: Option<Begun>,
    inherited: Inherited,
    records: Vec<Span>,
    /// Up to this byte of the window, that many line ends.
    lines: (usize, u32),
    reached: bool,
}

/// What a look at the window came to.
pub(super) enum Look {
    /// On to the next look.
    On,
    /// The records so far must go out first: what they inherit changes.
    Flush,
    /// More text is needed.
    More,
    /// A record was left out that is nested too deep; it begins here.
    Deep(usize),
    /// The document is complete.
    End,
    /// It is no JSON at this byte.
    Broken(usize, &'static str),
}

struct Frame {
    /// An object; else a list.
    object: bool,
    /// Bit n: path n leads through here.
    alive: u32,
    /// How the `records` setting would call it.
    name: String,
    /// How many inherited values there were before it.
    values: usize,
    /// Nothing was seen in it.
    empty: bool,
    /// In an object, the value that follows the key just read.
    expected: Option<Expected>,
}

/// What is known about a value before it is looked at.
struct Expected {
    alive: u32,
    name: String,
    /// Where `*` led here: the key.
    key: Option<String>,
}

struct Begun {
    start: usize,
    seen: usize,
    skip: Skip,
    what: What,
}

/// What becomes of a value.
#[derive(PartialEq, Eq)]
enum What {
    Record,
    /// Records inherit it under this name.
    Inherited(String),
    Ignored,
}

impl Walk {
    pub(super) fn new(paths: Vec<RecordPath>) -> Self {
        let paths = if paths.iter().all(|p| p.0.is_empty()) {
            vec![RecordPath(vec![]), RecordPath(vec![Step::Each])]
        } else {
            paths
        };
        Self {
            reached: paths[0].0.is_empty(),
            paths,
            at: 0,
            frames: Vec::new(),
            begun: None,
            inherited: Inherited::default(),
            records: Vec::new(),
            lines: (0, 0),
        }
    }

    /// Looks on, and tells what came of it.
    pub(super) fn look(&mut self, text: &[u8], ended: bool) -> Look {
        if self.begun.is_some() {
            return self.go_on(text, ended);
        }
        let Some(at) = next_token(text, self.at) else {
            self.at = text.len();
            return match (ended, self.frames.is_empty()) {
                (false, _) => Look::More,
                (true, true) => Look::End,
                (true, false) => Look::Broken(text.len(), "it breaks off"),
            };
        };
        self.at = at;
        let byte = text[at];
        let expected = match self.frames.last_mut() {
            None => Expected { alive: u32::MAX >> (32 - self.paths.len()), name: String::new(), key: None },
            Some(frame) => match frame.expected.take() {
                Some(expected) => expected,
                None if byte == if frame.object { b'}' } else { b']' } => return self.close(),
                None if frame.object => return self.key(text, ended),
                None => {
                    let (alive, name) = (frame.alive, format!("{}[]", frame.name));
                    Expected { alive: self.step(alive, |step| *step == Step::Each), name, key: None }
                }
            },
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.empty = false;
        }
        if matches!(byte, b'}' | b']' | b':') {
            return Look::Broken(at, "a value is missing");
        }
        self.value(byte, expected)
    }

    fn close(&mut self) -> Look {
        let kept = self.frames.last().map_or(0, |f| f.values);
        if kept < self.inherited.len() && !self.records.is_empty() {
            return Look::Flush;
        }
        self.inherited.truncate(kept);
        let closed = self.frames.pop();
        // A list on the way that is empty is no reason to say that there is none.
        self.reached |= closed.is_some_and(|frame| !frame.object && frame.empty);
        self.at += 1;
        Look::On
    }

    fn key(&mut self, text: &[u8], ended: bool) -> Look {
        let at = self.at;
        if text[at] != b'"' {
            return Look::Broken(at, "a key is missing");
        }
        let more = if ended { Look::Broken(text.len(), "it breaks off") } else { Look::More };
        let Skipped::At(len) = Skip::default().piece(&text[at..]) else {
            return more;
        };
        let Some(colon) = next_token(text, at + len) else {
            return more;
        };
        if text[colon] != b':' {
            return Look::Broken(colon, "a colon is missing");
        }
        let Ok(key) = serde_json::from_slice::<String>(&text[at..at + len]) else {
            return Look::Broken(at, "a key is no text");
        };
        let frame = self.frames.last().expect("a key stands in an object");
        let named = self.step(frame.alive, |step| *step == Step::Key(key.clone()));
        let starred = self.step(frame.alive, |step| *step == Step::AnyKey);
        let dot = if frame.name.is_empty() { "" } else { "." };
        let shown = if named == 0 && starred != 0 { "*" } else { &key };
        let name = format!("{}{dot}{shown}", frame.name);
        let key = (starred != 0).then_some(key);
        let frame = self.frames.last_mut().expect("as above");
        frame.expected = Some(Expected { alive: named | starred, name, key });
        self.at = colon + 1;
        Look::On
    }

    fn value(&mut self, byte: u8, expected: Expected) -> Look {
        let depth = self.frames.len();
        let (object, list) = (byte == b'{', byte == b'[');
        let deeper = self.paths.iter().enumerate().any(|(n, path)| {
            expected.alive & (1 << n) != 0
                && path.0.get(depth).is_some_and(|step| if *step == Step::Each { list } else { object })
        });
        let record = self.ends_at(expected.alive, depth);
        let in_object = self.frames.last().is_some_and(|f| f.object);
        // A change of what is inherited must not touch the records before it.
        let changes = expected.key.is_some() && (deeper || record) || (in_object && !deeper && !record);
        if changes && !self.records.is_empty() {
            if let Some(frame) = self.frames.last_mut() {
                frame.expected = Some(expected);
            }
            return Look::Flush;
        }
        let values = self.inherited.len();
        if let Some(key) = expected.key.filter(|_| deeper || record) {
            self.inherited.key(&expected.name, key);
        }
        if deeper {
            self.reached |= self.ends_at(expected.alive, depth + 1);
            self.frames.push(Frame {
                object,
                alive: expected.alive,
                name: expected.name,
                values,
                empty: true,
                expected: None,
            });
            self.at += 1;
            return Look::On;
        }
        let what = match (record, in_object) {
            (true, _) => What::Record,
            (false, true) => What::Inherited(expected.name),
            (false, false) => What::Ignored,
        };
        self.reached |= record;
        self.begun = Some(Begun { start: self.at, seen: self.at, skip: Skip::default(), what });
        Look::On
    }

    fn go_on(&mut self, text: &[u8], ended: bool) -> Look {
        let begun = self.begun.as_mut().expect("asked before");
        let end = match begun.skip.piece(&text[begun.seen..]) {
            Skipped::At(len) => begun.seen + len,
            Skipped::Open if !ended => {
                begun.seen = text.len();
                let inherited = matches!(begun.what, What::Inherited(_));
                if inherited && begun.seen - begun.start > MAX_INHERITED {
                    begun.what = What::Ignored;
                }
                return Look::More;
            }
            Skipped::Open if begun.skip.may_end() => text.len(),
            Skipped::Open if begun.what == What::Record => {
                return Look::Broken(begun.start, "it breaks off in the record that begins here");
            }
            Skipped::Open => return Look::Broken(text.len(), "it breaks off"),
        };
        let begun = self.begun.take().expect("as above");
        self.at = end;
        let value = &text[begun.start..end];
        match begun.what {
            What::Record if begun.skip.too_deep() => return Look::Deep(begun.start),
            What::Record => {
                let lines = self.lines.1
                    + u32::try_from(count_lines(&text[self.lines.0..begun.start])).unwrap_or(u32::MAX);
                self.lines = (begun.start, lines);
                let offset = |n: usize| u32::try_from(n).expect("a window has less than 4 GiB");
                self.records.push(Span { start: offset(begun.start), end: offset(end), line: lines });
            }
            What::Inherited(name) if value.len() <= MAX_INHERITED && !begun.skip.too_deep() => {
                self.inherited.add(&name, value);
            }
            What::Inherited(_) | What::Ignored => {}
        }
        Look::On
    }

    /// Which of the paths go on from here over such a step.
    fn step(&self, alive: u32, fits: impl Fn(&Step) -> bool) -> u32 {
        let depth = self.frames.len() - 1;
        let mut on = 0;
        for (n, path) in self.paths.iter().enumerate() {
            if alive & (1 << n) != 0 && path.0.get(depth).is_some_and(&fits) {
                on |= 1 << n;
            }
        }
        on
    }

    fn ends_at(&self, alive: u32, depth: usize) -> bool {
        self.paths.iter().enumerate().any(|(n, path)| alive & (1 << n) != 0 && path.0.len() == depth)
    }

    /// The value that fills the window is left out, if it is a record; `None` if nothing can be left out.
    pub(super) fn give_up(&mut self) -> Option<usize> {
        let begun = self.begun.as_mut()?;
        begun.what = What::Ignored;
        Some(begun.start)
    }

    /// Up to where the window was used up.
    pub(super) fn keep(&self) -> usize {
        match &self.begun {
            None => self.at,
            Some(begun) if begun.what == What::Ignored => begun.seen,
            Some(begun) => begun.start,
        }
    }

    /// The window lost that many bytes in front.
    pub(super) fn moved(&mut self, by: usize) {
        self.at = self.at.saturating_sub(by);
        if let Some(begun) = &mut self.begun {
            begun.start = begun.start.saturating_sub(by);
            begun.seen = begun.seen.saturating_sub(by);
        }
        self.lines = (0, 0);
    }

    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// The records of the window, and none from then on.
    pub(super) fn take_records(&mut self) -> Vec<Span> {
        std::mem::take(&mut self.records)
    }

    /// What the records of the window inherit.
    pub(super) fn inherited(&mut self) -> &mut Inherited {
        &mut self.inherited
    }

    /// Whether a list of records was found, or a record.
    pub(super) fn reached(&self) -> bool {
        self.reached
    }

    /// The paths as the user wrote them.
    pub(super) fn paths(&self) -> String {
        self.paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
