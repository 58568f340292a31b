//! The judge of what users see, at the end of whatever imports (law 15).
//!
//! A log that users can't scroll to its start is a fault, unless the importer says so of just this conversation: where
//! the server makes copies, or people write between old messages, nobody can prevent it. So a test that may leave such a
//! log compares what the importer says with what this judge sees.

use openim_importer::rehearsal::{LogEntry, Running};
use openim_importer::shown::Judgement;
use serde_json::Value;

use super::judged::judged;

/// What users see of a conversation.
pub(crate) fn shown(server: &Running, conversation: &str) -> Judgement {
    judged(&server.log(conversation))
}

/// Users can scroll it.
#[track_caller]
pub(crate) fn scrolls(server: &Running, conversation: &str) {
    let judgement = shown(server, conversation);
    assert!(judgement.scrolls(), "{conversation} {judgement}");
}

/// What users see of a log as the control path gives it.
pub(crate) fn entries_shown(entries: &[Value]) -> Judgement {
    let entries: Vec<LogEntry> =
        entries.iter().map(|entry| serde_json::from_value(entry.clone()).unwrap()).collect();
    judged(&entries)
}
