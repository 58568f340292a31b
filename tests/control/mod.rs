//! A run is watched, slowed down, paused and ended from outside; what came of it is counted by the server.

mod afterwards;
mod door;
mod hang_up;
mod keys;
mod run;

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::truth::Expected;
use crate::support::{Rehearsal, importer};
use run::{Run, USUAL, ask, export, received};

#[test]
fn paused_changed_resumed_drained_and_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 4_000);
    let server = Rehearsal::start(&[]);
    let mut run = Run::start(dir.path(), &export, &server, &["--control", "--rate", "300/s"]);
    #[cfg(unix)]
    for name in ["control.token", "control.address"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs_err::metadata(run.job.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    run.until(|state| state["confirmed"].as_u64().unwrap() > 100);

    // The pause: nothing new comes to the server, not from those either who wait for their turn, and what was under way
    // is confirmed.
    run.control(&["rate", "4/s"]);
    assert!(run.control(&["pause"]).contains("paused by the operator"));
    run.until(|state| state["calls"] == 0 && state["in_flight"] == 0 && state["settling"] == 0);
    let before = received(&server);
    let points = run.state()["series"].as_array().unwrap().len();
    // Three seconds by the run's own clock.
    let state = run.until(|state| state["series"].as_array().unwrap().len() >= points + 3);
    assert_eq!(received(&server), before, "sent while it was paused");
    assert_eq!(state["series"].as_array().unwrap().last().unwrap()["paused"], true);
    // Its numbers are the server's.
    server.control("/_rehearsal/settle", Some(&Value::Null));
    let total = server.audit()["total"].clone();
    assert_eq!((&state["confirmed"], &state["in_flight"]), (&total["stored"], &json!(0)), "{total}");
    assert_eq!(state["pending"], 4_000 - total["stored"].as_u64().unwrap());
    assert_eq!(state["advice"]["switch"]["yes"], false);

    // Every setting can be read.
    run.control(&["rate", "100/s"]);
    run.control(&["connections", "2"]);
    run.control(&["max-lag", "1s"]);
    fs_err::write(run.job.join("pause"), "").unwrap();
    run.until(|state| state["settings"]["paused_by"] == json!(["operator", "file"]));
    assert!(run.control(&["resume"]).contains("others are not"), "the file still holds");
    let settings = run.state()["settings"].clone();
    assert_eq!(
        (&settings["rate"], &settings["rate_by"], &settings["connections"], &settings["max_lag_ms"]),
        (&json!(100), &json!("operator"), &json!(2), &json!(1_000))
    );
    assert_eq!(received(&server), before);
    fs_err::remove_file(run.job.join("pause")).unwrap();
    run.until(|state| state["confirmed"].as_u64().unwrap() > before + 20);
    assert!(run.state()["calls"].as_u64().unwrap() <= 2);
    let status = run.control(&["status"]);
    assert!(status.contains("at most 100/s") && status.contains("at most 2 calls"), "{status}");
    importer().current_dir(dir.path()).args(["control", "stop"]).assert().code(2);

    // The end in peace: nothing in flight, exit code 5, and the same command goes on.
    run.control(&["drain"]);
    assert_eq!(run.process.wait().unwrap().code(), Some(5));
    let mut said = String::new();
    run.process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("control drain"), "{said}");
    for name in ["control.token", "control.address"] {
        assert!(!run.job.join(name).exists(), "{name} is left");
    }
    the_changes_stand_in_the_job(&run);
    importer().current_dir(dir.path()).args(["control", "status"]).assert().code(2);
    importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .arg("run")
        .arg(&export)
        .args(["--api", &server.url])
        .args(USUAL)
        .assert()
        .code(0);
    let judgement = Expected::of(&[&export]).judge(&server);
    assert!(judgement.is_exact() && judgement.foreign == 0, "{judgement:?}");
}

fn the_changes_stand_in_the_job(run: &Run) {
    let changes = run.file("changes.jsonl");
    let changes: Vec<Value> = changes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {}", change["by"].as_str().unwrap(), change["what"].as_str().unwrap()))
        .collect();
    let expected = [
        "operator rate 4/s",
        "operator pause",
        "operator rate 100/s",
        "operator connections 2",
        "operator max-lag 1000ms",
        "file pause",
        "operator resume",
        "file resume",
        "operator drain",
    ];
    assert_eq!(said, expected);
    assert!(changes.iter().all(|change| change["time"].as_str().unwrap().ends_with('Z')));
    let report = |form: &[&str]| {
        let made = importer().arg("report").arg("--job").arg(&run.job).args(form).output().unwrap();
        String::from_utf8(made.stdout).unwrap()
    };
    let told: Value = serde_json::from_str(&report(&["--json"])).unwrap();
    let told = told["report"]["changes"].as_array().unwrap();
    assert_eq!(told.len(), changes.len());
    for (told, change) in told.iter().zip(&changes) {
        assert!(
            told["at"].is_i64() && ["by", "what", "holds"].iter().all(|key| told[key] == change[key]),
            "{told}"
        );
    }
    assert!(report(&[]).contains("What was changed while it ran"));
}

#[test]
fn without_the_token_or_from_elsewhere_there_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 2_000);
    let server = Rehearsal::start(&[]);
    let mut run = Run::start(dir.path(), &export, &server, &["--ui", "--rate", "50/s"]);
    let (address, token) = (run.file("control.address"), run.file("control.token"));
    assert_eq!(token.len(), 64);
    let nothing = |path: &str, lines: &str| {
        let (head, body) = ask(&address, path, lines);
        assert!(head.starts_with("HTTP/1.1 404 ") && body.is_empty(), "{path} {lines}: {head}");
    };
    let wrong = "0".repeat(64);
    for path in ["/", "/state", "/events", "/metrics", &format!("/{wrong}/"), &format!("/{wrong}/state")] {
        nothing(path, "");
    }
    nothing("/state", &format!("Authorization: Bearer {wrong}\r\n"));
    let pause = "Content-Length: 5\r\n\r\npause";
    nothing("/say", pause);
    let (say, page) = (format!("/{token}/say"), format!("/{token}/"));
    nothing(&say, &format!("Origin: https://evil.example\r\n{pause}"));
    nothing(&say, &format!("Sec-Fetch-Site: cross-site\r\n{pause}"));
    nothing(&page, "Host: evil.example\r\n");
    nothing(&page, &format!("Host: {address}\r\nHost: evil.example\r\n"));
    assert_eq!(run.state()["settings"]["paused"], Value::Null, "none of them was heard");

    // With it: the page, its policy, the numbers, a stream whose first event comes at once.
    let (head, body) = ask(&address, &page, "");
    assert!(head.contains("content-security-policy: default-src 'none'") && body.contains("<!doctype html>"));
    assert!(!body.contains(&token));
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let (head, metrics) = ask(&address, "/metrics", &bearer);
    assert!(head.contains("version=0.0.4") && metrics.contains("openim_import_messages "), "{metrics}");
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nHost: {address}\r\n{bearer}\r\n").unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"settings\"") {
        let mut some = [0_u8; 4_096];
        let n = stream.read(&mut some).unwrap();
        assert!(n > 0, "the stream ended");
        seen.extend_from_slice(&some[..n]);
    }
    let (head, said) = ask(&address, &say, &format!("Origin: http://{address}\r\n{pause}"));
    assert!(head.contains(" 200 ") && said.contains("paused by the operator"), "{said}");
    let (head, _) = ask(&address, &say, "Content-Length: 8\r\n\r\nrm -rf /");
    assert!(head.contains(" 400 "), "{head}");
    run.until(|state| state["settings"]["paused_by"] == json!(["operator"]));
    // Another run of the same job is refused, and takes nothing away.
    importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .args(["run", "--control", "--api", &server.url])
        .assert()
        .code(2);
    assert_eq!(run.file("control.token"), token);
}

#[test]
fn a_page_for_the_whole_world_is_refused() {
    importer()
        .args(["run", "--ui", "0.0.0.0:7071", "x"])
        .assert()
        .code(2)
        .stderr(predicates::str::contains("ssh -L"));
    importer().args(["run", "--ui", "export/"]).assert().code(2).stderr(predicates::str::contains("behind"));
}

#[test]
fn beside_the_terminal_objects_a_log_and_a_hook() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 600);
    let server = Rehearsal::start(&[]);
    let run = importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .arg("run")
        .arg(&export)
        .args(["--api", &server.url, "--provision", "--allow", "retention", "--rate", "300/s"])
        .args(["--progress", "json", "--log", "log.jsonl"])
        .args(["--on-end", "printf '%s %s' $OPENIM_IMPORT_EXIT_CODE \"$OPENIM_SECRET\" > hook"])
        .assert()
        .code(0);
    let objects = |bytes: &[u8]| -> Vec<Value> {
        String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let said = objects(&run.get_output().stdout);
    let (last, before) = said.split_last().unwrap();
    assert_eq!(
        (&last["type"], &last["confirmed"], &last["exit_code"]),
        (&json!("summary"), &json!(600), &json!(0))
    );
    assert!(!before.is_empty() && before.iter().all(|one| one["type"] == "status"));
    assert_eq!(fs_err::read_to_string(dir.path().join("hook")).unwrap(), "0 ", "it learns no secret");

    let text = fs_err::read(dir.path().join("log.jsonl")).unwrap();
    assert!(!String::from_utf8_lossy(&text).contains("openIM123"));
    let calls: Vec<Value> =
        objects(&text).into_iter().filter(|line| line["path"] == "/msg/send_msg").collect();
    assert_eq!(calls.len() as u64, received(&server), "a line for each attempt");
    let operations: std::collections::HashSet<&str> =
        calls.iter().map(|call| call["operation"].as_str().unwrap()).collect();
    assert_eq!(operations.len(), calls.len());
    for call in &calls {
        let of = &call["spans"][0];
        assert!(of["conversation"].as_str().unwrap().starts_with("si_a") && of["ordinal"].is_u64(), "{call}");
    }
    // The job alone says how far it is.
    importer().current_dir(dir.path()).args(["status", "--watch"]).assert().code(0);
    // Commands whose last object says more than a summary name it alike.
    let export = export.display().to_string();
    for command in [
        &["report"][..],
        &["receipts", "--output", "receipts.csv"],
        &["check", &export, "--job", "other.job"],
    ] {
        let said =
            importer().current_dir(dir.path()).args(command).args(["--progress", "json"]).assert().code(0);
        assert_eq!(objects(&said.get_output().stdout).pop().unwrap()["type"], "summary", "{command:?}");
    }
}
