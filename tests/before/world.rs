//! A server, a client of it, and a job made of a few words.

use std::net::SocketAddr;

use openim_importer::job::{Job, JobReader};
use openim_importer::message::{Message, Peer, Place, Release, SendTime, SourceNo};
use openim_importer::openim::{Client, Login, Settings};
use openim_importer::prepare::few;
use openim_importer::rehearsal::{Options, Running, Server};

use crate::support::http;

pub(super) const BOTH: [Release; 2] = [Release::V3_8_3, Release::Main];

/// A server in this process and a client of it. The state is empty.
pub(super) struct World {
    pub(super) server: Running,
    pub(super) client: Client,
    folder: tempfile::TempDir,
    token: tokio::sync::OnceCell<String>,
}

impl World {
    pub(super) async fn new(release: Release) -> Self {
        Self::with(Options::fast(release)).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let secret = options.secret.clone();
        let server = Server::start(options, SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let login = Login::Secret { secret: secret.into(), admin_user: "imAdmin".into() };
        let client = Client::new(&Settings::new(server.url(), login)).unwrap();
        Self { server, client, folder: tempfile::tempdir().unwrap(), token: tokio::sync::OnceCell::new() }
    }

    /// A file in a folder of our own.
    pub(super) fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        fs_err::write(&path, text).unwrap();
        path
    }

    /// A job of these messages: `a>b`, `a>#group`, one a minute from `FIRST` on.
    pub(super) fn job(&self, messages: &[&str]) -> JobReader {
        let messages: Vec<Message<'_>> = messages
            .iter()
            .zip(0..)
            .map(|(text, n)| {
                let (sender, to) = text.split_once('>').unwrap();
                let peer = match to.strip_prefix('#') {
                    Some(group) => Peer::Group(group.into()),
                    None => Peer::User(to.into()),
                };
                message(sender, peer, FIRST + n * 60_000)
            })
            .collect();
        self.job_of(&messages)
    }

    pub(super) fn job_of(&self, messages: &[Message<'_>]) -> JobReader {
        self.job_of_passes(&[messages])
    }

    /// A job of several passes.
    pub(super) fn job_of_passes(&self, passes: &[&[Message<'_>]]) -> JobReader {
        let dir = self.folder.path().join("a.job");
        if dir.exists() {
            fs_err::remove_dir_all(&dir).unwrap();
        }
        let mut job = Job::create(&dir).unwrap();
        for messages in passes {
            few(&mut job, messages).unwrap();
        }
        job.reader().unwrap()
    }

    /// Registers users, by the client.
    pub(super) async fn register(&self, ids: &[&str]) {
        let users: Vec<_> = ids
            .iter()
            .map(|id| openim_importer::openim::NewUser {
                id: (*id).to_owned(),
                nickname: format!("N-{id}"),
                face_url: String::new(),
            })
            .collect();
        self.client.register(&users).await.unwrap();
    }

    /// A call that the importer itself never makes.
    pub(super) async fn call(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let token = self.token.get_or_init(|| async {
            let login = serde_json::json!({ "secret": "openIM123", "userID": "imAdmin" });
            let got = self.post("/auth/get_admin_token", "", &login).await;
            got["data"]["token"].as_str().unwrap().to_owned()
        });
        let answer = self.post(path, token.await, &body).await;
        assert_eq!(answer["errCode"], 0, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, token: &str, body: &serde_json::Value) -> serde_json::Value {
        let request = http()
            .post(format!("{}{path}", self.server.url()))
            .header("operationID", format!("test-{}", fastrand::u64(..)))
            .header("token", token)
            .json(body);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// A client with a token of that user's own.
    pub(super) async fn client_of(&self, user: &str) -> Client {
        let got =
            self.call("/auth/get_user_token", serde_json::json!({ "userID": user, "platformID": 1 })).await;
        let token = got["data"]["token"].as_str().unwrap().to_owned();
        let login = Login::Token { token: token.into(), admin_user: "imAdmin".into() };
        Client::new(&Settings::new(self.server.url(), login)).unwrap()
    }

    /// Sends a message as somebody else would, and waits until it is stored.
    pub(super) async fn send(&self, sender: &str, receiver: &str, time: i64) {
        self.call(
            "/msg/send_msg",
            serde_json::json!({
                "sendID": sender, "recvID": receiver, "senderPlatformID": 10, "content": { "content": "hi" },
                "contentType": 101, "sessionType": 1, "sendTime": time, "notOfflinePush": true,
            }),
        )
        .await;
        self.server.settle().await;
    }

    /// How long every conversation of the server is together: notices show here.
    pub(super) fn log_length(&self) -> i64 {
        self.server.audit().total.max_seq
    }
}

/// 14 November 2023.
pub(super) const FIRST: i64 = 1_700_000_000_000;

pub(super) fn message<'a>(sender: &'a str, peer: Peer<'a>, time: i64) -> Message<'a> {
    Message {
        sender: sender.into(),
        peer,
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: r#"{"content":"hi"}"#.into(),
        send_time: SendTime(time),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: None,
        quote: None,
        place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
    }
}
