//! What is refused, and what is said of it: at once where waiting mends nothing.

use std::time::{Duration, Instant};

use super::read::{SECRET, asks, told};
use super::server::{Faults, Store};
use crate::chaos::export;
use crate::support::Rehearsal;

/// A store with one export of some megabytes.
fn one() -> (Store, tempfile::TempDir, Vec<u8>) {
    let (store, dir) = (Store::start(), tempfile::tempdir().unwrap());
    let text = fs_err::read(export(dir.path(), 20_000, 20, 3)).unwrap();
    store.put("x.jsonl", text.clone());
    (store, dir, text)
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_never_mixed() {
    let (store, dir, text) = one();
    for deaf in [false, true] {
        store.put("x.jsonl", text.clone());
        let other = text.iter().rev().copied().collect();
        let cut = Some(150_000);
        store.faults(Faults { replace: Some((1_500_000, other)), cut, deaf, ..Faults::default() });
        let (code, said) = told(asks(&store, dir.path()).args(["check", "s3://chats/x.jsonl"]));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("was replaced while it was read: its ETag was "), "{said}");
        assert!(
            !dir.path().join("import.job/messages.spool").exists() || said.contains("nothing was sent"),
            "{said}"
        );
    }
}

#[test]
fn an_object_that_is_replaced_before_the_run_is_refused() {
    let (store, dir, text) = one();
    let server = Rehearsal::start(&[]);
    let check = told(asks(&store, dir.path()).args(["check", "s3://chats/x.jsonl"]));
    assert!(check.0 == 0 || check.0 == 4, "{}", check.1);
    let mut run = asks(&store, dir.path());
    run.args(["run", "s3://chats/x.jsonl", "--api", &server.url, "--canary", "1", "--provision", "--quiet"]);
    run.args(["--allow", "retention", "--allow", "would-not-scroll"]);
    let (code, said) = told(&mut run);
    assert_eq!(code, 0, "{said}");
    let mut other = text;
    let at = other.len() - 9;
    other[at] = b'9';
    store.put("x.jsonl", other);
    let (code, said) = told(&mut run);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("has the same size but other content"), "{said}");
}

#[test]
fn a_store_that_says_no_is_believed_at_once() {
    let (store, dir, _) = one();
    let status =
        |status| Faults { status: Some((1000, status)), says: "because".to_owned(), ..Faults::default() };
    for (faults, source, expected) in [
        (status(403), "s3://chats/x.jsonl", "may not be read: "),
        (status(403), "s3://chats/", "Odd: because"),
        (status(401), "s3://chats/x.jsonl", "may not be read: "),
        (status(400), "s3://chats/", "can't be read: "),
        (status(400), "s3://chats/x.jsonl", "can't be read: "),
        (status(404), "s3://chats/", "is not there: "),
        (Faults::default(), "s3://chats/y.jsonl", "does not exist"),
        (Faults::default(), "s3://chats/y/*.jsonl", "no file matches"),
        (Faults::default(), "s3://AKIA:hunter2222@chats/x.jsonl", "a bucket is named alone"),
        (Faults::default(), "s3://", "names no bucket"),
    ] {
        store.faults(faults);
        let began = Instant::now();
        let (code, said) = told(asks(&store, dir.path()).args(["check", source]));
        assert!(code == 2 && said.contains(expected), "{source}: {code} {said}");
        assert!(!said.contains("hunter2222") && !said.contains(SECRET), "{said}");
        assert!(began.elapsed() < Duration::from_secs(60), "{source}");
    }
}

#[test]
fn a_store_that_is_busy_is_asked_again() {
    let (store, dir, _) = one();
    for (status, times) in [(503, 3), (429, 2), (500, 3)] {
        store.faults(Faults { status: Some((times, status)), ..Faults::default() });
        let (code, said) = told(asks(&store, dir.path()).args(["check", "s3://chats/x.jsonl"]));
        assert!(code == 0 || code == 4, "{status}: {code} {said}");
    }
}

#[test]
fn where_nobody_listens_is_said_after_five_seconds() {
    let (_, dir, _) = one();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = Store { url: format!("http://127.0.0.1:{port}"), ..Store::start() };
    let (code, said) = told(asks(&nobody, dir.path()).args(["check", "s3://chats/x.jsonl"]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("given up after 5 s without a byte"), "{said}");
}

#[test]
fn a_server_that_is_none_is_refused() {
    let (_, dir, _) = one();
    for url in ["nonsense", "minio:9000"] {
        let nowhere = Store { url: url.to_owned(), ..Store::start() };
        let (code, said) = told(asks(&nowhere, dir.path()).args(["check", "s3://chats/x.jsonl"]));
        assert!(code == 2 && said.contains("is no address: write"), "{code} {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_secret_is_not_said_though_the_store_says_it() {
    let (store, dir, _) = one();
    store.faults(Faults { status: Some((1000, 403)), says: format!("not {SECRET}"), ..Faults::default() });
    let (code, said) = told(asks(&store, dir.path()).args(["check", "s3://chats/", "-vv"]));
    assert!(code == 2 && said.contains("not <secret>") && !said.contains(SECRET), "{said}");
    store.faults(Faults::default());
    let (_, said) = told(asks(&store, dir.path()).args(["check", "s3://chats/x.jsonl", "-vv"]));
    assert!(!said.contains(SECRET), "{said}");
    for entry in walkdir::WalkDir::new(dir.path()).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let bytes = fs_err::read(entry.path()).unwrap();
            assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "{}", entry.path().display());
        }
    }
}
