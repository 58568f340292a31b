//! How many records a mapper has spoken of: what was read, whatever became of it.

use crate::message::{Place, SourceNo};

/// Counts records by where they begin. What becomes of a record is told in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    last: Option<(SourceNo, u64)>,
    count: u64,
}

impl Tally {
    /// Something became of the record there: a message, a reason to leave it out, an error.
    pub fn note(&mut self, place: Place) {
        let at = Some((place.source, place.byte));
        self.count += u64::from(self.last != at);
        self.last = at;
    }

    /// Records so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_once_whatever_becomes_of_it() {
        let place = |source, byte, part| Place { source: SourceNo(source), line: 1, byte, part };
        let mut tally = Tally::default();
        for place in [place(0, 0, 0), place(0, 0, 1), place(0, 9, 0), place(1, 9, 0), place(1, 9, 2)] {
            tally.note(place);
        }
        assert_eq!(tally.count(), 3);
    }
}
