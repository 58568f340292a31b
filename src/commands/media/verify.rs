//! `verify --media`: every object, read back where messages have it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::super::context::Context;
use super::super::prepare::job_failure;
use super::super::{Exit, Failure};
use super::words::SHOWN;
use super::{Done, draw, store};
use crate::job::{Job, ObjectState};
use crate::media::{self, Verified};
use crate::openim;
use crate::report::plural;

/// What came of reading files back.
#[derive(Debug)]
pub(in super::super) struct Files {
    pub(in super::super) read: Verified,
    /// How many there are.
    all: u64,
    /// How many are uploaded when their messages are sent.
    waiting: u64,
}

/// Reads back every object that messages and people have, or some of them. One that was lost when somebody looked before
/// is looked for as well.
pub(in super::super) async fn verify(
    context: &Context,
    job: &Job,
    settings: &openim::Settings,
    sample: Option<usize>,
) -> Result<Files, Failure> {
    let web = store(settings)?;
    let book = job.media().map_err(job_failure)?;
    let named: HashSet<String> =
        book.files().map_err(job_failure)?.into_iter().filter_map(|file| file.object).collect();
    let lost = book.all_lost().map_err(job_failure)?;
    let waiting = job.reader().and_then(|reader| reader.files_waiting()).map_err(job_failure)?;
    let mut objects = book.objects().map_err(job_failure)?;
    objects.retain(|object| {
        let is_there = object.state >= ObjectState::Completed || lost.contains(&object.name);
        is_there && named.contains(&object.name)
    });
    let all = objects.len() as u64;
    if let Some(sample) = sample {
        fastrand::shuffle(&mut objects);
        objects.truncate(sample);
    }
    let done = Arc::new(Done::default());
    done.total.store(objects.iter().map(|object| object.size).sum(), Ordering::Relaxed);
    let drawn = draw(context, &done, "read");
    let read = media::verify(&objects, &web, &Mutex::new(book), &done).await;
    drawn.finish();
    Ok(Files { read: read.map_err(job_failure)?, all, waiting })
}

impl Files {
    pub(in super::super) fn exit(&self) -> Exit {
        match (self.read.differences.len(), self.read.unanswered.len()) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Unfinished,
            _ => Exit::Difference,
        }
    }

    /// How it ended, in a sentence or two.
    pub(in super::super) fn in_words(&self) -> String {
        let Verified { good, differences, unanswered, .. } = &self.read;
        let looked = good + (differences.len() + unanswered.len()) as u64;
        let waiting = match self.waiting {
            0 => String::new(),
            n => format!(
                " {} not there yet, and {} when messages are sent that show {}.",
                plural(n, "file is", "files are"),
                if n == 1 { "goes up" } else { "go up" },
                if n == 1 { "it" } else { "them" }
            ),
        };
        if self.all == 0 {
            return format!("No file was uploaded with this job.{waiting}");
        }
        let of_all = plural(self.all, "file was", "files were");
        let looked = if looked < self.all { format!("{looked} of {of_all}") } else { of_all };
        let mut text = format!(
            "{looked} read back at the addresses that messages have: {} must be",
            plural(*good, "is what it", "are what they")
        );
        if !differences.is_empty() {
            write!(text, ", {} not", plural(differences.len() as u64, "is", "are")).expect("text takes all");
        }
        if !unanswered.is_empty() {
            write!(text, ", {} could not be looked at", unanswered.len()).expect("text takes all");
        }
        text.push('.');
        if !differences.is_empty() {
            text.push_str(" `openim-import media` uploads what is lost again.");
        }
        text + &waiting
    }

    /// What is wrong with which.
    pub(in super::super) fn lines(&self) -> Vec<String> {
        let all = self.read.differences.iter().chain(&self.read.unanswered);
        all.take(SHOWN).map(|difference| format!("{} {}", difference.url, difference.why)).collect()
    }
}
