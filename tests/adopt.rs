//! The job folder is deleted in the middle of a run: `adopt` builds it anew from the export and the server's
//! log, and the import ends exact. Judged on the server's side.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::{Value, json};

use crate::chaos::{Importer, export};
use crate::support::truth::{Expected, Judgement};
use crate::support::{Rehearsal, importer, importer_process};

/// `adopt` into the job that was lost, with waits short enough for a test; gives what it printed.
fn adopt(dir: &Path, export: &Path, server: &Rehearsal, more: &[&str]) -> Value {
    let assert = importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .arg("adopt")
        .arg(export)
        .args(["--job", "x.job", "--api", &server.url, "--quiet", "--json", "--unanswered-wait", "300ms"])
        .args(more)
        .assert()
        .success();
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

/// Messages in all logs of the server.
fn held(server: &Rehearsal) -> u64 {
    server.audit()["total"]["messages"].as_u64().unwrap()
}

/// Kills the importer at a random moment, deletes its job, adopts; so many times. Then lets it finish.
fn lose_the_job(
    release: &str,
    messages: u64,
    losses: u32,
    seed: u64,
    faults: &[&str],
) -> (Judgement, Vec<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), messages, 20, seed);
    let server = Rehearsal::start(&[&["--release", release, "--answer-time", "1ms"], faults].concat());
    let mut rng = Rng::with_seed(seed);
    let mut adopted = Vec::new();
    for _ in 0..losses {
        let mut importer =
            Importer::start(dir.path(), &export, &server, &["--provision", "--connections", "8"]);
        let until = held(&server) + rng.u64(1..messages / (u64::from(losses) + 1));
        while held(&server) < until && !importer.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if importer.has_ended() {
            break;
        }
        importer.kill();
        fs_err::remove_dir_all(dir.path().join("x.job")).unwrap();
        adopted.push(adopt(dir.path(), &export, &server, &[]));
    }
    assert!(!adopted.is_empty(), "the importer was too fast to be killed: {}", server.audit()["total"]);
    assert_eq!(
        Importer::start(dir.path(), &export, &server, &["--provision", "--repair"]).exit_code(),
        Some(0),
        "seed {seed}"
    );
    (Expected::of(&[&export]).judge(&server), adopted)
}

fn command(dir: &Path, server: &Rehearsal, args: &[&str]) -> assert_cmd::assert::Assert {
    importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .args(args)
        .args(["--job", "x.job", "--api", &server.url, "--quiet"])
        .assert()
}

/// Everything is there, users have revoked and deleted, others have written: there is nothing to send.
#[test]
fn a_whole_import_whose_job_is_lost() {
    for release in ["3.8.3", "main"] {
        let dir = tempfile::tempdir().unwrap();
        let export = export(dir.path(), 500, 8, 7);
        let export = export.to_str().unwrap();
        let server = Rehearsal::start(&["--release", release, "--answer-time", "0s"]);
        command(dir.path(), &server, &["run", export, "--provision", "--allow", "retention"]).success();
        // What a job knows is worth more than what can be found out.
        command(dir.path(), &server, &["adopt", export]).code(2).stderr(contains("is not lost"));
        fs_err::remove_dir_all(dir.path().join("x.job")).unwrap();
        let audit = server.audit();
        let longest = audit["conversations"].as_object().unwrap().iter();
        let (longest, _) = longest.max_by_key(|(_, one)| one["messages"].as_u64()).unwrap();
        let act = |what: &str, seq: u32| {
            let log = server.control(&format!("/_rehearsal/log?conversation={longest}"), None);
            let sender = log[seq as usize - 1]["sendID"].clone();
            let body = json!({ "user": sender, "conversation": longest, "seq": seq });
            server.control(&format!("/_rehearsal/{what}"), Some(&body));
        };
        act("revoke", 3);
        act("delete", 5);
        command(dir.path(), &server, &["run", export])
            .code(6)
            .stderr(contains("refused already-there").and(contains("openim-import adopt")));
        let adopted = adopt(dir.path(), Path::new(export), &server, &[]);
        assert_eq!(adopted["already_there"], 500, "{release}: {adopted}");
        // It looks once for what came since, and then knows.
        command(dir.path(), &server, &["run"]).success().stdout(contains("All 500 messages"));
        command(dir.path(), &server, &["run"]).success().stdout(contains("Nothing to do: all 500 messages"));
        command(dir.path(), &server, &["verify"]).success().stdout(contains("All 500 messages"));
        assert_eq!(server.audit()["total"]["hidden"], 0, "read too early (law 3)");
    }
}

/// Cut off itself, it leaves nothing behind that would pass for a job, and begins anew.
#[test]
fn an_adoption_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 500, 8, 8);
    let server = Rehearsal::start(&["--release", "main", "--answer-time", "0s"]);
    let run = ["run", export.to_str().unwrap(), "--provision", "--allow", "retention"];
    command(dir.path(), &server, &run).success();
    fs_err::remove_dir_all(dir.path().join("x.job")).unwrap();
    let mut process = importer_process()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .args(["adopt", export.to_str().unwrap(), "--job", "x.job", "--api", &server.url, "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It has begun, and waits for what may still be under way.
    std::thread::sleep(Duration::from_secs(3));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(adopt(dir.path(), &export, &server, &[])["already_there"], 500);
    command(dir.path(), &server, &["run"]).success().stdout(contains("All 500 messages"));
    assert!(Expected::of(&[&export]).judge(&server).is_exact());
}

/// Nothing is there: that is no error, and `run` begins with the first message.
#[test]
fn a_server_that_has_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 60, 3, 9);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let adopted = adopt(dir.path(), &export, &server, &[]);
    assert_eq!(adopted["verdict"], "Of 60 messages nothing is on the server: `run` begins with the first.");
    let run = ["run", "--provision", "--allow", "retention", "--unanswered-wait", "100ms"];
    command(dir.path(), &server, &run).success().stdout(contains("All 60 messages"));
    assert!(Expected::of(&[&export]).judge(&server).is_exact());
}

/// One loss each here; how often it holds is for `a_lost_job_again_and_again`.
#[test]
fn a_lost_job_is_rebuilt_and_the_import_ends_exact() {
    for (release, seed) in [("3.8.3", 11), ("main", 12)] {
        let (judgement, adopted) = lose_the_job(release, 3_000, 1, seed, &[]);
        assert!(judgement.is_exact(), "{release}, seed {seed}: {judgement:?} after {adopted:?}");
        let found = adopted.iter().filter_map(|one| one["already_there"].as_u64()).max();
        assert!(found > Some(0), "{release}, seed {seed}: nothing was there: {adopted:?}");
    }
}

/// Losses of the server's own among those of the job.
#[test]
#[ignore = "minutes; the figures are in docs/before.md"]
fn a_lost_job_again_and_again() {
    let faults: [&[&str]; 4] = [
        &[],
        &["--fault", "lose-queue:chance=0.02"],
        &["--fault", "lose-answer:chance=0.003", "--fault", "lose-queue:chance=0.01"],
        &["--fault", "read-gap:ms=30", "--fault", "repeat-queue:last=20,chance=0.02"],
    ];
    let mut wrong = Vec::new();
    for (n, faults) in (0..).zip(faults.iter().cycle().take(ROUNDS)) {
        let release = ["3.8.3", "main"][n % 2];
        let seed = 100 + n as u64;
        let (judgement, adopted) = lose_the_job(release, 4_000, 3, seed, faults);
        let found: Vec<u64> = adopted.iter().filter_map(|one| one["already_there"].as_u64()).collect();
        println!("{release}, seed {seed}, {faults:?}: found {found:?}, {judgement:?}");
        if !judgement.is_exact() {
            wrong.push((release, seed));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

const ROUNDS: usize = 16;
