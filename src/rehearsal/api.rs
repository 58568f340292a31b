//! From a call to its answer: headers, token, path.

use super::answer::{Outcome, Refusal, success};
use super::http::{Cut, Reply};
use super::shared::Shared;
use super::token::Claims;
use super::{groups, read, send, users};
use std::sync::Arc;

/// A call as it came in.
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    pub(super) post: bool,
    pub(super) token: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Who calls, with what.
pub(super) struct Caller<'a> {
    pub(super) claims: Claims,
    pub(super) operation: &'a str,
    pub(super) body: &'a [u8],
}

/// Answers an API call.
pub(super) async fn serve(shared: &Arc<Shared>, call: &Call<'_>) -> Result<Reply, Cut> {
    let outcome = match admitted(shared, call) {
        Err(refusal) => Err(refusal),
        Ok(caller) => match dispatch(shared, call.path, &caller) {
            Some(outcome) => {
                if call.path == "/msg/send_msg" {
                    shared.pace.answer().await;
                }
                outcome
            }
            None => return Ok(Reply::text(404, "404 page not found")),
        },
    };
    Ok(reply(outcome, shared))
}

fn reply(outcome: Outcome, shared: &Shared) -> Reply {
    match outcome {
        Ok(data) => Reply::json(success(&data)),
        Err(refusal) => {
            *shared.world().refusals.entry(refusal.code).or_default() += 1;
            let mut reply = Reply::json(refusal.text());
            if refusal.status == 400 {
                // The real server has sent the head before it knows that JSON follows.
                reply.status = 400;
                reply.content_type = "text/plain; charset=utf-8";
            }
            reply
        }
    }
}

/// The headers are as they must be, and the token is good.
fn admitted<'a>(shared: &Shared, call: &Call<'a>) -> Result<Caller<'a>, Refusal> {
    let nobody = Claims { user: String::new(), platform: 0, exp: 0, nbf: 0, iat: 0 };
    if !call.post {
        return Ok(Caller { claims: nobody, operation: "", body: call.body });
    }
    let operation = call
        .operation
        .filter(|o| !o.is_empty())
        .ok_or_else(|| Refusal::args("header must have operationID"))?;
    let claims = if matches!(call.path, "/auth/get_admin_token" | "/auth/parse_token") {
        nobody
    } else {
        let token =
            call.token.filter(|t| !t.is_empty()).ok_or_else(|| Refusal::args("header must have token"))?;
        shared.verify(token).map_err(|bad| bad.refusal(shared.release(), token))?
    };
    Ok(Caller { claims, operation, body: call.body })
}

/// `None`: there is no such path.
fn dispatch(shared: &Shared, path: &str, caller: &Caller<'_>) -> Option<Outcome> {
    if caller.operation.is_empty() {
        return None;
    }
    Some(match path {
        "/msg/send_msg" => send::send(shared, caller),
        "/msg/get_conversations_has_read_and_max_seq" => read::seqs(shared, caller),
        "/msg/pull_msg_by_seq" => read::pull(shared, caller),
        "/msg/get_server_time" => Ok(read::server_time(shared)),
        "/auth/get_admin_token" => users::admin_token(shared, caller),
        "/auth/get_user_token" => users::user_token(shared, caller),
        "/user/user_register" => users::register(shared, caller),
        "/user/account_check" => users::account_check(shared, caller),
        "/group/create_group" => groups::create(shared, caller),
        _ => return None,
    })
}

/// Only the admin may do this.
pub(super) fn admin_only(shared: &Shared, caller: &Caller<'_>) -> Result<(), Refusal> {
    if caller.claims.user == shared.options.admin {
        Ok(())
    } else {
        Err(Refusal::no_permission(format!("user {} is not admin userID", caller.claims.user)))
    }
}
