//! Whether the night is long enough: when it ends by the timetable, and what is left at the deadline. Pure.

use jiff::Zoned;
use serde::{Serialize, Serializer};

use crate::config::{Pace, Timetable};
use crate::report::plural;

/// Begun at that moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Fit {
    /// When everything is there; `None`: not within a year, as the timetable is.
    #[serde(serialize_with = "written")]
    pub(super) ends: Option<Zoned>,
    /// When it has to end.
    #[serde(serialize_with = "written")]
    pub(super) deadline: Option<Zoned>,
    /// Messages that are left then.
    pub(super) left_at_deadline: u64,
    /// The timetable has a say in it.
    #[serde(skip)]
    by_timetable: bool,
}

/// `2026-12-01T06:00:00+01:00`
#[expect(clippy::ref_option, reason = "as serde asks for it")]
fn written<S: Serializer>(time: &Option<Zoned>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = time.as_ref().map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    time.serialize(serializer)
}

/// Longer than anybody waits.
const DAYS: i64 = 366;

impl Fit {
    /// Of work that takes so many seconds at full pace, in so many messages.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub(super) fn new(
        now: &Zoned,
        timetable: Option<&Timetable>,
        deadline: Option<&Zoned>,
        (seconds, messages): (f64, u64),
    ) -> Self {
        let pace = messages as f64 / seconds.max(f64::MIN_POSITIVE);
        let work = |until: &Zoned, most: f64| worked(now, timetable, until, pace, most);
        let last = now.saturating_add(jiff::SignedDuration::from_hours(24 * DAYS));
        let (done, ends) = work(&last, seconds);
        let ends = (done >= seconds).then_some(ends);
        let left = deadline.map_or(0.0, |deadline| {
            let (done, _) = work(deadline, seconds);
            messages as f64 * (1.0 - done / seconds.max(f64::MIN_POSITIVE))
        });
        let by_timetable = timetable.is_some();
        Self { ends, deadline: deadline.cloned(), left_at_deadline: left.ceil() as u64, by_timetable }
    }

    /// A sentence.
    pub(super) fn in_words(&self) -> String {
        let at = |time: &Zoned| time.strftime("%a %H:%M").to_string();
        let by = if self.by_timetable { " by the timetable" } else { "" };
        let ends = match &self.ends {
            Some(ends) => format!("begun now it ends about {}{by}", at(ends)),
            None => format!("{} it does not end within a year", by.trim_start()),
        };
        match &self.deadline {
            None => ends,
            Some(deadline) if self.left_at_deadline == 0 => {
                format!("{ends}, before the deadline ({})", at(deadline))
            }
            Some(deadline) => format!(
                "{ends}; the deadline ({}) comes first: about {} left then, for another night",
                at(deadline),
                plural(self.left_at_deadline, "message is", "messages are")
            ),
        }
    }
}

/// Seconds of work at full pace that are done until then, `most` at most, and when that is.
fn worked(now: &Zoned, timetable: Option<&Timetable>, until: &Zoned, pace: f64, most: f64) -> (f64, Zoned) {
    let (mut at, mut done) = (now.clone(), 0.0);
    while at < *until && done < most {
        let (allowed, next) = match timetable {
            Some(timetable) => timetable.at(&at),
            None => (Pace::Free, until.clone()),
        };
        let next = if next > at { next.min(until.clone()) } else { until.clone() };
        let share = match allowed {
            Pace::Pause => 0.0,
            Pace::Free => 1.0,
            Pace::Rate(rate) => (f64::from(rate.0.get()) / pace).min(1.0),
        };
        let span = next.duration_since(&at).as_secs_f64();
        if share > 0.0 && done + span * share >= most {
            let rest = jiff::SignedDuration::try_from_secs_f64((most - done) / share).unwrap_or_default();
            return (most, at.saturating_add(rest));
        }
        done += span * share;
        at = next;
    }
    (done, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        format!("2026-11-30T{text}:00+00:00[UTC]").parse().unwrap()
    }

    fn said(table: Option<&str>, deadline: Option<&str>, seconds: f64, messages: u64) -> String {
        let table = table.map(|table| table.parse().unwrap());
        let deadline = deadline.map(|deadline| deadline.parse().unwrap());
        Fit::new(&at("22:00"), table.as_ref(), deadline.as_ref(), (seconds, messages)).in_words()
    }

    #[test]
    fn a_night_that_is_long_enough_and_one_that_is_not() {
        let deadline = Some("2026-12-01T06:00:00+00:00[UTC]");
        assert_eq!(said(None, None, 6.0 * 3600.0, 1_000), "begun now it ends about Tue 04:00");
        assert_eq!(
            said(None, deadline, 6.0 * 3600.0, 1_000),
            "begun now it ends about Tue 04:00, before the deadline (Tue 06:00)"
        );
        assert_eq!(
            said(None, deadline, 10.0 * 3600.0, 10_000_000),
            "begun now it ends about Tue 08:00; the deadline (Tue 06:00) comes first: about 2,000,000 messages are left then, \
             for another night"
        );
    }

    #[test]
    fn the_timetable_slows_it_and_rests() {
        // 100 a second: at night all of it, by day a tenth, and nothing for an hour.
        let table = Some("22:00,off 02:00,pause 03:00,off 06:00,10/s");
        let messages = |hours: u64| hours * 3600 * 100;
        let hours = |hours: u64| said(table, None, hours_f64(hours), messages(hours));
        assert_eq!(hours(4), "begun now it ends about Tue 02:00 by the timetable");
        assert_eq!(hours(5), "begun now it ends about Tue 04:00 by the timetable");
        // Seven in the first night, 1.6 by day.
        assert_eq!(hours(8), "begun now it ends about Tue 16:00 by the timetable");
        assert_eq!(
            said(Some("00:00,pause"), None, 60.0, 100),
            "by the timetable it does not end within a year"
        );
    }

    fn hours_f64(hours: u64) -> f64 {
        f64::from(u32::try_from(hours).unwrap()) * 3600.0
    }
}
