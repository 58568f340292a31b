//! The calls that read and mend a log, each made until it is answered: one [patience](crate::openim::Patience) for all
//! of them.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::job::JobError;
use crate::message::{SendTime, Seq};
use crate::openim::{
    CallError, Client, Found, NoMore, Patience, Pulled, Range, Rate, Seqs, Setting, StoreQuery,
};

/// Why a log can't be read or mended.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The job can't be read.
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
}

/// A server, with patience: what passes is waited for, each call by itself.
#[derive(Debug)]
pub struct Server {
    /// Who makes the calls.
    pub client: Client,
    give_up: Duration,
    stop: CancellationToken,
    rate: Option<Rate>,
}

/// Makes a call again and again until it is answered, or refused for good.
macro_rules! patiently {
    ($server:expr, $call:expr) => {{
        let mut patience = Patience::new($server.give_up);
        loop {
            match $call.await {
                Ok(answer) => break Ok(answer),
                Err(error) => $server.wait_after(&mut patience, error).await?,
            }
        }
    }};
}

impl Server {
    /// Calls are made for so long before they are given up, or until it is stopped; at most so many slots a second
    /// are read.
    pub fn new(client: Client, give_up: Duration, stop: CancellationToken, rate: Option<NonZeroU32>) -> Self {
        Self { client, give_up, stop, rate: rate.map(Rate::new) }
    }

    /// Returns when a call that failed is worth another try.
    async fn wait_after(&self, patience: &mut Patience, error: CallError) -> Result<(), LogError> {
        match patience.after(&error) {
            Ok(wait) => {
                tracing::info!(%error, "asked again in {} ms", wait.as_millis());
                self.sleep(wait).await
            }
            Err(NoMore::Refused) => Err(LogError::Call(error)),
            Err(NoMore::GaveUp(after)) => Err(LogError::GaveUp { after, last: error.to_string() }),
        }
    }

    /// Waits, unless it is stopped.
    pub async fn sleep(&self, time: Duration) -> Result<(), LogError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(LogError::Stopped),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }

    /// Waits for its turn to read so many slots.
    pub async fn turns(&self, slots: u64) -> Result<(), LogError> {
        if self.stop.is_cancelled() {
            return Err(LogError::Stopped);
        }
        let Some(rate) = &self.rate else { return Ok(()) };
        for _ in 0..slots {
            if let Err(wait) = rate.take() {
                self.sleep(wait).await?;
            }
        }
        Ok(())
    }

    /// Where conversations stand, as that user sees them.
    pub async fn seqs(&self, user: &str, names: &[&str]) -> Result<Vec<Seqs>, LogError> {
        patiently!(self, self.client.seqs(user, names))
    }

    /// What that user sees in these slots; `None`: he may not look.
    pub async fn pull(&self, user: &str, range: &Range<'_>) -> Result<Option<Pulled>, LogError> {
        refused(self.pull_or_be_refused(user, range).await)
    }

    async fn pull_or_be_refused(&self, user: &str, range: &Range<'_>) -> Result<Pulled, LogError> {
        patiently!(self, self.client.pull(user, std::slice::from_ref(range)))
    }

    /// Everybody in a group; nobody, where there is none.
    pub async fn members(&self, group: &str) -> Result<Vec<String>, LogError> {
        refused(self.members_or_be_refused(group).await).map(Option::unwrap_or_default)
    }

    async fn members_or_be_refused(&self, group: &str) -> Result<Vec<String>, LogError> {
        patiently!(self, self.client.members(group))
    }

    /// Whether that user has the conversation in his list; `None`: that is not told.
    pub async fn lists(&self, user: &str, name: &str) -> Result<Option<bool>, LogError> {
        let known = refused(self.settings_or_be_refused(user, name).await)?;
        Ok(known.map(|known| !known.is_empty()))
    }

    async fn settings_or_be_refused(&self, user: &str, name: &str) -> Result<Vec<Setting>, LogError> {
        patiently!(self, self.client.settings(user, &[name]))
    }

    /// Puts a conversation into that user's list; `false`: it was refused.
    pub async fn list(&self, user: &str, entry: &Setting) -> Result<bool, LogError> {
        refused(self.list_or_be_refused(user, entry).await).map(|done| done.is_some())
    }

    async fn list_or_be_refused(&self, user: &str, entry: &Setting) -> Result<(), LogError> {
        patiently!(self, self.client.set(user, entry))
    }

    /// Deletes slots, for everybody.
    pub async fn delete(&self, name: &str, seqs: &[Seq]) -> Result<(), LogError> {
        patiently!(self, self.client.delete(name, seqs))
    }

    /// Cuts a conversation off for everybody; `false`: that user may not.
    pub async fn cut(&self, user: &str, name: &str) -> Result<bool, LogError> {
        refused(self.cut_or_be_refused(user, name).await).map(|done| done.is_some())
    }

    async fn cut_or_be_refused(&self, user: &str, name: &str) -> Result<(), LogError> {
        patiently!(self, self.client.cut(user, name))
    }

    /// Moves a read position; `false`: it was refused.
    pub async fn set_has_read(&self, user: &str, name: &str, seq: Seq) -> Result<bool, LogError> {
        refused(self.set_or_be_refused(user, name, seq).await).map(|done| done.is_some())
    }

    async fn set_or_be_refused(&self, user: &str, name: &str, seq: Seq) -> Result<(), LogError> {
        patiently!(self, self.client.set_has_read(user, name, seq))
    }

    /// Looks for messages in the store.
    pub async fn search(
        &self,
        query: &StoreQuery,
        page: i32,
        at_once: i32,
    ) -> Result<(Vec<Found>, i64), LogError> {
        patiently!(self, self.client.search(query, page, at_once))
    }

    /// How many messages the store has with `from <= sendTime < to`.
    pub async fn stored_between(&self, from: SendTime, to: SendTime) -> Result<i64, LogError> {
        patiently!(self, self.client.stored_between(from, to))
    }
}

/// What one user is refused, another may get.
fn refused<T>(answer: Result<T, LogError>) -> Result<Option<T>, LogError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(LogError::Call(CallError::Refused { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
