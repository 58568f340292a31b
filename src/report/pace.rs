//! Rates and the time left, from one look after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::progress::Snapshot;
use crate::pacing::eta::{self, Eta};

/// Rates and the time left, from two looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// In the last seconds, units a second.
    pub now: f64,
    /// Since the first look.
    pub average: f64,
    /// Time left, as far as that can be said.
    pub left: Option<Duration>,
}

/// Keeps what is needed for [`Rates`]: some seconds of looks for "now", the start for "average". It begins with the first
/// look that knows how much there is: what was done before a command is none of its pace.
#[derive(Debug, Default)]
pub struct Pace {
    /// What is being done: another phase has a pace of its own.
    phase: &'static str,
    /// When, and how much was done by then.
    first: Option<(Instant, u64)>,
    /// When, and how much was done.
    recent: VecDeque<(Instant, u64)>,
    /// How long it was paused, and until when that is counted.
    paused: (Duration, Option<Instant>),
    eta: Eta,
}

impl Pace {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a look.
    #[expect(clippy::cast_precision_loss, reason = "rates are shown rounded")]
    pub fn update(&mut self, now: Instant, snapshot: &Snapshot) -> Rates {
        if self.phase != snapshot.phase {
            *self = Self { phase: snapshot.phase, ..Self::default() };
        }
        if self.first.is_none() && snapshot.total == 0 && snapshot.done == 0 {
            return Rates::default();
        }
        let (started, first) = *self.first.get_or_insert((now, snapshot.done));
        self.recent.push_back((now, snapshot.done));
        while self.recent.len() > 2 && now.duration_since(self.recent[0].0) > Duration::from_secs(15) {
            self.recent.pop_front();
        }
        let (then, done) = &self.recent[0];
        let since = now.duration_since(*then).as_secs_f64();
        let speed = |n: u64, seconds: f64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
        let total = now.duration_since(started).as_secs_f64();
        let (paused, until) = self.paused;
        self.paused = match until {
            Some(until) => (paused + now.duration_since(until), snapshot.is_paused.then_some(now)),
            None => (paused, snapshot.is_paused.then_some(now)),
        };
        // What is paused goes on when somebody says so, and as fast as before.
        let look = (!snapshot.is_paused).then(|| eta::Look {
            at: now.duration_since(started).saturating_sub(self.paused.0),
            done: snapshot.done,
            total: snapshot.total,
            begun: snapshot.conversations_begun,
            not_begun: snapshot.conversations.saturating_sub(snapshot.conversations_begun),
            longest: snapshot.longest.as_ref().map_or(0, |(_, left)| *left),
            by_rate: snapshot.by_rate,
            is_starting: snapshot.is_starting,
        });
        let left = look.and_then(|look| self.eta.look(&look));
        Rates {
            now: speed(snapshot.done.saturating_sub(*done), since),
            average: speed(snapshot.done.saturating_sub(first), total),
            left: left.filter(|left| left.as_secs() < 100_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_giant_decides_the_time_left() {
        let start = Instant::now();
        let mut pace = Pace::new();
        let look = |done, left| Snapshot {
            done,
            total: 10_000,
            longest: Some(("sg_giant".into(), left)),
            ..Snapshot::default()
        };
        pace.update(start, &look(0, 4_000));
        // 5,000 in ten seconds: the others take 4.1 s, what is left of the giant then 10.3 s alone, and the end 1.6 s.
        let rates = pace.update(start + Duration::from_secs(10), &look(5_000, 3_900));
        assert_eq!(rates.left.map(|left| left.as_millis()), Some(15_970), "{rates:?}");
    }

    #[test]
    fn a_pause_has_no_end_and_is_no_pace() {
        let (start, mut pace) = (Instant::now(), Pace::new());
        let mut look = |second: u64, done, is_paused| {
            let snapshot = Snapshot { done, total: 100_000, is_paused, ..Snapshot::default() };
            let rates = pace.update(start + Duration::from_secs(second), &snapshot);
            rates.left.map(|left| left.as_secs())
        };
        for second in 0..=20 {
            look(second, 1_000 * second, false);
        }
        assert_eq!((21..600).find_map(|second| look(second, 20_000, true)), None);
        let after: Vec<_> =
            (600..610).map(|second| look(second, 20_000 + 1_000 * (second - 599), false)).collect();
        assert!(after.iter().all(|left| left.is_some_and(|left| (69..85).contains(&left))), "{after:?}");
    }

    #[test]
    fn no_estimate_before_one_percent() {
        let start = Instant::now();
        let mut pace = Pace::new();
        let look = |done| Snapshot { done, total: 10_000, ..Snapshot::default() };
        pace.update(start, &look(0));
        assert!(pace.update(start + Duration::from_secs(1), &look(99)).left.is_none());
        assert!(pace.update(start + Duration::from_secs(2), &look(100)).left.is_some());
    }

    #[test]
    fn what_was_done_before_is_no_pace_and_the_second_look_has_one() {
        let start = Instant::now();
        let mut pace = Pace::new();
        let look = |done, total| Snapshot { done, total, ..Snapshot::default() };
        // The job is still being opened: nothing is known.
        pace.update(start, &look(0, 0));
        pace.update(start + Duration::from_secs(20), &look(9_000, 10_000));
        let rates = pace.update(start + Duration::from_secs(21), &look(9_050, 10_000));
        assert!((rates.average - 50.0).abs() < 1e-6 && (rates.now - 50.0).abs() < 1e-6, "{rates:?}");
    }
}
