//! What is sent a second time, and what had become of the first: the server's own record of an importer that
//! sends again. On request only (`--watch-again`): it takes about 150 bytes a message.

use super::record::Record;
use std::collections::HashMap;

/// What became of a call's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is in the queue, or has its number and is not written.
    Queued,
    /// It was written into the log so many times (law 5), and nobody deleted it for all.
    Stands(u32),
    /// It was deleted for all before, or dropped.
    Gone,
}

/// Every message that was sent, told by conversation, sender, time, type, `ex` and content.
#[derive(Debug, Default)]
pub(super) struct Again {
    calls: HashMap<u128, Vec<[u8; 16]>>,
    fates: HashMap<[u8; 16], Fate>,
}

/// What had become of earlier calls with the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Earlier {
    /// One of them stands in the log.
    pub(super) stands: bool,
    /// One of them is in the queue, and none stands.
    pub(super) queued: bool,
}

impl Again {
    /// A call's message goes into the queue.
    pub(super) fn sent(&mut self, record: &Record) -> Earlier {
        let calls = self.calls.entry(identity(record)).or_default();
        let mut fates = calls.iter().filter_map(|id| self.fates.get(id));
        let stands = fates.clone().any(|fate| matches!(fate, Fate::Stands(_)));
        let earlier = Earlier { stands, queued: !stands && fates.any(|fate| *fate == Fate::Queued) };
        calls.push(record.server_id);
        self.fates.insert(record.server_id, Fate::Queued);
        earlier
    }

    /// It was written into the log. What was deleted before stays so: the importer had done its part.
    pub(super) fn written(&mut self, record: &Record) {
        match self.fates.get_mut(&record.server_id) {
            Some(Fate::Stands(times)) => *times += 1,
            Some(fate @ Fate::Queued) => *fate = Fate::Stands(1),
            Some(Fate::Gone) | None => {}
        }
    }

    /// The queue lost it. A copy that the queue gave out again (law 5) takes nothing from what stands.
    pub(super) fn dropped(&mut self, record: &Record) {
        if let Some(fate) = self.fates.get_mut(&record.server_id)
            && *fate == Fate::Queued
        {
            *fate = Fate::Gone;
        }
    }

    /// It was deleted for all.
    pub(super) fn deleted(&mut self, record: &Record) {
        match self.fates.get_mut(&record.server_id) {
            Some(Fate::Stands(times)) if *times > 1 => *times -= 1,
            Some(fate) => *fate = Fate::Gone,
            None => {}
        }
    }
}

fn identity(record: &Record) -> u128 {
    let route = &record.route;
    let head =
        format!("{}\0{}\0{}\0{}\0", route.conversation, route.sender, record.send_time, record.content_type);
    xxhash_rust::xxh3::xxh3_128(
        [head.as_bytes(), record.ex.as_bytes(), b"\0", record.content.as_bytes()].concat().as_slice(),
    )
}

#[test]
fn what_was_stored_is_told_from_what_was_lost() {
    use super::record::{Routes, Way};
    let route = Routes::default().to(&"a".into(), "b", Way::Single);
    let record = |id: u8, text: &str| Record {
        route: std::sync::Arc::clone(&route),
        server_id: [id; 16],
        client_id: [id; 16],
        send_time: 1,
        create_time: 1,
        content_type: 101,
        platform: 1,
        content: text.into(),
        ex: "".into(),
        not_offline_push: true,
        extra: None,
    };
    let (queued, stands) = (Earlier { stands: false, queued: true }, Earlier { stands: true, queued: false });
    let mut again = Again::default();
    assert_eq!(again.sent(&record(1, "x")), Earlier::default());
    assert_eq!(again.sent(&record(2, "y")), Earlier::default(), "another message");
    assert_eq!(again.sent(&record(3, "x")), queued);
    again.written(&record(1, "x"));
    again.written(&record(1, "x"));
    assert_eq!(again.sent(&record(4, "x")), stands);
    for lost in [3, 4] {
        again.dropped(&record(lost, "x"));
    }
    again.deleted(&record(1, "x"));
    assert_eq!(again.sent(&record(5, "x")), stands, "the server's own copy of it was deleted");
    again.dropped(&record(5, "x"));
    again.deleted(&record(1, "x"));
    assert_eq!(again.sent(&record(6, "x")), Earlier::default(), "nothing is left of it");
}
