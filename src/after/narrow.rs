//! The store has fewer or more messages in a stretch of time than it should: which ones lack, in few questions.
//!
//! Counting is the only question the store answers for many messages at once, and each answer is a walk over
//! everything it holds (law 8). So stretches are halved until they are right, empty, or down to messages that
//! can be looked for in no more questions than halving takes.

use crate::log::Lookup;
use crate::message::SendTime;

/// What can be asked of a store.
pub(super) trait Store {
    /// What goes wrong.
    type Error;
    /// A message that should be in it.
    type Message;

    /// How many messages it has with `from <= sendTime < to`, whosoever.
    async fn count(&mut self, from: SendTime, to: SendTime) -> Result<u64, Self::Error>;

    /// In how many questions each of these can be looked for.
    fn questions_for(&self, messages: &[(SendTime, Self::Message)]) -> u64;

    /// Whether it has this one.
    async fn has(&mut self, message: &Self::Message) -> Result<Lookup, Self::Error>;
}

/// A stretch of time and how many messages the store has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) from: SendTime,
    pub(super) to: SendTime,
    pub(super) messages: u64,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Narrowed {
    /// Which of the messages the store doesn't have, as numbers in the list.
    pub(super) missing: Vec<usize>,
    /// How many more lack at least, in stretches that were not looked into any more.
    pub(super) unnamed: u64,
    /// Messages of which it can't be said: others wrote at the same time, or too many are alike.
    pub(super) unsure: u64,
}

/// So many questions, about, halving takes to find one lost stretch among so many messages.
fn halving(messages: usize) -> u64 {
    const LEAST: u64 = 4;
    LEAST.max(2 * u64::from(messages.max(1).ilog2()))
}

/// Finds out which of `ours` (in order of time, all within the stretch) the store lacks. It asks no more than
/// `calls` times, and takes what it asked off that number.
pub(super) async fn narrow<S: Store>(
    store: &mut S,
    whole: Counted,
    ours: &[(SendTime, S::Message)],
    calls: &mut u64,
) -> Result<Narrowed, S::Error> {
    let mut found = Narrowed::default();
    let mut open = vec![(whole, 0, ours.len())];
    while let Some((stretch, from, to)) = open.pop() {
        let here = ours.get(from..to).unwrap_or_default();
        let expected = here.len() as u64;
        let (Some((first, _)), Some((last, _))) = (here.first(), here.last()) else { continue };
        if stretch.messages == expected {
            continue;
        }
        if stretch.messages == 0 {
            found.missing.extend(from..to);
            continue;
        }
        let each = store.questions_for(here);
        let is_last = first == last || each <= halving(here.len());
        if *calls == 0 || (is_last && *calls < each) {
            found.unnamed += expected.saturating_sub(stretch.messages);
            found.unsure += if stretch.messages > expected { expected } else { stretch.messages };
            continue;
        }
        if is_last {
            *calls -= each;
            for (n, (_, message)) in here.iter().enumerate() {
                match store.has(message).await? {
                    Lookup::There => {}
                    Lookup::Absent => found.missing.push(from + n),
                    Lookup::Unsure => found.unsure += 1,
                }
            }
            continue;
        }
        // Not all have the same time, so either the middle one is later than the first, or one behind it is.
        let middle = here[here.len() / 2].0;
        let cut = if middle > *first { middle } else { SendTime(first.0 + 1) };
        let at = from + here.partition_point(|(time, _)| *time < cut);
        *calls -= 1;
        let left = store.count(stretch.from, cut).await?;
        let right = stretch.messages.saturating_sub(left);
        open.push((Counted { from: cut, messages: right, ..stretch }, at, to));
        open.push((Counted { to: cut, messages: left, ..stretch }, from, at));
    }
    found.missing.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// Messages by number, with their times; foreign ones have none.
    struct Naive {
        there: Vec<(i64, Option<usize>)>,
        asked: u64,
    }

    impl Store for Naive {
        type Error = Infallible;
        type Message = usize;

        async fn count(&mut self, from: SendTime, to: SendTime) -> Result<u64, Infallible> {
            self.asked += 1;
            Ok(self.there.iter().filter(|(time, _)| (from.0..to.0).contains(time)).count() as u64)
        }

        fn questions_for(&self, messages: &[(SendTime, usize)]) -> u64 {
            messages.len() as u64
        }

        async fn has(&mut self, message: &usize) -> Result<Lookup, Infallible> {
            self.asked += 1;
            let there = self.there.iter().any(|(_, one)| one == &Some(*message));
            Ok(if there { Lookup::There } else { Lookup::Absent })
        }
    }

    fn run(times: &[i64], lost: &[usize], foreign: &[i64], mut calls: u64) -> (Narrowed, u64) {
        let ours: Vec<_> = times.iter().enumerate().map(|(n, time)| (SendTime(*time), n)).collect();
        let kept = times.iter().enumerate().filter(|(n, _)| !lost.contains(n)).map(|(n, t)| (*t, Some(n)));
        let there: Vec<_> = kept.chain(foreign.iter().map(|time| (*time, None))).collect();
        let mut store = Naive { there, asked: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (from, to) = (SendTime(0), SendTime(100_000));
            let Ok(messages) = store.count(from, to).await;
            let Ok(found) = narrow(&mut store, Counted { from, to, messages }, &ours, &mut calls).await;
            (found, store.asked)
        })
    }

    #[test]
    fn one_of_three_thousand_in_few_questions() {
        let times: Vec<i64> = (0..3000).map(|n| n * 7).collect();
        let (found, asked) = run(&times, &[1234], &[], u64::MAX);
        assert_eq!(found, Narrowed { missing: vec![1234], ..Narrowed::default() });
        assert!(asked < 20, "{asked}");
    }

    #[test]
    fn all_gone_is_one_question() {
        let (found, asked) = run(&[1, 2, 3, 4, 5, 6], &[0, 1, 2, 3, 4, 5], &[], u64::MAX);
        assert_eq!((found.missing.len(), asked), (6, 1));
    }

    #[test]
    fn when_the_questions_end_the_rest_is_counted() {
        let times: Vec<i64> = (0..1000).collect();
        let lost: Vec<usize> = (0..1000).step_by(10).collect();
        let (found, asked) = run(&times, &lost, &[], 20);
        assert!((18..=21).contains(&asked), "{asked}");
        assert_eq!(found.missing.len() as u64 + found.unnamed, 100);
    }

    proptest! {
        /// Unless others' messages make up for ours to the number, which counting can't see.
        #[test]
        fn finds_exactly_what_lacks(
            mut times in prop::collection::vec(0i64..200, 1..60),
            lost in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            times.sort_unstable();
            let mut lost: Vec<usize> = lost.iter().map(|index| index.index(times.len())).collect();
            lost.sort_unstable();
            lost.dedup();
            let (found, _) = run(&times, &lost, &[], u64::MAX);
            prop_assert_eq!(found, Narrowed { missing: lost, ..Narrowed::default() });
        }

        #[test]
        fn others_among_ours_accuse_nobody(
            mut times in prop::collection::vec(0i64..200, 1..60),
            foreign in prop::collection::vec(0i64..200, 0..20),
        ) {
            times.sort_unstable();
            prop_assert_eq!(run(&times, &[], &foreign, u64::MAX).0, Narrowed::default());
        }
    }
}
