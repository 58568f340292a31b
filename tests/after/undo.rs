//! Undo deletes what the job imported and nothing else; killed in the middle, it goes on.

use std::time::Duration;

use openim_importer::after::{self, AfterError, UndoReport};
use openim_importer::job::Job;
use openim_importer::message::Release;
use openim_importer::rehearsal::{FaultKind, Options, Running, Users};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::scroll::scrolls;

use super::support::{add, call, client, history, job, run, server, settings, start, texts, there, write};

async fn undo(job: &mut Job, server: &Running) -> UndoReport {
    after::undo(client(server), job, settings(), false, |_| {}).await.unwrap()
}

async fn both(test: impl AsyncFn(Release)) {
    test(Release::V3_8_3).await;
    test(Release::Main).await;
}

/// What is left of the importer's in all logs: its messages say `message`.
fn left(server: &Running) -> Vec<String> {
    ["si_a_b", "si_a_c", "sg_g"]
        .iter()
        .flat_map(|conversation| texts(server, conversation))
        .filter(|text| text.starts_with("message"))
        .collect()
}

/// A server on which somebody had written before, and a job that was imported behind that.
async fn imported(release: Release) -> (tempfile::TempDir, Running, Job) {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
    write(&server, "before").await;
    server.settle().await;
    let mut job = job(dir.path(), &history(400));
    run(&mut job, &server).await;
    (dir, server, job)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_messages_are_gone_and_others_are_untouched() {
    both(async |release| {
        let (_dir, server, mut job) = imported(release).await;
        write(&server, "between").await;
        server.settle().await;
        add(&mut job, &history(500)[400..]);
        run(&mut job, &server).await;
        write(&server, "after").await;
        // The server makes copies, of ours and of others'.
        server.settle().await;
        server.now(&FaultKind::RepeatQueue { last: 50 }, None);
        // A user takes one of ours back: it keeps its names.
        call(&server, "/_rehearsal/revoke", json!({"user": "a", "conversation": "si_a_b", "seq": 4})).await;
        let report = undo(&mut job, &server).await;
        assert_eq!(report, UndoReport { conversations: 3, deleted: 500, kept: 0, failed: 0 });
        server.settle().await;
        assert_eq!(left(&server), [""; 0]);
        let others = texts(&server, "si_a_b");
        for text in ["before", "between", "after"] {
            assert!(others.contains(&text.to_owned()), "{others:?}");
        }
        assert_eq!(there(&server, "si_a_c").len() + there(&server, "sg_g").len(), 0);
        // Again: nothing to do.
        assert_eq!(undo(&mut job, &server).await.deleted, 500);
    })
    .await;
}

/// The lowest slot that `a` is given.
async fn first_slot(server: &Running, conversation: &str) -> Option<i64> {
    let range = json!({"conversationID": conversation, "begin": 1, "end": 1000, "num": 1000});
    let ask = json!({"userID": "a", "seqRanges": [range], "order": 0});
    let answer = call(server, "/msg/pull_msg_by_seq", ask).await;
    answer["data"]["msgs"][conversation]["Msgs"][0]["seq"].as_i64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_left_the_conversation_is_cut_off_and_starts_anew() {
    both(async |release| {
        let (_dir, server, mut job) = imported(release).await;
        server.settle().await;
        undo(&mut job, &server).await;
        assert_eq!(first_slot(&server, "si_a_b").await, Some(1), "somebody else's message stands there");
        assert_eq!(first_slot(&server, "sg_g").await, None, "everything is cut off");
        job.start_again().unwrap();
        run(&mut job, &server).await;
        let again = first_slot(&server, "sg_g").await.unwrap();
        assert!(again > 100, "{again}");
        for conversation in ["si_a_c", "sg_g"] {
            scrolls(&server, conversation);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_store_yet_is_waited_for() {
    let mut options = Options::fast(Release::V3_8_3);
    options.users = Users::Auto;
    options.timing.store_lag = Duration::from_millis(1500);
    let (dir, server) = (tempfile::tempdir().unwrap(), start(options).await);
    let mut job = job(dir.path(), &history(150));
    run(&mut job, &server).await;
    let settings = after::Settings { store_wait: Duration::from_secs(20), ..settings() };
    let undone = after::undo(client(&server), &mut job, settings, false, |_| {}).await.unwrap();
    assert_eq!(undone.deleted, 150);
    server.settle().await;
    assert_eq!(left(&server), [""; 0], "law 14: nothing came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_in_the_middle_it_goes_on() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(1_800));
        run(&mut job, &server).await;
        let mut stops = 0;
        let report = loop {
            let stop = CancellationToken::new();
            // Slowly, so that it can be stopped in time.
            let rate = std::num::NonZeroU32::new(1_000);
            let settings = after::Settings { stop: stop.clone(), connections: 1, rate, ..settings() };
            let mut deleted = 0;
            let ended = after::undo(client(&server), &mut job, settings, false, |n| {
                deleted += n;
                if deleted >= 2 {
                    stop.cancel();
                }
            })
            .await;
            match ended {
                Ok(report) => break report,
                Err(AfterError::Stopped) => stops += 1,
                Err(error) => panic!("{error}"),
            }
            // As after a kill: another process takes over.
            drop(job);
            job = Job::open(&dir.path().join("x.job")).unwrap();
        };
        assert!(stops > 0, "it was over before it could be stopped");
        assert_eq!(report, UndoReport { conversations: 3, deleted: 1_800, kept: 0, failed: 0 });
        server.settle().await;
        assert_eq!(left(&server), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_holds_another_message_is_kept() {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(Release::V3_8_3).await);
    let mut job = job(dir.path(), &history(30));
    run(&mut job, &server).await;
    server.settle().await;
    // The server loses its numbers and hands them out again: others' messages stand where ours were.
    server.now(&FaultKind::FallBackSeq { by: 3 }, Some("si_a_b"));
    for n in 0..3 {
        write(&server, &format!("mine {n}")).await;
    }
    server.settle().await;
    let report = undo(&mut job, &server).await;
    assert_eq!(report, UndoReport { conversations: 3, deleted: 27, kept: 3, failed: 0 });
    let left = job.reader().unwrap().left_by_undo(None, 10).unwrap();
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|(_, left)| left.is_kept && left.reason.contains("another message")), "{left:?}");
    assert_eq!(texts(&server, "si_a_b"), ["mine 0", "mine 1", "mine 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undone_job_starts_anew() {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(Release::Main).await);
    let mut job = job(dir.path(), &history(120));
    run(&mut job, &server).await;
    undo(&mut job, &server).await;
    assert_eq!(job.start_again().unwrap(), 3);
    let outcome = run(&mut job, &server).await;
    assert_eq!((outcome.confirmed, outcome.left), (120, 0));
    server.settle().await;
    assert_eq!(left(&server).len(), 120);
    assert_eq!(server.audit().total.out_of_order, 0);
}
