//! How long the night will be. Pure: what there is to send and how fast a server stores come in, a time comes out.
//!
//! A server works for each message, and for each conversation that is begun: a history of a million chats with three messages
//! each takes longer than one with as many messages in a thousand. So a forecast counts beginnings besides messages. And a
//! conversation goes no faster than its messages can be read back, whatever else there is: nothing is shorter than its longest
//! one alone.

use std::time::Duration;

use crate::Measured;

/// What there is to send, as far as it decides how long that takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Messages.
    pub messages: u64,
    /// Conversations that are begun with them.
    pub begun: u64,
    /// Messages of the longest conversation.
    pub longest: u64,
}

/// How fast a server stores, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// For each message.
    pub message: f64,
    /// For each conversation that is begun, besides.
    pub begun: f64,
    /// For each message of a conversation that is alone.
    pub alone: f64,
}

/// A part of a history that was sent to a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// What it was.
    pub shape: Shape,
    /// How long all of it took.
    pub took: Duration,
    /// How fast the server was meanwhile.
    pub measured: Measured,
}

/// How long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// Everything together.
    pub all: Duration,
    /// The longest conversation, which has one call under way at a time.
    pub alone: Duration,
}

/// What a run takes besides: until it has found the pace of its server, and what stands behind the last messages.
pub const START: Duration = Duration::from_millis(2_200);
/// Of that, what comes when everything is confirmed.
pub(crate) const END: Duration = Duration::from_millis(1_600);

impl Shape {
    /// Of conversations with so many messages.
    pub fn of(conversations: impl IntoIterator<Item = u64>) -> Self {
        conversations.into_iter().fold(Self::default(), |shape, messages| Self {
            messages: shape.messages + messages,
            begun: shape.begun + u64::from(messages > 0),
            longest: shape.longest.max(messages),
        })
    }
}

impl Speed {
    /// 3.8.3 with server, databases and importer on the same two cores, from whole runs (docs/before.md).
    pub const V3_8_3: Self = Self { message: 0.002_4, begun: 0.053, alone: 1.0 / 275.0 };
    /// The next release, the same.
    pub const MAIN: Self = Self { message: 0.000_9, begun: 0.027, alone: 1.0 / 370.0 };

    /// A server that takes so many times as long.
    #[must_use]
    pub fn slower(self, times: f64) -> Self {
        Self { message: self.message * times, begun: self.begun * times, alone: self.alone * times }
    }

    /// By a part that was sent: this server, as far as it stores like that one. What was not seen of it is as many times
    /// as long as what was.
    #[must_use]
    pub fn by_part(self, part: &Part) -> Self {
        let beginning = self.begun / self.message;
        let message = part.measured.message(beginning);
        let alone = part.measured.alone.each().map(|each| each / self.alone);
        match (message, alone) {
            (Some(message), alone) => {
                let slower = self.slower(message / self.message);
                let usual = slower.alone.max(by_the_window(message));
                let alone = alone.map_or(usual, |alone| self.alone * alone);
                let begun = message * part.measured.beginning.cost(beginning);
                Self { begun, alone, ..slower }
            }
            (None, Some(alone)) => self.slower(alone),
            (None, None) => {
                let expected =
                    Night::new(&part.shape, self, None).length().saturating_sub(START).as_secs_f64();
                let took = part.took.saturating_sub(START).as_secs_f64();
                if expected > 0.0 && took > 0.0 { self.slower(took / expected) } else { self }
            }
        }
    }
}

impl Night {
    /// Of such a history on such a server, with a rate of messages a second that is never exceeded.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn new(shape: &Shape, speed: Speed, rate: Option<f64>) -> Self {
        let messages = shape.messages as f64;
        let stored = messages.mul_add(speed.message, shape.begun as f64 * speed.begun);
        let bound = rate.map_or(0.0, |rate| messages / rate.max(f64::MIN_POSITIVE));
        let longest = shape.longest as f64;
        let bound_alone = rate.map_or(0.0, |rate| longest / rate.max(f64::MIN_POSITIVE));
        let alone = of_the_longest(longest, messages - longest, messages / stored, 1.0 / speed.alone);
        Self { all: seconds(stored.max(bound)), alone: seconds(alone.max(bound_alone)) }
    }

    /// The larger of the two, nothing is shorter than its longest conversation, and what a run takes besides.
    pub fn length(&self) -> Duration {
        self.all.max(self.alone) + START
    }
}

/// The longest conversation goes beside the others first, and faster when they are through.
fn of_the_longest(longest: f64, others: f64, pace: f64, alone: f64) -> f64 {
    let beside = (pace * SHARE).min(alone).min(WINDOW / BESIDE);
    // Where there are no others, and nothing is measured of them, the pace may be anything.
    let together = if others > 0.0 { (others / (pace - beside)).min(longest / beside) } else { 0.0 };
    beside.mul_add(-together, longest).max(0.0) / alone + together
}

/// What the longest conversation has of the pace beside others, where it comes first: three quarters of what may be
/// unconfirmed. Measured on both releases.
const SHARE: f64 = 0.46;
/// And no more than a window in the lag that is aimed at, that of an idle server and three eighths of `--max-lag`, and the time
/// between two questions for numbers, in seconds. Where a thousand a second are stored it is a quarter of them.
const BESIDE: f64 = 0.13 + 0.3 * 3.0 / 8.0 + 0.02;

/// Messages of a conversation that may be without a number.
const WINDOW: f64 = 64.0;

/// Seconds a message of a conversation that is alone takes: a window has to be numbered before the next goes out. Both releases
/// close a batch every tenth of a second, and then work through it; of what a message takes where many conversations are under
/// way a fifth is for the conversations. That is 275 messages a second on 3.8.3 and 370 on main, as measured. The lag that was
/// seen at the start is no help: that was of messages which began their conversations.
fn by_the_window(message: f64) -> f64 {
    0.12 / WINDOW + 0.8 * message
}

/// How much time is left, by the pace of now, messages a second (a beginning is as many as it costs): everything at that, and the longest conversation, which
/// goes on alone when the others are through. `None`: nothing moves, so nobody knows.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn left(all: f64, longest: u64, pace: f64) -> Option<Duration> {
    if all <= 0.0 {
        return Some(Duration::ZERO);
    }
    if pace.is_nan() || pace <= 0.0 {
        return None;
    }
    let longest = (longest as f64).min(all);
    let most = by_the_window(pace.recip()).recip();
    Some(seconds((all / pace).max(of_the_longest(longest, all - longest, pace, (pace * ALONE).min(most)))))
}

/// A conversation that is alone reaches this share of what many reach together: measured on both releases (275 of 420
/// messages a second, 370 of 620).
const ALONE: f64 = 0.63;

/// More than thirty years are for ever.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stretch;

    fn hours(night: Duration) -> f64 {
        night.as_secs_f64() / 3600.0
    }

    #[test]
    fn a_giant_decides_where_the_rest_is_small() {
        let spread = Night::new(&Shape::of(vec![1_000; 9_000]), Speed::V3_8_3, None);
        assert_eq!(spread.length(), spread.all + START);
        let giant = Night::new(&Shape::of([9_000_000]), Speed::V3_8_3, None);
        assert_eq!(giant.length(), giant.alone + START);
        assert!(giant.alone > spread.all);
    }

    #[test]
    fn many_small_chats_take_longer_than_few_long_ones() {
        let small = Night::new(&Shape::of(vec![3; 1_000_000]), Speed::MAIN, None);
        let long = Night::new(&Shape::of(vec![3_000; 1_000]), Speed::MAIN, None);
        assert!(hours(small.length()) > 1.5 * hours(long.length()), "{small:?} {long:?}");
    }

    #[test]
    fn a_rate_slows_and_never_hastens() {
        let shape = Shape::of([1_000]);
        let slow = Night::new(&shape, Speed::MAIN, Some(10.0));
        assert_eq!((slow.all, slow.length()), (Duration::from_secs(100), Duration::from_secs(100) + START));
        let free = Night::new(&shape, Speed::MAIN, None);
        assert_eq!(Night::new(&shape, Speed::MAIN, Some(1e6)), free);
    }

    #[test]
    fn a_part_tells_how_fast_this_server_is() {
        let (part, whole) = (Shape::of(vec![100; 20]), Shape::of(vec![700; 900]));
        let real = Speed::MAIN.slower(2.5);
        let took = Night::new(&part, real, None).length();
        let sent = |shape| Part { shape, took, measured: Measured::default() };
        let (told, truth) = (Speed::MAIN.by_part(&sent(part)), Night::new(&whole, real, None));
        let night = Night::new(&whole, told, None).length().as_secs_f64();
        assert!((night / truth.length().as_secs_f64() - 1.0).abs() < 1e-4, "{night} {truth:?}");
        assert_eq!(Speed::MAIN.by_part(&sent(Shape::default())), Speed::MAIN);
    }

    #[test]
    fn what_was_seen_while_it_went_counts_more_than_how_long_it_took() {
        let shape = Shape::of(vec![100; 20]);
        let stretch = |messages, ms| Stretch { messages, begun: 0, time: Duration::from_millis(ms) };
        let by = |together, alone| {
            let measured = Measured { together, alone, ..Measured::default() };
            Speed::MAIN.by_part(&Part { shape, took: Duration::from_secs(99), measured })
        };
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
        let none = Stretch::default();
        let together = by(stretch(1_000, 5_000), none);
        assert!(close(together.message, 0.005) && close(together.begun, 0.005 * 30.0), "{together:?}");
        assert!(close(together.alone / Speed::MAIN.alone, 0.005 / Speed::MAIN.message), "{together:?}");
        // Fifty were begun meanwhile: that is what most of the time went into.
        let begun = by(Stretch { begun: 50, ..stretch(1_000, 5_000) }, none);
        assert!(close(begun.message * 50.0_f64.mul_add(30.0, 1_000.0), 5.0), "{begun:?}");
        let alone = by(none, stretch(1_000, 10_000));
        assert!(
            close(alone.alone, 0.01) && close(alone.message / Speed::MAIN.message, 0.01 / Speed::MAIN.alone)
        );
        let both = by(stretch(1_000, 5_000), stretch(1_000, 10_000));
        assert!(close(both.alone, 0.01) && close(both.message, 0.005), "{both:?}");
    }

    #[test]
    fn the_giant_that_goes_on_alone_is_not_hidden_by_the_average() {
        let left = |all: u32, longest| left(f64::from(all), longest, 500.0).map(|left| left.as_secs());
        // No giant: everything at the pace of now.
        assert_eq!(left(50_000, 100), Some(100));
        // The others take 10,000 ÷ 270 = 37 s, in which it sends 8,519; the rest of it goes at 288 a second.
        assert_eq!(left(50_000, 40_000), Some(146));
        // It is alone.
        assert_eq!(left(31_500, 31_500), Some(109));
        assert_eq!(left(0, 0), Some(0));
        assert_eq!(super::left(10.0, 10, 0.0), None);
        // However many it stores of all, a window of one conversation has to wait for its batch.
        let seconds = |pace| super::left(30_000.0, 30_000, pace).map(|left| left.as_secs());
        assert_eq!((seconds(500.0), seconds(5_000.0)), (Some(104), Some(61)));
    }
}
