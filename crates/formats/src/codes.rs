//! What the formats find in exports, with how to mend it. Stable names.

use crate::finding::{Code, Severity};

/// A record that is no JSON, or not what this format calls a record.
pub const RECORD_INVALID: Code = Code {
    name: "record-invalid",
    severity: Severity::Error,
    means: "the record can't be read as one of this format",
    mend: "mend it at this line, or fetch the file again; `--skip-invalid` imports the rest",
};

/// No sender.
pub const SENDER_MISSING: Code = Code {
    name: "sender-missing",
    severity: Severity::Error,
    means: "the record does not say who sent it",
    mend: "add the sender in the export; `--skip-invalid` imports the rest",
};

/// No time, or one that is none.
pub const TIME_INVALID: Code = Code {
    name: "time-invalid",
    severity: Severity::Error,
    means: "the record has no time that can be understood",
    mend: "mend the time in the export; `--skip-invalid` imports the rest",
};

/// A local time without a zone.
pub const ZONE_MISSING: Code = Code {
    name: "zone-missing",
    severity: Severity::Error,
    means: "the export has local times and does not say where: without a zone they are no times",
    mend: "set `zone` in [format] to the zone of the device that made the export, such as \"Europe/Berlin\"",
};

/// Times that go back, as in no export.
pub const HEADER_DOUBTFUL: Code = Code {
    name: "header-doubtful",
    severity: Severity::Warning,
    means: "times go back here, and exports are in the order of time: what begins like a message in front of this line \
            may be part of the message before it",
    mend: "look at the lines in front of it; if they belong to one message, put a blank in front of those that are no \
           beginnings",
};

/// Dates that can be read in two ways.
pub const DATE_ORDER_UNKNOWN: Code = Code {
    name: "date-order-unknown",
    severity: Severity::Error,
    means: "no date of the file tells whether the day or the month comes first",
    mend: "set `date_order` in [format] to \"dmy\" or \"mdy\"",
};

/// No hint whether two people or a group talk.
pub const CHAT_KIND_UNKNOWN: Code = Code {
    name: "chat-kind-unknown",
    severity: Severity::Error,
    means: "nothing tells whether this is a chat of two people or a group",
    mend: "set `chat` in [format] to \"direct\" or \"group\" and import such files on their own",
};

/// Several groups of one name, and no id.
pub const GROUPS_OF_ONE_NAME: Code = Code {
    name: "groups-of-one-name",
    severity: Severity::Error,
    means: "several files call their groups the same, the export has no ids for them, and they share no messages: nothing tells \
            whether this is one group",
    mend: "set `same_name` in [format] to \"one\", or to \"apart\" to make each file a group of its own",
};

/// No hint in which conversation the message was written.
pub const CONVERSATION_UNKNOWN: Code = Code {
    name: "conversation-unknown",
    severity: Severity::Error,
    means: "nothing tells in which conversation this was written",
    mend: "keep the files in the folders of the export, or set `chat_name` in [format]",
};

/// A chat of two of which one is not known.
pub const PEER_UNKNOWN: Code = Code {
    name: "peer-unknown",
    severity: Severity::Error,
    means: "the other side of this chat of two people is not known",
    mend: "set `self` in [format] (or `--self`) to the one whose export this is, by the id or name that the export uses",
};

/// A writer who is none of the two.
pub const OUTSIDER: Code = Code {
    name: "outsider-in-direct",
    severity: Severity::Warning,
    means: "somebody who is none of the two wrote into a chat of two people (an integration, as a rule); left out",
    mend: "nothing, if these messages may be missing",
};

/// A folder that the list of channels does not name.
pub const CHANNEL_UNLISTED: Code = Code {
    name: "channel-unlisted",
    severity: Severity::Warning,
    means: "the lists of channels don't have this folder; its name stands for the id of the group",
    mend: "add channels.json, groups.json, dms.json and mpims.json of the export, if they are missing",
};

/// An element or type that this format did not have when it was learnt.
pub const ELEMENT_UNKNOWN: Code = Code {
    name: "element-unknown",
    severity: Severity::Warning,
    means: "the message has a part of a type that is not known here; `others` in [policy] decides what becomes of it",
    mend: "look at one of them; tell the importer's authors what it is",
};

/// A link that works for a while.
pub const MEDIA_EXPIRES: Code = Code {
    name: "media-link-expires",
    severity: Severity::Warning,
    means: "the link of this file is signed or kept for a limited time",
    mend: "let `openim-import media --fetch` bring them while the links work, or copy the files of media-to-upload.csv and name the new ones in `table` in [media]",
};

/// A link that only opens with a secret.
pub const MEDIA_SECRET: Code = Code {
    name: "media-link-needs-secret",
    severity: Severity::Warning,
    means: "the link of this file opens only with a token, which must not go into messages",
    mend: "let `openim-import media --fetch` bring them with the token of [[media.tokens]], or put the files of media-to-upload.csv where everybody can read them, and set `base_url` or `table` in [media]",
};

/// A file next to the export.
pub const MEDIA_LOCAL: Code = Code {
    name: "media-local",
    severity: Severity::Warning,
    means: "this file lies next to the export and has no link",
    mend: "let `openim-import media` upload them, or put the files of media-to-upload.csv where everybody can read them, and set `base_url` or `table` in [media]",
};

/// One path below `base_url`, of two files.
pub const MEDIA_PATH_SHARED: Code = Code {
    name: "media-path-shared",
    severity: Severity::Error,
    means: "files of two exports have this path, and `base_url` in [media] makes one link of both: a picture of one chat would \
            stand in another",
    mend: "let `openim-import media` upload them, or name a link for each in `table` in [media], with `source` as in \
           media-to-upload.csv",
};

/// A file that the export does not have.
pub const MEDIA_ABSENT: Code = Code {
    name: "media-absent",
    severity: Severity::Warning,
    means: "the export names this file without having it",
    mend: "export again with media, if they are wanted",
};

/// A medium that lacks what the server demands.
pub const MEDIA_INCOMPLETE: Code = Code {
    name: "media-incomplete",
    severity: Severity::Warning,
    means: "the export does not tell what the server demands of such a medium (width, height, duration, size, preview); `incomplete` in [media] decides what becomes of it",
    mend: "give the true values in `table` in [media], or choose others in [media.placeholder]",
};

/// A video without a preview.
pub const VIDEO_AS_FILE: Code = Code {
    name: "video-as-file",
    severity: Severity::Warning,
    means: "the video has no preview picture, which the server demands; it goes as a file",
    mend: "set `preview` in [media.placeholder] to a link to a picture, or `thumb_url` in `table` in [media]",
};

/// A file whose kind its bytes don't bear out.
pub const MEDIA_AS_FILE: Code = Code {
    name: "media-as-file",
    severity: Severity::Warning,
    means: "the bytes of this picture or recording tell no size or length, which the server demands; it goes as a file",
    mend: "look at the file: it may be damaged, or of another kind than the export says",
};

/// A file that was looked for and is nowhere.
pub const MEDIA_MISSING: Code = Code {
    name: "media-missing",
    severity: Severity::Warning,
    means: "this file is neither in the export nor in `files`, nor was it fetched; `without_link` in [media] decides what becomes of it",
    mend: "name the folder that has it as `files` in [media], or let links be fetched with --fetch",
};

/// A file without bytes.
pub const MEDIA_EMPTY: Code = Code {
    name: "media-empty",
    severity: Severity::Warning,
    means: "this file is empty, and the server takes no empty file; `without_link` in [media] decides what becomes of it",
    mend: "export it again, if it should not be",
};

/// A file beyond the limit.
pub const MEDIA_TOO_LARGE: Code = Code {
    name: "media-too-large",
    severity: Severity::Warning,
    means: "this file is larger than `max_size` in [media]; `without_link` decides what becomes of it",
    mend: "raise `max_size`, if it shall be uploaded",
};

/// A file that can't be read.
pub const MEDIA_UNREADABLE: Code = Code {
    name: "media-unreadable",
    severity: Severity::Warning,
    means: "this file can't be read, leads out of the export, or changed while it was read; `without_link` in [media] decides what becomes of it",
    mend: "see the reason in the list of `openim-import media`",
};

/// A file that the server did not take.
pub const MEDIA_REFUSED: Code = Code {
    name: "media-refused",
    severity: Severity::Warning,
    means: "the server did not take this file; `without_link` in [media] decides what becomes of it",
    mend: "see the reason in the list of `openim-import media`; the same command tries it again",
};

/// The app's own words, not known here.
pub const APP_TEXT_UNKNOWN: Code = Code {
    name: "app-text-unknown",
    severity: Severity::Warning,
    means: "the app itself wrote this in words that are not known here; it is left out",
    mend: "look at one of them: nobody wrote it; tell the importer's authors what it means",
};

/// A time that does not follow the order of the export.
pub const TIME_RAISED: Code = Code {
    name: "time-raised",
    severity: Severity::Warning,
    means: "the message has an earlier time than the one before it in its conversation; it gets that one's time, so that both keep their order",
    mend: "nothing, as a rule: clocks were wrong, or a client was slow",
};

/// A time after the server had got the message.
pub const TIME_OF_ARRIVAL: Code = Code {
    name: "time-of-arrival",
    severity: Severity::Warning,
    means: "the message says that it was sent long after the server had got it: a clock was wrong; it gets the time at which \
            it came",
    mend: "nothing, as a rule",
};

/// A link to the server that is left behind.
pub const MEDIA_OLD_SERVER: Code = Code {
    name: "media-on-old-server",
    severity: Severity::Warning,
    means: "the link of this file leads to the server that the export comes from",
    mend: "move the store with its links, or copy the files of media-to-upload.csv and name the new links in `table` in [media]",
};

/// Fields that nobody has confirmed.
pub const SHAPE_UNCONFIRMED: Code = Code {
    name: "shape-unconfirmed",
    severity: Severity::Warning,
    means: "the fields of this format are known from its SDK and documentation, not from a file",
    mend: "compare some messages with what the app shows; tell the importer's authors, with a sample, what is wrong",
};

/// Something that the server's API can't make.
pub const NOT_CARRIED: Code = Code {
    name: "not-carried-over",
    severity: Severity::Warning,
    means: "the old server has this, and nothing that is done here makes it on the new one",
    mend: "nothing, if it may be missing; else let people set it again in their apps",
};

/// All of the above, for documentation and tests.
pub const ALL: &[&Code] = &[
    &RECORD_INVALID,
    &SENDER_MISSING,
    &TIME_INVALID,
    &ZONE_MISSING,
    &HEADER_DOUBTFUL,
    &DATE_ORDER_UNKNOWN,
    &CHAT_KIND_UNKNOWN,
    &GROUPS_OF_ONE_NAME,
    &CONVERSATION_UNKNOWN,
    &PEER_UNKNOWN,
    &OUTSIDER,
    &CHANNEL_UNLISTED,
    &ELEMENT_UNKNOWN,
    &MEDIA_EXPIRES,
    &MEDIA_SECRET,
    &MEDIA_LOCAL,
    &MEDIA_PATH_SHARED,
    &MEDIA_ABSENT,
    &MEDIA_INCOMPLETE,
    &VIDEO_AS_FILE,
    &MEDIA_AS_FILE,
    &MEDIA_MISSING,
    &MEDIA_EMPTY,
    &MEDIA_TOO_LARGE,
    &MEDIA_UNREADABLE,
    &MEDIA_REFUSED,
    &APP_TEXT_UNKNOWN,
    &TIME_RAISED,
    &TIME_OF_ARRIVAL,
    &MEDIA_OLD_SERVER,
    &SHAPE_UNCONFIRMED,
    &NOT_CARRIED,
];

/// Reasons for which records are left out on purpose. Stable names.
pub mod reason {
    /// Somebody joined, a topic was set, a call ended: the app wrote it, not a user.
    pub const SYSTEM_ROW: &str = "system-row";
    /// A row of a list of users, channels or settings.
    pub const DIRECTORY_ROW: &str = "directory-row";
    /// The app wrote it, in words that are not known here.
    pub const APP_TEXT_UNKNOWN: &str = "app-text-unknown";
    /// The message was deleted or recalled.
    pub const RECALLED: &str = "recalled";
    /// It stands within a bundle that was forwarded, which is a message itself.
    pub const FORWARDED_WITHIN: &str = "forwarded-within";
    /// An emoji given to a message.
    pub const REACTION: &str = "reaction";
    /// The service itself had kept the message from being delivered.
    pub const FILTERED: &str = "filtered";
    /// Written into a chat room, which has no history in OpenIM.
    pub const CHAT_ROOM: &str = "chat-room";
    /// An earlier version of a message that was edited.
    pub const EDITED_VERSION: &str = "edited-version";
    /// Nothing is in the message.
    pub const EMPTY: &str = "empty-message";
    /// The export itself could not tell what the message is.
    pub const UNSUPPORTED_BY_EXPORT: &str = "unsupported-by-export";
    /// "Is typing" and the like: never shown to anybody.
    pub const SIGNAL: &str = "signal";
    /// A medium that `[media]` says to leave out.
    pub const MEDIA_SKIPPED: &str = "media-skipped";
    /// A sticker, location, card, poll or the like that `[policy]` says to leave out.
    pub const SPECIAL_SKIPPED: &str = "special-skipped";
    /// Written into a chat of two by somebody else.
    pub const OUTSIDER: &str = "outsider-in-direct";
    /// A chat of the app with its user: answers to comments elsewhere, log-in codes.
    pub const SERVICE_CHAT: &str = "service-chat";
}
