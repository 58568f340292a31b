//! One page of conversations: their groups, members, mutes, names, block lists, and how long they are.

use std::collections::{HashMap, HashSet};

use crate::job::{ConvNo, Peers};
use crate::openim::{CallError, Group, GroupStatus};

use super::super::ask::Ask;
use super::super::facts::People;
use super::super::provision::block_list;
use super::{now_ms, soften};

/// A conversation as far as it is looked at.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) no: ConvNo,
    pub(super) id: String,
    pub(super) peers: Peers,
    /// Who sends in it.
    pub(super) senders: Vec<String>,
    /// Its members are looked at for mutes.
    pub(super) mutes: bool,
}

/// What there is to ask.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) talks: Vec<Talk>,
    /// Receivers whose block lists are asked for.
    pub(super) receivers: Vec<String>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) people: People,
    /// `maxSeq` of each conversation, in order.
    pub(super) max_seqs: Vec<(ConvNo, String, i64)>,
    /// Block lists that are not empty.
    pub(super) block_lists: HashMap<String, HashSet<String>>,
    /// `receiver, sender` of single conversations, to be compared with the lists.
    pub(super) pairs: Vec<(String, String)>,
    pub(super) unanswered: Vec<(&'static str, String)>,
}

pub(super) async fn look(ask: &Ask, page: Page) -> Result<Seen, CallError> {
    let mut seen = Seen::default();
    let names = queue_keys(&page);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let groups = ask.read(|client| client.groups(&names)).await?;
    let ids: Vec<&str> = page.talks.iter().map(|talk| talk.id.as_str()).collect();
    let seqs = ask.read(|client| client.seqs(client.admin_user(), &ids)).await?;
    names_that_collide(ask, &page, &groups, &mut seen).await?;
    for receiver in page.receivers {
        match soften(block_list(ask, &receiver).await)? {
            Ok(blocked) if blocked.is_empty() => {}
            Ok(blocked) => drop(seen.block_lists.insert(receiver, blocked)),
            Err(why) => seen.unanswered.push(("whom receivers have blocked", why)),
        }
    }
    for (talk, seqs) in page.talks.into_iter().zip(seqs) {
        match &talk.peers {
            Peers::Single(a, b) => {
                let pairs = talk.senders.iter().filter(|_| a != b).map(|sender| {
                    let receiver = if *sender == a.0 { b } else { a };
                    (receiver.0.clone(), sender.clone())
                });
                seen.pairs.extend(pairs);
            }
            Peers::Group(group) => match groups.get(group.as_str()) {
                None => seen.people.missing_groups.look(Some(group.0.clone())),
                Some(found) => {
                    seen.people.missing_groups.look(None);
                    group_and_members(ask, &talk, found, &mut seen).await?;
                }
            },
        }
        seen.max_seqs.push((talk.no, talk.id, seqs.max_seq));
    }
    Ok(seen)
}

/// What the queue files the conversations under (law 11): the group's id, or `<a>_<b>`.
fn queue_keys(page: &Page) -> HashSet<String> {
    page.talks
        .iter()
        .map(|talk| match &talk.peers {
            Peers::Single(a, b) => format!("{a}_{b}"),
            Peers::Group(group) => group.0.clone(),
        })
        .collect()
}

async fn group_and_members(ask: &Ask, talk: &Talk, group: &Group, seen: &mut Seen) -> Result<(), CallError> {
    let people = &mut seen.people;
    people.dismissed.look((group.status == GroupStatus::Dismissed).then(|| group.id.clone()));
    people.muted_groups.look((group.status == GroupStatus::Muted).then(|| group.id.clone()));
    if group.status == GroupStatus::Dismissed {
        return Ok(());
    }
    let members: HashSet<String> = match soften(ask.read(|client| client.members(&group.id)).await)? {
        Ok(members) => members.into_iter().collect(),
        Err(why) => {
            seen.unanswered.push(("who is in the groups", why));
            return Ok(());
        }
    };
    for sender in &talk.senders {
        let missing = !members.contains(sender);
        people.not_members.look(missing.then(|| format!("{sender} in {}", group.id)));
    }
    if talk.mutes {
        match soften(muted(ask, &group.id).await)? {
            Ok(muted) => {
                for sender in &talk.senders {
                    let is = muted.contains(sender);
                    people.muted_members.look(is.then(|| format!("{sender} in {}", group.id)));
                }
            }
            Err(why) => seen.unanswered.push(("who is muted in the groups", why)),
        }
    }
    Ok(())
}

/// Members read in one call.
const MEMBERS: i32 = 500;

/// Members who may not write now.
async fn muted(ask: &Ask, group: &str) -> Result<HashSet<String>, CallError> {
    let now = now_ms();
    let mut muted = HashSet::new();
    for page in 1.. {
        let (members, total) = ask.read(|client| client.members_page(group, page, MEMBERS)).await?;
        let last = members.is_empty() || i64::from(page) * i64::from(MEMBERS) >= total;
        muted.extend(members.into_iter().filter(|m| m.mute_end_time > now).map(|m| m.user));
        if last {
            break;
        }
    }
    Ok(muted)
}

/// Law 11, both ways round: a group that is called like a pair of ours, and users who together are called
/// like a conversation of ours.
async fn names_that_collide(
    ask: &Ask,
    page: &Page,
    groups: &HashMap<String, Group>,
    seen: &mut Seen,
) -> Result<(), CallError> {
    let mut others: Vec<(String, String, &str)> = Vec::new();
    for talk in &page.talks {
        let (name, own) = match &talk.peers {
            Peers::Single(a, b) => {
                let name = format!("{a}_{b}");
                let group = groups.contains_key(&name).then(|| format!("group {name} and users {a}, {b}"));
                seen.people.collisions.look(group);
                (name, Some(a.0.clone()))
            }
            Peers::Group(group) => (group.0.clone(), None),
        };
        for (a, b) in splits(&name).filter(|(a, _)| own.as_deref() != Some(*a)) {
            others.push((a.to_owned(), b.to_owned(), &talk.id));
        }
    }
    let users: HashSet<&str> = others.iter().flat_map(|(a, b, _)| [a.as_str(), b.as_str()]).collect();
    let users: Vec<&str> = users.into_iter().collect();
    let mut there = HashSet::new();
    for users in users.chunks(1_000) {
        let exist = ask.read(|client| client.users_exist(users)).await?;
        there.extend(users.iter().zip(exist).filter(|(_, exists)| *exists).map(|(user, _)| *user));
    }
    for (a, b, talk) in &others {
        let both = there.contains(a.as_str()) && there.contains(b.as_str());
        seen.people.possible_collisions.look(both.then(|| format!("users {a}, {b} and {talk}")));
    }
    Ok(())
}

/// Every way to see a pair in a name; sorted, as the server does. A name full of `_` is not worth hundreds.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.match_indices('_')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .filter(|(a, b)| !a.is_empty() && a <= b)
        .take(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_every_underscore() {
        let all = |name: &'static str| splits(name).collect::<Vec<_>>();
        assert_eq!(all("x_y_z"), [("x", "y_z"), ("x_y", "z")]);
        assert!(all("plain").is_empty());
        // `b_a` is no name of the pair: sorted, theirs is `a_b`.
        assert!(all("b_a").is_empty());
        assert_eq!(all("_x_"), []);
        assert!(splits(&"_a".repeat(500)).count() <= 20);
    }
}
