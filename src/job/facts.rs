//! What a job says of its conversations, users, passes and sources.

use super::{ConvNo, PassNo, UserKey};
use crate::message::{ConversationId, GroupId, SendTime, SourceNo, UserId};

/// A conversation of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its number.
    pub no: ConvNo,
    /// Between whom.
    pub peers: Peers,
    /// How many messages all passes gave it.
    pub messages: u64,
    /// Bytes of their records in the spool.
    pub bytes: u64,
    /// `sendTime` of the earliest.
    pub first_time: SendTime,
    /// `sendTime` of the latest, with the spread of equal times.
    pub last_time: SendTime,
}

/// Who talks in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// Two users, or one with himself; sorted as text.
    Single(UserId, UserId),
    /// A group.
    Group(GroupId),
}

/// A user who sends or receives in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Stands for the id; users are paged by it.
    pub key: UserKey,
    /// `userID`.
    pub id: UserId,
    /// `senderNickname` of one of his messages; empty if there was none.
    pub nickname: String,
    /// `senderFaceURL` of one of his messages; empty if there was none.
    pub face_url: String,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Messages to send, of all passes.
    pub messages: u64,
    /// Their conversations.
    pub conversations: u64,
    /// Users who send or receive.
    pub users: u64,
    /// Messages of the longest conversation.
    pub longest: u64,
    /// Bytes of all records.
    pub bytes: u64,
}

/// A pass that is in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassInfo {
    /// Its number.
    pub no: PassNo,
    /// Whether all of it is there; it isn't while it is being prepared.
    pub ready: bool,
    /// What shaped it.
    pub settings: String,
    /// What came out, as JSON.
    pub summary: String,
}

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its number.
    pub no: SourceNo,
    /// By which pass.
    pub pass: PassNo,
    /// As it was given.
    pub path: String,
    /// Size of the file.
    pub bytes: u64,
    /// When it was last changed, in ms since 1970.
    pub modified: Option<i64>,
    /// Fingerprint of its bytes.
    pub sha256: [u8; 32],
    /// Of an object in a store: the version it was.
    pub etag: Option<String>,
}

impl Peers {
    /// The server's name of the conversation.
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Single(a, b) => ConversationId::single(a.as_str(), b.as_str()),
            Self::Group(group) => ConversationId::group(group.as_str()),
        }
    }
}

impl Conversation {
    /// The server's name of it.
    pub fn id(&self) -> ConversationId {
        self.peers.conversation()
    }
}
