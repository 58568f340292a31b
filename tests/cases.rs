//! The small inputs that broke tools of this kind, each with what `init` and `check` are to say of it: `../shared/cases`, which
//! the project does not depend on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openim_importer::export::{self, Reader};
use openim_importer::finding::Finding;
use openim_importer::formats;
use openim_importer::mapping::{self, Sink};
use openim_importer::message::{Message, Place, SourceNo};
use serde_json::Value;

use crate::foreign_exports::beside;
use crate::support::importer;

/// What is right, after the case's own index: `sound messages/conversations/groups` and what was left out or found,
/// `errors` with the same where `check` refuses some records, `zone` where that alone is asked for, `asked` with the fields
/// that are, `refused` where nothing is written.
const RIGHT: &[(&str, &str)] = &[
    ("dce-guild", "sound 15/3/3"),
    ("dce-thread", "sound 3/1/1 empty-message:1 system-row:1 media-incomplete:1 media-link-expires:1"),
    (
        "dce-truncated",
        "errors 2/1/1 empty-message:1 json-structure:1 media-incomplete:1 media-link-expires:1",
    ),
    ("easemob", "sound 14/2/1 media-link-needs-secret:2"),
    ("fb-inbox", "sound 9/2/0"),
    ("fb-sender-id", "sound 4/1/0"),
    ("folder-days", "sound 8/2/2"),
    ("gchat", "sound 9/3/1 directory:3"),
    ("gen-agent", "asked recvID"),
    ("gen-chat-created", "sound 60/3/3"),
    ("gen-medium", "sound 14/3/3"),
    ("gen-numbered-chats", "sound 22/4/4"),
    ("gen-owner", "sound 14/3/3"),
    ("gen-role", "sound 21/2/2 not-included:1"),
    ("gen-room-keys", "asked recvID"),
    ("gen-two-ids", "sound 18/1/0"),
    ("hostile/dots.zip", "sound 1/1/0 hidden:3 hidden-left-out:1"),
    ("hostile/dupnames.zip", "refused"),
    ("hostile/esckey.json", "sound 2/1/0"),
    ("hostile/excel3.csv", "asked recvID"),
    ("hostile/inj7.csv", "sound 4/1/0"),
    ("hostile/k3.csv", "sound 4/1/0"),
    ("hostile/k4.csv", "sound 4/1/0"),
    ("hostile/multi_zeropad.jsonl.gz", "sound 10/1/0"),
    ("hostile/overlap_small.zip", "refused"),
    ("id-guess", "asked sendID"),
    ("kakao", "asked groupID zone"),
    ("line", "refused"),
    ("mm-replies", "errors 6/1/1 directory-row:5 empty-message:2 media-local:1 time-invalid:1 time-zero:1"),
    ("netease", "sound 4/2/1"),
    ("oi-skew", "errors 2/1/0 time-in-future:1 time-in-seconds:1"),
    ("openim-mongo", "sound 4/2/1"),
    ("rc-deleted", "sound 4/2/1 system-row:1"),
    ("rongcloud", "sound 9/2/1 shape-unconfirmed:1"),
    ("sl-blocks", "sound 3/1/1 directory-row:2 empty-message:1 system-row:1"),
    ("sl-chanmention", "sound 3/2/2 directory-row:4"),
    ("sl-cyrillic-dir", "sound 1/1/1 directory-row:3"),
    ("sl-desc", "sound 5/1/1 directory-row:3"),
    ("sl-dump", "sound 3/1/1"),
    ("sl-file-gone", "sound 7/1/1 directory-row:3 media-absent:5"),
    ("sl-merged", "sound 3/1/1 directory-row:2"),
    ("sl-no-ts", "errors 2/1/1 directory-row:3 system-row:1 time-invalid:1"),
    ("sl-order-files", "sound 3/1/1 directory-row:3"),
    ("sl-replies-missing", "sound 4/1/1 directory-row:3"),
    ("sl-twice", "sound 3/1/1 directory-row:3"),
    ("sl-zip-cp437", "sound 1/1/1 directory-row:2"),
    ("sl-zip-noflag", "sound 3/3/3 directory-row:4 system-file:1"),
    ("stem-dots", "asked groupID"),
    ("stray", "asked sendID groupID"),
    ("tc-ms", "asked chat_name"),
    ("tg-anon", "errors 3/1/1 sender-missing:2"),
    ("tg-date-off", "sound 3/1/1"),
    ("tg-forum", "sound 3/1/1 system-row:1"),
    ("tg-migrated", "sound 4/2/2 system-row:2"),
    ("tg-negids", "sound 5/1/1 system-row:1"),
    ("tg-nullname", "sound 3/2/0"),
    ("tg-unavailable", "sound 6/1/0 media-absent:3 media-local:1"),
    ("wa-arabic-rlm", "zone 2/1/0 recalled:1 system-row:1 media-absent:1"),
    ("wa-crlf-quote", "zone 3/1/0"),
    ("wa-cut-head", "zone 3/1/0 record-invalid:2"),
    ("wa-date-line", "zone 3/1/1 system-row:1 header-doubtful:1"),
    ("wa-dup1", "zone 3/1/0 system-row:2"),
    ("wa-ios-1to1", "zone 3/1/0 system-row:2 media-local:1"),
    ("wa-mixed-width", "zone 5/1/0"),
    ("wa-tilde", "zone 3/1/1 system-row:4"),
    ("wx-all", "sound 12/3/1"),
    ("wx-gbk", "sound 4/1/0 encoding-guessed:1 media-absent:2"),
    ("wx-shift", "asked self"),
];

fn case(name: &str) -> Option<PathBuf> {
    beside(&Path::new("cases").join(name))
}

/// What `init` says of it, as JSON; `None`: it writes nothing.
fn init(source: &Path, dir: &Path) -> Option<Value> {
    let output = importer().current_dir(dir).args(["init", "--json"]).arg(source).output().unwrap();
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.code() == Some(0))
}

fn said(source: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let Some(told) = init(source, dir.path()) else { return "refused".to_owned() };
    let to_do: Vec<&str> =
        told["to_do"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let counts = format!("{}/{}/{}", told["messages"], told["conversations"], told["groups"]);
    let begun = if to_do.iter().any(|line| !line.starts_with("zone in [format]")) {
        let fields: Vec<&str> = to_do.iter().filter_map(|line| line.split([':', ' ']).next()).collect();
        return format!("asked {}", fields.join(" "));
    } else if to_do.is_empty() {
        let check = importer().current_dir(dir.path()).arg("check").output().unwrap();
        if check.status.code() == Some(0) { "sound" } else { "errors" }
    } else {
        "zone"
    };
    let maps = ["left_out", "unread", "findings"].map(|key| told[key].as_object().unwrap());
    let more = maps.into_iter().flatten().map(|(name, n)| format!(" {name}:{n}"));
    format!("{begun} {counts}{}", more.collect::<String>())
}

#[test]
fn each_ends_as_its_index_says() {
    let mut wrong = Vec::new();
    for (name, right) in RIGHT {
        let Some(source) = case(name) else { return };
        let said = said(&source);
        if said != *right {
            wrong.push(format!("{name}: {said}, not {right}"));
        }
    }
    let Some(headers) = case("wa-headers") else { return };
    for header in fs_err::read_dir(headers).unwrap() {
        let path = header.unwrap().path();
        let said = said(&path);
        if said != "zone 3/1/0" {
            wrong.push(format!("{}: {said}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The time of a message is its own, and not that of its chat, in each of them.
#[test]
fn times_are_those_of_messages_one_by_one() {
    #[derive(Default)]
    struct Times(BTreeMap<String, i64>);
    impl Sink for Times {
        fn message(&mut self, message: Message<'_>) {
            self.0.insert(message.source_id.unwrap().into_owned(), message.send_time.0);
        }
        fn left_out(&mut self, place: Place, reason: &'static str) {
            panic!("{place:?} {reason}");
        }
        fn finding(&mut self, finding: Finding) {
            panic!("{finding:?}");
        }
    }
    #[derive(serde::Deserialize)]
    struct File {
        mapping: mapping::Settings,
    }
    let Some(source) = case("gen-chat-created") else { return };
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(init(&source, dir.path()).unwrap()["messages"], 60);
    let File { mapping } =
        toml::from_str(&fs_err::read_to_string(dir.path().join("import.toml")).unwrap()).unwrap();
    let sources = [source.to_str().unwrap().to_owned()];
    let mut reader = Reader::open(&export::Settings::default(), &sources, SourceNo(0)).unwrap();
    let files = formats::files(formats::Settings::default()).unwrap();
    let mapper = mapping::build(&mapping, reader.head().unwrap().as_ref(), files).unwrap();
    let mut times = Times::default();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        mapper.map(&chunk, &mut times);
    }
    let mut meant = BTreeMap::new();
    for file in fs_err::read_dir(source).unwrap() {
        let mut rows = csv::ReaderBuilder::new().delimiter(b'\t').from_path(file.unwrap().path()).unwrap();
        let header = rows.headers().unwrap().clone();
        let at = |name: &str| header.iter().position(|column| column == name).unwrap();
        for row in rows.records() {
            let row = row.unwrap();
            meant.insert(row[at("msg_id")].to_owned(), row[at("at")].parse::<i64>().unwrap() * 1000);
        }
    }
    assert_eq!(meant.len(), 60);
    assert_eq!(times.0, meant);
}
