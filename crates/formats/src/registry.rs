//! The formats by name, and what makes messages of each.

use std::sync::Arc;

use serde::Deserialize;

use super::compose::Composer;
use super::local::Local;
use super::mattermost::{Bulk, Compliance};
use super::settings::Settings;
use super::slack::Slack;
use super::table::{Table, TableError};
use super::telegram::Telegram;
use super::tencent::Tencent;
use super::whatsapp::WhatsApp;
use crate::export::{self, Layout};
use crate::mapping::Mapper;

/// A kind of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tencent Cloud IM, hourly files.
    Tencent,
    /// Slack, the export of a workspace.
    Slack,
    /// Mattermost, the bulk export.
    Mattermost,
    /// Mattermost, the compliance export as CSV.
    MattermostCompliance,
    /// Telegram Desktop, `result.json`.
    Telegram,
    /// WhatsApp, an exported chat.
    #[serde(rename = "whatsapp")]
    WhatsApp,
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
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Tencent,
        Self::Slack,
        Self::Mattermost,
        Self::MattermostCompliance,
        Self::Telegram,
        Self::WhatsApp,
    ];

    /// What `--format` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tencent => "tencent",
            Self::Slack => "slack",
            Self::Mattermost => "mattermost",
            Self::MattermostCompliance => "mattermost-compliance",
            Self::Telegram => "telegram",
            Self::WhatsApp => "whatsapp",
        }
    }

    /// The format that `--format` calls so.
    pub fn by_name(name: &str) -> Result<Self, FormatError> {
        let found = Self::ALL.iter().copied().find(|f| f.name() == name);
        found.ok_or_else(|| FormatError::Unknown { name: name.to_owned() })
    }

    /// What it is, in a line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Tencent => "Tencent Cloud IM (hourly files of get_history)",
            Self::Slack => "Slack (the export of a workspace, as a folder or zip)",
            Self::Mattermost => "Mattermost (bulk export, JSONL)",
            Self::MattermostCompliance => "Mattermost (compliance export, CSV)",
            Self::Telegram => "Telegram Desktop (result.json, one chat or a whole account)",
            Self::WhatsApp => "WhatsApp (exported chats, .txt or .zip)",
        }
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
    Ok(match format {
        Format::Tencent => both(Tencent::new(composer, max)),
        Format::Slack => both(Slack::new(composer, max)),
        Format::Mattermost => both(Bulk::new(composer, max)),
        Format::MattermostCompliance => both(Compliance::new(composer, export.clone())),
        Format::Telegram => both(Telegram::new(composer, local, max)),
        Format::WhatsApp => both(WhatsApp::new(composer, local, max)),
    })
}

fn both<F: Layout + Mapper + 'static>(format: F) -> Preset {
    let format = Arc::new(format);
    Preset { layout: Arc::clone(&format) as Arc<dyn Layout>, mapper: format }
}

fn names() -> String {
    let names: Vec<String> = Format::ALL.iter().map(|f| format!("`{}`", f.name())).collect();
    names.join(", ")
}
