//! The files of messages go to the server's object storage, before the messages do.
//!
//! ```text
//! wanted (the export names it) ─▶ plan: found? its digest, what it is, its name ─▶ upload ─▶ verify
//!                                  └ fetch, where it lies behind a link            │
//!                                                 the job's book ◀─────────────────┘
//! ```
//! What a message shows of a file is in the book once the file is there; the export is read with the book in hand.

mod check;
mod fetch;
mod patience;
mod plan;
mod progress;
mod upload;
mod verify;
mod wanted;

pub use check::{StoreError, check};
pub use fetch::{Fetch, sweep};
pub use plan::{Counts, Open, Plan, PlanError, Shape, plan, survey};
pub use progress::Progress;
pub use upload::{Upload, UploadError, Uploaded, upload};
pub use verify::{Difference, Verified, verify};
pub use wanted::{Want, Wants};

/// What the server's cleaning job goes by. It deletes objects of `msg-picture` and its kin after 180 days; of this
/// name it knows nothing (measured on 3.8.3).
pub const CAUSE: &str = "openim-import";
