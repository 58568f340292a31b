//! Reading back: numbers, read positions, messages.

use super::answer::{Data, Outcome};
use super::api::Caller;
use super::body::{Fields, parse};
use super::json::write_string;
use super::log::{Conversation, Member};
use super::record::{Record, hex};
use super::shared::Shared;
use crate::message::Release;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

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
        let now = shared.now();
        ids = world
            .conversations
            .iter()
            .filter(|(_, c)| c.members.get(user).is_some_and(|m| m.has_record(now)))
            .map(|(id, _)| id.to_string())
            .collect();
    }
    let nothing = Conversation::default();
    let seqs: Map<String, Value> = ids
        .into_iter()
        .map(|id| {
            let conversation = world.conversations.get(id.as_str()).unwrap_or(&nothing);
            let has_read = conversation.members.get(user).map_or(0, |m| m.has_read);
            let seq = json!({ "maxSeq": conversation.max_seq, "hasReadSeq": has_read, "maxSeqTime": conversation.max_seq_time });
            (id, seq)
        })
        .collect();
    Ok(json!({ "seqs": seqs, "pinnedConversationIDs": null }).into())
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
        let Some(conversation) = world.conversations.get_mut(id) else { continue };
        let Some(member) = conversation.members.get(user).filter(|m| m.has_record(now)).cloned() else {
            continue;
        };
        let Some(pulled) = pull_range(release, conversation, &member, Wanted { begin, end, num, descending })
        else {
            continue;
        };
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
    release: Release,
    conversation: &mut Conversation,
    member: &Member,
    wanted: Wanted,
) -> Option<String> {
    let last =
        if member.max_seq == 0 { conversation.max_seq } else { conversation.max_seq.min(member.max_seq) };
    let end = wanted.end.min(last);
    let mut begin = wanted.begin.max(member.min_seq).max(1);
    if end < begin {
        return None;
    }
    // `num` caps the answer and keeps the last of the range.
    begin = begin.max(end - wanted.num + 1);
    if end < begin {
        return None;
    }
    let is_end = if wanted.descending { wanted.begin <= member.min_seq } else { last <= wanted.end };
    let mut out = String::from("{\"Msgs\":[");
    for seq in begin..=end {
        if seq > begin {
            out.push(',');
        }
        let slot = conversation.slot_mut(seq);
        let emptied = slot.emptied_at();
        match slot.read() {
            Some(record) if !member.hidden.contains(&seq) => write_message(release, seq, record, &mut out),
            Some(record) => write_empty(release, seq, record.send_time, &mut out),
            None => write_empty(release, seq, emptied, &mut out),
        }
    }
    put!(&mut out, "],\"isEnd\":{is_end},\"endSeq\":0}}");
    Some(out)
}

fn write_message(release: Release, seq: i64, record: &Arc<Record>, out: &mut String) {
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
        ",\"sessionType\":{},\"msgFrom\":200,\"contentType\":{},\"content\":\"",
        route.session,
        record.content_type
    );
    STANDARD.encode_string(record.content.as_bytes(), out);
    put!(
        out,
        "\",\"seq\":{seq},\"sendTime\":{},\"createTime\":{},\"status\":{},\"isRead\":false",
        record.send_time,
        record.create_time,
        extra.map_or(0, |e| e.status)
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
         \"contentType\":0,\"content\":null,\"seq\":{seq},\"sendTime\":{send_time},\"createTime\":0,\"status\":4,\
         \"isRead\":false{options},\"offlinePushInfo\":null,\"atUserIDList\":null,\"attachedInfo\":\"\",\"ex\":\"\"}}"
    );
}
