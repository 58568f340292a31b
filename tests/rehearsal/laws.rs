//! The laws of the contract, one by one.

use super::client::{Client, text};
use openim_importer::message::Release;
use openim_importer::rehearsal::{Options, SlotState};
use std::time::Duration;

const PAIR: &str = "si_a_b";

async fn both(test: impl AsyncFn(Release)) {
    test(Release::V3_8_3).await;
    test(Release::Main).await;
}

#[tokio::test]
async fn law_1_a_hundred_in_a_batch_are_kept_and_one_more_loses_all() {
    both(async |release| {
        for (count, kept) in [(100, 100), (101, 0)] {
            let mut options = Options::fast(release);
            options.timing.batch_interval = Duration::from_millis(400);
            let client = Client::with(options, &["a", "b"]).await;
            for n in 0..count {
                assert_eq!(client.send("a", "b", n).await, 0);
            }
            client.server.settle().await;
            let audit = &client.server.audit().conversations[PAIR];
            assert_eq!(audit.tally.acknowledged, u64::try_from(count).unwrap());
            assert_eq!(audit.messages, kept);
            assert_eq!(audit.tally.lost(), u64::try_from(count).unwrap() - kept);
        }
    })
    .await;
}

#[tokio::test]
async fn law_2_seq_follows_arrival_and_not_the_time() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        for n in [3, 1, 2] {
            client.send("a", "b", n).await;
        }
        client.server.settle().await;
        let log = client.server.log(PAIR);
        assert_eq!(log.iter().map(|m| m.ex.as_str()).collect::<Vec<_>>(), ["3", "1", "2"]);
        assert_eq!(log.iter().map(|m| m.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(client.server.audit().total.out_of_order, 2);
    })
    .await;
}

#[tokio::test]
async fn law_3_what_is_read_before_it_is_written_stays_hidden_from_everybody() {
    both(async |release| {
        let mut options = Options::fast(release);
        options.timing.storing_lag = Duration::from_secs(3);
        let client = Client::with(options, &["a", "b"]).await;
        client.send("a", "b", 0).await;
        client.server.settle().await;
        client.send("a", "b", 1).await;
        let gap = loop {
            let (max, read) = client.seqs("a", PAIR).await;
            if max == 2 {
                break read;
            }
        };
        assert_eq!(gap, 1, "the sender's position moves only after the write");
        let early = client.pull("b", PAIR, 1, 2).await;
        assert_eq!((early[0]["status"].as_i64(), early[1]["status"].as_i64()), (Some(0), Some(4)));
        assert!(early[1]["content"].is_null());
        client.server.settle().await;
        assert_eq!(client.seqs("a", PAIR).await, (2, 2));
        for user in ["a", "b"] {
            assert_eq!(client.pull(user, PAIR, 1, 2).await[1]["status"], 4, "{user}");
        }
        assert_eq!(client.server.log(PAIR)[1].state, SlotState::Hidden);
        assert_eq!(client.server.audit().total.hidden, 1);
    })
    .await;
}

#[tokio::test]
async fn law_10_once_a_message_can_be_read_all_before_it_are_there() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b", "c"]).await;
        for n in 0..300 {
            client.send("a", if n % 3 == 0 { "b" } else { "c" }, n).await;
            if n % 30 == 29 {
                client.server.settle().await;
            }
        }
        client.server.settle().await;
        let audit = client.server.audit();
        assert_eq!((audit.total.messages, audit.total.out_of_order), (300, 0));
        assert_eq!(text("a", "b", 1)["ex"], "1");
    })
    .await;
}
