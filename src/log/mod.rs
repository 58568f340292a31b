//! What stands in a conversation's log on the server, and what it means: what is the same message, what a slot is
//! ([`align()`]), who may have sent the newest message and so tells how far reading does no harm (law 3), pages, and
//! whether the store has a message (law 8).
//!
//! Used by everything that reads a log: import, verify, repair, retry, undo, adopt, preflight. What decides is pure;
//! [`Server`] makes the calls, each with the same patience.

mod align;
mod lists;
mod page;
mod readers;
mod same;
mod server;
mod store;

pub use align::{Alignment, Book, Due, Fate, Past, Sighting, Who, align};
pub use lists::{entry, lack_it};
pub use page::{Log, PAGE, Seen};
pub use readers::{last_senders, next_senders};
pub use same::{Stored, candidates, formerly, is_notice, is_ours, is_same};
pub use server::{LogError, Server};
pub use store::{Lookup, entries_of, in_store, look_for, names_in_store, places_in_store, queries, query};
