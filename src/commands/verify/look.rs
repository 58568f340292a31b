//! One look: the log against the job, then, if asked for, the store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::time::Duration;

use super::super::context::{Context, Counting, note};
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, OrFail, afterwards};
use super::listed::Lists;
use super::scrolled::Scrollable;
use super::verdict::SHOWN;
use crate::after::{
    self, AfterError, Counts, Difference, Event, Extent, Extras, Kind, Plan, Step, StoreReport,
};
use crate::job::{ConvNo, DIFFERENCES, Job, JobReader, NewFile};
use crate::message::{Ordinal, Seq};
use crate::openim::Client;
use crate::report::{Unit, count, duration, plural};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) conversations: u64,
    /// Messages that were confirmed, and so are looked for.
    pub(super) expected: u64,
    /// In their places, and as they were sent.
    pub(super) equal: u64,
    pub(super) counts: Counts,
    /// Second copies that were deleted.
    pub(super) deleted: u64,
    /// What has to be sent again, by conversation.
    pub(super) missing: BTreeMap<ConvNo, BTreeSet<Ordinal>>,
    /// How many those are.
    pub(super) again: u64,
    pub(super) store: Option<StoreReport>,
    /// Copies of the server that stand there no more.
    gone: Vec<(ConvNo, Vec<Seq>)>,
    /// Messages that nobody was shown when they were confirmed, and that could be read.
    shown_by_now: Vec<(ConvNo, Vec<Ordinal>)>,
    /// Conversations whose numbers are below what the job had read.
    pub(super) fallen: Vec<String>,
    /// Whether users can scroll, if that was asked.
    pub(super) scrolled: Option<Scrollable>,
    pub(super) listed: Lists,
    /// The first differences, as lines.
    pub(super) shown: Vec<String>,
    /// How many differences have a name, in the file.
    pub(super) named: u64,
}

impl Found {
    /// Differences that fail the verification.
    pub(super) fn failing(&self) -> u64 {
        self.counts.failing()
    }

    /// Conversations that users can't scroll.
    pub(super) fn broken(&self) -> u64 {
        self.scrolled.as_ref().map_or(0, Scrollable::not) + self.listed.lacking
    }

    /// Conversations of which it is not known whether users can scroll them.
    pub(super) fn unseen(&self) -> u64 {
        self.scrolled.as_ref().map_or(0, |scrolled| scrolled.unknown)
    }

    /// Messages of which nothing is known: they could not be read yet.
    pub(super) fn unproved(&self) -> u64 {
        let known =
            [Kind::Missing, Kind::Changed, Kind::Hidden, Kind::Empty, Kind::OutOfPlace, Kind::Revoked];
        let known: u64 = known.iter().map(|kind| self.counts.of(*kind)).sum();
        self.expected.saturating_sub(self.equal + known)
    }

    /// Whether something was mended, or has to be.
    pub(super) fn mends(&self) -> bool {
        self.deleted > 0 || !self.missing.is_empty()
    }

    /// Notes what has to be sent again.
    fn again(&mut self, conv: ConvNo, ordinals: Vec<Ordinal>) {
        if self.again < MOST_AGAIN && !ordinals.is_empty() {
            let known = self.missing.entry(conv).or_default();
            let before = known.len();
            known.extend(ordinals);
            self.again += (known.len() - before) as u64;
        }
    }

    /// Adds what was found in another shard, to be said and counted; what was to be mended in it has been.
    pub(super) fn merge(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.expected += other.expected;
        self.equal += other.equal;
        self.counts.merge(&other.counts);
        self.deleted += other.deleted;
        self.named += other.named;
        self.fallen.extend(other.fallen);
        let room = SHOWN.saturating_sub(self.shown.len());
        self.shown.extend(other.shown.into_iter().take(room));
        match (&mut self.store, other.store) {
            (Some(mine), Some(theirs)) => mine.merge(&theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
        self.listed.merge(other.listed);
        match (&mut self.scrolled, other.scrolled) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
    }

    fn note(&mut self, difference: &Difference) {
        self.named += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(difference.to_string());
        }
    }
}

/// Messages that are sent again after one look, at most: what is more than that waits for the next.
const MOST_AGAIN: u64 = 1_000_000;

/// How many empty slots are looked up in the store: each is a walk over all it holds.
const fn lookups(store: bool, repair: bool) -> u64 {
    match (store, repair) {
        (true, _) => 5_000,
        (false, true) => 200,
        (false, false) => 20,
    }
}

/// Looks at everything.
pub(super) async fn look(
    context: &Context,
    job: &mut Job,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    store: Option<Extent>,
    repair: bool,
) -> Result<Found, Failure> {
    let mut file = BufWriter::new(job.new_file(DIFFERENCES).map_err(job_failure)?);
    let mut found = Found::default();
    let extras = Extras { repair, lookups: lookups(store.is_some(), repair) };
    the_log(context, reader, client, settings.clone(), extras, &mut file, &mut found).await?;
    job.copies_are_gone(&std::mem::take(&mut found.gone)).map_err(job_failure)?;
    job.are_shown(&std::mem::take(&mut found.shown_by_now)).map_err(job_failure)?;
    // What was mended has to be looked at again anyway, and the store is asked once, at the end.
    if let Some(extent) = store
        && !(repair && found.mends())
    {
        the_store(context, reader, client, settings, extent, &mut file, &mut found).await?;
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).or_fail(Exit::Internal)?;
    file.keep().or_fail(Exit::Internal)?;
    Ok(found)
}

async fn the_log(
    context: &Context,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    extras: Extras,
    file: &mut BufWriter<NewFile>,
    found: &mut Found,
) -> Result<(), Failure> {
    let total = reader.standing().map_err(job_failure)?.passed;
    let drawn = Counting::start(context, "verify", Unit::Messages, total);
    let verified = after::verify(client.clone(), reader, settings, extras, |event| {
        match event {
            Event::Compared(messages) => drawn.add(messages),
            Event::Difference(difference) => {
                write(file, &difference)?;
                found.note(&difference);
            }
            Event::Conversation(checked) => {
                found.conversations += 1;
                found.expected += checked.expected;
                found.equal += checked.equal;
                found.deleted += checked.deleted;
                found.counts.merge(&checked.counts);
                found.again(checked.conv, checked.missing);
                if !checked.gone.is_empty() {
                    found.gone.push((checked.conv, checked.gone));
                }
                if !checked.shown.is_empty() {
                    found.shown_by_now.push((checked.conv, checked.shown));
                }
                if checked.fell_back {
                    found.fallen.push(checked.name);
                }
            }
        }
        Ok(())
    })
    .await;
    drawn.finish();
    verified.map_err(afterwards::failure)
}

async fn the_store(
    context: &Context,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    extent: Extent,
    file: &mut BufWriter<NewFile>,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut drawn = None;
    let (mut questions, mut asked) = (0, 0);
    let report = after::check_store(client.clone(), reader, settings, extent, fastrand::u64(..), |step| {
        match step {
            Step::Plan(Plan { messages, of, questions: all }) => {
                questions = all;
                note(&format!(
                    "store: it is asked for {} of {} in {}, each a walk over everything the server holds",
                    count(messages),
                    plural(of, "message", "messages"),
                    plural(all, "question", "questions")
                ))
                .map_err(|failure| AfterError::Io(std::io::Error::other(failure.error)))?;
                drawn = Some(Counting::start(context, "store", Unit::Messages, messages));
            }
            Step::Counted(messages, took) => {
                asked += 1;
                if let Some(drawn) = &drawn {
                    drawn.add(messages);
                }
                if asked == 1 {
                    say_cost(questions, took)
                        .map_err(|failure| AfterError::Io(std::io::Error::other(failure.error)))?;
                }
            }
            Step::Difference(difference) => {
                write(file, &difference)?;
                found.note(&difference);
            }
        }
        Ok(())
    })
    .await;
    if let Some(drawn) = drawn {
        drawn.finish();
    }
    let mut report = report.map_err(afterwards::failure)?;
    found.counts.add(Kind::NotStored, report.not_stored);
    for (conv, ordinals) in std::mem::take(&mut report.missing) {
        found.again(conv, ordinals);
    }
    found.store = Some(report);
    Ok(())
}

/// After the first answer the rest can be foretold.
fn say_cost(questions: u64, took: Duration) -> Result<(), Failure> {
    // As much time is left to others.
    let all = took.saturating_mul(u32::try_from(questions.saturating_mul(2)).unwrap_or(u32::MAX));
    if all < Duration::from_secs(10) {
        return Ok(());
    }
    note(&format!("store: the first answer took {}; all will take about {}", duration(took), duration(all)))
}

fn write(file: &mut BufWriter<NewFile>, difference: &Difference) -> Result<(), AfterError> {
    serde_json::to_writer(&mut *file, difference).map_err(std::io::Error::from)?;
    file.write_all(b"\n")?;
    Ok(())
}

/// What the store was seen to have, in a sentence.
pub(in crate::commands) fn of_the_store(store: &StoreReport) -> String {
    let StoreReport { checked, of, not_stored, unsure, .. } = store;
    let what = if checked == of {
        format!("The store itself was asked for all {}", count(*of))
    } else {
        format!("The store itself was asked for a sample of {} of {}", count(*checked), count(*of))
    };
    let stored = match (not_stored, unsure) {
        (0, 0) => "all are stored".to_owned(),
        _ => format!("{} stored", plural(store.stored(), "is", "are")),
    };
    let not = match not_stored {
        0 => String::new(),
        n => format!(", {} not", plural(*n, "is", "are")),
    };
    let unsure = match unsure {
        0 => String::new(),
        n => format!(", of {} it can't be said, because others wrote at the same times", count(*n)),
    };
    format!("{what}: {stored}{not}{unsure}.")
}
