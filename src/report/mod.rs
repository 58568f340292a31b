//! Progress, text, JSON, HTML.

mod numbers;
mod summary;

pub use numbers::{bytes, count, duration, percent};
pub use summary::Summary;
