//! No password, digest, code or token of the chat server reaches a log, the job or a message.

use super::support::Place;
use crate::support::{fixture, importer};

/// Not the usual ones, so that finding them can't be chance; and what apps send of the second.
const SECRETS: [&str; 4] = ["adm1n-of-the-night", "pw-of-ann-9", "015d0d56ef066825f25242775a6f3fa6", "eyJ"];

#[test]
fn nothing_that_is_written_or_said_has_a_password() {
    let place = Place::with_password(SECRETS[0]);
    let dir = place.dir().to_owned();
    let checked =
        importer().current_dir(&dir).arg("check").arg(fixture("company-chat.jsonl")).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    place.table("userID,email,password\nalice,alice@e.example,pw-of-ann-9\nbob,,pw-of-ann-9\n");
    let (exit, mut said) = place.run_as(SECRETS[0], &place.args(), &["--codes-are-set-up", "-vv"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("/user/import/json"), "-vv logs each call, or this proves little: {said}");
    said += &place.run_as("another-password", &place.args(), &["-vv"]).1;
    place.table("userID,email,password\nalice,alice@e.example,pw-of-ann-9,pw-of-ann-9\n");
    said += &place.run_as(SECRETS[0], &place.args(), &["-vv"]).1;
    fs_err::remove_file(dir.join("people.csv")).unwrap();
    let mut written = 0;
    for entry in walkdir::WalkDir::new(&dir).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            written += 1;
            said += &String::from_utf8_lossy(&fs_err::read(entry.path()).unwrap());
        }
    }
    assert!(written > 3, "there is a job to look at");
    let digest = "another-password";
    for secret in SECRETS.into_iter().chain([digest]) {
        let found: Vec<&str> = said.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(found.is_empty(), "`{secret}` in {found:?}");
    }
    let list = fs_err::read_to_string(dir.join("import.job/logins.csv")).unwrap();
    assert!(list.contains("alice") && list.contains("with a password"), "{list}");
}
