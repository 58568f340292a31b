//! `run --canary N`: a few conversations of every kind go first.
//!
//! What a whole import could trip over shows in them within minutes: groups and pairs, long and short, every
//! content type, replies, several passes. The choice follows from the job alone: asked again, it is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::job::{ConvNo, Conversation, JobError, JobReader, Peers, Reply};
use crate::message::{ContentType, Ordinal};

/// The chosen ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Conversations, by number.
    pub conversations: BTreeSet<ConvNo>,
    /// Messages in them.
    pub messages: u64,
    /// What they show.
    pub kinds: BTreeSet<Kind>,
}

/// Something in which conversations differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Two users.
    Single(Size),
    /// A group.
    Group(Size),
    /// A user writes to himself.
    ToSelf,
    /// A content type.
    Type(ContentType),
    /// A message replies to another.
    Reply,
}

/// How long a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// Below 10 messages.
    Tiny,
    /// Below 100: within one window, nearly.
    Small,
    /// Below 10,000.
    Large,
    /// The rest: they decide how long the import takes.
    Giant,
}

/// A conversation that could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub no: ConvNo,
    /// How long.
    pub messages: u64,
    /// What it would show.
    pub kinds: BTreeSet<Kind>,
}

/// Chooses `n` conversations of the job, all of them if there are no more.
///
/// Of each size of pair and group up to 512 conversations are looked into, 64 messages each: a content type
/// that appears elsewhere only is not known to the choice. A conversation that would take minutes by itself is none of
/// them, unless all are so long.
pub fn canary(job: &JobReader, n: usize) -> Result<Canary, JobError> {
    let (short, long): (Vec<_>, Vec<_>) = candidates(job)?.into_iter().partition(|one| one.messages <= LONG);
    Ok(choose(if short.is_empty() { long } else { short }, n))
}

/// A minute, where a server stores some 300 messages a second of one conversation.
const LONG: u64 = 20_000;

/// The pure half: whoever shows most that no other shows yet, the shorter the better; then one of each size
/// in turn.
pub fn choose(mut candidates: Vec<Candidate>, n: usize) -> Canary {
    candidates.sort_by_key(|candidate| (candidate.messages, candidate.no));
    let mut chosen = Canary { conversations: BTreeSet::new(), messages: 0, kinds: BTreeSet::new() };
    while chosen.conversations.len() < n {
        let new = |candidate: &Candidate| candidate.kinds.difference(&chosen.kinds).count();
        // The first of those that show most: the shortest.
        let best = (0..candidates.len()).rev().max_by_key(|i| new(&candidates[*i]));
        let Some(best) = best.filter(|i| new(&candidates[*i]) > 0) else { break };
        chosen.take(candidates.remove(best));
    }
    let mut by_size: BTreeMap<Option<Kind>, Vec<Candidate>> = BTreeMap::new();
    // Longest first, so that the shortest is at the end of each list.
    for candidate in candidates.into_iter().rev() {
        by_size.entry(candidate.kinds.first().copied()).or_default().push(candidate);
    }
    while chosen.conversations.len() < n && !by_size.is_empty() {
        by_size.retain(|_, list| {
            if chosen.conversations.len() < n
                && let Some(candidate) = list.pop()
            {
                chosen.take(candidate);
            }
            !list.is_empty()
        });
    }
    chosen
}

impl Canary {
    fn take(&mut self, candidate: Candidate) {
        self.conversations.insert(candidate.no);
        self.messages += candidate.messages;
        self.kinds.extend(candidate.kinds);
    }
}

/// Conversations looked into, of each size of pair and group.
const LOOKED_INTO: usize = 512;
/// Messages looked at: half from the beginning, half from the end.
const MESSAGES: u64 = 64;

fn candidates(job: &JobReader) -> Result<Vec<Candidate>, JobError> {
    // Of a kind, those whose numbers hash lowest: spread over the job, and the same every time.
    let mut kept: BTreeMap<Kind, BTreeMap<(u64, ConvNo), Conversation>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = job.conversations(after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some(last.no);
        for conversation in page {
            let alike = kept.entry(kind_of(&conversation)).or_default();
            alike.insert((scatter(conversation.no), conversation.no), conversation);
            if alike.len() > LOOKED_INTO {
                alike.pop_last();
            }
        }
    }
    kept.into_values()
        .flat_map(BTreeMap::into_values)
        .map(|conversation| look_into(job, &conversation))
        .collect()
}

fn kind_of(conversation: &Conversation) -> Kind {
    let size = Size::of(conversation.messages);
    match &conversation.peers {
        Peers::Single(..) => Kind::Single(size),
        Peers::Group(_) => Kind::Group(size),
    }
}

fn look_into(job: &JobReader, conversation: &Conversation) -> Result<Candidate, JobError> {
    let mut kinds = BTreeSet::from([kind_of(conversation)]);
    if matches!(&conversation.peers, Peers::Single(a, b) if a == b) {
        kinds.insert(Kind::ToSelf);
    }
    let half = MESSAGES / 2;
    let tail = conversation.messages.saturating_sub(half).max(half);
    for from in [0, tail] {
        let max = usize::try_from(half).unwrap_or(usize::MAX);
        for entry in job.entries(conversation.no, Ordinal(from), max)? {
            if entry.reply != Reply::No {
                kinds.insert(Kind::Reply);
            }
            kinds.insert(Kind::Type(job.message(&entry)?.content_type));
        }
    }
    Ok(Candidate { no: conversation.no, messages: conversation.messages, kinds })
}

/// Fibonacci hashing.
const fn scatter(conv: ConvNo) -> u64 {
    (conv.0 as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Size {
    /// Of a conversation of so many messages.
    pub const fn of(messages: u64) -> Self {
        match messages {
            0..10 => Self::Tiny,
            10..100 => Self::Small,
            100..10_000 => Self::Large,
            _ => Self::Giant,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |size: &Size| match size {
            Size::Tiny => "below 10 messages",
            Size::Small => "below 100",
            Size::Large => "below 10,000",
            Size::Giant => "10,000 and more",
        };
        match self {
            Self::Single(n) => write!(f, "single {}", size(n)),
            Self::Group(n) => write!(f, "group {}", size(n)),
            Self::ToSelf => f.write_str("to oneself"),
            Self::Type(t) => write!(f, "type {}", t.code()),
            Self::Reply => f.write_str("replies"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(no: u32, messages: u64, kinds: impl IntoIterator<Item = Kind>) -> Candidate {
        Candidate { no: ConvNo(no), messages, kinds: kinds.into_iter().collect() }
    }

    const SINGLE: Kind = Kind::Single(Size::Tiny);
    const GROUP: Kind = Kind::Group(Size::Tiny);
    const TEXT: Kind = Kind::Type(ContentType::Text);
    const VOICE: Kind = Kind::Type(ContentType::Voice);

    #[test]
    fn every_kind_by_as_few_and_as_short_as_will_do() {
        let chosen = choose(
            vec![
                candidate(1, 9, [SINGLE, TEXT]),
                candidate(2, 5, [SINGLE, TEXT]),
                candidate(3, 8, [GROUP, TEXT, VOICE]),
                candidate(4, 3, [GROUP, TEXT]),
            ],
            2,
        );
        assert_eq!(chosen.conversations, BTreeSet::from([ConvNo(2), ConvNo(3)]));
        assert_eq!((chosen.messages, chosen.kinds.len()), (13, 4));
    }

    #[test]
    fn the_rest_is_filled_up_from_each_size_in_turn() {
        let singles = (0..10).map(|no| candidate(no, 1, [SINGLE, TEXT]));
        let groups = (10..20).map(|no| candidate(no, 1, [GROUP, TEXT]));
        let chosen = choose(singles.chain(groups).collect(), 6);
        let groups = chosen.conversations.iter().filter(|no| no.0 >= 10).count();
        assert_eq!((chosen.conversations.len(), groups), (6, 3));
    }

    proptest! {
        #[test]
        fn as_many_as_asked_and_everything_there_is_to_show_if_there_is_room(
            kinds in prop::collection::vec((1u64..20_000, prop::collection::btree_set(0usize..6, 1..4)), 0..40),
            n in 0usize..50,
        ) {
            let all = [SINGLE, GROUP, TEXT, VOICE, Kind::Reply, Kind::ToSelf];
            let candidates: Vec<Candidate> = kinds
                .iter()
                .zip(0..)
                .map(|((messages, which), no)| candidate(no, *messages, which.iter().map(|i| all[*i])))
                .collect();
            let there: BTreeSet<Kind> = candidates.iter().flat_map(|c| c.kinds.clone()).collect();
            let chosen = choose(candidates.clone(), n);
            prop_assert_eq!(chosen.conversations.len(), n.min(candidates.len()));
            if n >= there.len() {
                prop_assert_eq!(&chosen.kinds, &there);
            }
            prop_assert_eq!(&chosen, &choose(candidates.into_iter().rev().collect(), n));
        }
    }
}
