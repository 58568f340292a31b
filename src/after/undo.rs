//! Takes an import back: deletes exactly what the job's receipts name, and nothing else.
//!
//! First the messages in the slots where they were confirmed, in batches; each is looked at before, because a
//! slot can have come to hold another message. Then the whole log of the conversation is read for what came
//! back (law 14) and for copies under the same names (law 5), until a reading finds nothing more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::book::{JobBook, Memory};
use super::log::{Log, PAGE, Seen};
use super::verify::Book;
use super::visit::{AfterError, Desk, Round, Server, Settings};
use crate::job::{ConvNo, Conversation, Job, JobError, JobReader, Left, Receipt, Undone};
use crate::message::{Ids, Ordinal, SendTime, Seq};
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

/// Deletes what the job imported; begun before, it goes on, and what could not be deleted is tried again. `tell` hears how many messages were dealt with.
pub async fn undo(
    client: Client,
    job: &mut Job,
    settings: Settings,
    mut tell: impl FnMut(u64),
) -> Result<UndoReport, AfterError> {
    job.undo_failed_again()?;
    let reader = job.reader()?;
    let workers = settings.connections;
    let server = Arc::new(Server::new(client, settings));
    wait_until_stored(&server, &reader).await?;
    // All are deleted before the first is looked at again: what comes back has had its time by then.
    for part in [Part::Delete, Part::LookAgain] {
        if part == Part::LookAgain {
            server.sleep(server.settings.stay_away).await?;
        }
        each(&server, job, &reader, workers, part, &mut tell).await?;
    }
    let (conversations, Undone { deleted, kept, failed, .. }) = reader.undone_in_all()?;
    Ok(UndoReport { conversations, deleted, kept, failed })
}

/// What is done to every conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Delete,
    LookAgain,
}

/// Does that part of it to all conversations, several at once.
async fn each(
    server: &Arc<Server>,
    job: &mut Job,
    reader: &JobReader,
    workers: u16,
    part: Part,
    tell: &mut impl FnMut(u64),
) -> Result<(), AfterError> {
    let round = Arc::new(Round::new(reader.reopen()?));
    let (to_write, mut steps) = mpsc::channel::<StepOf>(64);
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (server, round, desk) = (Arc::clone(server), Arc::clone(&round), Desk::new(reader.reopen()?));
        let to_write = to_write.clone();
        tasks.spawn(async move {
            while let Some(next) = round.next(&server.settings).await? {
                undo_one(&server, &desk, &next, part, &to_write).await?;
            }
            Ok::<(), AfterError>(())
        });
    }
    drop(to_write);
    let mut batch = Vec::new();
    while steps.recv_many(&mut batch, 64).await > 0 {
        let messages = batch.iter().map(|(.., messages)| messages).sum();
        let steps: Vec<_> = batch.drain(..).map(|(conv, undone, left, _)| (conv, undone, left)).collect();
        job.undo(&steps)?;
        tell(messages);
    }
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        first = first.and(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
    }
    first
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
    desk: &Desk,
    conversation: &Conversation,
    part: Part,
    steps: &mpsc::Sender<StepOf>,
) -> Result<(), AfterError> {
    let conv = conversation.no;
    let Some(progress) = desk.read(|reader| reader.progress(conv))? else { return Ok(()) };
    let mut undone = desk.read(|reader| reader.undone(conv))?.unwrap_or_default();
    if undone.is_done {
        return Ok(());
    }
    let say = async |undone: Undone, left: Vec<Left>, messages: u64| {
        steps.send((conv, undone, left, messages)).await.map_err(|_| AfterError::Stopped)
    };
    let mut kept: Vec<Seq> = desk.read(|reader| reader.kept_by_undo(conv))?;
    let mut log = Log::open(server, desk, conversation).await?;
    while part == Part::Delete {
        let receipts = desk.read(|reader| reader.receipts(conv, undone.next, AT_ONCE))?;
        let Some(last) = receipts.last().map(|last| last.ordinal) else { break };
        let Fates { delete, left } = look_at(&mut log, desk, conversation, &receipts).await?;
        log.delete(&delete).await?;
        undone.next = Ordinal(last.0 + 1);
        undone.deleted += delete.len() as u64;
        let before = kept.len();
        kept.extend(left.iter().filter(|one| one.is_kept).map(|one| one.seq));
        undone.kept += (kept.len() - before) as u64;
        undone.failed += (left.len() - (kept.len() - before)) as u64;
        say(undone, left, receipts.len() as u64).await?;
    }
    if part == Part::Delete {
        // Also where nothing was confirmed: what was under way is looked for.
        return say(undone, Vec::new(), 0).await;
    }
    let left = look_again(&mut log, server, desk, conversation, progress.baseline, &kept).await?;
    let failed = left.len() as u64;
    undone.failed += failed;
    undone.deleted = undone.deleted.saturating_sub(failed);
    undone.is_done = true;
    say(undone, left, 0).await
}

/// What becomes of some messages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fates {
    delete: Vec<Seq>,
    left: Vec<Left>,
}

async fn look_at(
    log: &mut Log<'_>,
    desk: &Desk,
    conversation: &Conversation,
    receipts: &[Receipt],
) -> Result<Fates, AfterError> {
    let mut by_slot: Vec<&Receipt> = receipts.iter().collect();
    by_slot.sort_unstable_by_key(|receipt| receipt.seq);
    let mut fates = Fates::default();
    // Neighbours, so that one page holds all of a hundred.
    let near = |a: &&Receipt, b: &&Receipt| b.seq.0 - a.seq.0 < 2;
    for some in by_slot.chunk_by(near).flat_map(|run| run.chunks(AT_ONCE)) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else { continue };
        let mut seen = Vec::new();
        if last.seq <= log.bound {
            let wanted: Vec<Seq> = some.iter().map(|receipt| receipt.seq).collect();
            seen = log.page(first.seq, last.seq, &wanted).await?;
        }
        for receipt in some {
            let there = seen.iter().find(|one| one.seq == receipt.seq);
            let is_same = match (there, &receipt.ids) {
                (Some(one), None) => {
                    desk.read(|reader| is_equal(reader, conversation, receipt.ordinal, one))?
                }
                _ => false,
            };
            decide(receipt, there.map(|one| &one.ids), is_same, log.bound, &mut fates);
        }
    }
    Ok(fates)
}

/// What becomes of a message, by what stands in its slot. `is_same`: names are unknown, and it says the same.
fn decide(receipt: &Receipt, there: Option<&Ids>, is_same: bool, bound: Seq, fates: &mut Fates) {
    let leave = |is_kept, reason: &str| Left {
        ordinal: receipt.ordinal,
        seq: receipt.seq,
        is_kept,
        reason: reason.to_owned(),
    };
    let is_ours = |ids: &Ids| {
        receipt.ids.as_ref().map_or(is_same, |ours| ours.client == ids.client || ours.server == ids.server)
    };
    if receipt.seq > bound {
        fates
            .left
            .push(leave(false, "the server's log does not reach so far any more, or is just being written"));
        return;
    }
    match there {
        Some(ids) if !is_ours(ids) => fates.left.push(leave(true, "another message stands in its slot")),
        // Empty for those who were asked: deleted before, or hidden from the cache and still in the store.
        Some(_) | None => fates.delete.push(receipt.seq),
    }
}

fn is_equal(
    reader: &JobReader,
    conversation: &Conversation,
    ordinal: Ordinal,
    seen: &Seen,
) -> Result<bool, JobError> {
    let mut memory = Memory::default();
    match (JobBook { reader, conversation, memory: &mut memory }).equals(&seen.stored) {
        Ok(ordinals) => Ok(ordinals.contains(&ordinal)),
        Err(JobError::Purged(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads the whole log for what came back and for copies, and deletes them, until nothing more is found.
/// Gives what comes back again and again.
async fn look_again<'a>(
    log: &mut Log<'a>,
    server: &'a Server,
    desk: &Desk,
    conversation: &Conversation,
    baseline: Seq,
    kept: &[Seq],
) -> Result<Vec<Left>, AfterError> {
    const ROUNDS: u32 = 20;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        if round > 0 {
            server.sleep(server.settings.stay_away).await?;
            *log = Log::open(server, desk, conversation).await?;
        }
        found = ours(log, desk, conversation, baseline).await?;
        found.retain(|(_, seq)| !kept.contains(seq));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let seqs: Vec<Seq> = found.iter().map(|(_, seq)| *seq).collect();
        tracing::info!(conversation = %conversation.id(), round, "{} came back or are copies", seqs.len());
        log.delete(&seqs).await?;
    }
    let left = |(ordinal, seq)| Left {
        ordinal,
        seq,
        is_kept: false,
        reason: format!("it was there again each of the {ROUNDS} times it was deleted"),
    };
    Ok(found.into_iter().map(left).collect())
}

/// Everything of ours in a log: under names that the job knows, or saying what a message of ours says.
async fn ours(
    log: &mut Log<'_>,
    desk: &Desk,
    conversation: &Conversation,
    baseline: Seq,
) -> Result<Vec<(Ordinal, Seq)>, AfterError> {
    /// Records that are looked up in one walk over the receipts.
    const TOGETHER: usize = 10_000;
    let (mut found, mut records, mut memory) = (Vec::new(), Vec::new(), Memory::default());
    let mut from = Seq(baseline.0 + 1);
    while from <= log.bound {
        let to = Seq((from.0 + PAGE - 1).min(log.bound.0));
        records.append(&mut log.page(from, to, &[]).await?);
        if records.len() >= TOGETHER {
            desk.read(|reader| whose(reader, conversation, &mut memory, &records, &mut found))?;
            records.clear();
        }
        from = Seq(to.0 + 1);
    }
    desk.read(|reader| whose(reader, conversation, &mut memory, &records, &mut found))?;
    Ok(found)
}

fn whose(
    reader: &JobReader,
    conversation: &Conversation,
    memory: &mut Memory,
    records: &[Seen],
    found: &mut Vec<(Ordinal, Seq)>,
) -> Result<(), JobError> {
    if records.is_empty() {
        return Ok(());
    }
    let purged = reader.is_purged()?;
    let mut book = JobBook { reader, conversation, memory };
    let names: Vec<&Ids> = records.iter().map(|one| &one.ids).collect();
    for (one, named) in records.iter().zip(book.named(&names)?) {
        let mut ordinal = named;
        if ordinal.is_none() && !purged {
            ordinal = book.equals(&one.stored)?.first().copied();
        }
        if ordinal.is_none() && book.was_withdrawn(&one.ids)? {
            ordinal = Some(Ordinal(0));
        }
        found.extend(ordinal.map(|ordinal| (ordinal, one.seq)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MsgId;

    fn ids(n: u64) -> Ids {
        Ids { server: MsgId::new(&format!("s{n}")), client: MsgId::new(&format!("c{n}")) }
    }

    fn fate(receipt_ids: Option<Ids>, there: Option<&Ids>, is_same: bool, bound: i64) -> (usize, Vec<bool>) {
        let receipt = Receipt { ordinal: Ordinal(3), seq: Seq(7), ids: receipt_ids, hidden: false };
        let mut fates = Fates::default();
        decide(&receipt, there, is_same, Seq(bound), &mut fates);
        (fates.delete.len(), fates.left.into_iter().map(|left| left.is_kept).collect())
    }

    #[test]
    fn only_what_is_ours_is_deleted() {
        let deleted = (1, vec![]);
        let kept = (0, vec![true]);
        assert_eq!(fate(Some(ids(1)), Some(&ids(1)), false, 9), deleted);
        // Revoked or changed, it keeps its names.
        assert_eq!(fate(Some(ids(1)), Some(&Ids { client: MsgId::new("x"), ..ids(1) }), false, 9), deleted);
        assert_eq!(fate(Some(ids(1)), None, false, 9), deleted);
        assert_eq!(fate(Some(ids(1)), Some(&ids(2)), true, 9), kept);
        assert_eq!(fate(None, Some(&ids(2)), true, 9), deleted);
        assert_eq!(fate(None, Some(&ids(2)), false, 9), kept);
        assert_eq!(fate(Some(ids(1)), None, false, 6), (0, vec![false]));
    }
}
