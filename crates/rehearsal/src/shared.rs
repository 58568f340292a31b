//! What all parts of a running server share.

use super::again::Again;
use super::chat::Chat;
use super::faults::Faults;
use super::objects::Objects;
use super::options::{Options, Users};
use super::pace::Pace;
use super::probe::Probe;
use super::release::Traits;
use super::token::{self, Bad, Claims};
use super::world::{Queued, User, World};
use crate::message::Release;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A running server, behind an `Arc`.
pub(super) struct Shared {
    pub(super) options: Options,
    world: Mutex<World>,
    /// Tokens that were given out, or verified, so that a signature is computed once.
    tokens: Mutex<HashMap<Box<str>, Known>>,
    pub(super) faults: Faults,
    pub(super) objects: Objects,
    pub(super) chat: Chat,
    /// Changes when all connections are cut.
    gate: watch::Sender<CutAll>,
    /// The server's clock when it started, ms since 1970, and that moment.
    began: (i64, Instant),
    /// How far the clock was put forward, ms.
    clock_offset: AtomicI64,
    /// The first queue got its first message, or its 500th.
    pub(super) queued: Notify,
    pub(super) pace: Pace,
    /// What questions took from storing and the second stage has not made up for, ns.
    debt: AtomicU64,
    /// Makes the ids of this run unlike those of another.
    nonce: u64,
}

/// What is known of a token.
struct Known {
    claims: Claims,
    issued: bool,
    bad: Option<Bad>,
    /// When another login ends it, s since 1970.
    ends: Option<i64>,
}

/// All connections are cut, and nothing listens for a while.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CutAll {
    /// How many-th.
    pub(super) number: u64,
    /// For how long nothing listens.
    pub(super) down: Duration,
}

impl Shared {
    pub(super) fn new(options: Options) -> std::io::Result<Self> {
        let mut world = World {
            again: options.watch_again.then(Again::default),
            probe: (options.live_probe > 0).then(Probe::new),
            ..World::default()
        };
        let began = (options.starts_at.unwrap_or_else(wall_clock), Instant::now());
        world.users.insert(options.admin.as_str().into(), admin_user(&options, began.0));
        Ok(Self {
            world: Mutex::new(world),
            objects: Objects::open(options.objects_folder())?,
            chat: Chat::default(),
            tokens: Mutex::default(),
            faults: Faults::new(options.seed, options.faults.clone()),
            gate: watch::Sender::default(),
            began,
            clock_offset: AtomicI64::new(0),
            queued: Notify::new(),
            pace: Pace::new(options.timing.answer, options.seed),
            debt: AtomicU64::new(0),
            nonce: if options.starts_at.is_some() { mix(options.seed) } else { fastrand::u64(..) },
            options,
        })
    }

    /// Somebody asked about so many conversations.
    pub(super) fn asked(&self, conversations: usize) {
        self.owe(self.options.capacity.map(|capacity| capacity.asking(conversations)));
    }

    /// Somebody read so many messages.
    pub(super) fn was_read(&self, messages: usize) {
        self.owe(self.options.capacity.map(|capacity| capacity.reading(messages)));
    }

    fn owe(&self, time: Option<Duration>) {
        if let Some(time) = time {
            self.debt.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// What questions took meanwhile from the time for storing.
    pub(super) fn take_debt(&self) -> Duration {
        Duration::from_nanos(self.debt.swap(0, Ordering::Relaxed))
    }

    /// Everything the server knows. Never held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn release(&self) -> Release {
        self.options.release
    }

    /// How that release behaves.
    pub(super) const fn traits(&self) -> &'static Traits {
        Traits::of(self.options.release)
    }

    pub(super) fn auto_users(&self) -> bool {
        self.options.users == Users::Auto
    }

    /// The server's clock, ms since 1970.
    pub(super) fn now(&self) -> i64 {
        let (at, then) = self.began;
        let since = i64::try_from(then.elapsed().as_millis()).unwrap_or(i64::MAX);
        at.saturating_add(since).saturating_add(self.clock_offset.load(Ordering::Relaxed))
    }

    /// Puts the clock forward.
    pub(super) fn advance_clock(&self, ms: i64) {
        self.clock_offset.fetch_add(ms, Ordering::Relaxed);
    }

    /// A fresh token. Where a login ends the older ones, two of one second are the same.
    pub(super) fn issue(&self, user: &str, platform: i32) -> String {
        let mut known = self.tokens();
        let now = self.now() / 1000;
        if let Some(seconds) = self.traits().logins_end_tokens.filter(|_| user == self.options.admin) {
            let newest = known.iter().filter(|(_, k)| k.issued && k.claims.user == user && k.ends.is_none());
            if let Some((same, _)) = newest.clone().find(|(_, k)| k.claims.iat == now && k.bad.is_none()) {
                return same.to_string();
            }
            let older: Vec<Box<str>> = newest.map(|(token, _)| token.clone()).collect();
            for token in older {
                if let Some(older) = known.get_mut(&token) {
                    older.ends = Some(now + seconds);
                }
            }
        }
        let serial = i64::try_from(known.len()).unwrap_or_default();
        let (token, claims) = token::issue(&self.options.secret, user, platform, now, serial);
        known.insert(token.as_str().into(), Known { claims, issued: true, bad: None, ends: None });
        token
    }

    /// Whose token it is.
    pub(super) fn verify(&self, token: &str) -> Result<Claims, Bad> {
        let now = self.now() / 1000;
        let mut tokens = self.tokens();
        if let Some(known) = tokens.get(token).filter(|known| now < known.claims.exp) {
            return match known.bad {
                Some(bad) => Err(bad),
                None if known.ends.is_some_and(|ends| ends < now) => Err(Bad::NotExisting),
                None if known.issued || self.takes_foreign(&known.claims) => Ok(known.claims.clone()),
                None => Err(Bad::NotExisting),
            };
        }
        let claims = token::verify(&self.options.secret, token, now)?;
        if !self.takes_foreign(&claims) {
            return Err(Bad::NotExisting);
        }
        tokens.insert(token.into(), Known { claims: claims.clone(), issued: false, bad: None, ends: None });
        Ok(claims)
    }

    fn takes_foreign(&self, claims: &Claims) -> bool {
        self.traits().takes_foreign_tokens && claims.user == self.options.admin
    }

    /// All tokens known so far are good no more.
    pub(super) fn void_tokens(&self, bad: Bad) {
        for known in self.tokens().values_mut() {
            known.bad = Some(bad);
        }
    }

    /// The tokens of a user are good no more.
    pub(super) fn void_tokens_of(&self, user: &str) {
        for known in self.tokens().values_mut().filter(|known| known.claims.user == user) {
            known.bad = Some(Bad::NotExisting);
        }
    }

    /// The tokens that are good.
    pub(super) fn good_tokens(&self) -> Vec<String> {
        let tokens = self.tokens();
        tokens
            .iter()
            .filter(|(_, known)| known.issued && known.bad.is_none())
            .map(|(t, _)| t.to_string())
            .collect()
    }

    /// A token that an earlier process gave out.
    pub(super) fn restore_token(&self, token: &str) {
        if let Ok(claims) = token::verify(&self.options.secret, token, self.now() / 1000) {
            self.tokens().insert(token.into(), Known { claims, issued: true, bad: None, ends: None });
        }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<Box<str>, Known>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts all connections and listens no more for that long.
    pub(super) fn cut_all(&self, down: Duration) {
        self.gate.send_modify(|cut| *cut = CutAll { number: cut.number + 1, down });
    }

    /// Tells when connections are cut.
    pub(super) fn gate(&self) -> watch::Receiver<CutAll> {
        self.gate.subscribe()
    }

    /// A message goes into the first queue.
    pub(super) fn enqueue(&self, world: &mut World, queued: Queued) {
        world.unsettled.add(&queued.record);
        world.queue.push_back(queued);
        if world.queue.len() == 1 || world.queue.len() == super::queue::BATCH {
            self.queued.notify_one();
        }
    }

    /// A number that nobody has yet.
    pub(super) fn fresh_number(&self, world: &mut World) -> u64 {
        world.ids += 1;
        mix(self.nonce ^ world.ids)
    }

    /// The version id of somebody's list: 24 hexadecimal digits, always the same.
    pub(super) fn version_id(&self, of: &str) -> String {
        let hash = xxhash_rust::xxh3::xxh3_128(of.as_bytes()) ^ u128::from(self.nonce);
        format!("{hash:032x}")[..24].to_owned()
    }

    /// Two ids that nobody has yet: the server's and the client's of one message.
    pub(super) fn fresh_ids(&self, world: &mut World) -> [[u8; 16]; 2] {
        world.ids += 1;
        let id = |salt: u64| {
            let high = mix(self.nonce ^ salt.wrapping_add(world.ids << 1));
            let low = mix(high ^ world.ids);
            (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
        };
        [id(0), id(1)]
    }
}

/// The admin's own record; on main another one where a chat server is beside it, as measured.
fn admin_user(options: &Options, now: i64) -> User {
    let beside_chat = options.chat.is_some();
    let super_admin = beside_chat && options.release == Release::Main;
    User {
        nickname: if super_admin { "superAdmin" } else { options.admin.as_str() }.into(),
        face_url: "".into(),
        ex: "".into(),
        // What Go has in place of no time.
        created: if beside_chat { -62_135_596_800_000 } else { now },
        receive_option: 0,
        level: if super_admin { 2 } else { 3 },
    }
}

/// A number from another, one to one, with nothing of it left to see (splitmix64).
pub(super) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn wall_clock() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
