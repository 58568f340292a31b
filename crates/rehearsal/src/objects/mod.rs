//! Object storage: the calls under `/object/`, and the store behind them with its own address.
//!
//! ```text
//! POST initiate ─▶ a signed address ─▶ PUT to the store ─▶ POST complete ─▶ a name
//!                  or the name at once, where the content is known
//! GET /object/<name> ─▶ 302 to a signed address ─▶ GET from the store
//! ```
//! What is announced, what lies in the store and what is remembered are three things, as on the real server: a
//! content that was taken out of the store is still "known", and its name answers with an address that is empty.
//!
//! Where it differs from the real servers: signatures are our own, over method, path and query; a thumbnail is a
//! grey PNG with the width and height of the real one, whatever its type is said to be; of a name with `#` that
//! comes unescaped (no client sends that) what stands behind it is cut off.

mod body;
mod bucket;
mod calls;
mod form;
mod get;
mod names;
mod refusals;
mod sign;
mod store;
mod thumbnail;
mod upload_id;

pub(super) use calls::serve;
pub(super) use get::get;
pub(super) use store::accept;

use bucket::Bucket;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The smallest part, bytes: what is smaller goes in one.
const MIN_PART: i64 = 5 << 20;
const MAX_PART: i64 = 5 << 30;
const MAX_PARTS: i64 = 10_000;
/// 3.8.3 goes on serving what stood under a name for so long, ms.
const STALE_MS: i64 = 10_000;
/// File of the list, in the folder of the objects.
const LIST: &str = "objects.json";

/// Names, contents and uploads of a running server.
pub(super) struct Objects {
    bucket: Bucket,
    /// The address that is signed: `http://127.0.0.1:…`.
    address: OnceLock<String>,
    inner: Mutex<Inner>,
}

/// What the server remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Inner {
    /// By name.
    records: BTreeMap<String, Record>,
    /// Contents that were seen in the store, by hash: the server's memory in Redis.
    known: BTreeSet<String>,
    /// What was seen of a one-part upload at the first look: nobody looks again.
    looked: BTreeMap<String, (u64, String)>,
    /// Names whose former record is still served, and until when (ms).
    #[serde(skip)]
    stale: HashMap<String, (Record, i64)>,
    /// Names that were asked for since they were written.
    #[serde(skip)]
    served: HashSet<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    /// Its key in the store.
    key: String,
    /// As it was announced.
    size: i64,
    content_type: String,
    /// Its cause.
    group: String,
    /// ms
    created: i64,
}

/// An object as the control path tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectEntry {
    /// Its name.
    pub name: String,
    /// As it was announced.
    pub size: i64,
    /// Its type.
    pub content_type: String,
    /// Its cause.
    pub group: String,
    /// MD5 of what lies in the store; `None`: nothing does.
    pub md5: Option<String>,
    /// Bytes of it there.
    pub bytes: u64,
}

/// Everything in the store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectAudit {
    /// By name.
    pub objects: Vec<ObjectEntry>,
    /// Contents that no name points to.
    pub nameless: Vec<String>,
    /// One-part uploads that lie where they were put: refused, twins, or not completed yet.
    pub temporary: usize,
    /// Uploads of several parts that have some and were not completed.
    pub open_uploads: usize,
    /// Bytes that were put, all told.
    pub put_bytes: u64,
    /// PUT calls that were answered with 200.
    pub puts: u64,
}

impl Objects {
    /// In that folder, with what it has from before; `None`: in one that goes away with the server.
    pub(super) fn open(dir: Option<PathBuf>) -> io::Result<Self> {
        let bucket = Bucket::open(dir)?;
        let inner = match fs_err::read(bucket.dir().join(LIST)) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Inner::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { bucket, address: OnceLock::new(), inner: Mutex::new(inner) })
    }

    /// Where the store listens.
    pub(super) fn set_address(&self, address: String) {
        self.address.set(address).ok();
    }

    /// The store's own address.
    pub(super) fn address(&self) -> &str {
        self.address.get().map_or("", String::as_str)
    }

    /// Writes the list to the folder, if that outlives the server.
    pub(super) fn save(&self) -> io::Result<()> {
        if !self.bucket.is_kept() {
            return Ok(());
        }
        self.bucket.save()?;
        let text = serde_json::to_vec(&*self.inner()).map_err(io::Error::other)?;
        write_whole(&self.bucket.dir().join(LIST), &text)
    }

    /// What is there.
    pub(super) fn audit(&self) -> ObjectAudit {
        let inner = self.inner();
        let found = |record: &Record| self.bucket.find(&record.key);
        let objects = inner
            .records
            .iter()
            .map(|(name, record)| ObjectEntry {
                name: name.clone(),
                size: record.size,
                content_type: record.content_type.clone(),
                group: record.group.clone(),
                md5: found(record).map(|blob| blob.md5),
                bytes: found(record).map_or(0, |blob| blob.size),
            })
            .collect();
        let mut nameless = self.bucket.keys("openim/data/");
        let named: HashSet<&str> = inner.records.values().map(|r| r.key.as_str()).collect();
        nameless.retain(|key| !named.contains(key.as_str()));
        let (open_uploads, puts, put_bytes) = self.bucket.counts();
        let temporary = self.bucket.keys("openim/temp/").len();
        ObjectAudit { objects, nameless, temporary, open_uploads, put_bytes, puts }
    }

    /// A content disappears from the store, behind the server's back.
    pub(super) fn lose(&self, name: &str) -> bool {
        let key = self.inner().records.get(name).map(|record| record.key.clone());
        key.is_some_and(|key| self.bucket.remove(&key))
    }

    /// What is remembered of contents is forgotten, as when Redis is emptied.
    pub(super) fn forget(&self) {
        let mut inner = self.inner();
        inner.known.clear();
        inner.looked.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file takes the place of the former one whole, or not at all.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs_err::write(&beside, text)?;
    fs_err::rename(beside, path)
}

impl Inner {
    /// Writes a name. Where the release serves the former one for a while, that is kept.
    fn write(&mut self, name: &str, record: Record, now: i64, serves_stale: bool) {
        let was_served = self.served.remove(name);
        let former = self.records.insert(name.to_owned(), record);
        if let Some(former) = former.filter(|_| serves_stale && was_served) {
            // Who is written twice within that time goes on with the first.
            let still = self.stale.get(name).is_some_and(|(_, until)| now < *until);
            if !still {
                self.stale.insert(name.to_owned(), (former, now + STALE_MS));
            }
        }
    }

    /// What a name stands for, for who asks now.
    fn read(&mut self, name: &str, now: i64) -> Option<Record> {
        if let Some((record, until)) = self.stale.get(name) {
            if now < *until {
                return Some(record.clone());
            }
            self.stale.remove(name);
        }
        let record = self.records.get(name)?.clone();
        self.served.insert(name.to_owned());
        Some(record)
    }
}
