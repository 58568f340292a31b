//! `run`: prepare if needed, preflight, import, verdict. The same command again resumes.

use std::io::{IsTerminal, Write, stderr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::canary::{Canary, Next};
use super::clock::Clock;
use super::context::{Context, note};
use super::preflight::{self, Verdict as Looked};
use super::prepare::{Prepared, Taking, job_failure, prepare};
use super::verdict::{Known, is_disturbed, look_again, remaining, verdict};
use super::{
    Exit, Failure, OrFail, afterwards, check, hook, mark_read, media, provision, rehearsal, server, shard,
    stop, verify,
};
use crate::after::{self, AfterError, MarkReport};
use crate::before::{Allowed, Depth, Given, Looks, Occupied, Stage};
use crate::cli::{PaceArgs, RunArgs};
use crate::config;
use crate::control::{Desk, End, Endpoint, Look, Wishes, keep};
use crate::import::{self, Dial, Ended, ImportError, Outcome, StopSignal};
use crate::job::{ChangeLog, Job, JobReader, Order, Shard};
use crate::message::Release;
use crate::openim::{self, CallError, Client};
use crate::report::{self, Snapshot, count};

/// The command.
pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let dir = if args.rehearse { context.rehearsal_job() } else { context.job() };
    let desk = desk(context, args)?;
    let endpoint = runtime.block_on(args.endpoint.open(context, &desk))?;
    let ended = carry_out(context, args, &runtime, &desk, endpoint.as_ref());
    if let Err(failure) = &ended {
        let verdict = format!("{:#}", failure.error);
        context.board.ended(End { exit_code: failure.exit.code(), verdict, ..End::default() });
    }
    if let (Some(command), Some(end)) = (&args.on_end, context.board.end()) {
        hook::on_end(command, &end, &dir.display().to_string());
    }
    if args.endpoint.ui.is_some() && stderr().is_terminal() {
        note("the page stays until it is closed there, or by Ctrl-C here")?;
        runtime.block_on(stop::until_closed(&desk));
    } else if let Some(endpoint) = &endpoint {
        runtime.block_on(endpoint.last_look());
    }
    ended
}

/// What the command line says, where others may say something else later.
fn desk(context: &Context, args: &RunArgs) -> Result<Desk, Failure> {
    // Which part of a rate is a shard's own is put to it with what the timetable says.
    let settings = settings(context, &args.pace, args.on_reject, Shard::WHOLE)?;
    let rate = args.pace.rate.or(context.file.import.rate).map(|rate| rate.0);
    Ok(Desk::new(settings.dial, Wishes::new(rate, settings.connections, settings.max_lag)))
}

fn carry_out(
    context: &Context,
    args: &RunArgs,
    runtime: &Runtime,
    desk: &Desk,
    endpoint: Option<&Endpoint>,
) -> Result<Exit, Failure> {
    let release = args.server.release.or(context.file.server.release);
    if args.media {
        shard::refuse(args.shard.shard, shard::NO_MEDIA)?;
    }
    if args.rehearse {
        let dir = context.rehearsal_job();
        context.board.name(&dir.display().to_string(), "a rehearsal server");
        rehearsal::make_room(&dir)?;
        let (server, settings) = runtime.block_on(rehearsal::start(release.unwrap_or_default()))?;
        if args.media {
            runtime.block_on(media::before_run(
                context,
                &args.source,
                &args.how,
                (&dir, args.add, args.server.wait_for_server),
                &settings,
            ))?;
            rehearsal::mark(&dir)?;
        }
        let clock = Clock::new(context, &args.clock, &dir)?;
        let Some(prepared) = ready(context, args, &dir, release)? else { return Ok(Exit::Check) };
        rehearsal::mark(&dir)?;
        return runtime.block_on(async {
            let night =
                Night { context, args, client: client(&settings)?, clock, desk, endpoint, rehearsed: true };
            let exit = Box::pin(night.pass(prepared)).await;
            server.stop().await.or_fail(Exit::Internal)?;
            exit
        });
    }
    let dir = context.job();
    rehearsal::refuse(&dir)?;
    // Without an address or a secret nothing has to be read first.
    let settings = server::settings(context, &args.server)?;
    context.board.name(&dir.display().to_string(), &settings.api);
    let clock = Clock::new(context, &args.clock, &dir)?;
    if args.media {
        context.board.phase("media");
        runtime.block_on(media::before_run(
            context,
            &args.source,
            &args.how,
            (&dir, args.add, args.server.wait_for_server),
            &settings,
        ))?;
    }
    let Some(prepared) = ready(context, args, &dir, release)? else { return Ok(Exit::Check) };
    let night = Night { context, args, client: client(&settings)?, clock, desk, endpoint, rehearsed: false };
    runtime.block_on(night.pass(prepared))
}

fn client(settings: &openim::Settings) -> Result<Client, Failure> {
    Client::new(settings).or_fail(Exit::Usage)
}

/// The job, ready to be sent from; `None` where it has errors that nobody said to skip.
fn ready(
    context: &Context,
    args: &RunArgs,
    dir: &Path,
    release: Option<Release>,
) -> Result<Option<Prepared>, Failure> {
    let taking = if args.add { Taking::Next } else { Taking::Whole };
    let prepared =
        prepare(context, dir, &args.source, args.shard.shard, release.unwrap_or_default(), taking)?;
    let skip = args.source.skip_invalid || context.file.import.skip_invalid;
    if prepared.is_new {
        check::say_shard(context, &prepared.job)?;
        context.say(&check::text(&prepared.summary, dir))?;
        if !args.rehearse {
            let rate = args.pace.rate.map(|rate| rate.0.get());
            let given = Given { release: release.unwrap_or_default(), rate, ..Given::default() };
            let reader = prepared.job.reader().map_err(job_failure)?;
            check::say_night(context, given, &reader)?;
        }
    }
    let (exit, verdict) = check::verdict(&prepared.summary, skip);
    // What is being sent goes on; a further pass with errors is not begun.
    if exit != Exit::Check || !prepared.job.has_unsent().map_err(job_failure)? {
        return Ok(Some(prepared));
    }
    context.end(&report::Summary {
        command: "run",
        verdict,
        exit_code: exit.code(),
        ..check::figures(&prepared.job, &prepared.summary)?
    })?;
    Ok(None)
}

/// What was sent, and what became of the read positions, if that was asked for.
type Sent = (Outcome, Option<Result<MarkReport, AfterError>>);

/// What came of the canary.
enum Canaried {
    /// The others follow.
    GoOn,
    /// There are no others.
    All(Box<Sent>),
    /// The run ends with it.
    Over(Exit, String, Box<Outcome>),
}

/// What no shard does alone.
const OF_ALL_SHARDS: &str = "Friends and block lists come when all shards are done: `provision --stage after` with this \
    first one as --job.";

/// Everything that happens with a server.
struct Night<'a> {
    context: &'a Context,
    args: &'a RunArgs,
    client: Client,
    clock: Clock,
    desk: &'a Desk,
    endpoint: Option<&'a Endpoint>,
    /// The server is ours and empty.
    rehearsed: bool,
}

impl Night<'_> {
    async fn pass(&self, prepared: Prepared) -> Result<Exit, Failure> {
        let Prepared { mut job, .. } = prepared;
        // From here on this process holds the job, and no other run has its files in the folder.
        self.desk.keep(ChangeLog::open(job.dir()).map_err(job_failure)?);
        let _kept = self.endpoint.map(|endpoint| keep(endpoint, &job)).transpose().or_fail(Exit::Internal)?;
        self.context.board.phase("preflight");
        let allowed = self.args.preflight.allowed()?;
        let reader = job.reader().map_err(job_failure)?;
        let undone = afterwards::undone(&mut job, &reader, self.args.again)?;
        let shard = job.shard().map_err(job_failure)?;
        let settings = self.settings(&reader, shard)?;
        let clock = self.clock.clone().of(shard);
        // A night that has begun is not given up sooner than its operator said; a wrong address shows at once.
        let started = job.is_started().map_err(job_failure)?;
        let work = if started { server::Work::Begun } else { server::Work::Fresh };
        server::reach(&self.client, self.args.server.wait_for_server, (work, settings.give_up)).await?;
        let files = self.args.files.files(&self.context.file, reader.dir());
        if self.rehearsed || self.args.provision {
            let made = provision::make(&self.client, Some(&reader), &files, Stage::Before, false).await?;
            let made = provision::verdict(&made, false);
            afterwards::note_deed(&reader, "provision", &made)?;
            note(&made)?;
        }
        if !self.rehearsed {
            match self.look(&reader, &job, &allowed).await?.0 {
                Looked::Refused(refusal) => {
                    return self.end(&job, &reader, Exit::Preflight, refusal, None);
                }
                Looked::Go(notices) => preflight::cut(&self.client, &notices, settings.give_up).await?,
            }
        }
        let stop = stop::listen();
        clock.say()?;
        self.desk.heed(stop.clone());
        let clock = clock.follow(self.desk.clone(), stop.clone());
        let part = settings.only.is_some();
        let resumed = reader.standing().map_err(job_failure)?.passed > 0;
        let look = looking(&settings, &stop);
        let canaried = match self.args.canary {
            Some(n) => self.canary(&mut job, &reader, settings.clone(), &stop, n).await?,
            None => Canaried::GoOn,
        };
        let (outcome, marked) = match canaried {
            Canaried::Over(exit, verdict, outcome) => {
                return self.end(&job, &reader, exit, verdict, Some(&outcome));
            }
            Canaried::All(sent) => *sent,
            Canaried::GoOn => self.import(&mut job, &reader, settings, stop).await?,
        };
        let (exit, verdict) = verdict(&outcome, Known::of(&reader)?, part);
        let mut said = vec![verdict];
        if outcome.ended == Ended::Stopped {
            said.extend(clock.ended_it());
            said.extend(self.desk.is_drained().then(|| "It was asked to end (control drain).".to_owned()));
        }
        let mut exit = remaining(&outcome, self.args.repair, exit, &mut said);
        if matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
            exit = self.look_back(&mut job, (&reader, look), (&outcome, resumed), exit, &mut said).await?;
        }
        if undone > 0 {
            let undone = count(undone);
            said.push(format!(
                "{undone} conversations were undone and are left out: `run --again` sends them anew."
            ));
        }
        let later = files.friends.is_some() || files.blacks.is_some();
        if self.args.provision && later && !shard.is_whole() {
            said.extend(shard.is_first().then(|| OF_ALL_SHARDS.to_owned()));
        } else if self.args.provision && later && exit != Exit::Unfinished && outcome.left == 0 {
            let made = provision::make(&self.client, Some(&reader), &files, Stage::After, false).await?;
            let done = provision::verdict(&made, false);
            afterwards::note_deed(&reader, "provision --stage after", &done)?;
            said.push(format!("Now that the history is there: {done}."));
            exit = if exit == Exit::Done && made.failed() > 0 { Exit::Rejects } else { exit };
        } else if self.args.provision && later {
            said.push("Friends and block lists come when the history is there.".to_owned());
        }
        match marked {
            None => {}
            Some(Ok(marked)) => {
                let marked = mark_read::verdict(&marked);
                afterwards::note_deed(&reader, "mark-read", &marked)?;
                said.push(marked);
            }
            Some(Err(error)) => {
                said.push(format!("Read positions: {error}."));
                exit = if exit == Exit::Done { Exit::Unfinished } else { exit };
            }
        }
        self.end(&job, &reader, exit, said.join(" "), Some(&outcome))
    }

    /// Nothing is left to send: what happened meanwhile, and before, is looked at where it left traces. How the run ends.
    async fn look_back(
        &self,
        job: &mut Job,
        (reader, look): (&JobReader, after::Settings),
        (outcome, resumed): (&Outcome, bool),
        mut exit: Exit,
        said: &mut Vec<String>,
    ) -> Result<Exit, Failure> {
        if resumed {
            // What earlier runs have confirmed is there still, unless somebody has put the server back since.
            let fallen = after::fallen(self.client.clone(), reader, look.clone())
                .await
                .map_err(afterwards::failure)?;
            if !fallen.is_empty() {
                *said = vec![format!("Not all is there any more: {}.", afterwards::put_back(&fallen))];
                return Ok(Exit::Difference);
            }
        }
        if outcome.crash_suspected {
            let (stored, is_short) = self.ask_store(job, reader, look.clone()).await?;
            said.push(stored);
            exit = if is_short { Exit::Difference } else { exit };
        }
        if is_disturbed(outcome, reader)? {
            note("something happened to these conversations: whether users can scroll them is looked at")?;
            // What was stored last is what empty slots behind it are dated by (law 15).
            tokio::time::sleep(look.stay_away).await;
            let judged = verify::scrolled(job, reader, &self.client, look, false).await?;
            judged.show(self.context)?;
            said.push(judged.in_words());
            exit = judged.exit(exit);
        }
        if !self.rehearsed {
            said.extend(look_again(outcome, &self.clock.after(verify::QUARTER)));
        }
        Ok(exit)
    }

    /// How to send, by flags, configuration and desk.
    fn settings(&self, reader: &JobReader, shard: Shard) -> Result<import::Settings, Failure> {
        let mut settings = settings(self.context, &self.args.pace, self.args.on_reject, shard)?;
        settings.dial = self.desk.dial().clone();
        settings.repair = self.args.repair;
        settings.order = match self.args.clock.order.or(self.context.file.import.order) {
            Some(config::Order::Recent) => Order::Recent,
            Some(config::Order::Longest) | None => Order::Longest,
        };
        settings.only = afterwards::only(&self.args.only, reader)?;
        Ok(settings)
    }

    /// Something smelled of a crash of the server: what was read back may stand in its memory alone (law 8). What the
    /// store says, and whether it lacks something.
    async fn ask_store(
        &self,
        job: &mut Job,
        reader: &JobReader,
        look: after::Settings,
    ) -> Result<(String, bool), Failure> {
        note("there were signs of a crash of the server: the store is asked whether it has everything")?;
        let client = self.client.clone();
        let stored =
            after::check_store(client, reader, look, after::Extent::All, fastrand::u64(..), |_| Ok(()))
                .await
                .map_err(afterwards::failure)?;
        let is_short = stored.not_stored > 0;
        if !is_short && stored.unsure == 0 {
            job.store_has_all().map_err(job_failure)?;
        }
        let mut text = verify::of_the_store(&stored);
        if is_short {
            text.push_str(
                " They can be read until the server's cache forgets them, within a day; `verify --store --repair` \
                 sends them again.",
            );
        }
        Ok((text, is_short))
    }

    /// Sends the canary and reads it back; how the run ends, unless the others follow.
    async fn canary(
        &self,
        job: &mut Job,
        reader: &JobReader,
        mut settings: import::Settings,
        stop: &StopSignal,
        n: NonZeroUsize,
    ) -> Result<Canaried, Failure> {
        let canary = Canary::choose(reader, n)?;
        canary.say()?;
        let only = Some(canary.only.clone());
        let look = after::Settings {
            only: only.clone(),
            give_up: settings.give_up,
            stop: stop.drain.clone(),
            ..after::Settings::default()
        };
        settings.only = only;
        let (outcome, marked) = self.import(job, reader, settings, stop.clone()).await?;
        if !matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
            let (exit, verdict) = verdict(&outcome, Known::of(reader)?, true);
            return Ok(Canaried::Over(exit, verdict, Box::new(outcome)));
        }
        let (exit, verified) = verify::part(self.context, job, reader, &self.client, look).await?;
        if exit != Exit::Done {
            let text = format!("The canary is sent, and the rest is not. {verified}");
            return Ok(Canaried::Over(exit, text, Box::new(outcome)));
        }
        if canary.is_all {
            return Ok(Canaried::All(Box::new((outcome, marked))));
        }
        let release = self.args.server.release.or(self.context.file.server.release).unwrap_or_default();
        let rate = self.args.pace.rate.or(self.context.file.import.rate).map(|rate| rate.0.get());
        let given = Given { release, rate, ..Given::default() };
        let night = canary.night(reader, &outcome, given)?;
        match canary.next(&outcome, (&verified, &night), self.args.yes, stop).await? {
            Next::GoOn => Ok(Canaried::GoOn),
            Next::Stop(text) => {
                let text = match marked {
                    Some(Ok(marked)) => format!("{text} {}", mark_read::verdict(&marked)),
                    _ => text,
                };
                Ok(Canaried::Over(Exit::Done, text, Box::new(outcome)))
            }
        }
    }

    async fn look(
        &self,
        reader: &JobReader,
        job: &Job,
        allowed: &Allowed,
    ) -> Result<(Looked, Vec<Occupied>), Failure> {
        // What was looked at before the first message is not looked at again each time it is resumed.
        let depth =
            if job.is_started().map_err(job_failure)? { Depth::Server } else { self.args.preflight.depth() };
        let looks = Looks {
            depth,
            release: self.args.server.release.or(self.context.file.server.release),
            rate: self.args.pace.rate.or(self.context.file.import.rate).map(|rate| rate.0.get()),
            ..Looks::new(Some(reader))
        };
        preflight::look(&self.client, &looks, allowed, self.context.style).await
    }

    /// Sends what is left; with `--mark-read` each conversation is marked as soon as it is finished.
    async fn import(
        &self,
        job: &mut Job,
        reader: &JobReader,
        settings: import::Settings,
        stop: StopSignal,
    ) -> Result<Sent, Failure> {
        let sending = send(self.context, job, self.client.clone(), settings, stop.clone());
        if !self.args.mark_read {
            return Ok((sending.await?, None));
        }
        let done = CancellationToken::new();
        let marks = after::Settings { stop: stop.at_once, ..after::Settings::default() };
        let marking = after::mark_read_as_they_finish(self.client.clone(), reader, marks, done.clone());
        let sending = async {
            let outcome = sending.await;
            done.cancel();
            outcome
        };
        let (outcome, marked) = tokio::join!(sending, marking);
        Ok((outcome?, Some(marked)))
    }

    fn end(
        &self,
        job: &Job,
        reader: &JobReader,
        exit: Exit,
        verdict: String,
        outcome: Option<&Outcome>,
    ) -> Result<Exit, Failure> {
        let mut summary =
            report::Summary { command: "run", ..super::status::figures(std::slice::from_ref(reader))? };
        if let Some(outcome) = outcome {
            summary.lost_and_resent = outcome.lost_and_resent;
            summary.retries = outcome.retries;
            summary.doubled = outcome.doubled;
            summary.limited_by.clone_from(&outcome.limited_by);
            summary.seconds = outcome.took.as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a rate is shown rounded")]
            let confirmed = outcome.confirmed_now as f64;
            summary.per_second = if summary.seconds > 0.0 { confirmed / summary.seconds } else { 0.0 };
        }
        summary.hidden = reader.evidence().map_err(job_failure)?.unread;
        // Rejects of the export itself: what `--skip-invalid` left out.
        let exit = if exit == Exit::Done && summary.rejected > 0 { Exit::Rejects } else { exit };
        summary.verdict = shard::said(std::slice::from_ref(reader), verdict)?;
        summary.exit_code = exit.code();
        let text = super::status::document(std::slice::from_ref(reader), &summary)?;
        // The report is for the morning after; that it can't be written is no reason to lose the verdict.
        let html = super::report::whole(reader, &summary)?.0.html();
        if let Err(error) = keep_report(job, &html) {
            note(&format!("no report.html: {error}"))?;
        }
        self.context.say(&text.facts_text())?;
        self.context.end(&summary)?;
        Ok(exit)
    }
}

/// How what was sent is looked at again.
fn looking(settings: &import::Settings, stop: &StopSignal) -> after::Settings {
    after::Settings {
        give_up: settings.give_up,
        only: settings.only.clone(),
        stop: stop.at_once.clone(),
        ..after::Settings::default()
    }
}

/// Beside the job, for its owner alone: it names people's conversations.
fn keep_report(job: &Job, html: &str) -> anyhow::Result<()> {
    let mut file = job.new_file("report.html")?;
    file.write_all(html.as_bytes())?;
    Ok(file.keep()?)
}

/// Imports what the job has left, and shows how far it is.
pub(super) async fn send(
    context: &Context,
    job: &mut Job,
    client: Client,
    settings: import::Settings,
    stop: StopSignal,
) -> Result<Outcome, Failure> {
    if job.reader().and_then(|reader| reader.queue()).map_err(job_failure)?.messages() > 0 {
        // What was verified is less than what there will be.
        verify::forget(job)?;
    }
    let progress = Arc::new(import::Progress::default());
    let (watched, dial) = (Arc::clone(&progress), settings.dial.clone());
    let look: Look = Arc::new(move || snapshot(&watched, &dial));
    let drawn = context.draw(Look::clone(&look));
    context.board.sending(Arc::clone(&progress), look);
    let outcome = import::run(settings, job, client, stop, progress).await;
    drawn.finish();
    outcome.map_err(failure)
}

/// Flags win over the file, the file over what is usual; of a rate that all shards share it is this one's part.
pub(super) fn settings(
    context: &Context,
    pace: &PaceArgs,
    on_reject: Option<config::OnReject>,
    shard: Shard,
) -> Result<import::Settings, Failure> {
    let file = &context.file.import;
    let rate = shard::share(pace.rate.or(file.rate).map(|rate| rate.0), shard)?;
    let mut settings = import::Settings { dial: Dial::at(rate), ..import::Settings::default() };
    if let Some(max_lag) = pace.max_lag.or(file.max_lag) {
        settings.max_lag = max_lag.time();
    }
    settings.connections = pace.connections.or(file.connections).unwrap_or(settings.connections);
    settings.give_up = pace.give_up.or(file.give_up).unwrap_or(settings.give_up);
    if let Some(wait) = pace.unanswered_wait.or(file.unanswered_wait) {
        settings.limits.cut_wait = wait;
        settings.limits.timeout_wait = wait;
    }
    settings.limits.hold = on_reject.unwrap_or(file.on_reject) == config::OnReject::Hold;
    Ok(settings)
}

/// Whose the fault is decides the exit code.
fn failure(error: ImportError) -> Failure {
    let exit = match &error {
        ImportError::Job(_) => Exit::Internal,
        ImportError::Server(openim::Stop::Login(_)) | ImportError::Call(CallError::Login(_)) => Exit::Login,
        ImportError::Server(_) | ImportError::AlreadyThere(_) => Exit::Preflight,
        ImportError::Call(error) => server::exit_of(error),
        ImportError::Overwriting(_) => Exit::Difference,
    };
    Failure { exit, error: error.into() }
}

fn snapshot(progress: &import::Progress, dial: &Dial) -> Snapshot {
    let shown = progress.shown();
    Snapshot {
        phase: "send",
        done: progress.before.get() + progress.confirmed.get() + progress.rejected.get(),
        total: progress.messages.get(),
        conversations_done: progress.finished.get(),
        conversations: progress.conversations.get(),
        rejected: progress.rejected_before.get() + progress.rejected.get(),
        retries: progress.retries.get(),
        cause: dial
            .paused()
            .or_else(|| shown.cause.map(|cause| cause.to_string()))
            .or(shown.limiting.map(|limiting| limiting.to_string())),
        longest: shown.leaders.into_iter().next(),
        ..Snapshot::default()
    }
}
