//! What the user typed: plain data, nothing opened, nothing checked against the outside.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::adopt::AdoptArgs;
use crate::commands::control::{ControlArgs, EndpointArgs};
use crate::commands::init::InitArgs;
use crate::commands::mark_read::MarkReadArgs;
use crate::commands::media::{HowArgs, MediaArgs};
use crate::commands::occupied::WayArgs;
use crate::commands::preflight::PreflightArgs;
use crate::commands::provision::{FileArgs, ProvisionArgs};
use crate::commands::purge::PurgeArgs;
use crate::commands::receipts::ReceiptsArgs;
use crate::commands::rehearse::RehearseArgs;
use crate::commands::retry::RetryArgs;
use crate::commands::shard::ShardArgs;
use crate::commands::status::StatusArgs;
use crate::commands::undo::UndoArgs;
use crate::commands::users::UsersArgs;
use crate::commands::verify::VerifyArgs;
use crate::config::{
    Deadline, MaxLag, OnReject, Order, Rate, Size, Timetable, parse_duration, parse_max_lag, parse_moment,
};
use crate::message::{Release, SendTime};

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

/// One command, one file in `commands`.
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
    /// Print the manual page
    Man,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration [default: import.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "OPENIM_IMPORT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of the job [default: import.job]
    #[arg(long, global = true, value_name = "DIR", env = "OPENIM_IMPORT_JOB")]
    pub job: Option<PathBuf>,
    /// Print one JSON object at the end, on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, only the verdict
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How progress is shown: a bar on a terminal and lines elsewhere, or for programs an object a second on standard
    /// output (`"type":"status"`), the verdict as the last one (`"type":"summary"`)
    #[arg(long, global = true, value_enum, value_name = "HOW", default_value_t = Form::Auto)]
    pub progress: Form,
    /// Also log to this file, each call to the server with its operationID, as JSON lines
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Log more; twice for every call
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours and bars: on a terminal, always or never
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// A bar on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A bar that is redrawn.
    Bar,
    /// A line every ten seconds.
    Lines,
    /// An object a second on standard output.
    Json,
}

/// When to use colours and bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the server is and who we are there. The secret comes from `OPENIM_SECRET`, from `secret_file`
/// in the configuration, or as a ready token from `OPENIM_TOKEN`: never from the command line, where
/// everybody on the machine can read it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Address of the OpenIM API, such as `https://im.example.com/api`
    #[arg(long, value_name = "URL", env = "OPENIM_API")]
    pub api: Option<String>,
    /// The admin user [default: imAdmin]
    #[arg(long, value_name = "USER", env = "OPENIM_ADMIN_USER")]
    pub admin_user: Option<String>,
    /// A further certificate authority to trust, PEM
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Wait for a server that is not there yet as long as for one that falls silent (`--give-up`), whatever stands in
    /// the way: for units that start before the server
    #[arg(long)]
    pub wait_for_server: bool,
    /// The server's release, where it can't be told from its answers
    #[arg(long, value_enum)]
    pub release: Option<Release>,
}

/// How fast to send.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// At most so many messages, such as `500/s` or `20000/min` [default: as fast as the server takes them]
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// How much later than on the idle server messages may be stored because of this run, those of people who write
    /// meanwhile included, such as `300ms` or `2s`; `off`: nobody else is there [default: 300ms]
    #[arg(long, value_name = "TIME|off", value_parser = parse_max_lag)]
    pub max_lag: Option<MaxLag>,
    /// Calls under way at once at most, each in another conversation [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: Option<u16>,
    /// Stop with exit code 5 when the server gives no sign of life for so long [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub give_up: Option<std::time::Duration>,
    /// How long to wait for a call that was cut off before a fence is sent [default: 5s; 60s after a timeout]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub unanswered_wait: Option<std::time::Duration>,
}

/// When to send how fast, and until when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct ClockArgs {
    /// When to send how fast: `"22:00,800/s 06:00,20/s Sat-00:00,off"`. Each line holds until the next one: a rate, `off`
    /// for none, or `pause`. `--rate` stays the most
    #[arg(long, value_name = "TIMETABLE")]
    pub schedule: Option<Timetable>,
    /// End in peace at this time, such as `06:00` or `"2026-11-30 06:00"`, with exit code 5 and what is left; the same
    /// command goes on
    #[arg(long, value_name = "TIME")]
    pub deadline: Option<Deadline>,
    /// Which conversations go first: those with the most left, which takes the shortest time in all, or those written in
    /// last, each sent whole before older ones, so that a night too short costs the dead chats [default: longest]
    #[arg(long, value_name = "WHICH", value_enum)]
    pub order: Option<Order>,
    /// Zone of --schedule and --deadline, such as `Europe/Berlin` [default: that of this machine]
    #[arg(long, value_name = "ZONE")]
    pub clock: Option<String>,
}

/// What to read and what of it.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Files, folders, globs, or `-` for standard input [default: `sources` of the configuration]
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// Insist on a format instead of recognising it: tencent, slack, openim, discord, … (docs/formats.md); for files of
    /// your own jsonl, csv, json
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Zone of times that do not say theirs, such as `Asia/Shanghai` or `+08:00`
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Who made the export, by the id or name it uses: where it says only "me"
    #[arg(long = "self", value_name = "ID")]
    pub me: Option<String>,
    /// Leave out messages before this moment: `2024-01-31` (UTC) or `2024-01-31T08:00:00+08:00`
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<SendTime>,
    /// Leave out messages from this moment on
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<SendTime>,
    /// Send what can be sent and reject the rest
    #[arg(long)]
    pub skip_invalid: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which part of it.
    #[command(flatten)]
    pub shard: ShardArgs,
    /// Read the sources as the job's next pass, which `run` then sends: only what is new
    #[arg(long)]
    pub add: bool,
    /// Memory that the server's Redis may take, such as `64GB`: the forecast then says whether it bears the pace. Every
    /// message stays there for 24 hours
    #[arg(long, value_name = "SIZE")]
    pub redis_memory: Option<Size>,
    /// With an address, the server is looked at too (preflight).
    #[command(flatten)]
    pub server: ServerArgs,
    /// What the preflight may find.
    #[command(flatten)]
    pub preflight: PreflightArgs,
    /// What becomes of conversations in which people have written already.
    #[command(flatten)]
    pub ways: WayArgs,
}

/// `run`.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which part of it.
    #[command(flatten)]
    pub shard: ShardArgs,
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
    /// How files are had and uploaded.
    #[command(flatten)]
    pub how: HowArgs,
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
    /// A message that the server refuses: skip it, or hold its conversation there until `retry` [default: skip]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_reject: Option<OnReject>,
    /// Mark each conversation as read by everybody as soon as it is finished
    #[arg(long)]
    pub mark_read: bool,
    /// Send anew what `undo` took back
    #[arg(long)]
    pub again: bool,
    /// What the preflight may find.
    #[command(flatten)]
    pub preflight: PreflightArgs,
    /// What the export doesn't have.
    #[command(flatten)]
    pub files: FileArgs,
}

/// Folders of jobs.
#[derive(Debug, Clone, Default, Args)]
pub struct JobsArgs {
    /// Folders of all shards of an export, which are looked at as one; or of one job, instead of --job
    #[arg(value_name = "JOB")]
    pub jobs: Vec<PathBuf>,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Whose.
    #[command(flatten)]
    pub jobs: JobsArgs,
    /// Write HTML to this file instead of text to standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long, requires = "html")]
    pub force: bool,
}
