//! The lines of a state file, and what they are made from and made into.

use crate::chat::Saved as Accounts;
use crate::log::{Cached, Member, Revocation, Slot, Tally};
use crate::record::{Extra, Record, Way, hex, unhex};
use crate::world::{Group, GroupMember, GroupStatus, User, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The first line's number; a file with a higher one is refused.
pub(super) const VERSION: u32 = 1;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Head {
        version: u32,
        release: String,
        ids: u64,
        documents: u64,
    },
    Token {
        token: String,
    },
    User {
        id: String,
        nickname: String,
        face_url: String,
        ex: String,
        created: i64,
        receive_option: i32,
        level: i32,
    },
    Group(SavedGroup),
    Friends {
        of: String,
        friends: Vec<String>,
    },
    Blocks {
        of: String,
        blocks: Vec<(String, i64)>,
    },
    /// What the chat server has.
    Chat(Box<Accounts>),
    Conversation(SavedConversation),
    /// In the conversation named last.
    Member(SavedMember),
    /// In the conversation named last.
    Document {
        number: i64,
        rank: u64,
        bytes: usize,
    },
    /// In the conversation named last.
    Slot(Box<SavedSlot>),
    Queued {
        message: Box<SavedRecord>,
        again: bool,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedGroup {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) face_url: String,
    pub(super) ex: String,
    pub(super) owner: String,
    pub(super) created: i64,
    pub(super) status: i32,
    pub(super) kind: i32,
    pub(super) joins: usize,
    pub(super) members: Vec<(String, usize, i32, i64, String, i64)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedConversation {
    pub(super) id: String,
    pub(super) max_seq: i64,
    pub(super) max_seq_time: i64,
    pub(super) min_seq: i64,
    pub(super) tally: Tally,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedMember {
    pub(super) user: String,
    pub(super) record_from: Option<i64>,
    pub(super) has_read: i64,
    pub(super) min_seq: i64,
    pub(super) max_seq: i64,
    pub(super) hidden: BTreeSet<i64>,
    #[serde(default)]
    pub(super) pinned: bool,
    #[serde(default)]
    pub(super) bell: i32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedSlot {
    pub(super) seq: i64,
    /// Absent, empty (law 3), or the message itself.
    pub(super) cache: SavedCache,
    /// Since when it is in the cache, seconds since 1970; `None`, as older files have it: since now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) cached_at: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) stored: Option<SavedRecord>,
    /// The store has what the cache has.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(super) same: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) revoked: Option<Box<Revocation>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SavedCache {
    Absent,
    /// As older files have it: without its date.
    Empty,
    Dated(i64),
    Message(SavedRecord),
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedRecord {
    pub(super) sender: String,
    pub(super) to: String,
    pub(super) way: Way,
    pub(super) server_id: String,
    pub(super) client_id: String,
    pub(super) send_time: i64,
    pub(super) create_time: i64,
    pub(super) content_type: i32,
    pub(super) platform: i32,
    pub(super) content: String,
    pub(super) ex: String,
    pub(super) not_offline_push: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) extra: Option<Box<Extra>>,
}

pub(super) fn saved_user(id: &str, user: &User) -> Line {
    Line::User {
        id: id.to_owned(),
        nickname: user.nickname.to_string(),
        face_url: user.face_url.to_string(),
        ex: user.ex.to_string(),
        created: user.created,
        receive_option: user.receive_option,
        level: user.level,
    }
}

pub(super) fn saved_group(id: &str, group: &Group) -> SavedGroup {
    let members = group
        .members
        .iter()
        .map(|(user, m)| {
            (user.to_string(), m.rank, m.role, m.joined, m.invited_by.to_string(), m.muted_until)
        })
        .collect();
    SavedGroup {
        id: id.to_owned(),
        name: group.name.to_string(),
        face_url: group.face_url.to_string(),
        ex: group.ex.to_string(),
        owner: group.owner.to_string(),
        created: group.created,
        status: group.status.code(),
        kind: group.kind,
        joins: group.joins,
        members,
    }
}

pub(super) fn restore_group(world: &mut World, saved: SavedGroup) {
    let mut members = HashMap::new();
    for (user, rank, role, joined, invited_by, muted_until) in saved.members {
        let member = GroupMember { rank, role, joined, invited_by: invited_by.into(), muted_until };
        members.insert(world.name(&user), member);
    }
    let group = Group {
        name: saved.name.into(),
        face_url: saved.face_url.into(),
        ex: saved.ex.into(),
        owner: world.name(&saved.owner),
        created: saved.created,
        status: match saved.status {
            2 => GroupStatus::Dismissed,
            3 => GroupStatus::Muted,
            _ => GroupStatus::Open,
        },
        kind: saved.kind,
        members,
        joins: saved.joins,
    };
    world.groups.insert(saved.id.into(), group);
}

pub(super) fn saved_member(user: &str, member: &Member) -> SavedMember {
    SavedMember {
        user: user.to_owned(),
        record_from: member.record_from,
        has_read: member.has_read,
        min_seq: member.min_seq,
        max_seq: member.max_seq,
        hidden: member.hidden.clone(),
        pinned: member.pinned,
        bell: member.bell,
    }
}

pub(super) fn saved_slot(seq: i64, slot: &Slot) -> SavedSlot {
    let (cache, same) = match (&slot.cached, &slot.stored) {
        (Cached::Absent, _) => (SavedCache::Absent, false),
        (Cached::Empty(time), _) => (SavedCache::Dated(*time), false),
        (Cached::Message(record), stored) => (
            SavedCache::Message(saved(record)),
            stored.as_ref().is_some_and(|stored| Arc::ptr_eq(stored, record)),
        ),
    };
    let stored = slot.stored.as_ref().filter(|_| !same).map(|record| saved(record));
    SavedSlot {
        seq,
        cache,
        cached_at: Some(slot.cached_at),
        stored,
        same,
        deleted: slot.deleted,
        revoked: slot.revoked.clone(),
    }
}

pub(super) fn restore_slot(
    world: &mut World,
    conversation: &Arc<str>,
    saved: SavedSlot,
    now: i64,
) -> Result<(), String> {
    let cached = match saved.cache {
        SavedCache::Absent => Cached::Absent,
        SavedCache::Empty => Cached::Empty(0),
        SavedCache::Dated(time) => Cached::Empty(time),
        SavedCache::Message(record) => Cached::Message(Arc::new(restored(world, record)?)),
    };
    let stored = match (&cached, saved.stored) {
        (Cached::Message(record), _) if saved.same => Some(Arc::clone(record)),
        (_, Some(record)) => Some(Arc::new(restored(world, record)?)),
        (_, None) => None,
    };
    let mut slot = Slot { stored, deleted: saved.deleted, revoked: saved.revoked, ..Slot::default() };
    slot.cache(cached, now);
    slot.cached_at = saved.cached_at.unwrap_or(slot.cached_at);
    *world.conversation_mut(conversation).slot_mut(saved.seq) = slot;
    Ok(())
}

pub(super) fn saved(record: &Record) -> SavedRecord {
    let route = &record.route;
    SavedRecord {
        sender: route.sender.to_string(),
        to: if route.way.is_group() { route.group.to_string() } else { route.receiver.to_string() },
        way: route.way,
        server_id: hex(record.server_id),
        client_id: hex(record.client_id),
        send_time: record.send_time,
        create_time: record.create_time,
        content_type: record.content_type,
        platform: record.platform,
        content: record.content.to_string(),
        ex: record.ex.to_string(),
        not_offline_push: record.not_offline_push,
        extra: record.extra.clone(),
    }
}

pub(super) fn restored(world: &mut World, saved: SavedRecord) -> Result<Record, String> {
    let id = |text: &str| unhex(text).ok_or_else(|| format!("`{text}` is no id"));
    let (server_id, client_id) = (id(&saved.server_id)?, id(&saved.client_id)?);
    let sender = world.name(&saved.sender);
    Ok(Record {
        route: world.routes.to(&sender, &saved.to, saved.way),
        server_id,
        client_id,
        send_time: saved.send_time,
        create_time: saved.create_time,
        content_type: saved.content_type,
        platform: saved.platform,
        content: saved.content.into(),
        ex: saved.ex.into(),
        not_offline_push: saved.not_offline_push,
        extra: saved.extra,
    })
}
