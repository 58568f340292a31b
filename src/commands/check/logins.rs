//! Who will be able to log in, as far as that can be said before the server was asked.

use std::collections::HashMap;
use std::path::Path;

use super::super::context::Context;
use super::super::prepare::job_failure;
use super::super::provision::accounts;
use super::super::{Exit, Failure};
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
    match accounts::listed(context, table, admin, Some(reader)) {
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
    for user in accounts::everybody(reader)? {
        logins.entry(user).or_insert(Login::NotListed);
    }
    let said = accounts::can_log_in(logins.values());
    Ok(format!("accounts: with {}, once `provision --accounts` has made them, {said}", table.display()))
}

/// What the e-mails of the export would be good for.
fn from_the_export(reader: &JobReader) -> Result<Option<String>, Failure> {
    let (writers, with_email) = reader.writers_with_email().map_err(job_failure)?;
    Ok((with_email > 0).then(|| {
        format!(
            "accounts: of {} who wrote, the export tells the e-mail of {}; nobody can log in before `provision --accounts` \
             (openim-import users -o people.csv makes its table)",
            plural(writers, "person", "people"),
            count(with_email)
        )
    }))
}
