//! `adopt`: the job is lost, the server has part of the history.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;

use super::context::Context;
use super::prepare::{Prepared, Taking, job_failure, now, prepare};
use super::shard::{self, ShardArgs};
use super::{Exit, Failure, OrFail, afterwards, check, rehearsal, server, stop};
use crate::after::{self, Adopted};
use crate::config::{PaceArgs, ServerArgs, SourceArgs};
use crate::import::Limits;
use crate::job::Job;
use crate::openim::Client;
use crate::report::{self, Progress, Snapshot, count, plural};

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The same sources as of the import that was lost, and whatever narrowed it.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which part of them.
    #[command(flatten)]
    pub shard: ShardArgs,
    /// Where they were sent.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,
}

/// The command.
pub(super) fn adopt(context: &Context, args: &AdoptArgs) -> Result<Exit, Failure> {
    let dir = context.job();
    rehearsal::refuse(&dir)?;
    let client = Client::new(&server::settings(context, &args.server)?).or_fail(Exit::Usage)?;
    let release = args.server.release.or(context.file.server.release).unwrap_or_default();
    let Prepared { mut job, summary, is_new } =
        prepare(context, &dir, &args.source, args.shard.shard, release, Taking::Whole)?;
    if is_new {
        context.say(&check::text(&summary, &dir))?;
    }
    refuse_begun(&job)?;
    let skip = args.source.skip_invalid || context.file.import.skip_invalid;
    let (exit, verdict) = check::verdict(&summary, skip);
    if exit == Exit::Check {
        context.end(&report::Summary {
            command: "adopt",
            verdict,
            exit_code: exit.code(),
            ..check::figures(&job, &summary)?
        })?;
        return Ok(exit);
    }
    let began = Instant::now();
    let adopted = Arc::new(Adopted::default());
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    runtime.block_on(read(context, args, client, &mut job, &adopted))?;
    let reader = job.reader().map_err(job_failure)?;
    let mut summary =
        report::Summary { command: "adopt", ..super::status::figures(std::slice::from_ref(&reader))? };
    let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
    summary.already_there = of(&adopted.found);
    summary.hidden = of(&adopted.hidden);
    summary.out_of_place = of(&adopted.late);
    summary.seconds = began.elapsed().as_secs_f64();
    summary.verdict = verdict_of(&adopted, summary.messages);
    summary.exit_code = Exit::Done.code();
    context.say(&details(&adopted))?;
    context.end(&summary)?;
    Ok(Exit::Done)
}

/// What a job knows of its own progress is worth more than what can be found out.
fn refuse_begun(job: &Job) -> Result<(), Failure> {
    let standing = job.reader().and_then(|reader| reader.standing()).map_err(job_failure)?;
    if standing.activated == 0 {
        return Ok(());
    }
    let dir = job.dir().display();
    Err(Failure::new(
        Exit::Usage,
        format!(
            "the job in `{dir}` is not lost: it has begun with {}, and `run` goes on with it. To build it anew from the \
             server all the same, name another folder with --job, or remove this one first",
            plural(standing.activated, "conversation", "conversations")
        ),
    ))
}

async fn read(
    context: &Context,
    args: &AdoptArgs,
    client: Client,
    job: &mut Job,
    adopted: &Arc<Adopted>,
) -> Result<(), Failure> {
    let (file, usual) = (&context.file.import, after::Settings::default());
    let stopped = stop::listen();
    let settings = after::Settings {
        connections: args.pace.connections.unwrap_or(usual.connections),
        rate: shard::share(args.pace.rate.map(|rate| rate.0), job.shard().map_err(job_failure)?)?,
        give_up: args.pace.give_up.or(file.give_up).unwrap_or(usual.give_up),
        stop: stopped.drain,
        ..usual
    };
    let quiet = args.pace.unanswered_wait.or(file.unanswered_wait).unwrap_or(Limits::default().cut_wait);
    server::reach(&client, args.server.wait_for_server, (server::Work::Fresh, settings.give_up)).await?;
    let watched = Arc::clone(adopted);
    let drawn = Progress::start(context.style, Arc::new(move || snapshot(&watched)));
    let result = after::adopt(client, job, settings, quiet, now().0, Arc::clone(adopted)).await;
    drawn.finish();
    result.map_err(afterwards::failure)
}

fn verdict_of(adopted: &Adopted, messages: u64) -> String {
    let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let (found, not_there) = (of(&adopted.found), of(&adopted.not_there));
    let left = messages.saturating_sub(found + not_there);
    if found == 0 && of(&adopted.behind) == 0 {
        let of = plural(messages, "message", "messages");
        return format!("Of {of} nothing is on the server: `run` begins with the first.");
    }
    let next = match left {
        0 => "`run` looks whether anything is still to be settled, `verify` compares everything".to_owned(),
        left => format!("{} to go: `run` goes on", plural(left, "is", "are")),
    };
    format!(
        "Adopted: {} of {} on the server, in {} of {}; {next}.",
        count(found),
        plural(messages, "message is", "messages are"),
        count(of(&adopted.begun)),
        plural(of(&adopted.conversations), "conversation", "conversations"),
    )
}

/// What was found besides, for people.
fn details(adopted: &Adopted) -> String {
    let mut out = String::new();
    for (number, what) in [
        (&adopted.behind, "behind one that is missing: `run` takes them back and sends them again in order"),
        (&adopted.strays, "of ours a second time in the wrong place: `run` deletes them"),
        (&adopted.doubled, "copied by the server itself (law 5): `run --repair` deletes them"),
        (
            &adopted.not_there,
            "missing although many later ones are there: refused by the server, or deleted since. They are rejects of \
             the new job: see rejected.jsonl; `retry` sends them, behind what is there",
        ),
        (
            &adopted.late,
            "behind later ones, where they stay: `verify --client` tells whether users can scroll them",
        ),
        (&adopted.hidden, "with an empty slot: deleted by somebody, or hidden by the server's cache (law 3)"),
        (&adopted.foreign, "of others, left alone"),
    ] {
        let number = number.load(Ordering::Relaxed);
        if number > 0 {
            writeln!(out, "{} {what}", plural(number, "message", "messages"))
                .expect("a String takes everything");
        }
    }
    let blank = adopted.blank.load(Ordering::Relaxed);
    if blank > 0 {
        writeln!(
            out,
            "in {} nobody sees anything (-v names them): what stood there was deleted, or the people of this history may \
             not read it; `run` would send all of it",
            plural(blank, "conversation", "conversations")
        )
        .expect("a String takes everything");
    }
    out
}

fn snapshot(adopted: &Adopted) -> Snapshot {
    let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
    Snapshot {
        phase: "adopt",
        done: of(&adopted.found),
        total: of(&adopted.messages),
        conversations_done: of(&adopted.looked_at),
        conversations: of(&adopted.conversations),
        ..Snapshot::default()
    }
}
