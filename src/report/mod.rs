//! Progress, text, JSON, HTML.

mod chart;
mod document;
mod facts;
mod gather;
mod html;
mod line;
mod logins;
mod numbers;
mod pace;
mod progress;
mod summary;
pub mod terminal;
mod told;

pub use document::{Document, Table};
pub use facts::{Facts, Verified};
pub use gather::{Known, gather};
pub use logins::can_log_in;
pub use numbers::{bytes, count, duration, percent, plural};
pub use pace::{Pace, Rates};
pub use progress::{Color, Form, Progress, Snapshot, Style, Unit};
pub use summary::{Summary, Verdict};
pub use told::{tables, time};
