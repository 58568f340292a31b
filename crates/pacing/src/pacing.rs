//! The controller: measurements in, bounds out.

use crate::aim::Aim;
use std::time::Duration;

/// Monotonic time.
type Now = Duration;

/// What the controller goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// So much lag above that of the idle server is allowed; `None`: nobody waits, and nothing is bounded.
    pub max_lag: Option<Duration>,
    /// Calls under way at most.
    pub calls: usize,
}

/// What is under way when time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Messages sent and not numbered, over all conversations.
    pub unconfirmed: usize,
    /// Conversations of which the first message is among them: it takes the server as long as [`BEGINNING`] others.
    pub beginnings: usize,
    /// How long ago the oldest of them was answered.
    pub oldest: Duration,
}

/// What kept a caller from sending although a conversation would have liked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// So much is unconfirmed already.
    Unconfirmed,
    /// So many calls are under way already.
    Calls,
}

/// What the pace is limited by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Limit {
    /// The idle server is being measured, or the bounds still grow.
    Starting,
    /// The lag: more under way would only wait longer.
    Lag,
    /// The calls that may be under way at once.
    Connections,
    /// The windows of the conversations that are left: each has as much unconfirmed as it may.
    #[default]
    Windows,
}

/// How much may be under way.
#[derive(Debug, Clone)]
pub struct Pacing {
    settings: Settings,
    aim: Option<Aim>,
    phase: Phase,
    /// Unconfirmed messages allowed.
    bound: f64,
    /// As many were allowed before the lag rose last: what it fell by for a moment is soon allowed again.
    before: f64,
    /// Calls under way allowed.
    calls: f64,
    /// Since when the measurements of this step are taken.
    step: Step,
    /// Messages numbered a second, lately.
    stored: f64,
    /// How long answers take, seconds, lately.
    answer: f64,
    /// The worst lag of the last step.
    lag: Option<Duration>,
    /// When something was numbered last.
    alive: Now,
    /// Messages answered before this waited for a server that stood still: that says nothing about the queue.
    stood_until: Now,
    /// Unconfirmed messages at the last tick, beginnings by what they take.
    under_way: f64,
    /// What kept callers from sending since the last tick.
    held: (bool, bool),
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Next to nothing is sent: how long does a message take that waits for nobody?
    Probing,
    /// The bound doubles with each round trip.
    Doubling,
    /// The bound follows the lag.
    Following,
}

/// What was measured since the bounds were moved.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    since: Now,
    worst: Duration,
    /// The same of beginnings, while the idle lag is measured.
    worst_beginning: Duration,
    numbered: usize,
    /// Times that something was numbered.
    batches: usize,
    /// Ticks, and at how many of them something had kept a caller from sending since the one before.
    ticks: usize,
    held_unconfirmed: usize,
    held_calls: usize,
}

/// The bound never falls below it: one conversation goes on with so much at a time, however slow the server is.
pub(crate) const LEAST: f64 = 8.0;
const MOST: f64 = 1e6;
/// The first message of a conversation takes the server as long as so many others (`beginning`): three that are begun at once
/// are a long queue.
pub const BEGINNING: usize = 28;
/// Callers at the start, and at least: with one alone a pause of its conversation is a pause of everybody.
const FEW_CALLS: f64 = 4.0;
const LEAST_CALLS: f64 = 3.0;
/// Unconfirmed messages while the idle lag is measured, and how many of them are looked at, in how many batches.
const PROBE: f64 = 6.0;
const PROBED: usize = 8;
const PROBED_BATCHES: usize = 3;
/// With what doubling begins.
const FIRST: f64 = 32.0;
/// Between two moves at least: batches of the server take 100 ms.
const STEP: Duration = Duration::from_millis(250);
/// How strongly the bound answers a lag that is too long, and one that is short: exponents. Answers come one step
/// late; with 0.5 it would swing.
const DOWN: f64 = 0.4;
const UP: f64 = 0.25;
/// Where the aim is less than this share of the lag, no queue of ours has grown so fast.
const HICCUP: f64 = 0.6;
/// So much of what was allowed before the lag rose is allowed at once when it has fallen.
const AGAIN: f64 = 0.85;
/// Calls under way bring in so many times what is stored.
const SPARE_CALLS: f64 = 1.15;

impl Pacing {
    /// Nothing is known of the server yet.
    pub fn new(settings: Settings, now: Now) -> Self {
        let aim = settings.max_lag.map(Aim::new);
        let calls =
            if aim.is_some() { FEW_CALLS.min(as_f64(settings.calls)) } else { as_f64(settings.calls) };
        Self {
            settings,
            phase: Phase::Probing,
            bound: if aim.is_some() { PROBE } else { MOST },
            before: 0.0,
            aim,
            calls,
            step: Step { since: now, ..Step::default() },
            stored: 0.0,
            answer: 0.0,
            lag: None,
            alive: now,
            stood_until: Duration::ZERO,
            under_way: 0.0,
            held: (false, false),
            limit: Limit::Starting,
        }
    }

    /// Other settings from now on. What is known of the server stays known; a lag that is bounded for the first time is
    /// measured first, by messages that are sent from now on.
    /// Says whether they are others.
    pub fn set(&mut self, settings: Settings, now: Now) -> bool {
        if settings == self.settings {
            return false;
        }
        self.settings = settings;
        self.before = 0.0;
        match (&mut self.aim, settings.max_lag) {
            (Some(aim), Some(above)) => aim.allow(above),
            (None, Some(above)) => {
                self.aim = Some(Aim::new(above));
                self.phase = Phase::Probing;
                (self.bound, self.calls) = (PROBE, FEW_CALLS);
                self.measure_from(now);
            }
            (_, None) => {
                self.aim = None;
                self.phase = Phase::Following;
                (self.bound, self.calls) = (MOST, as_f64(settings.calls));
            }
        }
        let most = as_f64(settings.calls);
        self.calls = self.calls.clamp(LEAST_CALLS.min(most), most.max(1.0));
        true
    }

    /// So many messages may be unconfirmed, over all conversations; a beginning counts as [`BEGINNING`] besides.
    pub fn unconfirmed(&self) -> usize {
        as_usize(self.bound)
    }

    /// So many of them may be those of the longest conversation, before anybody else: it may decide how long the run
    /// takes. The others always have something left.
    pub fn of_the_longest(&self) -> usize {
        as_usize((self.bound * 0.75).max(LEAST))
    }

    /// So many calls may be under way.
    pub fn calls(&self) -> usize {
        as_usize(self.calls.ceil()).clamp(1, self.settings.calls.max(1))
    }

    /// What limits the pace.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The lag of the idle server, as far as it is known.
    pub fn idle(&self) -> Option<Duration> {
        self.aim.as_ref().and_then(Aim::idle)
    }

    /// How long messages waited for their numbers, at worst, in the last step: a quarter of a second or the lag.
    pub fn lag(&self) -> Option<Duration> {
        self.lag
    }

    /// The lag that is aimed at; `None`: none is known, or it does not matter.
    pub fn aim(&self) -> Option<Duration> {
        self.aim.as_ref().and_then(Aim::lag)
    }

    /// A call was answered after so long.
    pub fn answered(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.answer = if self.answer == 0.0 { took } else { self.answer + (took - self.answer) / 32.0 };
    }

    /// So many messages of one conversation were found to have their numbers; the oldest was answered `lag` ago.
    /// `is_beginning`: it is the first of its conversation.
    pub fn numbered(&mut self, messages: usize, lag: Duration, is_beginning: bool, now: Now) {
        self.alive = now;
        if is_beginning && self.phase == Phase::Probing {
            // Nobody waits so long on an idle server whose conversations are there already.
            self.step.worst_beginning = self.step.worst_beginning.max(lag);
            return;
        }
        self.step.numbered += messages;
        self.step.batches += 1;
        if now.saturating_sub(lag) >= self.stood_until {
            self.step.worst = self.step.worst.max(lag);
        }
        let Some(aim) = &self.aim else { return };
        if self.phase == Phase::Doubling {
            if aim.lag().is_some_and(|aim| self.step.worst <= aim) {
                // Only as far as what was allowed is used.
                if self.under_way * 2.0 >= self.bound {
                    let work = messages + if is_beginning { BEGINNING } else { 0 };
                    self.bound = (self.bound + as_f64(work)).min(MOST);
                }
            } else {
                // What is under way by now has not shown yet: half of it was allowed meanwhile.
                self.phase = Phase::Following;
                self.bound = (self.bound / 2.0).max(LEAST);
                self.measure_from(now);
            }
        }
    }

    /// A conversation would have liked to send.
    pub fn held(&mut self, by: Held) {
        match by {
            Held::Unconfirmed => self.held.0 = true,
            Held::Calls => self.held.1 = true,
        }
    }

    /// Time has passed: moves the bounds if it is time to. To be called often, every 50 ms or so.
    pub fn tick(&mut self, seen: Seen, now: Now) {
        let passed = now.saturating_sub(self.step.since);
        // Where both hold somebody back, there are callers enough.
        let (unconfirmed, calls) = std::mem::take(&mut self.held);
        self.under_way = as_f64(seen.unconfirmed + seen.beginnings * BEGINNING);
        self.step.ticks += 1;
        self.step.held_unconfirmed += usize::from(unconfirmed);
        self.step.held_calls += usize::from(calls && !unconfirmed);
        let unconfirmed = if seen.unconfirmed == 0 { Duration::ZERO } else { seen.oldest };
        // As old as what was answered since can be at most.
        let worst = self.step.worst.max(unconfirmed.min(now.saturating_sub(self.stood_until)));
        let lately = self.aim.as_ref().and_then(Aim::most).unwrap_or(STEP);
        if unconfirmed > 3 * lately + STEP && now.saturating_sub(self.alive) > 2 * lately + STEP {
            // Nothing at all comes through: a standstill, no queue of ours. The bound holds everything back by itself.
            self.measure_from(now);
            self.limit = Limit::Lag;
            self.lag = Some(unconfirmed);
            return;
        }
        if self.phase == Phase::Probing {
            if self.aim.is_some() && as_f64(seen.unconfirmed) > 2.0 * PROBE {
                // More was allowed before, and is in the queue still: a server behind that is not idle.
                self.measure_from(now);
                return;
            }
            self.probed(passed, now);
            return;
        }
        // What a move does shows one lag later.
        let least = if self.phase == Phase::Doubling { STEP / 2 } else { STEP };
        if passed < least.max(worst.min(8 * STEP)) {
            return;
        }
        let step = std::mem::replace(&mut self.step, Step { since: now, ..Step::default() });
        self.lag = (step.batches > 0 || seen.unconfirmed > 0).then_some(worst);
        if !self.is_hiccup(worst) {
            self.measure(&step, passed);
        }
        self.limit = self.what_limits(&step, worst);
        if step.numbered > 0 || unconfirmed > lately {
            self.follow(&step, worst, now);
        }
    }

    /// Forgets what was measured in this step, and looks at nothing that was answered before.
    fn measure_from(&mut self, now: Now) {
        self.step = Step { since: now, ..Step::default() };
        self.stood_until = now;
    }

    /// The idle lag is known as soon as some messages came through with nobody before them.
    fn probed(&mut self, passed: Duration, now: Now) {
        let Some(aim) = &mut self.aim else {
            self.phase = Phase::Following;
            return;
        };
        // Where little is to be sent there is little to be measured either.
        let enough = self.step.numbered >= PROBED && self.step.batches >= PROBED_BATCHES;
        // Where every conversation has one message only, beginnings are all that is seen.
        let worst = if self.step.numbered > 0 { self.step.worst } else { self.step.worst_beginning };
        if enough || (!worst.is_zero() && passed >= 8 * STEP) {
            aim.learn(worst, true, true);
            self.bound = FIRST;
            self.phase = Phase::Doubling;
            self.step = Step { since: now, ..Step::default() };
        }
    }

    /// Whether the lag is more than that of a queue that has grown: the server was busy with itself for a moment.
    fn is_hiccup(&self, worst: Duration) -> bool {
        self.aim().is_some_and(|aim| worst.mul_f64(HICCUP) > aim)
    }

    fn measure(&mut self, step: &Step, passed: Duration) {
        let stored = as_f64(step.numbered) / passed.as_secs_f64();
        let share = (passed.as_secs_f64() / 1.0).min(0.5);
        self.stored = if self.stored == 0.0 { stored } else { self.stored + (stored - self.stored) * share };
    }

    fn what_limits(&self, step: &Step, worst: Duration) -> Limit {
        let is_late = self.aim.as_ref().and_then(Aim::lag).is_some_and(|aim| worst > aim);
        if step.held_calls > 0 && step.held_unconfirmed == 0 && self.calls() >= self.settings.calls {
            Limit::Connections
        } else if step.held_unconfirmed > 0 || step.held_calls > 0 || is_late {
            if self.phase == Phase::Doubling { Limit::Starting } else { Limit::Lag }
        } else {
            Limit::Windows
        }
    }

    fn follow(&mut self, step: &Step, worst: Duration, now: Now) {
        let Some(aim) = &mut self.aim else { return };
        let least = self.bound <= LEAST;
        if step.batches > 0 && worst == step.worst {
            // What was answered since and took longer is under way still: such a step shows the shortest ones alone.
            let is_whole = aim.most().is_none_or(|most| step.since >= self.stood_until + most);
            aim.learn(worst, least, is_whole);
        }
        let Some(target) = aim.lag() else { return };
        let ratio = target.as_secs_f64() / worst.as_secs_f64().max(1e-3);
        if self.is_hiccup(worst) {
            self.phase = Phase::Following;
            self.before = self.before.max(self.bound);
            self.bound = (self.bound * ratio.powf(DOWN).max(0.5)).max(LEAST);
            // What was answered before shows the queue as it was, and how many callers it takes is known from before.
            self.stood_until = now;
            return;
        }
        if ratio < 1.0 {
            self.phase = Phase::Following;
            self.bound *= ratio.powf(DOWN);
        } else if step.held_unconfirmed > 0 && self.phase == Phase::Following {
            // More is allowed only if what was allowed was used.
            let up = ratio.powf(UP).min(1.25);
            self.bound = (self.bound * up).max((self.bound * 2.0).min(self.before * AGAIN));
            if self.bound >= self.before * AGAIN {
                self.before = 0.0;
            }
        }
        self.bound = self.bound.clamp(LEAST, MOST);
        self.follow_calls(step, ratio);
    }

    /// As many calls as bring in a little more than is stored. Where they are what limits, all that they bring in is
    /// stored, and there are more next time.
    fn follow_calls(&mut self, step: &Step, ratio: f64) {
        let wanted = self.stored * self.answer * SPARE_CALLS;
        if step.held_unconfirmed * 4 > step.ticks {
            if wanted < self.calls && self.phase == Phase::Following {
                self.calls += (wanted - self.calls) / 4.0;
            }
        } else if step.held_calls > 0 && ratio >= 1.0 {
            self.calls *= if self.phase == Phase::Doubling { 2.0 } else { SPARE_CALLS };
        }
        let most = as_f64(self.settings.calls);
        self.calls = self.calls.clamp(LEAST_CALLS.min(most), most.max(1.0));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a million")]
fn as_usize(number: f64) -> usize {
    number.clamp(1.0, MOST) as usize
}
