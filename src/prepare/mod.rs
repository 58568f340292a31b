//! One pass over the sources: export, mapping, checks, job, on all cores and in constant memory.
//!
//! ```text
//! reader ─▶ chunks ─▶ mappers ─▶ batches ─▶ writer ─▶ spool
//!  1 thread            1 a core              in order  ├▶ rows by conversation and time ─┐ spilled,
//!                                                      └▶ rows by id ──────────────────┐ │ sorted
//!                                                                                      ▼ ▼
//!                                             compare: doubles, quotes ─▶ notes ─▶ index ─▶ job
//! ```

mod batch;
mod compare;
mod duplicates;
mod findings;
mod heap;
mod index;
mod ledger;
mod names;
mod pass;
mod people;
mod progress;
mod relations;
mod rows;
mod seen;
mod sort;
mod spread;
mod summary;
#[cfg(test)]
mod tests;
mod uploads;

pub use pass::{few, few_spread, mended, run};
pub use progress::{Look, Phase, Progress};
pub use summary::{Counted, Replies, Summary, Unread};

use std::collections::HashMap;

use crate::export::ExportError;
use crate::job::{JobError, Shard};
use crate::message::{ConversationId, Release, SendTime};

/// What a pass goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When it begins: later messages than a day from then are in the future.
    pub now: SendTime,
    /// The server's release.
    pub release: Release,
    /// What shapes the pass besides (export and mapping settings), kept in the job to be compared.
    pub settings: String,
    /// What becomes of times that don't rise.
    pub times: Times,
    /// What is so large that a server may lose it and its neighbours is sent all the same.
    pub allow_large: bool,
    /// Conversations whose messages are sent behind what people have written.
    pub behind: Behind,
    /// Which conversations the job takes.
    pub shard: Shard,
    /// Whether files may have the same messages: then equal ones without an id, in several of them, are one.
    pub files_overlap: bool,
    /// Rows of a sorted run; small in tests.
    run: usize,
}

/// Conversations whose messages are all sent with times after that one, and keep their own in `ex`.
pub type Behind = HashMap<ConversationId, SendTime>;

/// What decides how messages of a conversation go behind each other.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    times: Times,
    /// What is so large that a server may lose it and its neighbours is sent all the same.
    allow_large: bool,
    behind: &'a Behind,
    /// As in [`Rules`].
    files_overlap: bool,
}

/// What becomes of messages whose times don't rise within their conversation (law 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Those with the time of the one before them.
    pub equal: Equal,
    /// Those of a later pass that are older than what an earlier one gave their conversation.
    pub older: Older,
}

/// Messages with the time of the one before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Equal {
    /// Are sent a millisecond later, and push on whom they reach.
    #[default]
    Spread,
    /// Keep it: OpenIM's apps can't scroll them.
    Keep,
}

/// Messages of a later pass that are older than what an earlier one gave their conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Older {
    /// By up to an hour they go behind it, with times after the newest; older ones are refused.
    #[default]
    Refuse,
    /// All of them go behind it.
    Behind,
    /// They keep their times: what is made by hand is what it was made for.
    Stay,
}

impl Rules {
    /// The rules; `settings` is kept in the job as it is.
    pub fn new(now: SendTime, release: Release, settings: String) -> Self {
        let (times, behind) = (Times::default(), Behind::new());
        let shard = Shard::WHOLE;
        Self {
            now,
            release,
            settings,
            times,
            allow_large: false,
            behind,
            shard,
            files_overlap: true,
            run: sort::RUN,
        }
    }
}

/// Why a pass ended without adding anything.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The sources can't be read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The job can't be written.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Somebody asked for it.
    #[error("stopped; the job is as it was before")]
    Stopped,
}
