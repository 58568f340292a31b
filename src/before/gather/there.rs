//! Conversations that hold messages already: are they this history's? Then it would be imported twice. Are they newer
//! than it? Then it could not be scrolled (law 15). Are they notices alone? Those can be cut away.
//!
//! Compared with all messages of the job is what stands in the first and the last hundred slots; `run` itself looks
//! at every slot once more before a conversation begins. Read is what is written for sure (law 3): up to where one of
//! those who may have written has read.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::job::{ConvNo, Conversation, JobError, JobReader, Peers};
use crate::log::{Stored, is_notice, is_ours};
use crate::message::{Ordinal, SendTime, Seq};
use crate::openim::{CallError, LogRecord, Range, pages};

use super::super::ask::Ask;
use super::super::facts::{Notices, Occupied};
use super::PreflightError;

/// Slots looked at, at either end.
const SLOTS: i64 = 100;
/// Of a group, so many who write in our history are asked how far they have read.
const SENDERS: usize = 8;

/// A conversation that holds something, and what is compared with it.
#[derive(Debug)]
pub(super) struct Held {
    conversation: Conversation,
    /// Who may read it, and may have written there: who writes first and last in our history, both of a pair, of a
    /// group some more who write in it.
    users: Vec<String>,
    /// Of one that was begun: the last slot that is known, and the first message that is left to send.
    begun: Option<(i64, SendTime)>,
    /// Held only while something is looked up.
    job: Mutex<JobReader>,
}

impl Held {
    pub(super) fn of(job: &JobReader, no: ConvNo) -> Result<Option<Self>, JobError> {
        let Some(conversation) = job.conversation(no)? else { return Ok(None) };
        let mut begun = None;
        if let Some(progress) = job.progress(no)? {
            // Nothing is left to send there: nothing is in its way.
            let Some(next) = job.entries(no, progress.cursor, 1)?.pop() else { return Ok(None) };
            begun = Some((progress.read_to.0, next.send_time));
        }
        let mut users = Vec::new();
        for ordinal in [0, conversation.messages.saturating_sub(1)] {
            for entry in job.entries(no, Ordinal(ordinal), 1)? {
                users.push(job.message(&entry)?.sender.0);
            }
        }
        match &conversation.peers {
            Peers::Single(a, b) => users.extend([a.0.clone(), b.0.clone()]),
            Peers::Group(_) => users.extend(job.senders(no)?.into_iter().map(|user| user.0).take(SENDERS)),
        }
        let mut known = HashSet::new();
        users.retain(|user| known.insert(user.clone()));
        Ok(Some(Self { conversation, users, begun, job: Mutex::new(job.reopen()?) }))
    }

    /// Whether that is one of its messages.
    fn has(&self, stored: &Stored<'_>) -> Result<bool, JobError> {
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        is_ours(&job, &self.conversation, stored)
    }
}

/// What stands in a conversation, as far as it was looked into.
#[derive(Debug, Default)]
pub(super) struct There {
    /// The name of the conversation, if something of ours stands in it.
    pub(super) ours: Option<String>,
    /// Its name, and who wrote the newest message, if that is newer than our oldest (law 15).
    pub(super) newer: Option<(String, Occupied)>,
    /// It was begun: its name, and who wrote since what is newer than the rest.
    pub(super) since: Option<String>,
    /// Nothing but notices of the server stands in it.
    pub(super) notices: Option<Notices>,
}

/// Looks into the first and the last hundred slots. The inner error: it was not answered.
pub(super) async fn look(ask: &Ask, held: &Held) -> Result<Result<There, CallError>, PreflightError> {
    let name = held.conversation.id().0;
    let (max_seq, bound) = match reach(ask, held, &name).await {
        Ok(reach) => reach,
        Err(error) => return Ok(Err(error)),
    };
    // Slot 100 is not read by itself where others follow: a hole across it would be dated wrongly (law 15).
    let from = held.begun.map_or(1, |(read_to, _)| read_to + 1);
    let first = if bound >= from + SLOTS { from + SLOTS } else { bound };
    let last = (bound - SLOTS + 1).max(first + 1);
    for user in &held.users {
        let mut seen = Seen::default();
        for (from, to) in [(from, first), (last, bound)] {
            for (from, to) in pages(Seq(from), Seq(to), SLOTS + 1) {
                let ranges = [Range { conversation: &name, from, to }];
                let pulled = match ask.read(|client| client.pull(user, &ranges)).await {
                    Ok(pulled) => pulled,
                    Err(error) => return Ok(Err(error)),
                };
                match pulled.of(&name) {
                    Ok(records) => seen.take(held, &records)?,
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        // Who sees nothing is no participant, or has no record of the conversation.
        if seen.slots > 0 {
            return Ok(Ok(seen.there(held, name, user, (max_seq, bound))));
        }
    }
    Ok(Ok(There::default()))
}

/// `maxSeq`, and how far somebody has read: whoever wrote the newest message has read it by that.
async fn reach(ask: &Ask, held: &Held, name: &str) -> Result<(i64, i64), CallError> {
    let (mut max_seq, mut bound) = (0, 0);
    let names = [name];
    for user in &held.users {
        for seqs in ask.read(|client| client.seqs(user, &names)).await? {
            max_seq = max_seq.max(seqs.max_seq);
            bound = bound.max(seqs.has_read_seq);
        }
        if bound >= max_seq {
            break;
        }
    }
    Ok((max_seq, bound))
}

/// What was read.
#[derive(Debug, Default)]
struct Seen {
    ours: bool,
    slots: i64,
    messages: u64,
    notices: u64,
    /// The highest time, and who wrote then.
    newest: Option<(SendTime, String)>,
}

impl Seen {
    fn take(&mut self, held: &Held, records: &[LogRecord<'_>]) -> Result<(), JobError> {
        for record in records {
            self.slots += 1;
            if record.is_empty() {
                continue;
            }
            self.ours |= held.has(&Stored::of(record))?;
            self.messages += 1;
            self.notices += u64::from(is_notice(record.content_type));
            if self.newest.as_ref().is_none_or(|(time, _)| *time < record.time()) {
                self.newest = Some((record.time(), record.sender.to_string()));
            }
        }
        Ok(())
    }

    fn there(self, held: &Held, name: String, user: &str, (max_seq, bound): (i64, i64)) -> There {
        if let Some((_, next)) = held.begun {
            let newer = self.newest.filter(|(time, _)| !self.ours && *time >= next);
            let since = newer.map(|(_, sender)| format!("{name} (newest from {sender})"));
            return There { since, ..There::default() };
        }
        if self.ours {
            return There { ours: Some(name), ..There::default() };
        }
        let whole = bound >= max_seq && self.slots == max_seq;
        if whole && self.notices > 0 && self.messages == self.notices {
            let notices = Notices { conversation: name, user: user.to_owned(), slots: max_seq };
            return There { notices: Some(notices), ..There::default() };
        }
        let Conversation { peers, messages, first_time, last_time, .. } = &held.conversation;
        let newer = self.newest.filter(|(time, _)| time >= first_time).map(|(time, sender)| {
            let occupied = Occupied {
                conversation: held.conversation.id(),
                peers: peers.clone(),
                newest: (bound >= max_seq).then_some(time),
                until: *last_time,
                messages: *messages,
            };
            (format!("{name} (newest from {sender})"), occupied)
        });
        There { newer, ..There::default() }
    }
}
