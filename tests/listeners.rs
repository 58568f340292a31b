//! Who reads what is said: a disk that is full, and a reader that has gone. Neither is a reason to stop.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{Rehearsal, fixture, importer, importer_process};

/// A disk without room; `None` where the system has none to try.
fn full() -> Option<Stdio> {
    fs_err::OpenOptions::new().write(true).open("/dev/full").ok().map(|full| Stdio::from(full.into_parts().0))
}

fn run(dir: &Path, args: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let mut command = importer_process();
    command.current_dir(dir).env("OPENIM_SECRET", "openIM123").args(args).stdout(stdout).stderr(stderr);
    command.spawn().unwrap().wait_with_output().unwrap()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stdio::from(writer)
}

fn chat(dir: &Path) -> String {
    let chat = dir.join("chat.jsonl");
    let lines = fs_err::read_to_string(fixture("company-chat.jsonl")).unwrap();
    let lines: Vec<&str> = lines.lines().take(300).collect();
    fs_err::write(&chat, lines.join("\n")).unwrap();
    chat.display().to_string()
}

/// What the job has, told by a command whose output can be read.
fn confirmed(dir: &Path, job: &str) -> Value {
    let told = importer().current_dir(dir).args(["status", "--json", "--job", job]).output().unwrap();
    serde_json::from_slice::<Value>(&told.stdout).unwrap()["confirmed"].clone()
}

#[test]
fn a_full_disk_behind_standard_output_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let chat = chat(dir);
    let server = Rehearsal::start(&[]);
    let sent = ["run", &chat, "--api", &server.url, "--provision", "--allow", "retention", "--quiet"];
    assert_eq!(run(dir, &sent, Stdio::null(), Stdio::null()).status.code(), Some(0));
    let api = ["--api", &*server.url, "--quiet"];
    let mut commands: Vec<Vec<&str>> = [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["help", "verify"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["man"],
        &["status"],
        &["status", "--json"],
        &["receipts"],
        &["receipts", "--format", "jsonl"],
        &["report"],
        &["report", "--json"],
        &["users"],
        &["rehearse", "--listen", "127.0.0.1:0"],
    ]
    .map(<[&str]>::to_vec)
    .to_vec();
    commands.push(vec!["check", &chat, "--job", "other.job"]);
    commands.push(vec!["check", &chat, "--job", "other.job", "--json"]);
    commands.push([&["verify"][..], &api].concat());
    commands.push([&["verify", "--json"][..], &api].concat());
    for args in commands {
        let Some(disk) = full() else { return };
        let output = run(dir, &args, disk, Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.matches("standard output can't be written").count(), 1, "{args:?}: {said}");
        // With nobody to tell that either, the exit code says it.
        let (Some(out), Some(error)) = (full(), full()) else { return };
        assert_eq!(run(dir, &args, out, error).status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn nobody_who_reads_it_stops_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let chat = chat(dir);
    for (n, (stdout, code)) in [(full(), 1), (Some(closed()), 0)].into_iter().enumerate() {
        let Some(stdout) = stdout else { continue };
        let job = format!("{n}.job");
        let args = ["run", &chat, "--rehearse", "--job", &job, "--progress", "json"];
        let output = run(dir, &args, stdout, Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(confirmed(dir, &job), 300, "{said}");
    }
}

/// A full disk does not hide what a command found.
#[test]
fn what_was_found_outlives_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs_err::write(
        dir.join("bad.jsonl"),
        "{\"sendID\":\"a\",\"recvID\":\"b\",\"sendTime\":\"no\",\"text\":\"x\"}\n",
    )
    .unwrap();
    for stdout in [full(), Some(closed())].into_iter().flatten() {
        let output = run(dir, &["check", "bad.jsonl"], stdout, Stdio::piped());
        assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_full_disk_behind_standard_error_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let chat = chat(dir);
    for (args, code) in [
        (&["check", &*chat][..], 0),
        (&["run", &*chat, "--rehearse", "--job", "run.job", "-vv"], 0),
        (&["status", "--job", "run.job"], 0),
        (&["receipts", "--job", "run.job"], 0),
        (&["run", "--no-such-option"], 2),
        (&["check", "none.jsonl", "--job", "none.job"], 2),
    ] {
        let Some(disk) = full() else { return };
        assert_eq!(run(dir, args, Stdio::null(), disk).status.code(), Some(code), "{args:?}");
    }
    assert_eq!(confirmed(dir, "run.job"), 300);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let chat = chat(dir);
    assert_eq!(
        run(dir, &["run", &chat, "--rehearse", "--job", "import.job"], Stdio::null(), Stdio::null())
            .status
            .code(),
        Some(0)
    );
    for args in [
        &["--help"][..],
        &["man"],
        &["completions", "fish"],
        &["receipts"],
        &["receipts", "--format", "jsonl"],
        &["users"],
        &["status"],
        &["report", "--json"],
        &["receipts", "-o", "/dev/stdout"],
        &["users", "-o", "/dev/stdout"],
        &["report", "--html", "/dev/stdout"],
    ] {
        let output = run(dir, args, closed(), Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{args:?}");
    }
}

/// A file that can't be written is named.
#[test]
fn a_full_disk_behind_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let chat = chat(dir);
    assert_eq!(
        run(dir, &["run", &chat, "--rehearse", "--job", "import.job"], Stdio::null(), Stdio::null())
            .status
            .code(),
        Some(0)
    );
    if full().is_none() {
        return;
    }
    for args in [
        &["users", "-o", "/dev/full"][..],
        &["receipts", "-o", "/dev/full"],
        &["receipts", "--format", "jsonl", "-o", "/dev/full"],
        &["report", "--html", "/dev/full"],
    ] {
        let output = run(dir, args, Stdio::null(), Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("/dev/full"), "{args:?}: {said}");
    }
}
