//! Bad input gets a clear message that names the thing and the way out, and the right exit code.

use std::path::Path;

use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::contains;

use crate::support::{Rehearsal, fixture, importer};

const ROW: &str =
    r#"{"id":"1","sendID":"a","recvID":"b","sendTime":1700000000000,"content":{"content":"x"}}"#;

/// Runs `check` on a file with this text.
fn check(name: &str, text: impl AsRef<[u8]>) -> Assert {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join(name), text).unwrap();
    importer().current_dir(dir.path()).args(["check", name]).assert()
}

/// Runs the main fixture against that address.
fn run_against(dir: &Path, api: &str, secret: &str) -> Assert {
    importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", secret)
        .args(["run", "--api", api, "--give-up", "1s", "--provision"])
        .arg(fixture("company-chat.jsonl"))
        .assert()
}

#[test]
fn a_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    importer()
        .current_dir(dir.path())
        .args(["check", "nowhere.jsonl"])
        .assert()
        .code(2)
        .stderr(contains("`nowhere.jsonl` does not exist"));
}

#[test]
fn an_empty_file() {
    check("empty.jsonl", "").code(2).stderr(contains("nothing to import").and(contains("empty.jsonl")));
}

#[test]
fn a_csv_without_a_header() {
    check("rows.csv", "1,a,b,1700000000000,hello\n2,b,a,1700000001000,hi\n")
        .code(2)
        .stderr(contains("rows.csv").and(contains("header = false")));
}

#[test]
fn an_unknown_column_in_the_mapping() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("x.csv"), "id,who,whom,at,text\n1,a,b,1700000000000,hello\n").unwrap();
    fs_err::write(
        dir.path().join("import.toml"),
        "[mapping.fields]\nsendID = \"sender\"\nrecvID = \"whom\"\nsendTime = \"at\"\ntext = \"text\"\n",
    )
    .unwrap();
    importer()
        .current_dir(dir.path())
        .args(["check", "x.csv"])
        .assert()
        .code(2)
        .stderr(contains("`sender`").and(contains("who")));
}

#[test]
fn broken_json_in_line_3_of_5() {
    let text = format!(
        "{ROW}\n{}\n{{\"id\":\n{}\n{}\n",
        ROW.replace("\"1\"", "\"2\""),
        ROW.replace("\"1\"", "\"4\""),
        ROW.replace("\"1\"", "\"5\"")
    );
    check("five.jsonl", text).code(4).stdout(contains("five.jsonl:3"));
}

#[test]
fn broken_json_can_be_skipped() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("two.jsonl"), format!("{ROW}\nnot json\n")).unwrap();
    importer()
        .current_dir(dir.path())
        .args(["run", "two.jsonl", "--rehearse", "--skip-invalid", "--json"])
        .assert()
        .code(3)
        .stdout(contains(r#""confirmed":1"#).and(contains(r#""rejected":1"#)));
}

#[test]
fn a_directory_without_exports() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("holiday.png"), "not a chat").unwrap();
    importer()
        .current_dir(dir.path())
        .args(["check", "."])
        .assert()
        .code(2)
        .stderr(contains("looks like an export"));
}

#[test]
fn a_wrong_secret_is_refused_and_not_shown() {
    let server = Rehearsal::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    run_against(dir.path(), &server.url, "hush-hush")
        .code(7)
        .stderr(contains("secret").and(contains("hush-hush").not()));
}

#[test]
fn no_secret_at_all() {
    let dir = tempfile::tempdir().unwrap();
    importer()
        .current_dir(dir.path())
        .args(["run", "--api", "http://127.0.0.1:9"])
        .arg(fixture("company-chat.jsonl"))
        .assert()
        .code(7)
        .stderr(contains("OPENIM_SECRET"));
}

#[test]
fn an_address_that_is_no_openim() {
    // A server that answers everything with a web page.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read, Write};
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"));
        }
    });
    let dir = tempfile::tempdir().unwrap();
    run_against(dir.path(), &api, "openIM123").code(2).stderr(contains("no OpenIM"));
}

#[test]
fn a_server_that_does_not_run() {
    let dir = tempfile::tempdir().unwrap();
    // Bound and dropped: nobody listens there now.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run_against(dir.path(), &format!("http://{address}"), "openIM123")
        .code(2)
        .stderr(contains("nobody listens at").and(contains("--wait-for-server")));
}

#[test]
fn no_address() {
    let dir = tempfile::tempdir().unwrap();
    importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "x")
        .arg("run")
        .arg(fixture("company-chat.jsonl"))
        .assert()
        .code(2)
        .stderr(contains("--api").and(contains("--rehearse")));
}

#[test]
fn a_job_that_another_process_holds() {
    let dir = tempfile::tempdir().unwrap();
    let job = dir.path().join("x.job");
    importer().arg("check").arg(fixture("company-chat.jsonl")).arg("--job").arg(&job).assert().success();
    let held = openim_importer::job::Job::open(&job).unwrap();
    importer()
        .arg("check")
        .arg(fixture("company-chat.jsonl"))
        .arg("--job")
        .arg(&job)
        .assert()
        .code(2)
        .stderr(contains(format!("process {}", std::process::id())));
    drop(held);
}

#[test]
fn a_full_disk() {
    // A limit on the size of files answers as a full disk does, and needs no file system of its own.
    let dir = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("openim-import");
    assert_cmd::Command::new("sh")
        .current_dir(dir.path())
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 200; exec \"$0\" check \"$1\"")
        .arg(program)
        .arg(fixture("company-chat.jsonl"))
        .assert()
        .code(1)
        .stderr(contains("no room left"));
}

#[test]
fn a_job_of_a_newer_version() {
    let dir = tempfile::tempdir().unwrap();
    let job = dir.path().join("x.job");
    importer().arg("check").arg(fixture("company-chat.jsonl")).arg("--job").arg(&job).assert().success();
    let database = rusqlite::Connection::open(job.join("job.sqlite")).unwrap();
    database.execute("UPDATE versions SET version = 9999", []).unwrap();
    drop(database);
    importer().arg("status").arg("--job").arg(&job).assert().code(2).stderr(contains("newer"));
}

#[test]
fn usage() {
    importer().args(["run", "--rate", "fast"]).assert().code(2).stderr(contains("`fast` is no rate"));
    importer().arg("fly").assert().code(2);
}

#[test]
fn a_spool_that_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let export = fixture("company-chat.jsonl");
    importer().current_dir(dir.path()).arg("check").arg(&export).assert().success();
    let spool = dir.path().join("import.job/messages.spool");
    let bytes = fs_err::metadata(&spool).unwrap().len();
    fs_err::OpenOptions::new().write(true).open(&spool).unwrap().set_len(bytes / 2).unwrap();
    let server = Rehearsal::start(&[]);
    importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .arg("run")
        .arg(&export)
        .args(["--api", &server.url, "--provision", "--allow", "retention"])
        .assert()
        .code(1)
        .stderr(
            predicates::str::contains("messages.spool` is damaged").and(predicates::str::contains("`adopt`")),
        );
    assert_eq!(server.audit()["total"]["received"], 0);
}
