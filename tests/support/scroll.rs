//! The judge of what users see, at the end of whatever imports (law 15).

use openim_importer::rehearsal::{LogEntry, Running};
use openim_importer::shown::Judgement;
use serde_json::Value;

use super::judged::judged;

/// Tests that leave a log which users can't scroll, and the law that it breaks; they are to become none.
const NOT_YET: &[(&str, &str)] = &[
    ("after::damage::deleted", "a hole in front, which `verify --repair` can't fill"),
    (
        "after::damage::repaired_while_the_server_falls_over",
        "copies; holes read before the store had what is below",
    ),
    ("after::generated::features_meet_at_random", "holes, retries and undo beside what others wrote"),
    ("after::migration::there_and_back", "undo leaves a hole in front of what others have written"),
    (
        "after::once::a_later_part_was_imported_by_a_job_that_is_lost",
        "a hole in front, left by an undo beside another job's messages",
    ),
    ("after::once::what_stands_below_the_beginning_is_looked_at", "an older history behind another job's"),
    ("chaos::small::five_at_once", "copies; holes; people who write"),
    ("chaos::small::killed_importers", "holes"),
    ("import::faults::a_lost_queue", "holes read before the store had what is below"),
    ("import::faults::a_repeated_queue", "copies that the server made"),
    ("import::faults::a_store_that_does_not_answer", "holes read before the store had what is below"),
    ("import::faults::a_server_that_restarts", "copies that the server made"),
    ("import::faults::copies_made_at_the_very_end", "copies that the server made"),
    ("import::faults::numbers_that_jump", "holes read before the store had what is below"),
    ("import::faults::others_write_meanwhile", "people write between old messages"),
    ("import::faults::others_write_where_nobody_can_read", "people write between old messages"),
    ("import::faults::what_nobody_could_read_surfaces", "a hole in front"),
];

/// Judges a conversation.
#[track_caller]
pub(crate) fn scrolls(server: &Running, conversation: &str) {
    verdict(conversation, &judged(&server.log(conversation)));
}

/// Judges what the control path gave of a conversation; whether it can be scrolled, where the test may leave one that
/// can't.
#[track_caller]
pub(crate) fn entries_scroll(conversation: &str, entries: &[Value]) -> bool {
    let entries: Vec<LogEntry> =
        entries.iter().map(|entry| serde_json::from_value(entry.clone()).unwrap()).collect();
    let judgement = judged(&entries);
    verdict(conversation, &judgement);
    judgement.scrolls()
}

#[track_caller]
fn verdict(conversation: &str, judgement: &Judgement) {
    if judgement.scrolls() {
        return;
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let known = NOT_YET.iter().find(|(name, _)| *name == test);
    assert!(known.is_some(), "{test}: {conversation} {judgement}");
}
