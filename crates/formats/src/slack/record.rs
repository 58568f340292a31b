//! A message as it lies in the file of a day.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::loose::{Number, Object, Objects, Text, Texts};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
    #[serde(borrow)]
    pub(super) ts: Text<'a>,
    #[serde(borrow)]
    pub(super) thread_ts: Text<'a>,
    #[serde(borrow)]
    pub(super) user: Text<'a>,
    #[serde(borrow)]
    pub(super) bot_id: Text<'a>,
    #[serde(borrow)]
    pub(super) username: Text<'a>,
    #[serde(borrow)]
    pub(super) user_profile: Object<Profile<'a>>,
    #[serde(borrow)]
    pub(super) bot_profile: Object<Profile<'a>>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) files: Objects<File<'a>>,
    /// In old exports, instead of `files`.
    #[serde(borrow)]
    pub(super) file: Object<File<'a>>,
    /// Of a `file_comment`, which has no user of its own.
    #[serde(borrow)]
    pub(super) comment: Object<Comment<'a>>,
    #[serde(borrow)]
    pub(super) attachments: Objects<Attachment<'a>>,
    #[serde(borrow)]
    pub(super) blocks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reactions: Objects<Reaction<'a>>,
    #[serde(borrow)]
    pub(super) edited: Object<Edited<'a>>,
    /// Of slackdump's dumps: the answers to this message.
    #[serde(borrow, rename = "slackdump_thread_replies")]
    pub(super) replies: Option<&'a RawValue>,
}

/// Messages as they stand in a list.
#[derive(Deserialize)]
pub(super) struct Replies<'a>(#[serde(borrow)] pub(super) Vec<&'a RawValue>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile<'a> {
    #[serde(borrow)]
    pub(super) display_name: Text<'a>,
    #[serde(borrow)]
    pub(super) real_name: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) image_72: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) mimetype: Text<'a>,
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
    /// `hosted`, `external`, `snippet`, `post`, `space`, `tombstone`, `hidden_by_limit`.
    #[serde(borrow)]
    pub(super) mode: Text<'a>,
    pub(super) size: Number,
    pub(super) original_w: Number,
    pub(super) original_h: Number,
    pub(super) duration_ms: Number,
    #[serde(borrow)]
    pub(super) url_private: Text<'a>,
    #[serde(borrow)]
    pub(super) url_private_download: Text<'a>,
    /// Old exports: what was written with the file.
    #[serde(borrow)]
    pub(super) initial_comment: Object<Comment<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Comment<'a> {
    #[serde(borrow)]
    pub(super) user: Text<'a>,
    #[serde(borrow)]
    pub(super) comment: Text<'a>,
}

/// The preview of a link, or the message of a bot.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attachment<'a> {
    #[serde(borrow)]
    pub(super) from_url: Text<'a>,
    pub(super) is_msg_unfurl: Number,
    #[serde(borrow)]
    pub(super) pretext: Text<'a>,
    #[serde(borrow)]
    pub(super) author_name: Text<'a>,
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) title_link: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) fallback: Text<'a>,
    #[serde(borrow)]
    pub(super) fields: Objects<Field<'a>>,
    #[serde(borrow)]
    pub(super) image_url: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Field<'a> {
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) value: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    pub(super) count: Number,
    #[serde(borrow)]
    pub(super) users: Texts<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Edited<'a> {
    #[serde(borrow)]
    pub(super) ts: Text<'a>,
}
