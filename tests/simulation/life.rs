//! One life: what there is to import, what goes wrong on the way, which commands are given, and how it ends.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openim_importer::after::{self};
use openim_importer::import::{self, Ended, ImportError, Outcome, Progress, Settings, StopSignal};
use openim_importer::job::{Committed, Durability, Job, JobReader};
use openim_importer::message::{ConversationId, Message, Release, SendTime};
use openim_importer::openim::{self, Client, Login};
use openim_importer::prepare::{few, few_spread};
use openim_importer::rehearsal::{Fault, Options, Server, Timing, Users};
use tokio::time::sleep;

use super::clock::virtually;
use super::dice::Dice;
use super::history::{History, Said};
use super::judge::{self};
use super::network::Network;
use super::scrolling::Scrolling;
use super::trouble::{Kill, faults, is_told, weather};

mod back;
mod morning;

/// What the server's clock says when a life begins, ms.
const BEGAN: i64 = 1_795_000_000_000;

/// One life.
pub(super) struct Life {
    seed: u64,
    dice: Dice,
    history: History,
    faults: Vec<Fault>,
    timing: Timing,
    release: Release,
    /// Calls in a thousand that arrive late.
    late: u64,
    /// What is thrown for answers, and in a thousand how many of them are overtaken by others.
    slow: (Dice, u64),
    /// Of a thousand commands so many are ways back, and what is thrown for these.
    ways_back: (Dice, u64),
    /// The server stands still, or takes its time, now and then.
    weather: bool,
    /// Nothing happens that anything would have to be sent again for, but kills.
    calm: bool,
}

/// What a life told.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// What must not be; empty if all went well.
    pub(super) wrong: Vec<String>,
    pub(super) trace: Vec<String>,
    pub(super) messages: u64,
    pub(super) runs: u64,
    pub(super) kills: u64,
    pub(super) power_cuts: u64,
    pub(super) resent: u64,
    pub(super) withdrawn: u64,
    pub(super) refused: u64,
    /// What users could scroll in the end.
    pub(super) scrolling: Scrolling,
    /// Equal times were spread, as they are unless somebody forbids it.
    pub(super) spread: bool,
    /// Withdrawn messages that the server gave out again after the end.
    pub(super) repeated_late: u64,
    /// Conversations of which the rest was not sent behind what people had written.
    pub(super) overtaken: u64,
}

/// A command of a life.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Command {
    /// `run`, perhaps of some conversations alone, perhaps with refused messages that stop theirs, perhaps with repair.
    Run { only: Option<usize>, hold: bool, repair: bool },
    /// A further pass.
    Add,
}

impl Life {
    /// Draws one.
    pub(super) fn draw(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let history = History::draw(&dice);
        let release = if dice.per_mille(500) { Release::Main } else { Release::V3_8_3 };
        let mut timing = Timing::fast();
        timing.store_lag = Duration::from_millis(dice.one_of([20, 50, 500, 3_000]));
        timing.storing_lag = Duration::from_millis(dice.one_of([25, 25, 60, 400]));
        let weather = dice.per_mille(250);
        let faults = faults(&dice);
        let late = if dice.per_mille(200) { 1 + dice.below(20) } else { 0 };
        let answers = Dice::new(!seed);
        let slow = if answers.per_mille(300) { 1 + answers.below(100) } else { 0 };
        let backwards = Dice::new(seed ^ u64::MAX >> 1);
        let ways_back = if backwards.per_mille(300) { 400 } else { 0 };
        let calm = late == 0 && !weather && faults.iter().all(is_told);
        Self {
            seed,
            dice,
            history,
            faults,
            timing,
            release,
            late,
            slow: (answers, slow),
            ways_back: (backwards, ways_back),
            weather,
            calm,
        }
    }

    /// Lives it, on a clock of its own.
    pub(super) fn live(self, tell: bool) -> Story {
        virtually(self.seed, async move { Lived::new(self, tell).all().await })
    }
}

struct Lived {
    life: Life,
    tell: bool,
    folder: tempfile::TempDir,
    /// As many processes were killed: each has left the job to the next in a folder of its own.
    deaths: u64,
    network: Network,
    client: Client,
    story: Story,
    /// Passes that the job has.
    passes: usize,
    settings: Settings,
    /// What a run that ended in peace can have seen of each conversation: how far it had been read, and until when.
    looked: HashMap<String, (i64, i64)>,
    /// A job was adopted: what the lost one had left behind newer messages stays, and `verify --client` tells of it.
    adopted: bool,
    /// An old copy of the job.
    backup: Option<back::Backup>,
}

impl Lived {
    fn new(mut life: Life, tell: bool) -> Self {
        let options = Options {
            users: Users::Auto,
            timing: life.timing,
            seed: life.seed,
            faults: std::mem::take(&mut life.faults),
            starts_at: Some(BEGAN),
            ..Options::fast(life.release)
        };
        let faults = format!("{:?}", options.faults.iter().map(|fault| &fault.kind).collect::<Vec<_>>());
        let (server, slow) = (Server::within(options).unwrap(), life.slow.clone());
        let network = Network::with_slow_answers(server, life.dice.clone(), life.late, slow, tell);
        let Life { release, timing, late, slow: (_, slow), .. } = &life;
        network.say(|| format!("{release:?} {timing:?} late {late} slow {slow} faults {faults}"));
        let client = client(&network);
        let settings = Settings {
            connections: u16::try_from(1 + life.dice.below(8)).unwrap(),
            give_up: Duration::from_mins(10),
            // Half of them go on where people write, which nobody will be able to scroll.
            behind_newer: life.seed.is_multiple_of(2),
            ..Settings::default()
        };
        Self {
            life,
            tell,
            folder: in_memory(),
            deaths: 0,
            network,
            client,
            story: Story::default(),
            passes: 0,
            settings,
            looked: HashMap::new(),
            adopted: false,
            backup: None,
        }
    }

    async fn all(mut self) -> Story {
        let dice = self.life.dice.clone();
        drop(self.add(None));
        let weather = self.life.weather.then(|| tokio::spawn(weather(self.network.clone(), self.life.seed)));
        let commands = 1 + dice.below(5);
        let (backwards, ways_back) = self.life.ways_back.clone();
        for _ in 0..commands {
            if backwards.per_mille(ways_back) {
                self.way_back(&backwards).await;
            }
            let command = self.choose();
            self.network.say(|| format!("COMMAND {command:?}"));
            match command {
                Command::Add => drop(self.add(Some(self.open()))),
                Command::Run { only, hold, repair } => {
                    let kill = dice.per_mille(700).then(|| Kill::draw(&dice, self.messages()));
                    let settings = Settings { repair, ..self.settings_for(only, hold) };
                    self.run(settings, kill).await;
                }
            }
            if !self.story.wrong.is_empty() {
                break;
            }
        }
        while self.passes < self.life.history.passes.len() {
            drop(self.add(Some(self.open())));
        }
        // Nothing more goes wrong: it has to come to its end now.
        if let Some(weather) = weather {
            weather.abort();
        }
        self.network.server().no_fault(None);
        self.network.say(|| "NO MORE FAULTS".to_owned());
        if self.story.wrong.is_empty() {
            self.finish().await;
        }
        self.story.messages = self.messages();
        self.story.trace = self.network.trace();
        self.story
    }

    fn messages(&self) -> u64 {
        self.life.history.passes.iter().take(self.passes).map(|pass| pass.len() as u64).sum()
    }

    fn choose(&self) -> Command {
        let dice = &self.life.dice;
        let more = self.passes < self.life.history.passes.len();
        if more && dice.per_mille(400) {
            return Command::Add;
        }
        let conversations = self.life.history.conversations().len();
        let only = dice.per_mille(250).then(|| dice.throw(|dice| dice.usize(..conversations)));
        let hold = self.life.history.refused(self.passes) > 0 && dice.per_mille(300);
        Command::Run { only, hold, repair: dice.per_mille(200) }
    }

    fn settings_for(&self, only: Option<usize>, hold: bool) -> Settings {
        let mut settings = self.settings.clone();
        settings.only =
            only.map(|n| HashSet::from([ConversationId(self.life.history.conversations()[n].clone())]));
        settings.limits.hold = hold;
        settings
    }

    fn job_dir(&self) -> PathBuf {
        self.folder.path().join(format!("job-{}", self.deaths))
    }

    fn open(&self) -> Job {
        Job::open(&self.job_dir()).unwrap()
    }

    fn observe(&self) -> JobReader {
        Job::observe(&self.job_dir()).unwrap()
    }

    fn add(&mut self, job: Option<Job>) -> Job {
        let mut job = job.unwrap_or_else(|| Job::create(&self.job_dir()).unwrap());
        self.load(&mut job, &self.life.history.passes[self.passes]);
        self.passes += 1;
        job
    }

    /// Prepares a pass.
    fn load(&self, job: &mut Job, said: &[Said]) {
        let messages: Vec<Message<'_>> = said.iter().map(Said::message).collect();
        let load = if self.life.history.spread { few_spread } else { few };
        load(job, &messages).unwrap();
    }

    /// `run` until it ends or is killed.
    async fn run(&mut self, settings: Settings, kill: Option<Kill>) -> Option<Outcome> {
        let mut job = self.open();
        let power = kill.is_some() && self.life.dice.per_mille(400);
        let synced = self.folder.path().join("synced");
        if power {
            copy(&self.job_dir(), &synced);
        }
        let (network, from, to) = (self.network.clone(), self.job_dir(), synced.clone());
        job.write_in_place(Committed(Arc::new(move |durability| {
            if power && durability == Durability::Synced {
                copy(&from, &to);
            }
            network.say(|| format!("committed, {durability:?}"));
            network.action();
        })));
        self.story.runs += 1;
        let only = settings.only.clone();
        let before = self.queued_elsewhere(only.as_ref()).await;
        let run = import::run(
            settings,
            &mut job,
            self.client.clone(),
            StopSignal::default(),
            Arc::new(Progress::default()),
        );
        let ended = self.unless_killed(kill, power.then_some(synced.as_path()), run).await?;
        drop(job);
        // Tasks of the process that are over let go of its files.
        sleep(Duration::from_millis(1)).await;
        self.network.say(|| format!("ENDED {ended:?}"));
        match ended {
            Ok(outcome) => {
                if only.is_none() && matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
                    self.has_looked();
                }
                self.story.resent += outcome.lost_and_resent + outcome.fences;
                self.story.withdrawn += outcome.withdrawn;
                if self.queued_elsewhere(only.as_ref()).await != before {
                    self.wrong("a conversation was sent to that --only leaves out".to_owned());
                }
                Some(outcome)
            }
            // That copy of the job is older than what it has sent: it says so, and what helps.
            Err(ImportError::AlreadyThere(_)) if self.life.ways_back.1 > 0 => {
                self.lose();
                self.adopt(&self.life.ways_back.0.clone()).await;
                None
            }
            Err(error) => {
                self.wrong(format!("the run failed: {error}"));
                None
            }
        }
    }

    /// Does that until it ends. `None`: it was killed, and the next process has the job, or what was `synced` of it.
    async fn unless_killed<T>(
        &mut self,
        kill: Option<Kill>,
        synced: Option<&Path>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        match kill {
            Some(Kill::After(actions)) => self.network.kill_in(actions),
            Some(Kill::At(path, calls)) => self.network.kill_on(path, calls),
            None => {}
        }
        let ended = tokio::select! {
            biased;
            () = self.network.killed() => None,
            ended = work => Some(ended),
        };
        self.network.no_kill();
        if ended.is_none() {
            self.story.kills += 1;
            self.network.say(|| format!("KILLED{}", if synced.is_some() { " with its machine" } else { "" }));
            self.story.power_cuts += u64::from(synced.is_some());
            self.succeed(synced);
        }
        ended
    }

    /// The process is gone, and the next one takes over what lies on the disk, or what was `synced` to it. What is left of
    /// the old one as tasks of the simulation keeps files and connections that nobody uses any more.
    fn succeed(&mut self, synced: Option<&Path>) {
        let left = self.job_dir();
        self.deaths += 1;
        for file in fs_err::read_dir(&left).unwrap().map(Result::unwrap) {
            if !file.file_name().to_string_lossy().starts_with("job.sqlite") {
                fs_err::create_dir_all(self.job_dir()).unwrap();
                fs_err::copy(file.path(), self.job_dir().join(file.file_name())).unwrap();
            }
        }
        copy(synced.unwrap_or(&left), &self.job_dir());
        self.network.bury();
        self.network = self.network.process();
        self.client = client(&self.network);
    }

    /// What was sent to conversations that are to be left alone, once nothing is under way any more.
    async fn queued_elsewhere(&self, only: Option<&HashSet<ConversationId>>) -> u64 {
        let Some(only) = only else { return 0 };
        sleep(Duration::from_secs(5)).await;
        let audit = self.network.server().audit();
        let others =
            audit.conversations.iter().filter(|(id, _)| !only.contains(&ConversationId((*id).clone())));
        others.map(|(_, audit)| audit.tally.received).sum()
    }

    fn wrong(&mut self, what: String) {
        self.network.say(|| format!("WRONG {what}"));
        self.story.wrong.push(what);
    }

    /// Runs until nothing is left, and judges.
    async fn finish(&mut self) {
        const TRIES: u32 = 8;
        for _ in 0..TRIES {
            let Some(outcome) = self.run(self.settings.clone(), None).await else {
                if self.story.wrong.is_empty() {
                    continue;
                }
                return;
            };
            if matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
                if outcome.overtaken.conversations > 0 {
                    self.nothing_stands_behind_newer(&outcome).await;
                    self.send_behind().await;
                    continue;
                }
                if outcome.left > 0 {
                    self.wrong(format!("done, and {} are left", outcome.left));
                }
                self.judge(&outcome).await;
                return;
            }
            if matches!(outcome.ended, Ended::MostlyRejected(..)) {
                self.wrong(format!("{:?}", outcome.ended));
                return;
            }
        }
        self.wrong("it never ends".to_owned());
    }

    /// People have written while a history was sent: nothing of ours stands behind what they wrote.
    async fn nothing_stands_behind_newer(&mut self, outcome: &Outcome) {
        sleep(Duration::from_secs(5)).await;
        self.network.server().settle().await;
        self.story.overtaken += outcome.overtaken.conversations;
        for (name, _) in &outcome.overtaken.some {
            // What the server repeats afterwards nobody can have seen.
            let read_to = self.read_to().get(name).copied().unwrap_or_default();
            let mut log = self.network.server().log(name);
            log.retain(|entry| entry.seq <= read_to);
            let behind = judge::behind_newer(&log);
            if behind > 0 && !self.adopted {
                self.wrong(format!("{behind} behind newer messages of others in {name}"));
            }
        }
    }

    /// The rest goes behind, as `run --behind all` does it.
    async fn send_behind(&mut self) {
        let (client, mut job) = (self.client.clone(), self.open());
        let now = SendTime(1_900_000_000_000);
        let behind = after::send_behind(client, &mut job, &after::Settings::default(), now).await.unwrap();
        drop(job);
        self.network.say(|| format!("{behind:?}"));
        if self.life.ways_back.1 > 0 && !behind.not.is_empty() {
            // What an adopted job says of what the lost one had sent: first it has to be taken back.
            let only = behind.not.iter().map(|(name, _)| ConversationId(name.clone())).collect();
            self.take_back(Some(only), &self.life.ways_back.0.clone()).await;
        } else if behind.conversations == 0 || !behind.not.is_empty() {
            self.wrong(format!("nothing goes behind: {behind:?}"));
        }
    }
}

/// The client of a process.
pub(super) fn client(network: &Network) -> Client {
    let login = Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    Client::within(&openim::Settings::new("http://sim", login), Arc::new(network.clone())).unwrap()
}

/// Where files cost least.
fn in_memory() -> tempfile::TempDir {
    let builder = tempfile::Builder::new();
    if Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm").unwrap()
    } else {
        builder.tempdir().unwrap()
    }
}

/// A whole folder.
fn copy_all(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for file in fs_err::read_dir(from).unwrap().map(Result::unwrap) {
        fs_err::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The database as it lies on the disk: what `SQLite` finds after a crash.
fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for name in ["job.sqlite", "job.sqlite-wal"] {
        match fs_err::copy(from.join(name), to.join(name)) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs_err::remove_file(to.join(name)).ok();
            }
            Err(error) => panic!("{error}"),
        }
    }
    fs_err::remove_file(to.join("job.sqlite-shm")).ok();
}
