//! One conversation's log as it can be read without harm: up to the safe bound and no further (law 3), as
//! somebody who may read it, and where he sees nothing, as somebody else.

use super::visit::{AfterError, Desk, Server};
use crate::import::Stored;
use crate::job::{Conversation, JobError, JobReader, Peers};
use crate::message::{Ids, Ordinal, Seq};
use crate::openim::{LogRecord, Range};

/// A message in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its slot.
    pub(super) seq: Seq,
    /// Its names.
    pub(super) ids: Ids,
    /// What it says.
    pub(super) stored: Stored<'static>,
}

/// A conversation's log.
#[derive(Debug)]
pub(super) struct Log<'a> {
    server: &'a Server,
    name: String,
    /// Who may be asked, the likeliest first.
    readers: Vec<String>,
    /// The last slot that was handed out; what has it may not be written yet.
    pub(super) max_seq: Seq,
    /// Reading up to here does no harm.
    pub(super) bound: Seq,
}

/// So many users are asked how far they have read, at most.
const MOST_ASKED: usize = 200;
/// So many are asked what stands in an empty slot.
const PARTICIPANTS: usize = 3;
/// Slots read at once.
pub(super) const PAGE: i64 = 200;

impl<'a> Log<'a> {
    /// Asks how far the conversation goes, and how far it can be read.
    pub(super) async fn open(
        server: &'a Server,
        desk: &Desk,
        conversation: &Conversation,
    ) -> Result<Log<'a>, AfterError> {
        let name = conversation.id().0;
        let admin = server.client.admin_user();
        let max_seq = Self::seqs(server, admin, &name).await?.0;
        let readers = desk.read(|reader| likely_senders(reader, conversation, max_seq))?;
        let mut log = Self { server, name, readers, max_seq, bound: Seq(0) };
        log.find_bound().await?;
        if log.bound < log.max_seq
            && let Peers::Group(group) = &conversation.peers
        {
            // Somebody who is not in the export may have sent the newest message.
            let members = server.members(group.as_str()).await?;
            let others = members.into_iter().filter(|user| !log.readers.contains(user));
            let known = log.readers.len();
            let others: Vec<String> = others.take(MOST_ASKED.saturating_sub(known)).collect();
            log.readers.extend(others);
            log.find_bound_from(known).await?;
        }
        // Positions never go back, numbers can (law 4).
        log.bound = log.bound.min(log.max_seq);
        Ok(log)
    }

    /// The server's name of the conversation.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn find_bound(&mut self) -> Result<(), AfterError> {
        self.find_bound_from(0).await
    }

    /// The safe bound: whose message is the newest, his own position moves only when it is written.
    async fn find_bound_from(&mut self, first: usize) -> Result<(), AfterError> {
        for user in self.readers.iter().skip(first) {
            if self.bound >= self.max_seq {
                break;
            }
            let (_, read) = Self::seqs(self.server, user, &self.name).await?;
            self.bound = self.bound.max(read);
        }
        Ok(())
    }

    /// `maxSeq` and `hasReadSeq`.
    async fn seqs(server: &Server, user: &str, name: &str) -> Result<(Seq, Seq), AfterError> {
        let seqs = server.seqs(user, &[name]).await?;
        Ok(seqs.first().map_or((Seq(0), Seq(0)), |seqs| (Seq(seqs.max_seq), Seq(seqs.has_read_seq))))
    }

    /// What stands in these slots, at most [`PAGE`] and none behind the safe bound; empty ones are left out.
    /// `wanted` are slots in which something must stand: where one reader sees nothing there, others look.
    pub(super) async fn page(&mut self, from: Seq, to: Seq, wanted: &[Seq]) -> Result<Vec<Seen>, AfterError> {
        debug_assert!(to <= self.bound, "law 3");
        self.server.turns((to.0 - from.0 + 1).unsigned_abs()).await?;
        let mut seen = Vec::new();
        let mut looked = 0;
        for at in 0..self.readers.len() {
            let Some(reader) = self.readers.get(at) else { break };
            let (found, sees_anything) = self.pull(reader, from, to).await?;
            if !sees_anything {
                // He is no participant, or has no record of the conversation.
                continue;
            }
            merge(&mut seen, found);
            if looked == 0 {
                // The next page is asked of him first.
                self.readers[..=at].rotate_right(1);
            }
            looked += 1;
            let lacks = |seq: &Seq| seen.binary_search_by_key(seq, |one: &Seen| one.seq).is_err();
            if looked == PARTICIPANTS || !wanted.iter().any(lacks) {
                break;
            }
        }
        Ok(seen)
    }

    async fn pull(&self, user: &str, from: Seq, to: Seq) -> Result<(Vec<Seen>, bool), AfterError> {
        let range = Range { conversation: &self.name, from, to };
        let Some(pulled) = self.server.pull(user, &range).await? else { return Ok((Vec::new(), false)) };
        let records = pulled.records().map_err(AfterError::Call)?;
        let mine = records.iter().filter(|(name, _)| *name == self.name).flat_map(|(_, records)| records);
        let (mut seen, mut any) = (Vec::new(), false);
        for record in mine {
            any = true;
            if !record.is_empty() && (from.0..=to.0).contains(&record.seq) {
                seen.push(Seen::of(record));
            }
        }
        Ok((seen, any))
    }

    /// Deletes slots, for everybody.
    pub(super) async fn delete(&self, seqs: &[Seq]) -> Result<(), AfterError> {
        /// A stored document has a hundred messages: more at once touch more of them.
        const AT_ONCE: usize = 100;
        for some in seqs.chunks(AT_ONCE) {
            self.server.delete(&self.name, some).await?;
        }
        Ok(())
    }
}

impl Seen {
    fn of(record: &LogRecord<'_>) -> Self {
        Self { seq: Seq(record.seq), ids: record.ids(), stored: Stored::of(record).into_owned() }
    }
}

/// Adds what another reader saw; both in order.
fn merge(seen: &mut Vec<Seen>, more: Vec<Seen>) {
    if seen.is_empty() {
        *seen = more;
        return;
    }
    for one in more {
        if let Err(at) = seen.binary_search_by_key(&one.seq, |known| known.seq) {
            seen.insert(at, one);
        }
    }
}

/// Who may have sent the newest message: whoever sent the last confirmed one, then everybody else. Where
/// nothing is known yet, as many of ours are there as the log is long, or a few less.
fn likely_senders(
    reader: &JobReader,
    conversation: &Conversation,
    max_seq: Seq,
) -> Result<Vec<String>, JobError> {
    const LAST: u64 = 8;
    let mut users: Vec<String> = Vec::new();
    let mut add = |user: String| {
        if !users.contains(&user) {
            users.push(user);
        }
    };
    let known = reader.progress(conversation.no)?.map(|progress| progress.cursor.0);
    let cursor = known.unwrap_or_else(|| conversation.messages.min(max_seq.0.unsigned_abs()));
    let from = Ordinal(cursor.saturating_sub(LAST));
    let mut last = reader.entries(conversation.no, from, usize::try_from(LAST).unwrap_or(1))?;
    last.retain(|entry| entry.ordinal.0 < cursor);
    // Without texts nobody knows who sent what; then everybody is as likely.
    let last = if reader.is_purged()? { Vec::new() } else { last };
    for entry in last.iter().rev() {
        add(reader.message(entry)?.sender.0);
    }
    for user in reader.participants(conversation, MOST_ASKED)? {
        add(user.0);
    }
    Ok(users)
}
