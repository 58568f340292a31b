//! Everything that happens with a server, in its order: look, provision, canary, send, look back, say.

use std::collections::HashSet;
use std::io::Write;

use tokio_util::sync::CancellationToken;

use super::super::clock::Clock;
use super::super::context::{Context, note};
use super::super::preflight::{self, Verdict as Looked};
use super::super::prepare::{Prepared, job_failure};
use super::super::verdict::{Known, remaining, verdict};
use super::super::{
    Exit, Failure, OrFail, afterwards, mark_read, overtaken, provision, report as reports, server, shard,
    status, stop,
};
use super::args::RunArgs;
use super::first::{Canaried, Sent};
use super::send::{send, settings};
use crate::after;
use crate::before::{Allowed, Depth, Looks, Occupied, Stage};
use crate::config;
use crate::control::{Desk, Endpoint, keep};
use crate::import::{self, Ended, Outcome, StopSignal};
use crate::job::{ChangeLog, Job, JobReader, Order, Shard};
use crate::message::ConversationId;
use crate::openim::Client;
use crate::report::{self, plural};

/// What no shard does alone.
const OF_ALL_SHARDS: &str = "Friends and block lists come when all shards are done: `provision --stage after` with this \
    first one as --job.";

/// Everything that happens with a server.
pub(super) struct Night<'a> {
    pub(super) context: &'a Context,
    pub(super) args: &'a RunArgs,
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) desk: &'a Desk,
    pub(super) endpoint: Option<&'a Endpoint>,
    /// The server is ours and empty.
    pub(super) rehearsed: bool,
}

impl Night<'_> {
    pub(super) async fn pass(&self, prepared: Prepared) -> Result<Exit, Failure> {
        let Prepared { mut job, .. } = prepared;
        // From here on this process holds the job, and no other run has its files in the folder.
        self.desk.keep(ChangeLog::open(job.dir()).map_err(job_failure)?);
        let _kept = self.endpoint.map(|endpoint| keep(endpoint, &job)).transpose().or_fail(Exit::Internal)?;
        self.context.board.phase("preflight");
        let allowed = self.args.preflight.allowed()?;
        let reader = job.reader().map_err(job_failure)?;
        let undone = afterwards::undone(&mut job, &reader, self.args.again)?;
        let shard = job.shard().map_err(job_failure)?;
        let mut settings = self.settings(&reader, shard)?;
        settings.behind_newer = allowed.lets_go_behind_newer();
        // Whoever knows that they will be refused does not want to wait at them.
        settings.limits.hold_mendable &= !allowed.lets_be_refused();
        let clock = self.clock.clone().of(shard);
        // A night that has begun is not given up sooner than its operator said; a wrong address shows at once.
        let started = job.is_started().map_err(job_failure)?;
        let work = if started { server::Work::Begun } else { server::Work::Fresh };
        server::reach(&self.client, self.args.server.wait_for_server, (work, settings.give_up)).await?;
        if !self.args.behind.is_empty() {
            overtaken::send_behind(&mut job, &reader, &self.client, (&self.args.behind, settings.give_up))
                .await?;
        }
        let files = self.args.files.files(&self.context.file, reader.dir());
        if self.rehearsed || self.args.provision {
            let made = provision::make_stage(&self.client, &reader, &files, Stage::Before).await?;
            let made = provision::verdict(&made, false);
            afterwards::note_deed(&reader, "provision", &made)?;
            note(&made)?;
        }
        if !self.rehearsed {
            match self.look(&reader, &job, &allowed, settings.only.clone()).await?.0 {
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
        let listed = self.list(&mut job, &reader, &look, &outcome).await?;
        let (exit, verdict) = verdict(&outcome, Known::of(&reader)?, part);
        let mut said = vec![verdict];
        said.extend(listed.in_words());
        if outcome.ended == Ended::Stopped {
            said.extend(clock.ended_it());
            said.extend(self.desk.is_drained().then(|| "It was asked to end (control drain).".to_owned()));
        }
        let mut exit = remaining(&outcome, self.args.repair, exit, &mut said);
        if matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
            exit = listed.exit(exit);
            exit = self.look_back(&mut job, (&reader, look), (&outcome, resumed), exit, &mut said).await?;
        }
        if undone > 0 {
            let undone =
                plural(undone, "conversation was undone and is", "conversations were undone and are");
            said.push(format!("{undone} left out: `run --again` sends anew."));
        }
        let later = files.has_later();
        if self.args.provision && later && !shard.is_whole() {
            said.extend(shard.is_first().then(|| OF_ALL_SHARDS.to_owned()));
        } else if self.args.provision && later && exit != Exit::Unfinished && outcome.left == 0 {
            let made = provision::make_stage(&self.client, &reader, &files, Stage::After).await?;
            let done = provision::verdict(&made, false);
            afterwards::note_deed(&reader, "provision --stage after", &done)?;
            said.push(format!("Now that the history is there: {done}."));
            exit = if exit == Exit::Done && made.failed() > 0 { Exit::Rejects } else { exit };
        } else if self.args.provision && later {
            said.push(
                "Friends, block lists, mutes, pins and bells come when the history is there.".to_owned(),
            );
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

    async fn look(
        &self,
        reader: &JobReader,
        job: &Job,
        allowed: &Allowed,
        only: Option<HashSet<ConversationId>>,
    ) -> Result<(Looked, Vec<Occupied>), Failure> {
        // What was looked at before the first message is not looked at again each time it is resumed.
        let depth =
            if job.is_started().map_err(job_failure)? { Depth::Server } else { self.args.preflight.depth() };
        let looks = Looks {
            depth,
            only,
            release: self.args.server.release.or(self.context.file.server.release),
            rate: self.args.pace.rate.or(self.context.file.import.rate).map(|rate| rate.0.get()),
            ..Looks::new(Some(reader))
        };
        preflight::look(&self.client, &looks, allowed, self.context).await
    }

    /// Sends what is left; with `--mark-read` each conversation is marked as soon as it is finished.
    pub(super) async fn import(
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
            report::Summary { command: "run", ..status::figures(std::slice::from_ref(reader))? };
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
        self.context.board.phase("report");
        if summary.messages >= MANY {
            note(&format!(
                "{} For the report all messages are read from the job once more.",
                summary.verdict
            ))?;
        }
        let (document, _) = reports::whole(reader, &summary)?;
        // The report is for the morning after; that it can't be written is no reason to lose the verdict.
        if let Err(error) = keep_report(job, &document.html()) {
            note(&format!("no report.html: {error}"))?;
        }
        self.context.say(&document.facts_text())?;
        self.context.end(&summary)?;
        Ok(exit)
    }
}

/// So many messages make a report that somebody would wait for and wonder: of ten million it took 4 and 17 minutes, on a disk
/// and cores that others used too.
const MANY: u64 = 1_000_000;

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
