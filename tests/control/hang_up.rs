//! A terminal that closes, and `nohup`.

use std::process::Command;

use super::run::{Run, export, received};
use crate::support::{Rehearsal, importer_process};

/// Whether whoever started us ignores SIGHUP, as `nohup` does: then all whom we start do.
fn is_ignored() -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| mask.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
}

fn hang_up(run: &Run) {
    let id = run.process.id().to_string();
    assert!(Command::new("kill").args(["-s", "HUP", &id]).status().unwrap().success());
}

#[test]
fn a_terminal_that_closes_drains() {
    if is_ignored() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let mut run =
        Run::start(dir.path(), &export(dir.path(), 2_000), &server, &["--control", "--rate", "100/s"]);
    run.until(|state| state["confirmed"].as_u64().unwrap() > 20);
    hang_up(&run);
    assert_eq!(run.process.wait().unwrap().code(), Some(5));
    // What was under way is settled: nothing waits for an answer that nobody reads.
    server.control("/_rehearsal/settle", Some(&serde_json::Value::Null));
    let total = server.audit()["total"].clone();
    assert_eq!(total["stored"], total["received"], "{total}");
    assert!(received(&server) < 2_000);
}

#[test]
fn under_nohup_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let importer = importer_process();
    let mut nohup = Command::new("nohup");
    nohup.arg(importer.get_program());
    for (name, _) in importer.get_envs() {
        nohup.env_remove(name);
    }
    let options = ["--control", "--rate", "100/s"];
    let mut run = Run::start_by(nohup, dir.path(), &export(dir.path(), 2_000), &server, &options);
    let before = run.until(|state| state["confirmed"].as_u64().unwrap() > 20);
    hang_up(&run);
    let before = before["confirmed"].as_u64().unwrap();
    run.until(|state| state["confirmed"].as_u64().unwrap() > before + 100);
    run.control(&["drain"]);
    assert_eq!(run.process.wait().unwrap().code(), Some(5));
}
