//! The second wave, each in its commonest shape.

use openim_importer::formats::Format;

use super::{WORDS, file, lines, put, speed};

/// The second wave, each in its commonest shape.
#[expect(clippy::too_many_lines, reason = "a table: one entry a format")]
pub(super) fn second_wave() {
    let t = |n: usize| 1_700_000_000_000 + n;
    speed("easemob", Format::Easemob, |f| {
        lines(f, "2023111500.json", |n| {
            format!(
                r#"{{"msg_id":"{n}","timestamp":{},"direction":"outgoing","from":"x","to":"y","chat_type":"groupchat","payload":{{"bodies":[{{"type":"txt","msg":"Message {n}: {WORDS}"}}],"ext":{{}},"from":"user{}","to":"{}"}}}}"#,
                t(n),
                n % 500,
                n % 40
            )
        });
    });
    speed("rongcloud (read twice)", Format::RongCloud, |f| {
        lines(f, "2023111506.log", |n| {
            format!(
                r#"2023/11/15 06:13:20 {{"appId":"app","fromUserId":"user{}","targetId":"g{}","targetType":3,"GroupId":"g1","classname":"RC:TxtMsg","content":{{"content":"Message {n}: {WORDS}"}},"dateTime":"2023-11-15 06:13:20.000","msgUID":"B{n}","source":"iOS"}}"#,
                n % 500,
                n % 40
            )
        });
    });
    speed("netease", Format::NetEase, |f| {
        lines(f, "copies.jsonl", |n| {
            format!(
                r#"{{"eventType":"1","convType":"TEAM","to":"{}","fromAccount":"user{}","fromNick":"Person","fromClientType":"AOS","msgTimestamp":"{}","msgType":"TEXT","msgidServer":"{n}","msgidClient":"c{n}","body":"Message {n}: {WORDS}","attach":""}}"#,
                n % 40,
                n % 500,
                t(n)
            )
        });
    });
    speed("wecom (read twice)", Format::WeCom, |f| {
        lines(f, "archive.jsonl", |n| {
            format!(
                r#"{{"msgid":"w{n}","action":"send","from":"user{}","tolist":["a","b","c"],"roomid":"wr{}","msgtime":{},"msgtype":"text","text":{{"content":"Message {n}: {WORDS}"}}}}"#,
                n % 500,
                n % 40,
                t(n)
            )
        });
    });
    speed("discord", Format::Discord, |f| {
        file(
            f,
            "c.json",
            [
                r#"{"guild":{"id":"1","name":"g"},"channel":{"id":"2","type":"GuildTextChat","category":"c","name":"n"},"dateRange":{},"messages":["#,
                ",",
                "]}",
            ],
            |n| {
                format!(
                    r#"{{"id":"{}","type":"Default","timestamp":"2024-11-07T16:40:27.109+00:00","timestampEdited":null,"isPinned":false,"content":"Message {n}: {WORDS}","author":{{"id":"7{}","name":"p","discriminator":"0000","nickname":"P","color":null,"isBot":false,"roles":[],"avatarUrl":"https://cdn.example/a.png"}},"attachments":[],"embeds":[],"stickers":[],"reactions":[],"mentions":[]}}"#,
                    1_000_000_000 + n,
                    n % 500
                )
            },
        );
    });
    for (kind, face) in [("", 0), (", a picture of 60 kB in its header", 60_000)] {
        with_headers(kind, &format!("data:image/png;base64,{}", "A".repeat(face)));
    }
    speed("feishu (read twice)", Format::Feishu, |f| {
        lines(f, "m.jsonl", |n| {
            format!(
                r#"{{"message_id":"om_{n}","root_id":"","parent_id":"","msg_type":"text","create_time":"{}","deleted":false,"updated":false,"chat_id":"oc_{}","sender":{{"id":"ou_{}","id_type":"open_id","sender_type":"user"}},"body":{{"content":"{{\"text\":\"Message {n}: {WORDS}\"}}"}},"mentions":[]}}"#,
                t(n),
                n % 40,
                n % 500
            )
        });
    });
    speed("matrix (read twice)", Format::Matrix, |f| {
        file(
            f,
            "r.json",
            [
                r#"{"room_name":"r","room_creator":"a","topic":"","export_date":"x","exported_by":"a","messages":["#,
                ",",
                "]}",
            ],
            |n| {
                format!(
                    r#"{{"type":"m.room.message","sender":"@u{}:x.example","event_id":"$e{n}","origin_server_ts":{},"room_id":"!r:x","content":{{"msgtype":"m.text","body":"Message {n}: {WORDS}"}},"unsigned":{{"age":1}}}}"#,
                    n % 500,
                    t(n)
                )
            },
        );
    });
    speed("google-chat", Format::GoogleChat, |f| {
        file(f, "Groups/Space c/messages.json", [r#"{"messages":["#, ",", "]}"], |n| {
            format!(
                r#"{{"creator":{{"name":"P","email":"u{}@x.example","user_type":"Human"}},"created_date":"Tuesday, November 14, 2023 at 10:13:20 PM UTC","text":"Message {n}: {WORDS}","topic_id":"t{n}","message_id":"c/t{n}/t{n}"}}"#,
                n % 500
            )
        });
    });
    speed("zulip", Format::Zulip, |f| {
        put(
            f,
            "realm.json",
            r#"{"zerver_userprofile":[],"zerver_stream":[{"id":5,"name":"s"}],"zerver_recipient":[{"id":23,"type_id":5,"type":2}]}"#,
        );
        file(
            f,
            "messages-000001.json",
            [r#"{"zerver_message":["#, ",", r#"],"zerver_usermessage":[]}"#],
            |n| {
                format!(
                    r#"{{"id":{n},"sender":{},"recipient":23,"date_sent":1700000000.25,"content":"Message {n}: {WORDS}","rendered_content":"","subject":"plans","reactions":[]}}"#,
                    n % 500
                )
            },
        );
    });
}

/// A picture of the chat stands in front of all messages.
fn with_headers(kind: &str, face: &str) {
    let t = |n: usize| 1_700_000_000_000 + n;
    speed(&format!("wechat (read twice){kind}"), Format::WeChat, |f| {
        let head = format!(
            r#"{{"session":{{"wxid":"1@chatroom","displayName":"c","type":"x","avatar":"{face}"}},"messages":["#
        );
        file(f, "c.json", [&head, ",", "]}"], |n| {
            format!(
                r#"{{"localId":{n},"createTime":{},"formattedTime":"x","type":"文本消息","localType":1,"content":"Message {n}: {WORDS}","isSend":0,"senderUsername":"wxid_{}","senderDisplayName":"P","senderAvatarKey":"k","source":""}}"#,
                t(n) / 1000,
                n % 500
            )
        });
    });
    let meta = format!(
        r#""chatlab":{{"version":"0.0.2"}},"meta":{{"name":"c","platform":"qq","type":"group","groupAvatar":"{face}"}}"#
    );
    let message = |n: usize| {
        format!(
            r#"{{"_type":"message","sender":"u{}","accountName":"P","timestamp":{},"type":0,"content":"Message {n}: {WORDS}","platformMessageId":"m{n}"}}"#,
            n % 500,
            t(n) / 1000
        )
    };
    speed(&format!("chatlab, lines (read twice){kind}"), Format::ChatLab, |f| {
        file(f, "c.jsonl", [&format!("{{\"_type\":\"header\",{meta}}}\n"), "\n", "\n"], message);
    });
    speed(&format!("chatlab (read twice){kind}"), Format::ChatLab, |f| {
        file(f, "c.json", [&format!("{{{meta},\"members\":[],\"messages\":["), ",", "]}"], |n| {
            message(n).replace(r#""_type":"message","#, "")
        });
    });
    let chat = format!(
        r#"{{"metadata":{{"name":"QQChatExporter V5","version":"5"}},"chatInfo":{{"name":"c","type":"group","peerUin":"5","avatar":"{face}"}}"#
    );
    let message = |n: usize| {
        format!(
            r#"{{"id":"{n}","seq":"{n}","timestamp":{},"time":"x","sender":{{"uid":"u_x","uin":"1{}","name":"P"}},"type":"t","content":{{"text":"Message {n}: {WORDS}","html":"","elements":[],"resources":[],"mentions":[]}},"recalled":false,"system":false}}"#,
            t(n),
            n % 500
        )
    };
    speed(&format!("qq{kind}"), Format::Qq, |f| {
        file(f, "c.json", [&format!("{chat},\"messages\":["), ",", "]}"], message);
    });
    speed(&format!("qq, in chunks{kind}"), Format::Qq, |f| {
        put(f, "manifest.json", format!("{chat}}}"));
        lines(f, "chunks/c1.jsonl", message);
    });
}
