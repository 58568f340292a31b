//! What is there twice: a rule over rows with one key, in the order of the sources.
//!
//! With an id: the first stays; what says the same again is left out, what says something else is an error.
//! Without one the text itself is the key, and the n-th equal one within a file is its n-th occurrence: over
//! files and passes the largest count stays, not the sum. Nothing here is remembered beyond one key.

use super::rows::{KeyKind, KeyRow};
use crate::job::{Known, Position, Shard};
use crate::message::SourceNo;

/// Rows with one key, as they go by.
#[derive(Debug)]
pub(super) struct Alike {
    /// Which of the messages are of this job: the others only have an id.
    shard: Shard,
    /// What earlier passes know.
    known: Option<Known>,
    /// The message with that id that is kept.
    first: Option<KeyRow>,
    /// How many equal ones without an id are kept, of all passes.
    times: u64,
    /// Whether an equal one of another file can be the same.
    files_overlap: bool,
    /// The file, and how many equal ones it had so far; all files, if they don't overlap.
    here: (Option<SourceNo>, u64),
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is added.
    New,
    /// It is added, and equals one before it in the same file.
    NewAgain,
    /// This pass has it already.
    Duplicate,
    /// An earlier pass has it.
    Known,
    /// Another message of this pass has its id and says something else.
    Conflict(Position),
    /// A message of an earlier pass has its id and says something else; its record begins there.
    Differs(u64),
}

/// The message that a quoted id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    /// Of this pass.
    Here(Position),
    /// Of an earlier pass; its record begins there.
    Earlier(u64),
    /// There is none.
    Nobody,
}

impl Alike {
    pub(super) fn new(known: Option<Known>, shard: Shard, files_overlap: bool) -> Self {
        let times = match known {
            Some(Known::Times(times)) => times,
            _ => 0,
        };
        Self { shard, known, first: None, times, files_overlap, here: (None, 0) }
    }

    /// What becomes of the next message with this key. Not to be asked about quotes.
    pub(super) fn next(&mut self, row: &KeyRow) -> Verdict {
        if row.kind == KeyKind::Id { self.next_with_id(row) } else { self.next_text(row) }
    }

    /// The message with this id. To be asked when all messages went by.
    pub(super) fn quoted(&self) -> Quoted {
        match (self.known, self.first) {
            (Some(Known::ById { offset, .. }), _) => Quoted::Earlier(offset),
            (_, Some(first)) => Quoted::Here(first.at.0),
            _ => Quoted::Nobody,
        }
    }

    /// What later passes have to know that they don't yet.
    pub(super) fn learnt(&self) -> Option<Known> {
        match (self.known, self.first) {
            (None, Some(first)) if self.shard.has(first.at.0.conv()) => {
                Some(Known::ById { content: first.content, offset: first.at.0.offset() })
            }
            (known, None) if self.times > 0 && known != Some(Known::Times(self.times)) => {
                Some(Known::Times(self.times))
            }
            _ => None,
        }
    }

    fn next_with_id(&mut self, row: &KeyRow) -> Verdict {
        match (self.known, self.first) {
            (Some(Known::ById { content, .. }), _) if content == row.content => Verdict::Known,
            (Some(Known::ById { offset, .. }), _) => Verdict::Differs(offset),
            (_, Some(first)) if first.content == row.content => Verdict::Duplicate,
            (_, Some(first)) => Verdict::Conflict(first.at.0),
            (_, None) => {
                self.first = Some(*row);
                Verdict::New
            }
        }
    }

    fn next_text(&mut self, row: &KeyRow) -> Verdict {
        if self.files_overlap && self.here.0 != Some(row.source) {
            self.here = (Some(row.source), 0);
        }
        self.here.1 += 1;
        let before = match self.known {
            Some(Known::Times(times)) => times,
            _ => 0,
        };
        if self.here.1 <= self.times {
            return if self.here.1 <= before { Verdict::Known } else { Verdict::Duplicate };
        }
        self.times = self.here.1;
        if self.here.1 > 1 { Verdict::NewAgain } else { Verdict::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ConvKey, Key};
    use crate::message::SendTime;
    use crate::prepare::rows::ByOffset;
    use proptest::prelude::*;

    fn row(kind: KeyKind, source: u32, offset: u64, content: u64) -> KeyRow {
        let at = ByOffset(Position::new(ConvKey::group("g"), SendTime(1), offset));
        KeyRow { key: Key::of(b"k"), kind, source: SourceNo(source), at, content }
    }

    fn text(source: u32) -> KeyRow {
        row(KeyKind::Text, source, 0, 0)
    }

    #[test]
    fn the_same_id_again() {
        let mut alike = Alike::new(None, Shard::WHOLE, true);
        let first = row(KeyKind::Id, 0, 5, 1);
        assert_eq!(alike.next(&first), Verdict::New);
        assert_eq!(alike.next(&row(KeyKind::Id, 0, 6, 1)), Verdict::Duplicate);
        assert_eq!(alike.next(&row(KeyKind::Id, 1, 7, 2)), Verdict::Conflict(first.at.0));
        assert_eq!(alike.quoted(), Quoted::Here(first.at.0));
        assert_eq!(alike.learnt(), Some(Known::ById { content: 1, offset: 5 }));
    }

    #[test]
    fn the_same_id_in_a_later_pass() {
        let mut alike = Alike::new(Some(Known::ById { content: 1, offset: 5 }), Shard::WHOLE, true);
        assert_eq!(alike.next(&row(KeyKind::Id, 7, 90, 1)), Verdict::Known);
        assert_eq!(alike.next(&row(KeyKind::Id, 7, 91, 2)), Verdict::Differs(5));
        assert_eq!(alike.quoted(), Quoted::Earlier(5));
        assert_eq!(alike.learnt(), None);
    }

    #[test]
    fn equal_texts_the_largest_count_not_the_sum() {
        let mut alike = Alike::new(None, Shard::WHOLE, true);
        let sources = [0, 0, 1, 1, 1, 2];
        assert_eq!(
            sources.map(|source| alike.next(&text(source))),
            [
                Verdict::New,
                Verdict::NewAgain,
                Verdict::Duplicate,
                Verdict::Duplicate,
                Verdict::NewAgain,
                Verdict::Duplicate
            ]
        );
        assert_eq!(alike.learnt(), Some(Known::Times(3)));
        // The next pass, with two of them in one file and four in another.
        let mut alike = Alike::new(Some(Known::Times(3)), Shard::WHOLE, true);
        assert_eq!(alike.learnt(), None);
        assert_eq!([7, 7].map(|source| alike.next(&text(source))), [Verdict::Known; 2]);
        assert_eq!(
            [8; 4].map(|source| alike.next(&text(source))),
            [Verdict::Known, Verdict::Known, Verdict::Known, Verdict::NewAgain]
        );
        assert_eq!([9; 4].map(|source| alike.next(&text(source)))[3], Verdict::Duplicate);
        assert_eq!(alike.learnt(), Some(Known::Times(4)));
    }

    #[test]
    fn files_that_do_not_overlap_have_as_many_as_all_of_them() {
        let mut alike = Alike::new(None, Shard::WHOLE, false);
        let verdicts = [0, 0, 1, 2].map(|source| alike.next(&text(source)));
        assert_eq!(verdicts, [Verdict::New, Verdict::NewAgain, Verdict::NewAgain, Verdict::NewAgain]);
        assert_eq!(alike.learnt(), Some(Known::Times(4)));
        // All of them read again, in a later pass, are the same.
        let mut alike = Alike::new(Some(Known::Times(4)), Shard::WHOLE, false);
        assert_eq!([3, 4, 5, 6].map(|source| alike.next(&text(source))), [Verdict::Known; 4]);
        // An id is one message, wherever it stands.
        let mut alike = Alike::new(None, Shard::WHOLE, false);
        assert_eq!(alike.next(&row(KeyKind::Id, 0, 5, 1)), Verdict::New);
        assert_eq!(alike.next(&row(KeyKind::Id, 1, 6, 1)), Verdict::Duplicate);
    }

    proptest! {
        #[test]
        fn texts_against_a_count_by_file(passes in prop::collection::vec(prop::collection::vec(0u64..4, 0..4), 1..4)) {
            let (mut known, mut source, mut largest) = (None, 0, 0);
            for pass in passes {
                let mut alike = Alike::new(known, Shard::WHOLE, true);
                let mut new = 0;
                for count in &pass {
                    source += 1;
                    for _ in 0..*count {
                        new += u64::from(matches!(alike.next(&text(source)), Verdict::New | Verdict::NewAgain));
                    }
                }
                let now = largest.max(pass.into_iter().max().unwrap_or(0));
                prop_assert_eq!(new, now - largest);
                largest = now;
                known = alike.learnt().or(known);
                prop_assert_eq!(known, (largest > 0).then_some(Known::Times(largest)));
            }
        }
    }
}
