//! One export in several jobs that share nothing: exact on the server's side, one verdict, and no set that is none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fastrand::Rng;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::Value;

use crate::chaos::{Importer, export};
use crate::support::truth::Expected;
use crate::support::{Rehearsal, importer};

/// An export in `of` shards, each with a folder of its own.
struct Shards {
    dir: tempfile::TempDir,
    export: PathBuf,
    server: Rehearsal,
    of: usize,
}

impl Shards {
    fn new(of: usize, messages: u64, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let export = export(dir.path(), messages, 20, seed);
        for no in 1..=of {
            fs_err::create_dir(dir.path().join(no.to_string())).unwrap();
        }
        let options = ["--answer-time", "1ms", "--batch-interval", "20ms", "--store-lag", "150ms"];
        let server = Rehearsal::start(&[&["--release", "main"], &options[..]].concat());
        Self { dir, export, server, of }
    }

    fn folder(&self, no: usize) -> PathBuf {
        self.dir.path().join(no.to_string())
    }

    fn job(&self, no: usize) -> PathBuf {
        self.folder(no).join("x.job")
    }

    /// `run` as that shard.
    fn start(&self, no: usize, options: &[&str]) -> Importer {
        let shard = format!("{no}/{}", self.of);
        let options = [&["--shard", &shard, "--connections", "4"], options].concat();
        Importer::start(&self.folder(no), &self.export, &self.server, &options)
    }

    /// `run` as all of them, side by side; each ends well.
    fn run(&self, options: &[&str]) {
        let running: Vec<_> = (1..=self.of).map(|no| self.start(no, options)).collect();
        for importer in running {
            assert_eq!(importer.exit_code(), Some(0));
        }
    }

    /// A command over these shards, with `--json`; its exit code and object.
    fn all(&self, args: &[&str], shards: &[usize]) -> (i32, Value) {
        let jobs = shards.iter().map(|no| self.job(*no));
        let output =
            command(self.dir.path()).args(args).args(jobs).args(["--quiet", "--json"]).output().unwrap();
        let object = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.stderr).into_owned()));
        (output.status.code().unwrap(), object)
    }

    /// Messages that the server's logs hold.
    fn held(&self) -> u64 {
        self.server.audit()["total"]["messages"].as_u64().unwrap()
    }

    /// Waits until so many more are there, or the process has ended.
    fn wait_for(&self, more: u64, importer: &mut Importer) {
        let until = self.held() + more;
        while self.held() < until && !importer.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_exact(&self, exports: &[&Path]) {
        let judgement = Expected::of(exports).judge(&self.server);
        assert!(judgement.is_exact(), "{judgement:?}");
    }
}

fn command(dir: &Path) -> assert_cmd::Command {
    let mut command = importer();
    command.current_dir(dir).env("OPENIM_SECRET", "openIM123");
    command
}

/// What it must show: killed at random, one job lost and adopted, exact, and one report.
fn killed_and_lost(messages: u64, kills: u32, seed: u64) {
    let shards = Shards::new(4, messages, seed);
    let mut rng = Rng::with_seed(seed);
    let mut running: Vec<_> = (1..=4).map(|no| (no, shards.start(no, &["--provision"]))).collect();
    let pause = messages / u64::from(2 * kills + 4);
    // One after the other is killed while the others go on; who has ended has nothing to lose, and is started again.
    for _ in 0..kills {
        let (no, mut importer) = running.remove(rng.usize(0..4));
        shards.wait_for(rng.u64(0..=pause), &mut importer);
        importer.kill();
        running.push((no, shards.start(no, &["--provision"])));
    }
    let (lost, mut importer) = running.remove(rng.usize(0..4));
    shards.wait_for(pause, &mut importer);
    importer.kill();
    fs_err::remove_dir_all(shards.job(lost)).unwrap();
    let shard = format!("{lost}/4");
    command(&shards.folder(lost))
        .arg("adopt")
        .arg(&shards.export)
        .args(["--shard", &shard, "--job", "x.job", "--api", &shards.server.url, "--quiet"])
        .args(["--unanswered-wait", "300ms"])
        .assert()
        .success();
    running.push((lost, shards.start(lost, &["--provision"])));
    for (_, importer) in running {
        assert_eq!(importer.exit_code(), Some(0), "seed {seed}");
    }
    // The server doubles nothing here, so nothing has to be repaired.
    shards.is_exact(&[&shards.export]);
    let every = [3, 1, 4, 2];
    let (exit, status) = shards.all(&["status"], &every);
    assert_eq!((exit, &status["messages"], &status["confirmed"]), (0, &messages.into(), &messages.into()));
    let (exit, verified) = shards.all(&["verify", "--store", "--api", &shards.server.url], &every);
    assert_eq!((exit, &verified["confirmed"], &verified["stored"]), (0, &messages.into(), &messages.into()));
    let (exit, text) = shards.all(&["verify", "--store", "--api", &shards.server.url], &[1, 2, 4]);
    assert!(exit == 2 && text.as_str().is_some_and(|text| text.contains("shard 3/4 is missing")), "{text}");
    let html = shards.dir.path().join("report.html");
    let (exit, _) = shards.all(&["report", "--html", html.to_str().unwrap()], &every);
    let html = fs_err::read_to_string(html).unwrap();
    assert!(
        exit == 0 && html.contains("An export in 4 shards") && html.contains("class=\"verdict good\""),
        "{html}"
    );
}

#[test]
fn four_are_killed_and_one_is_lost() {
    killed_and_lost(800, 4, 27);
}

#[test]
#[ignore = "full size: ten seeds, 20 kills each"]
fn four_are_killed_and_one_is_lost_full_size() {
    for seed in 0..10 {
        killed_and_lost(6_000, 20, seed);
    }
}

#[test]
fn a_set_that_is_none_is_refused() {
    let shards = Shards::new(3, 60, 1);
    let prepare = |no: usize, shard: &str, export: &Path| {
        command(&shards.folder(no))
            .args(["check", "--shard", shard, "--job", "x.job"])
            .arg(export)
            .assert()
            .success();
    };
    (1..=3).for_each(|no| prepare(no, &format!("{no}/3"), &shards.export));
    assert_eq!(shards.all(&["status"], &[1, 2, 3]).0, 5);
    for (which, said) in [(&[1, 3][..], "shard 2/3 is missing"), (&[1, 2, 3, 2], "x.job` is given twice")] {
        for args in [&["status"][..], &["report"]] {
            let (exit, text) = shards.all(args, which);
            assert!(exit == 2 && text.as_str().is_some_and(|text| text.contains(said)), "{text}");
        }
    }
    // A folder is the same one however it is written, also for a command that has the jobs for itself.
    #[cfg(unix)]
    std::os::unix::fs::symlink(shards.job(2), shards.dir.path().join("link")).unwrap();
    let spelled = [
        "2/x.job/",
        "./2/x.job",
        "1/../2/x.job",
        #[cfg(unix)]
        "link",
    ];
    for other in spelled.map(|spelled| ["2/x.job", spelled]).into_iter().chain([["2/x.job", "2/x.job"]]) {
        for args in [&["status"][..], &["report"], &["verify", "--api", &shards.server.url]] {
            let said =
                command(shards.dir.path()).args(args).args(["1/x.job", "3/x.job"]).args(other).assert();
            said.code(2).stderr(contains("given twice").and(contains("in use").not()));
        }
    }
    // Another folder with the same shard is no spelling.
    fs_err::create_dir(shards.folder(4)).unwrap();
    prepare(4, "2/3", &shards.export);
    for args in [&["status"][..], &["report"]] {
        let (exit, text) = shards.all(args, &[1, 2, 3, 4]);
        let said = "shard 2/3 is there twice";
        assert!(exit == 2 && text.as_str().is_some_and(|text| text.contains(said)), "{text}");
    }
    // The job knows its shard: nothing has to be said to go on, and nothing else can be.
    command(&shards.folder(2)).args(["check", "--job", "x.job"]).arg(&shards.export).assert().success();
    command(&shards.folder(2))
        .args(["check", "--job", "x.job", "--shard", "3/3"])
        .arg(&shards.export)
        .assert()
        .code(2)
        .stderr(contains("is shard 2/3, and stays that"));
    command(&shards.folder(2))
        .args(["status", "--job", "x.job"])
        .assert()
        .code(5)
        .stdout(contains("Of shard 2/3: "));
    fs_err::remove_dir_all(shards.job(2)).unwrap();
    fs_err::create_dir(shards.dir.path().join("other")).unwrap();
    prepare(2, "2/3", &export(&shards.dir.path().join("other"), 61, 20, 1));
    let (exit, text) = shards.all(&["status"], &[1, 2, 3]);
    assert!(exit == 2 && text.as_str().is_some_and(|text| text.contains("of another export")), "{text}");
    let (exit, text) = shards.all(&["verify", "--api", &shards.server.url], &[1, 2, 3]);
    assert!(exit == 2 && text.as_str().is_some_and(|text| text.contains("nothing was sent")), "{text}");
}

#[test]
fn what_no_shard_does_is_said() {
    let shards = Shards::new(1, 40, 2);
    let refused = |args: &[&str], said: &str| {
        command(shards.dir.path())
            .args(args)
            .arg(&shards.export)
            .assert()
            .code(2)
            .stderr(contains(said.to_owned()).and(contains("panicked").not()));
    };
    let api = ["--api", &shards.server.url];
    refused(
        &[&["run", "--shard", "2/4", "--media"][..], &api].concat(),
        "the files of an export are uploaded once",
    );
    refused(
        &[&["check", "--shard", "2/4", "--archive", "all"][..], &api].concat(),
        "one table for all shards",
    );
    refused(
        &[&["run", "--shard", "2/4", "--rate", "3/s"][..], &api].concat(),
        "less than one for each of 4 shards",
    );
    refused(&["check", "--shard", "5/4"], "`5/4` is no shard");
    refused(&["check", "--shard", "auto/4"], "there is no JOB_COMPLETION_INDEX");
    assert_eq!(shards.held(), 0, "nothing was sent");
    // In folders of their own, by the number that the scheduler gives.
    for (index, no) in [("0", 1), ("3", 4)] {
        command(shards.dir.path())
            .env("JOB_COMPLETION_INDEX", index)
            .args(["check", "--shard", "auto/4"])
            .arg(&shards.export)
            .assert()
            .success()
            .stdout(contains(format!("shard {no}/4 of the export:")));
        assert!(shards.dir.path().join(format!("import-{no}-of-4.job")).exists());
    }
    // And the media of a job that is a shard are nobody's either.
    command(shards.dir.path())
        .args(["media", "--dry-run", "--job", "import-1-of-4.job"])
        .arg(&shards.export)
        .assert()
        .code(2)
        .stderr(contains("the files of an export are uploaded once"));
}

/// A part, later exports, taking back and sending anew: each shard does it with what it has.
#[test]
fn features_meet_shards() {
    let shards = Shards::new(2, 300, 3);
    // A conversation is in one of them: the others have nothing to do.
    shards.run(&["--provision", "--only", "si_a0_b0", "--order", "recent"]);
    let sent = shards.held();
    assert!(sent > 0 && sent < 300, "{sent}");
    shards.run(&["--order", "recent", "--rate", "4000/s", "--schedule", "00:00,4000/s"]);
    shards.is_exact(&[&shards.export]);
    // What a later export has besides goes where its conversations are.
    fs_err::create_dir(shards.dir.path().join("later")).unwrap();
    let later = export(&shards.dir.path().join("later"), 330, 20, 3);
    for no in 1..=2 {
        let shard = format!("{no}/2");
        let options = ["--add", "--provision", "--shard", &shard, "--connections", "4"];
        assert_eq!(
            Importer::start(&shards.folder(no), &later, &shards.server, &options).exit_code(),
            Some(0)
        );
    }
    shards.is_exact(&[&later]);
    let (exit, verified) = shards.all(&["verify", "--client", "--api", &shards.server.url], &[1, 2]);
    assert_eq!((exit, &verified["confirmed"]), (0, &330.into()), "{verified}");
    let undo = |no: usize| {
        let args = ["undo", "--yes", "--job", "x.job", "--quiet", "--api", &shards.server.url];
        command(&shards.folder(no)).args(args).assert().success();
    };
    undo(2);
    let (exit, verified) = shards.all(&["verify", "--api", &shards.server.url], &[1, 2]);
    let said = verified["verdict"].as_str().unwrap();
    assert!(exit == 0 && said.contains("conversations were undone and not looked at"), "{verified}");
    command(&shards.folder(2))
        .args(["run", "--again", "--job", "x.job", "--quiet", "--api", &shards.server.url])
        .args(["--allow", "retention", "--allow", "live-traffic", "--unanswered-wait", "300ms"])
        .assert()
        .success()
        .stdout(contains("Of shard 2/2: "));
    shards.is_exact(&[&later]);
    command(shards.dir.path())
        .args(["mark-read", "--job"])
        .arg(shards.job(1))
        .args(["--api", &shards.server.url])
        .assert()
        .success();
}

/// Nothing is sent from any shard while a record is wrong that any of them can see.
#[test]
fn what_is_wrong_stops_all() {
    let shards = Shards::new(3, 60, 4);
    let mut text = fs_err::read_to_string(&shards.export).unwrap();
    text.push_str("{\"id\":\"x\",\"sendID\":\"no one!\",\"recvID\":\"b1\",\"sendTime\":1700000000000,\"text\":\"x\"}\nnothing\n");
    fs_err::write(&shards.export, text).unwrap();
    for no in 1..=3 {
        assert_eq!(shards.start(no, &["--provision"]).exit_code(), Some(4));
    }
    assert_eq!(shards.held(), 0);
    let (_, status) = shards.all(&["status"], &[1, 2, 3]);
    assert_eq!((&status["messages"], &status["rejected"]), (&60.into(), &2.into()), "each is counted once");
    for no in 1..=3 {
        let exit = shards.start(no, &["--provision", "--skip-invalid"]).exit_code();
        assert!(matches!(exit, Some(0 | 3)), "{exit:?}");
    }
    let (exit, status) = shards.all(&["status"], &[1, 2, 3]);
    assert_eq!((exit, &status["confirmed"]), (3, &60.into()));
}
