//! How fast a run sends, and whether at all: what can be changed while it is under way.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::openim::Rate;

/// Held by whoever turns it and by the run that goes by it.
#[derive(Debug, Clone, Default)]
pub struct Dial(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    position: Mutex<Position>,
    turned: Notify,
}

/// Where a dial stands.
#[derive(Debug, Default)]
struct Position {
    rate: Option<NonZeroU32>,
    /// Turns at that rate.
    limiter: Option<Arc<Rate>>,
    /// Why nothing is sent.
    paused: Option<String>,
    /// Another number of calls than the run began with.
    connections: Option<u16>,
    /// Another bound on the lag than the run began with.
    max_lag: Option<MaxLag>,
}

/// So much lag; `None`: any.
#[derive(Debug, Clone, Copy)]
struct MaxLag(Option<Duration>);

impl Dial {
    /// One that stands at a rate; `None`: at none.
    pub fn at(rate: Option<NonZeroU32>) -> Self {
        let dial = Self::default();
        dial.set_rate(rate);
        dial
    }

    /// At most so many messages a second from now on; `None`: no bound. The same again changes nothing.
    pub fn set_rate(&self, rate: Option<NonZeroU32>) {
        let mut position = self.position();
        if position.rate != rate {
            position.rate = rate;
            position.limiter = rate.map(Rate::new).map(Arc::new);
            drop(position);
            self.0.turned.notify_waiters();
        }
    }

    /// Messages a second, at most; `None`: no bound.
    pub fn rate(&self) -> Option<NonZeroU32> {
        self.position().rate
    }

    /// Nothing more is sent, for this reason, until it is taken away. What is under way is still confirmed.
    pub fn pause(&self, why: Option<String>) {
        self.position().paused = why;
        self.0.turned.notify_waiters();
    }

    /// So many calls under way at most from now on.
    pub fn set_connections(&self, connections: u16) {
        self.position().connections = Some(connections);
    }

    /// So much lag above that of the idle server from now on; `None`: that does not matter.
    pub fn set_max_lag(&self, max_lag: Option<Duration>) {
        self.position().max_lag = Some(MaxLag(max_lag));
    }

    /// Calls and lag as they are to be, for a run that began with these.
    pub(super) fn bounds(&self, began: (u16, Option<Duration>)) -> (u16, Option<Duration>) {
        let position = self.position();
        (position.connections.unwrap_or(began.0), position.max_lag.map_or(began.1, |max_lag| max_lag.0))
    }

    /// Why nothing is sent just now.
    pub fn paused(&self) -> Option<String> {
        self.position().paused.clone()
    }

    /// Whether something may be sent.
    pub(super) fn is_paused(&self) -> bool {
        self.position().paused.is_some()
    }

    pub(super) fn limiter(&self) -> Option<Arc<Rate>> {
        self.position().limiter.clone()
    }

    /// Waits a moment, or until it is turned.
    pub(super) async fn wait(&self) {
        const LOOK: Duration = Duration::from_millis(100);
        tokio::time::timeout(LOOK, self.0.turned.notified()).await.ok();
    }

    fn position(&self) -> MutexGuard<'_, Position> {
        self.0.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
