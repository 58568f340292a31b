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
pub use summary::{Counted, Replies, Summary};

use crate::export::ExportError;
use crate::job::JobError;
use crate::message::{Release, SendTime};

/// What a pass goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When it begins: later messages than a day from then are in the future.
    pub now: SendTime,
    /// The server's release.
    pub release: Release,
    /// What shapes the pass besides (export and mapping settings), kept in the job to be compared.
    pub settings: String,
    /// Messages with the time of the one before them in their conversation are sent a millisecond later.
    pub spread_equal: bool,
    /// Rows of a sorted run; small in tests.
    run: usize,
}

impl Rules {
    /// The rules; `settings` is kept in the job as it is.
    pub fn new(now: SendTime, release: Release, settings: String) -> Self {
        Self { now, release, settings, spread_equal: false, run: sort::RUN }
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
