//! What is seen of the store itself, not of the cache: searching and counting (law 8).

use super::answer::Outcome;
use super::api::{Caller, admin_only};
use super::body::{Fields, Page, parse};
use super::group_lists::null_if_empty;
use super::log::{Conversation, Document, Slot};
use super::record::{Record, hex};
use super::shared::Shared;
use super::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// `/msg/search_msg`
pub(super) fn search(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "SearchMessageReq", "msg.SearchMessageReq")?;
    let wanted = Wanted {
        sender: fields.text("sendID"),
        receiver: fields.text("recvID"),
        content_type: fields.int32("contentType"),
        session: fields.int32("sessionType"),
        day: fields.text("sendTime"),
    };
    let page = fields.page()?;
    fields.finish()?;
    if shared.traits().checks_rights {
        admin_only(shared, caller)?;
    }
    let world = shared.world();
    let mut found: Vec<(u64, i64, &Slot, &Arc<Record>)> = Vec::new();
    for (rank, seq, slot, record) in stored(&world, true) {
        if wanted.fits(record) {
            found.push((rank, seq, slot, record));
        }
    }
    found.sort_unstable_by_key(|(rank, seq, ..)| (*rank, *seq));
    let logs: Vec<Value> = found
        .iter()
        .skip(page.skip)
        .take(page.show)
        .map(|(_, seq, slot, record)| {
            json!({ "chatLog": chat_log(&world, *seq, slot, record), "isRevoked": slot.revoked.is_some() })
        })
        .collect();
    Ok(json!({ "chatLogs": null_if_empty(logs), "chatLogsNum": found.len() }).into())
}

/// `/statistics/user/active`: how many messages the store has between two times, by day and by sender.
pub(super) fn active(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetActiveUserReq", "msg.GetActiveUserReq")?;
    let (start, end) = (fields.int64("start"), fields.int64("end"));
    let (ascending, groups) = (fields.flag("ase"), fields.flag("group"));
    let page = fields.page()?;
    fields.finish()?;
    if shared.traits().checks_rights {
        admin_only(shared, caller)?;
    }
    let world = shared.world();
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    // Where each stands first in the store, and how often.
    let mut senders: HashMap<&str, ((u64, i64), u64)> = HashMap::new();
    let mut count = 0u64;
    for (rank, seq, _, record) in stored(&world, groups) {
        if (start..end).contains(&record.send_time) {
            count += 1;
            *days.entry(day_of(record.send_time)).or_default() += 1;
            let sender = senders.entry(&record.route.sender).or_insert(((rank, seq), 0));
            sender.0 = sender.0.min((rank, seq));
            sender.1 += 1;
        }
    }
    let users = most_active(shared, &world, &senders, ascending, page);
    let mut data = json!({ "msgCount": count, "userCount": senders.len(), "users": null_if_empty(users) });
    if !days.is_empty() {
        data["dateCount"] = json!(days);
    } else if shared.traits().null_maps {
        data["dateCount"] = Value::Null;
    }
    Ok(data.into())
}

struct Wanted<'a> {
    sender: &'a str,
    receiver: &'a str,
    content_type: i32,
    session: i32,
    /// `2017-07-14`
    day: &'a str,
}

impl Wanted<'_> {
    fn fits(&self, record: &Record) -> bool {
        let route = &record.route;
        (self.sender.is_empty() || route.sender.as_ref() == self.sender)
            && (self.receiver.is_empty()
                || route.receiver.as_ref() == self.receiver
                || route.group.as_ref() == self.receiver)
            && (self.content_type == 0 || record.content_type == self.content_type)
            && (self.session == 0 || route.session == self.session)
            && (self.day.is_empty() || day_of(record.send_time) == self.day)
    }
}

/// Everything that the store has in the people's conversations: rank of its document, seq, slot, message.
fn stored(world: &World, groups: bool) -> impl Iterator<Item = (u64, i64, &Slot, &Arc<Record>)> {
    world
        .conversations
        .iter()
        .filter(move |(id, _)| id.starts_with("si_") || (groups && id.starts_with("sg_")))
        .flat_map(|(_, conversation)| stored_in(conversation))
}

fn stored_in(conversation: &Conversation) -> impl Iterator<Item = (u64, i64, &Slot, &Arc<Record>)> {
    let slots = |(number, document): (&i64, &'_ Document)| (document.rank, number * super::log::DOCUMENT + 1);
    conversation.documents.iter().flat_map(move |(number, document)| {
        let (rank, first) = slots((number, document));
        (first..).zip(&document.slots).filter_map(move |(seq, slot)| {
            let record = slot.stored.as_ref().filter(|_| !slot.deleted)?;
            Some((rank, seq, slot, record))
        })
    })
}

fn day_of(time: i64) -> String {
    jiff::Timestamp::from_millisecond(time)
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

fn most_active(
    shared: &Shared,
    world: &World,
    senders: &HashMap<&str, ((u64, i64), u64)>,
    ascending: bool,
    page: Page,
) -> Vec<Value> {
    let mut by_count: Vec<(&str, (u64, i64), u64)> =
        senders.iter().map(|(user, (n, count))| (*user, *n, *count)).collect();
    by_count.sort_unstable_by_key(|(_, first, count)| {
        (if ascending { *count } else { u64::MAX - count }, *first)
    });
    by_count
        .into_iter()
        .skip(page.skip)
        .take(page.show)
        .map(|(user, _, count)| json!({ "user": super::users::info(shared, world, user), "count": count }))
        .collect()
}

fn chat_log(world: &World, seq: i64, slot: &Slot, record: &Arc<Record>) -> Value {
    let route = &record.route;
    let extra = record.extra.as_deref();
    let nickname = |id: &str| world.users.get(id).map_or("", |u| u.nickname.as_ref()).to_owned();
    let own = extra.map_or("", |e| &e.nickname).to_owned();
    let group = world.groups.get(route.group.as_ref());
    let (content_type, content) = match &slot.revoked {
        Some(by) => (2101, super::notices::revoked(record, seq, by)),
        None => (record.content_type, record.content.clone()),
    };
    json!({
        "serverMsgID": hex(record.server_id), "clientMsgID": hex(record.client_id), "sendID": route.sender.as_ref(),
        "recvID": if route.session == 3 { &route.group } else { &route.receiver }, "groupID": route.group,
        "recvNickname": if route.session == 3 { String::new() } else { nickname(&route.receiver) },
        "senderPlatformID": record.platform,
        "senderNickname": if own.is_empty() { nickname(&route.sender) } else { own },
        "senderFaceURL": match group { Some(group) => group.face_url.as_ref(), None => extra.map_or("", |e| &e.face_url) },
        "groupName": group.map_or("", |g| &g.name), "sessionType": route.session, "msgFrom": 200,
        "contentType": content_type, "content": content, "status": 0, "sendTime": record.send_time,
        "createTime": record.create_time, "ex": record.ex, "groupFaceURL": "",
        "groupMemberCount": group.map_or(0, |g| g.members.len()), "seq": seq, "groupOwner": "",
        "groupType": group.map_or(0, |g| g.kind),
    })
}
