//! Receipts for people: which message of the source became which message of the server.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::visit::AfterError;
use crate::job::{ConvNo, Job, JobError, JobReader, Met, Undone, Which};
use crate::message::{Ordinal, SourceId, SourceNo};
use crate::visible::cell;

/// How receipts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReceiptFormat {
    /// A header and rows.
    Csv,
    /// One object a line.
    Jsonl,
}

/// A receipt as it is written; the names are a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line<'a> {
    /// The source's own id; empty if it has none.
    id: Cow<'a, str>,
    /// Where in the sources, `posts.csv:17`.
    place: Cow<'a, str>,
    #[serde(rename = "conversationID")]
    conversation: Cow<'a, str>,
    seq: i64,
    #[serde(rename = "serverMsgID")]
    server: Cow<'a, str>,
    #[serde(rename = "clientMsgID")]
    client: Cow<'a, str>,
    #[serde(rename = "sendTime")]
    time: i64,
}

/// Receipts of a job whose texts were removed: source ids stood in the texts.
const KEPT: &str = "receipts.jsonl.zst";

/// Writes the receipts of all confirmed messages; gives how many. Messages that are superseded, or that `undo` has
/// deleted, are left out.
pub fn write_receipts(reader: &JobReader, format: ReceiptFormat, to: impl Write) -> Result<u64, AfterError> {
    let mut receipts = ReceiptWriter::new(reader, format, to);
    if reader.is_purged()? {
        receipts.kept(reader.dir())?;
    } else {
        reader.walk(Which::Confirmed, |met| receipts.add(met))?;
    }
    receipts.end()
}

/// Writes receipts, to be shown every confirmed message of a [walk](JobReader::walk).
pub struct ReceiptWriter<'r, W: Write> {
    reader: &'r JobReader,
    out: Out<W>,
    count: u64,
    /// The conversation that the walk is in.
    current: Option<Current>,
    names: Names,
}

/// Names of sources, as far as they were needed lately.
#[derive(Default)]
struct Names(HashMap<SourceNo, String>);

struct Current {
    conv: ConvNo,
    name: String,
    undone: Option<Undone>,
    /// What could not be deleted.
    failed: Vec<Ordinal>,
}

/// So many names of sources are kept: an export can have a million files.
const NAMES: usize = 1_024;

impl<'r, W: Write> ReceiptWriter<'r, W> {
    /// Nothing is written yet but the header.
    pub fn new(reader: &'r JobReader, format: ReceiptFormat, to: W) -> Self {
        let out = match format {
            ReceiptFormat::Csv => Out::Csv(Box::new(csv::Writer::from_writer(to))),
            ReceiptFormat::Jsonl => Out::Jsonl(io::BufWriter::new(to)),
        };
        Self { reader, out, count: 0, current: None, names: Names::default() }
    }

    /// One message more.
    pub fn add(&mut self, met: &Met<'_>) -> Result<(), AfterError> {
        let Some(receipt) = met.receipt else { return Ok(()) };
        let Some(message) = &met.message else { return Ok(()) };
        self.enter(met)?;
        let Some(current) = self.current.as_ref().filter(|current| !current.is_gone(receipt.ordinal)) else {
            return Ok(());
        };
        let place = message.place;
        let name = self.names.of(self.reader, place.source)?;
        let (server, client) = receipt
            .ids
            .as_ref()
            .map_or_else(Default::default, |ids| (ids.server.to_string(), ids.client.to_string()));
        self.count += 1;
        self.out
            .line(&Line {
                id: message.source_id.as_ref().map_or_else(Cow::default, |SourceId(id)| id.into()),
                place: format!("{name}:{}", place.line).into(),
                conversation: (&current.name).into(),
                seq: receipt.seq.0,
                server: server.into(),
                client: client.into(),
                time: message.send_time.0,
            })
            .map_err(AfterError::Io)
    }

    /// That was all; gives how many there were.
    pub fn end(self) -> Result<u64, AfterError> {
        self.out.finish()?;
        Ok(self.count)
    }

    /// All of a job whose texts were removed.
    fn kept(&mut self, dir: &Path) -> Result<(), AfterError> {
        let path = dir.join(KEPT);
        let unreadable = |what: String| JobError::Damaged { path: path.clone(), what };
        let file: Box<dyn Read> = Box::new(fs_err::File::open(&path)?);
        for line in BufReader::new(zstd::Decoder::new(file)?).lines() {
            let line = line.map_err(|error| unreadable(error.to_string()))?;
            let line: Line<'_> =
                serde_json::from_str(&line).map_err(|error| unreadable(error.to_string()))?;
            self.count += 1;
            self.out.line(&line)?;
        }
        Ok(())
    }

    fn enter(&mut self, met: &Met<'_>) -> Result<(), JobError> {
        if self.current.as_ref().is_none_or(|current| current.conv != met.conv) {
            let undone = self.reader.undone(met.conv)?;
            let failed = if undone.is_some() { self.reader.not_undone(met.conv)? } else { Vec::new() };
            let name = met.peers.conversation().0;
            self.current = Some(Current { conv: met.conv, name, undone, failed });
        }
        Ok(())
    }
}

impl Names {
    fn of(&mut self, reader: &JobReader, source: SourceNo) -> Result<&str, JobError> {
        if self.0.len() >= NAMES && !self.0.contains_key(&source) {
            self.0.clear();
        }
        Ok(match self.0.entry(source) {
            Entry::Occupied(name) => name.into_mut(),
            Entry::Vacant(free) => free.insert(reader.source_name(source)?),
        })
    }
}

impl Current {
    /// What was deleted is on the server no more; what could not be deleted is.
    fn is_gone(&self, ordinal: Ordinal) -> bool {
        self.undone.is_some_and(|undone| ordinal < undone.next)
            && self.failed.binary_search(&ordinal).is_err()
    }
}

enum Out<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(io::BufWriter<W>),
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        match self {
            Self::Csv(rows) => {
                // Ids and names of files are the export's, and this is for people: programs take the other format.
                let (id, place) = (cell(&line.id), cell(&line.place));
                rows.serialize(Line { id, place, ..line.clone() }).map_err(of_the_system)
            }
            Self::Jsonl(to) => {
                serde_json::to_writer(&mut *to, line)?;
                to.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut rows) => rows.flush(),
            Self::Jsonl(mut to) => to.flush(),
        }
    }
}

/// The error of the system, which csv hides from whoever asks an error for its source.
pub fn of_the_system(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Removes the texts of a job, and keeps the receipts in a file of their own. Gives how many bytes of texts
/// that were. Whether the job is finished is for the caller to say.
pub fn purge(job: &mut Job, now: i64) -> Result<u64, AfterError> {
    let reader = job.reader()?;
    if !reader.is_purged()? {
        let mut to = job.new_file(KEPT)?;
        let mut packed = zstd::Encoder::new(to.by_ref(), 3)?;
        write_receipts(&reader, ReceiptFormat::Jsonl, &mut packed)?;
        packed.finish()?;
        to.keep()?;
    }
    Ok(job.purge(now)?)
}
