//! One scenario: an export, a server with its faults, an importer that is killed, and what came of it.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::export::{Importer, export};
use crate::support::Rehearsal;
use crate::support::truth::{Expected, Judgement};

/// What happens, and how large it is. Everything random follows from the seed, but for what two processes and a
/// clock do to each other.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// As the table calls it.
    pub(crate) name: String,
    pub(crate) release: &'static str,
    pub(crate) messages: u64,
    pub(crate) conversations: u64,
    pub(crate) seed: u64,
    /// Faults that are on all the while, as `rehearse --fault` takes them.
    pub(crate) faults: Vec<String>,
    /// More options of the server.
    pub(crate) server: Vec<&'static str>,
    /// More options of `run`.
    pub(crate) importer: Vec<&'static str>,
    /// How often the importer is killed.
    pub(crate) kills: u32,
    /// What is done to the server one after the other, each after a pause.
    pub(crate) script: Vec<(Duration, Step)>,
    /// An event that strikes the server at random moments, and how often.
    pub(crate) strikes: (u32, Value),
    /// A process lives, or a pause between two strikes lasts, so long at the most.
    pub(crate) longest: Duration,
}

/// Something that is done to the server.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It happens once.
    Now(Value),
    /// A fault is turned on, as the control path takes it.
    On(Value),
    /// All faults are turned off.
    AllOff,
}

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) judgement: Judgement,
    /// Messages of others that were written into the log and do not stand there any more.
    pub(crate) live_lost: u64,
    /// Messages sent once more while an earlier copy stood in the log.
    pub(crate) again_though_stored: u64,
    /// Messages sent once more while an earlier copy was in the queue, which the sender could not know.
    pub(crate) again_though_queued: u64,
    /// Messages that the importer deleted to restore order.
    pub(crate) deleted: u64,
    /// Kills of the importer and strikes on the server that took place.
    pub(crate) blows: u32,
    /// How the last process ended.
    pub(crate) exit: Option<i32>,
}

impl Outcome {
    /// Nothing lost, doubled, out of order or hidden; nothing of others lost; nothing sent again that was stored;
    /// and the importer says so, or that there are conversations which users can't scroll, where there are.
    pub(crate) fn is_exact(&self) -> bool {
        self.judgement.is_exact()
            && self.live_lost == 0
            && self.again_though_stored == 0
            && self.exit == Some(if self.judgement.unscrollable > 0 { 8 } else { 0 })
    }
}

impl Scenario {
    pub(crate) fn new(name: &str, release: &'static str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            release,
            messages: 2_000,
            conversations: 20,
            seed,
            faults: Vec::new(),
            server: vec!["--batch-interval", "20ms", "--storing-lag", "40ms", "--store-lag", "150ms"],
            importer: vec!["--connections", "8"],
            kills: 0,
            script: Vec::new(),
            strikes: (0, Value::Null),
            longest: Duration::from_millis(2_500),
        }
    }

    pub(crate) fn fault(mut self, fault: &str) -> Self {
        self.faults.push(fault.to_owned());
        self
    }

    pub(crate) fn sized(mut self, messages: u64, conversations: u64) -> Self {
        (self.messages, self.conversations) = (messages, conversations);
        self
    }

    pub(crate) fn option(mut self, option: &[&'static str]) -> Self {
        self.importer.extend_from_slice(option);
        self
    }

    /// Lets it happen.
    pub(crate) fn play(&self) -> Outcome {
        let dir = tempfile::tempdir().unwrap();
        let export = export(dir.path(), self.messages, self.conversations, self.seed);
        let server = self.start_server();
        let mut rng = Rng::with_seed(self.seed);
        let start = |options: &[&str]| {
            let options: Vec<&str> = self.importer.iter().copied().chain(options.iter().copied()).collect();
            Importer::start(dir.path(), &export, &server, &options)
        };
        let mut importer = start(&["--provision"]);
        let mut blows = 0;
        while blows < self.kills && !importer.ends_within(self.moment(&mut rng)) {
            importer.kill();
            blows += 1;
            // Users and groups may be missing still, and are not once a message went out.
            let begun = server.audit()["total"]["received"].as_u64().unwrap_or(0) > 0;
            importer = start(if begun { &[] } else { &["--provision"] });
        }
        for (pause, step) in &self.script {
            if importer.ends_within(*pause) {
                break;
            }
            match step {
                Step::Now(event) => drop(server.control("/_rehearsal/now", Some(event))),
                Step::On(fault) => drop(server.control("/_rehearsal/faults", Some(fault))),
                Step::AllOff => server.turn_all_off(),
            }
            blows += u32::from(!matches!(step, Step::AllOff));
        }
        let (strikes, event) = &self.strikes;
        for _ in 0..*strikes {
            if importer.ends_within(self.moment(&mut rng)) {
                break;
            }
            server.control("/_rehearsal/now", Some(event));
            blows += 1;
        }
        let exit = importer.exit_code();
        server.turn_all_off();
        let judgement = Expected::of(&[&export]).judge_and_count(&server);
        let audit = server.audit();
        let count = |name: &str| audit["total"][name].as_u64().unwrap_or(0);
        let outcome = Outcome {
            live_lost: Self::live_lost(&server, &audit),
            again_though_stored: count("again_though_stored"),
            again_though_queued: count("again_though_queued"),
            deleted: count("deleted"),
            judgement,
            blows,
            exit,
        };
        if !outcome.is_exact() {
            self.keep(dir, &server, &outcome);
        }
        outcome
    }

    fn moment(&self, rng: &mut Rng) -> Duration {
        // Often short: what happens at the beginning of a process matters most.
        let longest = u64::try_from(self.longest.as_millis()).unwrap();
        Duration::from_millis(20 + rng.u64(0..longest).min(rng.u64(0..=longest)))
    }

    /// Its faults are on from the start.
    fn start_server(&self) -> Rehearsal {
        let seed = self.seed.to_string();
        let mut options =
            vec!["--release", self.release, "--answer-time", "1ms", "--seed", &seed, "--watch-again"];
        options.extend_from_slice(&self.server);
        for fault in &self.faults {
            options.extend_from_slice(&["--fault", fault]);
        }
        Rehearsal::start(&options)
    }

    fn live_lost(server: &Rehearsal, audit: &Value) -> u64 {
        let mut lost = 0;
        for (name, one) in audit["conversations"].as_object().unwrap() {
            // What the server's own faults cost is not our doing.
            let live = one["live"].as_u64().unwrap() - one["live_dropped"].as_u64().unwrap();
            if live == 0 {
                continue;
            }
            let log = server.log(name);
            let mut there: Vec<&str> = log
                .iter()
                .filter(|entry| entry["origin"] == "live" && entry["state"] != "deleted")
                .map(|entry| entry["serverMsgID"].as_str().unwrap())
                .collect();
            there.sort_unstable();
            there.dedup();
            lost += live.saturating_sub(there.len() as u64);
        }
        lost
    }

    /// Whatever went wrong is to be looked at.
    #[expect(clippy::print_stderr, reason = "the test fails, and this says where to look")]
    fn keep(&self, dir: tempfile::TempDir, server: &Rehearsal, outcome: &Outcome) {
        let dir = dir.keep();
        let logs: Value = server.audit()["conversations"]
            .as_object()
            .unwrap()
            .keys()
            .map(|name| (name.clone(), json!(server.log(name))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        fs_err::write(dir.join("logs.json"), logs.to_string()).unwrap();
        eprintln!("{self:?}\n{outcome:?}\nkept in {}", dir.display());
    }
}
