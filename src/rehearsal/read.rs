//! Reading back: numbers, read positions, messages.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_or_own};
use super::body::{Fields, parse};
use super::groups::full_ids;
use super::json::write_string;
use super::log::{Conversation, Member, Revocation};
use super::record::{Record, hex};
use super::shared::Shared;
use crate::message::Release;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How long the status of a message is kept: a day.
const STATUS_KEPT_MS: i64 = 86_400_000;
/// `contentType` of what was revoked.
const REVOKED: i32 = 2101;
/// `status` of an empty slot.
const DELETED: i32 = 4;

macro_rules! put {
    ($out:expr, $($arg:tt)*) => {
        std::fmt::Write::write_fmt($out, format_args!($($arg)*)).expect("a String takes all that fits")
    };
}

/// `/msg/get_server_time`
pub(super) fn server_time(shared: &Shared) -> Data {
    json!({ "serverTime": shared.now() }).into()
}

/// `/msg/get_conversations_has_read_and_max_seq`
pub(super) fn seqs(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields =
        Fields::of(&value, "GetConversationsHasReadAndMaxSeqReq", "msg.GetConversationsHasReadAndMaxSeqReq")?;
    let user = fields.text("userID");
    let mut ids: Vec<String> = fields.texts("conversationIDs").into_iter().map(str::to_owned).collect();
    fields.finish()?;
    let world = shared.world();
    if ids.is_empty() {
        ids = world.conversations_of(user, shared.now()).into_iter().map(str::to_owned).collect();
    }
    let nothing = Conversation::default();
    let seqs: Map<String, Value> = ids
        .into_iter()
        .map(|id| {
            let conversation = world.conversations.get(id.as_str()).unwrap_or(&nothing);
            let member = conversation.members.get(user);
            let has_read = member.map_or(0, |m| m.has_read);
            // Who was kicked sees the conversation end there.
            let max_seq = member.map(|m| m.max_seq).filter(|max| *max != 0).unwrap_or(conversation.max_seq);
            let time = conversation.max_seq_time;
            (id, json!({ "maxSeq": max_seq, "hasReadSeq": has_read, "maxSeqTime": time }))
        })
        .collect();
    Ok(json!({ "seqs": seqs, "pinnedConversationIDs": null }).into())
}

/// `/msg/newest_seq`
pub(super) fn newest(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetMaxSeqReq", "sdkws.GetMaxSeqReq")?;
    let user = fields.text("userID");
    fields.finish()?;
    if user.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    admin_or_own(shared, caller, user)?;
    let world = shared.world();
    let mut seqs = Map::new();
    for id in world.conversations_of(user, shared.now()) {
        // The `n_` conversation beside the people's own is named too, once it has something.
        let aside = format!("n{}", &id[2..]);
        for id in [id, &aside] {
            if let Some(max_seq) = world.conversations.get(id).map(|c| c.max_seq).filter(|max| *max > 0) {
                seqs.insert(id.to_owned(), json!(max_seq));
            }
        }
    }
    let mut data = Map::new();
    match shared.release() {
        Release::V3_8_3 => {
            data.insert(
                "maxSeqs".to_owned(),
                if seqs.is_empty() { Value::Null } else { Value::Object(seqs) },
            );
            data.insert("minSeqs".to_owned(), Value::Null);
        }
        Release::Main if seqs.is_empty() => {}
        Release::Main => {
            data.insert("maxSeqs".to_owned(), Value::Object(seqs));
        }
    }
    Ok(Value::Object(data).into())
}

/// `/conversation/get_full_conversation_ids`
pub(super) fn conversation_ids(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields =
        Fields::of(&value, "GetFullOwnerConversationIDsReq", "conversation.GetFullOwnerConversationIDsReq")?;
    let (user, hash) = (fields.text("userID"), fields.uint64("idHash"));
    fields.finish()?;
    admin_or_own(shared, caller, user)?;
    let world = shared.world();
    let ids = world.conversations_of(user, shared.now());
    Ok(full_ids(shared, "conversationIDs", user, &ids, hash))
}

/// `/msg/check_msg_is_send_success`: by the operationID of this very call.
pub(super) fn send_status(shared: &Shared, caller: &Caller<'_>) -> Data {
    let hash = xxhash_rust::xxh3::xxh3_64(caller.operation.as_bytes());
    let world = shared.world();
    let known = world.sent_operations.get(&hash).is_some_and(|sent| shared.now() - sent < STATUS_KEPT_MS);
    json!({ "status": if known { 2 } else { 0 } }).into()
}

/// `/msg/pull_msg_by_seq`
pub(super) fn pull(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "PullMessageBySeqsReq", "sdkws.PullMessageBySeqsReq")?;
    let user = fields.text("userID");
    let ranges = fields.objects("seqRanges", "[]*sdkws.SeqRange");
    let descending = fields.int32("order") == 1;
    fields.finish()?;
    let release = shared.release();
    let now = shared.now();
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut world = shared.world();
    for range in ranges {
        let range = Fields::of(range, "PullMessageBySeqsReq.seqRanges", "sdkws.SeqRange")?;
        let id = range.text("conversationID");
        let (begin, end, num) = (range.int64("begin"), range.int64("end"), range.int64("num"));
        range.finish()?;
        let auto = shared.auto_users();
        let Some(conversation) = world.conversations.get_mut(id) else { continue };
        let member = conversation.members.get(user).cloned().unwrap_or_default();
        if !auto && !member.has_record(now) {
            continue;
        }
        let wanted = Wanted { begin, end, num, descending };
        let Some(pulled) = pull_range(shared, conversation, &member, wanted) else { continue };
        found.retain(|(other, _)| *other != id);
        found.push((id, pulled));
    }
    drop(world);
    Ok(Data::Json(pulled(release, &mut found)))
}

#[derive(Clone, Copy)]
struct Wanted {
    begin: i64,
    end: i64,
    num: i64,
    descending: bool,
}

fn pulled(release: Release, found: &mut [(&str, String)]) -> String {
    let mut out = String::from("{");
    if !found.is_empty() {
        found.sort_unstable_by_key(|(id, _)| *id);
        out.push_str("\"msgs\":{");
        for (n, (id, messages)) in found.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            write_string(id, &mut out);
            out.push(':');
            out.push_str(messages);
        }
        out.push('}');
    } else if release == Release::V3_8_3 {
        out.push_str("\"msgs\":null");
    }
    if release == Release::V3_8_3 {
        out.push_str(",\"notificationMsgs\":null");
    }
    out.push('}');
    out
}

/// `None`: nothing of the range is there for this user.
fn pull_range(
    shared: &Shared,
    conversation: &mut Conversation,
    member: &Member,
    wanted: Wanted,
) -> Option<String> {
    let (release, now) = (shared.release(), shared.now());
    let last =
        if member.max_seq == 0 { conversation.max_seq } else { conversation.max_seq.min(member.max_seq) };
    let end = wanted.end.min(last);
    let min_seq = member.min_seq.max(conversation.min_seq);
    let mut begin = wanted.begin.max(min_seq).max(1);
    if end < begin {
        return None;
    }
    // `num` caps the answer and keeps the last of the range.
    begin = begin.max(end.saturating_sub(wanted.num).saturating_add(1));
    if end < begin {
        return None;
    }
    let is_end = if wanted.descending { wanted.begin <= min_seq } else { last <= wanted.end };
    let mut out = String::from("{\"Msgs\":[");
    // An empty slot has the time of the message before it.
    let mut time = 0;
    for seq in begin..=end {
        if seq > begin {
            out.push(',');
        }
        let slot = conversation.slot_mut(seq);
        let revoked = slot.revoked.clone();
        let Some(record) = slot.read(now) else {
            write_empty(release, seq, time, &mut out);
            continue;
        };
        time = record.send_time;
        let shown = if member.hidden.contains(&seq) {
            Shown::Deleted
        } else {
            revoked.map_or(Shown::Whole, Shown::Revoked)
        };
        write_message(release, seq, record, &shown, &mut out);
    }
    put!(&mut out, "],\"isEnd\":{is_end},\"endSeq\":0}}");
    Some(out)
}

/// What of a message is shown to the user who asks.
enum Shown {
    Whole,
    /// It keeps its ids and becomes type 2101 (law 13).
    Revoked(Box<Revocation>),
    /// The user deleted it for himself: no content, status 4.
    Deleted,
}

fn write_message(release: Release, seq: i64, record: &Arc<Record>, shown: &Shown, out: &mut String) {
    let route = &record.route;
    let extra = record.extra.as_deref();
    out.push_str("{\"sendID\":");
    write_string(&route.sender, out);
    out.push_str(",\"recvID\":");
    write_string(&route.receiver, out);
    out.push_str(",\"groupID\":");
    write_string(&route.group, out);
    put!(
        out,
        ",\"clientMsgID\":\"{}\",\"serverMsgID\":\"{}\",\"senderPlatformID\":{},\"senderNickname\":",
        hex(record.client_id),
        hex(record.server_id),
        record.platform
    );
    write_string(extra.map_or("", |e| &e.nickname), out);
    out.push_str(",\"senderFaceURL\":");
    write_string(extra.map_or("", |e| &e.face_url), out);
    put!(
        out,
        ",\"sessionType\":{},\"msgFrom\":200,\"contentType\":{},\"content\":",
        route.session,
        if matches!(shown, Shown::Revoked(_)) { REVOKED } else { record.content_type }
    );
    match shown {
        Shown::Whole => write_bytes(&record.content, out),
        Shown::Revoked(by) => write_bytes(&super::notices::revoked(record, seq, by), out),
        Shown::Deleted => out.push_str("null"),
    }
    put!(
        out,
        ",\"seq\":{seq},\"sendTime\":{},\"createTime\":{},\"status\":{},\"isRead\":false",
        record.send_time,
        record.create_time,
        if matches!(shown, Shown::Deleted) { DELETED } else { 0 }
    );
    match extra.and_then(|e| e.options.as_deref()) {
        Some(options) => {
            out.push_str(",\"options\":");
            out.push_str(options);
        }
        None if record.not_offline_push => out.push_str(",\"options\":{\"offlinePush\":false}"),
        None if release == Release::V3_8_3 => out.push_str(",\"options\":null"),
        None => {}
    }
    out.push_str(",\"offlinePushInfo\":");
    out.push_str(extra.and_then(|e| e.push_info.as_deref()).unwrap_or("null"));
    out.push_str(",\"atUserIDList\":");
    match extra {
        Some(extra) if !extra.at.is_empty() => {
            for (n, user) in extra.at.iter().enumerate() {
                out.push(if n == 0 { '[' } else { ',' });
                write_string(user, out);
            }
            out.push(']');
        }
        _ => out.push_str("null"),
    }
    out.push_str(",\"attachedInfo\":\"\",\"ex\":");
    write_string(&record.ex, out);
    out.push('}');
}

/// Bytes are base64 in JSON, as Go writes them.
fn write_bytes(content: &str, out: &mut String) {
    out.push('"');
    STANDARD.encode_string(content.as_bytes(), out);
    out.push('"');
}

/// A slot with nothing in it.
fn write_empty(release: Release, seq: i64, send_time: i64, out: &mut String) {
    let options = match release {
        Release::V3_8_3 => ",\"options\":null",
        Release::Main => "",
    };
    put!(
        out,
        "{{\"sendID\":\"\",\"recvID\":\"\",\"groupID\":\"\",\"clientMsgID\":\"\",\"serverMsgID\":\"\",\
         \"senderPlatformID\":0,\"senderNickname\":\"\",\"senderFaceURL\":\"\",\"sessionType\":0,\"msgFrom\":0,\
         \"contentType\":0,\"content\":null,\"seq\":{seq},\"sendTime\":{send_time},\"createTime\":0,\"status\":{DELETED},\
         \"isRead\":false{options},\"offlinePushInfo\":null,\"atUserIDList\":null,\"attachedInfo\":\"\",\"ex\":\"\"}}"
    );
}
