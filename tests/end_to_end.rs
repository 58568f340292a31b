//! A whole import, over the command line into a server of its own process: what arrived is judged there.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::foreign_exports::shared;
use crate::support::truth::Expected;
use crate::support::{Rehearsal, importer, importer_process};

const ROWS: u64 = 6_000;

/// Messages in 30 conversations, a third of them in one, rows in random order.
fn shuffled(dir: &Path) -> PathBuf {
    let mut rng = Rng::with_seed(30);
    let mut rows: Vec<Value> = (0..ROWS)
        .map(|n| {
            let c = if n % 3 == 0 { 0 } else { rng.u64(1..30) };
            let (from, to) = if rng.bool() { ('a', 'b') } else { ('b', 'a') };
            let mut row = json!({
                "id": format!("m{n}"), "sendID": format!("{from}{c}"), "sendTime": 1_700_000_000_000_u64 + n * 7,
                "content": {"content": format!("line {n}, with \"quotes\", commas\nand a second line 你好")},
            });
            if c % 3 == 0 { row["groupID"] = format!("g{c}").into() } else { row["recvID"] = format!("{to}{c}").into() }
            row
        })
        .collect();
    rng.shuffle(&mut rows);
    let path = dir.join("export.jsonl");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    fs_err::write(&path, lines.join("\n")).unwrap();
    path
}

/// The same rows as CSV.
fn as_csv(jsonl: &Path) -> PathBuf {
    const COLUMNS: [&str; 6] = ["id", "sendID", "recvID", "groupID", "sendTime", "text"];
    let path = jsonl.with_extension("csv");
    let mut out = csv::Writer::from_path(&path).unwrap();
    out.write_record(COLUMNS).unwrap();
    for line in fs_err::read_to_string(jsonl).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let cell = |name: &str| match &row[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let mut cells: Vec<String> = COLUMNS[..5].iter().map(|name| cell(name)).collect();
        cells.push(row["content"]["content"].as_str().unwrap().to_owned());
        out.write_record(&cells).unwrap();
    }
    out.flush().unwrap();
    path
}

/// The same bytes, packed; the name doesn't say so.
fn packed(jsonl: &Path) -> PathBuf {
    let path = jsonl.with_file_name("packed.export");
    let mut out =
        flate2::write::GzEncoder::new(fs_err::File::create(&path).unwrap(), flate2::Compression::fast());
    out.write_all(&fs_err::read(jsonl).unwrap()).unwrap();
    out.finish().unwrap();
    path
}

/// The options of every run here: the rehearsal server of 3.8.3 can't tell its retention.
const USUAL: [&str; 5] = ["--provision", "--allow", "retention", "--json", "--quiet"];

fn run(dir: &Path, source: &Path, server: &Rehearsal, options: &[&str]) -> Value {
    let output = importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .arg("run")
        .arg(source)
        .args(["--api", &server.url])
        .args(USUAL)
        .args(options)
        .assert()
        .code(0)
        .get_output()
        .stdout
        .clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn rows_in_any_order_and_any_shape_arrive_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let jsonl = shuffled(dir.path());
    for (n, source) in [jsonl.clone(), as_csv(&jsonl), packed(&jsonl)].iter().enumerate() {
        let server = Rehearsal::start(&[]);
        let job = format!("{n}.job");
        let said = run(dir.path(), source, &server, &["--job", &job]);
        assert_eq!(said["confirmed"], ROWS, "{said}");
        let judgement = Expected::of(&[&jsonl]).judge(&server);
        assert!(judgement.is_exact() && judgement.foreign == 0, "{}: {judgement:?}", source.display());
        // Once more: nothing to do, and nothing is sent.
        let received = server.audit()["total"]["received"].clone();
        run(dir.path(), source, &server, &["--job", &job]);
        assert_eq!(server.audit()["total"]["received"], received);
    }
}

/// Ends the process with that signal, as a shell does.
fn signal(process: &Child, name: &str) {
    let status =
        std::process::Command::new("kill").args(["-s", name, &process.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Starts a run, lets it come so far, signals it; its exit code.
fn cut_short(dir: &Path, source: &Path, server: &Rehearsal, name: &str) -> Option<i32> {
    let mut process = importer_process()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .arg("run")
        .arg(source)
        .args(["--api", &server.url, "--rate", "3000/s", "--unanswered-wait", "300ms"])
        .args(USUAL)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while server.audit()["total"]["received"].as_u64().unwrap() < ROWS / 6 {
        assert!(process.try_wait().unwrap().is_none(), "ended before it was signalled");
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&process, name);
    process.wait().unwrap().code()
}

#[test]
fn stopped_or_killed_in_the_middle_the_same_command_ends_exact() {
    for (name, exit) in [("INT", Some(5)), ("TERM", Some(5)), ("KILL", None)] {
        let dir = tempfile::tempdir().unwrap();
        let export = shuffled(dir.path());
        let server = Rehearsal::start(&[]);
        assert_eq!(cut_short(dir.path(), &export, &server, name), exit, "SIG{name}");
        let before = server.audit()["total"]["received"].as_u64().unwrap();
        assert!(before < ROWS, "the middle was missed");
        run(dir.path(), &export, &server, &[]);
        let judgement = Expected::of(&[&export]).judge(&server);
        assert!(judgement.is_exact() && judgement.foreign == 0, "SIG{name}: {judgement:?}");
    }
}

/// An export that nobody here wrote, through the configuration in `examples/`.
#[test]
fn a_mattermost_compliance_export_through_a_mapping() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(posts) = shared("mattermost-compliance-csv/posts.csv") else { return };
    let config = root.join("examples/mattermost-compliance.toml");
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let said = run(dir.path(), &posts, &server, &["--config", config.to_str().unwrap()]);
    assert_eq!(
        (&said["messages"], &said["confirmed"], &said["skipped"]),
        (&json!(4154), &json!(4154), &json!(664))
    );
    // The third stage writes the store later; its count is the server's own.
    server.control("/_rehearsal/settle", Some(&Value::Null));
    let total = &server.audit()["total"];
    assert_eq!((&total["stored"], &total["dropped"]), (&json!(4154), &json!({})), "{total}");
}
