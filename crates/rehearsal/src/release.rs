//! All that differs between the releases, in one place. Everything else is common to both.

use super::answer::Refusal;
use crate::message::Release;

/// How one release behaves where the other does otherwise.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one difference, independent of the others")]
pub(super) struct Traits {
    /// Empty maps are written as `null`; otherwise they are left out.
    pub(super) null_maps: bool,
    /// The answer to `send_msg` has `modify`, which is always `null`.
    pub(super) modify_field: bool,
    /// An error without detail repeats its name there, once it crossed a process boundary.
    pub(super) repeats_names: bool,
    /// The detail of a bad token's error is the whole token.
    pub(super) gives_tokens_away: bool,
    /// An admin token that this server never gave out is taken, if it is signed with the secret.
    pub(super) takes_foreign_tokens: bool,
    /// An admin's login ends his older tokens after so many seconds, and two of the same second are the same.
    pub(super) logins_end_tokens: Option<i64>,
    /// Calls about somebody else's messages and about all of them need the admin, or that somebody.
    pub(super) checks_rights: bool,
    /// A conversation is cleared only by who has a record of it; otherwise anybody's record will do.
    pub(super) clears_own_only: bool,
    /// `/config/…` is there.
    pub(super) config_paths: bool,
    /// What is said when nobody is to be registered.
    pub(super) no_users: &'static str,
    /// What is said when no account is to be checked; `None`: the answer is `null`.
    pub(super) no_accounts: Option<&'static str>,
    /// What is said where a group isn't there.
    pub(super) no_group: fn() -> Refusal,
    /// Inviting into a conversation that has messages adds the member and fails all the same.
    pub(super) invites_fail_late: bool,
    /// Conversations, and whose they are, must be named.
    pub(super) wants_conversations: bool,
    /// The sender of a single message must be registered.
    pub(super) knows_senders: bool,
    /// What is written to somebody who takes nothing is thrown away with a success that names nothing.
    pub(super) throws_away: bool,
    /// So long a receiver who was refused stays unknown, ms.
    pub(super) refused_ms: i64,
    /// Who was @ed is kept beside the content.
    pub(super) keeps_at_list: bool,
    /// A business notification can pass the queue, and can go to a group.
    pub(super) reliable_business: bool,
    /// What a call and a message may have, bytes.
    pub(super) sizes: Option<Sizes>,
    /// What the first queue is.
    pub(super) queue: Queue,
    /// What stood under the name of an object is served for a while after another took its place.
    pub(super) serves_former_objects: bool,
    /// Answers a second that 1, 4, 16 and 64 callers reach together.
    pub(super) per_second: [f64; 4],
    /// By how much that varies, chosen so that the obvious way to send loses what it lost (law 1, the table).
    pub(super) unsteady: f64,
    /// From the first message of a batch to its being readable, ms.
    pub(super) storing_lag_ms: u64,
}

/// What a distributed server takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// As one call (`rpcMaxBodySize`).
    pub(super) call: usize,
    /// As one message of Kafka, unless it was told otherwise.
    pub(super) message: usize,
}

/// What the first queue is, and so what becomes of it at a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// It loses nothing, and gives out again what it isn't sure was handled (law 5, measured).
    Kafka {
        /// How many, after a polite restart.
        stopped: usize,
        /// How many, after a kill.
        killed: usize,
    },
    /// In memory: what is in it when the process is killed is lost.
    Memory,
}

static V3_8_3: Traits = Traits {
    null_maps: true,
    modify_field: true,
    repeats_names: true,
    gives_tokens_away: true,
    takes_foreign_tokens: true,
    logins_end_tokens: None,
    checks_rights: false,
    clears_own_only: false,
    config_paths: false,
    no_users: "users are empty",
    no_accounts: Some("CheckUserIDs is empty"),
    no_group: || Refusal::not_found("mongo: no documents in result mongo find one"),
    invites_fail_late: true,
    wants_conversations: true,
    knows_senders: false,
    throws_away: true,
    refused_ms: 5000,
    keeps_at_list: false,
    reliable_business: false,
    sizes: Some(Sizes { call: 8 << 20, message: 1 << 20 }),
    queue: Queue::Kafka { stopped: 40, killed: 89 },
    serves_former_objects: true,
    per_second: [285.0, 672.0, 913.0, 1500.0],
    unsteady: 0.2,
    storing_lag_ms: 150,
};

static MAIN: Traits = Traits {
    null_maps: false,
    modify_field: false,
    repeats_names: false,
    gives_tokens_away: false,
    takes_foreign_tokens: false,
    logins_end_tokens: Some(300),
    checks_rights: true,
    clears_own_only: true,
    config_paths: true,
    no_users: "users is empty",
    no_accounts: None,
    no_group: || Refusal::internal("mongo: no documents in result"),
    invites_fail_late: false,
    wants_conversations: false,
    knows_senders: true,
    throws_away: false,
    refused_ms: 0,
    keeps_at_list: true,
    reliable_business: true,
    sizes: None,
    queue: Queue::Memory,
    serves_former_objects: false,
    per_second: [1147.0, 1580.0, 2180.0, 3000.0],
    unsteady: 0.6,
    storing_lag_ms: 112,
};

impl Traits {
    /// Those of that release.
    pub(super) const fn of(release: Release) -> &'static Self {
        match release {
            Release::V3_8_3 => &V3_8_3,
            Release::Main => &MAIN,
        }
    }
}
