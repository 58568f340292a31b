//! Receipts: under which names the server has each message, and where. Part of the state, not a log: only
//! they tell a copy that the server made of a confirmed message from a stray of ours.

use rusqlite::{OptionalExtension, params};

use super::error::{InJob, JobError};
use super::packed::{Unpack, put, put_signed, put_text};
use super::{ConvNo, JobReader};
use crate::message::{Ids, MsgId, Ordinal, Seq};

/// A confirmed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which message of the conversation.
    pub ordinal: Ordinal,
    /// Its slot.
    pub seq: Seq,
    /// Its names; unknown where it was hidden before its answer was seen.
    pub ids: Option<Ids>,
    /// The slot reads as empty: deleted, or hidden by law 3.
    pub hidden: bool,
}

const HAS_IDS: u8 = 1;
const HIDDEN: u8 = 2;
const SERVER_TEXT: u8 = 4;
const CLIENT_TEXT: u8 = 8;

/// Where the receipts that begin with this ordinal lie.
pub(super) fn row(conv: ConvNo, first: Ordinal) -> i64 {
    i64::from(conv.0) << 32 | i64::try_from(first.0).unwrap_or(i64::MAX) & 0xffff_ffff
}

/// Receipts of neighbours in one blob: about 36 bytes each.
pub(super) fn pack(receipts: &[Receipt]) -> Vec<u8> {
    let mut out = Vec::with_capacity(receipts.len() * 36);
    let mut before = 0;
    for receipt in receipts {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let text = |id: fn(&Ids) -> &MsgId| {
            receipt.ids.as_ref().is_some_and(|ids| matches!(id(ids), MsgId::Text(_)))
        };
        out.push(
            flag(receipt.ids.is_some(), HAS_IDS)
                | flag(receipt.hidden, HIDDEN)
                | flag(text(|ids| &ids.server), SERVER_TEXT)
                | flag(text(|ids| &ids.client), CLIENT_TEXT),
        );
        put_signed(&mut out, receipt.seq.0 - before);
        before = receipt.seq.0;
        for id in receipt.ids.iter().flat_map(|ids| [&ids.server, &ids.client]) {
            match id {
                MsgId::Hex(bytes) => out.extend_from_slice(bytes),
                MsgId::Text(text) => put_text(&mut out, text),
            }
        }
    }
    out
}

/// What [`pack`] made; `None` if these bytes are not ours.
pub(super) fn unpack(first: Ordinal, data: &[u8]) -> Option<Vec<Receipt>> {
    let mut from = Unpack(data);
    let mut receipts = Vec::new();
    let mut seq = 0;
    while !from.is_empty() {
        let flags = from.byte()?;
        seq += from.signed()?;
        let mut id = |is_text: u8| -> Option<MsgId> {
            Some(if flags & is_text == 0 {
                MsgId::Hex(from.bytes(16)?.try_into().ok()?)
            } else {
                MsgId::Text(from.text()?.into())
            })
        };
        let ids = if flags & HAS_IDS == 0 {
            None
        } else {
            Some(Ids { server: id(SERVER_TEXT)?, client: id(CLIENT_TEXT)? })
        };
        let ordinal = Ordinal(first.0 + receipts.len() as u64);
        receipts.push(Receipt { ordinal, seq: Seq(seq), ids, hidden: flags & HIDDEN != 0 });
    }
    Some(receipts)
}

/// Withdrawn messages: `ordinal`, `seq`, and the two names in one blob.
pub(super) fn pack_ids(ids: &Ids) -> Vec<u8> {
    let mut out = Vec::with_capacity(70);
    for id in [&ids.server, &ids.client] {
        put(&mut out, u64::from(matches!(id, MsgId::Text(_))));
        match id {
            MsgId::Hex(bytes) => out.extend_from_slice(bytes),
            MsgId::Text(text) => put_text(&mut out, text),
        }
    }
    out
}

/// What [`pack_ids`] made.
pub(super) fn unpack_ids(data: &[u8]) -> Option<Ids> {
    let mut from = Unpack(data);
    let mut id = || -> Option<MsgId> {
        Some(match from.number()? {
            0 => MsgId::Hex(from.bytes(16)?.try_into().ok()?),
            _ => MsgId::Text(from.text()?.into()),
        })
    };
    Some(Ids { server: id()?, client: id()? })
}

impl JobReader {
    /// The receipt of one message, if it is confirmed.
    pub fn receipt(&self, conv: ConvNo, ordinal: Ordinal) -> Result<Option<Receipt>, JobError> {
        let found: Option<(i64, Vec<u8>)> = self
            .db
            .prepare_cached(
                "SELECT id, data FROM receipts WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![row(conv, Ordinal(0)), row(conv, ordinal)], |r| {
                        Ok((r.get(0)?, r.get(1)?))
                    })
                    .optional()
            })
            .in_job(self.dir())?;
        let Some((id, data)) = found else { return Ok(None) };
        let receipts = self.unpacked(conv, id, &data)?;
        Ok(receipts.into_iter().find(|receipt| receipt.ordinal == ordinal))
    }

    /// Receipts of a conversation from the ordinal on, about `max` of them: whole blobs.
    pub fn receipts(&self, conv: ConvNo, from: Ordinal, max: usize) -> Result<Vec<Receipt>, JobError> {
        // The blob that holds `from` can begin before it.
        let start: i64 = self
            .db
            .query_row(
                "SELECT coalesce(max(id), ?1) FROM receipts WHERE id BETWEEN ?1 AND ?2",
                params![row(conv, Ordinal(0)), row(conv, from)],
                |r| r.get(0),
            )
            .in_job(self.dir())?;
        let mut statement = self
            .db
            .prepare_cached("SELECT id, data FROM receipts WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
            .in_job(self.dir())?;
        let mut rows =
            statement.query(params![start, row(conv, Ordinal(u64::from(u32::MAX)))]).in_job(self.dir())?;
        let mut receipts = Vec::new();
        while receipts.len() < max
            && let Some(r) = rows.next().in_job(self.dir())?
        {
            let (id, data): (i64, Vec<u8>) = (r.get(0).in_job(self.dir())?, r.get(1).in_job(self.dir())?);
            receipts.extend(self.unpacked(conv, id, &data)?.into_iter().filter(|r| r.ordinal >= from));
        }
        Ok(receipts)
    }

    fn unpacked(&self, conv: ConvNo, id: i64, data: &[u8]) -> Result<Vec<Receipt>, JobError> {
        let first = Ordinal(u64::try_from(id & 0xffff_ffff).unwrap_or(0));
        unpack(first, data)
            .ok_or_else(|| self.damaged(&format!("receipts {} of conversation {}", first.0, conv.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_round_trip() {
        let ids = |server: &str| Ids {
            server: MsgId::new(server),
            client: MsgId::new("0123456789abcdef0123456789abcdef"),
        };
        let receipt = |n: u64, seq, ids, hidden| Receipt { ordinal: Ordinal(n), seq: Seq(seq), ids, hidden };
        let receipts = vec![
            receipt(7, 10, Some(ids("d41d8cd98f00b204e9800998ecf8427e")), false),
            receipt(8, 160, Some(ids("some text")), false),
            receipt(9, 161, None, true),
        ];
        assert_eq!(unpack(Ordinal(7), &pack(&receipts)), Some(receipts.clone()));
        assert_eq!(unpack(Ordinal(7), &pack(&receipts)[..20]), None);
        for receipt in receipts {
            if let Some(ids) = receipt.ids {
                assert_eq!(unpack_ids(&pack_ids(&ids)), Some(ids));
            }
        }
    }
}
