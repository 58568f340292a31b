//! What becomes of answers, whatever became of what they answer: asked of the server's log.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{Rehearsal, importer};

/// Messages between `ann` and `bob`, and in a group; `bob` can't write to `cem`, who has blocked him.
fn export() -> String {
    let row = |id: &str, from: &str, to: &str, n: u64, text: &str, quote: &str| {
        let mut row = json!({"id": id, "sendID": from, "sendTime": 1_700_000_000_000_u64 + n, "senderNickname": from.to_uppercase(), "text": text});
        let peer = if to == "team" { "groupID" } else { "recvID" };
        row[peer] = to.into();
        if !quote.is_empty() {
            row["quote"] = quote.into();
        }
        row.to_string()
    };
    let mut rows = vec![
        row("a1", "ann", "bob", 1, "one", ""),
        row("a2", "bob", "ann", 2, "answers one", "a1"),
        row("a3", "ann", "bob", 3, "answers the answer", "a2"),
        row("a4", "bob", "ann", 4, "answers what comes later", "a9"),
        row("a5", "bob", "ann", 5, "answers what stands elsewhere", "t1"),
        row("a6", "bob", "ann", 6, "answers what can't be sent", "bad"),
        row("a7", "bob", "ann", 7, "answers what nobody has", "nothing"),
        row("a8", "bob", "ann", 8, "answers what was left out", "old"),
        row("a9", "ann", "bob", 9, "later", ""),
        row("t1", "ann", "team", 10, "to all", ""),
        row("t2", "bob", "team", 11, "answers to all", "t1"),
        // The server refuses it, and its answer comes all the same.
        row("c1", "bob", "cem", 12, "blocked words", ""),
        row("c2", "cem", "bob", 13, "answers the refused one", "c1"),
        // A picture without a link.
        json!({"id": "bad", "sendID": "ann", "recvID": "bob", "sendTime": 1_700_000_000_014_u64, "contentType": 102, "content": {}})
            .to_string(),
    ];
    // So many in a row that the answered one is long confirmed, or not at all yet.
    rows.extend((0..90).map(|n| {
        let quote =
            if n % 3 == 0 { String::new() } else { format!("m{}", if n % 3 == 1 { n - 1 } else { n / 2 }) };
        row(
            &format!("m{n}"),
            if n % 2 == 0 { "dan" } else { "eve" },
            if n % 2 == 0 { "eve" } else { "dan" },
            1000 + n,
            &format!("{n}"),
            &quote,
        )
    }));
    // Left out by --since.
    rows.push(row("old", "ann", "bob", 0, "old", "").replace("1700000000000", "1600000000000"));
    rows.join("\n")
}

/// Text and, of a quote, the text of the quoted message, by the words at its end.
type Said = HashMap<String, (u64, String, String)>;

fn run(release: &str) -> (Value, Said) {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&["--release", release, "--answer-time", "0s"]);
    fs_err::write(dir.path().join("export.jsonl"), export()).unwrap();
    fs_err::write(dir.path().join("users.csv"), "userID,nickname\nann,A\nbob,B\ncem,C\ndan,D\neve,E\n")
        .unwrap();
    fs_err::write(dir.path().join("groups.csv"), "groupID,ownerUserID,memberUserIDs\nteam,ann,bob\n")
        .unwrap();
    fs_err::write(dir.path().join("blacks.csv"), "ownerUserID,blackUserIDs\ncem,bob\n").unwrap();
    let command = |arguments: &[&str]| {
        let mut command = importer();
        command
            .current_dir(dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(arguments)
            .args(["--api", &server.url]);
        command.output().unwrap()
    };
    let files = ["--users", "users.csv", "--groups", "groups.csv", "--blacks", "blacks.csv"];
    assert_eq!(
        command(&[&["provision", "--quiet", "--stage", "all"], &files[..]].concat()).status.code(),
        Some(0)
    );
    let allowed = ["--allow", "retention", "--allow", "blocked"];
    let words = [
        "run",
        "export.jsonl",
        "--release",
        release,
        "--skip-invalid",
        "--since",
        "2023-01-01",
        "--json",
        "--quiet",
    ];
    let output = command(&[&words[..], &allowed].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    // With rejects: the picture, and the blocked one.
    assert_eq!(output.status.code(), Some(3), "{said} {}", String::from_utf8_lossy(&output.stderr));
    server.control("/_rehearsal/settle", Some(&Value::Null));
    let mut all = Said::new();
    for conversation in ["si_ann_bob", "sg_team", "si_bob_cem", "si_dan_eve"] {
        let log = server.control(&format!("/_rehearsal/log?conversation={conversation}"), None);
        let mut earlier: HashMap<String, String> = HashMap::new();
        for entry in log.as_array().unwrap().iter().filter(|entry| entry["origin"] == "sent") {
            let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
            let text = content["content"].as_str().or(content["text"].as_str()).unwrap().to_owned();
            let quoted = match &content["quoteMessage"] {
                Value::Null => String::new(),
                // Its receipt was there before: the ids are those of a message that stands above.
                quote => earlier[quote["serverMsgID"].as_str().unwrap()].clone(),
            };
            let words = text.rsplit('\n').next().unwrap().to_owned();
            earlier.insert(entry["serverMsgID"].as_str().unwrap().to_owned(), words.clone());
            all.insert(words, (entry["contentType"].as_u64().unwrap(), text, quoted));
        }
    }
    (said, all)
}

#[track_caller]
fn expect(said: &Said, words: &str, kind: u64, quoted: &str) {
    let (is, text, quote) = said.get(words).unwrap_or_else(|| panic!("`{words}` is not there: {said:?}"));
    assert_eq!(*is, kind, "{words}: {text}");
    if kind == 114 {
        assert_eq!((quote.as_str(), text.as_str()), (quoted, words));
    } else if quoted.is_empty() {
        assert_eq!(text, words);
    } else {
        assert_eq!(*text, format!("> {quoted}\n{words}"));
    }
}

#[test]
fn on_main_answers_quote_what_stands_before_them_and_else_say_its_words() {
    let (figures, said) = run("main");
    expect(&said, "answers one", 114, "one");
    expect(&said, "answers the answer", 114, "answers one");
    expect(&said, "answers to all", 114, "to all");
    expect(&said, "answers what comes later", 101, "ANN: later");
    expect(&said, "answers what stands elsewhere", 101, "ANN: to all");
    expect(&said, "answers the refused one", 101, "BOB: blocked words");
    // Nobody knows its words any more.
    expect(&said, "answers what can't be sent", 101, "");
    expect(&said, "answers what nobody has", 101, "");
    expect(&said, "answers what was left out", 101, "");
    for n in 0..90 {
        match n % 3 {
            0 => expect(&said, &n.to_string(), 101, ""),
            1 => expect(&said, &n.to_string(), 114, &(n - 1).to_string()),
            _ => expect(&said, &n.to_string(), 114, &(n / 2).to_string()),
        }
    }
    assert_eq!((&figures["confirmed"], &figures["rejected"]), (&json!(102), &json!(2)), "{figures}");
}

#[test]
fn on_3_8_3_every_answer_says_the_words_it_answers() {
    let (_, said) = run("3.8.3");
    expect(&said, "answers one", 101, "ANN: one");
    expect(&said, "answers the answer", 101, "BOB: answers one");
    expect(&said, "answers to all", 101, "ANN: to all");
    expect(&said, "answers what comes later", 101, "ANN: later");
    expect(&said, "answers what stands elsewhere", 101, "ANN: to all");
    expect(&said, "answers the refused one", 101, "BOB: blocked words");
    expect(&said, "answers what nobody has", 101, "");
    expect(&said, "89", 101, "DAN: 44");
}
