//! What it costs to find out which messages a crash has taken from the store.

use std::sync::Arc;
use std::time::Duration;

use openim_importer::after::{self, Extent};
use openim_importer::import::{self, Ended, Progress, Settings, StopSignal};
use openim_importer::job::{Committed, Job};
use openim_importer::message::{Message, Release};
use openim_importer::prepare::few;
use openim_importer::rehearsal::{FaultKind, Options, Server, Timing, Users};

use super::clock::virtually;
use super::dice::Dice;
use super::history::History;
use super::judge;
use super::life::client;
use super::network::Network;

const CONVERSATIONS: u64 = 20;

/// What it took, in a sentence.
async fn crash_and_look() -> String {
    let mut timing = Timing::fast();
    timing.store_lag = Duration::from_secs(3);
    let options = Options {
        users: Users::Auto,
        timing,
        starts_at: Some(1_795_000_000_000),
        ..Options::fast(Release::Main)
    };
    let network = Network::new(Server::within(options).unwrap(), Dice::new(1), 0, false);
    let folder = tempfile::tempdir().unwrap();
    let history = History::in_turn(4_000, CONVERSATIONS);
    let mut job = Job::create(&folder.path().join("job")).unwrap();
    let messages: Vec<Message<'_>> = history.passes[0].iter().map(|said| said.message()).collect();
    few(&mut job, &messages).unwrap();
    job.write_in_place(Committed(Arc::new(|_| {})));
    let crash = async {
        while network.server().audit().total.messages < 3_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        network.server().now(&FaultKind::Restart { down_ms: 300, kill: true }, None);
    };
    let run = import::run(
        Settings::default(),
        &mut job,
        client(&network),
        StopSignal::default(),
        Arc::new(Progress::default()),
    );
    let (outcome, ()) = tokio::join!(run, crash);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.ended, outcome.confirmed), (Ended::Done, 4_000));
    assert!(outcome.crash_suspected, "the server was gone for a moment");
    network.server().settle().await;
    let judged = judge::judge(network.server(), &history, 1, true);
    assert!(judged.not_stored > 500, "{judged:?}");
    network.calls();
    let settings = after::Settings { store_wait: Duration::from_secs(1), ..after::Settings::default() };
    let reader = job.reader().unwrap();
    let report =
        after::check_store(client(&network), &reader, settings, Extent::All, 1, |_| Ok(())).await.unwrap();
    let calls = network.calls();
    let of = |path: &str| {
        calls.iter().filter(|(name, _)| name.contains(path)).map(|(_, count)| count).sum::<u64>()
    };
    let (counts, searches) = (of("/user/active"), of("/search_msg"));
    let reads = of("/pull_msg_by_seq") + of("has_read_and_max_seq");
    assert_eq!((report.not_stored, report.unsure, report.unnamed), (judged.not_stored, 0, 0));
    // Each sender of each conversation, on the two days that it took; each conversation opened once.
    assert!(searches <= 2 * 2 * CONVERSATIONS, "{calls:?}");
    assert!(counts <= 100, "{calls:?}");
    assert!(reads <= 12 * CONVERSATIONS, "{calls:?}");
    let lost = judged.not_stored;
    format!("{lost} of 4,000 not stored: {counts} counts, {searches} searches, {reads} to read")
}

#[test]
fn what_a_crash_took_is_found_in_few_questions() {
    println!("{}", virtually(1, crash_and_look()));
}
