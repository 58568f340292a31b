//! How fast reading and mapping are, each on one core. Prints figures and asserts nothing: run it with
//! `cargo test --release --test tests mapping_speed -- --ignored --nocapture`.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "figures for whoever runs it")]

use std::fmt::Write;
use std::time::Duration;

use openim_importer::export::{self, Chunk, Reader};
use openim_importer::finding::Finding;
use openim_importer::formats;
use openim_importer::mapping::{self, Mapper, Sink};
use openim_importer::message::{Message, Place, SourceNo};

const MESSAGES: usize = 400_000;

#[derive(Default)]
struct Count {
    messages: usize,
    bytes: usize,
    findings: usize,
}

impl Sink for Count {
    fn message(&mut self, m: Message<'_>) {
        self.messages += 1;
        self.bytes += m.content.len();
    }
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, finding: Finding) {
        println!("{finding:?}");
        self.findings += 1;
    }
}

/// Time that this thread has had on a core: what others do meanwhile does not count. Linux alone tells it.
fn cpu() -> Duration {
    let stat = fs_err::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Some 300 bytes a message.
fn native_jsonl() -> String {
    let mut text = String::new();
    for n in 0..MESSAGES {
        let (sender, group, time) = (n % 997, n % 1009, 1_700_000_000_000_usize + n);
        writeln!(
            text,
            r#"{{"id":"{n:019}","sendID":"user_{sender}","groupID":"group_{group}","senderNickname":"Person {sender}","senderPlatformID":1,"content":{{"content":"Message {n} with some words in it, as people write them, and a little more, so that it is long enough"}},"contentType":101,"sessionType":3,"sendTime":{time}}}"#
        )
        .unwrap();
    }
    text
}

fn native_csv() -> String {
    let mut text =
        "id,sendID,groupID,senderNickname,senderPlatformID,content,contentType,sessionType,sendTime\n"
            .to_owned();
    for n in 0..MESSAGES {
        let (sender, group, time) = (n % 997, n % 1009, 1_700_000_000_000_usize + n);
        writeln!(
            text,
            r#"{n:019},user_{sender},group_{group},Person {sender},1,"Message {n} with some words in it, ""as people write them"", and a little more, so that it is long enough, and even more to have the same length as the lines of the other file have",101,3,{time}"#
        )
        .unwrap();
    }
    text
}

fn chunks(
    name: &str,
    bytes: &[u8],
    settings: &export::Settings,
) -> (Vec<Chunk>, Duration, mapping_head::Head) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, bytes).unwrap();
    let sources = [path.to_string_lossy().into_owned()];
    // Once to warm the page cache, once to keep the chunks, once for the time: as a pass does it.
    let read = |keep: bool| {
        let mut reader = Reader::open(settings, &sources, SourceNo(0)).unwrap();
        let head = reader.head().unwrap();
        let (mut chunks, begin) = (Vec::new(), cpu());
        while let Some(chunk) = reader.next_chunk().unwrap() {
            if keep {
                chunks.push(chunk);
            } else {
                reader.recycle(chunk.text);
            }
        }
        (chunks, cpu().saturating_sub(begin), head)
    };
    let (chunks, _, _) = read(true);
    let (_, took, head) = read(false);
    (chunks, took, head)
}

mod mapping_head {
    pub(super) type Head = Option<openim_importer::export::Head>;
}

fn measure(what: &str, name: &str, text: &[u8], settings: &export::Settings, toml: &str) {
    let (chunks, reading, head) = chunks(name, text, settings);
    let mapper: Box<dyn Mapper> = mapping::build(
        &toml::from_str(toml).unwrap(),
        head.as_ref(),
        formats::files(formats::Settings::default()).unwrap(),
    )
    .unwrap();
    let bytes: usize = chunks.iter().map(|c| c.text.len()).sum();
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let (mut count, begin) = (Count::default(), cpu());
        for chunk in &chunks {
            mapper.map(chunk, &mut count);
        }
        best = best.min(cpu().saturating_sub(begin));
        assert_eq!((count.messages, count.findings), (MESSAGES, 0));
    }
    let rate = |took: Duration, of: usize| of as f64 / took.as_secs_f64();
    println!(
        "{what:28} reading {:6.0} MB/s   mapping {:6.0} MB/s {:9.0} messages/s   ({} bytes a message)",
        rate(reading, bytes) / 1e6,
        rate(best, bytes) / 1e6,
        rate(best, MESSAGES),
        bytes / MESSAGES,
    );
}

#[test]
#[ignore = "figures, not a test"]
fn speed() {
    let settings = export::Settings::default();
    let (jsonl, csv) = (native_jsonl(), native_csv());
    measure("native JSONL", "x.jsonl", jsonl.as_bytes(), &settings, "");
    measure("native CSV", "x.csv", csv.as_bytes(), &settings, "");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, jsonl.as_bytes()).unwrap();
    measure("native JSONL.gz", "x.jsonl.gz", &gz.finish().unwrap(), &settings, "");
    let zst = zstd::encode_all(jsonl.as_bytes(), 3).unwrap();
    measure("native JSONL.zst", "x.jsonl.zst", &zst, &settings, "");
    let list = format!("{{\"messages\":[{}]}}", jsonl.trim_end().replace('\n', ",\n"));
    let nested = export::Settings { records: vec!["messages[]".to_owned()], ..settings.clone() };
    measure("native, in one document", "x.json", list.as_bytes(), &nested, "");
    let fields = r#"
        [fields]
        id = "id"
        sendID = "sendID"
        groupID = "groupID"
        senderNickname = "senderNickname"
        sendTime = { column = "sendTime", time = "ms" }
        text = "TEXT"
    "#;
    measure(
        "fields of JSONL",
        "x.jsonl",
        jsonl.as_bytes(),
        &settings,
        &fields.replace("TEXT", "content.content"),
    );
    measure("fields of CSV", "x.csv", csv.as_bytes(), &settings, &fields.replace("TEXT", "content"));
    measure("jq over JSONL", "x.jsonl", jsonl.as_bytes(), &settings, "jq = '.ex = \"x\"'");
}
