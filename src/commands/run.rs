//! `run`: prepare if needed, preflight, import, verdict. The same command again resumes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::context::{Context, note};
use super::preflight::{self, Verdict as Looked};
use super::prepare::{Prepared, Taking, job_failure, now, prepare};
use super::stop::Stop;
use super::{Exit, Failure, OrFail, check, provision, rehearsal, server};
use crate::before::{Depth, Looks, Stage};
use crate::cli::RunArgs;
use crate::config;
use crate::import::{self, Outcome};
use crate::job::{Job, JobReader};
use crate::message::Release;
use crate::openim::{self, Client};
use crate::report::{self, Progress, Snapshot, count};

/// The command.
pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let release = args.server.release.or(context.file.server.release);
    if args.rehearse {
        let dir = context.rehearsal_job();
        rehearsal::make_room(&dir)?;
        let Some(prepared) = ready(context, args, &dir, release)? else { return Ok(Exit::Check) };
        rehearsal::mark(&dir)?;
        return runtime.block_on(async {
            let (server, settings) = rehearsal::start(release.unwrap_or_default()).await?;
            let exit = Night::new(context, args, &settings)?.pass(prepared, true).await;
            server.stop().await.or_fail(Exit::Internal)?;
            exit
        });
    }
    let dir = context.job();
    rehearsal::refuse(&dir)?;
    // Without an address or a secret nothing has to be read first.
    let settings = server::settings(context, &args.server)?;
    let Some(prepared) = ready(context, args, &dir, release)? else { return Ok(Exit::Check) };
    runtime.block_on(async { Night::new(context, args, &settings)?.pass(prepared, args.provision).await })
}

/// The job, ready to be sent from; `None` where it has errors that nobody said to skip.
fn ready(
    context: &Context,
    args: &RunArgs,
    dir: &Path,
    release: Option<Release>,
) -> Result<Option<Prepared>, Failure> {
    let taking = if args.add { Taking::Next } else { Taking::Whole };
    let prepared = prepare(context, dir, &args.source, release.unwrap_or_default(), taking)?;
    let skip = args.source.skip_invalid || context.file.import.skip_invalid;
    if prepared.is_new {
        context.say(&check::text(&prepared.summary, dir))?;
    }
    let (exit, verdict) = check::verdict(&prepared.summary, skip);
    if exit != Exit::Check || prepared.job.is_started().map_err(job_failure)? {
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
