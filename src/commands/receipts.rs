//! `receipts`: which message of the export became which message of the server.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::context::{Context, note};
use super::prepare::job_failure;
use super::{Exit, Failure, afterwards, output};
use crate::after::{AfterError, ReceiptFormat, write_receipts};
use crate::job::{Job, JobReader};
use crate::report::{plural, terminal};

/// `receipts`.
#[derive(Debug, Args)]
pub struct ReceiptsArgs {
    /// How to write them: id, place, conversationID, seq, serverMsgID, clientMsgID, sendTime
    #[arg(long, value_enum, default_value_t = ReceiptFormat::Csv)]
    pub format: ReceiptFormat,
    /// Write to this file instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long)]
    pub force: bool,
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Outcome {
    command: &'static str,
    verdict: String,
    receipts: u64,
    exit_code: u8,
}

/// The command. It only reads, also while the job runs.
pub(super) fn receipts(context: &Context, args: &ReceiptsArgs) -> Result<Exit, Failure> {
    if context.json() && args.output.is_none() {
        let text =
            "the receipts and the object of --json would both be on standard output: name a file with -o";
        return Err(Failure::new(Exit::Usage, text));
    }
    let reader = Job::observe(&context.job()).map_err(job_failure)?;
    let Some(path) = &args.output else {
        return write(&reader, args.format, terminal::data()).map(|_| Exit::Done);
    };
    let file = output::create(path, args.force)?;
    let receipts = write(&reader, args.format, file)?;
    let verdict = format!("{} in {}.", plural(receipts, "receipt is", "receipts are"), path.display());
    if context.json() {
        let outcome = Outcome { command: "receipts", verdict, receipts, exit_code: Exit::Done.code() };
        context.print_json(&outcome)?;
    } else {
        note(&verdict)?;
    }
    Ok(Exit::Done)
}

fn write(reader: &JobReader, format: ReceiptFormat, to: impl Write) -> Result<u64, Failure> {
    write_receipts(reader, format, to).map_err(|error| match error {
        // As an error of the system, so that a reader who has seen enough is noticed as one.
        AfterError::Io(error) => Failure { exit: Exit::Internal, error: error.into() },
        error => afterwards::failure(error),
    })
}
