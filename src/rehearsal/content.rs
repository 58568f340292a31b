//! What a message of each type must contain (contract, table 2), checked as the real server does: the
//! object is decoded weakly into the type's structure, then each required field must not be zero.

mod decode;

use super::json::Value;
use crate::message::{ContentType, Release};

/// A Go structure.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of it.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key in the content.
    pub(super) key: &'static str,
    /// What Go calls it, which is how errors name it.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// The type of a field.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Int32,
    Int64,
    Flag,
    /// At most so many.
    Texts {
        most: usize,
    },
    Inner(&'static Structure),
}

/// What is wrong with the content of that type, as `errDlt` has it. `None` as structure: nothing is checked.
pub(super) fn check(structure: &'static Structure, content: &Value<'_>) -> Result<(), String> {
    decode::check(structure, content)
}

/// The structure of a type's content; `None` where the release does not take the type.
pub(super) fn structure(release: Release, content_type: i32) -> Option<&'static Structure> {
    Some(match ContentType::from_code(content_type)? {
        ContentType::Text => &TEXT,
        ContentType::Picture => &PICTURE,
        ContentType::Voice => &SOUND,
        ContentType::Video => &VIDEO,
        ContentType::File => &FILE,
        ContentType::At => &AT,
        ContentType::Custom => &CUSTOM,
        ContentType::Quote if release.takes_quotes() => &QUOTE,
        ContentType::Markdown if release.takes_quotes() => &MARKDOWN,
        ContentType::OaNotification => &OA,
        ContentType::Quote | ContentType::Markdown => return None,
    })
}

const fn needs(key: &'static str, name: &'static str, kind: Kind) -> Field {
    Field { key, name, kind, required: true }
}

const fn may(key: &'static str, name: &'static str, kind: Kind) -> Field {
    Field { key, name, kind, required: false }
}

static TEXT: Structure = Structure { name: "TextElem", fields: &[needs("content", "Content", Kind::Text)] };

static MARKDOWN: Structure =
    Structure { name: "MarkdownTextElem", fields: &[needs("content", "Content", Kind::Text)] };

static PICTURE_BASE: Structure = Structure {
    name: "PictureBaseInfo",
    fields: &[
        may("uuid", "UUID", Kind::Text),
        needs("type", "Type", Kind::Text),
        may("size", "Size", Kind::Int64),
        needs("width", "Width", Kind::Int32),
        needs("height", "Height", Kind::Int32),
        needs("url", "Url", Kind::Text),
    ],
};

static PICTURE: Structure = Structure {
    name: "PictureElem",
    fields: &[
        may("sourcePath", "SourcePath", Kind::Text),
        needs("sourcePicture", "SourcePicture", Kind::Inner(&PICTURE_BASE)),
        needs("bigPicture", "BigPicture", Kind::Inner(&PICTURE_BASE)),
        needs("snapshotPicture", "SnapshotPicture", Kind::Inner(&PICTURE_BASE)),
    ],
};

static SOUND: Structure = Structure {
    name: "SoundElem",
    fields: &[
        may("uuid", "UUID", Kind::Text),
        may("soundPath", "SoundPath", Kind::Text),
        needs("sourceUrl", "SourceURL", Kind::Text),
        may("dataSize", "DataSize", Kind::Int64),
        needs("duration", "Duration", Kind::Int64),
    ],
};

static VIDEO: Structure = Structure {
    name: "VideoElem",
    fields: &[
        may("videoPath", "VideoPath", Kind::Text),
        may("videoUUID", "VideoUUID", Kind::Text),
        needs("videoUrl", "VideoURL", Kind::Text),
        needs("videoType", "VideoType", Kind::Text),
        needs("videoSize", "VideoSize", Kind::Int64),
        needs("duration", "Duration", Kind::Int64),
        may("snapshotPath", "SnapshotPath", Kind::Text),
        may("snapshotUUID", "SnapshotUUID", Kind::Text),
        may("snapshotSize", "SnapshotSize", Kind::Int64),
        needs("snapshotUrl", "SnapshotURL", Kind::Text),
        needs("snapshotWidth", "SnapshotWidth", Kind::Int32),
        needs("snapshotHeight", "SnapshotHeight", Kind::Int32),
    ],
};

static FILE: Structure = Structure {
    name: "FileElem",
    fields: &[
        may("filePath", "FilePath", Kind::Text),
        may("uuid", "UUID", Kind::Text),
        needs("sourceUrl", "SourceURL", Kind::Text),
        needs("fileName", "FileName", Kind::Text),
        needs("fileSize", "FileSize", Kind::Int64),
    ],
};

static AT: Structure = Structure {
    name: "AtElem",
    fields: &[
        may("text", "Text", Kind::Text),
        needs("atUserList", "AtUserList", Kind::Texts { most: 1000 }),
        may("isAtSelf", "IsAtSelf", Kind::Flag),
    ],
};

static CUSTOM: Structure = Structure {
    name: "CustomElem",
    fields: &[
        needs("data", "Data", Kind::Text),
        may("description", "Description", Kind::Text),
        may("extension", "Extension", Kind::Text),
    ],
};

static QUOTE: Structure = Structure { name: "QuoteElem", fields: &[may("text", "Text", Kind::Text)] };

static OA: Structure = Structure {
    name: "OANotificationElem",
    fields: &[
        needs("notificationName", "NotificationName", Kind::Text),
        may("notificationFaceURL", "NotificationFaceURL", Kind::Text),
        needs("notificationType", "NotificationType", Kind::Int32),
        needs("text", "Text", Kind::Text),
        may("externalUrl", "Url", Kind::Text),
        may("mixType", "MixType", Kind::Int32),
        may("ex", "Ex", Kind::Text),
    ],
};
