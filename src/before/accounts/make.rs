//! One call for each person, a few side by side; and what it came to, read from what is there afterwards.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::sleep;

use super::look::{Looker, side_by_side};
use super::prove::Login;
use crate::accounts::{Password, Person};
use crate::before::provision::{Step, Thing};
use crate::openim::{Account, CallError, NewAccount, Way, password_digest};

/// How often a call is made again that was certainly not carried out.
const TRIES: u32 = 3;
/// A server goes on with a call that nobody waits for any more: so often it is looked whether it has.
const LOOKS: u32 = 20;

/// Makes them all; who can log in then.
pub(super) async fn all(
    looker: &Looker,
    people: Vec<Person>,
    dry_run: bool,
    seen: &mut dyn FnMut(&Step),
) -> Result<BTreeMap<String, Login>, CallError> {
    let mut logins = BTreeMap::new();
    let mut tell = |user: &str, person: &Person, login: &Login| {
        let failed = (!login.can()).then(|| login.to_string());
        seen(&Step { thing: Thing::Account(user.to_owned(), shown(person)), failed });
    };
    if dry_run {
        for person in people {
            let with = said(&person).iter().map(ToString::to_string).collect();
            let login = Login::Can { with, password: person.password.is_some() };
            tell(&person.user, &person, &login);
            logins.insert(person.user, login);
        }
        return Ok(logins);
    }
    let mut made: Vec<Arc<Person>> = Vec::new();
    let maker = looker.clone();
    let work = move |person: Person| {
        let looker = maker.clone();
        async move {
            let login = make(&looker, &person).await?;
            Ok((Arc::new(person), login))
        }
    };
    side_by_side(people, work, |(person, login)| {
        tell(&person.user, &person, &login);
        if login.can() {
            made.push(Arc::clone(&person));
        }
        logins.insert(person.user.clone(), login);
    })
    .await?;
    seen_afterwards(looker, &made, &mut logins, &mut tell).await?;
    Ok(logins)
}

/// What was made is looked up, all of it.
async fn seen_afterwards(
    looker: &Looker,
    made: &[Arc<Person>],
    logins: &mut BTreeMap<String, Login>,
    tell: &mut dyn FnMut(&str, &Person, &Login),
) -> Result<(), CallError> {
    let users: Vec<String> = made.iter().map(|person| person.user.clone()).collect();
    let there: HashMap<String, Account> = looker.find(&users).await?;
    for person in made {
        let why = match there.get(&person.user) {
            None => "the chat server said yes, and he is not there",
            Some(account) if account.email != person.email || account.account != person.account => {
                "the chat server said yes, and he is there with another e-mail or account: did somebody else make him?"
            }
            Some(_) => continue,
        };
        let login = Login::Failed(why.to_owned());
        tell(&person.user, person, &login);
        logins.insert(person.user.clone(), login);
    }
    Ok(())
}

/// Makes one. `Err`: the server can't be reached or lets us in no more; nothing is known of him.
async fn make(looker: &Looker, person: &Person) -> Result<Login, CallError> {
    // An e-mail that was taken since it was looked up would leave half of him.
    if !person.email.is_empty() {
        let way = Way::Email(person.email.clone());
        if looker.read(|| looker.chat.knows(&way)).await? {
            return taken_since(looker, person, &way).await;
        }
    }
    let account = new_account(person);
    let mut tried = 0;
    loop {
        let error = match looker.chat.import(&account).await {
            Ok(()) => return Ok(can(person)),
            Err(error) => error,
        };
        match &error {
            CallError::Refused { code, said, .. } if !error.is_passing() => {
                // Perhaps by an earlier call of ours whose answer was lost.
                return match look_once(looker, person).await? {
                    Some(login) if login.can() && tried > 0 => Ok(login),
                    Some(login @ Login::Half(_)) => Ok(login),
                    _ => Ok(Login::Failed(format!("{said} ({code})"))),
                };
            }
            CallError::Refused { code, said, .. } => {
                if let Some(login) = look_once(looker, person).await? {
                    return Ok(login);
                }
                if tried >= TRIES {
                    return Ok(Login::Failed(format!("{said} ({code})")));
                }
                sleep(Duration::from_millis(250)).await;
            }
            CallError::Unanswered { .. } => {
                if let Some(login) = look_for(looker, person).await? {
                    return Ok(login);
                }
                if looker.patience.wait(tried, &error).is_none() {
                    return Err(error);
                }
            }
            _ => match looker.patience.wait(tried, &error) {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            },
        }
        tried += 1;
    }
}

/// The e-mail is known now: by him, from a call of somebody who made him meanwhile, or by another.
async fn taken_since(looker: &Looker, person: &Person, way: &Way) -> Result<Login, CallError> {
    if let Some(login) = look_once(looker, person).await? {
        return Ok(login);
    }
    Ok(Login::Failed(format!(
        "{way} is taken by somebody who is not listed among the accounts: he was left out, as he would be half a user"
    )))
}

/// Is he there, and can he log in?
async fn look_once(looker: &Looker, person: &Person) -> Result<Option<Login>, CallError> {
    let users = [person.user.clone()];
    let Some(account) = looker.find(&users).await?.remove(&person.user) else { return Ok(None) };
    looker.prove_one(&account, person.password.is_some()).await.map(Some)
}

/// The same while the server may still be at it: until he is whole, or for a while.
async fn look_for(looker: &Looker, person: &Person) -> Result<Option<Login>, CallError> {
    let mut login = None;
    for _ in 0..LOOKS {
        login = look_once(looker, person).await?;
        if login.as_ref().is_some_and(Login::can) {
            break;
        }
        sleep(Duration::from_millis(250)).await;
    }
    Ok(login)
}

fn can(person: &Person) -> Login {
    let with = said(person).iter().map(ToString::to_string).collect();
    Login::Can { with, password: person.password.is_some() }
}

/// What he can log in with.
fn said(person: &Person) -> Vec<Way> {
    let email = (!person.email.is_empty()).then(|| Way::Email(person.email.clone()));
    let phone = person.phone.clone().map(|phone| Way::Phone(phone.area_code, phone.number));
    [email, phone, Some(Way::Account(person.account.clone()))].into_iter().flatten().collect()
}

fn shown(person: &Person) -> String {
    said(person).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn new_account(person: &Person) -> NewAccount {
    let phone = person.phone.clone();
    let (area_code, phone_number) = phone.map(|phone| (phone.area_code, phone.number)).unwrap_or_default();
    NewAccount {
        user: person.user.clone(),
        nickname: person.nickname.clone(),
        face_url: person.face_url.clone(),
        email: person.email.clone(),
        area_code,
        phone_number,
        account: person.account.clone(),
        password: match &person.password {
            None => SecretString::from(""),
            Some(Password::Digest(digest)) => digest.clone(),
            Some(Password::Typed(typed)) => password_digest(secrecy::ExposeSecret::expose_secret(typed)),
        },
    }
}
