//! Shards together are what one job would be: the same messages in the same order, the same figures.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::job::Shard;

/// What came out, to be added up and compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Out {
    figures: [u64; 9],
    skipped: u64,
    /// Findings by code.
    findings: BTreeMap<String, u64>,
    /// Nicknames of the messages of each conversation, and whether they quote.
    conversations: BTreeMap<String, Vec<(String, bool)>>,
    /// Lines of `groups.jsonl` and `friends.jsonl`.
    told: [u64; 2],
}

fn prepare(bench: &Bench, source: &str, shard: Shard) -> (Out, Summary) {
    let dir = bench.dir.path().join(format!("{}.job", shard.no() * 100 + shard.of()));
    let mut job = Job::create(&dir).unwrap();
    job.be_shard(shard).unwrap();
    let reader =
        Reader::open(&Settings::default(), &[source.to_owned()], SourceNo(0)).unwrap().chunk_size(150);
    let rules = Rules { run: 5, shard, ..Rules::new(NOW, Release::Main, "{}".to_owned()) };
    let summary = run(reader, &Native, &rules, &mut job, &Progress::default()).unwrap();
    let reader = job.reader().unwrap();
    let mut out = Out {
        figures: [
            summary.messages,
            summary.conversations,
            summary.bytes,
            summary.rejected,
            summary.unmapped,
            summary.duplicates_in_source,
            summary.same_time,
            summary.spread,
            summary.replies.quoting,
        ],
        skipped: summary.left_out.values().sum(),
        findings: summary.findings.iter().map(|found| (found.code.clone(), found.count)).collect(),
        told: [summary.told.groups, summary.told.friends],
        ..Out::default()
    };
    for conversation in reader.conversations(None, 1000).unwrap() {
        let messages = entries(&reader, conversation.no);
        let messages = messages.iter().map(|(entry, message)| {
            (message.nickname().into_owned(), matches!(entry.reply, crate::job::Reply::To(_)))
        });
        out.conversations.insert(conversation.id().0, messages.collect());
    }
    (out, summary)
}

impl Out {
    fn add(&mut self, other: Self) {
        for (sum, more) in self.figures.iter_mut().zip(other.figures) {
            *sum += more;
        }
        for (sum, more) in self.told.iter_mut().zip(other.told) {
            *sum += more;
        }
        self.skipped += other.skipped;
        for (code, count) in other.findings {
            *self.findings.entry(code).or_default() += count;
        }
        for (conversation, messages) in other.conversations {
            assert_eq!(self.conversations.insert(conversation, messages), None, "in two shards");
        }
    }
}

/// A record of an export, some of them broken: few ids, few people, names that collide (law 11).
fn record() -> impl Strategy<Value = String> {
    let whom = prop_oneof![
        6 => (0u8..9).prop_map(|n| format!(r#""recvID":"u{n}""#)),
        2 => (0u8..5).prop_map(|n| format!(r#""groupID":"g{n}""#)),
        // `a_u1` with `b` and `a` with `u1_b` are one queue, and so is the group.
        1 => Just(r#""recvID":"u1_b""#.to_owned()),
        1 => Just(r#""groupID":"u0_u1""#.to_owned()),
    ];
    let from = prop_oneof![8 => (0u8..5).prop_map(|n| format!("u{n}")), 1 => Just("u0_u1".to_owned())];
    let id = prop_oneof![2 => Just(None), 3 => (0u8..30).prop_map(Some)];
    let quote = prop_oneof![3 => Just(None), 1 => (0u8..30).prop_map(Some)];
    let broken = prop_oneof![
        20 => Just(0u8),
        // No JSON, no receiver, a userID that is none, an unknown key.
        1 => 1u8..5,
    ];
    (from, whom, 0i64..6, 0u8..2, id, quote, broken).prop_map(
        |(from, whom, time, text, id, quote, broken)| {
            let whom = if broken == 2 { r#""nobody":1"#.to_owned() } else { whom };
            let from = if broken == 3 { "no one!".to_owned() } else { from };
            let mut line = format!(
                r#"{{"sendID":"{from}",{whom},"sendTime":{},"text":"{text}""#,
                1_700_000_000_000 + time
            );
            let id = id.map(|id| format!(r#","id":"{id}""#)).unwrap_or_default();
            let quote = quote.map(|quote| format!(r#","quote":"{quote}""#)).unwrap_or_default();
            line.extend([id, quote]);
            match broken {
                1 => line,
                4 => line + r#","odd":1}"#,
                _ => line + "}",
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn shards_are_the_whole(records in prop::collection::vec(record(), 1..90), of in 2u32..6) {
        let bench = Bench::new();
        let lines: Vec<String> = records
            .iter()
            .enumerate()
            .map(|(n, line)| line.replacen('{', &format!(r#"{{"senderNickname":"{n}","#), 1))
            .collect();
        let source = bench.write("export.jsonl", &lines);
        let (whole, summary) = prepare(&bench, &source, Shard::WHOLE);
        let mut together = Out::default();
        let shards: Vec<Shard> = (1..=of).map(|no| Shard::new(no, of).unwrap()).collect();
        let mut refusing = 0;
        for shard in shards {
            let (out, summary) = prepare(&bench, &source, shard);
            refusing += u32::from(summary.errors() + summary.elsewhere > 0);
            together.add(out);
        }
        prop_assert_eq!(&together, &whole);
        // What is wrong with a record of its own is seen by all, whoever has it.
        let of_records: u64 = summary.unmapped
            + whole.findings.iter().filter(|(code, _)| code.contains("user-id")).map(|(_, n)| n).sum::<u64>();
        if of_records > 0 {
            prop_assert_eq!(refusing, of);
        }
        prop_assert_eq!(summary.elsewhere, 0);
    }
}

#[test]
fn an_id_that_another_shard_has_is_a_conflict_in_whatever_order() {
    // Enough conversations that two shards have some of them each.
    let line = |n: usize| {
        format!(
            r#"{{"id":"same","sendID":"a","recvID":"u{n}","sendTime":{},"text":"x"}}"#,
            1_700_000_000_000u64
        )
    };
    let bench = Bench::new();
    let source = bench.write("export.jsonl", &(0..20).map(line).collect::<Vec<_>>());
    let of_both: Vec<Summary> =
        (1..=2).map(|no| prepare(&bench, &source, Shard::new(no, 2).unwrap()).1).collect();
    assert_eq!(of_both.iter().map(|summary| summary.messages).sum::<u64>(), 1);
    assert_eq!(of_both.iter().map(|summary| summary.rejected).sum::<u64>(), 19);
    assert!(of_both.iter().all(|summary| summary.rejected > 0));
}

#[test]
fn a_later_pass_goes_to_the_same_shards() {
    let bench = Bench::new();
    let line = |n: usize, text: &str| {
        format!(
            r#"{{"id":"{text}{n}","sendID":"a","recvID":"u{n}","sendTime":1700000000000,"text":"{text}"}}"#
        )
    };
    let first = bench.write("1.jsonl", &(0..20).map(|n| line(n, "x")).collect::<Vec<_>>());
    let both = (0..20).flat_map(|n| [line(n, "x"), line(n, "y")]).collect::<Vec<_>>();
    let second = bench.write("2.jsonl", &both);
    let mut sums = [0; 2];
    for no in 1..=3 {
        let shard = Shard::new(no, 3).unwrap();
        let (out, _) = prepare(&bench, &first, shard);
        let mut job = Job::open(&bench.dir.path().join(format!("{}.job", no * 100 + 3))).unwrap();
        let reader =
            Reader::open(&Settings::default(), std::slice::from_ref(&second), job.next_source().unwrap())
                .unwrap();
        let rules = Rules { shard, ..Rules::new(NOW, Release::Main, "{}".to_owned()) };
        let summary = run(reader, &Native, &rules, &mut job, &Progress::default()).unwrap();
        assert_eq!((summary.messages, summary.known), (out.figures[0], out.figures[0]));
        sums[0] += summary.messages;
        sums[1] += job.reader().unwrap().totals().unwrap().messages;
    }
    assert_eq!(sums, [20, 40]);
}
