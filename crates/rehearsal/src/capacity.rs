//! What the server can store: the second stage works through what it has collected, group by group, and each
//! costs time.
//!
//! Measured on both real servers while they had imports to store: the second stage writes once for each
//! conversation *and batch* (numbers, cache, read positions, an entry for each later queue) and once for each
//! message. 20 messages of one conversation are much cheaper than one message each of 20. The two times of each
//! release are fitted to six of those measurements; docs/rehearsal.md has the comparison. Questions cost the same
//! processors: whoever asks a lot has less stored.

use crate::message::Release;
use std::str::FromStr;
use std::time::Duration;

/// What storing costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// For each message.
    pub message: Duration,
    /// For each conversation in a batch, besides.
    pub group: Duration,
    /// For each conversation that is begun, besides: records for everybody in it.
    pub begin: Duration,
    /// For each call that asks or reads. A question costs a fifth of it for each conversation besides, reading a
    /// twentieth for each message.
    pub question: Duration,
}

impl Capacity {
    /// As measured.
    pub const fn measured(release: Release) -> Self {
        let (message, group, begin) = match release {
            Release::V3_8_3 => (1_860, 3_400, 40_000),
            Release::Main => (680, 4_000, 25_000),
        };
        Self {
            message: Duration::from_micros(message),
            group: Duration::from_micros(group),
            begin: Duration::from_micros(begin),
            question: Duration::from_micros(500),
        }
    }

    /// What so many messages of one conversation cost together.
    pub(super) fn cost(&self, messages: usize) -> Duration {
        self.group + self.message * u32::try_from(messages).unwrap_or(u32::MAX)
    }

    /// What a question about so many conversations costs.
    pub(super) fn asking(&self, conversations: usize) -> Duration {
        self.question + self.question / 5 * u32::try_from(conversations).unwrap_or(u32::MAX)
    }

    /// What reading so many messages costs.
    pub(super) fn reading(&self, messages: usize) -> Duration {
        self.question + self.question / 20 * u32::try_from(messages).unwrap_or(u32::MAX)
    }
}

/// `2ms,2.6ms,20ms`: for each message, for each conversation in a batch, and for each that is begun.
impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = |part: &str| {
            let (number, unit) = match part.strip_suffix("ms") {
                Some(number) => (number, 1e3),
                None => (part.strip_suffix("us").or(part.strip_suffix("µs")).unwrap_or(part), 1.0),
            };
            let micros =
                number.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0 && unit * n < 1e9);
            micros.filter(|_| number != part).map(|n| Duration::from_secs_f64(n * unit / 1e6))
        };
        let (message, rest) = text.split_once(',').unwrap_or((text, "0ms"));
        let (group, begin) = rest.split_once(',').unwrap_or((rest, "0ms"));
        match (time(message), time(group), time(begin)) {
            (Some(message), Some(group), Some(begin)) => {
                Ok(Self { message, group, begin, question: Duration::ZERO })
            }
            _ => Err(format!(
                "`{text}`: write what a message costs, a conversation in a batch besides, and one that is begun: `2ms,2.6ms,20ms`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_read_and_what_is_wrong_is_said() {
        let capacity: Capacity = "2ms,2.6ms".parse().unwrap();
        assert_eq!(capacity.cost(20), Duration::from_micros(42_600));
        assert_eq!("500us".parse::<Capacity>().unwrap().cost(2), Duration::from_millis(1));
        assert_eq!("1ms,2ms,20ms".parse::<Capacity>().unwrap().begin, Duration::from_millis(20));
        for wrong in ["", "2", "2ms,", "x ms", "-1ms", "inf ms", "2ms,2", "1ms,1ms,"] {
            assert!(wrong.parse::<Capacity>().unwrap_err().contains("2ms,2.6ms"), "{wrong}");
        }
    }

    #[test]
    fn depth_is_cheaper_than_breadth() {
        for release in [Release::V3_8_3, Release::Main] {
            let capacity = Capacity::measured(release);
            assert!(capacity.cost(20) * 14 < capacity.cost(1) * 20 * 10, "{release}");
        }
    }
}
