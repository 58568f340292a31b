//! The list of files and objects, and what they are to those who read the export.

use std::collections::{HashMap, HashSet};

use super::super::prepare::job_failure;
use super::super::{Exit, Failure, OrFail};
use crate::formats::{UploadOutcome, UploadProblem, Uploaded, UploadedFile};
use crate::job::{Job, JobReader, MediaFile, MediaObject, ObjectState};
use crate::report::plural;
use crate::visible::cell;

/// The list, in the job's folder.
pub(super) const LIST: &str = "media.csv";

/// What became of the files, for those who read the export.
pub(in super::super) fn uploaded(reader: &JobReader) -> Result<Uploaded, Failure> {
    let objects: HashMap<String, MediaObject> = reader
        .media_objects()
        .map_err(job_failure)?
        .into_iter()
        .map(|object| (object.name.clone(), object))
        .collect();
    let waiting = reader.media_waiting().map_err(job_failure)?;
    let mut uploaded = Uploaded::default();
    for file in reader.media_files().map_err(job_failure)? {
        if let Some(outcome) = outcome_of(&file, &objects, &waiting) {
            uploaded.add(file.source, &file.key, outcome);
        }
    }
    Ok(uploaded)
}

/// `None`: it is on its way. What waits for its messages is as good as there: they are not sent before it is.
fn outcome_of(
    file: &MediaFile,
    objects: &HashMap<String, MediaObject>,
    waiting: &HashSet<String>,
) -> Option<UploadOutcome> {
    let Some(name) = &file.object else {
        return Some(UploadOutcome::Not(match file.problem.as_deref() {
            Some("empty") => UploadProblem::Empty,
            Some("too-large") => UploadProblem::TooLarge,
            Some("unreadable") => UploadProblem::Unreadable,
            _ => UploadProblem::Missing,
        }));
    };
    let object = objects.get(name)?;
    match object.state {
        ObjectState::Refused => Some(UploadOutcome::Not(UploadProblem::Refused)),
        ObjectState::Planned | ObjectState::Begun if !waiting.contains(name) => None,
        _ => Some(UploadOutcome::There(UploadedFile {
            url: object.url.clone(),
            mime: object.mime.clone(),
            size: object.size,
            width: object.width,
            height: object.height,
            seconds: object.seconds,
        })),
    }
}

/// What `undo` says of objects: they have no call that deletes them.
pub(in super::super) fn that_stay(job: &Job, reader: &JobReader) -> Result<Option<String>, Failure> {
    let objects = reader.media_objects().map_err(job_failure)?;
    let there = objects.iter().filter(|object| object.state > ObjectState::Planned).count();
    if there == 0 {
        return Ok(None);
    }
    write_list(job)?;
    Ok(Some(format!(
        "Of {} nothing is deleted in the storage: OpenIM has no call for it. {}/{LIST} lists the names; in the object \
         store they lie below openim/data/hash/.",
        plural(there as u64, "file that was uploaded", "files that were uploaded"),
        job.dir().display()
    )))
}

/// Every file and every object, for people: what it is called, where it was, where it is, how it is known to be there.
pub(super) fn write_list(job: &Job) -> Result<(), Failure> {
    let book = job.media().map_err(job_failure)?;
    let objects: HashMap<String, MediaObject> = book
        .objects()
        .map_err(job_failure)?
        .into_iter()
        .map(|object| (object.name.clone(), object))
        .collect();
    let mut out = csv::Writer::from_writer(job.new_file(LIST).map_err(job_failure)?);
    // People open it in a spreadsheet.
    let shown = |text: &String| cell(text).into_owned();
    let mut named = HashSet::new();
    out.write_record(["path", "kind", "place", "object", "url", "size", "state", "why"])
        .or_fail(Exit::Internal)?;
    for file in book.files().map_err(job_failure)? {
        let object = file.object.as_ref().and_then(|name| objects.get(name));
        named.extend(object.map(|object| object.name.as_str()));
        let row = row(object, file.problem.as_deref(), &file.why);
        out.write_record([&file.key, &file.kind, &file.place].into_iter().chain(&row).map(shown))
            .or_fail(Exit::Internal)?;
    }
    for object in objects.values().filter(|object| !named.contains(object.name.as_str())) {
        let row = row(Some(object), None, "");
        let none = String::new();
        out.write_record([&none, &none, &none].into_iter().chain(&row).map(shown)).or_fail(Exit::Internal)?;
    }
    out.into_inner()
        .map_err(csv::IntoInnerError::into_error)
        .or_fail(Exit::Internal)?
        .keep()
        .or_fail(Exit::Internal)
}

fn row(object: Option<&MediaObject>, problem: Option<&str>, why: &str) -> [String; 5] {
    let Some(object) = object else {
        return [
            String::new(),
            String::new(),
            String::new(),
            problem.unwrap_or_default().to_owned(),
            why.to_owned(),
        ];
    };
    let state = match object.state {
        ObjectState::Planned => "to upload",
        ObjectState::Begun => "begun",
        ObjectState::Refused => "refused",
        ObjectState::Completed => "uploaded",
        ObjectState::Verified => "read back",
    };
    let why = if why.is_empty() { object.why.clone() } else { why.to_owned() };
    [object.name.clone(), object.url.clone(), object.size.to_string(), state.to_owned(), why]
}
