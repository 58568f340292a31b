//! OpenIM itself: the collections of its database as `mongoexport` or `mongodump` writes them, and `chat_logs` of
//! version 2.
//!
//! | in the export | becomes |
//! |---|---|
//! | `msg`: a document has a block of a conversation, a slot a message | message, in the order of `seq` |
//! | 101–106, 110, 118 (where the target takes it) | the same, `content` as it is |
//! | 114 | quote of the message with that `clientMsgID`, with the words it repeats |
//! | 117, and 118 where the target does not take it | 101 |
//! | 107, 108, 109, 115, unknown types | by `[policy]` |
//! | types from 1000 on, 2101, 111, 113, 119, 120, 200–203; conversations `n_…`, `sn_…` | left out (`system-row`, `signal`) |
//! | `revoke`, status 4 · status 5 | left out (`recalled`, or by `[policy]`) · left out (`filtered`) |
//! | `user`, `group`, `group_member`, `friend`, `black` | names and pictures; owners, administrators, members, friends, blocks for `provision` |
//! | `status` 3 of a group, `mute_end_time` of a member; `is_pinned`, `recv_msg_opt` of `conversation` | mutes, pins and bells for `provision` |
//! | remarks, names within a group, notices of groups, burning after reading and the like | counted (`not-carried-over`) |
//! | `seq_user` | read positions for `mark-read` |
//! | `chat_logs` | message; `session_type` 2: group `recv_id` |
//!
//! Traps: a block had 5,000 slots before 3.2 and has 100 since, so that only `seq` tells the place · slots that were
//! never filled are `null` · `send_time` does not rise with `seq` where clients were old or clocks wrong: **such a time
//! is raised to that of the message before**, because apps can't scroll a log whose times fall with `seq`; so
//! files are read twice; one that is more than an hour after the server got it becomes the time at which it did · apps
//! send media without measures, which the server does not take over HTTP · `content` is JSON written as a text · numbers are objects in canonical exports · links of
//! media lead to the old server · version 2 has local times, bare texts, and no group id · read positions are in the
//! database since 3.8 only · what somebody deleted for himself alone (`del_list`) is there for the others.
//!
//! Learnt from openimsdk/open-im-server (`pkg/common/storage`, 3.8.3 and main), openim-sdk-core (`sdk_struct`).

mod medium;
mod message;
mod people;
mod survey;

use std::sync::OnceLock;

use self::survey::Survey;
use super::codes::reason;
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, last, lines_or_json};
use super::recognise::Begins;
use crate::export::{self, ExportError, Found};
use crate::mapping::Sink;

/// OpenIM's own database.
#[derive(Default)]
pub(super) struct OpenIm {
    survey: OnceLock<Survey>,
}

/// Whether a file begins as one of the collections.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let v2 = begins.has(&["client_msg_id"]) && begins.has(&["send_id"]) && begins.has(&["content_type"]);
    begins.is_json() && (begins.has(&["doc_id"]) && begins.has(&["msgs"]) || v2)
        || begins.is_bson() && last(begins.name).starts_with("msg")
        || begins.is_csv(&["client_msg_id", "send_id", "recv_id", "session_type", "content_type"])
}

impl Ordinary for OpenIm {
    const ENDINGS: &'static str = "msg.json, msg.bson and its neighbours, or chat_logs.csv";
    const COLUMNS: &'static [&'static [&'static str]] =
        &[&["send_id", "recv_id", "session_type", "content_type", "content", "send_time"]];

    fn belongs(&self, inside: &str) -> bool {
        let name = last(inside);
        // What `mongodump` writes beside each collection tells of its indexes.
        !name.contains(".metadata.") && matches!(&*super::ending(name), "json" | "jsonl" | "bson" | "csv")
    }

    fn cut(&self, inside: &str, head: &[u8]) -> Cut {
        match &*super::ending(inside) {
            "bson" => Cut::Bson,
            "csv" => {
                // As MySQL itself writes it, with a backslash in front of what is special; other tools double quotes.
                let mysql = memchr::memmem::find(head, b"\\N").is_some();
                let (null, escape) = if mysql { ("\\N", "\\") } else { ("", "") };
                Cut::Csv(export::Csv {
                    null: null.to_owned(),
                    escape: escape.to_owned(),
                    ..export::Csv::default()
                })
            }
            _ => lines_or_json(head),
        }
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let survey = Survey::read(self, found, tools)?;
        // A second reading of the same files finds the same.
        self.survey.get_or_init(|| survey);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let nothing = Survey::default();
        let survey = self.survey.get().unwrap_or(&nothing);
        let has = |keys: &[&str]| keys.iter().all(|key| !matches!(record.get(key), Node::Nothing));
        if has(&["doc_id", "msgs"]) {
            message::block(record, survey, at, tools, sink);
        } else if has(&["send_id", "content_type"]) {
            message::one(record, at, tools, sink);
        } else {
            people::row(record, at.place, survey, sink);
            sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
    }
}

#[cfg(test)]
mod tests;
