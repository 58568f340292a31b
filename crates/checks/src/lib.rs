//! Is a message sendable (contract, table 2), is the history sane. Pure.
//!
//! [`Checker::examine`] looks at one message; [`Neighbours`] at the messages of a conversation in the order
//! of sending. What takes the whole history to see (ids twice, names that collide) is found by `prepare`,
//! under codes that stand here.

// The rooms below, by the names that the whole house uses.
use importer_words::{finding, message};

pub mod codes;
mod content;
mod neighbours;
mod sendable;
mod surrogates;
mod walk;

pub use neighbours::{Neighbours, TOGETHER, Weight};
pub use sendable::{Checker, grown};
