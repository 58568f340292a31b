//! Sends and confirms: schedule, worker, window, confirm, settle, pace, stop.
//!
//! ```text
//! job ─▶ schedule ─▶ lanes ─▶ ready ─▶ worker ─▶ server     one call at a time in each lane
//!                      ▲                            │
//!                      └── read ◀── confirm ◀───────┘        maxSeq, safe bound, pull
//! ```
//!
//! [`Lane`] and [`align`](crate::log::align()) decide, and know neither network nor clock; the other files do what they say.

mod ask;
mod cell;
mod clear;
mod confirm;
mod course;
mod dial;
mod effects;
mod engine;
mod examine;
mod finish;
mod gate;
mod lane;
mod look;
mod pace;
mod phase;
mod progress;
mod read;
mod run;
mod schedule;
mod settings;
mod tally;
mod withdraw;
mod worker;

pub use dial::Dial;
pub use lane::{
    Answered, Ask, Company, Effects, FellBack, Hurry, Lane, Left, Limits, MOST_UNCONFIRMED, Next, Now,
    Overtaking, Receipt, Receipts, Start, Stray,
};
pub use pace::Cause;
pub use phase::{Phase, Step};
pub use progress::{Count, Limiting, Progress, Reasons, Shown};
pub use run::run;
pub use settings::{AlreadyThere, Ended, ImportError, Outcome, Settings, StopSignal};
