//! `status`: how far a job is, also while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use super::context::Context;
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, shard, whole};
use crate::config::JobsArgs;
use crate::job::{Job, JobError, JobReader, OvertakenInAll};
use crate::prepare;
use crate::report::{self, Document, Progress, Snapshot, Table, Verdict, count, percent, plural, time};

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Look again and again, with pace and time left, until the run has ended; reads the job alone
    #[arg(long)]
    pub watch: bool,
    /// Of which jobs.
    #[command(flatten)]
    pub jobs: JobsArgs,
}

pub(super) fn status(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let readers = whole::observe(context, &args.jobs)?;
    if args.watch {
        watch(context, &readers)?;
    }
    let sums = Sums::of_all(&readers)?;
    let mut summary = sums.in_words(&readers)?;
    let exit = match (sums.left(), summary.rejected) {
        (1.., _) => Exit::Unfinished,
        (0, 1..) => Exit::Rejects,
        (0, 0) => Exit::Done,
    };
    summary.exit_code = exit.code();
    let text = document(&readers, &summary)?.text();
    context.finish(&text, &summary)?;
    Ok(exit)
}

/// Shows how far it is for as long as a process has one of the jobs and something is left.
fn watch(context: &Context, readers: &[JobReader]) -> Result<(), Failure> {
    const EVERY: Duration = Duration::from_secs(1);
    // Of a look at a million conversations; who looks shall not slow down whom he looks at.
    const SHARE: u32 = 20;
    let latest = Arc::new(Mutex::new(seen(readers)?));
    let shown = Arc::clone(&latest);
    let look = move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let drawn = Progress::start(context.style, Arc::new(look));
    while readers.iter().any(|reader| Job::is_held(reader.dir())) {
        let began = Instant::now();
        let snapshot = seen(readers)?;
        let is_done = snapshot.total > 0 && snapshot.done >= snapshot.total;
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
        if is_done {
            break;
        }
        std::thread::sleep(EVERY.max(SHARE * began.elapsed()));
    }
    drawn.finish();
    Ok(())
}

/// Jobs as other processes have written them.
fn seen(readers: &[JobReader]) -> Result<Snapshot, Failure> {
    let mut snapshot = Snapshot { phase: "send", ..Snapshot::default() };
    for reader in readers {
        let found =
            || -> Result<_, JobError> { Ok((reader.totals()?, reader.standing()?, reader.most_left()?)) };
        let (totals, standing, longest) = found().map_err(job_failure)?;
        snapshot.done += standing.passed + standing.undone;
        snapshot.total += totals.messages;
        snapshot.rejected += standing.rejected;
        let Some((conv, left)) = longest else { continue };
        if snapshot.longest.as_ref().is_some_and(|(_, most)| *most >= left) {
            continue;
        }
        let conversation = reader.conversation(conv).map_err(job_failure)?;
        snapshot.longest = conversation.map(|conversation| (conversation.id().0, left));
    }
    Ok(snapshot)
}

/// The figures of a job, or of the shards of one export, from what is on the disk.
pub(super) fn figures(readers: &[JobReader]) -> Result<report::Summary, Failure> {
    Sums::of_all(readers)?.in_words(readers)
}

/// What jobs come to, before there are words for it.
#[derive(Debug, Default)]
struct Sums {
    summary: report::Summary,
    /// Messages that are confirmed or refused.
    passed: u64,
    undone: u64,
    /// Messages that the server refused.
    refused: u64,
    /// Conversations into which people have written what is newer.
    overtaken: OvertakenInAll,
}

impl Sums {
    fn of_all(readers: &[JobReader]) -> Result<Self, Failure> {
        let mut sums = Self::default();
        sums.summary.command = "status";
        for reader in readers {
            sums.add(reader)?;
        }
        Ok(sums)
    }

    fn left(&self) -> u64 {
        self.summary.messages.saturating_sub(self.passed + self.undone)
    }

    fn add(&mut self, reader: &JobReader) -> Result<(), Failure> {
        let found = || -> Result<_, JobError> {
            Ok((reader.totals()?, reader.standing()?, reader.repair_counts()?, reader.passes()?))
        };
        let (totals, standing, (_, doubled), passes) = found().map_err(job_failure)?;
        let summary = &mut self.summary;
        summary.messages += totals.messages;
        summary.conversations += totals.conversations;
        summary.confirmed += standing.passed.saturating_sub(standing.rejected);
        summary.doubled += doubled;
        let mut rejected = standing.rejected;
        // What is being read just now has no summary yet.
        for pass in passes.into_iter().filter(|pass| pass.ready) {
            let pass = prepare::Summary::from_json(&pass.summary).or_fail(Exit::Internal)?;
            summary.skipped += pass.left_out.values().sum::<u64>();
            summary.duplicates_in_source += pass.duplicates_in_source;
            summary.already_there += pass.known;
            summary.older += pass.older;
            rejected = pass.unsendable_after(rejected);
        }
        summary.rejected += rejected;
        self.passed += standing.passed;
        self.undone += standing.undone;
        self.refused += standing.rejected;
        let overtaken = reader.overtaken_in_all(&|_| true).map_err(job_failure)?;
        self.overtaken.merge(overtaken);
        Ok(())
    }

    /// With the verdict. One shard alone says that it is one.
    fn in_words(&self, readers: &[JobReader]) -> Result<report::Summary, Failure> {
        let summary = self.summary.clone();
        let (left, confirmed) = (self.left(), summary.confirmed);
        let verdict = if summary.messages == 0 {
            "There are no messages in this job: `check SOURCE` reads an export into it.".to_owned()
        } else if self.undone > 0 && left == 0 && confirmed == 0 {
            format!(
                "{} undone: `run --again` sends anew.",
                plural(self.undone, "message was", "messages were")
            )
        } else if left == 0 && summary.rejected == 0 {
            match confirmed {
                1 => "The 1 message is confirmed.".to_owned(),
                n => format!("All {} messages are confirmed.", count(n)),
            }
        } else if left == 0 {
            let refused = plural(self.refused, "was", "were");
            let left_out = plural(
                summary.rejected.saturating_sub(self.refused),
                "record of the export can't be sent and was",
                "records of the export can't be sent and were",
            );
            format!(
                "{} confirmed, {refused} refused by the server, {left_out} left out: see rejected.jsonl.",
                plural(confirmed, "message is", "messages are"),
            )
        } else if self.overtaken.conversations > 0 {
            format!(
                "{} confirmed. {}",
                plural(confirmed, "message is", "messages are"),
                super::verdict::left_alone(&self.overtaken)
            )
        } else {
            format!(
                "{} of {} confirmed ({}), {} to go.",
                count(confirmed),
                plural(summary.messages, "message", "messages"),
                percent(confirmed, summary.messages),
                count(left)
            )
        };
        Ok(report::Summary { verdict: shard::said(readers, verdict)?, ..summary })
    }
}

/// The report of a job, or of the shards of one export.
pub(super) fn document(readers: &[JobReader], summary: &report::Summary) -> Result<Document, Failure> {
    Ok(Document { tables: tables(readers)?, ..head(readers, summary)? })
}

/// The same before there are tables.
pub(super) fn head(readers: &[JobReader], summary: &report::Summary) -> Result<Document, Failure> {
    let left = summary.messages.saturating_sub(summary.confirmed);
    let mut facts: Vec<(String, String)> = [
        ("shards", if readers.len() > 1 { readers.len() as u64 } else { 0 }),
        ("messages", summary.messages),
        ("conversations", summary.conversations),
        ("confirmed", summary.confirmed),
        ("rejected", summary.rejected),
        ("left out on purpose", summary.skipped),
        ("duplicates in the source", summary.duplicates_in_source),
        ("known from an earlier pass", summary.already_there),
        ("older than an earlier pass", summary.older),
        ("lost by the server and sent again", summary.lost_and_resent),
        ("doubled by the server", summary.doubled),
        ("hidden", summary.hidden),
        ("calls repeated", summary.retries),
    ]
    .into_iter()
    .filter(|(name, n)| *n > 0 || matches!(*name, "messages" | "conversations" | "confirmed"))
    .map(|(name, n)| (name.to_owned(), count(n)))
    .collect();
    let mut last = Vec::new();
    let (mut files, mut uploaded, mut waiting) = (0, 0, 0);
    for reader in readers {
        let (all, there) = reader.media_counts().map_err(job_failure)?;
        (files, uploaded) = (files + all, uploaded + there);
        waiting += reader.files_waiting().map_err(job_failure)?;
        last.extend(reader.runs().map_err(job_failure)?.pop());
    }
    if files > 0 {
        let mut said = format!("{}, {} on the server", count(files), count(uploaded));
        if waiting > 0 {
            said = format!("{said}, {} to go up with their messages", count(waiting));
        }
        facts.push(("files".into(), said));
    }
    if let Some(started) = last.iter().map(|run| run.started).min() {
        let mut servers: Vec<&str> = last.iter().map(|run| run.api.as_str()).collect();
        servers.sort_unstable();
        servers.dedup();
        facts.push(("server".into(), servers.join(", ")));
        let ended = last.iter().map(|run| run.ended).collect::<Option<Vec<_>>>();
        let ended = ended.and_then(|all| all.into_iter().max());
        let ended = ended.map_or_else(|| "it runs, or was killed".to_owned(), time);
        let name = if readers.len() > 1 { "last runs" } else { "last run" };
        facts.push((name.into(), format!("{} to {ended}", time(started))));
    }
    if !summary.limited_by.is_empty() {
        facts.push(("limited by".into(), summary.limited_by.clone()));
    }
    let verified: Vec<_> = readers.iter().filter_map(super::verify::last).collect();
    if let [reader] = readers {
        if let [verified] = verified.as_slice() {
            facts.push(("last verified".into(), format!("{}: {}", time(verified.at), verified.verdict)));
        }
        if let Some(kinds) = crate::job::Logins::counts(reader.dir()) {
            facts.push(("who can log in".into(), report::can_log_in(&kinds)));
        }
    }
    Ok(Document {
        title: title(readers),
        verdict: summary.verdict.clone(),
        mood: match (left + summary.rejected, summary.hidden + summary.doubled) {
            _ if verified.iter().any(|verified| verified.failed) => Verdict::Bad,
            (0, 0) => Verdict::Good,
            (_, 0) => Verdict::Open,
            _ => Verdict::Bad,
        },
        facts,
        tables: Vec::new(),
        signed: false,
    })
}

fn title(readers: &[JobReader]) -> String {
    match readers {
        [reader] => format!("Job {}", reader.dir().display()),
        all => format!("An export in {} shards", all.len()),
    }
}

/// Rows of a table of the report are shown up to that many.
const SHOWN: usize = 50;

fn tables(readers: &[JobReader]) -> Result<Vec<Table>, Failure> {
    let mut rejects = BTreeMap::<String, u64>::new();
    let mut findings = Vec::<prepare::Counted>::new();
    let (mut runs, mut shards) = (Vec::new(), Vec::new());
    for reader in readers {
        for (reason, n) in reader.reject_counts().map_err(job_failure)? {
            *rejects.entry(reason).or_default() += n;
        }
        for pass in reader.passes().map_err(job_failure)?.into_iter().filter(|pass| pass.ready) {
            let pass = prepare::Summary::from_json(&pass.summary).or_fail(Exit::Internal)?;
            for found in pass.findings {
                match findings.iter_mut().find(|known| readers.len() > 1 && known.code == found.code) {
                    Some(known) => known.count += found.count,
                    None => findings.push(found),
                }
            }
        }
        runs.extend(reader.runs().map_err(job_failure)?);
        if readers.len() > 1 {
            shards.push(shard_row(reader)?);
        }
    }
    let mut rejects: Vec<_> = rejects.into_iter().collect();
    rejects.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let rejects = rejects.into_iter().map(|(reason, n)| vec![reason, count(n)]).collect();
    let findings =
        findings.into_iter().map(|f| vec![f.code, count(f.count), f.means, f.first_place]).collect();
    // The latest first.
    runs.sort_by_key(|run| run.started);
    let runs = runs
        .into_iter()
        .rev()
        .take(SHOWN)
        .map(|run| vec![time(run.started), run.ended.map(time).unwrap_or_default(), run.api])
        .collect();
    let of_shards = ["shard", "messages", "confirmed", "to go", "last verified", "folder"];
    Ok(vec![
        table("Shards", &of_shards, shards),
        scroll(readers),
        table("Refused by the server", &["reason", "messages"], rejects),
        table("Found in the export", &["code", "count", "meaning", "first at"], findings),
        table("Runs", &["began", "ended", "server"], runs),
    ])
}

/// A line about a shard.
fn shard_row(reader: &JobReader) -> Result<Vec<String>, Failure> {
    let sums = Sums::of_all(std::slice::from_ref(reader))?;
    let shard = reader.shard().map_err(job_failure)?;
    let verified = super::verify::last(reader).map_or_else(String::new, |verified| {
        format!("{}{}", time(verified.at), if verified.failed { ", with differences" } else { "" })
    });
    let (messages, confirmed, left) = (sums.summary.messages, sums.summary.confirmed, sums.left());
    let dir = reader.dir().display().to_string();
    Ok(vec![shard.to_string(), count(messages), count(confirmed), count(left), verified, dir])
}

fn table(title: &str, columns: &[&'static str], rows: Vec<Vec<String>>) -> Table {
    Table { title: title.to_owned(), columns: columns.to_vec(), rows, ..Table::default() }
}

/// What the last `verify --client` had to say of conversations.
pub(super) fn scroll(readers: &[JobReader]) -> Table {
    let noted = readers.iter().flat_map(|reader| super::verify::noted(reader, SHOWN)).take(SHOWN);
    let rows = noted.map(|one| {
        let mend = one.mend.unwrap_or_default();
        vec![one.conversation, one.verdict.in_words().to_owned(), one.reason, mend]
    });
    let columns = ["conversation", "can they", "why", "what mends it"];
    table("Can users scroll to the start?", &columns, rows.collect())
}
