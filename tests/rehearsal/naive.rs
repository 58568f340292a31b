//! Law 1 as measured: what happens to a history that is sent the obvious way, workers taking messages in
//! file order. With the times of the real servers, on tokio's clock: what this machine is busy with doesn't matter.

use openim_importer::message::Release;
use openim_importer::rehearsal::{Options, Server, Within};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// In which order the messages of several conversations are sent.
#[derive(Clone, Copy)]
enum Order {
    /// One conversation after the other.
    File,
    /// In turn.
    Even,
}

/// How many of them are stored, in per cent.
async fn stored(release: Release, conversations: usize, per: usize, workers: usize, order: Order) -> usize {
    let server = Arc::new(Server::within(Options::new(release)).unwrap());
    let login = json!({ "secret": "openIM123", "userID": "imAdmin" });
    let answer = call(&server, "/auth/get_admin_token", "login", None, &login).await;
    let token = answer["data"]["token"].as_str().unwrap().to_owned();
    let users: Vec<_> = (0..conversations)
        .flat_map(|c| [format!("a{c}"), format!("b{c}")])
        .map(|user| json!({ "userID": user, "nickname": user }))
        .collect();
    call(&server, "/user/user_register", "users", Some(&token), &json!({ "users": users })).await;

    let next = Arc::new(AtomicUsize::new(0));
    let total = conversations * per;
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (server, token, next) = (Arc::clone(&server), token.clone(), Arc::clone(&next));
        working.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return;
                }
                let (conversation, n) = match order {
                    Order::File => (n / per, n % per),
                    Order::Even => (n % conversations, n / conversations),
                };
                let text = super::client::text(
                    &format!("a{conversation}"),
                    &format!("b{conversation}"),
                    n.try_into().unwrap(),
                );
                call(&server, "/msg/send_msg", &format!("{conversation}-{n}"), Some(&token), &text).await;
            }
        });
    }
    while let Some(ended) = working.join_next().await {
        ended.unwrap();
    }
    server.settle().await;
    let audit = server.audit().total;
    assert_eq!(audit.tally.acknowledged, total as u64, "every call succeeds");
    assert_eq!(audit.messages + audit.tally.lost(), total as u64, "and the audit knows where each one is");
    usize::try_from(audit.messages).unwrap() * 100 / total
}

/// An answer that says yes.
async fn call(server: &Within, path: &str, operation: &str, token: Option<&str>, body: &Value) -> Value {
    let answer = server.call(path, operation, token, body.to_string().as_bytes()).await.unwrap();
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["errCode"], 0, "{path}: {answer}");
    answer
}

#[tokio::test(start_paused = true)]
async fn on_3_8_3_one_worker_loses_nothing_and_sixteen_nearly_all() {
    assert_eq!(stored(Release::V3_8_3, 1, 2000, 1, Order::File).await, 100, "1 conversation, 1 worker");
    let sixteen = stored(Release::V3_8_3, 1, 2000, 16, Order::File).await;
    assert!(sixteen < 20, "1 conversation, 16 workers: {sixteen} %");
    let ten = stored(Release::V3_8_3, 10, 1000, 16, Order::File).await;
    assert!(ten < 30, "10 conversations, 16 workers: {ten} %");
}

#[tokio::test(start_paused = true)]
async fn on_main_one_worker_loses_most_of_one_conversation() {
    assert!(stored(Release::Main, 1, 2000, 1, Order::File).await < 50);
}

#[tokio::test(start_paused = true)]
async fn on_main_one_worker_loses_much_of_ten_conversations() {
    let stored = stored(Release::Main, 10, 1000, 1, Order::File).await;
    assert!((10..=60).contains(&stored), "{stored} %");
}

#[tokio::test(start_paused = true)]
async fn spread_evenly_nothing_is_lost_on_either() {
    assert_eq!(stored(Release::V3_8_3, 10, 100, 1, Order::Even).await, 100);
    assert_eq!(stored(Release::Main, 10, 500, 1, Order::Even).await, 100);
}
