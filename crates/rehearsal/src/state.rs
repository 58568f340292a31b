//! The state file: everything the server knows, one JSON object a line, so that a restart loses nothing.
//!
//! It is written when the server stops and on request, to a file beside it that then takes its place. What
//! was in the queue is kept as well: that is what Kafka does.

mod lines;

use super::log::Member;
use super::shared::Shared;
use super::world::{Queued, User, World};
use lines::{
    Line, SavedConversation, VERSION, restore_group, restore_slot, restored, saved, saved_group,
    saved_member, saved_slot, saved_user,
};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

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
    if let Some(accounts) = shared.chat.saved() {
        put(&Line::Chat(Box::new(accounts)))?;
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
    for queued in world
        .redelivered
        .iter()
        .chain(world.collected.iter().flat_map(|(_, group)| group))
        .chain(&world.stalled)
        .chain(&world.queue)
    {
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
        Line::Chat(saved) => shared.chat.restore(*saved),
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
            let (pinned, bell) = (saved.pinned, saved.bell);
            let member =
                Member { record_from, missed: None, has_read, min_seq, max_seq, hidden, pinned, bell };
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
