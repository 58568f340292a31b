//! `report`: what a job has done, to show around.

use std::io::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::context::{Context, print_json};
use super::prepare::{job_failure, now};
use super::status::{document, figures, scroll};
use super::{Exit, Failure, OrFail, output, verify};
use crate::after::{AfterError, ReceiptFormat, write_receipts};
use crate::cli::ReportArgs;
use crate::job::{Job, JobReader};
use crate::openim::Reason;
use crate::report::{self, Document, Facts};

/// The object of `--json`: that of every command, and everything that the report says.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a report::Summary,
    report: &'a Facts,
}

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let dir = context.job();
    let reader = Job::observe(&dir).map_err(job_failure)?;
    let mut summary = report::Summary { command: "report", ..figures(&reader)? };
    let (document, facts) = whole(&reader, &summary)?;
    summary.verdict.clone_from(&document.verdict);
    if let Some(path) = &args.html {
        let mut file = output::create(path, args.force)?;
        file.write_all(document.html().as_bytes()).or_fail(Exit::Usage)?;
        context.say(&format!("written to {}", path.display()))?;
    } else if !context.json() {
        context.say(&document.text())?;
    }
    if context.json() {
        print_json(&Told { summary: &summary, report: &facts })?;
    } else if args.html.is_some() {
        context.end(&summary)?;
    }
    Ok(Exit::Done)
}

/// The report of a job, and what it was made of.
pub(super) fn whole(reader: &JobReader, summary: &report::Summary) -> Result<(Document, Facts), Failure> {
    let known = report::Known {
        now: now().0,
        verified: verify::last(reader),
        receipts: digest(reader).ok(),
        reason: &|name| Reason::from_name(name).map_or(("", ""), |reason| (reason.means(), reason.mend())),
    };
    let facts = report::gather(reader, known).map_err(job_failure)?;
    let mut document = document(reader, &reader.dir().display().to_string(), summary)?;
    document.tables = report::tables(&facts, scroll(reader));
    document.signed = true;
    Ok((document, facts))
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
