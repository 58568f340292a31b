//! The port of `--ui` and `--control`, by an enemy on the same machine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::run::{Run, ask, export};
use crate::support::Rehearsal;

/// A run that lasts until it is killed; the port is all that is asked of it.
fn run(dir: &std::path::Path, server: &Rehearsal) -> Run {
    Run::start(dir, &export(dir, 2_000), server, &["--ui", "--rate", "20/s"])
}

/// Longer than whoever is well is kept waiting.
const LONG: Duration = Duration::from_mins(1);

/// Says that in one piece; all that comes back until the other side closes or is silent for so long.
fn said(address: &str, what: &[u8], patience: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    // Whoever has heard enough closes while we still write.
    drop(stream.write_all(what));
    heard(&mut stream)
}

/// The same, and that nothing more will come.
fn cut(address: &str, what: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    drop(stream.write_all(what));
    drop(stream.shutdown(Shutdown::Write));
    heard(&mut stream)
}

fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    answer
}

#[test]
fn who_holds_connections_shuts_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let run = run(dir.path(), &server);
    let (address, token) = (run.file("control.address"), run.file("control.token"));
    let mut page = TcpStream::connect(&address).unwrap();
    write!(page, "GET /{token}/events HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut seen = [0; 512];
    assert!(page.read(&mut seen).unwrap() > 0);

    // First all of them silent, then in the middle of a head, of a verb, and reading nothing of an answer as well.
    let halves = [
        String::new(),
        "GET / HT".to_owned(),
        format!("GET /{token}/state HTTP/1.1\r\nHost: {address}\r\nX: "),
        format!("POST /{token}/say HTTP/1.1\r\nHost: {address}\r\nContent-Length: 5\r\n\r\npau"),
        format!("GET /{token}/ HTTP/1.1\r\nHost: {address}\r\n\r\n"),
    ];
    let mut held = Vec::new();
    for kinds in [1, halves.len()] {
        let began = Instant::now();
        for n in 0..300 {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(halves[n % kinds].as_bytes()).unwrap();
            held.push(stream);
        }
        let whole = format!("GET /{token}/state HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let answer = said(&address, whole.as_bytes(), LONG);
        assert!(String::from_utf8_lossy(&answer).contains("\"settings\""), "{}", held.len());
        // Those who are silent are closed after ten seconds anyway. Who has to wait for that is shut out.
        assert!(began.elapsed() < Duration::from_secs(9), "{}: {:?}", held.len(), began.elapsed());
    }
    // The page that looked on still does.
    for _ in 0..3 {
        assert!(page.read(&mut seen).unwrap() > 0, "the stream of the page ended");
    }
}

/// What of an answer tells that somebody is there, or was heard.
fn tells(answer: &[u8], token: &str) -> bool {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").map_or(&*text, |(_, body)| body);
    text.contains(" 200 ") || text.contains(token) || !body.is_empty()
}

/// A request with those head lines.
fn request(first: &str, lines: &[&str], body: &str) -> String {
    let first = format!("{first} HTTP/1.1");
    [&[&*first], lines, &["", body]].concat().join("\r\n")
}

/// Whatever stands in place of the token.
fn wrong_tokens(token: &str, address: &str) -> Vec<String> {
    let host = format!("Host: {address}");
    let mut all = Vec::new();
    let mut tokens = vec![
        String::new(),
        token[..63].to_owned(),
        format!("{token}0"),
        token.to_uppercase(),
        format!("%{:02x}{}", token.as_bytes()[0], &token[1..]),
        format!("{token}%00"),
        format!(".{token}"),
        "0".repeat(64),
        "*".to_owned(),
    ];
    for at in 0..token.len() {
        let other = if &token[at..=at] == "0" { "1" } else { "0" };
        tokens.push(format!("{}{other}{}", &token[..at], &token[at + 1..]));
    }
    for wrong in tokens.iter().filter(|wrong| *wrong != token) {
        for path in ["", "state", "events", "metrics"] {
            all.push(request(&format!("GET /{wrong}/{path}"), &[&host], ""));
        }
        let bearer = format!("Authorization: Bearer {wrong}");
        all.push(request("GET /state", &[&host, &bearer], ""));
        // A right one beside it does not help; `Bearer` alone is no token.
        if !wrong.is_empty() {
            all.push(request(&format!("GET /{token}/state"), &[&host, &bearer], ""));
        }
        all.push(request(&format!("POST /{wrong}/say"), &[&host, "Content-Length: 5"], "pause"));
    }
    all
}

/// Whatever stands in place of method and path.
fn wrong_paths(token: &str, address: &str) -> Vec<String> {
    let host = format!("Host: {address}");
    let mut all = Vec::new();
    let right = format!("Authorization: Bearer {token}");
    for scheme in ["bearer ", "Bearer", "Basic ", "Token ", "Bearer  ", "Bearer \""] {
        all.push(request("GET /state", &[&host, &format!("Authorization: {scheme}{token}")], ""));
    }
    all.push(request("GET /state", &[&host, &right, &right], ""));
    for method in
        ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "GETS", "Ä"]
    {
        all.push(request(&format!("{method} /{token}/state"), &[&host], ""));
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"] {
        all.push(request(&format!("{method} /{token}/say"), &[&host, "Content-Length: 5"], "pause"));
    }
    for path in [
        "{}",
        "{}/../state",
        "{}/./state",
        "{}//state",
        "/{}/state",
        "x/../{}/state",
        "{}/State",
        "{}/state/",
        "{}/state%00",
        "{}/%73tate",
        "{}/state;x",
        "{}\\state",
        "{}/../../etc/passwd",
        "{}/control.token",
        "{}/say",
        "state/{}",
    ] {
        all.push(request(&format!("GET /{}", path.replace("{}", token)), &[&host], ""));
    }
    all
}

/// Whatever stands in place of `Host` and `Origin`.
fn wrong_origins(token: &str, address: &str) -> Vec<String> {
    let (host, port) = (format!("Host: {address}"), address.rsplit(':').next().unwrap());
    let mut all = Vec::new();
    for evil in [
        "",
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "evil.example/127.0.0.1",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1:evil.example",
        "127.0.0.1:99999",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "localhost.",
        "[::ffff:127.0.0.1]",
        "127.0.0.1:80:80",
        "127.0.0.1, evil.example",
        "::1",
        "\u{ff11}27.0.0.1",
    ] {
        all.push(request(
            &format!("POST /{token}/say"),
            &[&format!("Host: {evil}"), "Content-Length: 5"],
            "pause",
        ));
        all.push(request(&format!("GET /{token}/state"), &[&host, &format!("Host: {evil}")], ""));
        all.push(request(&format!("GET /{token}/state"), &[&format!("Host: {evil}"), &host], ""));
    }
    all.push(request(&format!("GET /{token}/state"), &[], ""));
    for lines in [
        "Origin: null",
        "Origin: https://evil.example",
        "Origin: http://evil.example",
        "Origin: ",
        "Origin: http://",
        "Origin: http://127.0.0.1",
        "Origin: http://127.0.0.1:1",
        "Origin: https://127.0.0.1:PORT",
        "Origin: http://localhost:PORT",
        "Origin: http://127.0.0.1:PORT.evil.example",
        "Origin: HTTP://127.0.0.1:PORT",
        "Origin: http://127.0.0.1:PORT\r\nOrigin: https://evil.example",
        "Origin: http://127.0.0.1:PORT/",
        "Origin: http://127.0.0.1:PORT http://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: ",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site",
        "Origin: http://\u{e4}",
    ] {
        let lines = lines.replace("PORT", port);
        all.push(request(&format!("POST /{token}/say"), &[&host, &lines, "Content-Length: 5"], "pause"));
    }
    all
}

/// What is no HTTP/1.1, or more of it than anybody needs.
fn odd(token: &str, address: &str) -> Vec<Vec<u8>> {
    let host = format!("Host: {address}");
    let get = format!("GET /{token}/state");
    let many: Vec<String> = (0..20_000).map(|n| format!("X-{n}: y")).collect();
    let mut all: Vec<Vec<u8>> = [
        request(&get, &[&host, &format!("X: {}", "a".repeat(2 << 20))], ""),
        request(&get, &[&host, &many.join("\r\n")], ""),
        request(&format!("GET /{}/{token}/state", "a".repeat(2 << 20)), &[&host], ""),
        request(&get, &[&host, "X y"], ""),
        request(&get, &[&host, " folded: y"], ""),
        request(&get, &[&host, "X: a\0b"], ""),
        request(&format!("POST /{token}/say"), &[&host, "Content-Length: 5", "Content-Length: 6"], "pause"),
        request(&format!("POST /{token}/say"), &[&host, "Content-Length: -5"], "pause"),
        request(&format!("POST /{token}/say"), &[&host, "Transfer-Encoding: gzip"], "pause"),
        format!("GET /{token}/state\r\n\r\n"),
        format!("{get} HTTP/1.0\r\n\r\n"),
        format!("{get} HTTP/3.0\r\n{host}\r\n\r\n"),
        format!("{get} HTTP/1.1 HTTP/1.1\r\n{host}\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        "\r\n\r\n\r\n".to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec();
    all.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    all.push(vec![0; 1 << 20]);
    all.push([b"POST /\xff\xfe/say HTTP/1.1\r\n\r\n".to_vec(), vec![0xff; 4096]].concat());
    all
}

#[test]
fn what_is_no_key_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let run = run(dir.path(), &server);
    let (address, token) = (run.file("control.address"), run.file("control.token"));
    let wrong = [wrong_tokens, wrong_paths, wrong_origins].map(|of| of(&token, &address)).concat();
    assert!(wrong.len() > 500, "{}", wrong.len());
    for request in &wrong {
        let answer = said(&address, request.as_bytes(), LONG);
        assert!(!tells(&answer, &token), "{request}\n{}", String::from_utf8_lossy(&answer));
    }
    for request in odd(&token, &address) {
        let answer = cut(&address, &request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]);
        assert!(!tells(&answer, &token), "{shown}\n{}", String::from_utf8_lossy(&answer));
    }
    // Cut anywhere, a verb is not heard.
    let pause =
        request(&format!("POST /{token}/say"), &[&format!("Host: {address}"), "Content-Length: 5"], "pause");
    for end in 0..pause.len() {
        let answer = cut(&address, &pause.as_bytes()[..end]);
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{end} bytes of it were heard");
    }
    assert_eq!(run.state()["settings"]["paused"], Value::Null, "one of them was heard");
    #[cfg(target_os = "linux")]
    {
        let peak = peak_mb(run.process.id());
        assert!(peak < 200, "{peak} MB");
    }
    // The whole of it is.
    assert!(
        String::from_utf8_lossy(&said(&address, pause.as_bytes(), LONG)).contains("paused by the operator")
    );
}

/// Damaged at random, a request is let in only if it still has the token, and the port answers the next one.
#[test]
fn damaged_requests() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&[]);
    let run = run(dir.path(), &server);
    let (address, token) = (run.file("control.address"), run.file("control.token"));
    let host = format!("Host: {address}");
    let seeds = [
        request(&format!("GET /{token}/state"), &[&host, "Accept: */*"], ""),
        request("GET /metrics", &[&host, &format!("Authorization: Bearer {token}"), "X-Y: z"], ""),
        request(&format!("POST /{token}/say"), &[&host, "Content-Length: 10"], "rate 100/s"),
        request(
            &format!("POST /{token}/say"),
            &[&host, "Transfer-Encoding: chunked"],
            "6\r\nresume\r\n0\r\n\r\n",
        ),
    ];
    let mut random = fastrand::Rng::with_seed(17);
    let mut opened = 0;
    for n in 0..500 {
        let mut bytes = seeds[n % seeds.len()].clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            match random.u8(..4) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.insert(at, b"\r\n \0/:%?#."[random.usize(..10)]),
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
        }
        let answer = said(&address, &bytes, Duration::from_millis(100));
        if tells(&answer, &token) {
            opened += 1;
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            assert!(shown.contains(&token), "{shown}");
        }
    }
    assert!(opened > 20, "{opened}: so the judge sees who is let in");
    assert!(ask(&address, &format!("/{token}/state"), "").0.contains(" 200 "));
}

#[cfg(target_os = "linux")]
fn peak_mb(process: u32) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kb.unwrap().parse::<u64>().unwrap() / 1024
}
