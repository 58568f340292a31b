//! The second stage: takes messages from the queue in batches, numbers them, writes them to the cache.
//!
//! Law 1: a batch is 500 messages or one interval, whichever comes first; of more than 100 messages with
//! the same key in it none is stored. Law 3: numbers are handed out first, the messages are written a gap
//! later. Law 10: within a conversation the order of the queue is kept. Law 11: what the key takes for one
//! conversation is filed under the conversation of its first message.

use super::faults::{FaultKind, Moment, generation_ended, repeat_last};
use super::record::Record;
use super::shared::Shared;
use super::third::Written;
use super::world::{Queued, World};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// So many messages make a batch before its time.
pub(super) const BATCH: usize = 500;
/// More of one key in a batch, and all of them are gone.
const MOST: usize = 100;
/// After the first messages of a conversation, its people's conversation records follow so much later.
pub(super) const RECORDS_AFTER_MS: i64 = 10;
/// Batches on their way from one stage to the next. The channels take memory as they fill: what is in them is
/// what the lags keep under way, 80 batches a second at 40,000 messages.
const UNDER_WAY: usize = 1 << 16;
/// So many of the messages handled last are remembered, to be repeated (law 5).
const HANDLED: usize = 512;

/// Messages of one conversation with their numbers.
pub(super) struct Numbered {
    pub(super) conversation: Arc<str>,
    pub(super) first: i64,
    pub(super) records: Vec<Arc<Record>>,
    pub(super) is_new: bool,
    /// How many of them the queue gave out before.
    copies: u64,
}

/// What was numbered together.
pub(super) struct Batch {
    pub(super) due: Instant,
    pub(super) generation: u64,
    pub(super) groups: Vec<Numbered>,
}

/// Runs the second and third stage, and the people, until the server is told to stop. What has its numbers by
/// then is still written and stored, at once; what is queued stays queued, for the state file.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let (to_write, unwritten) = mpsc::channel(UNDER_WAY);
    let (to_store, unstored) = mpsc::channel(UNDER_WAY);
    tokio::join!(
        stop.run_until_cancelled(async {
            match shared.options.capacity {
                Some(capacity) => super::turns::collect(&shared, capacity, to_write).await,
                None => collect(&shared, to_write).await,
            }
        }),
        write(&shared, unwritten, to_store, &stop),
        super::third::run(&shared, unstored, &stop),
        stop.run_until_cancelled(super::faults::run(&shared)),
        stop.run_until_cancelled(super::probe::run(&shared)),
    );
}

async fn collect(shared: &Shared, to_write: mpsc::Sender<Batch>) {
    let timing = shared.options.timing;
    loop {
        while shared.world().must_wait() {
            shared.queued.notified().await;
        }
        let close = Instant::now() + timing.batch_interval;
        let full = loop {
            if shared.world().queue.len() >= BATCH {
                break true;
            }
            if tokio::time::timeout_at(close, shared.queued.notified()).await.is_err() {
                break shared.world().queue.len() >= BATCH;
            }
        };
        let gap = timing.gap().mul_f64(shared.faults.slowness());
        let batch = take_batch(shared, gap);
        if to_write.send(batch).await.is_err() {
            return;
        }
        // A batch that time has closed is handed on before the next one is collected, as measured; a full one
        // doesn't hold anything up, so that the second stage is never the limit.
        if !full {
            tokio::time::sleep(gap).await;
        }
    }
}

/// Takes up to a batch from the queue and hands out numbers.
fn take_batch(shared: &Shared, gap: Duration) -> Batch {
    let mut guard = shared.world();
    let world = &mut *guard;
    set_apart(shared, world);
    let count = if world.recovering > 0 { 0 } else { world.queue.len().min(BATCH) };
    let groups = by_key(world.queue.drain(..count));
    let mut longest = gap;
    let groups: Vec<Numbered> =
        groups.into_iter().filter_map(|group| number(shared, world, group, &mut longest)).collect();
    world.numbered += groups.iter().map(|group| group.records.len()).sum::<usize>();
    Batch { due: Instant::now() + longest, generation: world.generation, groups }
}

/// What the queue's key takes for one conversation goes together, in the order in which each came first.
pub(super) fn by_key(batch: impl Iterator<Item = Queued>) -> Vec<Vec<Queued>> {
    let mut places: HashMap<(Arc<str>, bool), usize> = HashMap::new();
    let mut groups: Vec<Vec<Queued>> = Vec::new();
    for queued in batch {
        let route = &queued.record.route;
        let place = *places.entry((Arc::clone(&route.key), route.way.is_aside())).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(queued);
    }
    groups
}

/// What stands still makes way for the others, and comes back to the front in its order.
pub(super) fn set_apart(shared: &Shared, world: &mut World) {
    let stalls = |queued: &Queued| {
        let route = &queued.record.route;
        shared.faults.stalls(&route.conversation, &route.key)
    };
    if world.stalled.is_empty() && !world.queue.iter().any(stalls) {
        return;
    }
    let all = world.stalled.drain(..).chain(world.queue.drain(..));
    let (stalled, free): (Vec<Queued>, Vec<Queued>) = all.partition(stalls);
    world.stalled.extend(stalled);
    world.queue.extend(free);
}

/// Numbers for messages of one key, unless they are lost.
pub(super) fn number(
    shared: &Shared,
    world: &mut World,
    group: Vec<Queued>,
    gap: &mut Duration,
) -> Option<Numbered> {
    let id = Arc::clone(&group[0].record.route.conversation);
    let count = i64::try_from(group.len()).expect("at most a batch");
    let group_len = group.len();
    let mut lost = (group_len > MOST).then_some("more than 100 in a batch");
    let sent = group.iter().filter(|queued| !queued.again && !queued.record.is_live());
    if sent.count() > MOST {
        world.conversation_mut(&id).tally.overfilled += count.cast_unsigned();
    }
    for fault in shared.faults.strike(Moment::Number(&id)) {
        match fault {
            FaultKind::LoseQueue => lost = Some("the queue was lost"),
            FaultKind::RepeatQueue { last } => repeat_last(shared, world, last, None),
            // A conversation without numbers has none to lose: it begins with 1.
            FaultKind::JumpSeq { by } if world.conversation_mut(&id).max_seq > 0 => {
                world.conversation_mut(&id).shift(by);
            }
            // Whatever the batch adds: as it is told afterwards, maxSeq has fallen by so much.
            FaultKind::FallBackSeq { by } => world.conversation_mut(&id).shift(-(by.saturating_add(count))),
            FaultKind::ReadGap { ms } => *gap = (*gap).max(Duration::from_millis(ms)),
            _ => {}
        }
    }
    let by_a_fault = group_len <= MOST || world.given_back > 0;
    world.given_back = world.given_back.saturating_sub(group_len);
    if let Some(why) = lost {
        for queued in &group {
            world.lose(&queued.record, why, by_a_fault);
        }
        return None;
    }
    let now = shared.now();
    let copies = group.iter().filter(|queued| queued.again).count().try_into().unwrap_or(u64::MAX);
    let records: Vec<Arc<Record>> = group.into_iter().map(|queued| queued.record).collect();
    world.handled.extend(records.iter().map(Arc::clone));
    while world.handled.len() > HANDLED {
        world.handled.pop_front();
    }
    let conversation = world.conversation_mut(&id);
    let is_new = conversation.max_seq == 0;
    let first = conversation.number(count, now);
    Some(Numbered { conversation: id, first, records, is_new, copies })
}

async fn write(
    shared: &Shared,
    mut batches: mpsc::Receiver<Batch>,
    to_store: mpsc::Sender<Written>,
    stop: &CancellationToken,
) {
    while let Some(batch) = batches.recv().await {
        stop.run_until_cancelled(tokio::time::sleep_until(batch.due)).await;
        let due = Instant::now() + shared.options.timing.store_lag;
        let generation = batch.generation;
        let groups =
            batch.groups.into_iter().filter_map(|group| write_group(shared, generation, group)).collect();
        if to_store.send(Written { due, generation, groups }).await.is_err() {
            return;
        }
    }
}

fn write_group(shared: &Shared, generation: u64, group: Numbered) -> Option<Numbered> {
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    world.numbered -= group.records.len();
    if world.generation != generation {
        generation_ended(shared, world, group.records);
        return None;
    }
    if let Some(again) = &mut world.again {
        group.records.iter().for_each(|record| again.written(record));
    }
    if let Some(probe) = &mut world.probe {
        group.records.iter().for_each(|record| probe.written(record));
    }
    let conversation = world.conversation_mut(&group.conversation);
    for (seq, record) in (group.first..).zip(&group.records) {
        let slot = conversation.slot_mut(seq);
        let overwritten = slot.content().is_some_and(|there| there.server_id != record.server_id);
        slot.write(record, now);
        if overwritten {
            conversation.dropped("overwritten after maxSeq fell back", 1);
        }
        conversation.tally.written += 1;
        // Law 3: the sender's own position moves only now.
        let member = conversation.member_mut(&record.route.sender);
        member.has_read = member.has_read.max(seq);
    }
    conversation.tally.copies += group.copies;
    if let Some(first) = group.records.first().filter(|_| group.is_new) {
        world.make_records(&group.conversation, first, now + RECORDS_AFTER_MS);
    }
    Some(group)
}
