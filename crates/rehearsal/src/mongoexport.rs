//! What the server has, as `mongoexport --jsonArray` writes it from the database of a real one: `msg`, `user`,
//! `group`, `group_member`, `friend`, `black`, `seq_user`, `conversation`.

use super::log::{Conversation, DOCUMENT, Slot};
use super::record::{Record, hex};
use super::shared::Shared;
use super::world::World;
use serde_json::{Value, json};

/// The collections that there are.
pub(super) const COLLECTIONS: [&str; 8] =
    ["msg", "user", "group", "group_member", "friend", "black", "seq_user", "conversation"];

/// The documents of a collection; `None` for one that there is none of. `canonical`: numbers are objects.
pub(super) fn mongoexport(shared: &Shared, collection: &str, canonical: bool) -> Option<Vec<Value>> {
    let world = shared.world();
    let mut documents = match collection {
        "msg" => messages(&world),
        "user" => users(&world),
        "group" => groups(&world),
        "group_member" => members(&world),
        "friend" => friends(&world),
        "black" => blacks(&world),
        "seq_user" => positions(&world),
        "conversation" => conversations(&world),
        _ => return None,
    };
    // Maps have no order, and a database's is that in which documents were made.
    documents.sort_by_cached_key(|(order, document)| (*order, document.to_string()));
    let documents = documents.into_iter().enumerate().map(|(n, (_, mut document))| {
        document["_id"] = json!({ "$oid": format!("{n:024x}") });
        if canonical { canonically(document) } else { document }
    });
    Some(documents.collect())
}

type Documents = Vec<(u64, Value)>;

/// A document for each hundred slots, as the store has them.
fn messages(world: &World) -> Documents {
    let mut documents = Vec::new();
    for (id, conversation) in &world.conversations {
        for (number, document) in &conversation.documents {
            let mut slots: Vec<Value> = document
                .slots
                .iter()
                .enumerate()
                .map(|(at, slot)| {
                    slot_of(slot, number * DOCUMENT + 1 + i64::try_from(at).unwrap_or(0), conversation)
                })
                .collect();
            // A document has all its places from the start.
            let places = usize::try_from(DOCUMENT).unwrap_or(100);
            slots.resize_with(
                places.max(slots.len()),
                || json!({ "msg": null, "revoke": null, "del_list": null, "is_read": false }),
            );
            documents.push((document.rank, json!({ "doc_id": format!("{id}:{number}"), "msgs": slots })));
        }
    }
    documents
}

fn slot_of(slot: &Slot, seq: i64, conversation: &Conversation) -> Value {
    let hidden = conversation.members.iter().filter(|(_, member)| member.hidden.contains(&seq));
    let hidden: Vec<&str> = hidden.map(|(user, _)| &**user).collect();
    let message = slot.stored.as_ref().filter(|_| !slot.deleted).map(|record| message(record, seq));
    let revoke = slot
        .revoked
        .as_ref()
        .map(|by| json!({ "role": by.role, "user_id": by.user, "nickname": by.nickname, "time": by.time }));
    json!({ "msg": message, "revoke": revoke, "del_list": hidden, "is_read": false })
}

fn message(record: &Record, seq: i64) -> Value {
    let (route, extra) = (&record.route, record.extra.as_deref());
    json!({
        "send_id": &*route.sender,
        "recv_id": &*route.receiver,
        "group_id": &*route.group,
        "client_msg_id": hex(record.client_id),
        "server_msg_id": hex(record.server_id),
        "sender_platform_id": record.platform,
        "sender_nickname": extra.map_or("", |extra| &extra.nickname),
        "sender_face_url": extra.map_or("", |extra| &extra.face_url),
        "session_type": route.session,
        "msg_from": 200,
        "content_type": record.content_type,
        "content": &*record.content,
        "seq": seq,
        "send_time": record.send_time,
        "create_time": record.create_time,
        "status": 2,
        "is_read": false,
        "options": {},
        "offline_push": null,
        "at_user_id_list": extra.map(|extra| extra.at.iter().map(|user| &**user).collect::<Vec<_>>()).unwrap_or_default(),
        "attached_info": "",
        "ex": &*record.ex,
    })
}

fn users(world: &World) -> Documents {
    let user = |(id, user): (&std::sync::Arc<str>, &super::world::User)| {
        let document = json!({
            "user_id": &**id, "nickname": &*user.nickname, "face_url": &*user.face_url, "ex": &*user.ex,
            // The server spells it so.
            "app_manger_level": user.level, "global_recv_msg_opt": user.receive_option,
            "create_time": date(user.created),
        });
        (0, document)
    };
    world.users.iter().map(user).collect()
}

fn groups(world: &World) -> Documents {
    let group = |(id, group): (&std::sync::Arc<str>, &super::world::Group)| {
        let document = json!({
            "group_id": &**id, "group_name": &*group.name, "notification": "", "introduction": "",
            "face_url": &*group.face_url, "ex": &*group.ex, "status": group.status.code(),
            "creator_user_id": &*group.owner, "group_type": group.kind, "need_verification": 0,
            "look_member_info": 0, "apply_member_friend": 0, "create_time": date(group.created),
        });
        (0, document)
    };
    world.groups.iter().map(group).collect()
}

fn members(world: &World) -> Documents {
    let mut documents = Vec::new();
    for (id, group) in &world.groups {
        for (user, member) in &group.members {
            let document = json!({
                "group_id": &**id, "user_id": &**user, "nickname": "", "face_url": "",
                "role_level": member.role, "join_time": date(member.joined), "join_source": 2,
                "inviter_user_id": &*member.invited_by, "operator_user_id": &*member.invited_by,
                "mute_end_time": date(member.muted_until), "ex": "",
            });
            documents.push((u64::try_from(member.rank).unwrap_or(0), document));
        }
    }
    documents
}

fn friends(world: &World) -> Documents {
    let rows = world.friends.iter().flat_map(|(of, friends)| friends.iter().map(move |friend| (of, friend)));
    rows.map(|(of, friend)| {
        (0, json!({ "owner_user_id": &**of, "friend_user_id": &**friend, "remark": "", "add_source": 2, "ex": "" }))
    })
    .collect()
}

fn blacks(world: &World) -> Documents {
    let rows = world.blocks.iter().flat_map(|(of, blocks)| blocks.iter().map(move |block| (of, block)));
    rows.map(|(of, (user, time))| {
        (0, json!({ "owner_user_id": &**of, "block_user_id": &**user, "create_time": date(*time), "ex": "" }))
    })
    .collect()
}

fn positions(world: &World) -> Documents {
    let mut documents = Vec::new();
    for (id, conversation) in &world.conversations {
        for (user, member) in &conversation.members {
            documents.push((
                0,
                json!({
                    "user_id": &**user, "conversation_id": &**id, "min_seq": member.min_seq,
                    "max_seq": member.max_seq, "read_seq": member.has_read,
                }),
            ));
        }
    }
    documents
}

/// What everybody has set.
fn conversations(world: &World) -> Documents {
    let mut documents = Vec::new();
    for (id, conversation) in world.conversations.iter().filter(|(id, _)| !id.starts_with("n_")) {
        let group = id.strip_prefix("sg_");
        for (user, member) in conversation.members.iter().filter(|(_, member)| member.record_from.is_some()) {
            let document = json!({
                "owner_user_id": &**user, "conversation_id": &**id,
                "conversation_type": if group.is_some() { 3 } else { 1 },
                "user_id": if group.is_some() { "" } else { super::conversations::peer(id, user) },
                "group_id": group.unwrap_or_default(), "recv_msg_opt": member.bell, "is_pinned": member.pinned,
                "is_private_chat": false, "burn_duration": 0, "group_at_type": 0, "attached_info": "", "ex": "",
                "max_seq": 0, "min_seq": 0, "is_msg_destruct": false, "msg_destruct_time": 0,
            });
            documents.push((0, document));
        }
    }
    documents
}

/// A time as MongoDB's extended JSON has it.
fn date(ms: i64) -> Value {
    json!({ "$date": { "$numberLong": ms.to_string() } })
}

/// The same with its numbers as objects.
fn canonically(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!({ "$numberDouble": number.to_string() }),
        Value::Number(number) => json!({ "$numberLong": number.to_string() }),
        Value::Array(list) => list.into_iter().map(canonically).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, canonically(value))).collect(),
        other => other,
    }
}
