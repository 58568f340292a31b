//! `run`: prepare if needed, preflight, import, verdict. The same command again resumes.

mod args;
mod back;
mod first;
mod night;
mod send;

use std::io::{IsTerminal, stderr};
use std::path::Path;

use tokio::runtime::Runtime;

use super::clock::Clock;
use super::context::{Context, note};
use super::prepare::{Prepared, Taking, job_failure, prepare};
use super::{Exit, Failure, OrFail, check, hook, media, rehearsal, server, shard, stop};
use crate::before::Given;
use crate::control::{Desk, End, Endpoint, Wishes};
use crate::job::Shard;
use crate::message::Release;
use crate::openim::{self, Client};
use crate::report;
pub(super) use args::RunArgs;
use night::Night;
pub(super) use send::{failure, send, settings};

/// The command.
pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let dir = if args.rehearse { context.rehearsal_job() } else { context.job() };
    let desk = desk(context, args)?;
    let asked = args.endpoint.or(&context.file.import);
    let endpoint = runtime.block_on(asked.open(context, &desk))?;
    let ended = carry_out(context, args, &runtime, &desk, endpoint.as_ref());
    if let Err(failure) = &ended {
        let verdict = failure.in_words();
        context.board.ended(End { exit_code: failure.exit.code(), verdict, ..End::default() });
    }
    if let (Some(command), Some(end)) = (&args.on_end, context.board.end()) {
        hook::on_end(command, &end, &dir.display().to_string());
    }
    if asked.ui.is_some() && stderr().is_terminal() {
        note("the page stays until it is closed there, or by Ctrl-C here")?;
        runtime.block_on(stop::until_closed(&desk));
    } else if let Some(endpoint) = &endpoint {
        runtime.block_on(endpoint.last_look());
    }
    ended
}

/// What the command line says, where others may say something else later.
fn desk(context: &Context, args: &RunArgs) -> Result<Desk, Failure> {
    // Which part of a rate is a shard's own is put to it with what the timetable says.
    let settings = settings(context, &args.pace, args.on_reject, Shard::WHOLE)?;
    let rate = args.pace.rate.or(context.file.import.rate).map(|rate| rate.0);
    Ok(Desk::new(settings.dial, Wishes::new(rate, settings.connections, settings.max_lag)))
}

fn carry_out(
    context: &Context,
    args: &RunArgs,
    runtime: &Runtime,
    desk: &Desk,
    endpoint: Option<&Endpoint>,
) -> Result<Exit, Failure> {
    let release = args.server.release.or(context.file.server.release);
    if args.media {
        shard::refuse(args.shard.shard, shard::NO_MEDIA)?;
    }
    if args.rehearse {
        let dir = context.rehearsal_job();
        context.board.name(&dir.display().to_string(), "a rehearsal server");
        rehearsal::make_room(&dir)?;
        let (server, settings) = runtime.block_on(rehearsal::start(release.unwrap_or_default()))?;
        if args.media {
            files_first(context, args, &dir, &settings)?;
            rehearsal::mark(&dir)?;
        }
        let clock = Clock::new(context, &args.clock, &dir)?;
        let Some(prepared) = ready(context, args, &dir, release, &clock)? else { return Ok(Exit::Check) };
        rehearsal::mark(&dir)?;
        return runtime.block_on(async {
            let night =
                Night { context, args, client: client(&settings)?, clock, desk, endpoint, rehearsed: true };
            let exit = Box::pin(night.pass(prepared)).await;
            server.stop().await.or_fail(Exit::Internal)?;
            exit
        });
    }
    let dir = context.job();
    rehearsal::refuse(&dir)?;
    // Without an address or a secret nothing has to be read first.
    let settings = server::settings(context, &args.server)?;
    context.board.name(&dir.display().to_string(), &settings.api);
    let clock = Clock::new(context, &args.clock, &dir)?;
    if args.media {
        context.board.phase("media");
        files_first(context, args, &dir, &settings)?;
    } else {
        media::must_be_over(&dir, args.add)?;
    }
    let Some(prepared) = ready(context, args, &dir, release, &clock)? else { return Ok(Exit::Check) };
    let night = Night { context, args, client: client(&settings)?, clock, desk, endpoint, rehearsed: false };
    runtime.block_on(night.pass(prepared))
}

/// Uploads the files that messages show, before the first message.
fn files_first(
    context: &Context,
    args: &RunArgs,
    dir: &Path,
    settings: &openim::Settings,
) -> Result<(), Failure> {
    let part = !args.only.is_empty() || args.canary.is_some();
    let where_to = (dir, args.add, args.server.wait_for_server, part);
    media::before_run(context, &args.source, &args.how, where_to, settings)
}

fn client(settings: &openim::Settings) -> Result<Client, Failure> {
    Client::new(settings).or_fail(Exit::Usage)
}

/// The job, ready to be sent from; `None` where it has errors that nobody said to skip.
fn ready(
    context: &Context,
    args: &RunArgs,
    dir: &Path,
    release: Option<Release>,
    clock: &Clock,
) -> Result<Option<Prepared>, Failure> {
    let taking = if args.add { Taking::Next } else { Taking::Whole };
    let prepared =
        prepare(context, dir, &args.source, args.shard.shard, release.unwrap_or_default(), taking)?;
    let skip = args.source.skip_invalid || context.file.import.skip_invalid;
    if prepared.is_new {
        check::say_shard(context, &prepared.job)?;
        context.say(&check::text(&prepared.summary, dir))?;
        if !args.rehearse {
            let rate = args.pace.rate.map(|rate| rate.0.get());
            let given = Given { release: release.unwrap_or_default(), rate, ..Given::default() };
            let reader = prepared.job.reader().map_err(job_failure)?;
            check::say_night(context, given, &reader, clock)?;
        }
    }
    let (exit, verdict) = check::verdict(&prepared.summary, skip);
    // What is being sent goes on; a further pass with errors is not begun.
    if exit != Exit::Check || !prepared.job.has_unsent().map_err(job_failure)? {
        return Ok(Some(prepared));
    }
    context.end(&report::Summary {
        command: "run",
        verdict,
        exit_code: exit.code(),
        ..check::figures(&prepared.job, &prepared.summary)?
    })?;
    Ok(None)
}
