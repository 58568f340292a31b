//! `report`: what a job has done, to show around.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::prepare::{job_failure, now};
use super::status::{document, figures, head, scroll};
use super::{Exit, Failure, OrFail, output, verify, whole as shards};
use crate::after::{AfterError, ReceiptFormat, write_receipts};
use crate::config::JobsArgs;
use crate::job::JobReader;
use crate::openim::Reason;
use crate::report::{self, Document, Facts};

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Whose.
    #[command(flatten)]
    pub jobs: JobsArgs,
    /// Write HTML to this file instead of text to standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long, requires = "html")]
    pub force: bool,
}

/// The object of `--json`: that of every command, and everything that the report says.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a report::Summary,
    /// Of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Facts>,
    /// Of each shard of an export.
    #[serde(skip_serializing_if = "<[Facts]>::is_empty")]
    shards: &'a [Facts],
}

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let readers = shards::observe(context, &args.jobs)?;
    let mut summary = report::Summary { command: "report", ..figures(&readers)? };
    let (document, facts) = match readers.as_slice() {
        [reader] => {
            let (document, facts) = whole(reader, &summary)?;
            (document, vec![facts])
        }
        all => of_shards(all, &summary)?,
    };
    summary.verdict.clone_from(&document.verdict);
    if let Some(path) = &args.html {
        let mut file = output::create(path, args.force)?;
        file.write_all(document.html().as_bytes()).or_fail(Exit::Internal)?;
        context.say(&format!("written to {}", path.display()))?;
    } else if !context.json() {
        context.say(&document.text())?;
    }
    if context.json() {
        let (report, shards) = match facts.as_slice() {
            [facts] => (Some(facts), [].as_slice()),
            all => (None, all),
        };
        context.print_json(&Told { summary: &summary, report, shards })?;
    } else if args.html.is_some() {
        context.end(&summary)?;
    }
    Ok(Exit::Done)
}

/// The report of a job, and what it was made of.
pub(super) fn whole(reader: &JobReader, summary: &report::Summary) -> Result<(Document, Facts), Failure> {
    let facts = gather(reader)?;
    let readers = std::slice::from_ref(reader);
    let tables = report::tables(&facts, scroll(readers));
    Ok((Document { tables, signed: true, ..head(readers, summary)? }, facts))
}

/// The report of all shards of an export, and what is known of each.
fn of_shards(readers: &[JobReader], summary: &report::Summary) -> Result<(Document, Vec<Facts>), Failure> {
    let mut document = document(readers, summary)?;
    document.signed = true;
    Ok((document, readers.iter().map(gather).collect::<Result<_, _>>()?))
}

fn gather(reader: &JobReader) -> Result<Facts, Failure> {
    let known = report::Known {
        now: now().0,
        verified: verify::last(reader),
        receipts: digest(reader).ok(),
        reason: &|name| Reason::from_name(name).map_or(("", ""), |reason| (reason.means(), reason.mend())),
    };
    report::gather(reader, known).map_err(job_failure)
}

/// SHA-256 of what `receipts` writes.
fn digest(reader: &JobReader) -> Result<[u8; 32], AfterError> {
    let mut digest = Hashing(Sha256::new());
    write_receipts(reader, ReceiptFormat::Csv, &mut digest)?;
    Ok(digest.0.finalize().into())
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
