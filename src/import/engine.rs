//! What all tasks of a run share, and the few things they do to a conversation together.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::cell::{Cell, CellState, Place, Ready, Role};
use super::gate::{Counted, Gate};
use super::lane::{Effects, Hurry, Next, Now, Receipts};
use super::pace::{Cause, Throttle};
use super::progress::{Limiting, Progress, Shown};
use super::settings::{Ended, ImportError, Settings};
use super::tally::Tally;
use crate::job::{ConvNo, Conversation, Gone, Job, JobError, JobReader, Order, Write, WriterHandle};
use crate::log::Past;
use crate::message::Ordinal;
use crate::openim::{CallError, Client, Lost, Pause};

/// What all tasks of a run share.
pub(super) struct Engine {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) writer: WriterHandle,
    pub(super) run: u32,
    pub(super) started: Instant,
    pub(super) progress: Arc<Progress>,
    pub(super) throttle: Throttle,
    pub(super) gate: Gate,
    pub(super) ready: Ready,
    /// One for each conversation that may be under way.
    pub(super) slots: Semaphore,
    /// Slow work beside the sending: looking closely, deleting.
    pub(super) side: Semaphore,
    draining: AtomicBool,
    ended: AtomicBool,
    /// Refused connections, messages lost, copies: the server may have crashed.
    crash_suspected: AtomicBool,
    /// Rejects at the end of conversations are not for the job.
    pub(super) forget_rejects: AtomicBool,
    /// Nothing more comes from the job.
    pub(super) fed: AtomicBool,
    /// Rejects are no longer kept back.
    pub(super) closing: AtomicBool,
    /// Something ended the run, or may have.
    pub(super) stir: Notify,
    active: Mutex<Vec<Arc<Cell>>>,
    /// What was finished in the last moments, the latest last.
    finished: Mutex<VecDeque<(Now, ConvNo)>>,
    readers: Mutex<Vec<JobReader>>,
    tally: Mutex<Tally>,
    tasks: Mutex<JoinSet<()>>,
    /// How long messages took lately from their answer to being read back, µs.
    lag: AtomicU64,
    /// The same, as the job has it.
    noted_lag: AtomicU64,
    /// The last sign of life, ms since `started`.
    alive: AtomicU64,
    ending: Mutex<Option<Result<Ended, ImportError>>>,
}

impl Engine {
    pub(super) fn new(
        settings: Settings,
        client: Client,
        writer: WriterHandle,
        run: u32,
        reader: JobReader,
        progress: Arc<Progress>,
    ) -> Result<Self, JobError> {
        let started = Instant::now();
        let lag = micros(reader.lag()?);
        Ok(Self {
            client,
            writer,
            run,
            started,
            progress,
            throttle: Throttle::new(usize::from(settings.connections), settings.give_up, started),
            gate: Gate::new(settings.max_lag, settings.connections, Duration::ZERO),
            ready: Ready::new(),
            slots: Semaphore::new(settings.active),
            side: Semaphore::new(4),
            draining: AtomicBool::new(false),
            crash_suspected: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            forget_rejects: AtomicBool::new(false),
            fed: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            stir: Notify::new(),
            active: Mutex::default(),
            finished: Mutex::default(),
            readers: Mutex::new(vec![reader]),
            tally: Mutex::default(),
            tasks: Mutex::default(),
            lag: AtomicU64::new(lag),
            noted_lag: AtomicU64::new(lag),
            alive: AtomicU64::new(0),
            ending: Mutex::new(None),
            settings,
        })
    }

    /// Goes by what the dial says of calls and lag; gives how many calls there may be.
    pub(super) fn follow_dial(&self) -> usize {
        let (connections, max_lag) =
            self.settings.dial.bounds((self.settings.connections, self.settings.max_lag));
        self.gate.set(max_lag, connections, self.now());
        self.throttle.set_most(usize::from(connections));
        usize::from(connections)
    }

    /// Time since the run began.
    pub(super) fn now(&self) -> Now {
        self.started.elapsed()
    }

    /// How long storing takes. After a long standstill it would be longer than our patience: whoever waits for
    /// twice that would be taken for a server that has died.
    pub(super) fn lag(&self) -> Duration {
        Duration::from_micros(self.lag.load(Ordering::Relaxed)).min(self.settings.give_up / 8)
    }

    /// A sign of life from the server: something came into the log. That it answers is none.
    pub(super) fn lives(&self) {
        self.alive.store(u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn silent_for(&self) -> Duration {
        self.now().saturating_sub(Duration::from_millis(self.alive.load(Ordering::Relaxed)))
    }

    /// Works with a reader of the job. Not across an await: there are as many as threads that do so at once.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&JobReader) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        // A statement of its own: the lock must not be held while the reader works.
        let spare = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match spare {
            Some(reader) => reader,
            None => self.another_reader()?,
        };
        let result = work(&reader);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        result
    }

    fn another_reader(&self) -> Result<JobReader, JobError> {
        Job::observe(self.writer.dir())
    }

    // Ending.

    /// Ends the run; the first reason counts.
    pub(super) fn end(&self, how: Result<Ended, ImportError>) {
        if matches!(how, Ok(Ended::MostlyRejected(..))) {
            self.forget_rejects.store(true, Ordering::Relaxed);
        }
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(how);
        self.ended.store(true, Ordering::Relaxed);
        self.draining.store(true, Ordering::Relaxed);
        self.stir.notify_waiters();
    }

    /// Whether this run is about that conversation.
    pub(super) fn is_wanted(&self, conversation: &Conversation) -> bool {
        self.settings.only.as_ref().is_none_or(|only| only.contains(&conversation.id()))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn take_ending(&self) -> Option<Result<Ended, ImportError>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The writer has ended: its own error is told when it is closed.
    pub(super) fn writer_gone(&self, _: Gone) {
        self.end(Ok(Ended::Stopped));
    }

    /// How eager it is to have messages confirmed.
    pub(super) fn hurry(&self) -> Hurry {
        match (self.is_draining(), self.ready.is_empty()) {
            (true, _) => Hurry::Draining,
            (false, true) => Hurry::Starving,
            (false, false) => Hurry::Usual,
        }
    }

    /// Something smells of a crash of the server.
    pub(super) fn suspect_crash(&self) {
        self.crash_suspected.store(true, Ordering::Relaxed);
    }

    /// Why nothing is heard: what calls run into, where they run into something.
    pub(super) fn why_silent(&self) -> String {
        let cause = self.throttle.cause();
        cause.map_or_else(|| "nothing is heard from the server".to_owned(), |cause| cause.to_string())
    }

    pub(super) fn is_crash_suspected(&self) -> bool {
        self.crash_suspected.load(Ordering::Relaxed)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// A call failed: true if it may be made again (after a pause), false if the run ends with it.
    pub(super) fn call_failed(&self, error: &CallError) -> bool {
        self.progress.retried(error.kind(), &error.to_string());
        let now = Instant::now();
        match error {
            CallError::RateLimited(after) => self.throttle.paused(&Pause::RateLimited(*after), now),
            CallError::Unreachable(why) => {
                self.suspect_crash();
                self.throttle.paused(&Pause::Unreachable(why.clone()), now);
            }
            error if error.is_passing() => self.throttle.unanswered(&Lost::Error(0, error.to_string()), now),
            // A proxy's page for a moment, in front of what was an OpenIM before.
            CallError::NotOpenIm(what) if self.progress.acknowledged.get() > 0 => {
                self.throttle.unanswered(&Lost::Error(0, what.clone()), now);
            }
            error => {
                self.end(Err(ImportError::Call(error.clone())));
                return false;
            }
        }
        true
    }

    /// Waits as long as the throttle wants the caller to.
    pub(super) async fn pass(&self, caller: usize) {
        while let Some(wait) = self.throttle.wait(caller, Instant::now()) {
            tokio::select! {
            biased;
                () = tokio::time::sleep(wait) => {}
                () = self.stir.notified() => {}
            }
            if self.is_draining() {
                return;
            }
        }
    }

    /// After a call that failed: a moment, or as long as the throttle wants.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if let Some(wait) = self.throttle.wait(0, Instant::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// What the progress line says.
    pub(super) fn show(
        &self,
        settling: u64,
        leaders: Vec<(String, u64)>,
        unreadable: Option<String>,
        limiting: Option<Limiting>,
    ) {
        self.progress.settling.set(settling);
        self.progress.active.set(self.active_len() as u64);
        let cause = self.throttle.cause().or(unreadable.map(Cause::Unreadable)).or_else(|| {
            let silent = self.silent_for();
            (silent > SILENCE).then_some(Cause::Storing(silent))
        });
        self.progress.unconfirmed.set(self.gate.unconfirmed() as u64);
        let lag = limiting.and_then(|limiting| limiting.lag).unwrap_or_else(|| self.lag());
        self.progress.show(self.now(), Shown { cause, limiting, leaders });
        self.progress.note(self.now(), lag);
    }

    // Conversations under way.

    /// Tells the gate how many messages of a conversation have no number yet.
    pub(super) fn recount(&self, state: &mut CellState) {
        let now = if state.finished {
            Counted::default()
        } else {
            Counted { messages: state.lane.unnumbered(), is_begun: state.lane.is_begun() }
        };
        let before = std::mem::replace(&mut state.counted, now);
        if before != now {
            self.gate.count(before, now);
        }
    }

    pub(super) fn active(&self) -> Vec<Arc<Cell>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn active_len(&self) -> usize {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes a conversation under way.
    pub(super) fn take_up(&self, cell: &Arc<Cell>) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).push(cell.clone());
        self.wake(cell, &mut cell.lock());
    }

    /// Queues a parked conversation if it may send; finishes it if it is done.
    pub(super) fn wake(&self, cell: &Arc<Cell>, state: &mut CellState) {
        if cell.role == Role::Reading || state.place != Place::Parked || state.finished {
            return;
        }
        if state.lane.is_done() {
            self.finish(cell, state);
            return;
        }
        let now = self.now();
        // What was withdrawn is gone before anything more is sent: no message goes out while a copy of it stands.
        if now < state.send_from || state.deleting > 0 || self.is_draining() {
            return;
        }
        if let Next::Message(_) | Next::Fence(_) | Next::Look = state.lane.next(now, self.lag()) {
            state.place = Place::Ready;
            self.gate.is_ready(cell.conversation.no);
            let first = match self.settings.order {
                Order::Longest => state.lane.remaining(),
                // Before 1970 nobody has written anything that is still waited for.
                Order::Recent => u64::try_from(cell.conversation.last_time.0).unwrap_or(0),
            };
            self.ready.push(cell.clone(), first);
        }
    }

    /// Everything is confirmed or refused: the job is told, the place goes to another.
    fn finish(&self, cell: &Arc<Cell>, state: &mut CellState) {
        state.dirty = true;
        if !self.flush(cell, state) || state.lane.commit_cursor() < state.lane.cursor() {
            return;
        }
        state.finished = true;
        self.recount(state);
        self.active.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, cell));
        let now = self.now();
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        while finished.front().is_some_and(|(at, _)| *at + RECENTLY < now) {
            finished.pop_front();
        }
        finished.push_back((now, cell.conversation.no));
        drop(finished);
        self.progress.finished.add(1);
        self.slots.add_permits(1);
        self.lives();
        self.stir.notify_waiters();
    }

    /// Conversations that were finished in the last moments: what the server repeats of them can be on its way.
    pub(super) fn recently_finished(&self) -> Vec<ConvNo> {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.iter().map(|(_, conv)| *conv).collect()
    }

    /// What a look at the clock showed.
    pub(super) fn apply_if_any(self: &Arc<Self>, cell: &Arc<Cell>, state: &mut CellState, effects: Effects) {
        if effects != Effects::default() {
            self.apply(cell, state, effects);
        } else if state.dirty {
            self.flush(cell, state);
        }
    }

    /// Nothing is left but conversations whose rejects are kept back: then they count.
    pub(super) fn close_if_done(self: &Arc<Self>, cells: &[Arc<Cell>]) {
        if !self.fed.load(Ordering::Relaxed) || self.closing.load(Ordering::Relaxed) {
            return;
        }
        if cells.iter().all(|cell| cell.lock().lane.is_done()) {
            self.closing.store(true, Ordering::Relaxed);
            for cell in cells {
                self.wake(cell, &mut cell.lock());
            }
        }
    }

    pub(super) fn learn_lag(&self, lag: Duration) {
        let new = micros(lag);
        let old = self.lag.load(Ordering::Relaxed);
        // Up at once, down slowly: what matters is how long it can take.
        let now = if new > old { new } else { old - (old - new) / 16 };
        self.lag.store(now, Ordering::Relaxed);
        let noted = self.noted_lag.load(Ordering::Relaxed);
        let is_news = now > noted + noted / 4 + micros(LITTLE) || now + micros(LITTLE) < noted / 2;
        // Where the writer has no room, the next message tells.
        if is_news && self.writer.try_lazily(Write::Lag(Duration::from_micros(now))).is_ok() {
            self.noted_lag.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Work beside the sending.

    /// Does something beside the sending; at the end of the run it is waited for.
    pub(super) fn aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Gives up what is done beside the sending.
    pub(super) async fn stop_aside(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    /// Returns when nothing of it is left, or the run has ended.
    pub(super) async fn done_aside(&self) {
        while self.is_busy_aside() && !self.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn is_busy_aside(&self) -> bool {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        !tasks.is_empty()
    }
}

/// What was finished before is looked behind once, at the end, and not again.
const RECENTLY: Duration = Duration::from_secs(30);

/// The job is not told of a lag that changed by less.
const LITTLE: Duration = Duration::from_millis(100);

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Without a sign of life for so long, the progress line says so.
const SILENCE: Duration = Duration::from_secs(3);

/// What became of messages, from the job. What is not written yet is known to the lane itself.
pub(super) struct JobReceipts<'a> {
    pub(super) engine: &'a Engine,
    pub(super) conv: ConvNo,
}

impl Receipts for JobReceipts<'_> {
    fn past(&self, ordinal: Ordinal) -> Past {
        let found = self.engine.read(|reader| {
            if let Some(receipt) = reader.receipt(self.conv, ordinal)? {
                return Ok(receipt.ids.map_or(Past::Unknown, Past::Confirmed));
            }
            Ok(if reader.is_rejected(self.conv, ordinal)? { Past::Rejected } else { Past::Unknown })
        });
        // An error of the job shows itself wherever something is written; unknown harms nobody.
        found.unwrap_or(Past::Unknown)
    }
}
