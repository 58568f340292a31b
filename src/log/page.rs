//! One conversation's log as it can be read without harm: up to the safe bound and no further (law 3), as
//! somebody who may read it, and where he sees nothing, as somebody else.

use super::readers::last_senders;
use super::same::Stored;
use super::server::{LogError, Server};
use crate::job::{Conversation, Peers, SharedReader};
use crate::message::{Ids, MsgId, Seq};
use crate::openim::{DOCUMENT, LogRecord, Range, pages};
use crate::shown::Slot;

/// A message in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its slot.
    pub seq: Seq,
    /// Its names.
    pub ids: Ids,
    /// What it says.
    pub stored: Stored<'static>,
}

/// A conversation's log.
#[derive(Debug)]
pub struct Log<'a> {
    server: &'a Server,
    name: String,
    /// Who may be asked, the likeliest first.
    readers: Vec<String>,
    /// The last slot that was handed out; what has it may not be written yet.
    pub max_seq: Seq,
    /// Reading up to here does no harm.
    pub bound: Seq,
}

/// So many users are asked how far they have read, at most.
const MOST_ASKED: usize = 200;
/// So many are asked what stands in an empty slot.
const PARTICIPANTS: usize = 3;
/// So many are asked for slots with their dates, also where nobody is shown any.
const MOST_LOOKING: usize = 16;
/// Slots read at once.
pub const PAGE: i64 = 200;

impl<'a> Log<'a> {
    /// Asks how far the conversation goes, and how far it can be read.
    pub async fn open(
        server: &'a Server,
        job: &SharedReader,
        conversation: &Conversation,
    ) -> Result<Log<'a>, LogError> {
        let name = conversation.id().0;
        let admin = server.client.admin_user();
        let max_seq = Self::seqs(server, admin, &name).await?.0;
        let readers = job.read(|reader| last_senders(reader, conversation, max_seq, MOST_ASKED))?;
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
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn find_bound(&mut self) -> Result<(), LogError> {
        self.find_bound_from(0).await
    }

    /// The safe bound: whose message is the newest, his own position moves only when it is written.
    async fn find_bound_from(&mut self, first: usize) -> Result<(), LogError> {
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
    async fn seqs(server: &Server, user: &str, name: &str) -> Result<(Seq, Seq), LogError> {
        let seqs = server.seqs(user, &[name]).await?;
        Ok(seqs.first().map_or((Seq(0), Seq(0)), |seqs| (Seq(seqs.max_seq), Seq(seqs.has_read_seq))))
    }

    /// What stands in these slots, at most [`PAGE`] and none behind the safe bound; empty ones are left out.
    /// `wanted` are slots in which something must stand: where one reader sees nothing there, or not what it says, others
    /// look.
    pub async fn page(&mut self, from: Seq, to: Seq, wanted: &[Seq]) -> Result<Vec<Seen>, LogError> {
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
            let lacks = |seq: &Seq| {
                let known = seen.binary_search_by_key(seq, |one: &Seen| one.seq);
                known.map_or(true, |at| !seen[at].stored.is_shown())
            };
            if looked == PARTICIPANTS || !wanted.iter().any(lacks) {
                break;
            }
        }
        Ok(seen)
    }

    /// These slots as a participant is given them, empty ones with their dates; what is cut off is left out.
    pub async fn slots(&mut self, from: Seq, to: Seq) -> Result<Vec<Slot<MsgId>>, LogError> {
        debug_assert!(to <= self.bound, "law 3");
        self.server.turns((to.0 - from.0 + 1).unsigned_abs()).await?;
        let range = Range { conversation: &self.name, from, to: self.end_of(to) };
        let mut most: Vec<Slot<MsgId>> = Vec::new();
        let mut looked = 0;
        // Who has cleared the conversation sees less than the others, who sees nothing is no participant.
        for at in 0..self.readers.len().min(MOST_LOOKING) {
            let Some(pulled) = self.server.pull(&self.readers[at], &range).await? else { continue };
            let records = pulled.of(&self.name).map_err(LogError::Call)?;
            let slots: Vec<Slot<MsgId>> = records
                .iter()
                .filter(|record| (from.0..=to.0).contains(&record.seq))
                .map(|record| Slot {
                    seq: record.seq,
                    time: record.send_time,
                    id: (!record.is_empty()).then(|| MsgId::new(&record.client_id)),
                })
                .collect();
            looked += usize::from(!slots.is_empty());
            let found_more = slots.len() > most.len();
            if found_more {
                most = slots;
                self.readers[..=at].rotate_right(1);
            }
            if most.len() as u64 == (to.0 - from.0 + 1).unsigned_abs() || looked == PARTICIPANTS {
                break;
            }
        }
        Ok(most)
    }

    /// Up to where to read, if slots up to `to` are wanted: one farther where that ends at a multiple of 100, which the
    /// server would date wrongly if it is empty, and with it what lies below (law 15).
    fn end_of(&self, to: Seq) -> Seq {
        if to.0 % DOCUMENT == 0 && to < self.bound { Seq(to.0 + 1) } else { to }
    }

    async fn pull(&self, user: &str, from: Seq, to: Seq) -> Result<(Vec<Seen>, bool), LogError> {
        let range = Range { conversation: &self.name, from, to: self.end_of(to) };
        let Some(pulled) = self.server.pull(user, &range).await? else { return Ok((Vec::new(), false)) };
        let records = pulled.of(&self.name).map_err(LogError::Call)?;
        let shown = || records.iter().filter(|record| (from.0..=to.0).contains(&record.seq));
        let there = shown().filter(|record| !record.is_empty());
        Ok((there.map(Seen::of).collect(), shown().next().is_some()))
    }

    /// Cuts the conversation off where nobody has anything to lose: all of its slots can be seen, and are empty.
    /// What is sent after that is all that clients page into (law 15).
    pub async fn cut_if_empty(&mut self) -> Result<(), LogError> {
        if self.bound < self.max_seq || self.bound.0 == 0 {
            return Ok(());
        }
        let mut seen = 0;
        for (from, to) in pages(Seq(1), self.bound, PAGE) {
            let slots = self.slots(from, to).await?;
            if slots.iter().any(|slot| slot.id.is_some()) {
                return Ok(());
            }
            seen += slots.len();
        }
        // In a group somebody may see what all that were asked have cleared.
        if self.name.starts_with("sg_") && seen as u64 != self.bound.0.unsigned_abs() {
            return Ok(());
        }
        self.cut().await
    }

    /// Cuts the conversation off, whatever stands there.
    pub async fn cut(&self) -> Result<(), LogError> {
        for reader in self.readers.iter().take(MOST_LOOKING) {
            if self.server.cut(reader, &self.name).await? {
                break;
            }
        }
        Ok(())
    }

    /// Deletes slots, for everybody.
    pub async fn delete(&self, seqs: &[Seq]) -> Result<(), LogError> {
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
        match seen.binary_search_by_key(&one.seq, |known| known.seq) {
            Ok(at) if !seen[at].stored.is_shown() => seen[at] = one,
            Ok(_) => {}
            Err(at) => seen.insert(at, one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SendTime;

    fn seen(seq: i64, content: &str) -> Seen {
        let ids = Ids { server: MsgId::new("s"), client: MsgId::new("c") };
        let content = content.as_bytes().to_vec().into();
        let (sender, time, content_type, ex) = ("u1".into(), SendTime(7), 101, "".into());
        Seen { seq: Seq(seq), ids, stored: Stored { sender, time, content_type, content, ex } }
    }

    #[test]
    fn what_one_reader_deleted_for_himself_is_told_by_another() {
        let mut all = vec![seen(1, ""), seen(2, "two"), seen(4, "")];
        merge(&mut all, vec![seen(1, "one"), seen(2, ""), seen(3, "three")]);
        assert_eq!(all, vec![seen(1, "one"), seen(2, "two"), seen(3, "three"), seen(4, "")]);
    }
}
