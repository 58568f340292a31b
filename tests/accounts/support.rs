//! A rehearsal server with a chat server, and the command against it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Rehearsal, importer, importer_process};

/// A folder with a table, and servers to make its people on.
pub(super) struct Place {
    pub(super) server: Rehearsal,
    dir: tempfile::TempDir,
}

impl Place {
    pub(super) fn new(release: &str, more: &[&str]) -> Self {
        let options = ["--answer-time", "0s", "--release", release, "--chat-listen", "127.0.0.1:0"];
        let server = Rehearsal::start(&[&options, more].concat());
        Self { server, dir: tempfile::tempdir().unwrap() }
    }

    /// A server whose chat server's admin has that password.
    pub(super) fn with_password(password: &str) -> Self {
        let options = ["--answer-time", "0s", "--chat-listen", "127.0.0.1:0"];
        let server = Rehearsal::start_as("openIM123", Some(password), &options);
        Self { server, dir: tempfile::tempdir().unwrap() }
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn table(&self, text: &str) -> PathBuf {
        self.file("people.csv", text)
    }

    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs_err::write(&path, text).unwrap();
        path
    }

    /// The arguments of `provision --accounts people.csv`.
    pub(super) fn args(&self) -> Vec<String> {
        let args = ["provision", "--accounts", "people.csv", "--api", &self.server.url];
        let api = ["--accounts-api", &self.server.chat_admin];
        args.into_iter().chain(api).map(str::to_owned).collect()
    }

    /// Runs it; exit code and everything that was said.
    pub(super) fn run(&self, more: &[&str]) -> (Option<i32>, String) {
        self.run_as("chatAdmin", &self.args(), more)
    }

    /// The same with another password and other arguments.
    pub(super) fn run_as(&self, password: &str, args: &[String], more: &[&str]) -> (Option<i32>, String) {
        let output = importer()
            .current_dir(self.dir())
            .env("OPENIM_SECRET", "openIM123")
            .env("OPENIM_CHAT_PASSWORD", password)
            .args(args)
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    }

    /// The same as a process that can be killed.
    pub(super) fn start(&self) -> std::process::Child {
        importer_process()
            .current_dir(self.dir())
            .env("OPENIM_SECRET", "openIM123")
            .env("OPENIM_CHAT_PASSWORD", "chatAdmin")
            .args(self.args())
            .arg("--codes-are-set-up")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Who has an account, from the server's side.
    pub(super) fn accounts(&self) -> Vec<Value> {
        let Value::Array(all) = self.server.control("/_rehearsal/accounts", None) else {
            panic!("no accounts")
        };
        all
    }

    /// Logs in as an app does.
    pub(super) fn log_in(&self, way: &Value) -> Value {
        let mut body = json!({ "platform": 5 });
        for (key, value) in way.as_object().unwrap() {
            body[key] = value.clone();
        }
        crate::support::request(&self.server.chat, "/account/login", Some(&body))
    }
}

impl Place {
    /// A call of the chat server's admin; its answer.
    pub(super) fn as_chat_admin(&self, path: &str, body: &Value) -> Value {
        let login =
            json!({ "account": "chatAdmin", "password": "625031fc4e4f2de6b187e6bfa3697784", "version": "1" });
        let login = crate::support::request(&self.server.chat_admin, "/account/login", Some(&login));
        let token = login["data"]["adminToken"].as_str().unwrap();
        crate::support::request_with("POST", &self.server.chat_admin, path, Some(body), token)
    }

    /// Everybody new is to be a friend of his.
    pub(super) fn set_default_friend(&self, user: &str) {
        let answer = self.as_chat_admin("/default/user/add", &json!({ "userIDs": [user] }));
        assert_eq!(answer["errCode"], 0, "{answer}");
    }
}
