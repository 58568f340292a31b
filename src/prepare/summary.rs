//! What came out of a pass: the figures that `check` shows and the job keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Severity;

/// What came out of a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of the pass, from 1.
    pub pass: u32,
    /// Records that were read; the first shard counts those of all.
    #[serde(default)]
    pub records: u64,
    /// Messages that this pass added.
    pub messages: u64,
    /// Conversations they belong to.
    pub conversations: u64,
    /// Bytes of their records in the spool.
    pub bytes: u64,
    /// Time of the earliest, ms since 1970.
    pub first_time: Option<i64>,
    /// Time of the latest, ms since 1970.
    pub last_time: Option<i64>,
    /// Messages that can't be sent; they stand in `rejected.jsonl`.
    pub rejected: u64,
    /// Records of which no message could be made; they stand in `rejected.jsonl` as well.
    pub unmapped: u64,
    /// Errors seen in records that another shard has in its figures: nothing is sent while there is one. At least so
    /// many: what shows only where a conversation is put together, its own shard finds.
    #[serde(default)]
    pub elsewhere: u64,
    /// Rejects of earlier passes that were mended and came with this one.
    #[serde(default)]
    pub mended: u64,
    /// Records that were left out on purpose, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Files of folders and archives that were not read, by reason.
    #[serde(default)]
    pub unread: BTreeMap<String, Unread>,
    /// Messages that the sources have more than once, and that are kept once.
    pub duplicates_in_source: u64,
    /// Messages that an earlier pass has.
    pub known: u64,
    /// Messages that are older than what an earlier pass gave their conversation.
    pub older: u64,
    /// Messages with the time of the one before them.
    pub same_time: u64,
    /// Messages that are sent later than the export says, so that times rise (law 15).
    pub spread: u64,
    /// By how much at most, ms.
    #[serde(default)]
    pub spread_most: u64,
    /// Messages of conversations that are sent behind what people have written, with times of then.
    #[serde(default)]
    pub behind: u64,
    /// What became of replies.
    pub replies: Replies,
    /// Media in `media-to-upload.csv` that nobody has put anywhere yet.
    #[serde(default)]
    pub to_upload: u64,
    /// Pictures of users and groups that lie in the export.
    #[serde(default)]
    pub faces: u64,
    /// What the export tells of people besides their messages.
    #[serde(default)]
    pub told: Told,
    /// Everything found, by code: errors first, then by count.
    pub findings: Vec<Counted>,
}

/// What the export tells of people besides their messages; each of these is a file in the job's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Groups whose members it names: `groups.jsonl`.
    pub groups: u64,
    /// Users whose friends it names: `friends.jsonl`.
    pub friends: u64,
    /// Users who have blocked somebody: `blacks.jsonl`.
    pub blacks: u64,
    /// How far users have read: `read-positions.jsonl`.
    pub read: u64,
    /// Users whose e-mail it tells: `emails.jsonl`.
    #[serde(default)]
    pub emails: u64,
    /// Groups and members that may not write: `mutes.jsonl`.
    #[serde(default)]
    pub mutes: u64,
    /// Conversations for which people have set something: `conversation-settings.jsonl`.
    #[serde(default)]
    pub kept: u64,
}

/// Files that were not read for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What the reason means.
    pub means: String,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<String>,
}

/// What became of replies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies {
    /// Go out quoting the message they answer.
    pub quoting: u64,
    /// Go out as text with the quoted words, by reason: `release`, or the code of a finding.
    pub as_text: BTreeMap<String, u64>,
}

/// Findings of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its stable name.
    pub code: String,
    /// Whether it stops the run.
    pub severity: Severity,
    /// What it means.
    pub means: String,
    /// How to mend it.
    pub mend: String,
    /// How many there are.
    pub count: u64,
    /// Where the first is: `posts.csv:17`; empty if it is about no place.
    pub first_place: String,
    /// What was seen there.
    pub first_value: String,
}

impl Summary {
    /// Findings that stop the run.
    pub fn errors(&self) -> u64 {
        self.count(Severity::Error)
    }

    /// Findings worth knowing.
    pub fn warnings(&self) -> u64 {
        self.count(Severity::Warning)
    }

    /// Reads what the job kept of a pass.
    ///
    /// # Errors
    /// The parser's words, where it isn't one of ours.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Records that can't be sent, after this pass: those of the passes before it, and of this one, less those that it
    /// mended.
    pub fn unsendable_after(&self, before: u64) -> u64 {
        (before + self.rejected + self.unmapped).saturating_sub(self.mended)
    }

    fn count(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|counted| counted.severity == severity).map(|counted| counted.count).sum()
    }
}
