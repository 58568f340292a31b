//! Where all who may change a run meet: their words are put together, the dial is turned, and it is written down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{Timestamp, Zoned};
use tokio::sync::Notify;

use super::held::{By, Held, Hour, Wishes, held};
use super::verb::Verb;
use crate::import::{Dial, StopSignal};
use crate::job::{Change, ChangeLog};
use crate::numbers::plural;
use crate::report::terminal;

/// Shared by the run, the clock and the endpoint.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dial: Dial,
    state: Mutex<State>,
    /// Something was changed.
    moved: Notify,
    /// The page is no longer wanted.
    closed: Notify,
}

#[derive(Debug)]
struct State {
    wishes: Wishes,
    hour: Hour,
    stop: Option<StopSignal>,
    log: Option<ChangeLog>,
    /// The last ones, the latest last.
    changes: VecDeque<Change>,
}

/// So many changes are kept for the page; all stand in the job.
const KEPT: usize = 50;

impl Desk {
    /// One where nothing has been said yet but the command line.
    pub fn new(dial: Dial, wishes: Wishes) -> Self {
        let state = State { wishes, hour: Hour::default(), stop: None, log: None, changes: VecDeque::new() };
        let desk = Self(Arc::new(Inner {
            dial,
            state: Mutex::new(state),
            moved: Notify::new(),
            closed: Notify::new(),
        }));
        desk.turn(&desk.held());
        desk
    }

    /// The dial of the run.
    pub fn dial(&self) -> &Dial {
        &self.0.dial
    }

    /// From now on a drain is asked for here; one that was asked for before is passed on.
    pub fn heed(&self, stop: StopSignal) {
        let mut state = self.state();
        if state.wishes.drain {
            stop.drain.cancel();
        }
        state.stop = Some(stop);
    }

    /// From now on changes are written into the job; those from before, too.
    pub fn keep(&self, mut log: ChangeLog) {
        let mut state = self.state();
        for change in &state.changes {
            note(&mut log, change);
        }
        state.log = Some(log);
    }

    /// What holds.
    pub fn held(&self) -> Held {
        let state = self.state();
        held(&state.wishes, &state.hour)
    }

    /// What the operator asks for.
    pub fn wishes(&self) -> Wishes {
        self.state().wishes.clone()
    }

    /// The last changes, the latest last.
    pub fn changes(&self) -> Vec<Change> {
        self.state().changes.iter().cloned().collect()
    }

    /// Whether the operator has asked for the end.
    pub fn is_drained(&self) -> bool {
        self.state().wishes.drain
    }

    /// What the clock and the folder said at the beginning: that is no change.
    pub fn begin(&self, hour: Hour) {
        self.state().hour = hour;
        self.turn(&self.held());
    }

    /// What the clock and the folder say now.
    pub fn hour(&self, hour: Hour) {
        let mut state = self.state();
        let news = hour.news(&state.hour);
        if news.is_empty() {
            return;
        }
        state.hour = hour;
        self.changed(state, &news);
    }

    /// Does what the operator says; gives what holds now, in words.
    pub fn obey(&self, verb: Verb) -> String {
        if verb == Verb::Close {
            self.0.closed.notify_one();
            return "the page is closed as soon as the run has ended".to_owned();
        }
        let mut state = self.state();
        state.wishes = state.wishes.after(verb);
        if verb == Verb::Drain
            && let Some(stop) = &state.stop
        {
            stop.drain.cancel();
        }
        self.changed(state, &[(By::Operator, verb.to_string())]);
        let held = self.held();
        let others = || held.pauses.iter().any(|(by, _)| *by != By::Operator);
        match verb {
            Verb::Connections(n) => format!("at most {} under way", plural(n.into(), "call", "calls")),
            Verb::MaxLag(None) => "the lag does not matter".to_owned(),
            Verb::MaxLag(Some(lag)) => format!("at most {} ms of lag above the idle server", lag.as_millis()),
            Verb::Resume if others() => format!("your pause is taken back, others are not: {held}"),
            Verb::Rate(_) if matches!(held.rate, Some((_, By::Timetable))) => {
                format!("{held}; `schedule off` puts it out of force")
            }
            _ => held.to_string(),
        }
    }

    /// Returns when something was changed.
    pub async fn moved(&self) {
        self.0.moved.notified().await;
    }

    /// Returns when somebody closes the page.
    pub async fn closed(&self) {
        self.0.closed.notified().await;
    }

    fn changed(&self, mut state: MutexGuard<'_, State>, news: &[(By, String)]) {
        let held = held(&state.wishes, &state.hour);
        self.turn(&held);
        for (by, what) in news {
            let change = Change {
                time: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                by: by.name().to_owned(),
                what: what.clone(),
                holds: held.to_string(),
            };
            tracing::info!(by = change.by, what, holds = change.holds, "changed");
            if let Some(log) = &mut state.log {
                note(log, &change);
            }
            if state.changes.len() == KEPT {
                state.changes.pop_front();
            }
            state.changes.push_back(change);
        }
        // A terminal that takes nothing more must not hold up whoever asks what holds.
        drop(state);
        self.stir();
        let clock = Zoned::now().strftime("%H:%M:%S");
        for (by, what) in news {
            terminal::tell(&format!("{clock} {} ({what}): {held}", by.name()));
        }
    }

    /// Those who look on look again.
    pub(super) fn stir(&self) {
        self.0.moved.notify_waiters();
    }

    fn turn(&self, held: &Held) {
        let dial = &self.0.dial;
        dial.set_rate(held.rate.map(|(rate, _)| rate));
        dial.set_connections(held.connections);
        dial.set_max_lag(held.max_lag);
        dial.pause(held.paused());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That it can't be written is no reason not to do it: it stands on the page and in the log as well.
fn note(log: &mut ChangeLog, change: &Change) {
    if let Err(error) = log.note(change) {
        tracing::warn!(%error, "a change can't be written into the job");
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn desk() -> Desk {
        Desk::new(Dial::default(), Wishes::new(None, 32, Some(Duration::from_millis(300))))
    }

    #[test]
    fn each_word_turns_the_dial_at_once_and_says_what_holds() {
        let desk = desk();
        assert!(desk.obey(Verb::Pause).starts_with("paused by the operator"));
        assert!(desk.dial().paused().unwrap().contains("operator"));
        desk.hour(Hour { file: Some("job/pause".into()), ..Hour::default() });
        let said = desk.obey(Verb::Resume);
        assert!(said.contains("others are not: paused by job/pause"), "{said}");
        assert!(desk.dial().paused().is_some());
        desk.hour(Hour { rate: NonZeroU32::new(20), ..Hour::default() });
        assert_eq!(desk.dial().paused(), None);
        let said = desk.obey(Verb::Rate(NonZeroU32::new(800)));
        assert_eq!(said, "at most 20/s, by the timetable; `schedule off` puts it out of force");
        assert_eq!(desk.obey(Verb::Schedule(false)), "at most 800/s");
        let by: Vec<String> =
            desk.changes().iter().map(|change| format!("{} {}", change.by, change.what)).collect();
        assert_eq!(
            by,
            [
                "operator pause",
                "file pause",
                "operator resume",
                "file resume",
                "timetable rate 20/s",
                "operator rate 800/s",
                "operator schedule off"
            ]
        );
    }

    #[test]
    fn a_drain_before_the_run_has_begun_is_not_forgotten() {
        let (desk, stop) = (desk(), StopSignal::default());
        desk.obey(Verb::Drain);
        desk.heed(stop.clone());
        assert!(stop.drain.is_cancelled() && desk.is_drained());
    }

    #[test]
    fn changes_stand_in_the_job_those_from_before_it_was_opened_too() {
        let dir = tempfile::tempdir().unwrap();
        let job = crate::job::Job::create(dir.path()).unwrap();
        let desk = desk();
        desk.obey(Verb::Connections(4));
        desk.keep(ChangeLog::open(dir.path()).unwrap());
        desk.obey(Verb::MaxLag(None));
        let kept = job.reader().unwrap().changes(9).unwrap();
        assert_eq!(kept, desk.changes());
        assert_eq!(kept.len(), 2);
    }
}
