//! Who may write to whom: contract, section 4.

use super::answer::Refusal;
use super::send::Request;
use super::shared::Shared;
use super::world::{Group, GroupStatus, User, World};
use std::collections::HashMap;
use std::sync::Arc;

/// Rights of a group's owner and its admins.
const ADMIN: i32 = 60;
/// `globalRecvMsgOpt`, and `recvMsgOpt` of a conversation: takes no messages.
const TAKES_NOTHING: i32 = 1;

/// Whether the message may go where it wants to.
pub(super) fn may_write(
    shared: &Shared,
    world: &mut World,
    request: &Request<'_>,
    now: i64,
) -> Result<(), Refusal> {
    if shared.auto_users() {
        conjure(shared, world, request, now);
    }
    match request.session {
        1 => to_user(shared, world, request, now),
        3 => to_group(shared, world, request, now),
        // From a notification account: whoever may send at all may do that.
        4 => Ok(()),
        _ => Err(Refusal::args("unknown sessionType")),
    }
}

fn to_user(shared: &Shared, world: &mut World, request: &Request<'_>, now: i64) -> Result<(), Refusal> {
    let traits = shared.traits();
    let (sender, receiver) = (request.sender, request.receiver);
    if traits.knows_senders && !world.users.contains_key(sender) {
        return Err(Refusal::not_found("record not found"));
    }
    if sender != shared.options.admin {
        if world.has_blocked(receiver, sender) {
            return Err(Refusal::bare(traits, 1302, "BlockedByPeer"));
        }
        let friends =
            world.friends.get(receiver).is_some_and(|list| list.iter().any(|f| f.as_ref() == sender));
        if shared.options.friend_verify && !friends {
            return Err(Refusal::bare(traits, 1303, "NotPeersFriend"));
        }
    }
    let unknown = || Refusal::not_found("userID not found");
    if world.refused_receivers.get(receiver).is_some_and(|until| now < *until) {
        return Err(unknown());
    }
    if !world.users.contains_key(receiver) {
        if traits.refused_ms > 0 {
            world.refused_receivers.retain(|_, until| now < *until);
            world.refused_receivers.insert(receiver.into(), now + traits.refused_ms);
        }
        return Err(unknown());
    }
    Ok(())
}

/// Whether the receiver of a single chat takes nothing, or nothing in this conversation.
pub(super) fn takes_nothing(world: &World, request: &Request<'_>) -> bool {
    let receiver = request.receiver;
    let in_all = || world.users.get(receiver).is_some_and(|user| user.receive_option == TAKES_NOTHING);
    let (a, b) =
        if request.sender <= receiver { (request.sender, receiver) } else { (receiver, request.sender) };
    let conversation = world.conversations.get(format!("si_{a}_{b}").as_str());
    let here = || {
        let member = conversation.and_then(|conversation| conversation.members.get(receiver));
        member.is_some_and(|member| member.bell == TAKES_NOTHING)
    };
    request.session == 1 && (in_all() || here())
}

fn to_group(shared: &Shared, world: &World, request: &Request<'_>, now: i64) -> Result<(), Refusal> {
    let traits = shared.traits();
    let group = world.groups.get(request.group).ok_or_else(|| Refusal::not_found("cache is not found"))?;
    if group.status == GroupStatus::Dismissed {
        return Err(Refusal::bare(traits, 1204, "DismissedAlreadyError"));
    }
    if request.sender == shared.options.admin {
        return Ok(());
    }
    let member =
        group.members.get(request.sender).ok_or_else(|| Refusal::bare(traits, 1203, "NotInGroupYetError"))?;
    if member.role > ADMIN {
        return Ok(());
    }
    if member.muted_until >= now.max(1) {
        return Err(Refusal::bare(traits, 1402, "MutedInGroup"));
    }
    if group.status == GroupStatus::Muted && member.role != ADMIN {
        return Err(Refusal::bare(traits, 1403, "MutedGroup"));
    }
    Ok(())
}

/// `--users auto`: whoever is named exists, and who writes to a group is its member.
fn conjure(shared: &Shared, world: &mut World, request: &Request<'_>, now: i64) {
    let mut people = vec![request.sender];
    if request.session != 3 {
        people.push(request.receiver);
    }
    for id in people {
        if !world.users.contains_key(id) {
            world.users.insert(id.into(), User::named(id, now));
        }
    }
    if request.session == 3 {
        let sender: Arc<str> = world.name(request.sender);
        let group = world.groups.entry(request.group.into()).or_insert_with(|| Group {
            name: request.group.into(),
            face_url: "".into(),
            ex: "".into(),
            owner: Arc::clone(&sender),
            created: now,
            status: GroupStatus::Open,
            kind: 2,
            members: HashMap::new(),
            joins: 0,
        });
        if sender.as_ref() != shared.options.admin && !group.members.contains_key(&sender) {
            let role = if group.members.is_empty() { 100 } else { 20 };
            group.join(sender, role, &shared.options.admin, now);
        }
    }
}
