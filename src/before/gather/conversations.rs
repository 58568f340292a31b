//! All conversations of the job, page by page: who is in them, how long they are, whether they move, what
//! the night job would take.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::job::{ConvNo, Conversation, JobError, JobReader, Peers, UserKey};
use crate::message::{ConversationId, Ordinal, SendTime};
use crate::openim::ACTIVE_AT_ONCE;

use super::super::ask::Ask;
use super::super::facts::{Facts, History, RetentionLoss, Tally};
use super::super::retention::{Loss, Walk, cutoff};
use super::talks::{self, Page, Talk};
use super::there::{self, Held, There};
use super::{Looks, PreflightError, now_ms, soften};

/// Conversations in a page: their senders are in memory.
const PAGE: usize = 100;

/// The first look at how long the conversations are.
#[derive(Debug)]
pub(super) struct First {
    at: Instant,
    /// In the order of the job.
    max_seqs: Vec<i64>,
    /// Not begun, and not empty, or grown since; as many as are looked into.
    held: Vec<ConvNo>,
}

/// Looks at every conversation, and counts the single ones.
pub(super) async fn look(
    ask: &Ask,
    looks: &Looks<'_>,
    job: &JobReader,
    facts: &mut Facts,
    history: &mut History,
) -> Result<First, PreflightError> {
    let mut first = First { at: Instant::now(), max_seqs: Vec::new(), held: Vec::new() };
    let mut pages = Pages { job, after: None, receivers: HashSet::new(), groups: 0, singles: 0, looks };
    let mut block_lists: HashMap<String, HashSet<String>> = HashMap::new();
    let mut blocked = Tally::default();
    let work = |ask: Ask, page| async move { talks::look(&ask, page).await.map_err(PreflightError::from) };
    ask.all(
        || Ok(pages.next()?),
        work,
        |seen: talks::Seen| {
            looks.looked.add(seen.max_seqs.len());
            facts.people.add(seen.people);
            block_lists.extend(seen.block_lists);
            for (receiver, sender) in seen.pairs {
                let is = block_lists.get(&receiver).is_some_and(|list| list.contains(&sender));
                blocked.look(is.then(|| format!("{receiver} blocks {sender}")));
            }
            for (no, id, max_seq) in seen.max_seqs {
                first.max_seqs.push(max_seq);
                let id = ConversationId(id);
                if looks.only.as_ref().is_some_and(|only| !only.contains(&id)) {
                    continue;
                }
                let has_room = (first.held.len() as u64) < looks.depth.held();
                match job.progress(no)? {
                    None => {
                        facts.conversations.not_empty.look((max_seq > 0).then_some(id.0));
                        first.held.extend((max_seq > 0 && has_room).then_some(no));
                    }
                    // Of one that was begun `run` knows what it has sent: what has come since is looked at.
                    Some(progress) if max_seq > progress.read_to.0 && has_room => first.held.push(no),
                    Some(_) => {}
                }
            }
            for (question, why) in seen.unanswered {
                if facts.unanswered.iter().all(|(known, _)| *known != question) {
                    facts.unanswered.push((question, why));
                }
            }
            Ok(())
        },
    )
    .await?;
    facts.people.blocked = blocked;
    facts.people.cut_short = pages.cut_short();
    history.singles = pages.singles;
    Ok(first)
}

/// Cuts the job into pages and keeps the budgets.
struct Pages<'a> {
    job: &'a JobReader,
    looks: &'a Looks<'a>,
    after: Option<ConvNo>,
    /// Receivers met so far, by hash.
    receivers: HashSet<UserKey>,
    groups: u64,
    singles: u64,
}

impl Pages<'_> {
    fn next(&mut self) -> Result<Option<Page>, JobError> {
        let conversations = self.job.conversations(self.after, PAGE)?;
        let Some(last) = conversations.last() else { return Ok(None) };
        self.after = Some(last.no);
        let mut page = Page::default();
        for Conversation { no, peers, .. } in conversations {
            let senders: Vec<String> = self.job.senders(no)?.into_iter().map(|user| user.0).collect();
            let mut mutes = false;
            match &peers {
                Peers::Group(_) => {
                    self.groups += 1;
                    mutes = self.groups <= self.looks.depth.mutes();
                }
                Peers::Single(a, b) => {
                    self.singles += 1;
                    for receiver in senders.iter().map(|sender| if *sender == a.0 { b } else { a }) {
                        let new = self.receivers.insert(UserKey::of(receiver.as_str()));
                        if new && self.receivers.len() as u64 <= self.looks.depth.block_lists() {
                            page.receivers.push(receiver.0.clone());
                        }
                    }
                }
            }
            page.talks.push(Talk { no, id: peers.conversation().0, peers, senders, mutes });
        }
        Ok(Some(page))
    }

    fn cut_short(&self) -> Vec<String> {
        use crate::report::count;
        let cut = |most: u64, of: u64, lists: &str, whose: &str| {
            (of > most).then(|| format!("{lists} {} of {} {whose} were looked at", count(most), count(of)))
        };
        let depth = self.looks.depth;
        [
            cut(depth.block_lists(), self.receivers.len() as u64, "the block lists of", "receivers"),
            cut(depth.mutes(), self.groups, "the mutes in", "groups"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Whether conversations hold this history's own messages already.
pub(super) async fn what_is_there(
    ask: &Ask,
    looks: &Looks<'_>,
    job: &JobReader,
    first: &First,
    facts: &mut Facts,
) -> Result<(), PreflightError> {
    use crate::report::count;
    let held = facts.conversations.not_empty.count;
    if held > first.held.len() as u64 {
        let most = looks.depth.held();
        let text =
            format!("{} of {} conversations that hold messages were looked into", count(most), count(held));
        facts.people.cut_short.push(text);
    }
    for no in &first.held {
        if job.progress(*no)?.is_none() {
            ask.at_rest().await;
            break;
        }
    }
    let mut all = first.held.iter();
    let next = || -> Result<Option<Held>, PreflightError> {
        for no in all.by_ref() {
            if let Some(held) = Held::of(job, *no)? {
                return Ok(Some(held));
            }
        }
        Ok(None)
    };
    let work = |ask: Ask, held: Held| async move { Ok(soften(there::look(&ask, &held).await?)?) };
    let conversations = &mut facts.conversations;
    let unanswered = &mut facts.unanswered;
    ask.all(next, work, |found: Result<There, String>| {
        match found {
            Ok(There { ours, newer, notices, since }) => {
                conversations.written_since.look(since);
                conversations.already_there.look(ours);
                let (example, occupied) = newer.unzip();
                conversations.newer.look(example);
                conversations.occupied.extend(occupied);
                conversations.notices.extend(notices);
            }
            Err(why) => {
                const QUESTION: &str = "what stands in the conversations";
                if unanswered.iter().all(|(known, _)| *known != QUESTION) {
                    unanswered.push((QUESTION, why));
                }
            }
        }
        Ok(())
    })
    .await
}

/// Law 6, for every message of the job, in a thread of its own: this is work, not waiting.
pub(super) async fn retention(
    job: &JobReader,
    first: &First,
    facts: &mut Facts,
) -> Result<(), PreflightError> {
    /// The server's default.
    const DEFAULT_DAYS: i64 = 365;
    let known = facts.settings.retain_days;
    let days = known.unwrap_or(DEFAULT_DAYS);
    let now = SendTime(now_ms().saturating_add(facts.server.clock_ahead_ms.unwrap_or(0)));
    let (job, max_seqs) = (job.reopen()?, first.max_seqs.clone());
    let counted = tokio::task::spawn_blocking(move || losses(&job, &max_seqs, cutoff(now, days))).await;
    let (loss, conversations, oldest) = match counted {
        Ok(counted) => counted?,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    };
    facts.loss = Some(RetentionLoss { loss, conversations, oldest, days, known: known.is_some(), now });
    Ok(())
}

fn losses(job: &JobReader, max_seqs: &[i64], cutoff: SendTime) -> Result<(Loss, u64, SendTime), JobError> {
    let (mut all, mut conversations, mut oldest) = (Loss::default(), 0, SendTime(i64::MAX));
    let mut after = None;
    let mut max_seqs = max_seqs.iter();
    loop {
        let page = job.conversations(after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some(last.no);
        for conversation in &page {
            let max_seq = max_seqs.next().copied().unwrap_or(0);
            oldest = oldest.min(conversation.first_time);
            // Nothing in it is old enough: its entries need not be read.
            if conversation.first_time > cutoff {
                continue;
            }
            let loss = lost(job, conversation, max_seq, cutoff)?;
            all.deleted += loss.deleted;
            all.hidden += loss.hidden;
            conversations += u64::from(!loss.is_none());
        }
    }
    Ok((all, conversations, oldest))
}

fn lost(
    job: &JobReader,
    conversation: &Conversation,
    max_seq: i64,
    cutoff: SendTime,
) -> Result<Loss, JobError> {
    let baseline = job.progress(conversation.no)?.map_or(max_seq, |progress| progress.baseline.0);
    let mut walk = Walk::new(baseline, cutoff);
    let mut from = Ordinal(0);
    loop {
        let entries = job.entries(conversation.no, from, 4_096)?;
        let Some(last) = entries.last() else { return Ok(walk.end()) };
        from = Ordinal(last.ordinal.0 + 1);
        for entry in entries {
            walk.message(entry.send_time);
        }
    }
}

/// A second look, not before `looks.watch` is over: what has grown since is live.
pub(super) async fn look_again(
    ask: &Ask,
    looks: &Looks<'_>,
    job: &JobReader,
    first: First,
    facts: &mut Facts,
) -> Result<(), PreflightError> {
    tokio::time::sleep(looks.watch.saturating_sub(first.at.elapsed())).await;
    let mut after = None;
    let next = || -> Result<Option<Vec<String>>, PreflightError> {
        let page = job.conversations(after, ACTIVE_AT_ONCE)?;
        after = page.last().map(|last| last.no).or(after);
        Ok((!page.is_empty()).then(|| page.iter().map(|one| one.id().0).collect()))
    };
    let work = |ask: Ask, ids: Vec<String>| async move {
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let seqs = ask.read(|client| client.seqs(client.admin_user(), &names)).await?;
        let max_seqs = seqs.iter().map(|seqs| seqs.max_seq).collect::<Vec<_>>();
        Ok((ids, max_seqs))
    };
    let mut before = first.max_seqs.into_iter();
    let moving = &mut facts.conversations.moving;
    ask.all(next, work, |(ids, max_seqs): (Vec<String>, Vec<i64>)| {
        looks.looked.add(ids.len());
        for ((id, now), before) in ids.into_iter().zip(max_seqs).zip(before.by_ref()) {
            moving.look((now > before).then_some(id));
        }
        Ok(())
    })
    .await?;
    facts.conversations.watched = first.at.elapsed().max(Duration::from_secs(1));
    Ok(())
}
