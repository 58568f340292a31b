//! The job folder is deleted in the middle of a run: `adopt` builds it anew from the export and the server's
//! log, and the import ends exact. Judged on the server's side.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use crate::chaos::{Importer, export};
use crate::support::truth::{Expected, Judgement};
use crate::support::{Rehearsal, importer};

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
#[expect(clippy::print_stdout, reason = "figures, for who runs it with --nocapture")]
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
