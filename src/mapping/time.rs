//! Times as exports write them, to milliseconds since 1970.

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
        let written = jiff::fmt::strtime::format(pattern, &example.to_zoned_datetime(TimeZone::UTC))
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
                let parts = BrokenDownTime::parse(pattern, text).map_err(|e| {
                    let why = e.to_string();
                    why.strip_prefix("strptime parsing failed: ").map(str::to_owned).unwrap_or(why)
                })?;
                if parts.offset().is_some() {
                    return parts.to_timestamp().map(exact).map_err(|e| e.to_string());
                }
                self.local(parts.to_datetime().map_err(|e| e.to_string())?)
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
