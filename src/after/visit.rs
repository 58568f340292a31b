//! What everything that is done afterwards needs: the server, with patience; the job; how fast; when to stop.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use super::positions::PositionError;
use crate::import::Rate;
use crate::job::{ConvNo, Conversation, JobError, JobReader};
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

/// A server, with patience: what passes is waited for, each call by itself.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) settings: Settings,
    rate: Option<Rate>,
}

impl Server {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        let rate = settings.rate.map(Rate::new);
        Self { client, settings, rate }
    }

    /// Waits, unless it is stopped.
    pub(super) async fn sleep(&self, time: Duration) -> Result<(), AfterError> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.settings.stop.cancelled() => Err(AfterError::Stopped),
        }
    }

    /// Waits for its turn to read so many slots.
    pub(super) async fn turns(&self, slots: u64) -> Result<(), AfterError> {
        if self.settings.stop.is_cancelled() {
            return Err(AfterError::Stopped);
        }
        let Some(rate) = &self.rate else { return Ok(()) };
        for _ in 0..slots {
            if let Err(wait) = rate.take() {
                self.sleep(wait).await?;
            }
        }
        Ok(())
    }
}

/// Waits for what passes, longer and longer.
///
/// Each call is made in a loop of its own: `Err(error) => patience.after(server, error).await?`.
#[derive(Debug)]
pub(super) struct Patience {
    started: Instant,
    wait: Duration,
}

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Patience {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), wait: FIRST_WAIT }
    }

    /// Returns when the call is worth another try; gives back what is refused for good.
    pub(super) async fn after(&mut self, server: &Server, error: CallError) -> Result<(), AfterError> {
        if !error.is_passing() {
            return Err(AfterError::Call(error));
        }
        if self.started.elapsed() >= server.settings.give_up {
            return Err(AfterError::GaveUp { after: self.started.elapsed(), last: error.to_string() });
        }
        tracing::info!(%error, "asked again in {} ms", self.wait.as_millis());
        let asked_for = match error {
            CallError::RateLimited(after) => after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        server.sleep(self.wait.max(asked_for)).await?;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

/// The job, as one task reads it; held only while something is looked up.
#[derive(Debug)]
pub(super) struct Desk(Mutex<JobReader>);

impl Desk {
    pub(super) fn new(reader: JobReader) -> Self {
        Self(Mutex::new(reader))
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&JobReader) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
