//! Reads everything back and compares it with the job.
//!
//! Many conversations at once, each from its baseline to the safe bound, a page of slots at a time. A receipt
//! says in which slot a message was confirmed; the walk finds out what stands there now.

mod conversation;
mod expected;
mod walk;

pub(super) use walk::{Book, Comparison, Withdrawal};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::difference::{Counts, Difference};
use super::visit::{AfterError, Server, Settings, all, each};
use crate::job::{ConvNo, JobReader};
use crate::message::{Ordinal, Seq};
use crate::openim::Client;

/// What to do besides comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// Delete second copies, and name what has to be sent again.
    pub repair: bool,
    /// For so many empty slots the store is asked whether it has their messages: a walk over all it holds,
    /// each time (law 8).
    pub lookups: u64,
}

/// What happens while it verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A difference.
    Difference(Difference),
    /// A conversation was read to its end.
    Conversation(Box<Checked>),
    /// So many more messages were compared.
    Compared(u64),
}

/// What came out of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub conv: ConvNo,
    /// The server's name of it.
    pub name: String,
    /// Messages that were confirmed, and so are looked for.
    pub expected: u64,
    /// Of these, how many are in their places, and as they were sent.
    pub equal: u64,
    /// Messages that were not sent yet.
    pub unsent: u64,
    /// Slots behind the safe bound: somebody is writing.
    pub unread: u64,
    /// What differs.
    pub counts: Counts,
    /// Second copies that were deleted.
    pub deleted: u64,
    /// Messages that have to be sent again; only if that was asked for.
    pub missing: Vec<Ordinal>,
    /// Copies of the server that the job knows, and that stand there no more.
    pub gone: Vec<Seq>,
    /// Messages that nobody was shown when they were confirmed, and that can be read by now.
    pub shown: Vec<Ordinal>,
    /// The server's numbers are below what the job had read: it was put back from an older copy.
    pub fell_back: bool,
}

impl Checked {
    /// Whether there is something to be mended, and was asked for.
    pub fn is_repaired(&self) -> bool {
        self.deleted > 0 || !self.missing.is_empty()
    }
}

/// What all workers share.
#[derive(Debug)]
struct Shared {
    server: Server,
    extras: Extras,
    /// How often the store may still be asked.
    lookups: AtomicU64,
    events: mpsc::Sender<Event>,
}

impl Shared {
    /// Takes one of the questions to the store.
    fn may_ask_the_store(&self) -> bool {
        self.lookups.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    async fn say(&self, event: Event) -> Result<(), AfterError> {
        // Nobody listens any more: it was stopped.
        self.events.send(event).await.map_err(|_| AfterError::Stopped)
    }
}

/// Verifies all conversations of the job, and tells what it finds as it goes.
pub async fn verify(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    extras: Extras,
    mut tell: impl FnMut(Event) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    let (events, mut heard) = mpsc::channel(256);
    let lookups = AtomicU64::new(extras.lookups);
    let server = Server::new(client, settings.clone());
    let shared = Arc::new(Shared { server, extras, lookups, events });
    let tasks = each(reader, &settings, move |desk, next| {
        let shared = Arc::clone(&shared);
        async move {
            let checked = conversation::verify(&shared, &desk, &next).await?;
            let Some(checked) = checked else { return Ok(()) };
            shared.say(Event::Conversation(Box::new(checked))).await
        }
    })?;
    while let Some(event) = heard.recv().await {
        // Dropping `heard` and the tasks stops them all.
        tell(event)?;
    }
    all(tasks).await
}
