//! Asking much: calls that are repeated while the reason passes, counted, several at once, in order.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::message::SendTime;
use crate::openim::{CallError, Client};

/// A client with patience. Cheap to clone; clones share the count.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    client: Client,
    calls: Arc<AtomicU64>,
    patience: Patience,
    began: Instant,
}

/// How much is done at once, and for how long a server in trouble is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Calls under way at once.
    pub at_once: usize,
    /// How often a call is made again whose failure may pass. Waits double from a quarter of a second, to
    /// eight at most.
    pub again: u32,
}

impl Default for Patience {
    /// Eight at once: beyond that the real servers only answer later (contract, section 6). Eight times
    /// again: 40 seconds, enough for a restart of the API.
    fn default() -> Self {
        Self { at_once: 8, again: 8 }
    }
}

impl Patience {
    /// The wait before the n-th repetition, from 0; `None`: it is over.
    pub(super) fn wait(self, n: u32, error: &CallError) -> Option<Duration> {
        if n >= self.again || !error.is_passing() {
            return None;
        }
        let asked = match error {
            CallError::RateLimited(after) => after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        Some((Duration::from_millis(250) * 2u32.saturating_pow(n.min(5))).max(asked))
    }
}

impl Ask {
    pub(super) fn new(client: &Client, patience: Patience) -> Self {
        Self { client: client.clone(), calls: Arc::default(), patience, began: Instant::now() }
    }

    /// Calls made so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// Waits until what an earlier process may have been deleting a moment ago is stored: read before that, it would be hidden
    /// for a day, and then come back (laws 3 and 14).
    pub(super) async fn at_rest(&self) {
        const AT_REST: Duration = Duration::from_secs(5);
        tokio::time::sleep_until(self.began + AT_REST).await;
    }

    /// As whom we ask.
    pub(super) fn admin_user(&self) -> &str {
        self.client.admin_user()
    }

    /// Whether a token that the server takes no more is renewed.
    pub(super) fn renews_tokens(&self) -> bool {
        self.client.renews_tokens()
    }

    /// When a token that we can't renew expires.
    pub(super) fn token_expires(&self) -> Option<SendTime> {
        self.client.token_expires()
    }

    /// The client, for a call that is made once; counted.
    pub(super) fn once(&self) -> &Client {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.client
    }

    /// A call that only reads: made again while its failure may pass.
    pub(super) async fn read<'a, T, F>(&'a self, call: impl Fn(&'a Client) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        for n in 0.. {
            match call(self.once()).await {
                Err(error) => match self.patience.wait(n, &error) {
                    Some(wait) => {
                        tracing::debug!(%error, ?wait, "asking again");
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(error),
                },
                done => return done,
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Works through what `next` gives, `at_once` side by side; `done` takes the results in the same order.
    pub(super) async fn all<T, R, E, F>(
        &self,
        mut next: impl FnMut() -> Result<Option<T>, E>,
        work: impl Fn(Self, T) -> F,
        mut done: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), E>
    where
        R: Send + 'static,
        E: Send + 'static,
        F: Future<Output = Result<R, E>> + Send + 'static,
    {
        let mut under_way: VecDeque<Task<Result<R, E>>> = VecDeque::new();
        let mut more = true;
        loop {
            while more && under_way.len() < self.patience.at_once.max(1) {
                match next()? {
                    Some(item) => under_way.push_back(Task(tokio::spawn(work(self.clone(), item)))),
                    None => more = false,
                }
            }
            let Some(first) = under_way.front_mut() else { return Ok(()) };
            let result = match (&mut first.0).await {
                Ok(result) => result,
                Err(broken) => std::panic::resume_unwind(broken.into_panic()),
            };
            under_way.pop_front();
            done(result?)?;
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `into_iter` in pieces of `size`.
pub(super) fn pieces<T>(items: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || {
        let piece: Vec<T> = items.by_ref().take(size).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn ask() -> Ask {
        let login =
            crate::openim::Login::Token { token: SecretString::from("t"), admin_user: "imAdmin".into() };
        let settings = crate::openim::Settings::new("http://127.0.0.1:1", login);
        Ask::new(&Client::new(&settings).unwrap(), Patience { at_once: 3, again: 0 })
    }

    #[tokio::test(start_paused = true)]
    async fn results_come_in_order_and_no_more_than_asked_are_under_way() {
        let running = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let mut items = (0..20u64).collect::<VecDeque<_>>();
        let mut seen = Vec::new();
        ask()
            .all(
                || Ok::<_, ()>(items.pop_front()),
                |_, n| {
                    let running = Arc::clone(&running);
                    async move {
                        let now = running.0.fetch_add(1, Ordering::SeqCst) + 1;
                        running.1.fetch_max(now, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(50 - n)).await;
                        running.0.fetch_sub(1, Ordering::SeqCst);
                        Ok(n)
                    }
                },
                |n| {
                    seen.push(n);
                    Ok(())
                },
            )
            .await
            .unwrap();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        assert_eq!(running.1.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn only_what_may_pass_is_waited_for() {
        let patience = Patience { at_once: 1, again: 3 };
        let down = CallError::Unreachable("refused".into());
        let waits: Vec<_> = (0..4).map(|n| patience.wait(n, &down).map(|w| w.as_millis())).collect();
        assert_eq!(waits, [Some(250), Some(500), Some(1000), None]);
        let busy = CallError::RateLimited(Some(Duration::from_secs(5)));
        assert_eq!(patience.wait(0, &busy), Some(Duration::from_secs(5)));
        assert_eq!(patience.wait(0, &CallError::NoSuchCall("/x")), None);
    }

    #[test]
    fn pieces_hold_everything() {
        let all: Vec<Vec<u32>> = pieces((0..7).collect(), 3).collect();
        assert_eq!(all, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(pieces(Vec::<u32>::new(), 3).count(), 0);
    }
}
