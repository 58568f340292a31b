//! Which lag is aimed at: that of the idle server, and some of what `--max-lag` allows above it.

use std::time::Duration;

/// The idle lag, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    above: Duration,
    idle: Option<Duration>,
    /// How long there was next to nothing under way, and the lag was above the aim all the same.
    in_vain: u32,
    least_in_vain: Duration,
}

/// The lag of an idle server is known no better than this: both releases close a batch every 100 ms, numbers are asked for
/// now and then, and of a few messages some are lucky. 63 ms was measured on a real 3.8.3 on which nothing under load ever
/// took less than this. With 140 the importer stored 1.10 of what a small client did there, and people waited longer than
/// 300 ms in half of the runs (benches/README.md).
const IDLE: Duration = Duration::from_millis(130);

/// So many steps in a row with next to nothing under way, and the lag is that of a server that has become slower.
const IN_VAIN: u32 = 8;

impl Aim {
    /// At most so much above the idle lag.
    pub(crate) fn new(above: Duration) -> Self {
        Self { above, idle: None, in_vain: 0, least_in_vain: Duration::MAX }
    }

    /// From now on at most so much above the idle lag, which stays known.
    pub(crate) fn allow(&mut self, above: Duration) {
        self.above = above;
    }

    /// The lag of the idle server.
    pub(crate) fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// To be aimed at: three eighths of what is allowed: live users meet the worst of a while, and measured so nothing is lost by it.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.idle.map(|idle| idle.max(IDLE) + self.above * 3 / 8)
    }

    /// The most that is allowed.
    pub(crate) fn most(&self) -> Option<Duration> {
        self.idle.map(|idle| idle.max(IDLE) + self.above)
    }

    /// The worst lag of a while. `least`: as little was under way as ever is. `is_whole`: long ones would have been seen.
    ///
    /// Idle is what was ever seen at the lowest: a server that gets slower has a longer queue for the same bound, and
    /// that is no reason to allow more. Only where next to nothing of ours is under way the lag is not our doing.
    pub(crate) fn learn(&mut self, worst: Duration, least: bool, is_whole: bool) {
        let above = self.lag().is_some_and(|aim| worst > aim);
        self.idle = Some(self.idle.map_or(worst, |idle| if is_whole { idle.min(worst) } else { idle }));
        if !least || !above {
            (self.in_vain, self.least_in_vain) = (0, Duration::MAX);
            return;
        }
        self.in_vain += 1;
        self.least_in_vain = self.least_in_vain.min(worst);
        if self.in_vain >= IN_VAIN {
            self.idle = Some(self.least_in_vain);
            (self.in_vain, self.least_in_vain) = (0, Duration::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const US: Duration = Duration::from_micros(1);

    #[test]
    fn idle_is_the_lowest_and_rises_only_where_nothing_of_ours_is_under_way() {
        let mut aim = Aim::new(300 * MS);
        assert_eq!(aim.lag(), None);
        aim.learn(150 * MS, true, true);
        aim.learn(40 * MS, false, false);
        assert_eq!(aim.idle(), Some(150 * MS), "long ones could not be seen");
        aim.learn(110 * MS, false, true);
        assert_eq!((aim.idle(), aim.lag(), aim.most()), (Some(110 * MS), Some(242_500 * US), Some(430 * MS)));
        aim.allow(100 * MS);
        assert_eq!((aim.lag(), aim.most()), (Some(167_500 * US), Some(230 * MS)));
        aim.allow(300 * MS);
        for _ in 0..1_000 {
            aim.learn(5_000 * MS, false, true);
        }
        assert_eq!(aim.idle(), Some(110 * MS), "a long queue of our own does not raise it");
        for _ in 0..IN_VAIN {
            aim.learn(900 * MS, true, true);
        }
        assert_eq!(aim.idle(), Some(900 * MS));
        aim.learn(120 * MS, false, true);
        assert_eq!(aim.idle(), Some(120 * MS), "and comes down at once");
    }
}
