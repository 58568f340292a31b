//! The laws of the contract, one by one, seen by a plain client.

use super::client::{Client, StoppedClock, both, text, to_group};
use openim_importer::message::Release;
use openim_importer::rehearsal::{FaultKind, Options, SlotState};
use serde_json::{Value, json};
use std::time::Duration;

const PAIR: &str = "si_a_b";
const DAY_MS: i64 = 86_400_000;

/// A server whose batches last so long that whatever a test sends at once is in one, on a busy machine too.
fn slow_batches(release: Release) -> Options {
    let mut options = Options::fast(release);
    options.timing.batch_interval = Duration::from_secs(3);
    options
}

#[tokio::test(start_paused = true)]
async fn law_1_a_hundred_in_a_batch_are_kept_and_one_more_loses_all() {
    both(async |release| {
        let send = async |count: i64, kept: u64| {
            let client = Client::with(slow_batches(release), &["a", "b"]).await;
            let clock = StoppedClock::new();
            for n in 0..count {
                assert_eq!(client.send("a", "b", n).await, 0);
            }
            drop(clock);
            client.server.settle().await;
            let audit = &client.server.audit().conversations[PAIR];
            assert_eq!(audit.tally.acknowledged, u64::try_from(count).unwrap());
            assert_eq!(audit.messages, kept);
            assert_eq!(audit.tally.lost(), u64::try_from(count).unwrap() - kept);
        };
        tokio::join!(send(100, 100), send(101, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn law_1_counts_each_conversation_for_itself() {
    both(async |release| {
        let client = Client::with(slow_batches(release), &["a", "b", "c"]).await;
        let clock = StoppedClock::new();
        for n in 0..160 {
            client.send("a", if n % 2 == 0 { "b" } else { "c" }, n).await;
        }
        drop(clock);
        client.server.settle().await;
        assert_eq!(client.server.audit().total.messages, 160);
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
        assert_eq!(client.log(PAIR), [3, 1, 2]);
        assert_eq!(client.server.log(PAIR).iter().map(|m| m.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(client.server.audit().total.out_of_order, 2);
    })
    .await;
}

#[tokio::test]
async fn law_3_what_is_read_before_it_is_written_stays_hidden_from_everybody() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send("a", "b", 0).await;
        client.server.settle().await;
        client.server.fault("read-gap:ms=1500".parse().unwrap());
        client.send("a", "b", 1).await;
        let has_read = loop {
            let (max, has_read) = client.seqs("a", PAIR).await;
            if max == 2 {
                break has_read;
            }
        };
        assert_eq!(has_read, 1, "the sender's position moves only after the write");
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
        // The store has it, and after a day the cache has forgotten that there was nothing.
        client.server.advance_clock(DAY_MS);
        assert_eq!(client.pull("b", PAIR, 1, 2).await[1]["status"], 0);
    })
    .await;
}

#[tokio::test]
async fn law_3_reading_up_to_the_senders_position_hides_nothing() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        let (mut read, mut pulls) = (0, 0);
        for n in 0..60 {
            client.send("a", "b", n).await;
            // Every so often until all can be read, so that it does not depend on who is faster.
            loop {
                let (_, safe) = client.seqs("a", PAIR).await;
                if safe > read {
                    client.pull("b", PAIR, read + 1, safe).await;
                    (read, pulls) = (safe, pulls + 1);
                }
                if n % 20 != 19 || safe == n + 1 {
                    break;
                }
            }
        }
        assert!(pulls >= 3, "{pulls}");
        client.server.settle().await;
        assert_eq!((read, client.server.audit().total.hidden), (60, 0));
    })
    .await;
}

#[tokio::test]
async fn law_4_max_seq_jumps_and_the_messages_follow() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..3).await;
        client.server.now(&FaultKind::JumpSeq { by: 66 }, None);
        assert_eq!(client.seqs("a", PAIR).await.0, 69);
        client.send_all("a", "b", 3..5).await;
        let log = client.server.log(PAIR);
        let seqs: Vec<i64> = log.iter().filter(|m| m.state == SlotState::Readable).map(|m| m.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 70, 71]);
        assert_eq!(client.pull("b", PAIR, 60, 71).await.len(), 12, "the slots between are there, and empty");
    })
    .await;
}

#[tokio::test]
async fn law_5_copies_have_the_same_ids_and_new_numbers() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    client.send_all("a", "b", 0..10).await;
    client.server.now(&FaultKind::RepeatQueue { last: 4 }, None);
    client.server.settle().await;
    let log = client.server.log(PAIR);
    assert_eq!(client.log(PAIR), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 7, 8, 9]);
    assert_eq!(log[6].server_msg_id, log[10].server_msg_id);
    assert_eq!(log[6].client_msg_id, log[10].client_msg_id);
    let audit = client.server.audit().total;
    assert_eq!((audit.doubled, audit.tally.copies), (4, 4));
}

#[tokio::test]
async fn law_6_the_night_takes_what_is_older_than_a_year() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        // Two documents: the first is all old, the second begins old and ends today.
        client.send_all("a", "b", 0..120).await;
        let mut today = text("a", "b", 120);
        today["sendTime"] = json!(0);
        client.call("/msg/send_msg", &today).await;
        client.server.settle().await;
        client.server.now(&FaultKind::Night, None);
        let left = client.pull("b", PAIR, 1, 121).await;
        assert_eq!(
            left.iter().map(|m| m["seq"].as_i64().unwrap()).collect::<Vec<_>>(),
            (101..=121).collect::<Vec<_>>()
        );
    })
    .await;
}

#[tokio::test]
async fn law_6_and_what_stands_below_goes_with_it() {
    let client = Client::fast(Release::Main, &["a", "b"]).await;
    // The newer message comes first: it shares no document with the old ones above it.
    let mut today = text("a", "b", 0);
    today["sendTime"] = json!(0);
    client.call("/msg/send_msg", &today).await;
    client.server.settle().await;
    client.server.now(&FaultKind::JumpSeq { by: 100 }, None);
    client.send_all("a", "b", 1..40).await;
    client.server.now(&FaultKind::Night, None);
    assert!(client.pull("b", PAIR, 1, 140).await.is_empty());
}

#[tokio::test]
async fn law_7_a_document_takes_no_more_than_16_mib() {
    let client = Client::fast(Release::Main, &["a", "b"]).await;
    let mut large = text("a", "b", 0);
    large["content"]["content"] = json!("x".repeat(1 << 20));
    for _ in 0..20 {
        assert_eq!(client.call("/msg/send_msg", &large).await["errCode"], 0);
        client.server.settle().await;
    }
    let audit = client.server.audit().total;
    assert_eq!(audit.messages, 20, "all of them can be read");
    assert_eq!((audit.stored, audit.tally.never_stored), (15, 5));
}

#[tokio::test]
async fn law_8_reading_back_shows_the_cache_and_the_store_comes_later() {
    both(async |release| {
        let mut options = Options::fast(release);
        options.timing.store_lag = Duration::from_secs(2);
        let client = Client::with(options, &["a", "b"]).await;
        client.send("a", "b", 0).await;
        while client.seqs("a", PAIR).await.1 == 0 {}
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(client.pull("b", PAIR, 1, 1).await[0]["ex"], "0");
        assert_eq!(in_store(&client).await, 0);
        client.server.settle().await;
        assert_eq!(in_store(&client).await, 1);
    })
    .await;
}

/// What the store itself counts.
async fn in_store(client: &Client) -> i64 {
    let body = json!({
        "start": 1, "end": 1_600_000_000_000i64, "group": true, "pagination": { "pageNumber": 1, "showNumber": 1 }
    });
    client.call("/statistics/user/active", &body).await["data"]["msgCount"].as_i64().unwrap()
}

#[tokio::test]
async fn law_9_every_message_costs_redis_about_a_kilobyte() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    let mut body = text("a", "b", 0);
    body["content"]["content"] = json!("x".repeat(75));
    for _ in 0..10 {
        client.call("/msg/send_msg", &body).await;
    }
    client.server.settle().await;
    let bytes = client.server.audit().redis_bytes;
    assert!((9000..11_000).contains(&bytes), "{bytes}");
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
    })
    .await;
}

#[tokio::test]
async fn law_11_two_pairs_share_a_conversation() {
    both(async |release| {
        let client = Client::fast(release, &["x", "y_z", "x_y", "z"]).await;
        client.send("x", "y_z", 1).await;
        client.send("x_y", "z", 2).await;
        client.server.settle().await;
        assert_eq!(client.log("si_x_y_z"), [1, 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn law_11_a_batch_is_filed_under_its_first_message() {
    both(async |release| {
        let client = Client::with(slow_batches(release), &["a", "b"]).await;
        client.group("a_b", &["a", "b"]).await;
        let clock = StoppedClock::new();
        for n in 0..20 {
            assert_eq!(client.call("/msg/send_msg", &to_group("a", "a_b", n)).await["errCode"], 0);
            assert_eq!(client.send("a", "b", 100 + n).await, 0);
        }
        drop(clock);
        client.server.settle().await;
        assert_eq!(client.log("sg_a_b").len(), 40, "private messages shown to a group");
        assert!(client.log(PAIR).is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn law_12_what_others_write_meanwhile_shares_our_batches() {
    both(async |release| {
        let client = Client::with(slow_batches(release), &["a", "b"]).await;
        client.send("a", "b", 0).await;
        client.server.settle().await;
        client.server.fault("live-traffic:per-second=100".parse().unwrap());
        let clock = StoppedClock::new();
        for n in 1..=64 {
            client.send("a", "b", n).await;
        }
        drop(clock);
        // Theirs come while the batch is still collected.
        while client.server.audit().total.tally.live <= 37 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        client.server.no_fault(None);
        client.server.settle().await;
        let audit = client.server.audit().total;
        assert!(audit.tally.live > 37, "{} live", audit.tally.live);
        assert!(audit.tally.lost() > 100, "64 of ours and those of others are too many");
    })
    .await;
}

#[tokio::test]
async fn law_13_users_revoke_delete_and_clear() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send_all("a", "b", 0..4).await;
        let before = client.pull("b", PAIR, 1, 4).await;
        let act = |seq: i64| json!({ "userID": "b", "conversationID": PAIR, "seq": seq, "seqs": [seq] });
        assert_eq!(client.call("/msg/revoke_msg", &act(1)).await["errCode"], 0);
        assert_eq!(client.call("/msg/delete_msgs", &act(2)).await["errCode"], 0);
        let after = client.pull("b", PAIR, 1, 4).await;
        assert_eq!(after[0]["contentType"], 2101);
        assert_eq!(after[0]["serverMsgID"], before[0]["serverMsgID"]);
        assert_ne!(after[0]["content"], before[0]["content"]);
        assert_eq!((&after[1]["status"], &after[1]["content"]), (&json!(4), &Value::Null));
        assert_eq!(client.pull("a", PAIR, 2, 2).await[0]["status"], 0, "for that user alone");
        let clear = json!({ "userID": "b", "conversationIDs": [PAIR] });
        assert_eq!(client.call("/msg/clear_conversation_msg", &clear).await["errCode"], 0);
        assert!(client.pull("b", PAIR, 1, 4).await.is_empty());
        assert_eq!(client.pull("a", PAIR, 1, 4).await.len(), 4);
        assert_eq!(client.server.audit().total.hidden_from["b"], 4);
    })
    .await;
}

#[tokio::test]
async fn law_13_who_acts_before_the_store_has_it_takes_it_out_of_the_cache() {
    both(async |release| {
        let mut options = Options::fast(release);
        options.timing.store_lag = Duration::from_secs(2);
        let client = Client::with(options, &["a", "b"]).await;
        for n in 0..3 {
            client.send("a", "b", n).await;
        }
        while client.seqs("a", PAIR).await.1 < 3 {}
        for (act, seq) in [("delete", 1), ("revoke", 2), ("delete", 3)] {
            client.control(act, &json!({ "user": "b", "conversation": PAIR, "seq": seq })).await;
        }
        // Read meanwhile it stays hidden from everybody for a day; unread it comes back, the deletion forgotten.
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(client.pull("a", PAIR, 1, 1).await[0]["status"], 4);
        client.server.settle().await;
        let after = client.pull("b", PAIR, 1, 3).await;
        assert_eq!(after[0]["status"], 4);
        assert_eq!((&after[1]["status"], &after[1]["contentType"]), (&json!(0), &json!(2101)));
        assert_eq!((&after[2]["status"], &after[2]["ex"]), (&json!(0), &json!("2")));
    })
    .await;
}

#[tokio::test]
async fn law_14_what_is_deleted_before_the_store_is_written_comes_back() {
    both(async |release| {
        let mut options = Options::fast(release);
        options.timing.store_lag = Duration::from_secs(2);
        let client = Client::with(options, &["a", "b"]).await;
        client.send("a", "b", 0).await;
        while client.seqs("a", PAIR).await.1 == 0 {}
        let delete = json!({ "conversationID": PAIR, "seqs": [1] });
        assert_eq!(client.call("/msg/delete_msg_phsical_by_seq", &delete).await["errCode"], 0);
        assert_eq!(client.server.log(PAIR)[0].state, SlotState::Deleted);
        client.server.settle().await;
        assert_eq!(client.pull("b", PAIR, 1, 1).await[0]["status"], 0, "it is back");
        client.call("/msg/delete_msg_phsical_by_seq", &delete).await;
        assert_eq!(client.pull("b", PAIR, 1, 1).await[0]["status"], 4, "deleted once more it stays away");
    })
    .await;
}

#[tokio::test]
async fn content_is_written_anew_as_go_writes_it() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        let body = br#"{"sendID":"a","recvID":"b","contentType":101,"sessionType":1,"content":{"z":1.50,
            "content":"<\ud800>&","big":12345678901234567890,"z":2e-7}}"#;
        let answer = client.raw("/msg/send_msg", body.to_vec()).await.unwrap();
        assert!(answer.text().await.unwrap().starts_with("{\"errCode\":0"));
        client.server.settle().await;
        let stored = &client.server.log(PAIR)[0].content;
        let expected =
            "{\"big\":12345678901234567000,\"content\":\"\\u003c\u{fffd}\\u003e\\u0026\",\"z\":2e-7}";
        assert_eq!(stored, expected);
    })
    .await;
}

#[tokio::test]
async fn a_quote_is_filled_up_to_its_whole_structure() {
    let client = Client::fast(Release::Main, &["a", "b"]).await;
    let mut body = text("a", "b", 0);
    body["contentType"] = json!(114);
    body["content"] =
        json!({ "text": "re", "quoteMessage": { "clientMsgID": "c", "seq": 7, "sendID": "b" } });
    assert_eq!(client.call("/msg/send_msg", &body).await["errCode"], 0);
    client.server.settle().await;
    let filled = r#"{"text":"re","quoteMessage":{"clientMsgID":"c","createTime":0,"sendTime":0,"sessionType":0,"sendID":"b","msgFrom":0,"contentType":0,"senderPlatformID":0,"seq":7,"isRead":false,"status":0}}"#;
    assert_eq!(client.server.log(PAIR)[0].content, filled);
}

#[tokio::test]
async fn a_receiver_once_refused_stays_unknown_for_five_seconds_on_3_8_3() {
    both(async |release| {
        let client = Client::fast(release, &["a"]).await;
        assert_eq!(client.send("a", "late", 0).await, 1004);
        let register = json!({ "users": [{ "userID": "late", "nickname": "L" }] });
        assert_eq!(client.call("/user/user_register", &register).await["errCode"], 0);
        let at_once = if release == Release::V3_8_3 { 1004 } else { 0 };
        assert_eq!(client.send("a", "late", 1).await, at_once);
        client.server.advance_clock(5001);
        assert_eq!(client.send("a", "late", 2).await, 0);
    })
    .await;
}

#[tokio::test]
async fn notices_move_max_seq_unless_told_not_to() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        for (id, told, expected) in [("told", true, 1), ("quiet", false, 0)] {
            let body = json!({
                "memberUserIDs": ["b"], "ownerUserID": "a", "sendMessage": told,
                "groupInfo": { "groupID": id, "groupName": id, "groupType": 2 },
            });
            assert_eq!(client.call("/group/create_group", &body).await["errCode"], 0);
            client.server.settle().await;
            assert_eq!(client.seqs("imAdmin", &format!("sg_{id}")).await.0, expected);
        }
        assert_eq!(client.server.audit().total.tally.notices, 1);
    })
    .await;
}

#[tokio::test]
async fn a_mention_over_http_raises_no_flag_at_anybody() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.group("g", &["a", "b"]).await;
        let body = json!({
            "sendID": "a", "groupID": "g", "senderPlatformID": 2, "sessionType": 3, "contentType": 106,
            "content": { "text": "@b and @all", "atUserList": ["b", "AtAllTag"], "isAtSelf": false },
        });
        assert_eq!(client.call("/msg/send_msg", &body).await["errCode"], 0);
        client.server.settle().await;
        for user in ["a", "b"] {
            let body = json!({ "ownerUserID": user });
            let answer = client.call("/conversation/get_all_conversations", &body).await;
            let all = answer["data"]["conversations"].as_array().unwrap();
            let group = all.iter().find(|one| one["conversationID"] == "sg_g").unwrap();
            assert_eq!(group["groupAtType"], 0, "{release} {user}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_business_notification_is_a_fence_beside_the_conversation_on_main() {
    let client = Client::fast(Release::Main, &["a", "b"]).await;
    client.send("a", "b", 0).await;
    let body =
        json!({ "sendUserID": "a", "recvUserID": "b", "key": "k", "data": "d", "reliabilityLevel": 2 });
    assert_eq!(client.call("/msg/send_business_notification", &body).await["errCode"], 0);
    client.server.settle().await;
    assert_eq!(client.seqs("imAdmin", PAIR).await.0, 1);
    assert_eq!(client.seqs("imAdmin", "n_a_b").await.0, 1);
}
