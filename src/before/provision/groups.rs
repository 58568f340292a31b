//! Groups and their members.

use std::collections::HashSet;

use crate::openim::{CallError, Client, CreateGroup, GroupStatus};

use super::super::ask::{Ask, pieces};
use super::ensure::{self, Many};
use super::feed::Wanted;
use super::{Done, GroupRow, Thing};

/// Groups looked up in one call.
pub(super) const AT_ONCE: usize = 100;
/// Fewer than 1,000 members a call: 899 worked, 1,199 were refused.
const CREATE_WITH: usize = 800;
/// Members invited in one call.
const INVITE: usize = 500;

/// Sees to it that these groups exist and that everybody named is in them.
pub(super) async fn ensure(ask: &Ask, wanted: Vec<Wanted>, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let ids: Vec<&str> = wanted.iter().map(|wanted| wanted.row.id.as_str()).collect();
    let there = ask.read(|client| client.groups(&ids)).await?;
    for Wanted { row, again } in wanted {
        match there.get(&row.id).map(|group| group.status) {
            Some(GroupStatus::Dismissed) if again => {}
            Some(GroupStatus::Dismissed) => {
                done.failed(Thing::Group(row.id, row.owner), "the group is dismissed");
            }
            Some(_) => {
                done.counts.groups.there += u64::from(!again);
                fill(ask, &row.id, each_once(&row), dry, &mut done).await?;
            }
            None if dry => {
                if !again {
                    done.made(Thing::Group(row.id.clone(), row.owner.clone()));
                }
                for user in each_once(&row) {
                    done.made(Thing::Member(user, row.id.clone()));
                }
            }
            // It could not be made as the file has it; why was said then.
            None if again => {
                for user in each_once(&row) {
                    done.failed(Thing::Member(user, row.id.clone()), "the group is not there");
                }
            }
            None => make(ask, row, &mut done).await?,
        }
    }
    Ok(done)
}

fn each_once(row: &GroupRow) -> Vec<String> {
    let mut seen = HashSet::new();
    row.everybody().filter(|user| seen.insert(user.as_str())).cloned().collect()
}

/// Makes a group that is not there, and fills it.
async fn make(ask: &Ask, row: GroupRow, done: &mut Done) -> Result<(), CallError> {
    let group = || Thing::Group(row.id.clone(), row.owner.clone());
    let id = [row.id.as_str()];
    let mut left_out = HashSet::new();
    let mut tried = 0;
    loop {
        let new = first_call(&row, &left_out);
        let result = ask.once().create_group(&new).await;
        let exists = ask.read(|client| client.groups(&id)).await?.contains_key(&row.id);
        let error = match result {
            _ if exists => break,
            Ok(()) => {
                done.failed(group(), "the server said yes, and it is not there");
                return Ok(());
            }
            Err(error) => error,
        };
        match &error {
            CallError::Refused { code: 1202, .. } => {
                done.failed(group(), "the server has had a group of that id, and it is gone: choose another");
                return Ok(());
            }
            CallError::Refused { said, code, .. } => {
                // One user that isn't registered fails the whole call.
                let unknown = unknown_users(ask, &new).await?;
                if unknown.contains(&row.owner) {
                    done.failed(group(), "its owner is not registered");
                    return Ok(());
                }
                if unknown.is_empty() && !(error.is_passing() && tried < 2) {
                    done.failed(group(), format!("{said} ({code})"));
                    return Ok(());
                }
                left_out.extend(unknown);
            }
            _ => {
                let Some(wait) = ask.patience().wait(tried, &error) else { return Err(error) };
                tokio::time::sleep(wait).await;
            }
        }
        tried += 1;
    }
    done.made(group());
    let (unknown, members): (Vec<String>, Vec<String>) =
        each_once(&row).into_iter().partition(|user| left_out.contains(user));
    for user in unknown {
        done.failed(Thing::Member(user, row.id.clone()), "not registered");
    }
    fill_new(ask, &row.id, members, done).await
}

/// The call that makes it: as many members as go into one, the rest is invited.
fn first_call(row: &GroupRow, left_out: &HashSet<String>) -> CreateGroup {
    let take = |users: &[String], but: &[String]| -> Vec<String> {
        let mut seen: HashSet<&str> = but.iter().map(String::as_str).chain([row.owner.as_str()]).collect();
        users
            .iter()
            .filter(|user| !left_out.contains(*user) && seen.insert(user))
            .take(CREATE_WITH - but.len())
            .cloned()
            .collect()
    };
    let admins = take(&row.admins, &[]);
    let members = take(&row.members, &admins);
    let name = if row.name.trim().is_empty() { row.id.clone() } else { row.name.clone() };
    CreateGroup {
        id: row.id.clone(),
        name,
        face_url: row.face_url.clone(),
        owner: row.owner.clone(),
        admins,
        members,
    }
}

async fn unknown_users(ask: &Ask, group: &CreateGroup) -> Result<HashSet<String>, CallError> {
    let named = std::iter::once(&group.owner).chain(&group.admins).chain(&group.members);
    let users: Vec<&str> = named.map(String::as_str).collect();
    let exist = ask.read(|client| client.users_exist(&users)).await?;
    Ok(users.iter().zip(exist).filter(|(_, exists)| !exists).map(|(user, _)| (*user).to_owned()).collect())
}

/// Members of a group that was there: those in it are counted as there.
async fn fill(
    ask: &Ask,
    group: &str,
    users: Vec<String>,
    dry: bool,
    done: &mut Done,
) -> Result<(), CallError> {
    let all = users.len();
    let missing = Invite { group }.missing(ask, users).await?;
    done.counts.members.there += (all - missing.len()) as u64;
    invite(ask, group, missing, dry, done).await
}

/// Members of a group that we made: those in it came with it.
async fn fill_new(ask: &Ask, group: &str, users: Vec<String>, done: &mut Done) -> Result<(), CallError> {
    let missing = Invite { group }.missing(ask, users.clone()).await?;
    let absent: HashSet<&str> = missing.iter().map(String::as_str).collect();
    for user in users.iter().filter(|user| !absent.contains(user.as_str())) {
        done.made(Thing::Member(user.clone(), group.to_owned()));
    }
    invite(ask, group, missing, false, done).await
}

async fn invite(
    ask: &Ask,
    group: &str,
    missing: Vec<String>,
    dry: bool,
    done: &mut Done,
) -> Result<(), CallError> {
    for users in pieces(missing, INVITE) {
        let member = |user: &String| Thing::Member(user.clone(), group.to_owned());
        ensure::settle(&Invite { group }, ask, users, (dry, &mut *done), member).await?;
    }
    Ok(())
}

struct Invite<'a> {
    group: &'a str,
}

impl Many for Invite<'_> {
    type Item = String;

    async fn act(&self, client: &Client, users: &[String]) -> Result<(), CallError> {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        client.invite(self.group, &users).await
    }

    async fn missing(&self, ask: &Ask, users: Vec<String>) -> Result<Vec<String>, CallError> {
        let members: HashSet<String> =
            ask.read(|client| client.members(self.group)).await?.into_iter().collect();
        Ok(users.into_iter().filter(|user| !members.contains(user)).collect())
    }
}
