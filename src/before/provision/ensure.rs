//! Doing something to many at once until it is seen to be done.
//!
//! The server's answers to such calls prove nothing: 3.8.3 refuses an invitation that it has carried out
//! (`maxSeq is invalid`), one user that exists fails the whole call for a thousand (1102), and an answer can
//! be lost. So what counts is what is there afterwards; what is not is tried again, in halves where the
//! server refuses, until the one item is found that it refuses alone.

use std::future::Future;
use std::time::Duration;

use crate::openim::{CallError, Client};

use super::super::ask::Ask;
use super::{Done, Thing};

/// Something that can be done to many items in one call and looked up afterwards.
pub(super) trait Many: Sync {
    /// What it is done to.
    type Item: Send + Sync;

    /// The call.
    fn act(
        &self,
        client: &Client,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Which of these are not done.
    fn missing(
        &self,
        ask: &Ask,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Self::Item>, CallError>> + Send;
}

/// What could not be done, and why; what isn't among these is there.
pub(super) type Refused<T> = Vec<(T, String)>;

/// A lookup may come from a cache that is behind: on 3.8.3 somebody once unknown stays so for 5 s.
const CACHES: Duration = Duration::from_secs(6);
/// How often a refusal with the server's own trouble (500, database) is tried again as it is.
const TROUBLES: u32 = 2;

/// Does it to all of `items`, none of which is done yet, unless it is a dry run, and writes down what became of each.
pub(super) async fn settle<M: Many>(
    many: &M,
    ask: &Ask,
    items: Vec<M::Item>,
    (dry, done): (bool, &mut Done),
    thing: impl Fn(&M::Item) -> Thing,
) -> Result<(), CallError>
where
    M::Item: Clone + PartialEq,
{
    let refused = if dry { Vec::new() } else { ensure(many, ask, items.clone()).await? };
    for item in items.iter().filter(|item| refused.iter().all(|(refused, _)| refused != *item)) {
        done.made(thing(item));
    }
    for (item, why) in &refused {
        done.failed(thing(item), why.clone());
    }
    Ok(())
}

/// Does it to all of `items`, none of which is done yet. `Err`: the server can't be reached or doesn't let
/// us in; how far it came is on the server.
async fn ensure<M: Many>(many: &M, ask: &Ask, items: Vec<M::Item>) -> Result<Refused<M::Item>, CallError> {
    let mut refused = Vec::new();
    // Pieces to be done, and how often each was tried.
    let mut open = vec![(items, 0)];
    while let Some((items, tried)) = open.pop() {
        if items.is_empty() {
            continue;
        }
        let all = items.len();
        let result = many.act(ask.once(), &items).await;
        let mut left = many.missing(ask, items).await?;
        let error = match result {
            _ if left.is_empty() => continue,
            Ok(()) => {
                left = wait_for_caches(many, ask, left).await?;
                refused.extend(left.into_iter().map(|item| (item, NOT_SEEN.to_owned())));
                continue;
            }
            Err(error) => error,
        };
        match &error {
            CallError::Unreachable(_) | CallError::Unanswered { .. } | CallError::RateLimited(_) => {
                let Some(wait) = ask.patience().wait(tried, &error) else { return Err(error) };
                tokio::time::sleep(wait).await;
                open.push((left, tried + 1));
            }
            // Others did some of it meanwhile, or the call was carried out in part.
            CallError::Refused { .. } if left.len() < all => open.push((left, 0)),
            CallError::Refused { .. } if error.is_passing() && tried < TROUBLES => {
                tokio::time::sleep(Duration::from_millis(250)).await;
                open.push((left, tried + 1));
            }
            CallError::Refused { said, code, .. } if all == 1 => {
                refused.extend(left.into_iter().map(|item| (item, format!("{said} ({code})"))));
            }
            CallError::Refused { .. } => {
                let second = left.split_off(left.len() / 2);
                open.extend([(second, 0), (left, 0)]);
            }
            CallError::WrongAddress(_)
            | CallError::NoSuchCall(_)
            | CallError::NotOpenIm(_)
            | CallError::Unreadable { .. }
            | CallError::Login(_) => return Err(error),
        }
    }
    Ok(refused)
}

const NOT_SEEN: &str = "the server said yes, and it is not there";

async fn wait_for_caches<M: Many>(
    many: &M,
    ask: &Ask,
    mut left: Vec<M::Item>,
) -> Result<Vec<M::Item>, CallError> {
    let mut waited = Duration::ZERO;
    let mut wait = Duration::from_millis(50);
    while !left.is_empty() && waited < CACHES {
        tokio::time::sleep(wait).await;
        waited += wait;
        wait *= 2;
        left = many.missing(ask, left).await?;
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
