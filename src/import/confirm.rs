//! Confirms: asks how long the logs are, for many conversations at once; then, for those that grew, how far
//! reading does no harm (law 3); reads so far, and hands it to the lane.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::cell::Cell;
use super::engine::Engine;
use super::lane::{Ask, FellBack};
use super::progress::{LEADERS, Limiting};
use super::read;
use super::settings::{Ended, ImportError};
use crate::job::Durability;
use crate::log::next_senders;
use crate::message::{Ordinal, Seq, UserId};
use crate::openim::{ACTIVE_AT_ONCE, Range, Seqs, page_end};
use crate::pacing::Limit;

/// Conversations to be confirmed.
#[derive(Debug)]
pub(super) enum Work {
    /// All as seen by this user.
    As(UserId, Vec<Arc<Cell>>),
    /// One, as seen by everybody who may have sent its newest message.
    AsAll(Arc<Cell>),
}

/// So many conversations are asked about as one user in one call.
const TOGETHER: usize = 50;
/// So many slots are read in one call, about.
pub(super) const SLOTS: i64 = 400;
/// So many of one conversation.
const SLOTS_OF_ONE: i64 = 200;

/// Looks after all conversations under way, until nothing is left of them.
pub(super) async fn poll(engine: Arc<Engine>, work: mpsc::Sender<Work>) {
    let (mut took, mut rest) = (Duration::ZERO, Duration::ZERO);
    while !engine.has_ended() || engine.is_draining() {
        // No more than a third of the time in questions: 500 conversations take a real server 0.1 to 0.3 s.
        tokio::time::sleep(engine.settings.poll.max(took * 2).max(rest)).await;
        let due = look_after(&engine, &mut rest);
        if engine.active_len() == 0 && engine.fed.load(Ordering::Relaxed) {
            return;
        }
        if engine.silent_for() > engine.settings.give_up {
            engine.end(Ok(Ended::GaveUp(engine.why_silent())));
        }
        took = Duration::ZERO;
        for some in due.chunks(ACTIVE_AT_ONCE) {
            if ask_max(&engine, some, &work, &mut took).await.is_none() {
                return;
            }
        }
    }
}

/// Lets time pass in all conversations; gives those whose `maxSeq` is worth a question. `rest`: how long the next
/// look has time.
fn look_after(engine: &Arc<Engine>, rest: &mut Duration) -> Vec<Arc<Cell>> {
    let (now, lag) = (engine.now(), engine.lag());
    let hurry = engine.hurry();
    let mut due = Vec::new();
    let mut settling = 0;
    let mut unreadable = None;
    // The most first: of the first it is decided whether it comes before all others.
    let mut leaders: Vec<(u64, &Arc<Cell>)> = Vec::with_capacity(LEADERS + 1);
    let mut oldest = Duration::ZERO;
    let cells = engine.active();
    for cell in &cells {
        let mut state = cell.lock();
        if state.finished {
            continue;
        }
        let effects = state.lane.tick(now, lag);
        engine.apply_if_any(cell, &mut state, effects);
        engine.wake(cell, &mut state);
        engine.recount(&mut state);
        if state.counted.messages > 0 {
            oldest = oldest.max(state.lane.age(state.lane.numbered(), now).unwrap_or_default());
        }
        settling += u64::from(state.lane.is_settling());
        if state.blind >= read::BLIND {
            unreadable.get_or_insert_with(|| cell.name.clone());
        }
        let remaining = state.lane.remaining();
        let place = leaders.partition_point(|(most, _)| *most >= remaining);
        if place < LEADERS {
            leaders.insert(place, (remaining, cell));
            leaders.truncate(LEADERS);
        }
        // Where the lag is bounded, it has to be known. Also while something is read: the window needs `maxSeq` alone.
        let is_measured = engine.gate.is_bounded() && state.counted.messages > 0;
        if now >= state.poll_from && (is_measured || state.lane.wants_poll(hurry, now)) {
            due.push(cell.clone());
        }
    }
    engine.close_if_done(&cells);
    let crowd = !engine.ready.is_empty();
    let limiting = engine.gate.tick(oldest, crowd, now);
    engine.gate.set_longest(
        leaders
            .first()
            .filter(|(left, _)| decides(engine, *left, &limiting))
            .map(|(_, cell)| cell.conversation.no),
    );
    *rest = match limiting.limit {
        Some(Limit::Lag) => limiting.idle.unwrap_or_default() / 3,
        _ => Duration::ZERO,
    };
    *rest = (*rest).min(LONGEST_REST);
    let leaders = leaders.into_iter().map(|(left, cell)| (cell.name.clone(), left)).collect();
    engine.show(settling, leaders, unreadable, Some(limiting));
    due
}

/// Where the lag is the limit, a look earlier finds nothing that may be used.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// Whether the longest conversation decides how long the run takes: what is left of it, window by window, takes
/// longer than all that is left takes with as much unconfirmed as there may be.
fn decides(engine: &Engine, left: u64, limiting: &Limiting) -> bool {
    let progress = &engine.progress;
    let done = progress.before.get() + progress.confirmed.get() + progress.rejected.get();
    let all = progress.messages.get().saturating_sub(done);
    let (bound, window) = (limiting.bound as u64, engine.settings.limits.window as u64);
    2 * left.saturating_mul(bound) >= all.saturating_mul(window)
}

/// Asks for `maxSeq`, and hands on those that grew. `None`: the run has ended. `took`: the question alone. To
/// hand on can take as long as all that reading before it, and to rest twice as long after that let 96 callers
/// stand still for seconds (measured: 8,200 messages a second instead of 30,000).
async fn ask_max(
    engine: &Arc<Engine>,
    cells: &[Arc<Cell>],
    work: &mpsc::Sender<Work>,
    took: &mut Duration,
) -> Option<()> {
    let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    let asked = engine.now();
    let answer = engine.client.seqs(engine.client.admin_user(), &names).await;
    *took += engine.now().saturating_sub(asked);
    let seqs = match answer {
        Ok(seqs) => seqs,
        Err(error) => {
            if !engine.call_failed(&error) {
                return None;
            }
            engine.pause().await;
            return Some(());
        }
    };
    let mut fallen = Vec::new();
    // In order: the same events are to be followed by the same calls.
    let mut by_user: BTreeMap<UserId, Vec<Arc<Cell>>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (cell, seqs) in cells.iter().zip(seqs) {
        if let Err(fell) = took_max(engine, cell, seqs, &mut by_user, &mut alone) {
            fallen.push((cell.clone(), fell));
        }
    }
    // The others of this answer are handed on all the same: they are marked as being asked about, and would wait for ever.
    if !fallen.is_empty() {
        overwriting(engine, fallen).await?;
    }
    for (user, mut cells) in by_user {
        while !cells.is_empty() {
            let rest = cells.split_off(cells.len().min(TOGETHER));
            work.send(Work::As(user.clone(), cells)).await.ok()?;
            cells = rest;
        }
    }
    for cell in alone {
        work.send(Work::AsAll(cell)).await.ok()?;
    }
    Some(())
}

fn took_max(
    engine: &Engine,
    cell: &Arc<Cell>,
    seqs: Seqs,
    by_user: &mut BTreeMap<UserId, Vec<Arc<Cell>>>,
    alone: &mut Vec<Arc<Cell>>,
) -> Result<(), FellBack> {
    let mut state = cell.lock();
    let now = engine.now();
    let (before, is_beginning) = (state.lane.numbered(), state.lane.is_begun());
    let is_flowing = !state.lane.is_settling();
    state.lane.polled(Seq(seqs.max_seq), now)?;
    let numbered = state.lane.numbered();
    if is_flowing
        && numbered > before
        && let Some(lag) = state.lane.age(before, now)
    {
        engine.gate.numbered(numbered - before, lag, is_beginning, now);
    }
    engine.recount(&mut state);
    engine.wake(cell, &mut state);
    if !state.lane.has_news() {
        if state.lane.is_settling() || !state.lane.is_blocked(now, engine.lag()) {
            state.poll_from = now + UNHURRIED;
        }
        return Ok(());
    }
    // That numbers were handed out is all that the pace has to know; reading can wait until there is more to read.
    if engine.gate.is_bounded() && !state.lane.wants_reading(engine.hurry(), now) {
        state.poll_from = now + UNHURRIED;
        return Ok(());
    }
    if state.asking || now < state.ask_from {
        return Ok(());
    }
    state.asking = true;
    match state.lane.ask() {
        Ask::One(user) if state.blind == 0 => by_user.entry(user).or_default().push(cell.clone()),
        Ask::One(_) | Ask::All => alone.push(cell.clone()),
    }
    Ok(())
}

/// Between two questions about a conversation in which nothing moves.
const UNHURRIED: Duration = Duration::from_millis(50);

/// `maxSeq` below what was confirmed: asked a second time, because nothing goes on after that.
async fn overwriting(engine: &Arc<Engine>, fallen: Vec<(Arc<Cell>, FellBack)>) -> Option<()> {
    let names: Vec<&str> = fallen.iter().map(|(cell, _)| cell.name.as_str()).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let again = match engine.client.seqs(engine.client.admin_user(), &names).await {
        Ok(again) => again,
        // Not known yet: the next question shows it again.
        Err(error) => {
            if !engine.call_failed(&error) {
                return None;
            }
            engine.pause().await;
            return Some(());
        }
    };
    let still: Vec<(String, FellBack)> = fallen
        .iter()
        .zip(again)
        .filter(|((_, fell), now)| now.max_seq < fell.read_to.0)
        .map(|((cell, fell), _)| (cell.name.clone(), *fell))
        .collect();
    if still.is_empty() {
        return Some(());
    }
    engine.end(Err(ImportError::Overwriting(still)));
    None
}

/// What was acknowledged is lost: did the numbers fall back in between, so that the new messages took the slots
/// of confirmed ones? `maxSeq` itself shows that only until it has grown again.
pub(super) async fn look_below(engine: Arc<Engine>, cell: Arc<Cell>, cursor: Ordinal) {
    const SOME: u16 = 100;
    if engine.flushed(&cell, Durability::Written).await.is_err() {
        return;
    }
    let conv = cell.conversation.no;
    let from = Ordinal(cursor.0.saturating_sub(SOME.into()));
    let read = engine.read(|reader| {
        let receipts = reader.receipts(conv, from, SOME.into())?;
        Ok((receipts, next_senders(reader, &cell.conversation, from)?))
    });
    let (receipts, users) = match read {
        Ok(read) => read,
        Err(error) => return engine.end(Err(ImportError::Job(error))),
    };
    let (Some(first), Some(last)) = (receipts.first(), receipts.last()) else { return };
    // Numbers that jumped in between (law 4) would make it a long way.
    let range = Range { conversation: &cell.name, from: first.seq.max(Seq(last.seq.0 - 400)), to: last.seq };
    for user in users.iter().take(3) {
        let Ok(pulled) = engine.client.pull(user, std::slice::from_ref(&range)).await else { continue };
        let Ok(records) = pulled.of(&cell.name) else { continue };
        let taken = records.iter().filter(|record| !record.is_empty()).find(|record| {
            let receipt = receipts.iter().find(|receipt| receipt.seq.0 == record.seq);
            receipt
                .and_then(|receipt| receipt.ids.as_ref())
                .is_some_and(|ids| ids.server != record.ids().server)
        });
        if let Some(record) = taken {
            let fell = FellBack { max_seq: Seq(record.seq - 1), read_to: last.seq };
            engine.end(Err(ImportError::Overwriting(vec![(cell.name.clone(), fell)])));
            return;
        }
    }
}

/// Works until the poller has ended.
pub(super) async fn work(engine: Arc<Engine>, queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Work>>>) {
    loop {
        let next = queue.lock().await.recv().await;
        match next {
            Some(Work::As(user, cells)) => confirm_as(&engine, &user, &cells).await,
            Some(Work::AsAll(cell)) => confirm_as_all(&engine, &cell).await,
            None => return,
        }
    }
}

async fn confirm_as(engine: &Arc<Engine>, user: &UserId, cells: &[Arc<Cell>]) {
    let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    match engine.client.seqs(user.as_str(), &names).await {
        Ok(seqs) => {
            let bounds = cells.iter().cloned().zip(seqs).map(|(cell, seqs)| (cell, Seq(seqs.has_read_seq)));
            read_up_to(engine, user.as_str(), bounds.collect(), false).await;
        }
        Err(error) => {
            engine.call_failed(&error);
            engine.pause().await;
        }
    }
    for cell in cells {
        answered(engine, cell);
    }
}

pub(super) async fn confirm_as_all(engine: &Arc<Engine>, cell: &Arc<Cell>) {
    match everybody(engine, cell) {
        Ok(users) => {
            if let Some((user, bound)) = safe_bound(engine, cell, &users).await {
                read_up_to(engine, &user, vec![(cell.clone(), bound)], true).await;
            }
        }
        Err(error) => engine.end(Err(ImportError::Job(error))),
    }
    answered(engine, cell);
}

/// The last look before a message is sent again: what of it is stored is read. False: nobody can look now.
pub(super) async fn look(engine: &Arc<Engine>, cell: &Arc<Cell>) -> bool {
    {
        // Where nobody can read, it takes seconds to see what stands there, and where others write meanwhile there
        // is always more: the fence would never go out.
        let mut state = cell.lock();
        if state.blind > 0 {
            state.lane.looked();
            return true;
        }
    }
    let seqs = match engine.client.seqs(engine.client.admin_user(), &[cell.name.as_str()]).await {
        Ok(seqs) => seqs,
        Err(error) => {
            engine.call_failed(&error);
            engine.pause().await;
            return false;
        }
    };
    let is_news = {
        let mut state = cell.lock();
        let max_seq = seqs.first().map_or(0, |seqs| seqs.max_seq);
        // That it fell back is noticed by the poller, who asks twice.
        state.lane.polled(Seq(max_seq), engine.now()).is_ok() && state.lane.has_news()
    };
    if is_news {
        confirm_as_all(engine, cell).await;
    }
    cell.lock().lane.looked();
    true
}

/// The question is answered; what the answer moved may send now.
fn answered(engine: &Arc<Engine>, cell: &Arc<Cell>) {
    let mut state = cell.lock();
    state.asking = false;
    let misses = state.lane.misses().max(state.blind);
    if misses > 0 {
        // Mostly it is just not written yet.
        let wait = Duration::from_millis(10) * 2u32.pow(misses.min(6));
        state.ask_from = engine.now() + wait;
    }
    engine.wake(cell, &mut state);
}

/// Everybody who may have sent the newest message, the likeliest first.
fn everybody(engine: &Engine, cell: &Cell) -> Result<Vec<String>, crate::job::JobError> {
    let (mut users, cursor) = {
        let state = cell.lock();
        let mut users: Vec<String> = Vec::new();
        for user in state.lane.senders().map(UserId::as_str).collect::<Vec<_>>().into_iter().rev() {
            if !users.iter().any(|known| known == user) {
                users.push(user.to_owned());
            }
        }
        (users, state.lane.cursor())
    };
    engine.read(|reader| {
        for user in next_senders(reader, &cell.conversation, cursor)? {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok(())
    })?;
    // Where a reader saw nothing, the next one is tried.
    let blind = cell.lock().blind as usize;
    users.truncate(MOST_ASKED);
    let turn = blind % users.len().max(1);
    users.rotate_left(turn);
    Ok(users)
}

const MOST_ASKED: usize = 16;

/// The safe bound as seen by these users, and as whom to read: the one who sees furthest. Each is asked until he is answered:
/// the one whose answer was lost can be whose message is the newest. `None`: the run ends.
pub(super) async fn safe_bound(engine: &Arc<Engine>, cell: &Cell, users: &[String]) -> Option<(String, Seq)> {
    let mut best: Option<(String, Seq)> = None;
    let names = [cell.name.as_str()];
    for user in users {
        let seqs = engine.ask(|| engine.client.seqs(user, &names)).await?;
        let bound = Seq(seqs.first().map_or(0, |seqs| seqs.has_read_seq));
        if best.as_ref().is_none_or(|(_, most)| bound > *most) {
            best = Some((user.clone(), bound));
        }
    }
    // As whom to read is another question where the first one saw nothing.
    let blind = cell.lock().blind > 0;
    best.map(|(user, bound)| (if blind { users.first().cloned().unwrap_or(user) } else { user }, bound))
}

/// Reads as one user, each conversation up to its bound, several in one call.
async fn read_up_to(engine: &Arc<Engine>, user: &str, bounds: Vec<(Arc<Cell>, Seq)>, all: bool) {
    let mut together: Vec<(Arc<Cell>, Seq, Seq)> = Vec::new();
    // Last slots that must not end a range: read by themselves, when what lies below them is read.
    let mut last: Vec<(Arc<Cell>, Seq, Seq)> = Vec::new();
    let mut slots = 0;
    for (cell, bound) in bounds {
        let from = {
            let mut state = cell.lock();
            state.lane.bounded(bound, all);
            Seq(state.lane.read_to().0 + 1)
        };
        if bound < from {
            continue;
        }
        let to = page_end(from, bound, SLOTS_OF_ONE);
        if to.0 + 1 == bound.0 {
            last.push((cell.clone(), bound, bound));
        }
        slots += to.0 - from.0 + 1;
        together.push((cell, from, to));
        if slots >= SLOTS {
            pull(engine, user, &std::mem::take(&mut together)).await;
            slots = 0;
        }
    }
    if !together.is_empty() {
        pull(engine, user, &together).await;
    }
    last.retain(|(cell, from, _)| cell.lock().lane.read_to().0 + 1 == from.0);
    if !last.is_empty() {
        pull(engine, user, &last).await;
    }
}

async fn pull(engine: &Arc<Engine>, user: &str, cells: &[(Arc<Cell>, Seq, Seq)]) {
    let ranges: Vec<Range<'_>> = cells
        .iter()
        .map(|(cell, from, to)| Range { conversation: &cell.name, from: *from, to: *to })
        .collect();
    let pulled = match engine.client.pull(user, &ranges).await {
        Ok(pulled) => pulled,
        Err(error) if super::worker::is_refusal(&error) => {
            // This reader may not; another one may.
            tracing::debug!(user, %error, "refused to read");
            for (cell, ..) in cells {
                cell.lock().blind += 1;
            }
            return;
        }
        Err(error) => {
            engine.call_failed(&error);
            engine.pause().await;
            return;
        }
    };
    let records = match pulled.records() {
        Ok(records) => records,
        Err(error) => {
            engine.call_failed(&error);
            return;
        }
    };
    let records: HashMap<String, Vec<_>> = records.into_iter().collect();
    for (cell, from, to) in cells {
        let slots = records.get(&cell.name).map_or(&[][..], Vec::as_slice);
        read::take(engine, cell, *from, *to, slots);
    }
}
