//! Of a job that has begun, those files come back that were lost.

use std::collections::HashSet;
use std::sync::Mutex;

use super::super::prepare::job_failure;
use super::super::{Exit, Failure};
use super::{Outcome, words};
use crate::job::MediaBook;
use crate::media;

/// What became of those that were lost; how it ends.
pub(super) fn restored(
    book: &Mutex<MediaBook>,
    lost: &HashSet<String>,
    uploaded: &media::Uploaded,
    outcome: &mut Outcome,
) -> Result<Exit, Failure> {
    let book = book.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let still = book.all_lost().map_err(job_failure)?;
    let mut objects = book.objects().map_err(job_failure)?;
    objects.retain(|object| still.contains(&object.name));
    (outcome.files, outcome.objects) = (lost.len() as u64, lost.len() as u64);
    outcome.uploaded(uploaded);
    outcome.missing = still.len() as u64;
    outcome.verdict = words::restored(lost.len(), &objects);
    Ok(match (uploaded.left, still.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::Rejects,
        _ => Exit::Unfinished,
    })
}
