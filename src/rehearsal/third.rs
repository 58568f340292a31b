//! The third stage: what was written to the cache follows into the store, later (law 8).

use super::record::Record;
use super::shared::Shared;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A batch that was written to the cache.
pub(super) struct Written {
    pub(super) due: Instant,
    /// Conversation, first number, messages.
    pub(super) groups: Vec<(Arc<str>, i64, Vec<Arc<Record>>)>,
}

/// Stores what was written, in order, each batch when it is due.
pub(super) async fn run(shared: &Shared, mut written: mpsc::Receiver<Written>) {
    while let Some(batch) = written.recv().await {
        tokio::time::sleep_until(batch.due).await;
        let mut world = shared.world();
        for (id, first, records) in &batch.groups {
            world.unsettled -= u64::try_from(records.len()).expect("a batch is small");
            let conversation = world.conversation_mut(id);
            for (seq, record) in (*first..).zip(records) {
                let slot = conversation.slot_mut(seq);
                slot.stored = Some(Arc::clone(record));
                slot.underway = false;
                // Law 14: whatever was deleted before the store was written comes back.
                slot.deleted = false;
            }
        }
    }
}
