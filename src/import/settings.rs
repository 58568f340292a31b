//! What a run goes by, how it ends, and why it can't.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::dial::Dial;
use super::lane::{FellBack, Limits};
use crate::job::{JobError, Order, OvertakenInAll};
use crate::message::{ConversationId, SendTime};
use crate::numbers::plural;
use crate::openim::{CallError, Reason, Stop};
use crate::pacing::Measured;

/// What a run goes by. [`Settings::default`] is what `run` does without options.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How each conversation behaves.
    pub limits: Limits,
    /// `send_msg` calls under way at once.
    pub connections: u16,
    /// Calls for reading back under way at once, besides.
    pub confirm_connections: u16,
    /// Conversations under way at once: what memory has to hold.
    pub active: usize,
    /// How long messages may take from their answer to their number above what they take on the idle server;
    /// `None`: that does not matter, nobody else is there.
    pub max_lag: Option<Duration>,
    /// Messages a second, and whether any, as it can be changed while the run is under way.
    pub dial: Dial,
    /// Which conversations come first, and have the callers first.
    pub order: Order,
    /// Delete copies that the server made (law 5).
    pub repair: bool,
    /// Go on although others write meanwhile what is newer: nobody will be able to scroll that (law 15).
    pub behind_newer: bool,
    /// Only these conversations.
    pub only: Option<HashSet<ConversationId>>,
    /// Only messages up to that time; the rest is for a later run.
    pub until: Option<SendTime>,
    /// Without a sign of life for so long, stop.
    pub give_up: Duration,
    /// How long a receiver that is registered may still be refused (contract, section 4).
    pub receiver_wait: Duration,
    /// Withdrawn messages have to stay away for so long (law 14).
    pub stay_away: Duration,
    /// How long to wait at the first signal for what is under way.
    pub drain: Duration,
    /// Between two questions for `maxSeq`, at least.
    pub poll: Duration,
}

impl Settings {
    /// What the job keeps of them, for the report: names of values, no names of people.
    pub(super) fn kept(&self) -> serde_json::Value {
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "rate": self.dial.rate(),
            "max_lag_ms": self.max_lag.map(|lag| lag.as_secs_f64() * 1_000.0),
            "connections": self.connections,
            "order": self.order.name(),
            "give_up_s": self.give_up.as_secs(),
            "on_reject": if self.limits.hold { "hold" } else { "skip" },
            "repair": self.repair,
            "only": self.only.as_ref().map(HashSet::len),
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 32,
            confirm_connections: 8,
            active: 1_024,
            max_lag: Some(Duration::from_millis(300)),
            dial: Dial::default(),
            order: Order::default(),
            repair: false,
            behind_newer: false,
            only: None,
            until: None,
            give_up: Duration::from_mins(30),
            receiver_wait: Duration::from_secs(15),
            stay_away: Duration::from_secs(5),
            drain: Duration::from_secs(20),
            poll: Duration::from_millis(10),
        }
    }
}

/// How a run is stopped from outside.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    /// No new messages; what is under way is settled and committed.
    pub drain: CancellationToken,
    /// At once.
    pub at_once: CancellationToken,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Everything is confirmed or rejected.
    Done,
    /// There was nothing to do.
    NothingToDo,
    /// Somebody stopped it.
    Stopped,
    /// The server gave no sign of life for too long; the cause.
    GaveUp(String),
    /// Nearly everything was refused for one reason; the server's words.
    MostlyRejected(Reason, String),
}

/// What a run did. Counts are of this run unless they say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// Messages of the job.
    pub messages: u64,
    /// Conversations of the job.
    pub conversations: u64,
    /// Confirmed in all runs.
    pub confirmed: u64,
    /// Confirmed in this run.
    pub confirmed_now: u64,
    /// Rejected in all runs.
    pub rejected: u64,
    /// Rejected in this run.
    pub rejected_now: u64,
    /// Neither confirmed nor rejected.
    pub left: u64,
    /// Conversations with something left.
    pub conversations_left: u64,
    /// Conversations that wait at a refused message (policy `hold`), some of them by name.
    pub held: Vec<String>,
    /// Conversations that were left where they are, because somebody has written what is newer than the rest.
    pub overtaken: OvertakenInAll,
    /// Acknowledged, lost by the server, sent again.
    pub lost_and_resent: u64,
    /// Calls made again.
    pub retries: u64,
    /// Messages sent a second time to find out what became of the first.
    pub fences: u64,
    /// Messages of ours deleted because they stood in the wrong place.
    pub withdrawn: u64,
    /// Withdrawn messages that came back and were deleted again (law 14).
    pub returned: u64,
    /// Whether withdrawn messages may still come back: they are looked for again by the next run.
    pub returning: bool,
    /// Copies that the server made and that are still there, of all runs.
    pub doubled: u64,
    /// Copies that the server made, deleted in this run.
    pub repaired: u64,
    /// Confirmed messages whose slot reads as empty.
    pub hidden: u64,
    /// Messages of others seen between ours.
    pub foreign: u64,
    /// Whether, since a run last ended in peace, something smelled of a crash of the server: then what can be read may
    /// stand in its memory alone (law 8), and only the store can tell.
    pub crash_suspected: bool,
    /// How long it took.
    pub took: Duration,
    /// How fast the server was meanwhile, where it was what limited the run.
    pub measured: Measured,
    /// What limited it, by the share of the time: `lag 93 %, connections 7 %`. Empty where nothing was sent.
    pub limited_by: String,
}

/// Why a run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The job can't be read or written.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The server or a proxy lets nobody in, or is none.
    #[error(transparent)]
    Server(#[from] Stop),
    /// A call without which nothing goes on is refused for good.
    #[error(transparent)]
    Call(CallError),
    /// Somebody has imported this history before.
    #[error(
        "messages of this job stand in the log of {} already, before this job has sent anything into it: first `{}`, \
         slot {}. Somebody has imported this history, or a part of it. If the job of that import is lost, `adopt` \
         builds it anew from the server, with `--job` into another folder",
        conversations(.0.len()), .0.first().map_or("", |there| there.conversation.as_str()),
        .0.first().map_or(0, |there| there.seq)
    )]
    AlreadyThere(Vec<AlreadyThere>),
    /// The server has lost its numbers.
    #[error(
        "the server's numbers fell back below what was confirmed in {}: {}. It hands out sequence numbers again \
         that messages have already (a lost Redis, or a server put back from an older copy?), and overwrites them; stop \
         writing to it and mend it first. If it is to stay as it is, `adopt SOURCE --job NEW` finds out into another \
         folder what it has, and `run --job NEW` sends the rest",
        conversations(.0.len()), list(.0)
    )]
    Overwriting(Vec<(String, FellBack)>),
}

/// A message of the job that was on the server before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlreadyThere {
    /// In which conversation.
    pub conversation: String,
    /// In which slot.
    pub seq: i64,
}

fn conversations(n: usize) -> String {
    plural(n as u64, "conversation", "conversations")
}

fn list(fallen: &[(String, FellBack)]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<String> = fallen
        .iter()
        .take(SHOWN)
        .map(|(name, fell)| format!("`{name}` (at {}, was {})", fell.max_seq, fell.read_to))
        .collect();
    if fallen.len() > SHOWN {
        text.push("…".to_owned());
    }
    text.join(", ")
}
