//! What the user typed: plain data, nothing opened, nothing checked against the outside.

use clap::{CommandFactory as _, Parser};

use crate::commands::{Command, Exit, Failure};
use crate::config::Common;

/// Moves an exported chat history into an OpenIM server: every message once, in order, with its original
/// time, and proves that it is there.
#[derive(Debug, Parser)]
#[command(name = "openim-import", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

const EXIT_CODES: &str = "Exit codes: 0 done and verified, or nothing to do · 1 internal · 2 usage or \
    configuration · 3 done, with rejects · 4 check found errors, nothing sent · 5 unfinished, the same \
    command goes on · 6 preflight refused · 7 login · 8 verification found a difference";

impl Cli {
    /// Carries out what the user typed.
    pub fn run(&self) -> Result<Exit, Failure> {
        self.command.run(&self.common, Self::command)
    }
}
