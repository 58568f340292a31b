//! The one patience of all calls: how long to wait before a call that failed is made again, and when to give up.

use std::time::Duration;

use tokio::time::Instant;

use super::error::CallError;

/// What a server asks for with `Retry-After` is honoured up to here: more is a mistake, or longer than anybody means
/// to wait for one call.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a call is given before it is given up: each has one of its own.
#[derive(Debug, Clone)]
pub struct Patience {
    began: Instant,
    give_up: Duration,
    wait: Duration,
}

/// Why a call is not made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMore {
    /// The answer would be the same.
    Refused,
    /// The server gave no answer for so long.
    GaveUp(Duration),
}

impl Patience {
    /// From now on, for so long.
    pub fn new(give_up: Duration) -> Self {
        Self { began: Instant::now(), give_up, wait: FIRST_WAIT }
    }

    /// After this error: how long to wait before the call is made again. Longer each time, as long as the server asks
    /// for within bounds, and never past the time at which it is given up.
    pub fn after(&mut self, error: &CallError) -> Result<Duration, NoMore> {
        if !error.is_passing() {
            return Err(NoMore::Refused);
        }
        let spent = self.began.elapsed();
        let Some(left) = self.give_up.checked_sub(spent).filter(|left| !left.is_zero()) else {
            return Err(NoMore::GaveUp(spent));
        };
        let asked_for = match error {
            CallError::RateLimited(after) => retry_after(*after),
            _ => Duration::ZERO,
        };
        let wait = self.wait.max(asked_for).min(left);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(wait)
    }
}

/// How long a 429 is waited for.
pub fn retry_after(asked_for: Option<Duration>) -> Duration {
    asked_for.unwrap_or(Duration::from_secs(1)).min(LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_end_with_the_patience() {
        let mut patience = Patience::new(Duration::from_mins(1));
        let down = CallError::Unreachable("refused".into());
        let mut waits = Vec::new();
        let ended = loop {
            match patience.after(&down) {
                Ok(wait) => {
                    waits.push(wait);
                    tokio::time::advance(wait).await;
                }
                Err(ended) => break ended,
            }
        };
        assert_eq!(waits[..3], [250, 500, 1000].map(Duration::from_millis));
        assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT), "{waits:?}");
        assert_eq!(waits.iter().sum::<Duration>(), Duration::from_mins(1));
        assert_eq!(ended, NoMore::GaveUp(Duration::from_mins(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_server_makes_us_wait_for_ever() {
        for asked in [86_400, u64::MAX] {
            let mut patience = Patience::new(Duration::from_secs(45));
            let limited = CallError::RateLimited(Some(Duration::from_secs(asked)));
            assert_eq!(patience.after(&limited), Ok(LONGEST_RETRY_AFTER));
            tokio::time::advance(LONGEST_RETRY_AFTER).await;
            assert_eq!(patience.after(&limited), Ok(Duration::from_secs(15)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final() {
        let refused = CallError::Refused { path: "/x", code: 1001, said: String::new() };
        assert_eq!(Patience::new(Duration::from_mins(1)).after(&refused), Err(NoMore::Refused));
    }
}
