//! The words that all rooms share: messages and conversations, findings, text of others as it may be shown.

pub mod finding;
pub mod message;
pub mod visible;
