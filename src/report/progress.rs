//! What is seen while it runs: a bar on a terminal, a line every ten seconds elsewhere, on standard error; or for programs
//! an object a second on standard output.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::line::line;
use super::pace::{Pace, Rates};
use super::terminal;
use crate::secrets::without;
use crate::visible::visible;

/// How progress is asked to be shown.
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

/// How progress is shown, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar that is redrawn.
    Bar,
    /// A line every ten seconds.
    Lines,
    /// An object a second, for programs.
    Json,
    /// Nothing.
    Quiet,
}

impl Style {
    /// A bar on a terminal, lines elsewhere and among log lines, nothing when `quiet`.
    pub fn choose(quiet: bool, verbose: bool, color: Color, form: Form) -> Self {
        match (form, color) {
            (Form::Json, _) => return Self::Json,
            _ if quiet => return Self::Quiet,
            (Form::Bar, _) => return Self::Bar,
            (Form::Lines, _) => return Self::Lines,
            (Form::Auto, _) => {}
        }
        match color {
            _ if verbose => Self::Lines,
            Color::Always => Self::Bar,
            Color::Auto if stderr().is_terminal() => Self::Bar,
            Color::Auto | Color::Never => Self::Lines,
        }
    }
}

/// One look at the work: plain numbers, taken by the drawing thread whenever it likes.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// `read`, `send`, `verify` …
    pub phase: &'static str,
    /// How much is done, in units.
    pub done: u64,
    /// How much there is, in units; 0 = not known yet.
    pub total: u64,
    /// What is counted in `done` and `total`.
    pub unit: Unit,
    /// Messages so far, where units are bytes.
    pub messages: u64,
    /// Conversations finished.
    pub conversations_done: u64,
    /// Somebody's will holds it back: nobody knows for how long.
    pub is_paused: bool,
    /// Conversations of which something is confirmed.
    pub conversations_begun: u64,
    /// Conversations in all; 0 = not known yet.
    pub conversations: u64,
    /// Messages that can't be sent, or records that can't be read.
    pub rejected: u64,
    /// Calls repeated.
    pub retries: u64,
    /// Why it is slower than it could be: `429, Retry-After 1 s`.
    pub cause: Option<String>,
    /// A rate that was set is what limits.
    pub by_rate: bool,
    /// The pace of the server is not found yet.
    pub is_starting: bool,
    /// The conversation with most left to do, and how much.
    pub longest: Option<(String, u64)>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Messages, or what stands for one.
    #[default]
    Messages,
    /// Bytes.
    Bytes,
    /// Conversations.
    Conversations,
    /// Other things, which the phase names.
    Steps,
}

impl Unit {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Bytes => "bytes",
            Self::Conversations => "conversations",
            Self::Steps => "steps",
        }
    }
}

/// Draws until it is finished or dropped.
#[derive(Debug)]
pub struct Progress {
    stop: Option<mpsc::SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts drawing what `look` sees.
    pub fn start(style: Style, look: Arc<dyn Fn() -> Snapshot + Send + Sync>) -> Self {
        if style == Style::Quiet {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || draw(style, &*look, &stopped));
        Self { stop: Some(stop), thread: Some(thread) }
    }

    /// Stops drawing; what is written to standard error afterwards stands below.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A drawing thread that panicked has nothing to tell that matters more than the work.
            drop(thread.join());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

const LINE_EVERY: Duration = Duration::from_secs(10);
const OBJECT_EVERY: Duration = Duration::from_secs(1);
/// So often it is looked at, and a bar drawn anew: what was done before, and when it began, has to be known.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Of a bar, and the space behind it.
const BAR: usize = 24 + 1;
/// Narrower ones have no room for a bar.
const NARROW: usize = 70;

fn draw(style: Style, look: &dyn Fn() -> Snapshot, stopped: &mpsc::Receiver<()>) {
    let every = match style {
        Style::Bar => LOOK_EVERY,
        Style::Json => OBJECT_EVERY,
        Style::Lines | Style::Quiet => LINE_EVERY,
    };
    let bar =
        (style == Style::Bar).then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()));
    let mut pace = Pace::new();
    let mut next = Instant::now() + every;
    let mut phase = look().phase;
    pace.update(Instant::now(), &look());
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        let (now, snapshot) = (Instant::now(), look());
        let rates = pace.update(now, &snapshot);
        let is_another = std::mem::replace(&mut phase, snapshot.phase) != snapshot.phase;
        if now < next && !is_another {
            continue;
        }
        next = now + every;
        match &bar {
            Some(bar) => redraw(bar, &snapshot, &rates),
            None if style == Style::Json => terminal::say_json(&status(&snapshot, &rates)),
            None => {
                terminal::tell(&line(&Zoned::now(), true, &snapshot, &rates, terminal::width()));
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn redraw(bar: &ProgressBar, snapshot: &Snapshot, rates: &Rates) {
    // Asked each time: windows are made narrower.
    let width = terminal::width().unwrap_or(NARROW);
    let (template, room) = if width < NARROW { ("{msg}", width) } else { ("{bar:24} {msg}", width - BAR) };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_length(snapshot.total);
    bar.set_position(snapshot.done);
    let line = line(&Zoned::now(), false, snapshot, rates, Some(room.saturating_sub(1)));
    bar.set_message(visible(&without(&line)).into_owned());
}

/// What `--progress json` says once a second; its names are a promise.
#[derive(Serialize)]
struct Status<'a> {
    r#type: &'static str,
    time: String,
    phase: &'a str,
    done: u64,
    total: u64,
    unit: &'static str,
    in_bytes: bool,
    conversations_done: u64,
    conversations: u64,
    rejected: u64,
    retries: u64,
    per_second: f64,
    average: f64,
    eta_seconds: Option<f64>,
    cause: Option<&'a str>,
    longest: Option<&'a str>,
}

fn status(snapshot: &Snapshot, rates: &Rates) -> String {
    let status = Status {
        r#type: "status",
        time: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        phase: snapshot.phase,
        done: snapshot.done,
        total: snapshot.total,
        unit: snapshot.unit.name(),
        in_bytes: snapshot.unit == Unit::Bytes,
        conversations_done: snapshot.conversations_done,
        conversations: snapshot.conversations,
        rejected: snapshot.rejected,
        retries: snapshot.retries,
        per_second: rates.now,
        average: rates.average,
        eta_seconds: rates.left.map(|left| left.as_secs_f64()),
        cause: snapshot.cause.as_deref(),
        longest: snapshot.longest.as_ref().map(|(name, _)| name.as_str()),
    };
    serde_json::to_string(&status).unwrap_or_default()
}
