//! What `check` and `run` have in common: the sources become a pass of the job, or are the ones it has.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::context::{Context, note};
use super::intake::{self, Intake, Plan};
use super::{Exit, Failure, OrFail, media, shard};
use crate::after::AGAIN;
use crate::config::{EqualTimes, OlderMessages, SourceArgs, TimeSection};
use crate::job::{Job, JobError, JobReader, PassInfo, Shard, SourceInfo};
use crate::message::{Release, SendTime, SourceNo};
use crate::prepare::{self, Look, Phase, PrepareError, Rules, Summary};
use crate::report::{Snapshot, Unit};

/// How sources are to be taken into a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    /// They are the job: what it holds was made of them or, if nothing was sent yet, is made anew.
    Whole,
    /// They are its next pass.
    Next,
}

/// A job that can be sent from, and what came out of its last pass.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Held by this process.
    pub(super) job: Job,
    /// Of its last pass.
    pub(super) summary: Summary,
    /// That pass was made just now.
    pub(super) is_new: bool,
}

/// Reads the sources into the job in that folder, unless it is made of them already; of these, what is of that shard.
pub(super) fn prepare(
    context: &Context,
    dir: &Path,
    args: &SourceArgs,
    asked: Option<Shard>,
    release: Release,
    taking: Taking,
) -> Result<Prepared, Failure> {
    let mut plan = Plan::new(&context.file, args)?;
    plan.release = release;
    let mut job = Job::create(dir).map_err(job_failure)?;
    let shard = shard::settle(&mut job, asked)?;
    plan.uploaded = Arc::new(media::uploaded(&job.reader().map_err(job_failure)?)?);
    let settings = format!("{release} {}", plan.settings());
    if taking == Taking::Whole {
        let reader = job.reader().map_err(job_failure)?;
        let mut passes = reader.passes().map_err(job_failure)?;
        // What went out once more came from no sources.
        passes.retain(|pass| pass.settings != AGAIN);
        if let Some(last) = passes.pop() {
            let started = job.is_started().map_err(job_failure)?;
            let changes = changes(&plan, &reader, &last, &settings, started)?;
            if changes.is_empty() {
                let summary = Summary::from_json(&last.summary).or_fail(Exit::Internal)?;
                return Ok(Prepared { job, summary, is_new: false });
            }
            if started {
                return Err(Failure::new(Exit::Usage, refusal(dir, &changes)));
            }
            media::must_fit(&plan, &reader, SourceNo(0))?;
            // Nothing was sent: what the job holds is only what we read.
            drop(reader);
            job.empty().map_err(job_failure)?;
        }
    }
    if taking == Taking::Next {
        replace_refused(&mut job, args.skip_invalid || context.file.import.skip_invalid)?;
    }
    let first = job.next_source().map_err(job_failure)?;
    media::must_fit(&plan, &job.reader().map_err(job_failure)?, first)?;
    let Intake { reader, mapper } = plan.open(first)?;
    let mut rules = Rules::new(now(), release, settings);
    rules.times = times(context.file.time)?;
    rules.allow_large = context.file.import.allow_large;
    rules.behind = plan.behind();
    rules.shard = shard;
    rules.files_overlap = context.file.files_overlap.unwrap_or(true);
    let progress = Arc::new(prepare::Progress::default());
    let watched = Arc::clone(&progress);
    let drawn = context.draw(Arc::new(move || snapshot(watched.look())));
    let summary = prepare::run(reader, &*mapper, &rules, &mut job, &progress);
    drawn.finish();
    Ok(Prepared { job, summary: summary.map_err(failure)?, is_new: true })
}

fn times(section: TimeSection) -> Result<prepare::Times, Failure> {
    if section.says_spread_equal {
        note("[time] spread_equal is called `equal` by now: \"spread\" (the default) or \"keep\"")?;
    }
    Ok(prepare::Times {
        equal: match section.equal {
            EqualTimes::Spread => prepare::Equal::Spread,
            EqualTimes::Keep => prepare::Equal::Keep,
        },
        older: match section.older {
            OlderMessages::Refuse => prepare::Older::Refuse,
            OlderMessages::Behind => prepare::Older::Behind,
        },
    })
}

/// A pass that was refused for its errors gives its place to the next one over mended sources.
fn replace_refused(job: &mut Job, skip: bool) -> Result<(), Failure> {
    if !job.has_unsent().map_err(job_failure)? {
        return Ok(());
    }
    let passes = job.reader().and_then(|reader| reader.passes()).map_err(job_failure)?;
    let Some(last) = passes.last() else { return Ok(()) };
    let summary = Summary::from_json(&last.summary).or_fail(Exit::Internal)?;
    if summary.errors() + summary.elsewhere == 0 {
        return Ok(());
    }
    if passes.len() > 1 {
        job.take_out_last().map_err(job_failure)?;
    } else if !skip {
        let text = "the job's first pass has errors, and nothing was sent: there is nothing to add to yet. Mend it and \
                    name all sources in one `run`, or send it with --skip-invalid";
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(())
}

/// What is not as it was when the job was made; empty if all is, or if nothing was named.
fn changes(
    plan: &Plan,
    reader: &JobReader,
    last: &PassInfo,
    settings: &str,
    started: bool,
) -> Result<Vec<String>, Failure> {
    if plan.sources().is_empty() {
        return Ok(Vec::new());
    }
    let mut passes = reader.passes().map_err(job_failure)?;
    passes.retain(|pass| pass.settings != AGAIN);
    let mut stored = Vec::new();
    for pass in &passes {
        stored.push(reader.sources(pass.no).map_err(job_failure)?);
    }
    let of_all = differences(plan, &stored, last, settings, started)?;
    // What later passes brought with --add need not be named again: the first command, or the configuration that knows
    // nothing of them, still means this job.
    for n in (1..passes.len()).rev() {
        if of_all.is_empty() {
            break;
        }
        if differences(plan, &stored[..n], &passes[n - 1], settings, started)?.is_empty() {
            return Ok(Vec::new());
        }
    }
    Ok(of_all)
}

fn differences(
    plan: &Plan,
    stored: &[Vec<SourceInfo>],
    last: &PassInfo,
    settings: &str,
    started: bool,
) -> Result<Vec<String>, Failure> {
    let mut changes = plan.differences(&stored.concat())?;
    let same = if started {
        intake::without_uploads(&last.settings) == intake::without_uploads(settings)
    } else {
        last.settings == settings
    };
    if !same {
        changes.push("the configuration is another one".to_owned());
    }
    Ok(changes)
}

fn refusal(dir: &Path, changes: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = match changes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    format!(
        "the job `{}` has begun with other sources: {}{more}; without SOURCE it goes on as it began, with --add these \
         become its next pass, with another --job they become another job",
        dir.display(),
        changes.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
    )
}

/// Whose the fault is decides the exit code.
pub(super) fn job_failure(error: JobError) -> Failure {
    let exit = match error {
        JobError::Locked { .. }
        | JobError::NoJob(_)
        | JobError::NotAJob(_)
        | JobError::Newer { .. }
        | JobError::Purged(_)
        | JobError::Line { .. }
        | JobError::CannotStartAgain { .. }
        | JobError::Denied { .. } => Exit::Usage,
        _ => Exit::Internal,
    };
    Failure { exit, error: error.into() }
}

fn failure(error: PrepareError) -> Failure {
    match error {
        PrepareError::Export(error) => intake::failure(error),
        PrepareError::Job(error) => job_failure(error),
        PrepareError::Stopped => Failure { exit: Exit::Unfinished, error: error.into() },
    }
}

/// What time it is.
pub(super) fn now() -> SendTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SendTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn snapshot(look: Look) -> Snapshot {
    match look.phase {
        Phase::Read => Snapshot {
            phase: "read",
            done: look.read,
            total: look.total,
            unit: Unit::Bytes,
            messages: look.messages,
            rejected: look.rejected,
            ..Snapshot::default()
        },
        Phase::Compare | Phase::Index => Snapshot {
            phase: if look.phase == Phase::Compare { "compare" } else { "index" },
            done: look.indexed,
            total: look.messages,
            rejected: look.rejected,
            ..Snapshot::default()
        },
    }
}
