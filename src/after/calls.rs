//! The calls that are made afterwards, each until it is answered.

use super::visit::{AfterError, Patience, Server};
use crate::message::{SendTime, Seq};
use crate::openim::{CallError, Found, Pulled, Range, Seqs, StoreQuery};

/// Makes a call again and again until it is answered, or refused for good.
macro_rules! patiently {
    ($server:expr, $call:expr) => {{
        let mut patience = Patience::new();
        loop {
            match $call.await {
                Ok(answer) => break Ok(answer),
                Err(error) => patience.after($server, error).await?,
            }
        }
    }};
}

impl Server {
    /// Where conversations stand, as that user sees them.
    pub(super) async fn seqs(&self, user: &str, names: &[&str]) -> Result<Vec<Seqs>, AfterError> {
        patiently!(self, self.client.seqs(user, names))
    }

    /// What that user sees in these slots; `None`: he may not look.
    pub(super) async fn pull(&self, user: &str, range: &Range<'_>) -> Result<Option<Pulled>, AfterError> {
        refused(self.pull_or_be_refused(user, range).await)
    }

    async fn pull_or_be_refused(&self, user: &str, range: &Range<'_>) -> Result<Pulled, AfterError> {
        patiently!(self, self.client.pull(user, std::slice::from_ref(range)))
    }

    /// Everybody in a group; nobody, where there is none.
    pub(super) async fn members(&self, group: &str) -> Result<Vec<String>, AfterError> {
        refused(self.members_or_be_refused(group).await).map(Option::unwrap_or_default)
    }

    async fn members_or_be_refused(&self, group: &str) -> Result<Vec<String>, AfterError> {
        patiently!(self, self.client.members(group))
    }

    /// Deletes slots, for everybody.
    pub(super) async fn delete(&self, name: &str, seqs: &[Seq]) -> Result<(), AfterError> {
        patiently!(self, self.client.delete(name, seqs))
    }

    /// Moves a read position; `false`: it was refused.
    pub(super) async fn set_has_read(&self, user: &str, name: &str, seq: Seq) -> Result<bool, AfterError> {
        refused(self.set_or_be_refused(user, name, seq).await).map(|done| done.is_some())
    }

    async fn set_or_be_refused(&self, user: &str, name: &str, seq: Seq) -> Result<(), AfterError> {
        patiently!(self, self.client.set_has_read(user, name, seq))
    }

    /// Looks for messages in the store.
    pub(super) async fn search(
        &self,
        query: &StoreQuery,
        page: i32,
        at_once: i32,
    ) -> Result<(Vec<Found>, i64), AfterError> {
        patiently!(self, self.client.search(query, page, at_once))
    }

    /// How many messages the store has with `from <= sendTime < to`.
    pub(super) async fn stored_between(&self, from: SendTime, to: SendTime) -> Result<i64, AfterError> {
        patiently!(self, self.client.stored_between(from, to))
    }
}

/// What one user is refused, another may get.
fn refused<T>(answer: Result<T, AfterError>) -> Result<Option<T>, AfterError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(AfterError::Call(CallError::Refused { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
