//! What people wait for while an import runs, and how much is stored: the importer beside a client with fixed settings, each
//! against a rehearsal server that stores as the real ones do, in virtual time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use openim_importer::import::{self, Progress, Settings, StopSignal};
use openim_importer::message::Release;
use openim_importer::openim::Exchange;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::clock::virtually;
use super::life::client;
use super::network::Network;
use super::night::job_of;

/// What was seen of some seconds.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Messages a second.
    stored: f64,
    /// What 50 and 95 of 100 live messages took at most, and the worst, ms.
    felt: [u64; 3],
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [half, most, all] = self.felt;
        write!(f, "{:.0}/s, live {half} {most} {all} ms", self.stored)
    }
}

/// Seconds of a run.
type Span = (u64, u64);

/// With people who write all the time, and see when it comes.
const LIVE: u16 = 3;

/// Watches the server, second by second, until the last of these.
async fn watched(network: &Network, spans: &[Span]) -> Vec<Seen> {
    let mut stored = Vec::new();
    let began = Instant::now();
    let last = spans.iter().map(|(_, to)| *to).max().unwrap_or(0);
    for second in 0..=last {
        tokio::time::sleep_until(began + Duration::from_secs(second)).await;
        let total = network.server().audit().total;
        stored.push(total.messages - total.tally.live);
    }
    let felt = network.server().felt();
    let of = |&(from, to): &Span| {
        let within = from * 1_000..to * 1_000;
        let mut delays: Vec<u64> =
            felt.iter().filter(|one| within.contains(&one.at_ms)).map(|one| one.delay_ms).collect();
        delays.sort_unstable();
        let at = |hundredths: usize| {
            let rank = (delays.len() * hundredths).div_ceil(100).max(1) - 1;
            delays.get(rank).copied().unwrap_or(0)
        };
        let (from, to) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = (stored[to] - stored[from]) as f64 / (to - from) as f64;
        Seen { stored: rate, felt: [at(50), at(95), at(100)] }
    };
    spans.iter().map(of).collect()
}

/// The importer, as it is.
fn importer(release: Release, sizes: &[u64], max_lag: Option<Duration>, spans: &[Span]) -> Vec<Seen> {
    virtually(1, async {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job_of(&folder.path().join("job"), sizes);
        let network = Network::measured(release, LIVE);
        let settings = Settings { max_lag, ..Settings::default() };
        let progress = Arc::new(Progress::default());
        let run = import::run(settings, &mut job, client(&network), StopSignal::default(), progress);
        tokio::select! {
            ended = run => panic!("too little to send: {ended:?}"),
            seen = watched(&network, spans) => seen,
        }
    })
}

/// A client that keeps to what it was told.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    callers: usize,
    unconfirmed: usize,
    /// A conversation is filled before the next is begun.
    depth: bool,
}

#[derive(Default)]
struct Sent {
    conversations: Vec<One>,
    under_way: usize,
    next: usize,
}

#[derive(Default, Clone)]
struct One {
    unnumbered: VecDeque<Instant>,
    sent: u64,
    seq: u64,
    held: bool,
}

const WINDOW: usize = 64;
/// So many conversations, of so many messages each.
const CONVERSATIONS: usize = 200;
const EACH: u64 = 400;

impl Sent {
    fn take(&mut self) -> Option<usize> {
        let all = self.conversations.len();
        let free = |at: &usize| {
            let one = &self.conversations[*at];
            !one.held && one.sent < EACH && one.unnumbered.len() < WINDOW
        };
        let found = (0..all).map(|step| (self.next + step) % all).find(free)?;
        self.next = found + 1;
        self.conversations[found].held = true;
        Some(found)
    }
}

impl Fixed {
    fn run(self, release: Release, conversations: usize, spans: &[Span]) -> Vec<Seen> {
        virtually(1, async {
            let network = Network::measured(release, LIVE);
            let answer = call(
                &network,
                "",
                "/auth/get_admin_token",
                json!({ "secret": "openIM123", "userID": "imAdmin" }),
            );
            let token = answer.await["token"].as_str().unwrap().to_owned();
            let sent = Arc::new(Mutex::new(Sent {
                conversations: vec![One::default(); conversations],
                ..Sent::default()
            }));
            for _ in 0..self.callers {
                tokio::spawn(self.caller(network.clone(), token.clone(), sent.clone()));
            }
            tokio::spawn(poll(network.clone(), token, sent));
            watched(&network, spans).await
        })
    }

    async fn caller(self, network: Network, token: String, sent: Arc<Mutex<Sent>>) {
        let mut held: Option<usize> = None;
        loop {
            let now = {
                let mut sent = sent.lock().unwrap();
                if let Some(at) = held
                    && (!self.depth
                        || sent.conversations[at].unnumbered.len() >= WINDOW
                        || sent.conversations[at].sent == EACH)
                {
                    sent.conversations[at].held = false;
                    held = None;
                }
                held = held.or_else(|| sent.take());
                held.filter(|_| sent.under_way < self.unconfirmed).map(|at| {
                    sent.under_way += 1;
                    sent.conversations[at].sent += 1;
                    (at, sent.conversations[at].sent)
                })
            };
            let Some((at, n)) = now else {
                sleep(Duration::from_millis(5)).await;
                continue;
            };
            let body = json!({
                "sendID": format!("a{at}"), "recvID": format!("b{at}"), "senderPlatformID": 1, "contentType": 101,
                "sessionType": 1, "sendTime": 1_700_000_000_000 + n, "notOfflinePush": true,
                "content": { "content": format!("message {n}") },
            });
            call(&network, &token, "/msg/send_msg", body).await;
            sent.lock().unwrap().conversations[at].unnumbered.push_back(Instant::now());
        }
    }
}

async fn poll(network: Network, token: String, sent: Arc<Mutex<Sent>>) {
    loop {
        sleep(Duration::from_millis(100)).await;
        let asked: Vec<usize> = {
            let sent = sent.lock().unwrap();
            let all = sent.conversations.iter().enumerate();
            all.filter(|(_, one)| !one.unnumbered.is_empty()).map(|(at, _)| at).collect()
        };
        let name = |at: &usize| format!("si_a{at}_b{at}");
        let names: Vec<String> = asked.iter().map(name).collect();
        let body = json!({ "userID": "imAdmin", "conversationIDs": names });
        let answer = call(&network, &token, "/msg/get_conversations_has_read_and_max_seq", body).await;
        let mut sent = sent.lock().unwrap();
        for at in asked {
            let seq = answer["seqs"][name(&at)]["maxSeq"].as_u64().unwrap_or(0);
            let one = &mut sent.conversations[at];
            let passed = usize::try_from(seq.saturating_sub(one.seq)).unwrap().min(one.unnumbered.len());
            one.seq = one.seq.max(seq);
            one.unnumbered.drain(..passed);
            sent.under_way -= passed;
        }
    }
}

async fn call(network: &Network, token: &str, path: &str, body: Value) -> Value {
    let token = Some(token).filter(|token| !token.is_empty());
    let answer = network.post(path, "pace", token, Bytes::from(body.to_string())).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["errCode"], 0, "{answer}");
    answer["data"].clone()
}

/// Beginning a conversation takes the server as long as some twenty messages. When the lag of the first ones was taken for that of
/// an idle server, people waited for 355 ms on 3.8.3 and 330 on main.
#[test]
fn nobody_waits_and_nearly_as_much_is_stored_as_could_be() {
    let steady = (6, 26);
    // Of those that keep a quarter of a second, the best in the sweep below.
    for (release, best) in [
        (Release::V3_8_3, Fixed { callers: 3, unconfirmed: 96, depth: true }),
        (Release::Main, Fixed { callers: 4, unconfirmed: 192, depth: true }),
    ] {
        let max_lag = Settings::default().max_lag;
        let seen = importer(release, &[EACH; CONVERSATIONS], max_lag, &[(0, steady.0), steady]);
        let fixed = best.run(release, CONVERSATIONS, &[steady]);
        println!("{release}: {} at first, then {}; {best:?} {}", seen[0], seen[1], fixed[0]);
        assert!(seen[1].felt[1] <= 250, "{release}: {}", seen[1]);
        assert!(seen[1].stored >= 0.92 * fixed[0].stored, "{release}: {}, {}", seen[1], fixed[0]);
    }
}

/// The table in benches/README.md.
#[test]
#[ignore = "a hundred settings on both releases, minutes"]
fn sweep() {
    let (first, steady) = ((4, 10), (10, 40));
    for release in [Release::V3_8_3, Release::Main] {
        for max_lag in [Settings::default().max_lag, None] {
            let seen = importer(release, &[EACH; CONVERSATIONS], max_lag, &[first, steady]);
            println!("{release} importer, {max_lag:?}: {}; {}", seen[0], seen[1]);
        }
        for callers in [2, 3, 4, 8, 32] {
            for unconfirmed in [64, 80, 96, 112, 128, 160, 192, 256] {
                for depth in [true, false] {
                    let fixed = Fixed { callers, unconfirmed, depth };
                    let seen = fixed.run(release, CONVERSATIONS, &[first, steady]);
                    println!("{release} {fixed:?}: {}; {}", seen[0], seen[1]);
                }
            }
        }
    }
}
