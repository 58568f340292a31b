//! What was found and proved, in words and figures.

use std::time::Instant;

use serde::Serialize;

use super::super::context::{Context, print};
use super::super::media::Files;
use super::super::prepare::{job_failure, now};
use super::super::verdict::left_alone;
use super::super::{Exit, Failure, OrFail, afterwards, shard, status};
use super::Mended;
use super::look::{self, Found};
use super::scrolled::Scrollable;
use crate::after::{Counts, Kind, StoreReport};
use crate::job::{DIFFERENCES, Job, JobReader, OvertakenInAll, UNSCROLLABLE, VERIFIED};
use crate::report::{self, count, plural};

/// The object of `--json`: that of every command, and each kind of difference.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    summary: report::Summary,
    #[serde(flatten)]
    found: Differences,
}

/// Figures that only `verify` has.
#[derive(Debug, Default, Serialize)]
struct Differences {
    missing: u64,
    not_stored: u64,
    changed: u64,
    unsettled: u64,
    revoked: u64,
    foreign: u64,
    unread: u64,
    store_checked: Option<u64>,
    /// Conversations that can be scrolled to the start, of all that were judged; absent without --client.
    scrollable: Option<u64>,
    not_scrollable: Option<u64>,
    scroll_unknown: Option<u64>,
    repaired_deleted: u64,
    repaired_sent: u64,
    /// Files that are what they must be, that are not, and that could not be looked at; absent without --media.
    files_good: Option<u64>,
    files_differ: Option<u64>,
    files_unanswered: Option<u64>,
}

/// Differences shown; all of them are in the file.
pub(super) const SHOWN: usize = 20;

/// Names what was found.
pub(super) fn show(context: &Context, found: &Found) -> Result<(), Failure> {
    let mut lines = found.shown.clone();
    let more = found.named.saturating_sub(found.shown.len() as u64);
    if more > 0 {
        lines.push(format!("… and {} more: {DIFFERENCES} in the job's folder names them all", count(more)));
    }
    for kind in Kind::ALL {
        let n = found.counts.of(kind);
        if n > 0 {
            lines.push(format!("{} {kind}: {}; {}", count(n), kind.means(), kind.mend()));
        }
    }
    lines.extend(found.scrolled.iter().flat_map(Scrollable::lines));
    if lines.is_empty() { Ok(()) } else { context.say(&lines.join("\n")) }
}

/// What was found in a job, or in all shards of an export, and where that leaves them.
#[derive(Debug, Default)]
pub(super) struct Looked {
    found: Found,
    mended: Mended,
    /// Messages that are left to send, without those that people have overtaken.
    left: u64,
    /// Conversations into which people have written what is newer than the rest.
    overtaken: OvertakenInAll,
    /// Conversations of jobs without one that waits at a refused message, in which something is left.
    unfinished: bool,
    /// Conversations that wait at a refused message.
    held: u64,
    /// Conversations that were undone.
    undone: u64,
    /// The figures of the jobs.
    figures: report::Summary,
    /// Whose it is, where it is one shard.
    shard: Option<String>,
    /// The files that messages show, if they were asked for.
    pub(super) files: Option<Files>,
    /// No message was sent yet: only the files were looked at.
    is_before: bool,
}

impl Looked {
    pub(super) fn new(reader: &JobReader, found: Found, mended: Mended) -> Result<Self, Failure> {
        let overtaken = reader.overtaken_in_all(&|_| true).map_err(job_failure)?;
        let left = reader.queue().map_err(job_failure)?.messages();
        let held = reader.held(1).map_err(job_failure)?.len() as u64;
        let (undone, _) = reader.undone_in_all().map_err(job_failure)?;
        let figures = status::figures(std::slice::from_ref(reader))?;
        let shard = shard::in_words(reader)?;
        let unfinished = left + overtaken.messages > 0 && held == 0;
        Ok(Self {
            found,
            mended,
            left,
            overtaken,
            unfinished,
            held,
            undone,
            figures,
            shard,
            files: None,
            is_before: false,
        })
    }

    /// The files of a job that has sent nothing yet.
    pub(super) fn before(reader: &JobReader, files: Files) -> Result<Self, Failure> {
        let figures = status::figures(std::slice::from_ref(reader))?;
        Ok(Self { figures, files: Some(files), is_before: true, ..Self::default() })
    }

    /// Adds another shard.
    pub(super) fn merge(&mut self, other: Self) {
        self.found.merge(other.found);
        self.mended.merge(other.mended);
        self.left += other.left;
        self.overtaken.merge(other.overtaken);
        self.unfinished |= other.unfinished;
        self.held += other.held;
        self.undone += other.undone;
        self.figures.add(&other.figures);
        self.shard = None;
    }

    pub(super) fn exit(&self) -> Exit {
        let found = &self.found;
        let files = self.files.as_ref().map_or(Exit::Done, Files::exit);
        if found.failing() + found.broken() > 0 || files == Exit::Difference {
            Exit::Difference
        } else if self.unfinished
            || files == Exit::Unfinished
            || found.unproved() + found.unseen() > 0
            || found.counts.of(Kind::Unsettled) > 0
            || self.mended.stopped.is_some()
        {
            Exit::Unfinished
        } else if self.figures.rejected > 0 || self.held > 0 {
            Exit::Rejects
        } else {
            Exit::Done
        }
    }

    pub(super) fn verdict(&self) -> String {
        let files = self.files.as_ref().map_or_else(String::new, Files::in_words);
        if self.is_before {
            return format!("No message was sent yet: `run` begins. {files}");
        }
        let mut said = verdict(&self.found, &self.mended, &self.figures, self.left, self.undone);
        if !files.is_empty() {
            said = format!("{said} {files}");
        }
        if self.overtaken.conversations > 0 {
            said = format!("{said} {}", left_alone(&self.overtaken));
        }
        said
    }

    /// The verdict, and whose it is where that is one shard alone.
    fn said(&self) -> String {
        match &self.shard {
            Some(shard) => format!("Of {shard}: {}", self.verdict()),
            None => self.verdict(),
        }
    }

    fn summary(&self, began: Instant) -> report::Summary {
        let Counted { doubled, hidden, out_of_place } = Counted::of(&self.found.counts);
        report::Summary {
            command: "verify",
            verdict: self.said(),
            confirmed: self.found.equal,
            stored: self.found.store.as_ref().map(StoreReport::stored),
            doubled,
            hidden,
            out_of_place,
            seconds: began.elapsed().as_secs_f64(),
            exit_code: self.exit().code(),
            ..self.figures.clone()
        }
    }

    /// Keeps it in the job it is of.
    pub(super) fn keep(&self, job: &Job) -> Result<(), Failure> {
        keep(job, &self.said(), self.exit())?;
        if self.found.scrolled.is_none() {
            remove(job, UNSCROLLABLE)?;
        }
        Ok(())
    }
}

/// The last word: the verdict, or with `--json` the one object.
pub(super) fn end(context: &Context, looked: &Looked, began: Instant) -> Result<(), Failure> {
    let (summary, found) = (looked.summary(began), &looked.found);
    if !context.json() {
        return print(&summary.verdict);
    }
    let of = |kind| found.counts.of(kind);
    let found = Differences {
        missing: of(Kind::Missing),
        not_stored: of(Kind::NotStored),
        changed: of(Kind::Changed),
        unsettled: of(Kind::Unsettled),
        revoked: of(Kind::Revoked),
        foreign: of(Kind::Foreign),
        unread: found.unproved(),
        scrollable: found.scrolled.as_ref().map(Scrollable::can),
        not_scrollable: found.scrolled.as_ref().map(Scrollable::not),
        scroll_unknown: found.scrolled.as_ref().map(|scrolled| scrolled.unknown),
        store_checked: found.store.as_ref().map(|store| store.checked),
        repaired_deleted: looked.mended.deleted,
        repaired_sent: looked.mended.sent,
        files_good: looked.files.as_ref().map(|files| files.read.good),
        files_differ: looked.files.as_ref().map(|files| files.read.differences.len() as u64),
        files_unanswered: looked.files.as_ref().map(|files| files.read.unanswered.len() as u64),
    };
    context.print_json(&Outcome { summary, found })
}

fn keep(job: &Job, verdict: &str, exit: Exit) -> Result<(), Failure> {
    let mut file = job.new_file(VERIFIED).map_err(job_failure)?;
    let kept =
        report::Verified { at: now().0, verdict: verdict.to_owned(), failed: exit == Exit::Difference };
    serde_json::to_writer(&mut file, &kept).or_fail(Exit::Internal)?;
    file.keep().or_fail(Exit::Internal)
}

/// When the job was verified last, and how that ended.
pub(in super::super) fn last(reader: &JobReader) -> Option<report::Verified> {
    let text = fs_err::read_to_string(reader.dir().join(VERIFIED)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Forgets it: what it says is no longer so.
pub(in super::super) fn forget(job: &Job) -> Result<(), Failure> {
    remove(job, VERIFIED)?;
    remove(job, UNSCROLLABLE)
}

fn remove(job: &Job, file: &str) -> Result<(), Failure> {
    match fs_err::remove_file(job.dir().join(file)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).or_fail(Exit::Internal),
        _ => Ok(()),
    }
}

/// What has a name of its own in every command's object.
struct Counted {
    doubled: u64,
    hidden: u64,
    out_of_place: u64,
}

impl Counted {
    fn of(counts: &Counts) -> Self {
        Self {
            doubled: counts.of(Kind::Doubled),
            // Whether an empty slot is hidden or deleted is not known where the store was not asked.
            hidden: counts.of(Kind::Hidden) + counts.of(Kind::Empty),
            out_of_place: counts.of(Kind::OutOfPlace) + counts.of(Kind::Late),
        }
    }
}

/// What was proved, and what was not: a few sentences.
pub(super) fn verdict(
    found: &Found,
    mended: &Mended,
    job: &report::Summary,
    left: u64,
    undone: u64,
) -> String {
    let mut said = Vec::new();
    if mended.deleted + mended.sent > 0 {
        let deleted = plural(mended.deleted, "second copy", "second copies");
        let sent = plural(mended.sent, "message", "messages");
        said.push(format!("Repaired: {deleted} deleted, {sent} sent again."));
    }
    let (equal, expected) = (count(found.equal), plural(found.expected, "message", "messages"));
    let conversations = plural(found.conversations, "conversation", "conversations");
    said.push(if found.failing() > 0 {
        format!(
            "{} ({}): {equal} of {expected} in {conversations} {} confirmed.",
            plural(found.failing(), "difference", "differences"),
            found.counts.in_words(),
            if found.equal == 1 { "is" } else { "are" }
        )
    } else if found.unproved() == 0 {
        let (all, are) = if found.expected == 1 { ("", "is") } else { ("All ", "are") };
        format!(
            "{all}{expected} in {conversations} {are} confirmed: read back from the server's log, each once, as it was sent."
        )
    } else {
        format!(
            "No difference among the {} that could be read; {} where somebody is writing just now, or nobody of this job \
             may read: verify again.",
            plural(found.equal, "message", "messages"),
            plural(found.unproved(), "stands", "stand")
        )
    });
    said.extend(found.listed.in_words());
    said.extend(found.scrolled.as_ref().map(Scrollable::in_words));
    said.extend(found.store.as_ref().map(look::of_the_store));
    if found.failing() == 0 && found.counts != Counts::default() {
        said.push(format!("Besides: {}.", found.counts.in_words()));
    }
    if left > 0 {
        let left = plural(left, "message is", "messages are");
        said.push(format!("{left} left to send: `run` goes on, or `retry` where one was refused."));
    }
    if job.rejected > 0 {
        said.push(format!("{} rejected: see rejected.jsonl.", plural(job.rejected, "was", "were")));
    }
    if undone > 0 {
        said.push(format!(
            "{} undone and not looked at.",
            plural(undone, "conversation was", "conversations were")
        ));
    }
    match &mended.stopped {
        Some(why) => said.push(why.clone()),
        None if !found.fallen.is_empty() => {
            said.push(format!("What lacks was lost as a whole: {}.", afterwards::put_back(&found.fallen)));
        }
        None => {}
    }
    said.join(" ")
}
