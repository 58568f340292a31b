//! The table of who is who.

use std::sync::Arc;

use super::*;
use crate::mapping::people::{Ids, People, Renamed, Settings as Users};

fn table(job: &Job) -> Vec<String> {
    let mut lines = Vec::new();
    let who = job.reader().unwrap().who(|who| {
        let kind = if who.is_group { "group" } else { "user" };
        lines.push(format!(
            "{kind} {} = {} ({}) {}",
            who.source_id, who.openim_id, who.nickname, who.messages
        ));
        Ok::<_, crate::job::JobError>(())
    });
    who.unwrap();
    lines
}

fn line(from: &str, to: &str, nickname: &str, time: i64) -> String {
    let peer = if to.starts_with('#') { "groupID" } else { "recvID" };
    format!(
        r#"{{"sendID":"{from}","{peer}":"{to}","sendTime":{},"text":"{time}","senderNickname":"{nickname}"}}"#,
        1_700_000_000_000 + time
    )
}

#[test]
fn without_translation_everybody_is_called_the_same() {
    let bench = Bench::new();
    let mut job = bench.job();
    let first = vec![line("a", "b", "Ann", 1), line("a", "#g", "Ann", 2), line("b", "#g", "", 3)];
    bench.pass(&mut job, &[("1.jsonl", first)]);
    bench.pass(&mut job, &[("2.jsonl", vec![line("c", "a", "", 9), line("a", "#g", "", 10)])]);
    assert_eq!(
        table(&job),
        ["user a = a (Ann) 3", "user b = b () 1", "user c = c () 1", "group #g = #g () 3"]
    );
}

#[test]
fn with_translation_and_a_user_file() {
    let bench = Bench::new();
    let mut job = bench.job();
    let file = bench.write("users.csv", &["id,openim_id,nickname".to_owned(), "a@x,ann,Ann A.".to_owned()]);
    let users = Users { ids: Ids::Translate, file: Some(file.into()) };
    let people = Arc::new(People::load(&users, false).unwrap());
    let lines = [line("a@x", "b-1", "Ann", 1), line("b-1", "d_g", "Bob", 2), line("c", "#d_g", "", 3)];
    let path = bench.write("1.jsonl", &lines);
    let reader = Reader::open(&Settings::default(), &[path], SourceNo(0)).unwrap();
    let rules = Rules::new(NOW, Release::Main, "{}".to_owned());
    let mapper = Renamed::new(Native, people);
    let summary = run(reader, &mapper, &rules, &mut job, &Progress::default()).unwrap();
    assert_eq!(summary.messages, 3);
    insta::assert_snapshot!(table(&job).join("\n"), @r#"
    user a@x = ann (Ann A.) 1
    user b-1 = b1r2c6se90 (Bob) 1
    user c = c () 1
    user d_g = dgz11jnkee () 0
    group #d_g = #d_g () 1
    "#);
}
