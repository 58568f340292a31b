//! `provision`, and `run --provision`.

pub(super) mod accounts;
mod former;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::context::{note, print};
use super::prepare::job_failure;
use super::server::{self, exit_of};
use super::{Exit, Failure, OrFail, afterwards};
use crate::before::{
    Count, Files, Patience, Provision, ProvisionError, Provisioned, Stage, Thing, provision,
};
use crate::config::{ImportFile, ServerArgs};
use crate::job::{BLACKS, FRIENDS, GROUPS, Job, JobError, JobReader, KEPT, MUTES};
use crate::openim::Client;
use crate::report::count;

/// `provision`.
#[derive(Debug, Args)]
pub struct ProvisionArgs {
    /// What to make: users, groups and members (before), friends, block lists, mutes, pins and bells (after), or all [default:
    /// before; nothing with --leave-former]
    #[arg(long, value_enum)]
    pub stage: Option<Stage>,
    /// After the history: take out of its groups, without a notice, who wrote there and is not among the members that the
    /// export or --groups names; and whom --former names. What they wrote stays
    #[arg(long)]
    pub leave_former: bool,
    /// List what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where to make it.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What the export doesn't have.
    #[command(flatten)]
    pub files: FileArgs,
    /// Who is to leave.
    #[command(flatten)]
    pub former: former::FormerArgs,
    /// Accounts in the chat server.
    #[command(flatten)]
    pub accounts: AccountsArgs,
}

/// The chat server, with whose accounts people log in. The password of its admin comes from `OPENIM_CHAT_PASSWORD`, or
/// from `password_file` in the configuration.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Accounts (docs/accounts.md)")]
pub struct AccountsArgs {
    /// Make accounts for the people of this table too: userID or id, nickname, faceURL, email, phone, areaCode, account,
    /// password, passwordMD5; CSV with a header, or JSON lines
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// Address of the chat server's admin API, such as `http://im.example.com:10009`
    #[arg(long, value_name = "URL", env = "OPENIM_ACCOUNTS_API")]
    pub accounts_api: Option<String>,
    /// Its address for apps [default: the port before the admin's]
    #[arg(long, value_name = "URL", env = "OPENIM_CHAT_API")]
    pub chat_api: Option<String>,
    /// The chat server sends codes, or takes no fixed one: nobody can log in as another because he knows his phone
    #[arg(long)]
    pub codes_are_set_up: bool,
}

/// Files with what the export doesn't have: CSV with a header, or JSON lines.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Provisioning")]
pub struct FileArgs {
    /// Users to make: userID, nickname, faceURL
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Groups to make: groupID, ownerUserID, groupName, faceURL, adminUserIDs, memberUserIDs
    #[arg(long, value_name = "FILE")]
    pub groups: Option<PathBuf>,
    /// Friends to make, after the history: ownerUserID, friendUserIDs
    #[arg(long, value_name = "FILE")]
    pub friends: Option<PathBuf>,
    /// Block lists to make, after the history: ownerUserID, blackUserIDs
    #[arg(long, value_name = "FILE")]
    pub blacks: Option<PathBuf>,
    /// Who may not write in a group, after the history: groupID, userID (empty: all but owner and admins), muteEndTime
    #[arg(long, value_name = "FILE")]
    pub mutes: Option<PathBuf>,
    /// Pins and bells, after the history: userID, peerID or groupID, isPinned, recvMsgOpt
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

impl FileArgs {
    /// What was typed, or else what the configuration says, or else what the export told.
    pub(super) fn files(&self, file: &ImportFile, job: &Path) -> Files {
        let configured = &file.provision;
        let or = |typed: &Option<PathBuf>, configured: &Option<PathBuf>, told: &str| {
            let told = || Some(job.join(told)).filter(|path| path.exists());
            typed.clone().or_else(|| configured.clone()).or_else(told)
        };
        Files {
            users: self.users.clone().or_else(|| configured.users.clone()),
            groups: or(&self.groups, &configured.groups, GROUPS),
            friends: or(&self.friends, &configured.friends, FRIENDS),
            blacks: or(&self.blacks, &configured.blacks, BLACKS),
            former: configured.former.clone(),
            mutes: or(&self.mutes, &configured.mutes, MUTES),
            settings: or(&self.settings, &configured.settings, KEPT),
            occupied: file.occupied.table.clone(),
        }
    }
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Outcome {
    command: &'static str,
    verdict: String,
    dry_run: bool,
    #[serde(flatten)]
    made: Provisioned,
    /// Who can log in, by how, and who can't, by why.
    #[serde(skip_serializing_if = "Option::is_none")]
    logins: Option<BTreeMap<&'static str, u64>>,
    seconds: f64,
    exit_code: u8,
}

/// The command.
pub(super) fn command(context: &Context, args: &ProvisionArgs) -> Result<Exit, Failure> {
    let mut files = args.files.files(&context.file, &context.job());
    files.former = args.former.former.clone().or(files.former);
    let stage = args.stage.or((!args.leave_former).then_some(Stage::Before));
    if args.leave_former && matches!(stage, Some(Stage::Before | Stage::All)) {
        return Err(Failure::new(Exit::Usage, former::AFTERWARDS.to_owned()));
    }
    let table = args.accounts.accounts.clone().or_else(|| context.file.accounts.file.clone());
    let job = match Job::observe(&context.job()) {
        Ok(job) => Some(job),
        Err(JobError::NoJob(_)) if files != Files::default() || table.is_some() => None,
        Err(error) => return Err(job_failure(error)),
    };
    if let Some(job) = &job
        && files == Files::default()
        && table.is_none()
        && job.totals().map_err(job_failure)?.messages == 0
    {
        let dir = job.dir().display();
        let text = format!(
            "the job in `{dir}` has no messages yet, and no file is named: begin with `check SOURCE`"
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    if let Some(job) = job.as_ref().filter(|_| args.leave_former) {
        former::all_is_sent(job)?;
    }
    let have_left = job.as_ref().map_or(Ok(false), former::have_left)?;
    let client = server::client(context, &args.server)?;
    // All of the table before the first call: line 9,000 is no place to find an e-mail that stands twice.
    let accounts = match table.filter(|_| matches!(stage, Some(Stage::Before | Stage::All))) {
        Some(table) => Some(accounts::read(context, args, &client, &table, job.as_ref())?),
        None => None,
    };
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let began = Instant::now();
    let waits = (server::Work::Fresh, server::give_up(context));
    runtime.block_on(server::reach(&client, args.server.wait_for_server, waits))?;
    if let Some(accounts) = &accounts {
        runtime.block_on(accounts.ready(&client, args.dry_run))?;
    }
    let what = Provision {
        job: job.as_ref(),
        files: &files,
        stage,
        leave_former: args.leave_former,
        senders_are_members: !have_left,
        dry_run: args.dry_run,
        patience: Patience::default(),
    };
    let mut made = runtime.block_on(make(&client, &what))?;
    let told = match accounts {
        Some(accounts) => {
            let what = accounts::What { client: &client, job: job.as_ref(), dry_run: args.dry_run };
            Some(runtime.block_on(accounts.make(&what, &mut made))?)
        }
        None => None,
    };
    let exit = if made.failed() > 0 { Exit::Rejects } else { Exit::Done };
    let mut verdict = verdict(&made, args.dry_run);
    if let Some(job) = job.as_ref().filter(|_| !args.dry_run) {
        let command = if args.leave_former { former::LEAVE } else { "provision" };
        afterwards::note_deed(job, command, &verdict)?;
    }
    if have_left && stage == Some(Stage::Before) {
        verdict += "; all is sent, and former members stay out of their groups";
    }
    if stage == Some(Stage::Before) && files.has_later() {
        verdict +=
            "; friends, block lists, mutes, pins and bells come after the history: `provision --stage after`";
    }
    if let Some(told) = &told {
        told.say(context)?;
        verdict = format!("{verdict}\n{}", told.verdict);
    }
    if !context.json() {
        return print(&verdict).map(|()| exit);
    }
    let outcome = Outcome {
        command: "provision",
        verdict,
        dry_run: args.dry_run,
        made,
        logins: told.map(|told| told.counts),
        seconds: began.elapsed().as_secs_f64(),
        exit_code: exit.code(),
    };
    context.print_json(&outcome).map(|()| exit)
}

/// What `run --provision` makes at a stage.
pub(super) async fn make_stage(
    client: &Client,
    job: &JobReader,
    files: &Files,
    stage: Stage,
) -> Result<Provisioned, Failure> {
    let (stage, patience) = (Some(stage), Patience::default());
    let what = Provision {
        job: Some(job),
        files,
        stage,
        leave_former: false,
        senders_are_members: !former::have_left(job)?,
        dry_run: false,
        patience,
    };
    make(client, &what).await
}

/// Makes it. What failed is said as it happens; a dry run says everything.
async fn make(client: &Client, what: &Provision<'_>) -> Result<Provisioned, Failure> {
    let mut unsaid = Ok(());
    let made = provision(client, what, &mut |step| {
        let line = match (&step.failed, &step.thing) {
            (Some(_), _) => note(&format!("failed: {step}")),
            (None, Thing::Former(user, group)) if what.dry_run => {
                note(&format!("would take {user} out of group {group}"))
            }
            (None, _) if what.dry_run => note(&format!("would make {step}")),
            (None, _) => Ok(()),
        };
        if unsaid.is_ok() {
            unsaid = line;
        }
    })
    .await
    .map_err(|error| match error {
        ProvisionError::Call(error) => Failure { exit: exit_of(&error), error: error.into() },
        ProvisionError::Job(error) => job_failure(error),
        ProvisionError::Row(error) => Failure { exit: Exit::Usage, error: error.into() },
    })?;
    unsaid.map(|()| made)
}

/// `users: 3 made, 1 there already · groups: 1 made`
pub(super) fn verdict(made: &Provisioned, dry_run: bool) -> String {
    let made_it = if dry_run { "would be made" } else { "made" };
    let took_out = if dry_run { "would be taken out" } else { "taken out" };
    let all = |what: &str, n: &Count, done: &str, before: &str| {
        let parts = [(n.made, done), (n.there, before), (n.failed, "failed")];
        let parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", count(*n))).collect();
        (!parts.is_empty()).then(|| format!("{what}: {}", parts.join(", ")))
    };
    let one = |what: &str, n: &Count| all(what, n, made_it, "there already");
    let lines: Vec<String> = [
        one("users", &made.users),
        one("groups", &made.groups),
        one("members", &made.members),
        one("friends", &made.friends),
        one("block lists", &made.blacks),
        all("former members", &made.former_members, took_out, "out already"),
        one("pins and bells", &made.settings),
        one("mutes", &made.mutes),
        one("accounts", &made.accounts),
    ]
    .into_iter()
    .flatten()
    .collect();
    if lines.is_empty() { "nothing to do".to_owned() } else { lines.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_ends_in_words() {
        let mut made = Provisioned::default();
        assert_eq!(verdict(&made, false), "nothing to do");
        made.users = Count { there: 1, made: 3_000, failed: 0 };
        made.groups = Count { there: 0, made: 0, failed: 2 };
        assert_eq!(verdict(&made, false), "users: 3,000 made, 1 there already · groups: 2 failed");
        made.former_members = Count { there: 1, made: 2, failed: 0 };
        made.users.there = 0;
        assert_eq!(
            verdict(&made, true),
            "users: 3,000 would be made · groups: 2 failed · former members: 2 would be taken out, 1 out already"
        );
    }
}
