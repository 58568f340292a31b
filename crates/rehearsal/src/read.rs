//! Reading back: numbers, read positions, messages.

use super::answer::{Data, Outcome, Refusal};
use super::api::{Caller, admin_or_own};
use super::body::{Fields, parse};
use super::group_lists::full_ids;
use super::json::write_string;
use super::log::{Cached, Conversation, Member};
use super::pulled::{Shown, write_empty, write_message};
use super::shared::Shared;
use serde_json::{Map, Value, json};

/// How long the status of a message is kept: a day.
const STATUS_KEPT_MS: i64 = 86_400_000;

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
    shared.asked(ids.len());
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
    let null_maps = shared.traits().null_maps;
    if !seqs.is_empty() {
        data.insert("maxSeqs".to_owned(), Value::Object(seqs));
    } else if null_maps {
        data.insert("maxSeqs".to_owned(), Value::Null);
    }
    if null_maps {
        data.insert("minSeqs".to_owned(), Value::Null);
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
    let null_maps = shared.traits().null_maps;
    let now = shared.now();
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut messages = 0;
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
            conversation.missed(user, now);
            continue;
        }
        let wanted = Wanted { begin, end, num, descending };
        let Some((read, pulled)) = pull_range(shared, conversation, &member, wanted) else { continue };
        messages += read;
        found.retain(|(other, _)| *other != id);
        found.push((id, pulled));
    }
    drop(world);
    shared.was_read(messages);
    Ok(Data::Json(pulled(null_maps, &mut found)))
}

#[derive(Clone, Copy)]
struct Wanted {
    begin: i64,
    end: i64,
    num: i64,
    descending: bool,
}

fn pulled(null_maps: bool, found: &mut [(&str, String)]) -> String {
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
    } else if null_maps {
        out.push_str("\"msgs\":null");
    }
    if null_maps {
        out.push_str(",\"notificationMsgs\":null");
    }
    out.push('}');
    out
}

/// How many slots, and their text. `None`: nothing of the range is there for this user.
fn pull_range(
    shared: &Shared,
    conversation: &mut Conversation,
    member: &Member,
    wanted: Wanted,
) -> Option<(usize, String)> {
    let (null_maps, now) = (shared.traits().null_maps, shared.now());
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
    conversation.look_up(begin, end, now);
    for seq in begin..=end {
        if seq > begin {
            out.push(',');
        }
        let slot = conversation.slot_mut(seq);
        match &slot.cached {
            Cached::Message(record) => {
                let deleted = member.hidden.contains(&seq);
                let shown = Shown { revoked: slot.revoked.as_deref(), deleted };
                write_message(null_maps, seq, record, &shown, &mut out);
            }
            Cached::Empty(time) => write_empty(null_maps, seq, *time, &mut out),
            Cached::Absent => write_empty(null_maps, seq, 0, &mut out),
        }
    }
    out.push_str(if is_end { "],\"isEnd\":true,\"endSeq\":0}" } else { "],\"isEnd\":false,\"endSeq\":0}" });
    Some((usize::try_from(end - begin + 1).unwrap_or(usize::MAX), out))
}
