//! `--rate`: at most so many a second. The only user of governor.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// At most so many messages a second.
#[derive(Debug)]
pub struct Rate<C: Clock = MonotonicClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl Rate {
    /// By the real clock.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self::with_clock(per_second, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rate<C> {
    /// By any clock.
    fn with_clock(per_second: NonZeroU32, clock: C) -> Self {
        // governor's own burst is a whole second's quota: 399 of 200/s went out in the first second. A burst
        // of 1 starves high rates, timers being about a millisecond. A hundredth of a second exceeds the
        // rate by 1 % at most, in any second (measured).
        let burst = NonZeroU32::new(per_second.get() / 100).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes a turn, or says how long to wait before asking again.
    pub fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

impl Rate {
    /// Waits for a turn.
    pub async fn turn(&self) {
        while let Err(wait) = self.take() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    /// Asks every 0.2 ms for `seconds`; when each turn was given, in ms.
    fn turns(per_second: u32, seconds: u64) -> Vec<f64> {
        let clock = FakeRelativeClock::default();
        let rate = Rate::with_clock(NonZeroU32::new(per_second).unwrap(), clock.clone());
        let mut turns = Vec::new();
        for step in 0..seconds * 5_000 {
            while rate.take().is_ok() {
                turns.push(step as f64 / 5.0);
            }
            clock.advance(Duration::from_micros(200));
        }
        turns
    }

    #[test]
    fn no_second_exceeds_the_rate_by_more_than_two_percent() {
        for per_second in [1, 7, 50, 99, 100, 500, 3_000, 20_000] {
            let turns = turns(per_second, 8);
            let most = (f64::from(per_second) * 1.02).max(f64::from(per_second) + 1.0);
            let mut from = 0;
            for (n, at) in turns.iter().enumerate() {
                while turns[from] <= at - 1_000.0 {
                    from += 1;
                }
                assert!((n - from + 1) as f64 <= most, "{per_second}/s: {} at {at} ms", n - from + 1);
            }
            let five = turns.iter().filter(|at| (1_000.0..6_000.0).contains(*at)).count();
            assert!(five as f64 >= 0.97 * 5.0 * f64::from(per_second), "{per_second}/s: {five} in 5 s");
        }
    }

    #[test]
    fn callers_that_wait_as_told_reach_the_rate() {
        let clock = FakeRelativeClock::default();
        let rate = Rate::with_clock(NonZeroU32::new(500).unwrap(), clock.clone());
        let mut given = 0;
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(5) {
            match rate.take() {
                Ok(()) => given += 1,
                Err(wait) => {
                    // A timer is never early, and up to a millisecond late.
                    let wait = wait + Duration::from_micros(700);
                    now += wait;
                    clock.advance(wait);
                }
            }
        }
        assert!((2_425..=2_525).contains(&given), "{given}");
    }
}
