//! An OpenIM-compatible server that answers, stores and loses as the real one does.
//!
//! People trust the night of their migration to what they rehearsed here, and our own tests stand on it:
//! it imitates, it never flatters. What it does rests on `contract/openim.md` (laws 1 to 14), on the
//! recordings of two releases, and for what was not recorded on the server's own libraries. What differs
//! between the releases stands in `release`.
//!
//! A message goes this way, as on the real server:
//! ```text
//! http ─▶ api ─▶ send ─▶ queue ─────────▶ log (cache) ─────▶ third (store)
//!  faults  token  verify  batches of 500    maxSeq first,       later, document
//!                 content or 100 ms, >100   the message a       by document
//!                         of one key lost   gap later (law 3)   (laws 7, 8, 14)
//! ```
//! `faults` strikes at calls, at numbering and at storing; `control` is the path `/_rehearsal/…`; `audit`
//! counts what really happened.
//!
//! [`Server::start`] runs it within the process; [`Running`] gives its address, its [`Audit`] and each
//! conversation's log, and stops it.
//!
//! Everything is in memory, under one lock (`world`). Measured with `benches/rehearsal.sh`: a stored message
//! with 75 characters of text takes 420 to 470 bytes, all told; a `send_msg` takes 17 to 20 µs of one core with
//! answer time 0, twice what its connection, head, body and token cost alone.

// The rooms below, by the names that the whole house uses.
use importer_guests as guests;
use importer_words::message;

mod again;
mod answer;
mod api;
mod audit;
mod body;
mod bounds;
mod capacity;
mod chat;
mod config;
mod content;
mod control;
mod conversations;
mod damage;
mod faults;
mod friends;
mod group_lists;
mod groups;
mod holes;
mod http;
mod json;
mod log;
mod mongoexport;
mod notices;
mod objects;
mod options;
mod pace;
mod positions;
mod probe;
mod pulled;
mod queue;
mod read;
mod record;
mod release;
mod retention;
mod send;
mod shared;
mod state;
mod store;
mod third;
mod token;
mod turns;
mod unsettled;
mod users;
mod verify;
mod world;

pub use audit::{Audit, Calls, ConversationAudit, LogEntry, Origin, SlotState};
pub use capacity::Capacity;
pub use chat::{AccountEntry, CodeUse};
pub use damage::Damage;
pub use faults::{Fault, FaultKind, UserAct, When};
pub use http::Answered;
pub use log::Tally;
pub use objects::{ObjectAudit, ObjectEntry};
pub use options::{AnswerTime, Options, Timing, Users};
pub use probe::{Felt, LiveProbe};

use chat::Door;
use shared::Shared;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A rehearsal server, not yet running.
#[derive(Debug)]
pub struct Server;

/// A running rehearsal server. Dropped, it stops.
pub struct Running {
    addr: SocketAddr,
    /// Of the chat server: for everybody, and for its admin.
    chat: Option<(SocketAddr, SocketAddr)>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on that address (port 0: any free one), on the runtime of the caller.
    pub async fn start(options: Options, addr: SocketAddr) -> io::Result<Running> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let store = TcpListener::bind(options.store_address(addr)).await?;
        let shared = Arc::new(Shared::new(options)?);
        shared.objects.set_address(format!("http://{}", store.local_addr()?));
        if let Some(path) = &shared.options.state {
            state::load(&shared, path)?;
        }
        let stop = CancellationToken::new();
        let serve = |listener, addr, door| {
            tokio::spawn(http::accept(listener, addr, door, Arc::clone(&shared), stop.clone()))
        };
        let mut tasks = vec![
            serve(listener, addr, None),
            tokio::spawn(queue::run(Arc::clone(&shared), stop.clone())),
            tokio::spawn(objects::accept(store, Arc::clone(&shared), stop.clone())),
        ];
        let mut chat = None;
        if let Some(wanted) = shared.options.chat {
            let (everybody, admin) = neighbours(wanted).await?;
            let addresses = (everybody.local_addr()?, admin.local_addr()?);
            tasks.push(serve(everybody, addresses.0, Some(Door::Everybody)));
            tasks.push(serve(admin, addresses.1, Some(Door::Admin)));
            chat = Some(addresses);
        }
        Ok(Running { addr, chat, shared, stop, tasks })
    }

    /// Starts a server that is called from within this process, on the runtime of the caller; its time is tokio's.
    pub fn within(options: Options) -> io::Result<Within> {
        let shared = Arc::new(Shared::new(options)?);
        let stop = CancellationToken::new();
        let tasks = vec![tokio::spawn(queue::run(Arc::clone(&shared), stop.clone()))];
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Within { running: Running { addr, chat: None, shared, stop, tasks } })
    }
}

/// A running server that is called from within its own process, and has no address. Dropped, it stops.
pub struct Within {
    running: Running,
}

impl Within {
    /// Answers a POST as HTTP would; `None`: the connection was cut. It goes on though nobody waits for it.
    pub async fn call(
        &self,
        path: &str,
        operation: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Option<Answered> {
        let call = api::Call {
            door: None,
            path,
            post: true,
            token,
            operation: Some(operation),
            host: None,
            request_api: None,
            body,
        };
        http::answer_within(&call, &self.running.shared).await
    }

    /// For how long nothing listens, each time when all connections are cut.
    pub fn cuts(&self) -> impl Future<Output = std::time::Duration> + Send + 'static {
        let mut gate = self.running.shared.gate();
        async move {
            match gate.changed().await {
                Ok(()) => gate.borrow().down,
                Err(_) => std::future::pending().await,
            }
        }
    }
}

impl std::ops::Deref for Within {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// Two listeners side by side, as the chat server is delivered: the admin's port is the one after everybody's.
async fn neighbours(wanted: SocketAddr) -> io::Result<(TcpListener, TcpListener)> {
    /// For any free port, the one after it may be taken.
    const TRIES: u32 = 50;
    let mut last = None;
    for _ in 0..TRIES {
        let everybody = TcpListener::bind(wanted).await?;
        let mut next = everybody.local_addr()?;
        let Some(port) = next.port().checked_add(1) else { continue };
        next.set_port(port);
        match TcpListener::bind(next).await {
            Ok(admin) => return Ok((everybody, admin)),
            Err(error) if wanted.port() == 0 => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The API's address: `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What really happened up to now.
    pub fn audit(&self) -> Audit {
        audit::audit(&self.shared)
    }

    /// What live users felt so far, message by message; nothing without [`Options::live_probe`].
    pub fn felt(&self) -> Vec<Felt> {
        self.shared.world().probe.as_ref().map(probe::Probe::felt).unwrap_or_default()
    }

    /// The log of a conversation, in order of seq: every slot, also empty ones.
    pub fn log(&self, conversation: &str) -> Vec<LogEntry> {
        audit::log(&self.shared, conversation, 1, usize::MAX)
    }

    /// The object store's own address.
    pub fn store_url(&self) -> &str {
        self.shared.objects.address()
    }

    /// The chat server's address for everybody, if there is one.
    pub fn chat_url(&self) -> Option<String> {
        self.chat.map(|(addr, _)| format!("http://{addr}"))
    }

    /// The chat server's address for its admin, if there is one.
    pub fn chat_admin_url(&self) -> Option<String> {
        self.chat.map(|(_, addr)| format!("http://{addr}"))
    }

    /// Who has an account in the chat server, and what of it is there.
    pub fn accounts(&self) -> Vec<AccountEntry> {
        self.shared.chat.audit()
    }

    /// What lies in the object store, under which names.
    pub fn objects(&self) -> ObjectAudit {
        self.shared.objects.audit()
    }

    /// Waits until all that is queued by now is in the store, or lost.
    pub async fn settle(&self) {
        control::settle(&self.shared).await;
    }

    /// Turns a fault on; its id.
    pub fn fault(&self, fault: Fault) -> u64 {
        self.shared.faults.add(fault)
    }

    /// Turns a fault off, or all of them.
    pub fn no_fault(&self, id: Option<u64>) {
        self.shared.faults.remove(id);
    }

    /// Lets something happen once, at once: in one conversation, or in all. Kinds that need an occasion, such
    /// as [`FaultKind::LoseAnswer`], do nothing.
    pub fn now(&self, kind: &FaultKind, conversation: Option<&str>) {
        faults::perform(&self.shared, kind, conversation);
    }

    /// Damages a slot as no call does.
    ///
    /// # Errors
    /// There is no such conversation, or no such slot.
    pub fn damage(&self, conversation: &str, seq: i64, damage: &Damage) -> Result<(), String> {
        damage::damage(&self.shared, conversation, seq, damage)
    }

    /// Puts the server's clock forward, ms.
    pub fn advance_clock(&self, ms: i64) {
        self.shared.advance_clock(ms);
    }

    /// Stops: no new connections, calls under way are answered. The state file is written, if there is one.
    pub async fn stop(mut self) -> io::Result<()> {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a part of the rehearsal server failed");
            }
        }
        self.shared.objects.save()?;
        match &self.shared.options.state {
            Some(path) => state::save(&self.shared, path),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
