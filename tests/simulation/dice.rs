//! One source of chance for all of a life.

use std::sync::{Arc, Mutex, PoisonError};

/// Dice that all parts of a life throw.
#[derive(Debug, Clone)]
pub(super) struct Dice(Arc<Mutex<fastrand::Rng>>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    pub(super) fn throw<T>(&self, with: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From 0 to below `end`.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.throw(|dice| dice.u64(..end.max(1)))
    }

    /// True with so many of a thousand.
    pub(super) fn per_mille(&self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// One of `most` at most, small ones more often.
    pub(super) fn few(&self, most: u64) -> u64 {
        let end = 1 + self.below(most);
        1 + self.below(end)
    }

    pub(super) fn one_of<T: Copy, const N: usize>(&self, choices: [T; N]) -> T {
        choices[self.throw(|dice| dice.usize(..N))]
    }
}
