//! From what was named to a reader and a mapper: format, mapping, who is who.

use std::sync::Arc;

use super::{Exit, Failure, OrFail};
use crate::config::{ImportFile, SourceArgs, SourceTable};
use crate::export::{self, ExportError, Layout, Plain, Reader, Source, compare_all};
use crate::formats::{self, Faced, Format, Rooted, Uploaded};
use crate::job::SourceInfo;
use crate::mapping::occupied::{Diverted, Table};
use crate::mapping::people::{People, Renamed};
use crate::mapping::{self, Mapper, Named, Period, Several, Within};
use crate::message::{Release, SourceNo};
use crate::prepare::Behind;

/// Which sources, and how they are to be read. What was typed wins over the configuration.
#[derive(Debug)]
pub(super) struct Plan {
    /// The exports, each read in its own way; one, where there are no `[[source]]` tables.
    parts: Vec<Part>,
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

/// An export, and how it is read.
#[derive(Debug)]
struct Part {
    /// Files, folders, globs.
    sources: Vec<String>,
    /// The format they have; `None`: the native one, or what the mapping says.
    format: Option<Format>,
    /// The file by which it was recognised.
    by: Option<String>,
    /// As the configuration has it; `name` is empty where it is the only one.
    table: SourceTable,
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
        let tables = if file.source.is_empty() { vec![only(file, args)?] } else { file.source.clone() };
        let typed =
            !args.sources.is_empty() || args.format.is_some() || args.zone.is_some() || args.me.is_some();
        if typed && !file.source.is_empty() {
            let text = "the configuration has [[source]] tables: what is read, and how, stands there, and SOURCE, \
                        --format, --zone and --self can't say it again";
            return Err(Failure::new(Exit::Usage, text));
        }
        let period = Period { since: args.since, until: args.until };
        if period != Period::default() && tables.iter().all(|table| table.paths.is_empty()) {
            let text = "--since and --until decide what is read: name the SOURCE as well; a job goes on without them";
            return Err(Failure::new(Exit::Usage, text));
        }
        let parts = tables.into_iter().map(Part::new).collect::<Result<_, _>>()?;
        let release = file.server.release.unwrap_or_default();
        let table = file.occupied.table.as_deref().map(Table::read).transpose().or_fail(Exit::Usage)?;
        let occupied = Arc::new(table.unwrap_or_default());
        Ok(Self { parts, release, period, file: file.clone(), occupied, uploaded: Arc::default() })
    }

    /// The format of the only export.
    pub(super) fn format(&self) -> Option<Format> {
        self.parts.first().and_then(|part| part.format)
    }

    /// All that is to be read: files, folders, globs.
    pub(super) fn sources(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| part.sources.iter().cloned()).collect()
    }

    /// Opens the sources; their numbers count on from `first`.
    pub(super) fn open(&self, first: SourceNo) -> Result<Intake, Failure> {
        let mut all: Option<Reader> = None;
        let mut mappers = Vec::new();
        for part in &self.parts {
            let from = all.as_ref().map_or(first, Reader::end);
            let (reader, mapper) = self.open_part(part, from).map_err(|failure| part.named(failure))?;
            mappers.push((from, mapper));
            all = Some(match all {
                None => reader,
                Some(before) => before.followed_by(reader).map_err(failure)?,
            });
        }
        let (Some(reader), Some((_, only))) = (all, mappers.last().cloned()) else {
            return Err(failure(ExportError::NoSource));
        };
        let mapper = if mappers.len() == 1 { only } else { Arc::new(Several::new(mappers)) };
        let mapper: Arc<dyn Mapper> = if self.uploaded.is_empty() {
            mapper
        } else {
            Arc::new(Faced::new(mapper, Arc::clone(&self.uploaded)))
        };
        // Above the names: the table speaks of OpenIM's conversations.
        let mapper: Arc<dyn Mapper> = if self.occupied.is_empty() {
            mapper
        } else {
            Arc::new(Diverted::new(mapper, Arc::clone(&self.occupied)))
        };
        Ok(Intake { reader, mapper })
    }

    fn open_part(&self, part: &Part, first: SourceNo) -> Result<(Reader, Arc<dyn Mapper>), Failure> {
        let SourceTable { name, export, mapping, .. } = &part.table;
        let settings = self.format_settings(part);
        let roots = Arc::clone(&settings.roots);
        let (reader, mapper) = if let Some(format) = part.format {
            let preset = formats::open(format, export, settings).or_fail(Exit::Usage)?;
            let reader = Reader::with(export, preset.layout, &part.sources, first)
                .map_err(|error| part.not_called_so(error))?;
            (reader, preset.mapper)
        } else {
            let reader = Reader::open(export, &part.sources, first).map_err(failure)?;
            let head = reader.head().map_err(failure)?;
            let files = formats::files(settings).or_fail(Exit::Usage)?;
            let mapper = mapping::build(mapping, head.as_ref(), files).map_err(|error| {
                let file =
                    self.file.path.as_ref().map_or(String::new(), |path| format!("{}: ", path.display()));
                Failure::new(Exit::Usage, format!("{file}{error}"))
            })?;
            (reader, Arc::from(mapper))
        };
        let media = &self.file.media;
        let mapper: Arc<dyn Mapper> = if media.table.is_some() || media.base_url.is_some() {
            Arc::new(Rooted::new(mapper, roots))
        } else {
            mapper
        };
        // Below the names: of whom only what is left out tells, nobody is told.
        let mapper: Arc<dyn Mapper> = if self.period == Period::default() {
            mapper
        } else {
            Arc::new(Within::new(mapper, self.period))
        };
        let people = People::load(&self.file.users, part.format.is_some_and(|format| !format.keeps_ids()))
            .or_fail(Exit::Usage)?;
        let mapper =
            if people.keeps_all() { mapper } else { Arc::new(Renamed::new(mapper, Arc::new(people))) };
        let mapper: Arc<dyn Mapper> =
            if name.is_empty() { mapper } else { Arc::new(Named::new(mapper, name.clone())) };
        Ok((reader, mapper))
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
                etag: s.etag.clone(),
            })
            .collect();
        let mut layouts: Vec<Arc<dyn Layout>> = Vec::new();
        for part in &self.parts {
            let export = &part.table.export;
            layouts.push(match part.format {
                Some(format) => {
                    formats::open(format, export, self.format_settings(part)).or_fail(Exit::Usage)?.layout
                }
                None => Arc::new(Plain::new(export).map_err(failure)?),
            });
        }
        let parts: Vec<(&[String], &dyn Layout)> =
            self.parts.iter().zip(&layouts).map(|(part, layout)| (&*part.sources, &**layout)).collect();
        let changes = compare_all(&stored, &parts).map_err(failure)?;
        Ok(changes.iter().map(ToString::to_string).collect())
    }

    /// What shapes the messages besides the sources: kept in the job, and compared when it is used again.
    pub(super) fn settings(&self) -> String {
        let ImportFile { users, time, media, policy, .. } = &self.file;
        let period = &self.period;
        let times = (time.equal, time.older);
        // What the files say that the settings name counts as well.
        let tables = [users.file.as_deref(), media.table.as_deref()].map(|path| path.and_then(fingerprint));
        let default = SourceTable::default();
        let only =
            if self.file.source.is_empty() { self.parts.first().map(|part| &part.table) } else { None };
        let SourceTable { export, mapping, format, .. } = only.unwrap_or(&default);
        let mut settings = format!(
            "{tables:x?} {export:?} {mapping:?} {users:?} {times:?} {format:?} {media:?} {policy:?} {period:?}"
        );
        for Part { table: SourceTable { name, export, mapping, format, .. }, .. } in
            self.parts.iter().filter(|part| !part.table.name.is_empty())
        {
            settings = format!("{settings} {name}: {export:?} {mapping:?} {format:?}");
        }
        if self.file.files_overlap == Some(false) {
            settings.push_str(" files apart");
        }
        if let Some(table) = &self.file.occupied.table {
            settings = format!("{settings} occupied:{:x?}", fingerprint(table));
        }
        if self.uploaded.is_empty() {
            settings
        } else {
            format!("{settings}{UPLOADED}{:x}", self.uploaded.fingerprint())
        }
    }

    fn format_settings(&self, part: &Part) -> formats::Settings {
        let ImportFile { media, policy, .. } = &self.file;
        formats::Settings {
            about: part.table.format.clone(),
            media: media.clone(),
            roots: Arc::default(),
            uploaded: Arc::clone(&self.uploaded),
            policy: *policy,
            release: self.release,
        }
    }
}

/// The only export: as it was typed, or as the configuration says.
fn only(file: &ImportFile, args: &SourceArgs) -> Result<SourceTable, Failure> {
    let paths = if args.sources.is_empty() { &file.sources } else { &args.sources };
    let mut table = SourceTable {
        name: String::new(),
        paths: paths.clone(),
        export: file.export.clone(),
        mapping: file.mapping.clone(),
        format: file.format.clone(),
    };
    if args.zone.is_some() {
        table.format.zone.clone_from(&args.zone);
    }
    if args.me.is_some() {
        table.format.me.clone_from(&args.me);
    }
    if let Some(name) = args.format.as_deref() {
        (table.format.name, table.export.format) = match name {
            "auto" => (None, export::Format::Auto),
            "jsonl" => (None, export::Format::Jsonl),
            "csv" => (None, export::Format::Csv),
            "json" => (None, export::Format::Json),
            known => (Some(Format::by_name(known).or_fail(Exit::Usage)?), table.export.format),
        };
    }
    Ok(table)
}

impl Part {
    fn new(mut table: SourceTable) -> Result<Self, Failure> {
        // Whatever the format, one zone is enough.
        if table.mapping.zone.is_none() {
            table.mapping.zone.clone_from(&table.format.zone);
        }
        let described = table.mapping.jq.is_some()
            || !table.mapping.fields.is_empty()
            || table.export.format != export::Format::Auto
            || !table.export.records.is_empty();
        let sources = table.paths.clone();
        let (format, by) = match table.format.name {
            Some(format) => (Some(format), None),
            None if described || sources.is_empty() => (None, None),
            None => formats::recognise(&sources).map_err(failure)?.unzip(),
        };
        Ok(Self { sources, format, by, table })
    }

    /// Where files are recognised and not called as those of the format, who gave it that name says so.
    fn not_called_so(&self, error: ExportError) -> Failure {
        match (error, self.format, &self.by) {
            (ExportError::NoExports { path, endings, .. }, Some(format), Some(by)) => {
                let text = format!(
                    "`{by}` looks like {}, but nothing in `{path}` is called as its files are: {endings}; name the file \
                     itself, or insist on another format with --format",
                    format.title()
                );
                Failure::new(Exit::Usage, text)
            }
            (ExportError::NoExports { path, seen, endings }, Some(format), None) => {
                let text = format!(
                    "nothing in `{path}` is called as files of {} are ({seen}), which end in {endings}; the format is that \
                     of --format or `name` in [format]: name the files themselves, or another format",
                    format.title()
                );
                Failure::new(Exit::Usage, text)
            }
            (error, ..) => failure(error),
        }
    }

    /// Says of which export a failure is.
    fn named(&self, failure: Failure) -> Failure {
        let Failure { exit, error } = failure;
        let name = &self.table.name;
        if name.is_empty() {
            return Failure { exit, error };
        }
        Failure { exit, error: anyhow::anyhow!("[[source]] `{name}`: {error:#}") }
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
