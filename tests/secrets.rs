//! Neither the secret nor a token reaches a log, the job, a report or a message.

use std::path::Path;

use crate::support::{Rehearsal, fixture, importer};

/// Not the usual one, so that finding it can't be chance.
const SECRET: &str = "s3cret-of-the-night";

/// Every word of an answer that is a token: JSON in base64 begins so.
const TOKEN: &str = "eyJ";

fn told(dir: &Path, server: &str, secret: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", secret)
        .args(args)
        .args(["--api", server, "--give-up", "60s", "--allow", "retention", "--provision", "-vv"])
        .arg(fixture("company-chat.jsonl"))
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn nothing_that_is_written_or_said_has_a_secret() {
    let server = Rehearsal::start_with(SECRET, &[]);
    let dir = tempfile::tempdir().unwrap();
    let (exit, mut said) = told(dir.path(), &server.url, SECRET, &["run"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("answered"), "-vv logs each call, or this proves little: {said}");
    // An address with a password in it, and a login that fails.
    let address = server.url.replace("http://", &format!("http://admin:{SECRET}@"));
    said += &told(dir.path(), &address, "another-secret", &["run", "--job", "refused.job"]).1;
    let mut written = 0;
    for entry in walkdir::WalkDir::new(dir.path()).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            written += 1;
            said += &String::from_utf8_lossy(&fs_err::read(entry.path()).unwrap());
        }
    }
    assert!(written > 3, "there is a job to look at");
    for secret in [SECRET, "another-secret", TOKEN] {
        let found: Vec<&str> = said.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(found.is_empty(), "`{secret}` in {found:?}");
    }
}
