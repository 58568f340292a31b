//! A new user: what is checked, in which order, and what stays of him when something fails on the way.

use super::super::answer::{Data, Outcome, Refusal};
use super::super::json::Value;
use super::super::shared::Shared;
use super::rows::{Attribute, phone};
use super::wire::{body, fields, finish, panicked};
use super::{Caller, im_token, keep_im_token, login, of_im};
use crate::message::Release;
use serde_json::json;

/// Who is to be made.
#[derive(Debug, Default)]
pub(super) struct NewUser {
    pub(super) id: String,
    pub(super) password: String,
    pub(super) known: Attribute,
}

impl NewUser {
    fn read(value: &Value<'_>, structure: &'static str) -> Result<Self, Refusal> {
        let of = fields(value, structure)?;
        let text = |name| of.text(name).to_owned();
        let user = Self {
            id: text("userID"),
            password: text("password"),
            known: Attribute {
                account: text("account"),
                area_code: text("areaCode"),
                phone: text("phoneNumber"),
                email: text("email"),
                nickname: text("nickname"),
                face_url: text("faceURL"),
                gender: of.int32("gender"),
                birth: of.int64("birth"),
                register_type: 0,
                place: 0,
            },
        };
        finish(of)?;
        Ok(user)
    }
}

/// `:10009/user/import/json`: one after the other, and the first error ends it.
pub(super) fn import(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "RegisterUserInfo")?;
    let list = of.objects("users", "[]*chat.RegisterUserInfo");
    finish(of)?;
    if list.iter().any(|user| matches!(user, Value::Null)) {
        return Err(panicked());
    }
    let users: Result<Vec<_>, _> =
        list.into_iter().map(|user| NewUser::read(user, "RegisterUserInfo.users")).collect();
    let users = users?;
    if users.is_empty() {
        return Err(Refusal::args("users is empty"));
    }
    keep_im_token(shared);
    for user in users {
        make(shared, user)?;
    }
    Ok(Data::Absent)
}

/// `:10009/account/add_user`
pub(super) fn add_user(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "AddUserAccountReq")?;
    let user =
        of.object("user", "chat.RegisterUserInfo").map(|user| NewUser::read(user, "AddUserAccountReq.user"));
    finish(of)?;
    make(shared, user.unwrap_or_else(|| Ok(NewUser::default()))?).map(|_| Data::Absent)
}

/// `:10008/account/register`
pub(super) fn register(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "RegisterUserReq")?;
    let (code, login) = (of.text("verifyCode").to_owned(), of.flag("autoLogin"));
    let platform = of.int32("platform");
    let user =
        of.object("user", "chat.RegisterUserInfo").map(|user| NewUser::read(user, "RegisterUserReq.user"));
    finish(of)?;
    let user = user.unwrap_or_else(|| Ok(NewUser::default()))?;
    keep_im_token(shared);
    if shared.release() == Release::Main {
        clear_the_way(shared, &user)?;
    }
    check(&user)?;
    if !caller.admin {
        if !user.id.is_empty() {
            return Err(Refusal::no_permission("only admin can set user id"));
        }
        login::check_code(shared, &code)?;
    }
    let made = make(shared, user)?;
    let (mut im, mut chat) = (String::new(), String::new());
    if login {
        chat = shared.chat.issue(shared, &made, false);
        im = im_token(of_im(
            shared,
            "/auth/get_user_token",
            &json!({ "userID": made, "platformID": platform }),
        ))?;
    }
    Ok(json!({ "imToken": im, "chatToken": chat, "userID": made }).into())
}

/// main: whoever has one of the ways in, and is not in the IM, is taken out; the ways in themselves stay.
fn clear_the_way(shared: &Shared, user: &NewUser) -> Result<(), Refusal> {
    let known = &user.known;
    let ways = [phone(&known.area_code, &known.phone), known.email.clone(), known.account.clone()];
    let taken = {
        let rows = shared.chat.rows();
        ways.iter()
            .filter(|way| !way.trim().is_empty())
            .find_map(|way| rows.credential(way))
            .map(|one| one.user.clone())
    };
    let Some(taken) = taken else { return Ok(()) };
    if shared.world().users.contains_key(taken.as_str()) {
        return Err(Refusal::named(20004, "AccountAlreadyRegister", ""));
    }
    shared.chat.rows().remove(&taken);
    Ok(())
}

/// What is looked at before anything else.
fn check(user: &NewUser) -> Result<(), Refusal> {
    let known = &user.known;
    if known.nickname.is_empty() {
        return Err(Refusal::args("Nickname is nil"));
    }
    login::check_way(&known.email, &known.area_code, &known.phone)
}

/// Makes one user, in chat and then in the IM, with friends and groups; his userID.
fn make(shared: &Shared, mut user: NewUser) -> Result<String, Refusal> {
    check(&user)?;
    tidy(shared, &mut user.known)?;
    let id = {
        let mut rows = shared.chat.rows();
        let known = &user.known;
        let same_phone = |other: &Attribute| other.area_code == known.area_code && other.phone == known.phone;
        if !known.phone.is_empty() && rows.attributes.values().any(same_phone) {
            return Err(Refusal::named(20003, "PhoneAlreadyRegister", "PhoneAlreadyRegister"));
        }
        if !known.account.is_empty() {
            if !known.account.chars().all(char::is_alphanumeric) {
                return Err(Refusal::args("account must be alphanumeric"));
            }
            if rows.attributes.values().any(|other| other.account == known.account) {
                return Err(Refusal::named(20004, "AccountAlreadyRegister", "AccountAlreadyRegister"));
            }
        }
        let id = if user.id.is_empty() { fresh_id(shared) } else { user.id };
        if rows.accounts.contains_key(&id) {
            return Err(Refusal::args("appoint user id already register"));
        }
        let register_type = match known {
            Attribute { email, .. } if !email.is_empty() => 1,
            Attribute { account, .. } if !account.is_empty() => 0,
            _ => 2,
        };
        rows.insert(&id, &user.password, Attribute { register_type, ..user.known.clone() })?;
        id
    };
    let body = json!({ "users": [{ "userID": id, "nickname": user.known.nickname, "faceURL": user.known.face_url }] });
    of_im(shared, "/user/user_register", &body)?;
    defaults(shared, &id);
    Ok(id)
}

/// Phone and account as they are written down.
fn tidy(shared: &Shared, known: &mut Attribute) -> Result<(), Refusal> {
    if shared.release() == Release::Main {
        known.account = known.account.trim().to_owned();
    }
    if known.phone.is_empty() {
        return Ok(());
    }
    if !known.area_code.starts_with('+') {
        known.area_code.insert(0, '+');
    }
    if !login::is_number(&known.area_code[1..]) {
        return Err(Refusal::args("area code must be number"));
    }
    if !login::is_number(&known.phone) {
        return Err(Refusal::args("phone number must be number"));
    }
    Ok(())
}

/// Friends and groups of whoever is new; what fails is not said.
fn defaults(shared: &Shared, id: &str) {
    let (friends, groups) = {
        let rows = shared.chat.rows();
        (rows.default_friends.clone(), rows.default_groups.clone())
    };
    let mut tried = Vec::new();
    if !friends.is_empty() {
        tried.push(of_im(
            shared,
            "/friend/import_friend",
            &json!({ "ownerUserID": id, "friendUserIDs": friends }),
        ));
    }
    for group in groups {
        tried.push(of_im(
            shared,
            "/group/invite_user_to_group",
            &json!({ "groupID": group, "invitedUserIDs": [id] }),
        ));
    }
    for refusal in tried.into_iter().filter_map(Result::err) {
        tracing::debug!(?refusal, "a default friend or group could not be made");
    }
}

/// Ten digits, the first not 0.
fn fresh_id(shared: &Shared) -> String {
    let number = shared.fresh_number(&mut shared.world());
    (1_000_000_000 + number % 9_000_000_000).to_string()
}
