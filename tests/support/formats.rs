//! Of each format a file as it calls its own, and a fixture that it can be made of.

use openim_importer::formats::Format;

/// Name in the export, and fixture.
pub(crate) fn sample(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Tencent => ("2024030116.json", "tencent/C2C/2024030116.json"),
        Format::Slack => ("general/2024-03-01.json", "slack/general/2024-03-01.json"),
        Format::Mattermost => ("export.jsonl", "mattermost/bulk.jsonl"),
        Format::MattermostCompliance => ("posts.csv", "mattermost/compliance.csv"),
        Format::Telegram => ("result.json", "telegram/account/result.json"),
        Format::WhatsApp => ("_chat.txt", "whatsapp/WhatsApp Chat with Ann Lee.txt"),
        Format::OpenIm => ("msg.json", "openim/relaxed/msg.json"),
        Format::Easemob => ("2023111500.json", "easemob/2023111500.json"),
        Format::RongCloud => ("2023111506.log", "rongcloud/2023111506.log"),
        Format::NetEase => ("copies.jsonl", "netease/copies.jsonl"),
        Format::WeCom => ("archive.jsonl", "wecom.jsonl"),
        Format::Discord => ("general.json", "discord/json/Test guild - general [901].json"),
        Format::DiscordCsv => ("general [901].csv", "discord/csv/Test guild - Text - general [901].csv"),
        Format::WeChat => ("chat.json", "wechat/weflow/群聊_同学群.json"),
        Format::WeChatCsv => ("messages.csv", "wechat/csv/messages.csv"),
        Format::ChatLab => ("chat.jsonl", "chatlab/private.jsonl"),
        Format::Qq => ("group.json", "qq/json/group.json"),
        Format::QqText => ("class.txt", "qq/text/班级群.txt"),
        Format::Feishu => ("page1.json", "feishu/page1.json"),
        Format::Matrix => ("room.json", "matrix/Plans - Chat Export.json"),
        Format::GoogleChat => {
            ("Space ccc/messages.json", "gchat/Takeout/Google Chat/Groups/Space ccc/messages.json")
        }
        Format::RocketChat => ("rocketchat_message.json", "rocketchat/dump/rocketchat_message.json"),
        Format::RocketChatCsv => ("general/messages.csv", "rocketchat/csv/general/messages.csv"),
        Format::Zulip => ("messages-000001.json", "zulip/messages-000001.json"),
    }
}
