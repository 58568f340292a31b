//! `completions SHELL`: made from the same types as the command line itself.

use std::io;

use super::{Exit, Failure, OrFail};

pub(super) fn completions(shell: clap_complete::Shell, mut whole: clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole, "openim-import", &mut script);
    io::Write::write_all(&mut io::stdout(), &script).or_fail(Exit::Internal)?;
    Ok(Exit::Done)
}
