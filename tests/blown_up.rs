//! Answers that are short on the wire and long in memory: every list in every answer, full of the smallest thing there is.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::peak::{MOST, peak};
use crate::support::{Rehearsal, importer_process};

/// As long as an answer may be to most calls.
const LONG: usize = 15 << 20;

/// A little shorter than what is read one after the other: as many at once as there are connections.
const SHORT: usize = (1 << 20) - 1_000;

/// What comes back from a path is to be full of: the unit, and so many bytes of it.
type Evil = (String, &'static str, usize);

/// Paths whose answers have lists.
type Seen = Arc<Mutex<BTreeSet<String>>>;

/// A proxy in front of a server, which blows up what comes back from that path.
fn proxy(server: &str, evil: Option<Evil>) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let server = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let seen = Seen::default();
    let paths = Arc::clone(&seen);
    std::thread::spawn(move || {
        for caller in listener.incoming().map_while(Result::ok) {
            let (server, evil, seen) =
                (TcpStream::connect(&server).unwrap(), evil.clone(), Arc::clone(&seen));
            std::thread::spawn(move || pass_on(caller, server, evil.as_ref(), &seen));
        }
    });
    (api, paths)
}

/// Passes on until one of both is gone.
fn pass_on(caller: TcpStream, server: TcpStream, evil: Option<&Evil>, seen: &Seen) -> Option<()> {
    let (mut caller, mut server) = (BufReader::new(caller), BufReader::new(server));
    loop {
        let (head, body) = message(&mut caller)?;
        let path = head.split(' ').nth(1)?.to_owned();
        server.get_mut().write_all(&[head.as_bytes(), &body].concat()).ok()?;
        let (head, mut answer) = message(&mut server)?;
        if blown_up(&answer, "0", 1).is_some() {
            seen.lock().unwrap().insert(path.clone());
        }
        if let Some(large) = evil
            .as_ref()
            .filter(|(evil, ..)| *evil == path)
            .and_then(|(_, unit, bytes)| blown_up(&answer, unit, *bytes))
        {
            answer = large;
        }
        let lines: String = head
            .split_inclusive("\r\n")
            .filter(|line| *line != "\r\n" && !line.to_lowercase().starts_with("content-length:"))
            .collect();
        let head = format!("{lines}Content-Length: {}\r\n\r\n", answer.len());
        caller.get_mut().write_all(&[head.as_bytes(), &answer].concat()).ok()?;
    }
}

/// Head and body of a request or an answer.
fn message(from: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let before = head.len();
        if from.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[before..].to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// With each list full of that, so many bytes in all; `None` where there is no list.
fn blown_up(answer: &[u8], unit: &str, bytes: usize) -> Option<Vec<u8>> {
    fn mark(value: &mut Value) -> usize {
        match value {
            Value::Array(_) => {
                *value = Value::from("@list@");
                1
            }
            Value::Object(fields) => fields.values_mut().map(mark).sum(),
            _ => 0,
        }
    }
    let mut value: Value = serde_json::from_slice(answer).ok()?;
    let lists = Some(mark(&mut value)).filter(|lists| *lists > 0)?;
    let list = format!("[{}{unit}]", format!("{unit},").repeat(bytes / lists / (unit.len() + 1)));
    Some(value.to_string().replace("\"@list@\"", &list).into_bytes())
}

/// Most that a run and what comes after it took, MB.
fn most(dir: &Path, export: &Path, api: &str) -> u64 {
    let commands: [&[&str]; 4] = [
        &["run", &export.display().to_string(), "--provision", "--allow", "retention"],
        &["verify", "--store"],
        &["mark-read"],
        &["undo", "--yes"],
    ];
    let peaks = commands.map(|command| {
        let mut process = importer_process();
        process.current_dir(dir).env("OPENIM_SECRET", "openIM123").args(command);
        peak(process.args(["--api", api, "--quiet", "--give-up", "2s"]))
    });
    peaks.into_iter().max().unwrap()
}

#[test]
fn lists_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("chat.jsonl");
    let lines: Vec<String> = (0..30)
        .flat_map(|n| {
            let time = 1_700_000_000_000_u64 + n;
            let peer = |peer: &str| {
                format!(r#"{{"id":"{peer}{n}","sendID":"a{}","{peer}":"b","sendTime":{time},"content":{{"content":"x"}}}}"#, n % 2)
            };
            [peer("recvID"), peer("groupID")]
        })
        .collect();
    fs_err::write(&export, lines.join("\n")).unwrap();
    let server = Rehearsal::start(&[]);
    let (api, seen) = proxy(&server.url, None);
    let usual = most(dir.path(), &export, &api);
    let seen = seen.lock().unwrap().clone();
    assert!(usual < MOST && seen.len() > 6, "{usual} MB, {seen:?}");
    std::thread::scope(|scope| {
        for path in &seen {
            let export = &export;
            scope.spawn(move || {
                for (unit, bytes) in [("{}", LONG), ("null", LONG), ("{}", SHORT)] {
                    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&[]));
                    let (api, _) = proxy(&server.url, Some((path.clone(), unit, bytes)));
                    let most = most(dir.path(), export, &api);
                    assert!(most < MOST, "{path} with {bytes} bytes of {unit}: {most} MB");
                }
            });
        }
    });
}
