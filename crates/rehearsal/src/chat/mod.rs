//! The chat server beside OpenIM: the accounts with which its apps log in.
//!
//! ```text
//! admin (POST /user/import/json) ─▶ register ─▶ rows of chat ─▶ user_register of the IM ─▶ friends, groups
//! apps  (POST /account/login)    ─▶ login    ─▶ chat token, and a token of the IM
//! ```
//! It has two addresses, one for its admin and one for everybody, and calls the IM as any other program does. What it
//! answers rests on recordings of both releases (`tests/rehearsal/chat.rs`); it writes row after row without a
//! transaction, so a call that fails half-way leaves half a user, as on the real one.
//!
//! Where it differs: `/user/search/full` takes its keyword for plain words and not for a regular expression; codes are
//! the fixed one or none at all (`--chat-codes`), nothing is ever sent to anybody.

mod login;
mod people;
mod register;
mod rows;
mod wire;

use super::answer::{Data, Outcome, Refusal};
use super::api::{self, Call};
use super::http::Reply;
use super::shared::Shared;
use super::token;
use rows::Rows;
pub(super) use rows::Saved;
pub use rows::{AccountEntry, CodeUse};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which of its two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// `chat-api`
    Everybody,
    /// `admin-api`
    Admin,
}

/// The running chat server.
#[derive(Debug, Default)]
pub(super) struct Chat {
    rows: Mutex<Rows>,
    tokens: Mutex<HashMap<Box<str>, Holder>>,
}

/// Whose a token is.
#[derive(Debug, Clone)]
struct Holder {
    user: String,
    admin: bool,
    /// Taken away, because the password was set anew.
    gone: bool,
}

/// Who calls.
struct Caller<'a> {
    admin: bool,
    user: String,
    body: &'a [u8],
}

impl Chat {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<Box<str>, Holder>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody in it, and what of him is there.
    pub(super) fn audit(&self) -> Vec<AccountEntry> {
        self.rows().audit()
    }

    /// What outlives a restart.
    pub(super) fn saved(&self) -> Option<Saved> {
        self.rows().saved()
    }

    /// Takes what an earlier process saved.
    pub(super) fn restore(&self, saved: Saved) {
        self.rows().restore(saved);
    }

    fn issue(&self, shared: &Shared, user: &str, admin: bool) -> String {
        let mut tokens = self.tokens();
        let serial = i64::try_from(tokens.len()).unwrap_or_default();
        let (token, _) = token::issue(&secret(shared), user, 0, shared.now() / 1000, serial);
        tokens.insert(token.as_str().into(), Holder { user: user.to_owned(), admin, gone: false });
        token
    }

    fn holder(&self, shared: &Shared, token: Option<&str>) -> Result<Holder, Refusal> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| Refusal::args("token is empty"))?;
        let said = |code, name: &'static str| Refusal::named(code, name, name);
        match self.tokens().get(token) {
            Some(holder) if holder.gone => Err(said(20101, "ErrTokenNotExist")),
            Some(holder) => Ok(holder.clone()),
            None => Err(match token::verify(&secret(shared), token, shared.now() / 1000) {
                Err(token::Bad::Malformed) => said(1503, "TokenMalformedError"),
                Err(token::Bad::Expired) => said(1501, "TokenExpiredError"),
                Err(_) => said(1505, "TokenUnknownError"),
                Ok(_) => said(20101, "ErrTokenNotExist"),
            }),
        }
    }

    fn end_tokens(&self, user: &str) {
        for holder in self.tokens().values_mut().filter(|holder| holder.user == user && !holder.admin) {
            holder.gone = true;
        }
    }
}

/// Its tokens are its own: those of the IM are foreign here.
fn secret(shared: &Shared) -> String {
    format!("{} of chat", shared.options.secret)
}

/// Answers a call.
pub(super) fn serve(shared: &Shared, door: Door, call: &Call<'_>) -> Reply {
    if !call.post {
        return Reply::text(404, "404 page not found");
    }
    if call.operation.is_none_or(str::is_empty) {
        return api::reply(shared, Err(Refusal::args("header must have operationID")));
    }
    match door {
        Door::Admin => admin(shared, call),
        Door::Everybody => everybody(shared, call),
    }
}

fn admin(shared: &Shared, call: &Call<'_>) -> Reply {
    if call.path == "/account/login" {
        return api::reply(shared, login::admin(shared, call.body));
    }
    let known = matches!(
        call.path,
        "/user/import/json"
            | "/account/add_user"
            | "/user/password/reset"
            | "/user/allow_register/get"
            | "/default/user/find"
            | "/default/user/add"
            | "/default/user/del"
            | "/default/group/find"
            | "/default/group/add"
            | "/default/group/del"
    );
    if !known {
        return Reply::text(404, "404 page not found");
    }
    let caller = match shared.chat.holder(shared, call.token) {
        Ok(holder) if holder.admin => Caller { admin: true, user: holder.user, body: call.body },
        Ok(_) => return api::reply(shared, Err(Refusal::args("token type error"))),
        Err(refusal) => return api::reply(shared, Err(refusal)),
    };
    let outcome = match call.path {
        "/user/import/json" => register::import(shared, &caller),
        // The real one forgets to answer where it fails.
        "/account/add_user" => match register::add_user(shared, &caller) {
            Ok(data) => Ok(data),
            Err(_) => return Reply::text(200, ""),
        },
        "/user/password/reset" => login::reset_as_admin(shared, &caller),
        "/user/allow_register/get" => Ok(serde_json::json!({ "allowRegister": true }).into()),
        path => people::defaults(shared, path, &caller),
    };
    api::reply(shared, outcome)
}

fn everybody(shared: &Shared, call: &Call<'_>) -> Reply {
    let holder = shared.chat.holder(shared, call.token);
    let nobody = || Caller { admin: false, user: String::new(), body: call.body };
    let outcome = match call.path {
        "/account/login" => login::login(shared, call.body),
        "/account/code/send" => login::send_code(shared, call.body),
        "/account/code/verify" => login::verify_code(shared, call.body),
        "/account/password/reset" => login::reset_by_code(shared, call.body),
        // A token that is no good is as none.
        "/account/register" => {
            let admin = holder.ok().filter(|holder| holder.admin);
            let caller = admin.map_or_else(nobody, |h| Caller { admin: true, user: h.user, body: call.body });
            register::register(shared, &caller)
        }
        path @ ("/user/find/full" | "/user/find/public" | "/user/search/full" | "/user/update") => holder
            .and_then(|holder| {
                let caller = Caller { admin: holder.admin, user: holder.user, body: call.body };
                match path {
                    "/user/find/full" => people::find_full(shared, &caller),
                    "/user/find/public" => people::find_public(shared, &caller),
                    "/user/search/full" => people::search(shared, &caller),
                    _ => people::update(shared, &caller),
                }
            }),
        _ => return Reply::text(404, "404 page not found"),
    };
    api::reply(shared, outcome)
}

/// A call of the IM, as the chat server makes it.
fn of_im(shared: &Shared, path: &str, body: &Value) -> Outcome {
    api::as_admin(shared, path, body)
}

/// The IM's admin token: fetched anew every four minutes, and so one that ends others (`shared::issue`).
fn keep_im_token(shared: &Shared) {
    const KEPT_MS: i64 = 240_000;
    let now = shared.now();
    let mut rows = shared.chat.rows();
    if rows.im_token_until <= now {
        rows.im_token_until = now + KEPT_MS;
        drop(rows);
        shared.issue(&shared.options.admin, super::users::ADMIN_PLATFORM);
    }
}

/// A token of the IM for a user, from what the IM says.
fn im_token(outcome: Outcome) -> Result<String, Refusal> {
    let Data::Json(text) = outcome? else { return Ok(String::new()) };
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    Ok(value["token"].as_str().unwrap_or_default().to_owned())
}
