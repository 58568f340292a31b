//! Rules one by one, on exports of a few lines.

use serde_json::json;

use super::*;

const T: i64 = 1_700_000_000_000;

fn line(from: &str, to: &str, time: i64, text: &str) -> String {
    json!({"sendID": from, "recvID": to, "sendTime": T + time, "text": text}).to_string()
}

fn group(from: &str, group: &str, time: i64, text: &str) -> String {
    json!({"sendID": from, "groupID": group, "sendTime": T + time, "text": text}).to_string()
}

fn with(line: &str, more: &serde_json::Value) -> String {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line.to_string()
}

fn id(id: u32, line: &str) -> String {
    with(line, &json!({ "id": id.to_string() }))
}

fn codes(summary: &Summary) -> Vec<(&str, u64)> {
    summary.findings.iter().map(|counted| (counted.code.as_str(), counted.count)).collect()
}

#[test]
fn order_is_by_time_and_then_by_source() {
    let bench = Bench::new();
    let mut job = bench.job();
    let summary = bench.pass(
        &mut job,
        &[
            ("1.jsonl", vec![line("a", "b", 5, "e"), line("b", "a", 3, "c"), group("a", "g", 9, "x")]),
            ("2.jsonl", vec![line("a", "b", 1, "a"), line("a", "b", 3, "d"), line("a", "b", 2, "b")]),
        ],
    );
    let reader = job.reader().unwrap();
    assert_eq!(texts(&reader, "si_a_b"), ["a", "b", "c", "d", "e"]);
    assert_eq!(texts(&reader, "sg_g"), ["x"]);
    assert_eq!((summary.messages, summary.conversations, summary.spread), (6, 2, 1));
    assert_eq!(codes(&summary), []);
    assert_eq!(job.reader().unwrap().sources(crate::job::PassNo(1)).unwrap().len(), 2);
    let kept: Summary = Summary::from_json(&job.reader().unwrap().passes().unwrap()[0].summary).unwrap();
    assert_eq!(kept, summary);
}

#[test]
fn who_sends_and_who_receives() {
    let bench = Bench::new();
    let mut job = bench.job();
    let introduced =
        with(&line("a", "b", 2, "x"), &json!({"senderNickname": "Ann", "senderFaceURL": "http://a"}));
    bench.pass(
        &mut job,
        &[(
            "1.jsonl",
            vec![line("b", "a", 1, "x"), introduced, group("c", "g", 1, "x"), group("a", "g", 2, "x")],
        )],
    );
    // A later pass brings one more.
    bench.pass(&mut job, &[("2.jsonl", vec![group("d", "g", 3, "x"), group("a", "g", 4, "x")])]);
    let reader = job.reader().unwrap();
    let mut users = reader.users(None, 9).unwrap();
    users.sort_by(|a, b| a.id.cmp(&b.id));
    let names: Vec<_> =
        users.iter().map(|u| (u.id.as_str(), u.nickname.as_str(), u.face_url.as_str())).collect();
    assert_eq!(names, [("a", "Ann", "http://a"), ("b", "", ""), ("c", "", ""), ("d", "", "")]);
    let conv = |id: &str| reader.find(&ConversationId(id.to_owned())).unwrap().unwrap();
    let participants = |id: &str, max| {
        let mut ids: Vec<_> = reader.participants(&conv(id), max).unwrap().into_iter().map(|u| u.0).collect();
        ids.sort();
        ids
    };
    assert_eq!(participants("si_a_b", 9), ["a", "b"]);
    assert_eq!(participants("sg_g", 9), ["a", "c", "d"]);
    assert_eq!(participants("sg_g", 2).len(), 2);
}

#[test]
fn a_bad_row_never_stops_the_pass() {
    let bench = Bench::new();
    let mut job = bench.job();
    let lines = vec![
        line("a", "b", 1, "good"),
        "{\"sendID\": broken".to_owned(),
        line("a-b", "b", 2, "bad id"),
        with(
            &line("a", "b", 3, ""),
            &json!({"sendTime": 0, "contentType": 107, "content": {"title": "x"}, "text": null}),
        ),
        line("a", "b", 4, "good too"),
    ];
    let summary = bench.pass(&mut job, &[("1.jsonl", lines)]);
    assert_eq!(texts(&job.reader().unwrap(), "si_a_b"), ["good", "good too"]);
    assert_eq!((summary.messages, summary.rejected, summary.unmapped), (2, 2, 1));
    assert_eq!(summary.errors(), 4);
    let named: Vec<_> = summary.findings.iter().map(|f| f.code.as_str()).collect();
    for code in ["user-id-impossible", "time-zero", "type-unknown"] {
        assert!(named.contains(&code), "{code} is not in {named:?}");
    }
    let findings = lines_of(&bench.job_dir(), "findings.jsonl");
    let places: Vec<_> = findings.iter().map(|f| f["line"].as_u64().unwrap()).collect();
    assert_eq!(places, [2, 3, 4, 4]);
    let rejected = lines_of(&bench.job_dir(), "rejected.jsonl");
    assert_eq!(rejected.len(), 3);
    assert!(rejected[0]["message"].is_null());
    assert_eq!(rejected[1]["message"]["sendID"], "a-b");
    assert_eq!(rejected[1]["reasons"][0]["code"], "user-id-impossible");
    assert_eq!(rejected[1]["line"], 3);
    assert_eq!(rejected[2]["reasons"].as_array().unwrap().len(), 2);
    assert_eq!(rejected[2]["message"]["content"]["title"], "x");
}

#[test]
fn the_same_id_again_in_this_pass_and_in_the_next() {
    let bench = Bench::new();
    let mut job = bench.job();
    let first = id(1, &line("a", "b", 1, "one"));
    let edited = id(1, &line("a", "b", 1, "one, edited"));
    let other = id(1, &line("c", "b", 7, "another"));
    let summary = bench.pass(
        &mut job,
        &[
            ("1.jsonl", vec![first.clone(), first.clone(), id(2, &line("a", "b", 2, "two"))]),
            ("2.jsonl", vec![first.clone(), edited.clone()]),
        ],
    );
    assert_eq!((summary.messages, summary.duplicates_in_source, summary.rejected), (2, 2, 1));
    assert_eq!(codes(&summary), [("source-id-conflict", 1)]);
    assert!(summary.findings[0].first_value.starts_with("1, also at"), "{:?}", summary.findings);
    assert!(summary.findings[0].first_value.ends_with("1.jsonl:1"), "{:?}", summary.findings);
    assert_eq!(
        lines_of(&bench.job_dir(), "rejected.jsonl")[0]["message"]["content"]["content"],
        "one, edited"
    );

    let summary =
        bench.pass(&mut job, &[("3.jsonl", vec![first, edited, other, id(3, &line("a", "b", 3, "three"))])]);
    assert_eq!((summary.messages, summary.known, summary.rejected), (1, 2, 1));
    assert_eq!(codes(&summary), [("source-id-conflict", 1), ("changed-since", 1)]);
    assert_eq!(texts(&job.reader().unwrap(), "si_a_b"), ["one", "two", "three"]);
    assert_eq!(texts(&job.reader().unwrap(), "si_b_c"), [""; 0]);
}

#[test]
fn older_messages_of_a_later_pass_come_after_and_are_named() {
    let bench = Bench::new();
    let mut job = bench.job();
    bench.pass(&mut job, &[("1.jsonl", vec![line("a", "b", 10, "ten"), line("a", "c", 1, "x")])]);
    let summary = bench.pass(
        &mut job,
        &[(
            "2.jsonl",
            vec![line("a", "b", 12, "twelve"), line("a", "b", 5, "five"), line("a", "b", 10, "also ten")],
        )],
    );
    assert_eq!(texts(&job.reader().unwrap(), "si_a_b"), ["ten", "five", "also ten", "twelve"]);
    assert_eq!((summary.messages, summary.older, summary.conversations), (3, 1, 1));
    assert_eq!(codes(&summary), [("older", 1)]);
    assert!(summary.findings[0].first_place.ends_with("2.jsonl:2"));
}

fn reply(to: u32, line: &str) -> String {
    with(line, &json!({ "quote": to.to_string(), "quoteText": "words" }))
}

#[test]
fn replies_name_what_they_quote_or_become_text() {
    let bench = Bench::new();
    let mut job = bench.job();
    let lines = vec![
        id(1, &line("a", "b", 1, "one")),
        id(2, &reply(1, &line("b", "a", 2, "to one"))),
        id(3, &reply(9, &line("b", "a", 3, "to nobody"))),
        id(4, &reply(5, &line("b", "a", 4, "to later"))),
        id(5, &line("a", "b", 5, "later")),
        id(6, &reply(1, &line("b", "c", 6, "to elsewhere"))),
        id(7, &reply(7, &line("b", "a", 7, "to itself"))),
        reply(2, &line("a", "b", 8, "to a reply")),
    ];
    let summary = bench.pass(&mut job, &[("1.jsonl", lines)]);
    assert_eq!(summary.replies.quoting, 2);
    assert_eq!(
        summary.replies.as_text,
        [("quoted-unknown", 1), ("quoted-later", 2), ("quoted-elsewhere", 1)]
            .map(|(k, n)| (k.to_owned(), n))
            .into()
    );
    // The next pass quotes the first one.
    let summary = bench.pass(
        &mut job,
        &[(
            "2.jsonl",
            vec![reply(5, &line("a", "b", 3, "late answer")), reply(5, &line("a", "c", 9, "wrong place"))],
        )],
    );
    assert_eq!((summary.replies.quoting, summary.older), (1, 1));
    let reader = job.reader().unwrap();
    let conv = reader.find(&ConversationId("si_a_b".to_owned())).unwrap().unwrap().no;
    let replies: Vec<_> = entries(&reader, conv)
        .iter()
        .map(|(entry, _)| match entry.reply {
            crate::job::Reply::No => "-".to_owned(),
            crate::job::Reply::AsText => "text".to_owned(),
            crate::job::Reply::To(target) => reader.ordinal_of(conv, target).unwrap().unwrap().0.to_string(),
        })
        .collect();
    assert_eq!(replies, ["-", "0", "text", "text", "-", "text", "1", "4"]);
}

#[test]
fn on_3_8_3_every_reply_is_text() {
    let bench = Bench { release: Release::V3_8_3, ..Bench::new() };
    let mut job = bench.job();
    let lines = vec![id(1, &line("a", "b", 1, "one")), id(2, &reply(1, &line("b", "a", 2, "re")))];
    let summary = bench.pass(&mut job, &[("1.jsonl", lines)]);
    assert_eq!(summary.replies.as_text, [("release".to_owned(), 1)].into());
    assert_eq!(codes(&summary), []);
    let messages = all(&job.reader().unwrap(), "si_a_b");
    assert_eq!(messages[1].1.content_type, crate::message::ContentType::Text);
    assert!(messages[1].1.content().contains("words"), "{}", messages[1].1.content());
}

#[test]
fn a_text_that_stands_for_a_reply_has_the_words_it_answers() {
    let answer = |to: u32, line: &str| with(line, &json!({ "quote": to.to_string() }));
    let lines = vec![
        id(1, &with(&line("a", "b", 1, "one\n two"), &json!({ "senderNickname": "Ann" }))),
        id(2, &answer(1, &line("b", "a", 2, "re"))),
        id(3, &answer(2, &line("a", "b", 3, "re: re"))),
        id(4, &answer(5, &line("b", "a", 4, "to later"))),
        id(5, &line("a", "b", 5, &"long ".repeat(30))),
        id(6, &answer(1, &line("b", "c", 6, "to elsewhere"))),
        id(7, &answer(7, &line("b", "a", 7, "to itself"))),
        id(8, &answer(9, &line("b", "a", 8, "to nobody"))),
        id(10, &answer(11, &line("b", "a", 9, "to a file"))),
        id(
            11,
            &with(
                &line("a", "b", 0, ""),
                &json!({
                    "text": null, "contentType": 105,
                    "content": {"sourceUrl": "https://x.example/f", "fileName": "plan.pdf", "fileSize": 1}
                }),
            ),
        ),
    ];
    let long = format!("> a: {}…\nto later", &"long ".repeat(30)[..100]);
    for release in [Release::V3_8_3, Release::Main] {
        let bench = Bench { release, ..Bench::new() };
        let mut job = bench.job();
        bench.pass(&mut job, &[("1.jsonl", lines.clone())]);
        let reader = job.reader().unwrap();
        // As it goes out where the target was refused by the server.
        let said = |conversation: &str| -> Vec<String> {
            let messages = all(&reader, conversation).into_iter().map(|(_, message)| message.as_text());
            let content =
                |message: &Spooled| serde_json::from_str::<serde_json::Value>(message.content()).unwrap();
            messages
                .map(|message| content(&message)["content"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(
            said("si_a_b")[1..],
            [
                "one\n two",
                "> Ann: one two\nre",
                "> b: re\nre: re",
                &long,
                &"long ".repeat(30),
                "to itself",
                "to nobody",
                "> a: [file] plan.pdf\nto a file"
            ]
        );
        assert_eq!(said("si_b_c"), ["> Ann: one two\nto elsewhere"]);
        // The second pass answers the first.
        let later = vec![
            id(20, &answer(1, &line("b", "a", 20, "late"))),
            id(21, &answer(1, &line("b", "c", 21, "there"))),
        ];
        bench.pass(&mut job, &[("2.jsonl", later)]);
        assert_eq!(said("si_a_b").last().unwrap(), "> Ann: one two\nlate");
        assert_eq!(said("si_b_c").last().unwrap(), "> Ann: one two\nthere");
    }
}

#[test]
fn law_11_two_pairs_of_one_name() {
    let bench = Bench::new();
    let mut job = bench.job();
    let lines = vec![
        line("x", "y_z", 1, "first"),
        line("x_y", "z", 2, "second"),
        line("y_z", "x", 3, "third"),
        line("z", "x_y", 4, "fourth"),
    ];
    let summary = bench.pass(&mut job, &[("1.jsonl", lines)]);
    assert_eq!(texts(&job.reader().unwrap(), "si_x_y_z"), ["first", "third"]);
    assert_eq!((summary.messages, summary.rejected), (2, 2));
    assert_eq!(codes(&summary), [("conversation-collision", 1)]);
    assert_eq!(summary.findings[0].first_value, "`x` with `y_z` and `x_y` with `z` are both si_x_y_z");
    // The other pair has no better luck in a later pass.
    let summary = bench
        .pass(&mut job, &[("2.jsonl", vec![line("x_y", "z", 5, "fifth"), line("x", "y_z", 6, "sixth")])]);
    assert_eq!(texts(&job.reader().unwrap(), "si_x_y_z"), ["first", "third", "sixth"]);
    assert_eq!(summary.rejected, 1);
}

#[test]
fn law_11_a_group_named_like_a_pair() {
    let bench = Bench::new();
    let mut job = bench.job();
    let lines = vec![
        group("a", "b_c", 1, "alone"),
        group("a", "a_b", 1, "public"),
        line("b", "a", 2, "private"),
        group("b", "a_b", 3, "public too"),
    ];
    let summary = bench.pass(&mut job, &[("1.jsonl", lines)]);
    let reader = job.reader().unwrap();
    assert_eq!(texts(&reader, "si_a_b"), ["private"]);
    assert_eq!(texts(&reader, "sg_a_b"), [""; 0]);
    assert_eq!(texts(&reader, "sg_b_c"), ["alone"]);
    assert_eq!((summary.messages, summary.rejected), (2, 2));
    assert_eq!(codes(&summary), [("group-name-collision", 1)]);
    assert_eq!(summary.findings[0].first_value, "group `a_b`");
    // Whichever comes later is refused.
    let summary =
        bench.pass(&mut job, &[("2.jsonl", vec![line("b", "c", 2, "private"), line("a", "b", 3, "more")])]);
    assert_eq!((summary.messages, summary.rejected), (1, 1));
    assert_eq!(summary.findings[0].first_value, "`b` with `c`");
}

#[test]
fn stopping_leaves_the_job_as_it_was() {
    let bench = Bench::new();
    let mut job = bench.job();
    bench.pass(&mut job, &[("1.jsonl", vec![line("a", "b", 1, "one")])]);
    let path = bench.write("2.jsonl", &[line("a", "b", 2, "two")]);
    let reader = Reader::open(&Settings::default(), &[path], job.next_source().unwrap()).unwrap();
    let progress = Progress::default();
    progress.stop();
    let rules = Rules::new(NOW, Release::Main, "{}".to_owned());
    let stopped = run(reader, &Native, &rules, &mut job, &progress);
    assert!(matches!(stopped, Err(PrepareError::Stopped)));
    let reader = job.reader().unwrap();
    assert_eq!(texts(&reader, "si_a_b"), ["one"]);
    assert_eq!(reader.passes().unwrap().len(), 1);
}

#[test]
fn a_source_that_ends_in_the_middle_leaves_the_job_as_it_was() {
    use std::io::Write;
    let bench = Bench::new();
    let mut job = bench.job();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for n in 0..20_000 {
        writeln!(gz, "{}", line("a", "b", n, &format!("{:x}", n * 7_919))).unwrap();
    }
    let mut bytes = gz.finish().unwrap();
    bytes.truncate(bytes.len() / 2);
    let path = bench.dir.path().join("1.jsonl.gz");
    fs_err::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let reader = Reader::open(&Settings::default(), &[path], job.next_source().unwrap()).unwrap();
    let rules = Rules::new(NOW, Release::Main, "{}".to_owned());
    let error = run(reader, &Native, &rules, &mut job, &Progress::default()).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
    assert_eq!(job.reader().unwrap().totals().unwrap(), crate::job::Totals::default());
    assert_eq!(job.reader().unwrap().passes().unwrap(), []);
}

#[test]
fn a_mapper_that_panics_does_not_hang_the_pass() {
    struct Bad;
    impl crate::mapping::Mapper for Bad {
        fn map(&self, chunk: &crate::export::Chunk, _: &mut dyn crate::mapping::Sink) {
            assert!(chunk.first_line < 50, "a bug");
        }
    }
    let bench = Bench::new();
    let mut job = bench.job();
    let lines: Vec<_> = (0..200).map(|n| line("a", "b", n, "x")).collect();
    let path = bench.write("1.jsonl", &lines);
    let reader =
        Reader::open(&Settings::default(), &[path], job.next_source().unwrap()).unwrap().chunk_size(150);
    let rules = Rules::new(NOW, Release::Main, "{}".to_owned());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(reader, &Bad, &rules, &mut job, &Progress::default())
    }));
    assert!(panic.is_err());
    assert_eq!(job.reader().unwrap().passes().unwrap(), []);
}

#[test]
fn who_is_who_is_kept_and_two_never_become_one() {
    use crate::mapping::people::{Ids, People, Renamed, Settings as Names};
    let bench = Bench::new();
    let mut job = bench.job();
    let list = bench.write(
        "users.csv",
        &["id,openim_id,nickname", "ann@x,ann,Ann", "ann@y,ann,", "bob@x,bob,", "tim@x,bob_2,"]
            .map(str::to_owned),
    );
    let names = Names { ids: Ids::Keep, file: Some(list.into()) };
    let mut pass = |lines: &[String], name: &str| {
        let people = std::sync::Arc::new(People::load(&names, false).unwrap());
        let path = bench.write(name, lines);
        let reader = Reader::open(&Settings::default(), &[path], job.next_source().unwrap()).unwrap();
        let rules = Rules { run: 2, ..Rules::new(NOW, Release::Main, "{}".to_owned()) };
        run(reader, &Renamed::new(Native, people), &rules, &mut job, &Progress::default()).unwrap()
    };
    // Ann has two ids and is one, as the list says; `bob` is somebody else than `bob@x`.
    let summary = pass(
        &[
            line("ann@x", "ann@y", 1, "x"),
            line("bob@x", "ann@x", 2, "x"),
            line("bob", "ann@x", 3, "x"),
            group("bob", "bob", 4, "x"),
        ],
        "1.jsonl",
    );
    assert_eq!(codes(&summary)[0], ("people-collision", 1));
    assert!(summary.findings[0].first_value.ends_with("would both be `bob`"), "{:?}", summary.findings);
    // Two passes can collide as well.
    let summary = pass(&[line("bob_2", "ann@x", 5, "x")], "2.jsonl");
    assert_eq!(codes(&summary), []);
    let summary = pass(&[line("tim@x", "ann@x", 6, "x")], "3.jsonl");
    assert_eq!(codes(&summary), [("people-collision", 1)]);
    let reader = job.reader().unwrap();
    let mut all = Vec::new();
    while let page = reader.people(all.last().map(|(key, _)| *key), 2).unwrap()
        && !page.is_empty()
    {
        all.extend(page);
    }
    let mut table: Vec<_> = all
        .iter()
        .map(|(_, p)| (p.is_group, p.source_id.as_str(), p.openim_id.as_str(), p.nickname.as_str()))
        .collect();
    table.sort_unstable();
    assert_eq!(
        table,
        [
            (false, "ann@x", "ann", "Ann"),
            (false, "ann@y", "ann", ""),
            (false, "bob", "bob", ""),
            (false, "bob@x", "bob", ""),
            (false, "bob_2", "bob_2", ""),
            (false, "tim@x", "bob_2", ""),
            (true, "bob", "bob", ""),
        ]
    );
    assert_eq!(reader.called(false, "ann").unwrap().len(), 2);
    assert_eq!(reader.called(true, "ann").unwrap().len(), 0);
}

#[test]
fn errors_of_a_pass_that_failed_leave_no_lines() {
    let bench = Bench::new();
    let mut job = bench.job();
    let dir = bench.job_dir();
    bench.pass(&mut job, &[("1.jsonl", vec![line("a-b", "b", 1, "x")])]);
    let before = ["findings.jsonl", "rejected.jsonl"].map(|name| fs_err::read(dir.join(name)).unwrap());
    {
        let mut pass = job.begin_pass("{}").unwrap();
        pass.lines().finding(&"never").unwrap();
        pass.lines().rejects(b"never\n").unwrap();
        pass.lines().rejects(&vec![b'\n'; 100_000]).unwrap();
    }
    let after = ["findings.jsonl", "rejected.jsonl"].map(|name| fs_err::read(dir.join(name)).unwrap());
    assert_eq!(before, after);
}
