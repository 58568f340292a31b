//! `users`: who is who, as a CSV that can be edited and given back as `file` in `[users]`.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use super::context::{Context, note};
use super::prepare::job_failure;
use super::{Exit, Failure, output};
use crate::after::of_the_system;
use crate::job::{Job, JobError, Who};
use crate::report::{plural, terminal};
use crate::visible::cell;

/// `users`.
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// Write to this file instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long)]
    pub force: bool,
}

/// Writes the table of the job.
pub(super) fn users(context: &Context, args: &UsersArgs) -> Result<Exit, Failure> {
    let reader = Job::observe(&context.job()).map_err(job_failure)?;
    let Some(path) = &args.output else {
        write(&reader, terminal::data())?;
        return Ok(Exit::Done);
    };
    let lines = write(&reader, output::create(path, args.force)?)?;
    note(&format!(
        "wrote {} to {}; edit openim_id, nickname and face_url, and name it as `file` in [users]",
        plural(lines, "line", "lines"),
        path.display()
    ))?;
    Ok(Exit::Done)
}

/// Why the table can't be written: what is read, or where it goes.
enum Trouble {
    Job(JobError),
    Out(csv::Error),
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Job(error) => job_failure(error),
            // As the error of the system, so that a reader who has seen enough is noticed as one.
            Trouble::Out(error) => Self { exit: Exit::Internal, error: of_the_system(error).into() },
        }
    }
}

fn write(reader: &crate::job::JobReader, out: impl Write) -> Result<u64, Failure> {
    let mut out = csv::Writer::from_writer(BufWriter::new(out));
    let columns = ["id", "openim_id", "nickname", "face_url", "email", "kind", "messages"];
    out.write_record(columns).map_err(Trouble::Out)?;
    let mut lines = 0;
    reader.who(|who: Who| {
        let kind = if who.is_group { "group" } else { "user" };
        let messages = who.messages.to_string();
        let line =
            [&who.source_id, &who.openim_id, &who.nickname, &who.face_url, &who.email, kind, &messages];
        lines += 1;
        out.write_record(line.map(|text| cell(text).into_owned())).map_err(Trouble::Out)
    })?;
    out.flush().map_err(|error| Trouble::Out(error.into()))?;
    Ok(lines)
}
