//! The binary and the rehearsal server as processes of their own, as a user has them.

pub(crate) mod formats;
mod judged;
pub(crate) mod recordings;
pub(crate) mod scroll;
pub(crate) mod truth;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

/// The binary under test, without settings of the developer's own.
pub(crate) fn importer() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("openim-import").unwrap();
    clean(|name| {
        command.env_remove(name);
    });
    command
}

/// The same as a plain process: to be signalled and killed.
pub(crate) fn importer_process() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("openim-import"));
    clean(|name| {
        command.env_remove(name);
    });
    command
}

/// Calls of somebody who shares nothing with the importer's client. Made once for all tests: each client reads all
/// certificates of the machine, a twentieth of what the suite computed (by samples). Without a pool it serves every runtime.
pub(crate) fn http() -> &'static reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> =
        LazyLock::new(|| reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap());
    &HTTP
}

fn clean(mut remove: impl FnMut(&str)) {
    for (name, _) in std::env::vars() {
        if name.starts_with("OPENIM_") || name.to_lowercase().ends_with("_proxy") {
            remove(&name);
        }
    }
}

/// A fixture of the project.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A rehearsal server in a process of its own, ended when dropped.
pub(crate) struct Rehearsal {
    process: Child,
    /// Its address, `http://127.0.0.1:…`.
    pub url: String,
    /// The address of its object store.
    pub store: String,
    /// The chat server's address for everybody; empty without `--chat-listen`.
    pub chat: String,
    /// The same for its admin.
    pub chat_admin: String,
    /// Goes away with it.
    _objects: tempfile::TempDir,
}

impl Rehearsal {
    /// Starts it with these options and waits until it listens.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with("openIM123", options)
    }

    /// The same with another secret.
    pub(crate) fn start_with(secret: &str, options: &[&str]) -> Self {
        Self::start_as(secret, None, options)
    }

    /// The same with another password of the chat server's admin too.
    pub(crate) fn start_as(secret: &str, chat_password: Option<&str>, options: &[&str]) -> Self {
        let objects = tempfile::tempdir().unwrap();
        let mut process = importer_process()
            .env("OPENIM_SECRET", secret)
            // Killed as it is, it leaves what was uploaded.
            .env("TMPDIR", objects.path())
            .envs(chat_password.map(|password| ("OPENIM_CHAT_PASSWORD", password)))
            .args(["rehearse", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("the server says where it listens");
        let store = lines.next().and_then(Result::ok).unwrap_or_default().replace("object store on ", "");
        let (mut chat, mut chat_admin) = (String::new(), String::new());
        if options.contains(&"--chat-listen") {
            chat = lines.next().and_then(Result::ok).unwrap_or_default().replace("chat server on ", "");
            chat_admin = lines.next().and_then(Result::ok).unwrap_or_default().replace("chat admin on ", "");
        }
        // Kept open: a server that can't print must not stop.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url, store, chat, chat_admin, _objects: objects }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What a GET or POST on a control path answers.
    pub(crate) fn control(&self, path: &str, body: Option<&Value>) -> Value {
        request(&self.url, path, body)
    }

    /// The slots of a conversation, in order.
    pub(crate) fn log(&self, conversation: &str) -> Vec<Value> {
        let path = format!("/_rehearsal/log?conversation={}", truth::percent(conversation));
        let Value::Array(log) = self.control(&path, None) else { panic!("{conversation}: no log") };
        log
    }

    /// Turns all faults off.
    pub(crate) fn turn_all_off(&self) {
        request_with("DELETE", &self.url, "/_rehearsal/faults", None, "");
    }

    /// The audit: what was received, acknowledged, stored and dropped, from the server's side.
    pub(crate) fn audit(&self) -> Value {
        self.control("/_rehearsal/audit", None)
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A call of the API as the admin makes it.
pub(crate) fn as_admin(url: &str, path: &str, body: &Value) -> Value {
    let login = serde_json::json!({ "secret": "openIM123", "userID": "imAdmin" });
    let token = request(url, "/auth/get_admin_token", Some(&login))["data"]["token"].clone();
    let answer = request_with("POST", url, path, Some(body), token.as_str().unwrap());
    assert_eq!(answer["errCode"], 0, "{path}: {answer}");
    answer
}

/// A plain HTTP call that shares nothing with the importer's client.
pub(crate) fn request(url: &str, path: &str, body: Option<&Value>) -> Value {
    request_with(if body.is_some() { "POST" } else { "GET" }, url, path, body, "")
}

/// A server that restarts refuses connections for a moment.
fn connect(address: &str) -> TcpStream {
    for _ in 0..100 {
        if let Ok(stream) = TcpStream::connect(address) {
            return stream;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    TcpStream::connect(address).unwrap()
}

pub(crate) fn request_with(method: &str, url: &str, path: &str, body: Option<&Value>, token: &str) -> Value {
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = connect(address);
    let body = body.map(Value::to_string);
    let body = body.unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\noperationID: test\r\ntoken: {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{path} answers no JSON ({e}): {body}"))
}
