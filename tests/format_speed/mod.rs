//! How fast each format is read and mapped, all of it on one core. Prints rows of the table in benches/README.md: run it with
//! `cargo test --release --test tests format_speed -- --ignored --nocapture`; `FORMAT_ONLY=qq` measures what is called so.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "figures for whoever runs it")]

mod databases;
mod first;
mod second;
mod tables;

use std::path::Path;
use std::time::Duration;

use openim_importer::export::{self, Reader};
use openim_importer::finding::{Finding, Severity};
use openim_importer::formats::{self, Format, Settings};
use openim_importer::mapping::Sink;
use openim_importer::message::{Message, Place, SourceNo};

/// Messages in each export.
const MESSAGES: usize = 300_000;
/// What people write, on average.
const WORDS: &str = "some words, as people write them, and a little more so that it is long enough";

#[derive(Default)]
struct Count {
    messages: usize,
    left_out: usize,
    errors: usize,
}

impl Sink for Count {
    fn message(&mut self, m: Message<'_>) {
        self.messages += usize::from(!m.content.is_empty());
    }
    fn left_out(&mut self, _: Place, _: &'static str) {
        self.left_out += 1;
    }
    fn finding(&mut self, finding: Finding) {
        self.errors += usize::from(finding.code.severity == Severity::Error);
    }
}

/// Time that this thread has had on a core: what others do meanwhile does not count. Linux alone tells it.
fn cpu() -> Duration {
    let stat = fs_err::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn put(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// A local time.
fn day(n: usize) -> String {
    format!("2023-11-{:02} {:02}:{:02}:{:02}", 1 + n / 86_400 % 28, n / 3600 % 24, n / 60 % 60, n % 60)
}

/// One file: what stands before the records, each record, what stands between them and behind.
fn file(folder: &Path, name: &str, [head, between, tail]: [&str; 3], record: impl Fn(usize) -> String) {
    let mut text = head.to_owned();
    for n in 0..MESSAGES {
        text += if n > 0 { between } else { "" };
        text += &record(n);
    }
    text += tail;
    put(folder, name, &text);
}

/// Lines of JSON.
fn lines(folder: &Path, name: &str, record: impl Fn(usize) -> String) {
    file(folder, name, ["", "\n", "\n"], record);
}

/// Bytes, unpacked.
fn size(path: &Path) -> u64 {
    if path.extension().is_some_and(|ending| ending == "gz") {
        let packed = fs_err::read(path).unwrap();
        return u64::from(u32::from_le_bytes(*packed.last_chunk().unwrap()));
    }
    fs_err::metadata(path).unwrap().len()
}

fn speed(name: &str, format: Format, make: impl FnOnce(&Path)) {
    #[expect(clippy::disallowed_methods, reason = "what is to be measured, for who runs it by hand")]
    if std::env::var("FORMAT_ONLY").is_ok_and(|only| !name.contains(&only)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let bytes: u64 = walkdir::WalkDir::new(folder.path())
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| size(entry.path()))
        .sum();
    let sources = [folder.path().to_string_lossy().into_owned()];
    let mut settings = Settings::default();
    settings.about.zone = Some("Europe/Berlin".to_owned());
    settings.about.me = (format == Format::WeChatCsv).then(|| "me".to_owned());
    let pass = || {
        let from = cpu();
        let export = export::Settings::default();
        let preset = formats::open(format, &export, settings.clone()).unwrap();
        let mut reader = Reader::with(&export, preset.layout, &sources, SourceNo(0)).unwrap();
        let mut count = Count::default();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            preset.mapper.map(&chunk, &mut count);
            reader.recycle(chunk.text);
        }
        (cpu().saturating_sub(from), count)
    };
    let (mut times, mut last) = (Vec::new(), Count::default());
    for _ in 0..3 {
        let (time, count) = pass();
        times.push(time);
        last = count;
    }
    times.sort();
    let (mb, seconds) = (bytes as f64 / 1e6, times[1].as_secs_f64());
    assert!(
        last.messages >= MESSAGES * 9 / 10 && last.errors == 0,
        "{} {} {}",
        last.messages,
        last.left_out,
        last.errors
    );
    println!(
        "| {name} | {:.0} | {:.0} | {:.0},000 |",
        mb * 1e6 / last.messages as f64,
        mb / seconds,
        last.messages as f64 / seconds / 1e3
    );
}

#[test]
#[ignore = "prints figures"]
fn format_speed() {
    println!("| format | bytes a message | MB/s | messages/s |\n|---|---|---|---|");
    first::first_wave();
    second::second_wave();
    databases::databases();
    tables::tables();
}
