//! The archive of a conversation in which people have written already: a group with the same members, whose name says
//! what it is.

use std::collections::{BTreeSet, HashMap};

use crate::job::{JobError, JobReader, Peers};
use crate::message::SendTime;
use crate::openim::{CallError, Client};

use super::ask::{Ask, Patience, pieces};
use super::facts::Occupied;
use super::gather::PreflightError;

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `Anna and Otto, until November 2026`
    pub name: String,
    /// The owner of the conversation's group; of a private chat the first of the two.
    pub owner: String,
    /// Of a private chat the two; of a group all who are in it, and all who write in its history.
    pub members: Vec<String>,
}

/// Looked up in one call.
const AT_ONCE: usize = 100;

/// The archives of these conversations, in the same order.
pub async fn groups(
    client: &Client,
    job: &JobReader,
    occupied: &[Occupied],
) -> Result<Vec<Group>, PreflightError> {
    let ask = Ask::new(client, Patience::default());
    let mut all = Vec::new();
    for some in pieces(occupied.to_vec(), AT_ONCE) {
        let names = user_names(&ask, job, &some).await?;
        let ids: Vec<&str> = some
            .iter()
            .filter_map(|one| match &one.peers {
                Peers::Group(group) => Some(group.as_str()),
                Peers::Single(..) => None,
            })
            .collect();
        let known =
            if ids.is_empty() { HashMap::new() } else { ask.read(|client| client.groups(&ids)).await? };
        for one in &some {
            all.push(match &one.peers {
                Peers::Single(a, b) => {
                    let of = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
                    let whose = if a == b { of(&a.0) } else { format!("{} and {}", of(&a.0), of(&b.0)) };
                    Group {
                        name: named(&whose, one.until),
                        owner: a.0.clone(),
                        members: vec![a.0.clone(), b.0.clone()],
                    }
                }
                Peers::Group(group) => {
                    let id = group.as_str();
                    let mut members: BTreeSet<String> =
                        ask.read(|client| client.members(id)).await?.into_iter().collect();
                    if let Some(conversation) = job.find(&one.conversation)? {
                        members.extend(job.senders(conversation.no)?.into_iter().map(|user| user.0));
                    }
                    let there = known.get(id);
                    let owner = there.map(|group| group.owner.clone()).filter(|owner| !owner.is_empty());
                    let name = there.map(|group| group.name.clone()).filter(|name| !name.is_empty());
                    let name = name.unwrap_or_else(|| id.to_owned());
                    let owner = owner.or_else(|| members.first().cloned()).unwrap_or_default();
                    Group { name: named(&name, one.until), owner, members: members.into_iter().collect() }
                }
            });
        }
    }
    Ok(all)
}

/// What the server calls the users of private chats, or else what the export does.
async fn user_names(
    ask: &Ask,
    job: &JobReader,
    some: &[Occupied],
) -> Result<HashMap<String, String>, PreflightError> {
    let users: BTreeSet<&str> = some
        .iter()
        .flat_map(|one| match &one.peers {
            Peers::Single(a, b) => vec![a.as_str(), b.as_str()],
            Peers::Group(_) => Vec::new(),
        })
        .collect();
    let users: Vec<&str> = users.into_iter().collect();
    let mut names = HashMap::new();
    if users.is_empty() {
        return Ok(names);
    }
    for user in &users {
        names.extend(told(job, user)?.map(|name| ((*user).to_owned(), name)));
    }
    let known = ask.read(|client| client.users_info(&users)).await.or_else(nobody)?;
    names.extend(
        known.into_iter().filter(|user| !user.nickname.is_empty()).map(|user| (user.id, user.nickname)),
    );
    Ok(names)
}

/// One who is not registered can fail the call: then the export's names have to do.
fn nobody<T>(error: CallError) -> Result<Vec<T>, CallError> {
    if matches!(error, CallError::Refused { .. }) { Ok(Vec::new()) } else { Err(error) }
}

fn told(job: &JobReader, user: &str) -> Result<Option<String>, JobError> {
    let known = job.called(false, user)?;
    Ok(known.into_iter().map(|person| person.nickname).find(|name| !name.is_empty()))
}

/// The server's groups take names of any length; apps show the beginning.
fn named(whose: &str, until: SendTime) -> String {
    let month = jiff::Timestamp::from_millisecond(until.0)
        .map_or_else(|_| "then".to_owned(), |time| time.strftime("%B %Y").to_string());
    format!("{whose}, until {month}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_whose_and_until_when() {
        assert_eq!(named("Anna and Otto", SendTime(1_796_000_000_000)), "Anna and Otto, until November 2026");
    }
}
