//! Clears up: what was withdrawn is deleted once more when the store has it, and looked for until it stays away
//! (law 14); the same, where it is wanted, for copies that the server made (law 5).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::engine::Engine;
use super::examine::in_store;
use super::phase::Phase;
use super::read;
use super::settings::ImportError;
use super::withdraw;
use crate::job::{ConvNo, Deleted, Double, Withdrawn, Write};
use crate::log::next_senders;
use crate::message::{MsgId, Ordinal, SendTime, Seq};
use crate::numbers::plural;
use crate::openim::Range;

/// Deletes withdrawn messages once more, and where copies are to go, those (law 5); then looks for them, and deletes
/// what is there, until all have stayed away (law 14). Gives the conversations in which there was something.
pub(super) async fn clear(engine: &Arc<Engine>) -> Result<Vec<ConvNo>, ImportError> {
    let mut watched = withdrawn(engine)?;
    if engine.settings.repair {
        add_copies(engine, &mut watched).await?;
    }
    let cleared: Vec<ConvNo> = watched.keys().copied().collect();
    if cleared.is_empty() {
        return Ok(cleared);
    }
    let total = count(&watched);
    engine.progress.begin(Phase::ClearUp, total);
    wait_until_stored(engine, watched.keys().copied().collect()).await?;
    // Unseen: whoever looks before the store is written finds nothing, which the server then remembers for a day
    // (law 3), and after that day it is there again.
    for (conv, slots) in &watched {
        let Some(conversation) = engine.read(|reader| reader.conversation(*conv))? else { continue };
        let seqs: Vec<Seq> = slots.iter().map(|one| one.seq).collect();
        if !withdraw::delete(engine, &conversation.id().0, &seqs).await {
            return Ok(cleared);
        }
    }
    let mut told = Instant::now();
    for _ in 0..ROUNDS {
        for (conv, slots) in &mut watched {
            if look_for(engine, *conv, slots).await? {
                told = Instant::now();
            }
            note_gone(engine, *conv, slots).await;
        }
        watched.retain(|_, slots| !slots.is_empty());
        engine.progress.reached(total.saturating_sub(count(&watched)));
        if watched.is_empty() || engine.has_ended() {
            return Ok(cleared);
        }
        // Everybody has cleared it, and the store has more than can be looked through: waiting tells nothing.
        if told.elapsed() > 4 * away_for(engine) {
            break;
        }
        tokio::time::sleep(away_for(engine) / 4).await;
    }
    // They stay in the job: the next run, or `verify`, looks again.
    tracing::warn!(
        "deleted messages come back again and again, or can't be looked for, in {}",
        plural(watched.len() as u64, "conversation", "conversations")
    );
    Ok(cleared)
}

fn count(watched: &BTreeMap<ConvNo, Vec<Watched>>) -> u64 {
    watched.values().map(|slots| slots.len() as u64).sum()
}

/// Looks a message needs to stay away for good, times the times it may come back.
const ROUNDS: u32 = 60;

/// A slot that has to be empty, and stay so.
#[derive(Clone)]
struct Watched {
    seq: Seq,
    /// Which message.
    ordinal: Ordinal,
    /// What stood there.
    server: MsgId,
    /// Whether the server made it, or we.
    is_copy: bool,
    /// Since when it was not seen.
    away: Option<Instant>,
}

/// Rows of the job taken at once.
const PAGE: usize = 500;

fn withdrawn(engine: &Engine) -> Result<BTreeMap<ConvNo, Vec<Watched>>, ImportError> {
    let mut watched: BTreeMap<ConvNo, Vec<Watched>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = engine.read(|reader| reader.to_look_for(after, PAGE))?;
        let Some((conv, last)) = page.last() else { return Ok(watched) };
        after = Some((*conv, last.seq));
        for (conv, Withdrawn { seq, ordinal, ids }) in page {
            if !is_wanted(engine, conv)? {
                continue;
            }
            let one = Watched { seq, ordinal, server: ids.server, is_copy: false, away: None };
            watched.entry(conv).or_default().push(one);
        }
    }
}

/// Whether this run is about that conversation: what others need is left for the run that is about them.
fn is_wanted(engine: &Engine, conv: ConvNo) -> Result<bool, ImportError> {
    if engine.settings.only.is_none() {
        return Ok(true);
    }
    let conversation = engine.read(|reader| reader.conversation(conv))?;
    Ok(conversation.is_some_and(|conversation| engine.is_wanted(&conversation)))
}

/// Copies of messages that stand elsewhere. Their receipts say so; the store has to show the message in its own slot
/// before its copy may go: else the copy can be all there is. A second stage that is killed has put messages into the
/// cache that never reach the store, and stores the copies that it makes when it starts (seen on a real 3.8.3).
async fn add_copies(
    engine: &Arc<Engine>,
    watched: &mut BTreeMap<ConvNo, Vec<Watched>>,
) -> Result<(), ImportError> {
    let copies = copies(engine)?;
    if copies.is_empty() {
        return Ok(());
    }
    wait_until_stored(engine, copies.keys().copied().collect()).await?;
    for (conv, copies) in copies {
        let Some(conversation) = engine.read(|reader| reader.conversation(conv))? else { continue };
        for some in copies.chunks(PAGE) {
            let ordinals: Vec<Ordinal> = some.iter().map(|(_, one)| one.ordinal).collect();
            let Some(stored) = in_store(engine, &conversation, &ordinals).await? else { continue };
            let sure = some.iter().filter(|(seq, one)| stored.contains(&(*seq, one.server.clone())));
            watched.entry(conv).or_default().extend(sure.map(|(_, one)| one.clone()));
        }
    }
    watched.retain(|_, slots| !slots.is_empty());
    for slots in watched.values_mut() {
        slots.sort_by_key(|one| one.seq);
    }
    Ok(())
}

/// All copies, each with the slot of the message itself.
fn copies(engine: &Engine) -> Result<BTreeMap<ConvNo, Vec<(Seq, Watched)>>, ImportError> {
    let mut copies: BTreeMap<ConvNo, Vec<(Seq, Watched)>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = engine.read(|reader| reader.doubles(after, PAGE))?;
        let Some((conv, last)) = page.last() else { return Ok(copies) };
        after = Some((*conv, last.seq));
        for (conv, Double { seq, ordinal, server }) in page {
            if !is_wanted(engine, conv)? {
                continue;
            }
            let Some(receipt) = engine.read(|reader| reader.receipt(conv, ordinal))? else { continue };
            let is_elsewhere =
                receipt.seq != seq && receipt.ids.as_ref().is_some_and(|ids| ids.server == server);
            if is_elsewhere {
                let one = Watched { seq, ordinal, server, is_copy: true, away: None };
                copies.entry(conv).or_default().push((receipt.seq, one));
            }
        }
    }
}

/// What is deleted before the store has it comes back (law 14). The queue keeps its order, so when the store has
/// the last messages of some of these conversations, it has the others but for moments.
async fn wait_until_stored(engine: &Arc<Engine>, conversations: Vec<ConvNo>) -> Result<(), ImportError> {
    const SOME: usize = 4;
    const LONGEST: Duration = Duration::from_mins(1);
    tokio::time::sleep(away_for(engine)).await;
    let until = Instant::now() + LONGEST;
    for conv in conversations.into_iter().rev().take(SOME) {
        let last = engine.read(|reader| {
            let Some(progress) = reader.progress(conv)? else { return Ok(None) };
            let Some(receipt) = reader.last_receipt(conv, progress.cursor)? else { return Ok(None) };
            Ok(reader.entries(conv, receipt.ordinal, 1)?.pop())
        })?;
        let Some(time) = last.map(|entry| entry.send_time) else { continue };
        while !engine.has_ended() && Instant::now() < until {
            match engine.client.stored_between(time, SendTime(time.0 + 1)).await {
                Ok(0) => {
                    // A store that never gets it is no server that has died, and this wait has an end of its own.
                    engine.lives();
                    tokio::time::sleep(engine.settings.stay_away / 2).await;
                }
                Ok(_) => break,
                Err(error) if engine.call_failed(&error) => engine.pause().await,
                Err(_) => return Ok(()),
            }
        }
    }
    Ok(())
}

/// How long something has to stay away: where storing takes long, longer than that.
fn away_for(engine: &Engine) -> Duration {
    engine.settings.stay_away.max(2 * engine.lag())
}

/// Forgets what has stayed away.
async fn note_gone(engine: &Engine, conv: ConvNo, slots: &mut Vec<Watched>) {
    let long = away_for(engine);
    let is_gone = |one: &mut Watched| one.away.is_some_and(|since| since.elapsed() >= long);
    let (copies, ours): (Vec<Watched>, Vec<Watched>) =
        slots.extract_if(.., is_gone).partition(|one| one.is_copy);
    let seqs = |some: Vec<Watched>| some.into_iter().map(|one| one.seq).collect::<Vec<_>>();
    engine.progress.repaired.add(copies.len() as u64);
    let ours = Write::Deleted(conv, seqs(ours), Deleted::ForGood);
    for entry in [ours, Write::Repaired(conv, seqs(copies))] {
        if let Err(gone) = engine.writer.lazily(entry).await {
            engine.writer_gone(gone);
        }
    }
}

/// False: nobody could tell what stands there.
async fn look_for(engine: &Arc<Engine>, conv: ConvNo, slots: &mut [Watched]) -> Result<bool, ImportError> {
    let Some(conversation) = engine.read(|reader| reader.conversation(conv))? else { return Ok(false) };
    let users = engine.read(|reader| next_senders(reader, &conversation, Ordinal(0)))?;
    let name = conversation.id().0;
    let mut back = Vec::new();
    let mut looked = false;
    for some in runs(slots) {
        let (from, to) = (some[0].seq, some[some.len() - 1].seq);
        // What one of them has deleted for himself, or cleared (law 13), only the others see.
        let mut there: Option<HashSet<(Seq, MsgId)>> = None;
        for user in users.iter().take(3) {
            let range = Range { conversation: &name, from, to };
            let Some(pulled) = read::pull(engine, user, &range).await else { continue };
            engine.lives();
            let records = pulled.of(&name).map_err(ImportError::Call)?;
            if !records.is_empty() {
                let names = records.iter().map(|record| (Seq(record.seq), record.ids().server));
                there.get_or_insert_default().extend(names);
            }
        }
        if there.is_none() {
            // Nobody has a record of the conversation: a second stage that was killed at its first batch makes
            // none. The store shows what is there.
            let ordinals: Vec<Ordinal> = some.iter().map(|one| one.ordinal).collect();
            there = in_store(engine, &conversation, &ordinals).await?;
        }
        let Some(there) = there else { continue };
        looked = true;
        for one in some.iter_mut() {
            if there.contains(&(one.seq, one.server.clone())) {
                one.away = None;
                back.push((one.seq, one.is_copy));
            } else {
                one.away.get_or_insert_with(Instant::now);
            }
        }
    }
    let seqs: Vec<Seq> = back.iter().map(|(seq, _)| *seq).collect();
    if !seqs.is_empty() && withdraw::delete(engine, &name, &seqs).await {
        engine.progress.returned.add(back.len() as u64);
        let ours = back.iter().filter(|(_, is_copy)| !is_copy).map(|(seq, _)| *seq).collect();
        if let Err(gone) = engine.writer.lazily(Write::Deleted(conv, ours, Deleted::Once)).await {
            engine.writer_gone(gone);
        }
    }
    Ok(looked)
}

/// Neighbouring slots together: a call reads one range of a conversation.
fn runs(slots: &mut [Watched]) -> impl Iterator<Item = &mut [Watched]> {
    slots.chunk_by_mut(|a, b| b.seq.0 - a.seq.0 < 50)
}
