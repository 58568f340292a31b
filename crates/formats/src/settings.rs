//! What a user can decide about exports: `[format]`, `[media]` and `[policy]` of the configuration.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::Format;
use super::roots::Roots;
use super::uploaded::Uploaded;
use crate::message::Release;

/// The three sections together, what was uploaded, and the release.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the export does not say of itself.
    pub about: About,
    /// Where the media are.
    pub media: Media,
    /// What became of files that were uploaded.
    pub uploaded: Arc<Uploaded>,
    /// Where the paths of each source begin.
    pub roots: Arc<Roots>,
    /// What becomes of what OpenIM has no word for.
    pub policy: Policy,
    /// What the server takes whose messages these become.
    pub release: Release,
}

/// `[format]`: what some exports do not say of themselves. Where it is needed, a finding asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// The format, where it is not to be recognised: `slack`.
    pub name: Option<Format>,
    /// Who "me" is in an export made by one of its users: the id or name that the export uses.
    #[serde(rename = "self")]
    pub me: Option<String>,
    /// Zone of times written without one: `Europe/Berlin`, `+08:00`.
    pub zone: Option<String>,
    /// How dates are written that could be read in several ways.
    pub date_order: Option<DateOrder>,
    /// What a chat is whose kind the export does not say.
    pub chat: Option<ChatKind>,
    /// Name of a chat that the export does not name.
    pub chat_name: Option<String>,
    /// What groups of one name are that share no messages, where the export has no ids for them.
    pub same_name: Option<SameName>,
    /// What tells messages apart where the export has no ids but times (Mattermost bulk).
    pub same_time: SameTime,
}

/// The order of day, month and year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// 31/12/2024
    Dmy,
    /// 12/31/2024
    Mdy,
    /// 2024/12/31
    Ymd,
}

/// Two people or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatKind {
    /// Two people (or one, with herself).
    Direct,
    /// A group.
    Group,
}

/// What groups are that have the same name in several files, and no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameName {
    /// One group.
    One,
    /// One for each file, but for files that share messages.
    Apart,
}

/// What two messages of one user in one conversation with the same time are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SameTime {
    /// The same message; with different texts, an error.
    #[default]
    SameMessage,
    /// Told apart by their text: a message edited between two passes is then sent twice.
    ByText,
}

/// `[media]`: where pictures, recordings and files are, how they are uploaded, and what becomes of incomplete ones.
#[derive(Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Where the export's files were put: a file's path in the export is appended.
    pub base_url: Option<String>,
    /// A CSV with the columns `path` and `url`, and if known `width`, `height`, `duration`, `size`,
    /// `thumb_url`. `path` is the path, id or link by which `media-to-upload.csv` calls the file.
    pub table: Option<PathBuf>,
    /// What becomes of a medium without a link that everybody can open.
    pub without_link: WithoutLink,
    /// What becomes of a medium that lacks a width, height, duration, size or preview.
    pub incomplete: Incomplete,
    /// The values that are put in where `incomplete` is `placeholder`.
    pub placeholder: Placeholder,
    /// A folder that has files which the export names and does not have.
    pub files: Option<PathBuf>,
    /// The address of the API as phones know it, where it is another one than ours: objects are opened below it.
    pub public_url: Option<String>,
    /// The file with the key of the objects' names; made where it is not there.
    pub key_file: Option<PathBuf>,
    /// Files larger than that are left out, bytes.
    pub max_size: Option<NonZeroU64>,
    /// Files under way at once.
    pub uploads: Option<NonZeroU64>,
    /// Whether links may lead into private networks.
    pub allow_private: bool,
    /// Tokens for hosts whose links need one.
    pub tokens: Vec<Token>,
}

/// A token for the links of one host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The host, as it stands in the links: it alone is shown the token.
    pub host: String,
    /// A file whose first line is the token.
    pub file: PathBuf,
}

/// Only what shapes messages: that is what a job remembers of it, and what it compares when it goes on.
#[expect(clippy::missing_fields_in_debug, reason = "how files are had and uploaded shapes no message")]
impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media")
            .field("base_url", &self.base_url)
            .field("table", &self.table)
            .field("without_link", &self.without_link)
            .field("incomplete", &self.incomplete)
            .field("placeholder", &self.placeholder)
            .finish()
    }
}

/// What becomes of a medium without a link that everybody can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithoutLink {
    /// A text that names it.
    #[default]
    Text,
    /// A custom message (110) with all that is known about it.
    Custom,
    /// Nothing; it is counted.
    Skip,
}

/// What becomes of a medium that lacks what the server demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Incomplete {
    /// It goes with placeholder values.
    #[default]
    Placeholder,
    /// A text that names it, with its link.
    Text,
    /// A custom message (110) with all that is known about it.
    Custom,
    /// Nothing; it is counted.
    Skip,
}

/// Values for what an export does not tell. The server takes no 0.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Placeholder {
    /// Pixels.
    pub width: NonZeroU64,
    /// Pixels.
    pub height: NonZeroU64,
    /// Seconds.
    pub duration: NonZeroU64,
    /// Bytes.
    pub size: NonZeroU64,
    /// Link to a picture that stands for the preview of a video; without one, such a video goes as a file.
    pub preview: Option<String>,
}

impl Default for Placeholder {
    fn default() -> Self {
        let is = |n| NonZeroU64::new(n).expect("a constant above 0");
        Self { width: is(640), height: is(480), duration: is(1), size: is(1), preview: None }
    }
}

/// `[policy]`: what becomes of what OpenIM has no word for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Messages that were edited.
    pub edited: Edited,
    /// Messages that were deleted or recalled.
    pub recalled: Recalled,
    /// Messages that answer another one.
    pub replies: Replies,
    /// Stickers and big emoji.
    pub stickers: Special,
    /// Locations.
    pub locations: Special,
    /// Contacts that were passed on.
    pub cards: Special,
    /// Polls.
    pub polls: Special,
    /// Everything else: merged messages, games, invoices, elements of an application's own.
    pub others: Special,
}

/// What becomes of earlier versions of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edited {
    /// Only the last version counts; earlier ones are left out, if the export has them.
    #[default]
    Last,
    /// Each version is a message.
    All,
}

/// What becomes of messages that were deleted or recalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recalled {
    /// They are left out, and counted.
    #[default]
    LeaveOut,
    /// A text says that there was one.
    Text,
    /// They are sent, if the export still has them.
    Keep,
}

/// What becomes of an answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replies {
    /// A quote (114), where the release takes it; else a text with the quoted words.
    #[default]
    Quote,
    /// Like any other message.
    Plain,
}

/// What becomes of something that OpenIM has no type for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Special {
    /// A text that says it.
    #[default]
    Text,
    /// A custom message (110), for clients that know what to do with it.
    Custom,
    /// Nothing; it is counted.
    Skip,
}
