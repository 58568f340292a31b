//! Below the baseline: a second job over the same history is noticed before it sends anything.

use std::sync::Arc;

use super::cell::{Cell, Role};
use super::confirm::safe_bound;
use super::engine::Engine;
use super::lane::{Lane, Left, Start};
use super::settings::ImportError;
use crate::job::{Conversation, Spooled};
use crate::log::{Stored, is_same, next_senders};
use crate::message::{Ordinal, Seq};
use crate::openim::Range;

/// The slot of our first or last message, if one of them stands at or below the baseline. Nothing is read
/// that is not written for sure (law 3): what our own senders wrote is.
pub(super) async fn below(
    engine: &Arc<Engine>,
    conversation: &Conversation,
    baseline: Seq,
) -> Result<Option<Seq>, ImportError> {
    let (ends, users) = engine.read(|reader| {
        let mut ends: Vec<Spooled> = Vec::new();
        for ordinal in [0, conversation.messages - 1] {
            for entry in reader.entries(conversation.no, Ordinal(ordinal), 1)? {
                ends.push(reader.message(&entry)?);
            }
        }
        let mut users: Vec<String> = ends.iter().map(|message| message.sender.0.clone()).collect();
        users.extend(next_senders(reader, conversation, Ordinal(0))?);
        Ok((ends, users))
    })?;
    let mut asked: Vec<String> = Vec::new();
    for user in users {
        if !asked.contains(&user) && asked.len() < 8 {
            asked.push(user);
        }
    }
    // Only to be asked about; it is never under way.
    let start = Start {
        cursor: Ordinal(0),
        end: Ordinal(0),
        read_to: Seq(0),
        left: Left::Nothing,
        withdrawn: Vec::new(),
        last: None,
    };
    let cell = Cell::new(
        conversation.clone(),
        Lane::new(engine.settings.limits, start, engine.now()),
        Role::Reading,
    );
    let Some((_, bound)) = safe_bound(engine, &cell, &asked).await else { return Ok(None) };
    let end = bound.min(baseline);
    'users: for user in &asked {
        let mut from = Seq(1);
        while from <= end && !engine.has_ended() {
            let to = Seq((from.0 + AT_ONCE - 1).min(end.0));
            let range = Range { conversation: &cell.name, from, to };
            let pulled = match engine.client.pull(user, &[range]).await {
                Ok(pulled) => pulled,
                Err(error) if super::worker::is_refusal(&error) => continue 'users,
                Err(error) => {
                    if !engine.call_failed(&error) {
                        return Ok(None);
                    }
                    engine.pause().await;
                    continue;
                }
            };
            let records = pulled.records().map_err(ImportError::Call)?;
            let records = records.into_iter().filter(|(name, _)| *name == cell.name).flat_map(|(_, all)| all);
            let mut seen = false;
            for record in records {
                seen = true;
                let stored = Stored::of(&record);
                if !record.is_empty() && ends.iter().any(|message| is_same(message, &stored)) {
                    return Ok(Some(Seq(record.seq)));
                }
            }
            if !seen && from.0 == 1 {
                // No participant, or not yet: the next one.
                continue 'users;
            }
            from = Seq(to.0 + 1);
        }
        return Ok(None);
    }
    Ok(None)
}

const AT_ONCE: i64 = 100;
