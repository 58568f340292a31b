//! From a call to its answer: headers, token, path.

use super::answer::{Data, Outcome, Refusal, success};
use super::audit::Calls;
use super::chat::Door;
use super::http::Reply;
use super::shared::Shared;
use super::token::Claims;
use super::{
    config, conversations, friends, group_lists, groups, objects, positions, read, send, store, users,
};

/// A call as it came in.
pub(super) struct Call<'a> {
    /// Through which door of the chat server it came; `None`: to the IM.
    pub(super) door: Option<Door>,
    pub(super) path: &'a str,
    pub(super) post: bool,
    pub(super) token: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    /// `Host`: the address of objects begins so, unless `X-Request-Api` says otherwise.
    pub(super) host: Option<&'a str>,
    pub(super) request_api: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Who calls, with what.
pub(super) struct Caller<'a> {
    pub(super) claims: Claims,
    pub(super) operation: &'a str,
    pub(super) body: &'a [u8],
    host: Option<&'a str>,
    request_api: Option<&'a str>,
}

impl Caller<'_> {
    /// The address of an object, its name as it is: nothing is escaped, and nothing about the prefix is checked.
    pub(super) fn object_url(&self, name: &str) -> String {
        match self.request_api.filter(|api| !api.is_empty()) {
            Some(api) => format!("{}/object/{name}", api.trim_end_matches('/')),
            None => format!("http://{}/object/{name}", self.host.unwrap_or_default()),
        }
    }
}

/// Answers an API call.
pub(super) async fn serve(shared: &Shared, call: &Call<'_>) -> Reply {
    let outcome = match admitted(shared, call) {
        Err(refusal) => return reply(shared, Err(refusal)),
        Ok(caller) if call.post && call.path.starts_with("/object/") => {
            match objects::serve(shared, call.path, &caller).await {
                Some(outcome) => outcome,
                None => return Reply::text(404, "404 page not found"),
            }
        }
        Ok(caller) => match dispatch(shared, call.path, &caller) {
            Some(outcome) => {
                shared.pace.answer(call.path, call.body.len()).await;
                outcome
            }
            None => return Reply::text(404, "404 page not found"),
        },
    };
    let reply = reply(shared, outcome);
    count(shared, call, reply.body.len());
    reply
}

/// Only of calls that there are: what strangers make up takes no memory.
fn count(shared: &Shared, call: &Call<'_>, answered: usize) {
    let mut world = shared.world();
    if !world.calls.contains_key(call.path) {
        world.calls.insert(call.path.to_owned(), Calls::default());
    }
    if let Some(calls) = world.calls.get_mut(call.path) {
        calls.count += 1;
        calls.asked_bytes += call.body.len() as u64;
        calls.answered_bytes += answered as u64;
    }
}

/// The answer's envelope.
pub(super) fn reply(shared: &Shared, outcome: Outcome) -> Reply {
    match outcome {
        Ok(data) => {
            let mut reply = Reply::json(success(&data));
            if let Data::Sent { conversation, .. } = data {
                reply.acknowledges = Some(conversation);
            }
            reply
        }
        Err(refusal) => {
            *shared.world().refusals.entry(refusal.code).or_default() += 1;
            let mut reply = Reply::json(refusal.text());
            if refusal.status != 200 {
                // The real server has sent the head before it knows that JSON follows.
                reply.status = refusal.status;
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
        return Ok(Caller { claims: nobody, operation: "", body: call.body, host: None, request_api: None });
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
        shared.verify(token).map_err(|bad| bad.refusal(shared.traits(), token))?
    };
    Ok(Caller { claims, operation, body: call.body, host: call.host, request_api: call.request_api })
}

/// A call that another program of the house makes as the admin.
pub(super) fn as_admin(shared: &Shared, path: &str, body: &serde_json::Value) -> Outcome {
    let body = body.to_string();
    let claims = Claims { user: shared.options.admin.clone(), platform: 10, exp: 0, nbf: 0, iat: 0 };
    let caller = Caller { claims, operation: "chat", body: body.as_bytes(), host: None, request_api: None };
    dispatch(shared, path, &caller).unwrap_or_else(|| Err(Refusal::internal("404 page not found")))
}

/// `None`: there is no such path.
fn dispatch(shared: &Shared, path: &str, caller: &Caller<'_>) -> Option<Outcome> {
    if caller.operation.is_empty() {
        return None;
    }
    let config = shared.traits().config_paths;
    Some(match path {
        "/msg/send_msg" => send::send(shared, caller),
        "/msg/send_business_notification" => send::business(shared, caller),
        "/msg/get_conversations_has_read_and_max_seq" => read::seqs(shared, caller),
        "/msg/pull_msg_by_seq" => read::pull(shared, caller),
        "/msg/newest_seq" => read::newest(shared, caller),
        "/msg/check_msg_is_send_success" => Ok(read::send_status(shared, caller)),
        "/msg/get_server_time" => Ok(read::server_time(shared)),
        "/msg/search_msg" => store::search(shared, caller),
        "/msg/set_conversation_has_read_seq" => positions::set_read(shared, caller),
        "/msg/delete_msg_phsical_by_seq" => positions::delete_for_all(shared, caller),
        "/msg/delete_msgs" => positions::delete_for_me(shared, caller),
        "/msg/clear_conversation_msg" => positions::clear(shared, caller),
        "/msg/revoke_msg" => positions::revoke(shared, caller),
        "/auth/get_admin_token" => users::admin_token(shared, caller),
        "/auth/get_user_token" => users::user_token(shared, caller),
        "/user/user_register" => users::register(shared, caller),
        "/user/account_check" => users::account_check(shared, caller),
        "/user/get_users_info" => users::infos(shared, caller),
        "/user/set_global_msg_recv_opt" => users::set_receiving(shared, caller),
        "/user/get_users_online_status" => users::online(shared, caller),
        "/group/create_group" => groups::create(shared, caller),
        "/group/invite_user_to_group" => groups::invite(shared, caller),
        "/group/kick_group" => groups::kick(shared, caller),
        "/group/dismiss_group" => groups::dismiss(shared, caller),
        "/group/mute_group" => groups::mute(shared, caller, true),
        "/group/cancel_mute_group" => groups::mute(shared, caller, false),
        "/group/mute_group_member" => groups::mute_member(shared, caller, true),
        "/group/cancel_mute_group_member" => groups::mute_member(shared, caller, false),
        "/group/get_groups_info" => group_lists::infos(shared, caller),
        "/group/get_group_member_list" => group_lists::members(shared, caller),
        "/group/get_full_group_member_user_ids" => group_lists::member_ids(shared, caller),
        "/group/get_joined_group_list" => group_lists::joined_list(shared, caller),
        "/group/get_full_join_group_ids" => group_lists::joined(shared, caller),
        "/friend/import_friend" => friends::import(shared, caller),
        "/friend/get_friend_list" => friends::list(shared, caller),
        "/friend/get_friend_id" => friends::ids(shared, caller),
        "/friend/add_black" => friends::block(shared, caller),
        "/friend/remove_black" => friends::unblock(shared, caller),
        "/friend/get_black_list" => friends::blocked(shared, caller),
        "/conversation/get_all_conversations" => conversations::all(shared, caller),
        "/conversation/get_conversations" => conversations::some(shared, caller),
        "/conversation/set_conversations" => conversations::set(shared, caller),
        "/conversation/get_full_conversation_ids" => read::conversation_ids(shared, caller),
        "/statistics/user/active" => store::active(shared, caller),
        "/config/get_config_list" if config => config::list(shared, caller),
        "/config/get_config" if config => config::one(shared, caller),
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

/// Only the admin, or the user whom it concerns. The text is the real server's: it forgets a name.
pub(super) fn admin_or_own(shared: &Shared, caller: &Caller<'_>, owner: &str) -> Result<(), Refusal> {
    if caller.claims.user == shared.options.admin || caller.claims.user == owner {
        Ok(())
    } else {
        Err(Refusal::no_permission(format!("ownerUserID, {owner}=MISSING")))
    }
}
