//! The night (law 6): documents whose messages are all older than the retention are deleted, and with them
//! goes everything that stands below in the conversation.

use super::config::RETAIN_DAYS;
use super::log::{Cached, DOCUMENT};
use super::shared::Shared;
use super::world::World;

/// What the server's own cron job does at two in the morning.
pub(super) fn night(shared: &Shared, world: &mut World) {
    let oldest = shared.now() - RETAIN_DAYS * 86_400_000;
    for conversation in world.conversations.values_mut() {
        let mut min_seq = conversation.min_seq;
        conversation.documents.retain(|number, document| {
            let stored =
                || document.slots.iter().filter(|slot| !slot.deleted).filter_map(|slot| slot.stored.as_ref());
            if stored().next().is_none() || stored().any(|record| record.send_time > oldest) {
                return true;
            }
            let newest = document.slots.iter().rposition(|slot| slot.stored.is_some());
            let above = i64::try_from(newest.map_or(0, |at| at + 1)).expect("a document has 100 slots");
            min_seq = min_seq.max(number * DOCUMENT + above + 1);
            // What was not stored yet is still to come.
            if document
                .slots
                .iter()
                .any(|slot| slot.stored.is_none() && matches!(slot.cached, Cached::Message(_)))
            {
                for slot in document.slots.iter_mut().filter(|slot| slot.stored.is_some()) {
                    *slot = super::log::Slot { deleted: true, ..Default::default() };
                }
                return true;
            }
            false
        });
        conversation.min_seq = min_seq;
    }
}
