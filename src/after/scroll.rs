//! Whether users can scroll: each conversation's log read as a participant reads it, and judged (law 15).
//!
//! Reading dates empty slots for a day, for everybody. So ranges end where they date nothing wrongly
//! ([`pages`]), and with `--repair` slots that somebody else's reading has dated wrongly are deleted once more,
//! which drops their dates, and read anew.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::visit::{AfterError, Server, Settings, all, look_in_each};
use crate::job::{ConvNo, Conversation, JobError, JobReader, Progress, SharedReader};
use crate::log::{Log, PAGE};
use crate::message::{MsgId, Ordinal, Seq};
use crate::numbers::plural;
use crate::openim::{Client, pages};
use crate::shown::{self, Judgement, Slot};

/// What users will see of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrolled {
    /// The server's name of it.
    pub name: String,
    /// The judge's word, or why there is none.
    pub seen: Result<Judgement, Unknown>,
    /// Empty slots that were given another date.
    pub redated: u64,
    /// It can't be scrolled, and everything that is read in it is ours.
    pub ours: bool,
}

/// Why it can't be said what users will see of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Nobody of the job who was asked is shown anything of it: nobody takes part, or all have cleared it.
    NothingShown,
    /// So many slots were shown to nobody who was asked, although others around them were.
    SlotsNotShown(u64),
    /// So many slots at the end, messages of the job among them, can't be read without harm yet (law 3).
    NotReadYet(u64),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingShown => f.write_str(
                "nobody who was asked is shown anything of it: none of them takes part, or all have cleared it",
            ),
            Self::SlotsNotShown(slots) => {
                let slots = plural(*slots, "slot in it is", "slots in it are");
                write!(f, "{slots} shown to nobody who was asked")
            }
            Self::NotReadYet(slots) => {
                let slots = plural(*slots, "slot", "slots");
                write!(f, "its last {slots} can't be read yet: somebody is writing just now; verify again")
            }
        }
    }
}

/// Judges all conversations of the job of which something was sent, and tells of each.
///
/// `mends`: empty slots may be dated anew; all messages of the job have been found in other slots.
pub async fn scroll(
    client: Client,
    reader: &JobReader,
    settings: &Settings,
    mends: bool,
    mut tell: impl FnMut(Scrolled) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    let look = move |server: Arc<Server>, desk: Arc<SharedReader>, next: Conversation| async move {
        let Some(progress) = desk.read(|reader| reader.progress(next.no))? else { return Ok(None) };
        let mut log = Log::open(&server, &desk, &next).await?;
        one(&mut log, &desk, next.no, &progress, mends).await.map(Some)
    };
    let (tasks, mut judged) = look_in_each(client, reader, settings, look)?;
    while let Some(one) = judged.recv().await {
        tell(one)?;
    }
    all(tasks).await
}

async fn one(
    log: &mut Log<'_>,
    desk: &SharedReader,
    conv: ConvNo,
    progress: &Progress,
    mends: bool,
) -> Result<Scrolled, AfterError> {
    let slots = read(log).await?;
    let mut seen = judge(&slots, log.bound, progress.read_to);
    let mut redated = 0;
    let is_broken = seen.as_ref().is_ok_and(|judgement| !judgement.scrolls());
    let ours = is_broken && desk.read(|reader| is_ours(reader, conv, &slots))?;
    // What is deleted once more belonged to nobody else.
    if mends && ours {
        let wrong = wrongly_dated(&slots);
        if !wrong.is_empty() {
            log.delete(&wrong).await?;
            redated = wrong.len() as u64;
            seen = judge(&read(log).await?, log.bound, progress.read_to);
        }
    }
    Ok(Scrolled { name: log.name().to_owned(), seen, redated, ours })
}

/// All slots up to the safe bound, in ranges that date nothing wrongly.
async fn read(log: &mut Log<'_>) -> Result<Vec<Slot<MsgId>>, AfterError> {
    let mut slots = Vec::new();
    for (from, to) in pages(Seq(1), log.bound, PAGE) {
        slots.append(&mut log.slots(from, to).await?);
    }
    Ok(slots)
}

/// The verdict on what was read: `bound` is how far that went, `ours` the last slot in which the job has anything.
///
/// What lies below the first slot that is given is cut off for everybody. What nobody was shown is not known to be
/// empty, and a log of which nothing was shown is no log that can be scrolled.
fn judge(slots: &[Slot<MsgId>], bound: Seq, ours: Seq) -> Result<Judgement, Unknown> {
    let Some(first) = slots.first() else { return Err(Unknown::NothingShown) };
    let lacking = (bound.0 - first.seq + 1).unsigned_abs().saturating_sub(slots.len() as u64);
    if lacking > 0 {
        return Err(Unknown::SlotsNotShown(lacking));
    }
    let judgement = shown::judge(&shown::Log::new(slots.iter().cloned(), first.seq, bound.0));
    // A log that is broken already does not become whole by what stands behind.
    if bound < ours && judgement.scrolls() {
        return Err(Unknown::NotReadYet((ours.0 - bound.0).unsigned_abs()));
    }
    Ok(judgement)
}

/// Empty slots whose date is wrong.
fn wrongly_dated(slots: &[Slot<MsgId>]) -> Vec<Seq> {
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
    wrong
}

/// Whether everything that is read in a conversation is ours.
fn is_ours(reader: &JobReader, conv: ConvNo, slots: &[Slot<MsgId>]) -> Result<bool, JobError> {
    let receipts = reader.receipts(conv, Ordinal(0), usize::MAX)?;
    let ours: HashSet<&MsgId> =
        receipts.iter().filter_map(|receipt| Some(&receipt.ids.as_ref()?.client)).collect();
    Ok(slots.iter().filter_map(|slot| slot.id.as_ref()).all(|id| ours.contains(id)))
}

/// What mends it, a sentence's end. `ours`: nobody else has written there.
pub fn mend(judgement: &Judgement, ours: bool) -> Option<&'static str> {
    let Judgement::Broken(..) = judgement else { return None };
    Some(if ours {
        "`verify --client --repair` mends it: copies are deleted, empty slots dated anew, and where that is not enough it is \
         taken back and sent anew, which it asks first (--yes)"
    } else {
        "others have written there: `undo --only` takes ours back, for an archive beside it; or with --cut, which hides what \
         they wrote, and `run --again` for the history in its place"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(seqs: impl IntoIterator<Item = i64>) -> Vec<Slot<MsgId>> {
        let message = |seq: i64| Slot { seq, time: 1_000 * seq, id: Some(MsgId::new(&seq.to_string())) };
        seqs.into_iter().map(message).collect()
    }

    #[test]
    fn what_nobody_was_shown_is_unknown() {
        assert_eq!(judge(&[], Seq(30), Seq(30)), Err(Unknown::NothingShown));
        assert_eq!(judge(&[], Seq(0), Seq(0)), Err(Unknown::NothingShown));
        // Up to 20 for somebody who was thrown out, and a gap.
        assert_eq!(judge(&slots(1..=20), Seq(30), Seq(30)), Err(Unknown::SlotsNotShown(10)));
        assert_eq!(judge(&slots((1..=20).chain(24..=30)), Seq(30), Seq(30)), Err(Unknown::SlotsNotShown(3)));
        // What is cut off is none: it is below everything.
        assert_eq!(judge(&slots(11..=30), Seq(30), Seq(30)), Ok(Judgement::Sound));
    }

    #[test]
    fn messages_of_ours_that_could_not_be_read_yet_leave_it_open() {
        assert_eq!(judge(&slots(1..=30), Seq(30), Seq(32)), Err(Unknown::NotReadYet(2)));
        // What others are writing just now is newer than everything, and is judged so anyway.
        assert_eq!(judge(&slots(1..=30), Seq(30), Seq(25)), Ok(Judgement::Sound));
        let mut broken = slots(1..=30);
        broken[29].time = 1;
        assert!(judge(&broken, Seq(30), Seq(32)).is_ok_and(|judgement| !judgement.scrolls()));
    }
}
