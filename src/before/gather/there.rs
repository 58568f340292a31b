//! Conversations that hold messages already: are they this history's? Then it would be imported twice.
//!
//! Looked for are our first and our last message, in the first and the last hundred slots; `run` itself looks
//! through everything once more before a conversation begins. Read is what is written for sure (law 3): up to
//! where the senders of these two have read themselves.

use crate::job::{ConvNo, JobError, JobReader, Spooled};
use crate::log::{Stored, is_same};
use crate::message::{Ordinal, Seq};
use crate::openim::{CallError, Range};

use super::super::ask::Ask;

/// Slots looked at, at either end.
const SLOTS: i64 = 100;

/// A conversation that holds something, and what is looked for in it.
#[derive(Debug)]
pub(super) struct Held {
    id: String,
    ends: Vec<Spooled>,
}

impl Held {
    pub(super) fn of(job: &JobReader, no: ConvNo) -> Result<Option<Self>, JobError> {
        let Some(conversation) = job.conversation(no)? else { return Ok(None) };
        let mut ends = Vec::new();
        for ordinal in [0, conversation.messages.saturating_sub(1)] {
            for entry in job.entries(no, Ordinal(ordinal), 1)? {
                ends.push(job.message(&entry)?);
            }
        }
        Ok(Some(Self { id: conversation.id().0, ends }))
    }
}

/// The name of the conversation, if one of them stands in it.
pub(super) async fn look(ask: &Ask, held: &Held) -> Result<Option<String>, CallError> {
    let mut users: Vec<&str> = held.ends.iter().map(|message| message.sender.as_str()).collect();
    users.dedup();
    let id = [held.id.as_str()];
    for user in users {
        let seqs = ask.read(|client| client.seqs(user, &id)).await?;
        let bound = seqs.first().map_or(0, |seqs| seqs.has_read_seq);
        let last = (bound - SLOTS + 1).max(SLOTS + 1);
        for (from, to) in [(1, bound.min(SLOTS)), (last, bound)] {
            if to >= from && stands(ask, held, user, Seq(from), Seq(to)).await? {
                return Ok(Some(held.id.clone()));
            }
        }
    }
    Ok(None)
}

async fn stands(ask: &Ask, held: &Held, user: &str, from: Seq, to: Seq) -> Result<bool, CallError> {
    let ranges = [Range { conversation: &held.id, from, to }];
    let pulled = ask.read(|client| client.pull(user, &ranges)).await?;
    let records = pulled.records()?;
    let mut all = records.iter().filter(|(id, _)| *id == held.id).flat_map(|(_, records)| records);
    Ok(all.any(|record| {
        !record.is_empty() && {
            let stored = Stored::of(record);
            held.ends.iter().any(|message| is_same(message, &stored))
        }
    }))
}
