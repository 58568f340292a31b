//! Tokens and users.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_only};
use super::body::{Fields, parse};
use super::group_lists::null_if_empty;
use super::shared::Shared;
use super::token;
use super::world::{User, World};
use crate::message::UserId;
use serde_json::{Value, json};
use std::collections::HashSet;

/// The platform of an admin's token.
pub(super) const ADMIN_PLATFORM: i32 = 10;
/// `appMangerLevel` of a notification account; below it are people.
pub(super) const NOTIFIER: i32 = 3;

/// `/auth/get_admin_token`
pub(super) fn admin_token(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetAdminTokenReq", "auth.GetAdminTokenReq")?;
    let (secret, user) = (fields.text("secret"), fields.text("userID"));
    fields.finish()?;
    if user.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    if secret != shared.options.secret {
        return Err(Refusal::no_permission("secret invalid"));
    }
    let admin = &shared.options.admin;
    if user != admin {
        return Err(Refusal::args(format!("userID is error., userID={user}, adminUserID=[{admin}]")));
    }
    Ok(issued(shared, user, ADMIN_PLATFORM))
}

/// `/auth/get_user_token`
pub(super) fn user_token(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetUserTokenReq", "auth.GetUserTokenReq")?;
    let (user, platform) = (fields.text("userID"), fields.int32("platformID"));
    fields.finish()?;
    admin_only(shared, caller)?;
    if platform == ADMIN_PLATFORM {
        return Err(Refusal::no_permission("platformID invalid. platformID must not be adminPlatformID"));
    }
    if user == shared.options.admin {
        return Err(Refusal::no_permission("don't get Admin token"));
    }
    match shared.world().users.get(user).map(|known| known.level) {
        Some(level) if level >= NOTIFIER => return Err(Refusal::args("app account can`t get token")),
        None if !shared.auto_users() => return Err(Refusal::not_found("record not found")),
        _ => {}
    }
    Ok(issued(shared, user, platform))
}

fn issued(shared: &Shared, user: &str, platform: i32) -> Data {
    let token = shared.issue(user, platform);
    json!({ "token": token, "expireTimeSeconds": token::LIFETIME_SECONDS }).into()
}

/// `/user/user_register`
pub(super) fn register(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "UserRegisterReq", "user.UserRegisterReq")?;
    let users = fields.objects("users", "[]*sdkws.UserInfo");
    fields.finish()?;
    let now = shared.now();
    let mut wanted = Vec::new();
    for user in users {
        let user = Fields::of(user, "UserRegisterReq.users", "sdkws.UserInfo")?;
        let id = user.text("userID");
        wanted.push((
            id,
            User {
                nickname: user.text("nickname").into(),
                face_url: user.text("faceURL").into(),
                ex: user.text("ex").into(),
                created: now,
                receive_option: user.int32("globalRecvMsgOpt"),
                level: user.int32("appMangerLevel"),
            },
        ));
        user.finish()?;
    }
    if wanted.is_empty() {
        return Err(Refusal::args(shared.traits().no_users));
    }
    admin_only(shared, caller)?;
    let mut once = HashSet::new();
    if !wanted.iter().all(|(id, _)| once.insert(*id)) {
        return Err(Refusal::args("userID repeated"));
    }
    for (id, user) in &wanted {
        if !UserId::is_legal(id) {
            return Err(Refusal::args("userID is legal"));
        }
        if user.nickname.is_empty() {
            return Err(Refusal::args("nickname is empty"));
        }
    }
    let mut world = shared.world();
    if wanted.iter().any(|(id, _)| world.users.contains_key(*id)) {
        return Err(Refusal::named(1102, "RegisteredAlreadyError", "userID registered already"));
    }
    world.users.extend(wanted.into_iter().map(|(id, user)| (id.into(), user)));
    Ok(Data::Absent)
}

/// `/user/account_check`
pub(super) fn account_check(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "AccountCheckReq", "user.AccountCheckReq")?;
    let ids = fields.texts("checkUserIDs");
    fields.finish()?;
    let mut once = HashSet::new();
    if !ids.iter().all(|id| once.insert(*id)) {
        return Err(Refusal::args("userID repeated"));
    }
    if ids.is_empty() {
        return match shared.traits().no_accounts {
            Some(wrong) => Err(Refusal::args(wrong)),
            None => Ok(json!({ "results": null }).into()),
        };
    }
    admin_only(shared, caller)?;
    let world = shared.world();
    let results: Vec<_> = ids
        .iter()
        .map(|id| {
            let exists = shared.auto_users() || world.users.contains_key(*id);
            json!({ "userID": id, "accountStatus": i32::from(exists) })
        })
        .collect();
    Ok(json!({ "results": results }).into())
}

/// `/user/get_users_info`
pub(super) fn infos(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetDesignateUsersReq", "user.GetDesignateUsersReq")?;
    let ids = fields.texts("userIDs");
    fields.finish()?;
    let world = shared.world();
    let known = |id: &&&str| shared.auto_users() || world.users.contains_key(**id);
    let infos = ids.iter().filter(known).map(|id| info(shared, &world, id)).collect();
    Ok(json!({ "usersInfo": null_if_empty(infos) }).into())
}

/// `/user/set_global_msg_recv_opt`
pub(super) fn set_receiving(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "SetGlobalRecvMessageOptReq", "user.SetGlobalRecvMessageOptReq")?;
    let (id, option) = (fields.text("userID"), fields.int32("globalRecvMsgOpt"));
    fields.finish()?;
    if !(0..=2).contains(&option) {
        return Err(Refusal::args("GlobalRecvMsgOpt is invalid"));
    }
    if id.is_empty() {
        return Err(Refusal::args("UserID is empty"));
    }
    if shared.traits().checks_rights {
        super::api::admin_or_own(shared, caller, id)?;
    }
    let mut world = shared.world();
    let user = world.users.get_mut(id).ok_or_else(|| Refusal::not_found("userID not found"))?;
    user.receive_option = option;
    Ok(Data::Absent)
}

/// `/user/get_users_online_status`: nobody is, unless others write while an import runs (law 12).
pub(super) fn online(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetUsersOnlineStatusReq", "msggateway.GetUsersOnlineStatusReq")?;
    let ids = fields.texts("userIDs");
    fields.finish()?;
    admin_only(shared, caller)?;
    let status = i32::from(shared.faults.has_live_traffic());
    let all: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "userID": id, "status": status, "detailPlatformStatus": null }))
        .collect();
    Ok(Value::Array(all).into())
}

/// A user as others see him; somebody unknown has his id for a name.
pub(super) fn info(shared: &Shared, world: &World, id: &str) -> Value {
    let known = world.users.get(id);
    json!({
        "userID": id, "nickname": known.map_or(id, |u| &u.nickname), "faceURL": known.map_or("", |u| &u.face_url),
        "ex": known.map_or("", |u| &u.ex), "createTime": known.map_or_else(|| shared.now(), |u| u.created),
        "appMangerLevel": known.map_or(0, |u| u.level), "globalRecvMsgOpt": known.map_or(0, |u| u.receive_option),
    })
}
