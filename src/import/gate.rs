//! Who may send now: the bounds of [`Pacing`] over all conversations, counted as calls go out and numbers come in.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::lane::Now;
use super::progress::Limiting;
use crate::job::ConvNo;
use crate::pacing::{BEGINNING, Held, Limit, Pacing, Seen, Settings};

/// The bounds over all conversations.
#[derive(Debug)]
pub(super) struct Gate {
    pacing: Mutex<Pacing>,
    is_bounded: AtomicBool,
    /// Messages sent and not numbered yet, in conversations that flow.
    unconfirmed: AtomicUsize,
    /// Conversations among them of which the first message is under way.
    beginnings: AtomicUsize,
    /// Callers that have a conversation, or wait for one.
    callers: AtomicUsize,
    /// The conversation with most left.
    longest: AtomicU32,
    /// It may send, and no caller has it.
    longest_waits: AtomicBool,
    /// Somebody waited for `--rate`.
    rate_held: AtomicBool,
    // As `pacing` says.
    bound: AtomicUsize,
    of_the_longest: AtomicUsize,
    calls: AtomicUsize,
    /// Something was numbered, or a bound was moved.
    moved: Notify,
}

/// What a conversation has under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Messages sent and not numbered yet.
    pub(super) messages: usize,
    /// Its first message is one of them: the server makes the conversation.
    pub(super) is_begun: bool,
}

/// Nobody waits longer without looking again.
const LOOK: Duration = Duration::from_millis(25);
const NOBODY: u32 = u32::MAX;

impl Gate {
    pub(super) fn new(max_lag: Option<Duration>, connections: u16, now: Now) -> Self {
        let pacing = Pacing::new(Settings { max_lag, calls: usize::from(connections) }, now);
        Self {
            is_bounded: AtomicBool::new(max_lag.is_some()),
            unconfirmed: AtomicUsize::new(0),
            beginnings: AtomicUsize::new(0),
            callers: AtomicUsize::new(0),
            longest: AtomicU32::new(NOBODY),
            longest_waits: AtomicBool::new(false),
            rate_held: AtomicBool::new(false),
            bound: AtomicUsize::new(pacing.unconfirmed()),
            of_the_longest: AtomicUsize::new(pacing.of_the_longest()),
            calls: AtomicUsize::new(pacing.calls()),
            moved: Notify::new(),
            pacing: Mutex::new(pacing),
        }
    }

    /// Whether anything is bounded here.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded.load(Ordering::Relaxed)
    }

    /// Other bounds from now on.
    pub(super) fn set(&self, max_lag: Option<Duration>, connections: u16, now: Now) {
        let mut pacing = self.pacing();
        if !pacing.set(Settings { max_lag, calls: usize::from(connections) }, now) {
            return;
        }
        self.is_bounded.store(max_lag.is_some(), Ordering::Relaxed);
        self.bound.store(pacing.unconfirmed(), Ordering::Relaxed);
        self.of_the_longest.store(pacing.of_the_longest(), Ordering::Relaxed);
        self.calls.store(pacing.calls(), Ordering::Relaxed);
        drop(pacing);
        self.moved.notify_waiters();
    }

    /// Messages sent and not numbered yet.
    pub(super) fn unconfirmed(&self) -> usize {
        self.unconfirmed.load(Ordering::Relaxed)
    }

    /// Waits until one caller more is wanted.
    pub(super) async fn enter(&self, is_over: impl Fn() -> bool) -> Admitted<'_> {
        loop {
            let callers = self.callers.load(Ordering::Relaxed);
            let one_more = || {
                let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
                self.callers.compare_exchange(callers, callers + 1, set, fetch).is_ok()
            };
            if (callers < self.calls.load(Ordering::Relaxed) || is_over()) && one_more() {
                return Admitted { gate: self, is_counted: true };
            }
            self.wait().await;
        }
    }

    /// Waits until a message of that conversation may go out, `own` of which are unconfirmed. False: its caller has
    /// to let it go, because there are too many, or because the longest conversation waits for one, which comes first.
    pub(super) async fn pass(
        &self,
        admitted: &mut Admitted<'_>,
        conv: ConvNo,
        own: impl Fn() -> usize,
        is_over: impl Fn() -> bool,
    ) -> bool {
        let is_longest = self.longest.load(Ordering::Relaxed) == conv.0;
        loop {
            if !is_longest && self.longest_waits.swap(false, Ordering::Relaxed) {
                return false;
            }
            if admitted.is_one_too_many() {
                return false;
            }
            let first = is_longest && own() < self.of_the_longest.load(Ordering::Relaxed);
            if first || self.under_way() < self.bound.load(Ordering::Relaxed) || is_over() {
                return true;
            }
            self.pacing().held(Held::Unconfirmed);
            self.wait().await;
        }
    }

    async fn wait(&self) {
        tokio::time::timeout(LOOK, self.moved.notified()).await.ok();
    }

    /// What waits at the server, beginnings by what they take.
    fn under_way(&self) -> usize {
        self.unconfirmed.load(Ordering::Relaxed) + BEGINNING * self.beginnings.load(Ordering::Relaxed)
    }

    /// A conversation has `now` unconfirmed messages instead of `before`.
    pub(super) fn count(&self, before: Counted, now: Counted) {
        let changed = |sum: &AtomicUsize, before: usize, now: usize| {
            // Wraps where it falls.
            sum.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        };
        changed(&self.unconfirmed, before.messages, now.messages);
        changed(&self.beginnings, before.is_begun.into(), now.is_begun.into());
        if now.messages < before.messages {
            self.moved.notify_waiters();
        }
    }

    /// A conversation may send, and waits for a caller.
    pub(super) fn is_ready(&self, conv: ConvNo) {
        if self.is_bounded() && self.longest.load(Ordering::Relaxed) == conv.0 {
            self.longest_waits.store(true, Ordering::Relaxed);
        }
    }

    /// A caller has it.
    pub(super) fn is_taken(&self, conv: ConvNo) {
        if self.longest.load(Ordering::Relaxed) == conv.0 {
            self.longest_waits.store(false, Ordering::Relaxed);
        }
    }

    /// Which conversation has most left.
    pub(super) fn set_longest(&self, conv: Option<ConvNo>) {
        self.longest.store(conv.map_or(NOBODY, |conv| conv.0), Ordering::Relaxed);
    }

    /// A caller had to wait for its turn by `--rate`.
    pub(super) fn held_by_rate(&self) {
        self.rate_held.store(true, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, took: Duration) {
        self.pacing().answered(took);
    }

    /// `maxSeq` has moved past so many messages of a conversation, the oldest answered `lag` ago.
    pub(super) fn numbered(&self, messages: usize, lag: Duration, is_beginning: bool, now: Now) {
        let mut pacing = self.pacing();
        pacing.numbered(messages, lag, is_beginning, now);
        self.bound.store(pacing.unconfirmed(), Ordering::Relaxed);
    }

    /// Time has passed. `oldest`: how long ago the oldest unconfirmed message was answered; `crowd`: conversations
    /// wait for a caller.
    pub(super) fn tick(&self, oldest: Duration, crowd: bool, now: Now) -> Limiting {
        let unconfirmed = self.unconfirmed.load(Ordering::Relaxed);
        let mut pacing = self.pacing();
        if crowd && self.callers.load(Ordering::Relaxed) >= pacing.calls() {
            pacing.held(Held::Calls);
        }
        pacing.tick(Seen { unconfirmed, beginnings: self.beginnings.load(Ordering::Relaxed), oldest }, now);
        self.bound.store(pacing.unconfirmed(), Ordering::Relaxed);
        self.of_the_longest.store(pacing.of_the_longest(), Ordering::Relaxed);
        self.calls.store(pacing.calls(), Ordering::Relaxed);
        // Waiting for one's turn all the while is what keeps everything else low.
        let limit = (!self.rate_held.swap(false, Ordering::Relaxed)).then_some(match pacing.limit() {
            // Nothing is bounded: then it is the callers, or what each conversation may have under way.
            Limit::Starting | Limit::Lag if !self.is_bounded() => Limit::Windows,
            limit => limit,
        });
        let limiting = Limiting {
            limit,
            bound: pacing.unconfirmed(),
            calls: pacing.calls(),
            idle: pacing.idle(),
            lag: pacing.lag(),
            aim: pacing.aim(),
        };
        drop(pacing);
        self.moved.notify_waiters();
        limiting
    }

    fn pacing(&self) -> MutexGuard<'_, Pacing> {
        self.pacing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the callers that may be at work.
pub(super) struct Admitted<'g> {
    gate: &'g Gate,
    is_counted: bool,
}

impl Admitted<'_> {
    /// There are more callers than there may be by now, and this is the one that leaves.
    fn is_one_too_many(&mut self) -> bool {
        let callers = self.gate.callers.load(Ordering::Relaxed);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let leaves = self.is_counted
            && callers > self.gate.calls.load(Ordering::Relaxed)
            && self.gate.callers.compare_exchange(callers, callers - 1, set, fetch).is_ok();
        self.is_counted &= !leaves;
        leaves
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.is_counted {
            self.gate.callers.fetch_sub(1, Ordering::Relaxed);
        }
        self.gate.moved.notify_waiters();
    }
}
