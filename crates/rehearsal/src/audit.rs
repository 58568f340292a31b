//! What really happened, for tests and for people: counted by the server, never by its callers.

use super::log::{Cached, Conversation, Slot, Tally};
use super::probe::{LiveProbe, Probe};
use super::record::{Record, hex};
use super::shared::Shared;
use super::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Acknowledged and not yet numbered.
    pub queue: usize,
    /// Acknowledged, and neither in the store nor lost yet.
    pub unsettled: usize,
    /// What Redis would hold for all this, bytes, for 24 hours (law 9).
    pub redis_bytes: u64,
    /// What live users felt, where that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_probe: Option<LiveProbe>,
    /// Refused calls, by code.
    pub refused: BTreeMap<i32, u64>,
    /// Answered calls, by path: what the pace of an import costs beside the messages themselves.
    #[serde(default)]
    pub calls: BTreeMap<String, Calls>,
    /// All conversations together.
    pub total: ConversationAudit,
    /// Each conversation that anything was sent to.
    pub conversations: BTreeMap<String, ConversationAudit>,
}

/// Calls of one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// How many were answered, with a refusal too. Calls without a good token are not counted.
    pub count: u64,
    /// Their bodies, bytes.
    pub asked_bytes: u64,
    /// The bodies of the answers, bytes.
    pub answered_bytes: u64,
}

/// One conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationAudit {
    /// What was counted as it happened.
    #[serde(flatten)]
    pub tally: Tally,
    /// The last number handed out; in the total, the sum.
    pub max_seq: i64,
    /// Messages that stand in the log now, notices included: written, not deleted, readable or not.
    pub messages: u64,
    /// Of these, how many the store has.
    pub stored: u64,
    /// Of these, how many stand after one with a later sendTime (notices left out on both sides).
    pub out_of_order: u64,
    /// Of these, how many nobody can read because they were read too early (law 3).
    pub hidden: u64,
    /// Of these, how many each participant alone cannot read: deleted for himself, or cleared.
    pub hidden_from: BTreeMap<String, u64>,
    /// Slots whose message was deleted.
    pub deleted: u64,
    /// Messages whose ids stand in the log a second time (law 5).
    pub doubled: u64,
}

/// One slot of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its number.
    pub seq: i64,
    /// What a participant reads there.
    pub state: SlotState,
    /// Whether the store has it (law 8).
    pub stored: bool,
    /// `sendID`; empty, like all that follows, where nothing was ever written or it was deleted.
    #[serde(rename = "sendID")]
    pub send_id: String,
    #[serde(rename = "recvID")]
    /// `recvID`
    pub recv_id: String,
    /// `groupID`
    #[serde(rename = "groupID")]
    pub group_id: String,
    /// `sendTime`, ms.
    pub send_time: i64,
    /// It lies below the conversation's min seq: cut off for everybody.
    #[serde(default)]
    pub cut: bool,
    /// The date that an empty slot was given by whoever read it first, ms; none yet, otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dated: Option<i64>,
    /// `contentType`
    pub content_type: i32,
    /// The content as it is stored: the text of an object.
    pub content: String,
    /// `ex`
    pub ex: String,
    /// `senderNickname`
    pub sender_nickname: String,
    /// `senderFaceURL`
    #[serde(rename = "senderFaceURL")]
    pub sender_face_url: String,
    /// `senderPlatformID`
    #[serde(rename = "senderPlatformID")]
    pub sender_platform_id: i32,
    /// `serverMsgID`
    #[serde(rename = "serverMsgID")]
    pub server_msg_id: String,
    /// `clientMsgID`
    #[serde(rename = "clientMsgID")]
    pub client_msg_id: String,
    /// Who wrote it.
    pub origin: Origin,
    /// A user revoked it: participants read type 2101.
    pub revoked: bool,
    /// When what participants read there came into the cache, ms, to the second.
    #[serde(default)]
    pub cached_at: i64,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A caller of `send_msg`.
    Sent,
    /// The server itself.
    Notice,
    /// The fault `live-traffic`.
    Live,
}

/// What a participant reads in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotState {
    /// The message.
    Readable,
    /// Nothing, although a message was written: it was read too early (law 3).
    Hidden,
    /// Nothing: it was deleted.
    Deleted,
    /// Nothing: no message was written there (a jump of maxSeq, or not yet).
    Empty,
}

/// All that is known now.
pub(super) fn audit(shared: &Shared) -> Audit {
    let now = shared.now();
    let mut world = shared.world();
    for conversation in world.conversations.values_mut() {
        conversation.expire(now);
    }
    let mut audit = Audit {
        queue: world.queue.len()
            + world.stalled.len()
            + world.collected.iter().map(|(_, group)| group.len()).sum::<usize>(),
        unsettled: world.unsettled.count(),
        redis_bytes: redis_bytes(&world),
        live_probe: world.probe.as_ref().map(Probe::summary),
        refused: world.refusals.clone(),
        calls: world.calls.clone(),
        ..Audit::default()
    };
    for (id, conversation) in &world.conversations {
        let one = audit_one(conversation);
        audit.total.add(&one);
        audit.conversations.insert(id.to_string(), one);
    }
    audit
}

/// The log of one conversation from a number on, at most so many slots.
pub(super) fn log(shared: &Shared, conversation: &str, from: i64, limit: usize) -> Vec<LogEntry> {
    let mut world = shared.world();
    let Some(conversation) = world.conversations.get_mut(conversation) else { return Vec::new() };
    conversation.expire(shared.now());
    let min_seq = conversation.min_seq;
    conversation
        .slots(from)
        .take_while(|(seq, _)| *seq <= conversation.max_seq)
        .take(limit)
        .map(|(seq, slot)| LogEntry { cut: seq < min_seq, ..entry(seq, slot) })
        .collect()
}

/// Law 9: measured at 75 characters of text, 832 bytes of cache and 88 for the operationID's status.
fn redis_bytes(world: &World) -> u64 {
    let mut bytes = 88 * world.sent_operations.len();
    for conversation in world.conversations.values() {
        for (_, slot) in conversation.slots(1) {
            if let Cached::Message(record) = &slot.cached {
                bytes += 745 + record.content.len() + record.ex.len();
            }
        }
    }
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn audit_one(conversation: &Conversation) -> ConversationAudit {
    let mut one = ConversationAudit {
        tally: conversation.tally.clone(),
        max_seq: conversation.max_seq,
        ..ConversationAudit::default()
    };
    let mut latest = i64::MIN;
    let mut ids = std::collections::HashSet::new();
    for (seq, slot) in conversation.slots(1).take_while(|(seq, _)| *seq <= conversation.max_seq) {
        let Some(record) = slot.content() else {
            one.deleted += u64::from(slot.deleted);
            continue;
        };
        one.messages += 1;
        one.stored += u64::from(slot.stored.is_some());
        one.hidden += u64::from(matches!(slot.cached, Cached::Empty(_)));
        one.doubled += u64::from(!ids.insert(record.server_id));
        if !is_notice(record) {
            one.out_of_order += u64::from(record.send_time < latest);
            latest = latest.max(record.send_time);
        }
        for (user, member) in &conversation.members {
            if member.hidden.contains(&seq) || seq < member.min_seq {
                *one.hidden_from.entry(user.to_string()).or_default() += 1;
            }
        }
    }
    one
}

impl ConversationAudit {
    fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.max_seq += other.max_seq;
        self.messages += other.messages;
        self.stored += other.stored;
        self.out_of_order += other.out_of_order;
        self.hidden += other.hidden;
        self.deleted += other.deleted;
        self.doubled += other.doubled;
        for (user, count) in &other.hidden_from {
            *self.hidden_from.entry(user.clone()).or_default() += count;
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.refused += other.refused;
        self.queued += other.queued;
        self.acknowledged += other.acknowledged;
        self.written += other.written;
        self.copies += other.copies;
        self.again_though_stored += other.again_though_stored;
        self.again_though_queued += other.again_though_queued;
        self.notices += other.notices;
        self.live += other.live;
        self.live_dropped += other.live_dropped;
        self.never_stored += other.never_stored;
        self.overfilled += other.overfilled;
        for (reason, count) in &other.dropped {
            *self.dropped.entry(reason.clone()).or_default() += count;
        }
    }

    /// How many were queued and are gone, whatever the reason.
    pub fn lost(&self) -> u64 {
        self.dropped.values().sum()
    }
}

/// Not by `send_msg`, so not ours to put in order.
fn is_notice(record: &Arc<Record>) -> bool {
    record.extra.as_deref().is_some_and(|extra| extra.notice || extra.live)
}

fn entry(seq: i64, slot: &Slot) -> LogEntry {
    let state = match (&slot.cached, slot.content()) {
        (Cached::Empty(_), Some(_)) => SlotState::Hidden,
        (_, Some(_)) => SlotState::Readable,
        (_, None) if slot.deleted => SlotState::Deleted,
        (_, None) => SlotState::Empty,
    };
    let record = slot.content();
    let route = record.map(|r| &r.route);
    let extra = record.and_then(|r| r.extra.as_deref());
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    LogEntry {
        seq,
        state,
        stored: slot.stored.is_some() && !slot.deleted,
        send_id: text(route.map(|r| r.sender.as_ref())),
        recv_id: text(route.map(|r| r.receiver.as_ref())),
        group_id: text(route.map(|r| r.group.as_ref())),
        send_time: record.map_or(0, |r| r.send_time),
        cut: false,
        dated: match slot.cached {
            Cached::Empty(time) => Some(time),
            _ => None,
        },
        content_type: record.map_or(0, |r| r.content_type),
        content: text(record.map(|r| r.content.as_ref())),
        ex: text(record.map(|r| r.ex.as_ref())),
        sender_nickname: text(extra.map(|e| e.nickname.as_ref())),
        sender_face_url: text(extra.map(|e| e.face_url.as_ref())),
        sender_platform_id: record.map_or(0, |r| r.platform),
        server_msg_id: record.map(|r| hex(r.server_id)).unwrap_or_default(),
        client_msg_id: record.map(|r| hex(r.client_id)).unwrap_or_default(),
        origin: match extra {
            Some(extra) if extra.notice => Origin::Notice,
            Some(extra) if extra.live => Origin::Live,
            _ => Origin::Sent,
        },
        revoked: slot.revoked.is_some(),
        cached_at: i64::from(slot.cached_at) * 1_000,
    }
}
