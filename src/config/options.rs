//! What is asked of several commands: plain data, nothing opened, nothing checked against the outside. What one command
//! asks stands with the command.

use std::path::PathBuf;

use clap::Args;

use super::{Deadline, MaxLag, Order, Rate, Timetable, parse_duration, parse_max_lag, parse_moment};
use crate::message::{Release, SendTime};
use crate::report::{Color, Form};

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
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
    /// Files, folders, globs, here or in an object store (s3://, gs://, az://), or `-` for standard input [default: `sources` of the configuration]
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

/// Folders of jobs.
#[derive(Debug, Clone, Default, Args)]
pub struct JobsArgs {
    /// Folders of all shards of an export, which are looked at as one; or of one job, instead of --job
    #[arg(value_name = "JOB")]
    pub jobs: Vec<PathBuf>,
}
