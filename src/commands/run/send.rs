//! Sends what a job has left, with what was typed; for every command that sends.

use std::sync::Arc;

use super::super::context::Context;
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, media, server, shard, verify};
use crate::config;
use crate::config::PaceArgs;
use crate::control::Look;
use crate::import::{self, Dial, ImportError, Outcome, Phase, Step, StopSignal};
use crate::job::{Job, Shard};
use crate::openim::{self, CallError, Client};
use crate::report::{Snapshot, Unit, plural};

/// Imports what the job has left, and shows how far it is.
pub(in super::super) async fn send(
    context: &Context,
    job: &mut Job,
    client: Client,
    settings: import::Settings,
    stop: StopSignal,
) -> Result<Outcome, Failure> {
    if job.reader().and_then(|reader| reader.queue()).map_err(job_failure)?.messages() > 0 {
        media::before_sending(
            context,
            job,
            client.made_with(),
            (settings.only.as_ref(), settings.give_up),
            &stop.drain,
        )?;
        // What was verified is less than what there will be.
        verify::forget(job)?;
    }
    let progress = Arc::new(import::Progress::default());
    let (watched, dial) = (Arc::clone(&progress), settings.dial.clone());
    let look: Look = Arc::new(move || snapshot(&watched, &dial));
    let drawn = context.draw(Look::clone(&look));
    context.board.sending(Arc::clone(&progress), look);
    let outcome = import::run(settings, job, client, stop, progress).await;
    drawn.finish();
    outcome.map_err(failure)
}

/// Flags win over the file, the file over what is usual; of a rate that all shards share it is this one's part.
pub(in super::super) fn settings(
    context: &Context,
    pace: &PaceArgs,
    on_reject: Option<config::OnReject>,
    shard: Shard,
) -> Result<import::Settings, Failure> {
    let file = &context.file.import;
    let rate = shard::share(pace.rate.or(file.rate).map(|rate| rate.0), shard)?;
    let mut settings = import::Settings { dial: Dial::at(rate), ..import::Settings::default() };
    if let Some(max_lag) = pace.max_lag.or(file.max_lag) {
        settings.max_lag = max_lag.time();
    }
    settings.connections = pace.connections.or(file.connections).unwrap_or(settings.connections);
    settings.give_up = pace.give_up.or(file.give_up).unwrap_or(settings.give_up);
    if let Some(wait) = pace.unanswered_wait.or(file.unanswered_wait) {
        settings.limits.cut_wait = wait;
        settings.limits.timeout_wait = wait;
    }
    let on_reject = on_reject.unwrap_or(file.on_reject);
    settings.limits.hold = on_reject == config::OnReject::Hold;
    settings.limits.hold_mendable = on_reject == config::OnReject::Mendable;
    Ok(settings)
}

/// Whose the fault is decides the exit code.
pub(in super::super) fn failure(error: ImportError) -> Failure {
    let exit = match &error {
        ImportError::Job(_) => Exit::Internal,
        ImportError::Server(openim::Stop::Login(_)) | ImportError::Call(CallError::Login(_)) => Exit::Login,
        ImportError::Server(openim::Stop::NotOpenIm(_)) => Exit::Usage,
        ImportError::Server(_) | ImportError::AlreadyThere(_) => Exit::Preflight,
        ImportError::Call(error) => server::exit_of(error),
        ImportError::Overwriting(_) => Exit::Difference,
    };
    Failure { exit, error: error.into() }
}

fn snapshot(progress: &import::Progress, dial: &Dial) -> Snapshot {
    let step = progress.step();
    if step.phase != Phase::Send {
        return after_sending(progress, step);
    }
    let shown = progress.shown();
    Snapshot {
        phase: "send",
        done: progress.before.get() + progress.confirmed.get() + progress.rejected.get(),
        total: progress.messages.get(),
        conversations_done: progress.finished.get(),
        conversations: progress.conversations.get(),
        conversations_begun: progress.begun.get(),
        rejected: progress.rejected_before.get() + progress.rejected.get(),
        retries: progress.retries.get(),
        cause: dial
            .paused()
            .or_else(|| shown.cause.map(|cause| cause.to_string()))
            .or_else(|| nothing_flows(progress))
            .or(shown.limiting.map(|limiting| limiting.to_string())),
        is_paused: dial.paused().is_some(),
        by_rate: shown.limiting.is_some_and(|limiting| limiting.limit.is_none()),
        is_starting: shown.limiting.is_some_and(|limiting| limiting.is_starting()),
        longest: shown.leaders.into_iter().next(),
        ..Snapshot::default()
    }
}

/// What is waited for where nothing new is sent.
fn nothing_flows(progress: &import::Progress) -> Option<String> {
    let passed = progress.before.get() + progress.confirmed.get() + progress.rejected.get();
    let left = progress.messages.get().saturating_sub(passed);
    let (settling, unconfirmed) = (progress.settling.get(), progress.unconfirmed.get());
    if settling > 0 && settling >= progress.active.get() {
        let conversations = plural(settling, "conversation finds", "conversations find");
        return Some(format!("settling: {conversations} out what became of a message"));
    }
    (left > 0 && left <= unconfirmed).then(|| "everything is out, and waits for its number".to_owned())
}

/// Everything is confirmed, and a run is not over yet.
fn after_sending(progress: &import::Progress, step: Step) -> Snapshot {
    Snapshot {
        phase: step.phase.name(),
        done: step.done,
        total: step.total,
        unit: if step.phase == Phase::LookBehind { Unit::Conversations } else { Unit::Messages },
        rejected: progress.rejected_before.get() + progress.rejected.get(),
        retries: progress.retries.get(),
        cause: progress.shown().cause.map(|cause| cause.to_string()),
        ..Snapshot::default()
    }
}
