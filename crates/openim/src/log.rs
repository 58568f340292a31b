//! The server's log of a conversation: how long it is, how far reading does no harm, reading, deleting.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::{data_of, null_is_default, text};
use crate::message::{Ids, MsgId, SendTime, Seq};

/// As many conversations as one [`Client::seqs`] asks about (contract, section 5).
pub const ACTIVE_AT_ONCE: usize = 500;

/// So many messages share a stored document (law 7).
pub const DOCUMENT: i64 = 100;

const SEQS: &str = "/msg/get_conversations_has_read_and_max_seq";
const PULL: &str = "/msg/pull_msg_by_seq";
const DELETE: &str = "/msg/delete_msg_phsical_by_seq";
const CUT: &str = "/msg/clear_conversation_msg";
const SET_READ: &str = "/msg/set_conversation_has_read_seq";

/// Where a conversation stands, as one user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Seqs {
    /// How far the user has read. Asked as a sender: his newest message that was *written*, the safe bound
    /// for reading back (law 3).
    #[serde(deserialize_with = "null_is_default")]
    pub has_read_seq: i64,
    /// The newest number that was handed out; what has it may not be written yet (law 3).
    #[serde(deserialize_with = "null_is_default")]
    pub max_seq: i64,
    /// When that was, by the server's clock.
    #[serde(deserialize_with = "null_is_default")]
    pub max_seq_time: i64,
}

/// Slots of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range<'a> {
    /// The conversation.
    pub conversation: &'a str,
    /// First slot.
    pub from: Seq,
    /// Last slot.
    pub to: Seq,
}

/// The ranges in which slots are read, from `from` to `last`, of about `most` each; none where `from` is behind `last`.
///
/// Whoever reads an empty slot first has the server date it, for a day, for everybody; and the server searches
/// wrongly for a multiple of 100 that is the highest empty slot of a request: a hole from 195 to 205 read as 101 to 200
/// kept whole pages from users (law 15, measured). So a range ends elsewhere; a last slot that is one is read by
/// itself, after what lies below it.
pub fn pages(from: Seq, last: Seq, most: i64) -> impl Iterator<Item = (Seq, Seq)> + Send {
    let mut next = from;
    std::iter::from_fn(move || {
        let from = (next <= last).then_some(next)?;
        let to = page_end(from, last, most);
        next = Seq(to.0 + 1);
        Some((from, to))
    })
}

/// Where the first of [`pages`] ends.
pub fn page_end(from: Seq, last: Seq, most: i64) -> Seq {
    let end = from.0.saturating_add(most.max(1) - 1).min(last.0);
    match end % DOCUMENT {
        0 if end > from.0 => Seq(end - 1),
        0 if end < last.0 => Seq(end + 1),
        _ => Seq(end),
    }
}

/// What was read back, unparsed: [`read_pulled`] borrows from it.
#[derive(Debug, Clone)]
pub struct Pulled(Bytes);

/// One slot of the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord<'a> {
    /// Its number.
    pub seq: i64,
    /// 4: empty (deleted, or hidden by law 3).
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: i32,
    /// `serverMsgID`; empty in an empty slot.
    #[serde(rename = "serverMsgID", borrow, default, deserialize_with = "text")]
    pub server_id: Cow<'a, str>,
    /// `clientMsgID`; empty in an empty slot.
    #[serde(rename = "clientMsgID", borrow, default, deserialize_with = "text")]
    pub client_id: Cow<'a, str>,
    /// `sendID`.
    #[serde(rename = "sendID", borrow, default, deserialize_with = "text")]
    pub sender: Cow<'a, str>,
    /// `contentType`; 2101 once it was revoked (law 13).
    #[serde(default, deserialize_with = "null_is_default")]
    pub content_type: i32,
    /// `sendTime`, ms.
    #[serde(default, deserialize_with = "null_is_default")]
    pub send_time: i64,
    /// `content`, base64.
    #[serde(borrow, default, deserialize_with = "text")]
    pub content: Cow<'a, str>,
    /// `ex`.
    #[serde(borrow, default, deserialize_with = "text")]
    pub ex: Cow<'a, str>,
}

impl LogRecord<'_> {
    /// Nothing stands there (any more).
    pub fn is_empty(&self) -> bool {
        self.server_id.is_empty()
    }

    /// What it says is given: not to a user who deleted it for himself, who gets names, sender and time alone (law 13).
    pub fn is_shown(&self) -> bool {
        !self.content.is_empty()
    }

    /// The names the server gave it.
    pub fn ids(&self) -> Ids {
        Ids { server: MsgId::new(&self.server_id), client: MsgId::new(&self.client_id) }
    }

    /// `sendTime`.
    pub fn time(&self) -> SendTime {
        SendTime(self.send_time)
    }

    /// `content` as the server stores it; empty where it is no base64.
    pub fn content(&self) -> Vec<u8> {
        STANDARD.decode(&*self.content).unwrap_or_default()
    }
}

/// Records by conversation, in order of seq. A slot that is left out was not looked at by the server: the
/// user is no participant, or his record of the conversation is not made yet.
pub type Records<'a> = Vec<(String, Vec<LogRecord<'a>>)>;

/// Reads what was pulled: a plain function of bytes, for the fuzzer as well.
pub fn read_pulled(body: &[u8]) -> Result<Records<'_>, CallError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Data<'a> {
        #[serde(borrow, deserialize_with = "null_is_default")]
        msgs: HashMap<String, Option<Messages<'a>>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Messages<'a> {
        #[serde(rename = "Msgs", borrow, deserialize_with = "null_is_default")]
        records: Vec<LogRecord<'a>>,
    }
    // What the parser says can quote the answer.
    let data: Data<'_> = data_of(body)
        .map_err(|error| CallError::Unreadable { path: PULL, why: super::redact(&error.to_string()) })?;
    let mut all: Records<'_> =
        data.msgs.into_iter().map(|(name, messages)| (name, messages.unwrap_or_default().records)).collect();
    for (_, records) in &mut all {
        records.sort_by_key(|record| record.seq);
    }
    Ok(all)
}

impl Pulled {
    /// The records by conversation.
    pub fn records(&self) -> Result<Records<'_>, CallError> {
        read_pulled(&self.0)
    }

    /// The records of one conversation, in order of seq.
    pub fn of(&self, conversation: &str) -> Result<Vec<LogRecord<'_>>, CallError> {
        let found = self.records()?.into_iter().find(|(name, _)| name == conversation);
        Ok(found.map_or_else(Vec::new, |(_, records)| records))
    }
}

impl Client {
    /// Where conversations stand, as `user` sees them, in the order asked; at most [`ACTIVE_AT_ONCE`].
    /// One that the server doesn't know has zeros.
    pub async fn seqs(&self, user: &str, conversations: &[&str]) -> Result<Vec<Seqs>, CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userID")]
            user: &'a str,
            #[serde(rename = "conversationIDs")]
            conversations: &'a [&'a str],
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            seqs: HashMap<String, Seqs>,
        }
        // An empty list asks for all conversations of the user.
        if conversations.is_empty() {
            return Ok(Vec::new());
        }
        let body = self.call_raw(SEQS, &Ask { user, conversations }).await?;
        let Got { seqs: got } = data_of(&body)
            .map_err(|error| CallError::Unreadable { path: SEQS, why: super::redact(&error.to_string()) })?;
        Ok(conversations.iter().map(|name| got.get(*name).copied().unwrap_or_default()).collect())
    }

    /// Reads slots back as `user`, a participant of all these conversations; each at most once.
    ///
    /// The caller keeps to the safe bound: reading a slot before it is written hides its message from
    /// everybody for 24 hours (law 3).
    pub async fn pull(&self, user: &str, ranges: &[Range<'_>]) -> Result<Pulled, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "userID")]
            user: &'a str,
            seq_ranges: Vec<One<'a>>,
            order: i32,
        }
        #[derive(Serialize)]
        struct One<'a> {
            #[serde(rename = "conversationID")]
            conversation: &'a str,
            begin: i64,
            end: i64,
            // Caps the answer and keeps the *last* of the range.
            num: i64,
        }
        let seq_ranges = ranges
            .iter()
            .map(|range| One {
                conversation: range.conversation,
                begin: range.from.0,
                end: range.to.0,
                num: range.to.0 - range.from.0 + 1,
            })
            .collect();
        Ok(Pulled(self.call_raw(PULL, &Ask { user, seq_ranges, order: 0 }).await?))
    }

    /// Deletes slots, for everybody. They stay as empty ones.
    pub async fn delete(&self, conversation: &str, seqs: &[Seq]) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "conversationID")]
            conversation: &'a str,
            seqs: Vec<i64>,
        }
        let seqs = seqs.iter().map(|seq| seq.0).collect();
        self.tell(DELETE, &Ask { conversation, seqs }).await
    }

    /// Cuts a conversation off for everybody: what it has up to now is read by nobody any more, and clients that come
    /// later don't page into it. `user` is any member, who has read it all by that; maxSeq stays, nothing appears in
    /// the log, the content stays in the store. There is no way back.
    pub async fn cut(&self, user: &str, conversation: &str) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userID")]
            user: &'a str,
            #[serde(rename = "conversationIDs")]
            conversations: [&'a str; 1],
            #[serde(rename = "deleteSyncOpt")]
            sync: Sync,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Sync {
            is_sync_self: bool,
            is_sync_other: bool,
        }
        let sync = Sync { is_sync_self: true, is_sync_other: true };
        self.tell(CUT, &Ask { user, conversations: [conversation], sync }).await
    }

    /// Moves a user's read position forward. Beyond `maxSeq` it is refused (1001); it never moves back.
    pub async fn set_has_read(&self, user: &str, conversation: &str, seq: Seq) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userID")]
            user: &'a str,
            #[serde(rename = "conversationID")]
            conversation: &'a str,
            #[serde(rename = "hasReadSeq")]
            seq: i64,
        }
        self.tell(SET_READ, &Ask { user, conversation, seq: seq.0 }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_range_ends_at_a_multiple_of_100_but_the_last_slot_alone() {
        for last in 1..=420 {
            for most in [1, 2, 50, 100, 200] {
                let (mut next, mut slots) = (1, 0);
                for (Seq(from), Seq(to)) in pages(Seq(1), Seq(last), most) {
                    assert_eq!(from, next);
                    assert!(from <= to && to <= last && to - from <= most);
                    assert!(to % 100 != 0 || (from == to && to == last), "{from} to {to} of {last}");
                    slots += to - from + 1;
                    next = to + 1;
                }
                assert_eq!(slots, last);
            }
        }
    }

    #[test]
    fn nothing_to_see_is_no_error() {
        for data in [r#"{"msgs":null,"notificationMsgs":null}"#, "{}", "null", r#"{"msgs":{"si_a_b":null}}"#]
        {
            let body = format!(r#"{{"errCode":0,"data":{data}}}"#);
            assert!(
                read_pulled(body.as_bytes()).is_ok_and(|all| all.iter().all(|one| one.1.is_empty())),
                "{data}"
            );
        }
        assert!(read_pulled(br#"{"errCode":0}"#).unwrap().is_empty());
    }

    #[test]
    fn an_empty_slot_and_a_message() {
        let body = br#"{"errCode":0,"data":{"msgs":{"si_u1_u2":{"Msgs":[
            {"seq":2,"status":4,"content":null,"serverMsgID":"","clientMsgID":"","sendTime":15,"options":null},
            {"seq":1,"status":0,"content":"eyJjb250ZW50IjoieCJ9","serverMsgID":"a\u0041","clientMsgID":"b",
             "sendID":"u1","contentType":101,"sendTime":1500000000000,"ex":"","atUserIDList":null}
            ],"isEnd":false,"endSeq":0}}}}"#;
        let all = read_pulled(body).unwrap();
        let [(name, records)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(name, "si_u1_u2");
        assert_eq!(
            records.iter().map(|r| (r.seq, r.is_empty())).collect::<Vec<_>>(),
            [(1, false), (2, true)]
        );
        assert_eq!(records[0].content(), br#"{"content":"x"}"#);
        assert_eq!(records[0].ids().server, MsgId::new("aA"));
        assert_eq!(records[0].time(), SendTime(1_500_000_000_000));
    }

    #[test]
    fn what_the_real_servers_answered() {
        let Some(folder) = crate::tests::shared() else { return };
        for file in ["recordings-3.8.3.jsonl", "recordings-main.jsonl"] {
            let text = fs_err::read_to_string(folder.join("contract").join(file)).unwrap();
            let mut slots = 0;
            for line in text.lines() {
                let r: serde_json::Value = serde_json::from_str(line).unwrap();
                if r["path"] == PULL && r["response"]["errCode"] == 0 {
                    // Numbers that differ on every run are masked in the recordings.
                    let body = r["response"].to_string();
                    let body = body.replace("\"<now>\"", "1").replace("\"<createTime>\"", "1");
                    for (_, records) in read_pulled(body.as_bytes()).unwrap() {
                        slots += records.len();
                    }
                }
            }
            assert!(slots > 15, "{slots} in {file}");
        }
    }

    proptest::proptest! {
        #[test]
        fn strange_bytes_are_no_panic(body: Vec<u8>) {
            drop(read_pulled(&body));
        }
    }
}
