//! The second stage where storing costs time ([`Capacity`]): batches are closed by a clock that runs on while the one
//! before is worked through, group by group; what waits too long grows together into fuller batches.

use super::capacity::Capacity;
use super::queue::{BATCH, Batch, Numbered, by_key, number, set_apart};
use super::shared::Shared;
use super::world::World;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// So many closed batches wait for their turn at most: then collecting waits, and batches become fuller.
const AHEAD: u64 = 2;
/// How far behind its time table the stage may be and still catch up: what a busy machine takes from it is not what
/// it costs.
const CATCH_UP: Duration = Duration::from_millis(50);

/// Collects and numbers as fast as the capacity allows.
pub(super) async fn collect(shared: &Shared, capacity: Capacity, to_write: mpsc::Sender<Batch>) {
    let timing = shared.options.timing;
    let mut ticks = tokio::time::interval(timing.batch_interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut free, mut batch, mut is_due) = (Instant::now(), 0, false);
    loop {
        let has_work = {
            let mut world = shared.world();
            is_due |= world.queue.len() >= BATCH;
            if is_due && close(shared, &mut world, batch) {
                (batch, is_due) = (batch + 1, false);
                if world.collected.front().is_some_and(|(first, _)| *first + 1 == batch) {
                    // It had nothing to do: time that has passed is no time in hand.
                    free = free.max(Instant::now());
                }
            }
            !world.collected.is_empty() && world.recovering == 0
        };
        tokio::select! {
            // The same seed is the same server.
            biased;
            () = tokio::time::sleep_until(free), if has_work => {
                let base = free.max(Instant::now().checked_sub(CATCH_UP).unwrap_or(free));
                let Some(turn) = turn(shared, &capacity) else { continue };
                free = base + turn.cost;
                let due = free + turn.gap.max(timing.gap().min(GAP));
                let batch = Batch { due, generation: turn.generation, groups: turn.numbered.into_iter().collect() };
                if to_write.send(batch).await.is_err() {
                    return;
                }
            }
            // A tick that finds nothing has passed: whoever comes next waits for the next one.
            _ = ticks.tick() => is_due = !shared.world().queue.is_empty(),
            () = shared.queued.notified() => {}
        }
    }
}

/// From its numbers to its being readable takes a group what it costs, and about so much besides (law 3): 0 to 30 ms
/// as a rule.
const GAP: Duration = Duration::from_millis(10);

/// Takes up to a batch from the queue; false if there is nothing, or no room.
fn close(shared: &Shared, world: &mut World, batch: u64) -> bool {
    set_apart(shared, world);
    let waiting = world.collected.front().map_or(0, |(first, _)| batch - first);
    if world.recovering > 0 || world.queue.is_empty() || waiting >= AHEAD {
        return false;
    }
    let count = world.queue.len().min(BATCH);
    let groups = by_key(world.queue.drain(..count));
    world.collected.extend(groups.into_iter().map(|group| (batch, group)));
    true
}

/// One group had its turn.
struct Turn {
    /// What of it is to be written.
    numbered: Option<Numbered>,
    generation: u64,
    /// As long as a fault wants it to take besides.
    gap: Duration,
    cost: Duration,
}

/// Numbers the next group.
fn turn(shared: &Shared, capacity: &Capacity) -> Option<Turn> {
    let mut guard = shared.world();
    let world = &mut *guard;
    let (_, group) = world.collected.pop_front()?;
    let mut cost = capacity.cost(group.len());
    let mut gap = Duration::ZERO;
    let numbered = number(shared, world, group, &mut gap);
    match &numbered {
        Some(numbered) => {
            world.numbered += numbered.records.len();
            cost += if numbered.is_new { capacity.begin } else { Duration::ZERO };
        }
        // Thrown away, it costs next to nothing.
        None => cost = capacity.group,
    }
    let cost = (cost + shared.take_debt()).mul_f64(shared.faults.slowness());
    Some(Turn { numbered, generation: world.generation, gap, cost })
}
