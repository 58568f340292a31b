//! What stands on the server against what the job has: every kind of damage is found, named, and mended where
//! that can be done.

use openim_importer::after::{self, Counts, Difference, Event, Extras, Kind};
use openim_importer::job::Job;
use openim_importer::message::Release;
use openim_importer::rehearsal::Running;

use super::support::{call, client, delete, history, job, run, server, settings, texts, write};

/// What `verify` finds, in order of conversation and slot, and the sum of it.
struct Verified {
    differences: Vec<Difference>,
    counts: Counts,
    equal: u64,
    deleted: u64,
    missing: Vec<(openim_importer::job::ConvNo, Vec<openim_importer::message::Ordinal>)>,
}

async fn verify(job: &Job, server: &Running, repair: bool) -> Verified {
    let mut verified = Verified {
        differences: Vec::new(),
        counts: Counts::default(),
        equal: 0,
        deleted: 0,
        missing: Vec::new(),
    };
    let extras = Extras { repair, lookups: 100 };
    let reader = job.reader().unwrap();
    after::verify(client(server), &reader, settings(), extras, |event| {
        match event {
            Event::Difference(difference) => verified.differences.push(difference),
            Event::Conversation(checked) => {
                verified.counts.merge(&checked.counts);
                verified.equal += checked.equal;
                verified.deleted += checked.deleted;
                if !checked.missing.is_empty() {
                    verified.missing.push((checked.conv, checked.missing));
                }
            }
            Event::Compared(_) => {}
        }
        Ok(())
    })
    .await
    .unwrap();
    verified.differences.sort_by_key(|one| (one.conversation.clone(), one.seq));
    verified
}

async fn both(test: impl AsyncFn(Release)) {
    test(Release::V3_8_3).await;
    test(Release::Main).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_differs_after_a_run() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(600));
        run(&mut job, &server).await;
        let verified = verify(&job, &server, false).await;
        assert_eq!(verified.differences, []);
        assert_eq!(verified.equal, 600);
        assert_eq!(server.audit().total.hidden, 0, "law 3");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_is_missing_and_sent_again() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(300));
        run(&mut job, &server).await;
        server.settle().await;
        delete(&server, "si_a_b", &[7, 100]).await;
        delete(&server, "sg_g", &[1]).await;
        let verified = verify(&job, &server, true).await;
        assert_eq!(verified.counts.in_words(), "3 missing");
        let first = &verified.differences[0];
        assert_eq!((first.conversation.as_str(), first.seq), ("sg_g", Some(1)));
        assert_eq!(first.id.as_deref(), Some("m1500000002000"));
        assert!(first.detail.starts_with("deleted"), "{first}");
        let again = after::send_again(&mut job, &verified.missing, |_| "{}".into()).unwrap();
        assert_eq!(again, 3);
        run(&mut job, &server).await;
        let verified = verify(&job, &server, false).await;
        assert_eq!(verified.counts.failing(), 0, "{:?}", verified.differences);
        assert_eq!(verified.equal, 300);
        // At the end, with their own times.
        assert_eq!(texts(&server, "si_a_b")[98..], ["message 18", "message 297"]);
        assert_eq!(job.reader().unwrap().totals().unwrap().messages, 300);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_doubled_and_deleted_and_others_messages_are_neither() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(300));
        run(&mut job, &server).await;
        for text in ["hello", "still here?"] {
            write(&server, text).await;
        }
        server.settle().await;
        server.now(&openim_importer::rehearsal::FaultKind::RepeatQueue { last: 30 }, None);
        server.settle().await;
        let before = server.audit().total.doubled;
        assert!(before >= 28, "{before}");
        let verified = verify(&job, &server, false).await;
        // The two of others were repeated as well; they are foreign, each time.
        assert_eq!(verified.counts.of(Kind::Doubled), before - 2);
        assert_eq!(verified.counts.of(Kind::Foreign), 4);
        let verified = verify(&job, &server, true).await;
        assert_eq!(verified.deleted, before - 2);
        server.settle().await;
        assert_eq!(server.audit().total.doubled, 2);
        let verified = verify(&job, &server, false).await;
        assert_eq!((verified.counts.in_words().as_str(), verified.equal), ("4 foreign", 300));
        let hello = texts(&server, "si_a_b").iter().filter(|text| *text == "hello").count();
        assert_eq!(hello, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_users_do_is_told_and_is_no_failure() {
    both(async |release| {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(release).await);
        let mut job = job(dir.path(), &history(300));
        run(&mut job, &server).await;
        for (act, body) in [
            ("revoke", serde_json::json!({"user": "a", "conversation": "si_a_b", "seq": 3})),
            ("delete", serde_json::json!({"user": "a", "conversation": "si_a_b", "seq": 4})),
            ("clear", serde_json::json!({"user": "c", "conversation": "si_a_c"})),
        ] {
            call(&server, &format!("/_rehearsal/{act}"), body).await;
        }
        let verified = verify(&job, &server, false).await;
        assert_eq!(verified.counts.in_words(), "1 revoked");
        assert_eq!((verified.equal, verified.counts.failing()), (299, 0));
    })
    .await;
}
