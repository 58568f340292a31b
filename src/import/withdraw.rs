//! Deletes slots by seq.

use std::sync::Arc;

use super::cell::Cell;
use super::engine::Engine;
use crate::job::{Deleted, Durability, Write};
use crate::message::Seq;

/// Deletes messages of ours. What was decided was handed to the writer before this began.
pub(super) async fn withdraw(engine: Arc<Engine>, cell: Arc<Cell>, seqs: Vec<Seq>) {
    // A process that takes over must not take them for messages in their place.
    if engine.flushed(&cell, Durability::Synced).await.is_err() {
        return;
    }
    if delete(&engine, &cell.name, &seqs).await {
        let deleted = Write::Deleted(cell.conversation.no, seqs, Deleted::Once);
        if let Err(gone) = engine.writer.lazily(deleted).await {
            engine.writer_gone(gone);
        }
    }
    let mut state = cell.lock();
    state.deleting -= 1;
    engine.wake(&cell, &mut state);
}

/// Deletes slots for everybody; tries until it succeeds. False: the run ends before.
pub(super) async fn delete(engine: &Arc<Engine>, conversation: &str, seqs: &[Seq]) -> bool {
    for some in seqs.chunks(AT_ONCE) {
        let deleted = engine.ask(|| async {
            // It is never closed.
            let _turn = engine.side.acquire().await;
            engine.client.delete(conversation, some).await
        });
        if deleted.await.is_none() {
            return false;
        }
        engine.lives();
    }
    true
}

const AT_ONCE: usize = 100;
