//! How a rehearsal server behaves, fully decided before it starts.

use super::capacity::Capacity;
use super::chat::CodeUse;
use super::faults::Fault;
use super::release::Traits;
use crate::message::Release;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be chosen. [`Options::new`] is the real server of that release, with its measured times.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which release it imitates.
    pub release: Release,
    /// Who exists.
    pub users: Users,
    /// How fast it is.
    pub timing: Timing,
    /// What storing costs; `None`: the second stage is never the limit, and takes the times above.
    pub capacity: Option<Capacity>,
    /// So many pairs of live users write twice a second, and measure how long their messages take.
    pub live_probe: u16,
    /// Whatever is left to chance follows from it: the same seed gives the same run.
    pub seed: u64,
    /// The secret that admin tokens are given for.
    pub secret: String,
    /// The admin's userID.
    pub admin: String,
    /// What goes wrong from the start; more can be turned on later.
    pub faults: Vec<Fault>,
    /// Whether only friends may write to each other (1303 otherwise).
    pub friend_verify: bool,
    /// Whether messages that are sent again are counted, by what had become of them: 150 bytes a message.
    pub watch_again: bool,
    /// Webhooks that are on, by the names the server's settings give them (`BeforeSendSingleMsg`). Nobody is
    /// called: they are told, on main, to whoever asks for the settings.
    pub webhooks: Vec<String>,
    /// Where the state is kept over a restart; `None`: in memory.
    pub state: Option<PathBuf>,
    /// The server's clock when it starts, ms since 1970; `None`: the machine's. From then on it goes with tokio's clock,
    /// which a simulation may have paused.
    pub starts_at: Option<i64>,
    /// The folder of the object store; `None`: beside the state, or one that goes away with the server.
    pub objects: Option<PathBuf>,
    /// Where the object store listens; `None`: at any free port of the server's own address.
    pub store: Option<SocketAddr>,
    /// Where the chat server listens, its admin at the port after it; `None`: there is none.
    pub chat: Option<SocketAddr>,
    /// The password of the chat server's admin.
    pub chat_password: String,
    /// Which codes it takes.
    pub codes: CodeUse,
}

/// Who exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Users {
    /// Only who was registered, as on the real server.
    #[default]
    Strict,
    /// Whoever is named: users as well as groups, of which everybody who writes is a member.
    Auto,
}

/// The three times of the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// How long `send_msg` takes to answer.
    pub answer: AnswerTime,
    /// How long the second stage collects a batch that doesn't fill up to 500 before.
    pub batch_interval: Duration,
    /// From the first message of a batch to its being written and readable. What is left of it after the
    /// batch interval is the gap of law 3, in which numbers are handed out and nothing can be read yet.
    pub storing_lag: Duration,
    /// From there to the store, which the third stage writes (law 8).
    pub store_lag: Duration,
    /// So long the server remembers that a user does not have a conversation in his list, when somebody has asked.
    pub unlisted_for: Duration,
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnswerTime {
    /// Always that long, however many callers there are.
    Fixed(Duration),
    /// As measured: it depends on how many callers there are.
    Measured {
        /// Answers a second that 1, 4, 16 and 64 callers reach together.
        per_second: [f64; 4],
        /// By how much the rate varies, both ways, from one quarter of a second to the next: 0.2 = by 20 %.
        unsteady: f64,
    },
}

impl Options {
    /// The real server of that release.
    pub fn new(release: Release) -> Self {
        Self {
            release,
            users: Users::Strict,
            timing: Timing::measured(release),
            capacity: None,
            live_probe: 0,
            seed: 1,
            secret: "openIM123".to_owned(),
            admin: "imAdmin".to_owned(),
            faults: Vec::new(),
            friend_verify: false,
            watch_again: false,
            webhooks: Vec::new(),
            state: None,
            starts_at: None,
            objects: None,
            store: None,
            chat: None,
            chat_password: "chatAdmin".to_owned(),
            codes: CodeUse::Fixed,
        }
    }

    /// Where the object store is to listen, beside a server at that address.
    pub(super) fn store_address(&self, server: SocketAddr) -> SocketAddr {
        self.store.unwrap_or_else(|| SocketAddr::new(server.ip(), 0))
    }

    /// The folder of its objects, if that outlives it.
    pub(super) fn objects_folder(&self) -> Option<PathBuf> {
        self.objects
            .clone()
            .or_else(|| self.state.as_ref().map(|state| state.with_added_extension("objects")))
    }

    /// The same server with [`Timing::fast`]: for tests and for `run --rehearse`.
    pub fn fast(release: Release) -> Self {
        Self { timing: Timing::fast(), ..Self::new(release) }
    }
}

impl Timing {
    /// What was measured on the real server (contract, laws 1 and 3, section 6).
    pub const fn measured(release: Release) -> Self {
        let traits = Traits::of(release);
        let answer = AnswerTime::Measured { per_second: traits.per_second, unsteady: traits.unsteady };
        Self {
            answer,
            batch_interval: Duration::from_millis(100),
            storing_lag: Duration::from_millis(traits.storing_lag_ms),
            store_lag: Duration::from_millis(500),
            unlisted_for: Duration::from_mins(1),
        }
    }

    /// Answers at once, batches of 20 ms, readable after 25: the laws hold, and nobody waits for them.
    pub const fn fast() -> Self {
        Self {
            answer: AnswerTime::Fixed(Duration::ZERO),
            batch_interval: Duration::from_millis(20),
            storing_lag: Duration::from_millis(25),
            store_lag: Duration::from_millis(50),
            unlisted_for: Duration::from_millis(200),
        }
    }

    /// Law 3: from handing out numbers to writing the messages. Never nothing unless there is no lag at all.
    pub(super) fn gap(&self) -> Duration {
        let least = self.storing_lag.min(self.batch_interval) / 10;
        self.storing_lag.saturating_sub(self.batch_interval).max(least)
    }
}
