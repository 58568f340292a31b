//! The third stage: what was written to the cache follows into the store, later (law 8).

use super::faults::Moment;
use super::log::{Conversation, DOCUMENT};
use super::queue::Numbered;
use super::record::Record;
use super::release::Queue;
use super::shared::Shared;
use super::world::World;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A stored document must stay below it (law 7).
const LARGEST_DOCUMENT: usize = 16 << 20;
/// What a stored message takes beside its content, about.
const AROUND_CONTENT: usize = 600;

/// A batch that was written to the cache.
pub(super) struct Written {
    pub(super) due: Instant,
    pub(super) generation: u64,
    pub(super) groups: Vec<Numbered>,
}

/// Stores what was written, in order, each batch when it is due, or at once when the server stops.
pub(super) async fn run(shared: &Shared, mut written: mpsc::Receiver<Written>, stop: &CancellationToken) {
    while let Some(batch) = written.recv().await {
        stop.run_until_cancelled(tokio::time::sleep_until(batch.due)).await;
        let mut guard = shared.world();
        let world = &mut *guard;
        for group in &batch.groups {
            for record in &group.records {
                world.unsettled.remove(record);
            }
            let lost = batch.generation != world.generation && shared.traits().queue == Queue::Memory;
            if lost || !shared.faults.strike(Moment::Store(&group.conversation)).is_empty() {
                let count = u64::try_from(group.records.len()).unwrap_or(u64::MAX);
                world.conversation_mut(&group.conversation).tally.never_stored += count;
            } else {
                store(world, group);
            }
        }
    }
}

/// Document by document: one that would become too large takes nothing of the batch (law 7).
fn store(world: &mut World, group: &Numbered) {
    let numbered: Vec<(i64, &Arc<Record>)> = (group.first..).zip(&group.records).collect();
    let conversation = world.conversations.entry(Arc::clone(&group.conversation)).or_default();
    for part in numbered.chunk_by(|(a, _), (b, _)| (a - 1) / DOCUMENT == (b - 1) / DOCUMENT) {
        let more: usize =
            part.iter().map(|(_, record)| record.content.len() + record.ex.len() + AROUND_CONTENT).sum();
        let document = conversation.documents.entry((part[0].0 - 1) / DOCUMENT).or_default();
        if document.bytes + more > LARGEST_DOCUMENT {
            conversation.tally.never_stored += u64::try_from(part.len()).unwrap_or(u64::MAX);
            continue;
        }
        document.bytes += more;
        if document.rank == 0 {
            world.documents += 1;
            document.rank = world.documents;
        }
        put(conversation, part);
    }
}

fn put(conversation: &mut Conversation, part: &[(i64, &Arc<Record>)]) {
    for (seq, record) in part {
        let slot = conversation.slot_mut(*seq);
        slot.stored = Some(Arc::clone(record));
        // Law 14: whatever was deleted before the store was written comes back.
        slot.deleted = false;
    }
}
