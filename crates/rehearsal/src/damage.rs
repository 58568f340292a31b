//! `POST /_rehearsal/damage`: what no call does, and what a verification has to find all the same. A database
//! put back from an old copy, a script of somebody's, a failed write: each leaves one of these.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log::{Cached, Slot};
use super::record::Record;
use super::shared::Shared;

/// What is done to a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Damage {
    /// Its content becomes another, in cache and store; its ids stay.
    Change {
        /// The new content, the text of a JSON object.
        content: String,
    },
    /// Its time becomes another.
    Redate {
        /// ms
        send_time: i64,
    },
    /// It changes places with the message of another slot.
    Swap {
        /// The other slot.
        with: i64,
    },
    /// The cache says that there is nothing, for a day (law 3).
    Hide,
    /// The store does not have it any more; the cache does (law 8).
    Unstore,
    /// That user does not have the conversation in his list, as a server leaves it that is killed at its first messages;
    /// whichever slot.
    Unlist {
        /// Who.
        user: String,
    },
}

/// Does it; what is wrong with the call, otherwise.
pub(super) fn damage(shared: &Shared, conversation: &str, seq: i64, damage: &Damage) -> Result<(), String> {
    let now = shared.now();
    let mut world = shared.world();
    let Some(conversation) = world.conversations.get_mut(conversation) else {
        return Err(format!("there is no conversation {conversation}"));
    };
    let there = 1..=conversation.max_seq;
    let other = if let Damage::Swap { with } = damage { *with } else { seq };
    if !there.contains(&seq) || !there.contains(&other) {
        return Err(format!("its slots are 1 to {}", conversation.max_seq));
    }
    match damage {
        Damage::Change { content } => rewrite(conversation.slot_mut(seq), |record| Record {
            content: content.as_str().into(),
            ..copy(record)
        }),
        Damage::Redate { send_time } => {
            rewrite(conversation.slot_mut(seq), |record| Record { send_time: *send_time, ..copy(record) });
        }
        Damage::Swap { with } => {
            let first = std::mem::take(conversation.slot_mut(seq));
            let second = std::mem::replace(conversation.slot_mut(*with), first);
            *conversation.slot_mut(seq) = second;
        }
        Damage::Hide => conversation.slot_mut(seq).cache(Cached::Empty(0), now),
        Damage::Unstore => conversation.slot_mut(seq).stored = None,
        Damage::Unlist { user } => {
            if let Some(member) = conversation.members.get_mut(user.as_str()) {
                member.record_from = None;
            }
        }
    }
    Ok(())
}

/// Another record takes the place of what is cached, and of what is stored.
fn rewrite(slot: &mut Slot, new: impl Fn(&Record) -> Record) {
    if let Cached::Message(record) = &slot.cached {
        slot.cached = Cached::Message(Arc::new(new(record)));
    }
    if let Some(record) = &slot.stored {
        slot.stored = Some(Arc::new(new(record)));
    }
}

fn copy(record: &Record) -> Record {
    Record {
        route: Arc::clone(&record.route),
        content: record.content.clone(),
        ex: record.ex.clone(),
        extra: record.extra.clone(),
        ..*record
    }
}
