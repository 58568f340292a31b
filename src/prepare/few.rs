//! A pass of messages that are at hand.

use std::collections::BTreeMap;

use crate::job::{ConvKey, Job, JobError, Peers, Position, Reply, UserKey, write_record};
use crate::message::{GroupId, Message, Peer, UserId};

/// Adds these messages to the job as a pass of their own, unexamined; everything in memory.
///
/// # Panics
/// If a message is a reply without a slot for the quoted one.
pub fn few(job: &mut Job, messages: &[Message<'_>]) -> Result<(), JobError> {
    let mut pass = job.begin_pass("{}")?;
    let mut scratch = String::new();
    let mut sorted = BTreeMap::new();
    for message in messages {
        let mut record = Vec::new();
        let len = write_record(message, &mut record).expect("a message that can be written");
        let offset = pass.append(&record)?;
        let key = ConvKey::of(message, &mut scratch);
        sorted.insert(Position::new(key, message.send_time, offset), (len, message));
    }
    let (mut loader, _) = pass.load()?;
    let mut last = None;
    for (position, (len, message)) in sorted {
        if last != Some(position.conv()) {
            loader.end()?;
            let peers = match &message.peer {
                Peer::User(to) => {
                    let mut pair = [UserId(message.sender.to_string()), UserId(to.to_string())];
                    pair.sort();
                    let [a, b] = pair;
                    Peers::Single(a, b)
                }
                Peer::Group(group) => Peers::Group(GroupId(group.to_string())),
            };
            let earlier = loader.earlier(position.conv())?;
            loader.conversation(position.conv(), &peers, earlier.as_ref())?;
            last = Some(position.conv());
        }
        let user = UserKey::of(&message.sender);
        loader.member(user);
        if !loader.knows_user(user)? {
            loader.user(&message.sender, &message.nickname, &message.face_url)?;
        }
        let reply = if message.quote.is_some() { Reply::AsText } else { Reply::No };
        loader.entry(position.offset(), len, position.time(), reply)?;
    }
    loader.end()?;
    pass.finish("{}")
}
