//! What hostile files and answers take of memory: the peak of the process, as the kernel counted it.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::importer_process;

/// Most for a file or an answer, MB.
pub(crate) const MOST: u64 = 200;

/// Runs it to its end, and says how many MB it had at most. Asked every few ms: the peak never falls.
pub(crate) fn peak(command: &mut Command) -> u64 {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        let text = fs_err::read_to_string(&status).unwrap_or_default();
        // In the moment before it has become the importer its memory is this process's: 522 MB once. With eight loops of
        // `posix_spawn` beside each other 2 of 96,000 looks met it, both still under the old name.
        let is_importer = text.starts_with("Name:\topenim-import\n");
        let kb = text
            .lines()
            .filter(|_| is_importer)
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
        peak = peak.max(kb.map_or(0, |kb| kb.trim().parse().unwrap()));
        std::thread::sleep(Duration::from_millis(2));
    }
    peak / 1024
}

fn gz(byte: u8, len: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..len >> 20 {
        packed.write_all(&vec![byte; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
}

/// So many files of that.
fn zipped(files: usize, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for n in 0..files {
        zip.start_file(format!("{n}.jsonl"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn hostile_files() {
    read_all(8);
}

#[test]
#[ignore = "a few minutes: `cargo test peak -- --ignored`"]
fn hostile_files_in_full() {
    read_all(1);
}

/// A record of 64 MiB, which is in memory once.
const IN_PLACE: &str = "open-quote-and-long-rows.csv";

/// All of them, each so many times smaller.
fn read_all(smaller: usize) {
    let dir = tempfile::tempdir().unwrap();
    let row = "a,b,1700000000000,hello there you\n";
    let head = "sendID,recvID,sendTime,text\n";
    let objects = |n: usize| format!("{}1{}\n", "{\"a\":".repeat(n), "}".repeat(n));
    let keys: Vec<String> = (0..1_000_000 / smaller).map(|n| format!("\"k{n}\":1")).collect();
    let columns: Vec<String> = (0..1_000_000 / smaller).map(|n| format!("c{n}")).collect();
    // Line after line of a megabyte behind a quote that is never closed: as much as a record may have is looked through.
    let long_rows = format!("{}\n", "x".repeat(1_000_000)).repeat(80);
    let files: [(&str, Vec<u8>); 14] = [
        (IN_PLACE, format!("{head}a,b,1700000000000,\"open {long_rows}").into_bytes()),
        // Chunks of that size are under way one at a time: six of them beside each other had 311.
        (
            "long-rows.csv",
            format!("{head}{}", format!("{}\n", "x".repeat(30_000_000)).repeat(6)).into_bytes(),
        ),
        (
            "open-quote.csv",
            format!("{head}a,b,1700000000000,\"open {}", row.repeat(2_000_000 / smaller)).into_bytes(),
        ),
        ("long-line.jsonl", [b"{\"sendID\":\"a\",\"text\":\"", &vec![b'x'; 80 << 20][..], b"\"}\n"].concat()),
        ("brackets.json", vec![b'['; (40 << 20) / smaller]),
        ("objects.jsonl", objects(1_000_000 / smaller).into_bytes()),
        ("keys.jsonl", format!("{{{}}}\n", keys.join(",")).into_bytes()),
        ("columns.csv", (columns.join(",") + "\n" + &",".repeat(columns.len() - 1) + "\n").into_bytes()),
        ("letters.jsonl.gz", gz(b'x', (400 << 20) / smaller)),
        ("spaces.csv.gz", gz(b' ', (400 << 20) / smaller)),
        ("zeros.jsonl.gz", [gz(b'\n', 1 << 20), vec![0; (400 << 20) / smaller]].concat()),
        ("bomb.zip", zipped(1, &vec![b'x'; (400 << 20) / smaller])),
        ("brackets.zip", zipped(1, &vec![b'['; (40 << 20) / smaller])),
        ("many.zip", zipped(60_000 / smaller, b"")),
    ];
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        for args in [&["check", name, "--job", "j.job"][..], &["init", name, "--output", "i.toml", "--force"]]
        {
            let peak = peak(importer_process().current_dir(dir.path()).args(args));
            // With the copy that a buffer was made larger by it had 171.
            let most = if name == IN_PLACE { 140 } else { MOST };
            assert!(peak < most, "{args:?}: {peak} MB");
        }
        fs_err::remove_file(path).unwrap();
    }
}

/// A server that answers with that head and then for ever with the same bytes, up to a gigabyte.
fn endless(head: &'static str, part: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                drop(stream.read(&mut [0; 4096]));
                drop(stream.write_all(head.as_bytes()));
                let parts = part.repeat((1 << 20) / part.len());
                (0..1024).take_while(|_| stream.write_all(&parts).is_ok()).for_each(drop);
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn hostile_answers() {
    let dir = tempfile::tempdir().unwrap();
    let chat = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/company-chat.jsonl");
    for (head, part) in [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &b"4\r\naaaa\r\n"[..]),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", b"[[[["),
        ("HTTP/1.1 200 OK\r\n", b"X-Header: aaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        ("HTTP/1.1 200 ", b"OK"),
    ] {
        let api = endless(head, part);
        let mut command = importer_process();
        command.current_dir(dir.path()).env("OPENIM_SECRET", "secret-4711").arg("check").arg(&chat);
        let peak = peak(command.args(["--api", &api, "--job", "a.job"]));
        assert!(peak < MOST, "{head:?}: {peak} MB");
    }
}
