//! A run that can be spoken to, in a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Rehearsal, importer, importer_process};

pub(super) const USUAL: [&str; 5] = ["--provision", "--allow", "retention", "--json", "--quiet"];

/// So many messages in six conversations.
pub(super) fn export(dir: &Path, messages: u64) -> PathBuf {
    let path = dir.join("export.jsonl");
    let lines: Vec<String> = (0..messages)
        .map(|n| {
            let c = n % 6;
            json!({
                "id": format!("m{n}"), "sendID": format!("a{c}"), "recvID": format!("b{c}"),
                "sendTime": 1_700_000_000_000_u64 + n, "content": {"content": format!("line {n}")},
            })
            .to_string()
        })
        .collect();
    fs_err::write(&path, lines.join("\n")).unwrap();
    path
}

/// A run that can be spoken to.
pub(super) struct Run {
    pub(super) process: Child,
    dir: PathBuf,
    pub(super) job: PathBuf,
}

impl Run {
    pub(super) fn start(dir: &Path, export: &Path, server: &Rehearsal, options: &[&str]) -> Self {
        Self::start_by(importer_process(), dir, export, server, options)
    }

    /// The same by another program, which starts it.
    pub(super) fn start_by(
        mut program: Command,
        dir: &Path,
        export: &Path,
        server: &Rehearsal,
        options: &[&str],
    ) -> Self {
        let process = program
            .current_dir(dir)
            .env("OPENIM_SECRET", "openIM123")
            .arg("run")
            .arg(export)
            .args(["--api", &server.url])
            .args(USUAL)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut run = Self { process, dir: dir.to_owned(), job: dir.join("import.job") };
        while !run.job.join("control.address").exists() {
            run.lives();
        }
        run
    }

    /// A moment later it is still there.
    pub(super) fn lives(&mut self) {
        assert!(self.process.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::sleep(Duration::from_millis(20));
    }

    pub(super) fn file(&self, name: &str) -> String {
        fs_err::read_to_string(self.job.join(name)).unwrap()
    }

    /// Says something as a user does.
    pub(super) fn control(&self, words: &[&str]) -> String {
        let said = importer().current_dir(&self.dir).arg("control").args(words).assert().code(0);
        String::from_utf8(said.get_output().stdout.clone()).unwrap()
    }

    pub(super) fn state(&self) -> Value {
        let (head, body) =
            ask(&self.file("control.address"), &format!("/{}/state", self.file("control.token")), "");
        assert!(head.contains(" 200 "), "{head}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits for a state.
    pub(super) fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.state();
            if is_it(&state) {
                return state;
            }
            self.lives();
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A request with further head lines; head and body of the answer.
pub(super) fn ask(address: &str, path: &str, lines: &str) -> (String, String) {
    let host = if lines.contains("Host:") { String::new() } else { format!("Host: {address}\r\n") };
    let method = if lines.contains("Content-Length") { "POST" } else { "GET" };
    let mut stream = TcpStream::connect(address).unwrap();
    // In one piece: who is refused is not listened to any further.
    stream.write_all(format!("{method} {path} HTTP/1.1\r\n{host}{lines}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

pub(super) fn received(server: &Rehearsal) -> u64 {
    server.audit()["total"]["received"].as_u64().unwrap()
}
