//! What the page, `control status` and `/metrics` show: one value, made of plain numbers. Its names are a promise.

use serde::Serialize;

use super::advice::Advice;
use super::held::Held;
use super::series::Point;
use crate::job::Change;

/// A run at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct State {
    /// Of the program.
    pub version: &'static str,
    /// The job's folder.
    pub job: String,
    /// The server's address.
    pub server: String,
    /// `read`, `preflight`, `send`, `look behind` …
    pub phase: &'static str,
    /// The same in words: `looking at what stands behind the last messages`.
    pub doing: String,
    /// Since the command was given.
    pub seconds: f64,
    /// What the phase has done, in its units.
    pub done: u64,
    /// What it has to do; 0: not known yet.
    pub total: u64,
    /// What these are: `messages`, `bytes`, `conversations`.
    pub unit: &'static str,
    /// They are bytes.
    pub in_bytes: bool,
    /// Messages of the job.
    pub messages: u64,
    /// Conversations of the job.
    pub conversations: u64,
    /// Of these, finished.
    pub conversations_done: u64,
    /// Messages read back from the server's log, in all runs.
    pub confirmed: u64,
    /// Messages the server refused, in all runs.
    pub rejected: u64,
    /// Sent, and without a number in the log yet.
    pub in_flight: u64,
    /// Neither confirmed nor refused nor in flight.
    pub pending: u64,
    /// `send_msg` calls under way.
    pub calls: u64,
    /// Conversations that wait for the server to show what became of a message.
    pub settling: u64,
    /// Calls made again.
    pub retries: u64,
    /// Acknowledged, lost by the server, sent again.
    pub lost_and_resent: u64,
    /// Copies that the server made.
    pub doubled: u64,
    /// Messages a second.
    pub pace: Pace,
    /// When it will be done, as far as that can be said.
    pub eta: Option<Eta>,
    /// How long messages wait for their numbers.
    pub lag: Lag,
    /// What limits the pace.
    pub limit: Option<Limit>,
    /// What is being waited for.
    pub waiting: Option<String>,
    /// What was set, and by whom.
    pub settings: Settings,
    /// Conversations under way with most left.
    pub longest: Vec<Left>,
    /// Refused messages by reason.
    pub rejects: Vec<Counted>,
    /// Why calls were made again.
    pub retry_causes: Vec<Counted>,
    /// May I pause, may I switch over?
    pub advice: Advice,
    /// What was changed while it ran, the latest last.
    pub changes: Vec<Change>,
    /// Pace and lag over time.
    pub series: Vec<Point>,
    /// How it ended; `null` while it runs.
    pub ended: Option<End>,
}

/// Messages a second.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Pace {
    /// In the last seconds.
    pub now: f64,
    /// Since this run began to send.
    pub average: f64,
}

/// When it will be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Eta {
    /// From now.
    pub seconds: f64,
    /// The time of day, on this machine's clock.
    pub at: String,
}

/// How long messages wait for their numbers, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "numbers that others read say their unit")]
pub struct Lag {
    /// Lately, at worst.
    pub now_ms: Option<u64>,
    /// On the idle server.
    pub idle_ms: Option<u64>,
    /// What is aimed at.
    pub aim_ms: Option<u64>,
}

/// What limits the pace.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Limit {
    /// `rate`, `lag`, `connections`, `windows`, `start`.
    pub name: &'static str,
    /// In words.
    pub text: String,
}

/// The settings that can be changed, as they hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Messages a second at most; `null`: no bound.
    pub rate: Option<u32>,
    /// Whose word that is: `operator` or `timetable`.
    pub rate_by: Option<&'static str>,
    /// Calls under way at most.
    pub connections: u16,
    /// Lag above that of the idle server at most, ms; `null`: any.
    pub max_lag_ms: Option<u64>,
    /// Whether the timetable counts.
    pub schedule: bool,
    /// Who asks for a pause: `operator`, `file`, `timetable`.
    pub paused_by: Vec<&'static str>,
    /// The same in words, with what ends it.
    pub paused: Option<String>,
    /// Who ends the run: `operator` or `deadline`.
    pub ending_by: Option<&'static str>,
    /// All of it in a sentence.
    pub holds: String,
}

impl Settings {
    /// From what holds.
    pub fn of(held: &Held, schedule: bool) -> Self {
        Self {
            rate: held.rate.map(|(rate, _)| rate.get()),
            rate_by: held.rate.map(|(_, by)| by.name()),
            connections: held.connections,
            max_lag_ms: held.max_lag.map(ms),
            schedule,
            paused_by: held.pauses.iter().map(|(by, _)| by.name()).collect(),
            paused: held.paused(),
            ending_by: held.ending.map(super::held::By::name),
            holds: held.to_string(),
        }
    }
}

/// A conversation, and how many messages it has left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Left {
    /// Its name.
    pub conversation: String,
    /// Messages.
    pub left: u64,
}

/// Something that happened several times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// What that means; empty where the name says it.
    pub means: &'static str,
    /// How often.
    pub count: u64,
    /// The words of the last one.
    pub example: String,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct End {
    /// Of the process.
    pub exit_code: u8,
    /// The verdict.
    pub verdict: String,
    /// Messages of the job.
    pub messages: u64,
    /// Of these, read back from the server's log.
    pub confirmed: u64,
    /// Refused by the server, or left out because they can't be sent.
    pub rejected: u64,
}

/// Whole milliseconds.
pub(super) fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
