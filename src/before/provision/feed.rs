//! Where the rows come from: the files first, which know names and owners, then what the messages add.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::job::{ConvNo, JobReader, Peers, UserKey};

use super::{
    BlackRow, Files, FriendRow, GroupRow, Provision, ProvisionError, RowError, Rows, UserRow, groups, users,
};

/// Gives one piece of work after the other.
pub(super) type Feed<'a, T> = Box<dyn FnMut() -> Result<Option<T>, ProvisionError> + 'a>;

/// Reads every file to its end; an id that must stand there once and stands twice is an error.
pub(super) fn check(files: &Files) -> Result<(), RowError> {
    each::<UserRow>(files.users.as_deref(), Some(|row| &row.id))?;
    each::<GroupRow>(files.groups.as_deref(), Some(|row| &row.id))?;
    each::<FriendRow>(files.friends.as_deref(), None)?;
    each::<BlackRow>(files.blacks.as_deref(), None)
}

fn each<T: DeserializeOwned>(path: Option<&Path>, id: Option<fn(&T) -> &str>) -> Result<(), RowError> {
    let Some(path) = path else { return Ok(()) };
    let mut rows = Rows::<T>::open(path)?;
    // By hash: a million ids take 16 MB.
    let mut lines: HashMap<UserKey, u32> = HashMap::new();
    while let Some((line, row)) = rows.row()? {
        let Some(id) = id.map(|id| id(&row)) else { continue };
        let here = u32::try_from(line).unwrap_or(u32::MAX);
        if let Some(before) = lines.insert(UserKey::of(id), here) {
            let why = format!("`{id}` stands in line {before} already");
            return Err(RowError::Row { path: path.to_owned(), line, why });
        }
    }
    Ok(())
}

/// Users of the users file, then those the groups file names, then those of the messages: the first who
/// names a user names him.
pub(super) fn users<'a>(what: &Provision<'a>) -> Result<Vec<Feed<'a, Vec<UserRow>>>, ProvisionError> {
    let mut feeds: Vec<Feed<'a, Vec<UserRow>>> = Vec::new();
    if let Some(path) = &what.files.users {
        let mut rows = Rows::<UserRow>::open(path)?;
        feeds.push(Box::new(move || batch(&mut rows, users::AT_ONCE)));
    }
    if let Some(path) = &what.files.groups {
        let mut rows = Rows::<GroupRow>::open(path)?;
        let mut waiting: Vec<UserRow> = Vec::new();
        // Side by side, two calls must not register the same user.
        let mut seen: HashSet<UserKey> = HashSet::new();
        feeds.push(Box::new(move || {
            while waiting.len() < users::AT_ONCE {
                let Some((_, row)) = rows.row()? else { break };
                let named = std::iter::once(row.owner).chain(row.admins).chain(row.members);
                let new = named.filter(|id| seen.insert(UserKey::of(id)));
                waiting.extend(new.map(UserRow::bare));
            }
            let rest = waiting.split_off(waiting.len().min(users::AT_ONCE));
            let batch = std::mem::replace(&mut waiting, rest);
            Ok((!batch.is_empty()).then_some(batch))
        }));
    }
    if let Some(job) = what.job {
        let mut after = None;
        feeds.push(Box::new(move || {
            let page = job.users(after, users::AT_ONCE)?;
            after = page.last().map(|user| user.key).or(after);
            let rows: Vec<UserRow> = page
                .into_iter()
                .map(|user| UserRow { id: user.id.0, nickname: user.nickname, face_url: user.face_url })
                .collect();
            Ok((!rows.is_empty()).then_some(rows))
        }));
    }
    Ok(feeds)
}

/// Groups of the groups file, then those of the messages, whose senders have to be members.
pub(super) fn groups<'a>(what: &Provision<'a>) -> Result<Vec<Feed<'a, Vec<GroupRow>>>, ProvisionError> {
    let mut feeds: Vec<Feed<'a, Vec<GroupRow>>> = Vec::new();
    if let Some(path) = &what.files.groups {
        let mut rows = Rows::<GroupRow>::open(path)?;
        feeds.push(Box::new(move || batch(&mut rows, groups::AT_ONCE)));
    }
    if let Some(job) = what.job {
        let mut after = None;
        feeds.push(Box::new(move || groups_of(job, &mut after)));
    }
    Ok(feeds)
}

/// The next groups of the job. Nothing in a message says whose a group is: the first sender gets it.
fn groups_of(job: &JobReader, after: &mut Option<ConvNo>) -> Result<Option<Vec<GroupRow>>, ProvisionError> {
    loop {
        let page = job.conversations(*after, groups::AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some(last.no);
        let mut rows = Vec::new();
        for conversation in &page {
            let Peers::Group(group) = &conversation.peers else { continue };
            let mut senders = job.senders(conversation.no)?.into_iter().map(|user| user.0);
            if let Some(owner) = senders.next() {
                rows.push(GroupRow {
                    id: group.0.clone(),
                    owner,
                    name: String::new(),
                    face_url: String::new(),
                    admins: Vec::new(),
                    members: senders.collect(),
                });
            }
        }
        if !rows.is_empty() {
            return Ok(Some(rows));
        }
    }
}

/// Rows that are merged before they are worked on side by side.
const WINDOW: usize = 2_000;

/// Friends by owner. A friendship that stands there twice, also from its other side, is taken once: two
/// calls side by side would leave two messages.
pub(super) fn friends(path: &Path) -> Result<Feed<'static, Vec<FriendRow>>, ProvisionError> {
    let mut rows = Rows::<FriendRow>::open(path)?;
    Ok(Box::new(move || {
        let Some(window) = batch(&mut rows, WINDOW)? else { return Ok(None) };
        let mut seen = HashSet::new();
        let mut by_owner: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for FriendRow { owner, friends } in window {
            for friend in friends {
                let pair = if owner <= friend { [&owner, &friend] } else { [&friend, &owner] };
                if seen.insert(pair.map(String::clone)) {
                    by_owner.entry(owner.clone()).or_default().push(friend);
                }
            }
        }
        Ok(Some(by_owner.into_iter().map(|(owner, friends)| FriendRow { owner, friends }).collect()))
    }))
}

/// Block lists by owner.
pub(super) fn blacks(path: &Path) -> Result<Feed<'static, Vec<BlackRow>>, ProvisionError> {
    let mut rows = Rows::<BlackRow>::open(path)?;
    Ok(Box::new(move || {
        let Some(window) = batch(&mut rows, WINDOW)? else { return Ok(None) };
        let mut by_owner: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for BlackRow { owner, blacks } in window {
            by_owner.entry(owner).or_default().extend(blacks);
        }
        Ok(Some(by_owner.into_iter().map(|(owner, blacks)| BlackRow { owner, blacks }).collect()))
    }))
}

fn batch<T: DeserializeOwned>(rows: &mut Rows<T>, size: usize) -> Result<Option<Vec<T>>, ProvisionError> {
    let mut batch = Vec::new();
    while batch.len() < size {
        let Some((_, row)) = rows.row()? else { break };
        batch.push(row);
    }
    Ok((!batch.is_empty()).then_some(batch))
}
