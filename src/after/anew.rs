//! Conversations are taken back whole and sent anew: deleted, cut off, forgotten. Where everything in them is ours, that
//! leaves a log that users can scroll, whatever stood there before.

use std::collections::HashSet;

use super::undo::undo;
use super::visit::{AfterError, Server, Settings, all, look_in_each};
use crate::job::{ConvNo, Conversation, Job, JobError, JobReader, SharedReader};
use crate::log::{Log, PAGE, is_notice};
use crate::message::{ConversationId, MsgId, Ordinal, Seq};
use crate::openim::{Client, pages};

/// Which of the conversations that `settings` are about can be taken back and sent anew: those in which nobody else has
/// written anything. Notices don't count: nobody loses them.
pub async fn all_ours(
    client: Client,
    reader: &JobReader,
    settings: &Settings,
) -> Result<Vec<Conversation>, AfterError> {
    let (tasks, mut found) = look_in_each(client, reader, settings, |server, desk, next| async move {
        let can = desk.read(|reader| reader.can_start_again(next.no))?;
        Ok((can && is_ours(&server, &desk, &next).await?).then_some(next))
    })?;
    let mut ours = Vec::new();
    while let Some(conversation) = found.recv().await {
        ours.push(conversation);
    }
    all(tasks).await?;
    ours.sort_by_key(|conversation| conversation.no);
    Ok(ours)
}

async fn is_ours(
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
) -> Result<bool, AfterError> {
    let mut log = Log::open(server, desk, conversation).await?;
    if log.bound < log.max_seq {
        // Somebody is writing just now, and it may not be us.
        return Ok(false);
    }
    let known = desk.read(|reader| Known::of(reader, conversation.no))?;
    for (from, to) in pages(Seq(1), log.bound, PAGE) {
        for seen in log.page(from, to, &[]).await? {
            if !known.names.contains(&seen.ids.server)
                && !known.nameless.contains(&seen.seq)
                && !is_notice(seen.stored.content_type)
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// What the job knows of a conversation's log.
struct Known {
    /// The server's names of all that is ours.
    names: HashSet<MsgId>,
    /// Where ours stand whose names are not known.
    nameless: HashSet<Seq>,
}

impl Known {
    fn of(reader: &JobReader, conv: ConvNo) -> Result<Self, JobError> {
        let mut known = Self { names: HashSet::new(), nameless: HashSet::new() };
        for receipt in reader.receipts(conv, Ordinal(0), usize::MAX)? {
            let _is_new = match receipt.ids {
                Some(ids) => known.names.insert(ids.server),
                None => known.nameless.insert(receipt.seq),
            };
        }
        known.names.extend(reader.withdrawn(conv)?.into_iter().map(|one| one.ids.server));
        known.names.extend(reader.doubles_of(conv)?.into_iter().map(|(_, name)| name));
        Ok(known)
    }
}

/// Deletes these conversations, cuts them off, and has them start anew. [`Job::begin_taking_back`] was called of them:
/// whatever cuts this short, the same goes on. Gives those that could not be deleted whole.
pub async fn take_back(
    client: Client,
    job: &mut Job,
    settings: Settings,
) -> Result<Vec<ConversationId>, AfterError> {
    let reader = job.reader()?;
    let mut conversations = Vec::new();
    for conv in reader.taken_back()? {
        conversations.extend(reader.conversation(conv)?);
    }
    if conversations.is_empty() {
        return Ok(Vec::new());
    }
    let only = Some(conversations.iter().map(Conversation::id).collect());
    undo(client, job, Settings { only, ..settings }, false, |_| {}).await?;
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for conversation in conversations {
        match reader.undone(conversation.no)? {
            Some(undone) if undone.is_done && undone.failed == 0 => done.push(conversation.no),
            // Nothing was ever sent there.
            None => done.push(conversation.no),
            Some(_) => left.push(conversation.id()),
        }
    }
    job.start_again_of(&done)?;
    Ok(left)
}
