//! A job, a server, a run, and the comparison of what was meant with what stands in the server's log.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openim_importer::import::{self, ImportError, Limits, Outcome, Progress, Settings, StopSignal};
use openim_importer::job::Job;
use openim_importer::message::{Message, Peer, Place, Release, SendTime, SourceNo};
use openim_importer::openim::{self, Client, Login};
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
        give_up: Duration::from_secs(20),
        receiver_wait: Duration::from_secs(3),
        stay_away: Duration::from_millis(300),
        drain: Duration::from_secs(5),
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
    import::run(settings, job, client(server), stop, Arc::new(Progress::default())).await
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
                .filter(|entry| seen.insert(entry.server_msg_id.clone()))
                .map(|entry| Said {
                    conversation: conversation.clone(),
                    time: entry.send_time,
                    sender: entry.send_id,
                    text: serde_json::from_str::<serde_json::Value>(&entry.content).unwrap()["content"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                })
                .collect();
            (conversation, said)
        })
        .collect()
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

/// Every message once, in order, readable by everybody.
pub(super) fn assert_exact(server: &Running, said: &[Said]) {
    let wanted = wanted(said);
    let arrived = arrived(server, wanted.keys().cloned());
    for (conversation, messages) in &wanted {
        let got = &arrived[conversation];
        let texts = |all: &[Said]| all.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        assert_eq!(got.len(), messages.len(), "{conversation}: {:?}", first_difference(messages, got));
        assert_eq!(texts(got), texts(messages), "{conversation}");
        assert_eq!(got, messages, "{conversation}");
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
