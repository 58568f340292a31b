//! Where the rows come from: the files first, which know names and owners, then what the messages add.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::job::{ConvKey, ConvNo, JobError, JobReader, Peers, Shard, User, UserKey};

use super::{
    BlackRow, Files, FormerRow, FriendRow, GroupRow, MuteRow, OccupiedRow, Provision, ProvisionError,
    RowError, Rows, SettingRow, UserRow, groups, mutes::Muted, users,
};

/// Gives one piece of work after the other.
pub(super) type Feed<'a, T> = Box<dyn FnMut() -> Result<Option<T>, ProvisionError> + 'a>;

/// Reads every file to its end; an id that must stand there once and stands twice is an error.
pub(super) fn check(files: &Files) -> Result<(), RowError> {
    each::<UserRow>(files.users.as_deref(), Some(|row| &row.id))?;
    each::<GroupRow>(files.groups.as_deref(), Some(|row| &row.id))?;
    each::<OccupiedRow>(files.occupied.as_deref(), Some(|row| &row.conversation))?;
    each::<FriendRow>(files.friends.as_deref(), None)?;
    each::<FormerRow>(files.former.as_deref(), None)?;
    each::<BlackRow>(files.blacks.as_deref(), None)?;
    each::<MuteRow>(files.mutes.as_deref(), None)?;
    each::<SettingRow>(files.settings.as_deref(), None)
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
/// names a user names him, and he comes once. What is kept for that is a hash a user.
pub(super) fn users<'a>(what: &Provision<'a>) -> Result<Feed<'a, Vec<UserRow>>, ProvisionError> {
    let mut listed = what.files.users.as_deref().map(Rows::<UserRow>::open).transpose()?;
    let mut groups = ListedGroups::open(what)?;
    let (job, mut after) = (what.job, None);
    let mut seen: HashSet<UserKey> = HashSet::new();
    let mut waiting: Vec<UserRow> = Vec::new();
    Ok(Box::new(move || {
        while waiting.len() < users::AT_ONCE {
            let mut found = Vec::new();
            if let Some((_, row)) = next(&mut listed)? {
                found.push(row);
            } else if let Some(row) = groups.next()? {
                for id in row.everybody() {
                    let bare = UserRow::bare(id.clone());
                    found.push(job.map_or(Ok(bare.clone()), |job| told(job, bare))?);
                }
            } else if let Some(job) = job {
                let page = job.users(after, users::AT_ONCE)?;
                let Some(last) = page.last() else { break };
                after = Some(last.key);
                for user in page {
                    found.push(named(job, user)?);
                }
            } else {
                break;
            }
            waiting.extend(found.into_iter().filter(|row| seen.insert(UserKey::of(&row.id))));
        }
        let rest = waiting.split_off(waiting.len().min(users::AT_ONCE));
        let batch = std::mem::replace(&mut waiting, rest);
        Ok((!batch.is_empty()).then_some(batch))
    }))
}

/// A user as the messages have him; what they don't tell the export may: his name, or else what it calls him.
fn named(job: &JobReader, user: User) -> Result<UserRow, JobError> {
    let User { id, nickname, face_url, .. } = user;
    told(job, UserRow { id: id.0, nickname, face_url })
}

/// What a row does not say the export may.
fn told(job: &JobReader, mut row: UserRow) -> Result<UserRow, JobError> {
    if !row.nickname.is_empty() && !row.face_url.is_empty() {
        return Ok(row);
    }
    let known = job.called(false, &row.id)?;
    if row.nickname.is_empty()
        && let Some(person) = known.iter().find(|person| !person.nickname.is_empty()).or(known.first())
    {
        let name = if person.nickname.is_empty() { &person.source_id } else { &person.nickname };
        row.nickname.clone_from(name);
    }
    if row.face_url.is_empty()
        && let Some(person) = known.iter().find(|person| !person.face_url.is_empty())
    {
        row.face_url.clone_from(&person.face_url);
    }
    Ok(row)
}

/// Groups that files name: archives first, then those of the groups file.
struct ListedGroups {
    occupied: Option<Rows<OccupiedRow>>,
    groups: Option<Rows<GroupRow>>,
    /// Which of them are of this job.
    shard: Shard,
}

impl ListedGroups {
    fn open(what: &Provision<'_>) -> Result<Self, ProvisionError> {
        let files = what.files;
        Ok(Self {
            shard: what.job.map_or(Ok(Shard::WHOLE), JobReader::shard)?,
            occupied: files.occupied.as_deref().map(Rows::open).transpose()?,
            groups: files.groups.as_deref().map(Rows::open).transpose()?,
        })
    }

    fn next(&mut self) -> Result<Option<GroupRow>, RowError> {
        while let Some((_, row)) = next(&mut self.occupied)? {
            if let Some(group) = row.archive().filter(|group| self.shard.has(ConvKey::group(&group.id))) {
                return Ok(Some(group));
            }
        }
        while let Some((_, row)) = next(&mut self.groups)? {
            if self.shard.has(ConvKey::group(&row.id)) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

/// A group that is to be there.
#[derive(Debug)]
pub(super) struct Wanted {
    /// With whom in it.
    pub(super) row: GroupRow,
    /// It was wanted before: here are others who have to be in it.
    pub(super) again: bool,
}

/// Groups of the groups file, and then, when these are made, those of the messages, whose senders have to be
/// members. What is kept of the file is a hash for each of its groups and members.
pub(super) struct Groups<'a> {
    listed: ListedGroups,
    job: Option<&'a JobReader>,
    after: Option<ConvNo>,
    seen: Seen,
}

impl<'a> Groups<'a> {
    pub(super) fn new(what: &Provision<'a>) -> Result<Self, ProvisionError> {
        let listed = ListedGroups::open(what)?;
        Ok(Self { listed, job: what.job, after: None, seen: Seen::default() })
    }

    /// The next ones of the file.
    pub(super) fn of_file(&mut self) -> Result<Option<Vec<Wanted>>, ProvisionError> {
        let mut batch = Vec::new();
        while batch.len() < groups::AT_ONCE {
            let Some(mut row) = self.listed.next()? else { break };
            self.seen.insert(&row);
            if let Some(job) = self.job.filter(|_| row.name.is_empty()) {
                let known = job.called(true, &row.id)?;
                if let Some(group) = known.into_iter().find(|group| !group.nickname.is_empty()) {
                    row.name = group.nickname;
                    row.face_url = if row.face_url.is_empty() { group.face_url } else { row.face_url };
                }
            }
            batch.push(Wanted { row, again: false });
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// The next ones of the job; after those of the file.
    pub(super) fn of_job(&mut self) -> Result<Option<Vec<Wanted>>, ProvisionError> {
        let Some(job) = self.job else { return Ok(None) };
        of_groups(job, &mut self.after, |group, senders| {
            let Some(mut wanted) = self.seen.what_is_new(group, senders) else { return Ok(None) };
            let known = job.called(true, group)?;
            if let Some(group) = known.into_iter().find(|group| !group.nickname.is_empty()) {
                (wanted.row.name, wanted.row.face_url) = (group.nickname, group.face_url);
            }
            Ok(Some(wanted))
        })
    }
}

/// The next page of the job's groups of which `each`, told who wrote there, makes something.
fn of_groups<T>(
    job: &JobReader,
    after: &mut Option<ConvNo>,
    mut each: impl FnMut(&str, std::vec::IntoIter<String>) -> Result<Option<T>, ProvisionError>,
) -> Result<Option<Vec<T>>, ProvisionError> {
    loop {
        let page = job.conversations(*after, groups::AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some(last.no);
        let mut batch = Vec::new();
        for conversation in &page {
            let Peers::Group(group) = &conversation.peers else { continue };
            let senders: Vec<String> = job.senders(conversation.no)?.into_iter().map(|user| user.0).collect();
            batch.extend(each(group.as_str(), senders.into_iter())?);
        }
        if !batch.is_empty() {
            return Ok(Some(batch));
        }
    }
}

/// Who is to leave, group by group: whom the file of former members names, then who wrote in a group and is not among
/// those whom the groups file names in it. A file that names nobody but the owner says nothing of that.
pub(super) struct Former<'a> {
    listed: Option<Rows<FormerRow>>,
    job: Option<&'a JobReader>,
    after: Option<ConvNo>,
    seen: Seen,
}

impl<'a> Former<'a> {
    pub(super) fn new(what: &Provision<'a>) -> Result<Self, ProvisionError> {
        let mut seen = Seen::default();
        let mut groups = ListedGroups::open(what)?;
        while let Some(row) = groups.next()? {
            if row.everybody().any(|user| *user != row.owner) {
                seen.insert(&row);
            }
        }
        let listed = what.files.former.as_deref().map(Rows::open).transpose()?;
        Ok(Self { listed, job: what.job, after: None, seen })
    }

    /// The next ones.
    pub(super) fn next(&mut self) -> Result<Option<Vec<FormerRow>>, ProvisionError> {
        if let Some(rows) = &mut self.listed {
            if let Some(batch) = batch(rows, groups::AT_ONCE)? {
                return Ok(Some(batch));
            }
            self.listed = None;
        }
        let Some(job) = self.job else { return Ok(None) };
        of_groups(job, &mut self.after, |group, senders| {
            let former = self.seen.what_is_new(group, senders).filter(|wanted| wanted.again);
            Ok(former.map(|Wanted { row, .. }| FormerRow {
                users: row.everybody().cloned().collect(),
                group: row.id,
            }))
        })
    }
}

/// Groups and members that the file has named.
#[derive(Default)]
struct Seen {
    groups: HashSet<UserKey>,
    members: HashSet<UserKey>,
}

impl Seen {
    fn insert(&mut self, row: &GroupRow) {
        self.groups.insert(UserKey::of(&row.id));
        self.members.extend(row.everybody().map(|user| member_key(&row.id, user)));
    }

    /// Nothing in a message says whose a group is: the first sender gets it.
    fn what_is_new(&self, group: &str, senders: impl Iterator<Item = String>) -> Option<Wanted> {
        let again = self.groups.contains(&UserKey::of(group));
        let mut senders = senders.filter(|user| !again || !self.members.contains(&member_key(group, user)));
        let row = GroupRow {
            id: group.to_owned(),
            owner: senders.next()?,
            name: String::new(),
            face_url: String::new(),
            admins: Vec::new(),
            members: senders.collect(),
        };
        Some(Wanted { row, again })
    }
}

/// No id holds a line break.
fn member_key(group: &str, user: &str) -> UserKey {
    UserKey::of(&format!("{group}\n{user}"))
}

fn next<T: DeserializeOwned>(rows: &mut Option<Rows<T>>) -> Result<Option<(u64, T)>, RowError> {
    rows.as_mut().map_or(Ok(None), Rows::row)
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

/// Mutes by group.
pub(super) fn mutes(path: &Path) -> Result<Feed<'static, Vec<Muted>>, ProvisionError> {
    let mut rows = Rows::<MuteRow>::open(path)?;
    Ok(Box::new(move || {
        let Some(window) = batch(&mut rows, WINDOW)? else { return Ok(None) };
        let mut by_group: BTreeMap<String, Muted> = BTreeMap::new();
        for MuteRow { group, user, until } in window {
            let muted = by_group.entry(group.clone()).or_insert_with(|| Muted { group, ..Muted::default() });
            if user.is_empty() {
                muted.whole = true;
            } else if muted.members.iter().all(|(known, _)| *known != user) {
                muted.members.push((user, until));
            }
        }
        Ok(Some(by_group.into_values().collect()))
    }))
}

/// Pins and bells by user.
pub(super) fn settings(path: &Path) -> Result<Feed<'static, Vec<Vec<SettingRow>>>, ProvisionError> {
    let mut rows = Rows::<SettingRow>::open(path)?;
    Ok(Box::new(move || {
        let Some(window) = batch(&mut rows, WINDOW)? else { return Ok(None) };
        let mut by_user: BTreeMap<String, Vec<SettingRow>> = BTreeMap::new();
        for row in window {
            by_user.entry(row.user.clone()).or_default().push(row);
        }
        Ok(Some(by_user.into_values().collect()))
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
