//! The whole export through the real mapper: counts, and a few messages to look at.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::mask::mask;
use crate::checks::Checker;
use crate::export::{ExportError, Reader, Unread};
use crate::finding::{Code, Finding, Severity, shorten};
use crate::mapping::people::{Kind, Person};
use crate::mapping::{Mapper, Sink, Tally};
use crate::message::{Message, Peer, Place, SendTime};

/// What came of an export.
#[derive(Debug)]
pub struct Survey {
    /// Messages.
    pub messages: u64,
    /// Records that something became of.
    pub records: Tally,
    /// Records left out on purpose, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Files of folders and archives that were not read.
    pub unread: Unread,
    /// Findings by the name of their code.
    pub findings: BTreeMap<&'static str, Found>,
    /// Time of the earliest and latest message.
    pub times: Option<(SendTime, SendTime)>,
    /// A few messages, as different as possible, as they would be sent.
    pub examples: Vec<String>,
    /// Users and groups that OpenIM will call otherwise, and the first of them.
    pub(super) renamed: HashSet<u64>,
    pub(super) renamed_example: Option<(String, String)>,
    conversations: HashSet<u64>,
    groups: HashSet<u64>,
    users: HashSet<u64>,
    checker: Checker,
    /// Which kinds of messages there are examples of.
    kinds: BTreeSet<(i32, bool)>,
    spare: Vec<String>,
}

/// Findings of one code.
#[derive(Debug, Clone)]
pub struct Found {
    /// The code.
    pub code: &'static Code,
    /// How many.
    pub count: u64,
    /// Where the first is.
    pub place: Option<Place>,
    /// What was seen there.
    pub value: String,
}

impl Survey {
    const EXAMPLES: usize = 3;

    /// Reads everything. `tick` is told now and then how many bytes were read, of how many.
    pub fn of(
        reader: &mut Reader,
        mapper: &dyn Mapper,
        checker: Checker,
        tick: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, ExportError> {
        let mut survey = Self::new(checker);
        while let Some(mut chunk) = reader.next_chunk()? {
            for finding in std::mem::take(&mut chunk.findings) {
                survey.note(finding);
            }
            mapper.map(&chunk, &mut survey);
            reader.recycle(chunk.text);
            let totals = reader.totals();
            tick(totals.read, totals.bytes);
        }
        survey.unread = reader.unread().clone();
        // Kinds that came late make room for the first that were seen.
        let spare = std::mem::take(&mut survey.spare);
        survey.examples.extend(spare);
        survey.examples.truncate(Self::EXAMPLES);
        Ok(survey)
    }

    /// Of nothing yet.
    pub fn new(checker: Checker) -> Self {
        Self {
            messages: 0,
            records: Tally::default(),
            left_out: BTreeMap::new(),
            unread: Unread::default(),
            findings: BTreeMap::new(),
            times: None,
            examples: Vec::new(),
            renamed: HashSet::new(),
            renamed_example: None,
            conversations: HashSet::new(),
            groups: HashSet::new(),
            users: HashSet::new(),
            checker,
            kinds: BTreeSet::new(),
            spare: Vec::new(),
        }
    }

    fn note(&mut self, finding: Finding) {
        let Finding { code, place, value } = finding;
        self.findings.entry(code.name).or_insert(Found { code, count: 0, place, value }).count += 1;
    }

    /// How many conversations there are.
    pub fn conversations(&self) -> usize {
        self.conversations.len()
    }

    /// How many of them are groups.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many users write or are written to.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// How many findings are errors.
    pub fn errors(&self) -> u64 {
        self.findings
            .values()
            .filter(|found| found.code.severity == Severity::Error)
            .map(|found| found.count)
            .sum()
    }
}

impl Sink for Survey {
    fn message(&mut self, message: Message<'_>) {
        let checker = self.checker;
        self.records.note(message.place);
        // What can't be sent is a finding, and no message.
        if !checker.examine(&message, &mut |finding| self.note(finding)) {
            return;
        }
        self.messages += 1;
        let hash = |text: &str| xxh3_64(text.as_bytes());
        let group = matches!(message.peer, Peer::Group(_));
        self.users.insert(hash(&message.sender));
        let conversation = match &message.peer {
            Peer::User(to) => {
                self.users.insert(hash(to));
                let (a, b) = (hash(&message.sender), hash(to));
                a.min(b).rotate_left(7) ^ a.max(b)
            }
            Peer::Group(id) => {
                self.groups.insert(hash(id));
                !hash(id)
            }
        };
        self.conversations.insert(conversation);
        let time = message.send_time;
        self.times = Some(self.times.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        if self.examples.len() < Self::EXAMPLES && self.kinds.insert((message.content_type, group)) {
            self.examples.push(show(&message));
        } else if self.spare.len() < Self::EXAMPLES {
            self.spare.push(show(&message));
        }
    }

    fn left_out(&mut self, place: Place, reason: &'static str) {
        self.records.note(place);
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn finding(&mut self, finding: Finding) {
        if let (Severity::Error, Some(place)) = (finding.code.severity, finding.place) {
            self.records.note(place);
        }
        self.note(finding);
    }

    fn person(&mut self, person: Person<'_>) {
        if person.source_id != person.openim_id && self.renamed.insert(xxh3_64(person.source_id.as_bytes())) {
            let ids = || (shorten(person.source_id), person.openim_id.to_owned());
            self.renamed_example.get_or_insert_with(ids);
        }
        if person.kind == Kind::User {
            self.users.insert(xxh3_64(person.openim_id.as_bytes()));
        }
    }
}

/// The message as a `send_msg` body, a line for each field; links without their secrets.
fn show(message: &Message<'_>) -> String {
    let text = |text: &str| {
        let text = mask(text);
        let cut: String = text.chars().take(400).collect();
        let more = if cut.len() < text.len() { "…" } else { "" };
        format!("{}{more}", serde_json::to_string(&cut).unwrap_or_default())
    };
    let mut out = String::from("{\n");
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _infallible = writeln!(out, "  \"{key}\": {value},");
    };
    line("sendID", &text(&message.sender));
    match &message.peer {
        Peer::User(to) => line("recvID", &text(to)),
        Peer::Group(group) => line("groupID", &text(group)),
    }
    if !message.nickname.is_empty() {
        line("senderNickname", &text(&message.nickname));
    }
    if !message.face_url.is_empty() {
        line("senderFaceURL", &text(&message.face_url));
    }
    line("senderPlatformID", &message.platform.to_string());
    let content = mask(&message.content);
    let cut: String = content.chars().take(600).collect();
    line("content", &if cut.len() < content.len() { format!("{cut}…") } else { cut });
    line("contentType", &message.content_type.to_string());
    line("sessionType", if matches!(message.peer, Peer::User(_)) { "1" } else { "3" });
    if !message.ex.is_empty() {
        line("ex", &text(&message.ex));
    }
    line("notOfflinePush", if message.not_offline_push { "true" } else { "false" });
    let time = message.send_time;
    let _infallible = write!(out, "  \"sendTime\": {}\n}}   {}", time.0, in_words(time));
    if let Some(quote) = &message.quote {
        let _infallible = write!(out, ", answers {}", quote.target);
    }
    out
}

/// `2023-11-14 22:13:20 UTC`
pub fn in_words(time: SendTime) -> String {
    match Timestamp::from_millisecond(time.0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "at no time a calendar knows".to_owned(),
    }
}
