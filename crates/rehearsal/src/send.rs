//! `POST /msg/send_msg`: what it takes, what it refuses, what it queues.

use super::answer::{Data, Outcome, Refusal};
use super::api::Caller;
use super::body::{Fields, parse};
use super::content;
use super::json::{self, Value};
use super::notices::{Note, Notice, post};
use super::record::{Extra, Record, Way, hex};
use super::release::Traits;
use super::shared::Shared;
use super::users::NOTIFIER;
use super::verify::{may_write, takes_nothing};
use super::world::{Queued, World};
use std::borrow::Cow;
use std::sync::Arc;

/// `contentType` of a notice from a notification account.
const OA: i32 = 1400;
const AT: i32 = 106;

/// A body that could be read.
pub(super) struct Request<'v> {
    pub(super) sender: &'v str,
    pub(super) receiver: &'v str,
    pub(super) group: &'v str,
    nickname: &'v str,
    face_url: &'v str,
    platform: i32,
    content: Cow<'v, Value<'v>>,
    content_type: i32,
    pub(super) session: i32,
    online_only: bool,
    not_offline_push: bool,
    send_time: i64,
    push_info: Option<Box<str>>,
    ex: &'v str,
}

/// Answers a call of `send_msg`.
pub(super) fn send(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let mut request = read(&value)?;
    if caller.claims.user != shared.options.admin {
        return Err(Refusal::no_permission("only app manager can send message"));
    }
    let structure =
        content::structure(shared.release(), request.content_type).ok_or_else(|| Refusal::args(""))?;
    if request.content_type == OA {
        let level = shared.world().users.get(request.sender).map_or(0, |user| user.level);
        if level < NOTIFIER {
            return Err(Refusal::no_permission("notification messages cannot be sent for this ID"));
        }
        request.session = 4;
    }
    content::check(structure, &request.content).map_err(Refusal::internal)?;
    let text = stored_text(&request, caller.body.len());
    let now = shared.now();
    let mut guard = shared.world();
    let world = &mut *guard;
    if let Err(refusal) = may_write(shared, world, &request, now) {
        count_refused(world, &request);
        return Err(refusal);
    }
    if takes_nothing(world, &request) {
        count_refused(world, &request);
        let modify = if shared.traits().modify_field { ",\"modify\":null" } else { "" };
        let nothing = format!(r#"{{"serverMsgID":"","clientMsgID":"","sendTime":0{modify}}}"#);
        return if shared.traits().throws_away {
            Ok(Data::Json(nothing))
        } else {
            Err(Refusal::args("message is not sent"))
        };
    }
    fits(shared.traits(), caller.body.len(), text.len())?;
    Ok(queue(shared, world, &request, text.into(), caller.operation, now))
}

/// `/msg/send_business_notification`: with reliability level 2 (main) it passes the queue and moves only the
/// `n_` conversation; without, it is told to who is online and forgotten.
pub(super) fn business(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "", "struct")?;
    let (key, data) = (fields.text("key"), fields.text("data"));
    let (sender, receiver, group) =
        (fields.text("sendUserID"), fields.text("recvUserID"), fields.text("recvGroupID"));
    let level = fields.int32("reliabilityLevel");
    fields.finish()?;
    let reliable = shared.traits().reliable_business;
    let mut errors = Vec::new();
    let mut required = |present: bool, name: &str| {
        if !present {
            errors.push(format!(
                "Key: '{name}' Error:Field validation for '{name}' failed on the 'required' tag"
            ));
        }
    };
    required(!sender.is_empty(), "SendUserID");
    required(!receiver.is_empty() || (reliable && !group.is_empty()), "RecvUserID");
    if !errors.is_empty() {
        return Err(Refusal::body(errors.join("\n")));
    }
    if caller.claims.user != shared.options.admin {
        return Err(Refusal::no_permission("only app manager can send message"));
    }
    let mut world = shared.world();
    let now = shared.now();
    let (server_id, client_id) = if reliable && level == 2 {
        let (to, way) =
            if group.is_empty() { (receiver, Way::SingleAside) } else { (group, Way::GroupAside) };
        let tips = format!("{{\"key\":{},\"data\":{}}}", serde_json::json!(key), serde_json::json!(data));
        post(shared, &mut world, &Note { notice: Notice::Business, sender, to, way, tips })
    } else {
        let [server_id, client_id] = shared.fresh_ids(&mut world);
        (server_id, client_id)
    };
    Ok(Data::Json(sent(shared.traits(), server_id, client_id, now)))
}

fn read<'v>(value: &'v Value<'v>) -> Result<Request<'v>, Refusal> {
    let fields = Fields::of(value, "SendMsgReq.SendMsg", "apistruct.SendMsgReq")?;
    let content = content_of(&fields);
    let request = Request {
        sender: fields.text("sendID"),
        receiver: fields.text_of("recvID", "SendMsgReq"),
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
        push_info: fields.object("offlinePushInfo", "sdkws.OfflinePushInfo").map(push_info).transpose()?,
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
        content = Some(match content.map(Cow::into_owned) {
            Some(Value::Object(mut all)) => {
                all.extend(members.iter().cloned());
                Cow::Owned(Value::Object(all))
            }
            _ => Cow::Borrowed(value),
        });
    }
    content
}

/// Required fields, in the order of the structure.
fn missing(request: &Request<'_>) -> Result<(), Refusal> {
    const GROUP: &str = "required_if=SessionType 2|required_if=SessionType 3";
    let mut errors = Vec::new();
    let mut required = |present: bool, path: &str, name: &str, tag: &str| {
        if !present {
            errors.push(format!(
                "Key: 'SendMsgReq.{path}{name}' Error:Field validation for '{name}' failed on the '{tag}' tag"
            ));
        }
    };
    let (to_user, to_group) = (matches!(request.session, 1 | 4), matches!(request.session, 2 | 3));
    required(!to_user || !request.receiver.is_empty(), "", "RecvID", "required_if");
    required(!request.sender.is_empty(), "SendMsg.", "SendID", "required");
    required(!to_group || !request.group.is_empty(), "SendMsg.", "GroupID", GROUP);
    required(!matches!(*request.content, Value::Null), "SendMsg.", "Content", "required");
    required(request.content_type != 0, "SendMsg.", "ContentType", "required");
    required(request.session != 0, "SendMsg.", "SessionType", "required");
    if errors.is_empty() { Ok(()) } else { Err(Refusal::body(errors.join("\n"))) }
}

/// As it is read back.
fn push_info(value: &Value<'_>) -> Result<Box<str>, Refusal> {
    let fields = Fields::of(value, "SendMsgReq.SendMsg.offlinePushInfo", "sdkws.OfflinePushInfo")?;
    let mut out = String::new();
    for (n, name) in ["title", "desc", "ex", "iOSPushSound"].into_iter().enumerate() {
        out.push_str(if n == 0 { "{\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        json::write_string(fields.text(name), &mut out);
    }
    let badge = fields.flag("iOSBadgeCount");
    out.push_str(if badge { ",\"iOSBadgeCount\":true" } else { ",\"iOSBadgeCount\":false" });
    out.push_str(",\"signalInfo\":");
    json::write_string(fields.text("signalInfo"), &mut out);
    out.push('}');
    fields.finish()?;
    Ok(out.into())
}

/// The content as it is stored.
fn stored_text(request: &Request<'_>, about: usize) -> String {
    if let Some(filled) = content::filled(request.content_type, &request.content) {
        return filled;
    }
    let mut text = String::with_capacity(about);
    json::write_compact(&request.content, &mut text);
    if request.content_type == OA {
        let mut wrapped = String::from("{\"detail\":");
        json::write_string(&text, &mut wrapped);
        wrapped.push('}');
        return wrapped;
    }
    text
}

/// One process takes any size; a distributed server passes each message through gRPC and Kafka.
fn fits(traits: &Traits, call: usize, content: usize) -> Result<(), Refusal> {
    match traits.sizes {
        Some(most) if call > most.call => Err(Refusal::internal(format!(
            "rpc error: code = ResourceExhausted desc = grpc: received message larger than max ({call} vs. {})",
            most.call
        ))),
        Some(most) if content > most.message => Err(Refusal::internal(
            "kafka server: Message was too large, server rejected it to avoid allocation error",
        )),
        _ => Ok(()),
    }
}

/// Only where there is a conversation to count it for.
fn count_refused(world: &mut World, request: &Request<'_>) {
    let sender = Arc::from(request.sender);
    let route = match request.session {
        3 => world.routes.to(&sender, request.group, Way::Group),
        _ => world.routes.to(&sender, request.receiver, Way::Single),
    };
    if let Some(conversation) = world.conversations.get_mut(&route.conversation) {
        conversation.tally.received += 1;
        conversation.tally.refused += 1;
    }
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
    let route = match request.session {
        3 => world.routes.to(&sender, request.group, Way::Group),
        4 => world.routes.to(&sender, request.receiver, Way::Account),
        _ => world.routes.to(&sender, request.receiver, Way::Single),
    };
    // Who takes messages quietly has them stored with that option.
    let quiet = world.users.get(request.receiver).is_some_and(|user| user.receive_option == 2);
    let [server_id, client_id] = shared.fresh_ids(world);
    let send_time = if request.send_time == 0 { now } else { request.send_time };
    let text_of_answer = sent(shared.traits(), server_id, client_id, send_time);
    let data = Data::Sent { text: text_of_answer, conversation: Arc::clone(&route.conversation) };
    world.sent_operations.insert(xxhash_rust::xxh3::xxh3_64(operation.as_bytes()), now);
    let conversation = world.conversation_mut(&route.conversation);
    conversation.tally.received += 1;
    conversation.tally.queued += 1;
    conversation.tally.acknowledged += 1;
    if request.online_only {
        conversation.dropped("online only, never stored", 1);
        return data;
    }
    conversation.last_route = Some(Arc::clone(&route));
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
        not_offline_push: request.not_offline_push || quiet,
        extra: extra(shared.traits(), request),
    };
    if let Some(again) = &mut world.again {
        let earlier = again.sent(&record);
        let conversation = world.conversation_mut(&record.route.conversation);
        conversation.tally.again_though_stored += u64::from(earlier.stands);
        conversation.tally.again_though_queued += u64::from(earlier.queued);
    }
    shared.enqueue(world, Queued::new(record));
    data
}

fn extra(traits: &Traits, request: &Request<'_>) -> Option<Box<Extra>> {
    let at: Vec<Box<str>> = match request.content.get("atUserList") {
        Some(Value::Array(items)) if request.content_type == AT && traits.keeps_at_list => items
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

fn sent(traits: &Traits, server_id: [u8; 16], client_id: [u8; 16], send_time: i64) -> String {
    let modify = if traits.modify_field { ",\"modify\":null" } else { "" };
    format!(
        r#"{{"serverMsgID":"{}","clientMsgID":"{}","sendTime":{send_time}{modify}}}"#,
        hex(server_id),
        hex(client_id)
    )
}
