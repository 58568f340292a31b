//! What everything that is done after an import begins with: the job, how fast, and how it ends where the
//! server gives no answer.

use std::collections::HashSet;
use std::io::{IsTerminal, stdin};
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::context::{Context, note};
use super::prepare::{job_failure, now};
use super::server::exit_of;
use super::{Exit, Failure, OrFail, anew, rehearsal};
use crate::after::{AfterError, Settings};
use crate::config::{Rate, parse_duration};
use crate::import::StopSignal;
use crate::job::{Deed, Job, JobReader};
use crate::message::ConversationId;
use crate::openim::Client;
use crate::report::{count, plural, terminal};

/// Writes down in the job what a command did to the server, for the report. That it can't be written is no reason to end
/// otherwise.
pub(super) fn note_deed(reader: &JobReader, command: &str, said: &str) -> Result<(), Failure> {
    let deed = Deed { at: now().0, command: command.to_owned(), said: said.to_owned() };
    match deed.note(reader.dir()) {
        Ok(()) => Ok(()),
        Err(error) => note(&format!("the report will not have it: {error}")),
    }
}

/// What to look at, and how fast.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct LookArgs {
    /// Only this conversation, such as `sg_team` or `si_alice_bob`; can be given several times
    #[arg(long, value_name = "CONVERSATION", help_heading = None::<&str>)]
    pub only: Vec<String>,
    /// Read at most so many slots of the log, such as `2000/s` [default: as fast as the server answers]
    #[arg(long, value_name = "N/s")]
    pub rate: Option<Rate>,
    /// Conversations looked after at once [default: 8]
    #[arg(long, value_name = "N")]
    pub connections: Option<NonZeroU16>,
    /// Stop with exit code 5 when the server gives no answer for so long [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub give_up: Option<Duration>,
}

impl LookArgs {
    /// What it comes to. A conversation that the job doesn't have is a mistake.
    pub(super) fn settings(
        &self,
        context: &Context,
        reader: &JobReader,
        stop: &StopSignal,
    ) -> Result<Settings, Failure> {
        let usual = Settings::default();
        Ok(Settings {
            connections: self.connections.map_or(usual.connections, NonZeroU16::get),
            rate: self.rate.map(|rate| rate.0),
            give_up: self.give_up.or(context.file.import.give_up).unwrap_or(usual.give_up),
            only: only(&self.only, reader)?,
            stop: stop.drain.clone(),
            ..usual
        })
    }
}

/// The conversations of that name; `None`: all. One that the job should have and doesn't is a mistake.
pub(super) fn only(names: &[String], reader: &JobReader) -> Result<Option<HashSet<ConversationId>>, Failure> {
    let mut only = None;
    for id in names {
        let id = ConversationId(id.clone());
        if reader.is_elsewhere(&id).map_err(job_failure)? {
            // Another shard has it, or doesn't: that is not for this one to say.
            only.get_or_insert_with(HashSet::new);
            continue;
        }
        if reader.find(&id).map_err(job_failure)?.is_none() {
            let text = format!(
                "`{id}` is not in the job; its conversations are named `si_<user>_<user>` and `sg_<group>`"
            );
            return Err(Failure::new(Exit::Usage, text));
        }
        only.get_or_insert_with(HashSet::new).insert(id);
    }
    Ok(only)
}

/// The job, held by this process: nothing may be sent from it meanwhile.
pub(super) fn job(context: &Context) -> Result<Job, Failure> {
    job_in(&context.job())
}

/// The same of that folder.
pub(super) fn job_in(dir: &Path) -> Result<Job, Failure> {
    rehearsal::refuse(dir)?;
    Job::open(dir).map_err(job_failure)
}

/// Refuses a job from which nothing was sent.
pub(super) fn must_be_started(job: &Job) -> Result<(), Failure> {
    if job.is_started().map_err(job_failure)? {
        return Ok(());
    }
    let text = format!("nothing was sent from the job in `{}` yet: `run` begins", job.dir().display());
    Err(Failure::new(Exit::Usage, text))
}

/// Refuses a job whose texts are gone.
pub(super) fn must_have_texts(reader: &JobReader) -> Result<(), Failure> {
    if reader.is_purged().map_err(job_failure)? {
        return Err(job_failure(crate::job::JobError::Purged(reader.dir().to_owned())));
    }
    Ok(())
}

/// The address that a job was last sent to, where it is another than the one that is asked.
pub(super) fn sent_elsewhere(reader: &JobReader, client: &Client) -> Result<Option<String>, Failure> {
    let last = reader.runs().map_err(job_failure)?.pop();
    let other = |api: &String| api.trim_end_matches('/') != client.api().trim_end_matches('/');
    Ok(last.map(|run| run.api).filter(other))
}

/// Says it where another server is asked than the one that was sent to.
pub(super) fn notice_another_server(reader: &JobReader, client: &Client) -> Result<(), Failure> {
    match sent_elsewhere(reader, client)? {
        Some(api) => note(&format!("note: the job was last sent to {api}, and {} is asked", client.api())),
        None => Ok(()),
    }
}

/// What it means that a server's numbers are below what the job has confirmed, and the way that works: a clause.
pub(super) fn put_back(conversations: &[String]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = conversations.iter().take(SHOWN).map(String::as_str).collect();
    let more = if conversations.len() > SHOWN { ", …" } else { "" };
    format!(
        "the server's numbers are below what this job has confirmed in {} ({}{more}): it was put back from \
         an older copy, or has lost its Redis. New messages would take the numbers of old ones. Once the server is as it \
         is to stay, `adopt SOURCE --job NEW` finds out into another folder what it has, and `run --job NEW` sends the rest",
        plural(conversations.len() as u64, "conversation", "conversations"),
        names.join(", ")
    )
}

/// Asks for the job's name before something that can't be taken back. `false`: it was not given.
pub(super) fn is_confirmed(dir: &Path, yes: bool, what: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !stdin().is_terminal() {
        let text = format!("{what} And nobody is at a terminal to be asked: with --yes it goes on.");
        return Err(Failure::new(Exit::Usage, text));
    }
    let name =
        dir.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into());
    terminal::ask(&format!("{what}\nType the job's name, {name}, to go on: ")).or_fail(Exit::Internal)?;
    let mut typed = String::new();
    stdin().read_line(&mut typed).or_fail(Exit::Internal)?;
    Ok(typed.trim() == name)
}

/// How many conversations were undone and are not to be sent; with `again` they start anew.
pub(super) fn undone(job: &mut Job, reader: &JobReader, again: bool) -> Result<u64, Failure> {
    anew::refuse_meanwhile(reader)?;
    let (conversations, sum) = reader.undone_in_all().map_err(job_failure)?;
    if conversations == 0 {
        return Ok(0);
    }
    if !sum.is_done {
        let text = "an undo of this job has begun and is not finished: `undo` goes on with it; then `run --again` \
                    sends it anew";
        return Err(Failure::new(Exit::Usage, text));
    }
    if again {
        let conversations = job.start_again().map_err(job_failure)?;
        note(&format!("{} undone conversations start anew", count(conversations)))?;
        return Ok(0);
    }
    if reader.queue().map_err(job_failure)?.messages() == 0 {
        let text = "this job was undone, and nothing else is left of it: `run --again` sends it anew";
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(conversations)
}

/// Whose the fault is decides the exit code.
pub(super) fn failure(error: AfterError) -> Failure {
    let exit = match &error {
        AfterError::Job(_) | AfterError::Io(_) => Exit::Internal,
        AfterError::Call(error) => exit_of(error),
        AfterError::GaveUp { .. } | AfterError::Stopped => Exit::Unfinished,
        AfterError::Positions(_) => Exit::Usage,
    };
    match error {
        AfterError::Job(error) => job_failure(error),
        error => Failure { exit, error: error.into() },
    }
}
