//! How long the night will be. Pure: what there is to send and how fast a server stores come in, a time comes out.
//!
//! A server's second stage works once for each message, and once for each conversation *and batch*: a history of a million
//! chats with three messages each takes longer than one with as many messages in a thousand. So a forecast counts
//! batches besides messages. And a conversation goes no faster than its messages can be read back, whatever else there
//! is: nothing is shorter than its longest one alone.

use std::time::Duration;

/// What there is to send, as far as it decides how long that takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Messages.
    pub messages: u64,
    /// Batches that they come in: for each conversation its messages by [`DEPTH`], rounded up.
    pub batches: u64,
    /// Messages of the longest conversation.
    pub longest: u64,
}

/// Messages of one conversation that the second stage finds in a batch where there are enough of them: what is
/// unconfirmed over all conversations, by the calls that are under way. Measured with the default `--max-lag`.
pub const DEPTH: u64 = 16;

/// How fast a server stores, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// For each message.
    pub message: f64,
    /// For each conversation in a batch, besides.
    pub batch: f64,
    /// For each message of a conversation that is alone.
    pub alone: f64,
}

/// How long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// Everything together.
    pub all: Duration,
    /// The longest conversation, which has one call under way at a time.
    pub alone: Duration,
}

/// Until a run has found the pace of its server, and at its end.
pub const START: Duration = Duration::from_millis(2_200);

impl Shape {
    /// Of conversations with so many messages.
    pub fn of(conversations: impl IntoIterator<Item = u64>) -> Self {
        conversations.into_iter().fold(Self::default(), |shape, messages| Self {
            messages: shape.messages + messages,
            batches: shape.batches + messages.div_ceil(DEPTH),
            longest: shape.longest.max(messages),
        })
    }
}

impl Speed {
    /// 3.8.3 with server, databases and importer on the same two cores: fitted to whole runs against the rehearsal server
    /// with the measured capacity, so that what is asked and read back meanwhile is in it.
    pub const V3_8_3: Self = Self { message: 0.002_06, batch: 0.006_1, alone: 1.0 / 322.0 };
    /// The next release, the same.
    pub const MAIN: Self = Self { message: 0.001_19, batch: 0.007_5, alone: 1.0 / 390.0 };

    /// A server that takes so many times as long.
    #[must_use]
    pub fn slower(self, times: f64) -> Self {
        Self { message: self.message * times, batch: self.batch * times, alone: self.alone * times }
    }

    /// By a part that was sent and took so long: this server, as far as it stores like that one.
    #[must_use]
    pub fn by_part(self, part: &Shape, took: Duration) -> Self {
        let expected = Night::new(part, self, None).length().saturating_sub(START).as_secs_f64();
        let took = took.saturating_sub(START).as_secs_f64();
        if expected > 0.0 && took > 0.0 { self.slower(took / expected) } else { self }
    }
}

impl Night {
    /// Of such a history on such a server, with a rate of messages a second that is never exceeded.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn new(shape: &Shape, speed: Speed, rate: Option<f64>) -> Self {
        let messages = shape.messages as f64;
        let stored = messages.mul_add(speed.message, shape.batches as f64 * speed.batch);
        let bound = rate.map_or(0.0, |rate| messages / rate.max(f64::MIN_POSITIVE));
        let longest = shape.longest as f64;
        let bound_alone = rate.map_or(0.0, |rate| longest / rate.max(f64::MIN_POSITIVE));
        Self { all: seconds(stored.max(bound)), alone: seconds((longest * speed.alone).max(bound_alone)) }
    }

    /// The larger of the two, nothing is shorter than its longest conversation, and what a run takes besides.
    pub fn length(&self) -> Duration {
        self.all.max(self.alone) + START
    }
}

/// How much time is left, by what was measured so far: everything at the pace of now, and the longest conversation, which
/// goes on alone when the others are through, and faster then.
///
/// Messages left in all and in the longest; messages a second of all and of the longest, and of one that is alone.
/// `None`: nothing moves, so nobody knows.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub fn left(all: u64, longest: u64, pace: f64, own_pace: f64, alone: f64) -> Option<Duration> {
    if all == 0 {
        return Some(Duration::ZERO);
    }
    if pace.is_nan() || pace <= 0.0 {
        return None;
    }
    let (all, longest) = (all as f64, longest as f64);
    let together = all / pace;
    let own_pace = own_pace.clamp(0.0, pace);
    if longest <= 0.0 || own_pace <= 0.0 {
        return Some(seconds(together));
    }
    // Until the others are through it goes at its pace of now, then at that of one alone.
    let others = if pace > own_pace { (all - longest).max(0.0) / (pace - own_pace) } else { 0.0 };
    let then = own_pace.mul_add(-others, longest).max(0.0);
    let by_itself = others.min(longest / own_pace) + then / alone.max(own_pace);
    Some(seconds(together.max(by_itself)))
}

/// More than thirty years are for ever.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (told, truth) = (Speed::MAIN.by_part(&part, took), Night::new(&whole, real, None));
        let night = Night::new(&whole, told, None).length().as_secs_f64();
        assert!((night / truth.length().as_secs_f64() - 1.0).abs() < 1e-4, "{night} {truth:?}");
        assert_eq!(Speed::MAIN.by_part(&Shape::default(), took), Speed::MAIN);
    }

    #[test]
    fn the_giant_that_goes_on_alone_is_not_hidden_by_the_average_and_goes_faster_then() {
        let left = |all, longest, own| left(all, longest, 500.0, own, 300.0).map(|left| left.as_secs());
        // No giant: everything at the pace of now.
        assert_eq!(left(50_000, 100, 30.0), Some(100));
        // The others take 40,000 ÷ 450 = 88 s, in which it sends 4,444; the rest of it goes at 300 a second.
        assert_eq!(left(50_000, 10_000, 50.0), Some(107));
        // It is alone already.
        assert_eq!(left(30_000, 30_000, 500.0), Some(60));
        assert_eq!(left(0, 0, 0.0), Some(0));
        assert_eq!(super::left(10, 10, 0.0, 0.0, 300.0), None);
    }
}
