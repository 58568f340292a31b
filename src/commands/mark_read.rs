//! `mark-read`, and `run --mark-read`: nobody is to wake up to 40,000 unread messages.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::afterwards::{self, LookArgs};
use super::context::{Context, note, print};
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, server, stop};
use crate::after::{self, MarkReport};
use crate::config::ServerArgs;
use crate::report::{Progress, Snapshot, Unit, count, plural};

/// `mark-read`.
#[derive(Debug, Args)]
pub struct MarkReadArgs {
    /// Only the positions of this file, CSV with a header or JSON lines: userID; conversationID, groupID or peerID;
    /// id of the last message read, readTime or hasReadSeq [default: everything imported is read by everybody]
    #[arg(long, value_name = "FILE")]
    pub positions: Option<PathBuf>,
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
    positions: u64,
    moved: u64,
    already: u64,
    refused: u64,
    unknown: u64,
    seconds: f64,
    exit_code: u8,
}

/// The command.
pub(super) fn mark_read(context: &Context, args: &MarkReadArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let job = afterwards::job(context)?;
    afterwards::must_be_started(&job)?;
    let reader = job.reader().map_err(job_failure)?;
    let client = server::client(context, &args.server)?;
    afterwards::notice_another_server(&reader, &client)?;
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let report = runtime.block_on(async {
        let settings = args.look.settings(context, &reader, &stop::listen())?;
        server::reach(&client, args.server.wait_for_server, (server::Work::Afterwards, settings.give_up))
            .await?;
        let done = Arc::new(AtomicU64::new(0));
        let watched = Arc::clone(&done);
        let look = move || Snapshot {
            phase: "mark read",
            unit: Unit::Steps,
            done: watched.load(Ordering::Relaxed),
            ..Snapshot::default()
        };
        let drawn = Progress::start(context.style, Arc::new(look));
        let tell = |positions| done.store(positions, Ordering::Relaxed);
        let report = match &args.positions {
            None => after::mark_read(client, &reader, settings, tell).await,
            Some(path) => after::mark_read_from(client, &reader, settings, path, tell).await,
        };
        drawn.finish();
        report.map_err(afterwards::failure)
    })?;
    for line in &report.unknown {
        note(line)?;
    }
    let more = report.unknown_lines - report.unknown.len() as u64;
    if more > 0 {
        note(&format!(
            "and {} nothing of this job",
            plural(more, "line more that names", "lines more that name")
        ))?;
    }
    let exit = if report.refused + report.unknown_lines > 0 { Exit::Rejects } else { Exit::Done };
    let verdict = verdict(&report);
    afterwards::note_deed(&reader, "mark-read", &verdict)?;
    if !context.json() {
        return print(&verdict).map(|()| exit);
    }
    let outcome = Outcome {
        command: "mark-read",
        verdict,
        positions: report.positions,
        moved: report.moved,
        already: report.already,
        refused: report.refused,
        unknown: report.unknown_lines,
        seconds: began.elapsed().as_secs_f64(),
        exit_code: exit.code(),
    };
    context.print_json(&outcome).map(|()| exit)
}

/// What became of read positions, in one sentence.
pub(super) fn verdict(report: &MarkReport) -> String {
    let mut parts = vec![
        format!("{} moved forward", count(report.moved)),
        format!("{} there already", plural(report.already, "was", "were")),
    ];
    if report.refused > 0 {
        parts.push(format!("{} refused by the server", plural(report.refused, "was", "were")));
    }
    if report.unknown_lines > 0 {
        parts.push(format!(
            "{} nothing of this job",
            plural(report.unknown_lines, "line names", "lines name")
        ));
    }
    format!("Read positions: {}.", parts.join(", "))
}
