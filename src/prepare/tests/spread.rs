//! Equal times, told apart.

use super::*;
use crate::job::{Reply, Target};

const DAY: i64 = 1_700_000_000_000;

fn line(id: &str, time: i64, quote: Option<&str>) -> String {
    let quote = quote.map(|quote| format!(r#","quote":"{quote}""#)).unwrap_or_default();
    format!(
        r#"{{"id":"{id}","sendID":"a","recvID":"b","sendTime":{},"text":"{id}","ex":",\"sendTime\":7"{quote}}}"#,
        DAY + time
    )
}

/// Which message is sent when, counted from the day.
fn sent(reader: &JobReader) -> Vec<(String, i64)> {
    let body = |message: &Spooled| -> serde_json::Value { serde_json::from_slice(&message.body).unwrap() };
    all(reader, "si_a_b")
        .iter()
        .map(|(entry, message)| {
            let body = body(message);
            // All that speaks of the time says the same.
            assert_eq!(body["sendTime"], message.send_time.0);
            assert_eq!(entry.send_time, message.send_time);
            assert_eq!(body["ex"], ",\"sendTime\":7");
            (message.source_id.as_ref().unwrap().to_string(), message.send_time.0 - DAY)
        })
        .collect()
}

fn named(times: &[(&str, i64)]) -> Vec<(String, i64)> {
    times.iter().map(|(id, time)| ((*id).to_owned(), *time)).collect()
}

#[test]
fn equal_times_follow_each_other_and_later_passes_go_on() {
    let bench = Bench::new();
    let mut job = bench.job();
    let first = vec![line("1", 0, None), line("2", 0, None), line("3", 5, None), line("4", 0, Some("2"))];
    let summary = bench.pass(&mut job, &[("one.jsonl", first)]);
    assert_eq!((summary.same_time, summary.spread), (0, 2));
    assert!(summary.findings.is_empty(), "{:?}", summary.findings);
    let reader = job.reader().unwrap();
    assert_eq!(sent(&reader), named(&[("1", 0), ("2", 1), ("4", 2), ("3", 5)]));
    // What is quoted is found by the time that the export says.
    let reply = all(&reader, "si_a_b")[2].0.reply;
    let Reply::To(target) = reply else { panic!("{reply:?}") };
    let conv = reader.find(&ConversationId("si_a_b".to_owned())).unwrap().unwrap().no;
    assert_eq!(reader.ordinal_of(conv, target).unwrap(), Some(Ordinal(1)));
    assert_eq!(reader.ordinal_of(conv, Target { offset: 1, ..target }).unwrap(), None);
    drop(reader);

    // Hourly archives overlap: the same second again, and one that is older than everything.
    let second = vec![line("3", 5, None), line("5", 5, None), line("0", -9, None), line("6", 5, None)];
    let summary = bench.pass(&mut job, &[("two.jsonl", second)]);
    assert_eq!((summary.known, summary.older, summary.spread), (1, 1, 3));
    let passes = named(&[("1", 0), ("2", 1), ("4", 2), ("3", 5), ("0", 6), ("5", 7), ("6", 8)]);
    assert_eq!(sent(&job.reader().unwrap()), passes);
    // And a third one, after a pass whose last is not the latest of all.
    bench.pass(&mut job, &[("three.jsonl", vec![line("7", -20, None)])]);
    bench.pass(&mut job, &[("four.jsonl", vec![line("8", 5, None)])]);
    assert_eq!(sent(&job.reader().unwrap())[7..], named(&[("7", 9), ("8", 10)]));
}

const HOUR: i64 = 3_600_000;

#[test]
fn what_is_more_than_an_hour_older_is_refused_unless_asked_for() {
    let bench = Bench::new();
    let mut job = bench.job();
    bench.pass(&mut job, &[("one.jsonl", vec![line("1", 0, None)])]);
    let late = vec![line("2", -HOUR - 1, None), line("3", -HOUR, None), line("4", 7, None)];
    let summary = bench.pass(&mut job, &[("two.jsonl", late.clone())]);
    assert_eq!((summary.messages, summary.older, summary.rejected), (2, 1, 1));
    assert_eq!(summary.errors(), 1);
    assert_eq!(summary.findings[0].code, "would-not-scroll");
    assert_eq!(sent(&job.reader().unwrap()), named(&[("1", 0), ("3", 1), ("4", 7)]));

    let bench = Bench { times: Times { older: Older::Behind, ..Times::default() }, ..Bench::new() };
    let mut job = bench.job();
    bench.pass(&mut job, &[("one.jsonl", vec![line("1", 0, None)])]);
    let summary = bench.pass(&mut job, &[("two.jsonl", late)]);
    assert_eq!((summary.messages, summary.older, summary.rejected), (3, 2, 0));
    assert_eq!(
        (summary.errors(), summary.spread, summary.spread_most),
        (0, 2, u64::try_from(HOUR).unwrap() + 2)
    );
    assert!(summary.findings.iter().any(|found| found.code == "time-moved"), "{:?}", summary.findings);
    assert_eq!(sent(&job.reader().unwrap()), named(&[("1", 0), ("2", 1), ("3", 2), ("4", 7)]));
}

#[test]
fn who_wants_the_letter_keeps_equal_times() {
    let bench = Bench { times: Times { equal: Equal::Keep, ..Times::default() }, ..Bench::new() };
    let mut job = bench.job();
    let summary = bench.pass(&mut job, &[("one.jsonl", vec![line("1", 0, None), line("2", 0, None)])]);
    assert_eq!((summary.same_time, summary.spread), (1, 0));
    assert_eq!(sent(&job.reader().unwrap()), named(&[("1", 0), ("2", 0)]));
}
