//! What is done afterwards, as a user does it: exit codes, words, wrong input.

use std::io::BufRead as _;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::{Value, json};

use super::support::history;
use super::world::World;
use crate::support::{as_admin, importer, importer_process};

/// Every command that needs a job and a server.
const WITH_SERVER: [&[&str]; 4] = [&["verify"], &["mark-read"], &["undo", "--yes"], &["retry"]];

#[test]
fn without_a_job() {
    let world = World::new(&[]);
    for args in WITH_SERVER {
        world.ask(args).code(2).stderr(contains("there is no job in `import.job`"));
    }
    for args in [&["receipts"][..], &["purge", "--yes"]] {
        world.command(args).code(2).stderr(contains("there is no job in `import.job`"));
    }
}

#[test]
fn before_anything_was_sent() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(3));
    world.command(&["check", "chat.jsonl", "--quiet"]).success();
    for args in WITH_SERVER {
        world.ask(args).code(2).stderr(contains("nothing was sent from the job in `import.job` yet"));
    }
    world.command(&["purge", "--yes"]).code(2).stderr(contains("3 messages are not sent yet"));
    world.command(&["receipts"]).code(0).stdout("");
}

#[test]
fn wrong_secret_no_address_no_server_and_a_job_that_another_holds() {
    let world = World::imported(6);
    // Where nothing is to be retried, nobody is asked.
    for args in &WITH_SERVER[..3] {
        let with = |api: &str, secret: &str| {
            importer()
                .current_dir(world.dir.path())
                .env("OPENIM_SECRET", secret)
                .args([*args, &["--quiet", "--api", api, "--give-up", "1s"]].concat())
                .assert()
        };
        with(&world.server.url, "hush-hush")
            .code(7)
            .stderr(contains("secret").and(contains("hush-hush").not()));
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        with(&format!("http://{nobody}"), "openIM123").code(2).stderr(contains("cannot reach"));
        world.command(args).code(2).stderr(contains("--api"));
    }
    let held = openim_importer::job::Job::open(&world.path("import.job")).unwrap();
    let process = format!("process {}", std::process::id());
    for args in WITH_SERVER {
        world.ask(args).code(2).stderr(contains(&*process));
    }
    world.command(&["purge", "--yes"]).code(2).stderr(contains(&*process));
    // Reading is no harm.
    world.command(&["receipts"]).code(0).stdout(contains("si_a_b"));
    drop(held);
}

#[test]
fn a_rehearsed_job_was_sent_nowhere() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(3));
    world.command(&["run", "chat.jsonl", "--rehearse", "--job", "r.job", "--quiet"]).success();
    for args in WITH_SERVER {
        world.ask(&[args, &["--job", "r.job"]].concat()).code(2).stderr(contains("the job of a rehearsal"));
    }
}

#[test]
fn what_asks_does_nothing_where_nobody_can_be_asked() {
    let world = World::imported(6);
    world
        .ask(&["undo"])
        .code(2)
        .stderr(contains("deletes all messages that this job imported").and(contains("--yes")));
    world.command(&["purge"]).code(2).stderr(contains("removes the texts").and(contains("--yes")));
    assert_eq!(world.ours().len(), 6);
    world.json(&["verify"]).is(0, &json!({"confirmed": 6}));
}

#[test]
fn wrong_options() {
    let world = World::imported(6);
    world.ask(&["verify", "--sample", "5"]).code(2).stderr(contains("--store"));
    world.ask(&["verify", "--store", "--sample", "0"]).code(2);
    for command in [&["verify"][..], &["mark-read"], &["undo", "--yes"]] {
        let args = [command, &["--only", "sg_nobody"]].concat();
        world.ask(&args).code(2).stderr(contains("`sg_nobody` is not in the job"));
    }
    world.command(&["receipts", "--json"]).code(2).stderr(contains("-o"));
    world.command(&["receipts", "--format", "xml"]).code(2);
    world.command(&["receipts", "-o", "no/such/folder/x.csv"]).code(2).stderr(contains("no/such/folder"));
    world.ask(&["mark-read", "--positions", "none.csv"]).code(2).stderr(contains("none.csv"));
    fs_err::write(world.path("bad.csv"), "userID,groupID,id\nu1,g,\n").unwrap();
    world.ask(&["mark-read", "--positions", "bad.csv"]).code(2).stderr(contains("bad.csv:2: give one of"));
}

#[test]
fn an_unfinished_job_is_verified_as_far_as_it_is() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(60));
    world.run(&["chat.jsonl", "--provision", "--only", "si_a_b"]).is(0, &json!({"confirmed": 20}));
    let verified = world.json(&["verify"]);
    verified.is(5, &json!({"confirmed": 20, "missing": 0}));
    let verdict = verified.json["verdict"].as_str().unwrap();
    assert!(verdict.contains("All 20 messages in 1 conversation are confirmed"), "{verdict}");
    assert!(verdict.contains("40 messages are left to send"), "{verdict}");
    world.json(&["verify", "--only", "si_a_b"]).is(5, &json!({"confirmed": 20}));
    world.ask(&["verify", "--repair"]).code(5).stderr(contains("40 messages are left to send"));
    world.command(&["purge", "--yes"]).code(2).stderr(contains("not finished"));
}

#[test]
fn whether_users_can_scroll() {
    let world = World::imported(900);
    let judged = world.json(&["verify", "--client"]);
    judged.is(0, &json!({ "scrollable": 3, "not_scrollable": 0 }));
    let verdict = judged.json["verdict"].as_str().unwrap();
    assert!(verdict.contains("3 of 3 conversations can be scrolled to the start."), "{verdict}");
    // Without --client nobody has looked.
    assert!(world.json(&["verify"]).json["scrollable"].is_null());

    // A hole across a multiple of 100, and somebody reads it so that it is dated wrongly.
    let hole: Vec<i64> = (95..=105).collect();
    let delete = json!({ "conversationID": "sg_g", "seqs": hole });
    as_admin(&world.server.url, "/msg/delete_msg_phsical_by_seq", &delete);
    let read = |begin: i64, end: i64| {
        let range = json!({ "conversationID": "sg_g", "begin": begin, "end": end, "num": 200 });
        let ask = json!({ "userID": "a", "seqRanges": [range], "order": 0 });
        as_admin(&world.server.url, "/msg/pull_msg_by_seq", &ask);
    };
    read(1, 100);
    let judged = world.json(&["verify", "--client"]);
    judged.is(8, &json!({ "scrollable": 2, "not_scrollable": 1 }));
    assert!(
        judged.err.contains("sg_g: can't be scrolled to the start: the empty slot 95 has no date"),
        "{}",
        judged.err
    );
    // The report names it too, with its reason, until somebody has looked again.
    let report = world.command(&["report"]).code(0);
    let report = String::from_utf8_lossy(&report.get_output().stdout).into_owned();
    assert!(report.contains("sg_g") && report.contains("the empty slot 95 has no date"), "{report}");
    // What is missing is sent again behind the rest, with times after the newest; the hole is dated anew.
    let mended = world.json(&["verify", "--client", "--repair"]);
    mended.is(0, &json!({ "scrollable": 3, "not_scrollable": 0, "repaired_sent": 11 }));
    let report = world.command(&["report"]).code(0);
    assert!(!String::from_utf8_lossy(&report.get_output().stdout).contains("has no date"));
}

#[test]
fn a_log_of_which_nobody_is_shown_anything_is_unknown() {
    let world = World::imported(90);
    // Both have cleared it, each for himself.
    for user in ["a", "b"] {
        let cleared = json!({ "userID": user, "conversationIDs": ["si_a_b"], "deleteSyncOpt": {} });
        as_admin(&world.server.url, "/msg/clear_conversation_msg", &cleared);
    }
    let judged = world.json(&["verify", "--client"]);
    judged.is(8, &json!({ "scrollable": 2, "not_scrollable": 0, "scroll_unknown": 1 }));
    assert!(judged.err.contains("si_a_b: nobody knows whether it can be scrolled"), "{}", judged.err);
    let verdict = judged.json["verdict"].as_str().unwrap();
    assert!(
        verdict.contains("2 of 3 conversations can be scrolled to the start. Of 1 it is not known"),
        "{verdict}"
    );
    // No call tells that from what the cache hides, so the words name both.
    let said = world.json(&["verify", "--store"]);
    said.is(8, &json!({ "hidden": 30 }));
    assert!(said.err.contains("each of them has cleared the chat"), "{}", said.err);
}

#[test]
fn read_positions() {
    let world = World::imported(60);
    world.write("news");
    let read = |user: &str, conversation: &str| {
        let body = json!({"userID": user, "conversationIDs": [conversation]});
        let path = "/msg/get_conversations_has_read_and_max_seq";
        let answer = crate::support::as_admin(&world.server.url, path, &body);
        answer["data"]["seqs"][conversation]["hasReadSeq"].as_i64().unwrap()
    };
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    fs_err::write(world.path("read.csv"), "userID,groupID,id\nc,g,m1500000029000\nc,g,nobody\n").unwrap();
    let some = world.json(&["mark-read", "--positions", "read.csv"]);
    some.is(3, &json!({"positions": 1, "moved": 1, "unknown": 1}));
    assert!(some.err.contains("read.csv:3: no message in the job has the id `nobody`"), "{}", some.err);
    assert_eq!(read("c", "sg_g"), 10);
    let all = world.json(&["mark-read"]);
    all.is(0, &json!({"refused": 0}));
    assert!(all.json["moved"].as_u64().unwrap() >= 3, "{}", all.json);
    for (user, conversation) in
        [("a", "si_a_b"), ("a", "si_a_c"), ("c", "si_a_c"), ("a", "sg_g"), ("b", "sg_g")]
    {
        assert_eq!(read(user, conversation), 20, "{user} in {conversation}");
    }
    world.json(&["mark-read"]).is(0, &json!({"moved": 0, "already": all.json["positions"]}));
}

#[test]
fn a_run_marks_what_it_finishes() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(60));
    let run = world.run(&["chat.jsonl", "--provision", "--mark-read"]);
    run.is(0, &json!({"confirmed": 60}));
    assert!(run.json["verdict"].as_str().unwrap().contains("Read positions: "), "{}", run.json);
    world.json(&["mark-read"]).is(0, &json!({"moved": 0, "positions": 6}));
}

#[test]
fn undone_and_sent_anew() {
    let world = World::imported(90);
    world.write("mine");
    // Taken back one conversation at first.
    world.json(&["undo", "--yes", "--only", "si_a_c"]).is(0, &json!({"deleted": 30, "conversations": 1}));
    assert_eq!((world.texts("si_a_c").len(), world.ours().len()), (0, 60));
    world.json(&["verify"]).is(0, &json!({"confirmed": 60}));
    // Nobody sends it again unasked.
    world.ask(&["run"]).code(2).stderr(contains("`run --again`"));
    // In the one in which somebody has written, empty slots are left in front of that.
    let undone = world.json(&["undo", "--yes"]);
    undone.is(
        8,
        &json!({"deleted": 90, "kept": 0, "failed": 0, "conversations": 3, "not_scrollable": ["si_a_b"]}),
    );
    assert_eq!((world.ours().len(), world.texts("si_a_b")), (0, vec!["mine".to_owned()]));
    world.command(&["status"]).code(0).stdout(contains("90 messages were undone"));
    let verified = world.json(&["verify"]);
    verified.is(0, &json!({"confirmed": 0}));
    assert!(
        verified.json["verdict"].as_str().unwrap().contains("3 conversations were undone"),
        "{}",
        verified.json
    );
    world.json(&["mark-read"]).is(0, &json!({"positions": 0}));
    let again = world.run(&["--again"]);
    assert!(again.err.contains("3 undone conversations start anew"), "{}", again.err);
    // Not behind what somebody has written since; cut off, that is in nobody's way.
    again.is(5, &json!({"confirmed": 60}));
    world.json(&["undo", "--cut", "--only", "si_a_b", "--yes"]).is(0, &json!({"not_scrollable": []}));
    world.run(&[]).is(0, &json!({"confirmed": 90}));
    let judgement = world.judge(&["chat.jsonl"]);
    assert!(judgement.is_exact() && judgement.foreign == 1, "{judgement:?}");
    world.json(&["verify", "--store"]).is(0, &json!({"confirmed": 90, "stored": 90}));
    world.run(&["--again"]).is(0, &json!({"confirmed": 90}));
}

/// Refused while the job runs; then all of it is taken back, also what was under way when the run was killed.
#[test]
fn a_run_that_is_cut_short_can_be_taken_back() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(3_000));
    world.command(&["check", "chat.jsonl", "--quiet"]).success();
    world.ask(&["provision"]).success();
    let mut run = importer_process()
        .current_dir(world.dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .args(["run", "--quiet", "--api", &world.server.url, "--allow", "retention", "--rate", "150/s"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // It goes on for a long while yet: the commands below take seconds each on a machine under load.
    while world.server.audit()["total"]["received"].as_u64().unwrap() < 300 {
        assert!(run.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let process = format!("process {}", run.id());
    for args in [&["undo", "--yes"][..], &["verify"], &["retry"]] {
        world.ask(args).code(2).stderr(contains(&*process));
    }
    world.command(&["receipts"]).code(0).stdout(contains("si_a_b"));
    run.kill().unwrap();
    run.wait().unwrap();
    let sent = world.ours().len();
    assert!((300..3_000).contains(&sent), "{sent}");
    // Killed itself in the middle, it goes on. A run under load may have taken back a message of its own.
    let deleted = || world.server.audit()["total"]["deleted"].as_u64().unwrap();
    let before = deleted();
    let mut undo = importer_process()
        .current_dir(world.dir.path())
        .env("OPENIM_SECRET", "openIM123")
        .args([
            "undo",
            "--yes",
            "--quiet",
            "--connections",
            "1",
            // A page in five seconds: under load it had ended before it was killed.
            "--rate",
            "20/s",
            "--api",
            &world.server.url,
        ])
        .spawn()
        .unwrap();
    while deleted() == before {
        assert!(undo.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    undo.kill().unwrap();
    undo.wait().unwrap();
    world.ask(&["run", "--allow", "retention"]).code(2).stderr(contains("`undo` goes on with it"));
    world.json(&["undo", "--yes"]).is(0, &json!({"kept": 0, "failed": 0}));
    assert_eq!(world.ours().len(), 0);
    world.run(&["--again"]).is(0, &json!({"confirmed": 3_000}));
    let judgement = world.judge(&["chat.jsonl"]);
    assert!(judgement.is_exact(), "{judgement:?}");
}

/// By Ctrl-C, by a scheduler, and by a terminal that is closed. Whoever runs the tests under `nohup` ignores the last, and
/// so does what he starts.
#[test]
fn stopped_it_says_how_to_go_on() {
    let world = World::imported(600);
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignores_hangup = ignored.is_some_and(|mask| mask.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']));
    for signal in ["INT", "TERM", "HUP"] {
        if signal == "HUP" && ignores_hangup {
            continue;
        }
        let mut verify = importer_process()
            .current_dir(world.dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(["verify", "-v", "--quiet", "--rate", "1/s", "--api", &world.server.url])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(verify.stderr.take().unwrap()).lines();
        let begun = lines.by_ref().map(Result::unwrap).find(|line| line.contains("logged in"));
        assert!(begun.is_some(), "it ended too soon");
        let id = verify.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let said = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
        assert_eq!(verify.wait().unwrap().code(), Some(5), "{signal}: {said}");
        assert!(said.contains("stopped; the same command goes on"), "{signal}: {said}");
    }
}

/// While people write, nothing is read too early.
#[test]
fn verified_while_people_write() {
    let world = World::imported(300);
    world.server.control("/_rehearsal/faults", Some(&json!({"kind": "live-traffic", "per-second": 30})));
    world.server.control("/_rehearsal/faults", Some(&json!({"kind": "read-gap", "ms": 200})));
    for _ in 0..5 {
        world.json(&["verify"]).is(0, &json!({"confirmed": 300, "missing": 0, "doubled": 0}));
    }
    assert_eq!(world.server.audit()["total"]["hidden"], 0, "law 3");
}

/// What a user put where ours was is not deleted, and is named.
#[test]
fn an_undo_names_what_it_keeps() {
    let world = World::imported(30);
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    let fall = json!({"kind": "fall-back-seq", "by": 2, "conversation": "si_a_b"});
    world.server.control("/_rehearsal/now", Some(&fall));
    world.write("mine 0");
    world.write("mine 1");
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    let undone = world.json(&["undo", "--yes"]);
    undone.is(8, &json!({"deleted": 28, "kept": 2, "failed": 0, "not_scrollable": ["si_a_b"]}));
    assert!(undone.err.contains("kept si_a_b seq 9: another message stands in its slot"), "{}", undone.err);
    let left = fs_err::read_to_string(world.path("import.job/undo-left.jsonl")).unwrap();
    assert_eq!(left.lines().count(), 2);
    assert_eq!(world.texts("si_a_b"), ["mine 0", "mine 1"]);
}

#[test]
fn receipts_and_a_purge() {
    let world = World::imported(30);
    world
        .command(&["receipts", "--format", "jsonl", "-o", "r.jsonl", "--json"])
        .code(0)
        .stdout(contains(r#""receipts":30"#));
    world.json(&["verify"]).is(0, &json!({}));
    let csv = String::from_utf8(world.command(&["receipts"]).get_output().stdout.clone()).unwrap();
    assert_eq!(csv.lines().count(), 31);
    world.command(&["purge", "--yes", "--json"]).code(0).stdout(contains(r#""command":"purge""#));
    for file in fs_err::read_dir(world.path("import.job")).unwrap() {
        let bytes = fs_err::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("message 1"), "a text is left");
    }
    let after = String::from_utf8(world.command(&["receipts"]).get_output().stdout.clone()).unwrap();
    assert_eq!(after, csv);
    world.command(&["status"]).code(0).stdout(
        contains("All 30 messages are confirmed")
            .and(contains("last verified").and(contains("in 3 conversations are confirmed: read back"))),
    );
    for args in [&["verify"][..], &["retry"]] {
        world.ask(args).code(2).stderr(contains("removed by `purge`"));
    }
    world.json(&["undo", "--yes"]).is(0, &json!({"deleted": 30}));
    assert_eq!(world.ours().len(), 0);
}
