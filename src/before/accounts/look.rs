//! What the chat server has, asked before anything is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::ask::{Patience, pieces};
use super::AT_ONCE;
use crate::accounts::Taken;
use crate::openim::{Account, CallError, Chat, Defaults};

/// Accounts asked for at once.
const PAGE: u32 = 1_000;

/// Asks, with patience.
#[derive(Debug, Clone)]
pub(super) struct Looker {
    pub(super) chat: Chat,
    pub(super) patience: Patience,
}

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// By userID.
    pub(super) there: HashMap<String, Account>,
    /// What is taken, by whom.
    pub(super) taken: Taken,
    /// Friends and groups that everybody new would get.
    pub(super) defaults: Defaults,
    /// The code that it is delivered with opens everything.
    pub(super) fixed_code: bool,
}

impl Looker {
    /// Lets us in. An address where nobody listens is told at once; a call that was cut off is made again.
    pub(super) async fn log_in(&self) -> Result<(), CallError> {
        match self.chat.log_in().await {
            Err(CallError::Unanswered { .. }) => self.read(|| self.chat.log_in()).await,
            other => other,
        }
    }

    /// Everybody who is there, and what is to be known of the server.
    pub(super) async fn look(&self) -> Result<Looked, CallError> {
        let mut looked = Looked::default();
        // Accounts that others make meanwhile can move others to a page that was read: then once more.
        for _ in 0..3 {
            let (mut page, mut total) = (1, 0);
            loop {
                let (all, accounts) = self.read(|| self.chat.everybody(page, PAGE)).await?;
                total = all.max(total);
                let last = accounts.len() < PAGE as usize;
                for account in accounts {
                    looked.taken.add(
                        &account.user,
                        &account.email,
                        &account.area_code,
                        &account.phone_number,
                        &account.account,
                    );
                    looked.there.insert(account.user.clone(), account);
                }
                if last {
                    break;
                }
                page += 1;
            }
            if looked.there.len() as u64 >= total {
                break;
            }
        }
        looked.defaults = self.read(|| self.chat.defaults()).await?;
        looked.fixed_code = self.read(|| self.chat.takes_delivered_code()).await?;
        Ok(looked)
    }

    /// Those of these who are there.
    pub(super) async fn find(&self, users: &[String]) -> Result<HashMap<String, Account>, CallError> {
        let mut found = HashMap::new();
        for piece in pieces(users.iter().map(String::as_str).collect(), PAGE as usize) {
            for account in self.read(|| self.chat.find(&piece)).await? {
                found.insert(account.user.clone(), account);
            }
        }
        Ok(found)
    }

    /// A call that only reads: made again while its failure may pass.
    pub(super) async fn read<T, F>(&self, call: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        for n in 0.. {
            match call().await {
                Err(error) => match self.patience.wait(n, &error) {
                    Some(wait) => {
                        tracing::debug!(%error, ?wait, "asking the chat server again");
                        sleep(wait).await;
                    }
                    None => return Err(error),
                },
                done => return done,
            }
        }
        unreachable!("the loop ends by returning")
    }
}

/// Works through all of them, a few side by side; `done` takes results as they come. The first error ends it.
pub(super) async fn side_by_side<T, R, F>(
    items: Vec<T>,
    work: impl Fn(T) -> F + Clone + Send + 'static,
    mut done: impl FnMut(R),
) -> Result<(), CallError>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Future<Output = Result<R, CallError>> + Send + 'static,
{
    let waiting = Arc::new(Mutex::new(items.into_iter()));
    let (send, mut results) = tokio::sync::mpsc::channel(AT_ONCE);
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (waiting, send, work) = (Arc::clone(&waiting), send.clone(), work.clone());
        workers.spawn(async move {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(item) = next else { return };
                let result = work(item).await;
                let ends = result.is_err();
                if send.send(result).await.is_err() || ends {
                    return;
                }
            }
        });
    }
    drop(send);
    // Where one failed, the set is dropped, and its workers with it.
    while let Some(result) = results.recv().await {
        done(result?);
    }
    Ok(())
}
