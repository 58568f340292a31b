use std::sync::Arc;

use super::*;
use crate::testing::{AsTold, read as read_all};

fn of(text: &str) -> Vec<Attachment> {
    read(&Value::Text(text.into())).unwrap_or_else(|problem| panic!("{}", problem.value))
}

fn at(text: &str) -> Vec<String> {
    of(text).into_iter().map(|file| file.at).collect()
}

#[test]
fn texts_are_taken_apart_where_several_files_stand_in_them() {
    for (text, files) in [
        ("https://x/a.png", &["https://x/a.png"][..]),
        (
            "https://x/a.png, https://x/b.png;https://x/c|http://x/d",
            &["https://x/a.png", "https://x/b.png", "https://x/c", "http://x/d"],
        ),
        ("https://x/a,b;c.png", &["https://x/a,b;c.png"]),
        ("https://x/go?to=https://y/z.png", &["https://x/go?to=https://y/z.png"]),
        ("img/a.png\r\nimg/b, c.png\n", &["img/a.png", "img/b, c.png"]),
        (r#"["a.png","https://x/b.png", null, ""]"#, &["a.png", "https://x/b.png"]),
        ("[draft] a.png", &["[draft] a.png"]),
        ("  ", &[]),
        ("[]", &[]),
    ] {
        assert_eq!(at(text), files, "{text}");
    }
    let split = list(&Value::Text("a;b ; c".into()), Some(";"));
    assert_eq!(split, ["a", "b", "c"]);
}

#[test]
fn objects_are_read_by_what_their_members_are_called() {
    let zendesk = r#"{"url":"https://z/api/1.json","id":7,"file_name":"a.png","content_url":"https://z/a.png","content_type":"image/png","size":12,
        "thumbnails":[{"content_url":"https://z/small.png"}]}"#;
    let expected = Attachment {
        at: "https://z/a.png".into(),
        name: "a.png".into(),
        kind: "image/png".into(),
        size: 12,
        ..Attachment::default()
    };
    assert_eq!(of(zendesk), [expected]);
    let nested = r#"[{"type":"video","payload":{"url":"https://f/v.mp4"},"duration":2.4,"width":"640","height":480},{"fileName":"b.pdf","_links":{"data":{"href":"https://h/b"}}}]"#;
    let [video, help] = &of(nested)[..] else { panic!() };
    assert_eq!(
        (&*video.at, &*video.kind, video.seconds, video.width, video.height),
        ("https://f/v.mp4", "video", 3, 640, 480)
    );
    assert_eq!((&*help.at, &*help.name), ("https://h/b", "b.pdf"));
    // Who put it there is no file.
    let [file] = &of(r#"{"user":{"url":"https://u/me","name":"Ann"},"path":"a/b.png"}"#)[..] else {
        panic!()
    };
    assert_eq!((&*file.at, &*file.name), ("a/b.png", ""));
    assert_eq!(of("[{},{\"x\":true}]"), []);
}

#[test]
fn what_is_no_file_is_refused() {
    for (value, why) in [
        (Value::Bool(true), "attachments = true"),
        (Value::List("[[\"a\"]]".into()), "attachments = [[\"a\"]]"),
    ] {
        let problem = read(&value).err().unwrap();
        assert_eq!((problem.code.name, &*problem.value), ("attachment-unreadable", why));
    }
    let many = format!("[{}1]", "1,".repeat(MOST));
    assert!(read(&Value::List(many.into())).is_err());
}

fn mapped(toml: &str, name: &str, text: &str) -> String {
    let settings: crate::Settings = toml::from_str(toml).unwrap();
    let mapper = |reader: &crate::export::Reader| {
        crate::build(&settings, reader.head().unwrap().as_ref(), Arc::new(AsTold)).unwrap()
    };
    read_all(&crate::export::Settings::default(), mapper, name, text.as_bytes(), 1 << 16).text()
}

const FIELDS: &str = r#"
[fields]
id = "id"
sendID = "from"
groupID = "room"
sendTime = "at"
text = "text"
ex = "ex"
"#;

#[test]
fn words_and_files_of_a_row_are_messages_of_their_own() {
    let toml = format!(
        "{FIELDS}attachments = {{ column = [\"one\", \"two\"], split = \";\", with = {{ name = \"names\", size = \"sizes\" }} }}"
    );
    let rows = "id,from,room,at,text,ex,one,two,names,sizes\n\
        1,a,r,1700000000000,look,x,a.png;b.png,c.png,A;B;C,1;2;3\n\
        2,a,r,1700000000001,,y,a.png,,A,\n\
        3,a,r,1700000000002,words,,,,,\n\
        4,a,r,1700000000003,,,,,,\n\
        5,a,r,1700000000004,,z,skip.me;b.png,,A,7\n\
        6,a,r,1700000000005,,,skip.me,,,\n";
    insta::assert_snapshot!(mapped(&toml, "x.csv", rows), @r#"
    2:44#0 a->#r 1700000000000 101 {"content":"look"} id=1 ex=x
    2:44#1 a->#r 1700000000000 105 a.png|A||1 id=1#1
    2:44#2 a->#r 1700000000000 105 b.png|B||2 id=1#2
    2:44#3 a->#r 1700000000000 105 c.png|C||3 id=1#3
    3:101#0 a->#r 1700000000001 105 a.png|A||0 id=2 ex=y
    4:134#0 a->#r 1700000000002 101 {"content":"words"} id=3
    6:191#1 a->#r 1700000000004 105 b.png|||0 id=5#1 ex=z
    left out: 5 no-text
    left out: 7 media-skipped
    "#);
}

#[test]
fn files_of_objects_and_of_programs() {
    let fields =
        FIELDS.replace("ex = \"ex\"", "quote = \"to\"\nquoteText = \"said\"") + "attachments = \"files\"\n";
    let lines = r#"{"id":1,"from":"a","room":"r","at":1700000000000,"text":"","to":"9","said":"q","files":[{"url":"https://x/a.png","name":"A","size":3},"b.pdf"]}
{"id":2,"from":"a","room":"r","at":1700000000001,"text":"yes","to":"1","said":"q","files":"https://x/c.png https://x/d.png"}
{"id":3,"from":"a","room":"r","at":1700000000002,"files":true}
{"id":4,"from":"a","room":"r","at":1700000000003,"files":[]}
"#;
    insta::assert_snapshot!(mapped(&fields, "x.jsonl", lines), @r#"
    1:0#0 a->#r 1700000000000 105 https://x/a.png|A||3 id=1 ex={"replyTo":"9"}
    1:0#1 a->#r 1700000000000 105 b.pdf|||0 id=1#1
    2:144#0 a->#r 1700000000001 114 {"text":"yes"} id=2 quote=1|{"content":"> q\nyes"}
    2:144#1 a->#r 1700000000001 105 https://x/c.png|||0 id=2#1
    2:144#2 a->#r 1700000000001 105 https://x/d.png|||0 id=2#2
    left out: 4 no-text
    finding: 3 attachment-unreadable attachments = [true]
    "#);
    let jq = "jq = '{id, sendID: .from, groupID: .room, sendTime: .at, text, attachments: .files}, {id: \"more\", sendID: .from, groupID: .room, sendTime: .at, text: \"more\"}'";
    insta::assert_snapshot!(mapped(jq, "x.jsonl", lines.lines().next().unwrap()), @r#"
    1:0#0 a->#r 1700000000000 105 https://x/a.png|A||3 id=1
    1:0#1 a->#r 1700000000000 105 b.pdf|||0 id=1#1
    1:0#2 a->#r 1700000000000 101 {"content":"more"} id=more
    "#);
    let native = r#"{"id":"1","sendID":"a","recvID":"b","sendTime":1700000000000,"attachments":["a.png"],"text":"hi"}"#;
    insta::assert_snapshot!(mapped("", "x.jsonl", native), @r#"
    1:0#0 a->@b 1700000000000 101 {"content":"hi"} id=1
    1:0#1 a->@b 1700000000000 105 a.png|||0 id=1#1
    "#);
}

#[test]
fn rules_that_cannot_be() {
    for (rule, why) in [
        (
            r#"attachments = { column = "f", html = true }"#,
            "takes `column` or `inherited`, and `split` and `with`",
        ),
        (r#"attachments = { constant = "f" }"#, "takes `column` or `inherited`"),
        (r#"attachments = { column = "f", split = "" }"#, "can't be empty"),
        (r#"ex = { column = "f", with = { name = "n" } }"#, "are for `attachments`"),
    ] {
        let text =
            if rule.starts_with("ex") { FIELDS.replace("ex = \"ex\"\n", "") } else { FIELDS.to_owned() }
                + rule;
        let settings: crate::Settings = toml::from_str(&text).unwrap();
        let Err(error) = crate::build(&settings, None, Arc::new(AsTold)) else { panic!("{rule}") };
        assert!(error.to_string().contains(why), "{rule}: {error}");
    }
}

#[test]
fn a_message_mended_by_hand_has_no_files() {
    let mut got = crate::testing::Got::default();
    let place = Place { source: crate::message::SourceNo(0), line: 1, byte: 0, part: 0 };
    let text = r#"{"sendID":"a","recvID":"b","sendTime":1,"text":"x","attachments":["a.png"]}"#;
    crate::read_message(text, None, place, &mut got);
    assert_eq!((got.messages.len(), got.findings.len()), (0, 1));
    assert!(got.findings[0].contains("attachments-here"), "{:?}", got.findings);
}
