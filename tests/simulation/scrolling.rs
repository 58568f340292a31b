//! The last word on a life: what OpenIM's clients could scroll of it, and by which law not (law 15).

use openim_importer::rehearsal::Within;
use openim_importer::shown::{Breaches, Judgement};

use super::history::History;
use super::judged::judged;

/// Conversations, judged as users see them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scrolling {
    pub(super) conversations: u64,
    /// That depends on who reads first a day later.
    pub(super) fading: u64,
    /// Can't be scrolled to the start.
    pub(super) broken: u64,
    /// Of the broken ones: something older stands behind something newer.
    pub(super) older: u64,
    /// Messages with the time of the one before them.
    pub(super) same_time: u64,
    /// A message stands twice.
    pub(super) copies: u64,
    /// Empty slots are dated out of their place.
    pub(super) hole_dates: u64,
}

/// Judges all conversations of a life.
pub(super) fn scrolling(server: &Within, history: &History) -> Scrolling {
    let mut all = Scrolling::default();
    for conversation in history.conversations() {
        all.add(&judged(&server.log(&conversation)));
    }
    all
}

impl Scrolling {
    fn add(&mut self, judgement: &Judgement) {
        self.conversations += 1;
        match judgement {
            Judgement::Sound | Judgement::Harmless(_) => {}
            Judgement::Fades(..) => self.fading += 1,
            Judgement::Broken(Breaches { older, same_time, copies, hole_dates, .. }, _) => {
                self.broken += 1;
                self.older += u64::from(*older > 0);
                self.same_time += u64::from(*same_time > 0);
                self.copies += u64::from(*copies > 0);
                self.hole_dates += u64::from(*hole_dates > 0);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.fading += other.fading;
        self.broken += other.broken;
        self.older += other.older;
        self.same_time += other.same_time;
        self.copies += other.copies;
        self.hole_dates += other.hole_dates;
    }
}

impl std::fmt::Display for Scrolling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of {} conversations not to be scrolled ({} with something older, {} with equal times, {} with copies, \
             {} with dates of empty slots), {} depend on who reads first tomorrow",
            self.broken,
            self.conversations,
            self.older,
            self.same_time,
            self.copies,
            self.hole_dates,
            self.fading
        )
    }
}
