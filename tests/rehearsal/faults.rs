//! Each fault, by what it does to a plain client. Truth is what the server's own audit says.

use super::client::{Client, both, text, to_group};
use openim_importer::message::Release;
use openim_importer::rehearsal::{FaultKind, Options, Origin, SlotState};
use serde_json::json;
use std::time::{Duration, Instant};

const PAIR: &str = "si_a_b";

/// A client whose server has this fault from the start.
async fn with(release: Release, fault: &str) -> Client {
    let mut options = Options::fast(release);
    options.faults = vec![fault.parse().unwrap()];
    Client::with(options, &["a", "b", "c"]).await
}

#[tokio::test]
async fn lose_answer_queues_and_says_nothing() {
    both(async |release| {
        let client = with(release, "lose-answer:after=1,times=1").await;
        let answers = [
            client.try_send("a", "b", 0).await,
            client.try_send("a", "b", 1).await,
            client.try_send("a", "b", 2).await,
        ];
        assert_eq!(answers, [Some(0), None, Some(0)]);
        client.server.settle().await;
        assert_eq!(client.log(PAIR), [0, 1, 2]);
        let tally = client.server.audit().total.tally;
        assert_eq!((tally.queued, tally.acknowledged), (3, 2));
    })
    .await;
}

#[tokio::test]
async fn close_before_or_after_the_body_queues_nothing() {
    both(async |release| {
        for fault in ["close-before-body:times=1", "close-after-body:times=1"] {
            let client = with(release, fault).await;
            assert_eq!(client.try_send("a", "b", 0).await, None, "{fault}");
            assert_eq!(client.send("a", "b", 1).await, 0);
            client.server.settle().await;
            assert_eq!(client.log(PAIR), [1], "{fault}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_proxy_answers_with_html_whether_the_server_processed_the_call_or_not() {
    both(async |release| {
        for status in [502u16, 503, 504] {
            for processed in [false, true] {
                let client =
                    with(release, &format!("proxy-error:status={status},processed={processed},times=1"))
                        .await;
                let answer = client.raw("/msg/send_msg", text("a", "b", 0).to_string()).await.unwrap();
                assert_eq!(answer.status().as_u16(), status);
                assert_eq!(answer.headers()["content-type"], "text/html");
                assert!(answer.text().await.unwrap().starts_with("<html>"));
                client.server.settle().await;
                assert_eq!(client.log(PAIR).len(), usize::from(processed));
                assert_eq!(client.server.audit().total.tally.acknowledged, 0);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn too_many_refuses_with_the_recorded_headers() {
    let client = with(Release::Main, "too-many:retry-after=3,times=1").await;
    let answer = client.raw("/msg/send_msg", text("a", "b", 0).to_string()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 429);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("retry-after"), "3");
    assert_eq!(header("x-ratelimit-policy"), "BBR");
    assert!(header("content-type").starts_with("text/plain"));
    assert!(answer.headers().contains_key("x-ratelimit-limit"));
    assert!(answer.headers().keys().any(|name| name.as_str().starts_with("x-bbr-")));
    client.server.settle().await;
    assert!(client.log(PAIR).is_empty());
}

#[tokio::test]
async fn rate_limit_lets_so_many_through_a_second() {
    let client = with(Release::Main, "rate-limit:per-second=10").await;
    let started = Instant::now();
    let mut refused = 0;
    for n in 0..40 {
        refused += usize::from(client.send("a", "b", n).await == 429);
    }
    let allowed = 10.0 + started.elapsed().as_secs_f64() * 10.0;
    client.server.settle().await;
    let through = client.server.audit().total.tally.queued;
    assert_eq!(through + refused as u64, 40);
    assert!(through >= 10, "{through}");
    #[expect(clippy::cast_precision_loss, reason = "at most 40")]
    let through = through as f64;
    assert!(through <= allowed + 1.0, "{through} in {allowed}");
}

#[tokio::test]
async fn error_500_is_answered_although_the_message_is_queued() {
    both(async |release| {
        let client = with(release, "error-500:times=1").await;
        assert_eq!(client.send("a", "b", 0).await, 500);
        client.server.settle().await;
        assert_eq!(client.log(PAIR), [0]);
    })
    .await;
}

#[tokio::test]
async fn hang_answers_nothing_for_a_while_and_then_hangs_up() {
    both(async |release| {
        for processed in [false, true] {
            let client = with(release, &format!("hang:ms=300,processed={processed},times=1")).await;
            let started = Instant::now();
            assert_eq!(client.try_send("a", "b", 0).await, None);
            assert!(started.elapsed() >= Duration::from_millis(300));
            client.server.settle().await;
            assert_eq!(client.log(PAIR).len(), usize::from(processed));
        }
    })
    .await;
}

#[tokio::test]
async fn tokens_expire_and_are_kicked_and_a_new_login_helps() {
    both(async |release| {
        for (fault, code) in [("expire-token:after=2", 1501), ("kick-token:after=2", 1506)] {
            let mut client = with(release, fault).await;
            let mut codes = Vec::new();
            for n in 0..4 {
                codes.push(client.send("a", "b", n).await);
            }
            assert_eq!(codes, [0, 0, code, code]);
            client.login().await;
            assert_eq!(client.send("a", "b", 4).await, 0);
            client.server.settle().await;
            assert_eq!(client.log(PAIR), [0, 1, 4]);
        }
    })
    .await;
}

#[tokio::test]
async fn lose_queue_acknowledges_and_never_stores() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b", "c"]).await;
        client.send_all("a", "b", 0..3).await;
        let id = client.server.fault("lose-queue:conversation=si_a_b".parse().unwrap());
        client.send_all("a", "b", 3..6).await;
        client.send_all("a", "c", 0..3).await;
        client.server.no_fault(Some(id));
        client.send_all("a", "b", 6..8).await;
        assert_eq!(client.log(PAIR), [0, 1, 2, 6, 7], "the numbers go on as if nothing had been");
        assert_eq!(client.log("si_a_c").len(), 3);
        let audit = &client.server.audit().conversations[PAIR];
        assert_eq!((audit.tally.acknowledged, audit.messages), (8, 5));
        assert_eq!(audit.tally.dropped["the queue was lost"], 3);
    })
    .await;
}

#[tokio::test]
async fn repeat_queue_on_occasion_doubles_what_was_stored() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..20).await;
        client.server.fault("repeat-queue:last=5,times=1".parse().unwrap());
        client.send_all("a", "b", 20..21).await;
        assert_eq!(client.log(PAIR).len(), 26);
        assert_eq!(client.server.audit().total.doubled, 5);
    })
    .await;
}

#[tokio::test]
async fn lose_store_is_read_back_and_never_in_the_store() {
    both(async |release| {
        let client = with(release, "lose-store").await;
        client.send_all("a", "b", 0..5).await;
        assert!(client.pull("b", PAIR, 1, 5).await.iter().all(|m| m["status"] == 0));
        let search =
            json!({ "sendID": "a", "recvID": "b", "pagination": { "pageNumber": 1, "showNumber": 9 } });
        assert_eq!(client.call("/msg/search_msg", &search).await["data"]["chatLogsNum"], 0);
        let audit = client.server.audit().total;
        assert_eq!((audit.messages, audit.stored, audit.tally.never_stored), (5, 0, 5));
        // A day later the cache has forgotten them, and they are gone.
        client.server.advance_clock(86_400_000);
        assert!(client.pull("b", PAIR, 1, 5).await.iter().all(|m| m["status"] == 4));
    })
    .await;
}

#[tokio::test]
async fn jump_seq_leaves_empty_slots_at_each_jump() {
    both(async |release| {
        let client = with(release, "jump-seq:by=10,after=1,times=2").await;
        for n in 0..4 {
            client.send("a", "b", n).await;
            client.server.settle().await;
        }
        let log = client.server.log(PAIR);
        let seqs: Vec<i64> = log.iter().filter(|m| m.state == SlotState::Readable).map(|m| m.seq).collect();
        assert_eq!(seqs, [1, 12, 23, 24]);
    })
    .await;
}

#[tokio::test]
async fn fall_back_seq_overwrites_slots() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..10).await;
        client.server.now(&FaultKind::FallBackSeq { by: 4 }, Some(PAIR));
        assert_eq!(client.seqs("a", PAIR).await.0, 6);
        client.send_all("a", "b", 10..13).await;
        assert_eq!(client.log(PAIR), [0, 1, 2, 3, 4, 5, 10, 11, 12]);
        let dropped = &client.server.audit().total.tally.dropped;
        assert_eq!(dropped["overwritten after maxSeq fell back"], 3);
    })
    .await;
}

#[tokio::test]
async fn fall_back_seq_on_occasion_lowers_max_seq_as_it_is_told() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..30).await;
        client.server.fault("fall-back-seq:by=10,times=1".parse().unwrap());
        client.send_all("a", "b", 30..31).await;
        assert_eq!(client.seqs("a", PAIR).await.0, 20, "also as told after the batch");
        assert_eq!(client.log(PAIR)[18..], [18, 30]);
        // The next ones go on from there, over what was confirmed long ago.
        client.send_all("a", "b", 31..35).await;
        assert_eq!(client.log(PAIR)[18..], [18, 30, 31, 32, 33, 34]);
        let dropped = &client.server.audit().total.tally.dropped;
        assert_eq!(dropped["overwritten after maxSeq fell back"], 5);
    })
    .await;
}

#[tokio::test]
async fn read_gap_makes_reads_empty_for_a_while() {
    both(async |release| {
        let client = with(release, "read-gap:ms=600,times=1").await;
        client.send("a", "b", 0).await;
        while client.seqs("a", PAIR).await.0 == 0 {}
        assert_eq!(client.seqs("a", PAIR).await, (1, 0), "numbered and not written");
        client.server.settle().await;
        assert_eq!(client.seqs("a", PAIR).await, (1, 1));
        assert_eq!(client.pull("b", PAIR, 1, 1).await[0]["status"], 0, "who waits misses nothing");
    })
    .await;
}

#[tokio::test]
async fn stall_holds_one_conversation_up_and_loses_nothing() {
    both(async |release| {
        let client = with(release, "stall:conversation=si_a_b").await;
        for n in 0..3 {
            assert_eq!((client.send("a", "b", n).await, client.send("a", "c", n).await), (0, 0));
        }
        while client.seqs("a", "si_a_c").await.1 < 3 {}
        assert_eq!(client.seqs("a", PAIR).await, (0, 0), "acknowledged, and still in the queue");
        client.server.no_fault(None);
        client.server.settle().await;
        assert_eq!((client.log(PAIR), client.log("si_a_c")), (vec![0, 1, 2], vec![0, 1, 2]));
    })
    .await;
}

#[tokio::test]
async fn live_traffic_writes_in_the_same_conversations() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b", "c"]).await;
        client.group("g", &["a", "b", "c"]).await;
        client.send("a", "b", 0).await;
        client.call("/msg/send_msg", &to_group("a", "g", 0)).await;
        client.server.fault("live-traffic:per-second=50".parse().unwrap());
        let live = |id: &str| client.server.log(id).iter().filter(|m| m.origin == Origin::Live).count();
        while live(PAIR) < 3 || live("sg_g") < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let online = client.call("/user/get_users_online_status", &json!({ "userIDs": ["b"] })).await;
        assert_eq!(online["data"][0]["status"], 1);
        assert!(
            client.server.log(PAIR).iter().filter(|m| m.origin == Origin::Live).all(|m| m.send_id == "b")
        );
    })
    .await;
}

#[tokio::test]
async fn users_act_on_what_was_sent() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..50).await;
        client.server.fault("users-act:act=revoke,per-second=100".parse().unwrap());
        while client.server.log(PAIR).iter().filter(|m| m.revoked).count() < 5 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.server.no_fault(None);
        client.server.fault("users-act:act=delete,per-second=100".parse().unwrap());
        while client.server.audit().total.hidden_from.values().sum::<u64>() < 5 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.server.no_fault(None);
        client.server.fault("users-act:act=clear,per-second=100".parse().unwrap());
        while client.server.audit().total.hidden_from.values().sum::<u64>() < 100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(client.log(PAIR).len(), 50, "the log itself keeps them all");
    })
    .await;
}

#[tokio::test]
async fn a_user_or_a_group_is_removed_in_mid_run() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b", "c"]).await;
        client.group("g", &["a", "b"]).await;
        client.server.fault("remove-user:user=b,after=2".parse().unwrap());
        client.server.fault("remove-group:group=g,after=4".parse().unwrap());
        let mut codes = Vec::new();
        for n in 0..3 {
            codes.push(client.send("a", "b", n).await);
        }
        for n in 0..3 {
            let answer = client.call("/msg/send_msg", &to_group("a", "g", n)).await;
            codes.push(answer["errCode"].as_i64().unwrap());
        }
        assert_eq!(codes, [0, 0, 1004, 0, 1004, 1004]);
    })
    .await;
}

#[tokio::test]
async fn a_restart_cuts_connections_and_comes_back_with_its_state() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..5).await;
        client.server.fault("restart:down-ms=300".parse().unwrap());
        assert_eq!(client.try_send("a", "b", 5).await, None);
        assert_eq!(client.try_send("a", "b", 6).await, None, "nothing listens");
        let back = loop {
            if let Some(code) = client.try_send("a", "b", 7).await {
                break code;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(back, 0, "the token is still good");
        client.server.settle().await;
        let log = client.log(PAIR);
        assert!(log.starts_with(&[0, 1, 2, 3, 4]) && log.contains(&7), "{log:?}");
        // Law 5: 3.8.3 repeats what it had handled last, main does not.
        assert_eq!(client.server.audit().total.doubled > 0, release == Release::V3_8_3);
    })
    .await;
}

#[tokio::test]
async fn killed_main_loses_what_was_acknowledged_and_not_stored() {
    let mut options = Options::fast(Release::Main);
    options.timing.batch_interval = Duration::from_secs(1);
    options.timing.store_lag = Duration::from_secs(3);
    let client = Client::with(options, &["a", "b"]).await;
    for n in 0..5 {
        client.send("a", "b", n).await;
    }
    while client.seqs("a", PAIR).await.1 < 5 {}
    for n in 5..8 {
        client.send("a", "b", n).await;
    }
    client.server.now(&FaultKind::Restart { down_ms: 50, kill: true }, None);
    client.server.settle().await;
    let audit = client.server.audit().total;
    assert_eq!(client.log(PAIR), [0, 1, 2, 3, 4], "the cache keeps what it had");
    assert_eq!((audit.stored, audit.tally.never_stored), (0, 5), "the store never gets it (law 8)");
    assert_eq!(audit.tally.dropped["lost in a restart"], 3);
}

#[tokio::test]
async fn killed_3_8_3_loses_nothing_and_doubles_much() {
    let mut options = Options::fast(Release::V3_8_3);
    options.timing.batch_interval = Duration::from_millis(100);
    let client = Client::with(options, &["a", "b"]).await;
    client.send_all("a", "b", 0..40).await;
    for n in 40..50 {
        client.send("a", "b", n).await;
    }
    client.server.now(&FaultKind::Restart { down_ms: 50, kill: true }, None);
    client.server.settle().await;
    let log = client.log(PAIR);
    let missing = (0..50).filter(|n| !log.contains(n)).count();
    let audit = client.server.audit().total;
    assert_eq!(missing, 0, "the queue is Kafka");
    assert!(audit.doubled >= 40, "{} doubled", audit.doubled);
}

#[tokio::test]
async fn the_same_seed_meets_the_same_faults() {
    let run = async |seed: u64| {
        let mut options = Options::fast(Release::V3_8_3);
        options.seed = seed;
        options.faults =
            vec!["lose-answer:chance=0.3".parse().unwrap(), "error-500:chance=0.2".parse().unwrap()];
        let client = Client::with(options, &["a", "b"]).await;
        let mut answers = Vec::new();
        for n in 0..40 {
            answers.push(client.try_send("a", "b", n).await);
        }
        answers
    };
    let first = run(5).await;
    assert!(first.contains(&None) && first.contains(&Some(500)) && first.contains(&Some(0)));
    assert_eq!(first, run(5).await);
    assert_ne!(first, run(6).await);
}
