//! What the judge of the clients says of a conversation as the rehearsal server holds it.

use openim_importer::rehearsal::{LogEntry, SlotState};
use openim_importer::shown::{Judgement, Log, Slot, judge};

pub(crate) fn judged(entries: &[LogEntry]) -> Judgement {
    let min_seq = entries.iter().find(|entry| !entry.cut).map_or(i64::MAX, |entry| entry.seq);
    let slots = entries.iter().filter_map(|entry| match (entry.state, entry.dated) {
        (SlotState::Readable, _) => {
            Some(Slot { seq: entry.seq, time: entry.send_time, id: Some(&entry.client_msg_id) })
        }
        (_, Some(time)) => Some(Slot { seq: entry.seq, time, id: None }),
        // Nobody has read it yet.
        (_, None) => None,
    });
    judge(&Log::new(slots, min_seq, entries.last().map_or(0, |entry| entry.seq)))
}
