//! Exports of the listed formats that nobody here wrote: plausible totals, and each record that gives no message
//! is counted under a reason.

use std::collections::BTreeMap;

use openim_importer::export::{self, Reader};
use openim_importer::finding::{Finding, Severity};
use openim_importer::formats::{self, ChatKind, DateOrder, Format, Settings};
use openim_importer::mapping::people::Person;
use openim_importer::mapping::{Sink, Upload};
use openim_importer::message::{Message, Peer, Place, SourceNo};

use crate::foreign_exports::shared;

#[derive(Debug, Default)]
struct Counts {
    messages: u32,
    /// Records that gave at least one.
    records: u32,
    last: Option<(SourceNo, u64)>,
    singles: u32,
    types: BTreeMap<i32, u32>,
    left_out: BTreeMap<&'static str, u32>,
    errors: BTreeMap<&'static str, u32>,
    warnings: BTreeMap<&'static str, u32>,
    quotes: u32,
    persons: u32,
    uploads: u32,
    times: (i64, i64),
    text: String,
}

impl Sink for Counts {
    fn message(&mut self, m: Message<'_>) {
        self.messages += 1;
        let record = (m.place.source, m.place.byte);
        self.records += u32::from(self.last.replace(record) != Some(record));
        self.singles += u32::from(matches!(m.peer, Peer::User(_)));
        *self.types.entry(m.content_type).or_default() += 1;
        self.quotes += u32::from(m.quote.is_some());
        let (first, last) = self.times;
        self.times =
            (if first == 0 { m.send_time.0 } else { first.min(m.send_time.0) }, last.max(m.send_time.0));
        assert!(!m.sender.is_empty() && !m.content.is_empty());
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&m.content).unwrap();
        self.text += &m.content;
        self.text += &m.ex;
    }

    fn left_out(&mut self, _: Place, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn finding(&mut self, finding: Finding) {
        let by = if finding.code.severity == Severity::Error { &mut self.errors } else { &mut self.warnings };
        *by.entry(finding.code.name).or_default() += 1;
        self.text += &finding.value;
    }

    fn person(&mut self, _: Person<'_>) {
        self.persons += 1;
    }

    fn upload(&mut self, upload: Upload<'_>) {
        self.uploads += 1;
        self.text += upload.link;
    }
}

impl Counts {
    fn of(format: Format, path: &str, settings: &Settings) -> Option<Self> {
        let path = shared(path)?.to_string_lossy().into_owned();
        let sources = [path];
        let recognised = formats::recognise(&sources).unwrap().map(|(format, _)| format);
        assert_eq!(recognised, Some(format), "{sources:?} is not recognised");
        let export = export::Settings::default();
        let preset = formats::open(format, &export, settings.clone()).unwrap();
        let mut reader = Reader::with(&export, preset.layout, &sources, SourceNo(0)).unwrap();
        let mut counts = Self::default();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            chunk.findings.iter().for_each(|finding| counts.finding(finding.clone()));
            preset.mapper.map(&chunk, &mut counts);
            reader.recycle(chunk.text);
        }
        Some(counts)
    }

    fn assert(&self, messages: u32, records: u32, left_out: &[(&'static str, u32)]) {
        assert_eq!((self.messages, self.records), (messages, records), "{self:?}");
        assert_eq!(self.left_out, left_out.iter().copied().collect(), "{self:?}");
        assert!(self.errors.is_empty(), "{self:?}");
    }
}

#[test]
fn slack() {
    let path = "slack-export/houstondatavis+slack-export";
    let Some(counts) = Counts::of(Format::Slack, path, &Settings::default()) else { return };
    // Counted by a script: 71 users, 16 channels, 1,382 rows; 351 of them Slack's own, 28 of the 61 files with
    // words.
    counts.assert(1031 + 28, 1031, &[("directory-row", 71 + 16), ("system-row", 351)]);
    assert!(!counts.text.contains("xoxe"));
}

#[test]
fn mattermost_compliance() {
    let path = "mattermost-compliance-csv";
    let Some(counts) = Counts::of(Format::MattermostCompliance, path, &Settings::default()) else { return };
    counts.assert(4154, 4154, &[("system-row", 664)]);
    assert_eq!((counts.singles, counts.quotes), (607, 1254));
}

#[test]
fn mattermost_bulk() {
    let path = "mattermost-bulk-jsonl";
    let Some(counts) = Counts::of(Format::Mattermost, path, &Settings::default()) else { return };
    // 14 posts, of which 2 are joining; one answer, two files. The rest of 23 lines is no post.
    counts.assert(12 + 1 + 2, 13, &[("directory-row", 9), ("system-row", 2)]);
    assert_eq!((counts.singles, counts.quotes), (7, 1));
}

#[test]
fn telegram() {
    // Made by hand for tests of another program: no kind, no id, no ids of users.
    let mut settings = Settings::default();
    settings.about.chat = Some(ChatKind::Group);
    settings.about.chat_name = Some("Chat".to_owned());
    for name in ["test_single_export.json", "test_batch_export.json"] {
        let path = format!("telegram/joweich+chat-miner/test/telegram/{name}");
        let Some(counts) = Counts::of(Format::Telegram, &path, &settings) else { return };
        counts.assert(2, 2, &[]);
        let Some(asked) = Counts::of(Format::Telegram, &path, &Settings::default()) else { return };
        assert_eq!(asked.errors, BTreeMap::from([("chat-kind-unknown", 2)]));
    }
}

#[test]
fn whatsapp() {
    let mut settings = Settings::default();
    settings.about.zone = Some("UTC".to_owned());
    for name in ["ddmmyy_24hrs", "mmddyy_24hrs", "[mmddyy]_24hrs", "mmddyyyy_12hrs", "yyyymmdd_24hrs"] {
        let path = format!("whatsapp/joweich+chat-miner/test/whatsapp/test_{name}.txt");
        let Some(counts) = Counts::of(Format::WhatsApp, &path, &settings) else { return };
        // As many as the authors of these files find: "John Doe:." has no blank behind the colon.
        counts.assert(6, 6, &[("system-row", 3)]);
        assert_eq!(counts.times, (1_546_341_900_000, 1_640_901_660_000), "{name}");
    }
    settings.about.date_order = Some(DateOrder::Mdy);
    let path = "whatsapp/joweich+chat-miner/test/whatsapp/test_ddmmyy_24hrs.txt";
    let Some(counts) = Counts::of(Format::WhatsApp, path, &settings) else { return };
    assert!(counts.errors.contains_key("time-invalid"), "{counts:?}");
}

#[test]
fn cases_of_the_second_wave() {
    let mut me = Settings::default();
    me.about.me = Some("wxid_me".to_owned());
    me.about.zone = Some("Asia/Shanghai".to_owned());
    // Messages, and how many of them in chats of two.
    let cases = [
        (Format::Easemob, "easemob", 14, 10),
        (Format::NetEase, "netease", 4, 2),
        (Format::RongCloud, "rongcloud", 9, 4),
        (Format::OpenIm, "openim-mongo", 4, 2),
        (Format::Discord, "dce-guild", 15, 0),
        (Format::Discord, "dce-thread", 3, 0),
        (Format::WeChatCsv, "wx-all", 12, 8),
        (Format::GoogleChat, "gchat", 9, 6),
        (Format::RocketChat, "rc-deleted", 4, 1),
    ];
    for (format, case, messages, singles) in cases {
        let Some(counts) = Counts::of(format, &format!("../cases/{case}"), &me) else { return };
        assert_eq!((counts.messages, counts.singles), (messages, singles), "{case}: {counts:?}");
        assert!(counts.errors.is_empty(), "{case}: {counts:?}");
    }
    // It ends in the middle: named, and what is whole is taken.
    let Some(cut) = Counts::of(Format::Discord, "../cases/dce-truncated", &me) else { return };
    assert!(cut.messages > 0 && cut.errors.contains_key("json-structure"), "{cut:?}");
}

#[test]
fn rocketchat_tables_of_its_own_tests() {
    let path = "rocketchat-csv";
    let Some(counts) = Counts::of(Format::RocketChatCsv, path, &Settings::default()) else { return };
    counts.assert(2, 2, &[("directory-row", 4 + 2)]);
    assert_eq!(counts.singles, 2);
}
