//! The order in which an app gets a page: sorted by time alone, by a sort that is not stable.
//!
//! The app's next page begins below the first message, so of equal times it matters which one comes first. This is the
//! pattern-defeating quicksort of Go's `sort.Sort`, with its choices of pivots, as far as lists of up to 49 can take it;
//! on longer ones it would take medians of more elements. Up to twelve elements are sorted by insertion, and keep
//! their order. The same permutations as Go's own, list by list: the test has some of them.

/// Sorts as the client does.
pub fn sort_by_time<T>(list: &mut [T], time: impl Fn(&T) -> i64) {
    let less = |a: &T, b: &T| time(a) < time(b);
    let end = list.len();
    let patience = usize::BITS - end.leading_zeros();
    Sort { list, less }.range(0, end, patience);
}

/// Up to so many are sorted by insertion.
const FEW: usize = 12;

struct Sort<'l, T, L> {
    list: &'l mut [T],
    less: L,
}

impl<T, L: Fn(&T, &T) -> bool> Sort<'_, T, L> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.list[a], &self.list[b])
    }

    /// `patience`: after so many bad pivots it becomes a heap sort.
    fn range(&mut self, mut from: usize, mut to: usize, mut patience: u32) {
        let (mut is_balanced, mut was_split_already) = (true, true);
        while to - from > FEW {
            if patience == 0 {
                return self.heap(from, to);
            }
            if !is_balanced {
                self.break_patterns(from, to);
                patience -= 1;
            }
            let (pivot, swaps) = self.pivot(from, to);
            if is_balanced && was_split_already && swaps == 0 && self.is_sorted(from, to) {
                return;
            }
            // What stands before is no smaller: nothing is smaller than the pivot, and what equals it is done with.
            if from > 0 && !self.less(from - 1, pivot) {
                from = self.split_equal(from, to, pivot);
                continue;
            }
            let (middle, was_split) = self.split(from, to, pivot);
            was_split_already = was_split;
            let (left, right) = (middle - from, to - middle);
            is_balanced = left.min(right) >= (to - from) / 8;
            if left < right {
                self.range(from, middle, patience);
                from = middle + 1;
            } else {
                self.range(middle + 1, to, patience);
                to = middle;
            }
        }
        for n in from + 1..to {
            for at in (from + 1..=n).rev() {
                if !self.less(at, at - 1) {
                    break;
                }
                self.list.swap(at, at - 1);
            }
        }
    }

    fn is_sorted(&self, from: usize, to: usize) -> bool {
        (from + 1..to).all(|at| !self.less(at, at - 1))
    }

    /// The median of three, and how often two of them stood the wrong way round.
    fn pivot(&self, from: usize, to: usize) -> (usize, u32) {
        let quarter = (to - from) / 4;
        let mut three = [from + quarter, from + 2 * quarter, from + 3 * quarter];
        let mut swaps = 0;
        for at in [0, 1, 0] {
            if self.less(three[at + 1], three[at]) {
                three.swap(at, at + 1);
                swaps += 1;
            }
        }
        (three[1], swaps)
    }

    /// What is smaller than the pivot, the pivot, what is not; its place, and whether all stood so already.
    fn split(&mut self, from: usize, to: usize, pivot: usize) -> (usize, bool) {
        self.list.swap(from, pivot);
        let (mut low, mut high) = (from + 1, to - 1);
        let mut was_split = true;
        loop {
            while low <= high && self.less(low, from) {
                low += 1;
            }
            while low <= high && !self.less(high, from) {
                high -= 1;
            }
            if low > high {
                break;
            }
            was_split = false;
            self.list.swap(low, high);
            low += 1;
            high -= 1;
        }
        self.list.swap(high, from);
        (high, was_split)
    }

    /// What equals the pivot in front; where the rest begins.
    fn split_equal(&mut self, from: usize, to: usize, pivot: usize) -> usize {
        self.list.swap(from, pivot);
        let (mut low, mut high) = (from + 1, to - 1);
        loop {
            while low <= high && !self.less(from, low) {
                low += 1;
            }
            while low <= high && self.less(from, high) {
                high -= 1;
            }
            if low > high {
                return low;
            }
            self.list.swap(low, high);
            low += 1;
            high -= 1;
        }
    }

    fn heap(&mut self, from: usize, to: usize) {
        let length = to - from;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift_down(root, from, length);
        }
        for end in (0..length).rev() {
            self.list.swap(from, from + end);
            self.sift_down(0, from, end);
        }
    }

    fn sift_down(&mut self, mut root: usize, from: usize, length: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(from + child, from + child + 1) {
                child += 1;
            }
            if !self.less(from + root, from + child) {
                return;
            }
            self.list.swap(from + root, from + child);
            root = child;
        }
    }

    /// Three elements of the middle change places with others, by chance that is the same for each length.
    fn break_patterns(&mut self, from: usize, to: usize) {
        let length = to - from;
        let mut chance = length as u64;
        let places = (length + 1).next_power_of_two();
        let middle = from + length / 4 * 2;
        for n in 0..3 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let other = usize::try_from(chance & (places as u64 - 1)).unwrap_or(0);
            let other = if other >= length { other - length } else { other };
            self.list.swap(middle + n - 1, from + other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go 1.26 made of the same hundred thousand lists, half of them falling, all with equal times.
    const BY_GO: u64 = 6_308_814_855_613_464_776;

    #[test]
    fn as_go_sorts() {
        let mut state = 15_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let mut hash = 14_695_981_039_346_656_037_u64;
        for _ in 0..100_000 {
            let (length, kinds) = (next() % 50, 1 + next() % 30);
            let falls = next().is_multiple_of(2);
            let mut times: Vec<u64> = (0..length).map(|_| next() % kinds).collect();
            if falls {
                times.sort_unstable_by(|a, b| b.cmp(a));
            }
            let mut list: Vec<(u64, u64)> = times.into_iter().zip(0..).collect();
            sort_by_time(&mut list, |one| one.0.cast_signed());
            assert!(list.is_sorted_by_key(|one| one.0));
            for (_, at) in list {
                hash = (hash ^ at).wrapping_mul(1_099_511_628_211);
            }
        }
        assert_eq!(hash, BY_GO);
    }
}
