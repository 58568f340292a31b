//! Walks over all messages by id: drops what is there twice, finds what replies quote, and notes for later
//! passes what is known now.

use super::PrepareError;
use super::duplicates::{Alike, Quoted, Verdict};
use super::ledger::Ledger;
use super::progress::Progress;
use super::rows::{KeyKind, KeyRow, Note, Says};
use super::sort::{Sorted, Sorter};
use crate::checks::codes;
use crate::finding::Code;
use crate::job::{ConvKey, JobError, KeyWriter, Loader, Position, Reply, Spooled, Target};
use crate::message::{Peer, Release, SourceId};

/// Walks over the rows, and writes into `notes` what the index has to know: for that release, of files that overlap or not.
pub(super) fn compare(
    mut rows: Sorted<KeyRow>,
    notes: &mut Sorter<Note>,
    (release, files_overlap): (Release, bool),
    loader: &Loader<'_>,
    ledger: &mut Ledger<'_>,
    progress: &Progress,
) -> Result<(), PrepareError> {
    let mut known = loader.known_keys()?;
    let mut writer = loader.keys();
    let mut alike: Option<(KeyRow, Alike)> = None;
    let (mut compared, mut named) = (0, 0);
    while let Some(row) = rows.next()? {
        compared += 1;
        if compared % LOOK == 0 {
            progress.indexed(compared);
            progress.check()?;
        }
        let group = match &mut alike {
            Some((head, group)) if head.key == row.key => group,
            _ => {
                close(alike.as_ref(), &mut writer)?;
                let fresh = Alike::new(known.find(row.key)?, ledger.shard, files_overlap);
                &mut alike.insert((row, fresh)).1
            }
        };
        let at = row.at.0;
        if row.kind == KeyKind::Quotes {
            let reply = resolve(at, group.quoted(), release, ledger)?;
            notes.push(Note { at, says: Says::Replies(reply) })?;
            continue;
        }
        let verdict = group.next(&row);
        // Of files that have the same messages, the first tell where to look.
        let told = verdict == Verdict::Duplicate && row.kind == KeyKind::Text && ledger.shard.has(at.conv());
        if told && named < MOST_NAMED {
            named += 1;
            let message = ledger.spool.read_whole(at.offset())?;
            ledger.say(&codes::TAKEN_FOR_ONE, &message, message.content())?;
        }
        // What is of another shard is there for its id alone.
        if ledger.shard.has(at.conv()) && !judge(at, verdict, ledger)? {
            notes.push(Note { at, says: Says::Drop })?;
        }
    }
    close(alike.as_ref(), &mut writer)?;
    writer.finish()?;
    Ok(())
}

/// So many messages that were taken for another file's are named; where whole files overlap, all of them are.
const MOST_NAMED: u32 = 1000;

/// After so many rows somebody may have asked to stop.
pub(super) const LOOK: u64 = 1 << 16;

fn close(alike: Option<&(KeyRow, Alike)>, writer: &mut KeyWriter<'_>) -> Result<(), JobError> {
    match alike.and_then(|(row, alike)| Some((row.key, alike.learnt()?))) {
        Some((key, known)) => writer.push(key, known),
        None => Ok(()),
    }
}

/// Counts and reports; `true` if the message is sent.
fn judge(at: Position, verdict: Verdict, ledger: &mut Ledger<'_>) -> Result<bool, JobError> {
    match verdict {
        Verdict::New => return Ok(true),
        Verdict::NewAgain => {
            let message = ledger.spool.read_whole(at.offset())?;
            ledger.say(&codes::SAME_MESSAGE, &message, message.content())?;
            return Ok(true);
        }
        Verdict::Duplicate => ledger.summary.duplicates_in_source += 1,
        Verdict::Known => ledger.summary.known += 1,
        Verdict::Conflict(other) if !ledger.shard.has(other.conv()) => {
            conflict(at, "also in a conversation of another shard", ledger)?;
        }
        Verdict::Conflict(other) => {
            let other = ledger.spool.read_whole(other.offset())?;
            let other = format!("also at {}", ledger.place(&other));
            conflict(at, &other, ledger)?;
        }
        Verdict::Differs(offset) => {
            let other = ledger.spool.read_whole(offset)?;
            let message = ledger.spool.read_whole(at.offset())?;
            if is_same_message(&message, &other) {
                ledger.summary.known += 1;
                ledger.say(&codes::CHANGED_SINCE, &message, message.content())?;
            } else {
                let other = format!("also at {}", ledger.place(&other));
                conflict(at, &other, ledger)?;
            }
        }
    }
    Ok(false)
}

fn conflict(at: Position, other: &str, ledger: &mut Ledger<'_>) -> Result<(), JobError> {
    let message = ledger.spool.read_whole(at.offset())?;
    let id = message.source_id.as_ref().map_or("", SourceId::as_str);
    let value = format!("{id}, {other}");
    ledger.say(&codes::SOURCE_ID_CONFLICT, &message, &value)?;
    ledger.reject(&codes::SOURCE_ID_CONFLICT, &message, &value)
}

/// Whether one is an edited form of the other: who, to whom and when are the same.
fn is_same_message(a: &Spooled, b: &Spooled) -> bool {
    a.sender == b.sender && a.send_time == b.send_time && a.conversation() == b.conversation()
}

/// What becomes of a reply's slot.
fn resolve(
    at: Position,
    quoted: Quoted,
    release: Release,
    ledger: &mut Ledger<'_>,
) -> Result<Reply, JobError> {
    let trouble = match quoted {
        Quoted::Nobody => &codes::QUOTED_UNKNOWN,
        _ if !release.takes_quotes() => {
            *ledger.summary.replies.as_text.entry("release".to_owned()).or_default() += 1;
            return Ok(Reply::AsText);
        }
        Quoted::Here(target) if target.conv() != at.conv() => &codes::QUOTED_ELSEWHERE,
        Quoted::Here(target) if target >= at => &codes::QUOTED_LATER,
        Quoted::Here(target) => {
            return Ok(quotes(Target { send_time: target.time(), offset: target.offset() }, ledger));
        }
        Quoted::Earlier(offset) => {
            let target = ledger.spool.read_whole(offset)?;
            if conv_of(&target) == at.conv() {
                return Ok(quotes(Target { send_time: target.send_time, offset }, ledger));
            }
            &codes::QUOTED_ELSEWHERE
        }
    };
    as_text(at, trouble, ledger)?;
    Ok(Reply::AsText)
}

fn quotes(target: Target, ledger: &mut Ledger<'_>) -> Reply {
    ledger.summary.replies.quoting += 1;
    Reply::To(target)
}

fn as_text(at: Position, code: &'static Code, ledger: &mut Ledger<'_>) -> Result<(), JobError> {
    *ledger.summary.replies.as_text.entry(code.name.to_owned()).or_default() += 1;
    let message = ledger.spool.read_whole(at.offset())?;
    let target = message.quote.as_ref().map_or("", |slot| slot.target.as_str());
    ledger.say(code, &message, target)
}

fn conv_of(message: &Spooled) -> ConvKey {
    match &message.peer {
        Peer::User(to) => ConvKey::single(message.sender.as_str(), to, &mut String::new()),
        Peer::Group(group) => ConvKey::group(group),
    }
}
