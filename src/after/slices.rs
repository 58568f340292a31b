//! The time of a history cut into slices with few messages each: so many as the server can count at once.

use crate::message::SendTime;

/// A stretch of time and how many of our messages were written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Its first millisecond.
    pub from: SendTime,
    /// The first millisecond behind it.
    pub to: SendTime,
    /// Messages of ours in it.
    pub messages: u64,
}

/// Cuts time into slices, in rounds: in each, every time is [counted](Self::count) once.
///
/// The messages lie by conversation and not by time, and sorting them all would cost more than a few walks
/// over the index. Two rounds are usual; four reach a millisecond in a history of ten years.
#[derive(Debug)]
pub struct Cutter {
    most: u64,
    /// In order, each ending where the next begins.
    pieces: Vec<Piece>,
    end: i64,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    from: i64,
    messages: u64,
    /// The first and the last time of a message in it; the wrong way round while there is none.
    first: i64,
    last: i64,
    /// Still being counted.
    open: bool,
    /// Never one with the piece before it.
    apart: bool,
}

impl Piece {
    fn new(from: i64) -> Self {
        Self { from, messages: 0, first: i64::MAX, last: i64::MIN, open: true, apart: false }
    }
}

/// Pieces that are counted at once, all together: what bounds the memory.
const PIECES: usize = 1 << 16;

impl Cutter {
    /// For messages from the one time to the other, both included, at most `most` in a slice. A single
    /// millisecond with more than that stays whole. No slice has messages from both sides of `apart` in it.
    pub fn new(first: SendTime, last: SendTime, apart: Option<SendTime>, most: u64) -> Self {
        let end = last.0.saturating_add(1);
        // As good as too many: it is cut up before the first round, unless it is one millisecond.
        let unknown = Piece { messages: u64::MAX, ..Piece::new(first.0.min(end)) };
        let apart = apart.filter(|apart| first.0 < apart.0 && apart.0 < end);
        let behind = apart.map(|apart| Piece { from: apart.0, apart: true, ..unknown });
        let mut cutter =
            Self { most: most.max(1), pieces: [unknown].into_iter().chain(behind).collect(), end };
        cutter.split();
        for piece in &mut cutter.pieces {
            piece.messages = 0;
        }
        cutter
    }

    /// Counts a message. Times outside are somebody else's.
    pub fn count(&mut self, time: SendTime) {
        let behind = self.pieces.partition_point(|piece| piece.from <= time.0);
        let inside = time.0 < self.end;
        if let Some(piece) = behind.checked_sub(1).and_then(|at| self.pieces.get_mut(at))
            && piece.open
            && inside
        {
            piece.messages += 1;
            piece.first = piece.first.min(time.0);
            piece.last = piece.last.max(time.0);
        }
    }

    /// Ends a round; whether another is needed.
    pub fn another_round(&mut self) -> bool {
        for piece in &mut self.pieces {
            piece.open = false;
        }
        self.merge();
        self.split()
    }

    /// The slices, in order, each from its first message to its last: what others wrote before, between and after them is
    /// not counted as ours.
    pub fn slices(&self) -> Vec<Slice> {
        let pieces = self.pieces.iter().filter(|piece| piece.messages > 0);
        pieces
            .map(|piece| Slice {
                from: SendTime(piece.first),
                to: SendTime(piece.last + 1),
                messages: piece.messages,
            })
            .collect()
    }

    /// Neighbours become one as long as they stay below the limit.
    fn merge(&mut self) {
        let most = self.most;
        self.pieces.dedup_by(|next, kept| {
            let both = kept.messages + next.messages;
            let fits = both <= most && !next.apart;
            if fits {
                kept.messages = both;
                kept.first = kept.first.min(next.first);
                kept.last = kept.last.max(next.last);
            }
            fits
        });
    }

    /// Cuts up what is over the limit; whether there was anything.
    fn split(&mut self) -> bool {
        let ends: Vec<i64> = self.pieces.iter().skip(1).map(|piece| piece.from).chain([self.end]).collect();
        let is_heavy = |piece: &Piece, end: i64| piece.messages > self.most && end - piece.from > 1;
        let heavy = self.pieces.iter().zip(&ends).filter(|(piece, end)| is_heavy(piece, **end)).count();
        if heavy == 0 {
            return false;
        }
        let into = i64::try_from((PIECES / heavy).max(2)).unwrap_or(2);
        let mut pieces = Vec::with_capacity(self.pieces.len() + PIECES);
        for (piece, end) in self.pieces.iter().zip(&ends) {
            if is_heavy(piece, *end) {
                let width = (end - piece.from).div_euclid(into).max(1);
                // The last one takes what is left over by the division.
                let count = ((end - piece.from) / width).min(into);
                pieces.extend(
                    (0..count).map(|n| Piece {
                        apart: piece.apart && n == 0,
                        ..Piece::new(piece.from + n * width)
                    }),
                );
            } else {
                pieces.push(*piece);
            }
        }
        self.pieces = pieces;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(times: &[i64], most: u64) -> (Vec<Slice>, u32) {
        let first = times.iter().min().copied().unwrap_or(0);
        let last = times.iter().max().copied().unwrap_or(0);
        let mut cutter = Cutter::new(SendTime(first), SendTime(last), None, most);
        let mut rounds = 0;
        loop {
            rounds += 1;
            for time in times {
                cutter.count(SendTime(*time));
            }
            if !cutter.another_round() {
                return (cutter.slices(), rounds);
            }
        }
    }

    #[test]
    fn ten_years_with_a_burst_take_two_rounds_or_three() {
        const TEN_YEARS: i64 = 10 * 365 * 86_400_000;
        let spread = (0..20_000).map(|n| 1_400_000_000_000 + n * (TEN_YEARS / 20_000));
        let burst = (0..50_000).map(|n| 1_500_000_000_000 + n / 10);
        let times: Vec<i64> = spread.chain(burst).collect();
        let (slices, rounds) = cut(&times, 3000);
        assert!((2..=3).contains(&rounds), "{rounds}");
        assert!(slices.iter().all(|slice| slice.messages <= 3000));
        // Never many more than are needed.
        assert!(slices.len() < 2 * 70_000 / 3000 + 2, "{}", slices.len());
    }

    #[test]
    fn more_of_one_millisecond_than_fit_stay_together() {
        let times = [5, 5, 5, 5, 6];
        let (slices, _) = cut(&times, 2);
        let want = [(5, 6, 4), (6, 7, 1)].map(|(from, to, messages)| Slice {
            from: SendTime(from),
            to: SendTime(to),
            messages,
        });
        assert_eq!(slices, want);
    }

    #[test]
    fn what_went_behind_others_is_not_counted_with_what_stands_before_them() {
        let mut cutter = Cutter::new(SendTime(10), SendTime(1_000_000), Some(SendTime(900_000)), 3000);
        for time in [10, 20, 30, 900_000, 1_000_000] {
            cutter.count(SendTime(time));
        }
        assert!(!cutter.another_round());
        // Nor what others wrote between the two.
        let slice = |from, to, messages| Slice { from: SendTime(from), to: SendTime(to), messages };
        assert_eq!(cutter.slices(), [slice(10, 31, 3), slice(900_000, 1_000_001, 2)]);
    }

    proptest! {
        #[test]
        fn every_message_is_in_one_slice(
            times in prop::collection::vec(prop_oneof![0i64..50, 0i64..1_000_000_000_000], 1..300),
            most in 1u64..40
        ) {
            let (slices, _) = cut(&times, most);
            prop_assert!(slices.windows(2).all(|pair| pair[0].to <= pair[1].from));
            for slice in &slices {
                let inside = times.iter().filter(|t| (slice.from.0..slice.to.0).contains(t)).count() as u64;
                prop_assert_eq!(inside, slice.messages);
                prop_assert!(inside <= most || slice.to.0 - slice.from.0 == 1);
            }
            prop_assert_eq!(slices.iter().map(|s| s.messages).sum::<u64>(), times.len() as u64);
        }
    }
}
