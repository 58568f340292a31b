//! Times as exports write them, to milliseconds since 1970.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// How times are written.
#[derive(Debug, Clone)]
pub struct TimeFormat {
    form: Form,
    zone: Option<TimeZone>,
}

#[derive(Debug, Clone)]
enum Form {
    /// A number of units since 1970; so many digits of it make a millisecond more precise (3: microseconds)
    /// or less (-3: seconds).
    Unit(i8),
    /// As in RFC 3339, with `T` or a blank, with a zone or without.
    Rfc3339,
    /// As a pattern of `strptime` says.
    Pattern(String),
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds since 1970, UTC; finer digits are cut off.
    pub millis: i64,
    /// Whether the clocks of the zone make it doubtful.
    pub doubt: Doubt,
}

/// Whether the clocks of the zone make a local time doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// There is no doubt.
    None,
    /// It exists twice; the earlier was taken.
    Twice,
    /// It never was; it was moved forward by as much as the clocks were.
    Never,
}

impl TimeFormat {
    /// Reads the name of a unit, `rfc3339`, or a pattern; and the zone of times that do not say theirs: a name
    /// of the IANA list or `+08:00`. The error says what is wrong.
    pub fn new(format: &str, zone: Option<&str>) -> Result<Self, String> {
        let form = match format {
            "s" => Form::Unit(-3),
            "ms" => Form::Unit(0),
            "us" => Form::Unit(3),
            "ns" => Form::Unit(6),
            "rfc3339" => Form::Rfc3339,
            pattern if pattern.contains('%') => Form::Pattern(pattern.to_owned()),
            _ => {
                return Err(
                    "a time is written in `s`, `ms`, `us`, `ns`, as `rfc3339`, or as a pattern such as \
                            `%Y-%m-%d %H:%M:%S`"
                        .to_owned(),
                );
            }
        };
        let zone = zone.map(zone_by_name).transpose()?;
        let format = Self { form, zone };
        if let Form::Pattern(pattern) = &format.form {
            format.check(pattern)?;
        }
        Ok(format)
    }

    /// A pattern must be one, and must read what it writes.
    fn check(&self, pattern: &str) -> Result<(), String> {
        let example: Timestamp = "2024-10-04T23:42:31Z".parse().expect("it is one");
        let written = jiff::fmt::strtime::format(pattern, &example.to_zoned(TimeZone::UTC))
            .map_err(|e| format!("the pattern is none: {e}"))?;
        let parts = BrokenDownTime::parse(pattern, &written)
            .map_err(|e| format!("the pattern does not read what it writes, `{written}`: {e}"))?;
        if parts.to_timestamp().is_ok() {
            return Ok(());
        }
        parts.to_datetime().map_err(|e| format!("the pattern tells no day and time: {e}"))?;
        if self.zone.is_none() {
            return Err(
                "such times do not say their zone: set `zone` (as `Asia/Shanghai` or `+08:00`)".to_owned()
            );
        }
        Ok(())
    }

    /// Reads a time; the error says why it can't.
    pub fn read(&self, text: &str) -> Result<Time, String> {
        let text = text.trim();
        match &self.form {
            Form::Unit(digits) => decimal(text, *digits)
                .map(|millis| Time { millis, doubt: Doubt::None })
                .ok_or_else(|| "it is no number of that unit".to_owned()),
            Form::Rfc3339 => match text.parse::<Timestamp>() {
                Ok(time) => Ok(exact(time)),
                Err(e) => match text.parse::<DateTime>() {
                    Ok(local) => self.local(local),
                    Err(_) => Err(e.to_string()),
                },
            },
            Form::Pattern(pattern) => {
                let text = if pattern.contains("%p") { &*halves(text) } else { text };
                let parts = BrokenDownTime::parse(pattern, text).map_err(|e| {
                    let why = e.to_string();
                    why.strip_prefix("strptime parsing failed: ").map(str::to_owned).unwrap_or(why)
                })?;
                match parts.to_timestamp() {
                    Ok(time) => Ok(exact(time)),
                    Err(e) if parts.offset().is_some() => Err(e.to_string()),
                    Err(_) => self.local(parts.to_datetime().map_err(|e| e.to_string())?),
                }
            }
        }
    }

    fn local(&self, local: DateTime) -> Result<Time, String> {
        let zone = self.zone.as_ref().ok_or("it does not say its zone, and no `zone` is set")?;
        let time = zone.to_ambiguous_timestamp(local);
        let doubt = match time.offset() {
            AmbiguousOffset::Unambiguous { .. } => Doubt::None,
            AmbiguousOffset::Fold { .. } => Doubt::Twice,
            AmbiguousOffset::Gap { .. } => Doubt::Never,
        };
        let time = time.compatible().map_err(|e| e.to_string())?;
        Ok(Time { doubt, ..exact(time) })
    }
}

/// A text with `AM` and `PM` in the place of other words for the halves of a day: `%p` knows no others.
pub fn halves(text: &str) -> Cow<'_, str> {
    const WORDS: [(&str, &str); 12] = [
        ("a.m.", "AM"),
        ("p.m.", "PM"),
        ("a. m.", "AM"),
        ("p. m.", "PM"),
        ("A.M.", "AM"),
        ("P.M.", "PM"),
        ("上午", "AM"),
        ("下午", "PM"),
        ("午前", "AM"),
        ("午後", "PM"),
        ("오전", "AM"),
        ("오후", "PM"),
    ];
    match WORDS.iter().find(|(word, _)| text.contains(word)) {
        Some((word, half)) => Cow::Owned(text.replace(word, half)),
        None => Cow::Borrowed(text),
    }
}

fn exact(time: Timestamp) -> Time {
    // Before 1970 a part of a millisecond still belongs to the one before.
    let millis = time.as_nanosecond().div_euclid(1_000_000);
    Time { millis: i64::try_from(millis).expect("jiff's years fit"), doubt: Doubt::None }
}

fn zone_by_name(name: &str) -> Result<TimeZone, String> {
    DateTimeParser::new().parse_time_zone(name).map_err(|_| {
        format!("`{name}` is no zone: use a name such as `Asia/Shanghai`, or an offset such as `+08:00`")
    })
}

/// A decimal number times a power of ten, cut off towards the past; `None` if it is no number or too large.
/// Digits are never taken through a floating-point number.
fn decimal(text: &str, digits: i8) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 25 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let (magnitude, rest) = if digits > 0 {
        let unit = 10_i128.pow(digits.unsigned_abs().into());
        (number / unit, number % unit != 0 || fraction.bytes().any(|b| b != b'0'))
    } else {
        let places = usize::from(digits.unsigned_abs());
        let (kept, cut) = fraction.split_at(places.min(fraction.len()));
        let kept: i128 = format!("{kept:0<places$}").parse().unwrap_or(0);
        (number * 10_i128.pow(digits.unsigned_abs().into()) + kept, cut.bytes().any(|b| b != b'0'))
    };
    let millis = if negative { -magnitude - i128::from(rest) } else { magnitude };
    i64::try_from(millis).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: &str, zone: Option<&str>, text: &str) -> Result<Time, String> {
        TimeFormat::new(format, zone).unwrap().read(text)
    }

    fn millis(format: &str, zone: Option<&str>, text: &str) -> i64 {
        read(format, zone, text).unwrap().millis
    }

    #[test]
    fn halves_of_the_day_in_other_words() {
        let utc = Some("UTC");
        for (pattern, text) in [
            ("%Y-%m-%d %I:%M %p", "2025-09-18 6:30 p.m."),
            ("%Y-%m-%d %I:%M %p", "2025-09-18 06:30 PM"),
            ("%Y/%m/%d %p%I:%M", "2025/9/18 下午6:30"),
            ("%Y/%m/%d %p %I:%M", "2025/9/18 오후 6:30"),
        ] {
            assert_eq!(millis(pattern, utc, text), 1_758_220_200_000, "{text}");
        }
        assert!(read("%Y-%m-%d %I:%M %p", utc, "2025-09-18 6:30 in the evening").is_err());
    }

    #[test]
    fn units_are_exact_to_the_last_digit() {
        for (format, text, expected) in [
            ("s", "1433860197.000002", 1_433_860_197_000),
            ("s", "1433860197.9999", 1_433_860_197_999),
            ("s", "1433860197", 1_433_860_197_000),
            ("s", "1433860197.", 1_433_860_197_000),
            ("s", "1433860197.5", 1_433_860_197_500),
            ("s", "-0.0001", -1),
            ("ms", " 1531130804590 ", 1_531_130_804_590),
            ("ms", "1531130804590.7", 1_531_130_804_590),
            ("us", "1531130804590999", 1_531_130_804_590),
            ("us", "-1", -1),
            ("ns", "1531130804590999999", 1_531_130_804_590),
        ] {
            assert_eq!(millis(format, None, text), expected, "{text} {format}");
        }
        for text in ["", "-", "1.5e3", "1,5", "0x10", "12 34", "١٢", "+5", "1.2.3", &"9".repeat(30)] {
            assert!(read("s", None, text).is_err(), "{text}");
        }
        assert!(read("s", None, "99999999999999999").is_err(), "more than milliseconds can hold");
    }

    #[test]
    fn rfc_3339_with_a_zone_and_without() {
        for (text, expected) in [
            ("2024-10-04T23:42:31Z", 1_728_085_351_000),
            ("2024-10-05 07:42:31.123999+08:00", 1_728_085_351_123),
            ("2024-10-04t23:42:31z", 1_728_085_351_000),
            ("2020-01-01 12:00:00.123000+00:00", 1_577_880_000_123),
        ] {
            assert_eq!(millis("rfc3339", None, text), expected, "{text}");
        }
        assert_eq!(millis("rfc3339", Some("+08:00"), "2024-10-05T07:42:31"), 1_728_085_351_000);
        assert_eq!(millis("rfc3339", Some("Asia/Shanghai"), "2024-10-05 07:42:31.5"), 1_728_085_351_500);
        let why = read("rfc3339", None, "2024-10-05T07:42:31").unwrap_err();
        assert_eq!(why, "it does not say its zone, and no `zone` is set");
        assert!(read("rfc3339", None, "yesterday").is_err());
    }

    #[test]
    fn patterns() {
        for (pattern, zone, text, expected) in [
            ("%Y/%m/%d %H:%M", Some("Asia/Shanghai"), "2024/10/4 11:42", 1_728_013_320_000),
            ("%d-%b-%y %I:%M %p", Some("UTC"), "04-Jun-19 12:07 AM", 1_559_606_820_000),
            ("%d.%m.%Y, %H:%M:%S", Some("Europe/Berlin"), "31.12.2023, 23:59:59", 1_704_063_599_000),
            ("%Y-%m-%d %H:%M:%S%.f %z", None, "2024-10-04 23:42:31.25 +0000", 1_728_085_351_250),
            ("%Y-%m-%d", Some("UTC"), "2024-10-04", 1_728_000_000_000),
        ] {
            assert_eq!(millis(pattern, zone, text), expected, "{text}");
        }
    }

    #[test]
    fn hours_that_are_twice_and_hours_that_never_were() {
        let at = |text: &str| read("%Y-%m-%d %H:%M", Some("America/New_York"), text).unwrap();
        assert_eq!(at("2024-11-03 01:30"), Time { millis: 1_730_611_800_000, doubt: Doubt::Twice });
        assert_eq!(at("2024-11-03 02:30"), Time { millis: 1_730_619_000_000, doubt: Doubt::None });
        // 02:30 became 03:30.
        assert_eq!(at("2024-03-10 02:30"), Time { millis: 1_710_055_800_000, doubt: Doubt::Never });
        assert_eq!(at("2024-03-10 03:30"), Time { millis: 1_710_055_800_000, doubt: Doubt::None });
    }

    proptest! {
        #[test]
        fn units_round_trip(time in -60_000_000_000_000_i64..250_000_000_000_000, extra in 0_u32..1_000_000) {
            let digits = |whole: i64, part: i64, places: usize| format!("{whole}.{part:0places$}");
            let (seconds, rest) = (time.div_euclid(1000), time.rem_euclid(1000));
            if time >= 0 {
                let text = digits(seconds, rest * 1_000_000 + i64::from(extra), 9);
                prop_assert_eq!(millis("s", None, &text), time);
            }
            prop_assert_eq!(millis("ms", None, &time.to_string()), time);
            let micros = time * 1000 + i64::from(extra % 1000);
            prop_assert_eq!(millis("us", None, &micros.to_string()), time);
            let nanos = i128::from(time) * 1_000_000 + i128::from(extra);
            prop_assert_eq!(millis("ns", None, &nanos.to_string()), time);
        }

        /// Written by jiff in a zone, read back by the same pattern, in that zone.
        #[test]
        fn patterns_and_zones_round_trip(
            seconds in 0_i64..4_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata", "+05:45"]),
            pattern in prop::sample::select(vec![
                "%Y-%m-%d %H:%M:%S", "%d/%m/%y %I:%M:%S %p", "%b %d, %Y %T", "%s", "%Y%m%dT%H%M%S%z", "%a %e %B %Y %R:%S",
            ]),
        ) {
            // Two-digit years are of 1969 to 2068.
            prop_assume!(seconds < 3_000_000_000 || !pattern.contains("%y"));
            let there = Timestamp::from_second(seconds).unwrap().to_zoned(zone_by_name(zone).unwrap());
            let text = jiff::fmt::strtime::format(pattern, &there).unwrap();
            let time = read(pattern, Some(zone), &text).unwrap();
            match time.doubt {
                Doubt::None => prop_assert_eq!(time.millis, seconds * 1000),
                Doubt::Twice => prop_assert!([0, 3_600_000].contains(&(seconds * 1000 - time.millis))),
                Doubt::Never => prop_assert!(false, "such a time is never written"),
            }
        }

        #[test]
        fn no_text_makes_it_panic(
            text in "[0-9TZ:+. /-]{0,30}|\\PC{0,20}",
            format in prop::sample::select(vec!["s", "ms", "us", "ns", "rfc3339", "%d.%m.%Y %H:%M", "%s"]),
        ) {
            let time = TimeFormat::new(format, Some("Europe/Berlin")).unwrap().read(&text);
            prop_assert!(time.is_ok() || !time.unwrap_err().is_empty());
        }
    }
}
