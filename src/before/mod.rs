//! What is looked at and made before the history: preflight, canary, provisioning.

mod assess;
mod codes;
mod facts;
mod retention;
mod settings;
mod verdict;

pub use assess::assess;
pub use codes::{CODES, can_be_allowed, code};
pub use facts::{Conversations, Facts, History, People, RetentionLoss, ServerFacts, Tally};
pub use retention::{Loss, Walk, cutoff};
pub use settings::{FILES, Settings};
pub use verdict::{AllowError, Allowed, text};
