//! What the server can store, and what live users feel of it.

use super::client::{Client, both};
use openim_importer::message::Release;
use openim_importer::rehearsal::{Capacity, Fault, FaultKind, Options};
use std::time::{Duration, Instant};

const GROUP: Duration = Duration::from_millis(100);

fn slow(release: Release) -> Options {
    let capacity =
        Capacity { message: Duration::ZERO, group: GROUP, begin: Duration::ZERO, question: Duration::ZERO };
    Options { capacity: Some(capacity), ..Options::fast(release) }
}

fn names() -> Vec<String> {
    (0..30).map(|n| format!("u{n}")).chain(["a".to_owned()]).collect()
}

/// Sends 30 messages, to so many people; how long it takes until all are stored.
async fn store(client: &Client, people: i64) -> Duration {
    let began = Instant::now();
    for n in 0..30 {
        assert_eq!(client.send("a", &format!("u{}", n % people), n).await, 0);
    }
    client.server.settle().await;
    began.elapsed()
}

#[tokio::test]
async fn a_conversation_in_a_batch_costs_as_much_as_it_is_told() {
    let names = names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let client = Client::with(slow(Release::V3_8_3), &names).await;
    let breadth = store(&client, 30).await;
    assert!(breadth >= GROUP * 28, "30 conversations, each at its price: {breadth:?}");
    let depth = store(&client, 1).await;
    assert!(depth < breadth, "one conversation is written in few batches: {depth:?}, {breadth:?}");
    assert_eq!(client.server.audit().total.messages, 60);
}

#[tokio::test]
async fn a_kill_finds_what_waits_for_its_turn() {
    both(async |release| {
        let names = names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let client = Client::with(slow(release), &names).await;
        for n in 0..20 {
            assert_eq!(client.send("a", &format!("u{n}"), n).await, 0);
        }
        let waiting = client.server.audit().queue;
        client.server.now(&FaultKind::Restart { down_ms: 0, kill: true }, None);
        client.server.settle().await;
        let audit = client.server.audit();
        let kept = audit.total.messages - audit.total.doubled;
        assert_eq!(kept + audit.total.tally.lost(), 20, "each is accounted for");
        if release == Release::Main {
            assert!(audit.total.tally.lost() >= waiting as u64, "what was in memory is gone");
        } else {
            assert_eq!(audit.total.tally.lost(), 0, "the queue gives it out again");
        }
    })
    .await;
}

#[tokio::test]
async fn live_users_measure_what_they_feel() {
    let options = Options { live_probe: 3, ..Options::fast(Release::V3_8_3) };
    let client = Client::with(options, &["a", "b"]).await;
    let felt = async |enough: &dyn Fn(openim_importer::rehearsal::LiveProbe) -> bool| {
        loop {
            let probe = client.server.audit().live_probe.unwrap();
            if enough(probe) {
                return probe;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let usual = felt(&|probe| probe.sent >= 4 && probe.waiting == 0).await;
    assert_eq!(usual.lost, 0);
    // One that waits is felt while it waits.
    let id = client.server.fault("stall:of=1".parse::<Fault>().unwrap());
    let stands = felt(&|probe| probe.waiting >= 2 && probe.max_ms > usual.max_ms + 200).await;
    client.server.no_fault(Some(id));
    let over = felt(&|probe| probe.waiting == 0 && probe.sent > stands.sent).await;
    assert!(over.max_ms >= stands.max_ms);
    assert_eq!(client.server.felt().len() as u64, over.sent);
    assert!(client.server.audit().total.tally.live >= over.sent, "they are live users like others");
}
