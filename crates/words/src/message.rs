//! The words all rooms share: a message, its conversation, its place in the source.
//!
//! Parsed at the edge (`mapping`), examined once (`checks`), then carried as it is.

use std::borrow::Cow;
use std::fmt;

/// A user of the OpenIM server. Any text here; what the server can hold is for `checks` to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub String);

/// A group of the OpenIM server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub String);

/// The server's own name of a conversation: `si_<a>_<b>` or `sg_<group>`.
///
/// Built, never taken apart: ids may contain `_`, and two pairs can share one name (law 11).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId(pub String);

/// The id that the source gave a message, unique over all its files. Stays text: 19 digits survive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub String);

/// The server's sequence number within a conversation, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub i64);

/// Milliseconds since 1970, UTC, as the server keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SendTime(pub i64);

/// How many-th message of its conversation, from 0, over all passes: what the cursor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ordinal(pub u64);

/// How many-th source file of the job, from 0, over all passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceNo(pub u32);

/// An id that the server gave a message: `serverMsgID` or `clientMsgID`.
///
/// Both releases make them of 32 hexadecimal digits; those are kept as 16 bytes, because ids are what the
/// importer keeps most of. Anything else is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MsgId {
    /// 32 lower-case hexadecimal digits.
    Hex([u8; 16]),
    /// Any other text.
    Text(Box<str>),
}

/// The two names the server gave one message. Copies that the server makes of it have the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ids {
    /// `serverMsgID`.
    pub server: MsgId,
    /// `clientMsgID`: clients fold copies by it (law 5).
    pub client: MsgId,
}

impl MsgId {
    /// Takes the id as the server wrote it.
    pub fn new(text: &str) -> Self {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let bytes = text.as_bytes();
        let mut packed = [0; 16];
        if bytes.len() == 32 {
            let all = packed.iter_mut().zip(bytes.chunks_exact(2)).all(|(to, pair)| {
                match (digit(pair[0]), digit(pair[1])) {
                    (Some(high), Some(low)) => {
                        *to = high << 4 | low;
                        true
                    }
                    _ => false,
                }
            });
            if all {
                return Self::Hex(packed);
            }
        }
        Self::Text(text.into())
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hex(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Where in the sources something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub source: SourceNo,
    /// Line in it, from 1; of a record of several lines, the first.
    pub line: u64,
    /// Byte in it (after decompression), from 0.
    pub byte: u64,
    /// Which message of the record, from 0: one record can give several.
    pub part: u16,
}

/// Content types that `send_msg` takes (contract, table 2). Everything else is refused with 1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
pub enum ContentType {
    Text = 101,
    Picture = 102,
    Voice = 103,
    Video = 104,
    File = 105,
    At = 106,
    Custom = 110,
    /// main only; 3.8.3 refuses it.
    Quote = 114,
    /// main only; 3.8.3 refuses it.
    Markdown = 118,
    /// From a notification account only.
    OaNotification = 1400,
}

impl ContentType {
    /// The number the server uses.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The type with that number, if `send_msg` takes it on some release.
    pub const fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            101 => Self::Text,
            102 => Self::Picture,
            103 => Self::Voice,
            104 => Self::Video,
            105 => Self::File,
            106 => Self::At,
            110 => Self::Custom,
            114 => Self::Quote,
            118 => Self::Markdown,
            1400 => Self::OaNotification,
            _ => return None,
        })
    }
}

/// Which release of the server is meant, where the answer to a question depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum, serde::Deserialize)]
pub enum Release {
    /// v3.8.3, the stable release that people run.
    #[default]
    #[value(name = "3.8.3")]
    #[serde(rename = "3.8.3")]
    V3_8_3,
    /// The next release.
    #[serde(rename = "main")]
    Main,
}

impl Release {
    /// Whether content types 114 (quote) and 118 (markdown) are taken.
    pub const fn takes_quotes(self) -> bool {
        matches!(self, Self::Main)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_8_3 => "3.8.3",
            Self::Main => "main",
        })
    }
}

/// To whom a message goes: what makes its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer<'a> {
    /// Session type 1.
    User(Cow<'a, str>),
    /// Session type 3.
    Group(Cow<'a, str>),
}

/// A message as the mapping made it: the fields of a `send_msg` body and its place in the source.
///
/// Borrows from the record where it can: a pass makes one for every line of the export.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// `sendID`.
    pub sender: Cow<'a, str>,
    /// `recvID` and `sessionType` 1, or `groupID` and `sessionType` 3.
    pub peer: Peer<'a>,
    /// `senderNickname`; empty = not sent.
    pub nickname: Cow<'a, str>,
    /// `senderFaceURL`; empty = not sent.
    pub face_url: Cow<'a, str>,
    /// `senderPlatformID`.
    pub platform: i32,
    /// `contentType`, still a bare number: `checks` refuses what no release takes.
    pub content_type: i32,
    /// `content`: the text of a JSON object.
    pub content: Cow<'a, str>,
    /// `sendTime`.
    pub send_time: SendTime,
    /// `ex`; empty = not sent.
    pub ex: Cow<'a, str>,
    /// `notOfflinePush`.
    pub not_offline_push: bool,
    /// `isOnlineOnly`: such a message is never stored, `checks` refuses it.
    pub online_only: bool,
    /// `offlinePushInfo`: the text of a JSON object.
    pub offline_push_info: Option<Cow<'a, str>>,
    /// Native `id`: the source's own id of the message.
    pub source_id: Option<Cow<'a, str>>,
    /// The message it replies to, where the release takes quotes (114).
    pub quote: Option<Quote<'a>>,
    /// Where it came from.
    pub place: Place,
}

/// The slot of a reply (114): filled with the quoted message's ids from its receipt just before sending.
#[derive(Debug, Clone)]
pub struct Quote<'a> {
    /// Source id of the quoted message.
    pub target: Cow<'a, str>,
    /// `content` of the plain text (101) that goes out instead where the target can't be named.
    pub fallback: Cow<'a, str>,
}

impl Quote<'_> {
    /// An answer as plain words, with what it answers in front, as one line that isn't too long.
    pub fn in_words(answer: &str, who: &str, quoted: &str) -> String {
        const MOST: usize = 100;
        let mut line: String = quoted.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = line.char_indices().nth(MOST) {
            line.truncate(cut);
            line.push('…');
        }
        let colon = if who.is_empty() { "" } else { ": " };
        format!("> {who}{colon}{line}\n{answer}")
    }
}

impl ConversationId {
    /// The single conversation of two users: both ids sorted as text (contract, section 5).
    pub fn single(a: &str, b: &str) -> Self {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        Self(format!("si_{a}_{b}"))
    }

    /// The conversation of a group.
    pub fn group(group: &str) -> Self {
        Self(format!("sg_{group}"))
    }
}

impl UserId {
    /// Whether the server registers users under such an id: letters of any script, digits and `_` (contract,
    /// section 5). Marks, as in Devanagari or decomposed accents, are no letters.
    pub fn is_legal(id: &str) -> bool {
        !id.is_empty() && id.chars().all(Self::takes)
    }

    /// Whether a character can stand in a userID.
    pub fn takes(c: char) -> bool {
        use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
        if c.is_ascii() {
            return c.is_ascii_alphanumeric() || c == '_';
        }
        c.general_category_group() == GeneralCategoryGroup::Letter
            || c.general_category() == GeneralCategory::DecimalNumber
    }
}

impl Message<'_> {
    /// The conversation this message belongs to.
    pub fn conversation(&self) -> ConversationId {
        match &self.peer {
            Peer::User(to) => ConversationId::single(&self.sender, to),
            Peer::Group(group) => ConversationId::group(group),
        }
    }
}

macro_rules! text_id {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )*};
}
text_id!(UserId, GroupId, ConversationId, SourceId);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_named_the_same_from_both_sides() {
        assert_eq!(ConversationId::single("b", "a"), ConversationId::single("a", "b"));
        assert_eq!(ConversationId::single("b", "a").as_str(), "si_a_b");
    }

    #[test]
    fn law_11_two_pairs_can_share_a_name() {
        assert_eq!(ConversationId::single("x", "y_z"), ConversationId::single("x_y", "z"));
    }

    #[test]
    fn ids_of_users_are_letters_digits_and_underscores() {
        for legal in ["a", "0", "MiXed", "a_b", "日本", "Ünal", "مريم", "٣", "u".repeat(500).as_str()]
        {
            assert!(UserId::is_legal(legal), "{legal}");
        }
        for illegal in
            ["", " ", "sp ace", "a:b", "a-b", "a.b", "a@b", "+49", "हिन्दी", "e\u{301}", "🎉", "½", "Ⅷ"]
        {
            assert!(!UserId::is_legal(illegal), "{illegal}");
        }
    }

    #[test]
    fn ids_of_the_server_come_back_as_they_were() {
        for id in ["d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E", "", "x", "日本"]
        {
            assert_eq!(MsgId::new(id).to_string(), id);
        }
        assert!(matches!(MsgId::new("d41d8cd98f00b204e9800998ecf8427e"), MsgId::Hex(_)));
    }

    #[test]
    fn content_types_round_trip() {
        for code in 0..2000 {
            if let Some(t) = ContentType::from_code(code) {
                assert_eq!(t.code(), code);
            }
        }
    }
}
