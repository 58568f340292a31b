//! How far a pass is, for whoever draws it; and how to stop it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::PrepareError;

/// Shared with the thread that draws: plain numbers, no lock.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    /// Bytes read of the sources as they lie there.
    read: AtomicU64,
    total: AtomicU64,
    messages: AtomicU64,
    rejected: AtomicU64,
    indexed: AtomicU64,
    stop: AtomicBool,
}

/// What a pass is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Reading, mapping, checking.
    #[default]
    Read,
    /// Looking for messages that are there twice.
    Compare,
    /// Sorting into conversations.
    Index,
}

/// One look at a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// What it is doing.
    pub phase: Phase,
    /// Bytes read of the sources as they lie there.
    pub read: u64,
    /// Bytes of all sources; 0 if that isn't known.
    pub total: u64,
    /// Messages made so far.
    pub messages: u64,
    /// Messages and records with errors so far.
    pub rejected: u64,
    /// Messages compared, then messages sorted into their conversations.
    pub indexed: u64,
}

impl Progress {
    /// How far it is.
    pub fn look(&self) -> Look {
        Look {
            phase: match self.phase.load(Ordering::Relaxed) {
                0 => Phase::Read,
                1 => Phase::Compare,
                _ => Phase::Index,
            },
            read: self.read.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            indexed: self.indexed.load(Ordering::Relaxed),
        }
    }

    /// Asks the pass to stop; it leaves the job as it was before.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> Result<(), PrepareError> {
        if self.stop.load(Ordering::Relaxed) { Err(PrepareError::Stopped) } else { Ok(()) }
    }

    pub(super) fn phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn read(&self, read: u64, total: u64) {
        self.read.store(read, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn mapped(&self, messages: u64, rejected: u64) {
        self.messages.store(messages, Ordering::Relaxed);
        self.rejected.store(rejected, Ordering::Relaxed);
    }

    pub(super) fn indexed(&self, indexed: u64) {
        self.indexed.store(indexed, Ordering::Relaxed);
    }
}
