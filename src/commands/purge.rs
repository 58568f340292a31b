//! `purge`: the texts go, verdict and receipts stay.

use clap::Args;
use serde::Serialize;

use super::context::{Context, print};
use super::prepare::{job_failure, now};
use super::{Exit, Failure, afterwards};
use crate::after;
use crate::job::Job;
use crate::report::plural;

/// `purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Outcome {
    command: &'static str,
    verdict: String,
    bytes: u64,
    exit_code: u8,
}

/// The command.
pub(super) fn purge(context: &Context, args: &PurgeArgs) -> Result<Exit, Failure> {
    let dir = context.job();
    let mut job = Job::open(&dir).map_err(job_failure)?;
    let reader = job.reader().map_err(job_failure)?;
    let overtaken = reader.overtaken_in_all(&|_| true).map_err(job_failure)?.messages;
    let left = reader.queue().map_err(job_failure)?.messages() + overtaken;
    if left > 0 {
        let text = format!(
            "the job in `{}` is not finished: {} not sent yet, and without the texts nothing can be; `run` goes on",
            dir.display(),
            plural(left, "message is", "messages are")
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    let standing = reader.standing().map_err(job_failure)?;
    let refused = match standing.rejected {
        0 => String::new(),
        n => format!(
            " Of {} that the server refused they go too: `retry` can't send anything any more.",
            plural(n, "message", "messages")
        ),
    };
    let question = format!(
        "This removes the texts of all messages from the job in `{}`: `verify` and `run --add` need them. The names of files that messages show go too; their addresses stay, as \
         nothing else could find them in the storage.{refused}",
        dir.display()
    );
    let (exit, verdict, bytes) = if afterwards::is_confirmed(&dir, args.yes, &question)? {
        let bytes = after::purge(&mut job, now().0).map_err(afterwards::failure)?;
        let what = "the texts are gone; verdict and receipts stay";
        (Exit::Done, format!("{} removed: {what}.", plural(bytes, "byte", "bytes")), bytes)
    } else {
        (Exit::Usage, "That was not its name: nothing was removed.".to_owned(), 0)
    };
    if context.json() {
        let outcome = Outcome { command: "purge", verdict, bytes, exit_code: exit.code() };
        return context.print_json(&outcome).map(|()| exit);
    }
    print(&verdict).map(|()| exit)
}
