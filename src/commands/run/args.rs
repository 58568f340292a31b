//! What `run` is asked.

use clap::builder::UnknownArgumentValueParser;
use clap::{Arg, ArgAction, Args};

use crate::commands::control::EndpointArgs;
use crate::commands::media::HowArgs;
use crate::commands::occupied::HEADING;
use crate::commands::preflight::PreflightArgs;
use crate::commands::provision::FileArgs;
use crate::commands::shard::ShardArgs;
use crate::config::{ClockArgs, OnReject, PaceArgs, ServerArgs, SourceArgs};

/// `run`.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, Args)]
#[command(arg(no_dry_run()))]
pub struct RunArgs {
    /// What to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which part of it.
    #[command(flatten)]
    pub shard: ShardArgs,
    /// Run this command (by `sh -c`) when the run has ended, however it ended; `$OPENIM_IMPORT_VERDICT` and
    /// `$OPENIM_IMPORT_EXIT_CODE` stand in its environment (more: docs/night.md)
    #[arg(long, value_name = "CMD")]
    pub on_end: Option<String>,
    /// Read the sources as the job's next pass: only what is new is sent
    #[arg(long)]
    pub add: bool,
    /// Import into a rehearsal server inside this process: needs no configuration and no server
    #[arg(long)]
    pub rehearse: bool,
    /// Delete copies that the server itself made (law 5)
    #[arg(long)]
    pub repair: bool,
    /// Make the users, groups and members that the server lacks, first
    #[arg(long)]
    pub provision: bool,
    /// Upload the files that messages show, first
    #[arg(long)]
    pub media: bool,
    /// Only this conversation, such as `sg_team` or `si_alice_bob`; can be given several times
    #[arg(long, value_name = "CONVERSATION")]
    pub only: Vec<String>,
    /// First so many conversations, of every kind: they are sent, read back and compared; then it asks whether
    /// to go on. Without a terminal it stops there, and the same command without --canary goes on
    #[arg(long, value_name = "N", conflicts_with = "only")]
    pub canary: Option<std::num::NonZeroUsize>,
    /// Go on after the canary without asking, if nothing differs
    #[arg(long, requires = "canary")]
    pub yes: bool,
    /// A message that the server refuses: skip it, hold its conversation there until `retry`, or hold it where the cause
    /// can be mended, unless --allow has it be refused [default: mendable]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_reject: Option<OnReject>,
    /// Mark each conversation as read by everybody as soon as it is finished
    #[arg(long)]
    pub mark_read: bool,
    /// Send anew what `undo` took back
    #[arg(long)]
    pub again: bool,
    /// Where people have written what is newer than the rest of a history, send that rest behind it, under times after
    /// theirs and with its own in `ex`; `all`, or such as `si_alice_bob`
    #[arg(long, value_name = "CONVERSATION|all", value_delimiter = ',', help_heading = HEADING)]
    pub behind: Vec<String>,
    /// Where to send.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// When.
    #[command(flatten)]
    pub clock: ClockArgs,
    /// Watched and changed from outside.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// How files are had and uploaded.
    #[command(flatten)]
    pub how: HowArgs,
    /// What the preflight may find.
    #[command(flatten)]
    pub preflight: PreflightArgs,
    /// What the export doesn't have.
    #[command(flatten)]
    pub files: FileArgs,
}

/// Is typed by those who know it from elsewhere, and taken by nobody: the dry run is a command of its own.
fn no_dry_run() -> Arg {
    let other = "`openim-import check` reads, maps and checks everything and sends nothing; `run --rehearse` imports \
                 into a rehearsal server";
    Arg::new("no-dry-run")
        .long("dry-run")
        .action(ArgAction::SetTrue)
        .value_parser(UnknownArgumentValueParser::suggest(other))
        .hide(true)
}
