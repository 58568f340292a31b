//! What must not creep in: cost that grows faster than the history, memory that holds it, an importer that
//! costs more than the server, a commit for every few messages. Ratios within one run, never seconds; CPU and
//! memory as Linux counts them for the process alone, so that neighbours do not matter. The figures
//! themselves are in `benches/README.md`.
#![cfg(target_os = "linux")]
#![expect(clippy::cast_precision_loss, reason = "ratios")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Rehearsal, importer_process};

/// What a process used: ticks of CPU, and kB at its peak.
#[derive(Debug, Clone, Copy)]
struct Used {
    cpu: u64,
    peak: u64,
}

/// Of a process that is running.
fn used(pid: u32) -> Option<Used> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(Used {
        cpu: fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?,
        peak: peak.split_whitespace().next()?.parse().ok()?,
    })
}

/// Runs the importer to a good end; what it said on standard error, and what it had used shortly before.
fn run(folder: &Path, args: &[&str]) -> (Used, String) {
    let log = folder.join("stderr");
    let mut process = importer_process()
        .args(args)
        .env("OPENIM_SECRET", "openIM123")
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(fs_err::File::create(&log).unwrap().into_parts().0)
        .spawn()
        .unwrap();
    let mut last = None;
    let status = loop {
        last = used(process.id()).or(last);
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = fs_err::read_to_string(log).unwrap();
    assert!(status.success(), "{args:?}: {}", &said[said.len().saturating_sub(2_000)..]);
    (last.unwrap(), said)
}

/// Native JSONL of some 300 bytes a message, in time order over many conversations; younger than a year.
fn export(folder: &Path, messages: u64, conversations: u64) -> PathBuf {
    let path = folder.join(format!("{messages}.jsonl"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let begin = now - 30 * 86_400_000;
    let mut text = String::new();
    for n in 0..messages {
        let pair = n % conversations;
        let time = begin + u128::from(n);
        writeln!(
            text,
            r#"{{"id":"m{n}","sendID":"a{pair}","recvID":"b{pair}","senderNickname":"Person {pair}","senderPlatformID":1,"contentType":101,"sessionType":1,"sendTime":{time},"notOfflinePush":true,"ex":"src-{n}","content":{{"content":"Message {n} with some words in it, as people write them, and a little more"}}}}"#
        )
        .unwrap();
    }
    fs_err::write(&path, text).unwrap();
    path
}

#[test]
fn a_larger_export_costs_no_more_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let check = |messages: u64| {
        let path = export(folder.path(), messages, 500);
        let bytes = std::fs::metadata(&path).unwrap().len();
        let job = format!("{messages}.job");
        let (used, _) = run(folder.path(), &["check", path.to_str().unwrap(), "--job", &job]);
        (used, bytes)
    };
    let (small, few_bytes) = check(20_000);
    let (large, many_bytes) = check(120_000);
    let (a, b) = (small.cpu as f64 / 20_000.0, large.cpu as f64 / 120_000.0);
    assert!(b < a * 1.5, "{a} and {b} ticks a message");
    // What is sorted may stay in memory until there is enough of it for a run; texts may not.
    let (memory, text) =
        ((large.peak.saturating_sub(small.peak)) as f64, (many_bytes - few_bytes) as f64 / 1024.0);
    assert!(memory < text * 0.8, "{memory} kB more for {text} kB more of text");
}

#[test]
fn an_import_costs_about_what_the_server_does_and_no_more_for_a_longer_one() {
    let folder = tempfile::tempdir().unwrap();
    let import = |messages: u64| {
        let server = Rehearsal::start(&["--users", "auto", "--answer-time", "0s"]);
        let path = export(folder.path(), messages, 100);
        let job = format!("{messages}.job");
        run(folder.path(), &["check", path.to_str().unwrap(), "--job", &job]);
        run(folder.path(), &["provision", "--job", &job, "--api", &server.url]);
        let before = used(server.pid()).unwrap();
        let (ours, said) = run(folder.path(), &["run", "--job", &job, "--api", &server.url, "-vv"]);
        let after = used(server.pid()).unwrap();
        let audit = server.audit();
        assert_eq!(audit["total"]["messages"], messages, "{audit}");
        let commits = said.lines().filter(|line| line.contains("committed")).count();
        (ours, after.cpu - before.cpu, commits)
    };
    let (small, ..) = import(3_000);
    let (large, server, commits) = import(12_000);
    let (a, b) = (small.cpu as f64 / 3_000.0, large.cpu as f64 / 12_000.0);
    assert!(b < a * 1.5, "{a} and {b} ticks a message");
    assert!(large.peak < small.peak * 5 / 4, "{} and {} kB", small.peak, large.peak);
    let share = large.cpu as f64 / server as f64;
    assert!(share < 3.0, "the importer costs {share} of the server");
    assert!(commits > 0 && commits * 20 < 12_000, "{commits} commits for 12,000 messages");
}
