//! Messages of a conversation that have the same time: each a millisecond later than the one before it.

use crate::message::SendTime;

/// Gives the messages of a conversation, which come in order, times that are all different.
///
/// Only exact equals are moved, and whom they push on. A later pass goes on where the one before it ended: the
/// same messages in two passes get the same times as in one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread {
    /// The last time that was given.
    last: Option<SendTime>,
    /// What earlier passes had last: as the export says, and as it was sent.
    earlier: Option<(SendTime, SendTime)>,
}

impl Spread {
    /// Behind what earlier passes had last.
    pub(super) fn after(time: SendTime, sent: SendTime) -> Self {
        Self { last: None, earlier: Some((time, sent)) }
    }

    /// How many ms later than its time the next message is sent.
    pub(super) fn next(&mut self, time: SendTime) -> u32 {
        // What is older than all that was sent has room there.
        if let Some((last, sent)) = self.earlier.filter(|(last, _)| time >= *last) {
            debug_assert!(sent >= last, "sending is never earlier than the export says");
            self.last = self.last.max(Some(sent));
            self.earlier = None;
        }
        let given = match self.last {
            Some(last) if time <= last => SendTime(last.0 + 1),
            _ => time,
        };
        self.last = Some(given);
        u32::try_from(given.0 - time.0).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(spread: &mut Spread, times: &[i64]) -> Vec<i64> {
        times.iter().map(|time| time + i64::from(spread.next(SendTime(*time)))).collect()
    }

    #[test]
    fn equals_and_whom_they_push_on() {
        assert_eq!(sent(&mut Spread::default(), &[5, 5, 5, 6, 9, 9]), [5, 6, 7, 8, 9, 10]);
        assert_eq!(sent(&mut Spread::default(), &[1, 3, 7]), [1, 3, 7]);
    }

    #[test]
    fn older_ones_of_a_later_pass_stay_where_they_belong() {
        let mut spread = Spread::after(SendTime(50), SendTime(52));
        assert_eq!(sent(&mut spread, &[10, 10, 49, 50, 50, 51, 60]), [10, 11, 49, 53, 54, 55, 60]);
    }

    proptest! {
        #[test]
        fn times_rise_and_passes_make_no_difference(
            mut times in prop::collection::vec(0i64..40, 1..60), cut in 0usize..60
        ) {
            times.sort_unstable();
            let at_once = sent(&mut Spread::default(), &times);
            prop_assert!(at_once.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(at_once.iter().zip(&times).all(|(sent, time)| sent >= time));
            let different = times.windows(2).all(|pair| pair[0] < pair[1]);
            prop_assert!(!different || at_once == times);
            let cut = cut.min(times.len());
            let mut first = sent(&mut Spread::default(), &times[..cut]);
            if cut > 0 {
                let mut later = Spread::after(SendTime(times[cut - 1]), SendTime(first[cut - 1]));
                first.extend(sent(&mut later, &times[cut..]));
                prop_assert_eq!(first, at_once);
            }
        }
    }
}
