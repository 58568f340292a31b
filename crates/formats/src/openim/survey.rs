//! The first reading: the latest time of each block, so that times can rise with `seq` across blocks; and which
//! message each read position stands for.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use super::super::loose::{Object, Objects, Text};
use super::super::node::Node;
use super::super::ordinary::Tools;
use super::OpenIm;
use super::message::{Fate, fate, is_recalled, sent_at};
use crate::export::{ExportError, Found};
use crate::settings::Recalled;

/// What the first reading told. Held in memory: 24 bytes a block of 100 messages, some 150 a read position.
#[derive(Default)]
pub(super) struct Survey {
    /// Hash of the conversation, lowest `seq` of a block, latest time in it and all blocks before; sorted.
    blocks: Vec<(u64, i64, i64)>,
    /// What is later is no time of a message.
    latest: Option<i64>,
    /// Source id of the last message that is sent, by conversation and `read_seq`.
    positions: HashMap<(u64, i64), Option<String>>,
    /// Hashes of the ids of messages that were recalled, and are not sent as they were.
    recalled: HashSet<u64>,
}

/// As much of a document of `msg` as is asked for here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Light<'a> {
    #[serde(borrow)]
    doc_id: Text<'a>,
    #[serde(borrow)]
    msgs: Objects<Slot<'a>>,
    #[serde(borrow)]
    conversation_id: Text<'a>,
    #[serde(borrow)]
    read_seq: Node<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Slot<'a> {
    #[serde(borrow)]
    msg: Object<Message<'a>>,
    revoke: Object<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    seq: Node<'a>,
    #[serde(borrow)]
    send_time: Node<'a>,
    #[serde(borrow)]
    create_time: Node<'a>,
    #[serde(borrow)]
    content_type: Node<'a>,
    #[serde(borrow)]
    status: Node<'a>,
    #[serde(borrow)]
    client_msg_id: Text<'a>,
    #[serde(borrow)]
    server_msg_id: Text<'a>,
}

/// The conversation of a document: what stands before the last colon.
pub(super) fn conversation(doc_id: &str) -> &str {
    doc_id.rsplit_once(':').map_or(doc_id, |(conversation, _)| conversation)
}

impl Survey {
    /// Reads positions first, then messages.
    pub(super) fn read(format: &OpenIm, found: &[Found], tools: &Tools) -> Result<Self, ExportError> {
        // A day, as for all messages: clocks differ.
        let latest = jiff::Timestamp::now().as_millisecond() + 86_400_000;
        let mut survey = Self { latest: Some(latest), ..Self::default() };
        let mut wanted: Vec<(u64, i64)> = Vec::new();
        let is_positions = |file: &&Found| super::last(&file.inside).starts_with("seq");
        for file in found.iter().filter(is_positions) {
            tools.survey(format, file, &mut |text, _| {
                let Ok(row) = serde_json::from_str::<Light<'_>>(text) else { return };
                if let Some(seq) = row.read_seq.int().filter(|seq| *seq > 0) {
                    wanted.push((xxh3_64(row.conversation_id.0.as_bytes()), seq));
                }
            })?;
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut best: Vec<(i64, String)> = vec![(0, String::new()); wanted.len()];
        for file in
            found.iter().filter(|file| !is_positions(file) && super::super::ending(&file.inside) != "csv")
        {
            tools.survey(format, file, &mut |text, _| {
                let Ok(block) = serde_json::from_str::<Light<'_>>(text) else { return };
                let name = conversation(&block.doc_id.0);
                let hash = xxh3_64(name.as_bytes());
                let (mut lowest, mut latest) = (i64::MAX, i64::MIN);
                for slot in &block.msgs.0 {
                    let Some(message) = &slot.msg.0 else { continue };
                    let Some(seq) = message.seq.int() else { continue };
                    let revoked = slot.revoke.0.is_some();
                    let kind = message.content_type.int().unwrap_or(0);
                    if is_recalled(message.status.int(), revoked)
                        && tools.composer.policy().recalled != Recalled::Keep
                    {
                        let ids = [&message.client_msg_id, &message.server_msg_id];
                        survey.recalled.extend(ids.map(|id| xxh3_64(id.0.as_bytes())));
                    }
                    if fate(name, kind, message.status.int(), revoked, *tools.composer.policy()) != Fate::Sent
                    {
                        continue;
                    }
                    lowest = lowest.min(seq);
                    let time = sent_at(&message.send_time, &message.create_time);
                    latest = latest.max(time.filter(|time| survey.believes(*time)).unwrap_or(i64::MIN));
                    let at = wanted.partition_point(|position| *position < (hash, seq));
                    if wanted.get(at).is_some_and(|position| position.0 == hash) && best[at].0 < seq {
                        best[at] = (seq, message.client_msg_id.or(&message.server_msg_id.0).to_owned());
                    }
                }
                if lowest < i64::MAX {
                    survey.blocks.push((hash, lowest, latest));
                }
            })?;
        }
        survey.blocks.sort_unstable();
        for n in 1..survey.blocks.len() {
            let before = survey.blocks[n - 1];
            let block = &mut survey.blocks[n];
            if before.0 == block.0 {
                block.2 = block.2.max(before.2);
            }
        }
        let mut last: (u64, i64, String) = (0, 0, String::new());
        for (position, (seq, id)) in wanted.into_iter().zip(best) {
            if last.0 != position.0 || seq > last.1 {
                last = (position.0, seq, id);
            }
            let id = Some(last.2.clone()).filter(|id| !id.is_empty());
            survey.positions.insert(position, id);
        }
        Ok(survey)
    }

    /// Whether a time is one that later messages have to follow: what lies in the future is refused, and alone.
    pub(super) fn believes(&self, time: i64) -> bool {
        self.latest.is_none_or(|latest| time <= latest)
    }

    /// The latest time in the blocks before the one that begins with that `seq`.
    pub(super) fn floor(&self, conversation: &str, lowest: i64) -> i64 {
        let hash = xxh3_64(conversation.as_bytes());
        let at = self.blocks.partition_point(|block| (block.0, block.1) < (hash, lowest));
        at.checked_sub(1)
            .map(|at| self.blocks[at])
            .filter(|block| block.0 == hash)
            .map_or(i64::MIN, |block| block.2)
    }

    /// Whether the message of that id was recalled: then nobody reads it, also where another one repeats its words.
    pub(super) fn is_recalled(&self, id: &str) -> bool {
        self.recalled.contains(&xxh3_64(id.as_bytes()))
    }

    /// Source id of the last message that somebody has read who has read up to that `seq`.
    pub(super) fn last_read(&self, conversation: &str, seq: i64) -> Option<&str> {
        self.positions.get(&(xxh3_64(conversation.as_bytes()), seq))?.as_deref()
    }
}
