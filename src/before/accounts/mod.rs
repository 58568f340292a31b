//! Accounts in the chat server: without one nobody logs in with OpenIM's own apps, however much history he has.
//!
//! The order is the sure one (docs/accounts.md): everything is read and compared before the first call; then the IM gets
//! its users, so that no notice of today goes into a history; then one call for each person, as the chat server stops
//! at the first that fails and leaves half of him behind. What a call comes to is read from what is there afterwards.
//! Nothing is kept about what was done: it can be killed anywhere and run again, and what is there stays as it is.

mod look;
mod make;
mod prove;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ask::Patience;
use super::provision::{Count, ProvisionError, Step, UserRow, provision_users};
use crate::accounts::{Person, Taken, Wrong, with};
use crate::openim::{CallError, Chat, Client, Defaults, LoginError};

pub use prove::Login;

/// What is to be there.
#[derive(Debug)]
pub struct Accounts<'a> {
    /// The IM, which must know everybody first.
    pub im: &'a Client,
    /// The chat server.
    pub chat: &'a Chat,
    /// Who is to log in.
    pub people: Vec<Person>,
    /// Who else the history has; of them it is only asked whether they can log in.
    pub others: Vec<String>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The operator says that codes are sent, or that nobody gets in with the fixed one.
    pub codes_are_set_up: bool,
    /// How much at once, and how long the servers are waited for.
    pub patience: Patience,
}

/// Calls of the chat server under way at once: with more of them it makes fewer accounts a second.
pub const AT_ONCE: usize = 4;

/// What became of everybody.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Users of the IM.
    pub users: Count,
    /// Accounts made; in a dry run, that would be made.
    pub made: u64,
    /// Accounts that were there.
    pub there: u64,
    /// Of these, those that have something else than the table, which stays so: in words.
    pub otherwise: Vec<String>,
    /// Who can log in, by userID, and who can't.
    pub logins: BTreeMap<String, Login>,
    /// What is to be known besides.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// How many can't log in although the table has them with an e-mail or a phone.
    pub fn failed(&self) -> u64 {
        self.logins.values().filter(|login| matches!(login, Login::Half(_) | Login::Failed(_))).count() as u64
    }
}

/// Why it could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The chat server, at one of its addresses.
    #[error("the chat server ({address}): {error}")]
    Chat {
        /// Which.
        address: String,
        /// What it was.
        error: CallError,
    },
    /// Somebody else answers where the chat server's apps go.
    #[error(
        "`{0}` is not the chat server's address for apps (chat-api, as delivered the port before its admin's): name that \
         one as `chat_api` under [accounts]"
    )]
    NotForApps(String),
    /// The IM.
    #[error(transparent)]
    Im(ProvisionError),
    /// People of the table would meet others: nothing was made.
    #[error("people of the table meet accounts of the server")]
    Clashes(Vec<Wrong>),
    /// Nobody has said that codes are sent.
    #[error(
        "nothing was made: {}. Whoever knows somebody's phone, e-mail or account name could read his history. Switch it \
         off first (chat-rpc-chat.yml: `phone.use` and `mail.use` of `verifyCode`, with a provider of codes, or another \
         `superCode`; docs/accounts.md), then give --codes-are-set-up",
        if *.seen {
            "the server takes 666666, the code it is delivered with, for everybody's"
        } else {
            "a server whose verification code is a fixed one opens every account with it, and whether yours has one \
             (other than 666666, which it refuses) can't be seen from outside"
        }
    )]
    Codes {
        /// It was seen that it takes the fixed one.
        seen: bool,
    },
}

/// What is asked before anything is made: how many of these people have no account yet, whether the code that the server is
/// delivered with opens it, and who would meet somebody there.
pub async fn look_at_accounts(
    im: &Client,
    chat: &Chat,
    people: &[Person],
    patience: Patience,
) -> Result<(usize, bool, Vec<Wrong>), AccountsError> {
    let call = |error| chat_error(chat, error);
    let asking = look::Looker { chat: chat.clone(), patience };
    asking.log_in().await.map_err(call)?;
    im.log_in().await.map_err(|error| AccountsError::Im(error.into()))?;
    let looked = asking.look().await.map_err(call)?;
    let new = || people.iter().filter(|p| p.has_contact() && !looked.there.contains_key(&p.user));
    // An account that we make up makes way for others.
    let clashes = with(new(), &looked.taken, false);
    Ok((new().count(), looked.fixed_code, clashes))
}

/// Makes what is missing; `seen` gets every step.
pub async fn make_accounts(
    what: Accounts<'_>,
    seen: &mut dyn FnMut(&Step),
) -> Result<Outcome, AccountsError> {
    let chat = what.chat;
    let call = |error| chat_error(chat, error);
    let asking = look::Looker { chat: chat.clone(), patience: what.patience };
    asking.log_in().await.map_err(call)?;
    let looked = asking.look().await.map_err(call)?;
    let (mut people, without): (Vec<Person>, Vec<Person>) =
        what.people.into_iter().partition(Person::has_contact);
    other_accounts(&mut people, &looked.taken);
    let (there, new): (Vec<Person>, Vec<Person>) =
        people.into_iter().partition(|person| looked.there.contains_key(&person.user));
    let clashes = with(new.iter(), &looked.taken, true);
    if !clashes.is_empty() {
        return Err(AccountsError::Clashes(clashes));
    }
    let mut outcome = Outcome { there: there.len() as u64, ..Outcome::default() };
    outcome.warnings = warnings(&looked.defaults, looked.fixed_code, what.codes_are_set_up, new.len());
    if !new.is_empty() && !what.dry_run && !what.codes_are_set_up {
        return Err(AccountsError::Codes { seen: looked.fixed_code });
    }
    let rows = there.iter().chain(&new).chain(&without).map(|person| UserRow {
        id: person.user.clone(),
        nickname: person.nickname.clone(),
        face_url: person.face_url.clone(),
    });
    let made = provision_users(what.im, what.patience, rows.collect(), what.dry_run, seen).await;
    outcome.users = made.map_err(AccountsError::Im)?.users;
    for person in &there {
        if let Some(words) = otherwise(person, &looked.there[&person.user]) {
            outcome.otherwise.push(format!("`{}` {words}", person.user));
        }
    }
    for person in without {
        outcome.logins.insert(person.user, Login::NoContact);
    }
    let known: Vec<_> = looked.there.into_iter().collect();
    let listed: HashMap<&str, &Person> = there.iter().map(|person| (person.user.as_str(), person)).collect();
    let others: HashSet<&String> = what.others.iter().collect();
    let mut asked = Vec::new();
    for (user, account) in known {
        let password = listed.get(user.as_str()).is_some_and(|person| person.password.is_some());
        if listed.contains_key(user.as_str()) || others.contains(&user) {
            asked.push((account, password));
        }
    }
    outcome.logins.extend(asking.prove(asked).await.map_err(call)?);
    let logins = make::all(&asking, new, what.dry_run, seen).await.map_err(call)?;
    outcome.made = logins.values().filter(|login| login.can()).count() as u64;
    outcome.logins.extend(logins);
    for user in what.others {
        outcome.logins.entry(user).or_insert(Login::NotListed);
    }
    Ok(outcome)
}

fn chat_error(chat: &Chat, error: CallError) -> AccountsError {
    match error {
        // Another server's tokens are refused there as well.
        CallError::NotOpenIm(_) | CallError::NoSuchCall(_) | CallError::Login(LoginError::FreshToken) => {
            AccountsError::NotForApps(chat.address().to_owned())
        }
        // It names its own address and the way out.
        error @ CallError::Login(_) => {
            AccountsError::Chat { address: chat.admin_address().to_owned(), error }
        }
        error => {
            let address = format!("{} and {}", chat.admin_address(), chat.address());
            AccountsError::Chat { address, error }
        }
    }
}

/// An account that was made of a userID and is somebody else's there gets another.
fn other_accounts(people: &mut [Person], taken: &Taken) {
    for person in people.iter_mut().filter(|person| !person.account_given) {
        if taken.has_account(&person.account, &person.user) {
            person.rename_account();
        }
    }
}

/// What somebody has there that the table says otherwise.
fn otherwise(person: &Person, there: &crate::openim::Account) -> Option<String> {
    let mut words = Vec::new();
    let mut differ = |what: &str, listed: &str, has: &str| {
        if !listed.is_empty() && listed != has {
            let has = if has.is_empty() { "none".to_owned() } else { format!("`{has}`") };
            words.push(format!("has {has} for the {what}, and not `{listed}`"));
        }
    };
    differ("e-mail", &person.email, &there.email);
    if let Some(phone) = &person.phone {
        let has = if there.phone_number.is_empty() {
            String::new()
        } else {
            format!("{} {}", there.area_code, there.phone_number)
        };
        differ("phone", &format!("{} {}", phone.area_code, phone.number), &has);
    }
    if person.account_given {
        differ("account", &person.account, &there.account);
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn warnings(defaults: &Defaults, fixed_code: bool, confirmed: bool, new: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if fixed_code && new > 0 {
        let but = if confirmed { ", although --codes-are-set-up was given" } else { "" };
        warnings.push(format!(
            "the chat server takes 666666 for everybody's code{but}: whoever knows somebody's phone, e-mail or account \
             name can log in as him, read his history and change his password. Switch it off before the address is known \
             to anybody"
        ));
    }
    if !defaults.is_empty() && new > 0 {
        let list = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        warnings.push(format!(
            "the chat server's default friends ({}) and groups ({}) are not made, as they would put notices of today into \
             histories: add them by hand if people are to have them (`provision --stage after`), which then puts those \
             notices behind the history",
            list(&defaults.friends),
            list(&defaults.groups)
        ));
    }
    warnings
}
