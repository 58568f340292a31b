//! What is counted while it runs: plain numbers that anybody may look at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::course::Course;
use super::pace::Cause;
use super::phase::{Phase, Step};
use crate::numbers::plural;
use crate::pacing::{Glance, Limit, Measured, Meter};

/// Counters of a run. Cheap to raise, never locked for long.
#[derive(Debug, Default)]
pub struct Progress {
    /// Messages of the job.
    pub messages: Count,
    /// Conversations of the job.
    pub conversations: Count,
    /// Messages that were confirmed or rejected before this run.
    pub before: Count,
    /// Of these, rejected ones.
    pub rejected_before: Count,
    /// Answered with 0 in this run, second attempts included.
    pub acknowledged: Count,
    /// Confirmed in this run.
    pub confirmed: Count,
    /// Rejected in this run.
    pub rejected: Count,
    /// Calls made again.
    pub retries: Count,
    /// Acknowledged, lost by the server, sent again.
    pub lost: Count,
    /// Messages sent a second time to find out what became of the first.
    pub fences: Count,
    /// Messages deleted because they stood in the wrong place.
    pub withdrawn: Count,
    /// Withdrawn messages that came back and were deleted again (law 14).
    pub returned: Count,
    /// Copies that the server made.
    pub doubled: Count,
    /// Of these, deleted.
    pub repaired: Count,
    /// Confirmed messages whose slot reads as empty.
    pub hidden: Count,
    /// Messages of others seen between ours.
    pub foreign: Count,
    /// Conversations of which something is confirmed, in this run or before.
    pub begun: Count,
    /// Conversations finished in this run or before.
    pub finished: Count,
    /// Conversations under way.
    pub active: Count,
    /// Conversations that wait for the server to show what became of a message.
    pub settling: Count,
    /// Sent, and without a number in the log yet.
    pub unconfirmed: Count,
    /// `send_msg` calls under way.
    pub calls: Count,
    /// Why calls were made again, how often.
    pub retry_causes: Reasons,
    /// Refused messages of the job by reason; the example is the server's words.
    pub refused: Reasons,
    shown: Mutex<Shown>,
    step: Mutex<Step>,
    meter: Mutex<Meter>,
    limits: Mutex<Limits>,
    course: Mutex<(Course, u64)>,
}

/// How often each limit was the one.
#[derive(Debug, Default)]
struct Limits {
    looks: BTreeMap<&'static str, u64>,
    said: Option<(&'static str, Instant)>,
}

/// What is no number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Why it is slower than it could be.
    pub cause: Option<Cause>,
    /// What limits the pace where nothing is wrong.
    pub limiting: Option<Limiting>,
    /// The conversations under way with most left, and how much; the most first.
    pub leaders: Vec<(String, u64)>,
}

/// So many of them are named.
pub(super) const LEADERS: usize = 8;

/// What limits the pace, and the bounds as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiting {
    /// What it is; `None`: the rate that was set.
    pub limit: Option<Limit>,
    /// Messages that may be unconfirmed over all conversations.
    pub bound: usize,
    /// Calls that may be under way.
    pub calls: usize,
    /// The lag of the idle server, as far as it is known.
    pub idle: Option<Duration>,
    /// How long messages waited for their numbers lately, at worst.
    pub lag: Option<Duration>,
    /// Which lag is aimed at; `None`: any, or it is not known yet.
    pub aim: Option<Duration>,
}

impl Limiting {
    /// Whether the pace of the server is not found yet.
    pub fn is_starting(&self) -> bool {
        self.limit == Some(Limit::Starting)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self.limit {
            None => "rate",
            Some(Limit::Starting) => "start",
            Some(Limit::Lag) => "lag",
            Some(Limit::Connections) => "connections",
            Some(Limit::Windows) => "windows",
        }
    }
}

impl std::fmt::Display for Limiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.limit {
            None => f.write_str("limit: the rate that was set")?,
            Some(Limit::Starting) => f.write_str("limit: finding the pace of the server")?,
            Some(Limit::Lag) => {
                let calls = plural(self.calls as u64, "call", "calls");
                write!(f, "limit: lag ({} unconfirmed, {calls})", self.bound)?;
            }
            Some(Limit::Connections) => write!(f, "limit: connections ({})", self.calls)?,
            Some(Limit::Windows) => f.write_str("limit: windows of the conversations left")?,
        }
        match (self.lag, self.aim) {
            (Some(lag), Some(aim)) => write!(f, ", lag {} ms, aim {}", lag.as_millis(), aim.as_millis()),
            (Some(lag), None) => write!(f, ", lag {} ms", lag.as_millis()),
            (None, _) => Ok(()),
        }
    }
}

/// A number that only its own thread of thought needs to be exact.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    /// Lowers it.
    pub fn sub(&self, by: u64) {
        self.0.fetch_sub(by, Ordering::Relaxed);
    }

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reasons, how often each, and the last example. Few of them: whatever comes after the first fifty is counted as one.
#[derive(Debug, Default)]
pub struct Reasons(Mutex<BTreeMap<String, (u64, String)>>);

impl Reasons {
    const MOST: usize = 50;

    /// Counts a reason; an empty example leaves the one that is there.
    pub fn add(&self, reason: &str, by: u64, example: &str) {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = reasons.len() < Self::MOST || reasons.contains_key(reason);
        let entry = reasons.entry(if has_room { reason } else { "others" }.to_owned()).or_default();
        entry.0 += by;
        if !example.is_empty() {
            example.clone_into(&mut entry.1);
        }
    }

    /// The most frequent first: reason, how often, example.
    pub fn list(&self) -> Vec<(String, u64, String)> {
        let reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> =
            reasons.iter().map(|(reason, (n, example))| (reason.clone(), *n, example.clone())).collect();
        list.sort_by_key(|(_, n, _)| std::cmp::Reverse(*n));
        list
    }
}

impl Progress {
    /// A call is made again, for that kind of cause.
    pub(super) fn retried(&self, cause: &str, example: &str) {
        self.retries.add(1);
        self.retry_causes.add(cause, 1, example);
    }

    /// How fast the server was, where it was what limited the run.
    pub fn measured(&self) -> Measured {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner).measured()
    }

    /// A look for that, so long after the beginning.
    fn meter(&self, at: Duration, shown: &Shown) {
        let limit = shown.limiting.filter(|_| shown.cause.is_none()).and_then(|limiting| limiting.limit);
        let active = usize::try_from(self.active.get()).unwrap_or(usize::MAX);
        let confirmed = self.confirmed.get();
        self.meter.lock().unwrap_or_else(PoisonError::into_inner).look(Glance {
            at,
            confirmed,
            begun: self.begun.get(),
            limit,
            active,
        });
    }

    /// What it is at.
    pub fn step(&self) -> Step {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else begins, with so much to do; 0: not known.
    pub(super) fn begin(&self, phase: Phase, total: u64) {
        tracing::info!(total, "phase: {}", phase.name());
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Step { phase, done: 0, total };
    }

    /// So much of it is done.
    pub(super) fn reached(&self, done: u64) {
        self.step.lock().unwrap_or_else(PoisonError::into_inner).done = done;
    }

    /// What is no number.
    pub fn shown(&self) -> Shown {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What limited the run, by the share of the time, most first.
    pub fn limited_by(&self) -> String {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u64 = limits.looks.values().sum();
        let mut shares: Vec<(u64, &str)> =
            limits.looks.iter().map(|(name, looks)| (looks * 100 / all.max(1), *name)).collect();
        shares.sort_unstable_by(|a, b| b.cmp(a));
        let said: Vec<String> = shares.iter().map(|(share, name)| format!("{name} {share} %")).collect();
        said.join(", ")
    }

    fn count_limit(&self, limiting: Limiting) {
        const SETTLED: Duration = Duration::from_secs(5);
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let name = limiting.name();
        *limits.looks.entry(name).or_default() += 1;
        if limits.said.is_none_or(|(said, at)| said != name && at.elapsed() >= SETTLED) {
            limits.said = Some((name, Instant::now()));
            tracing::info!(bound = limiting.bound, calls = limiting.calls, idle = ?limiting.idle, lag = ?limiting.lag, "{limiting}");
        }
    }

    /// Notes how far it is, so long after the beginning.
    pub(super) fn note(&self, at: Duration, lag: Duration) {
        let confirmed = self.confirmed.get();
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let more = confirmed.saturating_sub(std::mem::replace(&mut course.1, confirmed));
        course.0.note(at, more, lag);
    }

    /// How the run went over its time.
    pub(super) fn course(&self) -> Course {
        self.course.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Changes what is no number.
    pub(super) fn show(&self, at: Duration, shown: Shown) {
        self.meter(at, &shown);
        if let Some(limiting) = shown.limiting {
            self.count_limit(limiting);
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}
