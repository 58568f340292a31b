//! What a job holds and what of it is confirmed, added up for the report in constant memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};

use super::error::JobError;
use super::{ConvNo, JobReader, Met, Peers, Reply};

/// So many in the job, so many of them confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// In the job.
    pub held: u64,
    /// Of these, confirmed and not undone.
    pub confirmed: u64,
}

/// A job, added up. What went out once more counts once, as everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Messages.
    pub messages: Pair,
    /// Messages between two users.
    pub in_singles: Pair,
    /// Messages in groups.
    pub in_groups: Pair,
    /// Conversations between two users; "confirmed" are those of which every message is.
    pub singles: Pair,
    /// Groups; the same.
    pub groups: Pair,
    /// By the day on which they were written, in days since 1970 (UTC).
    pub by_day: BTreeMap<i64, Pair>,
    /// By `contentType`; `None`: the texts were removed.
    pub by_type: Option<BTreeMap<i32, Pair>>,
    /// The longest conversations, the longest first.
    pub longest: Vec<(ConvNo, Pair)>,
    /// SHA-256 over the bodies of all confirmed messages, conversation by conversation in the order of sending; `None`: the
    /// texts were removed.
    pub sent: Option<[u8; 32]>,
}

/// Conversations of [`Sums::longest`].
const LONGEST: usize = 20;
const DAY: i64 = 86_400_000;

/// A job that is being added up: to be shown every message of a [walk](JobReader::walk).
#[derive(Debug)]
pub struct Adding {
    sums: Sums,
    undone: HashSet<u32>,
    by_type: BTreeMap<i32, Pair>,
    digest: Sha256,
    has_texts: bool,
    /// The conversation that the walk is in.
    current: Option<(ConvNo, bool, Pair)>,
}

impl Adding {
    /// Nothing of that job yet.
    pub fn up(reader: &JobReader) -> Result<Self, JobError> {
        let undone = reader.rows("SELECT conv FROM undo", [], |row| row.get(0))?.into_iter().collect();
        Ok(Self {
            sums: Sums::default(),
            undone,
            by_type: BTreeMap::new(),
            digest: Sha256::new(),
            has_texts: !reader.is_purged()?,
            current: None,
        })
    }

    /// One message more.
    pub fn add(&mut self, met: &Met<'_>) {
        let is_confirmed = met.receipt.is_some() && !self.undone.contains(&met.conv.0);
        if self.current.is_none_or(|(known, ..)| known != met.conv) {
            self.conversation_ends();
            let is_group = matches!(met.peers, Peers::Group(_));
            self.current = Some((met.conv, is_group, Pair::default()));
        }
        if let Some((.., pair)) = &mut self.current {
            pair.add(is_confirmed);
        }
        self.sums.messages.add(is_confirmed);
        let day = met.entry.written().0.div_euclid(DAY);
        self.sums.by_day.entry(day).or_default().add(is_confirmed);
        if let Some(message) = &met.message {
            let message = match met.entry.reply {
                Reply::AsText => Cow::Owned(message.clone().as_text()),
                _ => Cow::Borrowed(message),
            };
            self.by_type.entry(message.content_type.code()).or_default().add(is_confirmed);
            if is_confirmed {
                self.digest.update(&message.body);
            }
        }
    }

    /// That was all.
    pub fn end(mut self) -> Sums {
        self.conversation_ends();
        if self.has_texts {
            self.sums.by_type = Some(self.by_type);
            self.sums.sent = Some(self.digest.finalize().into());
        }
        self.sums
    }

    fn conversation_ends(&mut self) {
        let Some((conv, is_group, pair)) = self.current.take() else { return };
        let sums = &mut self.sums;
        let (conversations, messages) = if is_group {
            (&mut sums.groups, &mut sums.in_groups)
        } else {
            (&mut sums.singles, &mut sums.in_singles)
        };
        conversations.add(pair.held == pair.confirmed);
        messages.held += pair.held;
        messages.confirmed += pair.confirmed;
        let at = sums.longest.partition_point(|(_, other)| other.held >= pair.held);
        if at < LONGEST {
            sums.longest.insert(at, (conv, pair));
            sums.longest.truncate(LONGEST);
        }
    }
}

impl Pair {
    fn add(&mut self, is_confirmed: bool) {
        self.held += 1;
        self.confirmed += u64::from(is_confirmed);
    }
}
