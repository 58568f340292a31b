//! Where the paths of an export begin: in the folder or archive that was named. Files of two exports can have the same path,
//! and one of them must never stand for the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::export::Chunk;
use crate::mapping::{Mapper, Sink};
use crate::message::SourceNo;

/// Where the paths of each source begin.
#[derive(Debug, Default)]
pub struct Roots {
    known: Mutex<HashMap<SourceNo, Arc<str>>>,
    /// Paths that became links below a base address, and whose they were; hashes.
    based: Mutex<HashMap<u64, u64>>,
}

impl Roots {
    fn note(&self, chunk: &Chunk) {
        lock(&self.known).entry(chunk.source).or_insert_with(|| chunk.context.root().into());
    }

    /// That of a source; empty where nobody said it.
    pub(super) fn of(&self, source: SourceNo) -> Arc<str> {
        lock(&self.known).get(&source).cloned().unwrap_or_else(|| "".into())
    }

    /// Whether files of another export have that path as well, below the one base address.
    pub(super) fn is_shared(&self, source: SourceNo, path: &str) -> bool {
        let root = xxh3_64(self.of(source).as_bytes());
        *lock(&self.based).entry(xxh3_64(path.as_bytes())).or_insert(root) != root
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes where paths begin, of what it hands on.
pub struct Rooted {
    mapper: Arc<dyn Mapper>,
    roots: Arc<Roots>,
}

impl Rooted {
    /// In front of that mapper, which was made with settings that have these.
    pub fn new(mapper: Arc<dyn Mapper>, roots: Arc<Roots>) -> Self {
        Self { mapper, roots }
    }
}

impl Mapper for Rooted {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.roots.note(chunk);
        self.mapper.map(chunk, sink);
    }
}
