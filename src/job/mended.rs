//! `rejected.jsonl`, read back: lines that somebody mended go out again.
//!
//! A line is known by the place in the sources that its message came from, whatever else was changed in it.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::error::{InJob, JobError};
use super::lines::REJECTED;
use super::{ConvNo, Job, JobReader, Rejected};
use crate::message::Ordinal;

/// A line of `rejected.jsonl`.
#[derive(Debug, Deserialize)]
pub struct RejectedLine {
    /// Its number in the file, from 1.
    #[serde(skip)]
    pub no: u64,
    /// The source that it came from.
    #[serde(default)]
    pub source: String,
    /// Its line there.
    #[serde(default)]
    pub line: u64,
    /// Its byte there.
    #[serde(default)]
    pub byte: u64,
    /// Which message of the record.
    #[serde(default)]
    pub part: u16,
    /// The source's own id.
    #[serde(default)]
    pub id: Option<String>,
    /// The `send_msg` body; none where no message could be made of the record, and nobody wrote one since.
    #[serde(default)]
    pub message: Option<Box<RawValue>>,
}

/// The lines of the file, one at a time.
#[derive(Debug)]
pub struct RejectedLines {
    path: PathBuf,
    from: Option<BufReader<std::fs::File>>,
    no: u64,
}

impl Iterator for RejectedLines {
    type Item = Result<RejectedLine, JobError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = String::new();
            match self.from.as_mut()?.read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    "not UTF-8".clone_into(&mut text);
                }
                Err(error) => return Some(Err(error).in_job(&self.path)),
            }
            self.no += 1;
            if text.trim().is_empty() {
                continue;
            }
            // Some editors put a mark at the beginning.
            let line = serde_json::from_str::<RejectedLine>(text.trim_start_matches('\u{feff}'));
            return Some(match line {
                Ok(line) => Ok(RejectedLine { no: self.no, ..line }),
                Err(error) => Err(JobError::Line {
                    path: self.path.clone(),
                    line: self.no,
                    what: format!("this is no JSON object of a rejected message ({error}); nothing was sent"),
                }),
            });
        }
    }
}

/// Which message of the job a line is about.
#[derive(Debug, Default)]
pub struct RejectedPlaces(HashMap<u64, Rejected>);

impl RejectedPlaces {
    /// The message that the server refused; `None` for lines about what was found while preparing.
    pub fn of(&self, line: &RejectedLine) -> Option<&Rejected> {
        self.0.get(&key(&line.source, line.line, line.part))
    }

    /// How many messages the server refused.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it refused none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(source: &str, line: u64, part: u16) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(source.as_bytes());
    hash.update(&[0xff]);
    hash.update(&line.to_le_bytes());
    hash.update(&part.to_le_bytes());
    hash.digest()
}

impl JobReader {
    /// The lines of `rejected.jsonl`; none where it isn't there.
    pub fn rejected_lines(&self) -> Result<RejectedLines, JobError> {
        let path = self.dir().join(REJECTED);
        let from = match OpenOptions::new().read(true).open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).in_job(self.dir()),
        };
        Ok(RejectedLines { path, from, no: 0 })
    }

    /// All messages that the server refused, by their places in the sources.
    pub fn rejected_places(&self) -> Result<RejectedPlaces, JobError> {
        const PAGE: usize = 500;
        let mut places = RejectedPlaces::default();
        let mut after: Option<(ConvNo, Ordinal)> = None;
        loop {
            let page = self.rejects(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(places) };
            after = Some((last.conv, last.ordinal));
            for reject in page {
                let entry = self.entries(reject.conv, reject.ordinal, 1)?.pop();
                let Some(entry) = entry.filter(|entry| entry.ordinal == reject.ordinal) else { continue };
                let place = self.message(&entry)?.place;
                let name = self.name_of(place)?;
                let source = name.rsplit_once(':').map_or(name.as_str(), |(source, _)| source);
                places.0.insert(key(source, place.line, place.part), reject);
            }
        }
    }
}

impl Job {
    /// Takes lines out of `rejected.jsonl`: those that `is_taken` says of their numbers. What came behind the
    /// `known` first lines stays.
    pub fn take_rejected_lines(
        &mut self,
        known: u64,
        is_taken: &dyn Fn(u64) -> bool,
    ) -> Result<(), JobError> {
        let path = self.dir.join(REJECTED);
        let file = match OpenOptions::new().read(true).open(&path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).in_job(&self.dir),
        };
        let mut to = BufWriter::new(self.new_file(REJECTED)?);
        for (no, line) in (1..).zip(file.split(b'\n')) {
            let line = line.in_job(&self.dir)?;
            if no > known || !is_taken(no) {
                to.write_all(&line).and_then(|()| to.write_all(b"\n")).in_job(&self.dir)?;
            }
        }
        let to = to.into_inner().map_err(std::io::IntoInnerError::into_error).in_job(&self.dir)?;
        to.keep().in_job(&self.dir)
    }
}
