//! What an answer to `send_msg` means: one table (contract, section 4).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::transport::{Answer, NoAnswer};
use super::wire::{Envelope, text};
use crate::message::{Ids, MsgId, Release};

/// What became of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledged: it is in the queue, not yet in the log.
    Delivered {
        /// The names the server gave it.
        ids: Ids,
        /// Which release answers so: only 3.8.3 has a field `modify`.
        release: Release,
    },
    /// The token is no good; certainly not processed.
    RefreshToken,
    /// Certainly not processed: the same message again, later.
    Wait(Pause),
    /// Certainly not processed, and never will be as it is.
    Reject(Rejection),
    /// It may be in the queue, it may not.
    Unanswered(Lost),
    /// Going on makes no sense.
    Stop(Stop),
}

/// Why to wait, and how long the server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// 429, with `Retry-After`, at most [`LONGEST_RETRY_AFTER`](crate::LONGEST_RETRY_AFTER).
    RateLimited(Option<Duration>),
    /// No connection; the system's words.
    Unreachable(String),
}

impl Pause {
    /// What kind of trouble it is, in a few words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RateLimited(_) => "rate limited (429)",
            Self::Unreachable(_) => "not reachable",
        }
    }
}

impl Lost {
    /// What kind of trouble it is, in a few words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cut(_) => "connection cut",
            Self::TimedOut(_) => "no answer in time",
            Self::Proxy(_) => "error of a proxy",
            Self::Error(..) => "error of the server",
        }
    }
}

/// How the answer was lost: decides how long the call may still be under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The connection ended.
    Cut(String),
    /// Our patience ended; the call may wait in some queue for long.
    TimedOut(Duration),
    /// A proxy answered for the server: its status.
    Proxy(u16),
    /// The server answered with an error of its own that says nothing about the message: its code and words.
    Error(i32, String),
}

/// Why a message can never be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Which reason.
    pub reason: Reason,
    /// The server's error code, or the HTTP status where there is none.
    pub code: i32,
    /// The server's words, fit to show.
    pub detail: String,
}

/// Reasons of rejects. The names are stable: scripts, job and report rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// 1001.
    Malformed,
    /// 500 with the validator's words.
    InvalidContent,
    /// 413.
    TooLarge,
    /// 1004, `userID not found`.
    ReceiverUnknown,
    /// 1004, `record not found`; 3.8.3 takes any sender of a single chat.
    SenderUnknown,
    /// 1004, other words.
    NotFound,
    /// 1203.
    NotMember,
    /// 1004 or 500 with the words of the cache or the store.
    GroupUnknown,
    /// 1204.
    GroupDismissed,
    /// 1402.
    MemberMuted,
    /// 1403.
    GroupMuted,
    /// 1302.
    Blocked,
    /// 1001 with these words (main), or success without any names (3.8.3).
    TakesNothing,
    /// 1303.
    NotFriends,
    /// 1002 for a content type that only notification accounts may send.
    NotNotificationAccount,
    /// 80000.
    Webhook,
    /// An HTTP status that a server or proxy gives to bad requests.
    BadRequest,
    /// Errors without an explanation, again and again, while other messages went through.
    Unexplained,
    /// No answer: `adopt` found later messages of its conversation, and not this one.
    NotThere,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 19] = [
        Self::Malformed,
        Self::InvalidContent,
        Self::TooLarge,
        Self::ReceiverUnknown,
        Self::SenderUnknown,
        Self::NotFound,
        Self::NotMember,
        Self::GroupUnknown,
        Self::GroupDismissed,
        Self::MemberMuted,
        Self::GroupMuted,
        Self::Blocked,
        Self::TakesNothing,
        Self::NotFriends,
        Self::NotNotificationAccount,
        Self::Webhook,
        Self::BadRequest,
        Self::Unexplained,
        Self::NotThere,
    ];

    /// Kebab-case, stable.
    pub const fn name(self) -> &'static str {
        self.texts().0
    }

    /// What it means, a lower-case clause.
    pub const fn means(self) -> &'static str {
        self.texts().1
    }

    /// How to mend it.
    pub const fn mend(self) -> &'static str {
        self.texts().2
    }

    /// Whether it is usually mended: somebody or something is missing or shut, and what was refused goes out in its place
    /// once that is put right. What is wrong with a message itself, or is refused for ever, is not.
    pub fn is_mendable(self) -> bool {
        matches!(
            self,
            Self::ReceiverUnknown
                | Self::SenderUnknown
                | Self::NotFound
                | Self::NotMember
                | Self::GroupUnknown
                | Self::MemberMuted
                | Self::GroupMuted
                | Self::Blocked
                | Self::TakesNothing
                | Self::NotFriends
                | Self::Webhook
        )
    }

    /// Whether mending one of them mends the other: a server without our users lacks our groups as well.
    pub fn is_mended_with(self, other: Self) -> bool {
        let is_absent = |reason| {
            matches!(
                reason,
                Self::ReceiverUnknown
                    | Self::SenderUnknown
                    | Self::NotFound
                    | Self::NotMember
                    | Self::GroupUnknown
            )
        };
        self == other || (is_absent(self) && is_absent(other))
    }

    /// The reason with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    #[rustfmt::skip]
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Malformed => ("malformed", "the server does not understand the call", "mend the message in rejected.jsonl, then `retry`"),
            Self::InvalidContent => ("invalid-content", "the content lacks something its type must have", "mend the message in rejected.jsonl, then `retry`"),
            Self::TooLarge => ("too-large", "the message is larger than the server or a proxy takes", "raise the limit (rpcMaxBodySize, Kafka, nginx client_max_body_size) or shorten the message, then `retry`"),
            Self::ReceiverUnknown => ("receiver-unknown", "the receiver is not registered", "`provision` registers users"),
            Self::SenderUnknown => ("sender-unknown", "the sender is not registered", "`provision` registers users"),
            Self::NotFound => ("not-found", "the server does not know somebody or something that the message names", "`provision` makes users and groups"),
            Self::NotMember => ("not-member", "the sender is not a member of the group", "`provision` adds members"),
            Self::GroupUnknown => ("group-unknown", "the group does not exist", "`provision` makes groups"),
            Self::GroupDismissed => ("group-dismissed", "the group was dismissed", "nothing can be written into it any more: leave its messages out"),
            Self::MemberMuted => ("member-muted", "the sender is muted in the group", "lift the mute, then `retry`"),
            Self::GroupMuted => ("group-muted", "the group is muted", "lift the mute, then `retry`"),
            Self::Blocked => ("blocked", "the receiver has blocked the sender", "lift the block for the time of the import, then `retry`"),
            Self::TakesNothing => ("takes-nothing", "the receiver takes no messages, or none in this conversation (`globalRecvMsgOpt`, `recvMsgOpt` 1)", "set it to 0 or 2 for the time of the import, then `retry`"),
            Self::NotFriends => ("not-friends", "the server demands that the two are friends", "set friendVerify to false for the time of the import, or import the friends, then `retry`"),
            Self::NotNotificationAccount => ("not-a-notification-account", "content type 1400 may be sent by notification accounts only", "make the sender a notification account, or change the type"),
            Self::Webhook => ("webhook", "a webhook of the server refused the message", "switch webhooks off for the time of the import, then `retry`"),
            Self::BadRequest => ("bad-request", "the server or a proxy refuses the request itself", "look at the detail, mend the message or the proxy, then `retry`"),
            Self::Unexplained => ("unexplained", "the server answered with an error again and again and did not store the message", "look at the server's log, then `retry`"),
            Self::NotThere => ("not-there", "when the job was rebuilt, later messages of its conversation were on the server and this one was not: it was refused, or deleted", "`retry` sends it, behind what is there"),
        }
    }
}

/// Why going on makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// 1002.
    #[error(
        "the token is not an admin's: {0}; set --admin-user to one of the server's imAdminUserID, or give an admin's token"
    )]
    NotAdmin(String),
    /// No JSON with an `errCode`.
    #[error(
        "this is no OpenIM API: {0}; the address is that of openim-api (default port 10002), with the path prefix of a proxy if there is one"
    )]
    NotOpenIm(String),
    /// A proxy wants something of its own.
    #[error("a proxy in front of the server refuses the call (HTTP {0})")]
    ProxyRefuses(u16),
    /// A token was refused and there is no other.
    #[error(transparent)]
    Login(#[from] super::error::LoginError),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(why) => write!(f, "connection cut ({why})"),
            Self::TimedOut(after) => write!(f, "no answer within {} s", after.as_secs_f32()),
            Self::Proxy(status) => write!(f, "HTTP {status} from a proxy"),
            Self::Error(code, said) => write!(f, "error {code} ({said})"),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited(Some(after)) => write!(f, "429, Retry-After {} s", after.as_secs()),
            Self::RateLimited(None) => f.write_str("429"),
            Self::Unreachable(why) => write!(f, "server not reachable ({why})"),
        }
    }
}

/// When a row applies.
enum When {
    Always,
    /// The words stand in `errDlt`; decided by it only inside 500 and 1004.
    Says(&'static str),
    /// The message is a notification (content type 1400).
    Notification,
}

/// What a row says.
enum Then {
    Refresh,
    Wait,
    Reject(Reason),
    Unanswered,
    NotAdmin,
}

use Then::{NotAdmin, Refresh, Reject, Unanswered, Wait};
use When::{Always, Notification, Says};

/// Codes from and to, when, then; the first row that fits decides. What fits none is unanswered: an unknown
/// error may have come after the message was queued.
#[rustfmt::skip]
const TABLE: &[(i32, i32, When, Then)] = &[
    (429, 429, Always, Wait),
    (1001, 1001, Says("message is not sent"), Reject(Reason::TakesNothing)),
    (1001, 1001, Always, Reject(Reason::Malformed)),
    (1002, 1002, Notification, Reject(Reason::NotNotificationAccount)),
    (1002, 1002, Always, NotAdmin),
    (1004, 1004, Says("userID not found"), Reject(Reason::ReceiverUnknown)),
    (1004, 1004, Says("cache is not found"), Reject(Reason::GroupUnknown)),
    (1004, 1004, Says("no documents in result"), Reject(Reason::GroupUnknown)),
    (1004, 1004, Says("record not found"), Reject(Reason::SenderUnknown)),
    (1004, 1004, Always, Reject(Reason::NotFound)),
    (1203, 1203, Always, Reject(Reason::NotMember)),
    (1204, 1204, Always, Reject(Reason::GroupDismissed)),
    (1302, 1302, Always, Reject(Reason::Blocked)),
    (1303, 1303, Always, Reject(Reason::NotFriends)),
    (1402, 1402, Always, Reject(Reason::MemberMuted)),
    (1403, 1403, Always, Reject(Reason::GroupMuted)),
    (1501, 1507, Always, Refresh),
    (500, 500, Says("Field validation for"), Reject(Reason::InvalidContent)),
    (500, 500, Says("error(s) decoding"), Reject(Reason::InvalidContent)),
    (500, 500, Says("no documents in result"), Reject(Reason::GroupUnknown)),
    (500, 500, Always, Unanswered),
    (80000, 80000, Always, Reject(Reason::Webhook)),
];

/// What an answer to `send_msg` means. `content_type` is the message's.
pub fn verdict(content_type: i32, status: u16, retry_after: Option<Duration>, body: &[u8]) -> Verdict {
    if status == 429 {
        return Verdict::Wait(Pause::RateLimited(retry_after));
    }
    if status >= 500 {
        return Verdict::Unanswered(Lost::Proxy(status));
    }
    // The usual answer, read in one go.
    if status == 200
        && let Some(verdict) = delivered(body)
    {
        // Fields that nobody reads are not looked at above: in a damaged answer nothing is certain.
        let is_whole = std::str::from_utf8(body).is_ok();
        return if is_whole {
            verdict
        } else {
            Verdict::Unanswered(Lost::Cut("the answer is damaged".to_owned()))
        };
    }
    let envelope: Envelope<'_> = match (status, Envelope::read(body)) {
        (200 | 400, Some(envelope)) => envelope,
        // Asked again it would do the same; that it was not processed is certain.
        (408, _) => return Verdict::Unanswered(Lost::Proxy(status)),
        (413, _) => return reject(Reason::TooLarge, i32::from(status), String::new()),
        (401 | 403 | 407, _) => return Verdict::Stop(Stop::ProxyRefuses(status)),
        (200..=399 | 404 | 405, _) => return Verdict::Stop(Stop::NotOpenIm(not_openim(status, body))),
        _ => {
            return reject(
                Reason::BadRequest,
                i32::from(status),
                super::redact(&String::from_utf8_lossy(body)),
            );
        }
    };
    if envelope.err_code == 0 && is_thrown_away(body) {
        return reject(Reason::TakesNothing, 0, "success without any names".to_owned());
    }
    if envelope.err_code == 0 {
        // Acknowledged without a name: nothing to find it by, as with a lost answer.
        return Verdict::Unanswered(Lost::Error(0, "success without a serverMsgID".to_owned()));
    }
    let fits = |when: &When| match when {
        Always => true,
        Says(words) => envelope.err_dlt.contains(words),
        Notification => content_type == crate::message::ContentType::OaNotification.code(),
    };
    let row =
        TABLE.iter().find(|(from, to, when, _)| (*from..=*to).contains(&envelope.err_code) && fits(when));
    match row.map_or(&Unanswered, |(.., then)| then) {
        Refresh => Verdict::RefreshToken,
        Wait => Verdict::Wait(Pause::RateLimited(retry_after)),
        Reject(reason) => reject(*reason, envelope.err_code, envelope.said()),
        Unanswered => Verdict::Unanswered(Lost::Error(envelope.err_code, envelope.said())),
        NotAdmin => Verdict::Stop(Stop::NotAdmin(envelope.said())),
    }
}

/// The same for what came from the transport.
pub(super) fn judge(content_type: i32, answer: Result<Answer, NoAnswer>) -> Verdict {
    match answer {
        Ok(answer) => verdict(content_type, answer.status, answer.retry_after, &answer.body),
        Err(NoAnswer::Unreachable(why) | NoAnswer::Wrong(why)) => Verdict::Wait(Pause::Unreachable(why)),
        Err(NoAnswer::Cut(why) | NoAnswer::TooLong(why) | NoAnswer::NoHttp(why)) => {
            Verdict::Unanswered(Lost::Cut(why))
        }
        Err(NoAnswer::TimedOut(after)) => Verdict::Unanswered(Lost::TimedOut(after)),
    }
}

fn reject(reason: Reason, code: i32, detail: String) -> Verdict {
    Verdict::Reject(Rejection { reason, code, detail })
}

/// What was there instead, in few words.
pub(super) fn not_openim(status: u16, body: &[u8]) -> String {
    // Cut only where nobody sees it: half a secret would not be known as one.
    let text = super::redact(&String::from_utf8_lossy(&body[..body.len().min(64 << 10)]));
    if text.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}, `{text}`") }
}

/// A success that names the message.
fn delivered(body: &[u8]) -> Option<Verdict> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Data<'a> {
        #[serde(rename = "serverMsgID", borrow, deserialize_with = "text")]
        server: std::borrow::Cow<'a, str>,
        #[serde(rename = "clientMsgID", borrow, deserialize_with = "text")]
        client: std::borrow::Cow<'a, str>,
        #[serde(deserialize_with = "there")]
        modify: bool,
    }
    let envelope: Envelope<'_, Data<'_>> = serde_json::from_slice(body).ok()?;
    let data = envelope.data.filter(|data| envelope.err_code == 0 && !data.server.is_empty())?;
    Some(Verdict::Delivered {
        ids: Ids { server: MsgId::new(&data.server), client: MsgId::new(&data.client) },
        release: if data.modify { Release::V3_8_3 } else { Release::Main },
    })
}

/// How 3.8.3 answers where the receiver takes nothing: all fields are there, and nothing is in them.
fn is_thrown_away(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(rename = "serverMsgID")]
        server: &'a str,
        #[serde(rename = "clientMsgID")]
        client: &'a str,
        send_time: i64,
    }
    let envelope = serde_json::from_slice::<Envelope<'_, Data<'_>>>(body).ok();
    let data = envelope.and_then(|envelope| envelope.data);
    data.is_some_and(|data| data.server.is_empty() && data.client.is_empty() && data.send_time == 0)
}

/// The key is there, whatever it holds.
fn there<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

#[cfg(test)]
mod tests;
