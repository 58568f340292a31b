//! The second stage: takes messages from the queue in batches, numbers them, writes them to the cache.
//!
//! Law 1: a batch is 500 messages or one interval, whichever comes first; of more than 100 messages with
//! the same key in it none is stored. Law 3: numbers are handed out first, the messages are written a gap
//! later. Law 10: within a conversation the order of the queue is kept. Law 11: what the key takes for one
//! conversation is filed under the conversation of its first message.

use super::record::Record;
use super::shared::Shared;
use super::world::Queued;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// So many messages make a batch before its time.
pub(super) const BATCH: usize = 500;
/// More of one key in a batch, and all of them are gone.
const MOST: usize = 100;
/// After the first messages of a conversation, its people's conversation records follow so much later.
pub(super) const RECORDS_AFTER_MS: i64 = 10;
/// Batches numbered and not yet written. A full channel holds the second stage up, never a caller.
const UNWRITTEN: usize = 64;

/// Messages with numbers, waiting to be written.
pub(super) struct Numbered {
    conversation: Arc<str>,
    first: i64,
    records: Vec<Arc<Record>>,
    is_new: bool,
}

struct Batch {
    due: Instant,
    groups: Vec<Numbered>,
}

/// Runs the second and third stage until it is told to stop.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let (to_write, unwritten) = mpsc::channel(UNWRITTEN);
    let (to_store, unstored) = mpsc::channel(UNWRITTEN);
    tokio::select! {
        () = stop.cancelled() => {}
        () = async { tokio::join!(collect(&shared, to_write), write(&shared, unwritten, to_store), super::third::run(&shared, unstored)); } => {}
    }
}

async fn collect(shared: &Shared, to_write: mpsc::Sender<Batch>) {
    let timing = shared.options.timing;
    loop {
        while shared.world().queue.is_empty() {
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
        let batch = Batch { due: Instant::now() + timing.gap(), groups: take_batch(shared) };
        if to_write.send(batch).await.is_err() {
            return;
        }
        // A batch that time has closed is handed on before the next one is collected, as measured; a full one
        // doesn't hold anything up, so that the second stage is never the limit.
        if !full {
            tokio::time::sleep(timing.gap()).await;
        }
    }
}

/// Takes up to a batch from the queue and hands out numbers.
fn take_batch(shared: &Shared) -> Vec<Numbered> {
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    let count = world.queue.len().min(BATCH);
    let mut order: Vec<Vec<Arc<Record>>> = Vec::new();
    let mut by_key: HashMap<Arc<str>, usize> = HashMap::new();
    for Queued { record } in world.queue.drain(..count) {
        let place = *by_key.entry(Arc::clone(&record.route.key)).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        order[place].push(record);
    }
    let mut numbered = Vec::with_capacity(order.len());
    for records in order {
        if records.len() > MOST {
            for record in &records {
                world.conversation_mut(&record.route.conversation).dropped("more than 100 in a batch", 1);
            }
            world.unsettled -= u64::try_from(records.len()).expect("a batch is small");
            continue;
        }
        let id = Arc::clone(&records[0].route.conversation);
        let conversation = world.conversation_mut(&id);
        let is_new = conversation.max_seq == 0;
        let count = i64::try_from(records.len()).expect("at most 100");
        let first = conversation.number(count, now);
        numbered.push(Numbered { conversation: id, first, records, is_new });
    }
    numbered
}

async fn write(
    shared: &Shared,
    mut batches: mpsc::Receiver<Batch>,
    to_store: mpsc::Sender<super::third::Written>,
) {
    while let Some(batch) = batches.recv().await {
        tokio::time::sleep_until(batch.due).await;
        let due = Instant::now() + shared.options.timing.store_lag;
        for group in &batch.groups {
            write_group(shared, group);
        }
        let written = batch.groups.into_iter().map(|g| (g.conversation, g.first, g.records)).collect();
        if to_store.send(super::third::Written { due, groups: written }).await.is_err() {
            return;
        }
    }
}

fn write_group(shared: &Shared, group: &Numbered) {
    let now = shared.now();
    let mut world = shared.world();
    let conversation = world.conversation_mut(&group.conversation);
    for (seq, record) in (group.first..).zip(&group.records) {
        let slot = conversation.slot_mut(seq);
        slot.write(record);
        slot.underway = true;
        conversation.tally.written += 1;
        // Law 3: the sender's own position moves only now.
        let member = conversation.member_mut(&record.route.sender);
        member.has_read = member.has_read.max(seq);
    }
    if let Some(first) = group.records.first().filter(|_| group.is_new) {
        world.make_records(&group.conversation, first, now + RECORDS_AFTER_MS);
    }
}
