//! From rows to people: what the chat server will be told of each, or why it would refuse it.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use super::column::Column;
use super::phone::Phone;
use super::table::{Row, Table};
use crate::finding::shorten;
use crate::message::UserId;

/// Somebody who is to log in.
#[derive(Debug)]
pub struct Person {
    /// Where he stands in the table, from 1.
    pub line: u64,
    /// His userID.
    pub user: String,
    /// His name; never empty.
    pub nickname: String,
    /// URL of his picture, or empty.
    pub face_url: String,
    /// His e-mail, or empty.
    pub email: String,
    /// His phone.
    pub phone: Option<Phone>,
    /// A name to log in with: the table's, or one made of his userID.
    pub account: String,
    /// The table gives him that account.
    pub account_given: bool,
    /// What he types.
    pub password: Option<Password>,
}

/// A password, as it is typed or as apps send it.
#[derive(Debug)]
pub enum Password {
    /// As it is typed.
    Typed(SecretString),
    /// Its digest: 32 hexadecimal digits.
    Digest(SecretString),
}

impl Person {
    /// The chat server makes no account without one of the two.
    pub fn has_contact(&self) -> bool {
        !self.email.is_empty() || self.phone.is_some()
    }

    /// Gives him another account than the one that was made of his userID; the same one each time.
    pub fn rename_account(&mut self) {
        self.account = marked(&self.user);
    }
}

/// What the export knows of somebody, where the table says nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Told {
    /// His name.
    pub nickname: String,
    /// URL of his picture.
    pub face_url: String,
    /// His e-mail.
    pub email: String,
}

/// Something that the chat server would refuse; the way out is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Line of the table.
    pub line: u64,
    /// What, and the way out.
    pub why: String,
}

/// The rules of a table.
pub struct Rules<'a> {
    /// The area code of phones that have none.
    pub area_code: Option<&'a str>,
    /// Who can't have an account: OpenIM's admin.
    pub admin_user: &'a str,
}

/// People of a table. `openim_id` is what OpenIM calls somebody by the export's id; `told` is what the export knows of a
/// user.
pub fn people(
    table: Table,
    rules: &Rules<'_>,
    openim_id: impl Fn(&str) -> Option<String>,
    told: impl Fn(&str) -> Told,
) -> (Vec<Person>, Vec<Wrong>) {
    let (mut people, mut wrong) = (Vec::new(), Vec::new());
    let given: HashSet<String> = table.rows.iter().map(|row| row.get(Column::Account).to_owned()).collect();
    for row in table.rows {
        // The table that `users` prints has groups in it as well.
        if row.get(Column::Kind).eq_ignore_ascii_case("group") || row.is_empty() {
            continue;
        }
        let line = row.line;
        match person(row, rules, &openim_id, &told) {
            Ok(person) => people.push(person),
            Err(whys) => wrong.extend(whys.into_iter().map(|why| Wrong { line, why })),
        }
    }
    name_accounts(&mut people, given);
    (people, wrong)
}

fn person(
    row: Row,
    rules: &Rules<'_>,
    openim_id: &impl Fn(&str) -> Option<String>,
    told: &impl Fn(&str) -> Told,
) -> Result<Person, Vec<String>> {
    let mut wrong = Vec::new();
    let user = user_of(&row, openim_id).map_err(|why| vec![why])?;
    if !UserId::is_legal(&user) {
        wrong.push(format!(
            "userID `{}` has more than letters, digits and `_`; OpenIM refuses it, and the chat server would keep half \
             of him: take the userID that his messages have (`openim-import users`)",
            shorten(&user)
        ));
    }
    if user == rules.admin_user {
        wrong.push(format!(
            "userID `{user}` is OpenIM's admin, who can't log in as a person: leave the line out"
        ));
    }
    let told = told(&user);
    let or_told = |column, told: String| {
        let own = row.get(column);
        if own.is_empty() { told } else { own.to_owned() }
    };
    let email = or_told(Column::Email, told.email);
    if let Some(why) = why_no_email(&email) {
        wrong.push(format!("e-mail `{}` {why}", shorten(&email)));
    }
    let mut phone = None;
    let number = row.get(Column::Phone);
    if !number.is_empty() {
        match Phone::read(number, row.get(Column::AreaCode), rules.area_code) {
            Ok(read) => phone = Some(read),
            Err(why) => wrong.push(format!("phone `{}` {why}", shorten(number))),
        }
    }
    let account = row.get(Column::Account).to_owned();
    if account.chars().any(|c| !c.is_alphanumeric()) || account.chars().count() > 200 {
        wrong.push(format!(
            "account `{}` has more than letters and digits, or more than 200 of them: the chat server takes no others; \
             with an empty cell one is made of the userID",
            shorten(&account)
        ));
    }
    let nickname = or_told(Column::Nickname, told.nickname);
    let nickname = if nickname.is_empty() { user.clone() } else { nickname };
    let face_url = or_told(Column::Face, told.face_url);
    let password = password_of(row.password, row.password_digest).unwrap_or_else(|why| {
        wrong.push(why.to_owned());
        None
    });
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let account_given = !account.is_empty();
    Ok(Person { line: row.line, user, nickname, face_url, email, phone, account, account_given, password })
}

fn user_of(row: &Row, openim_id: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let (user, source) = (row.get(Column::User), row.get(Column::Source));
    match (user.is_empty(), source.is_empty()) {
        (false, _) => Ok(user.to_owned()),
        (true, false) => openim_id(source).ok_or_else(|| {
            format!(
                "the job knows nobody whom the export calls `{}`: write his userID into a column `userID`, or read the \
                 export first (`check`)",
                shorten(source)
            )
        }),
        (true, true) => Err("nobody is named: the userID is empty (the server would make one, and nobody's messages \
             have it)"
            .to_owned()),
    }
}

/// As the chat server reads it: ASCII, one `@`, a dot and letters at the end.
fn why_no_email(email: &str) -> Option<&'static str> {
    if email.is_empty() {
        return None;
    }
    if !email.is_ascii() {
        return Some(
            "has letters beyond ASCII, which the chat server refuses: write another, or leave it empty",
        );
    }
    if email.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';')) {
        return Some("is more than one address: write the bare address alone");
    }
    let Some((local, domain)) = email.split_once('@') else { return Some("has no `@`") };
    let Some((host, top)) = domain.rsplit_once('.') else {
        return Some("has no dot behind its `@`, which the chat server wants");
    };
    let all = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let good = all(local, "._%+-")
        && all(host, ".-")
        && top.len() >= 2
        && top.chars().all(|c| c.is_ascii_alphabetic());
    (!good)
        .then_some("has characters that the chat server takes in no e-mail: write another, or leave it empty")
}

fn password_of(
    typed: Option<SecretString>,
    digest: Option<SecretString>,
) -> Result<Option<Password>, &'static str> {
    match (typed, digest) {
        (Some(_), Some(_)) => Err("has a password and a digest of one: leave one of the two empty"),
        (Some(typed), None) => {
            let text = typed.expose_secret();
            if text.trim() != text {
                return Err("the password has blanks around it, which nobody would type: take them out");
            }
            Ok(Some(Password::Typed(typed)))
        }
        (None, Some(digest)) => {
            let text = digest.expose_secret().trim();
            if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(
                    "passwordMD5 is no MD5: 32 hexadecimal digits of what he types; clear passwords go into a \
                     column `password`",
                );
            }
            Ok(Some(Password::Digest(SecretString::from(text.to_ascii_lowercase()))))
        }
        (None, None) => Ok(None),
    }
}

/// Everybody gets an account: the chat server writes it before the e-mail, so somebody whose e-mail turns out taken can
/// still log in. The same userID gets the same one each time.
fn name_accounts(people: &mut [Person], mut taken: HashSet<String>) {
    for person in people.iter_mut().filter(|person| !person.account_given) {
        let plain: String = person.user.chars().filter(|c| c.is_alphanumeric()).take(180).collect();
        let as_it_is = plain == person.user && !taken.contains(&plain);
        person.account = if as_it_is { plain } else { marked(&person.user) };
        taken.insert(person.account.clone());
    }
}

/// The letters and digits of a userID, and what tells it from others that have the same.
fn marked(user: &str) -> String {
    let plain: String = user.chars().filter(|c| c.is_alphanumeric()).take(180).collect();
    format!("{plain}{:08x}", xxhash_rust::xxh3::xxh3_64(user.as_bytes()) >> 32)
}

impl Row {
    fn is_empty(&self) -> bool {
        let said =
            [Column::User, Column::Source, Column::Email, Column::Phone, Column::Account, Column::Nickname];
        said.iter().all(|column| self.get(*column).is_empty())
    }
}

#[cfg(test)]
mod tests;
