//! What a thread makes of a chunk: records for the spool, rows to sort, findings; all but their final place.

use std::collections::HashSet;
use std::mem;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use super::findings::{Reason, Reject, body_of};
use super::heap::put_texts;
use super::people::Lately;
use super::relations::RelationRow;
use super::rows::{ByOffset, ConvRow, IndexRow, KeyKind, KeyRow, PersonRow, UserRow};
use super::seen::Seen;
use super::uploads::UploadRow;
use crate::checks::{Checker, codes};
use crate::export::Chunk;
use crate::finding::{Finding, Severity};
use crate::job::{ConvKey, Key, Position, Shard, UserKey, write_record};
use crate::mapping::people::{FACE, Kind, Person};
use crate::mapping::{Mapper, Relation, Sink, Tally, Upload};
use crate::message::{Message, Peer, Place, Release, SendTime, SourceNo};

/// What one chunk gave; used again for the next one, so that its room is asked for once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Number of the source.
    pub(super) source: Option<SourceNo>,
    /// Its name.
    pub(super) name: String,
    /// The text of the chunk, for the reader to use again.
    pub(super) text: Vec<u8>,
    /// How long that was.
    pub(super) bytes: usize,
    /// Records for the spool.
    pub(super) records: Vec<u8>,
    /// Rows with offsets counted from the first record of the batch.
    pub(super) index: Vec<IndexRow>,
    /// The same for ids.
    pub(super) keys: Vec<KeyRow>,
    /// What was found, in order.
    pub(super) findings: Vec<Finding>,
    /// Lines for `rejected.jsonl`.
    pub(super) rejects: Vec<u8>,
    /// Records left out, by reason.
    pub(super) left_out: Vec<(&'static str, u64)>,
    /// Records that something became of.
    pub(super) tally: Tally,
    /// Messages that can't be sent.
    pub(super) rejected: u64,
    /// Records that gave no message because of an error.
    pub(super) unmapped: u64,
    /// Errors in records that another shard has in its figures.
    pub(super) elsewhere: u64,
    /// Texts that the rows below point to.
    pub(super) heap: Vec<u8>,
    /// Users met for the first time.
    pub(super) users: Vec<UserRow>,
    /// Conversations met for the first time.
    pub(super) conversations: Vec<ConvRow>,
    /// People that the mapper told of.
    pub(super) people: Vec<PersonRow>,
    /// Files that somebody has to put elsewhere.
    pub(super) uploads: Vec<UploadRow>,
    /// Hashes of pictures of users and groups that lie in the export.
    pub(super) faces: HashSet<u64>,
    /// Members, friends, blocks and read positions that the mapper told of.
    pub(super) relations: Vec<RelationRow>,
}

/// More room than that is not kept for the next chunk, which has half a megabyte.
const MOST_KEPT: usize = 4 << 20;

impl Batch {
    /// What a giant message took is not kept until the next chunk comes.
    pub(super) fn let_go(&mut self) {
        for room in [&mut self.text, &mut self.records, &mut self.rejects] {
            if room.capacity() > MOST_KEPT {
                *room = Vec::new();
            }
        }
    }

    fn clear(&mut self) {
        self.records.clear();
        self.index.clear();
        self.keys.clear();
        self.findings.clear();
        self.rejects.clear();
        self.left_out.clear();
        self.heap.clear();
        self.users.clear();
        self.conversations.clear();
        self.people.clear();
        self.uploads.clear();
        self.faces.clear();
        self.relations.clear();
        (self.rejected, self.unmapped, self.elsewhere) = (0, 0, 0);
        self.tally = Tally::default();
    }

    /// Writes down the names of users and conversations that are new.
    fn meet(&mut self, message: &Message<'_>, conv: ConvKey, pair: u32, sender: UserKey, seen: &mut Seen) {
        let nameless = message.nickname.is_empty() && message.face_url.is_empty();
        if seen.is_new_user(sender, !nameless) {
            let spot = put_texts(&mut self.heap, &[&message.sender, &message.nickname, &message.face_url]);
            self.users.push(UserRow { user: sender, nameless, spot });
        }
        if seen.is_new_conversation(conv, pair) {
            // Who only receives is met here, once: a look into a large set costs more than all other checks.
            if let Peer::User(to) = &message.peer {
                let spot = put_texts(&mut self.heap, &[to, "", ""]);
                self.users.push(UserRow { user: UserKey::of(to), nameless: true, spot });
            }
            let spot = match &message.peer {
                Peer::Group(group) => put_texts(&mut self.heap, &[group]),
                Peer::User(to) if *to < message.sender => put_texts(&mut self.heap, &[to, &message.sender]),
                Peer::User(to) => put_texts(&mut self.heap, &[&message.sender, to]),
            };
            self.conversations.push(ConvRow { key: conv, pair, spot });
        }
    }

    /// With these messages, whatever is wrong with them.
    pub(super) fn unexamined(messages: &[Message<'_>]) -> Self {
        let mut batch = Self::default();
        // Asked about sizes alone.
        let checker = Checker { now: SendTime(0), release: Release::Main, allow_large: false };
        let mut digest = Digest {
            batch: &mut batch,
            checker,
            root: "",
            scratch: &mut Scratch::new(1, Shard::WHOLE),
            last_error: None,
        };
        for message in messages {
            let conv = digest.conversation(message);
            digest.spool(message, conv);
        }
        batch
    }

    /// Fills it with what the chunk gives.
    pub(super) fn fill(
        &mut self,
        mut chunk: Chunk,
        mapper: &dyn Mapper,
        checker: Checker,
        scratch: &mut Scratch,
    ) {
        self.clear();
        scratch.says.shrink_to(MOST_KEPT);
        self.source = Some(chunk.source);
        self.bytes = chunk.text.len();
        self.name.clear();
        self.name.push_str(chunk.context.value("@path").unwrap_or_default());
        let mut digest =
            Digest { batch: self, checker, root: chunk.context.root(), scratch, last_error: None };
        for finding in mem::take(&mut chunk.findings) {
            digest.finding(finding);
        }
        // What the reader found is about no record.
        digest.batch.tally = Tally::default();
        mapper.map(&chunk, &mut digest);
        self.text = chunk.text;
    }
}

/// Room that a thread needs again and again.
#[derive(Debug)]
pub(super) struct Scratch {
    shard: Shard,
    pair: String,
    says: Vec<u8>,
    findings: Vec<Finding>,
    lately: Lately,
    seen: Seen,
}

impl Scratch {
    /// For one of so many threads, which keeps what is of that shard.
    pub(super) fn new(threads: usize, shard: Shard) -> Self {
        Self {
            shard,
            pair: String::new(),
            says: Vec::new(),
            findings: Vec::new(),
            lately: Lately::default(),
            seen: Seen::new(threads),
        }
    }
}

/// Takes what the mapper makes.
struct Digest<'a> {
    batch: &'a mut Batch,
    checker: Checker,
    /// Where the paths of the export begin.
    root: &'a str,
    scratch: &'a mut Scratch,
    /// Where the last error was: a record with two errors is one record.
    last_error: Option<Place>,
}

impl Sink for Digest<'_> {
    fn message(&mut self, message: Message<'_>) {
        self.batch.tally.note(message.place);
        let findings = &mut self.scratch.findings;
        let mut sendable = self.checker.examine(&message, &mut |finding| findings.push(finding));
        let conv = self.conversation(&message);
        if !self.scratch.shard.has(conv) {
            self.scratch.findings.clear();
            self.pass_by(&message, conv, sendable);
            return;
        }
        if sendable {
            sendable = self.spool(&message, conv);
        }
        if !sendable {
            self.batch.rejected += 1;
            self.reject(message.place, Some(&message));
        }
        self.batch.findings.append(&mut self.scratch.findings);
    }

    fn person(&mut self, person: Person<'_>) {
        let row = self.scratch.lately.news(&person, &mut self.batch.heap);
        self.batch.people.extend(row);
    }

    fn relation(&mut self, relation: Relation<'_>) {
        let has = |of: ConvKey| self.scratch.shard.has(of);
        let is_ours = match &relation {
            Relation::Member { group, .. } => has(ConvKey::group(group)),
            Relation::Read { peer, kind: Kind::Group, .. } => has(ConvKey::group(peer)),
            Relation::Read { user, peer, .. } => has(ConvKey::single(user, peer, &mut String::new())),
            // What is for the history of all shards together.
            Relation::Friends(..)
            | Relation::Blocks(..)
            | Relation::Email { .. }
            | Relation::Muted { .. }
            | Relation::Kept { .. } => self.scratch.shard.is_first(),
        };
        if !is_ours {
            return;
        }
        let row = RelationRow::new(&relation, &mut self.scratch.lately, &mut self.batch.heap);
        self.batch.relations.extend(row);
    }

    fn upload(&mut self, upload: Upload<'_>) {
        if !self.scratch.shard.is_first() {
            return;
        }
        // Nobody is to bring pictures of people elsewhere by hand: they are only counted.
        if upload.kind == FACE {
            self.batch.faces.insert(xxh3_64_with_seed(upload.key.as_bytes(), u64::from(upload.source.0)));
            return;
        }
        let row = UploadRow::new(&upload, self.root, &mut self.batch.heap);
        self.batch.uploads.push(row);
    }

    fn left_out(&mut self, place: Place, reason: &'static str) {
        self.batch.tally.note(place);
        if !self.scratch.shard.is_first() {
            return;
        }
        match self.batch.left_out.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.batch.left_out.push((reason, 1)),
        }
    }

    fn finding(&mut self, finding: Finding) {
        let is_error = finding.code.severity == Severity::Error;
        let place = finding.place;
        if let (true, Some(place)) = (is_error, place) {
            self.batch.tally.note(place);
        }
        if !self.scratch.shard.is_first() {
            let is_new =
                is_error && (place.is_none() || std::mem::replace(&mut self.last_error, place) != place);
            self.batch.elsewhere += u64::from(is_new);
            return;
        }
        self.scratch.findings.push(finding);
        if let (true, Some(place)) = (is_error, place)
            && self.last_error.replace(place) != Some(place)
        {
            self.batch.unmapped += 1;
            self.reject(place, None);
        }
        self.batch.findings.append(&mut self.scratch.findings);
    }
}

impl Digest<'_> {
    /// Writes the record and the rows of a message that can be sent.
    fn spool(&mut self, message: &Message<'_>, conv: ConvKey) -> bool {
        let offset = self.batch.records.len();
        let Ok(len) = write_record(message, &mut self.batch.records) else {
            self.batch.records.truncate(offset);
            self.scratch.findings.push(Finding::new(&codes::MESSAGE_TOO_LARGE, message.place, ""));
            return false;
        };
        let findings = &mut self.scratch.findings;
        if !self.checker.examine_size(message, len as usize, &mut |finding| findings.push(finding)) {
            self.batch.records.truncate(offset);
            return false;
        }

        let Scratch { says, seen, .. } = self.scratch;
        let at = Position::new(conv, message.send_time, offset as u64);
        let (sender, pair) = (UserKey::of(&message.sender), pair_hash(message, says));
        self.batch.index.push(IndexRow { at, sender, len, pair });
        self.batch.meet(message, conv, pair, sender, seen);
        let own = key_row(message, at, says);
        self.batch.keys.push(own);
        if let Some(quote) = &message.quote {
            let key = Key::of(quote.target.as_bytes());
            self.batch.keys.push(KeyRow { key, kind: KeyKind::Quotes, content: 0, ..own });
        }
        true
    }

    fn conversation(&mut self, message: &Message<'_>) -> ConvKey {
        ConvKey::of(message, &mut self.scratch.pair)
    }

    /// A message of another shard: nothing is kept of it but its id, which no other message may have.
    fn pass_by(&mut self, message: &Message<'_>, conv: ConvKey, sendable: bool) {
        if !sendable {
            self.batch.elsewhere += 1;
        } else if message.source_id.as_deref().is_some_and(|id| !id.is_empty()) {
            let at = Position::new(conv, message.send_time, self.batch.records.len() as u64);
            self.batch.keys.push(key_row(message, at, &mut self.scratch.says));
        }
    }

    /// Writes down what can't be sent, with the errors found about it.
    fn reject(&mut self, place: Place, message: Option<&Message<'_>>) {
        let errors = self.scratch.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
        let reasons: Vec<_> = errors
            .map(|finding| Reason {
                code: finding.code.name,
                means: finding.code.means,
                value: &finding.value,
            })
            .collect();
        let reject = Reject {
            reasons: &reasons,
            source: &self.batch.name,
            line: place.line,
            byte: place.byte,
            part: place.part,
            id: message.and_then(|message| message.source_id.as_deref()),
            message: message.and_then(body_of),
        };
        serde_json::to_writer(&mut self.batch.rejects, &reject).expect("texts and numbers are JSON");
        self.batch.rejects.push(b'\n');
    }
}

/// By what the message there is known again: its id, or all that it says where it has none.
fn key_row(message: &Message<'_>, at: Position, says: &mut Vec<u8>) -> KeyRow {
    says.clear();
    says.extend_from_slice(&at.conv().to_bytes());
    says.extend_from_slice(message.sender.as_bytes());
    says.push(0xff);
    says.extend_from_slice(&message.send_time.0.to_le_bytes());
    says.extend_from_slice(&message.content_type.to_le_bytes());
    says.extend_from_slice(message.content.as_bytes());
    let all = xxh3_128(says);
    let (key, kind, content) = match message.source_id.as_deref() {
        Some(id) if !id.is_empty() => (Key::of(id.as_bytes()), KeyKind::Id, low(all)),
        _ => (Key::from_hash(all), KeyKind::Text, 0),
    };
    KeyRow { key, kind, source: message.place.source, at: ByOffset(at), content }
}

/// Tells two pairs that share a conversation's name (law 11), and two names that share a [`ConvKey`].
pub(super) fn pair_hash(message: &Message<'_>, scratch: &mut Vec<u8>) -> u32 {
    match &message.peer {
        Peer::User(to) => pair_hash_of(&message.sender, Some(to), scratch),
        Peer::Group(group) => pair_hash_of(group, None, scratch),
    }
}

/// The same of two users in any order, or of a group alone.
pub(super) fn pair_hash_of(a: &str, b: Option<&str>, scratch: &mut Vec<u8>) -> u32 {
    let (first, second) = match b {
        Some(b) if b < a => (b, a),
        Some(b) => (a, b),
        None => (a, ""),
    };
    scratch.clear();
    scratch.extend_from_slice(first.as_bytes());
    // Stands in no UTF-8: no two pairs give the same bytes.
    scratch.push(0xff);
    scratch.extend_from_slice(second.as_bytes());
    let [a, b, c, d, ..] = xxh3_64(scratch).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn low(hash: u128) -> u64 {
    u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default()
}
