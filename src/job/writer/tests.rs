use super::*;
use crate::job::{Double, LostCall, Reject, Under, Unseen, Withdrawn, Write};
use crate::message::{Ids, Message, MsgId, Ordinal, SendTime};
use crate::prepare::few;

fn ids(n: u8) -> Ids {
    Ids { server: MsgId::Hex([n; 16]), client: MsgId::Hex([n + 100; 16]) }
}

fn receipt(n: u64) -> Receipt {
    let ids = Some(ids(u8::try_from(n).unwrap()));
    Receipt { ordinal: Ordinal(n), seq: Seq(n.cast_signed() + 1), ids, hidden: n == 2 }
}

fn job(dir: &Path) -> (Job, ConvNo) {
    let mut job = Job::create(dir).unwrap();
    let one = crate::job::record::tests::message();
    let messages: Vec<Message<'_>> =
        (0..9).map(|n: i64| Message { ex: n.to_string().into(), ..one.clone() }).collect();
    few(&mut job, &messages).unwrap();
    let conv = job.reader().unwrap().conversations(None, 1).unwrap()[0].no;
    (job, conv)
}

fn a_step(conv: ConvNo) -> Step {
    Step {
        conv,
        cursor: Ordinal(4),
        read_to: Seq(9),
        state: Under::Way { doubt: true, lost: Some(LostCall::TimedOut) },
        run: 3,
        receipts: vec![receipt(0), receipt(1), receipt(2)],
        rejects: vec![Reject {
            ordinal: Ordinal(3),
            reason: "not-member",
            code: 1203,
            detail: "no".into(),
            held: false,
        }],
        withdrawn: vec![Withdrawn { seq: Seq(7), ordinal: Ordinal(5), ids: ids(50) }],
        doubles: vec![Double { seq: Seq(8), ordinal: Ordinal(1), server: ids(1).server }],
        unseen: vec![Unseen { seq: Seq(9), ordinal: Ordinal(2) }],
        overtaken: None,
    }
}

#[tokio::test]
async fn what_was_written_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut job, conv) = job(dir.path());
    let writer = job.writer().unwrap();
    let handle = writer.handle();
    let begin = Write::Activate { run: 2, conversations: vec![(conv, Seq(1))] };
    handle.surely(begin, Durability::Synced).await.unwrap();
    let reader = job.reader().unwrap();
    let progress = reader.progress(conv).unwrap().unwrap();
    assert_eq!((progress.baseline, progress.read_to, progress.cursor), (Seq(1), Seq(1), Ordinal(0)));
    assert_eq!(progress.state, Under::Way { doubt: false, lost: None });
    handle.lazily(Write::Step(Box::new(a_step(conv)))).await.unwrap();
    handle.surely(Write::Nothing, Durability::Written).await.unwrap();

    let progress = reader.progress(conv).unwrap().unwrap();
    assert_eq!((progress.baseline, progress.read_to, progress.cursor), (Seq(1), Seq(9), Ordinal(4)));
    assert_eq!((progress.rejected, progress.run, progress.state), (1, 3, a_step(conv).state));
    assert_eq!(reader.touched_since(3, None, 9).unwrap(), [(conv, progress)]);
    assert_eq!(reader.touched_since(4, None, 9).unwrap(), []);
    assert_eq!(reader.receipt(conv, Ordinal(2)).unwrap(), Some(receipt(2)));
    assert_eq!(reader.receipt(conv, Ordinal(3)).unwrap(), None);
    assert_eq!(reader.last_receipt(conv, Ordinal(4)).unwrap(), Some(receipt(2)));
    assert_eq!(reader.last_receipt(conv, Ordinal(0)).unwrap(), None);
    assert!(reader.is_rejected(conv, Ordinal(3)).unwrap());
    assert_eq!(reader.reject_counts().unwrap(), [("not-member".to_owned(), 1)]);
    assert_eq!(reader.to_look_for(None, 9).unwrap(), [(conv, a_step(conv).withdrawn[0].clone())]);
    assert_eq!(reader.doubles(None, 9).unwrap(), [(conv, a_step(conv).doubles[0].clone())]);
    assert_eq!(reader.unseen(None, 9).unwrap(), [(conv, a_step(conv).unseen[0])]);
    assert_eq!(reader.standing().unwrap().passed, 4);

    handle.lazily(Write::Deleted(conv, vec![Seq(7)], Deleted::ForGood)).await.unwrap();
    handle.lazily(Write::Repaired(conv, vec![Seq(8)])).await.unwrap();
    handle.lazily(Write::LookedAt(conv, vec![Seq(9)])).await.unwrap();
    // Sent after it was mended: the row that spans it is written anew.
    handle.lazily(Write::Receipt(conv, receipt(3))).await.unwrap();
    drop(handle);
    writer.close().unwrap();
    assert_eq!(reader.to_look_for(None, 9).unwrap(), []);
    assert_eq!(reader.doubles(None, 9).unwrap(), []);
    assert_eq!(reader.unseen(None, 9).unwrap(), []);
    assert_eq!(reader.repair_counts().unwrap(), (1, 0));
    assert!(!reader.is_rejected(conv, Ordinal(3)).unwrap());
    assert_eq!(reader.receipts(conv, Ordinal(0), 9).unwrap().len(), 4);
    assert_eq!(reader.receipt(conv, Ordinal(3)).unwrap(), Some(receipt(3)));

    job.write_rejects(&|_| "").unwrap();
    assert_eq!(fs_err::read_to_string(dir.path().join("rejected.jsonl")).unwrap(), "");
}

#[tokio::test]
async fn rejects_are_written_as_lines_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut job, conv) = job(dir.path());
    let writer = job.writer().unwrap();
    let handle = writer.handle();
    handle.lazily(Write::Activate { run: 1, conversations: vec![(conv, Seq(0))] }).await.unwrap();
    handle.lazily(Write::Step(Box::new(a_step(conv)))).await.unwrap();
    drop(handle);
    writer.close().unwrap();
    for _ in 0..2 {
        job.write_rejects(&|reason| if reason == "not-member" { "he is no member" } else { "" }).unwrap();
        let lines = fs_err::read_to_string(dir.path().join("rejected.jsonl")).unwrap();
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(line["reasons"][0]["code"], "not-member");
        assert_eq!(line["reasons"][0]["means"], "he is no member");
        assert_eq!(line["message"]["ex"], "3");
    }
}

#[tokio::test]
async fn an_error_ends_the_writer_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (job, conv) = job(dir.path());
    let writer = job.writer().unwrap();
    let handle = writer.handle();
    job.db.execute_batch("DROP TABLE receipts").unwrap();
    let step = || Write::Step(Box::new(a_step(conv)));
    assert_eq!(handle.surely(step(), Durability::Written).await, Err(Gone));
    assert_eq!(handle.surely(step(), Durability::Written).await, Err(Gone));
    drop(handle);
    assert!(writer.close().unwrap_err().to_string().contains("receipts"));
}

#[tokio::test]
async fn runs_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut job, _) = job(dir.path());
    let no = job.begin_run(5, "http://x", "{}").unwrap();
    let second = job.begin_run(7, "http://x", "{}").unwrap();
    job.end_run(second, 9, r#"{"sent":1}"#).unwrap();
    let runs = job.reader().unwrap().runs().unwrap();
    assert_eq!((no, second, runs.len()), (1, 2, 2));
    assert_eq!((runs[0].ended, runs[1].ended), (None, Some(9)));
}

#[test]
fn messages_of_a_time_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let one = crate::job::record::tests::message();
    let at = |time: i64, n: i64| Message {
        send_time: crate::message::SendTime(time),
        content: format!(r#"{{"content":"{n}"}}"#).into(),
        ..one.clone()
    };
    few(&mut job, &(0..700).map(|n| at(1_700_000_000_000 + n / 3, n)).collect::<Vec<_>>()).unwrap();
    few(&mut job, &[at(1_700_000_000_005, 900), at(1_700_000_009_000, 901)]).unwrap();
    let reader = job.reader().unwrap();
    let conv = reader.conversations(None, 1).unwrap()[0].no;
    let found = |time: i64| -> Vec<u64> {
        let entries = reader.written_at(conv, crate::message::SendTime(1_700_000_000_000 + time)).unwrap();
        entries.iter().map(|entry| entry.ordinal.0).collect()
    };
    assert_eq!(found(0), [0, 1, 2]);
    assert_eq!(found(5), [15, 16, 17, 700]);
    assert_eq!(found(233), [699]);
    assert_eq!(found(9000), [701]);
    assert_eq!(found(234), [0; 0]);
    assert_eq!(found(-1), [0; 0]);
}

/// What was under way when its conversation went behind what people wrote can come afterwards, under the time that it had.
#[test]
fn messages_that_went_behind_are_found_at_every_time_they_had() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let one = crate::job::record::tests::message();
    let time = |n: u64| SendTime(1_700_000_000_000).0.saturating_add_unsigned(n);
    few(
        &mut job,
        &(0..5).map(|n| Message { send_time: SendTime(time(n)), ..one.clone() }).collect::<Vec<_>>(),
    )
    .unwrap();
    let reader = job.reader().unwrap();
    let conv = reader.conversations(None, 1).unwrap()[0].no;
    let before = reader.entries(conv, Ordinal(0), 5).unwrap();
    job.send_behind(&[(conv, Ordinal(3), SendTime(time(100)))]).unwrap();
    let between = reader.entries(conv, Ordinal(0), 5).unwrap();
    job.send_behind(&[(conv, Ordinal(4), SendTime(time(200)))]).unwrap();
    let formerly = |n: u64| reader.formerly_at(conv, SendTime(time(n))).unwrap();
    assert_eq!((formerly(2), formerly(3), formerly(4)), (vec![], vec![before[3]], vec![before[4]]));
    // 3 went to 101, and is sent there still; 4 to 102, and on.
    assert_eq!((formerly(101), formerly(102), formerly(201)), (vec![], vec![between[4]], vec![]));
    assert!(between[4].moved && !before[4].moved);
}

/// Whoever waits for the disk gets it, also where another commit, which did not wait, took the step first.
#[tokio::test]
async fn an_empty_write_that_is_to_be_synced_syncs_what_was_written_before() {
    let dir = tempfile::tempdir().unwrap();
    let (job, conv) = job(dir.path());
    let writer = job.writer().unwrap();
    let handle = writer.handle();
    let wal = || fs_err::metadata(dir.path().join("job.sqlite-wal")).unwrap().len();
    let begin = Write::Activate { run: 2, conversations: vec![(conv, Seq(1))] };
    handle.surely(begin, Durability::Synced).await.unwrap();
    handle.surely(Write::Step(Box::new(a_step(conv))), Durability::Written).await.unwrap();
    // Nobody waits for the disk: nothing is added for it.
    let before = wal();
    handle.surely(Write::Nothing, Durability::Written).await.unwrap();
    assert_eq!(wal(), before);
    // SQLite syncs a commit that has a page to write, and no other.
    handle.surely(Write::Nothing, Durability::Synced).await.unwrap();
    let synced = wal();
    assert!(synced > before, "nothing was committed, so nothing was synced");
    // Everything is on the disk by now.
    handle.surely(Write::Nothing, Durability::Synced).await.unwrap();
    assert_eq!(wal(), synced);
    drop(handle);
    writer.close().unwrap();
}

#[tokio::test]
async fn a_writer_that_panics_is_no_end_in_peace() {
    let dir = tempfile::tempdir().unwrap();
    let (entries, received) = mpsc::channel(1);
    drop(received);
    let writer = Writer {
        handle: WriterHandle { entries: Entries::ToThread(entries), dir: dir.path().into() },
        thread: Some(std::thread::spawn(|| panic!("as a test"))),
        failed: Arc::default(),
        dir: dir.path().to_owned(),
    };
    assert_eq!(writer.handle().surely(Write::Nothing, Durability::Synced).await, Err(Gone));
    let error = writer.close().unwrap_err();
    assert!(matches!(error, JobError::WriterPanicked(_)), "{error}");
}
