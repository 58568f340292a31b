//! `POST /msg/send_msg`: what it takes, what it refuses, what it queues.

use super::answer::{Data, Outcome, Refusal};
use super::api::Caller;
use super::body::{Fields, parse};
use super::content;
use super::json::{self, Value};
use super::record::{Extra, Record, hex};
use super::shared::Shared;
use super::world::{GroupStatus, Queued, World};
use crate::message::Release;
use std::borrow::Cow;
use std::sync::Arc;

/// How long a receiver who was refused stays unknown on 3.8.3, ms.
const REFUSED_FOR: i64 = 5000;

/// A body that could be read.
struct Request<'v> {
    sender: &'v str,
    receiver: &'v str,
    group: &'v str,
    nickname: &'v str,
    face_url: &'v str,
    platform: i32,
    content: Cow<'v, Value<'v>>,
    content_type: i32,
    session: i32,
    online_only: bool,
    not_offline_push: bool,
    send_time: i64,
    push_info: Option<Box<str>>,
    ex: &'v str,
}

/// Answers a call of `send_msg`.
pub(super) fn send(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let request = read(&value)?;
    if caller.claims.user != shared.options.admin {
        return Err(Refusal::no_permission("only app manager can send message"));
    }
    let structure =
        content::structure(shared.release(), request.content_type).ok_or_else(|| Refusal::args(""))?;
    if request.content_type == 1400 {
        return Err(Refusal::no_permission("notification messages cannot be sent for this ID"));
    }
    content::check(structure, &request.content).map_err(Refusal::internal)?;
    let mut text = String::with_capacity(caller.body.len());
    json::write_compact(&request.content, &mut text);
    let now = shared.now();
    let mut world = shared.world();
    let allowed = if request.session == 3 {
        may_write_to_group(shared, &mut world, &request, now)
    } else {
        may_write_to_user(shared, &mut world, &request, now)
    };
    allowed?;
    Ok(queue(shared, &mut world, &request, text.into(), caller.operation, now))
}

fn read<'v>(value: &'v Value<'v>) -> Result<Request<'v>, Refusal> {
    let fields = Fields::of(value, "SendMsgReq.SendMsg", "apistruct.SendMsgReq")?;
    let content = content_of(&fields);
    let request = Request {
        sender: fields.text("sendID"),
        receiver: fields.text("recvID"),
        group: fields.text("groupID"),
        nickname: fields.text("senderNickname"),
        face_url: fields.text("senderFaceURL"),
        platform: fields.int32("senderPlatformID"),
        content: content.unwrap_or(Cow::Owned(Value::Null)),
        content_type: fields.int32("contentType"),
        session: fields.int32("sessionType"),
        online_only: fields.flag("isOnlineOnly"),
        not_offline_push: fields.flag("notOfflinePush"),
        send_time: fields.int64("sendTime"),
        push_info: fields.object("offlinePushInfo", "sdkws.OfflinePushInfo").map(push_info),
        ex: fields.text("ex"),
    };
    fields.finish()?;
    missing(&request)?;
    Ok(request)
}

/// `content` is a Go map: of two objects under that name the second adds to the first.
fn content_of<'v>(fields: &Fields<'v, 'v>) -> Option<Cow<'v, Value<'v>>> {
    let mut content: Option<Cow<'v, Value<'v>>> = None;
    for (place, value) in fields.all("content") {
        let Value::Object(members) = value else {
            fields.is_wrong(place, value, "content", "map[string]interface {}");
            continue;
        };
        content = Some(match content {
            None => Cow::Borrowed(value),
            Some(before) => match before.into_owned() {
                Value::Object(mut all) => {
                    all.extend(members.iter().cloned());
                    Cow::Owned(Value::Object(all))
                }
                other => Cow::Owned(other),
            },
        });
    }
    content
}

/// Required fields, in the order of the structure.
fn missing(request: &Request<'_>) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    let mut required = |present: bool, path: &str, name: &str, tag: &str| {
        if !present {
            errors.push(format!(
                "Key: 'SendMsgReq.{path}{name}' Error:Field validation for '{name}' failed on the '{tag}' tag"
            ));
        }
    };
    required(request.session == 3 || !request.receiver.is_empty(), "", "RecvID", "required_if");
    required(!request.sender.is_empty(), "SendMsg.", "SendID", "required");
    required(!matches!(*request.content, Value::Null), "SendMsg.", "Content", "required");
    required(request.content_type != 0, "SendMsg.", "ContentType", "required");
    required(request.session != 0, "SendMsg.", "SessionType", "required");
    if errors.is_empty() { Ok(()) } else { Err(Refusal::body(errors.join("\n"))) }
}

/// As it is read back.
fn push_info(value: &Value<'_>) -> Box<str> {
    let text = |key: &str| match value.get(key) {
        Some(Value::String(text)) => text.clone().into_owned(),
        _ => String::new(),
    };
    let badge = matches!(value.get("iOSBadgeCount"), Some(Value::Bool(true)));
    serde_json::json!({
        "title": text("title"), "desc": text("desc"), "ex": text("ex"), "iOSPushSound": text("iOSPushSound"),
        "iOSBadgeCount": badge, "signalInfo": text("signalInfo"),
    })
    .to_string()
    .into()
}

fn may_write_to_user(
    shared: &Shared,
    world: &mut World,
    request: &Request<'_>,
    now: i64,
) -> Result<(), Refusal> {
    let release = shared.release();
    if shared.auto_users() {
        return Ok(());
    }
    if release == Release::Main && !world.users.contains_key(request.sender) {
        return Err(Refusal::not_found("record not found"));
    }
    let refused_lately = release == Release::V3_8_3
        && world.refused_receivers.get(request.receiver).is_some_and(|until| now < *until);
    if refused_lately || !world.users.contains_key(request.receiver) {
        if release == Release::V3_8_3 && !refused_lately {
            world.refused_receivers.retain(|_, until| now < *until);
            world.refused_receivers.insert(request.receiver.into(), now + REFUSED_FOR);
        }
        return Err(Refusal::not_found("userID not found"));
    }
    if world.blocks.contains_key(&(Arc::from(request.receiver), Arc::from(request.sender))) {
        return Err(Refusal::bare(release, 1302, "BlockedByPeer"));
    }
    Ok(())
}

fn may_write_to_group(
    shared: &Shared,
    world: &mut World,
    request: &Request<'_>,
    now: i64,
) -> Result<(), Refusal> {
    let release = shared.release();
    if shared.auto_users() && !world.groups.contains_key(request.group) {
        return Ok(());
    }
    let group = world.groups.get(request.group).ok_or_else(|| Refusal::not_found("cache is not found"))?;
    if group.status == GroupStatus::Dismissed {
        return Err(Refusal::bare(release, 1204, "DismissedAlreadyError"));
    }
    if request.sender == shared.options.admin || shared.auto_users() {
        return Ok(());
    }
    let member = group
        .members
        .get(request.sender)
        .ok_or_else(|| Refusal::bare(release, 1203, "NotInGroupYetError"))?;
    if member.role >= 60 {
        return Ok(());
    }
    if member.muted_until > now {
        return Err(Refusal::bare(release, 1402, "MutedInGroup"));
    }
    if group.status == GroupStatus::Muted {
        return Err(Refusal::bare(release, 1403, "MutedGroup"));
    }
    Ok(())
}

/// The message goes into the first queue, and its ids into the answer.
fn queue(
    shared: &Shared,
    world: &mut World,
    request: &Request<'_>,
    text: Box<str>,
    operation: &str,
    now: i64,
) -> Data {
    let sender = world.name(request.sender);
    let route = if request.session == 3 {
        world.routes.group(&sender, request.group)
    } else {
        world.routes.single(&sender, request.receiver)
    };
    let [server_id, client_id] = shared.fresh_ids(world);
    let send_time = if request.send_time == 0 { now } else { request.send_time };
    let data = Data::Json(sent(shared.release(), server_id, client_id, send_time));
    let hash = xxhash_rust::xxh3::xxh3_64(operation.as_bytes());
    world.sent_operations.insert(hash, now);
    let conversation = world.conversation_mut(&route.conversation);
    conversation.tally.received += 1;
    conversation.tally.queued += 1;
    conversation.tally.acknowledged += 1;
    if request.online_only {
        conversation.dropped("online only, never stored", 1);
        return data;
    }
    let record = Record {
        route,
        server_id,
        client_id,
        send_time,
        create_time: now,
        content_type: request.content_type,
        platform: request.platform,
        content: text,
        ex: request.ex.into(),
        not_offline_push: request.not_offline_push,
        extra: extra(shared.release(), request),
    };
    world.unsettled += 1;
    world.queue.push_back(Queued { record: Arc::new(record) });
    if world.queue.len() == 1 || world.queue.len() == super::queue::BATCH {
        shared.queued.notify_one();
    }
    data
}

fn extra(release: Release, request: &Request<'_>) -> Option<Box<Extra>> {
    let at: Vec<Box<str>> = match request.content.get("atUserList") {
        Some(Value::Array(items)) if request.content_type == 106 && release == Release::Main => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.as_ref().into()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    if request.nickname.is_empty()
        && request.face_url.is_empty()
        && request.push_info.is_none()
        && at.is_empty()
    {
        return None;
    }
    Some(Box::new(Extra {
        nickname: request.nickname.into(),
        face_url: request.face_url.into(),
        push_info: request.push_info.clone(),
        at,
        ..Extra::default()
    }))
}

fn sent(release: Release, server_id: [u8; 16], client_id: [u8; 16], send_time: i64) -> String {
    let modify = match release {
        Release::V3_8_3 => ",\"modify\":null",
        Release::Main => "",
    };
    format!(
        r#"{{"serverMsgID":"{}","clientMsgID":"{}","sendTime":{send_time}{modify}}}"#,
        hex(server_id),
        hex(client_id)
    )
}
