//! `verify --media`: every object, read back where messages have it.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::super::Failure;
use super::super::context::Context;
use super::super::prepare::job_failure;
use super::words::SHOWN;
use super::{Done, draw, store};
use crate::job::{Job, ObjectState};
use crate::media::{self, Verified};
use crate::openim;
use crate::report::plural;

/// Reads every object back, or some of them; how it ended, in a sentence, and whether all is well.
pub(in super::super) async fn verify(
    context: &Context,
    job: &Job,
    settings: &openim::Settings,
    sample: Option<usize>,
) -> Result<(Verified, String), Failure> {
    let web = store(settings)?;
    let book = Mutex::new(job.media().map_err(job_failure)?);
    let mut objects =
        book.lock().unwrap_or_else(std::sync::PoisonError::into_inner).objects().map_err(job_failure)?;
    objects.retain(|object| object.state >= ObjectState::Completed);
    let all = objects.len();
    if let Some(sample) = sample {
        fastrand::shuffle(&mut objects);
        objects.truncate(sample);
    }
    let done = Arc::new(Done::default());
    done.total.store(objects.iter().map(|object| object.size).sum(), Ordering::Relaxed);
    let drawn = draw(context, &done, "read");
    let verified = media::verify(&objects, &web, &book, &done).await;
    drawn.finish();
    let verified = verified.map_err(job_failure)?;
    let looked = if objects.len() < all {
        format!("{} of {}", objects.len(), plural(all as u64, "file was", "files were"))
    } else {
        plural(all as u64, "file was", "files were")
    };
    let mut text = format!(
        "{looked} read back at the addresses that messages have: {} must be",
        plural(verified.good, "is what it", "are what they")
    );
    if !verified.differences.is_empty() {
        write!(text, ", {} are not", verified.differences.len()).expect("text takes all");
    }
    if !verified.unanswered.is_empty() {
        write!(text, ", {} could not be looked at", verified.unanswered.len()).expect("text takes all");
    }
    text.push('.');
    for difference in verified.differences.iter().chain(&verified.unanswered).take(SHOWN) {
        write!(text, "\n  {} {}", difference.url, difference.why).expect("text takes all");
    }
    if !verified.differences.is_empty() {
        text.push_str("\n`openim-import media` uploads them again.");
    }
    Ok((verified, text))
}
