//! Empty slots, looked at closely: "before calling anything absent, ask a second participant". A message can
//! be deleted for one user alone (law 13); read too early by somebody, it is hidden from all, and only the
//! store still shows it (law 3); deleted by its sender, it is nowhere.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::cell::Cell;
use super::confirm::SLOTS;
use super::engine::{Engine, JobReceipts};
use super::look;
use super::read::{self, identify};
use super::settings::ImportError;
use crate::job::{Conversation, Entry, JobError, Unseen};
use crate::log::{Sighting, Stored, Who, entries_of, next_senders, queries};
use crate::message::{Ids, MsgId, Ordinal, Seq};
use crate::openim::{Found, Range, StoreQuery};

/// Looks at empty slots, and tells the lane.
pub(super) async fn examine(engine: Arc<Engine>, cell: Arc<Cell>, seqs: Vec<Seq>) {
    let cursor = cell.lock().lane.cursor();
    let found = match look_at(&engine, &cell, &seqs, &[cursor], PARTICIPANTS).await {
        Ok(Some(found)) => found,
        // Whoever takes over examines them anew.
        Ok(None) => return,
        Err(error) => {
            engine.end(Err(ImportError::Job(error)));
            return;
        }
    };
    let sighting = |seq: &Seq| {
        let known = found.iter().find(|sighting| sighting.seq == *seq).cloned();
        // Nobody sees anything there, and the store has nothing: a number that was handed out and never used. A
        // server killed in that moment loses the messages that were to stand there, just as many as there are
        // slots, so they must not be taken for ours: 9 of 20,000 were called confirmed and were lost.
        known.unwrap_or(Sighting { seq: *seq, who: Who::Foreign })
    };
    let sightings = seqs.iter().map(sighting).collect();
    let mut state = cell.lock();
    // What stands in the cache alone where nobody can read for now looks the same: see `look_once_more`.
    let unseen = self::open(&seqs, &found).into_iter().map(|seq| Unseen { seq, ordinal: cursor });
    state.unwritten.unseen.extend(unseen);
    state.dirty = true;
    let receipts = JobReceipts { engine: &engine, conv: cell.conversation.no };
    let effects = state.lane.examined(&receipts, sightings, engine.now());
    engine.apply(&cell, &mut state, effects);
    engine.wake(&cell, &mut state);
}

/// Looks once more at slots of which nobody knew anything: what can be read there now, and was sent again since,
/// is one too many, and is withdrawn. `false`: it could not be looked at.
pub(super) async fn look_once_more(
    engine: &Arc<Engine>,
    cell: &Arc<Cell>,
    unseen: &[Unseen],
) -> Result<bool, JobError> {
    let seqs: Vec<Seq> = unseen.iter().map(|one| one.seq).collect();
    let mut missing: Vec<Ordinal> = unseen.iter().map(|one| one.ordinal).collect();
    missing.sort_unstable();
    let Some(found) = look_at(engine, cell, &seqs, &missing, MOST_PARTICIPANTS).await? else {
        return Ok(false);
    };
    let mut state = cell.lock();
    let receipts = JobReceipts { engine, conv: cell.conversation.no };
    let effects = state.lane.surfaced(&receipts, found);
    engine.apply(cell, &mut state, effects);
    Ok(true)
}

/// What stands in these slots, as far as anybody knows. `missing`: messages from which on some may stand there, in
/// rising order. `None`: the run ends before that is known.
async fn look_at(
    engine: &Arc<Engine>,
    cell: &Cell,
    seqs: &[Seq],
    missing: &[Ordinal],
    participants: usize,
) -> Result<Option<Vec<Sighting>>, JobError> {
    let Some(first) = missing.first() else { return Ok(Some(Vec::new())) };
    let users = engine.read(|reader| next_senders(reader, &cell.conversation, *first))?;
    let mut found: Vec<Sighting> = Vec::new();
    // Deleted by whoever looked for himself: without its words it can be one of several.
    let mut veiled: Vec<Sighting> = Vec::new();
    for user in users.iter().take(participants) {
        let open = open(seqs, &found);
        for range in ranges(&open) {
            let Some(records) = pull(engine, cell, user, range).await else { break };
            for (seq, ids, stored) in records {
                // What stands between them is known.
                if open.binary_search(&seq).is_err() {
                    continue;
                }
                let known = cell.lock().lane.find(&ids);
                let who = match known {
                    Some(ordinal) => Who::Ours { ids, ordinals: vec![ordinal], readable: true },
                    None => identify(engine, cell, ids, &stored, true)?,
                };
                let is_veiled = !stored.is_shown() && read::is_one_of_several(&who);
                if is_veiled { &mut veiled } else { &mut found }.push(Sighting { seq, who });
            }
        }
    }
    // The third stage writes the store seconds later, under load. What stands in the log for longer is there.
    for wait in WAITS {
        let open = open(seqs, &found);
        let Some(last) = open.last() else { break };
        let is_old = cell.lock().lane.is_old(*last, engine.now());
        // Without its word nothing is known of what nobody sees: that is not "not there".
        let Some(more) = search(engine, cell, &open, missing).await? else { return Ok(None) };
        found.extend(more);
        if is_old {
            break;
        }
        if !self::open(seqs, &found).is_empty() {
            tokio::time::sleep(wait).await;
        }
    }
    add_veiled(&mut found, veiled);
    Ok((!engine.has_ended()).then_some(found))
}

/// Adds what nobody but whoever deleted it for himself was shown; what the store told of such a one is no less readable.
fn add_veiled(found: &mut Vec<Sighting>, veiled: Vec<Sighting>) {
    for one in veiled {
        match found.iter_mut().find(|known| known.seq == one.seq) {
            Some(Sighting { who: Who::Ours { readable, .. }, .. }) => *readable = true,
            Some(_) => {}
            None => found.push(one),
        }
    }
}

/// So many participants are asked.
const PARTICIPANTS: usize = 3;
/// Where it is the last look.
const MOST_PARTICIPANTS: usize = 16;
/// How long to wait after each look into the store.
const WAITS: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(800), Duration::from_millis(1_600)];

/// Those of the slots, in rising order, of which nothing is known.
fn open(seqs: &[Seq], found: &[Sighting]) -> Vec<Seq> {
    let found: HashSet<Seq> = found.iter().map(|sighting| sighting.seq).collect();
    seqs.iter().copied().filter(|seq| !found.contains(seq)).collect()
}

/// What covers the slots in as few calls as is reasonable: near ones together, and not too many at once.
fn ranges(seqs: &[Seq]) -> Vec<(Seq, Seq)> {
    const NEAR: i64 = 16;
    let mut ranges: Vec<(Seq, Seq)> = Vec::new();
    for seq in seqs {
        match ranges.last_mut() {
            Some((first, last)) if seq.0 - last.0 <= NEAR && seq.0 - first.0 < SLOTS => *last = *seq,
            _ => ranges.push((*seq, *seq)),
        }
    }
    ranges
}

/// The messages that a participant sees there; `None` if he may not look.
async fn pull(
    engine: &Engine,
    cell: &Cell,
    user: &str,
    (from, to): (Seq, Seq),
) -> Option<Vec<(Seq, Ids, Stored<'static>)>> {
    let pulled = read::pull(engine, user, &Range { conversation: &cell.name, from, to }).await?;
    let records = pulled.of(&cell.name).ok()?;
    let there = records.iter().filter(|record| !record.is_empty());
    Some(there.map(|record| (Seq(record.seq), record.ids(), Stored::of(record).into_owned())).collect())
}

/// What the store has in these slots: looked for among the messages that may be missing. `None`: it did not say.
async fn search(
    engine: &Arc<Engine>,
    cell: &Cell,
    seqs: &[Seq],
    missing: &[Ordinal],
) -> Result<Option<Vec<Sighting>>, JobError> {
    let mut found = Vec::new();
    let queries = engine.read(|reader| {
        let mut entries: Vec<Entry> = Vec::new();
        for ordinal in missing {
            let known = entries.last().map_or(0, |last| last.ordinal.0 + 1);
            let from = Ordinal(known.max(ordinal.0));
            // As many as reach behind this one, and are not here yet.
            let more = CANDIDATES.saturating_sub(usize::try_from(from.0 - ordinal.0).unwrap_or(CANDIDATES));
            entries.extend(reader.entries(cell.conversation.no, from, more)?);
        }
        queries(reader, &cell.conversation, entries)
    })?;
    for query in queries {
        for page in 1..=PAGES {
            let Some((logs, count)) = ask_store(engine, &query, page, PAGE).await else { return Ok(None) };
            for log in logs.into_iter().filter(|log| log.sender == query.sender) {
                let seq = Seq(log.seq);
                if seqs.binary_search(&seq).is_err() || found.iter().any(|one: &Sighting| one.seq == seq) {
                    continue;
                }
                let known = cell.lock().lane.find(&log.ids);
                let stored = Stored::found(&log);
                let who = match known {
                    Some(ordinal) => {
                        Who::Ours { ids: log.ids.clone(), ordinals: vec![ordinal], readable: false }
                    }
                    None => identify(engine, cell, log.ids.clone(), &stored, false)?,
                };
                // The store knows other conversations of the same two people.
                if matches!(who, Who::Ours { .. }) {
                    found.push(Sighting { seq, who });
                }
            }
            if i64::from(page) * i64::from(PAGE) >= count {
                break;
            }
        }
    }
    Ok(Some(found))
}

/// In which slots the store has these messages, under which names. `None`: it could not be asked, or has more
/// than can be looked through.
pub(super) async fn in_store(
    engine: &Engine,
    conversation: &Conversation,
    ordinals: &[Ordinal],
) -> Result<Option<HashSet<(Seq, MsgId)>>, JobError> {
    let queries =
        engine.read(|reader| queries(reader, conversation, entries_of(reader, conversation, ordinals)?))?;
    let mut found = HashSet::new();
    for query in queries {
        for page in 1.. {
            let Some((logs, count)) = ask_store(engine, &query, page, LARGE_PAGE).await else {
                return Ok(None);
            };
            found.extend(logs.into_iter().map(|log| (Seq(log.seq), log.ids.server)));
            if i64::from(page) * i64::from(LARGE_PAGE) >= count {
                break;
            }
            if page == PAGES {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

/// In which slot the store has one of the conversation's messages, looked for among those that are like these few.
pub(super) async fn stands_in_store(
    engine: &Arc<Engine>,
    conversation: &Conversation,
    ordinals: &[Ordinal],
) -> Result<Option<Seq>, JobError> {
    let queries =
        engine.read(|reader| queries(reader, conversation, entries_of(reader, conversation, ordinals)?))?;
    for query in queries {
        for page in 1..=PAGES {
            let Some((logs, count)) = ask_store(engine, &query, page, LARGE_PAGE).await else { break };
            for log in &logs {
                if look::is_ours(engine, conversation, &Stored::found(log))? {
                    return Ok(Some(Seq(log.seq)));
                }
            }
            if i64::from(page) * i64::from(LARGE_PAGE) >= count {
                break;
            }
        }
    }
    Ok(None)
}

/// Asks the store; `None`: the run has ended.
async fn ask_store(
    engine: &Engine,
    query: &StoreQuery,
    page: i32,
    at_once: i32,
) -> Option<(Vec<Found>, i64)> {
    engine.ask(|| engine.client.search(query, page, at_once)).await
}

/// Messages that may be missing.
const CANDIDATES: usize = 100;
const PAGE: i32 = 100;
/// Where all of a day is wanted.
const LARGE_PAGE: i32 = 1_000;
const PAGES: i32 = 20;
