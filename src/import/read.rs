//! From what was pulled to what the lane understands: whose message stands in a slot?

use std::sync::Arc;

use super::cell::Cell;
use super::engine::{Engine, JobReceipts};
use super::lane::Lane;
use super::settings::ImportError;
use crate::job::JobError;
use crate::log::{Sighting, Stored, Who, candidates, formerly};
use crate::message::{Ids, Seq, UserId};
use crate::openim::{LogRecord, Pulled, Range};

/// What a participant sees there, tried until it is answered; `None` if he may not look, or the run ends.
pub(super) async fn pull(engine: &Engine, user: &str, range: &Range<'_>) -> Option<Pulled> {
    engine.ask_whether(|| engine.client.pull(user, std::slice::from_ref(range))).await.answer()
}

/// Hands slots `from` to `to` to the lane. What the answer leaves out was not looked at by the server where
/// nothing at all came (the reader is no participant, or has no record of the conversation yet: he is asked
/// again, or another one); between slots that came it is empty.
pub(super) fn take(engine: &Arc<Engine>, cell: &Arc<Cell>, from: Seq, to: Seq, records: &[LogRecord<'_>]) {
    let mut state = cell.lock();
    if state.lane.read_to().0 + 1 != from.0 {
        return;
    }
    let last = match records.last().map(|record| record.seq).filter(|last| *last >= from.0) {
        Some(last) => {
            state.blind = 0;
            last
        }
        None if state.blind < BLIND => {
            state.blind += 1;
            return;
        }
        // Whoever takes part has cleared it (law 13), or has no record of it: the store has to tell.
        None => to.0,
    };
    let mut slots = Vec::new();
    let mut records = records.iter().filter(|record| record.seq >= from.0).peekable();
    for seq in from.0..=last.min(to.0) {
        while records.peek().is_some_and(|record| record.seq < seq) {
            records.next();
        }
        let who = match records.peek().filter(|record| record.seq == seq) {
            Some(record) => match who(engine, cell, &state.lane, record) {
                Ok(who) => who,
                Err(error) => {
                    engine.end(Err(ImportError::Job(error)));
                    return;
                }
            },
            None => Who::Empty { examined: state.lane.has_withdrawn(Seq(seq)) },
        };
        slots.push(Sighting { seq: Seq(seq), who });
    }
    let receipts = JobReceipts { engine, conv: cell.conversation.no };
    let now = engine.now();
    let effects = state.lane.read(&receipts, slots, now);
    // While there is more to be read it is not the server who is silent.
    if state.lane.is_behind() {
        engine.lives();
    }
    engine.apply(cell, &mut state, effects);
}

/// After as many pulls in a row that show nothing, which takes seconds, it is no matter of moments any more:
/// right after a first message it is 20 ms at most (law 3).
pub(super) const BLIND: u32 = 12;

fn who(engine: &Engine, cell: &Cell, lane: &Lane, record: &LogRecord<'_>) -> Result<Who, JobError> {
    if record.is_empty() {
        return Ok(Who::Empty { examined: lane.has_withdrawn(Seq(record.seq)) });
    }
    let ids = record.ids();
    if let Some(ordinal) = lane.find(&ids) {
        return Ok(Who::Ours { ids, ordinals: vec![ordinal], readable: true });
    }
    if lane.has_withdrawn_name(&ids) {
        // It may have had another time then than the message has by now, which went behind what people wrote.
        return Ok(Who::Ours { ids, ordinals: Vec::new(), readable: true });
    }
    let who = identify(engine, cell, ids, &Stored::of(record), true)?;
    // What it says decides which of them it is: somebody else has to look. Two of one second, of which the first was
    // refused: the second, deleted by its sender for himself, was taken for the first, and was sent again.
    Ok(if is_one_of_several(&who) && !record.is_shown() { Who::Empty { examined: false } } else { who })
}

/// It is ours, and can be one message or another.
pub(super) fn is_one_of_several(who: &Who) -> bool {
    matches!(who, Who::Ours { ordinals, .. } if ordinals.len() > 1)
}

/// Whose message that is, by its content: over the whole conversation, because a copy can be of any.
pub(super) fn identify(
    engine: &Engine,
    cell: &Cell,
    ids: Ids,
    stored: &Stored<'_>,
    readable: bool,
) -> Result<Who, JobError> {
    let conversation = &cell.conversation;
    let ordinals = engine.read(|reader| candidates(reader, conversation, stored))?;
    if !ordinals.is_empty() {
        return Ok(Who::Ours { ids, ordinals, readable });
    }
    if let Some(ordinal) = engine.read(|reader| formerly(reader, conversation, stored))? {
        return Ok(Who::Former { ids, ordinal });
    }
    if engine.settings.behind_newer || stored.time < conversation.first_time {
        return Ok(Who::Foreign);
    }
    let older = engine.read(|reader| reader.first_later(conversation, stored.time))?;
    Ok(Who::Newer { older, by: UserId(stored.sender.to_string()), time: stored.time })
}
