//! A conversation's log: numbers (Redis), cache (Redis), store (the database), and who has read how far.
//!
//! The cache and the store are kept apart, slot by slot, because the real server's differ (law 8).

use super::record::{Record, Route};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// So many messages share a stored document (laws 6 and 7).
pub(super) const DOCUMENT: i64 = 100;

/// maxSeq goes no farther than what a 64-bit float can count.
const FARTHEST: i64 = 1 << 53;

/// One conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The last number handed out; its message may not be written yet (law 3).
    pub(super) max_seq: i64,
    /// When that was, ms.
    pub(super) max_seq_time: i64,
    /// Slots below it are gone for everybody (law 6).
    pub(super) min_seq: i64,
    /// Document number → document.
    pub(super) documents: BTreeMap<i64, Document>,
    pub(super) members: HashMap<Arc<str>, Member>,
    pub(super) tally: Tally,
    /// The way of the last `send_msg`: who could write here too.
    pub(super) last_route: Option<Arc<Route>>,
}

/// 100 slots that are stored together.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// From its first slot on.
    pub(super) slots: Vec<Slot>,
    /// How many-th document the store made: the order in which it is searched. 0 = not stored yet.
    pub(super) rank: u64,
    /// What the store has of it, bytes (law 7).
    pub(super) bytes: usize,
}

/// One place in the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub(super) cached: Cached,
    /// When that was put into the cache, seconds since 1970; it stays a day.
    pub(super) cached_at: u32,
    pub(super) stored: Option<Arc<Record>>,
    /// Deleted in the store: what is there no longer counts.
    pub(super) deleted: bool,
    /// A user revoked it: it keeps its ids and reads as type 2101 (law 13).
    pub(super) revoked: Option<Box<Revocation>>,
}

/// Who revoked a message, and when (ms).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Revocation {
    pub(super) user: String,
    pub(super) nickname: String,
    pub(super) role: i32,
    pub(super) time: i64,
}

/// What the cache knows of a slot.
#[derive(Debug, Clone, Default)]
pub(super) enum Cached {
    /// Nothing: the next read asks the store.
    #[default]
    Absent,
    /// That there is nothing, for 24 hours, whatever comes later (law 3), and the date it was given, ms.
    Empty(i64),
    Message(Arc<Record>),
}

/// A user's place in a conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// From when on (ms) the user's conversation record exists, without which a pull finds nothing.
    pub(super) record_from: Option<i64>,
    /// When somebody asked for it in vain (ms).
    pub(super) missed: Option<i64>,
    pub(super) has_read: i64,
    /// Slots below it are gone for this user ("clear", retention).
    pub(super) min_seq: i64,
    /// Slots above it are not for this user (kicked); 0 = no limit.
    pub(super) max_seq: i64,
    /// Slots this user deleted for himself.
    pub(super) hidden: BTreeSet<i64>,
    /// It stands on top of the user's list.
    pub(super) pinned: bool,
    /// `recvMsgOpt`: 1 takes nothing, 2 is not told.
    pub(super) bell: i32,
}

/// What the audit counts as it happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Calls of `send_msg` to this conversation that could be read.
    pub received: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Of these, put into the queue, whatever the caller was told.
    pub queued: u64,
    /// Of the queued, answered with 0.
    pub acknowledged: u64,
    /// Messages written to the cache, copies included.
    pub written: u64,
    /// Messages of others, made by the fault `live-traffic`.
    pub live: u64,
    /// Written to the cache, never to the store (law 8).
    pub never_stored: u64,
    /// Of these, gone by a fault before they were written.
    pub live_dropped: u64,
    /// Queued and gone, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Of these, gone although neither others nor the queue itself had added to their batch: the callers alone sent too
    /// much at once (law 1).
    #[serde(default)]
    pub overfilled: u64,
    /// Notices of the server itself.
    pub notices: u64,
    /// Second copies written with the same ids (law 5).
    pub copies: u64,
    /// Sent while an earlier call's message stood in the log. Counted on request.
    pub again_though_stored: u64,
    /// Sent while an earlier call's message was in the queue, and stood nowhere. Counted on request.
    pub again_though_queued: u64,
}

impl Conversation {
    /// Hands out numbers for `count` messages; the first of them.
    pub(super) fn number(&mut self, count: i64, now: i64) -> i64 {
        let first = self.max_seq + 1;
        self.max_seq += count;
        self.max_seq_time = now;
        first
    }

    /// The slot of that number, made if it is new.
    pub(super) fn slot_mut(&mut self, seq: i64) -> &mut Slot {
        let at = usize::try_from((seq - 1) % DOCUMENT).expect("seqs start at 1");
        let slots = &mut self.documents.entry((seq - 1) / DOCUMENT).or_default().slots;
        if slots.len() <= at {
            slots.resize_with(at + 1, Slot::default);
        }
        &mut slots[at]
    }

    /// All slots ever used from that number on, in order.
    pub(super) fn slots(&self, from: i64) -> impl Iterator<Item = (i64, &Slot)> {
        let from = from.max(1);
        self.documents
            .range((from - 1) / DOCUMENT..)
            .flat_map(|(number, document)| (number * DOCUMENT + 1..).zip(&document.slots))
            .skip_while(move |(seq, _)| *seq < from)
    }

    /// What lay in the cache for a day is forgotten.
    pub(super) fn expire(&mut self, now: i64) {
        for document in self.documents.values_mut() {
            for slot in &mut document.slots {
                slot.expire(now);
            }
        }
    }

    /// maxSeq jumps ahead or falls back (law 4).
    pub(super) fn shift(&mut self, by: i64) {
        self.max_seq = self.max_seq.saturating_add(by).clamp(0, FARTHEST);
    }

    /// That user's place, made if it is new.
    pub(super) fn member_mut(&mut self, user: &Arc<str>) -> &mut Member {
        self.members.entry(Arc::clone(user)).or_default()
    }

    /// Somebody asks for a place of that user, and there is none: that is remembered.
    pub(super) fn missed(&mut self, user: &str, now: i64) {
        if let Some(member) = self.members.get_mut(user) {
            member.missed = Some(now);
        } else {
            self.members.insert(user.into(), Member { missed: Some(now), ..Member::default() });
        }
    }

    /// A process is killed that was about to make the records of a single chat: of the two calls one has come through.
    pub(super) fn lose_record(&mut self, now: i64) {
        let Some(route) = self.last_route.clone().filter(|route| route.session != 3) else { return };
        if let Some(member) = self.members.get_mut(route.receiver.as_ref())
            && member.record_from.is_some_and(|from| from > now)
        {
            member.record_from = None;
        }
    }

    /// Counts a message as gone.
    pub(super) fn dropped(&mut self, reason: &str, count: u64) {
        *self.tally.dropped.entry(reason.to_owned()).or_default() += count;
    }
}

impl Member {
    /// Whether the user has a record of the conversation at that time (ms).
    pub(super) fn has_record(&self, now: i64) -> bool {
        self.record_from.is_some_and(|from| from <= now)
    }
}

impl Slot {
    /// The second stage writes the message. What was read as empty before stays so (law 3).
    pub(super) fn write(&mut self, record: &Arc<Record>, now: i64) {
        self.expire(now);
        if !matches!(self.cached, Cached::Empty(_)) {
            self.cache(Cached::Message(Arc::clone(record)), now);
        }
    }

    /// A read through the cache: what it does not have is taken from the store. `false`: neither has anything.
    pub(super) fn look_up(&mut self, now: i64) -> bool {
        self.expire(now);
        if matches!(self.cached, Cached::Absent)
            && let Some(record) = self.stored.as_ref().filter(|_| !self.deleted)
        {
            self.cache(Cached::Message(Arc::clone(record)), now);
        }
        !matches!(self.cached, Cached::Absent)
    }

    /// The cache forgets after a day.
    pub(super) fn expire(&mut self, now: i64) {
        if seconds(now).saturating_sub(self.cached_at) >= 24 * 60 * 60 {
            self.cached = Cached::Absent;
        }
    }

    /// Puts something into the cache.
    pub(super) fn cache(&mut self, cached: Cached, now: i64) {
        self.cached = cached;
        self.cached_at = seconds(now);
    }

    /// What was ever written here and not deleted, be it readable or not.
    pub(super) fn content(&self) -> Option<&Arc<Record>> {
        match (&self.cached, &self.stored) {
            (Cached::Message(record), _) => Some(record),
            (_, Some(record)) if !self.deleted => Some(record),
            _ => None,
        }
    }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms / 1_000).unwrap_or(0)
}
