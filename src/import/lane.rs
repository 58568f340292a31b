//! One conversation on its way: what was sent, what was read back, what may be sent next.
//!
//! No network, clock or database here: what happens comes in with its time, what is to be done goes out as
//! values. [`sending`] says what may go out and takes the answers, [`reading`] takes slots of the log and
//! decides what became of everything. A simulation (`tests`) runs it against a model server thousands of times.
//!
//! An *attempt* is one call of `send_msg`. It is *live* until it is read in the log, or one that was sent
//! after it is (law 10: then it is there, or lost for good). Normally the next message is the fence for the
//! one before. Where a message is missing although something behind it was read, or where nothing can be read
//! for long, or where we can't know what was sent, the first missing message goes out again and nothing else
//! until it can be read.

mod reading;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

pub use reading::{Ask, Effects, FellBack, Hurry, Overtaking, Receipt, Stray};
pub use sending::{Answered, Company, Next};

use crate::log::{Book, Due, Past, Sighting};
use crate::message::{Ids, MsgId, Ordinal, Seq, UserId};
use crate::openim::Rejection;

/// Monotonic time since the process began.
pub type Now = Duration;

/// Never more than that many messages of a conversation may be unconfirmed: a batch of the server with more
/// than 100 of them is dropped whole (law 1).
pub const MOST_UNCONFIRMED: usize = 96;

/// Never more than that many may be sent and not read: what was lost among them goes out again.
const MOST_UNREAD: usize = 320;

/// How a conversation behaves; the same for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unconfirmed messages at most.
    pub window: usize,
    /// The same where others were seen to write (law 12).
    pub live_window: usize,
    /// Before a fence goes out, nothing may have moved for so long, beyond the confirm times seen lately.
    pub quiet: Duration,
    /// The same where everything sent was acknowledged and merely can't be read yet: losses are rare there,
    /// and a needless fence has to be withdrawn again.
    pub stale: Duration,
    /// A fence that can't be read is sent again after so long, then after twice that, and so on.
    pub patience: Duration,
    /// How long a call may still be under way after its connection was cut or a proxy answered for the
    /// server.
    pub cut_wait: Duration,
    /// The same after a timeout.
    pub timeout_wait: Duration,
    /// Errors that say nothing about the message: after so many in a row it is a reject.
    pub tries: u32,
    /// A refused message ends the conversation instead of being passed over.
    pub hold: bool,
    /// So does one that can be mended.
    pub hold_mendable: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: 64,
            live_window: 32,
            quiet: Duration::from_secs(1),
            stale: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            cut_wait: Duration::from_secs(5),
            timeout_wait: Duration::from_mins(1),
            tries: 5,
            hold: false,
            hold_mendable: false,
        }
    }
}

/// Where a conversation begins, from the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The first message that is not confirmed.
    pub cursor: Ordinal,
    /// One behind the last to send.
    pub end: Ordinal,
    /// Somebody has written since what is newer than what is left: nothing of it is sent any more.
    pub overtaken: bool,
    /// Slots up to here are decided.
    pub read_to: Seq,
    /// What an earlier process may have left under way.
    pub left: Left,
    /// What was withdrawn in this conversation, by slot.
    pub withdrawn: Vec<(Seq, MsgId)>,
    /// The last message that was confirmed, where there is one: the fence behind which nothing follows.
    pub last: Option<Ordinal>,
}

/// What an earlier process may have left under way in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it was just activated, or the process ended in peace.
    Nothing,
    /// It was cut off: whatever it had sent may be in the queue, and its last call under way for so long.
    Unknown {
        /// How long the last call may still be under way, from now.
        wait: Duration,
        /// Whether it had sent a message a second time: such a one can surface behind the last.
        doubt: bool,
    },
    /// Nothing, as far as this job knows; but the log has grown since it was read.
    Grown {
        /// How long the last call of a process that this job knows nothing of may still be under way, from now.
        wait: Duration,
    },
}

/// One conversation on its way.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; what excludes each other is `Phase`"
)]
pub struct Lane {
    limits: Limits,
    end: Ordinal,
    /// The next message to be read in its place.
    cursor: Ordinal,
    /// The next message to be sent for the first time.
    next: Ordinal,
    /// The last slot that was looked at.
    read_to: Seq,
    /// Slots before `read_to` that can't be judged yet, see `Alignment::keep_from`.
    tail: Vec<Sighting>,
    /// Live attempts in the order of sending. The call under way, if there is one, is the last.
    attempts: VecDeque<Attempt>,
    attempt_no: u64,
    /// How many of them, the oldest, `maxSeq` has passed: they have left the queue, and no batch can take them along
    /// (law 1), long before they can be read.
    out_of_queue: usize,
    /// `maxSeq` grew by more than what was sent, or by copies: from then on only what is read leaves the window.
    disturbed: bool,
    /// Refused messages at the cursor or behind it.
    refused: BTreeMap<Ordinal, Refused>,
    /// Refused messages that the cursor has passed, not yet in the job.
    passed: Vec<(Ordinal, Rejection)>,
    /// Names of the last confirmed messages: what the server repeats is mostly recent.
    recent: VecDeque<(Ordinal, Ids)>,
    withdrawn: HashSet<MsgId>,
    withdrawn_slots: HashSet<Seq>,
    phase: Phase,
    /// An earlier process may have sent what we know nothing of.
    ghosts: bool,
    /// That is unlikely: the job says that it ended in peace.
    peaceful: bool,
    /// Somebody has written what is newer than the message at `end`.
    overtaken: bool,
    /// A message was sent a second time since the conversation was last settled whole.
    doubt: bool,
    /// A message was refused and `limits.hold` says to stop there.
    held: bool,
    /// Empty slots are being examined; nothing is decided and nothing sent until that is done.
    examining: bool,
    /// Messages of others were seen in this run.
    foreign: bool,
    /// Errors in a row, and for which message.
    errors: (Ordinal, u32),
    max_seq: Seq,
    /// When something of ours moved last: it was read, sent, or answered.
    moved: Now,
    /// Whether the log was looked at since time passed: only then may a fence go out.
    looked: bool,
    /// When `max_seq` grew last.
    grown: Now,
    /// When we were last behind with reading, or examining: what was sent before waited for us.
    behind: Now,
    /// Slots up to here are old.
    old: Seq,
    /// Where the log ended at that time: so far they are old next.
    ages: (Now, Seq),
    /// Whether the safe bound was asked for since `max_seq` moved.
    asked: bool,
    /// The safe bound as it was seen last.
    bound: Seq,
    /// Whether `max_seq` is known at all.
    polled: bool,
    /// How often asking for the safe bound led nowhere.
    misses: u32,
    patience: Duration,
    /// Where the log ended when the fence had had its time: before all that is read, it is not missing.
    mark: Option<Seq>,
    last: Option<Ordinal>,
    /// Even the message that was to be the fence was refused.
    fence_refused: bool,
    /// The next message quotes this one, which is not confirmed yet.
    awaits: Option<Ordinal>,
}

/// What the lane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Message after message, window by window.
    Flow,
    /// Something is unknown: wait, read, then send the fence.
    Unsure {
        /// Not before.
        until: Now,
    },
    /// The fence is out.
    Probing {
        /// Which message it is.
        ordinal: Ordinal,
        /// When it is sent again; `None` while its call is under way.
        again: Option<Now>,
    },
}

/// One call of `send_msg` whose message was not read yet.
#[derive(Debug, Clone)]
struct Attempt {
    no: u64,
    ordinal: Ordinal,
    sender: UserId,
    ids: Option<Ids>,
    state: State,
    at: Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The answer is not there yet. `sighted`: something that can be it was read meanwhile.
    UnderWay {
        sighted: bool,
    },
    Acknowledged,
    Unanswered,
}

#[derive(Debug, Clone)]
struct Refused {
    rejection: Rejection,
    /// An earlier attempt may have been queued.
    perhaps: bool,
    /// It is not certain that the message is to blame: the next one will tell.
    tentative: bool,
}

impl Lane {
    /// A conversation as the job knows it.
    pub fn new(limits: Limits, start: Start, now: Now) -> Self {
        let (phase, ghosts, doubt) = match start.left {
            Left::Nothing => (Phase::Flow, false, false),
            Left::Unknown { wait, doubt } => (Phase::Unsure { until: now + wait }, true, doubt),
            Left::Grown { wait } => (Phase::Unsure { until: now + wait }, true, false),
        };
        Self {
            limits,
            end: if start.overtaken { start.cursor } else { start.end },
            overtaken: start.overtaken,
            peaceful: matches!(start.left, Left::Grown { .. }),
            cursor: start.cursor,
            next: start.cursor,
            read_to: start.read_to,
            tail: Vec::new(),
            attempts: VecDeque::new(),
            attempt_no: 0,
            out_of_queue: 0,
            disturbed: false,
            refused: BTreeMap::new(),
            passed: Vec::new(),
            recent: VecDeque::new(),
            withdrawn_slots: start.withdrawn.iter().map(|(seq, _)| *seq).collect(),
            withdrawn: start.withdrawn.into_iter().map(|(_, name)| name).collect(),
            phase,
            ghosts,
            doubt,
            held: false,
            examining: false,
            foreign: false,
            errors: (start.cursor, 0),
            max_seq: start.read_to,
            moved: now,
            looked: false,
            grown: now,
            behind: Duration::ZERO,
            old: start.read_to,
            ages: (now, start.read_to),
            asked: false,
            bound: start.read_to,
            polled: false,
            misses: 0,
            patience: limits.patience,
            mark: None,
            last: start.last,
            fence_refused: false,
            awaits: None,
        }
    }

    /// The next message quotes this one, and so can't go out before it is confirmed or refused.
    pub fn await_quoted(&mut self, quoted: Ordinal) {
        self.awaits = Some(quoted);
    }

    /// Whether a message is awaited, and can still come by itself.
    fn is_awaiting(&self) -> bool {
        self.awaits.is_some_and(|quoted| quoted >= self.cursor) && !self.attempts.is_empty()
    }

    /// The next message to be read in its place; everything before is confirmed or refused.
    pub fn cursor(&self) -> Ordinal {
        self.cursor
    }

    /// Slots up to here are decided, as far as the job has to know: what comes after is read again by a
    /// process that takes over.
    pub fn settled_to(&self) -> Seq {
        self.tail.first().map_or(self.read_to, |slot| Seq(slot.seq.0 - 1))
    }

    /// The last slot that was looked at.
    pub fn read_to(&self) -> Seq {
        self.read_to
    }

    /// How many messages are not confirmed yet.
    pub fn remaining(&self) -> u64 {
        self.end.0 - self.cursor.0
    }

    /// Messages sent and not read yet.
    pub fn live(&self) -> usize {
        self.attempts.len()
    }

    /// How many of them have their numbers, as far as `maxSeq` tells. While it settles they count as numbered: what
    /// is lost never gets one.
    pub fn numbered(&self) -> usize {
        if self.phase != Phase::Flow {
            return self.attempts.len();
        }
        usize::try_from(self.max_seq.0 - self.read_to.0).unwrap_or(0).min(self.attempts.len())
    }

    /// How many of them have no number yet.
    pub fn unnumbered(&self) -> usize {
        self.attempts.len() - self.numbered()
    }

    /// Whether its very first message is under way: the server has to make the conversation for it.
    pub fn is_begun(&self) -> bool {
        self.phase == Phase::Flow && self.max_seq == Seq(0) && !self.attempts.is_empty()
    }

    /// How long ago one of them was answered, counted from the oldest.
    pub fn age(&self, at: usize, now: Now) -> Option<Duration> {
        let attempt = self.attempts.get(at).filter(|attempt| attempt.state == State::Acknowledged)?;
        Some(now.saturating_sub(attempt.at))
    }

    /// Whether messages of others were seen in this run.
    pub fn has_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether a message was sent a second time since the conversation was last settled whole: the job has to
    /// know it *before* that call goes out.
    pub fn is_in_doubt(&self) -> bool {
        self.doubt
    }

    /// At which refused message it stopped, where refused messages are not passed over.
    pub fn held_at(&self) -> Option<Ordinal> {
        self.held.then_some(self.end)
    }

    /// Everything is confirmed or refused, and nothing of it can surface any more.
    pub fn is_done(&self) -> bool {
        self.cursor >= self.end
            && self.attempts.is_empty()
            && !self.ghosts
            && !self.examining
            && self.refused.range(..self.end).next().is_none()
    }

    /// Whether the message was confirmed a short while ago.
    pub fn knows(&self, ordinal: Ordinal) -> bool {
        self.recent.iter().any(|(known, _)| *known == ordinal)
    }

    /// Whether a message of that name was withdrawn.
    pub fn has_withdrawn_name(&self, ids: &Ids) -> bool {
        self.withdrawn.contains(&ids.server)
    }

    /// Whether that slot held a message of ours that was withdrawn: empty slots of that kind mean nothing.
    pub fn has_withdrawn(&self, seq: Seq) -> bool {
        self.withdrawn_slots.contains(&seq)
    }

    /// Nothing that was sent is unaccounted for.
    pub fn is_at_peace(&self) -> bool {
        self.attempts.is_empty()
            && !self.ghosts
            && !self.examining
            && self.refused.values().all(|refused| !refused.perhaps)
    }

    /// Takes the refused message at which it stopped, once nothing before it is missing any more.
    pub fn take_held(&mut self) -> Option<(Ordinal, Rejection)> {
        let end = self.held_at().filter(|end| self.cursor == *end)?;
        self.refused.remove_entry(&end).map(|(ordinal, refused)| (ordinal, refused.rejection))
    }

    /// Whether it waits for the server rather than for its turn.
    pub fn is_settling(&self) -> bool {
        self.phase != Phase::Flow
    }

    fn window(&self) -> usize {
        if self.foreign { self.limits.live_window } else { self.limits.window }
    }

    /// Messages that may still be in the queue.
    pub(super) fn in_queue(&self) -> usize {
        self.attempts.len().saturating_sub(self.out_of_queue)
    }

    /// `maxSeq` has grown by so much: as many attempts have left the queue, if it was theirs. Where it may be somebody
    /// else's doing (messages of others, numbers that jumped, copies), it counts for nothing, now and later: then a
    /// message leaves the window when it is read.
    fn note_growth(&mut self, growth: i64) {
        if self.phase != Phase::Flow || self.ghosts {
            return;
        }
        let growth = usize::try_from(growth).unwrap_or(usize::MAX);
        self.disturbed |= growth > self.in_queue();
        if !self.foreign && !self.disturbed {
            self.out_of_queue += growth;
        }
    }

    fn is_under_way(&self) -> bool {
        self.attempts.back().is_some_and(|attempt| matches!(attempt.state, State::UnderWay { .. }))
    }

    /// Nothing of ours moved for that long, and everything up to the safe bound was read. Others may write all
    /// the while: where they do, waiting for silence would be waiting for ever.
    fn is_quiet(&self, now: Now, base: Duration, lag: Duration) -> bool {
        let long_ago = |then: Now| now.saturating_sub(then) >= base + 2 * lag;
        // What can't be read for so long won't be soon.
        let all = !self.is_behind() || now >= self.grown + 3 * self.limits.patience;
        let read = self.max_seq <= self.read_to || (self.asked && all && long_ago(self.grown));
        self.polled && read && long_ago(self.moved)
    }

    /// What is known for aligning.
    fn book<'a>(&'a self, receipts: &'a dyn Receipts) -> LaneBook<'a> {
        LaneBook { lane: self, receipts }
    }
}

/// What became of the messages below the cursor, from the job.
pub trait Receipts {
    /// Of that message.
    fn past(&self, ordinal: Ordinal) -> Past;
}

struct LaneBook<'a> {
    lane: &'a Lane,
    receipts: &'a dyn Receipts,
}

impl Book for LaneBook<'_> {
    fn due(&self, ordinal: Ordinal) -> Due {
        match self.lane.refused.get(&ordinal) {
            None => Due::Message,
            Some(Refused { perhaps: true, .. }) => Due::Perhaps,
            Some(_) => Due::Nothing,
        }
    }

    fn past(&self, ordinal: Ordinal) -> Past {
        if let Some((_, ids)) = self.lane.recent.iter().rev().find(|(known, _)| *known == ordinal) {
            return Past::Confirmed(ids.clone());
        }
        if self.lane.passed.iter().any(|(passed, _)| *passed == ordinal) {
            return Past::Rejected;
        }
        self.receipts.past(ordinal)
    }

    fn is_withdrawn(&self, server: &MsgId) -> bool {
        self.lane.withdrawn.contains(server)
    }
}
