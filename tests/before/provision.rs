//! Provisioning makes what is missing, leaves the rest alone, and can be killed anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use openim_importer::before::{
    Count, Files, Patience, Provision, ProvisionError, Provisioned, Stage, provision,
};
use openim_importer::job::JobReader;
use openim_importer::message::Release;
use openim_importer::openim::Client;

use super::world::{BOTH, World};

const PATIENCE: Patience = Patience { at_once: 8, again: 3 };

async fn run(
    client: &Client,
    job: Option<&JobReader>,
    files: &Files,
    stage: Stage,
    dry_run: bool,
) -> Result<(Provisioned, Vec<String>), ProvisionError> {
    carry_out(
        client,
        &Provision {
            job,
            files,
            stage: Some(stage),
            leave_former: false,
            senders_are_members: true,
            dry_run,
            patience: PATIENCE,
        },
    )
    .await
}

async fn carry_out(
    client: &Client,
    what: &Provision<'_>,
) -> Result<(Provisioned, Vec<String>), ProvisionError> {
    let mut steps = Vec::new();
    let done = provision(client, what, &mut |step| steps.push(step.to_string())).await?;
    Ok((done, steps))
}

/// Takes former members out.
async fn leave(client: &Client, job: &JobReader, files: &Files, dry_run: bool) -> (Provisioned, Vec<String>) {
    let what = Provision {
        job: Some(job),
        files,
        stage: None,
        leave_former: true,
        senders_are_members: true,
        dry_run,
        patience: PATIENCE,
    };
    carry_out(client, &what).await.unwrap()
}

fn made(n: u64) -> Count {
    Count { made: n, ..Count::default() }
}

fn there(n: u64) -> Count {
    Count { there: n, ..Count::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_messages_need_is_made_once_and_without_a_notice() {
    for release in BOTH {
        let world = World::new(release).await;
        let job = world.job(&["a>b", "b>a", "a>#g", "c>#g", "b>#h"]);
        let files = Files::default();
        let (done, steps) = run(&world.client, Some(&job), &files, Stage::Before, false).await.unwrap();
        assert_eq!(
            (done.users, done.groups, done.members),
            (made(3), made(2), made(3)),
            "{release} {steps:#?}"
        );
        assert_eq!(world.client.users_exist(&["a", "b", "c"]).await.unwrap(), [true; 3]);
        let members: BTreeSet<String> = world.client.members("g").await.unwrap().into_iter().collect();
        assert_eq!(members, BTreeSet::from(["a".into(), "c".into()]));
        assert_eq!(world.log_length(), 0, "a notice in a history on {release}");

        let (again, steps) = run(&world.client, Some(&job), &files, Stage::Before, false).await.unwrap();
        assert_eq!((again.made(), again.failed(), steps.len()), (0, 0, 0), "{release} {steps:#?}");
        assert_eq!((again.users, again.groups, again.members), (there(3), there(2), there(3)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_give_names_owners_and_roles_and_messages_add_to_them() {
    for release in BOTH {
        let world = World::new(release).await;
        let job = world.job(&["a>#g", "z>#g"]);
        let files = Files {
            users: Some(world.file("users.csv", "userID,nickname,faceURL\na,Anna,http://x/a.png\nidle,,\n")),
            groups: Some(world.file(
                "groups.jsonl",
                r#"{"groupID":"g","groupName":"The Board","ownerUserID":"boss","adminUserIDs":["a"],"memberUserIDs":["m1","m2","a","boss"]}"#,
            )),
            ..Files::default()
        };
        let (done, steps) = run(&world.client, Some(&job), &files, Stage::Before, false).await.unwrap();
        // a, idle; boss, m1, m2; z.
        assert_eq!((done.users.made, done.groups.made, done.failed()), (6, 1, 0), "{release} {steps:#?}");
        let users = world.client.users_info(&["a", "idle", "boss"]).await.unwrap();
        let names: BTreeMap<_, _> =
            users.iter().map(|u| (u.id.as_str(), (u.nickname.as_str(), u.face_url.as_str()))).collect();
        assert_eq!(names["a"], ("Anna", "http://x/a.png"));
        assert_eq!((names["idle"], names["boss"]), (("idle", ""), ("boss", "")));
        let group = &world.client.groups(&["g"]).await.unwrap()["g"];
        assert_eq!((group.name.as_str(), group.owner.as_str()), ("The Board", "boss"));
        let members: BTreeSet<String> = world.client.members("g").await.unwrap().into_iter().collect();
        assert_eq!(members, ["a", "boss", "m1", "m2", "z"].map(str::to_owned).into());
        let (list, _) = world.client.members_page("g", 1, 100).await.unwrap();
        let role = |user: &str| format!("{:?}", list.iter().find(|m| m.user == user).unwrap().role);
        assert_eq!((role("boss"), role("a"), role("z")), ("Owner".into(), "Admin".into(), "Member".into()));
        assert_eq!(world.log_length(), 0);
        let (again, steps) = run(&world.client, Some(&job), &files, Stage::Before, false).await.unwrap();
        assert_eq!(again.made(), 0, "{release} {steps:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_and_block_lists_come_after_and_once() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "b", "c", "d"]).await;
        let files = Files {
            // The same friendship from both sides, and once more; somebody who isn't there; oneself.
            friends: Some(
                world.file("friends.csv", "ownerUserID,friendUserIDs\na,b;c\nb,a\na,b\nd,ghost d\n"),
            ),
            blacks: Some(world.file("blacks.jsonl", r#"{"ownerUserID":"a","blackUserIDs":["d","d","b"]}"#)),
            ..Files::default()
        };
        let (before, _) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
        assert_eq!((before.made(), before.failed(), world.log_length()), (0, 0, 0));

        let (done, steps) = run(&world.client, None, &files, Stage::After, false).await.unwrap();
        assert_eq!(
            (done.friends, done.blacks),
            (Count { there: 0, made: 2, failed: 1 }, made(2)),
            "{steps:#?}"
        );
        assert!(steps.iter().any(|step| step.starts_with("friends d and ghost: ")), "{steps:#?}");
        let friends: BTreeSet<String> = world.client.friends("a").await.unwrap().into_iter().collect();
        assert_eq!(friends, ["b", "c"].map(str::to_owned).into());
        world.server.settle().await;
        let notices = world.log_length();
        let (again, steps) = run(&world.client, None, &files, Stage::After, false).await.unwrap();
        assert_eq!((again.friends.there, again.blacks, again.made()), (2, there(2), 0), "{steps:#?}");
        world.server.settle().await;
        assert_eq!(world.log_length(), notices, "a friendship that was there left another message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mutes_pins_and_bells_come_after_and_once() {
    for release in BOTH {
        let world = World::new(release).await;
        let job = world.job(&["a>#g", "b>#g"]);
        run(&world.client, Some(&job), &Files::default(), Stage::Before, false).await.unwrap();
        let message = serde_json::json!({ "sendID": "a", "groupID": "g", "senderPlatformID": 1, "contentType": 101,
            "sessionType": 3, "content": { "content": "x" }, "sendTime": 1_700_000_000_000_i64 });
        world.call("/msg/send_msg", message).await;
        world.server.settle().await;
        let files = Files {
            // A group, a member for ever, one whose time is over, one who is not in it, and a group that is not there.
            mutes: Some(world.file("mutes.csv", "groupID,userID,muteEndTime\ng,,\ng,b,\ng,a,1000\ng,ghost,\nnone,,\n")),
            settings: Some(world.file(
                "settings.jsonl",
                "{\"userID\":\"a\",\"groupID\":\"g\",\"isPinned\":true,\"recvMsgOpt\":2}\n{\"userID\":\"a\",\"peerID\":\"b\",\"isPinned\":true}\n{\"userID\":\"b\",\"isPinned\":true}\n",
            )),
            ..Files::default()
        };
        let (before, _) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
        assert_eq!((before.made(), before.failed()), (0, 0));
        let (planned, announced) = run(&world.client, None, &files, Stage::After, true).await.unwrap();
        let (done, steps) = run(&world.client, None, &files, Stage::After, false).await.unwrap();
        assert_eq!(announced, steps, "{release}");
        assert_eq!((planned.mutes, planned.settings), (done.mutes, done.settings));
        let some = Count { there: 0, made: 2, failed: 2 };
        assert_eq!((done.mutes, done.settings), (some, Count { made: 1, ..some }), "{release} {steps:#?}");
        let said = steps.join("\n");
        for words in [
            "sg_g of a: pinned, no notifications",
            "group g muted",
            "b muted in group g",
            "ghost muted in group g: not in the group",
            "group none muted: the group is not there",
            "si_a_b of a: pinned: there is no such conversation",
            "`peerID` or `groupID`",
        ] {
            assert!(said.contains(words), "{words}\n{said}");
        }
        world.server.settle().await;
        let notices = world.log_length();
        let (again, steps) = run(&world.client, None, &files, Stage::After, false).await.unwrap();
        assert_eq!(
            (again.made(), again.mutes.there, again.settings.there),
            (0, 2, 1),
            "{release} {steps:#?}"
        );
        world.server.settle().await;
        assert_eq!(world.log_length(), notices, "what was muted left another notice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_thousands_is_filled_by_invitation() {
    for release in BOTH {
        let world = World::new(release).await;
        let all: Vec<String> = (0..2_345).map(|n| format!("u{n}")).collect();
        let row = serde_json::json!({ "groupID": "big", "ownerUserID": "u0", "memberUserIDs": all });
        let files = Files { groups: Some(world.file("groups.jsonl", &row.to_string())), ..Files::default() };
        let (done, steps) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
        assert_eq!(done.failed(), 0, "{release} {:#?}", &steps[steps.len() - 5..]);
        assert_eq!((done.users.made, done.groups.made, done.members.made), (2_345, 1, 2_345));
        let members: BTreeSet<String> = world.client.members("big").await.unwrap().into_iter().collect();
        assert_eq!(members, all.into_iter().collect());
        assert_eq!(world.log_length(), 0);
        // What is missing later is added, and only that.
        world.register(&["late"]).await;
        let job = world.job(&["u1>#big", "late>#big"]);
        let (again, steps) =
            run(&world.client, Some(&job), &Files::default(), Stage::Before, false).await.unwrap();
        assert_eq!(again.members, Count { there: 1, made: 1, failed: 0 }, "{steps:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_the_same_and_does_nothing() {
    for release in BOTH {
        let world = World::new(release).await;
        world.register(&["a", "x", "y"]).await;
        let job = world.job(&["a>b", "a>#g", "b>#g"]);
        let files = Files {
            // The group is in the file and in the messages, with another sender.
            groups: Some(world.file("groups.csv", "groupID,ownerUserID,memberUserIDs\ng,x,a new\n")),
            friends: Some(world.file("friends.csv", "ownerUserID,friendUserIDs\nx,y\n")),
            blacks: Some(world.file("blacks.csv", "ownerUserID,blackUserIDs\ny,x\n")),
            ..Files::default()
        };
        let (planned, announced) = run(&world.client, Some(&job), &files, Stage::All, true).await.unwrap();
        assert_eq!(world.client.users_exist(&["b"]).await.unwrap(), [false]);
        assert!(world.client.groups(&["g"]).await.unwrap().is_empty());
        assert!(world.client.friends("x").await.unwrap().is_empty());
        let (real, did) = run(&world.client, Some(&job), &files, Stage::All, false).await.unwrap();
        assert_eq!(announced, did, "{release}");
        assert_eq!((planned.made(), planned.users, planned.blacks), (real.made(), real.users, real.blacks));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_named_and_the_rest_is_made() {
    for release in BOTH {
        let world = World::new(release).await;
        let job = world.job(&["a-b>c", "c>#g", "a-b>#g", "d>#only"]);
        let (done, steps) =
            run(&world.client, Some(&job), &Files::default(), Stage::Before, false).await.unwrap();
        let failed: Vec<&String> = steps.iter().filter(|step| step.contains(": ")).collect();
        assert_eq!(done.users.failed, 1, "{release} {steps:#?}");
        assert!(
            failed.iter().any(|step| step.starts_with("user a-b: a userID holds letters")),
            "{failed:#?}"
        );
        assert!(failed.iter().any(|step| step.starts_with("member a-b of group g: ")), "{failed:#?}");
        assert_eq!((done.groups, done.members.made), (made(2), 2), "{release} {steps:#?}");
    }
}

/// 3.8.3 answers `maxSeq is invalid` to an invitation into a group that has messages, and carries it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_added_to_a_group_with_messages_whatever_the_answer_is() {
    for release in BOTH {
        let world = World::new(release).await;
        let job = world.job(&["a>#g"]);
        run(&world.client, Some(&job), &Files::default(), Stage::Before, false).await.unwrap();
        world
            .call(
                "/msg/send_msg",
                serde_json::json!({
                    "sendID": "a", "groupID": "g", "content": { "content": "hi" }, "contentType": 101,
                    "sessionType": 3, "senderPlatformID": 10,
                }),
            )
            .await;
        world.server.settle().await;
        let job = world.job(&["a>#g", "b>#g", "c>#g"]);
        let (done, steps) =
            run(&world.client, Some(&job), &Files::default(), Stage::Before, false).await.unwrap();
        assert_eq!(done.members, Count { there: 1, made: 2, failed: 0 }, "{release} {steps:#?}");
        world.server.settle().await;
        assert_eq!(world.log_length(), 1, "an invitation left a notice on {release}");
    }
}

/// Everything on the server that provisioning could have changed.
async fn state(client: &Client, users: &[String], groups: &[String]) -> String {
    let mut out = String::new();
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    for ids in ids.chunks(1_000) {
        let info = client.users_info(ids).await.unwrap();
        let all: BTreeMap<_, _> = info.into_iter().map(|u| (u.id, u.nickname)).collect();
        writeln!(out, "{all:?}").unwrap();
    }
    for group in groups {
        let members: BTreeSet<String> = client.members(group).await.unwrap_or_default().into_iter().collect();
        writeln!(out, "{group} {members:?}").unwrap();
    }
    out
}

/// `users` users, of whom the first own and fill `groups` groups of ten.
fn many(world: &World, users: usize, groups: usize) -> (Files, Vec<String>, Vec<String>) {
    let ids: Vec<String> = (0..users).map(|n| format!("user{n}")).collect();
    let names: Vec<String> = (0..groups).map(|n| format!("group{n}")).collect();
    let mut csv = "userID,nickname\n".to_owned();
    for id in &ids {
        writeln!(csv, "{id},Name of {id}").unwrap();
    }
    let mut rows = String::new();
    for (n, name) in names.iter().enumerate() {
        let members: Vec<&String> = (0..10).map(|m| &ids[(n * 7 + m * 13) % ids.len()]).collect();
        let row = serde_json::json!({
            "groupID": name, "groupName": format!("Group {n}"), "ownerUserID": members[0], "memberUserIDs": members,
        });
        writeln!(rows, "{row}").unwrap();
    }
    let files = Files {
        users: Some(world.file("users.csv", &csv)),
        groups: Some(world.file("groups.jsonl", &rows)),
        ..Files::default()
    };
    (files, ids, names)
}

#[expect(clippy::print_stdout, reason = "figures, for who runs it at full size with --nocapture")]
async fn twice(release: Release, users: usize, groups: usize) {
    let world = World::new(release).await;
    let (files, ids, names) = many(&world, users, groups);
    let began = std::time::Instant::now();
    let (first, steps) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
    let took = began.elapsed();
    let failed: Vec<_> = steps.iter().filter(|step| step.contains(": ")).take(5).collect();
    assert_eq!(first.failed(), 0, "{failed:#?}");
    assert_eq!((first.users.made, first.groups.made), (users as u64, groups as u64));
    let before = state(&world.client, &ids, &names).await;
    let began = std::time::Instant::now();
    let (second, steps) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
    println!(
        "{release}: {users} users, {groups} groups: first {took:.1?} ({} calls), second {:.1?} ({} calls)",
        first.calls,
        began.elapsed(),
        second.calls
    );
    assert_eq!((second.made(), second.failed()), (0, 0), "{:#?}", &steps[..steps.len().min(5)]);
    assert_eq!(before, state(&world.client, &ids, &names).await);
    assert_eq!(world.log_length(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_in_a_row_and_the_second_time_changes_nothing() {
    for release in BOTH {
        twice(release, 5_000, 300).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "full size: a minute in a release build"]
async fn a_hundred_thousand_users_and_ten_thousand_groups_twice() {
    for release in BOTH {
        twice(release, 100_000, 10_000).await;
    }
}

/// Cut off after any number of calls, and begun again: as if it had never been.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_does_no_harm() {
    for release in BOTH {
        let reference = {
            let world = World::new(release).await;
            let (files, ids, names) = many(&world, 2_500, 40);
            run(&world.client, None, &files, Stage::Before, false).await.unwrap();
            state(&world.client, &ids, &names).await
        };
        let world = World::new(release).await;
        let (files, ids, names) = many(&world, 2_500, 40);
        let mut cut_off = 0;
        for n in 0..40u64 {
            // The future is dropped with its calls under way, as a kill would leave them.
            let killed = tokio::select! {
                done = run(&world.client, None, &files, Stage::Before, false) => done.is_err(),
                () = tokio::time::sleep(std::time::Duration::from_millis(1 + n * 3)) => true,
            };
            cut_off += u32::from(killed);
        }
        assert!(cut_off > 3, "only {cut_off} were cut off");
        let (last, steps) = run(&world.client, None, &files, Stage::Before, false).await.unwrap();
        assert_eq!(last.failed(), 0, "{:#?}", &steps[..steps.len().min(5)]);
        assert_eq!(state(&world.client, &ids, &names).await, reference, "{release} after {cut_off} kills");
        assert_eq!(world.log_length(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_found_before_the_first_call() {
    let world = World::new(Release::V3_8_3).await;
    let files = Files {
        users: Some(world.file("users.csv", "userID\na\n")),
        groups: Some(world.file("groups.csv", "groupID,ownerUserID\ng,a\nh,a\ng,a\n")),
        ..Files::default()
    };
    let error = run(&world.client, None, &files, Stage::Before, false).await.unwrap_err().to_string();
    assert!(error.ends_with("groups.csv:4: `g` stands in line 2 already"), "{error}");
    assert_eq!(world.client.users_exist(&["a"]).await.unwrap(), [false]);
}

/// Who wrote in a group is its member for that; whom the list of its members doesn't name leaves it afterwards, and nobody
/// reads of it.
#[tokio::test(flavor = "multi_thread")]
async fn former_members_leave_without_a_notice() {
    for release in BOTH {
        let world = World::new(release).await;
        // `h` has a list that names its owner alone, `i` none.
        let job = world.job(&["a>#g", "gone>#g", "left>#g", "a>#h", "gone>#h", "a>#i", "gone>#i"]);
        let groups = "{\"groupID\":\"g\",\"ownerUserID\":\"boss\",\"memberUserIDs\":[\"a\",\"idle\"]}\n\
                      {\"groupID\":\"h\",\"ownerUserID\":\"boss\"}\n";
        let files = Files { groups: Some(world.file("groups.jsonl", groups)), ..Files::default() };
        run(&world.client, Some(&job), &files, Stage::Before, false).await.unwrap();
        world.server.settle().await;
        let length = world.log_length();

        let (dry, steps) = leave(&world.client, &job, &files, true).await;
        assert_eq!((dry.former_members, dry.made()), (made(2), 2), "{release} {steps:#?}");
        assert_eq!(world.client.members("g").await.unwrap().len(), 5, "a dry run took somebody out");

        let (done, steps) = leave(&world.client, &job, &files, false).await;
        assert_eq!(
            (done.former_members, done.made(), done.failed()),
            (made(2), 2, 0),
            "{release} {steps:#?}"
        );
        let world = &world;
        let members = |group: &'static str| async move {
            world.client.members(group).await.unwrap().into_iter().collect::<BTreeSet<String>>()
        };
        assert_eq!(members("g").await, ["a", "boss", "idle"].map(str::to_owned).into());
        assert_eq!(members("h").await, ["a", "boss", "gone"].map(str::to_owned).into());
        assert_eq!(members("i").await, ["a", "gone"].map(str::to_owned).into());
        let (again, steps) = leave(&world.client, &job, &files, false).await;
        assert_eq!((again.former_members, again.made()), (there(2), 0), "{release} {steps:#?}");

        // Where nothing tells, a file does; a group's owner stays, and so do groups that aren't there.
        let former = "groupID,formerUserIDs\ni,gone a\nnowhere,gone\nh,gone gone\n";
        let files = Files { former: Some(world.file("former.csv", former)), ..files };
        let (done, steps) = leave(&world.client, &job, &files, false).await;
        let count = Count { there: 3, made: 2, failed: 1 };
        assert_eq!(done.former_members, count, "{release} {steps:#?}");
        assert!(steps.iter().any(|step| step.starts_with("former member a of group i: the group is his")));
        assert_eq!(members("i").await, ["a"].map(str::to_owned).into());
        world.server.settle().await;
        assert_eq!(world.log_length(), length, "a notice in a history on {release}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_leave_a_group() {
    for release in BOTH {
        let world = World::new(release).await;
        let all: Vec<String> = (0..1_234).map(|n| format!("u{n}")).collect();
        let row = serde_json::json!({ "groupID": "big", "ownerUserID": "u0", "memberUserIDs": all });
        let row = world.file("groups.jsonl", &row.to_string());
        let former = format!("groupID,formerUserIDs\nbig,{}\nbig,u1233 u1\n", all[1..].join(" "));
        let files =
            Files { groups: Some(row), former: Some(world.file("former.csv", &former)), ..Files::default() };
        run(&world.client, None, &files, Stage::Before, false).await.unwrap();
        let job = world.job(&["u0>#big"]);
        let (done, steps) = leave(&world.client, &job, &files, false).await;
        assert_eq!(done.failed(), 0, "{release} {:#?}", &steps[steps.len().saturating_sub(5)..]);
        assert_eq!(world.client.members("big").await.unwrap(), ["u0"]);
    }
}
