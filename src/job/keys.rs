//! Keys of the messages the job knows: how a later pass tells what is new.
//!
//! Each pass adds a run of keys in order, packed into blocks; reading merges the runs of all passes. A message
//! with an id costs about 23 bytes, one without about 11.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

use super::error::{InJob, JobError};
use super::packed::{Unpack, put};
use super::{PassNo, schema};

/// Stands for the id of a message, or, where it has none, for all that it says: 96 bits of hash.
///
/// Two ids with one key: 10^-15 for ten million messages; and then their contents (64 bits more) would
/// have to agree as well for one of them to get lost instead of being reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    high: u64,
    low: u32,
}

impl Key {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(xxh3_128(bytes))
    }

    /// Of a 128-bit hash.
    pub fn from_hash(hash: u128) -> Self {
        let [low, middle, ..] =
            [hash, hash >> 64].map(|n| u64::try_from(n & u128::from(u64::MAX)).unwrap_or(0));
        Self { high: middle, low: u32::try_from(low >> 32).unwrap_or(0) }
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut out = [0; 12];
        out[..8].copy_from_slice(&self.high.to_le_bytes());
        out[8..].copy_from_slice(&self.low.to_le_bytes());
        out
    }

    /// The way back.
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        let (mut high, mut low) = ([0; 8], [0; 4]);
        high.copy_from_slice(&bytes[..8]);
        low.copy_from_slice(&bytes[8..]);
        Self { high: u64::from_le_bytes(high), low: u32::from_le_bytes(low) }
    }
}

/// What the job knows under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The message with that id.
    ById {
        /// Hash of what it says.
        content: u64,
        /// Where its record begins in the spool.
        offset: u64,
    },
    /// So many messages that say the same, where messages have no id.
    Times(u64),
}

/// A block is closed when it has that many bytes: two such rows fill a page.
const FULL: usize = 1_960;

/// Writes the keys of a pass, which come in order.
#[derive(Debug)]
pub struct KeyWriter<'p> {
    db: &'p Connection,
    dir: &'p Path,
    next: i64,
    data: Vec<u8>,
    last: u64,
}

impl<'p> KeyWriter<'p> {
    pub(super) fn new(db: &'p Connection, dir: &'p Path, pass: PassNo) -> Self {
        Self { db, dir, next: first_block(pass), data: Vec::with_capacity(FULL + 64), last: 0 }
    }

    /// Adds a key, higher than the one before.
    pub fn push(&mut self, key: Key, known: Known) -> Result<(), JobError> {
        put(&mut self.data, key.high - self.last);
        self.data.extend_from_slice(&key.low.to_le_bytes());
        match known {
            Known::ById { content, offset } => {
                put(&mut self.data, offset << 1);
                self.data.extend_from_slice(&content.to_le_bytes());
            }
            Known::Times(times) => put(&mut self.data, times << 1 | 1),
        }
        self.last = key.high;
        if self.data.len() >= FULL { self.close() } else { Ok(()) }
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<(), JobError> {
        if self.data.is_empty() { Ok(()) } else { self.close() }
    }

    fn close(&mut self) -> Result<(), JobError> {
        self.db
            .prepare_cached("INSERT INTO keys VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![self.next, self.data]))
            .in_job(self.dir)?;
        self.next += 1;
        self.data.clear();
        self.last = 0;
        Ok(())
    }
}

/// Reads the keys of all earlier passes in order.
#[derive(Debug)]
pub struct KnownKeys<'p> {
    db: &'p Connection,
    dir: &'p Path,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Key, usize)>>,
}

/// The keys of one pass.
#[derive(Debug)]
struct Run {
    next_block: i64,
    data: Vec<u8>,
    at: usize,
    last: u64,
    head: Option<(Key, Known)>,
}

impl<'p> KnownKeys<'p> {
    pub(super) fn open(db: &'p Connection, dir: &'p Path, before: PassNo) -> Result<Self, JobError> {
        let mut keys = Self { db, dir, runs: Vec::new(), heads: BinaryHeap::new() };
        for pass in 1..before.0 {
            keys.runs.push(Run {
                next_block: first_block(PassNo(pass)),
                data: Vec::new(),
                at: 0,
                last: 0,
                head: None,
            });
            keys.advance(keys.runs.len() - 1)?;
        }
        Ok(keys)
    }

    /// What is known under the key. Keys have to be asked for in order.
    pub fn find(&mut self, key: Key) -> Result<Option<Known>, JobError> {
        let mut found = None;
        while let Some(Reverse((head, run))) = self.heads.peek().copied()
            && head <= key
        {
            if head == key {
                let known = self.runs[run].head.map(|(_, known)| known);
                found = match (found, known) {
                    // Each pass noted how often it was known by then.
                    (Some(Known::Times(a)), Some(Known::Times(b))) => Some(Known::Times(a.max(b))),
                    (None, known) => known,
                    (found, _) => found,
                };
            }
            self.heads.pop();
            self.advance(run)?;
        }
        Ok(found)
    }

    fn advance(&mut self, number: usize) -> Result<(), JobError> {
        let run = &mut self.runs[number];
        if run.at == run.data.len() {
            let block: Option<Vec<u8>> = self
                .db
                .prepare_cached("SELECT data FROM keys WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([run.next_block], |row| row.get(0)).optional())
                .in_job(self.dir)?;
            let Some(block) = block else { return Ok(()) };
            (run.data, run.at, run.last) = (block, 0, 0);
            run.next_block += 1;
        }
        let mut from = Unpack(run.data.get(run.at..).unwrap_or_default());
        let (key, known) = unpack(&mut from, run.last).ok_or_else(|| JobError::Damaged {
            path: self.dir.join(schema::DATABASE),
            what: format!("block {} of the keys can't be read as it was written", run.next_block - 1),
        })?;
        run.at = run.data.len() - from.0.len();
        run.last = key.high;
        run.head = Some((key, known));
        self.heads.push(Reverse((key, number)));
        Ok(())
    }
}

fn unpack(from: &mut Unpack<'_>, last: u64) -> Option<(Key, Known)> {
    let high = last.checked_add(from.number()?)?;
    let low = u32::from_le_bytes(from.bytes(4)?.try_into().ok()?);
    let number = from.number()?;
    let known = if number & 1 == 1 {
        Known::Times(number >> 1)
    } else {
        Known::ById { offset: number >> 1, content: u64::from_le_bytes(from.bytes(8)?.try_into().ok()?) }
    };
    Some((Key { high, low }, known))
}

/// The first key of a block.
pub(super) fn first_in(data: &[u8]) -> Option<Key> {
    unpack(&mut Unpack(data), 0).map(|(key, _)| key)
}

/// What stands under the key in a block.
pub(super) fn find_in(data: &[u8], key: Key) -> Option<Known> {
    let (mut from, mut last) = (Unpack(data), 0);
    while let Some((here, known)) = unpack(&mut from, last) {
        if here >= key {
            return (here == key).then_some(known);
        }
        last = here.high;
    }
    None
}

/// Passes have 2^40 blocks each.
pub(super) fn first_block(pass: PassNo) -> i64 {
    i64::from(pass.0) << 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn known() -> impl Strategy<Value = Known> {
        prop_oneof![
            (any::<u64>(), 0u64..1 << 46).prop_map(|(content, offset)| Known::ById { content, offset }),
            (1u64..5).prop_map(Known::Times),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_key_of_every_pass_is_found(
            passes in prop::collection::vec(
                prop::collection::btree_map((any::<u64>(), 0u32..3), known(), 0..400), 1..4)
        ) {
            let dir = tempfile::tempdir().unwrap();
            let db = schema::create(dir.path()).unwrap();
            let mut all: BTreeMap<Key, Known> = BTreeMap::new();
            for (no, pass) in (1..).zip(&passes) {
                let mut writer = KeyWriter::new(&db, dir.path(), PassNo(no));
                for ((high, low), known) in pass {
                    let key = Key { high: *high, low: *low };
                    writer.push(key, *known).unwrap();
                    all.entry(key).or_insert(*known);
                }
                writer.finish().unwrap();
            }
            let reader = Job::observe(dir.path()).unwrap();
            for (no, pass) in (1..).zip(&passes) {
                for ((high, low), known) in pass {
                    prop_assert_eq!(reader.known(PassNo(no), Key { high: *high, low: *low }).unwrap(), Some(*known));
                }
                let nobody = Key { high: 1 << 40, low: 7 };
                prop_assert_eq!(reader.known(PassNo(no), nobody).unwrap(), None);
            }
            let before = PassNo(u32::try_from(passes.len()).unwrap() + 1);
            let mut keys = KnownKeys::open(&db, dir.path(), before).unwrap();
            for (n, (key, known)) in all.iter().enumerate() {
                // Some are not asked for.
                if n % 3 != 0 {
                    prop_assert_eq!(keys.find(*key).unwrap(), Some(*known));
                    prop_assert_eq!(keys.find(*key).unwrap(), None, "each is given once");
                }
            }
            prop_assert_eq!(keys.find(Key { high: u64::MAX, low: u32::MAX }).unwrap(), None);
        }

        #[test]
        fn bytes_come_back(high: u64, low: u32) {
            let key = Key { high, low };
            prop_assert_eq!(Key::from_bytes(key.to_bytes()), key);
        }
    }

    #[test]
    fn the_highest_count_of_all_passes() {
        let dir = tempfile::tempdir().unwrap();
        let db = schema::create(dir.path()).unwrap();
        let key = Key::of(b"x");
        for (pass, times) in [(1, 2), (2, 5), (3, 3)] {
            let mut writer = KeyWriter::new(&db, dir.path(), PassNo(pass));
            writer.push(key, Known::Times(times)).unwrap();
            writer.finish().unwrap();
        }
        let mut keys = KnownKeys::open(&db, dir.path(), PassNo(4)).unwrap();
        assert_eq!(keys.find(key).unwrap(), Some(Known::Times(5)));
    }
}
