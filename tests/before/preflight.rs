//! Each finding of the preflight, provoked on a server, with its words.

use std::time::Duration;

use openim_importer::before::{Allowed, Depth, Looks, Patience, Preflight, preflight, text};
use openim_importer::job::JobReader;
use openim_importer::message::{Message, Peer, Release};
use openim_importer::openim::{Client, Login, Settings};
use openim_importer::rehearsal::Options;
use serde_json::json;

use super::world::{BOTH, FIRST, World, message};

const NOW: fn() -> i64 = || jiff::Timestamp::now().as_millisecond();

async fn look(client: &Client, job: Option<&JobReader>) -> Preflight {
    look_with(client, job, |_| {}).await
}

async fn look_with(
    client: &Client,
    job: Option<&JobReader>,
    change: impl FnOnce(&mut Looks<'_>),
) -> Preflight {
    let mut looks = Looks::new(job);
    looks.watch = Duration::ZERO;
    looks.patience = Patience { at_once: 4, again: 1 };
    change(&mut looks);
    preflight(client, &looks).await.unwrap()
}

fn names(found: &Preflight) -> Vec<&'static str> {
    found.findings.iter().map(|finding| finding.code.name).collect()
}

/// The words of one finding; it must have been found.
fn words(found: &Preflight, name: &str) -> String {
    let finding = found.findings.iter().find(|finding| finding.code.name == name);
    let finding = finding.unwrap_or_else(|| panic!("no {name} among {:?}", names(found)));
    text(finding, &Allowed::default())
}

/// What was seen, as it reads.
fn seen(found: &Preflight, name: &str) -> String {
    let words = words(found, name);
    let line = words.lines().find_map(|line| line.trim_start().strip_prefix("seen: "));
    line.map(str::to_owned).unwrap_or_default()
}

/// Not long ago: nothing for the night job.
fn recent(world: &World, messages: &[(&str, &str)]) -> JobReader {
    let start = NOW() - 3_600_000;
    let messages: Vec<_> = messages
        .iter()
        .zip(0..)
        .map(|((sender, to), n)| {
            let peer =
                to.strip_prefix('#').map_or(Peer::User((*to).into()), |group| Peer::Group(group.into()));
            message(sender, peer, start + n)
        })
        .collect();
    world.job_of(&messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stands_against_a_server_that_is_ready() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b"]).await;
        world.call("/group/create_group", group("g", "a", &["b"])).await;
        let job = recent(&world, &[("a", "b"), ("b", "a"), ("b", "#g")]);
        let found = look(&world.client, Some(&job)).await;
        let expected = match release {
            Release::V3_8_3 => vec!["settings-unknown", "no-backup"],
            Release::Main => vec!["no-backup"],
        };
        assert_eq!(names(&found), expected, "{release}: {:#?}", found.findings);
        assert_eq!(found.facts.server.release_seen, Some(release));
        assert!(found.findings.iter().all(|finding| !Allowed::default().refuses(finding)));
        assert_eq!(world.log_length(), 0, "the preflight changed something");
    }
}

fn group(id: &str, owner: &str, members: &[&str]) -> serde_json::Value {
    json!({
        "memberUserIDs": members, "adminUserIDs": [], "ownerUserID": owner, "sendMessage": false,
        "groupInfo": { "groupID": id, "groupName": id, "groupType": 2 },
    })
}

/// Answers every call with the same body.
async fn answering(body: &'static str) -> String {
    answering_with(move |_| body).await
}

/// Answers a call by its bytes.
async fn answering_with(answer: impl Fn(&str) -> &'static str + Clone + Send + Sync + 'static) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                    let body = answer(&String::from_utf8_lossy(&buffer[..n]));
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    url
}

fn client_at(url: &str) -> Client {
    let login = Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    Client::new(&Settings::new(url, login)).unwrap()
}

#[tokio::test]
async fn what_is_no_openim() {
    let found = look(&client_at(&answering("<html>welcome</html>").await), None).await;
    assert_eq!(names(&found), ["not-openim"]);
    insta::assert_snapshot!(words(&found, "not-openim"));
}

/// Answers every call as if it had asked for a token.
const TOKEN: &str = r#"{"errCode":0,"errMsg":"","errDlt":"","data":{"token":"a.b.c"}}"#;

#[tokio::test]
async fn a_server_that_leaves_questions_open() {
    let found = look(&client_at(&answering(TOKEN).await), None).await;
    assert!(seen(&found, "could-not-look").starts_with("its clock: "), "{:?}", found.findings);
    assert!(names(&found).contains(&"settings-unknown"));
}

#[tokio::test]
async fn a_release_that_nobody_knows() {
    let url = answering_with(|request| {
        if request.contains(r#"{"checkUserIDs":[]}"#) {
            r#"{"errCode":1234,"errMsg":"Odd","errDlt":""}"#
        } else {
            TOKEN
        }
    });
    let found = look(&client_at(&url.await), None).await;
    assert_eq!(seen(&found, "release-unclear"), "taken for 3.8.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_token() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["u1"]).await;
        let found = look(&world.client_of("u1").await, None).await;
        assert!(names(&found).contains(&"not-admin"), "{:?}", names(&found));
        assert_eq!(seen(&found, "not-admin"), "admin user `imAdmin`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_no_finding_but_a_failed_login() {
    let world = World::new(Release::V3_8_3).await;
    let login = Login::Secret { secret: "wrong".into(), admin_user: "imAdmin".into() };
    let client = Client::new(&Settings::new(world.server.url(), login)).unwrap();
    let error = preflight(&client, &Looks::new(None)).await.unwrap_err().to_string();
    assert!(error.contains("refuses the secret") && !error.contains("wrong"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_release_than_was_said() {
    for (release, said) in [(Release::V3_8_3, Release::Main), (Release::Main, Release::V3_8_3)] {
        let world = World::new(release).await;
        let found = look_with(&world.client, None, |looks| looks.release = Some(said)).await;
        assert!(
            seen(&found, "release-differs").starts_with(&format!("{said} was said, it answers as {release}"))
        );
        let found = look_with(&world.client, None, |looks| looks.release = Some(release)).await;
        assert!(!names(&found).contains(&"release-differs"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_disagree() {
    let world = World::new(Release::V3_8_3).await;
    world.server.advance_clock(90_000);
    let found = look(&world.client, None).await;
    // Known to half the time that the answer took, so the seconds are left to `before::assess`.
    let said = seen(&found, "clock-differs");
    assert!(said.starts_with("the server is 1 min ") && said.ends_with(" s ahead of this machine"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_good_for_a_moment_only() {
    use base64::Engine as _;
    let claims = json!({ "UserID": "imAdmin", "PlatformID": 10, "exp": NOW() / 1000 + 590 }).to_string();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
    let login = Login::Token { token: format!("eyJh.{claims}.sig").into(), admin_user: "imAdmin".into() };
    let url = answering(TOKEN).await;
    let client = Client::new(&Settings::new(url, login)).unwrap();
    let found = look(&client, None).await;
    // The seconds are what this machine took to get here.
    let said = seen(&found, "token-expires");
    assert!(
        said.starts_with("good for 9 min ") && said.ends_with(" s more; 1 h 00 min may be needed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_groups_that_are_missing() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b"]).await;
        world.call("/group/create_group", group("g", "a", &[])).await;
        let job = recent(&world, &[("a", "b"), ("ghost", "b"), ("a", "#g"), ("b", "#g"), ("a", "#nowhere")]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(seen(&found, "missing-users"), "1 of 3 users: ghost", "{release}");
        assert_eq!(seen(&found, "missing-groups"), "1 of 2 groups: nowhere");
        assert_eq!(seen(&found, "not-members"), "1 of 2 senders in groups: b in g");
        for name in ["missing-users", "missing-groups", "not-members"] {
            assert!(words(&found, name).contains("provision"), "{}", words(&found, name));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_blocked_whom() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "c"]).await;
        world.client.add_black("b", "a").await.unwrap();
        // Who blocks may still write to whom he blocked: that is no finding.
        world.client.add_black("c", "b").await.unwrap();
        let job = recent(&world, &[("a", "b"), ("b", "a"), ("c", "b")]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(seen(&found, "blocked"), "1 of 3 pairs of receiver and sender: b blocks a", "{release}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_members_that_may_not_write() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b"]).await;
        for id in ["gone", "still", "mute"] {
            world.call("/group/create_group", group(id, "a", &["b"])).await;
        }
        world.call("/group/dismiss_group", json!({ "groupID": "gone", "sendMessage": false })).await;
        world.call("/group/mute_group", json!({ "groupID": "still" })).await;
        world
            .call(
                "/group/mute_group_member",
                json!({ "groupID": "mute", "userID": "b", "mutedSeconds": 600 }),
            )
            .await;
        let job = recent(&world, &[("b", "#gone"), ("b", "#still"), ("b", "#mute"), ("a", "#mute")]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(seen(&found, "group-dismissed"), "1 of 3 groups: gone", "{release}");
        assert_eq!(seen(&found, "group-muted"), "1 of 3 groups: still");
        assert_eq!(seen(&found, "member-muted"), "1 of 3 senders in groups: b in mute");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_collide() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "x", "y_z", "x_y", "z"]).await;
        world.call("/group/create_group", group("a_b", "x", &[])).await;
        let job = recent(&world, &[("b", "a"), ("x", "y_z")]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(
            seen(&found, "name-collision"),
            "1 of 2 pairs of users: group a_b and users a, b",
            "{release}"
        );
        assert_eq!(
            seen(&found, "name-collision-possible"),
            "1 of 1 names with `_`: users x_y, z and si_x_y_z"
        );
        let job = recent(&world, &[("x", "#a_b")]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(seen(&found, "name-collision-possible"), "1 of 1 names with `_`: users a, b and sg_a_b");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_night_would_take() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b"]).await;
        let old = (0..250).map(|n| message("a", Peer::User("b".into()), FIRST + n));
        let new = std::iter::once(message("a", Peer::User("b".into()), NOW()));
        let job = world.job_of(&old.chain(new).collect::<Vec<_>>());
        let found = look(&world.client, Some(&job)).await;
        let told = match release {
            Release::V3_8_3 => "it doesn't tell; the default is 365 days",
            Release::Main => "it keeps 365 days (cron `0 2 * * *`)",
        };
        let seen = seen(&found, "retention");
        let expected = format!(
            "{told}; 200 messages in 1 conversation would be deleted at the next run; the oldest is "
        );
        assert!(seen.starts_with(&expected), "{seen}");
    }
}

/// Older ones that came with a later pass stand behind newer ones, and take them along.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_night_would_hide() {
    let world = World::new(Release::Main).await;
    world.register(&["a", "b"]).await;
    let to = |time| message("a", Peer::User("b".into()), time);
    let new: Vec<_> = (0..100).map(|n| to(NOW() - 3_600_000 + n)).collect();
    let old: Vec<_> = (0..150).map(|n| to(FIRST + n)).collect();
    let job = world.job_of_passes(&[&new, &old]);
    let found = look(&world.client, Some(&job)).await;
    let seen = seen(&found, "retention");
    let expected = "150 messages in 1 conversation would be deleted at the next run, and 100 newer ones would be \
                    hidden with them; the oldest is ";
    assert!(seen.contains(expected), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_bear_on_an_import() {
    let world = World::with(Options {
        friend_verify: true,
        webhooks: vec!["AfterSendSingleMsg".into(), "BeforeMsgModify".into()],
        faults: vec!["rate-limit:per-second=1000000".parse().unwrap()],
        ..Options::fast(Release::Main)
    })
    .await;
    world.register(&["a", "b"]).await;
    let job = recent(&world, &[("a", "b")]);
    let found = look(&world.client, Some(&job)).await;
    assert_eq!(seen(&found, "friend-check"), "`friendVerify` is on, 1 single conversations");
    assert_eq!(seen(&found, "webhooks"), "afterSendSingleMsg, beforeMsgModify");
    assert_eq!(seen(&found, "rate-limiter"), "`ratelimiter.enable` is on");
    // 3.8.3 doesn't tell: it is said what to look up.
    let world = World::new(Release::V3_8_3).await;
    let found = look(&world.client, None).await;
    for setting in ["retainChatRecords", "webhooks.yml", "friendVerify", "ratelimiter"] {
        assert!(seen(&found, "settings-unknown").contains(setting), "{:?}", found.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_hold_messages_and_move() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "c"]).await;
        world.send("a", "c", NOW()).await;
        let job = recent(&world, &[("a", "b"), ("c", "a")]);
        let looking = look_with(&world.client, Some(&job), |looks| looks.watch = Duration::from_secs(1));
        // Between the two looks, whenever they come.
        let talking = async {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                world.send("b", "a", NOW()).await;
            }
        };
        let found = tokio::select! {
            found = looking => found,
            () = talking => unreachable!("they never stop talking"),
        };
        let newer = seen(&found, "would-not-scroll");
        assert!(newer.contains("si_a_c (newest from a)"), "{release}: {newer}");
        let moving = seen(&found, "live-traffic");
        assert!(moving.starts_with("1 of 2 conversations in ") && moving.ends_with(": si_a_b"), "{moving}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_alone_and_words_older_than_the_history() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "c"]).await;
        world.client.import_friends("a", &["b"]).await.unwrap();
        world.send("c", "a", FIRST - 1).await;
        let job = world.job(&["a>b", "b>a", "a>c"]);
        let found = look(&world.client, Some(&job)).await;
        let notices = &found.facts.conversations.notices;
        assert_eq!(notices.len(), 1, "{release}: {:?}", found.findings);
        assert_eq!(notices[0].conversation, "si_a_b");
        assert!(!names(&found).contains(&"would-not-scroll"), "{:?}", found.findings);
        assert!(seen(&found, "not-empty").contains("si_a_c"));
        assert_eq!(world.server.audit().total.hidden, 0, "read too early (law 3)");
        // Cut off, nothing of them is read any more.
        world.client.cut(&notices[0].user, "si_a_b").await.unwrap();
        assert!(world.server.log("si_a_b").iter().all(|entry| entry.cut));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_there_already() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "c"]).await;
        let start = NOW() - 3_600_000;
        let ours = |sender, to: &'static str, n| message(sender, Peer::User(to.into()), start + n);
        // The last of ours in one, nothing of ours in the other.
        world.send("b", "a", start + 2).await;
        world.send("a", "c", start + 3).await;
        let job = world.job_of(&[ours("a", "b", 1), ours("b", "a", 2), ours("c", "a", 4)]);
        let found = look(&world.client, Some(&job)).await;
        assert_eq!(
            seen(&found, "already-there"),
            "1 of 2 conversations that hold messages: si_a_b",
            "{release}"
        );
        assert!(seen(&found, "not-empty").starts_with("1 of 2 conversations: "), "{release}");
        let words = words(&found, "already-there");
        assert!(words.contains("adopt") && !words.contains("--allow"), "{words}");
        assert_eq!(world.server.audit().total.hidden, 0, "read too early (law 3)");
    }
}

/// A backup can't be seen: it is asked for every time.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_thought_of() {
    let world = World::new(Release::Main).await;
    let found = look(&world.client, None).await;
    insta::assert_snapshot!(words(&found, "no-backup"), @"
    warning no-backup: whether there is a backup of the server can't be seen from here
        mend: back up MongoDB before the first message (`mongodump`); `undo` takes back what was imported, and nothing else
    ");
}

/// What a history needs of memory and disk, on a job of that size: a gigabyte is written.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes a gigabyte; how it reads is shown in src/before/assess/tests.rs too"]
async fn room_for_a_gigabyte() {
    let world = World::new(Release::Main).await;
    world.register(&["a", "b"]).await;
    let text = format!(r#"{{"content":"{}"}}"#, "x".repeat(1_000_000));
    let one = |n| Message {
        content: text.as_str().into(),
        ..message("a", Peer::User("b".into()), NOW() - 3_600_000 + n)
    };
    let messages: Vec<Message<'_>> = (0..1_100).map(one).collect();
    let job = world.job_of(&messages);
    let found = look(&world.client, Some(&job)).await;
    let redis = seen(&found, "redis-memory");
    assert!(redis.starts_with("about 1.0 GiB for 1,100 messages at "), "{redis}");
    let disk = seen(&found, "disk-space");
    assert!(disk.starts_with("at most 1.0 GiB in MongoDB"), "{disk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_are_online() {
    for release in BOTH {
        let world = World::with(Options {
            faults: vec!["live-traffic:per-second=1".parse().unwrap()],
            ..Options::fast(release)
        })
        .await;
        world.register(&["a", "b"]).await;
        let job = recent(&world, &[("a", "b"), ("a", "ghost")]);
        let found = look(&world.client, Some(&job)).await;
        // Who isn't registered isn't asked about.
        assert!(seen(&found, "users-online").starts_with("2 of 2 users: "), "{release}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_run_looks_at_the_server_alone() {
    let world = World::new(Release::V3_8_3).await;
    let job = recent(&world, &[("ghost", "nobody")]);
    let found = look_with(&world.client, Some(&job), |looks| looks.depth = Depth::Server).await;
    assert!(!names(&found).contains(&"missing-users"));
    assert!(found.calls < 12, "{} calls", found.calls);
}

/// Half of the conversations pairs, half groups that share the other users; everything in order.
#[expect(clippy::print_stdout, reason = "figures, for who runs it at full size with --nocapture")]
async fn many(release: Release, users: usize, conversations: usize) {
    let world = World::new(release).await;
    let ids: Vec<String> = (0..users).map(|n| format!("u{n}")).collect();
    for ids in ids.chunks(2_000) {
        world.register(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let start = NOW() - 3_600_000;
    let (in_pairs, in_groups) = ids.split_at(conversations);
    let groups: Vec<String> = (0..conversations / 2).map(|n| format!("g{n}")).collect();
    let mut messages = Vec::new();
    for ((name, pair), members) in
        groups.iter().zip(in_pairs.chunks(2)).zip(in_groups.chunks(in_groups.len() / groups.len()))
    {
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        world.call("/group/create_group", group(name, members[0], &members[1..])).await;
        messages.extend(members.iter().map(|user| message(user, Peer::Group(name.as_str().into()), start)));
        messages.push(message(&pair[0], Peer::User(pair[1].as_str().into()), start));
    }
    let job = world.job_of(&messages);
    let began = std::time::Instant::now();
    let found = look(&world.client, Some(&job)).await;
    println!(
        "{release}: {users} users, {conversations} conversations: {} calls, {:.1?}",
        found.calls,
        began.elapsed()
    );
    let expected: &[&str] = match release {
        Release::V3_8_3 => &["settings-unknown", "no-backup"],
        Release::Main => &["no-backup"],
    };
    // At full size there is something to say about memory and limits.
    let mut found_names = names(&found);
    found_names.retain(|name| !matches!(*name, "not-all-looked-at" | "redis-memory"));
    assert_eq!(found_names, expected, "{:#?}", found.findings);
    let (u, c) = (users as u64, conversations as u64);
    // What the module says: pages of users, of conversations, and one call for each group, block list and
    // group looked at for mutes.
    let most =
        u / 1_000 + u / 500 + c / 100 * 2 + c / 500 + c / 2 + (c / 2).min(20_000) + (c / 2).min(2_000) + 40;
    assert!(found.calls <= most, "{} calls, {most} expected", found.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_grow_as_stated() {
    for release in BOTH {
        many(release, 4_000, 600).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "full size: minutes"]
async fn a_million_users_and_a_hundred_thousand_conversations() {
    many(Release::V3_8_3, 1_000_000, 100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_said() {
    let world = World::with(Options {
        users: openim_importer::rehearsal::Users::Auto,
        ..Options::fast(Release::Main)
    })
    .await;
    let start = NOW() - 3_600_000;
    let ids: Vec<String> = (0..2_010).map(|n| format!("g{n}")).collect();
    let job = world.job_of(
        &ids.iter().map(|id| message("a", Peer::Group(id.as_str().into()), start)).collect::<Vec<_>>(),
    );
    let found = look(&world.client, Some(&job)).await;
    assert_eq!(seen(&found, "not-all-looked-at"), "the mutes in 2,000 of 2,010 groups were looked at");
    let found = look_with(&world.client, Some(&job), |looks| looks.depth = Depth::Thorough).await;
    assert!(!names(&found).contains(&"not-all-looked-at"));
}
