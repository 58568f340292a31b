//! `completions SHELL` and `man`: made from the same types as the command line itself.

use std::io;

use clap::CommandFactory;

use super::{Exit, Failure, OrFail};
use crate::cli::Cli;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "openim-import", &mut script);
    io::Write::write_all(&mut io::stdout(), &script).or_fail(Exit::Internal)?;
    Ok(Exit::Done)
}

pub(super) fn man() -> Result<Exit, Failure> {
    clap_mangen::Man::new(Cli::command()).render(&mut io::stdout()).or_fail(Exit::Internal)?;
    Ok(Exit::Done)
}
