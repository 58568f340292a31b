//! Below the baseline: whoever finds a conversation not empty compares what stands there with *all* messages of its
//! own, before it sends the first. A second job over the same history, or over a part of it, is noticed so. And it looks
//! how new that is: behind newer messages nothing is sent.

use std::sync::Arc;

use super::ask::Asked;
use super::cell::{Cell, Role};
use super::confirm::safe_bound;
use super::engine::Engine;
use super::examine;
use super::lane::{Lane, Left, Start};
use super::read;
use super::settings::ImportError;
use crate::job::{Conversation, JobError, Overtaken, Peers};
use crate::log::{self, Stored, is_notice, next_senders};
use crate::message::{Ordinal, Seq};
use crate::openim::{LogRecord, Range, Seqs, pages};

/// What stands at or below a baseline.
pub(super) enum Below {
    /// A message of ours, there.
    Ours(Seq),
    /// Messages of others, of which this one is newer than our oldest.
    Newer(Overtaken),
    /// Notices alone: they were cut away, which takes nothing from anybody.
    Cut,
    /// Nothing that is in the way up to there. What stands beyond can't be read yet: it may be what another job had under way
    /// a moment ago, such as one whose folder was deleted or put back.
    Unread(Seq),
    /// Nothing that is in the way.
    Nothing,
}

/// What stands at or below the baseline, of a conversation in which `next` is the first message to go out. Nothing is read
/// that is not written for sure (law 3); what nobody may read is looked for in the store.
pub(super) async fn below(
    engine: &Arc<Engine>,
    conversation: &Conversation,
    (next, baseline): (Ordinal, Seq),
) -> Result<Below, ImportError> {
    let next = engine.read(|reader| reader.entries(conversation.no, next, 1))?.pop();
    let mut users = engine.read(|reader| {
        let mut users: Vec<String> = Vec::new();
        for ordinal in ends(conversation) {
            for entry in reader.entries(conversation.no, ordinal, 1)? {
                users.push(reader.message(&entry)?.sender.0);
            }
        }
        users.extend(next_senders(reader, conversation, Ordinal(0))?);
        Ok(without_repeats(users))
    })?;
    users.truncate(MOST_ASKED);
    let cell = idle(engine, conversation);
    let Some((_, mut bound)) = safe_bound(engine, &cell, &users).await else { return Ok(Below::Nothing) };
    if bound < baseline
        && let Peers::Group(group) = &conversation.peers
    {
        // Somebody who is not in the export may have written last.
        let members = members(engine, group.as_str()).await;
        let more: Vec<String> =
            without_repeats(members).into_iter().filter(|one| !users.contains(one)).collect();
        let more = &more[..more.len().min(MOST_ASKED)];
        bound = bound.max(safe_bound(engine, &cell, more).await.map_or(Seq(0), |(_, bound)| bound));
        users.extend_from_slice(more);
    }
    let end = bound.min(baseline);
    let mut is_read = end == baseline;
    let mut others = Others::default();
    for (from, to) in pages(Seq(1), end, AT_ONCE) {
        if engine.has_ended() {
            break;
        }
        match page(engine, &cell, &mut users, (from, to), &mut others).await? {
            Page::Ours(seq) => return Ok(Below::Ours(seq)),
            Page::Others => {}
            Page::Unseen => is_read = false,
        }
    }
    if !is_read && let Some(seq) = examine::stands_in_store(engine, conversation, &ends(conversation)).await?
    {
        return Ok(Below::Ours(seq));
    }
    let nothing = if end < baseline { Below::Unread(end) } else { Below::Nothing };
    let Some(newest) = others.newest.filter(|newest| next.is_some_and(|next| newest.time >= next.send_time))
    else {
        return Ok(nothing);
    };
    if engine.settings.behind_newer {
        return Ok(nothing);
    }
    let is_whole = is_read && others.slots == baseline.0.unsigned_abs();
    if is_whole && others.notices == others.messages && cut(engine, &cell.name, &users).await {
        return Ok(Below::Cut);
    }
    Ok(Below::Newer(newest))
}

/// What others have written behind the last message of ours, if that is newer than `next`: when it was read, nothing
/// of ours was older.
pub(super) async fn behind_ours(
    engine: &Arc<Engine>,
    conversation: &Conversation,
    next: Ordinal,
    read_to: Seq,
) -> Result<Option<Overtaken>, ImportError> {
    let (last, next_time, mut users) = engine.read(|reader| -> Result<_, JobError> {
        let next_time = reader.entries(conversation.no, next, 1)?.pop().map(|entry| entry.send_time);
        let users = next_senders(reader, conversation, next)?;
        Ok((reader.last_receipt(conversation.no, next)?, next_time, without_repeats(users)))
    })?;
    let (Some(last), Some(next_time)) = (last, next_time) else { return Ok(None) };
    let cell = idle(engine, conversation);
    let mut others = Others::default();
    let mut from = Seq(last.seq.0 + 1);
    while from <= read_to && !engine.has_ended() {
        let to = read_to.min(Seq(from.0 + AT_ONCE - 1));
        from = match page(engine, &cell, &mut users, (from, to), &mut others).await? {
            // A copy that the server made.
            Page::Ours(seq) => Seq(seq.0 + 1),
            Page::Others | Page::Unseen => Seq(to.0 + 1),
        };
    }
    Ok(others.newest.filter(|newest| newest.time >= next_time))
}

/// What others have there.
#[derive(Default)]
struct Others {
    slots: u64,
    messages: u64,
    notices: u64,
    /// The message with the latest time.
    newest: Option<Overtaken>,
}

impl Others {
    fn take(&mut self, record: &LogRecord<'_>) {
        self.messages += 1;
        self.notices += u64::from(is_notice(record.content_type));
        Overtaken::keep_newest(&mut self.newest, Seq(record.seq), &record.sender, record.time());
    }
}

/// Cuts a conversation off, as anybody who may.
async fn cut(engine: &Engine, name: &str, users: &[String]) -> bool {
    for user in users {
        match engine.ask_whether(|| engine.client.cut(user, name)).await {
            Asked::Answered(()) => {
                tracing::info!(conversation = name, "cut off: only notices stood there");
                return true;
            }
            Asked::Refused => {}
            Asked::Ended => return false,
        }
    }
    false
}

/// Slots read at once.
const AT_ONCE: i64 = 100;
/// So many users are asked how far they have read.
const MOST_ASKED: usize = 64;
/// So many participants look at a page in which one of them sees empty slots.
const PARTICIPANTS: usize = 3;

/// A few messages, from the beginning to the end.
fn ends(conversation: &Conversation) -> Vec<Ordinal> {
    let last = conversation.messages.saturating_sub(1);
    let mut ends = vec![Ordinal(0), Ordinal(last / 2), Ordinal(last)];
    ends.dedup();
    ends
}

fn without_repeats(users: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    users.into_iter().filter(|user| seen.insert(user.clone())).collect()
}

/// Only to be asked about; it is never under way.
fn idle(engine: &Engine, conversation: &Conversation) -> Arc<Cell> {
    let start = Start {
        cursor: Ordinal(0),
        end: Ordinal(0),
        overtaken: false,
        read_to: Seq(0),
        left: Left::Nothing,
        withdrawn: Vec::new(),
        last: None,
    };
    let lane = Lane::new(engine.settings.limits, start, engine.now());
    Cell::new(conversation.clone(), lane, Role::Reading)
}

/// What some slots hold.
enum Page {
    /// A message of ours, there.
    Ours(Seq),
    /// None.
    Others,
    /// Nobody was shown anything.
    Unseen,
}

/// Looks at a page as one participant after the other, until every slot was seen or enough have looked.
async fn page(
    engine: &Arc<Engine>,
    cell: &Cell,
    users: &mut [String],
    (from, to): (Seq, Seq),
    others: &mut Others,
) -> Result<Page, JobError> {
    let (mut looked, mut seen) = (0, std::collections::HashSet::new());
    let mut slots = 0;
    for at in 0..users.len() {
        let Some(user) = users.get(at) else { break };
        let range = Range { conversation: &cell.name, from, to };
        let Some(pulled) = read::pull(engine, user, &range).await else { continue };
        let Ok(records) = pulled.of(&cell.name) else { continue };
        if records.is_empty() {
            // No participant, or he has cleared it.
            continue;
        }
        for record in records.iter().filter(|record| !record.is_empty()) {
            if !seen.insert(record.seq) {
                continue;
            }
            if is_ours(engine, &cell.conversation, &Stored::of(record))? {
                return Ok(Page::Ours(Seq(record.seq)));
            }
            others.take(record);
        }
        slots = slots.max(records.len() as u64);
        // The next page is asked of him first.
        users[..=at].rotate_right(1);
        looked += 1;
        if looked == PARTICIPANTS || i64::try_from(seen.len()).is_ok_and(|seen| seen > to.0 - from.0) {
            break;
        }
    }
    others.slots += slots;
    Ok(if looked == 0 { Page::Unseen } else { Page::Others })
}

/// Whether that is one of the conversation's messages, by its time and what it says.
pub(super) fn is_ours(
    engine: &Engine,
    conversation: &Conversation,
    stored: &Stored<'_>,
) -> Result<bool, JobError> {
    engine.read(|reader| log::is_ours(reader, conversation, stored))
}

/// Where conversations stand, as the admin sees them; `None`: the run has ended.
pub(super) async fn seqs(engine: &Engine, names: &[&str]) -> Option<Vec<Seqs>> {
    let seqs = engine.ask(|| engine.client.seqs(engine.client.admin_user(), names)).await;
    if seqs.is_some() {
        engine.lives();
    }
    seqs
}

/// Everybody in a group; nobody, where it can't be asked.
async fn members(engine: &Arc<Engine>, group: &str) -> Vec<String> {
    engine.ask_whether(|| engine.client.members(group)).await.answer().unwrap_or_default()
}
