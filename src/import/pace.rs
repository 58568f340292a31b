//! How fast we may go: the server's own wish to be left alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::openim::{Lost, Pause, retry_after};

/// Why it is slower than it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The server limits the rate.
    RateLimited(Pause),
    /// It can't be reached.
    Down(String),
    /// It answers with errors.
    Errors(String),
    /// Messages are acknowledged, and nothing can be read back.
    Storing(Duration),
    /// Nobody who takes part in a conversation is shown anything of it.
    Unreadable(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RateLimited(pause) => write!(f, "{pause}"),
            Self::Down(why) => write!(f, "waiting for the server: {why}"),
            Self::Errors(why) => write!(f, "backing off: {why}"),
            Self::Unreadable(name) => {
                write!(f, "the server shows nothing of `{name}` to those who take part in it")
            }
            Self::Storing(since) => {
                write!(f, "the server acknowledges and stores nothing for {} s", since.as_secs())
            }
        }
    }
}

/// Backs off when the server is in trouble, and recovers slowly.
#[derive(Debug)]
pub(super) struct Throttle {
    /// No single pause is longer, whatever the server asks for.
    longest: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Callers allowed where nothing is in the way.
    most: usize,
    /// Callers allowed now.
    allowed: usize,
    /// Nobody calls before.
    until: Option<Instant>,
    /// Pauses in a row without an answer in between.
    pauses: u32,
    /// When the number of callers was changed last.
    changed: Instant,
    cause: Option<Cause>,
    waits: Waits,
}

/// How often the server was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(super) struct Waits {
    /// It limited the rate (429).
    limited: u64,
    /// It could not be reached.
    unreachable: u64,
    /// It did not answer, or with an error of its own.
    unanswered: u64,
}

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const RECOVER_EVERY: Duration = Duration::from_secs(1);

impl Throttle {
    /// For so many callers, of a run that gives up after so long.
    pub(super) fn new(most: usize, give_up: Duration, now: Instant) -> Self {
        let inner = Inner {
            most,
            allowed: most,
            until: None,
            pauses: 0,
            changed: now,
            cause: None,
            waits: Waits::default(),
        };
        Self { longest: give_up / 4, inner: Mutex::new(inner) }
    }

    /// How long that caller has to wait before it may ask again; `None`: it may call.
    pub(super) fn wait(&self, caller: usize, now: Instant) -> Option<Duration> {
        let inner = self.lock();
        if let Some(left) = inner.until.and_then(|until| until.checked_duration_since(now)) {
            return (!left.is_zero()).then_some(left);
        }
        (caller >= inner.allowed).then_some(RECOVER_EVERY / 4)
    }

    /// A call was certainly not processed.
    pub(super) fn paused(&self, pause: &Pause, now: Instant) {
        let mut inner = self.lock();
        match pause {
            Pause::RateLimited(after) => {
                inner.waits.limited += 1;
                inner.halve(now);
                let wait = retry_after(*after).min(self.longest);
                // All of them at the very same moment would meet the same answer.
                inner.pause(now, jittered(wait, 1.0, 1.25));
                inner.cause = Some(Cause::RateLimited(pause.clone()));
            }
            Pause::Unreachable(why) => {
                inner.waits.unreachable += 1;
                inner.back_off(now);
                inner.cause = Some(Cause::Down(why.clone()));
            }
        }
    }

    /// A call was not answered, or with an error of the server itself.
    pub(super) fn unanswered(&self, lost: &Lost, now: Instant) {
        let mut inner = self.lock();
        inner.waits.unanswered += 1;
        if let Lost::Proxy(_) | Lost::Error(..) = lost {
            inner.halve(now);
            inner.back_off(now);
        }
        inner.cause = Some(Cause::Errors(lost.to_string()));
    }

    /// An answer came. True if nothing was in its way: the usual case, decided without a change.
    pub(super) fn answered(&self, now: Instant) -> bool {
        let mut inner = self.lock();
        if inner.cause.is_none() {
            return true;
        }
        inner.pauses = 0;
        inner.recover(now);
        false
    }

    /// So many callers from now on, as far as nothing is in the way.
    pub(super) fn set_most(&self, most: usize) {
        let mut inner = self.lock();
        let is_free = inner.allowed == inner.most;
        inner.most = most;
        inner.allowed = if is_free { most } else { inner.allowed.min(most) };
    }

    /// Why it is slow.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.lock().cause.clone()
    }

    /// How often the server was in the way.
    pub(super) fn waits(&self) -> Waits {
        self.lock().waits
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn halve(&mut self, now: Instant) {
        // Callers that were under way at the same time met the same trouble: it counts once.
        if now.saturating_duration_since(self.changed) >= RECOVER_EVERY / 2 || self.cause.is_none() {
            self.allowed = (self.allowed / 2).max(1);
            self.changed = now;
        }
    }

    fn back_off(&mut self, now: Instant) {
        if self.until.is_none_or(|until| until <= now) {
            let wait = (FIRST_PAUSE * 2u32.pow(self.pauses.min(10))).min(LONGEST_PAUSE);
            self.pauses += 1;
            self.pause(now, jittered(wait, 0.5, 1.0));
        }
    }

    fn pause(&mut self, now: Instant, wait: Duration) {
        self.until = self.until.max(Some(now + wait));
    }

    fn recover(&mut self, now: Instant) {
        if now.saturating_duration_since(self.changed) < RECOVER_EVERY {
            return;
        }
        self.changed = now;
        self.allowed = (self.allowed + (self.allowed / 4).max(1)).min(self.most);
        if self.allowed == self.most {
            self.cause = None;
            self.until = None;
        }
    }
}

fn jittered(wait: Duration, from: f64, to: f64) -> Duration {
    wait.mul_f64(from + fastrand::f64() * (to - from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_honoured_and_callers_halve_once() {
        let start = Instant::now();
        let throttle = Throttle::new(16, Duration::from_mins(30), start);
        assert_eq!(throttle.wait(15, start), None);
        let pause = Pause::RateLimited(Some(Duration::from_secs(3)));
        for _ in 0..10 {
            throttle.paused(&pause, start);
        }
        assert!(throttle.wait(0, start).unwrap() >= Duration::from_secs(3));
        let later = start + Duration::from_secs(4);
        assert_eq!(throttle.wait(7, later), None);
        assert!(throttle.wait(8, later).is_some());
        assert_eq!(throttle.cause().unwrap().to_string(), "429, Retry-After 3 s");
    }

    #[test]
    fn it_recovers_slowly_and_wholly() {
        let start = Instant::now();
        let throttle = Throttle::new(16, Duration::from_mins(30), start);
        throttle.unanswered(&Lost::Proxy(502), start);
        let mut now = start + Duration::from_secs(2);
        let mut seconds = 0;
        while !throttle.answered(now) {
            now += Duration::from_secs(1);
            seconds += 1;
        }
        assert!((3..=10).contains(&seconds), "{seconds}");
        assert_eq!(throttle.wait(15, now), None);
        assert_eq!(throttle.cause(), None);
    }

    #[test]
    fn a_server_that_is_down_is_asked_ever_more_rarely() {
        let start = Instant::now();
        let throttle = Throttle::new(4, Duration::from_mins(30), start);
        let down = Pause::Unreachable("refused".into());
        let mut now = start;
        let mut calls = 0;
        while now < start + Duration::from_mins(1) {
            throttle.paused(&down, now);
            throttle.paused(&down, now);
            calls += 1;
            now += throttle.wait(0, now).unwrap();
        }
        assert!((8..=25).contains(&calls), "{calls}");
    }
}
