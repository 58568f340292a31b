//! Logging in: what apps do, what the admin does, and codes.

use super::super::answer::{Data, Outcome, Refusal};
use super::super::shared::Shared;
use super::rows::{CodeUse, phone};
use super::wire::{body, fields, finish};
use super::{Caller, im_token, keep_im_token, of_im};
use crate::message::Release;
use md5::{Digest, Md5};
use serde_json::json;
use std::fmt::Write as _;

/// The account of the admin, as delivered.
const ADMIN: &str = "chatAdmin";
/// The code of a server that sends none.
const FIXED_CODE: &str = "666666";

/// `:10009/account/login`
pub(super) fn admin(shared: &Shared, bytes: &[u8]) -> Outcome {
    let value = body(bytes)?;
    let of = fields(&value, "LoginReq")?;
    let (account, password, version) =
        (of.text("account").to_owned(), of.text("password").to_owned(), of.text("version").to_owned());
    finish(of)?;
    if version.is_empty() && shared.release() == Release::Main {
        return Err(Refusal::internal("openim-admin-front version too old, please use new version"));
    }
    if account != ADMIN {
        return Err(Refusal::named(20002, "AccountNotFound", "AccountNotFound"));
    }
    if password != md5(&shared.options.chat_password) {
        return Err(Refusal::named(20001, "PasswordError", "PasswordError"));
    }
    keep_im_token(shared);
    let im = shared.issue(&shared.options.admin, super::super::users::ADMIN_PLATFORM);
    let user = &shared.options.admin;
    Ok(json!({
        "adminAccount": ADMIN, "adminToken": shared.chat.issue(shared, user, true), "nickname": "", "faceURL": "",
        "level": 100, "adminUserID": user, "imUserID": user, "imToken": im,
    })
    .into())
}

/// `:10008/account/login`
pub(super) fn login(shared: &Shared, bytes: &[u8]) -> Outcome {
    let value = body(bytes)?;
    let of = fields(&value, "LoginReq")?;
    let platform = of.int32("platform");
    let text = |name| of.text(name).to_owned();
    let (email, area, number) = (text("email"), text("areaCode"), text("phoneNumber"));
    let (account, password, code) = (text("account"), text("password"), text("verifyCode"));
    finish(of)?;
    // Names of platforms: 1 to 10, and HarmonyOS behind them.
    if !(1..=11).contains(&platform) {
        return Err(Refusal::args("platform is invalid"));
    }
    check_way(&email, &area, &number)?;
    if password.is_empty() && code.is_empty() {
        return Err(Refusal::args("password or code must be set"));
    }
    let typed = if !account.is_empty() {
        account
    } else if !number.is_empty() {
        phone(&with_plus(&area)?, &number)
    } else {
        email
    };
    let unknown = || Refusal::named(20002, "AccountNotFound", "user unregistered");
    let user = shared.chat.rows().credential(&typed).map(|one| one.user.clone()).ok_or_else(unknown)?;
    if password.is_empty() {
        check_code(shared, &code)?;
    } else {
        let rows = shared.chat.rows();
        let right = rows.accounts.get(&user).ok_or_else(no_document)?;
        if *right != password {
            return Err(Refusal::named(20001, "PasswordError", "PasswordError"));
        }
    }
    let chat = shared.chat.issue(shared, &user, false);
    keep_im_token(shared);
    let asked = json!({ "userID": user, "platformID": platform });
    let im = im_token(of_im(shared, "/auth/get_user_token", &asked))?;
    Ok(json!({ "imToken": im, "chatToken": chat, "userID": user }).into())
}

/// One of the ways in must be there, and be well-formed.
pub(super) fn check_way(email: &str, area_code: &str, number: &str) -> Result<(), Refusal> {
    if !email.is_empty() {
        return if is_email(email) { Ok(()) } else { Err(Refusal::args("1001 ArgsError Email is invalid")) };
    }
    if area_code.is_empty() {
        return Err(Refusal::args("AreaCode is empty"));
    }
    if number.is_empty() {
        return Err(Refusal::args("PhoneNumber is empty"));
    }
    if is_number(number) { Ok(()) } else { Err(Refusal::args("phoneNumber is invalid")) }
}

/// Digits that fit into 64 bits.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok()
}

fn with_plus(area_code: &str) -> Result<String, Refusal> {
    if area_code.is_empty() {
        return Err(Refusal::args("area code must"));
    }
    let digits = area_code.strip_prefix('+').unwrap_or(area_code);
    if !is_number(digits) {
        return Err(Refusal::args("area code must be number"));
    }
    Ok(format!("+{digits}"))
}

/// ASCII, with a dot in the domain and letters behind it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let all = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    all(local, "._%+-") && all(host, ".-") && top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic())
}

/// The code that somebody gave.
pub(super) fn check_code(shared: &Shared, code: &str) -> Result<(), Refusal> {
    if code.is_empty() {
        return Err(Refusal::args("verify code is empty"));
    }
    match shared.options.codes {
        CodeUse::Fixed if code == FIXED_CODE => Ok(()),
        CodeUse::Fixed => Err(Refusal::named(20006, "VerifyCodeNotMatch", "VerifyCodeNotMatch")),
        CodeUse::Sent => Err(Refusal::named(20007, "VerifyCodeExpired", "VerifyCodeExpired")),
    }
}

/// `:10008/account/code/verify`
pub(super) fn verify_code(shared: &Shared, bytes: &[u8]) -> Outcome {
    let value = body(bytes)?;
    let of = fields(&value, "VerifyCodeReq")?;
    let text = |name| of.text(name).to_owned();
    let (email, area, number, code) =
        (text("email"), text("areaCode"), text("phoneNumber"), text("verifyCode"));
    finish(of)?;
    check_way(&email, &area, &number)?;
    check_code(shared, &code).map(|()| Data::Absent)
}

/// `:10008/account/code/send`
pub(super) fn send_code(shared: &Shared, bytes: &[u8]) -> Outcome {
    const REGISTER: i32 = 1;
    const LOGIN: i32 = 3;
    let value = body(bytes)?;
    let of = fields(&value, "SendVerifyCodeReq")?;
    let text = |name| of.text(name).to_owned();
    let (email, area, number, used_for) =
        (text("email"), text("areaCode"), text("phoneNumber"), of.int32("usedFor"));
    finish(of)?;
    if !(REGISTER..=LOGIN).contains(&used_for) {
        return Err(Refusal::args("usedFor flied is empty"));
    }
    check_way(&email, &area, &number)?;
    if used_for == REGISTER {
        return Ok(Data::Absent);
    }
    let rows = shared.chat.rows();
    let unknown = |what| Err(Refusal::named(20002, "AccountNotFound", what));
    if !email.is_empty() {
        let there = rows.attributes.values().any(|known| known.email == email);
        return if there { Ok(Data::Absent) } else { unknown("email unregistered") };
    }
    let there = rows.attributes.values().any(|known| known.area_code == area && known.phone == number);
    if there { Ok(Data::Absent) } else { unknown("phone unregistered") }
}

/// `:10008/account/password/reset`: whoever has the code sets a new password.
pub(super) fn reset_by_code(shared: &Shared, bytes: &[u8]) -> Outcome {
    let value = body(bytes)?;
    let of = fields(&value, "ResetPasswordReq")?;
    let text = |name| of.text(name).to_owned();
    let (email, area, number) = (text("email"), text("areaCode"), text("phoneNumber"));
    let (password, code) = (text("password"), text("verifyCode"));
    finish(of)?;
    if password.is_empty() {
        return Err(Refusal::args("password is empty"));
    }
    check_way(&email, &area, &number)?;
    if code.is_empty() {
        return Err(Refusal::args("VerifyCode is empty"));
    }
    check_code(shared, &code)?;
    let typed = if email.is_empty() { phone(&area, &number) } else { email };
    let mut rows = shared.chat.rows();
    let user = rows.credential(&typed).map(|one| one.user.clone()).ok_or_else(no_document)?;
    rows.accounts.insert(user, password);
    Ok(Data::Absent)
}

/// `:10009/user/password/reset`
pub(super) fn reset_as_admin(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "ChangePasswordReq")?;
    let (user, password) = (of.text("userID").to_owned(), of.text("newPassword").to_owned());
    finish(of)?;
    if password.is_empty() {
        return Err(Refusal::args("newPassword is empty"));
    }
    let mut rows = shared.chat.rows();
    if !rows.accounts.contains_key(&user) {
        return Err(no_document());
    }
    rows.accounts.insert(user.clone(), password);
    drop(rows);
    shared.chat.end_tokens(&user);
    shared.void_tokens_of(&user);
    Ok(Data::Absent)
}

fn no_document() -> Refusal {
    Refusal::not_found("mongo: no documents in result mongo find one")
}

/// In hexadecimal digits, as apps send a password.
fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes everything");
        out
    })
}
