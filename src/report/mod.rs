//! Progress, text, JSON, HTML.

mod document;
mod logins;
mod numbers;
mod progress;
mod summary;
pub mod terminal;

pub use document::{Document, Table};
pub use logins::can_log_in;
pub use numbers::{bytes, count, duration, percent};
pub use progress::{Progress, Snapshot, Style};
pub use summary::{Summary, Verdict};
