//! `provision --leave-former`: when former members may leave, and when they have to come back.

use std::path::PathBuf;

use clap::Args;

use super::super::prepare::job_failure;
use super::super::{Exit, Failure};
use crate::job::JobReader;
use crate::report::plural;

/// Who is to leave.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Provisioning")]
pub struct FormerArgs {
    /// Former members for --leave-former, where no list of members tells: groupID, formerUserIDs
    #[arg(long, value_name = "FILE", requires = "leave_former")]
    pub former: Option<PathBuf>,
}

/// What the job remembers of it.
pub(super) const LEAVE: &str = "provision --leave-former";

/// Whether they have, and nothing is left to send, or to send again, for which they would have to come back.
pub(super) fn have_left(job: &JobReader) -> Result<bool, Failure> {
    if !job.deeds().map_err(job_failure)?.iter().any(|deed| deed.command == LEAVE) {
        return Ok(false);
    }
    let standing = job.standing().map_err(job_failure)?;
    let is_settled = standing.rejected == 0 && standing.undone == 0;
    Ok(is_settled && job.queue().map_err(job_failure)?.messages() == 0)
}

/// When former members leave.
pub(super) const AFTERWARDS: &str = "--leave-former comes when the history is there, because who has left a group can't be the \
    sender of what he wrote there: first `provision` and `run`, then `provision --leave-former`";

/// Nobody leaves before what he wrote is there.
pub(super) fn all_is_sent(job: &JobReader) -> Result<(), Failure> {
    let left = job.queue().map_err(job_failure)?.messages();
    if left == 0 {
        return Ok(());
    }
    let left = plural(left, "message of the job is", "messages of the job are");
    let text = format!("{left} to be sent yet: {AFTERWARDS}");
    Err(Failure::new(Exit::Usage, text))
}
