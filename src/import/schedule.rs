//! Takes up conversations as places become free, in the order of the queue. Each is activated, with its baseline,
//! before its first call.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cell::{Cell, Role};
use super::engine::Engine;
use super::lane::{Lane, Left, Start};
use super::look::{self, Below};
use super::settings::{AlreadyThere, ImportError};
use super::worker;
use crate::job::{
    ConvNo, Conversation, Durability, JobError, LostCall, Overtaken, Progress, Queue, Queued, Under, Write,
};
use crate::message::{Ordinal, Seq};
use crate::openim::ACTIVE_AT_ONCE;

/// Feeds the run until nothing is left in the job.
pub(super) async fn feed(engine: Arc<Engine>, queue: Queue) {
    match feed_all(&engine, queue).await {
        Ok(()) => engine.fed.store(true, Ordering::Relaxed),
        Err(error) => engine.end(Err(error)),
    }
}

async fn feed_all(engine: &Arc<Engine>, mut queue: Queue) -> Result<(), ImportError> {
    loop {
        let Some(free) = wait_for_places(engine).await else { return Ok(()) };
        let page = queue.page(free)?;
        if page.is_empty() {
            engine.slots.add_permits(free);
            return Ok(());
        }
        let wanted: Vec<Queued> =
            page.into_iter().filter(|queued| engine.is_wanted(&queued.conversation)).collect();
        let taken = take_up(engine, wanted).await?;
        engine.slots.add_permits(free - taken);
    }
}

/// Takes all free places; a good part of them has to be free, because each round is a call and a commit.
async fn wait_for_places(engine: &Engine) -> Option<usize> {
    let some = (engine.settings.active / 8).clamp(1, ACTIVE_AT_ONCE);
    engine.slots.acquire_many(u32::try_from(some).ok()?).await.ok()?.forget();
    if engine.has_ended() {
        return None;
    }
    let more = engine.slots.available_permits().min(ACTIVE_AT_ONCE - some);
    match engine.slots.try_acquire_many(u32::try_from(more).ok()?) {
        Ok(permits) => {
            permits.forget();
            Some(some + more)
        }
        Err(_) => Some(some),
    }
}

/// Takes up conversations from the queue; gives how many places they took.
async fn take_up(engine: &Arc<Engine>, wanted: Vec<Queued>) -> Result<usize, ImportError> {
    let mut fresh = Vec::new();
    let mut known = Vec::new();
    for Queued { conversation, .. } in wanted {
        match engine.read(|reader| reader.progress(conversation.no))? {
            None if worker::end_at(engine, &conversation, engine.settings.until)?.0 > 0 => {
                fresh.push(conversation);
            }
            None => {}
            Some(progress) => known.push((conversation, progress)),
        }
    }
    let (mut begun, mut overtaken) = (Vec::new(), Vec::new());
    for (conversation, mut progress, max_seq) in as_they_stand(engine, known).await {
        let mut has_grown = max_seq > progress.read_to;
        // Nothing of ours stands there, such as where the first message waits to be mended.
        if progress.cursor.0 == progress.rejected && max_seq > Seq(0) {
            match look::below(engine, &conversation, (progress.cursor, max_seq)).await? {
                Below::Cut => (progress.read_to, has_grown) = (max_seq, false),
                Below::Newer(one) => {
                    overtaken.push((conversation.no, one));
                    continue;
                }
                // Read as what has grown is.
                Below::Nothing | Below::Unread(_) | Below::Ours(_) => {}
            }
        } else if progress.state == Under::Nothing
            && !engine.settings.behind_newer
            && let Some(one) =
                look::behind_ours(engine, &conversation, progress.cursor, progress.read_to).await?
        {
            overtaken.push((conversation.no, one));
            continue;
        }
        let lane = lane(engine, &conversation, &progress, has_grown)?;
        if lane.remaining() > 0 || progress.state != Under::Nothing {
            begun.push((progress.baseline, Cell::new(conversation, lane, Role::Sending)));
        }
    }
    if !leave_alone(engine, overtaken).await {
        return Ok(0);
    }
    let taken = fresh.len() + begun.len();
    if !commit(engine, begun.iter().map(|(baseline, cell)| (cell.conversation.no, *baseline)).collect()).await
    {
        return Ok(taken);
    }
    for (_, cell) in begun {
        engine.take_up(&cell);
    }
    activate(engine, fresh).await?;
    Ok(taken)
}

/// Notes that people have overtaken these conversations: nothing is sent there. False: the job can't be written.
async fn leave_alone(engine: &Engine, overtaken: Vec<(ConvNo, Overtaken)>) -> bool {
    if overtaken.is_empty() {
        return true;
    }
    let written = engine.writer.surely(Write::Overtaken(overtaken), Durability::Written).await;
    if let Err(gone) = written {
        engine.writer_gone(gone);
        return false;
    }
    true
}

/// Up to where the logs of conversations go, zero where something may be under way. Beyond what the job has read somebody
/// may have written, or something of ours stands there that this copy of the job knows nothing of: it may have been put
/// back from a backup. Nothing goes out before that is read.
async fn as_they_stand(
    engine: &Engine,
    known: Vec<(Conversation, Progress)>,
) -> Vec<(Conversation, Progress, Seq)> {
    let mut known: Vec<_> =
        known.into_iter().map(|(conversation, progress)| (conversation, progress, Seq(0))).collect();
    let at_peace: Vec<usize> = (0..known.len()).filter(|at| known[*at].1.state == Under::Nothing).collect();
    for some in at_peace.chunks(ACTIVE_AT_ONCE) {
        let names: Vec<String> = some.iter().map(|at| known[*at].0.id().0).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some(seqs) = look::seqs(engine, &names).await else { return Vec::new() };
        for (at, seqs) in some.iter().zip(seqs) {
            known[*at].2 = Seq(seqs.max_seq);
        }
    }
    known
}

/// Survives whatever comes, and before the first call: that something may be under way in these conversations.
/// False: the job can't be written.
async fn commit(engine: &Engine, conversations: Vec<(ConvNo, Seq)>) -> bool {
    if conversations.is_empty() {
        return true;
    }
    let begin = Write::Activate { run: engine.run, conversations };
    let written = engine.writer.surely(begin, Durability::Synced).await;
    if let Err(gone) = written {
        engine.writer_gone(gone);
    }
    written.is_ok()
}

/// Begins conversations: baselines, a look below them, and a commit that survives whatever comes.
async fn activate(engine: &Arc<Engine>, conversations: Vec<Conversation>) -> Result<(), ImportError> {
    let names: Vec<String> = conversations.iter().map(|conversation| conversation.id().0).collect();
    let mut baselines = Vec::new();
    for some in names.chunks(ACTIVE_AT_ONCE) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        let Some(seqs) = look::seqs(engine, &some).await else { return Ok(()) };
        baselines.extend(seqs.into_iter().map(|seqs| Seq(seqs.max_seq)));
    }
    if baselines.iter().any(|baseline| baseline.0 > 0) {
        at_rest(engine).await;
    }
    let (mut there, mut overtaken) = (Vec::new(), Vec::new());
    let mut unread = HashSet::new();
    for (conversation, baseline) in
        conversations.iter().zip(&mut baselines).filter(|(_, baseline)| baseline.0 > 0)
    {
        match look::below(engine, conversation, (Ordinal(0), *baseline)).await? {
            Below::Ours(seq) => {
                there.push(AlreadyThere { conversation: conversation.id().0, seq: seq.0 });
            }
            Below::Newer(one) => overtaken.push((conversation.no, one)),
            // What stands there is compared before the first message goes out.
            Below::Unread(read_to) => {
                *baseline = read_to;
                unread.insert(conversation.no);
            }
            Below::Cut | Below::Nothing => {}
        }
    }
    if !there.is_empty() {
        return Err(ImportError::AlreadyThere(there));
    }
    let left_alone: HashSet<ConvNo> = overtaken.iter().map(|(conv, _)| *conv).collect();
    if !leave_alone(engine, overtaken).await {
        return Ok(());
    }
    engine.slots.add_permits(left_alone.len());
    let begun: Vec<_> = conversations
        .into_iter()
        .zip(baselines)
        .filter(|(conversation, _)| !left_alone.contains(&conversation.no))
        .collect();
    let rows = begun.iter().map(|(conversation, baseline)| (conversation.no, *baseline)).collect();
    if !commit(engine, rows).await {
        return Ok(());
    }
    for (conversation, baseline) in begun {
        let wait = engine.settings.limits.cut_wait;
        let left = if unread.contains(&conversation.no) { Left::Grown { wait } } else { Left::Nothing };
        let start = Start {
            cursor: Ordinal(0),
            end: worker::end_at(engine, &conversation, engine.settings.until)?,
            overtaken: false,
            read_to: baseline,
            left,
            withdrawn: Vec::new(),
            last: None,
        };
        let lane = Lane::new(engine.settings.limits, start, engine.now());
        engine.take_up(&Cell::new(conversation, lane, Role::Sending));
    }
    Ok(())
}

/// Waits until what another process may have been deleting just before this run began is stored: read before that, it would be
/// hidden for a day, and then come back (laws 3 and 14).
async fn at_rest(engine: &Engine) {
    while engine.now() < engine.settings.stay_away && !engine.has_ended() {
        engine.pause().await;
    }
}

/// The lane of a conversation that was begun before.
pub(super) fn lane(
    engine: &Engine,
    conversation: &Conversation,
    progress: &Progress,
    has_grown: bool,
) -> Result<Lane, JobError> {
    let limits = engine.settings.limits;
    let left = match progress.state {
        Under::Nothing if has_grown => Left::Grown { wait: limits.cut_wait },
        Under::Nothing => Left::Nothing,
        Under::Way { doubt, lost: Some(LostCall::TimedOut) } => {
            Left::Unknown { wait: limits.timeout_wait, doubt }
        }
        Under::Way { doubt, lost: Some(LostCall::Cut) | None } => {
            Left::Unknown { wait: limits.cut_wait, doubt }
        }
    };
    let conv = conversation.no;
    let (withdrawn, last, overtaken) = engine.read(|reader| {
        let last = reader.last_receipt(conv, progress.cursor)?;
        Ok((reader.withdrawn(conv)?, last, reader.overtaken(conv)?.is_some()))
    })?;
    let start = Start {
        cursor: progress.cursor,
        end: worker::end_at(engine, conversation, engine.settings.until)?.max(progress.cursor),
        overtaken,
        read_to: progress.read_to,
        left,
        withdrawn: withdrawn.into_iter().map(|one| (one.seq, one.ids.server)).collect(),
        last: last.map(|receipt| receipt.ordinal),
    };
    Ok(Lane::new(limits, start, engine.now()))
}
