//! Faults on demand: what can go wrong with the real server, when it is asked for.
//!
//! A fault is a [`FaultKind`] and a [`When`]. Written as a flag, `lose-answer:chance=0.01,times=5`; as JSON
//! on the control path, `{"kind":"lose-answer","chance":0.01,"times":5}`. Whether it strikes is a function of
//! the seed, the fault and how many occasions it has seen: the same calls meet the same faults.

mod kind;
mod ongoing;
mod parse;
mod perform;

pub use kind::{Fault, FaultKind, UserAct, When};
pub(super) use ongoing::run;
pub(super) use perform::{generation_ended, perform, repeat_last};

use super::shared::mix;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The faults that are on.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    /// Nothing is on: the usual case costs one look.
    quiet: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    next: u64,
    on: Vec<Rule>,
}

/// A fault that is on, and what it did so far.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rule {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) fault: Fault,
    /// Occasions it had.
    pub(super) seen: u64,
    /// How often it struck.
    pub(super) struck: u64,
    /// Calls that the rate limiter still lets through, and when that was reckoned.
    #[serde(skip)]
    bucket: Option<(f64, Instant)>,
}

/// An occasion for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment<'a> {
    /// A call of that path came in.
    Call(&'a str),
    /// The second stage is about to number messages of that conversation.
    Number(&'a str),
    /// The third stage is about to store messages of that conversation.
    Store(&'a str),
    /// A call of the object store, by its method.
    Object(&'a str),
}

impl Faults {
    pub(super) fn new(seed: u64, faults: Vec<Fault>) -> Self {
        let new = Self { seed, quiet: AtomicBool::new(true), rules: Mutex::default() };
        for fault in faults {
            new.add(fault);
        }
        new
    }

    /// Turns a fault on; its id.
    pub(super) fn add(&self, fault: Fault) -> u64 {
        let mut rules = self.rules();
        rules.next += 1;
        let id = rules.next;
        rules.on.push(Rule { id, fault, seen: 0, struck: 0, bucket: None });
        self.quiet.store(false, Ordering::Relaxed);
        id
    }

    /// Turns one fault off, or all of them; how many that were.
    pub(super) fn remove(&self, id: Option<u64>) -> usize {
        let mut rules = self.rules();
        let before = rules.on.len();
        rules.on.retain(|rule| id.is_some_and(|id| id != rule.id));
        self.quiet.store(rules.on.is_empty(), Ordering::Relaxed);
        before - rules.on.len()
    }

    /// What is on.
    pub(super) fn list(&self) -> Vec<Rule> {
        self.rules().on.clone()
    }

    /// Which faults strike now, in the order in which they were turned on.
    pub(super) fn strike(&self, moment: Moment<'_>) -> Vec<FaultKind> {
        if self.quiet.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let seed = self.seed;
        let now = Instant::now();
        self.rules()
            .on
            .iter_mut()
            .filter_map(|rule| rule.strikes(seed, moment, now).then(|| rule.fault.kind.clone()))
            .collect()
    }

    /// Whether messages of that conversation, with that key, stand still in the queue.
    pub(super) fn stalls(&self, conversation: &str, key: &str) -> bool {
        !self.quiet.load(Ordering::Relaxed)
            && self.rules().on.iter().any(|rule| match (&rule.fault.kind, &rule.fault.when.conversation) {
                (FaultKind::Stall { .. }, Some(only)) => only == conversation,
                (FaultKind::Stall { of }, None) => {
                    key.bytes().fold(self.seed, |hash, byte| mix(hash ^ u64::from(byte))).is_multiple_of(*of)
                }
                _ => false,
            })
    }

    /// How many times as long storing takes.
    pub(super) fn slowness(&self) -> f64 {
        if self.quiet.load(Ordering::Relaxed) {
            return 1.0;
        }
        let factor = |rule: &Rule| if let FaultKind::Slow { by } = rule.fault.kind { by } else { 1.0 };
        self.rules().on.iter().map(factor).product()
    }

    /// Whether that fault is on, as it is.
    pub(super) fn is_on(&self, kind: &FaultKind) -> bool {
        !self.quiet.load(Ordering::Relaxed) && self.rules().on.iter().any(|rule| rule.fault.kind == *kind)
    }

    /// Whether the object store can't be reached.
    pub(super) fn has_no_store(&self) -> bool {
        !self.quiet.load(Ordering::Relaxed)
            && self.rules().on.iter().any(|rule| matches!(rule.fault.kind, FaultKind::StoreAway { .. }))
    }

    /// Whether the rate limiter is on.
    pub(super) fn limits_rate(&self) -> bool {
        self.rules().on.iter().any(|rule| matches!(rule.fault.kind, FaultKind::RateLimit { .. }))
    }

    /// Whether others write while an import runs.
    pub(super) fn has_live_traffic(&self) -> bool {
        self.rules().on.iter().any(|rule| matches!(rule.fault.kind, FaultKind::LiveTraffic { .. }))
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn strikes(&mut self, seed: u64, moment: Moment<'_>, now: Instant) -> bool {
        if !self.fault.fits(moment) {
            return false;
        }
        let occasion = self.seen;
        self.seen += 1;
        let when = &self.fault.when;
        if occasion < when.after
            || when.times.is_some_and(|times| self.struck >= times)
            || !(occasion - when.after).is_multiple_of(when.every.max(1))
        {
            return false;
        }
        let chance = mix(seed ^ mix(self.id) ^ occasion) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let chance = chance as f64 / (1u64 << 53) as f64;
        if chance >= when.chance {
            return false;
        }
        if let FaultKind::RateLimit { per_second } = self.fault.kind {
            let (left, then) = self.bucket.unwrap_or((per_second, now));
            let left = (left + per_second * (now - then).as_secs_f64()).min(per_second);
            let passes = left >= 1.0;
            self.bucket = Some((if passes { left - 1.0 } else { left }, now));
            if passes {
                return false;
            }
        }
        self.struck += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(spec: &str, seed: u64, calls: u64) -> Vec<u64> {
        let faults = Faults::new(seed, vec![spec.parse().unwrap()]);
        (0..calls).filter(|_| !faults.strike(Moment::Call("/msg/send_msg")).is_empty()).collect()
    }

    #[test]
    fn when_a_fault_strikes() {
        assert_eq!(struck("lose-answer", 1, 3), [0, 1, 2]);
        assert_eq!(struck("lose-answer:after=2,times=2", 1, 9), [2, 3]);
        assert_eq!(struck("lose-answer:every=3", 1, 7), [0, 3, 6]);
        assert!(struck("lose-answer:path=/msg/pull_msg_by_seq", 1, 9).is_empty());
    }

    #[test]
    fn chance_is_the_same_every_time() {
        let first = struck("lose-answer:chance=0.1", 7, 1000);
        assert!((60..160).contains(&first.len()), "{}", first.len());
        assert_eq!(first, struck("lose-answer:chance=0.1", 7, 1000));
        assert_ne!(first, struck("lose-answer:chance=0.1", 8, 1000));
    }
}
