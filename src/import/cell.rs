//! A conversation under way, as the tasks of a run share it, and the queue of those that may send.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::gate::Counted;
use super::lane::{Lane, Now};
use crate::job::{Conversation, Double, Entry, LostCall, Overtaken, Receipt, Reject, Unseen, Withdrawn};

/// A conversation under way.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) conversation: Conversation,
    /// The server's name of it.
    pub(super) name: String,
    pub(super) role: Role,
    state: Mutex<CellState>,
}

/// What a run may do with a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Send what is left of it.
    Sending,
    /// Read what stands in it, and nothing else: whatever is read, it sends nothing and takes no place.
    Reading,
}

/// What changes. The lock is never held across an await.
#[derive(Debug)]
pub(super) struct CellState {
    pub(super) lane: Lane,
    pub(super) place: Place,
    /// A question about it is under way, or its answer is being worked on.
    pub(super) asking: bool,
    /// Not before: its next question for `maxSeq`.
    pub(super) poll_from: Now,
    /// Not before: its next question for the safe bound.
    pub(super) ask_from: Now,
    /// Not before: its next message.
    pub(super) send_from: Now,
    /// Since when its receiver, who is registered, is refused.
    pub(super) refused_since: Option<Now>,
    /// How the last call ended, where that is not known.
    pub(super) lost: Option<LostCall>,
    /// What was acknowledged in all when this conversation's last error came.
    pub(super) acknowledged_then: u64,
    /// How often in a row a reader saw nothing at all.
    pub(super) blind: u32,
    /// Something was decided that the job does not know yet.
    pub(super) dirty: bool,
    /// Deletions under way.
    pub(super) deleting: u32,
    /// What the gate counts as unconfirmed.
    pub(super) counted: Counted,
    pub(super) finished: bool,
    /// What the writer had no room for yet.
    pub(super) unwritten: Unwritten,
    entries: VecDeque<Entry>,
}

/// Decided, and not yet handed to the writer.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    pub(super) receipts: Vec<Receipt>,
    pub(super) rejects: Vec<Reject>,
    pub(super) withdrawn: Vec<Withdrawn>,
    pub(super) doubles: Vec<Double>,
    pub(super) unseen: Vec<Unseen>,
    pub(super) overtaken: Option<Overtaken>,
}

/// Who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The queue.
    Ready,
    /// A worker.
    Sending,
    /// Nobody: it waits for an answer about what was sent, or for time to pass.
    Parked,
}

impl Cell {
    pub(super) fn new(conversation: Conversation, lane: Lane, role: Role) -> Arc<Self> {
        let state = CellState {
            lane,
            place: Place::Parked,
            asking: false,
            poll_from: Duration::ZERO,
            ask_from: Duration::ZERO,
            send_from: Duration::ZERO,
            refused_since: None,
            lost: None,
            acknowledged_then: 0,
            blind: 0,
            dirty: false,
            deleting: 0,
            counted: Counted::default(),
            finished: false,
            unwritten: Unwritten::default(),
            entries: VecDeque::new(),
        };
        Arc::new(Self { name: conversation.id().0, conversation, role, state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CellState {
    /// The entry of a message, from the page at hand or a new one.
    pub(super) fn entry<E>(
        &mut self,
        ordinal: crate::message::Ordinal,
        page: impl FnOnce() -> Result<Vec<Entry>, E>,
    ) -> Result<Option<Entry>, E> {
        while self.entries.front().is_some_and(|entry| entry.ordinal < ordinal) {
            self.entries.pop_front();
        }
        if self.entries.front().is_none_or(|entry| entry.ordinal != ordinal) {
            self.entries = page()?.into();
        }
        Ok(self.entries.front().copied().filter(|entry| entry.ordinal == ordinal))
    }
}

/// Conversations that may send, those with the highest rank first.
#[derive(Debug)]
pub(super) struct Ready {
    heap: Mutex<BinaryHeap<Waiting>>,
    count: Semaphore,
}

#[derive(Debug)]
struct Waiting {
    /// What is left, or when it was written last.
    rank: u64,
    cell: Arc<Cell>,
}

impl Ready {
    pub(super) fn new() -> Self {
        Self { heap: Mutex::default(), count: Semaphore::new(0) }
    }

    pub(super) fn push(&self, cell: Arc<Cell>, rank: u64) {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { rank, cell });
        self.count.add_permits(1);
    }

    /// The one with the highest rank; `None` once it is closed.
    pub(super) async fn pop(&self) -> Option<Arc<Cell>> {
        self.count.acquire().await.ok()?.forget();
        self.heap.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|waiting| waiting.cell)
    }

    /// Whether workers have to wait.
    pub(super) fn is_empty(&self) -> bool {
        self.count.available_permits() == 0
    }

    pub(super) fn close(&self) {
        self.count.close();
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}
