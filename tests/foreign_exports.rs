//! Exports that nobody here wrote, read through configurations in `examples/`.
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use openim_importer::export::{self, Reader};
use openim_importer::finding::Finding;
use openim_importer::formats;
use openim_importer::mapping::{self, Sink};
use openim_importer::message::{Message, Peer, Place, SourceNo};

/// The folder with real exports; a note and `None` where it is not there.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    beside(&Path::new("exports").join(file))
}

/// Something that lies beside the project, or nothing, which is said.
pub(crate) fn beside(file: &Path) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("OPENIM_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = shared.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there (set OPENIM_SHARED)", path.display());
    None
}

#[derive(serde::Deserialize)]
struct Config {
    export: export::Settings,
    mapping: mapping::Settings,
}

#[derive(Default)]
struct Counts {
    kinds: BTreeMap<&'static str, u32>,
    singles: BTreeSet<(String, String)>,
    to_oneself: u32,
    ids: BTreeSet<String>,
    left_out: BTreeMap<&'static str, u32>,
    findings: Vec<String>,
    lines: Vec<u64>,
}

impl Sink for Counts {
    fn message(&mut self, m: Message<'_>) {
        match &m.peer {
            Peer::User(to) => {
                *self.kinds.entry("single").or_default() += 1;
                self.to_oneself += u32::from(*to == m.sender);
                let (a, b) = (m.sender.to_string(), to.to_string());
                self.singles.insert(if a < b { (a, b) } else { (b, a) });
            }
            Peer::Group(_) => *self.kinds.entry("group").or_default() += 1,
        }
        assert!(self.ids.insert(m.source_id.expect("every post has an id").into_owned()));
        assert!(m.send_time.0 > 1_500_000_000_000 && m.send_time.0 < 1_600_000_000_000);
        self.lines.push(m.place.line);
    }

    fn left_out(&mut self, _: Place, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn finding(&mut self, finding: Finding) {
        self.findings.push(format!("{finding:?}"));
    }
}

#[test]
fn mattermost_compliance_csv() {
    let Some(csv) = shared("mattermost-compliance-csv/posts.csv") else { return };
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mattermost-compliance.toml");
    let config: Config = toml::from_str(&fs_err::read_to_string(example).unwrap()).unwrap();
    let sources = [csv.to_string_lossy().into_owned()];
    let mut reader = Reader::open(&config.export, &sources, SourceNo(0)).unwrap().chunk_size(4096);
    let head = reader.head().unwrap();
    let mapper =
        mapping::build(&config.mapping, head.as_ref(), formats::files(formats::Settings::default()).unwrap())
            .unwrap();
    let mut counts = Counts::default();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        assert!(chunk.findings.is_empty());
        mapper.map(&chunk, &mut counts);
        reader.recycle(chunk.text);
    }
    assert_eq!(counts.findings, [""; 0]);
    assert_eq!(counts.kinds, BTreeMap::from([("single", 607), ("group", 3547)]));
    assert_eq!(counts.left_out, BTreeMap::from([("join-leave-row", 664)]));
    assert_eq!(counts.to_oneself, 38);
    // The peer is right if both ends of a chat come to the same pair, as the channel names say.
    let text = fs_err::read_to_string(&csv).unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let (mut pairs, mut lines) = (BTreeSet::new(), Vec::new());
    for row in rows.records() {
        let row = row.unwrap();
        if &row[15] == "message" {
            lines.push(row.position().unwrap().line());
            if &row[7] == "direct" {
                let (a, b) = row[5].split_once("__").unwrap();
                pairs.insert(if a < b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) });
            }
        }
    }
    assert_eq!(counts.singles, pairs);
    assert_eq!(counts.lines, lines);
}
