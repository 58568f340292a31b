//! What was seen of the server: plain values, gathered elsewhere, judged by [`super::assess()`].

use std::time::Duration;

use crate::job::Peers;
use crate::message::{ConversationId, Release, SendTime};

use super::retention::Loss;
use super::settings::Settings;

/// Everything the preflight knows. What was not looked at is absent or says so.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Who answers.
    pub server: ServerFacts,
    /// The server's own settings.
    pub settings: Settings,
    /// What is to be sent; absent when only the server was looked at.
    pub history: Option<History>,
    /// Users, groups, blocks, names.
    pub people: People,
    /// What the target conversations hold and whether they move.
    pub conversations: Conversations,
    /// What the night job would do to this history.
    pub loss: Option<RetentionLoss>,
    /// Questions the server did not answer: which, and why.
    pub unanswered: Vec<(&'static str, String)>,
}

/// Who answers.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// It speaks OpenIM's envelope.
    pub is_openim: bool,
    /// What was seen instead, if it doesn't.
    pub not_openim: String,
    /// It takes our token for an admin's.
    pub is_admin: bool,
    /// Our admin user.
    pub admin_user: String,
    /// The release its answers give away.
    pub release_seen: Option<Release>,
    /// The release the user named.
    pub release_said: Option<Release>,
    /// What the server calls its version; shown, never decided by.
    pub version: Option<String>,
    /// Its clock minus ours; absent if it doesn't tell.
    pub clock_ahead_ms: Option<i64>,
    /// We can make a new token where ours is taken no more.
    pub renews_tokens: bool,
    /// How long our token is still good, if we can't renew it.
    pub token_left: Option<Duration>,
}

/// A server with nothing to say against it.
impl Default for ServerFacts {
    fn default() -> Self {
        Self {
            is_openim: true,
            not_openim: String::new(),
            is_admin: true,
            admin_user: String::new(),
            release_seen: Some(Release::default()),
            release_said: None,
            version: None,
            clock_ahead_ms: Some(0),
            renews_tokens: true,
            token_left: None,
        }
    }
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    /// Messages not confirmed yet.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Single conversations among its conversations.
    pub singles: u64,
    /// Messages a second, expected or as limited by `--rate`.
    pub pace: f64,
}

impl History {
    /// How long it takes at that pace; the longest conversation alone can take longer.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn time(&self) -> Duration {
        const YEARS: f64 = 1e9;
        Duration::from_secs_f64((self.messages as f64 / self.pace.max(1.0)).min(YEARS))
    }
}

/// How many, and the first few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were found.
    pub count: u64,
    /// Of how many that were looked at.
    pub looked_at: u64,
    /// The first few found.
    pub examples: Vec<String>,
}

impl Tally {
    /// So many are shown by name.
    pub const EXAMPLES: usize = 5;

    /// One was looked at; `found` makes its name if it is one.
    pub fn look(&mut self, found: Option<String>) {
        self.looked_at += 1;
        self.count += u64::from(found.is_some());
        if self.examples.len() < Self::EXAMPLES {
            self.examples.extend(found);
        }
    }

    /// Another part of the same look.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.looked_at += other.looked_at;
        self.examples.extend(other.examples);
        self.examples.truncate(Self::EXAMPLES);
    }
}

/// Users, groups, blocks, names.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Users of the history who are not registered.
    pub missing_users: Tally,
    /// Groups that are not there.
    pub missing_groups: Tally,
    /// Senders who are not members: `user in group`.
    pub not_members: Tally,
    /// `receiver blocks sender`.
    pub blocked: Tally,
    /// Dismissed groups.
    pub dismissed: Tally,
    /// Muted groups.
    pub muted_groups: Tally,
    /// Muted senders: `user in group`.
    pub muted_members: Tally,
    /// Groups on the server that are called like a pair of the history.
    pub collisions: Tally,
    /// Registered users whose conversation would be called like one of the history's.
    pub possible_collisions: Tally,
    /// Users who are online.
    pub online: Tally,
    /// Looks that were cut short: what was left out, in words.
    pub cut_short: Vec<String>,
}

impl People {
    /// What was seen of another page.
    pub fn add(&mut self, other: Self) {
        let Self {
            missing_users,
            missing_groups,
            not_members,
            blocked,
            dismissed,
            muted_groups,
            muted_members,
            collisions,
            possible_collisions,
            online,
            cut_short,
        } = other;
        for (mine, theirs) in [
            (&mut self.missing_users, missing_users),
            (&mut self.missing_groups, missing_groups),
            (&mut self.not_members, not_members),
            (&mut self.blocked, blocked),
            (&mut self.dismissed, dismissed),
            (&mut self.muted_groups, muted_groups),
            (&mut self.muted_members, muted_members),
            (&mut self.collisions, collisions),
            (&mut self.possible_collisions, possible_collisions),
            (&mut self.online, online),
        ] {
            mine.add(theirs);
        }
        self.cut_short.extend(cut_short);
    }
}

/// A conversation in which only the server has said something: that people are friends, that a group was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// Its name.
    pub conversation: String,
    /// Somebody who may read it.
    pub user: String,
    /// So many slots.
    pub slots: i64,
}

/// A conversation in which people have written later than its history begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupied {
    /// Its name.
    pub conversation: ConversationId,
    /// Whose it is.
    pub peers: Peers,
    /// The latest time in it; `None`: its end could not be read.
    pub newest: Option<SendTime>,
    /// The last moment of the history, as it would be sent.
    pub until: SendTime,
    /// Messages of the history.
    pub messages: u64,
}

/// What the target conversations hold and whether they move.
#[derive(Debug, Clone, Default)]
pub struct Conversations {
    /// Conversations not begun yet that hold messages.
    pub not_empty: Tally,
    /// Of these, those that hold messages equal to ours.
    pub already_there: Tally,
    /// Of those looked into, those whose newest message is newer than our oldest.
    pub newer: Tally,
    /// Of those that were begun, those into which people have written since what is newer than the rest.
    pub written_since: Tally,
    /// The same as `newer`, with what has to be known to find them a place.
    pub occupied: Vec<Occupied>,
    /// Of those looked into, those in which nothing but notices stands.
    pub notices: Vec<Notices>,
    /// Conversations that got messages while we looked.
    pub moving: Tally,
    /// Between the two looks.
    pub watched: Duration,
}

/// What the night job would do to this history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionLoss {
    /// Messages.
    pub loss: Loss,
    /// Conversations that would lose some.
    pub conversations: u64,
    /// The oldest message.
    pub oldest: SendTime,
    /// How old a message may get, in days.
    pub days: i64,
    /// The server said so; otherwise it is the default.
    pub known: bool,
    /// The server's now.
    pub now: SendTime,
}
