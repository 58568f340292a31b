//! Faults that happen once, to the server as a whole.

use super::FaultKind;
use crate::release::Queue;
use crate::shared::Shared;
use crate::token::Bad;
use crate::world::{Queued, World};
use std::sync::Arc;
use std::time::Duration;

/// Lets the fault happen now, in that conversation or in all. Faults that are no events do nothing.
pub(crate) fn perform(shared: &Shared, kind: &FaultKind, only: Option<&str>) {
    let mut guard = shared.world();
    let world = &mut *guard;
    match kind {
        FaultKind::ExpireToken => shared.void_tokens(Bad::Expired),
        FaultKind::KickToken => shared.void_tokens(Bad::Kicked),
        FaultKind::LoseQueue => lose_queue(world, only, "the queue was lost"),
        FaultKind::RepeatQueue { last } => repeat_last(shared, world, *last, only),
        FaultKind::JumpSeq { by } => shift(world, only, *by),
        FaultKind::FallBackSeq { by } => shift(world, only, -*by),
        FaultKind::RemoveUser { user } => remove_user(world, user),
        FaultKind::RemoveGroup { group } => {
            world.groups.remove(group.as_str());
        }
        FaultKind::Restart { down_ms, kill } => {
            restarted(shared, world, *kill);
            shared.cut_all(Duration::from_millis(*down_ms));
        }
        FaultKind::Night => crate::retention::night(shared, world),
        FaultKind::LoseAnswer
        | FaultKind::CloseBeforeBody
        | FaultKind::CloseAfterBody
        | FaultKind::ProxyError { .. }
        | FaultKind::TooMany { .. }
        | FaultKind::Error500
        | FaultKind::Hang { .. }
        | FaultKind::LoseStore
        | FaultKind::ReadGap { .. }
        | FaultKind::Stall { .. }
        | FaultKind::Slow { .. }
        | FaultKind::LiveTraffic { .. }
        | FaultKind::UsersAct { .. }
        | FaultKind::RateLimit { .. }
        | FaultKind::StoreOff
        | FaultKind::StoreAway { .. }
        | FaultKind::StoreUnreachable
        | FaultKind::CutUpload
        | FaultKind::LosePut
        | FaultKind::WrongDigest
        | FaultKind::ExpiredSignature
        | FaultKind::SlowStore { .. } => {}
    }
}

/// The last messages that the second stage handled go into the queue again.
pub(crate) fn repeat_last(shared: &Shared, world: &mut World, last: usize, only: Option<&str>) {
    let again: Vec<_> = world
        .handled
        .iter()
        .rev()
        .filter(|record| only.is_none_or(|only| record.route.conversation.as_ref() == only))
        .take(last)
        .map(Arc::clone)
        .collect();
    for record in again.into_iter().rev() {
        shared.enqueue(world, Queued { record, again: true });
    }
}

/// What becomes of messages that were numbered when the process was killed, and not written yet.
pub(crate) fn generation_ended(shared: &Shared, world: &mut World, records: Vec<Arc<crate::record::Record>>) {
    world.recovering = world.recovering.saturating_sub(records.len());
    for record in records {
        match shared.traits().queue {
            // What was not finished comes again.
            Queue::Kafka { .. } => world.redelivered.push(Queued { record, again: false }),
            Queue::Memory => world.lose(&record, "lost in a restart", true),
        }
    }
    go_on(shared, world);
}

/// The second stage takes messages again once all is accounted for that had its number.
fn go_on(shared: &Shared, world: &mut World) {
    if world.recovering == 0 {
        world.redeliver();
        shared.queued.notify_one();
    }
}

fn restarted(shared: &Shared, world: &mut World, kill: bool) {
    if kill {
        let now = shared.now();
        world.conversations.values_mut().for_each(|conversation| conversation.lose_record(now));
    }
    match (shared.traits().queue, kill) {
        (Queue::Kafka { stopped, .. }, false) => repeat_last(shared, world, stopped, None),
        (Queue::Kafka { killed, .. }, true) => {
            world.generation += 1;
            world.recovering = world.numbered;
            world.uncollect();
            let again: Vec<_> =
                world.handled.iter().rev().skip(world.numbered).take(killed).map(Arc::clone).collect();
            for record in &again {
                world.unsettled.add(record);
            }
            world.redelivered.extend(again.into_iter().rev().map(|record| Queued { record, again: true }));
            go_on(shared, world);
        }
        (Queue::Memory, false) => {}
        (Queue::Memory, true) => {
            world.generation += 1;
            world.recovering = world.numbered;
            lose_queue(world, None, "lost in a restart");
        }
    }
}

fn lose_queue(world: &mut World, only: Option<&str>, why: &str) {
    world.uncollect();
    let (stalled, queue) = (std::mem::take(&mut world.stalled), std::mem::take(&mut world.queue));
    for queued in stalled.into_iter().chain(queue) {
        if only.is_none_or(|only| queued.record.route.conversation.as_ref() == only) {
            world.lose(&queued.record, why, true);
        } else {
            world.queue.push_back(queued);
        }
    }
}

fn shift(world: &mut World, only: Option<&str>, by: i64) {
    for (id, conversation) in &mut world.conversations {
        if conversation.max_seq > 0 && only.is_none_or(|only| id.as_ref() == only) {
            conversation.shift(by);
        }
    }
}

fn remove_user(world: &mut World, user: &str) {
    world.users.remove(user);
    for group in world.groups.values_mut() {
        group.members.remove(user);
    }
}
