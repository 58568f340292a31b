//! How a run ended, in words that say no more than was proved, and the exit code that goes with them.

use super::prepare::job_failure;
use super::{Exit, Failure};
use crate::import::{Ended, Outcome};
use crate::job::{Evidence, JobReader, OvertakenInAll};
use crate::prepare;
use crate::report::{count, plural};

/// What is known of a job besides how its last run ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// What the receipts say.
    pub(super) evidence: Evidence,
    /// Records of the export that can't be sent and were left out.
    pub(super) left_out: u64,
}

impl Known {
    pub(super) fn of(reader: &JobReader) -> Result<Self, Failure> {
        let evidence = reader.evidence().map_err(job_failure)?;
        Ok(Self { evidence, left_out: left_out(reader)? })
    }
}

/// Records that were rejected while the job was prepared, and have not been mended since.
fn left_out(reader: &JobReader) -> Result<u64, Failure> {
    let mut left_out = 0u64;
    for pass in reader.passes().map_err(job_failure)?.into_iter().filter(|pass| pass.ready) {
        let pass = prepare::Summary::from_json(&pass.summary)
            .map_err(|error| Failure { exit: Exit::Internal, error: error.into() })?;
        left_out = pass.unsendable_after(left_out);
    }
    Ok(left_out)
}

/// How it ended, in a sentence or two. `part`: only some conversations were to be sent.
pub(super) fn verdict(outcome: &Outcome, known: Known, part: bool) -> (Exit, String) {
    let confirmed = plural(outcome.confirmed, "message is confirmed", "messages are confirmed");
    let again = "the same command goes on";
    let left = plural(outcome.left, "is left", "are left");
    match &outcome.ended {
        Ended::Done | Ended::NothingToDo if outcome.overtaken.conversations > 0 => {
            (Exit::Unfinished, overtaken(outcome, part))
        }
        Ended::Done | Ended::NothingToDo if !outcome.held.is_empty() => {
            let text = format!(
                "{confirmed}; {} at a refused message: {}. Mend it, then `retry`.",
                plural(outcome.held.len() as u64, "conversation waits", "conversations wait"),
                outcome.held.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ")
            );
            (Exit::Rejects, text)
        }
        Ended::Done | Ended::NothingToDo if outcome.left == 0 => whole(outcome, known),
        Ended::Done | Ended::NothingToDo => {
            let (exit, what, how) = if part {
                (Exit::Done, "This part is done", "the same command without --only sends them")
            } else {
                (Exit::Unfinished, "Not finished", again)
            };
            (exit, format!("{what}: {confirmed}, {left}; {how}."))
        }
        Ended::Stopped => (Exit::Unfinished, format!("Stopped: {confirmed}, {left}; {again}.")),
        Ended::GaveUp(cause) => {
            let text = format!("Gave up: {cause}. {confirmed}, {left}; {again}.");
            (Exit::Unfinished, text)
        }
        Ended::MostlyRejected(reason, said) => {
            let text = format!(
                "Stopped early: nearly everything is refused ({said}). {} {}; then {again}.",
                reason.mend(),
                plural(outcome.left, "message is left", "messages are left"),
            );
            (Exit::Unfinished, text)
        }
    }
}

/// People have written into conversations while their history was being sent, or before.
fn overtaken(outcome: &Outcome, part: bool) -> String {
    let OvertakenInAll { messages, .. } = outcome.overtaken;
    let mut said = vec![
        format!(
            "Not finished: {}.",
            plural(outcome.confirmed, "message is confirmed", "messages are confirmed")
        ),
        left_alone(&outcome.overtaken),
    ];
    let more = outcome.left.saturating_sub(messages);
    if more > 0 && !part {
        said.push(format!(
            "{}; the same command goes on.",
            plural(more, "other message is left", "other messages are left")
        ));
    }
    if !outcome.held.is_empty() {
        let held = plural(outcome.held.len() as u64, "conversation waits", "conversations wait");
        said.push(format!("{held} at a refused message: mend it, then `retry`."));
    }
    said.join(" ")
}

/// Which conversations were overtaken, and the ways out: two sentences.
pub(super) fn left_alone(overtaken: &OvertakenInAll) -> String {
    const SHOWN: usize = 5;
    let OvertakenInAll { conversations, messages, some } = overtaken;
    let mut names: Vec<String> =
        some.iter().take(SHOWN).map(|(name, by)| format!("{name} ({by} wrote)")).collect();
    if *conversations > SHOWN as u64 {
        names.push("…".to_owned());
    }
    format!(
        "Into {} somebody has written what is newer than the rest of the history: {}; {} \
         not sent there, because behind that nobody could scroll. `run --behind all` (or some names) sends behind, \
         under times after what was written; or `undo --only` takes back what is there, for an archive beside it (`check \
         SOURCE --job NEW --api URL --archive …`), or with --cut and then `run --again` for the history in its place, \
         which hides from everybody what people have written there.",
        plural(*conversations, "conversation", "conversations"),
        names.join(", "),
        plural(*messages, "message was", "messages were"),
    )
}

/// Nothing is left to send.
fn whole(outcome: &Outcome, known: Known) -> (Exit, String) {
    let conversations = plural(outcome.conversations, "conversation", "conversations");
    let confirmed = match outcome.confirmed {
        1 => format!("1 message in {conversations} is confirmed"),
        n => format!("{} messages in {conversations} are confirmed", count(n)),
    };
    let before = outcome.ended == Ended::NothingToDo;
    let proved = proved(outcome.confirmed, known.evidence);
    let as_then = if before { " What stands there by now `verify` tells." } else { "" };
    if outcome.rejected == 0 && known.left_out == 0 {
        let all = match (before, outcome.confirmed) {
            (true, 1) => "Nothing to do: ",
            (true, _) => "Nothing to do: all ",
            (false, 1) => "",
            (false, _) => "All ",
        };
        let text = format!("{all}{confirmed}: {proved}.{as_then}");
        return (Exit::Done, text);
    }
    let nothing = if before { "Nothing to do: " } else { "" };
    let mut said = vec![format!("{nothing}{confirmed}: {proved}.{as_then}")];
    if outcome.rejected > 0 {
        let refused = plural(outcome.rejected, "was", "were");
        said.push(format!("{refused} refused by the server: see rejected.jsonl; mend them, then `retry`."));
    }
    if known.left_out > 0 {
        let left_out = plural(
            known.left_out,
            "record of the export can't be sent and was",
            "records of the export can't be sent and were",
        );
        said.push(format!("{left_out} left out: see rejected.jsonl; mend them, then `retry`."));
    }
    (Exit::Rejects, said.join(" "))
}

/// How they were confirmed, and how they stand.
pub(super) fn proved(confirmed: u64, evidence: Evidence) -> String {
    let Evidence { late, unread } = evidence;
    let how = if unread == 0 {
        "read back from the server's log".to_owned()
    } else {
        let whom = if unread >= confirmed {
            "nobody who takes part is shown any of them".to_owned()
        } else {
            format!(
                "read back from the server's log, but for {}, which nobody who takes part is shown",
                count(unread)
            )
        };
        format!(
            "{whom} (deleted or cleared by users, or hidden by the server's cache for a day; `verify --store` tells)"
        )
    };
    let order = match late {
        0 => "in order".to_owned(),
        n => format!("{} of them behind messages that were written later, the others in order", count(n)),
    };
    format!("{how}, once, {order}")
}

/// Whether anything happened to the job, in any of its runs, after which a log may not be one that users can scroll
/// (law 15): a kill of either side, copies, slots that were emptied, messages of others between ours, or ours out of
/// their place. Without any of it, what was sent in order with rising times stands in order with rising times.
pub(super) fn is_disturbed(outcome: &Outcome, reader: &JobReader) -> Result<bool, Failure> {
    if outcome.crash_suspected || outcome.doubled > 0 {
        return Ok(true);
    }
    let late = reader.evidence().map_err(job_failure)?.late;
    let runs = reader.runs().map_err(job_failure)?;
    Ok(late > 0 || runs.iter().any(|run| was_disturbed(&run.counts)))
}

/// The same of one run, from what it wrote down of itself when it ended; one that could not was killed.
fn was_disturbed(counts: &str) -> bool {
    let counts: serde_json::Value = serde_json::from_str(counts).unwrap_or_default();
    let traces = ["withdrawn", "returned", "repaired", "hidden", "foreign"];
    counts["ended"].is_null()
        || counts["crash_suspected"] == true
        || traces.iter().any(|trace| counts[*trace].as_u64().is_some_and(|n| n > 0))
}

/// What stands in the log besides. Where it was to be repaired, all is not well.
pub(super) fn remaining(outcome: &Outcome, repair: bool, exit: Exit, said: &mut Vec<String>) -> Exit {
    if !matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
        return exit;
    }
    let done = matches!(exit, Exit::Done | Exit::Rejects);
    if outcome.returning {
        said.push(
            "Deleted messages of ours may still come back: the same command looks for them again.".to_owned(),
        );
        if done {
            return Exit::Unfinished;
        }
    }
    if outcome.doubled == 0 {
        return exit;
    }
    let copies = plural(
        outcome.doubled,
        "copy that the server made of them stands in the log besides",
        "copies that the server made of them stand in the log besides",
    );
    if repair && done {
        said.push(format!(
            "{copies} and could not be deleted: `verify` names them, `verify --repair` tries again."
        ));
        return Exit::Difference;
    }
    said.push(format!("{copies}. The same command with --repair deletes them."));
    exit
}

/// When and how to look again, a sentence or two; nothing where nothing was sent, or not all. `by`: a quarter of an hour from
/// now, as people read it.
pub(super) fn look_again(outcome: &Outcome, by: &str) -> Option<String> {
    let is_over = matches!(outcome.ended, Ended::Done | Ended::NothingToDo) && outcome.left == 0;
    if !is_over || outcome.confirmed_now == 0 {
        return None;
    }
    let restarted = outcome.crash_suspected || outcome.doubled > 0 || outcome.lost_and_resent > 0;
    Some(if restarted {
        format!(
            "Look again: after a restart of the server copies can come within minutes; `verify --watch` looks until {by}, or \
             `verify` once more then, and a day later, when the server's cache has forgotten."
        )
    } else {
        format!(
            "`verify` at {by} would see copies that come late, and a day later what the server's cache hides until then \
             (`verify --watch` waits by itself)."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn outcome(confirmed: u64, rejected: u64, ended: Ended) -> Outcome {
        Outcome {
            ended,
            messages: confirmed + rejected,
            conversations: 3,
            confirmed,
            confirmed_now: confirmed,
            rejected,
            rejected_now: rejected,
            left: 0,
            conversations_left: 0,
            overtaken: OvertakenInAll::default(),
            held: Vec::new(),
            lost_and_resent: 0,
            retries: 0,
            limited_by: String::new(),
            fences: 0,
            withdrawn: 0,
            returned: 0,
            returning: false,
            doubled: 0,
            repaired: 0,
            hidden: 0,
            foreign: 0,
            crash_suspected: false,
            took: Duration::ZERO,
            measured: crate::pacing::Measured::default(),
        }
    }

    fn said(outcome: &Outcome, late: u64, unread: u64, left_out: u64) -> (Exit, String) {
        verdict(outcome, Known { evidence: Evidence { late, unread }, left_out }, false)
    }

    #[test]
    fn when_to_look_again_is_said_where_all_was_sent() {
        let done = outcome(60, 0, Ended::Done);
        assert!(look_again(&done, "06:20").unwrap().starts_with("`verify` at 06:20"));
        let crashed = Outcome { crash_suspected: true, ..done.clone() };
        assert!(look_again(&crashed, "06:20").unwrap().contains("`verify --watch` looks until 06:20"));
        for nothing in [
            outcome(60, 0, Ended::Stopped),
            Outcome { left: 1, ..done.clone() },
            Outcome { confirmed_now: 0, ..done },
        ] {
            assert_eq!(look_again(&nothing, "06:20"), None);
        }
    }

    #[test]
    fn no_more_is_said_than_was_proved() {
        let all = outcome(60, 0, Ended::Done);
        let (exit, text) = said(&all, 0, 0, 0);
        assert_eq!(exit, Exit::Done);
        assert_eq!(
            text,
            "All 60 messages in 3 conversations are confirmed: read back from the server's log, once, in order."
        );
        let (exit, text) = said(&all, 5, 0, 0);
        assert_eq!(exit, Exit::Done);
        assert!(
            text.ends_with("once, 5 of them behind messages that were written later, the others in order."),
            "{text}"
        );
        let (_, text) = said(&all, 0, 7, 0);
        assert!(text.contains("but for 7, which nobody who takes part is shown"), "{text}");
        let (_, text) = said(&all, 0, 60, 0);
        assert!(!text.contains("read back from the server's log"), "{text}");
        let (exit, text) = said(&outcome(1, 0, Ended::Done), 0, 0, 9);
        assert_eq!(exit, Exit::Rejects);
        assert!(!text.contains("All") && text.contains("9 records of the export can't be sent"), "{text}");
        let (exit, text) = said(&outcome(55, 5, Ended::Done), 0, 0, 0);
        assert_eq!(exit, Exit::Rejects);
        assert!(text.contains("5 were refused by the server"), "{text}");
        let (exit, text) = said(&outcome(60, 0, Ended::NothingToDo), 0, 0, 0);
        assert_eq!(exit, Exit::Done);
        assert!(
            text.starts_with("Nothing to do: all 60 messages") && text.contains("`verify` tells"),
            "{text}"
        );
    }
}
