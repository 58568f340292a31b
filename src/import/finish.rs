//! The end of a run: what came after the last message is looked at as well, until nothing new comes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use tokio::task::{JoinError, JoinSet};

use super::cell::{Cell, Role};
use super::clear::clear;
use super::engine::Engine;
use super::phase::Phase;
use super::settings::ImportError;
use super::{confirm, examine, look, schedule};
use crate::job::{ConvNo, Conversation, Durability, Progress, Under, Unseen, Write};
use crate::message::Seq;
use crate::openim::ACTIVE_AT_ONCE;

/// Looks behind everything, clears up, and looks again: the server can repeat something while its copies are
/// being deleted, which takes seconds, and a restart then leaves what nobody has looked at.
pub(super) async fn finish(engine: &Arc<Engine>) -> Result<(), ImportError> {
    const ROUNDS: u32 = 10;
    look_behind(engine).await?;
    for _ in 0..ROUNDS {
        let seen = out_of_place(engine);
        let cleared = clear(engine).await?;
        if cleared.is_empty() || engine.has_ended() {
            return Ok(());
        }
        engine.progress.begin(Phase::LookBehind, cleared.len() as u64);
        look_at_recent(engine, &cleared).await?;
        if out_of_place(engine) == seen {
            return Ok(());
        }
    }
    tracing::warn!("the server repeats messages again and again; what is left is in the job, for `verify`");
    Ok(())
}

/// Looks at what came after the last message of every conversation of this run that was worked on since a run ended
/// in peace: copies that the server made (law 5), messages that had been withdrawn, calls that surfaced after all.
async fn look_behind(engine: &Arc<Engine>) -> Result<(), ImportError> {
    written(engine).await;
    let since = engine.read(|reader| reader.first_run_after(DONE))?;
    engine.progress.begin(Phase::LookBehind, engine.read(|reader| reader.touched_in_all(since))?);
    let (mut after, mut looked_at) = (None, 0);
    while !engine.has_ended() {
        let page = engine.read(|reader| reader.touched_since(since, after, ACTIVE_AT_ONCE))?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        looked_at += page.len() as u64;
        look_at(engine, page).await?;
        engine.progress.reached(looked_at);
    }
    look_once_more(engine).await?;
    look_at_recent(engine, &[]).await
}

/// Slots that nobody could read when they were judged: a second stage killed at the first batches of a
/// conversation can leave messages that stand in the cache alone and become readable later.
async fn look_once_more(engine: &Arc<Engine>) -> Result<(), ImportError> {
    let mut after = None;
    while !engine.has_ended() {
        let page = engine.read(|reader| reader.unseen(after, MANY))?;
        let Some((conv, last)) = page.last() else { break };
        after = Some((*conv, last.seq));
        together(page.chunk_by(|(a, _), (b, _)| a == b).map(|of_one| {
            let (conv, unseen) = (of_one[0].0, of_one.iter().map(|(_, one)| *one).collect());
            let engine = engine.clone();
            async move { look_once_more_at(&engine, conv, unseen).await }
        }))
        .await?;
    }
    engine.done_aside().await;
    written(engine).await;
    Ok(())
}

/// Slots looked at once more together. The store is asked once for all of a conversation, and where numbers jump
/// there are many: 765,000 in one run, at 500 a time, took longer than `--give-up`.
const MANY: usize = 20_000;

async fn look_once_more_at(
    engine: &Arc<Engine>,
    conv: ConvNo,
    unseen: Vec<Unseen>,
) -> Result<(), ImportError> {
    let known = engine.read(|reader| Ok(reader.conversation(conv)?.zip(reader.progress(conv)?)))?;
    let Some((conversation, progress)) = known else { return Ok(()) };
    if !may_look(engine, &conversation, &progress)? {
        return Ok(());
    }
    let cell = idle_cell(engine, conversation, &progress)?;
    if !examine::look_once_more(engine, &cell, &unseen).await? {
        return Ok(());
    }
    engine.lives();
    if engine.has_ended() || engine.flushed(&cell, Durability::Written).await.is_err() {
        return Ok(());
    }
    let seqs = unseen.iter().map(|one| one.seq).collect();
    if let Err(gone) = engine.writer.lazily(Write::LookedAt(conv, seqs)).await {
        engine.writer_gone(gone);
    }
    Ok(())
}

/// Whether the end of this run may look at a conversation: it is one of those that the run is about, and nothing of
/// an earlier process can be under way in it. Where something is, the run that goes on with it settles it first. Where
/// messages of ours stand behind what others wrote, as `adopt` found them, they are out of place and stay: nothing would be
/// sent in their stead.
fn may_look(engine: &Engine, conversation: &Conversation, progress: &Progress) -> Result<bool, ImportError> {
    let keeps = engine.read(|reader| Ok(reader.overtaken(conversation.no)?.is_some_and(|one| one.keeps)))?;
    Ok(engine.is_wanted(conversation) && progress.state == Under::Nothing && !keeps)
}

/// A conversation to be looked at.
fn idle_cell(
    engine: &Engine,
    conversation: Conversation,
    progress: &Progress,
) -> Result<Arc<Cell>, ImportError> {
    let lane = schedule::lane(engine, &conversation, progress, false)?;
    Ok(Cell::new(conversation, lane, Role::Reading))
}

/// What the server repeats is mostly recent, and may be on its way just now: looks until nothing new comes. `cleared`: where
/// deleting took its time, also if an earlier process had finished the conversation.
async fn look_at_recent(engine: &Arc<Engine>, cleared: &[ConvNo]) -> Result<(), ImportError> {
    loop {
        let before = out_of_place(engine);
        tokio::time::sleep(engine.settings.limits.quiet + 2 * engine.lag()).await;
        written(engine).await;
        let recent: BTreeSet<ConvNo> =
            engine.recently_finished().into_iter().chain(cleared.iter().copied()).collect();
        let recent: Vec<ConvNo> = recent.into_iter().collect();
        for some in recent.chunks(ACTIVE_AT_ONCE) {
            let mut page = Vec::new();
            for conv in some {
                page.extend(engine.read(|reader| reader.progress(*conv))?.map(|progress| (*conv, progress)));
            }
            look_at(engine, page).await?;
        }
        if engine.has_ended() || out_of_place(engine) == before {
            return Ok(());
        }
    }
}

/// Copies and withdrawn messages that were seen so far.
fn out_of_place(engine: &Engine) -> u64 {
    engine.progress.doubled.get() + engine.progress.withdrawn.get()
}

/// How a run that left nothing to look at calls its end in the job: one about all conversations.
pub(super) const DONE: &str = "Done";
/// One about some of them: the next looks at the others.
pub(super) const DONE_IN_PART: &str = "DoneInPart";

/// The job is up to date. That it can't be written shows itself when the writer is closed.
async fn written(engine: &Engine) {
    engine.writer.surely(Write::Nothing, Durability::Written).await.ok();
}

async fn look_at(engine: &Arc<Engine>, page: Vec<(ConvNo, Progress)>) -> Result<(), ImportError> {
    let mut conversations = Vec::new();
    for (conv, progress) in page {
        let Some(conversation) = engine.read(|reader| reader.conversation(conv))? else { continue };
        if may_look(engine, &conversation, &progress)? {
            conversations.push((conversation, progress));
        }
    }
    if conversations.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = conversations.iter().map(|(conversation, _)| conversation.id().0).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(seqs) = look::seqs(engine, &names).await else { return Ok(()) };
    let longer =
        conversations.into_iter().zip(seqs).filter(|((_, progress), seqs)| seqs.max_seq > progress.read_to.0);
    together(longer.map(|((conversation, progress), seqs)| {
        let engine = engine.clone();
        async move { read_rest(&engine, conversation, &progress, Seq(seqs.max_seq)).await }
    }))
    .await
}

/// Works on several conversations at once.
async fn together<F>(work: impl Iterator<Item = F>) -> Result<(), ImportError>
where
    F: Future<Output = Result<(), ImportError>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for one in work {
        if tasks.len() >= TOGETHER {
            ended(tasks.join_next().await)?;
        }
        tasks.spawn(one);
    }
    while let Some(task) = tasks.join_next().await {
        ended(Some(task))?;
    }
    Ok(())
}

/// So many conversations are looked behind at once: where nobody can read one (law 13), the store takes seconds.
const TOGETHER: usize = 16;

fn ended(task: Option<Result<Result<(), ImportError>, JoinError>>) -> Result<(), ImportError> {
    match task {
        Some(Ok(result)) => result,
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Some(Err(_)) | None => Ok(()),
    }
}

async fn read_rest(
    engine: &Arc<Engine>,
    conversation: Conversation,
    progress: &Progress,
    max_seq: Seq,
) -> Result<(), ImportError> {
    let cell = idle_cell(engine, conversation, progress)?;
    // `maxSeq` is not below what was read: it was just compared.
    cell.lock().lane.polled(max_seq, engine.now()).ok();
    let mut stuck: Option<Instant> = None;
    loop {
        let (before, failed) = (cell.lock().lane.read_to(), engine.progress.retries.get());
        confirm::confirm_as_all(engine, &cell).await;
        engine.done_aside().await;
        let (read_to, blind) = {
            let state = cell.lock();
            (state.lane.read_to(), state.blind)
        };
        if engine.has_ended() || read_to >= max_seq {
            return Ok(());
        }
        // Numbers are handed out before messages are written (law 3), and a server that is down for a moment
        // answers nothing: that nothing could be read is no proof that nothing is there.
        let failed = engine.progress.retries.get() > failed;
        if !failed {
            engine.lives();
        }
        if read_to > before || failed {
            stuck = None;
            continue;
        }
        let since = *stuck.get_or_insert_with(Instant::now);
        let long = engine.settings.limits.quiet + 2 * engine.lag();
        if since.elapsed() >= long && (blind == 0 || blind > 5) {
            return Ok(());
        }
        tokio::time::sleep(engine.settings.poll.max(Duration::from_millis(20))).await;
    }
}
