//! The folder as a whole.

use super::record::tests::message;
use super::*;
use crate::message::{ConversationId, Message, Ordinal, Peer, SendTime};
use crate::prepare::few;

fn at(time: i64, to: &'static str) -> Message<'static> {
    Message {
        send_time: SendTime(time),
        peer: Peer::User(to.into()),
        ex: time.to_string().into(),
        ..message()
    }
}

fn ids(reader: &JobReader, conv: ConvNo) -> Vec<String> {
    let entries = reader.entries(conv, Ordinal(0), usize::MAX).unwrap();
    entries.iter().map(|entry| reader.message(entry).unwrap().ex().into_owned()).collect()
}

#[test]
fn conversations_come_in_order_of_time_and_pass() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(&dir.path().join("a.job")).unwrap();
    few(&mut job, &[at(5, "u2"), at(1, "u2"), at(3, "u3"), at(2, "u2")]).unwrap();
    few(&mut job, &[at(4, "u2"), at(7, "u4")]).unwrap();
    let reader = job.reader().unwrap();
    let find = |id: &str| reader.find(&ConversationId(id.to_owned())).unwrap().unwrap();
    assert_eq!(ids(&reader, find("si_u1_u2").no), ["1", "2", "5", "4"]);
    assert_eq!(ids(&reader, find("si_u1_u3").no), ["3"]);
    assert_eq!(ids(&reader, find("si_u1_u4").no), ["7"]);
    assert_eq!(find("si_u1_u2").messages, 4);
    assert_eq!((find("si_u1_u2").first_time, find("si_u1_u2").last_time), (SendTime(1), SendTime(5)));
    assert_eq!(reader.find(&ConversationId("si_u1_u9".to_owned())).unwrap(), None);
    assert_eq!(reader.conversations(None, 9).unwrap().len(), 3);
    let totals = reader.totals().unwrap();
    assert_eq!((totals.messages, totals.conversations, totals.longest), (6, 3, 4));
    assert_eq!(reader.passes().unwrap().len(), 2);
}

#[test]
fn a_long_conversation_is_read_from_any_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let many = |from: i64| -> Vec<_> {
        (0..1000)
            .map(|n| Message { source_id: Some((from + n).to_string().into()), ..at(n / 3, "u2") })
            .collect()
    };
    few(&mut job, &many(0)).unwrap();
    few(&mut job, &many(1000)).unwrap();
    let reader = job.reader().unwrap();
    let conv = reader.conversations(None, 1).unwrap()[0].no;
    let all = reader.entries(conv, Ordinal(0), usize::MAX).unwrap();
    assert_eq!(all.len(), 2000);
    for from in [0, 1, 254, 255, 256, 257, 999, 1000, 1001, 1999] {
        let some = reader.entries(conv, Ordinal(from), 300).unwrap();
        let from = usize::try_from(from).unwrap();
        assert_eq!(some, all[from..2000.min(from + 300)]);
    }
    assert_eq!(reader.entries(conv, Ordinal(2000), 5).unwrap(), []);
    for entry in &all {
        let target = Target { send_time: entry.send_time, offset: entry.offset };
        assert_eq!(reader.ordinal_of(conv, target).unwrap(), Some(entry.ordinal));
        let nobody = Target { offset: entry.offset + 1, ..target };
        assert_eq!(reader.ordinal_of(conv, nobody).unwrap(), None);
    }
}

/// Something may be under way where everything is confirmed, too.
#[test]
fn the_queue_begins_with_what_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a"), at(2, "a"), at(1, "b"), at(2, "b"), at(3, "b"), at(1, "c"), at(1, "d")])
        .unwrap();
    let no =
        |id: &str| job.reader().unwrap().find(&ConversationId(format!("si_{id}"))).unwrap().unwrap().no.0;
    job.db
        .execute(
            "INSERT INTO progress (conv, confirmed, state) VALUES (?1, 1, 1), (?2, 1, 2), (?3, 1, 0)",
            [no("a_u1"), no("c_u1"), no("d_u1")],
        )
        .unwrap();
    let queue = |job: &Job| job.reader().unwrap().queue().unwrap();
    let names: Vec<String> = queue(&job).page(9).unwrap().iter().map(|q| q.conversation.id().0).collect();
    assert_eq!(names, ["si_a_u1", "si_c_u1", "si_b_u1"]);
    assert_eq!((queue(&job).conversations(), queue(&job).messages()), (2, 4));
    job.db
        .execute_batch("UPDATE progress SET confirmed = 2; DELETE FROM segments WHERE messages = 3")
        .unwrap();
    assert!(!queue(&job).is_empty(), "c is open");
    job.db.execute_batch("UPDATE progress SET state = 0").unwrap();
    assert!(queue(&job).is_empty());
}

#[test]
fn the_queue_can_begin_with_what_was_written_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a"), at(2, "a"), at(3, "a"), at(5, "b"), at(4, "c"), at(9, "d")]).unwrap();
    let mut queue = job.reader().unwrap().queue_by(Order::Recent).unwrap();
    let names: Vec<String> = queue.page(9).unwrap().iter().map(|q| q.conversation.id().0).collect();
    assert_eq!(names, ["si_d_u1", "si_b_u1", "si_c_u1", "si_a_u1"]);
}

#[test]
fn the_queue_begins_with_the_longest_and_leaves_out_what_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a"), at(1, "b"), at(2, "b"), at(3, "b"), at(1, "c"), at(2, "c"), at(1, "d")])
        .unwrap();
    let no =
        |id: &str| job.reader().unwrap().find(&ConversationId(format!("si_{id}"))).unwrap().unwrap().no.0;
    job.db
        .execute("INSERT INTO progress (conv, confirmed) VALUES (?1, 2), (?2, 1)", [no("b_u1"), no("a_u1")])
        .unwrap();
    let mut queue = job.reader().unwrap().queue().unwrap();
    assert_eq!((queue.conversations(), queue.messages()), (3, 4));
    let mut left = Vec::new();
    loop {
        let page = queue.page(2).unwrap();
        if page.is_empty() {
            break;
        }
        left.extend(page.iter().map(|q| (q.conversation.id().0, q.confirmed.0, q.remaining())));
    }
    assert_eq!(left[0], ("si_c_u1".to_owned(), 0, 2));
    left[1..].sort();
    assert_eq!(left[1..], [("si_b_u1".to_owned(), 2, 1), ("si_d_u1".to_owned(), 0, 1)]);
}

#[test]
fn a_pass_that_was_cut_short_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a")]).unwrap();
    let before = std::fs::metadata(dir.path().join(spool::FILE)).unwrap().len();
    for load in [false, true] {
        // As a kill leaves it: nothing is undone by this process.
        let mut pass = job.begin_pass("{}").unwrap();
        pass.append(b"some bytes").unwrap();
        pass.lines().finding(&"oh").unwrap();
        if load {
            pass.load().unwrap().0.user("x", "", "").unwrap();
        }
        std::mem::forget(pass);
        if load {
            job.db.execute_batch("ROLLBACK").unwrap();
        }
        assert!(!job.reader().unwrap().passes().unwrap()[1].ready);
        drop(job);
        job = Job::open(dir.path()).unwrap();
        assert_eq!(job.reader().unwrap().passes().unwrap().len(), 1);
        assert_eq!(std::fs::metadata(dir.path().join(spool::FILE)).unwrap().len(), before);
        assert_eq!(std::fs::metadata(dir.path().join("findings.jsonl")).unwrap().len(), 0);
        assert_eq!(job.reader().unwrap().totals().unwrap().messages, 1);
    }
}

#[test]
fn an_error_in_a_pass_takes_it_out_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let mut pass = job.begin_pass("{}").unwrap();
    pass.append(b"some bytes").unwrap();
    pass.load().unwrap().0.user("x", "", "").unwrap();
    drop(pass);
    assert_eq!(job.reader().unwrap().passes().unwrap().len(), 0);
    assert_eq!(job.reader().unwrap().totals().unwrap(), Totals::default());
    few(&mut job, &[at(1, "a")]).unwrap();
}

#[test]
fn a_job_is_watched_while_it_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a")]).unwrap();
    assert!(matches!(Job::open(dir.path()), Err(JobError::Locked { .. })));
    let watcher = Job::observe(dir.path()).unwrap();
    assert_eq!(watcher.totals().unwrap().messages, 1);
    few(&mut job, &[at(2, "a")]).unwrap();
    assert_eq!(watcher.totals().unwrap().messages, 2);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    few(&mut job, &[at(1, "a")]).unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
}

#[test]
fn passes_that_were_not_sent_can_be_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let first: Vec<_> = (0..500).map(|n| at(n, "u2")).collect();
    few(&mut job, &first).unwrap();
    assert!(!job.is_started().unwrap());
    job.begin_sending().unwrap();
    assert!(job.is_started().unwrap());
    assert_eq!(job.take_out_unsent().unwrap(), 0);
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap())
            .filter(|file| !file.file_name().to_str().unwrap().starts_with("job."))
            .map(|file| (file.file_name(), file.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    };
    let rows = |job: &Job| {
        let all = ["passes", "sources", "conversations", "segments", "blocks", "users", "people", "keys"];
        all.map(|table| {
            let count = format!("SELECT count(*) FROM {table}");
            job.db.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap()
        })
    };
    let (files_before, rows_before) = (files(), rows(&job));
    let second: Vec<_> = (500..900).flat_map(|n| [at(n, "u2"), at(n, "u3")]).collect();
    few(&mut job, &second).unwrap();
    few(&mut job, &[at(901, "u2"), at(901, "u4")]).unwrap();
    assert_eq!(job.reader().unwrap().totals().unwrap().messages, 1302);
    assert_eq!(job.take_out_unsent().unwrap(), 2);
    assert_eq!((files(), rows(&job)), (files_before, rows_before));
    // And the same can be added again.
    few(&mut job, &second).unwrap();
    assert_eq!(job.reader().unwrap().totals().unwrap().messages, 1300);
    job.empty().unwrap();
    assert_eq!(rows(&job), [0; 8]);
    assert_eq!(job.reader().unwrap().totals().unwrap(), Totals::default());
}

#[test]
fn no_page_walks_over_all_conversations() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::create(dir.path()).unwrap();
    for sql in [
        format!("{} WHERE c.no > 1 GROUP BY c.no ORDER BY c.no LIMIT 2", read::CONVERSATIONS),
        format!("{} WHERE c.key = x'00' GROUP BY c.no", read::CONVERSATIONS),
        "SELECT * FROM users WHERE hash > 1 ORDER BY hash LIMIT 2".to_owned(),
        "SELECT * FROM people WHERE (openim, source) > (1, 2) ORDER BY openim, source LIMIT 2".to_owned(),
        "SELECT * FROM blocks WHERE id BETWEEN 1 AND 2 ORDER BY id DESC LIMIT 1".to_owned(),
    ] {
        let mut plan = job.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap();
        for step in &steps {
            assert!(step.starts_with("SEARCH"), "{sql}: {steps:?}");
        }
    }
}

#[test]
fn a_pass_that_did_not_reach_the_disk_is_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join(spool::FILE);
    let mut job = Job::create(dir.path()).unwrap();
    let many = |from: i64| -> Vec<_> { (from..from + 5_000).map(|n| at(n, "a")).collect() };
    few(&mut job, &many(0)).unwrap();
    job.begin_sending().unwrap();
    let kept = std::fs::metadata(&spool).unwrap().len();
    for (damage, another_boot, is_lost) in
        [(false, false, false), (false, true, false), (true, true, true), (true, false, false)]
    {
        few(&mut job, &many(10_000)).unwrap();
        if another_boot {
            job.db.execute("UPDATE passes SET boot = 'before'", []).unwrap();
        }
        drop(job);
        if damage {
            // A page that was never written.
            let file = std::fs::OpenOptions::new().write(true).open(&spool).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &[0; 4096], kept + 500_000).unwrap();
        }
        job = Job::open(dir.path()).unwrap();
        let messages = job.reader().unwrap().totals().unwrap().messages;
        assert_eq!(messages, if is_lost { 5_000 } else { 10_000 }, "{damage} {another_boot}");
        job.take_out_unsent().unwrap();
        assert_eq!(std::fs::metadata(&spool).unwrap().len(), kept);
    }
}

#[test]
fn what_was_prepared_survives_without_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let many: Vec<_> = (0..50_000).map(|n| at(n, if n % 2 == 0 { "a" } else { "b" })).collect();
    few(&mut job, &many).unwrap();
    let wal = dir.path().join("job.sqlite-wal");
    assert!(std::fs::metadata(&wal).unwrap().len() > 1_000_000);
    drop(job);
    let job = Job::open(dir.path()).unwrap();
    assert_eq!(job.reader().unwrap().totals().unwrap().messages, 50_000);
    job.begin_sending().unwrap();
    assert_eq!(std::fs::metadata(&wal).unwrap().len() / 100_000, 0, "all of it is in the database");
    assert_eq!(Job::observe(dir.path()).unwrap().totals().unwrap().messages, 50_000);
}

#[test]
fn a_file_costs_few_pages() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::create(dir.path()).unwrap();
    let book = job.media().unwrap();
    let log = || {
        fs_err::read_dir(dir.path())
            .unwrap()
            .filter_map(Result::ok)
            .filter(|file| file.path().to_string_lossy().ends_with("-wal"))
            .map(|file| file.metadata().unwrap().len())
            .sum::<u64>()
    };
    let (before, files) = (log(), 2000_u64);
    for n in 0..files {
        // As random as they are.
        let name = format!("import/{:032x}", xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes()));
        let object = MediaObject {
            name: name.clone(),
            hash: "h".repeat(32),
            parts: vec!["a".repeat(32)],
            size: 7,
            mime: "application/octet-stream".to_owned(),
            width: 0,
            height: 0,
            seconds: 0,
            url: format!("http://im.example.com/object/{name}"),
            state: ObjectState::Planned,
            upload: None,
            why: String::new(),
        };
        let file = MediaFile {
            source: SourceNo(0),
            key: format!("files/{n}.bin"),
            kind: "file".to_owned(),
            place: format!("/export/files/{n}.bin"),
            object: Some(name.clone()),
            problem: None,
            why: String::new(),
        };
        book.plan_later(Some(&object), &file).unwrap();
        book.begun_alone(&object, &"u".repeat(700)).unwrap();
        book.completed_later(&name, ObjectState::Completed);
        if book.waits() {
            book.flush().unwrap();
        }
    }
    book.flush().unwrap();
    let pages = (log() - before) / 4096;
    assert!(pages < 4 * files, "{pages} pages of {files} files");
    let objects = book.objects().unwrap();
    assert!(objects.len() as u64 == files && objects.iter().all(|one| one.state == ObjectState::Completed));
}
