//! How long the night will be, said before it begins.

use std::time::Duration;

use crate::message::Release;

/// How long a history takes on a server as fast as the ones that were measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Messages a second over all conversations: measured, or `--rate` where that is less.
    pub pace: f64,
    /// Everything at that pace.
    pub all: Duration,
    /// The longest conversation, which has one call under way and can't be hurried.
    pub alone: Duration,
}

impl Forecast {
    /// For so many messages, `longest` of them in one conversation.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn new(messages: u64, longest: u64, rate: Option<u32>, release: Release) -> Self {
        let at_most = |pace: f64| rate.map_or(pace, |rate| pace.min(f64::from(rate))).max(1.0);
        let time = |n: u64, pace: f64| Duration::from_secs_f64(n as f64 / pace);
        let pace = at_most(usual_pace(release));
        Self { pace, all: time(messages, pace), alone: time(longest, at_most(single_pace(release))) }
    }

    /// The larger of the two: nothing is shorter than its longest conversation.
    pub fn night(&self) -> Duration {
        self.all.max(self.alone)
    }
}

/// What both servers reached on two cores, every message confirmed (contract, law 1), messages a second.
pub(super) const fn usual_pace(release: Release) -> f64 {
    match release {
        Release::V3_8_3 => 900.0,
        Release::Main => 1_600.0,
    }
}

/// One caller alone (contract, section 6), messages a second.
const fn single_pace(release: Release) -> f64 {
    match release {
        Release::V3_8_3 => 322.0,
        Release::Main => 513.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_giant_decides_where_the_rest_is_small() {
        let spread = Forecast::new(9_000_000, 1_000, None, Release::V3_8_3);
        assert_eq!((spread.night(), spread.all), (spread.all, Duration::from_secs(10_000)));
        let giant = Forecast::new(9_000_000, 9_000_000, None, Release::V3_8_3);
        assert_eq!(giant.night(), giant.alone);
        assert!(giant.alone > 2 * giant.all);
    }

    #[test]
    fn a_rate_slows_and_never_hastens() {
        let slow = Forecast::new(1_000, 1_000, Some(10), Release::Main);
        assert_eq!((slow.all, slow.alone), (Duration::from_secs(100), Duration::from_secs(100)));
        let free = Forecast::new(1_000, 1, None, Release::Main);
        assert_eq!(Forecast::new(1_000, 1, Some(1_000_000), Release::Main), free);
    }
}
