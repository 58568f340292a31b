//! Whatever became of the job, and whichever copy of it is at hand: nothing stands on the server twice.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{Said, history};
use super::world::World;

/// A copy of a job's folder, as a backup is.
pub(super) fn copy(from: &Path, to: &Path) {
    fs_err::remove_dir_all(to).ok();
    fs_err::create_dir_all(to).unwrap();
    for file in fs_err::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs_err::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

impl World {
    /// Its job is deleted.
    fn lose_the_job(&self) {
        fs_err::remove_dir_all(self.path("import.job")).unwrap();
    }

    /// What stands in all logs.
    fn held(&self) -> u64 {
        self.server.audit()["total"]["messages"].as_u64().unwrap()
    }
}

/// Neither the first nor the last message of the new job stands there, and most of the others do.
fn refused_and_adopted(world: &World, export: &str) {
    for more in [&[][..], &["--allow", "not-empty"], &["--thorough"]] {
        let before = world.held();
        let run = world.run(&[&[export], more].concat());
        assert_eq!((run.code, world.held()), (6, before), "{more:?}: {}\n{}", run.json, run.err);
    }
    world.lose_the_job();
    let adopted = world.json(&["adopt", export, "--unanswered-wait", "100ms"]);
    adopted.is(0, &json!({}));
}

#[test]
fn a_later_part_was_imported_by_a_job_that_is_lost() {
    let world = World::new(&[]);
    let said = history(150);
    world.export("chat.jsonl", &said);
    // The time of the 61st.
    assert_eq!(said[60].time, 1_500_000_060_000);
    world
        .run(&["chat.jsonl", "--provision", "--since", "2017-07-14T02:41:00Z"])
        .is(0, &json!({"confirmed": 90}));
    world.lose_the_job();
    refused_and_adopted(&world, "chat.jsonl");
    // What is missing before what is there: in its place, or a reject. Nothing twice.
    let run = world.run(&["--unanswered-wait", "100ms"]);
    let judgement = world.judge_and_verify(&["chat.jsonl"]);
    assert_eq!(judgement.doubled, 0, "{judgement:?}\n{}", run.json);
    assert_eq!(judgement.lost as u64, run.json["rejected"], "{judgement:?}\n{}", run.json);
}

#[test]
fn the_middle_was_imported_and_the_ends_were_edited_since() {
    let world = World::new(&[]);
    let said = history(150);
    world.export("middle.jsonl", &said[30..120]);
    world.run(&["middle.jsonl", "--provision"]).is(0, &json!({"confirmed": 90}));
    world.lose_the_job();
    // Of the 90, the first and the last of each conversation are other words in the new export.
    let edit = |n: usize, one: &Said| {
        let is_edge = !(33..117).contains(&n);
        Said { text: if is_edge { format!("{}, edited", one.text) } else { one.text.clone() }, ..one.clone() }
    };
    let edited: Vec<Said> = said.iter().enumerate().map(|(n, one)| edit(n, one)).collect();
    // One more, of which nothing stands there yet.
    let fresh = said[..5].iter().map(|one| Said {
        conversation: "si_d_e".into(),
        sender: "d".into(),
        time: one.time + 500,
        ..one.clone()
    });
    let edited: Vec<Said> = edited.into_iter().chain(fresh).collect();
    world.export("chat.jsonl", &edited);
    refused_and_adopted(&world, "chat.jsonl");
    // The words of then are others' by now, and newer than what is missing before them: nothing goes behind them, and what
    // stands there stays.
    let before = world.held() + 5;
    let run = world.run(&["--provision", "--unanswered-wait", "100ms"]);
    run.is(5, &json!({}));
    assert_eq!((world.held(), world.judge(&["chat.jsonl"]).lost), (before, 66), "{}", run.json);
    let behind = world.run(&["--behind", "all", "--unanswered-wait", "100ms"]);
    assert!(behind.code == 5 && behind.err.contains("first `undo --only` it"), "{}", behind.err);
    assert_eq!(world.held(), before);
    // In their place, all of it, after what stands there was taken back and cut off.
    world.json(&["undo", "--cut", "--yes"]).is(0, &json!({"failed": 0}));
    world.run(&["--again"]).is(0, &json!({"confirmed": 155}));
    let judgement = world.judge(&["chat.jsonl"]);
    assert_eq!((judgement.lost, judgement.doubled, judgement.unscrollable), (0, 0, 0), "{judgement:?}");
}

/// A version that knew nothing of that has sent everything a second time: `verify` sees it below where this job began,
/// and `--repair` leaves one of each.
#[test]
fn what_stands_below_the_beginning_is_looked_at() {
    let world = World::imported(60);
    world.write("of somebody else");
    world.lose_the_job();
    world.local(&["check", "chat.jsonl"]).is(0, &json!({}));
    let db = rusqlite::Connection::open(world.path("import.job/job.sqlite")).unwrap();
    let log = |name: &str| world.server.log(name).len();
    world.server.control("/_rehearsal/settle", Some(&Value::Null));
    for (name, no) in conversations(&db) {
        let baseline = log(&name);
        db.execute(
            "INSERT INTO progress (conv, baseline, read_to) VALUES (?1, ?2, ?2)",
            rusqlite::params![no, i64::try_from(baseline).unwrap()],
        )
        .unwrap();
    }
    drop(db);
    world.run(&[]).is(0, &json!({"confirmed": 60}));
    assert_eq!(world.judge_and_verify(&["chat.jsonl"]).doubled, 60);
    world.json(&["verify"]).is(8, &json!({"doubled": 60, "confirmed": 60, "foreign": 0}));
    // The earlier ones are deleted, and what is left in front are holes.
    world
        .json(&["verify", "--repair"])
        .is(8, &json!({"doubled": 0, "confirmed": 60, "scrollable": 0, "not_scrollable": 3}));
    let judgement = world.judge_and_verify(&["chat.jsonl"]);
    assert_eq!((judgement.lost, judgement.doubled, judgement.unscrollable), (0, 0, 3), "{judgement:?}");
    // All of it is ours in two of them.
    world
        .json(&["verify", "--client", "--repair", "--yes"])
        .is(8, &json!({"doubled": 0, "confirmed": 60, "not_scrollable": 1}));
    let judgement = world.judge_and_verify(&["chat.jsonl"]);
    assert_eq!((judgement.lost, judgement.doubled, judgement.unscrollable), (0, 0, 1), "{judgement:?}");
    assert!(world.texts("si_a_b").contains(&"of somebody else".to_owned()));
}

/// The conversations of a job, by the server's name.
fn conversations(db: &rusqlite::Connection) -> Vec<(String, i64)> {
    let mut statement = db.prepare("SELECT no, a, b FROM conversations").unwrap();
    let rows = statement.query_map([], |row| {
        let (no, a, b): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((b.map_or_else(|| format!("sg_{a}"), |b| format!("si_{a}_{b}")), no))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The folder was put back from a copy that is older than a `retry`; and then it is given again.
#[test]
fn a_job_put_back_from_before_a_retry() {
    let world = World::new(&[]);
    world.export("chat.jsonl", &history(60));
    fs_err::write(world.path("users.csv"), "userID,nickname\na,A\nc,C\n").unwrap();
    fs_err::write(world.path("groups.csv"), "groupID,ownerUserID,memberUserIDs\ng,a,c\n").unwrap();
    world.ask(&["provision", "--users", "users.csv", "--groups", "groups.csv"]).code(0);
    let allow = ["chat.jsonl", "--allow", "missing-users", "--allow", "not-members"];
    world.run(&allow).is(3, &json!({"confirmed": 40, "rejected": 20}));
    copy(&world.path("import.job"), &world.path("backup"));
    world.ask(&["provision"]).code(0);
    let pace = ["--unanswered-wait", "100ms"];
    for _ in 0..2 {
        let behind = ["retry", "--behind"];
        world.json(&[&behind[..], &pace].concat()).is(0, &json!({"confirmed": 60, "rejected": 0}));
        let judgement = world.judge(&["chat.jsonl"]);
        assert_eq!((judgement.lost, judgement.doubled), (0, 0), "{judgement:?}");
        copy(&world.path("backup"), &world.path("import.job"));
    }
    // Others have written meanwhile; that is no reason to send anything again.
    world.write("of somebody else");
    world.json(&[&["retry", "--behind"][..], &pace].concat()).is(0, &json!({"confirmed": 60, "rejected": 0}));
    assert_eq!(world.judge(&["chat.jsonl"]).doubled, 0);
    world.json(&["verify"]).is(0, &json!({"confirmed": 60, "doubled": 0}));
    // In their places: all was taken back and sent anew, under names that the copy does not know.
    let anew = World::new(&[]);
    anew.export("chat.jsonl", &history(60));
    for table in ["users.csv", "groups.csv"] {
        fs_err::copy(world.path(table), anew.path(table)).unwrap();
    }
    anew.ask(&["provision", "--users", "users.csv", "--groups", "groups.csv"]).code(0);
    anew.run(&allow).is(3, &json!({"confirmed": 40, "rejected": 20}));
    copy(&anew.path("import.job"), &anew.path("backup"));
    anew.ask(&["provision"]).code(0);
    let in_place = [&["retry", "--yes"][..], &pace].concat();
    anew.json(&in_place).is(0, &json!({"confirmed": 60, "rejected": 0}));
    assert!(anew.judge(&["chat.jsonl"]).is_exact());
    copy(&anew.path("backup"), &anew.path("import.job"));
    let again = anew.json(&in_place);
    let judgement = anew.judge(&["chat.jsonl"]);
    assert_eq!((judgement.lost, judgement.doubled), (0, 0), "{judgement:?} {}", again.json);
    assert_ne!(again.code, 0, "it knows nothing of what stands there: {}", again.json);
}

/// The same with a further pass.
#[test]
fn a_job_put_back_from_before_a_later_pass() {
    let world = World::new(&[]);
    let said = history(120);
    world.export("one.jsonl", &said[..60]);
    world.export("two.jsonl", &said[60..]);
    world.run(&["one.jsonl", "--provision"]).is(0, &json!({"confirmed": 60}));
    copy(&world.path("import.job"), &world.path("backup"));
    for _ in 0..2 {
        let add = ["--add", "two.jsonl", "--unanswered-wait", "100ms"];
        world.run(&add).is(0, &json!({"confirmed": 120}));
        let judgement = world.judge(&["one.jsonl", "two.jsonl"]);
        assert!(judgement.is_exact(), "{judgement:?}");
        copy(&world.path("backup"), &world.path("import.job"));
    }
}

/// A server put back from an older copy has a part of what the job has confirmed: nothing says that all is well, and
/// the way that works is named, and works.
#[test]
fn a_server_put_back_from_an_older_copy() {
    let world = World::imported(120);
    // As the server was: the first three quarters.
    let older = World::new(&[]);
    older.export("chat.jsonl", &history(120)[..90]);
    older.run(&["chat.jsonl", "--provision"]).is(0, &json!({"confirmed": 90}));
    older.export("chat.jsonl", &history(120));
    older.lose_the_job();
    copy(&world.path("import.job"), &older.path("import.job"));
    let named = |said: &str| {
        assert!(
            said.contains("put back from an older copy") && said.contains("`adopt SOURCE --job NEW`"),
            "{said}"
        );
    };
    let run = older.run(&[]);
    assert_eq!(run.code, 8, "{}", run.json);
    named(run.json["verdict"].as_str().unwrap());
    older.json(&["verify"]).is(8, &json!({"missing": 30}));
    let repaired = older.json(&["verify", "--repair"]);
    repaired.is(8, &json!({"repaired_sent": 0}));
    named(repaired.json["verdict"].as_str().unwrap());
    let new = ["--job", "new.job", "--unanswered-wait", "100ms"];
    older.json(&[&["adopt", "chat.jsonl"][..], &new].concat()).is(0, &json!({"already_there": 90}));
    older.run(&new).is(0, &json!({"confirmed": 120}));
    let judgement = older.judge(&["chat.jsonl"]);
    assert!(judgement.is_exact(), "{judgement:?}");
}

/// The preflight looks into some conversations, and at some of their slots; the run itself at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_itself_looks_at_everything() {
    use openim_importer::import::{self, ImportError, Progress, Settings, StopSignal};
    for release in [openim_importer::message::Release::V3_8_3, openim_importer::message::Release::Main] {
        let server = super::support::server(release).await;
        let said = history(900);
        let dirs = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // One message from the middle, among many of others.
        for n in 0..150 {
            super::support::write(&server, &format!("of somebody else, {n}")).await;
        }
        let mut first = super::support::job(dirs.0.path(), &said[450..451]);
        super::support::run(&mut first, &server).await;
        for n in 0..150 {
            super::support::write(&server, &format!("later, {n}")).await;
        }
        server.settle().await;
        let mut second = super::support::job(dirs.1.path(), &said);
        second.begin_sending().unwrap();
        let before = server.audit().total.tally.received;
        let progress = std::sync::Arc::new(Progress::default());
        let only = Some([openim_importer::message::ConversationId(said[450].conversation.clone())].into());
        let settings = Settings { only, ..Settings::default() };
        let ended = import::run(
            settings,
            &mut second,
            super::support::client(&server),
            StopSignal::default(),
            progress,
        )
        .await;
        assert!(matches!(&ended, Err(ImportError::AlreadyThere(there)) if there[0].seq == 151), "{ended:?}");
        assert_eq!(server.audit().total.tally.received, before);
    }
}
