//! People who write to each other while an import runs, and measure how long their messages take: from the answer,
//! which is when a message is in the queue, to its being readable.

use super::record::{Extra, Record, Way};
use super::shared::Shared;
use super::world::{Queued, User, World};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Each pair writes so often.
const EVERY: Duration = Duration::from_millis(500);
/// Measurements kept: some hours of a few pairs.
const KEPT: usize = 1 << 18;

/// What live users felt. Those whose messages still wait count with their age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveProbe {
    /// Messages they wrote.
    pub sent: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Of these, still waiting.
    pub waiting: u64,
    /// Half of the delays are at most so long, ms.
    pub p50_ms: u64,
    /// 95 of 100 are.
    pub p95_ms: u64,
    /// All are.
    pub max_ms: u64,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Felt {
    /// When it was written, ms since the server began.
    pub at_ms: u64,
    /// How long it took to be readable, ms.
    pub delay_ms: u64,
}

/// What is known of the messages of the pairs.
#[derive(Debug)]
pub(super) struct Probe {
    began: Instant,
    sent: u64,
    lost: u64,
    waiting: HashMap<[u8; 16], Instant>,
    felt: Vec<Felt>,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), sent: 0, lost: 0, waiting: HashMap::new(), felt: Vec::new() }
    }

    /// A message can be read now; only the first copy counts.
    pub(super) fn written(&mut self, record: &Record) {
        if let Some(since) = self.waiting.remove(&record.server_id)
            && self.felt.len() < KEPT
        {
            self.felt.push(self.measured(since));
        }
    }

    pub(super) fn lost(&mut self, record: &Record) {
        self.lost += u64::from(self.waiting.remove(&record.server_id).is_some());
    }

    fn measured(&self, since: Instant) -> Felt {
        Felt { at_ms: millis(since - self.began), delay_ms: millis(since.elapsed()) }
    }

    /// All measurements, those that still wait with their age, in the order of writing.
    pub(super) fn felt(&self) -> Vec<Felt> {
        let mut felt = self.felt.clone();
        felt.extend(self.waiting.values().map(|since| self.measured(*since)));
        felt.sort_unstable_by_key(|one| one.at_ms);
        felt
    }

    pub(super) fn summary(&self) -> LiveProbe {
        let mut delays: Vec<u64> = self.felt().iter().map(|one| one.delay_ms).collect();
        delays.sort_unstable();
        let at = |hundredths: usize| {
            let rank = (delays.len() * hundredths).div_ceil(100).max(1) - 1;
            delays.get(rank).copied().unwrap_or(0)
        };
        LiveProbe {
            sent: self.sent,
            lost: self.lost,
            waiting: u64::try_from(self.waiting.len()).unwrap_or(u64::MAX),
            p50_ms: at(50),
            p95_ms: at(95),
            max_ms: at(100),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Lets the pairs write as long as the server runs, one after the other, so that they don't share batches.
pub(super) async fn run(shared: &Shared) {
    let pairs = u32::from(shared.options.live_probe);
    if pairs == 0 {
        return;
    }
    let mut dice = fastrand::Rng::with_seed(shared.options.seed);
    for turn in 0u64.. {
        // Never in step with the batches.
        tokio::time::sleep((EVERY / pairs).mul_f64(0.5 + dice.f64())).await;
        let (pair, round) = (turn % u64::from(pairs), turn / u64::from(pairs));
        write(shared, &mut shared.world(), pair, round);
    }
}

fn write(shared: &Shared, world: &mut World, pair: u64, round: u64) {
    let now = shared.now();
    let people = ["a", "b"].map(|side| {
        let id = format!("probe{pair}{side}");
        let name: Arc<str> = id.as_str().into();
        world.users.entry(Arc::clone(&name)).or_insert_with(|| User::named(&id, now));
        world.name(&name)
    });
    let (from, to) = if round.is_multiple_of(2) { (0, 1) } else { (1, 0) };
    let route = world.routes.to(&people[from], &people[to], Way::Single);
    let [server_id, client_id] = shared.fresh_ids(world);
    world.conversation_mut(&route.conversation).tally.live += 1;
    if let Some(probe) = &mut world.probe {
        probe.sent += 1;
        probe.waiting.insert(server_id, Instant::now());
    }
    let record = Record {
        route,
        server_id,
        client_id,
        send_time: now,
        create_time: now,
        content_type: 101,
        platform: 1,
        content: format!("{{\"content\":\"probe {round}\"}}").into(),
        ex: "".into(),
        not_offline_push: false,
        extra: Some(Box::new(Extra { live: true, ..Extra::default() })),
    };
    shared.enqueue(world, Queued::new(record));
}
