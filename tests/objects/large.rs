//! Many files, killed again and again, and as fast as a client that does nothing else. Run by hand:
//!
//! ```text
//! MEDIA_FILES=20000 cargo test --release -- --ignored --nocapture objects::large
//! ```

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::faults::{folder_of, is_exact};
use super::objects;
use crate::support::{Rehearsal, importer_process};

/// So many files of 1 kB to 60 kB, one in thirty-three of up to 1 MB, and one of 100 MB for each ten thousand: 46 kB on
/// average, without these.
#[expect(clippy::disallowed_methods, reason = "how large a run by hand is")]
fn sizes() -> Vec<usize> {
    let files = std::env::var("MEDIA_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut dice = fastrand::Rng::with_seed(3);
    let mut size =
        || if dice.u8(0..33) == 0 { dice.usize(60_000..1_000_000) } else { dice.usize(1000..60_000) };
    let mut sizes: Vec<usize> = (0..files).map(|_| size()).collect();
    sizes.extend((0..files / 10_000).map(|n| (100 << 20) + n));
    sizes
}

fn start(dir: &Path, server: &Rehearsal) -> std::process::Child {
    importer_process()
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .args(["media", "--quiet", "--api", &server.url])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The most memory a process had so far, KiB.
fn peak(pid: u32) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "minutes"]
fn killed_thirty_times_with_faults_on() {
    let dir = tempfile::tempdir().unwrap();
    let files = folder_of(dir.path(), &sizes());
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    for fault in [
        json!({ "kind": "cut-upload", "chance": 0.01, "after": 4 }),
        json!({ "kind": "lose-put", "chance": 0.01, "after": 4 }),
        json!({ "kind": "lose-answer", "path": "/object/complete_multipart_upload", "chance": 0.01 }),
    ] {
        server.control("/_rehearsal/faults", Some(&fault));
    }
    let (mut most, mut dice) = (0, fastrand::Rng::with_seed(5));
    for _ in 0..30 {
        let before = objects(&server)["puts"].as_u64().unwrap();
        let mut process = start(dir.path(), &server);
        let goal = before + dice.u64(1..=files.len() as u64 / 35);
        while objects(&server)["puts"].as_u64().unwrap() < goal && process.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        most = most.max(peak(process.id()));
        process.kill().ok();
        process.wait().unwrap();
    }
    let mut last = start(dir.path(), &server);
    while last.try_wait().unwrap().is_none() {
        most = most.max(peak(last.id()));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(last.wait().unwrap().success());
    is_exact(dir.path(), &server, &files);
    println!(
        "{} files, {} MB, killed 30 times: each there once, peak {} MiB",
        files.len(),
        files.iter().sum::<u64>() >> 20,
        most >> 10
    );
    assert!(most < 150 << 10, "{most} KiB");
}

#[test]
#[ignore = "minutes"]
fn as_fast_as_a_bare_client_with_four_workers() {
    let dir = tempfile::tempdir().unwrap();
    let files = folder_of(dir.path(), &sizes());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut bare, mut ours) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..3 {
        let server = Rehearsal::start(&["--answer-time", "0s"]);
        let began = Instant::now();
        runtime.block_on(bare_client(dir.path(), &server, files.len()));
        bare += began.elapsed();
        let server = Rehearsal::start(&["--answer-time", "0s"]);
        fs_err::remove_dir_all(dir.path().join("import.job")).ok();
        let began = Instant::now();
        assert!(start(dir.path(), &server).wait().unwrap().success());
        ours += began.elapsed();
    }
    let ratio = bare.as_secs_f64() / ours.as_secs_f64();
    println!("{} files: a bare client {bare:?}, the importer {ours:?}, its part {ratio:.2}", files.len());
    assert!(ratio >= 0.9, "{ratio}");
}

/// Reads each file, computes its digest, and makes the three calls, as the importer must; nothing else.
async fn bare_client(dir: &Path, server: &Rehearsal, files: usize) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let login = json!({ "secret": "openIM123", "userID": "imAdmin" });
    let call = |path: &'static str, token: String, body: Value| {
        let request =
            http.post(format!("{}{path}", server.url)).header("operationID", fastrand::u64(..).to_string());
        async move {
            let answer: Value =
                request.header("token", token).json(&body).send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["errCode"], 0, "{answer}");
            answer["data"].clone()
        }
    };
    let token =
        call("/auth/get_admin_token", String::new(), login).await["token"].as_str().unwrap().to_owned();
    let next = Arc::new(AtomicUsize::new(0));
    let worker = || async {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= files {
                return;
            }
            let bytes = fs_err::read(dir.join(format!("export/files/{n}.bin"))).unwrap();
            let parts: Vec<String> = bytes.chunks(5 << 20).map(openim_importer::openim::digest).collect();
            let hash = openim_importer::openim::hash_of_parts(&parts);
            let begin = json!({ "hash": hash, "size": bytes.len(), "name": format!("bare/{n}"), "maxParts": -1,
                "cause": "bare", "contentType": "application/octet-stream" });
            let upload =
                call("/object/initiate_multipart_upload", token.clone(), begin).await["upload"].clone();
            let sign = &upload["sign"];
            for (n, part) in bytes.chunks(5 << 20).enumerate() {
                let signed = &sign["parts"][n];
                let (mut url, mut headers) = (signed["url"].as_str().unwrap().to_owned(), Vec::new());
                if url.is_empty() {
                    let id = &sign["query"][0]["values"][0];
                    url = format!(
                        "{}?uploadId={}&partNumber={}",
                        sign["url"].as_str().unwrap(),
                        id.as_str().unwrap(),
                        n + 1
                    );
                    for header in signed["header"].as_array().unwrap() {
                        headers
                            .push((header["key"].as_str().unwrap(), header["values"][0].as_str().unwrap()));
                    }
                }
                let request = headers
                    .into_iter()
                    .fold(http.put(url), |request, (key, value)| request.header(key, value));
                assert!(request.body(part.to_vec()).send().await.unwrap().status().is_success());
            }
            let end = json!({ "uploadID": upload["uploadID"], "parts": parts, "name": format!("bare/{n}"), "cause": "bare",
                "contentType": "application/octet-stream" });
            call("/object/complete_multipart_upload", token.clone(), end).await;
        }
    };
    tokio::join!(worker(), worker(), worker(), worker());
}
