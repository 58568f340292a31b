//! What it costs a server to begin a conversation, counted in messages.
//!
//! With the first message of a conversation a server makes records for everybody in it: on both real servers that took as long as
//! some twenty messages (docs/before.md), so 2,000 chats of one message took longer than 40,000 messages in 20. How many it is
//! depends on the server, so it is learned while a run goes, from seconds with many beginnings and seconds with few.

use std::time::Duration;

/// Where nothing is known: between the 22 and 30 of both releases, by the five histories of `tests/simulation/night.rs`.
pub(crate) const USUAL: f64 = 28.0;

/// Watches steps of a run: in each so many messages came in, so many conversations were begun, in so much time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Beginning {
    open: Step,
    steps: f64,
    begun: f64,
    // Sums of products of messages (m), beginnings (b) and seconds (s).
    ss: f64,
    ms: f64,
    bs: f64,
    mm: f64,
    mb: f64,
    bb: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Step {
    messages: f64,
    begun: f64,
    seconds: f64,
}

/// Shorter steps show the server's batches more than its pace.
const LEAST: f64 = 2.0;
/// So much of what was seen counts after the next step: a server becomes another one over the night.
const KEPT: f64 = 0.998;
/// Looked for among `USUAL` times a power of this.
const FINE: f64 = 1.15;
const POWERS: i32 = 29;
/// How far from the usual it may well be: the logarithm of a factor of four.
const SPREAD: f64 = 1.4;

impl Beginning {
    /// A step.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn step(&mut self, messages: u64, begun: u64, time: Duration) {
        self.open.messages += messages as f64;
        self.open.begun += begun as f64;
        self.open.seconds += time.as_secs_f64();
        if self.open.seconds < LEAST {
            return;
        }
        let Step { messages: m, begun: b, seconds: s } = std::mem::take(&mut self.open);
        let sums = [&mut self.ss, &mut self.ms, &mut self.bs, &mut self.mm, &mut self.mb, &mut self.bb];
        for (sum, more) in sums.into_iter().zip([s * s, m * s, b * s, m * m, m * b, b * b]) {
            *sum = sum.mul_add(KEPT, more);
        }
        self.steps = self.steps.mul_add(KEPT, 1.0);
        self.begun = self.begun.mul_add(KEPT, b);
    }

    /// As many messages take as long as beginning a conversation does: what explains the steps best and is not far from usual.
    pub fn cost(&self, usual: f64) -> f64 {
        let all = (-POWERS..=POWERS).map(|power| usual * FINE.powi(power));
        let scored = all.map(|cost| (self.doubt(cost, usual), cost));
        scored.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(usual, |(_, cost)| cost)
    }

    /// How badly that explains what was seen, and how unusual it is.
    fn doubt(&self, cost: f64, usual: f64) -> f64 {
        let far = ((cost / usual).ln() / SPREAD).powi(2);
        let (work, with) = (self.mm + 2.0 * cost * self.mb + cost * cost * self.bb, self.ms + cost * self.bs);
        if work <= 0.0 || self.ss <= 0.0 {
            return far;
        }
        // What is left of the squares; a hundredth is noise on any server.
        let left = (1.0 - with * with / (work * self.ss)).max(0.0) + 1e-2;
        // Two steps are explained by a pace and a cost whatever they were. And however many there are without beginnings: what one
        // with beginnings took may have been anything else.
        let begin = if self.bb > 0.0 { self.begun * self.begun / self.bb } else { 0.0 };
        (self.steps - 2.0).min(begin - 1.0).max(0.0).mul_add(left.ln(), far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps on a server on which a beginning costs so many messages of 1 ms, with some noise.
    fn learned(cost: f64, steps: impl Iterator<Item = (u64, u64)>) -> f64 {
        let (mut beginning, mut dice) = (Beginning::default(), 7_u64);
        for (messages, begun) in steps {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = 0.8 + f64::from(u32::try_from(dice >> 48).unwrap()) / f64::from(1 << 16) * 0.4;
            let seconds = (cost * f64::from(u32::try_from(begun).unwrap())
                + f64::from(u32::try_from(messages).unwrap()))
                * 0.001;
            beginning.step(messages, begun, Duration::from_secs_f64(seconds * noise));
        }
        beginning.cost(USUAL)
    }

    #[test]
    fn nothing_seen_is_as_usual_and_so_is_what_was_always_mixed_alike() {
        assert!((Beginning::default().cost(USUAL) - USUAL).abs() < 1e-9);
        let alike = learned(100.0, (0..50).map(|_| (1_000, 10)));
        assert!((0.5..2.0).contains(&(alike / USUAL)), "{alike}");
    }

    #[test]
    fn seconds_with_many_beginnings_and_seconds_with_few_tell_it() {
        for cost in [2.0, 20.0, 200.0] {
            let found = learned(cost, (0..60).map(|n| (1_500, if n % 3 == 0 { 200 } else { 5 * n })));
            assert!((0.5..1.6).contains(&(found / cost)), "{cost}: {found}");
        }
    }

    #[test]
    fn a_few_noisy_seconds_are_not_believed() {
        // A slow start, in which little is begun: two steps, which a cost of next to nothing would explain.
        let found = learned(2.0, [(1_000, 40), (1_000, 40), (1_000, 1), (1_000, 1)].into_iter());
        assert!((0.5..2.0).contains(&(found / USUAL)), "{found}");
    }
    #[test]
    fn one_step_with_beginnings_tells_nothing_however_many_there_are_without() {
        // It had not found its pace yet.
        let found = learned(1.0, std::iter::once((600, 400)).chain((0..60).map(|_| (1_000, 0))));
        assert!((0.5..2.0).contains(&(found / USUAL)), "{found}");
    }
}
