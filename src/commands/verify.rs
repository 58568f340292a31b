//! `verify`: what is on the server against what the job has; `--store` asks the store itself, `--repair` mends.

use std::num::NonZeroU64;
use std::path::Path;
use std::time::Instant;

use clap::Args;

use super::afterwards::{self, LookArgs};
use super::context::{Context, note};
use super::prepare::job_failure;
use super::verdict::{Known, verdict as run_verdict};
use super::{Exit, Failure, OrFail, anew, media, run, server, stop, whole};
use crate::after::{self, Extent, Kind};
use crate::config::{JobsArgs, ServerArgs};
use crate::import::{self, Ended, StopSignal};
use crate::job::{Job, JobReader};
use crate::openim::Client;
use crate::prepare;
use crate::report::plural;

mod listed;
mod look;
mod scrolled;
mod verdict;
mod watch;

pub(super) use listed::{Lists, lists};
pub(super) use look::of_the_store;
use look::{Found, look};
use scrolled::Scrollable;
pub(super) use scrolled::{noted, scrolled};
use verdict::{Looked, end, show};
pub(super) use verdict::{forget, last};
pub(super) use watch::QUARTER;
use watch::WatchArgs;

/// `verify`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, independent of the others")]
pub struct VerifyArgs {
    /// Whose messages.
    #[command(flatten)]
    pub jobs: JobsArgs,
    /// Ask the store itself too: what can be read may be in the cache alone, and gone within a day. Each question
    /// is a walk over everything the server holds; as much time as it took is left to others before the next
    #[arg(long)]
    pub store: bool,
    /// With --store, look for a sample of so many messages instead of for all
    #[arg(long, value_name = "N", requires = "store")]
    pub sample: Option<NonZeroU64>,
    /// Read the files that messages show as well, at the addresses that messages have, and compare them
    #[arg(long)]
    pub media: bool,
    /// With --media, only so many files, by chance
    #[arg(long, value_name = "N", requires = "media")]
    pub media_sample: Option<NonZeroU64>,
    /// Judge besides, by the paging of OpenIM's own clients, whether each conversation can be scrolled to its start:
    /// today, and when people write on; and whether all who take part have it in their lists. With --repair empty slots
    /// are dated anew where that helps
    #[arg(long)]
    pub client: bool,
    /// Delete second copies, send what is missing, and put conversations into the lists of people who take part where the
    /// server left that out, then verify again; with --client also take back and send anew what users can't scroll to the
    /// start, where everything in it is ours, which it asks first
    #[arg(long)]
    pub repair: bool,
    /// Don't ask before conversations are taken back and sent anew
    #[arg(long, requires = "repair")]
    pub yes: bool,
    /// Where the messages are.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whether to look again.
    #[command(flatten)]
    pub watch: WatchArgs,
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

/// The command. Shards of one export are looked at one after the other, and have one verdict.
pub(super) fn verify(context: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    if args.watch.watch {
        return watch::watch(context, args);
    }
    let began = Instant::now();
    let (exit, looked) = once(context, args)?;
    end(context, &looked, began)?;
    Ok(exit)
}

/// One look, with everything that was asked for.
fn once(context: &Context, args: &VerifyArgs) -> Result<(Exit, Looked), Failure> {
    let mut jobs = Vec::new();
    for dir in whole::folders(context, &args.jobs)? {
        if let Some(looked) = files_alone(context, args, &dir)? {
            return Ok((looked.exit(), looked));
        }
        jobs.push(open(&dir, args)?);
    }
    if let [_, _, ..] = jobs.as_slice() {
        let readers = jobs.iter().map(Job::reader).collect::<Result<Vec<_>, _>>().map_err(job_failure)?;
        whole::are_one(&readers)?;
        if args.media {
            let text = "--media looks at the job of `media` alone: files are uploaded once for all shards";
            return Err(Failure::new(Exit::Usage, text));
        }
    }
    let client = server::client(context, &args.server)?;
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let stop = runtime.block_on(async { stop::listen() });
    let alone = jobs.len() == 1;
    let mut all = Looked::default();
    for job in &mut jobs {
        let reader = job.reader().map_err(job_failure)?;
        let verification = Verification { context, args, client: &client, stop: &stop };
        let looked = runtime.block_on(verification.of(job, &reader))?;
        if alone {
            return Ok((looked.exit(), looked));
        }
        let shard = reader.shard().map_err(job_failure)?;
        note(&format!("shard {shard}: {}", looked.verdict()))?;
        all.merge(looked);
    }
    Ok((all.exit(), all))
}

/// The job in that folder, which can be looked at, and mended if that is asked for.
fn open(dir: &Path, args: &VerifyArgs) -> Result<Job, Failure> {
    let job = afterwards::job_in(dir)?;
    afterwards::must_be_started(&job)?;
    let reader = job.reader().map_err(job_failure)?;
    afterwards::must_have_texts(&reader)?;
    let left = reader.queue().map_err(job_failure)?.messages();
    let held = reader.held(1).map_err(job_failure)?.len();
    if args.repair && left > 0 && held == 0 {
        let text = format!(
            "{} left to send in `{}`: first `run`, then --repair; nothing was changed",
            plural(left, "message is", "messages are"),
            dir.display()
        );
        return Err(Failure::new(Exit::Unfinished, text));
    }
    Ok(job)
}

/// What one job is looked at with.
struct Verification<'a> {
    context: &'a Context,
    args: &'a VerifyArgs,
    client: &'a Client,
    stop: &'a StopSignal,
}

impl Verification<'_> {
    /// Looks at a job, mends it if that is asked for, and keeps its verdict in it.
    async fn of(&self, job: &mut Job, reader: &JobReader) -> Result<Looked, Failure> {
        let Self { context, args, client, stop } = *self;
        afterwards::notice_another_server(reader, client)?;
        let settings = args.look.settings(context, reader, stop)?;
        let waits = (server::Work::Afterwards, settings.give_up);
        server::reach(client, args.server.wait_for_server, waits).await?;
        let (found, mended) = if args.repair {
            let repair = Repair { context, args, client: client.clone(), stop: stop.clone() };
            if !reader.taken_back().map_err(job_failure)?.is_empty() {
                repair.send_anew(job, settings.clone()).await?;
            }
            // Who does not have a conversation in his list can't read it either.
            let listed = lists(context, reader, client, &settings, true).await?;
            let (mut found, mut mended) = repair.until_nothing_is_left(job, reader, settings.clone()).await?;
            if args.client {
                let mends = found.failing() + found.unproved() == 0;
                let mut judged = scrolled(context, job, reader, client, settings.clone(), mends).await?;
                if repair.take_back(job, reader, settings.clone(), &judged).await? {
                    let (again, more) = repair.until_nothing_is_left(job, reader, settings.clone()).await?;
                    found = again;
                    mended.merge(more);
                    judged = scrolled(context, job, reader, client, settings, true).await?;
                }
                judged.show(context)?;
                found.scrolled = Some(judged);
            } else if mended.deleted + mended.sent > 0 {
                // What was deleted leaves a hole, and what was sent again may stand behind what is newer.
                let judged = scrolled(context, job, reader, client, settings, false).await?;
                judged.show(context)?;
                found.scrolled = Some(judged);
            }
            found.listed = listed;
            (found, mended)
        } else {
            let asked = settings.clone();
            let mut found = look(context, job, reader, client, asked, args.extent(), false).await?;
            if args.client {
                found.listed = lists(context, reader, client, &settings, false).await?;
                found.scrolled = Some(scrolled(context, job, reader, client, settings, false).await?);
            }
            show(context, &found)?;
            (found, Mended::default())
        };
        let mut looked = Looked::new(reader, found, mended)?;
        if args.media {
            looked.files = Some(files(context, args, job).await?);
        }
        looked.keep(job)?;
        Ok(looked)
    }
}

/// Reads the files that messages show.
async fn files(context: &Context, args: &VerifyArgs, job: &Job) -> Result<media::Files, Failure> {
    let settings = server::settings(context, &args.server)?;
    let sample = args.media_sample.and_then(|n| usize::try_from(n.get()).ok());
    let files = media::verify(context, job, &settings, sample).await?;
    let lines = files.lines();
    if !lines.is_empty() {
        context.say(&lines.join("\n"))?;
    }
    Ok(files)
}

/// Before the first message, the files that were uploaded for it can be looked at.
fn files_alone(context: &Context, args: &VerifyArgs, dir: &Path) -> Result<Option<Looked>, Failure> {
    if !args.media {
        return Ok(None);
    }
    let job = afterwards::job_in(dir)?;
    let reader = job.reader().map_err(job_failure)?;
    let has_files = !reader.media_files().map_err(job_failure)?.is_empty();
    if job.is_started().map_err(job_failure)? || !has_files {
        return Ok(None);
    }
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let files = runtime.block_on(files(context, args, &job))?;
    Looked::before(&reader, files).map(Some)
}

/// Looks at a part of a job; how it ends, and the sentence.
pub(super) async fn part(
    context: &Context,
    job: &mut Job,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
) -> Result<(Exit, String), Failure> {
    let found = look(context, job, reader, client, settings, None, false).await?;
    show(context, &found)?;
    let exit = match (found.failing(), found.unproved() + found.counts.of(Kind::Unsettled)) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unfinished,
        _ => Exit::Difference,
    };
    let summary = crate::report::Summary::default();
    Ok((exit, verdict::verdict(&found, &Mended::default(), &summary, 0, 0)))
}

/// Reads conversations again of which nobody was shown everything; what is read now the job notes.
pub(super) async fn read_again(
    context: &Context,
    job: &mut Job,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
) -> Result<(), Failure> {
    look(context, job, reader, client, settings, None, false).await.map(drop)
}

/// What was mended.
#[derive(Debug, Default)]
struct Mended {
    deleted: u64,
    sent: u64,
    /// Why no more was mended, a sentence.
    stopped: Option<String>,
}

impl Mended {
    fn merge(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.sent += other.sent;
        self.stopped = self.stopped.take().or(other.stopped);
    }
}

/// What mends it where others have written.
const OTHERWISE: &str = "these can't be sent anew without taking what they wrote; `undo --only` takes ours back, for an archive \
    beside the conversation, or with --cut and `run --again` for the history in its place";

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
            // A copy is deleted once the store has the message itself: it may only need a moment.
            let is_waiting = !found.mends() && found.counts.of(Kind::Doubled) > 0;
            if (!found.mends() && !is_waiting) || round == ROUNDS || self.stop.drain.is_cancelled() {
                return Ok((found, mended));
            }
            if is_waiting {
                tokio::time::sleep(settings.store_wait / ROUNDS).await;
                continue;
            }
            if found.equal + found.counts.of(Kind::OutOfPlace) == 0 && found.expected > 1 {
                mended.stopped = Some(
                    "Nothing at all of this job is there, so nothing was sent again: is it the right server? If it is, \
                     and all was lost, `undo` and then `run --again` sends everything anew."
                        .to_owned(),
                );
                return Ok((found, mended));
            }
            if !found.fallen.is_empty() {
                mended.stopped = Some(format!("Nothing was sent: {}.", afterwards::put_back(&found.fallen)));
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
                note(&format!("{} out again", plural(sent, "message goes", "messages go")))?;
                mended.sent += sent;
                if let Some(why) = self.send(job).await? {
                    mended.stopped = Some(why);
                    return Ok((found, mended));
                }
            }
        }
    }

    /// Takes back and sends anew what users can't scroll, where everything in it is ours and that may be. `false`: nothing
    /// was done.
    async fn take_back(
        &self,
        job: &mut Job,
        reader: &JobReader,
        settings: after::Settings,
        judged: &Scrollable,
    ) -> Result<bool, Failure> {
        let mut broken = Vec::new();
        for id in &judged.broken {
            broken.extend(reader.find(id).map_err(job_failure)?.map(|conversation| conversation.no));
        }
        let ours = anew::all_ours(reader, &self.client, settings.clone(), broken, OTHERWISE).await?;
        if ours.is_empty() {
            return Ok(false);
        }
        if !anew::is_confirmed(job, self.args.yes, "So that users can scroll them to the start", &ours)? {
            note("that was not its name: nothing was taken back")?;
            return Ok(false);
        }
        let ours: Vec<_> = ours.iter().map(|conversation| conversation.no).collect();
        job.begin_taking_back(&ours).map_err(job_failure)?;
        self.send_anew(job, settings).await?;
        Ok(true)
    }

    /// Takes back what is noted for it, and sends what is left.
    async fn send_anew(&self, job: &mut Job, settings: after::Settings) -> Result<(), Failure> {
        anew::take_back(job, &self.client, settings).await?;
        match self.send(job).await? {
            None => Ok(()),
            Some(why) => {
                Err(Failure::new(Exit::Unfinished, format!("{why} First `run`, then the same command.")))
            }
        }
    }

    /// Sends what is left in the job; why it did not end, if it did not.
    async fn send(&self, job: &mut Job) -> Result<Option<String>, Failure> {
        let pace = crate::config::PaceArgs {
            rate: self.args.look.rate,
            give_up: self.args.look.give_up,
            ..crate::config::PaceArgs::default()
        };
        let shard = job.shard().map_err(job_failure)?;
        let settings = import::Settings { repair: true, ..run::settings(self.context, &pace, None, shard)? };
        let outcome = run::send(self.context, job, self.client.clone(), settings, self.stop.clone()).await?;
        Ok(match outcome.ended {
            Ended::Done | Ended::NothingToDo => None,
            _ => Some(run_verdict(&outcome, Known::default(), false).1),
        })
    }
}
