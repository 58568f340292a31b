//! Nothing that comes from outside gets further than it should: answers, names, cells, files that are there already.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::{fixture, importer};

const SECRET: &str = "n0body/knows \"this\" & that";
const TOKEN: &str = "opaque-token-4711";

/// What a server may make of something that it was told.
fn shapes(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let unicode: Vec<String> = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let json = serde_json::to_string(secret).unwrap();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let base64 = STANDARD.encode(secret);
    let broken: Vec<&str> =
        base64.as_bytes().chunks(6).map(|part| std::str::from_utf8(part).unwrap()).collect();
    let spaced = |between: &str| secret.chars().map(String::from).collect::<Vec<_>>().join(between);
    vec![
        secret.to_owned(),
        secret.to_uppercase(),
        json[1..json.len() - 1].to_owned(),
        format!("%{}", hex.join("%")),
        secret.replace(' ', "%20").replace('"', "%22").replace('&', "%26").replace('/', "%2F"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("admin:{secret}")),
        STANDARD.encode(format!("ab:{secret}!")),
        hex.concat(),
        unicode.concat(),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
        secret.chars().rev().collect(),
        spaced(" "),
        spaced("\n"),
        spaced("-"),
        URL_SAFE_NO_PAD.encode(secret),
        broken.join("\r\n"),
        hex.join(":").to_uppercase(),
        format!("0x{}", hex.join(", 0x")),
        format!("[{}]", numbers.join(" ")),
        format!("\\x{}", hex.join("\\x")),
        format!("%25{}", hex.join("%25")),
        serde_json::to_string(&json).unwrap(),
    ]
}

/// A server that gives each call the answer of its path, as often as it is asked.
fn server(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || serve(stream, &*answer));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Vec<u8>) {
    let mut got = Vec::new();
    loop {
        let mut part = [0; 4096];
        let Ok(n @ 1..) = stream.read(&mut part) else { return };
        got.extend_from_slice(&part[..n]);
        let text = String::from_utf8_lossy(&got).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .to_lowercase()
            .split_once("content-length:")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.trim().parse::<usize>().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let path = head.split_whitespace().nth(1).unwrap_or_default();
        // In two pieces, so that what is looked for may be in both.
        let answer = answer(path);
        let (first, second) = answer.split_at(answer.len() / 2);
        if stream
            .write_all(first)
            .and_then(|()| stream.flush())
            .and_then(|()| stream.write_all(second))
            .is_err()
        {
            return;
        }
        got.clear();
    }
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn run(dir: &Path, api: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", SECRET)
        .args(args)
        .args(["--api", api, "--give-up", "1s", "-vv"])
        .arg(fixture("company-chat.jsonl"))
        .output()
        .unwrap();
    (output.status.code(), said(&output))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// All that lies in a folder, as text.
fn written(dir: &Path) -> String {
    let files =
        walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    files.map(|file| String::from_utf8_lossy(&fs_err::read(file.path()).unwrap()).into_owned()).collect()
}

fn assert_hidden(text: &str, secret: &str, shape: &str) {
    let lowered = text.to_lowercase();
    for known in shapes(secret) {
        let found = lowered.contains(&known.to_lowercase());
        assert!(!found, "`{known}` is said for `{shape}`:\n{text}");
    }
}

#[test]
fn a_server_that_says_back_what_it_was_told_does_not_make_us_say_it() {
    for shape in shapes(SECRET) {
        let dir = tempfile::tempdir().unwrap();
        let refused = serde_json::json!({"errCode": 1501, "errMsg": shape, "errDlt": format!("x{shape}y")});
        let api = server(move |_| http("200 OK", &refused.to_string()));
        let (exit, said) = run(dir.path(), &api, &["run"]);
        assert!(exit != Some(0) && said.contains("1501"), "{said}");
        assert_hidden(&(said + &written(dir.path())), SECRET, "refused");
        let page = format!("<html>proxy: cannot forward {shape}</html>");
        let api = server(move |_| http("502 Bad Gateway", &page));
        let (_, said) = run(dir.path(), &api, &["run"]);
        assert_hidden(&(said + &written(dir.path())), SECRET, "page");
    }
}

#[test]
fn nor_its_token() {
    for shape in shapes(TOKEN) {
        let dir = tempfile::tempdir().unwrap();
        let login = serde_json::json!({"errCode": 0, "data": {"token": TOKEN, "expireTimeSeconds": 86_400}});
        let refused = serde_json::json!({"errCode": 1004, "errMsg": format!("bad {shape}"), "errDlt": shape});
        let api = server(move |path| {
            let is_login = path.contains("token");
            http("200 OK", &if is_login { login.to_string() } else { refused.to_string() })
        });
        let (exit, said) = run(dir.path(), &api, &["run"]);
        assert!(exit != Some(0) && said.contains("1004"), "{said}");
        assert_hidden(&(said + &written(dir.path())), TOKEN, "refused");
    }
}

#[test]
fn passwords_in_addresses_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    for api in [
        "mary:opensesame-1@host",
        "http://mary:opensesame-1@[::1",
        "ftp://mary:opensesame-1@h/?k=opensesame-1",
    ] {
        let (exit, said) = run(dir.path(), api, &["run"]);
        assert_eq!(exit, Some(2), "{said}");
        assert!(!said.contains("opensesame"), "{said}");
    }
    let output = importer()
        .current_dir(dir.path())
        .env("OPENIM_SECRET", SECRET)
        .env("http_proxy", "http://mary:opensesame-1@ho st:12")
        .args(["run", "--api", "http://im.example:10002", "--give-up", "1s"])
        .arg(fixture("company-chat.jsonl"))
        .output()
        .unwrap();
    assert!(!said(&output).contains("opensesame"), "{}", said(&output));
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let sent = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let counter = Arc::clone(&sent);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                drop(stream.read(&mut request));
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
                let chunk = [b"10000\r\n", &vec![b'a'; 0x10000][..], b"\r\n"].concat();
                while counter.load(Ordering::Relaxed) < 1 << 30 && stream.write_all(&chunk).is_ok() {
                    counter.fetch_add(chunk.len(), Ordering::Relaxed);
                }
            });
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let (exit, said) = run(dir.path(), &api, &["run"]);
    assert_ne!(exit, Some(0));
    assert!(said.contains("the answer has more than 1 MiB"), "{said}");
    // Buffers of the system take some more than what is read.
    assert!(sent.load(Ordering::Relaxed) < 64 << 20, "{} bytes", sent.load(Ordering::Relaxed));
}

#[test]
fn what_listens_there_and_is_no_openim_is_said_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let ssh = server(|_| b"SSH-2.0-OpenSSH_9.6\r\n".to_vec());
    // It reads what comes as a request of HTTP, and sees at the first byte that it is none.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in plain.incoming().map_while(Result::ok) {
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(&http("400 Bad Request", "no HTTP")));
        }
    });
    for (api, says) in [(ssh, "speaks no HTTP"), (api, "speaks no TLS")] {
        let output = importer()
            .current_dir(dir.path())
            .env("OPENIM_SECRET", SECRET)
            .args(["run", "--api", &api, "--give-up", "30m"])
            .arg(fixture("company-chat.jsonl"))
            .timeout(std::time::Duration::from_mins(5))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
}

/// What a terminal would obey.
const EVIL: &str = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7}";

fn assert_visible(output: &Output) {
    let text = said(output);
    assert!(!text.is_empty());
    let acts = |c: &char| {
        (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let found: Vec<char> = text.chars().filter(acts).collect();
    assert!(found.is_empty(), "{found:?} in {text:?}");
}

#[test]
fn no_name_from_outside_acts_on_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let row = r#"{"id":"1","sendID":"EVIL","recvID":"b","sendTime":1700000000000,"content":{"content":"x"}}"#;
    let row = row.replace("EVIL", &EVIL.replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007"));
    let name = format!("{EVIL}.jsonl");
    fs_err::write(dir.path().join(&name), row).unwrap();
    let table =
        format!("from,to,ts,text,{EVIL}\na,b,1700000000,hi you,{EVIL}\nb,a,1700000001,hi me,{EVIL}\n");
    fs_err::write(dir.path().join("t.csv"), table).unwrap();
    let job = format!("{EVIL}.job");
    let option = format!("--{EVIL}");
    let jq = format!(
        "sources = [\"t.csv\"]\n[mapping]\njq = '''error(\"{}\")'''\n",
        EVIL.replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007")
    );
    fs_err::write(dir.path().join("jq.toml"), jq).unwrap();
    let mut shown = 0;
    for args in [
        &["check", name.as_str()][..],
        &["check", name.as_str(), "--json"],
        &["init", "t.csv", "--force"],
        &["init", "t.csv", "--output", "-"],
        &["check", "nowhere", "--job", job.as_str()],
        &["status", "--job", job.as_str()],
        &["check", option.as_str()],
        &["check", "--config", "jq.toml", "--job", "jq.job"],
        &["check", EVIL],
    ] {
        let output = importer().current_dir(dir.path()).args(args).output().unwrap();
        assert_visible(&output);
        shown += usize::from(["\\u{1b}[2J", "\\u001b[2J"].iter().any(|seen| said(&output).contains(seen)));
    }
    assert!(shown >= 6, "{shown}");
}

#[test]
fn tables_for_people_are_theirs_alone_and_not_overwritten_and_hold_no_formulas() {
    let dir = tempfile::tempdir().unwrap();
    let row = |id: u32, from: &str, name: &str| serde_json::json!({"id": id.to_string(), "sendID": from, "recvID": "b", "senderNickname": name, "sendTime": 1_700_000_000_000_u64 + u64::from(id), "content": {"content": "x"}});
    let rows = [row(1, "a", "=cmd|' /C calc'!A0"), row(2, "c", "+49 30"), row(3, "d", "'=x")];
    fs_err::write(dir.path().join("chat.jsonl"), rows.map(|row| row.to_string()).join("\n")).unwrap();
    let command = |args: &[&str]| importer().current_dir(dir.path()).args(args).output().unwrap();
    assert_eq!(command(&["check", "chat.jsonl"]).status.code(), Some(0));
    let html = ["report", "--html", "r.html"];
    // Whom it names, and what they wrote, stands in the configuration as well.
    let init = ["init", "--output", "i.toml", "chat.jsonl"];
    for args in [&["users", "-o", "u.csv"][..], &["receipts", "-o", "r.csv"], &html, &init] {
        assert_eq!(command(args).status.code(), Some(0), "{}", said(&command(args)));
        let path = dir.path().join(args[2]);
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{args:?}");
        fs_err::write(&path, "edited by hand").unwrap();
        let again = command(args);
        assert_eq!(again.status.code(), Some(2), "{}", said(&again));
        assert!(said(&again).contains("--force"), "{}", said(&again));
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "edited by hand");
        assert_eq!(command(&[args, &["--force"]].concat()).status.code(), Some(0));
    }
    let users = fs_err::read_to_string(dir.path().join("u.csv")).unwrap();
    for cell in ["\"'=cmd|' /C calc'!A0\"", "'+49 30", "''=x"] {
        assert!(users.contains(cell) || users.contains(cell.trim_matches('"')), "{cell}: {users}");
    }
    assert!(
        !users.lines().any(|line| line.split(',').any(|cell| cell.starts_with(['=', '+', '@']))),
        "{users}"
    );
    // Given back as a user file they are what they were.
    let config = "sources = [\"chat.jsonl\"]\n[users]\nfile = \"u.csv\"\n";
    fs_err::write(dir.path().join("with.toml"), config).unwrap();
    let checked = command(&["check", "--config", "with.toml", "--job", "again.job"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let again = command(&["users", "--job", "again.job"]);
    assert!(said(&again).contains("''=x") && !said(&again).contains("'''=x"), "{}", said(&again));
}

#[test]
fn what_a_server_loses_with_its_neighbours_is_an_error_unless_allowed() {
    let message = |id: usize, len: usize| {
        let (time, text) = (1_700_000_000_000 + id, "x".repeat(len));
        format!(
            r#"{{"id":"{id}","sendID":"a","groupID":"g","sendTime":{time},"content":{{"content":"{text}"}}}}"#
        )
    };
    let one: Vec<String> = vec![message(1, 10), message(2, 9 << 20), message(3, 10)];
    let many: Vec<String> = (0..40).map(|id| message(id, 450_000)).collect();
    for (code, messages) in [("call-too-large", one), ("neighbours-too-large", many)] {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("chat.jsonl"), messages.join("\n")).unwrap();
        let check = |more: &[&str]| {
            importer().current_dir(dir.path()).args(["check", "chat.jsonl"]).args(more).output().unwrap()
        };
        let refused = check(&[]);
        assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
        assert!(
            said(&refused).contains(code) && said(&refused).contains("allow_large"),
            "{}",
            said(&refused)
        );
        fs_err::write(dir.path().join("allow.toml"), "[import]\nallow_large = true\n").unwrap();
        let allowed = check(&["--config", "allow.toml", "--job", "allowed.job"]);
        assert_eq!(allowed.status.code(), Some(0), "{}", said(&allowed));
        assert!(said(&allowed).contains(code), "{}", said(&allowed));
    }
}

#[test]
fn a_port_at_which_nobody_listens_is_a_wrong_address_until_something_has_begun() {
    let dir = tempfile::tempdir().unwrap();
    // Free a moment ago, and nobody's now.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = format!("http://{free}");
    let command = |args: &[&str]| {
        let args = [args, &["--api", &api]].concat();
        importer().current_dir(dir.path()).env("OPENIM_SECRET", SECRET).args(args).output().unwrap()
    };
    let chat = fixture("company-chat.jsonl");
    let chat = chat.to_str().unwrap();
    for args in [&["check", chat][..], &["run", chat], &["provision"], &["adopt", "--job", "ad.job"]] {
        let output = command(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(args[0] == "adopt" || text.contains(&format!("nobody listens at {api}")), "{args:?}: {text}");
        assert!(args[0] == "adopt" || text.contains(&format!("waiting for the server at {api}")), "{text}");
    }
    let waits = command(&["run", chat, "--wait-for-server", "--give-up", "1s"]);
    assert_eq!(waits.status.code(), Some(5), "{}", said(&waits));
    assert!(said(&waits).contains("s at most"), "{}", said(&waits));
}

/// What is wrong is said once: the cause of an error stands in its own words.
#[test]
fn a_cause_is_not_said_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"{\"id\":\"1\"}\n").unwrap();
    let mut bytes = zip.finish().unwrap().into_inner();
    // Its sum, where the directory has it.
    let directory = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    bytes[directory + 16] ^= 1;
    fs_err::write(dir.path().join("x.zip"), bytes).unwrap();
    let output = importer().current_dir(dir.path()).args(["check", "x.zip"]).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.matches("the checksum of the entry is wrong").count(), 1, "{said}");
}
