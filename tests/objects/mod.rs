//! Files of messages, from the export into the object storage and back out of it, at the addresses that messages have.

mod exports;
mod faces;
mod faults;
mod hostile;
mod interrupted;
mod large;
mod names;
mod parts;
mod recordings;
pub(crate) mod samples;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::support::{Rehearsal, importer};

/// What the importer ended with, and said.
struct Ended {
    code: i32,
    said: String,
}

fn run_in(dir: &Path, args: &[&str]) -> Ended {
    let output = importer().current_dir(dir).env("OPENIM_SECRET", "openIM123").args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code().unwrap_or(-1),
        said: format!("{}{}", text(&output.stdout), text(&output.stderr)),
    }
}

/// A whole import with files.
fn whole(dir: &Path, server: &Rehearsal, more: &[&str]) -> Ended {
    let usual = ["run", "--media", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
    run_in(dir, &[&usual, more].concat())
}

/// What lies in the store, by name.
pub(crate) fn objects(server: &Rehearsal) -> Value {
    server.control("/_rehearsal/objects", None)
}

/// Status, location and body of a GET, by nothing that the importer shares.
fn get(url: &str) -> (u16, Option<String>, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    (head[9..12].parse().unwrap(), location, answer[at + 4..].to_vec())
}

/// The bytes behind an address that a message has, as a phone reads them.
pub(crate) fn opened(url: &str) -> Vec<u8> {
    let (status, location, _) = get(url);
    assert_eq!(status, 302, "{url}");
    let (status, _, body) = get(&location.unwrap());
    assert_eq!(status, 200, "{url}");
    body
}

/// What went out too early after a kill is deleted, and sent again: it leaves an empty slot.
fn is_there(entry: &Value) -> bool {
    entry["state"] != "deleted" && entry["state"] != "empty"
}

/// All messages of media that the server has: type and content.
pub(crate) fn media(server: &Rehearsal) -> Vec<(u64, Value)> {
    let audit = server.audit();
    let mut all = Vec::new();
    for conversation in audit["conversations"].as_object().unwrap().keys() {
        for entry in server.log(conversation).into_iter().filter(is_there) {
            let kind = entry["contentType"].as_u64().unwrap_or_default();
            if (102..=105).contains(&kind) {
                all.push((kind, serde_json::from_str(entry["content"].as_str().unwrap()).unwrap()));
            }
        }
    }
    all
}
