//! The parsers of foreign bytes under random damage: the same functions as the fuzz targets (`fuzz/`), seeded, a
//! few seconds long. `FUZZ_ROUNDS=100 cargo test parsers` goes on a hundred times as long; what fails is written
//! to `target/fuzz-failures/`, from where `cargo fuzz run` takes it too.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use openim_importer::formats::Format;

use crate::support::formats::sample;

/// Damaged inputs of each target and round.
const INPUTS: usize = 300;

fn fixture(name: &str) -> Vec<u8> {
    fs_err::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, bytes).unwrap();
    packed.finish().unwrap()
}

/// What is damaged: inputs as the target takes them, its leading bytes included.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let with = |lead: &[u8], bytes: &[u8]| [lead, bytes].concat();
    match target {
        "records" => {
            let jsonl = fixture("company-chat.jsonl");
            let csv = b"sendID;recvID;content;sendTime\nu1;u2;\"hi; \"\"you\"\"\nthere\";1500000000000\nu2;u1;x;\n";
            let json = br#"{"name":"x","messages":[{"sendID":"u1","recvID":"u2","content":"a","sendTime":1},
                {"sendID":"u2","recvID":"u1","content":{"content":"b\ud83d\ude00"},"sendTime":"2017-07-14"}]}"#;
            let wide: Vec<u8> = String::from_utf8_lossy(csv).encode_utf16().flat_map(u16::to_le_bytes).collect();
            vec![
                with(&[0, 0], &jsonl[..jsonl.len().min(3000)]),
                with(&[1, 0], csv),
                with(&[1, 2], csv),
                with(&[1, 8], &wide),
                with(&[2, 0], json),
                with(&[2, 7], json),
                with(&[3, 0], &gz(&jsonl[..jsonl.len().min(3000)])),
                with(&[4, 0], &zstd::encode_all(&csv[..], 1).unwrap()),
                with(&[6, 0], json),
            ]
        }
        "formats" => {
            let of = |format: &Format| fixture(sample(*format).1);
            let mut seeds: Vec<_> =
                (0..).zip(Format::ALL).map(|(n, format)| with(&[n], &of(format))).collect();
            // Found here: a message of which only the head is left.
            seeds.push(with(&[5], b"01/03/2024, 00:02 - Bob: a\n01/03/2024, 00:03 - \n"));
            seeds
        }
        "answer" => [
            r#"{"errCode":0,"errMsg":"","errDlt":"","data":{"serverMsgID":"a","clientMsgID":"b","sendTime":1,"modify":null}}"#,
            r#"{"errCode":1503,"errMsg":"TokenMalformedError","errDlt":"1503 TokenMalformedError jwt parse error, token=abc"}"#,
            r#"{"errCode":500,"errMsg":"x","errDlt":"Key: 'TextElem.Content' Error:Field validation for 'Content'"}"#,
            "<html><body>502 Bad Gateway</body></html>",
        ]
        // 200 and 400 as the target reckons them.
        .into_iter()
        .flat_map(|body| [with(&[0, 100], body.as_bytes()), with(&[1, 44], body.as_bytes())])
        .collect(),
        "log_slice" => vec![
            br#"{"errCode":0,"errMsg":"","errDlt":"","data":{"msgs":{"si_a_b":{"Msgs":[{"sendID":"a","recvID":"b","groupID":"","clientMsgID":"0123456789abcdef0123456789abcdef","serverMsgID":"s","contentType":101,"content":"eyJjb250ZW50IjoieCJ9","seq":1,"sendTime":1500000000000,"status":0,"ex":"\u00e4"},{"seq":2,"status":4,"content":null,"sendID":null}],"isEnd":true,"endSeq":0}},"notificationMsgs":null}}"#.to_vec(),
            br#"{"errCode":0,"data":{"msgs":null}}"#.to_vec(),
        ],
        _ => {
            let mut record = Vec::new();
            openim_importer::job::write_record(&message(), &mut record).unwrap();
            let head = b"OIMSPOOL\x01\0\0\0\0\0\0\0";
            vec![with(&[1], &record[8..]), with(&[0], &[&head[..], &record, &record].concat())]
        }
    }
}

fn message() -> openim_importer::message::Message<'static> {
    use openim_importer::message::{Message, Peer, Place, SendTime, SourceNo};
    Message {
        sender: "u1".into(),
        peer: Peer::Group("g".into()),
        nickname: "Ann".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: r#"{"content":"x"}"#.into(),
        send_time: SendTime(1_500_000_000_000),
        ex: "e".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: Some("7".into()),
        quote: None,
        place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
    }
}

/// A few bytes changed, cut, put in, left out, doubled, or exchanged with another input.
fn damage(random: &mut fastrand::Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    const SPECIAL: &[u8] = b"\"\\{}[],:;\n\r\t\0\xff\xfe0-+eE.<>&'";
    for _ in 0..random.usize(1..8) {
        if bytes.is_empty() {
            bytes.push(random.u8(..));
        }
        let at = random.usize(..bytes.len());
        let piece = |random: &mut fastrand::Rng, of: &[u8]| {
            let from = random.usize(..of.len().max(1)).min(of.len());
            of[from..(from + random.usize(..100)).min(of.len())].to_vec()
        };
        match random.u8(..7) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => bytes.insert(at, SPECIAL[random.usize(..SPECIAL.len())]),
            3 => drop(bytes.drain(at..(at + random.usize(..40)).min(bytes.len()))),
            4 => bytes.truncate(at),
            5 => {
                let own = piece(random, bytes);
                bytes.splice(at..at, own);
            }
            _ => {
                let others = piece(random, other);
                bytes.splice(at..at, others);
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test fails, and this says with what")]
fn attack(target: &str) {
    #[expect(clippy::disallowed_methods, reason = "how long, for who runs it by hand")]
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let seeds = seeds(target);
    for seed in &seeds {
        targets::run(target, seed);
    }
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..INPUTS * rounds {
        let mut bytes = seeds[random.usize(..seeds.len())].clone();
        let other = &seeds[random.usize(..seeds.len())];
        damage(&mut random, &mut bytes, other);
        if let Err(panic) = std::panic::catch_unwind(|| targets::run(target, &bytes)) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz-failures");
            fs_err::create_dir_all(&folder).unwrap();
            let path = folder.join(format!("{target}-{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes)));
            fs_err::write(&path, &bytes).unwrap();
            eprintln!("{} makes {target} fail", path.display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn rows_and_objects_are_read_or_refused_wherever_they_are_cut() {
    attack("records");
}

#[test]
fn every_format_is_read_or_refused_wherever_it_is_cut() {
    attack("formats");
}

#[test]
fn answers_are_never_believed_too_soon() {
    attack("answer");
}

#[test]
fn slices_of_a_log_are_read_or_refused() {
    attack("log_slice");
}

#[test]
fn a_damaged_spool_is_noticed() {
    attack("spool");
}
