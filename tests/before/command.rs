//! `provision` as a user has it: the binary, a server in a process of its own, kills that are kills.

use std::process::Stdio;
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::Value;

use crate::support::{Rehearsal, as_admin, importer, importer_process};

struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }
}

fn args<'a>(server: &'a Rehearsal, more: &[&'a str]) -> Vec<&'a str> {
    [&["provision", "--quiet", "--api", &server.url], more].concat()
}

fn provision(server: &Rehearsal, files: &Files, more: &[&str]) -> assert_cmd::assert::Assert {
    importer().env("OPENIM_SECRET", "openIM123").current_dir(files.0.path()).args(args(server, more)).assert()
}

const USERS: (&str, &str) = ("users.csv", "userID,nickname\na,Anna\nb,Bert\n");
const GROUPS: (&str, &str) = ("groups.csv", "groupID,ownerUserID,memberUserIDs\ng,a,b\n");
const FRIENDS: (&str, &str) = ("friends.csv", "ownerUserID,friendUserIDs\na,b\n");

#[test]
fn from_files_alone_and_in_stages() {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let files = Files::new(&[USERS, GROUPS, FRIENDS]);
    let all = ["--users", "users.csv", "--groups", "groups.csv", "--friends", "friends.csv"];
    let with = |more: &[&'static str]| [&all[..], more].concat();
    provision(&server, &files, &with(&["--dry-run"]))
        .success()
        .stderr(contains("would make user a\n").and(contains("would make group g, owner a")))
        .stdout(contains("users: 2 would be made"));
    provision(&server, &files, &with(&[])).success().stdout(
        contains("users: 2 made · groups: 1 made · members: 2 made").and(contains("provision --stage after")),
    );
    provision(&server, &files, &with(&[]))
        .success()
        .stdout(contains("users: 2 there already · groups: 1 there already · members: 2 there already"));
    let last = provision(&server, &files, &with(&["--stage", "after", "--json"])).success();
    let json: Value = serde_json::from_slice(&last.get_output().stdout).unwrap();
    assert_eq!(json["friends"]["made"], 1);
    assert_eq!((json["command"].as_str(), json["exit_code"].as_u64()), (Some("provision"), Some(0)));
}

#[test]
fn what_fails_is_named_and_exits_with_3() {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let files = Files::new(&[("users.csv", "userID\nfine\nno-good\n")]);
    provision(&server, &files, &["--users", "users.csv"])
        .code(3)
        .stderr(contains("failed: user no-good: a userID holds letters"))
        .stdout(contains("users: 1 made, 1 failed"));
}

#[test]
fn each_mistake_has_its_exit_code() {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let files = Files::new(&[USERS, ("bad.csv", "userID,nick\na,A\n")]);
    provision(&server, &files, &[]).code(2).stderr(contains("there is no job in"));
    provision(&server, &files, &["--users", "bad.csv"])
        .code(2)
        .stderr(contains("bad.csv:2: unknown field `nick`"));
    provision(&server, &files, &["--users", "none.csv"]).code(2).stderr(contains("none.csv"));
    let wrong = |secret: &str, api: &str| {
        importer()
            .env("OPENIM_SECRET", secret)
            .current_dir(files.0.path())
            .args(["provision", "--api", api, "--users", "users.csv"])
            .assert()
    };
    wrong("wrong", &server.url).code(7).stderr(contains("refuses the secret").and(contains("wrong").not()));
    wrong("openIM123", &format!("{}/elsewhere", server.url)).code(2).stderr(contains("no OpenIM"));
    importer()
        .current_dir(files.0.path())
        .args(["provision", "--users", "users.csv"])
        .assert()
        .code(2)
        .stderr(contains("--api"));
}

/// So many users, and groups of twenty.
fn crowd(users: usize, groups: usize) -> Files {
    let names: Vec<String> = (0..users).map(|n| format!("u{n},Name {n}")).collect();
    let group = |g: usize| {
        let members: Vec<String> = (0..20).map(|m| format!("u{}", (g * 31 + m * 7) % users)).collect();
        format!("g{g},{},{}", members[0], members.join(" "))
    };
    let groups: Vec<String> = (0..groups).map(group).collect();
    Files::new(&[
        ("users.csv", &format!("userID,nickname\n{}\n", names.join("\n"))),
        ("groups.csv", &format!("groupID,ownerUserID,memberUserIDs\n{}\n", groups.join("\n"))),
    ])
}

/// 100,000 users and 10,000 groups, killed in the middle, then provisioned twice.
#[test]
#[ignore = "a minute or two; the figures are in docs/before.md"]
fn a_hundred_thousand_users_and_ten_thousand_groups() {
    const USERS: u64 = 100_000;
    const GROUPS: u64 = 10_000;
    let files = crowd(100_000, 10_000);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let all = ["--users", "users.csv", "--groups", "groups.csv", "--json"];
    let mut made_before = 0;
    for seconds in [1, 6, 15] {
        let mut process = importer_process()
            .env("OPENIM_SECRET", "openIM123")
            .current_dir(files.0.path())
            .args(args(&server, &all))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs(seconds));
        made_before += u32::from(process.try_wait().unwrap().is_none());
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert!(made_before > 0, "it was too fast to be killed");
    let run = || -> Value {
        let done = provision(&server, &files, &all).success();
        serde_json::from_slice(&done.get_output().stdout).unwrap()
    };
    let (first, second) = (run(), run());
    println!("after three kills: {first}\nagain: {second}");
    for (what, all) in [("users", USERS), ("groups", GROUPS), ("members", 20 * GROUPS)] {
        let of = |json: &Value, word: &str| json[what][word].as_u64().unwrap();
        assert_eq!(of(&first, "made") + of(&first, "there"), all, "{what}: {first}");
        assert_eq!(
            (of(&second, "made"), of(&second, "there"), of(&second, "failed")),
            (0, all, 0),
            "{second}"
        );
    }
    assert_eq!(server.audit()["total"]["max_seq"], 0, "a notice in a history");
}

/// Killed a little later each time, until it gets to its end: everything is there, once, and no notice.
#[test]
fn killed_again_and_again() {
    let files = crowd(4_000, 150);
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let all = ["--users", "users.csv", "--groups", "groups.csv"];
    let mut killed = 0;
    loop {
        let mut process = importer_process()
            .env("OPENIM_SECRET", "openIM123")
            .current_dir(files.0.path())
            .args(args(&server, &all))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In steps so small that, on whatever machine, several of them end in the middle of the work.
        std::thread::sleep(Duration::from_millis(5 + killed * 5 + killed * killed / 4));
        if let Some(ended) = process.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            break;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= 3, "only {killed} were killed at work");
    let last = provision(&server, &files, &[&all[..], &["--json"]].concat()).success();
    let json: Value = serde_json::from_slice(&last.get_output().stdout).unwrap();
    let sum = |what: &str| json[what]["there"].as_u64().unwrap() + json[what]["made"].as_u64().unwrap();
    assert_eq!((sum("users"), sum("groups"), sum("members")), (4_000, 150, 3_000), "{json}");
    let again = provision(&server, &files, &[&all[..], &["--json"]].concat()).success();
    let again: Value = serde_json::from_slice(&again.get_output().stdout).unwrap();
    for what in ["users", "groups", "members"] {
        assert_eq!(again[what]["made"], 0, "{again}");
    }
    assert_eq!(server.audit()["total"]["max_seq"], 0, "a notice in a history");
}

#[test]
fn check_looks_at_the_server_where_one_is_named() {
    let server = Rehearsal::start(&["--answer-time", "0s", "--release", "main"]);
    let message = |from: &str, to: &str| {
        let now = jiff::Timestamp::now().as_millisecond() - 60_000;
        format!(r#"{{"sendID":"{from}","recvID":"{to}","text":"hi","sendTime":{now}}}"#) + "\n"
    };
    let files = Files::new(&[("chat.jsonl", &(message("a", "b") + &message("b", "a")))]);
    let check = |more: &[&str]| {
        importer()
            .env("OPENIM_SECRET", "openIM123")
            .current_dir(files.0.path())
            .args(["check", "--quiet", "chat.jsonl"])
            .args(more)
            .assert()
    };
    check(&[]).success().stderr(contains("preflight").not());
    let api = ["--api", &server.url];
    check(&api)
        .code(6)
        .stderr(contains("refused missing-users").and(contains("--allow missing-users")))
        .stdout(contains("The preflight refuses, nothing was sent: missing-users."));
    check(&[&api[..], &["--allow", "missing-users"]].concat())
        .success()
        .stderr(contains("allowed missing-users"));
    check(&[&api[..], &["--allow", "retentoin"]].concat())
        .code(2)
        .stderr(contains("no finding is called so"));
    provision(&server, &files, &[]).success().stdout(contains("users: 2 made"));
    check(&api).success().stderr(contains("nothing stands against it"));
}

/// Where ids had to be translated, people keep the names that the export has for them.
#[test]
fn a_translated_user_is_called_as_in_the_export() {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let files = Files::new(&[
        ("import.toml", "sources = [\"chat.jsonl\"]\n[users]\nids = \"translate\"\n"),
        (
            "chat.jsonl",
            r#"{"sendID":"Ann Lee","recvID":"bob@example.com","text":"hi","sendTime":1700000000000}"#,
        ),
    ]);
    importer().current_dir(files.0.path()).args(["check", "--quiet"]).assert().success();
    provision(&server, &files, &[]).success().stdout(contains("users: 2 made"));
    let names = ["Ann Lee", "bob@example.com"];
    let ids = names.map(|name| openim_importer::mapping::people::user_id(name).into_owned());
    let login =
        openim_importer::openim::Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    let client =
        openim_importer::openim::Client::new(&openim_importer::openim::Settings::new(&*server.url, login));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = tokio::runtime::Runtime::new().unwrap().block_on(client.unwrap().users_info(&ids)).unwrap();
    let mut nicknames: Vec<String> = found.into_iter().map(|user| user.nickname).collect();
    nicknames.sort();
    assert_eq!(nicknames, names);
}

/// `--since` and `--until` decide what the job holds; another period of the same files is its next pass.
#[test]
fn a_part_of_the_history() {
    let day = |day: u32| format!("2024-05-{day:02}T12:00:00Z");
    let line = |n: u32| {
        let time: jiff::Timestamp = day(n).parse().unwrap();
        format!(
            r#"{{"id":"m{n}","sendID":"a","recvID":"b","text":"{n}","sendTime":{}}}"#,
            time.as_millisecond()
        )
    };
    let lines: Vec<String> = (1..=20).map(line).collect();
    let files = Files::new(&[("chat.jsonl", &lines.join("\n"))]);
    let check = |more: &[&str]| {
        let args = [&["check", "--quiet", "--json"], more].concat();
        importer().current_dir(files.0.path()).args(args).assert()
    };
    let json = |more: &[&str]| -> Value {
        serde_json::from_slice(&check(more).success().get_output().stdout).unwrap()
    };
    let part = json(&["chat.jsonl", "--since", "2024-05-11", "--until", "2024-05-16"]);
    assert_eq!((part["messages"].as_u64(), part["skipped"].as_u64()), (Some(5), Some(15)), "{part}");
    let rest = json(&["chat.jsonl", "--since", "2024-05-16T00:00:00+00:00"]);
    assert_eq!((rest["messages"].as_u64(), rest["skipped"].as_u64()), (Some(5), Some(15)));
    check(&["chat.jsonl", "--since", "yesterday"]).code(2).stderr(contains("`yesterday` is no moment"));
    check(&["--since", "2024-05-11"]).code(2).stderr(contains("name the SOURCE as well"));
}

/// Who has left can't be the sender of what is still to be sent; and once they have left, `provision` does not fetch them
/// back, unless something is to be sent again.
#[test]
fn former_members_leave_when_all_is_sent_and_stay_out() {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let line = |n: i64, user: &str| {
        format!(
            r#"{{"id":"m{n}","sendID":"{user}","groupID":"g","text":"{n}","sendTime":{}}}"#,
            1_700_000_000_000_i64 + n * 1000
        )
    };
    let lines: Vec<String> = (0..4).map(|n| line(n, if n % 2 == 0 { "ann" } else { "gone" })).collect();
    let files = Files::new(&[
        ("chat.jsonl", &lines.join("\n")),
        ("later.jsonl", &line(9, "gone")),
        ("groups.csv", "groupID,ownerUserID,memberUserIDs\ng,ann,bea\n"),
    ]);
    let run = |args: &[&str]| {
        importer()
            .env("OPENIM_SECRET", "openIM123")
            .current_dir(files.0.path())
            .args(args)
            .arg("--quiet")
            .assert()
    };
    let at = ["--api", &server.url];
    let send = [&["run", "--allow", "retention"], &at[..]].concat();
    let groups = |more: &[&'static str]| [&["--groups", "groups.csv"], more].concat();
    run(&["check", "chat.jsonl"]).success();
    provision(&server, &files, &groups(&["--leave-former"])).code(2).stderr(
        contains("4 messages of the job are to be sent yet").and(contains("first `provision` and `run`")),
    );
    for stage in ["before", "all"] {
        provision(&server, &files, &groups(&["--leave-former", "--stage", stage])).code(2);
    }
    provision(&server, &files, &["--former", "groups.csv"]).code(2).stderr(contains("--leave-former"));
    provision(&server, &files, &groups(&[])).success().stdout(contains("members: 3 made"));
    run(&send).success();
    provision(&server, &files, &groups(&["--leave-former", "--dry-run"]))
        .success()
        .stderr(contains("would take gone out of group g\n"))
        .stdout(contains("former members: 1 would be taken out"));
    provision(&server, &files, &groups(&["--leave-former"]))
        .success()
        .stdout(contains("former members: 1 taken out"));
    provision(&server, &files, &groups(&[])).success().stdout(contains(
        "members: 2 there already; all is sent, and former members stay out of their groups",
    ));
    run(&[&["verify", "--client"], &at[..]].concat()).success();
    run(&[&send[..], &["--provision", "--groups", "groups.csv"]].concat()).success();
    let page = serde_json::json!({ "pageNumber": 1, "showNumber": 10 });
    let members = serde_json::json!({ "groupID": "g", "filter": 0, "pagination": page });
    let members = as_admin(&server.url, "/group/get_group_member_list", &members);
    assert_eq!(members["data"]["total"], 2, "a run without anything to send fetched him back: {members}");
    // He is needed for what comes later, and for what goes out once more.
    run(&[&send[..], &["--add", "later.jsonl"]].concat())
        .code(3)
        .stdout(contains("at a refused message: sg_g"));
    provision(&server, &files, &groups(&[])).success().stdout(contains("members: 1 made, 2 there already"));
    run(&[&["retry"], &at[..]].concat()).success();
    provision(&server, &files, &groups(&["--leave-former"]))
        .success()
        .stdout(contains("former members: 1 taken out"));
    run(&[&["undo", "--yes"], &at[..]].concat()).success();
    provision(&server, &files, &groups(&[])).success().stdout(contains("members: 1 made, 2 there already"));
}
