//! What users do to messages that are there: read positions, deleting, clearing, revoking (laws 13 and 14).

use super::again::Again;
use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_only, admin_or_own};
use super::body::{Fields, parse};
use super::log::{Cached, Conversation, DOCUMENT, Revocation};
use super::shared::Shared;
use super::world::World;
use serde_json::json;
use std::sync::Arc;

/// `/msg/set_conversation_has_read_seq`
pub(super) fn set_read(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "SetConversationHasReadSeqReq", "msg.SetConversationHasReadSeqReq")?;
    let (user, id, seq) = (fields.text("userID"), fields.text("conversationID"), fields.int64("hasReadSeq"));
    fields.finish()?;
    if id.is_empty() {
        return Err(Refusal::args("conversationID is empty"));
    }
    if user.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    if seq < 1 {
        return Err(Refusal::args("hasReadSeq is invalid"));
    }
    if shared.traits().checks_rights {
        admin_or_own(shared, caller, user)?;
    }
    let mut world = shared.world();
    let name = world.name(user);
    let conversation = world.conversations.get_mut(id);
    match conversation {
        Some(conversation) if seq <= conversation.max_seq => {
            let member = conversation.member_mut(&name);
            // It never goes back.
            member.has_read = member.has_read.max(seq);
            Ok(Data::Absent)
        }
        _ => Err(Refusal::args("hasReadSeq must not be bigger than maxSeq")),
    }
}

/// `/msg/delete_msg_phsical_by_seq` (the real server spells it so): for everybody.
pub(super) fn delete_for_all(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "DeleteMsgPhysicalBySeqReq", "msg.DeleteMsgPhysicalBySeqReq")?;
    let (id, seqs) = (fields.text("conversationID"), fields.numbers("seqs"));
    fields.finish()?;
    if id.is_empty() {
        return Err(Refusal::args("conversationID is empty"));
    }
    if seqs.is_empty() {
        return Err(Refusal::args("seqs is empty"));
    }
    if shared.traits().checks_rights {
        admin_only(shared, caller)?;
    }
    delete_all(&mut shared.world(), id, seqs);
    Ok(Data::Absent)
}

/// `/msg/delete_msgs`: for the user alone, or for everybody if `deleteSyncOpt.isSyncOther` says so.
pub(super) fn delete_for_me(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "DeleteMsgsReq", "msg.DeleteMsgsReq")?;
    let (user, id, seqs) = (fields.text("userID"), fields.text("conversationID"), fields.numbers("seqs"));
    let all = sync_other(&fields, "DeleteMsgsReq.deleteSyncOpt")?;
    fields.finish()?;
    admin_or_own(shared, caller, user)?;
    let mut world = shared.world();
    if all {
        delete_all(&mut world, id, seqs);
    } else {
        hide(&mut world, user, id, &seqs);
    }
    Ok(Data::Absent)
}

/// `/msg/clear_conversation_msg`: all of it, for the user alone, or for everybody if `deleteSyncOpt.isSyncOther` says
/// so. maxSeq stays, nothing appears in the log, and the content stays in the store.
pub(super) fn clear(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "ClearConversationsMsgReq", "msg.ClearConversationsMsgReq")?;
    let (user, ids) = (fields.text("userID"), fields.texts("conversationIDs"));
    let all = sync_other(&fields, "ClearConversationsMsgReq.deleteSyncOpt")?;
    fields.finish()?;
    admin_or_own(shared, caller, user)?;
    let now = shared.now();
    let own_only = shared.traits().clears_own_only;
    let mut world = shared.world();
    for id in ids {
        // Without a record of it, of the user's own or of anybody, there is nothing to clear.
        let known = world.conversations.get(id).is_some_and(|conversation| {
            conversation.members.iter().any(|(who, member)| {
                (!own_only || who.as_ref() == user) && (shared.auto_users() || member.has_record(now))
            })
        });
        if !known {
            continue;
        }
        if all {
            clear_for_all(&mut world, user, id);
        } else {
            clear_for(&mut world, user, id);
        }
    }
    Ok(Data::Absent)
}

/// `/msg/revoke_msg`: the message keeps its ids and becomes type 2101.
pub(super) fn revoke(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "RevokeMsgReq", "msg.RevokeMsgReq")?;
    let (user, id, seq) = (fields.text("userID"), fields.text("conversationID"), fields.int64("seq"));
    fields.finish()?;
    if user.is_empty() {
        return Err(Refusal::args("user_id is empty"));
    }
    if id.is_empty() {
        return Err(Refusal::args("conversation_id is empty"));
    }
    if seq < 0 {
        return Err(Refusal::args("seq is invalid"));
    }
    admin_or_own(shared, caller, user)?;
    let now = shared.now();
    if revoke_for(&mut shared.world(), user, id, seq, now) {
        Ok(json!({ "revokeTime": now }).into())
    } else {
        Err(Refusal::not_found("msg not found"))
    }
}

fn delete_all(world: &mut World, id: &str, seqs: Vec<i64>) {
    let World { conversations, again, .. } = world;
    let Some(conversation) = conversations.get_mut(id) else { return };
    for seq in seqs {
        delete(conversation, seq, again.as_mut());
    }
}

/// Deletes for everybody: gone from the cache, and from the store, if it is there already (law 14).
fn delete(conversation: &mut Conversation, seq: i64, again: Option<&mut Again>) {
    if seq < 1 || seq > conversation.max_seq {
        return;
    }
    let slot = conversation.slot_mut(seq);
    if let (Some(again), Some(record)) = (again, slot.content()) {
        again.deleted(record);
    }
    slot.cached = Cached::Absent;
    slot.deleted = true;
    slot.revoked = None;
}

/// Deletes for one user. That is marked in the stored document: where there is none yet, it is forgotten. The
/// cache forgets the message in any case, so that who reads before the store has it finds nothing (law 3).
pub(super) fn hide(world: &mut World, user: &str, id: &str, seqs: &[i64]) {
    let name = world.name(user);
    let Some(conversation) = world.conversations.get_mut(id) else { return };
    let there = 1..=conversation.max_seq;
    for seq in seqs.iter().copied().filter(|seq| there.contains(seq)) {
        let is_stored = conversation.documents.get(&((seq - 1) / DOCUMENT)).is_some_and(|d| d.rank > 0);
        conversation.slot_mut(seq).cached = Cached::Absent;
        if is_stored {
            conversation.member_mut(&name).hidden.insert(seq);
        }
    }
}

/// Empties a conversation for one user, who has read it all by that.
pub(super) fn clear_for(world: &mut World, user: &str, id: &str) {
    let name = world.name(user);
    if let Some(conversation) = world.conversations.get_mut(id) {
        let last = conversation.max_seq;
        let member = conversation.member_mut(&name);
        member.min_seq = last + 1;
        member.has_read = member.has_read.max(last);
    }
}

/// Cuts a conversation off for everybody: its min seq becomes maxSeq + 1. The user has read it all by that.
fn clear_for_all(world: &mut World, user: &str, id: &str) {
    let name = world.name(user);
    if let Some(conversation) = world.conversations.get_mut(id) {
        let last = conversation.max_seq;
        conversation.min_seq = last + 1;
        let member = conversation.member_mut(&name);
        member.has_read = member.has_read.max(last);
    }
}

fn sync_other(fields: &Fields<'_, '_>, path: &'static str) -> Result<bool, Refusal> {
    let sync = fields.object("deleteSyncOpt", "msg.DeleteSyncOpt");
    Ok(match sync {
        Some(sync) => Fields::of(sync, path, "msg.DeleteSyncOpt")?.flag("isSyncOther"),
        None => false,
    })
}

/// Whether there was a message to revoke.
pub(super) fn revoke_for(world: &mut World, user: &str, id: &str, seq: i64, now: i64) -> bool {
    let nickname = world.users.get(user).map(|u| u.nickname.to_string()).unwrap_or_default();
    let Some(conversation) = world.conversations.get_mut(id) else { return false };
    if seq < 1 || seq > conversation.max_seq {
        return false;
    }
    let slot = conversation.slot_mut(seq);
    let Some(record) = slot.content().map(Arc::clone) else { return false };
    let role = if record.route.sender.as_ref() == user { 20 } else { 60 };
    slot.revoked = Some(Box::new(Revocation { user: user.to_owned(), nickname, role, time: now }));
    // Marked in the store, and read from there the next time.
    slot.cached = Cached::Absent;
    true
}
