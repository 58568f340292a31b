//! `undo`: takes an import back.

use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::afterwards::{self, LookArgs};
use super::context::{Context, note, print};
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, media, server, stop, verify};
use crate::after::{self, UndoReport};
use crate::config::ServerArgs;
use crate::job::{Job, JobReader, Left};
use crate::openim::Client;
use crate::report::{Progress, Snapshot, count, plural};

/// `undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
    /// Cut the conversations off also where others have written: what they wrote is hidden from everybody as well, and
    /// what is sent anew is all that anybody sees
    #[arg(long)]
    pub cut: bool,
    /// Where the messages are.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Outcome {
    command: &'static str,
    verdict: String,
    conversations: u64,
    deleted: u64,
    kept: u64,
    failed: u64,
    /// Conversations in which others have written, and which users can't scroll to the start.
    not_scrollable: Vec<String>,
    seconds: f64,
    exit_code: u8,
}

/// The command.
pub(super) fn undo(context: &Context, args: &UndoArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let mut job = afterwards::job(context)?;
    afterwards::must_be_started(&job)?;
    let reader = job.reader().map_err(job_failure)?;
    let client = server::client(context, &args.server)?;
    afterwards::notice_another_server(&reader, &client)?;
    let standing = reader.standing().map_err(job_failure)?;
    let what = if args.look.only.is_empty() {
        format!(
            "all messages that this job imported ({} confirmed ones)",
            count(standing.passed - standing.rejected)
        )
    } else {
        format!("the messages that this job imported in {}", args.look.only.join(", "))
    };
    let mut question = format!(
        "This deletes {what} on {}, for everybody. Apps that have shown them already keep them.",
        client.api()
    );
    if args.cut {
        question.push_str(
            " And it cuts these conversations off: what others have written there is hidden from everybody, for good.",
        );
    }
    if let Some(stay) = media::that_stay(&job, &reader)? {
        if args.yes {
            note(&stay)?;
        }
        question.push(' ');
        question.push_str(&stay);
    }
    if !afterwards::is_confirmed(job.dir(), args.yes, &question)? {
        return Err(Failure::new(Exit::Usage, "that was not its name: nothing was deleted"));
    }
    verify::forget(&job)?;
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let (report, broken) = runtime.block_on(async {
        let settings = args.look.settings(context, &reader, &stop::listen())?;
        server::reach(&client, args.server.wait_for_server, (server::Work::Afterwards, settings.give_up))
            .await?;
        let done = Arc::new(AtomicU64::new(0));
        let (watched, total) = (Arc::clone(&done), standing.passed);
        let look = move || Snapshot {
            phase: "undo",
            done: watched.load(Ordering::Relaxed),
            total,
            ..Snapshot::default()
        };
        let drawn = Progress::start(context.style, Arc::new(look));
        let report = after::undo(client.clone(), &mut job, settings.clone(), args.cut, |messages| {
            done.fetch_add(messages, Ordering::Relaxed);
        });
        let report = report.await;
        drawn.finish();
        let report = report.map_err(afterwards::failure)?;
        let broken = broken(client, &reader, &settings).await.map_err(afterwards::failure)?;
        Ok::<_, Failure>((report, broken))
    })?;
    name_what_is_left(&job, &reader)?;
    let exit = match report.failed {
        0 if broken.is_empty() => Exit::Done,
        0 => Exit::Difference,
        _ => Exit::Unfinished,
    };
    let verdict = verdict(&report, &broken);
    if !context.json() {
        return print(&verdict).map(|()| exit);
    }
    let UndoReport { conversations, deleted, kept, failed } = report;
    let outcome = Outcome {
        command: "undo",
        verdict,
        conversations,
        deleted,
        kept,
        failed,
        not_scrollable: broken,
        seconds: began.elapsed().as_secs_f64(),
        exit_code: exit.code(),
    };
    context.print_json(&outcome).map(|()| exit)
}

/// Where others have written, empty slots are left in the place of ours, and not everybody's app gets past them (law 15).
async fn broken(
    client: Client,
    reader: &JobReader,
    settings: &after::Settings,
) -> Result<Vec<String>, after::AfterError> {
    let mut broken = Vec::new();
    let tell = |one: after::Scrolled| {
        // Of those that are cut off nobody is shown anything, and nothing is left to scroll.
        if one.seen.is_ok_and(|judgement| !judgement.scrolls()) {
            broken.push(one.name);
        }
        Ok(())
    };
    after::scroll(client, reader, settings, false, tell).await?;
    broken.sort();
    Ok(broken)
}

/// How it ended, in a few sentences.
fn verdict(report: &UndoReport, broken: &[String]) -> String {
    const SHOWN: usize = 5;
    let UndoReport { conversations, deleted, kept, failed } = *report;
    let deleted = format!(
        "{} deleted in {}",
        plural(deleted, "message", "messages"),
        plural(conversations, "conversation", "conversations")
    );
    let kept_ones = match kept {
        0 => String::new(),
        n => format!(", {} kept: they are not ours any more", count(n)),
    };
    let failed_ones = match failed {
        0 => String::new(),
        n => format!(", {} could not be deleted; the same command tries them again", count(n)),
    };
    let named = if kept + failed > 0 { format!(" ({LEFT} names each)") } else { String::new() };
    let unscrollable = if broken.is_empty() {
        String::new()
    } else {
        let more = if broken.len() > SHOWN { ", …" } else { "" };
        format!(
            " {} ({}{more}) can't be scrolled to the start by every app: others have written there, and empty slots are left \
             where the messages were. `undo --only NAME --cut` hides all that stands there from everybody.",
            plural(broken.len() as u64, "conversation", "conversations"),
            broken[..broken.len().min(SHOWN)].join(", "),
        )
    };
    format!("{deleted}{kept_ones}{failed_ones}{named}. `run --again` would send them anew.{unscrollable}")
}

/// What was not deleted, each with the reason; a file in the job.
const LEFT: &str = "undo-left.jsonl";

/// A line of that file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    conversation: &'a str,
    seq: i64,
    fate: &'static str,
    reason: &'a str,
}

/// Writes down what was not deleted, and shows the first of it.
fn name_what_is_left(job: &Job, reader: &JobReader) -> Result<(), Failure> {
    const PAGE: usize = 500;
    const SHOWN: usize = 20;
    if reader.left_by_undo(None, 1).map_err(job_failure)?.is_empty() {
        return Ok(());
    }
    let mut file = BufWriter::new(job.new_file(LEFT).map_err(job_failure)?);
    let (mut after, mut shown) = (None, 0);
    loop {
        let page = reader.left_by_undo(after, PAGE).map_err(job_failure)?;
        let Some((conv, last)) = page.last() else { break };
        after = Some((*conv, last.ordinal, last.seq));
        for (conv, Left { seq, is_kept, reason, .. }) in &page {
            let conversation = reader.conversation(*conv).map_err(job_failure)?;
            let conversation = conversation.map_or_else(String::new, |conversation| conversation.id().0);
            let fate = if *is_kept { "kept" } else { "failed" };
            let line = Line { conversation: &conversation, seq: seq.0, fate, reason };
            serde_json::to_writer(&mut file, &line).or_fail(Exit::Internal)?;
            file.write_all(b"\n").or_fail(Exit::Internal)?;
            if shown < SHOWN {
                note(&format!("{fate} {conversation} seq {seq}: {reason}"))?;
                shown += 1;
            }
        }
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).or_fail(Exit::Internal)?;
    file.keep().or_fail(Exit::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_ends_in_words() {
        let report = UndoReport { conversations: 2, deleted: 3_000, kept: 1, failed: 2 };
        assert_eq!(
            verdict(&report, &[]),
            "3,000 messages deleted in 2 conversations, 1 kept: they are not ours any more, 2 could not be deleted; \
             the same command tries them again (undo-left.jsonl names each). `run --again` would send them anew."
        );
        let report = UndoReport { kept: 0, failed: 0, ..report };
        let broken: Vec<String> = (1..=7).map(|n| format!("sg_{n}")).collect();
        assert_eq!(
            verdict(&report, &broken),
            "3,000 messages deleted in 2 conversations. `run --again` would send them anew. 7 conversations (sg_1, sg_2, sg_3, \
             sg_4, sg_5, …) can't be scrolled to the start by every app: others have written there, and empty slots are left \
             where the messages were. `undo --only NAME --cut` hides all that stands there from everybody."
        );
    }
}
