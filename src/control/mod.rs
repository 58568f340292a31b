//! A run is watched and changed while it is under way: one loopback endpoint, a token, a closed list of verbs.
//!
//! ```text
//! control, page ─▶ serve ─▶ door ─▶ desk ─▶ import::Dial        what holds: held
//! clock, file `pause` ────────────▶ desk ─▶ changes.jsonl
//! phases of the command ─▶ board ─▶ state ─▶ page, /metrics, control status
//! ```
//!
//! `verb`, `held`, `door`, `advice`, `series`, `state` and `metrics` decide and know no network; the others do what they say.

mod advice;
mod ask;
mod board;
mod desk;
mod door;
mod held;
mod keep;
mod metrics;
mod page;
mod series;
mod serve;
mod state;
mod verb;

pub use ask::ask;
pub use board::{Board, Look};
pub use desk::Desk;
pub use held::{By, Held, Hour, Wishes};
pub use keep::{ADDRESS, Kept, TOKEN, find, keep};
pub use serve::Endpoint;
pub use state::{End, State};
pub use verb::{VERBS, Verb};
