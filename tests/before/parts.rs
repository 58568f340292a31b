//! A part of a history over the command line: `--canary`, `--only`, `--since` and `--until`; friends after it.
//! What arrived is judged on the server's side.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::{Value, json};

use crate::chaos::export;
use crate::support::truth::Expected;
use crate::support::{Rehearsal, http, importer, request};

struct World {
    dir: tempfile::TempDir,
    export: PathBuf,
    server: Rehearsal,
}

impl World {
    fn new(messages: u64, conversations: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let export = export(dir.path(), messages, conversations, 5);
        Self { export, dir, server: Rehearsal::start(&["--release", "main", "--answer-time", "0s"]) }
    }

    fn run(&self, more: &[&str]) -> assert_cmd::assert::Assert {
        importer()
            .current_dir(self.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .arg("run")
            .arg(&self.export)
            .args(["--api", &self.server.url, "--provision", "--allow", "retention", "--quiet"])
            .args(more)
            .assert()
    }

    /// How many messages stand in each conversation of the server.
    fn held(&self) -> BTreeMap<String, u64> {
        let audit = self.server.audit();
        let all = audit["conversations"].as_object().unwrap().iter();
        all.map(|(id, one)| (id.clone(), one["messages"].as_u64().unwrap())).filter(|(_, n)| *n > 0).collect()
    }

    /// How many messages of each conversation the export has.
    fn asked(&self) -> BTreeMap<String, u64> {
        let mut asked = BTreeMap::new();
        for line in fs_err::read_to_string(&self.export).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            let id = match (text("groupID"), text("sendID"), text("recvID")) {
                (Some(group), ..) => format!("sg_{group}"),
                (None, Some(a), Some(b)) if a < b => format!("si_{a}_{b}"),
                (_, a, b) => format!("si_{}_{}", b.unwrap(), a.unwrap()),
            };
            *asked.entry(id).or_default() += 1;
        }
        asked
    }

    fn is_exact(&self) -> bool {
        Expected::of(&[&self.export]).judge(&self.server).is_exact()
    }
}

#[test]
fn a_canary_is_sent_verified_and_stops_where_nobody_can_be_asked() {
    let world = World::new(600, 12);
    world.run(&["--canary", "4"]).success().stderr(contains("canary: 4 conversations with")).stdout(
        contains("The canary is done. All").and(contains("the same command without --canary goes on")),
    );
    let (held, asked) = (world.held(), world.asked());
    assert_eq!(held.len(), 4, "{held:?}");
    assert!(held.iter().all(|(id, n)| asked[id] == *n), "{held:?} of {asked:?}");
    assert!(held.keys().any(|id| id.starts_with("sg_")) && held.keys().any(|id| id.starts_with("si_")));
    // Again: the same ones, so nothing is sent.
    world.run(&["--canary", "4"]).success().stdout(contains("The canary is done. All"));
    assert_eq!(world.held(), held);
    world.run(&["--canary", "4", "--yes"]).success().stdout(contains("All 600 messages in"));
    assert!(world.is_exact());
    world.run(&[]).success().stdout(contains("Nothing to do: all 600 messages"));
}

/// More than there are: the canary is the whole import, and there is nothing to ask.
#[test]
fn a_canary_of_everything_asks_nothing() {
    let world = World::new(100, 5);
    world.run(&["--canary", "50"]).success().stdout(contains("All 100 messages in"));
    assert!(world.is_exact());
}

#[test]
fn a_canary_with_a_difference_holds_back_the_rest() {
    let world = World::new(400, 10);
    world.run(&["--canary", "3"]).success();
    let held = world.held();
    let conversation = held.keys().next().unwrap();
    let token = request(
        &world.server.url,
        "/auth/get_admin_token",
        Some(&json!({ "secret": "openIM123", "userID": "imAdmin" })),
    );
    assert_eq!(token["errCode"], 0);
    delete(&world, &token, conversation);
    world
        .run(&["--canary", "3", "--yes"])
        .code(8)
        .stdout(contains("The canary is sent, and the rest is not. 1 difference"));
    assert_eq!(world.held().len(), 3);
    // That is known, and the run goes on without looking.
    world.run(&[]).success();
    assert_eq!(world.held().len(), world.asked().len());
}

/// Somebody deletes the first message of a conversation, on the server.
fn delete(world: &World, token: &Value, conversation: &str) {
    let token = token["data"]["token"].as_str().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer: Value = runtime.block_on(async {
        http()
            .post(format!("{}/msg/delete_msg_phsical_by_seq", world.server.url))
            .header("operationID", "somebody")
            .header("token", token)
            .json(&json!({ "conversationID": conversation, "seqs": [1] }))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    });
    assert_eq!(answer["errCode"], 0, "{answer}");
}

/// With a terminal it asks. `script` makes one; where there is none, nothing can be shown.
#[test]
fn a_canary_asks_on_a_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    for (answer, all) in [("n", false), ("y", true)] {
        let world = World::new(300, 8);
        let binary = assert_cmd::cargo::cargo_bin("openim-import");
        let command = format!(
            "{} run {} --api {} --provision --allow retention --quiet --canary 2",
            binary.display(),
            world.export.display(),
            world.server.url
        );
        let output = on_a_terminal(world.dir.path(), &command, answer);
        assert!(output.contains("Go on with them? [y/N]"), "{output}");
        assert_eq!(world.held().len() > 2, all, "{answer}: {output}");
        assert_eq!(output.contains("the same command without --canary goes on"), !all, "{output}");
    }
}

fn on_a_terminal(dir: &Path, command: &str, answer: &str) -> String {
    use std::io::Write as _;
    let mut script = Command::new("script")
        .current_dir(dir)
        .env("OPENIM_SECRET", "openIM123")
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = script.stdin.take().unwrap();
    writeln!(typed, "{answer}").unwrap();
    let output = script.wait_with_output().unwrap();
    drop(typed);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn only_some_conversations_and_later_the_others() {
    let world = World::new(400, 10);
    let asked = world.asked();
    let group = asked.keys().find(|id| id.starts_with("sg_")).unwrap();
    let pair = asked.keys().find(|id| id.starts_with("si_")).unwrap();
    world
        .run(&["--only", group, "--only", pair])
        .success()
        .stdout(contains("This part is done").and(contains("the same command without --only sends them")));
    let held = world.held();
    assert_eq!(held.keys().collect::<Vec<_>>(), [group, pair]);
    assert!(held.iter().all(|(id, n)| asked[id] == *n));
    world.run(&["--only", "si_nobody_else"]).code(2).stderr(contains("`si_nobody_else` is not in the job"));
    world.run(&["--only", group, "--canary", "2"]).code(2).stderr(contains("cannot be used with"));
    world.run(&[]).success().stdout(contains("All 400 messages"));
    assert!(world.is_exact());
}

/// A period first; what came after it is the next pass, and what lay before it is known to be older.
#[test]
fn a_period_and_later_the_rest() {
    let world = World::new(300, 6);
    // One message every 10 ms from here on, see `export`.
    let at = |n: i64| jiff::Timestamp::from_millisecond(1_700_000_000_000 + n * 10).unwrap().to_string();
    let (from, to) = (at(100), at(200));
    let times = |world: &World| -> Vec<i64> {
        let logs = world.held().into_keys().map(|id| {
            let log = world.server.control(&format!("/_rehearsal/log?conversation={id}"), None);
            log.as_array().unwrap().iter().map(|one| one["sendTime"].as_i64().unwrap()).collect::<Vec<_>>()
        });
        let mut times: Vec<i64> = logs.flatten().collect();
        times.sort_unstable();
        times
    };
    world
        .run(&["--since", &from, "--until", &to])
        .success()
        .stdout(contains("All 100 messages").and(contains("100 after --until, 100 before --since")));
    let sent = times(&world);
    assert_eq!(
        (sent.first(), sent.last(), sent.len()),
        (Some(&1_700_000_001_000), Some(&1_700_000_001_990), 100)
    );
    // Another period of the same sources is another pass, and has to be asked for.
    world.run(&["--since", &to]).code(2).stderr(contains("with --add"));
    world.run(&["--add", "--since", &to]).success().stdout(contains("All 200 messages"));
    let sent = times(&world);
    assert_eq!(
        (sent.first(), sent.last(), sent.len()),
        (Some(&1_700_000_001_000), Some(&1_700_000_002_990), 200)
    );
    world.run(&["--add"]).success().stdout(contains("All 300 messages").and(contains("older than")));
    assert_eq!(times(&world).len(), 300);
}

/// Each friendship leaves a message of today: behind the history, not before it.
#[test]
fn friends_come_after_the_history() {
    let world = World::new(60, 3);
    let friends = world.dir.path().join("friends.csv");
    let rows = fs_err::read_to_string(&world.export).unwrap();
    let row = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let row = row.into_iter().find(|row| row["recvID"].is_string()).unwrap();
    let mut pair = [row["sendID"].as_str().unwrap(), row["recvID"].as_str().unwrap()];
    pair.sort_unstable();
    let id = format!("si_{}_{}", pair[0], pair[1]);
    fs_err::write(&friends, format!("ownerUserID,friendUserIDs\n{},{}\n", pair[0], pair[1])).unwrap();
    let more = ["--friends", friends.to_str().unwrap()];
    let part = [&["--only", id.as_str()], &more[..]].concat();
    world
        .run(&part)
        .success()
        .stdout(contains("Friends, block lists, mutes, pins and bells come when the history is there"));
    world.run(&more).success().stdout(contains("Now that the history is there: friends: 1 made"));
    assert!(world.is_exact());
    let log = world.server.control(&format!("/_rehearsal/log?conversation={id}"), None);
    let origins: Vec<&str> =
        log.as_array().unwrap().iter().map(|one| one["origin"].as_str().unwrap()).collect();
    let first_notice = origins.iter().position(|origin| *origin == "notice");
    assert!(
        first_notice.is_some_and(|at| origins[at..].iter().all(|origin| *origin == "notice")),
        "{origins:?}"
    );
    world.run(&more).success().stdout(contains("friends: 1 there already"));
}
