//! What everything that is done afterwards needs: the server, with patience; the job; how fast; when to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::positions::PositionError;
use crate::job::{ConvNo, Conversation, JobError, JobReader, SharedReader};
use crate::log::{self, LogError};
use crate::message::ConversationId;
use crate::openim::{CallError, Client};

/// How to go about it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Conversations looked after at once.
    pub connections: u16,
    /// Slots of the log read in a second, at most.
    pub rate: Option<std::num::NonZeroU32>,
    /// Without an answer for so long, stop.
    pub give_up: Duration,
    /// What was deleted has to stay away for so long (law 14).
    pub stay_away: Duration,
    /// What was confirmed a short while ago may reach the store so much later (law 8).
    pub store_wait: Duration,
    /// Only these conversations.
    pub only: Option<std::collections::HashSet<ConversationId>>,
    /// Ends it early.
    pub stop: CancellationToken,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 8,
            rate: None,
            give_up: Duration::from_mins(30),
            stay_away: Duration::from_secs(5),
            store_wait: Duration::from_secs(20),
            only: None,
            stop: CancellationToken::new(),
        }
    }
}

/// Why it can't go on.
#[derive(Debug, thiserror::Error)]
pub enum AfterError {
    /// The job can't be read or written.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A call without which nothing goes on is refused for good.
    #[error(transparent)]
    Call(CallError),
    /// The server gave no answer for too long; its last words.
    #[error("the server gave no answer for {} s ({last}); the same command goes on", after.as_secs())]
    GaveUp {
        /// How long.
        after: Duration,
        /// What went wrong last.
        last: String,
    },
    /// Somebody stopped it.
    #[error("stopped; the same command goes on")]
    Stopped,
    /// A file of read positions can't be used.
    #[error(transparent)]
    Positions(#[from] PositionError),
    /// A file can't be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<LogError> for AfterError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Job(error) => Self::Job(error),
            LogError::Call(error) => Self::Call(error),
            LogError::GaveUp { after, last } => Self::GaveUp { after, last },
            LogError::Stopped => Self::Stopped,
        }
    }
}

/// A server, with patience, and how to go about it.
#[derive(Debug)]
pub(super) struct Server {
    asked: log::Server,
    pub(super) settings: Settings,
}

impl Server {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        let asked = log::Server::new(client, settings.give_up, settings.stop.clone(), settings.rate);
        Self { asked, settings }
    }
}

impl std::ops::Deref for Server {
    type Target = log::Server;

    fn deref(&self) -> &log::Server {
        &self.asked
    }
}

/// What is at work.
pub(super) type Tasks = JoinSet<Result<(), AfterError>>;

/// Starts tasks that do `work` for every conversation, for as many at once as there are connections. Dropped, they end;
/// [`all`] waits for them.
pub(super) fn each<F>(
    reader: &JobReader,
    settings: &Settings,
    work: impl Fn(Arc<SharedReader>, Conversation) -> F + Clone + Send + 'static,
) -> Result<Tasks, JobError>
where
    F: Future<Output = Result<(), AfterError>> + Send + 'static,
{
    let round = Arc::new((Round::new(reader.reopen()?), settings.clone()));
    let mut tasks = JoinSet::new();
    // Each reads with a connection of its own: no more of them than there is work for.
    let at_once = reader.conversations(None, settings.connections.into())?.len();
    for _ in 0..at_once {
        let (round, desk) = (Arc::clone(&round), Arc::new(SharedReader::new(reader.reopen()?)));
        let work = work.clone();
        tasks.spawn(async move {
            while let Some(next) = round.0.next(&round.1).await? {
                work(Arc::clone(&desk), next).await?;
            }
            Ok(())
        });
    }
    Ok(tasks)
}

/// The same, where something is looked for in each; what is found comes out as it is found.
pub(super) fn look_in_each<T, F>(
    client: Client,
    reader: &JobReader,
    settings: &Settings,
    look: impl Fn(Arc<Server>, Arc<SharedReader>, Conversation) -> F + Clone + Send + 'static,
) -> Result<(Tasks, mpsc::Receiver<T>), JobError>
where
    T: Send + 'static,
    F: Future<Output = Result<Option<T>, AfterError>> + Send + 'static,
{
    let (send, found) = mpsc::channel(64);
    let server = Arc::new(Server::new(client, settings.clone()));
    let tasks = each(reader, settings, move |desk, next| {
        let (send, looked) = (send.clone(), look(Arc::clone(&server), desk, next));
        async move {
            match looked.await? {
                // Nobody listens any more: it was stopped.
                Some(found) => send.send(found).await.map_err(|_| AfterError::Stopped),
                None => Ok(()),
            }
        }
    })?;
    Ok((tasks, found))
}

/// Waits for all tasks; the first error.
pub(super) async fn all(mut tasks: Tasks) -> Result<(), AfterError> {
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        first = first.and(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
    }
    first
}

/// All conversations that are to be looked after, one after the other.
#[derive(Debug)]
pub(super) struct Round(AsyncMutex<Pager>);

#[derive(Debug)]
struct Pager {
    reader: JobReader,
    page: std::vec::IntoIter<Conversation>,
    after: Option<ConvNo>,
}

impl Round {
    pub(super) fn new(reader: JobReader) -> Self {
        Self(AsyncMutex::new(Pager { reader, page: Vec::new().into_iter(), after: None }))
    }

    /// The next; `None` behind the last.
    pub(super) async fn next(&self, settings: &Settings) -> Result<Option<Conversation>, JobError> {
        const PAGE: usize = 256;
        let mut pager = self.0.lock().await;
        loop {
            let wanted = |conversation: &Conversation| {
                settings.only.as_ref().is_none_or(|only| only.contains(&conversation.id()))
            };
            if let Some(conversation) = pager.page.by_ref().find(wanted) {
                return Ok(Some(conversation));
            }
            let page = pager.reader.conversations(pager.after, PAGE)?;
            let Some(last) = page.last() else { return Ok(None) };
            pager.after = Some(last.no);
            pager.page = page.into_iter();
        }
    }
}
