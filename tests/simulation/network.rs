//! What lies between importer and server: calls take their time, are cut, arrive late, and find nobody. Every call and
//! every answer is an action between which a process can be killed.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use openim_importer::message::Release;
use openim_importer::openim::{Answer, Exchange, NoAnswer};
use openim_importer::rehearsal::{Capacity, Options, Server, Timing, Users, Within};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

use super::dice::Dice;

/// The network of a life, as one process has it.
#[derive(Clone)]
pub(super) struct Network {
    life: Arc<Inner>,
    /// The process was killed: what is left of it as tasks of the simulation calls nobody any more.
    gone: Arc<AtomicBool>,
}

struct Inner {
    server: Within,
    dice: Dice,
    began: Instant,
    down_until: Mutex<Instant>,
    /// Calls in a thousand that are cut, and arrive all the same, later.
    late: u64,
    /// What is thrown for answers alone.
    answers: Dice,
    /// Answers in a thousand that are long on their way, so that others overtake them.
    slow: u64,
    actions: AtomicU64,
    /// The process is killed at that action.
    kill_at: AtomicU64,
    /// Or at that call of a path, from now on, when it is made.
    kill_on: Mutex<Option<(&'static str, u64)>>,
    killed: Notify,
    trace: Option<Mutex<Vec<String>>>,
    /// Calls, by path.
    calls: Mutex<BTreeMap<String, u64>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    pub(super) fn new(server: Within, dice: Dice, late: u64, tell: bool) -> Self {
        Self::with_slow_answers(server, dice, late, (Dice::new(0), 0), tell)
    }

    /// To a server that stores as the real one does, and on which so many pairs write all the time.
    pub(super) fn measured(release: Release, live_probe: u16) -> Self {
        let options = Options {
            users: Users::Auto,
            timing: Timing::measured(release),
            capacity: Some(Capacity::measured(release)),
            live_probe,
            starts_at: Some(1_795_000_000_000),
            ..Options::new(release)
        };
        Self::new(Server::within(options).unwrap(), Dice::new(1), 0, false)
    }

    /// `slow`: what is thrown for each answer, and in a thousand how many of them are long on their way.
    pub(super) fn with_slow_answers(
        server: Within,
        dice: Dice,
        late: u64,
        (answers, slow): (Dice, u64),
        tell: bool,
    ) -> Self {
        let now = Instant::now();
        let life = Arc::new(Inner {
            server,
            dice,
            began: now,
            down_until: Mutex::new(now),
            late,
            answers,
            slow,
            actions: AtomicU64::new(0),
            kill_at: AtomicU64::new(u64::MAX),
            kill_on: Mutex::default(),
            killed: Notify::new(),
            trace: tell.then(Mutex::default),
            calls: Mutex::default(),
        });
        let network = Self { life, gone: Arc::default() };
        let watched = network.clone();
        tokio::spawn(async move {
            loop {
                let cuts = watched.life.server.cuts();
                let down = cuts.await;
                watched.say(|| format!("the server goes down for {} ms", down.as_millis()));
                let until = Instant::now() + down;
                *lock(&watched.life.down_until) = until;
            }
        });
        network
    }

    /// The same network, as the next process has it.
    pub(super) fn process(&self) -> Self {
        Self { life: self.life.clone(), gone: Arc::default() }
    }

    /// The process is no more: what it has under way still arrives, and nothing else.
    pub(super) fn bury(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(super) fn server(&self) -> &Within {
        &self.life.server
    }

    /// For how long this life has lasted.
    pub(super) fn clock(&self) -> Duration {
        self.life.began.elapsed()
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if let Some(trace) = &self.life.trace {
            let line = format!("{:>9} ms  {}", self.life.began.elapsed().as_millis(), what());
            lock(trace).push(line);
        }
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.life.trace.as_ref().map_or_else(Vec::new, |trace| std::mem::take(&mut *lock(trace)))
    }

    /// Calls by path since this was asked last.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *lock(&self.life.calls))
    }

    /// The process is killed so many actions from now.
    pub(super) fn kill_in(&self, actions: u64) {
        self.life.kill_at.store(self.life.actions.load(Ordering::Relaxed) + actions, Ordering::Relaxed);
    }

    /// The process is killed when it has made so many calls of a path from now: what it does rarely would else hardly ever be
    /// what it does last.
    pub(super) fn kill_on(&self, path: &'static str, calls: u64) {
        *lock(&self.life.kill_on) = Some((path, calls));
    }

    pub(super) fn no_kill(&self) {
        self.life.kill_at.store(u64::MAX, Ordering::Relaxed);
        *lock(&self.life.kill_on) = None;
    }

    /// Whether that call is the last one of its process.
    fn is_last(&self, path: &str) -> bool {
        let mut kill_on = lock(&self.life.kill_on);
        let Some((_, left)) = kill_on.as_mut().filter(|(on, _)| *on == path) else { return false };
        *left -= 1;
        let is_last = *left == 0;
        if is_last {
            *kill_on = None;
        }
        is_last
    }

    /// Returns when the process is killed.
    pub(super) async fn killed(&self) {
        self.life.killed.notified().await;
    }

    /// Something happened between which and the next thing a process can die.
    pub(super) fn action(&self) {
        if self.life.actions.fetch_add(1, Ordering::Relaxed) + 1 == self.life.kill_at.load(Ordering::Relaxed)
        {
            self.life.killed.notify_one();
        }
    }

    fn is_down(&self) -> bool {
        Instant::now() < *lock(&self.life.down_until)
    }

    /// One way.
    fn delay(&self) -> Duration {
        let dice = &self.life.dice;
        Duration::from_micros(if dice.per_mille(20) { dice.below(40_000) } else { 200 + dice.below(800) })
    }

    /// What an answer takes longer than others. A machine that stands still for a moment hears what the server said before it
    /// read on.
    fn longer(&self) -> Duration {
        let Inner { answers, slow, .. } = &*self.life;
        Duration::from_millis(if answers.per_mille(*slow) { answers.below(3_000) } else { 0 })
    }
}

impl Exchange for Network {
    fn post(
        &self,
        path: &str,
        operation: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send>> {
        let network = self.clone();
        let (path, operation, token) = (path.to_owned(), operation.to_owned(), token.map(str::to_owned));
        Box::pin(async move {
            if network.is_gone() {
                return pending().await;
            }
            *lock(&network.life.calls).entry(path.clone()).or_default() += 1;
            network.action();
            if network.is_last(&path) {
                network.life.killed.notify_one();
            }
            if network.is_down() {
                sleep(network.delay()).await;
                return Err(NoAnswer::Unreachable("refused".to_owned()));
            }
            let is_late = network.life.dice.per_mille(network.life.late);
            let there =
                if is_late { Duration::from_millis(network.life.dice.below(4_000)) } else { network.delay() };
            let back = network.delay() + network.longer();
            let (answered, answer) = oneshot::channel();
            let far = network.clone();
            // It arrives though whoever made it is killed meanwhile.
            tokio::spawn(async move {
                sleep(there).await;
                let reply = if far.is_down() {
                    None
                } else {
                    far.life.server.call(&path, &operation, token.as_deref(), &body).await
                };
                far.say(|| told(&path, &body, reply.as_ref().map(|reply| reply.body.as_str())));
                answered.send(reply).ok();
            });
            if is_late {
                sleep(network.delay()).await;
                return Err(NoAnswer::Cut("cut".to_owned()));
            }
            let reply = answer.await.ok().flatten();
            sleep(back).await;
            network.action();
            match reply {
                Some(reply) => Ok(Answer {
                    status: reply.status,
                    retry_after: reply.retry_after.map(Duration::from_secs),
                    body: reply.body.into(),
                }),
                None => Err(NoAnswer::Cut("cut".to_owned())),
            }
        })
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call and its answer on one line.
fn told(path: &str, body: &[u8], reply: Option<&str>) -> String {
    const LONGEST: usize = 260;
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let path = path.trim_start_matches("/msg/");
    let reply = reply.map_or_else(|| "CUT".to_owned(), short);
    format!("{path} {} -> {reply}", short(&String::from_utf8_lossy(body)))
}
