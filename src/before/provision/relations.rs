//! Friends and block lists.

use std::collections::HashSet;

use crate::openim::{CallError, Client};

use super::super::ask::{Ask, pieces};
use super::ensure::{self, Many};
use super::{BlackRow, Done, FriendRow, Thing};

/// Friends made, or members taken out, in one call.
const AT_ONCE: usize = 500;
/// Entries of a block list read in one call.
const PAGE: i32 = 500;

/// Sees to it that they are friends. Who is one already is left alone: every call leaves another message.
pub(super) async fn friends(ask: &Ask, row: FriendRow, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let thing = |other: &String| Thing::Friend(row.owner.clone(), other.clone());
    relate(&Befriend { owner: &row.owner }, ask, others(&row.owner, row.friends), dry, &mut done, thing)
        .await?;
    Ok(done)
}

/// Sees to it that they are blocked.
pub(super) async fn blacks(ask: &Ask, row: BlackRow, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let thing = |other: &String| Thing::Black(row.owner.clone(), other.clone());
    relate(&Block { owner: &row.owner }, ask, others(&row.owner, row.blacks), dry, &mut done, thing).await?;
    Ok(done)
}

/// Each once, and nobody to himself.
fn others(owner: &str, ids: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::from([owner.to_owned()]);
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

/// Those of whom it is done already are counted, and it is done to the others.
pub(super) async fn relate<M: Many<Item = String>>(
    many: &M,
    ask: &Ask,
    others: Vec<String>,
    dry: bool,
    done: &mut Done,
    thing: impl Fn(&String) -> Thing,
) -> Result<(), CallError> {
    let Some(example) = others.first().cloned() else { return Ok(()) };
    let all = others.len();
    let missing = many.missing(ask, others).await?;
    done.count(&thing(&example)).there += (all - missing.len()) as u64;
    for piece in pieces(missing, AT_ONCE) {
        ensure::settle(many, ask, piece, (dry, &mut *done), &thing).await?;
    }
    Ok(())
}

struct Befriend<'a> {
    owner: &'a str,
}

impl Many for Befriend<'_> {
    type Item = String;

    async fn act(&self, client: &Client, others: &[String]) -> Result<(), CallError> {
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        client.import_friends(self.owner, &others).await
    }

    async fn missing(&self, ask: &Ask, others: Vec<String>) -> Result<Vec<String>, CallError> {
        let friends: HashSet<String> =
            ask.read(|client| client.friends(self.owner)).await?.into_iter().collect();
        Ok(others.into_iter().filter(|other| !friends.contains(other)).collect())
    }
}

struct Block<'a> {
    owner: &'a str,
}

impl Many for Block<'_> {
    type Item = String;

    /// One call each: there is none for many.
    async fn act(&self, client: &Client, others: &[String]) -> Result<(), CallError> {
        for other in others {
            client.add_black(self.owner, other).await?;
        }
        Ok(())
    }

    async fn missing(&self, ask: &Ask, others: Vec<String>) -> Result<Vec<String>, CallError> {
        let blocked = block_list(ask, self.owner).await?;
        Ok(others.into_iter().filter(|other| !blocked.contains(other)).collect())
    }
}

/// Everybody whom that user has blocked.
pub(in super::super) async fn block_list(ask: &Ask, owner: &str) -> Result<HashSet<String>, CallError> {
    let mut blocked = HashSet::new();
    for page in 1.. {
        let (users, total) = ask.read(|client| client.blacks(owner, page, PAGE)).await?;
        let last = users.is_empty() || i64::from(page) * i64::from(PAGE) >= total;
        blocked.extend(users);
        if last {
            break;
        }
    }
    Ok(blocked)
}
