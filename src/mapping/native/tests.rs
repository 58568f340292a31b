use super::Native;
use crate::export::Settings;
use crate::mapping::testing::{Got, read};

fn native(name: &str, text: &str) -> Got {
    read(&Settings::default(), |_| Box::new(Native), name, text.as_bytes(), 1 << 16)
}

fn jsonl(text: &str) -> Got {
    native("x.jsonl", text)
}

#[test]
fn the_defaults_of_the_native_format() {
    let got = jsonl(concat!(
        r#"{"sendID":"a","recvID":"b","content":{"content":"hi"},"sendTime":1700000000000}"#,
        "\n",
        r#"{"id":7431234567890123456,"sendID":12,"groupID":"g","text":"hi \"you\"","sendTime":"1700000000001"}"#,
        "\n"
    ));
    assert_eq!(got.findings, [""; 0]);
    assert_eq!(
        got.messages,
        [
            r#"1:0#0 a->@b 1700000000000 101 {"content":"hi"}"#,
            r#"2:80#0 12->#g 1700000000001 101 {"content":"hi \"you\""} id=7431234567890123456"#,
        ]
    );
}
