//! The canary shows everything there is to see, and is the same every time.

use std::collections::BTreeSet;

use openim_importer::before::{Kind, canary};
use openim_importer::message::{ContentType, Message, Peer, Release};

use super::world::{FIRST, World, message};

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_every_kind() {
    let world = World::new(Release::Main).await;
    let names: Vec<String> = (0..300).map(|n| format!("u{n}")).collect();
    let mut messages: Vec<Message<'_>> = Vec::new();
    // 300 pairs and groups, of 1 to 12 messages; one giant of each kind; one in which somebody writes to himself.
    for (n, name) in names.iter().enumerate() {
        let peer = if n % 3 == 0 { Peer::Group(name.as_str().into()) } else { Peer::User("hub".into()) };
        let at = FIRST + i64::try_from(n).unwrap() * 1_000;
        messages.extend((0..=(n % 12)).map(|i| message(name, peer.clone(), at + i64::try_from(i).unwrap())));
    }
    messages.extend((0..10_001).map(|i| message("u1", Peer::Group("giant".into()), FIRST + i)));
    messages.extend((0..150).map(|i| message("u1", Peer::User("u2".into()), FIRST + i)));
    messages.push(message("u5", Peer::User("u5".into()), FIRST));
    // Every content type, each in a conversation of its own among the many.
    for (n, (code, content)) in CONTENT.iter().enumerate() {
        messages.push(Message {
            content_type: *code,
            content: (*content).into(),
            ..message(&names[n * 3 + 1], Peer::User("hub".into()), FIRST - 5)
        });
    }
    let job = world.job_of(&messages);
    let chosen = canary(&job, 20).unwrap();
    assert_eq!(chosen.conversations.len(), 20);
    let shown: BTreeSet<String> = chosen.kinds.iter().map(ToString::to_string).collect();
    let expected = [
        "single below 10 messages",
        "single below 100",
        "single below 10,000",
        "group below 10 messages",
        "group below 100",
        "group 10,000 and more",
        "to oneself",
        "type 101",
        "type 102",
        "type 103",
        "type 104",
        "type 105",
        "type 106",
        "type 110",
    ];
    assert_eq!(shown, expected.map(str::to_owned).into());
    assert_eq!(canary(&job, 20).unwrap(), chosen);
    let all = canary(&job, 1_000).unwrap();
    assert!(all.kinds.is_superset(&chosen.kinds) && all.conversations.is_superset(&chosen.conversations));
    assert!(all.kinds.contains(&Kind::Type(ContentType::Custom)));
    assert_eq!(canary(&job, 0).unwrap().conversations.len(), 0);
}

const CONTENT: [(i32, &str); 6] = [
    (102, r#"{"sourcePicture":{},"bigPicture":{},"snapshotPicture":{}}"#),
    (103, r#"{"sourceUrl":"http://x","duration":1}"#),
    (104, r#"{"videoUrl":"http://x"}"#),
    (105, r#"{"sourceUrl":"http://x"}"#),
    (106, r#"{"text":"@a","atUserList":["a"]}"#),
    (110, r#"{"data":"{}"}"#),
];
