//! How fast each format is read and mapped, all of it on one core. Prints figures and asserts nothing: run it
//! with `cargo test --release --test tests format_speed -- --ignored --nocapture`.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "figures for whoever runs it")]

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use openim_importer::export::{self, Reader};
use openim_importer::finding::{Finding, Severity};
use openim_importer::formats::{self, Format, Settings};
use openim_importer::mapping::Sink;
use openim_importer::message::{Message, Place, SourceNo};

/// Messages in each export.
const MESSAGES: usize = 300_000;
/// What people write, on average.
const WORDS: &str = "some words, as people write them, and a little more so that it is long enough";

#[derive(Default)]
struct Count {
    messages: usize,
    left_out: usize,
    errors: usize,
}

impl Sink for Count {
    fn message(&mut self, m: Message<'_>) {
        self.messages += usize::from(!m.content.is_empty());
    }
    fn left_out(&mut self, _: Place, _: &'static str) {
        self.left_out += 1;
    }
    fn finding(&mut self, finding: Finding) {
        self.errors += usize::from(finding.code.severity == Severity::Error);
    }
}

/// Time that this thread has had on a core: what others do meanwhile does not count. Linux alone tells it.
fn cpu() -> Duration {
    let stat = fs_err::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// Pretty-printed as Slack does it; a file a day and channel, with `per_file` messages.
fn slack(folder: &Path, per_file: usize) {
    let channels: Vec<String> =
        (0..40).map(|c| format!(r#"{{"id":"C{c:08}","name":"channel-{c}","members":[]}}"#)).collect();
    put(folder, "channels.json", &format!("[{}]", channels.join(",")));
    let users: Vec<String> = (0..500)
        .map(|u| format!(r#"{{"id":"U{u:08}","name":"user{u}","profile":{{"display_name":"Person {u}","email":"u{u}@x.example"}}}}"#))
        .collect();
    put(folder, "users.json", &format!("[{}]", users.join(",")));
    for file in 0..MESSAGES / per_file {
        let mut text = "[\n".to_owned();
        for n in 0..per_file {
            let (user, ts) = (n % 500, 1_600_000_000 + file * 1000 + n);
            let comma = if n + 1 < per_file { "," } else { "" };
            writeln!(
                text,
                "    {{\n        \"client_msg_id\": \"6e1f3b52-0000-4000-8000-{n:012}\",\n        \"type\": \"message\",\n        \"text\": \"Message {n}: {WORDS} <@U{user:08}> &amp; <https:\\/\\/example.com\\/{n}|here>\",\n        \"user\": \"U{user:08}\",\n        \"ts\": \"{ts}.{n:06}\",\n        \"team\": \"T00000001\",\n        \"user_profile\": {{\n            \"avatar_hash\": \"g0000000\",\n            \"image_72\": \"https:\\/\\/secure.gravatar.com\\/avatar\\/0123456789.jpg\",\n            \"real_name\": \"Person {user}\",\n            \"display_name\": \"\",\n            \"name\": \"user{user}\",\n            \"is_restricted\": false\n        }},\n        \"blocks\": [\n            {{\n                \"type\": \"rich_text\",\n                \"block_id\": \"abc\",\n                \"elements\": [ {{ \"type\": \"rich_text_section\", \"elements\": [ {{ \"type\": \"text\", \"text\": \"Message {n}: {WORDS}\" }} ] }} ]\n            }}\n        ]\n    }}{comma}"
            )
            .unwrap();
        }
        text += "]\n";
        put(
            folder,
            &format!(
                "channel-{}/2{:03}-{:02}-{:02}.json",
                file % 40,
                file / 40 / 300,
                1 + file / 40 % 300 / 28,
                1 + file / 40 % 28
            ),
            &text,
        );
    }
}

fn tencent(folder: &Path) {
    for file in 0..30 {
        let mut text = "{\"MsgList\":[\n".to_owned();
        for n in 0..MESSAGES / 30 {
            let comma = if n + 1 < MESSAGES / 30 { "," } else { "" };
            let (from, to) = (n % 997, n % 1009);
            writeln!(text, r#"{{"From_Account":"user{from}","To_Account":"peer{to}","MsgTimestamp":{},"MsgSeq":{n},"MsgRandom":{},"MsgFromPlatform":"iOS","ClientIP":"10.0.0.1","MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"Message {n}: {WORDS}"}}}}]}}{comma}"#, 1_700_000_000 + n, n * 7919).unwrap();
        }
        text += "]}\n";
        put(folder, &format!("C2C/20240301{file:02}.json"), &text);
    }
}

fn bulk(folder: &Path) {
    let mut text = "{\"type\":\"version\",\"version\":1}\n".to_owned();
    for u in 0..500 {
        writeln!(text, r#"{{"type":"user","user":{{"username":"user{u}","email":"u{u}@x.example","first_name":"Person","last_name":"{u}"}}}}"#).unwrap();
    }
    for n in 0..MESSAGES {
        let user = n % 500;
        writeln!(text, r#"{{"type":"post","post":{{"team":"team","channel":"channel-{}","user":"user{user}","type":"","message":"Message {n}: {WORDS} @user{user}","props":{{}},"create_at":{},"edit_at":0,"flagged_by":[],"reactions":null,"replies":null,"attachments":null,"is_pinned":false}}}}"#, n % 40, 1_700_000_000_000_usize + n).unwrap();
    }
    put(folder, "export.jsonl", &text);
}

fn compliance(folder: &Path) {
    let mut text = "Post Creation Time,Team Id,Team Name,Team Display Name,Channel Id,Channel Name,Channel Display Name,Channel Type,User Id,User Email,Username,Post Id,Edited By Post Id,Replied to Post Id,Post Message,Post Type\n".to_owned();
    for n in 0..MESSAGES {
        writeln!(text, "{},t1,team,Team,channel{:019},channel-name,Channel,public,user{:022},u@x.example,user{},post{n:022},,,\"Message {n}: {WORDS},\nand a second line\",message", 1_700_000_000_000_usize + n, n % 40, n % 500, n % 500).unwrap();
    }
    put(folder, "posts.csv", &text);
}

fn telegram(folder: &Path, chats: usize) {
    let mut text = "{\n \"about\": \"x\",\n \"personal_information\": {\n  \"user_id\": 77\n },\n \"chats\": {\n  \"list\": [".to_owned();
    for chat in 0..chats {
        let comma = if chat > 0 { "," } else { "" };
        write!(text, "{comma}\n   {{\n    \"name\": \"Chat {chat}\",\n    \"type\": \"private_supergroup\",\n    \"id\": {},\n    \"messages\": [", chat + 1).unwrap();
        for n in 0..MESSAGES / chats {
            let comma = if n > 0 { "," } else { "" };
            let user = n % 500;
            write!(text, "{comma}\n     {{\n      \"id\": {n},\n      \"type\": \"message\",\n      \"date\": \"2024-03-01T10:00:00\",\n      \"date_unixtime\": \"{}\",\n      \"from\": \"Person {user}\",\n      \"from_id\": \"user{user}\",\n      \"text\": \"Message {n}: {WORDS}\",\n      \"text_entities\": [\n       {{\n        \"type\": \"plain\",\n        \"text\": \"Message {n}: {WORDS}\"\n       }}\n      ]\n     }}", 1_700_000_000 + n).unwrap();
        }
        text += "\n    ]\n   }";
    }
    text += "\n  ]\n }\n}\n";
    put(folder, "result.json", &text);
}

fn whatsapp(folder: &Path, shape: &str) {
    let mut text = String::new();
    for n in 0..MESSAGES {
        let (day, hour, minute, second) = (1 + n / 20_000, n / 1000 % 20, n / 17 % 60, n % 60);
        let head = match shape {
            "ios" => format!("[{day:02}.03.24, {hour:02}:{minute:02}:{second:02}] "),
            _ => format!("{day}/3/24, {}:{minute:02}\u{202f}PM - ", 1 + hour % 11),
        };
        writeln!(text, "{head}Person {}: Message {n}: {WORDS}", n % 40).unwrap();
    }
    put(folder, "WhatsApp Chat with Us.txt", &text);
}

/// One file: what stands before the records, each record, what stands between them and behind.
fn file(folder: &Path, name: &str, [head, between, tail]: [&str; 3], record: impl Fn(usize) -> String) {
    let mut text = head.to_owned();
    for n in 0..MESSAGES {
        text += if n > 0 { between } else { "" };
        text += &record(n);
    }
    text += tail;
    put(folder, name, &text);
}

/// Lines of JSON.
fn lines(folder: &Path, name: &str, record: impl Fn(usize) -> String) {
    file(folder, name, ["", "\n", "\n"], record);
}

/// A document for each hundred messages, as the store has them.
fn openim(folder: &Path) {
    let blocks = MESSAGES / 100;
    let mut text = String::new();
    for block in 0..blocks {
        write!(
            text,
            r#"{{"_id":{{"$oid":"{block:024x}"}},"doc_id":"si_a{}_b:{}","msgs":["#,
            block % 300,
            block / 300
        )
        .unwrap();
        for n in 0..100 {
            let (seq, comma) = (block / 300 * 100 + n + 1, if n > 0 { "," } else { "" });
            write!(text, r#"{comma}{{"msg":{{"send_id":"a{}","recv_id":"b","group_id":"","client_msg_id":"{block:08}{n:024}","server_msg_id":"{n:032x}","sender_platform_id":2,"sender_nickname":"Person","sender_face_url":"","session_type":1,"msg_from":100,"content_type":101,"content":"{{\"content\":\"Message {n}: {WORDS}\"}}","seq":{{"$numberLong":"{seq}"}},"send_time":{{"$numberLong":"{}"}},"create_time":{{"$numberLong":"1700000000000"}},"status":2,"is_read":false,"options":{{}},"offline_push":null,"at_user_id_list":[],"attached_info":"","ex":""}},"revoke":null,"del_list":[],"is_read":false}}"#, block % 300, 1_700_000_000_000_usize + seq).unwrap();
        }
        text += "]}\n";
    }
    put(folder, "msg.json", &text);
}

/// The second wave, each in its commonest shape.
#[expect(clippy::too_many_lines, reason = "a table: one entry a format")]
fn second_wave() {
    let t = |n: usize| 1_700_000_000_000 + n;
    speed("openim, canonical", Format::OpenIm, openim);
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
    speed("wechat (read twice)", Format::WeChat, |f| {
        file(
            f,
            "c.json",
            [r#"{"session":{"wxid":"1@chatroom","displayName":"c","type":"x"},"messages":["#, ",", "]}"],
            |n| {
                format!(
                    r#"{{"localId":{n},"createTime":{},"formattedTime":"x","type":"文本消息","localType":1,"content":"Message {n}: {WORDS}","isSend":0,"senderUsername":"wxid_{}","senderDisplayName":"P","senderAvatarKey":"k","source":""}}"#,
                    t(n) / 1000,
                    n % 500
                )
            },
        );
    });
    speed("chatlab (read twice)", Format::ChatLab, |f| {
        file(
            f,
            "c.jsonl",
            [
                "{\"_type\":\"header\",\"chatlab\":{\"version\":\"0.0.2\"},\"meta\":{\"name\":\"c\",\"platform\":\"qq\",\"type\":\"group\"}}\n",
                "\n",
                "\n",
            ],
            |n| {
                format!(
                    r#"{{"_type":"message","sender":"u{}","accountName":"P","timestamp":{},"type":0,"content":"Message {n}: {WORDS}","platformMessageId":"m{n}"}}"#,
                    n % 500,
                    t(n) / 1000
                )
            },
        );
    });
    speed("qq", Format::Qq, |f| {
        file(
            f,
            "c.json",
            [
                r#"{"metadata":{"name":"QQChatExporter V5","version":"5"},"chatInfo":{"name":"c","type":"group","peerUin":"5"},"messages":["#,
                ",",
                "]}",
            ],
            |n| {
                format!(
                    r#"{{"id":"{n}","seq":"{n}","timestamp":{},"time":"x","sender":{{"uid":"u_x","uin":"1{}","name":"P"}},"type":"t","content":{{"text":"Message {n}: {WORDS}","html":"","elements":[],"resources":[],"mentions":[]}},"recalled":false,"system":false}}"#,
                    t(n),
                    n % 500
                )
            },
        );
    });
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
    speed("rocketchat", Format::RocketChat, |f| {
        lines(f, "rocketchat_message.json", |n| {
            format!(
                r#"{{"_id":"m{n}","rid":"room{}","msg":"Message {n}: {WORDS}","ts":{{"$date":"2022-04-12T12:54:17.000Z"}},"u":{{"_id":"u{}","username":"p","name":"P"}},"mentions":[],"urls":[]}}"#,
                n % 40,
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

/// Tables and text of formats that are JSON as well.
fn tables() {
    let day = |n: usize| {
        format!("2023-11-{:02} {:02}:{:02}:{:02}", 1 + n / 86_400 % 28, n / 3600 % 24, n / 60 % 60, n % 60)
    };
    speed("discord-csv (read twice)", Format::DiscordCsv, |f| {
        file(
            f,
            "general [901].csv",
            ["AuthorID,Author,Date,Content,Attachments,Reactions\n", "\n", "\n"],
            |n| {
                format!(
                    "\"7{}\",\"p{}\",\"{}.0000000+01:00\",\"Message {n}: {WORDS}\",\"\",\"\"",
                    n % 500,
                    n % 500,
                    day(n).replace(' ', "T")
                )
            },
        );
    });
    speed("wechat-csv", Format::WeChatCsv, |f| {
        let head = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n";
        file(f, "messages.csv", [head, "\n", "\n"], |n| {
            format!(
                "{n},{},1,0,{},{},,Message {n}: {WORDS},{},P,P,wxid_{}",
                n % 40,
                u8::from(n % 7 == 0),
                1_700_000_000 + n,
                day(n),
                n % 500
            )
        });
    });
    speed("qq-text", Format::QqText, |f| {
        let line = "================================================================";
        let head = format!("消息记录\n\n{line}\n消息分组:我的群聊\n{line}\n消息对象:班级群\n{line}\n\n");
        file(f, "class.txt", [&head, "\n\n", "\n"], |n| {
            format!("{} P{}({})\nMessage {n}: {WORDS}", day(n), n % 500, 10_000 + n % 500)
        });
    });
    speed("rocketchat-csv", Format::RocketChatCsv, |f| {
        file(f, "general/messages.csv", ["", "\n", "\n"], |n| {
            format!("\"p{}\",\"{}\",\"Message {n}: {WORDS}\"", n % 500, 1_700_000_000_000_usize + n)
        });
    });
}

fn speed(name: &str, format: Format, make: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let bytes: u64 = walkdir::WalkDir::new(folder.path())
        .into_iter()
        .map(|e| e.unwrap().metadata().unwrap())
        .filter(std::fs::Metadata::is_file)
        .map(|m| m.len())
        .sum();
    let sources = [folder.path().to_string_lossy().into_owned()];
    let mut settings = Settings::default();
    settings.about.zone = Some("Europe/Berlin".to_owned());
    let pass = || {
        let from = cpu();
        let export = export::Settings::default();
        let preset = formats::open(format, &export, settings.clone()).unwrap();
        let mut reader = Reader::with(&export, preset.layout, &sources, SourceNo(0)).unwrap();
        let mut count = Count::default();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            preset.mapper.map(&chunk, &mut count);
            reader.recycle(chunk.text);
        }
        (cpu().saturating_sub(from), count)
    };
    let (mut times, mut last) = (Vec::new(), Count::default());
    for _ in 0..3 {
        let (time, count) = pass();
        times.push(time);
        last = count;
    }
    times.sort();
    let (mb, seconds) = (bytes as f64 / 1e6, times[1].as_secs_f64());
    assert!(
        last.messages >= MESSAGES * 9 / 10 && last.errors == 0,
        "{} {} {}",
        last.messages,
        last.left_out,
        last.errors
    );
    println!(
        "{name:34} {mb:5.0} MB  {:5.0} MB/s  {:9.0} messages/s  ({} left out)",
        mb / seconds,
        last.messages as f64 / seconds,
        last.left_out
    );
}

#[test]
#[ignore = "prints figures"]
fn format_speed() {
    speed("tencent", Format::Tencent, tencent);
    speed("slack, 500 messages a file", Format::Slack, |f| slack(f, 500));
    speed("slack, 10 messages a file", Format::Slack, |f| slack(f, 10));
    speed("mattermost", Format::Mattermost, bulk);
    speed("mattermost-compliance", Format::MattermostCompliance, compliance);
    speed("telegram, 10 chats", Format::Telegram, |f| telegram(f, 10));
    speed("telegram, 10,000 chats", Format::Telegram, |f| telegram(f, 10_000));
    speed("whatsapp, iOS", Format::WhatsApp, |f| whatsapp(f, "ios"));
    speed("whatsapp, Android", Format::WhatsApp, |f| whatsapp(f, "android"));
    second_wave();
    tables();
}
