//! `verify`: what is on the server against what the job has; `--store` asks the store itself, `--repair` mends.

use std::num::NonZeroU64;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::afterwards::{self, LookArgs};
use super::context::{Context, note, print};
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, run, server, stop};
use crate::after::{self, Counts, Extent, Kind};
use crate::cli::ServerArgs;
use crate::import::{self, Ended, StopSignal};
use crate::job::{DIFFERENCES, Job, JobReader};
use crate::openim::Client;
use crate::prepare;
use crate::report::{self, count};

mod look;

use look::{Found, look};

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Where the messages are.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Ask the store itself too: what can be read may be in the cache alone, and gone within a day. Each question
    /// is a walk over everything the server holds; as much time as it took is left to others before the next
    #[arg(long)]
    pub store: bool,
    /// With --store, look for a sample of so many messages instead of for all
    #[arg(long, value_name = "N", requires = "store")]
    pub sample: Option<NonZeroU64>,
    /// Delete second copies and send what is missing, then verify again
    #[arg(long)]
    pub repair: bool,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
}

impl VerifyArgs {
    /// How much of the store to ask.
    fn extent(&self) -> Option<Extent> {
        self.store.then(|| self.sample.map_or(Extent::All, |n| Extent::Sample(n.get())))
    }
}

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
    revoked: u64,
    foreign: u64,
    unread: u64,
    store_checked: Option<u64>,
    repaired_deleted: u64,
    repaired_sent: u64,
}

/// The command.
pub(super) fn verify(context: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let mut job = afterwards::job(context)?;
    afterwards::must_be_started(&job)?;
    let reader = job.reader().map_err(job_failure)?;
    afterwards::must_have_texts(&reader)?;
    let left = reader.queue().map_err(job_failure)?.messages();
    let held = reader.held(1).map_err(job_failure)?.len();
    if args.repair && left > 0 && held == 0 {
        let text = format!(
            "{} messages are left to send: first `run`, then --repair; nothing was changed",
            count(left)
        );
        return Err(Failure::new(Exit::Unfinished, text));
    }
    let client = server::client(context, &args.server)?;
    afterwards::notice_another_server(&reader, &client)?;
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let (found, mended) = runtime.block_on(async {
        let stop = stop::listen();
        let settings = args.look.settings(context, &reader, &stop)?;
        server::reach(&client, settings.give_up.min(server::FIRST_ANSWER)).await?;
        if !args.repair {
            let found = look(context, &job, &reader, &client, settings, args.extent(), false).await?;
            show(context, &found)?;
            return Ok((found, Mended::default()));
        }
        let repair = Repair { context, args, client, stop };
        repair.until_nothing_is_left(&mut job, &reader, settings).await
    })?;
    end(context, &reader, &found, &mended, began)
}

/// Looks at a part of a job; how it ends, and the sentence.
pub(super) async fn part(
    context: &Context,
    job: &Job,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
) -> Result<(Exit, String), Failure> {
    let found = look(context, job, reader, client, settings, None, false).await?;
    show(context, &found)?;
    let exit = match (found.failing(), found.unproved()) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unfinished,
        _ => Exit::Difference,
    };
    Ok((exit, verdict(&found, &Mended::default(), &report::Summary::default(), 0, 0)))
}

/// What was mended.
#[derive(Debug, Default)]
struct Mended {
    deleted: u64,
    sent: u64,
    /// Why no more was mended, a sentence.
    stopped: Option<String>,
}

struct Repair<'a> {
    context: &'a Context,
    args: &'a VerifyArgs,
    client: Client,
    stop: StopSignal,
}

impl Repair<'_> {
    /// Looks, mends, and looks again: what was sent again has to be read back as well, and what it was sent for
    /// may now stand there twice.
    async fn until_nothing_is_left(
        &self,
        job: &mut Job,
        reader: &JobReader,
        settings: after::Settings,
    ) -> Result<(Found, Mended), Failure> {
        /// More than three were never needed; a server that loses all the time ends it.
        const ROUNDS: u32 = 5;
        let mut mended = Mended::default();
        let mut round = 0;
        loop {
            round += 1;
            let (context, extent) = (self.context, self.args.extent());
            let mut found = look(context, job, reader, &self.client, settings.clone(), extent, true).await?;
            show(self.context, &found)?;
            mended.deleted += found.deleted;
            if !found.mends() || round == ROUNDS {
                return Ok((found, mended));
            }
            if found.equal == 0 && found.expected > 1 {
                mended.stopped = Some(
                    "Nothing at all of this job is there, so nothing was sent again: is it the right server? If it is, \
                     and all was lost, `undo` and then `run --again` sends everything anew."
                        .to_owned(),
                );
                return Ok((found, mended));
            }
            if !found.missing.is_empty() {
                let summary = |messages| {
                    let summary = prepare::Summary { messages, ..prepare::Summary::default() };
                    serde_json::to_string(&summary).unwrap_or_default()
                };
                let missing = std::mem::take(&mut found.missing).into_iter();
                let missing: Vec<_> = missing.map(|(conv, all)| (conv, all.into_iter().collect())).collect();
                let sent = after::send_again(job, &missing, summary).map_err(job_failure)?;
                note(&format!("{} messages go out again", count(sent)))?;
                mended.sent += sent;
                if let Some(why) = self.send(job).await? {
                    mended.stopped = Some(why);
                    return Ok((found, mended));
                }
            }
        }
    }

    /// Sends what is left in the job; why it did not end, if it did not.
    async fn send(&self, job: &mut Job) -> Result<Option<String>, Failure> {
        let pace = crate::cli::PaceArgs {
            rate: self.args.look.rate,
            give_up: self.args.look.give_up,
            ..crate::cli::PaceArgs::default()
        };
        let settings = import::Settings { repair: true, ..run::settings(self.context, &pace, None) };
        let outcome = run::send(self.context, job, self.client.clone(), settings, self.stop.clone()).await?;
        Ok(match outcome.ended {
            Ended::Done | Ended::NothingToDo => None,
            _ => Some(run::verdict(&outcome, false).1),
        })
    }
}

/// Differences shown; all of them are in the file.
const SHOWN: usize = 20;

/// Names what was found.
fn show(context: &Context, found: &Found) -> Result<(), Failure> {
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
    if lines.is_empty() { Ok(()) } else { context.say(&lines.join("\n")) }
}

fn end(
    context: &Context,
    reader: &JobReader,
    found: &Found,
    mended: &Mended,
    began: Instant,
) -> Result<Exit, Failure> {
    let left = reader.queue().map_err(job_failure)?.messages();
    let held = reader.held(1).map_err(job_failure)?;
    let (undone, _) = reader.undone_in_all().map_err(job_failure)?;
    let mut summary = report::Summary { command: "verify", ..super::status::figures(reader)? };
    let unfinished = left > 0 && held.is_empty();
    let exit = if found.failing() > 0 {
        Exit::Difference
    } else if unfinished || found.unproved() > 0 || mended.stopped.is_some() {
        Exit::Unfinished
    } else if summary.rejected > 0 || !held.is_empty() {
        Exit::Rejects
    } else {
        Exit::Done
    };
    summary.verdict = verdict(found, mended, &summary, left, undone);
    let Counted { doubled, hidden, out_of_place } = Counted::of(&found.counts);
    summary.confirmed = found.equal;
    summary.stored = found.store.as_ref().map(|store| store.stored());
    (summary.doubled, summary.hidden, summary.out_of_place) = (doubled, hidden, out_of_place);
    summary.seconds = began.elapsed().as_secs_f64();
    summary.exit_code = exit.code();
    if !context.json() {
        return print(&summary.verdict).map(|()| exit);
    }
    let of = |kind| found.counts.of(kind);
    let found = Differences {
        missing: of(Kind::Missing),
        not_stored: of(Kind::NotStored),
        changed: of(Kind::Changed),
        revoked: of(Kind::Revoked),
        foreign: of(Kind::Foreign),
        unread: found.unproved(),
        store_checked: found.store.as_ref().map(|store| store.checked),
        repaired_deleted: mended.deleted,
        repaired_sent: mended.sent,
    };
    print(&serde_json::to_string(&Outcome { summary, found }).or_fail(Exit::Internal)?).map(|()| exit)
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

/// What was proved, and what was not.
fn verdict(found: &Found, mended: &Mended, job: &report::Summary, left: u64, undone: u64) -> String {
    let mut text = String::new();
    if mended.deleted + mended.sent > 0 {
        text += &format!(
            "Repaired: {} second copies deleted, {} messages sent again. ",
            count(mended.deleted),
            count(mended.sent)
        );
    }
    let conversations = count(found.conversations);
    if found.failing() > 0 {
        let (n, words) = (count(found.failing()), found.counts.in_words());
        text += &format!(
            "{n} differences ({words}): {} of {} messages in {conversations} conversations are confirmed.",
            count(found.equal),
            count(found.expected)
        );
    } else if found.unproved() == 0 {
        text += &format!(
            "All {} messages in {conversations} conversations are confirmed: read back from the server's log, each once, \
             as it was sent.",
            count(found.expected)
        );
    } else {
        text += &format!(
            "No difference among the {} messages that could be read; {} stand where somebody is writing just now, or nobody \
             of this job may read: verify again.",
            count(found.equal),
            count(found.unproved())
        );
    }
    if let Some(store) = &found.store {
        text += &format!(" {}", look::of_the_store(store));
    }
    if found.failing() == 0 && found.counts != Counts::default() {
        text += &format!(" Besides: {}.", found.counts.in_words());
    }
    if left > 0 {
        text += &format!(
            " {} messages are left to send: `run` goes on, or `retry` where one was refused.",
            count(left)
        );
    }
    if job.rejected > 0 {
        text += &format!(" {} were rejected: see rejected.jsonl.", count(job.rejected));
    }
    if undone > 0 {
        text += &format!(" {} conversations were undone and not looked at.", count(undone));
    }
    if let Some(why) = &mended.stopped {
        text += &format!(" {why}");
    }
    text
}
