//! Everything the server knows, under one lock.

use super::again::Again;
use super::audit::Calls;
use super::log::Conversation;
use super::probe::Probe;
use super::record::{Record, Routes};
use super::unsettled::Unsettled;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Everything the server knows.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) users: HashMap<Arc<str>, User>,
    pub(super) groups: HashMap<Arc<str>, Group>,
    pub(super) conversations: HashMap<Arc<str>, Conversation>,
    pub(super) routes: Routes,
    /// The first queue: acknowledged, not yet numbered.
    pub(super) queue: VecDeque<Queued>,
    /// What was in it and belongs to partitions that stand still.
    pub(super) stalled: VecDeque<Queued>,
    /// Taken from the queue in batches, where storing costs time, and waiting for their turn: the number of the batch
    /// and what of it goes to one conversation.
    pub(super) collected: VecDeque<(u64, Vec<Queued>)>,
    /// Messages that have their numbers and are not written.
    pub(super) numbered: usize,
    /// Of these, how many had their numbers when the second stage was killed: nothing else is taken before.
    pub(super) recovering: usize,
    /// What the queue gives out again after that, in its order.
    pub(super) redelivered: Vec<Queued>,
    /// So many at the front of the queue were there before a restart: a batch with them is as large as the server makes
    /// it, whatever is sent beside it.
    pub(super) given_back: usize,
    /// Queued, and neither in the store nor lost yet.
    pub(super) unsettled: Unsettled,
    /// The messages that the second stage handled last.
    pub(super) handled: VecDeque<Arc<Record>>,
    /// Grows when the process is killed: what was under way before is over.
    pub(super) generation: u64,
    /// Who blocked whom, with the time (ms), in order.
    pub(super) blocks: HashMap<Arc<str>, Vec<(Arc<str>, i64)>>,
    /// Who is whose friend, in the order in which they became it.
    pub(super) friends: HashMap<Arc<str>, Vec<Arc<str>>>,
    /// Hashes of the operationIDs of queued messages, with the time (ms).
    pub(super) sent_operations: HashMap<u64, i64>,
    /// 3.8.3: receivers refused lately, until when (ms) they stay unknown.
    pub(super) refused_receivers: HashMap<Arc<str>, i64>,
    /// Refusals by code.
    pub(super) refusals: BTreeMap<i32, u64>,
    /// Answered calls by path.
    pub(super) calls: BTreeMap<String, Calls>,
    /// Ids given out so far.
    pub(super) ids: u64,
    /// What was sent before, where that is watched.
    pub(super) again: Option<Again>,
    /// What live users feel, where that is measured.
    pub(super) probe: Option<Probe>,
    /// Documents made by the store so far.
    pub(super) documents: u64,
}

/// A message in the first queue.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) record: Arc<Record>,
    /// The queue gave it out before (law 5).
    pub(super) again: bool,
}

impl Queued {
    /// A message that was just sent.
    pub(super) fn new(record: Record) -> Self {
        Self { record: Arc::new(record), again: false }
    }
}

/// A registered user.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) nickname: Box<str>,
    pub(super) face_url: Box<str>,
    pub(super) ex: Box<str>,
    /// ms
    pub(super) created: i64,
    pub(super) receive_option: i32,
    /// `appMangerLevel`: 0 for people, 3 and more for accounts of the system.
    pub(super) level: i32,
}

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: Box<str>,
    pub(super) face_url: Box<str>,
    pub(super) ex: Box<str>,
    pub(super) owner: Arc<str>,
    pub(super) created: i64,
    pub(super) status: GroupStatus,
    pub(super) kind: i32,
    pub(super) members: HashMap<Arc<str>, GroupMember>,
    /// How many joined so far.
    pub(super) joins: usize,
}

/// What a group is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupStatus {
    Open,
    Muted,
    Dismissed,
}

impl GroupStatus {
    /// The server's number for it.
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::Open => 0,
            Self::Dismissed => 2,
            Self::Muted => 3,
        }
    }
}

/// A member of a group.
#[derive(Debug, Clone)]
pub(super) struct GroupMember {
    /// How many-th to join the group.
    pub(super) rank: usize,
    /// 100 owner, 60 admin, 20 member.
    pub(super) role: i32,
    pub(super) joined: i64,
    /// Empty if the admin invited: so does the real server.
    pub(super) invited_by: Box<str>,
    pub(super) muted_until: i64,
}

impl World {
    /// The queue keeps its order (law 10): what it gives out again comes before what it has not given out yet.
    pub(super) fn redeliver(&mut self) {
        self.given_back += self.redelivered.len();
        for queued in self.redelivered.drain(..).rev() {
            self.queue.push_front(queued);
        }
    }

    /// A queued message will never be written. `by_a_fault`: it is no doing of whoever sends beside live users.
    pub(super) fn lose(&mut self, record: &Record, why: &str, by_a_fault: bool) {
        self.unsettled.remove(record);
        if let Some(again) = &mut self.again {
            again.dropped(record);
        }
        if let Some(probe) = &mut self.probe {
            probe.lost(record);
        }
        let conversation = self.conversation_mut(&record.route.conversation);
        conversation.dropped(why, 1);
        conversation.tally.live_dropped += u64::from(by_a_fault && record.is_live());
    }

    /// What was collected goes back to the front of the queue: the second stage had not finished it.
    pub(super) fn uncollect(&mut self) {
        for queued in std::mem::take(&mut self.collected)
            .into_iter()
            .rev()
            .flat_map(|(_, group)| group.into_iter().rev())
        {
            self.queue.push_front(queued);
        }
    }

    /// Nothing is there for the second stage to take.
    pub(super) fn must_wait(&self) -> bool {
        self.recovering > 0 || (self.queue.is_empty() && self.stalled.is_empty())
    }

    pub(super) fn conversation_mut(&mut self, id: &Arc<str>) -> &mut Conversation {
        self.conversations.entry(Arc::clone(id)).or_default()
    }

    /// The conversations that a user has a record of, in the order of their names.
    pub(super) fn conversations_of(&self, user: &str, now: i64) -> Vec<&str> {
        let mut ids: Vec<&str> = self
            .conversations
            .iter()
            .filter(|(id, c)| !id.starts_with("n_") && c.members.get(user).is_some_and(|m| m.has_record(now)))
            .map(|(id, _)| id.as_ref())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Whether one has blocked the other.
    pub(super) fn has_blocked(&self, who: &str, whom: &str) -> bool {
        self.blocks.get(who).is_some_and(|list| list.iter().any(|(user, _)| user.as_ref() == whom))
    }

    /// The shared copy of a userID.
    pub(super) fn name(&self, user: &str) -> Arc<str> {
        self.users.get_key_value(user).map_or_else(|| user.into(), |(name, _)| Arc::clone(name))
    }

    /// A conversation is new: everybody in it gets a record, `from` that time (ms) on.
    pub(super) fn make_records(&mut self, id: &Arc<str>, record: &Record, from: i64) {
        let route = &record.route;
        let people: Vec<Arc<str>> = if route.session == 3 {
            self.groups.get(route.group.as_ref()).map_or_else(
                || vec![Arc::clone(&route.sender)],
                |group| group.members.keys().map(Arc::clone).collect(),
            )
        } else {
            vec![self.name(&route.sender), self.name(&route.receiver)]
        };
        let conversation = self.conversation_mut(id);
        for user in people {
            conversation.member_mut(&user).record_from.get_or_insert(from);
        }
    }
}

impl User {
    /// Somebody of whom nothing is known but the id.
    pub(super) fn named(id: &str, now: i64) -> Self {
        Self {
            nickname: id.into(),
            face_url: "".into(),
            ex: "".into(),
            created: now,
            receive_option: 0,
            level: 0,
        }
    }
}

impl Group {
    /// A user joins, after everybody who is there.
    pub(super) fn join(&mut self, user: Arc<str>, role: i32, invited_by: &str, now: i64) {
        let rank = self.joins;
        self.joins += 1;
        let member = GroupMember { rank, role, joined: now, invited_by: invited_by.into(), muted_until: 0 };
        self.members.insert(user, member);
    }

    /// The members: the owner, admins, the others, each in the order in which they joined.
    pub(super) fn in_order(&self) -> Vec<(&Arc<str>, &GroupMember)> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| (-member.role, member.rank));
        members
    }
}
