//! May I pause now, may I switch over now? Yes or no, with the reasons. Pure.

use serde::Serialize;

use super::state::State;
use crate::report::plural;

/// The two questions of the night.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Advice {
    /// May I pause, or stop it?
    pub pause: Answer,
    /// May people be switched over to this server?
    pub switch: Answer,
}

/// An answer and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Whether one may.
    pub yes: bool,
    /// Why; at least one reason.
    pub because: Vec<String>,
}

/// What the state says of both.
pub(super) fn advise(state: &State) -> Advice {
    Advice { pause: pause(state), switch: switch(state) }
}

fn pause(state: &State) -> Answer {
    let mut because = Vec::new();
    let yes = match (&state.ended, state.phase, &state.settings.paused) {
        (Some(_), ..) => {
            because.push("The run has ended: there is nothing to pause.".to_owned());
            false
        }
        (None, "send", Some(why)) => {
            because.push(format!("It is paused: {why}."));
            false
        }
        (None, "send", None) => {
            because.push(
                "Nothing is lost by it: what is under way is still confirmed, and it goes on where it was."
                    .to_owned(),
            );
            if state.in_flight > 0 {
                because.push(format!(
                    "{} in flight; that settles by itself.",
                    plural(state.in_flight, "message is", "messages are")
                ));
            }
            if state.settling > 0 {
                because.push(format!(
                    "{} out what became of a message first.",
                    plural(state.settling, "conversation finds", "conversations find")
                ));
            }
            true
        }
        (None, phase, _) if is_after_sending(phase) => {
            because.push(
                "Nothing is sent any more, and what it looks at stays as it is. Stopped, the same command looks again."
                    .to_owned(),
            );
            true
        }
        (None, ..) => {
            because.push("Nothing is sent at the moment: a pause counts as soon as it would be.".to_owned());
            true
        }
    };
    Answer { yes, because }
}

fn switch(state: &State) -> Answer {
    let mut because = Vec::new();
    let left = state.pending + state.in_flight;
    match &state.ended {
        None if is_after_sending(state.phase) => because.push(format!(
            "Everything is sent; it is still {}, and that can find something.",
            doing(state.phase)
        )),
        None if state.phase != "send" => because.push(format!("It is not done: it is {}.", doing(state.phase))),
        None if left > 0 => because.push(format!("{} not there yet.", plural(left, "message is", "messages are"))),
        None => because.push("Everything is sent, and is being looked at once more.".to_owned()),
        Some(end) => match end.exit_code {
            0 => because.push("Everything is confirmed: it was read back from the server, message for message.".to_owned()),
            3 => because.push(
                "Everything that can be sent is confirmed. What is missing is named in rejected.jsonl: whether people miss it \
                 is for you to say."
                    .to_owned(),
            ),
            5 => because.push("It is unfinished: give the same command again.".to_owned()),
            8 => because.push("A difference was found: read the verdict first.".to_owned()),
            code => because.push(format!("It ended with exit code {code}: read the verdict first.")),
        },
    }
    if state.rejected > 0 && state.ended.as_ref().is_none_or(|end| end.exit_code != 0) {
        because.push(format!(
            "{} refused by the server.",
            plural(state.rejected, "message was", "messages were")
        ));
    }
    let yes = state.ended.as_ref().is_some_and(|end| matches!(end.exit_code, 0 | 3));
    Answer { yes, because }
}

/// Phases in which everything is sent.
pub(super) fn is_after_sending(phase: &str) -> bool {
    ["settle", "look behind", "clear up", "lists", "look back", "store", "scroll", "report"].contains(&phase)
}

/// A phase in words.
pub(super) fn doing(phase: &str) -> String {
    match phase {
        "" => "beginning",
        "read" | "compare" | "index" => "reading the export",
        "preflight" => "looking at the server",
        "send" => "sending",
        "settle" => "settling what is under way",
        "look behind" => "looking at what stands behind the last messages",
        "clear up" => "clearing up: what was deleted is looked for until it stays away",
        "lists" => "looking whether all who take part have the conversations in their lists",
        "look back" => "looking whether what earlier runs confirmed is still there",
        "verify" => "reading back what was sent",
        "store" => "asking the store what it has",
        "scroll" => "looking whether users can scroll to the start",
        "report" => "adding up the job for the report",
        other => return format!("at work: {other}"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::state::{End, Settings};
    use super::*;

    fn sending() -> State {
        State { phase: "send", messages: 100, pending: 60, in_flight: 10, confirmed: 30, ..State::default() }
    }

    fn ended(exit_code: u8) -> State {
        let end = End { exit_code, ..End::default() };
        State { pending: 0, in_flight: 0, ended: Some(end), ..sending() }
    }

    #[test]
    fn one_may_pause_while_it_sends_and_is_told_what_is_in_flight() {
        let answer = advise(&sending()).pause;
        assert!(answer.yes && answer.because.iter().any(|why| why.contains("10 messages are in flight")));
        let settings = Settings { paused: Some("paused by the operator".into()), ..Settings::default() };
        assert!(!advise(&State { settings, ..sending() }).pause.yes);
        assert!(!advise(&ended(0)).pause.yes);
    }

    #[test]
    fn one_may_switch_over_only_when_it_has_ended_well() {
        let no = advise(&sending()).switch;
        assert!(!no.yes && no.because[0].contains("70 messages"), "{no:?}");
        for (code, yes) in [(0, true), (3, true), (1, false), (5, false), (6, false), (8, false)] {
            let answer = advise(&ended(code)).switch;
            assert_eq!(answer.yes, yes, "{code}");
            assert!(!answer.because.is_empty());
        }
        let all_sent = State { pending: 0, in_flight: 0, ..sending() };
        assert!(!advise(&all_sent).switch.yes, "sent is not looked at");
    }
}
