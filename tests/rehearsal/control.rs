//! The control path, the state file, and who exists.

use super::client::{Client, both, text, to_group};
use crate::support::http;
use openim_importer::message::Release;
use openim_importer::rehearsal::{Options, Server, SlotState, Users};
use serde_json::{Value, json};
use std::time::Duration;

const PAIR: &str = "si_a_b";

async fn get(client: &Client, path: &str) -> Value {
    let url = format!("{}/_rehearsal/{path}", client.server.url());
    serde_json::from_str(&http().get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_audit_says_what_became_of_every_message() {
    both(async |release| {
        let client = Client::fast(release, &["a", "b"]).await;
        client.send("a", "b", 2).await;
        client.send("a", "b", 1).await;
        assert_eq!(client.send("a", "ghost", 1).await, 1004);
        let audit = client.control("settle", &json!({})).await;
        let pair = &audit["conversations"][PAIR];
        for (name, value) in [
            ("received", 2),
            ("queued", 2),
            ("acknowledged", 2),
            ("written", 2),
            ("messages", 2),
            ("stored", 2),
            ("out_of_order", 1),
            ("max_seq", 2),
            ("hidden", 0),
        ] {
            assert_eq!(pair[name], value, "{name}");
        }
        assert_eq!(
            (&audit["queue"], &audit["unsettled"], &audit["refused"]["1004"]),
            (&json!(0), &json!(0), &json!(1))
        );
        assert_eq!(get(&client, "audit").await, audit);
    })
    .await;
}

/// Of what people write all the time something is always under way: it hung.
#[tokio::test]
async fn settling_waits_for_what_is_there_and_not_for_people_who_go_on_writing() {
    let mut options = Options { live_probe: 5, ..Options::fast(Release::V3_8_3) };
    options.timing.store_lag = Duration::from_millis(800);
    let client = Client::with(options, &["a", "b"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.send("a", "b", 2).await;
    let settled = tokio::time::timeout(Duration::from_secs(30), client.control("settle", &json!({}))).await;
    let audit = settled.expect("it waits for people who go on writing");
    assert_eq!(audit["conversations"][PAIR]["stored"], 1, "{}", audit["conversations"][PAIR]);
    assert!(audit["unsettled"].as_u64() > Some(0), "{}", audit["unsettled"]);
}

#[tokio::test]
async fn the_log_gives_every_slot_as_it_is_stored() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    client.group("g/1 &", &["a", "b"]).await;
    client.call("/msg/send_msg", &to_group("a", "g/1 &", 7)).await;
    client.server.settle().await;
    let log = get(&client, "log?conversation=sg_g%2F1+%26").await;
    let entry = &log[0];
    assert_eq!(
        (&entry["seq"], &entry["state"], &entry["stored"]),
        (&json!(1), &json!("readable"), &json!(true))
    );
    assert_eq!(
        (&entry["sendID"], &entry["groupID"], &entry["ex"]),
        (&json!("a"), &json!("g/1 &"), &json!("7"))
    );
    assert_eq!(entry["content"], "{\"content\":\"message 7\"}");
    assert_eq!(get(&client, "log?conversation=sg_g%2F1+%26&from=2").await, json!([]));
    assert_eq!(get(&client, "log?conversation=nobody").await, json!([]));
}

#[tokio::test]
async fn faults_are_turned_on_and_off_by_the_control_path() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    let on = client.control("faults", &json!({ "kind": "error-500", "times": 2 })).await;
    assert_eq!(client.send("a", "b", 0).await, 500);
    let list = get(&client, "faults").await;
    assert_eq!(
        (&list[0]["kind"], &list[0]["struck"], &list[0]["seen"]),
        (&json!("error-500"), &json!(1), &json!(1))
    );
    let url = format!("{}/_rehearsal/faults?id={}", client.server.url(), on["id"]);
    http().delete(url).send().await.unwrap();
    assert_eq!(client.send("a", "b", 1).await, 0);
    client.server.settle().await;
    let done = client.control("now", &json!({ "kind": "jump-seq", "by": 5, "conversation": PAIR })).await;
    assert_eq!(done["done"]["by"], 5);
    assert_eq!(client.seqs("a", PAIR).await.0, 7);
    client.control("clock", &json!({ "advance_ms": 60_000 })).await;
    client.control("revoke", &json!({ "user": "b", "conversation": PAIR, "seq": 1 })).await;
    client.control("delete", &json!({ "user": "b", "conversation": PAIR, "seq": 2 })).await;
    let pulled = client.pull("b", PAIR, 1, 2).await;
    assert_eq!((&pulled[0]["contentType"], &pulled[1]["status"]), (&json!(2101), &json!(4)));
    client.control("clear", &json!({ "user": "b", "conversation": PAIR })).await;
    assert!(client.pull("b", PAIR, 1, 7).await.is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_a_control_call_is_said() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    for (path, body, said) in [
        ("faults", json!({ "kind": "lose-anser" }), "there is no fault `lose-anser`"),
        ("faults", json!({ "kind": "lose-answer", "by": 1 }), "`lose-answer` has no `by`"),
        ("now", json!({ "kind": "lose-answer" }), "POST it to faults"),
        ("clock", json!({ "advance": 1 }), "unknown field `advance`"),
        ("revoke", json!({ "user": "b", "conversation": PAIR, "seq": 9 }), "has no message at 9"),
        ("save", json!({}), "there is no state file"),
        ("nonsense", json!({}), "there are GET audit"),
    ] {
        let answer = client.control(path, &body).await;
        assert!(answer["error"].as_str().unwrap().contains(said), "{path}: {answer}");
    }
}

#[tokio::test]
async fn users_auto_takes_whoever_is_named() {
    both(async |release| {
        let mut options = Options::fast(release);
        options.users = Users::Auto;
        let client = Client::with(options, &[]).await;
        assert_eq!(client.send("x", "y", 0).await, 0);
        assert_eq!(client.call("/msg/send_msg", &to_group("x", "g", 0)).await["errCode"], 0);
        assert_eq!(client.call("/msg/send_msg", &to_group("y", "g", 1)).await["errCode"], 0);
        let check = client.call("/user/account_check", &json!({ "checkUserIDs": ["nobody"] })).await;
        assert_eq!(check["data"]["results"][0]["accountStatus"], 1);
        client.server.settle().await;
        assert_eq!(client.pull("y", "si_x_y", 1, 1).await.len(), 1);
        assert_eq!(client.pull("y", "sg_g", 1, 2).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_state_outlives_the_server() {
    both(async |release| {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::fast(release);
        options.state = Some(folder.path().join("state.jsonl"));
        let client = Client::with(options.clone(), &["a", "b", "c"]).await;
        client.group("g", &["a", "b"]).await;
        client.send_all("a", "b", 0..5).await;
        client.call("/msg/send_msg", &to_group("b", "g", 1)).await;
        client.server.settle().await;
        client.call("/friend/add_black", &json!({ "ownerUserID": "b", "blackUserID": "c" })).await;
        client.call("/msg/delete_msg_phsical_by_seq", &json!({ "conversationID": PAIR, "seqs": [2] })).await;
        client.call("/msg/revoke_msg", &json!({ "userID": "b", "conversationID": PAIR, "seq": 3 })).await;
        client
            .call(
                "/msg/set_conversation_has_read_seq",
                &json!({ "userID": "b", "conversationID": PAIR, "hasReadSeq": 4 }),
            )
            .await;
        // Still in the queue when it stops.
        client.send("a", "b", 9).await;
        let (token, log) = (client.token().to_owned(), client.server.log(PAIR));
        client.server.stop().await.unwrap();

        let server = Server::start(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let again = Client::of(server, &[]).await;
        again.server.settle().await;
        assert_eq!(again.server.log(PAIR)[..5], log[..5]);
        assert_eq!(again.log(PAIR), [0, 2, 3, 4, 9]);
        assert_eq!(again.seqs("b", PAIR).await, (6, 4));
        assert_eq!(again.server.log("sg_g")[0].state, SlotState::Readable);
        assert_eq!(again.send("c", "b", 0).await, 1302);
        let kept = again.plain("/msg/get_server_time", "{}".into(), Some(token), Some("op".into())).await;
        assert!(kept.text().await.unwrap().starts_with("{\"errCode\":0"), "the old token is still good");
        assert_eq!(again.send("a", "b", 10).await, 0);
        again.server.settle().await;
        assert_eq!(again.pull("b", PAIR, 7, 7).await[0]["ex"], "10");
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_when_it_stops_is_in_the_state() {
    both(async |release| {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::fast(release);
        options.state = Some(folder.path().join("state.jsonl"));
        options.timing.storing_lag = Duration::from_mins(10);
        options.timing.store_lag = Duration::from_mins(10);
        let client = Client::with(options.clone(), &["a", "b"]).await;
        // One alone: of several, a slow machine makes two batches, and the second waits for the first to be written.
        client.send("a", "b", 0).await;
        while client.seqs("a", PAIR).await.0 < 1 {}
        assert_eq!(client.seqs("a", PAIR).await, (1, 0), "numbered, neither written nor stored");
        for n in 1..6 {
            client.send("a", "b", n).await;
        }
        client.server.stop().await.unwrap();

        options.timing = Options::fast(release).timing;
        let server = Server::start(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let again = Client::of(server, &[]).await;
        again.server.settle().await;
        assert_eq!(again.log(PAIR), [0, 1, 2, 3, 4, 5]);
        assert_eq!(again.server.audit().total.stored, 6);
    })
    .await;
}

#[tokio::test]
async fn every_fault_is_turned_on_by_the_control_path_too() {
    let client = Client::fast(Release::V3_8_3, &["a", "b"]).await;
    let kinds = [
        json!({ "kind": "lose-answer" }),
        json!({ "kind": "close-before-body" }),
        json!({ "kind": "close-after-body" }),
        json!({ "kind": "proxy-error", "status": 504, "processed": true }),
        json!({ "kind": "too-many", "retry-after": 2 }),
        json!({ "kind": "rate-limit", "per-second": 5 }),
        json!({ "kind": "error-500" }),
        json!({ "kind": "hang", "ms": 1 }),
        json!({ "kind": "expire-token" }),
        json!({ "kind": "kick-token" }),
        json!({ "kind": "remove-user", "user": "b" }),
        json!({ "kind": "remove-group", "group": "g" }),
        json!({ "kind": "restart", "down-ms": 1, "kill": true }),
        json!({ "kind": "night" }),
        json!({ "kind": "lose-queue" }),
        json!({ "kind": "repeat-queue", "last": 3 }),
        json!({ "kind": "lose-store" }),
        json!({ "kind": "jump-seq", "by": 5 }),
        json!({ "kind": "fall-back-seq", "by": 5 }),
        json!({ "kind": "read-gap", "ms": 5 }),
        json!({ "kind": "stall", "of": 8 }),
        json!({ "kind": "live-traffic", "per-second": 1 }),
        json!({ "kind": "users-act", "act": "clear", "per-second": 1 }),
    ];
    for kind in &kinds {
        let on = client.control("faults", kind).await;
        assert!(on["id"].is_number(), "{kind}: {on}");
    }
    let listed = get(&client, "faults").await;
    for (kind, listed) in kinds.iter().zip(listed.as_array().unwrap()) {
        for (key, value) in kind.as_object().unwrap() {
            assert_eq!(listed[key].as_f64(), value.as_f64(), "{kind}: {key} of {listed}");
            assert_eq!(listed[key].as_str(), value.as_str(), "{kind}: {key} of {listed}");
        }
    }
    assert_eq!(listed.as_array().unwrap().len(), kinds.len());
}

#[tokio::test]
async fn a_state_file_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let mut options = Options::fast(Release::V3_8_3);
    options.state = Some(path.clone());
    for (content, said) in [
        ("nonsense\n", "state.jsonl:1: expected"),
        ("{\"token\":{\"token\":\"x\"}}\n", "no state file of a rehearsal server"),
        ("{\"head\":{\"version\":99,\"release\":\"3.8.3\",\"ids\":0,\"documents\":0}}\n", "newer version"),
        (
            "{\"head\":{\"version\":1,\"release\":\"main\",\"ids\":0,\"documents\":0}}\n",
            "state of release main",
        ),
    ] {
        fs_err::write(&path, content).unwrap();
        let error = Server::start(options.clone(), ([127, 0, 0, 1], 0).into()).await.err().unwrap();
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(text("a", "b", 1)["ex"], "1");
}
