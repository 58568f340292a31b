//! The messages of one conversation, in the order of sending.

use crate::message::SendTime;

/// How many messages share one stored document (law 7).
pub const TOGETHER: usize = 100;
/// MongoDB takes 16 MiB; a document has more around the messages.
const TOGETHER_LIMIT: u64 = 15 << 20;

/// Watches the messages of a conversation go by.
#[derive(Debug, Clone)]
pub struct Neighbours {
    last: Option<SendTime>,
    lens: [u32; TOGETHER],
    next: usize,
    sum: u64,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { last: None, lens: [0; TOGETHER], next: 0, sum: 0 }
    }
}

impl Neighbours {
    /// How many bytes the next message and the 99 before it have, if that is more than one stored document takes.
    pub fn too_large_with(&self, bytes: u32) -> Option<u64> {
        let sum = self.sum + u64::from(bytes) - u64::from(self.lens[self.next]);
        (sum > TOGETHER_LIMIT).then_some(sum)
    }

    /// The next message of the conversation; whether it has the time of the one before it.
    pub fn next(&mut self, time: SendTime, bytes: u32) -> bool {
        self.beside(bytes);
        self.last.replace(time) == Some(time)
    }

    /// A message that went before, in an earlier pass.
    pub fn beside(&mut self, bytes: u32) {
        self.sum += u64::from(bytes);
        self.sum -= u64::from(std::mem::replace(&mut self.lens[self.next], bytes));
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

    #[test]
    fn equal_times() {
        let mut neighbours = Neighbours::default();
        let times = [1, 1, 2, 2, 2, 3].map(|ms| neighbours.next(SendTime(ms), 1));
        assert_eq!(times, [false, true, false, true, true, false]);
        neighbours.clear();
        assert!(!neighbours.next(SendTime(3), 1));
    }

    #[test]
    fn law_7_a_hundred_neighbours() {
        let mut neighbours = Neighbours::default();
        // 99 of 150 kB and then one of 1 MB: the last document is too large; a hundred smaller ones are not.
        for ms in 0..99 {
            assert_eq!(neighbours.too_large_with(150_000), None);
            neighbours.next(SendTime(ms), 150_000);
        }
        assert_eq!(neighbours.too_large_with(1_000_000), Some(99 * 150_000 + 1_000_000));
        assert_eq!(neighbours.too_large_with(150_000), None, "what is left out is no neighbour");
        neighbours.clear();
        for _ in 0..1000 {
            assert_eq!(neighbours.too_large_with(157_000), None);
            neighbours.beside(157_000);
        }
        assert!(neighbours.too_large_with(1_000_000).is_some());
    }
}
