//! When it will be over, as it looks while it goes: a time that does not jump about.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Beginning;
use crate::beginning::USUAL;
use crate::meter::SETTLE;
use crate::night::{END, left};

/// Watches the work, and says how much time is left.
#[derive(Debug, Clone, Default)]
pub struct Eta {
    first: Option<(Duration, u64)>,
    looks: VecDeque<Look>,
    beginning: Beginning,
    last: Option<Look>,
    /// When it had not found the pace yet, last.
    unsettled: Duration,
    /// When it ends, as it was said last, and when that was.
    said: Option<(Duration, Duration)>,
}

/// A look at the work, so long after the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Duration,
    /// Messages done.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// Conversations begun, of those that there are.
    pub begun: u64,
    /// Conversations that are not begun.
    pub not_begun: u64,
    /// What the conversation with most left has left.
    pub longest: u64,
    /// A rate that was set is what limits: then a conversation that is alone goes as fast as many do.
    pub by_rate: bool,
    /// The run has not found the pace of the server yet: what it takes for that is no cost of beginnings.
    pub is_starting: bool,
}

impl Look {
    /// One conversation has all that is left.
    fn is_alone(&self) -> bool {
        self.longest > 0 && self.longest >= self.total.saturating_sub(self.done)
    }
}

/// A pace is that of the second half of the time so far, within these bounds: at its beginning a run has not found the
/// pace of the server yet.
const WINDOW: (Duration, Duration) = (Duration::from_secs(3), Duration::from_mins(5));
/// As many looks are kept as a window needs.
const LOOKS: usize = 256;
/// A new estimate comes in within so many seconds, or a fifth of the time so far where that is less.
const SMOOTH: f64 = 15.0;
impl Eta {
    /// How much time is left; `None` before one percent is done, and while nothing moves.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn look(&mut self, look: &Look) -> Option<Duration> {
        let (began, first) = *self.first.get_or_insert((look.at, look.done));
        let so_far = look.at.saturating_sub(began);
        let window = (so_far / 2).clamp(WINDOW.0, WINDOW.1);
        while self.looks.len() > 1 && self.looks.get(1).is_some_and(|next| next.at + window <= look.at) {
            self.looks.pop_front();
        }
        // A look every fifth of a second for hours is more than a window needs.
        let rest = window / u32::try_from(LOOKS).unwrap_or(u32::MAX);
        if self.looks.back().is_none_or(|last| last.at + rest <= look.at) {
            self.looks.push_back(look.clone());
        }
        if look.is_starting {
            self.unsettled = look.at;
        }
        if let Some(last) = self.last.replace(look.clone())
            && !look.by_rate
            && last.at >= self.unsettled + SETTLE
        {
            let (messages, more) =
                (look.done.saturating_sub(last.done), look.begun.saturating_sub(last.begun));
            self.beginning.step(messages, more, look.at.saturating_sub(last.at));
        }
        // What many reached together says little of one alone.
        let alone = look.is_alone().then(|| self.looks.iter().find(|look| look.is_alone())).flatten();
        let alone = alone.filter(|then| then.at + WINDOW.0 <= look.at);
        let then = alone.or(self.looks.front())?;
        let since = look.at.saturating_sub(then.at).as_secs_f64();
        let moved = look.done.saturating_sub(first);
        if since <= 0.0 || look.total == 0 || moved.saturating_mul(100) < look.total {
            return None;
        }
        // A rate that was set counts messages alone.
        let cost = if look.by_rate { 0.0 } else { self.beginning.cost(USUAL) };
        let work = |messages: u64, begun: u64| cost.mul_add(begun as f64, messages as f64);
        let moved = (look.done.saturating_sub(then.done), look.begun.saturating_sub(then.begun));
        let pace = work(moved.0, moved.1) / since;
        let longest = if look.by_rate || alone.is_some() { 0 } else { look.longest };
        let all = work(look.total.saturating_sub(look.done), look.not_begun);
        let left = END + left(all, longest, pace)?;
        let end = (look.at + left).as_secs_f64();
        let end = match self.said {
            None => end,
            Some((said, at)) => {
                let smooth = (so_far.as_secs_f64() / 5.0).clamp(0.1, SMOOTH);
                let weight = 1.0 - (-look.at.saturating_sub(at).as_secs_f64() / smooth).exp();
                (end - said.as_secs_f64()).mul_add(weight, said.as_secs_f64())
            }
        };
        let end = Duration::from_secs_f64(end.clamp(0.0, 1e9));
        self.said = Some((end, look.at));
        Some(end.saturating_sub(look.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, done: u64, total: u64) -> Look {
        Look { at: Duration::from_secs(seconds), done, total, ..Look::default() }
    }

    #[test]
    fn nothing_is_said_before_one_percent_and_while_nothing_moves() {
        let mut eta = Eta::default();
        assert_eq!(eta.look(&at(0, 5_000, 105_000)), None);
        assert_eq!(eta.look(&at(1, 5_500, 105_000)), None);
        let left = eta.look(&at(3, 6_500, 105_000)).unwrap();
        assert!((195..=198).contains(&left.as_secs()), "{left:?}");
        let mut standing = Eta::default();
        standing.look(&at(0, 0, 100));
        assert_eq!(standing.look(&at(100, 0, 100)), None);
    }

    #[test]
    fn a_pace_that_jumps_makes_no_end_that_jumps() {
        let (mut eta, mut dice) = (Eta::default(), 7_u64);
        let (mut done, mut ends) = (0, Vec::new());
        for second in 0..1_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            done += 200 + (dice >> 33) % 600;
            if let Some(left) = eta.look(&at(second, done, 1_000_000)) {
                ends.push(second + left.as_secs());
            }
        }
        let (least, most) = ends[60..].iter().fold((u64::MAX, 0), |(a, b), end| (a.min(*end), b.max(*end)));
        assert!(most - least < least / 10, "{least} to {most}");
        let jump = ends.windows(2).map(|two| two[0].abs_diff(two[1])).skip(60).max();
        assert!(jump.unwrap() < 30, "{jump:?}");
    }

    #[test]
    fn the_giant_that_is_left_at_the_end_is_seen_from_the_beginning() {
        let of = |longest| {
            let (mut eta, mut left) = (Eta::default(), None);
            for second in 0..=100_u64 {
                left = eta.look(&Look { longest, ..at(second, 500 * second, 200_000) });
            }
            left.unwrap().as_secs()
        };
        // 150,000 are left: 300 s at the pace of now.
        assert_eq!(of(1_000), 301);
        // 50,000 others take 185 s, in which it sends 42,593, and the rest of it 199 s alone.
        let giant = of(100_000);
        assert!((370..=379).contains(&giant), "{giant}");
    }

    /// The longest first: at the end there are many beginnings and few messages.
    #[test]
    fn beginnings_that_are_still_to_come_are_counted() {
        let (mut eta, mut worst) = (Eta::default(), 0.0_f64);
        // A beginning costs 30 messages, of a thousandth of a second each: 300 s, then 3,000 chats of two messages, 96 s.
        let long = (300_000.0 / 1.15_f64).round();
        let whole = |number: f64| format!("{number:.0}").parse::<u64>().unwrap();
        for second in 0..=396_u32 {
            let at = f64::from(second);
            let (first, chats) = (long * (at / 300.0).min(1.0), ((at - 300.0) / 0.032).max(0.0));
            let look = Look {
                begun: whole(first / 200.0 + chats),
                not_begun: whole((long - first) / 200.0 + 3_000.0 - chats),
                ..at_whole(second, whole(first + 2.0 * chats), whole(long + 6_000.0))
            };
            if let Some(left) = eta.look(&look).filter(|_| second > 39) {
                worst = worst.max((at + left.as_secs_f64() - 397.6).abs() / 397.6);
            }
        }
        // Counting messages alone it is 0.22.
        assert!(worst < 0.12, "{worst}");
    }

    fn at_whole(second: u32, done: u64, total: u64) -> Look {
        at(second.into(), done, total)
    }

    #[test]
    fn one_that_is_alone_is_measured_by_itself() {
        let mut eta = Eta::default();
        let mut left = None;
        for second in 0..=200_u64 {
            let done = if second < 100 { 500 * second } else { 50_000 + 200 * (second - 100) };
            let longest = if second < 100 { 30_000 } else { 90_000 - done };
            left = eta.look(&Look { longest, ..at(second, done, 90_000) });
        }
        // 20,000 at 200 a second.
        assert!((100..=102).contains(&left.unwrap().as_secs()), "{left:?}");
        // Where a rate holds it back, it goes no slower alone.
        let mut eta = Eta::default();
        for second in 0..=100 {
            left = eta.look(&Look { longest: 100_000, by_rate: true, ..at(second, 500 * second, 200_000) });
        }
        assert_eq!(left.unwrap().as_secs(), 301);
    }
}
