//! `provision --accounts`: the table, the chat server's address and password, and what is said of who can log in.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::super::context::{Context, note};
use super::super::prepare::job_failure;
use super::super::server::exit_of;
use super::super::{Exit, Failure, OrFail};
use super::ProvisionArgs;
use crate::accounts::{Person, Rules, Table, Told, Wrong, among, people};
use crate::before::{
    Accounts, AccountsError, AccountsOutcome, Count, Login, Patience, ProvisionError, Provisioned,
    make_accounts,
};
use crate::config::{self, AccountsAddress};
use crate::job::{JobReader, Logins};
use crate::openim::{Chat, Client};
use crate::report::count;

/// How many of a kind are shown; all of them stand in the job's list.
const SHOWN: usize = 20;

/// A table that can be used, and the server that it is for.
pub(super) struct Ready {
    chat: Chat,
    people: Vec<Person>,
    table: PathBuf,
    codes_are_set_up: bool,
}

/// What it is made with.
pub(super) struct What<'a> {
    pub(super) client: &'a Client,
    pub(super) job: Option<&'a JobReader>,
    pub(super) dry_run: bool,
}

/// Everybody in the messages, by userID.
pub(in super::super) fn everybody(job: &JobReader) -> Result<Vec<String>, Failure> {
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let page = job.users(after, 1_000).map_err(job_failure)?;
        let Some(last) = page.last() else { return Ok(users) };
        after = Some(last.key);
        users.extend(page.into_iter().map(|user| user.id.0));
    }
}

/// What is said at the end.
pub(super) struct Said {
    /// By what becomes of people who log in.
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) verdict: String,
    lines: Vec<String>,
}

/// Reads the table and finds the server; nothing is sent yet.
pub(super) fn read(
    context: &Context,
    args: &ProvisionArgs,
    client: &Client,
    table: &Path,
    job: Option<&JobReader>,
) -> Result<Ready, Failure> {
    let typed =
        AccountsAddress { api: args.accounts.accounts_api.clone(), chat_api: args.accounts.chat_api.clone() };
    let chat = chat(context, &typed, args.server.ca.as_ref())?;
    let people = listed(context, table, client.admin_user(), job)?;
    Ok(Ready { chat, people, table: table.to_owned(), codes_are_set_up: args.accounts.codes_are_set_up })
}

/// The people of a table of whom the chat server could take every one.
pub(in super::super) fn listed(
    context: &Context,
    table: &Path,
    admin_user: &str,
    job: Option<&JobReader>,
) -> Result<Vec<Person>, Failure> {
    let read = Table::read(table).or_fail(Exit::Usage)?;
    if !read.unused.is_empty() {
        note(&format!("{}: not used for accounts: {}", table.display(), read.unused.join(", ")))?;
    }
    let known = job.map_or(Ok(Known::default()), Known::of)?;
    let rules = Rules { area_code: context.file.accounts.area_code.as_deref(), admin_user };
    let (people, mut wrong) = people(
        read,
        &rules,
        |source| known.called.get(source).cloned(),
        |user| known.told.get(user).cloned().unwrap_or_default(),
    );
    wrong.extend(among(&people));
    if wrong.is_empty() { Ok(people) } else { Err(refused(table, wrong)) }
}

/// The client of the chat server that is named.
pub(in super::super) fn chat(
    context: &Context,
    typed: &AccountsAddress,
    ca: Option<&PathBuf>,
) -> Result<Chat, Failure> {
    let settings =
        config::accounts(typed, &context.file.accounts, &context.file.server, ca).or_fail(Exit::Login)?;
    let settings = settings.ok_or_else(|| {
        let text = "accounts are made in the chat server: name its admin's address (as delivered port 10009) with \
                    --accounts-api URL, OPENIM_ACCOUNTS_API or `api` under [accounts]";
        Failure::new(Exit::Usage, text.to_owned())
    })?;
    Chat::new(&settings).or_fail(Exit::Usage)
}

fn refused(table: &Path, mut wrong: Vec<Wrong>) -> Failure {
    wrong.sort_by_key(|wrong| wrong.line);
    let all = wrong.len();
    let mut lines: Vec<String> = wrong
        .into_iter()
        .take(SHOWN)
        .map(|wrong| format!("{}:{}: {}", table.display(), wrong.line, wrong.why))
        .collect();
    if all > SHOWN {
        lines.push(format!("… and {} more", count((all - SHOWN) as u64)));
    }
    lines.push("nothing was made".to_owned());
    Failure::new(Exit::Usage, lines.join("\n"))
}

/// Whom the export knows.
#[derive(Default)]
struct Known {
    /// What OpenIM calls somebody, by what the export calls him.
    called: HashMap<String, String>,
    /// By what OpenIM calls him.
    told: HashMap<String, Told>,
}

impl Known {
    fn of(job: &JobReader) -> Result<Self, Failure> {
        let mut known = Self::default();
        let taken: Result<(), crate::job::JobError> = job.who(|who| {
            if !who.is_group {
                let told = Told { nickname: who.nickname, face_url: who.face_url, email: who.email };
                known.told.insert(who.openim_id.clone(), told);
                known.called.insert(who.source_id, who.openim_id);
            }
            Ok(())
        });
        taken.map_err(job_failure)?;
        Ok(known)
    }
}

impl Ready {
    /// The chat server lets us in, before anything is made elsewhere.
    pub(super) async fn ready(&self, client: &Client, dry_run: bool) -> Result<(), Failure> {
        let looked = crate::before::look_at_accounts(client, &self.chat, &self.people, Patience::default());
        let (new, fixed_code, clashes) = looked.await.map_err(|error| failure(&self.table, error))?;
        if !clashes.is_empty() {
            return Err(refused(&self.table, clashes));
        }
        if new > 0 && !dry_run && !self.codes_are_set_up {
            return Err(failure(&self.table, AccountsError::Codes { seen: fixed_code }));
        }
        Ok(())
    }

    /// Makes them.
    pub(super) async fn make(self, what: &What<'_>, made: &mut Provisioned) -> Result<Said, Failure> {
        let others = what.job.map_or(Ok(Vec::new()), everybody)?;
        let nicknames: HashMap<String, String> =
            self.people.iter().map(|person| (person.user.clone(), person.nickname.clone())).collect();
        let accounts = Accounts {
            im: what.client,
            chat: &self.chat,
            people: self.people,
            others,
            dry_run: what.dry_run,
            codes_are_set_up: self.codes_are_set_up,
            patience: Patience::default(),
        };
        let mut unsaid = Ok(());
        let outcome = make_accounts(accounts, &mut |step| {
            let line = match &step.failed {
                Some(_) => note(&format!("failed: {step}")),
                None if what.dry_run => note(&format!("would make {step}")),
                None => Ok(()),
            };
            if unsaid.is_ok() {
                unsaid = line;
            }
        })
        .await
        .map_err(|error| failure(&self.table, error))?;
        unsaid?;
        made.users.made += outcome.users.made;
        made.users.failed += outcome.users.failed;
        made.accounts = Count { there: outcome.there, made: outcome.made, failed: outcome.failed() };
        let mut said = said(&outcome);
        if let Some(job) = what.job.filter(|_| !what.dry_run) {
            let list = logins(&outcome.logins, &nicknames);
            let file = list.keep(job.dir()).map_err(job_failure)?;
            said.verdict = format!("{}; everybody stands in {}", said.verdict, file.display());
        }
        Ok(said)
    }
}

/// The list that the job keeps.
pub(in super::super) fn logins(
    logins: &BTreeMap<String, Login>,
    nicknames: &HashMap<String, String>,
) -> Logins {
    let rows = logins.iter().map(|(user, login)| crate::job::LoginRow {
        user: user.clone(),
        nickname: nicknames.get(user).cloned().unwrap_or_default(),
        can: login.can(),
        kind: login.kind().to_owned(),
        how: login.to_string(),
    });
    Logins { rows: rows.collect() }
}

fn said(outcome: &AccountsOutcome) -> Said {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for login in outcome.logins.values() {
        *counts.entry(login.kind()).or_default() += 1;
    }
    let mut lines: Vec<String> =
        outcome.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    let limited = |lines: &mut Vec<String>, what: &str, all: Vec<String>| {
        if !all.is_empty() {
            let more = all.len().saturating_sub(SHOWN);
            let shown = all.into_iter().take(SHOWN).collect::<Vec<_>>().join("\n  ");
            let more = if more > 0 { format!("\n  … and {more} more") } else { String::new() };
            lines.push(format!("{what}:\n  {shown}{more}"));
        }
    };
    limited(&mut lines, "there already, and stays as it is", outcome.otherwise.clone());
    let cannot = outcome.logins.iter().filter(|(_, login)| !login.can());
    let cannot = cannot.map(|(user, login)| format!("{user}: {login}")).collect();
    limited(&mut lines, "can't log in", cannot);
    Said { verdict: can_log_in(outcome.logins.values()), counts, lines }
}

/// `log in: 3 can (2 with a password, 1 with a code, …), 1 can't (1 no e-mail and no phone)`
pub(in super::super) fn can_log_in<'a>(logins: impl Iterator<Item = &'a Login>) -> String {
    let mut kinds: [BTreeMap<&str, u64>; 2] = Default::default();
    for login in logins {
        *kinds[usize::from(!login.can())].entry(login.kind()).or_default() += 1;
    }
    crate::report::can_log_in(&kinds)
}

impl Said {
    /// What is to be known, before the verdict.
    pub(super) fn say(&self, context: &Context) -> Result<(), Failure> {
        self.lines.iter().try_for_each(|line| context.say(line))
    }
}

/// How the command ends.
pub(in super::super) fn failure(table: &Path, error: AccountsError) -> Failure {
    let exit = match &error {
        AccountsError::Chat { error, .. } | AccountsError::Im(ProvisionError::Call(error)) => exit_of(error),
        AccountsError::NotForApps(_) | AccountsError::Clashes(_) => Exit::Usage,
        AccountsError::Codes { .. } => Exit::Preflight,
        AccountsError::Im(_) => Exit::Internal,
    };
    match error {
        AccountsError::Clashes(clashes) => refused(table, clashes),
        error => Failure { exit, error: error.into() },
    }
}
