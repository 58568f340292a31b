//! Read positions: everything imported, or those of a file; only forward.

use openim_importer::after::{self, MarkReport};
use openim_importer::message::Release;
use openim_importer::rehearsal::Running;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::support::{call, client, history, job, run, server, settings, write};

async fn has_read(server: &Running, user: &str, conversation: &str) -> i64 {
    let body = json!({"userID": user, "conversationIDs": [conversation]});
    let answer = call(server, "/msg/get_conversations_has_read_and_max_seq", body).await;
    answer["data"]["seqs"][conversation]["hasReadSeq"].as_i64().unwrap()
}

async fn both(test: impl AsyncFn(Release)) {
    test(Release::V3_8_3).await;
    test(Release::Main).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_imported_is_read_by_everybody_and_what_came_after_is_not() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(300));
        run(&mut job, &server).await;
        write(&server, "news").await;
        server.settle().await;
        let reader = job.reader().unwrap();
        let mark = async || after::mark_read(client(&server), &reader, settings(), |_| {}).await.unwrap();
        let report = mark().await;
        assert_eq!(report.positions, report.moved + report.already);
        assert!(report.moved >= 3, "{report:?}");
        for (user, conversation) in
            [("a", "si_a_b"), ("a", "si_a_c"), ("c", "si_a_c"), ("a", "sg_g"), ("b", "sg_g")]
        {
            assert_eq!(has_read(&server, user, conversation).await, 100, "{user} in {conversation}");
        }
        // He wrote the news himself.
        assert_eq!(has_read(&server, "b", "si_a_b").await, 101);
        // Again: nothing is left to move.
        let again = mark().await;
        assert_eq!((again.moved, again.already), (0, report.positions));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_of_a_file_move_forward_only() {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(Release::V3_8_3).await);
    let mut job = job(dir.path(), &history(300));
    run(&mut job, &server).await;
    let before = has_read(&server, "b", "si_a_b").await;
    assert!(before > 90, "whoever wrote has read");
    let path = dir.path().join("read.csv");
    fs_err::write(
        &path,
        "userID,peerID,groupID,id,readTime\n\
         c,a,,m1500000031000,\n\
         a,b,,,1500000060500\n\
         b,a,,m1500000000000,\n\
         c,,g,,2017-07-14T02:40:30Z\n\
         b,a,,nobody,\n\
         c,x,,,1500000060500\n",
    )
    .unwrap();
    let reader = job.reader().unwrap();
    let report = after::mark_read_from(client(&server), &reader, settings(), &path, |_| {}).await.unwrap();
    // c's eleventh message is m31; a's last before 60.5 s is m60, the 21st.
    assert_eq!(has_read(&server, "c", "si_a_c").await.max(11), has_read(&server, "c", "si_a_c").await);
    assert_eq!(has_read(&server, "b", "si_a_b").await, before, "never back");
    assert_eq!(has_read(&server, "c", "sg_g").await, 10);
    assert_eq!((report.positions, report.unknown_lines), (4, 2));
    assert!(
        report.unknown[0].ends_with("read.csv:6: no message in the job has the id `nobody`"),
        "{report:?}"
    );
    assert!(report.unknown[1].contains("`si_c_x` is not in the job"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_are_marked_when_they_are_finished() {
    let (dir, server) = (tempfile::tempdir().unwrap(), server(Release::Main).await);
    let mut job = job(dir.path(), &history(90));
    let reader = job.reader().unwrap();
    let done = CancellationToken::new();
    let marking = after::mark_read_as_they_finish(client(&server), &reader, settings(), done.clone());
    let importing = async {
        run(&mut job, &server).await;
        done.cancel();
    };
    let (report, ()) = tokio::join!(marking, importing);
    let MarkReport { positions, moved, already, .. } = report.unwrap();
    assert_eq!((positions, moved + already), (6, 6));
    assert_eq!(has_read(&server, "a", "si_a_c").await, 30);
}
