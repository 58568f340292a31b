//! What users have set for their conversations: `/conversation/…`.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_or_own};
use super::body::{Fields, parse};
use super::group_lists::null_if_empty;
use super::shared::Shared;
use super::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

/// `/conversation/get_all_conversations`: one's own. What comes over HTTP raises no flag of a mention (`groupAtType`): on
/// 3.8.3 who was mentioned is not kept beside the message, on main the step that raises flags is refused (1002).
pub(super) fn all(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetAllConversationsReq", "conversation.GetAllConversationsReq")?;
    let owner = fields.text("ownerUserID");
    fields.finish()?;
    owned(shared, caller, owner, |_| true)
}

/// `/conversation/get_conversations`: those of these that the user has.
pub(super) fn some(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetConversationsReq", "conversation.GetConversationsReq")?;
    let (owner, ids) = (fields.text("ownerUserID"), fields.texts("conversationIDs"));
    fields.finish()?;
    if ids.is_empty() && shared.traits().wants_conversations {
        return Err(Refusal::args("conversationIDs is empty"));
    }
    let now = shared.now();
    for id in &ids {
        if let Some(conversation) = shared.world().conversations.get_mut(*id)
            && conversation.max_seq > 0
            && !conversation.members.get(owner).is_some_and(|member| member.has_record(now))
        {
            conversation.missed(owner, now);
        }
    }
    owned(shared, caller, owner, |id| ids.contains(&id))
}

fn owned(shared: &Shared, caller: &Caller<'_>, owner: &str, wanted: impl Fn(&str) -> bool) -> Outcome {
    if owner.is_empty() {
        return Err(Refusal::args("ownerUserID is empty"));
    }
    admin_or_own(shared, caller, owner)?;
    let world = shared.world();
    let ids = world.conversations_of(owner, shared.now());
    let all = ids.into_iter().filter(|id| wanted(id)).map(|id| conversation(&world, owner, id)).collect();
    Ok(json!({ "conversations": null_if_empty(all) }).into())
}

fn conversation(world: &World, owner: &str, id: &str) -> Value {
    let group = id.strip_prefix("sg_");
    let member = world.conversations.get(id).and_then(|conversation| conversation.members.get(owner));
    json!({
        "ownerUserID": owner, "conversationID": id, "recvMsgOpt": member.map_or(0, |m| m.bell),
        "conversationType": if group.is_some() { 3 } else { 1 },
        "userID": if group.is_some() { "" } else { peer(id, owner) }, "groupID": group.unwrap_or_default(),
        "isPinned": member.is_some_and(|m| m.pinned), "attachedInfo": "", "isPrivateChat": false,
        "groupAtType": 0, "ex": "", "burnDuration": 0, "minSeq": 0, "maxSeq": 0, "msgDestructTime": 0,
        "latestMsgDestructTime": -62_135_596_800_000_i64, "isMsgDestruct": false,
    })
}

/// The other one of a single chat.
pub(super) fn peer<'a>(id: &'a str, owner: &str) -> &'a str {
    let both = id.strip_prefix("si_").unwrap_or_default();
    let without = both.strip_prefix(&format!("{owner}_")).or_else(|| both.strip_suffix(&format!("_{owner}")));
    without.unwrap_or_default()
}

/// `/conversation/set_conversations`: takes users and groups that are not there. What is set before a conversation is
/// there shows when it is; of one that is there it makes the entry in the user's list, which shows at once, or when nobody
/// remembers any more that there was none (both measured, half and half, on 3.8.3: within 2 s or after 60 to 68).
pub(super) fn set(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "SetConversationsReq", "conversation.SetConversationsReq")?;
    let users = fields.texts("userIDs");
    let conversation = fields.object("conversation", "conversation.ConversationReq");
    fields.finish()?;
    let Some(conversation) = conversation else { return Err(Refusal::args("conversation is empty")) };
    let fields =
        Fields::of(conversation, "SetConversationsReq.conversation", "conversation.ConversationReq")?;
    let (id, kind) = (fields.text("conversationID"), fields.int32("conversationType"));
    let (pinned, bell) = (fields.flag_if("isPinned"), fields.int32_if("recvMsgOpt"));
    fields.finish()?;
    if users.is_empty() && shared.traits().wants_conversations {
        return Err(Refusal::args("userID is empty"));
    }
    if !(1..=4).contains(&kind) {
        return Err(Refusal::args("conversationType is invalid"));
    }
    for user in &users {
        admin_or_own(shared, caller, user)?;
    }
    let mut world = shared.world();
    let id: Arc<str> = id.into();
    let (now, remembered) = (shared.now(), shared.options.timing.unlisted_for);
    for user in users {
        let user = world.name(user);
        let conversation = world.conversation_mut(&id);
        let is_begun = conversation.max_seq > 0;
        let member = conversation.member_mut(&user);
        member.pinned = pinned.unwrap_or(member.pinned);
        member.bell = bell.unwrap_or(member.bell);
        if is_begun {
            let known =
                member.missed.map_or(now, |at| at + i64::try_from(remembered.as_millis()).unwrap_or(0));
            member.record_from.get_or_insert(known.max(now));
        }
    }
    Ok(Data::Absent)
}
