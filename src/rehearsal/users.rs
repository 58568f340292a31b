//! Tokens and users.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_only};
use super::body::{Fields, parse};
use super::shared::Shared;
use super::token;
use super::world::User;
use crate::message::Release;
use serde_json::json;
use std::collections::HashSet;

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
    Ok(issued(shared, user, 10))
}

/// `/auth/get_user_token`
pub(super) fn user_token(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetUserTokenReq", "auth.GetUserTokenReq")?;
    let (user, platform) = (fields.text("userID"), fields.int32("platformID"));
    fields.finish()?;
    admin_only(shared, caller)?;
    if !shared.auto_users() && !shared.world().users.contains_key(user) {
        return Err(Refusal::not_found("record not found"));
    }
    Ok(issued(shared, user, platform))
}

fn issued(shared: &Shared, user: &str, platform: i32) -> Data {
    let token = token::issue(&shared.options.secret, user, platform, shared.now() / 1000);
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
        return Err(Refusal::args(match shared.release() {
            Release::V3_8_3 => "users are empty",
            Release::Main => "users is empty",
        }));
    }
    admin_only(shared, caller)?;
    let mut once = HashSet::new();
    if !wanted.iter().all(|(id, _)| once.insert(*id)) {
        return Err(Refusal::args("userID repeated"));
    }
    for (id, user) in &wanted {
        if id.is_empty() || !id.chars().all(|c| c.is_alphanumeric() || c == '_') {
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
        return match shared.release() {
            Release::V3_8_3 => Err(Refusal::args("CheckUserIDs is empty")),
            Release::Main => Ok(json!({ "results": null }).into()),
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
