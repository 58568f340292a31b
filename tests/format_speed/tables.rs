//! Tables and text of formats that are JSON as well.

use openim_importer::formats::Format;

use super::{WORDS, day, file, speed};

/// Tables and text of formats that are JSON as well.
pub(super) fn tables() {
    speed("discord-csv", Format::DiscordCsv, |f| {
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
    speed("wechat-csv, WeChatMsg (read twice)", Format::WeChatCsv, |f| {
        let head = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n";
        file(f, "messages.csv", [head, "\n", "\n"], |n| {
            format!(
                "{n},{},1,0,{},{},,\"Message {n}: {WORDS}\",{},P,P,wxid_{}",
                n % 40,
                u8::from(n % 7 == 0),
                1_700_000_000 + n,
                day(n),
                n % 500
            )
        });
    });
    speed("wechat-csv, PyWxDump (read twice)", Format::WeChatCsv, |f| {
        file(
            f,
            "chat.csv",
            ["id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime\n", "\n", "\n"],
            |n| {
                let (from, room) = (n % 500, n % 40);
                let is_sender = u8::from(n % 7 == 0);
                format!(
                    "{n},{n},文本,{is_sender},wxid_{from},{room}@chatroom,\"Message {n}: {WORDS}\",,{}",
                    day(n)
                )
            },
        );
    });
    speed("netease, a table", Format::NetEase, |f| {
        let head = "event_type,conv_type,to_account,from_account,msg_timestamp,msg_type,msg_id_client,msg_id_server,body,full_msg\n";
        file(f, "table.csv", [head, "\n", "\n"], |n| {
            let (to, from, at) = (n % 40, n % 500, 1_700_000_000_000_usize + n);
            format!("1,TEAM,{to},user{from},{at},TEXT,c{n},{n},\"Message {n}: {WORDS}\",")
        });
    });
    speed("qq-text (read twice)", Format::QqText, |f| {
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
