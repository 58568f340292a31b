//! Mending what `verify` found: second copies are deleted, what is missing goes out again.

use tokio::time::Instant;

use super::visit::{AfterError, Server};
use crate::job::{Again, ConvNo, Conversation, Job, JobError, SharedReader};
use crate::log::{Log, Seen};
use crate::message::{Ids, Ordinal, Seq};

/// A second copy of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Double {
    /// Its slot.
    pub(super) seq: Seq,
    /// The names it stands there under.
    pub(super) ids: Ids,
    /// Which message; unknown of a withdrawn one that came back.
    pub(super) ordinal: Option<Ordinal>,
}

/// Deletes second copies, and looks again until they stay away (law 14). Gives how many are gone.
///
/// A copy is deleted only while it still stands in its slot, and the message itself in the slot where it was
/// confirmed: never the last one of a message, never somebody else's.
pub(super) async fn delete(
    log: &mut Log<'_>,
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
    doubles: &[Double],
) -> Result<u64, AfterError> {
    const AT_ONCE: usize = 100;
    let mut deleted = 0;
    for some in doubles.chunks(AT_ONCE) {
        let mut sure = Vec::new();
        for double in some {
            if stands(log, double.seq, &double.ids).await? && is_safe(log, desk, conversation, double).await?
            {
                sure.push(double.clone());
            }
        }
        deleted += delete_until_gone(log, server, &sure).await?;
    }
    Ok(deleted)
}

/// Deletes slots until none of these messages stands there any more.
async fn delete_until_gone(
    log: &mut Log<'_>,
    server: &Server,
    doubles: &[Double],
) -> Result<u64, AfterError> {
    /// How often a message may come back.
    const ROUNDS: u32 = 20;
    let mut there: Vec<Double> = doubles.to_vec();
    for _ in 0..ROUNDS {
        if there.is_empty() {
            break;
        }
        let seqs: Vec<Seq> = there.iter().map(|double| double.seq).collect();
        log.delete(&seqs).await?;
        // What comes back does so with the next writing of the store.
        let deleted = Instant::now();
        while deleted.elapsed() < server.settings.stay_away {
            server.sleep(server.settings.stay_away / 4).await?;
        }
        let mut back = Vec::new();
        for double in there {
            if stands(log, double.seq, &double.ids).await? {
                back.push(double);
            }
        }
        there = back;
    }
    Ok((doubles.len() - there.len()) as u64)
}

/// Whether that message stands in that slot.
async fn stands(log: &mut Log<'_>, seq: Seq, ids: &Ids) -> Result<bool, AfterError> {
    let seen = log.page(seq, seq, &[seq]).await?;
    Ok(seen.iter().any(|one: &Seen| one.seq == seq && one.ids == *ids))
}

/// Whether the message itself stands where it was confirmed, elsewhere.
async fn is_safe(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conversation: &Conversation,
    double: &Double,
) -> Result<bool, AfterError> {
    // Without an ordinal it is a withdrawn one that came back: what it stood for has its place elsewhere.
    let Some(ordinal) = double.ordinal else { return Ok(true) };
    let receipt = desk.read(|reader| {
        let latest = reader.latest(conversation.no, ordinal)?;
        reader.receipt(conversation.no, latest)
    })?;
    let Some(receipt) = receipt.filter(|receipt| receipt.seq != double.seq && receipt.seq <= log.bound)
    else {
        return Ok(false);
    };
    let seen = log.page(receipt.seq, receipt.seq, &[receipt.seq]).await?;
    let Some(one) = seen.first() else { return Ok(false) };
    Ok(receipt.ids.is_none_or(|ids| ids == one.ids))
}

/// Lets the job send messages again, behind the rest of their conversations. Gives how many.
///
/// `summary` makes what the job keeps of the pass.
pub fn send_again(
    job: &mut Job,
    missing: &[(ConvNo, Vec<Ordinal>)],
    summary: impl FnOnce(u64) -> String,
) -> Result<u64, JobError> {
    job.begin_sending()?;
    let reader = job.reader()?;
    let mut pass = job.begin_pass(AGAIN)?;
    let mut count = 0;
    {
        let (mut loader, _) = pass.load()?;
        for (conv, ordinals) in missing {
            let Some(conversation) = reader.conversation(*conv)? else { continue };
            let mut again = Vec::with_capacity(ordinals.len());
            for ordinal in ordinals {
                let entry = reader.entries(*conv, *ordinal, 1)?.into_iter().find(|e| e.ordinal == *ordinal);
                again.extend(entry.map(|entry| Again { ordinal: *ordinal, entry }));
            }
            again.sort_by_key(|one| one.ordinal);
            count += again.len() as u64;
            loader.again(&conversation.peers, &again)?;
        }
        loader.begun()?;
    }
    pass.finish(&summary(count))?;
    Ok(count)
}

/// What the job keeps as the settings of a pass that only sends messages again.
pub const AGAIN: &str = "again";
