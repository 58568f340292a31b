//! Databases of OpenIM and Rocket.Chat, as each of MongoDB's tools writes them, and MySQL's of version 2.

use std::io::Write as _;
use std::path::Path;

use openim_importer::formats::Format;
use serde_json::{Value, json};

use super::{MESSAGES, WORDS, file, put, speed};

/// All of them.
pub(super) fn databases() {
    speed("openim, canonical (read twice)", Format::OpenIm, |f| put(f, "msg.json", lines(&openim(), true)));
    speed("openim, relaxed (read twice)", Format::OpenIm, |f| put(f, "msg.json", lines(&openim(), false)));
    speed("openim, mongodump (read twice)", Format::OpenIm, |f| put(f, "msg.bson", dump(&openim())));
    speed("openim, archive (read twice)", Format::OpenIm, |f| archive(f, "openim_v3", "msg", &openim()));
    speed("openim, packed archive (read twice)", Format::OpenIm, |f| {
        archive(f, "openim_v3", "msg", &openim());
        pack(f);
    });
    speed("openim, chat_logs of version 2", Format::OpenIm, chat_logs);
    speed("rocketchat, mongoexport", Format::RocketChat, |f| {
        put(f, "rocketchat_message.json", lines(&rocketchat(), false));
    });
    speed("rocketchat, mongodump", Format::RocketChat, |f| {
        put(f, "rocketchat_message.bson", dump(&rocketchat()));
    });
    speed("rocketchat, archive", Format::RocketChat, |f| {
        archive(f, "rocketchat", "rocketchat_message", &rocketchat());
    });
}

/// A document for each hundred messages, as the store has them.
fn openim() -> Vec<Value> {
    let slot = |block: usize, n: usize| {
        let seq = block / 300 * 100 + n + 1;
        json!({"msg": {"send_id": format!("a{}", block % 300), "recv_id": "b", "group_id": "", "client_msg_id": format!("{block:08}{n:024}"),
            "server_msg_id": format!("{n:032x}"), "sender_platform_id": 2, "sender_nickname": "Person", "sender_face_url": "", "session_type": 1,
            "msg_from": 100, "content_type": 101, "content": format!("{{\"content\":\"Message {n}: {WORDS}\"}}"), "seq": seq,
            "send_time": 1_700_000_000_000_usize + seq, "create_time": 1_700_000_000_000_usize, "status": 2, "is_read": false, "options": {},
            "offline_push": null, "at_user_id_list": [], "attached_info": "", "ex": ""}, "revoke": null, "del_list": [], "is_read": false})
    };
    let block = |block: usize| {
        let slots: Vec<Value> = (0..100).map(|n| slot(block, n)).collect();
        let id = format!("si_a{}_b:{}", block % 300, block / 300);
        json!({"_id": {"$oid": format!("{block:024x}")}, "doc_id": id, "msgs": slots})
    };
    (0..MESSAGES / 100).map(block).collect()
}

fn rocketchat() -> Vec<Value> {
    let message = |n: usize| {
        json!({"_id": format!("m{n}"), "rid": format!("room{}", n % 40), "msg": format!("Message {n}: {WORDS}"),
            "ts": {"$date": "2022-04-12T12:54:17.000Z"}, "u": {"_id": format!("u{}", n % 500), "username": "p", "name": "P"},
            "mentions": [], "urls": []})
    };
    (0..MESSAGES).map(message).collect()
}

/// What `mongoexport` writes; canonical: with numbers as objects.
fn lines(documents: &[Value], canonical: bool) -> Vec<u8> {
    fn canon(value: &Value) -> Value {
        match value {
            Value::Number(n) => json!({ "$numberLong": n.to_string() }),
            Value::Array(all) => all.iter().map(canon).collect(),
            Value::Object(all) => Value::Object(all.iter().map(|(k, v)| (k.clone(), canon(v))).collect()),
            other => other.clone(),
        }
    }
    let line =
        |document: &Value| if canonical { canon(document) } else { document.clone() }.to_string() + "\n";
    documents.iter().map(line).collect::<String>().into_bytes()
}

/// What `mongodump` writes.
fn dump(documents: &[Value]) -> Vec<u8> {
    documents.iter().flat_map(bson).collect()
}

fn bson(document: &Value) -> Vec<u8> {
    let members: Vec<(String, &Value)> = match document {
        Value::Array(all) => all.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        value => value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value)).collect(),
    };
    let mut out = vec![0; 4];
    for (name, value) in members {
        let (kind, bytes) = member(value);
        out.push(kind);
        out.extend([name.as_bytes(), b"\0", &bytes].concat());
    }
    out.push(0);
    let len = u32::try_from(out.len()).unwrap();
    out[..4].copy_from_slice(&len.to_le_bytes());
    out
}

fn member(value: &Value) -> (u8, Vec<u8>) {
    match value {
        Value::Null => (0x0a, Vec::new()),
        Value::Bool(is) => (0x08, vec![u8::from(*is)]),
        Value::Number(n) => (0x12, n.as_i64().unwrap().to_le_bytes().to_vec()),
        Value::String(text) => {
            let len = u32::try_from(text.len() + 1).unwrap();
            (0x02, [&len.to_le_bytes(), text.as_bytes(), b"\0"].concat())
        }
        Value::Object(one) if one.contains_key("$oid") => (0x07, vec![7; 12]),
        Value::Object(one) if one.contains_key("$date") => {
            (0x09, 1_649_767_257_000_i64.to_le_bytes().to_vec())
        }
        Value::Array(_) => (0x04, bson(value)),
        Value::Object(_) => (0x03, bson(value)),
    }
}

/// What `mongodump --archive` writes: blocks of the messages, with those of another collection between them.
fn archive(folder: &Path, database: &str, collection: &str, documents: &[Value]) {
    const END: [u8; 4] = u32::MAX.to_le_bytes();
    let head = |of: &str, more: Value| {
        let mut head = json!({"db": database, "collection": of});
        head.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bson(&head)
    };
    let beside = bson(&json!({"_id": "x", "words": WORDS}));
    let mut out = 0x8199_e26d_u32.to_le_bytes().to_vec();
    out.extend(bson(&json!({"concurrent_collections": 4, "version": "0.1"})));
    out.extend(
        [head(collection, json!({"size": 1})), head("beside", json!({"size": 1})), END.to_vec()].concat(),
    );
    let (mut sum, mut sum_beside) = (u64::MAX, u64::MAX);
    for some in documents.chunks(documents.len() / 20 + 1) {
        let block = dump(some);
        out.extend([&head(collection, json!({"EOF": false, "CRC": 0})), &*block, &END].concat());
        out.extend([&head("beside", json!({"EOF": false, "CRC": 0})), &*beside, &END].concat());
        (sum, sum_beside) = (crc(sum, &block), crc(sum_beside, &beside));
    }
    for (of, sum) in [(collection, sum), ("beside", sum_beside)] {
        out.extend([head(of, json!({"EOF": true, "CRC": (!sum).cast_signed()})), END.to_vec()].concat());
    }
    put(folder, "backup.archive", &out);
}

/// CRC-64 of ECMA-182, reflected.
fn crc(sum: u64, bytes: &[u8]) -> u64 {
    let bit = |crc: u64, _| if crc & 1 == 1 { crc >> 1 ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
    bytes.iter().fold(sum, |sum, byte| (0..8).fold(sum ^ u64::from(*byte), bit))
}

/// Packs what lies there.
fn pack(folder: &Path) {
    let whole = fs_err::read(folder.join("backup.archive")).unwrap();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(&whole).unwrap();
    put(folder, "backup.gz", out.finish().unwrap());
    fs_err::remove_file(folder.join("backup.archive")).unwrap();
}

fn chat_logs(folder: &Path) {
    let head = "server_msg_id,client_msg_id,send_id,recv_id,sender_platform_id,sender_nick_name,sender_face_url,session_type,\
                msg_from,content_type,content,status,send_time,create_time,ex\n";
    file(folder, "chat_logs.csv", [head, "\n", "\n"], |n| {
        let time = super::day(n);
        format!(
            "s{n},c{n},a{},b,2,Person,,1,100,101,\"Message {n}: {WORDS}\",2,{time}.000,{time}.000,\\N",
            n % 500
        )
    });
}
