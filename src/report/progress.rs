//! What is seen while it runs: a bar on a terminal, a line every ten seconds elsewhere, on standard error.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::numbers::{bytes, count, duration, percent};
use super::terminal;
use crate::secrets::without;
use crate::visible::visible;

/// How progress is shown, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar that is redrawn.
    Bar,
    /// A line every ten seconds.
    Lines,
    /// Nothing.
    Quiet,
}

impl Style {
    /// A bar on a terminal, lines elsewhere and among log lines, nothing when `quiet`.
    pub fn choose(quiet: bool, verbose: bool, color: crate::cli::Color) -> Self {
        use crate::cli::Color;
        match color {
            _ if quiet => Self::Quiet,
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
    /// Units are bytes, not messages.
    pub in_bytes: bool,
    /// Messages so far, where units are bytes.
    pub messages: u64,
    /// Conversations finished.
    pub conversations_done: u64,
    /// Conversations in all; 0 = not known yet.
    pub conversations: u64,
    /// Messages that can't be sent, or records that can't be read.
    pub rejected: u64,
    /// Calls repeated.
    pub retries: u64,
    /// Why it is slower than it could be: `429, Retry-After 1 s`.
    pub cause: Option<String>,
    /// The conversation with most left to do, and how much.
    pub longest: Option<(String, u64)>,
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
const REDRAW_EVERY: Duration = Duration::from_millis(200);

fn draw(style: Style, look: &dyn Fn() -> Snapshot, stopped: &mpsc::Receiver<()>) {
    let every = if style == Style::Bar { REDRAW_EVERY } else { LINE_EVERY };
    let bar = (style == Style::Bar).then(|| {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{bar:24} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar
    });
    let mut pace = Pace::new(Instant::now());
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
        let snapshot = look();
        let rates = pace.update(Instant::now(), &snapshot);
        let line = line(&snapshot, &rates);
        if let Some(bar) = &bar {
            bar.set_length(snapshot.total);
            bar.set_position(snapshot.done);
            bar.set_message(visible(&without(&line)).into_owned());
        } else {
            terminal::tell(&line);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// Rates and the time left, from two looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    now: f64,
    average: f64,
    left: Option<Duration>,
}

/// Keeps what is needed for [`Rates`]: five seconds of looks for "now", the start for "average".
#[derive(Debug)]
pub(super) struct Pace {
    started: Instant,
    first_done: Option<u64>,
    recent: VecDeque<Look>,
}

/// When, how much was done, and what the longest conversation was.
type Look = (Instant, u64, Option<(String, u64)>);

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { started: now, first_done: None, recent: VecDeque::new() }
    }

    /// ETA is the larger of total ÷ rate and the longest conversation's own time: the average over all
    /// conversations hides the giant that goes on alone at the end.
    #[expect(clippy::cast_precision_loss, reason = "rates are shown rounded")]
    pub(super) fn update(&mut self, now: Instant, snapshot: &Snapshot) -> Rates {
        let first = *self.first_done.get_or_insert(snapshot.done);
        self.recent.push_back((now, snapshot.done, snapshot.longest.clone()));
        while self.recent.len() > 2 && now.duration_since(self.recent[0].0) > Duration::from_secs(15) {
            self.recent.pop_front();
        }
        let (then, done, longest) = &self.recent[0];
        let since = now.duration_since(*then).as_secs_f64();
        let speed = |n: u64, seconds: f64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
        let total = now.duration_since(self.started).as_secs_f64();
        let rates = Rates {
            now: speed(snapshot.done.saturating_sub(*done), since),
            average: speed(snapshot.done.saturating_sub(first), total),
            left: None,
        };
        let rate = if rates.now > 0.0 { rates.now } else { rates.average };
        let seconds_for = |left: u64, rate: f64| (rate > 0.0).then(|| left as f64 / rate);
        let all = seconds_for(snapshot.total.saturating_sub(snapshot.done), rate);
        let alone = match (longest, &snapshot.longest) {
            (Some((was, before)), Some((is, left))) if was == is && before > left => {
                seconds_for(*left, speed(before - left, since))
            }
            _ => None,
        };
        // Before one percent is done an estimate would only mislead.
        let early = snapshot.total == 0 || (snapshot.done - first) * 100 < snapshot.total;
        let left = match (all, alone) {
            (Some(all), Some(alone)) => Some(all.max(alone)),
            (all, _) => all,
        };
        let known = left.filter(|left| !early && *left < 1e8).map(Duration::from_secs_f64);
        Rates { left: known, ..rates }
    }
}

fn line(s: &Snapshot, rates: &Rates) -> String {
    let show = |n: u64| if s.in_bytes { bytes(n) } else { count(n) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive")]
    let rate = |r: f64| format!("{}/s", show(r as u64));
    let mut parts = vec![
        if s.total > 0 {
            format!("{} {}/{} {}", s.phase, show(s.done), show(s.total), percent(s.done, s.total))
        } else {
            format!("{} {}", s.phase, show(s.done))
        },
        format!("{} now {} avg", rate(rates.now), rate(rates.average)),
    ];
    if s.in_bytes {
        parts.push(format!("{} messages", count(s.messages)));
    }
    if s.conversations > 0 {
        parts.push(format!("conv {}/{}", count(s.conversations_done), count(s.conversations)));
    }
    if s.rejected > 0 {
        parts.push(format!("reject {}", count(s.rejected)));
    }
    if s.retries > 0 {
        parts.push(format!("retry {}", count(s.retries)));
    }
    parts.extend(s.cause.clone());
    if let Some(left) = rates.left {
        let longest = match &s.longest {
            Some((name, n)) => format!(" (longest: {name}, {} left)", count(*n)),
            None => String::new(),
        };
        parts.push(format!("ETA {}{longest}", duration(left)));
    }
    parts.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_giant_decides_the_time_left() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let look = |done, left| Snapshot {
            phase: "send",
            done,
            total: 10_000,
            longest: Some(("sg_giant".into(), left)),
            ..Snapshot::default()
        };
        pace.update(start, &look(0, 2_000));
        // 5,000 in ten seconds in all, 100 of them in the giant: all would take 10 s, the giant 190 s.
        let rates = pace.update(start + Duration::from_secs(10), &look(5_000, 1_900));
        assert_eq!(rates.left, Some(Duration::from_secs(190)));
        assert_eq!(
            line(&look(5_000, 1_900), &rates),
            "send 5,000/10,000 50.0 % | 500/s now 500/s avg | ETA 3 min 10 s (longest: sg_giant, 1,900 left)"
        );
    }

    #[test]
    fn no_estimate_before_one_percent() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let look = |done| Snapshot { done, total: 10_000, ..Snapshot::default() };
        pace.update(start, &look(0));
        assert!(pace.update(start + Duration::from_secs(1), &look(99)).left.is_none());
        assert!(pace.update(start + Duration::from_secs(2), &look(100)).left.is_some());
    }
}
