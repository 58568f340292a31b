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

const LINE: &[u8] =
    b"{\"id\":\"1\",\"sendID\":\"a\",\"recvID\":\"b\",\"sendTime\":1700000000000,\"text\":\"hi\"}\n";

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (n, (name, bytes)) in files.iter().enumerate() {
        let method =
            if n % 2 == 0 { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
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
        // Found here: damage in a field that is not read.
        .chain([with(&[0, 100], b"{\"errCode\":0,\"data\":{\"serverMsgID\":\"a\",\"x\":\"\xffb\"}}")])
        .chain([with(&[0, 100], br#"{"errCode":0,"data":{"serverMsgID":"a","x":50e44244400}}"#)])
        .collect(),
        "archive" => vec![
            zipped(&[("a.jsonl", LINE), ("b/c.jsonl", LINE)]),
            zipped(&[("../a.jsonl", LINE), (".hidden/x.jsonl", LINE), ("a.csv", b"sendID,recvID,text,sendTime\na,b,x,1\n")]),
            zipped(&[("a.jsonl.gz", &gz(LINE)), ("inner.zip", &zipped(&[("x.jsonl", LINE)]))]),
        ],
        "import_toml" => vec![
            with(&[0], b"from,to,ts,text,\"note\n[users]\nfile = 1\"\nann,bob,1700000000,hi you,x\nbob,ann,1700000001,hi me,=1\n"),
            with(&[0], b"who;room;when;what;kind\nann;r1;2024-03-01 10:00;hello;text\nbob;r1;2024-03-01 10:01;'''x;system\n"),
            with(&[1], b"{\"from\":\"a\",\"to\":\"b\",\"ts\":1700000000,\"text\":\"hi you\",\"k\\u001b[2J\\n]]\":1}\n{\"from\":\"b\",\"to\":\"a\",\"ts\":1700000001,\"text\":\"hi me\"}\n"),
            // Found here: a key twice in a record.
            with(&[1], b"{\"from\":\"a\",\"to\":\"b\",\"ts\":1700000000,\"text\":\"hi you\",\"text\":\"hi me\"}\n"),
            with(&[2], br#"{"chat":"x","messages":[{"from":"a","to":"b","date":"2024-03-01T10:00:00Z","text":"hi"},{"from":"b","to":"a","date":"2024-03-01T10:00:01Z","text":"ho"}]}"#),
        ],
        "tables" => vec![
            with(&[0], b"id,openim_id,nickname,face_url\nann@x.org,ann_1,\"'=Ann\",https://h/a.png\nBob B.,,Bobby,\n"),
            with(&[0], b"{\"id\":\"ann\",\"openim_id\":\"a1\",\"nickname\":\"Ann\"}\n"),
            with(&[1], b"userID,nickname,phoneNumber,areaCode,email,account,password\nann,Ann,13800138000,+86,ann@x.org,ann_1,secret-4711\nbob,Bob,,,bob@x.org,,\n"),
            with(&[2], b"conversation,way,groupID,groupName,ownerUserID,memberUserIDs,after\nsg_team,behind,,,,,1700000000000\nsi_anna_otto,archive,archive1,\"'=Anna, Otto\",anna,anna otto,\n"),
        ],
        "answers" => [
            r#"{"errCode":0,"data":{"adminToken":"t","imToken":"t","chatToken":"t","userID":"a","total":1,"users":[{"userID":"a","account":"a1","email":"a@b.c","phoneNumber":"138","areaCode":"+86"}],"userIDs":["a"],"groupIDs":["g"]}}"#,
            r#"{"errCode":0,"data":{"url":"http://h/x","upload":{"uploadID":"u","partSize":5242880,"sign":{"url":"http://h","query":[{"key":"a","values":["b"]}],"header":null,"parts":[{"partNumber":1,"url":"http://h/1","query":null,"header":null}]}},"chatLogsNum":1,"chatLogs":[{"chatLog":{"serverMsgID":"s","clientMsgID":"c","sendID":"a","seq":1,"sendTime":1,"contentType":101,"content":"{}"}}]}}"#,
            r#"{"errCode":0,"errMsg":"","errDlt":"","data":{"token":"t","expireTimeSeconds":86400,"serverTime":1700000000000,"version":"3.8.3","results":[{"userID":"a","accountStatus":"registered"}],"usersInfo":[{"userID":"a","nickname":"n"}]}}"#,
            r#"{"errCode":0,"data":{"maxSeqs":{"si_a_b":3},"hasReadSeqs":{"si_a_b":1},"seqs":{"si_a_b":{"maxSeq":3,"hasReadSeq":1,"maxSeqTime":1}},"groupInfos":[{"groupID":"g","memberCount":2,"status":0}],"members":[{"userID":"a"}],"total":1}}"#,
            r#"{"errCode":0,"data":{"friendsInfo":[{"friendUser":{"userID":"b"}}],"blacks":[{"userID":"c"}],"total":1,"chatLogs":[],"chatLogsNum":0,"status":1,"successResult":[{"userID":"a","status":1}]}}"#,
            r#"{"errCode":0,"data":{"minPartSize":5242880,"maxPartSize":5368709120,"maxNumSize":10000,"size":5242880,"url":"http://h/x","query":null,"header":[{"key":"a","values":["b"]}],"parts":[{"partNumber":1,"url":"http://h/1"}]}}"#,
            r#"{"errCode":1501,"errMsg":"TokenExpired","errDlt":"secret-4711"}"#,
            "<html>502</html>",
        ]
        .into_iter()
        .flat_map(|body| (0..3).map(move |status| with(&[status], body.as_bytes())))
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
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        let folder = Path::new(&folder).join(target);
        fs_err::create_dir_all(&folder).unwrap();
        for (n, seed) in seeds.iter().enumerate() {
            fs_err::write(folder.join(format!("seed-{n}")), seed).unwrap();
        }
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

#[test]
fn archives_are_read_or_refused() {
    attack("archive");
}

#[test]
fn nothing_of_an_export_becomes_configuration() {
    attack("import_toml");
}

#[test]
fn every_answer_is_read_or_refused() {
    attack("answers");
}

#[test]
fn tables_of_people_are_read_or_refused() {
    attack("tables");
}
