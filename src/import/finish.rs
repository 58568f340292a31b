//! The end of a run: what came after the last message is looked at as well, and what was withdrawn is looked
//! for until it stays away (law 14).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::cell::Cell;
use super::confirm;
use super::engine::Engine;
use super::examine::{self, in_store};
use super::read::likely_senders;
use super::schedule;
use super::settings::ImportError;
use super::withdraw;
use crate::job::{
    ConvNo, Conversation, Deleted, Double, Durability, Progress, Receipt, Under, Unseen, Withdrawn, Write,
};
use crate::message::{MsgId, Ordinal, SendTime, Seq};
use crate::openim::{ACTIVE_AT_ONCE, Range};

/// Looks at what came after the last message of every conversation that was worked on since a run ended in
/// peace: copies that the server made (law 5), messages that had been withdrawn, calls that surfaced after all.
async fn look_behind(engine: &Arc<Engine>) -> Result<(), ImportError> {
    written(engine).await;
    let since = engine.read(|reader| reader.first_run_after(DONE))?;
    let mut after = None;
    while !engine.has_ended() {
        let page = engine.read(|reader| reader.touched_since(since, after, ACTIVE_AT_ONCE))?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        look_at(engine, page).await?;
    }
    look_once_more(engine).await?;
    look_at_recent(engine).await
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
    let Some(cell) = engine
        .read(|reader| {
            let (conversation, progress) = (reader.conversation(conv)?, reader.progress(conv)?);
            Ok(conversation.zip(progress))
        })?
        .map(|(conversation, progress)| idle_cell(engine, conversation, &progress))
        .transpose()?
    else {
        return Ok(());
    };
    examine::look_once_more(engine, &cell, &unseen).await?;
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

/// A conversation to be looked at, in which nothing is under way.
fn idle_cell(
    engine: &Engine,
    conversation: Conversation,
    progress: &Progress,
) -> Result<Arc<Cell>, ImportError> {
    let progress = Progress { state: Under::Nothing, ..*progress };
    let lane = schedule::lane(engine, &conversation, &progress)?;
    Ok(Cell::new(conversation, lane))
}

/// What the server repeats is mostly recent, and may be on its way just now: looks until nothing new comes.
async fn look_at_recent(engine: &Arc<Engine>) -> Result<(), ImportError> {
    loop {
        let before = out_of_place(engine);
        tokio::time::sleep(engine.settings.limits.quiet + 2 * engine.lag()).await;
        written(engine).await;
        for some in engine.recently_finished().chunks(ACTIVE_AT_ONCE) {
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

/// How a run that left nothing to look at calls its end in the job.
pub(super) const DONE: &str = "Done";

/// The job is up to date. That it can't be written shows itself when the writer is closed.
async fn written(engine: &Engine) {
    engine.writer.surely(Write::Nothing, Durability::Written).await.ok();
}

async fn look_at(engine: &Arc<Engine>, page: Vec<(ConvNo, Progress)>) -> Result<(), ImportError> {
    let mut conversations = Vec::new();
    for (conv, progress) in page {
        if let Some(conversation) = engine.read(|reader| reader.conversation(conv))? {
            conversations.push((conversation, progress));
        }
    }
    let names: Vec<String> = conversations.iter().map(|(conversation, _)| conversation.id().0).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(seqs) = seqs(engine, &names).await else { return Ok(()) };
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

/// Looks behind everything, clears up, and looks again: the server can repeat something while its copies are
/// being deleted, which takes seconds, and a restart then leaves what nobody has looked at.
pub(super) async fn finish(engine: &Arc<Engine>) -> Result<(), ImportError> {
    const ROUNDS: u32 = 10;
    look_behind(engine).await?;
    for _ in 0..ROUNDS {
        let seen = out_of_place(engine);
        if !clear(engine).await? || engine.has_ended() {
            return Ok(());
        }
        look_at_recent(engine).await?;
        if out_of_place(engine) == seen {
            return Ok(());
        }
    }
    tracing::warn!("the server repeats messages again and again; what is left is in the job, for `verify`");
    Ok(())
}

async fn seqs(engine: &Arc<Engine>, names: &[&str]) -> Option<Vec<crate::openim::Seqs>> {
    loop {
        match engine.client.seqs(engine.client.admin_user(), names).await {
            Ok(seqs) => {
                engine.lives();
                return Some(seqs);
            }
            Err(error) => {
                if !engine.call_failed(&error) || engine.has_ended() {
                    return None;
                }
                engine.pause().await;
            }
        }
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

/// A slot that has to be empty, and stay so.
struct Watched {
    seq: Seq,
    /// Which message.
    ordinal: Ordinal,
    /// What stood there.
    server: MsgId,
    /// Whether the server made it, or we.
    is_copy: bool,
    /// Whether it was deleted by us, as far as this run knows.
    deleted: bool,
    /// Since when it was not seen.
    away: Option<Instant>,
}

/// Looks for withdrawn messages, and where copies are to be deleted, for those (law 5). What is there is
/// deleted, until all have stayed away (law 14). False: there was nothing.
async fn clear(engine: &Arc<Engine>) -> Result<bool, ImportError> {
    let mut watched = withdrawn(engine)?;
    if engine.settings.repair {
        add_copies(engine, &mut watched).await?;
    }
    if watched.is_empty() {
        return Ok(false);
    }
    wait_until_stored(engine, &watched).await?;
    // Unseen: whoever looks before the store is written finds nothing, which the server then remembers for a day
    // (law 3), and after that day it is there again.
    for (conv, slots) in &watched {
        let Some(conversation) = engine.read(|reader| reader.conversation(*conv))? else { continue };
        let ours: Vec<Seq> = slots.iter().filter(|one| !one.is_copy).map(|one| one.seq).collect();
        if !withdraw::delete(engine, &conversation.id().0, &ours).await {
            return Ok(true);
        }
    }
    let mut told = Instant::now();
    for _ in 0..ROUNDS {
        for (conv, slots) in &mut watched {
            if look_for(engine, *conv, slots).await? {
                told = Instant::now();
            }
            note_gone(engine, *conv, slots).await;
        }
        watched.retain(|_, slots| !slots.is_empty());
        if watched.is_empty() || engine.has_ended() {
            return Ok(true);
        }
        // Everybody has cleared it, and the store has more than can be looked through: waiting tells nothing.
        if told.elapsed() > 4 * away_for(engine) {
            break;
        }
        tokio::time::sleep(away_for(engine) / 4).await;
    }
    // They stay in the job: the next run, or `verify`, looks again.
    tracing::warn!(
        "deleted messages come back again and again, or can't be looked for, in {} conversations",
        watched.len()
    );
    Ok(true)
}

/// Looks a message needs to stay away for good, times the times it may come back.
const ROUNDS: u32 = 60;

/// Rows of the job taken at once.
const PAGE: usize = 500;

fn withdrawn(engine: &Engine) -> Result<BTreeMap<ConvNo, Vec<Watched>>, ImportError> {
    let mut watched: BTreeMap<ConvNo, Vec<Watched>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = engine.read(|reader| reader.to_look_for(after, PAGE))?;
        let Some((conv, last)) = page.last() else { return Ok(watched) };
        after = Some((*conv, last.seq));
        for (conv, Withdrawn { seq, ordinal, ids }) in page {
            let one = Watched { seq, ordinal, server: ids.server, is_copy: false, deleted: true, away: None };
            watched.entry(conv).or_default().push(one);
        }
    }
}

/// Copies of messages that stand elsewhere. Their receipts say so; where the message was not readable in its
/// slot, the store has to show it there before its copy may go: else the copy can be all there is.
async fn add_copies(
    engine: &Arc<Engine>,
    watched: &mut BTreeMap<ConvNo, Vec<Watched>>,
) -> Result<(), ImportError> {
    let mut after = None;
    loop {
        let page = engine.read(|reader| reader.doubles(after, PAGE))?;
        let Some((conv, last)) = page.last() else { break };
        after = Some((*conv, last.seq));
        let mut unreadable: BTreeMap<ConvNo, Vec<(Receipt, Watched)>> = BTreeMap::new();
        for (conv, Double { seq, ordinal, server }) in page {
            let Some(receipt) = engine.read(|reader| reader.receipt(conv, ordinal))? else { continue };
            let is_elsewhere =
                receipt.seq != seq && receipt.ids.as_ref().is_some_and(|ids| ids.server == server);
            if !is_elsewhere {
                continue;
            }
            let one = Watched { seq, ordinal, server, is_copy: true, deleted: false, away: None };
            if receipt.hidden {
                unreadable.entry(conv).or_default().push((receipt, one));
            } else {
                watched.entry(conv).or_default().push(one);
            }
        }
        for (conv, doubtful) in unreadable {
            let Some(conversation) = engine.read(|reader| reader.conversation(conv))? else { continue };
            let ordinals: Vec<Ordinal> = doubtful.iter().map(|(_, one)| one.ordinal).collect();
            let Some(stored) = in_store(engine, &conversation, &ordinals).await? else { continue };
            let sure = doubtful
                .into_iter()
                .filter(|(receipt, one)| stored.contains(&(receipt.seq, one.server.clone())));
            watched.entry(conv).or_default().extend(sure.map(|(_, one)| one));
        }
    }
    watched.retain(|_, slots| !slots.is_empty());
    for slots in watched.values_mut() {
        slots.sort_by_key(|one| one.seq);
    }
    Ok(())
}

/// What is deleted before the store has it comes back (law 14). The queue keeps its order, so when the store has
/// the last messages of some of these conversations, it has the others but for moments.
async fn wait_until_stored(
    engine: &Arc<Engine>,
    watched: &BTreeMap<ConvNo, Vec<Watched>>,
) -> Result<(), ImportError> {
    const SOME: usize = 4;
    const LONGEST: Duration = Duration::from_mins(1);
    tokio::time::sleep(away_for(engine)).await;
    let until = Instant::now() + LONGEST;
    for conv in watched.keys().rev().take(SOME) {
        let last = engine.read(|reader| {
            let Some(progress) = reader.progress(*conv)? else { return Ok(None) };
            let Some(receipt) = reader.last_receipt(*conv, progress.cursor)? else { return Ok(None) };
            Ok(reader.entries(*conv, receipt.ordinal, 1)?.pop())
        })?;
        let Some(time) = last.map(|entry| entry.send_time) else { continue };
        while !engine.has_ended() && Instant::now() < until {
            match engine.client.stored_between(time, SendTime(time.0 + 1)).await {
                Ok(0) => {
                    // A store that never gets it is no server that has died, and this wait has an end of its own.
                    engine.lives();
                    tokio::time::sleep(engine.settings.stay_away / 2).await;
                }
                Ok(_) => break,
                Err(error) if engine.call_failed(&error) => engine.pause().await,
                Err(_) => return Ok(()),
            }
        }
    }
    Ok(())
}

/// How long something has to stay away: where storing takes long, longer than that.
fn away_for(engine: &Engine) -> Duration {
    engine.settings.stay_away.max(2 * engine.lag())
}

/// Forgets what has stayed away.
async fn note_gone(engine: &Engine, conv: ConvNo, slots: &mut Vec<Watched>) {
    let long = away_for(engine);
    let is_gone = |one: &mut Watched| one.away.is_some_and(|since| since.elapsed() >= long);
    let (copies, ours): (Vec<Watched>, Vec<Watched>) =
        slots.extract_if(.., is_gone).partition(|one| one.is_copy);
    let seqs = |some: Vec<Watched>| some.into_iter().map(|one| one.seq).collect::<Vec<_>>();
    engine.progress.repaired.add(copies.len() as u64);
    let ours = Write::Deleted(conv, seqs(ours), Deleted::ForGood);
    for entry in [ours, Write::Repaired(conv, seqs(copies))] {
        if let Err(gone) = engine.writer.lazily(entry).await {
            engine.writer_gone(gone);
        }
    }
}

/// False: nobody could tell what stands there.
async fn look_for(engine: &Arc<Engine>, conv: ConvNo, slots: &mut [Watched]) -> Result<bool, ImportError> {
    let Some(conversation) = engine.read(|reader| reader.conversation(conv))? else { return Ok(false) };
    let users = engine.read(|reader| likely_senders(reader, &conversation, Ordinal(0)))?;
    let name = conversation.id().0;
    let mut back = Vec::new();
    let mut looked = false;
    for some in runs(slots) {
        let (from, to) = (some[0].seq, some[some.len() - 1].seq);
        let mut there: Option<HashSet<(Seq, MsgId)>> = None;
        for user in users.iter().take(3) {
            let Some(pulled) = pull(engine, user, Range { conversation: &name, from, to }).await else {
                continue;
            };
            let records = pulled.records().map_err(ImportError::Call)?;
            let records: Vec<_> =
                records.iter().filter(|(one, _)| *one == name).flat_map(|(_, all)| all).collect();
            if !records.is_empty() {
                let names = records.iter().map(|record| (Seq(record.seq), record.ids().server));
                there = Some(names.collect());
                break;
            }
        }
        if there.is_none() {
            // Nobody has a record of the conversation: a second stage that was killed at its first batch makes
            // none. The store shows what is there.
            let ordinals: Vec<Ordinal> = some.iter().map(|one| one.ordinal).collect();
            there = in_store(engine, &conversation, &ordinals).await?;
        }
        let Some(there) = there else { continue };
        looked = true;
        for one in some.iter_mut() {
            if there.contains(&(one.seq, one.server.clone())) {
                one.away = None;
                back.push((one.seq, one.is_copy, one.deleted));
                one.deleted = true;
            } else {
                one.away.get_or_insert_with(Instant::now);
            }
        }
    }
    let seqs: Vec<Seq> = back.iter().map(|(seq, ..)| *seq).collect();
    if !seqs.is_empty() && withdraw::delete(engine, &name, &seqs).await {
        engine.progress.returned.add(back.iter().filter(|(.., deleted)| *deleted).count() as u64);
        let ours = back.iter().filter(|(_, is_copy, _)| !is_copy).map(|(seq, ..)| *seq).collect();
        if let Err(gone) = engine.writer.lazily(Write::Deleted(conv, ours, Deleted::Once)).await {
            engine.writer_gone(gone);
        }
    }
    Ok(looked)
}

/// Neighbouring slots together: a call reads one range of a conversation.
fn runs(slots: &mut [Watched]) -> impl Iterator<Item = &mut [Watched]> {
    slots.chunk_by_mut(|a, b| b.seq.0 - a.seq.0 < 50)
}

async fn pull(engine: &Arc<Engine>, user: &str, range: Range<'_>) -> Option<crate::openim::Pulled> {
    loop {
        match engine.client.pull(user, std::slice::from_ref(&range)).await {
            Ok(pulled) => {
                engine.lives();
                return Some(pulled);
            }
            Err(error) if super::worker::is_refusal(&error) => return None,
            Err(error) => {
                if !engine.call_failed(&error) || engine.has_ended() {
                    return None;
                }
                engine.pause().await;
            }
        }
    }
}
