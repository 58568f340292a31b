//! Sends and confirms: schedule, worker, window, confirm, settle, pace, stop.

mod align;

pub use align::{Alignment, Book, Due, Fate, Sighting, Who, align};
