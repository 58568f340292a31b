//! Sends and confirms: schedule, worker, window, confirm, settle, pace, stop.

mod align;
mod lane;

pub use align::{Alignment, Book, Due, Fate, Past, Sighting, Who, align};
pub use lane::{
    Answered, Ask, Company, Effects, FellBack, Lane, Left, Limits, MOST_UNCONFIRMED, Next, Now, Receipt,
    Receipts, Start, Stray,
};
