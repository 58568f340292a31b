//! Groups and their members.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_or_own};
use super::body::{Fields, parse};
use super::group_lists::info_of;
use super::notices::{Note, Notice, post};
use super::record::Way;
use super::shared::Shared;
use super::world::{Group, GroupStatus, World};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So many members may be named in a call that creates a group.
const MOST_MEMBERS: usize = 1000;
const OWNER: i32 = 100;
const ADMIN: i32 = 60;
const MEMBER: i32 = 20;

/// `/group/create_group`
pub(super) fn create(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "CreateGroupReq", "group.CreateGroupReq")?;
    let (members, admins) = (fields.texts("memberUserIDs"), fields.texts("adminUserIDs"));
    let owner = fields.text("ownerUserID");
    let told = fields.flag_if("sendMessage").unwrap_or(true);
    let info = fields.object("groupInfo", "sdkws.GroupInfo");
    fields.finish()?;
    let info = info.ok_or_else(|| Refusal::args("groupInfo is empty"))?;
    let info = Fields::of(info, "CreateGroupReq.groupInfo", "sdkws.GroupInfo")?;
    let (id, name, kind) = (info.text("groupID"), info.text("groupName"), info.int32("groupType"));
    let (face_url, ex) = (info.text("faceURL"), info.text("ex"));
    info.finish()?;
    if !(0..=2).contains(&kind) {
        return Err(Refusal::args("GroupType is invalid"));
    }
    if owner.is_empty() {
        return Err(Refusal::args("ownerUserID is empty"));
    }
    if members.len() > MOST_MEMBERS {
        return Err(Refusal::args("too many MemberUserIDs, need to be less than 1000"));
    }
    if kind != 2 {
        return Err(Refusal::args("group type only supports 2"));
    }
    admin_or_own(shared, caller, owner)?;
    // The caller is counted as well, which is why the answer shows one member too many.
    let mut all: Vec<&str> = members.iter().chain(&admins).copied().chain([owner]).collect();
    if !all.contains(&caller.claims.user.as_str()) {
        all.push(&caller.claims.user);
    }
    let mut once = HashSet::new();
    if !all.iter().all(|id| once.insert(*id)) {
        return Err(Refusal::args("group member repeated"));
    }
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    if !shared.auto_users() && !all.iter().all(|id| world.users.contains_key(*id)) {
        return Err(Refusal::named(1101, "UserIDNotFoundError", "user not found"));
    }
    if world.groups.contains_key(id) {
        return Err(Refusal::named(1202, "GroupIDExisted", format!("group id existed {id}")));
    }
    let id =
        if id.is_empty() { (shared.fresh_number(world) % 10_000_000_000).to_string() } else { id.to_owned() };
    let mut group = Group {
        name: name.into(),
        face_url: face_url.into(),
        ex: ex.into(),
        owner: world.name(owner),
        created: now,
        status: GroupStatus::Open,
        kind,
        members: HashMap::new(),
        joins: 0,
    };
    group.join(world.name(owner), OWNER, &caller.claims.user, now);
    for user in &admins {
        group.join(world.name(user), ADMIN, &caller.claims.user, now);
    }
    for user in &members {
        group.join(world.name(user), MEMBER, &caller.claims.user, now);
    }
    let mut answer = info_of(&id, &group);
    answer["memberCount"] = json!(all.len());
    world.groups.insert(id.as_str().into(), group);
    if told {
        tell(shared, world, caller, &id, Notice::GroupCreated, json!({}));
    }
    Ok(json!({ "groupInfo": answer }).into())
}

/// `/group/invite_user_to_group`
pub(super) fn invite(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "InviteUserToGroupReq", "group.InviteUserToGroupReq")?;
    let (id, invited) = (fields.text("groupID"), fields.texts("invitedUserIDs"));
    let told = fields.flag_if("sendMessage").unwrap_or(true);
    fields.finish()?;
    if id.is_empty() {
        return Err(Refusal::args("GroupID is empty"));
    }
    if invited.is_empty() {
        return Err(Refusal::args("user empty"));
    }
    let mut once = HashSet::new();
    if !invited.iter().all(|user| once.insert(*user)) {
        return Err(Refusal::args("userID duplicate"));
    }
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    let names: Vec<Arc<str>> = invited.iter().map(|user| world.name(user)).collect();
    let group = existing(shared, world, id)?;
    may_manage(shared, caller, group)?;
    if group.status == GroupStatus::Dismissed {
        return Err(Refusal::named(
            1204,
            "DismissedAlreadyError",
            "group dismissed checking group status found it dismissed",
        ));
    }
    if !shared.auto_users() && !invited.iter().all(|user| world.users.contains_key(*user)) {
        return Err(Refusal::not_found("user not found"));
    }
    let group = existing(shared, world, id)?;
    if let Some(user) = names.iter().find(|user| group.members.contains_key(*user)) {
        return Err(duplicate_key("group_member", &format!("{{ group_id: \"{id}\", user_id: \"{user}\" }}")));
    }
    let invited_by = if caller.claims.user == shared.options.admin { "" } else { &caller.claims.user };
    for user in &names {
        group.join(Arc::clone(user), MEMBER, invited_by, now);
    }
    let conversation: Arc<str> = format!("sg_{id}").into();
    let there = world.conversation_mut(&conversation);
    let max_seq = there.max_seq;
    for user in &names {
        let member = there.member_mut(user);
        member.max_seq = 0;
        member.record_from.get_or_insert(now);
    }
    if shared.traits().invites_fail_late && max_seq > 0 {
        return Err(Refusal::args("maxSeq is invalid"));
    }
    if told {
        tell(
            shared,
            world,
            caller,
            id,
            Notice::MemberInvited,
            json!({ "invitedUserList": people(id, &names) }),
        );
    }
    Ok(Data::Absent)
}

/// `/group/kick_group`
pub(super) fn kick(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "KickGroupMemberReq", "group.KickGroupMemberReq")?;
    let (id, kicked) = (fields.text("groupID"), fields.texts("kickedUserIDs"));
    let told = fields.flag_if("sendMessage").unwrap_or(true);
    fields.finish()?;
    if kicked.is_empty() {
        return Err(Refusal::args("KickedUserIDs empty"));
    }
    let mut guard = shared.world();
    let world = &mut *guard;
    let names: Vec<Arc<str>> = kicked.iter().map(|user| world.name(user)).collect();
    let group = existing(shared, world, id)?;
    may_manage(shared, caller, group)?;
    if names.contains(&group.owner) {
        return Err(Refusal::args("ownerUID can not Kick"));
    }
    if !names.iter().all(|user| group.members.contains_key(user)) {
        return Err(Refusal::not_found("member not found"));
    }
    for user in &names {
        group.members.remove(user);
    }
    let conversation: Arc<str> = format!("sg_{id}").into();
    let there = world.conversation_mut(&conversation);
    // He still reads what was there until now.
    let last = there.max_seq;
    for user in &names {
        there.member_mut(user).max_seq = last;
    }
    if told {
        tell(
            shared,
            world,
            caller,
            id,
            Notice::MemberKicked,
            json!({ "kickedUserList": people(id, &names) }),
        );
    }
    Ok(Data::Absent)
}

/// `/group/dismiss_group`
pub(super) fn dismiss(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "DismissGroupReq", "group.DismissGroupReq")?;
    let (id, with_members) = (fields.text("groupID"), fields.flag("deleteMember"));
    let told = fields.flag_if("sendMessage").unwrap_or(true);
    fields.finish()?;
    let mut guard = shared.world();
    let world = &mut *guard;
    let group = existing(shared, world, id)?;
    may_manage(shared, caller, group)?;
    if !with_members && group.status == GroupStatus::Dismissed {
        return Err(Refusal::named(1204, "DismissedAlreadyError", "group status is dismissed"));
    }
    group.status = GroupStatus::Dismissed;
    if with_members {
        group.members.clear();
    } else if told {
        tell(shared, world, caller, id, Notice::GroupDismissed, json!({}));
    }
    Ok(Data::Absent)
}

/// `/group/mute_group` and `/group/cancel_mute_group`
pub(super) fn mute(shared: &Shared, caller: &Caller<'_>, muted: bool) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "MuteGroupReq", "group.MuteGroupReq")?;
    let id = fields.text("groupID");
    fields.finish()?;
    let mut guard = shared.world();
    let world = &mut *guard;
    let group = existing(shared, world, id)?;
    may_manage(shared, caller, group)?;
    group.status = if muted { GroupStatus::Muted } else { GroupStatus::Open };
    let notice = if muted { Notice::GroupMuted } else { Notice::GroupUnmuted };
    tell(shared, world, caller, id, notice, json!({}));
    Ok(Data::Absent)
}

/// `/group/mute_group_member` and `/group/cancel_mute_group_member`
pub(super) fn mute_member(shared: &Shared, caller: &Caller<'_>, muted: bool) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "MuteGroupMemberReq", "group.MuteGroupMemberReq")?;
    let (id, user, seconds) = (fields.text("groupID"), fields.text("userID"), fields.int64("mutedSeconds"));
    fields.finish()?;
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    let name = world.name(user);
    let group = existing(shared, world, id)?;
    may_manage(shared, caller, group)?;
    let member = group.members.get_mut(user).ok_or_else(|| (shared.traits().no_group)())?;
    member.muted_until = if muted { now.saturating_add(seconds.saturating_mul(1000)) } else { 0 };
    let tips = json!({ "mutedUser": people(id, &[name]).remove(0), "mutedSeconds": seconds });
    let notice = if muted { Notice::MemberMuted } else { Notice::MemberUnmuted };
    tell(shared, world, caller, id, notice, tips);
    Ok(Data::Absent)
}

/// The store's own words when a unique key is there already.
pub(super) fn duplicate_key(collection: &str, key: &str) -> Refusal {
    Refusal::internal(format!(
        "write exception: write errors: [E11000 duplicate key error collection: openim_v3.{collection} index: \
         unique dup key: {key}]"
    ))
}

/// The admin, and the owner and the admins of the group.
fn may_manage(shared: &Shared, caller: &Caller<'_>, group: &Group) -> Result<(), Refusal> {
    let user = caller.claims.user.as_str();
    let role = group.members.get(user).map_or(0, |member| member.role);
    if user == shared.options.admin || role >= ADMIN {
        Ok(())
    } else {
        Err(Refusal::no_permission("no group owner or admin"))
    }
}

fn existing<'w>(shared: &Shared, world: &'w mut World, id: &str) -> Result<&'w mut Group, Refusal> {
    world.groups.get_mut(id).ok_or_else(|| (shared.traits().no_group)())
}

fn tell(shared: &Shared, world: &mut World, caller: &Caller<'_>, id: &str, notice: Notice, more: Value) {
    let Some(group) = world.groups.get(id) else { return };
    let mut tips = json!({
        "group": info_of(id, group),
        "opUser": people(id, &[Arc::from(caller.claims.user.as_str())]).remove(0),
        "operationTime": shared.now(),
    });
    if let (Value::Object(tips), Value::Object(more)) = (&mut tips, more) {
        tips.extend(more);
    }
    let (sender, tips) = (&caller.claims.user, tips.to_string());
    let note = Note { notice, sender, to: id, way: Way::GroupNotice, tips };
    post(shared, world, &note);
}

fn people(group: &str, users: &[Arc<str>]) -> Vec<Value> {
    users.iter().map(|user| json!({ "groupID": group, "userID": user.as_ref() })).collect()
}
