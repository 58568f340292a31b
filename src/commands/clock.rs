//! What the hour says: the pace by the timetable, a pause while the job has a file that asks for it, the deadline.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Zoned;
use jiff::tz::TimeZone;
use tokio::task::JoinHandle;

use super::context::{Context, note};
use super::fit::Fit;
use super::{Exit, Failure};
use crate::before::Forecast;
use crate::config::{ClockArgs, Pace, Timetable};
use crate::control::{Desk, Hour};
use crate::import::StopSignal;
use crate::job::Shard;

/// In the job's folder: while it is there, nothing new is sent.
const PAUSE: &str = "pause";
/// How soon a change is followed.
const LOOK: Duration = Duration::from_millis(500);

/// What a run goes by.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    timetable: Option<Timetable>,
    deadline: Option<Zoned>,
    /// Whose part of these rates it is.
    shard: Shard,
    pause: PathBuf,
}

impl Clock {
    /// From flags and configuration. A deadline is the next one from now on.
    pub(super) fn new(context: &Context, args: &ClockArgs, job: &Path) -> Result<Self, Failure> {
        let file = &context.file.import;
        let zone = zone(args.clock.as_ref().or(file.clock.as_ref()))?;
        let now = Zoned::now().with_time_zone(zone.clone());
        let deadline = args.deadline.or(file.deadline).map(|deadline| deadline.from(&now)).transpose();
        let deadline = deadline.map_err(|error| Failure::new(Exit::Usage, error))?;
        let timetable = args.schedule.clone().or_else(|| file.schedule.clone());
        Ok(Self { zone, timetable, deadline, shard: Shard::WHOLE, pause: job.join(PAUSE) })
    }

    /// The same for one of several shards: rates are shared by all.
    pub(super) fn of(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// What holds now, before anything is sent.
    pub(super) fn say(&self) -> Result<(), Failure> {
        let now = self.now();
        if let Some(timetable) = &self.timetable {
            let (pace, next) = timetable.at(&now);
            let then = timetable.at(&next).0;
            let next = next.strftime("%a %H:%M");
            note(&format!(
                "timetable, clock of {}: {} now, {} from {next} on",
                self.name(),
                words(pace),
                words(then)
            ))?;
        }
        if let Some(deadline) = &self.deadline {
            note(&format!("deadline: {} ({})", deadline.strftime("%a %H:%M"), self.name()))?;
        }
        Ok(())
    }

    /// Tells the desk what the hour and the job's folder say, and asks for a stop at the deadline, until it is dropped.
    pub(super) fn follow(self, desk: Desk, stop: StopSignal) -> Following {
        let (reached, deadline) = (Arc::new(AtomicBool::new(false)), self.deadline.clone());
        let name = self.name().to_owned();
        let told = Arc::clone(&reached);
        desk.begin(self.hour(&self.now(), self.pause.exists()));
        if let Some(why) = desk.held().paused() {
            drop(note(&why));
        }
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let hour = self.hour(&self.now(), self.pause.exists());
                let over = hour.over;
                desk.hour(hour);
                if over {
                    told.store(true, Ordering::Relaxed);
                    stop.drain.cancel();
                    return;
                }
            }
        });
        Following { task, reached, deadline, zone: name }
    }

    /// Pure: what the hour says at that moment, with or without the file that asks for a pause.
    fn hour(&self, now: &Zoned, asked: bool) -> Hour {
        let (pace, next) = match &self.timetable {
            Some(timetable) => timetable.at(now),
            None => (Pace::Free, now.clone()),
        };
        Hour {
            rate: pace.rate(),
            pause_until: (pace == Pace::Pause).then(|| next.strftime("%a %H:%M").to_string()),
            file: asked.then(|| self.pause.display().to_string()),
            shard: Some(self.shard),
            over: self.deadline.as_ref().is_some_and(|deadline| now >= deadline),
        }
    }

    fn now(&self) -> Zoned {
        Zoned::now().with_time_zone(self.zone.clone())
    }

    /// Whether what is forecast fits into the night; `None`: nobody said when it is to be.
    pub(super) fn fit(&self, forecast: &Forecast) -> Option<Fit> {
        let is_asked = self.timetable.is_some() || self.deadline.is_some();
        let work = (forecast.seconds, forecast.messages);
        is_asked.then(|| Fit::new(&self.now(), self.timetable.as_ref(), self.deadline.as_ref(), work))
    }

    /// So long from now, as people read it: `06:20 (Europe/Berlin)`.
    pub(super) fn after(&self, time: jiff::SignedDuration) -> String {
        format!("{} ({})", self.now().saturating_add(time).strftime("%H:%M"), self.name())
    }

    fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("this machine")
    }
}

fn words(pace: Pace) -> String {
    match pace {
        Pace::Free => "no bound".to_owned(),
        Pace::Rate(rate) => format!("at most {rate}"),
        Pace::Pause => "a pause".to_owned(),
    }
}

/// The clock at work; dropped, it turns nothing any more.
#[derive(Debug)]
pub(super) struct Following {
    task: JoinHandle<()>,
    reached: Arc<AtomicBool>,
    deadline: Option<Zoned>,
    zone: String,
}

impl Following {
    /// The sentence of the verdict, if it was the deadline that ended the run.
    pub(super) fn ended_it(&self) -> Option<String> {
        let deadline = self.deadline.as_ref().filter(|_| self.reached.load(Ordering::Relaxed))?;
        Some(format!("The deadline, {} ({}), came.", deadline.strftime("%H:%M"), self.zone))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The zone of that name; where none is named, that of this machine.
pub(super) fn zone(name: Option<&String>) -> Result<TimeZone, Failure> {
    let Some(name) = name else { return Ok(TimeZone::system()) };
    TimeZone::get(name).map_err(|_| {
        Failure::new(Exit::Usage, format!("`{name}` is no time zone: write `Europe/Berlin` or `UTC`"))
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::control::Wishes;
    use crate::import::Dial;

    fn clock(table: Option<&str>, deadline: Option<&str>) -> Clock {
        Clock {
            zone: TimeZone::UTC,
            timetable: table.map(|table| table.parse().unwrap()),
            deadline: deadline.map(|deadline| deadline.parse().unwrap()),
            shard: Shard::WHOLE,
            pause: "job/pause".into(),
        }
    }

    fn desk(most: Option<u32>) -> Desk {
        Desk::new(Dial::default(), Wishes::new(most.and_then(NonZeroU32::new), 32, None))
    }

    #[test]
    fn a_night_by_a_fake_clock() {
        let table = Some("22:00,800/s 02:00,pause 03:00,off 06:00,20/s");
        let night = clock(table, Some("2026-12-01T05:00:00+00:00[UTC]"));
        let desk = desk(Some(500));
        let mut told = Vec::new();
        let mut now: Zoned = "2026-11-30T21:30:00+00:00[UTC]".parse().unwrap();
        let mut last = None;
        while told.len() < 20 {
            let hour = night.hour(&now, now.hour() == 23 && now.minute() < 10);
            let over = hour.over;
            desk.begin(hour);
            let held = desk.held();
            if last.as_ref() != Some(&held) {
                told.push(format!("{} {held}", now.strftime("%H:%M")));
                last = Some(held);
            }
            if over {
                break;
            }
            now = now.checked_add(jiff::Span::new().minutes(5)).unwrap();
        }
        let expected = [
            "21:30 at most 20/s, by the timetable",
            "22:00 at most 500/s",
            "23:00 paused by job/pause: delete it to go on",
            "23:10 at most 500/s",
            "02:00 paused by the timetable until Tue 03:00",
            "03:00 at most 500/s",
            "05:00 the deadline: what is under way is settled, nothing new is sent",
        ];
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn at_the_deadline_it_asks_for_a_stop_and_says_so() {
        let clock = clock(None, Some("2026-11-30T21:30:00+00:00[UTC]"));
        let (desk, stop) = (desk(None), StopSignal::default());
        let following = Clock { deadline: Some(Zoned::now()), ..clock }.follow(desk.clone(), stop.clone());
        stop.drain.cancelled().await;
        assert!(following.ended_it().unwrap().starts_with("The deadline, "));
        assert_eq!(desk.dial().paused(), None);
    }

    #[tokio::test]
    async fn a_file_in_the_job_pauses_until_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let pause = dir.path().join(PAUSE);
        let desk = desk(None);
        fs_err::write(&pause, "").unwrap();
        let clock = Clock { pause: pause.clone(), ..clock(None, None) };
        let following = clock.follow(desk.clone(), StopSignal::default());
        assert!(desk.dial().paused().unwrap().contains("delete it to go on"));
        fs_err::remove_file(&pause).unwrap();
        while desk.dial().paused().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(following.ended_it(), None);
        assert_eq!(desk.changes().len(), 1, "what held at the beginning is no change");
    }

    #[test]
    fn without_anything_said_nothing_is_bounded() {
        let now = "2026-11-30T21:30:00+00:00[UTC]".parse().unwrap();
        let nothing = Hour { shard: Some(Shard::WHOLE), ..Hour::default() };
        assert_eq!(clock(None, None).hour(&now, false), nothing);
    }
}
