//! A server, a job that was imported into it, and ways to do damage.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openim_importer::after;
use openim_importer::import::{self, Limits, Outcome, Progress, StopSignal};
use openim_importer::job::Job;
use openim_importer::message::{Message, Peer, Place, Release, SendTime, SourceNo};
use openim_importer::openim::{self, Client, Login};
use openim_importer::prepare::few;
use openim_importer::rehearsal::{LogEntry, Options, Running, Server, SlotState, Users};
use serde_json::{Value, json};

use crate::support::http;

/// A message of the history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) conversation: String,
    pub(super) time: i64,
    pub(super) sender: String,
    pub(super) text: String,
}

/// A history of so many messages in three conversations: two pairs and a group.
pub(super) fn history(messages: usize) -> Vec<Said> {
    (0..messages)
        .map(|n| {
            let conversation = ["si_a_b", "si_a_c", "sg_g"][n % 3];
            let sender = match (conversation, n / 3 % 2) {
                (_, 0) => "a",
                ("si_a_c", _) => "c",
                _ => "b",
            };
            Said {
                conversation: conversation.into(),
                time: 1_500_000_000_000 + i64::try_from(n).unwrap() * 1000,
                sender: sender.into(),
                text: format!("message {n}"),
            }
        })
        .collect()
}

pub(super) fn message(said: &Said, n: usize) -> Message<'_> {
    let peer = if let Some(group) = said.conversation.strip_prefix("sg_") {
        Peer::Group(group.into())
    } else {
        let (a, b) = said.conversation.strip_prefix("si_").unwrap().split_once('_').unwrap();
        Peer::User(if said.sender == a { b } else { a }.into())
    };
    Message {
        sender: said.sender.as_str().into(),
        peer,
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: json!({"content": said.text}).to_string().into(),
        send_time: SendTime(said.time),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: Some(format!("m{}", said.time).into()),
        quote: None,
        place: Place { source: SourceNo(0), line: n as u64 + 1, byte: 0, part: 0 },
    }
}

/// A rehearsal server with everybody registered who is named.
pub(super) async fn server(release: Release) -> Running {
    let mut options = Options::fast(release);
    options.users = Users::Auto;
    start(options).await
}

pub(super) async fn start(options: Options) -> Running {
    Server::start(options, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

pub(super) fn client(server: &Running) -> Client {
    let login = Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    Client::new(&openim::Settings::new(server.url(), login)).unwrap()
}

/// A job of a history.
pub(super) fn job(dir: &Path, said: &[Said]) -> Job {
    let mut job = Job::create(&dir.join("x.job")).unwrap();
    add(&mut job, said);
    job
}

/// A further pass.
pub(super) fn add(job: &mut Job, said: &[Said]) {
    let messages: Vec<Message<'_>> = said.iter().enumerate().map(|(n, one)| message(one, n)).collect();
    few(job, &messages).unwrap();
}

/// Imports what is left, with short waits.
pub(super) async fn run(job: &mut Job, server: &Running) -> Outcome {
    let settings = import::Settings {
        limits: Limits {
            quiet: Duration::from_millis(150),
            stale: Duration::from_millis(400),
            cut_wait: Duration::from_millis(300),
            ..Limits::default()
        },
        connections: 8,
        stay_away: Duration::from_millis(200),
        // What somebody wrote before is in nobody's way here.
        behind_newer: true,
        ..import::Settings::default()
    };
    job.begin_sending().unwrap();
    let progress = Arc::new(Progress::default());
    import::run(settings, job, client(server), StopSignal::default(), progress).await.unwrap()
}

pub(super) fn settings() -> after::Settings {
    after::Settings {
        connections: 4,
        give_up: Duration::from_secs(20),
        stay_away: Duration::from_millis(200),
        store_wait: Duration::from_millis(400),
        ..after::Settings::default()
    }
}

/// A plain call, which shares nothing with the importer's client.
pub(super) async fn call(server: &Running, path: &str, body: Value) -> Value {
    let post = |path: &str, token: &str, body: Value| {
        http()
            .post(format!("{}{path}", server.url()))
            .header("operationID", fastrand::u64(..).to_string())
            .header("token", token)
            .body(body.to_string())
            .send()
    };
    let login = json!({ "secret": "openIM123", "userID": "imAdmin" });
    let answer = post("/auth/get_admin_token", "", login).await.unwrap().text().await.unwrap();
    let token: Value = serde_json::from_str(&answer).unwrap();
    let token = token["data"]["token"].as_str().unwrap().to_owned();
    let answer = post(path, &token, body).await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.get("errCode").and_then(Value::as_i64).unwrap_or(0), 0, "{path}: {answer}");
    answer
}

/// Deletes slots as an admin does.
pub(super) async fn delete(server: &Running, conversation: &str, seqs: &[i64]) {
    call(server, "/msg/delete_msg_phsical_by_seq", json!({"conversationID": conversation, "seqs": seqs}))
        .await;
}

/// Somebody else writes between a and b.
pub(super) async fn write(server: &Running, text: &str) {
    let body = json!({
        "sendID": "b", "recvID": "a", "senderPlatformID": 1, "content": { "content": text },
        "contentType": 101, "sessionType": 1,
    });
    call(server, "/msg/send_msg", body).await;
}

/// What stands in a log and was neither deleted nor made by the server.
pub(super) fn there(server: &Running, conversation: &str) -> Vec<LogEntry> {
    let log = server.log(conversation).into_iter();
    log.filter(|entry| !entry.send_id.is_empty() && entry.state != SlotState::Deleted).collect()
}

/// The texts in a log, in order.
pub(super) fn texts(server: &Running, conversation: &str) -> Vec<String> {
    there(server, conversation).iter().map(|entry| text(&entry.content)).collect()
}

pub(super) fn text(content: &str) -> String {
    let content: Value = serde_json::from_str(content).unwrap_or_default();
    content["content"].as_str().unwrap_or_default().to_owned()
}
