//! Is nearly everything refused for one reason, or for several that are mended together? Then something is wrong with the server or with what was
//! prepared, and a night of rejects helps nobody.

use std::collections::VecDeque;

use crate::openim::Reason;

/// The last answers that decided about a message.
#[derive(Debug, Default)]
pub(super) struct Tally {
    recent: VecDeque<Option<Reason>>,
    refused: u32,
    /// It was said that nearly everything is refused.
    stopped: bool,
}

/// So many answers are looked at, and needed.
const LOOK_AT: usize = 500;
const NEEDED: usize = 200;
/// "Nearly everything", in hundredths.
const SHARE: usize = 95;

impl Tally {
    /// A message was taken (`None`) or refused. Gives the reason if nearly everything is refused for it.
    pub(super) fn count(&mut self, answer: Option<Reason>) -> Option<Reason> {
        if self.recent.len() == LOOK_AT {
            self.refused -= u32::from(self.recent.pop_front().flatten().is_some());
        }
        self.refused += u32::from(answer.is_some());
        self.recent.push_back(answer);
        // Cheap for as long as things go well.
        let reason = answer?;
        if self.recent.len() < NEEDED || (self.refused as usize) * 100 < SHARE * self.recent.len() {
            return None;
        }
        let same = |one: &&Option<Reason>| one.is_some_and(|one| one.is_mended_with(reason));
        self.stopped |= self.recent.iter().filter(same).count() * 100 >= SHARE * self.recent.len();
        self.stopped.then_some(reason)
    }

    /// Enough was seen to say that not nearly everything is refused.
    pub(super) fn is_conclusive(&self) -> bool {
        self.recent.len() >= NEEDED && !self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_for_nearly_everything() {
        let mut tally = Tally::default();
        let mut stopped = None;
        for n in 0..300 {
            let answer = (n % 50 != 0).then_some(Reason::NotMember);
            if tally.count(answer).is_some() && stopped.is_none() {
                stopped = Some(n);
            }
        }
        assert_eq!(stopped, Some(199));
    }

    #[test]
    fn several_reasons_or_some_success_are_no_ground_to_stop() {
        let mut tally = Tally::default();
        for n in 0..2_000 {
            let reason = if n % 2 == 0 { Reason::NotMember } else { Reason::Blocked };
            assert_eq!(tally.count(Some(reason)), None);
        }
        let mut tally = Tally::default();
        for n in 0..2_000 {
            assert_eq!(tally.count((n % 10 != 0).then_some(Reason::Blocked)), None);
        }
    }

    #[test]
    fn it_also_notices_later() {
        let mut tally = Tally::default();
        assert!((0..5_000).all(|_| tally.count(None).is_none()));
        let n = (0..1_000).position(|_| tally.count(Some(Reason::GroupMuted)).is_some()).unwrap();
        assert!((470..500).contains(&n), "{n}");
    }
}
