//! Mappings as users write them, over text.

use super::build;
use crate::export;
use crate::mapping::Settings;
use crate::mapping::testing::{Got, read};

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
    let mapper = |reader: &export::Reader| build(&config.mapping, reader.head().unwrap().as_ref()).unwrap();
    read(&config.export, mapper, name, text.as_bytes(), 1 << 16)
}

fn error(toml: &str, name: &str, text: &str) -> String {
    let config = config(toml);
    let mut error = None;
    let mapper = |reader: &export::Reader| {
        let head = reader.head().unwrap();
        match build(&config.mapping, head.as_ref()) {
            Ok(mapper) => mapper,
            Err(e) => {
                let path = head.map(|head| head.path).unwrap_or_default();
                error = Some(e.to_string().replace(&path, name));
                Box::new(crate::mapping::Native)
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
        @"`x.csv` is not in the native format: it lacks `sendID`, `sendTime`, `recvID` or `groupID`, `content` or `text`. It has the columns `1700000000000`, `a`, `b`, `hi`. Write a mapping: `openim-import init x.csv` begins one"
    );
    insta::assert_snapshot!(
        error("", "x.jsonl", "{\"sendID\":\"a\",\"to\":\"b\",\"content\":{},\"sendTime\":1}\n"),
        @"`x.jsonl` is not in the native format: it lacks `recvID` or `groupID`. It has the keys `content`, `sendID`, `sendTime`, `to`. Write a mapping: `openim-import init x.jsonl` begins one"
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
