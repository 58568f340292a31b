//! The words that all rooms share: messages and conversations, findings, secrets in use, text of others as it may be shown.

pub mod finding;
pub mod message;
pub mod numbers;
pub mod secrets;
pub mod visible;
pub mod written;
