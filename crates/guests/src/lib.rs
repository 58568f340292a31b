//! Who is connected to a port of ours, and who gives way when there is no room left: whoever has been silent longest.
//!
//! A port that lets others wait instead is shut by whoever opens so many connections and says nothing on them; one that
//! closes silent ones after a while is shut by whoever opens them anew. Here each newcomer has a place at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Places for so many.
#[derive(Debug, Clone)]
pub struct Room(Arc<Mutex<Places>>);

#[derive(Debug)]
struct Places {
    most: usize,
    /// Whoever spoke last stands last.
    taken: BTreeMap<u64, CancellationToken>,
    next: u64,
}

/// A connection's place, free again when this is dropped.
#[derive(Debug)]
pub struct Guest {
    room: Room,
    /// Where it stands among the others; none where it need not give way.
    at: Mutex<Option<u64>>,
    leave: CancellationToken,
}

impl Room {
    /// With so many places.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Places { most, taken: BTreeMap::new(), next: 0 })))
    }

    /// A newcomer takes a place; whoever has been silent longest leaves if there is none.
    pub fn enter(&self) -> Guest {
        let leave = CancellationToken::new();
        let mut places = lock(&self.0);
        if places.taken.len() >= places.most
            && let Some((_, silent)) = places.taken.pop_first()
        {
            silent.cancel();
        }
        let at = places.put(leave.clone());
        Guest { room: self.clone(), at: Mutex::new(Some(at)), leave }
    }
}

impl Places {
    fn put(&mut self, leave: CancellationToken) -> u64 {
        self.next += 1;
        self.taken.insert(self.next, leave);
        self.next
    }
}

impl Guest {
    /// It has said something whole: all others leave before it.
    pub fn spoke(&self) {
        let mut at = lock(&self.at);
        let Some(old) = *at else { return };
        let mut places = lock(&self.room.0);
        // Who has been asked to leave already does not come back.
        if places.taken.remove(&old).is_some() {
            *at = Some(places.put(self.leave.clone()));
        }
    }

    /// It looks on for long, and is counted elsewhere: it never gives way.
    pub fn stays(&self) {
        if let Some(at) = lock(&self.at).take() {
            lock(&self.room.0).taken.remove(&at);
        }
    }

    /// Whether it never gives way.
    pub fn is_staying(&self) -> bool {
        lock(&self.at).is_none()
    }

    /// It has to leave.
    pub fn dismiss(&self) {
        self.leave.cancel();
    }

    /// Returns when it has to leave.
    pub async fn leaves(&self) {
        self.leave.cancelled().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stays();
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_to_leave(guest: &Guest) -> bool {
        guest.leave.is_cancelled()
    }

    #[test]
    fn whoever_has_been_silent_longest_leaves() {
        let room = Room::new(2);
        let (first, second) = (room.enter(), room.enter());
        first.spoke();
        let third = room.enter();
        assert_eq!([&first, &second, &third].map(has_to_leave), [false, true, false]);
        // It is too late for that.
        second.spoke();
        let fourth = room.enter();
        assert_eq!([&first, &third, &fourth].map(has_to_leave), [true, false, false]);
        drop(third);
        let fifth = room.enter();
        assert_eq!([&fourth, &fifth].map(has_to_leave), [false, false], "a place was free");
    }

    #[test]
    fn who_stays_takes_no_place() {
        let room = Room::new(1);
        let onlooker = room.enter();
        onlooker.stays();
        let next = room.enter();
        let another = room.enter();
        assert_eq!([&onlooker, &next, &another].map(has_to_leave), [false, true, false]);
        assert!(onlooker.is_staying() && !another.is_staying());
    }

    #[tokio::test]
    async fn who_is_dismissed_leaves() {
        let guest = Room::new(1).enter();
        guest.dismiss();
        guest.leaves().await;
    }
}
