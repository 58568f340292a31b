//! Mending what `verify` found: second copies are deleted, what is missing goes out again.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::visit::{AfterError, Server};
use crate::job::{Again, ConvNo, Conversation, Job, JobError, SharedReader};
use crate::log::{Log, Seen, entries_of, places_in_store, queries};
use crate::message::{Ids, MsgId, Ordinal, Seq};
use crate::numbers::plural;

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

/// Where messages stand that are not in the slots where they were confirmed.
pub(super) type Moved = HashMap<Ordinal, (Seq, Ids)>;

/// Deletes second copies, and looks again until they stay away (law 14). Gives how many are gone.
///
/// A copy is deleted only while it still stands in its slot, the message itself in the slot where it was
/// confirmed (or where it was found instead, `moved`), and there in the store as well: never the last one of a
/// message, never somebody else's. A second stage that
/// is killed has put messages into the cache that never reach the store, and stores the copies that it makes when it
/// starts (seen on a real 3.8.3): there the copy is all that is left after a day.
pub(super) async fn delete(
    log: &mut Log<'_>,
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
    (doubles, moved): (&[Double], &Moved),
) -> Result<u64, AfterError> {
    const AT_ONCE: usize = 100;
    let mut deleted = 0;
    for some in doubles.chunks(AT_ONCE) {
        let (mut sure, mut if_stored) = (Vec::new(), Vec::new());
        for double in some {
            if !stands(log, double.seq, &double.ids).await? {
                continue;
            }
            // Without an ordinal it is a withdrawn one that came back: what it stood for has its place elsewhere.
            let Some(ordinal) = double.ordinal else {
                sure.push(double.clone());
                continue;
            };
            let home = match moved.get(&ordinal) {
                Some((seq, ids)) => Some((*seq, Some(ids.clone()))),
                None => home(desk, conversation, ordinal)?,
            };
            if let Some(place) = place(log, double, home).await? {
                if_stored.push((double.clone(), ordinal, place));
            }
        }
        sure.append(&mut stored(server, desk, conversation, if_stored).await?);
        deleted += delete_until_gone(log, server, &sure).await?;
    }
    Ok(deleted)
}

/// The copies whose messages the store has in their own slots.
async fn stored(
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
    copies: Vec<(Double, Ordinal, (Seq, MsgId))>,
) -> Result<Vec<Double>, AfterError> {
    if copies.is_empty() {
        return Ok(Vec::new());
    }
    let ordinals: Vec<Ordinal> = copies.iter().map(|(_, ordinal, _)| *ordinal).collect();
    let queries =
        desk.read(|reader| queries(reader, conversation, entries_of(reader, conversation, &ordinals)?))?;
    let mut places = HashSet::new();
    for query in queries {
        // More than can be looked through: what was not seen is not known to be stored.
        places.extend(places_in_store(server, &query).await?.unwrap_or_default());
    }
    let all = copies.len();
    let sure: Vec<Double> =
        copies.into_iter().filter(|(.., place)| places.contains(place)).map(|(double, ..)| double).collect();
    if sure.len() < all {
        tracing::warn!(
            conversation = %conversation.id(),
            "{}: the store does not have the messages in their own slots, the copies may be all that it has",
            plural((all - sure.len()) as u64, "copy stays", "copies stay")
        );
    }
    Ok(sure)
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

/// Where a message was confirmed, and under which names.
fn home(
    desk: &SharedReader,
    conversation: &Conversation,
    ordinal: Ordinal,
) -> Result<Option<(Seq, Option<Ids>)>, JobError> {
    let receipt = desk.read(|reader| {
        let latest = reader.latest(conversation.no, ordinal)?;
        reader.receipt(conversation.no, latest)
    })?;
    Ok(receipt.map(|receipt| (receipt.seq, receipt.ids)))
}

/// The message itself, if it stands there and elsewhere than this copy; with its name of the server.
async fn place(
    log: &mut Log<'_>,
    double: &Double,
    home: Option<(Seq, Option<Ids>)>,
) -> Result<Option<(Seq, MsgId)>, AfterError> {
    let Some((seq, ids)) = home.filter(|(seq, _)| *seq != double.seq && *seq <= log.bound) else {
        return Ok(None);
    };
    let seen = log.page(seq, seq, &[seq]).await?;
    let Some(one) = seen.first() else { return Ok(None) };
    let is_it = ids.is_none_or(|ids| ids == one.ids);
    Ok(is_it.then(|| (seq, one.ids.server.clone())))
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
