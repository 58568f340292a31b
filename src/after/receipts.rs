//! Receipts for people: which message of the source became which message of the server.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::visit::AfterError;
use crate::job::{Conversation, Job, JobError, JobReader};
use crate::message::{Ordinal, SourceId};
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
struct Line {
    /// The source's own id; empty if it has none.
    id: String,
    /// Where in the sources, `posts.csv:17`.
    place: String,
    #[serde(rename = "conversationID")]
    conversation: String,
    seq: i64,
    #[serde(rename = "serverMsgID")]
    server: String,
    #[serde(rename = "clientMsgID")]
    client: String,
    #[serde(rename = "sendTime")]
    time: i64,
}

/// Receipts of a job whose texts were removed: source ids stood in the texts.
const KEPT: &str = "receipts.jsonl.zst";

/// Writes the receipts of all confirmed messages; gives how many. Messages that are superseded, or that `undo` has
/// deleted, are left out.
pub fn write_receipts(reader: &JobReader, format: ReceiptFormat, to: impl Write) -> Result<u64, AfterError> {
    let mut out = match format {
        ReceiptFormat::Csv => Out::Csv(Box::new(csv::Writer::from_writer(to))),
        ReceiptFormat::Jsonl => Out::Jsonl(io::BufWriter::new(to)),
    };
    let mut count = 0;
    let mut each = |line: &Line| {
        count += 1;
        out.line(line).map_err(AfterError::Io)
    };
    if reader.is_purged()? {
        kept(reader.dir(), &mut each)?;
    } else {
        all(reader, &mut each)?;
    }
    out.finish()?;
    Ok(count)
}

enum Out<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(io::BufWriter<W>),
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        match self {
            Self::Csv(rows) => {
                // Ids and names of files are the export's, and this is for people: programs take the other format.
                let shown = Line {
                    id: cell(&line.id).into_owned(),
                    place: cell(&line.place).into_owned(),
                    ..line.clone()
                };
                rows.serialize(shown).map_err(of_the_system)
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

fn all(reader: &JobReader, each: &mut dyn FnMut(&Line) -> Result<(), AfterError>) -> Result<(), AfterError> {
    const PAGE: usize = 256;
    let mut after = None;
    loop {
        let page = reader.conversations(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.no);
        for conversation in &page {
            of_conversation(reader, conversation, each)?;
        }
    }
}

fn of_conversation(
    reader: &JobReader,
    conversation: &Conversation,
    each: &mut dyn FnMut(&Line) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    const PAGE: usize = 512;
    let name = conversation.id().0;
    let superseded = reader.superseded(conversation.no)?;
    let undone = reader.undone(conversation.no)?;
    let failed = if undone.is_some() { reader.not_undone(conversation.no)? } else { Vec::new() };
    // What was deleted is on the server no more; what could not be deleted is.
    let is_gone = |ordinal: Ordinal| {
        undone.is_some_and(|undone| ordinal < undone.next) && failed.binary_search(&ordinal).is_err()
    };
    let mut from = Ordinal(0);
    loop {
        let receipts = reader.receipts(conversation.no, from, PAGE)?;
        let (Some(first), Some(last)) = (receipts.first(), receipts.last()) else { return Ok(()) };
        from = Ordinal(last.ordinal.0 + 1);
        let many = usize::try_from(from.0 - first.ordinal.0).unwrap_or(PAGE);
        let mut entries = reader.entries(conversation.no, first.ordinal, many)?.into_iter();
        for receipt in &receipts {
            let Some(entry) = entries.find(|entry| entry.ordinal == receipt.ordinal) else { continue };
            if superseded.binary_search(&receipt.ordinal).is_ok() || is_gone(receipt.ordinal) {
                continue;
            }
            let message = reader.message(&entry)?;
            let (server, client) = receipt
                .ids
                .as_ref()
                .map_or_else(Default::default, |ids| (ids.server.to_string(), ids.client.to_string()));
            each(&Line {
                id: message.source_id.map(|SourceId(id)| id).unwrap_or_default(),
                place: reader.name_of(message.place)?,
                conversation: name.clone(),
                seq: receipt.seq.0,
                server,
                client,
                time: message.send_time.0,
            })?;
        }
    }
}

fn kept(dir: &Path, each: &mut dyn FnMut(&Line) -> Result<(), AfterError>) -> Result<(), AfterError> {
    let path = dir.join(KEPT);
    let unreadable = |what: String| JobError::Damaged { path: path.clone(), what };
    let file: Box<dyn Read> = Box::new(fs_err::File::open(&path)?);
    for line in BufReader::new(zstd::Decoder::new(file)?).lines() {
        let line = line.map_err(|error| unreadable(error.to_string()))?;
        each(&serde_json::from_str(&line).map_err(|error| unreadable(error.to_string()))?)?;
    }
    Ok(())
}
