//! Takes an import back: deletes exactly what the job's receipts name, and nothing else.
//!
//! First the messages in the slots where they were confirmed, in batches; each is looked at before, because a
//! slot can have come to hold another message. Then the whole log of the conversation is read for what came
//! back (law 14) and for copies under the same names (law 5), until a reading finds nothing more. A conversation in
//! which nothing is left is cut off, so that what is sent anew can be scrolled (law 15).

mod look;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use tokio::sync::mpsc;

use self::look::{Fates, look_again, look_at};
use super::visit::{self, AfterError, Round, Server, Settings};
use crate::job::{ConvNo, Conversation, Job, JobReader, Left, SharedReader, Undone};
use crate::log::Log;
use crate::message::{Ordinal, SendTime, Seq};
use crate::openim::Client;

/// What came of an undo, over all conversations and all times it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UndoReport {
    /// Conversations.
    pub conversations: u64,
    /// Messages that are gone.
    pub deleted: u64,
    /// Messages that were left: they are not ours any more.
    pub kept: u64,
    /// Messages that could not be deleted.
    pub failed: u64,
}

/// How far a conversation is, what was left of it since the last time, and how many messages that took.
type StepOf = (ConvNo, Undone, Vec<Left>, u64);

/// Deletes what the job imported; begun before, it goes on, and what could not be deleted is tried again. `cuts`: also
/// what others wrote is cut off. `tell` hears how many messages were dealt with.
pub async fn undo(
    client: Client,
    job: &mut Job,
    settings: Settings,
    cuts: bool,
    mut tell: impl FnMut(u64),
) -> Result<UndoReport, AfterError> {
    job.undo_failed_again()?;
    let reader = job.reader()?;
    let server = Arc::new(Server::new(client, settings));
    wait_until_stored(&server, &reader).await?;
    begin(&server.settings, job, &reader).await?;
    // All are deleted before the first is looked at again: what comes back has had its time by then.
    for part in [Part::Delete, Part::LookAgain { cuts }] {
        if part != Part::Delete {
            server.sleep(server.settings.stay_away).await?;
        }
        each(&server, job, &reader, part, &mut tell).await?;
    }
    let (conversations, Undone { deleted, kept, failed, .. }) = reader.undone_in_all()?;
    Ok(UndoReport { conversations, deleted, kept, failed })
}

/// The job knows of every conversation that is taken back before anything of it is deleted: of what a kill leaves in
/// between `run` would say that all is confirmed.
async fn begin(settings: &Settings, job: &mut Job, reader: &JobReader) -> Result<(), AfterError> {
    const AT_ONCE: usize = 10_000;
    let round = Round::new(reader.reopen()?);
    let mut begun = Vec::new();
    while let Some(next) = round.next(settings).await? {
        if reader.progress(next.no)?.is_some() && reader.undone(next.no)?.is_none() {
            begun.push((next.no, Undone::default(), Vec::new()));
        }
        if begun.len() == AT_ONCE {
            job.undo(&begun)?;
            begun.clear();
        }
    }
    Ok(job.undo(&begun)?)
}

/// What is done to every conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Delete,
    /// And cut off, where nothing is left, or where it is to be cut whatever is.
    LookAgain {
        cuts: bool,
    },
}

/// Does that part of it to all conversations, several at once.
async fn each(
    server: &Arc<Server>,
    job: &mut Job,
    reader: &JobReader,
    part: Part,
    tell: &mut impl FnMut(u64),
) -> Result<(), AfterError> {
    let (to_write, mut steps) = mpsc::channel::<StepOf>(64);
    let asked = Arc::clone(server);
    let tasks = visit::each(reader, &server.settings, move |desk, next| {
        let (server, to_write) = (Arc::clone(&asked), to_write.clone());
        async move { undo_one(&server, &desk, &next, part, &to_write).await }
    })?;
    let mut batch = Vec::new();
    while steps.recv_many(&mut batch, 64).await > 0 {
        let messages = batch.iter().map(|(.., messages)| messages).sum();
        let steps: Vec<_> = batch.drain(..).map(|(conv, undone, left, _)| (conv, undone, left)).collect();
        job.undo(&steps)?;
        tell(messages);
    }
    visit::all(tasks).await
}

/// What is deleted before the store has it comes back (law 14). The queue keeps its order, so when the store
/// has the last messages of some conversations, it has the others but for moments.
async fn wait_until_stored(server: &Server, reader: &JobReader) -> Result<(), AfterError> {
    const SOME: usize = 8;
    let mut rng = fastrand::Rng::with_seed(1);
    let all = reader.totals()?.conversations;
    let mut last: Vec<SendTime> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for n in 0..SOME as u64 {
        // The longest are among the first; any of the others.
        let conv = ConvNo(u32::try_from(if n == 0 { 1 } else { 1 + rng.u64(0..all.max(1)) }).unwrap_or(1));
        let Some(progress) = reader.progress(conv)?.filter(|_| seen.insert(conv)) else { continue };
        if reader.undone(conv)?.is_some() {
            // Begun before: the last message may be gone already.
            continue;
        }
        let Some(receipt) = reader.last_receipt(conv, progress.cursor)? else { continue };
        let entry = reader.entries(conv, receipt.ordinal, 1)?.pop();
        last.extend(entry.map(|entry| entry.send_time).filter(|time| !last.contains(time)));
    }
    let (started, mut wait) = (Instant::now(), Duration::from_millis(100));
    for time in last {
        while server.stored_between(time, SendTime(time.0 + 1)).await? == 0 {
            // Then it is lost rather than late.
            if started.elapsed() > server.settings.store_wait {
                tracing::warn!(
                    "the store does not have what was confirmed; what comes back is deleted again"
                );
                return Ok(());
            }
            server.sleep(wait).await?;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }
    Ok(())
}

/// Receipts looked at, and slots deleted, at once: a stored document holds a hundred messages.
const AT_ONCE: usize = 100;

async fn undo_one(
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
    part: Part,
    steps: &mpsc::Sender<StepOf>,
) -> Result<(), AfterError> {
    let conv = conversation.no;
    let Some(progress) = desk.read(|reader| reader.progress(conv))? else {
        // Nothing of ours is there, because what people have written is newer: that is what is cut off.
        if part == (Part::LookAgain { cuts: true }) && desk.read(|reader| reader.overtaken(conv))?.is_some() {
            Log::open(server, desk, conversation).await?.cut().await?;
        }
        return Ok(());
    };
    let mut undone = desk.read(|reader| reader.undone(conv))?.unwrap_or_default();
    let cuts = match part {
        _ if undone.is_done && part != (Part::LookAgain { cuts: true }) => return Ok(()),
        Part::Delete => {
            let mut log = Log::open(server, desk, conversation).await?;
            return delete(&mut log, desk, conversation, undone, steps).await;
        }
        Part::LookAgain { cuts } => cuts,
    };
    let mut log = Log::open(server, desk, conversation).await?;
    if undone.is_done {
        return Ok(log.cut().await?);
    }
    let kept: Vec<Seq> = desk.read(|reader| reader.kept_by_undo(conv))?;
    let left = look_again(&mut log, server, desk, conversation, progress.baseline, &kept).await?;
    let failed = left.len() as u64;
    undone.failed += failed;
    undone.deleted = undone.deleted.saturating_sub(failed);
    undone.is_done = true;
    if cuts && undone.failed == 0 {
        log.cut().await?;
    } else if undone.failed + undone.kept == 0 {
        // What is sent anew stands behind a long hole otherwise, which clients don't get over (law 15).
        log.cut_if_empty().await?;
    }
    say(steps, (conv, undone, left, 0)).await
}

async fn say(steps: &mpsc::Sender<StepOf>, step: StepOf) -> Result<(), AfterError> {
    steps.send(step).await.map_err(|_| AfterError::Stopped)
}

/// Deletes what was confirmed, for the first time.
async fn delete(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conversation: &Conversation,
    mut undone: Undone,
    steps: &mpsc::Sender<StepOf>,
) -> Result<(), AfterError> {
    let conv = conversation.no;
    loop {
        let receipts = desk.read(|reader| reader.receipts(conv, undone.next, AT_ONCE))?;
        let Some(last) = receipts.last().map(|last| last.ordinal) else { break };
        let Fates { delete, left } = look_at(log, desk, conversation, &receipts).await?;
        log.delete(&delete).await?;
        undone.next = Ordinal(last.0 + 1);
        undone.deleted += delete.len() as u64;
        let kept = left.iter().filter(|one| one.is_kept).count();
        undone.kept += kept as u64;
        undone.failed += (left.len() - kept) as u64;
        say(steps, (conv, undone, left, receipts.len() as u64)).await?;
    }
    // Also where nothing was confirmed: what was under way is looked for.
    say(steps, (conv, undone, Vec::new(), 0)).await
}
