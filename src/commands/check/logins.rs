//! Who will be able to log in, as far as that can be said before the server was asked.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::super::context::Context;
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, provision};
use crate::accounts::Person;
use crate::before::Login;
use crate::config::USUAL_ADMIN;
use crate::job::{JobReader, Logins};
use crate::report::{can_log_in, count, plural};

/// What `check` says of it; `None`: neither the export nor anybody else told of e-mails or accounts.
///
/// What `provision --accounts` has found on the server stands above what a table promises, and that above the e-mails of the
/// export.
pub(super) fn who_can_log_in(
    context: &Context,
    table: Option<&Path>,
    reader: &JobReader,
) -> Result<Option<String>, Failure> {
    if let Some(kinds) = Logins::counts(reader.dir()) {
        let said = can_log_in(&kinds);
        return Ok(Some(format!("accounts: {said}, as `provision --accounts` last saw it")));
    }
    let Some(table) = table else { return from_the_export(reader) };
    let admin = context.file.server.admin_user.as_deref().unwrap_or(USUAL_ADMIN);
    match provision::accounts::listed(context, table, admin, Some(reader)) {
        Ok(people) => Ok(Some(promised(people, table, reader)?)),
        // The history can be sound all the same.
        Err(Failure { exit: Exit::Usage, error }) => {
            Ok(Some(format!("accounts: `provision --accounts` will refuse the table of people:\n{error}")))
        }
        Err(other) => Err(other),
    }
}

/// What a table promises.
fn promised(people: Vec<Person>, table: &Path, reader: &JobReader) -> Result<String, Failure> {
    let mut logins: HashMap<String, Login> = HashMap::new();
    for person in people {
        let login = if person.has_contact() {
            Login::Can { with: Vec::new(), password: person.password.is_some() }
        } else {
            Login::NoContact
        };
        logins.insert(person.user, login);
    }
    let mut after = None;
    loop {
        let page = reader.users(after, 1_000).map_err(job_failure)?;
        let Some(last) = page.last() else { break };
        after = Some(last.key);
        for user in page {
            logins.entry(user.id.0).or_insert(Login::NotListed);
        }
    }
    let mut kinds: [BTreeMap<&str, u64>; 2] = Default::default();
    for login in logins.values() {
        *kinds[usize::from(!login.can())].entry(login.kind()).or_default() += 1;
    }
    let said = can_log_in(&kinds);
    Ok(format!("accounts: with {}, once `provision --accounts` has made them, {said}", table.display()))
}

/// What the e-mails of the export would be good for.
fn from_the_export(reader: &JobReader) -> Result<Option<String>, Failure> {
    let (mut writers, mut with_email) = (0, 0);
    let counted: Result<(), crate::job::JobError> = reader.who(|who| {
        if !who.is_group && who.messages > 0 {
            writers += 1;
            with_email += u64::from(!who.email.is_empty());
        }
        Ok(())
    });
    counted.map_err(job_failure)?;
    Ok((with_email > 0).then(|| {
        format!(
            "accounts: of {} who wrote, the export tells the e-mail of {}; nobody can log in before `provision --accounts` \
             (openim-import users -o people.csv makes its table)",
            plural(writers, "person", "people"),
            count(with_email)
        )
    }))
}
