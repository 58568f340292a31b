//! What groups there are, and who is in them.

use super::answer::{Data, Outcome, Refusal};
use super::api::Caller;
use super::body::{Fields, parse};
use super::shared::Shared;
use super::world::{Group, GroupMember, GroupStatus, World};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// `joinSource`: invited.
const INVITED: i32 = 2;

/// `/group/get_groups_info`
pub(super) fn infos(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetGroupsInfoReq", "group.GetGroupsInfoReq")?;
    let ids = fields.texts("groupIDs");
    fields.finish()?;
    if ids.is_empty() {
        return Err(Refusal::args("groupID is empty"));
    }
    let world = shared.world();
    let infos: Vec<Value> =
        ids.iter().filter_map(|id| world.groups.get(*id).map(|group| info_of(id, group))).collect();
    Ok(json!({ "groupInfos": null_if_empty(infos) }).into())
}

/// `/group/get_group_member_list`
pub(super) fn members(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetGroupMemberListReq", "group.GetGroupMemberListReq")?;
    let (id, page) = (fields.text("groupID"), fields.page()?);
    fields.finish()?;
    let world = shared.world();
    let empty = HashMap::new();
    let group = world.groups.get(id);
    let all = group.map(Group::in_order).unwrap_or_default();
    let total = group.map_or(&empty, |g| &g.members).len();
    let shown: Vec<Value> = all
        .into_iter()
        .skip(page.skip)
        .take(page.show)
        .map(|(user, member)| member_of(&world, id, user, member))
        .collect();
    Ok(json!({ "total": total, "members": null_if_empty(shown) }).into())
}

/// `/group/get_full_group_member_user_ids`
pub(super) fn member_ids(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetFullGroupMemberUserIDsReq", "group.GetFullGroupMemberUserIDsReq")?;
    let (id, hash) = (fields.text("groupID"), fields.uint64("idHash"));
    fields.finish()?;
    let world = shared.world();
    let ids: Vec<&str> = world
        .groups
        .get(id)
        .map(|group| group.in_order().into_iter().map(|(user, _)| user.as_ref()).collect())
        .unwrap_or_default();
    Ok(full_ids(shared, "userIDs", id, &ids, hash))
}

/// `/group/get_full_join_group_ids`: who is in several groups sees those that are not dismissed, by name; who
/// is in one sees it in any case (the real server saves itself the second look).
pub(super) fn joined(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetFullJoinGroupIDsReq", "group.GetFullJoinGroupIDsReq")?;
    let (user, hash) = (fields.text("userID"), fields.uint64("idHash"));
    fields.finish()?;
    let world = shared.world();
    let mut joined: Vec<(&str, i64, &Arc<str>, GroupStatus)> = world
        .groups
        .iter()
        .filter(|(_, group)| group.members.contains_key(user))
        .map(|(id, group)| (group.name.as_ref(), group.created, id, group.status))
        .collect();
    if joined.len() > 1 {
        joined.retain(|(.., status)| *status != GroupStatus::Dismissed);
    }
    joined.sort_unstable_by_key(|(name, created, id, _)| (*name, *created, Arc::clone(id)));
    let ids: Vec<&str> = joined.iter().map(|(_, _, id, _)| id.as_ref()).collect();
    Ok(full_ids(shared, "groupIDs", user, &ids, hash))
}

/// `/group/get_joined_group_list`
pub(super) fn joined_list(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetJoinedGroupListReq", "group.GetJoinedGroupListReq")?;
    let (user, page) = (fields.text("fromUserID"), fields.page()?);
    fields.finish()?;
    let world = shared.world();
    let mut joined: Vec<(&Arc<str>, &Group)> =
        world.groups.iter().filter(|(_, group)| group.members.contains_key(user)).collect();
    joined.sort_unstable_by_key(|(id, group)| (group.created, Arc::clone(id)));
    let total = joined.len();
    let shown =
        joined.into_iter().skip(page.skip).take(page.show).map(|(id, group)| info_of(id, group)).collect();
    Ok(json!({ "total": total, "groups": null_if_empty(shown) }).into())
}

/// A list of ids with its version, which is a hash of the list; a caller who has it gets no list.
pub(super) fn full_ids(shared: &Shared, name: &str, of: &str, ids: &[&str], known: u64) -> Data {
    let text = json!(ids).to_string();
    let hash = if ids.is_empty() { 0 } else { xxhash_rust::xxh3::xxh3_64(text.as_bytes()) };
    let equal = hash == known;
    let mut data = json!({ "version": hash, "versionID": shared.version_id(of), "equal": equal });
    data[name] = if equal { Value::Null } else { json!(ids) };
    data.into()
}

/// A list; an empty one is `null`, as Go writes a list nothing was put into.
pub(super) fn null_if_empty(list: Vec<Value>) -> Value {
    if list.is_empty() { Value::Null } else { Value::Array(list) }
}

/// A group as everybody sees it.
pub(super) fn info_of(id: &str, group: &Group) -> Value {
    json!({
        "groupID": id, "groupName": group.name, "notification": "", "introduction": "",
        "faceURL": group.face_url, "ownerUserID": group.owner.as_ref(), "createTime": group.created,
        "memberCount": group.members.len(), "ex": group.ex, "status": group.status.code(), "creatorUserID": "",
        "groupType": group.kind, "needVerification": 0, "lookMemberInfo": 0, "applyMemberFriend": 0,
        "notificationUpdateTime": 0, "notificationUserID": "",
    })
}

fn member_of(world: &World, group: &str, user: &str, member: &GroupMember) -> Value {
    let known = world.users.get(user);
    json!({
        "groupID": group, "userID": user, "roleLevel": member.role, "joinTime": member.joined,
        "nickname": known.map_or("", |u| &u.nickname), "faceURL": known.map_or("", |u| &u.face_url),
        "appMangerLevel": 0, "joinSource": INVITED, "operatorUserID": member.invited_by, "ex": "",
        "muteEndTime": member.muted_until, "inviterUserID": member.invited_by,
    })
}
