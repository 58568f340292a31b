//! The facts of a job in words: each table says what its figures mean.

use super::chart::{Chart, Column};
use super::document::Table;
use super::facts::{Changed, Course, Facts, Fate, Kind, Proof, Run};
use super::numbers::{bytes, count, duration, plural};

/// What is said where nothing is known.
const UNKNOWN: &str = "not known";

/// A time of the job, UTC.
pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The tables of a report, what decides first. `scroll`: whether users can scroll, as the last look saw it.
pub fn tables(facts: &Facts, scroll: Table) -> Vec<Table> {
    vec![
        before_and_after(facts),
        records(facts),
        set_aside(facts),
        scroll,
        days(&facts.days),
        longest(&facts.longest),
        runs(&facts.runs),
        changes(&facts.changes),
        deeds(facts),
        proof(&facts.proof),
        sources(facts),
        settings(facts),
    ]
}

fn before_and_after(facts: &Facts) -> Table {
    let row = |kind: &Kind| {
        let (after, missing) = match kind.after {
            None => (UNKNOWN.to_owned(), UNKNOWN.to_owned()),
            Some(after) => (count(after), count(kind.before.saturating_sub(after))),
        };
        vec![kind.name.clone(), count(kind.before), after, missing]
    };
    Table {
        title: "Before and after".into(),
        text: "What was prepared from the export, and what of it is confirmed: read back from the server's log. Of a \
               conversation every message is; a file was put where everybody can open it."
            .into(),
        columns: vec!["what", "in the export", "on the server", "not"],
        rows: facts.kinds.iter().map(row).collect(),
        chart: None,
    }
}

fn records(facts: &Facts) -> Table {
    let records = &facts.records;
    let rows = [
        ("read from the export", records.read),
        ("prepared to be sent", records.prepared),
        ("can't be sent as they are", records.invalid),
        ("left out on purpose", records.left_out),
        ("stand there more than once", records.duplicates),
        ("known from an earlier pass", records.known),
    ];
    Table {
        title: "What became of the export".into(),
        text: "Messages, and records of which no message could be made. The first line is the sum of the others.".into(),
        columns: vec!["what", "how many"],
        rows: rows.map(|(what, n)| vec![what.to_owned(), count(n)]).into(),
        chart: None,
    }
}

fn set_aside(facts: &Facts) -> Table {
    let rows: Vec<Vec<String>> = facts
        .set_aside
        .iter()
        .map(|one| {
            let what = match one.fate {
                Fate::Refused => "refused by the server",
                Fate::Invalid => "can't be sent",
                Fate::LeftOut => "left out",
                Fate::Changed => "changed",
                Fate::Noticed => "sent as it is",
            };
            let first = if one.first.is_empty() { String::new() } else { format!(" (first: {})", one.first) };
            let means = format!("{}: {}{first}", one.code, one.means);
            vec![what.to_owned(), count(one.count), means, one.mend.clone()]
        })
        .collect();
    let text = if rows.is_empty() {
        "Nothing was left out, changed or refused."
    } else {
        "Each of them is named in findings.jsonl, or with its content in rejected.jsonl, in the job's folder. A record can \
         count in more than one line."
    };
    Table {
        title: "Left out, changed, refused".into(),
        text: text.into(),
        columns: vec!["what happened", "how many", "why", "what mends it"],
        rows,
        chart: None,
    }
}

/// By day where they are few, by month or year where they are many.
fn days(days: &[Kind]) -> Table {
    let (unit, kinds) = [("day", 10), ("month", 7), ("year", 4)]
        .map(|(unit, length)| (unit, together(days, length)))
        .into_iter()
        .find(|(_, kinds)| kinds.len() <= 36)
        .unwrap_or_else(|| ("year", together(days, 4)));
    let column =
        |kind: &Kind| Column { name: kind.name.clone(), whole: kind.before, full: kind.after.unwrap_or(0) };
    let chart = Chart { unit: "messages", columns: kinds.iter().map(column).collect() };
    let row =
        |kind: &Kind| vec![kind.name.clone(), count(kind.before), kind.after.map_or_else(unknown, count)];
    Table {
        title: "When they were written".into(),
        text: format!(
            "Messages by {unit} (UTC); those without any are left out. Columns: in the export, and full as far as confirmed."
        ),
        columns: vec![unit, "in the export", "on the server"],
        rows: kinds.iter().map(row).collect(),
        chart: Some(chart),
    }
}

fn unknown() -> String {
    UNKNOWN.to_owned()
}

/// Days whose names begin alike, in one.
fn together(days: &[Kind], length: usize) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for day in days {
        let name: String = day.name.chars().take(length).collect();
        match kinds.last_mut().filter(|last| last.name == name) {
            None => kinds.push(Kind { name, ..day.clone() }),
            Some(last) => {
                last.before += day.before;
                last.after = last.after.zip(day.after).map(|(a, b)| a + b);
            }
        }
    }
    kinds
}

fn longest(longest: &[Kind]) -> Table {
    let row =
        |kind: &Kind| vec![kind.name.clone(), count(kind.before), kind.after.map_or_else(unknown, count)];
    Table {
        title: "The longest conversations".into(),
        columns: vec!["conversation", "in the export", "on the server"],
        rows: longest.iter().map(row).collect(),
        ..Table::default()
    }
}

fn runs(runs: &[Run]) -> Table {
    let chart = runs
        .iter()
        .filter(|run| run.course.is_some())
        .max_by_key(|run| run.confirmed)
        .and_then(|run| run.course.as_ref())
        .map(course);
    Table {
        title: "What the server did".into(),
        text: "The runs, the last one first. A second: messages confirmed, on the average. Again: calls made again; lost: \
               messages that the server had acknowledged and lost, and that were sent again; busy: it asked for fewer \
               calls (429); away: it could not be reached; silent: it did not answer, or with an error of its own. \
               Wait: how long messages waited for their numbers, in the middle slice of its time and in the worst, ms; \
               what others wrote meanwhile waited in the same queue, so about as long. Others: messages of theirs seen between ours. \
               Columns: messages confirmed over the time of the run that confirmed most."
            .into(),
        columns: vec![
            "began", "ended", "how", "confirmed", "a second", "wait, ms", "others", "again", "lost", "busy", "away",
            "silent", "limited by", "signs of a crash",
        ],
        rows: runs.iter().rev().take(50).map(run).collect(),
        chart,
    }
}

/// How many changes are shown: a timetable of a year makes many.
const CHANGES: usize = 50;

fn changes(changes: &[Changed]) -> Table {
    let row = |change: &Changed| {
        let Changed { at, by, what, holds } = change;
        vec![at.map_or_else(unknown, time), by.clone(), what.clone(), holds.clone()]
    };
    let text = match changes.len() {
        0 => String::new(),
        all => {
            let some = if all > CHANGES {
                format!("The last {CHANGES} of {}. ", count(all as u64))
            } else {
                String::new()
            };
            format!(
                "{some}By whom or what, what was asked for, and what held from then on: the strictest of what the operator, the \
                 file `pause`, the timetable and the deadline want."
            )
        }
    };
    Table {
        title: "What was changed while it ran".into(),
        text,
        columns: vec!["when (UTC)", "by", "asked for", "held from then on"],
        rows: changes.iter().rev().take(CHANGES).map(row).collect(),
        chart: None,
    }
}

fn run(run: &Run) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or_else(unknown, count);
    let pace = run.confirmed.zip(run.seconds).filter(|(_, seconds)| *seconds > 0.0);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a pace is shown rounded"
    )]
    let pace = pace.map(|(confirmed, seconds)| (confirmed as f64 / seconds) as u64);
    let crash = match run.crash {
        None => UNKNOWN,
        Some(true) => "yes",
        Some(false) => "no",
    };
    vec![
        time(run.began),
        run.ended.map_or_else(unknown, time),
        how(run),
        number(run.confirmed),
        number(pace),
        run.course.as_ref().and_then(wait).unwrap_or_else(unknown),
        number(run.foreign),
        number(run.retries),
        number(run.lost),
        number(run.limited),
        number(run.unreachable),
        number(run.unanswered),
        run.limited_by.clone().unwrap_or_default(),
        crash.to_owned(),
    ]
}

/// How long messages waited, in the middle slice and in the worst.
fn wait(course: &Course) -> Option<String> {
    let slices = course.confirmed.iter().zip(&course.lag_ms).filter(|(confirmed, _)| **confirmed > 0);
    let mut waits: Vec<u64> = slices.map(|(_, lag)| *lag).collect();
    waits.sort_unstable();
    let (middle, worst) = (waits.get(waits.len() / 2)?, waits.last()?);
    Some(format!("{} / {}", count(*middle), count(*worst)))
}

fn how(run: &Run) -> String {
    match run.how.as_deref() {
        None => "was killed, or runs still".to_owned(),
        Some("Done") => "done".to_owned(),
        Some("DoneInPart") => "a part is done".to_owned(),
        Some("NothingToDo") => "nothing to do".to_owned(),
        Some("Stopped") => "stopped".to_owned(),
        Some(how) => match how.split_once('(') {
            Some(("GaveUp", why)) => format!("gave up: {}", why.trim_matches(['(', ')', '"'])),
            Some(("MostlyRejected", why)) => {
                format!("nearly everything was refused: {}", why.trim_end_matches(')'))
            }
            _ => how.to_owned(),
        },
    }
}

fn course(course: &Course) -> Chart {
    let columns = course.confirmed.iter().zip(0..).map(|(confirmed, at): (&u64, u64)| {
        let from = std::time::Duration::from_secs(at * course.every);
        Column { name: format!("after {}", duration(from)), whole: *confirmed, full: *confirmed }
    });
    Chart { unit: "messages", columns: columns.collect() }
}

fn deeds(facts: &Facts) -> Table {
    let row = |done: &super::facts::Done| {
        vec![done.at.map_or_else(String::new, time), done.command.clone(), done.said.clone()]
    };
    let text = if facts.deeds.is_empty() {
        "Nothing that this job knows of: no users, groups, read positions, files or accounts."
    } else {
        "What commands with this job changed besides sending. What a command that was killed had done by then is not known."
    };
    Table {
        title: "What was done to the server besides".into(),
        text: text.into(),
        columns: vec!["when", "command", "what"],
        rows: facts.deeds.iter().map(row).collect(),
        chart: None,
    }
}

fn proof(proof: &Proof) -> Table {
    let verified = proof.verified.as_ref().map_or_else(
        || "not since the last run: `openim-import verify` reads everything back and compares it".to_owned(),
        |verified| format!("{}: {}", time(verified.at), verified.verdict),
    );
    let digest =
        |digest: &Option<String>, why: &str| digest.clone().unwrap_or_else(|| format!("{UNKNOWN}: {why}"));
    let rows = [
        ("confirmed messages", count(proof.confirmed)),
        ("of these, shown to nobody who takes part", count(proof.unread)),
        ("of these, behind messages written later", count(proof.late)),
        ("verified", verified),
        ("SHA-256 of what was sent", digest(&proof.sent_sha256, "the texts were removed from the job")),
        ("SHA-256 of what was read back", digest(&proof.receipts_sha256, "the receipts can't be read")),
    ];
    Table {
        title: "The proof".into(),
        text: "Confirmed: after the server's answer the message was seen in the server's log, in its own slot, by its \
               identifiers. Stored: the server's database itself was asked for it; only `verify --store` does that. What was \
               sent: the bodies of all confirmed messages, conversation by conversation. What was read back: the output \
               of `openim-import receipts`, so that `openim-import receipts | sha256sum` gives the same as long as the job is as \
               it was."
            .into(),
        columns: vec!["what", "how it is"],
        rows: rows.map(|(what, how)| vec![what.to_owned(), how]).into(),
        chart: None,
    }
}

fn sources(facts: &Facts) -> Table {
    const SHOWN: usize = 200;
    let more = match facts.sources.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" {} in `report --json`.", plural(n as u64, "more stands", "more stand")),
    };
    Table {
        title: "What was read".into(),
        text: format!("The sources as they were, each with the SHA-256 of all its bytes.{more}"),
        columns: vec!["source", "size", "SHA-256"],
        rows: facts
            .sources
            .iter()
            .take(SHOWN)
            .map(|source| vec![source.path.clone(), bytes(source.bytes), source.sha256.clone()])
            .collect(),
        chart: None,
    }
}

fn settings(facts: &Facts) -> Table {
    let release = facts.release.clone().unwrap_or_else(unknown);
    let mut rows = vec![
        vec!["openim-import".to_owned(), facts.version.clone()],
        vec!["prepared for OpenIM".to_owned(), release],
    ];
    rows.extend(facts.settings.iter().map(|(name, value)| vec![name.clone(), value.clone()]));
    let text = if facts.settings.is_empty() {
        "Nothing was sent by this job yet."
    } else {
        "Those of the last run, as it began: addresses and secrets are no settings of a job."
    };
    Table {
        title: "Versions and settings".into(),
        text: text.into(),
        columns: vec!["what", "value"],
        rows,
        chart: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(name: &str, before: u64) -> Kind {
        Kind { name: name.into(), before, after: Some(before - 1) }
    }

    #[test]
    fn many_days_become_months_and_many_months_years() {
        let few: Vec<Kind> = (1..=9).map(|n| day(&format!("2024-05-0{n}"), 10)).collect();
        assert_eq!(days(&few).columns[0], "day");
        let more: Vec<Kind> =
            (1..=12).flat_map(|m| (1..=9).map(move |n| day(&format!("2024-{m:02}-0{n}"), 10))).collect();
        let table = days(&more);
        assert_eq!((table.columns[0], table.rows.len()), ("month", 12));
        assert_eq!(table.rows[0], ["2024-01", "90", "81"]);
        let many: Vec<Kind> =
            (0..10).flat_map(|y| (1..=12).map(move |m| day(&format!("201{y}-{m:02}-01"), 10))).collect();
        let table = days(&many);
        assert_eq!((table.columns[0], table.rows.len()), ("year", 10));
        assert_eq!(table.chart.unwrap().columns[0], Column { name: "2010".into(), whole: 120, full: 108 });
    }

    #[test]
    fn what_is_not_known_is_said_so() {
        let run = run(&Run { no: 1, began: 0, server: "http://x".into(), ..Run::default() });
        assert_eq!(run[2], "was killed, or runs still");
        assert!(run[3..10].iter().all(|cell| cell == UNKNOWN), "{run:?}");
        let facts =
            Facts { kinds: vec![Kind { name: "files".into(), before: 3, after: None }], ..Facts::default() };
        assert_eq!(before_and_after(&facts).rows[0], ["files", "3", UNKNOWN, UNKNOWN]);
        assert!(proof(&facts.proof).rows[3][1].starts_with("not since"));
    }

    #[test]
    fn how_a_run_ended_in_words() {
        let said = |text: &str| how(&Run { how: Some(text.into()), ..Run::default() });
        assert_eq!(said("GaveUp(\"nothing is heard\")"), "gave up: nothing is heard");
        assert_eq!(
            said("MostlyRejected(NotMember, \"no\")"),
            "nearly everything was refused: NotMember, \"no\""
        );
        assert_eq!(said("Done"), "done");
    }
}
