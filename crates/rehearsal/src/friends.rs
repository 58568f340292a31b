//! Friends and block lists.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_only, admin_or_own};
use super::body::{Fields, parse};
use super::group_lists::null_if_empty;
use super::groups::duplicate_key;
use super::notices::{Note, Notice, post};
use super::record::Way;
use super::shared::Shared;
use super::world::World;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// `/friend/import_friend`: repeatable, and each call puts a notice into every conversation.
pub(super) fn import(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "ImportFriendReq", "relation.ImportFriendReq")?;
    let (owner, friends) = (fields.text("ownerUserID"), fields.texts("friendUserIDs"));
    fields.finish()?;
    if owner.is_empty() {
        return Err(Refusal::args("ownerUserID is empty"));
    }
    if friends.is_empty() {
        return Err(Refusal::args("friendUserIDs is empty"));
    }
    admin_only(shared, caller)?;
    let mut guard = shared.world();
    let world = &mut *guard;
    // Everybody at once and each once: who befriends himself is not found either.
    let everybody: Vec<&str> = std::iter::once(owner).chain(friends.iter().copied()).collect();
    let mut once = HashSet::new();
    if !everybody.iter().all(|id| once.insert(*id) && (shared.auto_users() || world.users.contains_key(*id)))
    {
        return Err(Refusal::not_found("user not found"));
    }
    for friend in friends {
        befriend(world, owner, friend);
        befriend(world, friend, owner);
        let tips = format!(
            r#"{{"fromToUserID":{{"fromUserID":{},"toUserID":{}}},"handleMsg":"","friendVersion":0,"friendVersionID":"","request":null}}"#,
            json!(owner),
            json!(friend)
        );
        post(
            shared,
            world,
            &Note { notice: Notice::NowFriends, sender: friend, to: owner, way: Way::Single, tips },
        );
    }
    Ok(Data::Absent)
}

/// `/friend/get_friend_list`
pub(super) fn list(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetPaginationFriendsReq", "relation.GetPaginationFriendsReq")?;
    let (owner, page) = (fields.text("userID"), fields.page()?);
    fields.finish()?;
    if owner.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    admin_or_own(shared, caller, owner)?;
    let world = shared.world();
    let all = world.friends.get(owner).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<Value> = all
        .iter()
        .skip(page.skip)
        .take(page.show)
        .map(|friend| {
            json!({
                "ownerUserID": owner, "remark": "", "createTime": shared.now(),
                "friendUser": super::users::info(shared, &world, friend), "addSource": 1,
                "operatorUserID": owner, "ex": "", "isPinned": false,
            })
        })
        .collect();
    Ok(json!({ "friendsInfo": null_if_empty(shown), "total": all.len() }).into())
}

/// `/friend/get_friend_id`
pub(super) fn ids(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetFriendIDsReq", "relation.GetFriendIDsReq")?;
    let user = fields.text("userID");
    fields.finish()?;
    if user.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    admin_or_own(shared, caller, user)?;
    let world = shared.world();
    let ids = world.friends.get(user).into_iter().flatten().map(|id| json!(id.as_ref())).collect();
    Ok(json!({ "friendIDs": null_if_empty(ids) }).into())
}

/// `/friend/add_black`
pub(super) fn block(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "AddBlackReq", "relation.AddBlackReq")?;
    let (owner, blocked) = (fields.text("ownerUserID"), fields.text("blackUserID"));
    fields.finish()?;
    if owner.is_empty() {
        return Err(Refusal::args("ownerUserID is empty"));
    }
    if blocked.is_empty() {
        return Err(Refusal::args("blackUserID is empty"));
    }
    admin_or_own(shared, caller, owner)?;
    let now = shared.now();
    let mut world = shared.world();
    let known = |id: &str| shared.auto_users() || world.users.contains_key(id);
    if !known(owner) || !known(blocked) || owner == blocked {
        return Err(Refusal::not_found("user not found"));
    }
    let (owner_name, name) = (world.name(owner), world.name(blocked));
    let list = world.blocks.entry(owner_name).or_default();
    if list.iter().any(|(user, _)| *user == name) {
        let key = format!("{{ owner_user_id: \"{owner}\", block_user_id: \"{blocked}\" }}");
        return Err(duplicate_key("black", &key));
    }
    list.push((name, now));
    Ok(Data::Absent)
}

/// `/friend/remove_black`
pub(super) fn unblock(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "RemoveBlackReq", "relation.RemoveBlackReq")?;
    let (owner, blocked) = (fields.text("ownerUserID"), fields.text("blackUserID"));
    fields.finish()?;
    admin_or_own(shared, caller, owner)?;
    if let Some(list) = shared.world().blocks.get_mut(owner) {
        list.retain(|(user, _)| user.as_ref() != blocked);
    }
    Ok(Data::Absent)
}

/// `/friend/get_black_list`
pub(super) fn blocked(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetPaginationBlacksReq", "relation.GetPaginationBlacksReq")?;
    let (owner, page) = (fields.text("userID"), fields.page()?);
    fields.finish()?;
    admin_or_own(shared, caller, owner)?;
    let world = shared.world();
    let list = world.blocks.get(owner).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<Value> = list
        .iter()
        .skip(page.skip)
        .take(page.show)
        .map(|(user, time)| black_of(shared, &world, owner, user, *time))
        .collect();
    Ok(json!({ "blacks": null_if_empty(shown), "total": list.len() }).into())
}

fn befriend(world: &mut World, owner: &str, friend: &str) {
    let (owner, friend) = (world.name(owner), world.name(friend));
    let friends = world.friends.entry(owner).or_default();
    if !friends.contains(&friend) {
        friends.push(friend);
    }
}

fn black_of(shared: &Shared, world: &World, owner: &str, user: &Arc<str>, time: i64) -> Value {
    let known = world.users.get(user);
    json!({
        "ownerUserID": owner, "createTime": time,
        "blackUserInfo": {
            "userID": user.as_ref(), "nickname": known.map_or("", |u| &u.nickname),
            "faceURL": known.map_or("", |u| &u.face_url), "ex": known.map_or("", |u| &u.ex),
        },
        "addSource": 0, "operatorUserID": shared.options.admin, "ex": "",
    })
}
