//! On a terminal, what `init` would leave open is asked there and then. An answer is what the flag of that name would
//! have said, and stands in `import.toml` as if it had been.

use std::io::{IsTerminal, stderr, stdin};

use super::{Failure, HtmlAnswer, InitArgs, MojibakeAnswer, OrFail};
use crate::commands::Exit;
use crate::export::Encoding;
use crate::init::{Of, Open, Rule};
use crate::mapping::{Key, TimeFormat};
use crate::report::terminal;

/// Something that can be answered in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// Which flag says the same.
    pub(super) flag: Flag,
    /// What is asked, and why.
    pub(super) words: String,
    /// What the flag can be, each as it is shown; none: anything.
    pub(super) choices: Vec<(String, String)>,
}

/// The flag that says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Conversation,
    Html,
    Mojibake,
    Encoding,
    Zone,
}

/// Whether somebody sits there who can answer.
pub(super) fn somebody_is_there() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Asks each question once, and writes the answers into `args`; `true` if there was one. What was asked goes into `passed`,
/// and is not asked again.
pub(super) fn ask(
    questions: &[Question],
    passed: &mut Vec<Flag>,
    args: &mut InitArgs,
    read: &mut dyn FnMut(&str) -> Result<Option<String>, Failure>,
) -> Result<bool, Failure> {
    let mut answered = false;
    for question in questions {
        if passed.contains(&question.flag) {
            continue;
        }
        let mut words = question.shown();
        let answer = loop {
            let Some(typed) = read(&words)? else { break None };
            match question.answer(typed.trim()) {
                Ok(answer) => break answer,
                Err(why) => words = format!("{why}: "),
            }
        };
        // What an answer does not settle has to be written by hand.
        passed.push(question.flag);
        if let Some(answer) = answer {
            question.flag.set(args, answer);
            answered = true;
        }
    }
    Ok(answered)
}

/// Shows this and reads a line; `None`: there is no more to be read.
pub(super) fn line(words: &str) -> Result<Option<String>, Failure> {
    terminal::ask(words).or_fail(Exit::Internal)?;
    let mut typed = String::new();
    let read = stdin().read_line(&mut typed).or_fail(Exit::Internal)?;
    Ok((read > 0).then_some(typed))
}

impl Question {
    /// Of a field that is open, where a flag can close it.
    pub(super) fn of_field(open: &Open) -> Option<Self> {
        let choice = |rule: &Rule| match (open.key, rule) {
            (Key::GroupId, Rule::Value(Of::Column(name) | Of::Inherited(name))) => {
                Some((Flag::Conversation, name.clone(), name.clone()))
            }
            (Key::Text, Rule::Html(_, true)) => Some((
                Flag::Html,
                "text".to_owned(),
                "its words, with links behind what they stand on".to_owned(),
            )),
            (Key::Text, Rule::Html(_, false)) => {
                Some((Flag::Html, "keep".to_owned(), "as it stands, tags and all".to_owned()))
            }
            _ => None,
        };
        let choices: Vec<_> = open.choices.iter().map(choice).collect::<Option<_>>()?;
        let flag = choices.first()?.0;
        let messages = open.shown.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
        let choices = choices.into_iter().zip(messages).map(|((_, answer, shown), messages)| {
            let lines = messages.iter().flat_map(|message| ["\n       ", message]);
            (answer, lines.fold(shown, |words, piece| words + piece))
        });
        let choices = choices.collect();
        Some(Self { flag, words: format!("{}: {}", open.key.name(), open.note), choices })
    }

    /// Of a line that is to do, where a flag can settle it.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let about = |what: &str| line.starts_with(what) || line.contains(&format!(": {what}"));
        if about("zone in [") {
            let words = format!("{line}\nIn which zone were they written, such as Europe/Berlin or +08:00?");
            return Some(Self { flag: Flag::Zone, words, choices: Vec::new() });
        }
        if about("encoding in [") {
            let words = format!("{line}\nIn which encoding are they, such as windows-1252 or big5?");
            return Some(Self { flag: Flag::Encoding, words, choices: Vec::new() });
        }
        about("mojibake in [").then(|| {
            let choices =
                [("repair", "repair what can be meant otherwise"), ("keep", "send all as they stand")];
            let choices = choices.map(|(answer, shown)| (answer.to_owned(), shown.to_owned())).to_vec();
            Self { flag: Flag::Mojibake, words: line.to_owned(), choices }
        })
    }

    fn shown(&self) -> String {
        let mut words = format!("\n{}\n", self.words);
        for (n, (_, shown)) in self.choices.iter().enumerate() {
            words.extend(["  ", &(n + 1).to_string(), "  ", shown, "\n"]);
        }
        words
            + if self.choices.is_empty() { "(Enter: decide later) " } else { "Number (Enter: decide later) " }
    }

    /// What was answered; nothing: it stays open.
    fn answer(&self, typed: &str) -> Result<Option<String>, String> {
        if typed.is_empty() {
            return Ok(None);
        }
        if self.flag == Flag::Zone {
            return TimeFormat::new("%Y-%m-%d %H:%M", Some(typed)).map(|_| Some(typed.to_owned()));
        }
        if self.flag == Flag::Encoding {
            let unknown = || format!("`{typed}` is no encoding");
            return Encoding::by_name(typed).map(|_| Some(typed.to_owned())).ok_or_else(unknown);
        }
        let by_number = typed.parse::<usize>().ok().and_then(|n| self.choices.get(n.checked_sub(1)?));
        let by_name = || self.choices.iter().find(|(answer, _)| answer == typed);
        let chosen = by_number.or_else(by_name).map(|(answer, _)| Some(answer.clone()));
        chosen.ok_or_else(|| format!("`{typed}` is none of them; a number from 1 to {}", self.choices.len()))
    }
}

impl Flag {
    fn set(self, args: &mut InitArgs, answer: String) {
        match self {
            Self::Conversation => args.conversation_from = Some(answer),
            Self::Zone => args.zone = Some(answer),
            Self::Encoding => args.encoding = Some(answer),
            Self::Html => {
                args.html = Some(if answer == "text" { HtmlAnswer::Text } else { HtmlAnswer::Keep });
            }
            Self::Mojibake => {
                let repair = answer == "repair";
                args.mojibake = Some(if repair { MojibakeAnswer::Repair } else { MojibakeAnswer::Keep });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> InitArgs {
        InitArgs {
            sources: Vec::new(),
            format: None,
            zone: None,
            me: None,
            conversation_from: None,
            html: None,
            mojibake: None,
            encoding: None,
            output: None,
            force: false,
        }
    }

    fn questions() -> Vec<Question> {
        let choices = |names: [&str; 2]| names.map(|name| (name.to_owned(), format!("by {name}"))).to_vec();
        let question = |flag, choices| Question { flag, words: format!("{flag:?}?"), choices };
        vec![
            question(Flag::Conversation, choices(["room", "@stem"])),
            question(Flag::Html, choices(["text", "keep"])),
            question(Flag::Zone, Vec::new()),
            question(Flag::Encoding, Vec::new()),
            question(Flag::Mojibake, choices(["repair", "keep"])),
        ]
    }

    #[test]
    fn answers_are_those_of_the_flags() {
        let typed = ["3", "x", "2", "text", "Nowhere/None", "Europe/Berlin", "klingon", "big5", ""];
        let (mut args, mut passed, mut shown) = (args(), Vec::new(), Vec::new());
        let mut lines = typed.iter();
        let mut read = |words: &str| {
            shown.push(words.to_owned());
            Ok(lines.next().map(|line| format!("{line}\n")))
        };
        assert!(ask(&questions(), &mut passed, &mut args, &mut read).unwrap());
        assert_eq!(args.conversation_from.as_deref(), Some("@stem"));
        assert_eq!((args.html, args.mojibake), (Some(HtmlAnswer::Text), None));
        assert_eq!(args.zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(args.encoding.as_deref(), Some("big5"));
        assert_eq!(passed.len(), 5);
        assert_eq!(shown[0], "\nConversation?\n  1  by room\n  2  by @stem\nNumber (Enter: decide later) ");
        assert_eq!(shown[1], "`3` is none of them; a number from 1 to 2: ");
        // Nothing is asked twice.
        let mut read = |_: &str| -> Result<Option<String>, Failure> { panic!("asked again") };
        let last = &questions()[4..];
        assert!(!ask(last, &mut passed, &mut args, &mut read).unwrap());
    }

    #[test]
    fn where_nobody_answers_all_stays_open() {
        let (mut args, mut passed) = (args(), Vec::new());
        assert!(!ask(&questions(), &mut passed, &mut args, &mut |_| Ok(None)).unwrap());
        assert_eq!(passed.len(), 5);
        assert_eq!((args.zone, args.html), (None, None));
    }
}
