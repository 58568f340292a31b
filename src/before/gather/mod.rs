//! Looks at the server and brings back facts.
//!
//! Calls, for U users, C conversations of which G are groups, and at most 20,000 receivers whose block lists
//! and 2,000 groups whose mutes are looked at: U/1,000 + U/500 + C/100 × 2 + C/500 + G + 20,000 + 2,000, eight
//! at once; `--thorough` lifts the two limits. What is kept in memory: 8 bytes a conversation, 8 bytes a
//! receiver, the block lists that are not empty, and a page of a hundred conversations with their senders.

mod conversations;
mod server;
mod talks;
mod there;
mod users;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::finding::Finding;
use crate::job::{JobError, JobReader};
use crate::message::{ConversationId, Release};
use crate::openim::{CallError, Client};

use super::ask::{Ask, Patience};
use super::assess::assess;
use super::facts::{Facts, History};

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct Looks<'a> {
    /// What is to be imported; without it only the server is looked at.
    pub job: Option<&'a JobReader>,
    /// How closely.
    pub depth: Depth,
    /// The release the user named.
    pub release: Option<Release>,
    /// Messages a second, as limited by the user.
    pub rate: Option<u32>,
    /// How long the target conversations are watched for live traffic, at least.
    pub watch: Duration,
    /// How much at once.
    pub patience: Patience,
    /// The conversations that are to be sent; what stands in others is no matter now.
    pub only: Option<HashSet<ConversationId>>,
    /// Where the progress goes.
    pub looked: Arc<Looked>,
}

impl<'a> Looks<'a> {
    /// The usual preflight of a job.
    pub fn new(job: Option<&'a JobReader>) -> Self {
        Self {
            job,
            depth: Depth::Usual,
            release: None,
            rate: None,
            watch: Duration::from_secs(3),
            patience: Patience::default(),
            only: None,
            looked: Arc::default(),
        }
    }
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// At the server alone: a dozen calls. For a run that is resumed.
    Server,
    /// At everything, but for block lists beyond 20,000 receivers, mutes beyond 2,000 groups, and what stands
    /// in more than 2,000 conversations.
    Usual,
    /// At everything.
    Thorough,
}

impl Depth {
    /// Block lists looked at.
    pub(super) const fn block_lists(self) -> u64 {
        match self {
            Self::Thorough => u64::MAX,
            Self::Usual | Self::Server => 20_000,
        }
    }

    /// Conversations that hold messages and are looked into.
    pub(super) const fn held(self) -> u64 {
        self.mutes()
    }

    /// Groups whose members are looked at for mutes.
    pub(super) const fn mutes(self) -> u64 {
        match self {
            Self::Thorough => u64::MAX,
            Self::Usual | Self::Server => 2_000,
        }
    }
}

/// How far the looking is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Looked {
    /// Users and conversations looked at; a conversation counts twice.
    pub done: AtomicU64,
    /// Of so many.
    pub total: AtomicU64,
}

impl Looked {
    fn add(&self, n: usize) {
        self.done.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// What was seen, and what it amounts to.
#[derive(Debug, Clone)]
pub struct Preflight {
    /// What was seen.
    pub facts: Facts,
    /// What it amounts to.
    pub findings: Vec<Finding>,
    /// Calls it took.
    pub calls: u64,
}

/// Why there is no preflight.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// The server can't be reached or doesn't let us in.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The job can't be read.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// Looks at the server, changes nothing there, and says what was found.
pub async fn preflight(client: &Client, looks: &Looks<'_>) -> Result<Preflight, PreflightError> {
    let ask = Ask::new(client, looks.patience);
    let mut facts = Facts::default();
    server::look(&ask, looks, &mut facts).await?;
    if let Some(job) = looks.job
        && looks.depth != Depth::Server
        && facts.server.is_openim
        && facts.server.is_admin
    {
        let totals = job.totals()?;
        looks.looked.total.store(totals.users + 2 * totals.conversations, Ordering::Relaxed);
        let release = facts.server.release_said.or(facts.server.release_seen).unwrap_or_default();
        let left = totals.messages.saturating_sub(job.standing()?.passed);
        let mut history = History {
            messages: left,
            bytes: totals.bytes / totals.messages.max(1) * left,
            singles: 0,
            pace: looks.rate.map_or(super::forecast::usual_pace(release), f64::from),
        };
        let first = conversations::look(&ask, looks, job, &mut facts, &mut history).await?;
        users::look(&ask, looks, job, &mut facts).await?;
        conversations::what_is_there(&ask, looks, job, &first, &mut facts).await?;
        conversations::retention(job, &first, &mut facts).await?;
        conversations::look_again(&ask, looks, job, first, &mut facts).await?;
        facts.history = Some(history);
    }
    let findings = assess(&facts);
    Ok(Preflight { facts, findings, calls: ask.calls() })
}

/// An answer, or the words for why there is none. `Err`: going on makes no sense.
fn soften<T>(answer: Result<T, CallError>) -> Result<Result<T, String>, CallError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error @ (CallError::Login(_) | CallError::Unreachable(_))) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_the_preflight_and_what_becomes_a_finding() {
        let refused = CallError::Refused { path: "/x", code: 500, said: "no".into() };
        assert!(matches!(soften::<()>(Err(refused)), Ok(Err(why)) if why.contains("no (500)")));
        assert!(soften::<()>(Err(CallError::Unreachable("down".into()))).is_err());
        assert!(matches!(soften(Ok(1)), Ok(Ok(1))));
    }
}
