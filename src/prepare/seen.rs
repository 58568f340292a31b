//! Which users and conversations a thread has met: their names are written down once and not with every
//! message.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::job::{ConvKey, UserKey};

/// Bounded sets of hashes. When one is full it is forgotten: names are written down again then, which does no
/// harm but for the room.
#[derive(Debug)]
pub(super) struct Seen {
    users: HashSet<u64, BuildHasherDefault<AsItIs>>,
    conversations: HashSet<u64, BuildHasherDefault<AsItIs>>,
    most: usize,
}

/// All threads together remember so many users, and as many conversations: 2 × 10 MB at most.
const MOST: usize = 1 << 19;

impl Seen {
    /// For one of so many threads.
    pub(super) fn new(threads: usize) -> Self {
        Self { users: HashSet::default(), conversations: HashSet::default(), most: MOST / threads.max(1) }
    }

    /// Whether the user wasn't met before; a name makes one who had none new again.
    pub(super) fn is_new_user(&mut self, user: UserKey, has_name: bool) -> bool {
        if self.users.len() >= self.most {
            self.users.clear();
        }
        let (named, nameless) = (user.to_bits() | 1, user.to_bits() & !1);
        if has_name {
            self.users.insert(named)
        } else {
            !self.users.contains(&named) && self.users.insert(nameless)
        }
    }

    /// Whether the conversation of that pair wasn't met before.
    pub(super) fn is_new_conversation(&mut self, key: ConvKey, pair: u32) -> bool {
        if self.conversations.len() >= self.most {
            self.conversations.clear();
        }
        self.conversations.insert(key.low_bits() ^ u64::from(pair) << 16)
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::new(1)
    }
}

/// For what is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_new_once_and_once_more_with_a_name() {
        let mut seen = Seen::default();
        let (ann, bob) = (UserKey::of("ann"), UserKey::of("bob"));
        assert!(seen.is_new_user(ann, false) && !seen.is_new_user(ann, false));
        assert!(seen.is_new_user(ann, true) && !seen.is_new_user(ann, true) && !seen.is_new_user(ann, false));
        assert!(seen.is_new_user(bob, true) && !seen.is_new_user(bob, false));
        let key = ConvKey::group("g");
        assert!(seen.is_new_conversation(key, 1) && seen.is_new_conversation(key, 2));
        assert!(!seen.is_new_conversation(key, 1));
    }

    #[test]
    fn a_full_set_forgets() {
        let mut seen = Seen { most: 2, ..Seen::default() };
        let users = ["a", "b", "c"].map(UserKey::of);
        assert!(users.iter().all(|user| seen.is_new_user(*user, false)));
        assert!(seen.is_new_user(users[0], false));
    }
}
