//! Mappings as users write them, over text.

use std::sync::Arc;

use super::build;
use crate::Settings;
use crate::export;
use crate::testing::{AsTold, Got, read};

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    export: export::Settings,
    mapping: Settings,
}

fn config(toml: &str) -> Config {
    toml::from_str(toml).unwrap()
}

fn run(toml: &str, name: &str, text: &str) -> Got {
    let config = config(toml);
    let mapper = |reader: &export::Reader| {
        build(&config.mapping, reader.head().unwrap().as_ref(), Arc::new(AsTold)).unwrap()
    };
    read(&config.export, mapper, name, text.as_bytes(), 1 << 16)
}

fn error(toml: &str, name: &str, text: &str) -> String {
    let config = config(toml);
    let mut error = None;
    let mapper = |reader: &export::Reader| {
        let head = reader.head().unwrap();
        match build(&config.mapping, head.as_ref(), Arc::new(AsTold)) {
            Ok(mapper) => mapper,
            Err(e) => {
                let path = head.map(|head| head.path).unwrap_or_default();
                error = Some(e.to_string().replace(&path, name));
                Box::new(crate::Native)
            }
        }
    };
    read(&config.export, mapper, name, text.as_bytes(), 1 << 16);
    error.expect("the mapping is taken")
}

const SIMPLE: &str = r#"
[mapping.fields]
sendID = "from"
recvID = "to"
sendTime = "at"
text = "said"
"#;

#[test]
fn columns_of_a_csv() {
    let got = run(
        SIMPLE,
        "x.csv",
        "at;said;from;to\n1700000000000;hi \"x\";a;b\n1700000000001;\"two\nlines\";b;a\n",
    );
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(
        got.messages,
        [
            r#"2:16#0 a->@b 1700000000000 101 {"content":"hi \"x\""}"#,
            r#"3:41#0 b->@a 1700000000001 101 {"content":"two\nlines"}"#,
        ]
    );
}

#[test]
fn the_same_rules_for_json() {
    let toml = SIMPLE.replace("\"from\"", "\"author.id\"").replace("\"said\"", "\"parts[1].text\"");
    let text = r#"{"author":{"name":"x","id":7431234567890123456},"to":"b","at":1700000000000,"parts":[1,{"text":"hi"}]}"#;
    let got = run(&toml, "x.jsonl", text);
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(got.messages, [r#"1:0#0 7431234567890123456->@b 1700000000000 101 {"content":"hi"}"#]);
}

#[test]
fn an_unknown_column_is_said_before_the_pass() {
    insta::assert_snapshot!(
        error(SIMPLE, "x.csv", "time,said,from,to\n1,x,a,b\n"),
        @"`fields.sendTime` in [mapping] names the column `at`, which `x.csv` does not have; its columns are `time`, `said`, `from`, `to`"
    );
    let toml = format!("{SIMPLE}[[mapping.leave_out]]\ncolumn = 'kind'\nis = 'x'\n");
    insta::assert_snapshot!(
        error(&toml, "x.csv", "at,said,from,to\n1,x,a,b\n"),
        @"`leave_out[0]` in [mapping] names the column `kind`, which `x.csv` does not have; its columns are `at`, `said`, `from`, `to`"
    );
}

#[test]
fn a_file_that_is_not_native_is_said_before_the_pass() {
    insta::assert_snapshot!(
        error("", "x.csv", "1700000000000,hi,a,b\n1700000000001,ho,b,a\n"),
        @"`x.csv` is not in the native format: it lacks `sendID`, `sendTime`, `recvID` or `groupID`, `content` or `text`. It has the columns `1700000000000`, `a`, `b`, `hi`; its first line looks like a message, not a header: set `header = false` in [export.csv]. Write a mapping: `openim-import init x.csv` begins one. If the messages are in a list inside the document, say where with `records` in [export]"
    );
    insta::assert_snapshot!(
        error("", "x.jsonl", "{\"sendID\":\"a\",\"to\":\"b\",\"content\":{},\"sendTime\":1}\n"),
        @"`x.jsonl` is not in the native format: it lacks `recvID` or `groupID`. It has the keys `content`, `sendID`, `sendTime`, `to`. Write a mapping: `openim-import init x.jsonl` begins one. If the messages are in a list inside the document, say where with `records` in [export]"
    );
}

#[test]
fn tables_defaults_constants_and_times() {
    let toml = r#"
[mapping]
zone = "Europe/Berlin"
[mapping.fields]
id = { column = ["chat", "n"], join = "/" }
sendID = "from"
groupID = { column = "chat", default = "lobby" }
senderPlatformID = { column = "os", table = { Android = 2, iOS = 1 }, default = 5 }
contentType = { column = "kind", table = { text = 101, raw = 110 } }
sendTime = { column = "at", time = "%d.%m.%Y %H:%M" }
text = "said"
ex = { constant = { batch = 7 } }
notOfflinePush = { constant = false }
"#;
    let text = "n,chat,from,os,kind,at,said\n\
        1,c,a,iOS,text,24.12.2023 18:00,hi\n\
        2,,a,BeOS,raw,29.10.2023 02:30,data\n\
        3,c,a,iOS,text,26.03.2023 02:30,x\n\
        4,c,a,iOS,film,24.12.2023 18:00,x\n\
        5,c,a,iOS,text,24/12/2023,x\n";
    let got = run(toml, "x.csv", text);
    assert_eq!(
        got.messages,
        [
            r#"2:28#0 a->#c 1703437200000 101 {"content":"hi"} id=c/1 ex={"batch":7} platform=1 pushes=yes"#,
            r#"3:63#0 a->#lobby 1698539400000 110 {"data":"data","description":"","extension":""} ex={"batch":7} platform=5 pushes=yes"#,
            r#"4:99#0 a->#c 1679794200000 101 {"content":"x"} id=c/3 ex={"batch":7} platform=1 pushes=yes"#,
        ]
    );
    assert_eq!(
        got.findings,
        [
            "3 time-ambiguous 29.10.2023 02:30",
            "4 time-skipped 26.03.2023 02:30",
            "5 value-not-in-table contentType = film",
            "6 time-unreadable sendTime = 24/12/2023 (expected to match literal byte `.` from format string, but found byte `/` in input)",
        ]
    );
}

#[test]
fn rules_that_can_not_be() {
    let with = |rule: &str| error(&SIMPLE.replace("\"at\"", rule), "x.csv", "at,said,from,to\n");
    insta::assert_snapshot!(
        with("{ column = 'at', time = '%Y-%m-%d %H:%M' }"),
        @"`fields.sendTime` in [mapping] can't be: such times do not say their zone: set `zone` (as `Asia/Shanghai` or `+08:00`)"
    );
    insta::assert_snapshot!(
        with("{ column = 'at', time = 'seconds' }"),
        @"`fields.sendTime` in [mapping] can't be: a time is written in `s`, `ms`, `us`, `ns`, as `rfc3339`, or as a pattern such as `%Y-%m-%d %H:%M:%S`"
    );
    insta::assert_snapshot!(
        with("{ column = 'at', time = '%Y-%m-%d %H:%M', zone = 'Beijing' }"),
        @"`fields.sendTime` in [mapping] can't be: `Beijing` is no zone: use a name such as `Asia/Shanghai`, or an offset such as `+08:00`"
    );
    insta::assert_snapshot!(
        with("{ column = 'at', constant = 1 }"),
        @"`fields.sendTime` in [mapping] can't be: it takes one of `column`, `inherited` and `constant`"
    );
    let unknown = toml::from_str::<Config>("[mapping.fields]\nsender = 'x'").err().unwrap().to_string();
    assert!(unknown.contains("unknown variant `sender`") && unknown.contains("`sendID`"), "{unknown}");
}

#[test]
fn jq_makes_none_one_or_several() {
    let toml = r#"
[mapping]
jq = '''
select(.type == "message")
| . as $m
| .elements[]
| { id: "\($m.id)", sendID: $m.from, groupID: $inherited["@stem"], sendTime: ($m.ts * 1000), text: .text, ex: "line \($line)" }
'''
"#;
    let text = concat!(
        r#"{"type":"join","id":1}"#,
        "\n",
        r#"{"type":"message","id":7431234567890123456,"from":"a","ts":1700000000,"elements":[{"text":"x"},{"text":"y"}]}"#,
        "\n",
        r#"{"type":"message","id":3,"from":"a","ts":{},"elements":[{"text":"x"}]}"#,
        "\n",
        r#"{"type":"message","#,
        "\n",
    );
    let got = run(toml, "room.jsonl", text);
    assert_eq!(
        got.messages,
        [
            r#"2:23#0 a->#room 1700000000000 101 {"content":"x"} id=7431234567890123456 ex=line 2"#,
            r#"2:23#1 a->#room 1700000000000 101 {"content":"y"} id=7431234567890123456 ex=line 2"#,
        ]
    );
    assert_eq!(got.left_out, ["1 jq"]);
    assert_eq!(
        got.findings,
        [
            "3 jq-failed cannot calculate {} * 1000",
            r#"4 json-broken EOF while parsing an object at column 17: {"type":"message""#,
        ]
    );
}

#[test]
fn a_table_in_the_way_of_a_json_record() {
    let toml = r#"
[export]
records = "chats[].messages[]"
[mapping]
zone = "+08:00"
[mapping.fields]
sendID = { column = "from", default = "nobody" }
sessionType = { inherited = "chats[].type", table = { private = 1, group = 3 } }
groupID = { inherited = "chats[].id" }
recvID = { column = "to" }
sendTime = { column = "date", time = "rfc3339" }
content = { column = "body", json = true }
[[mapping.leave_out]]
inherited = "chats[].type"
is = ["channel", "bot"]
reason = "no-chat"
[[mapping.leave_out]]
column = "date"
empty = true
[[mapping.leave_out]]
jq = '(.body | fromjson? | objects | has("deleted")) // false'
reason = "deleted"
"#;
    let text = r#"{"chats":[
        {"type":"group","id":17,"messages":[
            {"from":"a","to":"b","date":"2024-10-05T07:42:31","body":"{\"content\":\"x\"}"},
            {"from":"a","body":"{}"},
            {"date":"2024-10-05T07:42:31","body":"{\"deleted\":1}"},
            {"date":"2024-10-05T07:42:31","body":"[1]"},
            {"date":"2024-10-05T07:42:31","body":"{"}]},
        {"type":"private","id":18,"messages":[{"to":"b","date":"2024-10-05T07:42:31","body":"{\"content\":\"x\"}"}]},
        {"type":"channel","id":19,"messages":[{"from":1}]}]}"#;
    let got = run(toml, "x.json", text);
    let messages: Vec<_> = got.messages.iter().map(|m| m.split_once(' ').unwrap().1).collect();
    assert_eq!(
        messages,
        [r#"a->#17 1728085351000 101 {"content":"x"}"#, r#"nobody->@b 1728085351000 101 {"content":"x"}"#]
    );
    assert_eq!(got.left_out, ["4 filter", "5 deleted", "9 no-chat"]);
    assert_eq!(got.findings.len(), 2, "{:?}", got.findings);
    assert!(got.findings[0].starts_with("6 field-type content = [1]"), "{:?}", got.findings);
    assert!(got.findings[1].starts_with("7 field-not-json content = {"), "{:?}", got.findings);
}

#[test]
fn the_peer_of_a_pair() {
    let toml = SIMPLE.replace("\"to\"", "{ column = 'to', pair = '_' }");
    let text = "at,said,from,to\n1,x,a,a_b\n2,x,b,a_b\n3,x,c_d,c_d_e\n4,x,e,c_d_e\n5,x,a,a_a\n6,x,z,a_b\n";
    let got = run(&toml, "x.csv", text);
    let peers: Vec<_> = got.messages.iter().map(|m| m.split(' ').nth(1).unwrap()).collect();
    assert_eq!(peers, ["a->@b", "b->@a", "c_d->@e", "e->@c_d", "a->@a"]);
    assert_eq!(got.findings, ["7 pair-without-sender recvID = a_b, sender z"]);
}

#[test]
fn the_other_of_two_members_and_what_is_filled() {
    let toml = SIMPLE.replace("\"to\"", "{ column = 'to', members = 'n' }")
        + "[mapping.fields.sessionType]\ncolumn = 'to'\nmembers = 'n'\n[mapping.fields.groupID]\ncolumn = 'room'\n";
    let row = |list: &str, from: &str| format!("1,x,{from},\"{}\",r\n", list.replace('"', "\"\""));
    let text = [
        "at,said,from,to,room\n".to_owned(),
        row(r#"[{"n":"a"},{"n":"b"}]"#, "a"),
        row(r#"[{"n":"a"},{"n":"b"}]"#, "b"),
        row(r#"[{"n":"a"},{"n":"b"},{"n":"c"}]"#, "a"),
        row(r#"[{"n":"a"},{"n":"b"}]"#, "z"),
        row("no list", "a"),
    ];
    let got = run(&toml, "x.csv", &text.concat());
    let peers: Vec<_> = got.messages.iter().map(|m| m.split(' ').nth(1).unwrap()).collect();
    assert_eq!(peers, ["a->@b", "b->@a", "a->#r"]);
    assert_eq!(got.findings.len(), 2, "{:?}", got.findings);
    assert!(got.findings[0].starts_with("5 pair-without-sender recvID"), "{:?}", got.findings);
    assert!(got.findings[1].starts_with("6 field-not-json sessionType"), "{:?}", got.findings);
    let toml = SIMPLE.to_owned()
        + "[mapping.fields.sessionType]\ncolumn = 'to'\nfilled = 1\ndefault = 3\n[mapping.fields.groupID]\ncolumn = 'room'\n";
    let got = run(&toml, "x.csv", "at,said,from,to,room\n1,x,a,b,r\n2,x,a,,r\n");
    let peers: Vec<_> = got.messages.iter().map(|m| m.split(' ').nth(1).unwrap()).collect();
    assert_eq!(peers, ["a->@b", "a->#r"]);
}

#[test]
fn a_later_file_without_the_column() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a.csv"), "at,said,from,to\n1,x,a,b\n").unwrap();
    fs_err::write(folder.path().join("b.csv"), "time,said,from,to\n1,x,a,b\n2,y,a,b\n").unwrap();
    let config = config(SIMPLE);
    let sources = [folder.path().to_string_lossy().into_owned()];
    let mut reader = export::Reader::open(&config.export, &sources, crate::message::SourceNo(0)).unwrap();
    let mapper = build(&config.mapping, reader.head().unwrap().as_ref(), Arc::new(AsTold)).unwrap();
    let mut got = Got::default();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        mapper.map(&chunk, &mut got);
    }
    assert_eq!(
        (got.messages.len(), got.findings),
        (1, vec!["2 column-missing at".into(), "3 column-missing at".into()])
    );
}

#[test]
fn what_is_told_before_the_pass() {
    insta::assert_snapshot!(
        error("", "x.json", "{\n\"name\": \"x\", \"id\": [1, {}],\n\"messages\": [\n"),
        @"`x.json` is not in the native format: it lacks `sendID`, `sendTime`, `recvID` or `groupID`, `content` or `text`. It has the keys `id`, `messages`, `name`. Write a mapping: `openim-import init x.json` begins one. If the messages are in a list inside the document, say where with `records` in [export]"
    );
    insta::assert_snapshot!(
        error(SIMPLE, "x.csv", "at,said,from,to,said\n"),
        @"`fields.text` in [mapping] can't be: `x.csv` has 2 columns called `said`"
    );
    insta::assert_snapshot!(
        error(&SIMPLE.replace("\"to\"", "{ inherited = '@fodler' }"), "x.csv", "at,said,from,to\n"),
        @"`fields.recvID` in [mapping] can't be: nothing called `@fodler` is inherited; there is `@path`, `@file`, `@stem`, `@folder`"
    );
    insta::assert_snapshot!(
        error("[mapping.fields]\nsendID = 'a'\nsendTime = 'b'\ntext = 'c'", "x.csv", "a,b,c\n"),
        @"`fields` in [mapping] can't be: `recvID` or `groupID` is missing; where `init` could not decide, what could be it stands there as a comment"
    );
    insta::assert_snapshot!(error("mapping.zone = 'UTC'", "x.csv", "a\n"), @"`zone` in [mapping] can't be: times of the native format are milliseconds and have none");
}

#[test]
fn the_native_format_can_be_filtered() {
    let toml = "[[mapping.leave_out]]\ncolumn = 'ex'\nis = 'no'\nreason = 'said-so'";
    let csv = "sendID,recvID,text,sendTime,ex\na,b,x,1,no\na,b,y,2,yes\n";
    let json = r#"{"sendID":"a","recvID":"b","text":"x","sendTime":1,"ex":"no"}
        {"sendID":"a","recvID":"b","text":"y","sendTime":2}"#;
    for (name, text) in [("x.csv", csv), ("x.jsonl", json)] {
        let got = run(toml, name, text);
        assert_eq!((got.messages.len(), got.left_out.len(), got.findings.len()), (1, 1, 0), "{name}");
        assert!(got.left_out[0].ends_with(" said-so"));
    }
}

#[test]
fn jq_programs_that_are_wrong() {
    let with = |jq: &str| {
        let mapping = Settings { jq: Some(jq.to_owned()), ..Settings::default() };
        let Err(error) = build(&mapping, None, Arc::new(AsTold)) else { panic!("{jq} is taken") };
        error.to_string()
    };
    insta::assert_snapshot!(with(".a |"), @"the jq program of `jq` in [mapping] is wrong: term is expected at the end");
    insta::assert_snapshot!(with(".a\n| .b)"), @"the jq program of `jq` in [mapping] is wrong: token is expected at line 2: `)`");
    insta::assert_snapshot!(with("{a: nothing(1)}"), @"the jq program of `jq` in [mapping] is wrong: the filter `nothing` is not defined, at line 1: `nothing(1)}`");
    insta::assert_snapshot!(with("$secret"), @"the jq program of `jq` in [mapping] is wrong: the variable `$secret` is not defined, at line 1: `$secret`");
    insta::assert_snapshot!(with("include \"x\"; ."), @"the jq program of `jq` in [mapping] is wrong: `x` can't be loaded: module loading not supported");
    insta::assert_snapshot!(with("\"abc"), @"the jq program of `jq` in [mapping] is wrong: closing quote is expected at the end");
}

#[test]
fn jq_that_does_not_end_or_makes_no_messages() {
    let toml =
        "[mapping]\njq = 'if .n == 1 then repeat(.m) elif .n == 2 then 7, null, [.m] else error(3) end'";
    let m = r#"{"sendID":"a","recvID":"b","text":"x","sendTime":1}"#;
    let text = format!("{{\"n\":1,\"m\":{m}}}\n{{\"n\":2,\"m\":{m}}}\n{{\"n\":3}}\n");
    let got = run(toml, "x.jsonl", &text);
    assert_eq!(got.messages.len(), 10_000);
    assert_eq!(got.findings[0], "1 too-many-parts ");
    assert_eq!(got.findings[1..4], ["2 jq-output 7", "2 jq-output null", &format!("2 jq-output [{m}]")]);
    assert!(got.findings[4].starts_with("3 jq-failed "), "{:?}", got.findings);
}

#[test]
fn numbers_survive_jq() {
    let toml = "[mapping]\njq = '{id, sendID, recvID, sendTime, content: {content: .c, n: .n, f: .f}}'";
    let text = r#"{"id":99999999999999999999999,"sendID":7431234567890123456,"recvID":"b","sendTime":1700000000000,"c":"x","n":-12345678901234567890,"f":1.10}"#;
    let got = run(toml, "x.jsonl", text);
    assert_eq!(
        got.messages,
        [
            r#"1:0#0 7431234567890123456->@b 1700000000000 101 {"content":"x","n":-12345678901234567890,"f":1.10} id=99999999999999999999999"#
        ]
    );
}

mod garbage {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::export::Reader;
    use crate::message::{Place, SourceNo};
    use crate::{Sink, each};

    fn text() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"a\"",
            "\"sendID\"",
            "\"recvID\"",
            "\"sendTime\"",
            "\"text\"",
            "\"content\"",
            "1",
            "-0.5e9",
            "\"\\ud83d\"",
            "\"x\\u0000\"",
            "null",
            "true",
            "\"",
            "\\",
            " ",
            "\n",
            "\n",
            "{\"a\":1}",
            "{\"a\":{\"\\ud800\":{}}}",
            "{\"sendID\":\"a\",\"recvID\":\"b\",\"text\":\"x\",\"sendTime\":1}\n",
            ";",
            "\u{feff}",
            "\u{0}",
            "#",
        ]);
        prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        /// Nothing panics, and each record is accounted for: it is a message, was left out, or is a finding.
        #[test]
        fn every_record_is_accounted_for(
            text in text(),
            name in prop::sample::select(vec!["x.jsonl", "x.json", "x.csv"]),
            mapping in prop::sample::select(vec![
                "",
                "fields = { sendID = 'a.a', recvID = 'a', sendTime = 'sendTime', text = 'a[0]' }",
                "jq = '.a?'",
                "jq = '.'\n[[leave_out]]\ncolumn = 'a.a'\nis = 1",
                "jq = '.[]'\n[[leave_out]]\njq = '.a > 0'",
            ]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs_err::write(&path, format!("{text}\n")).unwrap();
            let sources = [path.to_string_lossy().into_owned()];
            let mut reader = Reader::open(&export::Settings::default(), &sources, SourceNo(0)).unwrap();
            let settings: Settings = toml::from_str(mapping).unwrap();
            let Ok(mapper) = build(&settings, None, Arc::new(AsTold)) else { panic!("{mapping}") };
            let (mut places, mut told) = (BTreeSet::new(), Told::default());
            while let Some(chunk) = reader.next_chunk().unwrap() {
                let mut broken = Told::default();
                each(&chunk, &mut broken, &mut |place, _, _| _ = places.insert(place));
                places.extend(broken.0);
                mapper.map(&chunk, &mut told);
            }
            let first = Place { source: SourceNo(0), line: 1, byte: 0, part: 0 };
            // Findings about the header have a place that need not be a record's.
            places.insert(first);
            told.0.insert(first);
            prop_assert_eq!(places, told.0);
        }
    }

    #[derive(Default)]
    struct Told(BTreeSet<Place>);

    impl Sink for Told {
        fn message(&mut self, message: crate::message::Message<'_>) {
            self.0.insert(Place { part: 0, ..message.place });
        }
        fn left_out(&mut self, place: Place, _: &'static str) {
            self.0.insert(Place { part: 0, ..place });
        }
        fn finding(&mut self, finding: crate::finding::Finding) {
            if finding.code.severity == crate::finding::Severity::Error || finding.code.name == "nul-bytes" {
                self.0.insert(Place { part: 0, ..finding.place.unwrap() });
            }
        }
    }
}

#[test]
fn bodies_that_are_html() {
    let rows = "at,said,from,to\n1700000000000,<p>one &amp; <b>two</b></p><p>three</p>,a,b\n1700000000001,a < b,b,a\n";
    let html = |how: &str| {
        let toml = SIMPLE.replace("\"said\"", &format!("{{ column = \"said\"{how} }}"));
        let got = run(&toml, "x.csv", rows);
        (got.messages.concat(), got.findings)
    };
    let (messages, findings) = html(", html = true");
    assert!(messages.contains(r"one & two\n\nthree") && messages.contains("a < b"), "{messages}");
    assert_eq!(findings, [""; 0]);
    let (messages, findings) = html(", html = false");
    assert!(messages.contains("<p>one &amp; <b>two</b></p>"), "{messages}");
    assert_eq!(findings, [""; 0]);
    // Nobody said it: it is said.
    let (kept, findings) = html("");
    assert_eq!(kept, messages);
    assert!(matches!(&findings[..], [one] if one.contains("html-as-text")), "{findings:?}");
    // Tags without words are no message, and counted.
    let toml = SIMPLE.replace("\"said\"", "{ column = \"said\", html = true }");
    let got =
        run(&toml, "x.csv", "at,said,from,to\n1700000000000,<p>&nbsp;</p>,a,b\n1700000000001,<p>x</p>,b,a\n");
    assert_eq!((got.messages.len(), got.findings.len()), (1, 0), "{}", got.text());
    assert_eq!(got.left_out, ["2 no-text"]);
    let sender = SIMPLE.replace("\"from\"", "{ column = \"from\", html = true }");
    insta::assert_snapshot!(error(&sender, "x.csv", rows), @"`fields.sendID` in [mapping] can't be: `html` is for `text`, `content`, `quoteText` and `senderNickname`");
}

#[test]
fn texts_that_were_read_as_latin_1() {
    let rows = "at;said;from;to\n1700000000000;cafÃ©;RenÃ©;b\n1700000000001;cafe;b;RenÃ©\n";
    let chosen = |how: &str| {
        let got = run(&format!("[mapping]\n{how}\n{SIMPLE}"), "x.csv", rows);
        (got.messages.concat(), got.findings)
    };
    let (messages, findings) = chosen("mojibake = \"repair\"");
    assert!(
        messages.contains("café") && messages.matches("René").count() == 2 && !messages.contains('Ã'),
        "{messages}"
    );
    assert_eq!(findings, [""; 0]);
    let (messages, findings) = chosen("mojibake = \"keep\"");
    assert!(messages.contains("cafÃ©") && messages.matches("RenÃ©").count() == 2, "{messages}");
    assert_eq!(findings, [""; 0]);
    let (kept, findings) = chosen("");
    assert_eq!(kept, messages);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().all(|finding| finding.contains("mojibake")), "{findings:?}");
    // A sound answer around a broken quotation.
    let rows = "at;said;from;to\n1700000000000;“cafÃ©” à Genève, MAÇÃ…;a;b\n";
    let got = run(&format!("[mapping]\nmojibake = \"repair\"\n{SIMPLE}"), "x.csv", rows);
    assert!(got.messages.concat().contains("“café” à Genève, MAÇÃ…"), "{:?}", got.messages);
    let got = run(SIMPLE, "x.csv", rows);
    assert!(got.findings.concat().contains("“cafÃ©” (meant: “café”)"), "{:?}", got.findings);
    let jq = "[mapping]\nmojibake = \"repair\"\njq = \".\"";
    insta::assert_snapshot!(error(jq, "x.jsonl", "{}\n"), @"`mojibake` in [mapping] can't be: it is for what `fields` reads; a jq program mends texts itself");
}

#[test]
fn lists_of_members_are_read_as_their_messages_are() {
    // What JSON writes with `\u`, nobody sees until it is taken apart.
    let text = r#"{"members":[{"name":"Ren\u00c3\u00a9"},{"name":"b"}],"messages":[{"at":1700000000000,"from":"b","said":"x"},{"at":1700000000001,"from":"Ren\u00c3\u00a9","said":"y"}]}"#;
    let toml = r#"
[export]
records = "messages[]"
[mapping]
mojibake = "repair"
[mapping.fields]
sendID = "from"
recvID = { inherited = "members", members = "name" }
sendTime = "at"
text = "said"
"#;
    let got = run(toml, "x.json", text);
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(got.messages.concat().matches("René").count(), 2, "{:?}", got.messages);
}
