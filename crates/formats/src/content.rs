//! `content` of the types that the formats give: what the server wants in each (contract, table 2).
#![expect(clippy::struct_field_names, reason = "called as in the JSON")]

use serde::Serialize;

use crate::message::ContentType;

/// A finished `content` and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) kind: ContentType,
    pub(super) json: String,
}

impl Content {
    fn new(kind: ContentType, value: &impl Serialize) -> Self {
        Self { kind, json: serde_json::to_string(value).expect("texts and numbers are always JSON") }
    }

    /// 101.
    pub(super) fn text(content: &str) -> Self {
        #[derive(Serialize)]
        struct Text<'a> {
            content: &'a str,
        }
        Self::new(ContentType::Text, &Text { content })
    }

    /// 106: a text that calls on somebody. `AtAllTag` is everyone.
    pub(super) fn at(text: &str, users: &[impl AsRef<str>]) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct At<'a> {
            text: &'a str,
            at_user_list: Vec<&'a str>,
            is_at_self: bool,
        }
        let at_user_list = users.iter().map(AsRef::as_ref).take(MAX_AT).collect();
        Self::new(ContentType::At, &At { text, at_user_list, is_at_self: false })
    }

    /// 114 without the slot that is filled just before sending.
    pub(super) fn quote(text: &str) -> Self {
        #[derive(Serialize)]
        struct Quote<'a> {
            text: &'a str,
        }
        Self::new(ContentType::Quote, &Quote { text })
    }

    /// 110.
    pub(super) fn custom(data: &str, description: &str, extension: &str) -> Self {
        #[derive(Serialize)]
        struct Custom<'a> {
            data: &'a str,
            description: &'a str,
            extension: &'a str,
        }
        Self::new(ContentType::Custom, &Custom { data, description, extension })
    }

    /// 102.
    pub(super) fn picture(source: &Picture<'_>, big: &Picture<'_>, snapshot: &Picture<'_>) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Pictures<'a> {
            source_picture: &'a Picture<'a>,
            big_picture: &'a Picture<'a>,
            snapshot_picture: &'a Picture<'a>,
        }
        let all = Pictures { source_picture: source, big_picture: big, snapshot_picture: snapshot };
        Self::new(ContentType::Picture, &all)
    }

    /// 103. `duration` in seconds.
    pub(super) fn voice(source_url: &str, data_size: u64, duration: u64) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Voice<'a> {
            source_url: &'a str,
            data_size: u64,
            duration: u64,
        }
        Self::new(ContentType::Voice, &Voice { source_url, data_size, duration })
    }

    /// 104. `duration` in seconds.
    pub(super) fn video(video: &Video<'_>) -> Self {
        Self::new(ContentType::Video, video)
    }

    /// 105.
    pub(super) fn file(source_url: &str, file_name: &str, file_size: u64) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct File<'a> {
            source_url: &'a str,
            file_name: &'a str,
            file_size: u64,
        }
        Self::new(ContentType::File, &File { source_url, file_name, file_size })
    }
}

/// As many as the server takes in `atUserList`.
const MAX_AT: usize = 1000;

/// One of the three pictures of 102.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Picture<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) size: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) url: &'a str,
}

/// What 104 holds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Video<'a> {
    pub(super) video_url: &'a str,
    pub(super) video_type: &'a str,
    pub(super) video_size: u64,
    pub(super) duration: u64,
    pub(super) snapshot_url: &'a str,
    pub(super) snapshot_size: u64,
    pub(super) snapshot_width: u64,
    pub(super) snapshot_height: u64,
}
