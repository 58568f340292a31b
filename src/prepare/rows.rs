//! What a pass sorts: a row per message by conversation and time, and one by id; of fixed size, so that runs
//! of them are plain bytes.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use super::heap::Spot;
use crate::job::{ConvKey, Key, Position, Reply, Target, UserKey};
use crate::message::{SendTime, SourceNo};

/// Something that can be sorted on the disk.
pub(super) trait Row: Copy + Ord + Send + 'static {
    /// Bytes of one.
    const BYTES: usize;
    /// Appends its bytes.
    fn put(&self, out: &mut Vec<u8>);
    /// The way back, from that many bytes.
    fn get(bytes: &[u8]) -> Self;
}

/// A message, for the index. Sorted by position, which is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexRow {
    pub(super) at: Position,
    pub(super) sender: UserKey,
    /// Bytes of its record.
    pub(super) len: u32,
    /// Of the two users of a single conversation; 0 for a group. Tells two pairs that share a name (law 11).
    pub(super) pair: u32,
}

/// A message's id, or what it says where it has none, or the id that it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyRow {
    pub(super) key: Key,
    /// Ids and texts before quotes of them, then in the order of the sources.
    pub(super) kind: KeyKind,
    pub(super) source: SourceNo,
    /// Sorts within a source as well: by place in the spool.
    pub(super) at: ByOffset,
    /// Hash of what it says, where it has an id.
    pub(super) content: u64,
}

/// What the key of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyKind {
    /// Of its own id.
    Id,
    /// Of all that it says.
    Text,
    /// Of the id that it quotes.
    Quotes,
}

/// A position that sorts by place in the spool, which is the order of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByOffset(pub(super) Position);

/// What was learnt about a message by its key, on the way to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) at: Position,
    pub(super) says: Says,
}

/// What a note says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// It isn't sent.
    Drop,
    /// What its slot is filled with.
    Replies(Reply),
}

/// A user, seen in a message. Sorted by user, and those with a name first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UserRow {
    pub(super) user: UserKey,
    /// Nothing is known but the id.
    pub(super) nameless: bool,
    /// Id, nickname, face URL.
    pub(super) spot: Spot,
}

/// A conversation, seen in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConvRow {
    pub(super) key: ConvKey,
    /// See [`IndexRow::pair`].
    pub(super) pair: u32,
    /// Both users, sorted as text; or the group.
    pub(super) spot: Spot,
}

/// Somebody, told of by a mapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PersonRow {
    pub(super) openim: UserKey,
    pub(super) source: UserKey,
    /// A [`crate::job::Person`], as JSON.
    pub(super) spot: Spot,
}

impl Ord for IndexRow {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for IndexRow {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByOffset {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.offset().cmp(&other.0.offset())
    }
}

impl PartialOrd for ByOffset {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Note {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Note {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes fields off the front of a row's bytes.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    #[inline]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk::<N>().expect("a row has all its bytes");
        self.0 = rest;
        *taken
    }
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
    fn spot(&mut self) -> Spot {
        Spot { offset: self.u64(), len: self.u32() }
    }
}

impl Row for IndexRow {
    const BYTES: usize = 40;
    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        let mut row = [0; Self::BYTES];
        row[..24].copy_from_slice(&self.at.to_bytes());
        row[24..32].copy_from_slice(&self.sender.to_bits().to_le_bytes());
        row[32..36].copy_from_slice(&self.len.to_le_bytes());
        row[36..].copy_from_slice(&self.pair.to_le_bytes());
        out.extend_from_slice(&row);
    }
    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        Self {
            at: Position::from_bytes(from.take()),
            sender: UserKey::from_bits(from.u64()),
            len: from.u32(),
            pair: from.u32(),
        }
    }
}

impl Row for KeyRow {
    const BYTES: usize = 48;
    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        let kind = match self.kind {
            KeyKind::Id => 0,
            KeyKind::Text => 1,
            KeyKind::Quotes => 2,
        };
        let mut row = [0; Self::BYTES];
        row[..12].copy_from_slice(&self.key.to_bytes());
        // Two bits are enough for the kind, and thirty for the number of a file.
        row[12..16].copy_from_slice(&(self.source.0 << 2 | kind).to_le_bytes());
        row[16..40].copy_from_slice(&self.at.0.to_bytes());
        row[40..].copy_from_slice(&self.content.to_le_bytes());
        out.extend_from_slice(&row);
    }
    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        let key = Key::from_bytes(from.take());
        let source_and_kind = from.u32();
        let kind = match source_and_kind & 3 {
            0 => KeyKind::Id,
            1 => KeyKind::Text,
            _ => KeyKind::Quotes,
        };
        Self {
            key,
            kind,
            source: SourceNo(source_and_kind >> 2),
            at: ByOffset(Position::from_bytes(from.take())),
            content: from.u64(),
        }
    }
}

impl Row for Note {
    const BYTES: usize = 41;
    fn put(&self, out: &mut Vec<u8>) {
        let (kind, target) = match self.says {
            Says::Drop => (0u8, None),
            Says::Replies(Reply::No) => (1, None),
            Says::Replies(Reply::AsText) => (2, None),
            Says::Replies(Reply::To(target)) => (3, Some(target)),
        };
        out.extend_from_slice(&self.at.to_bytes());
        out.push(kind);
        out.extend_from_slice(&target.map_or(0, |t| t.send_time.0).to_le_bytes());
        out.extend_from_slice(&target.map_or(0, |t| t.offset).to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        let at = Position::from_bytes(from.take());
        let [kind] = from.take();
        let send_time = SendTime(from.u64().cast_signed());
        let target = Target { send_time, offset: from.u64() };
        let says = match kind {
            0 => Says::Drop,
            1 => Says::Replies(Reply::No),
            2 => Says::Replies(Reply::AsText),
            _ => Says::Replies(Reply::To(target)),
        };
        Self { at, says }
    }
}

impl Row for UserRow {
    const BYTES: usize = 21;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.user.to_bits().to_le_bytes());
        out.push(u8::from(self.nameless));
        put_spot(out, self.spot);
    }
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        let user = UserKey::from_bits(from.u64());
        Self { user, nameless: from.take() == [1], spot: from.spot() }
    }
}

impl Row for ConvRow {
    const BYTES: usize = 26;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.to_bytes());
        out.extend_from_slice(&self.pair.to_le_bytes());
        put_spot(out, self.spot);
    }
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        Self { key: ConvKey::from_bytes(from.take()), pair: from.u32(), spot: from.spot() }
    }
}

impl Row for PersonRow {
    const BYTES: usize = 28;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.openim.to_bits().to_le_bytes());
        out.extend_from_slice(&self.source.to_bits().to_le_bytes());
        put_spot(out, self.spot);
    }
    fn get(bytes: &[u8]) -> Self {
        let mut from = Fields(bytes);
        Self {
            openim: UserKey::from_bits(from.u64()),
            source: UserKey::from_bits(from.u64()),
            spot: from.spot(),
        }
    }
}

fn put_spot(out: &mut Vec<u8>, spot: Spot) {
    out.extend_from_slice(&spot.offset.to_le_bytes());
    out.extend_from_slice(&spot.len.to_le_bytes());
}
