//! One file a command, no logic worth testing alone.

mod completions;
mod exit;
pub mod rehearse;

pub use exit::{Exit, Failure, OrFail};

use crate::cli::{Cli, Command};

/// Carries out what the user typed.
pub fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Completions { shell } => completions::completions(*shell),
        Command::Man => completions::man(),
        Command::Rehearse(args) => rehearse::rehearse(args),
        Command::Check(_) | Command::Run(_) | Command::Status | Command::Report(_) => {
            Err(Failure::new(Exit::Internal, "being built"))
        }
    }
}
