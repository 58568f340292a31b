use super::Native;
use crate::export::Settings;
use crate::testing::{Got, read};
use crate::{Key, codes};

fn native(name: &str, text: &[u8]) -> Got {
    read(&Settings::default(), |_| Box::new(Native), name, text, 1 << 16)
}

/// Lines, each a record with these members; where one is absent, it is filled in with what is always needed.
fn jsonl(lines: &[&str]) -> Got {
    let full = |line: &&str| {
        let mut record = String::from("{");
        for (key, value) in
            [("sendID", r#""a""#), ("recvID", r#""b""#), ("sendTime", "1700000000000"), ("text", r#""hi""#)]
        {
            let other = if key == "text" { "\"content\"" } else { key };
            if !line.contains(key) && !line.contains(other) {
                record.extend(["\"", key, "\":", value, ","]);
            }
        }
        record + line + "}\n"
    };
    native("x.jsonl", lines.iter().map(full).collect::<String>().as_bytes())
}

/// What comes of one such record: the message without its place, or the findings.
fn one(line: &str) -> String {
    let got = jsonl(&[line]);
    let message = got.messages.first().map(|m| m.split_once(' ').unwrap().1.to_owned());
    let findings = got.findings.iter().map(|f| f.split_once(' ').unwrap().1.to_owned());
    message.into_iter().chain(findings).collect::<Vec<_>>().join(" / ")
}

#[test]
fn the_defaults_of_the_native_format() {
    let text = concat!(
        r#"{"sendID":"a","recvID":"b","content":{"content":"hi"},"sendTime":1700000000000}"#,
        "\n",
        r#"{"id":7431234567890123456,"sendID":12,"groupID":"g","text":"hi \"you\"","sendTime":"1700000000001"}"#,
        "\n"
    );
    let got = native("x.jsonl", text.as_bytes());
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(
        got.messages,
        [
            r#"1:0#0 a->@b 1700000000000 101 {"content":"hi"}"#,
            r#"2:80#0 12->#g 1700000000001 101 {"content":"hi \"you\""} id=7431234567890123456"#,
        ]
    );
}

#[test]
fn every_key_arrives() {
    let all = r#""id":"m1","sendID":"a","recvID":"g","groupID":"g","senderNickname":"Ann","senderFaceURL":"http://x/a.png",
        "senderPlatformID":2,"content":{"data":"x"},"contentType":110,"sessionType":3,"isOnlineOnly":true,
        "notOfflinePush":false,"sendTime":1700000000000,"offlinePushInfo":{"title":"t"},"ex":"e""#
        .replace('\n', "");
    assert_eq!(
        one(&all),
        r#"a->#g 1700000000000 110 {"data":"x"} id=m1 nick=Ann face=http://x/a.png ex=e push={"title":"t"} platform=2 pushes=yes online=yes"#
    );
    let named = Key::ALL.iter().filter(|key| all.contains(&format!("\"{}\"", key.name()))).count();
    assert_eq!(
        named + 4,
        Key::ALL.len(),
        "all but text, quote, quoteText and attachments, which exclude others"
    );
}

#[test]
fn capitals_do_not_matter_as_on_the_server() {
    assert_eq!(
        one(
            r#""SENDID":"a","sendid_":1,"RecvId":"b","sendtime":1700000000000,"Content":{"content":"x"},"sendID":"c""#
        ),
        r#"c->@b 1700000000000 101 {"content":"x"} / key-unknown sendid_ / key-repeated recvID / key-repeated sendTime / key-repeated sendID"#
    );
}

#[test]
fn unknown_keys_are_named_once_a_chunk() {
    let got = jsonl(&[r#""foo":1"#, r#""foo":1,"bar":2"#, r#""foo":1"#]);
    assert_eq!(got.messages.len(), 3);
    assert_eq!(got.findings, ["1 key-unknown foo", "2 key-unknown bar"]);
}

#[test]
fn who_talks_to_whom() {
    for (record, message) in [
        (r#""recvID":"b""#, "a->@b"),
        (r#""recvID":"","groupID":"g""#, "a->#g"),
        (r#""groupID":"g","recvID":"g""#, "a->#g"),
        (r#""recvID":"g","sessionType":3"#, "a->#g"),
        (r#""recvID":"g","sessionType":"3""#, "a->#g"),
    ] {
        assert_eq!(one(record), format!(r#"{message} 1700000000000 101 {{"content":"hi"}}"#), "{record}");
    }
    for (record, finding) in [
        (r#""recvID":"""#, "field-missing recvID"),
        (r#""recvID":null,"sessionType":1"#, "field-missing recvID"),
        (r#""recvID":"","sessionType":3"#, "field-missing groupID"),
        (r#""sendID":"""#, "field-missing sendID"),
        (r#""sessionType":2"#, "session-type sessionType = 2"),
        (r#""sessionType":4"#, "session-type sessionType = 4"),
        (r#""sessionType":"group""#, "field-type sessionType = group"),
        (r#""sendID":["a"]"#, r#"field-type sendID = ["a"]"#),
        (r#""sendID":1.5"#, "field-type sendID = 1.5"),
        (r#""sendID":true"#, "field-type sendID = true"),
        (r#""recvID":"7.43123E+18""#, "excel-mangled-id recvID = 7.43123E+18"),
        (r#""recvID":7.43E+18"#, "excel-mangled-id recvID = 7.43E+18"),
    ] {
        assert_eq!(one(record), finding, "{record}");
    }
    assert!(one(r#""groupID":"g","sessionType":1"#).ends_with(" / field-unused g"));
    assert!(one(r#""groupID":"g","recvID":"b""#).ends_with(" / group-contradicted groupID = g, recvID = b"));
    // What only looks like a rounded number is a name like any other.
    assert!(
        one(r#""recvID":"E+5""#).starts_with("a->@E+5 ")
            && one(r#""recvID":"1E+x""#).starts_with("a->@1E+x ")
    );
}

#[test]
fn contents_as_objects_and_as_words() {
    for (record, content) in [
        (
            r#""content":{ "content" : "x" , "n": 12345678901234567890 }"#,
            r#"101 { "content" : "x" , "n": 12345678901234567890 }"#,
        ),
        (r#""content":"x""#, r#"101 {"content":"x"}"#),
        (r#""content":"{\"content\":\"x\"}""#, r#"101 {"content":"{\"content\":\"x\"}"}"#),
        (r#""content":12"#, r#"101 {"content":"12"}"#),
        (r#""text":"a\u0000\n\ud83d\ude00""#, "101 {\"content\":\"a\\u0000\\n😀\"}"),
        (r#""text":"","contentType":101"#, r#"101 {"content":""}"#),
        (r#""text":"x","contentType":118"#, r#"118 {"content":"x"}"#),
        (r#""text":"x","contentType":110"#, r#"110 {"data":"x","description":"","extension":""}"#),
        (r#""text":"x","contentType":106"#, r#"106 {"text":"x","atUserList":[],"isAtSelf":false}"#),
    ] {
        assert_eq!(one(record), format!("a->@b 1700000000000 {content}"), "{record}");
    }
    for (record, finding) in [
        (r#""content":"x","contentType":102"#, "content-not-object content = x"),
        (r#""content":[1]"#, "field-type content = [1]"),
        (r#""content":null"#, "field-missing content"),
        (r#""content":{},"text":"x""#, "content-twice text = x"),
        (r#""contentType":"text""#, "field-type contentType = text"),
        (r#""contentType":99999999999"#, "field-type contentType = 99999999999"),
        (r#""sendTime":"2024-01-01""#, "field-type sendTime = 2024-01-01"),
        (r#""sendTime":1.7e12"#, "field-type sendTime = 1.7e12"),
        (r#""sendTime":null"#, "field-missing sendTime"),
        (r#""isOnlineOnly":"perhaps""#, "field-type isOnlineOnly = perhaps"),
        (r#""offlinePushInfo":"x""#, "field-type offlinePushInfo = x"),
        (r#""senderNickname":{}"#, "field-type senderNickname = {}"),
    ] {
        assert_eq!(one(record), finding, "{record}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = |n: usize| format!("\"content\":{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    assert!(one(&deep(511)).starts_with("a->@b "));
    assert!(one(&deep(10_000)).starts_with("json-too-deep content = {\"a\":[[["));
    assert!(
        one(&format!("{},\"sendID\":\"a\"", deep(512).replace("content", "foo")))
            .ends_with(" / key-unknown foo")
    );
}

#[test]
fn answers_quote_what_they_answer() {
    assert_eq!(
        one(r#""text":"yes","quote":"m1""#),
        r#"a->@b 1700000000000 114 {"text":"yes"} quote=m1|{"content":"yes"}"#
    );
    assert_eq!(
        one(r#""content":{"content":"yes"},"quote":17,"quoteText":"shall\nwe?""#),
        r#"a->@b 1700000000000 114 {"text":"yes"} quote=17|{"content":"> shall\n> we?\nyes"}"#
    );
    assert_eq!(
        one(r#""content":{"text":"yes","quoteMessage":{}},"contentType":114"#),
        r#"a->@b 1700000000000 114 {"text":"yes","quoteMessage":{}}"#,
        "a quote that is whole stays as it is"
    );
    assert_eq!(
        one(r#""content":{"data":"x"},"contentType":110,"quote":"m1""#),
        "quote-without-text contentType = 110"
    );
    assert_eq!(one(r#""content":{"a":1},"quote":"m1""#), r#"quote-without-text contentType = {"a":1}"#);
}

#[test]
fn broken_records_end_nothing() {
    let good = r#"{"sendID":"a","recvID":"b","text":"x","sendTime":1700000000000}"#;
    let text = format!(
        "{good}\n{{\"sendID\":\"a\" \"x\"}}\n\n[1,2]\n\"words\"\n\0\0\0\n{{\"sendID\":\"\\ud800\"}}\n{good} {good}\n{good}"
    );
    let got = native("x.jsonl", text.as_bytes());
    assert_eq!(got.messages.len(), 2);
    assert_eq!(got.messages[1].split(':').next(), Some("9"));
    assert_eq!(
        got.findings,
        [
            r#"2 json-broken expected `,` or `}` at column 15: {"sendID":"a" "x"}"#,
            "4 not-an-object [1,2]",
            r#"5 not-an-object "words""#,
            "6 nul-bytes 3 zero bytes",
            r#"7 half-character sendID = "\ud800""#,
            "7 field-missing recvID",
            r#"8 json-broken trailing characters at column 65: {"sendID":"a","recvID":"b","text":"x","sendTime":17000000000"#,
        ]
    );
}

#[test]
fn text_in_no_encoding_is_refused_record_by_record() {
    let line = |text: &[u8]| {
        [br#"{"sendID":"a","recvID":"b","sendTime":1700000000000,"text":""#, text, b"\"}\n"].concat()
    };
    let text = [line("ä".as_bytes()), line(b"caf\xe9"), line(b"y")].concat();
    let got = native("x.jsonl", &text);
    assert_eq!(got.messages.len(), 2);
    assert_eq!(got.findings, ["2 encoding-broken 000000000,\"text\":\"caf\u{fffd}\"}"]);
    let replace = Settings { broken_text: crate::export::BrokenText::Replace, ..Settings::default() };
    let got = read(&replace, |_| Box::new(Native), "x.jsonl", &text, 1 << 16);
    assert!(got.messages[1].contains("\"caf\u{fffd}\""), "{:?}", got.messages);
    assert_eq!(got.findings, ["2 encoding-replaced 000000000,\"text\":\"caf\u{fffd}\"}"]);
    let csv =
        [&b"sendID,recvID,sendTime,text\na,b,1700000000000,"[..], b"caf\xe9\na,b,1700000000000,y\n"].concat();
    let got = native("x.csv", &csv);
    // A table that is not UTF-8 is asked about as a whole, too.
    assert_eq!(got.messages.len(), 1);
    assert_eq!(got.findings, ["1 encoding-unsure windows-1252", "2 encoding-broken caf\u{fffd}"]);
}

#[test]
fn the_native_format_as_csv() {
    let text = "id,SendID,recvID,groupID,content,contentType,sendTime,note\r\n\
        7431234567890123456,a,b,,hi,,1700000000000,n\r\n\
        2,a,,g,\"{\"\"content\"\":\"\"x\"\"}\",101,1700000000001,\r\n\
        3,a,,g,{not json},,1700000000002,\r\n\
        \r\n\
        4,a,,g,\"two\r\nlines\",,1700000000003,,\r\n\
        5,a,,g,too,many,1700000000004,,x\r\n\
        6,a,,g\r\n\
        7,a,,7.1E+18,x,,1700000000005,\r\n";
    let got = native("x.csv", text.as_bytes());
    assert_eq!(
        got.messages,
        [
            r#"2:60#0 a->@b 1700000000000 101 {"content":"hi"} id=7431234567890123456"#,
            r#"3:106#0 a->#g 1700000000001 101 {"content":"x"} id=2"#,
            r#"4:155#0 a->#g 1700000000002 101 {"content":"{not json}"} id=3"#,
            r#"6:192#0 a->#g 1700000000003 101 {"content":"two\r\nlines"} id=4"#,
        ]
    );
    assert_eq!(
        got.findings,
        [
            "1 key-unknown note",
            "8 csv-ragged 9 cells, 8 columns",
            "9 csv-ragged 4 cells, 8 columns",
            "10 excel-mangled-id groupID = 7.1E+18",
        ]
    );
}

#[test]
fn a_csv_without_a_header_and_with_nulls() {
    let settings: Settings =
        toml::from_str("csv = { header = ['sendID', 'recvID', 'ex', 'text', 'sendTime'], null = '\\N' }")
            .unwrap();
    let text = "a,b,\\N,hi,1700000000000\na,b,x,\\N,1700000000001\n";
    let got = read(&settings, |_| Box::new(Native), "x.csv", text.as_bytes(), 1 << 16);
    assert_eq!(got.messages, [r#"1:0#0 a->@b 1700000000000 101 {"content":"hi"}"#]);
    assert_eq!(got.findings, ["2 field-missing content"]);
}

#[test]
fn short_rows_can_be_filled() {
    let settings: Settings = toml::from_str("csv.short_rows = 'fill'").unwrap();
    let text = "sendID,recvID,text,sendTime,ex,id\na,b,hi,1700000000000\n";
    let got = read(&settings, |_| Box::new(Native), "x.csv", text.as_bytes(), 1 << 16);
    assert_eq!((got.messages.len(), got.findings.len()), (1, 0));
}

#[test]
fn a_list_in_lines_and_with_commas() {
    let record =
        |text: &str| format!(r#"{{"sendID":"a","recvID":"b","text":"{text}","sendTime":1700000000000}}"#);
    let text = format!("[{},\n  {} , \n{}]\n", record("1]"), record("2,"), record("3"));
    let got = native("x.jsonl", text.as_bytes());
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(got.messages.len(), 3);
    let text = format!("\u{feff}[\n{},\n{}\n]\n", record("1"), record("2"));
    for name in ["x.json", "x.jsonl"] {
        let got = native(name, text.as_bytes());
        assert_eq!((got.messages.len(), got.findings.len()), (2, 0), "{name}");
        assert!(got.messages[0].starts_with("2:5#0 "), "{name}: {}", got.messages[0]);
    }
}

#[test]
fn comment_lines_only_where_they_are_set() {
    let text =
        "# made by hand\n{\"sendID\":\"a\",\"recvID\":\"b\",\"text\":\"#\",\"sendTime\":1700000000000}\n";
    let settings: Settings = toml::from_str("comment = '#'").unwrap();
    let got = read(&settings, |_| Box::new(Native), "x.jsonl", text.as_bytes(), 1 << 16);
    assert_eq!((got.messages.len(), got.findings.len()), (1, 0));
    let got = native("x.jsonl", text.as_bytes());
    assert_eq!((got.messages.len(), got.findings.len()), (1, 1));
    let text =
        "# made by hand\nsendID,recvID,text,sendTime\na,b,x,1700000000000\n# \"\n\na,b,y,1700000000000\n";
    let got = read(&settings, |_| Box::new(Native), "x.csv", text.as_bytes(), 8);
    assert_eq!(got.findings, [""; 0]);
    let lines: Vec<_> = got.messages.iter().map(|m| m.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["3", "6"]);
}

#[test]
fn codes_are_well_formed_and_different() {
    let all = || codes::ALL.iter().chain(crate::export::codes::ALL);
    let mut names: Vec<_> = all().map(|code| code.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().count());
    for code in all() {
        assert!(code.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", code.name);
        for text in [code.means, code.mend] {
            assert!(!text.ends_with('.') && text.starts_with(|c: char| !c.is_uppercase()), "{text}");
        }
    }
}
