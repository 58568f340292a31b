//! Pictures of users and groups whose addresses lie elsewhere.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Ended, objects, opened, run_in, samples, whole};
use crate::support::{Rehearsal, as_admin};

/// Serves one picture; everything else is not found.
fn album(picture: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 1024];
            let n = stream.read(&mut head).unwrap_or_default();
            let (status, body) = if String::from_utf8_lossy(&head[..n]).starts_with("GET /ann.png ") {
                ("200 OK", &picture[..])
            } else {
                ("404 Not Found", &b"gone"[..])
            };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(body)));
        }
    });
    format!("http://{address}")
}

pub(super) fn face(server: &Rehearsal, user: &str) -> String {
    let answer = as_admin(&server.url, "/user/get_users_info", &json!({ "userIDs": [user] }));
    answer["data"]["usersInfo"][0]["faceURL"].as_str().unwrap().to_owned()
}

#[test]
fn faces_behind_links_move_where_links_are_fetched_and_else_stay() {
    let picture = samples::png(96, 96, 7);
    let album = album(picture.clone());
    let export = |dir: &std::path::Path| {
        let user = |id: &str, file: &str| json!({ "id": id, "name": id, "profile": { "image_72": format!("{album}/{file}") } });
        // Two have the same picture, and one a picture that is there no more.
        let users = [user("U1", "ann.png"), user("U2", "gone.png"), user("U3", "ann.png")];
        let message = |user: &str, n: u32| json!({ "type": "message", "user": user, "ts": format!("17000000{n:02}.000100"), "text": "hi" });
        let put = |name: &str, value: Value| {
            let path = dir.join("export").join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, value.to_string()).unwrap();
        };
        put("users.json", json!(users));
        put("channels.json", json!([{ "id": "C1", "name": "all", "members": ["U1", "U2", "U3"] }]));
        put("all/2023-11-14.json", json!([message("U1", 1), message("U2", 2), message("U3", 3)]));
        let text = "sources = [\"export\"]\n[format]\nname = \"slack\"\n[media]\nallow_private = true\n";
        fs_err::write(dir.join("import.toml"), text).unwrap();
    };

    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    export(dir.path());
    let ended = whole(dir.path(), &server, &["--fetch"]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let words = "1 move with them, 1 can't be had and keep the address they have, if they have one";
    assert!(ended.said.contains(words), "{}", ended.said);
    let moved = face(&server, "U1");
    assert!(moved.starts_with(&server.url), "{moved}: {}", ended.said);
    assert_eq!(opened(&moved), picture);
    assert_eq!((face(&server, "U3"), face(&server, "U2")), (moved, format!("{album}/gone.png")));
    // That one, and what was written to try it.
    assert_eq!(objects(&server)["objects"].as_array().unwrap().len(), 2);
    assert_eq!(run_in(dir.path(), &["verify", "--media", "--api", &server.url]).code, 0);

    // What was fetched by one command is not lost by the next, which fetches nothing.
    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    export(dir.path());
    let first = run_in(dir.path(), &["media", "--fetch", "--quiet", "--api", &server.url]);
    assert_eq!(first.code, 0, "{}", first.said);
    let ended = whole(dir.path(), &server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let moved = face(&server, "U1");
    assert!(moved.starts_with(&server.url), "{moved}: {}", ended.said);
    assert_eq!(face(&server, "U2"), format!("{album}/gone.png"));

    // Nobody asked to fetch anything.
    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    export(dir.path());
    assert_eq!(whole(dir.path(), &server, &[]).code, 0);
    assert_eq!(face(&server, "U1"), format!("{album}/ann.png"));
}

/// An object whose members stand in this order.
fn document(members: &[(&str, Value)]) -> Vec<u8> {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// An export whose pictures lie in it: what the format is called, its files, a user of it and his picture, a group and its
/// picture, if the format has any.
struct Album {
    format: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    user: (&'static str, Vec<u8>),
    group: Option<(&'static str, Vec<u8>)>,
}

/// Pictures that are files of the export.
fn as_files(ann: &[u8], icon: &[u8]) -> Vec<Album> {
    let author =
        |id: &str, file: &str| json!({ "id": id, "name": id, "avatarUrl": format!("all_Files/{file}") });
    let discord = json!({
        "guild": { "id": "1", "name": "Acme", "iconUrl": "all_Files/icon.png" },
        "channel": { "id": "901", "type": "GuildTextChat", "name": "general" }, "dateRange": {},
        "messages": [
            { "id": "11", "type": "Default", "timestamp": "2024-01-01T00:00:00+00:00", "content": "a", "author": author("u1", "ann.png") },
            { "id": "12", "type": "Default", "timestamp": "2024-01-01T00:01:00+00:00", "content": "b", "author": author("u2", "../../import.toml") },
            { "id": "13", "type": "Default", "timestamp": "2024-01-01T00:02:00+00:00", "content": "c", "author": author("u3", "gone.png") },
        ],
    });
    let realm = json!({
        "zerver_realm": [{ "id": 2 }], "zerver_userprofile": [{ "id": 8, "full_name": "Ann" }], "zerver_stream": [{ "id": 5, "name": "all" }],
        "zerver_recipient": [{ "id": 23, "type_id": 5, "type": 2 }], "zerver_subscription": [{ "user_profile": 8, "recipient": 23, "active": true }],
    });
    let message = json!({ "zerver_message": [{ "id": 1, "sender": 8, "recipient": 23, "date_sent": 1_700_000_001.5, "content": "a", "subject": "" }], "zerver_usermessage": [] });
    let records = json!([{ "user_profile_id": 8, "path": "2/a.png" }, { "user_profile_id": 8, "path": "2/a-medium.png" }]);
    let mattermost = [
        json!({ "type": "version", "version": 1 }),
        json!({ "type": "user", "user": { "username": "ann", "profile_image": "users/1/profile.png" } }),
        json!({ "type": "post", "post": { "team": "t", "channel": "all", "user": "ann", "message": "a", "create_at": 1_700_000_000_001_u64 } }),
    ];
    let lines: Vec<String> = mattermost.iter().map(|line| format!("{line}\n")).collect();
    let of = |format, files: &[(&'static str, &[u8])], user, group: Option<&'static str>| Album {
        format,
        files: files.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect(),
        user: (user, ann.to_vec()),
        group: group.map(|group| (group, icon.to_vec())),
    };
    let json = |value: &Value| value.to_string().into_bytes();
    vec![
        of(
            "discord",
            &[("all.json", &json(&discord)), ("all_Files/ann.png", ann), ("all_Files/icon.png", icon)],
            "u1",
            Some("901"),
        ),
        of(
            "zulip",
            &[
                ("realm.json", &json(&realm)),
                ("messages-000001.json", &json(&message)),
                ("avatars/records.json", &json(&records)),
                ("avatars/2/a.png", ann),
            ],
            "8",
            None,
        ),
        of(
            "mattermost",
            &[("import.jsonl", lines.concat().as_bytes()), ("data/users/1/profile.png", ann)],
            "ann",
            None,
        ),
    ]
}

/// Pictures that stand in the records.
fn as_text(ann: &[u8], icon: &[u8]) -> Vec<Album> {
    let data = |picture: &[u8]| format!("data:image/png;base64,{}", STANDARD.encode(picture));
    let (user, group) = (("u1", ann.to_vec()), |id| Some((id, icon.to_vec())));
    let meta = json!({ "name": "club", "platform": "line", "type": "group", "groupId": "77", "groupAvatar": data(icon) });
    let members = json!([
        { "platformId": "u1", "accountName": "Ann", "avatar": data(ann) },
        { "platformId": "u2", "accountName": "Bob", "avatar": "data:image/png;base64,?" },
    ]);
    let messages = json!([
        { "sender": "u1", "timestamp": 1_700_000_001, "type": 0, "content": "a" },
        { "sender": "u2", "timestamp": 1_700_000_002, "type": 0, "content": "b" },
    ]);
    let chatlab =
        document(&[("chatlab", json!({})), ("meta", meta), ("members", members), ("messages", messages)]);
    let session =
        json!({ "wxid": "5@chatroom", "displayName": "club", "type": "群聊", "avatar": data(icon) });
    let messages = json!([{ "localId": 1, "createTime": 1_700_000_001, "type": "文本消息", "content": "a", "isSend": 0, "senderUsername": "u1" }]);
    let avatars = json!({ "u1": data(ann), "nobody": data(icon) });
    let wechat = document(&[("session", session), ("messages", messages), ("avatars", avatars)]);
    let manifest = json!({ "metadata": {}, "chatInfo": { "name": "club", "type": "group", "selfUin": "9", "peerUin": "55", "avatar": data(icon) } });
    let line = json!({ "id": "1", "timestamp": 1_700_000_000_001_u64, "sender": { "uin": "u1", "name": "Ann" }, "content": { "text": "a" } });
    let json = |value: Value| value.to_string().into_bytes();
    let qq = vec![
        ("manifest.json", json(manifest)),
        ("chunks/1.jsonl", json(line)),
        ("avatars.json", json(json!({ "u1": data(ann) }))),
    ];
    vec![
        Album { format: "chatlab", files: vec![("a.json", chatlab)], user: user.clone(), group: group("77") },
        Album { format: "wechat", files: vec![("a.json", wechat)], user: user.clone(), group: None },
        Album { format: "qq", files: qq, user, group: group("55") },
    ]
}

/// A whole run of it, with files or without.
fn import(album: &Album, server: &Rehearsal, dir: &Path, more: &[&str]) -> Ended {
    for (name, bytes) in &album.files {
        let path = dir.join("export").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }
    let text = format!("sources = [\"export\"]\n[format]\nname = \"{}\"\n", album.format);
    fs_err::write(dir.join("import.toml"), text).unwrap();
    let usual = ["run", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
    run_in(dir, &[&usual, more].concat())
}

#[test]
fn faces_that_lie_in_the_export_move_whatever_the_format() {
    let (ann, icon) = (samples::png(64, 64, 3), samples::png(80, 80, 5));
    for album in as_files(&ann, &icon).into_iter().chain(as_text(&ann, &icon)) {
        let format = album.format;
        let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
        let ended = import(&album, &server, dir.path(), &["--media"]);
        assert_eq!(ended.code, 0, "{format}: {}", ended.said);
        let (user, picture) = &album.user;
        let moved = face(&server, user);
        assert!(moved.starts_with(&server.url), "{format}: `{moved}`: {}", ended.said);
        assert!(opened(&moved) == *picture, "{format}");
        if let Some((group, picture)) = &album.group {
            let answer = as_admin(&server.url, "/group/get_groups_info", &json!({ "groupIDs": [group] }));
            let moved = answer["data"]["groupInfos"][0]["faceURL"].as_str().unwrap_or_default();
            assert!(moved.starts_with(&server.url), "{format}: {answer}: {}", ended.said);
            assert!(opened(moved) == *picture, "{format}");
        }
        if format == "discord" {
            // One leads out of the export, one is not there.
            assert!(ended.said.contains("2 move with them, 2 can't be had"), "{}", ended.said);
            assert_eq!((face(&server, "u2"), face(&server, "u3")), (String::new(), String::new()));
        }
        // As a process leaves it that is killed while files are fetched.
        fs_err::create_dir_all(dir.path().join("import.job/fetched-old/x")).unwrap();
        let again = run_in(dir.path(), &["media", "--api", &server.url]);
        assert_eq!(again.code, 0, "{format}: {}", again.said);
        let left = fs_err::read_dir(dir.path().join("import.job")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!left.iter().any(|name| name.starts_with("fetched-")), "{format}: {left:?}");

        // Without files no address is made up.
        let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
        let ended = import(&album, &server, dir.path(), &[]);
        assert_eq!((ended.code, face(&server, user)), (0, String::new()), "{format}: {}", ended.said);
    }
}
