//! Pictures of users and groups whose addresses lie elsewhere.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{objects, opened, run_in, samples, whole};
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

fn face(server: &Rehearsal, user: &str) -> String {
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
    let words = "1 move with them, 1 can't be had and keep the address they have";
    assert!(ended.said.contains(words), "{}", ended.said);
    let moved = face(&server, "U1");
    assert!(moved.starts_with(&server.url), "{moved}: {}", ended.said);
    assert_eq!(opened(&moved), picture);
    assert_eq!((face(&server, "U3"), face(&server, "U2")), (moved, format!("{album}/gone.png")));
    // That one, and what was written to try it.
    assert_eq!(objects(&server)["objects"].as_array().unwrap().len(), 2);
    assert_eq!(run_in(dir.path(), &["verify", "--media", "--api", &server.url]).code, 0);

    // Nobody asked to fetch anything.
    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    export(dir.path());
    assert_eq!(whole(dir.path(), &server, &[]).code, 0);
    assert_eq!(face(&server, "U1"), format!("{album}/ann.png"));
}
