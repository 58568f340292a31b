//! Features that nobody combines, combined: sequences of commands over one history, drawn by a seed. After each the
//! server's log says whether anything stands there twice, and whether what was said is so.

use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;

use super::once::copy;
use super::support::{Said, history};
use super::world::{Answer, World};
use crate::support::importer_process;

const NAMES: [&str; 3] = ["si_a_b", "si_a_c", "sg_g"];
const WAIT: [&str; 2] = ["--unanswered-wait", "50ms"];

/// One job, its server, and what happened to them.
struct Life {
    world: World,
    rng: Rng,
    /// The exports, in the order of time; the first of them overlap.
    exports: Vec<String>,
    /// So many of them the job has.
    given: usize,
    /// The server has everybody.
    provisioned: bool,
    /// A copy of the job was made when it had so many exports.
    backup: Option<usize>,
    /// The job is a copy that is older than what was done to the server.
    stale: bool,
    /// Slots were deleted behind the job's back, and not mended yet.
    damaged: bool,
    /// What others have written.
    foreign: u32,
    /// What was done, for whoever reads a failure.
    done: Vec<String>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let world = World::new(&["--release", ["3.8.3", "main"][rng.usize(0..2)]]);
        let said = history(rng.usize(3..90));
        let cut = |share: usize| said.len() * share / 4;
        let parts: [&[Said]; 3] = [&said[..cut(2)], &said[cut(1)..cut(3)], &said[cut(3)..]];
        let exports = (0..3).map(|n| format!("part{n}.jsonl")).collect::<Vec<_>>();
        for (name, part) in exports.iter().zip(parts) {
            world.export(name, part);
        }
        fs_err::write(world.path("users.csv"), "userID,nickname\na,A\nc,C\n").unwrap();
        fs_err::write(world.path("groups.csv"), "groupID,ownerUserID,memberUserIDs\ng,a,c\n").unwrap();
        world.ask(&["provision", "--users", "users.csv", "--groups", "groups.csv"]).code(0);
        Self {
            world,
            rng,
            exports,
            given: 0,
            provisioned: false,
            backup: None,
            stale: false,
            damaged: false,
            foreign: 0,
            done: vec![format!("seed {seed}, {} messages", said.len())],
        }
    }

    fn run(&mut self, args: &[&str]) -> Answer {
        let allow = ["--allow", "missing-users", "--allow", "not-members", "--allow", "missing-groups"];
        let answer = self.world.run(&[args, &WAIT, &allow].concat());
        self.note(&format!("run {}", args.join(" ")), &answer);
        answer
    }

    fn json(&mut self, args: &[&str]) -> Answer {
        let answer = self.world.json(args);
        self.note(&args.join(" "), &answer);
        answer
    }

    fn note(&mut self, what: &str, answer: &Answer) {
        let verdict = answer.json["verdict"].as_str().unwrap_or_default();
        let err = answer.err.lines().last().unwrap_or_default();
        self.done.push(format!(
            "{what}: {} {verdict} {}",
            answer.code,
            if verdict.is_empty() { err } else { "" }
        ));
    }

    /// Something happens; what it said is compared with what the server has.
    fn step(&mut self) {
        if self.given == 0 {
            let export = self.exports[0].clone();
            self.given = 1;
            let only: &[&str] = if self.rng.u8(0..4) == 0 { &["--only", "si_a_c"] } else { &[] };
            let hold: &[&str] = if self.rng.u8(0..4) == 0 { &["--on-reject", "hold"] } else { &[] };
            let answer = self.run(&[&[export.as_str()], only, hold].concat());
            return self.judge(Some(&answer));
        }
        let name = NAMES[self.rng.usize(0..3)];
        let answer = match self.rng.u8(0..18) {
            0 | 1 => Some(self.run(&[])),
            2 | 3 if self.given < self.exports.len() => {
                let export = self.exports[self.given].clone();
                let answer = self.run(&["--add", &export]);
                // It may be refused before it is read: a job that was undone.
                self.given += usize::from(answer.code != 2);
                Some(answer)
            }
            4 if self.given > 0 => {
                let export = self.exports[0].clone();
                Some(self.run(&["--add", &export]))
            }
            5 | 6 => Some(self.json(&[&["retry"][..], &WAIT].concat())),
            7 => {
                self.world.command(&["provision", "--quiet", "--api", &self.world.server.url.clone()]);
                self.provisioned = true;
                self.done.push("provision".to_owned());
                None
            }
            8 => Some(self.json(&["undo", "--yes"])),
            9 => Some(self.json(&["undo", "--yes", "--only", name])),
            10 => Some(self.run(&["--again"])),
            11 => Some(self.json(&["verify"])),
            12 => {
                let answer = self.json(&["verify", "--repair"]);
                self.damaged &= !matches!(answer.code, 0 | 3);
                Some(answer)
            }
            13 => {
                copy(&self.world.path("import.job"), &self.world.path("backup"));
                self.backup = Some(self.given).filter(|_| !self.stale);
                self.done.push("backup".to_owned());
                None
            }
            14 => {
                if let Some(given) = self.backup {
                    copy(&self.world.path("backup"), &self.world.path("import.job"));
                    (self.given, self.stale) = (given, true);
                    self.done.push("restore".to_owned());
                }
                None
            }
            15 if self.provisioned => {
                self.foreign += 1;
                self.world.write(&format!("of somebody else {}", self.foreign));
                self.done.push("somebody writes".to_owned());
                None
            }
            16 => {
                self.killed();
                None
            }
            _ => {
                let there = self.world.log(name);
                if let Some(seq) = self.rng.choice(&there).and_then(|entry| entry["seq"].as_i64()) {
                    let is_ours = there
                        .iter()
                        .any(|entry| entry["seq"] == seq && !entry["content"].to_string().contains("else"));
                    if is_ours {
                        self.world.delete(name, &[seq]);
                        self.damaged = true;
                        self.done.push(format!("an admin deletes {name} {seq}"));
                    }
                }
                None
            }
        };
        self.judge(answer.as_ref());
    }

    /// A run that is killed in the middle; whatever it was about to do.
    fn killed(&mut self) {
        let before = self.world.server.audit()["total"]["messages"].as_u64();
        let mut process = importer_process()
            .current_dir(self.world.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args([
                "run",
                "--quiet",
                "--api",
                &self.world.server.url,
                "--allow",
                "retention",
                "--rate",
                "40/s",
            ])
            .args(["--allow", "missing-users", "--allow", "not-members"])
            .args(WAIT)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..600 {
            let now = self.world.server.audit()["total"]["messages"].as_u64();
            if now > before || process.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        process.kill().ok();
        process.wait().unwrap();
        self.done.push("run, killed".to_owned());
        // Right after it, before anything is resumed: what is on its way is no difference.
        if !self.damaged && !self.stale {
            let answer = self.json(&["verify"]);
            assert!(answer.code != 8, "{}\n{}", answer.json, self.history());
        }
    }

    fn history(&self) -> String {
        self.done.join("\n")
    }

    fn judge(&self, answer: Option<&Answer>) {
        let exports: Vec<&str> = self.exports[..self.given.max(1)].iter().map(String::as_str).collect();
        // The overlap stands in two exports, and is one message each.
        let judgement = self.world.judge_once(&exports);
        let told = || format!("{judgement:?}\n{}", self.history());
        assert_eq!(judgement.doubled, 0, "{}", told());
        let foreign = self.world.texts("si_a_b").iter().filter(|text| text.contains("else")).count();
        assert_eq!(foreign, self.foreign as usize, "somebody else's message is gone: {}", told());
        let Some(Answer { code, json: said, .. }) = answer else { return };
        assert!([0, 2, 3, 5, 6, 8].contains(code), "{}", told());
        let verdict = said["verdict"].as_str().unwrap_or_default();
        let command = said["command"].as_str().unwrap_or_default();
        if self.stale || self.damaged || !matches!(command, "run" | "retry") || !matches!(code, 0 | 3 | 5) {
            return;
        }
        let there = judgement.messages - judgement.lost;
        assert_eq!(said["confirmed"], there, "what is confirmed stands there, and nothing else: {}", told());
        if verdict.contains("once, in order") {
            assert_eq!(judgement.out_of_order, 0, "{}", told());
        }
        let late = format!("{} of them behind messages that were written later", judgement.out_of_order);
        if judgement.out_of_order > 0 && verdict.contains("once,") {
            assert!(verdict.contains(&late), "{}", told());
        }
        if *code == 0 && !verdict.contains("undone") {
            assert_eq!(judgement.lost, 0, "{}", told());
        }
    }
}

fn live(seed: u64, steps: usize) {
    let mut life = Life::new(seed);
    for _ in 0..steps {
        life.step();
    }
}

#[test]
fn features_meet_at_random() {
    for seed in [1, 2, 3] {
        live(seed, 12);
    }
}

/// `LIVES=100 LIVES_FROM=1000 cargo test --test tests after::generated -- --ignored --nocapture`
#[test]
#[ignore = "minutes: a few seconds a life"]
#[expect(clippy::disallowed_methods, reason = "how many, for who runs it by hand")]
fn many_lives() {
    let number =
        |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let from = number("LIVES_FROM", 100);
    let mut failed = Vec::new();
    for seed in from..from + number("LIVES", 30) {
        if std::panic::catch_unwind(|| live(seed, 20)).is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?}");
}

/// The same key twice is one message: later exports overlap with earlier ones.
impl World {
    fn judge_once(&self, exports: &[&str]) -> crate::support::truth::Judgement {
        let mut lines: Vec<String> = Vec::new();
        for export in exports {
            for line in fs_err::read_to_string(self.path(export)).unwrap().lines() {
                if !lines.iter().any(|known| known == line) {
                    lines.push(line.to_owned());
                }
            }
        }
        fs_err::write(self.path("all-of-it.jsonl"), lines.join("\n")).unwrap();
        self.judge_and_verify(&["all-of-it.jsonl"])
    }
}
