//! The first wave.

use std::fmt::Write;
use std::path::Path;

use openim_importer::formats::Format;

use super::{MESSAGES, WORDS, put, speed};

/// All of them.
pub(super) fn first_wave() {
    speed("tencent", Format::Tencent, tencent);
    speed("slack, 500 messages a file", Format::Slack, |f| slack(f, 500));
    speed("slack, 10 messages a file", Format::Slack, |f| slack(f, 10));
    speed("mattermost", Format::Mattermost, bulk);
    speed("mattermost-compliance (read twice)", Format::MattermostCompliance, compliance);
    speed("telegram, 10 chats", Format::Telegram, |f| telegram(f, 10));
    speed("telegram, 10,000 chats", Format::Telegram, |f| telegram(f, 10_000));
    speed("whatsapp, iOS (read twice)", Format::WhatsApp, |f| whatsapp(f, "ios"));
    speed("whatsapp, Android (read twice)", Format::WhatsApp, |f| whatsapp(f, "android"));
}

/// Pretty-printed as Slack does it; a file a day and channel, with `per_file` messages.
fn slack(folder: &Path, per_file: usize) {
    let channels: Vec<String> =
        (0..40).map(|c| format!(r#"{{"id":"C{c:08}","name":"channel-{c}","members":[]}}"#)).collect();
    put(folder, "channels.json", format!("[{}]", channels.join(",")));
    let users: Vec<String> = (0..500)
        .map(|u| format!(r#"{{"id":"U{u:08}","name":"user{u}","profile":{{"display_name":"Person {u}","email":"u{u}@x.example"}}}}"#))
        .collect();
    put(folder, "users.json", format!("[{}]", users.join(",")));
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
