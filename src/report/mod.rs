//! Progress, text, JSON, HTML.

mod numbers;
mod progress;
mod summary;

pub use numbers::{bytes, count, duration, percent};
pub use progress::{Progress, Snapshot, Style};
pub use summary::Summary;
