//! What stands in the slots of a conversation before its messages are deleted, and what is there afterwards.

use super::super::book::{JobBook, Memory};
use super::super::verify::Book;
use super::super::visit::{AfterError, Server};
use super::AT_ONCE;
use crate::job::{Conversation, JobError, JobReader, Left, Receipt, SharedReader};
use crate::log::{Log, PAGE, Seen};
use crate::message::{Ids, Ordinal, Seq};
use crate::openim::pages;

/// What becomes of some messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fates {
    pub(super) delete: Vec<Seq>,
    pub(super) left: Vec<Left>,
}

pub(super) async fn look_at(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conversation: &Conversation,
    receipts: &[Receipt],
) -> Result<Fates, AfterError> {
    let mut by_slot: Vec<&Receipt> = receipts.iter().collect();
    by_slot.sort_unstable_by_key(|receipt| receipt.seq);
    let mut fates = Fates::default();
    // Neighbours, so that one page holds all of a hundred.
    let near = |a: &&Receipt, b: &&Receipt| b.seq.0 - a.seq.0 < 2;
    for some in by_slot.chunk_by(near).flat_map(|run| run.chunks(AT_ONCE)) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else { continue };
        let mut seen = Vec::new();
        if last.seq <= log.bound {
            let wanted: Vec<Seq> = some.iter().map(|receipt| receipt.seq).collect();
            seen = log.page(first.seq, last.seq, &wanted).await?;
        }
        for receipt in some {
            let there = seen.iter().find(|one| one.seq == receipt.seq);
            let is_same = match (there, &receipt.ids) {
                (Some(one), None) => {
                    desk.read(|reader| is_equal(reader, conversation, receipt.ordinal, one))?
                }
                _ => false,
            };
            decide(receipt, there.map(|one| &one.ids), is_same, log.bound, &mut fates);
        }
    }
    Ok(fates)
}

/// What becomes of a message, by what stands in its slot. `is_same`: names are unknown, and it says the same.
fn decide(receipt: &Receipt, there: Option<&Ids>, is_same: bool, bound: Seq, fates: &mut Fates) {
    let leave = |is_kept, reason: &str| Left {
        ordinal: receipt.ordinal,
        seq: receipt.seq,
        is_kept,
        reason: reason.to_owned(),
    };
    let is_ours = |ids: &Ids| {
        receipt.ids.as_ref().map_or(is_same, |ours| ours.client == ids.client || ours.server == ids.server)
    };
    if receipt.seq > bound {
        fates
            .left
            .push(leave(false, "the server's log does not reach so far any more, or is just being written"));
        return;
    }
    match there {
        Some(ids) if !is_ours(ids) => fates.left.push(leave(true, "another message stands in its slot")),
        // Empty for those who were asked: deleted before, or hidden from the cache and still in the store.
        Some(_) | None => fates.delete.push(receipt.seq),
    }
}

fn is_equal(
    reader: &JobReader,
    conversation: &Conversation,
    ordinal: Ordinal,
    seen: &Seen,
) -> Result<bool, JobError> {
    let mut memory = Memory::default();
    match (JobBook { reader, conversation, memory: &mut memory }).equals(&seen.stored) {
        Ok(ordinals) => Ok(ordinals.contains(&ordinal)),
        Err(JobError::Purged(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads the whole log for what came back and for copies, and deletes them, until nothing more is found.
/// Gives what comes back again and again.
pub(super) async fn look_again<'a>(
    log: &mut Log<'a>,
    server: &'a Server,
    desk: &SharedReader,
    conversation: &Conversation,
    baseline: Seq,
    kept: &[Seq],
) -> Result<Vec<Left>, AfterError> {
    const ROUNDS: u32 = 20;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        if round > 0 {
            server.sleep(server.settings.stay_away).await?;
            *log = Log::open(server, desk, conversation).await?;
        }
        found = ours(log, desk, conversation, baseline).await?;
        found.retain(|(_, seq)| !kept.contains(seq));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let seqs: Vec<Seq> = found.iter().map(|(_, seq)| *seq).collect();
        tracing::info!(conversation = %conversation.id(), round, "{} came back or are copies", seqs.len());
        log.delete(&seqs).await?;
    }
    let left = |(ordinal, seq)| Left {
        ordinal,
        seq,
        is_kept: false,
        reason: format!("it was there again each of the {ROUNDS} times it was deleted"),
    };
    Ok(found.into_iter().map(left).collect())
}

/// Everything of ours in a log: under names that the job knows, or saying what a message of ours says.
async fn ours(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conversation: &Conversation,
    baseline: Seq,
) -> Result<Vec<(Ordinal, Seq)>, AfterError> {
    /// Records that are looked up in one walk over the receipts.
    const TOGETHER: usize = 10_000;
    let (mut found, mut records, mut memory) = (Vec::new(), Vec::new(), Memory::default());
    for (from, to) in pages(Seq(baseline.0 + 1), log.bound, PAGE) {
        records.append(&mut log.page(from, to, &[]).await?);
        if records.len() >= TOGETHER {
            desk.read(|reader| whose(reader, conversation, &mut memory, &records, &mut found))?;
            records.clear();
        }
    }
    desk.read(|reader| whose(reader, conversation, &mut memory, &records, &mut found))?;
    Ok(found)
}

fn whose(
    reader: &JobReader,
    conversation: &Conversation,
    memory: &mut Memory,
    records: &[Seen],
    found: &mut Vec<(Ordinal, Seq)>,
) -> Result<(), JobError> {
    if records.is_empty() {
        return Ok(());
    }
    let purged = reader.is_purged()?;
    let mut book = JobBook { reader, conversation, memory };
    let names: Vec<&Ids> = records.iter().map(|one| &one.ids).collect();
    for (one, named) in records.iter().zip(book.named(&names)?) {
        let mut ordinal = named;
        if ordinal.is_none() && !purged {
            ordinal = book.equals(&one.stored)?.first().copied();
            if ordinal.is_none() {
                ordinal = book.formerly(&one.stored)?;
            }
        }
        if ordinal.is_none() && book.withdrawal(&one.ids)?.is_some() {
            ordinal = Some(Ordinal(0));
        }
        found.extend(ordinal.map(|ordinal| (ordinal, one.seq)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MsgId;

    fn ids(n: u64) -> Ids {
        Ids { server: MsgId::new(&format!("s{n}")), client: MsgId::new(&format!("c{n}")) }
    }

    fn fate(receipt_ids: Option<Ids>, there: Option<&Ids>, is_same: bool, bound: i64) -> (usize, Vec<bool>) {
        let receipt = Receipt { ordinal: Ordinal(3), seq: Seq(7), ids: receipt_ids, hidden: false };
        let mut fates = Fates::default();
        decide(&receipt, there, is_same, Seq(bound), &mut fates);
        (fates.delete.len(), fates.left.into_iter().map(|left| left.is_kept).collect())
    }

    #[test]
    fn only_what_is_ours_is_deleted() {
        let deleted = (1, vec![]);
        let kept = (0, vec![true]);
        assert_eq!(fate(Some(ids(1)), Some(&ids(1)), false, 9), deleted);
        // Revoked or changed, it keeps its names.
        assert_eq!(fate(Some(ids(1)), Some(&Ids { client: MsgId::new("x"), ..ids(1) }), false, 9), deleted);
        assert_eq!(fate(Some(ids(1)), None, false, 9), deleted);
        assert_eq!(fate(Some(ids(1)), Some(&ids(2)), true, 9), kept);
        assert_eq!(fate(None, Some(&ids(2)), true, 9), deleted);
        assert_eq!(fate(None, Some(&ids(2)), false, 9), kept);
        assert_eq!(fate(Some(ids(1)), None, false, 6), (0, vec![false]));
    }
}
