//! Hashes that stand for conversations and users while a pass sorts.

use std::fmt::Write as _;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::message::{ConversationId, Message, Peer, SendTime};

/// Stands for a conversation: 79 bits of hash over the key its queue has (law 11) and one bit for its kind.
///
/// `<a>_<b>` for two users and the group's id for a group: a group whose name is some pair's key has the
/// same hash but for the last bit, so a sort puts the two beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvKey(u128);

impl ConvKey {
    const BITS: u32 = 80;

    /// Of the conversation of two users.
    pub fn single(a: &str, b: &str, scratch: &mut String) -> Self {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        scratch.clear();
        // Writing to a String cannot fail.
        let _infallible = write!(scratch, "{a}_{b}");
        Self::of_pair(scratch)
    }

    /// Of the conversation `si_<pair>`.
    pub fn of_pair(pair: &str) -> Self {
        Self(Self::hash(pair))
    }

    /// Of a group's conversation.
    pub fn group(group: &str) -> Self {
        Self(Self::hash(group) | 1)
    }

    /// Of the conversation that the server calls so; `None` where that is neither of two users nor of a group.
    pub fn named(id: &ConversationId) -> Option<Self> {
        let single = id.as_str().strip_prefix("si_").map(Self::of_pair);
        single.or_else(|| id.as_str().strip_prefix("sg_").map(Self::group))
    }

    /// Of the conversation a message belongs to.
    pub fn of(message: &Message<'_>, scratch: &mut String) -> Self {
        match &message.peer {
            Peer::User(to) => Self::single(&message.sender, to, scratch),
            Peer::Group(group) => Self::group(group),
        }
    }

    /// Whether it is a group's.
    pub const fn is_group(self) -> bool {
        self.0 & 1 == 1
    }

    /// The group whose queue key is this pair's, or the pair whose key is this group's name.
    #[must_use]
    pub const fn rival(self) -> Self {
        Self(self.0 ^ 1)
    }

    /// A hash of the queue's key alone: the same for both kinds of conversation that share one.
    pub(super) fn queue_bits(self) -> u64 {
        u64::try_from(self.0 >> 1 & u128::from(u64::MAX)).unwrap_or_default()
    }

    /// A part of it that is a hash by itself.
    pub fn low_bits(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }

    /// The way back from [`Self::to_bytes`].
    pub fn from_bytes(bytes: [u8; 10]) -> Self {
        let mut wide = [0; 16];
        wide[6..].copy_from_slice(&bytes);
        Self(u128::from_be_bytes(wide))
    }

    /// As bytes that sort as the key does.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut out = [0; 10];
        out.copy_from_slice(&self.0.to_be_bytes()[6..]);
        out
    }

    fn hash(text: &str) -> u128 {
        xxh3_128(text.as_bytes()) >> (128 - Self::BITS) & !1
    }
}

/// Where a message stands in the order of all: by conversation, time, and place in the spool.
///
/// Three words that compare as they are; a sort does little else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    conv: u64,
    conv_and_time: u64,
    offset: u64,
}

impl Position {
    const TIME_BITS: u32 = 48;

    /// `time` is cut to 0 up to the year 10889; `checks` lets no other through.
    pub fn new(conv: ConvKey, time: SendTime, offset: u64) -> Self {
        let [high, low] = [conv.0 >> 16, conv.0 & 0xffff].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let time = u64::try_from(time.0).unwrap_or(0).min((1 << Self::TIME_BITS) - 1);
        Self { conv: high, conv_and_time: low << Self::TIME_BITS | time, offset }
    }

    /// The conversation.
    pub fn conv(self) -> ConvKey {
        ConvKey(u128::from(self.conv) << 16 | u128::from(self.conv_and_time >> Self::TIME_BITS))
    }

    /// When the message was written.
    pub fn time(self) -> SendTime {
        SendTime((self.conv_and_time & ((1 << Self::TIME_BITS) - 1)).cast_signed())
    }

    /// Where its record begins in the spool.
    pub fn offset(self) -> u64 {
        self.offset
    }

    /// The same message with its record moved up: records are made before it is known where they will stand.
    #[must_use]
    pub fn moved(self, by: u64) -> Self {
        Self { offset: self.offset + by, ..self }
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        for (place, word) in out.chunks_exact_mut(8).zip([self.conv, self.conv_and_time, self.offset]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// The way back.
    pub fn from_bytes(bytes: [u8; 24]) -> Self {
        let word = |n: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[n * 8..][..8]);
            u64::from_le_bytes(word)
        };
        Self { conv: word(0), conv_and_time: word(1), offset: word(2) }
    }
}

/// Stands for a user: a hash of the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserKey(pub(super) u64);

impl UserKey {
    /// Of the user with that id.
    pub fn of(id: &str) -> Self {
        Self(xxh3_64(id.as_bytes()))
    }

    /// As a number.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The way back.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// With the order kept: the lowest key is the lowest number.
    pub(super) fn to_sql(self) -> i64 {
        (self.0 ^ 1 << 63).cast_signed()
    }

    pub(super) fn from_sql(number: i64) -> Self {
        Self(number.cast_unsigned() ^ 1 << 63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn law_11_a_group_named_like_a_pair_is_its_rival() {
        let mut scratch = String::new();
        let pair = ConvKey::single("b", "a", &mut scratch);
        assert_eq!(pair, ConvKey::single("a", "b", &mut scratch));
        assert_eq!(ConvKey::group("a_b"), pair.rival());
        assert_eq!(pair.rival().rival(), pair);
        assert!(pair.rival().is_group() && !pair.is_group());
        // And two pairs of one conversation are one.
        assert_eq!(ConvKey::single("x", "y_z", &mut scratch), ConvKey::single("x_y", "z", &mut scratch));
    }

    proptest! {
        #[test]
        fn positions_sort_by_conversation_then_time_then_offset(
            a in ("[ab]{1,2}", 0i64..5, 0u64..5), b in ("[ab]{1,2}", 0i64..5, 0u64..5)
        ) {
            let key = |(group, time, offset): &(String, i64, u64)| (ConvKey::group(group), SendTime(*time), *offset);
            let position = |x| { let (c, t, o) = key(x); Position::new(c, t, o) };
            prop_assert_eq!(key(&a).cmp(&key(&b)), position(&a).cmp(&position(&b)));
            prop_assert_eq!(position(&a).conv(), key(&a).0);
            prop_assert_eq!(position(&a).time(), key(&a).1);
            prop_assert_eq!(Position::from_bytes(position(&a).to_bytes()), position(&a));
            prop_assert_eq!(ConvKey::from_bytes(key(&a).0.to_bytes()), key(&a).0);
        }
    }
}
