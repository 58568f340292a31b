//! What OpenIM's apps show of a conversation's log (law 15): pure, no network, no clock.
//!
//! A log is not what people see. OpenIM's client SDK chooses a page by *time* and checks it by *seq*; where the
//! two disagree it repeats, loses, hangs or pages for ever. The law that is enough:
//!
//! > In the order of seq, sendTime rises strictly, every id stands once, and no empty slot from the min seq on is
//! > dated 0, below the slot under it, or not below the message above it.
//!
//! Where it holds, nothing need be paged. Where it doesn't, the clients' paging is played: two versions, pages of
//! 20 and 40, with 0 to 59 newer messages behind, because where pages end moves with `maxSeq`: a broken log often
//! looks fine until people write on.
//!
//! ```text
//! Slot ─▶ Log ─▶ law (breaches) ─▶ none: sound
//!                     └─▶ short (stretches without a breach cut) ─▶ view, 240 times ─▶ Judgement
//!                                     client ⇄ server (the log, and how it dates empty slots)
//! ```
//! Measured against the real clients on both real servers: docs/what-your-users-will-see.md has the figures.

mod client;
mod judge;
mod law;
mod server;
mod short;
mod slots;
mod view;

pub use client::{Version, sort_by_time};
pub use judge::{Judgement, judge};
pub use law::{Breach, Breaches, breaches};
pub use server::Dates;
pub use slots::{Log, Slot};
pub use view::{Ended, Setting, View, view};
