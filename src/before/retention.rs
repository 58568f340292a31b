//! Law 6: what the server's night job deletes, computed before anything is sent.
//!
//! The job deletes a stored document when none of its messages is newer than the cutoff, and then moves the
//! conversation's first readable seq behind it: whatever stood lower is hidden, however new it is
//! (read in the source, `DestructMsgs`). A document holds the seqs `100 n + 1 ..= 100 n + 100` (law 7).

use crate::message::SendTime;

/// Messages that share a document (law 7).
const DOCUMENT: i64 = 100;

/// What a conversation, or several, would lose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Messages deleted.
    pub deleted: u64,
    /// Newer ones, still stored, that nobody could read any more.
    pub hidden: u64,
}

impl Loss {
    /// Whether there is none.
    pub const fn is_none(self) -> bool {
        self.deleted == 0
    }
}

/// The newest time that is deleted at the next run of a nightly job, seen from `now`.
///
/// A day is added because the job runs once a day: what gets too old before its next run is lost then.
pub fn cutoff(now: SendTime, days: i64) -> SendTime {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    SendTime(now.0.saturating_add(DAY).saturating_sub(days.max(0).saturating_mul(DAY)))
}

/// Works through one conversation's messages in the order in which they are sent.
#[derive(Debug)]
pub struct Walk {
    cutoff: SendTime,
    next_seq: i64,
    /// Messages of the document being filled, and whether all of it is old.
    filling: u64,
    all_old: bool,
    /// Messages in the documents before that stay.
    kept: u64,
    loss: Loss,
}

impl Walk {
    /// The first message gets the seq after `max_seq`. What stands below it in the same document is taken
    /// for new, so that the figures are never too high.
    pub fn new(max_seq: i64, cutoff: SendTime) -> Self {
        let max_seq = max_seq.max(0);
        Self {
            cutoff,
            next_seq: max_seq + 1,
            filling: 0,
            all_old: max_seq % DOCUMENT == 0,
            kept: 0,
            loss: Loss::default(),
        }
    }

    /// The next message.
    pub fn message(&mut self, time: SendTime) {
        if (self.next_seq - 1) % DOCUMENT == 0 {
            self.close();
        }
        self.filling += 1;
        self.all_old &= time <= self.cutoff;
        self.next_seq += 1;
    }

    /// After the last message. The last document, half filled as it may be, goes like any other.
    pub fn end(mut self) -> Loss {
        self.close();
        self.loss
    }

    fn close(&mut self) {
        if self.filling > 0 && self.all_old {
            self.loss.deleted += self.filling;
            self.loss.hidden = self.kept;
        } else {
            self.kept += self.filling;
        }
        (self.filling, self.all_old) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CUTOFF: SendTime = SendTime(1000);
    const OLD: SendTime = SendTime(1000);
    const NEW: SendTime = SendTime(1001);

    fn loss(max_seq: i64, times: impl IntoIterator<Item = SendTime>) -> Loss {
        let mut walk = Walk::new(max_seq, CUTOFF);
        times.into_iter().for_each(|time| walk.message(time));
        walk.end()
    }

    fn times(old: usize, new: usize) -> impl Iterator<Item = SendTime> {
        std::iter::repeat_n(OLD, old).chain(std::iter::repeat_n(NEW, new))
    }

    #[test]
    fn whole_documents_go_and_one_new_message_saves_its_own() {
        assert_eq!(loss(0, times(250, 0)), Loss { deleted: 250, hidden: 0 });
        assert_eq!(loss(0, times(250, 1)), Loss { deleted: 200, hidden: 0 });
        assert_eq!(loss(0, times(0, 300)), Loss::default());
        assert_eq!(loss(0, []), Loss::default());
    }

    #[test]
    fn a_deleted_document_hides_what_stands_below_it() {
        // A second pass brought older messages: new ones stand below old ones.
        let times = times(0, 100).chain(times(100, 0));
        assert_eq!(loss(0, times), Loss { deleted: 100, hidden: 100 });
    }

    #[test]
    fn a_document_shared_with_others_is_taken_for_kept() {
        assert_eq!(loss(50, times(150, 0)), Loss { deleted: 100, hidden: 50 });
        assert_eq!(loss(100, times(100, 0)), Loss { deleted: 100, hidden: 0 });
    }

    #[test]
    fn the_cutoff_counts_days_back_from_the_next_night() {
        const DAY: i64 = 86_400_000;
        assert_eq!(cutoff(SendTime(400 * DAY), 365), SendTime(36 * DAY));
        assert_eq!(cutoff(SendTime(DAY), i64::MAX).0, 2 * DAY - i64::MAX);
    }

    proptest! {
        /// Against the rule put down literally: all seqs in a table, documents cut out of it.
        #[test]
        fn as_the_rule_says(max_seq in 0i64..250, times in prop::collection::vec(998i64..1003, 0..450)) {
            let mut documents = std::collections::BTreeMap::<i64, Vec<Option<i64>>>::new();
            for seq in 1..=max_seq {
                documents.entry((seq - 1) / 100).or_default().push(None);
            }
            for (seq, time) in (max_seq + 1..).zip(&times) {
                documents.entry((seq - 1) / 100).or_default().push(Some(*time));
            }
            let goes = |d: &Vec<Option<i64>>| d.iter().all(|m| m.is_some_and(|t| t <= 1000));
            let ours = |d: &Vec<Option<i64>>| d.iter().flatten().count() as u64;
            let last = documents.iter().filter(|(_, d)| goes(d)).map(|(n, _)| *n).next_back();
            let want = Loss {
                deleted: documents.values().filter(|d| goes(d)).map(ours).sum(),
                hidden: documents.iter().filter(|(n, d)| !goes(d) && Some(**n) < last).map(|(_, d)| ours(d)).sum(),
            };
            prop_assert_eq!(loss(max_seq, times.into_iter().map(SendTime)), want);
        }
    }
}
