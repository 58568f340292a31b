//! How empty slots are dated: twenty ways of reading, the dates that both real servers gave, and the rehearsal server's.

use crate::support::{Rehearsal, as_admin};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// One way: so many messages, which of them are deleted, which ranges are read one after the other.
struct Way {
    messages: i64,
    holes: &'static [(i64, i64)],
    reads: &'static [(i64, i64)],
    /// The dates afterwards: slots, and which message's time they have; 0 is no date.
    dates: &'static str,
}

const fn way(
    messages: i64,
    holes: &'static [(i64, i64)],
    reads: &'static [(i64, i64)],
    dates: &'static str,
) -> Way {
    Way { messages, holes, reads, dates }
}

/// 28 and 29 November 2026: 3.8.3 and main gave the same dates.
const WAYS: [Way; 20] = [
    way(130, &[(1, 3)], &[(1, 130)], "1-3: 0"),
    way(130, &[(10, 12)], &[(1, 130)], "10-12: 9"),
    way(130, &[(100, 100)], &[(1, 130)], "100-100: 0"),
    way(130, &[(95, 105)], &[(1, 100), (101, 130)], "95-100: 0; 101-105: 94"),
    way(130, &[(95, 105)], &[(1, 50), (51, 130)], "95-105: 94"),
    way(130, &[(99, 99)], &[(99, 99)], "99-99: 98"),
    way(230, &[(195, 205)], &[(101, 200), (201, 230)], "195-200: 100; 201-205: 194"),
    way(230, &[(195, 205)], &[(101, 150), (151, 230)], "195-205: 194"),
    way(230, &[(195, 205)], &[(200, 200), (101, 230)], "195-199: 194; 200-200: 100; 201-205: 194"),
    way(230, &[(195, 205)], &[(197, 203), (101, 230)], "195-205: 194"),
    way(230, &[(200, 200)], &[(151, 230)], "200-200: 100"),
    way(230, &[(90, 200)], &[(51, 150), (151, 230)], "90-200: 89"),
    way(230, &[(90, 200)], &[(1, 230)], "90-200: 89"),
    way(230, &[(1, 200)], &[(1, 230)], "1-200: 0"),
    way(230, &[(1, 210)], &[(151, 230), (1, 150)], "1-210: 0"),
    way(
        230,
        &[(120, 125), (196, 204)],
        &[(101, 200), (201, 230)],
        "120-125: 100; 196-200: 100; 201-204: 195",
    ),
    way(230, &[(120, 125), (196, 204)], &[(1, 230)], "120-125: 119; 196-204: 195"),
    way(230, &[(2, 4), (100, 100), (200, 200)], &[(1, 230)], "2-4: 1; 100-100: 99; 200-200: 99"),
    way(230, &[(101, 199)], &[(51, 100), (101, 150), (151, 200)], "101-199: 100"),
    way(130, &[(125, 130)], &[(81, 130)], "125-130: 124"),
];

/// The dates that a server at this address gives, in the table's words.
fn dates_of(url: &str, name: &str, way: &Way, settle: &dyn Fn()) -> String {
    let (a, b) = (format!("holes{name}a"), format!("holes{name}b"));
    let conversation = format!("si_{a}_{b}");
    let users = json!({"users": [{"userID": a, "nickname": a}, {"userID": b, "nickname": b}]});
    as_admin(url, "/user/user_register", &users);
    let has_read = || {
        let ask = json!({"userID": a, "conversationIDs": [conversation]});
        let seqs = as_admin(url, "/msg/get_conversations_has_read_and_max_seq", &ask);
        seqs["data"]["seqs"][&conversation]["hasReadSeq"].as_i64().unwrap_or(0)
    };
    for n in 1..=way.messages {
        let text = json!({"sendID": a, "recvID": b, "senderPlatformID": 10, "content": {"content": "x"},
            "contentType": 101, "sessionType": 1, "sendTime": time(n), "notOfflinePush": true});
        as_admin(url, "/msg/send_msg", &text);
        while n % 40 == 0 && has_read() < n {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    while has_read() < way.messages {
        std::thread::sleep(Duration::from_millis(20));
    }
    settle();
    let deleted: Vec<i64> = way.holes.iter().flat_map(|(from, to)| *from..=*to).collect();
    let delete = json!({"conversationID": conversation, "seqs": deleted});
    as_admin(url, "/msg/delete_msg_phsical_by_seq", &delete);
    settle();
    as_admin(url, "/msg/delete_msg_phsical_by_seq", &delete);
    for (begin, end) in way.reads {
        pull(url, &a, &conversation, *begin, *end);
    }
    let mut words = String::new();
    let slots = pull(url, &a, &conversation, 1, way.messages);
    let empty: Vec<(i64, i64)> = slots
        .iter()
        .filter(|slot| slot["status"] == 4)
        .map(|slot| {
            (slot["seq"].as_i64().unwrap(), (slot["sendTime"].as_i64().unwrap() - time(0)).max(0) / 1000)
        })
        .collect();
    for run in empty.chunk_by(|a, b| a.0 + 1 == b.0 && a.1 == b.1) {
        write!(words, "{}-{}: {}; ", run[0].0, run[run.len() - 1].0, run[0].1).unwrap();
    }
    words.trim_end_matches("; ").to_owned()
}

fn time(n: i64) -> i64 {
    1_700_000_000_000 + n * 1000
}

fn pull(url: &str, user: &str, conversation: &str, begin: i64, end: i64) -> Vec<Value> {
    let range = json!({"conversationID": conversation, "begin": begin, "end": end, "num": end - begin + 1});
    let answer =
        as_admin(url, "/msg/pull_msg_by_seq", &json!({"userID": user, "seqRanges": [range], "order": 0}));
    answer["data"]["msgs"][conversation]["Msgs"].as_array().cloned().unwrap_or_default()
}

#[test]
fn empty_slots_have_the_dates_of_the_real_servers() {
    for release in ["3.8.3", "main"] {
        let server = Rehearsal::start(&["--answer-time", "0s", "--store-lag", "10ms", "--release", release]);
        let settle = || drop(server.control("/_rehearsal/settle", Some(&Value::Null)));
        for (n, way) in WAYS.iter().enumerate() {
            let got = dates_of(&server.url, &n.to_string(), way, &settle);
            assert_eq!(got, way.dates, "{release}, way {n}");
        }
    }
}

/// `REAL_API=http://127.0.0.1:10002 cargo test -- --ignored the_real_server_dates`: a real one, with users of its own.
#[test]
#[ignore = "needs a real server"]
fn the_real_server_dates_empty_slots_so() {
    #[expect(clippy::disallowed_methods, reason = "which server is a matter of who runs this")]
    let url = std::env::var("REAL_API").expect("REAL_API=http://… names a real server");
    let run = std::process::id();
    let wrong: Vec<String> = WAYS
        .iter()
        .enumerate()
        .filter_map(|(n, way)| {
            let got =
                dates_of(&url, &format!("{run}n{n}"), way, &|| std::thread::sleep(Duration::from_secs(4)));
            println!("{n}: {got}");
            (got != way.dates).then(|| format!("way {n}: {got}, not {}", way.dates))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
