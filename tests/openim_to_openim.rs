//! One OpenIM server into another: what the old one has, as `mongoexport` writes it, imported into an empty new one.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Rehearsal, as_admin, importer};

/// Runs a command that must end well; what it printed.
fn run(dir: &Path, arguments: &[&str]) -> String {
    let mut command = importer();
    let output = command.env("OPENIM_SECRET", "openIM123").current_dir(dir).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{out}{err}");
    out
}

const PICTURE: &str = "https://old.example.com/object/ann/1.png";

/// Content of every type that `send_msg` takes on that release.
fn contents(release: &str) -> Vec<(i32, Value)> {
    let picture =
        json!({ "uuid": "", "type": "image/png", "size": 9, "width": 4, "height": 3, "url": PICTURE });
    let mut all = vec![
        (101, json!({ "content": "words \"quoted\"\nand 再见" })),
        (102, json!({ "sourcePicture": picture, "bigPicture": picture, "snapshotPicture": picture })),
        (103, json!({ "sourceUrl": "https://old.example.com/v.m4a", "dataSize": 9, "duration": 3 })),
        (
            104,
            json!({ "videoUrl": "https://old.example.com/v.mp4", "videoType": "video/mp4", "videoSize": 9, "duration": 3,
            "snapshotUrl": PICTURE, "snapshotSize": 5, "snapshotWidth": 4, "snapshotHeight": 3 }),
        ),
        (105, json!({ "sourceUrl": "https://old.example.com/a.pdf", "fileName": "a.pdf", "fileSize": 9 })),
        (110, json!({ "data": "{\"order\":7}", "description": "order", "extension": "" })),
    ];
    if release == "main" {
        all.push((118, json!({ "content": "# title" })));
    }
    all
}

/// A server with people, a group, talk of all types, a revoked message, and people who have read some of it.
fn lived_in(release: &str) -> Rehearsal {
    let server = Rehearsal::start(&[
        "--release",
        release,
        "--answer-time",
        "0s",
        "--storing-lag",
        "1ms",
        "--store-lag",
        "1ms",
    ]);
    let call = |path: &str, body: Value| as_admin(&server.url, path, &body);
    let users: Vec<Value> = ["ann", "bob", "cem_x", "dee"]
        .iter()
        .map(|id| json!({ "userID": id, "nickname": format!("The {id}"), "faceURL": format!("https://x.example/{id}.png") }))
        .collect();
    call("/user/user_register", json!({ "users": users }));
    call(
        "/group/create_group",
        json!({
            "ownerUserID": "bob", "adminUserIDs": ["ann"], "memberUserIDs": ["cem_x", "dee"], "sendMessage": false,
            "groupInfo": { "groupID": "team", "groupName": "The team", "groupType": 2 },
        }),
    );
    call(
        "/group/create_group",
        json!({ "ownerUserID": "ann", "adminUserIDs": [], "memberUserIDs": ["bob"], "sendMessage": false,
            "groupInfo": { "groupID": "quiet", "groupName": "Read only", "groupType": 2 } }),
    );
    let mut time = 1_700_000_000_000_i64;
    let mut send = |from: &str, to: (&str, &str), kind: i32, content: &Value| {
        time += 1000;
        let mut body = json!({ "sendID": from, "senderNickname": format!("The {from}"), "senderPlatformID": 2,
            "content": content, "contentType": kind, "sendTime": time, "ex": if kind == 110 { "{\"app\":1}" } else { "" } });
        let group = to.0 == "group";
        body["sessionType"] = json!(if group { 3 } else { 1 });
        body[if group { "groupID" } else { "recvID" }] = json!(to.1);
        call("/msg/send_msg", body);
        // One after the other: the order is that of arrival.
        server.control("/_rehearsal/settle", Some(&Value::Null));
    };
    for (n, (kind, content)) in contents(release).iter().enumerate() {
        let (from, to) = if n % 2 == 0 { ("ann", "cem_x") } else { ("cem_x", "ann") };
        send(from, ("user", to), *kind, content);
        send(["ann", "bob", "dee"][n % 3], ("group", "team"), *kind, content);
    }
    send(
        "bob",
        ("group", "team"),
        106,
        &json!({ "text": "@ann and @all", "atUserList": ["ann", "AtAllTag"], "isAtSelf": false }),
    );
    send("ann", ("group", "quiet"), 101, &json!({ "content": "rules" }));
    send("ann", ("user", "cem_x"), 101, &json!({ "content": "taken back" }));
    let last = server.log("si_ann_cem_x").len();
    send("cem_x", ("user", "ann"), 101, &json!({ "content": "after that" }));
    server.control(
        "/_rehearsal/revoke",
        Some(&json!({ "user": "ann", "conversation": "si_ann_cem_x", "seq": last })),
    );
    call("/friend/import_friend", json!({ "ownerUserID": "ann", "friendUserIDs": ["bob", "cem_x"] }));
    call("/friend/add_black", json!({ "ownerUserID": "dee", "blackUserID": "bob" }));
    call("/group/mute_group", json!({ "groupID": "quiet" }));
    call("/group/mute_group_member", json!({ "groupID": "team", "userID": "dee", "mutedSeconds": 864_000 }));
    for (user, conversation, kind, pinned, bell) in [
        ("cem_x", "si_ann_cem_x", 1, true, 2),
        ("ann", "si_ann_bob", 1, true, 0),
        ("dee", "sg_team", 3, false, 1),
    ] {
        call(
            "/conversation/set_conversations",
            json!({ "userIDs": [user], "conversation": { "conversationID": conversation, "conversationType": kind,
                "isPinned": pinned, "recvMsgOpt": bell } }),
        );
    }
    server.control("/_rehearsal/settle", Some(&Value::Null));
    for (user, conversation, seq) in
        [("cem_x", "si_ann_cem_x", 3), ("dee", "sg_team", 4), ("cem_x", "sg_team", 2)]
    {
        call(
            "/msg/set_conversation_has_read_seq",
            json!({ "userID": user, "conversationID": conversation, "hasReadSeq": seq }),
        );
    }
    server
}

/// Everything that was said in a conversation, but for what was taken back and what the server itself wrote.
fn said(server: &Rehearsal, conversation: &str) -> Vec<String> {
    let log = server.log(conversation);
    let ours = log.iter().filter(|entry| entry["origin"] == "sent" && entry["revoked"] == false);
    ours.map(|entry| {
        assert_eq!(entry["state"], "readable", "{entry}");
        let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
        let fields = ["sendID", "senderNickname", "senderPlatformID", "sendTime", "contentType", "ex"]
            .map(|key| entry[key].to_string());
        format!("{} {content}", fields.join(" "))
    })
    .collect()
}

fn export(server: &Rehearsal, collection: &str, json: &str) -> Value {
    server.control(&format!("/_rehearsal/mongoexport?collection={collection}&json={json}"), None)
}

/// How many messages of others each user has not read, by conversation.
fn unread(server: &Rehearsal) -> BTreeMap<String, i64> {
    let mut unread = BTreeMap::new();
    for row in export(server, "seq_user", "relaxed").as_array().unwrap() {
        let (user, conversation) =
            (row["user_id"].as_str().unwrap(), row["conversation_id"].as_str().unwrap());
        let read = row["read_seq"].as_i64().unwrap();
        let log = server.log(conversation);
        let open = log.iter().filter(|entry| {
            let waits = entry["seq"].as_i64().unwrap() > read && entry["sendID"] != user;
            waits && entry["origin"] == "sent" && entry["revoked"] == false
        });
        if user != "imAdmin" && conversation.starts_with('s') {
            unread.insert(format!("{user} in {conversation}"), i64::try_from(open.count()).unwrap());
        }
    }
    unread
}

/// Who is whose friend, who blocks whom, what each has set for his conversations, which groups may not be written in.
fn set(server: &Rehearsal) -> Vec<String> {
    let rows = |collection: &str| export(server, collection, "relaxed").as_array().unwrap().clone();
    let friends = rows("friend")
        .into_iter()
        .map(|row| format!("{} likes {}", row["owner_user_id"], row["friend_user_id"]));
    let blocks = rows("black")
        .into_iter()
        .map(|row| format!("{} blocks {}", row["owner_user_id"], row["block_user_id"]));
    let groups =
        rows("group").into_iter().map(|row| format!("{} is in state {}", row["group_id"], row["status"]));
    let kept = rows("conversation")
        .into_iter()
        .filter(|row| row["is_pinned"] == true || row["recv_msg_opt"] != 0)
        .map(|row| {
            format!(
                "{} of {}: {} {}",
                row["conversation_id"], row["owner_user_id"], row["is_pinned"], row["recv_msg_opt"]
            )
        });
    let mut all: Vec<String> = friends.chain(blocks).chain(groups).chain(kept).collect();
    all.sort();
    all
}

/// Until when each member may not write, in hours from now.
fn muted(server: &Rehearsal) -> Vec<String> {
    let now = jiff::Timestamp::now().as_millisecond();
    let hours = |row: &Value| {
        let end: i64 = row["mute_end_time"]["$date"]["$numberLong"].as_str().unwrap().parse().unwrap();
        (end - now + 1_800_000) / 3_600_000
    };
    let rows = export(server, "group_member", "relaxed");
    let rows = rows.as_array().unwrap().iter().filter(|row| hours(row) > 0);
    rows.map(|row| format!("{} in {}: {}", row["user_id"], row["group_id"], hours(row))).collect()
}

/// Who is in the groups, and what each may do.
fn members(server: &Rehearsal) -> Vec<String> {
    let rows = export(server, "group_member", "relaxed");
    let mut all: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["group_id"], row["user_id"], row["role_level"]))
        .collect();
    all.sort();
    all
}

fn users(server: &Rehearsal) -> Vec<String> {
    let rows = export(server, "user", "relaxed");
    let people = rows.as_array().unwrap().iter().filter(|row| row["user_id"] != "imAdmin");
    let mut all: Vec<String> =
        people.map(|row| format!("{} {} {}", row["user_id"], row["nickname"], row["face_url"])).collect();
    all.sort();
    all
}

fn round_trip(release: &str, json: &str) {
    let old = lived_in(release);
    let dir = tempfile::tempdir().unwrap();
    let dump = dir.path().join("openim_v3");
    fs_err::create_dir(&dump).unwrap();
    for collection in ["msg", "user", "group", "group_member", "friend", "black", "seq_user", "conversation"]
    {
        fs_err::write(dump.join(format!("{collection}.json")), export(&old, collection, json).to_string())
            .unwrap();
    }
    let new = Rehearsal::start(&["--release", release, "--answer-time", "0s"]);
    run(dir.path(), &["init", "openim_v3"]);
    let checked = run(dir.path(), &["check", "--release", release]);
    assert!(checked.contains("1 recalled") || checked.contains("recalled"), "{checked}");
    let usual = ["--api", &new.url, "--release", release, "--allow", "retention", "--quiet"];
    run(dir.path(), &[&["run", "--provision"], &usual[..]].concat());
    run(
        dir.path(),
        &["mark-read", "--positions", "import.job/read-positions.jsonl", "--api", &new.url, "--quiet"],
    );
    new.control("/_rehearsal/settle", Some(&Value::Null));
    for (conversation, least) in [("si_ann_cem_x", 7), ("sg_team", 7), ("sg_quiet", 1)] {
        let (before, after) = (said(&old, conversation), said(&new, conversation));
        assert!(before.len() >= least, "{before:?}");
        assert_eq!(after, before, "{conversation}");
    }
    assert_eq!(members(&new), members(&old));
    assert_eq!(users(&new), users(&old));
    assert_eq!(set(&new), set(&old));
    assert_eq!(set(&old).len(), 4 + 1 + 2 + 3, "{:?}", set(&old));
    assert_eq!((muted(&new), muted(&old).len()), (muted(&old), 1));
    assert_eq!(unread(&new), unread(&old));
    // Again: all of it is there, and nothing leaves another notice.
    let logs = || ["si_ann_cem_x", "sg_team", "sg_quiet"].map(|conversation| new.log(conversation).len());
    let before = logs();
    let again = run(dir.path(), &["provision", "--stage", "after", "--api", &new.url]);
    assert!(again.contains("mutes: 2 there already") && !again.contains(" made"), "{again}");
    new.control("/_rehearsal/settle", Some(&Value::Null));
    assert_eq!(logs(), before);
}

#[test]
fn logs_people_members_and_unread_counts_are_the_same_afterwards() {
    round_trip("3.8.3", "relaxed");
}

#[test]
fn and_on_the_next_release_from_canonical_json() {
    round_trip("main", "canonical");
}
