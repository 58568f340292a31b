//! The store itself, behind the cache (law 8): search and counts. Both scan: ask rarely.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::null_is_default;
use crate::message::{Ids, MsgId, SendTime};

/// What to look for in the store. Empty and 0 mean: any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreQuery {
    /// `sendID`. The server takes it as a pattern: compare what comes back.
    #[serde(rename = "sendID")]
    pub sender: String,
    /// `recvID`; of a group, its id.
    #[serde(rename = "recvID")]
    pub receiver: String,
    /// 1 single, 3 group.
    pub session_type: i32,
    /// `contentType`.
    pub content_type: i32,
    /// A day, `2017-07-14`, UTC.
    #[serde(rename = "sendTime")]
    pub day: String,
}

/// A message that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its slot.
    pub seq: i64,
    /// Its names.
    pub ids: Ids,
    /// `sendID`.
    pub sender: String,
    /// `sendTime`.
    pub send_time: SendTime,
    /// `contentType`.
    pub content_type: i32,
    /// `content`, as text.
    pub content: String,
    /// `ex`.
    pub ex: String,
    /// A user took it back (law 13).
    pub revoked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    page_number: i32,
    show_number: i32,
}

impl Client {
    /// Looks for messages in the store: a page of them, from 1, and how many there are in all.
    pub async fn search(
        &self,
        query: &StoreQuery,
        page: i32,
        at_once: i32,
    ) -> Result<(Vec<Found>, i64), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(flatten)]
            query: &'a StoreQuery,
            pagination: Page,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            chat_logs: Vec<Entry>,
            #[serde(deserialize_with = "null_is_default")]
            chat_logs_num: i64,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry {
            chat_log: Log,
            #[serde(default, deserialize_with = "null_is_default")]
            is_revoked: bool,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Log {
            seq: i64,
            #[serde(rename = "serverMsgID", deserialize_with = "null_is_default")]
            server: String,
            #[serde(rename = "clientMsgID", deserialize_with = "null_is_default")]
            client: String,
            #[serde(rename = "sendID", deserialize_with = "null_is_default")]
            sender: String,
            send_time: i64,
            content_type: i32,
            #[serde(deserialize_with = "null_is_default")]
            content: String,
            #[serde(deserialize_with = "null_is_default")]
            ex: String,
        }
        let ask = Ask { query, pagination: Page { page_number: page, show_number: at_once } };
        let got: Option<Got> = self.call("/msg/search_msg", &ask).await?;
        let got = got.unwrap_or_default();
        let found = |Entry { chat_log: log, is_revoked }| Found {
            seq: log.seq,
            ids: Ids { server: MsgId::new(&log.server), client: MsgId::new(&log.client) },
            sender: log.sender,
            send_time: SendTime(log.send_time),
            content_type: log.content_type,
            content: log.content,
            ex: log.ex,
            revoked: is_revoked,
        };
        Ok((got.chat_logs.into_iter().map(found).collect(), got.chat_logs_num))
    }

    /// How many messages the store has with `from <= sendTime < to`, groups included. It gathers them in one
    /// document: ask for ranges of a few thousand messages.
    pub async fn stored_between(&self, from: SendTime, to: SendTime) -> Result<i64, CallError> {
        #[derive(Serialize)]
        struct Ask {
            start: i64,
            end: i64,
            ase: bool,
            group: bool,
            pagination: Page,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            msg_count: i64,
        }
        let pagination = Page { page_number: 1, show_number: 1 };
        let ask = Ask { start: from.0, end: to.0, ase: false, group: true, pagination };
        let got: Option<Got> = self.call("/statistics/user/active", &ask).await?;
        Ok(got.unwrap_or_default().msg_count)
    }

    /// Whether the call with that `operationID` was queued. A hint: kept for 24 hours, and "no" also after a
    /// refusal.
    pub async fn was_queued(&self, operation: &str) -> Result<bool, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            status: i32,
        }
        let got: Option<Got> = self.call_as("/msg/check_msg_is_send_success", operation, &EMPTY).await?;
        Ok(got.unwrap_or_default().status == 2)
    }
}

/// `{}`.
#[derive(Serialize)]
pub(super) struct Empty {}
pub(super) const EMPTY: Empty = Empty {};
