//! What the server decodes, and what it refuses.

use super::*;

static FIELDS: &[Field] = &[
    Field { name: "t", kind: Kind::Text, needed: true },
    Field { name: "n", kind: Kind::Int32, needed: true },
    Field { name: "w", kind: Kind::Int64, needed: false },
    Field { name: "f", kind: Kind::Flag, needed: false },
    Field { name: "l", kind: Kind::Texts, needed: true },
    Field {
        name: "o",
        kind: Kind::Object(&[Field { name: "t", kind: Kind::Text, needed: true }]),
        needed: true,
    },
];

fn problems(json: &str) -> (Vec<String>, Vec<String>) {
    let seen = walk(json, FIELDS).unwrap();
    (seen.missing, seen.wrong)
}

fn good(json: &str) {
    assert_eq!(problems(json), (vec![], vec![]), "{json}");
}

#[test]
fn weak_typing_is_taken() {
    good(r#"{"t":"x","n":1,"l":[],"o":{"t":"x"}}"#);
    good(r#"{"t":0,"n":"4","l":"x","o":{"t":true}}"#);
    good(r#"{"t":1.5,"n":4.9,"l":[1,true,null],"o":{"t":"x"},"w":"0x1f","f":"T"}"#);
    good(r#"{"T":"x","N":1,"L":{},"O":{"T":"x"},"w":null,"f":0,"unknown":[{"a":{}}]}"#);
    good(r#"{"t":"","t":"x","n":1,"l":[],"o":{"t":"x"}}"#);
    // The exact name counts, wherever it stands.
    good(r#"{"t":"x","T":"","n":1,"l":[],"o":{"t":"x"}}"#);
}

#[test]
fn zero_is_missing() {
    let all = ["t", "n", "l", "o.t"].map(str::to_owned).to_vec();
    assert_eq!(problems("{}"), (all.clone(), vec![]));
    assert_eq!(problems(r#"{"t":null,"n":null,"l":null,"o":null}"#), (all, vec![]));
    // Of a repeated object the last counts.
    good(r#"{"o":{},"t":"x","n":1,"l":[],"o":{"t":"x"}}"#);
    for n in ["0", "0.9", "\"\"", "\"0\"", "false", "4294967296"] {
        let json = format!(r#"{{"t":"x","n":{n},"l":[],"o":{{"t":"x"}}}}"#);
        assert_eq!(problems(&json).0, ["n"], "{n}");
    }
    assert_eq!(problems(r#"{"t":"x","t":"","n":1,"l":[],"o":{}}"#).0, ["o.t", "t"]);
}

#[test]
fn what_cannot_be_decoded() {
    for (json, field) in [
        (r#"{"t":{},"n":1,"l":[],"o":{"t":"x"}}"#, "t"),
        (r#"{"t":[],"n":1,"l":[],"o":{"t":"x"}}"#, "t"),
        (r#"{"t":"x","n":"4 px","l":[],"o":{"t":"x"}}"#, "n"),
        (r#"{"t":"x","n":"4294967296","l":[],"o":{"t":"x"}}"#, "n"),
        (r#"{"t":"x","n":1,"l":[{}],"o":{"t":"x"}}"#, "l"),
        (r#"{"t":"x","n":1,"l":{"a":1},"o":{"t":"x"}}"#, "l"),
        (r#"{"t":"x","n":1,"l":[],"o":"x"}"#, "o"),
        (r#"{"t":"x","n":1,"l":[],"o":{"t":"x"},"f":"maybe"}"#, "f"),
        (r#"{"t":"x","n":1,"l":[],"o":{"t":"x"},"w":"0x"}"#, "w"),
    ] {
        assert_eq!(problems(json), (vec![], vec![field.to_owned()]), "{json}");
    }
}

#[test]
fn what_is_no_object() {
    for text in ["", "x", "[]", "\"x\"", "null", "{", "{}{}", "{\"a\":1e999}", "{\"a\":\"\n\"}"] {
        assert!(walk(text, FIELDS).is_err(), "{text}");
    }
}

#[test]
fn big_integers_are_seen_wherever_they_are() {
    let big = |json: &str| walk(json, &[]).unwrap().big;
    assert_eq!(big(r#"{"a":[{"b":9007199254740993}]}"#).as_deref(), Some("9007199254740993"));
    assert_eq!(big(r#"{"a":-9007199254740993}"#).as_deref(), Some("-9007199254740993"));
    assert!(big(r#"{"a":12345678901234567890123}"#).is_some());
    assert_eq!(big(r#"{"a":9007199254740992,"b":"9007199254740993"}"#), None);
}

#[test]
fn replacement_characters_are_seen_written_either_way() {
    for json in ["{\"a\":\"x\u{fffd}\"}", r#"{"a":["\ufffd"]}"#, "{\"\u{fffd}\":1}"] {
        assert!(walk(json, &[]).unwrap().damaged, "{json}");
    }
    assert!(!walk("{\"a\":\"，x\"}", &[]).unwrap().damaged);
}
