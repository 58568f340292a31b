//! Faults that go on all the time: others write, users revoke, delete and clear.

use super::{FaultKind, Rule, UserAct};
use crate::positions::{clear_for, hide, revoke_for};
use crate::record::{Extra, Record, Route, Way};
use crate::shared::Shared;
use crate::world::{Queued, World};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How often the people of the server get their turn.
const TURN: Duration = Duration::from_millis(10);

/// Runs as long as the server does.
pub(crate) async fn run(shared: &Shared) {
    let mut dice = fastrand::Rng::with_seed(shared.options.seed);
    // What is due by the rates and was not done yet, by fault.
    let mut due: HashMap<u64, f64> = HashMap::new();
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = turns.tick().await;
    loop {
        let now = turns.tick().await;
        let passed = (now - last).as_secs_f64();
        last = now;
        for rule in shared.faults.list() {
            let (FaultKind::LiveTraffic { per_second } | FaultKind::UsersAct { per_second, .. }) =
                rule.fault.kind
            else {
                continue;
            };
            let due = due.entry(rule.id).or_default();
            *due += per_second * passed;
            // What a machine that stood still is behind with comes one turn after the other: nobody writes twice in a
            // conversation within a millisecond.
            let mut at_once = (per_second * TURN.as_secs_f64()).ceil();
            while *due >= 1.0 && at_once >= 1.0 {
                *due -= 1.0;
                at_once -= 1.0;
                turn(shared, &rule, &mut dice);
            }
        }
    }
}

fn turn(shared: &Shared, rule: &Rule, dice: &mut fastrand::Rng) {
    let mut guard = shared.world();
    let world = &mut *guard;
    let mut active: Vec<(Arc<str>, Arc<Route>)> = world
        .conversations
        .iter()
        .filter(|(id, _)| rule.fault.concerns(id))
        .filter_map(|(id, c)| c.last_route.as_ref().map(|route| (Arc::clone(id), Arc::clone(route))))
        .collect();
    // A map has no order of its own, and the dice must fall alike.
    active.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    match rule.fault.kind {
        FaultKind::LiveTraffic { .. } => {
            for (_, route) in active {
                write(shared, world, &route, dice);
            }
        }
        FaultKind::UsersAct { act, .. } if !active.is_empty() => {
            let (id, route) = &active[dice.usize(..active.len())];
            misbehave(shared, world, id, route, act, dice);
        }
        _ => {}
    }
}

/// Somebody else of the conversation writes.
fn write(shared: &Shared, world: &mut World, route: &Route, dice: &mut fastrand::Rng) {
    let (sender, to, way) = if route.session == 3 {
        let Some(group) = world.groups.get(route.group.as_ref()) else { return };
        let others: Vec<_> =
            group.in_order().into_iter().map(|(user, _)| user).filter(|u| **u != route.sender).collect();
        let Some(sender) = dice.choice(others) else { return };
        (Arc::clone(sender), route.group.clone(), Way::Group)
    } else {
        (world.name(&route.receiver), route.sender.as_ref().into(), Way::Single)
    };
    let route = world.routes.to(&sender, &to, way);
    let [server_id, client_id] = shared.fresh_ids(world);
    let now = shared.now();
    let id = Arc::clone(&route.conversation);
    let conversation = world.conversation_mut(&id);
    conversation.tally.live += 1;
    let content = format!("{{\"content\":\"live {}\"}}", conversation.tally.live).into();
    let record = Record {
        route,
        server_id,
        client_id,
        send_time: now,
        create_time: now,
        content_type: 101,
        platform: 1,
        content,
        ex: "".into(),
        not_offline_push: false,
        extra: Some(Box::new(Extra { live: true, ..Extra::default() })),
    };
    shared.enqueue(world, Queued::new(record));
}

fn misbehave(
    shared: &Shared,
    world: &mut World,
    id: &Arc<str>,
    route: &Route,
    act: UserAct,
    dice: &mut fastrand::Rng,
) {
    let Some(conversation) = world.conversations.get(id) else { return };
    if conversation.max_seq == 0 {
        return;
    }
    let seq = dice.i64(1..=conversation.max_seq);
    // People are slower than the third stage: they act on what is in the store.
    if conversation.slots(seq).next().is_none_or(|(_, slot)| slot.stored.is_none()) {
        return;
    }
    let mut people: Vec<Arc<str>> = conversation
        .members
        .iter()
        .filter(|(_, m)| m.record_from.is_some())
        .map(|(user, _)| Arc::clone(user))
        .collect();
    people.sort_unstable();
    let Some(user) = dice.choice(people) else { return };
    match act {
        UserAct::Revoke => {
            revoke_for(world, &route.sender, id, seq, shared.now());
        }
        UserAct::Delete => hide(world, &user, id, &[seq]),
        UserAct::Clear => clear_for(world, &user, id),
        UserAct::Any => {
            // Clearing takes everything at once: rarely.
            let act = match dice.u8(..10) {
                0 => UserAct::Clear,
                1..=4 => UserAct::Delete,
                _ => UserAct::Revoke,
            };
            misbehave(shared, world, id, route, act, dice);
        }
    }
}
