//! `check`: everything but the sending. No network, unless a server is named.

mod logins;
mod who;

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::clock::Clock;
use super::context::Context;
use super::fit::Fit;
use super::occupied::WayArgs;
use super::preflight::{self, PreflightArgs, Verdict};
use super::prepare::{Prepared, Taking, job_failure, prepare};
use super::shard::ShardArgs;
use super::{Exit, Failure, OrFail, night, occupied, probe, server, shard};
use crate::before::{Forecast, Given, Looks, Occupied};
use crate::config::{ClockArgs, ServerArgs, Size, SourceArgs};
use crate::finding::Severity;
use crate::job::{Job, JobReader, PassNo};
use crate::openim::Client;
use crate::prepare::{Summary, Unread};
use crate::report::{self, count, plural};

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which part of it.
    #[command(flatten)]
    pub shard: ShardArgs,
    /// Read the sources as the job's next pass, which `run` then sends: only what is new
    #[arg(long)]
    pub add: bool,
    /// Memory that the server's Redis may take, such as `64GB`: the forecast then says whether it bears the pace. Every
    /// message stays there for 24 hours
    #[arg(long, value_name = "SIZE")]
    pub redis_memory: Option<Size>,
    /// Measure what the server can store, with --api: the admin writes 2,000 messages to himself, which are taken back. The
    /// forecast rests on that
    #[arg(long, requires = "api")]
    pub probe: bool,
    /// Table of people for `provision --accounts`: who will be able to log in, and who won't
    #[arg(long, value_name = "FILE", help_heading = "Accounts (docs/accounts.md)")]
    pub accounts: Option<std::path::PathBuf>,
    /// With an address, the server is looked at too (preflight).
    #[command(flatten)]
    pub server: ServerArgs,
    /// What the preflight may find.
    #[command(flatten)]
    pub preflight: PreflightArgs,
    /// What becomes of conversations in which people have written already.
    #[command(flatten)]
    pub ways: WayArgs,
}

pub(super) fn check(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    if args.ways.are_given() {
        shard::refuse(args.shard.shard, NO_WAYS)?;
        occupied::refuse_what_has_begun(context, args)?;
    }
    look(context, args, true)
}

/// Why a shard decides on no conversations in which people have written.
const NO_WAYS: &str = "--archive and --behind write one table for all shards: give them to a `check` of the whole export, \
    without --shard, and the table that it writes to every shard";

/// `finds_places`: conversations in which people have written are given what was asked for them.
fn look(context: &Context, args: &CheckArgs, finds_places: bool) -> Result<Exit, Failure> {
    let started = std::time::Instant::now();
    let release = args.server.release.or(context.file.server.release).unwrap_or_default();
    let dir = context.job();
    let taking = if args.add { Taking::Next } else { Taking::Whole };
    let Prepared { job, summary, .. } =
        prepare(context, &dir, &args.source, args.shard.shard, release, taking)?;
    say_shard(context, &job)?;
    context.say(&text(&summary, &dir))?;
    let reader = job.reader().map_err(job_failure)?;
    let files = reader.sources(PassNo(summary.pass)).map_err(job_failure)?.len();
    context.say(&who::who_could_read(&reader, files).map_err(job_failure)?)?;
    let table = args.accounts.as_deref().or(context.file.accounts.file.as_deref());
    if let Some(said) = logins::who_can_log_in(context, table, &reader)? {
        context.say(&said)?;
    }
    let redis = args.redis_memory.map(|memory| memory.0);
    let clock = Clock::new(context, &ClockArgs::default(), &dir)?;
    let mut given = Given { release, redis, ..Given::default() };
    let mut forecast =
        if args.probe && finds_places { None } else { say_night(context, given, &reader, &clock)? };
    let skip = args.source.skip_invalid || context.file.import.skip_invalid;
    let (mut exit, mut verdict) = verdict(&summary, skip);
    // The address of the configuration is for `run`: `check` goes out only where it is told to.
    if args.server.api.is_some() {
        let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
        let client = server::client(context, &args.server)?;
        let (looked, occupied) = runtime.block_on(look_at_server(context, args, &client, &reader))?;
        if args.probe && finds_places {
            given.part = Some(runtime.block_on(probe::probe(context, &client, &dir))?);
            forecast = say_night(context, given, &reader, &clock)?;
        }
        if finds_places && args.ways.are_given() {
            let ways = runtime.block_on(args.ways.find(&client, &reader, &occupied))?;
            if !ways.is_empty() {
                let config = occupied::write(context, ways)?;
                drop((reader, job));
                // What is prepared follows the table, and is looked at once more.
                return look(&context.reread(&config)?, args, false);
            }
        }
        if let Verdict::Refused(refusal) = looked {
            verdict = format!("{verdict} {refusal}");
            if exit != Exit::Check {
                exit = Exit::Preflight;
            }
        }
    }
    let (records, unread) = (summary.records, summary.unread.clone());
    let summary = report::Summary {
        command: "check",
        verdict,
        seconds: started.elapsed().as_secs_f64(),
        exit_code: exit.code(),
        ..figures(&job, &summary)?
    };
    if context.json() {
        let fit = forecast.as_ref().and_then(|forecast| clock.fit(forecast));
        context.print_json(&Checked { summary, forecast, fit, records, unread })?;
    } else {
        context.end(&summary)?;
    }
    Ok(exit)
}

async fn look_at_server(
    context: &Context,
    args: &CheckArgs,
    client: &Client,
    reader: &JobReader,
) -> Result<(Verdict, Vec<Occupied>), Failure> {
    let allowed = args.preflight.allowed()?;
    let looks = Looks {
        depth: args.preflight.depth(),
        release: args.server.release.or(context.file.server.release),
        rate: context.file.import.rate.map(|rate| rate.0.get()),
        ..Looks::new(Some(reader))
    };
    let waits = (server::Work::Fresh, server::give_up(context));
    server::reach(client, args.server.wait_for_server, waits).await?;
    preflight::look(client, &looks, &allowed, context).await
}

/// Says that this is a part only.
pub(super) fn say_shard(context: &Context, job: &Job) -> Result<(), Failure> {
    let reader = job.reader().map_err(job_failure)?;
    shard::in_words(&reader)?.map_or(Ok(()), |shard| context.say(&format!("{shard} of the export:")))
}

/// The object of `--json`: that of every command, and the forecast; `null` where nothing is left to send.
#[derive(Debug, Serialize)]
struct Checked {
    #[serde(flatten)]
    summary: report::Summary,
    forecast: Option<Forecast>,
    /// Whether it fits into the night, where the configuration says when that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<Fit>,
    /// Records that were read.
    records: u64,
    /// Files of folders and archives that were not read, by reason.
    unread: BTreeMap<String, Unread>,
}

/// How long it will take, said before anybody has to decide.
pub(super) fn say_night(
    context: &Context,
    given: Given,
    reader: &JobReader,
    clock: &Clock,
) -> Result<Option<Forecast>, Failure> {
    let rate = given.rate.or(context.file.import.rate.map(|rate| rate.0.get()));
    // All shards share the server, and are about as large.
    let shards = reader.shard().map_err(job_failure)?.of();
    let redis = given.redis.or(context.file.import.redis_memory.map(|memory| memory.0));
    let given = Given { rate, shards, redis, ..given };
    let forecast = Forecast::of(reader, &given).map_err(job_failure)?;
    if let Some(forecast) = &forecast {
        context.say(&night::words(forecast, given.redis, clock.fit(forecast).as_ref()))?;
    }
    Ok(forecast)
}

/// The figures of a job that was not sent yet.
pub(super) fn figures(job: &Job, summary: &Summary) -> Result<report::Summary, Failure> {
    let totals = job.reader().and_then(|reader| reader.totals()).map_err(job_failure)?;
    Ok(report::Summary {
        messages: totals.messages,
        conversations: totals.conversations,
        rejected: summary.rejected + summary.unmapped,
        skipped: summary.left_out.values().sum(),
        duplicates_in_source: summary.duplicates_in_source,
        already_there: summary.known,
        older: summary.older,
        ..report::Summary::default()
    })
}

/// Whether it may be sent, in one sentence.
pub(super) fn verdict(summary: &Summary, skip_invalid: bool) -> (Exit, String) {
    let (errors, warnings) = (summary.errors(), summary.warnings());
    let warned = match warnings {
        0 => String::new(),
        n => format!(" ({})", plural(n, "warning", "warnings")),
    };
    if errors == 0 && summary.elsewhere > 0 && !skip_invalid {
        let text = format!(
            "{} that other shards have can't be sent: nothing was sent from this one either{warned}. Their shards name \
             what they have, and the first one what belongs to no conversation. Mend it, or send what can be sent with \
             --skip-invalid.",
            plural(summary.elsewhere, "record", "records")
        );
        return (Exit::Check, text);
    }
    if errors == 0 {
        return (
            Exit::Done,
            format!("Sound: {} can be sent{warned}.", plural(summary.messages, "message", "messages")),
        );
    }
    let invalid = summary.rejected + summary.unmapped;
    if skip_invalid {
        let text = format!(
            "{} can be sent, {} can't and are left out with --skip-invalid{warned}.",
            plural(summary.messages, "message", "messages"),
            count(invalid)
        );
        return (Exit::Rejects, text);
    }
    let text = format!(
        "{}{warned}: nothing was sent. Mend {}, or send the other {} with --skip-invalid.",
        plural(errors, "error", "errors"),
        if errors == 1 { "it" } else { "them" },
        plural(summary.messages, "message", "messages")
    );
    (Exit::Check, text)
}

/// What came out of a pass, for people.
pub(super) fn text(summary: &Summary, dir: &std::path::Path) -> String {
    let mut out = format!(
        "{} in {}",
        plural(summary.messages, "message", "messages"),
        plural(summary.conversations, "conversation", "conversations")
    );
    if let (Some(first), Some(last)) = (summary.first_time, summary.last_time) {
        line(&mut out, format_args!(", {} to {}", day(first), day(last)));
    } else {
        out.push('\n');
    }
    if summary.records > 0 {
        line(&mut out, format_args!("{} read", plural(summary.records, "record was", "records were")));
    }
    let left_out: u64 = summary.left_out.values().sum();
    if left_out > 0 {
        let reasons: Vec<String> =
            summary.left_out.iter().map(|(reason, n)| format!("{} {reason}", count(*n))).collect();
        line(&mut out, format_args!("left out on purpose: {}", reasons.join(", ")));
    }
    for (reason, files) in &summary.unread {
        let named: Vec<String> = files.first.iter().map(|name| format!("`{name}`")).collect();
        let more = if files.count > files.first.len() as u64 { ", …" } else { "" };
        line(
            &mut out,
            format_args!(
                "not read: {} × {reason} ({}): {}{more}",
                count(files.count),
                files.means,
                named.join(", ")
            ),
        );
    }
    for (n, what) in [
        (summary.duplicates_in_source, "stand in the sources more than once and are sent once"),
        (summary.known, "are known from an earlier pass"),
        (summary.older, "are older than what an earlier pass had in their conversation"),
        (summary.replies.quoting, "are replies that quote"),
        (summary.replies.as_text.values().sum(), "are replies that go out as text"),
    ] {
        if n > 0 {
            line(&mut out, format_args!("{} {what}", count(n)));
        }
    }
    if summary.behind > 0 {
        let n = plural(summary.behind, "is", "are");
        line(
            &mut out,
            format_args!(
                "{n} sent behind what people have written already, with times after that; their own stand in `ex` \
                 (writtenAt)"
            ),
        );
    }
    if summary.spread > 0 {
        let (n, most) = (plural(summary.spread, "is", "are"), count(summary.spread_most));
        line(
            &mut out,
            format_args!("{n} sent up to {most} ms later, so that times rise and apps can scroll"),
        );
    }
    beside(summary, dir, &mut out);
    for found in &summary.findings {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let at =
            if found.first_place.is_empty() { String::new() } else { format!(" {}:", found.first_place) };
        line(
            &mut out,
            format_args!("\n{severity}: {} × {}:{at} {}", count(found.count), found.code, found.first_value),
        );
        line(&mut out, format_args!("  {}; {}", found.means, found.mend));
    }
    if !summary.findings.is_empty() {
        line(&mut out, format_args!("\nevery one of them: {}", dir.join("findings.jsonl").display()));
    }
    out
}

/// What the export has besides messages, and what takes it.
fn beside(summary: &Summary, dir: &std::path::Path, out: &mut String) {
    if summary.to_upload > 0 {
        let list = dir.join(crate::job::UPLOADS);
        let n = plural(summary.to_upload, "file has", "files have");
        line(out, format_args!("{n} to be put where everybody can read them, see {}", list.display()));
    }
    if summary.faces > 0 {
        let n = plural(
            summary.faces,
            "picture of a user or group is a file",
            "pictures of users and groups are files",
        );
        line(
            out,
            format_args!(
                "{n} of the export: `media` and `run --media` upload what is there, `provision` gives it to its people"
            ),
        );
    }
    for (n, what, file, command) in [
        (summary.told.groups, "groups with their members", crate::job::GROUPS, "provision"),
        (summary.told.friends, "users with their friends", crate::job::FRIENDS, "provision --stage after"),
        (summary.told.blacks, "block lists", crate::job::BLACKS, "provision --stage after"),
        (summary.told.mutes, "mutes", crate::job::MUTES, "provision --stage after"),
        (summary.told.kept, "pins and bells", crate::job::KEPT, "provision --stage after"),
        (summary.told.read, "read positions", crate::job::READ, "mark-read --positions"),
        (summary.told.emails, "users with their e-mail", crate::job::EMAILS, "provision --accounts"),
    ] {
        if n > 0 {
            let file = dir.join(file);
            line(out, format_args!("{} {what} in {}, for `{command}`", count(n), file.display()));
        }
    }
}

/// The day of a time, in UTC.
fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |time| time.strftime("%Y-%m-%d").to_string())
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    writeln!(out, "{text}").expect("a String takes everything");
}
