//! The messages of one conversation, in the order of sending.

use crate::message::SendTime;

/// How many messages share one stored document (law 7).
const TOGETHER: usize = 100;
/// MongoDB takes 16 MiB; a document has more around the messages.
const TOGETHER_LIMIT: u64 = 15 << 20;

/// Watches the messages of a conversation go by.
#[derive(Debug, Clone)]
pub struct Neighbours {
    last: Option<SendTime>,
    lens: [u32; TOGETHER],
    next: usize,
    sum: u64,
    reported: bool,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { last: None, lens: [0; TOGETHER], next: 0, sum: 0, reported: false }
    }
}

/// What there is to say about a message among its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noticed {
    /// It has the time of the message before it.
    pub same_time: bool,
    /// It and the 99 before it have more bytes than one stored document takes; said once a conversation.
    pub too_large: Option<u64>,
}

impl Neighbours {
    /// The next message of the conversation.
    pub fn next(&mut self, time: SendTime, bytes: u32) -> Noticed {
        let same_time = self.last.replace(time) == Some(time);
        self.sum += u64::from(bytes);
        self.sum -= u64::from(std::mem::replace(&mut self.lens[self.next], bytes));
        self.next = (self.next + 1) % TOGETHER;
        let too_large = (self.sum > TOGETHER_LIMIT && !self.reported).then_some(self.sum);
        self.reported |= too_large.is_some();
        Noticed { same_time, too_large }
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
        let times = [1, 1, 2, 2, 2, 3].map(|ms| neighbours.next(SendTime(ms), 1).same_time);
        assert_eq!(times, [false, true, false, true, true, false]);
        neighbours.clear();
        assert!(!neighbours.next(SendTime(3), 1).same_time);
    }

    #[test]
    fn law_7_a_hundred_neighbours() {
        let mut neighbours = Neighbours::default();
        // 99 of 150 kB and then one of 1 MB: the last document is too large; a hundred smaller ones are not.
        for ms in 0..99 {
            assert_eq!(neighbours.next(SendTime(ms), 150_000).too_large, None);
        }
        assert_eq!(neighbours.next(SendTime(99), 1_000_000).too_large, Some(99 * 150_000 + 1_000_000));
        assert_eq!(neighbours.next(SendTime(100), 1_000_000).too_large, None, "said once");
        neighbours.clear();
        for ms in 0..1000 {
            assert_eq!(neighbours.next(SendTime(ms), 157_000).too_large, None);
        }
    }
}
