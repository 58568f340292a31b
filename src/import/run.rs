//! A run, from the first look into the job to the verdict.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cell::Place;
use super::course::Course;
use super::engine::Engine;
use super::pace::Waits;
use super::phase::Phase;
use super::progress::Progress;
use super::settings::{Ended, ImportError, Outcome, Settings, StopSignal};
use super::{confirm, finish, schedule, worker};
use crate::job::{Durability, Job, JobReader, Queue, Write};
use crate::message::ConversationId;
use crate::openim::{CallError, Client, Reason};

/// Imports what the job still has to send, and proves that it arrived. Given again, it goes on.
pub async fn run(
    settings: Settings,
    job: &mut Job,
    client: Client,
    stop: StopSignal,
    progress: Arc<Progress>,
) -> Result<Outcome, ImportError> {
    let started = Instant::now();
    let reader = job.reader()?;
    job.look_again_at_overtaken(settings.behind_newer)?;
    let queue = reader.queue_by(settings.order)?;
    let suspected = is_crash_suspected(&reader)?;
    begin_counting(&reader, &queue, &progress)?;
    // Where a run was cut off when all was confirmed, or was about some conversations, nobody has looked behind the rest.
    let unlooked = reader.touched_since(reader.first_run_after(finish::DONE)?, None, 1)?;
    let idle = queue.is_empty()
        && unlooked.is_empty()
        && reader.to_look_for(None, 1)?.is_empty()
        && reader.unseen(None, 1)?.is_empty()
        && !(settings.repair && reader.repair_counts()?.1 > 0);
    if idle {
        return outcome(&reader, &progress, Ended::NothingToDo, started, settings.only.as_ref(), suspected);
    }
    let (only, part) = (settings.only.clone(), settings.only.is_some());
    let no = job.begin_run(now_ms(), client.api(), &json!({ "settings": settings.kept() }).to_string())?;
    let writer = job.writer()?;
    let engine =
        Arc::new(Engine::new(settings, client, writer.handle(), no, job.reader()?, progress.clone())?);
    let ended = import(&engine, queue, &stop).await;
    let suspected = suspected || engine.is_crash_suspected();
    progress.note(engine.now(), engine.lag());
    let waits = engine.throttle.waits();
    engine.stop_aside().await;
    drop(engine);
    let closed = if writer.has_thread() {
        tokio::task::spawn_blocking(move || writer.close()).await
    } else {
        Ok(writer.close())
    };
    // The writer's own error says more than what followed from it.
    closed.map_err(|panic| std::panic::resume_unwind(panic.into_panic())).and_then(|closed| closed)?;
    let ended = ended?;
    job.write_rejects(&|name| Reason::from_name(name).map_or("", Reason::means))?;
    let outcome = outcome(&reader, &progress, ended, started, only.as_ref(), suspected)?;
    job.end_run(no, now_ms(), &counts(&outcome, part, waits, &progress.course()))?;
    Ok(outcome)
}

/// Everything between the first call and the last.
async fn import(engine: &Arc<Engine>, queue: Queue, stop: &StopSignal) -> Result<Ended, ImportError> {
    tokio::select! {
            biased;
        () = stop.at_once.cancelled() => Ok(Ended::Stopped),
        ended = work(engine, queue, stop) => ended,
    }
}

async fn work(engine: &Arc<Engine>, queue: Queue, stop: &StopSignal) -> Result<Ended, ImportError> {
    log_in(engine, stop).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(schedule::feed(engine.clone(), queue));
    let mut callers = 0;
    follow_dial(engine, &mut tasks, &mut callers);
    let (to_confirm, confirms) = mpsc::channel(usize::from(engine.settings.confirm_connections) * 2);
    let confirms = Arc::new(tokio::sync::Mutex::new(confirms));
    for _ in 0..engine.settings.confirm_connections {
        tasks.spawn(confirm::work(engine.clone(), confirms.clone()));
    }
    let poll = tasks.spawn(confirm::poll(engine.clone(), to_confirm));
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = engine.stir.notified() => {}
            () = stop.drain.cancelled(), if !engine.has_ended() => engine.end(Ok(Ended::Stopped)),
        }
        rethrow(&mut tasks);
        follow_dial(engine, &mut tasks, &mut callers);
        if engine.has_ended() || poll.is_finished() {
            break;
        }
    }
    let ended = match engine.take_ending() {
        // Nothing is certain any more but what is in the job.
        Some(Err(error)) => Err(error),
        Some(Ok(ended)) => {
            drain(engine).await;
            Ok(ended)
        }
        None => Box::pin(finish(engine, stop)).await,
    };
    engine.ready.close();
    tasks.shutdown().await;
    ended
}

/// As many callers as the dial allows by now; those that are too many wait at the gate.
fn follow_dial(engine: &Arc<Engine>, tasks: &mut JoinSet<()>, callers: &mut usize) {
    let most = engine.follow_dial();
    while *callers < most {
        tasks.spawn(worker::work(engine.clone(), *callers));
        *callers += 1;
    }
}

/// A server that has said nothing for so long says nothing before a stop either.
const SILENT: Duration = Duration::from_secs(3);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A task that panicked takes the run with it.
fn rethrow(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.try_join_next() {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn log_in(engine: &Arc<Engine>, stop: &StopSignal) -> Result<(), ImportError> {
    loop {
        match engine.client.log_in().await {
            Ok(()) => {
                engine.lives();
                return Ok(());
            }
            Err(error) if error.is_passing() && engine.silent_for() < engine.settings.give_up => {
                engine.call_failed(&error);
                engine.show(0, Vec::new(), None, None);
                if stop.drain.is_cancelled() {
                    return Ok(());
                }
                engine.pause().await;
            }
            Err(CallError::Login(error)) => return Err(ImportError::Server(error.into())),
            Err(error) => return Err(ImportError::Call(error)),
        }
    }
}

/// What is under way is settled as far as that is possible in a short while, and committed.
async fn drain(engine: &Arc<Engine>) {
    let until = Instant::now() + engine.settings.drain;
    while Instant::now() < until {
        let cells = engine.active();
        let waiting = cells.iter().filter(|cell| {
            let state = cell.lock();
            state.place == Place::Sending || !state.lane.is_at_peace()
        });
        if waiting.count() == 0 && !engine.is_busy_aside() {
            break;
        }
        // Nobody answers: nothing that is under way will be settled now.
        if engine.silent_for() > SILENT {
            break;
        }
        tokio::time::sleep(LOOK_EVERY / 2).await;
    }
    for cell in engine.active() {
        if engine.flushed(&cell, Durability::Written).await.is_err() {
            return;
        }
    }
    // An error shows itself when the writer is closed.
    engine.writer.surely(Write::Nothing, Durability::Synced).await.ok();
}

/// Everything is confirmed: what came after it, and what was withdrawn.
async fn finish(engine: &Arc<Engine>, stop: &StopSignal) -> Result<Ended, ImportError> {
    let all = async {
        engine.progress.begin(Phase::Settle, 0);
        engine.done_aside().await;
        finish::finish(engine).await
    };
    tokio::select! {
            biased;
        result = all => result?,
        cause = silence(engine) => return Ok(Ended::GaveUp(cause)),
        () = stop.drain.cancelled() => return Ok(Ended::Stopped),
    }
    match engine.take_ending() {
        Some(ended) => ended,
        None => Ok(Ended::Done),
    }
}

/// Returns when the server has given no sign of life for too long: at the end nobody else watches that.
async fn silence(engine: &Engine) -> String {
    // Besides, we ask nothing while we let time pass ourselves.
    let resting = || engine.settings.limits.quiet + engine.settings.stay_away + 4 * engine.lag();
    while engine.silent_for() <= engine.settings.give_up + resting() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    engine.why_silent()
}

fn begin_counting(reader: &JobReader, queue: &Queue, progress: &Progress) -> Result<(), ImportError> {
    let (totals, standing) = (reader.totals()?, reader.standing()?);
    let (undone, _) = reader.undone_in_all()?;
    progress.finished.set(totals.conversations.saturating_sub(undone + queue.unfinished()));
    progress.messages.set(totals.messages);
    progress.conversations.set(totals.conversations);
    progress.begun.set(totals.conversations.saturating_sub(reader.left(0)?.not_begun));
    progress.before.set(standing.passed);
    progress.rejected_before.set(standing.rejected);
    for (reason, count) in reader.reject_counts()? {
        progress.refused.add(&reason, count, "");
    }
    Ok(())
}

fn outcome(
    reader: &JobReader,
    progress: &Progress,
    ended: Ended,
    started: Instant,
    only: Option<&HashSet<ConversationId>>,
    crash_suspected: bool,
) -> Result<Outcome, ImportError> {
    let (standing, left) = (reader.standing()?, reader.queue()?);
    let overtaken = reader.overtaken_in_all(&|id| only.is_none_or(|only| only.contains(id)))?;
    let all_overtaken = reader.overtaken_in_all(&|_| true)?;
    let (_, doubled) = reader.repair_counts()?;
    let rejected: u64 = reader.reject_counts()?.iter().map(|(_, count)| count).sum();
    Ok(Outcome {
        ended,
        messages: progress.messages.get(),
        conversations: progress.conversations.get(),
        confirmed: standing.passed - standing.rejected,
        confirmed_now: progress.confirmed.get(),
        rejected,
        rejected_now: progress.rejected.get(),
        left: left.messages() + all_overtaken.messages,
        conversations_left: left.conversations() + all_overtaken.conversations,
        overtaken,
        held: held(reader)?,
        lost_and_resent: progress.lost.get(),
        retries: progress.retries.get(),
        fences: progress.fences.get(),
        withdrawn: progress.withdrawn.get(),
        returned: progress.returned.get(),
        doubled,
        repaired: progress.repaired.get(),
        returning: is_returning(reader, only)?,
        hidden: progress.hidden.get(),
        foreign: progress.foreign.get(),
        crash_suspected,
        took: started.elapsed(),
        measured: progress.measured(),
        limited_by: progress.limited_by(),
    })
}

/// Whether a run since the last that ended in peace saw signs of a crash, or was killed and could not say.
fn is_crash_suspected(reader: &JobReader) -> Result<bool, ImportError> {
    let mut suspected = false;
    for run in reader.runs()? {
        let counts: serde_json::Value = serde_json::from_str(&run.counts).unwrap_or_default();
        // What was sent by a release that did not watch for them was judged by it.
        suspected = counts["crash_suspected"].as_bool().unwrap_or(counts["ended"].is_null());
    }
    Ok(suspected)
}

/// Whether deleted messages may come back in conversations that the run was about.
fn is_returning(reader: &JobReader, only: Option<&HashSet<ConversationId>>) -> Result<bool, ImportError> {
    const PAGE: usize = 500;
    let mut after = None;
    loop {
        let page = reader.to_look_for(after, PAGE)?;
        let Some((conv, last)) = page.last() else { return Ok(false) };
        after = Some((*conv, last.seq));
        for (conv, _) in &page {
            let Some(only) = only else { return Ok(true) };
            if reader.conversation(*conv)?.is_some_and(|conversation| only.contains(&conversation.id())) {
                return Ok(true);
            }
        }
    }
}

/// Some conversations that wait at a refused message.
fn held(reader: &JobReader) -> Result<Vec<String>, ImportError> {
    const SOME: usize = 20;
    let mut names = Vec::new();
    for reject in reader.held(SOME)? {
        if let Some(conversation) = reader.conversation(reject.conv)? {
            names.push(conversation.id().0);
        }
    }
    Ok(names)
}

fn counts(outcome: &Outcome, part: bool, waits: Waits, course: &Course) -> String {
    json!({
        "crash_suspected": outcome.crash_suspected,
        "ended": match &outcome.ended {
            Ended::Done if part => finish::DONE_IN_PART.to_owned(),
            Ended::Done => finish::DONE.to_owned(),
            other => format!("{other:?}"),
        },
        "confirmed": outcome.confirmed_now,
        "rejected": outcome.rejected_now,
        "lost_and_resent": outcome.lost_and_resent,
        "retries": outcome.retries,
        "fences": outcome.fences,
        "withdrawn": outcome.withdrawn,
        "returned": outcome.returned,
        "repaired": outcome.repaired,
        "hidden": outcome.hidden,
        "foreign": outcome.foreign,
        "limited_by": outcome.limited_by,
        "seconds": outcome.took.as_secs_f64(),
        "waits": waits,
        "course": course.kept(),
    })
    .to_string()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
