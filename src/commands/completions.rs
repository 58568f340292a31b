//! `completions SHELL`: made from the same types as the command line itself.

use super::{Exit, Failure, OrFail};
use crate::report::terminal;

pub(super) fn completions(shell: clap_complete::Shell, mut whole: clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole, "openim-import", &mut script);
    terminal::data().write_all(&script).or_fail(Exit::Internal)?;
    Ok(Exit::Done)
}
