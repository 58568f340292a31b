//! Makes what the history needs and the server lacks: users, groups, members; friends, block lists, mutes, pins and
//! bells.
//!
//! Nothing is kept about what was done: the server is asked before and after every step. So it can be
//! killed anywhere and run again, and what is there stays as it is. No step leaves a notice in a history but
//! friendship and muting, whose messages of today can't be switched off: these come after the history, and so do
//! block lists and bells, because of which the server would refuse what was written.

mod ensure;
mod feed;
mod groups;
mod later;
mod leave;
mod mutes;
mod relations;
mod rows;
mod settings;
mod users;

use std::fmt;
use std::path::PathBuf;

use crate::job::{JobError, JobReader};
use crate::openim::{CallError, Client};

use super::ask::{Ask, Patience};

pub use later::{MuteRow, SettingRow};
pub(super) use relations::block_list;
pub use rows::{BlackRow, FormerRow, FriendRow, GroupRow, OccupiedRow, RowError, Rows, UserRow};

/// What is to be there.
#[derive(Debug, Clone, Copy)]
pub struct Provision<'a> {
    /// Users and groups of its messages, if there is a job.
    pub job: Option<&'a JobReader>,
    /// Users, groups, friends and block lists that the export doesn't have.
    pub files: &'a Files,
    /// Which part of it; `None`: nothing is made.
    pub stage: Option<Stage>,
    /// Take former members out of their groups, after the history: [`FormerRow`], and who wrote in a group that
    /// [`Files::groups`] names others in.
    pub leave_former: bool,
    /// Who has written in a group has to be in it: as long as something is to be sent. Afterwards that would fetch former
    /// members back.
    pub senders_are_members: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// How much at once.
    pub patience: Patience,
}

/// Files of [`Rows`].
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// [`UserRow`]
    pub users: Option<PathBuf>,
    /// [`GroupRow`]
    pub groups: Option<PathBuf>,
    /// [`FriendRow`]
    pub friends: Option<PathBuf>,
    /// [`BlackRow`]
    pub blacks: Option<PathBuf>,
    /// [`FormerRow`]
    pub former: Option<PathBuf>,
    /// [`MuteRow`]
    pub mutes: Option<PathBuf>,
    /// [`SettingRow`]
    pub settings: Option<PathBuf>,
    /// [`OccupiedRow`]: what becomes of conversations in which people have written already; its archives are groups. Named
    /// by `[occupied]`, not here.
    #[serde(skip)]
    pub occupied: Option<PathBuf>,
}

impl Files {
    /// Whether something is to come after the history.
    pub fn has_later(&self) -> bool {
        [&self.friends, &self.blacks, &self.mutes, &self.settings].iter().any(|file| file.is_some())
    }
}

/// What comes before the history and what after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Stage {
    /// Users, groups and members: without them messages are refused.
    #[default]
    Before,
    /// Friends and mutes, each of whom leaves a message of today; block lists, mutes and bells, which refuse messages;
    /// pins.
    After,
    /// Both, at once: for servers that take messages between friends only.
    All,
}

/// How much of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// Was there already.
    pub there: u64,
    /// Was made, and seen afterwards; in a dry run: would be made.
    pub made: u64,
    /// Could not be made.
    pub failed: u64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Provisioned {
    /// Users.
    pub users: Count,
    /// Groups.
    pub groups: Count,
    /// Members of groups, those of new groups included.
    pub members: Count,
    /// Friendships.
    pub friends: Count,
    /// Entries of block lists.
    pub blacks: Count,
    /// Former members, who are in their groups no more; those made were taken out.
    pub former_members: Count,
    /// Groups and members that may not write.
    pub mutes: Count,
    /// Conversations that are pinned, or of which somebody is told otherwise than usual.
    pub settings: Count,
    /// Accounts in the chat server.
    pub accounts: Count,
    /// Calls made.
    pub calls: u64,
}

impl Provisioned {
    /// How many things could not be made.
    pub fn failed(&self) -> u64 {
        self.counts().iter().map(|n| n.failed).sum()
    }

    /// How many were made.
    pub fn made(&self) -> u64 {
        self.counts().iter().map(|n| n.made).sum()
    }

    fn counts(&self) -> [Count; 9] {
        let Self { users, groups, members, friends, blacks, former_members, .. } = *self;
        let Self { mutes, settings, accounts, .. } = *self;
        [users, groups, members, friends, blacks, former_members, mutes, settings, accounts]
    }

    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.users, other.users),
            (&mut self.groups, other.groups),
            (&mut self.members, other.members),
            (&mut self.friends, other.friends),
            (&mut self.blacks, other.blacks),
            (&mut self.former_members, other.former_members),
            (&mut self.mutes, other.mutes),
            (&mut self.settings, other.settings),
            (&mut self.accounts, other.accounts),
        ];
        for (mine, theirs) in pairs {
            mine.there += theirs.there;
            mine.made += theirs.made;
            mine.failed += theirs.failed;
        }
    }
}

/// One thing that was made, would be made, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub thing: Thing,
    /// Why it could not be made, if it couldn't.
    pub failed: Option<String>,
}

/// Something that is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A user.
    User(String),
    /// A group, with that owner.
    Group(String, String),
    /// A member of a group: user, group.
    Member(String, String),
    /// Two friends.
    Friend(String, String),
    /// Somebody on somebody's block list: who blocks, who is blocked.
    Black(String, String),
    /// Somebody who is in a group no more: user, group.
    Former(String, String),
    /// Somebody who may not write in a group, or all of it: group, user.
    Mute(String, Option<String>),
    /// A conversation that is set otherwise than usual: whose, which, how.
    Setting(String, String, String),
    /// An account in the chat server: whose, and what he logs in with.
    Account(String, String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.thing {
            Thing::User(id) => write!(f, "user {id}")?,
            Thing::Group(id, owner) => write!(f, "group {id}, owner {owner}")?,
            Thing::Member(user, group) => write!(f, "member {user} of group {group}")?,
            Thing::Former(user, group) => write!(f, "former member {user} of group {group}")?,
            Thing::Friend(a, b) => write!(f, "friends {a} and {b}")?,
            Thing::Mute(group, None) => write!(f, "group {group} muted")?,
            Thing::Mute(group, Some(user)) => write!(f, "{user} muted in group {group}")?,
            Thing::Setting(user, conversation, how) => write!(f, "{conversation} of {user}: {how}")?,
            Thing::Account(user, with) => write!(f, "account of {user}: {with}")?,
            Thing::Black(owner, black) => write!(f, "{black} on the block list of {owner}")?,
        }
        self.failed.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
    }
}

/// Why it could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The server.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// One of the files.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// Makes what is missing; `seen` gets every step in order, and what failed.
pub async fn provision(
    client: &Client,
    what: &Provision<'_>,
    seen: &mut dyn FnMut(&Step),
) -> Result<Provisioned, ProvisionError> {
    // All of every file before the first call: line 90,000 is no place to find a misspelt column.
    feed::check(what.files)?;
    let ask = Ask::new(client, what.patience);
    let mut all = Provisioned::default();
    let mut take = |done: Done| {
        all.add(&done.counts);
        done.steps.iter().for_each(&mut *seen);
        Ok(())
    };
    let dry = what.dry_run;
    if matches!(what.stage, Some(Stage::Before | Stage::All)) {
        let work = |ask: Ask, rows| async move { Ok(users::ensure(&ask, rows, dry).await?) };
        ask.all(feed::users(what)?, work, &mut take).await?;
        let work = |ask: Ask, wanted| async move { Ok(groups::ensure(&ask, wanted, dry).await?) };
        let mut groups = feed::Groups::new(what)?;
        ask.all(|| groups.of_file(), work, &mut take).await?;
        if what.senders_are_members {
            ask.all(|| groups.of_job(), work, &mut take).await?;
        }
    }
    if what.leave_former {
        let work = |ask: Ask, rows| async move { Ok(leave::ensure(&ask, rows, dry).await?) };
        let mut former = feed::Former::new(what)?;
        ask.all(|| former.next(), work, &mut take).await?;
    }
    if matches!(what.stage, Some(Stage::After | Stage::All)) {
        let files = what.files;
        if let Some(path) = &files.friends {
            let work = |ask: Ask, row| async move { Ok(relations::friends(&ask, row, dry).await?) };
            in_windows(&ask, feed::friends(path)?, work, &mut take).await?;
        }
        // After friends: their notice can be what makes a conversation that is pinned.
        if let Some(path) = &files.settings {
            let work = |ask: Ask, rows| async move { Ok(settings::ensure(&ask, rows, dry).await?) };
            in_windows(&ask, feed::settings(path)?, work, &mut take).await?;
        }
        if let Some(path) = &files.blacks {
            let work = |ask: Ask, row| async move { Ok(relations::blacks(&ask, row, dry).await?) };
            in_windows(&ask, feed::blacks(path)?, work, &mut take).await?;
        }
        if let Some(path) = &files.mutes {
            let work = |ask: Ask, rows| async move { Ok(mutes::ensure(&ask, rows, dry).await?) };
            in_windows(&ask, feed::mutes(path)?, work, &mut take).await?;
        }
    }
    all.calls = ask.calls();
    Ok(all)
}

/// Works on rows that are merged, window after window.
async fn in_windows<T: Send + 'static, F>(
    ask: &Ask,
    mut windows: feed::Feed<'_, Vec<T>>,
    work: impl Fn(Ask, T) -> F,
    take: &mut impl FnMut(Done) -> Result<(), ProvisionError>,
) -> Result<(), ProvisionError>
where
    F: Future<Output = Result<Done, ProvisionError>> + Send + 'static,
{
    while let Some(window) = windows()? {
        let mut rows = window.into_iter();
        ask.all(|| Ok(rows.next()), &work, &mut *take).await?;
    }
    Ok(())
}

/// Makes those of these users who are missing.
pub(super) async fn provision_users(
    client: &Client,
    patience: Patience,
    rows: Vec<UserRow>,
    dry_run: bool,
    seen: &mut dyn FnMut(&Step),
) -> Result<Provisioned, ProvisionError> {
    let ask = Ask::new(client, patience);
    let mut all = Provisioned::default();
    let mut waiting = super::ask::pieces(rows, users::AT_ONCE);
    let work = |ask: Ask, rows| async move { Ok(users::ensure(&ask, rows, dry_run).await?) };
    let mut take = |done: Done| {
        all.add(&done.counts);
        done.steps.iter().for_each(&mut *seen);
        Ok::<_, ProvisionError>(())
    };
    ask.all(|| Ok::<_, ProvisionError>(waiting.next()), work, &mut take).await?;
    all.calls = ask.calls();
    Ok(all)
}

/// What one piece of work came to.
#[derive(Debug, Default)]
struct Done {
    counts: Provisioned,
    steps: Vec<Step>,
}

impl Done {
    fn made(&mut self, thing: Thing) {
        self.count(&thing).made += 1;
        self.steps.push(Step { thing, failed: None });
    }

    fn failed(&mut self, thing: Thing, why: impl Into<String>) {
        self.count(&thing).failed += 1;
        self.steps.push(Step { thing, failed: Some(why.into()) });
    }

    fn count(&mut self, thing: &Thing) -> &mut Count {
        match thing {
            Thing::User(_) => &mut self.counts.users,
            Thing::Group(..) => &mut self.counts.groups,
            Thing::Member(..) => &mut self.counts.members,
            Thing::Friend(..) => &mut self.counts.friends,
            Thing::Black(..) => &mut self.counts.blacks,
            Thing::Former(..) => &mut self.counts.former_members,
            Thing::Mute(..) => &mut self.counts.mutes,
            Thing::Setting(..) => &mut self.counts.settings,
            Thing::Account(..) => &mut self.counts.accounts,
        }
    }
}
