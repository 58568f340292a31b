//! Everything that can be wrong with a message or a history, with how to mend it. Stable names.

use crate::finding::{Code, Severity};

/// Table 2: `sendID` is required.
pub const SENDER_MISSING: Code = error(
    "sender-missing",
    "the message has no sender",
    "map a column to `sendID`, or filter these records out",
);
/// Table 2: `recvID` is required for session type 1.
pub const RECEIVER_MISSING: Code = error(
    "receiver-missing",
    "the message has no receiver",
    "map a column to `recvID` (or `groupID` for a group), or filter these records out",
);
/// Table 2: `groupID` is required for session type 3.
pub const GROUP_MISSING: Code = error(
    "group-missing",
    "the message goes to a group without an id",
    "map a column to `groupID`, or filter these records out",
);
/// Contract, section 5, `/user/user_register`.
pub const USER_ID_IMPOSSIBLE: Code = error(
    "user-id-impossible",
    "no user can have this id: OpenIM takes letters, digits and `_` only",
    "translate the ids under [users], or with a value table of the column",
);
/// Section 5; group ids may have any characters, but a name that differs only by blanks is a mistake.
pub const GROUP_ID_BLANK: Code = warning(
    "group-id-blank",
    "the group's id begins or ends with a blank",
    "trim the column, if that is not meant so",
);
/// Table 2: everything not in it is refused with 1001.
pub const TYPE_UNKNOWN: Code = error(
    "type-unknown",
    "the server takes no message of this contentType",
    "map it to 110 (custom) or 101 (text) with a value table of the column",
);
/// Table 2: 114 and 118.
pub const TYPE_NEEDS_MAIN: Code = error(
    "type-needs-main",
    "OpenIM 3.8.3 refuses this contentType, the next release takes it",
    "map it to 101 (text), or say --release main if the server is newer",
);
/// Table 2: 1400.
pub const TYPE_NEEDS_ACCOUNT: Code = warning(
    "type-needs-account",
    "contentType 1400 is taken from a notification account only",
    "see that the sender is one, or map it to 110 (custom)",
);
/// Section 1: the call itself is refused.
pub const CONTENT_NOT_OBJECT: Code = error(
    "content-not-object",
    "`content` is not a JSON object that the server can read",
    "mend the record, or map the column as text",
);
/// Table 2, last column.
pub const CONTENT_FIELD_MISSING: Code = error(
    "content-field-missing",
    "a field that this contentType must have is missing, empty or zero",
    "fill it (a placeholder will do), or map the message to 110 (custom) or 101 (text)",
);
/// Section 4: `error(s) decoding`.
pub const CONTENT_FIELD_TYPE: Code = error(
    "content-field-type",
    "a field of `content` has a type that the server can't read",
    "write texts as strings, sizes as numbers, objects as objects",
);
/// Table 2: 106.
pub const MENTIONS_TOO_MANY: Code = error(
    "mentions-too-many",
    "`atUserList` has more than 1,000 users",
    "write `AtAllTag` instead, or send it as 101 (text)",
);
/// Section 1: the call itself is refused.
pub const PUSH_INFO: Code = error(
    "push-info",
    "`offlinePushInfo` is not an object of texts `title`, `desc`, `ex`, `iOSPushSound` and a truth value \
     `iOSBadgeCount`",
    "leave it out: an import sends no notifications",
);
/// It would be acknowledged, and never stored.
pub const ONLINE_ONLY: Code = error(
    "online-only",
    "a message with `isOnlineOnly` is never stored",
    "map `isOnlineOnly` to false, or filter these records out",
);
/// Section 2: the server puts the current time there.
pub const TIME_ZERO: Code = error(
    "time-zero",
    "the message has no time; the server would give it today's",
    "map the right column to `sendTime`",
);
/// Section 2: accepted as it is.
pub const TIME_NEGATIVE: Code = error(
    "time-negative",
    "the time lies before 1970",
    "look at the unit and the pattern of the time column",
);
/// Section 2: accepted as it is, and shown as January 1970.
pub const TIME_IN_SECONDS: Code = error(
    "time-in-seconds",
    "the time looks like seconds, not milliseconds",
    "set the unit of the time column to seconds",
);
/// Section 2: accepted as it is.
pub const TIME_IN_MICROSECONDS: Code = error(
    "time-in-microseconds",
    "the time looks like microseconds, not milliseconds",
    "set the unit of the time column to microseconds",
);
/// Section 2: accepted as it is.
pub const TIME_IN_NANOSECONDS: Code = error(
    "time-in-nanoseconds",
    "the time looks like nanoseconds, not milliseconds",
    "set the unit of the time column to nanoseconds, or divide it",
);
/// No chat is that old.
pub const TIME_BEFORE_2000: Code = error(
    "time-before-2000",
    "the time lies before the year 2000",
    "look at the unit and the pattern of the time column, or filter these records out",
);
/// Section 2: accepted as it is; such a message stays the newest of its conversation for years.
pub const TIME_IN_FUTURE: Code = error(
    "time-in-future",
    "the time lies in the future",
    "look at the unit, pattern and zone of the time column, or at the clock of this machine",
);
/// Files end somewhere.
pub const MESSAGE_TOO_LARGE: Code =
    error("message-too-large", "the message has more than 4 GiB", "no server takes it; filter it out");
/// Two messages claim to be the same.
pub const SOURCE_ID_CONFLICT: Code = error(
    "source-id-conflict",
    "another message has the same id and is not the same",
    "of an edited message keep the last state alone; else map a column that is unique over all files",
);
/// Law 11: one conversation for two pairs of users.
pub const CONVERSATION_COLLISION: Code = error(
    "conversation-collision",
    "two pairs of users would share one conversation on the server, and read each other",
    "translate one of the ids to one without `_`",
);
/// Law 11: the queue mixes up a group and two users.
pub const GROUP_NAME_COLLISION: Code = error(
    "group-name-collision",
    "the group is named like the queue of two users, and the server would show their messages to the group",
    "give the group another id",
);
/// Issue 6, who is who: a collision-checked translation.
pub const PEOPLE_COLLISION: Code = error(
    "people-collision",
    "two users (or groups) of the export would become one on the server",
    "give one of them another id in the user file, or both the same one there if they are one",
);
/// Issue 6, second pass: all that is known of them would be new, and go into other conversations.
pub const PEOPLE_RENAMED: Code = error(
    "people-renamed",
    "a user (or group) would be another one on the server than in an earlier pass, and have the history twice",
    "give the id of the earlier pass in the user file; `users` prints it",
);

/// Section 2: numbers go through a 64-bit float.
pub const BIG_INTEGER: Code = warning(
    "big-integer",
    "the server will round an integer above 2^53 in `content`",
    "write it as a string, if somebody reads it",
);
/// Section 2: lone surrogates become U+FFFD.
pub const TEXT_CHANGED: Code = warning(
    "text-changed",
    "`content` has half a character (a lone surrogate); the server stores U+FFFD in its place",
    "mend the export, if the character matters",
);
/// U+FFFD is what a wrong encoding leaves behind.
pub const TEXT_DAMAGED: Code = warning(
    "text-damaged",
    "`content` has a replacement character (U+FFFD): something was lost before we read it",
    "look at `encoding` in [export], or export again",
);
/// Allowed (contract: `to-self`).
pub const TO_ONESELF: Code = warning(
    "to-oneself",
    "sender and receiver are the same user",
    "nothing, if they are notes; else look at how sender and receiver are mapped",
);
/// Section 2: `rpcMaxBodySize`; law 7: what is stored beside it is lost with it.
pub const CALL_TOO_LARGE: Code = error(
    "call-too-large",
    "the call has more than 8 MiB: a distributed server refuses it, and another loses its neighbours with it",
    "upload the content as a file (105), or filter it out; `allow_large` in [import] sends it all the same",
);
/// The same where `allow_large` is set.
pub const CALL_TOO_LARGE_ALLOWED: Code = warning(
    "call-too-large",
    "the call has more than 8 MiB: a distributed server refuses it, and another loses its neighbours with it",
    "nothing: `allow_large` in [import] is set",
);
/// Section 2: Kafka's usual limit.
pub const CALL_LARGE: Code = warning(
    "call-large",
    "the call has more than 1 MB: Kafka refuses it unless its limit was raised",
    "look at `message.max.bytes` of the server's Kafka, or upload the content as a file (105)",
);
/// Law 7.
pub const NEIGHBOURS_TOO_LARGE: Code = error(
    "neighbours-too-large",
    "with this message 100 neighbours of the conversation have more than 15 MiB, and MongoDB stores them as one \
     document of 16 MiB at most: all of them would be confirmed and never stored",
    "upload large contents as files (105); `allow_large` in [import] sends it all the same",
);
/// The same where `allow_large` is set.
pub const NEIGHBOURS_TOO_LARGE_ALLOWED: Code = warning(
    "neighbours-too-large",
    "100 neighbours of this conversation have more than 15 MiB, and MongoDB stores them as one document of \
     16 MiB at most: all of them may be confirmed and never stored",
    "nothing: `allow_large` in [import] is set",
);
/// Order among them is by place in the source.
pub const SAME_TIME: Code = warning(
    "same-time",
    "messages of this conversation have the same time as the one before them, and keep it: OpenIM's apps show \
     them in the wrong order, and may never get beyond them (law 15)",
    "take `equal = \"keep\"` out of [time]",
);
/// No id tells whether it was meant.
pub const SAME_MESSAGE: Code = warning(
    "same-message",
    "the same message stands there twice, and no id tells whether it was said twice; both are sent",
    "map a column to `id`, if there is one",
);
/// The same words in two files.
pub const TAKEN_FOR_ONE: Code = warning(
    "taken-for-one",
    "another file has the same message, at the same time in the same words; both are one, which is sent once (the first \
     thousand are named)",
    "nothing, if the files overlap; if they follow each other, `files_overlap = false` in import.toml keeps both",
);
/// An edit, most likely.
pub const CHANGED_SINCE: Code = warning(
    "changed-since",
    "the message was imported by an earlier pass and has other words now; what was imported stays",
    "nothing; OpenIM can't edit a message",
);
/// Design, section 2: "older".
pub const OLDER: Code = warning(
    "older",
    "the message is older than what an earlier pass gave its conversation; it is sent after it, with a time \
     after the newest, because apps can't scroll beyond an older message behind newer ones (law 15)",
    "nothing, if that is acceptable; else begin anew with all sources in one pass",
);
/// Law 15.
pub const WOULD_NOT_SCROLL: Code = error(
    "would-not-scroll",
    "the message is more than an hour older than what an earlier pass gave its conversation: behind it, one such \
     message makes everything beyond the first pages unreachable for every user (law 15)",
    "`older = \"behind\"` in [time] sends such messages after the newest, with times of then; or begin anew with all \
     sources in one pass",
);
/// Law 15.
pub const TIME_MOVED: Code = warning(
    "time-moved",
    "the message is sent more than an hour later than the export says, behind others that had to come before it",
    "look at the times of the export: so many equal ones are rarely right",
);
/// Issue 6, replies.
pub const QUOTED_UNKNOWN: Code = warning(
    "quoted-unknown",
    "the quoted message is not in the export; the reply is sent as text, with the quoted words if the export \
     repeats them",
    "nothing; or add the file that has it",
);
/// Issue 6, replies.
pub const QUOTED_LATER: Code = warning(
    "quoted-later",
    "the quoted message comes after the reply; the reply is sent as text with the quoted words",
    "look at the times, if there are many of these",
);
/// Issue 6, replies.
pub const QUOTED_ELSEWHERE: Code = warning(
    "quoted-elsewhere",
    "the quoted message is in another conversation; the reply is sent as text with the quoted words",
    "nothing; OpenIM quotes within a conversation only",
);

const fn error(name: &'static str, means: &'static str, mend: &'static str) -> Code {
    Code { name, severity: Severity::Error, means, mend }
}

const fn warning(name: &'static str, means: &'static str, mend: &'static str) -> Code {
    Code { name, severity: Severity::Warning, means, mend }
}

/// All of them, for documentation and tests.
pub const ALL: &[&Code] = &[
    &SENDER_MISSING,
    &RECEIVER_MISSING,
    &GROUP_MISSING,
    &USER_ID_IMPOSSIBLE,
    &GROUP_ID_BLANK,
    &TYPE_UNKNOWN,
    &TYPE_NEEDS_MAIN,
    &TYPE_NEEDS_ACCOUNT,
    &CONTENT_NOT_OBJECT,
    &CONTENT_FIELD_MISSING,
    &CONTENT_FIELD_TYPE,
    &MENTIONS_TOO_MANY,
    &PUSH_INFO,
    &ONLINE_ONLY,
    &TIME_ZERO,
    &TIME_NEGATIVE,
    &TIME_IN_SECONDS,
    &TIME_IN_MICROSECONDS,
    &TIME_IN_NANOSECONDS,
    &TIME_BEFORE_2000,
    &TIME_IN_FUTURE,
    &MESSAGE_TOO_LARGE,
    &SOURCE_ID_CONFLICT,
    &CONVERSATION_COLLISION,
    &GROUP_NAME_COLLISION,
    &PEOPLE_COLLISION,
    &PEOPLE_RENAMED,
    &BIG_INTEGER,
    &TEXT_CHANGED,
    &TEXT_DAMAGED,
    &TO_ONESELF,
    &CALL_TOO_LARGE,
    &CALL_LARGE,
    &NEIGHBOURS_TOO_LARGE,
    &SAME_TIME,
    &SAME_MESSAGE,
    &TAKEN_FOR_ONE,
    &CHANGED_SINCE,
    &OLDER,
    &WOULD_NOT_SCROLL,
    &TIME_MOVED,
    &QUOTED_UNKNOWN,
    &QUOTED_LATER,
    &QUOTED_ELSEWHERE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let mut seen = HashSet::new();
        for code in ALL {
            assert!(
                code.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                code.name
            );
            assert!(seen.insert(code.name), "{}", code.name);
            assert!(!code.means.ends_with('.') && !code.mend.ends_with('.'), "{}", code.name);
        }
    }
}
