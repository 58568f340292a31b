//! Entries of a conversation, packed: the index.

use super::packed::{Unpack, put, put_signed, unzigzag, zigzag};
use crate::message::{Ordinal, SendTime};

/// Where the n-th message of a conversation lies in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which message of its conversation.
    pub ordinal: Ordinal,
    /// First byte of its record in the spool.
    pub offset: u64,
    /// Bytes of the record.
    pub len: u32,
    /// Its `sendTime`.
    pub send_time: SendTime,
    /// How many ms later that is than the export says, so that times rise (law 15).
    pub spread: u64,
    /// Whether it replies to another message of its conversation, by its ids.
    pub reply: Reply,
    /// It is sent so much later, behind what people wrote, that it has its own time in `ex`.
    pub moved: bool,
}

impl Entry {
    /// When it was written, as the export says.
    pub fn written(&self) -> SendTime {
        SendTime(self.send_time.0.wrapping_sub_unsigned(self.spread))
    }
}

/// What becomes of the slot for a quoted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It has none.
    No,
    /// It quotes this message, which comes before it.
    To(Target),
    /// The quoted message can't be named: it goes out as text with the quoted words.
    AsText,
}

/// A quoted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its time, as the export says.
    pub send_time: SendTime,
    /// Where its record begins in the spool.
    pub offset: u64,
}

/// A block is closed when it has that many bytes: two such rows fill a page.
const FULL: usize = 1_960;
/// And when it has that many entries: so many are unpacked to get at one.
const MOST: u32 = 256;

/// Stands in the place of the kind of reply: a spread comes first, and the kind with it. In its place in turn, alone: the
/// message has its own time in `ex`.
const SPREAD: u64 = 3;

/// Packs entries of one conversation and one pass, which come in order.
#[derive(Debug, Default)]
pub(super) struct Packer {
    data: Vec<u8>,
    entries: u32,
    end: u64,
    time: i64,
}

impl Packer {
    /// Adds an entry. `written` is the export's time, which `spread` comes on top of.
    pub(super) fn push(&mut self, offset: u64, len: u32, written: SendTime, spread: u64, reply: Reply) {
        let send_time = SendTime(written.0.wrapping_add_unsigned(spread));
        // Its ordinal is its place.
        let ordinal = Ordinal(0);
        self.entry(&Entry { ordinal, offset, len, send_time, spread, reply, moved: false });
    }

    /// Adds an entry as it was unpacked; its ordinal is its place.
    pub(super) fn entry(&mut self, entry: &Entry) {
        let Entry { offset, len, spread, reply, moved, .. } = *entry;
        let send_time = entry.written();
        // Messages of a conversation exported as one piece follow each other without a gap: one byte.
        let gap = zigzag(offset.wrapping_sub(self.end).cast_signed());
        let kind = match reply {
            Reply::No => 0,
            Reply::To(_) => 1,
            Reply::AsText => 2,
        };
        // 62 bits are enough for a gap between two places of a file.
        if spread == 0 && !moved {
            put(&mut self.data, gap << 2 | kind);
        } else {
            put(&mut self.data, gap << 2 | SPREAD);
            if moved {
                put(&mut self.data, SPREAD);
            }
            put(&mut self.data, spread << 2 | kind);
        }
        put(&mut self.data, u64::from(len));
        put_signed(&mut self.data, send_time.0 - self.time);
        if let Reply::To(target) = reply {
            put_signed(&mut self.data, offset.wrapping_sub(target.offset).cast_signed());
            put_signed(&mut self.data, send_time.0 - target.send_time.0);
        }
        self.end = offset + u64::from(len);
        self.time = send_time.0;
        self.entries += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.data.len() >= FULL || self.entries >= MOST
    }

    /// How many entries it holds.
    pub(super) fn len(&self) -> u32 {
        self.entries
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(super) fn clear(&mut self) {
        self.data.clear();
        (self.entries, self.end, self.time) = (0, 0, 0);
    }
}

/// Unpacks a block whose first entry has that ordinal; `None` after the last, and where bytes are not ours.
pub(super) struct Unpacker<'a> {
    from: Unpack<'a>,
    next: u64,
    end: u64,
    time: i64,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(first: Ordinal, data: &'a [u8]) -> Self {
        Self { from: Unpack(data), next: first.0, end: 0, time: 0 }
    }

    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.from.is_empty()
    }

    fn entry(&mut self) -> Option<Entry> {
        let gap_and_kind = self.from.number()?;
        let offset = self.end.wrapping_add(unzigzag(gap_and_kind >> 2).cast_unsigned());
        let mut moved = false;
        let (spread, kind) = match gap_and_kind & 3 {
            SPREAD => {
                let mut spread_and_kind = self.from.number()?;
                moved = spread_and_kind == SPREAD;
                if moved {
                    spread_and_kind = self.from.number()?;
                }
                (spread_and_kind >> 2, spread_and_kind & 3)
            }
            kind => (0, kind),
        };
        let len = self.from.small::<u32>()?;
        let send_time = SendTime(self.time.wrapping_add(self.from.signed()?));
        let reply = match kind {
            0 => Reply::No,
            1 => Reply::To(Target {
                offset: offset.wrapping_sub(self.from.signed()?.cast_unsigned()),
                send_time: SendTime(send_time.0.wrapping_sub(self.from.signed()?)),
            }),
            2 => Reply::AsText,
            _ => return None,
        };
        self.end = offset.wrapping_add(u64::from(len));
        self.time = send_time.0;
        let ordinal = Ordinal(self.next);
        self.next += 1;
        let send_time = SendTime(send_time.0.wrapping_add_unsigned(spread));
        Some(Entry { ordinal, offset, len, send_time, spread, reply, moved })
    }
}

impl Iterator for Unpacker<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.from.is_empty() { None } else { self.entry() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply() -> impl Strategy<Value = Reply> {
        prop_oneof![
            Just(Reply::No),
            Just(Reply::AsText),
            (0i64..1 << 45, 0u64..1 << 45)
                .prop_map(|(time, offset)| Reply::To(Target { send_time: SendTime(time), offset })),
        ]
    }

    proptest! {
        #[test]
        fn entries_come_back(
            first in 0u64..1 << 31,
            entries in prop::collection::vec(
                (
                    0u64..1 << 45, any::<u32>(), 0i64..1 << 45, prop_oneof![Just(0), 0u64..1 << 45], reply(),
                    any::<bool>()
                ),
                1..50
            )
        ) {
            let mut packer = Packer::default();
            for (offset, len, time, spread, reply, moved) in entries.iter().copied() {
                let send_time = SendTime(time.wrapping_add_unsigned(spread));
                let ordinal = Ordinal(0);
                packer.entry(&Entry { ordinal, offset, len, send_time, spread, reply, moved });
            }
            let mut back = Unpacker::new(Ordinal(first), packer.data());
            for (n, (offset, len, time, spread, reply, moved)) in (first..).zip(entries) {
                let send_time = SendTime(time.wrapping_add_unsigned(spread));
                let want = Entry { ordinal: Ordinal(n), offset, len, send_time, spread, reply, moved };
                prop_assert_eq!(back.next(), Some(want));
            }
            prop_assert_eq!(back.next(), None);
            prop_assert!(back.is_done());
        }
    }

    #[test]
    fn neighbours_in_the_spool_cost_six_bytes() {
        let mut packer = Packer::default();
        packer.push(1 << 40, 400, SendTime(1_700_000_000_000), 0, Reply::No);
        let first = packer.data().len();
        for n in 1..=10u64 {
            let time = SendTime(1_700_000_000_000 + n.cast_signed() * 30_000);
            packer.push((1 << 40) + n * 400, 400, time, 0, Reply::No);
        }
        assert_eq!(packer.data().len() - first, 60);
    }
}
