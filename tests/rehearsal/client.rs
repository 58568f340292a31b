//! A plain client: sends what it is told, believes nothing, repairs nothing.

use openim_importer::message::Release;
use openim_importer::rehearsal::{Options, Running, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// A server and an admin who talks to it.
pub(super) struct Client {
    pub(super) server: Running,
    http: reqwest::Client,
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
        let http = reqwest::Client::builder().pool_max_idle_per_host(64).build().unwrap();
        let mut client = Self { server, http, token: String::new(), calls: AtomicU64::new(0) };
        let login = client
            .call("/auth/get_admin_token", &json!({ "secret": "openIM123", "userID": "imAdmin" }))
            .await;
        client.token = login["data"]["token"].as_str().unwrap().to_owned();
        if !users.is_empty() {
            let users: Vec<_> =
                users.iter().map(|u| json!({ "userID": u, "nickname": format!("N-{u}") })).collect();
            let answer = client.call("/user/user_register", &json!({ "users": users })).await;
            assert_eq!(answer["errCode"], 0, "{answer}");
        }
        client
    }

    /// The answer's envelope.
    pub(super) async fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.raw(path, body.to_string()).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Whatever comes back.
    pub(super) async fn raw(&self, path: &str, body: String) -> reqwest::Result<reqwest::Response> {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        self.http
            .post(format!("{}{path}", self.server.url()))
            .header("operationID", format!("op{n}"))
            .header("token", &self.token)
            .body(body)
            .send()
            .await
    }

    /// Sends the `n`-th text from one user to another; the call's code.
    pub(super) async fn send(&self, from: &str, to: &str, n: i64) -> i64 {
        let answer = self.call("/msg/send_msg", &text(from, to, n)).await;
        answer["errCode"].as_i64().unwrap()
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
        let range =
            json!({ "conversationID": conversation, "begin": begin, "end": end, "num": end - begin + 1 });
        let body = json!({ "userID": user, "seqRanges": [range], "order": 0 });
        let answer = self.call("/msg/pull_msg_by_seq", &body).await;
        answer["data"]["msgs"][conversation]["Msgs"].as_array().cloned().unwrap_or_default()
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
