//! Whether users can scroll: each conversation's log read as a participant reads it, and judged (law 15).
//!
//! Reading dates empty slots for a day, for everybody. So ranges end where they date nothing wrongly
//! ([`pages`]), and with `--repair` slots that somebody else's reading has dated wrongly are deleted once more,
//! which drops their dates, and read anew.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::visit::{AfterError, Server, Settings, all, each};
use crate::job::{ConvNo, JobError, JobReader, SharedReader};
use crate::log::{Log, PAGE};
use crate::message::{MsgId, Ordinal, Seq};
use crate::openim::{Client, pages};
use crate::shown::{self, Breach, Judgement, Slot};

/// What users will see of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrolled {
    /// The server's name of it.
    pub name: String,
    /// The judge's word.
    pub judgement: Judgement,
    /// Empty slots that were given another date.
    pub redated: u64,
}

/// Judges all conversations of the job of which something was sent, and tells of each.
///
/// `mends`: empty slots may be dated anew; all messages of the job have been found in other slots.
pub async fn scroll(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    mends: bool,
    mut tell: impl FnMut(Scrolled) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    let (send, mut judged) = mpsc::channel(64);
    let server = Arc::new(Server::new(client, settings.clone()));
    let tasks = each(reader, &settings, move |desk, next| {
        let (server, send) = (Arc::clone(&server), send.clone());
        async move {
            if desk.read(|reader| reader.progress(next.no))?.is_none() {
                return Ok(());
            }
            let mut log = Log::open(&server, &desk, &next).await?;
            let scrolled = one(&mut log, &desk, next.no, mends).await?;
            // Nobody listens any more: it was stopped.
            send.send(scrolled).await.map_err(|_| AfterError::Stopped)
        }
    })?;
    while let Some(one) = judged.recv().await {
        tell(one)?;
    }
    all(tasks).await
}

async fn one(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conv: ConvNo,
    mends: bool,
) -> Result<Scrolled, AfterError> {
    let slots = read(log).await?;
    let mut judgement = judge(&slots, log.bound);
    let mut redated = 0;
    if mends && !judgement.scrolls() {
        let wrong = desk.read(|reader| wrongly_dated(reader, conv, &slots))?;
        if !wrong.is_empty() {
            log.delete(&wrong).await?;
            redated = wrong.len() as u64;
            let slots = read(log).await?;
            judgement = judge(&slots, log.bound);
        }
    }
    Ok(Scrolled { name: log.name().to_owned(), judgement, redated })
}

/// All slots up to the safe bound, in ranges that date nothing wrongly.
async fn read(log: &mut Log<'_>) -> Result<Vec<Slot<MsgId>>, AfterError> {
    let mut slots = Vec::new();
    for (from, to) in pages(Seq(1), log.bound, PAGE) {
        slots.append(&mut log.slots(from, to).await?);
    }
    Ok(slots)
}

/// What lies below the first slot that is given is cut off for everybody.
fn judge(slots: &[Slot<MsgId>], bound: Seq) -> Judgement {
    let min_seq = slots.first().map_or(1, |slot| slot.seq);
    shown::judge(&shown::Log::new(slots.iter().cloned(), min_seq, bound.0))
}

/// Empty slots whose date is wrong, if everything in the conversation is ours: what is deleted once more belonged to
/// nobody else.
fn wrongly_dated(reader: &JobReader, conv: ConvNo, slots: &[Slot<MsgId>]) -> Result<Vec<Seq>, JobError> {
    let receipts = reader.receipts(conv, Ordinal(0), usize::MAX)?;
    let ours: HashSet<&MsgId> =
        receipts.iter().filter_map(|receipt| Some(&receipt.ids.as_ref()?.client)).collect();
    if slots.iter().filter_map(|slot| slot.id.as_ref()).any(|id| !ours.contains(id)) {
        return Ok(Vec::new());
    }
    let mut wrong = Vec::new();
    let mut below = None;
    let mut hole = Vec::new();
    for slot in slots {
        if slot.id.is_none() {
            hole.push(slot);
            continue;
        }
        let dated = |time: i64| time > 0 && below.is_none_or(|below| below <= time) && time < slot.time;
        // The whole hole: its dates come from one search.
        if hole.iter().any(|empty| !dated(empty.time)) {
            wrong.extend(hole.iter().map(|empty| Seq(empty.seq)));
        }
        hole.clear();
        below = Some(slot.time);
    }
    Ok(wrong)
}

/// What mends it, a sentence's end.
pub fn mend(judgement: &Judgement) -> &'static str {
    let Judgement::Broken(breaches, _) = judgement else { return "" };
    match breaches.first.first() {
        Some(Breach::HoleDate { .. }) => {
            "`verify --client --repair` has empty slots dated anew; where that does not help, `undo` and `run --again`"
        }
        Some(Breach::Copy { .. }) => "`verify --repair` deletes copies; then look again",
        _ => "`undo --only` this conversation and `run --again` send it anew",
    }
}
