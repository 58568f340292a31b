//! What a kind of export knows about its files. The plain one here; presets bring their own.

use super::csv::Dialect;
use super::cut::{Cutter, Json, Lines, Rows};
use super::path::RecordPath;
use super::settings::{Format, Settings};
use super::sniff::sniff;
use super::{ExportError, Found, Input};

/// What a kind of export knows about its files: which they are, what their paths say, how each is cut.
///
/// A preset is one of these and a `Mapper` of the room `mapping`.
pub trait Layout: Send + Sync {
    /// Whether a file of a folder or archive belongs to the export, by its path in there (with `/`). Files
    /// that the user named are not asked about.
    fn belongs(&self, inside: &str) -> bool;

    /// Why a file that does not belong has no messages, where that is known: one of [`unread`](super::unread)'s reasons.
    fn known_besides(&self, _inside: &str) -> Option<&'static str> {
        None
    }

    /// What files of such an export are called, for the message when there are none: `.json or .json.gz`.
    fn endings(&self) -> String;

    /// Brings what was found into reading order, if by path is not the right one, and takes out what is read
    /// otherwise (a list of users).
    fn arrange(&self, _found: &mut Vec<Found>) -> Result<(), ExportError> {
        Ok(())
    }

    /// What the path of a file tells about its records, put behind `@path`, `@file`, `@stem`, `@folder`.
    fn values(&self, _found: &Found) -> Vec<(String, String)> {
        Vec::new()
    }

    /// How this file is cut. Its beginning can be looked at: [`Input::head`].
    fn cutter(&self, input: &mut Input, found: &Found) -> Result<Box<dyn Cutter>, ExportError>;
}

/// Files in the native format or for a mapping: JSONL, CSV, JSON.
pub struct Plain {
    settings: Settings,
    include: Vec<glob::Pattern>,
    records: Vec<RecordPath>,
}

/// Endings of files that count in a folder or archive, also with `.gz`, `.zst` or `.zstd` behind them.
const ENDINGS: [&str; 6] = ["jsonl", "ndjson", "json", "csv", "tsv", "txt"];

impl Plain {
    /// Reads files as the settings say.
    ///
    /// # Errors
    /// Settings that can't be.
    pub fn new(settings: &Settings) -> Result<Self, ExportError> {
        let bad =
            |key, value: &str, why: String| ExportError::BadSetting { key, value: value.to_owned(), why };
        let include = settings
            .include
            .iter()
            .map(|glob| glob::Pattern::new(glob).map_err(|e| bad("include", glob, e.msg.to_owned())))
            .collect::<Result<_, _>>()?;
        let records = settings
            .records
            .iter()
            .map(|path| RecordPath::parse(path).map_err(|why| bad("records", path, why)))
            .collect::<Result<Vec<_>, _>>()?;
        if records.len() > 32 {
            return Err(bad("records", &records.len().to_string(), "32 paths at most".to_owned()));
        }
        if !records.is_empty() && matches!(settings.format, Format::Jsonl | Format::Csv) {
            let why = "only a document of JSON has records inside: set `format` to \"json\"".to_owned();
            return Err(bad("records", &settings.records.join(", "), why));
        }
        // A comment need be one character in a CSV alone.
        Dialect::new(&Settings { comment: String::new(), ..settings.clone() }, b"")?;
        Ok(Self { settings: settings.clone(), include, records })
    }
}

impl Layout for Plain {
    fn belongs(&self, inside: &str) -> bool {
        // What macOS and others leave in folders and archives is named like its neighbours.
        if inside.split('/').any(|part| part.starts_with('.') || part == "__MACOSX") {
            return false;
        }
        if !self.include.is_empty() {
            return self.include.iter().any(|glob| glob.matches(inside));
        }
        let name = inside.to_ascii_lowercase();
        let name = [".gz", ".zst", ".zstd"].iter().find_map(|e| name.strip_suffix(e)).unwrap_or(&name);
        name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
    }

    fn known_besides(&self, _: &str) -> Option<&'static str> {
        (!self.include.is_empty()).then_some(super::unread::NOT_INCLUDED)
    }

    fn endings(&self) -> String {
        if self.include.is_empty() {
            ".jsonl, .ndjson, .json, .csv, .tsv or .txt, packed as .gz or .zst or not".to_owned()
        } else {
            format!("the names in `include`: {}", self.settings.include.join(", "))
        }
    }

    fn cutter(&self, input: &mut Input, found: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        let max = self.settings.max_record;
        let format = match self.settings.format {
            Format::Auto if !self.records.is_empty() => Format::Json,
            Format::Auto => sniff(&found.inside, input.head()),
            set => set,
        };
        Ok(match format {
            Format::Jsonl | Format::Auto => Box::new(Lines::new(max)),
            Format::Json => Box::new(Json::new(max, self.records.clone())),
            Format::Csv => {
                let dialect = Dialect::new(&self.settings, input.head())?;
                Box::new(Rows::new(max, self.settings.csv.clone(), dialect))
            }
        })
    }
}
