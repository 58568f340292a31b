//! Conversations that hold messages already: are they this history's? Then it would be imported twice.
//!
//! Compared with all messages of the job is what stands in the first and the last hundred slots; `run` itself looks
//! at every slot once more before a conversation begins. Read is what is written for sure (law 3): up to where those
//! have read themselves who write first and last in it.

use std::sync::{Mutex, PoisonError};

use crate::job::{ConvNo, Conversation, JobError, JobReader};
use crate::log::{Stored, candidates};
use crate::message::{Ordinal, Seq};
use crate::openim::{CallError, Range};

use super::super::ask::Ask;
use super::PreflightError;

/// Slots looked at, at either end.
const SLOTS: i64 = 100;

/// A conversation that holds something, and what is compared with it.
#[derive(Debug)]
pub(super) struct Held {
    conversation: Conversation,
    /// Who writes first and last in it.
    users: Vec<String>,
    /// Held only while something is looked up.
    job: Mutex<JobReader>,
}

impl Held {
    pub(super) fn of(job: &JobReader, no: ConvNo) -> Result<Option<Self>, JobError> {
        let Some(conversation) = job.conversation(no)? else { return Ok(None) };
        let mut users = Vec::new();
        for ordinal in [0, conversation.messages.saturating_sub(1)] {
            for entry in job.entries(no, Ordinal(ordinal), 1)? {
                users.push(job.message(&entry)?.sender.0);
            }
        }
        users.dedup();
        Ok(Some(Self { conversation, users, job: Mutex::new(job.reopen()?) }))
    }

    /// Whether that is one of its messages.
    fn has(&self, stored: &Stored<'_>) -> Result<bool, JobError> {
        let Conversation { first_time, last_time, .. } = self.conversation;
        if stored.time < first_time || stored.time > last_time {
            return Ok(false);
        }
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(!candidates(&job, &self.conversation, stored)?.is_empty())
    }
}

/// The name of the conversation, if something of ours stands in it. The inner error: it was not answered.
pub(super) async fn look(
    ask: &Ask,
    held: &Held,
) -> Result<Result<Option<String>, CallError>, PreflightError> {
    let id = held.conversation.id().0;
    let names = [id.as_str()];
    for user in &held.users {
        let seqs = match ask.read(|client| client.seqs(user, &names)).await {
            Ok(seqs) => seqs,
            Err(error) => return Ok(Err(error)),
        };
        let bound = seqs.first().map_or(0, |seqs| seqs.has_read_seq);
        let last = (bound - SLOTS + 1).max(SLOTS + 1);
        for (from, to) in [(1, bound.min(SLOTS)), (last, bound)] {
            if to < from {
                continue;
            }
            match stands(ask, held, &id, user, Seq(from), Seq(to)).await? {
                Ok(true) => return Ok(Ok(Some(id.clone()))),
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }
    Ok(Ok(None))
}

async fn stands(
    ask: &Ask,
    held: &Held,
    id: &str,
    user: &str,
    from: Seq,
    to: Seq,
) -> Result<Result<bool, CallError>, PreflightError> {
    let ranges = [Range { conversation: id, from, to }];
    let pulled = match ask.read(|client| client.pull(user, &ranges)).await {
        Ok(pulled) => pulled,
        Err(error) => return Ok(Err(error)),
    };
    let records = match pulled.records() {
        Ok(records) => records,
        Err(error) => return Ok(Err(error)),
    };
    let all = records.iter().filter(|(name, _)| name == id).flat_map(|(_, records)| records);
    for record in all.filter(|record| !record.is_empty()) {
        if held.has(&Stored::of(record))? {
            return Ok(Ok(true));
        }
    }
    Ok(Ok(false))
}
