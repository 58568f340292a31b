//! What nobody should have sent us, in full size and through the binary: a clear word, and bounded memory.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Rehearsal, importer, importer_process};

/// How a command ended, what it said, and how much memory it ever had, in MB.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) peak: u64,
}

pub(crate) fn check(dir: &Path, arguments: &[&str]) -> Ended {
    let said = fs_err::File::create(dir.join("said.txt")).unwrap().into_parts().0;
    let mut process = importer_process()
        .current_dir(dir)
        .arg("check")
        .args(arguments)
        .stdout(Stdio::from(said.try_clone().unwrap()))
        .stderr(Stdio::from(said))
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    let ended = loop {
        let text = fs_err::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) / 1024);
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let said = fs_err::read_to_string(dir.join("said.txt")).unwrap();
    Ended { code: ended.code().expect("it ended by itself"), said, peak }
}

/// Writes a head, then so many MB of a letter, then a tail.
fn long(path: &Path, head: &str, megabytes: usize, tail: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs_err::File::create(path).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    let letters = vec![b'a'; 1 << 20];
    for _ in 0..megabytes {
        file.write_all(&letters).unwrap();
    }
    file.write_all(tail.as_bytes()).unwrap();
}

/// Of each format a record before, one of 200 MB, and one behind it.
const LONG: &[(&str, &str, &str, &str)] = &[
    (
        "tencent",
        "2024030116.json",
        "{\"MsgList\":[\n{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgTimestamp\":1709280000,\"MsgSeq\":1,\"MsgRandom\":2,\"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\"MsgContent\":{\"Text\":\"x\"}}]},\n{\"From_Account\":\"",
        "\"},\n{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgTimestamp\":1709280001,\"MsgSeq\":2,\"MsgRandom\":2,\"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\"MsgContent\":{\"Text\":\"y\"}}]}\n]}",
    ),
    (
        "slack",
        "general/2024-03-01.json",
        "[{\"type\":\"message\",\"user\":\"U1\",\"text\":\"x\",\"ts\":\"1709280001.000200\"},\n{\"type\":\"message\",\"text\":\"",
        "\"},\n{\"type\":\"message\",\"user\":\"U1\",\"text\":\"y\",\"ts\":\"1709280002.000200\"}]",
    ),
    (
        "mattermost",
        "import.jsonl",
        "{\"type\":\"version\",\"version\":1}\n{\"type\":\"post\",\"post\":{\"team\":\"t\",\"channel\":\"c\",\"user\":\"u\",\"message\":\"x\",\"create_at\":1709280001000}}\n{\"type\":\"post\",\"post\":{\"message\":\"",
        "\"}}\n{\"type\":\"post\",\"post\":{\"team\":\"t\",\"channel\":\"c\",\"user\":\"u\",\"message\":\"y\",\"create_at\":1709280002000}}\n",
    ),
    (
        "mattermost-compliance",
        "posts.csv",
        "Post Creation Time,Channel Id,Channel Name,Channel Type,User Id,Post Id,Post Message,Post Type\n1709280001000,c,n,public,u,p1,x,message\n1709280001000,c,n,public,u,p2,\"",
        "\",message\n1709280002000,c,n,public,u,p3,y,message\n",
    ),
    (
        "telegram",
        "result.json",
        "{\"name\":\"G\",\"type\":\"private_group\",\"id\":5,\"messages\":[{\"id\":1,\"type\":\"message\",\"date_unixtime\":\"1709280001\",\"from_id\":\"user1\",\"text\":\"x\"},\n{\"id\":2,\"type\":\"message\",\"text\":\"",
        "\"},\n{\"id\":3,\"type\":\"message\",\"date_unixtime\":\"1709280002\",\"from_id\":\"user1\",\"text\":\"y\"}]}",
    ),
    (
        "whatsapp",
        "WhatsApp Chat with Us.txt",
        "13/02/24, 10:00 - A: x\n13/02/24, 10:00 - B: ",
        "\n13/02/24, 10:01 - C: y\n",
    ),
];

#[test]
fn a_line_of_200_mb_is_named_and_what_is_around_it_is_read() {
    for (format, name, head, tail) in LONG {
        let dir = tempfile::tempdir().unwrap();
        long(&dir.path().join("export").join(name), head, 200, tail);
        let ended = check(dir.path(), &["export", "--zone", "UTC"]);
        assert_eq!(ended.code, 4, "{format}: {}", ended.said);
        assert!(ended.said.contains("2 messages in"), "{format}: {}", ended.said);
        // Where a cell is open for so long, its quote was never closed, as a rule.
        let code = if *format == "mattermost-compliance" { "csv-quote-open" } else { "record-too-long" };
        assert!(ended.said.contains(code), "{format}: {}", ended.said);
        assert!(ended.said.contains(name) && ended.said.contains("max_record"), "{format}: {}", ended.said);
        // The longest record that is taken has 64 MiB.
        assert!(ended.peak < 450, "{format}: {} MB", ended.peak);
    }
}

#[test]
fn ten_thousand_files() {
    many_files(10);
}

#[test]
#[ignore = "full size: two minutes of a core"]
fn a_hundred_thousand_files() {
    many_files(100);
}

/// A thousand files a channel, a message each.
fn many_files(channels: u64) {
    let dir = tempfile::tempdir().unwrap();
    for channel in 0..channels {
        let folder = dir.path().join(format!("export/channel-{channel}"));
        fs_err::create_dir_all(&folder).unwrap();
        for day in 0..1000 {
            let name = format!("{}-{:02}-{:02}.json", 2000 + day / 336, 1 + day % 336 / 28, 1 + day % 28);
            let text = format!(
                "[{{\"type\":\"message\",\"user\":\"U1\",\"text\":\"x\",\"ts\":\"{}.000200\"}}]",
                1_500_000_000 + channel * 1000 + day
            );
            fs_err::write(folder.join(name), text).unwrap();
        }
    }
    fs_err::write(dir.path().join("export/channels.json"), "[]").unwrap();
    let ended = check(dir.path(), &["export"]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let counted = format!("{channels},000 messages in {channels} conversations");
    assert!(ended.said.contains(&counted), "{}", ended.said);
    assert!(ended.peak < 450, "{} MB", ended.peak);
}

#[test]
fn a_finished_job_is_not_looked_for_at_an_address_where_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let server = Rehearsal::start(&["--users", "auto", "--answer-time", "0s"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let free = format!("http://{free}");
    let command = |args: &[&str], api: &str| {
        let mut command = importer();
        command.current_dir(dir.path()).env("OPENIM_SECRET", "openIM123").args(args);
        command.args(["--api", api, "--give-up", "1s"]).output().unwrap()
    };
    let yesterday = std::time::SystemTime::now() - Duration::from_hours(24);
    let time = yesterday.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let row =
        format!(r#"{{"id":"1","sendID":"a","recvID":"b","sendTime":{time},"content":{{"content":"x"}}}}"#);
    fs_err::write(dir.path().join("chat.jsonl"), row).unwrap();
    let done = command(&["run", "chat.jsonl"], &server.url);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    for args in [&["verify"][..], &["undo", "--yes"], &["mark-read"]] {
        let output = command(args, &free);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(&format!("nobody listens at {free}")), "{args:?}: {said}");
        let waits = command(&[args, &["--wait-for-server"]].concat(), &free);
        assert_eq!(waits.status.code(), Some(5), "{args:?}: {}", String::from_utf8_lossy(&waits.stderr));
    }
}
