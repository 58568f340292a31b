//! Former members, who had to be in a group for what they wrote there.

use std::collections::HashSet;

use crate::openim::{CallError, Client, GroupStatus};

use super::super::ask::Ask;
use super::ensure::Many;
use super::relations::relate;
use super::{Done, FormerRow, Thing};

/// Sees to it that these are in their groups no more.
pub(super) async fn ensure(ask: &Ask, rows: Vec<FormerRow>, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let ids: Vec<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    let there = ask.read(|client| client.groups(&ids)).await?;
    for FormerRow { group, users } in rows {
        let mut seen = HashSet::new();
        let mut users: Vec<String> = users.into_iter().filter(|user| seen.insert(user.clone())).collect();
        let former = |user: &String| Thing::Former(user.clone(), group.clone());
        let Some(found) = there.get(&group).filter(|found| found.status != GroupStatus::Dismissed) else {
            // Nobody is in it.
            done.counts.former_members.there += users.len() as u64;
            continue;
        };
        let owner = &found.owner;
        if seen.contains(owner) {
            users.retain(|user| user != owner);
            done.failed(
                former(owner),
                "the group is his: make it somebody else's first, in an app or by its API",
            );
        }
        relate(&Leave { group: &group }, ask, users, dry, &mut done, former).await?;
    }
    Ok(done)
}

struct Leave<'a> {
    group: &'a str,
}

impl Many for Leave<'_> {
    type Item = String;

    async fn act(&self, client: &Client, users: &[String]) -> Result<(), CallError> {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        client.kick(self.group, &users).await
    }

    async fn missing(&self, ask: &Ask, users: Vec<String>) -> Result<Vec<String>, CallError> {
        let members: HashSet<String> =
            ask.read(|client| client.members(self.group)).await?.into_iter().collect();
        Ok(users.into_iter().filter(|user| members.contains(user)).collect())
    }
}
