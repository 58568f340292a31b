//! When to send how fast: `22:00,800/s 06:00,20/s Sat-00:00,off`, and until when.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use serde::{Deserialize, Deserializer, de};

use super::values::Rate;

/// Changes of pace through the week, in the order of writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable(Vec<Change>);

/// From a time of day on, every day or on one day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    day: Option<Weekday>,
    time: Time,
    pace: Pace,
}

/// How fast to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the server takes it.
    Free,
    /// At most so many messages a second.
    Rate(Rate),
    /// Nothing.
    Pause,
}

impl Pace {
    /// Messages a second; `None`: no bound.
    pub fn rate(self) -> Option<NonZeroU32> {
        match self {
            Self::Rate(rate) => Some(rate.0),
            Self::Free | Self::Pause => None,
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.write_str("off"),
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Pause => f.write_str("pause"),
        }
    }
}

impl Timetable {
    /// What holds at that moment, and from when on something else does.
    pub fn at(&self, now: &Zoned) -> (Pace, Zoned) {
        let (mut last, mut next): (Option<(Zoned, Pace)>, Option<Zoned>) = (None, None);
        // Eight days back and forth: a table of one line for one day of the week has its last change seven days ago.
        for days in -8..=8 {
            let Ok(date) = now.date().checked_add(Span::new().days(days)) else { continue };
            for change in &self.0 {
                if change.day.is_some_and(|day| day != date.weekday()) {
                    continue;
                }
                // A time that the clock leaves out is the moment after, one that comes twice is the first.
                let Ok(moment) = date.to_datetime(change.time).to_zoned(now.time_zone().clone()) else {
                    continue;
                };
                if moment > *now {
                    if next.as_ref().is_none_or(|next| moment < *next) {
                        next = Some(moment);
                    }
                } else if last.as_ref().is_none_or(|(last, _)| moment >= *last) {
                    last = Some((moment, change.pace));
                }
            }
        }
        let pace = last.map_or(Pace::Free, |(_, pace)| pace);
        (pace, next.unwrap_or_else(|| now.clone()))
    }
}

impl FromStr for Timetable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let changes: Vec<Change> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        if changes.is_empty() {
            return Err("an empty timetable: write `22:00,800/s 06:00,20/s`".to_owned());
        }
        for (at, change) in changes.iter().enumerate() {
            if changes.iter().take(at).any(|other| (other.day, other.time) == (change.day, change.time)) {
                return Err(format!(
                    "the timetable says twice what holds from {} on",
                    change.time.strftime("%H:%M")
                ));
            }
        }
        Ok(Self(changes))
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no line of a timetable: write `22:00,800/s`, `Sat-08:30,off` (no bound) or `12:00,pause`"
            )
        };
        let (when, pace) = text.split_once(',').ok_or_else(wrong)?;
        let (day, time) = match when.split_once('-') {
            Some((day, time)) => (Some(weekday(day).ok_or_else(wrong)?), time),
            None => (None, when),
        };
        let pace = match pace {
            "off" => Pace::Free,
            "pause" => Pace::Pause,
            rate => Pace::Rate(rate.parse().map_err(|error| format!("`{text}`: {error}, `off` or `pause`"))?),
        };
        Ok(Self { day, time: time_of_day(time).ok_or_else(wrong)?, pace })
    }
}

/// `Mon` to `Sun`, in any case, or the whole word.
fn weekday(text: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let text = text.to_ascii_lowercase();
    let is_it = |name: &str| text == name || (text.len() == 3 && name.starts_with(&text));
    DAYS.into_iter().find(|(name, _)| is_it(name)).map(|(_, day)| day)
}

/// `6:00`, `06:00`, `06:00:30`; `24:00` is none.
fn time_of_day(text: &str) -> Option<Time> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "00"));
    let digits = |text: &str, most: usize| {
        ((1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i8>().ok())
            .flatten()
    };
    if minutes.len() != 2 || seconds.len() != 2 {
        return None;
    }
    Time::new(digits(hours, 2)?, digits(minutes, 2)?, digits(seconds, 2)?, 0).ok()
}

impl<'de> Deserialize<'de> for Timetable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// When a run is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The next time the clock shows this.
    Time(Time),
    /// On that day.
    Moment(DateTime),
}

impl Deadline {
    /// The moment it means, for a run that begins `now`. What is past already is an error.
    pub fn from(self, now: &Zoned) -> Result<Zoned, String> {
        let zone: TimeZone = now.time_zone().clone();
        let moment = |at: DateTime| at.to_zoned(zone.clone()).map_err(|error| error.to_string());
        let at = match self {
            Self::Moment(at) => moment(at)?,
            Self::Time(time) => {
                let today = moment(now.date().to_datetime(time))?;
                if today > *now {
                    today
                } else {
                    moment(now.date().tomorrow().map_err(|error| error.to_string())?.to_datetime(time))?
                }
            }
        };
        if at > *now {
            return Ok(at);
        }
        Err(format!("the deadline {} is past", at.strftime("%Y-%m-%d %H:%M")))
    }
}

impl<'de> Deserialize<'de> for Deadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(time) = time_of_day(text) {
            return Ok(Self::Time(time));
        }
        let wrong = || format!("`{text}` is no deadline: write `06:00`, or with its day `2026-11-30 06:00`");
        let (date, time) = text.split_once([' ', 'T']).ok_or_else(wrong)?;
        let date: jiff::civil::Date = date.parse().map_err(|_| wrong())?;
        Ok(Self::Moment(date.to_datetime(time_of_day(time).ok_or_else(wrong)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn at(table: &str, now: &str) -> (String, String) {
        let (pace, next) = table.parse::<Timetable>().unwrap().at(&zoned(now));
        (pace.to_string(), next.strftime("%a %H:%M").to_string())
    }

    #[test]
    fn what_holds_is_the_change_before_and_the_night_is_one() {
        let table = "22:00,800/s 06:00,20/s Sat-00:00,off";
        let held = |now| at(table, now);
        // 30 November 2026 is a Monday.
        assert_eq!(held("2026-11-30T21:59:00+01:00[Europe/Berlin]"), ("20/s".into(), "Mon 22:00".into()));
        assert_eq!(held("2026-11-30T22:00:00+01:00[Europe/Berlin]"), ("800/s".into(), "Tue 06:00".into()));
        assert_eq!(held("2026-12-01T03:00:00+01:00[Europe/Berlin]"), ("800/s".into(), "Tue 06:00".into()));
        assert_eq!(held("2026-12-05T00:00:00+01:00[Europe/Berlin]"), ("off".into(), "Sat 06:00".into()));
    }

    #[test]
    fn a_line_of_one_weekday_holds_for_a_week() {
        let table = "Fri-18:00,off";
        assert_eq!(at(table, "2026-12-04T17:00:00+00:00[UTC]"), ("off".into(), "Fri 18:00".into()));
        assert_eq!(at(table, "2026-12-04T18:00:00+00:00[UTC]"), ("off".into(), "Fri 18:00".into()));
    }

    #[test]
    fn the_clock_that_is_put_forward_skips_no_change() {
        // On 28 March 2027 the clocks of Berlin go from 2:00 to 3:00.
        let table = "02:30,pause 05:00,off";
        assert_eq!(at(table, "2027-03-28T03:29:00+02:00[Europe/Berlin]").0, "off");
        assert_eq!(at(table, "2027-03-28T03:31:00+02:00[Europe/Berlin]").0, "pause");
    }

    #[test]
    fn what_is_no_timetable_is_said() {
        for wrong in ["", "22:00", "25:00,1/s", "22:00,fast", "Someday-22:00,off", "22:0,off", "22:00,0/s"] {
            assert!(wrong.parse::<Timetable>().is_err(), "{wrong}");
        }
        assert!("22:00,off 22:00,pause".parse::<Timetable>().unwrap_err().contains("twice"));
    }

    #[test]
    fn a_deadline_is_the_next_time_the_clock_shows_it() {
        let now = zoned("2026-11-30T22:00:00+01:00[Europe/Berlin]");
        let deadline = |text: &str| text.parse::<Deadline>().and_then(|deadline| deadline.from(&now));
        assert_eq!(deadline("06:00").unwrap().to_string(), "2026-12-01T06:00:00+01:00[Europe/Berlin]");
        assert_eq!(deadline("23:15").unwrap().date(), now.date());
        assert_eq!(deadline("22:00").unwrap().date(), now.date().tomorrow().unwrap());
        assert_eq!(deadline("2026-12-02 06:00").unwrap().date().day(), 2);
        assert!(deadline("2026-11-30T21:00").unwrap_err().contains("past"));
        assert!(deadline("tomorrow").unwrap_err().contains("06:00"));
    }
}
