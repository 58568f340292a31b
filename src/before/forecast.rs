//! How long the night will be and what it needs, said before it begins.

use std::time::Duration;

use serde::Serialize;

use crate::job::{JobError, JobReader};
use crate::message::Release;
use crate::numbers::plural;
use crate::pacing::night::{Night, Part, Shape, Speed};

/// What the night will be, on a server as fast as the one that was measured, or as a part of the history showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Messages left to send.
    pub messages: u64,
    /// How long it takes, seconds: the larger of the two that follow.
    pub seconds: f64,
    /// Everything together.
    pub all_seconds: f64,
    /// The longest conversation, which has one call under way and can't be hurried.
    pub longest_seconds: f64,
    /// Messages a second over all conversations.
    pub pace: f64,
    /// The conversations that decide it, with what they have left: those that alone take more than half of the night.
    pub deciding: Vec<(String, u64)>,
    /// What the messages take of the server's Redis at this pace, bytes; each stays there for 24 hours (law 9).
    pub redis_bytes: u64,
    /// The pace that the given memory bears, messages a second; `None`: none was given, or all of it fits at once.
    pub redis_pace: Option<f64>,
    /// What they take of the store before its compression, bytes; the queue keeps as much until its retention is over.
    pub disk_bytes: u64,
    /// By what: `measured on this server` or what is assumed.
    pub by: String,
    /// It goes by what this server did.
    #[serde(skip)]
    pub is_measured: bool,
}

/// What a forecast goes by besides the job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given {
    /// The release.
    pub release: Release,
    /// `--rate`.
    pub rate: Option<u32>,
    /// Shards that share the server, this one included, each about as large; 0 is 1.
    pub shards: u32,
    /// `--redis-memory`, bytes.
    pub redis: Option<u64>,
    /// A part that was sent to this server.
    pub part: Option<Part>,
}

/// Law 9 measured: 832 bytes of cache for a text of 75 characters and 88 for the call's status; what is not
/// the body comes to about this much.
pub(super) const CACHE_EACH: u64 = 750;
/// The same envelope in the store; the queue keeps a copy of its own for as long as Kafka's retention says.
pub(super) const STORE_EACH: u64 = 600;
/// What is in Redis stays there for so long.
const KEPT: f64 = 24.0 * 60.0 * 60.0;
/// Conversations that are named.
const NAMED: usize = 3;

impl Forecast {
    /// For what that job has left to send; `None`: nothing.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn of(reader: &JobReader, given: &Given) -> Result<Option<Self>, JobError> {
        let left = reader.left(NAMED)?;
        if left.messages == 0 {
            return Ok(None);
        }
        let longest = left.longest.first().map_or(0, |(_, messages)| *messages);
        let shards = u64::from(given.shards.max(1));
        let shape = Shape { messages: left.messages * shards, begun: left.not_begun * shards, longest };
        let totals = reader.totals()?;
        let bytes = (totals.bytes as f64 / totals.messages.max(1) as f64 * shape.messages as f64).ceil();
        let mut forecast = Self::new(&shape, bytes, given);
        if shards > 1 {
            forecast.by = format!("all {shards} shards, if they are like this one; {}", forecast.by);
        }
        for (conv, messages) in left.longest {
            let alone = forecast.longest_seconds * messages as f64 / longest as f64;
            if alone * 2.0 > forecast.seconds
                && let Some(conversation) = reader.conversation(conv)?
            {
                forecast.deciding.push((conversation.id().0, messages));
            }
        }
        Ok(Some(forecast))
    }

    /// The pure half: `bytes` are those of all messages.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    fn new(shape: &Shape, bytes: f64, given: &Given) -> Self {
        let usual = usual_speed(given.release);
        let speed = given.part.map_or(usual, |part| usual.by_part(&part));
        let night = Night::new(shape, speed, given.rate.map(f64::from));
        let seconds = night.length().as_secs_f64().max(f64::MIN_POSITIVE);
        let messages = shape.messages as f64;
        let cache = messages.mul_add(CACHE_EACH as f64, bytes);
        // Messages leave the cache after a day: a slow import never has all of them in it.
        let at_once = cache * (KEPT / seconds).min(1.0);
        let bears = given.redis.filter(|memory| at_once > *memory as f64);
        Self {
            messages: shape.messages,
            seconds,
            all_seconds: night.all.as_secs_f64(),
            longest_seconds: night.alone.as_secs_f64(),
            pace: messages / seconds,
            deciding: Vec::new(),
            redis_bytes: at_once as u64,
            redis_pace: bears.map(|memory| memory as f64 / (cache / messages) / KEPT),
            disk_bytes: messages.mul_add(STORE_EACH as f64, bytes) as u64,
            is_measured: given.part.is_some(),
            by: match given.part {
                Some(part) => said_of(&part),
                None => format!(
                    "assumed: a server that stores as {} did on two cores that it shared with its databases and this program",
                    given.release
                ),
            },
        }
    }

    /// How long it takes.
    pub fn night(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.min(1e9))
    }
}

/// What was measured, and what was not.
fn said_of(part: &Part) -> String {
    let messages = plural(part.shape.messages, "message", "messages");
    let is_one = part.shape.longest == part.shape.messages;
    let but = if is_one {
        " in one conversation; how much faster many go together is assumed, and can be twice as much (a canary measures it)"
    } else {
        ""
    };
    format!("measured on this server with {messages}{but}")
}

/// As both releases stored while an import ran, with the default `--max-lag`.
const fn usual_speed(release: Release) -> Speed {
    match release {
        Release::V3_8_3 => Speed::V3_8_3,
        Release::Main => Speed::MAIN,
    }
}

/// Messages a second where conversations are long: what a preflight reckons with that knows no more.
pub(super) fn usual_pace(release: Release) -> f64 {
    1.0 / usual_speed(release).message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacing::Measured;
    use crate::pacing::night::START;

    const GIVEN: Given = Given { release: Release::V3_8_3, rate: None, shards: 1, redis: None, part: None };

    #[test]
    fn a_memory_that_is_too_small_bears_a_pace() {
        let shape = Shape::of(vec![1_000; 100_000]);
        let all = Forecast::new(&shape, 35e9, &GIVEN);
        // 100 million messages of 1.1 kB take days: a day of them is in Redis.
        assert!(all.seconds > 2.0 * KEPT && all.redis_bytes < 60_000_000_000, "{all:?}");
        assert_eq!(all.redis_pace, None);
        let tight = Forecast::new(&shape, 35e9, &Given { redis: Some(8_000_000_000), ..GIVEN });
        let bears = tight.redis_pace.unwrap();
        assert!((bears - 84.2).abs() < 0.1, "{bears}");
        // At that pace it fits.
        let rate = Some(84);
        let slow = Forecast::new(&shape, 35e9, &Given { rate, redis: Some(8_000_000_000), ..GIVEN });
        assert_eq!(slow.redis_pace, None, "{slow:?}");
        let small =
            Forecast::new(&Shape::of([1_000]), 350_000.0, &Given { redis: Some(8_000_000_000), ..GIVEN });
        assert_eq!((small.redis_pace, small.redis_bytes), (None, 1_100_000));
    }

    #[test]
    fn a_part_that_was_sent_counts_more_than_what_is_assumed() {
        let shape = Shape::of(vec![500; 2_000]);
        let part = Shape::of(vec![50; 20]);
        let assumed = Forecast::new(&shape, 0.0, &GIVEN);
        let expected = Night::new(&part, Speed::V3_8_3, None).all * 3 + START;
        let measured = Forecast::new(
            &shape,
            0.0,
            &Given {
                part: Some(Part { shape: part, took: expected, measured: Measured::default() }),
                ..GIVEN
            },
        );
        assert!((measured.seconds / assumed.seconds - 3.0).abs() < 0.01, "{measured:?}");
        assert!(measured.by.contains("measured") && assumed.by.contains("assumed"));
    }
}
