//! From what was named to a reader and a mapper: format, mapping, who is who.

use std::sync::Arc;

use super::{Exit, Failure, OrFail};
use crate::config::ImportFile;
use crate::config::SourceArgs;
use crate::export::{self, ExportError, Layout, Plain, Reader, Source, compare};
use crate::formats::{self, Format, Uploaded};
use crate::job::SourceInfo;
use crate::mapping::occupied::{Diverted, Table};
use crate::mapping::people::{People, Renamed};
use crate::mapping::{self, Mapper, Period, Within};
use crate::message::{Release, SourceNo};
use crate::prepare::Behind;

/// Which sources, and how they are to be read. What was typed wins over the configuration.
#[derive(Debug)]
pub(super) struct Plan {
    /// Files, folders, globs.
    pub(super) sources: Vec<String>,
    /// The format they have; `None`: the native one, or what the mapping says.
    pub(super) format: Option<Format>,
    /// What the server takes whose messages these become.
    pub(super) release: Release,
    /// The part of the history that is taken.
    period: Period,
    file: ImportFile,
    /// What becomes of conversations in which people have written already.
    occupied: Arc<Table>,
    /// What became of the files that messages show.
    pub(super) uploaded: Arc<Uploaded>,
}

/// What reads the sources and what makes messages of them.
pub(super) struct Intake {
    /// The sources, opened.
    pub(super) reader: Reader,
    /// Fits how they begin.
    pub(super) mapper: Arc<dyn Mapper>,
}

impl Plan {
    /// Decides on the format: the one that was named; none where the configuration describes the records;
    /// else what the sources look like.
    pub(super) fn new(file: &ImportFile, args: &SourceArgs) -> Result<Self, Failure> {
        if !file.to_do.is_empty() {
            let text = format!(
                "the configuration has things to decide: {}. Decide, and take the line out of `to_do`",
                file.to_do.join("; ")
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        let mut file = file.clone();
        let sources = if args.sources.is_empty() { file.sources.clone() } else { args.sources.clone() };
        if args.zone.is_some() {
            file.format.zone.clone_from(&args.zone);
        }
        if args.me.is_some() {
            file.format.me.clone_from(&args.me);
        }
        // Whatever the format, one zone is enough.
        if file.mapping.zone.is_none() {
            file.mapping.zone.clone_from(&file.format.zone);
        }
        let period = Period { since: args.since, until: args.until };
        if period != Period::default() && sources.is_empty() {
            let text = "--since and --until decide what is read: name the SOURCE as well; a job goes on without them";
            return Err(Failure::new(Exit::Usage, text));
        }
        if let Some(name) = args.format.as_deref() {
            (file.format.name, file.export.format) = match name {
                "auto" => (None, export::Format::Auto),
                "jsonl" => (None, export::Format::Jsonl),
                "csv" => (None, export::Format::Csv),
                "json" => (None, export::Format::Json),
                known => (Some(Format::by_name(known).or_fail(Exit::Usage)?), file.export.format),
            };
        }
        let described = file.mapping.jq.is_some()
            || !file.mapping.fields.is_empty()
            || file.export.format != export::Format::Auto
            || !file.export.records.is_empty();
        let format = match file.format.name {
            Some(format) => Some(format),
            None if described || sources.is_empty() => None,
            None => formats::recognise(&sources).map_err(failure)?.map(|(format, _)| format),
        };
        let release = file.server.release.unwrap_or_default();
        let table = file.occupied.table.as_deref().map(Table::read).transpose().or_fail(Exit::Usage)?;
        let occupied = Arc::new(table.unwrap_or_default());
        Ok(Self { sources, format, release, period, file, occupied, uploaded: Arc::default() })
    }

    /// Opens the sources; their numbers count on from `first`.
    pub(super) fn open(&self, first: SourceNo) -> Result<Intake, Failure> {
        let file = &self.file;
        let (reader, mapper) = if let Some(format) = self.format {
            let preset = formats::open(format, &file.export, self.format_settings()).or_fail(Exit::Usage)?;
            let reader = Reader::with(&file.export, preset.layout, &self.sources, first).map_err(failure)?;
            (reader, preset.mapper)
        } else {
            let reader = Reader::open(&file.export, &self.sources, first).map_err(failure)?;
            let head = reader.head().map_err(failure)?;
            let mapper = mapping::build(&file.mapping, head.as_ref()).or_fail(Exit::Usage)?;
            (reader, Arc::from(mapper))
        };
        // Below the names: of whom only what is left out tells, nobody is told.
        let mapper: Arc<dyn Mapper> = if self.period == Period::default() {
            mapper
        } else {
            Arc::new(Within::new(mapper, self.period))
        };
        let people = People::load(&file.users, self.format.is_some_and(|format| !format.keeps_ids()))
            .or_fail(Exit::Usage)?;
        let mapper =
            if people.keeps_all() { mapper } else { Arc::new(Renamed::new(mapper, Arc::new(people))) };
        // Above the names: the table speaks of OpenIM's conversations.
        let mapper: Arc<dyn Mapper> = if self.occupied.is_empty() {
            mapper
        } else {
            Arc::new(Diverted::new(mapper, Arc::clone(&self.occupied)))
        };
        Ok(Intake { reader, mapper })
    }

    /// After which time the histories of conversations go that are sent behind what people wrote.
    pub(super) fn behind(&self) -> Behind {
        self.occupied.behind().map(|(conversation, after)| (conversation.clone(), after)).collect()
    }

    /// How the sources differ from those a job was made of; a line each.
    pub(super) fn differences(&self, stored: &[SourceInfo]) -> Result<Vec<String>, Failure> {
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
        let layout: Arc<dyn Layout> = match self.format {
            Some(format) => {
                formats::open(format, &self.file.export, self.format_settings()).or_fail(Exit::Usage)?.layout
            }
            None => Arc::new(Plain::new(&self.file.export).map_err(failure)?),
        };
        let changes = compare(&stored, &self.sources, &*layout).map_err(failure)?;
        Ok(changes.iter().map(ToString::to_string).collect())
    }

    /// What shapes the messages besides the sources: kept in the job, and compared when it is used again.
    pub(super) fn settings(&self) -> String {
        let ImportFile { export, mapping, users, time, format, media, policy, .. } = &self.file;
        let period = &self.period;
        let times = (time.equal, time.older);
        // What the files say that the settings name counts as well.
        let tables = [users.file.as_deref(), media.table.as_deref()].map(|path| path.and_then(fingerprint));
        let mut settings = format!(
            "{tables:x?} {export:?} {mapping:?} {users:?} {times:?} {format:?} {media:?} {policy:?} {period:?}"
        );
        if let Some(table) = &self.file.occupied.table {
            settings = format!("{settings} occupied:{:x?}", fingerprint(table));
        }
        if self.uploaded.is_empty() {
            settings
        } else {
            format!("{settings}{UPLOADED}{:x}", self.uploaded.fingerprint())
        }
    }

    fn format_settings(&self) -> formats::Settings {
        let ImportFile { format, media, policy, .. } = &self.file;
        formats::Settings {
            about: format.clone(),
            media: media.clone(),
            uploaded: Arc::clone(&self.uploaded),
            policy: *policy,
            release: self.release,
        }
    }
}

/// Stands before what the settings say of uploaded files.
const UPLOADED: &str = " uploaded:";

/// The settings without what became of files: a job that has begun goes on with what it had of them.
pub(super) fn without_uploads(settings: &str) -> &str {
    settings.split(UPLOADED).next().unwrap_or(settings)
}

/// Tells one content of a file from another; `None` where it can't be read, which is said where it is used.
fn fingerprint(path: &std::path::Path) -> Option<u64> {
    fs_err::read(path).ok().map(|bytes| xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// Sources that can't be read are the user's to mend, not ours.
pub(super) fn failure(error: ExportError) -> Failure {
    Failure { exit: Exit::Usage, error: error.into() }
}
