//! The words that all rooms share: messages and conversations, findings.

pub mod finding;
pub mod message;
