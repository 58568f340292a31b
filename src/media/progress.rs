//! How far it is: for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted by those who work, read by those who draw.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes there are.
    pub total: AtomicU64,
    /// Bytes done.
    pub done: AtomicU64,
    /// Files done.
    pub files: AtomicU64,
    /// Calls that were made again.
    pub retries: AtomicU64,
}

impl Progress {
    /// A file of that size is done.
    pub fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes are done.
    pub fn bytes(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A call goes out again.
    pub fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }
}
