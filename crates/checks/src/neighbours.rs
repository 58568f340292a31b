//! The messages of one conversation, in the order of sending.

use crate::message::SendTime;

/// How many messages share one stored document (law 7).
pub const TOGETHER: usize = 100;
/// MongoDB takes 16 MiB; a document has more around the messages.
const TOGETHER_LIMIT: u64 = 15 << 20;
/// A server makes six bytes at most of one: see [`super::grown`].
const MOST_GROWN: u64 = 6;

/// A message as one of a stored document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weight {
    /// Where its record begins in the spool.
    at: u64,
    /// Bytes of its record.
    len: u32,
    /// As the server writes it, if somebody has looked.
    stored: Option<u64>,
}

impl Weight {
    /// Of a record that nobody has looked into.
    pub fn of_record(at: u64, len: u32) -> Self {
        Self { at, len, stored: None }
    }

    fn at_most(&self) -> u64 {
        self.stored.unwrap_or(MOST_GROWN * u64::from(self.len))
    }
}

/// Watches the messages of a conversation go by.
#[derive(Debug, Clone)]
pub struct Neighbours {
    last: Option<SendTime>,
    weights: [Weight; TOGETHER],
    next: usize,
    /// What all of them weigh at most.
    at_most: u64,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { last: None, weights: [Weight::default(); TOGETHER], next: 0, at_most: 0 }
    }
}

impl Neighbours {
    /// How many bytes the next message and the 99 before it have, if that is more than one stored document takes. `grown` says
    /// how many bytes a server adds to the record there: it is asked only where that may decide, once for each.
    pub fn too_large_with<E>(
        &mut self,
        weight: &mut Weight,
        mut grown: impl FnMut(u64, u32) -> Result<u64, E>,
    ) -> Result<Option<u64>, E> {
        let beside = |all: &Self| all.at_most - all.weights[all.next].at_most();
        if beside(self) + weight.at_most() <= TOGETHER_LIMIT {
            return Ok(None);
        }
        for weight in self.weights.iter_mut().chain([&mut *weight]) {
            if weight.stored.is_none() && weight.len > 0 {
                weight.stored = Some(u64::from(weight.len) + grown(weight.at, weight.len)?);
            }
        }
        self.at_most = self.weights.iter().map(Weight::at_most).sum();
        let sum = beside(self) + weight.at_most();
        Ok((sum > TOGETHER_LIMIT).then_some(sum))
    }

    /// The next message of the conversation; whether it has the time of the one before it.
    pub fn next(&mut self, time: SendTime, weight: Weight) -> bool {
        self.beside(weight);
        self.last.replace(time) == Some(time)
    }

    /// A message that went before, in an earlier pass.
    pub fn beside(&mut self, weight: Weight) {
        self.at_most += weight.at_most();
        self.at_most -= std::mem::replace(&mut self.weights[self.next], weight).at_most();
        self.next = (self.next + 1) % TOGETHER;
    }

    /// Another conversation begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn weight(len: u32) -> Weight {
        Weight::of_record(0, len)
    }

    /// With one more of that length, each of whose bytes becomes so many.
    fn with(neighbours: &mut Neighbours, len: u32, times: u64) -> Option<u64> {
        let grown = |_, len| Ok::<_, Infallible>((times - 1) * u64::from(len));
        neighbours.too_large_with(&mut weight(len), grown).unwrap()
    }

    #[test]
    fn equal_times() {
        let mut neighbours = Neighbours::default();
        let times = [1, 1, 2, 2, 2, 3].map(|ms| neighbours.next(SendTime(ms), weight(1)));
        assert_eq!(times, [false, true, false, true, true, false]);
        neighbours.clear();
        assert!(!neighbours.next(SendTime(3), weight(1)));
    }

    #[test]
    fn law_7_a_hundred_neighbours() {
        let mut neighbours = Neighbours::default();
        // 99 of 150 kB and then one of 1 MB: the last document is too large; a hundred smaller ones are not.
        for ms in 0..99 {
            assert_eq!(with(&mut neighbours, 150_000, 1), None);
            neighbours.next(SendTime(ms), weight(150_000));
        }
        assert_eq!(with(&mut neighbours, 1_000_000, 1), Some(99 * 150_000 + 1_000_000));
        assert_eq!(with(&mut neighbours, 150_000, 1), None, "what is left out is no neighbour");
        neighbours.clear();
        for _ in 0..1000 {
            assert_eq!(with(&mut neighbours, 157_000, 1), None);
            neighbours.beside(weight(157_000));
        }
        assert!(with(&mut neighbours, 1_000_000, 1).is_some());
    }

    #[test]
    fn what_the_server_makes_of_them_counts() {
        for (len, times) in [(157_000, 1), (52_000, 3), (26_000, 6)] {
            let mut neighbours = Neighbours::default();
            for ms in 0..1000 {
                assert_eq!(with(&mut neighbours, len, times), None);
                neighbours.next(SendTime(ms), weight(len));
            }
            assert!(with(&mut neighbours, 700_000, times).is_some());
        }
    }

    #[test]
    fn only_what_may_decide_is_looked_at_and_that_once() {
        let (mut neighbours, mut looked) = (Neighbours::default(), Vec::new());
        for at in 0..200 {
            let mut weight = Weight::of_record(at, if at < 100 { 26_000 } else { 27_000 });
            let grown = |at, _| {
                looked.push(at);
                Ok::<_, Infallible>(0)
            };
            assert_eq!(neighbours.too_large_with(&mut weight, grown).unwrap(), None);
            neighbours.next(SendTime(0), weight);
        }
        looked.sort_unstable();
        assert!(looked[0] > 0 && looked[0] < 100 && looked.len() > 100, "{looked:?}");
        assert!(looked.windows(2).all(|pair| pair[0] < pair[1]), "{looked:?}");
    }
}
