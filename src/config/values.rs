//! Values with a syntax of their own.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::message::SendTime;

/// Messages a second, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub NonZeroU32);

impl Rate {
    /// From one to the next.
    pub fn every(self) -> Duration {
        Duration::from_secs(1) / self.0.get()
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `500`, `500/s`, `30000/min`, `1000000/h`; rounded up to whole messages a second.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate: write `500/s`, `20000/min` or `1000000/h`");
        let (count, per) = match text.split_once('/') {
            None => (text, 1),
            Some((count, "s")) => (count, 1),
            Some((count, "min")) => (count, 60),
            Some((count, "h")) => (count, 3600),
            Some(_) => return Err(wrong()),
        };
        let count: u32 = count.trim().replace('_', "").parse().map_err(|_| wrong())?;
        NonZeroU32::new(count.div_ceil(per)).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u32),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(n) => n.to_string(),
            Either::Text(text) => text,
        }
        .parse()
        .map_err(de::Error::custom)
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    /// `64GB`, `512 MiB`, `8g`: decimal, or binary with an `i`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size: write `64GB`, or `64GiB`");
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let (letter, rest) = unit.trim().split_at_checked(1).ok_or_else(wrong)?;
        let power = match letter {
            "m" | "M" => 2,
            "g" | "G" => 3,
            "t" | "T" => 4,
            _ => return Err(wrong()),
        };
        let base: u64 = match rest {
            "" | "b" | "B" => 1_000,
            "ib" | "iB" | "i" => 1_024,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(base.pow(power)).filter(|size| *size > 0).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An address that nobody else can reach.
pub fn parse_loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| format!("`{text}` is no address: write `127.0.0.1:7071`"))?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "`{text}` can be reached from outside: only loopback addresses are taken; from another machine \
         `ssh -L 7071:127.0.0.1:7071` brings the page there"
    ))
}

/// The same from a file.
pub(super) fn loopback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    parse_loopback(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

/// So much more lag is allowed, or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxLag {
    /// So much above that of the idle server.
    Above(Duration),
    /// Any: nobody else is there.
    Off,
}

impl MaxLag {
    /// `None`: any.
    pub fn time(self) -> Option<Duration> {
        match self {
            Self::Above(time) => Some(time),
            Self::Off => None,
        }
    }
}

/// `300ms`, `2s`, `off`.
pub fn parse_max_lag(text: &str) -> Result<MaxLag, String> {
    const LEAST: Duration = Duration::from_millis(20);
    if text == "off" {
        return Ok(MaxLag::Off);
    }
    match parse_duration(text) {
        Ok(time) if time >= LEAST => Ok(MaxLag::Above(time)),
        Ok(_) => Err(format!("`{text}` can't be kept: batches of the server alone vary by more than 20 ms")),
        Err(_) => Err(format!("`{text}` is no lag: write `300ms`, `2s`, or `off`")),
    }
}

/// [`parse_max_lag`] for serde.
pub(super) fn max_lag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MaxLag>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| parse_max_lag(&text).map_err(de::Error::custom))
        .transpose()
}

/// `30s`, `5m`, `2h 30m`; jiff's friendly format.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write `30s`, `5m` or `2h`");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

/// `2024-01-31`, `2024-01-31T08:00`, `2024-01-31T08:00:00+08:00`: what doesn't say its zone is UTC.
pub fn parse_moment(text: &str) -> Result<SendTime, String> {
    let text = text.trim();
    let civil = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse().ok()?).ok();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(civil);
    moment.map(|moment| SendTime(moment.as_millisecond())).ok_or_else(|| {
        format!("`{text}` is no moment: write `2024-01-31`, `2024-01-31T08:00` (both UTC) or `2024-01-31T08:00:00+08:00`")
    })
}

/// [`parse_duration`] for serde.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| parse_duration(&text).map_err(de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_a_time_or_off() {
        assert_eq!(parse_max_lag("off").unwrap().time(), None);
        assert_eq!(parse_max_lag("1s").unwrap().time(), Some(Duration::from_secs(1)));
        for (wrong, said) in [("fast", "`off`"), ("0ms", "20 ms"), ("300", "`off`"), ("-1s", "`off`")] {
            assert!(parse_max_lag(wrong).unwrap_err().contains(said), "{wrong}");
        }
    }

    #[test]
    fn rates() {
        let rate = |text: &str| text.parse::<Rate>().map(|r| r.0.get());
        assert_eq!(rate("500"), Ok(500));
        assert_eq!(rate("500/s"), Ok(500));
        assert_eq!(rate("90/min"), Ok(2));
        assert_eq!(rate("1_000_000/h"), Ok(278));
        for wrong in ["0", "", "-1", "500/d", "fast", "5/s/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!("64GB".parse(), Ok(Size(64_000_000_000)));
        assert_eq!("512 MiB".parse(), Ok(Size(512 << 20)));
        assert_eq!("8g".parse(), Ok(Size(8_000_000_000)));
        for wrong in ["", "64", "GB", "0GB", "1.5GB", "64XB", "99999999999999TB", "1é"] {
            assert!(wrong.parse::<Size>().unwrap_err().contains("64GB"), "{wrong}");
        }
    }

    #[test]
    fn moments() {
        for text in ["2024-01-31", "2024-01-31T00:00", "2024-01-31T00:00:00Z", "2024-01-31 08:00:00+08:00"] {
            assert_eq!(parse_moment(text), Ok(SendTime(1_706_659_200_000)), "{text}");
        }
        for wrong in ["", "yesterday", "31.01.2024", "1706659200000", "2024-13-01"] {
            assert!(parse_moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(parse_duration("-5s").is_err());
        assert!(parse_duration("soon").is_err());
    }
}
