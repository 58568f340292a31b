//! What stands in the server's log, against what was to be imported: shares no code with the importer.

use std::collections::{HashMap, HashSet};

use openim_importer::rehearsal::{LogEntry, Origin, SlotState, Within};

use super::history::{History, REFUSED};

/// What became of a history.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// In the log, each once.
    pub(super) there: u64,
    pub(super) lost: u64,
    /// By us, under names of their own: where.
    pub(super) doubled: Vec<Slot>,
    /// By the server: the same names (law 5).
    pub(super) copies: u64,
    /// Of these, those of messages that the store has in their own places: they can go without taking anything.
    pub(super) needless: u64,
    pub(super) out_of_order: u64,
    /// Read before they were written (law 3).
    pub(super) hidden: u64,
    /// In the log, and nowhere in the store.
    pub(super) not_stored: u64,
    /// In the log, and in no history.
    pub(super) strange: u64,
    /// Of others, and gone.
    pub(super) live_lost: i64,
    /// Dropped because we had sent too many of one conversation at once (law 1).
    pub(super) overfilled: u64,
}

/// A place in the server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) conversation: String,
    pub(super) seq: i64,
    /// Since when it could be read, ms, to the second.
    pub(super) cached_at: i64,
}

/// Judges all conversations.
/// `by_time`: each message has to have its own; otherwise some were sent behind what people wrote, later.
pub(super) fn judge(server: &Within, history: &History, passes: usize, by_time: bool) -> Judgement {
    let mut judgement = Judgement::default();
    for conversation in history.conversations() {
        let expected = history.expected(&conversation, passes);
        let expected: Vec<_> = expected.into_iter().filter(|(_, _, text)| text != REFUSED).collect();
        judgement.add(&conversation, &expected, &server.log(&conversation), by_time);
    }
    for audit in server.audit().conversations.values() {
        judgement.live_lost += (audit.tally.live - audit.tally.live_dropped).cast_signed();
        judgement.overfilled += audit.tally.overfilled;
    }
    judgement
}

/// How many of ours stand behind newer messages of others; copies that the server made of those before are not ours.
pub(super) fn behind_newer(log: &[LogEntry]) -> u64 {
    let (mut newest, mut behind, mut seen) = (i64::MIN, 0, HashSet::new());
    for entry in log.iter().filter(|entry| !matches!(entry.state, SlotState::Deleted | SlotState::Empty)) {
        let is_copy = !seen.insert(&entry.server_msg_id);
        if entry.origin == Origin::Live {
            newest = newest.max(entry.send_time);
        } else {
            behind += u64::from(entry.origin == Origin::Sent && entry.send_time <= newest && !is_copy);
        }
    }
    behind
}

impl Judgement {
    fn add(
        &mut self,
        conversation: &str,
        expected: &[(String, i64, String)],
        log: &[LogEntry],
        by_time: bool,
    ) {
        let time_of = |time: i64| if by_time { time } else { 0 };
        let mut places: HashMap<(String, i64, String), Vec<usize>> = HashMap::new();
        for (place, (sender, time, text)) in expected.iter().enumerate().rev() {
            places.entry((sender.clone(), time_of(*time), text.clone())).or_default().push(place);
        }
        let mut latest = None;
        let (mut seen, mut in_place) = (HashSet::new(), HashSet::new());
        let stored: HashSet<&str> =
            log.iter().filter(|entry| entry.stored).map(|entry| entry.server_msg_id.as_str()).collect();
        for entry in log {
            if matches!(entry.state, SlotState::Deleted | SlotState::Empty) {
                continue;
            }
            if entry.origin != Origin::Sent {
                self.live_lost -=
                    i64::from(entry.origin == Origin::Live && seen.insert(entry.server_msg_id.as_str()));
                continue;
            }
            if !seen.insert(entry.server_msg_id.as_str()) {
                self.copies += 1;
                self.needless += u64::from(in_place.contains(entry.server_msg_id.as_str()));
                continue;
            }
            if entry.stored {
                in_place.insert(entry.server_msg_id.as_str());
            }
            let text: serde_json::Value = serde_json::from_str(&entry.content).unwrap_or_default();
            let text = text["content"].as_str().unwrap_or_default();
            let key = (entry.send_id.clone(), time_of(entry.send_time), text.to_owned());
            let Some(left) = places.get_mut(&key) else {
                self.strange += 1;
                continue;
            };
            let Some(place) = left.pop() else {
                let LogEntry { seq, cached_at, .. } = *entry;
                self.doubled.push(Slot { conversation: conversation.to_owned(), seq, cached_at });
                continue;
            };
            self.there += 1;
            self.hidden += u64::from(entry.state == SlotState::Hidden);
            self.not_stored += u64::from(!stored.contains(entry.server_msg_id.as_str()));
            self.out_of_order += u64::from(latest.is_some_and(|latest| place < latest));
            latest = latest.max(Some(place));
        }
        self.lost += places.values().map(|left| left.len() as u64).sum::<u64>();
    }
}
