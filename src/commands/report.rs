//! `report`: the verdict of a job, to show around.

use std::io::Write;

use super::context::Context;
use super::prepare::job_failure;
use super::status::{document, figures};
use super::{Exit, Failure, OrFail, output};
use crate::cli::ReportArgs;
use crate::job::Job;
use crate::report;

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let dir = context.job();
    let reader = Job::observe(&dir).map_err(job_failure)?;
    let mut summary = report::Summary { command: "report", ..figures(&reader)? };
    let document = document(&reader, &dir.display().to_string(), &summary)?;
    summary.verdict.clone_from(&document.verdict);
    if let Some(path) = &args.html {
        let mut file = output::create(path, args.force)?;
        file.write_all(document.html().as_bytes()).or_fail(Exit::Usage)?;
        context.say(&format!("written to {}", path.display()))?;
        return context.end(&summary).map(|()| Exit::Done);
    }
    context.finish(&document.text(), &summary)?;
    Ok(Exit::Done)
}
