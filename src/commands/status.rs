//! `status`: how far a job is, also while it runs.

use super::context::Context;
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail};
use crate::job::{Job, JobError, JobReader};
use crate::prepare;
use crate::report::{self, Document, Table, Verdict, count, percent, time};

pub(super) fn status(context: &Context) -> Result<Exit, Failure> {
    let dir = context.job();
    let reader = Job::observe(&dir).map_err(job_failure)?;
    let mut summary = figures(&reader)?;
    let standing = reader.standing().map_err(job_failure)?;
    let left = summary.messages.saturating_sub(standing.passed + standing.undone);
    let exit = match (left, summary.rejected) {
        (1.., _) => Exit::Unfinished,
        (0, 1..) => Exit::Rejects,
        (0, 0) => Exit::Done,
    };
    summary.exit_code = exit.code();
    let text = document(&reader, &dir.display().to_string(), &summary)?.text();
    context.finish(&text, &summary)?;
    Ok(exit)
}

/// The figures of a job, from what is on the disk.
pub(super) fn figures(reader: &JobReader) -> Result<report::Summary, Failure> {
    let found = || -> Result<_, JobError> {
        Ok((reader.totals()?, reader.standing()?, reader.repair_counts()?, reader.passes()?))
    };
    let (totals, standing, (_, doubled), passes) = found().map_err(job_failure)?;
    let confirmed = standing.passed.saturating_sub(standing.rejected);
    let mut summary = report::Summary {
        command: "status",
        messages: totals.messages,
        conversations: totals.conversations,
        confirmed,
        rejected: standing.rejected,
        doubled,
        ..report::Summary::default()
    };
    // What is being read just now has no summary yet.
    for pass in passes.into_iter().filter(|pass| pass.ready) {
        let pass = prepare::Summary::from_json(&pass.summary).or_fail(Exit::Internal)?;
        summary.skipped += pass.left_out.values().sum::<u64>();
        summary.duplicates_in_source += pass.duplicates_in_source;
        summary.already_there += pass.known;
        summary.older += pass.older;
        summary.rejected += pass.rejected + pass.unmapped;
        summary.rejected = summary.rejected.saturating_sub(pass.mended);
    }
    let left = summary.messages.saturating_sub(standing.passed + standing.undone);
    summary.verdict = if totals.messages == 0 {
        "There are no messages in this job: `check SOURCE` reads an export into it.".to_owned()
    } else if standing.undone > 0 && left == 0 && confirmed == 0 {
        format!("{} messages were undone: `run --again` sends them anew.", count(standing.undone))
    } else if left == 0 && summary.rejected == 0 {
        format!("All {} messages are confirmed.", count(confirmed))
    } else if left == 0 {
        let refused = count(standing.rejected);
        let left_out = count(summary.rejected.saturating_sub(standing.rejected));
        format!(
            "{} messages are confirmed, {refused} were refused by the server, {left_out} records of the export can't be \
             sent and were left out: see rejected.jsonl.",
            count(confirmed),
        )
    } else {
        format!(
            "{} of {} messages confirmed ({}), {} to go.",
            count(confirmed),
            count(totals.messages),
            percent(confirmed, totals.messages),
            count(left)
        )
    };
    Ok(summary)
}

/// The report of a job.
pub(super) fn document(
    reader: &JobReader,
    name: &str,
    summary: &report::Summary,
) -> Result<Document, Failure> {
    let left = summary.messages.saturating_sub(summary.confirmed);
    let mut facts: Vec<(String, String)> = [
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
    let last = reader.runs().map_err(job_failure)?.pop();
    if let Some(run) = &last {
        facts.push(("server".into(), run.api.clone()));
        let ended = run.ended.map_or_else(|| "it runs, or was killed".to_owned(), time);
        facts.push(("last run".into(), format!("{} to {ended}", time(run.started))));
    }
    if !summary.limited_by.is_empty() {
        facts.push(("limited by".into(), summary.limited_by.clone()));
    }
    let verified = super::verify::last(reader);
    if let Some(verified) = &verified {
        facts.push(("last verified".into(), format!("{}: {}", time(verified.at), verified.verdict)));
    }
    if let Some(kinds) = crate::job::Logins::counts(reader.dir()) {
        facts.push(("who can log in".into(), report::can_log_in(&kinds)));
    }
    Ok(Document {
        title: format!("Job {name}"),
        verdict: summary.verdict.clone(),
        mood: match (left + summary.rejected, summary.hidden + summary.doubled) {
            _ if verified.is_some_and(|verified| verified.failed) => Verdict::Bad,
            (0, 0) => Verdict::Good,
            (_, 0) => Verdict::Open,
            _ => Verdict::Bad,
        },
        facts,
        tables: tables(reader)?,
        signed: false,
    })
}

fn tables(reader: &JobReader) -> Result<Vec<Table>, Failure> {
    let rejects = reader.reject_counts().map_err(job_failure)?;
    let rejects = rejects.into_iter().map(|(reason, n)| vec![reason, count(n)]).collect();
    let mut findings = Vec::new();
    for pass in reader.passes().map_err(job_failure)?.into_iter().filter(|pass| pass.ready) {
        let pass = prepare::Summary::from_json(&pass.summary).or_fail(Exit::Internal)?;
        findings
            .extend(pass.findings.into_iter().map(|f| vec![f.code, count(f.count), f.means, f.first_place]));
    }
    let runs = reader.runs().map_err(job_failure)?;
    let runs = runs
        .into_iter()
        .rev()
        .take(50)
        .map(|run| vec![time(run.started), run.ended.map(time).unwrap_or_default(), run.api])
        .collect();
    Ok(vec![
        scroll(reader),
        table("Refused by the server", &["reason", "messages"], rejects),
        table("Found in the export", &["code", "count", "meaning", "first at"], findings),
        table("Runs", &["began", "ended", "server"], runs),
    ])
}

fn table(title: &str, columns: &[&'static str], rows: Vec<Vec<String>>) -> Table {
    Table { title: title.to_owned(), columns: columns.to_vec(), rows, ..Table::default() }
}

/// What the last `verify --client` had to say of conversations.
pub(super) fn scroll(reader: &JobReader) -> Table {
    let rows = super::verify::noted(reader, 50).into_iter().map(|one| {
        let mend = one.mend.unwrap_or_default();
        vec![one.conversation, one.verdict.in_words().to_owned(), one.reason, mend]
    });
    let columns = ["conversation", "can they", "why", "what mends it"];
    table("Can users scroll to the start?", &columns, rows.collect())
}
