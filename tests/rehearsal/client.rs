//! A plain client: sends what it is told, believes nothing, repairs nothing.

use crate::support::http;
use openim_importer::message::Release;
use openim_importer::rehearsal::{Options, Running, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// A server and an admin who talks to it.
pub(super) struct Client {
    pub(super) server: Running,
    token: String,
    calls: AtomicU64,
}

impl Client {
    /// A fast server of that release, with these users.
    pub(super) async fn fast(release: Release, users: &[&str]) -> Self {
        Self::with(Options::fast(release), users).await
    }

    pub(super) async fn with(options: Options, users: &[&str]) -> Self {
        let server = Server::start(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Self::of(server, users).await
    }

    /// Logs in and registers users.
    pub(super) async fn of(server: Running, users: &[&str]) -> Self {
        let mut client = Self { server, token: String::new(), calls: AtomicU64::new(0) };
        client.login().await;
        if !users.is_empty() {
            let users: Vec<_> =
                users.iter().map(|u| json!({ "userID": u, "nickname": format!("N-{u}") })).collect();
            let answer = client.call("/user/user_register", &json!({ "users": users })).await;
            assert_eq!(answer["errCode"], 0, "{answer}");
        }
        client
    }

    /// A fresh admin token.
    pub(super) async fn login(&mut self) {
        let body = json!({ "secret": "openIM123", "userID": "imAdmin" });
        let answer = self.call("/auth/get_admin_token", &body).await;
        answer["data"]["token"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// The answer's envelope.
    pub(super) async fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.raw(path, body.to_string()).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Whatever comes back, or doesn't.
    pub(super) async fn raw(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<reqwest::Response> {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        // A connection each: what one call suffers is nothing to the next.
        http()
            .post(format!("{}{path}", self.server.url()))
            .header("operationID", format!("op{n}"))
            .header("token", &self.token)
            .body(body)
            .send()
            .await
    }

    /// With these headers and no others.
    pub(super) async fn plain(
        &self,
        path: &str,
        body: String,
        token: Option<String>,
        operation: Option<String>,
    ) -> reqwest::Response {
        let mut request = http().post(format!("{}{path}", self.server.url())).body(body);
        if let Some(token) = token {
            request = request.header("token", token);
        }
        if let Some(operation) = operation {
            request = request.header("operationID", operation);
        }
        request.send().await.unwrap()
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A call of the control path.
    pub(super) async fn control(&self, path: &str, body: &Value) -> Value {
        let answer = self.raw(&format!("/_rehearsal/{path}"), body.to_string()).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Sends the `n`-th text from one user to another: the code of the answer, if there is one.
    pub(super) async fn try_send(&self, from: &str, to: &str, n: i64) -> Option<i64> {
        let answer =
            self.raw("/msg/send_msg", text(from, to, n).to_string()).await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["errCode"].as_i64()
    }

    /// Same, where an answer is certain.
    pub(super) async fn send(&self, from: &str, to: &str, n: i64) -> i64 {
        self.try_send(from, to, n).await.unwrap()
    }

    /// Sends texts, one after the other, never more than 50 unsettled.
    pub(super) async fn send_all(&self, from: &str, to: &str, numbers: std::ops::Range<i64>) {
        for n in numbers {
            assert_eq!(self.send(from, to, n).await, 0);
            if n % 50 == 49 {
                self.server.settle().await;
            }
        }
        self.server.settle().await;
    }

    /// A group whose owner is the first.
    pub(super) async fn group(&self, id: &str, members: &[&str]) {
        let answer = self
            .call(
                "/group/create_group",
                &json!({
                    "memberUserIDs": members[1..], "ownerUserID": members[0], "sendMessage": false,
                    "groupInfo": { "groupID": id, "groupName": id, "groupType": 2 },
                }),
            )
            .await;
        assert_eq!(answer["errCode"], 0, "{answer}");
    }

    /// The numbers of a conversation as one user sees them: `maxSeq`, `hasReadSeq`.
    pub(super) async fn seqs(&self, user: &str, conversation: &str) -> (i64, i64) {
        let body = json!({ "userID": user, "conversationIDs": [conversation] });
        let answer = self.call("/msg/get_conversations_has_read_and_max_seq", &body).await;
        let seqs = &answer["data"]["seqs"][conversation];
        (seqs["maxSeq"].as_i64().unwrap(), seqs["hasReadSeq"].as_i64().unwrap())
    }

    /// The messages of a range, as one user reads them.
    pub(super) async fn pull(&self, user: &str, conversation: &str, begin: i64, end: i64) -> Vec<Value> {
        let range = json!({
            "conversationID": conversation, "begin": begin, "end": end, "num": end - begin + 1
        });
        let body = json!({ "userID": user, "seqRanges": [range], "order": 0 });
        let answer = self.call("/msg/pull_msg_by_seq", &body).await;
        answer["data"]["msgs"][conversation]["Msgs"].as_array().cloned().unwrap_or_default()
    }

    /// `ex` of every message that stands in a conversation's log, in order.
    pub(super) fn log(&self, conversation: &str) -> Vec<i64> {
        let log = self.server.log(conversation);
        log.iter().filter_map(|entry| entry.ex.parse().ok()).collect()
    }
}

/// A `send_msg` body.
pub(super) fn text(from: &str, to: &str, n: i64) -> Value {
    json!({
        "sendID": from, "recvID": to, "senderPlatformID": 1, "content": { "content": format!("message {n}") },
        "contentType": 101, "sessionType": 1, "notOfflinePush": true, "sendTime": 1_500_000_000_000i64 + n,
        "ex": n.to_string(),
    })
}

/// The same to a group.
pub(super) fn to_group(from: &str, group: &str, n: i64) -> Value {
    let mut body = text(from, "", n);
    body["groupID"] = json!(group);
    body["sessionType"] = json!(3);
    body
}

/// While one is there, tokio's paused clock stands still, so that what is sent meanwhile comes to the server within one
/// batch, however slow the machine. Without one it jumps to the next moment as soon as all wait.
pub(super) struct StoppedClock(#[expect(dead_code, reason = "closed when it is dropped")] mpsc::Sender<()>);

impl StoppedClock {
    pub(super) fn new() -> Self {
        let (held, let_go) = mpsc::channel();
        // The clock doesn't jump while a task may block.
        tokio::task::spawn_blocking(move || let_go.recv());
        Self(held)
    }
}

/// Runs a test against both releases, side by side: they spend their time waiting.
pub(super) async fn both(test: impl AsyncFn(Release)) {
    tokio::join!(test(Release::V3_8_3), test(Release::Main));
}
