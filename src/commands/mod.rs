//! One file a command, no logic worth testing alone.

pub mod adopt;
mod afterwards;
mod canary;
mod check;
mod clock;
mod completions;
mod context;
pub mod control;
mod exit;
mod hook;
pub mod init;
mod intake;
mod logging;
pub mod mark_read;
pub mod media;
mod night;
pub mod occupied;
mod output;
pub mod preflight;
mod prepare;
pub mod provision;
pub mod purge;
pub mod receipts;
mod rehearsal;
pub mod rehearse;
mod report;
pub mod retry;
mod run;
mod server;
pub mod shard;
pub mod status;
mod stop;
pub mod undo;
pub mod users;
mod verdict;
pub mod verify;
mod whole;

pub use exit::{Exit, Failure, OrFail};

use crate::cli::{Cli, Command};
use context::Context;

/// Carries out what the user typed.
pub fn run(cli: &Cli) -> Result<Exit, Failure> {
    logging::start(cli.common.verbose, cli.common.log.as_deref())?;
    match &cli.command {
        Command::Completions { shell } => completions::completions(*shell),
        Command::Man => completions::man(),
        Command::Init(args) => init::init(args, &cli.common),
        Command::Users(args) => users::users(&Context::new(&cli.common)?, args),
        Command::Rehearse(args) => rehearse::rehearse(args),
        Command::Media(args) => media::command(&Context::new(&cli.common)?, args),
        Command::Provision(args) => provision::command(&Context::new(&cli.common)?, args),
        Command::Check(args) => check::check(&Context::of(&cli.common, args.shard.shard)?, args),
        Command::Verify(args) => verify::verify(&Context::new(&cli.common)?, args),
        Command::Retry(args) => retry::retry(&Context::new(&cli.common)?, args),
        Command::MarkRead(args) => mark_read::mark_read(&Context::new(&cli.common)?, args),
        Command::Undo(args) => undo::undo(&Context::new(&cli.common)?, args),
        Command::Receipts(args) => receipts::receipts(&Context::new(&cli.common)?, args),
        Command::Purge(args) => purge::purge(&Context::new(&cli.common)?, args),
        Command::Status(args) => status::status(&Context::new(&cli.common)?, args),
        Command::Control(args) => control::control(&Context::new(&cli.common)?, args),
        Command::Report(args) => report::report(&Context::new(&cli.common)?, args),
        Command::Adopt(args) => adopt::adopt(&Context::of(&cli.common, args.shard.shard)?, args),
        Command::Run(args) => run::run(&Context::of(&cli.common, args.shard.shard)?, args),
    }
}
