//! Which part of an export a job holds: all of it, or the conversations of one of several jobs that share nothing.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use rusqlite::{OptionalExtension, params};

use super::Job;
use super::error::{InJob, JobError};
use super::key::ConvKey;
use super::read::JobReader;
use super::schema::Table;

/// One row in the job of a shard, none in the job of a whole export.
pub(super) const TABLE: Table = Table {
    name: "shard",
    version: 1,
    sql: "CREATE TABLE shard (no INTEGER NOT NULL, of_all INTEGER NOT NULL);",
};

/// One of several jobs that an export is spread over: `3/16`, counted from 1; `1/1` is the whole.
///
/// A conversation belongs to the shard that the hash of its queue's key says, so whatever shares a queue (law 11)
/// shares a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    no: u32,
    of: u32,
}

impl Shard {
    /// The whole export in one job.
    pub const WHOLE: Self = Self { no: 1, of: 1 };
    /// More share one server to no purpose, and each of them reads the whole export.
    pub const MOST: u32 = 1024;

    /// The `no`th of `of`, from 1; `None` where there is no such shard.
    pub fn new(no: u32, of: u32) -> Option<Self> {
        (no >= 1 && no <= of && of <= Self::MOST).then_some(Self { no, of })
    }

    /// Its number, from 1.
    pub fn no(self) -> u32 {
        self.no
    }

    /// How many there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether it is the whole export.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Whether it is the one that keeps what belongs to no conversation.
    pub fn is_first(self) -> bool {
        self.no == 1
    }

    /// Whether the conversation belongs to it.
    #[inline]
    pub fn has(self, conversation: ConvKey) -> bool {
        self.of == 1 || conversation.queue_bits() % u64::from(self.of) == u64::from(self.no - 1)
    }

    /// Its part of something that is shared by all, such as messages a second: the parts of all shards are the
    /// whole. `None`: there is not one for each.
    pub fn share(self, whole: NonZeroU32) -> Option<NonZeroU32> {
        let each = NonZeroU32::new(whole.get() / self.of)?;
        Some(each.saturating_add(u32::from(self.no <= whole.get() % self.of)))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.no, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(no, of)| Self::new(no.parse().ok()?, of.parse().ok()?));
        parsed.ok_or_else(|| {
            format!(
                "`{text}` is no shard: write `3/16` for the third of sixteen; there can be {}",
                Self::MOST
            )
        })
    }
}

impl Job {
    /// Which shard it is.
    pub fn shard(&self) -> Result<Shard, JobError> {
        read(&self.db).in_job(&self.dir)
    }

    /// Makes it that shard: of a job without a pass only.
    pub fn be_shard(&mut self, shard: Shard) -> Result<(), JobError> {
        let transaction = self.db.transaction().in_job(&self.dir)?;
        transaction.execute("DELETE FROM shard", []).in_job(&self.dir)?;
        if !shard.is_whole() {
            transaction
                .execute("INSERT INTO shard VALUES (?1, ?2)", params![shard.no, shard.of])
                .in_job(&self.dir)?;
        }
        transaction.commit().in_job(&self.dir)
    }
}

impl JobReader {
    /// Which shard the job is. One that an older release made is a whole export.
    pub fn shard(&self) -> Result<Shard, JobError> {
        let knows: bool = self
            .db
            .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'shard')", [], |row| {
                row.get(0)
            })
            .in_job(self.dir())?;
        if knows { read(&self.db).in_job(self.dir()) } else { Ok(Shard::WHOLE) }
    }
}

fn read(db: &rusqlite::Connection) -> rusqlite::Result<Shard> {
    let row =
        db.query_row("SELECT no, of_all FROM shard", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.and_then(|(no, of)| Shard::new(no, of)).unwrap_or(Shard::WHOLE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_a_shard() {
        assert_eq!("3/16".parse(), Ok(Shard { no: 3, of: 16 }));
        assert_eq!("1/1".parse(), Ok(Shard::WHOLE));
        for wrong in ["0/4", "5/4", "4", "/4", "4/", "-1/4", "1/0", "1/5000", "a/b"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("is no shard"), "{wrong}");
        }
    }

    #[test]
    fn a_job_knows_its_shard() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        assert_eq!(job.shard().unwrap(), Shard::WHOLE);
        let shard = Shard::new(3, 16).unwrap();
        job.be_shard(shard).unwrap();
        assert_eq!((job.shard().unwrap(), job.reader().unwrap().shard().unwrap()), (shard, shard));
        drop(job);
        assert_eq!(Job::observe(dir.path()).unwrap().shard().unwrap(), shard);
        Job::open(dir.path()).unwrap().be_shard(Shard::WHOLE).unwrap();
        assert_eq!(Job::observe(dir.path()).unwrap().shard().unwrap(), Shard::WHOLE);
    }

    #[test]
    fn conversations_stay_where_they_are_from_release_to_release() {
        let mut scratch = String::new();
        let of = |key: ConvKey| (1..=16).find(|no| Shard::new(*no, 16).unwrap().has(key)).unwrap();
        let keys = [ConvKey::group("team"), ConvKey::single("alice", "bob", &mut scratch)];
        assert_eq!(keys.map(of), [16, 4]);
    }

    proptest! {
        #[test]
        fn each_conversation_is_in_one_shard_and_its_rival_too(name in "[a-z]{1,3}_[a-z]{1,3}", of in 1u32..20) {
            let (pair, group) = (ConvKey::of_pair(&name), ConvKey::group(&name));
            let having: Vec<u32> =
                (1..=of).filter(|no| Shard::new(*no, of).is_some_and(|shard| shard.has(pair))).collect();
            prop_assert_eq!(having.len(), 1);
            prop_assert!(Shard::new(having[0], of).is_some_and(|shard| shard.has(group)));
        }

        #[test]
        fn shares_are_the_whole(whole in 1u32..5000, of in 1u32..100) {
            let shares = (1..=of).filter_map(|no| Shard::new(no, of)?.share(NonZeroU32::new(whole)?));
            let sum = shares.map(NonZeroU32::get).sum::<u32>();
            prop_assert_eq!(sum, if whole < of { 0 } else { whole });
        }
    }
}
