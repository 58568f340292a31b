//! Files are known by the number of the source that names them and by what that calls them: both have to mean now what they
//! meant when the files were uploaded, else a message shows somebody else's picture.

use std::path::Path;

use super::super::prepare::job_failure;
use super::super::{Exit, Failure, intake};
use super::{Intake, Plan};
use crate::finding::Finding;
use crate::formats::Uploaded;
use crate::job::{Job, JobReader, SourceInfo};
use crate::mapping::{Sink, Upload};
use crate::message::{Message, Place, SourceNo};

/// Refuses to send messages while their files are on their way: what is not there yet would go as a text, for good. `add`: of
/// a further pass.
pub(in super::super) fn must_be_over(dir: &Path, add: bool) -> Result<(), Failure> {
    let job = Job::create(dir).map_err(job_failure)?;
    let first = if add { job.next_source().map_err(job_failure)? } else { SourceNo(0) };
    let goes_on = !add && job.is_started().map_err(job_failure)?;
    if goes_on || !job.reader().and_then(|reader| reader.has_open_media(first)).map_err(job_failure)? {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "the upload of the files that these messages show was begun and has not ended: without them they would go as text, for \
         good. `run --media` goes on with it and sends the messages then, `media` goes on with it alone; another --job \
         begins without any files",
    ))
}

/// Refuses to make messages of other sources than those whose files were looked at; `first` is the number of the first.
pub(in super::super) fn must_fit(plan: &Plan, reader: &JobReader, first: SourceNo) -> Result<(), Failure> {
    let mut looked_at = reader.media_sources(first).map_err(job_failure)?;
    if looked_at.is_empty() {
        return if first == SourceNo(0) || plan.uploaded.is_empty() {
            Ok(())
        } else {
            must_be_new(plan, first)
        };
    }
    let ahead: Vec<String> = plan.open(first)?.reader.ahead().collect();
    // On another machine the export may lie elsewhere: names, order and contents count.
    let is_like = |(was, is): (&SourceInfo, &String)| last(&was.path) == last(is);
    if looked_at.len() == ahead.len() && looked_at.iter().zip(&ahead).all(is_like) {
        for (was, is) in looked_at.iter_mut().zip(&ahead).filter(|(was, is)| was.path != **is) {
            was.path.clone_from(is);
            // Two files can have been changed in the same millisecond.
            was.modified = None;
        }
    }
    let is_in_order = looked_at.iter().map(|source| &source.path).eq(&ahead);
    let changes = plan.differences(&looked_at)?;
    let what = match changes.first() {
        None if is_in_order => return Ok(()),
        None => "they are named in another order",
        Some(change) => change,
    };
    Err(Failure::new(
        Exit::Usage,
        format!(
            "the sources are not those whose files were uploaded: {what}; `media` looks at their files anew (what is there \
             is not sent again), `run --media` does both"
        ),
    ))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Nobody looked at the files of this pass: what it calls like one of an earlier pass may be that one or another.
fn must_be_new(plan: &Plan, first: SourceNo) -> Result<(), Failure> {
    let Intake { mut reader, mapper } = plan.open(first)?;
    let mut same = Same { uploaded: &plan.uploaded, named: None };
    while let Some(chunk) = reader.next_chunk().map_err(intake::failure)? {
        mapper.map(&chunk, &mut same);
        if let Some(name) = same.named {
            let text = format!(
                "an earlier pass has uploaded a file that it called `{name}`, and whether this one is the same only its bytes \
                 say: add --media (what is there is not sent again); nothing was sent"
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        reader.recycle(chunk.text);
    }
    Ok(())
}

/// Looks for a file of the export that is called like one that was uploaded.
struct Same<'a> {
    uploaded: &'a Uploaded,
    named: Option<String>,
}

impl Sink for Same<'_> {
    fn message(&mut self, _: Message<'_>) {}
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, _: Finding) {}

    fn upload(&mut self, upload: Upload<'_>) {
        if !upload.path.is_empty() && upload.url.is_empty() && self.uploaded.has(upload.key) {
            self.named.get_or_insert_with(|| upload.key.to_owned());
        }
    }
}
