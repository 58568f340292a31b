//! One file a command, no logic worth testing alone.

pub mod adopt;
mod afterwards;
mod anew;
mod canary;
mod check;
mod clock;
mod completions;
mod context;
pub mod control;
mod exit;
mod fit;
mod hook;
pub mod init;
mod intake;
mod logging;
mod man;
pub mod mark_read;
pub mod media;
mod night;
pub mod occupied;
mod output;
mod overtaken;
pub mod preflight;
mod prepare;
mod probe;
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

use clap::Subcommand;

use crate::config::Common;
use adopt::AdoptArgs;
use check::CheckArgs;
use context::Context;
use control::ControlArgs;
use init::InitArgs;
use man::ManArgs;
use mark_read::MarkReadArgs;
use media::MediaArgs;
use provision::ProvisionArgs;
use purge::PurgeArgs;
use receipts::ReceiptsArgs;
use rehearse::RehearseArgs;
use report::ReportArgs;
use retry::RetryArgs;
use run::RunArgs;
use status::StatusArgs;
use undo::UndoArgs;
use users::UsersArgs;
use verify::VerifyArgs;

/// One command, one file.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at an export, say what it is, and write an import.toml for it
    Init(InitArgs),
    /// Read an export, map and check every message, and say what is wrong and how to mend it; sends nothing
    Check(CheckArgs),
    /// Import an export and prove that it arrived; the same command again resumes
    Run(Box<RunArgs>),
    /// Upload the files that messages show to the server's object storage
    Media(Box<MediaArgs>),
    /// Make the users, groups and members a job needs and the server lacks; friends and block lists afterwards
    Provision(ProvisionArgs),
    /// Rebuild a lost job: find out from the export and the server's log what is already there; sends nothing
    Adopt(Box<AdoptArgs>),
    /// Print who is who: what the export calls users and groups, and what OpenIM will call them
    Users(UsersArgs),
    /// Show how far a job is, also while it runs
    Status(StatusArgs),
    /// Speak to a run under way that was started with --control or --ui: pause, resume, rate, connections, max-lag,
    /// schedule, drain, status
    Control(ControlArgs),
    /// Read everything back, compare it with the job, and name each difference; --repair mends what can be
    Verify(VerifyArgs),
    /// Send the refused messages again, as they stand in rejected.jsonl by now
    Retry(RetryArgs),
    /// Mark what was imported as read, by everybody or as a file says
    MarkRead(MarkReadArgs),
    /// Take an import back: delete exactly what this job imported
    Undo(UndoArgs),
    /// Write which message of the export became which message of the server
    Receipts(ReceiptsArgs),
    /// Remove the texts from a finished job; verdict and receipts stay
    Purge(PurgeArgs),
    /// Write the report of a job as text, JSON (--json) or HTML
    Report(ReportArgs),
    /// Run an OpenIM-compatible server that behaves as the real one does, losses included
    Rehearse(RehearseArgs),
    /// Print completions for a shell
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one of each command
    Man(ManArgs),
}

impl Command {
    /// Carries the command out; `whole` is the whole command line, for completions and the manual.
    pub fn run(&self, common: &Common, whole: fn() -> clap::Command) -> Result<Exit, Failure> {
        logging::start(common.verbose, common.log.as_deref())?;
        match self {
            Self::Completions { shell } => completions::completions(*shell, whole()),
            Self::Man(args) => man::man(args, whole()),
            Self::Init(args) => init::init(args, common),
            Self::Users(args) => users::users(&Context::new(common)?, args),
            Self::Rehearse(args) => rehearse::rehearse(args),
            Self::Media(args) => media::command(&Context::new(common)?, args),
            Self::Provision(args) => provision::command(&Context::new(common)?, args),
            Self::Check(args) => check::check(&Context::of(common, args.shard.shard)?, args),
            Self::Verify(args) => verify::verify(&Context::new(common)?, args),
            Self::Retry(args) => retry::retry(&Context::new(common)?, args),
            Self::MarkRead(args) => mark_read::mark_read(&Context::new(common)?, args),
            Self::Undo(args) => undo::undo(&Context::new(common)?, args),
            Self::Receipts(args) => receipts::receipts(&Context::new(common)?, args),
            Self::Purge(args) => purge::purge(&Context::new(common)?, args),
            Self::Status(args) => status::status(&Context::new(common)?, args),
            Self::Control(args) => control::control(&Context::new(common)?, args),
            Self::Report(args) => report::report(&Context::new(common)?, args),
            Self::Adopt(args) => adopt::adopt(&Context::of(common, args.shard.shard)?, args),
            Self::Run(args) => run::run(&Context::of(common, args.shard.shard)?, args),
        }
    }
}
