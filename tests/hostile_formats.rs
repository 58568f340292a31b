//! What nobody should have sent us: every format answers with an error or a finding, and never with a panic.

use std::io::{Read, Write};
use std::path::Path;

use openim_importer::export::{self, ExportError, Reader};
use openim_importer::finding::Finding;
use openim_importer::formats::{self, Format, Settings};
use openim_importer::mapping::Sink;
use openim_importer::message::{Message, Place, SourceNo};

use crate::support::formats::sample as file_of;

/// How many of each there were.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    messages: u32,
    left_out: u32,
    findings: Vec<String>,
}

impl Sink for Tally {
    fn message(&mut self, m: Message<'_>) {
        self.messages += 1;
        // Whatever came in, what goes out is an object.
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&m.content).unwrap();
    }

    fn left_out(&mut self, _: Place, _: &'static str) {
        self.left_out += 1;
    }

    fn finding(&mut self, finding: Finding) {
        self.findings.push(format!("{} {}", finding.code.name, finding.value));
    }
}

impl Tally {
    /// Whether something was made or said of the input.
    fn says_something(&self) -> bool {
        self.messages + self.left_out > 0 || !self.findings.is_empty()
    }
}

fn read(format: Format, path: &Path) -> Result<Tally, ExportError> {
    let export = export::Settings { max_record: 1 << 20, ..export::Settings::default() };
    let mut settings = Settings::default();
    settings.about.zone = Some("UTC".to_owned());
    let preset = formats::open(format, &export, settings).unwrap();
    let sources = [path.to_string_lossy().into_owned()];
    let mut reader = Reader::with(&export, preset.layout, &sources, SourceNo(0))?;
    let mut tally = Tally::default();
    while let Some(chunk) = reader.next_chunk()? {
        chunk.findings.iter().for_each(|finding| tally.finding(finding.clone()));
        preset.mapper.map(&chunk, &mut tally);
        reader.recycle(chunk.text);
    }
    Ok(tally)
}

fn written(format: Format, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_of(format).0);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
    folder
}

fn fixture(format: Format) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file_of(format).1);
    fs_err::read(path).unwrap()
}

#[test]
fn garbage_is_answered() {
    let deep = |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat();
    let inputs: Vec<(&str, Vec<u8>)> = vec![
        ("zero bytes", vec![0; 10_000]),
        ("words", b"just words\nand more\n".to_vec()),
        ("a list nested 10,000 deep", deep("[", "]").into_bytes()),
        (
            "an object nested 10,000 deep",
            format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).into_bytes(),
        ),
        ("a record nested 10,000 deep", format!("[{{\"text\":{}}}]", deep("[", "]")).into_bytes()),
        ("half an object", b"{\"messages\":[{\"id\":1,".to_vec()),
        ("scalars", b"[1,\"a\",null,true]".to_vec()),
        ("other bytes", (0..=255).cycle().take(5000).collect()),
        ("a line without end", vec![b'a'; 3 << 20]),
        ("a string without end", [b"{\"messages\":[\"".to_vec(), vec![b'a'; 3 << 20]].concat()),
        ("UTF-16", "{\"type\":\"post\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("brackets", b"]]]]}}}}".to_vec()),
        ("commas", b",,,,\n,,,\n".to_vec()),
    ];
    for format in Format::ALL {
        for (name, bytes) in &inputs {
            let folder = written(*format, bytes);
            match read(*format, folder.path()) {
                Ok(tally) => {
                    assert_eq!(tally.messages, 0, "{} made messages of {name}: {tally:?}", format.name());
                    assert!(tally.says_something(), "{} says nothing of {name}", format.name());
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn every_file_of_nothing_is_an_error() {
    for format in Format::ALL {
        let folder = written(*format, b"");
        assert!(matches!(read(*format, folder.path()), Err(ExportError::Empty { .. })), "{}", format.name());
        let empty = tempfile::tempdir().unwrap();
        let error = read(*format, empty.path()).unwrap_err().to_string();
        assert!(error.contains("nothing in"), "{error}");
    }
}

#[test]
fn damaged_exports_never_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    for format in Format::ALL {
        let whole = fixture(*format);
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                match random.u8(..5) {
                    0 => bytes[at] = random.u8(..),
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, *random.choice(b"\"\\{}[],:\n\0\xff").unwrap()),
                    3 => drop(bytes.drain(at..(at + random.usize(..40)).min(bytes.len()))),
                    _ => {
                        let end = (at + random.usize(..200)).min(bytes.len());
                        let piece = bytes[at..end].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
                if bytes.is_empty() {
                    bytes.push(b' ');
                }
            }
            let folder = written(*format, &bytes);
            if let Ok(tally) = read(*format, folder.path()) {
                assert!(
                    tally.says_something() || bytes.trim_ascii().len() < 10,
                    "{}: {bytes:?}",
                    format.name()
                );
            }
        }
    }
}

#[test]
fn packed_files_that_break_off_are_named() {
    for format in Format::ALL {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&fixture(*format).repeat(20)).unwrap();
        let packed = packed.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}.gz", file_of(*format).0));
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, &packed[..packed.len() / 2]).unwrap();
        let error = read(*format, folder.path()).unwrap_err();
        assert!(matches!(error, ExportError::CutOff { .. }), "{}: {error}", format.name());
        assert!(error.to_string().contains(".gz"), "{error}");
    }
}

fn zip_of(entries: &[(&str, &[u8])]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    (folder, path)
}

#[test]
fn an_archive_that_climbs_out_writes_nothing_anywhere() {
    let day = fixture(Format::Slack);
    let (folder, path) = zip_of(&[("../../general/2024-03-01.json", &day), ("/etc/2024-03-02.json", &day)]);
    let tally = read(Format::Slack, &path).unwrap();
    assert!(tally.messages > 0);
    let left: Vec<_> =
        walkdir::WalkDir::new(folder.path()).into_iter().map(|e| e.unwrap().into_path()).collect();
    assert_eq!(left, [folder.path().to_owned(), path]);
}

#[test]
fn an_archive_that_expands_without_end_is_refused() {
    // A thousandfold: no text is like that.
    let (_folder, path) = zip_of(&[("general/2024-03-01.json", &vec![b' '; 300 << 20])]);
    let error = read(Format::Slack, &path).unwrap_err().to_string();
    assert!(error.contains("times its size"), "{error}");
}

#[cfg(unix)]
#[test]
fn folders_that_hold_themselves_are_read_once() {
    for format in Format::ALL {
        let folder = written(*format, &fixture(*format));
        let once = read(*format, folder.path()).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", folder.path().join("gone.json")).unwrap();
        let mut again = read(*format, folder.path()).unwrap();
        // That a link leads nowhere is said where it would be part of the export.
        again.findings.retain(|finding| !finding.starts_with("files-left-out 1: `"));
        assert_eq!(again, once, "{}", format.name());
    }
}

#[test]
fn thousands_of_files_are_read_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let day = br#"[{"type":"message","user":"U1","text":"x","ts":"1709280001.000200"}]"#;
    for n in 0..3000 {
        let path = folder.path().join(format!(
            "channel-{}/2024-{:02}-{:02}.json",
            n / 300,
            1 + n % 300 / 28,
            1 + n % 28
        ));
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, day).unwrap();
    }
    let tally = read(Format::Slack, folder.path()).unwrap();
    assert_eq!(tally.messages, 3000);
}

#[test]
fn what_is_big_beside_the_messages_is_passed_over() {
    // Three times what a record may have, in front of the messages where the tool writes it there, and behind them.
    let picture = "A".repeat(3 << 20);
    let cases = [
        (Format::WeChat, "\"session\"", 4),
        (Format::Qq, "\"chatInfo\"", 3),
        (Format::Discord, "\"dateRange\"", 4),
        (Format::Matrix, "\"export_date\"", 7),
        (Format::Zulip, "\"zerver_message\"", 0),
    ];
    for (format, before, messages) in cases {
        let text = String::from_utf8(fixture(format)).unwrap();
        let front = text.replacen(before, &format!("\"big\":\"{picture}\",{before}"), 1);
        let end = text.trim_end().strip_suffix('}').unwrap();
        let behind = format!("{end},\"big\":{{\"a\":\"{picture}\"}}}}");
        let whole = read(format, written(format, text.as_bytes()).path()).unwrap();
        assert!(whole.messages >= messages, "{}: {whole:?}", format.name());
        for text in [front, behind] {
            let got = read(format, written(format, text.as_bytes()).path()).unwrap();
            assert_eq!(got, whole, "{}", format.name());
        }
    }
}

/// An archive has a sum of each collection: what was damaged is told, or it was in what nobody reads.
#[test]
fn an_archive_of_mongodump_is_read_whole_or_refused() {
    for (format, fixture) in [
        (Format::OpenIm, "openim/archive/backup.gz"),
        (Format::RocketChat, "rocketchat/archive/rocketchat.archive"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
        let mut bytes = fs_err::read(path).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let put = |bytes: &[u8]| {
            fs_err::write(folder.path().join("a.archive"), bytes).unwrap();
            read(format, folder.path())
        };
        let whole = put(&bytes).unwrap();
        assert!(whole.messages > 3, "{whole:?}");
        let mut random = fastrand::Rng::with_seed(24);
        let (mut refused, all) = (0, 300);
        for _ in 0..all {
            let mut damaged = bytes.clone();
            let at = random.usize(..bytes.len());
            match random.u8(..4) {
                0 => damaged[at] ^= 1 << random.u8(..8),
                1 => damaged[at] = 0xff,
                2 => damaged.truncate(at.max(4)),
                _ => damaged.insert(at, random.u8(..)),
            }
            match put(&damaged) {
                Ok(got) => assert_eq!(got.messages, whole.messages, "{} at {at}", format.name()),
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("a.archive"), "{error}");
                }
            }
        }
        assert!(refused > all / 2, "{refused} of {all} were refused");
    }
}

#[test]
fn a_dump_of_documents_that_is_damaged_never_panics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/openim/dump/msg.bson");
    let whole = fs_err::read(path).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.truncate(at.max(12)),
                _ => bytes.insert(at, random.u8(..)),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("msg.bson"), &bytes).unwrap();
        let got = read(Format::OpenIm, folder.path());
        assert!(got.is_err() || got.is_ok_and(|tally| tally.says_something()), "{bytes:?}");
    }
}
