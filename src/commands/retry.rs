//! `retry`: refused messages go out again, as they stand in `rejected.jsonl` by now. Where later ones of their
//! conversations stand on the server already, these are taken back and sent anew with them in their places.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use clap::Args;

use super::context::{Context, note};
use super::occupied::HEADING;
use super::prepare::{job_failure, now};
use super::verdict::{Known, verdict};
use super::{Exit, Failure, OrFail, afterwards, anew, run, server, stop, verify};
use crate::after::{self, AGAIN, Retried};
use crate::checks::Checker;
use crate::config::{OnReject, PaceArgs, ServerArgs};
use crate::finding::{Finding, Severity};
use crate::job::{ConvNo, JobError, JobReader, Rejected, RejectedLine, RejectedPlaces, write_record};
use crate::mapping::{Sink, read_message};
use crate::message::{ConversationId, Message, Ordinal, Place, SourceNo};
use crate::prepare::{self, PrepareError};
use crate::report::{self, count, plural};

/// `retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// What happens to a message that is refused again: skip it, hold its conversation there, or hold it where that can
    /// be mended [default: mendable]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_reject: Option<OnReject>,
    /// Behind what stands there, under a later time, instead of in its place: nothing is taken back
    #[arg(long, help_heading = HEADING)]
    pub behind: bool,
    /// Don't ask before conversations are taken back and sent anew
    #[arg(long)]
    pub yes: bool,
    /// Only rejects of this conversation, such as `sg_team`; can be given several times
    #[arg(long, value_name = "CONVERSATION")]
    pub only: Vec<String>,
    /// Where to send.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
}

/// The command.
pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let mut job = afterwards::job(context)?;
    afterwards::must_be_started(&job)?;
    let reader = job.reader().map_err(job_failure)?;
    afterwards::must_have_texts(&reader)?;
    let client = server::client(context, &args.server)?;
    afterwards::notice_another_server(&reader, &client)?;
    let release = args.server.release.or(context.file.server.release).unwrap_or_default();
    let only = args.only.iter().map(|id| ConversationId(id.clone())).collect();
    let checker = Checker { now: now(), release, allow_large: context.file.import.allow_large };
    let places = reader.rejected_places().map_err(job_failure)?;
    let mut mended = Mended::new(&reader, checker, &places, only);
    mended.read().map_err(job_failure)?;
    let Mended { mut refused, prepared, mut taken, problems, lines, lines_of, .. } = mended;
    // A `retry` before was cut short: it goes on, whatever is left of `rejected.jsonl`.
    let unfinished = !reader.taken_back().map_err(job_failure)?.is_empty()
        || !reader.queue().map_err(job_failure)?.is_empty();
    for problem in &problems {
        note(problem)?;
    }
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let outcome = runtime.block_on(async {
        let stop = stop::listen();
        if refused.is_empty() && prepared.is_empty() && !unfinished {
            return Ok(None);
        }
        // Before anything is changed.
        server::reach(
            &client,
            args.server.wait_for_server,
            (server::Work::Afterwards, server::give_up(context)),
        )
        .await?;
        let give_up = server::give_up(context);
        let look = after::Settings { give_up, stop: stop.drain.clone(), ..after::Settings::default() };
        let late =
            if args.behind { BTreeSet::new() } else { late(&reader, &refused).map_err(job_failure)? };
        let ours = anew::all_ours(&reader, &client, look.clone(), late.iter().copied(), OTHERWISE).await?;
        if !ours.is_empty() && !anew::is_confirmed(&job, args.yes, WHY, &ours)? {
            return Err(Failure::new(Exit::Usage, "that was not its name: nothing was sent"));
        }
        let ours: Vec<ConvNo> = ours.iter().map(|conversation| conversation.no).collect();
        // What has no place among others' messages stays a reject.
        refused.retain(|key @ (conv, _), one| {
            let goes = one.held || !late.contains(conv) || ours.contains(conv);
            if !goes {
                taken.retain(|line| lines_of.get(key).is_none_or(|lines| !lines.contains(line)));
            }
            goes
        });
        if refused.is_empty() && prepared.is_empty() && !unfinished {
            return Ok(None);
        }
        job.begin_taking_back(&ours).map_err(job_failure)?;
        after::release(&mut job, &refused, summary_of).map_err(job_failure)?;
        if !prepared.is_empty() {
            add(&mut job, &reader, checker, &prepared)?;
        }
        job.take_rejected_lines(lines, &|no| taken.contains(&no)).map_err(job_failure)?;
        let all = (refused.len() + prepared.len()) as u64;
        note(&plural(all, "message goes out again", "messages go out again"))?;
        anew::take_back(&mut job, &client, look.clone()).await?;
        let shard = reader.shard().map_err(job_failure)?;
        let mut settings = run::settings(context, &args.pace, args.on_reject, shard)?;
        if !args.only.is_empty() {
            settings.only = Some(args.only.iter().map(|id| ConversationId(id.clone())).collect());
        }
        let outcome = run::send(context, &mut job, client.clone(), settings, stop).await?;
        if ours.is_empty() || outcome.left > 0 {
            return Ok(Some((outcome, None)));
        }
        // Sent anew for what users see: so that is looked at.
        let judged = verify::scrolled(context, &job, &reader, &client, look, false).await?;
        judged.show(context)?;
        Ok(Some((outcome, Some(judged))))
    })?;
    let (outcome, judged) = outcome.unzip();
    let mut summary =
        report::Summary { command: "retry", ..super::status::figures(std::slice::from_ref(&reader))? };
    let (mut exit, said) = match &outcome {
        None => nothing_sent(summary.rejected.max(places.len() as u64), lines == 0),
        Some(outcome) => verdict(outcome, Known::of(&reader)?, !args.only.is_empty()),
    };
    if exit == Exit::Done && summary.rejected > 0 {
        exit = Exit::Rejects;
    }
    let said = match judged.flatten() {
        Some(judged) => {
            exit = judged.exit(exit);
            format!("{said} {}", judged.in_words())
        }
        None => said,
    };
    summary.verdict = match (&outcome, summary.rejected) {
        (Some(_), n @ 1..) => format!("{said} Left in rejected.jsonl: {}.", count(n)),
        _ => said,
    };
    if let Some(outcome) = outcome {
        (summary.lost_and_resent, summary.retries) = (outcome.lost_and_resent, outcome.retries);
    }
    summary.seconds = began.elapsed().as_secs_f64();
    summary.exit_code = exit.code();
    context.end(&summary)?;
    Ok(exit)
}

/// What the job keeps of a pass of so many messages.
fn summary_of(messages: u64) -> String {
    serde_json::to_string(&prepare::Summary { messages, ..prepare::Summary::default() }).unwrap_or_default()
}

/// How it ends where nothing could go out.
fn nothing_sent(rejected: u64, is_empty: bool) -> (Exit, String) {
    if rejected == 0 {
        return (Exit::Done, "There is nothing to retry: no message was rejected.".to_owned());
    }
    let what = if is_empty { "has no lines" } else { "has no line that can go out as it is" };
    let said = format!(
        "Nothing was sent: rejected.jsonl {what}; {} rejected.",
        plural(rejected, "message is", "messages are")
    );
    (Exit::Rejects, said)
}

/// Why conversations are taken back, and what becomes of rejects where that can't be.
const WHY: &str = "To put refused messages into their places";
const OTHERWISE: &str = "refused messages can't be put into their places there without taking what these wrote; `retry --behind` \
    sends them behind it all";

/// Conversations in which something stands on the server already that comes after a message which is to go out.
fn late(
    reader: &JobReader,
    refused: &BTreeMap<(ConvNo, Ordinal), Retried>,
) -> Result<BTreeSet<ConvNo>, JobError> {
    let mut late = BTreeSet::new();
    for ((conv, ordinal), _) in refused.iter().filter(|(_, one)| !one.held) {
        let Some(progress) = reader.progress(*conv)? else { continue };
        let last = reader.last_receipt(*conv, progress.cursor)?;
        late.extend(last.filter(|last| last.ordinal > *ordinal).map(|_| *conv));
    }
    Ok(late)
}

/// What `rejected.jsonl` holds by now.
struct Mended<'a> {
    reader: &'a JobReader,
    checker: Checker,
    only: HashSet<ConversationId>,
    places: &'a RejectedPlaces,
    /// Messages that the server refused.
    refused: BTreeMap<(ConvNo, Ordinal), Retried>,
    /// Lines with messages that could not be sent when they were prepared, and can be by now.
    prepared: HashSet<u64>,
    /// Lines that are dealt with.
    taken: HashSet<u64>,
    /// Which lines these messages have.
    lines_of: BTreeMap<(ConvNo, Ordinal), Vec<u64>>,
    /// What is wrong with lines that were mended, one a line.
    problems: Vec<String>,
    /// Lines in the file.
    lines: u64,
}

/// Problems shown.
const SHOWN: usize = 50;

impl<'a> Mended<'a> {
    fn new(
        reader: &'a JobReader,
        checker: Checker,
        places: &'a RejectedPlaces,
        only: HashSet<ConversationId>,
    ) -> Self {
        Self {
            reader,
            checker,
            only,
            places,
            refused: BTreeMap::new(),
            prepared: HashSet::new(),
            taken: HashSet::new(),
            lines_of: BTreeMap::new(),
            problems: Vec::new(),
            lines: 0,
        }
    }

    fn read(&mut self) -> Result<(), JobError> {
        for line in self.reader.rejected_lines()? {
            let line = line?;
            self.lines = line.no;
            match self.places.of(&line) {
                Some(reject) => self.refused_by_the_server(&line, reject)?,
                None => self.found_while_preparing(&line)?,
            }
        }
        Ok(())
    }

    /// It goes out as it was, or as somebody mended it.
    fn refused_by_the_server(&mut self, line: &RejectedLine, reject: &Rejected) -> Result<(), JobError> {
        let key = (reject.conv, reject.ordinal);
        let Some(entry) = self.reader.entries(reject.conv, reject.ordinal, 1)?.pop() else { return Ok(()) };
        let was = self.reader.message(&entry)?;
        // What was undone starts anew whole, or not at all.
        if !self.is_wanted(&was.conversation()) || self.reader.undone(reject.conv)?.is_some() {
            return Ok(());
        }
        let same = |text: &str| {
            let (is, was) = (serde_json::from_str(text), serde_json::from_slice(&was.body));
            matches!((is, was), (Ok::<serde_json::Value, _>(is), Ok::<serde_json::Value, _>(was)) if is == was)
        };
        let mut record = None;
        match line.message.as_deref().map(serde_json::value::RawValue::get) {
            None => {}
            Some(text) if same(text) => {}
            Some(text) => {
                let mut problem = None;
                let read = self.examine(line, text, was.place, &mut |message| {
                    if message.conversation() != was.conversation() {
                        problem = Some(format!(
                            "it belongs to `{}` and not to `{}`: give it as a file of its own to `run --add`",
                            was.conversation(),
                            message.conversation()
                        ));
                    } else if message.send_time != was.send_time {
                        problem =
                            Some(format!("its sendTime was {}: that can't be changed here", was.send_time.0));
                    } else {
                        let mut bytes = Vec::new();
                        match write_record(message, &mut bytes) {
                            Ok(_) => record = Some(bytes),
                            Err(_) => problem = Some("it is too large".to_owned()),
                        }
                    }
                });
                let problem = read.err().or(problem);
                if let Some(problem) = problem {
                    self.problem(line.no, &problem);
                    return Ok(());
                }
            }
        }
        self.taken.insert(line.no);
        self.lines_of.entry(key).or_default().push(line.no);
        // After a kill a line can stand there twice: the mended one counts.
        let known = self.refused.entry(key).or_insert(Retried { held: reject.held, record: None });
        if record.is_some() {
            known.record = record;
        }
        Ok(())
    }

    fn found_while_preparing(&mut self, line: &RejectedLine) -> Result<(), JobError> {
        let Some(message) = &line.message else { return Ok(()) };
        let place = Place { source: SourceNo(0), line: line.line, byte: line.byte, part: line.part };
        let mut conversation = None;
        let taken = self
            .examine(line, message.get(), place, &mut |message| conversation = Some(message.conversation()));
        if let Err(problem) = taken {
            self.problem(line.no, &problem);
            return Ok(());
        }
        let Some(id) = conversation.filter(|id| self.is_wanted(id)) else { return Ok(()) };
        if self.reader.is_elsewhere(&id)? {
            let problem = format!(
                "`{id}` belongs to another shard: give it as a file of its own to `run --add` of every shard"
            );
            self.problem(line.no, &problem);
            return Ok(());
        }
        self.prepared.insert(line.no);
        self.taken.insert(line.no);
        Ok(())
    }

    fn is_wanted(&self, id: &ConversationId) -> bool {
        self.only.is_empty() || self.only.contains(id)
    }

    fn problem(&mut self, line: u64, problem: &str) {
        if self.problems.len() < SHOWN {
            self.problems.push(format!("rejected.jsonl:{line}: {problem}"));
        }
    }

    /// Reads and checks a message; what is wrong, otherwise.
    fn examine(
        &self,
        line: &RejectedLine,
        text: &str,
        place: Place,
        take: &mut dyn FnMut(&Message<'_>),
    ) -> Result<(), String> {
        examine(self.checker, line, text, place, take)
    }
}

fn examine(
    checker: Checker,
    line: &RejectedLine,
    text: &str,
    place: Place,
    take: &mut dyn FnMut(&Message<'_>),
) -> Result<(), String> {
    let mut judge = Judge { checker, take, wrong: None };
    read_message(text, line.id.as_deref(), place, &mut judge);
    judge.wrong.map_or(Ok(()), Err)
}

/// Takes the message if it can be sent.
struct Judge<'a> {
    checker: Checker,
    take: &'a mut dyn FnMut(&Message<'_>),
    wrong: Option<String>,
}

impl Sink for Judge<'_> {
    fn message(&mut self, message: Message<'_>) {
        let mut found = Vec::new();
        if self.checker.examine(&message, &mut |finding| found.push(finding)) {
            (self.take)(&message);
        }
        for finding in found {
            self.finding(finding);
        }
    }

    fn left_out(&mut self, _: Place, _: &'static str) {}

    fn finding(&mut self, finding: Finding) {
        if finding.code.severity == Severity::Error && self.wrong.is_none() {
            let Finding { code, value, .. } = finding;
            self.wrong = Some(format!("{}: {} ({value})", code.name, code.means));
        }
    }
}

/// Adds messages that could not be sent when they were prepared, as a pass of their own.
fn add(
    job: &mut crate::job::Job,
    reader: &JobReader,
    checker: Checker,
    prepared: &HashSet<u64>,
) -> Result<(), Failure> {
    let mut numbers = std::collections::HashMap::new();
    for pass in reader.passes().map_err(job_failure)? {
        for source in reader.sources(pass.no).map_err(job_failure)? {
            numbers.insert(source.path, source.no);
        }
    }
    let feed = |take: &mut dyn FnMut(&Message<'_>) -> Result<(), JobError>| {
        for line in reader.rejected_lines()? {
            let line = line?;
            let Some(message) = line.message.as_ref().filter(|_| prepared.contains(&line.no)) else {
                continue;
            };
            let source = numbers.get(&line.source).copied().unwrap_or(SourceNo(0));
            let place = Place { source, line: line.line, byte: line.byte, part: line.part };
            let mut taken = Ok(());
            // It was examined when it was chosen.
            examine(checker, &line, message.get(), place, &mut |message| taken = take(message)).ok();
            taken?;
        }
        Ok(())
    };
    let lines = prepared.len() as u64;
    prepare::mended(job, AGAIN, lines, checker.allow_large, feed).map(|_| ()).map_err(|error| match error {
        PrepareError::Job(error) => job_failure(error),
        error => Failure { exit: Exit::Internal, error: error.into() },
    })
}
