//! How a run went, over its time: for the report, which shows when it was slow.

use std::time::Duration;

use serde::Serialize;

/// Slices of equal length, never more than [`MOST`]: when they are full, two become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    every: Duration,
    slices: Vec<Slice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Slice {
    /// Messages confirmed in it.
    confirmed: u64,
    /// The longest lag seen in it, ms.
    lag: u64,
}

/// A course as the job keeps it.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    /// Length of a slice, seconds.
    every: u64,
    /// Messages confirmed in each.
    confirmed: Vec<u64>,
    /// How long messages waited for their numbers at worst, ms.
    lag_ms: Vec<u64>,
}

/// As many columns as a chart can show.
const MOST: usize = 120;

impl Default for Course {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), slices: Vec::new() }
    }
}

impl Course {
    /// So long after the beginning so many messages more are confirmed, with that lag.
    pub(super) fn note(&mut self, at: Duration, more: u64, lag: Duration) {
        let mut index = self.index(at);
        while index >= MOST {
            self.halve();
            index = self.index(at);
        }
        if self.slices.len() <= index {
            self.slices.resize(index + 1, Slice::default());
        }
        let slice = &mut self.slices[index];
        slice.confirmed += more;
        slice.lag = slice.lag.max(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
    }

    /// As the job keeps it.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            every: self.every.as_secs(),
            confirmed: self.slices.iter().map(|slice| slice.confirmed).collect(),
            lag_ms: self.slices.iter().map(|slice| slice.lag).collect(),
        }
    }

    fn index(&self, at: Duration) -> usize {
        usize::try_from(at.as_secs() / self.every.as_secs().max(1)).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        let pair = |pair: &[Slice]| Slice {
            confirmed: pair.iter().map(|slice| slice.confirmed).sum(),
            lag: pair.iter().map(|slice| slice.lag).max().unwrap_or(0),
        };
        self.slices = self.slices.chunks(2).map(pair).collect();
        self.every *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_night_has_as_many_columns_as_a_short_one_and_loses_nothing() {
        for seconds in [1, 119, 120, 121, 3_600, 100_000_u64] {
            let mut course = Course::default();
            for at in 0..seconds {
                course.note(Duration::from_secs(at), 3, Duration::from_millis(at));
            }
            let kept = course.kept();
            assert!(kept.confirmed.len() <= MOST);
            assert_eq!(kept.confirmed.iter().sum::<u64>(), 3 * seconds);
            assert_eq!(kept.lag_ms.last(), Some(&(seconds - 1)));
            assert!(kept.every * kept.confirmed.len() as u64 >= seconds);
        }
    }

    #[test]
    fn a_pause_is_seen() {
        let mut course = Course::default();
        course.note(Duration::from_secs(1), 5, Duration::ZERO);
        course.note(Duration::from_secs(4), 7, Duration::ZERO);
        assert_eq!(course.kept().confirmed, [0, 5, 0, 0, 7]);
    }
}
