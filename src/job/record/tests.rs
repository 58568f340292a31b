//! Records, there and back.

use super::*;
use crate::job::QuotedIds;
use crate::message::Quote;
use crate::message::Seq;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(in crate::job) fn message() -> Message<'static> {
    Message {
        sender: "u1".into(),
        peer: Peer::User("u2".into()),
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: r#"{"content":"hi"}"#.into(),
        send_time: SendTime(1_700_000_000_000),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: None,
        quote: None,
        place: Place { source: SourceNo(3), line: 7, byte: 700, part: 2 },
    }
}

fn there_and_back(message: &Message<'_>) -> Spooled {
    let mut out = b"before".to_vec();
    let len = write(message, &mut out).unwrap() as usize;
    assert_eq!(out.len(), 6 + len);
    read(&Bytes::from(out).slice(6..)).unwrap()
}

fn body(spooled: &Spooled) -> Value {
    serde_json::from_slice(&spooled.body).unwrap()
}

#[test]
fn a_plain_message_as_it_is_sent() {
    let spooled = there_and_back(&message());
    insta::assert_snapshot!(
        std::str::from_utf8(&spooled.body).unwrap(),
        @r#"{"sendID":"u1","recvID":"u2","senderPlatformID":10,"sessionType":1,"sendTime":1700000000000,"notOfflinePush":true,"contentType":101,"content":{"content":"hi"}}"#
    );
    assert_eq!(spooled.content(), r#"{"content":"hi"}"#);
    assert_eq!(spooled.conversation().as_str(), "si_u1_u2");
    assert_eq!(spooled.place, message().place);
}

#[test]
fn a_group_message_with_everything() {
    let spooled = there_and_back(&Message {
        peer: Peer::Group("g \"1\"".into()),
        nickname: "Ann\n".into(),
        face_url: "http://x/ü".into(),
        ex: "{\"a\":1}".into(),
        not_offline_push: false,
        offline_push_info: Some(r#"{"title":"T"}"#.into()),
        content_type: 1400,
        source_id: Some("99".into()),
        ..message()
    });
    assert_eq!(
        body(&spooled),
        json!({
            "sendID": "u1", "recvID": "g \"1\"", "groupID": "g \"1\"", "senderNickname": "Ann\n",
            "senderFaceURL": "http://x/ü", "ex": "{\"a\":1}", "senderPlatformID": 10, "sessionType": 3,
            "sendTime": 1_700_000_000_000_i64, "notOfflinePush": false, "offlinePushInfo": {"title": "T"},
            "contentType": 1400, "content": {"content": "hi"}
        })
    );
    assert_eq!(spooled.content(), r#"{"content":"hi"}"#);
    assert_eq!((spooled.ex(), spooled.nickname()), ("{\"a\":1}".into(), "Ann\n".into()));
    assert_eq!(spooled.face_url(), "http://x/ü");
    assert_eq!(spooled.source_id, Some(SourceId("99".into())));
    assert_eq!(spooled.conversation().as_str(), "sg_g \"1\"");
}

fn reply(content: &'static str) -> Message<'static> {
    Message {
        content_type: 114,
        content: content.into(),
        quote: Some(Quote { target: "m7".into(), fallback: r#"{"content":"> hi\nre"}"#.into() }),
        ..message()
    }
}

#[test]
fn a_reply_quotes_or_goes_out_as_text() {
    let ids = QuotedIds { client_msg_id: "c\"", server_msg_id: "s", seq: Seq(8) };
    let target = there_and_back(&Message {
        sender: "u2".into(),
        peer: Peer::Group("g".into()),
        nickname: "Bob".into(),
        ..message()
    });
    for content in [r#"{"text":"re"}"#, "{}", "{ }", "{\"text\":\"re\" \n}"] {
        let spooled = there_and_back(&reply(content));
        assert_eq!(spooled.quote.as_ref().unwrap().target.as_str(), "m7");
        let quoting = body(&spooled.clone().quoting(&target, &ids));
        assert_eq!(
            quoting["content"]["quoteMessage"],
            json!({
                "clientMsgID": "c\"", "serverMsgID": "s", "seq": 8, "sendID": "u2", "recvID": "",
                "groupID": "g", "senderNickname": "Bob", "senderFaceURL": "", "sessionType": 3,
                "contentType": 101, "content": "{\"content\":\"hi\"}",
                "sendTime": 1_700_000_000_000_i64, "createTime": 1_700_000_000_000_i64
            })
        );
        assert_eq!(quoting["content"]["text"].as_str(), content.contains("re").then_some("re"));
        assert_eq!(quoting["contentType"], 114);
        let text = spooled.as_text();
        assert_eq!(body(&text)["content"], json!({"content": "> hi\nre"}));
        assert_eq!(body(&text)["contentType"], 101);
        assert_eq!(text.content(), r#"{"content":"> hi\nre"}"#);
    }
    let plain = there_and_back(&message());
    assert_eq!(plain.clone().quoting(&target, &ids).body, plain.body);
    assert_eq!(plain.clone().as_text().body, plain.body);
}

proptest! {
    #[test]
    fn any_message_comes_back(
        sender: String, peer: String, group: bool, text: String, id: Option<String>, time: i64,
        line: u64, byte: u64, part: u16, source: u32, platform: i32
    ) {
        let place = Place { source: SourceNo(source), line, byte, part };
        let original = Message {
            sender: sender.as_str().into(),
            peer: if group { Peer::Group(peer.as_str().into()) } else { Peer::User(peer.as_str().into()) },
            content: json!({ "content": text }).to_string().into(),
            send_time: SendTime(time),
            source_id: id.as_deref().map(Into::into),
            platform,
            place,
            ..message()
        };
        let spooled = there_and_back(&original);
        prop_assert_eq!(spooled.sender.as_str(), sender.as_str());
        prop_assert_eq!(&spooled.peer, &original.peer);
        prop_assert_eq!(spooled.send_time, original.send_time);
        prop_assert_eq!(spooled.place, place);
        prop_assert_eq!(spooled.source_id.as_ref().map(SourceId::as_str), id.as_deref());
        prop_assert_eq!(spooled.content(), original.content.as_ref());
        let body = body(&spooled);
        prop_assert_eq!(&body["sendID"], &json!(sender));
        prop_assert_eq!(&body["recvID"], &json!(peer));
        prop_assert_eq!(&body["content"]["content"], &json!(text));
        prop_assert_eq!(&body["sendTime"], &json!(time));
    }

    #[test]
    fn a_message_that_goes_behind_has_its_time_in_ex(
        text: String, ex in prop_oneof![Just(String::new()), Just(r#"{"a":"\"ex\":"}"#.to_owned()), ".*"],
        nickname: String, push: bool, written in 0i64..1 << 45, sent in 0i64..1 << 45
    ) {
        let original = Message {
            content: json!({ "content": text }).to_string().into(),
            ex: ex.as_str().into(),
            nickname: nickname.as_str().into(),
            offline_push_info: push.then(|| r#"{"title":"t","ex":"e"}"#.into()),
            ..message()
        };
        let before = there_and_back(&original);
        let moved = before.clone().at(SendTime(sent)).written_at(SendTime(written));
        prop_assert_eq!(moved.content(), before.content());
        let (mut before, mut after) = (body(&before), body(&moved));
        let object = serde_json::from_str::<serde_json::Map<String, Value>>(if ex.trim().is_empty() { "{}" } else { &ex });
        if let Ok(object) = object {
            let after: Value = serde_json::from_str(after["ex"].as_str().unwrap()).unwrap();
            prop_assert_eq!(&after["writtenAt"], &object.get("writtenAt").cloned().unwrap_or(json!(written)));
        } else {
            prop_assert_eq!(&after["ex"], &before["ex"]);
        }
        prop_assert_eq!(&after["sendTime"], &json!(sent));
        for one in [&mut before, &mut after] {
            (one["ex"], one["sendTime"]) = (Value::Null, Value::Null);
        }
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_changed_byte_is_noticed(at in 0usize..200, change in 1u8..) {
        let mut out = Vec::new();
        write(&message(), &mut out).unwrap();
        let at = at % out.len();
        out[at] ^= change;
        prop_assert!(read(&Bytes::from(out)).is_none());
    }

    #[test]
    fn a_cut_record_is_noticed(keep in 0usize..400) {
        let mut out = Vec::new();
        write(&message(), &mut out).unwrap();
        out.truncate(keep.min(out.len() - 1));
        prop_assert!(read(&Bytes::from(out)).is_none());
    }
}
