//! The first reading of a file: what only the whole of it tells. In which order day and month stand, who writes,
//! whether the app speaks under the name of the chat, and whether this is a group.

use std::borrow::Cow;
use std::collections::HashMap;

use super::body::{Body, clean, split};
use super::header::{Header, Shape};
use super::words::{FILE_NAMES, GROUP};
use crate::settings::{About, ChatKind, DateOrder};

/// What the first reading gathers.
#[derive(Debug, Default)]
pub(super) struct Survey {
    shapes: HashMap<Shape, Lines>,
    /// The line before ended with CRLF.
    crlf: bool,
    /// Lines so far.
    number: u64,
}

/// Lines of one shape: all of them, and those that begin a message where records end with CRLF.
#[derive(Debug, Default)]
struct Lines {
    all: Seen,
    behind_crlf: Seen,
}

/// What lines of one shape tell.
#[derive(Debug, Default)]
struct Seen {
    lines: u64,
    orders: [Order; 3],
    dots: bool,
    /// Those who write, by name; 10,000 at most.
    names: HashMap<String, Name>,
    /// A line of the app's own speaks of a group.
    group: bool,
    /// Under which name the app speaks in the first line, if not of that name: iOS takes the group's.
    first: Option<String>,
}

/// How an order of day and month fares.
#[derive(Debug, Default, Clone, Copy)]
struct Order {
    /// Dates that are none.
    wrong: u64,
    /// Dates more than a day before the one before: exports are in the order of time.
    back: u64,
    /// Dates that are earlier than the one before by more than clocks are put back, and the line of the first.
    earlier: (u64, u64),
    last: Option<jiff::civil::DateTime>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Name {
    lines: u64,
    /// Lines that the app wrote in that name.
    app: u64,
}

/// What the first reading comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) shape: Shape,
    /// Records end with CRLF.
    pub(super) crlf: bool,
    /// `None`: it can't be told.
    pub(super) order: Option<DateOrder>,
    /// How often the time goes back from a line to the next, and where first: one of the two may be part of a message.
    pub(super) back: Option<(u64, u64)>,
    pub(super) chat: Chat,
    /// Names under which the app alone speaks.
    pub(super) app: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chat {
    /// Between these two.
    Direct(String, String),
    /// With that name.
    Group(String),
    /// With a name that another group has as well: which of them it is, nothing tells.
    Namesake(String),
    /// A chat of two of whom only this one writes.
    Alone(String),
    /// A group without a name.
    Nameless,
    Unknown,
}

/// By so much clocks are put back, and phones of one chat differ.
const SLACK: jiff::SignedDuration = jiff::SignedDuration::from_mins(90);

/// Names that are gathered: no group has as many members.
const MOST_NAMES: usize = 10_000;

const ORDERS: [DateOrder; 3] = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd];

impl Survey {
    /// Looks at a line.
    pub(super) fn line(&mut self, line: &str) {
        let behind = self.crlf;
        self.number += 1;
        // The end of the file is no line.
        if !line.is_empty() {
            self.crlf = line.ends_with('\r');
        }
        let Some(header) = Header::read(line) else { return };
        let lines = self.shapes.entry(header.shape).or_default();
        lines.all.line(&header, line, self.number);
        // Nothing stands in front of the first line.
        if behind || self.number == 1 {
            lines.behind_crlf.line(&header, line, self.number);
        }
    }

    /// What it comes to, with what the user said and what the file is called. `None`: no line begins a message.
    pub(super) fn facts(mut self, about: &About, file: &FileName<'_>) -> Option<Facts> {
        let lines = |shape: &Shape| self.shapes.get(shape).map_or(0, |lines| lines.all.lines);
        let shape = Shape::ALL.into_iter().rev().max_by_key(lines)?;
        let Lines { all, behind_crlf } = self.shapes.remove(&shape)?;
        // Where records end with CRLF, what stands behind a bare LF is a part of one, however it looks: nobody in it
        // writes here, and its times are none of this chat's.
        let crlf = self.crlf && behind_crlf.lines > 0 && (behind_crlf.lines + 1) * 3 >= all.lines;
        let seen = if crlf { behind_crlf } else { all };
        let (app, writers): (Vec<_>, Vec<_>) = seen.names.iter().partition(|(_, n)| n.lines == n.app);
        let mut app: Vec<String> = app.into_iter().map(|(name, _)| name.clone()).collect();
        let mut writers: Vec<String> = writers.into_iter().map(|(name, _)| name.clone()).collect();
        app.sort_unstable();
        writers.sort_unstable();
        let chat = match (chat(about, file, &writers, seen.group), &seen.first) {
            (Chat::Nameless, Some(first)) if app.contains(first) => Chat::Group(first.clone()),
            (chat, _) => chat,
        };
        let order = about.date_order.or_else(|| seen.order());
        let at = ORDERS.iter().position(|known| Some(*known) == order);
        let back = at.map(|at| seen.orders[at].earlier).filter(|(times, _)| *times > 0);
        Some(Facts { shape, crlf, order, back, chat, app })
    }
}

impl Seen {
    fn line(&mut self, header: &Header, line: &str, number: u64) {
        self.lines += 1;
        self.dots |= header.dots;
        for (order, name) in self.orders.iter_mut().zip(ORDERS) {
            match header.local(name) {
                None => order.wrong += 1,
                Some(time) => {
                    let day = time.date();
                    if let Some(last) = order.last {
                        order.back += u64::from(day.tomorrow().is_ok_and(|next| next < last.date()));
                        if time.checked_add(SLACK).is_ok_and(|later| later < last) {
                            let (times, first) = order.earlier;
                            order.earlier = (times + 1, if times == 0 { number } else { first });
                        }
                    }
                    order.last = Some(time);
                }
            }
        }
        let rest = &line[header.rest..];
        match split(rest) {
            Some((name, text)) => {
                let name = clean(name);
                if self.names.len() < MOST_NAMES || self.names.contains_key(&*name) {
                    let app = matches!(Body::read(text), Body::App(_) | Body::System);
                    let entry = self.names.entry(name.to_string()).or_default();
                    entry.lines += 1;
                    entry.app += u64::from(app);
                    self.group |= app && speaks_of_group(text);
                    if self.lines == 1 && app && !clean(text).contains(&*name) {
                        self.first = Some(name.to_string());
                    }
                }
            }
            None => self.group |= speaks_of_group(rest),
        }
    }

    fn order(&self) -> Option<DateOrder> {
        let [dmy, mdy, ymd] = self.orders;
        let (least, total) = (|a: Order, b: Order| a.wrong == 0 && b.wrong > 0, |a: Order| a.wrong == 0);
        if total(ymd) && dmy.wrong > 0 && mdy.wrong > 0 {
            return Some(DateOrder::Ymd);
        }
        if least(dmy, mdy) {
            return Some(DateOrder::Dmy);
        }
        if least(mdy, dmy) {
            return Some(DateOrder::Mdy);
        }
        // A few lines of a message that look like the beginning of one must not decide.
        if dmy.wrong > 0 || mdy.wrong > 0 {
            return match (dmy.wrong * 50 < mdy.wrong, mdy.wrong * 50 < dmy.wrong) {
                (true, _) => Some(DateOrder::Dmy),
                (_, true) => Some(DateOrder::Mdy),
                _ => None,
            };
        }
        // No locale writes the month first and dots between.
        if self.dots {
            return Some(DateOrder::Dmy);
        }
        match (dmy.back, mdy.back) {
            (0, 1..) => Some(DateOrder::Dmy),
            (1.., 0) => Some(DateOrder::Mdy),
            _ => None,
        }
    }
}

/// What the path of a file says about the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// Whether it is called as the app calls exports: then the name is the chat's, and surely.
    pub(super) sure: bool,
    pub(super) chat: &'a str,
}

impl<'a> FileName<'a> {
    /// From the file, the archive or the folder it is in: iOS calls every file `_chat.txt`.
    pub(super) fn of(path: &'a str) -> Self {
        for part in path.rsplit('/').take(3) {
            let stem = super::stem(part);
            for (before, behind) in FILE_NAMES {
                let chat = stem.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
                if let Some(chat) = chat.filter(|c| !c.is_empty()) {
                    return Self { sure: true, chat };
                }
            }
        }
        let stem = super::stem(path.rsplit('/').next().unwrap_or(path));
        Self { sure: false, chat: if matches!(stem, "_chat" | "chat" | "-") { "" } else { stem } }
    }
}

fn chat(about: &About, file: &FileName<'_>, writers: &[String], group: bool) -> Chat {
    let named = clean(about.chat_name.as_deref().unwrap_or(file.chat));
    // A second export of the same chat is called `… (1)`: of a chat of two that is sure, because the other one is
    // called so. Of two groups of one name it is not.
    let named = match without_number(&named) {
        Some(plain) if writers.iter().any(|w| w == plain) && writers.len() <= 2 => {
            Cow::Owned(plain.to_owned())
        }
        _ => named,
    };
    let me = about.me.as_deref();
    let is_writer = writers.iter().any(|w| **w == *named);
    let kind = about.chat.or(match writers.len() {
        0..=2 if group => Some(ChatKind::Group),
        // The other one's name is the name of the chat.
        1 | 2 if is_writer => Some(ChatKind::Direct),
        2 if file.sure => Some(ChatKind::Group),
        0..=2 => None,
        _ => Some(ChatKind::Group),
    });
    match (kind, writers) {
        (Some(ChatKind::Group), _) if named.is_empty() => Chat::Nameless,
        (Some(ChatKind::Group), _) => Chat::Group(named.into_owned()),
        (Some(ChatKind::Direct), [one, other]) => Chat::Direct(one.clone(), other.clone()),
        (Some(ChatKind::Direct), [one]) => match (me, &*named) {
            (_, named) if !named.is_empty() && named != one => Chat::Direct(one.clone(), named.to_owned()),
            (Some(me), _) if me != one => Chat::Direct(one.clone(), me.to_owned()),
            _ => Chat::Alone(one.clone()),
        },
        // More than two in a chat of two, or nobody.
        (None | Some(ChatKind::Direct), _) => Chat::Unknown,
    }
}

/// `Ann (1)` without the number.
fn without_number(name: &str) -> Option<&str> {
    let (plain, number) = name.strip_suffix(')')?.rsplit_once(" (")?;
    (number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty()).then_some(plain)
}

fn speaks_of_group(text: &str) -> bool {
    let text = text.to_lowercase();
    GROUP.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lines: &[&str], path: &str, about: &About) -> Facts {
        let mut survey = Survey::default();
        for line in lines {
            survey.line(line);
        }
        survey.facts(about, &FileName::of(path)).unwrap()
    }

    fn order(dates: &[&str]) -> Option<DateOrder> {
        let lines: Vec<String> = dates.iter().map(|date| format!("{date}, 10:00 - A: x")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        facts(&lines, "a.txt", &About::default()).order
    }

    #[test]
    fn the_whole_file_tells_day_and_month() {
        assert_eq!(order(&["1/2/24", "13/2/24"]), Some(DateOrder::Dmy));
        assert_eq!(order(&["1/2/24", "2/13/24"]), Some(DateOrder::Mdy));
        assert_eq!(order(&["2024/2/13", "2024/3/1"]), Some(DateOrder::Ymd));
        assert_eq!(order(&["1.2.24", "2.2.24"]), Some(DateOrder::Dmy));
        // In order as days and months, and not the other way round.
        assert_eq!(order(&["1/2/24", "3/2/24", "2/3/24"]), Some(DateOrder::Dmy));
        assert_eq!(order(&["2/1/24", "2/3/24", "3/2/24"]), Some(DateOrder::Mdy));
        assert_eq!(order(&["1/2/24", "2/3/24"]), None);
        assert_eq!(order(&["1/1/24"]), None);
        // Both ways there are days that are none: no guess.
        assert_eq!(order(&["13/2/24", "2/13/24"]), None);
    }

    #[test]
    fn what_the_user_says_wins() {
        let about =
            About { date_order: Some(DateOrder::Mdy), chat: Some(ChatKind::Group), ..About::default() };
        let facts = facts(&["13/1/24, 10:00 - A: x", "13/1/24, 10:00 - B: x"], "x/Chat A.txt", &about);
        assert_eq!((facts.order, facts.chat), (Some(DateOrder::Mdy), Chat::Group("Chat A".to_owned())));
    }

    #[test]
    fn two_or_a_group() {
        let (a, b, c) = ("1/1/24, 10:00 - A: x", "1/1/24, 10:00 - B: x", "1/1/24, 10:00 - C: x");
        let made = "1/1/24, 10:00 - A created group \"G\"";
        let chat = |lines: &[&str], path: &str| facts(lines, path, &About::default()).chat;
        let direct = Chat::Direct("A".to_owned(), "B".to_owned());
        assert_eq!(chat(&[a, b], "WhatsApp Chat with B.txt"), direct);
        assert_eq!(chat(&[a, b], "WhatsApp Chat - B.zip/_chat.txt"), direct);
        assert_eq!(chat(&[a, b], "B.txt"), direct);
        assert_eq!(chat(&[a, b], "WhatsApp Chat with B (1).txt"), direct);
        assert_eq!(chat(&[a, b, c], "Us (1).txt"), Chat::Group("Us (1)".to_owned()));
        assert_eq!(chat(&[a, b], "WhatsApp Chat with Us.txt"), Chat::Group("Us".to_owned()));
        assert_eq!(chat(&[a, b], "_chat.txt"), Chat::Unknown);
        assert_eq!(chat(&[a, b, made], "Us.txt"), Chat::Group("Us".to_owned()));
        assert_eq!(chat(&[a, b, c], "Us.txt"), Chat::Group("Us".to_owned()));
        assert_eq!(chat(&[a, b, c], "_chat.txt"), Chat::Nameless);
        assert_eq!(chat(&[b], "WhatsApp Chat with B.txt"), Chat::Alone("B".to_owned()));
        assert_eq!(chat(&[a], "WhatsApp Chat with B.txt"), Chat::Unknown);
        let about = About { chat: Some(ChatKind::Direct), ..About::default() };
        assert_eq!(facts(&[a], "WhatsApp Chat with B.txt", &about).chat, direct);
    }

    #[test]
    fn what_is_quoted_inside_a_message_writes_nothing() {
        let quoting = [
            "22/01/20, 10:00 - Bea: look\r",
            "22/01/20, 10:01 - Bea: what Carl wrote:",
            "21/01/20, 18:03 - Carl: I will be late\r",
            "22/01/20, 10:02 - Dan: typical\r",
        ];
        let of_crlf = facts(&quoting, "WhatsApp Chat with Bea.txt", &About::default());
        assert_eq!(of_crlf.chat, Chat::Direct("Bea".to_owned(), "Dan".to_owned()));
        assert_eq!((of_crlf.crlf, of_crlf.back), (true, None));
        // With LF alone nothing tells it from a message.
        let plain: Vec<&str> = quoting.iter().map(|line| line.trim_end()).collect();
        let of_lf = facts(&plain, "WhatsApp Chat with Bea.txt", &About::default());
        assert_eq!((of_lf.chat, of_lf.back), (Chat::Group("Bea".to_owned()), Some((1, 3))));
    }

    #[test]
    fn the_app_speaks_under_the_name_of_the_chat() {
        let lines = [
            "[1/1/24, 10:00:00] Us: \u{200e}Messages and calls are end-to-end encrypted.",
            "[1/1/24, 10:00:01] Us: \u{200e}A created this group",
            "[1/1/24, 10:00:02] A: \u{200e}image omitted",
            "[1/1/24, 10:00:03] B: hi",
        ];
        let facts = facts(&lines, "x/_chat.txt", &About::default());
        assert_eq!((&*facts.app, facts.chat), (&["Us".to_owned()][..], Chat::Group("Us".to_owned())));
    }

    #[test]
    fn a_group_is_called_as_the_app_that_speaks_first() {
        let chat = |lines: &[&str]| facts(lines, "x/_chat.txt", &About::default()).chat;
        let (ann, bob) = ("[1/1/24, 10:00:02] Ann: hi", "[1/1/24, 10:00:03] Bob: ho");
        // Who is spoken of is no group, nor is who writes as well.
        let made = "[1/1/24, 10:00:00] ~ Kai: \u{200e}~ Kai created this group";
        assert_eq!(chat(&[made, ann, bob]), Chat::Nameless);
        let sealed = "[1/1/24, 10:00:00] Ann: \u{200e}Messages and calls are end-to-end encrypted.";
        assert_eq!(chat(&[sealed, made, ann, bob]), Chat::Nameless);
        // Two who write to each other are no group because the app speaks.
        assert_eq!(chat(&[sealed, ann, bob]), Chat::Unknown);
    }
}
