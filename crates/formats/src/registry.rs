//! The formats by name, and what makes messages of each.

use std::sync::Arc;

use serde::Deserialize;

use super::compose::Composer;
use super::local::Local;
use super::mattermost::{Bulk, Compliance};
use super::openim::OpenIm;
use super::ordinary::{Ordinarily, Ordinary, Tools};
use super::settings::Settings;
use super::slack::Slack;
use super::table::{Table, TableError};
use super::telegram::Telegram;
use super::tencent::Tencent;
use super::whatsapp::WhatsApp;
use super::{
    chatlab, discord, easemob, feishu, gchat, matrix, netease, qq, rocketchat, rongcloud, wechat, wecom,
    zulip,
};
use crate::export::{self, Layout};
use crate::mapping::Mapper;

macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident $name:literal $title:literal;)*) => {
        /// A kind of export.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        pub enum Format {
            $($(#[$doc])* #[serde(rename = $name)] $format,)*
        }

        impl Format {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$format),*];

            /// What `--format` calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$format => $name,)* }
            }

            /// What it is, in a line.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$format => $title,)* }
            }
        }
    };
}

formats! {
    /// Tencent Cloud IM, hourly files.
    Tencent "tencent" "Tencent Cloud IM (hourly files of get_history)";
    /// Slack, the export of a workspace.
    Slack "slack" "Slack (the export of a workspace, as a folder or zip)";
    /// Mattermost, the bulk export.
    Mattermost "mattermost" "Mattermost (bulk export, JSONL)";
    /// Mattermost, the compliance export as CSV.
    MattermostCompliance "mattermost-compliance" "Mattermost (compliance export, CSV)";
    /// Telegram Desktop, `result.json`.
    Telegram "telegram" "Telegram Desktop (result.json, one chat or a whole account)";
    /// WhatsApp, an exported chat.
    WhatsApp "whatsapp" "WhatsApp (exported chats, .txt or .zip)";
    /// OpenIM's own database.
    OpenIm "openim" "OpenIM (its database: mongoexport or mongodump; chat_logs of version 2)";
    /// Easemob, hourly files.
    Easemob "easemob" "Easemob (hourly files of chatmessages)";
    /// RongCloud, the hourly log.
    RongCloud "rongcloud" "RongCloud (hourly log)";
    /// NetEase Yunxin, message copies.
    NetEase "netease" "NetEase Yunxin (message copies)";
    /// WeCom, the archive of conversations.
    WeCom "wecom" "WeCom (the archive of conversations, decrypted)";
    /// Discord, JSON of DiscordChatExporter.
    Discord "discord" "Discord (JSON of DiscordChatExporter)";
    /// Discord, CSV of DiscordChatExporter.
    DiscordCsv "discord-csv" "Discord (CSV of DiscordChatExporter)";
    /// WeChat, JSON of WeFlow or echotrace.
    WeChat "wechat" "WeChat (JSON of WeFlow or echotrace)";
    /// WeChat, CSV of WeChatMsg or PyWxDump.
    WeChatCsv "wechat-csv" "WeChat (CSV of WeChatMsg or PyWxDump)";
    /// ChatLab's format, of many apps.
    ChatLab "chatlab" "ChatLab 0.0.2 (JSON or JSON lines, of many apps)";
    /// QQ, JSON of qq-chat-exporter.
    Qq "qq" "QQ (JSON of qq-chat-exporter)";
    /// QQ, its own text.
    QqText "qq-text" "QQ (its own text export)";
    /// Feishu or Lark, message lists.
    Feishu "feishu" "Feishu or Lark (message lists of the API)";
    /// Matrix, a room exported by Element.
    Matrix "matrix" "Matrix (a room exported by Element, JSON)";
    /// Google Chat, Takeout.
    GoogleChat "google-chat" "Google Chat (Takeout)";
    /// Rocket.Chat, its database.
    RocketChat "rocketchat" "Rocket.Chat (its database as JSON or BSON)";
    /// Rocket.Chat, folders of CSV.
    RocketChatCsv "rocketchat-csv" "Rocket.Chat (folders of CSV)";
    /// Zulip, the export of an organisation.
    Zulip "zulip" "Zulip (the export of an organisation)";
}

/// Both halves of a format. Its ids are those of the export: they are to be translated, as
/// [`people::Ids::Auto`](crate::mapping::people::Ids::Auto) does where `translates` is said.
pub struct Preset {
    /// Which files belong, in which order, and how they are cut; for [`export::Reader::with`].
    pub layout: Arc<dyn Layout>,
    /// What becomes of their records.
    pub mapper: Arc<dyn Mapper>,
}

/// Why a format can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// `--format` or `format` names none.
    #[error("`{name}` is no format; there are {}, and for files of your own `jsonl`, `csv`, `json`", names())]
    Unknown {
        /// What was named.
        name: String,
    },
    /// `zone` is none.
    #[error("`zone` in [format]: {0}")]
    Zone(String),
    /// The table of media.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Format {
    /// The format that `--format` calls so.
    pub fn by_name(name: &str) -> Result<Self, FormatError> {
        let found = Self::ALL.iter().copied().find(|f| f.name() == name);
        found.ok_or_else(|| FormatError::Unknown { name: name.to_owned() })
    }

    /// Whether its ids are OpenIM's own, and stay as they are unless the settings say otherwise.
    pub const fn keeps_ids(self) -> bool {
        matches!(self, Self::OpenIm)
    }
}

/// Makes ready to read exports of that format. Looks at the table of media, not at the sources.
///
/// # Errors
/// Settings that can't be.
pub fn open(format: Format, export: &export::Settings, settings: Settings) -> Result<Preset, FormatError> {
    let local = Local::new(settings.about.zone.as_deref()).map_err(FormatError::Zone)?;
    let table = settings.media.table.as_deref().map(Table::read).transpose()?.unwrap_or_default();
    let composer = Composer::new(settings, table);
    let max = export.max_record;
    let tools = |composer| Tools { composer, local: local.clone(), export: export.clone() };
    Ok(match format {
        Format::Tencent => both(Tencent::new(composer, max)),
        Format::Slack => both(Slack::new(composer, max)),
        Format::Mattermost => both(Bulk::new(composer, max)),
        Format::MattermostCompliance => both(Compliance::new(composer, export.clone())),
        Format::Telegram => both(Telegram::new(composer, local.clone(), max)),
        Format::WhatsApp => both(WhatsApp::new(composer, local.clone(), max)),
        Format::Easemob => ordinary(easemob::Easemob, tools(composer)),
        Format::RongCloud => ordinary(rongcloud::RongCloud::default(), tools(composer)),
        Format::NetEase => ordinary(netease::NetEase, tools(composer)),
        Format::WeCom => ordinary(wecom::WeCom::default(), tools(composer)),
        Format::Discord => ordinary(discord::Discord::default(), tools(composer)),
        Format::DiscordCsv => ordinary(discord::DiscordCsv::default(), tools(composer)),
        Format::WeChat => ordinary(wechat::WeChat::default(), tools(composer)),
        Format::WeChatCsv => ordinary(wechat::WeChatCsv::default(), tools(composer)),
        Format::ChatLab => ordinary(chatlab::ChatLab::default(), tools(composer)),
        Format::Qq => ordinary(qq::Qq::default(), tools(composer)),
        Format::QqText => ordinary(qq::QqText::default(), tools(composer)),
        Format::Feishu => ordinary(feishu::Feishu::default(), tools(composer)),
        Format::Matrix => ordinary(matrix::Matrix::default(), tools(composer)),
        Format::GoogleChat => ordinary(gchat::GoogleChat::default(), tools(composer)),
        Format::RocketChat => ordinary(rocketchat::RocketChat::default(), tools(composer)),
        Format::RocketChatCsv => ordinary(rocketchat::RocketChatCsv::default(), tools(composer)),
        Format::Zulip => ordinary(zulip::Zulip::default(), tools(composer)),
        Format::OpenIm => ordinary(OpenIm::default(), tools(composer)),
    })
}

fn both<F: Layout + Mapper + 'static>(format: F) -> Preset {
    let format = Arc::new(format);
    Preset { layout: Arc::clone(&format) as Arc<dyn Layout>, mapper: format }
}

fn ordinary<F: Ordinary>(format: F, tools: Tools) -> Preset {
    both(Ordinarily { format, tools })
}

fn names() -> String {
    let names: Vec<String> = Format::ALL.iter().map(|f| format!("`{}`", f.name())).collect();
    names.join(", ")
}
