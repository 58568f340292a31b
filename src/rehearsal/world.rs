//! Everything the server knows, under one lock.

use super::log::{Conversation, Tally};
use super::record::{Record, Routes};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
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
    /// Queued, and neither in the store nor lost yet.
    pub(super) unsettled: u64,
    /// Who blocked whom, with the time (ms).
    pub(super) blocks: BTreeMap<(Arc<str>, Arc<str>), i64>,
    /// Who is whose friend.
    pub(super) friends: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Hashes of the operationIDs of queued messages, with the time (ms).
    pub(super) sent_operations: HashMap<u64, i64>,
    /// 3.8.3: receivers refused lately, until when (ms) they stay unknown.
    pub(super) refused_receivers: HashMap<Arc<str>, i64>,
    /// All conversations together, and what belonged to none.
    pub(super) tally: Tally,
    /// Refusals by code.
    pub(super) refusals: BTreeMap<i32, u64>,
    /// Ids given out so far.
    pub(super) ids: u64,
}

/// A message in the first queue.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) record: Arc<Record>,
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
    /// 0 for people, 2 for the admin.
    pub(super) level: i32,
}

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: Box<str>,
    pub(super) owner: Arc<str>,
    pub(super) created: i64,
    pub(super) status: GroupStatus,
    pub(super) kind: i32,
    pub(super) members: HashMap<Arc<str>, GroupMember>,
}

/// What a group is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupStatus {
    Open,
    Muted,
    Dismissed,
}

/// A member of a group.
#[derive(Debug, Clone)]
pub(super) struct GroupMember {
    /// How many-th to join the group.
    pub(super) rank: usize,
    /// 100 owner, 60 admin, 20 member.
    pub(super) role: i32,
    pub(super) joined: i64,
    pub(super) muted_until: i64,
}

impl World {
    pub(super) fn conversation_mut(&mut self, id: &Arc<str>) -> &mut Conversation {
        self.conversations.entry(Arc::clone(id)).or_default()
    }

    /// The shared copy of a userID.
    pub(super) fn name(&self, user: &str) -> Arc<str> {
        self.users.get_key_value(user).map_or_else(|| user.into(), |(name, _)| Arc::clone(name))
    }

    /// A conversation is new: everybody in it gets a record, `from` that time (ms) on.
    pub(super) fn make_records(&mut self, id: &Arc<str>, record: &Record, from: i64) {
        let route = &record.route;
        let people: Vec<Arc<str>> = if route.group.is_empty() {
            vec![self.name(&route.sender), self.name(&route.receiver)]
        } else {
            self.groups.get(route.group.as_ref()).map_or_else(
                || vec![Arc::clone(&route.sender)],
                |group| group.members.keys().map(Arc::clone).collect(),
            )
        };
        let conversation = self.conversation_mut(id);
        for user in people {
            conversation.member_mut(&user).record_from.get_or_insert(from);
        }
    }
}

impl Group {
    /// A user joins, after everybody who is there.
    pub(super) fn join(&mut self, user: Arc<str>, role: i32, now: i64) {
        let rank = self.members.values().map(|m| m.rank + 1).max().unwrap_or(0);
        self.members.insert(user, GroupMember { rank, role, joined: now, muted_until: 0 });
    }

    /// The members, in the order in which they joined.
    pub(super) fn in_order(&self) -> Vec<(&Arc<str>, &GroupMember)> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| member.rank);
        members
    }
}
