//! From what was named to a reader and a mapper: format, mapping, who is who.

use std::sync::Arc;

use super::context::Context;
use super::{Exit, Failure, OrFail};
use crate::config::ImportFile;
use crate::export::{ExportError, Plain, Reader, Source, compare};
use crate::job::SourceInfo;
use crate::mapping::people::{People, Renamed};
use crate::mapping::{self, Mapper};
use crate::message::SourceNo;

/// What reads the sources and what makes messages of them.
pub(super) struct Intake {
    /// The sources, opened.
    pub(super) reader: Reader,
    /// Fits how they begin.
    pub(super) mapper: Box<dyn Mapper>,
}

/// Opens the sources; their numbers count on from `first`.
pub(super) fn open(file: &ImportFile, sources: &[String], first: SourceNo) -> Result<Intake, Failure> {
    let reader = Reader::open(&file.export, sources, first).map_err(failure)?;
    let head = reader.head().map_err(failure)?;
    let mapper = mapping::build(&file.mapping, head.as_ref()).or_fail(Exit::Usage)?;
    let people = People::load(&file.users, false).or_fail(Exit::Usage)?;
    let mapper = if people.keeps_all() { mapper } else { Box::new(Renamed::new(mapper, Arc::new(people))) };
    Ok(Intake { reader, mapper })
}

/// How the sources differ from those a job was made of; a line each.
pub(super) fn differences(
    context: &Context,
    sources: &[String],
    stored: &[SourceInfo],
) -> Result<Vec<String>, Failure> {
    let stored: Vec<Source> = stored
        .iter()
        .map(|s| Source {
            no: s.no,
            path: s.path.clone(),
            bytes: s.bytes,
            modified: s.modified,
            sha256: s.sha256,
        })
        .collect();
    let layout = Plain::new(&context.file.export).map_err(failure)?;
    let changes = compare(&stored, sources, &layout).map_err(failure)?;
    Ok(changes.iter().map(ToString::to_string).collect())
}

/// What shapes the messages besides the sources: kept in the job, and compared when it is used again.
pub(super) fn settings(context: &Context) -> String {
    let file = &context.file;
    format!("{:?} {:?} {:?} {:?}", file.export, file.mapping, file.users, file.time)
}

/// Sources that can't be read are the user's to mend, not ours.
pub(super) fn failure(error: ExportError) -> Failure {
    Failure { exit: Exit::Usage, error: error.into() }
}
