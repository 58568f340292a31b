//! The structures, field by field, in the server's order: it is the order of error texts.

use super::{Field, Kind, Rule, Structure};

/// A field that may be anything, under the same key everywhere.
const fn may(name: &'static str, key: &'static str, kind: Kind) -> Field {
    Field { name, key, json: name, omit: false, kind, rule: Rule::Any }
}

/// A field that must not be zero.
const fn needs(name: &'static str, key: &'static str, kind: Kind) -> Field {
    Field { rule: Rule::Required, ..may(name, key, kind) }
}

const fn ruled(name: &'static str, key: &'static str, kind: Kind, rule: Rule) -> Field {
    Field { rule, ..may(name, key, kind) }
}

/// A field of a structure that is written: matched by its Go name in any case, always written.
const fn kept(name: &'static str, json: &'static str, kind: Kind) -> Field {
    Field { name, key: name, json, omit: false, kind, rule: Rule::Any }
}

/// Same, left out when it is zero.
const fn omitted(name: &'static str, json: &'static str, kind: Kind) -> Field {
    Field { omit: true, ..kept(name, json, kind) }
}

pub(super) static TEXT: Structure = Structure {
    name: "TextElem",
    fields: &[Field { rule: Rule::Required, ..kept("Content", "content", Kind::Text) }],
};

pub(super) static MARKDOWN: Structure =
    Structure { name: "MarkdownTextElem", fields: &[needs("Content", "content", Kind::Text)] };

static PICTURE_BASE: Structure = Structure {
    name: "PictureBaseInfo",
    fields: &[
        may("UUID", "uuid", Kind::Text),
        needs("Type", "type", Kind::Text),
        may("Size", "size", Kind::Int64),
        needs("Width", "width", Kind::Int32),
        needs("Height", "height", Kind::Int32),
        needs("Url", "url", Kind::Text),
    ],
};

pub(super) static PICTURE: Structure = Structure {
    name: "PictureElem",
    fields: &[
        may("SourcePath", "sourcePath", Kind::Text),
        may("SourcePicture", "sourcePicture", Kind::Inner(&PICTURE_BASE)),
        may("BigPicture", "bigPicture", Kind::Inner(&PICTURE_BASE)),
        may("SnapshotPicture", "snapshotPicture", Kind::Inner(&PICTURE_BASE)),
    ],
};

pub(super) static SOUND: Structure = Structure {
    name: "SoundElem",
    fields: &[
        may("UUID", "uuid", Kind::Text),
        may("SoundPath", "soundPath", Kind::Text),
        needs("SourceURL", "sourceUrl", Kind::Text),
        may("DataSize", "dataSize", Kind::Int64),
        ruled("Duration", "duration", Kind::Int64, Rule::AtLeastOne),
    ],
};

pub(super) static VIDEO: Structure = Structure {
    name: "VideoElem",
    fields: &[
        may("VideoPath", "videoPath", Kind::Text),
        may("VideoUUID", "videoUUID", Kind::Text),
        needs("VideoURL", "videoUrl", Kind::Text),
        needs("VideoType", "videoType", Kind::Text),
        needs("VideoSize", "videoSize", Kind::Int64),
        needs("Duration", "duration", Kind::Int64),
        may("SnapshotPath", "snapshotPath", Kind::Text),
        may("SnapshotUUID", "snapshotUUID", Kind::Text),
        may("SnapshotSize", "snapshotSize", Kind::Int64),
        needs("SnapshotURL", "snapshotUrl", Kind::Text),
        needs("SnapshotWidth", "snapshotWidth", Kind::Int32),
        needs("SnapshotHeight", "snapshotHeight", Kind::Int32),
    ],
};

pub(super) static FILE: Structure = Structure {
    name: "FileElem",
    fields: &[
        may("FilePath", "filePath", Kind::Text),
        may("UUID", "uuid", Kind::Text),
        needs("SourceURL", "sourceUrl", Kind::Text),
        needs("FileName", "fileName", Kind::Text),
        needs("FileSize", "fileSize", Kind::Int64),
    ],
};

pub(super) static AT: Structure = Structure {
    name: "AtElem",
    fields: &[
        may("Text", "text", Kind::Text),
        ruled("AtUserList", "atUserList", Kind::Texts, Rule::AtMostThousand),
        may("IsAtSelf", "isAtSelf", Kind::Flag),
    ],
};

static LOCATION: Structure = Structure {
    name: "LocationElem",
    fields: &[
        may("Description", "description", Kind::Text),
        needs("Longitude", "longitude", Kind::Float),
        needs("Latitude", "latitude", Kind::Float),
    ],
};

pub(super) static CUSTOM: Structure = Structure {
    name: "CustomElem",
    fields: &[
        needs("Data", "data", Kind::Text),
        may("Description", "description", Kind::Text),
        may("Extension", "extension", Kind::Text),
    ],
};

pub(super) static QUOTE: Structure = Structure {
    name: "QuoteElem",
    fields: &[
        omitted("Text", "text", Kind::Text),
        omitted("QuoteMessage", "quoteMessage", Kind::Pointer(&MESSAGE)),
    ],
};

static OFFLINE_PUSH: Structure = Structure {
    name: "OfflinePushInfo",
    fields: &[
        kept("Title", "title", Kind::Text),
        kept("Desc", "desc", Kind::Text),
        kept("Ex", "ex", Kind::Text),
        kept("IOSPushSound", "iOSPushSound", Kind::Text),
        kept("IOSBadgeCount", "iOSBadgeCount", Kind::Flag),
        kept("SignalInfo", "signalInfo", Kind::Text),
    ],
};

static MESSAGE: Structure = Structure {
    name: "MsgStruct",
    fields: &[
        omitted("ClientMsgID", "clientMsgID", Kind::Text),
        omitted("ServerMsgID", "serverMsgID", Kind::Text),
        kept("CreateTime", "createTime", Kind::Int64),
        kept("SendTime", "sendTime", Kind::Int64),
        kept("SessionType", "sessionType", Kind::Int32),
        omitted("SendID", "sendID", Kind::Text),
        omitted("RecvID", "recvID", Kind::Text),
        kept("MsgFrom", "msgFrom", Kind::Int32),
        kept("ContentType", "contentType", Kind::Int32),
        kept("SenderPlatformID", "senderPlatformID", Kind::Int32),
        omitted("SenderNickname", "senderNickname", Kind::Text),
        omitted("SenderFaceURL", "senderFaceUrl", Kind::Text),
        omitted("GroupID", "groupID", Kind::Text),
        omitted("Content", "content", Kind::Text),
        kept("Seq", "seq", Kind::Int64),
        kept("IsRead", "isRead", Kind::Flag),
        kept("Status", "status", Kind::Int32),
        omitted("IsReact", "isReact", Kind::Flag),
        omitted("IsExternalExtensions", "isExternalExtensions", Kind::Flag),
        omitted("OfflinePush", "offlinePush", Kind::Pointer(&OFFLINE_PUSH)),
        omitted("AttachedInfo", "attachedInfo", Kind::Text),
        omitted("Ex", "ex", Kind::Text),
        omitted("LocalEx", "localEx", Kind::Text),
        omitted("TextElem", "textElem", Kind::Pointer(&TEXT)),
        omitted("PictureElem", "pictureElem", Kind::Pointer(&PICTURE)),
        omitted("SoundElem", "soundElem", Kind::Pointer(&SOUND)),
        omitted("VideoElem", "videoElem", Kind::Pointer(&VIDEO)),
        omitted("FileElem", "fileElem", Kind::Pointer(&FILE)),
        omitted("AtTextElem", "atTextElem", Kind::Pointer(&AT)),
        omitted("LocationElem", "locationElem", Kind::Pointer(&LOCATION)),
        omitted("CustomElem", "customElem", Kind::Pointer(&CUSTOM)),
        omitted("QuoteElem", "quoteElem", Kind::Pointer(&QUOTE)),
    ],
};

pub(super) static OA: Structure = Structure {
    name: "OANotificationElem",
    fields: &[
        needs("NotificationName", "notificationName", Kind::Text),
        may("NotificationFaceURL", "notificationFaceURL", Kind::Text),
        needs("NotificationType", "notificationType", Kind::Int32),
        needs("Text", "text", Kind::Text),
        may("Url", "url", Kind::Text),
        ruled("MixType", "mixType", Kind::Int32, Rule::ZeroToFive),
        may("PictureElem", "pictureElem", Kind::Pointer(&PICTURE)),
        may("SoundElem", "soundElem", Kind::Pointer(&SOUND)),
        may("VideoElem", "videoElem", Kind::Pointer(&VIDEO)),
        may("FileElem", "fileElem", Kind::Pointer(&FILE)),
        may("Ex", "ex", Kind::Text),
    ],
};
