//! What may be asked of a run that is under way: a closed list of words, and nothing that names a file or a command.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::config::{MaxLag, Rate, parse_max_lag};

/// Something to change in a run under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Send nothing new; what is under way is still confirmed.
    Pause,
    /// Take the operator's pause back.
    Resume,
    /// At most so many messages a second; `None`: no bound of the operator's.
    Rate(Option<NonZeroU32>),
    /// At most so many calls under way.
    Connections(u16),
    /// So much lag above that of the idle server; `None`: any.
    MaxLag(Option<Duration>),
    /// Whether the timetable counts.
    Schedule(bool),
    /// End in peace: what is under way is settled, exit code 5, the same command goes on.
    Drain,
    /// Close the page that stayed after the run.
    Close,
}

/// How each is written.
pub const VERBS: &str = "pause, resume, rate 200/s, connections 8, max-lag 1s, schedule off, drain, status";

/// As many calls as `--connections` may name.
const MOST_CONNECTIONS: u16 = 1024;

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["pause"] => Ok(Self::Pause),
            ["resume"] => Ok(Self::Resume),
            ["drain"] => Ok(Self::Drain),
            ["close"] => Ok(Self::Close),
            ["rate", "off"] => Ok(Self::Rate(None)),
            ["rate", rate] => rate.parse::<Rate>().map(|rate| Self::Rate(Some(rate.0))),
            ["connections", n] => match n.parse() {
                Ok(n @ 1..=MOST_CONNECTIONS) => Ok(Self::Connections(n)),
                _ => Err(format!("`{n}` is no number of connections: write 1 to {MOST_CONNECTIONS}")),
            },
            ["max-lag", lag] => parse_max_lag(lag).map(|lag| Self::MaxLag(MaxLag::time(lag))),
            ["schedule", "on"] => Ok(Self::Schedule(true)),
            ["schedule", "off"] => Ok(Self::Schedule(false)),
            ["rate"] => Err("how fast? `rate 200/s`, or `rate off`".to_owned()),
            ["connections"] => Err("how many? `connections 8`".to_owned()),
            ["max-lag"] => Err("how much? `max-lag 1s`, or `max-lag off`".to_owned()),
            ["schedule", ..] => Err("`schedule off` or `schedule on`".to_owned()),
            _ => Err(format!("no such word: write {VERBS}")),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::Rate(None) => f.write_str("rate off"),
            Self::Rate(Some(rate)) => write!(f, "rate {rate}/s"),
            Self::Connections(n) => write!(f, "connections {n}"),
            Self::MaxLag(None) => f.write_str("max-lag off"),
            Self::MaxLag(Some(lag)) => write!(f, "max-lag {}ms", lag.as_millis()),
            Self::Schedule(true) => f.write_str("schedule on"),
            Self::Schedule(false) => f.write_str("schedule off"),
            Self::Drain => f.write_str("drain"),
            Self::Close => f.write_str("close"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_is_written() {
        let second = Duration::from_secs(1);
        for (text, verb, written) in [
            ("pause", Verb::Pause, "pause"),
            (" resume \n", Verb::Resume, "resume"),
            ("rate 200/s", Verb::Rate(NonZeroU32::new(200)), "rate 200/s"),
            ("rate 90/min", Verb::Rate(NonZeroU32::new(2)), "rate 2/s"),
            ("rate off", Verb::Rate(None), "rate off"),
            ("connections 8", Verb::Connections(8), "connections 8"),
            ("max-lag 1s", Verb::MaxLag(Some(second)), "max-lag 1000ms"),
            ("max-lag off", Verb::MaxLag(None), "max-lag off"),
            ("schedule off", Verb::Schedule(false), "schedule off"),
            ("drain", Verb::Drain, "drain"),
        ] {
            let read: Verb = text.parse().unwrap();
            assert_eq!((read, read.to_string().as_str()), (verb, written));
            assert_eq!(read.to_string().parse(), Ok(verb));
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_would_be_right() {
        for (text, said) in [
            ("", "pause, resume"),
            ("stop", "drain"),
            ("pause; rm -rf /", "pause, resume"),
            ("rate", "rate 200/s"),
            ("rate 0", "no rate"),
            ("rate fast", "500/s"),
            ("connections 0", "1 to 1024"),
            ("connections 99999", "1 to 1024"),
            ("max-lag 1ms", "20 ms"),
            ("schedule ../../etc/passwd", "schedule off"),
        ] {
            let error = text.parse::<Verb>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
