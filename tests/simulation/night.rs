//! Forecast against truth: histories of different shape, on a rehearsal server that stores as the real ones do, in virtual
//! time. A canary goes first and measures the server; then the forecast of the rest is compared with how long it took, and
//! what was said on the way with when it ended.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openim_importer::before::{Forecast, Given, canary};
use openim_importer::import::{self, Ended, Outcome, Progress, Settings, StopSignal};
use openim_importer::job::{Committed, Job, JobReader};
use openim_importer::message::{ConversationId, Message, Peer, Place, Release, SendTime, SourceNo};
use openim_importer::pacing::eta::{Eta, Look};
use openim_importer::pacing::night::{Part, Shape};
use openim_importer::prepare::few;
use tokio::time::{Instant, sleep};

use super::clock::virtually;
use super::life::client;
use super::network::Network;

/// How long it took against how long it was said to take.
#[derive(Debug)]
struct Compared {
    /// Forecast ÷ truth, before the start, with nothing measured.
    assumed: f64,
    /// The same after `check --probe`.
    probed: f64,
    /// The same after the canary.
    measured: f64,
    /// The worst of what was said from a tenth on: |said − truth| ÷ the whole time.
    on_the_way: f64,
    truth: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn compare(sizes: &[u64], canaries: usize, release: Release) -> Compared {
    virtually(1, async {
        let folder = tempfile::tempdir().unwrap();
        // As `check --probe` has it: one conversation with nobody beside it.
        let mut job = job_of(&folder.path().join("probe"), &[PROBE]);
        let (_, Outcome { took, measured, .. }) = sent(&mut job, &Network::measured(release, 0), None).await;
        let probe = Part { shape: Shape::of([PROBE]), took, measured };
        let network = Network::measured(release, 0);
        let mut job = job_of(&folder.path().join("job"), sizes);
        let reader = job.reader().unwrap();
        let given = Given { release, ..Given::default() };
        let assumed = Forecast::of(&reader, &given).unwrap().unwrap();
        let probed = Forecast::of(&reader, &Given { part: Some(probe), ..given }).unwrap().unwrap();
        let first = canary(&reader, canaries).unwrap();
        let (only, lengths) = named(&reader, &first.conversations);
        let sent_first = Shape::of(lengths);
        let (_, Outcome { took, measured, .. }) = sent(&mut job, &network, Some(only)).await;
        let part = Some(Part { shape: sent_first, took, measured });
        let measured = Forecast::of(&reader, &Given { part, ..given }).unwrap().unwrap();
        let (looks, Outcome { took: truth, .. }) = sent(&mut job, &network, None).await;
        let share = sent_first.messages as f64 / sizes.iter().sum::<u64>() as f64;
        Compared {
            assumed: assumed.seconds * (1.0 - share) / truth.as_secs_f64(),
            probed: probed.seconds * (1.0 - share) / truth.as_secs_f64(),
            measured: measured.seconds / truth.as_secs_f64(),
            on_the_way: on_the_way(looks, truth),
            truth,
        }
    })
}

/// Messages of `check --probe`.
const PROBE: u64 = 2_000;

pub(super) fn job_of(folder: &Path, sizes: &[u64]) -> Job {
    let mut job = Job::create(folder).unwrap();
    few(&mut job, &history(sizes)).unwrap();
    job.write_in_place(Committed(Arc::new(|_| {})));
    job
}

/// The worst of what was said from a tenth on, as a share of the whole time.
fn on_the_way(looks: Vec<Look>, truth: Duration) -> f64 {
    let (mut eta, mut worst) = (Eta::default(), 0.0_f64);
    let first = looks.first().map_or(0, |look| look.done);
    for look in looks {
        let (at, is_early) = (look.at, (look.done - first) * 10 < look.total - first);
        if let Some(left) = eta.look(&look).filter(|_| !is_early) {
            let said = at + left;
            worst = worst.max(said.abs_diff(truth).as_secs_f64() / truth.as_secs_f64());
        }
    }
    worst
}

fn named(
    reader: &JobReader,
    which: &std::collections::BTreeSet<openim_importer::job::ConvNo>,
) -> (HashSet<ConversationId>, Vec<u64>) {
    let all = which.iter().map(|no| reader.conversation(*no).unwrap().unwrap());
    all.map(|conversation| (conversation.id(), conversation.messages)).unzip()
}

/// Sends, and looks at it every second.
async fn sent(
    job: &mut Job,
    network: &Network,
    only: Option<HashSet<ConversationId>>,
) -> (Vec<Look>, Outcome) {
    let (progress, began) = (Arc::new(Progress::default()), Instant::now());
    let looks = Arc::new(Mutex::new(Vec::new()));
    let (watched, noted) = (progress.clone(), looks.clone());
    let watching = tokio::spawn(async move {
        loop {
            sleep(Duration::from_secs(1)).await;
            let look = Look {
                at: began.elapsed(),
                done: watched.before.get() + watched.confirmed.get(),
                total: watched.messages.get(),
                begun: watched.begun.get(),
                not_begun: watched.conversations.get().saturating_sub(watched.begun.get()),
                longest: watched.shown().leaders.first().map_or(0, |(_, left)| *left),
                by_rate: false,
                is_starting: watched.shown().limiting.is_none_or(|limiting| limiting.is_starting()),
            };
            noted.lock().unwrap().push(look);
        }
    });
    let settings = Settings { only, ..Settings::default() };
    let outcome = import::run(settings, job, client(network), StopSignal::default(), progress).await.unwrap();
    watching.abort();
    assert_eq!(outcome.ended, Ended::Done);
    let looks = std::mem::take(&mut *looks.lock().unwrap());
    (looks, outcome)
}

/// Conversations with so many messages, mixed as an export has them.
fn history(sizes: &[u64]) -> Vec<Message<'static>> {
    let longest = sizes.iter().copied().max().unwrap_or(0);
    let mut messages = Vec::new();
    for round in 0..longest {
        for (which, _) in sizes.iter().enumerate().filter(|(_, size)| round < **size) {
            let (a, b) = (format!("a{which}"), format!("b{which}"));
            let (sender, other) = if round % 2 == 0 { (a, b) } else { (b, a) };
            let n = i64::try_from(messages.len()).unwrap();
            messages.push(Message {
                sender: sender.into(),
                peer: if which % 4 == 3 {
                    Peer::Group(format!("g{which}").into())
                } else {
                    Peer::User(other.into())
                },
                nickname: "".into(),
                face_url: "".into(),
                platform: 10,
                content_type: 101,
                content: format!("{{\"content\":\"message {n}\"}}").into(),
                send_time: SendTime(1_700_000_000_000 + n * 1_000),
                not_offline_push: true,
                online_only: false,
                offline_push_info: None,
                ex: "".into(),
                source_id: Some(format!("m{n}").into()),
                quote: None,
                place: Place { source: SourceNo(0), line: 0, byte: 0, part: 0 },
            });
        }
    }
    messages
}

/// Name, sizes, canaries.
fn shapes(scale: u64) -> Vec<(&'static str, Vec<u64>, usize)> {
    let some = |n: u64| vec![100; usize::try_from(n).unwrap()];
    vec![
        ("many alike", some(150 * scale), 20),
        ("small chats", vec![4; usize::try_from(3_000 * scale).unwrap()], 300),
        ("one giant and the rest", [vec![11_000 * scale], some(60 * scale)].concat(), 20),
        ("few long ones", vec![1_500 * scale; 8], 3),
        ("as people write", (1..=400 * scale).map(|rank| 4_000 * scale / rank + 2).collect(), 40),
    ]
}

/// A small share of the comparison, for every `cargo test`.
#[test]
fn a_night_is_as_long_as_was_said() {
    let compared = compare(&[100; 400], 30, Release::Main);
    println!("{compared:?}");
    assert!((1.0 / 1.2..=1.2).contains(&compared.measured), "{compared:?}");
    assert!(compared.on_the_way <= 0.15, "{compared:?}");
}

#[test]
#[ignore = "full size: five histories on both releases, some minutes"]
fn five_histories_of_different_shape() {
    let mut wrong = Vec::new();
    println!(
        "| history | release | took | assumed ÷ truth | after the probe | after the canary | said on the way, worst |"
    );
    // Main stores more than twice as much: of a night of half a minute the start would be a good part.
    for (release, scale) in [(Release::V3_8_3, 2), (Release::Main, 4)] {
        for (name, sizes, canaries) in shapes(scale) {
            let compared = compare(&sizes, canaries, release);
            let Compared { assumed, probed, measured, on_the_way, truth } = compared;
            println!(
                "| {name} | {release} | {} s | {assumed:.2} | {probed:.2} | {measured:.2} | {:.1} % |",
                truth.as_secs(),
                on_the_way * 100.0
            );
            let is_close = |ratio: f64| (1.0 / 1.2..=1.2).contains(&ratio);
            if !is_close(measured) || !is_close(probed) || on_the_way > 0.1 {
                wrong.push(format!("{name} on {release}: {probed:.2}, {measured:.2}, {on_the_way:.2}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
