//! Empty slots and the date they get: that of the last stored message below, by a search with a fault.
//!
//! The real server searches once per request, highest empty slot first; what it finds holds for all lower ones down
//! to that message. A search that finds nothing leaves its slot and **all lower ones of the request** without a date
//! (0). The search in a slot's own document of 100 is cut at seq mod 100, for a multiple of 100 at nothing: slot 100
//! is never dated, 200 by the *previous* document. The date is kept for a day, for everybody, zeros too
//! (both releases, read in their source and measured).

use super::log::{Cached, Conversation, DOCUMENT, Slot};

impl Conversation {
    /// Reads slots through the cache: what it does not have is looked up in the store, and what is found is kept,
    /// also if that is nothing.
    pub(super) fn look_up(&mut self, from: i64, to: i64, now: i64) {
        let absent: Vec<i64> = (from..=to).filter(|seq| !self.slot_mut(*seq).look_up(now)).collect();
        let mut found: Option<(i64, i64)> = None;
        let mut searching = true;
        for seq in absent.into_iter().rev() {
            if searching && found.is_none_or(|(dated_by, _)| dated_by > seq) {
                found = self.stored_below(seq);
                searching = found.is_some();
            }
            let time = found.map_or(0, |(_, time)| time);
            self.slot_mut(seq).cache(Cached::Empty(time), now);
        }
    }

    /// Seq and time of the last stored message below a slot, as the server's search finds it.
    fn stored_below(&self, seq: i64) -> Option<(i64, i64)> {
        let own = (seq - 1) / DOCUMENT;
        let in_store = |slot: &Slot| {
            let record = slot.stored.as_ref().filter(|_| !slot.deleted)?;
            Some(record.send_time).filter(|time| *time > 0)
        };
        self.documents.range(..=own).rev().find_map(|(number, document)| {
            let searched = if *number == own { usize::try_from(seq % DOCUMENT).ok()? } else { usize::MAX };
            let slots = (number * DOCUMENT + 1..).zip(&document.slots).take(searched);
            slots.filter_map(|(seq, slot)| Some((seq, in_store(slot)?))).last()
        })
    }
}
