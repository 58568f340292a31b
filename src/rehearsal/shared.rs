//! What all parts of a running server share.

use super::options::{Options, Users};
use super::pace::Pace;
use super::token::{self, Claims};
use super::world::{User, World};
use crate::message::Release;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// A running server, behind an `Arc`.
pub(super) struct Shared {
    pub(super) options: Options,
    world: Mutex<World>,
    /// Tokens that were verified, so that a signature is computed once.
    tokens: Mutex<HashMap<Box<str>, Claims>>,
    /// How far the clock was put forward, ms.
    clock_offset: AtomicI64,
    /// The first queue got its first message, or its 500th.
    pub(super) queued: Notify,
    pub(super) pace: Pace,
    /// Makes the ids of this run unlike those of another.
    nonce: u64,
}

impl Shared {
    pub(super) fn new(options: Options) -> Self {
        let mut world = World::default();
        let shared_clock = wall_clock();
        world.users.insert(
            options.admin.as_str().into(),
            User {
                nickname: options.admin.as_str().into(),
                face_url: "".into(),
                ex: "".into(),
                created: shared_clock,
                receive_option: 0,
                level: 3,
            },
        );
        Self {
            world: Mutex::new(world),
            tokens: Mutex::default(),
            clock_offset: AtomicI64::new(0),
            queued: Notify::new(),
            pace: Pace::new(options.timing.answer, options.seed),
            nonce: fastrand::u64(..),
            options,
        }
    }

    /// Everything the server knows. Never held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn release(&self) -> Release {
        self.options.release
    }

    pub(super) fn auto_users(&self) -> bool {
        self.options.users == Users::Auto
    }

    /// The server's clock, ms since 1970.
    pub(super) fn now(&self) -> i64 {
        wall_clock() + self.clock_offset.load(Ordering::Relaxed)
    }

    /// Puts the clock forward.
    pub(super) fn advance_clock(&self, ms: i64) {
        self.clock_offset.fetch_add(ms, Ordering::Relaxed);
    }

    /// Whose token it is.
    pub(super) fn verify(&self, token: &str) -> Result<Claims, token::Bad> {
        let now = self.now() / 1000;
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = known.get(token).filter(|c| now < c.exp) {
            return Ok(claims.clone());
        }
        let claims = token::verify(&self.options.secret, token, now)?;
        if known.len() >= 10_000 {
            known.clear();
        }
        known.insert(token.into(), claims.clone());
        Ok(claims)
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
