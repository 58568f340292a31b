//! What `verify` can find: each kind with its name, whether it fails the verification, and how it is mended.

use std::fmt;

use serde::Serialize;

/// How the server's log and the job differ in one message.
///
/// The names are stable: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Ours, and nowhere in the log.
    Missing,
    /// A second copy of one of ours: the server's own (law 5), one of ours, or one that came back (law 14).
    Doubled,
    /// Its slot is empty for everybody, and the store has it (law 3).
    Hidden,
    /// Its slot is empty for everybody; whether it is hidden or deleted, the log alone does not say.
    Empty,
    /// Its ids are there with another content, type, sender or time.
    Changed,
    /// It can be read, and the store doesn't have it (law 8).
    NotStored,
    /// It stands behind a message that it should precede.
    OutOfPlace,
    /// The job itself has it behind a message that it should precede: it was sent late.
    Late,
    /// On its way: it is there, and the job has not confirmed it yet, or is about to delete it.
    Unsettled,
    /// A user took it back (law 13).
    Revoked,
    /// Somebody else's.
    Foreign,
}

impl Kind {
    /// Every kind, the worst first.
    pub const ALL: [Self; 11] = [
        Self::Missing,
        Self::NotStored,
        Self::Doubled,
        Self::Changed,
        Self::Hidden,
        Self::Empty,
        Self::OutOfPlace,
        Self::Late,
        Self::Unsettled,
        Self::Revoked,
        Self::Foreign,
    ];

    /// Kebab-case, stable.
    pub const fn name(self) -> &'static str {
        self.texts().0
    }

    /// What it means, a lower-case clause.
    pub const fn means(self) -> &'static str {
        self.texts().1
    }

    /// What can be done about it.
    pub const fn mend(self) -> &'static str {
        self.texts().2
    }

    /// Whether the verification fails for it. What users do to their messages, their own ones, and what the job
    /// did on purpose are counted, and are no difference between what was confirmed and what is there.
    pub const fn fails(self) -> bool {
        !matches!(self, Self::Late | Self::Unsettled | Self::Revoked | Self::Foreign)
    }

    #[rustfmt::skip]
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Missing => ("missing", "it is not on the server", "`verify --repair` sends it behind what is there, with a time after the newest"),
            Self::Doubled => ("doubled", "a second copy of it is on the server", "`verify --repair` deletes the second copy"),
            Self::Hidden => ("hidden", "the store has it, and nobody who takes part is shown it: the server's cache hides it, or each of them has cleared the chat", "what the cache hides comes back by itself within 24 hours: verify again then; what stays away was cleared by its own people, and nothing is to be done"),
            Self::Empty => ("empty", "its place in the log is empty: hidden by the cache, or deleted", "`verify --store` tells which; what was deleted `--repair` sends again"),
            Self::Changed => ("changed", "it is there with other content, sender, type or time", "somebody changed it on the server: nothing is done about it"),
            Self::NotStored => ("not-stored", "it can be read, but the store does not have it: it is gone when the cache forgets, within 24 hours", "`verify --store --repair` sends it again, once the store takes messages"),
            Self::OutOfPlace => ("out-of-place", "it stands behind a message that it should precede", "`verify --client` tells whether users can scroll it; nothing is done about it"),
            Self::Late => ("late", "it was sent behind messages that it should precede, as the job knows", "nothing, where its time was set after the newest; `verify --client` tells whether users can scroll it"),
            Self::Unsettled => ("unsettled", "it is there, and a run that was cut off has not confirmed it, or has still to delete it", "`run` goes on, and settles it"),
            Self::Revoked => ("revoked", "a user took it back", "nothing: it is the user's right"),
            Self::Foreign => ("foreign", "somebody else's message among ours", "nothing: it is never touched"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// One difference: a line of `differences.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which.
    pub kind: Kind,
    /// Where on the server.
    pub conversation: String,
    /// Which slot, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Where in the sources, `posts.csv:17`; of somebody else's message, nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The source's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What exactly, a lower-case clause; empty where the kind says all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.conversation)?;
        if let Some(seq) = self.seq {
            write!(f, " seq {seq}")?;
        }
        if let Some(place) = &self.place {
            write!(f, ", {place}")?;
        }
        if let Some(id) = &self.id {
            write!(f, " (id {id})")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// One more of that kind.
    pub fn add(&mut self, kind: Kind, number: u64) {
        self.0[kind as usize] += number;
    }

    /// How many of that kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// How many that fail the verification.
    pub fn failing(&self) -> u64 {
        Kind::ALL.into_iter().filter(|kind| kind.fails()).map(|kind| self.of(kind)).sum()
    }

    /// Those of another part added.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// `2 missing, 1 doubled`; what there is none of is left out.
    pub fn in_words(&self) -> String {
        let some: Vec<String> = Kind::ALL
            .into_iter()
            .filter(|kind| self.of(*kind) > 0)
            .map(|kind| format!("{} {kind}", self.of(kind)))
            .collect();
        some.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_all_there_and_named_apart() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
        let mut counts = Counts::default();
        for kind in Kind::ALL {
            counts.add(kind, 1);
        }
        assert_eq!(counts, Counts([1; Kind::ALL.len()]));
        assert_eq!(counts.failing(), 7);
    }

    #[test]
    fn in_words_and_as_a_line() {
        let difference = Difference {
            kind: Kind::Missing,
            conversation: "si_a_b".into(),
            seq: None,
            place: Some("posts.csv:17".into()),
            id: Some("m1".into()),
            detail: String::new(),
        };
        assert_eq!(difference.to_string(), "missing si_a_b, posts.csv:17 (id m1)");
        assert_eq!(
            serde_json::to_string(&difference).unwrap(),
            r#"{"kind":"missing","conversation":"si_a_b","place":"posts.csv:17","id":"m1"}"#
        );
        let mut counts = Counts::default();
        counts.add(Kind::Doubled, 1);
        counts.add(Kind::Missing, 2);
        assert_eq!(counts.in_words(), "2 missing, 1 doubled");
    }
}
