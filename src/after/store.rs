//! The store itself, behind the cache (law 8): what it has is what will be left tomorrow.
//!
//! It is asked how many messages it has in a stretch of time, everybody's together; each answer is a walk over
//! everything it holds. So the history is cut into [slices](super::slices) of a few thousand messages, all of
//! them or some picked at random are counted, and only where a count is wrong is it
//! [looked into](super::narrow). Others' messages of the same time make a count too high: they are told apart
//! by looking closer, but one of theirs can stand for one of ours in a slice whose count is right. Seen where what people
//! wrote lay between an old history and its rest, sent behind them: these two never share a slice.

use std::time::Duration;

use tokio::time::Instant;

mod closer;

use super::difference::Difference;
use super::slices::{Cutter, Slice};
use super::visit::{AfterError, Server, Settings};
use crate::job::{ConvNo, Conversation, JobError, JobReader};
use crate::message::{Ordinal, SendTime};
use crate::openim::Client;
use closer::look_closer;

/// How much of the store to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    All,
    /// Slices picked at random, until they hold so many messages.
    Sample(u64),
}

/// What to expect, before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Messages that will be counted.
    pub messages: u64,
    /// Confirmed messages in all.
    pub of: u64,
    /// Questions to the server: each is a walk over everything it holds.
    pub questions: u64,
}

/// What happens while it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Before the first question.
    Plan(Plan),
    /// A question was answered: for so many messages, after so long.
    Counted(u64, Duration),
    /// The store doesn't have this message.
    Difference(Difference),
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreReport {
    /// Messages that were counted.
    pub checked: u64,
    /// Confirmed messages in all.
    pub of: u64,
    /// Messages that can be read, and that the store doesn't have.
    pub not_stored: u64,
    /// Of these, how many are not named: too many to look at each.
    pub unnamed: u64,
    /// Messages of which it can't be said.
    pub unsure: u64,
    /// Of those that are not stored, by conversation; up to a million.
    pub missing: Vec<(ConvNo, Vec<Ordinal>)>,
}

impl StoreReport {
    /// Adds the counts of another job on the same server.
    pub fn merge(&mut self, other: &Self) {
        self.checked += other.checked;
        self.of += other.of;
        self.not_stored += other.not_stored;
        self.unnamed += other.unnamed;
        self.unsure += other.unsure;
    }

    /// Messages that were seen in the store.
    pub fn stored(&self) -> u64 {
        self.checked.saturating_sub(self.not_stored + self.unsure)
    }
}

/// So many messages are counted at once: 9,000 took 19 s on a small machine (contract, section 5).
pub const SLICE: u64 = 3_000;
/// So many questions are asked to find out which messages lack.
const LOOK_CLOSER: u64 = 5_000;

/// Counts the store's messages against the job's.
pub async fn check(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    extent: Extent,
    seed: u64,
    mut tell: impl FnMut(Step) -> Result<(), AfterError>,
) -> Result<StoreReport, AfterError> {
    let server = Server::new(client, settings);
    let slices = cut(reader, &server.settings)?;
    let of: u64 = slices.iter().map(|slice| slice.messages).sum();
    let slices = pick(slices, extent, seed);
    let messages = slices.iter().map(|slice| slice.messages).sum();
    let questions = slices.len() as u64;
    tell(Step::Plan(Plan { messages, of, questions }))?;
    let mut report = StoreReport { checked: messages, of, ..StoreReport::default() };
    let mut asked = Asked { server: &server, took: Duration::ZERO };
    let (mut calls, mut wrong) = (LOOK_CLOSER, Vec::new());
    for slice in slices {
        let stored = asked.count(slice.from, slice.to).await?;
        tell(Step::Counted(slice.messages, asked.took))?;
        if stored != slice.messages {
            wrong.push((slice, stored));
        }
        if wrong.len() == TOGETHER {
            asked.wait_for_late_ones(&mut wrong).await?;
            look_closer(&mut asked, reader, &std::mem::take(&mut wrong), &mut calls, &mut report, &mut tell)
                .await?;
        }
    }
    asked.wait_for_late_ones(&mut wrong).await?;
    look_closer(&mut asked, reader, &wrong, &mut calls, &mut report, &mut tell).await?;
    Ok(report)
}

/// Slices that are looked into after one walk over the index.
const TOGETHER: usize = 32;

/// Cuts the time of what was confirmed into slices.
fn cut(reader: &JobReader, settings: &Settings) -> Result<Vec<Slice>, JobError> {
    let (mut first, mut last) = (SendTime(i64::MAX), SendTime(i64::MIN));
    each_conversation(reader, |conversation| {
        first = first.min(conversation.first_time);
        last = last.max(conversation.last_time);
        Ok(())
    })?;
    let mut cutter = Cutter::new(first, last, reader.behind_since()?, SLICE);
    loop {
        each_confirmed(reader, settings, None, |_, _, time| cutter.count(time))?;
        if !cutter.another_round() {
            return Ok(cutter.slices());
        }
    }
}

/// All, or some at random, in order of time.
fn pick(mut slices: Vec<Slice>, extent: Extent, seed: u64) -> Vec<Slice> {
    let Extent::Sample(enough) = extent else { return slices };
    fastrand::Rng::with_seed(seed).shuffle(&mut slices);
    let mut messages = 0;
    let many = slices.iter().take_while(|slice| {
        let more = messages < enough;
        messages += slice.messages;
        more
    });
    let many = many.count();
    slices.truncate(many);
    slices.sort_unstable_by_key(|slice| slice.from);
    slices
}

fn each_conversation(
    reader: &JobReader,
    mut each: impl FnMut(&Conversation) -> Result<(), JobError>,
) -> Result<(), JobError> {
    const PAGE: usize = 512;
    let mut after = None;
    loop {
        let page = reader.conversations(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.no);
        page.iter().try_for_each(&mut each)?;
    }
}

/// Every message that was confirmed, with its time; only those in conversations that touch these slices.
fn each_confirmed(
    reader: &JobReader,
    settings: &Settings,
    within: Option<&[Slice]>,
    mut each: impl FnMut(ConvNo, Ordinal, SendTime),
) -> Result<(), JobError> {
    const PAGE: usize = 2048;
    each_conversation(reader, |conversation| {
        let only = settings.only.as_ref();
        let touched = within.is_none_or(|slices| {
            slices.iter().any(|s| conversation.first_time < s.to && conversation.last_time >= s.from)
        });
        if !touched || only.is_some_and(|only| !only.contains(&conversation.id())) {
            return Ok(());
        }
        let conv = conversation.no;
        if reader.undone(conv)?.is_some() {
            return Ok(());
        }
        let superseded: std::collections::HashSet<Ordinal> = reader.superseded(conv)?.into_iter().collect();
        let mut from = Ordinal(0);
        loop {
            let receipts = reader.receipts(conv, from, PAGE)?;
            let (Some(first), Some(last)) = (receipts.first(), receipts.last()) else { return Ok(()) };
            from = Ordinal(last.ordinal.0 + 1);
            let many = usize::try_from(from.0 - first.ordinal.0).unwrap_or(PAGE);
            let mut entries = reader.entries(conv, first.ordinal, many)?.into_iter();
            for receipt in receipts.iter().filter(|receipt| !superseded.contains(&receipt.ordinal)) {
                if let Some(entry) = entries.find(|entry| entry.ordinal == receipt.ordinal) {
                    each(conv, entry.ordinal, entry.send_time);
                }
            }
        }
    })
}

/// Asks the store, and leaves it as much time for others as it took for us.
struct Asked<'a> {
    server: &'a Server,
    took: Duration,
}

impl Asked<'_> {
    /// Counts again where too few were found, until it is right or nothing comes any more.
    async fn wait_for_late_ones(&mut self, wrong: &mut Vec<(Slice, u64)>) -> Result<(), AfterError> {
        let (begun, most) = (Instant::now(), self.server.settings.store_wait);
        let mut wait = most / 20;
        while wrong.iter().any(|(slice, stored)| *stored < slice.messages) && begun.elapsed() < most {
            self.server.sleep(wait).await?;
            wait = (wait * 2).min(most / 4);
            for (slice, stored) in wrong.iter_mut().filter(|(slice, stored)| *stored < slice.messages) {
                *stored = self.count(slice.from, slice.to).await?;
            }
            wrong.retain(|(slice, stored)| *stored != slice.messages);
        }
        Ok(())
    }

    async fn count(&mut self, from: SendTime, to: SendTime) -> Result<u64, AfterError> {
        self.server.sleep(self.took).await?;
        let begun = Instant::now();
        let count = self.server.stored_between(from, to).await?;
        self.took = begun.elapsed();
        Ok(count.max(0).unsigned_abs())
    }
}
