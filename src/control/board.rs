//! What is to be seen of a command: each phase puts up its numbers, whoever looks takes them down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Zoned;

use super::advice::{advise, doing, is_after_sending};
use super::desk::Desk;
use super::series::Series;
use super::state::{Counted, End, Eta, Lag, Left, Limit, Pace, Settings, State, ms};
use crate::import::{Progress, Shown};
use crate::openim::Reason;
use crate::report::{self, Snapshot, Unit};

/// Looks at a phase, as the progress line does.
pub type Look = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// Shared by the command and whoever looks. Cheap to clone.
#[derive(Clone)]
pub struct Board(Arc<Mutex<Scene>>);

struct Scene {
    began: Instant,
    job: String,
    server: String,
    phase: &'static str,
    look: Option<Look>,
    /// What is sent, while something is and afterwards.
    sending: Option<Arc<Progress>>,
    pace: report::Pace,
    rates: report::Rates,
    series: Series,
    ended: Option<End>,
}

impl Default for Board {
    fn default() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Scene {
            began: now,
            job: String::new(),
            server: String::new(),
            phase: "",
            look: None,
            sending: None,
            pace: report::Pace::new(),
            rates: report::Rates::default(),
            series: Series::default(),
            ended: None,
        })))
    }
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Board").field(&self.scene().phase).finish()
    }
}

impl Board {
    /// Which job, which server.
    pub fn name(&self, job: &str, server: &str) {
        let mut scene = self.scene();
        job.clone_into(&mut scene.job);
        server.clone_into(&mut scene.server);
    }

    /// A phase that counts nothing.
    pub fn phase(&self, phase: &'static str) {
        let mut scene = self.scene();
        (scene.phase, scene.look) = (phase, None);
    }

    /// A phase with numbers.
    pub fn watch(&self, look: Look) {
        let mut scene = self.scene();
        scene.pace = report::Pace::new();
        scene.look = Some(look);
    }

    /// Messages are sent.
    pub fn sending(&self, progress: Arc<Progress>, look: Look) {
        self.watch(look);
        self.scene().sending = Some(progress);
    }

    /// The command has ended.
    pub fn ended(&self, end: End) {
        self.scene().ended = Some(end);
    }

    /// How it has ended, if it has.
    pub fn end(&self) -> Option<End> {
        self.scene().ended.clone()
    }

    /// A look for the series, once a second: the state as it is then.
    pub fn tick(&self, desk: &Desk) -> State {
        let mut scene = self.scene();
        let snapshot = scene.snapshot();
        if scene.ended.is_none() {
            let now = Instant::now();
            // The pace is that of sending, also while what was sent is looked at.
            if scene.paces(&snapshot) {
                scene.rates = scene.pace.update(now, &snapshot);
            }
            let at = now.duration_since(scene.began).as_secs_f64();
            if let Some(progress) = scene.sending.clone() {
                let lag = progress
                    .shown()
                    .limiting
                    .and_then(|limiting| limiting.lag)
                    .filter(|_| progress.unconfirmed.get() > 0);
                let done = progress.confirmed.get() + progress.rejected.get();
                let paused = desk.held().paused().is_some();
                scene.series.note(at, done, lag.map(|lag| lag.as_secs_f64() * 1e3), paused);
            } else {
                scene.series.note(at, 0, None, false);
            }
        }
        drop(scene);
        self.state(desk)
    }

    /// The state as it is now.
    pub fn state(&self, desk: &Desk) -> State {
        let scene = self.scene();
        let snapshot = scene.snapshot();
        let mut state = State {
            version: env!("CARGO_PKG_VERSION"),
            job: scene.job.clone(),
            server: scene.server.clone(),
            phase: if snapshot.phase.is_empty() { scene.phase } else { snapshot.phase },
            seconds: scene.began.elapsed().as_secs_f64(),
            done: snapshot.done,
            total: snapshot.total,
            unit: snapshot.unit.name(),
            in_bytes: snapshot.unit == Unit::Bytes,
            messages: snapshot.messages,
            waiting: snapshot.cause.clone(),
            pace: Pace { now: scene.rates.now, average: scene.rates.average },
            eta: scene.rates.left.filter(|_| scene.ended.is_none() && scene.paces(&snapshot)).map(eta),
            series: scene.series.points().to_vec(),
            ended: scene.ended.clone(),
            ..State::default()
        };
        let progress = scene.sending.clone();
        drop(scene);
        if let Some(progress) = progress {
            count(&mut state, &progress);
        }
        let held = desk.held();
        state.settings = Settings::of(&held, desk.wishes().schedule);
        state.changes = desk.changes();
        if state.ended.is_some() || is_after_sending(state.phase) {
            (state.pace.now, state.lag.now_ms) = (0.0, None);
            state.limit = None;
        }
        if state.ended.is_some() {
            state.waiting = None;
        }
        state.doing = doing(state.phase);
        state.advice = advise(&state);
        state
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scene {
    /// Whether the time that a phase takes is one that people wait for: what comes after sending is short.
    fn paces(&self, snapshot: &Snapshot) -> bool {
        self.sending.is_none() || snapshot.phase == "send"
    }

    fn snapshot(&self) -> Snapshot {
        self.look.as_ref().map(|look| look()).unwrap_or_default()
    }
}

/// What a run counts.
fn count(state: &mut State, progress: &Progress) {
    let rejected = progress.rejected_before.get() + progress.rejected.get();
    let passed = progress.before.get() + progress.confirmed.get() + progress.rejected.get();
    state.messages = progress.messages.get();
    state.conversations = progress.conversations.get();
    state.conversations_done = progress.finished.get();
    state.rejected = rejected;
    state.confirmed = passed.saturating_sub(rejected);
    let left = state.messages.saturating_sub(passed);
    state.in_flight = progress.unconfirmed.get().min(left);
    state.pending = left - state.in_flight;
    state.calls = progress.calls.get();
    state.settling = progress.settling.get();
    state.retries = progress.retries.get();
    state.lost_and_resent = progress.lost.get();
    state.doubled = progress.doubled.get();
    let Shown { limiting, leaders, .. } = progress.shown();
    if let Some(limiting) = limiting {
        let name = limiting.name();
        state.limit = Some(Limit { name, text: limiting.to_string() });
        state.lag = Lag {
            now_ms: limiting.lag.map(ms),
            idle_ms: limiting.idle.map(ms),
            aim_ms: limiting.aim.map(ms),
        };
    }
    let leaders = leaders.into_iter().filter(|(_, left)| *left > 0);
    state.longest = leaders.map(|(conversation, left)| Left { conversation, left }).collect();
    let counted = |(name, count, example): (String, u64, String)| Counted { name, means: "", count, example };
    state.retry_causes = progress.retry_causes.list().into_iter().map(counted).collect();
    state.rejects = progress.refused.list().into_iter().map(counted).collect();
    for reject in &mut state.rejects {
        reject.means = Reason::from_name(&reject.name).map_or("", Reason::means);
    }
}

fn eta(left: Duration) -> Eta {
    let at = Zoned::now().checked_add(left).map(|at| at.strftime("%a %H:%M").to_string());
    Eta { seconds: left.as_secs_f64(), at: at.unwrap_or_default() }
}
