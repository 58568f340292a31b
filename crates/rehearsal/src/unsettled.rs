//! What is queued, and neither in the store nor lost yet.

use super::record::Record;
use std::collections::HashMap;

/// By message: a copy that the queue gives out counts to the message that it repeats.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    left: HashMap<[u8; 16], usize>,
    count: usize,
}

/// What was unsettled at one moment.
#[derive(Debug)]
pub(super) struct Then(Vec<[u8; 16]>);

impl Unsettled {
    pub(super) fn add(&mut self, record: &Record) {
        *self.left.entry(record.server_id).or_default() += 1;
        self.count += 1;
    }

    pub(super) fn remove(&mut self, record: &Record) {
        if let Some(left) = self.left.get_mut(&record.server_id) {
            self.count -= 1;
            *left -= 1;
            if *left == 0 {
                self.left.remove(&record.server_id);
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn now(&self) -> Then {
        Then(self.left.keys().copied().collect())
    }
}

impl Then {
    /// Whether all of it is in the store or lost by now, whatever came later.
    pub(super) fn is_settled(&mut self, unsettled: &Unsettled) -> bool {
        while self.0.last().is_some_and(|id| !unsettled.left.contains_key(id)) {
            self.0.pop();
        }
        self.0.is_empty()
    }
}
