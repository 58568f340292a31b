//! A job, a server, a run, and the comparison of what was meant with what stands in the server's log.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::support::http;
use crate::support::scroll::{scrolls, shown};
use openim_importer::after::{self, Scrolled};
use openim_importer::import::{self, ImportError, Limits, Outcome, Progress, Settings, StopSignal};
use openim_importer::job::Job;
use openim_importer::message::{Message, Peer, Place, Release, SendTime, SourceNo};
use openim_importer::openim::{self, Client, CreateGroup, Login, NewUser};
use openim_importer::prepare::few;
use openim_importer::rehearsal::{Options, Running, Server, SlotState, Users};

/// A message that says who it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) conversation: String,
    pub(super) time: i64,
    pub(super) sender: String,
    pub(super) text: String,
}

/// A server with everybody registered who is named, and its usual faults.
pub(super) async fn server(release: Release) -> Running {
    let mut options = Options::fast(release);
    options.users = Users::Auto;
    start(options).await
}

pub(super) async fn start(options: Options) -> Running {
    Server::start(options, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

pub(super) fn client_settings(api: &str) -> openim::Settings {
    let login = Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    openim::Settings::new(api, login)
}

pub(super) fn client(server: &Running) -> Client {
    Client::new(&client_settings(&server.url())).unwrap()
}

/// Settings for tests: nothing waits for long.
pub(super) fn settings() -> Settings {
    Settings {
        limits: Limits {
            quiet: Duration::from_millis(150),
            stale: Duration::from_millis(400),
            patience: Duration::from_millis(1_500),
            cut_wait: Duration::from_millis(300),
            timeout_wait: Duration::from_millis(600),
            ..Limits::default()
        },
        connections: 8,
        // Patience doubles with each fence that is lost: 1.5, 3, 6, 12, 24 seconds. At 20 a run gave up, once in CI, that may
        // well have waited as it should.
        give_up: Duration::from_mins(1),
        receiver_wait: Duration::from_secs(3),
        stay_away: Duration::from_millis(300),
        drain: Duration::from_secs(5),
        // What is exact among people; tests/import/overtaken.rs is about what users can scroll.
        behind_newer: true,
        ..Settings::default()
    }
}

/// So many messages in so many conversations, the first with a third of all, rows in any order; some groups.
pub(super) fn history(messages: usize, conversations: usize, seed: u64) -> Vec<Said> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut said: Vec<Said> = (0..messages)
        .map(|n| {
            let which = if n % 3 == 0 { 0 } else { rng.usize(0..conversations) };
            let (a, b) = (format!("a{which}"), format!("b{which}"));
            let conversation = if which % 3 == 1 { format!("sg_g{which}") } else { format!("si_{a}_{b}") };
            let sender = if rng.bool() { a } else { b };
            let time = 1_500_000_000_000 + i64::try_from(n).unwrap() * 1000;
            Said { conversation, time, sender, text: format!("message {n} \"<é>\"") }
        })
        .collect();
    rng.shuffle(&mut said);
    said
}

/// The job of a history.
pub(super) fn job(dir: &Path, said: &[Said]) -> Job {
    let mut job = Job::create(dir).unwrap();
    add(&mut job, said);
    job
}

/// A further pass.
pub(super) fn add(job: &mut Job, said: &[Said]) {
    let messages: Vec<Message<'_>> = said.iter().map(message).collect();
    few(job, &messages).unwrap();
}

pub(super) fn message(said: &Said) -> Message<'_> {
    let peer = if let Some(group) = said.conversation.strip_prefix("sg_") {
        Peer::Group(group.into())
    } else {
        let pair = said.conversation.strip_prefix("si_").unwrap();
        let (a, b) = pair.split_once('_').unwrap();
        Peer::User(if said.sender == a { b } else { a }.into())
    };
    Message {
        sender: said.sender.as_str().into(),
        peer,
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: serde_json::json!({"content": said.text}).to_string().into(),
        send_time: SendTime(said.time),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: None,
        quote: None,
        place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
    }
}

pub(super) async fn run(settings: Settings, job: &mut Job, server: &Running) -> Result<Outcome, ImportError> {
    run_until(settings, job, server, StopSignal::default()).await
}

pub(super) async fn run_until(
    settings: Settings,
    job: &mut Job,
    server: &Running,
    stop: StopSignal,
) -> Result<Outcome, ImportError> {
    run_with(client(server), settings, job, stop).await
}

pub(super) async fn run_with(
    client: Client,
    settings: Settings,
    job: &mut Job,
    stop: StopSignal,
) -> Result<Outcome, ImportError> {
    import::run(settings, job, client, stop, Arc::new(Progress::default())).await
}

/// A server that knows only who was registered.
pub(super) async fn strict_server(release: Release) -> Running {
    start(Options::fast(release)).await
}

/// Registers everybody who is named, and makes the groups.
pub(super) async fn register(server: &Running, said: &[Said]) {
    let groups = register_users(server, said).await;
    make_groups(server, &groups).await;
}

/// Registers everybody who is named; gives the groups with their members.
pub(super) async fn register_users(server: &Running, said: &[Said]) -> BTreeMap<String, BTreeSet<String>> {
    let mut users = BTreeSet::new();
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in said {
        users.insert(one.sender.clone());
        match one.conversation.strip_prefix("sg_") {
            Some(group) => {
                groups.entry(group.to_owned()).or_default().insert(one.sender.clone());
            }
            None => users.extend(one.conversation["si_".len()..].split('_').map(str::to_owned)),
        }
    }
    let users: Vec<NewUser> =
        users.into_iter().map(|id| NewUser { nickname: id.clone(), id, face_url: String::new() }).collect();
    client(server).register(&users).await.unwrap();
    groups
}

/// Looks every 5 ms.
pub(super) async fn wait_while(still: impl Fn() -> bool) {
    while still() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A user clears a conversation: it is empty for him (law 13).
pub(super) async fn clear(server: &Running, user: &str, conversation: &str) {
    let call = async |path: &str, token: &str, body: serde_json::Value| -> serde_json::Value {
        let call = http().post(format!("{}{path}", server.url().trim_end_matches('/'))).json(&body);
        let answer = call.header("operationID", "test").header("token", token).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let login = serde_json::json!({ "secret": "openIM123", "userID": "imAdmin" });
    let token = call("/auth/get_admin_token", "", login).await["data"]["token"].as_str().unwrap().to_owned();
    let clear = serde_json::json!({ "userID": user, "conversationIDs": [conversation] });
    assert_eq!(call("/msg/clear_conversation_msg", &token, clear).await["errCode"], 0);
}

pub(super) async fn make_groups(server: &Running, groups: &BTreeMap<String, BTreeSet<String>>) {
    for (id, members) in groups {
        let mut members: Vec<String> = members.iter().cloned().collect();
        let owner = members.remove(0);
        let group =
            CreateGroup { id: id.clone(), name: id.clone(), owner, members, ..CreateGroup::default() };
        client(server).create_group(&group).await.unwrap();
    }
}

/// The body of a call by hand.
pub(super) fn client_body(said: &Said) -> Bytes {
    let message = message(said);
    let Peer::User(to) = &message.peer else { panic!("a single chat") };
    let body = serde_json::json!({
        "sendID": message.sender, "recvID": to, "senderPlatformID": 10, "sessionType": 1,
        "contentType": 101, "content": {"content": "by hand"}, "sendTime": 1,
    });
    Bytes::from(body.to_string())
}

/// What stands in the server's logs, in order, copies of the server left out.
pub(super) fn arrived(
    server: &Running,
    conversations: impl IntoIterator<Item = String>,
) -> BTreeMap<String, Vec<Said>> {
    conversations
        .into_iter()
        .map(|conversation| {
            let mut seen = HashSet::new();
            let log = server.log(&conversation);
            let said = log
                .into_iter()
                .filter(|entry| !entry.send_id.is_empty() && entry.state != SlotState::Deleted)
                // What others write meanwhile, and notices, are of today.
                .filter(|entry| entry.send_time < TODAY)
                .filter(|entry| seen.insert(entry.server_msg_id.clone()))
                .map(|entry| Said {
                    conversation: conversation.clone(),
                    time: entry.send_time,
                    sender: entry.send_id,
                    text: if entry.content_type == REVOKED {
                        REVOKED.to_string()
                    } else {
                        text_of(&entry.content)
                    },
                })
                .collect();
            (conversation, said)
        })
        .collect()
}

const TODAY: i64 = 1_600_000_000_000;
const REVOKED: i32 = 2101;

fn text_of(content: &str) -> String {
    let content: serde_json::Value = serde_json::from_str(content).unwrap();
    content["content"].as_str().unwrap_or_default().to_owned()
}

/// What should stand there: by conversation, in order of time.
pub(super) fn wanted(said: &[Said]) -> BTreeMap<String, Vec<Said>> {
    let mut wanted: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for one in said {
        wanted.entry(one.conversation.clone()).or_default().push(one.clone());
    }
    for all in wanted.values_mut() {
        all.sort_by_key(|one| one.time);
    }
    wanted
}

/// Every message once, in order, readable by everybody, and users can scroll it.
#[track_caller]
pub(super) fn assert_exact(server: &Running, said: &[Said]) {
    assert_arrived(server, said);
    for conversation in wanted(said).keys() {
        scrolls(server, conversation);
    }
}

/// Every message once, in order, readable by everybody; and of whatever users can't scroll, the importer says so.
pub(super) async fn assert_exact_or_said(server: &Running, job: &Job, said: &[Said]) {
    assert_arrived(server, said);
    let mut by_us = BTreeMap::new();
    let reader = job.reader().unwrap();
    let tell = |one: Scrolled| {
        by_us.insert(one.name, one.seen);
        Ok(())
    };
    after::scroll(client(server), &reader, &after::Settings::default(), false, tell).await.unwrap();
    for conversation in wanted(said).keys() {
        let (shown, by_us) = (shown(server, conversation), &by_us[conversation]);
        // What it can't see it says it can't.
        let is_true = by_us.as_ref().is_err() || by_us.as_ref().is_ok_and(|by_us| *by_us == shown);
        assert!(is_true, "{conversation} {shown}, said: {by_us:?}");
    }
}

/// Every message once, in order, readable by everybody.
#[track_caller]
fn assert_arrived(server: &Running, said: &[Said]) {
    let wanted = wanted(said);
    let arrived = arrived(server, wanted.keys().cloned());
    for (conversation, messages) in &wanted {
        let mut got = arrived[conversation].clone();
        // A revoked message keeps everything but its content (law 13).
        for one in got.iter_mut().filter(|one| one.text == REVOKED.to_string()) {
            if let Some(meant) = messages.iter().find(|meant| meant.time == one.time) {
                one.text.clone_from(&meant.text);
            }
        }
        let texts = |all: &[Said]| all.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        assert_eq!(got.len(), messages.len(), "{conversation}: {:?}", first_difference(messages, &got));
        assert_eq!(texts(&got), texts(messages), "{conversation}");
        assert_eq!(&got, messages, "{conversation}");
    }
    assert_nothing_hidden(server);
}

fn first_difference(wanted: &[Said], got: &[Said]) -> Option<(Option<Said>, Option<Said>)> {
    let most = wanted.len().max(got.len());
    (0..most).map(|n| (wanted.get(n).cloned(), got.get(n).cloned())).find(|(a, b)| a != b)
}

pub(super) fn assert_nothing_hidden(server: &Running) {
    let audit = server.audit();
    assert_eq!(audit.total.hidden, 0, "read too early (law 3)");
}
