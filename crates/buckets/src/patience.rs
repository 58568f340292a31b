//! How long a store is asked again, and when that is given up; pure.

use std::time::Duration;

/// How often and how long something is tried that may be mended by waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// In all, without any success.
    most: Duration,
    /// Waited so far since the last success.
    waited: Duration,
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

impl Patience {
    /// For the first contact: a wrong address is to be told at once.
    pub(crate) const SHORT: Self = Self::new(Duration::from_secs(5));
    /// For what was being read: a store is away for a restart, a network for a while.
    pub(crate) const LONG: Self = Self::new(Duration::from_mins(5));

    const fn new(most: Duration) -> Self {
        Self { most, waited: Duration::ZERO, next: FIRST }
    }

    /// A try took that long and failed: how long to wait before the next; `None`: it is given up.
    pub(crate) fn wait(&mut self, tried: Duration) -> Option<Duration> {
        self.waited += tried;
        let left = self.most.checked_sub(self.waited).filter(|left| !left.is_zero())?;
        let wait = self.next.min(left);
        self.waited += wait;
        self.next = (self.next * 2).min(LONGEST);
        Some(wait)
    }

    /// How long it has been waited for in all.
    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends() {
        let mut patience = Patience::SHORT;
        let mut waits = Vec::new();
        while let Some(wait) = patience.wait(Duration::from_millis(10)) {
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [200, 400, 800, 1600, 1950]);
        assert_eq!(patience.waited(), Duration::from_millis(5010));
    }

    #[test]
    fn tries_that_hang_count() {
        let mut patience = Patience::LONG;
        let mut tries = 1;
        while patience.wait(Duration::from_secs(30)).is_some() {
            tries += 1;
        }
        assert!((8..=12).contains(&tries), "{tries}");
    }
}
