//! The state file: everything the server knows, one JSON object a line, so that a restart loses nothing.
//!
//! It is written when the server stops and on request, to a file beside it that then takes its place. What
//! was in the queue is kept as well: that is what Kafka does.

use super::log::{Cached, Member, Revocation, Slot, Tally};
use super::record::{Extra, Record, Way, hex, unhex};
use super::shared::Shared;
use super::world::{Group, GroupMember, GroupStatus, Queued, User, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// The first line's number; a file with a higher one is refused.
const VERSION: u32 = 1;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head {
        version: u32,
        release: String,
        ids: u64,
        documents: u64,
    },
    Token {
        token: String,
    },
    User {
        id: String,
        nickname: String,
        face_url: String,
        ex: String,
        created: i64,
        receive_option: i32,
        level: i32,
    },
    Group(SavedGroup),
    Friends {
        of: String,
        friends: Vec<String>,
    },
    Blocks {
        of: String,
        blocks: Vec<(String, i64)>,
    },
    Conversation(SavedConversation),
    /// In the conversation named last.
    Member(SavedMember),
    /// In the conversation named last.
    Document {
        number: i64,
        rank: u64,
        bytes: usize,
    },
    /// In the conversation named last.
    Slot(Box<SavedSlot>),
    Queued {
        message: Box<SavedRecord>,
        again: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct SavedGroup {
    id: String,
    name: String,
    face_url: String,
    ex: String,
    owner: String,
    created: i64,
    status: i32,
    kind: i32,
    joins: usize,
    members: Vec<(String, usize, i32, i64, String, i64)>,
}

#[derive(Serialize, Deserialize)]
struct SavedConversation {
    id: String,
    max_seq: i64,
    max_seq_time: i64,
    min_seq: i64,
    tally: Tally,
}

#[derive(Serialize, Deserialize)]
struct SavedMember {
    user: String,
    record_from: Option<i64>,
    has_read: i64,
    min_seq: i64,
    max_seq: i64,
    hidden: BTreeSet<i64>,
}

#[derive(Serialize, Deserialize)]
struct SavedSlot {
    seq: i64,
    /// Absent, empty (law 3), or the message itself.
    cache: SavedCache,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    stored: Option<SavedRecord>,
    /// The store has what the cache has.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    same: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    revoked: Option<Box<Revocation>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedCache {
    Absent,
    Empty,
    Message(SavedRecord),
}

#[derive(Serialize, Deserialize)]
struct SavedRecord {
    sender: String,
    to: String,
    way: Way,
    server_id: String,
    client_id: String,
    send_time: i64,
    create_time: i64,
    content_type: i32,
    platform: i32,
    content: String,
    ex: String,
    not_offline_push: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    extra: Option<Box<Extra>>,
}

/// Writes everything to the file.
pub(super) fn save(shared: &Shared, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    {
        let mut out = BufWriter::new(file.as_file_mut());
        write_all(shared, &mut out)?;
        out.flush()?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Reads what [`save`] wrote; a file that isn't there is an empty server.
pub(super) fn load(shared: &Shared, path: &Path) -> io::Result<()> {
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut world = shared.world();
    let mut conversation: Arc<str> = "".into();
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let refuse = |why: String| {
            let place = format!("{}:{}: {why}", path.display(), n + 1);
            io::Error::new(io::ErrorKind::InvalidData, place)
        };
        let line: Line = serde_json::from_str(&line?).map_err(|error| refuse(error.to_string()))?;
        take(shared, &mut world, &mut conversation, line, n == 0).map_err(refuse)?;
    }
    Ok(())
}

fn write_all(shared: &Shared, out: &mut impl Write) -> io::Result<()> {
    let mut put = |line: &Line| -> io::Result<()> {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")
    };
    let world = shared.world();
    let release = shared.release().to_string();
    put(&Line::Head { version: VERSION, release, ids: world.ids, documents: world.documents })?;
    for token in shared.good_tokens() {
        put(&Line::Token { token })?;
    }
    for (id, user) in &world.users {
        put(&saved_user(id, user))?;
    }
    for (id, group) in &world.groups {
        put(&Line::Group(saved_group(id, group)))?;
    }
    for (of, friends) in &world.friends {
        put(&Line::Friends {
            of: of.to_string(),
            friends: friends.iter().map(ToString::to_string).collect(),
        })?;
    }
    for (of, blocks) in &world.blocks {
        let blocks = blocks.iter().map(|(user, time)| (user.to_string(), *time)).collect();
        put(&Line::Blocks { of: of.to_string(), blocks })?;
    }
    for (id, conversation) in &world.conversations {
        put(&Line::Conversation(SavedConversation {
            id: id.to_string(),
            max_seq: conversation.max_seq,
            max_seq_time: conversation.max_seq_time,
            min_seq: conversation.min_seq,
            tally: conversation.tally.clone(),
        }))?;
        for (user, member) in &conversation.members {
            put(&Line::Member(saved_member(user, member)))?;
        }
        for (number, document) in &conversation.documents {
            put(&Line::Document { number: *number, rank: document.rank, bytes: document.bytes })?;
        }
        for (seq, slot) in conversation.slots(1) {
            put(&Line::Slot(Box::new(saved_slot(seq, slot))))?;
        }
    }
    for queued in &world.queue {
        put(&Line::Queued { message: Box::new(saved(&queued.record)), again: queued.again })?;
    }
    Ok(())
}

fn take(
    shared: &Shared,
    world: &mut World,
    conversation: &mut Arc<str>,
    line: Line,
    first: bool,
) -> Result<(), String> {
    if first != matches!(line, Line::Head { .. }) {
        return Err("this is no state file of a rehearsal server".to_owned());
    }
    match line {
        Line::Head { version, release, ids, documents } => {
            if version > VERSION {
                return Err(format!("written by a newer version ({version}; this one knows {VERSION})"));
            }
            if release != shared.release().to_string() {
                return Err(format!(
                    "state of release {release}: start with --release {release}, or with another file"
                ));
            }
            (world.ids, world.documents) = (ids, documents);
        }
        Line::Token { token } => shared.restore_token(&token),
        Line::User { id, nickname, face_url, ex, created, receive_option, level } => {
            let (nickname, face_url, ex) = (nickname.into(), face_url.into(), ex.into());
            world.users.insert(id.into(), User { nickname, face_url, ex, created, receive_option, level });
        }
        Line::Group(group) => restore_group(world, group),
        Line::Friends { of, friends } => {
            let (of, friends) = (world.name(&of), friends.iter().map(|f| world.name(f)).collect());
            world.friends.insert(of, friends);
        }
        Line::Blocks { of, blocks } => {
            let of = world.name(&of);
            let blocks = blocks.into_iter().map(|(user, time)| (world.name(&user), time)).collect();
            world.blocks.insert(of, blocks);
        }
        Line::Conversation(saved) => {
            *conversation = saved.id.into();
            let there = world.conversation_mut(conversation);
            (there.max_seq, there.max_seq_time) = (saved.max_seq, saved.max_seq_time);
            (there.min_seq, there.tally) = (saved.min_seq, saved.tally);
        }
        Line::Member(saved) => {
            let user = world.name(&saved.user);
            let (record_from, has_read, hidden) = (saved.record_from, saved.has_read, saved.hidden);
            let (min_seq, max_seq) = (saved.min_seq, saved.max_seq);
            let member = Member { record_from, has_read, min_seq, max_seq, hidden };
            world.conversation_mut(conversation).members.insert(user, member);
        }
        Line::Document { number, rank, bytes } => {
            let document = world.conversation_mut(conversation).documents.entry(number).or_default();
            (document.rank, document.bytes) = (rank, bytes);
        }
        Line::Slot(saved) => restore_slot(world, conversation, *saved, shared.now())?,
        Line::Queued { message, again } => {
            let record = Arc::new(restored(world, *message)?);
            shared.enqueue(world, Queued { record, again });
        }
    }
    Ok(())
}

fn saved_user(id: &str, user: &User) -> Line {
    Line::User {
        id: id.to_owned(),
        nickname: user.nickname.to_string(),
        face_url: user.face_url.to_string(),
        ex: user.ex.to_string(),
        created: user.created,
        receive_option: user.receive_option,
        level: user.level,
    }
}

fn saved_group(id: &str, group: &Group) -> SavedGroup {
    let members = group
        .members
        .iter()
        .map(|(user, m)| {
            (user.to_string(), m.rank, m.role, m.joined, m.invited_by.to_string(), m.muted_until)
        })
        .collect();
    SavedGroup {
        id: id.to_owned(),
        name: group.name.to_string(),
        face_url: group.face_url.to_string(),
        ex: group.ex.to_string(),
        owner: group.owner.to_string(),
        created: group.created,
        status: group.status.code(),
        kind: group.kind,
        joins: group.joins,
        members,
    }
}

fn restore_group(world: &mut World, saved: SavedGroup) {
    let mut members = HashMap::new();
    for (user, rank, role, joined, invited_by, muted_until) in saved.members {
        let member = GroupMember { rank, role, joined, invited_by: invited_by.into(), muted_until };
        members.insert(world.name(&user), member);
    }
    let group = Group {
        name: saved.name.into(),
        face_url: saved.face_url.into(),
        ex: saved.ex.into(),
        owner: world.name(&saved.owner),
        created: saved.created,
        status: match saved.status {
            2 => GroupStatus::Dismissed,
            3 => GroupStatus::Muted,
            _ => GroupStatus::Open,
        },
        kind: saved.kind,
        members,
        joins: saved.joins,
    };
    world.groups.insert(saved.id.into(), group);
}

fn saved_member(user: &str, member: &Member) -> SavedMember {
    SavedMember {
        user: user.to_owned(),
        record_from: member.record_from,
        has_read: member.has_read,
        min_seq: member.min_seq,
        max_seq: member.max_seq,
        hidden: member.hidden.clone(),
    }
}

fn saved_slot(seq: i64, slot: &Slot) -> SavedSlot {
    let (cache, same) = match (&slot.cached, &slot.stored) {
        (Cached::Absent, _) => (SavedCache::Absent, false),
        (Cached::Empty, _) => (SavedCache::Empty, false),
        (Cached::Message(record), stored) => (
            SavedCache::Message(saved(record)),
            stored.as_ref().is_some_and(|stored| Arc::ptr_eq(stored, record)),
        ),
    };
    let stored = slot.stored.as_ref().filter(|_| !same).map(|record| saved(record));
    SavedSlot { seq, cache, stored, same, deleted: slot.deleted, revoked: slot.revoked.clone() }
}

fn restore_slot(
    world: &mut World,
    conversation: &Arc<str>,
    saved: SavedSlot,
    now: i64,
) -> Result<(), String> {
    let cached = match saved.cache {
        SavedCache::Absent => Cached::Absent,
        SavedCache::Empty => Cached::Empty,
        SavedCache::Message(record) => Cached::Message(Arc::new(restored(world, record)?)),
    };
    let stored = match (&cached, saved.stored) {
        (Cached::Message(record), _) if saved.same => Some(Arc::clone(record)),
        (_, Some(record)) => Some(Arc::new(restored(world, record)?)),
        (_, None) => None,
    };
    let mut slot = Slot { stored, deleted: saved.deleted, revoked: saved.revoked, ..Slot::default() };
    slot.cache(cached, now);
    *world.conversation_mut(conversation).slot_mut(saved.seq) = slot;
    Ok(())
}

fn saved(record: &Record) -> SavedRecord {
    let route = &record.route;
    SavedRecord {
        sender: route.sender.to_string(),
        to: if route.way.is_group() { route.group.to_string() } else { route.receiver.to_string() },
        way: route.way,
        server_id: hex(record.server_id),
        client_id: hex(record.client_id),
        send_time: record.send_time,
        create_time: record.create_time,
        content_type: record.content_type,
        platform: record.platform,
        content: record.content.to_string(),
        ex: record.ex.to_string(),
        not_offline_push: record.not_offline_push,
        extra: record.extra.clone(),
    }
}

fn restored(world: &mut World, saved: SavedRecord) -> Result<Record, String> {
    let id = |text: &str| unhex(text).ok_or_else(|| format!("`{text}` is no id"));
    let (server_id, client_id) = (id(&saved.server_id)?, id(&saved.client_id)?);
    let sender = world.name(&saved.sender);
    Ok(Record {
        route: world.routes.to(&sender, &saved.to, saved.way),
        server_id,
        client_id,
        send_time: saved.send_time,
        create_time: saved.create_time,
        content_type: saved.content_type,
        platform: saved.platform,
        content: saved.content.into(),
        ex: saved.ex.into(),
        not_offline_push: saved.not_offline_push,
        extra: saved.extra,
    })
}
