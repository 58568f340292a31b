//! What is counted while it runs: plain numbers that anybody may look at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::pace::Cause;

/// Counters of a run. Cheap to raise, never locked for long.
#[derive(Debug, Default)]
pub struct Progress {
    /// Messages of the job.
    pub messages: Count,
    /// Conversations of the job.
    pub conversations: Count,
    /// Messages that were confirmed or rejected before this run.
    pub before: Count,
    /// Of these, rejected ones.
    pub rejected_before: Count,
    /// Answered with 0 in this run, second attempts included.
    pub acknowledged: Count,
    /// Confirmed in this run.
    pub confirmed: Count,
    /// Rejected in this run.
    pub rejected: Count,
    /// Calls made again.
    pub retries: Count,
    /// Acknowledged, lost by the server, sent again.
    pub lost: Count,
    /// Messages sent a second time to find out what became of the first.
    pub fences: Count,
    /// Messages deleted because they stood in the wrong place.
    pub withdrawn: Count,
    /// Withdrawn messages that came back and were deleted again (law 14).
    pub returned: Count,
    /// Copies that the server made.
    pub doubled: Count,
    /// Of these, deleted.
    pub repaired: Count,
    /// Confirmed messages whose slot reads as empty.
    pub hidden: Count,
    /// Messages of others seen between ours.
    pub foreign: Count,
    /// Conversations finished in this run or before.
    pub finished: Count,
    /// Conversations under way.
    pub active: Count,
    /// Conversations that wait for the server to show what became of a message.
    pub settling: Count,
    shown: Mutex<Shown>,
}

/// What is no number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Why it is slower than it could be.
    pub cause: Option<Cause>,
    /// The conversation with most left, and how much.
    pub longest: Option<(String, u64)>,
}

/// A number that only its own thread of thought needs to be exact.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress {
    /// What is no number.
    pub fn shown(&self) -> Shown {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is no number.
    pub(super) fn show(&self, shown: Shown) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}
