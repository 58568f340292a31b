//! What holds when the operator, the file `pause` and the timetable meet. Pure.
//!
//! The strictest holds: nothing is sent while any of them asks for a pause, and the rate is the lowest that any of them
//! names. So nobody has to know what the others said to be sure that a wish to go easy is followed; who wants more than
//! the timetable says puts it out of force (`schedule off`), and who made the file deletes it.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::verb::Verb;
use crate::job::Shard;

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody at `control` or the page; at the beginning what the command line said.
    Operator,
    /// The file `pause` in the job's folder.
    File,
    /// The timetable.
    Timetable,
    /// The deadline.
    Deadline,
}

impl By {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::File => "file",
            Self::Timetable => "timetable",
            Self::Deadline => "deadline",
        }
    }
}

/// What the operator asks for; at the beginning what the command line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Send nothing.
    pub paused: bool,
    /// Messages a second at most.
    pub rate: Option<NonZeroU32>,
    /// Calls under way at most.
    pub connections: u16,
    /// Lag above that of the idle server at most; `None`: any.
    pub max_lag: Option<Duration>,
    /// The timetable counts.
    pub schedule: bool,
    /// End in peace.
    pub drain: bool,
}

impl Wishes {
    /// What a run begins with.
    pub fn new(rate: Option<NonZeroU32>, connections: u16, max_lag: Option<Duration>) -> Self {
        Self { paused: false, rate, connections, max_lag, schedule: true, drain: false }
    }

    /// The same after a verb.
    #[must_use]
    pub fn after(&self, verb: Verb) -> Self {
        let mut wishes = self.clone();
        match verb {
            Verb::Pause => wishes.paused = true,
            Verb::Resume => wishes.paused = false,
            Verb::Rate(rate) => wishes.rate = rate,
            Verb::Connections(n) => wishes.connections = n,
            Verb::MaxLag(lag) => wishes.max_lag = lag,
            Verb::Schedule(on) => wishes.schedule = on,
            Verb::Drain => wishes.drain = true,
            Verb::Close => {}
        }
        wishes
    }
}

/// What the clock and the job's folder say at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hour {
    /// The timetable's rate.
    pub rate: Option<NonZeroU32>,
    /// The timetable pauses, until then.
    pub pause_until: Option<String>,
    /// The file that asks for a pause, while it is there.
    pub file: Option<String>,
    /// The deadline has come.
    pub over: bool,
    /// Rates are shared by all shards: which of them this is.
    pub shard: Option<Shard>,
}

impl Hour {
    /// What of it is new, and whose word that is.
    pub(super) fn news(&self, before: &Self) -> Vec<(By, String)> {
        let mut news = Vec::new();
        if self.file != before.file {
            news.push((By::File, if self.file.is_some() { "pause" } else { "resume" }.to_owned()));
        }
        if (self.rate, &self.pause_until) != (before.rate, &before.pause_until) {
            news.push((
                By::Timetable,
                match (&self.pause_until, self.rate) {
                    (Some(until), _) => format!("pause until {until}"),
                    (None, Some(rate)) => format!("rate {rate}/s"),
                    (None, None) => "rate off".to_owned(),
                },
            ));
        }
        if self.over && !before.over {
            news.push((By::Deadline, "drain".to_owned()));
        }
        news
    }
}

/// What holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Messages a second at most, and whose word that is.
    pub rate: Option<(NonZeroU32, By)>,
    /// Who asks for a pause, and what ends it.
    pub pauses: Vec<(By, String)>,
    /// Calls under way at most.
    pub connections: u16,
    /// Lag above that of the idle server at most.
    pub max_lag: Option<Duration>,
    /// Who ends the run.
    pub ending: Option<By>,
}

/// All of them together.
pub(super) fn held(wishes: &Wishes, hour: &Hour) -> Held {
    let timetable = hour.rate.filter(|_| wishes.schedule);
    let rate = match (wishes.rate, timetable) {
        (Some(own), Some(table)) if table < own => Some((table, By::Timetable)),
        (Some(own), _) => Some((own, By::Operator)),
        (None, table) => table.map(|table| (table, By::Timetable)),
    };
    let mut pauses = Vec::new();
    let shard = hour.shard.unwrap_or(Shard::WHOLE);
    if let Some((whole, by)) = rate.filter(|(whole, _)| shard.share(*whole).is_none()) {
        pauses.push((by, format!("paused: {whole}/s are less than one for each of {} shards", shard.of())));
    }
    let rate = rate.and_then(|(whole, by)| shard.share(whole).map(|share| (share, by)));
    if wishes.paused {
        pauses.push((
            By::Operator,
            "paused by the operator: `openim-import control resume` goes on".to_owned(),
        ));
    }
    if let Some(file) = &hour.file {
        pauses.push((By::File, format!("paused by {file}: delete it to go on")));
    }
    if let Some(until) = hour.pause_until.as_ref().filter(|_| wishes.schedule) {
        pauses.push((By::Timetable, format!("paused by the timetable until {until}")));
    }
    let ending = match (wishes.drain, hour.over) {
        (true, _) => Some(By::Operator),
        (false, true) => Some(By::Deadline),
        (false, false) => None,
    };
    Held { rate, pauses, connections: wishes.connections, max_lag: wishes.max_lag, ending }
}

impl Held {
    /// Why nothing is sent, if nothing is.
    pub fn paused(&self) -> Option<String> {
        let said: Vec<&str> = self.pauses.iter().map(|(_, text)| text.as_str()).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ending, self.paused(), self.rate) {
            (Some(By::Deadline), ..) => {
                f.write_str("the deadline: what is under way is settled, nothing new is sent")
            }
            (Some(_), ..) => f.write_str("ending: what is under way is settled, nothing new is sent"),
            (None, Some(why), _) => f.write_str(&why),
            (None, None, Some((rate, By::Timetable))) => write!(f, "at most {rate}/s, by the timetable"),
            (None, None, Some((rate, _))) => write!(f, "at most {rate}/s"),
            (None, None, None) => f.write_str("as fast as the server takes it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes::new(NonZeroU32::new(500), 32, Some(Duration::from_millis(300)))
    }

    fn hour(rate: u32) -> Hour {
        Hour { rate: NonZeroU32::new(rate), ..Hour::default() }
    }

    #[test]
    fn the_lowest_rate_holds_and_is_named() {
        let rate = |wishes: &Wishes, hour: &Hour| held(wishes, hour).rate.map(|(rate, by)| (rate.get(), by));
        assert_eq!(rate(&wishes(), &hour(0)), Some((500, By::Operator)));
        assert_eq!(rate(&wishes(), &hour(800)), Some((500, By::Operator)));
        assert_eq!(rate(&wishes(), &hour(20)), Some((20, By::Timetable)));
        assert_eq!(rate(&wishes().after(Verb::Rate(None)), &hour(20)), Some((20, By::Timetable)));
        assert_eq!(rate(&wishes().after(Verb::Rate(None)), &hour(0)), None);
        let free = wishes().after(Verb::Schedule(false));
        assert_eq!(rate(&free, &hour(20)), Some((500, By::Operator)));
        assert_eq!(rate(&free.after(Verb::Schedule(true)), &hour(20)), Some((20, By::Timetable)));
    }

    #[test]
    fn it_pauses_while_anybody_asks_and_says_who() {
        let by = |held: &Held| held.pauses.iter().map(|(by, _)| by.name()).collect::<Vec<_>>();
        let all = Hour {
            file: Some("import.job/pause".into()),
            pause_until: Some("Tue 03:00".into()),
            ..Hour::default()
        };
        let paused = wishes().after(Verb::Pause);
        assert_eq!(by(&held(&paused, &all)), ["operator", "file", "timetable"]);
        let resumed = held(&paused.after(Verb::Resume), &all);
        assert_eq!(by(&resumed), ["file", "timetable"]);
        assert_eq!(
            resumed.to_string(),
            "paused by import.job/pause: delete it to go on; paused by the timetable until Tue 03:00"
        );
        // The timetable can be put out of force, the file not.
        assert_eq!(by(&held(&wishes().after(Verb::Schedule(false)), &all)), ["file"]);
        assert_eq!(held(&wishes(), &Hour::default()).paused(), None);
    }

    #[test]
    fn shards_share_a_rate_whoever_named_it() {
        let of = |shard| held(&wishes(), &Hour { shard: Shard::new(shard, 3), ..hour(100) }).rate;
        let rates: Vec<u32> = (1..=3).filter_map(|no| of(no).map(|(rate, _)| rate.get())).collect();
        assert_eq!(rates, [34, 33, 33]);
        let less = held(&wishes(), &Hour { shard: Shard::new(3, 3), ..hour(2) });
        assert!(less.paused().unwrap().contains("less than one for each of 3 shards"));
    }

    #[test]
    fn the_end_is_the_end() {
        let over = Hour { over: true, ..hour(20) };
        assert_eq!(held(&wishes(), &over).ending, Some(By::Deadline));
        assert_eq!(held(&wishes().after(Verb::Drain), &over).ending, Some(By::Operator));
        assert!(
            held(&wishes().after(Verb::Drain).after(Verb::Pause), &hour(0)).to_string().starts_with("ending")
        );
    }

    #[test]
    fn only_what_is_new_of_an_hour_is_news() {
        let table = hour(20);
        assert_eq!(table.news(&table), []);
        let next = Hour { file: Some("pause".into()), rate: None, over: true, ..Hour::default() };
        let news: Vec<(&str, String)> =
            next.news(&table).into_iter().map(|(by, what)| (by.name(), what)).collect();
        let expected = [("file", "pause"), ("timetable", "rate off"), ("deadline", "drain")];
        assert_eq!(news, expected.map(|(by, what)| (by, what.to_owned())));
    }
}
