//! What is counted while it runs: plain numbers that anybody may look at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::course::Course;
use super::pace::Cause;
use crate::pacing::Limit;

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
    /// Conversations finished in this run or before.
    pub finished: Count,
    /// Conversations under way.
    pub active: Count,
    /// Conversations that wait for the server to show what became of a message.
    pub settling: Count,
    shown: Mutex<Shown>,
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
    /// The conversation with most left, and how much.
    pub longest: Option<(String, u64)>,
}

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
}

impl Limiting {
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
            None => write!(f, "limit: the rate that was set"),
            Some(Limit::Starting) => write!(f, "limit: finding the pace of the server"),
            Some(Limit::Lag) => write!(f, "limit: lag ({} unconfirmed, {} calls)", self.bound, self.calls),
            Some(Limit::Connections) => write!(f, "limit: connections ({})", self.calls),
            Some(Limit::Windows) => write!(f, "limit: windows of the conversations left"),
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

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress {
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
            tracing::info!(bound = limiting.bound, calls = limiting.calls, idle = ?limiting.idle, "{limiting}");
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
    pub(super) fn show(&self, shown: Shown) {
        if let Some(limiting) = shown.limiting {
            self.count_limit(limiting);
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}
