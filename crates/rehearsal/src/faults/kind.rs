//! Which faults there are, and how they are written.

use super::Moment;
use serde::Serialize;

/// What goes wrong, and when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// When.
    #[serde(flatten)]
    pub when: When,
}

/// On which of its occasions a fault strikes. Occasions are calls of `path`, or batches of messages with one
/// key that the second or third stage is about to handle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct When {
    /// So many occasions pass first.
    pub after: u64,
    /// Then on every so many-th.
    pub every: u64,
    /// With this probability, 0 to 1.
    pub chance: f64,
    /// At most so often; `None`: as long as it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Which calls, `*` being all; `None` where it is no matter of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Which conversation; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

/// What users do to messages of others (law 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserAct {
    /// Revoke one: type 2101, other content, same ids.
    Revoke,
    /// Delete one for themselves.
    Delete,
    /// Clear the conversation for themselves.
    Clear,
    /// One of these.
    Any,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum FaultKind {
    /// The call is processed, then the connection is closed without an answer.
    LoseAnswer,
    /// The connection is closed before the body was read.
    CloseBeforeBody,
    /// The connection is closed after the body was read; the call is not processed.
    CloseAfterBody,
    /// A proxy answers 502, 503 or 504 with HTML, after the server processed the call, or instead.
    ProxyError {
        /// 502, 503 or 504.
        status: u16,
        /// Whether the server processed the call.
        processed: bool,
    },
    /// The rate limiter refuses the call, with the recorded headers.
    TooMany {
        /// `Retry-After`, seconds.
        retry_after: u64,
    },
    /// The call is processed, and answered with 500 all the same.
    #[serde(rename = "error-500")]
    Error500,
    /// No answer for that long, then the connection is closed.
    Hang {
        /// ms
        ms: u64,
        /// Whether the server processed the call.
        processed: bool,
    },
    /// All tokens given out so far have expired (1501).
    ExpireToken,
    /// All tokens given out so far are kicked (1506).
    KickToken,
    /// Acknowledged messages are never stored.
    LoseQueue,
    /// The last messages that the second stage handled come again, with the same ids (law 5).
    RepeatQueue {
        /// How many.
        last: usize,
    },
    /// Messages are in the cache and never reach the store (law 8).
    LoseStore,
    /// maxSeq jumps ahead before the next number is handed out (law 4).
    JumpSeq {
        /// By how much.
        by: i64,
    },
    /// maxSeq falls back, as after a Redis restored from an old copy: the next messages overwrite slots.
    FallBackSeq {
        /// How far it is below what it was, once the batch at which it struck has its numbers.
        by: i64,
    },
    /// Numbers are handed out, and the messages are written only so much later (law 3).
    ReadGap {
        /// ms
        ms: u64,
    },
    /// One partition of the queue stands still while the others flow: messages of one in so many keys, or of one
    /// conversation, wait until it is turned off.
    Stall {
        /// How many partitions there are.
        of: u64,
    },
    /// Storing takes so many times as long.
    Slow {
        /// 2: twice as long.
        by: f64,
    },
    /// Others write in the conversations that are imported into (law 12).
    LiveTraffic {
        /// Messages a second in each conversation.
        per_second: f64,
    },
    /// Users revoke, delete and clear (law 13).
    UsersAct {
        /// What they do.
        act: UserAct,
        /// How often a second, in all conversations together.
        per_second: f64,
    },
    /// More calls than that are refused as by `too-many`.
    RateLimit {
        /// Calls a second.
        per_second: f64,
    },
    /// A user is gone.
    RemoveUser {
        /// Who.
        user: String,
    },
    /// A group is gone.
    RemoveGroup {
        /// Which.
        group: String,
    },
    /// The server stops and starts again with its state. Killed, 3.8.3 repeats the messages it handled last
    /// (law 5), and main loses what was acknowledged and not stored (laws 5 and 8).
    Restart {
        /// For how long nothing listens, ms.
        down_ms: u64,
        /// Killed rather than stopped politely.
        kill: bool,
    },
    /// The nightly deletion of old messages (law 6).
    Night,
    /// No object storage is set up: `s3 disabled`.
    StoreOff,
    /// The object store can't be reached, neither by clients nor by the server, which says so after a while.
    StoreAway {
        /// How long the server tries, ms.
        ms: u64,
    },
    /// Addresses of the store are those of the stock configuration, which nobody can reach.
    StoreUnreachable,
    /// A PUT to the store is cut off in its midst.
    CutUpload,
    /// A PUT to the store is stored, and not answered.
    LosePut,
    /// A PUT is answered with the digest of something else.
    WrongDigest,
    /// The signature of a PUT is too old.
    ExpiredSignature,
    /// The store takes that long for each call.
    SlowStore {
        /// ms
        ms: u64,
    },
}

/// Where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At a call.
    Call,
    /// In the second stage.
    Number,
    /// In the third stage.
    Store,
    /// At a call of the object store.
    Object,
    /// All the time while it is on.
    Always,
}

impl FaultKind {
    pub(super) const fn place(&self) -> Place {
        match self {
            Self::LoseAnswer
            | Self::CloseBeforeBody
            | Self::CloseAfterBody
            | Self::ProxyError { .. }
            | Self::TooMany { .. }
            | Self::Error500
            | Self::Hang { .. }
            | Self::ExpireToken
            | Self::KickToken
            | Self::RateLimit { .. }
            | Self::RemoveUser { .. }
            | Self::RemoveGroup { .. }
            | Self::Restart { .. }
            | Self::Night => Place::Call,
            Self::LoseQueue
            | Self::RepeatQueue { .. }
            | Self::JumpSeq { .. }
            | Self::FallBackSeq { .. }
            | Self::ReadGap { .. } => Place::Number,
            Self::LoseStore => Place::Store,
            Self::CutUpload
            | Self::LosePut
            | Self::WrongDigest
            | Self::ExpiredSignature
            | Self::SlowStore { .. } => Place::Object,
            Self::Stall { .. }
            | Self::Slow { .. }
            | Self::LiveTraffic { .. }
            | Self::UsersAct { .. }
            | Self::StoreOff
            | Self::StoreAway { .. }
            | Self::StoreUnreachable => Place::Always,
        }
    }

    /// Whether it makes sense once and at once, apart from any occasion.
    pub(crate) const fn is_event(&self) -> bool {
        matches!(
            self,
            Self::ExpireToken
                | Self::KickToken
                | Self::RemoveUser { .. }
                | Self::RemoveGroup { .. }
                | Self::Restart { .. }
                | Self::Night
                | Self::LoseQueue
                | Self::RepeatQueue { .. }
                | Self::JumpSeq { .. }
                | Self::FallBackSeq { .. }
        )
    }
}

impl Fault {
    pub(super) fn fits(&self, moment: Moment<'_>) -> bool {
        match moment {
            Moment::Call(path) => {
                self.kind.place() == Place::Call
                    && self.when.path.as_deref().is_some_and(|p| p == "*" || p == path)
            }
            Moment::Number(conversation) => self.kind.place() == Place::Number && self.concerns(conversation),
            Moment::Store(conversation) => self.kind.place() == Place::Store && self.concerns(conversation),
            Moment::Object(method) => {
                self.kind.place() == Place::Object
                    && (method == "PUT" || matches!(self.kind, FaultKind::SlowStore { .. }))
            }
        }
    }

    /// Whether it is about that conversation.
    pub(crate) fn concerns(&self, conversation: &str) -> bool {
        self.when.conversation.as_deref().is_none_or(|only| only == conversation)
    }
}
