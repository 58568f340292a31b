//! How fast a server stores, taken from a run while it goes: by what limited it at each look.
//!
//! How long a part took says little of how fast the server is: the start and the look behind the last message take seconds,
//! in which nothing is stored. So only the time counts in which the server was what limited the run.

use std::time::Duration;

use crate::{Beginning, Limit};

/// Messages, and the time in which they were stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Messages.
    pub messages: u64,
    /// Conversations that were begun with them.
    pub begun: u64,
    /// Time.
    pub time: Duration,
}

/// What was seen of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    /// While several conversations were under way.
    pub together: Stretch,
    /// While one was alone.
    pub alone: Stretch,
    /// What it costs to begin a conversation.
    pub beginning: Beginning,
}

/// A look at a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// When.
    pub at: Duration,
    /// Messages confirmed by then.
    pub confirmed: u64,
    /// Conversations begun by then.
    pub begun: u64,
    /// What limits it; `None`: somebody's will, or trouble.
    pub limit: Option<Limit>,
    /// Conversations under way.
    pub active: usize,
}

/// Watches a run.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    measured: Measured,
    last: Option<Glance>,
    /// When it began, or somebody's will or trouble was what limited, last.
    unsettled: Duration,
}

/// What a look counts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Regime {
    Together,
    Alone,
    Neither,
}

/// Fewer, or in less time, say nothing of how fast it is: the server stores in batches.
const ENOUGH: (u64, Duration) = (250, Duration::from_secs(1));
/// What is in the queue when the start is over would be stored in deeper batches, and faster than ever after: so it is thought
/// why a canary of 2,000 messages that counted it promised 0.59 of the night that followed on a real 3.8.3. Not measured there since.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);
/// With fewer under way the calls may be what limits, one at a time in each.
const SEVERAL: usize = 3;

impl Stretch {
    /// Seconds for each message, if there were enough of them.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn each(&self) -> Option<f64> {
        let is_enough = self.messages >= ENOUGH.0 && self.time >= ENOUGH.1;
        is_enough.then(|| self.time.as_secs_f64() / self.messages as f64)
    }
}

impl Measured {
    /// Seconds for each message where several conversations are under way, without what their beginnings take, usually as long
    /// as so many messages.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn message(&self, usual: f64) -> Option<f64> {
        let each = self.together.each()?;
        let (messages, begun) = (self.together.messages as f64, self.together.begun as f64);
        Some(each * messages / begun.mul_add(self.beginning.cost(usual), messages))
    }
}

impl Glance {
    fn regime(&self) -> Regime {
        match self.limit {
            Some(Limit::Lag | Limit::Connections) if self.active >= SEVERAL => Regime::Together,
            Some(Limit::Lag | Limit::Windows) if self.active == 1 => Regime::Alone,
            _ => Regime::Neither,
        }
    }
}

impl Meter {
    /// Takes a look: the time since the last one counts where both say the same.
    pub fn look(&mut self, now: Glance) {
        if matches!(now.limit, None | Some(Limit::Starting)) {
            self.unsettled = now.at;
        }
        let Some(last) = self.last.replace(now) else { return };
        if last.at < self.unsettled + SETTLE {
            return;
        }
        let regime = if last.regime() == now.regime() { now.regime() } else { Regime::Neither };
        let stretch = match regime {
            Regime::Together => &mut self.measured.together,
            Regime::Alone => &mut self.measured.alone,
            Regime::Neither => return,
        };
        let (messages, begun) =
            (now.confirmed.saturating_sub(last.confirmed), now.begun.saturating_sub(last.begun));
        let time = now.at.saturating_sub(last.at);
        stretch.messages += messages;
        stretch.begun += begun;
        stretch.time += time;
        if regime == Regime::Together {
            self.measured.beginning.step(messages, begun, time);
        }
    }

    /// What was seen so far.
    pub fn measured(&self) -> Measured {
        self.measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance(ms: u64, confirmed: u64, limit: Option<Limit>, active: usize) -> Glance {
        Glance { at: Duration::from_millis(ms), confirmed, begun: 0, limit, active }
    }

    #[test]
    fn only_the_time_counts_in_which_the_server_was_what_limits() {
        let mut meter = Meter::default();
        let lag = Some(Limit::Lag);
        for look in [
            glance(0, 0, Some(Limit::Starting), 9),
            glance(1_000, 300, lag, 9),
            glance(2_000, 900, lag, 8),
            // Somebody pauses it, and what comes right after that does not count either.
            glance(9_000, 900, None, 8),
            glance(9_500, 1_000, lag, 8),
            glance(10_000, 1_300, lag, 3),
            // Two are neither many nor one.
            glance(11_000, 1_500, Some(Limit::Windows), 2),
            glance(12_000, 1_700, Some(Limit::Windows), 1),
            glance(13_000, 2_000, Some(Limit::Windows), 1),
            // The end.
            glance(19_000, 2_000, Some(Limit::Windows), 0),
        ] {
            meter.look(look);
        }
        let stretch = |messages, ms| Stretch { messages, begun: 0, time: Duration::from_millis(ms) };
        let measured = meter.measured();
        assert_eq!((measured.together, measured.alone), (stretch(600, 1_000), stretch(300, 1_000)));
        assert_eq!(stretch(500, 1_000).each(), Some(0.002));
        assert_eq!((stretch(200, 1_600).each(), stretch(900, 900).each()), (None, None));
    }
}
