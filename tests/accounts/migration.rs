//! The script in `examples/`: from a Slack workspace to people who log in and find their history, judged by what a client
//! of each of them is given.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use openim_importer::shown::{Log, Slot, judge};
use serde_json::{Value, json};

use super::support::Place;
use crate::support::{importer_process, request_with};

/// Messages of each conversation: more than an app loads at once.
const EACH: i64 = 130;
/// md5 of `secret`.
const SECRET: &str = "5ebe2294ecd0e0f08eab7690d2a6ee69";

/// A workspace of three people and one who has left: a channel of all, and a chat of the first two.
fn workspace(folder: &Path) {
    let user = |id: &str, email: &str, deleted: bool| json!({ "id": id, "name": id, "deleted": deleted, "profile": { "email": email } });
    let users = json!([
        user("UANN", "ann@e.example", false),
        user("UBEA", "", false),
        user("UCAT", "cat@e.example", false),
        user("UOLD", "old@e.example", true)
    ]);
    let channels =
        json!([{ "id": "CALL", "name": "all", "creator": "UOLD", "members": ["UBEA", "UANN", "UCAT"] }]);
    let directs = json!([{ "id": "DAB", "members": ["UANN", "UBEA"] }]);
    for (name, rows) in [("users.json", users), ("channels.json", channels), ("dms.json", directs)] {
        fs_err::write(folder.join(name), rows.to_string()).unwrap();
    }
    let day = |name: &str, people: &[&str]| {
        // Two in a second, as a workspace has them that sends fast.
        let rows: Vec<Value> = (0..EACH)
            .zip(people.iter().cycle())
            .map(|(n, user)| {
                json!({ "type": "message", "user": user, "ts": format!("{}.{n:06}", 1_700_000_000 + n / 2),
                    "text": format!("{name} {n}") })
            })
            .collect();
        fs_err::create_dir(folder.join(name)).unwrap();
        fs_err::write(folder.join(name).join("2023-11-14.json"), json!(rows).to_string()).unwrap();
    };
    day("all", &["UOLD", "UANN", "UCAT", "UBEA"]);
    day("DAB", &["UANN", "UBEA"]);
}

/// Everything of a conversation as its user's app asks for it; what the judge says of it, and the texts in order.
fn page(place: &Place, token: &str, user: &str, conversation: &str, (min, max): (i64, i64)) -> Vec<String> {
    let (mut slots, mut texts) = (Vec::new(), Vec::new());
    for begin in (min.max(1)..=max).step_by(50) {
        let body = json!({ "userID": user, "order": 0, "seqRanges": [
            { "conversationID": conversation, "begin": begin, "end": (begin + 49).min(max), "num": 50 }] });
        let answer = request_with("POST", &place.server.url, "/msg/pull_msg_by_seq", Some(&body), token);
        assert_eq!(answer["errCode"], 0, "{answer}");
        for message in answer["data"]["msgs"][conversation]["Msgs"].as_array().unwrap() {
            let (seq, time) = (message["seq"].as_i64().unwrap(), message["sendTime"].as_i64().unwrap());
            let is_there = message["status"] != 4;
            slots.push((seq, time, is_there.then(|| message["clientMsgID"].as_str().unwrap().to_owned())));
            if let Some(content) = message["content"].as_str().filter(|_| is_there) {
                let content = base64::engine::general_purpose::STANDARD.decode(content).unwrap();
                let content: Value = serde_json::from_slice(&content).unwrap();
                texts.push(content["content"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    let slots = slots.iter().map(|(seq, time, id)| Slot { seq: *seq, time: *time, id: id.as_deref() });
    let judgement = judge(&Log::new(slots, min.max(1), max));
    assert!(judgement.scrolls(), "{user} in {conversation}: {judgement}");
    texts
}

#[test]
fn three_people_log_in_and_scroll_their_history_to_its_start() {
    for release in ["3.8.3", "main"] {
        let place = Place::new(release, &[]);
        let export = place.dir().join("export");
        fs_err::create_dir(&export).unwrap();
        workspace(&export);
        // In the order of `users`: Ann, Bea, Cat, who left, the channel.
        place.file(
            "more.csv",
            "phone,account,password\n,,secret\n+49 170123,,secret\n,catcat,secret\n,,\n,,\n",
        );
        place.file("read.csv", "userID,conversationID,hasReadSeq\nUANN,sg_CALL,100\nUBEA,si_UANN_UBEA,130\n");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/people-log-in.sh");
        let output = Command::new("sh")
            .arg(script)
            .env("OPENIM_IMPORT", importer_process().get_program())
            .env("MIGRATION", place.dir())
            .env("EXPORT", &export)
            .env("PEOPLE", "more.csv")
            .env("POSITIONS", "read.csv")
            .env("OPENIM_API", &place.server.url)
            .env("OPENIM_CHAT_API", &place.server.chat)
            .env("OPENIM_ACCOUNTS_API", &place.server.chat_admin)
            .env("OPENIM_SECRET", "openIM123")
            .env("OPENIM_CHAT_PASSWORD", "chatAdmin")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{release}: {said}");
        // Said before anything is made, and true afterwards.
        assert!(said.contains("of 4 people who wrote, the export tells the e-mail of 2"), "{said}");
        assert!(said.contains("3 people can log in (3 with a password), 1 can't"), "{said}");
        assert!(said.contains("2 of 2 conversations can be scrolled to the start"), "{said}");
        assert!(said.contains("former members: 1 taken out"), "{said}");

        let expected = |name: &str| (0..EACH).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
        let mut unread = BTreeMap::new();
        for (user, way) in [
            ("UANN", json!({ "email": "ann@e.example", "password": SECRET })),
            ("UBEA", json!({ "areaCode": "+49", "phoneNumber": "170123", "password": SECRET })),
            ("UCAT", json!({ "email": "x@e.example", "account": "catcat", "password": SECRET })),
        ] {
            let login = place.log_in(&way);
            assert_eq!(login["data"]["userID"], user, "{release} {login}: {said}");
            let token = login["data"]["imToken"].as_str().unwrap();
            let body = json!({ "userID": user, "conversationIDs": [] });
            let seqs = "/msg/get_conversations_has_read_and_max_seq";
            let seqs = request_with("POST", &place.server.url, seqs, Some(&body), token);
            for (conversation, seqs) in seqs["data"]["seqs"].as_object().unwrap() {
                let (max, read) =
                    (seqs["maxSeq"].as_i64().unwrap(), seqs["hasReadSeq"].as_i64().unwrap_or(0));
                let name = if conversation == "sg_CALL" { "all" } else { "DAB" };
                assert_eq!(page(&place, token, user, conversation, (1, max)), expected(name), "{user}");
                unread.insert(format!("{user} in {name}"), max - read);
            }
        }
        // Who wrote has read up to that, also further than the positions say.
        let unread: Vec<(&str, i64)> = unread.iter().map(|(what, n)| (what.as_str(), *n)).collect();
        assert_eq!(
            unread,
            [
                ("UANN in DAB", 1),
                ("UANN in all", 0),
                ("UBEA in DAB", 0),
                ("UBEA in all", 2),
                ("UCAT in all", 3)
            ],
            "{release}"
        );
    }
}
